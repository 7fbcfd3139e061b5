//! Ring: parts go round, each rank passing on to the next.

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    match schedule.collective.operation {
        Operation::ReduceScatter => reduce_scatter(schedule, group, ready),
        Operation::AllGather => all_gather(schedule, group, ready),
        Operation::Broadcast => chain(schedule, group, ready),
        _ => {
            let scattered = reduce_scatter(schedule, group, ready);
            all_gather(schedule, group, &scattered)
        }
    }
}

/// Part `b` starts at the rank after `b` and collects every rank's share on its way round to rank `b`.
pub(super) fn reduce_scatter(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut last = vec![None; p];
    let mut after = Vec::new();
    for hop in 0..p - 1 {
        for (part, last) in last.iter_mut().enumerate() {
            let (from, to) = ((part + 1 + hop) % p, (part + 2 + hop) % p);
            // The sender's own share must be there too.
            after.clear();
            after.extend(last.iter().chain(&ready[from]));
            let units = group.parts(part, part + 1);
            *last = Some(schedule.send(group.ranks[from], group.ranks[to], &[units], Effect::Add, &after));
        }
    }
    last.iter().zip(ready).map(|(last, ready)| last.iter().chain(ready).copied().collect()).collect()
}

/// Part `b` starts at rank `b` and goes round.
pub(super) fn all_gather(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut last: Vec<Vec<_>> = ready.clone();
    let mut done = ready.clone();
    for hop in 0..p - 1 {
        for (part, last) in last.iter_mut().enumerate() {
            let (from, to) = ((part + hop) % p, (part + 1 + hop) % p);
            let units = group.parts(part, part + 1);
            let task = schedule.send(group.ranks[from], group.ranks[to], &[units], Effect::Copy, last);
            last.clear();
            last.push(task);
            done[to].push(task);
        }
    }
    done
}

/// A broadcast from rank to rank; chunks make it a pipeline.
fn chain(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let (p, root) = (group.len(), schedule.collective.root as usize);
    let mut done = ready.clone();
    for hop in 0..p - 1 {
        let (from, to) = ((root + hop) % p, (root + hop + 1) % p);
        let after = done[from].clone();
        let task = schedule.send(group.ranks[from], group.ranks[to], &[group.all()], Effect::Copy, &after);
        done[to].push(task);
    }
    done
}
