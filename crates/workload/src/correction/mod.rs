//! What measured engines do beyond their kernels: schedulers, hosts, features that nobody wrote down.
//!
//! The kernels of a step say how long an engine should take at least. What engines really took, as a factor over that,
//! varies slowly with load and lengths and differs by model, device, engine and version. A Gaussian process over
//! [`circumstances`] learns the factor from measured rows ([`process`]); where nothing alike was measured it falls back to
//! what is common to the nearest kin, and the [`band`] says how wrong such guesses were when whole models or devices were
//! held out.

pub mod band;
pub mod circumstances;
pub mod fitting;
pub mod process;
