//! A deployment: a model, an engine, a layout, and the load on it.

use serde::Serialize;

use crate::layout::Layout;
use crate::models::precision::Precision;
use crate::models::transformer::Transformer;

/// One pool of equal workers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pool {
    /// Layout of a worker.
    pub layout: Layout,
    /// How many workers; none where it is not said.
    pub workers: Option<f64>,
    /// Sequences of one attention group of a worker at once; none where it is not said.
    pub batch: Option<f64>,
}

/// How prompts and answers share devices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One pool does both.
    Aggregated(Pool),
    /// One pool for prompts, one for answers.
    Disaggregated {
        /// Workers that take prompts.
        prefill: Pool,
        /// Workers that write answers.
        decode: Pool,
    },
}

impl Mode {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Aggregated(_) => "aggregated",
            Self::Disaggregated { .. } => "disaggregated",
        }
    }
}

/// What runs where and under which load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deployment {
    /// The model's shape.
    pub model: Transformer,
    /// How its weights and its cache are stored.
    pub precision: Precision,
    /// Precision in a word, as tables name it.
    pub precision_word: String,
    /// Catalogue id of the device.
    pub device: String,
    /// Engine in lower case: `trtllm`, `vllm`, `sglang`.
    pub backend: String,
    /// Version of the engine; empty where unknown.
    pub version: String,
    /// How prompts and answers share devices.
    pub mode: Mode,
    /// Tokens of a prompt.
    pub input: f64,
    /// Tokens of an answer.
    pub output: f64,
    /// Requests in flight over all workers.
    pub concurrency: f64,
    /// Whether the concurrency was said.
    pub concurrency_known: bool,
    /// What the description leaves open or contradicts, in words.
    pub doubts: Vec<Doubt>,
}

/// What a description leaves open or contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Sizes of the layout contradict each other; the nearest that fits was taken.
    Layout,
    /// More devices than one node holds in one aggregated worker: a disaggregated deployment told as one.
    WholeSystem,
    /// Workers of a disaggregated deployment are not counted.
    Workers,
    /// The model is not known by name; its shape was scaled from another.
    Model,
    /// The weights do not fit the devices as described.
    Memory,
    /// Concurrency is not said; the batch size was taken for it.
    Concurrency,
}

impl Doubt {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Layout => "sizes of the layout contradict each other; the nearest that fits was taken",
            Self::WholeSystem => "more devices than one worker has: a whole system told as one worker",
            Self::Workers => "the workers of each pool are not counted; as many as the concurrency asks for were taken",
            Self::Model => "the model is not known by name; its shape was scaled from another",
            Self::Memory => "the weights do not fit the devices as described",
            Self::Concurrency => "concurrency is not said; the batch size was taken for it",
        }
    }
}
