//! Optical budgets.
//!
//! [`interface`] holds what standards say of directly detected lanes, [`closure`] what a host's channel does to light that
//! it drives without a DSP, and [`budget`] puts both together for retimed, half-retimed, linear and co-packaged modules.
//! [`coherent`] is for links between sites.

pub mod budget;
pub mod closure;
pub mod coherent;
pub mod interface;
