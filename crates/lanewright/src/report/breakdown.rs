//! Where power, money and failures go: bars by kind of part, racks against their feeds.

use lanewright_model::catalogue::part::Kind;
use lanewright_plan::plan::Total;

use super::bar::{self, Row, Spread};
use super::escape::Name;
use super::page::Page;
use super::survey::{Family, Survey};
use super::words;
use crate::number::Measure;

/// Rack groups shown before the rest is folded away.
const OPEN_RACKS: usize = 16;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    page.section("breakdown", "Power, cost and failures", |out| {
        let plan = survey.plan();
        put!(out, "<div class=\"columns\">");
        by_kind("Power", &plan.power.by_kind, plan.power.equipment, Measure::Watts, out);
        by_kind("Purchase", &plan.cost.capex_by_kind, plan.cost.capex, Measure::Usd, out);
        by_kind(
            "Random failures",
            &plan.reliability.by_kind,
            plan.reliability.failures_per_year,
            Measure::PerYear,
            out,
        );
        running(survey, out);
        link_power(survey, out);
        put!(out, "</div>");
        racks(survey, out);
        missing("Without a price, so not in the sums", &plan.cost.unpriced, out);
        missing("Without a failure rate, so not in the sums", &plan.reliability.unrated, out);
    });
}

fn by_kind(title: &str, kinds: &[(Kind, Total)], sum: Total, measure: Measure, out: &mut String) {
    let mut rows: Vec<_> = kinds.iter().filter(|(_, total)| total.high > 0.0).collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by(|a, b| b.1.likely.total_cmp(&a.1.likely).then(a.0.cmp(&b.0)));
    put!(
        out,
        "<figure class=\"panel\"><figcaption>{title} by kind <span class=\"sum\">{}</span></figcaption>",
        measure.show(sum.likely)
    );
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|(kind, total)| Row {
            label: words::kind(*kind).to_string(),
            spread: Spread::from(*total),
            limit: None,
            note: if sum.likely > 0.0 { Measure::Share.show(total.likely / sum.likely) } else { String::new() },
            class: Family::of_kind(*kind).class(),
        })
        .collect();
    bar::rows(out, &rows, measure);
    put!(out, "</figure>");
}

fn running(survey: &Survey<'_>, out: &mut String) {
    let cost = &survey.plan().cost;
    let lines = [
        ("energy", cost.energy_per_year),
        ("repairs", cost.repair_per_year),
        ("worn-out parts", cost.wearout_per_year),
        ("domains out of service", cost.outage_per_year),
    ];
    let rows: Vec<Row> = lines
        .into_iter()
        .filter(|(_, total)| total.high > 0.0)
        .map(|(label, total)| Row {
            label: label.into(),
            spread: total.into(),
            limit: None,
            note: String::new(),
            class: "plain",
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    put!(
        out,
        "<figure class=\"panel\"><figcaption>Running cost <span class=\"sum\">{}</span></figcaption>",
        Measure::UsdPerYear.show(cost.opex_per_year.likely)
    );
    bar::rows(out, &rows, Measure::UsdPerYear);
    put!(
        out,
        "<p class=\"note\">Over {} of life, purchase and running: <b>{}</b> <span class=\"range\">{}</span></p></figure>",
        Measure::Years.show(survey.system.site.life.0),
        Measure::Usd.show(cost.life.likely),
        Spread::from(cost.life).range(Measure::Usd)
    );
}

fn link_power(survey: &Survey<'_>, out: &mut String) {
    let by_domain = &survey.plan().power.links_by_domain;
    let rows: Vec<Row> = survey
        .system
        .domains
        .iter()
        .zip(by_domain)
        .filter(|(_, total)| total.high > 0.0)
        .map(|(domain, total)| Row {
            label: Name(&domain.name).to_string(),
            spread: (*total).into(),
            limit: None,
            note: String::new(),
            class: "f-cable",
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    put!(out, "<figure class=\"panel\"><figcaption>Power of links by domain</figcaption>");
    bar::rows(out, &rows, Measure::Watts);
    put!(out, "</figure>");
}

/// Power of racks against their feeds: racks that look the same make one bar, the highest of them.
fn racks(survey: &Survey<'_>, out: &mut String) {
    let power = &survey.plan().power;
    let mut rows: Vec<Row> = Vec::new();
    for group in &survey.racks {
        let of_group: Vec<_> =
            power.racks.iter().filter(|rack| group.racks.binary_search(&rack.rack).is_ok()).collect();
        let Some(worst) = of_group.iter().max_by(|a, b| a.power.high.total_cmp(&b.power.high)) else { continue };
        let least = of_group.iter().map(|rack| rack.power.likely).fold(f64::INFINITY, f64::min);
        let mut note = match worst.feed_w {
            Some(feed) => format!("of {}", Measure::Watts.show(feed)),
            None => String::new(),
        };
        if worst.power.likely - least > 0.005 * worst.power.likely {
            note += &format!(" · from {}", Measure::Watts.show(least));
        }
        let over = |value: f64| worst.feed_w.is_some_and(|feed| value > feed);
        let class = if over(worst.power.likely) {
            "bad"
        } else if over(worst.power.high) {
            "risk"
        } else {
            "plain"
        };
        rows.push(Row {
            label: super::racks::group_name(survey, group),
            spread: worst.power.into(),
            limit: worst.feed_w,
            note,
            class,
        });
    }
    if power.unplaced.high > 0.0 && !rows.is_empty() {
        rows.push(Row {
            label: "in no rack".into(),
            spread: power.unplaced.into(),
            limit: None,
            note: String::new(),
            class: "plain",
        });
    }
    if rows.is_empty() {
        return;
    }
    put!(
        out,
        "<figure class=\"panel wide-labels\"><figcaption>Power of racks against their feeds <span class=\"sum\">line: feed</span></figcaption>"
    );
    let (open, folded) = rows.split_at(rows.len().min(OPEN_RACKS));
    bar::rows(out, open, Measure::Watts);
    if !folded.is_empty() {
        put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "group of rack"));
        bar::rows(out, folded, Measure::Watts);
        put!(out, "</details>");
    }
    put!(out, "</figure>");
}

fn missing(title: &str, parts: &[(String, f64)], out: &mut String) {
    if parts.is_empty() {
        return;
    }
    put!(
        out,
        "<details class=\"missing\"><summary>{title}: {}</summary><ul class=\"inline\">",
        words::plural(parts.len() as u64, "part")
    );
    for (id, count) in parts {
        put!(out, "<li><code>{}</code> × {}</li>", Name(id), Measure::Count.show(*count));
    }
    put!(out, "</ul></details>");
}
