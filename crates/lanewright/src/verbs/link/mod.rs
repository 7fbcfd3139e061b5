//! `lanewright link`: lanes and channels. One file per question that can be asked of them.

mod budget;
mod check;
mod convert;
mod network_files;

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
    /// Loss of a path piece by piece, retimers and gearboxes, SerDes classes
    Budget(Box<budget::BudgetArgs>),
    /// Whether to believe channels: passive, causal, reciprocal, enough frequencies, port order
    Check(check::CheckArgs),
    /// Other formats, references, modes, ports, frequencies; cascades; fixtures taken off
    Convert(Box<convert::ConvertArgs>),
}

/// Runs `link`.
pub fn run(args: &LinkArgs, colour: bool) -> Outcome {
    match &args.command {
        LinkCommand::Budget(args) => budget::run(args, colour),
        LinkCommand::Check(args) => check::run(args, colour),
        LinkCommand::Convert(args) => convert::run(args, colour),
    }
}
