//! What a model remembers of past tokens: bytes that grow with the sequence, and states that do not.

use super::transformer::{Attention, Transformer};
use crate::format::Format;

impl Attention {
    /// Elements that one more token adds to the cache of one layer for good (windows drop as many as they add once they
    /// are full: 0).
    pub fn growing_elements(&self) -> f64 {
        match *self {
            Self::Grouped { window: Some(_), .. } | Self::Linear { .. } | Self::None => 0.0,
            _ => self.elements_per_token(),
        }
    }

    /// Elements that a token puts into the cache of one layer.
    pub fn elements_per_token(&self) -> f64 {
        match *self {
            Self::Grouped { kv_heads, head_dim, value_dim, sparse, .. } => {
                f64::from(kv_heads) * (f64::from(head_dim) + f64::from(value_dim))
                    + sparse.map_or(0.0, |index| f64::from(index.dim))
            }
            Self::Latent { kv_rank, rope_dim, .. } => f64::from(kv_rank) + f64::from(rope_dim),
            Self::Compressed { head_dim, ratio, sparse, .. } if ratio > 0 => {
                (f64::from(head_dim) + sparse.map_or(0.0, |index| f64::from(index.dim))) / f64::from(ratio)
            }
            Self::Compressed { .. } | Self::Linear { .. } | Self::None => 0.0,
        }
    }

    /// Bytes of the keys that an indexer keeps per token beside the cache (8 bits and a 32-bit scale per 128, as the
    /// published kernels store them).
    pub fn index_bytes_per_token(&self) -> f64 {
        match *self {
            Self::Latent { sparse: Some(index), .. } => f64::from(index.dim) * (1.0 + 4.0 / 128.0),
            _ => 0.0,
        }
    }

    /// Bytes of one layer's cache for a sequence of so many tokens.
    pub fn cache_bytes(&self, tokens: f64, format: Format) -> f64 {
        let element = cache_element_bytes(format);
        match *self {
            Self::Grouped { window, .. } => {
                let kept = window.map_or(tokens, |window| tokens.min(f64::from(window)));
                kept * self.elements_per_token() * element
            }
            Self::Compressed { head_dim, window, .. } => {
                (tokens.min(f64::from(window)) * f64::from(head_dim) + tokens * self.elements_per_token()) * element
            }
            Self::Latent { .. } => tokens * (self.elements_per_token() * element + self.index_bytes_per_token()),
            Self::Linear { .. } => self.state_bytes(),
            Self::None => 0.0,
        }
    }

    /// Bytes of a state of fixed size, whatever the length of the sequence: 32-bit for the state itself, as engines keep
    /// it, 16-bit for the taps of the convolution.
    pub fn state_bytes(&self) -> f64 {
        match *self {
            Self::Linear { key_heads, value_heads, key_dim, value_dim, convolution, .. } => {
                let state = f64::from(value_heads) * f64::from(key_dim) * f64::from(value_dim);
                let channels =
                    2.0 * f64::from(key_heads) * f64::from(key_dim) + f64::from(value_heads) * f64::from(value_dim);
                4.0 * state + 2.0 * channels * f64::from(convolution.saturating_sub(1))
            }
            _ => 0.0,
        }
    }
}

/// Bytes of one cached element: caches in 8 bits carry one scale for all.
pub fn cache_element_bytes(format: Format) -> f64 {
    match format {
        Format::Fp32 => 4.0,
        Format::Fp8 | Format::Fp8Block | Format::Int8 | Format::Int8Weight | Format::Mxfp4Fp8 => 1.0,
        Format::Nvfp4 => format.weight_bytes(),
        Format::Bf16 | Format::Int4Weight | Format::Mxfp4Weight => 2.0,
    }
}

impl Transformer {
    /// Cache bytes that one more token of a long sequence adds, all layers: windows and states add nothing.
    pub fn cache_bytes_per_token(&self, format: Format) -> f64 {
        self.over_layers(|attention| {
            attention.growing_elements() * cache_element_bytes(format) + attention.index_bytes_per_token()
        })
    }

    /// Cache bytes of a sequence of so many tokens, all layers, states included.
    pub fn sequence_bytes(&self, tokens: f64, format: Format) -> f64 {
        self.over_layers(|attention| attention.cache_bytes(tokens, format))
    }

    /// Bytes of states per sequence, whatever its length, all layers.
    pub fn state_bytes(&self) -> f64 {
        self.over_layers(Attention::state_bytes)
    }

    fn over_layers(&self, of: impl Fn(&Attention) -> f64) -> f64 {
        self.blocks.iter().map(|block| f64::from(block.layers) * of(&block.attention)).sum()
    }

    /// Floating-point operations for one more token after `context` ones: two per active parameter of a matrix, and
    /// attention's two products over what it sees. Logits included.
    pub fn flops_per_token(&self, context: f64) -> f64 {
        let active = self.active_parameters();
        let matrices = active.total().saturating_sub(active.other);
        2.0 * matrices as f64 + self.over_layers(|attention| attention.flops(context))
    }
}

impl Attention {
    /// Operations of one query over `context` keys: scores and weighted sums, states' updates, indexers.
    pub fn flops(&self, context: f64) -> f64 {
        match *self {
            Self::Grouped { heads, head_dim, value_dim, window, sparse, .. } => {
                let seen = window.map_or(context, |window| context.min(f64::from(window)));
                let seen = sparse.map_or(seen, |index| seen.min(f64::from(index.kept)));
                let chosen = sparse.map_or(0.0, |index| 2.0 * f64::from(index.heads) * f64::from(index.dim) * context);
                2.0 * f64::from(heads) * (f64::from(head_dim) + f64::from(value_dim)) * seen + chosen
            }
            Self::Latent { heads, kv_rank, rope_dim, sparse, .. } => {
                let seen = sparse.map_or(context, |index| context.min(f64::from(index.kept)));
                let chosen = sparse.map_or(0.0, |index| 2.0 * f64::from(index.heads) * f64::from(index.dim) * context);
                2.0 * f64::from(heads) * (2.0 * f64::from(kv_rank) + f64::from(rope_dim)) * seen + chosen
            }
            Self::Compressed { heads, head_dim, ratio, window, sparse, .. } => {
                let stored = if ratio > 0 { context / f64::from(ratio) } else { 0.0 };
                let read = sparse.map_or(stored, |index| stored.min(f64::from(index.kept)));
                let chosen = sparse.map_or(0.0, |index| 2.0 * f64::from(index.heads) * f64::from(index.dim) * stored);
                4.0 * f64::from(heads) * f64::from(head_dim) * (read + context.min(f64::from(window))) + chosen
            }
            Self::Linear { value_heads, key_dim, value_dim, .. } => {
                // Decay, two products with the key, one with the query: about four operations on each element of the
                // state, twice over.
                8.0 * f64::from(value_heads) * f64::from(key_dim) * f64::from(value_dim)
            }
            Self::None => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::find;

    /// Bytes per token at 16 bits: 2 x layers x key-value heads x head size x 2 bytes, worked out by hand.
    #[test]
    fn cache_bytes_per_token_are_those_of_the_shapes() {
        for (name, bytes) in [
            ("Llama-3-70B", 327_680.0),
            ("Llama-3.1-8B", 131_072.0),
            ("Llama-2-13B", 819_200.0),
            ("DeepSeek-V3", 70_272.0),
            ("Qwen3-235B-A22B", 192_512.0),
            ("MiniMax-M2.5", 253_952.0),
            // Half of the layers of gpt-oss see 128 tokens, and three quarters of Qwen3.5's keep a state.
            ("gpt-oss-120b", 18.0 * 2.0 * 8.0 * 64.0 * 2.0),
            ("Qwen3.5-397B-A17B", 15.0 * 2.0 * 2.0 * 256.0 * 2.0),
        ] {
            let model = find(name).expect(name);
            let counted = model.cache_bytes_per_token(Format::Bf16);
            assert!((counted - bytes).abs() < 1e-6, "{name}: {counted}");
        }
    }

    #[test]
    fn windows_fill_and_states_do_not_grow() {
        let model = find("gpt-oss-120b").expect("built in");
        let full = 36.0 * 2.0 * 8.0 * 64.0 * 2.0;
        assert!((model.sequence_bytes(128.0, Format::Bf16) - 128.0 * full).abs() < 1e-3);
        assert!((model.sequence_bytes(256.0, Format::Bf16) - 128.0 * full * 1.5).abs() < 1e-3);
        let hybrid = find("Qwen3.5-397B-A17B").expect("built in");
        // 64 heads x 128 x 128 in 32 bits, and three taps of 16 x 2 x 128 + 64 x 128 channels, 45 layers.
        let state = 45.0 * (64.0 * 128.0 * 128.0 * 4.0 + 3.0 * 12_288.0 * 2.0);
        assert!((hybrid.state_bytes() - state).abs() < 1.0);
        assert!((hybrid.sequence_bytes(0.0, Format::Bf16) - state).abs() < 1.0);
        assert!(hybrid.sequence_bytes(8192.0, Format::Fp8) < hybrid.sequence_bytes(8192.0, Format::Bf16));
    }

    /// Two operations per parameter: Llama-3.1-8B without its token table is 7.5 B, so 15.0 GFLOP per token, and at 8k
    /// tokens 4 x 4096 x 8192 x 32 more.
    #[test]
    fn operations_per_token_follow_parameters_and_context() {
        let model = find("Llama-3.1-8B").expect("built in");
        assert!((model.flops_per_token(0.0) / 15.009e9 - 1.0).abs() < 1e-3);
        let more = model.flops_per_token(8192.0) - model.flops_per_token(0.0);
        assert!((more - 4.0 * 4096.0 * 8192.0 * 32.0).abs() < 1.0);
    }
}
