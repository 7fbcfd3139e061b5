//! Who sends to whom, each pair once, numbered by sender and then by receiver where traffic is dense.
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

/// The pairs of traffic, with a number each.
pub enum Pairs {
    /// By sender times the number of endpoints plus receiver.
    Dense(Vec<u32>, usize),
    /// In the order in which tasks name them.
    Sparse(HashMap<u64, u32, Hasher>, Vec<u64>),
}

impl Pairs {
    /// The pairs of all messages, which are checked on the way; without numbers yet.
    pub fn of(traffic: &Traffic, endpoints: usize) -> Result<Self, FlowError> {
        let tasks = traffic.tasks.len() as u64;
        let all = (endpoints as u64).saturating_mul(endpoints as u64);
        let mut pairs = if all <= tasks.saturating_mul(DENSE) {
            Self::Dense(vec![NONE; all as usize], endpoints)
        } else {
            Self::Sparse(HashMap::default(), Vec::new())
        };
        let mut last = vec![NONE; endpoints];
        for (at, task) in traffic.tasks.iter().enumerate() {
            let id = TaskId(at as u32);
            let check = |endpoint: EndpointId| {
                if endpoint.index() < endpoints { Ok(()) } else { Err(TrafficError::NoEndpoint(id, endpoint)) }
            };
            match task.work {
                Work::Delay { at, .. } => check(at)?,
                Work::Message { from, to, bytes } => {
                    check(from)?;
                    check(to)?;
                    if from == to {
                        return Err(TrafficError::ToItself(id).into());
                    }
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id).into());
                    }
                    if last[from.index()] != to.0 {
                        last[from.index()] = to.0;
                        pairs.add(from, to);
                    }
                }
                Work::InNetwork { group, bytes } => {
                    if bytes == 0 {
                        return Err(TrafficError::Empty(id).into());
                    }
                    let members = traffic.multicasts.get(group as usize).ok_or(FlowError::NoGroup(id))?;
                    for member in &members.members {
                        check(*member)?;
                    }
                }
            }
        }
        Ok(pairs)
    }

    fn key(from: EndpointId, to: EndpointId) -> u64 {
        u64::from(from.0) << 32 | u64::from(to.0)
    }

    fn add(&mut self, from: EndpointId, to: EndpointId) {
        match self {
            Self::Dense(table, endpoints) => table[from.index() * *endpoints + to.index()] = 0,
            Self::Sparse(known, order) => {
                let key = Self::key(from, to);
                known.entry(key).or_insert_with(|| {
                    order.push(key);
                    NONE
                });
            }
        }
    }

    /// Gives every pair the number that `number` says.
    pub fn number(
        &mut self,
        mut number: impl FnMut(EndpointId, EndpointId) -> Result<u32, FlowError>,
    ) -> Result<(), FlowError> {
        match self {
            Self::Dense(table, endpoints) => {
                for (from, row) in table.chunks_mut((*endpoints).max(1)).enumerate() {
                    for (to, pair) in row.iter_mut().enumerate().filter(|(_, pair)| **pair != NONE) {
                        *pair = number(EndpointId(from as u32), EndpointId(to as u32))?;
                    }
                }
            }
            Self::Sparse(known, order) => {
                for key in order.iter() {
                    let way = number(EndpointId((key >> 32) as u32), EndpointId(*key as u32))?;
                    known.insert(*key, way);
                }
            }
        }
        Ok(())
    }

    /// The number of a pair; [`NONE`] for one that no message has.
    pub fn way(&self, from: EndpointId, to: EndpointId) -> u32 {
        match self {
            Self::Dense(table, endpoints) => table[from.index() * endpoints + to.index()],
            Self::Sparse(known, _) => known.get(&Self::key(from, to)).copied().unwrap_or(NONE),
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
            let mut pairs = Pairs::of(&traffic, endpoints).expect("good messages");
            assert_eq!(matches!(pairs, Pairs::Dense(..)), endpoints == 4);
            let mut seen = Vec::new();
            let numbered = pairs.number(|from, to| {
                seen.push((from.0, to.0));
                Ok(seen.len() as u32 - 1)
            });
            assert_eq!(numbered, Ok(()));
            assert_eq!(seen.len(), 5);
            assert_eq!(endpoints == 4, seen.is_sorted());
            for (from, to) in list {
                assert_eq!(seen[pairs.way(EndpointId(from), EndpointId(to)) as usize], (from, to));
            }
        }
    }
}
