//! Recursive doubling: partners at doubling distance exchange all they have.

use super::schedule::{Effect, Group, Ready, Schedule};
use super::{Operation, halving};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    match schedule.collective.operation {
        Operation::AllGather => halving::all_gather(schedule, group, ready),
        _ => all_reduce(schedule, group, ready),
    }
}

/// Every exchange is of the whole buffer: fewest steps, most bytes.
fn all_reduce(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let power = halving::power_below(group.len());
    let mut have = halving::fold(schedule, group, ready);
    let mut distance = 1;
    while distance < power {
        let mut got = Vec::with_capacity(power);
        for (rank, mine) in have.iter_mut().enumerate().take(power) {
            schedule.gather(group.ranks[rank], mine);
            let (partner, after) = (rank ^ distance, mine.clone());
            let (from, to) = (group.ranks[rank], group.ranks[partner]);
            got.push((partner, schedule.send(from, to, &[group.all()], Effect::Add, &after)));
        }
        got.into_iter().for_each(|(partner, task)| have[partner].push(task));
        distance *= 2;
    }
    halving::unfold(schedule, group, &mut have);
    have
}
