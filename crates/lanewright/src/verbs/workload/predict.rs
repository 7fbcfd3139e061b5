//! `lanewright workload predict`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload predict`.
#[derive(Args, Debug)]
pub struct PredictArgs {}

/// Runs `workload predict`.
pub fn run(_args: &PredictArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
