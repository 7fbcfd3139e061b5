//! Language models on edge devices, one token after another.
//!
//! Decoding reads every weight for every token, so that memory bandwidth sets the pace; what a software stack makes of it
//! differs by a factor of two on the same silicon. [`anchors`] are published measurements, [`stack`] the law that each stack
//! follows (two parameters for a device), [`decode`] a prediction with its band and what it rests on.

pub mod anchors;
pub mod decode;
pub mod device;
pub mod model;
pub mod stack;
