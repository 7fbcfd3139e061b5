//! Failed links of a connection matrix, and the edges of a fat tree that they mean.

use crate::network::{EdgeId, Network, NodeKind, Shape};

/// Tier of a switch, as connection matrices name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchTier {
    /// Tier 1: endpoints hang at it.
    Tor,
    /// Tier 2.
    Agg,
    /// Tier 3.
    Core,
}

impl SwitchTier {
    /// All, lowest first.
    pub const ALL: [Self; 3] = [Self::Tor, Self::Agg, Self::Core];

    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tor => "TOR",
            Self::Agg => "AGG",
            Self::Core => "CORE",
        }
    }

    /// Tier as a network counts it.
    fn number(self) -> u8 {
        match self {
            Self::Tor => 1,
            Self::Agg => 2,
            Self::Core => 3,
        }
    }
}

/// A link that is down from the start: the `link`-th upward link of a switch, or of a core switch its `link`-th downward
/// one. (htsim itself takes only links upwards from `AGG` switches.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedLink {
    /// Tier of the switch.
    pub tier: SwitchTier,
    /// Number of the switch within its tier.
    pub switch: u32,
    /// Number of the link at the switch.
    pub link: u32,
}

impl FailedLink {
    /// Both directions of the link in a fat tree.
    pub fn edges(&self, network: &Network) -> Result<[EdgeId; 2], String> {
        let Shape::FatTree(tree) = network.shape else {
            return Err("failed links of a connection matrix need a fat tree".to_string());
        };
        if self.tier.number() > tree.tiers {
            return Err(format!("a fat tree of {} tiers has no {} switches", tree.tiers, self.tier.name()));
        }
        let alike = |node: &crate::network::Node| node.kind == NodeKind::Switch && node.tier == self.tier.number();
        let mut switches = network.nodes.iter().enumerate().filter(|(_, node)| alike(node));
        let Some((at, _)) = switches.nth(self.switch as usize) else {
            let count = network.nodes.iter().filter(|node| alike(node)).count();
            return Err(format!("there is no {} switch {}: the tree has {count}", self.tier.name(), self.switch));
        };
        let up = |edge: &&EdgeId| network.node(network.edge(**edge).to).tier > self.tier.number();
        let top = self.tier.number() == tree.tiers;
        let out = network.out(crate::network::NodeId(at as u32));
        let links: Vec<EdgeId> = out.iter().filter(|edge| top || up(edge)).copied().collect();
        match links.get(self.link as usize) {
            // Both directions of a link stand next to each other.
            Some(edge) => Ok([*edge, EdgeId(edge.0 ^ 1)]),
            None => Err(format!(
                "{} switch {} has no link {}: it has {} {}",
                self.tier.name(),
                self.switch,
                self.link,
                links.len(),
                if top { "downwards" } else { "upwards" },
            )),
        }
    }
}
