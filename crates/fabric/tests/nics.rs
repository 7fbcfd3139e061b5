//! NICs and their way to memory against closed forms: doorbells, queue pairs, messages per second, payloads of PCIe.

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow;
use lanewright_fabric::link_layer::{Dma, Framing};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Outcome, Unobserved};
use lanewright_fabric::packet::{self, LinkSettings, NicSettings, Settings, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic};
use proptest::prelude::*;

/// Two hosts at one switch, 400 Gb/s, 1 us a link.
fn pair(layer: LinkLayer) -> Network {
    let rate = Rate::gbps(400.0).expect("positive");
    let links = Links { rate, delay: Time::us(1), switch_latency: Time::ZERO, layer };
    FatTree::balanced(2, 1).expect("any number").build(&links)
}

fn burst(count: u32, bytes: u64) -> Traffic {
    let mut builder = Builder::default();
    for _ in 0..count {
        builder.message(EndpointId(0), EndpointId(1), bytes);
    }
    builder.build()
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    packet::run(network, &routes, traffic, &Timeline::default(), settings, &mut Unobserved)
}

fn with(nic: NicSettings) -> Settings {
    Settings { nic, ..Settings::default() }
}

/// A packet of 4,150 B on two links of 50 B/ns and 1 us each, and its acknowledgement of 64 B back.
const ROUND: u64 = 2 * (83_000 + 1_000_000) + 2 * (1_280 + 1_000_000);

#[test]
fn a_doorbell_delays_every_message_once() {
    let network = pair(LinkLayer::Ethernet);
    let nic = NicSettings { doorbell: Time::ns(700), ..NicSettings::default() };
    let outcome = run(&network, &burst(1, 4086), &with(nic));
    assert_eq!(outcome.finishes[0].start, Time::ZERO);
    assert_eq!(outcome.finishes[0].acknowledged, Time(700_000 + ROUND));
    // The flow engine knows it too: 2 us of delay, 4,086 B at 50 B/ns.
    let routes = Routes::new(&network).expect("connected");
    let settings = flow::Settings { doorbell: Time::ns(700), ..flow::Settings::default() };
    let fair = flow::run(&network, &routes, &burst(1, 4086), &Timeline::default(), &settings, &mut Unobserved);
    assert_eq!(fair.expect("it runs").finishes[0].delivered, Time(700_000 + 2_000_000 + 81_720));
    // Not where loads and stores go out as they come.
    let scale_up = pair(LinkLayer::NvLink);
    let plain = run(&scale_up, &burst(3, 4086), &Settings { transport: Transport::Credit, ..Settings::default() });
    let limited = run(&scale_up, &burst(3, 4086), &Settings { transport: Transport::Credit, ..with(nic) });
    assert_eq!(plain.hash(), limited.hash());
}

/// Messages of one packet: `min(rate, queue pairs / round trip, message rate)`.
#[test]
fn throughput_is_the_least_of_rate_queue_pairs_and_message_rate() {
    let network = pair(LinkLayer::Ethernet);
    let count = 2000;
    let rate = |nic| {
        let outcome = run(&network, &burst(count, 4086), &with(nic));
        f64::from(count) / outcome.makespan(End::Acknowledged).as_seconds()
    };
    let near = |got: f64, wanted: f64| assert!((got / wanted - 1.0).abs() < 0.01, "{got} instead of {wanted}");
    let round = ROUND as f64 * 1e-12;
    for pairs in [1, 4, 16] {
        near(rate(NicSettings { queue_pairs: Some(pairs), ..NicSettings::default() }), f64::from(pairs) / round);
    }
    // 1,000 of them are more than the wire can use: one packet in 83 ns. The last one's round trip is part of the run.
    let wire = f64::from(count) / (f64::from(count - 1) * 83e-9 + round);
    near(rate(NicSettings { queue_pairs: Some(1000), ..NicSettings::default() }), wire);
    let spacing = Time::ns(500);
    let spaced = f64::from(count) / (f64::from(count - 1) * 500e-9 + round);
    near(rate(NicSettings { spacing, ..NicSettings::default() }), spaced);
    near(rate(NicSettings { spacing, queue_pairs: Some(1), ..NicSettings::default() }), 1.0 / round);
    // With a doorbell of a microsecond each queue pair is busy no longer: the doorbell rings before.
    let doorbell = Time::us(1);
    let nic = NicSettings { doorbell, queue_pairs: Some(4), ..NicSettings::default() };
    near(rate(nic), f64::from(count) / (f64::from(count) / 4.0 * round + 1e-6));
}

#[test]
fn limits_change_nothing_by_default_and_no_thread_changes_them() {
    let rate = Rate::gbps(400.0).expect("positive");
    let links = Links { rate, delay: Time::us(1), switch_latency: Time::ZERO, layer: LinkLayer::Ethernet };
    let network = FatTree::balanced(16, 3).expect("k = 4").build(&links);
    let mut builder = Builder::default();
    for at in 0..160u32 {
        builder.message(EndpointId(at % 16), EndpointId((at * 7 + 3) % 16), 20_000 + u64::from(at));
    }
    let traffic = builder.build();
    let tight = NicSettings { doorbell: Time::ns(300), queue_pairs: Some(2), spacing: Time::ns(200) };
    let one = run(&network, &traffic, &with(tight));
    let two = run(&network, &traffic, &Settings { threads: 2, ..with(tight) });
    assert_eq!(one.hash(), two.hash());
    assert!(!one.stopped && one.hash() != run(&network, &traffic, &with(NicSettings::default())).hash());
}

/// The bus holds the wire back: 4,086 B of payload in every 4,150 B.
#[test]
fn a_narrow_bus_bounds_the_rate() {
    // PCIe 4 x16 after line coding: 252 Gb/s.
    let bus = Dma {
        layer: LinkLayer::PciePacket,
        rate: Rate::gbps(16.0 * 16.0 * 128.0 / 130.0).expect("positive"),
        payload: 256,
        read_request: 512,
        reads: None,
    };
    let bytes = 4_086 * 2000;
    let mut network = pair(LinkLayer::Ethernet);
    assert_eq!(bus.hold_back(&mut network, 4150, 64), 4);
    let outcome = run(&network, &burst(1, bytes), &Settings::default());
    let got = bytes as f64 / outcome.finishes[0].delivered.as_seconds();
    // Writes share their direction with as many read requests: 16 pieces of 256 and 8 requests of 512 around 4,086 B.
    let wanted = bus.rate.bytes_per_second() * 4086.0 / (4086.0 + 16.0 * 24.0 + 8.0 * 24.0);
    assert!((got / wanted - 1.0).abs() < 0.01, "{got} instead of {wanted}");
    // A bus that is wide enough changes nothing.
    let wide = Dma { rate: Rate::gbps(504.1).expect("positive"), ..bus };
    assert_eq!(wide.hold_back(&mut pair(LinkLayer::Ethernet), 4150, 64), 0);
    assert_eq!(bus.hold_back(&mut pair(LinkLayer::NvLink), 4150, 64), 0);
}

/// PCIe links of a network cut what is longer than their largest payload.
#[test]
fn long_packets_are_cut_on_links_of_pcie() {
    let network = pair(LinkLayer::PciePacket);
    let bytes = 4_086 * 20_000;
    let rate = |pcie_payload| {
        let links = LinkSettings { pcie_payload, ..LinkSettings::default() };
        let settings = Settings { transport: Transport::Credit, links, ..Settings::default() };
        bytes as f64 / run(&network, &burst(1, bytes), &settings).finishes[0].delivered.as_seconds()
    };
    for payload in [128, 256, 512] {
        let wire = Framing::of(LinkLayer::PciePacket).cut(payload).bytes(4150);
        let wanted = 50e9 * 4086.0 / f64::from(wire);
        assert!((rate(Some(payload)) / wanted - 1.0).abs() < 0.01, "{payload}: {} not {wanted}", rate(Some(payload)));
    }
    assert!(rate(None) > rate(Some(512)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever the limits, every message arrives, and none earlier than alone.
    #[test]
    fn everything_arrives(
        list in prop::collection::vec((0u32..8, 0u32..8, 1u64..40_000), 1..40),
        pairs in prop::option::of(1u32..4),
        doorbell in 0u64..2000,
        spacing in 0u64..500,
    ) {
        let rate = Rate::gbps(100.0).expect("positive");
        let links = Links { rate, delay: Time::us(1), switch_latency: Time::ZERO, layer: LinkLayer::Ethernet };
        let network = FatTree::balanced(8, 2).expect("k = 4").build(&links);
        let mut builder = Builder::default();
        for (from, to, bytes) in list.into_iter().filter(|(from, to, _)| from != to) {
            builder.message(EndpointId(from), EndpointId(to), bytes);
        }
        let traffic = builder.build();
        let nic = NicSettings { doorbell: Time::ns(doorbell), queue_pairs: pairs, spacing: Time::ns(spacing) };
        let outcome = run(&network, &traffic, &with(nic));
        prop_assert!(!outcome.stopped);
        for finish in &outcome.finishes {
            prop_assert!(finish.acknowledged >= Time::ns(doorbell) + Time::us(2) && finish.acknowledged != Time::NEVER);
        }
    }
}
