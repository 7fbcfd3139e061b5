//! `lanewright workload models`: the built-in models and networks, and those of configuration files.

mod language;
mod network;
mod words;

use std::path::Path;

use clap::Args;
use lanewright_workload::models::{built_in, config, names, vision};
use serde_json::json;

use crate::disk;
use crate::verbs::link::com::bad_input;
use crate::verbs::{Outcome, json_text};

/// Largest configuration that is read: published ones list every layer, at most a few megabytes.
const LARGEST_BYTES: usize = 64 << 20;

/// Options of `workload models`.
#[derive(Args, Debug)]
#[command(
    after_help = "A name is matched without organisation, suffixes (-Instruct, -FP8, -hf), separators and case. A name that is
not built in but holds a size (70B, 235B-A22B) gives a guess: the nearest model of its family, scaled.

Examples:
  lanewright workload models
  lanewright workload models meta-llama/Llama-3.1-70B
  lanewright workload models nvidia/DeepSeek-R1-NVFP4 --context 8192 --context 131072
  lanewright workload models ~/models/mine/config.json --json
  lanewright workload models yolov8s --size 736x1280
  lanewright workload models --json | jq '.models[] | select(.active_parameters < 5e9) | .name'

Exit code 0, or 2 when a name or a file stands for no model."
)]
pub struct ModelsArgs {
    /// Name of a model or vision network, or the path of a config.json; all are listed without one
    #[arg(value_name = "NAME|CONFIG.JSON")]
    pub model: Option<String>,
    /// Only models whose name contains this
    #[arg(long, value_name = "TEXT", conflicts_with = "model")]
    pub containing: Option<String>,
    /// Tokens of a sequence, for the size of its cache and the work per token; may be given again
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    pub context: Vec<u32>,
    /// Height and width of the images of a vision network, pixels
    #[arg(long, value_name = "HxW", value_parser = size, requires = "model")]
    pub size: Option<(u32, u32)>,
    /// Every layer of a vision network
    #[arg(long, requires = "model")]
    pub layers: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("`{text}` is no size: expected height x width in pixels, such as 736x1280");
    let (height, width) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    match (height.trim().parse(), width.trim().parse()) {
        (Ok(height), Ok(width)) => Ok((height, width)),
        _ => Err(wrong()),
    }
}

/// Runs `workload models`.
pub fn run(args: &ModelsArgs, _colour: bool) -> Outcome {
    let contexts = if args.context.is_empty() { vec![8_192, 131_072] } else { args.context.clone() };
    let Some(model) = &args.model else { return list(args) };
    let path = Path::new(model);
    if path.is_file() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return from_file(model, path, args, &contexts);
    }
    if let Some(known) = names::known(model) {
        return show(&language::Shown::known(model, known), args, &contexts);
    }
    match vision::find(model, args.size) {
        Ok(net) => return Outcome::clean(network::show(&net, args.layers, args.json)),
        Err(wrong @ vision::UnknownNet::Size { .. }) => return bad_input(&format!("{wrong}\n"), args.json),
        Err(vision::UnknownNet::Name { .. }) => {}
    }
    match names::guess(model) {
        Ok(guess) => show(&language::Shown::guess(guess), args, &contexts),
        Err(unknown) => bad_input(&format!("{unknown}\n"), args.json),
    }
}

fn show(shown: &language::Shown, args: &ModelsArgs, contexts: &[u32]) -> Outcome {
    if args.size.is_some() || args.layers {
        return bad_input("--size and --layers are for vision networks\n", args.json);
    }
    Outcome::clean(if args.json { json_text(shown.json(contexts)) } else { shown.text(contexts) })
}

fn from_file(name: &str, path: &Path, args: &ModelsArgs, contexts: &[u32]) -> Outcome {
    let text = match disk::read_packed(path, LARGEST_BYTES) {
        Ok(text) => text,
        Err(error) => return bad_input(&format!("{name}: {error}\n"), args.json),
    };
    // `config.json` says nothing: its folder names the model.
    let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
    let stem = path.file_stem().map_or_else(|| name.to_string(), |stem| stem.to_string_lossy().into_owned());
    let called = if stem == "config" { folder.filter(|folder| !folder.is_empty()).unwrap_or(stem) } else { stem };
    match config::parse(&text, &called) {
        Ok(mut configured) => {
            // Some makers say in a file beside it how weights are stored.
            let beside = path.with_file_name("hf_quant_config.json");
            if !text.contains("\"quantization_config\"")
                && let Ok(quantised) = disk::read_packed(&beside, LARGEST_BYTES)
                && configured.quantised_by(&quantised)
            {
                configured.notes.push("formats of the checkpoint from hf_quant_config.json beside it".into());
            }
            show(&language::Shown::configured(configured, name), args, contexts)
        }
        Err(error) => bad_input(&format!("{}\n", error.in_file(name)), args.json),
    }
}

fn list(args: &ModelsArgs) -> Outcome {
    let wanted = args.containing.as_ref().map(|text| text.to_lowercase());
    let kept = |name: &str| wanted.as_ref().is_none_or(|text| name.to_lowercase().contains(text));
    let models: Vec<_> = built_in::all().iter().filter(|known| kept(&known.model.name)).collect();
    let nets: Vec<_> = vision::published().iter().filter(|row| kept(row.name)).collect();
    if models.is_empty() && nets.is_empty() {
        let text = args.containing.as_deref().unwrap_or_default();
        return bad_input(&format!("no name contains {text:?}: `lanewright workload models` lists all\n"), args.json);
    }
    if args.json {
        let models: Vec<_> = models.iter().map(|known| language::row_json(known)).collect();
        let nets: Vec<_> = nets.iter().filter_map(|row| network::row_json(row)).collect();
        return Outcome::clean(json_text(json!({ "models": models, "networks": nets })));
    }
    let mut out = String::new();
    if !models.is_empty() {
        out.push_str(&language::table(&models));
    }
    if !nets.is_empty() {
        out.push_str(&network::table(&nets));
    }
    Outcome::clean(out)
}
