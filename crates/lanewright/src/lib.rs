//! What the command shows.

pub mod report;
