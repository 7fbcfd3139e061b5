//! The tables of the three files; unknown and missing keys are errors with line and column.

use std::collections::BTreeMap;

use lanewright_model::problem::nearest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Source;
use crate::train::fault::Fault;

/// Shape of a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Width of the residual stream.
    pub hidden: u64,
    /// Inner width of the feed-forward part.
    pub feedforward: u64,
    /// Tokens of a sequence.
    pub seq_size: u64,
    /// Attention heads.
    pub attn_heads: u64,
    /// Elements of a head.
    pub attn_size: u64,
    /// Layers.
    pub num_blocks: u64,
}

/// What a layout's ranks do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutFile {
    /// Devices.
    pub num_procs: u64,
    /// Ranks that share matrices.
    pub tensor_par: u64,
    /// Pipeline stages.
    pub pipeline_par: u64,
    /// Ranks with other data.
    pub data_par: u64,
    /// Network (index) of ranks that share matrices.
    pub tensor_par_net: usize,
    /// Network of pipeline stages.
    pub pipeline_par_net: usize,
    /// Network of ranks with other data.
    pub data_par_net: usize,
    /// Sequences of a step.
    pub batch_size: u64,
    /// Sequences of a micro-batch.
    pub microbatch_size: u64,
    /// Format.
    pub datatype: Datatype,
    /// Whether the activation function runs within the product before it.
    pub fused_activation: bool,
    /// Heads with or without keys and values of their own.
    pub attention_type: AttentionType,
    /// What is computed again.
    pub activation_recompute: ActivationRecompute,
    /// Chunks of layers per stage.
    pub pipeline_interleaving: u64,
    /// Whether the optimizer's state is sharded over ranks with other data.
    pub optimizer_sharding: bool,
    /// How ranks that share matrices exchange activations.
    pub tensor_par_comm_type: TensorExchange,
    /// How that overlaps with products.
    pub tensor_par_overlap: TensorOverlap,
    /// Whether inputs of split products are gathered again in the backward pass.
    pub seq_par_ag_redo: bool,
    /// Whether gradients are sent during the backward pass.
    pub data_par_overlap: bool,
    /// Whether weights lie in the second memory.
    pub weight_offload: bool,
    /// Whether activations do.
    pub activations_offload: bool,
    /// Whether the optimizer's state does.
    pub optimizer_offload: bool,
    /// Whether there is a backward pass.
    pub training: bool,
}

/// Formats of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datatype {
    /// 8 bits.
    Float8,
    /// 16 bits.
    Float16,
    /// 16 bits with the exponent of 32.
    Bfloat16,
    /// 32 bits.
    Float32,
}

impl Datatype {
    /// Bytes of an element.
    pub fn bytes(self) -> f64 {
        match self {
            Self::Float8 => 1.0,
            Self::Float16 | Self::Bfloat16 => 2.0,
            Self::Float32 => 4.0,
        }
    }

    /// As files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float8 => "float8",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Float32 => "float32",
        }
    }
}

/// Kinds of attention of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionType {
    /// Every head has its keys and values.
    Multihead,
    /// All heads share them.
    Multiquery,
}

/// What a layout computes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationRecompute {
    /// Nothing.
    None,
    /// The attention core.
    AttnOnly,
    /// Whole layers.
    Full,
}

/// How ranks that share matrices exchange activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorExchange {
    /// All-reduce.
    Ar,
    /// All-reduce, with messages between stages split over the ranks.
    P2pRsAg,
    /// Reduce-scatter and all-gather (sequence parallelism).
    RsAg,
}

/// How that overlaps with products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorOverlap {
    /// Not.
    None,
    /// In a ring of tiles.
    Ring,
    /// In a pipeline of tiles.
    Pipe,
}

/// A device with its memories and networks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemFile {
    /// Matrix units by format.
    pub matrix: BTreeMap<String, EngineTable>,
    /// Vector units by format.
    pub vector: BTreeMap<String, EngineTable>,
    /// The device's memory.
    pub mem1: MemoryTable,
    /// The host's memory.
    pub mem2: MemoryTable,
    /// Whether arithmetic and memory overlap.
    pub processing_mode: ProcessingMode,
    /// Networks.
    pub networks: Vec<NetworkTable>,
}

/// Whether arithmetic and memory of an operator overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingMode {
    /// The longer of the two counts.
    Roofline,
    /// They add up.
    NoOverlap,
}

/// Units of one format.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineTable {
    /// Peak, 10^12 operations per second.
    pub tflops: f64,
    /// Rows of (10^9 operations from which it holds, share of the peak), largest first.
    pub gflops_efficiency: Vec<(f64, f64)>,
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryTable {
    /// Size, GiB.
    #[serde(rename = "GiB")]
    pub gib: f64,
    /// Bandwidth, 10^9 bytes per second.
    #[serde(rename = "GBps")]
    pub gbps: f64,
    /// Rows of (10^6 bytes from which it holds, share of the bandwidth), largest first.
    #[serde(rename = "MB_efficiency")]
    pub mb_efficiency: Vec<(f64, f64)>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkTable {
    /// Bandwidth of a device, 10^9 bytes per second and direction.
    pub bandwidth: f64,
    /// Share of it that is reached.
    pub efficiency: f64,
    /// Devices that it joins.
    pub size: u64,
    /// Seconds of an operation beside its bytes.
    pub latency: f64,
    /// Volumes: (factor, offset per rank).
    pub ops: NetworkOps,
    /// Whether layouts must use it whole.
    pub must_be_filled: bool,
    /// Share of the processors that an operation takes.
    pub processor_usage: f64,
}

/// Volumes of a network's operations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkOps {
    /// Point to point.
    pub p2p: (f64, Option<f64>),
    /// Reduce-scatter.
    pub reduce_scatter: (f64, Option<f64>),
    /// All-gather.
    pub all_gather: (f64, Option<f64>),
    /// All-reduce.
    pub all_reduce: (f64, Option<f64>),
}

impl ModelFile {
    /// Keys, for hints.
    pub const KEYS: &'static [&'static str] =
        &["hidden", "feedforward", "seq_size", "attn_heads", "attn_size", "num_blocks"];
}

impl LayoutFile {
    /// Keys, for hints.
    pub const KEYS: &'static [&'static str] = &[
        "num_procs",
        "tensor_par",
        "pipeline_par",
        "data_par",
        "tensor_par_net",
        "pipeline_par_net",
        "data_par_net",
        "batch_size",
        "microbatch_size",
        "datatype",
        "fused_activation",
        "attention_type",
        "activation_recompute",
        "pipeline_interleaving",
        "optimizer_sharding",
        "tensor_par_comm_type",
        "tensor_par_overlap",
        "seq_par_ag_redo",
        "data_par_overlap",
        "weight_offload",
        "activations_offload",
        "optimizer_offload",
        "training",
    ];
}

impl SystemFile {
    /// Keys, for hints.
    pub const KEYS: &'static [&'static str] = &[
        "matrix",
        "vector",
        "mem1",
        "mem2",
        "processing_mode",
        "networks",
        "tflops",
        "gflops_efficiency",
        "GiB",
        "GBps",
        "MB_efficiency",
        "bandwidth",
        "efficiency",
        "size",
        "latency",
        "ops",
        "must_be_filled",
        "processor_usage",
        "p2p",
        "reduce_scatter",
        "all_gather",
        "all_reduce",
    ];
}

/// Reads one file; the fault names line, column and key.
pub fn parse<T: DeserializeOwned>(source: &Source<'_>, keys: &[&'static str]) -> Result<T, Fault> {
    serde_json::from_str(source.text).map_err(|error| {
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_string();
        let named = message.split('`').nth(1).unwrap_or_default().to_string();
        let unknown = message.starts_with("unknown field");
        let help = if unknown {
            match nearest(&named, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("keys are: {}", keys.join(", ")),
            }
        } else if message.starts_with("missing field") {
            format!("add `\"{named}\": ...`; every key of the format must be given")
        } else {
            "give JSON in the format of Calculon's models, systems and layouts".into()
        };
        let message = match message.split_once(", expected one of") {
            Some((first, _)) if unknown => first.replace("field", "key"),
            _ => message.replace("field", "key"),
        };
        Fault::new(message, help).at(format!("{}:{}:{}", source.name, error.line(), error.column()))
    })
}
