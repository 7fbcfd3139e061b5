//! `lanewright workload search` as a user types it.

use crate::command::Folder;

const LLAMA: [&str; 12] = [
    "workload",
    "search",
    "--model",
    "meta-llama/Llama-3.1-70B",
    "--device",
    "h100-sxm",
    "--devices",
    "8",
    "--input",
    "1024",
    "--output",
    "1024",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&LLAMA[..], more].concat()
}

#[test]
fn the_best_layouts_keep_the_limits_and_the_front_is_written() {
    let folder = Folder::new();
    let run = folder.run(&with(&[
        "--tpot-ms",
        "40",
        "--most-batch",
        "128",
        "--formats",
        "fp8,bf16",
        "--json",
        "-o",
        "r.html",
    ]));
    assert_eq!(run.code, 0, "{}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let best = found["best"].as_array().expect("a list");
    assert!(!best.is_empty());
    for row in best {
        let tpot = &row["tpot_s"];
        assert!(tpot["likely"].as_f64().expect("a number") <= 0.040);
        assert!(tpot["low"].as_f64() < tpot["likely"].as_f64() && tpot["likely"].as_f64() < tpot["high"].as_f64());
    }
    let rates: Vec<f64> = best.iter().filter_map(|row| row["tokens_per_s_device"]["likely"].as_f64()).collect();
    assert!(rates.len() == best.len() && rates.is_sorted_by(|a, b| a >= b), "{rates:?}");
    assert!(found["looked_at"]["not_divisible"].as_u64() > Some(0));
    assert!(found["usd_per_device_hour"].as_f64() > Some(0.0));
    let page = std::fs::read_to_string(folder.path("r.html")).expect("written");
    assert!(page.contains("<svg class=\"chart\"") && page.contains("class=\"stack\"") && page.ends_with("</html>\n"));
}

#[test]
fn a_table_names_layouts_and_why_others_fail() {
    let run = Folder::new().run(&with(&["--most-batch", "16", "--mode", "aggregated"]));
    assert_eq!(run.code, 0, "{}", run.err);
    for expected in ["BEST", "FRONT", "TP 8", "fp8", "do not divide", "within the limits"] {
        assert!(run.out.contains(expected), "{expected} in {}", run.out);
    }
}

#[test]
fn a_model_that_does_not_fit_is_told_what_would() {
    let run = Folder::new().run(&[
        "workload",
        "search",
        "--model",
        "deepseek-v3",
        "--device",
        "h100-sxm",
        "--devices",
        "8",
        "--input",
        "1024",
        "--output",
        "1024",
        "--formats",
        "fp8",
    ]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("lacks") && run.err.contains("16 devices"), "{}", run.err);
}

#[test]
fn wrong_words_are_refused() {
    for (more, word) in [
        (vec!["--formats", "fp7"], "fp7"),
        (vec!["--tpot-ms", "-3"], "tpot-ms"),
        (vec!["--usd-per-hour", "0"], "usd-per-hour"),
    ] {
        let run = Folder::new().run(&with(&more));
        assert_eq!(run.code, 2, "{more:?}");
        assert!(run.err.contains(word), "{}", run.err);
    }
}
