//! A system: as written ([`tables`]) and as checked ([`System`]).

mod checked;
mod forms;
pub mod tables;

pub use checked::*;
