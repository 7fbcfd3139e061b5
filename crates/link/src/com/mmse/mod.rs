//! Receivers of Annex 178A: feed-forward and feedback taps by least mean square error, and sequence detection.

pub mod floating;
pub mod receiver;
pub mod solve;
pub mod toeplitz;

#[cfg(test)]
mod solve_tests;
