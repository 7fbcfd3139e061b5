//! `lanewright workload predict` for one deployment, as a user types it.

use crate::command::Folder;

fn run(folder: &Folder, args: &[&str]) -> (i32, String, String) {
    let run = folder.run(&[&["workload", "predict"], args].concat());
    (run.code, run.out, run.err)
}

fn json(args: &[&str]) -> serde_json::Value {
    let (code, out, err) = run(&Folder::new(), &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

const LLAMA: [&str; 6] = ["--model", "meta-llama/Llama-3.1-70B", "--device", "h100-sxm", "--format", "fp8"];

/// ML.ENERGY, Llama 3.1 in 16 bits, chat, vLLM: time between tokens in ms, joules per token of the devices. Prompts of 300 and
/// answers of 500 tokens are assumed. Both must come within 20 %.
#[test]
fn measured_gaps_and_joules_are_met() {
    let rows = [
        ("8B", "h100-sxm", "1", "64", 11.5, 0.119),
        ("8B", "b200", "1", "8", 4.57, 0.391),
        ("70B", "h100-sxm", "4", "64", 22.4, 0.797),
        ("70B", "b200", "2", "8", 16.4, 3.57),
    ];
    for (size, device, tensor, concurrency, gap_ms, joules) in rows {
        let model = format!("meta-llama/Llama-3.1-{size}");
        let load = ["--input", "300", "--output", "500", "--concurrency", concurrency, "--backend", "vllm"];
        let which = ["--model", &model, "--device", device, "--tp", tensor, "--format", "bf16"];
        let found = &json(&[&which[..], &load[..]].concat())["prediction"];
        for (what, predicted, measured) in [
            ("ms", number(&found["itl"]["likely"]) * 1e3, gap_ms),
            ("J", number(&found["bill"]["joules_per_token"]["likely"]), joules),
        ] {
            let error = predicted / measured - 1.0;
            assert!(
                error.abs() <= 0.2,
                "{size} on {tensor} {device}: {predicted:.3} {what} for {measured} ({error:+.2})"
            );
        }
    }
}

#[test]
fn one_deployment_says_times_parts_memory_and_basis() {
    let (code, out, err) = run(&Folder::new(), &[&LLAMA[..], &["--tp", "8", "--concurrency", "64"]].concat());
    assert_eq!(code, 0, "{err}");
    for words in [
        "TTFT",
        "TPOT",
        "ITL",
        "tokens/s",
        "J/token",
        "USD/million",
        "projections",
        "communication",
        "host",
        "waits for",
        "MEMORY OF A DEVICE, 80 GB",
        "weights",
        "Calibrated on",
        "products, fp8: nvidia/h100-sxm",
    ] {
        assert!(out.contains(words), "{words} is missing in\n{out}");
    }
}

#[test]
fn bands_hold_what_is_likely_and_parts_add_up() {
    let found = json(&[&LLAMA[..], &["--tp", "8", "--concurrency", "64"]].concat());
    let found = &found["prediction"];
    for name in ["ttft", "tpot"] {
        let band = &found["prediction"][name];
        assert!(number(&band["low"]) < number(&band["likely"]) && number(&band["likely"]) < number(&band["high"]));
    }
    let pool = &found["pools"][0];
    for step in ["decode", "prompt"] {
        let parts: f64 = pool[step]["parts"].as_array().expect("a list").iter().map(|part| number(&part[1])).sum();
        assert!((parts / number(&pool[step]["seconds"]) - 1.0).abs() < 1e-9, "{step}");
    }
    // 70.55 G parameters: 68.45 G in 8 bits, two tables of 1.05 G in 16; over 8 devices.
    let weights = number(&pool["memory"]["weights"]);
    assert!((weights / 9.08e9 - 1.0).abs() < 0.01, "{weights}");
}

#[test]
fn more_devices_are_faster_and_more_requests_slower() {
    let tpot = |tensor: &str, concurrency: &str| {
        let found = json(&[&LLAMA[..], &["--tp", tensor, "--concurrency", concurrency]].concat());
        number(&found["prediction"]["prediction"]["kernels"]["tpot"])
    };
    assert!(tpot("8", "16") < tpot("2", "16"));
    assert!(tpot("4", "128") > tpot("4", "4"));
}

#[test]
fn answers_of_one_token_have_no_gaps() {
    let (code, out, err) = run(&Folder::new(), &[&LLAMA[..], &["--tp", "8", "--output", "1"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("TTFT") && !out.contains("TPOT") && !out.contains("n/a"), "{out}");
    assert!(out.contains("a prompt waits for") && !out.contains("decoding waits for"), "{out}");
}

#[test]
fn prompts_and_answers_apart() {
    let args = [&LLAMA[..], &["--prefill", "4xtp2", "--decode", "2xtp8", "--concurrency", "64"]].concat();
    let found = json(&args);
    let pools = found["prediction"]["pools"].as_array().expect("a list");
    assert_eq!(
        pools.iter().map(|pool| pool["role"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["prefill", "decode"]
    );
    assert_eq!(number(&found["prediction"]["devices"]), 24.0);
    assert!(pools[0].get("decode").is_none() && pools[1].get("prompt").is_none());
}

#[test]
fn what_does_not_fit_or_divide_says_what_would() {
    let folder = Folder::new();
    let base = ["--model", "meta-llama/Llama-3.1-70B", "--device", "h100-sxm", "--format", "bf16"];
    for (args, words) in [
        (&["--tp", "1"][..], &["do not fit a device of 80 GB", "--tp 4"][..]),
        (&["--tp", "5"], &["64 heads do not divide", "--tp 8 would work"]),
        (&["--tp", "8", "--ep", "2"], &["has no experts"]),
        (&["--prefill", "tp8", "--decode", "2xtq8"], &["--decode", "`tq`", "4xtp2"]),
        (&["--tp", "8", "--backend", "tgi"], &["--backend", "vllm, trtllm, sglang"]),
        (&["--tp", "8", "--cache", "fp7"], &["--cache", "fp7", "fp8"]),
        (&["--tp", "8", "--experts-format", "fp8"], &["has no experts"]),
        (&["--tp", "8", "--life-years", "0"], &["life in years is 0"]),
    ] {
        let (code, out, err) = run(&folder, &[&base[..], args].concat());
        assert_eq!(code, 2, "{args:?}: {out}");
        for word in words {
            assert!(err.contains(word), "{args:?}: {word} is missing in {err}");
        }
    }
    let (code, _, err) = run(&folder, &["--model", "no-such-model", "--device", "h100"]);
    assert!(code == 2 && err.contains("no-such-model"), "{err}");
    let (code, _, err) = run(&folder, &[]);
    assert!(code == 2 && err.contains("--model") && err.contains("--batch"), "{err}");
    assert!(folder.files().is_empty());
}

/// A configuration of an invented model: 2 layers.
const CONFIG: &str = r#"{ "model_type": "llama", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 2,
  "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 32000, "max_position_embeddings": 4096 }"#;

#[test]
fn configurations_and_reports() {
    let folder = Folder::new();
    folder.write("config.json", CONFIG);
    let config = folder.path("config.json").display().to_string();
    let args = ["--model", &config, "--device", "h200", "--concurrency", "8", "-o", "report.html"];
    let (code, out, err) = run(&folder, &args);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("report written to report.html"), "{out}");
    let page = std::fs::read_to_string(folder.path("report.html")).expect("written");
    for words in [
        "Predicted deployment",
        "roofline",
        "A decoding step over requests in flight",
        "Memory of a device",
        "Calibrated on",
    ] {
        assert!(page.contains(words), "{words} is missing");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "a number is none");
    folder.write("config.json", CONFIG.replace("1024", "-3"));
    let (code, _, err) = run(&folder, &args[..6]);
    assert!(code == 2 && err.contains("config.json:1:") && err.contains("hidden_size"), "{err}");
}

/// Jetson AGX Orin with llama.cpp: 13.3 tokens/s with 13B in 4 bits (DFRobot's table).
#[test]
fn edge_chips_decode_one_stream() {
    let args = ["--model", "llama-2-13b", "--device", "orin", "--format", "int4", "--input", "128", "--output", "128"];
    let found = json(&args);
    let rate = number(&found["prediction"]["tokens_per_s_each"]["likely"]);
    assert!((rate / 13.3 - 1.0).abs() < 0.15, "{rate}");
    let (code, _, err) = run(&Folder::new(), &["--model", "llama-3.1-70b", "--device", "orin", "--format", "bf16"]);
    assert!(code == 2 && err.contains("--format int4_wo would work"), "{err}");
    let (code, _, err) = run(&Folder::new(), &[&args[..], &["--tp", "2"]].concat());
    assert!(code == 2 && err.contains("one chip"), "{err}");
}

#[test]
fn a_step_is_a_job_that_a_fabric_runs() {
    let folder = Folder::new();
    let step = [&LLAMA[..], &["--tp", "8", "--concurrency", "64", "--job", "step"]].concat();
    let (code, _, err) = run(&folder, &step);
    assert_eq!(code, 0, "{err}");
    let sim = folder.run(&["sim", "--traffic", "step", "--nodes", "16", "--engine", "flow", "--json"]);
    assert_eq!(sim.code, 0, "{}{}", sim.out, sim.err);
    let (code, _, err) = run(&folder, &step);
    assert!(code == 2 && err.contains("is there already"), "{err}");
    let (code, _, err) =
        run(&folder, &[&LLAMA[..], &["--tp", "8", "--job", "prompt.json", "--job-step", "prompt"]].concat());
    assert_eq!(code, 0, "{err}");
    let job: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path("prompt.json")).expect("written")).expect("JSON");
    assert_eq!(job["ranks"], 8);
}
