//! Readers of plain values: strings, numbers, quantities, lists.

use serde_json::{Value as Json, json};

use super::document::{Node, Value};
use super::record::{FromNode, Reader, SchemaBook};
use crate::problem::Problem;
use crate::text::Placed;
use crate::units::*;

impl FromNode for String {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            _ => {
                reader.expected(node, "a string");
                None
            }
        }
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "type": "string" })
    }
}

impl FromNode for bool {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.value {
            Value::Boolean(flag) => Some(flag),
            _ => {
                reader.expected(node, "true or false");
                None
            }
        }
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "type": "boolean" })
    }
}

impl FromNode for u32 {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Integer(number) = node.value else {
            reader.expected(node, "a whole number");
            return None;
        };
        match u32::try_from(number) {
            Ok(number) => Some(number),
            Err(_) => {
                reader.problems.push(Problem::error(
                    "number-range",
                    format!("{number} is not between 0 and {}", u32::MAX),
                    node.span,
                    "out of range",
                ));
                None
            }
        }
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

impl FromNode for f64 {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match node.value {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => {
                reader.expected(node, "a number");
                return None;
            }
        };
        if number.is_finite() {
            return Some(number);
        }
        reader.problems.push(Problem::error("number-range", "this number is not finite", node.span, "not finite"));
        None
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "type": "number" })
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            let hint = if matches!(node.value, Value::Table(_)) {
                "an array (for tables write `[[name]]`, not `[name]`)"
            } else {
                "an array"
            };
            reader.expected(node, hint);
            return None;
        };
        // Read every item, so that all problems are found, then give up if one could not be read.
        let read: Vec<Option<T>> = items.iter().map(|item| T::from_node(item, reader)).collect();
        read.into_iter().collect()
    }

    fn schema(book: &mut SchemaBook) -> Json {
        json!({ "type": "array", "items": T::schema(book) })
    }
}

impl<T: FromNode> FromNode for Placed<T> {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::from_node(node, reader).map(|value| Placed::new(value, node.span))
    }

    fn schema(book: &mut SchemaBook) -> Json {
        T::schema(book)
    }
}

/// Reads a number that is a quantity in its canonical unit, as in `length_m = 2.5`.
fn canonical<Q: Quantity>(node: &Node, reader: &mut Reader<'_>) -> Option<Q> {
    if matches!(node.value, Value::String(_)) {
        reader.problems.push(
            Problem::error(
                "wrong-type",
                format!("expected a plain number ({} in {}), found a string", Q::NAME, Q::UNITS[0].0),
                node.span,
                format!("a number in {}", Q::UNITS[0].0),
            )
            .help("the unit is in the key's name; write the bare number"),
        );
        return None;
    }
    let number = f64::from_node(node, reader)?;
    if number < Q::MIN {
        reader.problems.push(Problem::error(
            "number-range",
            format!("{} cannot be {number} {}", Q::NAME, Q::UNITS[0].0),
            node.span,
            format!("must be at least {}", Q::MIN),
        ));
        return None;
    }
    Some(Q::new(number))
}

macro_rules! canonical_readers {
    ($($quantity:ident),+) => {$(
        impl FromNode for $quantity {
            fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                canonical(node, reader)
            }

            fn schema(_: &mut SchemaBook) -> Json {
                json!({ "type": "number", "minimum": $quantity::MIN })
            }
        }
    )+};
}

canonical_readers!(
    Metres,
    Watts,
    Usd,
    Decibels,
    Gigahertz,
    Gigabaud,
    Gbps,
    Nanoseconds,
    Fit,
    Hours,
    Years,
    Ratio,
    Hertz,
    Gigabytes
);
