//! The summary of a review: one screen.

use std::fmt::Write as _;

use lanewright_model::problem::Severity;
use lanewright_model::system::System;
use lanewright_plan::plan::Total;
use lanewright_twin::review::{LimitStatus, Review};

use crate::number::{Measure, count, plain};

/// Findings shown; the rest are counted.
const FINDINGS: usize = 8;

/// Draws the summary.
pub fn draw(system: &System, review: &Review) -> String {
    let mut out = String::new();
    let totals = &review.totals;
    let _ = writeln!(out, "{}  ({})", review.system.name, review.system.file);
    let _ = writeln!(
        out,
        "{} racks · {} devices · {} ports · {} links · {} lanes · {} cables and paths",
        count(system.racks.len() as u64),
        count(totals.devices),
        count(totals.ports),
        count(totals.links),
        count(totals.lanes),
        count(totals.cables)
    );
    let media: Vec<String> = totals
        .links_by_medium
        .iter()
        .filter(|(_, links)| **links > 0)
        .map(|(medium, links)| format!("{} {}", count(*links), medium.replace('_', "-")))
        .collect();
    let _ = writeln!(out, "links by medium: {}\n", if media.is_empty() { "none".into() } else { media.join(" · ") });
    let _ = writeln!(out, "{:<18} {:>12} {:>12} {:>12}   RESTS ON ESTIMATES", "", "LOW", "LIKELY", "HIGH");
    total(&mut out, "power", Measure::Watts, &totals.power_w);
    total(&mut out, "power with PUE", Measure::Watts, &totals.site_power_w);
    total(&mut out, "purchase", Measure::Usd, &totals.capex_usd);
    total(&mut out, "running", Measure::UsdPerYear, &totals.opex_usd_per_year);
    total(&mut out, "failures", Measure::PerYear, &totals.failures_per_year);
    let width = review.domains.iter().map(|d| d.name.chars().count()).max().unwrap_or(6).clamp(6, 24);
    let _ =
        writeln!(out, "\n{:<width$} {:>10} {:>10} {:>18}   MEDIA", "DOMAIN", "LINKS", "LANES", "Gb/s PER DIRECTION");
    for domain in &review.domains {
        let media: Vec<String> = domain
            .links_by_medium
            .iter()
            .map(|(medium, links)| format!("{} {}", medium.replace('_', "-"), count(*links)))
            .collect();
        let _ = writeln!(
            out,
            "{:<width$} {:>10} {:>10} {:>18}   {}",
            domain.name,
            count(domain.links),
            count(domain.lanes),
            plain(domain.bandwidth_gbps),
            media.join(", ")
        );
    }
    if !review.limits.is_empty() {
        out.push_str("\nLIMITS\n");
        for line in &review.limits {
            let mark = match line.status {
                LimitStatus::Ok => "ok     ",
                LimitStatus::AtRisk => "at risk",
                LimitStatus::Broken => "BROKEN ",
                LimitStatus::Unknown => "unknown",
            };
            let found = match (line.found, line.low, line.high) {
                (Some(found), Some(low), Some(high)) => {
                    format!("{} ({} to {})", plain(found), plain(low), plain(high))
                }
                _ => "not computed".into(),
            };
            let _ = writeln!(out, "  {mark}  {:<24} {:>10}  {}: {found}", line.name, plain(line.limit), line.subject);
        }
    }
    findings(&mut out, review);
    out
}

fn total(out: &mut String, name: &str, measure: Measure, total: &Total) {
    let _ = writeln!(
        out,
        "{name:<18} {:>12} {:>12} {:>12}   {:.0} %",
        measure.show(total.low),
        measure.show(total.likely),
        measure.show(total.high),
        total.weak_share * 100.0
    );
}

fn findings(out: &mut String, review: &Review) {
    if review.findings.is_empty() {
        return;
    }
    out.push_str("\nFINDINGS\n");
    for finding in review.findings.iter().take(FINDINGS) {
        let mark = match finding.severity {
            Severity::Error => "error  ",
            Severity::Warning => "warning",
        };
        let place = finding.place.as_ref().map_or_else(String::new, |place| format!("  [{place}]"));
        let _ = writeln!(out, "  {mark}  {}{place}", finding.message);
        if let Some(help) = finding.help.as_ref().filter(|_| finding.severity == Severity::Error) {
            let _ = writeln!(out, "           {help}");
        }
    }
    if review.findings.len() > FINDINGS {
        let _ = writeln!(out, "  ... and {} more (--json, or the report)", review.findings.len() - FINDINGS);
    }
}
