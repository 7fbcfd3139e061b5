//! Traffic as the traces of a job.

use std::fmt;

use super::trace::{Attribute, Node, Trace, kinds};
use crate::traffic::{TaskId, Traffic, Work};

/// Why traffic has no traces, and the task where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotATrace {
    /// Work of the network itself, which traces do not know.
    InNetwork(TaskId),
    /// A time that is not whole microseconds, or an earliest start, which traces do not have.
    Time(TaskId),
    /// An endpoint that has no trace.
    NoRank(TaskId),
    /// The second task waits for the first, but runs at an endpoint that does not see it end.
    Elsewhere(TaskId, TaskId),
}

impl fmt::Display for NotATrace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InNetwork(task) => write!(out, "task {} is work of the network, which traces do not know", task.0),
            Self::Time(task) => {
                write!(out, "task {} has a time that is not whole microseconds, or an earliest start", task.0)
            }
            Self::NoRank(task) => write!(out, "task {} runs at an endpoint beyond the ranks of the job", task.0),
            Self::Elsewhere(first, task) => write!(
                out,
                "task {} waits for task {}, but runs at an endpoint that neither sends nor receives it",
                task.0, first.0
            ),
        }
    }
}

/// The traces of so many ranks: every message is a send and a receive of its own tag, every delay a computation. A task
/// that waits for a message waits for the receive where it runs at the receiver, else for the send.
pub fn from_traffic(traffic: &Traffic, ranks: u32) -> Result<Vec<Trace>, NotATrace> {
    let mut traces =
        vec![Trace { version: "0.0.4".to_string(), attributes: Vec::new(), nodes: Vec::new() }; ranks as usize];
    // Where each task has nodes: (rank, index) of what it starts with, and of its receive.
    let mut starts: Vec<(usize, usize)> = Vec::with_capacity(traffic.tasks.len());
    let mut ends: Vec<(usize, usize)> = Vec::with_capacity(traffic.tasks.len());
    let mut add = |rank: usize, mut node: Node, task: TaskId| -> Result<(usize, usize), NotATrace> {
        let trace = traces.get_mut(rank).ok_or(NotATrace::NoRank(task))?;
        node.id = trace.nodes.len() as u64;
        trace.nodes.push(node);
        Ok((rank, trace.nodes.len() - 1))
    };
    for (at, task) in traffic.tasks.iter().enumerate() {
        let id = TaskId(at as u32);
        if task.not_before.0 != 0 {
            return Err(NotATrace::Time(id));
        }
        match task.work {
            Work::Message { from, to, bytes } => {
                let attributes = vec![
                    Attribute::boolean("is_cpu_op", false),
                    Attribute::int64("comm_src", i64::from(from.0)),
                    Attribute::int64("comm_dst", i64::from(to.0)),
                    Attribute::int64("comm_size", bytes as i64),
                    Attribute::int64("comm_tag", at as i64),
                ];
                let node = |kind, name: &str| Node {
                    name: format!("{name}_{at}"),
                    kind,
                    attributes: attributes.clone(),
                    ..Node::default()
                };
                starts.push(add(from.index(), node(kinds::COMM_SEND, "send"), id)?);
                ends.push(add(to.index(), node(kinds::COMM_RECV, "recv"), id)?);
            }
            Work::Delay { at: who, time } => {
                if time.0 % 1_000_000 != 0 {
                    return Err(NotATrace::Time(id));
                }
                let place = add(
                    who.index(),
                    Node {
                        name: format!("comp_{at}"),
                        kind: kinds::COMP,
                        duration_micros: time.0 / 1_000_000,
                        attributes: vec![Attribute::boolean("is_cpu_op", false)],
                        ..Node::default()
                    },
                    id,
                )?;
                starts.push(place);
                ends.push(place);
            }
            Work::InNetwork { .. } => return Err(NotATrace::InNetwork(id)),
        }
    }
    for at in 0..traffic.tasks.len() {
        let first = TaskId(at as u32);
        for follower in traffic.followers_of(first) {
            let (rank, node) = starts[follower.task.index()];
            let seen = [ends[at], starts[at]].into_iter().find(|place| place.0 == rank);
            let Some((_, seen)) = seen else { return Err(NotATrace::Elsewhere(first, follower.task)) };
            let id = traces[rank].nodes[seen].id;
            traces[rank].nodes[node].data_deps.push(id);
        }
    }
    Ok(traces)
}
