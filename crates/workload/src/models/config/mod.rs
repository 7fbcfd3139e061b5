//! Any Hugging Face `config.json`: from the keys of its family to blocks of layers.

mod feed_forward;
mod fields;
mod looking_back;
mod pattern;
mod place;
mod quantisation;
#[cfg(test)]
mod reading_tests;
mod style;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use self::feed_forward::Networks;
use self::fields::{Fault, Fields};
use self::looking_back::Shape;
use super::parameters::product;
use super::precision::Precision;
use super::transformer::{Attention, Block, Certainty, FeedForward, Transformer};

/// Most layers that are believed (the deepest published model has under 200).
const MOST_LAYERS: u32 = 4096;

/// A model as its configuration describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Configured {
    /// Its shape.
    pub model: Transformer,
    /// How its checkpoint stores weights and cache.
    pub precision: Precision,
    /// What was assumed where the file did not say.
    pub notes: Vec<String>,
}

/// Why a configuration gives no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line and column in the text, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// Keys from the root, joined by dots; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub help: String,
}

impl ConfigError {
    /// With the file's name in front.
    pub fn in_file(&self, name: &str) -> String {
        let join = if self.place.is_some() { ":" } else { ": " };
        format!("{name}{join}{self}")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        write!(f, "{}\n  {}", self.message, self.help)
    }
}

impl Configured {
    /// Takes the formats from a `hf_quant_config.json`, which some makers put beside a configuration that is silent about
    /// them; says whether it did.
    pub fn quantised_by(&mut self, text: &str) -> bool {
        let Ok(Value::Object(root)) = serde_json::from_str(&place::without_infinities(text)) else { return false };
        if !root.contains_key("quantization") {
            return false;
        }
        let (precision, note) = quantisation::read(&root, &root, &self.model);
        self.notes.extend(note);
        self.precision = precision;
        true
    }
}

/// Reads the text of a `config.json`; `name` is what to call the model where the file does not say.
pub fn parse(text: &str, name: &str) -> Result<Configured, ConfigError> {
    let plain = place::without_infinities(text);
    let value: Value = serde_json::from_str(&plain).map_err(|error| ConfigError {
        place: Some((error.line(), error.column())),
        path: String::new(),
        message: format!("not JSON: {error}"),
        help: "expected a model's config.json, as Hugging Face repositories hold it".into(),
    })?;
    let fault = |fault: Fault| ConfigError {
        place: place::of_key(text, &fault.path),
        path: fault.path,
        message: fault.message,
        help: fault.help,
    };
    let root = value.as_object().ok_or_else(|| ConfigError {
        place: Some((1, 1)),
        path: String::new(),
        message: "not an object".into(),
        help: "expected a model's config.json: { \"hidden_size\": ..., \"num_hidden_layers\": ... }".into(),
    })?;
    read(root, name).map_err(fault)
}

/// Reads a configuration that is already parsed.
pub(super) fn read(root: &Map<String, Value>, name: &str) -> Result<Configured, Fault> {
    let (text, prefix) = text_part(root);
    let fields = Fields::new(text, prefix);
    let model_type =
        text.get("model_type").or(root.get("model_type")).and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let style = style::of(&model_type);
    let mut notes = Vec::new();
    if !style.known {
        notes.push(if model_type.is_empty() {
            "no model_type: read by the generic keys, as a Llama-like decoder".to_string()
        } else {
            format!("model_type {model_type:?} is not known here: read by the generic keys, as a Llama-like decoder")
        });
    }
    let hidden = fields.need("width of the stream", &["hidden_size", "n_embd", "d_model", "dim", "model_dim"])?;
    let vocabulary = match Fields::new(root, "").positive(&["vocab_size"])? {
        Some(size) if prefix.is_empty() => size,
        _ => fields.need("size of the vocabulary", &["vocab_size", "padded_vocab_size"])?,
    };
    let shape = Shape { fields, model_type: &model_type, style, hidden };
    let mut blocks = match fields.list("block_configs") {
        Some(list) => searched_blocks(&shape, list)?,
        None => listed_blocks(&shape)?,
    };
    join(&mut blocks);
    let tied = fields.flag("tie_word_embeddings").or(root.get("tie_word_embeddings").and_then(Value::as_bool));
    let tied = tied.or(fields.flag("tie_embedding")).unwrap_or(style.tied);
    let positions = fields.count(&["max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "seq_len"]);
    let context_limit = context(&fields);
    let mut other = product(&[style.norm_width, hidden]);
    if style.positions {
        // OPT's table begins with two rows that no token uses.
        let unused = if model_type == "opt" { 2 } else { 0 };
        other = other.saturating_add(product(&[hidden, positions.ok().flatten().unwrap_or(0) + unused]));
    }
    if matches!(model_type.as_str(), "phi" | "gptj") {
        // Logits have a bias.
        other = other.saturating_add(u64::from(vocabulary));
    }
    // MiniMax-M2 names modules for multi-token prediction (`num_mtp_modules`) that no published checkpoint contains.
    let drafts = fields.count(&["num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers"])?.unwrap_or(0);
    let model = Transformer {
        name: name.to_string(),
        hidden,
        vocabulary,
        tied,
        blocks,
        draft_layers: drafts.min(MOST_LAYERS),
        context_limit,
        other,
        certainty: if style.known { Certainty::Published } else { Certainty::Secondary },
    };
    let (precision, note) = quantisation::read(root, text, &model);
    notes.extend(note);
    Ok(Configured { model, precision, notes })
}

/// The part of a configuration that describes the language model, and its key.
fn text_part(root: &Map<String, Value>) -> (&Map<String, Value>, &'static str) {
    for key in ["text_config", "llm_config", "language_config", "language_model", "thinker_config"] {
        if let Some(part) = root.get(key).and_then(Value::as_object) {
            if key == "thinker_config"
                && let Some(inner) = part.get("text_config").and_then(Value::as_object)
            {
                return (inner, "thinker_config.text_config");
            }
            if part.contains_key("hidden_size") || part.contains_key("num_hidden_layers") {
                return (part, key);
            }
        }
    }
    (root, "")
}

fn context(fields: &Fields) -> u32 {
    let keys = [
        "max_position_embeddings",
        "n_positions",
        "seq_length",
        "max_seq_len",
        "max_sequence_length",
        "model_max_length",
    ];
    fields.value(&keys).and_then(|(_, value)| value.as_u64()).and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(0)
}

/// One block per layer where layers follow a pattern.
fn listed_blocks(shape: &Shape) -> Result<Vec<Block>, Fault> {
    let fields = &shape.fields;
    let counted = fields.positive(&["num_hidden_layers", "n_layer", "n_layers", "num_layers"])?;
    let listed =
        fields.text("hybrid_override_pattern").map(str::len).or(fields.list("layers_block_type").map(<[Value]>::len));
    let layers = match (counted, listed) {
        (Some(layers), _) => layers,
        (None, Some(listed)) => u32::try_from(listed).unwrap_or(u32::MAX),
        (None, None) => fields.need("count of layers", &["num_hidden_layers", "n_layer", "n_layers", "num_layers"])?,
    };
    if layers > MOST_LAYERS {
        return Err(fields.fault(
            "num_hidden_layers",
            format!("is {layers}"),
            format!("expected at most {MOST_LAYERS}"),
        ));
    }
    // LongCat's layers hold two rounds of attention and dense network, and experts beside the second.
    let double = shape.model_type == "longcat_flash";
    let networks = Networks::read(shape)?;
    let pattern = pattern::layers(fields, shape.model_type, layers)?;
    let mut blocks = Vec::with_capacity(pattern.len());
    for (layer, (mixer, follow)) in (0_u32..).zip(pattern) {
        let (attention, attention_other) = shape.attention(layer, mixer)?;
        let (feed_forward, network_other) = networks.of(shape, layer, follow)?;
        let parts = u32::from(attention != Attention::None) + u32::from(feed_forward != FeedForward::None);
        let norms = if parts == 2 { shape.style.norms } else { parts };
        let norms = norms + u32::from(fields.flag("new_decoder_architecture") == Some(true));
        let other = product(&[norms, shape.style.norm_width, shape.hidden])
            .saturating_add(attention_other)
            .saturating_add(network_other);
        if double {
            let (dense, dense_other) = networks.of(shape, layer, pattern::Follow::Dense)?;
            let norms = product(&[2, shape.hidden]);
            let other_first = norms.saturating_add(attention_other).saturating_add(dense_other);
            blocks.push(Block { layers: 1, attention, feed_forward: dense, other: other_first });
            let beside = match (feed_forward, dense) {
                (
                    FeedForward::Experts { experts, active, inner, latent, gated, .. },
                    FeedForward::Dense { inner: dense, .. },
                ) => FeedForward::Experts { experts, active, inner, shared_inner: dense, latent, gated },
                (feed_forward, _) => feed_forward,
            };
            blocks.push(Block { layers: 1, attention, feed_forward: beside, other });
        } else {
            blocks.push(Block { layers: 1, attention, feed_forward, other });
        }
    }
    Ok(blocks)
}

/// One block per layer where a search gave each its own (`block_configs` of DeciLM and Nemotron).
fn searched_blocks(shape: &Shape, list: &[Value]) -> Result<Vec<Block>, Fault> {
    let fields = &shape.fields;
    let heads = fields.need("count of attention heads", &["num_attention_heads"])?;
    if list.len() > MOST_LAYERS as usize {
        return Err(fields.fault(
            "block_configs",
            format!("has {} entries", list.len()),
            format!("expected at most {MOST_LAYERS}"),
        ));
    }
    if heads > shape.hidden {
        return Err(fields.fault("num_attention_heads", "is more than the width", "expected fewer heads"));
    }
    let head_dim = fields.positive(&["head_dim"])?.unwrap_or(shape.hidden / heads);
    list.iter()
        .map(|entry| {
            let off = |part: &str| entry.pointer(&format!("/{part}/no_op")).and_then(Value::as_bool) == Some(true);
            let replaced = |part: &str| {
                entry.pointer(&format!("/{part}/replace_with_linear")).and_then(Value::as_bool) == Some(true)
            };
            let wrong = |what: &str| {
                fields.fault(
                    "block_configs",
                    format!("has an entry without {what}"),
                    "expected attention.n_heads_in_group or no_op, and ffn.ffn_mult or no_op",
                )
            };
            let attention = if off("attention") || replaced("attention") {
                Attention::None
            } else {
                let group =
                    entry.pointer("/attention/n_heads_in_group").and_then(fields::whole).filter(|group| *group > 0);
                let kv_heads = heads / group.ok_or_else(|| wrong("attention.n_heads_in_group"))?.min(heads);
                Attention::Grouped {
                    heads,
                    kv_heads,
                    head_dim,
                    value_dim: head_dim,
                    window: None,
                    gated: false,
                    sparse: None,
                }
            };
            let feed_forward = if off("ffn") {
                FeedForward::None
            } else {
                let named = entry.pointer("/ffn/intermediate_size").and_then(fields::whole);
                let inner = match (named, entry.pointer("/ffn/ffn_mult").and_then(Value::as_f64)) {
                    (Some(inner), _) => inner,
                    // Two thirds of four times the width, times the factor, to the next 256 above.
                    (None, Some(factor)) if (0.0..=64.0).contains(&factor) => {
                        let exact = (2.0 * factor * f64::from(shape.hidden) / 3.0) as u32;
                        exact.div_ceil(256) * 256
                    }
                    _ => return Err(wrong("ffn.ffn_mult")),
                };
                FeedForward::Dense { inner, gated: true }
            };
            let linear = u64::from(replaced("attention")) * product(&[shape.hidden, shape.hidden]);
            let norms =
                u32::from(attention != Attention::None || linear > 0) + u32::from(feed_forward != FeedForward::None);
            Ok(Block {
                layers: 1,
                attention,
                feed_forward,
                other: product(&[norms, shape.hidden]).saturating_add(linear),
            })
        })
        .collect()
}

/// Joins equal neighbours.
fn join(blocks: &mut Vec<Block>) {
    let mut joined: Vec<Block> = Vec::new();
    for block in blocks.drain(..) {
        match joined.last_mut() {
            Some(last)
                if last.attention == block.attention
                    && last.feed_forward == block.feed_forward
                    && last.other == block.other =>
            {
                last.layers += block.layers;
            }
            _ => joined.push(block),
        }
    }
    *blocks = joined;
}
