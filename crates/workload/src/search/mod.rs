//! Search of layouts: which way to spread a model over devices gives most tokens under limits of latency.
//!
//! Every way to divide a model over the devices ([`candidates`]) is first held against what divides and what fits the
//! memory, then predicted with the same [`Predictor`] that answers single questions, over a ladder of batch sizes. What
//! is left is a front ([`front`]) between what one user sees and what a device earns.

pub mod candidates;
pub mod front;
pub mod price;
pub mod remedy;

use serde::Serialize;

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::format::Format;
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::models::precision::Precision;
use crate::models::transformer::{Certainty, Transformer};
use crate::predict::deployment::{Deployment, Doubt, Mode, Pool};
use crate::predict::predictor::Predictor;
use crate::predict::row::checkpoint;
use candidates::{Candidate, Counted};
use price::HourPrice;

/// What is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Most output tokens per second and device.
    Throughput,
    /// Fewest dollars per output token.
    Cost,
}

/// Limits of the likely latency, seconds; none: any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// To the first token.
    pub ttft: Option<f64>,
    /// Between the tokens of one answer.
    pub tpot: Option<f64>,
}

/// Which ways of sharing devices between prompts and answers are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Modes {
    /// Workers that do both.
    Aggregated,
    /// Pools for prompts and for answers.
    Disaggregated,
    /// Either.
    Both,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// The model.
    pub model: &'q Transformer,
    /// Formats that its checkpoint may be stored in.
    pub formats: &'q [Format],
    /// Devices at hand.
    pub devices: u32,
    /// Devices of a domain in which groups of tensors, attention and experts must lie.
    pub domain: u32,
    /// Engine in lower case: `trtllm`, `vllm`, `sglang`.
    pub backend: &'q str,
    /// Its version; empty where it does not matter.
    pub version: &'q str,
    /// Tokens of a prompt.
    pub input: f64,
    /// Tokens of an answer.
    pub output: f64,
    /// Limits.
    pub limits: Limits,
    /// What is best.
    pub objective: Objective,
    /// Ways of sharing.
    pub modes: Modes,
    /// Sequences of one attention group at most.
    pub most_batch: u32,
    /// What an hour of a device costs; none: not known.
    pub hour: Option<HourPrice>,
}

/// One deployment that was predicted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Format of the checkpoint.
    pub format: Format,
    /// Pools and layouts.
    pub mode: Mode,
    /// Requests in flight over all workers.
    pub concurrency: f64,
    /// Sequences of one attention group that writes answers.
    pub batch: u32,
    /// Devices in use.
    pub devices: u32,
    /// Seconds to the first token.
    pub ttft: Estimate,
    /// Seconds between tokens.
    pub tpot: Estimate,
    /// Output tokens per second that one user sees.
    pub per_user: Estimate,
    /// Output tokens per second, divided by all devices at hand: those left idle count.
    pub per_device: Estimate,
    /// Dollars per million output tokens; none without a price.
    pub usd_per_million: Option<Estimate>,
    /// Memory of a device that writes answers.
    pub memory: Memory,
    /// Whether the likely latencies keep the limits.
    pub within: bool,
    /// Whether the high ends of their bands do too.
    pub sure: bool,
}

impl Row {
    /// Layout of the workers that write answers.
    pub fn layout(&self) -> Layout {
        match self.mode {
            Mode::Aggregated(pool) | Mode::Disaggregated { decode: pool, .. } => pool.layout,
        }
    }
}

/// Why deployments were left out, and how many were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reasons {
    /// Ways to divide one worker, times formats.
    pub layouts: usize,
    /// Of those: heads, layers, experts or matrices do not divide.
    pub not_divisible: usize,
    /// Of those: groups would span domains.
    pub beyond_domain: usize,
    /// Of those: weights, activations and one sequence do not fit.
    pub not_fitting: usize,
    /// Deployments: layouts or pairs of pools with their counts, before batches.
    pub deployments: usize,
    /// Deployments times batches: points.
    pub points: usize,
    /// Points whose sequences the cache does not hold.
    pub cache_full: usize,
    /// Points whose prompts come faster than their pool takes them.
    pub prompts_too_slow: usize,
    /// Points that were predicted.
    pub predicted: usize,
    /// Of those: only the first token comes too late.
    pub ttft_too_long: usize,
    /// Of those: only tokens come too slowly.
    pub tpot_too_long: usize,
    /// Of those: both.
    pub both_too_long: usize,
    /// Of those: within the limits.
    pub within: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The best within the limits, best first; every layout at most once.
    pub best: Vec<Row>,
    /// The front between tokens per second of a user and of a device, fastest user first; limits of the first token
    /// hold here, those of tokens are where to stand on it.
    pub front: Vec<Row>,
    /// Where nothing keeps the limits: what comes nearest.
    pub nearest: Option<Row>,
    /// What was looked at and why it was left out.
    pub reasons: Reasons,
    /// Doubts that hold for all rows.
    pub doubts: Vec<Doubt>,
}

/// Rows of [`Found::best`] at most.
pub const BEST: usize = 20;

/// Searches. The error says why nothing can run, and what would help.
pub fn search(question: &Question<'_>, device: &Accelerator, predictor: &mut Predictor<'_>) -> Result<Found, String> {
    check(question)?;
    let engines = predictor.engines(device, question.backend, question.version);
    let precisions: Vec<Precision> =
        question.formats.iter().map(|format| checkpoint(question.model, *format, *format)).collect();
    let Counted { candidates, mut reasons } = candidates::of(question, &precisions, device, &engines);
    if candidates.is_empty() {
        return Err(remedy::of(question, device, &reasons));
    }
    let doubts: Vec<Doubt> =
        (question.model.certainty == Certainty::Guess).then_some(Doubt::Model).into_iter().collect();
    let mut deployment = Deployment {
        model: question.model.clone(),
        precision: precisions[0],
        precision_word: String::new(),
        device: device.id.clone(),
        backend: question.backend.to_owned(),
        version: question.version.to_owned(),
        mode: candidates[0].mode,
        input: question.input,
        output: question.output,
        concurrency: 1.0,
        concurrency_known: true,
        doubts: doubts.clone(),
    };
    let mut rows = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        deployment.precision = precisions[candidate.format];
        let word = word(question.formats[candidate.format]);
        if deployment.precision_word != word {
            word.clone_into(&mut deployment.precision_word);
        }
        deployment.mode = candidate.mode;
        deployment.concurrency = candidate.concurrency;
        let prediction = predictor.predict(&deployment, device);
        let apart = matches!(candidate.mode, Mode::Disaggregated { .. });
        if apart && prediction.kernels.prompt_use > KEEPS_UP {
            reasons.prompts_too_slow += 1;
            continue;
        }
        let row = row(question, candidate, [prediction.ttft, prediction.tpot, prediction.tokens_per_s]);
        let late = |limit: Option<f64>, time: Estimate| limit.is_some_and(|limit| time.likely > limit);
        match (late(question.limits.ttft, row.ttft), late(question.limits.tpot, row.tpot)) {
            (false, false) => reasons.within += 1,
            (true, false) => reasons.ttft_too_long += 1,
            (false, true) => reasons.tpot_too_long += 1,
            (true, true) => reasons.both_too_long += 1,
        }
        reasons.predicted += 1;
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(remedy::of(question, device, &reasons));
    }
    Ok(Found {
        best: front::best(&rows, question.objective, BEST),
        front: front::front(&rows, question.limits),
        nearest: if reasons.within == 0 { front::nearest(&rows, question.limits) } else { None },
        reasons,
        doubts,
    })
}

/// Share of the time of workers for prompts beyond which their queue is not steady.
const KEEPS_UP: f64 = 0.95;

fn row(question: &Question<'_>, candidate: &Candidate, [ttft, tpot, rate]: [Estimate; 3]) -> Row {
    let per_device = rate.times(1.0 / f64::from(question.devices));
    let meets = |value: fn(&Estimate) -> f64| {
        question.limits.ttft.is_none_or(|limit| value(&ttft) <= limit)
            && question.limits.tpot.is_none_or(|limit| value(&tpot) <= limit)
    };
    Row {
        format: question.formats[candidate.format],
        mode: candidate.mode,
        concurrency: candidate.concurrency,
        batch: candidate.batch,
        devices: candidate.devices,
        per_user: inverse(tpot),
        per_device,
        usd_per_million: question.hour.map(|hour| hour.per_million(per_device)),
        memory: candidate.memory,
        within: meets(|time| time.likely),
        sure: meets(|time| time.high),
        ttft,
        tpot,
    }
}

fn inverse(seconds: Estimate) -> Estimate {
    let per = |seconds: f64| if seconds > 0.0 { seconds.recip() } else { 0.0 };
    Estimate { low: per(seconds.high), likely: per(seconds.likely), high: per(seconds.low) }
}

/// How tables of measured engines call a format, for the correction.
fn word(format: Format) -> &'static str {
    match format {
        Format::Fp32 => "fp32",
        Format::Bf16 => "bf16",
        Format::Fp8 | Format::Fp8Block => "fp8",
        Format::Int8 | Format::Int8Weight => "int8",
        Format::Int4Weight => "int4",
        Format::Nvfp4 | Format::Mxfp4Weight | Format::Mxfp4Fp8 => "fp4",
    }
}

fn check(question: &Question<'_>) -> Result<(), String> {
    if question.formats.is_empty() {
        return Err("no format to store the model in; give one, such as fp8".into());
    }
    if question.devices == 0 || question.devices > MOST_DEVICES {
        return Err(format!("{} devices; expected 1 to {MOST_DEVICES}", question.devices));
    }
    if question.domain == 0 || question.most_batch == 0 {
        return Err("a domain and a batch have at least one device and one sequence".into());
    }
    for (name, tokens) in [("prompt", question.input), ("answer", question.output)] {
        if !(1.0..=1e7).contains(&tokens) {
            return Err(format!("a {name} of {tokens} tokens; expected 1 to 10,000,000"));
        }
    }
    for (name, limit) in [("first token", question.limits.ttft), ("time per token", question.limits.tpot)] {
        if limit.is_some_and(|limit| !(limit > 0.0 && limit.is_finite())) {
            return Err(format!("the limit of the {name} must be above zero"));
        }
    }
    if question.objective == Objective::Cost && question.hour.is_none() {
        return Err("the least cost is asked for, and what a device costs is not known; give a price per hour".into());
    }
    Ok(())
}

/// Devices of one search at most.
pub const MOST_DEVICES: u32 = 4096;

/// A pool of so many workers.
pub(crate) fn pool(layout: Layout, workers: u32, batch: Option<u32>) -> Pool {
    Pool { layout, workers: Some(f64::from(workers)), batch: batch.map(f64::from) }
}

#[cfg(test)]
mod tests;
