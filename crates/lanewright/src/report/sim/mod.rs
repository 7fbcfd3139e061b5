//! The report of a simulation: how long messages took, where links were full, what went wrong, on one page.
//!
//! Self-contained like the review. Every section has its file; `survey::Survey` is what several of them need. Drawings
//! are bounded: large networks are folded to groups, long series thinned to their extremes, tables cut with a word that says
//! so.

mod bandwidth;
mod completion;
mod counters;
mod header;
mod links;
mod map;
mod over_time;
mod reproduce;
mod slowest;
mod survey;

#[cfg(test)]
mod tests;

use super::escape::Escaped;
use super::page::Page;
use crate::simulated::Simulated;
use survey::Survey;

const STYLE: &str = include_str!("style.css");

/// Writes the report. Equal inputs give equal bytes.
pub fn html(run: &Simulated<'_>) -> String {
    let survey = Survey::new(run);
    let mut page = Page::new(&run.facts.title);
    header::write(&survey, page.top());
    completion::write(&survey, &mut page);
    bandwidth::write(&survey, &mut page);
    map::write(&survey, &mut page);
    over_time::write(&survey, &mut page);
    links::write(&survey, &mut page);
    slowest::write(&survey, &mut page);
    counters::write(&survey, &mut page);
    notes(&survey, &mut page);
    reproduce::write(&survey, &mut page);
    let footer = format!(
        "<p>Lanewright {} · {} engine · answer <code>{:016x}</code></p>",
        env!("CARGO_PKG_VERSION"),
        Escaped(&run.facts.engine),
        run.outcome.hash()
    );
    page.finish_with("simulation", STYLE, &footer)
}

fn notes(survey: &Survey<'_>, page: &mut Page) {
    if survey.notes.is_empty() {
        return;
    }
    page.section("notes", "Estimates and limits", |out| {
        put!(out, "<ul class=\"findings\">");
        for note in &survey.notes {
            put!(out, "<li><p>{}</p></li>", Escaped(note));
        }
        put!(out, "</ul>");
    });
}
