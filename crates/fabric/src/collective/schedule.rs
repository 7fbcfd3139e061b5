//! Puts the messages of a collective together: parts of the buffer in units, waits, and pieces that follow each other.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::{Algorithm, Collective, Operation};
use crate::time::Time;
use crate::traffic::{Builder, InNetwork, Multicast, TaskId, When, Work};

/// Tasks that a rank's data wait for, rank by rank.
pub(super) type Ready = Vec<Vec<TaskId>>;

/// Ranks that work together on a run of units.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Ranks among the members of the collective.
    pub ranks: Vec<u32>,
    /// First unit.
    pub first: u32,
    /// How many.
    pub units: u32,
}

impl Group {
    /// Number of ranks.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// The units of the ranks' parts `from..to`.
    pub fn parts(&self, from: usize, to: usize) -> Range<u32> {
        let each = self.units / self.ranks.len() as u32;
        self.first + from as u32 * each..self.first + to as u32 * each
    }

    /// All units.
    pub fn all(&self) -> Range<u32> {
        self.first..self.first + self.units
    }
}

/// What a message does to the buffer that it arrives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Its data are added.
    Add,
    /// Its data replace what was there.
    Copy,
}

/// What a message carries, kept for [`super::verify`].
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub task: TaskId,
    /// Sending and receiving rank; of the network's work the first is the source of a multicast.
    pub from: u32,
    pub to: u32,
    pub units: Vec<Range<u32>>,
    pub effect: Effect,
    /// Work of the network among all ranks.
    pub in_network: Option<InNetwork>,
}

/// Messages under way to be made.
pub(super) struct Schedule<'a> {
    builder: &'a mut Builder,
    pub collective: &'a Collective,
    /// Channel that messages belong to: they share a queue of pieces.
    pub stream: u32,
    /// Messages that each rank sent; empty where nobody asks.
    pub sent: Vec<Vec<TaskId>>,
    pub carried: Vec<Carried>,
    record: bool,
    pieces: HashMap<(u32, u32, u32), VecDeque<TaskId>>,
    units: u32,
    /// Bytes of all units, but of an all-to-all.
    total: u128,
}

/// Waits above which a delay of nothing stands between: keeps waits few where many sends follow many receipts.
const WAITS: usize = 4;

impl<'a> Schedule<'a> {
    /// `follow`: whether to keep what each rank sent.
    pub fn new(builder: &'a mut Builder, collective: &'a Collective, record: bool, follow: bool) -> Self {
        // Each rank of a send/receive sends a whole buffer.
        let copies = if collective.operation == Operation::SendRecv { collective.members.len() as u64 } else { 1 };
        let mut schedule = Self {
            builder,
            collective,
            stream: 0,
            sent: vec![Vec::new(); if follow { collective.members.len() } else { 0 }],
            carried: Vec::new(),
            record,
            pieces: HashMap::new(),
            units: 0,
            total: u128::from(collective.bytes) * u128::from(copies),
        };
        schedule.units = schedule.base_units() * collective.channels * collective.chunks;
        schedule
    }

    /// Units of one chunk of one channel: the finest parts that the algorithm tells apart.
    pub fn base_units(&self) -> u32 {
        let p = self.collective.members.len() as u32;
        match self.collective.operation {
            Operation::AllToAll => p * p,
            Operation::SendRecv => p,
            Operation::Broadcast => 2,
            Operation::AllReduce if self.collective.algorithm == Algorithm::DoubleTree => 2,
            _ => p,
        }
    }

    /// Units of the whole collective.
    pub fn total_units(&self) -> u32 {
        self.units
    }

    /// Bytes of a run of units: units are as equal as whole bytes allow. A part of no bytes counts one, for the message
    /// that carries it is still sent.
    pub fn bytes(&self, units: &Range<u32>) -> u64 {
        let collective = self.collective;
        if collective.operation == Operation::AllToAll {
            return units.clone().map(|unit| self.pair_bytes(unit)).sum::<u64>().max(1);
        }
        let before = |unit: u32| {
            let share = self.total * u128::from(unit);
            // A division of short numbers takes a tenth of the time.
            u64::try_from(share)
                .map_or_else(|_| (share / u128::from(self.units)) as u64, |share| share / u64::from(self.units))
        };
        (before(units.end) - before(units.start)).max(1)
    }

    /// Bytes of one unit of an all-to-all: what one rank has for another, in this channel and chunk.
    pub fn pair_bytes(&self, unit: u32) -> u64 {
        let collective = self.collective;
        let p = collective.members.len() as u64;
        let pairs = p * p;
        let (piece, pair) = (u64::from(unit) / pairs, u64::from(unit) % pairs);
        let pieces = u128::from(collective.channels) * u128::from(collective.chunks);
        let whole = match &collective.parts {
            Some(parts) => u128::from(parts.get(pair as usize).copied().unwrap_or(0)),
            None => {
                // The parts of one rank's buffer, as equal as whole bytes allow.
                let (to, bytes) = (u128::from(pair % p), u128::from(collective.bytes));
                bytes * (to + 1) / u128::from(p) - bytes * to / u128::from(p)
            }
        };
        (whole * (u128::from(piece) + 1) / pieces - whole * u128::from(piece) / pieces) as u64
    }

    /// A message that carries the units and starts after the deliveries (or acknowledgements) of `after`.
    pub fn send(&mut self, from: u32, to: u32, units: &[Range<u32>], effect: Effect, after: &[TaskId]) -> TaskId {
        let bytes = units.iter().map(|units| self.bytes(units)).sum();
        self.send_bytes(from, to, bytes, effect, after, || units.to_vec())
    }

    /// The same where the caller knows the bytes, so that units need not be listed.
    pub fn send_bytes(
        &mut self,
        from: u32,
        to: u32,
        bytes: u64,
        effect: Effect,
        after: &[TaskId],
        units: impl FnOnce() -> Vec<Range<u32>>,
    ) -> TaskId {
        let members = &self.collective.members;
        let task = self.builder.message(members[from as usize], members[to as usize], bytes.max(1));
        for first in after {
            let when = if self.builder.is_message(*first) { self.collective.when } else { When::Delivered };
            self.builder.after(*first, task, when);
        }
        let window = self.collective.in_flight as usize;
        if self.collective.chunks > 1 && window > 0 {
            let queue = self.pieces.entry((from, to, self.stream)).or_default();
            if queue.len() >= window
                && let Some(first) = queue.pop_front()
                && !after.contains(&first)
            {
                self.builder.after(first, task, self.collective.when);
            }
            queue.push_back(task);
        }
        if let Some(sent) = self.sent.get_mut(from as usize) {
            sent.push(task);
        }
        if self.record {
            self.carried.push(Carried { task, from, to, units: units(), effect, in_network: None });
        }
        task
    }

    /// Work of the network among all members.
    pub fn in_network(
        &mut self,
        kind: InNetwork,
        source: u32,
        bytes: u64,
        units: Range<u32>,
        after: &[TaskId],
    ) -> TaskId {
        let mut members = self.collective.members.clone();
        members.swap(0, source as usize);
        let group = self.builder.multicast(Multicast { kind, members });
        let task = self.builder.task(Work::InNetwork { group, bytes: bytes.max(1) }, Time::ZERO);
        for first in after {
            self.builder.after(*first, task, When::Delivered);
        }
        if self.record {
            let units = vec![units];
            self.carried.push(Carried {
                task,
                from: source,
                to: source,
                units,
                effect: Effect::Copy,
                in_network: Some(kind),
            });
        }
        task
    }

    /// The list itself if it is short, else a delay of nothing that waits for all of it.
    pub fn gather(&mut self, rank: u32, tasks: &mut Vec<TaskId>) {
        if tasks.len() > WAITS {
            let at = self.collective.members[rank as usize];
            let hub = self.builder.task(Work::Delay { at, time: Time::ZERO }, Time::ZERO);
            for first in tasks.drain(..) {
                let when = if self.builder.is_message(first) { self.collective.when } else { When::Delivered };
                self.builder.after(first, hub, when);
            }
            tasks.push(hub);
        }
    }
}
