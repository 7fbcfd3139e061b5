//! Serving: requests over time on engines that batch them, and what an engine settles to.
//!
//! [`settings`] are a scheduler's habits; [`request`] is what comes and what became of it. [`rank`] schedules one rank over
//! its [`blocks`] of cache; [`simulate`] lets cells of ranks step, in runs of equal steps ([`run_length`]), with requests
//! spread by [`route`]; [`steady`] is the closed form of the same for sweeps. [`histogram`] and [`timeline`] are how
//! results are kept.

pub mod arrival;
pub mod blocks;
pub mod cluster;
pub mod histogram;
pub mod log;
pub mod metrics;
pub mod rank;
pub mod request;
pub mod roofline;
pub mod route;
pub mod run_length;
pub mod settings;
pub mod simulate;
pub mod steady;
pub mod timeline;

#[cfg(test)]
mod simulate_tests;
#[cfg(test)]
mod steady_tests;

#[cfg(test)]
mod corpus_tests;
