//! What transports and routing policies do to known traffic, and what must hold for every one of them.

use lanewright_fabric::fault::{Change, Fault, Timeline};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EdgeId, EndpointId, LinkLayer, Network, NodeKind};
use lanewright_fabric::outcome::{End, Outcome, Sampling, Unobserved};
use lanewright_fabric::packet::{self, Balancer, Forwarding, Queueing, Red, Repair, Settings, Transport};
use lanewright_fabric::route::{Policy, Routes};
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, Work};
use proptest::prelude::*;

const GBPS: f64 = 400.0;
const ALL: [Transport; 7] = [
    Transport::Uec,
    Transport::UecCredit,
    Transport::UecBoth,
    Transport::Ndp,
    Transport::Roce,
    Transport::Swift,
    Transport::Hpcc,
];

fn tree(endpoints: u32, tiers: u8) -> Network {
    tree_of(LinkLayer::Ethernet, endpoints, tiers)
}

fn tree_of(layer: LinkLayer, endpoints: u32, tiers: u8) -> Network {
    let links =
        Links { rate: Rate::gbps(GBPS).expect("positive"), delay: Time::us(1), switch_latency: Time::ZERO, layer };
    FatTree::balanced(endpoints, tiers).expect("a balanced size").build(&links)
}

fn of(transport: Transport) -> Settings {
    Settings { edge_use: true, ..Settings::of(transport, GBPS * 1e9) }
}

fn run_with(network: &Network, traffic: &Traffic, faults: &Timeline, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    packet::run(network, &routes, traffic, faults, settings, &mut Unobserved)
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    run_with(network, traffic, &Timeline::default(), settings)
}

fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

fn incast(flows: u32, bytes: u64) -> Traffic {
    messages((128 - flows..128).map(|at| (at, 0, bytes)))
}

fn makespan(outcome: &Outcome) -> f64 {
    assert!(!outcome.stopped);
    outcome.makespan(End::Delivered).as_us()
}

/// Most bytes on an edge between switches over those of one message of 2 MB: how many messages met there.
fn most_met(network: &Network, outcome: &Outcome) -> f64 {
    let inner = |at: &usize| {
        let edge = network.edge(EdgeId(*at as u32));
        [edge.from, edge.to].iter().all(|node| network.node(*node).kind == NodeKind::Switch)
    };
    let most = (0..outcome.edges.len()).filter(inner).map(|at| outcome.edges[at].bytes).max().expect("edges");
    most as f64 / (2_000_000.0 + 490.0 * 64.0)
}

/// 490 packets (2,000,000 B in payloads of 4,086 B and headers of 64 B) at 50 B/ns, and the way of the last one over five
/// more links and 6 us of propagation. The last one is short, but waits behind full ones.
#[test]
fn a_message_alone_goes_at_line_rate() {
    let network = tree(128, 3);
    let wire = (2_000_000.0 + 490.0 * 64.0) / 50e3;
    for transport in ALL {
        let outcome = run(&network, &messages([(0, 127, 2_000_000)]), &of(transport));
        let got = makespan(&outcome);
        // HPCC aims at 0.95 of a link, in windows that grow by steps of 5/100,000: up to 1/0.95 of the time.
        let most = if transport == Transport::Hpcc { 1.06 } else { 1.012 };
        let (least, most) = (wire + 6.0 + 4.0 * 0.083, (wire + 6.0 + 5.0 * 0.083) * most);
        assert!(got >= least && got <= most, "{transport:?}: {got} outside {least} to {most}");
        assert_eq!((outcome.counters.retransmitted, outcome.counters.dropped), (0, 0), "{transport:?}");
        assert_eq!(outcome.counters.packets, 490);
    }
}

/// One packet over six links of 1 us: in whole 6 x 83 ns, by header 83 ns + 5 x 1.28 ns of serialisation.
#[test]
fn cut_through_saves_all_but_headers() {
    let network = tree(128, 3);
    let time = |forwarding| {
        let settings = Settings { forwarding, ..of(Transport::Uec) };
        run(&network, &messages([(0, 127, 4_086)]), &settings).finishes[0].delivered
    };
    assert_eq!(time(Forwarding::StoreAndForward), Time::ps(6_000_000 + 6 * 83_000));
    assert_eq!(time(Forwarding::CutThrough), Time::ps(6_000_000 + 83_000 + 5 * 1_280));
}

/// A port at a quarter of the rate in front of fast ones: behind it packets must come in whole.
#[test]
fn faster_ports_wait_for_the_whole_packet() {
    let network = tree(16, 1);
    let up = network.out(network.node_of(EndpointId(0)))[0];
    let slow = Timeline {
        faults: vec![Fault { at: Time::ZERO, change: Change::Rate { edge: up, share: 0.25 } }],
        ..Timeline::default()
    };
    let settings = Settings { forwarding: Forwarding::CutThrough, ..of(Transport::Uec) };
    let mut builder = Builder::default();
    builder.task(Work::Message { from: EndpointId(0), to: EndpointId(9), bytes: 4_086 }, Time::us(1));
    let outcome = run_with(&network, &builder.build(), &slow, &settings);
    // 332 ns at 100 Gb/s, then 83 ns at 400 Gb/s.
    assert_eq!(outcome.finishes[0].delivered, Time::ps(1_000_000 + 2_000_000 + 4 * 83_000 + 83_000));
    let up = network.out(network.node_of(EndpointId(9)))[0].reverse();
    let slow = Timeline {
        faults: vec![Fault { at: Time::ZERO, change: Change::Rate { edge: up, share: 0.25 } }],
        ..Timeline::default()
    };
    let mut builder = Builder::default();
    builder.task(Work::Message { from: EndpointId(0), to: EndpointId(9), bytes: 4_086 }, Time::us(1));
    let outcome = run_with(&network, &builder.build(), &slow, &settings);
    // The slower port begins when the header is there.
    assert_eq!(outcome.finishes[0].delivered, Time::ps(1_000_000 + 2_000_000 + 1_280 + 4 * 83_000));
}

/// 128 messages, each across the core: where ways are hashed some meet, by destination none do, packet by packet they
/// share evenly.
#[test]
fn policies_share_links_as_they_should() {
    let network = tree(128, 3);
    let traffic = messages((0..128).map(|at| (at, (at + 64) % 128, 2_000_000)));
    let met = |routing| {
        let settings = Settings { routing, queue_bdp: 16.0, ..of(Transport::Swift) };
        let outcome = run(&network, &traffic, &settings);
        (most_met(&network, &outcome), makespan(&outcome))
    };
    // D-mod-k: exactly one message on every link beside 490 acknowledgements of another, and the time of a message alone.
    let (most, time) = met(Policy::Static);
    assert!((most - 1.0 - 490.0 * 64.0 / 2_031_360.0).abs() < 1e-9, "{most}");
    assert!(time < 49.0, "{time}");
    // 32 messages of a pod hashed onto 4 x 4 links and so on: somewhere three or more meet.
    let (most, time) = met(Policy::Ecmp);
    assert!(most >= 3.0 && most.fract() < 0.1, "{most}");
    assert!(time > 100.0, "{time}");
    // Packets sprayed or sent to the shortest queue: no link carries much more than its share.
    for routing in [Policy::Spray, Policy::Adaptive] {
        let (most, time) = met(routing);
        assert!(most < 1.3, "{routing:?}: {most}");
        assert!(time < 60.0, "{routing:?}: {time}");
    }
}

/// The dead edge loses what is sprayed on it until routes avoid it. Entropies that are used again only when they come
/// back avoid it on their own (REPS); those taken in turn do not.
#[test]
fn recycled_entropies_leave_a_dead_link() {
    let network = tree(18, 2);
    let leaf = network.edge(network.out(network.node_of(EndpointId(0)))[0]).to;
    let up = *network.out(leaf).iter().find(|edge| network.node(network.edge(**edge).to).tier == 2).expect("an uplink");
    let dead = Timeline {
        faults: vec![Fault { at: Time::us(30), change: Change::Down { edge: up } }],
        reconvergence: Time::us(100_000),
    };
    let traffic = messages([(0, 12, 8_000_000)]);
    let lost = |balancer| {
        // NDP acknowledges every packet, so that every entropy that does well comes back.
        let settings = Settings { balancer, ..of(Transport::Ndp) };
        let outcome = run_with(&network, &traffic, &dead, &settings);
        assert!(!outcome.stopped);
        outcome.counters.corrupted
    };
    let (recycled, oblivious) = (lost(Balancer::Recycle), lost(Balancer::Oblivious));
    // A third of what was under way, and then only fresh draws; against a third of all that is left.
    assert!(recycled > 0 && recycled * 4 < oblivious, "{recycled} against {oblivious}");
    // Eight entries, frozen from the first timeout on: no fresh draws then.
    let reps = lost(Balancer::Reps);
    assert!(reps > 0 && reps * 4 < oblivious, "{reps} against {oblivious}");
}

/// A flow hashed onto a link that dies stands still until routes avoid the link, and no longer.
#[test]
fn routes_avoid_a_dead_link_once_they_know() {
    let network = tree(18, 2);
    let leaf = network.edge(network.out(network.node_of(EndpointId(0)))[0]).to;
    let ups: Vec<EdgeId> =
        network.out(leaf).iter().copied().filter(|edge| network.node(network.edge(*edge).to).tier == 2).collect();
    let traffic = messages([(0, 12, 2_000_000)]);
    let settings = Settings { repair: Repair::Selective, queue_bdp: 8.0, ..of(Transport::Roce) };
    let healthy = run(&network, &traffic, &settings);
    let used = *ups.iter().find(|edge| healthy.edges[edge.index()].bytes > 1_000_000).expect("one carries the flow");
    let fails = |at, reconvergence| {
        let change = [Change::Down { edge: used }, Change::Down { edge: used.reverse() }];
        Timeline { faults: change.map(|change| Fault { at, change }).to_vec(), reconvergence }
    };
    let broken = run_with(&network, &traffic, &fails(Time::us(20), Time::us(50)), &settings);
    let time = makespan(&broken);
    // What was lost comes again after a timeout, on another link.
    assert!(broken.counters.corrupted > 0 && broken.counters.retransmitted >= broken.counters.corrupted);
    assert!(time > 70.0 && time < 3_000.0, "{time}");
    assert!(ups.iter().filter(|edge| broken.edges[edge.index()].bytes > 100_000).count() == 2);
    // Known from the start, the link is never used; where nothing is lost, nothing is sent again.
    let avoided = run_with(&network, &traffic, &fails(Time::ZERO, Time::ZERO), &settings);
    assert_eq!((avoided.edges[used.index()].bytes, avoided.counters.retransmitted), (0, 0));
}

/// Ideal: 16 x 2,031,360 B at 50 B/ns and 6.5 us. Rates by marks, delay or pulls keep the link busy; HPCC aims at 0.95 of
/// it, and its last flow takes five round trips of small steps before it leaps into the room that the others left.
#[test]
fn incasts_keep_the_last_link_busy() {
    let network = tree(128, 3);
    let ideal = 16.0 * 2_031_360.0 / 50e3 + 6.5;
    for (transport, most) in
        [(Transport::Ndp, 1.02), (Transport::Roce, 1.6), (Transport::Swift, 1.02), (Transport::Hpcc, 1.25)]
    {
        let outcome = run(&network, &incast(16, 2_000_000), &of(transport));
        let got = makespan(&outcome);
        assert!(got >= ideal * 0.999 && got <= ideal * most, "{transport:?}: {got}, ideal {ideal}");
        assert_eq!(outcome.counters.dropped, 0, "{transport:?}");
        // Only trimming makes anything come again.
        assert_eq!(outcome.counters.retransmitted, outcome.counters.trimmed, "{transport:?}");
        if transport == Transport::Roce {
            assert!(outcome.counters.marked > 0);
        }
    }
}

/// After the first round trips HPCC holds the queue near zero and Swift at its target, far from full.
#[test]
fn queues_settle_where_the_control_wants_them() {
    let network = tree(128, 3);
    let last = network.out(network.node_of(EndpointId(0)))[0].reverse();
    let settled = |transport| {
        let sampling = Some(Sampling { slot: Time::us(50), edges: vec![last] });
        let outcome = run(&network, &incast(8, 8_000_000), &Settings { sampling, ..of(transport) });
        let queue = &outcome.series.queue[0];
        let peak = *queue.iter().max().expect("sampled");
        // The middle of the run.
        let late = queue[queue.len() / 2..queue.len() * 3 / 4].iter().max().copied().expect("long enough");
        (peak, late)
    };
    let (peak, late) = settled(Transport::Hpcc);
    assert!(peak > 2_000_000 && late < 100_000, "HPCC: {peak}, then {late}");
    // Swift's target: 20 us and 6 x 3.05 us and what small windows add, of which 12.5 us are the way itself.
    let (peak, late) = settled(Transport::Swift);
    assert!(peak > 2_000_000 && late > 300_000 && late < 3_000_000, "Swift: {peak}, then {late}");
}

/// Eight flows that start together get alike shares: all finish within a few percent.
#[test]
fn rates_by_marks_share_a_link() {
    let network = tree(128, 3);
    let traffic = incast(8, 16_000_000);
    let outcome = run(&network, &traffic, &of(Transport::Roce));
    let times = outcome.completion(&traffic, End::Delivered).expect("finished");
    assert!(times.min / times.max > 0.5, "{times:?}");
    assert_eq!(outcome.counters.dropped, 0);
}

/// Shallow queues that drop: going back repeats more than what was lost, selective repair about that alone.
#[test]
fn going_back_repeats_more_than_was_lost() {
    let network = tree(128, 3);
    let counters = |repair| {
        let settings = Settings {
            repair,
            queue_packets: Some(40),
            ..of(Transport::Roce).with_queueing(Queueing::RedDropTail(Red { from: 20_000, to: 100_000, most: 0.2 }))
        };
        let outcome = run(&network, &incast(4, 1_000_000), &settings);
        assert!(!outcome.stopped);
        outcome.counters
    };
    let (selective, back) = (counters(Repair::Selective), counters(Repair::GoBackN));
    assert!(selective.dropped > 0 && back.dropped > 0);
    assert_eq!(selective.retransmitted, selective.dropped);
    assert!(back.retransmitted > back.dropped, "{back:?}");
}

/// A step marks exactly where the queue is above it; nothing is marked where no switch marks.
#[test]
fn kinds_of_switches_do_as_they_say() {
    let network = tree(16, 1);
    let traffic = messages((1..5).map(|at| (at, 0, 400_000)));
    let settings = |queueing| Settings { queue_packets: Some(1_000), ..of(Transport::Swift).with_queueing(queueing) };
    let counters = |queueing| run(&network, &traffic, &settings(queueing)).counters;
    assert_eq!(counters(Queueing::DropTail).marked, 0);
    // Whose constants are estimates says so.
    let notes = run(&network, &traffic, &settings(Queueing::DropTail)).notes;
    assert!(notes.iter().any(|note| note.contains("Swift")), "{notes:?}");
    let step = counters(Queueing::EcnDropTail { threshold: 100_000 }).marked;
    let certain = counters(Queueing::RedDropTail(Red { from: 100_000, to: 100_000, most: 1.0 })).marked;
    let early = counters(Queueing::RedDropTail(Red { from: 0, to: 4_000_000, most: 0.2 })).marked;
    assert!(step == certain && step > early && early > 0, "{step} {certain} {early}");
    let shallow = |queueing| {
        let settings = Settings { queue_packets: Some(20), ..settings(queueing) };
        run(&network, &traffic, &settings).counters
    };
    let (dropped, trimmed) = (shallow(Queueing::DropTail), shallow(Queueing::Trimming));
    assert!(dropped.dropped > 0 && dropped.trimmed == 0);
    assert!(trimmed.dropped == 0 && trimmed.trimmed > 0);
}

/// Over links with pauses, 48 messages into one host lose nothing and repeat nothing, whatever sets the rate, though ports
/// have room for no more than the headroom asks. DCQCN marks before pauses begin where switches share 32 MB.
#[test]
fn pauses_make_rates_lossless() {
    let network = tree_of(LinkLayer::LosslessEthernet, 128, 3);
    let ideal = 48.0 * 2_031_360.0 / 50e3;
    let mut pauses = Vec::new();
    for (transport, pool) in [
        (Transport::Roce, None),
        (Transport::Roce, Some((32_000_000, 0.125))),
        (Transport::Swift, None),
        (Transport::Hpcc, None),
    ] {
        let mut settings = of(transport);
        settings.links.pause.pool = pool;
        let outcome = run(&network, &incast(48, 2_000_000), &settings);
        let counters = outcome.counters;
        assert_eq!((counters.dropped, counters.retransmitted), (0, 0), "{transport:?}");
        let time = makespan(&outcome);
        // Rates cut by marks or telemetry leave room at the end.
        assert!(time > ideal && time < 1.6 * ideal, "{transport:?}: {time}, ideal {ideal}");
        assert!(counters.pauses > 0, "{transport:?}");
        if pool.is_some() {
            assert!(counters.marked > 0);
        }
        pauses.push(counters.pauses);
    }
    // With room to share, marks come first and pauses are fewer.
    assert!(pauses[1] < pauses[0], "{pauses:?}");
}

/// NDP never sends more than the first window unasked: with windows of one packet a message takes a pull per packet.
#[test]
fn pulls_pace_what_follows_the_first_window() {
    let network = tree(16, 1);
    let settings = Settings { initial_window: Some(1), ..of(Transport::Ndp) };
    let outcome = run(&network, &messages([(0, 9, 40_860)]), &settings);
    // Each packet goes when the one before has arrived and its pull is back: ten ways there, nine back.
    let there = 2_000_000 + 2 * 83_000;
    let back = 2_000_000 + 2 * 1_280;
    // The acknowledgement of a packet leaves before its pull.
    let header = 1_280;
    let got = outcome.finishes[0].delivered.0;
    let least = 10 * there + 9 * back;
    assert!(got >= least && got <= least + 9 * header, "{got} against {least}");
}

fn list(hosts: u32) -> impl Strategy<Value = Vec<(u32, u32, u64, u64)>> {
    prop::collection::vec((0..hosts, 0..hosts, 1u64..200_000, 0u64..40_000_000), 1..30)
}

fn timed(list: &[(u32, u32, u64, u64)]) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes, at) in list.iter().filter(|(from, to, _, _)| from != to) {
        let work = Work::Message { from: EndpointId(*from), to: EndpointId(*to), bytes: *bytes };
        builder.task(work, Time::ps(*at));
    }
    builder.build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_holds_for_any_transport(
        list in list(16),
        seed in 0u64..1000,
        which in 0..ALL.len(),
        routing in 0..4usize,
        queueing in 0..4usize,
        queue in 4u32..400,
        cut in any::<bool>(),
        back in any::<bool>(),
        balancer in 0..5usize,
    ) {
        let network = tree(16, 3);
        let traffic = timed(&list);
        let red = Red { from: 8_000, to: 80_000, most: 0.5 };
        let queueing = [
            Queueing::DropTail, Queueing::EcnDropTail { threshold: 20_000 }, Queueing::RedDropTail(red), Queueing::Trimming,
        ][queueing];
        let settings = Settings {
            seed,
            routing: [Policy::Ecmp, Policy::Spray, Policy::Adaptive, Policy::Static][routing],
            forwarding: if cut { Forwarding::CutThrough } else { Forwarding::StoreAndForward },
            repair: if back { Repair::GoBackN } else { Repair::Selective },
            queue_packets: Some(queue),
            balancer: [
                Balancer::Mixed, Balancer::Bitmap, Balancer::Recycle, Balancer::Reps, Balancer::Oblivious,
            ][balancer],
            ..of(ALL[which]).with_queueing(queueing)
        };
        let outcome = run(&network, &traffic, &settings);
        prop_assert!(!outcome.stopped);
        let mut packets = 0;
        let mut into = [0u64; 16];
        for (task, finish) in traffic.tasks.iter().zip(&outcome.finishes) {
            prop_assert!(finish.start < finish.delivered && finish.delivered < finish.acknowledged);
            if let Work::Message { to, bytes, .. } = task.work {
                packets += bytes.div_ceil(4086);
                into[to.index()] += bytes + bytes.div_ceil(4086) * 64;
            }
        }
        // Every packet is sent once, and again as often as counted; no byte comes from nowhere.
        prop_assert_eq!(outcome.counters.packets, packets + outcome.counters.retransmitted);
        for (at, used) in outcome.edges.iter().enumerate() {
            let edge = network.edge(EdgeId(at as u32));
            prop_assert!(edge.rate.serialise(used.bytes) <= outcome.end);
            if let Some(host) = network.endpoints.iter().position(|node| *node == edge.to) {
                prop_assert!(used.bytes >= into[host]);
            }
        }
        for threads in [2, 4] {
            let again = run(&network, &traffic, &Settings { threads, ..settings.clone() });
            prop_assert_eq!(again.hash(), outcome.hash());
            prop_assert_eq!(again.counters, outcome.counters);
        }
    }

    /// Receivers that take nothing out of turn would refuse packets that overtake each other: on one way none do.
    #[test]
    fn no_packet_overtakes_another_on_one_way(list in list(16), which in 4..7usize, cut in any::<bool>(), fixed in any::<bool>()) {
        let settings = Settings {
            repair: Repair::GoBackN,
            routing: if fixed { Policy::Static } else { Policy::Ecmp },
            forwarding: if cut { Forwarding::CutThrough } else { Forwarding::StoreAndForward },
            queue_bdp: 1_000.0,
            ..of(ALL[which])
        };
        let outcome = run(&tree(16, 3), &timed(&list), &settings);
        prop_assert_eq!((outcome.counters.dropped, outcome.counters.retransmitted), (0, 0));
    }

    /// Hosts at one switch change names: messages take the same times. Starts are apart by odd picoseconds, so that no two
    /// packets ask for a port at the same time, where names would decide.
    #[test]
    fn names_of_hosts_do_not_matter(list in list(18), turn in 1u32..3) {
        let network = tree(18, 2);
        let per_leaf = 3;
        let renamed: Vec<_> = list
            .iter()
            .map(|(from, to, bytes, at)| {
                let other = |host: u32| host / per_leaf * per_leaf + (host % per_leaf + turn) % per_leaf;
                (other(*from), other(*to), *bytes, *at)
            })
            .collect();
        let settings = Settings { queue_bdp: 1_000.0, ..of(Transport::Swift) };
        let (one, two) = (run(&network, &timed(&list), &settings), run(&network, &timed(&renamed), &settings));
        prop_assert_eq!(one.finishes, two.finishes);
    }
}
