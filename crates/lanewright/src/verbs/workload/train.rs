//! `lanewright workload train`: what a training step takes, where it goes, what fills the memory.

mod files;
mod output;

use std::path::PathBuf;

use clap::Args;

use crate::verbs::{CatalogueArgs, Outcome};

/// Options of `workload train`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright workload train --layout layout.json --model gpt3-175B.json --system a100_80g.json
  lanewright workload train --layout layout.json --model gpt3-175B.json --system a100_80g.json --json
  lanewright workload train --layout layout.json --model m.json --system s.json --vocabulary 0 -o step.html

With --layout: files of Calculon (models, systems, layouts); every key must be known and given.

Exit code 0 when the step fits into the memory, 1 when it does not, 2 when the input cannot be used.")]
pub struct TrainArgs {
    /// Layout of Calculon: what the ranks do
    #[arg(long, value_name = "FILE", requires = "system")]
    pub layout: Option<PathBuf>,
    /// Model: a file of Calculon's with --layout
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// System of Calculon: device and networks with their efficiencies
    #[arg(long, value_name = "FILE", requires = "layout")]
    pub system: Option<PathBuf>,
    /// Tokens of the vocabulary for --layout, whose models do not say (0: no embedding, no logits) [default: 51200]
    #[arg(long, value_name = "TOKENS", requires = "layout", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub vocabulary: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write an HTML report
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Runs `workload train`.
pub fn run(args: &TrainArgs, _colour: bool) -> Outcome {
    match &args.layout {
        Some(layout) => files::run(args, layout),
        None => Outcome::bad_input("error: give --layout, --model and --system\n".into()),
    }
}
