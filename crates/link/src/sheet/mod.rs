//! Sheets of parameters: the task force's workbooks, and presets of our own, read to
//! [`ComParameters`](crate::com::parameters::ComParameters).
//!
//! [`expression`] works out what stands in a cell.

mod binary;
pub mod cells;
pub mod expression;
pub mod names;
pub mod preset;
pub mod problem;
pub mod resolve;
pub mod rows;
pub mod workbook;
