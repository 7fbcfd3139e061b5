//! Tokens per second, prefill and energy of a model on an edge device, from bytes and the law of its stack.

use serde::Serialize;

use super::anchors::CONTEXT;
use super::stack::Law;
use crate::estimate::Estimate;
use crate::format::Format;

/// A model as its decode reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoder {
    /// Name.
    pub name: String,
    /// Weights of all layers that a token reads.
    pub body: f64,
    /// Weights of the matrix of logits.
    pub head: f64,
    /// All weights in memory.
    pub total: f64,
    /// Layers.
    pub layers: f64,
    /// Cache of a token, elements.
    pub kv_elements: f64,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The model.
    pub model: &'a Decoder,
    /// Format of its weights.
    pub format: Format,
    /// Bytes per weight, where they are not those of [`weight_bytes`].
    pub bytes_per_weight: Option<f64>,
    /// Tokens in the cache of each sequence.
    pub context: f64,
    /// Tokens of a prompt.
    pub prompt: f64,
    /// Sequences decoded together.
    pub sequences: f64,
    /// The device.
    pub device: &'a Device,
    /// How its software decodes.
    pub law: &'a Law,
}

/// An edge device, or what it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Device {
    /// Id of the catalogue.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Peak of its memory, bytes per second.
    pub bandwidth: Estimate,
    /// Memory, bytes.
    pub memory: Option<Estimate>,
    /// Power in use, W.
    pub power_w: Option<Estimate>,
    /// Operations per second that prompts get, 16-bit arithmetic.
    pub operations: Option<Estimate>,
    /// How those operations were found.
    pub operations_basis: String,
    /// Price, USD.
    pub price_usd: Option<Estimate>,
    /// Whether figures rest on weak grades.
    pub weak: bool,
    /// Whether its arithmetic is known in its maker's equivalents alone.
    pub equivalent: bool,
}

/// What is found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoded {
    /// Tokens per second of all sequences together.
    pub tokens_per_s: Estimate,
    /// Tokens per second of one sequence.
    pub tokens_per_s_each: Estimate,
    /// Seconds of a step.
    pub step_seconds: Estimate,
    /// Of them, likely: weights, cache, layers' overhead, and what arithmetic adds where it is slower than memory.
    pub parts: [(&'static str, f64); 4],
    /// Bytes of weights read in a step.
    pub weight_bytes: f64,
    /// Bytes of cache read in a step.
    pub cache_bytes: f64,
    /// Bytes that must fit: all weights and the caches.
    pub memory_bytes: f64,
    /// Whether they fit into nine tenths of the memory; none where its size is not known.
    pub fits: Option<bool>,
    /// Seconds from a prompt to its first token; none where arithmetic is not known.
    pub prefill_seconds: Option<Estimate>,
    /// Joules per token at the power in use.
    pub joules_per_token: Option<Estimate>,
    /// Share of the rate that weights and cache at the memory's peak would allow.
    pub roofline_share: f64,
    /// What it rests on.
    pub basis: Vec<String>,
}

/// Share of the dense 16-bit rate that prompts get on edge devices: 0.10 (4-bit weights) and 0.18 (4-bit arithmetic) for
/// Llama-3.1-8B and 383 tokens on Jetson Thor by TensorRT Edge-LLM 0.4.0's published tables; long prompts on large devices
/// reach a half.
pub const PREFILL_SHARE: Estimate = Estimate { low: 0.1, likely: 0.22, high: 0.5 };

/// Bytes per weight as edge software stores a format: 4-bit integers in blocks of 32 with a 16-bit scale (llama.cpp's q4_0
/// and alike; 4.5 bits), others as [`Format::weight_bytes`] says.
pub fn weight_bytes(format: Format) -> f64 {
    match format {
        Format::Int4Weight => 4.5 / 8.0,
        other => other.weight_bytes(),
    }
}

/// Bytes per element of the cache: 16 bits, as edge stacks keep it unless told otherwise.
const CACHE_BYTES: f64 = 2.0;

impl Default for Question<'_> {
    fn default() -> Self {
        static NO_MODEL: std::sync::LazyLock<(Decoder, Device, Law)> = std::sync::LazyLock::new(|| {
            let model =
                Decoder { name: String::new(), body: 0.0, head: 0.0, total: 0.0, layers: 0.0, kv_elements: 0.0 };
            let device = Device {
                id: String::new(),
                name: String::new(),
                bandwidth: Estimate::exact(1.0),
                memory: None,
                power_w: None,
                operations: None,
                operations_basis: String::new(),
                price_usd: None,
                weak: false,
                equivalent: false,
            };
            (model, device, Law::given(Estimate::exact(1.0)))
        });
        let (model, device, law) = &*NO_MODEL;
        Self {
            model,
            format: Format::Int4Weight,
            bytes_per_weight: None,
            context: CONTEXT,
            prompt: 2.0 * CONTEXT,
            sequences: 1.0,
            device,
            law,
        }
    }
}

/// The prediction.
pub fn decode(question: &Question<'_>) -> Decoded {
    let Question { model, device, law, .. } = question;
    let per_weight = question.bytes_per_weight.unwrap_or_else(|| weight_bytes(question.format));
    let sequences = question.sequences.max(1.0);
    let weight_bytes = (model.body + model.head) * per_weight;
    let cache_bytes = sequences * question.context * model.kv_elements * CACHE_BYTES;
    let bytes = weight_bytes + cache_bytes;
    let by_memory = law.seconds(bytes, model.layers, device.bandwidth.likely);
    let overhead = model.layers * law.layer_seconds;
    let operations = 2.0 * (model.body + model.head) * sequences;
    let arithmetic = device.operations.map_or(0.0, |rate| operations / rate.likely.max(1.0));
    let memory_likely = by_memory.likely - overhead;
    let slower = (arithmetic - memory_likely).max(0.0);
    let step = Estimate {
        // The device's own band joins the stack's: errors that have nothing to do with each other.
        low: (by_memory.likely + slower) / joined(by_memory.below(), device.bandwidth.above()),
        likely: by_memory.likely + slower,
        high: (by_memory.likely + slower) * joined(by_memory.above(), device.bandwidth.below()),
    };
    let rate = |count: f64| Estimate { low: count / step.high, likely: count / step.likely, high: count / step.low };
    let memory_bytes = model.total * per_weight + cache_bytes;
    let scale = memory_likely / bytes.max(1.0);
    let prefill = device.operations.map(|rate| {
        let operations = 2.0 * model.body * question.prompt;
        let read = weight_bytes / (law.efficiency.likely * device.bandwidth.likely);
        let at = |rate: f64| (operations / rate.max(1.0)).max(read) + overhead;
        Estimate { low: at(rate.high), likely: at(rate.likely), high: at(rate.low) }
    });
    let joules = device.power_w.map(|power| {
        let likely = power.likely * step.likely / sequences;
        Estimate {
            low: likely / joined(power.below(), step.below()),
            likely,
            high: likely * joined(power.above(), step.above()),
        }
    });
    let mut basis = vec![format!("{}: {}", law.stack.name(), law.basis)];
    if device.weak {
        basis.push(format!("{}: bandwidth, watts or arithmetic of the catalogue rest on estimates", device.name));
    }
    if prefill.is_some() || slower > 0.0 {
        basis.push(format!("prompt: {}", device.operations_basis));
    }
    Decoded {
        tokens_per_s: rate(sequences),
        tokens_per_s_each: rate(1.0),
        step_seconds: step,
        parts: [
            ("weights", weight_bytes * scale),
            ("cache", cache_bytes * scale),
            ("layers' overhead", overhead),
            ("arithmetic beyond memory", slower),
        ],
        weight_bytes,
        cache_bytes,
        memory_bytes,
        fits: device.memory.map(|memory| memory_bytes <= 0.9 * memory.likely),
        prefill_seconds: prefill,
        joules_per_token: joules,
        roofline_share: (bytes / device.bandwidth.likely) / step.likely,
        basis,
    }
}

/// Two factors of independent errors as one.
fn joined(a: f64, b: f64) -> f64 {
    (a.ln().powi(2) + b.ln().powi(2)).sqrt().exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::stack::{Stack, law};
    use super::*;

    fn llama_2_13b() -> Decoder {
        Decoder {
            name: "llama-2-13b".into(),
            body: 12.688e9,
            head: 0.164e9,
            total: 13.016e9,
            layers: 40.0,
            kv_elements: 409_600.0,
        }
    }

    fn device(gb_s: f64) -> Device {
        Device {
            id: "test/device".into(),
            name: "device".into(),
            bandwidth: Estimate::exact(gb_s * 1e9),
            memory: Some(Estimate::exact(64e9)),
            power_w: Some(Estimate { low: 40.0, likely: 45.0, high: 50.0 }),
            operations: None,
            operations_basis: String::new(),
            price_usd: None,
            weak: false,
            equivalent: false,
        }
    }

    /// 4-bit Llama-2-13B at 85 % of 204.8 GB/s: 23 to 26 tokens a second, as its maker claims 25 of such a chip; at 50 W
    /// that is 2 J a token. With 8 bits at most 14.
    #[test]
    fn a_chip_with_a_256_bit_memory() {
        let (model, device) = (llama_2_13b(), device(204.8));
        let law = Law::given(Estimate::exact(0.85));
        let found = decode(&Question { model: &model, device: &device, law: &law, ..Question::default() });
        assert!((23.0..26.0).contains(&found.tokens_per_s.likely), "{}", found.tokens_per_s.likely);
        assert_eq!(found.fits, Some(true));
        let joules = found.joules_per_token.expect("power is given");
        assert!(joules.likely < 2.0 && joules.high < 2.3, "{joules:?}");
        assert!((found.parts.iter().map(|part| part.1).sum::<f64>() / found.step_seconds.likely - 1.0).abs() < 1e-9);
        let eight = Question { model: &model, device: &device, law: &law, format: Format::Int8, ..Question::default() };
        assert!(decode(&eight).tokens_per_s.likely < 14.0);
    }

    #[test]
    fn orin_with_llama_cpp() {
        let (model, device) = (llama_2_13b(), Device { id: "nvidia/orin".into(), ..device(204.8) });
        let law = law(Stack::LlamaCpp, "nvidia/orin");
        let found = decode(&Question { model: &model, device: &device, law: &law, ..Question::default() }).tokens_per_s;
        assert!((found.likely / 13.3 - 1.0).abs() < 0.15, "{found:?}");
        assert!(found.low < 13.3 && 13.3 < found.high);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let (model, device) = (llama_2_13b(), Device { memory: Some(Estimate::exact(8e9)), ..device(100.0) });
        let law = Law::given(Estimate::exact(0.8));
        let found = decode(&Question { model: &model, device: &device, law: &law, ..Question::default() });
        assert_eq!(found.fits, Some(false));
    }

    proptest! {
        /// More bandwidth, fewer bits and shorter contexts are never slower; batches give more in all and less to each.
        #[test]
        fn monotone(gb_s in 5.0f64..2000.0, context in 0.0f64..8000.0, sequences in 1.0f64..64.0) {
            let model = llama_2_13b();
            let (small, large) = (device(gb_s), device(gb_s * 1.5));
            let law = law(Stack::Tuned, "nvidia/orin");
            let ask = |device: &Device, format, context, sequences| {
                decode(&Question { model: &model, device, law: &law, format, context, sequences, ..Question::default() })
            };
            let base = ask(&small, Format::Int8, context, 1.0);
            prop_assert!(ask(&large, Format::Int8, context, 1.0).tokens_per_s.likely > base.tokens_per_s.likely);
            prop_assert!(ask(&small, Format::Int4Weight, context, 1.0).tokens_per_s.likely > base.tokens_per_s.likely);
            prop_assert!(ask(&small, Format::Int8, context + 100.0, 1.0).tokens_per_s.likely < base.tokens_per_s.likely);
            let many = ask(&small, Format::Int8, context, sequences);
            prop_assert!(many.tokens_per_s.likely >= base.tokens_per_s.likely * 0.999);
            prop_assert!(many.tokens_per_s_each.likely <= base.tokens_per_s_each.likely * 1.001);
            prop_assert!(base.tokens_per_s.low <= base.tokens_per_s.likely && base.tokens_per_s.likely <= base.tokens_per_s.high);
        }
    }
}
