//! Tests of whole pipelines.

use lanewright_model::catalogue::{Catalogue, Layer};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::bound::{bounds, chain};
use super::checked::Pipeline;
use super::concrete::{Pick, values};
use super::glass::{Budget, budget};
use super::outcome::{Options, Outcome, outcome};
use super::simulate::run;

/// The catalogue's files that pipelines name.
fn catalogue() -> Catalogue {
    let files = [
        ("edge-socs.toml", include_str!("../../../../catalogue/edge-socs.toml")),
        ("cameras.toml", include_str!("../../../../catalogue/cameras.toml")),
        ("sensors.toml", include_str!("../../../../catalogue/sensors.toml")),
    ];
    let layer: Layer = files.iter().map(|(name, text)| (name.to_string(), (*text).into())).collect();
    // Sources and protocols stand in other files; parts are there all the same.
    Catalogue::load(&[layer], &mut Texts::new(), &mut Problems::new())
}

fn read(text: &str) -> Result<Pipeline, String> {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("test.toml", text);
    let made = super::read(file, &texts, &catalogue(), &mut problems);
    made.ok_or_else(|| {
        let words = problems.iter().map(|problem| {
            let place = problem.labels.first().map_or_else(String::new, |label| texts.place(label.0));
            format!("{place} {}: {}", problem.code, problem.message)
        });
        words.collect::<Vec<_>>().join("\n")
    })
}

fn made(text: &str) -> Pipeline {
    read(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn seen(text: &str) -> Outcome {
    outcome(&made(text), Options { seed: 1, draws: 0 }, &|| {})
}

fn bundled(name: &str) -> &'static str {
    super::bundled::find(name).unwrap_or_else(|| panic!("{name} is bundled"))
}

fn budget_of(text: &str) -> Budget {
    let made = made(text);
    let likely = values(&made, &mut Pick::Likely);
    budget(&made, 0, &bounds(&made, &likely), &likely).unwrap_or_else(|| panic!("a way"))
}

/// 60 Hz, direct: 4 + 16 + 0.1 + 2 + 16.7 + 8.3 + 8 + 10 = 65 ms, by hand.
#[test]
fn a_mirror_at_60_hz() {
    let found = budget_of(bundled("cms-mirror-60"));
    assert!((found.total.likely * 1e3 - 65.1).abs() < 0.2, "{found:#?}");
    assert!(found.total.high < 0.2 && found.checks.iter().all(|check| check.holds), "{found:#?}");
    // A whole picture more of waiting, the beginning of the exposure, the slow panel, one frame lost.
    let worst = 8.0 + 16.0 + 0.1 + 2.0 + 16.667 + 16.667 + 16.0 + 20.0 + 16.667;
    assert!((found.total.high * 1e3 - worst).abs() < 0.2, "{found:#?}");
}

/// 30 Hz with two frame buffers: 8 + 33 + 0.1 + 33 + 33 + 8.3 + 8 + 10 = 134 ms, by hand; with a lost frame 167 ms.
#[test]
fn a_mirror_at_30_hz() {
    let found = budget_of(bundled("cms-mirror-30"));
    assert!((found.total.likely * 1e3 - 134.0).abs() < 0.7, "{found:#?}");
    let lost = found.parts.last().map_or(0.0, |part| part.seconds.high);
    assert!(((found.total.likely + lost) * 1e3 - 167.0).abs() < 1.0, "{found:#?}");
    assert!(found.worst_without_losses < 0.2);
}

/// Encoder, network and decoder in between (20 to 40 ms): the likely way keeps the rule, the worst does not.
#[test]
fn a_mirror_over_ethernet_breaks_at_worst() {
    let between = r#"
[[engine]]
id = "codec"
kind = "encoder"
[[stage]]
id = "encode, link, decode"
from = ["isp"]
engine = "codec"
time_ms = [20, 30, 40]
[[stage]]
id = "warp""#;
    let text = bundled("cms-mirror-30").replace("[[stage]]\nid = \"warp\"", between);
    let text =
        text.replace("from = [\"isp\"]\nengine = \"warp\"", "from = [\"encode, link, decode\"]\nengine = \"warp\"");
    let found = budget_of(&text);
    assert!((found.total.likely * 1e3 - 164.0).abs() < 1.0, "{found:#?}");
    let latency = &found.checks[0];
    assert!(latency.holds_likely && !latency.holds, "{latency:?}");
    let seen = seen(&text);
    assert!(!seen.holds && seen.broken.iter().any(|words| words.contains("not at worst")), "{:?}", seen.broken);
}

/// The simulated latency of the direct mirror: everything but the wait for the picture is fixed, and that wait is
/// evenly spread over a picture because the clocks beat.
#[test]
fn clocks_beat() {
    let seen = seen(&bundled("cms-mirror-60").replace("scan_ms = 16", "scan_ms = 16\ndrift_ppm = 3000"));
    let chain = &seen.chains[0];
    let fixed = 4.0 + 16.0 + 0.1 + 2.0 + 1000.0 / 60.0 + 8.0 + 10.0;
    assert!((chain.p50_ms.likely - fixed - 8.3).abs() < 1.0, "{chain:?}");
    assert!((chain.worst_ms.likely - fixed - 16.6).abs() < 0.5, "{chain:?}");
    assert!(
        chain.bound_ms.is_some_and(|bound| bound >= chain.worst_ms.likely && bound < chain.worst_ms.likely + 1.0),
        "{chain:?}"
    );
}

/// No run of a bundled pipeline exceeds its bound, whatever the seed.
#[test]
fn runs_stay_within_their_bounds() {
    for &(name, text) in super::bundled::ALL {
        let made = Pipeline { seconds: 4.0, ..made(text) };
        let likely = values(&made, &mut Pick::Likely);
        let worst = bounds(&made, &likely);
        for seed in 0..3 {
            let ran = run(&made, &likely, seed);
            for (at, found) in made.chains.iter().enumerate() {
                let Some(bound) = chain(&made, &likely, &worst, found) else { continue };
                let most = ran.chains[at].latencies.last().copied().unwrap_or(0.0);
                assert!(most <= bound + 1e-9, "{name}, {}, seed {seed}: {most} > {bound}", found.id);
            }
        }
    }
}

/// Every bundled pipeline fits its chip with likely figures, and every chain of it comes to its end.
#[test]
fn bundled_pipelines_work() {
    for &(name, text) in super::bundled::ALL {
        let seen = outcome(&Pipeline { seconds: 5.0, ..made(text) }, Options { seed: 7, draws: 4 }, &|| {});
        assert!(seen.feasible.over.is_empty(), "{name}: {:?}", seen.feasible.over);
        // The mirror with two frame buffers keeps its rule but for the worst case of all, with a lost frame.
        let at_worst = seen.broken.iter().all(|words| name == "cms-mirror-30" && words.contains("not at worst"));
        assert!(at_worst, "{name}: {:?}", seen.broken);
        for chain in &seen.chains {
            assert!(chain.samples > 10, "{name}: {chain:?}");
            assert!(chain.p50_ms.likely <= chain.p99_ms.likely && chain.p99_ms.likely <= chain.worst_ms.likely);
            assert!(chain.p99_ms.low <= chain.p99_ms.likely && chain.p99_ms.likely <= chain.p99_ms.high);
        }
        assert!(seen.watts.likely > 0.0 && seen.watts.low <= seen.watts.likely, "{name}");
    }
}

/// Equal seeds give equal answers, and the order of tables does not matter to names.
#[test]
fn same_seed_same_answer() {
    let text = bundled("cms-mirror-30");
    let json = |text: &str| serde_json::to_string(&outcome(&made(text), Options { seed: 5, draws: 6 }, &|| {})).ok();
    assert_eq!(json(text), json(text));
}

fn refused(from: &str, to: &str, words: &[&str]) {
    let text = bundled("cms-mirror-60");
    assert!(text.contains(from), "{from}");
    let problems = read(&text.replace(from, to)).err().unwrap_or_default();
    for word in words {
        assert!(problems.contains(word), "{from} -> {to}: {word} is not in\n{problems}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    refused("from = [\"mirror\"]", "from = [\"miror\"]", &["test.toml:", "unknown-name", "miror"]);
    refused("from = [\"mirror\"]", "from = [\"warp\"]", &["circle", "waits for itself"]);
    refused("engine = \"warp\"", "engine = \"wrap\"", &["unknown-name", "no engine is called `wrap`"]);
    refused("readout_ms = 16", "readout_ms = 40", &["fits into a frame (16.67 ms)"]);
    refused("part = \"ambarella/cv25\"", "part = \"ambarella/cv26\"", &["unknown-name", "cv26"]);
    refused("panel_ms = [5, 10, 20]", "panel_ms = [5, 3, 20]", &["band-order"]);
    refused("fps = 60", "fps = 0", &["`fps` must be above 0"]);
    refused("frames = 1.0", "frams = 1.0", &["unknown-key", "frams"]);
    refused("rule = \"cms\"", "rule = \"cms\"\nlimit_ms = -3", &["`limit_ms` must be above 0"]);
    refused("id = \"warp\"\nkind", "id = \"isp\"\nkind", &["duplicate-name"]);
    refused("id = \"monitor\"", "id = \"mirror\"", &["duplicate-name", "`mirror` names two things"]);
    refused("line_ms = 2", "line_ms = 2\ntime_ms = 3", &["stand without each other"]);
    let tiny =
        "[[llm]]\nid = \"l\"\nweights_gb = 1e-9\nlayers = 9\nkv_kb = 1\nengine = \"warp\"\nefficiency = 0.5\n[[chain]]";
    refused("[[chain]]", tiny, &["tokens and pictures"]);
    refused("from = \"mirror\"", "from = \"monitor\"", &["no camera or sensor is called `monitor`"]);
}
