//! `lanewright link`: lanes and channels. One file per question that can be asked of them.

mod budget;
mod fec;
mod fec_screen;
mod fec_tables;

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
    /// Error correction: what is left of a lane's errors, how many may come, latency, replay, advice
    Fec(Box<fec::FecArgs>),
    /// Loss of a path piece by piece, retimers and gearboxes, SerDes classes
    Budget(Box<budget::BudgetArgs>),
}

/// Runs `link`.
pub fn run(args: &LinkArgs, colour: bool) -> Outcome {
    match &args.command {
        LinkCommand::Fec(args) => fec::run(args, colour),
        LinkCommand::Budget(args) => budget::run(args, colour),
    }
}
