//! Values of the traffic file that may be written in more than one form.

use lanewright_model::problem::Problem;
use lanewright_model::read::record::read_word;
use lanewright_model::read::{FromNode, Node, Reader, SchemaBook, Value};
use lanewright_model::system::selector::{Index, sub_span};
use lanewright_model::text::Placed;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::collective::{Algorithm, Operation};
use crate::spelling;
use crate::time::Time;
use crate::traffic::flow_sizes::FlowSizes;

/// Bytes, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Ranks as written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Ranks {
    /// One by one.
    Listed(Vec<u32>),
    /// A range, or all.
    Chosen(Index),
    /// By the name of a group.
    Named(String),
}

/// A value as text with a unit, or as a number that `read` takes for one.
fn measured<T>(
    node: &Node,
    reader: &mut Reader<'_>,
    what: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let text = match &node.value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => {
            reader.expected(node, what);
            return None;
        }
    };
    let problem = |why| Problem::error("quantity", format!("`{text}` is not {what}: {why}"), node.span, "here");
    read(&text).map_err(|why| reader.problems.push(problem(why))).ok()
}

impl FromNode for Bytes {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        measured(node, reader, "a size such as \"64KiB\"", spelling::bytes).map(Self)
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }] })
    }
}

impl FromNode for Time {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        measured(node, reader, "a time such as \"100us\"", spelling::microseconds)
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "oneOf": [{ "type": "number", "minimum": 0 }, { "type": "string" }] })
    }
}

impl FromNode for Ranks {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Integer(_) => u32::from_node(node, reader).map(|rank| Self::Listed(vec![rank])),
            Value::Array(_) => Vec::from_node(node, reader).map(Self::Listed),
            Value::String(text) if text.trim_start().starts_with('[') => match Index::parse(text) {
                Ok(index) => Some(Self::Chosen(index)),
                Err(error) => {
                    let at = sub_span(&Placed::new(text.clone(), node.span), &error.at);
                    reader.problems.push(Problem::error("selector", error.message, at, "here").help(error.help));
                    None
                }
            },
            Value::String(text) => Some(Self::Named(text.clone())),
            _ => {
                reader.expected(node, "a rank, a list of ranks, a range such as \"[0-7]\", or the name of a group");
                None
            }
        }
    }

    fn schema(_: &mut SchemaBook) -> Json {
        let rank = json!({ "type": "integer", "minimum": 0 });
        json!({ "oneOf": [rank, { "type": "array", "items": rank }, { "type": "string" }] })
    }
}

/// Reads names of values that have one each.
macro_rules! named {
    ($($type:ident, $what:literal;)+) => {$(
        impl FromNode for $type {
            fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                let names = $type::ALL.map($type::name);
                let word = read_word(node, $what, &names, reader)?;
                $type::ALL.into_iter().find(|value| value.name() == word)
            }

            fn schema(_: &mut SchemaBook) -> Json {
                json!({ "type": "string", "enum": $type::ALL.map($type::name) })
            }
        }
    )+};
}

named! {
    Operation, "operation";
    Algorithm, "algorithm";
    FlowSizes, "distribution of sizes";
}
