//! `lanewright workload train`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload train`.
#[derive(Args, Debug)]
pub struct TrainArgs {}

/// Runs `workload train`.
pub fn run(_args: &TrainArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
