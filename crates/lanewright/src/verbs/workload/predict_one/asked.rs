//! From flags to a deployment: the model looked up, formats read, layouts held against model and memory.

use std::path::Path;

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::communication::Engine;
use lanewright_workload::layout::{Layout, spelled};
use lanewright_workload::models;
use lanewright_workload::models::precision::Precision;
use lanewright_workload::models::transformer::{Certainty, Transformer};
use lanewright_workload::predict::deployment::{Deployment, Doubt, Mode, Pool};
use lanewright_workload::predict::remedy::Fit;
use lanewright_workload::predict::row::checkpoint;

use super::OneArgs;
use crate::disk;

/// Most bytes of a configuration.
const CONFIG_BYTES: usize = 16 << 20;

/// Requests in flight where nothing is said.
const CONCURRENCY: u32 = 16;

/// What was asked for, with what was assumed.
pub struct Asked {
    /// The deployment.
    pub deployment: Deployment,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// A model by name or from its configuration, with how its checkpoint is stored where that is known.
pub fn model(name: &str, notes: &mut Vec<String>) -> Result<(Transformer, Option<Precision>), String> {
    let path = Path::new(name);
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = disk::read_at_most(path, CONFIG_BYTES).map_err(|why| format!("cannot read {name}: {why}"))?;
        let read = models::config::parse(&text, name).map_err(|error| error.in_file(name))?;
        notes.extend(read.notes);
        return Ok((read.model, Some(read.precision)));
    }
    let model = models::look_up(name).map_err(|unknown| unknown.to_string())?;
    let known = models::names::known(name).map(|known| known.precision);
    Ok((model, known))
}

/// A number format by name.
pub fn format(flag: &str, name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        format!("{flag}: no number format is called `{name}`; known are {}", known.join(", "))
    })
}

/// Formats that names of checkpoints tell.
const IN_NAMES: [(&str, Format); 6] = [
    ("nvfp4", Format::Nvfp4),
    ("mxfp4", Format::Mxfp4Weight),
    ("fp4", Format::Nvfp4),
    ("fp8", Format::Fp8),
    ("awq", Format::Int4Weight),
    ("int4", Format::Int4Weight),
];

fn precision(
    args: &OneArgs,
    model: &Transformer,
    stored: Option<Precision>,
    notes: &mut Vec<String>,
) -> Result<Precision, String> {
    let asked = args.format.as_deref().map(|name| format("--format", name)).transpose()?;
    let experts = args.experts_format.as_deref().map(|name| format("--experts-format", name)).transpose()?;
    let cache = args.cache.as_deref().map(|name| format("--cache", name)).transpose()?;
    if experts.is_some() && !model.has_experts() {
        return Err(format!("--experts-format: {} has no experts", model.name));
    }
    let name = args.model.as_deref().unwrap_or_default().to_ascii_lowercase();
    let named = IN_NAMES.iter().find(|(word, _)| name.contains(word)).map(|(_, format)| *format);
    let mut precision = match (asked.or(named), stored) {
        (Some(format), _) => checkpoint(model, format, experts.unwrap_or(format)),
        (None, Some(stored)) => {
            notes.push(format!("weights as the checkpoint stores them: {}", words(&stored, model)));
            stored
        }
        (None, None) => {
            notes.push("weights in bf16: no format was given".into());
            Precision::uniform(Format::Bf16)
        }
    };
    if let Some(experts) = experts {
        precision.experts = experts;
    }
    if let Some(cache) = cache {
        precision.cache = cache;
    }
    Ok(precision)
}

/// How weights and cache are stored, in words.
pub fn words(precision: &Precision, model: &Transformer) -> String {
    let experts = if model.has_experts() && precision.experts != precision.attention {
        format!("{} with experts in {}", precision.attention.name(), precision.experts.name())
    } else {
        precision.attention.name().to_string()
    };
    format!("{experts}, cache in {}", precision.cache.name())
}

/// The word by which tables of measured runs call a precision: that of the matrices that hold most of the weights.
fn word(precision: &Precision, model: &Transformer) -> &'static str {
    let most = if model.has_experts() { precision.experts } else { precision.dense };
    match most {
        Format::Nvfp4 | Format::Mxfp4Weight | Format::Mxfp4Fp8 => "fp4",
        Format::Fp8 | Format::Fp8Block => "fp8",
        Format::Int4Weight => "int4",
        Format::Int8 | Format::Int8Weight => "int8",
        Format::Bf16 | Format::Fp32 => "bf16",
    }
}

/// The deployment of the flags; layouts divide the model and hold it.
pub fn deployment(args: &OneArgs, device: &Accelerator) -> Result<Asked, String> {
    let mut notes = Vec::new();
    let name = args.model.as_deref().ok_or("say which model: --model NAME, or a table with --batch ROWS.csv")?;
    let (model, stored) = model(name, &mut notes)?;
    let precision = precision(args, &model, stored, &mut notes)?;
    let backend = args.backend.to_ascii_lowercase();
    if Engine::from_name(&backend).is_none() {
        return Err(format!("--backend: no engine is called `{}`; known are vllm, trtllm, sglang", args.backend));
    }
    let (input, output) = (f64::from(args.input_tokens), f64::from(args.output_tokens));
    if model.context_limit > 0 && args.input_tokens.saturating_add(args.output_tokens) > model.context_limit {
        notes.push(format!(
            "{} tokens are more than the {} that the model was made for",
            args.input_tokens.saturating_add(args.output_tokens),
            model.context_limit
        ));
    }
    let mode = match (&args.prefill, &args.decode) {
        (Some(prefill), Some(decode)) => {
            let pool = |flag: &str, text: &str| -> Result<Pool, String> {
                let (workers, layout) = spelled::parse(text).map_err(|why| format!("{flag}: {why}"))?;
                Ok(Pool { layout, workers: Some(f64::from(workers)), batch: None })
            };
            Mode::Disaggregated { prefill: pool("--prefill", prefill)?, decode: pool("--decode", decode)? }
        }
        _ => {
            let spread = if args.dp > 1 && model.has_experts() { args.tp.saturating_mul(args.dp) } else { 1 };
            let layout =
                Layout { tensor: args.tp, data: args.dp, expert: args.ep.unwrap_or(spread), pipeline: args.pp };
            Mode::Aggregated(Pool { layout, workers: Some(f64::from(args.replicas)), batch: None })
        }
    };
    let mode = without_experts(mode, &model, args);
    let fit = Fit { model: &model, precision: &precision, device, tokens: input + output };
    match &mode {
        Mode::Aggregated(pool) => fit.check(&pool.layout)?,
        Mode::Disaggregated { prefill, decode } => {
            let prompts = Fit { tokens: input, ..fit };
            prompts.check(&prefill.layout).map_err(|why| format!("--prefill: {why}"))?;
            fit.check(&decode.layout).map_err(|why| format!("--decode: {why}"))?;
        }
    }
    let mut doubts = Vec::new();
    if model.certainty == Certainty::Guess {
        doubts.push(Doubt::Model);
    }
    let concurrency = args.concurrency.unwrap_or_else(|| {
        notes.push(format!("{CONCURRENCY} requests in flight: --concurrency was not given"));
        CONCURRENCY
    });
    let deployment = Deployment {
        precision_word: word(&precision, &model).into(),
        model,
        precision,
        device: device.id.clone(),
        backend,
        version: args.backend_version.clone(),
        mode,
        input,
        output,
        concurrency: f64::from(concurrency),
        concurrency_known: true,
        doubts,
    };
    Ok(Asked { deployment, notes })
}

/// Where nobody asked for a division of experts, a model without experts has none.
fn without_experts(mode: Mode, model: &Transformer, args: &OneArgs) -> Mode {
    if model.has_experts() || args.ep.is_some() {
        return mode;
    }
    let plain = |pool: Pool| Pool { layout: Layout { expert: 1, ..pool.layout }, ..pool };
    match mode {
        Mode::Aggregated(pool) => Mode::Aggregated(plain(pool)),
        Mode::Disaggregated { prefill, decode } => {
            Mode::Disaggregated { prefill: plain(prefill), decode: plain(decode) }
        }
    }
}

/// Concurrencies around one, for curves: powers of two from 1 to 8 times as many, and the one itself.
pub fn concurrencies(own: f64) -> Vec<f64> {
    let mut all: Vec<f64> = (0..24).map(|power| f64::from(1_u32 << power)).filter(|n| *n <= 8.0 * own).collect();
    all.push(own);
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}
