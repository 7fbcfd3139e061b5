//! Operators without measurements: rooflines with estimated shares of the peaks.

use crate::accelerator::Accelerator;
use crate::format::Arithmetic;

/// Share of the arithmetic peak that batched small products reach (an estimate: cuBLAS batched products of 128 by 512).
const BATCHED_SHARE: f64 = 0.45;

/// Share of the memory's peak that one pass over weights reaches (as the measured products of few rows do: 0.7 to 0.8).
const MEMORY_SHARE: f64 = 0.7;

/// Share of the 8-bit peak that scoring by an indexer reaches (an estimate: narrow heads, a reduction over them).
const INDEX_SHARE: f64 = 0.35;

/// Seconds before the first byte of a kernel (measured floors of products are 1.7 to 2.5 us).
const FLOOR_S: f64 = 2.2e-6;

/// Seconds to select the best keys of a query among thousands, and to gather them (an estimate).
const SELECT_S: f64 = 6e-6;

/// `heads` products of `m` rows with 16-bit weights of `k` by `n`, in one kernel, seconds.
pub fn per_head(device: &Accelerator, heads: f64, m: f64, n: f64, k: f64) -> f64 {
    if m <= 0.0 {
        return 0.0;
    }
    let peak = device.peak(Arithmetic::Bf16).unwrap_or(f64::INFINITY);
    let bytes = 2.0 * heads * (k * n + m * (k + n));
    FLOOR_S + (2.0 * heads * m * n * k / (peak * BATCHED_SHARE)).max(bytes / (device.bandwidth * MEMORY_SHARE))
}

/// Scores of an indexer over `pairs` pairs of query and key, with keys of `contexts` tokens read from the cache (8-bit with
/// one scale each), and the selection of the best, seconds.
pub fn index(device: &Accelerator, heads: f64, dim: f64, pairs: f64, contexts: f64) -> f64 {
    if pairs <= 0.0 {
        return 0.0;
    }
    let peak = device.peak(Arithmetic::Fp8).unwrap_or(f64::INFINITY);
    let scores = (2.0 * pairs * heads * dim / (peak * INDEX_SHARE))
        .max(contexts * (dim + 4.0) / (device.bandwidth * MEMORY_SHARE));
    // Scores are written and read again as 32-bit numbers.
    FLOOR_S + SELECT_S + scores + 8.0 * pairs / (device.bandwidth * MEMORY_SHARE)
}
