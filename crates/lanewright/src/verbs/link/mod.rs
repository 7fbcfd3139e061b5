//! `lanewright link`: lanes and channels. One file per question that can be asked of them.

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
pub enum LinkCommand {}

/// Runs `link`.
pub fn run(args: &LinkArgs, _colour: bool) -> Outcome {
    match args.command {}
}
