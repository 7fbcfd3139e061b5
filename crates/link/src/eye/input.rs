//! What a statistical eye is made of, checked, and the parts that are shared by all its phases.

use std::fmt;

use super::amplitude::Amplitude;
use super::jitter::Jitter;
use super::pulse::EyePulse;
use crate::normal;

/// Pulse, crosstalk, noise and jitter at a slicer.
#[derive(Clone, Debug, PartialEq)]
pub struct EyeInput {
    /// Response of the victim, equalised.
    pub pulse: EyePulse,
    /// Levels of the symbols: 2 (NRZ) or 4 (PAM4).
    pub levels: u32,
    /// R_LM: the distance of neighbouring levels is this share of the ideal one (93A-27 scales the signal so).
    pub level_mismatch: f64,
    /// Responses of the aggressors through the same receiver.
    pub crosstalk: Vec<CrosstalkPulse>,
    /// Noise at the slicer.
    pub noise: EyeNoise,
    /// Jitter of the sampling instant.
    pub jitter: Jitter,
}

/// Response to one aggressor's symbol at the slicer.
#[derive(Clone, Debug, PartialEq)]
pub struct CrosstalkPulse {
    /// What it is called in results.
    pub name: String,
    /// Samples in V, as many in a unit interval as the victim's.
    pub samples: Vec<f64>,
}

impl CrosstalkPulse {
    /// Taps at the phase with the greatest sum of squares (93A-33), which is where Annex 93A takes an aggressor.
    pub fn worst_taps(&self, samples_per_ui: usize) -> Vec<f64> {
        let per_ui = samples_per_ui.max(1);
        let power = |phase: usize| self.samples.iter().skip(phase).step_by(per_ui).map(|h| h * h).sum::<f64>();
        let worst = (0..per_ui).fold((0, f64::NEG_INFINITY), |best, phase| {
            let sum = power(phase);
            if sum > best.1 { (phase, sum) } else { best }
        });
        self.samples.iter().skip(worst.0).step_by(per_ui).copied().collect()
    }
}

/// Noise at the slicer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EyeNoise {
    /// Standard deviation of the receiver's noise in V (93A-35).
    pub receiver_v: f64,
    /// Standard deviation of the transmitter's noise in V (93A-30).
    pub transmitter_v: f64,
    /// Widths in V of evenly spread errors: the quantiser's through each receive tap.
    pub quantiser_v: Vec<f64>,
}

/// A cause of a smaller eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Noise of the receiver's input.
    ReceiverNoise,
    /// Noise of the transmitter.
    TransmitterNoise,
    /// The receiver's quantiser.
    Quantisation,
    /// Intersymbol interference that equalisation leaves.
    Isi,
    /// Crosstalk of all aggressors.
    Crosstalk,
    /// Jitter.
    Jitter,
}

impl Term {
    /// All of them, in the order of the waterfall.
    pub const ALL: [Self; 6] =
        [Self::ReceiverNoise, Self::TransmitterNoise, Self::Quantisation, Self::Isi, Self::Crosstalk, Self::Jitter];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReceiverNoise => "receiver noise",
            Self::TransmitterNoise => "transmitter noise",
            Self::Quantisation => "quantisation",
            Self::Isi => "residual ISI",
            Self::Crosstalk => "crosstalk",
            Self::Jitter => "jitter",
        }
    }
}

/// Why there is no eye.
#[derive(Clone, Debug, PartialEq)]
pub enum EyeError {
    /// A sample or parameter is not a finite number; it is named.
    NotFinite(&'static str),
    /// A parameter is outside its range; name, value and what is allowed.
    OutOfRange(&'static str, f64, &'static str),
    /// The pulse has no positive value at the sampling instant.
    NoCursor,
}

impl fmt::Display for EyeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite(what) => write!(f, "{what} has a value that is not a number"),
            Self::OutOfRange(what, value, range) => write!(f, "{what} is {value}, but must be {range}"),
            Self::NoCursor => write!(f, "the pulse response is not positive where it is sampled: no signal arrives"),
        }
    }
}

impl std::error::Error for EyeError {}

impl EyeInput {
    /// Checks every number.
    pub fn check(&self) -> Result<(), EyeError> {
        let finite = |what, values: &[f64]| {
            if values.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(EyeError::NotFinite(what)) }
        };
        finite("the pulse response", &self.pulse.samples)?;
        finite("the decision feedback", &self.pulse.feedback_v)?;
        for aggressor in &self.crosstalk {
            finite("a crosstalk response", &aggressor.samples)?;
        }
        let noise = &self.noise;
        finite("the noise", &[noise.receiver_v, noise.transmitter_v])?;
        finite("the quantiser's error", &noise.quantiser_v)?;
        finite("the jitter", &[self.jitter.random_ui, self.jitter.dual_dirac_ui])?;
        let range = |what, value: f64, ok: bool, allowed| {
            if ok { Ok(()) } else { Err(EyeError::OutOfRange(what, value, allowed)) }
        };
        range("the number of levels", self.levels.into(), matches!(self.levels, 2 | 4), "2 or 4")?;
        let mismatch = self.level_mismatch;
        range("R_LM", mismatch, mismatch > 0.0 && mismatch <= 1.0, "above 0 and at most 1")?;
        let per_ui = self.pulse.samples_per_ui;
        range("samples per unit interval", per_ui as f64, (1..=4096).contains(&per_ui), "1 to 4096")?;
        for sigma in [noise.receiver_v, noise.transmitter_v].iter().chain(&noise.quantiser_v) {
            range("noise", *sigma, *sigma >= 0.0, "zero or more")?;
        }
        for part in [self.jitter.random_ui, self.jitter.dual_dirac_ui] {
            range("jitter", part, (0.0..=0.25).contains(&part), "0 to 0.25 UI")?;
        }
        if self.pulse.at(0.0) <= 0.0 {
            return Err(EyeError::NoCursor);
        }
        Ok(())
    }

    /// Signal amplitude A_s in V: half the distance of neighbouring levels at the sampling instant (93A.1.6).
    pub fn signal_v(&self) -> f64 {
        self.level_mismatch * self.pulse.at(0.0) / f64::from(self.levels - 1)
    }

    /// The level's position, from -1 to 1 without the mismatch.
    pub fn level(&self, index: u32) -> f64 {
        (2.0 * f64::from(index) / f64::from(self.levels - 1) - 1.0) * self.level_mismatch
    }

    /// Whether a term is there at all.
    pub fn has(&self, term: Term) -> bool {
        match term {
            Term::ReceiverNoise => self.noise.receiver_v > 0.0,
            Term::TransmitterNoise => self.noise.transmitter_v > 0.0,
            Term::Quantisation => self.noise.quantiser_v.iter().any(|w| *w > 0.0),
            Term::Isi => self.pulse.taps(0.0).1.iter().any(|h| *h != 0.0),
            Term::Crosstalk => self.crosstalk.iter().any(|c| c.samples.iter().any(|h| *h != 0.0)),
            Term::Jitter => !self.jitter.is_none(),
        }
    }

    /// Width of the bins in V: so many to the cursor, and few enough for everything that can add up.
    pub fn bin_v(&self, bins_per_cursor: usize) -> f64 {
        let cursor = self.pulse.at(0.0);
        let total: f64 = self.pulse.taps(0.0).1.iter().map(|h| h.abs()).sum::<f64>() + cursor;
        (cursor / bins_per_cursor.max(8) as f64).max(total / 16_384.0)
    }

    /// Distribution of what does not depend on the victim's phase: the chosen kinds of noise, and crosstalk.
    pub fn background(&self, bin_v: f64, reach: f64, with: impl Fn(Term) -> bool) -> Amplitude {
        let part = |term, sigma: f64| if with(term) { sigma * sigma } else { 0.0 };
        let power =
            part(Term::ReceiverNoise, self.noise.receiver_v) + part(Term::TransmitterNoise, self.noise.transmitter_v);
        let mut out = Amplitude::gaussian(bin_v, power.sqrt(), reach);
        if with(Term::Quantisation) {
            for width in &self.noise.quantiser_v {
                out = out.plus(&Amplitude::uniform(bin_v, *width));
            }
        }
        if with(Term::Crosstalk) {
            for aggressor in &self.crosstalk {
                out = with_symbols(out, aggressor.worst_taps(self.pulse.samples_per_ui), self.levels);
            }
        }
        out
    }
}

/// Adds the symbols of all taps; the small ones first, while the distribution is still narrow.
pub fn with_symbols(mut base: Amplitude, mut taps: Vec<f64>, levels: u32) -> Amplitude {
    taps.retain(|h| *h != 0.0);
    taps.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    for tap in taps {
        base.add_symbol(tap, levels);
    }
    base
}

/// Standard deviations out to which a Gaussian matters at an error ratio: a thousandth of it is left, and never more
/// than 1e-20, so that bathtubs reach far enough down to be drawn.
pub fn reach_of(error_ratio: f64) -> f64 {
    normal::quantile((error_ratio * 1e-3).clamp(1e-40, 1e-20))
}
