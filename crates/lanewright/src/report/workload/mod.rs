//! Reports of workloads, one page per question.

pub mod pipeline;
pub mod predict;
pub mod roofline;
pub mod search;
pub mod serve;
pub mod train;
