//! The edges that a message takes, and what share of it takes each.

use crate::network::{EdgeId, EndpointId, Network, NodeId};
use crate::route::Routes;

/// Which of several shortest ways messages take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ways {
    /// One, chosen by the destination (D-mod-k; Zahavi, "D-Mod-K routing providing non-blocking traffic for shift
    /// permutations on real life fat trees", 2010; the rule of SimGrid's fat trees): of `n` edges upwards the one with
    /// number `(destination / product of the numbers of edges below) mod n`.
    #[default]
    One,
    /// All, in equal parts at every switch: packets sprayed ideally.
    All,
}

/// A way, or all of them, from one endpoint to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// Edges.
    pub edges: Vec<u32>,
    /// Share of the message on each; empty when every edge carries all of it.
    pub weights: Vec<f64>,
    /// Sum of the delays of edges and of the latencies of nodes between, in ps (the longest way's).
    pub delay: u64,
}

impl Way {
    /// Share of the message on an edge of the way.
    pub fn weight(&self, at: usize) -> f64 {
        self.weights.get(at).copied().unwrap_or(1.0)
    }

    /// The edges from `from` to `to`; none when there is no way.
    pub fn find(network: &Network, routes: &Routes, ways: Ways, from: EndpointId, to: EndpointId) -> Option<Self> {
        let mut way = Self::default();
        way.find_again(network, routes, ways, from, to)?;
        Some(way)
    }

    /// As [`Way::find`], in place of what this way was.
    pub fn find_again(
        &mut self,
        network: &Network,
        routes: &Routes,
        ways: Ways,
        from: EndpointId,
        to: EndpointId,
    ) -> Option<()> {
        let choices = |node: NodeId| routes.choices(network, node, to);
        match ways {
            Ways::One => self.trace(network, from, to, choices),
            Ways::All => {
                *self = Self::all(network, from, to, choices)?;
                Some(())
            }
        }
    }

    /// The way by destination among edges that `choices` gives.
    fn trace<'a>(
        &mut self,
        network: &'a Network,
        from: EndpointId,
        to: EndpointId,
        mut choices: impl FnMut(NodeId) -> &'a [EdgeId],
    ) -> Option<()> {
        let (mut node, end) = (network.node_of(from), network.node_of(to));
        self.edges.clear();
        self.weights.clear();
        self.delay = 0;
        let mut divisor = 1u64;
        while node != end {
            let out = choices(node);
            // Shortest ways visit no node twice.
            if out.is_empty() || self.edges.len() >= network.nodes.len() {
                return None;
            }
            let id = self.step(network, to, out, &mut divisor)?;
            node = network.edge(id).to;
        }
        Some(())
    }

    /// One edge further: among edges `out`, of which `divisor` says how many there were to choose from so far.
    fn step(&mut self, network: &Network, to: EndpointId, out: &[EdgeId], divisor: &mut u64) -> Option<EdgeId> {
        let count = out.len() as u64;
        let id = *out.get((u64::from(to.0) / *divisor).checked_rem(count)? as usize)?;
        *divisor = divisor.saturating_mul(count);
        let edge = network.edge(id);
        self.edges.push(id.0);
        self.delay = self.delay.saturating_add(edge.delay.0);
        if edge.to != network.node_of(to) {
            self.delay = self.delay.saturating_add(network.node(edge.to).latency.0);
        }
        Some(id)
    }

    /// The way by destination among edges that `choices` writes down.
    pub fn one(
        network: &Network,
        from: EndpointId,
        to: EndpointId,
        mut choices: impl FnMut(NodeId, &mut Vec<EdgeId>),
    ) -> Option<Self> {
        let (mut node, end) = (network.node_of(from), network.node_of(to));
        let mut way = Self::default();
        let mut divisor = 1u64;
        let mut out = Vec::new();
        while node != end {
            out.clear();
            choices(node, &mut out);
            if out.is_empty() || way.edges.len() >= network.nodes.len() {
                return None;
            }
            node = network.edge(way.step(network, to, &out, &mut divisor)?).to;
        }
        Some(way)
    }

    /// The way by destination that begins with another of the first edges: planes apart from each other where endpoints
    /// have a link into each. Plane 0 is that of [`Ways::One`].
    pub fn in_plane(network: &Network, routes: &Routes, from: EndpointId, to: EndpointId, plane: u32) -> Option<Self> {
        let start = network.node_of(from);
        Self::one(network, from, to, |node, out| {
            out.extend_from_slice(routes.choices(network, node, to));
            if node == start && !out.is_empty() {
                let by = plane as usize % out.len();
                out.rotate_left(by);
            }
        })
    }

    /// Planes that all of some endpoints have towards another, at least 1: the fewest first edges.
    pub fn planes(network: &Network, routes: &Routes, from: &[EndpointId], to: EndpointId) -> u32 {
        let others = from.iter().filter(|member| **member != to);
        let links = others.map(|member| routes.choices(network, network.node_of(*member), to).len());
        links.min().unwrap_or(1).clamp(1, 1 << 10) as u32
    }

    /// All ways, split equally at every node.
    fn all<'a>(
        network: &'a Network,
        from: EndpointId,
        to: EndpointId,
        choices: impl Fn(NodeId) -> &'a [EdgeId],
    ) -> Option<Self> {
        let (start, end) = (network.node_of(from), network.node_of(to));
        let mut way = Self::default();
        // Nodes at one distance, with the share that arrives and the longest delay so far.
        let mut front = vec![(start, 1.0f64, 0u64)];
        let mut steps = 0;
        while front.iter().any(|(node, ..)| *node != end) {
            steps += 1;
            if steps > network.nodes.len() {
                return None;
            }
            let mut next: Vec<(NodeId, f64, u64)> = Vec::new();
            for (node, share, delay) in front {
                let out = choices(node);
                if out.is_empty() {
                    return None;
                }
                let part = share / out.len() as f64;
                for id in out {
                    let edge = network.edge(*id);
                    way.edges.push(id.0);
                    way.weights.push(part);
                    let node_latency = if edge.to == end { 0 } else { network.node(edge.to).latency.0 };
                    let delay = delay.saturating_add(edge.delay.0).saturating_add(node_latency);
                    match next.iter_mut().find(|(node, ..)| *node == edge.to) {
                        Some(known) => {
                            known.1 += part;
                            known.2 = known.2.max(delay);
                        }
                        None => next.push((edge.to, part, delay)),
                    }
                }
            }
            front = next;
        }
        way.delay = front.iter().map(|(.., delay)| *delay).max().unwrap_or(0);
        Some(way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LinkLayer;
    use crate::network::fat_tree::{FatTree, Links};
    use crate::time::{Rate, Time};

    fn network() -> Network {
        let links = Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ns(100),
            layer: LinkLayer::Ethernet,
        };
        FatTree::balanced(16, 3).expect("k = 4").build(&links)
    }

    #[test]
    fn one_way_follows_the_destination() {
        let network = network();
        let routes = Routes::new(&network).expect("a tree");
        let find = |from, to| Way::find(&network, &routes, Ways::One, EndpointId(from), EndpointId(to)).expect("a way");
        // k = 4: endpoint 13 = 0b1101 leaves a tier-1 switch by edge 13 mod 2 = 1 and a tier-2 switch by 13/2 mod 2 = 0:
        // from place 1 to core 1 + 0 * 2, as cores are striped over places.
        let way = find(0, 13);
        let names: Vec<String> = way.edges.iter().map(|edge| network.name(network.edge(EdgeId(*edge)).to)).collect();
        assert_eq!(names, ["switch.t1[0]", "switch.t2[1]", "switch.t3[1]", "switch.t2[7]", "switch.t1[6]", "host[13]"]);
        assert_eq!(way.delay, 6_500_000);
        // Everything to 13 from outside its pod comes down by the same edges.
        assert_eq!(find(5, 13).edges[3..], way.edges[3..]);
        assert_eq!(find(12, 13).edges.len(), 2);
    }

    #[test]
    fn all_ways_carry_the_whole_message() {
        let network = network();
        let routes = Routes::new(&network).expect("a tree");
        let way = Way::find(&network, &routes, Ways::All, EndpointId(0), EndpointId(13)).expect("ways");
        // 1 + 2 + 4 edges up and as many down; every node passes on what it gets.
        assert_eq!(way.edges.len(), 14);
        assert_eq!(way.delay, 6_500_000);
        let into = |node: NodeId| -> f64 {
            let arriving = |at: &usize| network.edge(EdgeId(way.edges[*at])).to == node;
            (0..way.edges.len()).filter(arriving).map(|at| way.weight(at)).sum()
        };
        assert!((into(network.node_of(EndpointId(13))) - 1.0).abs() < 1e-15);
        assert_eq!(way.weights.iter().filter(|weight| **weight == 0.25).count(), 8);
    }
}
