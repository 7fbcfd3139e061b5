//! Traffic in lockstep: all tasks of one step wait for all of the step before, as programs with a barrier between steps
//! run. A task's step is the longest chain of waits before it.

use super::{Builder, TaskId, Traffic, TrafficError, When, Work};
use crate::network::EndpointId;
use crate::time::Time;

/// The traffic with a barrier before every step but the first. Tasks keep their numbers; a delay of nothing per barrier
/// stands behind them. A step counts as done by `when`.
pub fn lockstep(traffic: &Traffic, when: When) -> Result<Traffic, TrafficError> {
    let count = traffic.tasks.len();
    let mut left: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    let mut step = vec![0usize; count];
    let mut now: Vec<u32> = (0..count as u32).filter(|at| left[*at as usize] == 0).collect();
    let (mut steps, mut done) = (0, 0);
    let mut members: Vec<Vec<u32>> = Vec::new();
    while !now.is_empty() {
        done += now.len();
        let mut next = Vec::new();
        for at in &now {
            step[*at as usize] = steps;
            for follower in traffic.followers_of(TaskId(*at)) {
                let left = &mut left[follower.task.index()];
                *left -= 1;
                if *left == 0 {
                    next.push(follower.task.0);
                }
            }
        }
        members.push(std::mem::replace(&mut now, next));
        steps += 1;
    }
    if done != count {
        // The check of the traffic itself names the circle.
        traffic.check(usize::MAX)?;
    }
    if count + steps > u32::MAX as usize {
        return Err(TrafficError::TooLarge);
    }
    let mut builder = Builder::default();
    for (at, task) in traffic.tasks.iter().enumerate() {
        let id = builder.task(task.work, task.not_before);
        builder.class(id, task.class);
        if let Some(label) = traffic.labels.get(at) {
            builder.label(*label);
        }
    }
    for group in &traffic.multicasts {
        builder.multicast(group.clone());
    }
    for pair in members.windows(2) {
        let barrier = builder.task(Work::Delay { at: EndpointId(0), time: Time::ZERO }, Time::ZERO);
        if !traffic.labels.is_empty() {
            builder.label(0);
        }
        for before in &pair[0] {
            builder.after(TaskId(*before), barrier, when);
        }
        for after in &pair[1] {
            builder.after(barrier, TaskId(*after), When::Delivered);
        }
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collective::{Algorithm, Collective, Operation};

    #[test]
    fn every_step_of_a_ring_waits_for_the_last() {
        let members = (0..4).map(EndpointId).collect();
        let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 64).traffic().expect("a ring");
        let locked = lockstep(&ring, When::Delivered).expect("no circle");
        // Six steps of four messages with five barriers between them.
        assert_eq!((ring.tasks.len(), locked.tasks.len(), locked.messages()), (24, 29, 24));
        assert_eq!(locked.check(4), Ok(()));
        assert_eq!(locked.tasks.iter().filter(|task| task.waits == 0).count(), 4);
        assert!(locked.tasks[24..].iter().all(|barrier| barrier.waits == 4));
    }

    #[test]
    fn circles_are_refused() {
        let mut builder = Builder::default();
        let [a, b] = [(0, 1), (1, 0)].map(|(from, to)| builder.message(EndpointId(from), EndpointId(to), 8));
        builder.after(a, b, When::Delivered);
        builder.after(b, a, When::Delivered);
        assert!(matches!(lockstep(&builder.build(), When::Delivered), Err(TrafficError::Cycle(_))));
    }
}
