//! What bounds every operator of a step: its operations and bytes beside its time.

use serde::Serialize;

use super::engine::Engine;
use super::load::StepLoad;
use super::operator::{Operator, Part, Rows};
use crate::accelerator::Accelerator;
use crate::format::{Arithmetic, Format};
use crate::kernel::context_attention::ContextQuery;
use crate::kernel::gemm::GemmQuery;
use crate::kernel::generation_attention::GenerationQuery;
use crate::kernel::moe::MoeQuery;

/// Share of an operator's time that its operations or bytes must take at the device's peaks to be called its bound; below,
/// it is launches, waves and tails. Good kernels reach 0.6 to 0.9.
const BOUND_SHARE: f64 = 0.4;

/// What an operator waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Bytes of the device's memory.
    Bytes,
    /// Operations.
    Operations,
    /// Launches, waves that do not fill the device, tails.
    Floor,
    /// Other devices.
    Links,
}

impl Bound {
    /// Every bound, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Bytes, Self::Operations, Self::Floor, Self::Links];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bytes => "bytes of memory",
            Self::Operations => "operations",
            Self::Floor => "launches, waves, tails",
            Self::Links => "other devices",
        }
    }
}

/// One operator of a step on one device, all layers that have it together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    /// Part of the model.
    pub part: Part,
    /// What it does.
    pub name: &'static str,
    /// Sizes in words: `7168 x 8192, fp8`.
    pub shape: String,
    /// How often a step runs it.
    pub count: f64,
    /// Seconds of all of them.
    pub seconds: f64,
    /// Operations of all of them.
    pub operations: f64,
    /// Bytes to and from the device's memory.
    pub bytes: f64,
    /// Bytes that a device puts on its links.
    pub sent: f64,
    /// Seconds of the operations at the device's peak.
    pub at_peak_rate: f64,
    /// Seconds of the bytes at the memory's bandwidth.
    pub at_peak_bandwidth: f64,
    /// What it waits for.
    pub bound: Bound,
}

/// Operations with their arithmetic, bytes of memory, bytes on links; of one operator, once.
struct Work {
    arithmetic: Arithmetic,
    operations: f64,
    bytes: f64,
    sent: f64,
}

impl Engine {
    /// Every operator of a step that takes time, in the order in which it runs.
    pub fn accounts(&self, load: &StepLoad) -> Vec<Account> {
        let device = &self.kernels().device;
        let mut accounts = Vec::new();
        for (at, item) in self.items().iter().enumerate() {
            let seconds = item.count * self.operator_seconds(at, load);
            if seconds.is_nan() || seconds <= 0.0 {
                continue;
            }
            let work = work(&item.operator, load, device);
            let operations = work.operations * item.count;
            let bytes = work.bytes * item.count;
            let at_peak_rate = device.peak(work.arithmetic).map_or(0.0, |rate| operations / rate);
            let at_peak_bandwidth = bytes / device.bandwidth.max(1.0);
            let bound = match () {
                () if item.part == Part::Communication => Bound::Links,
                () if at_peak_rate.max(at_peak_bandwidth) < BOUND_SHARE * seconds => Bound::Floor,
                () if at_peak_rate > at_peak_bandwidth => Bound::Operations,
                () => Bound::Bytes,
            };
            let (name, shape) = words(&item.operator);
            accounts.push(Account {
                part: item.part,
                name,
                shape,
                count: item.count,
                seconds,
                operations,
                bytes,
                sent: work.sent * item.count,
                at_peak_rate,
                at_peak_bandwidth,
                bound,
            });
        }
        accounts
    }
}

/// What one operator asks of a device, once.
fn work(operator: &Operator, load: &StepLoad, device: &Accelerator) -> Work {
    let tokens = load.tokens() as f64;
    let plain = |operations: f64, bytes: f64| Work { arithmetic: Arithmetic::Bf16, operations, bytes, sent: 0.0 };
    match *operator {
        Operator::Product { format, rows, n, k } => {
            let query = GemmQuery::new(format, rows.count(load), n, k);
            Work { arithmetic: format.arithmetic(), ..plain(query.operations, query.bytes) }
        }
        Operator::PerHead { heads, rows, n, k } => {
            let m = rows.count(load);
            plain(2.0 * heads * m * n * k, 2.0 * heads * (k * n + m * (k + n)))
        }
        Operator::Context(shape) => {
            let query = context(&shape, load);
            Work { arithmetic: shape.arithmetic(), ..plain(query.operations(), query.bytes()) }
        }
        Operator::LatentContext(shape) => {
            let query = context(&shape.expanded(), load);
            plain(query.operations(), query.bytes())
        }
        Operator::Generation(shape) => {
            let contexts = load.decode_context as f64;
            let read =
                shape.window.map_or(contexts, |window| contexts.min(f64::from(load.decodes) * f64::from(window)));
            let operations = 4.0 * f64::from(shape.heads) * f64::from(shape.head_dim) * read;
            plain(operations, GenerationQuery::new(&shape, f64::from(load.decodes), contexts).bytes())
        }
        Operator::LatentGeneration(shape) => {
            let contexts = load.decode_context as f64;
            let query = GenerationQuery::new(&shape.compressed(), f64::from(load.decodes), contexts);
            plain(shape.absorbed_operations(contexts), query.bytes())
        }
        Operator::Linear(shape) => {
            let states = 2.0 * shape.state_bytes() * f64::from(load.decodes + load.prefill_pieces);
            let state = f64::from(shape.heads) * f64::from(shape.key_dim) * f64::from(shape.value_dim);
            // Every token updates the state and reads it.
            plain(8.0 * tokens * state, states)
        }
        Operator::Index { heads, dim } => {
            let pairs = (load.prefill_pairs + load.decode_context) as f64;
            let contexts = (load.decode_context + load.prefill_context + load.prefill_tokens) as f64;
            // Keys of 8 bits with a scale; scores are written and read as 32-bit numbers.
            let bytes = contexts * (dim + 4.0) + 8.0 * pairs;
            Work { arithmetic: Arithmetic::Fp8, ..plain(2.0 * pairs * heads * dim, bytes) }
        }
        Operator::Experts { format, shape, groups } => {
            let query = MoeQuery::new(format, &shape, tokens * groups);
            let peaks = crate::fit::law::Peaks::of(device, format.arithmetic());
            let ideal = query.ideal(&peaks);
            let operations = if peaks.rate.is_finite() { ideal.compute * peaks.rate } else { 0.0 };
            Work { arithmetic: format.arithmetic(), ..plain(operations, ideal.memory * peaks.bandwidth) }
        }
        Operator::Sum { ranks, elements } => {
            let bytes = tokens * elements * 2.0;
            Work { sent: 2.0 * (ranks - 1.0) / ranks.max(1.0) * bytes, ..plain(0.0, 2.0 * bytes) }
        }
        Operator::Exchange { ranks, elements, bytes, active } => {
            let reached = reached(ranks, active);
            let sent = tokens * reached * elements * bytes;
            Work { sent, ..plain(0.0, 2.0 * sent) }
        }
        Operator::Stream { rows, bytes, .. } => plain(0.0, rows.count(load) * bytes),
    }
}

/// Devices that a token of `active` experts goes to, of `ranks`.
pub(super) fn reached(ranks: f64, active: f64) -> f64 {
    ranks * (1.0 - (1.0 - 1.0 / ranks.max(1.0)).powf(active))
}

fn context(shape: &crate::kernel::attention_shape::AttentionShape, load: &StepLoad) -> ContextQuery {
    ContextQuery::new(
        shape,
        f64::from(load.prefill_pieces),
        load.prefill_tokens as f64,
        load.prefill_pairs as f64,
        load.prefill_context as f64,
    )
}

fn words(operator: &Operator) -> (&'static str, String) {
    let product = |n: f64, k: f64, format: Format| format!("{k:.0} x {n:.0}, {}", format.name());
    match *operator {
        Operator::Product { rows: Rows::Sampled, n, k, format } => ("logits", product(n, k, format)),
        Operator::Product { n, k, format, .. } => ("product", product(n, k, format)),
        Operator::PerHead { heads, n, k, .. } => ("product per head", format!("{heads:.0} times {k:.0} x {n:.0}")),
        Operator::Context(shape) => ("attention of prompts", heads(shape.heads, shape.kv_heads)),
        Operator::Generation(shape) => ("attention of answers", heads(shape.heads, shape.kv_heads)),
        Operator::LatentContext(shape) => ("attention of prompts", format!("{} heads, latent", shape.heads)),
        Operator::LatentGeneration(shape) => ("attention of answers", format!("{} heads, latent", shape.heads)),
        Operator::Linear(shape) => ("linear attention", format!("{} heads", shape.heads)),
        Operator::Index { heads, .. } => ("indexer", format!("{heads:.0} heads")),
        Operator::Experts { format, shape, .. } => {
            ("experts", format!("{} of {}, {}", shape.active, shape.experts, format.name()))
        }
        Operator::Sum { ranks, .. } => ("all-reduce", format!("{ranks:.0} devices")),
        Operator::Exchange { ranks, .. } => ("all-to-all, both ways", format!("{ranks:.0} devices")),
        Operator::Stream { kernel, .. } => (kernel.words(), String::new()),
    }
}

fn heads(heads: u32, kv_heads: u32) -> String {
    format!("{heads} heads on {kv_heads}")
}

/// The load of a mean step of a worker: `decodes` sequences half through their answers, and the prompts that keep up.
pub fn mean_load(decodes: f64, input: f64, output: f64) -> StepLoad {
    let whole = |value: f64| if value.is_finite() { value.round().clamp(0.0, 1e15) as u64 } else { 0 };
    let ends = decodes / output.max(1.0);
    let tokens = ends * input;
    StepLoad {
        decodes: whole(decodes).clamp(1, 1 << 20) as u32,
        decode_context: whole(decodes.max(1.0) * (input + 0.5 * output)),
        prefill_tokens: whole(tokens),
        prefill_pieces: u32::from(whole(tokens) > 0) * whole(ends).clamp(1, 1 << 20) as u32,
        prefill_pairs: whole(tokens * 0.5 * input),
        prefill_context: 0,
        prefill_ends: whole(ends).min(1 << 20) as u32,
    }
}

/// The load of one prompt of so many tokens, alone.
pub fn prompt_load(input: f64) -> StepLoad {
    let mut load = StepLoad::default();
    load.add_piece(input.round().clamp(1.0, 1e9) as u64, 0, true);
    load
}

/// The load of a step that only decodes.
pub fn decode_load(decodes: f64, input: f64, output: f64) -> StepLoad {
    let mean = mean_load(decodes, input, output);
    StepLoad { decodes: mean.decodes, decode_context: mean.decode_context, ..StepLoad::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::accelerator::tests::plain;
    use crate::kernel::{Calibration, Kernels};
    use crate::layout::Layout;
    use crate::models;
    use crate::models::precision::Precision;

    fn engine(tensor: u32, format: Format) -> Engine {
        let model = models::find("meta-llama/Llama-3.1-70B").expect("built in");
        let device = plain("nvidia/h100-sxm", 989e12, 3.35e12);
        let kernels = Arc::new(Kernels::for_device(&device, Calibration::built_in()));
        Engine::new(&model, &Layout { tensor, ..Layout::SINGLE }, &Precision::uniform(format), &kernels)
    }

    /// A decode step reads every weight once: 69.5 G parameters without the token table, 2 bytes each, over 8 devices; and
    /// multiplies each with every token.
    #[test]
    fn weights_are_read_once_and_multiplied_once() {
        let accounts = engine(8, Format::Bf16).accounts(&decode_load(64.0, 1024.0, 1024.0));
        let products = || accounts.iter().filter(|a| a.name == "product" || a.name == "logits");
        let (bytes, operations) = products().fold((0.0, 0.0), |sum, a| (sum.0 + a.bytes, sum.1 + a.operations));
        let weights = 69.503e9 / 8.0;
        assert!((operations / (2.0 * 64.0 * weights) - 1.0).abs() < 0.001, "{operations}");
        assert!(bytes > 2.0 * weights && bytes < 2.15 * weights, "{bytes}");
        // 64 sequences of 1536 tokens, 40,960 bytes a token and device.
        let cache: f64 = accounts.iter().filter(|a| a.name == "attention of answers").map(|a| a.bytes).sum();
        assert!((cache / (64.0 * 1536.0 * 40_960.0) - 1.0).abs() < 0.01, "{cache}");
    }

    #[test]
    fn decoding_waits_for_bytes_and_prompts_for_operations() {
        let engine = engine(8, Format::Bf16);
        let most = |load: &StepLoad| {
            let accounts = engine.accounts(load);
            let of = |bound| accounts.iter().filter(|a| a.bound == bound).map(|a| a.seconds).sum::<f64>();
            Bound::ALL.into_iter().max_by(|a, b| of(*a).total_cmp(&of(*b))).expect("four")
        };
        assert_eq!(most(&decode_load(64.0, 1024.0, 1024.0)), Bound::Bytes);
        assert_eq!(most(&prompt_load(8192.0)), Bound::Operations);
    }

    #[test]
    fn accounts_are_the_breakdown() {
        let engine = engine(4, Format::Fp8);
        let load = mean_load(48.0, 1024.0, 256.0);
        assert_eq!((load.decodes, load.prefill_tokens, load.prefill_pieces), (48, 192, 1));
        let sum: f64 = engine.accounts(&load).iter().map(|account| account.seconds).sum();
        let breakdown = engine.breakdown(&load);
        assert!((sum + breakdown.host - breakdown.total()).abs() < 1e-9);
    }
}
