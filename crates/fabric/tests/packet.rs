//! The packet engine against the reference simulator's answers, and what must hold whatever the traffic.

use std::ops::ControlFlow;

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EdgeId, EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Observer, Outcome, Progress, Unobserved};
use lanewright_fabric::packet::{self, Settings, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, When, Work};
use proptest::prelude::*;

fn tree(endpoints: u32, tiers: u8, gbps: f64) -> Network {
    let links = Links {
        rate: Rate::gbps(gbps).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    FatTree::balanced(endpoints, tiers).expect("a balanced size").build(&links)
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    packet::run(network, &routes, traffic, &Timeline::default(), settings, &mut Unobserved)
}

fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

fn near(got: f64, wanted: f64, share: f64) {
    assert!((got / wanted - 1.0).abs() <= share, "{got} instead of {wanted}");
}

/// uet-htsim 40ccb05, `one.cm` at 100 Gb/s: its README gives 176.2 us, 490 packets and 124 acknowledgements.
#[test]
fn one_message_as_in_the_reference() {
    let outcome = run(&tree(16, 3, 100.0), &messages([(0, 15, 2_000_000)]), &Settings::default());
    near(outcome.finishes[0].acknowledged.as_us(), 176.2, 0.0005);
    assert_eq!((outcome.counters.packets, outcome.counters.acknowledgements), (490, 124));
    assert!(!outcome.stopped);
}

/// uet-htsim 40ccb05 at 400 Gb/s, seed 13, 2 MB from host i to i + 64 of 128: p50 60.41 us, max 62.52 us, none sent again.
#[test]
fn a_permutation_as_in_the_reference() {
    let traffic = messages((0..128).map(|at| (at, (at + 64) % 128, 2_000_000)));
    let outcome = run(&tree(128, 3, 400.0), &traffic, &Settings::default());
    let times = outcome.completion(&traffic, End::Acknowledged).expect("finished");
    near(times.p50, 60.41, 0.05);
    near(times.max, 62.52, 0.05);
    assert_eq!((outcome.counters.packets, outcome.counters.retransmitted), (62_720, 0));
}

/// uet-htsim 40ccb05: 16 x 2 MB to one host, makespan 676.03 us with NSCC; 64 x 2 MB by credit alone 2642.19 us.
#[test]
fn incasts_as_in_the_reference() {
    let network = tree(128, 3, 400.0);
    let traffic = messages((112..128).map(|at| (at, 0, 2_000_000)));
    let outcome = run(&network, &traffic, &Settings::default());
    near(outcome.makespan(End::Acknowledged).as_us(), 676.03, 0.03);
    assert_eq!(outcome.counters.packets, 16 * 490 + outcome.counters.retransmitted);
    let traffic = messages((64..128).map(|at| (at, 0, 2_000_000)));
    let settings = Settings { transport: Transport::UecCredit, ..Settings::default() };
    let outcome = run(&network, &traffic, &settings);
    near(outcome.makespan(End::Acknowledged).as_us(), 2642.19, 0.03);
}

/// uet-htsim 40ccb05: a ring of eight ranks and 64 MiB, each hop when the one before is acknowledged, takes 2568.41 us.
#[test]
fn a_ring_as_in_the_reference() {
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
    let traffic = builder.build();
    let outcome = run(&tree(128, 3, 400.0), &traffic, &Settings::default());
    near(outcome.makespan(End::Acknowledged).as_us(), 2568.41, 0.001);
    assert_eq!(outcome.finishes[1].start, outcome.finishes[0].acknowledged);
}

/// Ends a run after its first report.
struct Impatient(u32);

impl Observer for Impatient {
    fn report(&mut self, progress: &Progress) -> ControlFlow<()> {
        assert!(progress.events > 0 && progress.done <= progress.tasks);
        self.0 += 1;
        ControlFlow::Break(())
    }
}

#[test]
fn an_observer_may_stop_a_run() {
    let network = tree(128, 3, 400.0);
    let traffic = messages((0..128).map(|at| (at, (at + 64) % 128, 2_000_000)));
    let routes = Routes::new(&network).expect("connected");
    for threads in [1, 2] {
        let mut observer = Impatient(0);
        let settings = Settings { threads, ..Settings::default() };
        let outcome = packet::run(&network, &routes, &traffic, &Timeline::default(), &settings, &mut observer);
        assert_eq!(observer.0, 1);
        assert!(outcome.stopped && outcome.end > Time::ZERO);
    }
}

/// A message alone takes the same time between any two hosts of the same distance.
#[test]
fn hosts_of_one_distance_are_alike() {
    let network = tree(16, 3, 400.0);
    let time =
        |from, to| run(&network, &messages([(from, to, 100_000)]), &Settings::default()).finishes[0].acknowledged;
    assert!((0..16).all(|from| time(from, (from + 8) % 16) == time(0, 8)));
    assert!((0..16).all(|from| time(from, from ^ 1) == time(0, 1)));
    assert!(time(0, 1) < time(0, 8));
}

fn traffic_of(list: &[(u32, u32, u64)], chained: bool) -> Traffic {
    let mut builder = Builder::default();
    let mut last = None;
    for (from, to, bytes) in list.iter().filter(|(from, to, _)| from != to) {
        let task = builder.message(EndpointId(*from), EndpointId(*to), *bytes);
        if let Some((before, at)) = last
            && chained
        {
            // What a host sends on when it has received needs no word from another thread; what it sends when another
            // host knows something makes one thread do all.
            builder.after(before, task, if at == *from { When::Delivered } else { When::Acknowledged });
        }
        last = Some((task, *to));
    }
    builder.build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_holds_for_any_traffic(
        list in prop::collection::vec((0u32..16, 0u32..16, 1u64..300_000), 1..40),
        seed in 0u64..1000,
        queue in 2u32..200,
        trimming in any::<bool>(),
        mode in 0..3usize,
        chained in any::<bool>(),
    ) {
        let traffic = traffic_of(&list, chained);
        let network = tree(16, 3, 100.0);
        let transport = [Transport::Uec, Transport::UecCredit, Transport::UecBoth][mode];
        let settings = Settings {
            seed, trimming, transport, queue_packets: Some(queue), edge_use: true, ..Settings::default()
        };
        let outcome = run(&network, &traffic, &settings);
        prop_assert!(!outcome.stopped);
        let mut into = [0u64; 16];
        let mut packets = 0;
        for (task, finish) in traffic.tasks.iter().zip(&outcome.finishes) {
            prop_assert!(finish.start < finish.delivered && finish.delivered < finish.acknowledged);
            prop_assert!(finish.acknowledged <= outcome.end);
            if let Work::Message { to, bytes, .. } = task.work {
                into[to.index()] += bytes + bytes.div_ceil(4086) * 64;
                packets += bytes.div_ceil(4086);
            }
        }
        // Every packet is sent once, and again as often as counted.
        prop_assert_eq!(outcome.counters.packets, packets + outcome.counters.retransmitted);
        if !trimming {
            prop_assert_eq!(outcome.counters.trimmed, 0);
        }
        for (at, used) in outcome.edges.iter().enumerate() {
            let edge = network.edge(EdgeId(at as u32));
            // No link sends faster than it can.
            prop_assert!(edge.rate.serialise(used.bytes) <= outcome.end);
            // Whatever goes to a host crosses its last link.
            if let Some(host) = network.endpoints.iter().position(|node| *node == edge.to) {
                prop_assert!(used.bytes >= into[host]);
            }
        }
        // Neither watching nor threads change the answer.
        for threads in [1, 2, 8] {
            let again = run(&network, &traffic, &Settings { threads, edge_use: threads == 8, ..settings.clone() });
            prop_assert_eq!(again.hash(), outcome.hash());
            prop_assert_eq!(&again.finishes, &outcome.finishes);
            prop_assert_eq!(again.counters, outcome.counters);
            if threads == 8 {
                prop_assert_eq!(&again.edges, &outcome.edges);
            }
        }
    }
}
