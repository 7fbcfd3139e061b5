//! `lanewright workload pipeline`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload pipeline`.
#[derive(Args, Debug)]
pub struct PipelineArgs {}

/// Runs `workload pipeline`.
pub fn run(_args: &PipelineArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
