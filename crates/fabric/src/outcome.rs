//! What a run has found, and how it reports on the way.

use std::ops::ControlFlow;

use serde::Serialize;

use crate::network::EdgeId;
use crate::time::Time;
use crate::traffic::{TaskId, Traffic, Work};

/// When a task ran. [`Time::NEVER`] where it did not get so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Finish {
    /// It started.
    pub start: Time,
    /// The receiver has the last byte.
    pub delivered: Time,
    /// The sender knows. Equals `delivered` in the flow engine and for delays.
    pub acknowledged: Time,
}

impl Default for Finish {
    fn default() -> Self {
        Self { start: Time::NEVER, delivered: Time::NEVER, acknowledged: Time::NEVER }
    }
}

/// What was counted. What an engine does not know stays 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Events that the engine handled.
    pub events: u64,
    /// Data packets that senders put on the wire, retransmissions included.
    pub packets: u64,
    /// Data packets that were sent again.
    pub retransmitted: u64,
    /// Packets whose payload a full queue cut off.
    pub trimmed: u64,
    /// Packets lost in full queues.
    pub dropped: u64,
    /// Packets lost to bit errors or failed links.
    pub corrupted: u64,
    /// Packets marked for congestion.
    pub marked: u64,
    /// Frames that a link layer sent again.
    pub replays: u64,
    /// Pauses that receivers asked for.
    pub pauses: u64,
    /// Acknowledgements, of both kinds.
    pub acknowledgements: u64,
}

/// What one edge carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EdgeUse {
    /// Bytes on the wire, everything included.
    pub bytes: u64,
    /// Most bytes that waited for it at once.
    pub queue_bytes_max: u64,
    /// Time during which it was not allowed to send though it had something to.
    pub paused: Time,
    /// Frames sent again by the link layer.
    pub replays: u64,
    /// Packets lost on it or in front of it.
    pub lost: u64,
}

/// What is recorded over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampling {
    /// Length of a slot, not zero.
    pub slot: Time,
    /// Edges to watch.
    pub edges: Vec<EdgeId>,
}

/// What edges and queues did over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// Length of a slot.
    pub slot: Time,
    /// Edges that were watched.
    pub edges: Vec<EdgeId>,
    /// Bytes sent per watched edge and slot.
    pub bytes: Vec<Vec<u64>>,
    /// Most bytes waiting per watched edge and slot; nothing of the flow engine, which has no queues.
    pub queue: Vec<Vec<u64>>,
}

/// What a run skipped, since it went on in the same way. Counters and events are those of what was run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Skipped {
    /// How many spans of time in which rates had settled.
    pub spans: u64,
    /// How many rounds that repeated the ones before.
    pub rounds: u64,
    /// Length of both in all.
    pub time: Time,
    /// Data packets that were not run, and their payload in bytes.
    pub packets: u64,
    /// Payload of these packets.
    pub bytes: u64,
    /// What samples left open, relative, of the least sure skip: standard error of messages' rates (root mean square) with
    /// what trends there were, or of a round's length.
    pub error: f64,
}

/// What a run has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// For every task when it ran.
    pub finishes: Vec<Finish>,
    /// What was counted.
    pub counters: Counters,
    /// What each edge carried; empty when not asked for.
    pub edges: Vec<EdgeUse>,
    /// Over time; empty when not asked for.
    pub series: Series,
    /// What was skipped; `None` where everything was run.
    pub skipped: Option<Skipped>,
    /// Whether the run was stopped before all tasks were done.
    pub stopped: bool,
    /// Simulated time at the end.
    pub end: Time,
    /// What a reader of the answer must know: estimates used, limits reached.
    pub notes: Vec<String>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Simulated time.
    pub now: Time,
    /// Events handled.
    pub events: u64,
    /// Tasks done.
    pub done: u64,
    /// Tasks in all.
    pub tasks: u64,
    /// Bytes delivered over bytes to deliver, where known.
    pub share: f64,
}

/// Looks on while an engine runs, and may stop it. Called every few ten thousand events.
pub trait Observer {
    /// Reports; `Break` ends the run with what is finished.
    fn report(&mut self, progress: &Progress) -> ControlFlow<()>;
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn report(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Completion times of messages in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Completion {
    /// The quickest.
    pub min: f64,
    /// The median: the least time that at least half of the messages keep.
    pub p50: f64,
    /// The least time that at least 99 % of the messages keep.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

/// Which end of a message is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The receiver's.
    Delivered,
    /// The sender's.
    Acknowledged,
}

impl Outcome {
    /// Times from start to end of all finished messages, in the order of tasks.
    pub fn completion_times(&self, traffic: &Traffic, end: End) -> Vec<(TaskId, Time)> {
        let message = |at: &usize| !matches!(traffic.tasks[*at].work, Work::Delay { .. });
        (0..self.finishes.len().min(traffic.tasks.len()))
            .filter(message)
            .filter_map(|at| {
                let finish = self.finishes[at];
                let last = match end {
                    End::Delivered => finish.delivered,
                    End::Acknowledged => finish.acknowledged,
                };
                (last != Time::NEVER).then(|| (TaskId(at as u32), last.saturating_sub(finish.start)))
            })
            .collect()
    }

    /// Percentiles (nearest rank) of the completion times. `None` without a finished message.
    pub fn completion(&self, traffic: &Traffic, end: End) -> Option<Completion> {
        // With the number of messages that took so long.
        let mut times: Vec<(u64, u64)> = self
            .completion_times(traffic, end)
            .into_iter()
            .map(|(task, time)| (time.0, traffic.copies_of(task)))
            .collect();
        times.sort_unstable();
        let (first, last) = (times.first()?.0, times.last()?.0);
        let us = |ps: u64| Time(ps).as_us();
        let count: u64 = times.iter().map(|(_, copies)| copies).sum();
        let rank = |share: f64| {
            let wanted = ((share * count as f64).ceil() as u64).clamp(1, count);
            if traffic.copies.is_empty() {
                return times[wanted as usize - 1].0;
            }
            let mut passed = 0;
            let found = times.iter().find(|(_, copies)| {
                passed += copies;
                passed >= wanted
            });
            found.map_or(last, |(time, _)| *time)
        };
        let sum: u128 = times.iter().map(|(time, copies)| u128::from(*time) * u128::from(*copies)).sum();
        Some(Completion {
            min: us(first),
            p50: us(rank(0.5)),
            p99: us(rank(0.99)),
            max: us(last),
            mean: sum as f64 / count as f64 * 1e-6,
        })
    }

    /// Number of finished messages.
    pub fn messages_done(&self, traffic: &Traffic) -> u64 {
        let done = self.finishes.iter().take(traffic.tasks.len()).enumerate();
        let done = done.filter(|(_, finish)| finish.acknowledged != Time::NEVER);
        done.map(|(task, _)| traffic.copies_of(TaskId(task as u32))).sum()
    }

    /// When the last task was done.
    pub fn makespan(&self, end: End) -> Time {
        let last = |finish: &Finish| match end {
            End::Delivered => finish.delivered,
            End::Acknowledged => finish.acknowledged,
        };
        self.finishes.iter().map(last).filter(|time| *time != Time::NEVER).max().unwrap_or(Time::ZERO)
    }

    /// A hash of every task's times in order (multiply and fold, 64 bit): equal answers have equal hashes.
    pub fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for finish in &self.finishes {
            for time in [finish.start, finish.delivered, finish.acknowledged] {
                hash = (hash ^ time.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                hash ^= hash >> 32;
            }
        }
        hash
    }
}
