//! `lanewright workload search`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload search`.
#[derive(Args, Debug)]
pub struct SearchArgs {}

/// Runs `workload search`.
pub fn run(_args: &SearchArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
