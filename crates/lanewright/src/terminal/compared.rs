//! Variants side by side.

use lanewright_plan::compare::{Comparison, Variant};
use lanewright_plan::plan::Total;

use super::table;
use crate::number::{Measure, count};

/// Draws a comparison: one column for each variant.
pub fn draw(comparison: &Comparison) -> String {
    let variants = &comparison.variants;
    let mut heads = vec![String::new()];
    heads.extend(variants.iter().map(|v| format!(">{}", v.name)));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let money = |name: &str, pick: fn(&Variant) -> &Total| row(name, variants, |v| band(Measure::Usd, pick(v)));
    let years = variants.first().map_or(0.0, |v| v.life_years);
    let mut rows = vec![
        money("purchase", |v| &v.capex),
        money("energy over life", |v| &v.energy),
        money("repairs over life", |v| &v.repair),
        money("worn parts over life", |v| &v.wearout),
        money("outages over life", |v| &v.outage),
        money("all over life", |v| &v.life),
        row("rests on estimates", variants, |v| format!("{:.0} %", v.life.weak_share * 100.0)),
        row("against the first", variants, |v| signed(v.life_delta)),
        row("purchase against the first", variants, |v| signed(v.capex_delta)),
        row("life cost per accelerator", variants, |v| {
            v.life_per_accelerator.map_or_else(|| "-".into(), |usd| Measure::Usd.show(usd))
        }),
        row("accelerators", variants, |v| count(v.accelerators)),
        row("power", variants, |v| band(Measure::Watts, &v.power_w)),
        row("failures a year", variants, |v| band(Measure::PerYear, &v.failures_per_year)),
    ];
    if variants.iter().any(|v| v.unpriced > 0) {
        rows.push(row("parts without a price", variants, |v| v.unpriced.to_string()));
    }
    if variants.iter().any(|v| v.open_links > 0) {
        rows.push(row("links that nothing closes", variants, |v| count(v.open_links)));
    }
    let mut out = table(&format!("TOTAL COST OF OWNERSHIP over {years} years"), &heads, rows);
    for (title, measure, kinds) in [
        ("PURCHASE BY FAMILY", Measure::Usd, &comparison.capex_by_kind),
        ("POWER BY FAMILY", Measure::Watts, &comparison.power_by_kind),
    ] {
        let rows = kinds
            .iter()
            .map(|(kind, totals)| {
                let mut cells = vec![kind.to_string()];
                cells.extend(totals.iter().map(|total| measure.show(total.likely)));
                cells
            })
            .collect();
        out.push_str(&table(title, &heads, rows));
    }
    out
}

fn row(name: &str, variants: &[Variant], cell: impl Fn(&Variant) -> String) -> Vec<String> {
    std::iter::once(name.to_string()).chain(variants.iter().map(cell)).collect()
}

fn band(measure: Measure, total: &Total) -> String {
    format!("{} ({})", measure.show(total.likely), measure.range(total.low, total.high))
}

fn signed(usd: f64) -> String {
    if usd > 0.0 { format!("+{}", Measure::Usd.show(usd)) } else { Measure::Usd.show(usd) }
}
