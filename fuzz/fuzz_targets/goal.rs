//! Any text as a GOAL text, through to traffic.
#![no_main]

use lanewright_fabric::traffic::goal::read;
use lanewright_fabric::traffic::program::{Lowering, SendDone};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("fuzz.goal", text);
    let Some(goal) = read(file, &texts, &mut problems) else {
        assert!(problems.has_errors());
        problems.iter().flat_map(|problem| &problem.labels).for_each(|label| assert!(!texts.place(label.0).is_empty()));
        return;
    };
    for send_done in [SendDone::Begun, SendDone::Acknowledged] {
        match goal.programs.traffic(&Lowering { send_done, algorithm: &Lowering::usual, template: None }) {
            Ok((traffic, of)) => assert_eq!(of.len(), traffic.tasks.len()),
            Err(errors) => errors.iter().for_each(|error| assert!(!goal.problem(error).message.is_empty())),
        }
    }
});
