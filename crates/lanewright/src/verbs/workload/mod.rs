//! `lanewright workload`: models, engines and pipelines on accelerators. One file per question.

mod calibrate;
mod calibrate_engines;
mod kernels;
mod models;
mod pipeline;
mod predict;
pub mod predict_one;
pub mod search;
pub mod serve;
mod tiers;
pub(crate) mod train;

use clap::{Args, Subcommand};

use super::Outcome;

/// Options of `workload`.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct WorkloadArgs {
    /// What to do
    #[command(subcommand)]
    pub command: WorkloadCommand,
}

/// What to ask of workloads.
#[derive(Subcommand, Debug)]
pub enum WorkloadCommand {
    /// Time to first token, time per token and throughput of a model on accelerators, one layout or a file of them
    Predict(Box<predict::PredictArgs>),
    /// Simulate a serving engine request by request: arrivals, batching, caches, limits
    Serve(Box<serve::ServeArgs>),
    /// Training steps: time, memory, exposed communication, goodput
    Train(Box<train::TrainArgs>),
    /// Camera pipelines on an edge system: latency, drops, memory traffic, watts
    Pipeline(Box<pipeline::PipelineArgs>),
    /// The best layouts of a model under limits of latency
    Search(Box<search::SearchArgs>),
    /// Caches in DDR, CXL memory or flash: what a hit costs, against computing it again
    Tiers(Box<tiers::TiersArgs>),
    /// Latency of single kernels on a device, for a file of shapes
    Kernels(Box<kernels::KernelsArgs>),
    /// Fit the kernel and engine models from measured rows
    Calibrate(Box<calibrate::CalibrateArgs>),
    /// The built-in models and those of a configuration file: shapes, parameters, cache
    Models(Box<models::ModelsArgs>),
}

/// Runs `workload`.
pub fn run(args: &WorkloadArgs, colour: bool) -> Outcome {
    match &args.command {
        WorkloadCommand::Predict(args) => predict::run(args, colour),
        WorkloadCommand::Serve(args) => serve::run(args, colour),
        WorkloadCommand::Train(args) => train::run(args, colour),
        WorkloadCommand::Pipeline(args) => pipeline::run(args, colour),
        WorkloadCommand::Search(args) => search::run(args, colour),
        WorkloadCommand::Tiers(args) => tiers::run(args, colour),
        WorkloadCommand::Kernels(args) => kernels::run(args, colour),
        WorkloadCommand::Calibrate(args) => calibrate::run(args, colour),
        WorkloadCommand::Models(args) => models::run(args, colour),
    }
}
