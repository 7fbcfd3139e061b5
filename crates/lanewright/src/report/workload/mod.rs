//! Reports of workloads, one page per question.

pub mod serve;
