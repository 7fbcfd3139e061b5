//! How a checkpoint is quantised, from `quantization_config` (or `hf_quant_config.json`) and the data type.

use serde_json::{Map, Value};

use crate::format::Format;
use crate::models::precision::Precision;
use crate::models::transformer::Transformer;

/// The formats of a checkpoint and, where something was not understood, what was assumed.
pub fn read(root: &Map<String, Value>, text: &Map<String, Value>, model: &Transformer) -> (Precision, Option<String>) {
    let plain = match text.get("torch_dtype").or(text.get("dtype")).or(root.get("torch_dtype")).and_then(Value::as_str)
    {
        Some("float32") => Format::Fp32,
        _ => Format::Bf16,
    };
    let quantised = ["quantization_config", "quantization", "compression_config"]
        .iter()
        .find_map(|key| text.get(*key).or(root.get(*key)).and_then(Value::as_object));
    let Some(quantised) = quantised else {
        // DeepSeek-V4 says it of experts alone.
        return (Precision::uniform(plain), None);
    };
    let word = |key: &str| quantised.get(key).and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let (method, algorithm, form) = (word("quant_method"), word("quant_algo"), word("format"));
    let group = quantised.get("config_groups").and_then(Value::as_object).and_then(|groups| groups.values().next());
    let bits = number(quantised, "bits")
        .or(group.and_then(|group| group.pointer("/weights/num_bits")).and_then(Value::as_u64))
        .unwrap_or(0);
    let activation_bits = group.and_then(|group| group.pointer("/input_activations/num_bits")).and_then(Value::as_u64);
    let floating = group.and_then(|group| group.pointer("/weights/type")).and_then(Value::as_str) == Some("float");
    let blocks = quantised.contains_key("weight_block_size");
    let format = match (method.as_str(), algorithm.as_str()) {
        (_, "nvfp4") | ("nvfp4", _) => Some(Format::Nvfp4),
        ("mxfp4", _) => Some(Format::Mxfp4Weight),
        (_, "fp8_pb_wo" | "fp8_block_scales") => Some(Format::Fp8Block),
        ("fp8" | "fbgemm_fp8", _) | (_, "fp8") => Some(if blocks { Format::Fp8Block } else { Format::Fp8 }),
        ("awq" | "gptq" | "auto-round", _) | (_, "w4a16_awq" | "w4a16") => {
            Some(if bits == 8 { Format::Int8Weight } else { Format::Int4Weight })
        }
        ("bitsandbytes", _) => Some(match quantised.get("load_in_8bit").and_then(Value::as_bool) {
            Some(true) => Format::Int8Weight,
            _ => Format::Int4Weight,
        }),
        ("compressed-tensors" | "modelopt", _) | ("", "") => match (form.as_str(), floating, bits, activation_bits) {
            (form, ..) if form.starts_with("mxfp4") => Some(Format::Mxfp4Weight),
            (form, ..) if form.starts_with("nvfp4") => Some(Format::Nvfp4),
            (_, true, 8, _) => Some(if blocks { Format::Fp8Block } else { Format::Fp8 }),
            (_, true, 4, _) => Some(Format::Nvfp4),
            (_, false, 8, Some(8)) => Some(Format::Int8),
            (_, false, 8, _) => Some(Format::Int8Weight),
            (_, false, 4, _) => Some(Format::Int4Weight),
            _ => None,
        },
        _ => None,
    };
    let Some(format) = format else {
        let named = [method, algorithm, form].into_iter().find(|word| !word.is_empty()).unwrap_or_default();
        return (
            Precision::uniform(plain),
            Some(format!(
                "quantisation {named:?} is not known here: weights counted at 16 bits (known: fp8, nvfp4, mxfp4, awq, gptq, \
                 compressed-tensors, modelopt, bitsandbytes)"
            )),
        );
    };
    let mut precision = Precision::uniform(format);
    let left_out: Vec<&str> = ["ignore", "exclude_modules", "modules_to_not_convert"]
        .iter()
        .filter_map(|key| quantised.get(*key).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mentions = |words: &[&str]| left_out.iter().any(|entry| words.iter().any(|word| entry.contains(word)));
    if model.has_experts() && mentions(&["self_attn", "linear_attn", "attention"]) {
        precision.attention = plain;
    }
    if mentions(&["shared_expert", "share_expert"]) {
        precision.shared = plain;
    }
    if mentions(&["mlp.(gate|up", "mlp\\.(gate|up"]) {
        precision.dense = plain;
    }
    if format == Format::Mxfp4Weight && method == "mxfp4" {
        precision.attention = plain;
        precision.dense = plain;
        precision.shared = plain;
    }
    let cache = word("kv_cache_quant_algo");
    let scheme = quantised.get("kv_cache_scheme").and_then(|scheme| scheme.get("num_bits")).and_then(Value::as_u64);
    if cache == "fp8" || scheme == Some(8) {
        precision.cache = Format::Fp8;
    }
    (precision, None)
}

fn number(object: &Map<String, Value>, key: &str) -> Option<u64> {
    object.get(key).and_then(Value::as_u64)
}
