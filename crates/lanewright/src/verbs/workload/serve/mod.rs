//! `lanewright workload serve`: an engine under requests, simulated event by event.

pub mod answer;
mod deployment;
mod measured;
mod requests_out;
mod source;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::serve::metrics::{Limits, Metrics};
use lanewright_workload::serve::route::Routing;
use lanewright_workload::serve::settings::Policy;
use lanewright_workload::serve::simulate;

use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Options of `workload serve`.
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Lengths are written 1024, 512..2048 or lognormal:MEDIAN:SIGMA[:MOST], in tokens.

Examples:
  lanewright workload serve --model llama-3.1-8b --device h100-sxm --rate 4 --input 1024 --output 256
  lanewright workload serve --model llama-3.1-70b --device h100-sxm --tp 8 --concurrency 64 --input 512..2048 --output 256
  lanewright workload serve --replay requests.jsonl.gz --config cluster.json --json
  lanewright workload serve --replay azure.csv.gz --model qwen3-32b --device h200-sxm --tp 2 --replicas 4 \\
                            --routing least-loaded --ttft-limit-ms 500 --tpot-limit-ms 40 -o report.html
  lanewright workload serve --model llama-3.1-70b --device h100-sxm --tp 4 --prefill-replicas 2 --decode-replicas 2 \\
                            --kv-gbytes-per-s 50 --rate 6 --input 4096 --output 512
  lanewright workload serve --model llama-3.1-8b --device h100-sxm --rate 8 --draft-tokens 3 --acceptance 0.7

A log of a vLLM run has one JSON object per line (input_toks, output_toks, arrival_time, and if known queued_ts,
scheduled_ts, first_token_ts, last_token_ts); a trace is CSV with arrived_at, num_prefill_tokens, num_decode_tokens.
Where a log has measured times, they stand beside the simulated ones. Times of engines count from the scheduler's
queue, as engines log them; the others from the client's call.

Exit code 0; 2 when a file or flag cannot be used, or the model does not fit."
)]
pub struct ServeArgs {
    /// Requests to replay: a vLLM log (JSON lines) or a trace (CSV), packed with gzip or not
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "concurrency", "input", "output_tokens", "requests"])]
    pub replay: Option<PathBuf>,
    /// Deployment in the style of LLMServingSim: nodes, instances, their models and memory
    #[arg(long, value_name = "C.json", conflicts_with_all = ["device", "replicas", "prefill_replicas", "decode_replicas"])]
    pub config: Option<PathBuf>,
    /// Engine arguments that a vLLM run recorded (engine_kwargs)
    #[arg(long, value_name = "META.json")]
    pub engine: Option<PathBuf>,
    /// Model: a built-in name, or a config.json from disk
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Device of the catalogue
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Devices that share every product
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub tp: Option<u32>,
    /// Ranks with requests of their own that share the experts and step together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub dp: Option<u32>,
    /// Weights: bf16, fp8, int4, nvfp4, ...
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Where requests come from.
    #[command(flatten)]
    pub source: source::SourceArgs,
    /// How the engine schedules.
    #[command(flatten)]
    pub engine_flags: deployment::EngineArgs,
    /// Milliseconds to the first token that a request may take to count as goodput
    #[arg(long, value_name = "MS")]
    pub ttft_limit_ms: Option<f64>,
    /// Mean milliseconds per further token that a request may take to count as goodput
    #[arg(long, value_name = "MS")]
    pub tpot_limit_ms: Option<f64>,
    /// Dollars per device and hour, for dollars per million tokens
    #[arg(long, value_name = "USD")]
    pub usd_per_hour: Option<f64>,
    /// Watts of a device that works; by default 85 % of its limit, an estimate
    #[arg(long, value_name = "W")]
    pub busy_watts: Option<f64>,
    /// Watts of a device that waits; by default 15 % of its limit, an estimate
    #[arg(long, value_name = "W")]
    pub idle_watts: Option<f64>,
    /// Write every request's times (.csv or .jsonl)
    #[arg(long, value_name = "FILE")]
    pub requests_out: Option<PathBuf>,
    /// Write a report (HTML)
    #[arg(short = 'o', long = "report", value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Whose scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyArg {
    /// vLLM: prompts cut to the budget ride along with decoding
    Vllm,
    /// TensorRT-LLM: whole prompts ride along; nothing is preempted
    Trtllm,
    /// SGLang: prompts go first, in steps of their own
    Sglang,
    /// One batch after another
    Static,
}

impl From<PolicyArg> for Policy {
    fn from(arg: PolicyArg) -> Self {
        match arg {
            PolicyArg::Vllm => Self::Vllm,
            PolicyArg::Trtllm => Self::Trtllm,
            PolicyArg::Sglang => Self::Sglang,
            PolicyArg::Static => Self::Static,
        }
    }
}

/// How requests are spread over replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoutingArg {
    /// In turn
    RoundRobin,
    /// To the least loaded
    LeastLoaded,
    /// To where the prefix is
    PrefixAffine,
}

impl From<RoutingArg> for Routing {
    fn from(arg: RoutingArg) -> Self {
        match arg {
            RoutingArg::RoundRobin => Self::RoundRobin,
            RoutingArg::LeastLoaded => Self::LeastLoaded,
            RoutingArg::PrefixAffine => Self::PrefixAffine,
        }
    }
}

/// Which model of a step is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StepsArg {
    /// Calibrated kernels where the device was measured, rooflines elsewhere
    Auto,
    /// Calibrated kernels, carried over from the nearest measured device where there is none
    Kernels,
    /// Rooflines
    Roofline,
}

/// Runs `workload serve`.
pub fn run(args: &ServeArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    match serve(args, &catalogue) {
        Ok(out) => Outcome { out, err: String::new(), exit: Exit::Clean },
        Err(why) => Outcome::bad_input(format!("error: {why}\n")),
    }
}

fn serve(args: &ServeArgs, catalogue: &lanewright_model::catalogue::Catalogue) -> Result<String, String> {
    let positive = [
        ("--ttft-limit-ms", args.ttft_limit_ms),
        ("--tpot-limit-ms", args.tpot_limit_ms),
        ("--usd-per-hour", args.usd_per_hour),
        ("--busy-watts", args.busy_watts),
        ("--idle-watts", args.idle_watts),
    ];
    if let Some((flag, value)) = positive.iter().find(|(_, value)| value.is_some_and(|v| !v.is_finite() || v < 0.0)) {
        return Err(format!("{flag} is {}: a number of 0 or more is needed", value.unwrap_or_default()));
    }
    if let Some(path) = &args.requests_out {
        requests_out::check(path)?;
    }
    let source = source::read(args)?;
    let plan = deployment::plan(args, catalogue, source.closed)?;
    let found = simulate::run(&source.trace.requests, &plan.deployment())?;
    let limits =
        Limits { ttft_s: args.ttft_limit_ms.map(|ms| ms * 1e-3), tpot_s: args.tpot_limit_ms.map(|ms| ms * 1e-3) };
    let metrics = Metrics::of(&found, &limits, &plan.running(args)).ok_or("there are no requests")?;
    let measured = measured::Measured::of(&source.trace, &found);
    let answer = answer::Answer {
        title: plan.title(),
        requests: source.title,
        settings: plan.in_words(),
        calibrated_on: plan.calibrated_on,
        metrics,
        limits,
        measured,
        notes: plan.notes.clone(),
    };
    if let Some(path) = &args.requests_out {
        requests_out::write(path, &source.trace, &found)?;
    }
    if let Some(path) = &args.report {
        let html = crate::report::workload::serve::html(&answer, &source.trace, &found);
        disk::write(path, html.as_bytes())?;
    }
    Ok(if args.json { json_text(serde_json::to_value(&answer).unwrap_or_default()) } else { answer.draw() })
}
