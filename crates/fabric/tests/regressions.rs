//! The limits that the reference simulator's own regression list sets on completion times, and medians of short messages.
//!
//! Limits: uet-htsim 40ccb05, `validate_uec_sender.txt` (last completion in microseconds, 100 Gb/s, 1 us per link, its
//! defaults). Traffic is made here after the description of each entry, with own permutations.

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network, NodeKind};
use lanewright_fabric::outcome::{End, Outcome, Unobserved};
use lanewright_fabric::packet::{self, Settings, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic};

fn links(gbps: f64) -> Links {
    Links {
        rate: Rate::gbps(gbps).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    }
}

fn tree(endpoints: u32, gbps: f64) -> Network {
    FatTree::balanced(endpoints, 3).expect("a balanced size").build(&links(gbps))
}

/// Two tiers: leaves of 32 hosts with `up` links to as many spines.
fn leaf_spine(up: u32) -> Network {
    let tree = FatTree {
        endpoints: 1024,
        tiers: 2,
        per_leaf: 32,
        up_from_leaf: up,
        leaves_per_pod: 32,
        up_from_middle: 0,
        leaf_bundle: 1,
        middle_bundle: 1,
    };
    tree.check().expect("sound");
    tree.build(&links(100.0))
}

/// The links to the first switch of the middle tier from its first cores run at a quarter of their rate: `-failed`.
fn slow_core_links(mut network: Network, count: usize) -> Network {
    let middle =
        network.nodes.iter().position(|node| node.kind == NodeKind::Switch && node.tier == 2).expect("a middle");
    let up: Vec<usize> = network
        .out_edges
        .iter()
        .map(|edge| edge.index())
        .filter(|edge| {
            let edge = &network.edges[*edge];
            edge.from.index() == middle && network.nodes[edge.to.index()].tier == 3
        })
        .take(count)
        .collect();
    assert_eq!(up.len(), count);
    for edge in up {
        let down = &mut network.edges[edge ^ 1];
        down.rate = Rate::bits_per_second(down.rate.bits() / 4).expect("not zero");
    }
    network
}

fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

/// A circle through all hosts in an order of chance: every host sends to another than itself.
fn permutation(hosts: u32, mut seed: u64) -> Traffic {
    let mut order: Vec<u32> = (0..hosts).collect();
    for at in (1..order.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(at, (seed >> 33) as usize % (at + 1));
    }
    messages((0..order.len()).map(|at| (order[at], order[(at + 1) % order.len()], 2_000_000)))
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    let outcome = packet::run(network, &routes, traffic, &Timeline::default(), settings, &mut Unobserved);
    assert!(!outcome.stopped);
    outcome
}

fn within(network: &Network, traffic: &Traffic, settings: &Settings, limit: f64) {
    let last = run(network, traffic, settings).makespan(End::Acknowledged).as_us();
    assert!(last <= limit, "{last} us, more than {limit}");
}

fn paths(paths: u16) -> Settings {
    Settings { paths, ..Settings::default() }
}

#[test]
fn few_messages_end_in_time() {
    let network = tree(16, 100.0);
    within(&network, &messages([(0, 13, 2_000_000)]), &Settings::default(), 190.0);
    within(&network, &messages([(0, 13, 2_000_000), (13, 0, 2_000_000)]), &Settings::default(), 190.0);
}

#[test]
fn incasts_end_in_time() {
    within(&tree(16, 100.0), &messages((0..15).map(|at| (at, 15, 2_000_000))), &Settings::default(), 2_550.0);
    // Three to one, where two of the senders have nine others to serve.
    let fan = (4..=12).map(|to| (2, to, 2_000_000)).chain((13..=21).map(|to| (3, to, 2_000_000)));
    let traffic = messages((1..=3).map(|from| (from, 0, 2_000_000)).chain(fan));
    within(&tree(128, 100.0), &traffic, &Settings::default(), 2_500.0);
}

#[test]
fn small_permutations_end_in_time() {
    let network = tree(16, 100.0);
    for seed in 0..3 {
        within(&network, &permutation(16, seed), &paths(128), 210.0);
        within(&network, &permutation(16, seed), &paths(1), 1_300.0);
    }
}

/// uet-htsim 40ccb05 with `-failed 1 -paths 128` on these permutations, means over seeds 13 to 15: 218.1, 232.4, 201.5 us
/// (its list's limit of 210 us is for a permutation that suits it); packets sent again, means over seeds 13 to 24: 52, 85 and
/// 25. With marks that begin as late as on fast ports there were 70, 108 and 45.
#[test]
fn a_slow_core_link_holds_few_back() {
    let network = slow_core_links(tree(16, 100.0), 1);
    let mut again = 0.0;
    for (chance, wanted) in [(0, 218.1), (1, 232.4), (2, 201.5)] {
        let mut last = |seed| {
            let outcome = run(&network, &permutation(16, chance), &Settings { seed, ..paths(128) });
            again += outcome.counters.retransmitted as f64 / 8.0;
            outcome.makespan(End::Acknowledged).as_us()
        };
        let mean = (13..21).map(&mut last).sum::<f64>() / 8.0;
        assert!((mean / wanted - 1.0).abs() <= 0.05, "{mean} us instead of {wanted}");
    }
    assert!((again / (52.0 + 85.0 + 25.0) - 1.0).abs() <= 0.15, "{again} packets sent again");
}

/// uet-htsim 40ccb05 at 400 Gb/s, seed 13: 32 of 128 hosts, each to all others, 16 KiB, listed shift by shift: p50
/// 22.4 us, max 24.0 us. What starts at one time goes in the order of the list: at random the median is 7 % less.
#[test]
fn messages_start_in_their_order() {
    let pairs = (1..32).flat_map(|shift| (0..32).map(move |at| (at, (at + shift) % 32, 16_384)));
    let traffic = messages(pairs);
    let times = run(&tree(128, 400.0), &traffic, &Settings::default()).completion(&traffic, End::Acknowledged);
    let times = times.expect("finished");
    assert!((times.p50 / 22.4 - 1.0).abs() < 0.03, "{}", times.p50);
    assert!((times.max / 24.0 - 1.0).abs() < 0.03, "{}", times.max);
}

/// uet-htsim 40ccb05 with `-receiver_cc_only` at 400 Gb/s: 16 of 128 hosts, each to all others, 256 KiB, shift by shift: mean
/// over seeds 13 to 18 of the last completion 105.97 us (standard error 0.71), of the median 90.55 (0.27). A sender asks for
/// a part of the credit by how many share its link, itself among them: without itself the median was 1.7 % less.
#[test]
fn receivers_share_their_credit_among_many() {
    let network = tree(128, 400.0);
    let traffic = messages((1..16).flat_map(|shift| (0..16).map(move |at| (at, (at + shift) % 16, 262_144))));
    let mut mean = [0.0; 2];
    for seed in 13..17 {
        let settings = Settings { transport: Transport::UecCredit, seed, ..Settings::default() };
        let times = run(&network, &traffic, &settings).completion(&traffic, End::Acknowledged).expect("finished");
        mean[0] += times.max / 4.0;
        mean[1] += times.p50 / 4.0;
    }
    assert!((mean[0] / 105.97 - 1.0).abs() <= 0.03, "{mean:?}");
    assert!((mean[1] / 90.55 - 1.0).abs() <= 0.015, "{mean:?}");
}

#[test]
#[ignore = "half a minute: 128 and 1,024 hosts"]
fn large_networks_end_in_time() {
    within(&tree(128, 100.0), &messages((1..128).map(|at| (at, 0, 2_000_000))), &Settings::default(), 23_000.0);
    let network = tree(1024, 100.0);
    within(&network, &permutation(1024, 1), &paths(128), 220.0);
    within(&network, &permutation(1024, 1), &paths(1), 1_300.0);
    within(&slow_core_links(tree(1024, 100.0), 1), &permutation(1024, 1), &paths(128), 220.0);
    // uet-htsim 40ccb05 on this permutation with `-failed 8`, seed 13: 218.3 us, with `-q 500` 417.6 us (its list's limit,
    // 220 us, is for another permutation); one run each, and seeds differ by some 5 %.
    let slow = slow_core_links(tree(1024, 100.0), 8);
    within(&slow, &permutation(1024, 1), &paths(128), 218.3 * 1.08);
    within(&slow, &permutation(1024, 1), &Settings { queue_packets: Some(500), ..paths(128) }, 417.6 * 1.08);
    within(&leaf_spine(8), &permutation(1024, 1), &paths(128), 880.0);
    within(&leaf_spine(4), &permutation(1024, 1), &paths(128), 1_760.0);
}
