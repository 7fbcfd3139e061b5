//! `lanewright workload train` as a user types it.

use crate::command::Folder;

const MODEL: &str = r#"{ "hidden": 6144, "feedforward": 24576, "seq_size": 2048, "attn_heads": 64, "attn_size": 96,
  "num_blocks": 48 }"#;

const SYSTEM: &str = r#"{
  "matrix": { "float16": { "tflops": 312, "gflops_efficiency": [[100, 0.9], [0, 0.2]] } },
  "vector": { "float16": { "tflops": 78, "gflops_efficiency": [[0, 0.5]] } },
  "mem1": { "GiB": 80, "GBps": 2000, "MB_efficiency": [[10, 0.8], [0, 0.3]] },
  "mem2": { "GiB": 512, "GBps": 32, "MB_efficiency": [[0, 0.9]] },
  "processing_mode": "roofline",
  "networks": [ {
    "bandwidth": 300, "efficiency": 0.65, "size": 8, "latency": 0.00001,
    "ops": { "p2p": [1.0, null], "reduce_scatter": [1.0, -1], "all_gather": [1.0, -1], "all_reduce": [2.0, -1] },
    "must_be_filled": true, "processor_usage": 0.15
  } ]
}"#;

const LAYOUT: &str = r#"{
  "num_procs": 8,
  "tensor_par": 8,
  "pipeline_par": 1,
  "data_par": 1,
  "tensor_par_net": 0,
  "pipeline_par_net": 0,
  "data_par_net": 0,
  "batch_size": 4,
  "microbatch_size": 4,
  "datatype": "float16",
  "fused_activation": false,
  "attention_type": "multihead",
  "activation_recompute": "attn_only",
  "pipeline_interleaving": 1,
  "optimizer_sharding": false,
  "tensor_par_comm_type": "rs_ag",
  "tensor_par_overlap": "none",
  "seq_par_ag_redo": true,
  "data_par_overlap": false,
  "weight_offload": false,
  "activations_offload": false,
  "optimizer_offload": false,
  "training": true
}"#;

fn folder(layout: &str) -> Folder {
    let folder = Folder::new();
    folder.write("layout.json", layout);
    folder.write("model.json", MODEL);
    folder.write("system.json", SYSTEM);
    folder
}

const FILES: [&str; 8] =
    ["workload", "train", "--layout", "layout.json", "--model", "model.json", "--system", "system.json"];

#[test]
fn files_of_calculon_give_seconds_and_memory() {
    let folder = folder(LAYOUT);
    let run = folder.run(&[FILES.as_slice(), &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let number = |pointer: &str| json.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    let step = number("/step_seconds");
    assert!((0.8..1.4).contains(&step), "{step}");
    assert!(number("/step_seconds_low") < step && step < number("/step_seconds_high"));
    let parts = json["breakdown_seconds"].as_object().expect("parts");
    let sum: f64 = parts.values().filter_map(serde_json::Value::as_f64).sum();
    assert!((sum / step - 1.0).abs() < 1e-9, "parts add up to the step");
    let parts = json["memory"]["parts_bytes"].as_object().expect("parts");
    let sum: f64 = parts.values().filter_map(serde_json::Value::as_f64).sum();
    assert!((sum / number("/memory/bytes") - 1.0).abs() < 1e-9, "parts add up to the memory");
    let table = folder.run(&FILES);
    for expected in ["WHERE IT GOES", "MEMORY OF A DEVICE", "tensor-parallel transfers", "80 % band", "--vocabulary"] {
        assert!(table.out.contains(expected), "{expected} in {}", table.out);
    }
}

#[test]
fn what_does_not_fit_says_what_would() {
    let run = folder(
        &LAYOUT
            .replace("attn_only", "none")
            .replace("\"batch_size\": 4", "\"batch_size\": 16")
            .replace("\"microbatch_size\": 4", "\"microbatch_size\": 16"),
    )
    .run(&FILES);
    assert_eq!(run.code, 1, "{}", run.out);
    for expected in ["GiB more than the 80.0 GiB", "it fits with", "`activation_recompute` \"full\""] {
        assert!(run.err.contains(expected), "{expected} in {}", run.err);
    }
}

#[test]
fn bad_files_name_line_key_and_remedy() {
    for (from, to, expected) in [
        ("\"tensor_par\": 8", "\"tensor_par\": 7", "layout.json:2:3: `tensor_par` x `pipeline_par` x `data_par` = 7"),
        ("\"data_par\":", "\"data_parr\":", "did you mean `data_par`?"),
        ("\"batch_size\": 4", "\"batch_size\": 5", "`microbatch_size` can be 1 or 5"),
        ("\"pipeline_interleaving\": 1", "\"pipeline_interleaving\": 2", "needs more than one stage"),
    ] {
        let run = folder(&LAYOUT.replace(from, to)).run(&FILES);
        assert_eq!(run.code, 2, "{}", run.out);
        assert!(run.err.contains(expected), "{expected} in {}", run.err);
        assert!(run.out.is_empty());
    }
}

#[test]
fn a_model_by_name_finds_its_layout_and_writes_page_and_job() {
    let folder = Folder::new();
    let args = ["--devices", "16", "--tp", "4", "--pp", "2", "--dp", "2", "--batch", "8", "--seq", "4096"];
    let run =
        folder.run(&[&["workload", "train", "--json", "-o", "step.html", "--job", "step"], args.as_slice()].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert!(json["step_seconds"].as_f64().is_some_and(|s| s > 0.05 && s < 20.0), "{json}");
    assert!(json["mfu"].as_f64().is_some_and(|mfu| mfu > 0.1 && mfu < 0.8));
    assert!(json["goodput"]["effective_share"].as_f64().is_some_and(|share| share > 0.9));
    assert!(json["dollars_per_million_tokens"].as_f64().is_some_and(|usd| usd > 0.0));
    assert!(json["energy"]["joules_per_token"].as_f64().is_some_and(|joules| joules > 0.0));
    let page = std::fs::read_to_string(folder.path("step.html")).expect("a page");
    for expected in ["class=\"gantt\"", "class=\"stack\"", "Where the time goes", "What failures leave"] {
        assert!(page.contains(expected), "{expected}");
    }
    // The traces run on a fabric.
    let fabric = ["--topology", "leaf-spine", "--leaves", "4", "--per-leaf", "4", "--spines", "4"];
    let run = folder.run(&[&["sim", "--traffic", "step", "--engine", "flow"], fabric.as_slice()].concat());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let again = folder.run(&[&["workload", "train", "--job", "step"], args.as_slice()].concat());
    assert!(again.code == 2 && again.err.contains("is there already"), "{}", again.err);
}

#[test]
fn flags_that_do_not_divide_say_what_would() {
    for (args, expected) in [
        (vec!["--devices", "60", "--tp", "8", "--pp", "4"], "factors of 60"),
        (vec!["--devices", "64", "--tp", "5", "--dp", "1"], "do not divide by --tp 5"),
        (vec!["--devices", "64", "--dp", "8", "--batch", "9"], "--batch 8 or 16 would work"),
        (vec!["--devices", "64", "--ep", "8", "--dp", "8"], "has no experts"),
        (vec!["--devices", "64", "--device", "h100-smx", "--dp=64"], "no accelerator is called"),
        (vec!["--devices", "64", "--model", "no-such-model", "--dp=64"], "no model"),
        (vec!["--devices", "64", "--format", "int4", "--dp=64"], "no format to train in"),
        (vec!["--devices", "64", "--mtbf=-3", "--dp=64"], "--mtbf"),
    ] {
        let run = Folder::new().run(&[&["workload", "train"], args.as_slice()].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.out);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    }
}
