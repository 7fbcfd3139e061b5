//! What one step costs: a model on a layout of devices, from the kernels of one device.

use std::sync::Arc;

use serde::Serialize;

use super::account::reached;
use super::load::{StepCost, StepLoad};
use super::operator::{Item, Operator, Part};
use super::operators;
use super::unmeasured::{index, per_head};
use crate::format::Format;
use crate::kernel::Kernels;
use crate::kernel::collective::Collective;
use crate::kernel::element_wise::Stack;
use crate::kernel::launch::Launch;
use crate::kernel::moe::{MoeCurve, MoeShape};
use crate::layout::Layout;
use crate::models::precision::Precision;
use crate::models::transformer::Transformer;

/// Tokens above which a step is not replayed from a graph: its kernels are launched one by one.
const GRAPH_TOKENS: u64 = 1024;

/// A model on a layout, ready to be asked what steps cost.
#[derive(Clone, Debug)]
pub struct Engine {
    items: Vec<Item>,
    /// Times of experts, where an item has some.
    curves: Vec<Option<MoeCurve>>,
    /// Items that differ from all before them, and how often each runs in all: what a step's seconds are summed over.
    distinct: Vec<(usize, f64)>,
    kernels: Arc<Kernels>,
    stages: f64,
    width: f64,
    layers: f64,
}

/// Seconds of one step by part of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Breakdown {
    /// Seconds per [`Part`], in the order of [`Part::ALL`].
    pub parts: [f64; Part::ALL.len()],
    /// Seconds of the host that no device hides.
    pub host: f64,
}

impl Breakdown {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.parts.iter().sum::<f64>() + self.host
    }
}

impl Engine {
    /// Of a checked layout ([`Layout::check`]).
    pub fn new(model: &Transformer, layout: &Layout, precision: &Precision, kernels: &Arc<Kernels>) -> Self {
        let curve = |format, shape: &MoeShape| kernels.moe_kernel(format, shape.gated).curve(shape);
        Self::with_curves(model, layout, precision, kernels, curve)
    }

    /// The same where the times of experts are known from elsewhere: layouts of one model share many of them.
    pub fn with_curves(
        model: &Transformer,
        layout: &Layout,
        precision: &Precision,
        kernels: &Arc<Kernels>,
        curve_of: impl Fn(Format, &MoeShape) -> MoeCurve,
    ) -> Self {
        let items = operators::of(model, layout, precision);
        let curve = |item: &Item| match item.operator {
            Operator::Experts { format, shape, .. } => Some(curve_of(format, &shape)),
            _ => None,
        };
        Self {
            curves: items.iter().map(curve).collect(),
            distinct: distinct(&items),
            items,
            kernels: Arc::clone(kernels),
            stages: f64::from(layout.pipeline),
            width: f64::from(model.hidden),
            layers: model.blocks.iter().map(|block| f64::from(block.layers)).sum(),
        }
    }

    /// The operators of a step.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The kernels of its device.
    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    /// Likely seconds of the operator at a place of [`Engine::items`], once, among the others of a step.
    pub fn operator_seconds(&self, at: usize, load: &StepLoad) -> f64 {
        self.seconds_among(at, load, None)
    }

    /// The same when groups that step together have so many tokens in all; without a number, as many each as this one.
    fn seconds_among(&self, at: usize, load: &StepLoad, all_tokens: Option<f64>) -> f64 {
        self.kernels.launch.among_others(self.kernel_seconds(at, load, all_tokens))
    }

    fn kernel_seconds(&self, at: usize, load: &StepLoad, all_tokens: Option<f64>) -> f64 {
        let Some((item, curve)) = self.items.get(at).zip(self.curves.get(at)) else { return 0.0 };
        let operator = &item.operator;
        let kernels = &*self.kernels;
        let tokens = load.tokens() as f64;
        match *operator {
            Operator::Product { format, rows, n, k } => {
                let m = rows.count(load);
                if m > 0.0 { kernels.product_seconds(format, m, n, k) } else { 0.0 }
            }
            Operator::PerHead { heads, rows, n, k } => per_head(&kernels.device, heads, rows.count(load), n, k),
            Operator::Context(shape) => {
                kernels
                    .attention
                    .context(
                        &shape,
                        f64::from(load.prefill_pieces),
                        load.prefill_tokens as f64,
                        load.prefill_pairs as f64,
                        load.prefill_context as f64,
                    )
                    .likely
            }
            Operator::Generation(shape) => {
                kernels.attention.generation(&shape, f64::from(load.decodes), load.decode_context as f64).likely
            }
            Operator::LatentContext(shape) => {
                if load.prefill_tokens == 0 {
                    return 0.0;
                }
                let sums = (
                    f64::from(load.prefill_pieces),
                    load.prefill_tokens as f64,
                    load.prefill_pairs as f64,
                    load.prefill_context as f64,
                );
                let context = kernels.attention.context_model(&shape.expanded());
                shape.prefill(&kernels.device, context, sums).likely
            }
            Operator::LatentGeneration(shape) => {
                if load.decodes == 0 {
                    return 0.0;
                }
                let generation = kernels.attention.generation_model(&shape.compressed());
                let sums = (f64::from(load.decodes), load.decode_context as f64);
                shape.decode(&kernels.device, generation, sums).likely
            }
            Operator::Linear(shape) => {
                shape.decode(&kernels.device, f64::from(load.decodes)).likely
                    + shape.prefill(&kernels.device, f64::from(load.prefill_pieces), load.prefill_tokens as f64).likely
            }
            Operator::Index { heads, dim } => {
                let pairs = load.prefill_pairs + load.decode_context;
                let contexts = load.decode_context + load.prefill_context + load.prefill_tokens;
                index(&kernels.device, heads, dim, pairs as f64, contexts as f64)
            }
            Operator::Experts { groups, .. } => match curve {
                Some(curve) => curve.time(all_tokens.unwrap_or(tokens * groups)).likely,
                None => 0.0,
            },
            Operator::Sum { ranks, elements } => {
                kernels.communication.all_reduce(ranks, tokens * elements * 2.0, load.tokens() <= GRAPH_TOKENS).likely
            }
            Operator::Exchange { ranks, elements, bytes, active } => {
                // A token goes once to every device that holds one of its experts.
                let sent = tokens * reached(ranks, active) * elements * bytes;
                kernels.communication.library(Collective::AllToAll, ranks, sent).likely
            }
            Operator::Stream { kernel, rows, bytes } => {
                kernel.seconds(Stack::Fused, &kernels.device, rows.count(load) * bytes).likely
            }
        }
    }

    /// Elements that pass from stage to stage per token.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Seconds of the host that no device hides.
    pub fn host_seconds(&self, load: &StepLoad) -> f64 {
        self.host_beside(load, self.device_seconds(load, None))
    }

    /// The same beside a device that computes for so many seconds. Steps with prompts are launched kernel by kernel, and
    /// take no less than that does.
    fn host_beside(&self, load: &StepLoad, device: f64) -> f64 {
        let Launch { layer_s, step_s, sequence_s, .. } = self.kernels.launch;
        let launches = if load.prefill_tokens > 0 { (layer_s * self.layers - device).max(0.0) } else { 0.0 };
        launches + step_s + sequence_s * (f64::from(load.decodes) + f64::from(load.prefill_pieces))
    }

    /// Where the time of a step goes.
    pub fn breakdown(&self, load: &StepLoad) -> Breakdown {
        let mut breakdown = Breakdown::default();
        for (at, item) in self.items.iter().enumerate() {
            breakdown.parts[item.part as usize] += item.count * self.operator_seconds(at, load);
        }
        breakdown.host = self.host_beside(load, breakdown.parts.iter().sum());
        if self.stages > 1.0 {
            let bytes = load.tokens() as f64 * self.width * 2.0;
            let sends = (self.stages - 1.0) * self.kernels.communication.send(None, bytes).likely;
            breakdown.parts[Part::Communication as usize] += sends;
        }
        breakdown
    }
}

fn distinct(items: &[Item]) -> Vec<(usize, f64)> {
    let mut distinct: Vec<(usize, f64)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match distinct.iter_mut().find(|(known, _)| items[*known].operator == item.operator) {
            Some((_, count)) => *count += item.count,
            None => distinct.push((at, item.count)),
        }
    }
    distinct
}

impl Engine {
    fn device_seconds(&self, load: &StepLoad, all_tokens: Option<f64>) -> f64 {
        self.distinct.iter().map(|(at, count)| count * self.seconds_among(*at, load, all_tokens)).sum()
    }

    fn step_seconds(&self, load: &StepLoad, all_tokens: Option<f64>) -> f64 {
        let device = self.device_seconds(load, all_tokens);
        let mut seconds = device + self.host_beside(load, device);
        if self.stages > 1.0 {
            let bytes = load.tokens() as f64 * self.width * 2.0;
            seconds += (self.stages - 1.0) * self.kernels.communication.send(None, bytes).likely;
        }
        seconds
    }
}

impl StepCost for Engine {
    fn seconds(&self, load: &StepLoad) -> f64 {
        self.step_seconds(load, None)
    }

    /// Experts see the tokens of all groups; attention waits for the slowest.
    fn group_seconds(&self, loads: &[StepLoad]) -> f64 {
        let all: f64 = loads.iter().map(|load| load.tokens() as f64).sum();
        let working = loads.iter().filter(|load| load.tokens() > 0);
        working.map(|load| self.step_seconds(load, Some(all))).fold(0.0, f64::max)
    }
}
