//! Published training runs, against predictions of them.
//!
//! Tokens per second and GPU of Megatron Bridge, container 25.11 (docs/performance-summary.md of NVIDIA-NeMo/Megatron-Bridge,
//! read in November 2026), and operations per second and GPU of Llama 3 405B (arXiv 2407.21783, table 4). What the sources
//! leave open (recomputation, networks) is taken as the defaults are.

use super::layer::{Overlap, Recompute};
use super::plan::Plan;
use super::recipe::Sharding;
use super::schedule::Order;
use super::step::predict;
use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::kernel::Calibration;
use crate::models::names;

/// Peaks as in the catalogue: 16- and 8-bit operations, memory and its bandwidth, scale-up link, per second.
fn device(id: &str) -> Accelerator {
    let (bf16, fp8, memory_bytes, bandwidth, scale_up) = match id {
        "nvidia/h100-sxm" => (989e12, 1979e12, 80e9, 3.35e12, 450e9),
        "nvidia/b200" => (2250e12, 4500e12, 180e9, 8.0e12, 900e9),
        "nvidia/gb200-gpu" => (2500e12, 5000e12, 186e9, 8.0e12, 900e9),
        other => panic!("{other} is not among the runs"),
    };
    Accelerator {
        id: id.into(),
        name: id.into(),
        fp32: None,
        bf16: Some(bf16),
        fp8: Some(fp8),
        int8: Some(fp8),
        fp4: None,
        equivalent: None,
        memory_bytes,
        bandwidth,
        scale_up,
        processors: None,
        power_w: 700.0,
        price_usd: None,
        weak: false,
    }
}

/// What a source says of a run.
enum Said {
    /// Tokens per second and device.
    Tokens(f64),
    /// Model operations per second and device.
    Flops(f64),
}

/// Model, device, format, [devices, TP, PP, CP, EP, DP, batch, micro-batch, sequence, chunks, ZeRO], what is said.
type Run = (&'static str, &'static str, Format, [u64; 11], Said);

const H100: &str = "nvidia/h100-sxm";
const B200: &str = "nvidia/b200";
const GB200: &str = "nvidia/gb200-gpu";

#[rustfmt::skip]
const DENSE: [Run; 11] = [
    ("meta-llama/Llama-3.1-405B", H100, Format::Bf16, [16384, 8, 16, 1, 1, 128, 2048, 1, 8192, 7, 1], Said::Flops(400e12)),
    ("meta-llama/Llama-3.1-405B", H100, Format::Bf16, [8192, 8, 16, 1, 1, 64, 2048, 1, 8192, 7, 1], Said::Flops(430e12)),
    ("meta-llama/Llama-3.1-405B", H100, Format::Bf16, [16384, 8, 16, 16, 1, 8, 128, 1, 131072, 7, 1], Said::Flops(380e12)),
    ("meta-llama/Llama-3.1-8B", H100, Format::Fp8, [8, 1, 1, 1, 1, 8, 128, 1, 8192, 1, 3], Said::Tokens(14451.0)),
    ("meta-llama/Llama-3.1-70B", H100, Format::Fp8, [64, 4, 8, 1, 1, 2, 128, 1, 8192, 5, 1], Said::Tokens(1602.0)),
    ("meta-llama/Llama-3.1-405B", H100, Format::Fp8, [1024, 8, 8, 2, 1, 8, 512, 1, 8192, 8, 1], Said::Tokens(292.0)),
    ("meta-llama/Llama-3.1-8B", B200, Format::Fp8, [8, 1, 1, 1, 1, 8, 128, 2, 8192, 1, 1], Said::Tokens(30624.0)),
    ("meta-llama/Llama-3.1-405B", B200, Format::Fp8, [128, 4, 8, 2, 1, 2, 64, 1, 8192, 8, 1], Said::Tokens(661.0)),
    ("meta-llama/Llama-3.1-8B", GB200, Format::Fp8, [8, 1, 1, 1, 1, 8, 128, 2, 8192, 1, 1], Said::Tokens(31508.0)),
    ("meta-llama/Llama-3.1-70B", GB200, Format::Fp8, [64, 1, 1, 1, 1, 64, 256, 2, 8192, 1, 3], Said::Tokens(4312.0)),
    ("meta-llama/Llama-3.1-405B", GB200, Format::Fp8, [256, 4, 16, 1, 1, 4, 1536, 1, 8192, 4, 1], Said::Tokens(813.0)),
];

#[rustfmt::skip]
const EXPERTS: [Run; 10] = [
    ("openai/gpt-oss-120b", H100, Format::Bf16, [64, 1, 4, 1, 8, 16, 512, 4, 4096, 1, 1], Said::Tokens(5630.0)),
    ("Qwen/Qwen3-30B-A3B", H100, Format::Fp8, [16, 1, 2, 1, 8, 8, 512, 2, 4096, 24, 1], Said::Tokens(5275.0)),
    ("deepseek-ai/DeepSeek-V3", B200, Format::Fp8Block, [256, 1, 16, 1, 8, 16, 2048, 1, 4096, 1, 1], Said::Tokens(2139.0)),
    ("openai/gpt-oss-120b", B200, Format::Bf16, [64, 1, 1, 1, 8, 64, 512, 4, 4096, 1, 1], Said::Tokens(8213.0)),
    ("Qwen/Qwen3-30B-A3B", B200, Format::Fp8, [8, 1, 1, 1, 8, 8, 512, 1, 4096, 1, 1], Said::Tokens(9299.0)),
    ("Qwen/Qwen3-235B-A22B", B200, Format::Fp8, [64, 1, 8, 1, 8, 8, 1024, 1, 4096, 2, 1], Said::Tokens(3269.0)),
    ("deepseek-ai/DeepSeek-V3", GB200, Format::Bf16, [256, 1, 4, 1, 64, 64, 4096, 1, 4096, 4, 1], Said::Tokens(3139.0)),
    ("openai/gpt-oss-120b", GB200, Format::Bf16, [64, 1, 1, 1, 64, 64, 1280, 1, 8192, 1, 1], Said::Tokens(15876.0)),
    ("Qwen/Qwen3-30B-A3B", GB200, Format::Fp8, [8, 1, 1, 1, 8, 8, 512, 4, 4096, 1, 1], Said::Tokens(23766.0)),
    ("Qwen/Qwen3-235B-A22B", GB200, Format::Bf16, [256, 1, 8, 1, 32, 32, 8192, 1, 4096, 3, 1], Said::Tokens(4916.0)),
];

/// Predicted over published rate, and whether the published seconds lie in the band.
fn ratio(run: &Run) -> (f64, bool) {
    let (model, id, format, n, said) = run;
    let sharding = if n[10] == 3 { Sharding::Weights } else { Sharding::Optimizer };
    let plan = Plan {
        devices: n[0],
        tensor: n[1],
        pipeline: n[2],
        context: n[3],
        expert: n[4],
        data: n[5],
        batch: n[6],
        micro_batch: n[7],
        sequence: n[8],
        chunks: n[9],
        order: Order::OneForwardOneBackward,
        recompute: Recompute::None,
        sharding,
        sequence_parallel: true,
        overlap: Overlap::None,
        data_overlap: true,
        format: *format,
        domain: if *id == GB200 { 72 } else { 8 },
        network: 50e9,
    };
    let model = names::find(model).expect("built in");
    let recipe = plan.recipe(&model, &device(id), Calibration::built_in()).expect("it divides");
    let step = predict(&recipe);
    let devices = n[0] as f64;
    let (predicted, published) = match said {
        Said::Tokens(rate) => (step.tokens_per_second / devices, *rate),
        Said::Flops(rate) => (step.model_flops / step.seconds.likely / devices, *rate),
    };
    let ratio = predicted / published;
    let seconds = step.seconds.likely * ratio;
    (ratio, (step.seconds.low..=step.seconds.high).contains(&seconds))
}

/// Mean distance (as a factor's logarithm) of rows at odd places, which chose no constant, and rows in the band.
fn judge(runs: &[Run]) -> (f64, usize) {
    let all: Vec<(f64, bool)> = runs.iter().map(ratio).collect();
    for (run, (ratio, inside)) in runs.iter().zip(&all) {
        println!(
            "{} on {}: predicted {ratio:.2} of what is published{}",
            run.0,
            run.1,
            if *inside { "" } else { ", outside" }
        );
    }
    let odd: Vec<f64> = all.iter().skip(1).step_by(2).map(|(ratio, _)| ratio.ln().abs()).collect();
    (odd.iter().sum::<f64>() / odd.len() as f64, all.iter().filter(|(_, inside)| *inside).count())
}

#[test]
fn dense_models_are_met() {
    let (error, inside) = judge(&DENSE);
    println!("mean error of rows not used: {:.1} %, {inside} of {} in the band", 100.0 * error, DENSE.len());
    assert!(error < 0.12);
    assert!(inside >= 8);
}

#[test]
fn models_with_experts_are_met_within_a_wide_band() {
    let (error, inside) = judge(&EXPERTS);
    println!("mean error of rows not used: {:.1} %, {inside} of {} in the band", 100.0 * error, EXPERTS.len());
    assert!(error < 0.4);
    assert!(inside >= 7);
}
