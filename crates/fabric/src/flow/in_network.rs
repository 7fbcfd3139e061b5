//! Operations that switches perform, as one flow over trees of edges.
//!
//! A tree is where the members' ways (by destination) to the first member run. A multicast loads every edge of the
//! tree away from its source once. A reduction loads every edge towards the first member and its reverse: partial sums
//! climb, the result descends, and what the first member sends and receives passes its own link once each way. Where members
//! have links into several planes, every plane has a tree and an equal part.

use std::collections::BTreeMap;

use super::FlowError;
use super::way::Way;
use crate::network::{EdgeId, Network};
use crate::route::Routes;
use crate::traffic::{InNetwork, Multicast};

/// Edges and delay of an operation; the bytes that count are those of one member. In folded Clos networks one tree does all,
/// as a job has one in SHARP.
pub fn way(network: &Network, routes: &Routes, group: &Multicast) -> Result<Way, FlowError> {
    let Some((first, others)) = group.members.split_first() else { return Err(FlowError::TooFew) };
    if others.iter().all(|member| member == first) {
        return Err(FlowError::TooFew);
    }
    let planes = Way::planes(network, routes, others, *first);
    let members = f64::from(group.members.len() as u32);
    let mut delay = 0;
    let mut weights: BTreeMap<u32, f64> = BTreeMap::new();
    for plane in 0..planes {
        // Members behind every edge, over the reverse of it.
        let mut behind: BTreeMap<u32, u32> = BTreeMap::new();
        for member in others.iter().filter(|member| *member != first) {
            let way = Way::in_plane(network, routes, *member, *first, plane);
            let way = way.ok_or(FlowError::Unreachable(*member, *first))?;
            for edge in way.edges {
                *behind.entry(edge).or_default() += 1;
            }
            delay = delay.max(way.delay);
        }
        for (edge, count) in behind {
            let (climbs, descends) = match group.kind {
                InNetwork::Multicast => (0.0, 1.0),
                InNetwork::AllReduce => (1.0, 1.0),
                // Only the parts of those behind an edge descend over it, and towards the first member only its own.
                InNetwork::ReduceScatter if network.edge(EdgeId(edge)).to == network.node_of(*first) => {
                    (1.0 / members, 1.0)
                }
                InNetwork::ReduceScatter => (1.0, f64::from(count) / members),
            };
            let both = [(edge, climbs), (EdgeId(edge).reverse().0, descends)];
            for (edge, weight) in both.into_iter().filter(|(_, weight)| *weight > 0.0) {
                *weights.entry(edge).or_default() += weight / f64::from(planes);
            }
        }
    }
    let (edges, weights) = weights.into_iter().unzip();
    Ok(Way { edges, weights, delay })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Settings;
    use crate::flow::tests::outcome;
    use crate::network::EndpointId;
    use crate::network::scale_up::ScaleUp;
    use crate::time::Time;
    use crate::traffic::{Builder, Work};

    /// Every GPU of an HGX H100 sends and receives 450 MB at 450 GB/s over 18 links: 1 ms, and 250 ns of two links and a
    /// switch.
    #[test]
    fn all_switches_of_a_scale_up_domain_add_up() {
        let (domain, links) = ScaleUp::nvlink4(8);
        let network = domain.build(&links);
        let mut builder = Builder::default();
        let group =
            builder.multicast(Multicast { kind: InNetwork::AllReduce, members: (0..8).map(EndpointId).collect() });
        builder.task(Work::InNetwork { group, bytes: 450_000_000 }, Time::ZERO);
        let traffic = builder.build();
        let run = outcome(&network, &traffic, &Settings::default());
        assert_eq!(run.finishes[0].delivered, Time::us(1_000) + Time::ns(250));
    }
}
