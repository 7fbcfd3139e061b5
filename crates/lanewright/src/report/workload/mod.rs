//! Reports of workloads: one file per page.

pub mod roofline;
