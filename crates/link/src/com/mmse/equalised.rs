//! The best point behind all of its equalisers: sampled responses and the noise that they carry.

use super::correlation::{autocorrelation, correlation_of};
use super::instant::{Edition, Instant, Terms, slopes};
use super::search::{Best, Stage};
use crate::com::tx_ffe;

/// Lags that correlations behind the receiver are kept for: as long as a burst that sequence detection looks at.
pub const LAGS: usize = 256;

/// Power of one kind of noise behind the receive taps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Noise {
    /// By lag, in V²; standard deviations are the roots of the first.
    pub correlation: Vec<f64>,
}

impl Noise {
    fn of(response: &[f64], scale: f64) -> Self {
        Self { correlation: autocorrelation(response, LAGS).into_iter().map(|value| value * scale).collect() }
    }

    /// Variance in V².
    pub fn variance(&self) -> f64 {
        self.correlation.first().copied().unwrap_or(0.0)
    }

    /// Standard deviation in V.
    pub fn sigma(&self) -> f64 {
        self.variance().max(0.0).sqrt()
    }
}

/// The best point, sampled.
#[derive(Clone, Debug)]
pub struct Equalised {
    /// Receive taps from the first position on, over the cursor's; zero where there is none.
    pub receive: Vec<f64>,
    /// Sum of the squares of those taps.
    pub receive_power: f64,
    /// Cursor of the equalised pulse in V.
    pub cursor: f64,
    /// Feedback taps over the cursor.
    pub feedback: Vec<f64>,
    /// Residual intersymbol interference, one value per unit interval, in V.
    pub interference: Vec<f64>,
    /// Slopes in V per UI.
    pub slopes: Vec<f64>,
    /// Crosstalk, one response per aggressor at its phase, in V.
    pub crosstalk: Vec<Vec<f64>>,
    /// Transmitter noise.
    pub transmitter: Noise,
    /// Receiver noise.
    pub receiver: Noise,
    /// All jitter.
    pub jitter: Noise,
    /// Random jitter.
    pub random_jitter: Noise,
    /// Crosstalk.
    pub far_and_near: Noise,
    /// Interference.
    pub residual: Noise,
}

/// Pulses of the aggressors behind the continuous-time equaliser, before the transmit equaliser.
#[derive(Clone, Copy, Debug)]
pub struct Aggressors<'a> {
    /// Far-end ones.
    pub far: &'a [Vec<f64>],
    /// Near-end ones.
    pub near: &'a [Vec<f64>],
}

/// Response of a sampled response behind the receive taps.
fn convolve(response: &[f64], taps: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; response.len() + taps.len().max(1) - 1];
    for (at, tap) in taps.iter().enumerate().filter(|(_, tap)| **tap != 0.0) {
        for (sum, value) in out[at..].iter_mut().zip(response) {
            *sum += tap * value;
        }
    }
    out
}

/// Power gain of the receive taps over the first half of `turn` frequencies.
fn power_gain(taps: &[f64], turn: usize) -> Vec<f64> {
    super::correlation::power_spectrum(taps, turn)
}

/// Equalises the best point. `None` when its sampling instant lies outside the pulse.
pub fn equalise(
    terms: &Terms,
    stage: &Stage,
    transmit: &[f64],
    best: &Best,
    aggressors: Aggressors,
    turn: usize,
) -> Option<Equalised> {
    let m = terms.samples_per_ui;
    let cursor_tap = best.placed.taps.forward.get(terms.receiver.pre).copied()?;
    let mut receive = vec![0.0; best.placed.positions.iter().max()? + 1];
    for (tap, &position) in best.placed.taps.forward.iter().zip(&best.placed.positions) {
        receive[position] = tap / cursor_tap;
    }
    let equal = |pulse: &[f64], transmitted: bool| {
        let mut behind = Vec::new();
        if transmitted {
            tx_ffe::apply(pulse, transmit, terms.transmit_cursor, m, &mut behind);
        } else {
            behind.extend_from_slice(pulse);
        }
        let mut out = Vec::new();
        tx_ffe::apply(&behind, &receive, terms.receiver.pre, m, &mut out);
        out
    };
    let pulse = equal(&stage.pulse, true);
    let cursor = *pulse.get(best.sample)?;
    let phase = best.sample % m;
    // The script counts neither the first nor the last unit interval; drafts count all.
    let whole = (pulse.len() as f64 / m as f64).round() as usize;
    let counted = |pulse: &[f64], phase: usize| -> Vec<f64> {
        match terms.edition {
            Edition::Script => {
                (1..whole.saturating_sub(1)).map(|at| pulse.get(at * m + phase).copied().unwrap_or(0.0)).collect()
            }
            Edition::Draft3 => pulse.iter().skip(phase).step_by(m).copied().collect(),
        }
    };
    let mut residual = pulse.clone();
    residual[best.sample] = 0.0;
    let mut feedback = Vec::with_capacity(terms.receiver.feedback());
    for (at, (max, min)) in terms.receiver.feedback_max.iter().zip(&terms.receiver.feedback_min).enumerate() {
        let place = best.sample + (at + 1) * m;
        let Some(value) = residual.get_mut(place) else {
            feedback.push(0.0);
            continue;
        };
        let (a, b) = (max * cursor, min * cursor);
        let tap = value.min(a.max(b)).max(a.min(b));
        *value -= tap;
        feedback.push(tap / cursor);
    }
    let interference = counted(&residual, phase);
    let slopes = slopes(&pulse, phase, m);
    let own = autocorrelation(transmit, transmit.len());
    let far_phases = stage.crosstalk.far_phases(&own);
    let far = aggressors.far.iter().zip(&far_phases).map(|(pulse, &phase)| counted(&equal(pulse, true), phase));
    let near = aggressors
        .near
        .iter()
        .zip(&stage.crosstalk.near_phases)
        .map(|(pulse, &phase)| counted(&equal(pulse, false), phase));
    let crosstalk: Vec<Vec<f64>> = far.chain(near).collect();
    let instant = Instant::new(terms, &stage.pulse, best.sample)?;
    let variance = terms.symbol_variance;
    let transmitter_scale = match terms.edition {
        Edition::Script => variance * terms.transmitter_noise,
        Edition::Draft3 => terms.transmitter_noise,
    };
    let spectrum: Vec<f64> = stage
        .noise
        .spectrum
        .iter()
        .zip(power_gain(&receive, turn))
        .map(|(noise, gain)| noise * gain * variance)
        .collect();
    let mut far_and_near = Noise { correlation: vec![0.0; LAGS] };
    for response in &crosstalk {
        for (sum, value) in far_and_near.correlation.iter_mut().zip(autocorrelation(response, LAGS)) {
            *sum += value * variance;
        }
    }
    Some(Equalised {
        receive_power: receive.iter().map(|tap| tap * tap).sum(),
        cursor,
        feedback,
        transmitter: Noise::of(&convolve(&instant.transmitter_response, &receive), transmitter_scale),
        receiver: Noise { correlation: correlation_of(&spectrum, turn, LAGS.min(turn)) },
        jitter: Noise::of(&slopes, variance * terms.jitter_ui2),
        random_jitter: Noise::of(&slopes, variance * terms.random_jitter_ui2),
        far_and_near,
        residual: Noise::of(&interference, variance),
        interference,
        slopes,
        crosstalk,
        receive,
    })
}
