//! Networks by their published shapes.

pub mod transformer;
