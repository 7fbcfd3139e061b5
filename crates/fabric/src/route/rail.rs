//! Routes of rail-optimised clusters in closed form: within a server over its scale-up switches, else over the rails.

use super::tree::TreeRoutes;
use crate::network::rail::Rail;
use crate::network::{EdgeId, EndpointId, Network, NodeId};

/// Routes of one cluster.
#[derive(Clone, Copy, Debug)]
pub struct RailRoutes {
    rail: Rail,
    tree: TreeRoutes,
    first: [u32; 3],
}

impl RailRoutes {
    /// Routes of a cluster.
    pub fn new(rail: Rail) -> Self {
        let first = rail.first();
        Self { rail, tree: TreeRoutes::new(rail.tree, first[2]), first }
    }

    /// See [`super::Routes::choices`].
    pub fn choices<'a>(&self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        let (rail, [nics, switches, leaves]) = (&self.rail, self.first);
        if node.0 >= leaves {
            return self.tree.at_switch(network, node, rail.place(to));
        }
        let out = network.out(node);
        let slice = match node.0 {
            at if at >= switches => {
                // A scale-up switch has the accelerators of its server in order.
                let first = (at - switches) / rail.switches * rail.per_server;
                let place = (to.0 - first) * rail.per_pair;
                place..place + rail.per_pair
            }
            at if at >= nics => {
                let own = u32::from(at - nics != to.0);
                own..own + 1
            }
            at if at == to.0 => 0..0,
            at => {
                let ports = rail.switches * rail.per_pair;
                let near = ports > 0 && at / rail.per_server == to.0 / rail.per_server;
                if near { 0..ports } else { ports..ports + 1 }
            }
        };
        out.get(slice.start as usize..slice.end as usize).unwrap_or(&[])
    }
}
