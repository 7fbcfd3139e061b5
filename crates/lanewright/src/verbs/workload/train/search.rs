//! The fastest layout among those that a question leaves free.

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::models::transformer::{FeedForward, Transformer};
use lanewright_workload::train::fault::{Fault, divisors};
use lanewright_workload::train::layer::Recompute;
use lanewright_workload::train::plan::Plan;
use lanewright_workload::train::recipe::{Recipe, Sharding};
use lanewright_workload::train::schedule::Order;
use lanewright_workload::train::step::{TrainingStep, predict};
use rayon::prelude::*;

use super::TrainArgs;
use super::output::{GIB, seconds};

/// What a question leaves free.
#[derive(Clone, Debug)]
pub struct Free {
    tensor: Vec<u64>,
    pipeline: Vec<u64>,
    expert: Vec<u64>,
    recompute: Vec<Recompute>,
    chunks: Vec<u64>,
    layers: u64,
    data: bool,
    batch: bool,
    said: [bool; 6],
}

/// What was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The plan.
    pub plan: Plan,
    /// Its recipe.
    pub recipe: Recipe,
    /// Its step.
    pub step: TrainingStep,
    /// Layouts tried.
    pub tried: usize,
    /// Changes with which it would fit, where it does not.
    pub remedies: Vec<String>,
}

/// Tokens of a step where nothing else is said, and sequences per device beyond which more would not help.
const TOKENS: (u64, u64) = (4 << 20, 16);

impl Free {
    /// From what was said.
    pub fn new(args: &TrainArgs, model: &Transformer, plan: &Plan) -> Self {
        let m = &args.machine;
        let layers: u64 = model.blocks.iter().map(|b| u64::from(b.layers)).sum();
        let experts = model.blocks.iter().find_map(|b| match b.feed_forward {
            FeedForward::Experts { experts, .. } => Some(u64::from(experts)),
            _ => None,
        });
        let devices = plan.devices.clamp(1, 1 << 24);
        let expert = match (m.ep, experts) {
            (Some(said), _) => vec![said],
            (None, Some(experts)) => divisors(experts).into_iter().filter(|e| *e <= devices && *e <= 64).collect(),
            (None, None) => vec![1],
        };
        let tensor = || divisors(devices).into_iter().filter(|t| *t <= plan.domain.min(8)).collect();
        let pipeline = || divisors(devices).into_iter().filter(|p| *p <= layers.min(64)).collect();
        Self {
            tensor: m.tp.map_or_else(tensor, |t| vec![t]),
            pipeline: m.pp.map_or_else(pipeline, |p| vec![p]),
            expert,
            recompute: m
                .recompute
                .map_or_else(|| vec![Recompute::None, Recompute::Selective, Recompute::Full], |_| vec![plan.recompute]),
            chunks: match (m.interleave, plan.order) {
                (None, Order::OneForwardOneBackward) => vec![1, 2, 4, 8],
                _ => vec![plan.chunks],
            },
            layers,
            data: m.dp.is_none(),
            batch: m.batch.is_none(),
            said: [
                m.tp.is_some(),
                m.pp.is_some(),
                m.dp.is_some(),
                m.ep.is_some() || experts.is_none(),
                m.recompute.is_some(),
                m.interleave.is_some() || plan.order == Order::ZeroBubble,
            ],
        }
    }

    /// Whether anything is.
    pub fn any(&self) -> bool {
        self.said.contains(&false)
    }

    /// What was chosen, in words.
    pub fn words(&self, plan: &Plan) -> String {
        let again = match plan.recompute {
            Recompute::None => "none",
            Recompute::Selective => "selective",
            Recompute::Full => "full",
        };
        let all = [
            format!("--tp {}", plan.tensor),
            format!("--pp {}", plan.pipeline),
            format!("--dp {}", plan.data),
            format!("--ep {}", plan.expert),
            format!("--recompute {again}"),
            format!("--interleave {}", plan.chunks),
        ];
        all.into_iter().zip(self.said).filter(|(_, said)| !said).map(|(words, _)| words).collect::<Vec<_>>().join(" ")
    }

    /// Every plan that is free, in a fixed order.
    fn plans(&self, first: &Plan) -> Vec<Plan> {
        let mut plans = Vec::new();
        for &tensor in &self.tensor {
            for &pipeline in &self.pipeline {
                let ranks = tensor.saturating_mul(pipeline).saturating_mul(first.context).max(1);
                let data = if self.data { (first.devices / ranks).max(1) } else { first.data };
                let batch = if self.batch { usual_batch(first, data) } else { first.batch };
                for &expert in &self.expert {
                    for &recompute in &self.recompute {
                        for &chunks in &self.chunks {
                            let single = pipeline == 1 || pipeline.saturating_mul(chunks) > self.layers;
                            if self.chunks.len() > 1 && chunks > 1 && single {
                                continue;
                            }
                            plans.push(Plan {
                                tensor,
                                pipeline,
                                data,
                                batch,
                                expert,
                                recompute,
                                chunks,
                                ..first.clone()
                            });
                        }
                    }
                }
            }
        }
        plans
    }
}

/// Four million tokens, fewer on few devices, as many sequences as divide.
fn usual_batch(plan: &Plan, data: u64) -> u64 {
    let unit = data.saturating_mul(plan.micro_batch).max(1);
    let most = plan.devices.saturating_mul(TOKENS.1).max(1);
    let wanted = (TOKENS.0 / plan.sequence.max(1)).clamp(1, most);
    (wanted / unit).max(1).saturating_mul(unit)
}

/// Predicts all plans and takes the one with the most tokens per second that fits (or, where none fits, the one that needs
/// the least). Faults when no plan divides: those of the first.
pub fn best(
    first: &Plan,
    free: &Free,
    model: &Transformer,
    device: &Accelerator,
    calibration: &Calibration,
) -> Result<Chosen, Vec<Fault>> {
    let plans = free.plans(first);
    let answers: Vec<Result<(Plan, TrainingStep), Vec<Fault>>> = plans
        .into_par_iter()
        .map(|plan| {
            let recipe = plan.recipe(model, device, calibration)?;
            let mut step = predict(&recipe);
            // The schedule of the chosen plan alone is needed; it is run again.
            step.timeline.slots = Vec::new();
            Ok((plan, step))
        })
        .collect();
    let tried = answers.iter().filter(|a| a.is_ok()).count();
    let mut faults = None;
    let mut best: Option<(Plan, TrainingStep)> = None;
    for answer in answers {
        match answer {
            Ok(new) => {
                if best.as_ref().is_none_or(|old| better(&new.1, &old.1)) {
                    best = Some(new);
                }
            }
            // Of what cannot work, the fewest faults tell most.
            Err(found) => {
                if faults.as_ref().is_none_or(|old: &Vec<Fault>| found.len() < old.len()) {
                    faults = Some(found);
                }
            }
        }
    }
    let Some((plan, _)) = best else { return Err(faults.unwrap_or_default()) };
    let recipe = plan.recipe(model, device, calibration)?;
    let step = predict(&recipe);
    let remedies = if step.fits { Vec::new() } else { remedies(&plan, model, device, calibration) };
    Ok(Chosen { plan, recipe, step, tried, remedies })
}

fn better(new: &TrainingStep, old: &TrainingStep) -> bool {
    match (new.fits, old.fits) {
        (true, true) => new.tokens_per_second > old.tokens_per_second,
        (false, false) => new.fullest_memory().total < old.fullest_memory().total,
        (fits, _) => fits,
    }
}

/// Changes of a plan with which it would fit.
fn remedies(plan: &Plan, model: &Transformer, device: &Accelerator, calibration: &Calibration) -> Vec<String> {
    let same = |change: fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        other
    };
    let mut options = vec![
        ("--recompute selective".to_string(), same(|p| p.recompute = Recompute::Selective)),
        ("--recompute full".to_string(), same(|p| p.recompute = Recompute::Full)),
        ("--zero 3".to_string(), same(|p| p.sharding = Sharding::Weights)),
        (
            "--zero 3 --recompute full".to_string(),
            same(|p| {
                p.sharding = Sharding::Weights;
                p.recompute = Recompute::Full;
            }),
        ),
    ];
    // More devices: more stages or wider matrices with the same data.
    let layers: u64 = model.blocks.iter().map(|b| u64::from(b.layers)).sum();
    for factor in [2, 4, 8, 16] {
        if plan.pipeline * factor <= layers {
            let other = Plan {
                pipeline: plan.pipeline * factor,
                devices: plan.devices * factor,
                recompute: Recompute::Full,
                ..plan.clone()
            };
            options.push((format!("--pp {} --devices {} --recompute full", other.pipeline, other.devices), other));
        }
        let other = Plan {
            data: plan.data * factor,
            devices: plan.devices * factor,
            batch: plan.batch * factor,
            sharding: Sharding::Weights,
            recompute: Recompute::Full,
            ..plan.clone()
        };
        options.push((
            format!(
                "--dp {} --devices {} --batch {} --zero 3 --recompute full",
                other.data, other.devices, other.batch
            ),
            other,
        ));
    }
    let mut found = Vec::new();
    for (words, other) in options {
        if other == *plan || found.len() == 3 {
            continue;
        }
        let Ok(recipe) = other.recipe(model, device, calibration) else { continue };
        let step = predict(&recipe);
        if step.fits {
            found.push(format!(
                "{words} ({:.1} GiB, {})",
                step.fullest_memory().total / GIB,
                seconds(step.seconds.likely)
            ));
        }
    }
    found
}
