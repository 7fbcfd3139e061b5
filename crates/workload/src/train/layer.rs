//! A layer as a list of operators with their passes, the transfers between ranks that it needs, and what both take.

use serde::Serialize;

use super::device::{Device, Work};
use super::network::{Group, Operation, Tier};

/// What is computed a second time in the backward pass instead of being kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// Nothing.
    None,
    /// The attention core (scores, softmax, dropout, weighted values).
    Selective,
    /// Whole layers, from their inputs.
    Full,
}

/// One operator of a layer on one rank, for one micro-batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// What it is.
    pub name: &'static str,
    /// Forward pass.
    pub forward: Work,
    /// Gradient of its inputs.
    pub input_gradient: Work,
    /// Gradient of its weights.
    pub weight_gradient: Work,
    /// Bytes kept for the backward pass when nothing is recomputed.
    pub kept: f64,
    /// Bytes of `kept` that selective recomputation does not keep.
    pub dropped: f64,
    /// Whether selective recomputation computes it again.
    pub core: bool,
}

impl Operator {
    /// A product with weights: `m` tokens from `k` to `n` features, elements of `width` bytes, input kept.
    pub fn linear(name: &'static str, m: f64, k: f64, n: f64, width: f64, kept: f64) -> Self {
        Self {
            name,
            forward: Work::product(m, k, n, width),
            input_gradient: Work::product(m, n, k, width),
            weight_gradient: Work::product(k, m, n, width),
            kept,
            dropped: 0.0,
            core: false,
        }
    }

    /// Element-wise work over `elements`, by operations and bytes per element forward and backward.
    pub fn element_wise(name: &'static str, elements: f64, forward: [f64; 2], backward: [f64; 2], kept: f64) -> Self {
        Self {
            name,
            forward: Work::element_wise(forward[0] * elements, forward[1] * elements),
            input_gradient: Work::element_wise(backward[0] * elements, backward[1] * elements),
            weight_gradient: Work::default(),
            kept,
            dropped: 0.0,
            core: false,
        }
    }

    /// The same as part of the attention core, so many of its kept bytes not kept under selective recomputation.
    #[must_use]
    pub fn in_core(mut self, dropped: f64) -> Self {
        self.core = true;
        self.dropped = dropped;
        self
    }

    /// Whether the backward pass computes it again.
    pub fn again(&self, recompute: Recompute) -> bool {
        match recompute {
            Recompute::None => false,
            Recompute::Selective => self.core,
            Recompute::Full => true,
        }
    }

    /// Bytes that stay between the passes.
    pub fn kept_under(&self, recompute: Recompute) -> f64 {
        match recompute {
            Recompute::None => self.kept,
            Recompute::Selective => self.kept - self.dropped,
            Recompute::Full => 0.0,
        }
    }
}

/// Between whom a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Ranks that share a layer's matrices.
    Tensor,
    /// Ranks that share a sequence.
    Context,
    /// Ranks that share experts.
    Expert,
    /// Ranks that share all weights of a layer (sharded weights, gathered for use).
    Data,
}

impl Between {
    /// All kinds, in order.
    pub const ALL: [Self; 4] = [Self::Tensor, Self::Context, Self::Expert, Self::Data];
}

/// In which pass a transfer happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward.
    Forward,
    /// Forward work done again in the backward pass.
    Again,
    /// Backward.
    Backward,
}

/// One transfer of a layer, per micro-batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Between whom.
    pub between: Between,
    /// When.
    pub pass: Pass,
    /// What.
    pub operation: Operation,
    /// Bytes of the whole tensor.
    pub bytes: f64,
    /// Operator (index) whose work in the same pass may go on meanwhile.
    pub beside: Option<usize>,
}

/// How transfers among ranks that share matrices overlap with the products beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Not at all.
    None,
    /// In as many tiles as there are ranks, the first tile at hand already.
    Ring,
    /// In as many tiles as there are ranks, the first tile waited for.
    Pipe,
}

/// A layer on one rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Its operators in order.
    pub operators: Vec<Operator>,
    /// Its transfers.
    pub transfers: Vec<Transfer>,
    /// Weights that every rank of the data-parallel group holds alike (elements on this rank).
    pub shared_weights: f64,
    /// Weights of experts (elements on this rank), replicated over fewer ranks.
    pub expert_weights: f64,
    /// Bytes of its input as kept for recomputation.
    pub input_bytes: f64,
    /// Operations of the model itself (forward, this rank's share): what MFU counts, without recomputation.
    pub model_flops: f64,
}

/// Seconds by kind of transfer, in the order of [`Between::ALL`].
pub type ByKind = [f64; 4];

/// What one layer takes for one micro-batch, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerTime {
    /// Forward work.
    pub forward: f64,
    /// Work done again.
    pub again: f64,
    /// Gradients of inputs.
    pub input_gradient: f64,
    /// Gradients of weights.
    pub weight_gradient: f64,
    /// Exposed transfers of the forward pass.
    pub exposed_forward: ByKind,
    /// Exposed transfers done again.
    pub exposed_again: ByKind,
    /// Exposed transfers of the backward pass.
    pub exposed_backward: ByKind,
    /// Transfers on their links, exposed or not, all passes.
    pub on_links: ByKind,
    /// Operations done again, forward operations of a micro-batch.
    pub again_flops: f64,
    /// Memory seconds of the backward pass: what a copy to the host competes with.
    pub memory_backward: f64,
    /// Memory seconds of the forward pass.
    pub memory_forward: f64,
}

impl LayerTime {
    /// Forward pass with its exposed transfers.
    pub fn forward_total(&self) -> f64 {
        self.forward + self.exposed_forward.iter().sum::<f64>()
    }

    /// Backward pass with its exposed transfers, gradients of weights left out.
    pub fn backward_without_weights(&self) -> f64 {
        self.again
            + self.input_gradient
            + self.exposed_again.iter().sum::<f64>()
            + self.exposed_backward.iter().sum::<f64>()
    }
}

/// What layers are timed with.
#[derive(Clone, Debug)]
pub struct Timing<'a> {
    /// The device.
    pub device: &'a Device,
    /// The tiers of links.
    pub tiers: &'a [Tier],
    /// The group of each kind of transfer, in the order of [`Between::ALL`].
    pub groups: [Group; 4],
    /// What is recomputed.
    pub recompute: Recompute,
    /// Overlap of tensor transfers with the products beside them.
    pub overlap: Overlap,
}

impl Timing<'_> {
    /// Times a layer.
    pub fn layer(&self, layer: &Layer) -> LayerTime {
        let mut time = LayerTime::default();
        for operator in &layer.operators {
            let forward = self.device.seconds(&operator.forward);
            time.forward += forward;
            time.memory_forward += self.device.memory.seconds(operator.forward.bytes);
            if operator.again(self.recompute) {
                time.again += forward;
                time.again_flops += operator.forward.flops;
                time.memory_backward += self.device.memory.seconds(operator.forward.bytes);
            }
            time.input_gradient += self.device.seconds(&operator.input_gradient);
            time.weight_gradient += self.device.seconds(&operator.weight_gradient);
            time.memory_backward += self.device.memory.seconds(operator.input_gradient.bytes)
                + self.device.memory.seconds(operator.weight_gradient.bytes);
        }
        for transfer in &layer.transfers {
            let kind = transfer.between as usize;
            let group = &self.groups[kind];
            let link = group.seconds(self.tiers, transfer.operation, transfer.bytes);
            if link <= 0.0 {
                continue;
            }
            time.on_links[kind] += link;
            let exposed = match transfer.pass {
                Pass::Forward => &mut time.exposed_forward[kind],
                Pass::Again => &mut time.exposed_again[kind],
                Pass::Backward => &mut time.exposed_backward[kind],
            };
            *exposed += self.exposed(layer, transfer, group, link);
        }
        time
    }

    /// Seconds by which a transfer makes a pass longer.
    fn exposed(&self, layer: &Layer, transfer: &Transfer, group: &Group, link: f64) -> f64 {
        let Some(operator) = transfer.beside.and_then(|at| layer.operators.get(at)) else { return link };
        let pieces = match (transfer.between, self.overlap) {
            (Between::Tensor, Overlap::None) => return link,
            (Between::Tensor, _) => group.ranks() as f64,
            // Steps of a ring of sequences, and gathered weights, run beside whole operators.
            _ => group.ranks().max(2) as f64,
        };
        let work = match transfer.pass {
            Pass::Forward | Pass::Again => [operator.forward, Work::default()],
            Pass::Backward => [operator.input_gradient, operator.weight_gradient],
        };
        let share = group.processor_share(self.tiers);
        let alone: f64 = work.iter().map(|w| self.device.seconds(w)).sum();
        let slowed: f64 = work.iter().map(|w| self.device.seconds_slowed(w, share)).sum();
        // All pieces but one run beside the transfer of another; the longer of the two sets the pace.
        let beside = (pieces - 1.0) / pieces;
        let waits = transfer.between == Between::Tensor && self.overlap == Overlap::Pipe;
        let lead = if waits { link / pieces } else { 0.0 };
        lead + beside
            * if link > slowed { (slowed - alone) + (link - slowed) } else { (link * share).min(slowed - alone) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::device::{Efficiency, Rate};
    use crate::train::network::Volume;
    use proptest::prelude::*;

    fn device() -> Device {
        let flat = |peak| Rate { peak, efficiency: Efficiency::Ramp { best: 1.0, half: 0.0 } };
        Device {
            matrix: flat(1e14),
            wide: flat(1e14),
            attention: flat(1e14),
            vector: flat(1e13),
            memory: flat(1e12),
            overlaps: true,
            floor: 0.0,
            products: None,
        }
    }

    fn tier(bandwidth: f64, share: f64) -> Tier {
        Tier {
            bandwidth,
            latency: 0.0,
            size: 64,
            processor_share: share,
            send: Volume::ONCE,
            reduce_scatter: Volume::RING,
            all_gather: Volume::RING,
            all_reduce: Volume::RING_TWICE,
            all_to_all: Volume::RING,
        }
    }

    fn layer() -> Layer {
        let transfer = Transfer {
            between: Between::Tensor,
            pass: Pass::Forward,
            operation: Operation::AllGather,
            bytes: 4096.0 * 8192.0 * 2.0,
            beside: Some(0),
        };
        Layer {
            operators: vec![Operator::linear("product", 4096.0, 8192.0, 4096.0, 2.0, 0.0)],
            transfers: vec![transfer],
            ..Layer::default()
        }
    }

    fn exposed(overlap: Overlap, bandwidth: f64, share: f64) -> f64 {
        let tiers = [tier(bandwidth, share)];
        let timing = Timing {
            device: &device(),
            tiers: &tiers,
            groups: [Group::on(0, 8); 4],
            recompute: Recompute::None,
            overlap,
        };
        timing.layer(&layer()).exposed_forward[Between::Tensor as usize]
    }

    proptest! {
        #[test]
        fn overlap_never_costs_more_than_none(bandwidth in 1e9..1e13_f64, share in 0.0..0.5_f64) {
            let none = exposed(Overlap::None, bandwidth, share);
            let ring = exposed(Overlap::Ring, bandwidth, share);
            prop_assert!(ring <= none * (1.0 + 1e-9));
            prop_assert!(exposed(Overlap::Pipe, bandwidth, share) >= ring);
        }
    }

    #[test]
    fn a_short_transfer_hides_behind_its_product_but_for_the_processors_it_takes() {
        let product = 2.0 * 4096.0 * 8192.0 * 4096.0 / 1e14;
        let link = product / 10.0;
        let bandwidth = 4096.0 * 8192.0 * 2.0 * 0.875 / link;
        assert!(exposed(Overlap::Ring, bandwidth, 0.0) < 1e-12);
        let slowed = exposed(Overlap::Ring, bandwidth, 0.1);
        assert!((slowed - link * 0.1 * 0.875).abs() < 1e-9);
    }
}
