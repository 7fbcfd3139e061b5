//! The statistical eye: the distribution of the voltage at every phase across a unit interval, for each symbol sent.
//!
//! At a phase, intersymbol interference is the sum of independent symbols through the taps there; noise and crosstalk
//! are added once for all phases. Jitter moves the sampling instant: the distribution at a phase is the average of
//! those at the phases that jitter reaches, cursor and interference both. That is more than slope times jitter: it sees
//! the transitions, so that the eye's width comes out as well as its height.

use rayon::prelude::*;

use super::amplitude::Amplitude;
use super::input::{EyeError, EyeInput, Term, reach_of, with_symbols};

/// How fine an eye is, and which error ratios it is read at.
#[derive(Clone, Debug, PartialEq)]
pub struct EyeSettings {
    /// Phases in a unit interval.
    pub phases_per_ui: usize,
    /// Bins to the cursor's amplitude.
    pub bins_per_cursor: usize,
    /// Error ratio that openings are judged at: the chance that a symbol passes a threshold that it should not.
    pub target: f64,
    /// Further error ratios for contours.
    pub contours: Vec<f64>,
}

impl Default for EyeSettings {
    fn default() -> Self {
        Self { phases_per_ui: 64, bins_per_cursor: 1024, target: 1e-6, contours: vec![1e-3, 1e-9, 1e-12] }
    }
}

impl EyeSettings {
    /// The same with phases fine enough for the jitter, which is sampled on them.
    fn fitted(&self, random_jitter_ui: f64) -> usize {
        let wanted = if random_jitter_ui > 0.0 { (1.0 / (1.6 * random_jitter_ui)).ceil() as usize } else { 0 };
        self.phases_per_ui.clamp(8, 512).max(wanted.min(256)).next_multiple_of(2)
    }

    fn check(&self) -> Result<(), EyeError> {
        for ratio in self.contours.iter().chain([&self.target]) {
            if !(*ratio >= 1e-30 && *ratio < 0.5) {
                return Err(EyeError::OutOfRange("an error ratio of the eye", *ratio, "1e-30 to 0.5"));
            }
        }
        Ok(())
    }

    /// The smallest error ratio that is read.
    pub fn lowest(&self) -> f64 {
        self.contours.iter().fold(self.target, |low, ratio| low.min(*ratio))
    }
}

/// Voltages at every phase.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticalEye {
    /// Phases in unit intervals from the sampling instant, rising, from -0.5 to 0.5.
    pub phase_ui: Vec<f64>,
    /// Levels of the symbols.
    pub levels: u32,
    /// A_s in V.
    pub signal_v: f64,
    /// Settings that it was made with.
    pub settings: EyeSettings,
    /// Per phase: voltages when each of the upper levels was sent; the lower ones mirror them.
    upper: Vec<Vec<Amplitude>>,
}

impl StatisticalEye {
    /// Makes the eye of checked input.
    pub fn of(input: &EyeInput, settings: &EyeSettings) -> Result<Self, EyeError> {
        input.check()?;
        settings.check()?;
        let per_ui = settings.fitted(input.jitter.random_ui);
        let step = 1.0 / per_ui as f64;
        let reach = reach_of(settings.lowest());
        let weights = input.jitter.weights(step, reach);
        let beyond = weights.len() as i64 / 2;
        let half = per_ui as i64 / 2;
        let bin_v = input.bin_v(settings.bins_per_cursor);
        let base = input.background(bin_v, reach, |_| true);
        let noisy: Vec<(f64, Amplitude)> = (-half - beyond..=half + beyond)
            .into_par_iter()
            .map(|at| {
                let (cursor, others) = input.pulse.taps(at as f64 * step);
                (cursor, with_symbols(base.clone(), others, input.levels))
            })
            .collect();
        let upper = (-half..=half)
            .into_par_iter()
            .map(|at| {
                let start = (at + half) as usize;
                upper_levels(input.levels)
                    .map(|level| {
                        let parts: Vec<(f64, f64, &Amplitude)> = weights
                            .iter()
                            .zip(&noisy[start..start + weights.len()])
                            .map(|(weight, (cursor, noise))| (*weight, cursor * input.level(level), noise))
                            .collect();
                        Amplitude::mixture(bin_v, &parts)
                    })
                    .collect()
            })
            .collect();
        Ok(Self {
            phase_ui: (-half..=half).map(|at| at as f64 * step).collect(),
            levels: input.levels,
            signal_v: input.signal_v(),
            settings: settings.clone(),
            upper,
        })
    }

    /// Index of the sampling instant among the phases.
    pub fn centre(&self) -> usize {
        self.phase_ui.len() / 2
    }

    /// Voltage that undershoots with probability `p` at a phase when a level, from 0 at the bottom, was sent.
    pub fn low_quantile(&self, phase: usize, level: u32, p: f64) -> f64 {
        match self.upper_index(level) {
            Ok(at) => self.upper[phase][at].low_quantile(p),
            Err(at) => -self.upper[phase][at].high_quantile(p),
        }
    }

    /// Voltage that is exceeded with probability `p` at a phase when a level was sent.
    pub fn high_quantile(&self, phase: usize, level: u32, p: f64) -> f64 {
        match self.upper_index(level) {
            Ok(at) => self.upper[phase][at].high_quantile(p),
            Err(at) => -self.upper[phase][at].low_quantile(p),
        }
    }

    /// Chance of being below `v` when a level was sent.
    pub fn below(&self, phase: usize, level: u32, v: f64) -> f64 {
        match self.upper_index(level) {
            Ok(at) => self.upper[phase][at].below(v),
            Err(at) => self.upper[phase][at].above(-v),
        }
    }

    /// Chance of being above `v` when a level was sent.
    pub fn above(&self, phase: usize, level: u32, v: f64) -> f64 {
        match self.upper_index(level) {
            Ok(at) => self.upper[phase][at].above(v),
            Err(at) => self.upper[phase][at].below(-v),
        }
    }

    /// Largest voltage that any symbol can reach, in V.
    pub fn peak_v(&self) -> f64 {
        let ends = self.upper.iter().flatten().map(|a| a.support_v());
        ends.fold(0.0, |peak: f64, (low, high)| peak.max(high).max(-low))
    }

    /// Probability of each of `rows` equal voltages from `-limit_v` up at a phase, all levels equally likely.
    pub fn density(&self, phase: usize, limit_v: f64, rows: usize) -> Vec<f64> {
        let mut out = vec![0.0; rows];
        let weight = 1.0 / f64::from(self.levels);
        let place = |v: f64| ((v + limit_v) / (2.0 * limit_v) * rows as f64).floor();
        for voltages in &self.upper[phase] {
            for (v, mass) in voltages.bins() {
                for v in [v, -v] {
                    let at = place(v);
                    if at >= 0.0 && at < rows as f64 {
                        out[at as usize] += weight * mass;
                    }
                }
            }
        }
        out
    }

    /// Index of a level among the upper ones, or of its mirror image.
    fn upper_index(&self, level: u32) -> Result<usize, usize> {
        let half = self.levels / 2;
        if level >= half { Ok((level - half) as usize) } else { Err((half - 1 - level) as usize) }
    }
}

/// Levels above the middle.
fn upper_levels(levels: u32) -> impl Iterator<Item = u32> {
    levels / 2..levels
}

/// Half of the smallest eye's height at the sampling instant with only some terms, taken from A_s: the A_ni of 93A.1.7
/// with jitter as a movement of the instant. In V.
pub struct Interference<'i> {
    input: &'i EyeInput,
    target: f64,
    bin_v: f64,
    reach: f64,
    weights: Vec<f64>,
    step: f64,
    interference: Vec<(f64, Amplitude)>,
}

impl<'i> Interference<'i> {
    /// Prepares what all sets of terms share. `input` must have passed [`EyeInput::check`].
    pub fn of(input: &'i EyeInput, target: f64, bins_per_cursor: usize) -> Self {
        let settings = EyeSettings::default();
        let step = 1.0 / settings.fitted(input.jitter.random_ui) as f64;
        let (reach, bin_v) = (reach_of(target), input.bin_v(bins_per_cursor));
        let weights = input.jitter.weights(step, reach);
        let beyond = weights.len() as i64 / 2;
        let interference = (-beyond..=beyond)
            .into_par_iter()
            .map(|at| {
                let (cursor, others) = input.pulse.taps(at as f64 * step);
                (cursor, with_symbols(Amplitude::zero(bin_v), others, input.levels))
            })
            .collect();
        Self { input, target, bin_v, reach, weights, step, interference }
    }

    /// Step of the phases that jitter is sampled on, in unit intervals.
    pub fn step_ui(&self) -> f64 {
        self.step
    }

    /// A_ni in V with the terms that `with` names.
    pub fn with(&self, with: impl Fn(Term) -> bool) -> f64 {
        let background = self.input.background(self.bin_v, self.reach, &with);
        let nothing = Amplitude::zero(self.bin_v);
        let centre = self.weights.len() / 2;
        let at = |i: usize, level: f64| {
            let (cursor, noise) = &self.interference[i];
            (cursor * level, if with(Term::Isi) { noise } else { &nothing })
        };
        // The outermost eye is the one that jitter closes first: its levels have the steepest transitions.
        let tail = |index: u32, low: bool| {
            let level = self.input.level(index);
            let parts: Vec<(f64, f64, &Amplitude)> = if with(Term::Jitter) {
                let all = self.weights.iter().enumerate();
                all.map(|(i, weight)| {
                    let (shift, noise) = at(i, level);
                    (*weight, shift, noise)
                })
                .collect()
            } else {
                let (shift, noise) = at(centre, level);
                vec![(1.0, shift, noise)]
            };
            let sum = Amplitude::mixture(self.bin_v, &parts).plus(&background);
            if low { sum.low_quantile(self.target) } else { sum.high_quantile(self.target) }
        };
        let top = self.input.levels - 1;
        let upper = tail(top, true);
        let lower = if top == 1 { -upper } else { tail(top - 1, false) };
        self.input.signal_v() - 0.5 * (upper - lower)
    }
}
