//! Operations that switches perform, as one flow over a tree of edges.
//!
//! The tree is where the members' ways (by destination) to the first member run. Where scale-up switches stand side by side,
//! each takes its part of the bytes, as NVLS spreads an operation over all NVSwitch chips: then the trees are all ways.
//! A multicast loads every edge of the
//! tree away from its source once. A reduction loads every edge towards the first member and its reverse: partial sums
//! climb, the result descends, and what the first member sends and receives passes its own link once each way.

use std::collections::BTreeMap;

use super::FlowError;
use super::way::{Way, Ways};
use crate::network::{EdgeId, Network, Shape};
use crate::route::Routes;
use crate::traffic::{InNetwork, Multicast};

/// Most members of an operation that takes all ways: their edges are listed member by member.
const MOST_MEMBERS: usize = 4096;

/// Edges and delay of an operation; the bytes that count are those of one member. In folded Clos networks one tree does all,
/// as a job has one in SHARP.
pub fn way(network: &Network, routes: &Routes, ways: Ways, group: &Multicast) -> Result<Way, FlowError> {
    let Some((first, others)) = group.members.split_first() else { return Err(FlowError::TooFew) };
    if others.iter().all(|member| member == first) {
        return Err(FlowError::TooFew);
    }
    // Members behind every edge, over the reverse of it.
    let one_tree = matches!(network.shape, Shape::FatTree(_)) || group.members.len() > MOST_MEMBERS;
    let ways = if one_tree { Ways::One } else { ways };
    let mut behind: BTreeMap<u32, (u32, f64)> = BTreeMap::new();
    let mut delay = 0;
    for member in others.iter().filter(|member| *member != first) {
        let way = Way::find(network, routes, ways, *member, *first);
        let way = way.ok_or(FlowError::Unreachable(*member, *first))?;
        for (at, edge) in way.edges.iter().enumerate() {
            let (count, share) = behind.entry(*edge).or_default();
            *count += 1;
            // Sums of several members are no longer than one member's bytes.
            *share = share.max(way.weight(at));
        }
        delay = delay.max(way.delay);
    }
    let members = f64::from(group.members.len() as u32);
    let mut way = Way { delay, ..Way::default() };
    for (edge, (count, share)) in behind {
        let reverse = EdgeId(edge).reverse().0;
        match group.kind {
            InNetwork::Multicast => {
                way.edges.push(reverse);
                way.weights.push(share);
            }
            InNetwork::AllReduce => {
                way.edges.extend([edge, reverse]);
                way.weights.extend([share, share]);
            }
            // Only the parts of those behind an edge descend over it, and towards the first member only its own.
            InNetwork::ReduceScatter => {
                let descends = network.edge(EdgeId(edge)).to == network.node_of(*first);
                way.edges.extend([edge, reverse]);
                let down = if descends { [1.0 / members, 1.0] } else { [1.0, f64::from(count) / members] };
                way.weights.extend(down.map(|part| part * share));
            }
        }
    }
    Ok(way)
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
    /// switch; by one tree alone over one link: 18 ms.
    #[test]
    fn all_switches_of_a_scale_up_domain_add_up() {
        let (domain, links) = ScaleUp::nvlink4(8);
        let network = domain.build(&links);
        let mut builder = Builder::default();
        let group =
            builder.multicast(Multicast { kind: InNetwork::AllReduce, members: (0..8).map(EndpointId).collect() });
        builder.task(Work::InNetwork { group, bytes: 450_000_000 }, Time::ZERO);
        let traffic = builder.build();
        for (ways, us) in [(Ways::All, 1_000), (Ways::One, 18_000)] {
            let run = outcome(&network, &traffic, &Settings { ways, ..Settings::default() });
            assert_eq!(run.finishes[0].delivered, Time::us(us) + Time::ns(250), "{ways:?}");
        }
    }
}
