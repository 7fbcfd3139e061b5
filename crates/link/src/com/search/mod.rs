//! The best equaliser of the whole grid, without evaluating all of it.

pub mod bound;
pub mod crosstalk_bound;
