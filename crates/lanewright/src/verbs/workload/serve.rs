//! `lanewright workload serve`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {}

/// Runs `workload serve`.
pub fn run(_args: &ServeArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
