//! One model on an edge chip: a few streams of tokens that read all weights for every token.

use std::path::PathBuf;

use lanewright_model::catalogue::part::Part;
use lanewright_workload::edge::decode::{Question, decode};
use lanewright_workload::edge::{device, model, stack};
use lanewright_workload::energy::bill::Bill;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::format::Format;
use serde_json::json;

use super::{OneArgs, asked};
use crate::number::figures;
use crate::terminal::table;
use crate::verbs::{Outcome, json_text};

/// Predicts one model on an edge chip.
pub fn run(args: &OneArgs, output: Option<&PathBuf>, part: &Part) -> Result<Outcome, String> {
    if output.is_some() {
        return Err("no report is written for edge chips\n  help: leave -o away, or take --json".into());
    }
    if args.tp > 1 || args.dp > 1 || args.pp > 1 || args.ep.is_some() || args.prefill.is_some() || args.replicas > 1 {
        return Err(format!("{} is one chip: leave --tp, --dp, --ep, --pp, --replicas and --prefill away", part.name));
    }
    let chip = device::device(part)?;
    let mut notes = Vec::new();
    let name = args.model.as_deref().ok_or("say which model: --model NAME")?;
    let (shape, _) = asked::model(name, &mut notes)?;
    let format = match args.format.as_deref() {
        Some(name) => asked::format("--format", name)?,
        None => {
            notes.push("weights in 4 bits: --format was not given".into());
            Format::Int4Weight
        }
    };
    let decoder = model::decoder(&shape);
    let law = stack::law(stack::usual(&chip.id, chip.equivalent), &chip.id);
    let (input, answer) = (f64::from(args.input_tokens), f64::from(args.output_tokens));
    let question = Question {
        model: &decoder,
        format,
        context: input + 0.5 * answer,
        prompt: input,
        sequences: f64::from(args.concurrency.unwrap_or(1)),
        device: &chip,
        law: &law,
        ..Question::default()
    };
    let found = decode(&question);
    if found.fits == Some(false) {
        let memory = chip.memory.map_or(0.0, |memory| memory.likely);
        let narrower = [Format::Int8, Format::Int4Weight].into_iter().find(|narrower| {
            narrower.weight_bytes() < format.weight_bytes()
                && decode(&Question { format: *narrower, ..question.clone() }).fits == Some(true)
        });
        let help = match narrower {
            Some(narrower) => format!("--format {} would work", narrower.name()),
            None => "take a smaller model, or a chip with more memory".into(),
        };
        return Err(format!(
            "{} in {} takes {:.1} GB with its cache; {} has {:.1} GB, of which nine tenths may be filled\n  help: {help}",
            shape.name,
            format.name(),
            found.memory_bytes * 1e-9,
            chip.name,
            memory * 1e-9
        ));
    }
    let tariff = args.tariff(chip.price_usd.map(|price| price.likely))?;
    let bill = chip.power_w.map(|power| {
        // A chip is its own host, and stands in no hall.
        let alone = lanewright_workload::energy::bill::Tariff {
            host_w: Estimate::exact(args.host_watts.unwrap_or(0.0)),
            overhead: Estimate::exact(args.pue.unwrap_or(1.0)),
            ..tariff
        };
        Bill::of(1.0, power, found.tokens_per_s, &alone)
    });
    if args.json {
        return Ok(Outcome::clean(json_text(json!({
            "model": shape.name, "format": format, "device": chip, "prediction": found, "bill": bill, "notes": notes,
        }))));
    }
    let mut out = format!("{} in {} on {}\n", shape.name, format.name(), chip.name);
    let row = |name: &str, unit: &str, value: Estimate, factor: f64| {
        let show = |value: f64| figures(value * factor, 3);
        vec![name.into(), show(value.likely), show(value.low), show(value.high), unit.into()]
    };
    let mut rows = vec![
        row("rate of each stream", "tokens/s", found.tokens_per_s_each, 1.0),
        row("rate of all streams", "tokens/s", found.tokens_per_s, 1.0),
        row("time per token (TPOT)", "ms", found.step_seconds, 1e3),
    ];
    rows.extend(found.prefill_seconds.map(|seconds| row("time to the first token (TTFT)", "ms", seconds, 1e3)));
    rows.extend(found.joules_per_token.map(|joules| row("energy per token", "J", joules, 1.0)));
    rows.extend(bill.and_then(|bill| bill.usd_per_million).map(|usd| row("cost per million tokens", "USD", usd, 1.0)));
    out += &table("PREDICTION", &["what", ">likely", ">low", ">high", "unit"], rows);
    let whole = found.step_seconds.likely;
    let parts = found.parts.iter().filter(|(_, seconds)| *seconds > 0.0).map(|(name, seconds)| {
        vec![(*name).into(), figures(seconds * 1e3, 3), format!("{:.0} %", 100.0 * seconds / whole)]
    });
    out += &table("ONE TOKEN", &["part", ">ms", ">share"], parts.collect());
    out += &format!(
        "\nmemory: {:.2} GB with the cache{}\n",
        found.memory_bytes * 1e-9,
        chip.memory.map(|memory| format!(" of {:.0} GB", memory.likely * 1e-9)).unwrap_or_default()
    );
    out += "\nBands hold about 80 % of measurements. Calibrated on:\n";
    for line in &found.basis {
        out += &format!("  {line}\n");
    }
    for note in &notes {
        out += &format!("note: {note}\n");
    }
    Ok(Outcome::clean(out))
}
