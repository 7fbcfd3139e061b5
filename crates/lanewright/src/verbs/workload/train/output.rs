//! A training step as a table, as JSON, and as a page.

use std::fmt::Write as _;

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::train::goodput::{Failures, Goodput};
use lanewright_workload::train::plan::Plan;
use lanewright_workload::train::recipe::Recipe;
use lanewright_workload::train::step::TrainingStep;
use serde_json::{Map, Value, json};

use super::TrainArgs;
use crate::terminal::table;
use crate::verbs::{Exit, Outcome, json_text};
use crate::{disk, report};

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
    /// The plan, where it is not from files.
    pub plan: Option<Plan>,
    /// What devices draw and cost.
    pub costs: Option<Costs>,
    /// What failures leave.
    pub goodput: Option<Kept>,
}

/// What failures leave of the time.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Failures and what they cost.
    pub failures: Failures,
    /// What is left.
    pub goodput: Goodput,
    /// Spares.
    pub spares: u64,
    /// Share of the time in which they suffice.
    pub whole: f64,
}

impl Kept {
    /// Share of the time that is work which stays, waits for repairs included.
    pub fn effective(&self) -> f64 {
        self.goodput.effective * self.whole
    }
}

/// What a device draws and costs.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Power limit, W.
    pub limit_w: f64,
    /// USD per device and hour; none where no price is known.
    pub dollars_per_hour: Option<f64>,
}

/// Shares of the power limit: idle; memory-bound or waiting for links; busy with products. Measured serving of Llama-3.1 on
/// H100 lies between 0.58 and 0.98 (ML.ENERGY); idle and waiting are estimates.
const POWER: [f64; 3] = [0.15, 0.5, 0.95];

/// Years over which a price is spread, USD per kWh, and power of the site per power of the devices.
const OVER_LIFE: (f64, f64, f64) = (4.0, 0.08, 1.25);

impl Costs {
    /// Of a device, with what it costs per hour where that is said.
    pub fn new(device: &Accelerator, said: Option<f64>) -> Self {
        let (years, kwh, pue) = OVER_LIFE;
        let own = device.price_usd.map(|price| price / (years * 8766.0) + device.power_w * 1e-3 * kwh * pue);
        Self { limit_w: device.power_w, dollars_per_hour: said.or(own) }
    }

    /// Mean watts of a device over a step.
    fn watts(&self, step: &TrainingStep) -> f64 {
        let p = &step.parts;
        let busy = (p.forward + p.backward + p.recompute) / step.seconds.likely;
        let moving =
            (p.tensor + p.context + p.expert + p.data + p.pipeline + p.optimizer + p.offload) / step.seconds.likely;
        let idle = (1.0 - busy - moving).max(0.0);
        self.limit_w * (POWER[2] * busy + POWER[1] * moving + POWER[0] * idle)
    }
}

/// Bytes of a GiB.
pub const GIB: f64 = 1_073_741_824.0;

/// Prints and writes what was asked for.
pub fn finish(args: &TrainArgs, answer: &Answer) -> Outcome {
    let out = if args.json { json_text(json_of(answer)) } else { text(answer) };
    for written in [
        args.output.as_deref().map(|path| disk::write(path, report::workload::train::html(answer).as_bytes())),
        args.job.as_deref().map(|path| super::job::write(answer, path)),
    ] {
        if let Some(Err(why)) = written {
            return Outcome::bad_input(format!("error: {why}\n"));
        }
    }
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
        "plan": answer.plan,
        "energy": answer.costs.filter(|c| c.limit_w > 0.0).map(|costs| {
            let watts = costs.watts(step);
            let joules = watts * answer.recipe.devices as f64 * step.seconds.likely;
            json!({ "device_watts": watts, "joules_per_step": joules, "joules_per_token": joules / answer.recipe.tokens })
        }),
        "dollars_per_million_tokens": dollars(answer),
        "goodput": answer.goodput.map(|kept| json!({
            "effective_share": kept.effective(),
            "effective_tokens_per_second": kept.effective() * step.tokens_per_second,
            "failures_per_day": kept.goodput.failures_per_day,
            "checkpoint_seconds": kept.failures.checkpoint_seconds,
            "interval_seconds": kept.goodput.interval_seconds,
            "young_interval_seconds": kept.failures.young(),
            "restart_seconds": kept.failures.restart_seconds,
            "shares": { "checkpoints": kept.goodput.checkpoints, "lost_work": kept.goodput.lost, "restarts": kept.goodput.restarts },
            "spares": kept.spares,
            "spares_suffice_share": kept.whole,
        })),
        "notes": answer.notes,
    })
}

/// USD per million tokens that stay.
fn dollars(answer: &Answer) -> Option<f64> {
    let hourly = answer.costs?.dollars_per_hour? * answer.recipe.devices as f64;
    let share = answer.goodput.map_or(1.0, |kept| kept.effective());
    (share > 0.0).then(|| hourly / 3600.0 / (answer.step.tokens_per_second * share) * 1e6)
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
    if let Some(costs) = answer.costs.filter(|c| c.limit_w > 0.0) {
        let watts = costs.watts(step);
        let joules = watts * answer.recipe.devices as f64 * step.seconds.likely;
        let _ = writeln!(
            out,
            "\nenergy: {:.0} W per device (estimate), {:.3} MJ per step, {:.3} J per token",
            watts,
            joules * 1e-6,
            joules / answer.recipe.tokens
        );
    }
    if let Some(kept) = answer.goodput {
        let g = kept.goodput;
        let _ = writeln!(
            out,
            "goodput: {:.1} % of the time stays, {:.0} tokens/s: {:.2} failures a day, a checkpoint of {} every {}; {:.1} % checkpoints, \
             {:.1} % work done again, {:.1} % restarts; {} spares suffice {:.1} % of the time",
            100.0 * kept.effective(),
            kept.effective() * step.tokens_per_second,
            g.failures_per_day,
            seconds(kept.failures.checkpoint_seconds),
            seconds(g.interval_seconds),
            100.0 * g.checkpoints,
            100.0 * g.lost,
            100.0 * g.restarts,
            kept.spares,
            100.0 * kept.whole
        );
    }
    if let Some(dollars) = dollars(answer) {
        let _ = writeln!(out, "cost: {dollars:.3} USD per million tokens");
    }
    for note in &answer.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}
