//! Which links to record over time, and how finely: chosen before a run from what its traffic will load.

use std::collections::BTreeMap;

use lanewright_fabric::fault::{Change, Timeline};
use lanewright_fabric::flow::{Way, Ways};
use lanewright_fabric::network::{EdgeId, Network};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::{Traffic, Work};

/// Links to record, and the length of a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Directions of links, in order.
    pub edges: Vec<EdgeId>,
    /// Length of a slot, a round number.
    pub slot: Time,
}

/// Slots until the end of a run whose busiest link never idles; real runs have some more.
const SLOTS: u64 = 400;

/// Most pairs of endpoints whose ways are followed; of more every so manieth stands for the others.
const MOST_PAIRS: usize = 20_000;

/// Shortest slot.
const SHORTEST: Time = Time::ns(10);

/// At most so many links: those that messages load most for their rate, and those that faults name. All links of a network
/// that has no more.
pub fn choose(
    network: &Network,
    routes: &Routes,
    traffic: &Traffic,
    faults: &Timeline,
    ways: Ways,
    most: usize,
) -> Watch {
    let mut pairs = BTreeMap::<(u32, u32), f64>::new();
    let mut waiting = Time::ZERO;
    for task in &traffic.tasks {
        waiting = waiting.max(task.not_before);
        if let Work::Message { from, to, bytes } = task.work {
            *pairs.entry((from.0, to.0)).or_default() += bytes as f64;
        }
    }
    let mut load = vec![0.0f64; network.edges.len()];
    let mut delay = 0;
    let step = pairs.len().div_ceil(MOST_PAIRS).max(1);
    for ((from, to), bytes) in pairs.into_iter().step_by(step) {
        let [from, to] = [from, to].map(lanewright_fabric::network::EndpointId);
        let Some(way) = Way::find(network, routes, ways, from, to) else { continue };
        delay = delay.max(way.delay);
        for (at, edge) in way.edges.iter().enumerate() {
            load[*edge as usize] += bytes * way.weight(at) * step as f64;
        }
    }
    let seconds = |edge: usize| load[edge] / network.edges[edge].rate.bytes_per_second();
    let busiest = (0..load.len()).map(seconds).fold(0.0, f64::max);
    let span = Time::from_seconds(busiest).unwrap_or(Time::NEVER).saturating_add(waiting).saturating_add(Time(delay));
    let mut edges: Vec<EdgeId> = (0..network.edges.len() as u32).map(EdgeId).collect();
    if edges.len() > most {
        edges.sort_by(|a, b| seconds(b.index()).total_cmp(&seconds(a.index())).then(a.cmp(b)));
        edges.truncate(most);
        for fault in &faults.faults {
            match fault.change {
                Change::Down { edge }
                | Change::Up { edge }
                | Change::Rate { edge, .. }
                | Change::BitErrors { edge, .. } => {
                    edges.extend([edge, edge.reverse()].iter().filter(|edge| edge.index() < network.edges.len()));
                }
                Change::NodeDown { .. } | Change::NodeUp { .. } => {}
            }
        }
        edges.sort_unstable();
        edges.dedup();
    }
    Watch { edges, slot: round(Time(span.0 / SLOTS)).max(SHORTEST) }
}

/// Up to 1, 2 or 5 times a power of ten.
fn round(time: Time) -> Time {
    let mut decade = 1u64;
    loop {
        for factor in [1, 2, 5] {
            let step = decade.saturating_mul(factor);
            if step >= time.0 {
                return Time(step);
            }
        }
        decade = decade.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn slots_are_round() {
        for (time, wanted) in [(0, 1), (1, 1), (3, 5), (100_001, 200_000), (999, 1000)] {
            assert_eq!(round(Time(time)), Time(wanted));
        }
        assert_eq!(round(Time(u64::MAX)), Time::NEVER);
    }

    #[test]
    fn the_loaded_links_are_watched() {
        let run = fixture::incast();
        let all = choose(&run.network, &run.routes, &run.traffic, &run.faults, Ways::All, 100_000);
        assert_eq!(all.edges.len(), run.network.edges.len());
        let few = choose(&run.network, &run.routes, &run.traffic, &run.faults, Ways::All, 1);
        // All messages end at host 0: its link down is loaded most. A fault names another link, both directions.
        let down = run.network.out(run.network.endpoints[0])[0].reverse();
        assert!(few.edges.contains(&down), "{:?}", few.edges);
        assert_eq!(few.edges.len(), 3);
        // 15 x 500 kB at 50 GB/s are 150 µs, and some delay.
        assert_eq!(few.slot, Time::ns(500));
    }
}
