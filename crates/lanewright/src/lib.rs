//! The parts of the `lanewright` command: reading files, showing problems, tables and reports. Formulas live in the
//! engines.

pub mod columns;
pub mod disk;
pub mod number;
pub mod parquet;
pub mod problems;
pub mod report;
pub mod simulated;
pub mod terminal;
pub mod verbs;
