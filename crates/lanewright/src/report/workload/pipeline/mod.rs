//! The report of a camera pipeline: latencies, the budget from light to light, who works when, memory, watts, on one page.

mod budget;
mod latency;
mod timeline;

#[cfg(test)]
mod tests;

use lanewright_workload::estimate::Estimate;
use lanewright_workload::pipeline::checked::Pipeline;
use lanewright_workload::pipeline::outcome::Outcome;

use crate::number::{self, Measure};
use crate::report::bar::{self, Spread};
use crate::report::escape::{Escaped, Name};
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{self, Table};

const STYLE: &str = include_str!("style.css");

/// Classes of colours, told apart.
const COLOURS: [&str; 8] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"];

/// Writes the report. Equal inputs give equal bytes.
pub fn html(made: &Pipeline, seen: &Outcome) -> String {
    let mut page = Page::new(&seen.name);
    header(seen, page.top());
    if !seen.broken.is_empty() {
        page.section("broken", "What does not hold", |out| {
            put!(out, "<ul class=\"findings\">");
            for words in &seen.broken {
                put!(out, "<li class=\"bad\"><p>{}</p></li>", Escaped(words));
            }
            put!(out, "</ul>");
        });
    }
    latency::write(seen, &mut page);
    budget::write(seen, &mut page);
    page.section("load", "Engines and memory", |out| load(seen, out));
    timeline::write(made, seen, &mut page);
    page.section("stages", "Stages", |out| stages(seen, out));
    if !seen.llms.is_empty() {
        page.section("models", "Language models", |out| llms(seen, out));
    }
    page.section("power", "Power", |out| power(seen, out));
    page.section("basis", "What it rests on", |out| {
        put!(out, "<ul class=\"findings\">");
        for words in seen.notes.iter().chain(&seen.assumptions) {
            put!(out, "<li><p>{}</p></li>", Escaped(words));
        }
        put!(out, "<li><p>Bands hold four of five runs whose figures are drawn from their own bands; bounds are for likely figures.</p></li></ul>");
    });
    let footer = format!(
        "<p>Lanewright {} · {} s simulated · seed {} · {} draws</p>",
        env!("CARGO_PKG_VERSION"),
        number::plain(seen.seconds),
        seen.seed,
        seen.draws
    );
    page.finish_with("pipeline", STYLE, &footer)
}

/// Milliseconds as people read them.
fn ms(value: f64) -> String {
    if value.is_finite() {
        format!("{}\u{A0}ms", number::decimals(value, if value < 10.0 { 2 } else { 1 }))
    } else {
        "no bound".into()
    }
}

/// "low to high" of a band that has a width.
fn between(value: Estimate, show: impl Fn(f64) -> String) -> String {
    if value.low == value.high { String::new() } else { format!("{} to {}", show(value.low), show(value.high)) }
}

fn header(seen: &Outcome, out: &mut String) {
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Camera pipeline</p><h1>{}</h1></div>{THEME_BUTTON}</div><p class=\"lead\">{}</p>",
        Name(&seen.name),
        Escaped(&seen.description)
    );
    let (class, words) = match seen.broken.len() {
        0 => ("good", "Every limit holds in the simulation".to_string()),
        1 => ("bad", "One limit does not hold".to_string()),
        many => ("bad", format!("{many} limits do not hold")),
    };
    put!(
        out,
        "<p class=\"verdict {class}\"><b>{words}</b><span>{}; tightest is {}</span></p>",
        Escaped(&seen.soc.name),
        Escaped(&seen.feasible.tightest)
    );
    put!(out, "<dl class=\"totals\">");
    let mut figure = |name: &str, value: &str, note: &str| {
        put!(
            out,
            "<div><dt>{}</dt><dd><b class=\"figure\">{value}</b><span class=\"note\">{}</span></dd></div>",
            Escaped(name),
            Escaped(note)
        );
    };
    for chain in seen.chains.iter().take(3) {
        let limit = chain.limit_ms.map_or_else(String::new, |limit| format!(", at most {}", ms(limit)));
        figure(
            &format!("{}, 99th percentile", chain.id),
            &ms(chain.p99_ms.likely),
            &format!("worst {}{limit}", ms(chain.worst_ms.likely)),
        );
    }
    figure(
        "Memory traffic",
        &format!("{}\u{A0}GB/s", number::figures(seen.memory_gb_s.likely, 3)),
        &format!("{} of what it carries", Measure::Share.show(seen.memory_share.likely)),
    );
    for llm in seen.llms.iter().take(1) {
        figure(
            "Language model",
            &format!("{}\u{A0}tok/s", number::figures(llm.tokens_per_s.likely, 3)),
            &between(llm.tokens_per_s, |v| number::figures(v, 3)),
        );
    }
    figure("Power", &Measure::Watts.show(seen.watts.likely), &between(seen.watts, |v| Measure::Watts.show(v)));
    put!(out, "</dl></header>\n");
}

fn spread(value: Estimate) -> Spread {
    Spread { low: value.low, likely: value.likely, high: value.high, weak: 0.0 }
}

fn load(seen: &Outcome, out: &mut String) {
    let mut rows: Vec<bar::Row> = seen
        .engines
        .iter()
        .enumerate()
        .map(|(at, engine)| {
            let many = if engine.count > 1 { format!(" × {}", engine.count) } else { String::new() };
            let waits = if engine.stalled > 0.005 {
                format!("{} of it waiting for memory", Measure::Share.show(engine.stalled))
            } else {
                String::new()
            };
            bar::Row {
                label: format!("{}{many}", Escaped(&engine.id)),
                spread: spread(engine.busy),
                limit: Some(1.0),
                note: waits,
                class: COLOURS[at % COLOURS.len()],
            }
        })
        .collect();
    let carried = format!(
        "{}\u{A0}GB/s of {}",
        number::figures(seen.memory_gb_s.likely, 3),
        number::figures(seen.capacity * 1e-9, 3)
    );
    rows.push(bar::Row {
        label: "memory".into(),
        spread: spread(seen.memory_share),
        limit: Some(1.0),
        note: carried,
        class: "p6",
    });
    put!(out, "<div class=\"wide-labels\">");
    bar::rows(out, &rows, Measure::Share);
    put!(out, "</div>");
    let displays = &seen.displays;
    if !displays.is_empty() {
        const COLUMNS: &[table::Column] = &[
            table::text("Display"),
            table::number("Pictures"),
            table::number("Shown again"),
            table::number("Frames never shown"),
        ];
        let mut rows = Table::open(out, "displays", "Displays", COLUMNS);
        for display in displays {
            rows.cell(&Name(&display.id).to_string());
            for count in [display.counts.pictures, display.counts.repeated, display.counts.unseen] {
                rows.value(Some(count as f64), &number::count(count));
            }
        }
        rows.close();
    }
}

fn stages(seen: &Outcome, out: &mut String) {
    const COLUMNS: &[table::Column] = &[
        table::text("Stage"),
        table::text("Engine"),
        table::number("Streams"),
        table::number("Jobs per s"),
        table::number("Alone, ms"),
        table::number("MB per job"),
        table::number("p99, ms"),
        table::number("Lost"),
        table::number("Late"),
    ];
    let mut rows = Table::open(out, "stage-table", "Stages", COLUMNS);
    for stage in &seen.stages {
        rows.cell(&Name(&stage.id).to_string()).cell(&Name(&stage.engine).to_string());
        rows.value(Some(stage.streams as f64), &stage.streams.to_string());
        rows.value(Some(stage.per_second), &number::decimals(stage.per_second, 1));
        rows.value(Some(stage.alone_ms), &number::decimals(stage.alone_ms, 2));
        rows.value(Some(stage.mb), &number::decimals(stage.mb, 1));
        rows.value(Some(stage.p99_ms), &number::decimals(stage.p99_ms, 1));
        rows.value(Some(stage.dropped.likely), &Measure::Share.show(stage.dropped.likely));
        rows.value(Some(stage.missed.likely), &Measure::Share.show(stage.missed.likely));
    }
    rows.close();
    put!(
        out,
        "<p class=\"note\">Lost: frames that found the stage busy and were replaced by fresher ones. Late: jobs that took longer from arrival to end than their deadline, by default a period of their input.</p>"
    );
}

fn llms(seen: &Outcome, out: &mut String) {
    const COLUMNS: &[table::Column] = &[
        table::text("Model"),
        table::prose("What"),
        table::number("Tokens/s"),
        table::number("Band"),
        table::number("Alone on the chip"),
        table::number("First token, ms"),
        table::number("Between tokens p99, ms"),
    ];
    let mut rows = Table::open(out, "llms", "Language models", COLUMNS);
    for llm in &seen.llms {
        rows.cell(&Name(&llm.id).to_string()).cell(&Escaped(&llm.what).to_string());
        rows.value(Some(llm.tokens_per_s.likely), &number::figures(llm.tokens_per_s.likely, 3));
        rows.value(None, &between(llm.tokens_per_s, |value| number::figures(value, 3)));
        rows.value(Some(llm.alone_tokens_per_s), &number::figures(llm.alone_tokens_per_s, 3));
        rows.value(llm.first_ms, &llm.first_ms.map(|value| number::decimals(value, 0)).unwrap_or_default());
        rows.value(llm.between_p99_ms, &llm.between_p99_ms.map(|value| number::decimals(value, 0)).unwrap_or_default());
    }
    rows.close();
}

fn power(seen: &Outcome, out: &mut String) {
    let mut rows: Vec<bar::Row> = seen
        .power
        .parts
        .iter()
        .filter(|part| part.1 > 0.0)
        .enumerate()
        .map(|(at, (what, watts))| bar::Row {
            label: Escaped(what).to_string(),
            spread: spread(Estimate::exact(*watts)),
            limit: None,
            note: String::new(),
            class: COLOURS[at % COLOURS.len()],
        })
        .collect();
    rows.push(bar::Row {
        label: "chip and memory".into(),
        spread: spread(seen.watts),
        limit: None,
        note: String::new(),
        class: "p6",
    });
    if seen.panels_w.high > 0.0 {
        let note = "beside the chip".to_string();
        rows.push(bar::Row { label: "displays".into(), spread: spread(seen.panels_w), limit: None, note, class: "p7" });
    }
    put!(out, "<div class=\"wide-labels\">");
    bar::rows(out, &rows, Measure::Watts);
    put!(out, "</div><p class=\"note\">From {}.</p>", Escaped(seen.power.basis));
}
