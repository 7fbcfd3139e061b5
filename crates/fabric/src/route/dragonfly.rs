//! Minimal routes of dragonflies: within the group to a router with a global link to the destination's group, over it, and
//! within that group to the destination's router.

use crate::network::dragonfly::Dragonfly;
use crate::network::{EdgeId, EndpointId, Network, NodeId};

/// Routes of one dragonfly.
#[derive(Clone, Debug)]
pub struct DragonflyRoutes {
    shape: Dragonfly,
    first: u32,
    /// For every router and destination group where its edges begin in `edges`; one more entry than those.
    start: Vec<u32>,
    edges: Vec<EdgeId>,
}

impl DragonflyRoutes {
    /// Routes of a dragonfly.
    pub fn new(network: &Network, shape: Dragonfly) -> Self {
        let first = shape.first_router().0;
        let routers = shape.routers * shape.groups;
        let mut start = Vec::with_capacity(routers as usize * shape.groups as usize + 1);
        let mut edges = Vec::new();
        start.push(0);
        let mut gateways = Vec::new();
        for router in 0..routers {
            let own = router / shape.routers;
            for group in 0..shape.groups {
                if group != own {
                    gateways.clear();
                    gateways.extend((0..shape.rounds()).map(|round| shape.gateway(own, group, round)));
                    let out = network.out(NodeId(first + router));
                    let to = |edge: &EdgeId| network.edge(*edge).to.0;
                    if gateways.contains(&router) {
                        let there = |edge: &EdgeId| to(edge) >= first && (to(edge) - first) / shape.routers == group;
                        edges.extend(out.iter().filter(|edge| there(edge)));
                    } else {
                        edges.extend(
                            out.iter().filter(|edge| to(edge) >= first && gateways.contains(&(to(edge) - first))),
                        );
                    }
                }
                start.push(edges.len() as u32);
            }
        }
        Self { shape, first, start, edges }
    }

    /// See [`super::Routes::choices`].
    pub fn choices<'a>(&'a self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        let out = network.out(node);
        if node.0 < self.first {
            return if node.0 == to.0 { &[] } else { out };
        }
        let (router, last) = (node.0 - self.first, to.0 / self.shape.per_router);
        let (own, group) = (router / self.shape.routers, last / self.shape.routers);
        if own != group {
            let at = router as usize * self.shape.groups as usize + group as usize;
            return &self.edges[self.start[at] as usize..self.start[at + 1] as usize];
        }
        // Endpoints come first, then the other routers of the group in order.
        let at = if router == last {
            to.0 % self.shape.per_router
        } else {
            let (from, to) = (router % self.shape.routers, last % self.shape.routers);
            self.shape.per_router + if to < from { to } else { to - 1 }
        };
        out.get(at as usize..=at as usize).unwrap_or(&[])
    }

    /// See [`super::Routes::detour`].
    pub fn detour(&self, network: &Network, from: EndpointId, to: EndpointId, entropy: u32) -> Option<EndpointId> {
        let per_group = self.shape.per_router * self.shape.routers;
        let (a, b) = (from.0 / per_group, to.0 / per_group);
        if a == b || self.shape.groups < 3 || network.endpoints.is_empty() {
            return None;
        }
        // One of the other groups, and one of its routers.
        let (low, high) = (a.min(b), a.max(b));
        let mut group = entropy % (self.shape.groups - 2);
        group += u32::from(group >= low);
        group += u32::from(group >= high);
        let router = entropy / (self.shape.groups - 2) % self.shape.routers;
        Some(EndpointId(group * per_group + router * self.shape.per_router))
    }

    /// Whether an edge joins two groups.
    pub fn is_global(&self, network: &Network, edge: EdgeId) -> bool {
        let (from, to) = (network.edge(edge).from.0, network.edge(edge).to.0);
        let group = |node: u32| (node - self.first) / self.shape.routers;
        from >= self.first && to >= self.first && group(from) != group(to)
    }

    /// Bytes of tables.
    pub fn bytes(&self) -> usize {
        4 * (self.start.len() + self.edges.len())
    }
}
