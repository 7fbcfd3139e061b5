//! The flow engine: a ring of dependent messages, all-to-all of unequal sizes, random permutations.
//!
//! Run one alone with `cargo bench -p lanewright-fabric --bench flow -- ring`. Making the traffic is not timed here;
//! `examples/flow_speed.rs` times all.

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::{Settings, run};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Unobserved};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, When, Work};

fn tree(endpoints: u32) -> Network {
    let links = Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    FatTree::balanced(endpoints, 3).expect("a balanced size").build(&links)
}

/// Ring all-reduce of 1 GiB over every second host, a step when the one before is over.
fn ring(ranks: u32) -> Traffic {
    let mut builder = Builder::default();
    let mut before = None;
    for _ in 0..2 * (ranks - 1) {
        let barrier = builder.task(Work::Delay { at: EndpointId(0), time: Time::ZERO }, Time::ZERO);
        for rank in 0..ranks {
            let to = EndpointId((rank + 1) % ranks * 2);
            let message = builder.message(EndpointId(rank * 2), to, (1 << 30) / u64::from(ranks));
            if let Some(before) = before {
                builder.after(before, message, When::Delivered);
            }
            builder.after(message, barrier, When::Delivered);
        }
        before = Some(barrier);
    }
    builder.build()
}

/// All pairs, sizes 200000 + ((7919 i + 104729 d) mod 100003) bytes.
fn all_to_all(ranks: u32) -> Traffic {
    let mut builder = Builder::default();
    for shift in 1..ranks {
        for from in 0..ranks {
            let bytes = 200_000 + (7919 * u64::from(from) + 104_729 * u64::from(shift)) % 100_003;
            builder.message(EndpointId(from), EndpointId((from + shift) % ranks), bytes);
        }
    }
    builder.build()
}

/// Several permutations at once, by a generator of fixed constants (Knuth's MMIX), sizes from 1 to 5 MB, starts within 100 us.
fn permutations(hosts: u32, rounds: u32) -> Traffic {
    let mut state = 7u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut builder = Builder::default();
    for _ in 0..rounds {
        let mut to: Vec<u32> = (0..hosts).collect();
        for at in (1..to.len()).rev() {
            to.swap(at, random(at as u64 + 1) as usize);
        }
        for (from, to) in to.into_iter().enumerate().filter(|(from, to)| *from as u32 != *to) {
            let work = Work::Message {
                from: EndpointId(from as u32),
                to: EndpointId(to),
                bytes: 1_000_000 + random(4_000_000),
            };
            builder.task(work, Time::ns(random(100_000)));
        }
    }
    builder.build()
}

fn flow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow");
    group.sample_size(10);
    let cases = [
        ("ring of 512", 1024, ring(512), 0.0),
        ("all-to-all of 256, resolution 0.02", 1024, all_to_all(256), 0.02),
        ("all-to-all of 1024, resolution 0.02", 1024, all_to_all(1024), 0.02),
        ("4 random permutations of 128, exact", 128, permutations(128, 4), 0.0),
    ];
    for (name, endpoints, traffic, resolution) in cases {
        let network = tree(endpoints);
        let routes = Routes::new(&network).expect("a tree");
        let settings = Settings { resolution, ..Settings::default() };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                run(&network, &routes, &traffic, &Timeline::default(), &settings, &mut Unobserved)
                    .expect("traffic that can run")
                    .makespan(End::Delivered)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
