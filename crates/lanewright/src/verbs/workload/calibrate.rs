//! `lanewright workload calibrate`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload calibrate`.
#[derive(Args, Debug)]
pub struct CalibrateArgs {}

/// Runs `workload calibrate`.
pub fn run(_args: &CalibrateArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
