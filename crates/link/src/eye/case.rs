//! The statistical eye of a package case at the setting that the COM search chose, and what a report draws of it.

use crate::com::channel::ChannelSet;
use crate::com::ctle::CtleGains;
use crate::com::figure_of_merit::figure_of_merit;
use crate::com::mmse;
use crate::com::outcome::CaseOutcome;
use crate::com::parameters::ComParameters;
use crate::com::prepare::{Prepared, pulse_response};

use super::chosen;
use super::cost::{CostBreakdown, costs};
use super::input::EyeInput;
use super::opening::{Opening, openings};
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
        let channels = mmse::referred(parameters, channels)?;
        let prepared = Prepared::new(parameters, &channels, case)?;
        let gains = chosen::gains(&prepared, outcome).ok_or(ReceiverProblem::NoSignal)?;
        let per_ui = parameters.signal.samples_per_ui;
        let victim = prepared.paths.first().ok_or(ReceiverProblem::NoSignal)?;
        let input = chosen::input(&prepared, outcome)?;
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
