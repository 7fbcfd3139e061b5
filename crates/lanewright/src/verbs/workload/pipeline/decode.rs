//! `lanewright workload pipeline --llm`: a language model on edge devices, side by side.

use std::fmt::Write as _;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::problem::{Problems, nearest};
use lanewright_model::text::Texts;
use lanewright_workload::edge::decode::{Decoded, Decoder, Device, Question, decode, weight_bytes};
use lanewright_workload::edge::stack::{Law, Stack, law, usual};
use lanewright_workload::edge::{device, model};
use lanewright_workload::estimate::Estimate;
use lanewright_workload::format::Format;
use serde_json::json;

use super::PipelineArgs;
use super::tables::band;
use crate::terminal::table;
use crate::verbs::{Exit, Outcome, json_text};
use crate::{disk, problems};

/// Answers `--llm`.
pub fn run(args: &PipelineArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    answer(args, &catalogue).unwrap_or_else(|why| Outcome::bad_input(why + "\n"))
}

struct Row {
    device: Device,
    law: Law,
    found: Decoded,
}

fn answer(args: &PipelineArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    let language = &args.language;
    let name = language.llm.as_deref().unwrap_or_default();
    let model = model::named(name).map_err(|why| format!("--llm: {why}"))?;
    let format = Format::from_name(&language.format).ok_or_else(|| {
        let known = Format::ALL.map(Format::name);
        let near =
            nearest(&language.format, known).map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
        format!("--format: `{}` is not known; {near}", language.format)
    })?;
    let stack = match &language.stack {
        Some(text) => Some(Stack::from_name(text).ok_or_else(|| {
            format!("--stack: `{text}` is not known; one of: {}", Stack::ALL.map(Stack::name).join(", "))
        })?),
        None => None,
    };
    if language.bandwidth_gbps.is_some_and(|rate| !(rate > 0.0 && rate <= 1e6)) {
        return Err("--bandwidth-gbps: above 0 and at most 1000000 GB/s".into());
    }
    if language.efficiency.is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
        return Err("--efficiency: a share above 0, at most 1".into());
    }
    let mut rows = Vec::new();
    for name in &language.device {
        let part = part(catalogue, name)?;
        let mut device = device::device(part)?;
        if let Some(rate) = language.bandwidth_gbps {
            device.bandwidth = Estimate::exact(rate * 1e9);
        }
        let law = match language.efficiency {
            Some(share) => Law::given(Estimate::exact(share)),
            None => law(stack.unwrap_or_else(|| usual(&device.id, device.equivalent)), &device.id),
        };
        let question = Question {
            model: &model,
            format,
            bytes_per_weight: None,
            context: f64::from(language.context),
            prompt: f64::from(language.prompt),
            sequences: f64::from(language.sequences),
            device: &device,
            law: &law,
        };
        let found = decode(&question);
        rows.push(Row { device, law, found });
    }
    let fits = rows.iter().all(|row| row.found.fits != Some(false));
    let out = if args.json {
        let rows: Vec<_> =
            rows.iter().map(|row| json!({ "device": row.device, "law": row.law, "decode": row.found })).collect();
        json_text(
            json!({ "model": model, "format": format.name(), "bytes_per_weight": weight_bytes(format), "devices": rows }),
        )
    } else {
        draw(&model, format, args, &rows)
    };
    Ok(Outcome { out, err: String::new(), exit: if fits { Exit::Clean } else { Exit::Broken } })
}

fn part<'c>(catalogue: &'c Catalogue, name: &str) -> Result<&'c Part, String> {
    let name = name.trim();
    let computes = || catalogue.parts.iter().filter(|part| matches!(part.kind, Kind::Soc | Kind::Accelerator));
    let plain = |id: &str| id == name || id.rsplit('/').next() == Some(name);
    computes().find(|part| part.id.value == name).or_else(|| computes().find(|part| plain(&part.id.value))).ok_or_else(
        || {
            let help = nearest(name, computes().map(|part| part.id.value.as_str())).map_or_else(
                || "see `lanewright parts list --kind soc` and `--kind accelerator`".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            format!("--device: the catalogue has no SoC or accelerator `{name}`; {help}")
        },
    )
}

fn draw(model: &Decoder, format: Format, args: &PipelineArgs, rows: &[Row]) -> String {
    let language = &args.language;
    let mut out = format!(
        "{} in {} ({:.2} bits a weight): {:.2} GB read for a token, {} in the cache.\n",
        model.name,
        format.name(),
        weight_bytes(format) * 8.0,
        (model.body + model.head) * weight_bytes(format) * 1e-9,
        language.context
    );
    let lines = rows
        .iter()
        .map(|row| {
            let found = &row.found;
            let fits = match found.fits {
                Some(true) => "yes".to_string(),
                Some(false) => format!("no: {:.1} GB", found.memory_bytes * 1e-9),
                None => "-".into(),
            };
            vec![
                row.device.name.clone(),
                row.law.stack.name().to_string(),
                band(found.tokens_per_s, 1),
                found.prefill_seconds.map_or_else(|| "-".into(), |seconds| band(seconds, 2)),
                found.joules_per_token.map_or_else(|| "-".into(), |joules| band(joules, 2)),
                row.device.power_w.map_or_else(|| "-".into(), |watts| format!("{:.0}", watts.likely)),
                row.device.price_usd.map_or_else(
                    || "-".into(),
                    |price| format!("{:.1}", found.tokens_per_s.likely / price.likely * 1e3),
                ),
                format!("{:.0} %", found.roofline_share * 100.0),
                fits,
            ]
        })
        .collect();
    let prompt = format!(">PROMPT OF {} s", language.prompt);
    let heads =
        ["DEVICE", "STACK", ">TOKENS/s", prompt.as_str(), ">J/TOKEN", ">W", ">TOKENS/s PER k$", ">OF PEAK", "FITS"];
    let title = if language.sequences > 1 {
        format!("DECODE, {} sequences together", language.sequences)
    } else {
        "DECODE, one sequence".into()
    };
    out.push_str(&table(&title, &heads, lines));
    let lines = rows
        .iter()
        .map(|row| {
            let mut line = vec![row.device.name.clone()];
            line.extend(row.found.parts.iter().map(|part| format!("{:.2}", part.1 * 1e3)));
            line
        })
        .collect();
    out.push_str(&table(
        "WHERE A STEP'S TIME GOES, ms",
        &["DEVICE", ">WEIGHTS", ">CACHE", ">LAYERS", ">ARITHMETIC BEYOND"],
        lines,
    ));
    out.push_str("\nBands hold 80 %; joules are at the power of the catalogue, whatever of it decoding draws.\n");
    for row in rows {
        for basis in &row.found.basis {
            // Some name the device themselves.
            let about =
                if basis.starts_with(&row.device.name) { String::new() } else { format!("{}: ", row.device.name) };
            let _ = writeln!(out, "{about}{basis}.");
        }
    }
    if let [first, others @ ..] = rows {
        for other in others {
            let ratio =
                |of: fn(&Decoded) -> Option<Estimate>| Some(of(&first.found)?.likely / of(&other.found)?.likely);
            let speed = first.found.tokens_per_s.likely / other.found.tokens_per_s.likely;
            let energy = ratio(|found| found.joules_per_token)
                .map_or_else(String::new, |r| format!(", {r:.2} times the joules per token"));
            let _ = writeln!(
                out,
                "{} makes {speed:.2} times the tokens per second of {}{energy}.",
                first.device.name, other.device.name
            );
        }
    }
    out
}
