//! The `lanewright` command.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lanewright::verbs::{Outcome, check, link, parts, plan, review, schema, sim, systems, workload};

/// Design, simulate and operate the connectivity of AI machines.
#[derive(Parser, Debug)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Check, plan and add up a system: the main job
    Review(review::ReviewArgs),
    /// Media, bill of materials, cost, latency and failures; variants side by side; media crossover
    Plan(plan::PlanArgs),
    /// Report all problems of a system file at once
    Check(check::CheckArgs),
    /// Lanes and channels: operating margin, eyes, error correction, budgets
    Link(link::LinkArgs),
    /// Simulate traffic over a network: packets or flows, from one switch to 100,000 endpoints
    Sim(Box<sim::SimArgs>),
    /// Language models, training and camera pipelines on accelerators: tokens, steps, frames
    Workload(workload::WorkloadArgs),
    /// The parts catalogue with its sources
    Parts(parts::PartsArgs),
    /// List the bundled systems, or print one
    Systems(systems::SystemsArgs),
    /// Print the JSON Schema of a file
    Schema(schema::SchemaArgs),
    /// Print a shell's completion script
    #[command(
        after_help = "Example: lanewright completions bash > ~/.local/share/bash-completion/completions/lanewright"
    )]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let command = Command::parse();
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let outcome = match &command.verb {
        Verb::Review(args) => review::run(args, colour),
        Verb::Plan(args) => plan::run(args, colour),
        Verb::Check(args) => check::run(args, colour),
        Verb::Link(args) => link::run(args, colour),
        Verb::Sim(args) => sim::run(args, colour),
        Verb::Workload(args) => workload::run(args, colour),
        Verb::Parts(args) => parts::run(args, colour),
        Verb::Systems(args) => systems::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Completions { shell } => completions(*shell),
    };
    // A closed pipe (`| head`) is no failure.
    let _ = std::io::stderr().write_all(outcome.err.as_bytes());
    let _ = std::io::stdout().write_all(outcome.out.as_bytes());
    ExitCode::from(outcome.exit.code())
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut <Command as clap::CommandFactory>::command(), "lanewright", &mut script);
    Outcome::clean(String::from_utf8_lossy(&script).into_owned())
}
