//! Values of the pipeline file that may be written in more than one form.

use lanewright_model::problem::Problem;
use lanewright_model::read::{FromNode, Node, Reader, SchemaBook, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::estimate::Estimate;

/// A number that is at least 0, or three of them that rise: low, likely, high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Range(pub Estimate);

impl Range {
    /// Every end times a factor.
    pub fn times(self, factor: f64) -> Estimate {
        self.0.times(factor)
    }
}

impl FromNode for Range {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let values = match &node.value {
            Value::Array(_) => Vec::<f64>::from_node(node, reader)?,
            Value::Integer(_) | Value::Float(_) => vec![f64::from_node(node, reader)?],
            _ => {
                reader.expected(node, "a number, or three of them: [low, likely, high]");
                return None;
            }
        };
        let range = match values[..] {
            [value] if value >= 0.0 => Some(Estimate::exact(value)),
            [low, likely, high] if 0.0 <= low && low <= likely && likely <= high => {
                Some(Estimate { low, likely, high })
            }
            _ => None,
        };
        if range.is_none() {
            reader.problems.push(
                Problem::error(
                    "band-order",
                    "a band is one number, or [low, likely, high], from 0 on and rising",
                    node.span,
                    "here",
                )
                .help("write 5, or [4, 5, 7]"),
            );
        }
        range.map(Self)
    }

    fn schema(_: &mut SchemaBook) -> Json {
        let number = json!({ "type": "number", "minimum": 0 });
        json!({ "oneOf": [number, { "type": "array", "items": number, "minItems": 3, "maxItems": 3 }] })
    }
}
