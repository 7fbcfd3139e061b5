//! Attention of prompts: every new token looks at the cached ones and at the new ones before it.
//!
//! The law: `t = floor + pairs * work + tiles * start + longest + traffic`. Thread blocks take 128 queries of one head
//! each; `work` is the product of pairs at the peak of the arithmetic, divided by the efficiency that long prompts reach;
//! every tile costs a start (loading, first softmax); the tile that looks back furthest ends last; queries, keys, values
//! and results cross memory once, and a second time for the kernel that rotates and caches them. Grouped heads cut the
//! bytes of keys and values, never the pairs.

use super::attention_shape::AttentionShape;
use super::table::{Table, fit_tables};
use super::{Measured, donor_trials, stand_in};
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::kin;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Resolved};
use crate::fit::law::{BEST_BANDWIDTH, BEST_RATE, Corrected, HoldOut, Law, Layer, Peaks, thirds};
use crate::fit::surface::{AXES, Axis, Stiffness};

/// Name in files.
pub const NAME: &str = "context_attention";

/// Queries of a tile.
const TILE: f64 = 128.0;

/// Pieces of prompts that go through one layer together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContextQuery {
    heads: f64,
    kv_heads: f64,
    head_dim: f64,
    pair_cost: f64,
    cache_bytes: f64,
    /// Pieces.
    pieces: f64,
    /// New tokens, all pieces together.
    tokens: f64,
    /// Query-key pairs of one head, all pieces together.
    pairs: f64,
    /// Cached tokens that are read again, all pieces together.
    cached: f64,
}

impl ContextQuery {
    /// `pieces` pieces with `tokens` new tokens and `pairs` query-key pairs together, after `cached` cached tokens
    /// together: the sums that [`crate::step::load::StepLoad`] keeps. A window cuts the pairs as if all pieces were alike.
    pub fn new(shape: &AttentionShape, pieces: f64, tokens: f64, pairs: f64, cached: f64) -> Self {
        let pieces = pieces.max(1.0);
        let tokens = tokens.max(1.0);
        let (mut pairs, mut cached) = (pairs.max(tokens), cached.max(0.0));
        if let Some(window) = shape.window {
            let window = f64::from(window.max(1));
            pairs = pairs.min(pieces * windowed_pairs(tokens / pieces, cached / pieces, window));
            cached = cached.min(pieces * window);
        }
        Self {
            heads: f64::from(shape.heads.max(1)),
            kv_heads: f64::from(shape.kv_heads.max(1)),
            head_dim: f64::from(shape.head_dim.max(1)),
            pair_cost: shape.pair_cost(),
            cache_bytes: shape.cache_bytes(),
            pieces,
            tokens,
            pairs,
            cached,
        }
    }

    /// Pieces of equal length: `tokens` new ones each after `cached` cached ones each.
    pub fn uniform(shape: &AttentionShape, pieces: f64, tokens: f64, cached: f64) -> Self {
        let pairs = tokens * cached + tokens * (tokens + 1.0) / 2.0;
        Self::new(shape, pieces, pieces * tokens, pieces * pairs, pieces * cached)
    }

    /// Floating-point operations.
    pub fn operations(&self) -> f64 {
        4.0 * self.heads * self.head_dim * self.pairs
    }

    /// Bytes that must cross memory at least once.
    pub fn bytes(&self) -> f64 {
        let kv = 2.0 * self.kv_heads * self.head_dim;
        self.tokens * 4.0 * self.heads * self.head_dim
            + kv * (self.tokens * (2.0 + self.cache_bytes) + self.cached * self.cache_bytes)
    }
}

/// Pairs of one piece when a query sees at most `window` tokens, itself included.
fn windowed_pairs(tokens: f64, cached: f64, window: f64) -> f64 {
    // Queries before `full` see all that is there; the others see a window.
    let full = (window - cached).clamp(0.0, tokens);
    full * cached + full * (full + 1.0) / 2.0 + (tokens - full) * window
}

/// The law of context attention.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContextLaw;

impl Law<5, 2> for ContextLaw {
    type Query = ContextQuery;

    fn constants(&self) -> [(&'static str, f64); 5] {
        [
            ("floor_seconds", 10e-6),
            ("work_per_peak", 1.6),
            ("tile_seconds", 2.5e-6),
            ("longest_tile_seconds", 1e-6),
            ("traffic_per_peak", 1.8),
        ]
    }

    fn layers(&self) -> Vec<Layer> {
        let (fine, coarse) = (Axis::spanning(0.0, 14.0, 1.0 / 3.0), Axis::spanning(0.0, 14.0, 2.0));
        vec![
            Layer::new("size", 0, &[fine, fine], Stiffness { bend: 0.1, height: 3e-4, outlier: 0.15 }),
            Layer::new(
                "group",
                1,
                &[coarse, coarse, Axis::spanning(0.0, 7.0, 1.0)],
                Stiffness { bend: 0.3, height: 3e-3, outlier: 0.15 },
            ),
        ]
    }

    fn seconds(constants: &[f64; 5], peaks: &Peaks, query: &ContextQuery) -> f64 {
        let [floor, work, tile, longest, traffic] = *constants;
        let per_piece = query.tokens / query.pieces;
        let tiles = query.pieces * query.heads * (per_piece / TILE).ceil();
        let reach = (per_piece + query.cached / query.pieces) / TILE;
        let operations = 4.0 * query.heads * 128.0 * query.pairs * query.pair_cost;
        floor
            + operations / peaks.rate * work
            + tile * tiles / peaks.processors
            + longest * reach.ceil() * query.pair_cost
            + query.bytes() / peaks.bandwidth * traffic
    }

    fn reachable(peaks: &Peaks, query: &ContextQuery) -> f64 {
        (query.operations() / (peaks.rate * BEST_RATE)).max(query.bytes() / (peaks.bandwidth * BEST_BANDWIDTH))
    }

    fn places(query: &ContextQuery) -> [Option<[f32; AXES]>; 2] {
        // Without cached tokens this is the length of a piece; with them, the prompt whose queries look back as far on average.
        let reach = thirds(2.0 * query.pairs / query.tokens - 1.0);
        let heads = thirds(query.pieces * query.heads);
        let group = thirds(query.heads / query.kv_heads);
        [Some([heads, reach, 0.0, 0.0]), Some([heads, reach, group, 0.0])]
    }
}

/// Context attention on one device, in one pair of formats.
#[derive(Clone, Debug)]
pub struct ContextAttention(Corrected<5, 2>);

impl ContextAttention {
    /// Rows of a file as queries: columns `batch_size`, `isl`, `step` (cached tokens), heads and formats.
    pub fn query(table: &Table, row: usize) -> Result<(AttentionShape, ContextQuery), String> {
        let shape = AttentionShape::of_row(table, row)?;
        let pieces = table.number(row, "batch_size", 1.0)?;
        let tokens = table.number(row, "isl", 1.0)?;
        let cached = match table.optional(row, "step") {
            Some(_) => table.number(row, "step", 0.0)?,
            None => 0.0,
        };
        Ok((shape, ContextQuery::uniform(&shape, pieces, tokens, cached)))
    }

    /// Fits every variant of a file measured on `device`.
    pub fn fit(device: &Accelerator, table: &Table, hold_out: HoldOut, all_rows: bool) -> Result<Vec<Fitted>, String> {
        fit_tables(&ContextLaw, &device.id, (std::slice::from_ref(table), hold_out), all_rows, |table, row| {
            let (shape, query) = Self::query(table, row)?;
            Ok(Some((shape.variant().to_owned(), shape.peaks(device), query)))
        })
    }

    /// The kernel of a device: its own fit, or the nearest donor's, or the law alone. Also what it was calibrated on.
    pub fn new(device: &Accelerator, fits: Option<&OperatorFits>, shape: &AttentionShape) -> (Self, String) {
        let wanted = shape.variant();
        let others = ["bf16/bf16", "bf16/fp8", "fp8/fp8"].into_iter().filter(|other| *other != wanted);
        let variants: Vec<&str> = std::iter::once(wanted).chain(others).collect();
        match fits.and_then(|fits| stand_in::resolve(fits, device, &variants)) {
            Some(found) => (Self::of(device, &found, shape), found.words()),
            None => (Self(Corrected::unfitted(&ContextLaw, shape.peaks(device))), stand_in::NOTHING.into()),
        }
    }

    /// With a certain fit. Between families of devices the law runs on the device's own peaks: trials between A100, H100
    /// and B200 miss by 11 to 16 % in the median that way, by 12 to 40 % when the time beyond the roofline is carried over.
    pub fn of(device: &Accelerator, found: &Resolved<'_>, shape: &AttentionShape) -> Self {
        let stretch = stand_in::stretch(device, found.fit).filter(|_| kin(&device.id, &found.fit.device));
        Self(Corrected::of(&ContextLaw, found, (&device.id, shape.peaks(device)), stretch, 0))
    }

    /// How long it takes, seconds.
    pub fn estimate(&self, query: &ContextQuery) -> Estimate {
        self.0.estimate::<ContextLaw>(query)
    }

    /// The likely time only, seconds.
    pub fn likely(&self, query: &ContextQuery) -> f64 {
        self.0.likely::<ContextLaw>(query)
    }
}

/// Fits every file, and tries every fit on the other devices.
pub fn calibrate(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    let fit = |one: &Measured| ContextAttention::fit(&one.device, &one.table, hold_out, true);
    donor_trials(NAME, measured, fit, pairs)
}

/// Predictions of a table's rows of one variant, each with what was measured, seconds.
pub fn pairs(device: &Accelerator, table: &Table, fit: &Fitted) -> Result<Vec<(Estimate, f64)>, String> {
    let found = Resolved::plain(fit);
    let mut kernel = None;
    let mut pairs = Vec::new();
    for row in 0..table.len() {
        let (shape, query) = ContextAttention::query(table, row)?;
        if shape.variant() == fit.variant {
            let kernel = kernel.get_or_insert_with(|| ContextAttention::of(device, &found, &shape));
            pairs.push((kernel.estimate(&query), table.milliseconds(row, "latency")?));
        }
    }
    Ok(pairs)
}
