//! Which links share a cable: plugs of one cable sit in cages, and a cage holds one plug.

use std::collections::HashMap;

use super::checked::{PortId, System};
use crate::catalogue::part::Shape;
use crate::problem::{Problem, Problems};

/// A plug's place: device and cage, or a soldered port by itself.
type Cage = (u32, u64);

/// Numbers the cables of every link set, and checks that each has as many plugs as its shape allows.
pub fn group(system: &mut System, problems: &mut Problems) {
    for at in 0..system.link_sets.len() {
        let set = &system.link_sets[at];
        let cages: Vec<(Cage, Cage)> = system.links[set.links.start as usize..set.links.end as usize]
            .iter()
            .map(|link| (cage(system, link.a), cage(system, link.b)))
            .collect();
        let (cable_of, cables) = match set.cable {
            Shape::Parallel => ((0..cages.len() as u32).collect(), cages.len() as u32),
            Shape::Straight => number(cages.iter().copied()),
            Shape::Y | Shape::Splitter => {
                // The head is the end with fewer plugs.
                let heads = |second: bool| {
                    let mut all: Vec<Cage> = cages.iter().map(|c| if second { c.1 } else { c.0 }).collect();
                    all.sort_unstable();
                    all.dedup();
                    all.len()
                };
                let second = heads(true) < heads(false);
                number(cages.iter().map(|c| if second { c.1 } else { c.0 }))
            }
            Shape::X => crossed(&cages),
        };
        check_plugs(system, at, &cages, &cable_of, problems);
        let set = &mut system.link_sets[at];
        (set.cable_of, set.cables) = (cable_of, cables);
    }
}

fn cage(system: &System, port: PortId) -> Cage {
    let device = system.port_device[port.0 as usize];
    let shape = system.shape(port);
    match shape.cage {
        Some(cage) => (device.0, u64::from(shape.group) << 32 | u64::from(cage)),
        None => (device.0, u64::from(port.0) | 1 << 63),
    }
}

/// Numbers keys in order of first appearance.
fn number<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<u32>, u32) {
    let mut numbers: HashMap<K, u32> = HashMap::new();
    let cable_of = keys
        .map(|key| {
            let next = numbers.len() as u32;
            *numbers.entry(key).or_insert(next)
        })
        .collect();
    (cable_of, numbers.len() as u32)
}

/// Cables of crossed plugs: cages that are joined, directly or through others, share a cable.
fn crossed(cages: &[(Cage, Cage)]) -> (Vec<u32>, u32) {
    let (ends, count) = number(cages.iter().flat_map(|c| [(c.0, false), (c.1, true)]));
    let mut parent: Vec<u32> = (0..count).collect();
    fn root(parent: &mut [u32], mut at: u32) -> u32 {
        while parent[at as usize] != at {
            parent[at as usize] = parent[parent[at as usize] as usize];
            at = parent[at as usize];
        }
        at
    }
    for pair in ends.chunks_exact(2) {
        let (a, b) = (root(&mut parent, pair[0]), root(&mut parent, pair[1]));
        parent[a.max(b) as usize] = a.min(b);
    }
    number(ends.chunks_exact(2).map(|pair| root(&mut parent, pair[0])).collect::<Vec<_>>().into_iter())
}

/// Plugs that a cable of this shape has at its two ends, at most.
fn plugs(shape: Shape) -> Option<(usize, usize)> {
    match shape {
        Shape::Straight | Shape::Parallel => None,
        Shape::Y => Some((1, 2)),
        Shape::X => Some((2, 2)),
        Shape::Splitter => Some((1, 8)),
    }
}

fn check_plugs(system: &System, at: usize, cages: &[(Cage, Cage)], cable_of: &[u32], problems: &mut Problems) {
    let set = &system.link_sets[at];
    let Some((few, many)) = plugs(set.cable) else { return };
    let mut ends: HashMap<u32, (Vec<Cage>, Vec<Cage>)> = HashMap::new();
    for (cable, (a, b)) in cable_of.iter().zip(cages) {
        let plugs = ends.entry(*cable).or_default();
        if !plugs.0.contains(a) {
            plugs.0.push(*a);
        }
        if !plugs.1.contains(b) {
            plugs.1.push(*b);
        }
    }
    let worst = ends.values().map(|(a, b)| (a.len().min(b.len()), a.len().max(b.len()))).max_by_key(|w| w.1);
    if let Some((less, more)) = worst.filter(|w| w.0 > few || w.1 > many) {
        problems.push(
            Problem::error(
                "cable-shape",
                format!(
                    "a `{}` cable has up to {few} and {many} plugs, but link `{}` needs one with {less} and {more}",
                    set.cable, set.name
                ),
                set.span,
                format!("cable = \"{}\"", set.cable),
            )
            .help("choose the selectors so that neighbouring ports share a cage, or another cable shape"),
        );
    }
}
