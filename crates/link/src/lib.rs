//! Lanes: what a channel does to a signal, and what a receiver makes of it.
//!
//! From outside in:
//!
//! - [`touchstone`] reads and writes S-parameter files, [`network`] does the algebra on them, [`quality`] says whether
//!   to believe them, [`response`] takes them to the time domain (impulse, pulse, TDR, ERL);
//! - [`sheet`] reads the parameters of a reference transmitter and receiver, [`com`] equalises a channel with them and
//!   gives its channel operating margin, [`eye`] the statistical eye and the reference receivers that are judged by it;
//! - [`fec`] takes a lane's errors through error correction to frame loss, [`optics`] does optical power budgets;
//! - [`reach`] models channels from boards, cables and packages, and places retimers.
//!
//! [`normal`] is the distribution that all of them meet.
//!
//! The crate knows nothing of fabrics or money, reads no file and prints nothing: texts and bytes are handed to it, and
//! it returns plain values.

pub mod com;
pub mod eye;
pub mod fec;
pub mod network;
pub mod normal;
pub mod optics;
pub mod quality;
pub mod reach;
pub mod response;
pub mod sheet;
pub mod touchstone;
