//! Which operators one step of a model consists of, on one device of a layout.

use super::operator::{Item, Operator, Part, Rows};
use crate::format::Format;
use crate::kernel::attention_shape::AttentionShape;
use crate::layout::Layout;
use crate::models::cache::cache_element_bytes;
use crate::models::precision::Precision;
use crate::models::transformer::{Attention, Block, FeedForward, SparseIndex, Transformer};

/// The operators of one step on one device: all layers of all stages (a token passes every stage), each with its count.
pub fn of(model: &Transformer, layout: &Layout, precision: &Precision) -> Vec<Item> {
    let mut list = List { items: Vec::with_capacity(32), layout, precision, hidden: f64::from(model.hidden) };
    for block in &model.blocks {
        list.block(block);
    }
    let tensor = f64::from(layout.tensor);
    let vocabulary = f64::from(model.vocabulary) / tensor;
    list.stream(Part::Logits, 1.0, Rows::Tokens, 4.0 * f64::from(model.hidden), 2.0);
    list.product(Part::Logits, 1.0, precision.logits, Rows::Sampled, vocabulary, f64::from(model.hidden));
    // Logits are gathered as 32-bit numbers and read by sampling.
    list.stream(Part::Logits, 1.0, Rows::Sampled, 4.0 * 3.0 * f64::from(model.vocabulary), 4.0);
    if layout.tensor > 1 {
        list.push(Part::Communication, 1.0, Operator::Sum { ranks: tensor, elements: f64::from(model.hidden) });
    }
    list.items
}

struct List<'l> {
    items: Vec<Item>,
    layout: &'l Layout,
    precision: &'l Precision,
    hidden: f64,
}

impl List<'_> {
    fn push(&mut self, part: Part, count: f64, operator: Operator) {
        self.items.push(Item { part, count, operator });
    }

    fn product(&mut self, part: Part, count: f64, format: Format, rows: Rows, n: f64, k: f64) {
        if n > 0.0 && k > 0.0 {
            self.push(part, count, Operator::Product { format, rows, n, k });
        }
    }

    fn stream(&mut self, part: Part, count: f64, rows: Rows, bytes: f64, kernels: f64) {
        self.push(part, count, Operator::Stream { rows, bytes, kernels });
    }

    fn sum(&mut self, count: f64) {
        if self.layout.tensor > 1 {
            let ranks = f64::from(self.layout.tensor);
            self.push(Part::Communication, count, Operator::Sum { ranks, elements: self.hidden });
        }
    }

    fn block(&mut self, block: &Block) {
        let count = f64::from(block.layers);
        match block.attention {
            Attention::Grouped { .. } => self.grouped(count, &block.attention),
            Attention::Latent { .. } => self.latent(count, &block.attention),
            Attention::Compressed { .. } => self.compressed(count, &block.attention),
            Attention::Linear { .. } => self.linear(count, &block.attention),
            Attention::None => {}
        }
        // Norm before attention with the residual sum: reads two, writes two; quantised products read a copy besides.
        self.stream(Part::Norms, count, Rows::Tokens, 10.0 * self.hidden, 1.0);
        match block.feed_forward {
            FeedForward::Dense { inner, gated } => {
                self.dense(count, f64::from(inner), gated, self.precision.dense);
                self.sum(count);
                self.stream(Part::Norms, count, Rows::Tokens, 10.0 * self.hidden, 1.0);
            }
            FeedForward::Experts { .. } => {
                self.experts(count, &block.feed_forward);
                self.stream(Part::Norms, count, Rows::Tokens, 10.0 * self.hidden, 1.0);
            }
            FeedForward::None => {}
        }
    }

    fn dense(&mut self, count: f64, inner: f64, gated: bool, format: Format) {
        let inner = inner / f64::from(self.layout.tensor);
        let ways = if gated { 2.0 } else { 1.0 };
        self.product(Part::FeedForward, count, format, Rows::Tokens, ways * inner, self.hidden);
        self.stream(Part::FeedForward, count, Rows::Tokens, 2.0 * (ways + 1.0) * inner, 1.0);
        self.product(Part::FeedForward, count, format, Rows::Tokens, self.hidden, inner);
    }

    fn grouped(&mut self, count: f64, attention: &Attention) {
        let Attention::Grouped { heads, kv_heads, head_dim, value_dim, window, gated, sparse } = *attention else {
            return;
        };
        let tensor = self.layout.tensor;
        let heads = (heads / tensor).max(1);
        let kv_heads = (kv_heads / tensor).max(1);
        let (queries, outputs) = (f64::from(heads * head_dim), f64::from(heads * value_dim));
        let keys = f64::from(kv_heads) * f64::from(head_dim + value_dim);
        let format = self.precision.attention;
        let gate = if gated { outputs } else { 0.0 };
        self.product(Part::Projections, count, format, Rows::Tokens, queries + keys + gate, self.hidden);
        // Rotation, norms of heads, and the cache is written.
        self.stream(Part::Projections, count, Rows::Tokens, 2.0 * (2.0 * queries + 3.0 * keys), 1.0);
        let mut shape = AttentionShape {
            heads,
            kv_heads,
            head_dim: (head_dim + value_dim) / 2,
            window,
            attention: Format::Bf16,
            cache: self.precision.cache,
        };
        if let Some(index) = sparse {
            self.index(count, &index);
            shape.window = Some(index.kept.min(window.unwrap_or(u32::MAX)));
        }
        self.push(Part::Attention, count, Operator::Context(shape));
        self.push(Part::Attention, count, Operator::Generation(shape));
        self.product(Part::Projections, count, format, Rows::Tokens, self.hidden, outputs);
        self.sum(count);
    }

    fn index(&mut self, count: f64, index: &SparseIndex) {
        let (heads, dim) = (f64::from(index.heads), f64::from(index.dim));
        self.push(Part::Attention, count, Operator::Index { heads, dim: dim / f64::from(index.block.max(1)) });
    }

    fn latent(&mut self, count: f64, attention: &Attention) {
        let Attention::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse } = *attention else {
            return;
        };
        let heads = f64::from((heads / self.layout.tensor).max(1));
        let (rank, rope) = (f64::from(kv_rank), f64::from(rope_dim));
        let (nope, value) = (f64::from(nope_dim), f64::from(value_dim));
        let format = self.precision.attention;
        let queries = heads * (nope + rope);
        match query_rank {
            Some(query_rank) => {
                let query_rank = f64::from(query_rank);
                // Both compressions in one product, whole on every device.
                self.product(Part::Projections, count, format, Rows::Tokens, query_rank + rank + rope, self.hidden);
                self.stream(Part::Projections, count, Rows::Tokens, 6.0 * (query_rank + rank + rope), 2.0);
                self.product(Part::Projections, count, format, Rows::Tokens, queries, query_rank);
            }
            None => {
                self.product(Part::Projections, count, format, Rows::Tokens, queries + rank + rope, self.hidden);
                self.stream(Part::Projections, count, Rows::Tokens, 6.0 * (rank + rope), 1.0);
            }
        }
        self.stream(Part::Projections, count, Rows::Tokens, 4.0 * queries, 1.0);
        if let Some(index) = sparse {
            let from = query_rank.map_or(self.hidden, f64::from);
            self.product(Part::Attention, count, format, Rows::Tokens, f64::from(index.heads * index.dim), from);
            self.product(Part::Attention, count, format, Rows::Tokens, f64::from(index.dim), self.hidden);
            self.index(count, &index);
        }
        // Prompts: keys and values are unpacked and attention runs with whole heads.
        self.product(Part::Projections, count, format, Rows::Prompt, heads * (nope + value), rank);
        let shape = AttentionShape {
            heads: heads as u32,
            kv_heads: heads as u32,
            head_dim: (nope_dim + rope_dim + value_dim) / 2,
            window: sparse.map(|index| index.kept),
            attention: Format::Bf16,
            cache: Format::Bf16,
        };
        self.push(Part::Attention, count, Operator::Context(shape));
        // Decoding: the unpacking is absorbed into queries and outputs.
        self.push(Part::Projections, count, Operator::PerHead { heads, rows: Rows::Decodes, n: rank, k: nope });
        let element_bytes = cache_element_bytes(self.precision.cache);
        let kept = sparse.map_or(f64::INFINITY, |index| f64::from(index.kept));
        self.push(
            Part::Attention,
            count,
            Operator::LatentGeneration { heads, keys: rank + rope, values: rank, element_bytes, kept },
        );
        self.push(Part::Projections, count, Operator::PerHead { heads, rows: Rows::Decodes, n: value, k: rank });
        self.product(Part::Projections, count, format, Rows::Tokens, self.hidden, heads * value);
        self.sum(count);
    }

    fn compressed(&mut self, count: f64, attention: &Attention) {
        let Attention::Compressed { heads, head_dim, query_rank, output_groups, output_rank, ratio, window, sparse } =
            *attention
        else {
            return;
        };
        let heads = f64::from((heads / self.layout.tensor).max(1));
        let (dim, rank) = (f64::from(head_dim), f64::from(query_rank));
        let format = self.precision.attention;
        let compressor = if ratio > 0 { 2.0 * dim } else { 0.0 };
        self.product(Part::Projections, count, format, Rows::Tokens, rank + dim + compressor, self.hidden);
        self.product(Part::Projections, count, format, Rows::Tokens, heads * dim, rank);
        self.stream(Part::Projections, count, Rows::Tokens, 4.0 * heads * dim, 2.0);
        let mut kept = f64::from(window);
        if let Some(index) = sparse {
            self.product(Part::Attention, count, format, Rows::Tokens, f64::from(index.heads * index.dim), rank);
            self.index(count, &SparseIndex { block: ratio.max(1), ..index });
            kept += f64::from(index.kept);
        }
        let shape = AttentionShape {
            heads: heads as u32,
            kv_heads: 1,
            head_dim,
            window: Some(kept as u32),
            attention: Format::Bf16,
            cache: self.precision.cache,
        };
        self.push(Part::Attention, count, Operator::Context(shape));
        let element_bytes = cache_element_bytes(self.precision.cache);
        self.push(
            Part::Attention,
            count,
            Operator::LatentGeneration { heads, keys: dim, values: dim, element_bytes, kept },
        );
        let groups = (f64::from(output_groups) / f64::from(self.layout.tensor)).max(1.0);
        let lower = groups * f64::from(output_rank);
        self.product(Part::Projections, count, format, Rows::Tokens, lower, heads * dim / groups);
        self.product(Part::Projections, count, format, Rows::Tokens, self.hidden, lower);
        self.sum(count);
    }

    fn linear(&mut self, count: f64, attention: &Attention) {
        let Attention::Linear { key_heads, value_heads, key_dim, value_dim, convolution, gated, head_gates } =
            *attention
        else {
            return;
        };
        let tensor = f64::from(self.layout.tensor);
        let keys = f64::from(key_heads) * f64::from(key_dim) / tensor;
        let heads = f64::from(value_heads) / tensor;
        let values = heads * f64::from(value_dim);
        let format = self.precision.attention;
        let gates = if gated { values } else { 0.0 } + heads * f64::from(head_gates);
        self.product(Part::Projections, count, format, Rows::Tokens, 2.0 * keys + values + gates, self.hidden);
        let taps = if convolution > 0 { 1.0 } else { 0.0 };
        self.stream(
            Part::Projections,
            count,
            Rows::Tokens,
            2.0 * (2.0 + 2.0 * taps) * (2.0 * keys + values),
            2.0 + taps,
        );
        let (key_dim, value_dim) = (f64::from(key_dim), f64::from(value_dim));
        self.push(Part::Attention, count, Operator::State { heads, key_dim, value_dim });
        self.stream(Part::Projections, count, Rows::Tokens, 6.0 * values, 1.0);
        self.product(Part::Projections, count, format, Rows::Tokens, self.hidden, values);
        self.sum(count);
    }

    fn experts(&mut self, count: f64, feed_forward: &FeedForward) {
        let FeedForward::Experts { experts, active, inner, shared_inner, latent, gated } = *feed_forward else {
            return;
        };
        let width = latent.map_or(self.hidden, f64::from);
        self.product(Part::Experts, count, Format::Bf16, Rows::Tokens, f64::from(experts), self.hidden);
        self.stream(Part::Experts, count, Rows::Tokens, 8.0 * f64::from(experts), 1.0);
        if latent.is_some() {
            self.product(Part::FeedForward, count, self.precision.shared, Rows::Tokens, width, self.hidden);
            self.product(Part::FeedForward, count, self.precision.shared, Rows::Tokens, self.hidden, width);
        }
        let groups = f64::from(self.layout.data);
        let ways = f64::from(self.layout.expert);
        self.push(
            Part::Experts,
            count,
            Operator::Experts {
                format: self.precision.experts,
                hidden: width,
                inner: f64::from(inner),
                active: f64::from(active),
                experts: f64::from(experts),
                slices: f64::from(self.layout.expert_tensor()),
                ways,
                groups,
                gated,
            },
        );
        if shared_inner > 0 {
            self.dense(count, f64::from(shared_inner), gated, self.precision.shared);
        }
        if self.layout.data > 1 {
            let ranks = f64::from(self.layout.stage_devices());
            // There in the experts' format, back in 16 bits.
            let bytes = self.precision.experts.activation_bytes() + 2.0;
            let exchange = Operator::Exchange { ranks, elements: width, bytes, active: f64::from(active) };
            self.push(Part::Communication, count, exchange);
        } else {
            self.sum(count);
        }
    }
}
