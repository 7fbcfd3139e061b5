//! Training steps: how long one takes, what fills the memory, what failures leave of the time.
//!
//! - [`layer`] is a layer as operators and transfers; [`gpt`] makes the one that Calculon's files describe;
//! - [`device`] and [`network`] say what operators and transfers take;
//! - [`schedule`] runs the pipeline pass by pass;
//! - [`recipe`] puts it all together, [`step`] predicts it, [`memory`] says what fills the devices;
//! - [`goodput`] is what failures leave; [`job`] is a step for a fabric;
//! - [`calculon`] reads Calculon's files; [`plan`] takes any model and a device of the catalogue, with layers of
//!   [`decoder`].

pub mod calculon;
pub mod decoder;
pub mod device;
pub mod fault;
pub mod goodput;
pub mod gpt;
pub mod job;
#[cfg(test)]
mod job_tests;
pub mod layer;
pub mod memory;
pub mod network;
pub mod plan;
#[cfg(test)]
mod published;
pub mod recipe;
pub mod schedule;
pub mod step;
