//! How many parameters a model has, part by part, in all and per token.

use serde::Serialize;

use super::transformer::{Attention, Block, FeedForward, SparseIndex, Transformer};

/// Parameters of a model by part; counts, not bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parameters {
    /// The table of tokens.
    pub embedding: u64,
    /// The matrix of logits (0 where the embedding serves).
    pub logits: u64,
    /// Matrices of attention, linear attention and state-space layers.
    pub attention: u64,
    /// Feed-forward networks that every token passes, shared experts not among them.
    pub dense: u64,
    /// Routed experts, all of them.
    pub experts: u64,
    /// Shared experts, and projections to the width of experts.
    pub shared: u64,
    /// Routers.
    pub router: u64,
    /// Norms, biases, sinks, convolutions, positions.
    pub other: u64,
    /// The draft head for multi-token prediction: its layers and projections, embedding and logits not counted again.
    pub draft: u64,
}

impl Parameters {
    /// The model without its draft head: what "total parameters" of a model card most often means.
    pub fn total(&self) -> u64 {
        [self.embedding, self.logits, self.attention, self.dense, self.experts, self.shared, self.router, self.other]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// Parameters of one layer by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LayerParameters {
    /// Matrices of attention.
    pub attention: u64,
    /// A dense feed-forward network.
    pub dense: u64,
    /// One routed expert.
    pub expert: u64,
    /// Shared experts, and projections to the width of experts.
    pub shared: u64,
    /// The router.
    pub router: u64,
    /// Everything else.
    pub other: u64,
}

/// The product of sizes; the largest number where it does not fit.
pub(super) fn product(sizes: &[u32]) -> u64 {
    sizes.iter().fold(1, |all: u64, size| all.saturating_mul(u64::from(*size)))
}

fn sum(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |all: u64, part| all.saturating_add(*part))
}

impl Attention {
    /// Parameters of its matrices in a stream of `hidden` elements.
    pub fn parameters(&self, hidden: u32) -> u64 {
        match *self {
            Self::Grouped { heads, kv_heads, head_dim, value_dim, gated, sparse, .. } => {
                let queries = product(&[hidden, heads, head_dim]);
                let outputs = product(&[hidden, heads, value_dim]);
                sum(&[
                    queries,
                    outputs,
                    if gated { outputs } else { 0 },
                    product(&[hidden, kv_heads, head_dim]),
                    product(&[hidden, kv_heads, value_dim]),
                    sparse.map_or(0, |s| product(&[hidden, s.dim, s.heads.saturating_add(1)])),
                ])
            }
            Self::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse } => {
                let head = nope_dim.saturating_add(rope_dim);
                let queries = match query_rank {
                    Some(rank) => product(&[hidden, rank]).saturating_add(product(&[rank, heads, head])),
                    None => product(&[hidden, heads, head]),
                };
                sum(&[
                    queries,
                    product(&[hidden, kv_rank.saturating_add(rope_dim)]),
                    product(&[kv_rank, heads, nope_dim.saturating_add(value_dim)]),
                    product(&[heads, value_dim, hidden]),
                    sparse.map_or(0, |s| indexer(&s, query_rank.unwrap_or(hidden), hidden)),
                ])
            }
            Self::Compressed { heads, head_dim, query_rank, output_groups, output_rank, ratio, sparse, .. } => {
                // A compressor has a value and a gate per element; groups that overlap (where single vectors are
                // selected) need both twice.
                let twice = if sparse.is_some() { 2 } else { 1 };
                let compressor = if ratio == 0 { 0 } else { product(&[hidden, head_dim, 2 * twice]) };
                sum(&[
                    product(&[hidden, query_rank]),
                    product(&[query_rank, heads, head_dim]),
                    product(&[hidden, head_dim]),
                    product(&[heads, head_dim, output_rank]),
                    product(&[output_groups, output_rank, hidden]),
                    compressor,
                    sparse.map_or(0, |s| {
                        sum(&[
                            product(&[query_rank, s.heads, s.dim]),
                            product(&[hidden, s.heads]),
                            product(&[hidden, s.dim, 4]),
                        ])
                    }),
                ])
            }
            Self::Linear { key_heads, value_heads, key_dim, value_dim, gated, head_gates, .. } => {
                let values = product(&[hidden, value_heads, value_dim]);
                sum(&[
                    product(&[hidden, key_heads, key_dim]).saturating_mul(2),
                    values.saturating_mul(if gated { 3 } else { 2 }),
                    product(&[hidden, value_heads, head_gates]),
                ])
            }
            Self::None => 0,
        }
    }
}

/// Queries of the indexer come from the compressed queries, its keys and the weights of its heads from the stream.
fn indexer(index: &SparseIndex, query_rank: u32, hidden: u32) -> u64 {
    sum(&[
        product(&[query_rank, index.heads, index.dim]),
        product(&[hidden, index.dim]),
        product(&[hidden, index.heads]),
    ])
}

impl Block {
    /// Parameters of one layer in a stream of `hidden` elements.
    pub fn layer_parameters(&self, hidden: u32) -> LayerParameters {
        let mut layer = LayerParameters {
            attention: self.attention.parameters(hidden),
            other: self.other,
            ..LayerParameters::default()
        };
        match self.feed_forward {
            FeedForward::Dense { inner, gated } => layer.dense = product(&[hidden, inner, matrices(gated)]),
            FeedForward::Experts { experts, inner, shared_inner, latent, gated, .. } => {
                layer.expert = product(&[latent.unwrap_or(hidden), inner, matrices(gated)]);
                layer.shared = product(&[hidden, shared_inner, matrices(gated)])
                    .saturating_add(latent.map_or(0, |width| product(&[hidden, width, 2])));
                layer.router = product(&[hidden, experts]);
            }
            FeedForward::None => {}
        }
        layer
    }
}

fn matrices(gated: bool) -> u32 {
    if gated { 3 } else { 2 }
}

impl Transformer {
    /// Layers of all blocks.
    pub fn layers(&self) -> u32 {
        self.blocks.iter().fold(0, |all: u32, block| all.saturating_add(block.layers))
    }

    /// Blocks with equal ones joined wherever they stand: what a step consists of, order aside.
    pub fn kinds(&self) -> Vec<Block> {
        let mut kinds: Vec<Block> = Vec::new();
        for block in &self.blocks {
            let same = |kind: &&mut Block| {
                kind.attention == block.attention
                    && kind.feed_forward == block.feed_forward
                    && kind.other == block.other
            };
            match kinds.iter_mut().find(same) {
                Some(kind) => kind.layers = kind.layers.saturating_add(block.layers),
                None => kinds.push(*block),
            }
        }
        kinds
    }

    /// Whether some layer routes tokens to experts.
    pub fn has_experts(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block.feed_forward, FeedForward::Experts { .. }))
    }

    /// The block whose layer the draft head repeats: the last that looks back at all tokens.
    pub fn draft_block(&self) -> Option<&Block> {
        let looks_back = |block: &&Block| !matches!(block.attention, Attention::Linear { .. } | Attention::None);
        self.blocks.iter().rev().find(looks_back)
    }

    /// Every parameter, by part.
    pub fn parameters(&self) -> Parameters {
        self.count(false)
    }

    /// Parameters that one token uses, by part: of routed experts only those that it visits. The embedding is a look-up
    /// of one row: it is left out, as most model cards do, unless logits reuse it.
    pub fn active_parameters(&self) -> Parameters {
        let mut active = self.count(true);
        if self.tied {
            active.logits = active.embedding;
        }
        active.embedding = 0;
        active.draft = 0;
        active
    }

    fn count(&self, visited: bool) -> Parameters {
        let table = product(&[self.vocabulary, self.hidden]);
        let mut all = Parameters {
            embedding: table,
            logits: if self.tied { 0 } else { table },
            other: self.other,
            ..Parameters::default()
        };
        for block in &self.blocks {
            let layer = block.layer_parameters(self.hidden);
            let times = |count: u64| count.saturating_mul(u64::from(block.layers));
            let experts = layer.expert.saturating_mul(routed(block, visited));
            all.attention = all.attention.saturating_add(times(layer.attention));
            all.dense = all.dense.saturating_add(times(layer.dense));
            all.experts = all.experts.saturating_add(times(experts));
            all.shared = all.shared.saturating_add(times(layer.shared));
            all.router = all.router.saturating_add(times(layer.router));
            all.other = all.other.saturating_add(times(layer.other));
        }
        if let Some(block) = self.draft_block() {
            let layer = block.layer_parameters(self.hidden);
            let one = sum(&[
                layer.attention,
                layer.dense,
                layer.expert.saturating_mul(routed(block, visited)),
                layer.shared,
                layer.router,
                layer.other,
                // The projection from the last state beside the next token's embedding, and three norms.
                product(&[2, self.hidden, self.hidden]),
                product(&[3, self.hidden]),
            ]);
            all.draft = one.saturating_mul(u64::from(self.draft_layers));
        }
        all
    }
}

fn routed(block: &Block, visited: bool) -> u64 {
    match block.feed_forward {
        FeedForward::Experts { experts, active, .. } => u64::from(if visited { active.min(experts) } else { experts }),
        _ => 0,
    }
}
