//! A law of physics with constants, corrected by layers of surfaces: how it is fitted, and what is left of it to predict.

use std::collections::BTreeMap;

use super::calibration::{Fitted, Origin, Resolved};
use super::constants::fit_constants;
use super::split;
use super::spread::{Band, Errors, Spread};
use super::surface::{AXES, Axis, Row, Stiffness, Surface};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::format::Arithmetic;

/// What a law needs to know of a device. Copied out of [`Accelerator`], so that a call looks nothing up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Operations per second in the arithmetic of the operator.
    pub rate: f64,
    /// Memory bandwidth, bytes per second.
    pub bandwidth: f64,
    /// Processors that share work in waves.
    pub processors: f64,
    /// Bytes per second and direction within the scale-up domain.
    pub scale_up: f64,
}

/// Names under which a fit keeps the peaks of the device that was measured.
const RATE: &str = "peak_rate";
const BANDWIDTH: &str = "peak_bandwidth";
const PROCESSOR_COUNT: &str = "peak_processors";
const SCALE_UP: &str = "peak_scale_up";

/// Processors of a device that states none: the count matters only where work is too little to fill it.
const PROCESSORS: f64 = 128.0;

impl Peaks {
    /// The peaks of a device in one arithmetic. What has no units of its own runs at the next wider ones; a device of which
    /// no rate is known (eTOPS are none) is bound by its memory alone.
    pub fn of(device: &Accelerator, arithmetic: Arithmetic) -> Self {
        Self {
            rate: device.peak(arithmetic).unwrap_or(f64::INFINITY),
            bandwidth: device.bandwidth,
            processors: device.processors.map_or(PROCESSORS, f64::from),
            scale_up: device.scale_up,
        }
    }

    /// The peaks that a fit was made with.
    pub fn stored(fit: &Fitted) -> Self {
        Self {
            rate: fit.constant(RATE, f64::INFINITY),
            bandwidth: fit.constant(BANDWIDTH, 2e12),
            processors: fit.constant(PROCESSOR_COUNT, PROCESSORS),
            scale_up: fit.constant(SCALE_UP, 0.0),
        }
    }

    /// As fits keep them; what is infinite is left out.
    pub(crate) fn stores(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [(RATE, self.rate), (BANDWIDTH, self.bandwidth), (PROCESSOR_COUNT, self.processors), (SCALE_UP, self.scale_up)]
            .into_iter()
            .filter(|(_, value)| value.is_finite())
    }
}

/// One correction: its name in files, its axes, and how stiff it is. Layers are fitted one after another, each to what
/// the ones before it left.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Name in calibration files.
    pub name: String,
    /// Axes; an operator says where a query lies on them.
    pub axes: Vec<Axis>,
    /// How stiff it is.
    pub stiffness: Stiffness,
    /// Which of the places of a query it is looked up at.
    pub slot: usize,
    /// The kind of queries that it is for; none for all.
    pub only: Option<u16>,
}

impl Layer {
    /// A layer for all queries.
    pub fn new(name: &str, slot: usize, axes: &[Axis], stiffness: Stiffness) -> Self {
        Self { name: name.to_owned(), axes: axes.to_vec(), stiffness, slot, only: None }
    }

    fn serves(&self, kind: u16) -> bool {
        self.only.is_none_or(|only| only == kind)
    }
}

/// How an operator is fitted: `N` constants, `L` places to look corrections up at.
pub trait Law<const N: usize, const L: usize> {
    /// What a call asks.
    type Query: Copy;

    /// Names of the constants in calibration files, and where their search begins.
    fn constants(&self) -> [(&'static str, f64); N];

    /// The layers, in the order in which they are fitted; at most one per slot and kind.
    fn layers(&self) -> Vec<Layer>;

    /// Seconds without corrections.
    fn seconds(constants: &[f64; N], peaks: &Peaks, query: &Self::Query) -> f64;

    /// Seconds that no kernel of the device can go below: operations and unavoidable bytes at shares of the peaks that the
    /// best kernels reach.
    fn reachable(peaks: &Peaks, query: &Self::Query) -> f64;

    /// Where a query lies on the axes of the layers of each slot; none where they leave it alone.
    fn places(query: &Self::Query) -> [Option<[f32; AXES]>; L];

    /// What kind a query is of, for layers that serve one kind only.
    fn kind(_query: &Self::Query) -> u16 {
        0
    }

    /// Which region of the band a query belongs to, from the seconds of the law and its first constant (the floor).
    fn region(seconds: f64, floor: f64) -> usize {
        // Below twice the floor launches decide, above twenty times it the peaks do.
        if seconds < 2.0 * floor {
            0
        } else if seconds < 20.0 * floor {
            1
        } else {
            2
        }
    }
}

/// The best shares of the peaks that kernels of any measured device reach: the upper decile of large products is 0.83 to
/// 0.86 of the 16-bit peak, that of large decodes 0.88 to 0.9 of the memory's bandwidth.
pub const BEST_RATE: f64 = 0.85;

/// See [`BEST_RATE`].
pub const BEST_BANDWIDTH: f64 = 0.9;

/// Regions that [`Law::region`] tells apart.
pub const REGIONS: usize = 3;

/// A measured query.
#[derive(Clone, Copy, Debug)]
pub struct Measured<Q> {
    /// What was run.
    pub query: Q,
    /// Seconds.
    pub seconds: f64,
    /// Whether the hold-out took it.
    pub held_out: bool,
}

/// A fitted law, ready to predict: no name is looked up and nothing is allocated in a call.
#[derive(Clone, Debug)]
pub struct Corrected<const N: usize, const L: usize> {
    constants: [f64; N],
    layers: [Option<Surface>; L],
    peaks: Peaks,
    /// The peaks of the device that was measured, where it is another, and how what it spends beyond its roofline carries
    /// over: it grows as the ratio of the rooflines to this power.
    donor: Option<(Peaks, f64)>,
    spread: Spread,
}

impl<const N: usize, const L: usize> Corrected<N, L> {
    /// From a fit that was found for `device`, whose peaks these are, for queries of one kind. A fit of another device is
    /// carried over: its time beyond its roofline is put on top of the roofline of `device`, grown as the ratio of the
    /// rooflines to the power `stretch`; without a stretch the law runs on the peaks of `device`, and the donor's corrections
    /// stay factors.
    pub fn of<W: Law<N, L>>(
        law: &W,
        resolved: &Resolved<'_>,
        (device, peaks): (&str, Peaks),
        stretch: Option<f64>,
        kind: u16,
    ) -> Self {
        let donor =
            stretch.filter(|_| resolved.fit.device != device).map(|stretch| (Peaks::stored(resolved.fit), stretch));
        let names = law.constants();
        let mut layers = std::array::from_fn(|_| None);
        for layer in law.layers().iter().filter(|layer| layer.serves(kind) && layer.slot < L) {
            layers[layer.slot] = resolved.fit.surfaces.get(&layer.name).cloned();
        }
        Self {
            constants: std::array::from_fn(|at| resolved.fit.constant(names[at].0, names[at].1)),
            layers,
            peaks,
            donor,
            spread: resolved.spread.clone(),
        }
    }

    /// The law alone, where nothing was measured: constants in the middle of those fitted and a band of a factor of two
    /// (an estimate).
    pub fn unfitted<W: Law<N, L>>(law: &W, peaks: Peaks) -> Self {
        Self {
            constants: law.constants().map(|constant| constant.1),
            layers: std::array::from_fn(|_| None),
            peaks,
            donor: None,
            spread: Spread { all: Band { below: 2.0, above: 2.0 }, regions: Vec::new() },
        }
    }

    /// Peaks that predictions use.
    pub fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    /// Constants of the law, in its order.
    pub fn constants(&self) -> &[f64; N] {
        &self.constants
    }

    /// The likely time, seconds.
    pub fn likely<W: Law<N, L>>(&self, query: &W::Query) -> f64 {
        self.likely_and_base::<W>(query).0
    }

    /// The time with its band, seconds.
    pub fn estimate<W: Law<N, L>>(&self, query: &W::Query) -> Estimate {
        let (likely, base) = self.likely_and_base::<W>(query);
        let floor = self.constants.first().copied().unwrap_or(0.0);
        self.spread.region(W::region(base, floor)).around(likely)
    }

    fn likely_and_base<W: Law<N, L>>(&self, query: &W::Query) -> (f64, f64) {
        let Some((lent, stretch)) = &self.donor else {
            let base = W::seconds(&self.constants, &self.peaks, query);
            return (base * self.correction::<W>(query), base);
        };
        let base = W::seconds(&self.constants, lent, query);
        let (from, to) = (W::reachable(lent, query), W::reachable(&self.peaks, query));
        let above = (base * self.correction::<W>(query) - from).max(0.0);
        let grown = if *stretch == 0.0 || from <= 0.0 { above } else { above * libm::pow(to / from, *stretch) };
        (to + grown, base)
    }

    /// The factor that the layers put on the law.
    fn correction<W: Law<N, L>>(&self, query: &W::Query) -> f64 {
        let places = W::places(query);
        let mut log = 0.0;
        for (surface, place) in self.layers.iter().zip(places) {
            if let (Some(surface), Some(place)) = (surface, place) {
                log += f64::from(surface.at(place));
            }
        }
        libm::exp(log)
    }
}

/// What was left out and with which seed, for [`fit`].
#[derive(Clone, Copy, Debug)]
pub struct HoldOut {
    /// Seed of the split.
    pub seed: u64,
    /// Share of rows.
    pub share: f64,
}

impl Default for HoldOut {
    fn default() -> Self {
        Self { seed: split::SEED, share: split::SHARE }
    }
}

/// Fits a law twice: to the rows that were not held out, whose errors on the others give the band; and to all rows, which
/// gives what is kept. Without `all_rows` the first fit is what is kept, for tests of exactly that. None without
/// rows.
pub fn fit<const N: usize, const L: usize, W: Law<N, L>>(
    law: &W,
    names: (&str, &str),
    peaks: Peaks,
    rows: &[Measured<W::Query>],
    origin: (&str, HoldOut),
    all_rows: bool,
) -> Option<Fitted> {
    let seen: Vec<&Measured<W::Query>> = rows.iter().filter(|row| !row.held_out).collect();
    let held: Vec<&Measured<W::Query>> = rows.iter().filter(|row| row.held_out).collect();
    let trial = Solved::new(law, &peaks, &seen)?;
    // Without rows held out (a variant with few) the rows seen stand in: better a band that is too narrow than none.
    let judged = if held.is_empty() { &seen } else { &held };
    let likely: Vec<(usize, f64)> = judged.iter().map(|row| trial.likely::<W>(&peaks, &row.query)).collect();
    let residuals: Vec<(usize, f64)> =
        likely.iter().zip(judged).map(|((region, likely), row)| (*region, (row.seconds / likely).ln())).collect();
    let spread = Spread::of(&residuals, REGIONS)?;
    // The band that is reported on is not tried on the rows that made it: each half is tried with the other's.
    let half = |odd: usize| residuals.iter().skip(odd).step_by(2).copied().collect::<Vec<_>>();
    let halves = [1, 0].map(|odd| Spread::of(&half(odd), REGIONS).unwrap_or_else(|| spread.clone()));
    let pairs: Vec<(Estimate, f64)> = likely
        .iter()
        .zip(judged)
        .enumerate()
        .map(|(at, ((region, likely), row))| (halves[at % 2].region(*region).around(*likely), row.seconds))
        .collect();
    let kept = if all_rows { Solved::new(law, &peaks, &rows.iter().collect::<Vec<_>>())? } else { trial };
    let mut surfaces = BTreeMap::new();
    for (layer, surface) in kept.layers {
        if let Some(surface) = surface {
            surfaces.insert(layer.name, surface);
        }
    }
    Some(Fitted {
        device: names.0.to_owned(),
        variant: names.1.to_owned(),
        origin: Origin { file: origin.0.to_owned(), rows: rows.len(), seed: origin.1.seed, hold_out: origin.1.share },
        constants: law
            .constants()
            .iter()
            .zip(kept.constants)
            .map(|(name, value)| (name.0, value))
            .chain(peaks.stores())
            .map(|(name, value)| (name.to_owned(), rounded(value)))
            .collect(),
        surfaces,
        offsets: BTreeMap::new(),
        spread,
        errors: Errors::of(&pairs),
    })
}

/// Six significant digits: as files keep constants.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Constants and surfaces that some rows gave.
struct Solved<const N: usize, const L: usize> {
    constants: [f64; N],
    layers: Vec<(Layer, Option<Surface>)>,
}

impl<const N: usize, const L: usize> Solved<N, L> {
    fn new<W: Law<N, L>>(law: &W, peaks: &Peaks, rows: &[&Measured<W::Query>]) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let start = law.constants().map(|constant| constant.1);
        let constants = fit_constants(start, rows.len(), |constants, at| {
            (W::seconds(constants, peaks, &rows[at].query) / rows[at].seconds).ln()
        })
        .map(rounded);
        let mut left: Vec<f64> =
            rows.iter().map(|row| (row.seconds / W::seconds(&constants, peaks, &row.query)).ln()).collect();
        let mut layers = Vec::new();
        for layer in law.layers() {
            let places: Vec<Option<[f32; AXES]>> =
                rows.iter().map(|row| Self::place::<W>(&layer, &row.query)).collect();
            let some: Vec<Row> = places
                .iter()
                .zip(&left)
                .filter_map(|(place, left)| place.map(|at| Row { at, log_ratio: *left, weight: 1.0 }))
                .collect();
            let surface = Surface::fit(&layer.axes, &some, layer.stiffness);
            if let Some(surface) = &surface {
                for (left, place) in left.iter_mut().zip(&places) {
                    *left -= place.map_or(0.0, |place| f64::from(surface.at(place)));
                }
            }
            layers.push((layer, surface));
        }
        Some(Self { constants, layers })
    }

    /// Where a layer is looked up for a query; none where it does not apply.
    fn place<W: Law<N, L>>(layer: &Layer, query: &W::Query) -> Option<[f32; AXES]> {
        W::places(query).get(layer.slot).copied().flatten().filter(|_| layer.serves(W::kind(query)))
    }

    /// Region and likely seconds.
    fn likely<W: Law<N, L>>(&self, peaks: &Peaks, query: &W::Query) -> (usize, f64) {
        let base = W::seconds(&self.constants, peaks, query);
        let log: f64 = self
            .layers
            .iter()
            .filter_map(|(layer, surface)| Some(f64::from(surface.as_ref()?.at(Self::place::<W>(layer, query)?))))
            .sum();
        (W::region(base, self.constants.first().copied().unwrap_or(0.0)), base * libm::exp(log))
    }
}

/// A base-2 logarithm made of straight pieces between 1, 1.25 and 1.5 times powers of two, which lie a third apart: the
/// places where batch sizes, head counts and lengths are measured become knots of an axis with step 1/3. Values below 1
/// count as 1.
pub fn thirds(value: f64) -> f32 {
    // A comparison that NaN fails.
    let value = if value > 1.0 { value.min(1e18) } else { 1.0 };
    let bits = value.to_bits();
    let octave = (bits >> 52) as i32 - 1023;
    let within = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let third = if within < 1.25 {
        (within - 1.0) * 4.0
    } else if within < 1.5 {
        1.0 + (within - 1.25) * 4.0
    } else {
        2.0 + (within - 1.5) * 2.0
    };
    octave as f32 + third as f32 / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_are_knots() {
        for (value, place) in
            [(1.0, 0.0), (1.25, 1.0 / 3.0), (12.0, 3.0 + 2.0 / 3.0), (40.0, 5.0 + 1.0 / 3.0), (64.0, 6.0)]
        {
            assert!((thirds(value) - place).abs() < 1e-6, "{value}: {}", thirds(value));
        }
        assert_eq!((thirds(0.0), thirds(f64::NAN), thirds(-3.0)), (0.0, 0.0, 0.0));
        assert!(thirds(f64::INFINITY).is_finite());
    }
}
