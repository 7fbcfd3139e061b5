//! Receivers of Annex 178A: feed-forward and feedback taps by least mean square error, and sequence detection.

pub mod correlation;
pub mod floating;
pub mod instant;
pub mod quantiser;
pub mod receiver;
pub mod search;
pub mod settings;
pub mod solve;
pub mod toeplitz;

#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod solve_tests;
