//! Which edges lead to an endpoint, and which of them a packet takes.
//!
//! [`Routes`] knows, for every node and destination, the edges on shortest ways: in closed form where the network's shape
//! is known, else in tables shared by all endpoints that hang at the same switches. [`Policy`] picks one of them.
//! [`Routes::lane`] gives the virtual channel, so that networks with credits or pauses cannot lock up.

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

mod dragonfly;
mod lanes;
mod meshes;
mod rail;
mod table;
mod torus;
mod tree;

#[cfg(test)]
mod tests;

use crate::network::{EdgeId, EndpointId, Network, NodeId, Shape};

/// Edges on shortest ways to every endpoint.
#[derive(Clone, Debug)]
pub struct Routes {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Tree(tree::TreeRoutes),
    Rail(rail::RailRoutes),
    Torus(torus::TorusRoutes),
    Dragonfly(dragonfly::DragonflyRoutes),
    FullMesh(crate::network::full_mesh::FullMesh),
    ScaleUp(crate::network::scale_up::ScaleUp),
    Table(table::Table),
}

/// Why there are no routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// No way leads from one endpoint to another.
    Unreachable(EndpointId, EndpointId),
    /// Tables would need so many bytes; irregular networks have at most [`MOST_TABLE_BYTES`].
    TooLarge(u64),
}

/// Most bytes of routing tables of an irregular network (1 GiB).
pub const MOST_TABLE_BYTES: u64 = 1 << 30;

impl std::fmt::Display for RouteError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(from, to) => write!(out, "no way leads from endpoint {} to endpoint {}", from.0, to.0),
            Self::TooLarge(bytes) => write!(
                out,
                "routing tables of this irregular network need {} MB, more than {} MB; generated networks need none",
                bytes >> 20,
                MOST_TABLE_BYTES >> 20
            ),
        }
    }
}

impl Routes {
    /// Routes of a network. `Err` where some endpoint does not reach another.
    pub fn new(network: &Network) -> Result<Self, RouteError> {
        let routes = Self::partial(network)?;
        match &routes.kind {
            Kind::Table(table) => table.check(network).map(|()| routes),
            // Networks in closed form are connected by construction.
            _ => Ok(routes),
        }
    }

    /// Routes of a network whose endpoints need not all reach each other, as those of a whole system do not.
    pub fn partial(network: &Network) -> Result<Self, RouteError> {
        let kind = match network.shape {
            Shape::FatTree(tree) => Kind::Tree(tree::TreeRoutes::new(tree, tree.endpoints)),
            Shape::Rail(rail) => Kind::Rail(rail::RailRoutes::new(rail)),
            Shape::Torus(torus) => Kind::Torus(torus::TorusRoutes::new(torus)),
            Shape::Dragonfly(dragonfly) => Kind::Dragonfly(dragonfly::DragonflyRoutes::new(network, dragonfly)),
            Shape::FullMesh(mesh) => Kind::FullMesh(mesh),
            Shape::ScaleUp(domain) => Kind::ScaleUp(domain),
            Shape::Irregular => Kind::Table(table::Table::new(network, &[], None)?),
        };
        Ok(Self { kind })
    }

    /// Routes of an irregular network to these endpoints alone: what large ones have room for.
    pub fn to(network: &Network, destinations: &[EndpointId]) -> Result<Self, RouteError> {
        match network.shape {
            Shape::Irregular => Ok(Self { kind: Kind::Table(table::Table::new(network, &[], Some(destinations))?) }),
            _ => Self::partial(network),
        }
    }

    /// Shortest ways that avoid dead edges (each direction by itself; for a link name both). Where none is left,
    /// [`Routes::choices`] is empty: packets are lost there. A torus leaves dimension order, a dragonfly its minimal ways;
    /// see [`Routes::lanes`] for what that costs in virtual channels.
    pub fn without(network: &Network, dead: &[EdgeId]) -> Result<Self, RouteError> {
        if dead.is_empty() {
            return Self::partial(network);
        }
        Ok(Self { kind: Kind::Table(table::Table::new(network, dead, None)?) })
    }

    /// Edges out of a node on shortest ways to an endpoint, in the order of [`Network::out`]. Empty at the endpoint itself,
    /// and where no way is left.
    pub fn choices<'a>(&'a self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        match &self.kind {
            Kind::Tree(tree) => match node.0 {
                host if host == to.0 => &[],
                host if host < network.endpoints.len() as u32 => network.out(node),
                _ => tree.at_switch(network, node, to.0),
            },
            Kind::Rail(rail) => rail.choices(network, node, to),
            Kind::Torus(torus) => torus.choices(network, node, to),
            Kind::Dragonfly(dragonfly) => dragonfly.choices(network, node, to),
            Kind::FullMesh(mesh) => meshes::full_mesh(mesh, network, node, to),
            Kind::ScaleUp(domain) => meshes::scale_up(domain, network, node, to),
            Kind::Table(table) => table.choices(network, node, to),
        }
    }

    /// Whether an endpoint reaches another.
    pub fn reaches(&self, network: &Network, from: EndpointId, to: EndpointId) -> bool {
        // An endpoint with one edge has no say of its own: what is behind the edge knows.
        let first = self.choices(network, network.node_of(from), to).first().map(|edge| network.edge(*edge).to);
        let knows = |node| node == network.node_of(to) || !self.choices(network, node, to).is_empty();
        from == to || first.is_some_and(knows)
    }

    /// An endpoint of another group to go by first, for Valiant or UGAL routing on a dragonfly: route to its router (one
    /// edge before it), then on to the destination. `entropy` picks it. `None` where a detour makes no sense: other
    /// networks, neighbours in one group, two groups in all.
    ///
    /// UGAL (Singh 2005) compares, at the source, queue times hops of the minimal way with that of one such detour.
    pub fn detour(&self, network: &Network, from: EndpointId, to: EndpointId, entropy: u32) -> Option<EndpointId> {
        match &self.kind {
            Kind::Dragonfly(dragonfly) => dragonfly.detour(network, from, to, entropy),
            _ => None,
        }
    }

    /// Bytes of tables.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Table(table) => table.bytes(),
            Kind::Dragonfly(dragonfly) => dragonfly.bytes(),
            _ => 0,
        }
    }
}
