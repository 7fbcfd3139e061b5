//! Folded traffic takes the times of the messages one by one.

use proptest::prelude::*;

use super::*;
use crate::collective::{Algorithm, Collective, Operation};
use crate::flow::mirror::{Mirrors, candidates};
use crate::flow::{Ways, run_rounds};
use crate::network::rail::{Rail, RailLinks};
use crate::outcome::End;
use crate::traffic::lockstep::lockstep;
use crate::traffic::rounds::Rounds;

/// Start and end of all messages, sorted.
fn times(traffic: &Traffic, outcome: &Outcome) -> Vec<(Time, Time)> {
    let of = |(task, finish): (usize, &crate::outcome::Finish)| {
        let copies = traffic.copies_of(TaskId(task as u32)) as usize;
        std::iter::repeat_n((finish.start, finish.delivered), copies)
    };
    let mut times: Vec<(Time, Time)> = outcome.finishes.iter().enumerate().flat_map(of).collect();
    times.sort_unstable();
    times
}

/// 32 accelerators: servers of 4 behind a scale-up switch, 4 servers to a leaf of each rail.
fn rails() -> Network {
    let link = |gbps: f64, delay: u64| Links {
        rate: Rate::gbps(gbps).expect("positive"),
        delay: Time::ns(delay),
        switch_latency: Time::ns(100),
        layer: LinkLayer::Ethernet,
    };
    let rail = Rail::two_tiers(8, 4, 4, 2).expect("two groups of four servers");
    let out = link(400.0, 500);
    let scale_up = Links { layer: LinkLayer::NvLink, ..link(3600.0, 50) };
    rail.build(&RailLinks { scale_up, host: link(512.0, 10), scale_out: [out, out, out] })
}

/// Runs a collective both ways; the number of tasks that folding left, and that of all messages.
fn compare(network: &Network, collective: &Collective, ways: Ways, locked: bool) -> (usize, usize) {
    let routes = Routes::new(network).expect("connected");
    // With and without waits that differ between links of servers and of the fabric.
    let doorbell = Time::ns(if locked { 0 } else { 250 });
    let settings = Settings { ways, doorbell, ..Settings::default() };
    let mut traffic = collective.traffic().expect("a collective");
    if locked {
        traffic = lockstep(&traffic, When::Delivered).expect("no circle");
    }
    let whole = outcome(network, &traffic, &settings);
    let rounds = Rounds { lockstep: locked, ..collective.rounds().expect("rounds") };
    assert_eq!(rounds.messages(), traffic.messages() as u64);
    let run = run_rounds(network, &routes, &rounds, &settings, &mut Unobserved).expect("traffic that can run");
    let (folded, outcome) = run.expect("few tasks");
    assert_eq!(folded.messages(), traffic.messages());
    for (found, wanted) in times(&folded, &outcome).iter().zip(times(&traffic, &whole)) {
        // A picosecond of rounding, where sums were made in another order.
        let near = |a: Time, b: Time| a.0.abs_diff(b.0) <= 1;
        assert!(near(found.0, wanted.0) && near(found.1, wanted.1), "{found:?} is not {wanted:?}");
    }
    (folded.tasks.len(), traffic.messages())
}

#[test]
fn a_ring_in_a_tree_folds_by_leaves() {
    let members = (0..64).map(|rank| EndpointId(2 * rank)).collect();
    let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 64 << 20);
    // Two ranks at a leaf, four leaves in a pod: 8 ranks of 64 differ.
    let (tasks, messages) = compare(&tree(128, 3), &ring, Ways::One, false);
    assert_eq!(messages, 64 * 126);
    assert!(tasks <= 2 * 8 * 126, "{tasks}");
}

/// Its messages wait for delays longer than themselves, so that one may start while another has not entered yet.
#[test]
fn a_ring_across_rails() {
    let members = (0..16).map(EndpointId).collect();
    let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 16 * 2048);
    let (tasks, _) = compare(&rails(), &ring, Ways::One, false);
    assert!(tasks <= 2 * 4 * 30, "{tasks}");
}

#[test]
fn a_server_that_differs_is_followed_by_itself() {
    let members: Vec<EndpointId> = (0..32).map(EndpointId).collect();
    let all_reduce =
        Collective { group: 4, ..Collective::new(Operation::AllReduce, Algorithm::Hierarchical, members, 32 * 65_536) };
    for ways in [Ways::One, Ways::All] {
        let (alike, messages) = compare(&rails(), &all_reduce, ways, false);
        let mut network = rails();
        // The scale-up link of accelerator 9, in the third server, in both directions.
        let slow = Rate::gbps(300.0).expect("positive");
        let first = network.out(network.node_of(EndpointId(9)))[0];
        [first, first.reverse()].into_iter().for_each(|edge| network.edges[edge.index()].rate = slow);
        let (different, _) = compare(&network, &all_reduce, ways, false);
        assert!(alike < different && alike * 4 < messages, "{alike}, {different} of {messages}");
    }
}

/// 28 twenty-eighths add up to a little more than 1, and edges that are left out are not the same everywhere.
#[test]
fn shares_that_do_not_add_up_exactly_fold_all_the_same() {
    let tree = FatTree { up_from_leaf: 28, ..FatTree::balanced(32, 2).expect("a balanced size") };
    let links = Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    let members = (0..32).map(EndpointId).collect();
    let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 32 << 10);
    let (tasks, _) = compare(&tree.build(&links), &ring, Ways::All, false);
    assert!(tasks <= 2 * 4 * 62, "{tasks}");
}

#[test]
fn servers_are_wired_alike_or_not() {
    let members: Vec<EndpointId> = (0..32).map(EndpointId).collect();
    let all_reduce =
        Collective { group: 4, ..Collective::new(Operation::AllReduce, Algorithm::Hierarchical, members, 1 << 20) };
    let rounds = all_reduce.rounds().expect("rounds");
    let phases = candidates(&rounds);
    assert_eq!(phases, [0, 2]);
    let mut network = rails();
    let routes = Routes::new(&network).expect("connected");
    let like = |network: &Network, shared: &[bool], ways: Ways| {
        Mirrors::find(network, &routes, ways, &rounds, &phases, shared).map(|mirrors| mirrors.like)
    };
    let mut shared = vec![false; network.edges.len()];
    for ways in [Ways::One, Ways::All] {
        assert_eq!(like(&network, &shared, ways), Some(vec![0; 8]));
    }
    // The scale-up link of accelerator 9 is slower; then it also carries what others send.
    let first = network.out(network.node_of(EndpointId(9)))[0];
    network.edges[first.index()].rate = Rate::gbps(300.0).expect("positive");
    assert_eq!(like(&network, &shared, Ways::All), Some(vec![0, 0, 2, 0, 0, 0, 0, 0]));
    shared[first.index()] = true;
    assert_eq!(like(&network, &shared, Ways::All), None);
}

#[test]
fn unequal_parts_are_rounded_up_and_said_to_be() {
    let members: Vec<EndpointId> = (0..24).map(EndpointId).collect();
    let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 24_000_001);
    let network = tree(128, 3);
    let settings = Settings::default();
    let whole = outcome(&network, &ring.traffic().expect("a ring"), &settings).makespan(End::Delivered);
    let routes = Routes::new(&network).expect("connected");
    let rounds = ring.rounds().expect("rounds");
    let run = run_rounds(&network, &routes, &rounds, &settings, &mut Unobserved).expect("traffic that can run");
    let (_, outcome) = run.expect("few tasks");
    // A byte takes 20 ps, and 46 messages follow each other.
    let more = outcome.makespan(End::Delivered).0.checked_sub(whole.0).expect("no less");
    assert!(more <= 46 * 20, "{more} ps");
    assert!(outcome.notes.iter().any(|note| note.contains("rounded up")));
}

#[test]
fn what_is_not_alike_is_not_folded() {
    // Halving among three, trees and pieces are no rounds.
    let members = |count| (0..count).map(EndpointId).collect::<Vec<_>>();
    let all_reduce = |algorithm, count| Collective::new(Operation::AllReduce, algorithm, members(count), 1 << 20);
    assert_eq!(all_reduce(Algorithm::HalvingDoubling, 3).rounds(), None);
    assert_eq!(all_reduce(Algorithm::Tree, 4).rounds(), None);
    assert_eq!(Collective { chunks: 2, ..all_reduce(Algorithm::Ring, 4) }.rounds(), None);
    // A network in which nothing is alike: every link has a rate of its own.
    let mut network = tree(16, 1);
    for (at, edge) in network.edges.iter_mut().enumerate() {
        edge.rate = Rate::gbps(100.0 + at as f64).expect("positive");
    }
    let ring = all_reduce(Algorithm::Ring, 16);
    let (tasks, messages) = compare(&network, &ring, Ways::One, false);
    assert!(tasks >= messages);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn folded_is_one_by_one(
        operation in prop_oneof![
            Just(Operation::AllReduce), Just(Operation::ReduceScatter), Just(Operation::AllGather)
        ],
        algorithm in prop_oneof![
            Just(Algorithm::Ring), Just(Algorithm::Direct), Just(Algorithm::HalvingDoubling), Just(Algorithm::Hierarchical)
        ],
        outer in prop_oneof![Just(Algorithm::Ring), Just(Algorithm::HalvingDoubling), Just(Algorithm::Direct)],
        (ranks, group) in prop_oneof![Just((16u32, 4u32)), Just((32, 4)), Just((8, 2)), Just((32, 8)), Just((24, 8))],
        ways in prop_oneof![Just(Ways::One), Just(Ways::All)],
        (rails_or_tree, locked) in any::<(bool, bool)>(),
        kib in 1u64..200,
    ) {
        let network = if rails_or_tree { rails() } else { tree(128, 3) };
        let members = (0..ranks).map(EndpointId).collect();
        let collective = Collective {
            group,
            outer,
            ..Collective::new(operation, algorithm, members, kib * 1024 * u64::from(ranks))
        };
        // All-gathers and others by algorithms that do not do them, and halving among three.
        if collective.check().is_ok() && collective.rounds().is_some() {
            compare(&network, &collective, ways, locked);
        }
    }
}
