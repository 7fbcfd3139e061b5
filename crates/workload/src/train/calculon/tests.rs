//! The files against measurements, against formulas of the paper that they come from, and bad files.

use super::*;
use crate::train::step::{TrainingStep, predict};

fn read(path: &str) -> String {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS is set");
    let path = std::path::Path::new(&folder).join("workload").join("calculon").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn step(layout: &str, model: &str, system: &str, vocabulary: u64) -> TrainingStep {
    let texts = [read(layout), read(model), read(system)];
    let source = |at: usize, name| Source { name, text: &texts[at] };
    let case = Case::read(&source(0, "layout"), &source(1, "model"), &source(2, "system")).expect("the case is good");
    predict(&recipe(&case, vocabulary).expect("the system has the format"))
}

/// From arXiv 2205.05198, table 5: seconds of an iteration on A100-80GB.
const MEASURED: [(&str, &str, f64); 4] = [
    ("megatron-22B", "full", 1.42),
    ("megatron-22B", "seqsel", 1.10),
    ("gpt3-175B", "full", 18.13),
    ("gpt3-175B", "seqsel", 13.75),
];

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_measured_steps_are_met_within_eight_percent() {
    for (model, mode, seconds) in MEASURED {
        let layout = format!("validation/seqsel/tab5/{model}_{mode}.json");
        let step = step(&layout, &format!("models/{model}.json"), "a100_80g.json", VOCABULARY);
        let error = step.seconds.likely / seconds - 1.0;
        println!(
            "{model} {mode}: {:.3} s, measured {seconds} s, {:+.1} %, {:?}",
            step.seconds.likely,
            100.0 * error,
            step.parts
        );
        assert!(error.abs() < 0.08);
        assert!((step.parts.sum() / step.seconds.likely - 1.0).abs() < 1e-9, "parts add up");
        assert!(step.fits);
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_larger_models_of_the_same_table_are_met() {
    // Table 5 again, layouts of section 6; no constant was set by these rows, though they were known. 530B: 280 GPUs in 35 stages, 3 chunks each;
    // 1T: 512 GPUs in 64 stages.
    for (model, base, p, v, batch, seconds) in [
        ("turing-530B", "full", 35, 3, 280, 49.05),
        ("turing-530B", "seqsel", 35, 3, 280, 37.83),
        ("megatron-1T", "full", 64, 1, 512, 94.42),
        ("megatron-1T", "seqsel", 64, 1, 512, 71.49),
    ] {
        let layout = read(&format!("validation/seqsel/tab5/gpt3-175B_{base}.json"))
            .replace("\"num_procs\": 64", &format!("\"num_procs\": {}", 8 * p))
            .replace("\"pipeline_par\": 8", &format!("\"pipeline_par\": {p}"))
            .replace("\"pipeline_interleaving\": 3", &format!("\"pipeline_interleaving\": {v}"))
            .replace("\"batch_size\": 64", &format!("\"batch_size\": {batch}"));
        let texts = [layout, read(&format!("models/{model}.json")), read("a100_80g.json")];
        let source = |at: usize, name| Source { name, text: &texts[at] };
        let case =
            Case::read(&source(0, "layout"), &source(1, "model"), &source(2, "system")).expect("the case is good");
        let step = predict(&recipe(&case, VOCABULARY).expect("float16"));
        let error = step.seconds.likely / seconds - 1.0;
        println!(
            "{model} {base}: {:.2} s, measured {seconds} s, {:+.1} %, {:?}",
            step.seconds.likely,
            100.0 * error,
            step.parts
        );
        assert!(error.abs() < 0.08);
    }
}

/// Bytes of weights, gradients and optimizer, and of activations, in GiB: figure 1 of arXiv 2205.05198, which counts 18
/// bytes per weight of the products, and section 4's activations.
const FIGURE_1: [(&str, &str, f64, f64); 4] = [
    ("megatron-22B", "none", 45.5625, 59.25),
    ("megatron-22B", "seqsel", 45.5625, 9.5625),
    ("gpt3-175B", "none", 45.5625, 66.84375),
    ("gpt3-175B", "seqsel", 45.5625, 12.3515625),
];

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_memory_is_that_of_figure_1() {
    for (model, mode, state, activations) in FIGURE_1 {
        let layout = format!("validation/seqsel/fig1/{model}_{mode}.json");
        let step = step(&layout, &format!("models/{model}.json"), "a100_80e.json", 0);
        let memory = step.fullest_memory();
        let gib = f64::from(1 << 30);
        let held = (memory.weights + memory.gradients + memory.optimizer) / gib;
        let kept = memory.activations / gib;
        println!("{model} {mode}: {held:.3} GiB for {state}, {kept:.3} GiB for {activations}");
        // Biases and norms are beyond 12 h^2.
        assert!((held / state - 1.0).abs() < 1e-3);
        assert!((kept / activations - 1.0).abs() < 1e-3);
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_activations_shrink_as_in_figure_7() {
    // Percent of the activations without any saving.
    for (model, shares) in
        [("megatron-22B", [100.0, 66.84, 49.42, 16.18, 7.64]), ("gpt3-175B", [100.0, 62.04, 56.53, 18.49, 8.71])]
    {
        let kept: Vec<f64> = ["none", "seq", "sel", "seqsel", "full"]
            .iter()
            .map(|mode| {
                let layout = format!("validation/seqsel/fig7/{model}_{mode}.json");
                let memory = step(&layout, &format!("models/{model}.json"), "a100_80e.json", 0).fullest_memory();
                memory.activations + memory.checkpoints
            })
            .collect();
        for (bytes, share) in kept.iter().zip(shares) {
            assert!((100.0 * bytes / kept[0] - share).abs() < 0.15, "{model}: {} for {share}", 100.0 * bytes / kept[0]);
        }
    }
}

const MODEL: &str = r#"{
  "hidden": 6144,
  "feedforward": 24576,
  "seq_size": 2048,
  "attn_heads": 64,
  "attn_size": 96,
  "num_blocks": 48
}"#;

const SYSTEM: &str = r#"{
  "matrix": { "float16": { "tflops": 300, "gflops_efficiency": [[100, 0.9], [0, 0.2]] } },
  "vector": { "float16": { "tflops": 70, "gflops_efficiency": [[0, 0.5]] } },
  "mem1": { "GiB": 80, "GBps": 2000, "MB_efficiency": [[10, 0.8], [0, 0.3]] },
  "mem2": { "GiB": 512, "GBps": 32, "MB_efficiency": [[0, 0.9]] },
  "processing_mode": "roofline",
  "networks": [
    {
      "bandwidth": 300, "efficiency": 0.65, "size": 8, "latency": 0.00001,
      "ops": { "p2p": [1.0, null], "reduce_scatter": [1.0, -1], "all_gather": [1.0, -1], "all_reduce": [2.0, -1] },
      "must_be_filled": true, "processor_usage": 0.15
    },
    {
      "bandwidth": 25, "efficiency": 0.9, "size": 65536, "latency": 0.00002,
      "ops": { "p2p": [1.0, null], "reduce_scatter": [1.0, -1], "all_gather": [1.0, -1], "all_reduce": [2.0, -1] },
      "must_be_filled": false, "processor_usage": 0.02
    }
  ]
}"#;

const LAYOUT: &str = r#"{
  "num_procs": 64,
  "tensor_par": 8,
  "pipeline_par": 4,
  "data_par": 2,
  "tensor_par_net": 0,
  "pipeline_par_net": 1,
  "data_par_net": 1,
  "batch_size": 32,
  "microbatch_size": 1,
  "datatype": "float16",
  "fused_activation": true,
  "attention_type": "multihead",
  "activation_recompute": "attn_only",
  "pipeline_interleaving": 2,
  "optimizer_sharding": true,
  "tensor_par_comm_type": "rs_ag",
  "tensor_par_overlap": "none",
  "seq_par_ag_redo": true,
  "data_par_overlap": true,
  "weight_offload": false,
  "activations_offload": false,
  "optimizer_offload": false,
  "training": true
}"#;

fn with(layout: &str, system: &str) -> Result<TrainingStep, Vec<Fault>> {
    let source = |name, text| Source { name, text };
    let case =
        Case::read(&source("layout.json", layout), &source("model.json", MODEL), &source("system.json", system))?;
    Ok(predict(&recipe(&case, VOCABULARY).expect("the format is there")))
}

fn seconds(changes: &[(&str, &str)], system: &[(&str, &str)]) -> f64 {
    let edit = |text: &str, edits: &[(&str, &str)]| {
        edits.iter().fold(text.to_string(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    };
    with(&edit(LAYOUT, changes), &edit(SYSTEM, system)).expect("the case is good").seconds.likely
}

#[test]
fn faster_parts_never_slow_a_step() {
    let base = seconds(&[], &[]);
    for change in [
        ("\"bandwidth\": 25,", "\"bandwidth\": 50,"),
        ("\"bandwidth\": 300,", "\"bandwidth\": 450,"),
        ("\"tflops\": 300", "\"tflops\": 600"),
        ("\"GBps\": 2000", "\"GBps\": 3000"),
        ("\"latency\": 0.00002", "\"latency\": 0.00001"),
    ] {
        assert!(seconds(&[], &[change]) < base, "{change:?}");
    }
    assert!(seconds(&[], &[("roofline", "no_overlap")]) > base);
}

#[test]
fn settings_act_as_they_should() {
    let base = seconds(&[], &[]);
    assert!(seconds(&[("\"data_par_overlap\": true", "\"data_par_overlap\": false")], &[]) > base);
    assert!(seconds(&[("\"tensor_par_overlap\": \"none\"", "\"tensor_par_overlap\": \"ring\"")], &[]) < base);
    assert!(
        seconds(&[("\"pipeline_interleaving\": 2", "\"pipeline_interleaving\": 12")], &[("25,", "2500,")])
            < seconds(&[], &[("25,", "2500,")]),
        "less bubble where messages are cheap"
    );
    assert!(seconds(&[("\"attn_only\"", "\"none\"")], &[]) < base);
    assert!(
        seconds(&[("\"attn_only\"", "\"full\""), ("\"seq_par_ag_redo\": true", "\"seq_par_ag_redo\": false")], &[])
            > base
    );
    assert!(seconds(&[("\"fused_activation\": true", "\"fused_activation\": false")], &[]) > base);
    assert!(
        seconds(&[("\"weight_offload\": false", "\"weight_offload\": true")], &[("\"GBps\": 32", "\"GBps\": 1")])
            > base
    );
    assert!(seconds(&[("\"batch_size\": 32", "\"batch_size\": 64")], &[]) > base * 1.5);
}

fn faults(from: &str, to: &str) -> String {
    assert!(LAYOUT.contains(from), "{from}");
    let faults = with(&LAYOUT.replace(from, to), SYSTEM).expect_err("this cannot work");
    faults.iter().map(|f| format!("{f}\n")).collect()
}

#[test]
fn layouts_that_do_not_divide_say_what_would() {
    for (from, to, expected) in [
        (
            "\"num_procs\": 64",
            "\"num_procs\": 60",
            "layout.json:2:3: `tensor_par` x `pipeline_par` x `data_par` = 8 x 4 x 2 = 64",
        ),
        ("\"num_procs\": 64", "\"num_procs\": 96", "`data_par`: 3 would use all of them"),
        (
            "\"batch_size\": 32",
            "\"batch_size\": 33",
            "layout.json:9:3: `batch_size` 33 does not divide by `data_par` 2",
        ),
        ("\"microbatch_size\": 1", "\"microbatch_size\": 3", "`microbatch_size` can be 1, 2, 4, 8 or 16"),
        (
            "\"pipeline_interleaving\": 2",
            "\"pipeline_interleaving\": 5",
            "`pipeline_interleaving` can be 1, 2, 3, 4, 6 or 12",
        ),
        ("\"batch_size\": 32", "\"batch_size\": 0", "`batch_size` is 0"),
        ("\"tensor_par_net\": 0", "\"tensor_par_net\": 2", "the system has 2 networks"),
        ("\"tensor_par_net\": 0", "\"tensor_par_net\": 1", ""),
        ("\"float16\"", "\"float8\"", "`datatype` can be float16"),
        (
            "\"seq_par_ag_redo\": true",
            "\"seq_par_ag_red\": true",
            "layout.json:19:18: unknown key `seq_par_ag_red`\n  help: did you mean `seq_par_ag_redo`?",
        ),
        ("  \"training\": true\n", "  \"training\": true, \"zeppelin\": 3\n", "unknown key `zeppelin`"),
        ("\"num_procs\": 64,\n", "", "missing key `num_procs`"),
        ("\"rs_ag\"", "\"ring\"", "unknown variant `ring`"),
        ("\"tensor_par\": 8", "\"tensor_par\": -8", "invalid value"),
        ("\"training\": true", "\"training\": true,", "layout.json:25"),
    ] {
        if expected.is_empty() {
            // Everything on one network is fine.
            assert!(with(&LAYOUT.replace(from, to), SYSTEM).is_ok());
        } else {
            let said = faults(from, to);
            assert!(said.contains(expected), "{said}");
            assert!(said.contains("help: "), "{said}");
        }
    }
}

#[test]
fn heads_that_do_not_divide_say_what_would() {
    let layout =
        LAYOUT.replace("\"tensor_par\": 8", "\"tensor_par\": 5").replace("\"num_procs\": 64", "\"num_procs\": 40");
    let said: String = with(&layout, SYSTEM).expect_err("5 does not divide").iter().map(|f| format!("{f}\n")).collect();
    assert!(said.contains("`attn_heads` of the model, 64, does not divide by `tensor_par` 5"), "{said}");
    assert!(said.contains("`tensor_par` can be 1, 2, 4, 8"), "{said}");
    assert!(said.contains("must be filled"), "{said}");
}

#[test]
fn bad_systems_are_refused() {
    for (from, to, expected) in [
        ("\"tflops\": 300", "\"tflops\": 0", "`matrix.float16.tflops` is 0"),
        ("[100, 0.9]", "[100, 1.9]", "has a share that is not above 0 and up to 1"),
        ("[[10, 0.8], [0, 0.3]]", "[[10, 0.8], [20, 0.3], [0, 0.2]]", "has sizes that do not fall"),
        ("[[0, 0.9]]", "[[1, 0.9]]", "does not reach down to size 0"),
        ("\"p2p\": [1.0, null]", "\"p2p\": [1.0, 3]", "networks[0].ops.p2p"),
        ("\"processor_usage\": 0.15", "\"processor_usage\": 1.0", "processor_usage"),
        ("\"efficiency\": 0.65", "\"efficiency\": 0", "efficiency"),
    ] {
        let system = SYSTEM.replacen(from, to, 1);
        let said: String = with(LAYOUT, &system).expect_err("bad").iter().map(|f| format!("{f}\n")).collect();
        assert!(said.contains(expected) && said.contains("system.json:"), "{said}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[ -~]{0,200}", cut in 0..600_usize) {
        assert!(with(&text, SYSTEM).is_err());
        let at = cut.min(LAYOUT.len() - 1);
        assert!(with(&LAYOUT[..at], SYSTEM).is_err());
    }
}
