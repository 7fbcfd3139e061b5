//! Networks in the time domain: responses to an impulse, a step and a pulse, impedance along the way, and the effective
//! return loss that the 802.3 standards ask of a port.

pub mod erl;
pub mod time;
pub mod window;

pub use time::{TimeError, Trace, impedance, impulse, pulse, step};
pub use window::Window;
