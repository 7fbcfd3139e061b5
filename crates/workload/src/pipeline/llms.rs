//! From tables to language models of a pipeline.

use lanewright_model::problem::{Problem, Problems};
use lanewright_model::text::Placed;

use super::checked::{Llm, Pipeline};
use super::plan::{engine_of, positive, unknown};
use super::tables::{Hold, LlmTable};
use crate::edge::decode::weight_bytes;
use crate::edge::model;
use crate::edge::stack::{law, usual};
use crate::format::Format;

/// A language model of a pipeline.
pub fn llm(table: &Placed<LlmTable>, made: &mut Pipeline, problems: &mut Problems) -> Option<Llm> {
    let before = problems.errors();
    let engine = engine_of(&table.engine, made, problems);
    let format = match &table.format {
        None => Format::Int4Weight,
        Some(name) => match Format::from_name(&name.value) {
            Some(format) => format,
            None => {
                unknown(name, "format", Format::ALL.iter().map(|format| format.name()), problems);
                return None;
            }
        },
    };
    let (what, weights, weight_bytes, layers, kv_bytes) = if let Some(name) = &table.model {
        let model = match model::named(&name.value) {
            Ok(model) => model,
            Err(_) => {
                let known = model::examples();
                unknown(name, "model", known.iter().map(String::as_str), problems);
                return None;
            }
        };
        let weights = model.body + model.head;
        let what = format!("{} in {}", model.name, format.name());
        (what, weights, weights * weight_bytes(format), model.layers as u32, model.kv_elements * 2.0)
    } else {
        let (Some(gb), Some(layers), Some(kv)) = (&table.weights_gb, &table.layers, &table.kv_kb) else {
            let why = format!("llm `{}` needs `model`, or `weights_gb`, `layers` and `kv_kb`", table.id.value);
            problems.push(Problem::error("missing-key", why, table.span, "this model"));
            return None;
        };
        let gb = positive(gb, 1e4, "`weights_gb`", problems)?;
        let kv = positive(kv, 1e6, "`kv_kb`", problems)?;
        let bytes = gb * 1e9;
        (format!("{gb} GB of weights"), bytes / weight_bytes(format), bytes, layers.value, kv * 1e3)
    };
    if !(1..=1_000_000).contains(&table.prompt)
        || !(1..=1_000_000).contains(&table.output)
        || !(1..=10_000).contains(&layers)
    {
        let why =
            format!("llm `{}`: `prompt` and `output` are 1 to 1000000 tokens, `layers` 1 to 10000", table.id.value);
        problems.push(Problem::error("number-range", why, table.span, "this model"));
    }
    let period = match &table.requests_per_s {
        Some(rate) => Some(1.0 / positive(rate, 1e4, "`requests_per_s`", problems)?),
        None => None,
    };
    let efficiency = match &table.efficiency {
        Some(own) if own.value.0.low > 0.0 && own.value.0.high <= 1.0 => own.value.0,
        Some(own) => {
            problems.push(Problem::error(
                "number-range",
                "`efficiency` is above 0 and at most 1",
                own.span,
                "out of range",
            ));
            return None;
        }
        None => {
            let part = made.soc.part.clone().unwrap_or_default();
            let law = law(usual(&part, true), &part);
            made.notes.push(format!("llm {}: {} ({})", table.id.value, law.basis, law.stack.name()));
            // The overhead of layers as a smaller share of the bandwidth, for this model.
            let bandwidth = made.soc.bandwidth.likely;
            let seconds = law.seconds(weight_bytes, f64::from(layers), bandwidth);
            crate::estimate::Estimate {
                low: weight_bytes / (seconds.high * bandwidth),
                likely: weight_bytes / (seconds.likely * bandwidth),
                high: (weight_bytes / (seconds.low * bandwidth)).min(0.95),
            }
        }
    };
    let engine = engine.filter(|_| problems.errors() == before)?;
    Some(Llm {
        id: table.id.value.clone(),
        what,
        engine,
        weight_bytes,
        weights,
        layers,
        kv_bytes,
        prompt: table.prompt,
        output: table.output,
        period,
        efficiency,
        hold: table.hold.unwrap_or(Hold::Layer),
        priority: table.priority,
    })
}
