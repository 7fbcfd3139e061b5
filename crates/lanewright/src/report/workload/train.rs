//! The report of a training step: headline figures, where the time goes, the schedule by stage, memory, what failures leave.

use lanewright_workload::train::schedule::{Kind, Slot};

use crate::report::bar::{self, Spread};
use crate::report::escape::{Escaped, Name};
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{Table, number, text};
use crate::verbs::workload::train::output::{Answer, GIB, seconds};

const STYLE: &str = "\
.gantt{width:100%;height:auto}.gantt .f{fill:#4878a8}.gantt .b{fill:#c26a3c}.gantt .w{fill:#8f7f2f}.gantt text{fill:currentColor;font-size:10px}\
.gantt .lane{fill:currentColor;opacity:.06}.key span{margin-right:1em}.key i{display:inline-block;width:.9em;height:.9em;margin-right:.3em}\
.stack{width:100%;height:auto}.stack text{fill:currentColor;font-size:10px}.stack .cap{stroke:currentColor;stroke-dasharray:3 2}";

/// Colours of the parts of memory, in their order.
const COLOURS: [&str; 7] = ["#4878a8", "#6a9a5b", "#c2a13c", "#c26a3c", "#a35d8f", "#5b9a97", "#8a8a8a"];

/// Most passes drawn; longer schedules are cut to their beginning and end.
const DRAWN: usize = 6000;

/// Writes the report. Equal inputs give equal bytes.
pub fn html(answer: &Answer) -> String {
    let mut page = Page::new(&format!("{} on {}", answer.model, answer.system));
    head(answer, page.top());
    page.section("time", "Where the time goes", |out| time(answer, out));
    page.section("schedule", "Schedule by pipeline stage", |out| schedule(answer, out));
    page.section("memory", "Memory of a device", |out| memory(answer, out));
    if answer.goodput.is_some() {
        page.section("goodput", "What failures leave", |out| goodput(answer, out));
    }
    page.section("notes", "What it rests on", |out| {
        put!(out, "<ul class=\"findings\">");
        for note in &answer.notes {
            put!(out, "<li><p>{}</p></li>", Escaped(note));
        }
        put!(out, "</ul>");
    });
    let footer = format!("<p>Lanewright {} · training step</p>", env!("CARGO_PKG_VERSION"));
    page.finish_with("training step", STYLE, &footer)
}

fn head(answer: &Answer, out: &mut String) {
    let step = &answer.step;
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Training step</p><h1>{}</h1></div>{THEME_BUTTON}</div>\
         <p class=\"lead\">{}: {}</p>",
        Name(&answer.model),
        Escaped(&answer.system),
        Escaped(&answer.layout)
    );
    let memory = step.fullest_memory();
    let (class, words) =
        if step.fits { ("good", "Fits into the memory") } else { ("bad", "Does not fit into the memory") };
    put!(
        out,
        "<p class=\"verdict {class}\"><b>{words}</b><span>{:.1} of {:.1} GiB on stage {}</span></p><dl class=\"totals\">",
        memory.total / GIB,
        answer.recipe.memory / GIB,
        memory.stage
    );
    let mut figure = |name: &str, value: String, note: String| {
        put!(
            out,
            "<div><dt>{name}</dt><dd><b class=\"figure\">{value}</b><span class=\"note\">{note}</span></dd></div>"
        );
    };
    let band = format!("80 % band {} to {}", seconds(step.seconds.low), seconds(step.seconds.high));
    figure("Step", seconds(step.seconds.likely), band);
    let each = format!("{:.0} per device", step.tokens_per_second / answer.recipe.devices as f64);
    figure("Tokens per second", format!("{:.0}", step.tokens_per_second), each);
    figure("MFU", format!("{:.1} %", 100.0 * step.mfu), format!("HFU {:.1} %", 100.0 * step.hfu));
    figure(
        "Bubble",
        format!("{:.1} %", 100.0 * step.parts.bubble / step.seconds.likely),
        format!("stage {}", step.busiest),
    );
    if let Some(kept) = answer.goodput {
        let note = format!("{:.2} failures a day", kept.goodput.failures_per_day);
        figure("Time that stays", format!("{:.1} %", 100.0 * kept.effective()), note);
    }
    put!(out, "</dl></header>\n");
}

fn time(answer: &Answer, out: &mut String) {
    let step = &answer.step;
    let parts: Vec<(&str, f64)> = step.parts.list().into_iter().filter(|(_, s)| *s > 0.0).collect();
    let scale = parts.iter().map(|(_, s)| *s).fold(0.0, f64::max);
    put!(out, "<div class=\"bars\">");
    for (name, value) in parts {
        put!(out, "<div class=\"bar-row\"><span class=\"bar-label\">{name}</span>");
        let spread = Spread { low: value, likely: value, high: value, weak: 0.0 };
        bar::bar(out, spread, scale, None, 240.0, 12.0, "");
        put!(
            out,
            "<span class=\"bar-value\"><b>{}</b> <span class=\"note\">{:.1} %</span></span></div>",
            seconds(value),
            100.0 * value / step.seconds.likely
        );
    }
    put!(out, "</div>");
}

/// Passes of all stages over time, one lane per stage.
fn schedule(answer: &Answer, out: &mut String) {
    let timeline = &answer.step.timeline;
    if timeline.slots.is_empty() || timeline.end <= 0.0 {
        put!(out, "<p>The schedule has too many passes to be drawn.</p>");
        return;
    }
    let stages = answer.recipe.stages;
    let lane = (320.0 / stages as f64).clamp(6.0, 22.0);
    let (left, width) = (56.0, 944.0);
    let height = lane * stages as f64 + 22.0;
    let each = DRAWN / stages.max(1) / 2;
    put!(
        out,
        "<svg class=\"gantt\" viewBox=\"0 0 1000 {height:.0}\" role=\"img\" aria-label=\"Passes of every stage over time\">"
    );
    let mut cut = false;
    for stage in 0..stages {
        let y = lane * stage as f64;
        put!(
            out,
            "<rect class=\"lane\" x=\"{left}\" y=\"{:.1}\" width=\"{width}\" height=\"{:.1}\"/>",
            y + 0.5,
            lane - 1.0
        );
        if lane >= 10.0 || stage % 4 == 0 {
            put!(out, "<text x=\"0\" y=\"{:.1}\">stage {stage}</text>", y + lane.min(12.0) - 1.0);
        }
        let slots: Vec<&Slot> = timeline.slots.iter().filter(|slot| slot.stage as usize == stage).collect();
        let many = slots.len() > 2 * each;
        cut |= many;
        let shown = if many { [&slots[..each], &slots[slots.len() - each..]] } else { [&slots[..], &[]] };
        for slot in shown.into_iter().flatten() {
            let class = match slot.kind {
                Kind::Forward => "f",
                Kind::Backward => "b",
                Kind::Weights => "w",
            };
            let at = |time: f64| left + width * time / timeline.end;
            // Chunks of a stage differ in shade.
            let shade = 1.0 - 0.5 * f64::from(slot.chunk) / answer.recipe.chunks.max(1) as f64;
            put!(
                out,
                "<rect class=\"{class}\" x=\"{:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{:.1}\" opacity=\"{shade:.2}\"/>",
                at(slot.start),
                y + 1.0,
                (at(slot.end) - at(slot.start) - 0.15).max(0.15),
                lane - 2.0
            );
        }
    }
    put!(
        out,
        "<text x=\"{left}\" y=\"{0:.1}\">0</text><text x=\"1000\" y=\"{0:.1}\" text-anchor=\"end\">{1}</text></svg>",
        height - 6.0,
        seconds(timeline.end)
    );
    put!(
        out,
        "<p class=\"key\"><span><i style=\"background:#4878a8\"></i>forward</span><span><i style=\"background:#c26a3c\"></i>backward</span>\
         <span><i style=\"background:#8f7f2f\"></i>gradients of weights</span>{}</p>",
        if cut { "The middle of long schedules is left out." } else { "" }
    );
}

/// One stacked bar per stage against the memory, and the fullest stage in numbers.
fn memory(answer: &Answer, out: &mut String) {
    let stages = &answer.step.memory;
    let most = stages.iter().map(|m| m.total).fold(answer.recipe.memory, f64::max) * 1.02;
    // Unlimited memories would squeeze everything else.
    let full = stages.iter().map(|m| m.total).fold(0.0, f64::max);
    let scale = if most > 20.0 * full { full * 1.1 } else { most };
    let row = (240.0 / stages.len().max(1) as f64).clamp(5.0, 20.0);
    let height = row * stages.len() as f64 + 4.0;
    put!(
        out,
        "<svg class=\"stack\" viewBox=\"0 0 1000 {height:.0}\" role=\"img\" aria-label=\"Memory of every stage\">"
    );
    for (stage, memory) in stages.iter().enumerate() {
        let (y, mut x) = (row * stage as f64, 56.0);
        if row >= 10.0 || stage % 4 == 0 {
            put!(out, "<text x=\"0\" y=\"{:.1}\">stage {stage}</text>", y + row.min(12.0) - 1.0);
        }
        for ((name, bytes), colour) in memory.parts().into_iter().zip(COLOURS) {
            let width = 944.0 * bytes / scale;
            put!(
                out,
                "<rect x=\"{x:.2}\" y=\"{:.1}\" width=\"{width:.2}\" height=\"{:.1}\" fill=\"{colour}\"><title>{name}: {:.2} GiB</title></rect>",
                y + 1.0,
                row - 2.0,
                bytes / GIB
            );
            x += width;
        }
    }
    if answer.recipe.memory <= scale {
        let x = 56.0 + 944.0 * answer.recipe.memory / scale;
        put!(out, "<path class=\"cap\" d=\"M{x:.1} 0V{height:.0}\"/>");
    }
    put!(out, "</svg><p class=\"key\">");
    for ((name, _), colour) in answer.step.fullest_memory().parts().into_iter().zip(COLOURS) {
        put!(out, "<span><i style=\"background:{colour}\"></i>{name}</span>");
    }
    put!(out, "</p>");
    const COLUMNS: &[crate::report::table::Column] = &[text("What"), number("GiB"), number("Share, %")];
    let memory = answer.step.fullest_memory();
    let mut table = Table::open(out, "memory-table", "Memory of the fullest stage", COLUMNS);
    for (name, bytes) in memory.parts() {
        table.cell(name);
        table.value(Some(bytes / GIB), &format!("{:.2}", bytes / GIB));
        let share = 100.0 * bytes / memory.total.max(1.0);
        table.value(Some(share), &format!("{share:.1}"));
    }
    table.close();
}

fn goodput(answer: &Answer, out: &mut String) {
    let Some(kept) = answer.goodput else { return };
    let g = kept.goodput;
    const COLUMNS: &[crate::report::table::Column] = &[text("What"), number("Value")];
    let mut table = Table::open(out, "goodput-table", "Failures, checkpoints, restarts", COLUMNS);
    for (name, value, shown) in [
        ("Failures a day", g.failures_per_day, format!("{:.2}", g.failures_per_day)),
        ("Checkpoint", kept.failures.checkpoint_seconds, seconds(kept.failures.checkpoint_seconds)),
        ("Work between checkpoints", g.interval_seconds, seconds(g.interval_seconds)),
        ("Restart", kept.failures.restart_seconds, seconds(kept.failures.restart_seconds)),
        ("Share of time: work that stays, %", 100.0 * kept.effective(), format!("{:.2}", 100.0 * kept.effective())),
        ("Share of time: checkpoints, %", 100.0 * g.checkpoints, format!("{:.2}", 100.0 * g.checkpoints)),
        ("Share of time: work done again, %", 100.0 * g.lost, format!("{:.2}", 100.0 * g.lost)),
        ("Share of time: restarts, %", 100.0 * g.restarts, format!("{:.2}", 100.0 * g.restarts)),
        ("Spares", kept.spares as f64, kept.spares.to_string()),
        ("Spares suffice, % of the time", 100.0 * kept.whole, format!("{:.1}", 100.0 * kept.whole)),
    ] {
        table.cell(name);
        table.value(Some(value), &shown);
    }
    table.close();
}
