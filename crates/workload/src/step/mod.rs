//! One pass of a model through an engine.

pub mod load;
