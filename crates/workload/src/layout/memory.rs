//! What fills the memory of one device when a model serves, and how many tokens its cache holds.

use serde::Serialize;

use super::Layout;
use crate::models::precision::Precision;
use crate::models::transformer::{Attention, Transformer};

/// Share of the memory that engines take (vLLM's and TensorRT-LLM's default is 0.9).
pub const USED_SHARE: f64 = 0.9;

/// Runtime, graphs and communication buffers, bytes (reference: aiconfigurator reserves 3.5 GB and 0.34 to 0.39 GB for
/// NCCL).
pub const RESERVED_BYTES: f64 = 3.9e9;

/// Bytes on one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Memory {
    /// All of the device's memory.
    pub device: f64,
    /// Weights, the largest stage's.
    pub weights: f64,
    /// Activations of the widest step.
    pub activations: f64,
    /// Runtime, graphs, communication buffers.
    pub reserved: f64,
    /// What engines leave alone.
    pub unused: f64,
    /// What is left for the cache; negative: the model does not fit.
    pub cache: f64,
    /// Cache bytes per token of one sequence on this device, at `tokens` tokens.
    pub cache_per_token: f64,
}

impl Memory {
    /// Of a serving worker; `tokens` is the length of a sequence, `budget` the tokens of the widest step.
    pub fn of(
        model: &Transformer,
        layout: &Layout,
        precision: &Precision,
        device_bytes: f64,
        tokens: f64,
        budget: f64,
    ) -> Self {
        let tensor = f64::from(layout.tensor.max(1));
        let stages = f64::from(layout.pipeline.max(1));
        let all = f64::from(layout.stage_devices().max(1));
        let bytes = model.weight_bytes(precision);
        let weights = (bytes.attention + bytes.dense + bytes.shared) / tensor / stages
            + bytes.experts / all / stages
            + bytes.other / stages
            + (bytes.embedding + bytes.logits) / tensor;
        let widest =
            model.blocks.iter().map(|block| width_of(&block.attention)).fold(f64::from(model.hidden), f64::max);
        let activations = budget * (4.0 * f64::from(model.hidden) + 2.0 * widest / tensor) * 2.0;
        let unused = device_bytes * (1.0 - USED_SHARE);
        let cache = device_bytes - unused - weights - activations - RESERVED_BYTES;
        Self {
            device: device_bytes,
            weights,
            activations,
            reserved: RESERVED_BYTES,
            unused,
            cache,
            cache_per_token: cache_per_token(model, layout, precision, tokens),
        }
    }

    /// Tokens that the cache of one attention group holds.
    pub fn cache_tokens(&self) -> f64 {
        if self.cache <= 0.0 {
            0.0
        } else if self.cache_per_token > 0.0 {
            self.cache / self.cache_per_token
        } else {
            f64::INFINITY
        }
    }

    /// Whether weights, activations and a sequence of `tokens` tokens fit; the error says by how much they do not.
    pub fn check(&self, tokens: f64) -> Result<(), String> {
        let gb = 1e-9;
        let wanted = self.cache_per_token * tokens;
        if self.cache >= wanted {
            return Ok(());
        }
        Err(format!(
            "{:.1} GB do not fit a device of {:.0} GB: weights {:.1}, activations {:.1}, runtime {:.1}, left alone {:.1}, \
             cache of one sequence of {tokens:.0} tokens {:.1} GB",
            (self.weights + self.activations + self.reserved + self.unused + wanted) * gb,
            self.device * gb,
            self.weights * gb,
            self.activations * gb,
            self.reserved * gb,
            self.unused * gb,
            wanted * gb,
        ))
    }
}

/// Elements of the widest activation beside attention, per token.
fn width_of(attention: &Attention) -> f64 {
    match *attention {
        Attention::Grouped { heads, head_dim, .. } | Attention::Compressed { heads, head_dim, .. } => {
            3.0 * f64::from(heads) * f64::from(head_dim)
        }
        Attention::Latent { heads, nope_dim, rope_dim, value_dim, .. } => {
            f64::from(heads) * (2.0 * f64::from(nope_dim) + f64::from(rope_dim) + 2.0 * f64::from(value_dim))
        }
        Attention::Linear { key_heads, key_dim, value_heads, value_dim, .. } => {
            2.0 * f64::from(key_heads) * f64::from(key_dim) + 2.0 * f64::from(value_heads) * f64::from(value_dim)
        }
        Attention::None => 0.0,
    }
}

/// Cache bytes per token of one sequence of `tokens` tokens on one device of a layout: heads are divided over the tensor
/// group and repeated where there are fewer heads than devices; latent caches are whole on every device.
pub fn cache_per_token(model: &Transformer, layout: &Layout, precision: &Precision, tokens: f64) -> f64 {
    let tokens = tokens.max(1.0);
    let tensor = f64::from(layout.tensor.max(1));
    let whole: f64 = model
        .blocks
        .iter()
        .map(|block| {
            let ways = match block.attention {
                Attention::Grouped { kv_heads, .. } => tensor.min(f64::from(kv_heads.max(1))),
                Attention::Linear { .. } => tensor,
                Attention::Latent { .. } | Attention::Compressed { .. } | Attention::None => 1.0,
            };
            f64::from(block.layers) * block.attention.cache_bytes(tokens, precision.cache) / ways
        })
        .sum();
    whole / f64::from(layout.pipeline.max(1)) / tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::models;

    /// Reference, section 3.4: Llama-3-70B 327,680 B per token, DeepSeek-V3 70,272 B (bf16).
    #[test]
    fn caches_are_those_of_the_formula() {
        let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
        let deepseek = models::find("deepseek-ai/DeepSeek-V3").expect("built in");
        let precision = Precision::uniform(Format::Bf16);
        let one = |model: &Transformer, layout: &Layout| cache_per_token(model, layout, &precision, 1000.0).round();
        assert_eq!(one(&llama, &Layout::SINGLE), 327_680.0);
        assert_eq!(one(&llama, &Layout { tensor: 8, ..Layout::SINGLE }), 40_960.0);
        // More devices than heads: repeated.
        assert_eq!(one(&llama, &Layout { tensor: 16, ..Layout::SINGLE }), 40_960.0);
        assert_eq!(one(&deepseek, &Layout { tensor: 8, ..Layout::SINGLE }), 70_272.0);
    }

    #[test]
    fn a_model_that_does_not_fit_says_by_how_much() {
        let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
        let precision = Precision::uniform(Format::Bf16);
        let alone = Memory::of(&llama, &Layout::SINGLE, &precision, 80e9, 2048.0, 8192.0);
        assert!(alone.check(2048.0).expect_err("140 GB in 80").contains("141.1"), "{:?}", alone.check(2048.0));
        let spread = Memory::of(&llama, &Layout { tensor: 8, ..Layout::SINGLE }, &precision, 80e9, 2048.0, 8192.0);
        assert!(spread.check(2048.0).is_ok());
        assert!(spread.cache_tokens() > 1e6);
    }
}
