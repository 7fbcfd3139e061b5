//! Direct: each rank sends to each, at once, beginning with its next (so that no rank gets all first messages).

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    match schedule.collective.operation {
        Operation::ReduceScatter => reduce_scatter(schedule, group, ready),
        Operation::AllGather => all_gather(schedule, group, ready),
        Operation::AllToAll => all_to_all(schedule, group, ready),
        Operation::Broadcast => broadcast(schedule, group, ready),
        Operation::SendRecv => send_recv(schedule, group, ready),
        Operation::AllReduce => {
            let mut scattered = reduce_scatter(schedule, group, ready);
            for (rank, tasks) in scattered.iter_mut().enumerate() {
                schedule.gather(group.ranks[rank], tasks);
            }
            all_gather(schedule, group, &scattered)
        }
    }
}

pub(super) fn reduce_scatter(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut done = ready.clone();
    for shift in 1..p {
        for (from, after) in ready.iter().enumerate() {
            let to = (from + shift) % p;
            let units = group.parts(to, to + 1);
            let task = schedule.send(group.ranks[from], group.ranks[to], &[units], Effect::Add, after);
            done[to].push(task);
        }
    }
    done
}

pub(super) fn all_gather(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut done = ready.clone();
    for shift in 1..p {
        for (from, after) in ready.iter().enumerate() {
            let to = (from + shift) % p;
            let units = group.parts(from, from + 1);
            let task = schedule.send(group.ranks[from], group.ranks[to], &[units], Effect::Copy, after);
            done[to].push(task);
        }
    }
    done
}

fn all_to_all(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut done = ready.clone();
    for shift in 1..p {
        for (from, after) in ready.iter().enumerate() {
            let to = (from + shift) % p;
            let unit = group.first + (from * p + to) as u32;
            let bytes = schedule.pair_bytes(unit);
            // A pair with nothing to say is left out: unequal parts often have many.
            if bytes > 0 {
                let (from, to) = (group.ranks[from], group.ranks[to]);
                let whole = || std::iter::once(unit..unit + 1).collect();
                let task = schedule.send_bytes(from, to, bytes, Effect::Copy, after, whole);
                done[to as usize].push(task);
            }
        }
    }
    done
}

fn broadcast(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let (p, root) = (group.len(), schedule.collective.root as usize);
    let mut done = ready.clone();
    for shift in 1..p {
        let to = (root + shift) % p;
        let task = schedule.send(group.ranks[root], group.ranks[to], &[group.all()], Effect::Copy, &ready[root]);
        done[to].push(task);
    }
    done
}

/// Each rank sends its buffer to the next, as nccl-tests' sendrecv does.
fn send_recv(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut done = ready.clone();
    for (from, after) in ready.iter().enumerate() {
        let to = (from + 1) % p;
        let units = group.parts(from, from + 1);
        let task = schedule.send(group.ranks[from], group.ranks[to], &[units], Effect::Copy, after);
        done[to].push(task);
    }
    done
}
