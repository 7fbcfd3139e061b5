//! The model: what a system is, before any engine looks at it.
//!
//! ```text
//! texts ──► read::document (tree with places) ──► read::record (typed tables, every problem found)
//!        ──► catalogue (parts, protocols, sources) ─┐
//!        ──► system::tables (as written) ───────────┴──► system::System (checked, ids instead of names)
//! ```
//!
//! Knows no engine, prints nothing, and reads nothing but the texts that it is handed.

#[macro_use]
pub mod read;
pub mod catalogue;
pub mod figure;
pub mod ids;
pub mod job;
pub mod names;
pub mod problem;
pub mod system;
pub mod text;
pub mod units;
