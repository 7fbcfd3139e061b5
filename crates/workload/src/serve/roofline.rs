//! The time of a step by rooflines: for devices without measured kernels, and for configurations that give a bandwidth
//! alone.
//!
//! Every layer is its products (weights and operations, whichever takes longer), its attention (cache read, operations),
//! what passes through memory beside them, and a floor per kernel. Efficiencies are medians over measured kernels of other
//! devices unless they were calibrated, so this is an estimate: the calibrated step model goes first where it can.

use serde::Serialize;

use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::models::transformer::{Attention, FeedForward, SparseIndex, Transformer};
use crate::step::load::{StepCost, StepLoad};

/// Shares of peak that kernels reach, and what they cost at least.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Efficiency {
    /// Share of the peak rate of large products.
    pub product_rate: f64,
    /// Share of the bandwidth of products with few rows.
    pub product_bandwidth: f64,
    /// Share of the peak rate of attention over prompts.
    pub attention_rate: f64,
    /// Share of the bandwidth of attention over caches.
    pub attention_bandwidth: f64,
    /// Share of the bandwidth of everything else.
    pub other_bandwidth: f64,
    /// Share of the peak rate of grouped products over experts.
    pub expert_rate: f64,
    /// Share of the bandwidth of grouped products over experts.
    pub expert_bandwidth: f64,
    /// Seconds of a kernel at least.
    pub kernel_s: f64,
    /// Seconds of host work per step that nothing hides.
    pub step_s: f64,
    /// Seconds of host work per step and sequence that nothing hides.
    pub sequence_s: f64,
}

impl Efficiency {
    /// Of a device: calibrated where a measured log allows it, else the medians of [`Efficiency::default`].
    pub fn of(device: &str) -> (Self, &'static str) {
        match device {
            // One number, the rate of products, by least error of TPOT over the first 100 of 300 requests of a vLLM 0.19
            // log of Llama-3.1-8B on one card. The other 200, and all other logs, are predictions.
            "nvidia/rtx-pro-6000" => (
                Self { product_rate: 0.67, ..Self::default() },
                "rooflines; medians of A100, H100 and B200 kernels, the rate of products from 100 requests of one log",
            ),
            _ => (Self::default(), "rooflines; medians of A100, H100 and B200 kernels, not calibrated on this device"),
        }
    }
}

impl Default for Efficiency {
    /// Medians over the A100, H100 and B200 kernel tables (products with n, k of 4096 and more: 0.67 to 0.84 of the rate at
    /// 8192 rows, 0.70 to 0.81 of the bandwidth at one row; caches over 1 GB: 0.86 to 0.88; causal prompts of 4k: 0.36 to
    /// 0.44); kernels of 2.4 us; grouped products
    /// of 128 experts of width 768 on H100, 2 to 16384 tokens: their bytes at 0.80 of the bandwidth and their operations at
    /// 0.43 of the rate, added up; 0.126 ms per step and 4 us per request are the host priors that BLIS published.
    fn default() -> Self {
        Self {
            product_rate: 0.76,
            product_bandwidth: 0.76,
            attention_rate: 0.40,
            attention_bandwidth: 0.86,
            other_bandwidth: 0.7,
            expert_rate: 0.43,
            expert_bandwidth: 0.8,
            kernel_s: 2.4e-6,
            step_s: 126e-6,
            sequence_s: 4e-6,
        }
    }
}

/// How a model lies on devices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Devices that share every product.
    pub tensor: u32,
    /// Ranks that share the experts, beside `tensor`.
    pub expert: u32,
    /// Bytes per second and direction between devices; 0: nothing is known, and nothing is charged.
    pub link: f64,
    /// Seconds of a collective at least.
    pub link_latency_s: f64,
}

/// One kind of layer, in numbers that do not depend on the load.
#[derive(Clone, Copy, Debug, Default)]
struct Layer {
    count: f64,
    /// Parameters of the projections, per device.
    projection: f64,
    /// Parameters of the dense feed-forward part, per device.
    dense: f64,
    /// Parameters of one expert, per device, experts of a device group, active ones.
    expert: f64,
    experts: f64,
    active: f64,
    /// Bytes of cache per token, per device.
    cache: f64,
    /// Operations per pair of query and key, per device.
    pair: f64,
    window: f64,
    /// Operations per pair, and bytes per cached token, of an indexer that looks at all keys.
    index_pair: f64,
    index_bytes: f64,
    /// Bytes beside products per token.
    other: f64,
    kernels: f64,
    /// Bytes that a collective sums per token, and collectives.
    reduced: f64,
    reductions: f64,
    /// Bytes per token that ranks with shared experts exchange, and exchanges.
    gathered: f64,
    gathers: f64,
}

/// Rooflines of one model on one kind of device.
#[derive(Clone, Debug)]
pub struct Roofline {
    layers: Vec<Layer>,
    logits: f64,
    hidden: f64,
    weight_bytes: f64,
    rate: f64,
    attention_peak: f64,
    bandwidth: f64,
    spread: Spread,
    efficiency: Efficiency,
}

/// Bytes of cache per token and layer on one of `tensor` devices; heads are repeated where there are fewer than devices.
fn cache_bytes(attention: &Attention, tensor: f64, element: f64) -> f64 {
    match *attention {
        Attention::Grouped { kv_heads, head_dim, .. } => {
            2.0 * (f64::from(kv_heads) / tensor).max(1.0) * f64::from(head_dim) * element
        }
        Attention::Latent { kv_rank, rope_dim, .. } => f64::from(kv_rank + rope_dim) * element,
        Attention::Compressed { .. } => attention.elements_per_token() * element,
        Attention::Linear { .. } | Attention::None => 0.0,
    }
}

/// Bytes of cache per token of a whole model on one of `tensor` devices, `element` bytes per element.
pub fn cache_bytes_per_token(model: &Transformer, tensor: u32, element: f64) -> f64 {
    let tensor = f64::from(tensor.max(1));
    model.blocks.iter().map(|block| f64::from(block.layers) * cache_bytes(&block.attention, tensor, element)).sum()
}

impl Roofline {
    /// Of a model on a device; none where the device's rate for the format is not known.
    pub fn new(
        model: &Transformer,
        device: &Accelerator,
        format: Format,
        spread: Spread,
        efficiency: Efficiency,
    ) -> Option<Self> {
        let rate = device.peak(format.arithmetic())?;
        let attention_peak = device.peak(crate::format::Arithmetic::Bf16).unwrap_or(rate);
        let (d, t) = (f64::from(model.hidden), f64::from(spread.tensor.max(1)));
        let ep = f64::from(spread.expert.max(1));
        let layers = model
            .blocks
            .iter()
            .map(|block| {
                let kept = |sparse: Option<SparseIndex>| sparse.map_or(f64::INFINITY, |index| f64::from(index.kept));
                // Operations per pair of query and key, and keys that a query sees at most.
                let (pair, window, index) = match block.attention {
                    Attention::Grouped { heads, head_dim, window, sparse, .. } => {
                        let window = window.map_or(f64::INFINITY, f64::from).min(kept(sparse));
                        (4.0 * f64::from(heads) * f64::from(head_dim), window, sparse)
                    }
                    Attention::Latent { heads, kv_rank, rope_dim, sparse, .. } => {
                        let width = 2.0 * f64::from(kv_rank) + f64::from(rope_dim);
                        (2.0 * f64::from(heads) * width, kept(sparse), sparse)
                    }
                    Attention::Compressed { heads, head_dim, ratio, window, sparse, .. } => {
                        let seen = if ratio == 0 { 0.0 } else { kept(sparse) };
                        (4.0 * f64::from(heads) * f64::from(head_dim), seen + f64::from(window), sparse)
                    }
                    Attention::Linear { .. } | Attention::None => (0.0, 0.0, None),
                };
                let projection = block.attention.parameters(model.hidden) as f64;
                let mut layer = Layer {
                    count: f64::from(block.layers),
                    projection: projection / t,
                    pair: pair / t,
                    window,
                    index_pair: index.map_or(0.0, |index| 2.0 * f64::from(index.heads) * f64::from(index.dim)),
                    index_bytes: index.map_or(0.0, |index| f64::from(index.dim) * (1.0 + 4.0 / 128.0)),
                    cache: cache_bytes(&block.attention, t, 2.0),
                    // Two norms with their residuals, rotation, what products write and others read again.
                    other: 2.0 * 10.0 * d,
                    kernels: 9.0,
                    reduced: if spread.tensor > 1 { 2.0 * d } else { 0.0 },
                    reductions: if spread.tensor > 1 { 2.0 } else { 0.0 },
                    ..Layer::default()
                };
                let matrices = |gated: bool| if gated { 3.0 } else { 2.0 };
                match block.feed_forward {
                    FeedForward::Dense { inner, gated } => {
                        layer.dense = matrices(gated) * d * f64::from(inner) / t;
                        layer.other += 2.0 * 3.0 * f64::from(inner) / t;
                    }
                    FeedForward::Experts { experts, active, inner, shared_inner, gated, .. } => {
                        layer.dense = (matrices(gated) * d * f64::from(shared_inner) + d * f64::from(experts)) / t;
                        layer.expert = matrices(gated) * d * f64::from(inner);
                        layer.experts = f64::from(experts) / ep / if spread.expert > 1 { 1.0 } else { t };
                        layer.active = f64::from(active);
                        layer.other += 2.0 * f64::from(active) * (2.0 * d + 3.0 * f64::from(inner)) / ep / t;
                        layer.kernels += 8.0;
                        if spread.expert > 1 {
                            // Every rank's tokens go to all ranks, and their sums come back.
                            layer.gathered = 2.0 * d;
                            layer.gathers = 2.0;
                        }
                    }
                    FeedForward::None => {}
                }
                layer
            })
            .collect();
        Some(Self {
            layers,
            logits: f64::from(model.vocabulary) * d / t,
            hidden: d,
            weight_bytes: format.weight_bytes(),
            rate: rate * efficiency.product_rate,
            attention_peak: attention_peak * efficiency.attention_rate,
            bandwidth: device.bandwidth,
            spread,
            efficiency,
        })
    }

    /// A product of `rows` with so many parameters.
    fn product(&self, rows: f64, parameters: f64) -> f64 {
        if parameters <= 0.0 || rows <= 0.0 {
            return 0.0;
        }
        // Rows are padded to the tile that multiplies them.
        let compute = 2.0 * (rows / 16.0).ceil() * 16.0 * parameters / self.rate;
        let memory = parameters * self.weight_bytes / (self.bandwidth * self.efficiency.product_bandwidth);
        soft_max(compute, memory)
    }

    /// Grouped products over experts, for the tokens of all ranks.
    fn experts(&self, layer: &Layer, tokens: f64) -> f64 {
        if layer.experts <= 0.0 || tokens <= 0.0 {
            return 0.0;
        }
        let all = layer.experts * f64::from(self.spread.expert.max(1));
        let share = (layer.active / all.max(1.0)).min(1.0);
        let touched = layer.experts * (1.0 - (1.0 - share).powf(tokens));
        let compute = 2.0 * tokens * layer.active / all.max(1.0) * layer.experts * layer.expert
            / (self.rate / self.efficiency.product_rate * self.efficiency.expert_rate);
        let memory = touched * layer.expert * self.weight_bytes / (self.bandwidth * self.efficiency.expert_bandwidth);
        // Groups have too few rows to hide one behind the other: measured times are the sum.
        compute + memory
    }

    fn layers(&self, load: &StepLoad, group_tokens: f64) -> f64 {
        let efficiency = &self.efficiency;
        let tokens = load.tokens() as f64;
        let mut seconds = 0.0;
        for layer in &self.layers {
            let context = load.decode_context as f64;
            let seen = context.min(f64::from(load.decodes) * layer.window);
            let before = load.prefill_context as f64;
            let before = before.min(f64::from(load.prefill_pieces) * layer.window);
            let pairs = (load.prefill_pairs as f64).min(load.prefill_tokens as f64 * layer.window);
            let all = context + load.prefill_context as f64;
            let cache = (seen + before + load.prefill_tokens as f64) * layer.cache + all * layer.index_bytes;
            let index = (load.prefill_pairs as f64 + context) * layer.index_pair;
            let attention = cache / (self.bandwidth * efficiency.attention_bandwidth)
                + (pairs * layer.pair + index) / self.attention_peak;
            let other = tokens * layer.other / (self.bandwidth * efficiency.other_bandwidth);
            let links = if self.spread.link > 0.0 {
                let bytes = layer.reductions * tokens * layer.reduced
                    + layer.gathers * (group_tokens - tokens).max(0.0) * layer.gathered;
                (layer.reductions + layer.gathers) * self.spread.link_latency_s + bytes / self.spread.link
            } else {
                0.0
            };
            seconds += layer.count
                * (self.product(tokens, layer.projection)
                    + self.product(tokens, layer.dense)
                    + self.experts(layer, group_tokens)
                    + attention
                    + other
                    + links
                    + layer.kernels * efficiency.kernel_s);
        }
        let sampled = f64::from(load.decodes) + f64::from(load.prefill_ends);
        let sequences = f64::from(load.decodes) + f64::from(load.prefill_pieces);
        seconds
            + self.product(sampled.max(1.0), self.logits)
            + tokens * self.hidden * 2.0 / self.bandwidth
            + efficiency.step_s
            + efficiency.sequence_s * sequences
    }
}

/// The larger of two times, a little more where they are alike: neither hides the other entirely.
fn soft_max(a: f64, b: f64) -> f64 {
    let (high, low) = (a.max(b), a.min(b));
    if high <= 0.0 {
        return 0.0;
    }
    let ratio = (low / high).powi(4);
    high * (1.0 + ratio).sqrt().sqrt()
}

impl StepCost for Roofline {
    fn seconds(&self, load: &StepLoad) -> f64 {
        // One rank alone stands for a group whose ranks are all alike.
        self.layers(load, load.tokens() as f64 * f64::from(self.spread.expert.max(1)))
    }

    fn group_seconds(&self, loads: &[StepLoad]) -> f64 {
        let all: f64 = loads.iter().map(|load| load.tokens() as f64).sum();
        loads
            .iter()
            .map(|load| if load.tokens() > 0 { *load } else { StepLoad { decodes: 1, decode_context: 1, ..*load } })
            .map(|load| self.layers(&load, all))
            .fold(0.0, f64::max)
    }
}
