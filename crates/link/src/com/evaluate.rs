//! From parameters and channels to the margin of every package case.

use crate::com::channel::ChannelSet;
use crate::com::detail::{CaseDetail, detail};
use crate::com::exhaustive::Found;
use crate::com::margin::{Concluded, conclude};
use crate::com::mmse;
use crate::com::outcome::{CaseOutcome, ComOutcome, Sigmas};
use crate::com::parameters::{ComParameters, Limits};
use crate::com::prepare::Prepared;
use crate::com::problem::ComProblem;
use crate::com::search;
use crate::response::{self, erl::ErlSetting};
use rayon::prelude::*;

/// What is wanted beside the margins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Pulses, distributions and costs of each case.
    pub detail: bool,
    /// The best figure of merit behind every CTLE setting: takes a search of each.
    pub fom_map: bool,
}

/// Evaluates all package cases; the answer is the worst of them.
///
/// # Errors
/// Where a channel or a parameter makes no sense, or no setting of the grid can be sampled.
pub fn evaluate(parameters: &ComParameters, channels: &ChannelSet) -> Result<ComOutcome, ComProblem> {
    evaluate_with(parameters, channels, Wanted::default()).map(|(outcome, _)| outcome)
}

/// The same, with what is behind the margins: one detail per case where it is wanted, none else, and none for
/// receivers with a feed-forward equaliser.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_with(
    parameters: &ComParameters,
    channels: &ChannelSet,
    wanted: Wanted,
) -> Result<(ComOutcome, Vec<CaseDetail>), ComProblem> {
    let (margins, erl) = rayon::join(
        || margins(parameters, channels, wanted),
        || {
            let erl = parameters.erl.as_ref()?;
            Some(response::erl::evaluate(&channels.victim, &ErlSetting::of(parameters), erl))
        },
    );
    let (mut outcome, details) = margins?;
    if let Some(erl) = erl.transpose()? {
        outcome.erl_db = Some(erl.erl_db);
        outcome.pass &= parameters.limits.erl_db.is_none_or(|limit| erl.erl_db >= limit);
    }
    Ok((outcome, details))
}

fn margins(
    parameters: &ComParameters,
    channels: &ChannelSet,
    wanted: Wanted,
) -> Result<(ComOutcome, Vec<CaseDetail>), ComProblem> {
    if parameters.erl.as_ref().is_some_and(|erl| erl.only) {
        return Ok((worst_of(Vec::new(), &parameters.limits), Vec::new()));
    }
    if let Some(ffe) = &parameters.rx_ffe {
        // What is behind an Annex 178A receiver's margin is made by its own functions.
        return mmse::evaluate(parameters, ffe, channels).map(|outcome| (outcome, Vec::new()));
    }
    if parameters.ends.cases.is_empty() {
        return Err(ComProblem::Parameter {
            row: "z_p select".into(),
            what: "expected one or more package cases".into(),
        });
    }
    let cases = parameters
        .ends
        .cases
        .par_iter()
        .map(|case| {
            let prepared = Prepared::new(parameters, channels, case)?;
            let nothing = || ComProblem::NoSetting {
                case: case.name.clone(),
                what: "no setting of the grid gives a pulse that crosses one hundredth of its peak where it can be sampled".into(),
            };
            let found = search::best_setting(&prepared).ok_or_else(nothing)?;
            let concluded = conclude(&prepared, &found.best).ok_or_else(nothing)?;
            let outcome = case_outcome(&prepared, &found, &concluded);
            let map = if wanted.fom_map { search::fom_map(&prepared) } else { Vec::new() };
            let detail = wanted.detail.then(|| detail(&prepared, &outcome, &concluded, &map));
            Ok((outcome, detail))
        })
        .collect::<Result<Vec<(CaseOutcome, Option<CaseDetail>)>, ComProblem>>()?;
    let (cases, details): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    Ok((worst_of(cases, &parameters.limits), details.into_iter().flatten().collect()))
}

/// The worst of all cases against the sheet's limits. Without cases, as for sheets that ask for return loss alone, the
/// margin is infinite and says nothing.
pub fn worst_of(cases: Vec<CaseOutcome>, limits: &Limits) -> ComOutcome {
    let com_db = cases.iter().map(|c| c.com_db).fold(f64::INFINITY, f64::min);
    let pass = cases.iter().all(|c| {
        limits.com_db.is_none_or(|l| c.com_db >= l)
            // The script's VEC of a closed eye is a large number below zero: a closed eye never passes.
            && limits.vec_db.is_none_or(|l| c.vec_db <= l && c.eh_mv > 0.0)
            && limits.eye_height_mv.is_none_or(|l| c.eh_mv >= l)
    });
    ComOutcome { com_db, pass, erl_db: None, cases }
}

/// The result of a case in the units of the outcome.
pub fn case_outcome(prepared: &Prepared, found: &Found, concluded: &Concluded) -> CaseOutcome {
    let best = &found.best;
    let gains = &prepared.ctle_grid[best.ctle].2;
    let terms = &concluded.point.terms;
    let mv = |v: f64| v * 1e3;
    CaseOutcome {
        case: prepared.case.name.clone(),
        com_db: concluded.com_db,
        com_by_symbol_db: None,
        fom_db: concluded.point.fom_db,
        vec_db: concluded.vec_db,
        eh_mv: mv(concluded.eye_height),
        a_s_mv: mv(concluded.a_s),
        a_ni_mv: mv(concluded.a_ni),
        sigma_mv: Sigmas {
            tx: mv(terms.tx),
            n: mv(terms.n),
            isi: mv(concluded.distributions.interference.sigma_v()),
            j: mv(terms.j),
            rj: mv(terms.rj),
            xt: mv(concluded.distributions.crosstalk.sigma_v()),
            q: 0.0,
        },
        g_dc_db: gains.stage.gain_db,
        g_dc2_db: gains.low.map(|l| l.gain_db),
        tx_taps: prepared.tx_grid.setting(best.tx).to_vec(),
        tx_cursor: prepared.tx_grid.cursor,
        dfe_taps: concluded.taps.clone(),
        floating_taps: concluded.floating.clone(),
        rx_taps: Vec::new(),
        phase: concluded.point.phase,
        sample: concluded.point.sample,
        points_searched: prepared.points(),
        points_evaluated: found.evaluated,
        seconds: 0.0,
    }
}
