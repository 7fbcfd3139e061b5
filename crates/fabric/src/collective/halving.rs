//! Recursive halving and doubling (Rabenseifner): partners at halving distance give each other the half that the other
//! keeps; then they double back.
//!
//! For a number of ranks that is no power of two, the ranks above the power fold their data into one below before, and get
//! theirs back after. A rank `v` below the power works for the parts `v` and, if it has one, its folded partner's.

use std::ops::Range;

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    match schedule.collective.operation {
        Operation::ReduceScatter => reduce_scatter(schedule, group, ready),
        _ => all_reduce(schedule, group, ready),
    }
}

/// Largest power of two that is not above the number of ranks.
pub(super) fn power_below(ranks: usize) -> usize {
    1 << (usize::BITS - 1 - ranks.leading_zeros())
}

/// The parts that ranks `from..to` below the power work for.
fn owned(group: &Group, power: usize, from: usize, to: usize) -> Vec<Range<u32>> {
    let folded = group.len() - power;
    let mut units = vec![group.parts(from, to)];
    if from < folded {
        units.push(group.parts(from + power, to.min(folded) + power));
    }
    units
}

/// Folds the ranks above the power into those below.
pub(super) fn fold(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let power = power_below(group.len());
    let mut have = ready.clone();
    for above in power..group.len() {
        let (from, to) = (group.ranks[above], group.ranks[above - power]);
        let task = schedule.send(from, to, &[group.all()], Effect::Add, &ready[above]);
        have[above - power].push(task);
    }
    have
}

/// Recursive halving below the power: afterwards each rank has the sum of the parts that it works for.
fn halve(schedule: &mut Schedule<'_>, group: &Group, have: &mut Ready) {
    let power = power_below(group.len());
    let mut distance = power / 2;
    while distance > 0 {
        let mut got = Vec::with_capacity(power);
        for (rank, mine) in have.iter_mut().enumerate().take(power) {
            schedule.gather(group.ranks[rank], mine);
            let partner = rank ^ distance;
            let base = partner / distance * distance;
            let units = owned(group, power, base, base + distance);
            let after = mine.clone();
            got.push((partner, schedule.send(group.ranks[rank], group.ranks[partner], &units, Effect::Add, &after)));
        }
        got.into_iter().for_each(|(partner, task)| have[partner].push(task));
        distance /= 2;
    }
}

/// Recursive doubling below the power: each rank gives all parts that it has gathered so far.
pub(super) fn double(schedule: &mut Schedule<'_>, group: &Group, have: &mut Ready) {
    let power = power_below(group.len());
    let mut distance = 1;
    while distance < power {
        let mut got = Vec::with_capacity(power);
        for (rank, mine) in have.iter_mut().enumerate().take(power) {
            schedule.gather(group.ranks[rank], mine);
            let partner = rank ^ distance;
            let base = rank / distance * distance;
            let units = owned(group, power, base, base + distance);
            let after = mine.clone();
            got.push((partner, schedule.send(group.ranks[rank], group.ranks[partner], &units, Effect::Copy, &after)));
        }
        got.into_iter().for_each(|(partner, task)| have[partner].push(task));
        distance *= 2;
    }
}

/// Gives all to the ranks above the power.
pub(super) fn unfold(schedule: &mut Schedule<'_>, group: &Group, have: &mut Ready) {
    let power = power_below(group.len());
    for above in power..group.len() {
        let (from, to) = (above - power, above);
        schedule.gather(group.ranks[from], &mut have[from]);
        let after = have[from].clone();
        let task = schedule.send(group.ranks[from], group.ranks[to], &[group.all()], Effect::Copy, &after);
        have[to].push(task);
    }
}

fn all_reduce(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let mut have = fold(schedule, group, ready);
    halve(schedule, group, &mut have);
    double(schedule, group, &mut have);
    unfold(schedule, group, &mut have);
    have
}

pub(super) fn reduce_scatter(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let power = power_below(group.len());
    let mut have = fold(schedule, group, ready);
    halve(schedule, group, &mut have);
    for above in power..group.len() {
        let from = above - power;
        schedule.gather(group.ranks[from], &mut have[from]);
        let after = have[from].clone();
        let units = group.parts(above, above + 1);
        let task = schedule.send(group.ranks[from], group.ranks[above], &[units], Effect::Copy, &after);
        have[above].push(task);
    }
    have
}

pub(super) fn all_gather(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let power = power_below(group.len());
    let mut have = ready.clone();
    for above in power..group.len() {
        let (from, to) = (group.ranks[above], group.ranks[above - power]);
        let units = group.parts(above, above + 1);
        let task = schedule.send(from, to, &[units], Effect::Copy, &ready[above]);
        have[above - power].push(task);
    }
    double(schedule, group, &mut have);
    unfold(schedule, group, &mut have);
    have
}
