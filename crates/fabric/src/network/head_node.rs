//! Head nodes: PCIe switches between GPUs, NICs, drives and the CPU's root complex, with CXL memory at the root.
//!
//! Peers at one switch meet there; others go through the root complex. With access control services (ACS) redirecting,
//! all traffic between peers goes up to the root complex first (PCIe base specification, section on ACS P2P request
//! redirect): the edges that would shorten the way are then closed, see [`HeadNode::build`].
//!
//! Numbers, with source and certainty:
//! - rates by [`super::coding`];
//! - PCIe switch 115 ns, one pass: PEX89144 (a distributor's page, 115 to 130 ns) and PEX88000 (Linley newsletter 6069, 105
//!   ns); press, as the catalogue has it;
//! - root complex 150 ns from port to port, 80 to 300: estimate of the catalogue;
//! - NIC 600 ns between PCIe and wire, 300 to 1,000: estimate of the catalogue;
//! - link delay 10 ns (0.3 m of board at 6.5 ns/m, and both ends' physical layers): estimate; flits add 4 ns of error
//!   correction (general knowledge: the target is 2 ns, under 10 ns is said elsewhere).

use super::{Builder, Edge, EdgeId, Network, Node, NodeId, NodeKind, Shape, coding};
use crate::time::{Rate, Time};

/// A generation of PCI Express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 16 GT/s.
    Pcie4,
    /// 32 GT/s.
    Pcie5,
    /// 64 GT/s, flits.
    Pcie6,
    /// 128 GT/s, flits.
    Pcie7,
}

impl Generation {
    /// Transfers per lane, GT/s.
    pub fn gigatransfers(self) -> f64 {
        match self {
            Self::Pcie4 => 16.0,
            Self::Pcie5 => 32.0,
            Self::Pcie6 => 64.0,
            Self::Pcie7 => 128.0,
        }
    }
}

/// What a head node is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadNode {
    /// Generation of all PCIe links.
    pub generation: Generation,
    /// PCIe switches, each with one x16 link to the root complex; 0: everything hangs at the root complex.
    pub switches: u32,
    /// GPUs on x16, spread evenly over the switches.
    pub gpus: u32,
    /// NICs on x16, spread likewise.
    pub nics: u32,
    /// Rate of a NIC's wire.
    pub wire: Rate,
    /// Drives on x4, spread likewise.
    pub drives: u32,
    /// CXL memory devices on x8 at the root complex.
    pub cxl: u32,
    /// Rate of the CPU's own memory, each way.
    pub memory: Rate,
    /// Whether traffic between peers must go through the root complex.
    pub redirect: bool,
}

/// Latency of a PCIe switch.
pub const SWITCH_LATENCY: Time = Time::ns(115);
/// Latency of a root complex from port to port.
pub const ROOT_LATENCY: Time = Time::ns(150);
/// Latency of a NIC between PCIe and wire.
pub const NIC_LATENCY: Time = Time::ns(600);
/// Most switches or devices of a kind: bus numbers of one PCIe hierarchy have 8 bits.
pub const MOST: u32 = 256;

impl HeadNode {
    /// The network, and the edges that ACS closes: give them to [`crate::route::Routes::without`] (empty without
    /// `redirect`). Endpoints in order: GPUs, drives, the CPU's memory, CXL memory, then the far end of each NIC's wire.
    pub fn build(&self) -> Result<(Network, Vec<EdgeId>), String> {
        for (count, what) in [
            (self.switches, "PCIe switches"),
            (self.gpus, "GPUs"),
            (self.nics, "NICs"),
            (self.drives, "drives"),
            (self.cxl, "CXL memories"),
        ] {
            if count > MOST {
                return Err(format!("one PCIe hierarchy has at most {MOST} {what}, not {count}"));
            }
        }
        let mut make = Making::new(self)?;
        let gpus = make.devices("gpu", self.gpus);
        let drives = make.devices("ssd", self.drives);
        let memory = make.devices("memory", 1);
        let cxl = make.devices("cxl", self.cxl);
        let far = make.devices("wire", self.nics);
        let kind = |kind, tier, latency| Node { kind, tier, group: 0, latency };
        let nics: Vec<NodeId> = (0..self.nics)
            .map(|at| make.builder.named(kind(NodeKind::Bridge, 1, NIC_LATENCY), format!("nic[{at}]")))
            .collect();
        let root = make.builder.named(kind(NodeKind::Bridge, 3, ROOT_LATENCY), "root");
        make.hang(&gpus, 16, root);
        make.hang(&nics, 16, root);
        make.hang(&drives, 4, root);
        make.link(memory[0], root, self.memory, Time::ns(10), super::LinkLayer::PciePacket, 1);
        for at in &cxl {
            let lane = if self.generation.gigatransfers() < 64.0 { 32.0 } else { 64.0 };
            let coding = coding::of("cxl", lane);
            let rate = coding::rate("cxl", lane, 8).ok_or("a CXL link has a rate")?;
            make.link(*at, root, rate, make.delay, coding.layer, 8);
        }
        for (wire, nic) in far.iter().zip(&nics) {
            make.link(*wire, *nic, self.wire, Time::ns(10), super::LinkLayer::Ethernet, 4);
        }
        Ok((make.builder.build(Shape::Irregular), make.closed))
    }
}

/// A head node under construction.
struct Making<'a> {
    node: &'a HeadNode,
    builder: Builder,
    closed: Vec<EdgeId>,
    delay: Time,
    coding: coding::Coding,
    /// Switches as seen from below and from above; the same node unless peers are redirected.
    switches: Vec<(NodeId, NodeId)>,
}

impl<'a> Making<'a> {
    fn new(node: &'a HeadNode) -> Result<Self, String> {
        let coding = coding::of("pcie", node.generation.gigatransfers());
        let correction = if coding.layer == super::LinkLayer::PcieFlit { Time::ns(4) } else { Time::ZERO };
        let mut builder = Builder { flits_counted: true, ..Builder::default() };
        builder.domain("head-node");
        Ok(Self { node, builder, closed: Vec::new(), delay: Time::ns(10) + correction, coding, switches: Vec::new() })
    }

    fn devices(&mut self, name: &str, count: u32) -> Vec<NodeId> {
        let node = Node { kind: NodeKind::Endpoint, tier: 0, group: 0, latency: Time::ZERO };
        (0..count).map(|at| self.builder.named(node, format!("{name}[{at}]"))).collect()
    }

    fn link(
        &mut self,
        from: NodeId,
        to: NodeId,
        rate: Rate,
        delay: Time,
        layer: super::LinkLayer,
        lanes: u16,
    ) -> EdgeId {
        let domain = super::DomainId(0);
        self.builder.link(Edge { from, to, rate, delay, layer, lanes, domain })
    }

    fn pcie(&mut self, from: NodeId, to: NodeId, lanes: u16) -> Option<EdgeId> {
        let rate = coding::rate("pcie", self.node.generation.gigatransfers(), u32::from(lanes))?;
        Some(self.link(from, to, rate, self.delay, self.coding.layer, lanes))
    }

    /// Hangs devices of one kind at the switches, the first few at the first switch.
    fn hang(&mut self, devices: &[NodeId], lanes: u16, root: NodeId) {
        self.add_switches(root);
        let share = devices.len().div_ceil(self.switches.len().max(1)).max(1);
        for (at, device) in devices.iter().enumerate() {
            match self.switches.get(at / share).copied() {
                None => {
                    self.pcie(*device, root, lanes);
                }
                Some((up, down)) if up == down => {
                    self.pcie(*device, up, lanes);
                }
                Some((up, down)) => {
                    // Upwards by one half of the switch alone, downwards by the other alone.
                    let rising = self.pcie(*device, up, lanes);
                    let falling = self.pcie(*device, down, lanes);
                    self.closed.extend(rising.map(EdgeId::reverse));
                    self.closed.extend(falling);
                }
            }
        }
    }

    fn add_switches(&mut self, root: NodeId) {
        if !self.switches.is_empty() {
            return;
        }
        let node = Node { kind: NodeKind::Switch, tier: 2, group: 0, latency: SWITCH_LATENCY };
        for at in 0..self.node.switches {
            if !self.node.redirect {
                let both = self.builder.named(node, format!("switch[{at}]"));
                self.pcie(both, root, 16);
                self.switches.push((both, both));
                continue;
            }
            let up = self.builder.named(node, format!("switch[{at}].up"));
            let down = self.builder.named(node, format!("switch[{at}].down"));
            let rising = self.pcie(up, root, 16);
            let falling = self.pcie(down, root, 16);
            self.closed.extend(rising.map(EdgeId::reverse));
            self.closed.extend(falling);
            self.switches.push((up, down));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::EndpointId;
    use crate::route::Routes;

    fn node(redirect: bool) -> HeadNode {
        HeadNode {
            generation: Generation::Pcie5,
            switches: 2,
            gpus: 4,
            nics: 2,
            wire: Rate::gbps(400.0).expect("positive"),
            drives: 4,
            cxl: 1,
            memory: Rate::gbps(2400.0).expect("positive"),
            redirect,
        }
    }

    /// Names on the one way from an endpoint to another.
    fn way(network: &Network, routes: &Routes, from: u32, to: u32) -> Vec<String> {
        let (mut at, mut names) = (network.node_of(EndpointId(from)), Vec::new());
        while at != network.node_of(EndpointId(to)) {
            let [edge] = routes.choices(network, at, EndpointId(to)) else { panic!("one way") };
            at = network.edge(*edge).to;
            names.push(network.name(at));
        }
        names
    }

    #[test]
    fn peers_meet_at_their_switch_or_at_the_root() {
        let (network, closed) = node(false).build().expect("it fits");
        assert!(closed.is_empty());
        assert_eq!(network.endpoints.len(), 4 + 4 + 1 + 1 + 2);
        let routes = Routes::new(&network).expect("connected");
        assert_eq!(way(&network, &routes, 0, 1), ["switch[0]", "gpu[1]"]);
        assert_eq!(way(&network, &routes, 0, 3), ["switch[0]", "root", "switch[1]", "gpu[3]"]);
        assert_eq!(way(&network, &routes, 0, 10), ["switch[0]", "nic[0]", "wire[0]"]);
        assert_eq!(way(&network, &routes, 1, 9), ["switch[0]", "root", "cxl[0]"]);
    }

    #[test]
    fn redirected_peers_go_through_the_root() {
        let (network, closed) = node(true).build().expect("it fits");
        let routes = Routes::without(&network, &closed).expect("small");
        assert_eq!(way(&network, &routes, 0, 1), ["switch[0].up", "root", "switch[0].down", "gpu[1]"]);
        assert_eq!(way(&network, &routes, 10, 0), ["nic[0]", "switch[0].up", "root", "switch[0].down", "gpu[0]"]);
        assert!(HeadNode { gpus: 300, ..node(true) }.build().is_err());
    }
}
