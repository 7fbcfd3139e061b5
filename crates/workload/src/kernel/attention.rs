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

/// Kinds of sharing.
const SHARINGS: [Sharing; 3] = [Sharing::Single, Sharing::Grouped, Sharing::Wide];

/// Attention of one device.
#[derive(Clone, Debug)]
pub struct Attention {
    context: Vec<ContextAttention>,
    generation: Vec<GenerationAttention>,
    /// Where each comes from, for outputs: device, variant, rows.
    sources: Vec<String>,
    measured: bool,
}

impl Attention {
    /// From fits of context and generation attention. `donors` are catalogue ids of measured devices, nearest first, which
    /// stand in for `device` where it was not measured.
    pub fn new(
        context: &OperatorFits,
        generation: &OperatorFits,
        device: &Accelerator,
        donors: &[&str],
    ) -> Result<Self, String> {
        let devices: Vec<&str> = std::iter::once(device.id.as_str()).chain(donors.iter().copied()).collect();
        let mut built = Self { context: Vec::new(), generation: Vec::new(), sources: Vec::new(), measured: true };
        for (attention, cache) in FORMATS {
            let shape = |heads| AttentionShape { heads, kv_heads: 1, head_dim: 128, window: None, attention, cache };
            // Own device first with any formats, wanted ones first; then donors likewise.
            let wanted = shape(1).variant();
            let formats: Vec<&str> = std::iter::once(wanted)
                .chain(["bf16/bf16", "bf16/fp8", "fp8/fp8"].into_iter().filter(|v| *v != wanted))
                .collect();
            let candidates = devices.iter().flat_map(|device| formats.iter().map(|format| (*device, *format)));
            let found = context
                .resolve(candidates)
                .ok_or_else(|| format!("{}: no fit of context attention, nor of a device that stands in", device.id))?;
            built.context.push(ContextAttention::new(&found, device, &shape(1))?);
            built.note("context", &found.words());
            built.measured &= found.measured || wanted == "fp8/bf16";
            for sharing in SHARINGS {
                let shape = shape(match sharing {
                    Sharing::Single => 1,
                    Sharing::Grouped => 8,
                    Sharing::Wide => 64,
                });
                // Decoding never has 8-bit products of its own: the cache decides.
                let cached = if cache == Format::Bf16 { ["bf16/bf16", "bf16/fp8"] } else { ["bf16/fp8", "bf16/bf16"] };
                let kinds: &[Sharing] = match sharing {
                    Sharing::Single => &[Sharing::Single, Sharing::Grouped],
                    Sharing::Grouped => &[Sharing::Grouped, Sharing::Single],
                    // A kernel that repeats loads has a traffic of its own: no other stands in for it.
                    Sharing::Wide => &[Sharing::Wide],
                };
                let variants: Vec<String> =
                    kinds.iter().flat_map(|kind| cached.map(|cache| format!("{cache}/{}", kind.name()))).collect();
                let candidates =
                    devices.iter().flat_map(|device| variants.iter().map(|variant| (*device, variant.as_str())));
                let found = generation.resolve(candidates).ok_or_else(|| {
                    format!("{}: no fit of generation attention, nor of a device that stands in", device.id)
                })?;
                let narrow = AttentionShape { attention: Format::Bf16, ..shape };
                built.generation.push(GenerationAttention::new(&found, device, &narrow)?);
                built.note("generation", &found.words());
                built.measured &= found.measured || sharing == Sharing::Wide || attention == Format::Fp8;
            }
        }
        Ok(built)
    }

    fn note(&mut self, operator: &str, words: &str) {
        let note = format!("{operator} attention: {words}");
        if !self.sources.contains(&note) {
            self.sources.push(note);
        }
    }

    /// What it was calibrated on.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Whether the kernels of 16-bit attention were measured on this device.
    pub fn measured(&self) -> bool {
        self.measured
    }

    /// The model of a shape's prompts.
    pub fn context_model(&self, shape: &AttentionShape) -> &ContextAttention {
        &self.context[formats(shape)]
    }

    /// The model of a shape's decoding.
    pub fn generation_model(&self, shape: &AttentionShape) -> &GenerationAttention {
        let sharing = match Sharing::of(shape) {
            Sharing::Single => 0,
            Sharing::Grouped => 1,
            Sharing::Wide => 2,
        };
        &self.generation[formats(shape) * SHARINGS.len() + sharing]
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
