//! Virtual channels that keep networks with credits or pauses from locking up.
//!
//! A network locks up when packets wait for each other's buffers in a circle. It cannot where no circle of (edge, lane)
//! pairs exists in which a packet on one may ask for the next (Dally and Seitz, 1987). Lanes are given so:
//!
//! - fat trees, rails, full meshes, scale-up domains: one lane, since ways only go up and then down;
//! - tori: two lanes with a dateline per ring; meshes one, by dimension order alone;
//! - dragonflies: a lane more behind every global link, two for minimal ways and three with a detour;
//! - tables: one lane where all ways go up and then down by tier, else a lane more with every hop.

use super::{Kind, Routes};
use crate::network::{EdgeId, Network, NodeId};

impl Routes {
    /// Lane of the next edge of a packet at `node`, which came over `before` on the lane given with it (`None` where it
    /// starts). Pure: depends on nothing else.
    pub fn lane(&self, network: &Network, node: NodeId, before: Option<(EdgeId, u8)>, next: EdgeId) -> u8 {
        match &self.kind {
            Kind::Torus(torus) => torus.lane(network, node, before, next),
            Kind::Dragonfly(dragonfly) => {
                before.map_or(0, |(edge, lane)| lane + u8::from(dragonfly.is_global(network, edge)))
            }
            Kind::Table(table) if !table.falls() => before.map_or(0, |(_, lane)| lane.saturating_add(1)),
            _ => 0,
        }
    }

    /// Lanes that an edge needs: [`Routes::lane`] gives less than this. With `detours`, packets may go by
    /// [`Routes::detour`].
    pub fn lanes(&self, network: &Network, detours: bool) -> u8 {
        use crate::network::Shape;
        match (&self.kind, network.shape) {
            (Kind::Torus(_), Shape::Torus(torus)) => 1 + u8::from((0..3).any(|dimension| torus.ring(dimension))),
            (Kind::Dragonfly(_), _) => 2 + u8::from(detours),
            (Kind::Table(table), _) if !table.falls() => table.longest(),
            _ => 1,
        }
    }
}
