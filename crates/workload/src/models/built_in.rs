//! The built-in models: tables of published configurations, read once by the reader of configuration files.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::config;
use super::precision::Precision;
use super::transformer::{Certainty, Transformer};
use crate::format::Format;

/// The tables, one per maker or family. A model is the shape keys of its published configuration.
const TABLES: [(&str, &str); 12] = [
    ("llama", include_str!("../../models/llama.json")),
    ("qwen", include_str!("../../models/qwen.json")),
    ("deepseek", include_str!("../../models/deepseek.json")),
    ("minimax", include_str!("../../models/minimax.json")),
    ("zhipu", include_str!("../../models/zhipu.json")),
    ("mistral", include_str!("../../models/mistral.json")),
    ("openai", include_str!("../../models/openai.json")),
    ("google", include_str!("../../models/google.json")),
    ("microsoft", include_str!("../../models/microsoft.json")),
    ("nvidia", include_str!("../../models/nvidia.json")),
    ("megatron", include_str!("../../models/megatron.json")),
    ("others", include_str!("../../models/others.json")),
];

/// One built-in model.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// Its shape.
    pub model: Transformer,
    /// How the published checkpoint stores it.
    pub precision: Precision,
    /// Table that it stands in.
    pub family: &'static str,
    /// Other names of the same shape.
    pub also: Vec<String>,
    /// Parameters as published; none where no total is.
    pub published_total: Option<f64>,
    /// Parameters per token as published.
    pub published_active: Option<f64>,
    /// Where shape and totals come from.
    pub source: String,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    also: Vec<String>,
    format: Option<String>,
    total: Option<f64>,
    active: Option<f64>,
    #[serde(default)]
    certainty: Option<String>,
    source: String,
    config: Map<String, Value>,
}

/// Every built-in model, in the order of the tables. A table that cannot be read gives nothing: tests read them all.
pub fn all() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| TABLES.iter().flat_map(|(family, text)| table(family, text).unwrap_or_default()).collect())
}

fn table(family: &'static str, text: &str) -> Result<Vec<Known>, String> {
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| format!("{family}: {error}"))?;
    entries.into_iter().map(|entry| known(family, entry)).collect()
}

fn known(family: &'static str, entry: Entry) -> Result<Known, String> {
    let wrong = |what: &str| format!("{family}: {}: {what}", entry.name);
    let configured = config::read(&entry.config, &entry.name)
        .map_err(|fault| wrong(&format!("{} {}", fault.path, fault.message)))?;
    let mut model = configured.model;
    match entry.certainty.as_deref() {
        None => {}
        Some("secondary") => model.certainty = Certainty::Secondary,
        Some(other) => return Err(wrong(&format!("certainty {other:?} is not known"))),
    }
    let precision = match entry.format.as_deref() {
        None => Precision::uniform(Format::Bf16),
        Some(name) => {
            let format = Format::from_name(name).ok_or_else(|| wrong(&format!("format {name:?} is not known")))?;
            Precision::customary(format, &model)
        }
    };
    // DeepSeek-V4 stores its experts in 4 bits, the rest in 8.
    let small_experts = entry.config.get("expert_dtype").and_then(Value::as_str) == Some("fp4");
    let precision = if small_experts { Precision { experts: Format::Mxfp4Fp8, ..precision } } else { precision };
    Ok(Known {
        model,
        precision,
        family,
        also: entry.also,
        published_total: entry.total,
        published_active: entry.active,
        source: entry.source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_read() {
        for (family, text) in TABLES {
            let list = table(family, text).unwrap_or_else(|error| panic!("{error}"));
            assert!(!list.is_empty(), "{family}");
        }
    }

    /// Half a unit of the last digit that is printed, relative: `37e9` is 36.5 to 37.5.
    fn rounding(published: f64) -> f64 {
        let mut unit = 1.0;
        while published % (unit * 10.0) == 0.0 {
            unit *= 10.0;
        }
        0.5 * unit / published
    }

    /// Totals of model cards to a millionth where they give every digit, else to 3 % or what the printed digits leave
    /// open.
    #[test]
    fn parameter_counts_meet_the_published_totals() {
        let mut wrong = Vec::new();
        for known in all() {
            let Some(published) = known.published_total else { continue };
            let counted = known.model.parameters().total();
            let exact = published % 1e6 != 0.0;
            let limit = if exact { 1e-6 } else { rounding(published).max(0.03) };
            let error = counted as f64 / published - 1.0;
            if error.abs() > limit {
                wrong.push(format!("{}: {counted} against {published} ({:+.4} %)", known.model.name, 100.0 * error));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Cards differ in whether they count the tables of tokens and logits: the published number must lie between the
    /// count without both and the count with both, give or take 5 % or its rounding.
    #[test]
    fn active_parameters_meet_the_published_ones() {
        let mut wrong = Vec::new();
        for known in all() {
            let Some(published) = known.published_active else { continue };
            let active = known.model.active_parameters();
            let table = known.model.parameters().embedding;
            let (low, high) = ((active.total() - active.logits) as f64, (active.total() + table) as f64);
            let slack = published * rounding(published).max(0.05);
            if published < low - slack || published > high + slack {
                wrong.push(format!("{}: {low:e} to {high:e} against {published:e}", known.model.name));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The repository of DeepSeek-V3 on Hugging Face gives 685 B in all: 671 B and 14 B for multi-token prediction, which
    /// holds the tables of tokens and logits once more.
    #[test]
    fn the_draft_head_of_deepseek_v3_weighs_what_its_card_says() {
        let known = crate::models::names::known("DeepSeek-V3").expect("built in");
        let parts = known.model.parameters();
        let prediction = (parts.draft + parts.embedding + parts.logits) as f64;
        assert!((prediction / 14e9 - 1.0).abs() < 0.05, "{prediction:e}");
        assert!(((parts.total() as f64 + prediction) / 684.5e9 - 1.0).abs() < 1e-3);
    }

    /// Files of published checkpoints: DeepSeek-V3 in 8 bits is 688.6 GB with its 14 B for multi-token prediction
    /// (safetensors index), gpt-oss-120b 65.2 GB and gpt-oss-20b 13.8 GB (repositories, `original` left out).
    #[test]
    fn weights_have_the_size_of_their_files() {
        for (name, gigabytes, limit) in
            [("DeepSeek-V3", 688.6, 0.01), ("gpt-oss-120b", 65.25, 0.01), ("gpt-oss-20b", 13.76, 0.01)]
        {
            let known = crate::models::names::known(name).expect(name);
            let bytes = known.model.weight_bytes(&known.precision);
            let again = if bytes.draft > 0.0 { bytes.embedding + bytes.logits } else { 0.0 };
            let counted = (bytes.total() + bytes.draft + again) / 1e9;
            assert!((counted / gigabytes - 1.0).abs() < limit, "{name}: {counted}");
        }
    }

    #[test]
    fn most_models_say_how_many_parameters_they_have() {
        let silent = all().iter().filter(|known| known.published_total.is_none()).count();
        assert!(all().len() > 140 && silent < 6, "{} of {}", silent, all().len());
    }
}
