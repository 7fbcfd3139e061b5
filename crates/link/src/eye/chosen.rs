//! What reaches the slicer of a package case at the setting that the COM search chose: victim, crosstalk and noise behind
//! all equalisers.

use super::input::{CrosstalkPulse, EyeInput, EyeNoise};
use super::jitter::Jitter;
use super::pulse::EyePulse;
use super::receiver::ReceiverProblem;
use crate::com::board::PathKind;
use crate::com::ctle::CtleGains;
use crate::com::outcome::CaseOutcome;
use crate::com::prepare::{Prepared, pulse_response};
use crate::com::tx_ffe;

/// The chosen setting's gains among a case's grid.
pub fn gains(prepared: &Prepared, outcome: &CaseOutcome) -> Option<CtleGains> {
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

/// The eye's input of a case, worked out again at the setting of its outcome. `prepared` must be of the channels over the
/// receiver's reference impedance: see [`crate::com::mmse::referred`].
///
/// # Errors
/// When the outcome is not one of this case: its gains are not among the case's.
pub fn input(prepared: &Prepared, outcome: &CaseOutcome) -> Result<EyeInput, ReceiverProblem> {
    let parameters = prepared.parameters;
    let gains = gains(prepared, outcome).ok_or(ReceiverProblem::NoSignal)?;
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
    Ok(EyeInput {
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
        jitter: Jitter { random_ui: parameters.noise.random_jitter_ui, dual_dirac_ui: parameters.noise.dual_dirac_ui },
    })
}
