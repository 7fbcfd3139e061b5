//! Leaf-spine networks: every leaf linked to every spine, with or without oversubscription.
//!
//! A leaf-spine network is a fat tree of two tiers; this names its numbers as people give them.

use super::fat_tree::FatTree;
use super::{Links, Network};

/// What a leaf-spine network is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafSpine {
    /// Leaves.
    pub leaves: u32,
    /// Endpoints at each leaf.
    pub per_leaf: u32,
    /// Spines.
    pub spines: u32,
    /// Parallel links between each leaf and each spine.
    pub per_pair: u32,
}

impl LeafSpine {
    /// The tree that it is. `Err` says which numbers do not fit together.
    pub fn tree(&self) -> Result<FatTree, String> {
        let count = |a: u32, b: u32, what: &str| {
            a.checked_mul(b).filter(|product| *product > 0).ok_or_else(|| format!("{what}: {a} x {b} cannot be"))
        };
        let tree = FatTree {
            endpoints: count(self.leaves, self.per_leaf, "endpoints")?,
            tiers: 2,
            per_leaf: self.per_leaf,
            up_from_leaf: count(self.spines, self.per_pair, "links upwards")?,
            leaves_per_pod: self.leaves,
            up_from_middle: 0,
            leaf_bundle: self.per_pair,
            middle_bundle: 1,
        };
        tree.check()?;
        Ok(tree)
    }

    /// Bytes that may enter a leaf from below over bytes that may leave it upwards, links of both kinds given.
    pub fn oversubscription(&self, below: &Links, above: &Links) -> f64 {
        f64::from(self.per_leaf) * below.rate.as_gbps()
            / (f64::from(self.spines) * f64::from(self.per_pair) * above.rate.as_gbps())
    }

    /// The network: links of endpoints, and links of spines.
    pub fn build(&self, below: &Links, above: &Links) -> Result<Network, String> {
        Ok(self.tree()?.build_tiers(&[*below, *above, *above]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::time::{Rate, Time};

    #[test]
    fn counts_and_oversubscription() {
        let link = |gbps| Links {
            rate: Rate::gbps(gbps).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ns(500),
            layer: LinkLayer::Ethernet,
        };
        let wanted = LeafSpine { leaves: 8, per_leaf: 16, spines: 4, per_pair: 2 };
        let network = wanted.build(&link(100.0), &link(200.0)).expect("it fits");
        assert_eq!((network.endpoints.len(), network.nodes.len()), (128, 128 + 8 + 4));
        assert_eq!(network.edges.len(), 2 * (128 + 8 * 8));
        assert_eq!(wanted.oversubscription(&link(100.0), &link(200.0)), 1.0);
        assert!(LeafSpine { spines: 0, ..wanted }.tree().is_err());
        assert!(LeafSpine { leaves: 1 << 20, per_leaf: 1 << 20, ..wanted }.tree().is_err());
    }
}
