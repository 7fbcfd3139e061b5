//! What a question about one kernel costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::moe::MoeShape;
use lanewright_workload::kernel::routing::Routing;
use lanewright_workload::kernel::{Calibration, Kernels};

fn device(id: &str, bandwidth: f64) -> Accelerator {
    Accelerator {
        id: id.into(),
        name: id.into(),
        fp32: None,
        bf16: Some(989e12),
        fp8: Some(1979e12),
        int8: Some(1979e12),
        fp4: None,
        equivalent: None,
        memory_bytes: 80e9,
        bandwidth,
        scale_up: 450e9,
        processors: Some(132),
        power_w: 700.0,
        price_usd: None,
        weak: false,
    }
}

fn kernels(criterion: &mut Criterion) {
    let calibration = Calibration::built_in();
    let own = Kernels::for_device(&device("nvidia/h100-sxm", 3.35e12), calibration);
    let lent = Kernels::for_device(&device("nvidia/h200-sxm", 4.8e12), calibration);
    let mut m = 0;
    let mut next = move || {
        m = m % 4096 + 1;
        f64::from(m)
    };
    criterion.bench_function("gemm, own fit", |b| {
        b.iter(|| own.gemm(Format::Fp8, black_box(next()), 8192.0, 7168.0));
    });
    criterion.bench_function("gemm, lent fit", |b| {
        b.iter(|| lent.gemm(Format::Fp8, black_box(next()), 8192.0, 7168.0));
    });
    let shape = MoeShape {
        hidden: 7168,
        inner: 2048,
        active: 8,
        experts: 256,
        tensor: 1,
        ranks: 8,
        gated: true,
        routing: Routing::PowerLaw(1.01),
    };
    let curve = own.moe_kernel(Format::Fp8Block, true).curve(&shape);
    criterion.bench_function("experts, from their curve", |b| b.iter(|| curve.time(black_box(next()))));
    criterion.bench_function("experts, their curve", |b| {
        b.iter(|| own.moe_kernel(Format::Fp8Block, true).curve(black_box(&shape)));
    });
    criterion.bench_function("all kernels of a device", |b| {
        b.iter(|| Kernels::for_device(black_box(&own.device), calibration));
    });
}

criterion_group!(benches, kernels);
criterion_main!(benches);
