//! Language models: one row each, or one in full.

use std::fmt::Write as _;

use lanewright_workload::format::Format;
use lanewright_workload::models::built_in::Known;
use lanewright_workload::models::config::Configured;
use lanewright_workload::models::parameters::Parameters;
use lanewright_workload::models::precision::{Precision, WeightBytes};
use lanewright_workload::models::transformer::{Attention, Certainty, FeedForward, Transformer};
use serde_json::{Value, json};

use super::words;
use crate::{number, terminal};

/// Formats that weights are shown in.
const FORMATS: [Format; 5] = [Format::Bf16, Format::Fp8Block, Format::Int4Weight, Format::Nvfp4, Format::Mxfp4Weight];

/// One model with where it comes from.
pub struct Shown {
    model: Transformer,
    precision: Precision,
    source: String,
    published: Option<f64>,
    notes: Vec<String>,
}

impl Shown {
    /// A built-in model under the name that it was asked by.
    pub fn known(asked: &str, known: &Known) -> Self {
        let mut notes = Vec::new();
        if !asked.eq_ignore_ascii_case(&known.model.name) {
            notes.push(format!("{asked} has the shape of {}", known.model.name));
        }
        Self {
            model: known.model.clone(),
            precision: known.precision,
            source: known.source.clone(),
            published: known.published_total,
            notes,
        }
    }

    /// A model of a configuration file.
    pub fn configured(configured: Configured, file: &str) -> Self {
        Self {
            model: configured.model,
            precision: configured.precision,
            source: file.to_string(),
            published: None,
            notes: configured.notes,
        }
    }

    /// A scaled model.
    pub fn guess(model: Transformer) -> Self {
        Self {
            precision: Precision::uniform(Format::Bf16),
            source: "the nearest built-in model, scaled to the size in the name".into(),
            published: None,
            notes: vec!["not built in: layers, heads and widths are guesses; a config.json gives the real ones".into()],
            model,
        }
    }

    /// Everything about it as JSON.
    pub fn json(&self, contexts: &[u32]) -> Value {
        let model = &self.model;
        let (all, active) = (model.parameters(), model.active_parameters());
        let caches: Vec<Value> = contexts
            .iter()
            .map(|tokens| {
                let length = f64::from(*tokens);
                json!({
                    "tokens": tokens,
                    "bytes_16_bit": model.sequence_bytes(length, Format::Bf16),
                    "bytes_8_bit": model.sequence_bytes(length, Format::Fp8),
                    "flops_per_token": model.flops_per_token(length),
                })
            })
            .collect();
        let weights: Vec<Value> = FORMATS
            .iter()
            .map(|format| {
                let bytes = model.weight_bytes(&Precision::customary(*format, model));
                json!({ "format": format, "bytes": bytes.total(), "parts": bytes })
            })
            .collect();
        json!({
            "name": model.name,
            "certainty": model.certainty,
            "source": self.source,
            "notes": self.notes,
            "parameters": all.total(),
            "published_parameters": self.published,
            "active_parameters": active.total(),
            "parts": all,
            "active_parts": active,
            "checkpoint": { "precision": self.precision, "bytes": model.weight_bytes(&self.precision) },
            "weights": weights,
            "cache": {
                "bytes_per_token_16_bit": model.cache_bytes_per_token(Format::Bf16),
                "bytes_per_token_8_bit": model.cache_bytes_per_token(Format::Fp8),
                "state_bytes_per_sequence": model.state_bytes(),
                "sequences": caches,
            },
            "shape": model,
        })
    }

    /// Everything about it as text.
    pub fn text(&self, contexts: &[u32]) -> String {
        let model = &self.model;
        let (all, active) = (model.parameters(), model.active_parameters());
        let mut out = format!("{}: {}\n", model.name, words::certainty(model.certainty));
        let _ = writeln!(out, "from {}", self.source);
        let _ = write!(
            out,
            "{} parameters, {} of them per token; {} layers of width {}, {} tokens in the vocabulary",
            words::amount(all.total() as f64),
            words::amount(active.total() as f64),
            model.layers(),
            number::count(model.hidden.into()),
            number::count(model.vocabulary.into()),
        );
        match model.context_limit {
            0 => out.push('\n'),
            limit => {
                let _ = writeln!(out, ", up to {} of context", number::count(limit.into()));
            }
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out.push_str(&layers(model));
        out.push_str(&parts(&all, &active));
        out.push_str(&weights(model, &self.precision));
        out.push_str(&cache(model, contexts));
        out
    }
}

fn layers(model: &Transformer) -> String {
    let rows = model
        .kinds()
        .iter()
        .map(|block| {
            let layer = block.layer_parameters(model.hidden);
            let experts = match block.feed_forward {
                FeedForward::Experts { experts, .. } => u64::from(experts),
                _ => 0,
            };
            let one =
                layer.attention + layer.dense + layer.shared + layer.router + layer.other + layer.expert * experts;
            vec![
                block.layers.to_string(),
                words::attention(&block.attention),
                words::feed_forward(&block.feed_forward),
                words::amount(one as f64),
            ]
        })
        .collect();
    terminal::table("LAYERS", &[">layers", "attention", "feed-forward", ">parameters each"], rows)
}

fn parts(all: &Parameters, active: &Parameters) -> String {
    let total = all.total().max(1) as f64;
    let row = |name: &str, count: u64, used: u64| {
        (count > 0 || used > 0).then(|| {
            vec![
                name.to_string(),
                number::count(count),
                format!("{} %", number::decimals(100.0 * count as f64 / total, 1)),
                number::count(used),
            ]
        })
    };
    let mut rows: Vec<Vec<String>> = [
        row("token table", all.embedding, active.embedding),
        row("logits", all.logits, active.logits),
        row("attention", all.attention, active.attention),
        row("dense networks", all.dense, active.dense),
        row("routed experts", all.experts, active.experts),
        row("shared experts", all.shared, active.shared),
        row("routers", all.router, active.router),
        row("norms, biases, other", all.other, active.other),
    ]
    .into_iter()
    .flatten()
    .collect();
    rows.push(vec!["total".into(), number::count(all.total()), "100.0 %".into(), number::count(active.total())]);
    if all.draft > 0 {
        rows.push(vec!["draft head, besides".into(), number::count(all.draft), String::new(), String::new()]);
    }
    terminal::table("PARAMETERS", &["part", ">all", ">share", ">per token"], rows)
}

fn weights(model: &Transformer, checkpoint: &Precision) -> String {
    let row = |name: String, bytes: &WeightBytes| {
        let part = |bytes: f64| if bytes > 0.0 { words::bytes(bytes) } else { String::new() };
        vec![
            name,
            words::bytes(bytes.total()),
            part(bytes.embedding + bytes.logits),
            part(bytes.attention),
            part(bytes.dense + bytes.shared),
            part(bytes.experts),
            part(bytes.other),
        ]
    };
    let mut rows: Vec<Vec<String>> = FORMATS
        .iter()
        .map(|format| row(format.name().into(), &model.weight_bytes(&Precision::customary(*format, model))))
        .collect();
    rows.push(row("as published".into(), &model.weight_bytes(checkpoint)));
    terminal::table(
        "WEIGHTS (16 bits where quantised checkpoints keep them: tables, routers, norms; with 4-bit experts, attention too)",
        &["format", ">total", ">tables", ">attention", ">dense, shared", ">experts", ">other"],
        rows,
    )
}

fn cache(model: &Transformer, contexts: &[u32]) -> String {
    let mut rows = vec![vec![
        "one more token".to_string(),
        words::bytes(model.cache_bytes_per_token(Format::Bf16)),
        words::bytes(model.cache_bytes_per_token(Format::Fp8)),
        String::new(),
    ]];
    if model.state_bytes() > 0.0 {
        let state = words::bytes(model.state_bytes());
        rows.push(vec!["states, any length".into(), state.clone(), state, String::new()]);
    }
    for tokens in contexts {
        let length = f64::from(*tokens);
        rows.push(vec![
            format!("{} tokens", number::count((*tokens).into())),
            words::bytes(model.sequence_bytes(length, Format::Bf16)),
            words::bytes(model.sequence_bytes(length, Format::Fp8)),
            format!("{} GFLOP", number::figures(model.flops_per_token(length) / 1e9, 4)),
        ]);
    }
    terminal::table("CACHE PER SEQUENCE", &["length", ">16-bit", ">8-bit", ">work of the next token"], rows)
}

/// The row of the list as JSON.
pub fn row_json(known: &Known) -> Value {
    let model = &known.model;
    json!({
        "name": model.name,
        "also": known.also,
        "family": known.family,
        "certainty": model.certainty,
        "source": known.source,
        "parameters": model.parameters().total(),
        "active_parameters": model.active_parameters().total(),
        "published_parameters": known.published_total,
        "published_active_parameters": known.published_active,
        "layers": model.layers(),
        "hidden": model.hidden,
        "heads": heads(model).map(|(heads, _)| heads),
        "kv_heads": heads(model).and_then(|(_, kv)| kv),
        "experts": experts(model).map(|(_, experts)| experts),
        "experts_per_token": experts(model).map(|(active, _)| active),
        "cache_bytes_per_token": model.cache_bytes_per_token(Format::Bf16),
        "context_limit": model.context_limit,
    })
}

/// The list.
pub fn table(models: &[&Known]) -> String {
    let rows = models
        .iter()
        .map(|known| {
            let model = &known.model;
            let (total, active) = (model.parameters().total(), model.active_parameters().total());
            let heads = match heads(model) {
                Some((heads, Some(kv))) => format!("{heads}/{kv}"),
                Some((heads, None)) => format!("{heads} latent"),
                None => String::new(),
            };
            vec![
                model.name.clone(),
                words::amount(total as f64),
                if model.has_experts() { words::amount(active as f64) } else { String::new() },
                model.layers().to_string(),
                number::count(model.hidden.into()),
                heads,
                experts(model).map_or_else(String::new, |(active, all)| format!("{active} of {all}")),
                words::bytes(model.cache_bytes_per_token(Format::Bf16)),
                if model.certainty == Certainty::Published {
                    String::new()
                } else {
                    words::certainty(model.certainty).into()
                },
            ]
        })
        .collect();
    let heads =
        ["model", ">parameters", ">per token", ">layers", ">width", ">heads", ">experts", ">cache/token", "shape"];
    terminal::table("LANGUAGE MODELS", &heads, rows)
}

/// Heads of the first layer with attention; key-value heads where it has any.
fn heads(model: &Transformer) -> Option<(u32, Option<u32>)> {
    model.blocks.iter().find_map(|block| match block.attention {
        Attention::Grouped { heads, kv_heads, .. } => Some((heads, Some(kv_heads))),
        Attention::Latent { heads, .. } | Attention::Compressed { heads, .. } => Some((heads, None)),
        Attention::Linear { .. } | Attention::None => None,
    })
}

/// Experts per token and in all.
fn experts(model: &Transformer) -> Option<(u32, u32)> {
    model.blocks.iter().find_map(|block| match block.feed_forward {
        FeedForward::Experts { active, experts, .. } => Some((active, experts)),
        _ => None,
    })
}
