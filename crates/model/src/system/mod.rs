//! A system: as written ([`tables`]) and as checked ([`System`]).
//!
//! ```text
//! merge (extends, include) ─► tables ─► racks ───────┐
//!                                   └─► template ◄── link_table ◄── selector, pattern
//!                                          └─► expand ─► port_rules, cables ─► System (checked, lookup)
//! ```

mod cables;
mod checked;
mod expand;
mod forms;
mod limits;
mod link_table;
mod lookup;
mod merge;
mod pattern;
mod port_rules;
mod racks;
pub mod selector;
mod site;
mod split;
pub mod tables;
mod template;

pub use checked::*;
pub use expand::{DEVICE_LIMIT, LINK_LIMIT, PORT_LIMIT, check_assemblies, load_system};
pub use merge::{Files, NoFiles};
