//! Channel operating margin: IEEE 802.3 Annex 93A, and its successor for 200 Gb/s lanes, Annex 178A.
//!
//! The way of a channel through it: [`transfer`] puts it between [`package`]s and [`board`]s, [`impulse`] takes it to the
//! time domain, [`prepare`] holds what no equaliser changes, [`figure_of_merit`] judges one setting of [`ctle`],
//! [`tx_ffe`], [`sampling`] and [`dfe`]; the best of the grid gets its distributions ([`distribution`], [`window`]) and
//! its margin.

pub mod board;
pub mod channel;
pub mod crosstalk;
pub mod ctle;
pub mod detail;
pub mod dfe;
pub mod differential;
pub mod distribution;
pub mod evaluate;
pub mod exhaustive;
pub mod figure_of_merit;
pub mod filters;
pub mod floating;
pub mod impulse;
pub mod margin;
pub mod mmse;
pub mod outcome;
pub mod package;
pub mod parameters;
pub mod prepare;
pub mod problem;
pub mod sampling;
pub mod search;
pub mod transfer;
pub mod two_port;
pub mod tx_ffe;
pub mod window;

pub use evaluate::{Wanted, evaluate, evaluate_with};
