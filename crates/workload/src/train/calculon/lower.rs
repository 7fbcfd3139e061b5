//! From Calculon's files to a recipe.

use super::Case;
use super::files::{
    ActivationRecompute, AttentionType, EngineTable, MemoryTable, NetworkTable, ProcessingMode, TensorExchange,
    TensorOverlap,
};
use crate::train::device::{Device, Efficiency, Rate};
use crate::train::gpt::{self, Exchange, GptShape, GptSpread};
use crate::train::layer::{Overlap, Recompute};
use crate::train::network::{Group, Tier, Volume};
use crate::train::recipe::{Offload, Recipe, Sharding, Storage};
use crate::train::schedule::Order;

/// Tokens of the vocabulary where a caller gives none: that of the models in arXiv 2205.05198, table 3.
pub const VOCABULARY: u64 = 51_200;

/// What no operator shows, as a factor: stragglers, host, data loading. The two models of the measured steps in the data
/// (22B and 175B, each with full and with selective recomputation) ask for 1.018 on average.
const STRETCH: f64 = 1.02;

/// Measurements lie within this factor of predictions, 80 % of them. Of the eight measured steps of arXiv 2205.05198,
/// table 5, the farthest is 5 % off (530B and 1T set no constant, but were known when logits were added). They come from one group, one machine and one
/// program, which these files describe: others will be farther, so the band is wider.
const BAND: [f64; 2] = [1.08, 1.08];

fn rate(table: &EngineTable) -> Rate {
    let rows = table.gflops_efficiency.iter().map(|(from, share)| (from * 1e9, *share)).collect();
    Rate { peak: table.tflops * 1e12, efficiency: Efficiency::Steps(rows) }
}

fn memory(table: &MemoryTable) -> Rate {
    let rows = table.mb_efficiency.iter().map(|(from, share)| (from * 1e6, *share)).collect();
    Rate { peak: table.gbps * 1e9, efficiency: Efficiency::Steps(rows) }
}

fn tier(table: &NetworkTable) -> Tier {
    let volume = |(scale, offset): (f64, Option<f64>)| Volume { scale, offset: offset.unwrap_or(0.0) };
    Tier {
        bandwidth: table.bandwidth * 1e9 * table.efficiency,
        latency: table.latency,
        size: table.size,
        processor_share: table.processor_usage,
        send: volume(table.ops.p2p),
        reduce_scatter: volume(table.ops.reduce_scatter),
        all_gather: volume(table.ops.all_gather),
        all_reduce: volume(table.ops.all_reduce),
        all_to_all: Volume::RING,
    }
}

/// The step that the files describe, with a vocabulary of so many tokens (0 leaves embedding and logits out).
pub fn recipe(case: &Case, vocabulary: u64) -> Option<Recipe> {
    let (model, system, layout) = (&case.model, &case.system, &case.layout);
    let datatype = layout.datatype.name();
    let (matrix, vector) = (system.matrix.get(datatype)?, system.vector.get(datatype)?);
    let shape = GptShape {
        hidden: model.hidden,
        feed_forward: model.feedforward,
        sequence: model.seq_size,
        heads: model.attn_heads,
        head_size: model.attn_size,
        layers: model.num_blocks,
        vocabulary,
    };
    let exchange = match layout.tensor_par_comm_type {
        TensorExchange::Ar => Exchange::AllReduce,
        TensorExchange::P2pRsAg => Exchange::AllReduceSplitSends,
        TensorExchange::RsAg => Exchange::Sequence,
    };
    let width = layout.datatype.bytes();
    let spread = GptSpread {
        micro_batch: layout.microbatch_size,
        tensor: layout.tensor_par,
        exchange,
        gather_again: layout.seq_par_ag_redo,
        all_again: layout.activation_recompute == ActivationRecompute::Full,
        fused_activation: layout.fused_activation,
        one_kv_head: layout.attention_type == AttentionType::Multiquery,
        width,
    };
    let (stages, chunks) = (layout.pipeline_par as usize, layout.pipeline_interleaving as usize);
    let per_chunk = u32::try_from(model.num_blocks / (layout.pipeline_par * layout.pipeline_interleaving)).ok()?;
    let mut content = vec![vec![(0, per_chunk)]; stages * chunks];
    content.first_mut()?.insert(0, (1, 1));
    content.last_mut()?.push((2, 1));
    let whole = (layout.microbatch_size * model.seq_size * model.hidden) as f64 * width;
    let split = exchange != Exchange::AllReduce;
    let tensor = Group::on(layout.tensor_par_net, layout.tensor_par);
    let data = Group::on(layout.data_par_net, layout.data_par);
    let offloads = layout.weight_offload || layout.activations_offload || layout.optimizer_offload;
    let wide = width >= 4.0;
    Some(Recipe {
        device: Device {
            matrix: rate(matrix),
            wide: rate(matrix),
            attention: rate(matrix),
            vector: rate(vector),
            memory: memory(&system.mem1),
            overlaps: system.processing_mode == ProcessingMode::Roofline,
            floor: 0.0,
            products: None,
        },
        peak: matrix.tflops * 1e12,
        memory: system.mem1.gib * f64::from(1 << 30),
        reserve: 0.0,
        tiers: system.networks.iter().map(tier).collect(),
        layers: vec![
            gpt::layer(&shape, &spread),
            gpt::embedding(&shape, &spread),
            gpt::head(&shape, &spread, layout.pipeline_par),
        ],
        content,
        stages,
        chunks,
        micro_batches: usize::try_from(layout.batch_size / layout.data_par / layout.microbatch_size).ok()?,
        tokens: (layout.batch_size * model.seq_size) as f64,
        devices: layout.num_procs,
        order: Order::OneForwardOneBackward,
        recompute: match layout.activation_recompute {
            ActivationRecompute::None => Recompute::None,
            ActivationRecompute::AttnOnly => Recompute::Selective,
            ActivationRecompute::Full => Recompute::Full,
        },
        overlap: match layout.tensor_par_overlap {
            TensorOverlap::None => Overlap::None,
            TensorOverlap::Ring => Overlap::Ring,
            TensorOverlap::Pipe => Overlap::Pipe,
        },
        groups: [tensor, Group::on(0, 1), Group::on(0, 1), data],
        send_bytes: if split { whole / layout.tensor_par as f64 } else { whole },
        send_tier: layout.pipeline_par_net,
        // With sequence parallelism the next stage wants its share alone.
        send_gathered: exchange == Exchange::AllReduceSplitSends,
        send_blocks: true,
        data_group: data,
        expert_data_group: Group::on(layout.data_par_net, 1),
        sharding: if layout.optimizer_sharding { Sharding::Optimizer } else { Sharding::None },
        data_overlap: layout.data_par_overlap,
        storage: Storage { optimizer: if wide { 8.0 } else { 12.0 }, ..Storage::mixed(width, width) },
        offload: offloads.then(|| Offload {
            link: memory(&system.mem2),
            capacity: system.mem2.gib * f64::from(1 << 30),
            weights: layout.weight_offload,
            activations: layout.activations_offload,
            optimizer: layout.optimizer_offload,
        }),
        training: layout.training,
        stretch: STRETCH,
        band: BAND,
    })
}
