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

fn different<'a>(colours: impl Iterator<Item = &'a u64>) -> usize {
    colours.copied().collect::<HashSet<u64, Hasher>>().len()
}

impl Colours {
    /// The coarsest colours that are stable. `edges_of` gives the edges of a way with the share of the message on each,
    /// `delay` that of a way in ps; `rate` is that of every edge.
    pub fn find<'a>(
        members: usize,
        arcs: &[Arc],
        rate: &[f64],
        edges_of: impl Fn(u32) -> (&'a [u32], &'a [f64]),
        delay: impl Fn(u32) -> u64,
    ) -> Self {
        let mut colours = Self {
            members: vec![1; members],
            arcs: arcs.iter().map(|arc| mix((arc.phase, arc.bytes, delay(arc.way)))).collect(),
            edges: rate.iter().map(|rate| mix(rate.to_bits())).collect(),
        };
        let mut touched = vec![false; rate.len()];
        for arc in arcs {
            edges_of(arc.way).0.iter().for_each(|edge| touched[*edge as usize] = true);
        }
        let mut on_edge = vec![0u64; rate.len()];
        let mut on_member = vec![0u64; members];
        let mut before = (0, 0);
        loop {
            on_edge.fill(0);
            on_member.fill(0);
            for (arc, colour) in arcs.iter().zip(&mut colours.arcs) {
                let (edges, weights) = edges_of(arc.way);
                // Sums, for the order in which a way is listed must not matter.
                let mut crossed = 0u64;
                for (at, edge) in edges.iter().enumerate() {
                    let weight = weights.get(at).copied().unwrap_or(1.0).to_bits();
                    crossed = crossed.wrapping_add(mix((colours.edges[*edge as usize], weight)));
                }
                let ends = (colours.members[arc.from as usize], colours.members[arc.to as usize]);
                *colour = mix((*colour, ends.0, ends.1, crossed));
                for (at, edge) in edges.iter().enumerate() {
                    let weight = weights.get(at).copied().unwrap_or(1.0).to_bits();
                    let sum = &mut on_edge[*edge as usize];
                    *sum = sum.wrapping_add(mix((*colour, weight)));
                }
                for (member, role) in [(arc.from, 1u32), (arc.to, 2)] {
                    let sum = &mut on_member[member as usize];
                    *sum = sum.wrapping_add(mix((*colour, role)));
                }
            }
            for (edge, colour) in colours.edges.iter_mut().enumerate().filter(|(edge, _)| touched[*edge]) {
                *colour = mix((*colour, on_edge[edge]));
            }
            for (colour, sum) in colours.members.iter_mut().zip(&on_member) {
                *colour = mix((*colour, *sum));
            }
            // Where neither members nor edges split, no message will: its colour has all of theirs.
            let crossed = colours.edges.iter().zip(&touched).filter(|(_, touched)| **touched);
            let now = (different(colours.members.iter()), different(crossed.map(|(colour, _)| colour)));
            if now == before {
                return colours;
            }
            before = now;
        }
    }
}
