//! Workloads: what neural networks and camera pipelines ask of accelerators, and how long that takes.
//!
//! From inside out:
//!
//! - [`format`] is how numbers are stored; [`estimate`] is a time with its band;
//! - [`accelerator`] is what a device can do at best;
//! - [`models`] are networks by their published shapes;
//! - [`edge`] is single streams of tokens on edge devices;
//! - [`step`] is what one pass of a model through an engine consists of.
//!
//! The crate reads no file, prints nothing and knows no clock: texts are handed to it.

pub mod accelerator;
pub mod edge;
pub mod estimate;
pub mod format;
pub mod models;
pub mod pipeline;
pub mod step;
