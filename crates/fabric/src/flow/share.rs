//! Max-min fair rates by progressive filling.
//!
//! All rates rise together until an edge is full; its messages stop there, the others rise on. An edge's level (what its
//! unfixed messages could have each) only rises as others stop, so the fullest edge is found by a heap of levels that may be
//! out of date on the low side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::record::{Record, Records, Slot};
use super::table::{Lists, Table};

/// Messages of a class on an edge: the class, and the place of the edge in the class's list.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The class.
    pub class: u32,
    /// Place in the flat array of [`Lists`].
    pub place: u32,
}

/// One bit per number.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn grow(&mut self, to: usize) {
        if self.0.len() * 64 < to {
            self.0.resize(to.div_ceil(64), 0);
        }
    }

    fn has(&self, at: u32) -> bool {
        self.0[at as usize / 64] & (1 << (at % 64)) != 0
    }

    fn set(&mut self, at: u32) {
        self.0[at as usize / 64] |= 1 << (at % 64);
    }

    fn clear(&mut self, at: u32) {
        self.0[at as usize / 64] &= !(1 << (at % 64));
    }
}

/// Classes at work on every edge.
///
/// One that has nothing left to do keeps its place in the lists until a fifth of a list is such: a list then goes through
/// memory in order, and a class that soon works again finds itself there.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Per edge, with classes that are idle.
    on: Vec<Vec<Member>>,
    /// Per edge, without.
    live: Vec<u32>,
    /// Messages at work per edge.
    messages: Vec<u32>,
    /// Classes that may stand in lists and are idle.
    idle: Bits,
    /// Places of classes that stand in their edge's list.
    listed: Bits,
}

impl Load {
    /// Nothing on so many edges.
    pub fn new(edges: usize) -> Self {
        Self { on: vec![Vec::new(); edges], live: vec![0; edges], messages: vec![0; edges], ..Self::default() }
    }

    /// Number of classes at work on an edge.
    pub fn count(&self, edge: u32) -> u32 {
        self.live[edge as usize]
    }

    /// A class at work has one message more.
    pub fn more(&mut self, classes: &Lists, class: u32) {
        for edge in classes.edges(class) {
            self.messages[*edge as usize] += 1;
        }
    }

    /// A class has one message less.
    pub fn less(&mut self, classes: &Lists, class: u32) {
        for edge in classes.edges(class) {
            self.messages[*edge as usize] -= 1;
        }
    }

    /// A class goes to work.
    pub fn add(&mut self, classes: &Lists, class: u32) {
        self.listed.grow(classes.places());
        self.idle.grow(classes.len());
        self.idle.clear(class);
        for place in classes.range(class) {
            let edge = classes.edge(place) as usize;
            self.live[edge] += 1;
            let place = place as u32;
            if !self.listed.has(place) {
                self.listed.set(place);
                self.on[edge].push(Member { class, place });
            }
        }
    }

    /// A class has nothing left to do.
    pub fn remove(&mut self, classes: &Lists, class: u32) {
        self.idle.set(class);
        for place in classes.range(class) {
            let edge = classes.edge(place) as usize;
            self.live[edge] -= 1;
            let (on, live) = (&mut self.on[edge], self.live[edge] as usize);
            if on.len() > live + live / 4 + 8 {
                let (idle, listed) = (&self.idle, &mut self.listed);
                on.retain(|member| {
                    let stays = !idle.has(member.class);
                    if !stays {
                        listed.clear(member.place);
                    }
                    stays
                });
            }
        }
    }
}

/// What filling knows of an edge.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    /// Rate not given away yet.
    rest: f64,
    /// Weight of classes not fixed yet.
    weight: f64,
    /// Number of classes not fixed yet.
    left: u32,
    mark: u32,
}

/// Levels out of date in a row after which all are looked at.
const STALE: u32 = 16;

/// Fills edges. Kept between solutions for its memory.
#[derive(Clone, Debug, Default)]
pub struct Filler {
    known: Vec<Edge>,
    records: Records,
    /// Bits of classes that have their rate. Clear between solutions.
    fixed: Vec<u64>,
    class_mark: Vec<u32>,
    mark: u32,
    /// Edges of the last component or group.
    pub edges: Vec<u32>,
    /// Those of them that are not full yet, where all have to be looked at.
    open: Vec<u32>,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// Classes of the last component or group, in the order found.
    pub classes: Vec<u32>,
}

impl Filler {
    /// For so many edges.
    pub fn new(edges: usize) -> Self {
        Self { known: vec![Edge::default(); edges], records: Records::new(edges), ..Self::default() }
    }

    /// Begins a search for components: marks of earlier ones no longer count, and classes may have become more.
    pub fn restart(&mut self, table: &Table) {
        if self.mark == u32::MAX {
            self.known.iter_mut().for_each(|edge| edge.mark = 0);
            self.class_mark.fill(0);
            self.mark = 0;
        }
        self.mark += 1;
        let before = self.records.len();
        let classes = table.classes.len();
        if before < classes {
            self.class_mark.resize(classes, 0);
            self.records.grow(table);
            self.fixed.resize(classes.div_ceil(64), 0);
        }
        self.edges.clear();
        self.classes.clear();
    }

    /// Whether an edge belongs to a component found since [`Filler::restart`].
    pub fn has_edge(&self, edge: u32) -> bool {
        self.known[edge as usize].mark == self.mark
    }

    /// Gathers all classes that are connected with an edge by edges.
    pub fn gather(&mut self, table: &Table, load: &Load, from: u32, capacity: &[f64], messages: &[u32]) {
        self.edges.clear();
        self.classes.clear();
        self.meet(from, capacity);
        let mut at = 0;
        while let Some(edge) = self.edges.get(at).copied() {
            at += 1;
            for member in &load.on[edge as usize] {
                if self.class_mark[member.class as usize] == self.mark || load.idle.has(member.class) {
                    continue;
                }
                self.class_mark[member.class as usize] = self.mark;
                self.classes.push(member.class);
                self.weigh(table, member.class, capacity, messages[member.class as usize]);
            }
        }
    }

    /// Takes a class and all its edges. The caller takes all classes that are on those.
    pub fn take(&mut self, table: &Table, class: u32, capacity: &[f64], messages: &[u32]) {
        self.classes.push(class);
        self.weigh(table, class, capacity, messages[class as usize]);
    }

    /// A class at work has so many messages now.
    pub fn count(&mut self, class: u32, messages: u32) {
        // Those that no solution has met yet are counted there.
        self.records.count(class, messages);
    }

    fn meet(&mut self, edge: u32, capacity: &[f64]) {
        let known = &mut self.known[edge as usize];
        if known.mark != self.mark {
            *known = Edge { rest: capacity[edge as usize], weight: 0.0, left: 0, mark: self.mark };
            self.edges.push(edge);
        }
    }

    fn weigh(&mut self, table: &Table, class: u32, capacity: &[f64], messages: u32) {
        self.records.count(class, messages);
        let messages = f64::from(messages) * table.appetite(class);
        for place in table.classes.range(class) {
            let edge = table.classes.edge(place);
            self.meet(edge, capacity);
            self.known[edge as usize].weight += messages * table.classes.weight(place);
            self.known[edge as usize].left += 1;
        }
    }

    /// Rates of all classes gathered or taken: `give` gets each class and its messages' rate, in their order.
    ///
    /// An edge may stop its messages before fuller ones whose level is lower by less than the share `tolerance`; those then
    /// carry at most that share more than they can, for nothing is stopped above `1 + tolerance` times the lowest level.
    pub fn fill(
        &mut self,
        table: &Table,
        load: &Load,
        messages: &[u32],
        tolerance: f64,
        mut give: impl FnMut(u32, f64),
    ) {
        self.spread(table, load, tolerance, self.classes.len());
        for class in &self.classes {
            self.fixed[*class as usize / 64] = 0;
            give(*class, self.records.take_rate(*class, messages[*class as usize]));
        }
    }

    /// Rates of all classes that stay of a group, of which all are at work that are on its edges, as [`Filler::fill`] gives
    /// them. Weights must all be 1: then the load knows what is on every edge.
    pub fn fill_again(
        &mut self,
        table: &Table,
        load: &Load,
        (edges, members): (&[u32], &mut Vec<u32>),
        (tolerance, capacity, messages): (f64, &[f64], &[u32]),
        stays: impl Fn(u32) -> bool,
        mut give: impl FnMut(u32, f64),
    ) {
        self.edges.clear();
        self.edges.extend_from_slice(edges);
        for edge in edges.iter().map(|edge| *edge as usize) {
            let (weight, left) = (f64::from(load.messages[edge]), load.live[edge]);
            self.known[edge] = Edge { rest: capacity[edge], weight, left, mark: self.mark };
        }
        members.retain(|class| stays(*class));
        self.spread(table, load, tolerance, members.len());
        for class in members {
            self.fixed[*class as usize / 64] = 0;
            give(*class, self.records.take_rate(*class, messages[*class as usize]));
        }
    }

    /// Fixes the rates of so many classes, all of those on the edges met.
    fn spread(&mut self, table: &Table, load: &Load, tolerance: f64, unfixed: usize) {
        let mut records = std::mem::take(&mut self.records);
        match &mut records {
            Records::Short(records) => self.spread_over(records, table, load, tolerance, unfixed),
            Records::Long(records) => self.spread_over(records, table, load, tolerance, unfixed),
        }
        self.records = records;
    }

    fn spread_over<S: Slot>(
        &mut self,
        records: &mut [Record<S>],
        table: &Table,
        load: &Load,
        tolerance: f64,
        mut unfixed: usize,
    ) {
        let slack = 1.0 + tolerance;
        let level = |edge: &Edge| (edge.rest.max(0.0) / edge.weight).to_bits();
        let mut heap = std::mem::take(&mut self.heap).into_vec();
        heap.clear();
        let known = &mut self.known;
        let open = self.edges.iter().filter(|edge| known[**edge as usize].left > 0);
        heap.extend(open.map(|edge| Reverse((level(&known[*edge as usize]), *edge))));
        let mut heap = BinaryHeap::from(heap);
        let mut stale = 0;
        self.open.clear();
        while unfixed > 0 {
            let Some(Reverse((before, edge))) = heap.pop() else { break };
            let mut at = edge as usize;
            if known[at].left == 0 {
                continue;
            }
            let mut now = level(&known[at]);
            let fits = f64::from_bits(now) <= f64::from_bits(before) * slack;
            if !fits && heap.peek().is_some_and(|Reverse((next, _))| *next < now) {
                heap.push(Reverse((now, edge)));
                stale += 1;
                if stale < STALE {
                    continue;
                }
                // All levels rise at every step where all edges meet: looking at each is quicker then. The heap's levels
                // stay good, for they are still low.
                if self.open.is_empty() {
                    self.open.extend_from_slice(&self.edges);
                }
                self.open.retain(|edge| known[*edge as usize].left > 0);
                let lowest = self.open.iter().map(|edge| (level(&known[*edge as usize]), *edge)).min();
                let Some((lowest, found)) = lowest else { break };
                (at, now) = (found as usize, lowest);
            }
            stale = 0;
            // Others that were stopped too high may have left less than the lowest level.
            let rise = f64::from_bits(if tolerance > 0.0 { now.max(before) } else { now });
            for member in &load.on[at] {
                let class = member.class as usize;
                let (word, bit) = (&mut self.fixed[class / 64], 1u64 << (class % 64));
                if (*word | load.idle.0[class / 64]) & bit != 0 {
                    continue;
                }
                *word |= bit;
                unfixed -= 1;
                let record = &mut records[class];
                let messages = record.value;
                if record.edges[0] == S::MANY {
                    let appetite = table.appetite(member.class);
                    record.value = rise * appetite;
                    for place in table.classes.range(member.class) {
                        let other = &mut known[table.classes.edge(place) as usize];
                        let weight = messages * table.classes.weight(place);
                        other.left -= 1;
                        other.weight -= weight * appetite;
                        other.rest -= weight * record.value;
                    }
                    continue;
                }
                record.value = rise;
                let taken = messages * rise;
                for other in record.edges.into_iter().take_while(|edge| *edge != S::END) {
                    let other = &mut known[other.edge() as usize];
                    other.left -= 1;
                    other.weight -= messages;
                    other.rest -= taken;
                }
            }
        }
        self.heap = heap;
    }
}
