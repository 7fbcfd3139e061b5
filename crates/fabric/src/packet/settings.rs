//! What a user may set, and what follows from it for a network.

use serde::Serialize;

use super::dcqcn::Dcqcn;
use super::doorbell::NicSettings;
use super::hpcc::Hpcc;
use super::in_network::ReductionSettings;
use super::link_settings::LinkSettings;
use super::repair::Repair;
use super::swift::Swift;
use super::switching::{Forwarding, Red};
use crate::network::{EndpointId, LinkLayer, Network, NodeId, NodeKind, Shape};
use crate::outcome::Sampling;
use crate::route::Policy;
use crate::time::{Rate, Time};

/// How senders find their rate and repair losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Ultra Ethernet's sender-based congestion control (NSCC): window by delay and marks, trimming repaired at once.
    Uec,
    /// Credit granted by receivers, after a first window sent on trust (as in EQDS and NDP).
    UecCredit,
    /// Both: credit and window must allow a packet.
    UecBoth,
    /// None: links with credits or pauses hold senders back, and lose nothing. A message's last packet is acknowledged at
    /// once, others now and then; what is missing for 67 ms is sent again (InfiniBand's local acknowledgement timeout of
    /// 4.096 us times 2^14).
    Credit,
    /// The first window on trust, then one packet for each pull that the receiver paces (NDP).
    Ndp,
    /// RDMA over converged Ethernet with DCQCN: a rate, cut when receivers tell of marks.
    Roce,
    /// Swift: a window that follows a target for the round trip.
    Swift,
    /// HPCC: a window set by what switches say about their links.
    Hpcc,
}

/// How a sender chooses the entropy of a packet when it sprays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balancer {
    /// Entropies that came back unmarked are used again; else in turn, passing over those that were marked of late.
    Mixed,
    /// In turn, passing over those that were marked of late.
    Bitmap,
    /// Entropies that came back unmarked are used again; else any.
    Recycle,
    /// As the last, but at most eight of them are kept, and used over and over for a while after a timeout (REPS with
    /// freezing).
    Reps,
    /// In turn, whatever comes back.
    Oblivious,
}

/// What a user may set. Default: Ultra Ethernet as in its reference simulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// How senders find their rate and repair losses.
    pub transport: Transport,
    /// How switches choose among equal ways.
    pub routing: Policy,
    /// How senders choose entropies when they spray.
    pub balancer: Balancer,
    /// Largest packet on the wire in bytes, header included; at most 65,535.
    pub mtu: u16,
    /// Header in bytes: what every packet has, and all that acknowledgements and trimmed packets have.
    pub header: u16,
    /// Queue of a switch port over the bandwidth-delay product of the longest way.
    pub queue_bdp: f64,
    /// Queue of a switch port in packets of `mtu`; overrides `queue_bdp`.
    pub queue_packets: Option<u32>,
    /// Marking begins and is certain at these shares of the queue, or of the bandwidth-delay product where that is less.
    /// `None`: no marks.
    pub ecn: Option<(f64, f64)>,
    /// Entropies per flow when it sprays, rounded up to a power of two.
    pub paths: u16,
    /// Where all chance comes from.
    pub seed: u64,
    /// First window in packets of `mtu`. `None`: 1.5 bandwidth-delay products.
    pub initial_window: Option<u32>,
    /// Full queues cut off payloads instead of dropping packets.
    pub trimming: bool,
    /// Marks by random early detection instead of `ecn`.
    pub red: Option<Red>,
    /// When switches send packets on.
    pub forwarding: Forwarding,
    /// What is sent again after a loss.
    pub repair: Repair,
    /// Constants of RoCE's rate control.
    pub dcqcn: Dcqcn,
    /// Constants of Swift.
    pub swift: Swift,
    /// Constants of HPCC.
    pub hpcc: Hpcc,
    /// Queueing delay that senders aim at. `None`: 0.75 of the round trip with trimming, else one.
    pub target_delay: Option<Time>,
    /// Round trip of the longest way without queues. `None`: from the network.
    pub base_rtt: Option<Time>,
    /// Link layers.
    pub links: LinkSettings,
    /// Limits of NICs.
    pub nic: NicSettings,
    /// What switches take to add up.
    pub reduction: ReductionSettings,
    /// Whether to count what each edge carries.
    pub edge_use: bool,
    /// What to record over time.
    pub sampling: Option<Sampling>,
    /// Threads; the answer is the same for any number.
    pub threads: usize,
    /// Skip what goes on in the same way: times are then estimates (see [`crate::outcome::Skipped`]), and one thread runs.
    pub fast_forward: bool,
    /// When to stop. [`Time::NEVER`]: when all is done.
    pub end: Time,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transport: Transport::Uec,
            routing: Policy::Spray,
            balancer: Balancer::Mixed,
            mtu: 4150,
            header: 64,
            queue_bdp: 1.0,
            queue_packets: None,
            ecn: Some((0.2, 0.8)),
            paths: 64,
            seed: 13,
            initial_window: None,
            trimming: true,
            red: None,
            forwarding: Forwarding::StoreAndForward,
            repair: Repair::Selective,
            dcqcn: Dcqcn::default(),
            swift: Swift::default(),
            hpcc: Hpcc::default(),
            target_delay: None,
            base_rtt: None,
            links: LinkSettings::default(),
            nic: NicSettings::default(),
            reduction: ReductionSettings::default(),
            edge_use: false,
            sampling: None,
            threads: 1,
            fast_forward: false,
            end: Time::NEVER,
        }
    }
}

/// What follows from settings and network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Params {
    /// Bytes of a full packet, its payload, and a header.
    pub(super) mtu: u32,
    pub(super) mss: u32,
    pub(super) header: u32,
    /// Round trip of the longest way without queues, in ps.
    pub(super) rtt: u64,
    /// Rate of the endpoints' links, bytes per second.
    pub(super) host_rate: f64,
    /// Queue of a port in bytes, and where marking begins and is certain.
    pub(super) queue: u32,
    pub(super) mark_from: u32,
    pub(super) mark_all: u32,
    /// Bytes beyond `mark_from` at which marks would be certain if their probability went on growing.
    pub(super) mark_span: u32,
    /// Marks also on the last hop: not when receivers grant credit, since they know.
    pub(super) mark_last_hop: bool,
    pub(super) trimming: bool,
    /// Entropies per flow.
    pub(super) paths: u16,
    /// Least time before a sender thinks a packet lost, in ps.
    pub(super) timeout: u64,
    /// Senders keep a window; receivers grant credit.
    pub(super) window: bool,
    pub(super) credit: bool,
    /// Nobody acknowledges: a message is done when it is delivered.
    pub(super) posted: bool,
    /// Receivers pull; first window in packets.
    pub(super) pull: bool,
    pub(super) first_window: u32,
    /// Senders hold packets back until they are due.
    pub(super) paced: bool,
    /// Every packet is acknowledged.
    pub(super) acknowledge_all: bool,
    /// Receivers tell of marks in packets of their own.
    pub(super) notify: bool,
    /// Ports write into packets what they carry.
    pub(super) telemetry: bool,
    /// Everything from a loss on is sent again; or losses are found by gaps.
    pub(super) go_back: bool,
    pub(super) gaps: bool,
    pub(super) cut_through: bool,
    pub(super) nscc: super::nscc::Constants,
}

impl Params {
    pub(super) fn new(network: &Network, settings: &Settings) -> Self {
        let mtu = u32::from(settings.mtu.max(settings.header.saturating_add(1)));
        let header = u32::from(settings.header.max(1));
        let host_rate = host_rate(network);
        let rtt = match settings.base_rtt {
            Some(rtt) => rtt.0.max(1),
            None => longest_round_trip(network, host_rate, mtu, header, settings.forwarding).max(1),
        };
        let bytes = host_rate.bytes_per_second();
        let bdp = rtt as f64 * 1e-12 * bytes;
        // As in the reference simulator, sizes are whole packets.
        let bdp_packets = (bdp / f64::from(mtu)).ceil().clamp(1.0, 1e9 / f64::from(mtu));
        let queue_packets = match settings.queue_packets {
            Some(packets) => f64::from(packets),
            None => (bdp_packets * settings.queue_bdp).round(),
        };
        let queue_packets = queue_packets.clamp(1.0, 2e9 / f64::from(mtu));
        let queue = (queue_packets * f64::from(mtu)) as u32;
        let within = bdp_packets.min(queue_packets);
        let mark = |share: f64| ((within * share.clamp(0.0, 1.0)).ceil() * f64::from(mtu)) as u32;
        let (mark_from, mark_all) = match (settings.red, settings.ecn) {
            (Some(red), _) => (red.from, red.to),
            (None, Some((from, all))) => (mark(from), mark(all)),
            (None, None) => (u32::MAX, u32::MAX),
        };
        let mark_all = mark_all.max(mark_from);
        let most = settings.red.map_or(1.0, |red| red.most.clamp(1e-6, 1.0));
        let mark_span = (f64::from(mark_all - mark_from) / most).max(1.0) as u32;
        let (window, credit) = match settings.transport {
            Transport::Uec => (true, false),
            Transport::UecCredit => (false, true),
            Transport::UecBoth => (true, true),
            Transport::Credit => (false, false),
            Transport::Ndp | Transport::Roce => (false, false),
            Transport::Swift | Transport::Hpcc => (true, false),
        };
        let paths = match settings.routing {
            Policy::Spray => settings.paths.clamp(1, 1 << 14).next_power_of_two(),
            _ => 1,
        };
        let params = Self {
            mtu,
            mss: mtu - header,
            header,
            rtt,
            host_rate: bytes,
            queue,
            mark_from,
            mark_all,
            mark_span,
            mark_last_hop: !credit,
            trimming: settings.trimming,
            paths,
            // Time for six full queues and some for the ends: the reference simulator's rule.
            timeout: match settings.transport {
                Transport::Credit => 4_096_000 << 14,
                _ => 15_000_000 + (f64::from(queue) * 6.0 / bytes * 1e12) as u64,
            },
            window,
            credit,
            posted: posted(network, settings),
            pull: settings.transport == Transport::Ndp,
            first_window: 0,
            paced: matches!(settings.transport, Transport::Roce | Transport::Swift | Transport::Hpcc),
            acknowledge_all: matches!(settings.transport, Transport::Ndp | Transport::Swift | Transport::Hpcc),
            notify: settings.transport == Transport::Roce,
            telemetry: settings.transport == Transport::Hpcc,
            go_back: settings.repair == Repair::GoBackN,
            // Gaps tell of losses where packets keep their order: on one way, without trimming.
            gaps: settings.repair == Repair::Selective
                && !settings.trimming
                && matches!(settings.routing, Policy::Ecmp | Policy::Static),
            cut_through: settings.forwarding == Forwarding::CutThrough,
            nscc: super::nscc::Constants::new(settings, rtt, bytes, mtu, mtu - header),
        };
        Self { first_window: super::ndp::first_window(settings, &params), ..params }
    }
}

/// Whether messages go unacknowledged: where links alone see to it that nothing is lost, and are not InfiniBand's.
fn posted(network: &Network, settings: &Settings) -> bool {
    let silent =
        |layer| matches!(layer, LinkLayer::PcieFlit | LinkLayer::PciePacket | LinkLayer::UaLink | LinkLayer::NvLink);
    let mut edges = network.endpoints.iter().flat_map(|node| network.out(*node)).map(|edge| network.edge(*edge).layer);
    let by_layer = || !network.edges.is_empty() && edges.all(silent);
    settings.transport == Transport::Credit && settings.links.acknowledge.map_or_else(by_layer, |wanted| !wanted)
}

/// The usual rate of the endpoints' links: the highest.
fn host_rate(network: &Network) -> Rate {
    let rates = network.endpoints.iter().flat_map(|node| network.out(*node)).map(|edge| network.edge(*edge).rate);
    rates.max().or(Rate::bits_per_second(1)).expect("1 bit/s is not zero")
}

/// Round trip of a full packet and its acknowledgement over the longest way, in ps.
fn longest_round_trip(network: &Network, rate: Rate, mtu: u32, header: u32, forwarding: Forwarding) -> u64 {
    let (hops, delay) = longest_way(network);
    let (whole, header) = (rate.serialise(u64::from(mtu)).0, rate.serialise(u64::from(header)).0);
    match forwarding {
        Forwarding::StoreAndForward => 2 * delay + hops * (whole + header),
        // The header goes on, the rest of the packet follows it.
        Forwarding::CutThrough => 2 * delay + whole + (2 * hops - 1) * header,
    }
}

/// Edges and delay in ps of the longest of the shortest ways from some endpoints (all that a regular network needs).
fn longest_way(network: &Network) -> (u64, u64) {
    let count = network.endpoints.len();
    if let Shape::FatTree(tree) = network.shape
        && let Some(first) = network.edges.first()
    {
        let tiers = u64::from(tree.tiers);
        let latency = network.nodes.iter().find(|node| node.kind == NodeKind::Switch).map_or(0, |node| node.latency.0);
        return (2 * tiers, 2 * tiers * first.delay.0 + (2 * tiers - 1) * latency);
    }
    let starts = [0, count / 3, count / 2, count.saturating_sub(1)];
    starts
        .into_iter()
        .filter(|at| *at < count)
        .map(|at| longest_from(network, EndpointId(at as u32)))
        .max()
        .unwrap_or((2, 0))
}

fn longest_from(network: &Network, from: EndpointId) -> (u64, u64) {
    let mut reached: Vec<Option<(u64, u64)>> = vec![None; network.nodes.len()];
    let start = network.node_of(from);
    reached[start.index()] = Some((0, 0));
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let Some((hops, delay)) = reached[node.index()] else { continue };
        for edge in network.out(node).iter().map(|edge| network.edge(*edge)) {
            if reached[edge.to.index()].is_none() {
                let latency = network.node(edge.to).latency.0;
                reached[edge.to.index()] = Some((hops + 1, delay + edge.delay.0 + latency));
                queue.push_back(edge.to);
            }
        }
    }
    let at = |node: &NodeId| reached[node.index()];
    network.endpoints.iter().filter_map(at).max().unwrap_or((2, 0))
}
