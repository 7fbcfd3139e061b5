//! The tree of switches that adds up and copies for a group of members.
//!
//! Its edges are where the members' ways (by destination) to the first member run, as in the flow engine. Of its switches
//! the one in the middle is the root: a reduction climbs to it and the result descends. A multicast descends from the
//! source's own switch.

use std::collections::{BTreeMap, VecDeque};

use super::pool::NONE;
use crate::flow::Way;
use crate::network::{EdgeId, Network, NodeId, NodeKind};
use crate::route::Routes;
use crate::traffic::{InNetwork, Multicast};

/// What a packet of an operation does where an edge ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It comes from a child of a switch: both by number.
    Up(u32, u32),
    /// It comes down to a switch.
    Down(u32),
    /// It comes down to a member.
    Member(u32),
}

/// A switch of the tree.
#[derive(Clone, Debug)]
pub(super) struct TreeNode {
    /// The edge to its parent; [`NONE`] at the root.
    pub(super) up: u32,
    /// Edges to its children.
    pub(super) down: Vec<u32>,
}

/// The tree of a group in one plane.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<TreeNode>,
    pub(super) root: u32,
    /// What happens at the end of each edge.
    pub(super) roles: BTreeMap<u32, Role>,
    /// The edge by which each member sends.
    pub(super) links: Vec<u32>,
    /// For each member the children by which a packet from the root gets to it.
    pub(super) paths: Vec<Vec<u32>>,
    /// Longest time from a member to the root and from it to a member, in ps: delays of edges and latencies of nodes.
    pub(super) delay: u64,
    /// Most edges from a member to the root.
    pub(super) depth: u32,
}

impl Tree {
    /// The tree, or why there is none.
    pub(super) fn new(network: &Network, routes: &Routes, group: &Multicast, plane: u32) -> Result<Self, String> {
        let name = |node: NodeId| network.name(node);
        let members: Vec<NodeId> = group.members.iter().map(|member| network.node_of(*member)).collect();
        let first = *group.members.first().ok_or("an operation of the network has no members")?;
        // Neighbours in the tree, by edges that lead to them.
        let mut out: BTreeMap<NodeId, BTreeMap<NodeId, EdgeId>> = BTreeMap::new();
        for member in group.members.iter().filter(|member| **member != first) {
            let way = Way::in_plane(network, routes, *member, first, plane).ok_or_else(|| {
                format!("no way leads from {} to {}", name(network.node_of(*member)), name(members[0]))
            })?;
            for id in way.edges.into_iter().map(EdgeId) {
                let edge = network.edge(id);
                out.entry(edge.from).or_default().insert(edge.to, id);
                out.entry(edge.to).or_default().insert(edge.from, id.reverse());
            }
        }
        let edges: usize = out.values().map(BTreeMap::len).sum();
        if out.len() < 2 || edges != 2 * (out.len() - 1) {
            return Err("the ways between its members form no tree".into());
        }
        for (node, next) in &out {
            let member = members.contains(node);
            if member && next.len() > 1 {
                return Err(format!("{} lies between other members: only switches add up and copy", name(*node)));
            }
            if !member && next.len() > 2 && network.node(*node).kind != NodeKind::Switch {
                return Err(format!("{} is no switch: only switches add up and copy", name(*node)));
            }
        }
        let root = match group.kind {
            InNetwork::Multicast => out[&members[0]].keys().next().copied(),
            _ => middle(&out, &members),
        };
        let root = root.filter(|root| !members.contains(root)).ok_or("no switch lies between its members")?;
        Ok(Self::rooted(network, &out, root, &members))
    }

    /// The tree seen from its root.
    fn rooted(
        network: &Network,
        out: &BTreeMap<NodeId, BTreeMap<NodeId, EdgeId>>,
        root: NodeId,
        members: &[NodeId],
    ) -> Self {
        let member_of: BTreeMap<NodeId, u32> =
            members.iter().enumerate().map(|(at, node)| (*node, at as u32)).collect();
        let mut tree = Self {
            nodes: vec![TreeNode { up: NONE, down: Vec::new() }],
            root: 0,
            roles: BTreeMap::new(),
            links: vec![NONE; members.len()],
            paths: vec![Vec::new(); members.len()],
            delay: 0,
            depth: 0,
        };
        // Node, its place, its parent, the way from the root, and the time up and down.
        let mut queue = VecDeque::from([(root, 0u32, None::<NodeId>, Vec::<u32>::new(), 0u64)]);
        while let Some((node, at, parent, path, delay)) = queue.pop_front() {
            for (next, edge) in out[&node].iter().filter(|(next, _)| Some(**next) != parent) {
                let child = tree.nodes[at as usize].down.len() as u32;
                let (down, up) = (edge.0, edge.reverse().0);
                tree.nodes[at as usize].down.push(down);
                tree.roles.insert(up, Role::Up(at, child));
                let mut path = path.clone();
                path.push(child);
                let (there, back) = (network.edge(*edge).delay.0, network.edge(edge.reverse()).delay.0);
                let delay = delay + there.max(back) + network.node(*next).latency.0.max(network.node(node).latency.0);
                match member_of.get(next) {
                    Some(member) => {
                        tree.roles.insert(down, Role::Member(*member));
                        tree.links[*member as usize] = up;
                        tree.depth = tree.depth.max(path.len() as u32);
                        tree.delay = tree.delay.max(delay);
                        tree.paths[*member as usize] = path;
                    }
                    None => {
                        let place = tree.nodes.len() as u32;
                        tree.nodes.push(TreeNode { up, down: Vec::new() });
                        tree.roles.insert(down, Role::Down(place));
                        queue.push_back((*next, place, Some(node), path, delay));
                    }
                }
            }
        }
        tree
    }
}

/// The node from which the furthest member is nearest; of several the one with the lowest number.
fn middle(out: &BTreeMap<NodeId, BTreeMap<NodeId, EdgeId>>, members: &[NodeId]) -> Option<NodeId> {
    // The middle of the longest way: from any node to the furthest, from there to the furthest again.
    let furthest = |from: NodeId| {
        let mut before: BTreeMap<NodeId, (NodeId, usize)> = BTreeMap::from([(from, (from, 0))]);
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            let far = before[&node].1;
            for next in out[&node].keys() {
                if !before.contains_key(next) {
                    before.insert(*next, (node, far + 1));
                    queue.push_back(*next);
                }
            }
        }
        before
    };
    let end = |before: &BTreeMap<NodeId, (NodeId, usize)>| {
        let far =
            members.iter().filter_map(|member| before.get(member).map(|(_, far)| (*far, std::cmp::Reverse(*member))));
        far.max().map(|(far, member)| (member.0, far))
    };
    let (one, _) = end(&furthest(*members.first()?))?;
    let before = furthest(one);
    let (mut node, far) = end(&before)?;
    for _ in 0..far / 2 {
        node = before.get(&node)?.0;
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::fat_tree::{FatTree, Links};
    use crate::network::full_mesh::FullMesh;
    use crate::network::{EndpointId, LinkLayer};
    use crate::time::{Rate, Time};

    fn links() -> Links {
        let rate = Rate::gbps(400.0).expect("positive");
        Links { rate, delay: Time::us(1), switch_latency: Time::ns(100), layer: LinkLayer::Ethernet }
    }

    fn group(kind: InNetwork, members: impl IntoIterator<Item = u32>) -> Multicast {
        Multicast { kind, members: members.into_iter().map(EndpointId).collect() }
    }

    #[test]
    fn a_reduction_has_its_root_in_the_middle() {
        let network = FatTree::balanced(16, 3).expect("k = 4").build(&links());
        let routes = Routes::new(&network).expect("a tree");
        let tree = Tree::new(&network, &routes, &group(InNetwork::AllReduce, 0..16), 0).expect("a tree");
        // Eight switches next to hosts, one above each pair of pods' leaves, and a core.
        assert_eq!(tree.nodes.len(), 8 + 4 + 1);
        assert_eq!((tree.depth, tree.delay), (3, 3 * 1_000_000 + 3 * 100_000));
        assert!(tree.paths.iter().all(|path| path.len() == 3) && tree.links.iter().all(|link| *link != NONE));
        // Within one switch there is nothing else.
        let small = Tree::new(&network, &routes, &group(InNetwork::AllReduce, 0..2), 0).expect("a star");
        assert_eq!((small.nodes.len(), small.depth), (1, 1));
        // A multicast begins at the source's switch.
        let cast = Tree::new(&network, &routes, &group(InNetwork::Multicast, [5, 0, 15]), 0).expect("a tree");
        assert_eq!(cast.paths[0].len(), 1);
        assert_eq!(cast.paths[2].len(), 5);
    }

    #[test]
    fn what_has_no_switches_between_is_refused() {
        let network = FullMesh { endpoints: 4, per_pair: 1 }.build(&links());
        let routes = Routes::new(&network).expect("connected");
        let error = Tree::new(&network, &routes, &group(InNetwork::AllReduce, 0..4), 0).expect_err("no switches");
        assert!(error.contains("only switches add up"), "{error}");
    }
}
