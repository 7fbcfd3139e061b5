//! `lanewright link`: lanes and channels. One file per question that can be asked of them.

mod budget;
pub mod channels;
mod check;
pub mod com;
mod com_report;
mod convert;
mod eye;
mod fec;
mod fec_screen;
mod fec_tables;
mod network_files;
mod optics;
mod presets;
pub mod setup;
mod sweep;

use clap::{Args, Subcommand};

use super::Outcome;

/// Options of `link`.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct LinkArgs {
    /// What to do
    #[command(subcommand)]
    pub command: LinkCommand,
}

/// What to do with channels.
#[derive(Subcommand, Debug)]
pub enum LinkCommand {
    /// Channel operating margin of a channel with its aggressors, or of folders of them
    Com(Box<com::ComArgs>),
    /// One channel over a grid of values of a sheet's rows
    Sweep(Box<sweep::SweepArgs>),
    /// The built-in sheets, with the source and certainty of every row
    Presets(presets::PresetsArgs),
    /// Error correction: what is left of a lane's errors, how many may come, latency, replay, advice
    Fec(Box<fec::FecArgs>),
    /// Loss of a path piece by piece, retimers and gearboxes, SerDes classes
    Budget(Box<budget::BudgetArgs>),
    /// Statistical eye behind a reference receiver: PCI Express, CXL, UCIe, or a COM sheet's
    Eye(Box<eye::EyeArgs>),
    /// Whether to believe channels: passive, causal, reciprocal, enough frequencies, port order
    Check(check::CheckArgs),
    /// Other formats, references, modes, ports, frequencies; cascades; fixtures taken off
    Convert(Box<convert::ConvertArgs>),
}

/// Runs `link`.
pub fn run(args: &LinkArgs, colour: bool) -> Outcome {
    match &args.command {
        LinkCommand::Com(args) => com::run(args, colour),
        LinkCommand::Sweep(args) => sweep::run(args),
        LinkCommand::Presets(args) => presets::run(args),
        LinkCommand::Fec(args) => fec::run(args, colour),
        LinkCommand::Budget(args) => budget::run(args, colour),
        LinkCommand::Eye(args) => eye::run(args, colour),
        LinkCommand::Check(args) => check::run(args, colour),
        LinkCommand::Convert(args) => convert::run(args, colour),
    }
}
