//! Operations that switches perform, packet by packet: against closed forms and against the flow engine.

use lanewright_fabric::collective::{Algorithm, Collective, Operation};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow;
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::full_mesh::FullMesh;
use lanewright_fabric::network::scale_up::ScaleUp;
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Outcome, Unobserved};
use lanewright_fabric::packet::{self, LinkSettings, ReductionSettings, Settings, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, InNetwork, Multicast, Traffic, Work};
use proptest::prelude::*;

/// Time of 4,150 B at 400 Gb/s, a link and a switch, in ps.
const PACKET: u64 = 83_000;
const LINK: u64 = 1_000_000;
const SWITCH: u64 = 300_000;
/// Payload of a full packet.
const MSS: u64 = 4086;

fn tree(hosts: u32, tiers: u8, layer: LinkLayer) -> Network {
    let rate = Rate::gbps(400.0).expect("positive");
    let links = Links { rate, delay: Time(LINK), switch_latency: Time(SWITCH), layer };
    FatTree::balanced(hosts, tiers).expect("a balanced size").build(&links)
}

fn operation(kind: InNetwork, members: impl IntoIterator<Item = u32>, bytes: u64) -> Traffic {
    let mut builder = Builder::default();
    let members = members.into_iter().map(EndpointId).collect();
    let group = builder.multicast(Multicast { kind, members });
    builder.task(Work::InNetwork { group, bytes }, Time::ZERO);
    builder.build()
}

fn run(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    traffic.check(network.endpoints.len()).expect("sound");
    assert_eq!(packet::cannot_reduce(network, &routes, traffic), None);
    packet::run(network, &routes, traffic, &Timeline::default(), settings, &mut Unobserved)
}

fn adding(ns: u64) -> Settings {
    Settings { reduction: ReductionSettings { latency: Time::ns(ns) }, ..Settings::default() }
}

fn lossless(layer: LinkLayer) -> Settings {
    let transport = if layer == LinkLayer::Ethernet { Transport::Uec } else { Transport::Credit };
    // Tokens and fills are counted elsewhere.
    let links = LinkSettings { framing: false, ..LinkSettings::default() };
    Settings { transport, links, ..adding(250) }
}

/// Up and down with a stop at every switch: `2 a + S b`, where `a` holds links, switches, the packet's stay at each and the
/// adding up, and `b` the header's share.
#[test]
fn an_all_reduce_takes_two_ways_and_its_bytes_once() {
    let layers = [LinkLayer::Ethernet, LinkLayer::LosslessEthernet, LinkLayer::InfiniBand, LinkLayer::UaLink];
    for (layer, (hosts, tiers)) in layers.into_iter().flat_map(|layer| [(layer, (8, 1)), (layer, (16, 3))]) {
        let network = tree(hosts, tiers, layer);
        let segments = 1000;
        let outcome = run(&network, &operation(InNetwork::AllReduce, 0..hosts, segments * MSS), &lossless(layer));
        let (levels, links) = (u64::from(tiers), 2 * u64::from(tiers));
        let alone = links * LINK + (links - 1) * SWITCH + (links - 1) * PACKET + levels * 250_000;
        let finish = outcome.finishes[0];
        assert_eq!(finish.delivered, Time(alone + segments * PACKET), "{layer:?}, {tiers} tiers");
        assert!(!outcome.stopped && finish.acknowledged == finish.delivered);
        assert_eq!(outcome.counters.packets, segments * u64::from(hosts));
        assert_eq!((outcome.counters.dropped, outcome.counters.retransmitted), (0, 0));
    }
}

/// With cut-through a sum leaves as its last header comes: only headers are stored, but whole packets at members.
#[test]
fn cut_through_stores_headers_alone() {
    let network = tree(16, 3, LinkLayer::InfiniBand);
    let settings = Settings { forwarding: packet::Forwarding::CutThrough, ..lossless(LinkLayer::InfiniBand) };
    let outcome = run(&network, &operation(InNetwork::AllReduce, 0..16, 1000 * MSS), &settings);
    let alone = 6 * LINK + 5 * SWITCH + 5 * 64 * 20 + 3 * 250_000;
    assert_eq!(outcome.finishes[0].delivered, Time(alone + 1000 * PACKET));
}

#[test]
fn parts_and_copies() {
    let network = tree(16, 3, LinkLayer::InfiniBand);
    let settings = lossless(LinkLayer::InfiniBand);
    // Every member gets a sixteenth: the last part's last segment is the last of all.
    let segments = 16 * 50;
    let scatter = run(&network, &operation(InNetwork::ReduceScatter, 0..16, segments * MSS), &settings);
    let way = 6 * LINK + 5 * SWITCH + 5 * PACKET;
    assert_eq!(scatter.finishes[0].delivered, Time(way + 3 * 250_000 + segments * PACKET));
    // A multicast adds nothing up.
    let cast = run(&network, &operation(InNetwork::Multicast, [3, 0, 7, 12, 15], 500 * MSS), &settings);
    assert_eq!(cast.finishes[0].delivered, Time(way + 500 * PACKET));
    // Less than a packet.
    let small = run(&network, &operation(InNetwork::AllReduce, [0, 1], 8), &settings);
    assert_eq!(small.finishes[0].delivered, Time(2 * LINK + SWITCH + 250_000 + 2 * 72 * 20));
}

/// Every plane of a scale-up domain has a tree and an equal part; links with credits carry the rate.
#[test]
fn all_planes_add_up() {
    let (domain, links) = ScaleUp::nvlink4(8);
    let network = domain.build(&links);
    let bytes = 128u64 << 20;
    let members: Vec<EndpointId> = (0..8).map(EndpointId).collect();
    let nvls = Collective::new(Operation::AllReduce, Algorithm::InSwitch, members, bytes);
    let traffic = nvls.traffic().expect("an operation");
    let settings = Settings { transport: Transport::Credit, header: 16, ..Settings::default() };
    let outcome = run(&network, &traffic, &settings);
    // 18 planes of 25 GB/s; 16 B of header in 4,150 B, which fill 260 flits of 16 B.
    let wanted = bytes as f64 / 450e9 * 4160.0 / 4134.0;
    let got = outcome.finishes[0].delivered.as_seconds();
    assert!((got / wanted - 1.0).abs() < 0.005, "{got} instead of {wanted}");
    // The flow engine says the same but for headers and the packet's stay at each switch.
    let routes = Routes::new(&network).expect("connected");
    let rates = flow::Settings::default();
    let fair = flow::run(&network, &routes, &traffic, &Timeline::default(), &rates, &mut Unobserved).expect("it runs");
    let fair = fair.makespan(End::Delivered).as_seconds();
    assert!((got / fair - 4160.0 / 4134.0).abs() < 0.005, "{got} against {fair}");
}

#[test]
fn packets_and_rates_agree_on_a_tree() {
    for kind in [InNetwork::AllReduce, InNetwork::ReduceScatter, InNetwork::Multicast] {
        let network = tree(16, 3, LinkLayer::LosslessEthernet);
        let routes = Routes::new(&network).expect("connected");
        let traffic = operation(kind, 0..16, 4000 * MSS);
        let settings = Settings { reduction: ReductionSettings::default(), ..lossless(LinkLayer::LosslessEthernet) };
        let packets = run(&network, &traffic, &settings).finishes[0].delivered;
        let rates = flow::Settings::default();
        let fair =
            flow::run(&network, &routes, &traffic, &Timeline::default(), &rates, &mut Unobserved).expect("it runs");
        // Headers, and five stays of a packet.
        let wanted = Time(fair.finishes[0].delivered.0 + 4000 * (PACKET - MSS * 20) + 5 * PACKET);
        assert_eq!(packets, wanted, "{kind:?}");
    }
}

/// Two groups that share all links share their rate.
#[test]
fn operations_side_by_side() {
    let network = tree(8, 1, LinkLayer::InfiniBand);
    let mut builder = Builder::default();
    for _ in 0..2 {
        let members = (0..8).map(EndpointId).collect();
        let group = builder.multicast(Multicast { kind: InNetwork::AllReduce, members });
        builder.task(Work::InNetwork { group, bytes: 1000 * MSS }, Time::ZERO);
    }
    builder.message(EndpointId(0), EndpointId(1), 100 * MSS);
    let outcome = run(&network, &builder.build(), &lossless(LinkLayer::InfiniBand));
    let last = outcome.makespan(End::Delivered).0;
    let alone = 2 * LINK + SWITCH + PACKET + 250_000;
    assert!(last >= alone + 2000 * PACKET && last < alone + 2150 * PACKET, "{last}");
    assert_eq!(outcome.counters.dropped, 0);
}

#[test]
fn a_lost_segment_is_told() {
    let network = tree(8, 1, LinkLayer::Ethernet);
    let mut builder = Builder::default();
    let members = (0..8).map(EndpointId).collect();
    let group = builder.multicast(Multicast { kind: InNetwork::AllReduce, members });
    builder.task(Work::InNetwork { group, bytes: 2000 * MSS }, Time::ZERO);
    (1..8).for_each(|from| {
        builder.message(EndpointId(from), EndpointId(0), 500 * MSS);
    });
    let settings = Settings { queue_packets: Some(4), ..Settings::default() };
    let outcome = run(&network, &builder.build(), &settings);
    assert!(outcome.stopped && outcome.finishes[0].delivered == Time::NEVER);
    assert!(outcome.finishes[1..].iter().all(|finish| finish.acknowledged != Time::NEVER), "others go on");
    assert!(outcome.notes.iter().any(|note| note.contains("did not end")), "{:?}", outcome.notes);
}

#[test]
fn what_no_switch_can_do_is_refused() {
    let rate = Rate::gbps(400.0).expect("positive");
    let links = Links { rate, delay: Time(LINK), switch_latency: Time::ZERO, layer: LinkLayer::NvLink };
    let network = FullMesh { endpoints: 4, per_pair: 1 }.build(&links);
    let routes = Routes::new(&network).expect("connected");
    let why = packet::cannot_reduce(&network, &routes, &operation(InNetwork::AllReduce, 0..4, 8)).expect("no switches");
    assert!(why.contains("only switches add up"), "{why}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Operations of any members over links with credits, beside each other and messages: all end, nothing is lost, none is
    /// faster than its bytes over a link.
    #[test]
    fn all_end(
        list in prop::collection::vec((0u8..3, prop::collection::btree_set(0u32..16, 2..10), 1u64..300_000), 1..5),
        more in prop::collection::vec((0u32..16, 0u32..16, 1u64..100_000), 0..8),
        latency in 0u64..400,
    ) {
        let network = tree(16, 3, LinkLayer::InfiniBand);
        let mut builder = Builder::default();
        for (kind, members, bytes) in &list {
            let kind = [InNetwork::AllReduce, InNetwork::ReduceScatter, InNetwork::Multicast][usize::from(*kind)];
            let members = members.iter().map(|member| EndpointId(*member)).collect();
            let group = builder.multicast(Multicast { kind, members });
            builder.task(Work::InNetwork { group, bytes: *bytes }, Time::ZERO);
        }
        for (from, to, bytes) in more.into_iter().filter(|(from, to, _)| from != to) {
            builder.message(EndpointId(from), EndpointId(to), bytes);
        }
        let traffic = builder.build();
        let settings = Settings { transport: Transport::Credit, ..adding(latency) };
        let outcome = run(&network, &traffic, &settings);
        prop_assert!(!outcome.stopped);
        prop_assert_eq!(outcome.counters.dropped + outcome.counters.corrupted, 0);
        for (at, (_, _, bytes)) in list.iter().enumerate() {
            prop_assert!(outcome.finishes[at].delivered.0 >= bytes * 20 + 2 * LINK);
        }
    }
}
