//! What fills the memory of the fullest device.

use serde::Serialize;

use super::layer::{Layer, Recompute};
use super::recipe::{Recipe, Sharding};
use super::schedule::Timeline;

/// Bytes on the devices of one stage, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Memory {
    /// Pipeline stage.
    pub stage: usize,
    /// Weights.
    pub weights: f64,
    /// Gradients of weights.
    pub gradients: f64,
    /// State of the optimizer.
    pub optimizer: f64,
    /// Activations kept for the backward pass.
    pub activations: f64,
    /// Inputs of layers kept for recomputation.
    pub checkpoints: f64,
    /// What the layer at work needs beside: recomputed activations, gradients of activations, gathered weights.
    pub working: f64,
    /// What the runtime and the communication library take.
    pub reserve: f64,
    /// All of it.
    pub total: f64,
    /// Bytes on the host per device.
    pub host: f64,
}

impl Memory {
    /// Parts by name, in the order of the report.
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("weights", self.weights),
            ("gradients", self.gradients),
            ("optimizer state", self.optimizer),
            ("activations", self.activations),
            ("checkpoints", self.checkpoints),
            ("layer at work", self.working),
            ("runtime reserve", self.reserve),
        ]
    }
}

fn kept(layer: &Layer, recompute: Recompute) -> f64 {
    layer.operators.iter().map(|o| o.kept_under(recompute)).sum()
}

/// Share that a group of so many ranks leaves to each.
fn shard(recipe: &Recipe, from: Sharding, ranks: u64) -> f64 {
    if recipe.sharding >= from { 1.0 / ranks.max(1) as f64 } else { 1.0 }
}

/// Memory of every stage.
pub fn by_stage(recipe: &Recipe, timeline: &Timeline) -> Vec<Memory> {
    (0..recipe.stages).map(|stage| of_stage(recipe, timeline, stage)).collect()
}

fn of_stage(recipe: &Recipe, timeline: &Timeline, stage: usize) -> Memory {
    let chunks = &recipe.content[stage * recipe.chunks..(stage + 1) * recipe.chunks];
    let each = || chunks.iter().flatten().filter_map(|(at, n)| recipe.layers.get(*at).map(|l| (l, f64::from(*n))));
    let (dense, experts) = (recipe.data_group.ranks(), recipe.expert_data_group.ranks());
    let held = |bytes: f64, from| -> f64 {
        each()
            .map(|(l, n)| {
                let (a, b) = (shard(recipe, from, dense), shard(recipe, from, experts));
                n * bytes * (l.shared_weights * a + l.expert_weights * b)
            })
            .sum()
    };
    let mut memory = Memory { stage, reserve: recipe.reserve, ..Memory::default() };
    memory.weights = held(recipe.storage.weight, Sharding::Weights);
    let widest = |f: &dyn Fn(&Layer) -> f64| each().map(|(l, _)| f(l)).fold(0.0, f64::max);
    if recipe.training {
        memory.gradients = held(recipe.storage.gradient, Sharding::Gradients);
        memory.optimizer = held(recipe.storage.optimizer, Sharding::Optimizer);
        // Passes in flight are spread evenly over a stage's chunks.
        let flying = timeline.in_flight.get(stage).copied().map_or(1.0, f64::from) / recipe.chunks as f64;
        if recipe.recompute == Recompute::Full {
            memory.checkpoints = flying * each().map(|(l, n)| n * l.input_bytes).sum::<f64>();
            // What stands outside of layers (embedding, logits) is not recomputed.
            memory.activations = flying
                * each().filter(|(l, _)| l.input_bytes <= 0.0).map(|(l, n)| n * kept(l, Recompute::None)).sum::<f64>();
            memory.working = widest(&|l| if l.input_bytes > 0.0 { kept(l, Recompute::None) } else { 0.0 });
        } else {
            memory.activations = flying * each().map(|(l, n)| n * kept(l, recipe.recompute)).sum::<f64>();
            memory.working = widest(&|l| kept(l, Recompute::None) - kept(l, recipe.recompute));
        }
    }
    // The gradient of the widest activation and the one it is made from.
    memory.working += 2.0 * widest(&|l| l.operators.iter().map(|o| o.kept - o.dropped).fold(0.0, f64::max));
    if recipe.sharding == Sharding::Weights {
        // The layer at work and the next one, gathered.
        memory.working += 2.0 * recipe.storage.weight * widest(&|l| l.shared_weights + l.expert_weights);
    }
    if let Some(offload) = &recipe.offload {
        let layers: f64 = each().map(|(_, n)| n).sum::<f64>().max(1.0);
        // Of what lies on the host, the layer at work and its neighbour are here.
        let mut moved = |part: &mut f64, away: bool| {
            if away {
                memory.host += *part;
                *part = (*part * 2.0 / layers).min(*part);
            }
        };
        moved(&mut memory.weights, offload.weights);
        moved(&mut memory.activations, offload.activations);
        moved(&mut memory.checkpoints, offload.activations);
        moved(&mut memory.optimizer, offload.optimizer);
    }
    memory.total = memory.parts().iter().map(|(_, bytes)| bytes).sum();
    memory
}
