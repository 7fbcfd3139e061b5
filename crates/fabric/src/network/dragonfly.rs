//! Dragonflies: groups of routers, each group a full mesh, and the groups a full mesh of global links.
//!
//! Kim, Dally, Scott and Abts, "Technology-driven, highly-scalable dragonfly topology", 2008: `p` endpoints, `a - 1` local
//! and `h` global links per router; balanced when `a = 2p = 2h`; at most `a h + 1` groups.
//!
//! Numbering: endpoints router by router, then routers group by group. Global port `k` of a group (router `k / h`) leads to
//! group `g + 1 + k mod (groups - 1)`, counted round, so that any two groups have the same number of links or differ by
//! one round; rounds that not all groups can fill are left out.

use super::{Builder, Links, Network, NodeId, NodeKind, Shape};
use crate::time::Time;

/// What a dragonfly is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dragonfly {
    /// Endpoints at each router.
    pub per_router: u32,
    /// Routers in each group.
    pub routers: u32,
    /// Global ports of each router.
    pub global: u32,
    /// Groups, at least 2.
    pub groups: u32,
}

impl Dragonfly {
    /// The largest balanced one with so many endpoints per router: `a = 2p`, `h = p`, `a h + 1` groups.
    pub fn balanced(per_router: u32) -> Option<Self> {
        let routers = per_router.checked_mul(2)?;
        let groups = routers.checked_mul(per_router)?.checked_add(1)?;
        Some(Self { per_router, routers, global: per_router, groups })
    }

    /// Whether the numbers can be.
    pub fn check(&self) -> Result<(), String> {
        if self.per_router == 0 || self.routers == 0 || self.global == 0 || self.groups < 2 {
            return Err("a dragonfly has endpoints, routers and global ports above 0, and at least 2 groups".into());
        }
        let ports = u64::from(self.routers) * u64::from(self.global);
        if u64::from(self.groups) > ports + 1 {
            return Err(format!(
                "{} routers with {} global ports reach at most {} groups, not {}",
                self.routers,
                self.global,
                ports + 1,
                self.groups
            ));
        }
        let routers = u64::from(self.routers) * u64::from(self.groups);
        let links = u64::from(self.per_router)
            .saturating_add(u64::from(self.routers))
            .saturating_add(u64::from(self.global))
            .saturating_mul(routers);
        if links > u64::from(super::MOST_LINKS) {
            return Err(format!("{links} ports are more than {} links allow", super::MOST_LINKS));
        }
        Ok(())
    }

    /// Global links between any two groups.
    pub fn rounds(&self) -> u32 {
        self.routers * self.global / (self.groups - 1)
    }

    /// Endpoints in all.
    pub fn endpoints(&self) -> u32 {
        self.per_router * self.routers * self.groups
    }

    /// The router in `group` whose global link of a round leads to group `to`.
    pub fn gateway(&self, group: u32, to: u32, round: u32) -> u32 {
        let port = round * (self.groups - 1) + (to + self.groups - group - 1) % self.groups;
        group * self.routers + port / self.global
    }

    /// The network: endpoints' links, links within groups, links between groups.
    pub fn build(self, host: &Links, local: &Links, global: &Links) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-out");
        let per_group = self.per_router * self.routers;
        let hosts = builder.nodes(self.endpoints(), NodeKind::Endpoint, 0, per_group, Time::ZERO);
        let routers =
            builder.nodes(self.routers * self.groups, NodeKind::Switch, 1, self.routers, local.switch_latency);
        for at in 0..self.endpoints() {
            builder.link(host.edge(hosts + at, routers + at / self.per_router, domain));
        }
        for group in 0..self.groups {
            let first = routers + group * self.routers;
            for a in 0..self.routers {
                for b in a + 1..self.routers {
                    builder.link(local.edge(first + a, first + b, domain));
                }
            }
        }
        for round in 0..self.rounds() {
            for a in 0..self.groups {
                for b in a + 1..self.groups {
                    let (from, to) = (self.gateway(a, b, round), self.gateway(b, a, round));
                    builder.link(global.edge(routers + from, routers + to, domain));
                }
            }
        }
        builder.build(Shape::Dragonfly(self))
    }

    /// First router's node.
    pub fn first_router(&self) -> NodeId {
        NodeId(self.endpoints())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::time::Rate;

    fn build(dragonfly: Dragonfly) -> Network {
        let links = Links {
            rate: Rate::gbps(200.0).expect("positive"),
            delay: Time::ns(100),
            switch_latency: Time::ns(350),
            layer: LinkLayer::Ethernet,
        };
        dragonfly.build(&links, &links, &links)
    }

    #[test]
    fn counts_of_the_paper() {
        // Figure 5 of Kim et al.: p = h = 2, a = 4, 9 groups, 72 endpoints, radix 7.
        let small = Dragonfly::balanced(2).expect("small");
        assert_eq!((small.endpoints(), small.groups), (72, 9));
        let network = build(small);
        assert_eq!(network.edges.len(), 2 * (72 + 9 * 6 + 36));
        assert!((72..108).all(|router| network.out(NodeId(router)).len() == 7));
        // p = 8 gives 129 groups of 16 routers: 16,512 endpoints.
        assert_eq!(Dragonfly::balanced(8).map(|d| d.endpoints()), Some(16_512));
        assert_eq!(Dragonfly::balanced(u32::MAX), None);
    }

    #[test]
    fn fewer_groups_have_more_links_between_them() {
        let few = Dragonfly { groups: 5, ..Dragonfly::balanced(2).expect("small") };
        assert_eq!((few.check(), few.rounds()), (Ok(()), 2));
        let network = build(few);
        assert_eq!(network.edges.len(), 2 * (40 + 5 * 6 + 10 * 2));
        assert!(Dragonfly { groups: 10, ..few }.check().is_err());
        assert!(Dragonfly { groups: 1, ..few }.check().is_err());
    }
}
