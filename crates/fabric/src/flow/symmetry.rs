//! Which members, messages and edges of traffic in rounds are alike: an equitable partition, found by refinement of colours.
//!
//! Members begin alike, messages differ by phase, size and delay, edges by rate. Then, again and again, each gets a new
//! colour from its own and from those that it touches (a message touches its sender, its receiver and its edges), until no
//! colour splits any more (Weisfeiler and Leman's first method). Every edge of a colour is then crossed by the same messages,
//! colour for colour. So the max-min fair rates, which are unique, are the same for a whole colour, and with the rates all
//! times: one message of each colour says what all do (Grohe, Kersting, Mladenov, Selman, "Dimension reduction via colour
//! refinement", 2014, has the same for linear programs). Colours are 64-bit hashes; that two differ and are taken for equal
//! has a chance of one in a billion for 131,072 members.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use super::table::Hasher;

/// A message of a round.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    /// Which round.
    pub phase: u32,
    /// Sender, by its place among the members.
    pub from: u32,
    /// Receiver.
    pub to: u32,
    /// Payload.
    pub bytes: u64,
    /// Its way.
    pub way: u32,
    /// What it waits for its NIC, in ps.
    pub doorbell: u64,
    /// How many messages of groups that mirror each other it stands for; 0 for a message of no such group.
    pub mirrored: u64,
}

/// Colours of all.
#[derive(Clone, Debug, Default)]
pub struct Colours {
    /// Of members.
    pub members: Vec<u64>,
    /// Of messages.
    pub arcs: Vec<u64>,
    /// Of edges.
    pub edges: Vec<u64>,
}

fn mix(what: impl Hash) -> u64 {
    Hasher::default().hash_one(what)
}

/// A share to 1e-12 of itself: 28 times a twenty-eighth is 1.
fn share(weight: f64) -> u64 {
    (weight.to_bits() + (1 << 11)) >> 12
}

fn different<'a>(colours: impl Iterator<Item = &'a u64>) -> usize {
    colours.copied().collect::<HashSet<u64, Hasher>>().len()
}

/// What refinement asks of messages.
pub trait Crossing {
    /// Edges that a message crosses, with the share of it on each (none: all of it).
    fn edges_of(&self, arc: &Arc) -> (&[u32], &[f64]);
    /// Delay of its way in ps.
    fn delay_of(&self, arc: &Arc) -> u64;
}

impl Colours {
    /// Members alike, edges of one rate alike.
    pub fn new(members: usize, rate: &[f64]) -> Self {
        let edges = rate.iter().map(|rate| mix(rate.to_bits())).collect();
        Self { members: vec![1; members], arcs: Vec::new(), edges }
    }

    /// Splits colours until they are stable for these messages. `mirrors`: members of whom only another's messages within
    /// the group are listed, with that other.
    pub fn refine(&mut self, arcs: &[Arc], ways: &impl Crossing, mirrors: &[(u32, u32)]) {
        self.arcs = arcs.iter().map(|arc| mix((arc.phase, arc.bytes, ways.delay_of(arc), arc.doorbell))).collect();
        let mut touched = vec![false; self.edges.len()];
        for arc in arcs {
            ways.edges_of(arc).0.iter().for_each(|edge| touched[*edge as usize] = true);
        }
        let mut on_edge = vec![0u64; self.edges.len()];
        // Of messages listed one by one, and of those within mirrored groups.
        let mut on_member = [vec![0u64; self.members.len()], vec![0u64; self.members.len()]];
        let mut before = (0, 0);
        loop {
            on_edge.fill(0);
            on_member.iter_mut().for_each(|sums| sums.fill(0));
            for (arc, colour) in arcs.iter().zip(&mut self.arcs) {
                let (edges, weights) = ways.edges_of(arc);
                let weight = |at: usize| share(weights.get(at).copied().unwrap_or(1.0));
                // Sums, for the order in which a way is listed must not matter.
                let mut crossed = 0u64;
                for (at, edge) in edges.iter().enumerate() {
                    crossed = crossed.wrapping_add(mix((self.edges[*edge as usize], weight(at))));
                }
                let ends = (self.members[arc.from as usize], self.members[arc.to as usize]);
                *colour = mix((*colour, ends.0, ends.1, crossed));
                for (at, edge) in edges.iter().enumerate() {
                    let sum = &mut on_edge[*edge as usize];
                    *sum = sum.wrapping_add(mix((*colour, weight(at))));
                }
                let sums = &mut on_member[usize::from(arc.mirrored > 0)];
                for (member, role) in [(arc.from, 1u32), (arc.to, 2)] {
                    let sum = &mut sums[member as usize];
                    *sum = sum.wrapping_add(mix((*colour, role)));
                }
            }
            for (member, other) in mirrors {
                on_member[1][*member as usize] = on_member[1][*other as usize];
            }
            for (edge, colour) in self.edges.iter_mut().enumerate().filter(|(edge, _)| touched[*edge]) {
                *colour = mix((*colour, on_edge[edge]));
            }
            for (member, colour) in self.members.iter_mut().enumerate() {
                *colour = mix((*colour, on_member[0][member], on_member[1][member]));
            }
            // Where neither members nor edges split, no message will: its colour has all of theirs.
            let crossed = self.edges.iter().zip(&touched).filter(|(_, touched)| **touched);
            let now = (different(self.members.iter()), different(crossed.map(|(colour, _)| colour)));
            if now == before {
                return;
            }
            before = now;
        }
    }
}
