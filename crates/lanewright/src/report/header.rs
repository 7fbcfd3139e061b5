//! What a meeting needs first: which system, whether its limits hold, and the headline figures.

use lanewright_model::problem::Severity;
use lanewright_plan::plan::Total;
use lanewright_twin::review::LimitStatus;

use super::bar::{self, Spread};
use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::Survey;
use super::words;
use crate::number::{self, Measure};
use lanewright_model::catalogue::part::Medium;

/// Writes the head of the page.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let out = page.top();
    let subject = &survey.review.system;
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Connectivity review</p><h1>{}</h1></div>",
        Name(&subject.name)
    );
    put!(out, "{}</div>", super::page::THEME_BUTTON);
    if let Some(description) = &subject.description {
        put!(out, "<p class=\"lead\">{}</p>", Name(description));
    }
    verdict(survey, out);
    totals(survey, out);
    media(survey, out);
    provenance(survey, out);
    put!(out, "</header>\n");
}

fn verdict(survey: &Survey<'_>, out: &mut String) {
    let limits = &survey.review.limits;
    let number = |status: LimitStatus| limits.iter().filter(|limit| limit.status == status).count() as u64;
    let errors = survey.review.findings.iter().filter(|f| f.severity == Severity::Error).count() as u64;
    let warnings = survey.review.findings.len() as u64 - errors;
    let (broken, risk, unknown) =
        (number(LimitStatus::Broken), number(LimitStatus::AtRisk), number(LimitStatus::Unknown));
    let (class, words) = if broken > 0 {
        ("bad", format!("{} broken", words::plural(broken, "limit")))
    } else if errors > 0 {
        ("bad", words::plural(errors, "error"))
    } else if risk > 0 {
        ("risk", format!("{} at risk", words::plural(risk, "limit")))
    } else if limits.is_empty() {
        ("none", "No limits set".to_string())
    } else if unknown == limits.len() as u64 {
        ("none", "No limit could be computed".to_string())
    } else {
        ("good", format!("{} kept", words::plural(number(LimitStatus::Ok), "limit")))
    };
    put!(out, "<p class=\"verdict {class}\"><b>{words}</b>");
    let mut more = Vec::new();
    if broken > 0 && risk > 0 {
        more.push(format!("{risk} at risk"));
    }
    if unknown > 0 && class != "none" {
        more.push(format!("{unknown} not computed"));
    }
    if errors > 0 && broken > 0 {
        more.push(words::plural(errors, "error"));
    }
    more.push(if warnings == 0 { "no warnings".into() } else { words::plural(warnings, "warning") });
    put!(out, " <span>{}</span> <a href=\"#findings\">Findings and limits</a></p>", more.join(" · "));
}

fn totals(survey: &Survey<'_>, out: &mut String) {
    let totals = &survey.review.totals;
    put!(out, "<dl class=\"totals\">");
    let mut total = |name: &str, total: Total, measure: Measure| {
        let spread = Spread::from(total);
        put!(out, "<div><dt>{name}</dt><dd><b>{}</b>", measure.show(spread.likely));
        let range = spread.range(measure);
        put!(out, "<span class=\"range\">{}</span>", if range.is_empty() { "no band" } else { &range });
        bar::bar(out, spread, spread.high, None, 150.0, 10.0, "plain");
        put!(out, "<span class=\"note\">{} on weak figures</span></dd></div>", Measure::Share.show(spread.weak));
    };
    total("Equipment power", totals.power_w, Measure::Watts);
    total("Site power, with PUE", totals.site_power_w, Measure::Watts);
    total("Purchase", totals.capex_usd, Measure::Usd);
    total("Running", totals.opex_usd_per_year, Measure::UsdPerYear);
    total("Random failures", totals.failures_per_year, Measure::PerYear);
    put!(out, "</dl><ul class=\"counts\">");
    let counts = [
        ("device", totals.devices),
        ("rack", survey.system.racks.len() as u64),
        ("port", totals.ports),
        ("link", totals.links),
        ("lane", totals.lanes),
        ("cable or path", totals.cables),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let words = if name == "cable or path" { "cables and paths".to_string() } else { plural_word(count, name) };
        put!(out, "<li><b>{}</b> {words}</li>", number::count(count));
    }
    put!(out, "</ul>");
}

fn plural_word(count: u64, one: &str) -> String {
    if count == 1 { one.to_string() } else { format!("{one}s") }
}

/// Links by medium as one strip.
fn media(survey: &Survey<'_>, out: &mut String) {
    let by_medium = &survey.review.totals.links_by_medium;
    let chosen: u64 = by_medium.values().sum();
    let all = chosen.max(survey.review.totals.links);
    if all == 0 {
        return;
    }
    // The review's keys have underscores where words have hyphens.
    let known = |key: &str| Medium::from_word(&key.replace('_', "-"));
    let mut used: Vec<(&str, Option<Medium>, u64)> = by_medium
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(key, count)| (key.as_str(), known(key), *count))
        .collect();
    if all > chosen {
        used.push(("nothing closes", None, all - chosen));
    }
    put!(out, "<div class=\"mix\"><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    let mut x = 0.0;
    for (_, medium, count) in &used {
        let width = *count as f64 / all as f64 * 1000.0;
        put!(
            out,
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"0\" width=\"{:.1}\" height=\"10\"/>",
            words::medium_class(*medium),
            width.max(1.5)
        );
        x += width;
    }
    put!(out, "</svg><ul class=\"key\" aria-label=\"Links by medium\">");
    for (key, medium, count) in &used {
        let name = if medium.is_some() { words::medium(*medium).to_string() } else { Escaped(key).to_string() };
        put!(
            out,
            "<li><i class=\"dot {}\"></i>{name} <b>{}</b></li>",
            words::medium_class(*medium),
            number::count(*count)
        );
    }
    put!(out, "</ul></div>");
}

/// Sources and assumptions of the system itself.
fn provenance(survey: &Survey<'_>, out: &mut String) {
    let subject = &survey.review.system;
    if subject.sources.is_empty() && subject.assumptions.is_empty() {
        return;
    }
    put!(
        out,
        "<details class=\"basis\"><summary>Basis: {}, {}</summary>",
        words::plural(subject.sources.len() as u64, "source"),
        words::plural(subject.assumptions.len() as u64, "assumption")
    );
    let list = |title: &str, texts: &[String], out: &mut String| {
        if texts.is_empty() {
            return;
        }
        put!(out, "<h3>{title}</h3><ul>");
        for text in texts {
            match survey.system.catalogue.sources.iter().find(|source| source.id.value == *text) {
                Some(source) => put!(out, "<li><b>{}</b> {}</li>", Name(text), Name(&source.title)),
                None => put!(out, "<li>{}</li>", Name(text)),
            }
        }
        put!(out, "</ul>");
    };
    list("Sources", &subject.sources, out);
    list("Assumptions", &subject.assumptions, out);
    put!(out, "</details>");
}
