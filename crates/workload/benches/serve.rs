//! Serving: 100,000 requests of 1024 and 256 tokens, 128 in flight and at random times; the steady state in closed form.
//!
//! Run one alone with `cargo bench -p lanewright-workload --bench serve -- closed`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_workload::serve::arrival::{Arrivals, Length, Made};
use lanewright_workload::serve::request::Request;
use lanewright_workload::serve::route::Routing;
use lanewright_workload::serve::settings::Settings;
use lanewright_workload::serve::simulate::{Deployment, Load, Pool, Role, run};
use lanewright_workload::serve::steady::{ClosedLoop, closed_loop};
use lanewright_workload::step::load::{StepCost, StepLoad};

/// An 8B model on a large device: the schedule is what is timed here.
struct Plain;

impl StepCost for Plain {
    fn seconds(&self, load: &StepLoad) -> f64 {
        let read = (load.decode_context + load.prefill_context) as f64 * 4e-8;
        (20e-6 * load.tokens() as f64).max(6e-3) + read + load.prefill_pairs as f64 * 2e-10 + 5e-4
    }
}

fn requests(arrivals: Arrivals, output: Length) -> Vec<Request> {
    Made {
        requests: 100_000,
        arrivals,
        input: Length::Uniform(512, 1536),
        output,
        hit_ratio: 0.0,
        prefixes: 0,
        prefix_tokens: 0,
        seed: 1,
    }
    .requests()
}

fn deployment(load: Load, blocks: Option<u64>) -> Deployment<'static> {
    let settings = Settings { blocks, ..Settings::default() };
    Deployment {
        pools: vec![Pool { role: Role::Both, cells: 1, ranks: 1, settings, cost: &Plain }],
        routing: Routing::RoundRobin,
        transfer: None,
        load,
        seed: 1,
        step_by_step: false,
    }
}

fn serve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("serve");
    group.sample_size(10);
    let closed = requests(Arrivals::AtOnce, Length::Uniform(128, 384));
    let in_flight = Load::Closed { concurrency: 128 };
    group.bench_function("closed, 128 in flight", |b| {
        b.iter(|| run(&closed, &deployment(in_flight, None)).map(|f| f.steps))
    });
    let fixed = requests(Arrivals::AtOnce, Length::Fixed(256));
    group.bench_function("closed, equal answers", |b| {
        b.iter(|| run(&fixed, &deployment(in_flight, None)).map(|f| f.steps))
    });
    // 7,000 blocks: sequences are preempted all the time.
    group.bench_function("closed, full cache", |b| {
        b.iter(|| run(&closed, &deployment(in_flight, Some(7000))).map(|f| f.preemptions));
    });
    let open = requests(Arrivals::Poisson { rate: 12.0 }, Length::Uniform(128, 384));
    group.bench_function("open, 12 per second", |b| {
        b.iter(|| run(&open, &deployment(Load::Open, None)).map(|f| f.steps))
    });
    group.finish();
    let mut at = 0_u32;
    criterion.bench_function("steady", |b| {
        b.iter(|| {
            at = at % 128 + 1;
            black_box(closed_loop(&Plain, &ClosedLoop { concurrency: at, output: 256, ..ClosedLoop::default() }))
        });
    });
}

criterion_group!(benches, serve);
criterion_main!(benches);
