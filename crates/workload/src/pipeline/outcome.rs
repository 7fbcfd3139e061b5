//! What is found of a pipeline: sums first, then the run with likely figures, its bands from draws, bounds, budgets, watts.

use rayon::prelude::*;
use serde::Serialize;

use super::bound::{self, bounds};
use super::checked::{Pipeline, Soc};
use super::concrete::{Concrete, Pick, chance, values};
use super::feasible::{Feasible, feasible};
use super::glass::{Budget, budget};
use super::power::{Power, power, traffic};
use super::simulate::{DisplayRun, Run, rank, run};
use super::tables::EngineKind;
use crate::estimate::Estimate;

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where chance comes from.
    pub seed: u64,
    /// Runs with figures drawn from their bands; 0 leaves bands out.
    pub draws: usize,
}

/// All that is found. Times are milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Name of the pipeline.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The chip.
    pub soc: Soc,
    /// Seconds simulated after the warm-up.
    pub seconds: f64,
    /// Where chance came from.
    pub seed: u64,
    /// Runs behind the bands.
    pub draws: usize,
    /// Sums of utilisation.
    pub feasible: Feasible,
    /// By chain.
    pub chains: Vec<ChainOutcome>,
    /// By stage.
    pub stages: Vec<StageOutcome>,
    /// By engine.
    pub engines: Vec<EngineOutcome>,
    /// Memory traffic, GB/s.
    pub memory_gb_s: Estimate,
    /// Memory traffic as a share of what the memory can carry.
    pub memory_share: Estimate,
    /// Language models.
    pub llms: Vec<LlmOutcome>,
    /// Displays.
    pub displays: Vec<DisplayOutcome>,
    /// Power of the chip with its memory, W.
    pub watts: Estimate,
    /// Where it goes, with likely figures.
    pub power: Power,
    /// Power of the displays' panels, W; not in the above.
    pub panels_w: Estimate,
    /// Budgets from light to light.
    pub budgets: Vec<Budget>,
    /// Whether every limit holds: in the simulation with likely figures, and in the budget at worst where a rule asks for it.
    pub holds: bool,
    /// Limits that do not hold, in words.
    pub broken: Vec<String>,
    /// What was assumed, by the file's author.
    pub assumptions: Vec<String>,
    /// What figures rest on.
    pub notes: Vec<String>,
    /// The run with likely figures, for drawings.
    #[serde(skip)]
    pub run: Run,
    /// Bytes per second that the memory can carry, likely.
    #[serde(skip)]
    pub capacity: f64,
}

/// A chain.
#[derive(Clone, Debug, Serialize)]
pub struct ChainOutcome {
    /// Name.
    pub id: String,
    /// Frames that reached the sink.
    pub samples: u64,
    /// From light to sink: half of the frames.
    pub p50_ms: Estimate,
    /// 99 of 100 frames.
    pub p99_ms: Estimate,
    /// The worst that was simulated.
    pub worst_ms: Estimate,
    /// What no run with likely figures can exceed; none where there is no bound.
    pub bound_ms: Option<f64>,
    /// Age of what the sink works with: mean over time.
    pub age_mean_ms: Estimate,
    /// Age just before something newer comes: 99 of 100.
    pub age_p99_ms: Estimate,
    /// The worst age.
    pub age_worst_ms: Estimate,
    /// Most latency that is allowed.
    pub limit_ms: Option<f64>,
    /// Most age that is allowed.
    pub age_limit_ms: Option<f64>,
    /// Share of draws in which the limits hold.
    pub holds_in: Option<f64>,
}

/// A stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageOutcome {
    /// Name.
    pub id: String,
    /// Engine.
    pub engine: String,
    /// Streams of it.
    pub streams: usize,
    /// Jobs per second, all streams.
    pub per_second: f64,
    /// Milliseconds of a job by itself.
    pub alone_ms: f64,
    /// Megabytes of a job.
    pub mb: f64,
    /// From arrival to end: 99 of 100.
    pub p99_ms: f64,
    /// Frames lost, share of those that came.
    pub dropped: Estimate,
    /// Jobs that missed their deadline, share of those done.
    pub missed: Estimate,
    /// Whether frames piled up without end although none should be lost.
    pub flooded: bool,
}

/// An engine.
#[derive(Clone, Debug, Serialize)]
pub struct EngineOutcome {
    /// Name.
    pub id: String,
    /// Kind.
    pub kind: EngineKind,
    /// How many.
    pub count: usize,
    /// Share of the time at work.
    pub busy: Estimate,
    /// Share of the time at work that memory cost.
    pub stalled: f64,
}

/// A language model.
#[derive(Clone, Debug, Serialize)]
pub struct LlmOutcome {
    /// Name.
    pub id: String,
    /// Model and format.
    pub what: String,
    /// Tokens per second.
    pub tokens_per_s: Estimate,
    /// Tokens per second that it would make with the chip to itself.
    pub alone_tokens_per_s: f64,
    /// From request to first token: half of them, ms.
    pub first_ms: Option<f64>,
    /// 99 of 100.
    pub first_p99_ms: Option<f64>,
    /// Between tokens: 99 of 100.
    pub between_p99_ms: Option<f64>,
    /// Requests that waited at the end.
    pub waiting: u64,
}

/// A display.
#[derive(Clone, Debug, Serialize)]
pub struct DisplayOutcome {
    /// Name.
    pub id: String,
    /// Counts.
    #[serde(flatten)]
    pub counts: DisplayRun,
}

/// What bands are made of.
#[derive(Clone, Debug)]
struct Figures {
    /// By chain: p50, p99, worst, mean age, p99 of ages, worst age.
    chains: Vec<[f64; 6]>,
    /// By stage: dropped, missed.
    stages: Vec<[f64; 2]>,
    busy: Vec<f64>,
    bytes: f64,
    share: f64,
    tokens: Vec<f64>,
    watts: f64,
}

fn figures(of: &Pipeline, values: &Concrete, run: &Run) -> Figures {
    let ratio = |part: u64, whole: u64| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
    let at = |sorted: &[f64], share: f64| rank(sorted, share).unwrap_or(f64::NAN) * 1e3;
    let bytes = traffic(values, run);
    Figures {
        chains: run
            .chains
            .iter()
            .map(|chain| {
                let (latencies, ages) = (&chain.latencies, &chain.ages);
                let mean = chain.mean_age().unwrap_or(f64::NAN) * 1e3;
                [at(latencies, 0.5), at(latencies, 0.99), at(latencies, 1.0), mean, at(ages, 0.99), at(ages, 1.0)]
            })
            .collect(),
        stages: run
            .stages
            .iter()
            .map(|stage| [ratio(stage.dropped, stage.came), ratio(stage.missed, stage.done)])
            .collect(),
        busy: run
            .busy
            .iter()
            .zip(&of.engines)
            .map(|(busy, engine)| busy / (run.seconds * engine.count as f64))
            .collect(),
        bytes,
        share: bytes / values.bandwidth,
        tokens: run.llms.iter().map(|llm| llm.tokens as f64 / run.seconds).collect(),
        watts: power(of, values, run).watts,
    }
}

/// A likely value with the band of draws: a tenth of them lies below, a tenth above.
fn banded(likely: f64, draws: &[Figures], of: impl Fn(&Figures) -> f64) -> Estimate {
    let mut drawn: Vec<f64> = draws.iter().map(of).filter(|value| value.is_finite()).collect();
    drawn.sort_by(f64::total_cmp);
    let (low, high) = (rank(&drawn, 0.1), rank(&drawn, 0.9));
    Estimate {
        low: low.map_or(likely, |low| low.min(likely)),
        likely,
        high: high.map_or(likely, |high| high.max(likely)),
    }
}

/// Looks at a pipeline; `step` is told of every run that is done.
pub fn outcome(of: &Pipeline, options: Options, step: &(dyn Fn() + Sync)) -> Outcome {
    let likely = values(of, &mut Pick::Likely);
    let ran = run(of, &likely, options.seed);
    step();
    let base = figures(of, &likely, &ran);
    let draws: Vec<Figures> = (0..options.draws)
        .into_par_iter()
        .map(|draw| {
            let mut random = chance(options.seed, 5 << 32 | draw as u64);
            let drawn = values(of, &mut Pick::Draw(&mut random));
            let run = run(of, &drawn, options.seed.wrapping_add(1 + draw as u64));
            step();
            figures(of, &drawn, &run)
        })
        .collect();
    let worst = bounds(of, &likely);
    let sums = feasible(of);
    let mut broken = sums.over.clone();
    let chains: Vec<ChainOutcome> = of
        .chains
        .iter()
        .enumerate()
        .map(|(at, chain)| {
            let figure = |which: usize| banded(base.chains[at][which], &draws, |figures| figures.chains[at][which]);
            let (limit, age) = (chain.limit.map(|s| s * 1e3), chain.age.map(|s| s * 1e3));
            let over = |value: f64, limit: Option<f64>| limit.is_some_and(|limit| value.is_nan() || value > limit);
            if over(base.chains[at][2], limit) {
                let words = format!("{:.1} ms of latency at worst in {} s", base.chains[at][2], of.seconds);
                broken.push(format!("{}: {words}, over {:.1} ms", chain.id, limit.unwrap_or_default()));
            }
            if over(base.chains[at][5], age) {
                broken.push(format!(
                    "{}: {:.1} ms of age at worst, over {:.1} ms",
                    chain.id,
                    base.chains[at][5],
                    age.unwrap_or_default()
                ));
            }
            let held = |figures: &&Figures| !over(figures.chains[at][2], limit) && !over(figures.chains[at][5], age);
            let limited = limit.is_some() || age.is_some();
            ChainOutcome {
                id: chain.id.clone(),
                samples: ran.chains[at].latencies.len() as u64,
                p50_ms: figure(0),
                p99_ms: figure(1),
                worst_ms: figure(2),
                bound_ms: bound::chain(of, &likely, &worst, chain).map(|s| s * 1e3),
                age_mean_ms: figure(3),
                age_p99_ms: figure(4),
                age_worst_ms: figure(5),
                limit_ms: limit,
                age_limit_ms: age,
                holds_in: (limited && !draws.is_empty())
                    .then(|| draws.iter().filter(held).count() as f64 / draws.len() as f64),
            }
        })
        .collect();
    let budgets: Vec<Budget> = (0..of.chains.len())
        .filter(|at| of.sources[of.chains[*at].source].image.is_some())
        .filter_map(|at| budget(of, at, &worst, &likely))
        .collect();
    for found in &budgets {
        let ruled = of.chains.iter().any(|chain| chain.id == found.chain && chain.rule.is_some());
        for check in found.checks.iter().filter(|check| ruled && !check.holds) {
            let how = if check.holds_likely { "holds as likely, not at worst" } else { "does not hold" };
            broken.push(format!("{}: {} {how}: {}", found.chain, check.what, check.words));
        }
    }
    let stages = (0..of.stages.len()).map(|at| stage(of, &likely, &ran, &base, &draws, at)).collect();
    let engines = of.engines.iter().enumerate().map(|(at, engine)| EngineOutcome {
        id: engine.id.clone(),
        kind: engine.kind,
        count: engine.count,
        busy: banded(base.busy[at], &draws, |figures| figures.busy[at]),
        stalled: if ran.busy[at] > 0.0 { ran.stalled[at] / ran.busy[at] } else { 0.0 },
    });
    let llms = of.llms.iter().enumerate().map(|(at, llm)| {
        let run = &ran.llms[at];
        let ms = |sorted: &[f64], share| rank(sorted, share).map(|s| s * 1e3);
        let bytes = llm.weight_bytes + (f64::from(llm.prompt) + 0.5 * f64::from(llm.output)) * llm.kv_bytes;
        LlmOutcome {
            id: llm.id.clone(),
            what: llm.what.clone(),
            tokens_per_s: banded(base.tokens[at], &draws, |figures| figures.tokens[at]),
            alone_tokens_per_s: likely.llms[at].rate / bytes,
            first_ms: ms(&run.first, 0.5),
            first_p99_ms: ms(&run.first, 0.99),
            between_p99_ms: ms(&run.between, 0.99),
            waiting: run.waiting,
        }
    });
    let displays = of.displays.iter().zip(&ran.displays);
    let panels = of.displays.iter().fold(Estimate::default(), |sum, display| sum.plus(display.power_w));
    Outcome {
        name: of.name.clone(),
        description: of.description.clone(),
        soc: of.soc.clone(),
        seconds: of.seconds,
        seed: options.seed,
        draws: options.draws,
        feasible: sums,
        chains,
        stages,
        engines: engines.collect(),
        memory_gb_s: banded(base.bytes, &draws, |figures| figures.bytes).times(1e-9),
        memory_share: banded(base.share, &draws, |figures| figures.share),
        llms: llms.collect(),
        displays: displays.map(|(of, run)| DisplayOutcome { id: of.id.clone(), counts: run.clone() }).collect(),
        watts: banded(base.watts, &draws, |figures| figures.watts),
        power: power(of, &likely, &ran),
        panels_w: panels,
        budgets,
        holds: broken.is_empty(),
        broken,
        assumptions: of.assumptions.clone(),
        notes: of.notes.clone(),
        run: ran,
        capacity: likely.bandwidth,
    }
}

fn stage(of: &Pipeline, likely: &Concrete, ran: &Run, base: &Figures, draws: &[Figures], at: usize) -> StageOutcome {
    let (stage, run) = (&of.stages[at], &ran.stages[at]);
    let streams = stage.streams.clone();
    let count = streams.len().max(1) as f64;
    StageOutcome {
        id: stage.id.clone(),
        engine: of.engines[stage.engine].id.clone(),
        streams: streams.len(),
        per_second: run.done as f64 / ran.seconds,
        alone_ms: streams.clone().map(|s| likely.alone[s]).sum::<f64>() / count * 1e3,
        mb: streams.map(|s| likely.bytes[s]).sum::<f64>() / count * 1e-6,
        p99_ms: rank(&run.responses, 0.99).unwrap_or(f64::NAN) * 1e3,
        dropped: banded(base.stages[at][0], draws, |figures| figures.stages[at][0]),
        missed: banded(base.stages[at][1], draws, |figures| figures.stages[at][1]),
        flooded: run.flooded,
    }
}
