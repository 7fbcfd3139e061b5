//! Mixtures of experts: routing, two grouped products and what lies between them, on one rank.
//!
//! The time is that of the most loaded rank ([`super::routing`]). It reads the weights of the experts that it touches once and
//! multiplies the tokens that came to it; surfaces over load and shape correct the rest. Libraries choose kernels by
//! shape and layout, now and then badly (some layouts were measured two to ten times slower than their neighbours, for
//! some routings only): what a measured layout takes beyond its neighbours is kept per layout as an offset. A layout that
//! was not measured has none, so its band is the one to watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gemm::{peaks, stand_ins};
use super::roofline::{Ideal, carried, joined};
use super::routing::{RankLoad, Routing, most_loaded};
use super::stand_in::{self, Lent};
use super::table::Table;
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::estimate::Estimate;
use crate::fit::calibration::{OperatorFits, Resolved};
use crate::fit::law::{Corrected, Law, Layer, Peaks};
use crate::fit::spread::Band;
use crate::fit::surface::{AXES, Axis, Stiffness};
use crate::format::Format;

/// The operator's name in files.
pub const NAME: &str = "moe";

/// Kernel sources as files spell them, in the order in which they stand in for each other: the general ones first.
pub const SOURCES: [&str; 5] =
    ["moe_torch_flow_cutlass", "moe_torch_flow", "deepgemm", "moe_torch_flow_min_latency", "moe_torch_flow_nongated"];

/// A layer of experts and how it is spread over ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoeShape {
    /// Width of the residual stream.
    pub hidden: u32,
    /// Inner width of an expert, of all tensor shards together.
    pub inner: u32,
    /// Experts that a token visits.
    pub active: u32,
    /// Routed experts.
    pub experts: u32,
    /// Tensor shards of every expert.
    pub tensor: u32,
    /// Ranks that share the experts.
    pub ranks: u32,
    /// Whether an expert has a gate (three matrices instead of two).
    pub gated: bool,
    /// How popular experts are.
    pub routing: Routing,
}

impl MoeShape {
    /// The layout, as calibration files spell it.
    pub(super) fn key(&self) -> String {
        let Self { hidden, inner, active, experts, tensor, ranks, .. } = self;
        format!("{hidden}x{inner} {active}/{experts} {tensor}x{ranks}")
    }

    /// The place of the routing among a layout's offsets; none for exponents that were not measured.
    pub(super) fn slot(&self) -> Option<usize> {
        match self.routing {
            Routing::Balanced => Some(0),
            Routing::PowerLaw(exponent) if (exponent - 1.01).abs() < 0.005 => Some(1),
            Routing::PowerLaw(exponent) if (exponent - 1.2).abs() < 0.005 => Some(2),
            Routing::PowerLaw(_) => None,
        }
    }
}

/// What the most loaded rank is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoeQuery {
    load: RankLoad,
    tokens: f64,
    hidden: f64,
    /// Inner width of one shard.
    inner: f64,
    local: f64,
    active: f64,
    skew: f64,
    operations: f64,
    bytes: f64,
}

/// Rows of a tile: fewer tokens of an expert cost as many operations as these (half a tile of the smallest kernels).
const TILE: f64 = 16.0;

impl MoeQuery {
    /// So many tokens of the whole layer, in a format.
    pub fn new(format: Format, shape: &MoeShape, tokens: f64) -> Self {
        let load = most_loaded(tokens, shape.experts, shape.active, shape.ranks, shape.routing);
        Self::with(format, shape, tokens, load)
    }

    pub(super) fn with(format: Format, shape: &MoeShape, tokens: f64, load: RankLoad) -> Self {
        let (hidden, inner) = (f64::from(shape.hidden), f64::from(shape.inner) / f64::from(shape.tensor.max(1)));
        let matrices = if shape.gated { 3.0 } else { 2.0 };
        let (weight, activation) = (format.weight_bytes(), format.activation_bytes());
        let between = (matrices - 1.0) * 2.0 + activation;
        let bytes = load.touched * matrices * hidden * inner * weight
            + load.pairs * (hidden * (activation + 2.0) + inner * between)
            + tokens * hidden * 4.0;
        let operations = 2.0 * matrices * hidden * inner * load.pairs.max(load.touched * TILE);
        Self {
            load,
            tokens,
            hidden,
            inner,
            local: f64::from(shape.experts) / f64::from(shape.ranks.max(1)),
            active: f64::from(shape.active),
            skew: shape.routing.skew(),
            operations,
            bytes,
        }
    }

    /// At a device's peaks.
    pub fn ideal(&self, peaks: &Peaks) -> Ideal {
        Ideal { compute: self.operations / peaks.rate, memory: self.bytes / peaks.bandwidth }
    }

    /// Load of the most loaded rank.
    pub fn load(&self) -> RankLoad {
        self.load
    }
}

/// A row of a file: columns `kernel_source` (may be missing), `moe_dtype`, `num_tokens`, `hidden_size`, `inter_size`,
/// `topk`, `num_experts`, `moe_tp_size`, `moe_ep_size`, `distribution` (may be missing: balanced).
pub fn of_row(table: &Table, row: usize) -> Result<(String, Format, MoeShape, f64), String> {
    let source = table.optional(row, "kernel_source").unwrap_or(SOURCES[0]).to_string();
    let format = table.format(row, "moe_dtype")?;
    let size = |column: &str| table.whole(row, column, 1);
    let routing = match table.optional(row, "distribution") {
        None => Routing::Balanced,
        Some(text) => Routing::from_name(text).ok_or_else(|| {
            table.wrong(row, "distribution", &format!("is \"{text}\"; known are balanced and power_law_EXPONENT"))
        })?,
    };
    let shape = MoeShape {
        hidden: size("hidden_size")?,
        inner: size("inter_size")?,
        active: size("topk")?,
        experts: size("num_experts")?,
        tensor: size("moe_tp_size")?,
        ranks: size("moe_ep_size")?,
        gated: !source.contains("nongated"),
        routing,
    };
    if shape.experts > 1 << 16 {
        return Err(table.wrong(row, "num_experts", "is more than 65536, which no model has"));
    }
    if shape.active > shape.experts {
        let what = format!("is {}; a token cannot visit more than the {} experts", shape.active, shape.experts);
        return Err(table.wrong(row, "topk", &what));
    }
    if !shape.experts.is_multiple_of(shape.ranks) {
        let what = format!("is {}, which does not divide the {} experts", shape.ranks, shape.experts);
        return Err(table.wrong(row, "moe_ep_size", &what));
    }
    Ok((source, format, shape, table.number(row, "num_tokens", 1.0)?))
}

/// How variants are called in calibration files.
pub(super) fn variant(source: &str, format: Format) -> String {
    format!("{source}/{}", format.name())
}

/// Format of a variant.
pub(super) fn format_of(variant: &str) -> Option<Format> {
    variant.rsplit_once('/').and_then(|(_, format)| Format::from_name(format))
}

/// Floor, share of the arithmetic peak, share of the memory's bandwidth; layers over the load and over the routing.
pub struct MoeLaw;

impl Law<3, 2> for MoeLaw {
    type Query = MoeQuery;

    fn constants(&self) -> [(&'static str, f64); 3] {
        [("floor_s", 3e-5), ("compute_share", 0.4), ("memory_share", 0.75)]
    }

    fn layers(&self) -> Vec<Layer> {
        let stiffness = Stiffness { bend: 0.1, ..Stiffness::default() };
        let load = [
            Axis::spanning(0.0, 12.0, 1.5),
            Axis::spanning(0.0, 9.0, 1.5),
            Axis::spanning(4.0, 14.5, 1.5),
            Axis::spanning(10.0, 13.0, 1.5),
        ];
        let routing = [
            Axis::spanning(0.0, 15.0, 1.0),
            Axis::spanning(0.0, 10.0, 2.0),
            Axis::spanning(0.0, 2.0, 1.0),
            Axis::spanning(0.0, 4.6, 2.3),
        ];
        vec![Layer::new("load", 0, &load, stiffness), Layer::new("routing", 1, &routing, stiffness)]
    }

    fn seconds(&[floor, compute, memory]: &[f64; 3], peaks: &Peaks, query: &MoeQuery) -> f64 {
        let ideal = query.ideal(peaks);
        floor + joined(ideal.compute / compute, ideal.memory / memory)
    }

    fn reachable(peaks: &Peaks, query: &MoeQuery) -> f64 {
        query.ideal(peaks).reachable()
    }

    fn places(query: &MoeQuery) -> [Option<[f32; AXES]>; 2] {
        let log = |value: f64| libm::log2(value) as f32;
        let RankLoad { pairs, touched } = query.load;
        [
            Some([log(pairs / touched), log(touched), log(query.inner), log(query.hidden)]),
            Some([log(query.tokens), log(query.local), query.skew as f32, log(query.active)]),
        ]
    }
}

/// Without any fit: shares and floor in the middle of those fitted, and a band of a factor of three (an estimate).
const UNFITTED: ([f64; 3], Band) = ([4e-5, 0.3, 0.7], Band { below: 3.0, above: 3.0 });

/// The experts of one format and kernel source on one device: ready to be asked about any shape.
#[derive(Clone, Debug)]
pub struct MoeKernel {
    format: Format,
    peaks: Peaks,
    fitted: Option<(Corrected<3, 2>, BTreeMap<String, Vec<i32>>)>,
    /// Whose fit it is, where it is not the device's own, and in which format.
    lent: Option<(Lent, Format)>,
    calibrated_on: String,
}

impl MoeKernel {
    /// The kernel of a device: its own fit, or the nearest donor's, or bare physics. Without a source, the first of
    /// [`SOURCES`] that the device has.
    pub fn new(device: &Accelerator, fits: Option<&OperatorFits>, format: Format, source: Option<&str>) -> Self {
        let sources: Vec<&str> =
            source.into_iter().chain(SOURCES.into_iter().filter(|one| Some(*one) != source)).collect();
        let lent = donors(device);
        let mut candidates: Vec<(&str, String)> = Vec::new();
        for format in std::iter::once(&format).chain(stand_ins(format)) {
            for device in std::iter::once(device.id.as_str()).chain(lent.iter().map(|donor| donor.id)) {
                candidates.extend(sources.iter().map(|source| (device, variant(source, *format))));
            }
        }
        let found =
            fits.and_then(|fits| fits.resolve(candidates.iter().map(|(device, variant)| (*device, variant.as_str()))));
        match found {
            Some(found) => Self::of(device, &found, format),
            None => Self {
                format,
                peaks: peaks(device, format),
                fitted: None,
                lent: None,
                calibrated_on: stand_in::NOTHING.into(),
            },
        }
    }

    pub(super) fn of(device: &Accelerator, found: &Resolved<'_>, format: Format) -> Self {
        let own = format_of(&found.fit.variant).unwrap_or(format);
        // Another source on the same device in the same format is no transfer of peaks.
        let same = found.fit.device == device.id && own == format;
        let lent = Lent::of(device, found, "").filter(|_| !same).map(|lent| (lent, own));
        let base = lent.as_ref().map_or_else(|| peaks(device, format), |(lent, _)| lent.peaks);
        Self {
            format,
            peaks: peaks(device, format),
            fitted: Some((Corrected::of(&MoeLaw, found, (&device.id, base), None, 0), found.fit.offsets.clone())),
            lent,
            calibrated_on: found.words(),
        }
    }

    /// Time of so many tokens, seconds.
    pub fn time(&self, shape: &MoeShape, tokens: f64) -> Estimate {
        if tokens.is_nan() || tokens <= 0.0 {
            return Estimate::default();
        }
        let load = most_loaded(tokens, shape.experts, shape.active, shape.ranks, shape.routing);
        self.time_under(shape, tokens, load)
    }

    /// The same where the load of the most loaded rank is known.
    pub fn time_under(&self, shape: &MoeShape, tokens: f64, load: RankLoad) -> Estimate {
        if tokens.is_nan() || tokens <= 0.0 {
            return Estimate::default();
        }
        let query = MoeQuery::with(self.format, shape, tokens, load);
        let Some((fitted, offsets)) = &self.fitted else {
            return UNFITTED.1.around(MoeLaw::seconds(&UNFITTED.0, &self.peaks, &query));
        };
        let Some((lent, format)) = &self.lent else {
            let own = shape.slot().and_then(|slot| offsets.get(&shape.key())?.get(slot).copied());
            let factor = libm::exp(f64::from(own.unwrap_or(0)) * 1e-3);
            return fitted.estimate::<MoeLaw>(&query).times(factor);
        };
        let base = MoeQuery::with(*format, shape, tokens, query.load);
        // Offsets stay at home: a kernel that is badly chosen on one device is not on another. From H100 to B200, the
        // ninetieth percentile of 16-bit experts is 42 % without them and 59 % with half of each.
        let donor = fitted.estimate::<MoeLaw>(&base);
        let likely = carried(donor.likely, base.ideal(&lent.peaks), query.ideal(&self.peaks), lent.stretch);
        donor.times(likely / donor.likely)
    }

    /// A shape's times, looked up from now on without thinking about routing again.
    pub fn curve(&self, shape: &MoeShape) -> MoeCurve {
        MoeCurve { points: (0..POINTS).map(|at| self.time(shape, libm::exp2(at as f64 / PER_OCTAVE))).collect() }
    }

    /// What it was calibrated on, in words.
    pub fn calibrated_on(&self) -> &str {
        &self.calibrated_on
    }
}

const PER_OCTAVE: f64 = 4.0;
const POINTS: usize = 81;

/// Times of one shape over tokens: 1 to a million, four points an octave, between them straight in logarithms.
#[derive(Clone, Debug)]
pub struct MoeCurve {
    points: Arc<[Estimate]>,
}

impl MoeCurve {
    /// Time of so many tokens, seconds; none for none.
    pub fn time(&self, tokens: f64) -> Estimate {
        if tokens.is_nan() || tokens <= 0.0 {
            return Estimate::default();
        }
        let place = (libm::log2(tokens.max(1.0)) * PER_OCTAVE).min((POINTS - 1) as f64);
        let at = (place as usize).min(POINTS - 2);
        let (low, high, share) = (self.points[at], self.points[at + 1], place - at as f64);
        // Neighbours differ by little: the straight mean of a convex curve is within a percent of the logarithmic one.
        let mix = |a: f64, b: f64| a + (b - a) * share;
        Estimate { low: mix(low.low, high.low), likely: mix(low.likely, high.likely), high: mix(low.high, high.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;

    const SHAPE: MoeShape = MoeShape {
        hidden: 7168,
        inner: 2048,
        active: 8,
        experts: 256,
        tensor: 1,
        ranks: 8,
        gated: true,
        routing: Routing::Balanced,
    };

    #[test]
    fn weights_of_touched_experts_are_read_once() {
        let query = MoeQuery::new(Format::Fp8, &SHAPE, 1024.0);
        assert_eq!(query.load.touched, 32.0);
        let weights = 32.0 * 3.0 * 7168.0 * 2048.0;
        assert!(query.bytes > weights && query.bytes < 1.2 * weights);
        let plain = MoeQuery::new(Format::Fp8, &MoeShape { gated: false, ..SHAPE }, 1024.0);
        assert!((query.operations / plain.operations - 1.5).abs() < 1e-12);
    }

    #[test]
    fn curves_follow_their_kernel() {
        let device = plain("nvidia/h100-sxm", 989e12, 3.35e12);
        let kernel = MoeKernel::new(&device, None, Format::Bf16, None);
        let curve = kernel.curve(&SHAPE);
        for tokens in [1.0, 17.0, 300.0, 5000.0, 60_000.0] {
            let (exact, quick) = (kernel.time(&SHAPE, tokens).likely, curve.time(tokens).likely);
            assert!((quick / exact - 1.0).abs() < 0.03, "{tokens}: {quick} {exact}");
        }
        assert_eq!(curve.time(0.0), Estimate::default());
        assert!(curve.time(f64::INFINITY).likely.is_finite());
    }

    #[test]
    fn rows_that_cannot_be() {
        let head =
            "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution\n";
        for (row, column) in [
            ("fp8,1,64,64,9,8,1,1,balanced", "topk"),
            ("fp8,1,64,64,2,8,1,3,balanced", "moe_ep_size"),
            ("fp8,1,64,64,2,8,1,2,zipf", "distribution"),
            ("fp9,1,64,64,2,8,1,2,balanced", "moe_dtype"),
        ] {
            let table = Table::read("rows.csv", &format!("{head}{row}\n")).expect("a table");
            let wrong = of_row(&table, 0).expect_err(row);
            assert!(wrong.contains("line 2") && wrong.contains(column), "{wrong}");
        }
    }
}
