//! Queues of ports that are slower than others that lead the same way: as much smaller, so that they drain in the same
//! time (the reference simulator's rule for links that it slows down; full-size queues would hide a slow link for long).

use crate::network::{Network, NodeKind};

/// Bytes of every edge's queue. Empty where all have `whole` bytes.
pub(super) fn limits(network: &Network, whole: u32) -> Vec<u32> {
    let rate = |edge: usize| network.edges[edge].rate.bits();
    let Some(first) = network.edges.first().map(|edge| edge.rate) else { return Vec::new() };
    if network.edges.iter().all(|edge| edge.rate == first) {
        return Vec::new();
    }
    let mut limits = vec![whole; network.edges.len()];
    let mut any = false;
    for (at, edge) in network.edges.iter().enumerate() {
        if network.node(edge.from).kind != NodeKind::Switch {
            continue;
        }
        let tier = network.node(edge.to).tier;
        let alike = network.out(edge.from).iter().filter(|other| network.node(network.edge(**other).to).tier == tier);
        let fastest = alike.map(|other| rate(other.index())).max().unwrap_or(0).max(1);
        if rate(at) < fastest {
            limits[at] = (u128::from(whole) * u128::from(rate(at)) / u128::from(fastest)) as u32;
            any = true;
        }
    }
    if any { limits } else { Vec::new() }
}

/// Bytes that the queue of a slow port would hold if it were as large as others': what thresholds of marks are compared
/// with, so that they too are as much smaller.
#[cold]
pub(super) fn filled(bytes: u32, whole: u32, limit: u32) -> u32 {
    (u64::from(bytes) * u64::from(whole) / u64::from(limit.max(1))).min(u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::network::fat_tree::{FatTree, Links};
    use crate::time::{Rate, Time};

    #[test]
    fn only_slow_links_among_faster_ones_have_smaller_queues() {
        let links = |gbps| Links {
            rate: Rate::gbps(gbps).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ZERO,
            layer: LinkLayer::Ethernet,
        };
        let tree = FatTree::balanced(16, 3).expect("a balanced size");
        let mut network = tree.build_tiers(&[links(400.0), links(100.0), links(100.0)]);
        assert!(limits(&network, 1_000).is_empty(), "slower by design");
        let core = network.edges.iter().position(|edge| network.node(edge.from).tier == 3).expect("a core");
        network.edges[core].rate = Rate::gbps(25.0).expect("positive");
        let limits = limits(&network, 1_000);
        assert_eq!(limits[core], 250);
        assert_eq!(limits.iter().filter(|limit| **limit != 1_000).count(), 1);
        assert_eq!((filled(50, 1_000, limits[core]), filled(u32::MAX, 1_000, 0)), (200, u32::MAX));
    }
}
