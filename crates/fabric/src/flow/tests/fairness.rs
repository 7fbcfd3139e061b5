//! Properties of the shares.

use proptest::prelude::*;

use super::*;
use crate::flow::share::{Filler, Load};
use crate::flow::table::Table;
use crate::flow::{Fairness, Way, Ways};
use crate::outcome::{End, Finish};

fn pairs(endpoints: u32) -> impl Strategy<Value = Vec<(u32, u32, u64)>> {
    let pair = (0..endpoints, 1..endpoints, 1_000u64..3_000_000);
    proptest::collection::vec(
        pair.prop_map(move |(from, shift, bytes)| (from, (from + shift) % endpoints, bytes)),
        1..60,
    )
}

/// Rates of messages that are all at work, each a class of its own way; with every edge's capacity.
fn rates(list: &[(u32, u32, u64)], ways: Ways, reduced: bool) -> (Vec<(Way, f64)>, Vec<f64>) {
    let network = tree(16, 3);
    let routes = Routes::new(&network).expect("connected");
    // Edges of several speeds, so that the inner ones decide too.
    let capacity: Vec<f64> = (0..network.edges.len()).map(|edge| 1.0 + (edge % 5) as f64 * 0.25).collect();
    let mut table = Table::default();
    let ways: Vec<Way> = list
        .iter()
        .map(|(from, to, _)| Way::find(&network, &routes, ways, EndpointId(*from), EndpointId(*to)).expect("a way"))
        .collect();
    for way in &ways {
        table.way(way, Fairness::Equal).expect("few");
    }
    let kept = if reduced { table.reduce(&capacity) } else { vec![true; capacity.len()] };
    table.classify(|edge| kept[edge as usize], |_| false).expect("few");
    let mut messages = vec![0u32; table.classes.len()];
    table.class_of.iter().for_each(|class| messages[*class as usize] += 1);
    let mut load = Load::new(capacity.len());
    let all: Vec<u32> = (0..table.classes.len() as u32).collect();
    all.iter().for_each(|class| load.add(&table.classes, *class));
    let mut filler = Filler::new(capacity.len());
    filler.restart(&table);
    all.iter().for_each(|class| filler.take(&table, *class, &capacity, &messages));
    let mut rate = vec![f64::NAN; all.len()];
    filler.fill(&table, &load, &messages, 0.0, |class, given| rate[class as usize] = given);
    let given = ways.into_iter().zip(&table.class_of).map(|(way, class)| (way, rate[*class as usize])).collect();
    (given, capacity)
}

fn carried(given: &[(Way, f64)], edges: usize) -> Vec<f64> {
    let mut carried = vec![0.0; edges];
    for (way, rate) in given {
        for (at, edge) in way.edges.iter().enumerate() {
            carried[*edge as usize] += rate * way.weight(at);
        }
    }
    carried
}

fn spread() -> impl Strategy<Value = Ways> {
    prop_oneof![Just(Ways::One), Just(Ways::All)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Where nobody asks what edges carry, full trees are reduced to the links of endpoints without listing all ways.
    #[test]
    fn ends_of_ways_suffice_in_full_trees(list in pairs(54), tiers in 2..=3u8, empty in 0..6u32) {
        let (hosts, radix) = if tiers == 2 { (50, 10) } else { (54, 6) };
        let layer = LinkLayer::Ethernet;
        let rate = Rate::gbps(400.0).expect("positive");
        let links = Links { rate, delay: Time::us(1), switch_latency: Time::ns(300), layer };
        let tree = FatTree::of_radix(hosts - empty, tiers, radix).expect("a size").build(&links);
        let list = list.into_iter().map(|(from, to, bytes)| (from % (hosts - empty), to % (hosts - empty), bytes));
        let traffic = messages(list.filter(|(from, to, _)| from != to));
        let settings = |edges| Settings { ways: Ways::All, edges, ..Settings::default() };
        let (short, whole) = (outcome(&tree, &traffic, &settings(false)), outcome(&tree, &traffic, &settings(true)));
        for (short, whole) in short.finishes.iter().zip(&whole.finishes) {
            prop_assert!(short.delivered.0.abs_diff(whole.delivered.0) <= 1, "{:?} {:?}", short, whole);
        }
    }

    /// Bertsekas, Gallager, "Data networks", 6.5.2: shares are max-min fair exactly when every message has a full edge on
    /// which none gets more. Edges that were left out count here too.
    #[test]
    fn every_message_has_a_bottleneck_and_no_edge_is_overloaded(list in pairs(16), ways in spread()) {
        let (given, capacity) = rates(&list, ways, true);
        let carried = carried(&given, capacity.len());
        for (edge, carried) in carried.iter().enumerate() {
            prop_assert!(*carried <= capacity[edge] * (1.0 + 1e-9), "edge {} carries {}", edge, carried);
        }
        for (way, rate) in &given {
            let decides = |edge: &u32| {
                let full = carried[*edge as usize] >= capacity[*edge as usize] * (1.0 - 1e-9);
                full && given.iter().all(|(other, more)| !other.edges.contains(edge) || *more <= rate * (1.0 + 1e-9))
            };
            prop_assert!(way.edges.iter().any(decides));
        }
    }

    #[test]
    fn edges_left_out_change_no_rate(list in pairs(16), ways in spread()) {
        let (with, _) = rates(&list, ways, true);
        let (without, _) = rates(&list, ways, false);
        for ((_, a), (_, b)) in with.iter().zip(&without) {
            prop_assert!((a - b).abs() <= 1e-9 * b);
        }
    }

    /// Messages that start one after another, shared anew where something changed, end as in a loop that shares all anew at
    /// every start and end.
    #[test]
    fn incremental_is_from_scratch(list in pairs(16), gap in 0u64..20) {
        let network = tree(16, 3);
        let mut builder = Builder::default();
        for (at, (from, to, bytes)) in list.iter().enumerate() {
            let work = Work::Message { from: EndpointId(*from), to: EndpointId(*to), bytes: *bytes };
            builder.task(work, Time::us(gap * at as u64));
        }
        let outcome = outcome(&network, &builder.build(), &Settings::default());
        for (found, wanted) in outcome.finishes.iter().zip(from_scratch(&network, &list, gap as f64)) {
            prop_assert!((found.delivered.as_us() - wanted).abs() <= 1e-9 * wanted + 2e-6);
        }
    }

    #[test]
    fn bytes_are_conserved(list in pairs(16)) {
        let network = tree(16, 3);
        let outcome = outcome(&network, &messages(list.iter().copied()), &Settings { edges: true, ..Settings::default() });
        for host in 0..16u32 {
            let sent: u64 = list.iter().filter(|(from, ..)| *from == host).map(|(.., bytes)| bytes).sum();
            let got: u64 = list.iter().filter(|(_, to, _)| *to == host).map(|(.., bytes)| bytes).sum();
            prop_assert_eq!(outcome.edges[2 * host as usize].bytes, sent);
            prop_assert_eq!(outcome.edges[2 * host as usize + 1].bytes, got);
        }
    }

    /// With all ways in use, hosts of a balanced tree may change places as long as they keep their distances.
    #[test]
    fn relabelled_hosts_take_the_same_times(list in pairs(16), flip in 0u32..16) {
        let network = tree(16, 3);
        let settings = Settings { ways: Ways::All, ..Settings::default() };
        let times = |list: Vec<(u32, u32, u64)>| -> Vec<Finish> {
            outcome(&network, &messages(list), &settings).finishes
        };
        let relabelled = list.iter().map(|(from, to, bytes)| (from ^ flip, to ^ flip, *bytes)).collect();
        for (a, b) in times(list.clone()).iter().zip(times(relabelled)) {
            prop_assert!(a.delivered.0.abs_diff(b.delivered.0) <= 2);
        }
    }

    #[test]
    fn resolution_moves_ends_by_no_more_than_its_share(list in pairs(16)) {
        let network = tree(16, 3);
        let traffic = messages(list);
        let exact = outcome(&network, &traffic, &Settings::default());
        let coarse = outcome(&network, &traffic, &Settings { resolution: 1e-3, ..Settings::default() });
        for (a, b) in exact.finishes.iter().zip(&coarse.finishes) {
            prop_assert!((a.delivered.as_us() - b.delivered.as_us()).abs() <= 3e-3 * a.delivered.as_us());
        }
        prop_assert!(coarse.makespan(End::Delivered).as_us() <= exact.makespan(End::Delivered).as_us() * 1.003);
    }
}

/// Ends in us, by sharing among all at every start and end.
fn from_scratch(network: &Network, list: &[(u32, u32, u64)], gap: f64) -> Vec<f64> {
    let routes = Routes::new(network).expect("connected");
    let find = |from, to| Way::find(network, &routes, Ways::One, EndpointId(from), EndpointId(to)).expect("a way");
    let ways: Vec<Way> = list.iter().map(|(from, to, _)| find(*from, *to)).collect();
    let enters: Vec<f64> = ways.iter().enumerate().map(|(at, way)| gap * at as f64 + way.delay as f64 * 1e-6).collect();
    let mut left: Vec<f64> = list.iter().map(|(.., bytes)| *bytes as f64).collect();
    let mut ends = vec![f64::INFINITY; list.len()];
    let mut now = 0.0f64;
    loop {
        let working: Vec<usize> = (0..list.len()).filter(|at| enters[*at] <= now + 1e-9 && left[*at] > 0.0).collect();
        // Plain progressive filling; bytes per us.
        let mut rate = vec![0.0; list.len()];
        let mut open = working.clone();
        while !open.is_empty() {
            let rise = |edge: u32| {
                let on = |at: &&usize| ways[**at].edges.contains(&edge);
                let used: f64 = working.iter().filter(on).filter(|at| !open.contains(at)).map(|at| rate[*at]).sum();
                (50_000.0 - used) / open.iter().filter(on).count() as f64
            };
            let edges = open.iter().flat_map(|at| ways[*at].edges.iter().copied());
            let (edge, share) =
                edges.map(|edge| (edge, rise(edge))).min_by(|a, b| a.1.total_cmp(&b.1)).expect("ways have edges");
            open.iter().filter(|at| ways[**at].edges.contains(&edge)).for_each(|at| rate[*at] = share);
            open.retain(|at| !ways[*at].edges.contains(&edge));
        }
        let end = working.iter().map(|at| now + left[*at] / rate[*at]).fold(f64::INFINITY, f64::min);
        let start = enters.iter().copied().filter(|enter| *enter > now + 1e-9).fold(f64::INFINITY, f64::min);
        let next = end.min(start);
        if next == f64::INFINITY {
            return ends;
        }
        for at in working {
            left[at] -= rate[at] * (next - now);
            if left[at] < 1e-4 {
                left[at] = 0.0;
                ends[at] = next;
            }
        }
        now = next;
    }
}
