//! Chakra execution traces (`.et`): what each rank of a job did, one file per rank.
//!
//! The form is that of MLCommons Chakra (`et_def.proto`, read in 2026): a stream of messages, each behind its length, first
//! the metadata of the file, then its nodes. [`wire`] takes the bytes apart, [`trace`] knows nodes and attributes, and
//! [`programs`] makes the files of a job into programs of ranks: computing takes `duration_micros`, sends meet receives by
//! sender, receiver and tag, and collectives of a group meet in the order of each rank's file.

pub mod from_job;
pub mod from_traffic;
pub mod programs;
pub mod trace;
pub mod wire;

pub use from_job::from_job;
pub use from_traffic::{NotATrace, from_traffic};
pub use programs::{Job, job};
pub use trace::{Attribute, Node, Trace, Value, kinds};

#[cfg(test)]
mod tests;
