//! Networks by their published shapes.

pub mod built_in;
pub mod cache;
pub mod config;
pub mod names;
pub mod parameters;
pub mod precision;
mod scaled;
pub mod transformer;
pub mod vision;

pub use self::names::{Unknown, find, guess, look_up};
