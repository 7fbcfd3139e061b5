//! The feed-forward part of a layer from the keys of its family.

use serde_json::Value;

use super::fields::{Fault, Fields, whole};
use super::looking_back::Shape;
use super::pattern::Follow;
use crate::models::parameters::product;
use crate::models::transformer::FeedForward;

/// Keys that count routed experts.
const EXPERTS: [&str; 6] = [
    "n_routed_experts",
    "num_local_experts",
    "num_experts",
    "moe_num_experts",
    "num_routed_experts",
    "moe_num_routed_experts",
];
/// Keys that count the experts that a token visits.
const ACTIVE: [&str; 10] = [
    "num_experts_per_tok",
    "experts_per_token",
    "num_experts_per_token",
    "moe_topk",
    "moe_k",
    "top_k_experts",
    "moe_top_k",
    "num_selected_experts",
    "moe_router_topk",
    "top_k",
];

/// What all layers share, read once.
#[derive(Clone, Debug)]
pub struct Networks {
    dense: Option<FeedForward>,
    experts: Option<FeedForward>,
    dense_other: u64,
    experts_other: u64,
}

impl Networks {
    /// Reads both kinds of network.
    pub fn read(shape: &Shape) -> Result<Self, Fault> {
        let fields = &shape.fields;
        let gated = gate(shape);
        let bias = fields.flag("mlp_bias").or(fields.flag("use_bias")).unwrap_or(shape.style.inner_bias);
        let count = match fields.positive(&EXPERTS)? {
            Some(1) | None => None,
            Some(count) => Some(count),
        };
        let named =
            fields.positive(&["intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "inner_hidden_size"])?;
        let nested = fields.object("ffn_config").map(|object| Fields::new(object, "ffn_config"));
        let inner = match (&nested, named) {
            (_, Some(inner)) => Some(inner),
            (Some(nested), None) => nested.positive(&["ffn_hidden_size"])?,
            // Models before Llama leave it out and mean four times the width.
            (None, None) if !shape.style.gated => Some(shape.hidden.saturating_mul(4)),
            _ => None,
        };
        let count = match &nested {
            Some(nested) if count.is_none() => nested.positive(&["moe_num_experts"])?,
            _ => count,
        };
        let experts = match count {
            Some(count) => Some(Self::experts(shape, nested.as_ref(), count, inner, gated)?),
            None => None,
        };
        let dense = fields.positive(&["intermediate_size_mlp", "dense_intermediate_size"])?.or(inner);
        let hidden = u64::from(shape.hidden);
        let dense_other = match dense {
            Some(inner) if bias => u64::from(inner) * if gated { 2 } else { 1 } + hidden,
            _ => 0,
        };
        let (experts, experts_other) = experts.unzip();
        Ok(Self {
            dense: dense.map(|inner| FeedForward::Dense { inner, gated }),
            experts,
            dense_other,
            experts_other: experts_other.unwrap_or(0),
        })
    }

    fn experts(
        shape: &Shape,
        nested: Option<&Fields>,
        experts: u32,
        dense: Option<u32>,
        gated: bool,
    ) -> Result<(FeedForward, u64), Fault> {
        let fields = &shape.fields;
        let active = match (fields.positive(&ACTIVE)?, nested) {
            (Some(active), _) => active,
            (None, Some(nested)) => nested.need("count of experts per token", &["moe_top_k"])?,
            (None, None) => fields.need("count of experts per token", &ACTIVE)?,
        };
        if active > experts {
            let key = fields.value(&ACTIVE).map_or("num_experts_per_tok", |(key, _)| key);
            return Err(fields.fault(
                key,
                format!("is {active}, more than the {experts} experts"),
                format!("expected a number from 1 to {experts}"),
            ));
        }
        let inner = fields
            .positive(&[
                "moe_intermediate_size",
                "expert_ffn_hidden_size",
                "moe_ffn_hidden_size",
                "expert_hidden_size",
            ])?
            .or(dense);
        let Some(inner) = inner else {
            return Err(fields.fault(
                "",
                "no inner width of experts",
                "expected moe_intermediate_size or intermediate_size",
            ));
        };
        let latent = fields.positive(&["moe_latent_size", "routed_expert_hidden_size"])?;
        let family = shape.model_type.trim_end_matches("_text");
        let shared = shared_inner(fields, family, inner)?;
        // A dense network stands beside the experts in these families.
        let beside = match (family, dense) {
            ("gemma4" | "arctic", Some(dense)) => dense,
            _ => 0,
        };
        let mut other = 0;
        let balanced = fields.text("topk_method") == Some("noaux_tc")
            || fields.flag("use_routing_bias") == Some(true)
            || fields.flag("use_moe_router_bias") == Some(true)
            || fields.flag("moe_use_aux_free") == Some(true)
            || fields.flag("moe_router_enable_expert_bias") == Some(true)
            || matches!(family, "glm4_moe" | "glm4v_moe" | "glm_moe_dsa" | "minimax_m2" | "kimi_linear" | "nemotron_h")
            || matches!(family, "ernie4_5_moe" | "gpt_oss" | "longcat_flash");
        if balanced {
            other += u64::from(experts);
        }
        if matches!(family, "qwen2_moe" | "qwen3_next" | "qwen3_5_moe") && shared > 0 {
            // One number per token gates the shared expert.
            other += u64::from(shape.hidden);
        }
        if family == "gpt_oss" {
            other += u64::from(experts) * (2 * u64::from(inner) + u64::from(shape.hidden));
        }
        // Experts without weights that the router may choose (LongCat): on average they take their share of the choices.
        let idle = fields.count(&["zero_expert_num"])?.unwrap_or(0);
        let visited = if idle > 0 {
            other += product(&[shape.hidden, idle]) + u64::from(idle);
            (u64::from(active) * u64::from(experts) / (u64::from(experts) + u64::from(idle))).max(1) as u32
        } else {
            active
        };
        let shared_inner = shared.saturating_add(beside);
        Ok((FeedForward::Experts { experts, active: visited, inner, shared_inner, latent, gated }, other))
    }

    /// What follows in layer `layer`, and its parameters outside matrices.
    pub fn of(&self, shape: &Shape, layer: u32, follow: Follow) -> Result<(FeedForward, u64), Fault> {
        let routed = match follow {
            Follow::None => return Ok((FeedForward::None, 0)),
            Follow::Dense => false,
            Follow::Experts => true,
            Follow::Usual => self.experts.is_some() && routes(&shape.fields, layer)?,
        };
        let (network, other) = if routed { (self.experts, self.experts_other) } else { (self.dense, self.dense_other) };
        match network {
            Some(network) => Ok((network, other)),
            None if routed => {
                Err(shape.fields.fault("", "no count of experts", format!("expected one of {}", EXPERTS.join(", "))))
            }
            None => Err(shape.fields.fault("", "no inner width", "expected intermediate_size")),
        }
    }
}

/// Whether the network has a gate: by what the activation is called where it tells, else as the family does.
fn gate(shape: &Shape) -> bool {
    let activation = shape.fields.text("mlp_hidden_act").or(shape.fields.text("hidden_act"));
    match activation {
        Some("relu2") => false,
        Some("xielu") => false,
        _ => shape.style.gated,
    }
}

/// Inner width of the shared experts together.
fn shared_inner(fields: &Fields, family: &str, inner: u32) -> Result<u32, Fault> {
    let count =
        fields.count(&["n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"])?;
    let width = fields.count(&[
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "share_expert_dim",
        "shared_intermediate_size",
    ])?;
    Ok(match (count, width) {
        (Some(0), _) => 0,
        (_, Some(width)) => width,
        (Some(count), None) => count.saturating_mul(inner),
        // Llama 4 always has one shared expert and does not say so.
        (None, None) if family == "llama4" => inner,
        (None, None) => 0,
    })
}

/// Whether a layer of a model with experts routes.
fn routes(fields: &Fields, layer: u32) -> Result<bool, Fault> {
    if let Some(list) = fields.list("mlp_layer_types").and_then(|list| list.get(layer as usize)) {
        return Ok(list.as_str() != Some("dense"));
    }
    if let Some(entry) = fields.list("moe_layer_freq").and_then(|list| list.get(layer as usize)) {
        return Ok(entry.as_u64() != Some(0));
    }
    if let Some(list) = fields.list("moe_layers") {
        return Ok(list.iter().filter_map(whole).any(|entry| entry == layer));
    }
    if let Some(text) = fields.text("moe_layers_enum") {
        return Ok(text.split(',').filter_map(|entry| entry.trim().parse().ok()).any(|entry: u32| entry == layer));
    }
    if let Some(list) = fields.list("mlp_only_layers")
        && list.iter().filter_map(whole).any(|entry| entry == layer)
    {
        return Ok(false);
    }
    let dense_first =
        fields.count(&["first_k_dense_replace", "moe_layer_start_index", "num_dense_layers", "moe_layer_offset"])?;
    if layer < dense_first.unwrap_or(0) {
        return Ok(false);
    }
    if let Some(Value::Number(_)) =
        fields.value(&["interleave_moe_layer_step", "decoder_sparse_step"]).map(|(_, value)| value)
    {
        let step = fields.count(&["interleave_moe_layer_step", "decoder_sparse_step"])?.unwrap_or(1);
        return Ok(step <= 1 || (layer + 1).is_multiple_of(step));
    }
    if let Some(period) = fields.positive(&["expert_layer_period"])? {
        let offset = fields.count(&["expert_layer_offset"])?.unwrap_or(0);
        return Ok(layer % period == offset % period);
    }
    if fields.list("moe_layer_freq").is_none() {
        let step = fields.count(&["moe_layer_freq", "moe_layer_interval"])?.unwrap_or(1);
        return Ok(step <= 1 || layer.is_multiple_of(step));
    }
    Ok(true)
}
