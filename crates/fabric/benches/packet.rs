//! The packet engine: a permutation, an all-to-all and a ring, one thread and two.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::Unobserved;
use lanewright_fabric::packet::{self, Settings};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, When};

fn network() -> Network {
    let links = Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    FatTree::balanced(128, 3).expect("a balanced size").build(&links)
}

fn permutation() -> Traffic {
    let mut builder = Builder::default();
    for at in 0..128 {
        builder.message(EndpointId(at), EndpointId((at + 64) % 128), 2_000_000);
    }
    builder.build()
}

fn all_to_all() -> Traffic {
    let mut builder = Builder::default();
    for shift in 1..64 {
        for at in 0..64 {
            builder.message(EndpointId(at), EndpointId((at + shift) % 64), 262_144);
        }
    }
    builder.build()
}

/// Ring all-reduce of 64 MiB over eight hosts.
fn ring() -> Traffic {
    let mut builder = Builder::default();
    for chain in 0..8 {
        let mut before = None;
        for hop in 0..14 {
            let [from, to] = [chain + hop, chain + hop + 1].map(|at| EndpointId(at % 8 * 16));
            let task = builder.message(from, to, 8_388_608);
            if let Some(before) = before {
                builder.after(before, task, When::Acknowledged);
            }
            before = Some(task);
        }
    }
    builder.build()
}

fn packets(criterion: &mut Criterion) {
    let network = network();
    let routes = Routes::new(&network).expect("connected");
    let mut group = criterion.benchmark_group("packet");
    group.sample_size(10);
    for (name, traffic, threads) in [
        ("perm128", permutation(), 1),
        ("perm128-2-threads", permutation(), 2),
        ("a2a64", all_to_all(), 1),
        ("ring8-64MiB", ring(), 1),
    ] {
        let settings = Settings { threads, ..Settings::default() };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let outcome =
                    packet::run(&network, &routes, &traffic, &Timeline::default(), &settings, &mut Unobserved);
                black_box(outcome.hash())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
