//! Which edges lead to an endpoint, and which of them a packet takes.
//!
//! [`Routes`] knows, for every node and destination, the edges on shortest ways: in closed form where the network's shape
//! is known, else in tables shared by all endpoints that hang at the same switch. [`Policy`] picks one of them.

use serde::Serialize;

/// How a packet picks one edge among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// A hash of the flow: all packets of a flow take one way.
    Ecmp,
    /// Every packet its own way, chosen by the sender's load balancer.
    Spray,
    /// The shortest queue, at every switch.
    Adaptive,
    /// By destination alone (D-mod-k): every packet to an endpoint takes one way.
    Static,
}

mod tree;

use crate::network::{EdgeId, EndpointId, Network, NodeId, Shape};

/// Edges on shortest ways to every endpoint.
#[derive(Clone, Debug)]
pub struct Routes {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Tree(tree::TreeRoutes),
}

/// Why there are no routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// No way leads from one endpoint to another.
    Unreachable(EndpointId, EndpointId),
}

impl Routes {
    /// Routes of a network.
    pub fn new(network: &Network) -> Result<Self, RouteError> {
        let kind = match network.shape {
            Shape::FatTree(tree) => Kind::Tree(tree::TreeRoutes::new(tree)),
            Shape::Irregular => Kind::Tree(tree::TreeRoutes::new(crate::network::fat_tree::FatTree {
                endpoints: 0,
                tiers: 1,
                per_leaf: 1,
                up_from_leaf: 0,
                leaves_per_pod: 1,
                up_from_middle: 0,
            })),
        };
        Ok(Self { kind })
    }

    /// Edges out of a node on shortest ways to an endpoint, in the order of [`Network::out`]. Empty at the endpoint itself.
    pub fn choices<'a>(&'a self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        match &self.kind {
            Kind::Tree(tree) => tree.choices(network, node, to),
        }
    }
}
