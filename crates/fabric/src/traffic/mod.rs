//! What travels: messages between endpoints and work of endpoints, and what each waits for.
//!
//! Everything that makes traffic (files of other simulators, patterns, collective operations, jobs) ends as a [`Traffic`];
//! both engines take it. A task starts when its earliest time has come and everything that it waits for is done.

use serde::Serialize;

use crate::network::EndpointId;
use crate::time::Time;

pub mod chakra;
pub mod connection_matrix;
pub mod flow_sizes;
pub mod goal;
pub mod job;
pub mod lockstep;
pub mod memory;
pub mod pattern;
pub mod program;
pub mod random;
pub mod rounds;

lanewright_model::ids! {
    /// A task: index into [`Traffic::tasks`].
    TaskId,
}

/// What a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Bytes (of payload) from one endpoint to another.
    Message {
        /// Who sends.
        from: EndpointId,
        /// Who receives; not the sender.
        to: EndpointId,
        /// Payload in bytes, at least 1.
        bytes: u64,
    },
    /// Bytes that one endpoint sends once and the network copies to, or the sum that the network makes of what all
    /// members send (in-switch reduction): the collective named by its index in [`Traffic::multicasts`].
    InNetwork {
        /// Index into [`Traffic::multicasts`].
        group: u32,
        /// Payload per member in bytes.
        bytes: u64,
    },
    /// An endpoint computes, or waits.
    Delay {
        /// Who.
        at: EndpointId,
        /// How long.
        time: Time,
    },
}

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// What it is.
    pub work: Work,
    /// Earliest start.
    pub not_before: Time,
    /// How many tasks it waits for.
    pub waits: u32,
    /// Priority or virtual lane: 0 is the ordinary one.
    pub class: u8,
}

/// When a task counts as done for one that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// The receiver has the last byte (delays: the time is over).
    Delivered,
    /// The sender knows that the receiver has it.
    Acknowledged,
}

/// One task waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The one that waits.
    pub task: TaskId,
    /// For what.
    pub when: When,
}

/// Members of an operation that the network itself performs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multicast {
    /// What the network does.
    pub kind: InNetwork,
    /// Endpoints that take part; of a multicast the first is the source.
    pub members: Vec<EndpointId>,
}

/// Operations that switches perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InNetwork {
    /// One to all.
    Multicast,
    /// Sum of all to all.
    AllReduce,
    /// Sum of all, a part to each.
    ReduceScatter,
}

/// Traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Tasks.
    pub tasks: Vec<Task>,
    /// For every task the first of those that wait for it in `followers`; one more entry than tasks.
    pub follower_start: Vec<u32>,
    /// Who waits for whom, task by task.
    pub followers: Vec<Follower>,
    /// Members of operations that the network performs.
    pub multicasts: Vec<Multicast>,
    /// What the file calls each task; empty when tasks are known by their index.
    pub labels: Vec<u64>,
    /// How many messages alike each task stands for, 0 for tasks that are none; empty when every message is a task.
    pub copies: Vec<u64>,
}

/// Why traffic cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrafficError {
    /// Tasks wait for each other in a circle: these, in order.
    Cycle(Vec<TaskId>),
    /// A message to its own sender.
    ToItself(TaskId),
    /// A message without bytes.
    Empty(TaskId),
    /// An endpoint that the network does not have.
    NoEndpoint(TaskId, EndpointId),
    /// More tasks or bytes than can be counted.
    TooLarge,
}

impl std::fmt::Display for TrafficError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cycle(tasks) => {
                write!(out, "tasks wait for each other in a circle: ")?;
                for task in tasks {
                    write!(out, "{} -> ", task.0)?;
                }
                write!(out, "{}", tasks.first().map_or(0, |task| task.0))
            }
            Self::ToItself(task) => write!(out, "task {} sends to its own endpoint", task.0),
            Self::Empty(task) => write!(out, "task {} sends no bytes", task.0),
            Self::NoEndpoint(task, endpoint) => {
                write!(out, "task {} names endpoint {}, which the network does not have", task.0, endpoint.0)
            }
            Self::TooLarge => write!(out, "more tasks than can be counted (4,294,967,295)"),
        }
    }
}

impl Traffic {
    /// Tasks that wait for a task.
    pub fn followers_of(&self, task: TaskId) -> &[Follower] {
        let (from, to) = (self.follower_start[task.index()], self.follower_start[task.index() + 1]);
        &self.followers[from as usize..to as usize]
    }

    /// Number of messages that a task stands for.
    pub fn copies_of(&self, task: TaskId) -> u64 {
        match self.copies.get(task.index()) {
            Some(copies) => *copies,
            None => u64::from(!matches!(self.tasks[task.index()].work, Work::Delay { .. })),
        }
    }

    /// Number of messages.
    pub fn messages(&self) -> usize {
        if !self.copies.is_empty() {
            return self.copies.iter().sum::<u64>() as usize;
        }
        self.tasks.iter().filter(|task| matches!(task.work, Work::Message { .. })).count()
    }

    /// Checks the traffic against a network of so many endpoints.
    pub fn check(&self, endpoints: usize) -> Result<(), TrafficError> {
        for (at, task) in self.tasks.iter().enumerate() {
            let id = TaskId(at as u32);
            let known = |endpoint: EndpointId| {
                if endpoint.index() < endpoints { Ok(()) } else { Err(TrafficError::NoEndpoint(id, endpoint)) }
            };
            match task.work {
                Work::Message { from, to, bytes } => {
                    known(from)?;
                    known(to)?;
                    if from == to {
                        return Err(TrafficError::ToItself(id));
                    }
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id));
                    }
                }
                Work::InNetwork { group, bytes } => {
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id));
                    }
                    for member in self.multicasts.get(group as usize).map_or(&[][..], |group| &group.members) {
                        known(*member)?;
                    }
                }
                Work::Delay { at, .. } => known(at)?,
            }
        }
        self.check_order()
    }

    /// Every task must be reachable in the order of waiting.
    fn check_order(&self) -> Result<(), TrafficError> {
        let mut left: Vec<u32> = self.tasks.iter().map(|task| task.waits).collect();
        let mut ready: Vec<u32> = (0..self.tasks.len() as u32).filter(|at| left[*at as usize] == 0).collect();
        // First come, first followed: that order goes through memory forwards.
        let mut done = 0;
        while let Some(at) = ready.get(done).copied() {
            done += 1;
            for follower in self.followers_of(TaskId(at)) {
                let left = &mut left[follower.task.index()];
                *left -= 1;
                if *left == 0 {
                    ready.push(follower.task.0);
                }
            }
        }
        if done == self.tasks.len() { Ok(()) } else { Err(TrafficError::Cycle(self.circle(&left))) }
    }

    /// One circle among the tasks that are never ready.
    fn circle(&self, left: &[u32]) -> Vec<TaskId> {
        // Every stuck task has a stuck predecessor: walking backwards must come round.
        let mut before = vec![u32::MAX; self.tasks.len()];
        for at in (0..self.tasks.len()).filter(|at| left[*at] > 0) {
            for follower in self.followers_of(TaskId(at as u32)) {
                before[follower.task.index()] = at as u32;
            }
        }
        let Some(mut at) = left.iter().position(|left| *left > 0) else { return Vec::new() };
        let mut seen = vec![false; self.tasks.len()];
        while !seen[at] {
            seen[at] = true;
            let Some(next) = before.get(at).filter(|next| **next != u32::MAX) else { return vec![TaskId(at as u32)] };
            at = *next as usize;
        }
        let first = at;
        let mut circle = vec![TaskId(first as u32)];
        at = before[first] as usize;
        while at != first {
            circle.push(TaskId(at as u32));
            at = before[at] as usize;
        }
        circle.reverse();
        circle
    }
}

/// Puts traffic together.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    tasks: Vec<Task>,
    pairs: Vec<(TaskId, Follower)>,
    multicasts: Vec<Multicast>,
    labels: Vec<u64>,
}

impl Builder {
    /// Adds a task that waits for nothing yet.
    pub fn task(&mut self, work: Work, not_before: Time) -> TaskId {
        self.tasks.push(Task { work, not_before, waits: 0, class: 0 });
        TaskId(self.tasks.len() as u32 - 1)
    }

    /// Adds a message that waits for nothing yet.
    pub fn message(&mut self, from: EndpointId, to: EndpointId, bytes: u64) -> TaskId {
        self.task(Work::Message { from, to, bytes }, Time::ZERO)
    }

    /// Adds the members of an operation that the network performs.
    pub fn multicast(&mut self, multicast: Multicast) -> u32 {
        self.multicasts.push(multicast);
        self.multicasts.len() as u32 - 1
    }

    /// Puts a task into a priority or virtual lane.
    pub fn class(&mut self, task: TaskId, class: u8) {
        self.tasks[task.index()].class = class;
    }

    /// Says what the file calls the tasks: for all or none, in order.
    pub fn label(&mut self, label: u64) {
        self.labels.push(label);
    }

    /// `task` waits for `first`.
    pub fn after(&mut self, first: TaskId, task: TaskId, when: When) {
        self.tasks[task.index()].waits += 1;
        self.pairs.push((first, Follower { task, when }));
    }

    /// Whether a task is a message (others have nobody to acknowledge them).
    pub fn is_message(&self, task: TaskId) -> bool {
        self.tasks.get(task.index()).is_some_and(|task| matches!(task.work, Work::Message { .. }))
    }

    /// Number of tasks so far.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is no task yet.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The traffic. Followers of a task keep the order in which they were added.
    pub fn build(self) -> Traffic {
        let mut follower_start = vec![0u32; self.tasks.len() + 1];
        for (first, _) in &self.pairs {
            follower_start[first.index() + 1] += 1;
        }
        for at in 1..follower_start.len() {
            follower_start[at] += follower_start[at - 1];
        }
        let mut next = follower_start.clone();
        let mut followers = vec![Follower { task: TaskId(0), when: When::Delivered }; self.pairs.len()];
        for (first, follower) in self.pairs {
            let slot = &mut next[first.index()];
            followers[*slot as usize] = follower;
            *slot += 1;
        }
        Traffic {
            tasks: self.tasks,
            follower_start,
            followers,
            multicasts: self.multicasts,
            labels: self.labels,
            copies: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_named() {
        let mut builder = Builder::default();
        let [a, b, c] = [(0, 1), (1, 2), (2, 0)].map(|(from, to)| builder.message(EndpointId(from), EndpointId(to), 8));
        builder.after(a, b, When::Delivered);
        builder.after(b, c, When::Delivered);
        builder.after(c, b, When::Acknowledged);
        let traffic = builder.build();
        let Err(TrafficError::Cycle(circle)) = traffic.check(3) else { panic!("b and c wait for each other") };
        assert_eq!(circle.len(), 2);
        assert!(circle.contains(&b) && circle.contains(&c));
    }

    #[test]
    fn what_cannot_run() {
        let mut builder = Builder::default();
        builder.message(EndpointId(0), EndpointId(5), 8);
        assert_eq!(builder.clone().build().check(4), Err(TrafficError::NoEndpoint(TaskId(0), EndpointId(5))));
        assert_eq!(builder.build().check(6), Ok(()));
        let mut builder = Builder::default();
        builder.message(EndpointId(3), EndpointId(3), 8);
        assert_eq!(builder.build().check(4), Err(TrafficError::ToItself(TaskId(0))));
    }
}
