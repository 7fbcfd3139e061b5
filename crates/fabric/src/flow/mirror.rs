//! Groups of members that send much among themselves, and are wired alike.
//!
//! In a collective with levels every server does the same over links of its own. One server then stands for all that are
//! wired as it is and whose members are alike otherwise, and the messages of the others need not be looked at. What a
//! group's wiring is, as its ways see it, is described in numbers that do not depend on which group it is; equal
//! descriptions (64-bit hashes of them) are equal wirings.

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::engine::NONE;
use super::table::Hasher;
use super::way::{Way, Ways};
use crate::network::{EdgeId, EndpointId, Network, NodeId};
use crate::route::Routes;
use crate::traffic::rounds::{Phase, Rounds};

/// Groups that mirror each other.
#[derive(Clone, Debug)]
pub struct Mirrors<'a> {
    /// Members of every group.
    pub groups: &'a [Vec<u32>],
    /// The first group that is wired as each is.
    pub like: Vec<u32>,
}

/// Whether a phase is worth mirroring: more messages than a few per member, in several groups.
fn is_dense(phase: &Phase) -> bool {
    phase.groups.len() > 1 && phase.groups.first().is_some_and(|group| phase.sends.len() > 2 * group.len())
}

/// Phases whose groups may mirror each other: the dense ones among the same groups. Empty without any.
pub fn candidates(rounds: &Rounds) -> Vec<usize> {
    let Some(first) = rounds.phases.iter().position(is_dense) else { return Vec::new() };
    let groups = &rounds.phases[first].groups;
    (first..rounds.phases.len())
        .filter(|at| is_dense(&rounds.phases[*at]) && rounds.phases[*at].groups == *groups)
        .collect()
}

/// Numbers in the order in which things are met, group by group.
struct Local {
    of: Vec<(u32, u32)>,
    met: u32,
}

impl Local {
    fn new(count: usize) -> Self {
        Self { of: vec![(NONE, 0); count], met: 0 }
    }

    /// The number of a thing in a group, and whether it is new there; `None` where another group has met it.
    fn number(&mut self, group: u32, at: usize) -> Option<(u32, bool)> {
        let slot = &mut self.of[at];
        if slot.0 == NONE {
            *slot = (group, self.met);
            self.met += 1;
            return Some((slot.1, true));
        }
        (slot.0 == group).then_some((slot.1, false))
    }
}

struct Describer<'a> {
    network: &'a Network,
    routes: &'a Routes,
    shared: &'a [bool],
    nodes: Local,
    edges: Local,
    /// Per node the choices described last, for which group, and their number.
    last: Vec<(u32, &'a [EdgeId], u64)>,
    tokens: Vec<u64>,
}

impl<'a> Mirrors<'a> {
    /// Looks at the groups of the candidates. `shared` are edges that other messages cross. `None` where a group crosses one
    /// of them, or two groups the same.
    pub fn find(
        network: &Network,
        routes: &Routes,
        ways: Ways,
        rounds: &'a Rounds,
        phases: &[usize],
        shared: &[bool],
    ) -> Option<Self> {
        let groups = &rounds.phases[*phases.first()?].groups;
        let mut seen = vec![false; rounds.members.len()];
        for member in groups.iter().flatten() {
            if std::mem::replace(seen.get_mut(*member as usize)?, true) {
                return None;
            }
        }
        // All sends, by receiver.
        let mut sends: Vec<(u32, u32)> =
            phases.iter().flat_map(|at| &rounds.phases[*at].sends).map(|send| (send.to, send.from)).collect();
        sends.sort_unstable();
        sends.dedup();
        let mut describer = Describer {
            network,
            routes,
            shared,
            nodes: Local::new(network.nodes.len()),
            edges: Local::new(network.edges.len()),
            last: vec![(NONE, &[], 0); network.nodes.len()],
            tokens: Vec::new(),
        };
        let mut known: HashMap<u64, u32, Hasher> = HashMap::default();
        let mut like = Vec::with_capacity(groups.len());
        for (at, group) in groups.iter().enumerate() {
            let ends: Vec<EndpointId> = group.iter().map(|member| rounds.members[*member as usize]).collect();
            let wiring = describer.describe(at as u32, &ends, &sends, ways)?;
            like.push(*known.entry(wiring).or_insert(at as u32));
        }
        Some(Self { groups, like })
    }

    /// Which group stands for each: the first that is wired as it is and whose members have the same colours. With how many
    /// each of those stands for.
    pub fn standing(&self, colours: &[u64]) -> (Vec<u32>, Vec<(u32, u64)>) {
        let mut known: HashMap<u64, usize, Hasher> = HashMap::default();
        let mut counts: Vec<(u32, u64)> = Vec::new();
        let mut stands = Vec::with_capacity(self.groups.len());
        for (at, group) in self.groups.iter().enumerate() {
            let of_members: Vec<u64> = group.iter().map(|member| colours[*member as usize]).collect();
            let key = Hasher::default().hash_one((self.like[at], of_members));
            let slot = *known.entry(key).or_insert(counts.len());
            if slot == counts.len() {
                counts.push((at as u32, 0));
            }
            counts[slot].1 += 1;
            stands.push(counts[slot].0);
        }
        (stands, counts)
    }

    /// Members of groups for which another stands, with their like in that.
    pub fn members(&self, stands: &[u32]) -> Vec<(u32, u32)> {
        let pairs = self.groups.iter().zip(stands).enumerate();
        let others = pairs.filter(|(at, (_, stands))| *at as u32 != **stands);
        let pair = |(_, (group, stands)): (usize, (&Vec<u32>, &u32))| -> Vec<(u32, u32)> {
            group.iter().copied().zip(self.groups[*stands as usize].iter().copied()).collect()
        };
        others.flat_map(pair).collect()
    }
}

impl<'a> Describer<'a> {
    /// A hash of what the ways of a group's sends (receivers and senders by place, sorted) look like.
    fn describe(&mut self, group: u32, ends: &[EndpointId], sends: &[(u32, u32)], ways: Ways) -> Option<u64> {
        self.tokens.clear();
        (self.nodes.met, self.edges.met) = (0, 0);
        let mut way = Way::default();
        for of_receiver in sends.chunk_by(|a, b| a.0 == b.0) {
            let to = *ends.get(of_receiver[0].0 as usize)?;
            self.tokens.push(u64::from(of_receiver[0].0));
            let mut front: Vec<NodeId> = Vec::new();
            for (_, from) in of_receiver {
                let from = *ends.get(*from as usize)?;
                match ways {
                    Ways::One => {
                        way.find_again(self.network, self.routes, ways, from, to)?;
                        self.tokens.push(way.delay);
                        way.edges.iter().try_for_each(|edge| self.edge(group, EdgeId(*edge)))?;
                    }
                    Ways::All => front.push(self.network.node_of(from)),
                }
            }
            self.follow(group, front, to)?;
        }
        Some(Hasher::default().hash_one(&self.tokens))
    }

    /// Describes all choices from some nodes to an endpoint.
    fn follow(&mut self, group: u32, mut front: Vec<NodeId>, to: EndpointId) -> Option<()> {
        let end = self.network.node_of(to);
        let mut steps = 0;
        while !front.is_empty() {
            let mut next: Vec<NodeId> = Vec::new();
            for node in front {
                let choices = self.routes.choices(self.network, node, to);
                let (of, known, number) = self.last[node.index()];
                let same =
                    of == group && known.len() == choices.len() && std::ptr::eq(known.as_ptr(), choices.as_ptr());
                if same && !choices.is_empty() {
                    self.tokens.push(number);
                } else {
                    self.last[node.index()] = (group, choices, self.tokens.len() as u64 | 1 << 63);
                    self.tokens.push(choices.len() as u64);
                    choices.iter().try_for_each(|edge| self.edge(group, *edge))?;
                }
                for edge in choices {
                    let to = self.network.edge(*edge).to;
                    if to != end && !next.contains(&to) {
                        next.push(to);
                    }
                }
            }
            front = next;
            steps += 1;
            if steps > self.network.nodes.len() {
                return None;
            }
        }
        Some(())
    }

    fn edge(&mut self, group: u32, edge: EdgeId) -> Option<()> {
        if self.shared[edge.index()] {
            return None;
        }
        let (number, new) = self.edges.number(group, edge.index())?;
        self.tokens.push(u64::from(number));
        if new {
            let what = self.network.edge(edge);
            self.tokens.extend([what.rate.bits(), what.delay.0]);
            for node in [what.from, what.to] {
                // Nodes may belong to several groups: only edges are rates' business.
                let number = self.nodes.number(group, node.index()).map_or(u64::MAX, |(number, _)| u64::from(number));
                self.tokens.extend([number, self.network.node(node).latency.0]);
            }
        }
        Some(())
    }
}
