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
    // DeepSeek-V4 says of its experts alone that they have 4 bits.
    let small_experts = text.get("expert_dtype").and_then(Value::as_str) == Some("fp4");
    let Some(quantised) = quantised else {
        return (Precision::uniform(plain), None);
    };
    if let Some(layers) = quantised.get("quantized_layers").and_then(Value::as_object)
        && let Some(precision) = by_layer(layers, plain)
    {
        return (with_cache(precision, quantised), None);
    }
    let word = |key: &str| quantised.get(key).and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let (method, named, form) = (word("quant_method"), word("quant_algo"), word("format"));
    let group = quantised.get("config_groups").and_then(Value::as_object).and_then(|groups| groups.values().next());
    let bits = number(quantised, "bits")
        .or(group.and_then(|group| group.pointer("/weights/num_bits")).and_then(Value::as_u64))
        .unwrap_or(0);
    let activation_bits = group.and_then(|group| group.pointer("/input_activations/num_bits")).and_then(Value::as_u64);
    let floating = group.and_then(|group| group.pointer("/weights/type")).and_then(Value::as_str) == Some("float");
    let blocks = quantised.contains_key("weight_block_size");
    let format = match (method.as_str(), named.as_str()) {
        ("nvfp4", _) => Some(Format::Nvfp4),
        ("mxfp4", _) => Some(Format::Mxfp4Weight),
        ("fp8" | "fbgemm_fp8", "") | (_, "fp8") => Some(if blocks { Format::Fp8Block } else { Format::Fp8 }),
        (_, name) if algorithm(name).is_some() => algorithm(name),
        ("awq" | "gptq" | "auto-round", _) => Some(if bits == 8 { Format::Int8Weight } else { Format::Int4Weight }),
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
        let named = [named, form, method].into_iter().find(|word| !word.is_empty()).unwrap_or_default();
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
    // Norms, biases and indexers are named one by one in some lists: they do not stand for the part that they belong to.
    let small = |entry: &str| ["norm", "bias", "indexer"].iter().any(|word| entry.contains(word));
    let mentions =
        |words: &[&str]| left_out.iter().any(|entry| !small(entry) && words.iter().any(|word| entry.contains(word)));
    if model.has_experts() && mentions(&["attn", "attention"]) {
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
    if small_experts {
        precision.experts = Format::Mxfp4Fp8;
    }
    (with_cache(precision, quantised), None)
}

/// The format of the cache where the checkpoint brings its scales.
fn with_cache(precision: Precision, quantised: &Map<String, Value>) -> Precision {
    let named = quantised.get("kv_cache_quant_algo").and_then(Value::as_str);
    let scheme = quantised.get("kv_cache_scheme").and_then(|scheme| scheme.get("num_bits")).and_then(Value::as_u64);
    if named.is_some_and(|name| name.eq_ignore_ascii_case("fp8")) || scheme == Some(8) {
        return precision.with_cache(Format::Fp8);
    }
    precision
}

/// Where every layer is listed with its own algorithm, each part takes what most of its layers have; parts that are not
/// listed stay as they are. None where no algorithm is known.
fn by_layer(layers: &Map<String, Value>, plain: Format) -> Option<Precision> {
    let mut precision = Precision::uniform(plain);
    let most = |belongs: &dyn Fn(&str) -> bool| {
        let mut counts: Vec<(Format, usize)> = Vec::new();
        for (_, entry) in layers.iter().filter(|(name, _)| belongs(name)) {
            let Some(format) = entry.get("quant_algo").and_then(Value::as_str).and_then(algorithm) else { continue };
            match counts.iter_mut().find(|(known, _)| *known == format) {
                Some((_, count)) => *count += 1,
                None => counts.push((format, 1)),
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(format, _)| format)
    };
    let attention = most(&|name| name.contains("attn") || name.contains("attention") || name.contains("mixer.in_proj"));
    let shared = most(&|name| name.contains("shared_expert") || name.contains("share_expert"));
    let experts = most(&|name| name.contains("expert") && !name.contains("share"));
    let dense = most(&|name| {
        (name.contains("mlp") || name.contains("ffn") || name.contains("mixer.up_proj")) && !name.contains("expert")
    });
    if attention.is_none() && shared.is_none() && experts.is_none() && dense.is_none() {
        return None;
    }
    precision.attention = attention.unwrap_or(plain);
    precision.shared = shared.unwrap_or(plain);
    precision.experts = experts.unwrap_or(plain);
    precision.dense = dense.unwrap_or(plain);
    Some(precision)
}

/// The names that ModelOpt gives.
fn algorithm(name: &str) -> Option<Format> {
    Some(match name.to_ascii_lowercase().as_str() {
        "nvfp4" | "w4a16_nvfp4" | "w4a4_nvfp4" => Format::Nvfp4,
        "fp8" => Format::Fp8,
        // One scale for 32 elements: nearest to scales per block.
        "mxfp8" | "fp8_pb_wo" | "fp8_block_scales" => Format::Fp8Block,
        "mxfp4" | "w4a16_mxfp4" => Format::Mxfp4Weight,
        "w4a8_mxfp4_fp8" | "w4a8_mxfp4_mxfp8" => Format::Mxfp4Fp8,
        "w4a16_awq" | "w4a16" | "int4_awq" => Format::Int4Weight,
        "w8a16" => Format::Int8Weight,
        "w8a8_sq_per_channel" | "int8_sq" => Format::Int8,
        _ => return None,
    })
}

fn number(object: &Map<String, Value>, key: &str) -> Option<u64> {
    object.get(key).and_then(Value::as_u64)
}
