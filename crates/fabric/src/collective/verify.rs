//! Follows data through the messages of a collective: does every rank end with what it should have?
//!
//! A message carries what its sender holds when everything that it waits for, directly or through others, has arrived, and
//! nothing that merely might have arrived. So a missing wait shows as missing data, a share that comes twice as an error.

use std::collections::HashMap;

use super::schedule::{Carried, Effect};
use super::{Algorithm, Collective, Operation};
use crate::traffic::{Builder, InNetwork, TaskId, Traffic};

/// Most members and tasks that are followed.
pub const VERIFY_LIMIT: (usize, usize) = (64, 40_000);

/// Ranks whose shares are in a unit, a bit each.
type Shares = u64;

/// Makes the collective and follows its data. `Err` says what is wrong.
pub fn verify(collective: &Collective) -> Result<(), String> {
    let mut builder = Builder::default();
    let (schedule, done) = collective.schedule(&mut builder, None, true).map_err(|error| error.to_string())?;
    let (carried, base, units) = (schedule.carried.clone(), schedule.base_units(), schedule.total_units());
    drop(schedule);
    let traffic = builder.build();
    let p = collective.members.len();
    if p > VERIFY_LIMIT.0 || traffic.tasks.len() > VERIFY_LIMIT.1 {
        return Err(format!("{p} members and {} tasks are more than is followed", traffic.tasks.len()));
    }
    let order = order(&traffic)?;
    let before = ancestors(&traffic, &order);
    let mut writes: HashMap<(u32, u32), Vec<Write>> = HashMap::new();
    let mut by_task: Vec<Option<&Carried>> = vec![None; traffic.tasks.len()];
    for carried in &carried {
        by_task[carried.task.index()] = Some(carried);
    }
    let data = Data { collective, base, before: &before };
    for task in &order {
        let Some(carried) = by_task[task.index()] else { continue };
        let reads = |rank: u32, unit: u32, writes: &HashMap<(u32, u32), Vec<Write>>| {
            data.held(rank, unit, writes, |write| bit(&before[task.index()], write.index()))
        };
        for unit in carried.units.iter().cloned().flatten() {
            let (to, shares): (Vec<u32>, Shares) = match carried.in_network {
                None => (vec![carried.to], reads(carried.from, unit, &writes)?),
                Some(InNetwork::Multicast) => {
                    let others = (0..p as u32).filter(|rank| *rank != carried.from).collect();
                    (others, reads(carried.from, unit, &writes)?)
                }
                Some(kind) => {
                    let mut sum = 0;
                    for rank in 0..p as u32 {
                        sum = add(sum, reads(rank, unit, &writes)?, || format!("the network's sum of unit {unit}"))?;
                    }
                    let all = kind == InNetwork::AllReduce;
                    ((0..p as u32).filter(|rank| all || *rank == data.owner(unit)).collect(), sum)
                }
            };
            if shares == 0 {
                return Err(format!(
                    "task {} sends unit {unit} of rank {}, which has none of it",
                    task.0, carried.from
                ));
            }
            for rank in to {
                let write = Write { task: *task, effect: carried.effect, shares };
                writes.entry((rank, unit)).or_default().push(write);
            }
        }
    }
    for rank in 0..p as u32 {
        let mut seen = vec![0u64; traffic.tasks.len().div_ceil(64)];
        for task in &done[rank as usize] {
            seen[task.index() / 64] |= 1 << (task.index() % 64);
            seen.iter_mut().zip(&before[task.index()]).for_each(|(seen, before)| *seen |= before);
        }
        for unit in 0..units {
            let Some(expected) = data.expected(rank, unit) else { continue };
            let held = data.held(rank, unit, &writes, |write| bit(&seen, write.index()))?;
            if held != expected {
                return Err(format!("rank {rank} ends with shares {held:b} of unit {unit} instead of {expected:b}"));
            }
        }
    }
    Ok(())
}

/// A message into a unit of a rank.
#[derive(Clone, Copy, Debug)]
struct Write {
    task: TaskId,
    effect: Effect,
    shares: Shares,
}

struct Data<'a> {
    collective: &'a Collective,
    base: u32,
    before: &'a [Vec<u64>],
}

impl Data<'_> {
    /// The rank that a unit belongs to: its source in gathers, its destination in scatters.
    fn owner(&self, unit: u32) -> u32 {
        let (p, unit) = (self.collective.members.len() as u32, unit % self.base);
        let at = unit / (self.base / p).max(1);
        if self.collective.algorithm == Algorithm::Hierarchical {
            let groups = p / self.collective.group;
            at % groups * self.collective.group + at / groups
        } else {
            at
        }
    }

    /// What a rank has at first.
    fn initial(&self, rank: u32, unit: u32) -> Shares {
        let source = match self.collective.operation {
            Operation::AllReduce | Operation::ReduceScatter => rank,
            Operation::AllGather | Operation::AllToAll | Operation::SendRecv => self.owner(unit),
            Operation::Broadcast => self.collective.root,
        };
        if source == rank { 1 << rank } else { 0 }
    }

    /// What a rank must have at last, if it must have the unit.
    fn expected(&self, rank: u32, unit: u32) -> Option<Shares> {
        let p = self.collective.members.len() as u32;
        let all = Shares::MAX >> (64 - p);
        match self.collective.operation {
            Operation::AllReduce => Some(all),
            Operation::ReduceScatter => (self.owner(unit) == rank).then_some(all),
            Operation::AllGather => Some(1 << self.owner(unit)),
            Operation::AllToAll => (unit % self.base % p == rank).then_some(1 << self.owner(unit)),
            Operation::Broadcast => Some(1 << self.collective.root),
            Operation::SendRecv => ((self.owner(unit) + 1) % p == rank).then_some(1 << self.owner(unit)),
        }
    }

    /// What a rank holds of a unit once the writes that `arrived` admits are in.
    fn held(
        &self,
        rank: u32,
        unit: u32,
        writes: &HashMap<(u32, u32), Vec<Write>>,
        arrived: impl Fn(TaskId) -> bool,
    ) -> Result<Shares, String> {
        let mut held = self.initial(rank, unit);
        let mut last: Vec<TaskId> = Vec::new();
        // Writes are listed in an order that respects the waits.
        for write in writes.get(&(rank, unit)).into_iter().flatten().filter(|write| arrived(write.task)) {
            let after = |first: &TaskId| bit(&self.before[write.task.index()], first.index());
            if write.effect == Effect::Copy {
                if !last.iter().all(after) {
                    return Err(format!("task {} may replace unit {unit} of rank {rank} too early", write.task.0));
                }
                held = write.shares;
                last = vec![write.task];
            } else {
                held = add(held, write.shares, || format!("task {} into rank {rank}", write.task.0))?;
                last.push(write.task);
            }
        }
        Ok(held)
    }
}

/// The sum of shares, none of which may come twice.
fn add(held: Shares, more: Shares, what: impl Fn() -> String) -> Result<Shares, String> {
    if held & more == 0 { Ok(held | more) } else { Err(format!("{}: shares {:b} come twice", what(), held & more)) }
}

fn bit(set: &[u64], at: usize) -> bool {
    set[at / 64] >> (at % 64) & 1 == 1
}

/// Tasks in an order in which each comes after those that it waits for.
fn order(traffic: &Traffic) -> Result<Vec<TaskId>, String> {
    traffic.check(usize::MAX).map_err(|error| error.to_string())?;
    let mut left: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    let mut order: Vec<TaskId> = (0..left.len() as u32).filter(|at| left[*at as usize] == 0).map(TaskId).collect();
    let mut next = 0;
    while let Some(task) = order.get(next).copied() {
        for follower in traffic.followers_of(task) {
            left[follower.task.index()] -= 1;
            if left[follower.task.index()] == 0 {
                order.push(follower.task);
            }
        }
        next += 1;
    }
    Ok(order)
}

/// For every task the set of those that it waits for, directly or through others.
fn ancestors(traffic: &Traffic, order: &[TaskId]) -> Vec<Vec<u64>> {
    let words = traffic.tasks.len().div_ceil(64);
    let mut before = vec![vec![0u64; words]; traffic.tasks.len()];
    for task in order {
        for follower in traffic.followers_of(*task) {
            let mut of = std::mem::take(&mut before[follower.task.index()]);
            of.iter_mut().zip(&before[task.index()]).for_each(|(to, from)| *to |= from);
            of[task.index() / 64] |= 1 << (task.index() % 64);
            before[follower.task.index()] = of;
        }
    }
    before
}
