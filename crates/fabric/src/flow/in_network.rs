//! Operations that switches perform, as one flow over a tree of edges.
//!
//! The tree is where the members' ways (by destination) to the first member run. A multicast loads every edge of the
//! tree away from its source once. A reduction loads every edge towards the first member and its reverse: partial sums
//! climb, the result descends, and what the first member sends and receives passes its own link once each way.

use std::collections::BTreeMap;

use super::FlowError;
use super::way::{Way, Ways};
use crate::network::{EdgeId, Network};
use crate::route::Routes;
use crate::traffic::{InNetwork, Multicast};

/// Edges and delay of an operation; the bytes that count are those of one member.
pub fn way(network: &Network, routes: &Routes, group: &Multicast) -> Result<Way, FlowError> {
    let Some((first, others)) = group.members.split_first() else { return Err(FlowError::TooFew) };
    if others.iter().all(|member| member == first) {
        return Err(FlowError::TooFew);
    }
    // Members behind every edge, over the reverse of it.
    let mut behind: BTreeMap<u32, u32> = BTreeMap::new();
    let mut delay = 0;
    for member in others.iter().filter(|member| *member != first) {
        let way = Way::find(network, routes, Ways::One, *member, *first);
        let way = way.ok_or(FlowError::Unreachable(*member, *first))?;
        for edge in way.edges {
            *behind.entry(edge).or_default() += 1;
        }
        delay = delay.max(way.delay);
    }
    let members = f64::from(group.members.len() as u32);
    let mut way = Way { delay, ..Way::default() };
    for (edge, count) in behind {
        let reverse = EdgeId(edge).reverse().0;
        match group.kind {
            InNetwork::Multicast => {
                way.edges.push(reverse);
                way.weights.push(1.0);
            }
            InNetwork::AllReduce => {
                way.edges.extend([edge, reverse]);
                way.weights.extend([1.0, 1.0]);
            }
            // Only the parts of those behind an edge descend over it, and towards the first member only its own.
            InNetwork::ReduceScatter => {
                let descends = network.edge(EdgeId(edge)).to == network.node_of(*first);
                way.edges.extend([edge, reverse]);
                way.weights.extend(if descends { [1.0 / members, 1.0] } else { [1.0, f64::from(count) / members] });
            }
        }
    }
    Ok(way)
}
