//! Traffic as a connection matrix, where the form can say it.

use std::collections::HashMap;
use std::fmt;

use super::{Connection, ConnectionMatrix, Start, Trigger, TriggerKind};
use crate::time::Time;
use crate::traffic::{TaskId, Traffic, When, Work};

/// Why traffic has no connection matrix, and the task where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAMatrix {
    /// Only messages can be written, no delays and no work of the network.
    NotAMessage(TaskId),
    /// A connection starts at a time or after others, not both.
    TimeAndWait(TaskId),
    /// A connection activates one trigger when sent and one when received; this task would need more of one kind.
    Followers(TaskId),
}

impl fmt::Display for NotAMatrix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMessage(task) => {
                write!(out, "task {} is not a message, and a connection matrix has nothing else", task.0)
            }
            Self::TimeAndWait(task) => {
                write!(out, "task {} has an earliest time and waits for others; a connection has one of them", task.0)
            }
            Self::Followers(task) => write!(
                out,
                "those that wait for task {} wait for different sets of others; a connection activates one trigger",
                task.0
            ),
        }
    }
}

impl ConnectionMatrix {
    /// The matrix of traffic among so many endpoints. Possible when all tasks are messages and any two that wait for one
    /// task wait for the same tasks.
    pub fn from_traffic(traffic: &Traffic, nodes: u32) -> Result<Self, NotAMatrix> {
        let mut before: Vec<Vec<(u32, When)>> = vec![Vec::new(); traffic.tasks.len()];
        for first in 0..traffic.tasks.len() as u32 {
            for follower in traffic.followers_of(TaskId(first)) {
                before[follower.task.index()].push((first, follower.when));
            }
        }
        let mut matrix = Self { nodes, ..Self::default() };
        let mut triggers: HashMap<Vec<(u32, When)>, u32> = HashMap::new();
        for (at, (task, before)) in traffic.tasks.iter().zip(&mut before).enumerate() {
            let id = TaskId(at as u32);
            let Work::Message { from, to, bytes } = task.work else { return Err(NotAMatrix::NotAMessage(id)) };
            before.sort_unstable();
            before.dedup();
            let start = if before.is_empty() {
                Start::At(task.not_before)
            } else {
                if task.not_before != Time::ZERO {
                    return Err(NotAMatrix::TimeAndWait(id));
                }
                let next = triggers.len() as u32 + 1;
                Start::On(*triggers.entry(std::mem::take(before)).or_insert(next))
            };
            matrix.connections.push(Connection {
                from: from.0,
                to: to.0,
                id: at as u64 + 1,
                message: None,
                start,
                bytes,
                send_done: 0,
                recv_done: 0,
                priority: None,
            });
        }
        let mut triggers: Vec<_> = triggers.into_iter().collect();
        triggers.sort_unstable_by_key(|(_, id)| *id);
        for (before, id) in triggers {
            for (task, when) in &before {
                let connection = &mut matrix.connections[*task as usize];
                let done = match when {
                    When::Acknowledged => &mut connection.send_done,
                    When::Delivered => &mut connection.recv_done,
                };
                if *done != 0 {
                    return Err(NotAMatrix::Followers(TaskId(*task)));
                }
                *done = id;
            }
            let kind = match before.len() {
                1 => TriggerKind::OneShot,
                count => TriggerKind::Barrier { count: count as u32 },
            };
            matrix.triggers.push(Trigger { id, kind });
        }
        Ok(matrix)
    }
}
