//! Reports of workloads, one page per question.

pub mod predict;
pub mod roofline;
pub mod serve;
pub mod train;
