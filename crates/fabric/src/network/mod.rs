//! What bytes travel over: nodes, and directed edges with a rate and a delay.
//!
//! A link is two edges, one per direction: edge `e` and edge `e ^ 1`. Generators give the networks of the field
//! in closed form; [`Builder`] takes any other.

use serde::Serialize;

use crate::time::{Rate, Time};

lanewright_model::ids! {
    /// A node: index into [`Network::nodes`].
    NodeId,
    /// One direction of a link: index into [`Network::edges`]. The other direction is `id ^ 1`.
    EdgeId,
    /// An endpoint of traffic (a host, or one accelerator): index into [`Network::endpoints`].
    EndpointId,
    /// A domain (scale-up, scale-out, head node): index into [`Network::domains`].
    DomainId,
}

impl EdgeId {
    /// The other direction of the link.
    pub fn reverse(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// Sends and receives; never forwards.
    Endpoint,
    /// Forwards; never sends of its own.
    Switch,
    /// Forwards between domains and may send of its own: a NIC, a root complex.
    Bridge,
}

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it does.
    pub kind: NodeKind,
    /// Distance from the endpoints in a tiered network: 0 for endpoints, 1 for the switches next to them.
    pub tier: u8,
    /// Pod, plane, rack or other group within its network; neighbours in one group talk most.
    pub group: u32,
    /// Time from a packet's arrival to its place in the output queue (cut-through switches: from its header's arrival).
    pub latency: Time,
}

/// How an edge carries packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkLayer {
    /// Frames that may be lost, marked or trimmed; the transport repairs.
    Ethernet,
    /// Frames with pauses per priority, so that none is lost (IEEE 802.1Qbb).
    LosslessEthernet,
    /// Credits per virtual channel and link-level replay: InfiniBand.
    InfiniBand,
    /// Flits with credits and replay: PCIe 6 and later, CXL 3.
    PcieFlit,
    /// Transaction layer packets with credits and replay: PCIe 5 and earlier.
    PciePacket,
    /// 64 B flits in 640 B frames, credits and replay.
    UaLink,
    /// NVLink: credits and replay.
    NvLink,
}

impl LinkLayer {
    /// Whether it carries loads and stores of accelerators, so that messages need no NIC.
    pub fn is_scale_up(self) -> bool {
        matches!(self, Self::NvLink | Self::UaLink)
    }
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Who sends.
    pub from: NodeId,
    /// Who receives.
    pub to: NodeId,
    /// Rate of the port in this direction, after line coding; after what flits spend on themselves where the network says
    /// so ([`Network::flits_counted`]).
    pub rate: Rate,
    /// Propagation, and whatever else every bit waits for (error correction, retimers).
    pub delay: Time,
    /// How packets are carried.
    pub layer: LinkLayer,
    /// Lanes of the port, for faults that take some of them.
    pub lanes: u16,
    /// Domain.
    pub domain: DomainId,
}

/// A network in closed form: what its generator knows, so that routes need no tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No more than the graph says.
    Irregular,
    /// A folded Clos whose tiers are numbered as in [`fat_tree`].
    FatTree(fat_tree::FatTree),
    /// Servers whose accelerators hang at rails of a folded Clos, as in [`rail`].
    Rail(rail::Rail),
    /// A torus or mesh, as in [`torus`].
    Torus(torus::Torus),
    /// A dragonfly, as in [`dragonfly`].
    Dragonfly(dragonfly::Dragonfly),
    /// Every endpoint linked to every other, as in [`full_mesh`].
    FullMesh(full_mesh::FullMesh),
    /// One switched domain of several planes, as in [`scale_up`].
    ScaleUp(scale_up::ScaleUp),
}

/// A network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Edges; both directions of a link next to each other.
    pub edges: Vec<Edge>,
    /// Endpoints in order of rank: the node of each.
    pub endpoints: Vec<NodeId>,
    /// For every node the first of its outgoing edges in `out_edges`; one more entry than nodes.
    pub out_start: Vec<u32>,
    /// Outgoing edges, node by node, in the order in which they were added.
    pub out_edges: Vec<EdgeId>,
    /// Names of the domains.
    pub domains: Vec<String>,
    /// Names of nodes where they have one; empty for generated networks, whose names are made on demand.
    pub names: Vec<String>,
    /// What its generator knows.
    pub shape: Shape,
    /// Rates of edges are what flits (PCIe 6, UALink) leave for packets, so that no engine may count flits again. So it is
    /// in networks of systems, head nodes and presets; where a user gives the rate of a port, it is the wire's.
    pub flits_counted: bool,
}

impl Network {
    /// Edges that leave a node.
    pub fn out(&self, node: NodeId) -> &[EdgeId] {
        let (from, to) = (self.out_start[node.index()], self.out_start[node.index() + 1]);
        &self.out_edges[from as usize..to as usize]
    }

    /// An edge.
    pub fn edge(&self, id: EdgeId) -> &Edge {
        &self.edges[id.index()]
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node of an endpoint.
    pub fn node_of(&self, endpoint: EndpointId) -> NodeId {
        self.endpoints[endpoint.index()]
    }

    /// The name of a node: its own, or `host[7]`, `switch.t1[3]`.
    pub fn name(&self, id: NodeId) -> String {
        if let Some(name) = self.names.get(id.index()) {
            return name.clone();
        }
        let node = self.node(id);
        let alike = |other: &&Node| other.kind == node.kind && other.tier == node.tier;
        let number = self.nodes[..id.index()].iter().filter(alike).count();
        match node.kind {
            NodeKind::Endpoint => format!("host[{number}]"),
            NodeKind::Switch => format!("switch.t{}[{number}]", node.tier),
            NodeKind::Bridge => format!("bridge[{number}]"),
        }
    }
}

/// Puts a network together.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    endpoints: Vec<NodeId>,
    domains: Vec<String>,
    names: Vec<String>,
    /// See [`Network::flits_counted`].
    pub flits_counted: bool,
}

impl Builder {
    /// Adds a domain.
    pub fn domain(&mut self, name: impl Into<String>) -> DomainId {
        self.domains.push(name.into());
        DomainId(self.domains.len() as u32 - 1)
    }

    /// Adds a node. Endpoints get the next [`EndpointId`].
    pub fn node(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        if node.kind == NodeKind::Endpoint {
            self.endpoints.push(id);
        }
        id
    }

    /// Adds so many nodes, in groups of `per_group`; gives the first.
    pub(crate) fn nodes(&mut self, count: u32, kind: NodeKind, tier: u8, per_group: u32, latency: Time) -> u32 {
        let first = self.nodes.len() as u32;
        for at in 0..count {
            self.node(Node { kind, tier, group: at / per_group.max(1), latency });
        }
        first
    }

    /// Adds a node with a name. Either all nodes of a network have names or none.
    pub fn named(&mut self, node: Node, name: impl Into<String>) -> NodeId {
        self.names.push(name.into());
        self.node(node)
    }

    /// Makes a bridge also an endpoint of traffic.
    pub fn endpoint(&mut self, node: NodeId) -> EndpointId {
        self.endpoints.push(node);
        EndpointId(self.endpoints.len() as u32 - 1)
    }

    /// Adds both directions of a link, alike but for their ends; gives the one that leaves `edge.from`.
    pub fn link(&mut self, edge: Edge) -> EdgeId {
        let id = EdgeId(self.edges.len() as u32);
        self.edges.push(edge);
        self.edges.push(Edge { from: edge.to, to: edge.from, ..edge });
        id
    }

    /// The network.
    pub fn build(self, shape: Shape) -> Network {
        let mut out_start = vec![0u32; self.nodes.len() + 1];
        for edge in &self.edges {
            out_start[edge.from.index() + 1] += 1;
        }
        for at in 1..out_start.len() {
            out_start[at] += out_start[at - 1];
        }
        let mut next = out_start.clone();
        let mut out_edges = vec![EdgeId(0); self.edges.len()];
        for (at, edge) in self.edges.iter().enumerate() {
            let slot = &mut next[edge.from.index()];
            out_edges[*slot as usize] = EdgeId(at as u32);
            *slot += 1;
        }
        Network {
            nodes: self.nodes,
            edges: self.edges,
            endpoints: self.endpoints,
            out_start,
            out_edges,
            domains: self.domains,
            names: self.names,
            shape,
            flits_counted: self.flits_counted,
        }
    }
}

/// Most links of a network: edges are counted in 32 bits.
pub const MOST_LINKS: u32 = 1 << 30;

/// What all links of one kind are like, with the switches that they lead to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Links {
    /// Rate per port and direction.
    pub rate: Rate,
    /// Delay of every link.
    pub delay: Time,
    /// Latency of every switch.
    pub switch_latency: Time,
    /// How packets are carried.
    pub layer: LinkLayer,
}

impl Links {
    /// One direction of such a link.
    pub(crate) fn edge(&self, from: u32, to: u32, domain: DomainId) -> Edge {
        Edge {
            from: NodeId(from),
            to: NodeId(to),
            rate: self.rate,
            delay: self.delay,
            layer: self.layer,
            lanes: self.layer.usual_lanes(),
            domain,
        }
    }
}

impl LinkLayer {
    /// Lanes of a usual port: 4 of Ethernet, InfiniBand and UALink, 2 of NVLink, 16 of PCIe.
    pub fn usual_lanes(self) -> u16 {
        match self {
            Self::Ethernet | Self::LosslessEthernet | Self::InfiniBand | Self::UaLink => 4,
            Self::NvLink => 2,
            Self::PcieFlit | Self::PciePacket => 16,
        }
    }
}

pub mod coding;
pub mod dragonfly;
pub mod fat_tree;
pub mod full_mesh;
pub mod head_node;
pub mod leaf_spine;
pub mod rail;
pub mod scale_up;
pub mod system;
pub mod topo_file;
pub mod torus;
