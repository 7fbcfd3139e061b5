//! Findings and limits: what a meeting must talk about.

use lanewright_model::problem::Severity;
use lanewright_twin::review::{FindingLine, LimitLine, LimitStatus};

use super::bar::{self, Spread};
use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::Survey;
use super::words;
use crate::number::{self, Measure};

/// Findings shown before the rest is folded away.
const OPEN_FINDINGS: usize = 12;
/// Limits shown before the rest is folded away.
const OPEN_LIMITS: usize = 16;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    page.section("findings", "Findings and limits", |out| {
        limits(&survey.review.limits, out);
        findings(&survey.review.findings, out);
    });
}

fn limits(limits: &[LimitLine], out: &mut String) {
    if limits.is_empty() {
        put!(out, "<p class=\"none\">The file sets no limits, so nothing can be broken.</p>");
        return;
    }
    // Racks are limited one by one: the worst of each kind of limit tells the story, the rest is folded.
    let mut order: Vec<&LimitLine> = limits.iter().collect();
    order.sort_by_key(|limit| rank(limit.status));
    let (open, folded) = order.split_at(order.len().min(OPEN_LIMITS));
    limit_table(open, out);
    if !folded.is_empty() {
        put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "limit"));
        limit_table(folded, out);
        put!(out, "</details>");
    }
}

fn rank(status: LimitStatus) -> u8 {
    match status {
        LimitStatus::Broken => 0,
        LimitStatus::AtRisk => 1,
        LimitStatus::Unknown => 2,
        LimitStatus::Ok => 3,
    }
}

fn limit_table(limits: &[&LimitLine], out: &mut String) {
    put!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Limits\"><table class=\"limits\"><thead><tr><th>Limit</th><th>Of</th>\
         <th class=\"n\">Allowed</th><th class=\"n\">Found</th><th class=\"wide\">Band against limit</th><th>Status</th></tr></thead><tbody>"
    );
    for limit in limits {
        let key = Key::of(&limit.name);
        let (class, status) = match limit.status {
            LimitStatus::Ok => ("good", "kept"),
            LimitStatus::AtRisk => ("risk", "at risk"),
            LimitStatus::Broken => ("bad", "broken"),
            LimitStatus::Unknown => ("none", "not computed"),
        };
        put!(
            out,
            "<tr class=\"{class}\"><td title=\"{}\">{}</td><td>{}</td><td class=\"n\">{} {}</td>",
            Escaped(&limit.name),
            Escaped(&key.words),
            Name(&limit.subject),
            if key.most { "≤" } else { "≥" },
            key.show(limit.limit)
        );
        put!(out, "<td class=\"n\">{}</td><td>", limit.found.map_or("–".to_string(), |found| key.show(found)));
        if let Some(likely) = limit.found {
            let spread =
                Spread { low: limit.low.unwrap_or(likely), likely, high: limit.high.unwrap_or(likely), weak: 0.0 };
            bar::bar(out, spread, spread.high.max(limit.limit) * 1.08, Some(limit.limit), 170.0, 12.0, class);
        }
        put!(out, "</td><td><span class=\"badge {class}\">{status}</span></td></tr>");
    }
    put!(out, "</tbody></table></div>");
}

/// What the name of a limit says: `rack_power_kw_max` is at most so many kW of rack power.
struct Key {
    words: String,
    measure: Option<Measure>,
    /// From the unit of the key to that of the measure.
    factor: f64,
    most: bool,
}

impl Key {
    fn of(name: &str) -> Self {
        let (stem, most) = match (name.strip_suffix("_max"), name.strip_suffix("_min")) {
            (Some(stem), _) => (stem, true),
            (None, Some(stem)) => (stem, false),
            (None, None) => (name, true),
        };
        let units = [
            ("_usd_per_year", Measure::UsdPerYear, 1.0),
            ("_per_year", Measure::PerYear, 1.0),
            ("_kw", Measure::Watts, 1e3),
            (" (kW)", Measure::Watts, 1e3),
            ("_db", Measure::Decibels, 1.0),
            ("_usd", Measure::Usd, 1.0),
            ("_ns", Measure::Nanoseconds, 1.0),
            ("_m", Measure::Metres, 1.0),
        ];
        let unit = units.into_iter().find_map(|(suffix, m, f)| stem.strip_suffix(suffix).map(|rest| (rest, m, f)));
        let (stem, measure, factor) = match unit {
            Some((stem, measure, factor)) => (stem, Some(measure), factor),
            None if stem == "availability" => (stem, Some(Measure::Availability), 1.0),
            None => (stem, None, 1.0),
        };
        let words = match stem {
            "com" => "channel operating margin".to_string(),
            "capex" => "purchase".to_string(),
            "opex" => "running cost".to_string(),
            "failures" => "random failures".to_string(),
            other => other.replace("scale_up", "scale-up").replace('_', " "),
        };
        Self { words, measure, factor, most }
    }

    fn show(&self, value: f64) -> String {
        match self.measure {
            Some(measure) => measure.show(value * self.factor),
            None => number::plain(value),
        }
    }
}

fn findings(findings: &[FindingLine], out: &mut String) {
    if findings.is_empty() {
        put!(out, "<p class=\"none\">No findings.</p>");
        return;
    }
    let (open, folded) = findings.split_at(findings.len().min(OPEN_FINDINGS));
    list(open, out);
    if !folded.is_empty() {
        put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "finding"));
        list(folded, out);
        put!(out, "</details>");
    }
}

fn list(findings: &[FindingLine], out: &mut String) {
    put!(out, "<ul class=\"findings\">");
    for finding in findings {
        let (class, word) = match finding.severity {
            Severity::Error => ("bad", "error"),
            Severity::Warning => ("risk", "warning"),
        };
        put!(
            out,
            "<li class=\"{class}\"><p><span class=\"badge {class}\">{word}</span> {}</p>",
            Name(&finding.message)
        );
        if let Some(help) = &finding.help {
            put!(out, "<p class=\"help\">{}</p>", Name(help));
        }
        put!(out, "<p class=\"where\"><code>{}</code>", Escaped(&finding.code));
        if let Some(place) = &finding.place {
            put!(out, " at <code>{}</code>", Name(place));
        }
        put!(out, "</p></li>");
    }
    put!(out, "</ul>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_limits_tell_unit_and_sense() {
        let key = Key::of("rack_power_kw_max");
        assert_eq!((key.words.as_str(), key.measure, key.most), ("rack power", Some(Measure::Watts), true));
        assert_eq!(key.show(132.0).replace('\u{A0}', " "), "132 kW");
        let key = Key::of("loss_margin_db_min");
        assert_eq!((key.words.as_str(), key.measure, key.most), ("loss margin", Some(Measure::Decibels), false));
        let key = Key::of("opex_usd_per_year_max");
        assert_eq!((key.words.as_str(), key.measure), ("running cost", Some(Measure::UsdPerYear)));
        let key = Key::of("availability_min");
        assert_eq!((key.words.as_str(), key.measure, key.most), ("availability", Some(Measure::Availability), false));
        let key = Key::of("copper_length_m_max");
        assert_eq!((key.words.as_str(), key.measure), ("copper length", Some(Measure::Metres)));
    }
}
