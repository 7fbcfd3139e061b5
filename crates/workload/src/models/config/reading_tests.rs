//! Configuration files as repositories hold them: families, nesting, quantisation, what is wrong with some, and noise.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ConfigError, Configured, parse};
use crate::format::Format;
use crate::models::find;
use crate::models::transformer::{Attention, Certainty, FeedForward};

fn read(value: &Value) -> Result<Configured, ConfigError> {
    parse(&serde_json::to_string_pretty(value).expect("JSON"), "mine")
}

fn llama() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672,
        "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 128256,
        "max_position_embeddings": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
        "rope_scaling": { "factor": 8.0 }, "attention_bias": false, "mlp_bias": false
    })
}

fn with(mut value: Value, changes: Value) -> Value {
    if let (Value::Object(object), Value::Object(changes)) = (&mut value, changes) {
        for (key, change) in changes {
            if change.is_null() {
                object.remove(&key);
            } else {
                object.insert(key, change);
            }
        }
    }
    value
}

#[test]
fn a_file_gives_what_the_built_in_table_gives() {
    let configured = read(&llama()).expect("a model");
    let built_in = find("Llama-3.1-70B").expect("built in");
    assert_eq!(configured.model.blocks, built_in.blocks);
    assert_eq!(configured.model.parameters(), built_in.parameters());
    assert_eq!(configured.model.name, "mine");
    assert!(configured.notes.is_empty(), "{:?}", configured.notes);
    assert_eq!(configured.precision.attention, Format::Bf16);
}

#[test]
fn the_language_part_of_a_model_that_sees_is_found() {
    let nested = json!({ "model_type": "kimi_k25", "vision_config": { "hidden_size": 1152 },
        "text_config": with(llama(), json!({ "model_type": "llama" })), "tie_word_embeddings": false });
    assert_eq!(read(&nested).expect("a model").model.parameters().total(), 70_553_706_496);
    let deeper = json!({ "model_type": "qwen3_omni_moe", "thinker_config": { "text_config": llama() } });
    assert_eq!(read(&deeper).expect("a model").model.layers(), 80);
}

#[test]
fn numbers_that_python_writes_and_json_lacks_are_let_through() {
    let text = serde_json::to_string(&with(llama(), json!({ "limit": "X" })))
        .expect("JSON")
        .replace("\"X\"", "[0.0, Infinity]");
    assert!(parse(&text, "mine").is_ok());
}

#[test]
fn quantisation_is_read_part_by_part() {
    let format = |quantised: Value| {
        let configured = read(&with(llama(), json!({ "quantization_config": quantised }))).expect("a model");
        (configured.precision, configured.notes)
    };
    let block = format(json!({ "quant_method": "fp8", "weight_block_size": [128, 128] })).0;
    assert_eq!((block.attention, block.logits, block.cache), (Format::Fp8Block, Format::Bf16, Format::Bf16));
    assert_eq!(format(json!({ "quant_method": "fp8" })).0.dense, Format::Fp8);
    assert_eq!(format(json!({ "quant_method": "awq", "bits": 4 })).0.dense, Format::Int4Weight);
    assert_eq!(format(json!({ "quant_method": "gptq", "bits": 8 })).0.dense, Format::Int8Weight);
    let modelopt = format(json!({ "quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8" })).0;
    assert_eq!((modelopt.dense, modelopt.cache), (Format::Nvfp4, Format::Fp8));
    let packed = json!({ "quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": { "group_0": {
        "weights": { "num_bits": 8, "type": "int" }, "input_activations": { "num_bits": 8 } } } });
    assert_eq!(format(packed).0.dense, Format::Int8);
    let listed = json!({ "quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
        "model.layers.0.self_attn.q_proj": { "quant_algo": "FP8" }, "model.layers.0.mlp.up_proj": { "quant_algo": "W4A16_NVFP4" } } });
    let listed = format(listed).0;
    assert_eq!((listed.attention, listed.dense, listed.logits), (Format::Fp8, Format::Nvfp4, Format::Bf16));
    let (unknown, notes) = format(json!({ "quant_method": "quip" }));
    assert_eq!(unknown.dense, Format::Bf16);
    assert!(notes[0].contains("quip"), "{notes:?}");
}

#[test]
fn a_file_beside_the_configuration_may_say_how_weights_are_stored() {
    let mut configured = read(&llama()).expect("a model");
    let beside = r#"{ "producer": {}, "quantization": { "quant_algo": "FP8", "kv_cache_quant_algo": "FP8" } }"#;
    assert!(configured.quantised_by(beside));
    assert_eq!((configured.precision.dense, configured.precision.cache), (Format::Fp8, Format::Fp8));
    for nothing in ["", "[]", "{ \"producer\": {} }"] {
        assert!(!configured.quantised_by(nothing));
    }
}

#[test]
fn experts_alone_are_quantised_where_the_file_leaves_attention_out() {
    let mixture = json!({ "model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880, "num_hidden_layers": 24,
        "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 201088, "sliding_window": 128,
        "num_local_experts": 32, "num_experts_per_tok": 4, "attention_bias": true,
        "quantization_config": { "quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"] } });
    // A list that names norms alone leaves attention quantised.
    let norms = with(
        mixture.clone(),
        json!({ "quantization_config": { "quant_method": "fp8", "weight_block_size": [128, 128],
        "modules_to_not_convert": ["lm_head", "model.layers.0.post_attention_layernorm", "model.layers.0.self_attn.q_norm"] } }),
    );
    assert_eq!(read(&norms).expect("a model").precision.attention, Format::Fp8Block);
    let configured = read(&mixture).expect("a model");
    assert_eq!((configured.precision.attention, configured.precision.experts), (Format::Bf16, Format::Mxfp4Weight));
    assert_eq!(configured.model.blocks, find("gpt-oss-20b").expect("built in").blocks);
}

#[test]
fn layers_of_hybrids_follow_their_lists() {
    let hybrid = json!({ "model_type": "nemotron_h", "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "intermediate_size": 16384, "vocab_size": 131072, "hybrid_override_pattern": "M-M*-M",
        "mamba_num_heads": 128, "mamba_head_dim": 64, "ssm_state_size": 128, "n_groups": 8, "mlp_hidden_act": "relu2" });
    let model = read(&hybrid).expect("a model").model;
    assert_eq!(model.layers(), 6);
    let kinds: Vec<_> = model.blocks.iter().map(|block| (block.attention, block.feed_forward)).collect();
    assert!(matches!(kinds[0], (Attention::Linear { value_heads: 128, .. }, FeedForward::None)));
    assert!(matches!(kinds[1], (Attention::None, FeedForward::Dense { inner: 16384, gated: false })));
    assert!(matches!(kinds[3], (Attention::Grouped { kv_heads: 8, .. }, FeedForward::None)));
}

#[test]
fn a_family_of_tomorrow_is_read_by_the_generic_keys_and_says_so() {
    let configured = read(&with(llama(), json!({ "model_type": "llama9000" }))).expect("a model");
    assert_eq!(configured.model.certainty, Certainty::Secondary);
    assert!(configured.notes[0].contains("llama9000"), "{:?}", configured.notes);
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_would_work() {
    for (changes, place, path, message, help) in [
        (json!({ "hidden_size": null }), None, "", "no width of the stream", "hidden_size"),
        (json!({ "hidden_size": "wide" }), Some(()), "hidden_size", "\"wide\"", "whole number"),
        (json!({ "num_hidden_layers": 0 }), Some(()), "num_hidden_layers", "is 0", "above 0"),
        (json!({ "num_hidden_layers": 900_000 }), Some(()), "num_hidden_layers", "900000", "at most 4096"),
        (json!({ "vocab_size": 1e18 }), Some(()), "vocab_size", "1e+18", "1,048,576"),
        (json!({ "num_key_value_heads": 7 }), Some(()), "num_key_value_heads", "does not divide 64", "divisor"),
        (
            json!({ "num_attention_heads": 60, "num_key_value_heads": 60 }),
            Some(()),
            "num_attention_heads",
            "8192",
            "head_dim",
        ),
        (json!({ "num_local_experts": 8 }), None, "", "experts per token", "num_experts_per_tok"),
        (
            json!({ "num_local_experts": 8, "num_experts_per_tok": 9 }),
            Some(()),
            "num_experts_per_tok",
            "more than the 8",
            "1 to 8",
        ),
        (json!({ "layer_types": ["full_attention"] }), Some(()), "layer_types", "80", "one entry per layer"),
        (json!({ "layer_types": ["magic"] }), Some(()), "layer_types", "magic", "full_attention"),
        (json!({ "intermediate_size": null }), None, "", "no inner width", "intermediate_size"),
    ] {
        let error = read(&with(llama(), changes.clone())).expect_err("refused");
        assert_eq!(error.place.is_some(), place.is_some(), "{changes}: {error:?}");
        assert_eq!(error.path, path, "{changes}");
        let said = error.to_string();
        assert!(said.contains(message) && said.contains(help), "{changes}: {said}");
    }
    let error = parse("{\n  \"hidden_size\": 4096,\n  oops\n}", "mine").expect_err("not JSON");
    assert_eq!(error.place, Some((3, 3)));
    assert!(parse("[1, 2]", "mine").expect_err("a list").message.contains("object"));
    let nested = json!({ "text_config": with(llama(), json!({ "num_key_value_heads": 7 })) });
    let error = read(&nested).expect_err("refused");
    assert_eq!(error.path, "text_config.num_key_value_heads");
    assert!(error.place.expect("a place").0 > 2);
}

/// Keys that decide shapes, for noise.
const KEYS: [&str; 40] = [
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "v_head_dim",
    "kv_lora_rank",
    "q_lora_rank",
    "qk_rope_head_dim",
    "qk_nope_head_dim",
    "index_topk",
    "index_n_heads",
    "index_head_dim",
    "num_local_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "n_shared_experts",
    "shared_expert_intermediate_size",
    "first_k_dense_replace",
    "sliding_window",
    "layer_types",
    "hybrid_override_pattern",
    "mamba_num_heads",
    "mamba_head_dim",
    "ssm_state_size",
    "n_groups",
    "conv_kernel",
    "linear_num_value_heads",
    "linear_num_key_heads",
    "linear_key_head_dim",
    "linear_value_head_dim",
    "block_configs",
    "compress_ratios",
    "max_position_embeddings",
    "num_nextn_predict_layers",
    "moe_latent_size",
    "zero_expert_num",
    "quantization_config",
];

const TYPES: [&str; 14] = [
    "llama",
    "gpt2",
    "gpt_oss",
    "deepseek_v3",
    "qwen3_next",
    "longcat_flash",
    "llama4",
    "gemma3",
    "nemotron_h",
    "minimax",
    "kimi_linear",
    "deepseek_v4",
    "falcon",
    "lfm2",
];

fn noise() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..130).prop_map(Value::from),
        (0_u64..1 << 20).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ME*-]{0,8}".prop_map(Value::from),
        proptest::collection::vec(0_u64..200, 0..5).prop_map(Value::from),
        Just(json!(["full_attention", "linear_attention", "sliding_attention", "conv"])),
        Just(json!([{ "attention": { "n_heads_in_group": 8 }, "ffn": { "ffn_mult": 1e9 } }])),
        Just(json!([{ "attention": { "no_op": true }, "ffn": { "ffn_mult": 2.5 } }])),
        Just(json!({ "quant_method": "fp8", "ignore": [1, null] })),
    ]
}

proptest! {
    /// Whatever stands in a file: a model whose counts can be taken, or an error; never a panic.
    #[test]
    fn noise_gives_a_model_or_an_error(
        family in 0_usize..TYPES.len(),
        changes in proptest::collection::vec((0_usize..KEYS.len(), noise()), 0..12),
        text in ".{0,60}",
    ) {
        let mut value = with(llama(), json!({ "model_type": TYPES[family] }));
        for (key, noise) in changes {
            value[KEYS[key]] = noise;
        }
        if let Ok(configured) = read(&value) {
            let model = &configured.model;
            let (all, active) = (model.parameters(), model.active_parameters());
            prop_assert!(active.total() <= all.total().saturating_add(all.embedding));
            prop_assert!(model.weight_bytes(&configured.precision).total() >= 0.0);
            prop_assert!(model.sequence_bytes(1e6, Format::Bf16) >= 0.0 && model.flops_per_token(1e6) >= 0.0);
        }
        let _ = parse(&text, "noise");
    }
}
