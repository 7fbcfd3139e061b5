//! Dimension-order routes of tori and meshes: x until it is right, then y, then z, each the shorter way round. Where both
//! ways round are equally long either may be taken.

use crate::network::torus::Torus;
use crate::network::{EdgeId, EndpointId, Network, NodeId};

/// Routes of one torus.
#[derive(Clone, Copy, Debug)]
pub struct TorusRoutes {
    torus: Torus,
    routers: u32,
}

impl TorusRoutes {
    /// Routes of a torus.
    pub fn new(torus: Torus) -> Self {
        Self { torus, routers: torus.routers() }
    }

    /// See [`super::Routes::choices`].
    pub fn choices<'a>(&self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        let out = network.out(node);
        if node.0 < self.routers {
            return if node.0 == to.0 { &[] } else { out };
        }
        let router = node.0 - self.routers;
        let (here, there) = (self.torus.place(router), self.torus.place(to.0));
        let Some(dimension) = (0..3).find(|at| here[*at] != there[*at]) else {
            // The endpoint's link was added first.
            return out.get(..1).unwrap_or(&[]);
        };
        let size = self.torus.size[dimension];
        let up = if there[dimension] > here[dimension] {
            there[dimension] - here[dimension]
        } else {
            there[dimension] + size - here[dimension]
        };
        let down = size - up;
        let ring = self.torus.ring(dimension);
        let step = |rising| self.torus.step(router, dimension, rising).map_or(u32::MAX, |next| next + self.routers);
        let at = |next: u32| out.iter().position(|edge| network.edge(*edge).to.0 == next);
        if ring && up == down {
            // Both edges of a dimension stand next to each other.
            return match (at(step(true)), at(step(false))) {
                (Some(a), Some(b)) => out.get(a.min(b)..=a.max(b)).unwrap_or(&[]),
                _ => &[],
            };
        }
        let rising = if ring { up < down } else { there[dimension] > here[dimension] };
        at(step(rising)).map_or(&[], |at| &out[at..=at])
    }

    /// Virtual channel of an edge: see [`super::Routes::lane`].
    pub fn lane(&self, network: &Network, node: NodeId, before: Option<(EdgeId, u8)>, edge: EdgeId) -> u8 {
        let next = network.edge(edge).to;
        if node.0 < self.routers || next.0 < self.routers {
            return 0;
        }
        let (here, there) = (self.torus.place(node.0 - self.routers), self.torus.place(next.0 - self.routers));
        let dimension = (0..3).find(|at| here[*at] != there[*at]).unwrap_or(0);
        let size = self.torus.size[dimension];
        let (a, b) = (here[dimension], there[dimension]);
        let crosses = self.torus.ring(dimension) && a.abs_diff(b) == size - 1;
        if crosses {
            return 1;
        }
        // In the same ring a packet that has passed the dateline stays on the second channel.
        let before = before.filter(|(edge, _)| {
            let from = network.edge(*edge).from;
            from.0 >= self.routers && self.torus.place(from.0 - self.routers)[dimension] != here[dimension]
        });
        before.map_or(0, |(_, lane)| lane)
    }
}
