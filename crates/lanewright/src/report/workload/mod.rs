//! Reports of workloads, one file or folder per question.

pub mod pipeline;
