//! Any text as a pipeline file, through to a short simulation.
#![no_main]

use std::sync::LazyLock;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_twin::bundled::catalogue_layer;
use lanewright_workload::pipeline::bound::bounds;
use lanewright_workload::pipeline::concrete::{Pick, values};
use lanewright_workload::pipeline::feasible::feasible;
use lanewright_workload::pipeline::read;
use lanewright_workload::pipeline::simulate::run;
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&[catalogue_layer()], &mut Texts::new(), &mut Problems::new()));

fuzz_target!(|text: &str| {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("fuzz.toml", text);
    let made = read(file, &texts, &CATALOGUE, &mut problems);
    problems.iter().flat_map(|problem| &problem.labels).for_each(|label| assert!(!texts.place(label.0).is_empty()));
    let Some(mut made) = made else {
        assert!(problems.has_errors(), "refused without a reason");
        return;
    };
    made.seconds = made.seconds.min(0.05);
    made.warm_up = made.warm_up.min(0.05);
    let likely = values(&made, &mut Pick::Likely);
    assert!(likely.alone.iter().all(|seconds| seconds.is_finite() && *seconds > 0.0));
    assert!(feasible(&made).memory.likely.is_finite());
    let worst = bounds(&made, &likely);
    assert_eq!(worst.response.len(), made.streams.len());
    let ran = run(&made, &likely, 1);
    assert!(ran.chains.iter().flat_map(|chain| &chain.latencies).all(|latency| latency.is_finite()));
    let shares = ran.busy.iter().zip(&made.engines);
    assert!(shares.into_iter().all(|(busy, _)| busy.is_finite() && *busy >= 0.0));
});
