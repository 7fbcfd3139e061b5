//! Latency and age of every chain: distribution, percentiles with their bands, bounds and limits.

use lanewright_workload::pipeline::outcome::Outcome;
use lanewright_workload::pipeline::simulate::ChainRun;

use super::{COLOURS, between, ms};
use crate::number;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::{Escaped, Name};
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Points of a distribution's curve.
const POINTS: usize = 400;

/// Chains in one chart: as many as colours can be told apart.
const SHOWN: usize = 6;

/// Writes the section.
pub fn write(seen: &Outcome, page: &mut Page) {
    if seen.chains.is_empty() {
        return;
    }
    page.section("latency", "Latency and age", |out| {
        put!(out, "<div class=\"charts\">");
        chart(seen, out, "Share of frames that reach the sink within a time", |run| &run.latencies);
        chart(seen, out, "Age of what the sink works with, just before something newer comes", |run| &run.ages);
        put!(out, "</div>");
        rows(seen, out);
    });
}

/// Steps of a distribution, thinned: milliseconds and percent.
fn steps(sorted: &[f64]) -> Vec<(f64, f64)> {
    let count = sorted.len();
    let group = count.div_ceil(POINTS).max(1);
    let mut points = Vec::new();
    let mut before = 0.0;
    for end in (group..=count).step_by(group).chain((!count.is_multiple_of(group)).then_some(count)) {
        let share = 100.0 * end as f64 / count as f64;
        points.extend([(sorted[end - 1] * 1e3, before), (sorted[end - 1] * 1e3, share)]);
        before = share;
    }
    points
}

fn chart(seen: &Outcome, out: &mut String, title: &str, samples: impl Fn(&ChainRun) -> &Vec<f64>) {
    let chains: Vec<_> =
        seen.chains.iter().zip(&seen.run.chains).filter(|(_, run)| !samples(run).is_empty()).take(SHOWN).collect();
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for (_, run) in &chains {
        low = low.min(samples(run).first().map_or(f64::INFINITY, |first| first * 1e3));
        high = high.max(samples(run).last().map_or(0.0, |last| last * 1e3));
    }
    if chains.is_empty() {
        return;
    }
    let room = (0.05 * (high - low)).max(0.5);
    let axis = Axis::linear((low - room).max(0.0), high + room);
    put!(out, "<figure class=\"panel\"><figcaption>{title}</figcaption>");
    let label = format!("{title}: {} chains, {} to {}", chains.len(), ms(low), ms(high));
    let mut chart = Chart::open(out, (WIDTH, 230.0), (axis, "ms"), (Axis::linear(0.0, 100.0), "% of frames"), &label);
    let mut entries = Vec::new();
    for ((chain, run), colour) in chains.iter().zip(COLOURS) {
        chart.curve(&format!("{colour} thick"), &steps(samples(run)));
        entries.push((colour, Escaped(&chain.id).to_string()));
    }
    chart.close();
    key(out, &entries);
    put!(out, "</figure>");
}

fn rows(seen: &Outcome, out: &mut String) {
    const COLUMNS: &[table::Column] = &[
        table::text("Chain"),
        table::number("Frames"),
        table::number("Median"),
        table::number("p99"),
        table::number("p99, band"),
        table::number("Worst"),
        table::number("Worst, band"),
        table::number("Bound"),
        table::number("Age, mean"),
        table::number("Age, worst"),
        table::number("Limit"),
        table::number("Holds in draws"),
    ];
    let mut rows = Table::open(out, "chains", "Chains", COLUMNS);
    for chain in &seen.chains {
        rows.cell(&Name(&chain.id).to_string());
        rows.value(Some(chain.samples as f64), &number::count(chain.samples));
        rows.value(Some(chain.p50_ms.likely), &ms(chain.p50_ms.likely));
        rows.value(Some(chain.p99_ms.likely), &ms(chain.p99_ms.likely));
        rows.value(None, &between(chain.p99_ms, |value| number::decimals(value, 1)));
        rows.value(Some(chain.worst_ms.likely), &ms(chain.worst_ms.likely));
        rows.value(None, &between(chain.worst_ms, |value| number::decimals(value, 1)));
        rows.value(chain.bound_ms, &chain.bound_ms.map(ms).unwrap_or_default());
        rows.value(Some(chain.age_mean_ms.likely), &ms(chain.age_mean_ms.likely));
        rows.value(Some(chain.age_worst_ms.likely), &ms(chain.age_worst_ms.likely));
        rows.value(chain.limit_ms, &chain.limit_ms.map(ms).unwrap_or_default());
        let held = chain.holds_in.map(|share| number::Measure::Share.show(share));
        rows.value(chain.holds_in, &held.unwrap_or_default());
    }
    rows.close();
    put!(
        out,
        "<p class=\"note\">Latency runs from the middle of the exposure of the first row to the end of the stage, or to light at the middle of the display. \
         The bound is what no run with likely figures can exceed; chains in which more comes than is done have none.</p>"
    );
}
