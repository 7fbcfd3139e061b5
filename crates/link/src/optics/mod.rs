//! Optical budgets.
//!
//! [`interface`] holds what standards say of directly detected lanes, [`closure`] what a host's channel does to light that
//! it drives without a DSP.

pub mod closure;
pub mod interface;
