//! The command as a user types it.

mod bad_files;
mod command;
mod output;
mod schemas;
