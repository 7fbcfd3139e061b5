//! `lanewright workload kernels`.

use clap::Args;

use crate::verbs::Outcome;

/// Options of `workload kernels`.
#[derive(Args, Debug)]
pub struct KernelsArgs {}

/// Runs `workload kernels`.
pub fn run(_args: &KernelsArgs, _colour: bool) -> Outcome {
    Outcome::bad_input("not built into this version\n".into())
}
