//! What a search of layouts costs, on one core.

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::correction::fitting::Correction;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::models;
use lanewright_workload::predict::predictor::Predictor;
use lanewright_workload::search::{Limits, Modes, Objective, Question, search};

fn h100() -> Accelerator {
    Accelerator {
        id: "nvidia/h100-sxm".into(),
        name: "H100 SXM".into(),
        fp32: None,
        bf16: Some(989e12),
        fp8: Some(1979e12),
        int8: Some(1979e12),
        fp4: None,
        equivalent: None,
        memory_bytes: 80e9,
        bandwidth: 3.35e12,
        scale_up: 450e9,
        processors: Some(132),
        power_w: 700.0,
        price_usd: None,
        weak: false,
    }
}

fn searches(criterion: &mut Criterion) {
    let device = h100();
    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    for (name, devices, formats) in [
        ("meta-llama/Llama-3.1-70B", 16, [Format::Fp8, Format::Bf16]),
        ("Qwen/Qwen3-235B-A22B", 16, [Format::Fp8, Format::Bf16]),
    ] {
        let Ok(model) = models::find(name) else { continue };
        let question = Question {
            model: &model,
            formats: &formats,
            devices,
            domain: 8,
            backend: "vllm",
            version: "",
            input: 1024.0,
            output: 1024.0,
            limits: Limits { ttft: Some(1.0), tpot: Some(0.03) },
            objective: Objective::Throughput,
            modes: Modes::Both,
            most_batch: 1024,
            hour: None,
        };
        // A fresh predictor each time: kernels, engines and experts' times are part of a search.
        let run = || search(&question, &device, &mut Predictor::new(Calibration::built_in(), Correction::built_in()));
        if let Ok(found) = run() {
            let counts = found.reasons;
            println!(
                "{name}: {} layouts, {} deployments, {} points",
                counts.layouts, counts.deployments, counts.points
            );
        }
        group.bench_function(format!("{name}, {devices} devices"), |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, searches);
criterion_main!(benches);
