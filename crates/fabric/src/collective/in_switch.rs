//! In-switch: the network adds up and copies (SHARP, NVLS).

use super::Operation;
use super::schedule::{Group, Ready, Schedule};
use crate::traffic::{InNetwork, TaskId};

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let p = group.len();
    let mut all: Vec<TaskId> = ready.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    let root = schedule.collective.root;
    let bytes = schedule.bytes(&group.all());
    let mut done = ready.clone();
    let tasks: Vec<TaskId> = match schedule.collective.operation {
        Operation::AllGather => (0..p)
            .map(|rank| {
                let units = group.parts(rank, rank + 1);
                let bytes = schedule.bytes(&units);
                schedule.in_network(InNetwork::Multicast, rank as u32, bytes, units, &ready[rank])
            })
            .collect(),
        Operation::ReduceScatter => vec![schedule.in_network(InNetwork::ReduceScatter, 0, bytes, group.all(), &all)],
        Operation::Broadcast => {
            let after = &ready[root as usize];
            vec![schedule.in_network(InNetwork::Multicast, root, bytes, group.all(), after)]
        }
        _ => vec![schedule.in_network(InNetwork::AllReduce, 0, bytes, group.all(), &all)],
    };
    done.iter_mut().for_each(|done| done.extend(&tasks));
    done
}
