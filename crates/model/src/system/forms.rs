//! Values of the system file that may be written in more than one form.

use serde_json::{Value as Json, json};

use super::tables::{BandParts, BandTable, LengthTable, PositionTable, SplitEntry, SplitTable};
use crate::figure::Band;
use crate::problem::Problem;
use crate::read::{FromNode, Node, Reader, SchemaBook, Value};
use crate::text::Placed;
use crate::units::Metres;

impl FromNode for BandTable {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let band = match node.value {
            Value::Table(_) => {
                let parts = BandParts::from_node(node, reader)?;
                Band { low: parts.low, likely: parts.likely, high: parts.high }
            }
            _ => Band::exact(f64::from_node(node, reader)?),
        };
        if band.low < 0.0 || !(band.low <= band.likely && band.likely <= band.high) {
            reader.problems.push(Problem::error(
                "band-order",
                "values must rise and not be negative: 0 <= low <= likely <= high",
                node.span,
                format!("low {}, likely {}, high {}", band.low, band.likely, band.high),
            ));
            return None;
        }
        Some(Self(band))
    }

    fn schema(book: &mut SchemaBook) -> Json {
        json!({ "oneOf": [{ "type": "number", "minimum": 0 }, BandParts::schema(book)] })
    }
}

record! {
    /// Positions of a set of devices in a rack.
    pub struct PositionParts {
        /// Lowest unit of the first device, counted from 1 at the bottom.
        start: req u32,
        /// Units to the next device of the same rack.
        step: req u32,
    }
}

impl FromNode for PositionTable {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let (start, step) = match node.value {
            Value::Table(_) => {
                let parts = PositionParts::from_node(node, reader)?;
                (parts.start, parts.step)
            }
            _ => (u32::from_node(node, reader)?, 0),
        };
        if start == 0 {
            reader.problems.push(Problem::error(
                "number-range",
                "rack units are counted from 1 at the bottom",
                node.span,
                "unit 0 does not exist",
            ));
            return None;
        }
        Some(Self { start, step, span: node.span })
    }

    fn schema(book: &mut SchemaBook) -> Json {
        json!({ "oneOf": [{ "type": "integer", "minimum": 1 }, PositionParts::schema(book)] })
    }
}

impl FromNode for LengthTable {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::String(word) if word == "route" => Some(Self::Route),
            Value::String(_) => {
                reader.problems.push(
                    Problem::error(
                        "unknown-word",
                        "a length is `\"route\"` or a number of metres",
                        node.span,
                        "neither of them",
                    )
                    .help("the unit is in the key's name: `length_m = 2.5`"),
                );
                None
            }
            _ => Metres::from_node(node, reader).map(Self::Fixed),
        }
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({ "oneOf": [{ "const": "route" }, { "type": "number", "minimum": 0 }] })
    }
}

impl FromNode for SplitTable {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            reader.expected(node, "a table of port groups, such as { port = \"2x4\" }");
            return None;
        };
        let mut groups = Vec::new();
        for entry in entries {
            let Some(text) = entry.node.as_str() else {
                reader.expected(&entry.node, "a split such as \"2x4\" or \"8+4+4\"");
                continue;
            };
            match parse_split(text) {
                Some(lanes) => groups.push(SplitEntry {
                    group: Placed::new(entry.key.clone(), entry.key_span),
                    lanes: Placed::new(lanes, entry.node.span),
                }),
                None => reader.problems.push(
                    Problem::error("split", format!("`{text}` is not a split"), entry.node.span, "not understood")
                        .help("`2x4` makes two ports of four lanes, `8+4+4` one of eight and two of four"),
                ),
            }
        }
        Some(Self { groups })
    }

    fn schema(_: &mut SchemaBook) -> Json {
        json!({
            "type": "object",
            "additionalProperties": { "type": "string", "pattern": "^[0-9]+(x[0-9]+)?(\\+[0-9]+(x[0-9]+)?)*$" }
        })
    }
}

/// Lanes of each part of a split: `2x4` is `[4, 4]`, `8+2x4` is `[8, 4, 4]`. At most 64 parts.
fn parse_split(text: &str) -> Option<Vec<u32>> {
    let mut lanes = Vec::new();
    for term in text.split('+') {
        let (times, width) = match term.split_once('x') {
            Some((times, width)) => (times.trim().parse::<u32>().ok()?, width),
            None => (1, term),
        };
        let width: u32 = width.trim().parse().ok()?;
        if times == 0 || width == 0 || lanes.len() + times as usize > 64 {
            return None;
        }
        lanes.extend(std::iter::repeat_n(width, times as usize));
    }
    Some(lanes)
}

#[cfg(test)]
mod tests {
    use super::parse_split;

    #[test]
    fn splits() {
        assert_eq!(parse_split("2x4"), Some(vec![4, 4]));
        assert_eq!(parse_split("8+4+4"), Some(vec![8, 4, 4]));
        assert_eq!(parse_split("8+2x4"), Some(vec![8, 4, 4]));
        for wrong in ["", "x", "2x", "0x4", "4x0", "99999x1", "-1"] {
            assert_eq!(parse_split(wrong), None, "{wrong}");
        }
    }
}
