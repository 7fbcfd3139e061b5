//! Budgets from light to light as waterfalls: each part begins where the one before ends, likely and at worst.

use lanewright_workload::pipeline::glass::Budget;
use lanewright_workload::pipeline::outcome::Outcome;

use super::{COLOURS, ms};
use crate::report::escape::{Escaped, Name};
use crate::report::page::Page;
use crate::report::text;

const WIDTH: f64 = 880.0;
const LABEL: f64 = 210.0;
const VALUES: f64 = 150.0;
const ROW: f64 = 21.0;

/// Writes the section, if a chain is held to anything.
pub fn write(seen: &Outcome, page: &mut Page) {
    let held: Vec<&Budget> = seen.budgets.iter().filter(|budget| !budget.checks.is_empty()).collect();
    if held.is_empty() {
        return;
    }
    page.section("budget", "Budget from light to sink", |out| {
        for budget in held {
            waterfall(budget, out);
        }
        put!(
            out,
            "<p class=\"note\">Solid: likely. Pale: at worst, every wait met and the named frames lost; parts that have no bound are left out of the drawing. \
             The likely parts follow the convention of published budgets: half of the exposure, the whole read-out, half of the waits for pictures.</p>"
        );
    });
}

fn waterfall(budget: &Budget, out: &mut String) {
    let finite = |value: f64| if value.is_finite() { value * 1e3 } else { 0.0 };
    let worst: f64 = budget.parts.iter().map(|part| finite(part.seconds.high)).sum();
    // The first number of the words of a check is not its limit: limits are at their end.
    let limit = budget.checks.iter().find(|check| check.what == "latency").and_then(|check| limit_of(&check.words));
    let scale = worst.max(limit.unwrap_or(0.0)).max(1e-3) * 1.02;
    let at = |value: f64| LABEL + value / scale * (WIDTH - LABEL - VALUES);
    let height = ROW * (budget.parts.len() + 1) as f64 + 26.0;
    put!(
        out,
        "<h3>{}</h3><div class=\"scroll\"><svg class=\"fall\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}: {} likely, {} at worst\">",
        Name(&budget.chain),
        Escaped(&budget.chain),
        ms(budget.total.likely * 1e3),
        ms(budget.total.high * 1e3)
    );
    let (mut likely, mut slow) = (0.0, 0.0);
    for (row, part) in budget.parts.iter().enumerate() {
        let y = ROW * row as f64 + 4.0;
        let (mean, most) = (part.seconds.likely * 1e3, finite(part.seconds.high));
        let colour = COLOURS[row % COLOURS.len()];
        put!(
            out,
            "<g class=\"{colour}\"><title>{}: {} to {}, likely {}</title>",
            Escaped(&part.what),
            ms(part.seconds.low * 1e3),
            ms(part.seconds.high * 1e3),
            ms(mean)
        );
        put!(out, "<text x=\"2\" y=\"{:.1}\">{}</text>", y + 12.0, Escaped(&text::fit(&part.what, 12.0, LABEL - 8.0)));
        put!(
            out,
            "<rect class=\"pale\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"5\"/>",
            at(slow),
            y + 10.5,
            (at(slow + most) - at(slow)).max(0.6)
        );
        put!(
            out,
            "<rect class=\"solid\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"9\"/>",
            at(likely),
            y + 1.0,
            (at(likely + mean) - at(likely)).max(0.6)
        );
        put!(
            out,
            "<text class=\"soft\" x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{} · {}</text></g>",
            y + 12.0,
            ms(mean),
            ms(part.seconds.high * 1e3)
        );
        likely += mean;
        slow += most;
    }
    let y = ROW * budget.parts.len() as f64 + 4.0;
    put!(out, "<text class=\"sum\" x=\"0\" y=\"{:.1}\">sum</text>", y + 12.0);
    put!(
        out,
        "<text class=\"sum\" x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{} · {}</text>",
        y + 12.0,
        ms(budget.total.likely * 1e3),
        ms(budget.total.high * 1e3)
    );
    put!(out, "<path class=\"axis\" d=\"M{LABEL} 0V{:.1}\"/>", y + 2.0);
    if let Some(limit) = limit {
        put!(
            out,
            "<path class=\"limit\" d=\"M{0:.1} 0V{1:.1}\"/><text class=\"soft\" x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">at most {3}</text>",
            at(limit),
            y + 2.0,
            y + 14.0,
            ms(limit)
        );
    }
    put!(out, "</svg></div><ul class=\"inline\">");
    for check in &budget.checks {
        let class = if check.holds {
            "good"
        } else if check.holds_likely {
            "risk"
        } else {
            "bad"
        };
        let words = if check.holds {
            "holds"
        } else if check.holds_likely {
            "not at worst"
        } else {
            "does not hold"
        };
        put!(
            out,
            "<li><span class=\"badge {class}\">{words}</span> {}: {}</li>",
            Escaped(&check.what),
            Escaped(&check.words)
        );
    }
    put!(out, "</ul>");
}

/// The limit that a check's words end with, ms.
fn limit_of(words: &str) -> Option<f64> {
    words.rsplit("at most ").next()?.trim_end_matches(" ms").parse().ok()
}
