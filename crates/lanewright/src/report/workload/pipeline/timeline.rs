//! Who works when: cameras and engines over a window of the run, and the memory's traffic below on the same axis.

use lanewright_workload::pipeline::checked::Pipeline;
use lanewright_workload::pipeline::outcome::Outcome;
use lanewright_workload::pipeline::simulate::{Lane, Span};

use super::COLOURS;
use crate::number;
use crate::report::chart::{Axis, Chart, key};
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::text;

const WIDTH: f64 = 1180.0;
const LABEL: f64 = 150.0;
const ROW: f64 = 18.0;

/// Rows of single cameras that are drawn; more look alike.
const CAMERAS: usize = 6;

/// Rows of engines.
const ROWS: usize = 40;

/// Writes the section.
pub fn write(made: &Pipeline, seen: &Outcome, page: &mut Page) {
    page.section("timeline", "Who works when", |out| {
        lanes(made, seen, out);
        memory(seen, out);
    });
}

fn name_of(made: &Pipeline, owner: usize) -> String {
    match made.streams.get(owner) {
        Some(stream) => {
            let stage = &made.stages[stream.stage];
            let many = stage.streams.len() > 1;
            if many { format!("{} {}", stage.id, owner - stage.streams.start) } else { stage.id.clone() }
        }
        None => {
            made.llms.get(owner.wrapping_sub(made.streams.len())).map_or_else(|| "frame".into(), |llm| llm.id.clone())
        }
    }
}

/// A colour for a stage or model: equal ones for the streams of a stage.
fn colour(made: &Pipeline, owner: usize) -> usize {
    made.streams
        .get(owner)
        .map_or_else(|| made.stages.len() + owner.wrapping_sub(made.streams.len()), |stream| stream.stage)
}

fn lanes(made: &Pipeline, seen: &Outcome, out: &mut String) {
    let (from, to) = seen.run.window;
    let mut rows: Vec<(Lane, usize, String)> = Vec::new();
    for (at, table) in made.instances.iter().enumerate().take(CAMERAS) {
        let source = &made.sources[*table];
        let first = made.instances.iter().position(|of| of == table).unwrap_or(0);
        let many = if source.count > 1 { format!(" {}", at - first) } else { String::new() };
        rows.push((Lane::Instance(at), 0, format!("{}{many}", source.id)));
    }
    for (at, engine) in made.engines.iter().enumerate() {
        for place in 0..engine.count {
            let used = seen.run.spans.iter().any(|span| span.lane == Lane::Engine(at) && span.place == place);
            if used || place == 0 {
                let many = if engine.count > 1 { format!(" {place}") } else { String::new() };
                rows.push((Lane::Engine(at), place, format!("{}{many}", engine.id)));
            }
        }
    }
    rows.truncate(ROWS);
    let height = ROW * rows.len() as f64 + 24.0;
    let x = |time: f64| LABEL + (time - from) / (to - from).max(1e-9) * (WIDTH - LABEL - 4.0);
    put!(
        out,
        "<figure class=\"panel\"><figcaption>{} ms of the run with likely figures</figcaption><div class=\"scroll\">\
         <svg class=\"gantt\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Cameras and engines at work over {} ms\">",
        number::decimals((to - from) * 1e3, 0),
        number::decimals((to - from) * 1e3, 0)
    );
    let step = step_of((to - from) * 1e3);
    let mut grid = String::new();
    let mut tick = 0.0;
    while tick <= (to - from) * 1e3 + 1e-9 {
        let at = x(from + tick * 1e-3);
        put!(grid, "M{at:.1} 0V{:.1}", height - 18.0);
        put!(
            out,
            "<text class=\"soft\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            height - 4.0,
            number::decimals(tick, 0)
        );
        tick += step;
    }
    put!(out, "<path class=\"grid\" d=\"{grid}\"/>");
    for (row, (lane, place, name)) in rows.iter().enumerate() {
        let y = ROW * row as f64 + 2.0;
        put!(out, "<text x=\"2\" y=\"{:.1}\">{}</text>", y + 11.0, Escaped(&text::fit(name, 12.0, LABEL - 8.0)));
        for span in seen.run.spans.iter().filter(|span| span.lane == *lane && span.place == *place) {
            block(made, span, (x(span.from), x(span.to)), y, out);
        }
    }
    put!(out, "</svg></div>");
    let mut entries: Vec<(&str, String)> = Vec::new();
    for (at, stage) in made.stages.iter().enumerate() {
        entries.push((COLOURS[at % COLOURS.len()], Escaped(&stage.id).to_string()));
    }
    for (at, llm) in made.llms.iter().enumerate() {
        entries.push((COLOURS[(made.stages.len() + at) % COLOURS.len()], Escaped(&llm.id).to_string()));
    }
    key(out, &entries);
    put!(
        out,
        "<p class=\"note\">Milliseconds. Grey: a camera reads out. A job's block is longer than its own time where it waits for memory.</p></figure>"
    );
}

fn block(made: &Pipeline, span: &Span, (left, right): (f64, f64), y: f64, out: &mut String) {
    let class = if span.owner == usize::MAX { "frame" } else { COLOURS[colour(made, span.owner) % COLOURS.len()] };
    put!(
        out,
        "<rect class=\"{class}\" x=\"{left:.2}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"13\"><title>{}: {} ms</title></rect>",
        (right - left - 0.4).max(0.4),
        Escaped(&name_of(made, span.owner)),
        number::decimals((span.to - span.from) * 1e3, 2)
    );
}

/// Milliseconds between ticks: 1, 2 or 5 times a power of ten, ten to twenty of them.
fn step_of(span: f64) -> f64 {
    let rough = (span / 12.0).max(1e-3);
    let decade = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * decade)
}

fn memory(seen: &Outcome, out: &mut String) {
    let (from, to) = seen.run.window;
    let traffic = &seen.run.traffic;
    if traffic.is_empty() {
        return;
    }
    let capacity = seen.capacity * 1e-9;
    let mut moved = Vec::with_capacity(2 * traffic.len());
    let mut asked = Vec::with_capacity(2 * traffic.len());
    for (at, (time, is, wants)) in traffic.iter().enumerate() {
        let until = traffic.get(at + 1).map_or(to, |next| next.0).min(to);
        for x in [(time - from) * 1e3, (until - from) * 1e3] {
            moved.push((x, is * 1e-9));
            asked.push((x, wants * 1e-9));
        }
    }
    let most = asked.iter().map(|point| point.1).fold(capacity, f64::max);
    // A few bursts may ask for many times what there is.
    let top = most.min(3.0 * capacity) * 1.06;
    put!(
        out,
        "<figure class=\"panel\"><figcaption>Memory traffic, moved and asked for</figcaption><div class=\"scroll wide-chart\">"
    );
    let label = format!(
        "Memory traffic over {} ms, at most {} GB/s",
        number::decimals((to - from) * 1e3, 0),
        number::figures(most, 3)
    );
    let axis = Axis::linear(0.0, (to - from) * 1e3);
    let mut chart = Chart::open(out, (WIDTH, 220.0), (axis, "ms"), (Axis::linear(0.0, top), "GB/s"), &label);
    let floor: Vec<(f64, f64)> = moved.iter().map(|point| (point.0, 0.0)).collect();
    chart.curve("p4", &asked);
    chart.area("p0", &floor, &moved);
    chart.curve("p0", &moved);
    chart.level("target", capacity);
    chart.close();
    put!(out, "</div>");
    key(
        out,
        &[
            ("p0", "moved".to_string()),
            ("p4", "asked for by jobs at their own pace".to_string()),
            ("target", format!("what the memory carries: {} GB/s", number::figures(capacity, 3))),
        ],
    );
    put!(out, "</figure>");
}
