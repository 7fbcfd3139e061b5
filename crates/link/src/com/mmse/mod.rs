//! Receivers of Annex 178A: feed-forward and feedback taps by least mean square error, and sequence detection.

pub mod correlation;
pub mod equalised;
pub mod evaluate;
pub mod floating;
pub mod group;
pub mod instant;
pub mod quantiser;
pub mod receiver;
pub mod script_sequence;
pub mod search;
pub mod sequence;
pub mod settings;
pub mod solve;
pub mod tails;
pub mod toeplitz;

pub use evaluate::{evaluate, referred};

#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod solve_tests;
