//! What the next step of an equaliser, or a little less noise, would add to a case's COM: the case is evaluated again with
//! that one thing changed and everything else as it was chosen.

use rayon::prelude::*;

use crate::com::channel::ChannelSet;
use crate::com::outcome::{CaseOutcome, ComOutcome};
use crate::com::parameters::{ComParameters, TapGrid};
use crate::com::problem::ComProblem;

use super::next_step::StepGain;

/// Sizes that a further transmit tap is tried with.
const TAP_SIZES: [f64; 6] = [-0.06, -0.04, -0.02, 0.02, 0.04, 0.06];

/// Gains of COM by step, in the order of a usual discussion: equalisers, then noises. `evaluate` is the function that
/// gave the outcome. Steps that cannot be evaluated are left out.
pub fn com_steps(
    parameters: &ComParameters,
    channels: &ChannelSet,
    index: usize,
    outcome: &CaseOutcome,
    evaluate: impl Fn(&ComParameters, &ChannelSet) -> Result<ComOutcome, ComProblem> + Sync,
) -> Vec<StepGain> {
    let Some(fixed) = at_choice(parameters, index, outcome) else { return Vec::new() };
    let mut steps: Vec<(String, ComParameters)> = Vec::new();
    let mut step = |name: String, change: &dyn Fn(&mut ComParameters)| {
        let mut then = fixed.clone();
        change(&mut then);
        steps.push((name, then));
    };
    let taps = fixed.dfe.max.len();
    step(format!("DFE tap {}", taps + 1), &|p| {
        p.dfe.max.push(p.dfe.max.last().copied().unwrap_or(0.2));
        p.dfe.min.push(p.dfe.min.last().copied().unwrap_or(-0.2));
    });
    if let Some(stage) = fixed.ctle.stages.first().copied() {
        let gains = || parameters.ctle.stages.iter().map(|s| s.gain_db);
        let (low, high) = (gains().fold(f64::INFINITY, f64::min), gains().fold(f64::NEG_INFINITY, f64::max));
        let half = if gains().count() > 1 { 0.5 * (high - low) / (gains().count() - 1) as f64 } else { 0.5 };
        for db in [stage.gain_db - half, stage.gain_db + half] {
            let beyond = db < low || db > high;
            let name = if beyond { "beyond its range" } else { "between steps" };
            step(format!("g_DC of {db:.1} dB, {name}"), &|p| {
                p.ctle.qualified.clear();
                p.ctle.gain_sum_max_db = None;
                if let Some(stage) = p.ctle.stages.first_mut() {
                    stage.gain_db = db;
                }
            });
        }
    }
    let first = -(outcome.tx_cursor as i32) - 1;
    let last = outcome.tx_taps.len() as i32 - outcome.tx_cursor as i32;
    for position in [first, last] {
        step(format!("Tx tap c({position})"), &|p| {
            p.tx_ffe.taps.push(TapGrid { position, values: TAP_SIZES.to_vec() });
            p.tx_ffe.taps.sort_by_key(|tap| tap.position);
            p.tx_ffe.cursor_min = 0.0;
        });
    }
    step("SNR_TX +1 dB".into(), &|p| p.ends.cases.iter_mut().for_each(|case| case.tx_snr_db += 1.0));
    step("eta_0 -1 dB".into(), &|p| p.noise.eta0_v2_per_ghz *= 10f64.powf(-0.1));
    if !channels.fext.is_empty() || !channels.next.is_empty() {
        step("crosstalk -1 dB".into(), &|p| {
            p.signal.fext_v *= 10f64.powf(-0.05);
            p.signal.next_v *= 10f64.powf(-0.05);
        });
    }
    step("jitter a tenth lower".into(), &|p| {
        p.noise.random_jitter_ui *= 0.9;
        p.noise.dual_dirac_ui *= 0.9;
    });
    steps
        .par_iter()
        .filter_map(|(name, then)| {
            let new = evaluate(then, channels).ok()?;
            let case = new.cases.first()?;
            let gain = case.com_db - outcome.com_db;
            let height = 2.0 * ((case.a_s_mv - case.a_ni_mv) - (outcome.a_s_mv - outcome.a_ni_mv));
            gain.is_finite().then(|| StepGain { step: name.clone(), margin_db: gain, height_mv: height })
        })
        .collect()
}

/// The parameters with one case and one setting left: the chosen one.
fn at_choice(parameters: &ComParameters, index: usize, outcome: &CaseOutcome) -> Option<ComParameters> {
    let mut fixed = parameters.clone();
    fixed.ends.cases = vec![parameters.ends.cases.get(index)?.clone()];
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    fixed.ctle.stages.retain(|s| same(s.gain_db, outcome.g_dc_db));
    if let Some(db) = outcome.g_dc2_db {
        fixed.ctle.low_stages.retain(|s| same(s.gain_db, db));
    }
    for tap in &mut fixed.tx_ffe.taps {
        let at = usize::try_from(tap.position + outcome.tx_cursor as i32).ok();
        // A tap of the sheet that is not among the chosen ones has no values but nil.
        tap.values = vec![at.and_then(|at| outcome.tx_taps.get(at)).copied().unwrap_or(0.0)];
    }
    (!fixed.ctle.stages.is_empty()).then_some(fixed)
}
