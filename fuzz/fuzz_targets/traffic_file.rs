//! Any text as a traffic file, through to tasks that can run.
#![no_main]

use lanewright_fabric::time::Rate;
use lanewright_fabric::traffic::job::{Ground, read};
use lanewright_fabric::traffic::program::Lowering;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("fuzz.toml", text);
    let rate = Rate::gbps(400.0).expect("positive");
    let ground = Ground { endpoints: 64, rate, seed: 13, algorithm: &Lowering::usual, limit: 20_000 };
    let made = read(file, &texts, &mut problems).and_then(|job| job.traffic(&ground, &mut problems));
    problems.iter().flat_map(|problem| &problem.labels).for_each(|label| assert!(!texts.place(label.0).is_empty()));
    let Some(made) = made else {
        assert!(problems.has_errors(), "refused without a reason");
        return;
    };
    assert_eq!(made.traffic.check(64), Ok(()));
    let tasks = made.traffic.tasks.len() as u32;
    assert!(made.parts.iter().all(|part| part.tasks.end <= tasks && (part.step as usize) < made.steps.len()));
});
