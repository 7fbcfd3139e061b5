//! The messages of every class in the order in which they end: pairing heaps, linked through the messages.
//!
//! (Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap: a new form of self-adjusting heap", 1986.) A class with one
//! message, the usual case, costs nothing beyond its entry: its key is known elsewhere.

use super::engine::NONE;

/// A message in a heap.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Bytes served to the class at which it ends.
    key: f64,
    child: u32,
    sibling: u32,
}

/// One heap per class.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    tasks: usize,
    /// Empty while no class has two messages.
    links: Vec<Link>,
    roots: Vec<u32>,
    pairs: Vec<u32>,
}

impl Queues {
    /// Empty heaps.
    pub fn new(tasks: usize, classes: usize) -> Self {
        Self { tasks, links: Vec::new(), roots: vec![NONE; classes], pairs: Vec::new() }
    }

    /// There are more classes now.
    pub fn grow(&mut self, classes: usize) {
        self.roots.resize(classes, NONE);
    }

    /// The message of a class that ends first.
    pub fn first(&self, class: u32) -> Option<u32> {
        Some(self.roots[class as usize]).filter(|root| *root != NONE)
    }

    /// Adds a message, which must not be in any heap, to a class whose first message (if it has one) has the key `first`.
    pub fn push(&mut self, class: u32, task: u32, key: f64, first: f64) {
        let root = self.roots[class as usize];
        let link = Link { key, child: NONE, sibling: NONE };
        if root == NONE {
            // It may have been in another heap, where faults moved it.
            if let Some(old) = self.links.get_mut(task as usize) {
                *old = link;
            }
            self.roots[class as usize] = task;
            return;
        }
        self.write_down(class, first);
        self.links[task as usize] = link;
        self.roots[class as usize] = self.join(root, task);
    }

    /// Notes the key of a class's first message.
    pub fn write_down(&mut self, class: u32, first: f64) {
        if self.links.is_empty() {
            self.links.resize(self.tasks, Link { key: 0.0, child: NONE, sibling: NONE });
        }
        if let Some(link) = self.links.get_mut(self.roots[class as usize] as usize) {
            link.key = first;
        }
    }

    /// Takes out the message that ends first; with the key of the one after it (infinite without one). `last`: whether there
    /// is no other.
    pub fn pop(&mut self, class: u32, last: bool) -> Option<(u32, f64)> {
        if last {
            let task = self.first(class)?;
            self.roots[class as usize] = NONE;
            return Some((task, f64::INFINITY));
        }
        let task = self.pop_with_key(class)?.0;
        let root = self.roots[class as usize];
        Some((task, if root == NONE { f64::INFINITY } else { self.links[root as usize].key }))
    }

    /// Takes out the message that ends first, with its own key.
    pub fn pop_with_key(&mut self, class: u32) -> Option<(u32, f64)> {
        let root = self.first(class)?;
        let mut child = self.links[root as usize].child;
        let mut pairs = std::mem::take(&mut self.pairs);
        while child != NONE {
            let second = self.links[child as usize].sibling;
            if second == NONE {
                pairs.push(child);
                break;
            }
            let next = self.links[second as usize].sibling;
            self.links[child as usize].sibling = NONE;
            self.links[second as usize].sibling = NONE;
            pairs.push(self.join(child, second));
            child = next;
        }
        let mut whole = pairs.pop().unwrap_or(NONE);
        while let Some(pair) = pairs.pop() {
            whole = self.join(pair, whole);
        }
        self.pairs = pairs;
        self.roots[class as usize] = whole;
        Some((root, self.links[root as usize].key))
    }

    /// Joins two heaps; of equal keys the lower task comes first.
    fn join(&mut self, a: u32, b: u32) -> u32 {
        let order = self.links[a as usize].key.total_cmp(&self.links[b as usize].key).then(a.cmp(&b));
        let (above, below) = if order.is_le() { (a, b) } else { (b, a) };
        self.links[below as usize].sibling = self.links[above as usize].child;
        self.links[above as usize].child = below;
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn in_order_of_keys_then_of_tasks(keys in proptest::collection::vec(0u8..20, 1..60), pause in 0usize..60) {
            let mut queues = Queues::new(keys.len(), 1);
            let mut out: Vec<(u8, u32)> = Vec::new();
            let mut wanted: Vec<(u8, u32)> = Vec::new();
            let mut waiting: Vec<(u8, u32)> = Vec::new();
            for (task, key) in keys.iter().enumerate() {
                let first = waiting.iter().min().map_or(f64::INFINITY, |(key, _)| f64::from(*key));
                queues.push(0, task as u32, f64::from(*key), first);
                waiting.push((*key, task as u32));
                if task == pause {
                    waiting.sort_unstable();
                    wanted.push(waiting.remove(0));
                    let (task, next) = queues.pop(0, waiting.is_empty()).expect("one was pushed");
                    out.push((keys[task as usize], task));
                    prop_assert_eq!(next, waiting.first().map_or(f64::INFINITY, |(key, _)| f64::from(*key)));
                }
            }
            waiting.sort_unstable();
            wanted.extend(waiting);
            let mut left = wanted.len() - out.len();
            while let Some((task, _)) = queues.pop(0, left == 1) {
                left -= 1;
                out.push((keys[task as usize], task));
            }
            prop_assert_eq!(out, wanted);
        }
    }
}
