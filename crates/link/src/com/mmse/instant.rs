//! One continuous-time setting at one sampling instant: everything that the transmit equaliser only has to weigh.
//!
//! Behind a transmit equaliser the sampled response is a short convolution of the response before it. So are the
//! responses to jitter and the far-end crosstalk; noise of the transmitter and the receiver does not see the equaliser.
//! Correlations of a setting are then sums over a few lags of correlations worked out once per instant.

use super::correlation::{autocorrelation, every, inner, long_autocorrelation, power_spectrum, shaped};
use super::quantiser;
use super::receiver::Receiver;
use super::solve::Problem;
use crate::com::parameters::Quantiser;

/// Which edition of the annex is followed where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// The script of 2024: transmitter noise is scaled by the symbols' variance and sampled one sample late, and an
    /// instant at the very end of its unit interval counts from the next one.
    Script,
    /// Drafts 3.x (178A-21).
    Draft3,
}

/// What does not change over the search.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Edition.
    pub edition: Edition,
    /// The receiver's taps.
    pub receiver: Receiver,
    /// M.
    pub samples_per_ui: usize,
    /// L.
    pub levels: u32,
    /// sigma_X²: variance of the symbols.
    pub symbol_variance: f64,
    /// 10^(-SNR_TX / 10).
    pub transmitter_noise: f64,
    /// A_DD² + sigma_RJ² in UI².
    pub jitter_ui2: f64,
    /// sigma_RJ² in UI².
    pub random_jitter_ui2: f64,
    /// Taps of the transmit equaliser.
    pub transmit_taps: usize,
    /// Index of its cursor.
    pub transmit_cursor: usize,
    /// Quantiser.
    pub quantiser: Option<Quantiser>,
    /// Frequencies around the circle of spectra.
    pub turn: usize,
}

impl Terms {
    /// Lags that correlations before the transmit equaliser are kept for.
    pub fn lags(&self) -> usize {
        self.receiver.span + 2 * (self.transmit_taps - 1) + 1
    }
}

/// Crosstalk of one continuous-time setting, over the variance of the symbols.
#[derive(Clone, Debug, Default)]
pub struct Crosstalk {
    /// Near-end crosstalk by lag, all aggressors at their worst phases together.
    pub near: Vec<f64>,
    /// Its spectrum over the first half turn; empty without aggressors.
    pub near_spectrum: Vec<f64>,
    /// Phase of each near-end aggressor.
    pub near_phases: Vec<usize>,
    /// Far-end crosstalk by lag before the transmit equaliser, one per phase and aggressor.
    pub far: Vec<Vec<Vec<f64>>>,
    /// Per aggressor, what no phase's spectrum goes below.
    pub far_floor: Vec<Vec<f64>>,
    /// Samples of the longest pulse.
    pub longest: usize,
}

impl Crosstalk {
    /// Correlations of these pulses, which are behind the continuous-time equaliser and before the transmit equaliser.
    /// Spectra have `turn` frequencies around the circle.
    pub fn new(terms: &Terms, near: &[&[f64]], far: &[&[f64]], turn: usize) -> Self {
        let lags = terms.lags();
        let m = terms.samples_per_ui;
        let sampled =
            |pulse: &[f64], phase: usize| -> Vec<f64> { pulse.iter().skip(phase).step_by(m).copied().collect() };
        let mut made = Self { near: vec![0.0; lags], ..Self::default() };
        for pulse in near {
            let worst = worst_phase((0..m).map(|phase| autocorrelation(&sampled(pulse, phase), 1)[0]));
            let samples = sampled(pulse, worst);
            for (sum, value) in made.near.iter_mut().zip(autocorrelation(&samples, lags)) {
                *sum += value;
            }
            made.near_spectrum.resize(turn / 2 + 1, 0.0);
            for (sum, value) in made.near_spectrum.iter_mut().zip(power_spectrum(&samples, turn)) {
                *sum += value;
            }
            made.near_phases.push(worst);
        }
        for pulse in far {
            let mut least = vec![f64::INFINITY; turn / 2 + 1];
            let mut phases = Vec::with_capacity(m);
            for phase in 0..m {
                let samples = sampled(pulse, phase);
                for (least, value) in least.iter_mut().zip(power_spectrum(&samples, turn)) {
                    *least = least.min(value);
                }
                phases.push(autocorrelation(&samples, lags));
            }
            made.far.push(phases);
            made.far_floor.push(least);
        }
        made.longest = near.iter().chain(far).map(|pulse| pulse.len()).max().unwrap_or(0);
        made
    }

    /// Phase of largest power of each far-end aggressor behind a transmit equaliser with this autocorrelation.
    pub fn far_phases(&self, taps: &[f64]) -> Vec<usize> {
        let power = |phase: &Vec<f64>| {
            let above: f64 = taps.iter().zip(phase).skip(1).map(|(tap, value)| tap * value).sum();
            taps[0] * phase[0] + 2.0 * above
        };
        self.far.iter().map(|aggressor| worst_phase(aggressor.iter().map(power))).collect()
    }

    /// Correlation of all crosstalk behind a transmit equaliser with this autocorrelation.
    pub fn correlation(&self, taps: &[f64], lags: usize, out: &mut Vec<f64>) {
        out.clear();
        out.extend_from_slice(&self.near[..lags]);
        let mut one = Vec::new();
        for (aggressor, phase) in self.far.iter().zip(self.far_phases(taps)) {
            shaped(&aggressor[phase], taps, lags, &mut one);
            for (sum, value) in out.iter_mut().zip(&one) {
                *sum += value;
            }
        }
    }
}

/// The first phase of largest power.
pub fn worst_phase(powers: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, power) in powers.enumerate() {
        if power > best.1 {
            best = (at, power);
        }
    }
    best.0
}

/// Slopes of a pulse once per unit interval of `m` samples, in V per UI. The first unit interval is left away where there
/// is no sample before it.
pub fn slopes(pulse: &[f64], phase: usize, m: usize) -> Vec<f64> {
    let first = if phase == 0 { m } else { phase };
    let early = pulse.iter().skip(first - 1).step_by(m);
    pulse.iter().skip(first + 1).step_by(m).zip(early).map(|(late, early)| (late - early) / 2.0 * m as f64).collect()
}

/// A sampling instant.
#[derive(Clone, Debug)]
pub struct Instant {
    /// Response before the transmit equaliser, once per unit interval.
    pub response: Vec<f64>,
    /// Index of the cursor in it.
    pub cursor: usize,
    /// Correlation of response and jitter by lag.
    pub with_jitter: Vec<f64>,
    /// Of the response alone.
    pub plain: Vec<f64>,
    /// Of the slopes, in V² per UI².
    pub slopes: Vec<f64>,
    /// Of what the transmitter's noise makes, over the variance of the symbols.
    pub transmitter: Vec<f64>,
    /// Response that the transmitter's noise comes through.
    pub transmitter_response: Vec<f64>,
}

impl Instant {
    /// The instant at `sample` of a pulse. `None` when the pulse is too short about it.
    pub fn new(terms: &Terms, pulse: &[f64], sample: usize) -> Option<Self> {
        let m = terms.samples_per_ui;
        if sample < m || sample + m >= pulse.len() {
            return None;
        }
        let lags = terms.lags();
        let phase = sample % m;
        let response = every(pulse, phase, pulse.len(), m);
        let (cursor, late) = match terms.edition {
            Edition::Script => ((sample + 1) / m, (sample + 1) % m),
            Edition::Draft3 => (sample / m, phase),
        };
        let slopes = slopes(pulse, phase, m);
        let end = if terms.edition == Edition::Script { pulse.len() - late } else { pulse.len() };
        let transmitter_response = every(pulse, late, end, m);
        let share = match terms.edition {
            Edition::Script => terms.transmitter_noise,
            Edition::Draft3 => terms.transmitter_noise / terms.symbol_variance,
        };
        let plain = long_autocorrelation(&response, lags, terms.turn);
        let slopes = long_autocorrelation(&slopes, lags, terms.turn);
        let with_jitter = plain.iter().zip(&slopes).map(|(plain, slope)| plain + terms.jitter_ui2 * slope).collect();
        let mut transmitter = match terms.edition {
            Edition::Script => long_autocorrelation(&transmitter_response, lags, terms.turn),
            Edition::Draft3 => plain.clone(),
        };
        for value in &mut transmitter {
            *value *= share;
        }
        Some(Self { response, cursor, with_jitter, plain, slopes, transmitter, transmitter_response })
    }

    /// What the receiver's taps see at this instant behind a transmit equaliser. `own` is the equaliser's
    /// autocorrelation, `fixed` the correlation of noise that does not depend on the instant: the receiver's and
    /// crosstalk, and `exponent` belongs to the quantiser's clipping ([`quantiser::exponent`]). Returns the step of the
    /// quantiser too, in V.
    pub fn problem(
        &self,
        terms: &Terms,
        (taps, own): (&[f64], &[f64]),
        fixed: &[f64],
        exponent: f64,
        out: &mut Problem,
    ) -> f64 {
        let span = terms.receiver.span;
        let feedback = terms.receiver.feedback();
        shaped(&self.with_jitter, own, span, &mut out.row);
        for (value, (fixed, transmitter)) in out.row.iter_mut().zip(fixed.iter().zip(&self.transmitter)) {
            *value += fixed + transmitter;
        }
        // Index `transmit_cursor` of the whole response is sample 0 of the one before the equaliser.
        out.response.clear();
        out.response.resize(self.response.len() + taps.len(), 0.0);
        for (index, tap) in taps.iter().enumerate() {
            for (sum, value) in out.response[index..].iter_mut().zip(&self.response) {
                *sum += tap * value;
            }
        }
        let last = terms.receiver.pre + self.cursor + feedback + terms.transmit_cursor;
        let whole = &out.response;
        let at = |at: usize| last.checked_sub(at).and_then(|from| whole.get(from)).copied().unwrap_or(0.0);
        out.samples.clear();
        out.samples.extend((0..span + feedback).map(at));
        let Some(quantiser) = &terms.quantiser else { return 0.0 };
        // Noise at the quantiser without the bounded part of jitter (178A-31).
        let random = terms.random_jitter_ui2 * energy(&self.slopes, own);
        let noise = terms.symbol_variance * (fixed[0] + self.transmitter[0] + random);
        let amplitude = quantiser::clipping_amplitude(&out.response, noise, terms.levels, exponent);
        let step = quantiser::step(quantiser, amplitude);
        if let Some(first) = out.row.first_mut() {
            *first += step * step / 12.0 / terms.symbol_variance;
        }
        step
    }
}

/// Energy of a response behind an equaliser, from both autocorrelations.
fn energy(values: &[f64], own: &[f64]) -> f64 {
    let n = own.len().min(values.len());
    2.0 * inner(&values[..n], &own[..n]) - values[0] * own[0]
}
