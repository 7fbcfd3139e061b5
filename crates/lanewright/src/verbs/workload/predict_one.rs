//! `lanewright workload predict` for one deployment, told by flags.

mod asked;
mod edge;
pub mod shown;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::Kind;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::correction::fitting::Correction;
use lanewright_workload::energy::bill::Tariff;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::predict::anatomy;
use lanewright_workload::predict::predictor::Predictor;
use lanewright_workload::step::job::job;
use serde_json::json;

use super::train;
use crate::disk;
use crate::report::workload::predict as report;
use crate::verbs::{Outcome, json_text};

/// Flags of one deployment.
#[derive(Args, Debug)]
pub struct OneArgs {
    /// Model: a built-in name, or a config.json of Hugging Face
    #[arg(long, value_name = "NAME|config.json", conflicts_with = "batch", requires = "device")]
    pub model: Option<String>,
    /// Accelerator or edge chip: a part of the catalogue, or a spelling in use (h100-sxm, b200, orin)
    #[arg(long, value_name = "NAME", requires = "model")]
    pub device: Option<String>,
    /// Devices that share every matrix
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub tp: u32,
    /// Groups of attention with sequences of their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub dp: u32,
    /// Ways in which experts are divided whole; by default all devices of a stage with --dp, else 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub ep: Option<u32>,
    /// Stages of layers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub pp: u32,
    /// Replicas that share the requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replicas: u32,
    /// Workers that take prompts, with their layout, such as 4xtp2
    #[arg(long, value_name = "NxLAYOUT", requires = "decode", conflicts_with_all = ["tp", "dp", "ep", "pp", "replicas"])]
    pub prefill: Option<String>,
    /// Workers that write answers, with their layout, such as 2xtp8 or 1xtp1dp16
    #[arg(long, value_name = "NxLAYOUT", requires = "prefill")]
    pub decode: Option<String>,
    /// Weights: bf16, fp8, int4, nvfp4, mxfp4, ...; by default as the name or the configuration says, else bf16
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Routed experts, where they are stored in another format
    #[arg(long, value_name = "FORMAT")]
    pub experts_format: Option<String>,
    /// Keys and values; by default fp8 beside weights of 8 bits or fewer, else bf16
    #[arg(long, value_name = "FORMAT")]
    pub cache: Option<String>,
    /// Engine: vllm, trtllm, sglang
    #[arg(long, value_name = "NAME", default_value = "vllm")]
    pub backend: String,
    /// Its version
    #[arg(long, value_name = "VERSION", default_value = "")]
    pub backend_version: String,
    /// Tokens of a prompt
    #[arg(long = "input", value_name = "TOKENS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub input_tokens: u32,
    /// Tokens of an answer
    #[arg(long = "output", value_name = "TOKENS", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub output_tokens: u32,
    /// Requests in flight over all replicas; an edge chip by default has 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub concurrency: Option<u32>,
    /// Dollars of a device; by default the catalogue's
    #[arg(long, value_name = "USD")]
    pub device_usd: Option<f64>,
    /// Years over which the price is spread
    #[arg(long, value_name = "YEARS", default_value_t = 4.0)]
    pub life_years: f64,
    /// Share of its life in which a device serves
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub used_share: f64,
    /// Dollars per kilowatt-hour
    #[arg(long, value_name = "USD", default_value_t = 0.08)]
    pub usd_per_kwh: f64,
    /// Watts of a host with its network cards per eight devices; by default 1500 to 2500
    #[arg(long, value_name = "W")]
    pub host_watts: Option<f64>,
    /// Power at the meter over power at the equipment; by default 1.1 to 1.5
    #[arg(long, value_name = "RATIO")]
    pub pue: Option<f64>,
    /// Write a step as a job for a fabric: a .json file, or a folder of Chakra traces, one per rank of a worker
    #[arg(long, value_name = "FILE.json|FOLDER", requires = "model")]
    pub job: Option<PathBuf>,
    /// Which step
    #[arg(long, value_enum, default_value_t = StepArg::Decode, requires = "job")]
    pub job_step: StepArg,
    /// Print JSON
    #[arg(long, conflicts_with = "batch")]
    pub json: bool,
}

/// Which step of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StepArg {
    /// One that decodes
    Decode,
    /// One prompt alone
    Prompt,
}

impl OneArgs {
    fn tariff(&self, catalogue_usd: Option<f64>) -> Result<Tariff, String> {
        let usual = Tariff::default();
        let tariff = Tariff {
            device_usd: self.device_usd.or(catalogue_usd),
            life_years: self.life_years,
            used_share: self.used_share,
            usd_per_kwh: self.usd_per_kwh,
            host_w: self.host_watts.map_or(usual.host_w, |watts| Estimate::exact(watts / 8.0)),
            overhead: self.pue.map_or(usual.overhead, Estimate::exact),
        };
        tariff.check()?;
        Ok(tariff)
    }
}

/// Predicts one deployment.
pub fn run(args: &OneArgs, output: Option<&PathBuf>, catalogue: &Catalogue) -> Result<Outcome, String> {
    let name = args.device.as_deref().ok_or("say on which device: --device NAME")?;
    let device = Accelerator::find(catalogue, name)?;
    let part = catalogue.parts.iter().find(|part| part.id.value == device.id);
    if let Some(part) = part.filter(|part| part.kind == Kind::Soc) {
        return edge::run(args, output, part);
    }
    let tariff = args.tariff(device.price_usd)?;
    let asked = asked::deployment(args, &device)?;
    let deployment = &asked.deployment;
    let correction = Correction::built_in();
    let mut predictor = Predictor::new(Calibration::built_in(), correction);
    let anatomy = anatomy::of(&mut predictor, correction, deployment, &device, &tariff);
    let one = shown::Shown { asked: &asked, device: &device, tariff: &tariff, anatomy: &anatomy };
    if let Some(path) = output {
        let sweep: Vec<(f64, anatomy::Anatomy)> = asked::concurrencies(deployment.concurrency)
            .into_iter()
            .map(|concurrency| {
                let other = lanewright_workload::predict::deployment::Deployment { concurrency, ..deployment.clone() };
                (concurrency, anatomy::of(&mut predictor, correction, &other, &device, &tariff))
            })
            .collect();
        disk::write(path, report::html(&one, &sweep).as_bytes())?;
    }
    if let Some(path) = &args.job {
        write_job(args, path, &one, &mut predictor)?;
    }
    if args.json {
        return Ok(Outcome::clean(json_text(json!({
            "deployment": deployment,
            "device": device,
            "tariff": tariff,
            "prediction": anatomy,
            "notes": one.notes(),
        }))));
    }
    let mut out = one.text();
    if let Some(path) = output {
        out += &format!("\nreport written to {}\n", path.display());
    }
    if let Some(path) = &args.job {
        out += &format!("\njob written to {}\n", path.display());
    }
    Ok(Outcome::clean(out))
}

/// Writes a step of the worker that takes it.
fn write_job(
    args: &OneArgs,
    path: &std::path::Path,
    one: &shown::Shown<'_>,
    predictor: &mut Predictor<'_>,
) -> Result<(), String> {
    let deployment = &one.asked.deployment;
    let wanted = |pool: &anatomy::PoolAnatomy| match args.job_step {
        StepArg::Decode => pool.decode.as_ref().map(|step| (pool.layout, step.load)),
        StepArg::Prompt => pool.prompt.as_ref().map(|step| (pool.layout, step.load)),
    };
    let (layout, load) = one.anatomy.pools.iter().find_map(wanted).ok_or("no pool takes such a step")?;
    let engines = predictor.engines(one.device, &deployment.backend, &deployment.version);
    let engine = engines.engine(&deployment.model, &layout, &deployment.precision);
    let name = format!("{}, {}", one.title(), shown::spread(&layout));
    let job = job(&engine, &layout, &load, &name).map_err(|error| error.to_string())?;
    train::job::put(&job, path)
}
