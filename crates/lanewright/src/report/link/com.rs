//! The report of `link com`: from an evaluation's outcome to what is drawn.

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::outcome::{CaseOutcome, ComOutcome};
use lanewright_link::com::parameters::ComParameters;
use lanewright_link::eye::case::CaseDetail;
use lanewright_link::eye::next_step::StepGain;

use super::maps::Map;
use super::view::{CaseView, Headline, LinkReport, ParameterRow};
use crate::number;

/// An evaluation with everything that its report needs.
pub struct ComReportInput<'a> {
    /// Title: usually the victim's file.
    pub title: &'a str,
    /// Parameters.
    pub parameters: &'a ComParameters,
    /// Channels.
    pub channels: &'a ChannelSet,
    /// Outcome.
    pub outcome: &'a ComOutcome,
    /// One per case, in the outcome's order.
    pub details: &'a [CaseDetail],
    /// Gains of next steps per case, in the same order; may be empty.
    pub steps: &'a [Vec<StepGain>],
    /// Every row of the sheet with its value and source.
    pub rows: &'a [ParameterRow],
    /// Warnings.
    pub warnings: &'a [String],
    /// Command that made the report.
    pub command: &'a str,
}

fn taps(values: &[f64]) -> String {
    values.iter().map(|v| number::decimals(*v, 4)).collect::<Vec<_>>().join("  ")
}

/// The report as HTML.
pub fn html(input: &ComReportInput<'_>) -> String {
    super::page(&report(input, "Channel operating margin"))
}

/// What is drawn; `kind` stands above the title.
pub fn report<'a>(input: &ComReportInput<'a>, kind: &'a str) -> LinkReport<'a> {
    let outcome = input.outcome;
    let limits = &input.parameters.limits;
    let signal = &input.parameters.signal;
    let mut order: Vec<usize> = (0..input.details.len().min(outcome.cases.len())).collect();
    order.sort_by(|a, b| outcome.cases[*a].com_db.total_cmp(&outcome.cases[*b].com_db));
    let worst = order.first().map(|at| &outcome.cases[*at]);
    let verdict = if outcome.pass { ("good", "Passes".to_string()) } else { ("bad", "Fails a limit".to_string()) };
    let judged = |good: bool| if good { "good" } else { "bad" };
    let figure = |name: &str, value: f64, unit: &str, limit: Option<f64>, least: bool| {
        let (class, note) = match limit {
            Some(limit) => (
                judged(if least { value >= limit } else { value <= limit }),
                format!("limit {} {unit}", number::plain(limit)),
            ),
            None => ("", String::new()),
        };
        Headline { name: name.into(), value: format!("{} {unit}", number::decimals(value, 2)), note, class }
    };
    let mut headlines = vec![figure("COM, worst case", outcome.com_db, "dB", limits.com_db, true)];
    if let Some(erl) = outcome.erl_db {
        headlines.push(figure("Effective return loss", erl, "dB", limits.erl_db, true));
    }
    if let Some(worst) = worst {
        headlines.push(figure("Vertical eye closure", worst.vec_db, "dB", limits.vec_db, false));
        headlines.push(figure("Eye height", worst.eh_mv, "mV", limits.eye_height_mv, true));
        let height = |o: &&lanewright_link::eye::Opening| o.width_ui;
        let narrowest = order
            .first()
            .and_then(|at| input.details[*at].openings.iter().min_by(|a, b| height(a).total_cmp(&height(b))));
        if let Some(opening) = narrowest {
            headlines.push(Headline {
                name: "Eye width".into(),
                value: format!("{} UI", number::decimals(opening.width_ui, 3)),
                note: format!("smallest, at {}", super::ratio(signal.detector_error_ratio)),
                class: "",
            });
        }
        headlines.push(figure("Figure of merit", worst.fom_db, "dB", None, true));
    }
    let cases = order.iter().map(|at| {
        let steps = input.steps.get(*at).map_or(&[][..], Vec::as_slice);
        case_view(&input.details[*at], &outcome.cases[*at], steps)
    });
    LinkReport {
        kind,
        title: input.title.to_string(),
        lead: format!(
            "{}: {} GBd {}, detector error ratio {}",
            input.parameters.name,
            number::plain(signal.baud_hz / 1e9),
            if signal.levels == 2 { "NRZ" } else { "PAM4" },
            super::ratio(signal.detector_error_ratio)
        ),
        verdict,
        headlines,
        channels: Some(input.channels),
        nyquist_hz: 0.5 * signal.baud_hz,
        loss: None,
        cases: cases.collect(),
        parameters: input.rows.to_vec(),
        warnings: input.warnings.to_vec(),
        command: input.command.to_string(),
    }
}

fn case_view<'a>(detail: &'a CaseDetail, outcome: &CaseOutcome, steps: &'a [StepGain]) -> CaseView<'a> {
    let mut settings = vec![
        ("g_DC".to_string(), format!("{} dB", number::plain(outcome.g_dc_db).replace('-', "−"))),
        (
            "Transmit taps".to_string(),
            format!("{}  (cursor is number {})", taps(&outcome.tx_taps), outcome.tx_cursor + 1),
        ),
    ];
    if let Some(db) = outcome.g_dc2_db {
        settings.insert(1, ("g_DC_HP".into(), format!("{} dB", number::decimals(db, 1))));
    }
    let fixed = outcome.dfe_taps.iter().rposition(|b| *b != 0.0).map_or(0, |last| last + 1);
    if fixed > 0 {
        settings.push(("Feedback taps".into(), taps(&outcome.dfe_taps[..fixed])));
    }
    if !outcome.floating_taps.is_empty() {
        let list: Vec<String> = outcome.floating_taps.iter().map(ToString::to_string).collect();
        settings.push(("Floating taps at".into(), format!("{} UI", list.join(", "))));
    }
    if !outcome.rx_taps.is_empty() {
        settings.push(("Receive taps".into(), taps(&outcome.rx_taps)));
    }
    settings.push((
        "Sampling instant".into(),
        format!("sample {}, {} from the first guess", outcome.sample, outcome.phase),
    ));
    settings.push((
        "Settings".into(),
        format!(
            "{} in the grid, {} worked out in full",
            number::count(outcome.points_searched),
            number::count(outcome.points_evaluated)
        ),
    ));
    let sigma = &outcome.sigma_mv;
    for (name, value) in [
        ("sigma_TX", sigma.tx),
        ("sigma_N", sigma.n),
        ("sigma_ISI", sigma.isi),
        ("sigma_J", sigma.j),
        ("sigma_RJ", sigma.rj),
        ("sigma_XT", sigma.xt),
        ("sigma_Q", sigma.q),
    ] {
        if value > 0.0 {
            settings.push((name.into(), format!("{} mV", number::decimals(value, 4))));
        }
    }
    let note = format!(
        "COM of this case is {} dB with A_ni {} mV. The eye takes jitter as a movement of the sampling instant, where COM takes \
         it as noise in proportion to the slope: its A_ni at the sampling instant is {} mV, a margin of {} dB.",
        number::decimals(outcome.com_db, 2),
        number::decimals(outcome.a_ni_mv, 3),
        number::decimals(detail.costs.interference_mv, 3),
        number::decimals(detail.costs.margin_db, 2)
    );
    CaseView {
        name: format!("Package case {}: COM {} dB", detail.case, number::decimals(outcome.com_db, 2)),
        raw_pulse: &detail.raw_pulse,
        input: &detail.input,
        eye: &detail.eye,
        openings: &detail.openings,
        costs: &detail.costs,
        steps,
        maps: maps(detail, outcome),
        settings,
        notes: vec![note],
    }
}

/// Names of sorted, distinct values.
fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut list: Vec<f64> = values.collect();
    list.sort_by(f64::total_cmp);
    list.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    list
}

fn maps(detail: &CaseDetail, outcome: &CaseOutcome) -> Vec<Map> {
    let mut maps = Vec::new();
    let names = |values: &[f64]| values.iter().map(|v| number::plain(*v).replace('-', "−")).collect::<Vec<_>>();
    let find = |list: &[f64], value: f64| list.iter().position(|v| (v - value).abs() < 1e-9);
    if detail.gains.len() > 1 {
        let columns = distinct(detail.gains.iter().map(|p| p.g_dc_db));
        let rows = distinct(detail.gains.iter().map(|p| p.g_dc2_db.unwrap_or(0.0)));
        let mut values = vec![vec![None; columns.len()]; rows.len()];
        for point in &detail.gains {
            if let (Some(c), Some(r)) = (find(&columns, point.g_dc_db), find(&rows, point.g_dc2_db.unwrap_or(0.0))) {
                values[r][c] = point.fom_db;
            }
        }
        maps.push(Map {
            title: "Figure of merit in dB at the chosen transmit taps".into(),
            across: "g_DC in dB".into(),
            down: "g_DC_HP".into(),
            chosen: find(&rows, outcome.g_dc2_db.unwrap_or(0.0)).zip(find(&columns, outcome.g_dc_db)),
            columns: names(&columns),
            rows: names(&rows),
            values,
        });
    }
    if detail.taps.len() > 1 {
        let columns = distinct(detail.taps.iter().map(|p| p.before));
        let rows = distinct(detail.taps.iter().map(|p| p.after));
        let mut values = vec![vec![None; columns.len()]; rows.len()];
        for point in &detail.taps {
            if let (Some(c), Some(r)) = (find(&columns, point.before), find(&rows, point.after)) {
                values[r][c] = point.fom_db;
            }
        }
        let at = outcome.tx_cursor;
        let chosen = |index: Option<usize>| index.and_then(|i| outcome.tx_taps.get(i)).copied().unwrap_or(f64::NAN);
        maps.push(Map {
            title: "Figure of merit in dB over the transmit taps at the chosen gains".into(),
            across: "c(−1)".into(),
            down: "c(1)".into(),
            chosen: find(&rows, chosen(Some(at + 1))).zip(find(&columns, chosen(at.checked_sub(1)))),
            columns: names(&columns),
            rows: names(&rows),
            values,
        });
    }
    maps
}
