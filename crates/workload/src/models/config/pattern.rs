//! Which layers do what: lists, periods and pattern strings of configurations as one list.

use serde_json::Value;

use super::fields::{Fault, Fields, short, whole};

/// How a layer looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixer {
    /// At everything.
    Full,
    /// At the last tokens.
    Window(u32),
    /// By a state: gated delta rule, lightning attention, and the like.
    Linear,
    /// By a state-space layer.
    StateSpace,
    /// At groups of so many tokens (0: only at a window).
    Compressed(u32),
    /// By a short convolution.
    Convolution,
    /// Not at all.
    None,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// What the place in the model says: dense or experts.
    Usual,
    /// A dense network.
    Dense,
    /// Experts.
    Experts,
    /// Nothing.
    None,
}

/// One entry per layer.
pub fn layers(fields: &Fields, model_type: &str, layers: u32) -> Result<Vec<(Mixer, Follow)>, Fault> {
    let count = layers as usize;
    let window = window(fields, model_type)?;
    if let Some(pattern) = fields.text("hybrid_override_pattern") {
        let list = pattern.chars().map(|mark| letter(fields, mark)).collect::<Result<Vec<_>, _>>()?;
        return same_length(fields, "hybrid_override_pattern", list, count);
    }
    if let Some(list) = fields.list("layers_block_type") {
        let list =
            list.iter().map(|entry| word(fields, "layers_block_type", entry, window)).collect::<Result<Vec<_>, _>>()?;
        return same_length(fields, "layers_block_type", list, count);
    }
    if let Some(list) = fields.list("compress_ratios") {
        let mut ratios = list
            .iter()
            .map(|entry| {
                whole(entry).map(|ratio| (Mixer::Compressed(ratio), Follow::Usual)).ok_or_else(|| {
                    fields.fault("compress_ratios", format!("holds {}", short(entry)), "expected whole numbers")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Entries behind the layers belong to the draft head.
        if ratios.len() > count {
            ratios.truncate(count);
        }
        return same_length(fields, "compress_ratios", ratios, count);
    }
    if let Some(list) = fields.list("layer_types") {
        let mut list =
            list.iter().map(|entry| word(fields, "layer_types", entry, window)).collect::<Result<Vec<_>, _>>()?;
        if list.len() > count {
            list.truncate(count);
        }
        return same_length(fields, "layer_types", list, count);
    }
    if let Some(list) = fields.list("attn_type_list") {
        // 1 looks back at everything, 0 by a state.
        let list = list
            .iter()
            .map(|entry| match whole(entry) {
                Some(0) => (Mixer::Linear, Follow::Usual),
                _ => (Mixer::Full, Follow::Usual),
            })
            .collect();
        return same_length(fields, "attn_type_list", list, count);
    }
    if let Some(list) = fields.list("hybrid_layer_pattern") {
        let list = list
            .iter()
            .map(|entry| match (whole(entry), window) {
                (Some(1), Some(window)) => (Mixer::Window(window), Follow::Usual),
                _ => (Mixer::Full, Follow::Usual),
            })
            .collect();
        return same_length(fields, "hybrid_layer_pattern", list, count);
    }
    if let Some(linear) = fields.object("linear_attn_config") {
        // Layers are counted from 1 there.
        let full: Vec<u32> =
            linear.get("full_attn_layers").and_then(Value::as_array).into_iter().flatten().filter_map(whole).collect();
        return Ok((1..=layers)
            .map(|layer| (if full.contains(&layer) { Mixer::Full } else { Mixer::Linear }, Follow::Usual))
            .collect());
    }
    Ok((0..layers).map(|layer| (by_period(fields, model_type, layer, window), Follow::Usual)).collect())
}

/// Every so many layers another kind, where there is no list.
fn by_period(fields: &Fields, model_type: &str, layer: u32, window: Option<u32>) -> Mixer {
    let number = |key: &'static str| fields.count(&[key]).ok().flatten().filter(|period| *period > 0);
    if let Some(period) = number("full_attention_interval") {
        return if (layer + 1).is_multiple_of(period) { Mixer::Full } else { Mixer::Linear };
    }
    if let Some(period) = number("attn_layer_period") {
        let offset = number("attn_layer_offset").unwrap_or(0);
        return if layer % period == offset % period { Mixer::Full } else { Mixer::StateSpace };
    }
    let Some(window) = window else { return Mixer::Full };
    let family = model_type.trim_end_matches("_text");
    // Which layer of a period sees everything.
    let period = number("sliding_window_pattern").or(number("_sliding_window_pattern")).or(match family {
        "gemma2" | "gpt_oss" => Some(2),
        "gemma3" => Some(6),
        "llama4" | "cohere2" => Some(4),
        _ => None,
    });
    match period {
        Some(period) if (layer + 1).is_multiple_of(period) => Mixer::Full,
        _ => Mixer::Window(window),
    }
}

/// The window of layers that have one.
fn window(fields: &Fields, model_type: &str) -> Result<Option<u32>, Fault> {
    if fields.flag("use_sliding_window") == Some(false) {
        return Ok(None);
    }
    // Qwen 2 carries a window that is off unless switched on.
    if model_type.starts_with("qwen2") && fields.flag("use_sliding_window") != Some(true) {
        return Ok(None);
    }
    Ok(fields.count(&["sliding_window", "attention_chunk_size", "sliding_window_size"])?.filter(|window| *window > 0))
}

fn letter(fields: &Fields, mark: char) -> Result<(Mixer, Follow), Fault> {
    Ok(match mark {
        'M' => (Mixer::StateSpace, Follow::None),
        '*' => (Mixer::Full, Follow::None),
        '-' => (Mixer::None, Follow::Dense),
        'E' => (Mixer::None, Follow::Experts),
        other => {
            return Err(fields.fault(
                "hybrid_override_pattern",
                format!("holds {other:?}"),
                "expected M (state space), * (attention), - (dense network) or E (experts), one per layer",
            ));
        }
    })
}

fn word(fields: &Fields, key: &str, entry: &Value, window: Option<u32>) -> Result<(Mixer, Follow), Fault> {
    let alone = key == "layers_block_type";
    let follow = if alone { Follow::None } else { Follow::Usual };
    Ok(match entry.as_str().unwrap_or("") {
        "full_attention"
        | "attention"
        | "global_attention"
        | "global"
        | "deepseek_sparse_attention"
        | "sparse_attention" => (Mixer::Full, follow),
        "sliding_attention" | "chunked_attention" | "local_attention" | "local" | "sliding_window" => {
            (window.map_or(Mixer::Full, Mixer::Window), follow)
        }
        "linear_attention" | "lightning_attention" | "gated_deltanet" | "kda" => (Mixer::Linear, follow),
        "mamba" | "mamba2" => (Mixer::StateSpace, follow),
        "conv" | "convolution" | "short_conv" => (Mixer::Convolution, follow),
        "mlp" | "dense" if alone => (Mixer::None, Follow::Dense),
        "moe" if alone => (Mixer::None, Follow::Experts),
        _ => {
            return Err(fields.fault(
                key,
                format!("holds {}", short(entry)),
                "expected full_attention, sliding_attention, chunked_attention, linear_attention, mamba or conv \
                 (layers_block_type also: mlp, moe)",
            ));
        }
    })
}

fn same_length(
    fields: &Fields,
    key: &str,
    list: Vec<(Mixer, Follow)>,
    count: usize,
) -> Result<Vec<(Mixer, Follow)>, Fault> {
    if list.len() == count {
        return Ok(list);
    }
    Err(fields.fault(
        key,
        format!("names {} layers, but the model has {count}", list.len()),
        "expected one entry per layer of num_hidden_layers",
    ))
}
