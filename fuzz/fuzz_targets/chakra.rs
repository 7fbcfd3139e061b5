//! Any bytes as the traces of two ranks, through to traffic; what is read must come back from what is written.
#![no_main]

use lanewright_fabric::traffic::chakra::{Trace, job};
use lanewright_fabric::traffic::program::{Lowering, SendDone};
use lanewright_model::problem::Problems;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(trace) = Trace::read(bytes) {
        let written = trace.write();
        let again = Trace::read(&written).expect("what was written can be read");
        assert_eq!(again.write(), written);
        assert_eq!(again.nodes.len(), trace.nodes.len());
    }
    let mut problems = Problems::new();
    // Groups of more ranks would make each input larger than it needs to be.
    let Some(job) = job(&[("0.et", bytes), ("1.et", bytes)], &mut problems) else {
        assert!(problems.has_errors());
        return;
    };
    let how = Lowering { send_done: SendDone::Acknowledged, algorithm: &Lowering::usual, template: None };
    if let Err(errors) = job.programs.traffic(&how) {
        errors.iter().for_each(|error| assert!(!job.problem(error).message.is_empty()));
    }
});
