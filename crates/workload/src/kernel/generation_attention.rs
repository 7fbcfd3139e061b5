//! Attention of decoding: one new token per sequence reads all keys and values cached before it.
//!
//! The law: `t = floor + waves * start + bytes / bandwidth * traffic + reach`. One thread block takes one key head of one
//! sequence; blocks beyond one per processor each cost a start; where blocks are few, the sequence is split over the
//! processors that would idle, and joining the parts costs a time that grows with the logarithm of the length (`reach`).
//!
//! Engines hold three kinds of kernels, measured as three variants. `single`: one query head per key head. `grouped`: up
//! to 32 query heads share the loads of a key head. `wide`: more than that fit no tile, every query head loads its own
//! keys, and the cache between processors and memory serves them.

use super::attention_shape::AttentionShape;
use super::table::{Table, fit_tables};
use super::{Measured, donor_trials, stand_in};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Resolved};
use crate::fit::law::{BEST_BANDWIDTH, Corrected, HoldOut, Law, Layer, Peaks, thirds};
use crate::fit::surface::{AXES, Axis, Stiffness};

/// Name in files.
pub const NAME: &str = "generation_attention";

/// Most query heads that share the loads of a key head.
const TILE_HEADS: f64 = 32.0;

/// Which kernel an engine takes for a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One query head per key head.
    Single,
    /// Several query heads share the loads of a key head.
    Grouped,
    /// Too many query heads for one tile: each loads for itself.
    Wide,
}

impl Sharing {
    /// Of a shape.
    pub fn of(shape: &AttentionShape) -> Self {
        match shape.group() {
            group if group <= 1.0 => Self::Single,
            group if group <= TILE_HEADS => Self::Grouped,
            _ => Self::Wide,
        }
    }

    /// In the name of a variant.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Grouped => "grouped",
            Self::Wide => "wide",
        }
    }
}

/// Sequences that decode one token each in one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GenerationQuery {
    /// Key heads that are loaded separately, of all sequences together.
    blocks: f64,
    /// Mean length of the contexts, tokens.
    length: f64,
    /// Query heads that share a key head.
    group: f64,
    /// Bytes loaded, as many times as the kernel loads them.
    loaded: f64,
    /// Whether loads repeat ([`Sharing::Wide`]).
    wide: bool,
}

impl GenerationQuery {
    /// `sequences` sequences with `contexts` tokens together, the new ones included.
    pub fn new(shape: &AttentionShape, sequences: f64, contexts: f64) -> Self {
        let sequences = sequences.max(1.0);
        let mut length = (contexts / sequences).max(1.0);
        if let Some(window) = shape.window {
            length = length.min(f64::from(window.max(1)));
        }
        let wide = Sharing::of(shape) == Sharing::Wide;
        let loads = f64::from(if wide { shape.heads } else { shape.kv_heads }.max(1));
        let head_bytes = 2.0 * f64::from(shape.head_dim.max(1)) * shape.cache_bytes();
        Self {
            blocks: sequences * loads,
            length,
            group: shape.group(),
            loaded: sequences * loads * length * head_bytes,
            wide,
        }
    }

    /// Bytes loaded.
    pub fn bytes(&self) -> f64 {
        self.loaded
    }
}

/// The law of generation attention.
#[derive(Clone, Copy, Debug, Default)]
pub struct GenerationLaw;

impl Law<4, 2> for GenerationLaw {
    type Query = GenerationQuery;

    fn constants(&self) -> [(&'static str, f64); 4] {
        [("floor_seconds", 9e-6), ("block_seconds", 1.5e-6), ("traffic_per_peak", 1.15), ("reach_seconds", 0.5e-6)]
    }

    fn layers(&self) -> Vec<Layer> {
        let (blocks, length) = (Axis::spanning(0.0, 18.0, 1.0 / 3.0), Axis::spanning(1.0, 17.0, 1.0));
        let (some_blocks, some_lengths) = (Axis::spanning(0.0, 18.0, 2.0), Axis::spanning(1.0, 17.0, 2.0));
        vec![
            Layer::new("size", 0, &[blocks, length], Stiffness { bend: 0.03, height: 1e-4, outlier: 0.15 }),
            Layer::new(
                "group",
                1,
                &[some_blocks, some_lengths, Axis::spanning(0.0, 7.0, 1.0)],
                Stiffness { bend: 0.1, height: 3e-3, outlier: 0.15 },
            ),
        ]
    }

    fn seconds(constants: &[f64; 4], peaks: &Peaks, query: &GenerationQuery) -> f64 {
        let [floor, block, traffic, reach] = *constants;
        let waves = (query.blocks / peaks.processors - 1.0).max(0.0);
        floor + block * waves + query.loaded / peaks.bandwidth * traffic + reach * libm::log2(1.0 + query.length / 64.0)
    }

    fn reachable(peaks: &Peaks, query: &GenerationQuery) -> f64 {
        // Repeated loads are served by the cache before the memory, which the peaks do not tell of.
        let unique = if query.wide { query.loaded / query.group } else { query.loaded };
        unique / (peaks.bandwidth * BEST_BANDWIDTH)
    }

    fn places(query: &GenerationQuery) -> [Option<[f32; AXES]>; 2] {
        let (blocks, length) = (thirds(query.blocks), thirds(query.length));
        let grouped = query.wide || query.group > 1.0;
        [Some([blocks, length, 0.0, 0.0]), grouped.then(|| [blocks, length, thirds(query.group), 0.0])]
    }
}

/// Generation attention on one device, in one format of the cache and one kind of sharing.
#[derive(Clone, Debug)]
pub struct GenerationAttention(Corrected<4, 2>);

impl GenerationAttention {
    /// The variant of a shape in calibration files.
    pub fn variant(shape: &AttentionShape) -> String {
        format!("{}/{}", shape.variant(), Sharing::of(shape).name())
    }

    /// Rows of a file as queries: columns `batch_size`, `isl` and `step` (their sum is the context), heads and formats.
    pub fn query(table: &Table, row: usize) -> Result<(AttentionShape, GenerationQuery), String> {
        let shape = AttentionShape::of_row(table, row)?;
        let sequences = table.number(row, "batch_size", 1.0)?;
        let length = table.number(row, "isl", 0.0)? + table.number(row, "step", 0.0)?;
        Ok((shape, GenerationQuery::new(&shape, sequences, sequences * length)))
    }

    /// Fits every variant of a file measured on `device`. Grouped rows that imply more than the peak of the memory are
    /// left out with their whole kind: such a table was not measured as its columns say.
    pub fn fit(device: &Accelerator, table: &Table, hold_out: HoldOut, all_rows: bool) -> Result<Vec<Fitted>, String> {
        let impossible = Self::impossible(device, table)?;
        fit_tables(&GenerationLaw, &device.id, (std::slice::from_ref(table), hold_out), all_rows, |table, row| {
            let (shape, query) = Self::query(table, row)?;
            let peaks = shape.peaks(device);
            if impossible && Sharing::of(&shape) != Sharing::Single {
                return Ok(None);
            }
            Ok(Some((Self::variant(&shape), peaks, query)))
        })
    }

    /// Whether most grouped rows that are ruled by traffic (above 1 GB) outrun the memory.
    fn impossible(device: &Accelerator, table: &Table) -> Result<bool, String> {
        let (mut ruled, mut beyond) = (0, 0);
        for row in 0..table.len() {
            let (shape, query) = Self::query(table, row)?;
            if Sharing::of(&shape) == Sharing::Grouped && query.loaded > 1e9 {
                ruled += 1;
                beyond += usize::from(query.loaded > table.milliseconds(row, "latency")? * device.bandwidth);
            }
        }
        Ok(2 * beyond > ruled)
    }

    /// The kernel of a device: its own fit, or the nearest donor's, or the law alone. Also what it was calibrated on.
    pub fn new(device: &Accelerator, fits: Option<&OperatorFits>, shape: &AttentionShape) -> (Self, String) {
        let sharing = Sharing::of(shape);
        let kinds: &[Sharing] = match sharing {
            Sharing::Single => &[Sharing::Single, Sharing::Grouped],
            Sharing::Grouped => &[Sharing::Grouped, Sharing::Single],
            // A kernel that repeats loads has a traffic of its own: no other stands in for it.
            Sharing::Wide => &[Sharing::Wide],
        };
        // Products of decoding are in 16 bits in every measured kernel: the cache decides.
        let caches = match shape.variant() {
            "bf16/bf16" | "fp8/bf16" => ["bf16/bf16", "bf16/fp8"],
            _ => ["bf16/fp8", "bf16/bf16"],
        };
        let variants: Vec<String> =
            kinds.iter().flat_map(|kind| caches.map(|cache| format!("{cache}/{}", kind.name()))).collect();
        let variants: Vec<&str> = variants.iter().map(String::as_str).collect();
        match fits.and_then(|fits| stand_in::resolve(fits, device, &variants)) {
            Some(found) => (Self::of(device, &found, shape), found.words()),
            None => (Self(Corrected::unfitted(&GenerationLaw, shape.peaks(device))), stand_in::NOTHING.into()),
        }
    }

    /// With a certain fit.
    pub fn of(device: &Accelerator, found: &Resolved<'_>, shape: &AttentionShape) -> Self {
        let stretch = stand_in::stretch(device, found.fit);
        Self(Corrected::of(&GenerationLaw, found, (&device.id, shape.peaks(device)), stretch, 0))
    }

    /// How long it takes, seconds.
    pub fn estimate(&self, query: &GenerationQuery) -> Estimate {
        self.0.estimate::<GenerationLaw>(query)
    }

    /// The likely time only, seconds.
    pub fn likely(&self, query: &GenerationQuery) -> f64 {
        self.0.likely::<GenerationLaw>(query)
    }
}

/// Fits every file, and tries every fit on the other devices.
pub fn calibrate(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    let fit = |one: &Measured| GenerationAttention::fit(&one.device, &one.table, hold_out, true);
    donor_trials(NAME, measured, fit, pairs)
}

/// Predictions of a table's rows of one variant, each with what was measured, seconds. None of a kind of rows that were
/// not measured as they say ([`GenerationAttention::fit`]).
pub fn pairs(device: &Accelerator, table: &Table, fit: &Fitted) -> Result<Vec<(Estimate, f64)>, String> {
    let found = Resolved::plain(fit);
    let impossible = GenerationAttention::impossible(device, table)?;
    let mut kernel = None;
    let mut pairs = Vec::new();
    for row in 0..table.len() {
        let (shape, query) = GenerationAttention::query(table, row)?;
        let believed = !impossible || Sharing::of(&shape) == Sharing::Single;
        if believed && GenerationAttention::variant(&shape) == fit.variant {
            let kernel = kernel.get_or_insert_with(|| GenerationAttention::of(device, &found, &shape));
            pairs.push((kernel.estimate(&query), table.milliseconds(row, "latency")?));
        }
    }
    Ok(pairs)
}
