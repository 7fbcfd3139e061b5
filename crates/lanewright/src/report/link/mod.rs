//! Reports of `link com` and `link eye`: one channel, or one channel with aggressors, on one page.
//!
//! Self-contained like the review: inline drawings, nothing loaded. [`view`] is what is drawn, whoever made it.

mod bathtub;
pub mod com;
mod costs;
mod losses;
pub mod maps;
mod pulse;
mod reflection;
pub mod view;

pub use super::eye::ratio;
pub use com::{ComReportInput, html};

use view::{CaseView, LinkReport};

use lanewright_link::eye::EyePicture;

use super::chart::WIDTH;
use super::escape::{Escaped, Name};
use super::eye;
use super::page::Page;
use super::table::{self, Table};

/// Points of an eye's picture from top to bottom, and at most so many across a unit interval.
const ROWS: usize = 160;
const COLUMNS: usize = 512;
const STYLE: &str = include_str!("style.css");

/// Writes a report. Equal inputs give equal bytes.
pub fn page(report: &LinkReport<'_>) -> String {
    let mut page = Page::new(&report.title);
    header(report, page.top());
    if !report.warnings.is_empty() {
        page.section("warnings", "Warnings", |out| {
            put!(out, "<ul class=\"findings\">");
            for warning in &report.warnings {
                put!(out, "<li class=\"risk\"><p>{}</p></li>", Escaped(warning));
            }
            put!(out, "</ul>");
        });
    }
    if let Some(channels) = report.channels {
        page.section("channel", "Channel", |out| {
            put!(out, "<div class=\"charts\">");
            losses::draw(channels, report.nyquist_hz, out);
            reflection::draw(&channels.victim, out);
            if let Some(loss) = report.loss {
                costs::loss(loss, out);
            }
            put!(out, "</div>");
        });
    }
    each(&mut page, report, "pulse", "Pulse response", |case, _, out| {
        put!(
            out,
            "<div class=\"charts\"><figure class=\"panel\"><figcaption>Before and after equalisation</figcaption>"
        );
        pulse::draw(case, out);
        put!(out, "</figure></div>");
    });
    each(&mut page, report, "eye", "Statistical eye", |case, _, out| {
        for note in &case.notes {
            put!(out, "<p class=\"note\">{note}</p>");
        }
        put!(
            out,
            "<div class=\"charts\"><figure class=\"panel\"><figcaption>Voltage over two unit intervals</figcaption>"
        );
        eye::draw(&EyePicture::of(case.eye, case.openings, ROWS, COLUMNS), (WIDTH, 330.0), None, out);
        put!(out, "</figure>");
        bathtub::draw(case, out);
        put!(out, "</div>");
    });
    each(&mut page, report, "costs", "What costs margin", |case, at, out| {
        put!(
            out,
            "<p class=\"note\">Shares are averaged over all orders of adding the terms, so that they add up; the gain if a \
             term were gone does not, since terms overlap.</p><div class=\"charts\">"
        );
        costs::waterfalls(case.costs, out);
        put!(out, "</div>");
        costs::tables(case.costs, case.steps, at, out);
    });
    each(&mut page, report, "equaliser", "Equaliser", |case, at, out| {
        if !case.maps.is_empty() {
            put!(out, "<div class=\"charts\">");
            case.maps.iter().for_each(|map| maps::draw(map, out));
            put!(out, "</div>");
        }
        pairs(&case.settings, at, out);
    });
    page.section("parameters", "Parameters", |out| {
        const COLUMNS: &[table::Column] = &[table::text("Parameter"), table::text("Value"), table::prose("Source")];
        let mut rows = Table::open(out, "parameter-table", "Parameters of the evaluation with their sources", COLUMNS);
        for row in &report.parameters {
            rows.cell(&Escaped(&row.name).to_string());
            rows.cell(&Escaped(&row.value).to_string());
            rows.cell(&Escaped(&row.source).to_string());
        }
        rows.close();
    });
    let footer = format!("<p>Lanewright {} · <code>{}</code></p>", env!("CARGO_PKG_VERSION"), Escaped(&report.command));
    page.finish_with(report.kind, STYLE, &footer)
}

/// A section with the worst case open and the others folded.
fn each(
    page: &mut Page,
    report: &LinkReport<'_>,
    id: &'static str,
    title: &'static str,
    draw: impl Fn(&CaseView<'_>, usize, &mut String),
) {
    page.section(id, title, |out| {
        for (at, case) in report.cases.iter().enumerate() {
            if report.cases.len() == 1 {
                draw(case, at, out);
            } else if at == 0 {
                put!(out, "<h3>{}</h3>", Name(&case.name));
                draw(case, at, out);
            } else {
                put!(out, "<details><summary>{}</summary>", Name(&case.name));
                draw(case, at, out);
                put!(out, "</details>");
            }
        }
    });
}

fn pairs(settings: &[(String, String)], at: usize, out: &mut String) {
    const COLUMNS: &[table::Column] = &[table::text("Setting"), table::prose("Value")];
    let mut rows = Table::open(out, &format!("settings-{at}"), "Chosen settings", COLUMNS);
    for (name, value) in settings {
        rows.cell(&Escaped(name).to_string());
        rows.cell(&Escaped(value).to_string());
    }
    rows.close();
}

fn header(report: &LinkReport<'_>, out: &mut String) {
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">{}</p><h1>{}</h1></div>",
        Escaped(report.kind),
        Name(&report.title)
    );
    put!(out, "{}</div>", super::page::THEME_BUTTON);
    put!(out, "<p class=\"lead\">{}</p>", Escaped(&report.lead));
    let (class, words) = &report.verdict;
    put!(out, "<p class=\"verdict {class}\"><b>{}</b></p><dl class=\"totals\">", Escaped(words));
    for figure in &report.headlines {
        put!(
            out,
            "<div><dt>{}</dt><dd><b class=\"figure {}\">{}</b><span class=\"note\">{}</span></dd></div>",
            Escaped(&figure.name),
            figure.class,
            Escaped(&figure.value),
            Escaped(&figure.note)
        );
    }
    put!(out, "</dl></header>\n");
}
