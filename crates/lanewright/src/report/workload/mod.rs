//! Reports of workloads, one page per question.

pub mod roofline;
pub mod search;
pub mod serve;
