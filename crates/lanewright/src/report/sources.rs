//! Where every figure of the parts in use comes from, and how certain it is.

use std::collections::BTreeSet;

use lanewright_model::catalogue::figure_list::{self, PlainFigure};
use lanewright_model::figure::Grade;
use lanewright_model::system::PartId;

use super::escape::{Escaped, Name, is_web_address};
use super::page::Page;
use super::survey::Survey;
use super::table::{self, Table};
use super::words;
use crate::number;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let parts: BTreeSet<PartId> = survey.plan().bom.iter().map(|line| line.part).collect();
    let catalogue = &survey.system.catalogue;
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let figures: Vec<(PartId, String, PlainFigure)> = parts
        .into_iter()
        .filter_map(|id| survey.part(id).map(|part| (id, part)))
        .flat_map(|(id, part)| figure_list::all(part).into_iter().map(move |(name, figure)| (id, name, figure)))
        .collect();
    if figures.is_empty() {
        return;
    }
    for (_, _, figure) in &figures {
        used.extend(figure.source.split('+').map(str::trim));
    }
    page.section("sources", "Figures and their sources", |out| {
        grades(&figures, out);
        const COLUMNS: &[table::Column] = &[
            table::text("Part"),
            table::text("Figure"),
            table::number("Value"),
            table::number("Low to high"),
            table::text("Unit"),
            table::text("Grade"),
            table::prose("Source"),
        ];
        put!(
            out,
            "<details><summary>Every figure of every part of the bill of materials: {}</summary>",
            words::plural(figures.len() as u64, "figure")
        );
        let mut table = Table::open(out, "figure-table", "Figures of the parts in use", COLUMNS);
        for (part, name, figure) in &figures {
            let band = figure.band;
            let range = if band.low == band.high {
                String::new()
            } else {
                format!("{}–{}", number::plain(band.low), number::plain(band.high))
            };
            let title = survey.part(*part).map_or("", |part| part.id.value.as_str());
            let note = figure
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(" <span class=\"note\">{}</span>", Name(note)));
            table
                .cell(&format!("<code>{}</code>", Name(title)))
                .cell(&Name(&name.replace('_', " ")).to_string())
                .value(Some(band.likely), &number::plain(band.likely))
                .value(Some(band.high), &range)
                .cell(if figure.unit == "1" { "" } else { figure.unit })
                .cell(&badge(figure.grade))
                .cell(&format!("{}{note}", source_titles(survey, &figure.source)));
        }
        table.close();
        put!(out, "</details><h3>Sources</h3><ol class=\"sources\">");
        for id in used {
            match catalogue.sources.iter().find(|source| source.id.value == id) {
                Some(source) => {
                    put!(out, "<li><b>{}</b> {}", Name(id), Name(&source.title));
                    if let Some(date) = &source.date {
                        put!(out, ", {}", Name(date));
                    }
                    if let Some(address) = &source.address {
                        if is_web_address(address) {
                            put!(out, " <a href=\"{0}\" rel=\"noreferrer\">{0}</a>", Escaped(address));
                        } else {
                            put!(out, " {}", Name(address));
                        }
                    }
                    put!(out, "</li>");
                }
                None => put!(out, "<li><b>{}</b></li>", Name(id)),
            }
        }
        put!(out, "</ol>");
    });
}

fn badge(grade: Grade) -> String {
    let class = if grade.is_weak() { "weak" } else { "firm" };
    format!("<span class=\"badge {class}\">{}</span>", words::grade(grade))
}

fn source_titles(survey: &Survey<'_>, source: &str) -> String {
    let mut out = String::new();
    for id in source.split('+').map(str::trim) {
        if !out.is_empty() {
            out += "; ";
        }
        put!(out, "<b>{}</b>", Name(id));
        if let Some(source) = survey.system.catalogue.sources.iter().find(|source| source.id.value == id) {
            put!(out, " {}", Name(&source.title));
        }
    }
    out
}

/// How many figures there are of each grade.
fn grades(figures: &[(PartId, String, PlainFigure)], out: &mut String) {
    put!(out, "<ul class=\"inline\">");
    for grade in Grade::ALL {
        let count = figures.iter().filter(|(_, _, figure)| figure.grade == *grade).count();
        if count > 0 {
            put!(out, "<li>{} {}</li>", badge(*grade), number::count(count as u64));
        }
    }
    put!(out, "</ul>");
}
