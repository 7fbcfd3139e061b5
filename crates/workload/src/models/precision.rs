//! How a checkpoint stores its parts: which are quantised and which stay at 16 bits.

use serde::Serialize;

use super::transformer::{FeedForward, Transformer};
use crate::format::Format;

/// The format of each part of a model's weights, and of its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Precision {
    /// Matrices of attention.
    pub attention: Format,
    /// Dense feed-forward networks.
    pub dense: Format,
    /// Routed experts.
    pub experts: Format,
    /// Shared experts.
    pub shared: Format,
    /// Token table.
    pub embedding: Format,
    /// Logits.
    pub logits: Format,
    /// Keys and values of past tokens.
    pub cache: Format,
}

/// Weight bytes by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WeightBytes {
    /// Token table.
    pub embedding: f64,
    /// Logits.
    pub logits: f64,
    /// Attention.
    pub attention: f64,
    /// Dense feed-forward networks.
    pub dense: f64,
    /// Routed experts.
    pub experts: f64,
    /// Shared experts.
    pub shared: f64,
    /// Routers, norms, biases.
    pub other: f64,
    /// Draft head.
    pub draft: f64,
}

impl WeightBytes {
    /// Without the draft head.
    pub fn total(&self) -> f64 {
        self.embedding + self.logits + self.attention + self.dense + self.experts + self.shared + self.other
    }
}

impl Precision {
    /// Every matrix of the layers in one format; embedding, logits, router and norms stay at 16 bits, as published
    /// checkpoints keep them, and the cache too.
    pub fn uniform(format: Format) -> Self {
        let table = if format == Format::Fp32 { Format::Fp32 } else { Format::Bf16 };
        Self {
            attention: format,
            dense: format,
            experts: format,
            shared: format,
            embedding: table,
            logits: table,
            cache: table,
        }
    }

    /// Matrices of the layers in one format, routed experts in another.
    pub fn mixed(matrices: Format, experts: Format) -> Self {
        Self { experts, ..Self::uniform(matrices) }
    }

    /// The same with another format of the cache.
    pub fn with_cache(self, cache: Format) -> Self {
        Self { cache, ..self }
    }

    /// What quantised checkpoints of this kind of model keep: 4-bit floating point takes experts only where there are
    /// some (gpt-oss in mxfp4; NVIDIA's nvfp4 checkpoints of DeepSeek, MiniMax and Qwen3.5 exclude attention and shared
    /// experts), 4-bit integers likewise (Kimi-K2.5); other formats take every matrix.
    pub fn customary(format: Format, model: &Transformer) -> Self {
        let experts_only =
            matches!(format, Format::Nvfp4 | Format::Mxfp4Weight | Format::Mxfp4Fp8 | Format::Int4Weight);
        if experts_only && model.has_experts() { Self::mixed(Format::Bf16, format) } else { Self::uniform(format) }
    }
}

impl Transformer {
    /// Bytes of the weights.
    pub fn weight_bytes(&self, precision: &Precision) -> WeightBytes {
        let parts = self.parameters();
        let bytes = |count: u64, format: Format| count as f64 * format.weight_bytes();
        let draft = self.draft_block().map_or(0.0, |block| {
            let layer = block.layer_parameters(self.hidden);
            let experts = match block.feed_forward {
                FeedForward::Experts { experts, .. } => layer.expert.saturating_mul(u64::from(experts)),
                _ => 0,
            };
            let named = [
                (layer.attention, precision.attention),
                (layer.dense, precision.dense),
                (layer.shared, precision.shared),
                (experts, precision.experts),
            ];
            let layers = u64::from(self.draft_layers);
            let counted = named.iter().fold(0, |all: u64, (count, _)| all.saturating_add(*count));
            // Its projection and norms are left at 16 bits.
            let rest = parts.draft.saturating_sub(counted.saturating_mul(layers));
            let named: f64 = named.iter().map(|(count, format)| bytes(*count, *format)).sum();
            layers as f64 * named + bytes(rest, Format::Bf16)
        });
        WeightBytes {
            embedding: bytes(parts.embedding, precision.embedding),
            logits: bytes(parts.logits, precision.logits),
            attention: bytes(parts.attention, precision.attention),
            dense: bytes(parts.dense, precision.dense),
            experts: bytes(parts.experts, precision.experts),
            shared: bytes(parts.shared, precision.shared),
            other: bytes(parts.router.saturating_add(parts.other), Format::Bf16),
            draft,
        }
    }
}
