//! One training step: the pipeline's passes, gradients between ranks, the optimizer; what it takes and where it goes.

use serde::Serialize;

use super::device::Work;
use super::layer::{Between, LayerTime, Recompute, Timing};
use super::memory::{self, Memory};
use super::network::{Group, Operation};
use super::recipe::{Recipe, Sharding};
use super::schedule::{Kind, Pipeline, Slot, Timeline};
use crate::estimate::Estimate;

/// Where the seconds of a step go, on the busiest stage; the parts add up to the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Forward passes.
    pub forward: f64,
    /// Gradients.
    pub backward: f64,
    /// Work done again.
    pub recompute: f64,
    /// Exposed transfers among ranks that share matrices.
    pub tensor: f64,
    /// Exposed transfers among ranks that share a sequence.
    pub context: f64,
    /// Exposed transfers among ranks that share experts.
    pub expert: f64,
    /// Senders that wait for messages between stages.
    pub pipeline: f64,
    /// Exposed gradients and weights between ranks with other data.
    pub data: f64,
    /// Waits of the busiest stage: filling, draining, uneven stages, messages on their way.
    pub bubble: f64,
    /// Copies to and from the host that nothing hides.
    pub offload: f64,
    /// The optimizer.
    pub optimizer: f64,
    /// What no operator shows: stragglers, host, data loading.
    pub other: f64,
}

impl Parts {
    /// Parts by name, in the order of reports.
    pub fn list(&self) -> [(&'static str, f64); 12] {
        [
            ("forward", self.forward),
            ("backward", self.backward),
            ("recompute", self.recompute),
            ("tensor-parallel transfers", self.tensor),
            ("context-parallel transfers", self.context),
            ("expert-parallel transfers", self.expert),
            ("pipeline messages", self.pipeline),
            ("data-parallel transfers", self.data),
            ("pipeline bubble", self.bubble),
            ("offload", self.offload),
            ("optimizer", self.optimizer),
            ("stragglers and host", self.other),
        ]
    }

    /// All of it.
    pub fn sum(&self) -> f64 {
        self.list().iter().map(|(_, seconds)| seconds).sum()
    }
}

/// What a step takes.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingStep {
    /// Seconds.
    pub seconds: Estimate,
    /// Where they go.
    pub parts: Parts,
    /// The busiest stage.
    pub busiest: usize,
    /// Operations of the model, forward and backward, all ranks.
    pub model_flops: f64,
    /// The same with what is computed again.
    pub hardware_flops: f64,
    /// Share of the peak that the model's operations make.
    pub mfu: f64,
    /// Share of the peak that all operations make.
    pub hfu: f64,
    /// Tokens per second, all ranks.
    pub tokens_per_second: f64,
    /// Seconds on links by kind, exposed or not, on the busiest stage: tensor, context, expert, data (within layers).
    pub on_links: [f64; 4],
    /// Seconds of gradients and weights between ranks with other data, exposed or not.
    pub data_on_links: f64,
    /// Memory by stage.
    pub memory: Vec<Memory>,
    /// The fullest stage.
    pub fullest: usize,
    /// Whether it fits.
    pub fits: bool,
    /// The schedule.
    pub timeline: Timeline,
}

impl TrainingStep {
    /// Memory of the fullest stage.
    pub fn fullest_memory(&self) -> Memory {
        self.memory.get(self.fullest).copied().unwrap_or_default()
    }
}

/// What the chunks of a stage take for one micro-batch.
#[derive(Clone, Copy, Debug, Default)]
struct ChunkTime {
    time: LayerTime,
    offload_forward: f64,
    offload_backward: f64,
    model_flops: f64,
}

impl ChunkTime {
    fn add(&mut self, one: &LayerTime, n: f64) {
        let sum = &mut self.time;
        sum.forward += n * one.forward;
        sum.again += n * one.again;
        sum.input_gradient += n * one.input_gradient;
        sum.weight_gradient += n * one.weight_gradient;
        sum.again_flops += n * one.again_flops;
        for kind in 0..4 {
            sum.exposed_forward[kind] += n * one.exposed_forward[kind];
            sum.exposed_again[kind] += n * one.exposed_again[kind];
            sum.exposed_backward[kind] += n * one.exposed_backward[kind];
            sum.on_links[kind] += n * one.on_links[kind];
        }
    }
}

/// Predicts a step.
pub fn predict(recipe: &Recipe) -> TrainingStep {
    let chunks = chunk_times(recipe);
    let timeline = pipeline(recipe, &chunks).run();
    let m = recipe.micro_batches as f64;
    let busiest = (0..recipe.stages)
        .max_by(|a, b| {
            (timeline.busy[*a] + timeline.sending[*a]).total_cmp(&(timeline.busy[*b] + timeline.sending[*b]))
        })
        .unwrap_or(0);

    let mut parts = Parts::default();
    let mut on_links = [0.0; 4];
    let mut model_flops = 0.0;
    let mut again_flops = 0.0;
    for (at, chunk) in chunks.iter().enumerate() {
        model_flops += chunk.model_flops;
        again_flops += chunk.time.again_flops;
        if at / recipe.chunks != busiest {
            continue;
        }
        let time = &chunk.time;
        parts.forward += m * time.forward;
        parts.recompute += m * time.again;
        let mut exposed = [0.0; 4];
        for kind in 0..4 {
            exposed[kind] = time.exposed_forward[kind];
            if recipe.training {
                exposed[kind] += time.exposed_again[kind] + time.exposed_backward[kind];
            }
            on_links[kind] += m * time.on_links[kind];
        }
        parts.tensor += m * exposed[Between::Tensor as usize];
        parts.context += m * exposed[Between::Context as usize];
        parts.expert += m * exposed[Between::Expert as usize];
        parts.data += m * exposed[Between::Data as usize];
        parts.offload += m * (chunk.offload_forward + chunk.offload_backward);
        if recipe.training {
            parts.backward += m * (time.input_gradient + time.weight_gradient);
        }
    }
    if !recipe.training {
        parts.recompute = 0.0;
    }
    parts.pipeline = timeline.sending[busiest];
    let gradients = if recipe.training { Gradients::new(recipe, &chunks, &timeline) } else { Gradients::default() };
    parts.data += gradients.exposed;
    parts.optimizer = gradients.optimizer;
    parts.bubble = (timeline.end - timeline.busy[busiest] - timeline.sending[busiest]).max(0.0);
    let known = timeline.end + gradients.exposed + gradients.optimizer;
    parts.other = known * (recipe.stretch - 1.0);
    let seconds = known * recipe.stretch;

    let per_rank = recipe.devices as f64 / recipe.stages as f64;
    let passes = if recipe.training { 3.0 } else { 1.0 };
    let model_flops = passes * model_flops * m * per_rank;
    let hardware_flops = model_flops + if recipe.training { again_flops * m * per_rank } else { 0.0 };
    let whole = seconds * recipe.devices as f64 * recipe.peak;
    let memory = memory::by_stage(recipe, &timeline);
    let fullest = (0..memory.len()).max_by(|a, b| memory[*a].total.total_cmp(&memory[*b].total)).unwrap_or(0);
    let worst = memory.get(fullest).copied().unwrap_or_default();
    let host = recipe.offload.as_ref().map_or(0.0, |o| o.capacity);
    TrainingStep {
        seconds: Estimate::spread(seconds, recipe.band[0], recipe.band[1]),
        parts,
        busiest,
        model_flops,
        hardware_flops,
        mfu: if whole > 0.0 { model_flops / whole } else { 0.0 },
        hfu: if whole > 0.0 { hardware_flops / whole } else { 0.0 },
        tokens_per_second: if seconds > 0.0 { recipe.tokens / seconds } else { 0.0 },
        on_links,
        data_on_links: gradients.on_links,
        fits: worst.total <= recipe.memory && worst.host <= host.max(f64::MIN_POSITIVE),
        memory,
        fullest,
        timeline,
    }
}

fn chunk_times(recipe: &Recipe) -> Vec<ChunkTime> {
    let timing = Timing {
        device: &recipe.device,
        tiers: &recipe.tiers,
        groups: recipe.groups,
        recompute: recipe.recompute,
        overlap: recipe.overlap,
    };
    // Embedding and logits have no input kept, and are not recomputed.
    let outside = Timing { recompute: Recompute::None, ..timing.clone() };
    let times: Vec<LayerTime> = recipe
        .layers
        .iter()
        .map(|layer| if layer.input_bytes > 0.0 { timing.layer(layer) } else { outside.layer(layer) })
        .collect();
    let copies: Vec<[f64; 2]> =
        recipe.layers.iter().zip(&times).map(|(layer, time)| copies(recipe, layer, time)).collect();
    recipe
        .content
        .iter()
        .map(|content| {
            let mut chunk = ChunkTime::default();
            for (at, n) in content {
                let (Some(time), Some(layer)) = (times.get(*at), recipe.layers.get(*at)) else { continue };
                let n = f64::from(*n);
                chunk.add(time, n);
                chunk.model_flops += n * layer.model_flops;
                chunk.offload_forward += n * copies[*at][0];
                chunk.offload_backward += n * copies[*at][1];
            }
            chunk
        })
        .collect()
}

/// Seconds by which copies to and from the host make a layer's passes longer: they share the memory with its operators and
/// run beside the rest.
fn copies(recipe: &Recipe, layer: &super::layer::Layer, time: &LayerTime) -> [f64; 2] {
    let Some(offload) = &recipe.offload else { return [0.0; 2] };
    if layer.input_bytes <= 0.0 {
        return [0.0; 2];
    }
    let weights =
        if offload.weights { recipe.storage.weight * (layer.shared_weights + layer.expert_weights) } else { 0.0 };
    let activations = match (offload.activations, recipe.recompute) {
        (false, _) => 0.0,
        (true, Recompute::Full) => layer.input_bytes,
        (true, how) => layer.operators.iter().map(|o| o.kept_under(how)).sum(),
    };
    let shard = if recipe.sharding >= Sharding::Optimizer { recipe.data_group.ranks() as f64 } else { 1.0 };
    let optimizer = if offload.optimizer { recipe.storage.optimizer * layer.shared_weights / shard } else { 0.0 };
    let forward = offload.link.seconds(weights.max(activations)) + time.memory_forward - time.forward_total();
    if !recipe.training {
        return [forward.max(0.0), 0.0];
    }
    let moved = offload.link.seconds(weights + activations + optimizer);
    let backward = moved + time.memory_backward - time.backward_without_weights() - time.weight_gradient;
    [forward.max(0.0), backward.max(0.0)]
}

fn pipeline(recipe: &Recipe, chunks: &[ChunkTime]) -> Pipeline {
    let training = recipe.training;
    let group = Group::on(recipe.send_tier, 2);
    let mut send =
        if recipe.stages > 1 { group.seconds(&recipe.tiers, Operation::SendReceive, recipe.send_bytes) } else { 0.0 };
    if recipe.send_gathered {
        let tensor = &recipe.groups[Between::Tensor as usize];
        send += tensor.seconds(&recipe.tiers, Operation::AllGather, recipe.send_bytes * tensor.ranks() as f64);
    }
    let of = |f: &dyn Fn(&ChunkTime) -> f64| chunks.iter().map(f).collect::<Vec<f64>>();
    Pipeline {
        stages: recipe.stages,
        chunks: recipe.chunks,
        micro_batches: recipe.micro_batches,
        order: recipe.order,
        forward: of(&|c| c.time.forward_total() + c.offload_forward),
        backward: of(&|c| if training { c.time.backward_without_weights() + c.offload_backward } else { 0.0 }),
        weights: of(&|c| if training { c.time.weight_gradient } else { 0.0 }),
        send,
        blocking: recipe.send_blocks,
    }
}

/// Gradients and weights between ranks with other data, and the optimizer.
#[derive(Clone, Copy, Debug, Default)]
struct Gradients {
    exposed: f64,
    on_links: f64,
    optimizer: f64,
}

impl Gradients {
    fn new(recipe: &Recipe, chunks: &[ChunkTime], timeline: &Timeline) -> Self {
        let mut out = Self::default();
        let mut ends: f64 = timeline.end;
        let mut gathering: f64 = 0.0;
        let last = last_backward(recipe, timeline);
        for stage in 0..recipe.stages {
            let own = stage * recipe.chunks..(stage + 1) * recipe.chunks;
            let mut weights = [0.0; 2];
            let mut reduce = Vec::with_capacity(recipe.chunks);
            let mut gather = 0.0;
            let mut first_layer = 0.0;
            for (at, content) in recipe.content[own.clone()].iter().enumerate() {
                let (mut seconds, mut layers) = (0.0, 0.0);
                for (kind, n) in content {
                    let Some(layer) = recipe.layers.get(*kind) else { continue };
                    let n = f64::from(*n);
                    weights[0] += n * layer.shared_weights;
                    weights[1] += n * layer.expert_weights;
                    let one = exchange(recipe, layer.shared_weights, layer.expert_weights);
                    seconds += n * one[0];
                    gather += n * one[1];
                    if at == 0 {
                        first_layer = one[1];
                    }
                    layers += n;
                }
                reduce.push((seconds, layers));
            }
            out.on_links = out.on_links.max(gather + reduce.iter().map(|(s, _)| s).sum::<f64>());
            let group = recipe.data_group;
            let share = group.processor_share(&recipe.tiers);
            let done = timeline.slots.iter().rev().find(|s| s.stage as usize == stage).map_or(timeline.end, |s| s.end);
            let mut clock: f64 = 0.0;
            let mut slowed = 0.0;
            // Chunks finish from the last to the first.
            for chunk in (0..recipe.chunks).rev() {
                let (seconds, layers) = reduce[chunk];
                if seconds <= 0.0 {
                    continue;
                }
                if !recipe.data_overlap {
                    clock = clock.max(done) + seconds;
                    continue;
                }
                let (start, end) = last[stage * recipe.chunks + chunk];
                // Every layer's gradient may leave as soon as its backward pass is over.
                let layers = layers.max(1.0) as u32;
                for layer in 1..=layers {
                    let ready = start + (end - start) * f64::from(layer) / f64::from(layers);
                    clock = clock.max(ready) + seconds / f64::from(layers);
                }
                slowed += seconds.min((done - start).max(0.0)) * share;
            }
            ends = ends.max(clock.max(done) + slowed);
            let split = if recipe.sharding >= Sharding::Optimizer {
                [group.ranks(), recipe.expert_data_group.ranks()]
            } else {
                [1, 1]
            };
            let elements = weights[0] / split[0].max(1) as f64 + weights[1] / split[1].max(1) as f64;
            // Optimizers run over all weights in few kernels.
            let work = Work::element_wise(
                recipe.storage.optimizer_flops * elements,
                recipe.storage.optimizer_traffic * elements,
            );
            out.optimizer = out.optimizer.max(recipe.device.seconds(&work));
            // Overlapped, the weights of a layer must be there when the first forward pass reaches it.
            let hidden =
                if recipe.data_overlap { chunks.get(own.start).map_or(0.0, |c| c.time.forward_total()) } else { 0.0 };
            gathering = f64::max(gathering, first_layer.max(gather - hidden));
        }
        out.exposed = ends - timeline.end + gathering;
        out
    }
}

/// Seconds that gradients of so many weights take once per step, and then their weights.
fn exchange(recipe: &Recipe, shared: f64, experts: f64) -> [f64; 2] {
    let seconds =
        |group: &Group, operation, elements: f64, width: f64| group.seconds(&recipe.tiers, operation, elements * width);
    let both = |operation, width| {
        seconds(&recipe.data_group, operation, shared, width)
            + seconds(&recipe.expert_data_group, operation, experts, width)
    };
    match recipe.sharding {
        Sharding::None => [both(Operation::AllReduce, recipe.storage.gradient_sent), 0.0],
        Sharding::Optimizer => [
            both(Operation::ReduceScatter, recipe.storage.gradient_sent),
            both(Operation::AllGather, recipe.storage.weight),
        ],
        // Gradients are scattered after every micro-batch, within the layers' backward passes.
        Sharding::Gradients => [0.0, both(Operation::AllGather, recipe.storage.weight)],
        Sharding::Weights => [0.0, 0.0],
    }
}

/// Start and end of the last backward pass (or of the last gradients of weights) of every chunk.
fn last_backward(recipe: &Recipe, timeline: &Timeline) -> Vec<(f64, f64)> {
    let mut last = vec![(timeline.end, timeline.end); recipe.stages * recipe.chunks];
    let mut found = vec![false; last.len()];
    for slot in timeline.slots.iter().rev() {
        let Slot { stage, chunk, kind, start, end, .. } = *slot;
        let at = stage as usize * recipe.chunks + chunk as usize;
        if kind != Kind::Forward && !found[at] {
            found[at] = true;
            last[at] = (start, end);
        }
    }
    last
}
