//! The report of a search: the front between users and devices, the best rows, what fills the memory of the best.

use lanewright_workload::search::Row;

use crate::number::{count, figures};
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::Escaped;
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{Column, Table, number, text};
use crate::verbs::workload::search::{Answer, band, pools, reasons};

const COLUMNS: &[Column] = &[
    text("layout"),
    text("format"),
    number("batch"),
    number("first token, ms"),
    number("token, ms"),
    number("tokens/s, user"),
    number("tokens/s, device"),
    number("USD per million"),
    text("keeps limits"),
];

const STYLE: &str = ".stack{width:100%;height:auto;display:block}.stack .p0{fill:var(--p0)}.stack .p1{fill:var(--p1)}\
                     .stack .p2{fill:var(--p2)}.stack .p3{fill:var(--p3)}.stack .p6{fill:var(--p6)}\n";

/// Writes the page. Equal inputs give equal bytes.
pub fn html(answer: &Answer) -> String {
    let mut page = Page::new(&answer.title);
    put!(
        page.top(),
        "<header><div class=\"title\"><div><p class=\"kind\">Search of layouts</p><h1>{}</h1></div>{THEME_BUTTON}</div>\
         <p class=\"lead\">{}</p></header>\n",
        Escaped(&answer.title),
        Escaped(&answer.limits)
    );
    page.section("front", "What users see, what devices earn", |out| {
        put!(out, "<div class=\"charts\">");
        front(answer, out);
        put!(out, "</div>");
    });
    page.section("best", "Best layouts", |out| best(answer, out));
    if let Some(row) = answer.found.best.first().or(answer.found.nearest.as_ref()) {
        page.section("memory", "Memory of a device", |out| memory(row, out));
    }
    page.section("looked-at", "What was looked at", |out| {
        put!(out, "<ul class=\"findings\">");
        for (what, number) in reasons(&answer.found.reasons) {
            put!(out, "<li><p>{}: {}</p></li>", Escaped(what.trim()), count(number as u64));
        }
        for doubt in &answer.found.doubts {
            put!(out, "<li><p>{}</p></li>", Escaped(doubt.words()));
        }
        for note in &answer.notes {
            put!(out, "<li><p>{}</p></li>", Escaped(note));
        }
        put!(out, "</ul>");
    });
    let footer = format!("<p>Lanewright {}</p>", env!("CARGO_PKG_VERSION"));
    page.finish_with("search", STYLE, &footer)
}

fn front(answer: &Answer, out: &mut String) {
    let rows = &answer.found.front;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        put!(out, "<p>No layout keeps the limit of the first token.</p>");
        return;
    };
    put!(out, "<figure class=\"panel\"><figcaption>Front of {} points</figcaption>", rows.len());
    let high = rows.iter().map(|row| row.per_device.high).fold(0.0, f64::max);
    let low = rows.iter().map(|row| row.per_device.low).fold(f64::INFINITY, f64::min);
    let label = format!(
        "From {} tokens per second of a user to {} of a device",
        figures(first.per_user.likely, 3),
        figures(last.per_device.likely, 3)
    );
    let x = Axis::decades((last.per_user.likely * 0.8).max(1e-6), first.per_user.likely * 1.25);
    let y = Axis::decades((low * 0.8).max(1e-6), high * 1.25);
    let mut chart = Chart::open(out, (WIDTH, 300.0), (x, "tokens/s of a user"), (y, "tokens/s of a device"), &label);
    let along =
        |of: &dyn Fn(&Row) -> f64| rows.iter().rev().map(|row| (row.per_user.likely, of(row))).collect::<Vec<_>>();
    chart.area("p0", &along(&|row| row.per_device.low), &along(&|row| row.per_device.high));
    chart.curve("p0 thick", &along(&|row| row.per_device.likely));
    if let Some(limit) = answer.tpot_limit {
        chart.upright("limit", 1.0 / limit);
    }
    for row in rows {
        let words = format!(
            "{} in {}, batch {}: {} tokens/s of a user, {} of a device",
            Escaped(&pools(&row.mode)),
            row.format.name(),
            row.batch,
            band(row.per_user, 1.0),
            band(row.per_device, 1.0)
        );
        chart.dot("p0", (row.per_user.likely, row.per_device.likely), 3.0, &words);
    }
    if let Some(row) = answer.found.best.first() {
        let words = format!("best: {}", Escaped(&pools(&row.mode)));
        chart.dot("p1", (row.per_user.likely, row.per_device.likely), 5.0, &words);
    }
    chart.close();
    key(out, &[("p0", "the front, with the band of 80 %".into()), ("p1", "the best within the limits".into())]);
    put!(out, "</figure>");
}

fn best(answer: &Answer, out: &mut String) {
    let found = &answer.found;
    let rows: Vec<&Row> =
        if found.best.is_empty() { found.nearest.iter().collect() } else { found.best.iter().collect() };
    if found.best.is_empty() {
        put!(out, "<p>Nothing keeps the limits; this comes nearest.</p>");
    }
    let mut table = Table::open(out, "best-rows", "The best layouts", COLUMNS);
    for row in rows {
        table.cell(&Escaped(&pools(&row.mode)).to_string()).cell(row.format.name());
        table.value(Some(f64::from(row.batch)), &row.batch.to_string());
        for (estimate, scale) in [(row.ttft, 1e3), (row.tpot, 1e3), (row.per_user, 1.0), (row.per_device, 1.0)] {
            table.value(Some(estimate.likely * scale), &band(estimate, scale));
        }
        let usd = row.usd_per_million;
        table.value(usd.map(|usd| usd.likely), &usd.map_or_else(String::new, |usd| band(usd, 1.0)));
        table.cell(match (row.within, row.sure) {
            (_, true) => "yes",
            (true, false) => "likely",
            (false, false) => "no",
        });
    }
    table.close();
}

/// One bar over the device's memory: what fills it.
fn memory(row: &Row, out: &mut String) {
    let memory = &row.memory;
    let tokens = row.concurrency / f64::from(row.batch.max(1));
    put!(
        out,
        "<p>{} in {}, a device that writes answers, {} attention groups in all.</p>",
        Escaped(&pools(&row.mode)),
        row.format.name(),
        figures(tokens, 4)
    );
    let parts = [
        ("p0", "weights", memory.weights),
        ("p1", "activations", memory.activations),
        ("p2", "runtime and buffers", memory.reserved),
        ("p3", "cache", memory.cache.max(0.0)),
        ("p6", "left alone", memory.unused),
    ];
    let all = memory.device.max(1.0);
    put!(
        out,
        "<svg class=\"stack\" viewBox=\"0 0 {WIDTH} 26\" role=\"img\" aria-label=\"Memory of {} GB\">",
        figures(all * 1e-9, 4)
    );
    let mut at = 0.0;
    for (class, name, bytes) in parts {
        let width = bytes / all * WIDTH;
        put!(
            out,
            "<rect class=\"{class}\" x=\"{at:.1}\" y=\"2\" width=\"{width:.1}\" height=\"22\"><title>{name}: {} GB</title></rect>",
            figures(bytes * 1e-9, 3)
        );
        at += width;
    }
    put!(out, "</svg>");
    let words =
        |(class, name, bytes): (&'static str, &str, f64)| (class, format!("{name} {} GB", figures(bytes * 1e-9, 3)));
    key(out, &parts.map(words));
}
