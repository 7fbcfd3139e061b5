//! The best setting of the whole grid: every continuous-time setting, transmit setting and sampling instant.
//!
//! Before anything else a walk through every continuous-time setting finds a good point, whose error all others have to
//! beat. Sets of transmit settings are passed over when an error that none of them goes below is above the best error
//! found. Three bounds, each proven where it is made: for a set of settings at one instant ([`super::settings`]); for a
//! setting at an instant, the error without limits on the taps and with a tap at every position; and for the quantiser,
//! the tangent plane of its clipping amplitude, which is convex in the transmit taps. What is left is solved in full. The
//! answer is the exhaustive one, and the first in the grid's order among equals; neither it nor the counts depend on the
//! number of threads.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::correlation::{Folded, correlation_of, power_spectrum};
use super::floating::{self, Placed, place};
use super::instant::{Crosstalk, Edition, Instant, Terms};
use super::quantiser;
use super::settings::{Node, Settings};
use super::solve::{Gram, Problem};
use super::toeplitz::{Workspace, inverse_gram};

/// Times that the walk to a good point goes over the axes, at most.
const SWEEPS: usize = 3;
/// Samples from one instant of that walk to the next.
const STRIDE: usize = 4;
/// Share by which a bound must be above the best error, against rounding.
const ROUNDING: f64 = 1e-9;

/// One continuous-time setting with its pulse and noise.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// The victim's pulse behind it and before the transmit equaliser.
    pub pulse: Vec<f64>,
    /// Crosstalk.
    pub crosstalk: Crosstalk,
    /// Receiver noise.
    pub noise: Folded,
    /// First guess of the sampling instant per transmit setting; `None` where there is none.
    pub guesses: Vec<Option<usize>>,
}

/// The best point.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Index of the continuous-time setting.
    pub stage: usize,
    /// Index of the transmit setting.
    pub setting: usize,
    /// Samples from the first guess.
    pub tick: i32,
    /// Sampling instant, in samples of the pulse.
    pub sample: usize,
    /// Taps and their positions.
    pub placed: Placed,
    /// Step of the quantiser in V; 0 without one.
    pub step: f64,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What stays the same.
    pub terms: Terms,
    /// Transmit settings.
    pub settings: Settings,
    /// First and last sample about the first guess.
    pub ticks: (i32, i32),
}

/// The answer, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The best point; `None` when no point has a usable pulse.
    pub best: Option<Best>,
    /// Points of the grid with a sampling instant.
    pub points: u64,
    /// Points whose taps were solved for in full, without those that only gave a first error to beat.
    pub solved: u64,
}

struct Candidate {
    floor: f64,
    sample: usize,
    node: usize,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Candidate {}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its largest: the lowest floor.
        other.floor.total_cmp(&self.floor).then(other.sample.cmp(&self.sample)).then(other.node.cmp(&self.node))
    }
}

#[derive(Default)]
struct Scratch {
    problem: Problem,
    work: Workspace,
    sides: Vec<f64>,
    gram: Vec<f64>,
    row: Vec<f64>,
    largest: Vec<f64>,
    samples: Vec<f64>,
    fixed: Vec<f64>,
    places: floating::Workspace,
}

/// A walk to a good point of one stage.
struct Walk<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    scratch: Scratch,
    /// The instant last looked at.
    instant: Option<(usize, Option<Instant>)>,
    error: f64,
    setting: usize,
    sample: usize,
}

/// Sums of cosines per band of frequencies, for all lags.
struct Bands {
    values: Vec<f64>,
}

/// What bounds need that does not depend on the continuous-time setting.
struct Plan {
    /// Lags of a bound.
    lags: usize,
    /// Cosines of every frequency at every lag.
    cosines: Vec<f64>,
    /// Per node, white noise that grows with the signal, by lag.
    white: Vec<Vec<f64>>,
    /// Exponent of the quantiser's clipping.
    exponent: f64,
}

impl Search {
    /// Searches the grid. `stage` makes a continuous-time setting, or `None` where the grid has a gap.
    pub fn best(&self, stages: usize, stage: &(dyn Fn(usize) -> Option<Stage> + Sync)) -> Answer {
        self.run(stages, stage, true)
    }

    /// Solves every point of the grid: what [`Search::best`] must find, for tests.
    pub fn exhaustive(&self, stages: usize, stage: &(dyn Fn(usize) -> Option<Stage> + Sync)) -> Answer {
        self.run(stages, stage, false)
    }

    fn run(&self, stages: usize, stage: &(dyn Fn(usize) -> Option<Stage> + Sync), prune: bool) -> Answer {
        let plan = self.plan();
        let mut incumbent = f64::INFINITY;
        let mut order: Vec<usize> = (0..stages).collect();
        if prune {
            // Stages of the lowest errors at hand first: theirs stop most of the others at their first bound.
            let errors: Vec<f64> = order
                .par_iter()
                .map(|&at| stage(at).map_or(f64::INFINITY, |stage| self.descend(&stage, &plan)))
                .collect();
            order.sort_by(|&a, &b| errors[a].total_cmp(&errors[b]).then(a.cmp(&b)));
            incumbent = errors.into_iter().fold(incumbent, f64::min);
        }
        // Rounds of fixed sizes, so that what is known in each does not depend on threads.
        let mut answers: Vec<(usize, Answer)> = Vec::with_capacity(stages);
        let (mut done, mut round) = (0, 1);
        while done < stages {
            let next = &order[done..(done + round).min(stages)];
            let found: Vec<(usize, Answer)> = next
                .par_iter()
                .filter_map(|&at| stage(at).map(|made| (at, self.stage(at, &made, &plan, incumbent, prune))))
                .collect();
            for (_, answer) in &found {
                let error = answer.best.as_ref().map_or(f64::INFINITY, |best| best.placed.taps.error);
                incumbent = if prune { incumbent.min(error) } else { incumbent };
            }
            answers.extend(found);
            (done, round) = (done + next.len(), 2 * round);
        }
        answers.sort_by_key(|(at, _)| *at);
        let mut total = Answer { best: None, points: 0, solved: 0 };
        for (_, answer) in answers {
            total.points += answer.points;
            total.solved += answer.solved;
            if let Some(best) = answer.best {
                let better = total.best.as_ref().is_none_or(|other| best.placed.taps.error < other.placed.taps.error);
                if better {
                    total.best = Some(best);
                }
            }
        }
        total
    }

    /// Samples that a setting can be sampled at.
    fn range(&self, guess: Option<usize>) -> Option<(usize, usize)> {
        let guess = i64::try_from(guess?).ok()?;
        let low = usize::try_from((guess + i64::from(self.ticks.0)).max(0)).ok()?;
        let high = usize::try_from(guess + i64::from(self.ticks.1)).ok()?;
        Some((low, high))
    }

    /// The error of a good point of a stage, found by a walk along the axes of the grid: every transmit tap by itself,
    /// then the instant, then the taps again. Infinite where the walk meets no usable point.
    ///
    /// Nothing is proven of that point but that it is in the grid. Its error is therefore never below the best one, and a
    /// bound above it by more than rounding cannot hide the best point, nor one that is as good.
    fn descend(&self, stage: &Stage, plan: &Plan) -> f64 {
        let settings = &self.settings;
        let Some(&start) = settings.order.iter().find(|&&setting| self.range(stage.guesses[setting]).is_some()) else {
            return f64::INFINITY;
        };
        let mut walk = Walk {
            stage,
            plan,
            scratch: Scratch::default(),
            instant: None,
            error: f64::INFINITY,
            setting: start,
            sample: stage.guesses[start].unwrap_or(0),
        };
        for sweep in 0..SWEEPS {
            let before = walk.error;
            for axis in (0..settings.width).filter(|axis| *axis != settings.cursor) {
                let from = walk.setting;
                let sample = walk.sample;
                for setting in settings.line(from, axis) {
                    self.try_point(&mut walk, setting, sample);
                }
            }
            let (low, high) = self.ticks;
            if let (Some(guess), true) = (stage.guesses[walk.setting], sweep + 1 < SWEEPS) {
                for tick in (low..=high).step_by(STRIDE) {
                    if let Ok(sample) = usize::try_from(guess as i64 + i64::from(tick)) {
                        let setting = walk.setting;
                        self.try_point(&mut walk, setting, sample);
                    }
                }
            }
            if walk.error >= before {
                break;
            }
        }
        walk.error
    }

    /// Steps to a point of the grid where it is better.
    fn try_point(&self, walk: &mut Walk, setting: usize, sample: usize) {
        let inside = self.range(walk.stage.guesses[setting]).is_some_and(|(low, high)| (low..=high).contains(&sample));
        if !inside {
            return;
        }
        if walk.instant.as_ref().is_none_or(|(at, _)| *at != sample) {
            walk.instant = Some((sample, Instant::new(&self.terms, &walk.stage.pulse, sample)));
        }
        let Some((_, Some(instant))) = &walk.instant else { return };
        let found = self.solve((walk.stage, walk.plan), instant, setting, walk.error, &mut walk.scratch);
        if let Some((Some(placed), ..)) = found
            && placed.taps.error < walk.error
        {
            (walk.error, walk.setting, walk.sample) = (placed.taps.error, setting, sample);
        }
    }

    fn stage(&self, index: usize, stage: &Stage, plan: &Plan, incumbent: f64, prune: bool) -> Answer {
        let terms = &self.terms;
        let ranges: Vec<Option<(usize, usize)>> = stage.guesses.iter().map(|guess| self.range(*guess)).collect();
        let points = ranges.iter().flatten().map(|(low, high)| (high - low + 1) as u64).sum();
        let mut answer = Answer { best: None, points, solved: 0 };
        let known = ranges.iter().flatten();
        let (Some(low), Some(high)) = (known.clone().map(|r| r.0).min(), known.map(|r| r.1).max()) else {
            return answer;
        };
        let mut scratch = Scratch::default();
        // The far-end crosstalk of a setting does not depend on the instant.
        let mut instants: Vec<Option<(Instant, Bands)>> = Vec::with_capacity(high - low + 1);
        let mut heap = BinaryHeap::new();
        let far = self.far_floor(stage);
        let fixed = stage.noise.correlation[0] + stage.crosstalk.near[0];
        // Spectra tell correlations as long as nothing wraps around.
        let longest = stage.pulse.len().max(stage.crosstalk.longest);
        let bounded = prune && longest / terms.samples_per_ui + 2 * terms.lags() < self.settings.turn;
        let reach = self.reach(&ranges);
        let mut limit = incumbent;
        for sample in low..=high {
            let made = Instant::new(terms, &stage.pulse, sample).map(|instant| {
                let bands =
                    if bounded { self.instant_bands(plan, stage, &instant) } else { Bands { values: Vec::new() } };
                (instant, bands)
            });
            if let Some((instant, bands)) = &made {
                let floor =
                    if bounded { self.node_floor(0, instant, bands, plan, (&far, fixed), &mut scratch) } else { 0.0 };
                if floor * (1.0 - ROUNDING) <= limit {
                    heap.push(Candidate { floor, sample, node: 0 });
                }
            }
            instants.push(made);
        }
        while let Some(candidate) = heap.pop() {
            if candidate.floor * (1.0 - ROUNDING) > limit {
                break;
            }
            let Some(Some((instant, bands))) = instants.get(candidate.sample - low) else { continue };
            let node = &self.settings.nodes[candidate.node];
            if let Some((lower, upper)) = node.halves {
                for half in [lower, upper] {
                    let Some((first, last)) = reach[half] else { continue };
                    if candidate.sample < first || candidate.sample > last {
                        continue;
                    }
                    let floor = if bounded {
                        self.node_floor(half, instant, bands, plan, (&far, fixed), &mut scratch)
                    } else {
                        0.0
                    };
                    if floor * (1.0 - ROUNDING) <= limit {
                        heap.push(Candidate { floor, sample: candidate.sample, node: half });
                    }
                }
                continue;
            }
            for &setting in &self.settings.order[node.first..node.end] {
                let inside = ranges[setting].is_some_and(|(first, last)| (first..=last).contains(&candidate.sample));
                let (true, Some(guess)) = (inside, stage.guesses[setting]) else { continue };
                let found = self.solve(
                    (stage, plan),
                    instant,
                    setting,
                    if prune { limit } else { f64::INFINITY },
                    &mut scratch,
                );
                let Some((placed, step, full)) = found else { continue };
                answer.solved += u64::from(full);
                let Some(placed) = placed else { continue };
                let tick = candidate.sample as i64 - guess as i64;
                let error = placed.taps.error;
                let better = match &answer.best {
                    None => error <= limit,
                    Some(best) => {
                        error < best.placed.taps.error
                            || error == best.placed.taps.error && (setting, tick) < (best.setting, i64::from(best.tick))
                    }
                };
                if better {
                    limit = limit.min(error);
                    answer.best = Some(Best {
                        stage: index,
                        setting,
                        tick: i32::try_from(tick).unwrap_or(0),
                        sample: candidate.sample,
                        placed,
                        step,
                    });
                }
            }
        }
        answer
    }

    /// Samples that any setting of a node can be sampled at.
    fn reach(&self, ranges: &[Option<(usize, usize)>]) -> Vec<Option<(usize, usize)>> {
        self.settings
            .nodes
            .iter()
            .map(|node| {
                let inside = self.settings.order[node.first..node.end].iter().filter_map(|&setting| ranges[setting]);
                let low = inside.clone().map(|r| r.0).min()?;
                Some((low, inside.map(|r| r.1).max()?))
            })
            .collect()
    }

    /// Taps of one point, `None` inside when the point cannot be the best one. The flag says whether they were solved
    /// for in full.
    fn solve(
        &self,
        (stage, plan): (&Stage, &Plan),
        instant: &Instant,
        setting: usize,
        limit: f64,
        scratch: &mut Scratch,
    ) -> Option<(Option<Placed>, f64, bool)> {
        let terms = &self.terms;
        let (taps, own) = (self.settings.taps(setting), self.settings.own(setting));
        stage.crosstalk.correlation(own, terms.receiver.span, &mut scratch.row);
        scratch.fixed.clear();
        scratch.fixed.extend(scratch.row.iter().zip(&stage.noise.correlation).map(|(a, b)| a + b));
        let step = instant.problem(terms, (taps, own), &scratch.fixed, plan.exponent, &mut scratch.problem);
        let stop = limit.is_finite() && self.tap_floor(scratch) * (1.0 - ROUNDING) > limit;
        if stop {
            return Some((None, step, false));
        }
        Some((place(&terms.receiver, &scratch.problem, limit, &mut scratch.places), step, true))
    }

    /// Least error with a tap at every position and no limits on them.
    fn tap_floor(&self, scratch: &mut Scratch) -> f64 {
        let (n, feedback) = (self.terms.receiver.span, self.terms.receiver.feedback());
        scratch.sides.clear();
        for row in 0..=feedback {
            scratch.sides.extend_from_slice(&scratch.problem.samples[feedback - row..feedback - row + n]);
        }
        scratch.gram.resize((feedback + 1) * (feedback + 1), 0.0);
        let Some(()) =
            inverse_gram(&scratch.problem.row, &scratch.sides, feedback + 1, &mut scratch.work, &mut scratch.gram)
        else {
            return 0.0;
        };
        Gram { values: &scratch.gram, feedback }.least_error(&self.terms.receiver)
    }

    fn plan(&self) -> Plan {
        let lags = self.terms.receiver.span + self.settings.width - 1;
        let turn = self.settings.turn;
        let cosines = (0..=turn / 2).flat_map(|frequency| (0..lags).map(move |lag| frequency * lag % turn));
        let cosines = cosines.map(|at| self.settings.cosines[at]).collect();
        let exponent = self.terms.quantiser.as_ref().map_or(0.0, |quantiser| quantiser::exponent(quantiser.clipping));
        let mut plan = Plan { lags, cosines, white: Vec::new(), exponent };
        if self.terms.quantiser.is_some() {
            let flat = self.bands(&plan, &vec![1.0; turn / 2 + 1]);
            plan.white =
                self.settings.nodes.iter().map(|node| weighted(&node.relief_over_cursor, &flat, lags)).collect();
        }
        plan
    }

    /// Sums of a spectrum times cosines, band by band.
    fn bands(&self, plan: &Plan, spectrum: &[f64]) -> Bands {
        let lags = plan.lags;
        let mut values = vec![0.0; self.settings.bands() * lags];
        let turn = self.settings.turn;
        for (frequency, value) in spectrum.iter().enumerate() {
            let both = if frequency == 0 || 2 * frequency == turn { 1.0 } else { 2.0 };
            let weight = both * value / turn as f64;
            let band = Settings::band(frequency);
            let row = &plan.cosines[frequency * lags..(frequency + 1) * lags];
            for (sum, cosine) in values[band * lags..(band + 1) * lags].iter_mut().zip(row) {
                *sum += weight * cosine;
            }
        }
        Bands { values }
    }

    /// Noise that does not see the transmit equaliser, by bands.
    fn instant_bands(&self, plan: &Plan, stage: &Stage, instant: &Instant) -> Bands {
        let share = match self.terms.edition {
            Edition::Script => self.terms.transmitter_noise,
            Edition::Draft3 => self.terms.transmitter_noise / self.terms.symbol_variance,
        };
        let mut spectrum = power_spectrum(&instant.transmitter_response, self.settings.turn);
        for (value, noise) in spectrum.iter_mut().zip(&stage.noise.spectrum) {
            *value = *value * share + noise;
        }
        for (value, near) in spectrum.iter_mut().zip(&stage.crosstalk.near_spectrum) {
            *value += near;
        }
        self.bands(plan, &spectrum)
    }

    /// Correlation of far-end crosstalk that no choice of phases goes below, before the transmit equaliser.
    fn far_floor(&self, stage: &Stage) -> Vec<f64> {
        let lags = self.terms.receiver.span + self.settings.width - 1;
        let mut sum = vec![0.0; lags];
        for spectrum in &stage.crosstalk.far_floor {
            for (sum, value) in sum.iter_mut().zip(correlation_of(spectrum, self.settings.turn, lags)) {
                *sum += value;
            }
        }
        sum
    }

    /// An error that no setting of a node goes below at an instant.
    fn node_floor(
        &self,
        node: usize,
        instant: &Instant,
        bands: &Bands,
        plan: &Plan,
        (far, fixed): (&[f64], f64),
        scratch: &mut Scratch,
    ) -> f64 {
        let terms = &self.terms;
        let index = node;
        let node = &self.settings.nodes[index];
        let feedback = terms.receiver.feedback();
        let lags = plan.lags;
        scratch.row.clear();
        scratch.row.extend(instant.with_jitter[..lags].iter().zip(far).map(|(a, b)| a + b));
        for (band, relief) in node.relief.iter().enumerate() {
            let part = &bands.values[band * lags..(band + 1) * lags];
            for (value, part) in scratch.row.iter_mut().zip(part) {
                *value += relief * part;
            }
        }
        if let (Some(quantiser), Some(white)) = (&terms.quantiser, plan.white.get(index)) {
            let step = quantiser::step(quantiser, self.clipping_floor(node, instant, fixed, plan.exponent, scratch));
            let weight = step * step / 12.0 / terms.symbol_variance;
            for (value, part) in scratch.row.iter_mut().zip(white) {
                *value += weight * part;
            }
        }
        let delay = (terms.receiver.pre + instant.cursor + terms.transmit_cursor + feedback) as i64;
        scratch.sides.clear();
        for row in 0..=feedback {
            scratch.sides.extend((0..lags).map(|at| {
                let from = delay - (feedback - row + at) as i64;
                usize::try_from(from).ok().and_then(|from| instant.response.get(from)).copied().unwrap_or(0.0)
            }));
        }
        scratch.gram.resize((feedback + 1) * (feedback + 1), 0.0);
        if inverse_gram(&scratch.row, &scratch.sides, feedback + 1, &mut scratch.work, &mut scratch.gram).is_none() {
            return 0.0;
        }
        Gram { values: &scratch.gram, feedback }.least_error(&terms.receiver)
    }

    /// A clipping amplitude over the cursor's tap that no setting of a node goes below: the least value of the tangent
    /// plane at the node's centre. `fixed` is noise that is there whatever the setting, over the symbols' variance.
    fn clipping_floor(&self, node: &Node, instant: &Instant, fixed: f64, exponent: f64, scratch: &mut Scratch) -> f64 {
        let terms = &self.terms;
        let near = instant.cursor.saturating_sub(8)..(instant.cursor + 40).min(instant.response.len());
        let value = |at: usize, index: usize| {
            (at + terms.transmit_cursor)
                .checked_sub(index)
                .and_then(|from| instant.response.get(from))
                .copied()
                .unwrap_or(0.0)
        };
        scratch.samples.clear();
        scratch.samples.extend(
            near.clone()
                .map(|at| node.centre.iter().enumerate().map(|(index, tap)| tap * value(at, index)).sum::<f64>()),
        );
        // Leaving samples out only lowers the amplitude.
        let least = 0.02 * scratch.samples.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        scratch.largest.clear();
        scratch.largest.extend(scratch.samples.iter().map(|value| value.abs()).filter(|value| *value > least));
        let noise = terms.symbol_variance * (fixed + instant.transmitter[0]);
        let at = quantiser::bound(&scratch.largest, noise, terms.levels, exponent);
        let mut slope = vec![0.0; node.centre.len()];
        for (sample, at_ui) in scratch.samples.iter().zip(near).filter(|(sample, _)| sample.abs() > least) {
            let level = quantiser::tilted_level(at.tilt * sample, terms.levels);
            for (index, slope) in slope.iter_mut().enumerate() {
                *slope += level * value(at_ui, index);
            }
        }
        let mut floor = f64::INFINITY;
        for &setting in &self.settings.order[node.first..node.end] {
            let taps = self.settings.taps(setting);
            let cursor = taps[terms.transmit_cursor];
            let plane: f64 = at.amplitude
                + taps
                    .iter()
                    .zip(&node.centre)
                    .zip(&slope)
                    .map(|((tap, centre), slope)| slope * (tap - centre))
                    .sum::<f64>();
            floor = floor.min(if cursor > 0.0 { plane.max(0.0) / cursor } else { 0.0 });
        }
        // The plane's slope is exact to the last digits of the tilt.
        floor * (1.0 - 1e-6)
    }
}

/// Sum of bands with a weight each, by lag.
fn weighted(weights: &[f64], bands: &Bands, lags: usize) -> Vec<f64> {
    let mut row = vec![0.0; lags];
    for (band, weight) in weights.iter().enumerate() {
        for (value, part) in row.iter_mut().zip(&bands.values[band * lags..(band + 1) * lags]) {
            *value += weight * part;
        }
    }
    row
}
