//! The graph of one domain: devices, and the links between them.

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{DomainId, PartId, System};

use crate::ends::{Ends, NONE};

/// Devices of a domain as nodes, with their links.
pub struct DomainGraph {
    /// Device of every node, rising.
    pub device: Vec<u32>,
    /// Part of every node's device.
    pub part: Vec<PartId>,
    /// Family of every node's part.
    pub kind: Vec<Kind>,
    start: Vec<u32>,
    edges: Vec<(u32, u32)>,
}

impl DomainGraph {
    /// Graphs of all domains, in the system's order, handed out one after the other.
    pub fn each(ends: &Ends<'_>, mut use_graph: impl FnMut(DomainId, &Self)) {
        let system = ends.system;
        let mut node_of = vec![NONE; system.devices.len()];
        for index in 0..system.domains.len() {
            let domain = DomainId(index as u32);
            let graph = Self::of(ends, domain, &mut node_of);
            use_graph(domain, &graph);
            for device in &graph.device {
                node_of[*device as usize] = NONE;
            }
        }
    }

    fn of(ends: &Ends<'_>, domain: DomainId, node_of: &mut [u32]) -> Self {
        let system = ends.system;
        let pairs = links_of(system, domain);
        let mut device = Vec::new();
        for index in pairs.clone() {
            let link = system.links[index as usize];
            for port in [link.a, link.b] {
                let at = system.port_device[port.index()].0;
                if node_of[at as usize] == NONE {
                    node_of[at as usize] = 0;
                    device.push(at);
                }
            }
        }
        device.sort_unstable();
        for (node, at) in device.iter().enumerate() {
            node_of[*at as usize] = node as u32;
        }
        let node = |port: lanewright_model::system::PortId| node_of[system.port_device[port.index()].index()];
        let mut start = vec![0_u32; device.len() + 1];
        for index in pairs.clone() {
            let link = system.links[index as usize];
            start[node(link.a) as usize + 1] += 1;
            start[node(link.b) as usize + 1] += 1;
        }
        for at in 1..start.len() {
            start[at] += start[at - 1];
        }
        let mut next = start.clone();
        let mut edges = vec![(0, 0); start.last().copied().unwrap_or(0) as usize];
        for index in pairs {
            let link = system.links[index as usize];
            let (a, b) = (node(link.a), node(link.b));
            for (here, there) in [(a, b), (b, a)] {
                let slot = &mut next[here as usize];
                edges[*slot as usize] = (there, index);
                *slot += 1;
            }
        }
        let part: Vec<PartId> =
            device.iter().map(|d| system.sets[system.devices[*d as usize].set.index()].part).collect();
        let kind = part.iter().map(|p| system.catalogue.part(*p).kind).collect();
        Self { device, part, kind, start, edges }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.device.len()
    }

    /// Whether the domain has no links.
    pub fn is_empty(&self) -> bool {
        self.device.is_empty()
    }

    /// Neighbours of a node, each with the link to it.
    pub fn neighbours(&self, node: u32) -> &[(u32, u32)] {
        &self.edges[self.start[node as usize] as usize..self.start[node as usize + 1] as usize]
    }

    /// Whether the node is a switch.
    pub fn is_switch(&self, node: u32) -> bool {
        self.kind[node as usize] == Kind::Switch
    }

    /// Connected component of every node, numbered by their first nodes.
    pub fn components(&self) -> (Vec<u32>, u32) {
        let mut of = vec![NONE; self.len()];
        let mut count = 0;
        let mut open = Vec::new();
        for first in 0..self.len() as u32 {
            if of[first as usize] != NONE {
                continue;
            }
            of[first as usize] = count;
            open.push(first);
            while let Some(node) = open.pop() {
                for &(to, _) in self.neighbours(node) {
                    if of[to as usize] == NONE {
                        of[to as usize] = count;
                        open.push(to);
                    }
                }
            }
            count += 1;
        }
        (of, count)
    }
}

/// Numbers of a domain's links.
fn links_of(system: &System, domain: DomainId) -> impl Iterator<Item = u32> + Clone + '_ {
    system.link_sets.iter().filter(move |s| s.domain == domain).flat_map(|s| s.links.clone())
}
