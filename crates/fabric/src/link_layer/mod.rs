//! What link layers do to packets, in closed form: errors and replay, credits, pauses, overhead.
//!
//! The packet engine acts these out; here stands what it must come to.

mod credits;
mod dma;
mod framing;
mod headroom;
mod quality;
mod replay;

pub use credits::{credit_unit, credited_rate};
pub use dma::Dma;
pub use framing::{Framing, MACSEC_BYTES, PCIE_HEADER, usual_header};
pub use headroom::PauseHop;
pub use quality::LinkQuality;
pub use replay::replay_goodput;
