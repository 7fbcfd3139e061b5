//! Hierarchical: within groups, then between groups on every rail at once, then within groups again.
//!
//! Member `i` of every group forms rail `i`. Within a group the members reduce-scatter so that member `i` has part `i`; the
//! rails all-reduce their parts; within a group the members all-gather. Within groups each sends to each (scale-up switches
//! let them); between groups [`super::Collective::outer`] says how.

use super::schedule::{Group, Ready, Schedule};
use super::{Algorithm, Operation, direct, halving, ring};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let members = schedule.collective.group as usize;
    let groups = group.len() / members;
    let operation = schedule.collective.operation;
    let mut have = ready.clone();
    if operation != Operation::AllGather && members > 1 {
        have = within(schedule, group, members, &have, direct::reduce_scatter);
    }
    if groups > 1 {
        have = between(schedule, group, members, &have, operation);
    }
    if operation != Operation::ReduceScatter && members > 1 {
        have = within(schedule, group, members, &have, direct::all_gather);
    }
    have
}

/// One phase in every group. Units are ordered by rail, then by group, so that a rail's part is one run.
fn within(
    schedule: &mut Schedule<'_>,
    all: &Group,
    members: usize,
    ready: &Ready,
    phase: fn(&mut Schedule<'_>, &Group, &Ready) -> Ready,
) -> Ready {
    let mut done = vec![Vec::new(); all.len()];
    for first in (0..all.len()).step_by(members) {
        let group = Group { ranks: all.ranks[first..first + members].to_vec(), ..all.clone() };
        let mut entry: Ready = ready[first..first + members].to_vec();
        for (tasks, rank) in entry.iter_mut().zip(&group.ranks) {
            schedule.gather(*rank, tasks);
        }
        let part = phase(schedule, &group, &entry);
        done[first..first + members].clone_from_slice(&part);
    }
    done
}

/// One phase on every rail, over the rail's part.
fn between(schedule: &mut Schedule<'_>, all: &Group, members: usize, ready: &Ready, operation: Operation) -> Ready {
    let mut done = vec![Vec::new(); all.len()];
    let (groups, each) = (all.len() / members, all.units / members as u32);
    for rail in 0..members {
        let ranks: Vec<usize> = (0..groups).map(|group| group * members + rail).collect();
        let group = Group {
            ranks: ranks.iter().map(|rank| all.ranks[*rank]).collect(),
            first: all.first + rail as u32 * each,
            units: each,
        };
        let mut entry: Ready = ranks.iter().map(|rank| ready[*rank].clone()).collect();
        for (tasks, rank) in entry.iter_mut().zip(&group.ranks) {
            schedule.gather(*rank, tasks);
        }
        let outer = schedule.collective.outer;
        let part = match (outer, operation) {
            (Algorithm::HalvingDoubling, Operation::AllReduce) => halving::add(schedule, &group, &entry),
            (Algorithm::HalvingDoubling, Operation::ReduceScatter) => halving::reduce_scatter(schedule, &group, &entry),
            (Algorithm::HalvingDoubling, _) => halving::all_gather(schedule, &group, &entry),
            // Operations of these two are told apart there by the collective's own.
            (Algorithm::Direct, _) => direct::add(schedule, &group, &entry),
            _ => ring::add(schedule, &group, &entry),
        };
        for (rank, tasks) in ranks.into_iter().zip(part) {
            done[rank] = tasks;
        }
    }
    done
}
