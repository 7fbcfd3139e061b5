//! `lanewright workload train`: what a training step takes, where it goes, what fills the memory.

mod files;
pub mod job;
mod machine;
pub(crate) mod output;
mod search;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::verbs::{CatalogueArgs, Outcome};

/// Options of `workload train`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright workload train
  lanewright workload train --model meta-llama/Llama-3.1-70B --device h100-sxm --devices 512 --batch 1024
  lanewright workload train --model meta-llama/Llama-3.1-405B --devices 16384 --tp 8 --pp 16 --dp 128 --batch 2048 --seq 8192
  lanewright workload train --model deepseek-ai/DeepSeek-V3 --device h200-sxm --devices 2048 --ep 64 --pp 16 --format fp8_block
  lanewright workload train --model ./config.json --device mi300x --devices 64 --zero 3 --recompute full --json
  lanewright workload train --model meta-llama/Llama-3.1-70B --devices 4096 --mtbf 50000 --spares 16 -o step.html
  lanewright workload train --devices 16 --tp 4 --pp 2 --dp 2 --batch 8 --job step
  lanewright workload train --layout layout.json --model gpt3-175B.json --system a100_80g.json --json

What is not said of the layout (--tp, --pp, --dp, --recompute, ...) is chosen: the fastest that fits.
With --layout: files of Calculon (models, systems, layouts); every key must be known and given.

Exit code 0 when the step fits into the memory, 1 when it does not, 2 when the input cannot be used.")]
pub struct TrainArgs {
    /// Layout of Calculon: what the ranks do
    #[arg(long, value_name = "FILE", requires = "system")]
    pub layout: Option<PathBuf>,
    /// Model: a built-in one or a config.json; with --layout, a model of Calculon [default: meta-llama/Llama-3.1-8B]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// System of Calculon: device and networks with their efficiencies
    #[arg(long, value_name = "FILE", requires = "layout")]
    pub system: Option<PathBuf>,
    /// Tokens of the vocabulary for --layout, whose models do not say (0: no embedding, no logits) [default: 51200]
    #[arg(long, value_name = "TOKENS", requires = "layout", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub vocabulary: Option<u64>,
    /// What the machine and its layout are
    #[command(flatten, next_help_heading = "Machine")]
    pub machine: MachineArgs,
    /// What failures cost
    #[command(flatten, next_help_heading = "Failures")]
    pub failures: FailureArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write an HTML report
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the step as a job for a fabric: a .json file, or a new folder of Chakra traces (.et), one per rank, which
    /// `lanewright sim --traffic` takes
    #[arg(long, value_name = "PATH")]
    pub job: Option<PathBuf>,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// The machine and how ranks share the work.
#[derive(Args, Debug, Default)]
pub struct MachineArgs {
    /// Accelerator of the catalogue [default: h100-sxm]
    #[arg(long, value_name = "DEVICE", conflicts_with = "layout")]
    pub device: Option<String>,
    /// Accelerators [default: --tp x --pp x --cp x --dp, or 64]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub devices: Option<u64>,
    /// Ranks that share matrices (tensor parallelism)
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub tp: Option<u64>,
    /// Pipeline stages
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub pp: Option<u64>,
    /// Ranks with other data
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub dp: Option<u64>,
    /// Ranks that share a sequence (context parallelism) [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub cp: Option<u64>,
    /// Ranks that share experts (1: split every expert like a matrix)
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub ep: Option<u64>,
    /// Sequences of a step, all ranks [default: 4 million tokens, fewer on few devices]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub batch: Option<u64>,
    /// Sequences of a micro-batch [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub micro_batch: Option<u64>,
    /// Tokens of a sequence [default: 8192]
    #[arg(long, value_name = "TOKENS", conflicts_with = "layout")]
    pub seq: Option<u64>,
    /// Chunks of layers per stage (interleaved schedule)
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub interleave: Option<u64>,
    /// Order of passes: 1f1b, or zero-bubble (gradients of weights fill the gaps)
    #[arg(long, value_enum, default_value = "1f1b", conflicts_with = "layout")]
    pub schedule: ScheduleArg,
    /// What is computed again: nothing, norms and activation functions, or whole layers
    #[arg(long, value_enum, conflicts_with = "layout")]
    pub recompute: Option<RecomputeArg>,
    /// What ranks with other data shard: 0 nothing, 1 optimizer, 2 and gradients, 3 and weights [default: 1]
    #[arg(long, value_name = "STAGE", value_parser = clap::value_parser!(u8).range(0..=3), conflicts_with = "layout")]
    pub zero: Option<u8>,
    /// Do not split norms along the sequence (no sequence parallelism)
    #[arg(long, conflicts_with = "layout")]
    pub no_sp: bool,
    /// Overlap of tensor-parallel transfers with products
    #[arg(long, value_enum, default_value = "none", conflicts_with = "layout")]
    pub tp_overlap: OverlapArg,
    /// Send gradients after the backward pass, not during it
    #[arg(long, conflicts_with = "layout")]
    pub no_dp_overlap: bool,
    /// Format of products with weights: bf16, fp8, fp8_block
    #[arg(long, value_name = "FORMAT", default_value = "bf16", conflicts_with = "layout")]
    pub format: String,
    /// Devices of a scale-up domain [default: 72 for GB200 and GB300, else 8]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub domain: Option<u64>,
    /// Network between domains, GB/s per device and direction [default: 25 for devices below 500 TFLOP/s, else 50]
    #[arg(long, value_name = "GBPS", conflicts_with = "layout")]
    pub network: Option<f64>,
    /// What a device costs per hour, USD [default: its price over four years and its power at 0.08 USD/kWh, PUE 1.25]
    #[arg(long, value_name = "USD", conflicts_with = "layout")]
    pub dollars_per_hour: Option<f64>,
}

/// What failures cost.
#[derive(Args, Debug, Default)]
pub struct FailureArgs {
    /// Hours between failures of one device that stop the job [default: from the catalogue's FIT, all causes]
    #[arg(long, value_name = "HOURS", conflicts_with = "layout")]
    pub mtbf: Option<f64>,
    /// Seconds that a checkpoint stops the devices [default: 14 bytes per parameter at --storage]
    #[arg(long, value_name = "SECONDS", conflicts_with = "layout")]
    pub checkpoint: Option<f64>,
    /// Storage that takes checkpoints, GB/s for all devices [default: 0.122 per device, Llama 3's 2 TB/s for 16,384]
    #[arg(long, value_name = "GBPS", conflicts_with = "layout")]
    pub storage: Option<f64>,
    /// Seconds of work between checkpoints [default: the best]
    #[arg(long, value_name = "SECONDS", conflicts_with = "layout")]
    pub interval: Option<f64>,
    /// Seconds from a failure to work again
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, conflicts_with = "layout")]
    pub restart: f64,
    /// Spare devices that stand by [default: as many as keep the machine whole 99 % of the time]
    #[arg(long, value_name = "N", conflicts_with = "layout")]
    pub spares: Option<u64>,
}

/// Order of passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// One forward, one backward; interleaved with --interleave
    #[default]
    #[value(name = "1f1b")]
    OneForwardOneBackward,
    /// Gradients of weights fill the gaps
    ZeroBubble,
}

/// What is computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecomputeArg {
    /// Nothing
    None,
    /// Norms and activation functions
    Selective,
    /// Whole layers
    Full,
}

/// Overlap of tensor-parallel transfers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OverlapArg {
    /// None
    #[default]
    None,
    /// A ring of tiles
    Ring,
    /// A pipeline of tiles
    Pipe,
}

/// Runs `workload train`.
pub fn run(args: &TrainArgs, colour: bool) -> Outcome {
    match &args.layout {
        Some(layout) => files::run(args, layout),
        None => machine::run(args, colour),
    }
}
