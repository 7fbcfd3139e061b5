//! The operators of a step on one device, and how much of each a load asks for.

use serde::Serialize;

use super::load::StepLoad;
use crate::format::Format;
use crate::kernel::attention_shape::AttentionShape;
use crate::kernel::element_wise::ElementWise;
use crate::kernel::latent_attention::LatentShape;
use crate::kernel::linear_attention::LinearShape;
use crate::kernel::moe::MoeShape;

/// What an operator's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Every token of the step.
    Tokens,
    /// Tokens of prompts.
    Prompt,
    /// Sequences that decode.
    Decodes,
    /// Tokens whose logits are wanted.
    Sampled,
}

impl Rows {
    /// How many rows a load has.
    pub fn count(self, load: &StepLoad) -> f64 {
        match self {
            Self::Tokens => load.tokens() as f64,
            Self::Prompt => load.prefill_tokens as f64,
            Self::Decodes => f64::from(load.decodes),
            Self::Sampled => f64::from(load.decodes) + f64::from(load.prefill_ends),
        }
    }
}

/// One operator of a layer (or around the layers) on one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    /// A product with a weight matrix of `k` by `n`.
    Product {
        /// Format.
        format: Format,
        /// Rows.
        rows: Rows,
        /// Columns of the result.
        n: f64,
        /// Inner size.
        k: f64,
    },
    /// One product per head with weights of `k` by `n`, 16-bit (absorbed latent attention).
    PerHead {
        /// Heads on this device.
        heads: f64,
        /// Rows.
        rows: Rows,
        /// Columns of the result.
        n: f64,
        /// Inner size.
        k: f64,
    },
    /// Attention of prompts over keys and values.
    Context(AttentionShape),
    /// Attention of decoding sequences over keys and values.
    Generation(AttentionShape),
    /// Latent attention of prompts, keys and values unpacked.
    LatentContext(LatentShape),
    /// Latent attention of decoding sequences: all heads read one compressed vector per token.
    LatentGeneration(LatentShape),
    /// Linear attention: a state of fixed size per sequence.
    Linear(LinearShape),
    /// An indexer scores every cached token for every query.
    Index {
        /// Heads of the indexer.
        heads: f64,
        /// Elements of a head.
        dim: f64,
    },
    /// Routed experts; every device of the stage takes part, with the tokens of all groups.
    Experts {
        /// Format.
        format: Format,
        /// Their shape and how they are spread.
        shape: MoeShape,
        /// Groups with their own tokens.
        groups: f64,
    },
    /// Sum over the devices of a tensor group.
    Sum {
        /// Devices.
        ranks: f64,
        /// Elements per token, 16-bit.
        elements: f64,
    },
    /// Tokens go to the devices that hold their experts, and come back.
    Exchange {
        /// Devices.
        ranks: f64,
        /// Elements per token.
        elements: f64,
        /// Bytes of an element on the way there and on the way back, together.
        bytes: f64,
        /// Experts that a token visits.
        active: f64,
    },
    /// Reads and writes of activations that no product covers.
    Stream {
        /// Which kernel.
        kernel: ElementWise,
        /// Rows.
        rows: Rows,
        /// Bytes per row, every operand once.
        bytes: f64,
    },
}

/// Which part of a model an operator belongs to, for breakdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Projections around attention.
    Projections,
    /// Attention itself.
    Attention,
    /// Dense feed-forward networks and shared experts.
    FeedForward,
    /// Routed experts and their router.
    Experts,
    /// Sums and exchanges between devices.
    Communication,
    /// Norms and other streams of activations.
    Norms,
    /// Embedding, logits and sampling.
    Logits,
}

impl Part {
    /// Every part, in the order of breakdowns.
    pub const ALL: [Self; 7] = [
        Self::Projections,
        Self::Attention,
        Self::FeedForward,
        Self::Experts,
        Self::Communication,
        Self::Norms,
        Self::Logits,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Projections => "projections",
            Self::Attention => "attention",
            Self::FeedForward => "feed-forward",
            Self::Experts => "experts",
            Self::Communication => "communication",
            Self::Norms => "norms and streams",
            Self::Logits => "embedding and logits",
        }
    }
}

/// An operator with how often a step runs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// Part of the model.
    pub part: Part,
    /// Layers that have it.
    pub count: f64,
    /// What it does.
    pub operator: Operator,
}
