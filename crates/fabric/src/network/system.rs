//! A network from a checked system: what the planner and the other engines see, as nodes and edges.
//!
//! Accelerators become endpoints first, in the system's order, so that rank `i` is accelerator `i`; then systems on a chip,
//! processors, NICs, drives, CXL memory and what else ends links. Processors and NICs also forward, and so do accelerators
//! where their links alone make the network (tori): they get a second node, named `.ports`, to which the links lead and
//! behind which the endpoint hangs at the rate of all of them together. Switches forward; so do retimers and PHYs with
//! links of their own. Assemblies have no node: the devices inside have.
//!
//! A port's rate is what [`super::coding`] leaves. Delay is length at 5 ns/m (4.5 to 5 for copper, 4.9 for fibre) plus the
//! protocol's error correction. Where no length is given it is estimated from the racks' places. Latency of switches,
//! NICs and processors is the part's likely figure. What was estimated is said in the notes.

use std::collections::{BTreeMap, BTreeSet};

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{Device, DeviceId, LinkSet, LinkSetId, System};
use lanewright_model::units::Quantity;

use super::{Builder, DomainId, Edge, EndpointId, Network, Node, NodeId, NodeKind, Shape, coding};
use crate::time::{Rate, Time};

/// Delay of a metre of cable, board or fibre: general knowledge (4.5 ns/m is the stated maximum of copper cables in the
/// catalogue, 4.9 ns/m that of glass at a refractive index of 1.47).
pub const DELAY_NS_PER_METRE: f64 = 5.0;
/// Latency of a switch whose part has no figure, in ns: estimate, the middle of the catalogue's Ethernet switches.
pub const SWITCH_LATENCY_NS: f64 = 600.0;

/// A network with what belongs to which device.
#[derive(Clone, Debug)]
pub struct SystemNetwork {
    /// The network.
    pub network: Network,
    /// The node that forwards for a device, or its only one; `None` for assemblies and for devices without links.
    pub node_of: Vec<Option<NodeId>>,
    /// Endpoints that are accelerators: the first so many.
    pub accelerators: u32,
    /// Kind of every endpoint.
    pub kinds: Vec<Kind>,
    /// What was estimated or left out.
    pub notes: Vec<String>,
}

impl SystemNetwork {
    /// Endpoints of one kind.
    pub fn of_kind(&self, kind: Kind) -> Vec<EndpointId> {
        let alike = self.kinds.iter().enumerate().filter(|(_, known)| **known == kind);
        alike.map(|(at, _)| EndpointId(at as u32)).collect()
    }
}

/// Why a system has no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemError {
    /// No link joins two of its devices.
    NoLinks,
    /// A link set's protocol has no rate.
    NoRate(String),
    /// More links than can be counted.
    TooLarge(u64),
}

impl std::fmt::Display for SystemError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoLinks => write!(out, "the system has no links"),
            Self::NoRate(set) => write!(out, "the protocol of link `{set}` has no rate"),
            Self::TooLarge(links) => {
                write!(out, "{links} links are more than {} that a network can have", super::MOST_LINKS)
            }
        }
    }
}

/// Rank of a kind in the order of endpoints; `None` for what only passes bits on.
fn rank(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::Accelerator => 0,
        Kind::Soc => 1,
        Kind::Cpu => 2,
        Kind::Nic => 3,
        Kind::Ssd => 4,
        Kind::Cxl => 5,
        Kind::Memory => 6,
        Kind::Switch | Kind::Retimer | Kind::Gearbox | Kind::Phy | Kind::Dsp => return None,
        _ => 7,
    })
}

/// The network of a system.
pub fn build(system: &System) -> Result<SystemNetwork, SystemError> {
    if system.links.is_empty() {
        return Err(SystemError::NoLinks);
    }
    if system.links.len() as u64 > u64::from(super::MOST_LINKS) {
        return Err(SystemError::TooLarge(system.links.len() as u64));
    }
    let mut linked = vec![false; system.devices.len()];
    for link in &system.links {
        for port in [link.a, link.b] {
            linked[system.port_device[port.0 as usize].index()] = true;
        }
    }
    let mut made = Making::new(system);
    made.add_nodes(&linked);
    let domains: Vec<DomainId> = system.domains.iter().map(|domain| made.builder.domain(domain.name.clone())).collect();
    for set in (0..system.link_sets.len() as u32).map(LinkSetId) {
        made.add_links(set, domains[system.link_sets[set.index()].domain.index()])?;
    }
    Ok(made.finish())
}

/// A network under construction.
struct Making<'a> {
    system: &'a System,
    builder: Builder,
    node_of: Vec<Option<NodeId>>,
    /// Endpoints behind a node that forwards: that node, the rate of its links and the domain of the last of them.
    behind: BTreeMap<NodeId, (NodeId, u64, DomainId)>,
    /// Endpoint of every device with two nodes.
    ends: BTreeMap<DeviceId, NodeId>,
    /// Accelerators that forward, by domain.
    forwarding: BTreeSet<(u32, DeviceId)>,
    kinds: Vec<Kind>,
    /// Parts whose latency is not known.
    silent: BTreeSet<String>,
    /// Families whose overhead no document gives.
    unpublished: BTreeSet<String>,
    /// Links of estimated length.
    estimated: usize,
    circuits: bool,
}

impl<'a> Making<'a> {
    fn new(system: &'a System) -> Self {
        Self {
            system,
            builder: Builder { flits_counted: true, ..Builder::default() },
            node_of: vec![None; system.devices.len()],
            behind: BTreeMap::new(),
            ends: BTreeMap::new(),
            forwarding: forwarding_accelerators(system),
            kinds: Vec::new(),
            silent: BTreeSet::new(),
            unpublished: BTreeSet::new(),
            estimated: 0,
            circuits: false,
        }
    }

    fn add_nodes(&mut self, linked: &[bool]) {
        let forwarding: BTreeSet<DeviceId> = self.forwarding.iter().map(|(_, device)| *device).collect();
        let mut order: Vec<(u8, DeviceId)> = (0..self.system.devices.len() as u32)
            .map(DeviceId)
            .filter(|device| linked[device.index()])
            .map(|device| (rank(self.system.part_of(device).kind).unwrap_or(u8::MAX), device))
            .collect();
        order.sort();
        for (_, device) in order {
            let part = self.system.part_of(device);
            let ends = rank(part.kind).is_some();
            let forwards = !ends || matches!(part.kind, Kind::Cpu | Kind::Nic) || forwarding.contains(&device);
            let kind = match (ends, forwards) {
                (true, false) => NodeKind::Endpoint,
                (true, true) => NodeKind::Bridge,
                (false, _) => NodeKind::Switch,
            };
            let latency = match (&part.figures.latency, kind) {
                (Some(figure), _) => figure.band.likely.get(),
                (None, NodeKind::Switch | NodeKind::Bridge) if part.kind == Kind::Switch => {
                    self.silent.insert(part.id.value.clone());
                    SWITCH_LATENCY_NS
                }
                _ => 0.0,
            };
            self.circuits |= part.kind == Kind::Switch && part.tags.iter().any(|tag| tag == "ocs");
            let latency = Time::from_seconds(latency * 1e-9).unwrap_or(Time::ZERO);
            let entry: Device = self.system.devices[device.index()];
            let group = entry.parent.map_or(device.0, |_| self.system.outermost(device).0);
            let tier = u8::from(kind == NodeKind::Switch);
            let name = self.system.device_name(device);
            let mut node = Node { kind, tier, group, latency };
            if ends {
                self.kinds.push(part.kind);
            }
            let node = if kind == NodeKind::Bridge {
                node.kind = NodeKind::Endpoint;
                node.latency = Time::ZERO;
                let end = self.builder.named(node, name.clone());
                let ports = self.builder.named(Node { kind, tier, group, latency }, format!("{name}.ports"));
                self.behind.insert(end, (ports, 0, DomainId(0)));
                self.ends.insert(device, end);
                ports
            } else {
                self.builder.named(node, name)
            };
            self.node_of[device.index()] = Some(node);
        }
    }

    fn add_links(&mut self, id: LinkSetId, domain: DomainId) -> Result<(), SystemError> {
        let (system, set) = (self.system, &self.system.link_sets[id.index()]);
        let (rate, layer) = self.rate(set)?;
        let technology = system.catalogue.technology(set.protocol);
        let correction = technology.fec_latency.as_ref().map_or(0.0, |figure| figure.band.likely.get());
        let lanes = system.catalogue.protocol(set.protocol).lanes;
        let pieces: f64 = set.segments.iter().filter_map(|s| Some(s.length?.get() * f64::from(s.count))).sum();
        let given = set.length.map(Quantity::get).or((pieces > 0.0).then_some(pieces));
        for link in system.links_of(id) {
            let [a, b] = [link.a, link.b].map(|port| system.port_device[port.0 as usize]);
            let (Some(from), Some(to)) = (self.port_node(a, set, rate, domain), self.port_node(b, set, rate, domain))
            else {
                continue;
            };
            let metres = given.unwrap_or_else(|| {
                self.estimated += 1;
                distance(system, a, b)
            });
            let delay = Time::from_seconds((metres * DELAY_NS_PER_METRE + correction) * 1e-9).unwrap_or(Time::ZERO);
            let lanes = u16::try_from(lanes).unwrap_or(u16::MAX);
            self.builder.link(Edge { from, to, rate, delay, layer, lanes, domain });
        }
        Ok(())
    }

    /// The node to which a link of this set leads at a device.
    fn port_node(&mut self, device: DeviceId, set: &LinkSet, rate: Rate, domain: DomainId) -> Option<NodeId> {
        let node = self.node_of[device.index()]?;
        let Some(end) = self.ends.get(&device).copied() else { return Some(node) };
        let accelerator = self.system.part_of(device).kind == Kind::Accelerator;
        if accelerator && !self.forwarding.contains(&(set.domain.0, device)) {
            return Some(end);
        }
        if let Some((_, sum, last)) = self.behind.get_mut(&end) {
            *sum = sum.saturating_add(rate.bits());
            *last = domain;
        }
        Some(node)
    }

    /// Links between the two nodes of a device.
    fn join_ends(&mut self) {
        for (end, (ports, bits, domain)) in &self.behind {
            let Some(rate) = Rate::bits_per_second(*bits) else { continue };
            self.builder.link(Edge {
                from: *end,
                to: *ports,
                rate,
                delay: Time::ZERO,
                layer: super::LinkLayer::NvLink,
                lanes: 1,
                domain: *domain,
            });
        }
    }

    /// What a set's ports carry; at different protocols the slower one counts.
    fn rate(&mut self, set: &LinkSet) -> Result<(Rate, super::LinkLayer), SystemError> {
        let mut least: Option<(Rate, super::LinkLayer)> = None;
        for protocol in [set.protocol, set.to_protocol] {
            let technology = self.system.catalogue.technology(protocol);
            let lanes = self.system.catalogue.protocol(protocol).lanes;
            let (family, lane) = (technology.family.as_str(), technology.lane_gbps.get());
            let coding = coding::of(family, lane);
            if coding.unpublished {
                self.unpublished.insert(family.to_string());
            }
            let rate = coding::rate(family, lane, lanes).ok_or_else(|| SystemError::NoRate(set.name.clone()))?;
            if least.is_none_or(|(known, _)| rate < known) {
                least = Some((rate, coding.layer));
            }
        }
        least.ok_or_else(|| SystemError::NoRate(set.name.clone()))
    }

    fn finish(mut self) -> SystemNetwork {
        self.join_ends();
        let mut notes = Vec::new();
        if self.estimated > 0 {
            notes.push(format!("{} links have a length estimated from rack positions", self.estimated));
        }
        if !self.silent.is_empty() {
            let parts: Vec<&str> = self.silent.iter().map(String::as_str).collect();
            notes.push(format!("{SWITCH_LATENCY_NS} ns is an estimate of the latency of {}", parts.join(", ")));
        }
        if !self.unpublished.is_empty() {
            let families: Vec<&str> = self.unpublished.iter().map(String::as_str).collect();
            notes.push(format!("the link-layer overhead of {} is not published: none is counted", families.join(", ")));
        }
        if self.circuits {
            notes.push("circuit switches join any of their ports at any time".into());
        }
        notes.push("latency of modules and of retimers inside cables is not counted".into());
        let accelerators = self.kinds.iter().filter(|kind| **kind == Kind::Accelerator).count() as u32;
        // Nodes were added in the order of ranks, endpoints among them too.
        let mut network = self.builder.build(Shape::Irregular);
        set_tiers(&mut network);
        SystemNetwork { network, node_of: self.node_of, accelerators, kinds: self.kinds, notes }
    }
}

/// Tiers of switches by their distance from what ends links.
fn set_tiers(network: &mut Network) {
    let mut tier = vec![u8::MAX; network.nodes.len()];
    let mut now: Vec<NodeId> = network.endpoints.clone();
    for node in &now {
        tier[node.index()] = 0;
    }
    let mut distance = 0u8;
    while !now.is_empty() && distance < u8::MAX - 1 {
        distance += 1;
        let mut next = Vec::new();
        for node in now {
            for edge in network.out(node) {
                let to = network.edge(*edge).to;
                if tier[to.index()] == u8::MAX {
                    tier[to.index()] = distance;
                    next.push(to);
                }
            }
        }
        now = next;
    }
    for (node, tier) in network.nodes.iter_mut().zip(tier) {
        node.tier = if tier == u8::MAX { 0 } else { tier };
    }
}

/// Accelerators that must forward: those of a domain in which accelerators are linked to each other and not all to all.
fn forwarding_accelerators(system: &System) -> BTreeSet<(u32, DeviceId)> {
    let mut neighbours: BTreeMap<(u32, DeviceId), BTreeSet<DeviceId>> = BTreeMap::new();
    for (set, of_set) in system.link_sets.iter().enumerate() {
        for link in system.links_of(LinkSetId(set as u32)) {
            let [a, b] = [link.a, link.b].map(|port| system.port_device[port.0 as usize]);
            if [a, b].iter().all(|device| system.part_of(*device).kind == Kind::Accelerator) {
                neighbours.entry((of_set.domain.0, a)).or_default().insert(b);
                neighbours.entry((of_set.domain.0, b)).or_default().insert(a);
            }
        }
    }
    // In a full mesh a neighbour's neighbours are one's own.
    let whole = |(key, mine): (&(u32, DeviceId), &BTreeSet<DeviceId>)| {
        mine.iter().all(|other| {
            let theirs = neighbours.get(&(key.0, *other));
            theirs.is_some_and(|theirs| theirs.iter().all(|far| *far == key.1 || mine.contains(far)))
        })
    };
    let domains: BTreeSet<u32> = neighbours.iter().filter(|entry| !whole(*entry)).map(|(key, _)| key.0).collect();
    neighbours.keys().filter(|key| domains.contains(&key.0)).copied().collect()
}

/// Metres of cable between two devices, estimated: 0.3 within one device, 2 within a rack, else along rows and columns of
/// racks with 3 m for going up and down.
fn distance(system: &System, a: DeviceId, b: DeviceId) -> f64 {
    if system.outermost(a) == system.outermost(b) {
        return 0.3;
    }
    let rack = |device: DeviceId| system.devices[device.index()].rack.map(|rack| &system.racks[rack.index()]);
    match (rack(a), rack(b)) {
        (Some(a), Some(b)) if (a.row, a.column) != (b.row, b.column) => {
            let along = f64::from(a.column.abs_diff(b.column)) * a.width.get();
            let across = f64::from(a.row.abs_diff(b.row)) * system.site.row_pitch.get();
            3.0 + along + across
        }
        _ => 2.0,
    }
}
