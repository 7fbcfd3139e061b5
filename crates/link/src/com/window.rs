//! Eye of a module interface over a window about the sampling instant (120G.5.2): height, and contours over a whole unit
//! interval.

use crate::com::distribution::Distribution;
use crate::com::figure_of_merit::{Bench, Point};
use crate::com::parameters::{ComParameters, ModuleEye, WindowWeight};
use crate::com::prepare::Prepared;
use crate::normal;

/// What the eye is made of.
#[derive(Clone, Copy, Debug)]
pub struct EyeSource<'a> {
    /// Parameters of the evaluation.
    pub parameters: &'a ComParameters,
    /// The window.
    pub eye: &'a ModuleEye,
    /// Equalised pulse, M samples per unit interval, in V.
    pub pulse: &'a [f64],
    /// Sampling instant in samples from 0.
    pub sample: usize,
    /// Feedback taps relative to the cursor.
    pub taps: &'a [f64],
    /// sigma_X.
    pub sigma_x: f64,
    /// sigma_N and sigma_TX in V.
    pub sigma_n_tx: (f64, f64),
    /// Crosstalk.
    pub crosstalk: &'a Distribution,
    /// Bin of amplitudes in V.
    pub bin_v: f64,
}

/// Interference and noise at one instant of the unit interval, around the level of zero.
#[derive(Clone, Debug)]
struct Column {
    /// First bin before noise is added, since the script rounds the levels there.
    interference_first: i64,
    noise_first: i64,
    probability: Vec<f64>,
    /// Outermost level in V.
    outer_v: f64,
}

/// Edges of an eye at the error ratio, in V.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edges {
    /// Lower edge of the level above.
    pub top_v: f64,
    /// Upper edge of the level below.
    pub bottom_v: f64,
}

impl Edges {
    /// Height of the opening in V, below zero where it is closed.
    pub fn height_v(&self) -> f64 {
        self.top_v - self.bottom_v
    }
}

/// The pulse at the window's own instants, which are looked up as they are needed.
struct Resampled<'a> {
    source: EyeSource<'a>,
    /// Samples of the pulse per sample of the window.
    ratio: f64,
    /// Window samples before the cursor.
    before: usize,
    /// First window sample of the unit interval about the cursor.
    start: usize,
    /// Unit intervals that are counted.
    rows: usize,
    cursor: f64,
}

impl<'a> Resampled<'a> {
    fn new(source: EyeSource<'a>) -> Option<Self> {
        let m = source.parameters.signal.samples_per_ui;
        let s = source.eye.samples_per_ui;
        let (ratio, n) = (m as f64 / s as f64, source.pulse.len());
        if n < 2 || s < 4 {
            return None;
        }
        let cursor = *source.pulse.get(source.sample)?;
        // Instants on both sides of the cursor that lie within the pulse.
        let before = (source.sample as f64 / ratio + 1e-9).floor() as usize;
        let after = ((n - 1 - source.sample) as f64 / ratio + 1e-9).floor() as usize;
        let length = before + after + 1;
        let start = before.checked_sub(s / 2)?;
        if length < start + s * (source.taps.len() + 1) {
            return None;
        }
        let intervals = (length as f64 / s as f64).round() as usize;
        let rows = intervals.checked_sub(2).filter(|r| *r > 0)?;
        Some(Self { source, ratio, before, start, rows, cursor })
    }

    fn pulse(&self, k: usize) -> f64 {
        let pulse = self.source.pulse;
        let last = pulse.len() - 1;
        let x = (self.source.sample as f64 + (k as f64 - self.before as f64) * self.ratio).clamp(0.0, last as f64);
        let left = (x as usize).min(last - 1);
        pulse[left] + (x - left as f64) * (pulse[left + 1] - pulse[left])
    }

    /// The pulse without what feedback and the cursor take away.
    fn residual(&self, k: usize) -> f64 {
        if k < self.start {
            return self.pulse(k);
        }
        match (k - self.start) / self.source.eye.samples_per_ui {
            0 => 0.0,
            n => self.pulse(k) - self.source.taps.get(n - 1).map_or(0.0, |tap| tap * self.cursor),
        }
    }

    /// Interference and noise at sample `k` of the unit interval whose middle is the cursor, in bins `coarse` times as
    /// wide and then never spread more widely.
    fn column(&self, k: usize, coarse: i64) -> Column {
        let s = self.source.eye.samples_per_ui;
        let p = self.source.parameters;
        let (bin_v, levels) = (self.source.bin_v, p.signal.levels);
        let phase = (self.start + k) % s;
        let at = |row: usize| s * (row + 1) + phase;
        let residual = (0..self.rows).map(|r| self.residual(at(r)));
        let mut interference = Distribution::of_symbols_in(residual, levels, bin_v, coarse);
        if coarse == 1 && self.source.crosstalk.probability.len() > 1 {
            interference = interference.plus(self.source.crosstalk);
        }
        // Slopes reach into the neighbouring unit intervals at the edges, where the script drops the last row.
        let slope_rows = if phase == 0 || phase == s - 1 { self.rows - 1 } else { self.rows };
        let slope: Vec<f64> = (0..slope_rows)
            .map(|r| {
                let at = if phase == 0 { at(r + 1) } else { at(r) };
                (self.pulse(at + 1) - self.pulse(at - 1)) / 2.0 * s as f64
            })
            .collect();
        let rms = slope.iter().map(|h| h * h).sum::<f64>().sqrt();
        let (n, tx) = self.source.sigma_n_tx;
        let rj = p.noise.random_jitter_ui * self.source.sigma_x * rms;
        let sigma = (rj * rj + n * n + tx * tx).sqrt();
        let mut gaussian = Distribution::normal(sigma, noise_reach(p), bin_v);
        if coarse > 1 {
            gaussian = gaussian.in_wider_bins(coarse);
        }
        let jitter = slope.iter().map(|h| p.noise.dual_dirac_ui * h);
        let noise = gaussian.plus(&Distribution::of_symbols_in(jitter, levels, bin_v, coarse));
        let probability = crate::com::distribution::convolve(&interference.probability, &noise.probability);
        Column {
            interference_first: interference.first,
            noise_first: noise.first,
            probability,
            outer_v: p.signal.level_mismatch * self.pulse(self.start + k),
        }
    }
}

impl Column {
    /// First bin of the distribution about one level.
    fn first(&self, level: u32, levels: u32, bin_v: f64) -> i64 {
        let share = 2.0 * f64::from(level) / f64::from(levels - 1) - 1.0;
        (self.interference_first as f64 + self.outer_v * share / bin_v).round() as i64 + self.noise_first
    }
}

/// Standard deviations at which Gaussian noise is cut in half: the crest factor, or the quantile of the error ratio.
pub fn noise_reach(parameters: &ComParameters) -> f64 {
    if parameters.noise.crest_factor == 0.0 {
        normal::quantile(parameters.signal.detector_error_ratio)
    } else {
        parameters.noise.crest_factor
    }
}

/// Weights of the instants of the window, from its first to its last.
fn weights(eye: &ModuleEye, half: usize) -> Vec<f64> {
    let sigma = eye.sigma_r_ui * 1000.0 / eye.window_mui * half as f64;
    (0..=2 * half)
        .map(|k| {
            let x = k as f64 - half as f64;
            match eye.weight {
                WindowWeight::Rectangle => 1.0,
                WindowWeight::Gaussian if half == 0 => 1.0,
                WindowWeight::Gaussian => (-0.5 * (x / sigma).powi(2)).exp(),
                WindowWeight::Triangle if half == 0 => 1.0,
                WindowWeight::Triangle => 1.0 - x.abs() / half as f64,
                WindowWeight::DualRayleigh if half == 0 => 1.0,
                WindowWeight::DualRayleigh => {
                    let (up, down) = (x + half as f64, x - half as f64);
                    let bell = |v: f64| v / (sigma * sigma) * (-0.5 * (v / sigma).powi(2)).exp();
                    bell(up) - bell(down)
                }
            }
        })
        .collect()
}

/// Samples on each side of the cursor that the window takes.
fn half_window(eye: &ModuleEye) -> usize {
    (eye.window_mui / 1000.0 * eye.samples_per_ui as f64).floor().max(0.0) as usize
}

/// Middle sample of a unit interval and the samples on each side of it that the window takes; `None` where it does not fit.
fn window_of(eye: &ModuleEye) -> Option<(usize, usize)> {
    let (middle, half) = (eye.samples_per_ui / 2, half_window(eye));
    (half <= middle && middle + half < eye.samples_per_ui).then_some((middle, half))
}

/// Edges of the worst eye over the window; `None` where the pulse is too short for it.
pub fn window_edges(source: EyeSource) -> Option<Edges> {
    let resampled = Resampled::new(source)?;
    let eye = source.eye;
    let (middle, half) = window_of(eye)?;
    let columns: Vec<Column> = (middle - half..=middle + half).map(|k| resampled.column(k, 1)).collect();
    let weights = weights(eye, half);
    let levels = source.parameters.signal.levels;
    let share = source.parameters.signal.detector_error_ratio;
    let mixed: Vec<(f64, f64)> = (0..levels)
        .map(|level| {
            let first = |c: &Column| c.first(level, levels, source.bin_v);
            let start = columns.iter().map(first).min().unwrap_or(0);
            let end = columns.iter().map(|c| first(c) + c.probability.len() as i64).max().unwrap_or(0);
            let mut mix = vec![0.0; (end - start).max(0) as usize];
            for (column, weight) in columns.iter().zip(&weights) {
                let offset = (first(column) - start) as usize;
                for (m, p) in mix[offset..].iter_mut().zip(&column.probability) {
                    *m += p * weight;
                }
            }
            let sum: f64 = mix.iter().sum();
            for m in &mut mix {
                *m /= sum;
            }
            let mix = Distribution { bin_v: source.bin_v, first: start, probability: mix };
            (mix.lower_quantile_v(share), mix.upper_quantile_v(share))
        })
        .collect();
    worst(mixed.windows(2).map(|w| Edges { top_v: w[1].0, bottom_v: w[0].1 }))
}

/// How a least closure is found: the fewer symbols, the faster and the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// From so many of the largest interfering symbols and Gaussian noise.
    Largest(usize),
    /// From all of them, and dual-Dirac jitter.
    All,
}

/// Error ratio over the share that the window's middle has of its weights.
pub fn middle_tail(parameters: &ComParameters, eye: &ModuleEye) -> f64 {
    let half = half_window(eye);
    let weights = weights(eye, half);
    parameters.signal.detector_error_ratio * weights.iter().sum::<f64>() / weights[half]
}

/// At least so much of the signal in V is lost on each side of every eye of the window.
///
/// The window's distribution holds the middle's, in its share of the weights, so that its quantile is no nearer than the
/// middle's at the error ratio over that share. And leaving symmetric independent parts out of a sum can at most double
/// the probability of a tail.
pub fn least_closure_v(source: EyeSource, share: Share) -> Option<f64> {
    let tail = middle_tail(source.parameters, source.eye);
    let (distribution, tail) = match share {
        Share::All => {
            let column = Resampled::new(source)?.column(source.eye.samples_per_ui / 2, 1);
            let first = column.interference_first + column.noise_first;
            (Distribution { bin_v: source.bin_v, first, probability: column.probability }, tail)
        }
        Share::Largest(count) => {
            let m = source.parameters.signal.samples_per_ui;
            let cursor = source.pulse[source.sample];
            let mut symbols: Vec<f64> =
                source.pulse[..source.sample].iter().rev().skip(m - 1).step_by(m).copied().collect();
            let behind = source.pulse[source.sample..].iter().skip(m).step_by(m);
            let taps = source.taps.iter().copied().chain(std::iter::repeat(0.0));
            symbols.extend(behind.zip(taps).map(|(h, b)| h - b * cursor));
            if count < symbols.len() {
                symbols.select_nth_unstable_by(count, |a, b| b.abs().total_cmp(&a.abs()));
                symbols.truncate(count);
            }
            let (n, tx) = source.sigma_n_tx;
            let sigma = n.hypot(tx);
            let noise = Distribution::normal(sigma, noise_reach(source.parameters), source.bin_v);
            let interference = Distribution::of_symbols(symbols, source.parameters.signal.levels, source.bin_v);
            (interference.plus(&noise), 2.0 * tail)
        }
    };
    if tail >= 0.5 {
        return Some(0.0);
    }
    // Levels and edges are rounded to bins.
    Some((-distribution.lower_quantile_v(tail) - 3.0 * source.bin_v).max(0.0))
}

/// Edges of every eye at every instant of the unit interval about the cursor, from the lowest eye up.
pub fn contours(source: EyeSource) -> Option<Vec<Vec<Edges>>> {
    use rayon::prelude::*;
    let resampled = Resampled::new(source)?;
    let levels = source.parameters.signal.levels;
    let share = source.parameters.signal.detector_error_ratio;
    let per_instant: Vec<Vec<Edges>> = (0..source.eye.samples_per_ui)
        .into_par_iter()
        .map(|k| {
            let column = resampled.column(k, 1);
            let around: Vec<(f64, f64)> = (0..levels)
                .map(|level| {
                    let first = column.first(level, levels, source.bin_v);
                    let d = Distribution { bin_v: source.bin_v, first, probability: column.probability.clone() };
                    (d.lower_quantile_v(share), d.upper_quantile_v(share))
                })
                .collect();
            around.windows(2).map(|w| Edges { top_v: w[1].0, bottom_v: w[0].1 }).collect()
        })
        .collect();
    let eyes = levels as usize - 1;
    Some((0..eyes).map(|e| per_instant.iter().map(|edges| edges[e]).collect()).collect())
}

/// The first of the lowest eyes.
fn worst(edges: impl Iterator<Item = Edges>) -> Option<Edges> {
    edges.fold(None, |worst: Option<Edges>, e| match worst {
        Some(w) if w.height_v() <= e.height_v() => Some(w),
        _ => Some(e),
    })
}

/// Height in V that the window's eye cannot exceed: from its middle column alone, or from all of them where
/// `all_columns`, in bins `coarse` times as wide.
///
/// Columns that are left out, and values that are moved towards zero, only take probability away from the tails, but for
/// a factor of two: for independent symmetric terms, P(|sum of a e| > t) <= 2 P(|sum of b e| > t) where each |a| <= |b|
/// (contraction principle). So the error ratio is doubled, and nothing that the window can reach is denied. The outermost
/// eye is taken, which the worst is not above.
pub fn height_bound(source: EyeSource, all_columns: bool, coarse: i64) -> Option<f64> {
    let resampled = Resampled::new(source)?;
    let eye = source.eye;
    let (middle, half) = window_of(eye)?;
    let weights = weights(eye, half);
    let sum: f64 = weights.iter().sum();
    let used: Vec<usize> = if all_columns { (0..=2 * half).collect() } else { vec![half] };
    let columns: Vec<(Column, f64)> =
        used.iter().map(|&k| (resampled.column(middle - half + k, coarse), weights[k] / sum)).collect();
    let levels = source.parameters.signal.levels;
    let share = 2.0 * source.parameters.signal.detector_error_ratio;
    let wide_v = source.bin_v * coarse as f64;
    // Levels move outwards to the next wide bin, and a bin further for the rounding of levels.
    let edge = |level: u32, sign: f64| -> f64 {
        let value = 2.0 * f64::from(level) / f64::from(levels - 1) - 1.0;
        let first = |c: &Column| {
            let outwards = (sign * c.outer_v * value / source.bin_v + 1.0) / coarse as f64;
            outwards.ceil() as i64 + c.interference_first + c.noise_first
        };
        let start = columns.iter().map(|(c, _)| first(c)).min().unwrap_or(0);
        let end = columns.iter().map(|(c, _)| first(c) + c.probability.len() as i64).max().unwrap_or(0);
        let mut mix = vec![0.0; (end - start).max(0) as usize];
        for (column, weight) in &columns {
            let offset = (first(column) - start) as usize;
            for (m, p) in mix[offset..].iter_mut().zip(&column.probability) {
                *m += p * weight;
            }
        }
        Distribution { bin_v: wide_v, first: start, probability: mix }.lower_quantile_v(share)
    };
    // The lower level's upper edge is the upper edge mirrored: its distribution is symmetric.
    Some(edge(levels - 1, 1.0) + edge(levels - 2, -1.0))
}

/// Eye height in V of a setting while the search runs: without crosstalk's distribution, as the script has it there.
pub fn search_height(prepared: &Prepared, eye: &ModuleEye, bench: &Bench, point: &Point) -> Option<f64> {
    in_search(prepared, eye, bench, point, window_edges).map(|edges| edges.height_v())
}

/// Upper bound in dB of what [`search_height`] makes of a setting's figure of merit.
pub fn search_bound_db(
    prepared: &Prepared,
    eye: &ModuleEye,
    bench: &Bench,
    point: &Point,
    share: Share,
) -> Option<f64> {
    let closure = in_search(prepared, eye, bench, point, |source| least_closure_v(source, share))?;
    Some(20.0 * (point.a_s / closure.max(1e-12 * point.a_s)).log10())
}

/// Upper bound in dB of a setting's figure of merit from [`height_bound`].
pub fn search_height_bound_db(
    prepared: &Prepared,
    eye: &ModuleEye,
    bench: &Bench,
    point: &Point,
    all_columns: bool,
    coarse: i64,
) -> Option<f64> {
    let height = in_search(prepared, eye, bench, point, |source| height_bound(source, all_columns, coarse))?;
    let closure = point.a_s - height / 2.0;
    Some(20.0 * (point.a_s / closure.max(1e-12 * point.a_s)).log10() + 1e-9)
}

/// Calls `look` with what the search knows of a setting.
fn in_search<T>(
    prepared: &Prepared,
    eye: &ModuleEye,
    bench: &Bench,
    point: &Point,
    look: impl Fn(EyeSource) -> Option<T>,
) -> Option<T> {
    let bin_v = bin_v(prepared.parameters, point.a_s);
    look(EyeSource {
        parameters: prepared.parameters,
        eye,
        pulse: &bench.pulse,
        sample: point.sample,
        taps: &bench.feedback.taps,
        sigma_x: prepared.sigma_x,
        sigma_n_tx: (point.terms.n, point.terms.tx),
        crosstalk: &Distribution::certain(bin_v),
        bin_v,
    })
}

/// Bin of the distributions: a thousandth of the signal, or the sheet's where that is smaller or forced.
pub fn bin_v(parameters: &ComParameters, a_s: f64) -> f64 {
    let n = &parameters.numerics;
    if n.bin_forced { n.bin_v } else { n.bin_v.min(a_s / 1000.0) }
}
