//! Fat trees (folded Clos networks) of one, two or three tiers, with or without oversubscription.
//!
//! Numbering: endpoints first, in order; then the switches tier by tier. A pod has `leaves_per_pod` switches of tier 1 and
//! [`FatTree::middles_per_pod`] of tier 2; the switch of tier 2 at place `m` of every pod is linked to the cores
//! `m + l * middles_per_pod` for `l` from 0: cores are striped over places, as the simulator htsim numbers them, so that
//! its connection matrices (which name hosts and failed links by number) mean the same here.

use super::{Builder, Network, NodeId, NodeKind, Shape};
use crate::time::Time;

pub use super::Links;

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
    /// Parallel links between a switch of tier 1 and each of tier 2 that it reaches.
    pub leaf_bundle: u32,
    /// Parallel links between a switch of tier 2 and each of tier 3 that it reaches.
    pub middle_bundle: u32,
}

impl FatTree {
    /// The tree without oversubscription and with equal radix everywhere that has exactly so many endpoints: `k`, `k²/2`
    /// or `k³/4` of them (the rule of htsim's `-nodes`). `Err` says which numbers are near.
    pub fn balanced(endpoints: u32, tiers: u8) -> Result<Self, String> {
        let radix = Self::least_radix(endpoints, tiers)?;
        let (size, step) = (Self::full_size(radix, tiers), if tiers == 1 { 1 } else { 2 });
        if size != u64::from(endpoints) {
            let below = match radix.checked_sub(step).filter(|radix| *radix > 0) {
                Some(less) => format!("{} or ", Self::full_size(less, tiers)),
                None => String::new(),
            };
            return Err(format!(
                "a fat tree of {tiers} tiers and equal radix has {below}{size} endpoints, not {endpoints}"
            ));
        }
        Self::of_radix(endpoints, tiers, radix)
    }

    /// The smallest even radix (any, for one tier) whose tree has at least so many endpoints.
    pub fn least_radix(endpoints: u32, tiers: u8) -> Result<u32, String> {
        if !(1..=3).contains(&tiers) {
            return Err(format!("a fat tree has 1, 2 or 3 tiers, not {tiers}"));
        }
        if endpoints == 0 {
            return Err("a fat tree has at least 1 endpoint".into());
        }
        let step = if tiers == 1 { 1 } else { 2 };
        let mut radix = step;
        while Self::full_size(radix, tiers) < u64::from(endpoints) {
            radix += step;
        }
        Ok(radix)
    }

    /// Endpoints of a full tree of switches of equal radix.
    pub fn full_size(radix: u32, tiers: u8) -> u64 {
        let k = u64::from(radix);
        match tiers {
            1 => k,
            2 => k * k / 2,
            _ => k * k * k / 4,
        }
    }

    /// A tree of switches of equal radix with so many endpoints in its first places; pods and switches of tier 1 that
    /// would have none are left out, everything above them is whole.
    pub fn of_radix(endpoints: u32, tiers: u8, radix: u32) -> Result<Self, String> {
        let full = Self::full_size(radix, tiers);
        if !(1..=3).contains(&tiers) || endpoints == 0 || u64::from(endpoints) > full || (tiers > 1 && radix % 2 == 1) {
            return Err(format!(
                "a fat tree of {tiers} tiers of switches with {radix} ports has 1 to {full} endpoints and even ports, not \
                 {endpoints}"
            ));
        }
        let half = radix / 2;
        Ok(Self {
            endpoints,
            tiers,
            per_leaf: if tiers == 1 { radix } else { half },
            up_from_leaf: if tiers == 1 { 0 } else { half },
            leaves_per_pod: match tiers {
                1 => 1,
                2 => radix,
                _ => half,
            },
            up_from_middle: if tiers == 3 { half } else { 0 },
            leaf_bundle: 1,
            middle_bundle: 1,
        })
    }

    /// The same tree with so many endpoints per link upwards at tier 1. `Err` where that does not divide.
    pub fn oversubscribed(mut self, ratio: u32) -> Result<Self, String> {
        if self.tiers < 2 || ratio == 0 || !self.up_from_leaf.is_multiple_of(ratio) {
            return Err(format!(
                "oversubscription of {ratio} to 1 does not divide the {} links that a switch of tier 1 has upwards",
                self.up_from_leaf
            ));
        }
        self.up_from_leaf /= ratio;
        self.check()?;
        Ok(self)
    }

    /// Whether the numbers fit together; the error says which do not.
    pub fn check(&self) -> Result<(), String> {
        let some = |value: u32, what: &str| if value == 0 { Err(format!("{what} must be above 0")) } else { Ok(()) };
        some(self.endpoints, "endpoints")?;
        some(self.per_leaf, "endpoints per switch of tier 1")?;
        some(self.leaves_per_pod, "switches of tier 1 per pod")?;
        some(self.leaf_bundle, "links per bundle of tier 1")?;
        some(self.middle_bundle, "links per bundle of tier 2")?;
        if !(1..=3).contains(&self.tiers) {
            return Err(format!("a fat tree has 1, 2 or 3 tiers, not {}", self.tiers));
        }
        if self.tiers == 1 && self.endpoints > self.per_leaf {
            return Err(format!("one switch of {} ports has no room for {} endpoints", self.per_leaf, self.endpoints));
        }
        if self.tiers == 2 && self.leaves() > self.leaves_per_pod {
            return Err("two tiers are one pod: it must have all switches of tier 1".into());
        }
        if self.tiers > 1 && (self.up_from_leaf == 0 || !self.up_from_leaf.is_multiple_of(self.leaf_bundle)) {
            return Err(format!(
                "{} links upwards from tier 1 do not make bundles of {}",
                self.up_from_leaf, self.leaf_bundle
            ));
        }
        if self.tiers == 3 && (self.up_from_middle == 0 || !self.up_from_middle.is_multiple_of(self.middle_bundle)) {
            return Err(format!(
                "{} links upwards from tier 2 do not make bundles of {}",
                self.up_from_middle, self.middle_bundle
            ));
        }
        let links = u64::from(self.endpoints)
            + u64::from(self.leaves()) * u64::from(self.up_from_leaf)
            + u64::from(self.pods()) * u64::from(self.middles_per_pod()) * u64::from(self.up_from_middle);
        if links > u64::from(super::MOST_LINKS) {
            return Err(format!("{links} links are more than {} that a network can have", super::MOST_LINKS));
        }
        Ok(())
    }

    /// Switches of tier 1.
    pub fn leaves(&self) -> u32 {
        self.endpoints.div_ceil(self.per_leaf)
    }

    /// Pods.
    pub fn pods(&self) -> u32 {
        self.leaves().div_ceil(self.leaves_per_pod)
    }

    /// Switches of tier 2 in a pod.
    pub fn middles_per_pod(&self) -> u32 {
        if self.tiers == 1 { 0 } else { self.up_from_leaf / self.leaf_bundle }
    }

    /// Switches of tier 2: spines of a two-tier tree, or all pods' middle switches.
    pub fn middles(&self) -> u32 {
        self.middles_per_pod() * if self.tiers == 3 { self.pods() } else { 1 }
    }

    /// Switches of tier 3.
    pub fn cores(&self) -> u32 {
        if self.tiers == 3 { self.middles_per_pod() * (self.up_from_middle / self.middle_bundle) } else { 0 }
    }

    /// Whether every switch has as many links upwards as downwards, or more: spread evenly over equal links, no traffic that
    /// the endpoints' own links let through can fill a link between switches.
    pub fn is_full(&self) -> bool {
        let leaf = self.tiers < 2 || self.up_from_leaf >= self.per_leaf;
        // Links downwards of a switch of tier 2, which tier 3 answers.
        let down = u64::from(self.leaves_per_pod) * u64::from(self.leaf_bundle);
        leaf && (self.tiers < 3 || u64::from(self.up_from_middle) >= down)
    }

    /// The network, all links alike.
    pub fn build(self, links: &Links) -> Network {
        self.build_tiers(&[*links; 3])
    }

    /// The network with links of tier 1 (endpoints to leaves), 2 and 3; each with the latency of the switches above them.
    pub fn build_tiers(self, links: &[Links; 3]) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-out");
        let per_pod = self.per_leaf.saturating_mul(self.leaves_per_pod);
        let hosts = builder.nodes(self.endpoints, NodeKind::Endpoint, 0, per_pod, Time::ZERO);
        self.add_switches(&mut builder, links, domain, |place| hosts + place);
        builder.build(Shape::FatTree(self))
    }

    /// Adds switches and links; `below` is the node in each place at tier 1. Gives the first switch of tier 1.
    pub(super) fn add_switches(
        &self,
        builder: &mut Builder,
        links: &[Links; 3],
        domain: super::DomainId,
        below: impl Fn(u32) -> u32,
    ) -> NodeId {
        let [low, middle, top] = links;
        let leaves = builder.nodes(self.leaves(), NodeKind::Switch, 1, self.leaves_per_pod, low.switch_latency);
        let per_pod = self.middles_per_pod();
        let group = if self.tiers == 3 { per_pod } else { u32::MAX };
        let middles = builder.nodes(self.middles(), NodeKind::Switch, 2, group, middle.switch_latency);
        let cores = builder.nodes(self.cores(), NodeKind::Switch, 3, u32::MAX, top.switch_latency);
        for place in 0..self.endpoints {
            builder.link(low.edge(below(place), leaves + place / self.per_leaf, domain));
        }
        for leaf in 0..self.leaves() {
            let pod = if self.tiers == 3 { leaf / self.leaves_per_pod } else { 0 };
            for up in 0..if self.tiers > 1 { self.up_from_leaf } else { 0 } {
                let to = middles + pod * per_pod + up / self.leaf_bundle;
                builder.link(middle.edge(leaves + leaf, to, domain));
            }
        }
        for at in 0..if self.tiers == 3 { self.middles() } else { 0 } {
            for up in 0..self.up_from_middle {
                let core = at % per_pod + up / self.middle_bundle * per_pod;
                builder.link(top.edge(middles + at, cores + core, domain));
            }
        }
        NodeId(leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::time::Rate;

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
        assert!(FatTree::balanced(0, 3).is_err());
        assert_eq!(FatTree::balanced(32, 2).map(|tree| tree.leaves()), Ok(8));
    }

    #[test]
    fn a_tree_need_not_be_full() {
        let tree = FatTree::of_radix(100, 3, 8).expect("100 of 128 places");
        assert_eq!((tree.leaves(), tree.pods(), tree.middles(), tree.cores()), (25, 7, 28, 16));
        assert!(FatTree::of_radix(129, 3, 8).is_err());
        assert!(FatTree::of_radix(10, 2, 7).is_err());
    }

    #[test]
    fn a_fourth_of_the_links_upwards() {
        let tree = FatTree::balanced(1024, 3).and_then(|tree| tree.oversubscribed(4)).expect("8 divides by 4");
        // As the file fat_tree_1024_4os.topo of htsim has it: 2 links upwards, 2 middles a pod, 16 cores.
        assert_eq!((tree.up_from_leaf, tree.middles_per_pod(), tree.cores()), (2, 2, 16));
        assert!(FatTree::balanced(128, 3).and_then(|tree| tree.oversubscribed(3)).is_err());
    }

    #[test]
    fn cores_are_striped_over_places() {
        let tree = FatTree::balanced(16, 3).expect("k = 4");
        let network = tree.build(&links());
        let (middles, cores) = (16 + 8, 16 + 8 + 8);
        // The second middle of a pod is at cores 1 and 3.
        let ups = network.out(NodeId(middles + 1))[2..].iter().map(|edge| network.edge(*edge).to.0 - cores);
        assert_eq!(ups.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn bundles_lead_to_fewer_switches() {
        let tree = FatTree { up_from_leaf: 4, leaf_bundle: 2, ..FatTree::balanced(32, 2).expect("k = 8") };
        assert_eq!(tree.check(), Ok(()));
        let network = tree.build(&links());
        assert_eq!((tree.middles(), network.edges.len()), (2, 2 * (32 + 32)));
        assert_eq!(network.out(NodeId(32 + 8)).len(), 16);
        assert!(FatTree { leaf_bundle: 3, ..tree }.check().is_err());
    }
}
