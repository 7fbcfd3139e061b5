//! What no sampling of a setting can beat: an upper bound of the figure of merit, cheap enough for every point of the
//! grid.
//!
//! For a continuous-time setting, the pulse after the transmit equaliser is a sum of shifted copies of one pulse. Its
//! energy at a sampling phase, and that of its slope, are therefore quadratic forms of the taps, with matrices that
//! depend on setting and phase alone. What is left per point is the sampling instant (found exactly as the evaluation
//! finds it, in a window about the pulse's peak) and the few post-cursors that the feedback equaliser reaches.
//!
//! The bound leaves out what is costly (which floating groups are chosen) and takes a lower bound of the crosstalk; all
//! else is exact up to rounding. So a point is far below the best only if it truly is.

use super::crosstalk_bound::CrosstalkBound;
use crate::com::parameters::{FloatingTaps, SamplingAnchor};

/// Most transmit taps that a search bounds, the cursor among them.
pub const MOST_TAPS: usize = 8;

/// What is the same for every point of a search.
#[derive(Clone, Debug)]
pub struct BoundRules {
    /// M: samples per unit interval.
    pub samples_per_ui: usize,
    /// First and last sample, from 0, among which the peak is looked for.
    pub peak_range: (usize, usize),
    /// Index of the cursor among the transmit taps.
    pub tx_cursor: usize,
    /// Number of transmit taps, the cursor among them.
    pub tx_taps: usize,
    /// b_max per fixed feedback tap.
    pub dfe_max: Vec<f64>,
    /// b_min per fixed feedback tap.
    pub dfe_min: Vec<f64>,
    /// N_b_step; only 0 is bounded tap by tap, otherwise fixed taps are taken to be perfect.
    pub dfe_step: f64,
    /// Floating groups.
    pub floating: Option<FloatingTaps>,
    /// How the first guess of the sampling instant is found.
    pub anchor: SamplingAnchor,
    /// Samples about the found instant that are tried, first and last.
    pub adjustment: (i32, i32),
    /// sigma_X^2 (93A-29).
    pub symbol_power: f64,
    /// A_DD^2 + sigma_RJ^2 in UI^2.
    pub jitter_power: f64,
    /// R_LM / (L - 1).
    pub signal_share: f64,
    /// 10^(-SNR_TX/10).
    pub tx_noise_share: f64,
    /// SNR_TXwC0: that noise is referred to the transmit cursor.
    pub tx_noise_by_cursor: bool,
    /// Where settings are judged by eye height: what bounds it.
    pub eye: Option<EyeRules>,
}

/// What bounds an eye's height: some of the interfering symbols at their worst, and Gaussian noise for the rest of the
/// probability.
#[derive(Clone, Debug, PartialEq)]
pub struct EyeRules {
    /// `quantiles[k]`: how many standard deviations the noise reaches when k symbols are at their worst. The tail's
    /// probability is that of the window's middle, times two for what is left out, over that of the symbols.
    pub quantiles: Vec<f64>,
    /// Largest bin of the distributions in V.
    pub bin_v: f64,
}

/// A continuous-time setting, ready for bounds.
#[derive(Debug)]
pub struct SettingBound<'a> {
    rules: &'a BoundRules,
    /// The pulse with its wrapped ends, `pad` samples each.
    extended: Vec<f64>,
    pad: usize,
    length: usize,
    /// The same, phase by phase: `lanes[phase * rows + row]` is `extended[row * M + phase]`.
    lanes: Vec<f64>,
    rows: usize,
    /// Quadratic forms per phase: energy and slope energy, upper triangles.
    energy: Vec<f64>,
    slope: Vec<f64>,
    /// Largest and smallest sample of each shifted copy within each block of M samples of the peak range.
    block_max: Vec<f64>,
    block_min: Vec<f64>,
    /// Blocks by their largest magnitude, falling.
    tallest: Vec<(usize, f64)>,
    /// sigma_N^2 plus near-end crosstalk, in V^2.
    fixed_noise: f64,
    crosstalk: Option<CrosstalkBound>,
}

/// Scratch memory of one thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    window: Vec<f64>,
    post: Vec<f64>,
    /// Block where the last point had its peak.
    last_block: usize,
    /// A merit in dB and as a ratio of powers.
    pub(super) enough: (f64, f64),
}

/// What is known of a point without evaluating it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// No crossing before the peak: the evaluation passes the point over.
    Void,
    /// Square of the figure of merit, as a ratio of powers, is at most this.
    AtMost(f64),
}

impl<'a> SettingBound<'a> {
    /// Prepares a setting from its pulse (before the transmit equaliser), the noise that does not depend on the taps in
    /// V^2, and the crosstalk that does.
    pub fn new(rules: &'a BoundRules, pulse: &[f64], fixed_noise: f64, crosstalk: Option<CrosstalkBound>) -> Self {
        let (m, length, taps) = (rules.samples_per_ui, pulse.len(), rules.tx_taps);
        // Sums run on to a multiple of eight rows.
        let pad = (taps + 8) * m;
        // Copies are shifted around the ends, as the reference does.
        let wrapped = |at: isize| pulse[at.rem_euclid(length as isize) as usize];
        let extended: Vec<f64> = (-(pad as isize)..(length + pad) as isize).map(wrapped).collect();
        let rows = extended.len().div_ceil(m);
        let mut lanes = vec![0.0; rows * m];
        for (at, value) in extended.iter().enumerate() {
            lanes[(at % m) * rows + at / m] = *value;
        }
        let mut made = Self {
            rules,
            extended,
            pad,
            length,
            lanes,
            rows,
            energy: Vec::new(),
            slope: Vec::new(),
            block_max: Vec::new(),
            block_min: Vec::new(),
            tallest: Vec::new(),
            fixed_noise,
            crosstalk,
        };
        made.sum_energies();
        made.find_extremes();
        made
    }

    fn pairs(&self) -> usize {
        self.rules.tx_taps * (self.rules.tx_taps + 1) / 2
    }

    /// Shift of a tap in unit intervals, positive for later.
    fn shift(&self, tap: usize) -> isize {
        tap as isize - self.rules.tx_cursor as isize
    }

    /// Rows of a phase in the copy shifted by a tap, from the pulse's first sample of that phase on.
    fn copy(&self, phase: usize, tap: usize) -> &[f64] {
        let count = (self.length - phase).div_ceil(self.rules.samples_per_ui);
        let from = self.row(phase, tap);
        &self.lanes[from..from + count]
    }

    /// Place in `lanes` of the first row of a phase in the copy shifted by a tap.
    fn row(&self, phase: usize, tap: usize) -> usize {
        let before = (self.pad / self.rules.samples_per_ui) as isize;
        phase * self.rows + (before - self.shift(tap)) as usize
    }

    fn sum_energies(&mut self) {
        let (m, pairs) = (self.rules.samples_per_ui, self.pairs());
        let mut energy = Vec::with_capacity(m * pairs);
        let mut slope = Vec::with_capacity(m * pairs);
        let mut differences: Vec<Vec<f64>> = vec![Vec::new(); self.rules.tx_taps];
        for phase in 0..m {
            // Slopes are taken from the first unit interval whose early sample exists; the reference wants two.
            let first = if phase == 0 { m } else { phase };
            let count = if first + 1 < self.length { (self.length - first - 2) / m + 1 } else { 0 };
            for (tap, difference) in differences.iter_mut().enumerate() {
                let start = (self.pad + first) as isize - self.shift(tap) * m as isize;
                let late = self.extended[start as usize + 1..].iter().step_by(m);
                let early = self.extended[start as usize - 1..].iter().step_by(m);
                difference.clear();
                difference.extend(late.zip(early).take(count).map(|(late, early)| late - early));
            }
            let scale = (m as f64 / 2.0).powi(2);
            for a in 0..self.rules.tx_taps {
                for b in a..self.rules.tx_taps {
                    let twice = if a == b { 1.0 } else { 2.0 };
                    energy.push(twice * dot(self.copy(phase, a), self.copy(phase, b)));
                    slope.push(twice * scale * dot(&differences[a], &differences[b]));
                }
            }
        }
        (self.energy, self.slope) = (energy, slope);
    }

    fn blocks(&self) -> usize {
        let (first, last) = self.rules.peak_range;
        (last + 1 - first).div_ceil(self.rules.samples_per_ui)
    }

    fn find_extremes(&mut self) {
        let (m, (first, last)) = (self.rules.samples_per_ui, self.rules.peak_range);
        for block in 0..self.blocks() {
            let (from, to) = (first + block * m, (first + (block + 1) * m).min(last + 1));
            for tap in 0..self.rules.tx_taps {
                let samples = &self.extended[self.place(from, tap)..self.place(from, tap) + to - from];
                self.block_max.push(samples.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                self.block_min.push(samples.iter().copied().fold(f64::INFINITY, f64::min));
            }
        }
        let taps = self.rules.tx_taps;
        let magnitude = |block: usize| {
            let extremes = self.block_max[block * taps..][..taps].iter().chain(&self.block_min[block * taps..][..taps]);
            extremes.fold(0.0, |most: f64, value| most.max(value.abs()))
        };
        self.tallest = (0..self.blocks()).map(|block| (block, magnitude(block))).collect();
        self.tallest.sort_by(|a, b| b.1.total_cmp(&a.1));
    }

    /// Place in `extended` of a sample of the copy shifted by a tap.
    fn place(&self, sample: usize, tap: usize) -> usize {
        ((self.pad + sample) as isize - self.shift(tap) * self.rules.samples_per_ui as isize) as usize
    }

    /// Samples `from..from + count` of the equalised pulse; behind them a few more, up to a multiple of eight.
    fn window(&self, taps: &[f64], from: usize, count: usize, out: &mut Vec<f64>) {
        let count = count.next_multiple_of(8);
        let copies: [&[f64]; MOST_TAPS] = std::array::from_fn(|tap| {
            let place = self.place(from, tap.min(taps.len() - 1));
            &self.extended[place..place + count]
        });
        weighted_sum(taps, &copies, count, out);
    }

    /// Largest sample of the peak range, the first of equals: its index and value.
    fn peak(&self, taps: &[f64], scratch: &mut Scratch) -> (usize, f64) {
        let (m, (first, last)) = (self.rules.samples_per_ui, self.rules.peak_range);
        let blocks = self.blocks();
        let (mut at, mut best) = (0, f64::NEG_INFINITY);
        let look = |block: usize, scratch: &mut Scratch, at: &mut usize, best: &mut f64| {
            let (from, to) = (first + block * m, (first + (block + 1) * m).min(last + 1));
            self.window(taps, from, to - from, &mut scratch.window);
            let window = &scratch.window[..to - from];
            let largest = largest(window);
            if largest >= *best
                && let Some(offset) = window.iter().position(|value| *value == largest)
                && (largest > *best || from + offset < *at)
            {
                (*at, *best) = (from + offset, largest);
                scratch.last_block = block;
            }
        };
        let start = scratch.last_block.min(blocks - 1);
        look(start, scratch, &mut at, &mut best);
        for (block, envelope) in &self.tallest {
            // The magnitudes of the taps add up to one.
            if *envelope * (1.0 + 1e-12) < best {
                break;
            }
            if *block == start {
                continue;
            }
            let (block, extremes) = (*block, *block * taps.len());
            let limit: f64 = taps
                .iter()
                .zip(&self.block_max[extremes..])
                .zip(&self.block_min[extremes..])
                .map(|((c, max), min)| (c * max).max(c * min))
                .sum();
            // The last digits of sums differ with their order.
            if limit * (1.0 + 1e-12) >= best {
                look(block, scratch, &mut at, &mut best);
            }
        }
        (at, best)
    }

    /// First guess of the sampling instant (93A-25), as `sampling` finds it.
    fn instant(&self, taps: &[f64], scratch: &mut Scratch) -> Result<usize, Bound> {
        let m = self.rules.samples_per_ui;
        let (peak, height) = self.peak(taps, scratch);
        match self.rules.anchor {
            SamplingAnchor::MuellerMuller | SamplingAnchor::ModifiedMuellerMuller => {}
            SamplingAnchor::Peak => return Ok(peak),
            // Rare enough to be left to the evaluation.
            SamplingAnchor::LargestDifference => return Err(Bound::AtMost(f64::INFINITY)),
        }
        let modified = self.rules.anchor == SamplingAnchor::ModifiedMuellerMuller;
        let level = 0.01 * height;
        if level <= 0.0 {
            return Err(Bound::AtMost(f64::INFINITY));
        }
        let lowest = peak.saturating_sub(4 * m);
        // The last sample before the peak that is not above the level.
        let mut to = peak;
        let crossing = loop {
            if to <= lowest {
                return Err(Bound::Void);
            }
            let from = to.saturating_sub(m).max(lowest);
            self.window(taps, from, to - from, &mut scratch.window);
            if let Some(at) = scratch.window[..to - from].iter().rposition(|value| *value <= level) {
                break from + at;
            }
            to = from;
        };
        if crossing < m || crossing + 3 * m >= self.length {
            return Err(Bound::Void);
        }
        self.window(taps, crossing - m, 4 * m + 1, &mut scratch.window);
        let first_max = self.rules.dfe_max.first().copied().unwrap_or(0.0);
        let window = &scratch.window;
        let metrics = &mut scratch.post;
        metrics.clear();
        metrics.extend(window[..2 * m + 1].iter().zip(&window[m..]).zip(&window[2 * m..]).map(
            |((pre, here), post)| {
                let behind = post - first_max * here;
                if modified { behind.abs() } else { (pre - behind.max(0.0)).abs() }
            },
        ));
        let least = -largest_of(metrics.iter().map(|metric| -metric));
        let at = metrics.iter().position(|metric| *metric == least).unwrap_or(0);
        Ok(crossing + at)
    }

    /// Upper bound of the squared figure of merit of a point. Stops looking closer once the bound is below `enough`.
    pub fn bound(&self, taps: &[f64], enough: f64, scratch: &mut Scratch) -> Bound {
        let instant = match self.instant(taps, scratch) {
            Ok(instant) => instant,
            Err(bound) => return bound,
        };
        let (first, last) = self.rules.adjustment;
        let mut best = f64::NEG_INFINITY;
        for adjust in first..=last {
            // Instants outside the pulse are passed over.
            if let Some(sample) = instant.checked_add_signed(adjust as isize).filter(|s| *s < self.length) {
                best = best.max(self.merit(taps, sample, enough, scratch));
            }
        }
        if best > f64::NEG_INFINITY { Bound::AtMost(best) } else { Bound::Void }
    }

    fn merit(&self, taps: &[f64], sample: usize, enough: f64, scratch: &mut Scratch) -> f64 {
        let rules = self.rules;
        let (m, pairs) = (rules.samples_per_ui, self.pairs());
        let (phase, row) = (sample % m, sample / m);
        let fixed = rules.dfe_max.len();
        let reach = rules.floating.map_or(fixed, |floating| floating.last.max(fixed));
        if sample + m * (reach + 1) > self.length {
            // The evaluation extends such a pulse with zeros.
            return f64::INFINITY;
        }
        let count = (reach + 1).next_multiple_of(8);
        let copies: [&[f64]; MOST_TAPS] = std::array::from_fn(|tap| {
            let from = self.row(phase, tap.min(taps.len() - 1)) + row;
            &self.lanes[from..from + count]
        });
        weighted_sum(taps, &copies, count, &mut scratch.post);
        let post = &scratch.post[..reach + 1];
        let cursor = post[0];
        if cursor <= 0.0 {
            return f64::NEG_INFINITY;
        }
        if let Some(eye) = &rules.eye {
            return self.eye_merit(eye, taps, sample, cursor, scratch);
        }
        let energy = form(taps, &self.energy[phase * pairs..]);
        let slope = form(taps, &self.slope[phase * pairs..]).max(0.0);
        let isi = energy - cursor * cursor - post[1..].iter().map(|h| h * h).sum::<f64>();
        // Cancellation: keep a bound a bound.
        let isi = (isi - 1e-13 * energy).max(0.0) + self.fixed_left(post);
        let signal = rules.signal_share * cursor;
        let of_cursor = if rules.tx_noise_by_cursor { taps[rules.tx_cursor] } else { 1.0 };
        let mut noise = rules.symbol_power * (isi + rules.jitter_power * slope)
            + self.fixed_noise
            + cursor * cursor * rules.tx_noise_share / (of_cursor * of_cursor);
        if signal * signal > enough * noise
            && let Some(floating) = &rules.floating
        {
            noise += rules.symbol_power * floating_left(floating, &post[1 + fixed..], cursor);
        }
        if signal * signal > enough * noise
            && let Some(crosstalk) = &self.crosstalk
        {
            noise += crosstalk.at_least(taps);
        }
        signal * signal / noise
    }

    /// Squared ratio of the signal to the least that is lost of it on each side of an eye.
    fn eye_merit(&self, eye: &EyeRules, taps: &[f64], sample: usize, cursor: f64, scratch: &mut Scratch) -> f64 {
        /// Precursors and cursors behind feedback that are looked at.
        const BEFORE: usize = 4;
        const BEHIND: usize = 12;
        let rules = self.rules;
        let m = rules.samples_per_ui;
        let fixed = rules.dfe_max.len();
        let count = BEFORE + 1 + fixed + if rules.floating.is_some() { 0 } else { BEHIND };
        if sample < BEFORE * m || sample + (count - BEFORE) * m > self.length {
            return f64::INFINITY;
        }
        let (phase, row) = (sample % m, sample / m - BEFORE);
        let padded = count.next_multiple_of(8);
        let copies: [&[f64]; MOST_TAPS] = std::array::from_fn(|tap| {
            let from = self.row(phase, tap.min(taps.len() - 1)) + row;
            &self.lanes[from..from + padded]
        });
        weighted_sum(taps, &copies, padded, &mut scratch.window);
        let symbols = &mut scratch.window;
        symbols.truncate(count);
        for (n, (max, min)) in rules.dfe_max.iter().zip(&rules.dfe_min).enumerate() {
            let h = &mut symbols[BEFORE + 1 + n];
            *h = if rules.dfe_step == 0.0 { *h - h.min(cursor * max).max(cursor * min) } else { 0.0 };
        }
        symbols[BEFORE] = 0.0;
        symbols.sort_unstable_by(|a, b| b.abs().total_cmp(&a.abs()));
        let of_cursor = if rules.tx_noise_by_cursor { taps[rules.tx_cursor] } else { 1.0 };
        let tx = cursor * cursor * rules.tx_noise_share / (of_cursor * of_cursor);
        let sigma = (self.fixed_noise + tx).sqrt();
        let signal = rules.signal_share * cursor;
        let bin = eye.bin_v;
        // Every symbol is rounded to a bin, and so are levels and edges.
        let (mut at_worst, mut least) = (-3.0 * bin, 0.0_f64);
        for (k, quantile) in eye.quantiles.iter().enumerate() {
            least = least.max(at_worst + sigma * quantile);
            at_worst += symbols.get(k).map_or(0.0, |h| h.abs() - bin / 2.0).max(0.0);
        }
        if least > 0.0 { (signal / least).powi(2) } else { f64::INFINITY }
    }

    /// Energy that the fixed feedback taps must leave: what is beyond their limits.
    fn fixed_left(&self, post: &[f64]) -> f64 {
        let rules = self.rules;
        if rules.dfe_step != 0.0 {
            return 0.0;
        }
        // Taps of a limited tail are scaled afterwards: they may leave more, or less where limits are lopsided.
        let limited = rules.floating.map_or(0, |floating| floating.tail_start);
        let sure = if limited == 0 { rules.dfe_max.len() } else { rules.dfe_max.len().min(limited - 1) };
        let limits = rules.dfe_max.iter().zip(&rules.dfe_min).take(sure);
        post[1..].iter().zip(limits).map(|(h, (max, min))| (h - h.min(post[0] * max).max(post[0] * min)).powi(2)).sum()
    }
}

/// Energy that floating taps must leave of the post-cursors that they can reach: all but their best taps, wherever
/// those are.
fn floating_left(floating: &FloatingTaps, post: &[f64], cursor: f64) -> f64 {
    let kept = |h: f64| (h.abs() - floating.max * cursor).max(0.0);
    let mut gains: Vec<f64> = post.iter().map(|h| h * h - kept(*h) * kept(*h)).collect();
    let count = floating.groups * floating.taps_per_group;
    if count < gains.len() {
        gains.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
        gains.truncate(count);
    }
    let all: f64 = post.iter().map(|h| h * h).sum();
    (all - gains.iter().sum::<f64>() * (1.0 + 1e-12)).max(0.0)
}

/// `out` becomes the sum of the copies, each times its tap; `count` is a multiple of eight.
fn weighted_sum(taps: &[f64], copies: &[&[f64]; MOST_TAPS], count: usize, out: &mut Vec<f64>) {
    out.resize(count, 0.0);
    match taps.len() {
        1 => sum_of::<1>(taps, copies, out),
        2 => sum_of::<2>(taps, copies, out),
        3 => sum_of::<3>(taps, copies, out),
        4 => sum_of::<4>(taps, copies, out),
        5 => sum_of::<5>(taps, copies, out),
        6 => sum_of::<6>(taps, copies, out),
        7 => sum_of::<7>(taps, copies, out),
        _ => sum_of::<8>(taps, copies, out),
    }
}

/// Eight sums at a time stay in registers.
fn sum_of<const TAPS: usize>(taps: &[f64], copies: &[&[f64]; MOST_TAPS], out: &mut [f64]) {
    let taps: [f64; TAPS] = std::array::from_fn(|tap| taps[tap]);
    for (chunk, sums) in out.chunks_exact_mut(8).enumerate() {
        let mut registers = [0.0; 8];
        for tap in 0..TAPS {
            let copy = &copies[tap][8 * chunk..8 * chunk + 8];
            for lane in 0..8 {
                registers[lane] += taps[tap] * copy[lane];
            }
        }
        sums.copy_from_slice(&registers);
    }
}

fn largest(values: &[f64]) -> f64 {
    let chunks = values.chunks_exact(8);
    let rest = largest_of(chunks.remainder().iter().copied());
    let mut lanes = [f64::NEG_INFINITY; 8];
    for chunk in chunks {
        for lane in 0..8 {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    largest_of(lanes.into_iter()).max(rest)
}

fn largest_of(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, |most, value| if value > most { value } else { most })
}

/// Value of a quadratic form whose upper triangle is stored row by row, off-diagonal entries doubled.
fn form(taps: &[f64], triangle: &[f64]) -> f64 {
    let mut at = 0;
    let mut sum = 0.0;
    for (a, first) in taps.iter().enumerate() {
        let mut inner = 0.0;
        for second in &taps[a..] {
            inner += second * triangle[at];
            at += 1;
        }
        sum += first * inner;
    }
    sum
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (chunks_a, chunks_b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    rest + sums.iter().sum::<f64>()
}
