//! One pass of a model through an engine.

pub mod account;
pub mod engine;
pub mod job;
pub mod load;
pub mod operator;
pub mod operators;
pub mod unmeasured;
