//! The best equaliser of the whole grid, without evaluating all of it.

pub mod best_first;
pub mod bound;
pub mod crosstalk_bound;
