//! Layers of any decoder as trained today: fused attention, gated feed-forward parts, experts, 16- or 8-bit products.

use super::device::{Unit, Work};
use super::layer::{Between, Layer, Operator, Pass, Transfer};
use super::network::Operation;
use crate::models::transformer::{Attention, Block, FeedForward, SparseIndex, Transformer};

/// Bytes of an activation outside of products.
const WIDTH: f64 = 2.0;

/// Work of the busiest expert rank beside the mean. Routers trained with a balancing loss or bias stay near this in
/// published runs (estimate).
pub const IMBALANCE: f64 = 1.1;

/// How layers are spread over ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Sequences of a micro-batch.
    pub micro_batch: u64,
    /// Tokens of a sequence.
    pub sequence: u64,
    /// Ranks that share matrices.
    pub tensor: u64,
    /// Whether norms and residuals are split over them along the sequence.
    pub sequence_parallel: bool,
    /// Ranks that share a sequence.
    pub context: u64,
    /// Ranks that share experts; 1 splits every expert over the ranks that share matrices.
    pub expert: u64,
    /// Bytes of an operand of a product with weights.
    pub operand: f64,
    /// Whether whole layers are computed again, their transfers included.
    pub all_again: bool,
    /// Whether gradients are scattered after every micro-batch (ZeRO 2 and 3).
    pub scatter_each: bool,
    /// Whether weights are gathered for every use (ZeRO 3).
    pub gather_weights: bool,
}

impl Spread {
    /// Tokens of a micro-batch on one rank.
    fn tokens(&self) -> f64 {
        (self.micro_batch * self.sequence) as f64 / self.context as f64
    }

    /// Tokens of norms and residuals.
    fn own(&self) -> f64 {
        self.tokens() / if self.sequence_parallel { self.tensor as f64 } else { 1.0 }
    }

    fn split(&self) -> f64 {
        self.tensor as f64
    }

    /// Experts per rank-to-be-shared: how a rank's part of the experts is cut.
    fn expert_ranks(&self) -> f64 {
        if self.expert > 1 { self.expert as f64 } else { self.tensor as f64 }
    }
}

/// A layer being put together.
struct Builder<'a> {
    spread: &'a Spread,
    layer: Layer,
}

impl Builder<'_> {
    fn push(&mut self, operator: Operator) -> usize {
        self.layer.operators.push(operator);
        self.layer.operators.len() - 1
    }

    /// A product with weights: tokens from `k` to `n` features.
    fn product(&mut self, name: &'static str, tokens: f64, k: f64, n: f64, kept: f64) -> usize {
        let operator = Operator::linear(name, tokens, k, n, self.spread.operand, kept);
        self.layer.model_flops += operator.forward.flops;
        self.push(operator)
    }

    /// Element-wise work that is cheap to compute again: its output need not be kept where that is wanted.
    fn cheap(&mut self, name: &'static str, elements: f64, bytes: [f64; 2], kept: f64, output: f64) -> usize {
        // Outputs are inputs of products, and kept in their format.
        let output = output / WIDTH * self.spread.operand;
        let operator =
            Operator::element_wise(name, elements, [8.0, bytes[0]], [12.0, bytes[1]], kept + output).in_core(output);
        self.push(operator)
    }

    fn transfer(&mut self, between: Between, pass: Pass, operation: Operation, bytes: f64, beside: Option<usize>) {
        if bytes > 0.0 {
            self.layer.transfers.push(Transfer { between, pass, operation, bytes, beside });
        }
    }

    /// Activations gathered before products that start at `into`, and scattered after `out`.
    fn tensor(&mut self, into: usize, out: usize, width: f64) {
        let spread = self.spread;
        if spread.tensor < 2 {
            return;
        }
        let bytes = spread.tokens() * width * WIDTH;
        let mut put = |pass, operation, beside| self.transfer(Between::Tensor, pass, operation, bytes, Some(beside));
        if spread.sequence_parallel {
            put(Pass::Forward, Operation::AllGather, into);
            put(Pass::Forward, Operation::ReduceScatter, out);
            // The inputs of split products are gathered again for the gradients of their weights.
            put(Pass::Again, Operation::AllGather, into);
            put(Pass::Backward, Operation::AllGather, out);
            put(Pass::Backward, Operation::ReduceScatter, into);
            if spread.all_again {
                put(Pass::Again, Operation::ReduceScatter, out);
            }
        } else {
            put(Pass::Forward, Operation::AllReduce, out);
            put(Pass::Backward, Operation::AllReduce, into);
            if spread.all_again {
                put(Pass::Again, Operation::AllReduce, out);
            }
        }
    }
}

/// One layer of a block.
pub fn layer(model: &Transformer, block: &Block, spread: &Spread) -> Layer {
    let h = f64::from(model.hidden);
    let own = spread.own();
    let mut b = Builder { spread, layer: Layer { input_bytes: own * h * WIDTH, ..Layer::default() } };
    let parameters = block.layer_parameters(model.hidden);
    let t = spread.split();
    if block.attention != Attention::None {
        b.cheap("norm", own * h, [2.0 * WIDTH, 4.0 * WIDTH], own * h * WIDTH, own * h * WIDTH);
        attention(&mut b, &block.attention, h);
        b.push(Operator::element_wise("residual", own * h, [1.0, 3.0 * WIDTH], [1.0, 2.0 * WIDTH], 0.0));
    }
    b.layer.shared_weights = (parameters.attention + parameters.dense + parameters.shared) as f64 / t
        + (parameters.router + parameters.other) as f64;
    if block.feed_forward != FeedForward::None {
        b.cheap("norm", own * h, [2.0 * WIDTH, 4.0 * WIDTH], own * h * WIDTH, own * h * WIDTH);
        feed_forward(&mut b, &block.feed_forward, h, parameters.expert as f64);
        b.push(Operator::element_wise("residual", own * h, [1.0, 3.0 * WIDTH], [1.0, 2.0 * WIDTH], 0.0));
    }
    sharded_weights(&mut b);
    b.layer
}

/// Weights gathered for use, gradients scattered after use: once per micro-batch.
fn sharded_weights(b: &mut Builder<'_>) {
    let weights = b.layer.shared_weights + b.layer.expert_weights;
    // Each runs beside the widest product of the layer before it.
    let widest = (0..b.layer.operators.len())
        .max_by(|x, y| b.layer.operators[*x].forward.flops.total_cmp(&b.layer.operators[*y].forward.flops));
    if b.spread.gather_weights {
        b.transfer(Between::Data, Pass::Forward, Operation::AllGather, weights * WIDTH, widest);
        b.transfer(Between::Data, Pass::Backward, Operation::AllGather, weights * WIDTH, widest);
    }
    if b.spread.scatter_each {
        b.transfer(Between::Data, Pass::Backward, Operation::ReduceScatter, weights * WIDTH, widest);
    }
}

/// Pairs of query and key that causal attention looks at, of one micro-batch, all ranks that share it.
fn pairs(spread: &Spread, window: Option<u32>, sparse: Option<SparseIndex>) -> f64 {
    let s = spread.sequence as f64;
    let seen = |limit: f64| if limit < s { limit * (s - limit) + limit * limit / 2.0 } else { s * s / 2.0 };
    let limit = window.map_or(f64::INFINITY, f64::from).min(sparse.map_or(f64::INFINITY, |i| f64::from(i.kept)));
    spread.micro_batch as f64 * seen(limit)
}

/// Fused attention: forward two products over the pairs, backward five; nothing of the size of the pairs is kept
/// (FlashAttention-2, arXiv 2307.08691).
fn core(b: &mut Builder<'_>, heads: f64, dims: [f64; 2], pairs: f64, kept_features: f64, shared_features: f64) {
    let spread = b.spread;
    let (t, c, tokens) = (spread.split(), spread.context as f64, spread.tokens());
    let flops = 2.0 * heads / t * (dims[0] + dims[1]) * pairs / c;
    let bytes = tokens * kept_features * WIDTH;
    let forward = Work::attention(flops, bytes);
    let input_gradient = Work::attention(2.5 * flops, 2.5 * bytes);
    let at = b.push(Operator {
        name: "attention",
        forward,
        input_gradient,
        weight_gradient: Work::default(),
        kept: tokens * kept_features * WIDTH,
        dropped: 0.0,
        core: false,
    });
    b.layer.model_flops += flops;
    if spread.context > 1 {
        // Keys and values of the other ranks come in a ring, and their gradients go back.
        let whole = tokens * c * shared_features * WIDTH;
        b.transfer(Between::Context, Pass::Forward, Operation::AllGather, whole, Some(at));
        b.transfer(Between::Context, Pass::Backward, Operation::AllGather, whole, Some(at));
        b.transfer(Between::Context, Pass::Backward, Operation::ReduceScatter, whole, Some(at));
        if spread.all_again {
            b.transfer(Between::Context, Pass::Again, Operation::AllGather, whole, Some(at));
        }
    }
}

fn attention(b: &mut Builder<'_>, attention: &Attention, h: f64) {
    let spread = b.spread;
    let (t, tokens) = (spread.split(), spread.tokens());
    match *attention {
        Attention::Grouped { heads, kv_heads, head_dim, value_dim, window, gated, sparse } => {
            let (q, k, v) = (f64::from(heads), f64::from(head_dim), f64::from(value_dim));
            // Where there are fewer key heads than ranks, every rank holds one.
            let kv = (f64::from(kv_heads) / t).max(1.0);
            let gate = if gated { q * v / t } else { 0.0 };
            let into = b.product("query, key, value", tokens, h, q * k / t + kv * (k + v) + gate, 0.0);
            let turned = q * k / t + kv * k;
            b.push(Operator::element_wise("positions", tokens * turned, [4.0, 2.0 * WIDTH], [4.0, 2.0 * WIDTH], 0.0));
            let kept = q * k / t + kv * (k + v) + q * v / t + gate;
            core(b, q, [k, v], pairs(spread, window, sparse), kept, kv * (k + v));
            let out = b.product("attention output", tokens, q * v / t, h, 0.0);
            b.tensor(into, out, h);
        }
        Attention::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse } => {
            let (a, v, r) = (f64::from(heads), f64::from(value_dim), f64::from(kv_rank));
            let k = f64::from(nope_dim + rope_dim);
            let rank = query_rank.map_or(0.0, f64::from);
            let down = r + f64::from(rope_dim) + rank;
            let into = b.product("down projections", tokens, h, down, tokens * down * WIDTH);
            let source = if rank > 0.0 { rank } else { h };
            b.product("query up", tokens, source, a * k / t, 0.0);
            b.product("key and value up", tokens, r, a * (f64::from(nope_dim) + v) / t, 0.0);
            b.push(Operator::element_wise(
                "positions",
                tokens * a * k / t,
                [4.0, 2.0 * WIDTH],
                [4.0, 2.0 * WIDTH],
                0.0,
            ));
            let kept = a / t * (2.0 * k + 2.0 * v);
            core(b, a, [k, v], pairs(spread, None, sparse), kept, a / t * (k + v));
            let out = b.product("attention output", tokens, a * v / t, h, 0.0);
            b.tensor(into, out, h);
        }
        // Their projections as one product of as many weights; what follows is linear in the tokens, or looks at few keys.
        Attention::Linear { key_heads, value_heads, key_dim, value_dim, .. } => {
            let weights = attention.parameters(h as u32) as f64;
            let values = f64::from(value_heads) * f64::from(value_dim);
            let into = b.product("projections", tokens, h, (weights / h - values).max(1.0) / t, 0.0);
            let state = f64::from(key_heads.max(value_heads)) * f64::from(key_dim) * f64::from(value_dim) / t;
            // Chunks of 64 tokens: their own pairs, and the state read and written (estimate).
            let flops = tokens * (4.0 * state + 4.0 * 64.0 * values / t);
            let bytes = tokens * 4.0 * values / t * WIDTH;
            b.layer.model_flops += flops;
            b.push(Operator {
                name: "linear attention",
                forward: Work::attention(flops, bytes),
                input_gradient: Work::attention(2.5 * flops, 2.5 * bytes),
                weight_gradient: Work::default(),
                kept: tokens * (weights / h / t) * WIDTH,
                dropped: 0.0,
                core: false,
            });
            let out = b.product("output", tokens, values / t, h, 0.0);
            b.tensor(into, out, h);
        }
        Attention::Compressed { heads, head_dim, window, ratio, sparse, .. } => {
            let weights = attention.parameters(h as u32) as f64;
            let (a, k) = (f64::from(heads), f64::from(head_dim));
            let into = b.product("projections", tokens, h, weights / h / 2.0 / t, 0.0);
            let seen = pairs(spread, Some(window), None)
                + pairs(spread, None, sparse) / if ratio > 0 { f64::from(ratio) } else { f64::INFINITY };
            core(b, a, [k, k], seen, 2.0 * a * k / t + k, k);
            let out = b.product("output", tokens, weights / h / 2.0 / t, h, 0.0);
            b.tensor(into, out, h);
        }
        Attention::None => {}
    }
}

/// A feed-forward network over `tokens`: widths per rank, kept bytes included. First and last product.
fn network(b: &mut Builder<'_>, tokens: f64, h: f64, inner: f64, gated: bool) -> (usize, usize) {
    let branches = if gated { 2.0 } else { 1.0 };
    let into = b.product("feed-forward in", tokens, h, branches * inner, tokens * branches * inner * WIDTH);
    let elements = tokens * inner;
    b.cheap("activation", elements, [(branches + 1.0) * WIDTH, (2.0 * branches + 1.0) * WIDTH], 0.0, elements * WIDTH);
    let out = b.product("feed-forward out", tokens, inner, h, 0.0);
    (into, out)
}

fn feed_forward(b: &mut Builder<'_>, network_of: &FeedForward, h: f64, expert_parameters: f64) {
    let spread = b.spread;
    let (t, tokens, own) = (spread.split(), spread.tokens(), spread.own());
    match *network_of {
        FeedForward::Dense { inner, gated } => {
            let (into, out) = network(b, tokens, h, f64::from(inner) / t, gated);
            b.tensor(into, out, h);
        }
        FeedForward::Experts { experts, active, inner, shared_inner, latent, gated } => {
            let (e, k, f) = (f64::from(experts), f64::from(active), f64::from(inner));
            let width = latent.map_or(h, f64::from);
            b.product("router", own, h, e, own * e * 4.0);
            if latent.is_some() {
                b.product("to experts' width", own, h, width, 0.0);
                b.product("from experts' width", own, width, h, 0.0);
            }
            if shared_inner > 0 {
                let (into, out) = network(b, tokens, h, f64::from(shared_inner) / t, gated);
                b.tensor(into, out, h);
            }
            b.layer.expert_weights = e * expert_parameters / spread.expert_ranks();
            // Whole experts on ranks of their own see the tokens that a rank sends out, of all its peers on average; split
            // experts see all tokens of the ranks that share matrices.
            let (routed, part) = if spread.expert > 1 { (own * k, f) } else { (tokens * k, f / t) };
            let before = b.layer.model_flops;
            let copies = routed * width;
            b.push(Operator::element_wise("permute", copies, [0.0, 2.0 * WIDTH], [0.0, 2.0 * WIDTH], copies * WIDTH));
            let (into, out) = network(b, routed * IMBALANCE, width, part, gated);
            b.push(Operator::element_wise("combine", copies, [2.0, 2.0 * WIDTH], [2.0, 2.0 * WIDTH], copies * WIDTH));
            b.layer.model_flops = before + (b.layer.model_flops - before) / IMBALANCE;
            // Of grouped products every expert's weights are read, not one matrix's.
            let held = e / if spread.expert > 1 { spread.expert as f64 } else { 1.0 };
            for at in [into, out] {
                let operator = &mut b.layer.operators[at];
                let one = if at == into { width * part * if gated { 2.0 } else { 1.0 } } else { part * width };
                let more = (held - 1.0).max(0.0) * one * spread.operand;
                operator.forward.bytes += more;
                operator.input_gradient.bytes += more;
                operator.weight_gradient.bytes += more;
            }
            if spread.expert > 1 {
                let bytes = copies * WIDTH;
                for pass in [Pass::Forward, Pass::Forward, Pass::Backward, Pass::Backward] {
                    b.transfer(Between::Expert, pass, Operation::AllToAll, bytes, None);
                }
                if spread.all_again {
                    b.transfer(Between::Expert, Pass::Again, Operation::AllToAll, bytes, None);
                    b.transfer(Between::Expert, Pass::Again, Operation::AllToAll, bytes, None);
                }
            } else {
                b.tensor(into, out, h);
            }
        }
        FeedForward::None => {}
    }
}

/// The embedding in front of the first layer.
pub fn embedding(model: &Transformer, spread: &Spread) -> Layer {
    let (h, t, own) = (f64::from(model.hidden), spread.split(), spread.own());
    let mut b = Builder { spread, layer: Layer::default() };
    b.push(Operator::element_wise("embedding", own * h, [0.0, 2.0 * WIDTH], [1.0, WIDTH + 8.0], 0.0));
    if spread.tensor > 1 {
        let operation = if spread.sequence_parallel { Operation::ReduceScatter } else { Operation::AllReduce };
        b.transfer(Between::Tensor, Pass::Forward, operation, spread.tokens() * h * WIDTH, None);
    }
    b.layer.shared_weights = f64::from(model.vocabulary) * h / t;
    b.layer
}

/// Final norm, logits and loss behind the last layer.
pub fn head(model: &Transformer, spread: &Spread, stages: u64) -> Layer {
    let (h, t, own, tokens) = (f64::from(model.hidden), spread.split(), spread.own(), spread.tokens());
    let columns = f64::from(model.vocabulary) / t;
    let mut b = Builder { spread, layer: Layer::default() };
    b.push(Operator::element_wise("final norm", own * h, [8.0, 2.0 * WIDTH], [12.0, 4.0 * WIDTH], own * h * WIDTH));
    let mut logits = Operator::linear("logits", tokens, h, columns, WIDTH, own * h * WIDTH);
    for work in [&mut logits.forward, &mut logits.input_gradient, &mut logits.weight_gradient] {
        work.unit = Unit::Wide;
    }
    b.layer.model_flops = logits.forward.flops;
    let at = b.push(logits);
    // Logits in 16 bits, their exponentials kept in 32.
    let seen = tokens * columns;
    b.push(Operator::element_wise("loss", seen, [6.0, 3.0 * 4.0 + WIDTH], [2.0, 4.0 + WIDTH], seen * 4.0));
    if spread.tensor > 1 {
        let bytes = tokens * h * WIDTH;
        if spread.sequence_parallel {
            b.transfer(Between::Tensor, Pass::Forward, Operation::AllGather, bytes, Some(at));
            b.transfer(Between::Tensor, Pass::Again, Operation::AllGather, bytes, Some(at));
            b.transfer(Between::Tensor, Pass::Backward, Operation::ReduceScatter, bytes, Some(at));
        } else {
            b.transfer(Between::Tensor, Pass::Backward, Operation::AllReduce, bytes, Some(at));
        }
    }
    let copy = !model.tied || stages > 1;
    b.layer.shared_weights = model.other as f64 + if copy { f64::from(model.vocabulary) * h / t } else { 0.0 };
    b.layer
}
