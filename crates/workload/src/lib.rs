//! Workloads: what neural networks and camera pipelines ask of accelerators, and how long that takes.
//!
//! From inside out:
//!
//! - [`mod@format`] is how numbers are stored; [`estimate`] is a time with its band;
//! - [`accelerator`] is what a device can do at best;
//! - [`fit`] turns measurements into corrections of physics, with bands and origins;
//! - [`kernel`] is how long one operator takes on one device;
//! - [`models`] are networks by their published shapes;
//! - [`edge`] is single streams of tokens on edge devices;
//! - [`energy`] is watts, joules and dollars per token;
//! - [`step`] is what one pass of a model through an engine consists of;
//! - [`train`] is training: steps, memory, goodput.
//! - [`serve`] is requests over time on engines;
//! - [`search`] is which layout is best under limits;
//! - [`tier`] is memory below the device's own, for caches.
//!
//! The crate reads no file, prints nothing and knows no clock: texts are handed to it.

pub mod accelerator;
pub mod correction;
pub mod edge;
pub mod energy;
pub mod estimate;
pub mod fit;
pub mod format;
pub mod kernel;
pub mod layout;
pub mod models;
pub mod pipeline;
pub mod predict;
pub mod search;
pub mod serve;
pub mod step;
pub mod tier;
pub mod train;
