//! Training of any model on accelerators of the catalogue: what is asked, whether it divides, and the recipe of it.

use serde::Serialize;

use super::decoder::{self, Spread};
use super::device::{Device, Efficiency, Rate};
use super::fault::{Fault, choices, divisors};
use super::layer::{Layer, Overlap, Recompute};
use super::network::{Group, Tier, Volume};
use super::recipe::{Recipe, Sharding, Storage};
use super::schedule::Order;
use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::kernel::{Calibration, Kernels};
use crate::models::transformer::{Attention, Certainty, FeedForward, Transformer};

/// What is asked of a machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Devices.
    pub devices: u64,
    /// Ranks that share matrices.
    pub tensor: u64,
    /// Pipeline stages.
    pub pipeline: u64,
    /// Ranks that share a sequence.
    pub context: u64,
    /// Ranks with other data.
    pub data: u64,
    /// Ranks that share experts (1: every expert is split over the ranks that share matrices).
    pub expert: u64,
    /// Sequences of a step, all ranks.
    pub batch: u64,
    /// Sequences of a micro-batch.
    pub micro_batch: u64,
    /// Tokens of a sequence.
    pub sequence: u64,
    /// Chunks of layers per pipeline stage.
    pub chunks: u64,
    /// Order of passes.
    pub order: Order,
    /// What is computed again.
    pub recompute: Recompute,
    /// What ranks with other data share.
    pub sharding: Sharding,
    /// Whether norms and residuals are split along the sequence over ranks that share matrices.
    pub sequence_parallel: bool,
    /// Overlap of tensor transfers with products.
    pub overlap: Overlap,
    /// Whether gradients are sent during the backward pass.
    pub data_overlap: bool,
    /// Format of products with weights.
    pub format: Format,
    /// Devices of a scale-up domain.
    pub domain: u64,
    /// Bytes per second and device between domains.
    pub network: f64,
}

/// Share of a scale-up link that large collectives reach: median over A100, H100 and B200 of NCCL's all-gather at 0.5 GB
/// on eight devices (222 of 300, 335 of 450, 617 of 900 GB/s).
const SCALE_UP_SHARE: f64 = 0.73;

/// Share of a network between nodes that large collectives reach (estimate: rings over 400 Gb/s links report 0.8 to 0.95).
const NETWORK_SHARE: f64 = 0.85;

/// Seconds that a collective takes to start within a domain, and between domains (NCCL's small messages on 8 devices take
/// 16 to 26 us; between nodes an estimate).
const LATENCY: [f64; 2] = [15e-6, 30e-6];

/// Share of the processors that moves data meanwhile, within a domain and between domains (estimates: 16 to 20 of 132
/// and a few).
const PROCESSORS: [f64; 2] = [0.12, 0.03];

/// Share of the peak that large fused attention reaches forward (H100 53 %, A100 47 %, B200 50 % for causal prompts of 16k
/// tokens), and operations at which half of it is reached.
const ATTENTION: (f64, f64) = (0.52, 3e9);

/// Share of the memory bandwidth that large element-wise kernels reach, and bytes at which half of it is reached.
const MEMORY: (f64, f64) = (0.88, 4e6);

/// Seconds of an empty kernel in a stream that never runs dry.
const FLOOR: f64 = 2.5e-6;

/// Bytes that runtime, communication library and fragments take (estimate).
const RESERVE: f64 = 5e9;

/// What no operator shows, as a factor: clocks that sink under sustained load, stragglers, host. From seven of thirteen
/// published runs of dense models: every other one of the module `published`, and one of two on GB300; those that chose
/// nothing are met within 7 % on average.
pub const STRETCH: f64 = 1.04;

/// The same for models with experts, beside [`STRETCH`]: uneven experts, many small kernels, permutations that are not
/// fused. From six of eleven published runs, chosen alike; they differ much (libraries of these months are far apart), and
/// those that chose nothing are met within 25 % on average.
pub const STRETCH_EXPERTS: f64 = 1.5;

/// Ends of the band: factors that hold 80 % of published runs.
const BAND: [f64; 2] = [1.12, 1.15];

/// The same for models with experts.
const BAND_EXPERTS: [f64; 2] = [1.5, 1.75];

impl Plan {
    /// Micro-batches of a step on one rank.
    pub fn micro_batches(&self) -> u64 {
        self.batch / self.data / self.micro_batch
    }

    /// What does not divide, and what would work.
    pub fn faults(&self, model: &Transformer) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |message: String, help: String| faults.push(Fault::new(message, help));
        for (flag, value) in [
            ("devices", self.devices),
            ("tp", self.tensor),
            ("pp", self.pipeline),
            ("cp", self.context),
            ("dp", self.data),
            ("ep", self.expert),
            ("batch", self.batch),
            ("micro-batch", self.micro_batch),
            ("seq", self.sequence),
            ("interleave", self.chunks),
            ("domain", self.domain),
        ] {
            if value == 0 || value > 1 << 24 {
                fault(format!("--{flag} is {value}"), format!("give 1 to {}", 1 << 24));
            }
        }
        if !faults.is_empty() {
            return faults;
        }
        let mut fault = |message: String, help: String| faults.push(Fault::new(message, help));
        let (t, p, c, d) = (self.tensor, self.pipeline, self.context, self.data);
        let product = u128::from(t) * u128::from(p) * u128::from(c) * u128::from(d);
        if product != u128::from(self.devices) {
            let fixed = t.saturating_mul(p).saturating_mul(c);
            let help = if self.devices.is_multiple_of(fixed) {
                format!("--dp {} would use all of them", self.devices / fixed)
            } else {
                format!(
                    "--devices {product} would work, or factors of {}: {}",
                    self.devices,
                    choices(self.devices, fixed)
                )
            };
            fault(
                format!("--tp {t} x --pp {p} x --cp {c} x --dp {d} = {product}, but --devices is {}", self.devices),
                help,
            );
        }
        if !self.batch.is_multiple_of(d * self.micro_batch) {
            let unit = d * self.micro_batch;
            let near = (self.batch / unit).max(1) * unit;
            fault(
                format!(
                    "--batch {} does not divide by --dp {d} x --micro-batch {} = {unit}",
                    self.batch, self.micro_batch
                ),
                format!("--batch {near} or {} would work", near + unit),
            );
        }
        let layers: u64 = model.blocks.iter().map(|b| u64::from(b.layers)).sum();
        if p * self.chunks > layers {
            fault(
                format!(
                    "--pp {p} x --interleave {} = {} chunks, but the model has {layers} layers",
                    self.chunks,
                    p * self.chunks
                ),
                format!("at most {layers} chunks: --pp can be {}", choices(layers, p)),
            );
        }
        if p == 1 && self.chunks > 1 {
            fault("--interleave needs more than one stage".into(), "leave it out, or raise --pp".into());
        }
        if self.order == Order::ZeroBubble && self.chunks > 1 {
            fault("zero bubble is scheduled with one chunk per stage".into(), "leave out --interleave".into());
        }
        let parts = c * if self.sequence_parallel { t } else { 1 };
        if !self.sequence.is_multiple_of(parts) {
            fault(
                format!("--seq {} does not divide over {parts} ranks that share a sequence", self.sequence),
                format!("--seq {} would work", self.sequence.div_ceil(parts) * parts),
            );
        }
        heads(self, model, &mut fault);
        experts(self, model, &mut fault);
        faults
    }

    /// The recipe; faults where something does not divide or the device has no such format.
    pub fn recipe(
        &self,
        model: &Transformer,
        device: &Accelerator,
        calibration: &Calibration,
    ) -> Result<Recipe, Vec<Fault>> {
        let mut faults = self.faults(model);
        let peak = device.peak(self.format.arithmetic());
        let peak_wide = device.peak(Format::Bf16.arithmetic());
        let (Some(peak), Some(wide)) = (peak, peak_wide) else {
            faults.push(Fault::new(
                format!("{} has no known rate for {}", device.name, self.format.name()),
                "choose another --device or --format, or add the figure to a catalogue of your own (--catalogue)",
            ));
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let spread = Spread {
            micro_batch: self.micro_batch,
            sequence: self.sequence,
            tensor: self.tensor,
            sequence_parallel: self.sequence_parallel && self.tensor > 1,
            context: self.context,
            expert: self.expert,
            operand: self.format.activation_bytes(),
            all_again: self.recompute == Recompute::Full,
            scatter_each: self.sharding >= Sharding::Gradients && self.data * self.context > 1,
            gather_weights: self.sharding == Sharding::Weights && self.data * self.context > 1,
        };
        let (layers, content) = self.content(model, &spread);
        let kernels = Kernels::for_device(device, calibration);
        let ranks = self.tensor * self.context;
        let tensor = self.group(1, self.tensor);
        let dense = self.group(self.tensor, self.data * self.context);
        // Experts on ranks of their own lie side by side; what is left over holds the same experts.
        let (expert, expert_data) = if self.expert > 1 {
            (self.group(1, self.expert), self.group(self.expert, ranks * self.data / self.expert))
        } else {
            (Group::on(0, 1), dense)
        };
        let own = (self.micro_batch * self.sequence * u64::from(model.hidden)) as f64 / self.context as f64;
        let split = if spread.sequence_parallel { self.tensor as f64 } else { 1.0 };
        let guess = if model.certainty == Certainty::Guess { 1.1 } else { 1.0 };
        let has_experts = model.has_experts();
        let band = if has_experts { BAND_EXPERTS } else { BAND };
        Ok(Recipe {
            device: Device {
                matrix: ramp(peak, (0.7, 5e9)),
                wide: ramp(wide, (0.7, 5e9)),
                attention: ramp(wide, ATTENTION),
                vector: ramp(wide / 8.0, (0.8, 1e8)),
                memory: ramp(device.bandwidth, MEMORY),
                overlaps: true,
                floor: FLOOR,
                products: Some(Box::new([
                    kernels.gemm_kernel(self.format).clone(),
                    kernels.gemm_kernel(Format::Bf16).clone(),
                ])),
            },
            peak,
            memory: device.memory_bytes,
            reserve: RESERVE,
            tiers: self.tiers(device),
            layers,
            content,
            stages: self.pipeline as usize,
            chunks: self.chunks as usize,
            micro_batches: self.micro_batches() as usize,
            tokens: (self.batch * self.sequence) as f64,
            devices: self.devices,
            order: self.order,
            recompute: self.recompute,
            overlap: if self.tensor > 1 { self.overlap } else { Overlap::None },
            groups: [tensor, self.group(self.tensor, self.context), expert, dense],
            send_bytes: own * 2.0 / split,
            send_tier: usize::from(self.domain < self.devices && ranks * self.data >= self.domain),
            send_gathered: false,
            // Interleaved schedules send beside the next chunk; others wait (Megatron-Core's defaults).
            send_blocks: self.chunks == 1,
            data_group: dense,
            expert_data_group: expert_data,
            sharding: self.sharding,
            data_overlap: self.data_overlap,
            storage: Storage::mixed(2.0, 4.0),
            offload: None,
            training: true,
            stretch: if has_experts { STRETCH * STRETCH_EXPERTS } else { STRETCH },
            band: [band[0] * guess, band[1] * guess],
        })
    }

    /// Where `ranks` ranks `stride` apart lie: so many of them in one domain.
    fn group(&self, stride: u64, ranks: u64) -> Group {
        let together = (self.domain / stride).clamp(1, ranks.max(1));
        let inner = divisors(ranks.max(1)).into_iter().rev().find(|d| *d <= together).unwrap_or(1);
        Group { inner_tier: 0, inner, outer_tier: 1, outer: ranks / inner }
    }

    fn tiers(&self, device: &Accelerator) -> Vec<Tier> {
        let tier = |bandwidth, at: usize, size| Tier {
            bandwidth,
            latency: LATENCY[at],
            size,
            processor_share: PROCESSORS[at],
            send: Volume::ONCE,
            reduce_scatter: Volume::RING,
            all_gather: Volume::RING,
            all_reduce: Volume::RING_TWICE,
            all_to_all: Volume::RING,
        };
        let near = if device.scale_up > 0.0 { device.scale_up * SCALE_UP_SHARE } else { self.network * NETWORK_SHARE };
        vec![tier(near, 0, self.domain), tier(self.network * NETWORK_SHARE, 1, self.devices)]
    }

    /// Layers that differ, and what every chunk of every stage holds of them.
    fn content(&self, model: &Transformer, spread: &Spread) -> (Vec<Layer>, Vec<Vec<(usize, u32)>>) {
        let mut layers: Vec<Layer> = model.blocks.iter().map(|block| decoder::layer(model, block, spread)).collect();
        let mut order = model.blocks.iter().enumerate().flat_map(|(at, b)| std::iter::repeat_n(at, b.layers as usize));
        let (stages, chunks) = (self.pipeline as usize, self.chunks as usize);
        let places = stages * chunks;
        let total: usize = model.blocks.iter().map(|b| b.layers as usize).sum();
        let (each, rest) = (total / places, total % places);
        let mut content = vec![Vec::new(); places];
        for place in 0..places {
            // Embedding and logits make the first and the last place heavier: others take what does not divide.
            let more = usize::from(if rest + 1 < places { (1..=rest).contains(&place) } else { place < rest });
            let mut here: Vec<(usize, u32)> = Vec::new();
            for kind in order.by_ref().take(each + more) {
                match here.last_mut() {
                    Some((last, n)) if *last == kind => *n += 1,
                    _ => here.push((kind, 1)),
                }
            }
            // Places follow each other over the stages, chunk by chunk.
            content[(place % stages) * chunks + place / stages] = here;
        }
        let outside = layers.len();
        layers.push(decoder::embedding(model, spread));
        layers.push(decoder::head(model, spread, self.pipeline));
        if let Some(first) = content.first_mut() {
            first.insert(0, (outside, 1));
        }
        if let Some(last) = content.last_mut() {
            last.push((outside + 1, 1));
        }
        (layers, content)
    }
}

fn ramp(peak: f64, (best, half): (f64, f64)) -> Rate {
    Rate { peak, efficiency: Efficiency::Ramp { best, half } }
}

fn heads(plan: &Plan, model: &Transformer, fault: &mut impl FnMut(String, String)) {
    let t = plan.tensor;
    let bad = model.blocks.iter().find_map(|block| {
        let heads = match block.attention {
            Attention::Grouped { heads, .. }
            | Attention::Latent { heads, .. }
            | Attention::Compressed { heads, .. } => heads,
            Attention::Linear { value_heads, .. } => value_heads,
            Attention::None => return None,
        };
        (!u64::from(heads).is_multiple_of(t)).then_some(heads)
    });
    if let Some(heads) = bad {
        fault(
            format!("{heads} attention heads of {} do not divide by --tp {t}", model.name),
            format!("--tp can be {}", choices(u64::from(heads), t)),
        );
    }
}

fn experts(plan: &Plan, model: &Transformer, fault: &mut impl FnMut(String, String)) {
    let e = plan.expert;
    let experts = model.blocks.iter().find_map(|block| match block.feed_forward {
        FeedForward::Experts { experts, .. } => Some(u64::from(experts)),
        _ => None,
    });
    match experts {
        None if e > 1 => {
            fault(format!("{} has no experts for --ep {e} to spread", model.name), "leave out --ep".into())
        }
        Some(experts) if !experts.is_multiple_of(e) => {
            fault(
                format!("{experts} experts do not divide by --ep {e}"),
                format!("--ep can be {}", choices(experts, e)),
            );
        }
        _ => {}
    }
    let ranks = plan.tensor.saturating_mul(plan.context).saturating_mul(plan.data);
    if e > 1 && !ranks.is_multiple_of(e) {
        fault(
            format!("--ep {e} does not divide the {ranks} ranks of a pipeline stage (--tp x --cp x --dp)"),
            format!("--ep can be {}", choices(ranks, e)),
        );
    }
}
