//! Every algorithm for every operation over many numbers of ranks: the data, the closed forms, and what cannot be made.

use super::cost::{Level, estimate};
use super::*;
use crate::time::Time;
use crate::traffic::Work;

fn ranks(p: usize) -> Vec<EndpointId> {
    (0..p as u32).map(EndpointId).collect()
}

/// Every pair of operation and algorithm that goes together.
fn pairs() -> impl Iterator<Item = (Operation, Algorithm)> {
    Operation::ALL.into_iter().flat_map(|operation| operation.algorithms().iter().map(move |with| (operation, *with)))
}

/// Group sizes worth trying for an algorithm.
fn groups(algorithm: Algorithm, p: usize) -> Vec<u32> {
    if matches!(algorithm, Algorithm::Hierarchical | Algorithm::RailAware) {
        (1..=p).filter(|group| p.is_multiple_of(*group)).map(|group| group as u32).collect()
    } else {
        vec![8]
    }
}

#[test]
fn every_rank_ends_with_the_right_data() {
    for p in (2..=17).chain([32]) {
        for (operation, algorithm) in pairs() {
            for group in groups(algorithm, p) {
                let outers = if group as usize != p && algorithm == Algorithm::Hierarchical {
                    vec![Algorithm::Ring, Algorithm::HalvingDoubling, Algorithm::Direct]
                } else {
                    vec![Algorithm::Ring]
                };
                for outer in outers {
                    if outer == Algorithm::HalvingDoubling && p == 32 && group < 4 {
                        continue;
                    }
                    let root = (p / 3) as u32;
                    let collective =
                        Collective { group, outer, root, ..Collective::new(operation, algorithm, ranks(p), 1000) };
                    if let Err(error) = verify::verify(&collective) {
                        panic!("{} {} of {p} in {group} {outer:?}: {error}", algorithm.name(), operation.name());
                    }
                }
            }
        }
    }
}

#[test]
fn chunks_and_channels_keep_the_data_right() {
    for p in [2, 5, 6, 8] {
        for (operation, algorithm) in pairs() {
            for (chunks, channels, in_flight) in [(3, 1, 1), (1, 2, 0), (4, 2, 2)] {
                let group = if p % 2 == 0 { 2 } else { 1 };
                let base = Collective::new(operation, algorithm, ranks(p), 1 << 20);
                let collective = Collective { chunks, channels, in_flight, group, ..base };
                if let Err(error) = verify::verify(&collective) {
                    panic!("{} {} of {p}: {error}", algorithm.name(), operation.name());
                }
            }
        }
    }
}

#[test]
fn a_missing_wait_is_found() {
    // The second hop of a ring without its wait for the first carries one share too few.
    let members = ranks(3);
    let collective = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 300);
    verify::verify(&collective).expect("as it is made");
    let mut builder = Builder::default();
    let (schedule, _) = collective.schedule(&mut builder, None, true).expect("three members");
    assert!(schedule.carried.len() == 12 && schedule.carried.iter().all(|carried| carried.units.len() == 1));
    // A tree that is asked to reduce is not asked to scatter: its root's neighbours hold partial sums, which show.
    let wrong = Collective { operation: Operation::ReduceScatter, algorithm: Algorithm::Tree, ..collective };
    assert_eq!(wrong.check(), Err(CollectiveError::NotForThis(Operation::ReduceScatter, Algorithm::Tree)));
}

/// Bytes that every rank sends and receives, without the network's own work.
fn volumes(traffic: &Traffic, p: usize) -> (Vec<u64>, Vec<u64>) {
    let (mut sent, mut received) = (vec![0; p], vec![0; p]);
    for task in &traffic.tasks {
        if let Work::Message { from, to, bytes } = task.work {
            sent[from.index()] += bytes;
            received[to.index()] += bytes;
        }
    }
    (sent, received)
}

#[test]
fn bandwidth_optimal_algorithms_send_the_least() {
    for p in [2usize, 4, 8, 16] {
        for algorithm in [Algorithm::Ring, Algorithm::HalvingDoubling, Algorithm::Direct] {
            let bytes = 1u64 << 20;
            let traffic = Collective::new(Operation::AllReduce, algorithm, ranks(p), bytes).traffic().expect("small");
            let least = 2 * (p as u64 - 1) * bytes / p as u64;
            let (sent, received) = volumes(&traffic, p);
            assert!(sent.iter().chain(&received).all(|volume| *volume == least), "{algorithm:?} of {p}: {sent:?}");
        }
    }
}

/// An ideal machine: each rank sends one message at a time and receives one at a time, at full rate; a message takes
/// `alpha` more. Times in seconds.
fn ideal(traffic: &Traffic, p: usize, level: Level) -> f64 {
    let mut left: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    let mut ready: Vec<f64> = vec![0.0; left.len()];
    let mut queue: std::collections::BTreeSet<(u64, u32)> =
        (0..left.len() as u32).filter(|at| left[*at as usize] == 0).map(|at| (0, at)).collect();
    let (mut out, mut into, mut last) = (vec![0.0f64; p], vec![0.0f64; p], 0.0f64);
    while let Some((_, at)) = queue.pop_first() {
        let end = match traffic.tasks[at as usize].work {
            Work::Message { from, to, bytes } => {
                let busy = bytes as f64 * level.beta;
                let start = ready[at as usize].max(out[from.index()]).max(into[to.index()]);
                (out[from.index()], into[to.index()]) = (start + busy, start + busy);
                start + busy + level.alpha
            }
            _ => ready[at as usize],
        };
        last = last.max(end);
        for follower in traffic.followers_of(TaskId(at)) {
            let to = follower.task.index();
            ready[to] = ready[to].max(end);
            left[to] -= 1;
            if left[to] == 0 {
                queue.insert((Time::from_seconds(ready[to]).expect("in range").0, to as u32));
            }
        }
    }
    last
}

#[test]
fn the_ideal_machine_takes_what_the_closed_forms_say() {
    let level = Level { alpha: 6e-6, beta: 1.0 / 50e9 };
    let mut exact = 0;
    for p in 2..=17usize {
        for (operation, algorithm) in pairs().filter(|(_, algorithm)| *algorithm != Algorithm::InSwitch) {
            // A multiple of every p, so that parts are equal.
            let bytes = 12_252_240;
            for group in groups(algorithm, p) {
                let collective = Collective { group, ..Collective::new(operation, algorithm, ranks(p), bytes) };
                let traffic = collective.traffic().expect("small");
                let said = estimate(&collective, level, level).expect("equal parts");
                let found = ideal(&traffic, p, level);
                let error = found / said.seconds - 1.0;
                // Direct messages in one phase wait for each other's ports in no fixed order behind a phase of unequal ends.
                if said.exact {
                    assert!(error.abs() < 1e-6, "{algorithm:?} {operation:?} of {p} in {group}: {found} {said:?}");
                    exact += 1;
                } else {
                    assert!((-0.6..0.35).contains(&error), "{algorithm:?} {operation:?} of {p}: {found} {said:?}");
                }
            }
        }
    }
    assert!(exact > 200, "{exact}");
}

#[test]
fn golden_ring_of_the_flow_oracle() {
    // 14 steps of 128 MiB at 50 GB/s and 6 us each: 37,664.964 us, which SimGrid 3.32 and LogGOPSim also answer.
    let collective = Collective::new(Operation::AllReduce, Algorithm::Ring, ranks(8), 1 << 30);
    let level = Level { alpha: 6e-6, beta: 1.0 / 50e9 };
    let found = ideal(&collective.traffic().expect("small"), 8, level);
    assert!((found * 1e6 - 37_664.964).abs() < 1e-3, "{found}");
    assert_eq!(collective.traffic().expect("small").messages(), 112);
}

#[test]
fn pipelines_are_faster_with_chunks() {
    let level = Level { alpha: 1e-6, beta: 1.0 / 50e9 };
    let time = |chunks, algorithm| {
        let base = Collective::new(Operation::Broadcast, algorithm, ranks(8), 64 << 20);
        ideal(&Collective { chunks, in_flight: 8, ..base }.traffic().expect("small"), 8, level)
    };
    let (whole, pieces) = (time(1, Algorithm::Ring), time(64, Algorithm::Ring));
    // Seven hops one after the other against one buffer and six pieces more.
    assert!(pieces < whole / 5.0, "{whole} {pieces}");
    let reduce = |chunks| {
        let base = Collective::new(Operation::AllReduce, Algorithm::DoubleTree, ranks(16), 64 << 20);
        ideal(&Collective { chunks, in_flight: 8, ..base }.traffic().expect("small"), 16, level)
    };
    // Two buffers through every port and the way up and down would be 0.3 of the whole; this machine, which reserves ports
    // in the order in which messages become ready, leaves gaps.
    assert!(reduce(64) < 0.65 * reduce(1), "{} {}", reduce(64), reduce(1));
}

#[test]
fn unequal_parts_are_all_sent_once() {
    let p = 5;
    let parts: Vec<u64> = (0..p * p).map(|at| if at % 7 == 0 { 0 } else { at as u64 * 100 }).collect();
    for (algorithm, group) in [(Algorithm::Direct, 1), (Algorithm::Bruck, 1)] {
        let base = Collective::new(Operation::AllToAll, algorithm, ranks(p), 0);
        let collective = Collective { parts: Some(parts.clone()), group, ..base };
        let traffic = collective.traffic().expect("small");
        let sent: u64 = volumes(&traffic, p).0.iter().sum();
        let off_diagonal = |at: &usize| at / p != at % p;
        let whole: u64 = (0..p * p).filter(off_diagonal).map(|at| parts[at]).sum();
        if algorithm == Algorithm::Direct {
            assert_eq!(sent, whole);
            let pairs = (0..p * p).filter(off_diagonal).filter(|at| parts[*at] > 0).count();
            assert_eq!(traffic.messages(), pairs, "pairs without bytes send nothing");
        } else {
            assert!(sent >= whole);
        }
    }
}

#[test]
fn acknowledgements_instead_of_receipts() {
    let base = Collective::new(Operation::AllReduce, Algorithm::Ring, ranks(4), 4096);
    let traffic = Collective { when: When::Acknowledged, ..base }.traffic().expect("small");
    assert!(traffic.followers.iter().all(|follower| follower.when == When::Acknowledged));
    assert_eq!(traffic.followers.len(), traffic.tasks.len() - 4);
}

#[test]
fn a_collective_inside_other_traffic_waits_and_is_waited_for() {
    for (operation, algorithm) in pairs() {
        let p = 4;
        let mut builder = Builder::default();
        let entry: Vec<Vec<TaskId>> = (0..p)
            .map(|rank| vec![builder.task(Work::Delay { at: EndpointId(rank), time: Time::us(3) }, Time::ZERO)])
            .collect();
        let collective = Collective { group: 2, ..Collective::new(operation, algorithm, ranks(p as usize), 4096) };
        let done = collective.add(&mut builder, &entry).expect("four members");
        let traffic = builder.build();
        traffic.check(4).expect("it can run");
        let first_wave = traffic.tasks[4..].iter().filter(|task| task.waits == 0).count();
        assert_eq!(first_wave, 0, "{operation:?} {algorithm:?}: nothing starts before its rank is there");
        assert!(done.iter().all(|tasks| !tasks.is_empty()));
    }
}

#[test]
fn names_read_and_slips_are_told() {
    assert_eq!(parse("ring-all-reduce"), Ok((Operation::AllReduce, Algorithm::Ring)));
    assert_eq!(parse("halving-doubling-reduce-scatter"), Ok((Operation::ReduceScatter, Algorithm::HalvingDoubling)));
    assert_eq!(parse("broadcast"), Ok((Operation::Broadcast, Algorithm::Tree)));
    assert_eq!(parse("bruck-all-to-all"), Ok((Operation::AllToAll, Algorithm::Bruck)));
    for (operation, algorithm) in pairs() {
        assert_eq!(parse(&format!("{}-{}", algorithm.name(), operation.name())), Ok((operation, algorithm)));
    }
    assert!(parse("ring-all-to-all").expect_err("none").contains("direct, bruck, rail-aware"));
    assert!(parse("rnig-all-reduce").expect_err("a slip").contains("no algorithm `rnig`"));
    assert!(parse("gather").expect_err("none").contains("ring-all-reduce"));
}

#[test]
fn what_cannot_be_made() {
    let base = Collective::new(Operation::AllReduce, Algorithm::Ring, ranks(6), 100);
    let check = |collective: Collective| collective.check().expect_err("wrong");
    assert_eq!(check(Collective { members: ranks(1), ..base.clone() }), CollectiveError::Nothing);
    assert_eq!(check(Collective { chunks: 0, ..base.clone() }), CollectiveError::Nothing);
    assert_eq!(check(Collective { root: 6, ..base.clone() }), CollectiveError::Root(6));
    let twice = vec![EndpointId(3), EndpointId(1), EndpointId(3)];
    assert_eq!(check(Collective { members: twice, ..base.clone() }), CollectiveError::Twice(EndpointId(3)));
    let levels = Collective { algorithm: Algorithm::Hierarchical, group: 4, ..base.clone() };
    assert_eq!(check(levels.clone()), CollectiveError::Groups(6, 4));
    assert_eq!(
        check(Collective { group: 3, outer: Algorithm::Bruck, ..levels }),
        CollectiveError::Outer(Algorithm::Bruck)
    );
    let huge = Collective { members: ranks(131_072), ..base };
    assert!(matches!(check(huge), CollectiveError::TooLarge(_)));
}

#[test]
fn the_best_way_depends_on_the_size() {
    let level = Level { alpha: 6e-6, beta: 1.0 / 50e9 };
    let winner = |bytes, operation, p| {
        let template = Collective::new(operation, Algorithm::Ring, ranks(p), bytes);
        let choices = best::Choices {
            algorithms: Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::InSwitch).collect(),
            ..best::Choices::default()
        };
        let found = best::ranked(&template, &choices, |collective| {
            let levels = matches!(collective.algorithm, Algorithm::Direct | Algorithm::Hierarchical);
            (!levels || operation == Operation::AllToAll)
                .then(|| estimate(collective, level, level).map(|estimate| estimate.seconds))?
        });
        assert!(found.windows(2).all(|pair| pair[0].cost <= pair[1].cost));
        found[0].collective.algorithm
    };
    assert_eq!(winner(8, Operation::AllReduce, 16), Algorithm::RecursiveDoubling, "fewest steps for few bytes");
    assert_eq!(winner(64, Operation::AllGather, 12), Algorithm::Bruck, "fewest steps for any number of ranks");
    assert_eq!(winner(1 << 30, Operation::AllToAll, 16), Algorithm::Direct);
}
