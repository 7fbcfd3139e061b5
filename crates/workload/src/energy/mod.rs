//! Watts of devices from what they do, joules and dollars per token.
//!
//! [`power`] is the law of one device's draw with the measurements that it was fitted to; [`bill`] adds hosts, cooling,
//! price and electricity.

pub mod bill;
pub mod power;
