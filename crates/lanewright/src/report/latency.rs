//! Latency of every class of path, piece by piece.

use std::collections::BTreeMap;

use lanewright_plan::plan::PathClass;

use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::Survey;
use super::text;
use super::words;
use crate::number::{self, Measure};

/// Colours that pieces take in the order of their names' first appearance.
const COLOURS: usize = 8;
/// Paths of a domain shown before the rest is folded away.
const OPEN_PATHS: usize = 10;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let paths = &survey.plan().latency;
    if paths.is_empty() {
        return;
    }
    page.section("latency", "Latency by class of path", |out| {
        let mut names: Vec<&str> = Vec::new();
        for item in paths.iter().flat_map(|path| &path.items) {
            if item.latency.likely > 0.0 && !names.contains(&item.name.as_str()) {
                names.push(&item.name);
            }
        }
        let colour: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (*name, i % COLOURS)).collect();
        put!(out, "<p class=\"note\">One way, without queues and without the ends' software.</p><ul class=\"key\">");
        for name in &names {
            put!(out, "<li><i class=\"dot p{}\"></i>{}</li>", colour[name], Name(name));
        }
        put!(out, "</ul>");
        let mut domains: Vec<&str> = Vec::new();
        for path in paths {
            if !domains.contains(&path.domain.as_str()) {
                domains.push(&path.domain);
            }
        }
        for domain in domains {
            let of_domain: Vec<&PathClass> =
                paths.iter().filter(|path| path.domain == domain && !is_way_back(path, paths)).collect();
            put!(out, "<h3>{}</h3>", Name(domain));
            let scale = of_domain.iter().map(|path| path.total.high.max(path.total.likely)).fold(0.0, f64::max);
            let (open, folded) = of_domain.split_at(of_domain.len().min(OPEN_PATHS));
            bars(open, &colour, scale, out);
            if !folded.is_empty() {
                put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "class of path"));
                bars(folded, &colour, scale, out);
                put!(out, "</details>");
            }
        }
    });
}

/// Whether a path is another one backwards, with nothing new to say.
fn is_way_back(path: &PathClass, paths: &[PathClass]) -> bool {
    path.from > path.to
        && paths.iter().any(|other| {
            other.domain == path.domain
                && (&other.from, &other.to) == (&path.to, &path.from)
                && (other.switches, other.links) == (path.switches, path.links)
                && (other.total.likely - path.total.likely).abs() < 1e-6
        })
}

fn bars(paths: &[&PathClass], colour: &BTreeMap<&str, usize>, scale: f64, out: &mut String) {
    const WIDTH: f64 = 560.0;
    const HEIGHT: f64 = 22.0;
    let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
    put!(out, "<div class=\"bars paths\">");
    for path in paths {
        let hops =
            if path.switches == 0 { "direct".to_string() } else { words::plural(path.switches.into(), "switch") };
        let ends = if path.from == path.to {
            format!("<b>{}</b> among themselves", Name(&path.from))
        } else {
            format!("<b>{}</b> ↔ <b>{}</b>", Name(&path.from), Name(&path.to))
        };
        put!(
            out,
            "<div class=\"bar-row\"><span class=\"bar-label\">{ends} <span class=\"note\">{hops} · {} · {} reached</span></span>",
            words::plural(path.links.into(), "link"),
            number::count(path.reached)
        );
        put!(out, "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"");
        for item in &path.items {
            put!(out, "{} {}; ", Escaped(&item.name), Measure::Nanoseconds.show(item.latency.likely));
        }
        put!(out, "\"><rect class=\"track\" x=\"0\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"1\"/>", HEIGHT / 2.0 - 0.5);
        let at = |value: f64| (value / scale).clamp(0.0, 1.0) * (WIDTH - 2.0);
        let mut sum = 0.0;
        for item in &path.items {
            let (from, to) = (at(sum), at(sum + item.latency.likely.max(0.0)));
            sum += item.latency.likely.max(0.0);
            if to - from < 0.05 {
                continue;
            }
            let shown = Measure::Nanoseconds.show(item.latency.likely);
            put!(
                out,
                "<rect class=\"piece p{}\" x=\"{from:.1}\" y=\"3\" width=\"{:.1}\" height=\"{}\"><title>{}: {shown}</title></rect>",
                colour.get(item.name.as_str()).copied().unwrap_or(0),
                to - from,
                HEIGHT - 6.0,
                Escaped(&item.name),
            );
            let words =
                if item.latency.likely < 10.0 { shown.clone() } else { number::decimals(item.latency.likely, 0) };
            if text::width(&words, 11.0) + 8.0 < to - from {
                put!(
                    out,
                    "<text class=\"on\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                    (from + to) / 2.0,
                    HEIGHT / 2.0 + 3.9
                );
            }
        }
        let (low, high) = (at(path.total.low), at(path.total.high));
        if high - low > 0.8 {
            put!(out, "<path class=\"whisker\" d=\"M{low:.1} {0}v4m0 -2H{high:.1}m0 -2v4\"/>", HEIGHT - 4.0);
        }
        let spread = super::bar::Spread::from(path.total);
        put!(
            out,
            "</svg><span class=\"bar-value\"><b>{}</b> <span class=\"range\">{}</span></span>",
            Measure::Nanoseconds.show(path.total.likely),
            spread.range(Measure::Nanoseconds)
        );
        // On a phone the numbers in the bar are too small to read.
        put!(out, "<span class=\"pieces note\">");
        for (i, item) in path.items.iter().filter(|item| item.latency.likely > 0.0).enumerate() {
            let join = if i > 0 { " · " } else { "" };
            put!(out, "{join}{} {}", Name(&item.name), Measure::Nanoseconds.show(item.latency.likely));
        }
        put!(out, "</span></div>");
    }
    put!(out, "</div>");
}
