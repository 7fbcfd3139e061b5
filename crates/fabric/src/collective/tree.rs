//! Binomial tree: in every step each rank that has the data gives them to one that has not.

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let reduced = match schedule.collective.operation {
        Operation::Broadcast => ready.clone(),
        _ => reduce(schedule, group, ready),
    };
    broadcast(schedule, group, &reduced)
}

/// Sums go up: the rank at distance `v` from the root sends to `v` without its highest bit.
fn reduce(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let (p, root) = (group.len(), schedule.collective.root as usize);
    let mut have = ready.clone();
    for bit in (0..usize::BITS - (p - 1).leading_zeros()).rev() {
        for v in (1usize << bit)..(2usize << bit).min(p) {
            let (from, to) = ((v + root) % p, (v - (1 << bit) + root) % p);
            let mut after = std::mem::take(&mut have[from]);
            schedule.gather(group.ranks[from], &mut after);
            let task = schedule.send(group.ranks[from], group.ranks[to], &[group.all()], Effect::Add, &after);
            have[to].push(task);
            have[from] = ready[from].clone();
        }
    }
    have
}

/// Data go down: in step `k` the ranks at distance below `2^k` send to those `2^k` further.
fn broadcast(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let (p, root) = (group.len(), schedule.collective.root as usize);
    let mut have = ready.clone();
    schedule.gather(group.ranks[root], &mut have[root]);
    let mut reach = 1;
    while reach < p {
        for v in 0..reach.min(p - reach) {
            let (from, to) = ((v + root) % p, (v + reach + root) % p);
            let after = have[from].clone();
            let task = schedule.send(group.ranks[from], group.ranks[to], &[group.all()], Effect::Copy, &after);
            have[to].push(task);
        }
        reach *= 2;
    }
    have
}
