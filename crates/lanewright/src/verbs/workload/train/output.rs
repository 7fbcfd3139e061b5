//! A training step as a table, as JSON, and as a page.

use std::fmt::Write as _;

use lanewright_workload::train::recipe::Recipe;
use lanewright_workload::train::step::TrainingStep;
use serde_json::{Map, Value, json};

use super::TrainArgs;
use crate::terminal::table;
use crate::verbs::{Exit, Outcome, json_text};

/// A predicted step with what was asked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Name of the model.
    pub model: String,
    /// Name of the system or device.
    pub system: String,
    /// The layout in words.
    pub layout: String,
    /// What was predicted.
    pub recipe: Recipe,
    /// What it takes.
    pub step: TrainingStep,
    /// Changes with which it would fit.
    pub remedies: Vec<String>,
    /// What it rests on.
    pub notes: Vec<String>,
}

/// Bytes of a GiB.
pub const GIB: f64 = 1_073_741_824.0;

/// Prints and writes what was asked for.
pub fn finish(args: &TrainArgs, answer: &Answer) -> Outcome {
    let out = if args.json { json_text(json_of(answer)) } else { text(answer) };
    let (err, exit) = if answer.step.fits {
        (String::new(), Exit::Clean)
    } else {
        (format!("error: {}\n  help: {}\n", too_much(answer), remedies(answer)), Exit::Broken)
    };
    Outcome { out, err, exit }
}

/// How much is missing.
fn too_much(answer: &Answer) -> String {
    let memory = answer.step.fullest_memory();
    let (need, have) = (memory.total / GIB, answer.recipe.memory / GIB);
    format!(
        "stage {} needs {need:.1} GiB on each device, {:.1} GiB more than the {have:.1} GiB that there are",
        memory.stage,
        need - have
    )
}

/// What would fit.
fn remedies(answer: &Answer) -> String {
    let memory = answer.step.fullest_memory();
    let over = memory.total - answer.recipe.memory;
    let mut parts = memory.parts();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let largest: Vec<String> =
        parts.iter().take(2).map(|(name, bytes)| format!("{name} {:.1} GiB", bytes / GIB)).collect();
    let would = match answer.remedies.as_slice() {
        [] => format!("spread it over more devices: {:.1} GiB must go", over / GIB),
        list => format!("it fits with {}", list.join("; or with ")),
    };
    format!("most is {}; {would}", largest.join(" and "))
}

fn json_of(answer: &Answer) -> Value {
    let step = &answer.step;
    let memory = step.fullest_memory();
    let mut parts = Map::new();
    for (name, seconds) in step.parts.list() {
        parts.insert(key(name), json!(seconds));
    }
    let mut held = Map::new();
    for (name, bytes) in memory.parts() {
        held.insert(key(name), json!(bytes));
    }
    json!({
        "model": answer.model,
        "system": answer.system,
        "layout": answer.layout,
        "step_seconds": step.seconds.likely,
        "step_seconds_low": step.seconds.low,
        "step_seconds_high": step.seconds.high,
        "breakdown_seconds": parts,
        "tokens_per_second": step.tokens_per_second,
        "mfu": step.mfu,
        "hfu": step.hfu,
        "model_flops": step.model_flops,
        "bubble_share": step.parts.bubble / step.seconds.likely,
        "link_seconds": {
            "tensor": step.on_links[0],
            "context": step.on_links[1],
            "expert": step.on_links[2],
            "data": step.on_links[3] + step.data_on_links,
        },
        "memory": {
            "fits": step.fits,
            "stage": memory.stage,
            "bytes": memory.total,
            "capacity_bytes": answer.recipe.memory,
            "host_bytes": memory.host,
            "parts_bytes": held,
            "stage_bytes": step.memory.iter().map(|m| m.total).collect::<Vec<f64>>(),
        },
        "notes": answer.notes,
    })
}

/// A name as a key.
fn key(name: &str) -> String {
    name.replace([' ', '-'], "_")
}

/// Seconds in a unit that suits them.
pub fn seconds(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.1} s"),
        v if v >= 1.0 => format!("{value:.3} s"),
        v if v >= 1e-3 => format!("{:.2} ms", value * 1e3),
        v if v > 0.0 => format!("{:.2} us", value * 1e6),
        _ => "0".into(),
    }
}

fn text(answer: &Answer) -> String {
    let step = &answer.step;
    let mut out = format!("{} on {}\n{}\n", answer.model, answer.system, answer.layout);
    let _ = writeln!(
        out,
        "\nstep {} (80 % band {} to {}), {:.0} tokens/s, MFU {:.1} %, HFU {:.1} %, bubble {:.1} %",
        seconds(step.seconds.likely),
        seconds(step.seconds.low),
        seconds(step.seconds.high),
        step.tokens_per_second,
        100.0 * step.mfu,
        100.0 * step.hfu,
        100.0 * step.parts.bubble / step.seconds.likely
    );
    let rows = step
        .parts
        .list()
        .iter()
        .filter(|(_, s)| *s > 0.0)
        .map(|(name, s)| vec![(*name).to_string(), seconds(*s), format!("{:.1}", 100.0 * s / step.seconds.likely)])
        .collect();
    out += &table(&format!("WHERE IT GOES (stage {}, the busiest)", step.busiest), &["PART", ">TIME", ">%"], rows);
    let memory = step.fullest_memory();
    let mut rows: Vec<Vec<String>> = memory
        .parts()
        .iter()
        .filter(|(_, bytes)| *bytes > 0.0)
        .map(|(name, bytes)| {
            vec![(*name).to_string(), format!("{:.2}", bytes / GIB), format!("{:.1}", 100.0 * bytes / memory.total)]
        })
        .collect();
    rows.push(vec![
        "all".into(),
        format!("{:.2}", memory.total / GIB),
        format!("of {:.1} GiB", answer.recipe.memory / GIB),
    ]);
    out += &table(&format!("MEMORY OF A DEVICE (stage {}, the fullest)", memory.stage), &["WHAT", ">GiB", ">%"], rows);
    if memory.host > 0.0 {
        let _ = writeln!(out, "and {:.2} GiB per device on the host", memory.host / GIB);
    }
    for note in &answer.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}
