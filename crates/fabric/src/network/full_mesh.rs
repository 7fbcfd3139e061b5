//! Full meshes: every endpoint linked to every other, without switches. Eight MI300X over Infinity Fabric are one.
//!
//! Numbering: endpoint `i` has its links in the order of the others' numbers.

use super::{Builder, Links, Network, NodeKind, Shape};
use crate::time::Time;

/// What a full mesh is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullMesh {
    /// Endpoints, at least 2.
    pub endpoints: u32,
    /// Parallel links between two of them.
    pub per_pair: u32,
}

impl FullMesh {
    /// Whether the numbers can be.
    pub fn check(&self) -> Result<(), String> {
        let (n, per_pair) = (u64::from(self.endpoints), u64::from(self.per_pair));
        if n < 2 || per_pair == 0 {
            return Err("a full mesh has at least 2 endpoints and 1 link between two of them".into());
        }
        let links = (n * (n - 1) / 2).saturating_mul(per_pair);
        if links > u64::from(super::MOST_LINKS) {
            return Err(format!("{links} links are more than {} that a network can have", super::MOST_LINKS));
        }
        Ok(())
    }

    /// The network.
    pub fn build(self, links: &Links) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-up");
        builder.nodes(self.endpoints, NodeKind::Endpoint, 0, u32::MAX, Time::ZERO);
        for a in 0..self.endpoints {
            for b in a + 1..self.endpoints {
                for _ in 0..self.per_pair {
                    builder.link(links.edge(a, b, domain));
                }
            }
        }
        builder.build(Shape::FullMesh(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{LinkLayer, NodeId};
    use crate::time::Rate;

    #[test]
    fn counts() {
        let links = Links {
            rate: Rate::gbps(512.0).expect("positive"),
            delay: Time::ns(10),
            switch_latency: Time::ZERO,
            layer: LinkLayer::NvLink,
        };
        let mesh = FullMesh { endpoints: 8, per_pair: 2 };
        let network = mesh.build(&links);
        assert_eq!(network.edges.len(), 2 * 2 * 28);
        let others = network.out(NodeId(3)).iter().map(|edge| network.edge(*edge).to.0);
        assert_eq!(others.collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2, 4, 4, 5, 5, 6, 6, 7, 7]);
        assert!(FullMesh { endpoints: 1, per_pair: 1 }.check().is_err());
        assert!(FullMesh { endpoints: u32::MAX, per_pair: u32::MAX }.check().is_err());
    }
}
