//! Waterfalls: from the signal to what is left of it, and from a margin to what each term costs of it; loss budgets.

use lanewright_link::eye::CostBreakdown;
use lanewright_link::eye::next_step::StepGain;
use lanewright_link::eye::receiver::LossVerdict;

use crate::number;
use crate::report::escape::Escaped;
use crate::report::table::{self, Table};
use crate::report::text;

const WIDTH: f64 = 420.0;
const LEFT: f64 = 128.0;
const RIGHT: f64 = 356.0;
const ROW: f64 = 18.0;
const TOP: f64 = 6.0;

/// A row of a waterfall: from one value to another.
struct Fall {
    name: String,
    from: f64,
    to: f64,
    words: String,
    class: &'static str,
}

fn draw(title: &str, falls: &[Fall], label: &str, out: &mut String) {
    let values = || falls.iter().flat_map(|f| [f.from, f.to]).filter(|v| v.is_finite());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let at = |v: f64| LEFT + (if v.is_finite() { v } else { low } - low) / (high - low).max(1e-12) * (RIGHT - LEFT);
    let height = TOP * 2.0 + ROW * falls.len() as f64;
    put!(
        out,
        "<figure class=\"panel\"><figcaption>{title}</figcaption><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height:.1}\" role=\"img\" aria-label=\"{label}\">"
    );
    put!(out, "<path class=\"grid\" d=\"M{0:.1} {TOP}V{1:.1}\"/>", at(0.0), height - TOP);
    for (i, fall) in falls.iter().enumerate() {
        let y = TOP + ROW * i as f64;
        let (a, b) = (at(fall.from.min(fall.to)), at(fall.from.max(fall.to)));
        put!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"fallen {}\" x=\"{a:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            LEFT - 6.0,
            y + 12.5,
            text::fit(&fall.name, 10.5, LEFT - 8.0),
            fall.class,
            y + 3.0,
            (b - a).max(1.0),
            ROW - 6.0
        );
        put!(out, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", b + 5.0, y + 12.5, fall.words);
        if i + 1 < falls.len() {
            put!(out, "<path class=\"step\" d=\"M{0:.1} {1:.1}v{2:.1}\"/>", at(fall.to), y + ROW - 3.0, 6.0);
        }
    }
    put!(out, "</svg></figure>");
}

/// Waterfalls of a case, in mV and in dB.
pub fn waterfalls(costs: &CostBreakdown, out: &mut String) {
    let mv = |v: f64| format!("{} mV", number::decimals(v, 2));
    let mut falls = vec![Fall {
        name: "signal A_s".into(),
        from: 0.0,
        to: costs.signal_mv,
        words: mv(costs.signal_mv),
        class: "whole",
    }];
    let mut left = costs.signal_mv;
    for term in costs.terms.iter().filter(|t| t.share_mv.abs() > 1e-6) {
        let next = left - term.share_mv;
        falls.push(Fall {
            name: term.term.name().into(),
            from: left,
            to: next,
            words: mv(-term.share_mv),
            class: "lost",
        });
        left = next;
    }
    let class = if left > 0.0 { "kept" } else { "gone" };
    falls.push(Fall { name: "half of the eye".into(), from: 0.0, to: left, words: mv(left), class });
    draw("Amplitude", &falls, &format!("From a signal of {} to half an eye of {}", mv(costs.signal_mv), mv(left)), out);
    let Some(floor) = costs.floor.filter(|_| costs.margin_db.is_finite()) else { return };
    let db = |v: f64| format!("{} dB", number::decimals(v, 2));
    let mut falls = vec![Fall {
        name: format!("{} alone", floor.name()),
        from: 0.0,
        to: costs.floor_margin_db,
        words: db(costs.floor_margin_db),
        class: "whole",
    }];
    let mut left = costs.floor_margin_db;
    for term in costs.terms.iter().filter(|t| t.term != floor) {
        let next = left - term.share_db;
        falls.push(Fall {
            name: term.term.name().into(),
            from: left,
            to: next,
            words: db(-term.share_db),
            class: "lost",
        });
        left = next;
    }
    let class = if costs.margin_db > 0.0 { "kept" } else { "gone" };
    falls.push(Fall { name: "margin".into(), from: 0.0, to: costs.margin_db, words: db(costs.margin_db), class });
    draw("Margin 20 log10 (A_s / A_ni)", &falls, &format!("Margin of {}", db(costs.margin_db)), out);
}

/// Costs and gains as tables.
pub fn tables(costs: &CostBreakdown, steps: &[StepGain], at: usize, out: &mut String) {
    const TERMS: &[table::Column] = &[
        table::text("Term"),
        table::number("Share, mV"),
        table::number("Share, dB"),
        table::number("Gain if gone, dB"),
        table::number("A_ni of it alone, mV"),
    ];
    let mut rows = Table::open(out, &format!("terms-{at}"), "What each term costs", TERMS);
    for term in &costs.terms {
        let value = |v: f64, places: usize| number::decimals(v, places);
        rows.cell(term.term.name());
        rows.value(Some(term.share_mv), &value(term.share_mv, 3));
        let is_floor = costs.floor == Some(term.term);
        rows.value(
            (!is_floor).then_some(term.share_db),
            &if is_floor { "floor".into() } else { value(term.share_db, 2) },
        );
        rows.value(Some(term.alone_db), &value(term.alone_db, 2));
        rows.value(Some(term.only_mv), &value(term.only_mv, 3));
    }
    rows.close();
    if steps.is_empty() {
        return;
    }
    put!(out, "<h3>What the next step would gain</h3>");
    const STEPS: &[table::Column] =
        &[table::text("Step"), table::number("Margin, dB"), table::number("Eye height, mV")];
    let mut rows = Table::open(out, &format!("steps-{at}"), "What the next step would gain", STEPS);
    for step in steps {
        let signed = |v: f64, places: usize| {
            let text = number::decimals(v, places);
            if v > 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') { format!("+{text}") } else { text }
        };
        rows.cell(&Escaped(&step.step.replace('-', "−")).to_string());
        rows.value(Some(step.margin_db), &signed(step.margin_db, 2));
        rows.value(Some(step.height_mv), &signed(step.height_mv, 2));
    }
    rows.close();
}

/// Loss from pad to pad against its budget, and how the budget is split.
pub fn loss(loss: &LossVerdict, out: &mut String) {
    let db = |v: f64| format!("{} dB", number::decimals(v, 1));
    let mut falls = Vec::new();
    let mut sum = 0.0;
    for (name, part, between_pins) in &loss.pieces {
        let class = if *between_pins { "part" } else { "package" };
        falls.push(Fall { name: name.clone(), from: sum, to: sum + part, words: db(*part), class });
        sum += part;
    }
    falls.push(Fall {
        name: "budget".into(),
        from: 0.0,
        to: loss.budget_db,
        words: db(loss.budget_db),
        class: "whole",
    });
    let class = if loss.margin_db >= 0.0 { "kept" } else { "gone" };
    falls.push(Fall { name: "pad to pad".into(), from: 0.0, to: loss.pads_db, words: db(loss.pads_db), class });
    draw(
        &format!("Loss at {} GHz: {} left", number::figures(loss.nyquist_hz / 1e9, 6), db(loss.margin_db)),
        &falls,
        &format!("Loss of {} against a budget of {}", db(loss.pads_db), db(loss.budget_db)),
        out,
    );
}
