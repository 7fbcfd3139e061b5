//! `lanewright workload pipeline` as a user types it.

use crate::command::Folder;

const SHORT: [&str; 4] = ["--seconds", "2", "--draws", "3"];

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn bundled_pipelines_are_listed_and_shown() {
    let folder = Folder::new();
    let run = folder.run(&["workload", "pipeline", "--list"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for name in ["cms-mirror-60", "cms-mirror-30", "security-360", "l2-5v5r", "l2-10v5r", "bev-cv3", "orin-robot"] {
        assert!(run.out.contains(name), "{name} in {}", run.out);
    }
    let shown = folder.run(&["workload", "pipeline", "--show", "l2-5v5r"]);
    assert!(shown.out.contains("[[camera]]") && shown.out.contains("ambarella/cv72"));
    let wrong = folder.run(&["workload", "pipeline", "--show", "l2-5v5"]);
    assert!(wrong.code == 2 && wrong.err.contains("did you mean the bundled `l2-5v5r`?"), "{}", wrong.err);
}

/// 60 Hz holds 200 ms at worst; 30 Hz with two frame buffers does not, with a slow panel and a lost frame.
#[test]
fn mirrors_against_the_rule() {
    let folder = Folder::new();
    let fast = folder.run(&[&["workload", "pipeline", "cms-mirror-60"], &SHORT[..]].concat());
    assert_eq!(fast.code, 0, "{}{}", fast.out, fast.err);
    assert!(fast.out.contains("Every limit holds") && fast.out.contains("BUDGET of glass to glass"), "{}", fast.out);
    let slow = folder.run(&[&["workload", "pipeline", "cms-mirror-30", "-o", "mirror.html"], &SHORT[..]].concat());
    assert_eq!(slow.code, 1, "{}", slow.err);
    assert!(slow.out.contains("holds as likely, not at worst"), "{}", slow.out);
    let page = std::fs::read_to_string(folder.path("mirror.html")).expect("the report");
    assert!(page.starts_with("<!doctype html>") && page.contains("class=\"gantt\""));
}

#[test]
fn json_has_bands_bounds_and_watts() {
    let run = Folder::new().run(&[&["workload", "pipeline", "cms-mirror-60", "--json"], &SHORT[..]].concat());
    let found = json(&run.out);
    let chain = &found["chains"][0];
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or_else(|| panic!("{value}"));
    let worst = number(&chain["worst_ms"]["likely"]);
    assert!(worst <= number(&chain["bound_ms"]) && worst > 50.0, "{chain}");
    assert!(number(&chain["p50_ms"]["low"]) <= number(&chain["p50_ms"]["high"]));
    assert!(number(&found["watts"]["likely"]) > 0.5);
    assert_eq!(found["holds"], true);
}

#[test]
fn wrong_files_are_explained() {
    let folder = Folder::new();
    let shown = folder.run(&["workload", "pipeline", "--show", "cms-mirror-60"]).out;
    folder.write("mine.toml", shown.replace("engine = \"warp\"", "engine = \"wrap\""));
    let run = folder.run(&["workload", "pipeline", "mine.toml"]);
    assert_eq!(run.code, 2);
    for expected in ["mine.toml:", "no engine is called `wrap`", "did you mean `warp`?"] {
        assert!(run.err.contains(expected), "{expected} in {}", run.err);
    }
    let run = folder.run(&["workload", "pipeline", "cms-miror-60"]);
    assert!(run.code == 2 && run.err.contains("did you mean the bundled `cms-mirror-60`?"), "{}", run.err);
    let run = folder.run(&["workload", "pipeline", "cms-mirror-60", "--soc", "ambarella/cv99"]);
    assert!(run.code == 2 && run.err.contains("cv99"), "{}", run.err);
}

/// 4-bit Llama-2-13B at 85 % of 204.8 GB/s: 23 to 26 tokens a second. llama.cpp on Orin: 22.5, 13.3 and 3.0 tokens a second
/// of 7B, 13B and 70B at 4 bits (holohub#170), within 15 %.
#[test]
fn language_models_on_edge_devices() {
    let folder = Folder::new();
    let rate = |args: &[&str]| {
        let run = folder.run(&[&["workload", "pipeline", "--json", "--llm"], args].concat());
        let found = json(&run.out);
        found["devices"][0]["decode"]["tokens_per_s"]["likely"].as_f64().unwrap_or_else(|| panic!("{}", run.err))
    };
    let own = [
        "llama-2-13b",
        "--format",
        "int4",
        "--device",
        "ambarella/n1",
        "--bandwidth-gbps",
        "204.8",
        "--efficiency",
        "0.85",
    ];
    let found = rate(&own);
    assert!((23.0..=26.0).contains(&found), "{found}");
    for (model, wanted) in [("llama-2-7b", 22.5), ("llama-2-13b", 13.3), ("llama-2-70b", 3.0)] {
        let found = rate(&[model, "--device", "nvidia/orin", "--stack", "llama.cpp"]);
        assert!((found / wanted - 1.0).abs() < 0.15, "{model}: {found}");
    }
    let run = folder.run(&["workload", "pipeline", "--llm", "llama-2-70b", "--device", "ambarella/cv72"]);
    assert!(run.code == 1 && run.out.contains("no: "), "{}", run.out);
    let run = folder.run(&["workload", "pipeline", "--llm", "llama-2-7b", "--device", "ambarella/n11"]);
    assert!(run.code == 2 && run.err.contains("did you mean `ambarella/n1`?"), "{}", run.err);
    let run =
        folder.run(&["workload", "pipeline", "--llm", "llama-2-7b", "--device", "ambarella/n1", "--format", "int5"]);
    assert!(run.code == 2 && run.err.contains("--format"), "{}", run.err);
}
