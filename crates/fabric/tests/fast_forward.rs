//! Fast-forward beside runs of every packet: times within what is stated, bytes conserved, and when it stands aside.

use lanewright_fabric::fault::{Change, Fault, Timeline};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EdgeId, EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Outcome, Sampling, Skipped, Unobserved};
use lanewright_fabric::packet::{self, Settings, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, InNetwork, Multicast, Traffic, When, Work};
use proptest::prelude::*;

fn tree(endpoints: u32, tiers: u8, layer: LinkLayer) -> Network {
    let rate = Rate::gbps(400.0).expect("positive");
    let links = Links { rate, delay: Time::us(1), switch_latency: Time::ZERO, layer };
    FatTree::balanced(endpoints, tiers).expect("a balanced size").build(&links)
}

fn run(network: &Network, traffic: &Traffic, faults: &Timeline, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    packet::run(network, &routes, traffic, faults, settings, &mut Unobserved)
}

fn forward() -> Settings {
    Settings { fast_forward: true, ..Settings::default() }
}

fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

/// Parts of `bytes` go round `ranks` ranks, each hop when the one before is there (`when`).
fn ring(ranks: u32, apart: u32, bytes: u64, when: When) -> Traffic {
    let mut builder = Builder::default();
    for chain in 0..ranks {
        let mut before = None;
        for hop in 0..2 * (ranks - 1) {
            let [from, to] = [chain + hop, chain + hop + 1].map(|at| EndpointId(at % ranks * apart));
            let task = builder.message(from, to, bytes);
            if let Some(before) = before {
                builder.after(before, task, when);
            }
            before = Some(task);
        }
    }
    builder.build()
}

fn packets(traffic: &Traffic) -> u64 {
    let of = |work: &Work| if let Work::Message { bytes, .. } = work { bytes.div_ceil(4086) } else { 0 };
    traffic.tasks.iter().map(|task| of(&task.work)).sum()
}

/// What must hold of every run with skips, and what it skipped.
fn sound(traffic: &Traffic, outcome: &Outcome) -> Skipped {
    let skipped = outcome.skipped.expect("skips are told");
    assert!(!outcome.stopped);
    assert_eq!(outcome.counters.packets + skipped.packets, packets(traffic) + outcome.counters.retransmitted);
    for (at, finish) in outcome.finishes.iter().enumerate() {
        assert!(finish.start < finish.delivered && finish.delivered <= finish.acknowledged, "task {at}: {finish:?}");
        assert!(finish.acknowledged <= outcome.end, "task {at}: {finish:?} after {:?}", outcome.end);
        for follower in traffic.followers_of(lanewright_fabric::traffic::TaskId(at as u32)) {
            let from = if follower.when == When::Delivered { finish.delivered } else { finish.acknowledged };
            assert!(outcome.finishes[follower.task.index()].start >= from, "task {} too early", follower.task.0);
        }
    }
    skipped
}

/// Makespan, median and 99th percentile within a share of a run of every packet.
fn close(traffic: &Traffic, got: &Outcome, wanted: &Outcome, share: f64) {
    let figures = |outcome: &Outcome| {
        let times = outcome.completion(traffic, End::Acknowledged).expect("finished");
        [times.p50, times.p99, outcome.makespan(End::Acknowledged).as_us()]
    };
    for (got, wanted) in figures(got).into_iter().zip(figures(wanted)) {
        assert!((got / wanted - 1.0).abs() <= share, "{got} instead of {wanted}");
    }
}

/// Eight ranks, 8 MiB a hop: rates settle within a hop, and hops repeat.
#[test]
fn a_ring_is_mostly_skipped() {
    let network = tree(128, 3, LinkLayer::Ethernet);
    for when in [When::Acknowledged, When::Delivered] {
        let traffic = ring(8, 16, 8 << 20, when);
        let outcome = run(&network, &traffic, &Timeline::default(), &forward());
        let skipped = sound(&traffic, &outcome);
        assert!(skipped.rounds > 0 && skipped.packets > packets(&traffic) * 6 / 10, "{skipped:?}");
        assert!(skipped.bytes <= traffic.tasks.len() as u64 * (8 << 20));
        close(&traffic, &outcome, &run(&network, &traffic, &Timeline::default(), &Settings::default()), 0.005);
    }
}

/// All at once among eight hosts, 3 MB a pair: settled rates, no rounds; and the same by credit.
#[test]
fn long_messages_are_mostly_skipped() {
    let network = tree(16, 3, LinkLayer::Ethernet);
    let pairs = (1..8).flat_map(|shift| (0..8).map(move |at| (at, (at + shift) % 8, 3_000_000)));
    let traffic = messages(pairs);
    for transport in [Transport::Uec, Transport::UecCredit] {
        let plain = Settings { transport, edge_use: true, ..Settings::default() };
        let settings = Settings { fast_forward: true, threads: 4, ..plain.clone() };
        let outcome = run(&network, &traffic, &Timeline::default(), &settings);
        let skipped = sound(&traffic, &outcome);
        assert!(skipped.spans > 0 && skipped.packets > packets(&traffic) / 2, "{transport:?}: {skipped:?}");
        let whole = run(&network, &traffic, &Timeline::default(), &plain);
        close(&traffic, &outcome, &whole, 0.01);
        // What links carried contains what was skipped.
        let carried = |outcome: &Outcome| outcome.edges.iter().map(|used| used.bytes).sum::<u64>() as f64;
        assert!((carried(&outcome) / carried(&whole) - 1.0).abs() < 0.02, "{transport:?}");
        // No part of the answer hangs on threads or on what is counted.
        let again =
            run(&network, &traffic, &Timeline::default(), &Settings { threads: 1, edge_use: false, ..settings });
        assert_eq!(again.finishes, outcome.finishes);
    }
}

/// A link at half its rate from the middle of a message on: the skip ends there and another begins. Work of an endpoint and a
/// message that starts by the clock come when they should.
#[test]
fn appointments_are_kept() {
    let network = tree(16, 3, LinkLayer::Ethernet);
    let mut builder = Builder::default();
    for at in 0..3u32 {
        builder.message(EndpointId(2 * at), EndpointId(2 * at + 1), 30_000_000);
    }
    let work = builder.task(Work::Delay { at: EndpointId(2), time: Time::us(700) }, Time::ZERO);
    let after = builder.message(EndpointId(2), EndpointId(3), 1_000_000);
    builder.after(work, after, When::Delivered);
    let late = Work::Message { from: EndpointId(4), to: EndpointId(7), bytes: 1_000_000 };
    builder.task(late, Time::us(500));
    let traffic = builder.build();
    let last = network.edges.iter().position(|edge| edge.to == network.endpoints[1]).expect("a link leads there");
    let change = Change::Rate { edge: EdgeId(last as u32), share: 0.5 };
    let faults = Timeline { faults: vec![Fault { at: Time::us(300), change }], reconvergence: Time::ZERO };
    let outcome = run(&network, &traffic, &faults, &forward());
    let skipped = sound(&traffic, &outcome);
    assert!(skipped.spans >= 2 && skipped.packets > packets(&traffic) / 4, "{skipped:?}");
    assert_eq!(outcome.finishes[3].acknowledged, Time::us(700));
    assert_eq!(outcome.finishes[4].start, Time::us(700));
    assert_eq!(outcome.finishes[5].start, Time::us(500));
    let whole = run(&network, &traffic, &faults, &Settings::default());
    for (got, wanted) in outcome.finishes.iter().zip(&whole.finishes) {
        let (got, wanted) = (got.acknowledged.as_us(), wanted.acknowledged.as_us());
        assert!((got / wanted - 1.0).abs() < 0.01, "{got} instead of {wanted}");
    }
    // A run that is to end at a time ends there.
    let settings = Settings { end: Time::us(600), ..forward() };
    let outcome = run(&network, &traffic, &faults, &settings);
    assert!(outcome.stopped && outcome.end <= Time::us(600), "{:?}", outcome.end);
    assert!(outcome.skipped.is_some_and(|skipped| skipped.spans > 0));
}

/// Rounds of work and messages, as of a training step, and a fault in their middle.
#[test]
fn rounds_with_work_between() {
    let network = tree(16, 3, LinkLayer::Ethernet);
    let mut builder = Builder::default();
    let mut before = Vec::new();
    for _ in 0..40 {
        let mut ends = Vec::new();
        for at in 0..8u32 {
            let work = builder.task(Work::Delay { at: EndpointId(2 * at), time: Time::us(30) }, Time::ZERO);
            before.iter().for_each(|end| {
                builder.after(*end, work, When::Delivered);
            });
            // Two hosts at one switch: no chance in it.
            let message = builder.message(EndpointId(2 * at), EndpointId(2 * at + 1), 400_000);
            builder.after(work, message, When::Delivered);
            ends.push(message);
        }
        before = ends;
    }
    let traffic = builder.build();
    let outcome = run(&network, &traffic, &Timeline::default(), &forward());
    let whole = run(&network, &traffic, &Timeline::default(), &Settings::default());
    let skipped = sound(&traffic, &outcome);
    assert!(skipped.rounds > 25, "{skipped:?}");
    close(&traffic, &outcome, &whole, 0.005);
    let edge = EdgeId(network.edges.iter().position(|edge| edge.to == network.endpoints[1]).expect("a link") as u32);
    let at = Time(whole.end.0 / 2);
    let faults = vec![Fault { at, change: Change::Rate { edge, share: 0.25 } }];
    let faults = Timeline { faults, reconvergence: Time::ZERO };
    let outcome = run(&network, &traffic, &faults, &forward());
    let whole = run(&network, &traffic, &faults, &Settings::default());
    let skipped = sound(&traffic, &outcome);
    assert!(skipped.rounds > 15 && skipped.rounds < 36, "{skipped:?}");
    close(&traffic, &outcome, &whole, 0.01);
}

/// Where it does not hold every packet is run, and a note says why.
#[test]
fn it_stands_aside() {
    let short = messages((0..16).map(|at| (at, (at + 8) % 16, 200_000)));
    let network = tree(16, 3, LinkLayer::Ethernet);
    let plain = run(&network, &short, &Timeline::default(), &Settings::default());
    assert_eq!(plain.skipped, None);
    let sampling = Some(Sampling { slot: Time::us(1), edges: vec![EdgeId(0)] });
    let errors = |settings: &mut Settings| settings.links.quality.bit_errors = 1e-9;
    let mut spoilt = forward();
    errors(&mut spoilt);
    let mut bound = forward();
    bound.nic.queue_pairs = Some(1);
    let cases = [
        (forward(), "no rates settled"),
        (Settings { sampling, ..forward() }, "over time"),
        (Settings { fast_forward: true, ..Settings::of(Transport::Roce, 400e9) }, "uec"),
        (spoilt, "bit errors"),
        (bound, "NICs hold messages back"),
    ];
    for (settings, why) in cases {
        let whole = run(&network, &short, &Timeline::default(), &Settings { fast_forward: false, ..settings.clone() });
        let outcome = run(&network, &short, &Timeline::default(), &settings);
        assert_eq!(outcome.hash(), whole.hash(), "{why}");
        assert_eq!(outcome.counters, whole.counters, "{why}");
        let notes = outcome.notes.join("; ");
        assert!(notes.contains("skipped nothing") && notes.contains(why), "{notes}");
    }
    let mut builder = Builder::default();
    let members = (0..4).map(EndpointId).collect();
    let group = builder.multicast(Multicast { kind: InNetwork::AllReduce, members });
    builder.task(Work::InNetwork { group, bytes: 1_000_000 }, Time::ZERO);
    let outcome = run(&network, &builder.build(), &Timeline::default(), &forward());
    assert!(outcome.notes.iter().any(|note| note.contains("partial sums")), "{:?}", outcome.notes);
    let lossless = tree(16, 3, LinkLayer::LosslessEthernet);
    let outcome = run(&lossless, &short, &Timeline::default(), &forward());
    assert!(outcome.notes.iter().any(|note| note.contains("pauses were not tried")), "{:?}", outcome.notes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever the traffic: nothing is lost or doubled, and no time runs backwards.
    #[test]
    fn bytes_are_conserved(
        list in prop::collection::vec((0u32..16, 1u32..16, 1_000_000u64..20_000_000), 1..6),
        repeats in 1u32..8,
        seed in 0u64..1000,
        mode in 0..3usize,
        known in any::<bool>(),
    ) {
        let transport = [Transport::Uec, Transport::UecCredit, Transport::UecBoth][mode];
        let when = if known { When::Acknowledged } else { When::Delivered };
        let mut builder = Builder::default();
        for (from, shift, bytes) in list {
            let mut before = None;
            for _ in 0..repeats {
                let task = builder.message(EndpointId(from), EndpointId((from + shift) % 16), bytes / u64::from(repeats));
                if let Some(before) = before {
                    builder.after(before, task, when);
                }
                before = Some(task);
            }
        }
        let traffic = builder.build();
        let network = tree(16, 3, LinkLayer::Ethernet);
        let settings = Settings { seed, transport, ..forward() };
        let outcome = run(&network, &traffic, &Timeline::default(), &settings);
        let skipped = sound(&traffic, &outcome);
        let whole = run(&network, &traffic, &Timeline::default(), &Settings { fast_forward: false, ..settings.clone() });
        prop_assert_eq!(skipped.time > Time::ZERO, skipped.packets > 0);
        let (got, wanted) = (outcome.makespan(End::Acknowledged).as_us(), whole.makespan(End::Acknowledged).as_us());
        prop_assert!((got / wanted - 1.0).abs() < 0.02, "{} instead of {}", got, wanted);
    }
}
