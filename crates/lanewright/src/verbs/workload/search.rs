//! `lanewright workload search`: the best layouts of a model under limits of latency.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::correction::fitting::Correction;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::layout::Layout;
use lanewright_workload::models::transformer::Transformer;
use lanewright_workload::models::{self, config};
use lanewright_workload::predict::deployment::{Mode, Pool};
use lanewright_workload::predict::predictor::Predictor;
use lanewright_workload::predict::steady::STAGES_WORDS;
use lanewright_workload::search::price::{HourPrice, Ownership};
use lanewright_workload::search::{Found, Limits, Modes, Objective, Question, Reasons, Row, search};
use serde_json::json;

use crate::number::{count, figures};
use crate::report::workload::search as page;
use crate::terminal::table;
use crate::verbs::link::com::bad_input;
use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Largest configuration of a model that is read.
const CONFIG_BYTES: usize = 64 << 20;

/// Options of `workload search`.
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Looked at are tensor, attention-data, expert and pipeline parallelism, workers that do both or pools apart for
prompts and answers with all their splits, every format that is allowed, and a ladder of batch sizes. Rates count all
devices at hand, idle ones too. Bands hold about 80 % of measurements.

Examples:
  lanewright workload search --model meta-llama/Llama-3.1-70B --device h100-sxm --devices 8 --input 1024 --output 1024
  lanewright workload search --model llama-3.1-70b --device h100-sxm --devices 8 --input 4096 --output 512 \\
                             --ttft-ms 500 --tpot-ms 30 --formats fp8,bf16 -o report.html
  lanewright workload search --model deepseek-v3 --device h200-sxm --devices 16 --input 1024 --output 1024 \\
                             --formats fp8 --backend sglang --tpot-ms 50 --json
  lanewright workload search --model qwen3-235b-a22b --device h100-sxm --devices 8 --input 2048 --output 256 \\
                             --objective cost --usd-per-hour 2.1

Exit code 0; 2 when an argument is wrong or the model fits no layout, with what would."
)]
pub struct SearchArgs {
    /// Model: a built-in name, or a config.json from disk
    #[arg(long, value_name = "NAME")]
    pub model: String,
    /// Device of the catalogue
    #[arg(long, value_name = "NAME")]
    pub device: String,
    /// Devices at hand
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub devices: u32,
    /// Devices of a domain that groups of tensors, attention and experts stay in; by default 8, of rack-scale parts 72
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub domain: Option<u32>,
    /// Tokens of a prompt
    #[arg(long, value_name = "TOKENS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub input: u32,
    /// Tokens of an answer
    #[arg(long = "output", value_name = "TOKENS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub answer: u32,
    /// Limit of the time to the first token
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub ttft_ms: Option<f64>,
    /// Limit of the time per token
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub tpot_ms: Option<f64>,
    /// Formats that the model may be stored in
    #[arg(long, value_name = "FORMAT,..", value_delimiter = ',', default_value = "fp8")]
    pub formats: Vec<String>,
    /// Engine
    #[arg(long, value_enum, default_value_t = BackendArg::Vllm)]
    pub backend: BackendArg,
    /// Version of the engine
    #[arg(long, value_name = "VERSION", default_value = "")]
    pub backend_version: String,
    /// Workers that do both, pools apart, or either
    #[arg(long, value_enum, default_value_t = ModesArg::Both)]
    pub mode: ModesArg,
    /// What is best
    #[arg(long, value_enum, default_value_t = ObjectiveArg::Throughput)]
    pub objective: ObjectiveArg,
    /// Sequences of one attention group at most
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub most_batch: u32,
    /// Dollars of a device per hour; by default from the catalogue's price and power
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub usd_per_hour: Option<f64>,
    /// Years over which the catalogue's price is paid off
    #[arg(long, value_name = "YEARS", default_value_t = 4.0, conflicts_with = "usd_per_hour")]
    pub life_years: f64,
    /// Dollars per kWh
    #[arg(long, value_name = "USD", default_value_t = 0.08, conflicts_with = "usd_per_hour")]
    pub usd_per_kwh: f64,
    /// Power at the meter over power of devices
    #[arg(long, value_name = "RATIO", default_value_t = 1.3, conflicts_with = "usd_per_hour")]
    pub pue: f64,
    /// Rows of the table
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write a report with the front and the memory of the best
    #[arg(short = 'o', long = "report", value_name = "REPORT.html")]
    pub report: Option<PathBuf>,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendArg {
    /// vLLM
    Vllm,
    /// SGLang
    Sglang,
    /// TensorRT-LLM
    Trtllm,
}

impl BackendArg {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Trtllm => "trtllm",
        }
    }
}

/// Ways of sharing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModesArg {
    /// Workers that do both
    Aggregated,
    /// Pools apart
    Disaggregated,
    /// Either
    Both,
}

/// What is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ObjectiveArg {
    /// Most tokens per second and device
    Throughput,
    /// Fewest dollars per token
    Cost,
}

/// What was asked and found, for tables and pages.
pub struct Answer {
    /// Model, devices, engine.
    pub title: String,
    /// Limits in words.
    pub limits: String,
    /// Limit of the time per token, seconds.
    pub tpot_limit: Option<f64>,
    /// What it found.
    pub found: Found,
    /// Dollars per hour of a device.
    pub hour: Option<HourPrice>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Runs `workload search`.
pub fn run(args: &SearchArgs, colour: bool) -> Outcome {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut problems);
    if problems.has_errors() {
        return Outcome::bad_input(problems::draw(&problems, &texts, colour));
    }
    let answer = Accelerator::find(&catalogue, &args.device).and_then(|device| answer(args, &device));
    match answer.and_then(|answer| written(args, &answer)) {
        Ok(out) => Outcome { out, err: String::new(), exit: Exit::Clean },
        Err(why) => bad_input(&format!("{why}\n"), args.json),
    }
}

fn written(args: &SearchArgs, answer: &Answer) -> Result<String, String> {
    let mut out = if args.json { json_text(as_json(answer)) } else { text(answer, args.top) };
    if let Some(path) = &args.report {
        disk::write(path, page::html(answer).as_bytes())?;
        if !args.json {
            out.push_str(&format!("report: {}\n", path.display()));
        }
    }
    Ok(out)
}

/// A built-in model, a guess by size, or one from a configuration file; with what there is to say about it.
pub(super) fn model(name: &str) -> Result<(Transformer, Vec<String>), String> {
    let path = Path::new(name);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        let text = disk::read_packed(path, CONFIG_BYTES).map_err(|why| format!("{name}: {why}"))?;
        let read = config::parse(&text, name).map_err(|error| error.in_file(name))?;
        return Ok((read.model, Vec::new()));
    }
    if let Ok(model) = models::find(name) {
        return Ok((model, Vec::new()));
    }
    let model = models::guess(name).map_err(|unknown| unknown.to_string())?;
    Ok((model, vec![format!("no model `{name}` is built in: its shape is guessed from its size, and bands are wider")]))
}

/// Formats by name.
pub(super) fn formats(names: &[String]) -> Result<Vec<Format>, String> {
    let mut found = Vec::new();
    for name in names {
        let format = Format::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            format!("`{name}` is no format; known are {}", known.join(", "))
        })?;
        if !found.contains(&format) {
            found.push(format);
        }
    }
    Ok(found)
}

/// Devices of a scale-up domain: eight on a board, 72 in a rack of NVL72 (their public name).
fn domain(device: &Accelerator) -> u32 {
    let rack = ["nvidia/gb200", "nvidia/gb300", "nvidia/rubin"];
    if rack.iter().any(|rack| device.id.starts_with(rack)) { 72 } else { 8 }
}

fn answer(args: &SearchArgs, device: &Accelerator) -> Result<Answer, String> {
    let (model, mut notes) = model(&args.model)?;
    let formats = formats(&args.formats)?;
    let positive = |name: &str, value: f64| {
        if value > 0.0 && value.is_finite() {
            Ok(value)
        } else {
            Err(format!("--{name} is {value}; expected more than 0"))
        }
    };
    let terms = Ownership {
        life_years: positive("life-years", args.life_years)?,
        usd_per_kwh: positive("usd-per-kwh", args.usd_per_kwh)?,
        pue: positive("pue", args.pue)?,
    };
    let hour = match args.usd_per_hour {
        Some(usd) => Some(HourPrice { usd: positive("usd-per-hour", usd)? }),
        None => HourPrice::owned(device, &terms),
    };
    if args.usd_per_hour.is_none() && hour.is_some() {
        notes.push(format!(
            "dollars: the catalogue's price of the device over {} years and its power limit at {} USD/kWh; servers and \
             network come on top (--usd-per-hour says otherwise)",
            figures(terms.life_years, 3),
            figures(terms.usd_per_kwh, 3)
        ));
    }
    let seconds = |name: &str, limit: Option<f64>| limit.map(|ms| positive(name, ms).map(|ms| ms * 1e-3)).transpose();
    let limits = Limits { ttft: seconds("ttft-ms", args.ttft_ms)?, tpot: seconds("tpot-ms", args.tpot_ms)? };
    let question = Question {
        model: &model,
        formats: &formats,
        devices: args.devices,
        domain: args.domain.unwrap_or_else(|| domain(device)),
        backend: args.backend.name(),
        version: &args.backend_version,
        input: f64::from(args.input),
        output: f64::from(args.answer),
        limits,
        objective: match args.objective {
            ObjectiveArg::Throughput => Objective::Throughput,
            ObjectiveArg::Cost => Objective::Cost,
        },
        modes: match args.mode {
            ModesArg::Aggregated => Modes::Aggregated,
            ModesArg::Disaggregated => Modes::Disaggregated,
            ModesArg::Both => Modes::Both,
        },
        most_batch: args.most_batch,
        hour,
    };
    notes.push(match Correction::built_in() {
        Some(correction) => format!(
            "kernels measured on A100, H100 and B200, corrected by {} measured runs of engines",
            count(correction.rows as u64)
        ),
        None => "kernels measured on A100, H100 and B200; bands of engines around them are estimates".into(),
    });
    let mut predictor = Predictor::new(Calibration::built_in(), Correction::built_in());
    let found = search(&question, device, &mut predictor)?;
    if found.best.iter().any(|row| row.layout().pipeline > 1) {
        notes.push(STAGES_WORDS.into());
    }
    if device.weak {
        notes.push(format!("peaks of {} rest on general knowledge or estimates", device.name));
    }
    let words = |name: &str, limit: Option<f64>| limit.map(|ms| format!("{name} up to {} ms", figures(ms, 4)));
    let stated: Vec<String> =
        words("first token", args.ttft_ms).into_iter().chain(words("token", args.tpot_ms)).collect();
    Ok(Answer {
        title: format!(
            "{} on {} x {}, {}, {} tokens in and {} out",
            model.name,
            args.devices,
            device.name,
            args.backend.name(),
            count(args.input.into()),
            count(args.answer.into())
        ),
        limits: if stated.is_empty() { "no limits".into() } else { stated.join(", ") },
        tpot_limit: limits.tpot,
        found,
        hour,
        notes,
    })
}

/// `TP 4, EP 8` without what is 1.
pub(crate) fn layout(layout: &Layout) -> String {
    let parts = [("TP", layout.tensor), ("DP", layout.data), ("EP", layout.expert), ("PP", layout.pipeline)];
    let named: Vec<String> = parts.iter().filter(|(_, n)| *n > 1).map(|(name, n)| format!("{name} {n}")).collect();
    if named.is_empty() { "single".into() } else { named.join(" ") }
}

/// Pools of a row: `2 x (TP 4)` or `1 x (TP 4) to 1 x (TP 4)`.
pub(crate) fn pools(mode: &Mode) -> String {
    let pool = |pool: &Pool| format!("{} x ({})", pool.workers.unwrap_or(1.0), layout(&pool.layout));
    match mode {
        Mode::Aggregated(both) => pool(both),
        Mode::Disaggregated { prefill, decode } => format!("{} to {}", pool(prefill), pool(decode)),
    }
}

/// `12.3 (10.1-15.0)`.
pub(crate) fn band(estimate: Estimate, scale: f64) -> String {
    let show = |value: f64| figures(value * scale, 3);
    format!("{} ({}-{})", show(estimate.likely), show(estimate.low), show(estimate.high))
}

fn cells(row: &Row) -> Vec<String> {
    vec![
        pools(&row.mode),
        row.format.name().into(),
        row.batch.to_string(),
        count(row.concurrency as u64),
        band(row.ttft, 1e3),
        band(row.tpot, 1e3),
        band(row.per_user, 1.0),
        band(row.per_device, 1.0),
        row.usd_per_million.map_or_else(|| "-".into(), |usd| band(usd, 1.0)),
        if row.sure { "yes" } else { "likely" }.into(),
    ]
}

const HEADS: [&str; 10] = [
    "LAYOUT",
    "FORMAT",
    ">BATCH",
    ">IN FLIGHT",
    ">TTFT ms",
    ">TPOT ms",
    ">TOKENS/S USER",
    ">TOKENS/S DEVICE",
    ">USD/M TOKENS",
    "KEEPS LIMITS",
];

fn text(answer: &Answer, top: usize) -> String {
    let found = &answer.found;
    let mut out = format!("{}\n{}\n\n", answer.title, answer.limits);
    if found.best.is_empty() {
        out.push_str("nothing keeps the limits");
        if let Some(near) = &found.nearest {
            out.push_str(&format!(
                "; nearest: {} in {}, batch {}: first token {} ms, token {} ms",
                pools(&near.mode),
                near.format.name(),
                near.batch,
                band(near.ttft, 1e3),
                band(near.tpot, 1e3)
            ));
        }
        out.push_str("\n\n");
    } else {
        let rows = found.best.iter().take(top).map(cells).collect();
        out.push_str(&table("BEST (likely and band of 80 %; every layout with its best batch)", &HEADS, rows));
        out.push('\n');
    }
    let front = |row: &Row| {
        let mut cells = cells(row);
        cells.truncate(8);
        cells
    };
    // Neighbours on a long front differ by little.
    let step = found.front.len().div_ceil(24).max(1);
    let rows = found.front.iter().step_by(step).map(front).collect();
    out.push_str(&table("FRONT (from the fastest user to the busiest device)", &HEADS[..8], rows));
    out.push('\n');
    for (what, number) in reasons(&found.reasons) {
        out.push_str(&format!("{:>9}  {what}\n", count(number as u64)));
    }
    for note in found.doubts.iter().map(|doubt| doubt.words().to_owned()).chain(answer.notes.iter().cloned()) {
        out.push_str(&format!("note: {note}\n"));
    }
    out
}

/// Counts in words.
pub(crate) fn reasons(counted: &Reasons) -> Vec<(&'static str, usize)> {
    let all = [
        ("layouts of one worker and a format", counted.layouts),
        ("  heads, layers or experts do not divide", counted.not_divisible),
        ("  groups would span domains", counted.beyond_domain),
        ("  do not fit the memory", counted.not_fitting),
        ("deployments of what fits", counted.deployments),
        ("points: deployments and batches", counted.points),
        ("  the cache does not hold so many sequences", counted.cache_full),
        ("  prompts come faster than their pool takes them", counted.prompts_too_slow),
        ("  first token too late", counted.ttft_too_long),
        ("  tokens too slow", counted.tpot_too_long),
        ("  both", counted.both_too_long),
        ("  within the limits", counted.within),
    ];
    all.into_iter().filter(|(what, number)| *number > 0 || what.contains("within")).collect()
}

fn row_json(row: &Row) -> serde_json::Value {
    json!({
        "pools": pools(&row.mode),
        "mode": row.mode,
        "format": row.format.name(),
        "batch": row.batch,
        "concurrency": row.concurrency,
        "devices": row.devices,
        "ttft_s": row.ttft,
        "tpot_s": row.tpot,
        "tokens_per_s_user": row.per_user,
        "tokens_per_s_device": row.per_device,
        "usd_per_million_tokens": row.usd_per_million,
        "memory_bytes": row.memory,
        "within_limits": row.within,
        "surely_within_limits": row.sure,
    })
}

fn as_json(answer: &Answer) -> serde_json::Value {
    let found = &answer.found;
    json!({
        "title": answer.title,
        "limits": answer.limits,
        "usd_per_device_hour": answer.hour.map(|hour| hour.usd),
        "best": found.best.iter().map(row_json).collect::<Vec<_>>(),
        "front": found.front.iter().map(row_json).collect::<Vec<_>>(),
        "nearest": found.nearest.as_ref().map(row_json),
        "looked_at": found.reasons,
        "doubts": found.doubts.iter().map(|doubt| doubt.words()).collect::<Vec<_>>(),
        "notes": answer.notes,
    })
}
