//! Rail-aware all-to-all: within the group to the member on the destination's rail, then along the rail.
//!
//! Each rank sends fewer and larger messages between groups, and none crosses rails (what NCCL calls PXN).

use std::ops::Range;

use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, all: &Group, ready: &Ready) -> Ready {
    let p = all.len();
    let members = schedule.collective.group as usize;
    let groups = p / members;
    let unit = |from: usize, to: usize| {
        let unit = all.first + (from * p + to) as u32;
        unit..unit + 1
    };
    let mut done = ready.clone();
    // Rank `from` gives its neighbour on rail `rail` everything for that rail, in all groups.
    let mut onto = ready.clone();
    for shift in 1..members {
        for (from, after) in ready.iter().enumerate() {
            let (group, rail) = (from / members, (from + shift) % members);
            let to = group * members + rail;
            let units: Vec<Range<u32>> = (0..groups).map(|group| unit(from, group * members + rail)).collect();
            let bytes: u64 = units.iter().map(|unit| schedule.pair_bytes(unit.start)).sum();
            if bytes > 0 {
                let (from, to) = (all.ranks[from], all.ranks[to]);
                let task = schedule.send_bytes(from, to, bytes, Effect::Copy, after, || units);
                onto[to as usize].push(task);
                done[to as usize].push(task);
            }
        }
    }
    for (rank, tasks) in onto.iter_mut().enumerate() {
        schedule.gather(all.ranks[rank], tasks);
    }
    for shift in 1..groups {
        for (from, after) in onto.iter().enumerate() {
            let (group, rail) = (from / members, from % members);
            let to = (group + shift) % groups * members + rail;
            let sources = group * members..(group + 1) * members;
            let units: Vec<Range<u32>> = sources.map(|source| unit(source, to)).collect();
            let bytes: u64 = units.iter().map(|unit| schedule.pair_bytes(unit.start)).sum();
            if bytes > 0 {
                let (sender, receiver) = (all.ranks[from], all.ranks[to]);
                let task = schedule.send_bytes(sender, receiver, bytes, Effect::Copy, after, || units);
                done[to].push(task);
            }
        }
    }
    done
}
