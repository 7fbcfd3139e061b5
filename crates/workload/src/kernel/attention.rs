//! All measured attention of one device: which fit serves which shape, found once, so that a call looks nothing up.

use super::attention_shape::AttentionShape;
use super::context_attention::{ContextAttention, ContextQuery};
use super::generation_attention::{GenerationAttention, GenerationQuery, Sharing};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::calibration::OperatorFits;
use crate::format::Format;

/// Formats of products and cache that are told apart.
const FORMATS: [(Format, Format); 4] = [
    (Format::Bf16, Format::Bf16),
    (Format::Bf16, Format::Fp8),
    (Format::Fp8, Format::Fp8),
    (Format::Fp8, Format::Bf16),
];

/// How many kinds of [`Sharing`] there are.
const SHARINGS: usize = 3;

/// Attention of one device.
#[derive(Clone, Debug)]
pub struct Attention {
    context: Vec<ContextAttention>,
    generation: Vec<GenerationAttention>,
    /// What prompts and decoding of each place were calibrated on.
    sources: Vec<(String, [String; 3])>,
}

impl Attention {
    /// From fits of context and generation attention.
    pub fn new(device: &Accelerator, context: Option<&OperatorFits>, generation: Option<&OperatorFits>) -> Self {
        let mut built = Self { context: Vec::new(), generation: Vec::new(), sources: Vec::new() };
        for (attention, cache) in FORMATS {
            let shape = |heads| AttentionShape { heads, kv_heads: 1, head_dim: 128, window: None, attention, cache };
            let (kernel, words) = ContextAttention::new(device, context, &shape(1));
            built.context.push(kernel);
            // One shape of each sharing.
            let own = [1, 8, 64].map(|heads| GenerationAttention::new(device, generation, &shape(heads)));
            built.sources.push((words, own.each_ref().map(|(_, words)| words.clone())));
            built.generation.extend(own.map(|(kernel, _)| kernel));
        }
        built
    }

    /// What a shape's prompts and decoding were calibrated on.
    pub fn calibrated_on(&self, shape: &AttentionShape) -> (&str, &str) {
        let (context, generation) = &self.sources[formats(shape)];
        (context, &generation[sharing(shape)])
    }

    /// The model of a shape's prompts.
    pub fn context_model(&self, shape: &AttentionShape) -> &ContextAttention {
        &self.context[formats(shape)]
    }

    /// The model of a shape's decoding.
    pub fn generation_model(&self, shape: &AttentionShape) -> &GenerationAttention {
        &self.generation[formats(shape) * SHARINGS + sharing(shape)]
    }

    /// Seconds of `pieces` pieces of prompts with `tokens` new tokens and `pairs` query-key pairs after `cached` tokens,
    /// all together. No tokens take no time.
    pub fn context(&self, shape: &AttentionShape, pieces: f64, tokens: f64, pairs: f64, cached: f64) -> Estimate {
        if tokens <= 0.0 {
            return Estimate::exact(0.0);
        }
        self.context_model(shape).estimate(&ContextQuery::new(shape, pieces, tokens, pairs, cached))
    }

    /// Seconds of `sequences` sequences that decode one token each, with `contexts` tokens together, the new ones included.
    pub fn generation(&self, shape: &AttentionShape, sequences: f64, contexts: f64) -> Estimate {
        if sequences <= 0.0 {
            return Estimate::exact(0.0);
        }
        self.generation_model(shape).estimate(&GenerationQuery::new(shape, sequences, contexts))
    }
}

/// Place of a shape's formats in [`FORMATS`].
fn formats(shape: &AttentionShape) -> usize {
    match shape.variant() {
        "bf16/fp8" => 1,
        "fp8/fp8" => 2,
        "fp8/bf16" => 3,
        _ => 0,
    }
}

/// Place of a shape's kind of sharing.
fn sharing(shape: &AttentionShape) -> usize {
    match Sharing::of(shape) {
        Sharing::Single => 0,
        Sharing::Grouped => 1,
        Sharing::Wide => 2,
    }
}
