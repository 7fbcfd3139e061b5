//! A language model as blocks of layers, each with its attention and its feed-forward part.

use serde::Serialize;

/// A decoder: token embedding, blocks of equal layers, final norm, logits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transformer {
    /// Name as published, `organisation/model`.
    pub name: String,
    /// Width of the residual stream, elements.
    pub hidden: u32,
    /// Tokens of the vocabulary, padding included.
    pub vocabulary: u32,
    /// Whether logits reuse the embedding.
    pub tied: bool,
    /// Layers, front to back; equal neighbours joined.
    pub blocks: Vec<Block>,
    /// Layers of the draft head for multi-token prediction that the checkpoint carries (0: none); each is the last
    /// layer that looks back at all tokens, behind a projection of twice the width.
    pub draft_layers: u32,
    /// Longest context that the model was trained for, tokens; 0 where unknown.
    pub context_limit: u32,
    /// Parameters outside layers, embedding and logits: the final norm, learned positions.
    pub other: u64,
    /// How well this shape is known.
    pub certainty: Certainty,
}

/// How well a shape is known; predictions widen their band accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// From the maker's own configuration file.
    Published,
    /// From a paper, a model card or another's code, or with details that the reader does not know.
    Secondary,
    /// Scaled from another model of about that size.
    Guess,
}

/// So many equal layers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Block {
    /// How many layers.
    pub layers: u32,
    /// How a layer looks back.
    pub attention: Attention,
    /// What follows it.
    pub feed_forward: FeedForward,
    /// Parameters of one layer outside its matrices: norms, biases, sinks, convolutions, decay rates.
    pub other: u64,
}

/// How a layer looks back at the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Multi-head, grouped-query or multi-query attention.
    Grouped {
        /// Query heads.
        heads: u32,
        /// Key and value heads.
        kv_heads: u32,
        /// Elements of a query or key head.
        head_dim: u32,
        /// Elements of a value head (most often those of a key head).
        value_dim: u32,
        /// Tokens that a query sees at most (sliding window).
        window: Option<u32>,
        /// Whether the output is gated by a projection of the size of the queries.
        gated: bool,
        /// Keys that a query reads at most, chosen by an indexer (sparse attention); none reads all.
        sparse: Option<SparseIndex>,
    },
    /// Multi-head latent attention: one compressed vector per token for all heads.
    Latent {
        /// Query heads.
        heads: u32,
        /// Rank of the compressed queries; none where queries are projected directly.
        query_rank: Option<u32>,
        /// Rank of the compressed keys and values.
        kv_rank: u32,
        /// Elements of a head that carry positions.
        rope_dim: u32,
        /// Elements of a head that carry none.
        nope_dim: u32,
        /// Elements of a value head.
        value_dim: u32,
        /// Keys that a query reads at most, chosen by an indexer (sparse attention); none reads all.
        sparse: Option<SparseIndex>,
    },
    /// One key-value vector per token for all heads, stored once per group of tokens beside a window of single tokens
    /// (compressed attention); queries and output pass through low ranks.
    Compressed {
        /// Query heads.
        heads: u32,
        /// Elements of a head, and of the stored vector.
        head_dim: u32,
        /// Rank of the compressed queries.
        query_rank: u32,
        /// Groups of heads whose outputs are projected apart.
        output_groups: u32,
        /// Rank of the output projection of a group.
        output_rank: u32,
        /// Tokens that share one stored vector; 0: none is stored, only the window is seen.
        ratio: u32,
        /// Single tokens that a query sees besides.
        window: u32,
        /// Stored vectors that a query reads at most; none reads all.
        sparse: Option<SparseIndex>,
    },
    /// Linear attention with a state of fixed size (gated delta rule, lightning attention, state-space layers).
    Linear {
        /// Heads of keys and queries.
        key_heads: u32,
        /// Heads of values.
        value_heads: u32,
        /// Elements of a key head.
        key_dim: u32,
        /// Elements of a value head.
        value_dim: u32,
        /// Taps of the convolution before it (0: none).
        convolution: u32,
        /// Whether the output is gated by a projection of the size of the values.
        gated: bool,
        /// Scalars projected per value head (decay, step size).
        head_gates: u32,
    },
    /// No attention (pure feed-forward layers of hybrids).
    None,
}

/// The indexer of sparse attention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SparseIndex {
    /// Heads of the indexer.
    pub heads: u32,
    /// Elements of an indexer head.
    pub dim: u32,
    /// Keys kept per query.
    pub kept: u32,
    /// Neighbouring keys that are kept or dropped together (1: each by itself).
    pub block: u32,
}

/// What follows attention in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedForward {
    /// One network for all tokens.
    Dense {
        /// Inner width.
        inner: u32,
        /// Whether it has a gate (three matrices instead of two).
        gated: bool,
    },
    /// A mixture of experts with a router.
    Experts {
        /// Routed experts.
        experts: u32,
        /// Experts that a token visits.
        active: u32,
        /// Inner width of a routed expert.
        inner: u32,
        /// Inner width of all shared experts together, and of a dense network beside the experts (0: none).
        shared_inner: u32,
        /// Width at which routed experts work where tokens are projected down for them; none: the residual stream's.
        latent: Option<u32>,
        /// Whether experts have a gate (three matrices instead of two).
        gated: bool,
    },
    /// None.
    None,
}
