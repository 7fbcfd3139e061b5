//! Channels that nobody has measured, from what they are made of.
//!
//! [`law`] carries loss points over frequency, causally; [`piece`] makes two-ports of traces, cables, connectors and vias
//! from it, [`path`] a channel of them at the low, likely and high end of the bands, with [`crosstalk`];
//! [`slicer`] is what a drawing of a judged lane needs;
//! [`retimer`] places retimers and gearboxes, [`serdes`] picks the SerDes class that a loss needs. [`segments`] reads a
//! path from words, and [`budget`] puts them together.

pub mod budget;
pub mod crosstalk;
#[cfg(test)]
mod fixture;
pub mod law;
pub mod margin;
pub mod path;
pub mod piece;
pub mod receiver;
pub mod retimer;
pub mod segments;
pub mod serdes;
pub mod slicer;
pub mod two_port;
pub mod verdict;
