//! Fat trees (folded Clos networks) of one, two or three tiers, with or without oversubscription.
//!
//! Numbering: endpoints first, in order; then the switches tier by tier. In three tiers with radix `k`, a switch of tier 1
//! has `k/2` endpoints, a pod has `k/2` switches of tier 1 and of tier 2, and core `c` hangs at the tier-2 switch
//! `c / (k/2)` of every pod.

use super::{Builder, Edge, LinkLayer, Network, Node, NodeId, NodeKind, Shape};
use crate::time::{Rate, Time};

/// What a fat tree is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FatTree {
    /// Endpoints in all.
    pub endpoints: u32,
    /// Tiers of switches: 1 to 3.
    pub tiers: u8,
    /// Endpoints at a switch of tier 1.
    pub per_leaf: u32,
    /// Links from a switch of tier 1 upwards.
    pub up_from_leaf: u32,
    /// Switches of tier 1 in a pod (three tiers; else all of them).
    pub leaves_per_pod: u32,
    /// Links from a switch of tier 2 upwards (three tiers; else 0).
    pub up_from_middle: u32,
}

/// What all its links are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Links {
    /// Rate per port and direction.
    pub rate: Rate,
    /// Delay of every link.
    pub delay: Time,
    /// Latency of every switch.
    pub switch_latency: Time,
    /// How packets are carried.
    pub layer: LinkLayer,
}

impl FatTree {
    /// The smallest tree without oversubscription and with equal radix everywhere that has exactly so many endpoints:
    /// `k`, `k²/2` or `k³/4` of them. `Err` says which numbers are near.
    pub fn balanced(endpoints: u32, tiers: u8) -> Result<Self, String> {
        let size = |k: u64| match tiers {
            1 => k,
            2 => k * k / 2,
            _ => k * k * k / 4,
        };
        if !(1..=3).contains(&tiers) {
            return Err(format!("a fat tree has 1, 2 or 3 tiers, not {tiers}"));
        }
        let step = if tiers == 1 { 1 } else { 2 };
        let mut k = step;
        while size(k) < u64::from(endpoints) {
            k += step;
        }
        if size(k) != u64::from(endpoints) || endpoints == 0 {
            let below = if k > step { format!("{} or ", size(k - step)) } else { String::new() };
            return Err(format!(
                "a fat tree of {tiers} tiers and equal radix has {below}{} endpoints, not {endpoints}",
                size(k)
            ));
        }
        let half = (k / 2) as u32;
        Ok(match tiers {
            1 => Self { endpoints, tiers, per_leaf: endpoints, up_from_leaf: 0, leaves_per_pod: 1, up_from_middle: 0 },
            2 => Self {
                endpoints,
                tiers,
                per_leaf: half,
                up_from_leaf: half,
                leaves_per_pod: 2 * half,
                up_from_middle: 0,
            },
            _ => Self {
                endpoints,
                tiers,
                per_leaf: half,
                up_from_leaf: half,
                leaves_per_pod: half,
                up_from_middle: half,
            },
        })
    }

    /// Switches of tier 1.
    pub fn leaves(&self) -> u32 {
        self.endpoints.div_ceil(self.per_leaf)
    }

    /// Pods.
    pub fn pods(&self) -> u32 {
        self.leaves().div_ceil(self.leaves_per_pod)
    }

    /// Switches of tier 2: spines of a two-tier tree, or all pods' middle switches.
    pub fn middles(&self) -> u32 {
        match self.tiers {
            1 => 0,
            2 => self.up_from_leaf,
            _ => self.pods() * self.up_from_leaf,
        }
    }

    /// Switches of tier 3.
    pub fn cores(&self) -> u32 {
        if self.tiers == 3 { self.up_from_leaf * self.up_from_middle } else { 0 }
    }

    /// The network.
    pub fn build(self, links: &Links) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-out");
        let mut add = |count: u32, kind, tier: u8, per_group: u32| -> NodeId {
            let mut first = NodeId(0);
            for at in 0..count {
                let latency = if tier == 0 { Time::ZERO } else { links.switch_latency };
                let id = builder.node(Node { kind, tier, group: at / per_group.max(1), latency });
                if at == 0 {
                    first = id;
                }
            }
            first
        };
        let hosts = add(self.endpoints, NodeKind::Endpoint, 0, self.per_leaf * self.leaves_per_pod);
        let leaves = add(self.leaves(), NodeKind::Switch, 1, self.leaves_per_pod);
        let middles =
            add(self.middles(), NodeKind::Switch, 2, if self.tiers == 3 { self.up_from_leaf } else { u32::MAX });
        let cores = add(self.cores(), NodeKind::Switch, 3, u32::MAX);
        let mut link = |from: u32, to: u32| {
            builder.link(Edge {
                from: NodeId(from),
                to: NodeId(to),
                rate: links.rate,
                delay: links.delay,
                layer: links.layer,
                lanes: 4,
                domain,
            });
        };
        for host in 0..self.endpoints {
            link(hosts.0 + host, leaves.0 + host / self.per_leaf);
        }
        for leaf in 0..self.leaves() {
            let pod = leaf / self.leaves_per_pod;
            for up in 0..self.up_from_leaf {
                let middle = if self.tiers == 3 { pod * self.up_from_leaf + up } else { up };
                link(leaves.0 + leaf, middles.0 + middle);
            }
        }
        for middle in 0..if self.tiers == 3 { self.middles() } else { 0 } {
            for up in 0..self.up_from_middle {
                link(middles.0 + middle, cores.0 + middle % self.up_from_leaf * self.up_from_middle + up);
            }
        }
        builder.build(Shape::FatTree(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ZERO,
            layer: LinkLayer::Ethernet,
        }
    }

    #[test]
    fn counts_of_three_tiers() {
        let tree = FatTree::balanced(128, 3).expect("k = 8");
        assert_eq!((tree.leaves(), tree.middles(), tree.cores(), tree.pods()), (32, 32, 16, 8));
        let network = tree.build(&links());
        assert_eq!(network.nodes.len(), 128 + 32 + 32 + 16);
        assert_eq!(network.edges.len(), 2 * (128 + 128 + 128));
        // Every switch has its eight ports.
        for id in 128..network.nodes.len() {
            assert_eq!(network.out(NodeId(id as u32)).len(), 8);
        }
        assert_eq!(network.name(NodeId(127)), "host[127]");
        assert_eq!(network.name(NodeId(160)), "switch.t2[0]");
    }

    #[test]
    fn sizes_that_do_not_exist() {
        assert!(FatTree::balanced(100, 3).is_err_and(|text| text.contains("54 or 128")));
        assert!(FatTree::balanced(8, 4).is_err());
        assert_eq!(FatTree::balanced(32, 2).map(|tree| tree.leaves()), Ok(8));
    }
}
