//! The result as a person reads it: verdict, noise terms, equaliser.

use std::fmt::Write as _;

use lanewright_link::com::outcome::{CaseOutcome, ComOutcome};
use lanewright_link::com::parameters::{ComParameters, Limits};

use super::Evaluated;

/// Draws the result of one channel set.
pub fn draw(evaluated: &Evaluated, parameters: &ComParameters) -> String {
    let ComOutcome { cases, pass, .. } = &evaluated.outcome;
    let mut out = format!("{}\n  by {}", evaluated.name, parameters.name);
    let (fext, next) = evaluated.aggressors;
    let _ = write!(out, "; {fext} far-end and {next} near-end aggressors");
    if let Some(loss) = evaluated.loss_db {
        let _ = write!(out, "; {loss:.2} dB at {:.3} GHz", parameters.signal.baud_hz / 2e9);
    }
    out.push_str("\n\n");
    let _ =
        writeln!(out, "{}  {}", if *pass { "PASS" } else { "FAIL" }, verdict(&evaluated.outcome, &parameters.limits));
    let _ = writeln!(out, "      {:.2} s, {} settings of the grid", evaluated.seconds, searched(cases));
    for case in cases {
        out.push('\n');
        self::case(&mut out, case, parameters);
    }
    out
}

fn searched(cases: &[CaseOutcome]) -> String {
    let total: u64 = cases.iter().map(|case| case.points_searched).sum();
    let worked: u64 = cases.iter().map(|case| case.points_evaluated).sum();
    if worked < total {
        format!("{total} ({worked} worked out in full, the others ruled out)")
    } else {
        total.to_string()
    }
}

/// Every measure with its limit.
fn verdict(outcome: &ComOutcome, limits: &Limits) -> String {
    let mut parts = Vec::new();
    let mut part = |name: &str, value: f64, unit: &str, limit: Option<f64>, low: bool| {
        let limit = limit.map_or_else(String::new, |limit| {
            let kept = if low { value >= limit } else { value <= limit };
            format!(" (limit {limit} {unit}{})", if kept { "" } else { ", broken" })
        });
        parts.push(format!("{name} {value:.3} {unit}{limit}"));
    };
    part("COM", outcome.com_db, "dB", limits.com_db, true);
    let worst =
        |value: fn(&CaseOutcome) -> f64, pick: fn(f64, f64) -> f64| outcome.cases.iter().map(value).reduce(pick);
    if limits.vec_db.is_some()
        && let Some(vec) = worst(|case| case.vec_db, f64::max)
    {
        part("VEC", vec, "dB", limits.vec_db, false);
    }
    if limits.eye_height_mv.is_some()
        && let Some(height) = worst(|case| case.eh_mv, f64::min)
    {
        part("EH", height, "mV", limits.eye_height_mv, true);
    }
    if let Some(erl) = outcome.erl_db {
        part("ERL", erl, "dB", limits.erl_db, true);
    }
    parts.join("   ")
}

fn case(out: &mut String, case: &CaseOutcome, parameters: &ComParameters) {
    let _ = writeln!(
        out,
        "case {}: COM {:.3} dB   FOM {:.3} dB   VEC {:.3} dB   EH {:.3} mV",
        case.case, case.com_db, case.fom_db, case.vec_db, case.eh_mv
    );
    let _ = writeln!(out, "  signal A_s {:>17.3} mV", case.a_s_mv);
    let _ = writeln!(
        out,
        "  noise A_ni {:>17.3} mV  at an error ratio of {:e}",
        case.a_ni_mv, parameters.signal.detector_error_ratio
    );
    let sigma = &case.sigma_mv;
    let terms = [
        ("transmitter", sigma.tx),
        ("receiver", sigma.n),
        ("intersymbol", sigma.isi),
        ("jitter", sigma.j),
        ("crosstalk", sigma.xt),
        ("quantiser", sigma.q),
    ];
    let total: f64 = terms.iter().map(|(_, term)| term * term).sum();
    let _ = writeln!(out, "  {:<22} {:>9}  {:>9}  {:>7}", "standard deviation of", "mV", "dB to A_s", "share");
    for (name, term) in terms {
        if term <= 0.0 {
            continue;
        }
        let share = if total > 0.0 { 100.0 * term * term / total } else { 0.0 };
        let below = 20.0 * (term / case.a_s_mv).log10();
        let _ = writeln!(out, "    {name:<20} {term:>9.4}  {below:>9.2}  {share:>5.1} %");
    }
    let second = case.g_dc2_db.map_or_else(String::new, |gain| format!(", g_DC_HP {gain} dB"));
    let _ = writeln!(out, "  equaliser: g_DC {} dB{second}, sampled at {}", case.g_dc_db, case.sample);
    let _ = writeln!(out, "    transmit taps  {}  (cursor is number {})", list(&case.tx_taps), case.tx_cursor + 1);
    if !case.rx_taps.is_empty() {
        let _ = writeln!(out, "    receive taps   {}", list(&case.rx_taps));
    }
    if !case.dfe_taps.is_empty() {
        let _ = writeln!(out, "    feedback taps  {}", list(&case.dfe_taps));
    }
    if !case.floating_taps.is_empty() {
        let places: Vec<String> = case.floating_taps.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "    floating at    {}", places.join(" "));
    }
}

fn list(values: &[f64]) -> String {
    let words = values.iter().map(|value| {
        // Rounded before it is written, so that no tap reads -0.0000.
        let rounded = (value * 1e4).round() / 1e4 + 0.0;
        format!("{rounded}")
    });
    words.collect::<Vec<_>>().join(" ")
}
