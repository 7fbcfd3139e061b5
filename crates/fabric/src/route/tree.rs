//! Routes of fat trees in closed form: down where the endpoint is below, else up by any link.

use crate::network::fat_tree::FatTree;
use crate::network::{EdgeId, EndpointId, Network, NodeId};

/// Routes of one tree.
#[derive(Clone, Copy, Debug)]
pub struct TreeRoutes {
    tree: FatTree,
    /// First node of tiers 1, 2 and 3.
    first: [u32; 3],
}

impl TreeRoutes {
    /// Routes of a tree.
    pub fn new(tree: FatTree) -> Self {
        let leaves = tree.endpoints;
        let middles = leaves + tree.leaves();
        Self { tree, first: [leaves, middles, middles + tree.middles()] }
    }

    /// See [`super::Routes::choices`].
    pub fn choices<'a>(&self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        let out = network.out(node);
        let tree = &self.tree;
        let leaf = to.0 / tree.per_leaf;
        let pod = leaf / tree.leaves_per_pod;
        let [leaves, middles, cores] = self.first;
        // A switch's edges downwards come first, in the order of what is below.
        let (down, at) = if node.0 < leaves {
            return if node.0 == to.0 { &[] } else { out };
        } else if node.0 < middles {
            let own = node.0 - leaves;
            let below = tree.per_leaf.min(tree.endpoints - own * tree.per_leaf);
            (below, (own == leaf).then_some(to.0 % tree.per_leaf))
        } else if node.0 < cores {
            let own = (node.0 - middles) / tree.up_from_leaf.max(1);
            match tree.tiers {
                2 => (tree.leaves(), Some(leaf)),
                _ => {
                    let below = tree.leaves_per_pod.min(tree.leaves() - own * tree.leaves_per_pod);
                    (below, (own == pod).then_some(leaf % tree.leaves_per_pod))
                }
            }
        } else {
            (tree.pods(), Some(pod))
        };
        match at {
            Some(at) => out.get(at as usize..=at as usize).unwrap_or(&[]),
            None => out.get(down as usize..).unwrap_or(&[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::network::fat_tree::Links;
    use crate::time::{Rate, Time};

    /// Follows every choice and says in how many steps it arrives.
    fn steps(network: &Network, routes: &TreeRoutes, from: NodeId, to: EndpointId) -> usize {
        if network.node_of(to) == from {
            return 0;
        }
        let choices = routes.choices(network, from, to);
        assert!(!choices.is_empty());
        let all: Vec<usize> = choices.iter().map(|edge| steps(network, routes, network.edge(*edge).to, to)).collect();
        assert!(all.iter().all(|steps| *steps == all[0]), "unequal ways");
        all[0] + 1
    }

    #[test]
    fn every_choice_arrives_by_a_shortest_way() {
        for (endpoints, tiers) in [(4, 1), (32, 2), (16, 3), (54, 3)] {
            let tree = FatTree::balanced(endpoints, tiers).expect("a balanced size");
            let links = Links {
                rate: Rate::gbps(100.0).expect("positive"),
                delay: Time::us(1),
                switch_latency: Time::ZERO,
                layer: LinkLayer::Ethernet,
            };
            let network = tree.build(&links);
            let routes = TreeRoutes::new(tree);
            for from in 0..endpoints {
                for to in 0..endpoints {
                    let (a, b) = (from / tree.per_leaf, to / tree.per_leaf);
                    let wanted = match () {
                        () if from == to => 0,
                        () if a == b => 2,
                        () if tiers == 3 && a / tree.leaves_per_pod == b / tree.leaves_per_pod => 4,
                        () => 2 * usize::from(tiers),
                    };
                    assert_eq!(steps(&network, &routes, NodeId(from), EndpointId(to)), wanted);
                }
            }
        }
    }
}
