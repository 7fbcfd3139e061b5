//! Models by name, as their decode reads them.

use super::anchors::{ANCHORS, AX630C, Shape};
use super::decode::Decoder;

fn shapes() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = ANCHORS.iter().chain(&AX630C).map(|anchor| anchor.shape).collect();
    shapes.sort_by(|a, b| a.name.cmp(b.name));
    shapes.dedup_by(|a, b| a.name == b.name);
    shapes
}

/// Names that are known.
pub fn names() -> Vec<String> {
    shapes().into_iter().map(|shape| shape.name.to_string()).collect()
}

/// A model by name.
pub fn named(name: &str) -> Option<Decoder> {
    let shape = shapes().into_iter().find(|shape| shape.name.eq_ignore_ascii_case(name.trim()))?;
    Some(Decoder {
        name: shape.name.to_string(),
        body: shape.body,
        head: shape.head,
        total: shape.body + 2.0 * shape.head,
        layers: shape.layers,
        kv_elements: shape.kv_elements,
    })
}
