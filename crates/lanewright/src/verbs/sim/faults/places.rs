//! Nodes and links of a network by name.

use std::collections::HashMap;

use lanewright_fabric::network::{EdgeId, Network, NodeId, NodeKind};
use lanewright_model::problem::nearest;

/// Names of a network's nodes.
pub struct Places<'a> {
    network: &'a Network,
    names: Vec<String>,
    by_name: HashMap<String, NodeId>,
}

/// Links that a message lists at most.
const LISTED: usize = 6;

impl<'a> Places<'a> {
    /// Of a network: the names that [`Network::name`] gives, all at once.
    pub fn new(network: &'a Network) -> Self {
        let mut counts: HashMap<(NodeKind, u8), u32> = HashMap::new();
        let mut names = Vec::with_capacity(network.nodes.len());
        for (at, node) in network.nodes.iter().enumerate() {
            let number = counts.entry((node.kind, node.tier)).or_default();
            names.push(match network.names.get(at) {
                Some(name) => name.clone(),
                None => match node.kind {
                    NodeKind::Endpoint => format!("host[{number}]"),
                    NodeKind::Switch => format!("switch.t{}[{number}]", node.tier),
                    NodeKind::Bridge => format!("bridge[{number}]"),
                },
            });
            *number += 1;
        }
        let mut by_name = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            by_name.entry(name.clone()).or_insert(NodeId(at as u32));
        }
        Self { network, names, by_name }
    }

    /// The network.
    pub fn network(&self) -> &'a Network {
        self.network
    }

    /// The name of a node.
    pub fn name(&self, node: NodeId) -> &str {
        self.names.get(node.index()).map_or("", String::as_str)
    }

    /// The node of a name; else what is wrong, and what to write instead.
    pub fn node(&self, name: &str) -> Result<NodeId, String> {
        if let Some(node) = self.by_name.get(name) {
            return Ok(*node);
        }
        let stem = name.rsplit_once('[').map(|(stem, _)| format!("{stem}["));
        let alike = stem.map(|stem| self.names.iter().filter(|known| known.starts_with(&stem)).collect::<Vec<_>>());
        let help = match alike.as_deref() {
            Some([first, .., last]) => format!("there are {first} to {last}"),
            Some([only]) => format!("there is {only}"),
            _ => match nearest(name, self.names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("names are such as {}", self.some(self.names.iter().map(String::as_str))),
            },
        };
        Err(format!("no node `{name}`: {help}"))
    }

    /// Edges of a link by its place: `A--B` (both directions of all links between them), `A->B` (one direction), either with
    /// `#2` for the third of several; `A.link[2]`, `A.up[2]`, `A.down[2]` (the third link of a node, of those that lead away
    /// from endpoints or towards them); `A` where it has one link.
    pub fn link(&self, place: &str) -> Result<Vec<EdgeId>, String> {
        let (ends, number) = match place.rsplit_once('#') {
            Some((ends, number)) => match number.parse::<usize>() {
                Ok(number) => (ends, Some(number)),
                Err(_) => return Err(format!("`{number}` is no number of a link: write `{ends}#0` for the first")),
            },
            None => (place, None),
        };
        for (mark, both) in [("--", true), ("->", false)] {
            if let Some((from, to)) = ends.split_once(mark) {
                return self.between((from.trim(), to.trim()), number, both);
            }
        }
        if number.is_some() {
            return Err(format!("`{place}` names one node: a number goes with two, as in A--B#0"));
        }
        if let Some(found) = self.of_node(place)? {
            return Ok(vec![found, found.reverse()]);
        }
        let node = self.node(place)?;
        match self.network.out(node) {
            [only] => Ok(vec![*only, only.reverse()]),
            several => Err(format!("{place} has {}: {}", links(several.len()), self.listed(several))),
        }
    }

    fn between(&self, (from, to): (&str, &str), number: Option<usize>, both: bool) -> Result<Vec<EdgeId>, String> {
        let (a, b) = (self.node(from)?, self.node(to)?);
        let all: Vec<EdgeId> =
            self.network.out(a).iter().copied().filter(|edge| self.network.edge(*edge).to == b).collect();
        if all.is_empty() {
            let linked = self.network.out(a).iter().map(|edge| self.name(self.network.edge(*edge).to));
            return Err(format!("no link leads from {from} to {to}; {from} is linked to {}", self.some(linked)));
        }
        let chosen = match number {
            None => all.as_slice(),
            Some(number) => all.get(number..=number).ok_or_else(|| {
                format!("{from} and {to} have {}, counted from 0; there is no number {number}", links(all.len()))
            })?,
        };
        Ok(chosen.iter().flat_map(|edge| if both { vec![*edge, edge.reverse()] } else { vec![*edge] }).collect())
    }

    /// `A.up[2]` and the like. `None`: the place does not end so.
    fn of_node(&self, place: &str) -> Result<Option<EdgeId>, String> {
        let Some((front, number)) = place.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
            return Ok(None);
        };
        let Some((name, way)) = front.rsplit_once('.') else { return Ok(None) };
        let Ok(number) = number.parse::<usize>() else { return Ok(None) };
        if !["up", "down", "link"].contains(&way) || self.by_name.contains_key(place) {
            return Ok(None);
        }
        let node = self.node(name)?;
        let tier = |node: NodeId| self.network.node(node).tier;
        let leads = |edge: &&EdgeId| {
            let to = tier(self.network.edge(**edge).to);
            match way {
                "up" => to > tier(node),
                "down" => to < tier(node),
                _ => true,
            }
        };
        let ways: Vec<EdgeId> = self.network.out(node).iter().filter(leads).copied().collect();
        match ways.get(number) {
            Some(edge) => Ok(Some(*edge)),
            None => {
                let words = match way {
                    "up" => " that lead up",
                    "down" => " that lead down",
                    _ => "",
                };
                let counted = if ways.is_empty() { String::new() } else { ", counted from 0".to_string() };
                Err(format!("{name} has {}{words}{counted}: there is no `.{way}[{number}]`", links(ways.len())))
            }
        }
    }

    fn listed(&self, edges: &[EdgeId]) -> String {
        let shown = edges.iter().enumerate().take(LISTED).map(|(at, edge)| {
            let edge = self.network.edge(*edge);
            format!("{}.link[{at}] to {}", self.name(edge.from), self.name(edge.to))
        });
        let mut text = shown.collect::<Vec<_>>().join(", ");
        if edges.len() > LISTED {
            text.push_str(" and so on");
        }
        text
    }

    fn some<'b>(&self, names: impl Iterator<Item = &'b str>) -> String {
        let all: Vec<&str> = names.take(LISTED + 1).collect();
        let mut text = all[..all.len().min(LISTED)].join(", ");
        if all.is_empty() {
            text.push_str("nothing");
        } else if all.len() > LISTED {
            text.push_str(" and more");
        }
        text
    }
}

fn links(count: usize) -> String {
    match count {
        0 => "no links".into(),
        1 => "one link".into(),
        count => format!("{count} links"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanewright_fabric::network::fat_tree::FatTree;
    use lanewright_fabric::network::{LinkLayer, Links};
    use lanewright_fabric::time::{Rate, Time};

    fn tree() -> Network {
        let links = Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ZERO,
            layer: LinkLayer::Ethernet,
        };
        FatTree::balanced(16, 3).expect("it is full").build_tiers(&[links; 3])
    }

    #[test]
    fn names_are_those_of_the_network() {
        let network = tree();
        let places = Places::new(&network);
        for at in 0..network.nodes.len() as u32 {
            let name = network.name(NodeId(at));
            assert_eq!(places.name(NodeId(at)), name);
            assert_eq!(places.node(&name), Ok(NodeId(at)));
        }
    }

    #[test]
    fn links_by_ends_and_by_number() {
        let network = tree();
        let places = Places::new(&network);
        let ends = |edge: EdgeId| (network.edge(edge).from, network.edge(edge).to);
        let host = places.link("host[3]").expect("one link");
        assert_eq!(host.len(), 2);
        assert_eq!(ends(host[0]), (ends(host[1]).1, ends(host[1]).0));
        let leaf = network.name(ends(host[0]).1);
        assert_eq!(places.link(&format!("host[3]--{leaf}")), Ok(host.clone()));
        assert_eq!(places.link(&format!("host[3] -> {leaf}#0")), Ok(vec![host[0]]));
        let up = places.link("switch.t1[2].up[1]").expect("two lead up");
        assert_eq!(network.node(ends(up[0]).1).tier, 2);
        let down = places.link("switch.t2[0].down[0]").expect("some lead down");
        assert_eq!(network.node(ends(down[0]).1).tier, 1);
    }

    #[test]
    fn slips_are_named() {
        let network = tree();
        let places = Places::new(&network);
        let wrong = |place: &str| places.link(place).expect_err(place);
        assert!(wrong("host[16]").contains("host[0] to host[15]"), "{}", wrong("host[16]"));
        assert!(wrong("hots").contains("host["), "{}", wrong("hots"));
        assert!(wrong("host[0]--host[1]").contains("host[0] is linked to switch.t1[0]"));
        assert!(wrong("switch.t1[0]").contains("switch.t1[0].link[0]"));
        assert!(wrong("switch.t1[0].up[2]").contains("2 links that lead up"));
        assert!(wrong("host[0]--switch.t1[0]#1").contains("one link"));
        assert!(wrong("host[0]--switch.t1[0]#x").contains("#0"));
    }
}
