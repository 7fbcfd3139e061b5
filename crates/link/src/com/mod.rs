//! Channel operating margin: IEEE 802.3 Annex 93A, and its successor for 200 Gb/s lanes, Annex 178A.

pub mod channel;
pub mod mmse;
pub mod outcome;
pub mod parameters;
pub mod search;
