//! The inner code of P802.3dj, Hamming(128,120), and its soft decoder.

pub mod chase;
pub mod code;
pub mod outcome;
pub mod simulate;
pub mod table;
