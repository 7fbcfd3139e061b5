//! Collective operations as traffic: who sends what to whom, and after receiving what.
//!
//! [`Collective`] names an operation, an algorithm and its members; [`Collective::traffic`] makes its messages with the
//! waits that the data ask for (a rank passes a part on only when it has received all that goes into it). [`cost`] is the
//! closed form of each algorithm, [`bandwidth`] gives NCCL's figures, [`best`] searches, and [`verify`] follows the data
//! through the messages and says whether every rank ends with what it should have.

mod algorithm;
pub mod bandwidth;
pub mod best;
mod bruck;
pub mod cost;
mod direct;
mod double_tree;
mod halving;
mod hierarchical;
mod in_switch;
mod rail;
mod recursive_doubling;
mod ring;
mod rounds;
mod schedule;
mod tree;
pub mod verify;

pub use algorithm::{Algorithm, Operation, parse};

use crate::network::EndpointId;
use crate::traffic::{Builder, TaskId, Traffic, When};
use schedule::{Group, Schedule};

/// Most tasks that one collective may become: what 32-bit task numbers and some 40 GB of memory allow.
pub const TASK_LIMIT: u64 = 1 << 30;

/// A collective operation among members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collective {
    /// What is done.
    pub operation: Operation,
    /// How.
    pub algorithm: Algorithm,
    /// Who takes part, in order of rank.
    pub members: Vec<EndpointId>,
    /// Bytes in the sense of nccl-tests: the buffer of one rank for all-reduce, broadcast and send/receive; the whole
    /// (all ranks' parts) for reduce-scatter, all-gather and all-to-all.
    pub bytes: u64,
    /// Bytes from each member to each (row by row, own entries unused) for an all-to-all of unequal parts.
    pub parts: Option<Vec<u64>>,
    /// Parallel instances that share the bytes.
    pub channels: u32,
    /// Pieces per channel that follow each other.
    pub chunks: u32,
    /// Pieces that one member may have on the way to another at once; 0 for no limit.
    pub in_flight: u32,
    /// Members per group (node, scale-up domain) for algorithms with levels; consecutive ranks form a group.
    pub group: u32,
    /// How the groups work together in algorithms with levels: ring, halving-doubling or direct.
    pub outer: Algorithm,
    /// The rank that a broadcast starts from.
    pub root: u32,
    /// When a message counts as received for the one that passes its data on. [`When::Acknowledged`] makes each step wait
    /// for the return trip, as connection matrices with `send_done_trigger` do.
    pub when: When,
}

/// Why a collective cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectiveError {
    /// The algorithm does not do this operation.
    NotForThis(Operation, Algorithm),
    /// Fewer than two members, or no bytes.
    Nothing,
    /// The same endpoint twice.
    Twice(EndpointId),
    /// Members do not divide into groups of this size.
    Groups(usize, u32),
    /// The groups cannot work together in this way.
    Outer(Algorithm),
    /// A rank that is not a member.
    Root(u32),
    /// The parts of an unequal all-to-all are not one per pair of members.
    Parts(usize),
    /// More messages than [`TASK_LIMIT`].
    TooLarge(u64),
}

impl std::fmt::Display for CollectiveError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotForThis(operation, algorithm) => {
                write!(out, "{} has no {}; it can be done by: ", algorithm.name(), operation.name())?;
                let names: Vec<&str> = operation.algorithms().iter().map(|algorithm| algorithm.name()).collect();
                write!(out, "{}", names.join(", "))
            }
            Self::Nothing => write!(out, "a collective needs two members, and at least one byte, channel and chunk"),
            Self::Twice(endpoint) => write!(out, "endpoint {} is a member twice", endpoint.0),
            Self::Groups(members, group) => write!(out, "{members} members do not divide into groups of {group}"),
            Self::Outer(algorithm) => {
                write!(out, "groups work together by ring, halving-doubling or direct, not by {}", algorithm.name())
            }
            Self::Root(rank) => write!(out, "there is no rank {rank}"),
            Self::Parts(count) => {
                write!(out, "an all-to-all of unequal parts needs one per pair of ranks, not {count}")
            }
            Self::TooLarge(tasks) => write!(
                out,
                "{tasks} messages are more than {TASK_LIMIT}: take fewer chunks, or an algorithm of fewer steps \
                 (halving-doubling)"
            ),
        }
    }
}

impl std::error::Error for CollectiveError {}

impl Collective {
    /// One channel, one chunk, groups of 8 that work together in rings, from rank 0, each step after the receipt of what
    /// it needs.
    pub fn new(operation: Operation, algorithm: Algorithm, members: Vec<EndpointId>, bytes: u64) -> Self {
        Self {
            operation,
            algorithm,
            members,
            bytes,
            parts: None,
            channels: 1,
            chunks: 1,
            in_flight: 2,
            group: 8,
            outer: Algorithm::Ring,
            root: 0,
            when: When::Delivered,
        }
    }

    /// The collective as traffic of its own.
    pub fn traffic(&self) -> Result<Traffic, CollectiveError> {
        let mut builder = Builder::default();
        self.expand(&mut builder, None)?;
        Ok(builder.build())
    }

    /// Adds the collective to other traffic. `entry` are the tasks that each member must have done before (one list per
    /// member); what comes back are, per member, the tasks after whose delivery the collective is done for it.
    pub fn add(&self, builder: &mut Builder, entry: &[Vec<TaskId>]) -> Result<Vec<Vec<TaskId>>, CollectiveError> {
        let entry = (!entry.is_empty()).then_some(entry);
        self.expand(builder, entry)
    }

    /// Errors that can be told without making it.
    pub fn check(&self) -> Result<(), CollectiveError> {
        self.check_form()?;
        let tasks = self.messages_about();
        if tasks > TASK_LIMIT { Err(CollectiveError::TooLarge(tasks)) } else { Ok(()) }
    }

    /// The same, however many messages it becomes.
    pub fn check_form(&self) -> Result<(), CollectiveError> {
        let members = self.members.len();
        if members < 2 || self.channels == 0 || self.chunks == 0 || (self.bytes == 0 && self.parts.is_none()) {
            return Err(CollectiveError::Nothing);
        }
        let mut sorted = self.members.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(CollectiveError::Twice(pair[0]));
        }
        if !self.operation.algorithms().contains(&self.algorithm) {
            return Err(CollectiveError::NotForThis(self.operation, self.algorithm));
        }
        if self.root as usize >= members {
            return Err(CollectiveError::Root(self.root));
        }
        if matches!(self.algorithm, Algorithm::Hierarchical | Algorithm::RailAware) {
            if self.group == 0 || !members.is_multiple_of(self.group as usize) {
                return Err(CollectiveError::Groups(members, self.group));
            }
            if !matches!(self.outer, Algorithm::Ring | Algorithm::HalvingDoubling | Algorithm::Direct) {
                return Err(CollectiveError::Outer(self.outer));
            }
        }
        if let Some(parts) = &self.parts
            && (parts.len() != members * members || self.operation != Operation::AllToAll)
        {
            return Err(CollectiveError::Parts(parts.len()));
        }
        Ok(())
    }

    /// About how many messages it becomes; never too few by more than a factor of two.
    pub fn messages_about(&self) -> u64 {
        let p = self.members.len() as u64;
        let log = u64::from(p.next_power_of_two().trailing_zeros()).max(1);
        let outer = |n: u64| if self.outer == Algorithm::HalvingDoubling { 2 * log } else { 2 * n };
        let each = match self.algorithm {
            Algorithm::Ring => match self.operation {
                Operation::AllReduce => p.saturating_mul(2 * p),
                Operation::Broadcast | Operation::SendRecv => p,
                _ => p.saturating_mul(p),
            },
            Algorithm::Direct => match self.operation {
                Operation::AllReduce => p.saturating_mul(2 * p),
                Operation::Broadcast | Operation::SendRecv => p,
                _ => p.saturating_mul(p),
            },
            Algorithm::Tree | Algorithm::DoubleTree => 4 * p,
            Algorithm::HalvingDoubling => 2 * p * (log + 1),
            Algorithm::RecursiveDoubling | Algorithm::Bruck => p * (log + 1),
            Algorithm::Hierarchical | Algorithm::RailAware => {
                let group = u64::from(self.group.max(1));
                p.saturating_mul(2 * group + outer(p / group))
            }
            Algorithm::InSwitch => p,
        };
        each.saturating_mul(u64::from(self.channels)).saturating_mul(u64::from(self.chunks))
    }

    fn expand(
        &self,
        builder: &mut Builder,
        entry: Option<&[Vec<TaskId>]>,
    ) -> Result<Vec<Vec<TaskId>>, CollectiveError> {
        Ok(self.schedule(builder, entry, false)?.1)
    }

    /// Makes the messages; with `record` keeps what each carries.
    fn schedule<'b>(
        &'b self,
        builder: &'b mut Builder,
        entry: Option<&[Vec<TaskId>]>,
        record: bool,
    ) -> Result<(Schedule<'b>, Vec<Vec<TaskId>>), CollectiveError> {
        self.check()?;
        let p = self.members.len();
        let mut schedule = Schedule::new(builder, self, record, entry.is_some());
        let ready = match entry {
            Some(entry) => (0..p).map(|rank| entry.get(rank).cloned().unwrap_or_default()).collect(),
            None => vec![Vec::new(); p],
        };
        let base = schedule.base_units();
        let mut done = vec![Vec::new(); p];
        for channel in 0..self.channels {
            for chunk in 0..self.chunks {
                schedule.stream = channel;
                let first = (channel * self.chunks + chunk) * base;
                let group = Group { ranks: (0..p as u32).collect(), first, units: base };
                let part = match self.algorithm {
                    Algorithm::Ring => ring::add(&mut schedule, &group, &ready),
                    Algorithm::Tree => tree::add(&mut schedule, &group, &ready),
                    Algorithm::DoubleTree => double_tree::add(&mut schedule, &group, &ready),
                    Algorithm::HalvingDoubling => halving::add(&mut schedule, &group, &ready),
                    Algorithm::RecursiveDoubling => recursive_doubling::add(&mut schedule, &group, &ready),
                    Algorithm::Bruck => bruck::add(&mut schedule, &group, &ready),
                    Algorithm::Direct => direct::add(&mut schedule, &group, &ready),
                    Algorithm::Hierarchical => hierarchical::add(&mut schedule, &group, &ready),
                    Algorithm::RailAware => rail::add(&mut schedule, &group, &ready),
                    Algorithm::InSwitch => in_switch::add(&mut schedule, &group, &ready),
                };
                for (all, part) in done.iter_mut().zip(part) {
                    all.extend(part);
                }
            }
        }
        // A member is also done only when what it sent has arrived.
        if entry.is_some() {
            for (rank, done) in done.iter_mut().enumerate() {
                done.extend(&schedule.sent[rank]);
                done.sort_unstable();
                done.dedup();
            }
        }
        Ok((schedule, done))
    }
}

#[cfg(test)]
mod tests;
