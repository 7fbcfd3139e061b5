//! The statistical eye of a package case at the setting that the COM search chose, and what a report draws of it.

use crate::com::board::PathKind;
use crate::com::channel::ChannelSet;
use crate::com::ctle::CtleGains;
use crate::com::figure_of_merit::figure_of_merit;
use crate::com::outcome::CaseOutcome;
use crate::com::parameters::ComParameters;
use crate::com::prepare::{Prepared, pulse_response};
use crate::com::tx_ffe;

use super::cost::{CostBreakdown, costs};
use super::input::{CrosstalkPulse, EyeInput, EyeNoise};
use super::jitter::Jitter;
use super::opening::{Opening, openings};
use super::pulse::EyePulse;
use super::receiver::ReceiverProblem;
use super::statistical::{EyeSettings, StatisticalEye};

/// Figure of merit at one pair of gains, with the transmit taps that were chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainPoint {
    /// g_DC in dB.
    pub g_dc_db: f64,
    /// g_DC_HP in dB, where there is a second stage.
    pub g_dc2_db: Option<f64>,
    /// Figure of merit in dB; `None` where the pulse cannot be sampled.
    pub fom_db: Option<f64>,
}

/// Figure of merit at one pair of transmit taps, with everything else as chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TapPoint {
    /// c(-1).
    pub before: f64,
    /// c(1).
    pub after: f64,
    /// Figure of merit in dB.
    pub fom_db: Option<f64>,
}

/// Everything about a case that pictures are made of.
#[derive(Clone, Debug)]
pub struct CaseDetail {
    /// Name of the case.
    pub case: String,
    /// Samples per unit interval of all pulses.
    pub samples_per_ui: usize,
    /// The victim's pulse before any equaliser, in V.
    pub raw_pulse: Vec<f64>,
    /// What the eye is made of: equalised pulse with feedback, crosstalk, noise, jitter.
    pub input: EyeInput,
    /// The eye.
    pub eye: StatisticalEye,
    /// Every eye's opening at the detector error ratio.
    pub openings: Vec<Opening>,
    /// What each term costs.
    pub costs: CostBreakdown,
    /// Figure of merit over the gains.
    pub gains: Vec<GainPoint>,
    /// Figure of merit over c(-1) and c(1); empty where one of them has no values.
    pub taps: Vec<TapPoint>,
}

/// The chosen setting's gains among a case's grid.
fn chosen_gains(prepared: &Prepared, outcome: &CaseOutcome) -> Option<CtleGains> {
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let grid = prepared.ctle_grid.iter().map(|(_, _, gains)| *gains);
    grid.into_iter().find(|gains| {
        same(gains.stage.gain_db, outcome.g_dc_db)
            && match (gains.low, outcome.g_dc2_db) {
                (Some(low), Some(db)) => same(low.gain_db, db),
                (None, _) => true,
                (Some(_), None) => false,
            }
    })
}

/// A pulse behind the receiver's feed-forward taps, given from the first precursor on relative to their cursor.
fn receive_taps(pulse: &[f64], taps: &[f64], cursor: usize, samples_per_ui: usize) -> Vec<f64> {
    let mut out = vec![0.0; pulse.len()];
    for (at, tap) in taps.iter().enumerate().filter(|(_, tap)| **tap != 0.0) {
        let shift = (at as i64 - cursor as i64) * samples_per_ui as i64;
        for (k, o) in out.iter_mut().enumerate() {
            if let Some(h) = usize::try_from(k as i64 - shift).ok().and_then(|k| pulse.get(k)) {
                *o += tap * h;
            }
        }
    }
    out
}

impl CaseDetail {
    /// Works out one case of an evaluation again, at the setting that was chosen. `index` is the case's place among the
    /// parameters' cases.
    pub fn of(
        parameters: &ComParameters,
        channels: &ChannelSet,
        index: usize,
        outcome: &CaseOutcome,
        settings: &EyeSettings,
    ) -> Result<Self, ReceiverProblem> {
        let case = parameters.ends.cases.get(index).ok_or(ReceiverProblem::NoSignal)?;
        let prepared = Prepared::new(parameters, channels, case)?;
        let gains = chosen_gains(&prepared, outcome).ok_or(ReceiverProblem::NoSignal)?;
        let per_ui = parameters.signal.samples_per_ui;
        // The cursor of the receive taps is the one that the others are relative to: 1.
        let receive_cursor = parameters.rx_ffe.as_ref().map_or(0, |ffe| ffe.pre);
        let equalised = |impulse: &[f64], transmit: bool| {
            let behind = pulse_response(&gains.filter(impulse, prepared.sample_hz()), per_ui);
            let mut out = behind.clone();
            if transmit {
                tx_ffe::apply(&behind, &outcome.tx_taps, outcome.tx_cursor, per_ui, &mut out);
            }
            if outcome.rx_taps.is_empty() { out } else { receive_taps(&out, &outcome.rx_taps, receive_cursor, per_ui) }
        };
        let victim = prepared.paths.first().ok_or(ReceiverProblem::NoSignal)?;
        let mut samples = equalised(&victim.impulse, true);
        samples.resize(samples.len() + 2 * per_ui, 0.0);
        let cursor = samples.get(outcome.sample).copied().unwrap_or(0.0);
        let crosstalk = prepared.paths.iter().skip(1).map(|path| CrosstalkPulse {
            name: path.name.clone(),
            samples: equalised(&path.impulse, path.kind != PathKind::NearEnd),
        });
        let sigma = &outcome.sigma_mv;
        let input = EyeInput {
            pulse: EyePulse {
                samples,
                samples_per_ui: per_ui,
                cursor: outcome.sample,
                feedback_v: outcome.dfe_taps.iter().map(|b| b * cursor).collect(),
            },
            levels: parameters.signal.levels,
            level_mismatch: parameters.signal.level_mismatch,
            crosstalk: crosstalk.collect(),
            noise: EyeNoise {
                receiver_v: sigma.n * 1e-3,
                transmitter_v: sigma.tx * 1e-3,
                // One even error with the power of all taps together.
                quantiser_v: if sigma.q > 0.0 { vec![sigma.q * 1e-3 * 12f64.sqrt()] } else { Vec::new() },
            },
            jitter: Jitter {
                random_ui: parameters.noise.random_jitter_ui,
                dual_dirac_ui: parameters.noise.dual_dirac_ui,
            },
        };
        let eye = StatisticalEye::of(&input, settings)?;
        let openings = openings(&eye);
        let costs = costs(&input, settings.target);
        let (gains_map, taps_map) = if parameters.rx_ffe.is_some() {
            // Behind a receive equaliser that is solved for anew at each setting the map is the search's own affair.
            (Vec::new(), Vec::new())
        } else {
            (gain_map(&prepared, outcome), tap_map(&prepared, &gains, outcome))
        };
        Ok(Self {
            case: outcome.case.clone(),
            samples_per_ui: per_ui,
            raw_pulse: pulse_response(&victim.impulse, per_ui),
            input,
            eye,
            openings,
            costs,
            gains: gains_map,
            taps: taps_map,
        })
    }
}

fn gain_map(prepared: &Prepared, outcome: &CaseOutcome) -> Vec<GainPoint> {
    use rayon::prelude::*;
    prepared
        .ctle_grid
        .par_iter()
        .map(|(_, _, gains)| {
            let point = figure_of_merit(prepared, &prepared.ctle_setting(gains), &outcome.tx_taps);
            GainPoint {
                g_dc_db: gains.stage.gain_db,
                g_dc2_db: gains.low.map(|low| low.gain_db),
                fom_db: point.map(|p| p.fom_db),
            }
        })
        .collect()
}

fn tap_map(prepared: &Prepared, gains: &CtleGains, outcome: &CaseOutcome) -> Vec<TapPoint> {
    use rayon::prelude::*;
    let cursor = outcome.tx_cursor;
    let (Some(before), after) = (cursor.checked_sub(1), cursor + 1) else { return Vec::new() };
    if after >= outcome.tx_taps.len() {
        return Vec::new();
    }
    let setting = prepared.ctle_setting(gains);
    let same = |taps: &[f64]| {
        let each = taps.iter().zip(&outcome.tx_taps).enumerate();
        each.filter(|(at, _)| ![before, cursor, after].contains(at)).all(|(_, (a, b))| (a - b).abs() < 1e-9)
    };
    let found: Vec<&[f64]> = prepared.tx_grid.iter().filter(|taps| same(taps)).collect();
    if found.len() < 2 {
        return Vec::new();
    }
    found
        .par_iter()
        .map(|taps| TapPoint {
            before: taps[before],
            after: taps[after],
            fom_db: figure_of_merit(prepared, &setting, taps).map(|p| p.fom_db),
        })
        .collect()
}
