//! Max-min fair rates by progressive filling.
//!
//! All rates rise together until an edge is full; its messages stop there, the others rise on. An edge's level (what its
//! unfixed messages could have each) only rises as others stop, so the fullest edge is found by a heap of levels that may be
//! out of date on the low side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::{Lists, Table};

/// Messages of a class on an edge: the class, and the place of the edge in the class's list.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The class.
    pub class: u32,
    /// Place in the flat array of [`Lists`].
    pub place: u32,
}

/// Classes at work on every edge.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Per edge.
    pub on: Vec<Vec<Member>>,
    /// Per place of a class: where it stands on its edge.
    slot: Vec<u32>,
}

impl Load {
    /// Nothing on so many edges.
    pub fn new(edges: usize) -> Self {
        Self { on: vec![Vec::new(); edges], slot: Vec::new() }
    }

    /// A class goes to work.
    pub fn add(&mut self, classes: &Lists, class: u32) {
        if self.slot.len() < classes.places() {
            self.slot.resize(classes.places(), 0);
        }
        for place in classes.range(class) {
            let on = &mut self.on[classes.edge(place) as usize];
            self.slot[place] = on.len() as u32;
            on.push(Member { class, place: place as u32 });
        }
    }

    /// A class has nothing left to do.
    pub fn remove(&mut self, classes: &Lists, class: u32) {
        for place in classes.range(class) {
            let at = self.slot[place];
            let on = &mut self.on[classes.edge(place) as usize];
            on.swap_remove(at as usize);
            if let Some(moved) = on.get(at as usize) {
                self.slot[moved.place as usize] = at;
            }
        }
    }
}

/// Fills edges. Kept between solutions for its memory.
#[derive(Clone, Debug, Default)]
pub struct Filler {
    /// Rate not given away yet, per edge.
    rest: Vec<f64>,
    /// Weight of classes not fixed yet, per edge.
    weight: Vec<f64>,
    /// Number of classes not fixed yet, per edge.
    left: Vec<u32>,
    edge_mark: Vec<u32>,
    class_mark: Vec<u32>,
    mark: u32,
    edges: Vec<u32>,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// Classes of the last component or group, in the order found.
    pub classes: Vec<u32>,
}

impl Filler {
    /// For so many edges.
    pub fn new(edges: usize) -> Self {
        Self {
            rest: vec![0.0; edges],
            weight: vec![0.0; edges],
            left: vec![0; edges],
            edge_mark: vec![0; edges],
            ..Self::default()
        }
    }

    /// New marks. Classes may have become more.
    fn begin(&mut self, classes: usize) {
        if self.mark >= u32::MAX - 2 {
            self.edge_mark.fill(0);
            self.class_mark.fill(0);
            self.mark = 0;
        }
        // The first says "found", the one after "fixed".
        self.mark += 2;
        self.class_mark.resize(classes, 0);
        self.edges.clear();
        self.classes.clear();
    }

    /// Begins a search for components: marks of earlier ones no longer count.
    pub fn restart(&mut self, classes: usize) {
        self.begin(classes);
    }

    /// Whether an edge belongs to a component found since [`Filler::restart`].
    pub fn has_edge(&self, edge: u32) -> bool {
        self.edge_mark[edge as usize] == self.mark
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
                if self.class_mark[member.class as usize] == self.mark {
                    continue;
                }
                self.class_mark[member.class as usize] = self.mark;
                self.classes.push(member.class);
                self.weigh(table, member.class, capacity, f64::from(messages[member.class as usize]));
            }
        }
    }

    /// Takes these classes and all their edges. The caller knows that no other class is on those.
    pub fn take(&mut self, table: &Table, classes: &[u32], capacity: &[f64], messages: &[u32]) {
        for class in classes {
            self.class_mark[*class as usize] = self.mark;
            self.classes.push(*class);
            self.weigh(table, *class, capacity, f64::from(messages[*class as usize]));
        }
    }

    fn meet(&mut self, edge: u32, capacity: &[f64]) {
        let at = edge as usize;
        if self.edge_mark[at] != self.mark {
            self.edge_mark[at] = self.mark;
            self.rest[at] = capacity[at];
            self.weight[at] = 0.0;
            self.left[at] = 0;
            self.edges.push(edge);
        }
    }

    fn weigh(&mut self, table: &Table, class: u32, capacity: &[f64], count: f64) {
        let lists = &table.classes;
        let count = count * table.appetite(class);
        for place in lists.range(class) {
            let edge = lists.edge(place);
            self.meet(edge, capacity);
            self.weight[edge as usize] += count * lists.weight(place);
            self.left[edge as usize] += 1;
        }
    }

    /// Rates of all classes gathered or taken: `give` gets each class and its messages' rate.
    pub fn fill(&mut self, table: &Table, load: &Load, messages: &[u32], mut give: impl FnMut(u32, f64)) {
        let fixed = self.mark + 1;
        let mut unfixed = self.classes.len();
        let level = |rest: f64, weight: f64| (rest.max(0.0) / weight).to_bits();
        let mut heap = std::mem::take(&mut self.heap).into_vec();
        heap.clear();
        let levels = self.edges.iter().filter(|edge| self.left[**edge as usize] > 0);
        heap.extend(levels.map(|edge| Reverse((level(self.rest[*edge as usize], self.weight[*edge as usize]), *edge))));
        let mut heap = BinaryHeap::from(heap);
        while unfixed > 0 {
            let Some(Reverse((known, edge))) = heap.pop() else { break };
            let at = edge as usize;
            if self.left[at] == 0 {
                continue;
            }
            let now = level(self.rest[at], self.weight[at]);
            if now > known && heap.peek().is_some_and(|Reverse((next, _))| *next < now) {
                heap.push(Reverse((now, edge)));
                continue;
            }
            let rise = f64::from_bits(now);
            let lists = &table.classes;
            for member in &load.on[at] {
                let mark = &mut self.class_mark[member.class as usize];
                if *mark == fixed {
                    continue;
                }
                *mark = fixed;
                unfixed -= 1;
                let appetite = table.appetite(member.class);
                let rate = rise * appetite;
                let messages = f64::from(messages[member.class as usize]);
                for place in lists.range(member.class) {
                    let other = lists.edge(place) as usize;
                    let weight = messages * lists.weight(place);
                    self.left[other] -= 1;
                    self.weight[other] -= weight * appetite;
                    self.rest[other] -= weight * rate;
                }
                give(member.class, rate);
            }
        }
        self.heap = heap;
    }
}
