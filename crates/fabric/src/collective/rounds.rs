//! Collectives as rounds: what the generators of messages make, without the messages.

use super::{Algorithm, Collective, Operation};
use crate::traffic::rounds::{Phase, Rounds, Send};

/// Messages of one group in one round above which a collective is no longer made: half a gigabyte.
const ROUND_LIMIT: u64 = 1 << 25;

impl Collective {
    /// The collective as rounds, where these say the same as its messages: rings, direct and hierarchical algorithms, and
    /// halving and doubling among powers of two; in one piece. `None` for others. Parts that are not equal are rounded up.
    pub fn rounds(&self) -> Option<Rounds> {
        let reduces = matches!(self.operation, Operation::AllReduce | Operation::ReduceScatter | Operation::AllGather);
        if self.check_form().is_err() || !reduces || self.chunks != 1 || self.channels != 1 {
            return None;
        }
        let p = self.members.len() as u32;
        let mut maker = Maker { collective: self, rounded_up: false, phases: Vec::new() };
        let all = vec![(0..p).collect::<Vec<u32>>()];
        if self.algorithm == Algorithm::Hierarchical {
            let (within, groups) = (self.group, p / self.group);
            let servers: Vec<Vec<u32>> = (0..groups).map(|one| (one * within..(one + 1) * within).collect()).collect();
            let rails: Vec<Vec<u32>> =
                (0..within).map(|rail| (0..groups).map(|one| one * within + rail).collect()).collect();
            if self.operation != Operation::AllGather && within > 1 {
                maker.add(Algorithm::Direct, Operation::ReduceScatter, &servers, p)?;
            }
            if groups > 1 {
                maker.add(self.outer, self.operation, &rails, p / within)?;
            }
            if self.operation != Operation::ReduceScatter && within > 1 {
                maker.add(Algorithm::Direct, Operation::AllGather, &servers, p)?;
            }
        } else {
            maker.add(self.algorithm, self.operation, &all, p)?;
        }
        let members = self.members.clone();
        Some(Rounds { members, phases: maker.phases, lockstep: false, rounded_up: maker.rounded_up })
    }
}

struct Maker<'a> {
    collective: &'a Collective,
    rounded_up: bool,
    phases: Vec<Phase>,
}

impl Maker<'_> {
    /// An operation in groups of equal size at once, each on so many units (of which there are as many as members).
    fn add(&mut self, algorithm: Algorithm, operation: Operation, groups: &[Vec<u32>], units: u32) -> Option<()> {
        let size = groups.first()?.len();
        let part = units / size as u32;
        let (scatters, gathers) = (operation != Operation::AllGather, operation != Operation::ReduceScatter);
        let halves = u64::from(scatters) + u64::from(gathers);
        match algorithm {
            Algorithm::Ring => self.phase(groups, part, halves * (size as u64 - 1), |rank| vec![(rank + 1) % size]),
            Algorithm::Direct => {
                let others = |rank: usize| (1..size).map(|shift| (rank + shift) % size).collect();
                (0..halves).try_for_each(|_| self.phase(groups, part, 1, others))
            }
            Algorithm::HalvingDoubling if size.is_power_of_two() => {
                let mut distances: Vec<usize> = (0..size.ilog2()).map(|level| 1 << level).collect();
                let back = distances.clone();
                distances.reverse();
                let down = distances.into_iter().filter(|_| scatters);
                for distance in down.chain(back.into_iter().filter(|_| gathers)) {
                    self.phase(groups, part * distance as u32, 1, |rank| vec![rank ^ distance])?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Rounds in which every rank of every group sends so many units to each of those that `to` names.
    fn phase(&mut self, groups: &[Vec<u32>], units: u32, times: u64, to: impl Fn(usize) -> Vec<usize>) -> Option<()> {
        let size = groups.first()?.len();
        let each: u64 = (0..size).map(|rank| to(rank).len() as u64).sum();
        if each > ROUND_LIMIT {
            return None;
        }
        let all = self.collective.members.len() as u128;
        let share = u128::from(self.collective.bytes) * u128::from(units);
        self.rounded_up |= !share.is_multiple_of(all);
        let bytes = share.div_ceil(all).max(1) as u64;
        let sends = (0..size).flat_map(|from| {
            let send = move |to: usize| Send { from: from as u32, to: to as u32, bytes };
            to(from).into_iter().map(send)
        });
        self.phases.push(Phase { groups: groups.to_vec(), sends: sends.collect(), times });
        Some(())
    }
}
