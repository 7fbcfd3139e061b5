//! Which operators one step of a model consists of, on one device of a layout.

use super::operator::{Item, Operator, Part, Rows};
use crate::format::Format;
use crate::kernel::attention_shape::AttentionShape;
use crate::kernel::element_wise::{ElementWise, bytes};
use crate::kernel::latent_attention::LatentShape;
use crate::kernel::linear_attention::LinearShape;
use crate::kernel::moe::MoeShape;
use crate::kernel::routing::Routing;
use crate::layout::Layout;
use crate::models::precision::Precision;
use crate::models::transformer::{Attention, Block, FeedForward, SparseIndex, Transformer};

/// How popular experts are: the milder of the two skews that kernels are measured with.
pub const ROUTING: Routing = Routing::PowerLaw(1.01);

/// The operators of one step on one device: all layers of all stages (a token passes every stage), each with its count.
pub fn of(model: &Transformer, layout: &Layout, precision: &Precision) -> Vec<Item> {
    let mut list = List { items: Vec::with_capacity(48), layout, precision, hidden: f64::from(model.hidden) };
    for block in &model.blocks {
        list.block(block);
    }
    let tensor = f64::from(layout.tensor);
    let width = f64::from(model.hidden);
    let vocabulary = f64::from(model.vocabulary) / tensor;
    list.stream(Part::Logits, 1.0, ElementWise::Embedding, Rows::Tokens, 4.0 * width);
    if layout.tensor > 1 {
        list.push(Part::Communication, 1.0, Operator::Sum { ranks: tensor, elements: width });
    }
    list.stream(Part::Logits, 1.0, ElementWise::Norm, Rows::Sampled, bytes::norm(1.0, width, true));
    list.product(Part::Logits, 1.0, precision.logits, Rows::Sampled, vocabulary, width);
    // Logits are gathered and read by sampling as 32-bit numbers.
    list.stream(Part::Logits, 1.0, ElementWise::Sampling, Rows::Sampled, 4.0 * f64::from(model.vocabulary));
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

    /// A product whose activations must first be brought to its format.
    fn quantised(&mut self, part: Part, count: f64, format: Format, rows: Rows, n: f64, k: f64) {
        let narrow = format.activation_bytes();
        if narrow < 2.0 {
            self.stream(part, count, ElementWise::Quantise, rows, bytes::quantise(1.0, k, narrow));
        }
        self.product(part, count, format, rows, n, k);
    }

    fn stream(&mut self, part: Part, count: f64, kernel: ElementWise, rows: Rows, bytes: f64) {
        self.push(part, count, Operator::Stream { kernel, rows, bytes });
    }

    fn sum(&mut self, count: f64) {
        if self.layout.tensor > 1 {
            let ranks = f64::from(self.layout.tensor);
            self.push(Part::Communication, count, Operator::Sum { ranks, elements: self.hidden });
        }
    }

    fn norm(&mut self, count: f64) {
        self.stream(Part::Norms, count, ElementWise::Norm, Rows::Tokens, bytes::norm(1.0, self.hidden, true));
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
        match block.feed_forward {
            FeedForward::Dense { inner, gated } => {
                self.norm(count);
                self.dense(count, f64::from(inner), gated, self.precision.dense);
                self.sum(count);
            }
            FeedForward::Experts { .. } => {
                self.norm(count);
                self.experts(count, &block.feed_forward);
            }
            FeedForward::None => {}
        }
    }

    fn dense(&mut self, count: f64, inner: f64, gated: bool, format: Format) {
        let inner = inner / f64::from(self.layout.tensor);
        let ways = if gated { 2.0 } else { 1.0 };
        self.quantised(Part::FeedForward, count, format, Rows::Tokens, ways * inner, self.hidden);
        // The activation writes in the format of the product that follows.
        let activation = bytes::activation(1.0, inner, gated);
        self.stream(Part::FeedForward, count, ElementWise::Activation, Rows::Tokens, activation);
        self.product(Part::FeedForward, count, format, Rows::Tokens, self.hidden, inner);
    }

    fn grouped(&mut self, count: f64, attention: &Attention) {
        let Attention::Grouped { heads, kv_heads, head_dim, value_dim, window, gated, sparse } = *attention else {
            return;
        };
        let tensor = self.layout.tensor;
        let heads = (heads / tensor).max(1);
        let kv_heads = (kv_heads / tensor).max(1);
        let queries = f64::from(heads) * f64::from(head_dim);
        let outputs = f64::from(heads) * f64::from(value_dim);
        let keys = f64::from(kv_heads) * (f64::from(head_dim) + f64::from(value_dim));
        let format = self.precision.attention;
        let gate = if gated { outputs } else { 0.0 };
        self.norm(count);
        self.quantised(Part::Projections, count, format, Rows::Tokens, queries + keys + gate, self.hidden);
        let rotation = bytes::rotation(1.0, f64::from(heads), f64::from(kv_heads), f64::from(head_dim));
        self.stream(Part::Projections, count, ElementWise::Rotation, Rows::Tokens, rotation);
        let mut shape = AttentionShape {
            heads,
            kv_heads,
            head_dim: head_dim.midpoint(value_dim),
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
        self.quantised(Part::Projections, count, format, Rows::Tokens, self.hidden, outputs);
        self.sum(count);
    }

    fn index(&mut self, count: f64, index: &SparseIndex) {
        let dim = f64::from(index.dim) / f64::from(index.block.max(1));
        self.push(Part::Attention, count, Operator::Index { heads: f64::from(index.heads), dim });
    }

    fn latent(&mut self, count: f64, attention: &Attention) {
        let Attention::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse } = *attention else {
            return;
        };
        let own = (heads / self.layout.tensor).max(1);
        let heads = f64::from(own);
        let (rank, rope) = (f64::from(kv_rank), f64::from(rope_dim));
        let (nope, value) = (f64::from(nope_dim), f64::from(value_dim));
        let format = self.precision.attention;
        let queries = heads * (nope + rope);
        self.norm(count);
        match query_rank {
            Some(query_rank) => {
                let query_rank = f64::from(query_rank);
                // Both compressions in one product, whole on every device.
                self.quantised(Part::Projections, count, format, Rows::Tokens, query_rank + rank + rope, self.hidden);
                let norms = bytes::norm(1.0, query_rank + rank, false);
                self.stream(Part::Projections, count, ElementWise::Norm, Rows::Tokens, norms);
                self.quantised(Part::Projections, count, format, Rows::Tokens, queries, query_rank);
            }
            None => {
                self.quantised(Part::Projections, count, format, Rows::Tokens, queries + rank + rope, self.hidden);
                self.stream(Part::Projections, count, ElementWise::Norm, Rows::Tokens, bytes::norm(1.0, rank, false));
            }
        }
        let rotation = bytes::rotation(1.0, heads, 1.0, rope);
        self.stream(Part::Projections, count, ElementWise::Rotation, Rows::Tokens, rotation);
        if let Some(index) = sparse {
            let from = query_rank.map_or(self.hidden, f64::from);
            let width = f64::from(index.heads) * f64::from(index.dim);
            self.product(Part::Attention, count, format, Rows::Tokens, width, from);
            self.product(Part::Attention, count, format, Rows::Tokens, f64::from(index.dim), self.hidden);
            self.stream(Part::Attention, count, ElementWise::Rotation, Rows::Tokens, 4.0 * width);
        }
        let shape = LatentShape {
            heads: own,
            kv_rank,
            rope_dim,
            nope_dim,
            value_dim,
            sparse,
            attention: Format::Bf16,
            cache: self.precision.cache,
        };
        // Prompts: keys and values are unpacked and attention runs with whole heads.
        self.product(Part::Projections, count, format, Rows::Prompt, heads * (nope + value), rank);
        self.push(Part::Attention, count, Operator::LatentContext(shape));
        // Decoding: the unpacking is absorbed into queries and outputs.
        self.push(Part::Projections, count, Operator::PerHead { heads, rows: Rows::Decodes, n: rank, k: nope });
        self.push(Part::Attention, count, Operator::LatentGeneration(shape));
        self.push(Part::Projections, count, Operator::PerHead { heads, rows: Rows::Decodes, n: value, k: rank });
        self.quantised(Part::Projections, count, format, Rows::Tokens, self.hidden, heads * value);
        self.sum(count);
    }

    fn compressed(&mut self, count: f64, attention: &Attention) {
        let Attention::Compressed { heads, head_dim, query_rank, output_groups, output_rank, ratio, window, sparse } =
            *attention
        else {
            return;
        };
        let own = (heads / self.layout.tensor).max(1);
        let heads = f64::from(own);
        let (dim, rank) = (f64::from(head_dim), f64::from(query_rank));
        let format = self.precision.attention;
        let compressor = if ratio > 0 { 2.0 * dim } else { 0.0 };
        self.norm(count);
        self.quantised(Part::Projections, count, format, Rows::Tokens, rank + dim + compressor, self.hidden);
        self.stream(Part::Projections, count, ElementWise::Norm, Rows::Tokens, bytes::norm(1.0, rank + dim, false));
        self.quantised(Part::Projections, count, format, Rows::Tokens, heads * dim, rank);
        let rotation = bytes::rotation(1.0, heads, 1.0, dim);
        self.stream(Part::Projections, count, ElementWise::Rotation, Rows::Tokens, rotation);
        let mut kept = window;
        if let Some(index) = sparse {
            let width = f64::from(index.heads) * f64::from(index.dim);
            self.product(Part::Attention, count, format, Rows::Tokens, width, rank);
            self.index(count, &SparseIndex { block: ratio.max(1), ..index });
            kept = kept.saturating_add(index.kept);
        }
        // One vector serves as key and value: half of its elements count as either.
        let shape = AttentionShape {
            heads: own,
            kv_heads: 1,
            head_dim: head_dim.div_ceil(2),
            window: Some(kept.max(1)),
            attention: Format::Bf16,
            cache: self.precision.cache,
        };
        self.push(Part::Attention, count, Operator::Context(AttentionShape { head_dim, ..shape }));
        self.push(Part::Attention, count, Operator::Generation(AttentionShape { heads: own.min(32), ..shape }));
        let groups = (f64::from(output_groups) / f64::from(self.layout.tensor)).max(1.0);
        let lower = groups * f64::from(output_rank);
        self.quantised(Part::Projections, count, format, Rows::Tokens, lower, heads * dim / groups);
        self.quantised(Part::Projections, count, format, Rows::Tokens, self.hidden, lower);
        self.sum(count);
    }

    fn linear(&mut self, count: f64, attention: &Attention) {
        let Attention::Linear { key_heads, value_heads, key_dim, value_dim, convolution, gated, head_gates } =
            *attention
        else {
            return;
        };
        let tensor = self.layout.tensor;
        let (key_heads, heads) = ((key_heads / tensor).max(1), (value_heads / tensor).max(1));
        let keys = f64::from(key_heads) * f64::from(key_dim);
        let values = f64::from(heads) * f64::from(value_dim);
        let format = self.precision.attention;
        let gates = if gated { values } else { 0.0 } + f64::from(heads) * f64::from(head_gates);
        self.norm(count);
        self.quantised(Part::Projections, count, format, Rows::Tokens, 2.0 * keys + values + gates, self.hidden);
        if convolution > 0 {
            let stream = 4.0 * (2.0 * keys + values);
            self.stream(Part::Projections, count, ElementWise::Activation, Rows::Tokens, stream);
        }
        let shape = LinearShape { heads, key_heads, key_dim, value_dim, convolution };
        self.push(Part::Attention, count, Operator::Linear(shape));
        let gated_norm = bytes::activation(1.0, values, gated);
        self.stream(Part::Projections, count, ElementWise::Norm, Rows::Tokens, gated_norm);
        self.quantised(Part::Projections, count, format, Rows::Tokens, self.hidden, values);
        self.sum(count);
    }

    fn experts(&mut self, count: f64, feed_forward: &FeedForward) {
        let FeedForward::Experts { experts, active, inner, shared_inner, latent, gated } = *feed_forward else {
            return;
        };
        let width = latent.map_or(self.hidden, f64::from);
        self.product(Part::Experts, count, Format::Bf16, Rows::Tokens, f64::from(experts), self.hidden);
        if latent.is_some() {
            self.quantised(Part::FeedForward, count, self.precision.shared, Rows::Tokens, width, self.hidden);
            self.quantised(Part::FeedForward, count, self.precision.shared, Rows::Tokens, self.hidden, width);
        }
        let shape = MoeShape {
            hidden: latent.unwrap_or(self.hidden as u32),
            inner,
            active,
            experts,
            tensor: self.layout.expert_tensor(),
            ranks: self.layout.expert,
            gated,
            routing: ROUTING,
        };
        let groups = f64::from(self.layout.data);
        let operator = Operator::Experts { format: self.precision.experts, shape, groups };
        self.push(Part::Experts, count, operator);
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
