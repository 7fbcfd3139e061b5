//! Traces written, read again, and made into traffic.

use lanewright_model::problem::Problems;
use proptest::prelude::*;

use super::*;
use crate::collective::{Algorithm, Collective, Operation};
use crate::network::EndpointId;
use crate::time::Time;
use crate::traffic::program::{Lowering, SendDone};
use crate::traffic::{Traffic, When, Work};

fn lowering() -> Lowering<'static> {
    Lowering { send_done: SendDone::Acknowledged, algorithm: &Lowering::usual, template: None }
}

fn made(traces: &[Trace]) -> Result<Traffic, Vec<String>> {
    let files: Vec<(String, Vec<u8>)> =
        traces.iter().enumerate().map(|(rank, trace)| (format!("job.{rank}.et"), trace.write())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let mut problems = Problems::new();
    let job = job(&files, &mut problems);
    let Some(job) = job else { return Err(problems.iter().map(|problem| problem.message.clone()).collect()) };
    match job.programs.traffic(&lowering()) {
        Ok((traffic, _)) => Ok(traffic),
        Err(errors) => Err(errors.iter().map(|error| job.problem(error).message).collect()),
    }
}

fn node(id: u64, kind: u32, name: &str, deps: &[u64], attributes: Vec<Attribute>) -> Node {
    Node { id, name: name.into(), kind, data_deps: deps.to_vec(), attributes, ..Node::default() }
}

fn all_reduce(id: u64, bytes: i64, deps: &[u64]) -> Node {
    let attributes = vec![Attribute::int64("comm_type", 0), Attribute::int64("comm_size", bytes)];
    node(id, kinds::COMM_COLL, "all_reduce", deps, attributes)
}

fn trace(nodes: Vec<Node>) -> Trace {
    Trace { version: "0.0.4".into(), attributes: vec![Attribute::text("schema", "1")], nodes }
}

#[test]
fn the_bytes_of_the_form() {
    let trace =
        Trace { version: "1".into(), attributes: Vec::new(), nodes: vec![node(300, 4, "c", &[1, 200], Vec::new())] };
    // By hand: metadata {1: "1"}; node {1: 300, 2: "c", 3: 4, 5: packed [1, 200]}.
    let bytes = [3, 0x0a, 1, b'1', 13, 0x08, 0xac, 2, 0x12, 1, b'c', 0x18, 4, 0x2a, 3, 1, 0xc8, 1];
    assert_eq!(trace.write(), bytes);
    let mut read = Trace::read(&bytes).expect("sound");
    assert_eq!(std::mem::take(&mut read.nodes[0].at), 5);
    assert_eq!(read, trace);
    // Dependencies may also stand one by one.
    let loose = [3, 0x0a, 1, b'1', 5, 0x28, 1, 0x28, 0xc8, 1];
    assert_eq!(Trace::read(&loose).expect("sound").nodes[0].data_deps, [1, 200]);
}

#[test]
fn collectives_and_computing_of_four_ranks() {
    let traces: Vec<Trace> = (0..4)
        .map(|_| {
            let mut comp = node(0, kinds::COMP, "gemm", &[], Vec::new());
            comp.duration_micros = 100;
            trace(vec![comp, all_reduce(1, 4096, &[0]), node(2, kinds::COMP, "end", &[1], Vec::new())])
        })
        .collect();
    let traffic = made(&traces).expect("sound");
    assert_eq!(traffic.messages(), 2 * 3 * 4, "a ring of four");
    let computing =
        traffic.tasks.iter().filter(|task| matches!(task.work, Work::Delay { time, .. } if time == Time::us(100)));
    assert_eq!(computing.count(), 4);
}

#[test]
fn traffic_goes_through_traces_and_back() {
    let members: Vec<EndpointId> = (0..6).map(EndpointId).collect();
    for (operation, algorithm, messages) in [
        (Operation::AllReduce, Algorithm::Ring, 60),
        (Operation::AllToAll, Algorithm::Direct, 30),
        (Operation::Broadcast, Algorithm::Tree, 5),
    ] {
        let traffic = Collective::new(operation, algorithm, members.clone(), 6 << 20).traffic().expect("small");
        let traces = from_traffic(&traffic, 6).expect("messages alone");
        let again = made(&traces).expect("sound");
        assert_eq!(again.messages(), messages);
        let depth = |traffic: &Traffic| {
            let mut level = vec![0u32; traffic.tasks.len()];
            for _ in 0..traffic.tasks.len() {
                for at in 0..traffic.tasks.len() {
                    let next = level[at] + u32::from(matches!(traffic.tasks[at].work, Work::Message { .. }));
                    for follower in traffic.followers_of(crate::traffic::TaskId(at as u32)) {
                        assert_eq!(follower.when, When::Delivered);
                        level[follower.task.index()] = level[follower.task.index()].max(next);
                    }
                }
            }
            level.into_iter().max()
        };
        assert_eq!(depth(&again), depth(&traffic), "the longest chain of messages stays");
    }
}

#[test]
fn every_error_names_file_byte_and_node() {
    let check = |traces: &[Trace], expected: &[&str]| {
        let found = made(traces).expect_err("wrong");
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "`{expected}` in {found:?}");
        }
    };
    check(
        &[trace(vec![node(7, kinds::COMP, "gemm", &[3], Vec::new())])],
        &["job.0.et: byte 23: node 7 `gemm`: it waits for node 3, which the file does not have"],
    );
    let two = |a: Node, b: Node| [trace(vec![a]), trace(vec![b])];
    check(
        &two(all_reduce(1, 4096, &[]), all_reduce(1, 8192, &[])),
        &[
            "job.1.et: byte 23: node 1 `all_reduce`: ranks differ in what this collective of their group is, or in its bytes; \
         the other is job.0.et: byte 23: node 1 `all_reduce`",
        ],
    );
    let circle = vec![node(1, kinds::COMP, "a", &[2], Vec::new()), node(2, kinds::COMP, "b", &[1], Vec::new())];
    check(&[trace(circle)], &["steps wait for each other in a circle: "]);
    let send = node(1, kinds::COMM_SEND, "s", &[], vec![Attribute::int64("comm_dst", 1)]);
    check(&two(send, node(1, 99, "x", &[], Vec::new())), &["it has no `comm_size`", "kind 99"]);
    let far = vec![Attribute::int64("comm_dst", 9), Attribute::int64("comm_size", 8)];
    check(&[trace(vec![node(1, kinds::COMM_SEND, "s", &[], far)])], &["`comm_dst` is 9, but the job has 1 files"]);
    let reduce = vec![Attribute::int64("comm_type", 1), Attribute::int64("comm_size", 8)];
    check(&[trace(vec![node(1, kinds::COMM_COLL, "r", &[], reduce)])], &["its collective is REDUCE (comm_type 1)"]);
    let mut problems = Problems::new();
    assert!(job(&[("x.et", &[200])], &mut problems).is_none());
    assert!(job(&[("y.et", &[2, 0x0b, 1])], &mut problems).is_none());
    assert!(job(&[("z.et", &[])], &mut problems).is_none());
    let found: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "x.et: byte 1: the file ends within a number",
            "y.et: byte 1: a field of a kind that traces do not have: this is no trace",
            "z.et: byte 0: an empty file",
        ]
    );
}

#[test]
fn numbers_of_every_type() {
    let attribute = |field, value| Attribute { name: "x".into(), doc: String::new(), field, value };
    for (field, value, expected) in [
        (7, Value::Varint(u64::MAX), Some(-1)),
        (9, Value::Varint(u64::MAX), Some(-1)),
        (13, Value::Varint(u64::MAX), Some(i128::from(u64::MAX))),
        (17, Value::Varint(3), Some(-2)),
        (23, Value::Fixed32(u32::MAX), Some(-1)),
        (21, Value::Fixed64(5), Some(5)),
        (3, Value::Fixed64(5), None),
    ] {
        assert_eq!(attribute(field, value).integer(), expected);
    }
}

prop_compose! {
    fn any_trace()(version in "[a-z0-9.]{0,6}", nodes in prop::collection::vec(
        (any::<u64>(), "[a-zé]{0,8}", 0u32..11, prop::collection::vec(any::<u64>(), 0..4), any::<u64>(), any::<i64>()), 0..6))
        -> Trace {
        let node = |(id, name, kind, deps, time, value): (u64, String, u32, Vec<u64>, u64, i64)| Node {
            id, name, kind, ctrl_deps: deps.clone(), data_deps: deps, start_micros: time, duration_micros: time ^ 1,
            attributes: vec![Attribute::int64("comm_size", value), Attribute::text("pg_name", "0")],
            others: vec![(8, Value::Bytes(vec![1, 2]))], at: 0,
        };
        Trace { version, attributes: Vec::new(), nodes: nodes.into_iter().map(node).collect() }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(trace in any_trace()) {
        let mut read = Trace::read(&trace.write()).expect("just written");
        read.nodes.iter_mut().for_each(|node| node.at = 0);
        prop_assert_eq!(read, trace);
    }

    #[test]
    fn no_bytes_make_it_stop(bytes in prop::collection::vec(any::<u8>(), 0..200), trace in any_trace(), at in any::<usize>(), with: u8) {
        let mut problems = Problems::new();
        prop_assert_eq!(job(&[("x", &bytes)], &mut problems).is_none(), problems.has_errors());
        let mut spoilt = trace.write();
        let at = at % spoilt.len();
        spoilt[at] = with;
        let mut problems = Problems::new();
        if let Some(job) = job(&[("x", &spoilt)], &mut problems)
            && let Err(errors) = job.programs.traffic(&lowering())
        {
            prop_assert!(errors.iter().all(|error| !job.problem(error).message.is_empty()));
        }
    }
}
