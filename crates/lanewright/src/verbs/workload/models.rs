//! `lanewright workload models`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload models`.
#[derive(Args, Debug)]
pub struct ModelsArgs {}

/// Runs `workload models`.
pub fn run(_args: &ModelsArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
