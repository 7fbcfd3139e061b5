//! Who sends to whom: each pair once, numbered by sender and then by receiver where traffic is dense.
//!
//! The order is for memory: what one host sends then lies together, and filling looks at the messages of one edge at a time.

use std::collections::HashMap;

use super::FlowError;
use super::engine::NONE;
use super::table::Hasher;
use crate::network::EndpointId;
use crate::traffic::{TaskId, Traffic, TrafficError, Work};

/// Pairs of a dense table per task: a table of all pairs then costs less than hashing the tasks' pairs.
const DENSE: u64 = 4;

/// The pairs of traffic, each once, and which of them every task has.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Sender and receiver, by number.
    pub list: Vec<(EndpointId, EndpointId)>,
    /// The pair's number per task; [`NONE`] for tasks that are no messages.
    pub of_task: Vec<u32>,
    /// Tasks that the network performs, with their groups.
    pub in_network: Vec<(u32, u32)>,
}

/// Numbers of pairs that were met.
enum Known {
    /// By sender times the number of endpoints plus receiver.
    Dense(Vec<u32>),
    /// By both.
    Sparse(HashMap<u64, u32, Hasher>),
}

impl Pairs {
    /// The pairs of all messages, which are checked on the way.
    pub fn of(traffic: &Traffic, endpoints: usize) -> Result<Self, FlowError> {
        let tasks = traffic.tasks.len() as u64;
        let all = (endpoints as u64).saturating_mul(endpoints as u64);
        let mut known = if all <= tasks.saturating_mul(DENSE) {
            Known::Dense(vec![NONE; all as usize])
        } else {
            Known::Sparse(HashMap::default())
        };
        let mut pairs = Self { of_task: Vec::with_capacity(traffic.tasks.len()), ..Self::default() };
        // The last destination of every sender: most send many messages to few.
        let mut last = vec![(NONE, NONE); endpoints];
        for (at, task) in traffic.tasks.iter().enumerate() {
            let id = TaskId(at as u32);
            let check = |endpoint: EndpointId| {
                if endpoint.index() < endpoints { Ok(()) } else { Err(TrafficError::NoEndpoint(id, endpoint)) }
            };
            let mut number = NONE;
            match task.work {
                Work::Delay { at, .. } => check(at)?,
                Work::Message { from, to, bytes } => {
                    check(from)?;
                    check(to)?;
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id).into());
                    }
                    let last = &mut last[from.index()];
                    if last.0 != to.0 {
                        if from == to {
                            return Err(TrafficError::ToItself(id).into());
                        }
                        let next = pairs.list.len() as u32;
                        let slot = match &mut known {
                            Known::Dense(table) => &mut table[from.index() * endpoints + to.index()],
                            Known::Sparse(map) => map.entry(u64::from(from.0) << 32 | u64::from(to.0)).or_insert(NONE),
                        };
                        if *slot == NONE {
                            *slot = next;
                            pairs.list.push((from, to));
                        }
                        *last = (to.0, *slot);
                    }
                    number = last.1;
                }
                Work::InNetwork { group, bytes } => {
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id).into());
                    }
                    let members = traffic.multicasts.get(group as usize).ok_or(FlowError::NoGroup(id))?;
                    for member in &members.members {
                        check(*member)?;
                    }
                    pairs.in_network.push((id.0, group));
                }
            }
            pairs.of_task.push(number);
        }
        if let Known::Dense(table) = known {
            pairs.put_in_order(&table);
        }
        Ok(pairs)
    }

    /// Numbers the pairs by sender and then by receiver, as the dense table has them.
    fn put_in_order(&mut self, table: &[u32]) {
        let mut number = vec![NONE; self.list.len()];
        let mut list = Vec::with_capacity(self.list.len());
        for met in table.iter().filter(|met| **met != NONE) {
            number[*met as usize] = list.len() as u32;
            list.push(self.list[*met as usize]);
        }
        self.list = list;
        for pair in self.of_task.iter_mut().filter(|pair| **pair != NONE) {
            *pair = number[*pair as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Builder;

    #[test]
    fn dense_and_sparse_name_the_same_pairs() {
        let mut builder = Builder::default();
        let list = [(3, 1), (0, 2), (3, 1), (2, 0), (0, 3), (3, 0)];
        for (from, to) in list {
            builder.message(EndpointId(from), EndpointId(to), 1);
        }
        let traffic = builder.build();
        for endpoints in [4, 100] {
            let pairs = Pairs::of(&traffic, endpoints).expect("good messages");
            assert_eq!(pairs.list.len(), 5);
            // In order of both where all pairs have a place, else as met.
            assert_eq!(endpoints == 4, pairs.list.is_sorted());
            for (task, (from, to)) in list.into_iter().enumerate() {
                let pair = pairs.list[pairs.of_task[task] as usize];
                assert_eq!(pair, (EndpointId(from), EndpointId(to)));
            }
        }
    }
}
