//! Bruck: doubling distance for any number of ranks, in the fewest steps.

use std::ops::Range;

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    match schedule.collective.operation {
        Operation::AllGather => all_gather(schedule, group, ready),
        _ => all_to_all(schedule, group, ready),
    }
}

/// Before the step at distance `d` rank `r` has the parts `r..r + d`; it gives them to rank `r - d`.
fn all_gather(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut have = ready.clone();
    let mut distance = 1;
    while distance < p {
        let mut got = Vec::with_capacity(p);
        let count = distance.min(p - distance);
        for (rank, mine) in have.iter_mut().enumerate() {
            schedule.gather(group.ranks[rank], mine);
            let to = (rank + p - distance) % p;
            let mut units = vec![group.parts(rank, (rank + count).min(p))];
            if rank + count > p {
                units.push(group.parts(0, rank + count - p));
            }
            let after = mine.clone();
            got.push((to, schedule.send(group.ranks[rank], group.ranks[to], &units, Effect::Copy, &after)));
        }
        got.into_iter().for_each(|(to, task)| have[to].push(task));
        distance *= 2;
    }
    have
}

/// A part that has to go `n` ranks further goes `d` of them in the step of each bit `d` of `n`.
fn all_to_all(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut have = ready.clone();
    let mut distance = 1;
    while distance < p {
        let mut got = Vec::with_capacity(p);
        for (rank, mine) in have.iter_mut().enumerate() {
            schedule.gather(group.ranks[rank], mine);
            let to = (rank + distance) % p;
            // Of a part with `way` to go, the lower bits are behind it: they led here from its source.
            let moved = |way: usize| {
                let source = (rank + p - (way & (distance - 1))) % p;
                group.first + (source * p + (source + way) % p) as u32
            };
            let ways = (1..p).filter(|way| way & distance != 0);
            let units: Vec<Range<u32>> = ways.map(|way| moved(way)..moved(way) + 1).collect();
            let bytes = units.iter().map(|unit| schedule.pair_bytes(unit.start)).sum();
            let (after, from) = (mine.clone(), group.ranks[rank]);
            got.push((to, schedule.send_bytes(from, group.ranks[to], bytes, Effect::Copy, &after, || units)));
        }
        got.into_iter().for_each(|(to, task)| have[to].push(task));
        distance *= 2;
    }
    have
}
