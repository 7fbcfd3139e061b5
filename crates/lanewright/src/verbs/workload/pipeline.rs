//! `lanewright workload pipeline`: camera pipelines on a chip, and language models on edge devices.

mod decode;
mod tables;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::pipeline::checked::Pipeline;
use lanewright_workload::pipeline::outcome::{Options, outcome};
use lanewright_workload::pipeline::{bundled, read};
use serde_json::json;

use crate::report::workload::pipeline as report;
use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Options of `workload pipeline`.
#[derive(Args, Debug)]
#[command(
    after_help = "A pipeline file (TOML) names a chip of the catalogue, its engines, cameras and sensors, stages of work, displays,
language models and the chains to measure. `lanewright schema pipeline` has every key; `--show NAME` prints a bundled file
to begin with.

Examples:
  lanewright workload pipeline --list
  lanewright workload pipeline cms-mirror-60
  lanewright workload pipeline l2-10v5r -o l2.html
  lanewright workload pipeline --show security-360 > mine.toml
  lanewright workload pipeline mine.toml --soc ambarella/cv72s --json
  lanewright workload pipeline --llm llama-2-13b --format int4 --device ambarella/n1
  lanewright workload pipeline --llm llama-2-13b --device ambarella/n1 --bandwidth-gbps 204.8 --efficiency 0.85
  lanewright workload pipeline --llm llama-2-7b --device nvidia/orin --stack llama.cpp
  lanewright workload pipeline --llm llama-2-13b --device ambarella/cv3-ad,nvidia/a100-sxm --sequences 16

Exit code 0 when every limit holds, 1 when one is broken or a model does not fit, 2 when the input cannot be used."
)]
pub struct PipelineArgs {
    /// Pipeline file, or the name of a bundled one
    #[arg(value_name = "FILE", required_unless_present_any = ["list", "show", "llm"], conflicts_with_all = ["list", "show", "llm"])]
    pub file: Option<String>,
    /// List the bundled pipelines
    #[arg(long, conflicts_with_all = ["show", "llm"])]
    pub list: bool,
    /// Print a bundled pipeline file
    #[arg(long, value_name = "NAME", conflicts_with = "llm")]
    pub show: Option<String>,
    /// Another chip of the catalogue in place of the file's
    #[arg(long, value_name = "PART", requires = "file")]
    pub soc: Option<String>,
    /// Simulated seconds, in place of the file's
    #[arg(long, value_name = "S", requires = "file")]
    pub seconds: Option<f64>,
    /// Where chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Runs with figures drawn from their bands; 0 leaves bands out
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub draws: u32,
    /// Write a report (HTML)
    #[arg(short, long, value_name = "FILE", requires = "file")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Language models on edge devices.
    #[command(flatten)]
    pub language: LanguageArgs,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Options of `--llm`.
#[derive(Args, Debug)]
pub struct LanguageArgs {
    /// Decode a language model on devices instead: tokens per second, prompts, joules
    #[arg(long, value_name = "MODEL", requires = "device", help_heading = "Language models")]
    pub llm: Option<String>,
    /// Devices of the catalogue, between commas
    #[arg(long, value_name = "PARTS", value_delimiter = ',', requires = "llm", help_heading = "Language models")]
    pub device: Vec<String>,
    /// Format of the weights: int4 (4.5 bits with scales), int8, fp8, bf16, nvfp4, ...
    #[arg(long, value_name = "FORMAT", default_value = "int4", help_heading = "Language models")]
    pub format: String,
    /// Software: llama.cpp, tuned, cpu, npu, vendor; else what was measured on the device
    #[arg(long, value_name = "STACK", requires = "llm", help_heading = "Language models")]
    pub stack: Option<String>,
    /// Tokens in the cache of each sequence
    #[arg(long, value_name = "TOKENS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(0..=10_000_000), help_heading = "Language models")]
    pub context: u32,
    /// Tokens of a prompt
    #[arg(long, value_name = "TOKENS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=10_000_000), help_heading = "Language models")]
    pub prompt: u32,
    /// Sequences decoded together
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536), help_heading = "Language models")]
    pub sequences: u32,
    /// Memory bandwidth of the device in GB/s, in place of the catalogue's
    #[arg(long, value_name = "GB/S", requires = "llm", help_heading = "Language models")]
    pub bandwidth_gbps: Option<f64>,
    /// Share of the bandwidth that decoding gets, 0 to 1, in place of the stack's law
    #[arg(long, value_name = "SHARE", requires = "llm", conflicts_with = "stack", help_heading = "Language models")]
    pub efficiency: Option<f64>,
}

/// Runs `workload pipeline`.
pub fn run(args: &PipelineArgs, colour: bool) -> Outcome {
    if args.list {
        return list(args);
    }
    if let Some(name) = &args.show {
        return match bundled::find(name) {
            Some(text) => Outcome::clean(text.to_string()),
            None => Outcome::bad_input(format!("--show: no bundled pipeline is called `{name}`; {}\n", names(name))),
        };
    }
    if args.language.llm.is_some() {
        return decode::run(args, colour);
    }
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    let name = args.file.as_deref().unwrap_or_default();
    let text = match bundled::find(name).filter(|_| !Path::new(name).exists()) {
        Some(text) => text.to_string(),
        None => match disk::read_text(Path::new(name)) {
            Ok(text) => text,
            Err(why) => return Outcome::bad_input(format!("cannot read {name}: {why}; {}\n", names(name))),
        },
    };
    let text = match &args.soc {
        Some(part) => match with_chip(&text, part) {
            Ok(text) => text,
            Err(why) => return Outcome::bad_input(why),
        },
        None => text,
    };
    let file = texts.add(if name.ends_with(".toml") { name.to_string() } else { format!("{name}.toml") }, text);
    let made = read(file, &texts, &catalogue, &mut found);
    found.sort();
    let Some(mut made) = made.filter(|_| !found.has_errors()) else {
        if args.json {
            let out = json_text(json!({ "problems": problems::to_json(&found, &texts) }));
            return Outcome { out, err: String::new(), exit: Exit::BadInput };
        }
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    };
    if let Some(seconds) = args.seconds {
        if !(seconds > 0.0 && seconds <= 600.0) {
            return Outcome::bad_input("--seconds: above 0 and at most 600\n".into());
        }
        made.seconds = seconds;
    }
    simulated(args, &made)
}

fn simulated(args: &PipelineArgs, made: &Pipeline) -> Outcome {
    let bar = ProgressBar::new(u64::from(args.draws) + 1);
    // Drawn for people only: a log wants no redrawn lines.
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} runs, {eta} left") {
        bar.set_style(style);
    }
    let options = Options { seed: args.seed, draws: args.draws as usize };
    let seen = outcome(made, options, &|| bar.inc(1));
    bar.finish_and_clear();
    let mut err = String::new();
    if let Some(path) = &args.output {
        if let Err(why) = disk::write(path, report::html(made, &seen).as_bytes()) {
            return Outcome::bad_input(format!("{why}\n"));
        }
        err = format!("wrote {}\n", path.display());
    }
    let out = if args.json { json_text(json!(seen)) } else { tables::draw(&seen) };
    Outcome { out, err, exit: if seen.holds { Exit::Clean } else { Exit::Broken } }
}

/// The file with another chip. Its own figures of the chip stay.
fn with_chip(text: &str, part: &str) -> Result<String, String> {
    if part.contains(['"', '\n', '\\']) {
        return Err(format!("--soc: `{part}` is no name of a part\n"));
    }
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let Some(soc) = lines.iter().position(|line| line.trim() == "[soc]") else {
        return Err("--soc: the file has no line `[soc]` of its own to put another part into\n".into());
    };
    let end = lines.iter().skip(soc + 1).position(|line| line.trim_start().starts_with('[')).map(|at| soc + 1 + at);
    let end = end.unwrap_or(lines.len());
    let line = format!("part = \"{part}\"");
    match lines[soc + 1..end].iter().position(|line| line.trim_start().starts_with("part")) {
        Some(at) => lines[soc + 1 + at] = line,
        None => lines.insert(soc + 1, line),
    }
    Ok(lines.join("\n") + "\n")
}

/// What would be found.
fn names(wrong: &str) -> String {
    let known = || bundled::ALL.iter().map(|(name, _)| *name);
    match lanewright_model::problem::nearest(wrong, known()) {
        Some(near) => format!("did you mean the bundled `{near}`?"),
        None => format!("give a file, or a bundled pipeline: {}", known().collect::<Vec<_>>().join(", ")),
    }
}

fn list(args: &PipelineArgs) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    let rows: Vec<(String, String, String)> = bundled::ALL
        .iter()
        .filter_map(|(name, text)| {
            let file = texts.add(format!("{name}.toml"), *text);
            let made = read(file, &texts, &catalogue, &mut found)?;
            Some((name.to_string(), made.soc.part.unwrap_or_default(), made.description))
        })
        .collect();
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, false));
    }
    if args.json {
        let rows: Vec<_> =
            rows.iter().map(|(name, part, about)| json!({ "name": name, "soc": part, "description": about })).collect();
        return Outcome::clean(json_text(json!({ "pipelines": rows })));
    }
    let rows = rows.into_iter().map(|(name, part, about)| vec![name, part, about]).collect();
    Outcome::clean(crate::terminal::table("PIPELINES", &["NAME", "CHIP", "WHAT"], rows))
}
