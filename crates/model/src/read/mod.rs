//! From text to typed tables, keeping places and finding every problem.
//!
//! [`document`] turns a TOML text into a tree whose every node knows its place; [`record`] turns nodes into
//! the types of a description. Serde is not used here because it stops at the first problem.

pub mod document;
#[macro_use]
pub mod record;
mod values;

pub use document::{Document, Entry, Node, Value};
pub use record::{FromNode, Reader, SchemaBook};
