//! Latent attention: all heads read one compressed vector per token (DeepSeek's MLA), and its sparse form, where an
//! indexer chooses the tokens that a query reads.
//!
//! Nothing in the calibration measures these kernels. Prompts expand keys and values and run as ordinary attention with
//! heads of `nope + rope` elements for the products of queries and keys and `value` for those of values: the efficiency is
//! that of the measured prompts of the same device, at the same lengths. Decoding keeps the compressed vectors (*absorbed*):
//! per token of context and head `rank + rope` multiplications for the score and `rank` for the value, and the vector is
//! read once for all heads. With 128 heads that is 240 operations per byte at 16 bits, near the ridge of the
//! device, so both bounds are kept: `t = attention's floor and reach + max(bytes, operations)`. The share of the peak that
//! the products reach, 0.55, is that of public measurements of FlashMLA on H800 (580 to 660 of 989 Tflop/s at best, less
//! for few sequences); for other devices it is an estimate.

use super::attention_shape::AttentionShape;
use super::context_attention::{ContextAttention, ContextQuery};
use super::generation_attention::{GenerationAttention, GenerationQuery};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::spread::Band;
use crate::format::Format;
use crate::models::transformer::SparseIndex;

/// A latent-attention layer as one device sees it: heads are those of the device, the compressed cache is whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentShape {
    /// Query heads on this device.
    pub heads: u32,
    /// Rank of the compressed keys and values.
    pub kv_rank: u32,
    /// Elements of a head that carry positions.
    pub rope_dim: u32,
    /// Elements of a head that carry none.
    pub nope_dim: u32,
    /// Elements of a value head.
    pub value_dim: u32,
    /// The indexer of sparse attention.
    pub sparse: Option<SparseIndex>,
    /// What the products are computed in.
    pub attention: Format,
    /// How compressed vectors are cached.
    pub cache: Format,
}

/// Share of the peak that absorbed decoding reaches.
const ABSORBED_SHARE: f64 = 0.55;

/// Share of the memory's peak that it reaches.
const MEMORY_SHARE: f64 = 0.8;

/// What not having measured the kernel adds to the band of the attention that stands in for it.
const UNMEASURED: Band = Band { below: 1.5, above: 1.6 };

impl LatentShape {
    /// Ordinary attention that costs what expanded prompts cost: products of queries and keys have `nope + rope`
    /// elements, those of values `value`; a head of their mean has as many operations.
    pub fn expanded(&self) -> AttentionShape {
        let head_dim = (self.nope_dim + self.rope_dim + self.value_dim).div_ceil(2);
        AttentionShape {
            heads: self.heads,
            kv_heads: self.heads,
            head_dim,
            window: None,
            attention: self.attention,
            cache: self.attention,
        }
    }

    /// One head of the compressed vectors, whose bytes are what decoding reads: half of it counts as keys, half as values,
    /// because [`AttentionShape`] counts both.
    pub fn compressed(&self) -> AttentionShape {
        AttentionShape {
            heads: self.heads.clamp(1, 32),
            kv_heads: 1,
            head_dim: (self.kv_rank + self.rope_dim).div_ceil(2),
            window: self.sparse.map(|index| index.kept),
            attention: Format::Bf16,
            cache: self.cache,
        }
    }

    /// Operations of absorbed decoding, for contexts of `read` tokens together.
    pub fn absorbed_operations(&self, read: f64) -> f64 {
        2.0 * f64::from(self.heads) * read * f64::from(2 * self.kv_rank + self.rope_dim)
    }

    /// Operations of the indexer for so many query-key pairs, and the bytes of its keys for `contexts` tokens (8-bit keys
    /// with a scale).
    fn index(&self, pairs: f64, contexts: f64) -> (f64, f64) {
        self.sparse.map_or((0.0, 0.0), |index| {
            let (heads, dim) = (f64::from(index.heads), f64::from(index.dim));
            (2.0 * pairs * heads * dim, contexts * (dim + 4.0))
        })
    }

    /// Seconds of `pieces` pieces of prompts with `tokens` new tokens, `pairs` query-key pairs after `cached` tokens, all
    /// together. `context` is the model of [`LatentShape::expanded`].
    pub fn prefill(
        &self,
        device: &Accelerator,
        context: &ContextAttention,
        (pieces, tokens, pairs, cached): (f64, f64, f64, f64),
    ) -> Estimate {
        let shape = self.expanded();
        let read = match self.sparse {
            // A query reads the tokens kept, or all where there are fewer.
            Some(index) => pairs.min(tokens * f64::from(index.kept)),
            None => pairs,
        };
        let main = context.estimate(&ContextQuery::new(&shape, pieces, tokens, read, cached));
        let (operations, bytes) = self.index(pairs, tokens + cached);
        let rate = device.peak(crate::format::Arithmetic::Fp8).unwrap_or(f64::INFINITY) * ABSORBED_SHARE;
        let index = (operations / rate).max(bytes / (device.bandwidth * MEMORY_SHARE).max(1.0));
        wide(main.plus(Estimate::exact(index)))
    }

    /// Seconds of `sequences` sequences that decode one token each, after `contexts` tokens together. `generation` is the
    /// model of [`LatentShape::compressed`].
    pub fn decode(
        &self,
        device: &Accelerator,
        generation: &GenerationAttention,
        (sequences, contexts): (f64, f64),
    ) -> Estimate {
        let shape = self.compressed();
        let sequences = sequences.max(1.0);
        let read = match self.sparse {
            Some(index) => contexts.min(sequences * f64::from(index.kept)),
            None => contexts,
        };
        let query = GenerationQuery::new(&shape, sequences, contexts);
        let main = generation.estimate(&query);
        // What the measured kernel takes for its bytes is in `main`; products bound it from below.
        let peak = device.peak(self.expanded().arithmetic()).unwrap_or(f64::INFINITY);
        let products = self.absorbed_operations(read) / (peak * ABSORBED_SHARE);
        let (operations, bytes) = self.index(contexts, contexts);
        let rate = device.peak(crate::format::Arithmetic::Fp8).unwrap_or(f64::INFINITY) * ABSORBED_SHARE;
        let index = (operations / rate).max(bytes / (device.bandwidth * MEMORY_SHARE).max(1.0));
        let factor = if main.likely > 0.0 { (products / main.likely).max(1.0) } else { 1.0 };
        wide(main.times(factor).plus(Estimate::exact(index)))
    }
}

fn wide(estimate: Estimate) -> Estimate {
    Band { below: estimate.below(), above: estimate.above() }.widened(UNMEASURED).around(estimate.likely)
}
