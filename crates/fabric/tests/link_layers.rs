//! Link layers in the packet engine against their closed forms: pauses, credits, replay, and links that fail in time.

use lanewright_fabric::fault::{Change, Fault, Timeline};
use lanewright_fabric::link_layer::{Framing, LinkQuality, PauseHop, credited_rate, replay_goodput};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::scale_up::ScaleUp;
use lanewright_fabric::network::torus::Torus;
use lanewright_fabric::network::{EdgeId, EndpointId, LinkLayer, Network, NodeId};
use lanewright_fabric::outcome::{Outcome, Unobserved};
use lanewright_fabric::packet::Forwarding;
use lanewright_fabric::packet::{self, LinkSettings, Repair, Settings, Transport};
use lanewright_fabric::route::{Policy, Routes};
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::memory::{Operation, Stream};
use lanewright_fabric::traffic::{Builder, Traffic};
use proptest::prelude::*;

fn links(gbps: f64, delay: Time, layer: LinkLayer) -> Links {
    Links { rate: Rate::gbps(gbps).expect("positive"), delay, switch_latency: Time::ZERO, layer }
}

/// Hosts at one switch. Host `h` sends by edge `2 h` and receives by edge `2 h + 1`.
fn star(hosts: u32, links: &Links) -> Network {
    FatTree::balanced(hosts, 1).expect("any number").build(links)
}

fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

fn run_with(network: &Network, traffic: &Traffic, faults: &Timeline, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    packet::run(network, &routes, traffic, faults, settings, &mut Unobserved)
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    run_with(network, traffic, &Timeline::default(), settings)
}

fn plain(links: LinkSettings) -> Settings {
    Settings { transport: Transport::Credit, links, ..Settings::default() }
}

fn near(got: f64, wanted: f64, share: f64) {
    assert!((got / wanted - 1.0).abs() <= share, "{got} instead of {wanted}");
}

fn at(time: Time, change: Change) -> Fault {
    Fault { at: time, change }
}

/// An InfiniBand hop of 1 us at 400 Gb/s: `min(rate, credits / round trip)`, where the round trip is the packet on the wire
/// into the switch and out of it and the delay there and back.
#[test]
fn credits_bound_the_rate() {
    let network = star(2, &links(400.0, Time::us(1), LinkLayer::InfiniBand));
    let packet = Time::ps(83_000);
    for credits in [1u32, 4, 13, 26, 27, 40] {
        let count = 200 * u64::from(credits);
        // 4150 bytes are 65 blocks of 64.
        let links = LinkSettings { credit_bytes: Some(credits * 65 * 64), ..LinkSettings::default() };
        let outcome = run(&network, &messages([(0, 1, count * 4086)]), &plain(links));
        let busy = outcome.finishes[0].delivered.0 - 2 * (1_000_000 + packet.0);
        let round = Time::us(2) + packet + packet;
        let rate = network.edges[0].rate;
        let wanted = credited_rate(rate, u64::from(credits) * 4150, 4150, round);
        // The last packets wait for no credit: count the round trips between the first and the last.
        let last = u64::from(credits.min(27)) * 4150;
        near((count * 4150 - last) as f64 / (busy as f64 * 1e-12), wanted, 0.01);
        assert_eq!((outcome.counters.dropped, outcome.counters.retransmitted, outcome.stopped), (0, 0, false));
    }
}

/// A GPU's accesses are spread over all its links: nine packets of 32 KiB take the time of one, 4,160 bytes twice at 25 GB/s
/// with 25 ns a link and 200 ns in the switch; 64 MiB come at the rate of 18 links. By a hash a message keeps to one link.
#[test]
fn a_message_leaves_by_all_links_of_its_endpoint() {
    let (domain, links) = ScaleUp::nvlink4(8);
    let network = domain.build(&links);
    let alone = |bytes, routing| {
        let settings = Settings { routing, ..plain(LinkSettings::default()) };
        run(&network, &messages([(0, 1, bytes)]), &settings).finishes[0].delivered
    };
    assert_eq!(alone(32_768, Policy::Spray), Time::ps(2 * 166_400 + 250_000));
    let rate = |routing| f64::from(64 << 20) / alone(64 << 20, routing).as_seconds();
    // 4,086 bytes of payload in 4,160.
    near(rate(Policy::Spray), 450e9 * 4086.0 / 4160.0, 0.005);
    near(rate(Policy::Adaptive), 450e9 * 4086.0 / 4160.0, 0.005);
    near(rate(Policy::Ecmp), 25e9 * 4086.0 / 4160.0, 0.005);
}

/// Many messages at once, from all to one and from all to all, share the links of their endpoints evenly enough.
#[test]
fn messages_side_by_side_share_all_links() {
    let (domain, links) = ScaleUp::nvlink4(8);
    let network = domain.build(&links);
    let incast = run(&network, &messages((1..8).map(|from| (from, 0, 8 << 20))), &plain(LinkSettings::default()));
    let whole = run(
        &network,
        &messages((0..8).flat_map(|from| (1..8).map(move |to| (from, (from + to) % 8, 8 << 20)))),
        &plain(LinkSettings::default()),
    );
    let bytes = 7.0 * f64::from(8 << 20) * 4160.0 / 4086.0;
    for outcome in [incast, whole] {
        let last = outcome.finishes.iter().map(|finish| finish.delivered).max().expect("messages");
        near(last.as_seconds(), bytes / 450e9 + 0.4e-6, 0.06);
    }
}

/// 93 % of 800 Gb/s on each of four links, once: the preset's rate is what flits leave, and packets of 4,160 bytes fill 65
/// flits of 64 bytes without rest.
#[test]
fn flits_cost_their_share_once() {
    let (domain, links) = ScaleUp::ualink(2);
    let rate = |network: &Network, settings: Settings| {
        let settings = Settings { mtu: 4160, header: 1, ..settings };
        let finish = run(network, &messages([(0, 1, 64 << 20)]), &settings).finishes[0].delivered;
        f64::from(64 << 20) / finish.as_seconds()
    };
    let preset = Network { flits_counted: true, ..domain.build(&links) };
    near(rate(&preset, plain(LinkSettings::default())), 4.0 * 93e9, 0.005);
    // The wire's rate, of which the packet engine takes the share.
    let raw = domain.build(&Links { rate: Rate::gbps(800.0).expect("positive"), ..links });
    near(rate(&raw, plain(LinkSettings::default())), 4.0 * 93e9, 0.005);
    near(rate(&raw, plain(LinkSettings { framing: false, ..LinkSettings::default() })), 4.0 * 100e9, 0.005);
}

fn torus(size: [u32; 3]) -> Network {
    let links = links(400.0, Time::ns(20), LinkLayer::NvLink);
    Torus::rings(size).build(&links, links.rate)
}

/// Everybody sends to everybody with room for one packet per channel: the worst for lock-up.
#[test]
fn tori_do_not_lock_up() {
    for (size, input_queued) in [([4, 4, 1], false), ([4, 4, 1], true), ([3, 3, 2], false), ([8, 1, 1], true)] {
        let network = torus(size);
        let hosts = network.endpoints.len() as u32;
        let pairs = (0..hosts).flat_map(|from| (1..hosts).map(move |step| (from, (from + step) % hosts, 9_000)));
        let links = LinkSettings { credit_bytes: Some(1), input_queued, ..LinkSettings::default() };
        let settings = Settings { end: Time::us(50_000), ..plain(links) };
        let outcome = run(&network, &messages(pairs), &settings);
        assert!(!outcome.stopped, "locked up: {size:?}");
        assert_eq!((outcome.counters.dropped, outcome.counters.retransmitted), (0, 0));
    }
}

/// A ring whose packets all go three steps on and have one buffer per link locks up without a second channel: the test
/// above can fail.
#[test]
fn a_ring_with_one_channel_locks_up() {
    let traffic = messages((0..8).map(|from| (from, (from + 3) % 8, 100_000)));
    let run_on = |channels| {
        let links = LinkSettings { credit_bytes: Some(1), channels, ..LinkSettings::default() };
        run(&torus([8, 1, 1]), &traffic, &Settings { end: Time::us(50_000), ..plain(links) }).stopped
    };
    assert!(run_on(Some(1)));
    assert!(!run_on(None));
}

/// The way out is fifty times slower than the way in, and the way back is busy, so that pauses wait for a whole frame.
fn pauses(headroom: u32) -> Outcome {
    let delay = Time::ns(525);
    let network = star(2, &links(400.0, delay, LinkLayer::LosslessEthernet));
    let mut links = LinkSettings::default();
    links.pause.threshold = Some(20_000);
    links.pause.headroom = Some(headroom);
    let slow = at(Time::ZERO, Change::Rate { edge: EdgeId(3), share: 0.02 });
    let faults = Timeline { faults: vec![slow], ..Timeline::default() };
    let settings = Settings { end: Time::us(1500), ..plain(links) };
    run_with(&network, &messages([(0, 1, 20_000_000), (1, 0, 200_000_000)]), &faults, &settings)
}

#[test]
fn headroom_is_enough_and_one_packet_less_is_not() {
    let rate = Rate::gbps(400.0).expect("positive");
    let hop = PauseHop {
        rate,
        back_rate: rate,
        delay: Time::ns(525),
        back_delay: Time::ns(525),
        reaction: Time::ZERO,
        frame: 4150,
        pause: 84,
        stored: 4150,
    };
    let needed = hop.bytes() as u32;
    let enough = pauses(needed);
    assert_eq!(enough.counters.dropped, 0);
    assert!(enough.counters.pauses >= 10, "{}", enough.counters.pauses);
    let short = pauses(needed - 4150);
    assert!(short.counters.dropped > 0);
}

/// Seven to one, with a pool shared by dynamic thresholds and with fixed ones: nothing is lost, and the way out is busy.
#[test]
fn lossless_incast() {
    let network = star(8, &links(400.0, Time::ns(500), LinkLayer::LosslessEthernet));
    let traffic = messages((1..8).map(|from| (from, 0, 400_000)));
    for pool in [None, Some((400_000, 0.25))] {
        let mut links = LinkSettings::default();
        links.pause.pool = pool;
        let outcome = run(&network, &traffic, &plain(links));
        assert_eq!((outcome.counters.dropped, outcome.counters.retransmitted, outcome.stopped), (0, 0, false));
        assert!(outcome.counters.pauses > 0);
        let last = outcome.finishes.iter().map(|finish| finish.delivered).max().expect("seven");
        // 7 * 400,000 bytes and headers at 50 bytes per ns, and twice the delay.
        let wire = 7.0 * (400_000.0 + 98.0 * 64.0);
        near(last.as_us(), wire / 50e3 + 1.083, 0.01);
    }
}

/// Go-back-N on UALink frames of 640 bytes at 800 Gb/s and 50 ns, against `(1 - P) / (1 + P * round * rate / unit)`.
#[test]
fn replay_leaves_what_the_formula_says() {
    let network = star(2, &links(800.0, Time::ns(50), LinkLayer::UaLink));
    let bytes = 256u64 << 20;
    for exponent in [15, 12, 10, 9, 8, 7, 6] {
        let quality = LinkQuality::with_bit_errors(10f64.powi(-exponent));
        let links = LinkSettings { edge_quality: vec![(EdgeId(0), quality)], ..LinkSettings::default() };
        let settings = Settings { mtu: 32_832, ..plain(links) };
        let outcome = run(&network, &messages([(0, 1, bytes)]), &settings);
        let wire = Framing::of(LinkLayer::UaLink).bytes(32_832);
        let packet = network.edges[0].rate.serialise(u64::from(wire)).0;
        let count = bytes / 32_768;
        // What comes after the first link: the second, and both delays.
        let busy = outcome.finishes[0].delivered.0 - packet - 100_000;
        let wanted = replay_goodput(quality.corruption(640), 100.0 / 6.4);
        near((count * packet) as f64 / busy as f64, wanted, 0.01);
        assert_eq!((outcome.counters.corrupted, outcome.counters.retransmitted), (0, 0));
        let failures = quality.corruption(640) * bytes as f64 / 640.0;
        assert!(outcome.counters.replays > 0 || failures < 10.0);
        assert!(outcome.counters.replays == 0 || failures > 1e-3);
    }
}

/// Selective replay costs one unit per failure instead of a round trip.
#[test]
fn selective_replay_costs_less() {
    let network = star(2, &links(800.0, Time::ns(500), LinkLayer::UaLink));
    let took = |selective| {
        let quality = LinkQuality::with_bit_errors(1e-6);
        let mut links = LinkSettings { edge_quality: vec![(EdgeId(0), quality)], ..LinkSettings::default() };
        links.replay.selective = selective;
        // What waits for its turn at the receiver takes room.
        links.credit_bytes = Some(1_000_000);
        let settings = Settings { mtu: 4160, ..plain(links) };
        run(&network, &messages([(0, 1, 16 << 20)]), &settings).finishes[0].delivered.as_us()
    };
    let clean = 16.0 * 1048576.0 / 4096.0 * f64::from(Framing::of(LinkLayer::UaLink).bytes(4160)) / 100e3;
    near(took(true), clean * (1.0 + 5.1e-3), 0.02);
    assert!(took(false) > 1.5 * clean);
}

/// Ethernet without replay loses frames and the transport repairs them; with replay nothing is lost.
#[test]
fn ethernet_with_errors() {
    let network = star(2, &links(400.0, Time::us(1), LinkLayer::Ethernet));
    for replay in [false, true] {
        let quality = LinkQuality::with_bit_errors(1e-6);
        let mut links = LinkSettings { edge_quality: vec![(EdgeId(0), quality)], ..LinkSettings::default() };
        links.replay.ethernet = replay;
        let settings = Settings { links, ..Settings::default() };
        let outcome = run(&network, &messages([(0, 1, 2_000_000)]), &settings);
        assert!(!outcome.stopped);
        let counters = outcome.counters;
        assert_eq!((counters.corrupted > 0, counters.replays > 0), (!replay, replay));
        assert_eq!(counters.retransmitted > 0, !replay);
    }
}

/// Ten flaps of 5 us. Ethernet loses what it sends meanwhile; a link with replay sends it again and is late by no more than
/// the outages and two delays each.
#[test]
fn a_flap_train() {
    for layer in [LinkLayer::Ethernet, LinkLayer::InfiniBand, LinkLayer::LosslessEthernet] {
        let network = star(2, &links(400.0, Time::us(1), layer));
        let mut faults = Timeline::default();
        for flap in 0..10 {
            faults.faults.push(at(Time::us(10 + 20 * flap), Change::Down { edge: EdgeId(0) }));
            faults.faults.push(at(Time::us(15 + 20 * flap), Change::Up { edge: EdgeId(0) }));
        }
        let traffic = messages([(0, 1, 5_000_000)]);
        let mut settings = plain(LinkSettings::default());
        if layer != LinkLayer::InfiniBand {
            settings.transport = Transport::Uec;
        }
        let clean = run(&network, &traffic, &settings).finishes[0].delivered.as_us();
        let outcome = run_with(&network, &traffic, &faults, &settings);
        assert!(!outcome.stopped, "{layer:?}");
        let counters = outcome.counters;
        let late = outcome.finishes[0].delivered.as_us() - clean;
        if layer == LinkLayer::InfiniBand {
            assert_eq!((counters.corrupted, counters.retransmitted), (0, 0));
            assert!(counters.replays >= 10);
            // The message takes 102 us, so it meets six or seven flaps, each of 5 us, a delay of recovery, and 1.1 us that
            // were on the wire.
            assert!(late > 6.0 * 6.0 && late < 8.0 * 7.2, "{late}");
        } else {
            assert!(counters.corrupted > 0 && counters.retransmitted > 0);
            assert!(late > 6.0 * 5.0, "{late}");
        }
    }
}

/// Half the lanes from the start: twice the time on the wire. Lost half-way: half as much again.
#[test]
fn lost_lanes() {
    let network = star(2, &links(400.0, Time::ns(100), LinkLayer::UaLink));
    let traffic = messages([(0, 1, 4_086_000)]);
    let took = |faults: Vec<Fault>| {
        let timeline = Timeline { faults, ..Timeline::default() };
        run_with(&network, &traffic, &timeline, &plain(LinkSettings::default())).finishes[0].delivered.as_us()
    };
    let whole = took(Vec::new());
    let half = |time| vec![at(time, Change::Rate { edge: EdgeId(0), share: 0.5 })];
    near(took(half(Time::ZERO)), 2.0 * whole, 0.01);
    near(took(half(Time::from_seconds(whole * 0.5e-6).expect("finite"))), 1.5 * whole, 0.01);
}

/// Bit errors that begin half-way cost half of what they cost from the start.
#[test]
fn errors_that_rise() {
    let network = star(2, &links(800.0, Time::ns(500), LinkLayer::UaLink));
    let traffic = messages([(0, 1, 32 << 20)]);
    let took = |start: Option<Time>| {
        let change = Change::BitErrors { edge: EdgeId(0), ratio: 1e-6, burst: 1.0 };
        let faults = start.map(|start| at(start, change)).into_iter().collect();
        let timeline = Timeline { faults, ..Timeline::default() };
        let settings = Settings { mtu: 8256, ..plain(LinkSettings::default()) };
        run_with(&network, &traffic, &timeline, &settings).finishes[0].delivered.as_us()
    };
    let clean = took(None);
    let whole = took(Some(Time::ZERO)) - clean;
    let half = took(Time::from_seconds(clean * 0.5e-6)) - clean;
    near(half / whole, 0.5, 0.15);
    near(whole / clean, 0.005_107 * (1.0 + 1000.0 / 6.4), 0.1);
}

/// A switch that stops and comes back: with credits everything waits for it and nothing is lost.
#[test]
fn a_switch_that_stops() {
    let network = star(4, &links(400.0, Time::ns(100), LinkLayer::InfiniBand));
    let switch = NodeId(4);
    let faults = Timeline {
        faults: vec![
            at(Time::us(5), Change::NodeDown { node: switch }),
            at(Time::us(105), Change::NodeUp { node: switch }),
        ],
        ..Timeline::default()
    };
    let traffic = messages([(0, 1, 1_000_000), (2, 3, 1_000_000), (3, 1, 1_000_000)]);
    let clean = run(&network, &traffic, &plain(LinkSettings::default()));
    let outcome = run_with(&network, &traffic, &faults, &plain(LinkSettings::default()));
    assert_eq!((outcome.counters.corrupted, outcome.counters.retransmitted, outcome.stopped), (0, 0, false));
    for (hit, clean) in outcome.finishes.iter().zip(&clean.finishes) {
        let late = hit.delivered.as_us() - clean.delivered.as_us();
        assert!((100.0..103.0).contains(&late), "{late}");
    }
}

/// Loads of 256 bytes through a UALink switch of 150 ns (the consortium's upper figure for its smallest switch): the round
/// trip is two flits' worth and four delays and two latencies, and outstanding loads divide it.
#[test]
fn loads_and_what_may_be_outstanding() {
    let links = Links { switch_latency: Time::ns(150), ..links(800.0, Time::ns(10), LinkLayer::UaLink) };
    let network = star(2, &links);
    let framing = Framing::of(LinkLayer::UaLink);
    let time = |bytes: u32| links.rate.serialise(u64::from(framing.bytes(bytes))).0;
    let took = |forwarding, outstanding| {
        let stream = Stream {
            from: EndpointId(0),
            to: EndpointId(1),
            operation: Operation::Load,
            bytes: 256,
            count: 400,
            outstanding,
            latency: Time::ZERO,
        };
        let mut builder = Builder::default();
        let responses = stream.add(&mut builder);
        let settings = Settings { header: 1, mtu: 257, forwarding, ..plain(LinkSettings::default()) };
        let outcome = run(&network, &builder.build(), &settings);
        assert_eq!(outcome.counters.acknowledgements, 0);
        // Those that start at one time take turns by chance, so the last is not the last named.
        responses.iter().map(|response| outcome.finishes[response.index()].delivered.0).max().expect("400") as f64
    };
    // A request is 2 bytes on one flit, a response 257 on five.
    let (ask, answer) = (time(2), time(257));
    let whole = (2 * (ask + answer) + 4 * 10_000 + 2 * 150_000) as f64;
    near(took(Forwarding::StoreAndForward, 1), 400.0 * whole, 1e-9);
    near(took(Forwarding::StoreAndForward, 4), 100.0 * whole, 0.02);
    // Cut-through: a switch waits for the first flit alone.
    near(took(Forwarding::CutThrough, 1), 400.0 * (whole - (answer - time(1)) as f64), 1e-9);
    // So many at once that the responses fill the wire.
    near(took(Forwarding::StoreAndForward, 200), 400.0 * answer as f64 + whole, 0.05);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Every layer moves any traffic: all bytes arrive once, nothing is lost or sent again by the transport, no link passes
    /// its rate, and the answer repeats.
    #[test]
    fn whatever_the_traffic(
        layer in prop::sample::select(vec![
            LinkLayer::LosslessEthernet, LinkLayer::InfiniBand, LinkLayer::PcieFlit,
            LinkLayer::PciePacket, LinkLayer::UaLink, LinkLayer::NvLink,
        ]),
        list in prop::collection::vec((0u32..8, 1u32..8, 1u64..60_000), 1..30),
        classes in 1u8..4,
        input_queued: bool,
        credit in prop::option::of(1u32..40_000),
        ratio in prop::sample::select(vec![0.0, 1e-7]),
    ) {
        let network = FatTree::balanced(8, 2).expect("balanced").build(&links(400.0, Time::ns(300), layer));
        let mut builder = Builder::default();
        for (at, (from, step, bytes)) in list.iter().enumerate() {
            let task = builder.message(EndpointId(*from), EndpointId((from + step) % 8), *bytes);
            builder.class(task, at as u8);
        }
        let traffic = builder.build();
        let quality = LinkQuality::with_bit_errors(ratio);
        let mut links = LinkSettings { classes, input_queued, credit_bytes: credit, quality, ..LinkSettings::default() };
        links.replay.ethernet = true;
        let settings = Settings { edge_use: true, ..plain(links) };
        // On one way per message, whatever came out of order would be refused and sent again.
        let strict = Settings { routing: Policy::Ecmp, repair: Repair::GoBackN, ..settings.clone() };
        let in_order = run(&network, &traffic, &strict);
        prop_assert_eq!((in_order.counters.retransmitted, in_order.stopped), (0, false));
        let outcome = run(&network, &traffic, &settings);
        prop_assert!(!outcome.stopped);
        let counters = outcome.counters;
        prop_assert_eq!((counters.dropped, counters.corrupted, counters.retransmitted, counters.trimmed), (0, 0, 0, 0));
        let packets: u64 = list.iter().map(|(_, _, bytes)| bytes.div_ceil(4086)).sum();
        prop_assert_eq!(counters.packets, packets);
        let payload: u64 = list.iter().map(|(_, _, bytes)| bytes).sum();
        let carried: u64 = (0..8).map(|host| outcome.edges[2 * host + 1].bytes).sum();
        prop_assert!(carried >= payload + 64 * packets);
        for (edge, used) in network.edges.iter().zip(&outcome.edges) {
            prop_assert!(edge.rate.serialise(used.bytes) <= outcome.end + Time::ps(used.bytes));
        }
        prop_assert_eq!(run(&network, &traffic, &settings).hash(), outcome.hash());
    }
}
