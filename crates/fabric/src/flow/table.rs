//! Ways known by number, and the classes of messages that share alike.
//!
//! Messages with the same ways get the same rate at all times, so they are one variable. More than that: an edge whose
//! traffic other edges already keep within its rate never decides anything and is left out, and then messages from many
//! hosts to one differ in nothing that matters. [`Table::reduce`] finds such edges.

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::Fairness;
use super::way::Way;

/// Lists of edges one after another.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    start: Vec<u32>,
    edges: Vec<u32>,
    /// Empty when all weights are 1.
    weights: Vec<f64>,
}

impl Lists {
    /// Number of lists.
    pub fn len(&self) -> usize {
        self.start.len()
    }

    /// Places of a list in the flat arrays.
    pub fn range(&self, list: u32) -> std::ops::Range<usize> {
        let from = self.start[list as usize] as usize;
        let to = self.start.get(list as usize + 1).map_or(self.edges.len(), |to| *to as usize);
        from..to
    }

    /// The edge at a place.
    pub fn edge(&self, place: usize) -> u32 {
        self.edges[place]
    }

    /// Edges of a list.
    pub fn edges(&self, list: u32) -> &[u32] {
        &self.edges[self.range(list)]
    }

    /// The weight at a place.
    pub fn weight(&self, place: usize) -> f64 {
        if self.weights.is_empty() { 1.0 } else { self.weights[place] }
    }

    /// Weights of a list; empty when all are 1.
    pub fn weights(&self, list: u32) -> &[f64] {
        if self.weights.is_empty() { &[] } else { &self.weights[self.range(list)] }
    }

    /// Number of edges in all lists.
    pub fn places(&self) -> usize {
        self.edges.len()
    }

    /// Adds a list. `None` when there are more than can be counted.
    fn push(&mut self, list: impl Iterator<Item = (u32, f64)>) -> Option<u32> {
        let number = u32::try_from(self.start.len()).ok()?;
        self.start.push(u32::try_from(self.edges.len()).ok()?);
        for (edge, weight) in list {
            if weight != 1.0 && self.weights.is_empty() {
                self.weights = vec![1.0; self.edges.len()];
                self.edges.push(edge);
                self.weights.push(weight);
                continue;
            }
            if !self.weights.is_empty() {
                self.weights.push(weight);
            }
            self.edges.push(edge);
        }
        Some(number)
    }
}

/// Ways and classes.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Edges of every way.
    pub ways: Lists,
    /// Delay of every way in ps.
    pub delay: Vec<u64>,
    /// Class of every way.
    pub class_of: Vec<u32>,
    /// Edges of every class that may decide its rate.
    pub classes: Lists,
    /// Share of every way that has not 1: empty when all have.
    way_appetite: Vec<f64>,
    class_appetite: Vec<f64>,
    /// Classes by the hash of their key; of equal hashes the next free number.
    known: HashMap<u64, u32, Hasher>,
}

/// Multiplies and folds; keys are short lists of numbers that nobody chooses to our harm.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hasher(u64);

impl BuildHasher for Hasher {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for Hasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value ^ 0x9e37_79b9_7f4a_7c15) * 0xa076_1d64_78bd_642f_u128;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

impl Table {
    /// Whether all weights and appetites are 1.
    pub fn is_plain(&self) -> bool {
        self.classes.weights.is_empty() && self.class_appetite.is_empty()
    }

    /// How many shares a message of a class takes where others take one.
    pub fn appetite(&self, class: u32) -> f64 {
        if self.class_appetite.is_empty() { 1.0 } else { self.class_appetite[class as usize] }
    }

    /// Adds a way and gives its number. `None` when there are too many to count.
    pub fn way(&mut self, way: &Way, fairness: Fairness) -> Option<u32> {
        self.delay.push(way.delay);
        if fairness == Fairness::ByDelay {
            self.way_appetite.push(1e6 / way.delay.max(1) as f64);
        }
        self.ways.push(way.edges.iter().enumerate().map(|(at, edge)| (*edge, way.weight(at))))
    }

    /// Leaves edges out of all ways. For ways that are in no class yet.
    pub fn keep_edges(&mut self, kept: impl Fn(u32) -> bool) {
        let mut ways = Lists::default();
        for way in 0..self.ways.len() as u32 {
            let places = self.ways.range(way).filter(|place| kept(self.ways.edge(*place)));
            // There are no more than before, and those were counted.
            let _ = ways.push(places.map(|place| (self.ways.edge(place), self.ways.weight(place))));
        }
        self.ways = ways;
    }

    /// Puts ways that have no class yet into classes, by those of their edges that `kept` keeps.
    ///
    /// Of the ways that are `single`, no two lead from the same endpoint to the same endpoint: where one keeps its first edge
    /// and its last, no other can be like it and none is looked for.
    pub fn classify(&mut self, kept: impl Fn(u32) -> bool, single: impl Fn(u32) -> bool) -> Option<()> {
        let mut key: Vec<(u32, u64)> = Vec::new();
        for way in self.class_of.len()..self.ways.len() {
            key.clear();
            let places = self.ways.range(way as u32).filter(|place| kept(self.ways.edge(*place)));
            key.extend(places.map(|place| (self.ways.edge(place), self.ways.weight(place).to_bits())));
            let appetite = self.way_appetite.get(way).copied();
            let edges = self.ways.edges(way as u32);
            let ends = [edges.first(), edges.last()];
            if single(way as u32) && ends.into_iter().all(|end| end.is_some_and(|edge| kept(*edge))) {
                let list = key.iter().map(|(edge, weight)| (*edge, f64::from_bits(*weight)));
                let class = self.classes.push(list)?;
                self.class_appetite.extend(appetite);
                self.class_of.push(class);
                continue;
            }
            key.extend(appetite.map(|appetite| (u32::MAX, appetite.to_bits())));
            let mut hash = Hasher::default().hash_one(&key);
            let class = loop {
                match self.known.get(&hash) {
                    Some(class) if self.has_key(*class, &key) => break *class,
                    Some(_) => hash = hash.wrapping_add(1),
                    None => {
                        let list = key.iter().filter(|(edge, _)| *edge != u32::MAX);
                        let class = self.classes.push(list.map(|(edge, weight)| (*edge, f64::from_bits(*weight))))?;
                        self.class_appetite.extend(appetite);
                        self.known.insert(hash, class);
                        break class;
                    }
                }
            };
            self.class_of.push(class);
        }
        Some(())
    }

    /// Whether a class was made for this key.
    fn has_key(&self, class: u32, key: &[(u32, u64)]) -> bool {
        let mut key = key.iter().copied();
        self.classes
            .range(class)
            .all(|place| key.next() == Some((self.classes.edge(place), self.classes.weight(place).to_bits())))
            && key.next().is_none_or(|(edge, appetite)| {
                edge == u32::MAX && self.class_appetite[class as usize].to_bits() == appetite
            })
    }

    /// Rate of a message that is alone in its class, where the class will never share an edge with another and the ways of
    /// all its messages have one delay; 0 for others. Holds while capacities do not change and no class is added.
    ///
    /// `wait` is what messages of a way wait before its delay.
    pub fn lone_rates(&self, capacity: &[f64], wait: impl Fn(usize) -> u64) -> Vec<f64> {
        let mut on = vec![0u32; capacity.len()];
        self.classes.edges.iter().for_each(|edge| on[*edge as usize] += 1);
        let mut delays = vec![None; self.classes.len()];
        let mut several = vec![false; self.classes.len()];
        for (way, (class, delay)) in self.class_of.iter().zip(&self.delay).enumerate() {
            let delay = delay.saturating_add(wait(way));
            several[*class as usize] |= *delays[*class as usize].get_or_insert(delay) != delay;
        }
        let rate = |class: u32| {
            let places = self.classes.range(class);
            if several[class as usize] || places.clone().any(|place| on[self.classes.edge(place) as usize] != 1) {
                return 0.0;
            }
            let bound = |place| capacity[self.classes.edge(place) as usize] / self.classes.weight(place);
            places.map(bound).reduce(f64::min).unwrap_or(0.0)
        };
        (0..self.classes.len() as u32).map(rate).collect()
    }

    /// Which edges may decide a rate; `capacity` is that of every edge.
    ///
    /// An edge `e` is left out when `Σ_f w(f, e) x(f) ≤ C(e)` follows from other constraints that stay: its messages are
    /// grouped by the first (or else by the last) edge of their ways, and every group carries at most
    /// `max w(f, e) / w(f, h)` times the rate of that edge `h`. That holds for any subset of the ways, so it is found once.
    pub fn reduce(&self, capacity: &[f64]) -> Vec<bool> {
        let ways = &self.ways;
        // Ways over every edge.
        let mut start = vec![0u32; capacity.len() + 1];
        for edge in &ways.edges {
            start[*edge as usize + 1] += 1;
        }
        for at in 1..start.len() {
            start[at] += start[at - 1];
        }
        let mut next = start.clone();
        let mut over = vec![(0u32, 0u32); ways.places()];
        for way in 0..ways.len() as u32 {
            for place in ways.range(way) {
                let slot = &mut next[ways.edge(place) as usize];
                over[*slot as usize] = (way, place as u32);
                *slot += 1;
            }
        }
        let mut kept = vec![true; capacity.len()];
        let mut needed = vec![false; capacity.len()];
        // Per edge that bounds a group: for which edge it was looked at last, and the greatest ratio there.
        let mut seen = vec![(u32::MAX, 0.0f64); capacity.len()];
        let mut groups: Vec<u32> = Vec::new();
        for edge in 0..capacity.len() {
            let over = &over[start[edge] as usize..start[edge + 1] as usize];
            if over.is_empty() || needed[edge] {
                continue;
            }
            for last in [false, true] {
                groups.clear();
                let mut sum = 0.0;
                let limit = capacity[edge] * (1.0 + 1e-12);
                for (way, place) in over {
                    let range = ways.range(*way);
                    let bound = if last { range.end - 1 } else { range.start };
                    let by = ways.edge(bound);
                    if by as usize == edge || !kept[by as usize] {
                        sum = f64::INFINITY;
                        break;
                    }
                    let ratio = ways.weight(*place as usize) / ways.weight(bound);
                    let known = &mut seen[by as usize];
                    // Looked at twice per edge: by first edges and by last ones.
                    let mark = 2 * edge as u32 + u32::from(last);
                    if known.0 != mark {
                        *known = (mark, 0.0);
                        groups.push(by);
                    }
                    if ratio > known.1 {
                        sum += (ratio - known.1) * capacity[by as usize];
                        known.1 = ratio;
                    }
                    if sum > limit {
                        break;
                    }
                }
                if sum <= limit {
                    kept[edge] = false;
                    for by in &groups {
                        needed[*by as usize] = true;
                    }
                    break;
                }
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::way::Ways;
    use crate::network::fat_tree::{FatTree, Links};
    use crate::network::{EndpointId, LinkLayer};
    use crate::route::Routes;
    use crate::time::{Rate, Time};

    fn table(pairs: &[(u32, u32)], ways: Ways) -> (Table, Vec<bool>) {
        let links = Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ZERO,
            layer: LinkLayer::Ethernet,
        };
        let network = FatTree::balanced(16, 3).expect("k = 4").build(&links);
        let routes = Routes::new(&network).expect("a tree");
        let mut table = Table::default();
        for (from, to) in pairs {
            let way = Way::find(&network, &routes, ways, EndpointId(*from), EndpointId(*to)).expect("a way");
            table.way(&way, Fairness::Equal).expect("few");
        }
        let kept = table.reduce(&vec![1.0; network.edges.len()]);
        table.classify(|edge| kept[edge as usize], |_| true).expect("few");
        (table, kept)
    }

    #[test]
    fn an_incast_is_one_class_of_one_edge() {
        let (table, _) = table(&[(1, 0), (5, 0), (9, 0), (13, 0)], Ways::One);
        assert_eq!(table.classes.len(), 1);
        // The edge from the first switch down to endpoint 0: the other direction of edge 0.
        assert_eq!(table.classes.edges(0), [1]);
    }

    #[test]
    fn ways_that_collide_keep_the_edge_where_they_do() {
        // 0 and 1 share a switch; 12 and 14 are both reached by its upward edge 0.
        let (table, _) = table(&[(0, 12), (1, 14)], Ways::One);
        let common: Vec<&u32> = table.classes.edges(0).iter().filter(|e| table.classes.edges(1).contains(e)).collect();
        assert_eq!(common.len(), 1);
    }

    #[test]
    fn sprayed_traffic_of_a_balanced_tree_is_bound_by_its_hosts() {
        let pairs: Vec<(u32, u32)> =
            (0..16).flat_map(|a| (0..16).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
        let (table, kept) = table(&pairs, Ways::All);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 32);
        assert!((0..table.classes.len() as u32).all(|class| table.classes.edges(class).len() == 2));
    }
}
