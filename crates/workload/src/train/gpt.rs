//! The layer of a GPT as trained without fused attention (2022): what the layouts of Calculon's files describe.
//!
//! Kept bytes follow Korthikanti et al., arXiv 2205.05198, section 4: `s b h (10 + 24/t + 5 a s / (h t))` with tensor
//! parallelism, everything divided by `t` with sequence parallelism; a test holds the list to the formula.

use super::device::Unit;
use super::layer::{Between, Layer, Operator, Pass, Transfer};
use super::network::Operation;

/// Shape of a GPT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GptShape {
    /// Width of the residual stream.
    pub hidden: u64,
    /// Inner width of the feed-forward part.
    pub feed_forward: u64,
    /// Tokens of a sequence.
    pub sequence: u64,
    /// Attention heads.
    pub heads: u64,
    /// Elements of a head.
    pub head_size: u64,
    /// Layers.
    pub layers: u64,
    /// Tokens of the vocabulary; 0 leaves embedding and logits out.
    pub vocabulary: u64,
}

/// How a layer is spread and stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GptSpread {
    /// Sequences of a micro-batch.
    pub micro_batch: u64,
    /// Ranks that share matrices.
    pub tensor: u64,
    /// How they exchange activations.
    pub exchange: Exchange,
    /// Whether inputs of split products are gathered again in the backward pass instead of kept whole.
    pub gather_again: bool,
    /// Whether whole layers are recomputed, their transfers included.
    pub all_again: bool,
    /// Whether element-wise operators run within their neighbours: the activation function within the product before it,
    /// storing nothing, and dropout with the residual sum.
    pub fused_activation: bool,
    /// Whether all heads share keys and values.
    pub one_kv_head: bool,
    /// Bytes of an element.
    pub width: f64,
}

/// How ranks that share matrices exchange activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// All-reduce after attention and after the feed-forward part.
    AllReduce,
    /// The same, but split for messages between pipeline stages.
    AllReduceSplitSends,
    /// Reduce-scatter and all-gather: sequence parallelism.
    Sequence,
}

impl GptShape {
    /// Weights of one layer, norms and biases included.
    pub fn layer_weights(&self, one_kv_head: bool) -> f64 {
        let (h, f, q) = (self.hidden as f64, self.feed_forward as f64, (self.heads * self.head_size) as f64);
        let kv = if one_kv_head { 2.0 * self.head_size as f64 } else { 2.0 * q };
        // Products, their biases, two norms.
        h * (q + kv) + q * h + 2.0 * h * f + (q + kv + h + f + h) + 4.0 * h
    }

    /// Operations of the model per sequence and training step (forward and backward, nothing twice), logits included;
    /// equal to formula (7) of arXiv 2205.05198 for feed-forward parts of four times the width.
    pub fn model_flops_per_sequence(&self) -> f64 {
        let (s, h, q) = (self.sequence as f64, self.hidden as f64, (self.heads * self.head_size) as f64);
        let products = 2.0 * s * h * (4.0 * q + 2.0 * self.feed_forward as f64);
        let core = 4.0 * s * s * q;
        3.0 * (self.layers as f64 * (products + core) + 2.0 * s * h * self.vocabulary as f64)
    }
}

/// One layer.
pub fn layer(shape: &GptShape, spread: &GptSpread) -> Layer {
    let (s, b, h) = (shape.sequence as f64, spread.micro_batch as f64, shape.hidden as f64);
    let (a, d, f) = (shape.heads as f64, shape.head_size as f64, shape.feed_forward as f64);
    let (t, e) = (spread.tensor as f64, spread.width);
    let tokens = s * b;
    let split = if spread.exchange == Exchange::Sequence { t } else { 1.0 };
    // Input of the products: whole on every rank unless it can be gathered again.
    let product_input = tokens * h * e / if spread.gather_again || split == 1.0 { split } else { 1.0 };
    let own = tokens * h / split;
    let q = a * d / t;
    let kv = if spread.one_kv_head { 2.0 * d } else { 2.0 * q };
    let pairs = b * a / t * s * s;
    let inner = tokens * f / t;
    let norm = |name| Operator::element_wise(name, own, [8.0, 2.0 * e], [16.0, 5.0 * e], own * e);
    // Dropout and the residual sum: one kernel where element-wise operators are fused, else two.
    let add = |name| {
        let bytes = if spread.fused_activation { 3.0 * e + 1.0 } else { 5.0 * e + 1.0 };
        Operator::element_wise(name, own, [2.0, bytes], [1.0, 2.0 * e + 1.0], own)
    };

    let batched = |name, m: f64, k: f64, n: f64, kept: f64| {
        let mut operator = Operator::linear(name, m, k, n, e, kept);
        let count = b * a / t;
        for work in [&mut operator.forward, &mut operator.input_gradient, &mut operator.weight_gradient] {
            *work = work.batched(count);
        }
        operator
    };
    let activation = if spread.fused_activation {
        Operator::element_wise("activation", inner, [8.0, 0.0], [13.0, 0.0], 0.0)
    } else {
        Operator::element_wise("activation", inner, [8.0, 2.0 * e], [13.0, 3.0 * e], inner * e)
    };
    let operators = vec![
        norm("norm"),
        Operator::linear("query, key, value", tokens, h, q + kv, e, product_input),
        batched("scores", s, d, s, tokens * (q + kv / 2.0) * e).in_core(0.0),
        Operator::element_wise("softmax", pairs, [6.0, 2.0 * e], [5.0, 3.0 * e], pairs * e).in_core(pairs * e),
        Operator::element_wise("attention dropout", pairs, [1.0, 2.0 * e + 1.0], [1.0, 2.0 * e + 1.0], pairs)
            .in_core(pairs),
        batched("weighted values", s, s, d, pairs * e + tokens * kv / 2.0 * e).in_core(pairs * e),
        Operator::linear("attention output", tokens, q, h, e, tokens * q * e),
        add("dropout and residual"),
        norm("norm"),
        Operator::linear("feed-forward in", tokens, h, f / t, e, product_input),
        activation,
        Operator::linear("feed-forward out", tokens, f / t, h, e, inner * e),
        add("dropout and residual"),
    ];
    Layer {
        model_flops: operators.iter().filter(|o| o.forward.unit == Unit::Matrix).map(|o| o.forward.flops).sum(),
        operators,
        transfers: transfers(spread, tokens * h * e),
        shared_weights: shape.layer_weights(spread.one_kv_head) / t,
        expert_weights: 0.0,
        input_bytes: own * e,
    }
}

/// Operators of [`layer`] that transfers run beside.
const PRODUCTS: [usize; 4] = [1, 6, 9, 11];

fn transfers(spread: &GptSpread, bytes: f64) -> Vec<Transfer> {
    if spread.tensor < 2 {
        return Vec::new();
    }
    let transfer = |pass, operation, beside| Transfer { between: Between::Tensor, pass, operation, bytes, beside };
    let mut list = Vec::new();
    for half in [0, 2] {
        let (into, out) = (Some(PRODUCTS[half]), Some(PRODUCTS[half + 1]));
        match spread.exchange {
            Exchange::AllReduce | Exchange::AllReduceSplitSends => {
                list.push(transfer(Pass::Forward, Operation::AllReduce, out));
                list.push(transfer(Pass::Backward, Operation::AllReduce, into));
                if spread.all_again {
                    list.push(transfer(Pass::Again, Operation::AllReduce, out));
                }
            }
            Exchange::Sequence => {
                list.push(transfer(Pass::Forward, Operation::AllGather, into));
                list.push(transfer(Pass::Forward, Operation::ReduceScatter, out));
                list.push(transfer(Pass::Backward, Operation::AllGather, out));
                list.push(transfer(Pass::Backward, Operation::ReduceScatter, into));
                if spread.gather_again || spread.all_again {
                    list.push(transfer(Pass::Again, Operation::AllGather, into));
                }
                if spread.all_again {
                    list.push(transfer(Pass::Again, Operation::ReduceScatter, out));
                }
            }
        }
    }
    list
}

/// Embedding in front of the first layer.
pub fn embedding(shape: &GptShape, spread: &GptSpread) -> Layer {
    let tokens = (shape.sequence * spread.micro_batch) as f64;
    let (h, t, e) = (shape.hidden as f64, spread.tensor as f64, spread.width);
    if shape.vocabulary == 0 {
        return Layer::default();
    }
    // Rows gathered, positions added, dropped out; the gradient is added into rows of 32-bit sums.
    let own = tokens * h / if spread.exchange == Exchange::Sequence { t } else { 1.0 };
    let look_up = Operator::element_wise("embedding", own, [2.0, 4.0 * e + 1.0], [1.0, 2.0 * e + 9.0], own);
    let mut list = Vec::new();
    if spread.tensor > 1 {
        let operation =
            if spread.exchange == Exchange::Sequence { Operation::ReduceScatter } else { Operation::AllReduce };
        list.push(Transfer {
            between: Between::Tensor,
            pass: Pass::Forward,
            operation,
            bytes: tokens * h * e,
            beside: None,
        });
    }
    Layer {
        operators: vec![look_up],
        transfers: list,
        shared_weights: shape.vocabulary as f64 * h / t + shape.sequence as f64 * h,
        ..Layer::default()
    }
}

/// Final norm, logits and loss behind the last layer. Logits share the embedding's weights, of which the last stage keeps
/// its own copy.
pub fn head(shape: &GptShape, spread: &GptSpread, stages: u64) -> Layer {
    let tokens = (shape.sequence * spread.micro_batch) as f64;
    let (h, t, e) = (shape.hidden as f64, spread.tensor as f64, spread.width);
    if shape.vocabulary == 0 {
        return Layer::default();
    }
    let split = if spread.exchange == Exchange::Sequence { t } else { 1.0 };
    let own = tokens * h / split;
    let columns = shape.vocabulary as f64 / t;
    // Norm input 2sbh, product input 2sbh, 32-bit logits 4sbv: section 4.3 of the paper.
    let operators = vec![
        Operator::element_wise("final norm", own, [8.0, 2.0 * e], [16.0, 4.0 * e], own * e),
        Operator::linear("logits", tokens, h, columns, e, own * e),
        Operator::element_wise("loss", tokens * columns, [6.0, 3.0 * 4.0 + e], [2.0, 4.0 + e], tokens * columns * 4.0),
    ];
    let mut list = Vec::new();
    if spread.tensor > 1 {
        let transfer = |pass, operation| Transfer {
            between: Between::Tensor,
            pass,
            operation,
            bytes: tokens * h * e,
            beside: Some(1),
        };
        if spread.exchange == Exchange::Sequence {
            list.push(transfer(Pass::Forward, Operation::AllGather));
            list.push(transfer(Pass::Backward, Operation::ReduceScatter));
        } else {
            list.push(transfer(Pass::Backward, Operation::AllReduce));
        }
    }
    Layer {
        model_flops: operators[1].forward.flops,
        operators,
        transfers: list,
        shared_weights: 2.0 * h + if stages > 1 { shape.vocabulary as f64 * h / t } else { 0.0 },
        ..Layer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::layer::Recompute;

    const GPT3: GptShape = GptShape {
        hidden: 12288,
        feed_forward: 49152,
        sequence: 2048,
        heads: 96,
        head_size: 128,
        layers: 96,
        vocabulary: 51200,
    };

    fn spread(exchange: Exchange, gather_again: bool) -> GptSpread {
        GptSpread {
            micro_batch: 1,
            tensor: 8,
            exchange,
            gather_again,
            all_again: false,
            fused_activation: false,
            one_kv_head: false,
            width: 2.0,
        }
    }

    fn kept(layer: &Layer, recompute: Recompute) -> f64 {
        layer.operators.iter().map(|o| o.kept_under(recompute)).sum()
    }

    #[test]
    fn kept_bytes_are_those_of_korthikanti() {
        // arXiv 2205.05198, table 2.
        let (s, b, h, a, t) = (2048.0, 1.0, 12288.0, 96.0, 8.0);
        let core = 5.0 * a * s / h;
        let cases = [
            (Exchange::AllReduce, false, Recompute::None, s * b * h * (10.0 + 24.0 / t + core / t)),
            (Exchange::AllReduce, false, Recompute::Selective, s * b * h * (10.0 + 24.0 / t)),
            (Exchange::Sequence, true, Recompute::None, s * b * h / t * (34.0 + core)),
            (Exchange::Sequence, true, Recompute::Selective, s * b * h / t * 34.0),
        ];
        for (exchange, again, recompute, expected) in cases {
            let layer = layer(&GPT3, &spread(exchange, again));
            assert!((kept(&layer, recompute) / expected - 1.0).abs() < 1e-12, "{exchange:?} {recompute:?}");
        }
        assert_eq!(layer(&GPT3, &spread(Exchange::AllReduce, false)).input_bytes, 2.0 * s * b * h);
    }

    #[test]
    fn model_operations_are_those_of_the_paper() {
        // 72 B L s h^2 (1 + s / 6h + V / 12 h L), equation (7) of arXiv 2205.05198 (Narayanan et al. 2021, equation 3,
        // without the recomputed quarter).
        let (s, h, layers, v) = (2048.0, 12288.0, 96.0, 51200.0);
        let expected = 72.0 * layers * s * h * h * (1.0 + s / (6.0 * h) + v / (12.0 * h * layers));
        assert!((GPT3.model_flops_per_sequence() / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn weights_are_twelve_widths_squared_and_little_more() {
        let weights = GPT3.layer_weights(false);
        let squares = 12.0 * 12288.0_f64.powi(2);
        assert!(weights > squares && weights < squares * 1.001);
    }

    #[test]
    fn splitting_over_ranks_divides_products_exactly() {
        let flops = |tensor| {
            let one = layer(&GPT3, &GptSpread { tensor, ..spread(Exchange::AllReduce, false) });
            one.model_flops * tensor as f64
        };
        assert!((flops(1) / flops(8) - 1.0).abs() < 1e-12);
    }
}
