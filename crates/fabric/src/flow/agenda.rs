//! What happens next: events in order of time, those of one instant together.
//!
//! Symmetric traffic starts and ends at the same instants, so events of bit-equal times share a bucket and only buckets
//! are sorted. Events are never taken out again: whoever pushed one says by a generation number whether it still counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A task's earliest time has come.
    Ready(u32),
    /// The first byte of a message has crossed the network: from here on it takes its share of the links.
    Enter(u32),
    /// A task is over that needs no links any more.
    Done(u32),
    /// The sender of a message knows that it has arrived, where that is later.
    Acknowledged(u32),
    /// The next message of a class is over, if the class has this generation.
    Class(u32, u32),
    /// The next message of a group of classes is over, if the group has this generation.
    Group(u32, u32),
    /// The network changes: index into the timeline.
    Fault(u32),
    /// Routes know of the change.
    Reconverged(u32),
}

/// Buckets remembered by their time. Three latencies and as many ends are in use at once in symmetric traffic.
const REMEMBERED: usize = 8;

/// Events in order of time (in picoseconds, not negative).
#[derive(Debug, Default)]
pub struct Agenda {
    order: BinaryHeap<Reverse<(u64, u32, u32)>>,
    buckets: Vec<Vec<Event>>,
    free: Vec<u32>,
    /// Time and bucket; `u64::MAX` where there is none.
    remembered: Vec<(u64, u32)>,
    oldest: usize,
    sequence: u32,
}

impl Agenda {
    /// Adds an event. Times beyond any number (of messages that stand still) are left out.
    pub fn push(&mut self, time: f64, event: Event) {
        if !time.is_finite() {
            return;
        }
        // Times that are not negative sort like their bits.
        let bits = time.max(0.0).to_bits();
        if let Some((_, bucket)) = self.remembered.iter().find(|(known, _)| *known == bits) {
            self.buckets[*bucket as usize].push(event);
            return;
        }
        let bucket = self.free.pop().unwrap_or_else(|| {
            self.buckets.push(Vec::new());
            self.buckets.len() as u32 - 1
        });
        self.buckets[bucket as usize].push(event);
        self.order.push(Reverse((bits, self.sequence, bucket)));
        self.sequence = self.sequence.wrapping_add(1);
        if self.remembered.len() < REMEMBERED {
            self.remembered.push((bits, bucket));
        } else {
            self.remembered[self.oldest] = (bits, bucket);
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }

    /// Time of the next event.
    pub fn next_time(&self) -> Option<f64> {
        self.order.peek().map(|Reverse((bits, ..))| f64::from_bits(*bits))
    }

    /// Moves the next bucket's events into `into` (which must be empty) and gives their time.
    pub fn pop(&mut self, into: &mut Vec<Event>) -> Option<f64> {
        let Reverse((bits, _, bucket)) = self.order.pop()?;
        std::mem::swap(into, &mut self.buckets[bucket as usize]);
        self.free.push(bucket);
        for slot in &mut self.remembered {
            if slot.1 == bucket {
                *slot = (u64::MAX, u32::MAX);
            }
        }
        Some(f64::from_bits(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_and_together() {
        let mut agenda = Agenda::default();
        for (time, task) in [(5.0, 1), (3.0, 2), (5.0, 3), (f64::INFINITY, 4), (4.0, 5)] {
            agenda.push(time, Event::Ready(task));
        }
        let mut events = Vec::new();
        assert_eq!(agenda.next_time(), Some(3.0));
        assert_eq!((agenda.pop(&mut events), events.clone()), (Some(3.0), vec![Event::Ready(2)]));
        events.clear();
        agenda.push(3.0, Event::Ready(6));
        assert_eq!((agenda.pop(&mut events), events.clone()), (Some(3.0), vec![Event::Ready(6)]));
        events.clear();
        assert_eq!((agenda.pop(&mut events), events.clone()), (Some(4.0), vec![Event::Ready(5)]));
        events.clear();
        assert_eq!((agenda.pop(&mut events), events.clone()), (Some(5.0), vec![Event::Ready(1), Event::Ready(3)]));
        events.clear();
        assert_eq!(agenda.pop(&mut events), None);
    }
}
