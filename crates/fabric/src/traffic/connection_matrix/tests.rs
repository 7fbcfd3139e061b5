//! Connection matrices read, checked, written and read again.

use lanewright_model::problem::{Problems, Severity};
use lanewright_model::text::Texts;
use proptest::prelude::*;

use super::*;
use crate::network::LinkLayer;
use crate::network::fat_tree::{FatTree, Links};
use crate::time::Rate;
use crate::traffic::Follower;

fn load(text: &str) -> (Option<(ConnectionMatrix, Traffic)>, Vec<String>) {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("x.cm", text);
    let matrix = read(file, &texts, &mut problems);
    let list = problems
        .iter()
        .map(|problem| {
            let place = problem.labels.first().map_or(String::new(), |label| texts.place(label.0));
            let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
            format!("{place} {severity}: {}", problem.message)
        })
        .collect();
    (matrix, list)
}

#[track_caller]
fn good(text: &str) -> (ConnectionMatrix, Traffic) {
    let (matrix, problems) = load(text);
    matrix.unwrap_or_else(|| panic!("{problems:?}"))
}

#[test]
fn a_chain_waits_for_acknowledgements_or_deliveries() {
    let (matrix, traffic) = good(
        "# three flows\nNodes 4\nConnections 3\nTriggers 2\n\n0->1 id 7 start 0.001 size 2000000  send_done_trigger 4\r\n\
         1->2 id 8 trigger 4 size 5000000000 recv_done_trigger 5 # big\n2->3\tid 9 trigger 5 size 8 prio 3\n\
         trigger id 4 oneshot\ntrigger id 5 oneshot",
    );
    assert_eq!(matrix.nodes, 4);
    assert_eq!(traffic.labels, [7, 8, 9]);
    assert_eq!(traffic.tasks[0].not_before, Time::ns(1));
    let message = |from, to, bytes| Work::Message { from: EndpointId(from), to: EndpointId(to), bytes };
    assert_eq!(traffic.tasks[1].work, message(1, 2, 5_000_000_000), "sizes above 31 bits");
    assert_eq!(traffic.followers_of(TaskId(0)), [Follower { task: TaskId(1), when: When::Acknowledged }]);
    assert_eq!(traffic.followers_of(TaskId(1)), [Follower { task: TaskId(2), when: When::Delivered }]);
    assert_eq!(matrix.connections[2].priority, Some(3));
}

#[test]
fn a_barrier_joins_many_to_many_through_a_delay_of_nothing() {
    let flows: String = (0..3)
        .map(|at| format!("{at}->9 id {} start 0 size 1 send_done_trigger 1\n", at + 1))
        .chain((0..3).map(|at| format!("{at}->8 id {} trigger 1 size 1\n", at + 4)))
        .collect();
    let (_, traffic) = good(&format!("Nodes 10\nConnections 6\nTriggers 1\n{flows}trigger id 1 barrier count 3\n"));
    assert_eq!(traffic.tasks.len(), 7, "six flows and the hub");
    assert_eq!(traffic.tasks[6].waits, 3);
    assert_eq!(traffic.followers_of(TaskId(6)).len(), 3);
    assert_eq!(traffic.labels[6], 0);
    // One to many needs none.
    let (_, traffic) = good(
        "Nodes 9\nConnections 3\nTriggers 1\n0->1 start 0 size 1 send_done_trigger 1\n1->2 trigger 1 size 1\n\
         2->3 trigger 1 size 1\ntrigger id 1 oneshot\n",
    );
    assert_eq!(traffic.tasks.len(), 3);
    assert!(traffic.labels.is_empty());
}

#[test]
fn a_multishot_trigger_starts_one_after_the_other() {
    let (matrix, traffic) = good(
        "Nodes 9\nConnections 4\nTriggers 1\n0->1 id 1 start 0 size 1 send_done_trigger 1\n\
         0->2 id 2 start 0 size 1 send_done_trigger 1\n0->3 id 3 trigger 1 size 1\n0->4 id 4 trigger 1 size 1\n\
         trigger id 1 multishot\n",
    );
    assert_eq!(traffic.followers_of(TaskId(0)), [Follower { task: TaskId(2), when: When::Acknowledged }]);
    assert_eq!(traffic.followers_of(TaskId(1)), [Follower { task: TaskId(3), when: When::Acknowledged }]);
    let (_, problems) = load(&matrix.write());
    assert_eq!(problems.len(), 1, "the order is only that of the file: {problems:?}");
}

/// As uet-htsim 40ccb05: with `start 100` a message is "starting at 100" and, of 2 MB over 16 hosts, "finished at 153.05".
#[test]
fn starts_are_in_microseconds() {
    let start = |text: &str| good(&format!("Nodes 2\nConnections 1\n0->1 start {text} size 1")).1.tasks[0].not_before;
    assert_eq!(start("100"), Time::us(100));
    assert_eq!(start("1.5"), Time::ns(1_500));
    assert_eq!(start("0.0000019"), Time::ps(1), "parts of a picosecond are cut off");
    assert_eq!(start("2e3"), Time::us(2_000));
    assert_eq!(start("18446744073709.551615"), Time::NEVER);
    for text in ["-1", "1.x", ".5.", "nan", "inf", "99999999999999"] {
        let (_, problems) = load(&format!("Nodes 2\nConnections 1\n0->1 start {text} size 1"));
        assert_eq!(problems, ["x.cm:3:12 error: expected a time in microseconds, 0 to 1.8e13"], "{text}");
    }
}

#[test]
fn messages_on_used_connections_start_in_microseconds() {
    let (matrix, traffic) =
        good("Nodes 2\nConnections 2\n0->1 id 1 msg start 0 size 1\n0->1 id 1 msg 2 start 6 size 4086\n");
    assert_eq!(traffic.tasks[1].not_before, Time::us(6));
    assert_eq!(good(&matrix.write()).0, matrix);
}

#[test]
fn every_slip_is_found_with_its_place() {
    let (matrix, problems) = load(
        "Nodes 4\nConections 3\n0->1 id 1 start 0 size 12x\n0->b start 0 size 1\n1->2 sise 5 start -3 size\n\
         2->3 start 0 trigger 1 size 0\n3->1 size 7\ntrigger id 0 oneshot multishot\ntrigger id 3 barrier\n\
         failure switch_type SPINE switch_id 1\n",
    );
    assert!(matrix.is_none());
    let expected = [
        "x.cm:2:1 error: unknown line `Conections`",
        "x.cm:3:24 error: `12x` is not a whole number of bytes",
        "x.cm:4:1 error: `b` is not the number of a node",
        "x.cm:5:6 error: unknown word `sise` in a connection",
        "x.cm:5:19 error: expected a time in microseconds, 0 to 1.8e13",
        "x.cm:5:22 error: `size` without a value",
        "x.cm:6:1 error: a connection of 0 bytes",
        "x.cm:6:1 error: a connection with both `start` and `trigger`",
        "x.cm:7:1 error: a connection with neither `start` nor `trigger`",
        "x.cm:8:9 error: `id 0`",
        "x.cm:8:22 error: a trigger of two kinds",
        "x.cm:9:1 error: a barrier without `count`",
        "x.cm:10:21 error: not a kind of switch",
        "x.cm:10:1 error: a failure without `link_id`",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn what_can_be_read_but_makes_no_sense() {
    let check = |body: &str, expected: &[&str]| {
        let count = |of: &str| body.lines().filter(|line| line.contains(of) && !line.starts_with('#')).count();
        let triggers = body.lines().filter(|line| line.starts_with("trigger")).count();
        let text = format!("Nodes 4\nConnections {}\nTriggers {triggers}\n{body}", count("->"));
        let (matrix, problems) = load(&text);
        assert!(matrix.is_none(), "{body}");
        assert_eq!(problems, expected);
    };
    check(
        "0->4 start 0 size 1\n1->1 start 0 size 1",
        &["x.cm:4:1 error: there is no node 4", "x.cm:5:1 error: a connection from a node to itself"],
    );
    check("0->1 id 5 start 0 size 1\n1->2 id 5 start 0 size 1", &["x.cm:5:1 error: two connections have the same id"]);
    check("0->1 start 0 size 1 send_done_trigger 2", &["x.cm:4:1 error: there is no trigger 2"]);
    check(
        "0->1 trigger 2 size 1\ntrigger id 2 oneshot",
        &["x.cm:4:1 error: this connection never starts: its trigger is activated 0 times"],
    );
    check(
        "0->1 start 0 size 1 send_done_trigger 2\n1->2 start 0 size 1 send_done_trigger 2\n2->3 trigger 2 size 1\n\
         trigger id 2 oneshot",
        &["x.cm:7:1 error: 2 connections activate this trigger, which may be activated 1 time"],
    );
    check(
        "0->1 start 0 size 1 send_done_trigger 2\n2->3 trigger 2 size 1\ntrigger id 2 barrier count 2",
        &["x.cm:5:1 error: this connection never starts: its trigger is activated 1 time"],
    );
    check(
        "0->1 trigger 1 size 1 send_done_trigger 2\n2->3 trigger 2 size 1 recv_done_trigger 1\ntrigger id 1 oneshot\n\
         trigger id 2 oneshot\ntrigger id 2 oneshot",
        &["x.cm:8:1 error: two triggers have the same id"],
    );
    let (_, problems) = load(
        "Nodes 4\nConnections 2\nTriggers 2\n0->1 trigger 1 size 1 send_done_trigger 2\n\
         2->3 trigger 2 size 1 recv_done_trigger 1\ntrigger id 1 oneshot\ntrigger id 2 oneshot\n",
    );
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("2 connections wait for each other in a circle"), "{problems:?}");
    let (_, problems) = load("Nodes 4\nConnections 3\n0->1 start 0 size 1\n");
    assert_eq!(problems, ["x.cm:2:1 error: `Connections 3`, but the file has 1"]);
    let (matrix, problems) = load("Connections 1\n0->6 start 0 size 1\n");
    assert_eq!(matrix.expect("a warning alone").0.nodes, 7);
    assert_eq!(problems, ["x.cm:1:1 warning: no `Nodes` line: 7 nodes are assumed"]);
}

#[test]
fn failed_links_are_edges_of_the_tree() {
    let text = "Nodes 16\nConnections 1\nFailures 2\n0->1 start 0 size 1\nfailure switch_type AGG switch_id 3 link_id 1\n\
                failure switch_type TOR switch_id 0 link_id 0\n";
    let (matrix, _) = good(text);
    let links = Links {
        rate: Rate::gbps(100.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    let tree = FatTree::balanced(16, 3).expect("k = 4");
    let network = tree.build(&links);
    let faults = matrix.faults(&network).expect("both exist").faults;
    assert_eq!(faults.len(), 4);
    let crate::fault::Change::Down { edge } = faults[0].change else { panic!("links go down") };
    let edge = network.edge(edge);
    // Second switch of the second pod: its second upward link leads to the fourth of the four cores.
    assert_eq!(network.name(edge.from), "switch.t2[3]");
    assert_eq!(network.name(edge.to), "switch.t3[3]");
    let crate::fault::Change::Down { edge: back } = faults[1].change else { panic!("links go down") };
    assert_eq!((network.edge(back).from, network.edge(back).to), (edge.to, edge.from));
    let wrong = FailedLink { tier: SwitchTier::Agg, switch: 3, link: 2 };
    assert_eq!(wrong.edges(&network), Err("AGG switch 3 has no link 2: it has 2 upwards".to_string()));
    let wrong = FailedLink { tier: SwitchTier::Core, switch: 4, link: 0 };
    assert_eq!(wrong.edges(&network), Err("there is no CORE switch 4: the tree has 4".to_string()));
}

#[test]
fn traffic_that_the_form_cannot_say() {
    let mut builder = Builder::default();
    let first = builder.message(EndpointId(0), EndpointId(1), 8);
    let other = builder.message(EndpointId(2), EndpointId(1), 8);
    let joined = builder.message(EndpointId(1), EndpointId(2), 8);
    let alone = builder.message(EndpointId(1), EndpointId(3), 8);
    builder.after(first, joined, When::Delivered);
    builder.after(other, joined, When::Delivered);
    let mut apart = builder.clone();
    apart.after(first, alone, When::Delivered);
    assert_eq!(ConnectionMatrix::from_traffic(&apart.build(), 4), Err(NotAMatrix::Followers(first)));
    // When one waits for receipt and the other for the acknowledgement, there are triggers for both.
    builder.after(first, alone, When::Acknowledged);
    let traffic = builder.build();
    let matrix = ConnectionMatrix::from_traffic(&traffic, 4).expect("two triggers");
    assert_eq!(matrix.triggers.len(), 2);
    assert_eq!(good(&matrix.write()).1.followers_of(first).len(), 2);
    let mut builder = Builder::default();
    let delay = builder.task(Work::Delay { at: EndpointId(0), time: Time::us(1) }, Time::ZERO);
    assert_eq!(ConnectionMatrix::from_traffic(&builder.build(), 4), Err(NotAMatrix::NotAMessage(delay)));
}

prop_compose! {
    /// Chains of messages: each of some rounds waits for the whole round before, or for one of it.
    fn matrix()(nodes in 2u32..40, rounds in 1usize..4, width in 1u32..6, bytes in 1u64..1 << 40, barrier: bool,
                failed in prop::option::of((0u32..9, 0u32..9)))
        -> ConnectionMatrix {
        let mut matrix = ConnectionMatrix { nodes, ..ConnectionMatrix::default() };
        for round in 0..rounds as u32 {
            for at in 0..width {
                let trigger = |round: u32| if barrier { round } else { round * width + at } + 1;
                let start = if round == 0 { Start::At(Time(bytes ^ u64::from(at))) } else { Start::On(trigger(round - 1)) };
                let (last, id) = (round as usize + 1 == rounds, u64::from(round * width + at) + 1);
                let (from, to) = (at % nodes, (at + 1) % nodes);
                let (send_done, recv_done) = if last { (0, 0) } else if at % 2 == 0 { (trigger(round), 0) } else { (0, trigger(round)) };
                matrix.connections.push(Connection { from, to, id, message: None, start, bytes, send_done, recv_done, priority: None });
                if !last && (!barrier || at == 0) {
                    let kind = if barrier { TriggerKind::Barrier { count: width } } else { TriggerKind::OneShot };
                    matrix.triggers.push(Trigger { id: trigger(round), kind });
                }
            }
        }
        matrix.failures.extend(failed.map(|(switch, link)| FailedLink { tier: SwitchTier::Agg, switch, link }));
        matrix
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(matrix in matrix()) {
        let (read, problems) = load(&matrix.write());
        prop_assert!(problems.is_empty(), "{problems:?}");
        let (read, traffic) = read.expect("no problems");
        prop_assert_eq!(&read, &matrix);
        // Through traffic and back the order of waiting stays.
        if let Ok(again) = ConnectionMatrix::from_traffic(&traffic, matrix.nodes) {
            prop_assert_eq!(again.traffic().expect("it was traffic").followers, traffic.followers);
        }
    }

    #[test]
    fn no_text_makes_it_stop(text in "((Nodes|Connections|Triggers|trigger|failure|id|start|size|oneshot|barrier|count|0->1|1->2|->|#|[0-9]{1,22}|é|-1|1e9)[ \n]){0,60}") {
        let (matrix, problems) = load(&text);
        prop_assert_eq!(matrix.is_none(), problems.iter().any(|problem| problem.contains(" error: ")));
    }
}

/// Files as other systems and hands write them: carriage returns, a byte order mark, tabs, remarks, keys and lines in any
/// order, decimals, no counts, no last line feed, sizes beyond 32 bits.
#[test]
fn files_of_all_kinds_mean_the_same() {
    let plain = "Nodes 16\nConnections 2\nTriggers 1\n0->8 id 9 start 15 size 5000000000 send_done_trigger 7\n1->9 id 3 \
                 trigger 7 size 77\ntrigger id 7 oneshot\n";
    let (wanted, problems) = load(plain);
    assert_eq!(problems, [] as [&str; 0]);
    let wanted = wanted.expect("sound").0;
    assert_eq!((wanted.connections[0].bytes, wanted.connections[0].start), (5_000_000_000, Start::At(Time::us(15))));
    let same = [
        plain.replace('\n', "\r\n"),
        plain.replace(' ', "\t"),
        format!("\u{feff}# made by hand\n\n{}", plain.replace("Nodes 16", "  Nodes 16 # hosts")),
        plain.replace("start 15 size 5000000000", "size 5000000000 start 1.5e1").trim_end().to_string(),
        plain.replace("Triggers 1\n", "Triggers 1\nFailures 0\n"),
    ];
    for text in same {
        let (matrix, problems) = load(&text);
        assert_eq!((&matrix.expect(&text).0, problems.len()), (&wanted, 0), "{text}");
    }
    // A trigger before those who use it.
    let (line, rest) = ("trigger id 7 oneshot\n", plain.replace("trigger id 7 oneshot\n", ""));
    let moved = rest.replace("Triggers 1\n", &format!("Triggers 1\n{line}"));
    assert_eq!(load(&moved).0.expect("sound").0, wanted);
    let (matrix, problems) = load(&plain.replace("Connections 2\n", "").replace("Triggers 1\n", ""));
    assert_eq!(matrix.expect("warnings alone").0, wanted);
    assert_eq!(
        problems,
        [
            "x.cm:5:1 warning: no `Connections` line: the file has 2, and htsim would refuse it",
            "x.cm:5:1 warning: no `Triggers` line: the file has 1, and htsim would refuse it",
        ]
    );
}
