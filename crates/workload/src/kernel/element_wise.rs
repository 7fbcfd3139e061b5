//! Kernels that compute little per byte: norms, residual sums, activations, rotations, quantisation, embedding, sampling.
//!
//! `t = floor + bytes / bandwidth * passes`, where `bytes` counts every operand once and `passes` says how much longer the
//! kernel takes than that. Two families: *separate* kernels as an engine of early 2024 ran them, fitted to profiles of A100
//! and H100 (Vidur's, MIT); and *fused* kernels of present engines, which nothing in the calibration measures: estimates,
//! with a wide band.

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;

/// An element-wise kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementWise {
    /// Root-mean-square norm or layer norm of the residual stream, with the sum before it where kernels are fused.
    Norm,
    /// Sum of two streams.
    Add,
    /// Activation and gate of a feed-forward network.
    Activation,
    /// Rotation of queries and keys by their position, and the write into the cache.
    Rotation,
    /// Activations to a narrower format, with scales.
    Quantise,
    /// Rows of the embedding table.
    Embedding,
    /// Logits to tokens: temperature, top-k and top-p, a random choice.
    Sampling,
}

/// How an engine arranges such kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Stack {
    /// One kernel for each, eager, as in early 2024: measured.
    Separate,
    /// Fused and launched in graphs, as engines do now: estimated.
    #[default]
    Fused,
}

impl ElementWise {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Norm => "norm",
            Self::Add => "sum of streams",
            Self::Activation => "activation",
            Self::Rotation => "rotation",
            Self::Quantise => "quantisation",
            Self::Embedding => "embedding",
            Self::Sampling => "sampling",
        }
    }

    /// Floor in seconds, passes over the bytes, and the factor of the band each way.
    fn constants(self, stack: Stack) -> (f64, f64, f64) {
        match (stack, self) {
            // Medians of fits to five profiles (A100: Llama-2 7B and 70B, Llama-3 70B; H100: Llama-2 7B and 70B): medians
            // of the error 2 to 17 %, ninetieth percentiles 7 to 35 %.
            (Stack::Separate, Self::Norm) => (2.8e-6, 2.55, 1.35),
            (Stack::Separate, Self::Add) => (1.1e-6, 0.96, 1.25),
            (Stack::Separate, Self::Activation) => (2.2e-6, 1.98, 1.25),
            (Stack::Separate, Self::Rotation) => (2.2e-6, 2.08, 1.25),
            (Stack::Separate, Self::Embedding) => (2.6e-6, 6.27, 1.15),
            // Not profiled: a quantising kernel of that time reads like an activation.
            (Stack::Separate, Self::Quantise) => (2.2e-6, 1.98, 1.5),
            (Stack::Separate, Self::Sampling) => (60e-6, 6.0, 2.0),
            // Estimates: streaming kernels reach 80 % of the peak; floors are those of the smallest kernels measured (GEMM
            // 1.7 to 2.5 us, sums 1 us); sampling sorts or partitions logits in a few kernels.
            (Stack::Fused, Self::Norm) => (2.2e-6, 1.3, 1.5),
            (Stack::Fused, Self::Add) => (1.1e-6, 1.0, 1.3),
            (Stack::Fused, Self::Activation) => (1.8e-6, 1.25, 1.4),
            (Stack::Fused, Self::Rotation) => (2.0e-6, 1.3, 1.5),
            (Stack::Fused, Self::Quantise) => (1.8e-6, 1.25, 1.5),
            (Stack::Fused, Self::Embedding) => (2.0e-6, 1.3, 1.5),
            (Stack::Fused, Self::Sampling) => (20e-6, 3.0, 2.0),
        }
    }

    /// Seconds to move `bytes` (every operand once) through this kernel; nothing takes no time.
    pub fn seconds(self, stack: Stack, device: &Accelerator, bytes: f64) -> Estimate {
        if bytes <= 0.0 {
            return Estimate::exact(0.0);
        }
        let (floor, passes, band) = self.constants(stack);
        Estimate::spread(floor + bytes / device.bandwidth.max(1.0) * passes, band, band)
    }
}

/// Bytes of the operands of element-wise kernels, for 16-bit activations.
pub mod bytes {
    /// A norm of `tokens` rows of `width`: read and written; with the residual sum fused, twice each.
    pub fn norm(tokens: f64, width: f64, with_sum: bool) -> f64 {
        tokens * width * if with_sum { 8.0 } else { 4.0 }
    }

    /// A sum of two streams: two read, one written.
    pub fn add(tokens: f64, width: f64) -> f64 {
        tokens * width * 6.0
    }

    /// An activation over `inner` elements: read (twice as much with a gate) and written.
    pub fn activation(tokens: f64, inner: f64, gated: bool) -> f64 {
        tokens * inner * if gated { 6.0 } else { 4.0 }
    }

    /// Rotation of `heads` query and `kv_heads` key heads of `head_dim`: read and written.
    pub fn rotation(tokens: f64, heads: f64, kv_heads: f64, head_dim: f64) -> f64 {
        tokens * (heads + kv_heads) * head_dim * 4.0
    }

    /// Quantisation of `width` elements to `narrow` bytes each.
    pub fn quantise(tokens: f64, width: f64, narrow: f64) -> f64 {
        tokens * width * (2.0 + narrow)
    }

    /// Rows of an embedding table: read and written, and their indices.
    pub fn embedding(tokens: f64, width: f64) -> f64 {
        tokens * (width * 4.0 + 8.0)
    }

    /// Logits of `rows` sequences over a vocabulary, in 32 bits.
    pub fn sampling(rows: f64, vocabulary: f64) -> f64 {
        rows * vocabulary * 4.0
    }
}
