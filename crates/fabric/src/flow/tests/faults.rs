//! Messages while the network changes, and operations of the network.

use super::*;
use crate::fault::{Change, Fault};
use crate::network::EdgeId;
use crate::outcome::End;
use crate::traffic::{InNetwork, Multicast};

fn faulty(network: &Network, traffic: &Traffic, changes: &[(u64, Change)], reconvergence: Time) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    let faults = changes.iter().map(|(at, change)| Fault { at: Time::us(*at), change: *change }).collect();
    let timeline = Timeline { faults, reconvergence }.sorted();
    run(network, &routes, traffic, &timeline, &Settings::default(), &mut Unobserved).expect("traffic that can run")
}

/// 2 MB over one switch take 2 us and 40 us.
fn one() -> (Network, Traffic) {
    (tree(4, 1), messages([(0, 1, 2_000_000)]))
}

#[test]
fn half_of_the_lanes() {
    let (network, traffic) = one();
    let change = Change::Rate { edge: EdgeId(0), share: 0.5 };
    // 20 us at full rate, then 1 MB at half of it.
    let outcome = faulty(&network, &traffic, &[(22, change)], Time::ZERO);
    assert_eq!(outcome.makespan(End::Delivered), Time::us(62));
}

#[test]
fn down_and_up_again() {
    let (network, traffic) = one();
    let edge = EdgeId(3);
    let changes = [(22, Change::Down { edge }), (122, Change::Up { edge })];
    let outcome = faulty(&network, &traffic, &changes, Time::us(10));
    assert_eq!(outcome.makespan(End::Delivered), Time::us(142));
    assert!(outcome.notes.iter().any(|note| note.contains("stand still")));
}

#[test]
fn down_for_good() {
    let (network, traffic) = one();
    let outcome = faulty(&network, &traffic, &[(22, Change::Down { edge: EdgeId(0) })], Time::us(10));
    assert_eq!(outcome.finishes[0].delivered, Time::NEVER);
    assert!(outcome.notes.iter().any(|note| note.contains("never finished")));
}

#[test]
fn around_a_dead_switch() {
    // The core that 0 -> 12 goes by fails at 26 us, half-way; 50 us later routes avoid it.
    let network = tree(16, 3);
    let routes = Routes::new(&network).expect("connected");
    let way = crate::flow::Way::find(&network, &routes, crate::flow::Ways::One, EndpointId(0), EndpointId(12));
    let core = network.edge(EdgeId(way.expect("a way").edges[2])).to;
    let traffic = messages([(0, 12, 2_000_000), (1, 13, 1_000_000)]);
    let outcome = faulty(&network, &traffic, &[(26, Change::NodeDown { node: core })], Time::us(50));
    assert_eq!(outcome.finishes[0].delivered, Time::us(96));
    assert_eq!(outcome.finishes[1].delivered, Time::us(26));
}

#[test]
fn a_place_that_is_not_there() {
    let (network, traffic) = one();
    let routes = Routes::new(&network).expect("connected");
    let faults = vec![Fault { at: Time::ZERO, change: Change::Down { edge: EdgeId(8) } }];
    let timeline = Timeline { faults, reconvergence: Time::ZERO };
    let error = run(&network, &routes, &traffic, &timeline, &Settings::default(), &mut Unobserved);
    assert_eq!(error, Err(crate::flow::FlowError::NoSuchPlace(0)));
}

#[test]
fn sums_made_by_switches() {
    // Every member sends and receives all bytes once, over its own link; 2 us over one switch.
    let network = tree(8, 1);
    for (kind, wanted) in [(InNetwork::AllReduce, 42), (InNetwork::Multicast, 42), (InNetwork::ReduceScatter, 42)] {
        let mut builder = Builder::default();
        let members = (0..8).map(EndpointId).collect();
        let group = builder.multicast(Multicast { kind, members });
        builder.task(Work::InNetwork { group, bytes: 2_000_000 }, Time::ZERO);
        let outcome = outcome(&network, &builder.build(), &Settings { edges: true, ..Settings::default() });
        assert_eq!(outcome.makespan(End::Delivered), Time::us(wanted));
        let own_part = if kind == InNetwork::ReduceScatter { 250_000 } else { 2_000_000 };
        assert_eq!(outcome.edges[2 * 3 + 1].bytes, own_part, "what member 3 receives");
    }
}
