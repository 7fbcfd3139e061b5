//! Reports of workloads, one page per question.

pub mod roofline;
pub mod serve;
pub mod train;
//! Reports of workloads, one file or folder per question.

pub mod pipeline;
