//! Routes of fat trees in closed form: down where the endpoint is below, else up by any link.

use crate::network::fat_tree::FatTree;
use crate::network::{EdgeId, Network, NodeId};

/// Routes of one tree.
#[derive(Clone, Copy, Debug)]
pub struct TreeRoutes {
    tree: FatTree,
    /// First node of tiers 1, 2 and 3.
    first: [u32; 3],
}

impl TreeRoutes {
    /// Routes of a tree whose first switch of tier 1 is this node; the others follow.
    pub fn new(tree: FatTree, leaves: u32) -> Self {
        let middles = leaves + tree.leaves();
        Self { tree, first: [leaves, middles, middles + tree.middles()] }
    }

    /// Edges out of a switch on shortest ways to a place at tier 1.
    pub fn at_switch<'a>(&self, network: &'a Network, node: NodeId, place: u32) -> &'a [EdgeId] {
        let out = network.out(node);
        let tree = &self.tree;
        let leaf = place / tree.per_leaf;
        let pod = leaf / tree.leaves_per_pod;
        let [leaves, middles, cores] = self.first;
        // A switch's edges downwards come first, in the order of what is below, each bundle together.
        let (down, at, bundle) = if node.0 < middles {
            let own = node.0 - leaves;
            let below = tree.per_leaf.min(tree.endpoints - own * tree.per_leaf);
            (below, (own == leaf).then_some(place % tree.per_leaf), 1)
        } else if node.0 < cores {
            match tree.tiers {
                2 => (tree.leaves(), Some(leaf), tree.leaf_bundle),
                _ => {
                    let own = (node.0 - middles) / tree.middles_per_pod().max(1);
                    let below = tree.leaves_per_pod.min(tree.leaves() - own * tree.leaves_per_pod);
                    (below, (own == pod).then_some(leaf % tree.leaves_per_pod), tree.leaf_bundle)
                }
            }
        } else {
            (tree.pods(), Some(pod), tree.middle_bundle)
        };
        let (down, bundle) = (down as usize * bundle as usize, bundle as usize);
        match at {
            Some(at) => out.get(at as usize * bundle..(at as usize + 1) * bundle).unwrap_or(&[]),
            None => out.get(down..).unwrap_or(&[]),
        }
    }
}
