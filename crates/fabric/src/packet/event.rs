//! Events in the order of time: a calendar of short slots, each sorted when its turn comes.
//!
//! An event's place among others of the same picosecond follows from what it is and whom it concerns, never from when it
//! was put in: the answer does not depend on the order of insertion or on threads. Entities that meet at one time take
//! turns, since their order is scrambled anew for every time; otherwise low numbers would always win.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens. Of events at one time, those of a kind named first happen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    /// A timed fault acts; entity: index into the timeline.
    Fault = 0,
    /// A port has sent a packet and others wait; entity: edge.
    Wake = 1,
    /// A packet arrives at the end of an edge; entity: edge, payload: packet.
    Arrive = 2,
    /// A task's earliest time has come; entity: task.
    Start = 3,
    /// A delay is over; entity: task.
    Elapsed = 4,
    /// A receiver may grant credit again; entity: endpoint.
    Grant = 5,
    /// A sender's timer; entity: task.
    Timer = 6,
    /// For transports that send at a rate: the next packet is due; entity: task.
    Pace = 7,
    /// The other end of a link speaks to its sender; entity: edge, payload: see [`super::lanes::word`].
    Link = 8,
    /// A message is a stage further at its NIC; entity: task, payload: see [`super::doorbell`].
    Post = 9,
    /// A switch has added up a segment; entity: task, payload: switch of its tree.
    Summed = 10,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Fault,
        Self::Wake,
        Self::Arrive,
        Self::Start,
        Self::Elapsed,
        Self::Grant,
        Self::Timer,
        Self::Pace,
        Self::Link,
        Self::Post,
        Self::Summed,
    ];
}

impl Kind {
    /// Whether its time was set by a user rather than by packets.
    fn is_appointment(self) -> bool {
        matches!(self, Self::Fault | Self::Start | Self::Elapsed)
    }

    /// Whether its entity is a task.
    fn is_of_task(self) -> bool {
        matches!(self, Self::Start | Self::Elapsed | Self::Timer | Self::Pace)
    }
}

/// Bits for the entity: a quarter of a billion of edges or tasks.
const ENTITY_BITS: u32 = 28;
const ENTITY_MASK: u32 = (1 << ENTITY_BITS) - 1;
/// An odd factor and its inverse modulo 2^28, so that scrambling can be undone.
const FACTOR: u32 = 0x1e37_79b1;
const INVERSE: u32 = inverse(FACTOR);

const fn inverse(odd: u32) -> u32 {
    // Newton's iteration doubles the number of correct bits.
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x & ENTITY_MASK
}

/// An event in one number: time, kind, scrambled entity, payload from high to low bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event(u128);

impl Event {
    /// An event.
    #[inline]
    pub(super) fn new(time: u64, kind: Kind, entity: u32, payload: u32) -> Self {
        // What starts at one time starts in the order of the traffic.
        let scrambled = match kind {
            Kind::Start | Kind::Post => entity & ENTITY_MASK,
            _ => (entity ^ mask_of(time)).wrapping_mul(FACTOR) & ENTITY_MASK,
        };
        let key = ((kind as u32) << ENTITY_BITS) | scrambled;
        Self((u128::from(time) << 64) | (u128::from(key) << 32) | u128::from(payload))
    }

    /// When, in picoseconds.
    #[inline]
    pub(super) fn time(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// What.
    #[inline]
    pub(super) fn kind(self) -> Kind {
        Kind::ALL[((self.0 as u64) >> 60) as usize]
    }

    /// Whom it concerns.
    #[inline]
    pub(super) fn entity(self) -> u32 {
        let scrambled = ((self.0 as u64) >> 32) as u32 & ENTITY_MASK;
        if matches!(self.kind(), Kind::Start | Kind::Post) {
            return scrambled;
        }
        (scrambled.wrapping_mul(INVERSE) ^ mask_of(self.time())) & ENTITY_MASK
    }

    /// What it carries.
    #[inline]
    pub(super) fn payload(self) -> u32 {
        self.0 as u32
    }
}

#[inline]
fn mask_of(time: u64) -> u32 {
    (time.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 36) as u32 & ENTITY_MASK
}

/// Events to come.
#[derive(Debug)]
pub(super) struct Calendar {
    /// A slot is 2^shift picoseconds.
    shift: u32,
    slots: Vec<Vec<Event>>,
    /// One bit per slot that holds something.
    occupied: Vec<u64>,
    /// The slot whose turn it is, sorted, and how far it is done.
    open: Vec<Event>,
    done: usize,
    /// Its number since time zero.
    open_slot: u64,
    /// What lies beyond the last slot.
    far: BinaryHeap<Reverse<Event>>,
    /// Emptied slots' memory, the most recently used last: what is warm is used again.
    spare: Vec<Vec<Event>>,
    near: usize,
}

impl Calendar {
    /// A calendar for events that mostly lie `horizon` ps ahead at most and at least `step` ps.
    pub(super) fn new(step: u64, horizon: u64) -> Self {
        let shift = step.max(2).ilog2().min(40);
        let slots = ((horizon >> shift) + 2).next_power_of_two().clamp(64, 1 << 16) as usize;
        Self {
            shift,
            slots: (0..slots).map(|_| Vec::new()).collect(),
            occupied: vec![0; slots / 64],
            open: Vec::new(),
            done: 0,
            open_slot: 0,
            far: BinaryHeap::new(),
            spare: Vec::new(),
            near: 0,
        }
    }

    /// Puts an event in. Its time is not before that of the last event taken out.
    #[inline]
    pub(super) fn push(&mut self, event: Event) {
        let slot = event.time() >> self.shift;
        let ahead = slot.wrapping_sub(self.open_slot);
        if slot <= self.open_slot {
            let at = self.done + self.open[self.done..].partition_point(|other| *other < event);
            self.open.insert(at, event);
        } else if ahead < self.slots.len() as u64 {
            let index = slot as usize & (self.slots.len() - 1);
            let place = &mut self.slots[index];
            if place.is_empty() {
                if place.capacity() == 0
                    && let Some(spare) = self.spare.pop()
                {
                    *place = spare;
                }
                self.occupied[index / 64] |= 1 << (index % 64);
            }
            place.push(event);
            self.near += 1;
        } else {
            self.far.push(Reverse(event));
        }
    }

    /// Takes out the next event if it is before `limit`.
    #[inline]
    pub(super) fn pop_before(&mut self, limit: u64) -> Option<Event> {
        loop {
            if let Some(event) = self.open.get(self.done) {
                if event.time() >= limit {
                    return None;
                }
                self.done += 1;
                return Some(*event);
            }
            let next = self.next_slot()?;
            if next << self.shift >= limit {
                return None;
            }
            self.turn_to(next);
        }
    }

    /// A lower bound of the next event's time, exact to a slot.
    pub(super) fn next_time(&self) -> Option<u64> {
        match self.open.get(self.done) {
            Some(event) => Some(event.time()),
            None => self.next_slot().map(|slot| slot << self.shift),
        }
    }

    /// When the first of the events comes that have a time of their own rather than one that follows from packets.
    ///
    /// `own`: those of which tasks do not count.
    pub(super) fn next_appointment(&self, own: impl Fn(u32) -> bool) -> Option<u64> {
        let near = self.open[self.done..].iter().chain(self.slots.iter().flatten());
        let all = near.copied().chain(self.far.iter().map(|Reverse(event)| *event));
        let counts =
            |event: &Event| event.kind().is_appointment() && !(event.kind().is_of_task() && own(event.entity()));
        all.filter(counts).map(Event::time).min()
    }

    /// Puts these events forward by `span` ps; none then lies before the last event taken out.
    pub(super) fn hasten(&mut self, span: u64) {
        let mut all: Vec<Event> = Vec::new();
        let mut stays = |event: &Event| {
            let appointment = event.kind().is_appointment();
            if appointment {
                all.push(*event);
            }
            !appointment
        };
        self.open.drain(..self.done);
        self.done = 0;
        self.open.retain(&mut stays);
        for (index, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| !slot.is_empty()) {
            let before = slot.len();
            slot.retain(&mut stays);
            self.near -= before - slot.len();
            if slot.is_empty() {
                self.occupied[index / 64] &= !(1 << (index % 64));
            }
        }
        self.far.retain(|Reverse(event)| stays(event));
        for event in all {
            self.push(Event::new(event.time() - span, event.kind(), event.entity(), event.payload()));
        }
    }

    /// Gives tasks' events to other tasks; `span` ps are skipped. Appointments come so much earlier, but for those of tasks
    /// that go on.
    pub(super) fn rename(&mut self, span: u64, task: impl Fn(u32) -> u32, goes_on: impl Fn(u32) -> bool) {
        let mut all: Vec<Event> = self.open.drain(..).skip(self.done).collect();
        self.done = 0;
        self.slots.iter_mut().for_each(|slot| all.append(slot));
        self.occupied.fill(0);
        self.near = 0;
        all.extend(self.far.drain().map(|Reverse(event)| event));
        for event in all {
            let (kind, entity) = (event.kind(), event.entity());
            let own = kind.is_of_task() && goes_on(entity);
            let time = if kind.is_appointment() && !own { event.time() - span } else { event.time() };
            let entity = if kind.is_of_task() { task(entity) } else { entity };
            self.push(Event::new(time, kind, entity, event.payload()));
        }
    }

    /// The next slot that holds something.
    fn next_slot(&self) -> Option<u64> {
        let far = self.far.peek().map(|Reverse(event)| event.time() >> self.shift);
        if self.near == 0 {
            return far;
        }
        let count = self.slots.len();
        let start = (self.open_slot as usize + 1) & (count - 1);
        let words = self.occupied.len();
        let mut word = start / 64;
        let mut bits = self.occupied[word] & (!0 << (start % 64));
        for _ in 0..=words {
            if bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                let ahead = index.wrapping_sub(start) & (count - 1);
                let near = self.open_slot + 1 + ahead as u64;
                return Some(far.map_or(near, |far| far.min(near)));
            }
            word = (word + 1) % words;
            bits = self.occupied[word];
        }
        far
    }

    fn turn_to(&mut self, slot: u64) {
        let index = slot as usize & (self.slots.len() - 1);
        self.open.clear();
        self.done = 0;
        let within = slot - self.open_slot < self.slots.len() as u64;
        self.open_slot = slot;
        if within && self.occupied[index / 64] & (1 << (index % 64)) != 0 {
            self.occupied[index / 64] &= !(1 << (index % 64));
            let used = std::mem::replace(&mut self.open, std::mem::take(&mut self.slots[index]));
            self.near -= self.open.len();
            if used.capacity() > 0 {
                self.spare.push(used);
            }
        }
        while let Some(Reverse(event)) = self.far.peek() {
            if event.time() >> self.shift > slot {
                break;
            }
            self.open.push(*event);
            self.far.pop();
        }
        self.open.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scrambling_is_undone() {
        assert_eq!(FACTOR.wrapping_mul(INVERSE) & ENTITY_MASK, 1);
        for entity in [0, 1, 77, 131_072, ENTITY_MASK] {
            for kind in Kind::ALL {
                let event = Event::new(u64::from(entity) * 977 + 13, kind, entity, 0xdead_beef);
                assert_eq!((event.kind(), event.entity(), event.payload()), (kind, entity, 0xdead_beef));
            }
        }
    }

    /// Four events of every kind, near and far.
    fn filled() -> Calendar {
        let mut calendar = Calendar::new(1_000, 100_000);
        for at in 0..4u32 {
            for kind in Kind::ALL {
                calendar.push(Event::new(50_000 + 40_000 * u64::from(at), kind, at, 7));
            }
        }
        calendar
    }

    fn drained(mut calendar: Calendar) -> Vec<(u64, Kind, u32)> {
        std::iter::from_fn(|| calendar.pop_before(u64::MAX)).map(|e| (e.time(), e.kind(), e.entity())).collect()
    }

    #[test]
    fn appointments_come_forward_alone() {
        let plain = drained(filled());
        let mut calendar = filled();
        assert_eq!(calendar.next_appointment(|_| false), Some(50_000));
        // The faults of time 50,000 are nobody's.
        assert_eq!(calendar.next_appointment(|_| true), Some(50_000));
        calendar.hasten(49_000);
        let mut wanted = plain.clone();
        wanted.iter_mut().filter(|event| event.1.is_appointment()).for_each(|event| event.0 -= 49_000);
        let mut got = drained(calendar);
        assert!(got.is_sorted_by_key(|event| event.0));
        got.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(got, wanted);
    }

    #[test]
    fn events_go_to_other_tasks() {
        let mut calendar = filled();
        let first = calendar.pop_before(u64::MAX).expect("some were put in");
        assert_eq!((first.kind(), first.entity()), (Kind::Fault, 0));
        calendar.rename(10_000, |task| task + 10, |task| task < 2);
        let got = drained(calendar);
        assert_eq!(got.len(), 4 * Kind::ALL.len() - 1);
        for (time, kind, entity) in got {
            let before = entity % 10;
            assert_eq!(entity >= 10, kind.is_of_task(), "{kind:?}");
            let forward = kind == Kind::Fault || (kind.is_appointment() && before >= 2);
            assert_eq!(time, 50_000 + 40_000 * u64::from(before) - if forward { 10_000 } else { 0 }, "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn any_order_of_insertion_gives_the_order_of_time(
            steps in prop::collection::vec((0u64..3_000_000, 0u32..50), 1..300),
            step in 1u64..5_000,
            horizon in 1u64..2_000_000,
        ) {
            let mut calendar = Calendar::new(step, horizon);
            let mut wanted = Vec::new();
            let mut got = Vec::new();
            let mut now = 0;
            // Puts in and takes out in turns, always ahead of the time reached.
            for (at, (ahead, entity)) in steps.iter().enumerate() {
                let event = Event::new(now + ahead, Kind::Arrive, *entity, at as u32);
                wanted.push(event);
                calendar.push(event);
                if at % 3 == 0 {
                    let event = calendar.pop_before(u64::MAX).expect("one was put in");
                    prop_assert!(event.time() >= now);
                    now = event.time();
                    got.push(event);
                }
            }
            while let Some(next) = calendar.next_time() {
                let event = calendar.pop_before(u64::MAX).expect("announced");
                prop_assert!(next <= event.time());
                prop_assert!(event.time() >= now);
                now = event.time();
                got.push(event);
            }
            prop_assert_eq!(calendar.pop_before(u64::MAX), None);
            wanted.sort_unstable();
            got.sort_unstable();
            prop_assert_eq!(got, wanted);
        }
    }
}
