//! `lanewright workload models` as a user types it.

use crate::command::Folder;

fn run(args: &[&str]) -> (i32, String, String) {
    let run = Folder::new().run(&[&["workload", "models"], args].concat());
    (run.code, run.out, run.err)
}

fn json(args: &[&str]) -> serde_json::Value {
    let (code, out, err) = run(&[args, &["--json"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn all_are_listed_and_can_be_narrowed_down() {
    let all = json(&[]);
    assert!(all["models"].as_array().map_or(0, Vec::len) > 140);
    assert!(all["networks"].as_array().map_or(0, Vec::len) > 20);
    let (code, out, _) = run(&["--containing", "minimax"]);
    assert_eq!(code, 0);
    assert!(out.contains("MiniMax-M2.5") && !out.contains("Llama"), "{out}");
    assert_eq!(run(&["--containing", "no such model"]).0, 2);
}

#[test]
fn one_model_is_taken_apart() {
    let model = json(&["meta-llama/Meta-Llama-3.1-70B-Instruct", "--context", "1000"]);
    assert_eq!(model["parameters"], 70_553_706_496_u64);
    assert_eq!(model["cache"]["bytes_per_token_16_bit"], 327_680.0);
    assert_eq!(model["cache"]["sequences"][0]["bytes_8_bit"], 163_840_000.0);
    assert_eq!(model["certainty"], "published");
    let (_, out, _) = run(&["nvidia/DeepSeek-R1-NVFP4"]);
    for expected in ["671,026,419,200", "8 of 256 experts", "draft head", "has the shape of deepseek-ai/DeepSeek-R1"] {
        assert!(out.contains(expected), "{expected} in {out}");
    }
}

#[test]
fn a_name_with_a_size_is_guessed_and_one_without_is_refused() {
    assert_eq!(json(&["Somebody/Thing-70B"])["certainty"], "guess");
    let (code, _, err) = run(&["Llama-next"]);
    assert_eq!(code, 2);
    assert!(err.contains("near it: ") && err.contains("config.json"), "{err}");
}

#[test]
fn configuration_files_are_read_and_what_is_wrong_has_a_place() {
    let folder = Folder::new();
    let text = r#"{
  "model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16,
  "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072, "vocab_size": 151936,
  "tie_word_embeddings": true
}"#;
    folder.write("config.json", text);
    let good = folder.run(&["workload", "models", "config.json", "--json"]);
    assert_eq!(good.code, 0, "{}", good.err);
    let model: serde_json::Value = serde_json::from_str(&good.out).expect("JSON");
    assert_eq!(model["parameters"], 596_049_920_u64);
    folder.write("config.json", text.replace("\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5"));
    let bad = folder.run(&["workload", "models", "config.json"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("config.json:3:3: num_key_value_heads is 5"), "{}", bad.err);
    let missing = folder.run(&["workload", "models", "absent.json"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("absent.json: there is no such file"), "{}", missing.err);
}

#[test]
fn vision_networks_are_counted_at_any_size() {
    let net = json(&["yolov8s", "--size", "736x1280"]);
    assert_eq!(net["parameters"], 11_166_560);
    assert!((net["macs"].as_f64().expect("a count") / 32.9e9 - 1.0).abs() < 0.01);
    assert!(run(&["resnet50", "--layers"]).1.contains("layer4.2.conv3"));
    for args in [["resnet50", "--size", "8x8"], ["resnet50", "--size", "large"], ["Llama-3.1-8B", "--size", "8x8"]] {
        assert_eq!(run(&args).0, 2, "{args:?}");
    }
}
