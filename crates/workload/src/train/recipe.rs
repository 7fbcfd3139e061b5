//! Everything that decides what a training step takes, put together: devices, links, layers by stage, what is sharded.

use serde::Serialize;

use super::device::{Device, Rate};
use super::layer::{Layer, Overlap, Recompute};
use super::network::{Group, Tier};
use super::schedule::Order;

/// What ranks with equal data shards keep once among them instead of each: Rajbhandari et al., arXiv 1910.02054.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharding {
    /// Nothing: gradients are summed by all-reduce.
    None,
    /// Optimizer state (ZeRO 1).
    Optimizer,
    /// Optimizer state and gradients (ZeRO 2).
    Gradients,
    /// Optimizer state, gradients and weights (ZeRO 3, FSDP).
    Weights,
}

/// Bytes per weight of what a rank keeps and sends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Storage {
    /// The weight itself.
    pub weight: f64,
    /// Its gradient.
    pub gradient: f64,
    /// State of the optimizer: 32-bit copy and two moments are 12.
    pub optimizer: f64,
    /// Its gradient as sent between ranks.
    pub gradient_sent: f64,
    /// Bytes that an optimizer step reads and writes.
    pub optimizer_traffic: f64,
    /// Operations of an optimizer step.
    pub optimizer_flops: f64,
}

impl Storage {
    /// Mixed precision with Adam: 16-bit weights, 32-bit sums of gradients, 32-bit copy and moments. A step reads the
    /// gradient, the copy and both moments and writes the last three and the 16-bit weight: 30 bytes.
    pub fn mixed(weight: f64, gradient_sent: f64) -> Self {
        Self {
            weight,
            gradient: 4.0,
            optimizer: 12.0,
            gradient_sent,
            optimizer_traffic: 28.0 + weight,
            optimizer_flops: 12.0,
        }
    }
}

/// What is kept in a host's memory instead, and how it gets there.
#[derive(Clone, Debug, PartialEq)]
pub struct Offload {
    /// The link to it, bytes per second.
    pub link: Rate,
    /// Its size, bytes.
    pub capacity: f64,
    /// Weights are.
    pub weights: bool,
    /// Activations are.
    pub activations: bool,
    /// The optimizer's state is.
    pub optimizer: bool,
}

/// One training step, described.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The device.
    pub device: Device,
    /// Peak of its matrix units in the format trained in, operations per second: what MFU is counted against.
    pub peak: f64,
    /// Memory of a device, bytes.
    pub memory: f64,
    /// Bytes of it that the runtime takes.
    pub reserve: f64,
    /// Links.
    pub tiers: Vec<Tier>,
    /// Layers that differ.
    pub layers: Vec<Layer>,
    /// Content of chunk `c` of stage `s`, at `s * chunks + c`: layers (index) and how many of each.
    pub content: Vec<Vec<(usize, u32)>>,
    /// Pipeline stages.
    pub stages: usize,
    /// Chunks of layers per stage.
    pub chunks: usize,
    /// Micro-batches of a step.
    pub micro_batches: usize,
    /// Tokens of a step, all ranks.
    pub tokens: f64,
    /// Devices.
    pub devices: u64,
    /// Order of passes.
    pub order: Order,
    /// What is computed again.
    pub recompute: Recompute,
    /// Overlap of tensor transfers.
    pub overlap: Overlap,
    /// Groups of transfers within layers, in the order of `Between::ALL`.
    pub groups: [Group; 4],
    /// Bytes of a message between stages.
    pub send_bytes: f64,
    /// The tier that carries it.
    pub send_tier: usize,
    /// Whether receivers gather it from ranks that share matrices.
    pub send_gathered: bool,
    /// Whether senders wait.
    pub send_blocks: bool,
    /// Ranks with other data and equal weights.
    pub data_group: Group,
    /// The same for experts.
    pub expert_data_group: Group,
    /// What they shard.
    pub sharding: Sharding,
    /// Whether gradients are sent during the backward pass (and weights gathered during the forward pass).
    pub data_overlap: bool,
    /// Bytes per weight.
    pub storage: Storage,
    /// What is kept on the host.
    pub offload: Option<Offload>,
    /// Whether there is a backward pass and an optimizer at all.
    pub training: bool,
    /// Factor of the seconds for what no operator shows: stragglers, host, data loading.
    pub stretch: f64,
    /// How far measurements may lie below and above, as factors that hold 80 % of them.
    pub band: [f64; 2],
}
