//! Models by name, as their decode reads them.

use super::decode::Decoder;
use crate::format::Format;
use crate::models::names::{self, Unknown};
use crate::models::transformer::Transformer;

/// Names of models that fit edge devices, to begin with.
pub fn examples() -> Vec<String> {
    crate::models::built_in::all()
        .iter()
        .filter(|known| (1..100_000_000_000).contains(&known.model.parameters().total()))
        .map(|known| known.model.name.clone())
        .collect()
}

/// A model by name.
pub fn named(name: &str) -> Result<Decoder, Unknown> {
    names::look_up(name).map(|model| decoder(&model))
}

/// A model as a single stream's decode reads it: of experts those that a token visits.
pub fn decoder(model: &Transformer) -> Decoder {
    let active = model.active_parameters();
    Decoder {
        name: model.name.clone(),
        body: active.total().saturating_sub(active.logits) as f64,
        head: active.logits as f64,
        total: model.parameters().total() as f64,
        layers: f64::from(model.layers()),
        // Elements from bytes: the cache is counted in 16 bits.
        kv_elements: model.cache_bytes_per_token(Format::Bf16) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::anchors::{ANCHORS, AX630C};
    use super::*;

    /// Shapes behind the measured points are those of the built-in models.
    #[test]
    fn anchors_have_the_shapes_of_models() {
        for shape in ANCHORS.iter().chain(&AX630C).map(|anchor| anchor.shape) {
            let Ok(found) = names::find(shape.name).map(|model| decoder(&model)) else { continue };
            for (what, mine, theirs) in [
                ("body", shape.body, found.body),
                ("head", shape.head, found.head),
                ("layers", shape.layers, found.layers),
                ("cache", shape.kv_elements, found.kv_elements),
            ] {
                assert!((mine / theirs - 1.0).abs() < 0.01, "{}: {what} {mine} and {theirs}", shape.name);
            }
        }
        assert!(names::find("llama-2-13b").is_ok() && names::find("llama-3.1-8b").is_ok());
    }
}
