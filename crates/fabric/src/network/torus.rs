//! Tori and meshes of two or three dimensions (any number from 1 to 3), an endpoint at every router.
//!
//! Numbering: endpoints first, x fastest, then y, then z; router `i` belongs to endpoint `i`. A dimension of size 2 has one
//! link between its two routers, wrapped or not; a wrapped dimension of size above 2 is a ring.
//!
//! Packets go dimension by dimension ([`crate::route`]); within a ring they change to a second virtual channel where they
//! pass from the last router to the first or back (the dateline), so that no circle of buffers can fill up. Dally and
//! Seitz, "Deadlock-free message routing in multiprocessor interconnection networks", 1987.

use super::{Builder, Edge, Links, Network, NodeId, NodeKind, Shape};
use crate::time::{Rate, Time};

/// What a torus or mesh is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torus {
    /// Routers along x, y and z; 1 where there is no such dimension.
    pub size: [u32; 3],
    /// Whether x, y and z are rings.
    pub wrapped: [bool; 3],
}

impl Torus {
    /// All dimensions wrapped.
    pub fn rings(size: [u32; 3]) -> Self {
        Self { size, wrapped: [true; 3] }
    }

    /// No dimension wrapped.
    pub fn mesh(size: [u32; 3]) -> Self {
        Self { size, wrapped: [false; 3] }
    }

    /// Whether the numbers can be.
    pub fn check(&self) -> Result<(), String> {
        let routers = self.size.iter().fold(1u64, |product, size| product.saturating_mul(u64::from(*size)));
        if routers == 0 {
            return Err("every dimension has at least one router; give 1 for a dimension that is not there".into());
        }
        if routers.saturating_mul(4) > u64::from(super::MOST_LINKS) {
            return Err(format!("{routers} routers have more than {} links", super::MOST_LINKS));
        }
        Ok(())
    }

    /// Endpoints, and routers.
    pub fn routers(&self) -> u32 {
        self.size.iter().product()
    }

    /// Place of a router along x, y and z.
    pub fn place(&self, router: u32) -> [u32; 3] {
        let [x, y, _] = self.size;
        [router % x, router / x % y, router / x / y]
    }

    /// The router at a place.
    pub fn router(&self, [x, y, z]: [u32; 3]) -> u32 {
        x + self.size[0] * (y + self.size[1] * z)
    }

    /// Whether a dimension is a ring with more than one link between neighbours' ways.
    pub fn ring(&self, dimension: usize) -> bool {
        self.wrapped[dimension] && self.size[dimension] > 2
    }

    /// The neighbour one step up or down a dimension.
    pub fn step(&self, router: u32, dimension: usize, up: bool) -> Option<u32> {
        let mut place = self.place(router);
        let (at, size) = (place[dimension], self.size[dimension]);
        let edge = if up { at + 1 == size } else { at == 0 };
        if edge && !self.ring(dimension) {
            return None;
        }
        place[dimension] = if up { (at + 1) % size } else { (at + size - 1) % size };
        Some(self.router(place))
    }

    /// The network; an endpoint's link to its router has `injection` as its rate and the same layer, without delay.
    pub fn build(self, links: &Links, injection: Rate) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-up");
        let (count, row) = (self.routers(), self.size[0]);
        let hosts = builder.nodes(count, NodeKind::Endpoint, 0, row, Time::ZERO);
        let routers = builder.nodes(count, NodeKind::Switch, 1, row, links.switch_latency);
        for at in 0..count {
            let edge = links.edge(hosts + at, routers + at, domain);
            builder.link(Edge { rate: injection, delay: Time::ZERO, ..edge });
        }
        // One dimension after the other, so that a router's two links of a dimension stand next to each other.
        for dimension in 0..3 {
            for at in 0..count {
                // A ring of one router has no link; the last of a mesh has none upwards.
                if let Some(next) = self.step(at, dimension, true).filter(|next| *next != at) {
                    builder.link(links.edge(routers + at, routers + next, domain));
                }
            }
        }
        builder.build(Shape::Torus(self))
    }

    /// The router that a node is, or that its endpoint hangs at.
    pub fn router_of(&self, node: NodeId) -> u32 {
        node.0 % self.routers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;

    fn build(torus: Torus) -> Network {
        let links = Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::ns(50),
            switch_latency: Time::ns(100),
            layer: LinkLayer::NvLink,
        };
        torus.build(&links, Rate::gbps(2400.0).expect("positive"))
    }

    #[test]
    fn counts_of_tori_and_meshes() {
        // A 4x4x4 cube of TPU v4 has 64 chips with six links each: 192 links.
        let cube = build(Torus::rings([4, 4, 4]));
        assert_eq!(cube.edges.len(), 2 * (64 + 192));
        assert!((64..128).all(|router| cube.out(NodeId(router)).len() == 7));
        let mesh = build(Torus::mesh([4, 3, 1]));
        assert_eq!(mesh.edges.len(), 2 * (12 + 3 * 3 + 4 * 2));
        // Two routers have one link, not two.
        assert_eq!(build(Torus::rings([2, 1, 1])).edges.len(), 2 * (2 + 1));
        assert!(Torus::rings([0, 4, 1]).check().is_err());
        assert!(Torus::rings([u32::MAX; 3]).check().is_err());
    }

    #[test]
    fn places_and_steps() {
        let torus = Torus { size: [4, 3, 2], wrapped: [true, false, true] };
        assert_eq!(torus.place(torus.router([3, 2, 1])), [3, 2, 1]);
        assert_eq!(torus.step(3, 0, true), Some(0));
        assert_eq!(torus.step(0, 1, false), None);
        assert_eq!((torus.step(0, 2, true), torus.step(12, 2, true)), (Some(12), None));
    }
}
