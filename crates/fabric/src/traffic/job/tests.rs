//! Traffic files as a user writes them: what they become, and what is said of wrong ones.

use proptest::prelude::*;

use super::*;
use crate::network::EndpointId;
use crate::traffic::pattern::{Pattern, Plan, Sizes};
use crate::traffic::program::Lowering;
use crate::traffic::{TaskId, Work};

fn ground(endpoints: u32) -> Ground<'static> {
    let rate = Rate::gbps(400.0).expect("positive");
    Ground { endpoints, rate, seed: 13, algorithm: &Lowering::usual, limit: 100_000 }
}

/// What a text becomes, or its problems with their places.
fn made(text: &str, endpoints: u32) -> Result<Made, Vec<(String, String)>> {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("job.toml", text);
    let made = read(file, &texts, &mut problems).and_then(|job| job.traffic(&ground(endpoints), &mut problems));
    let place = |problem: &lanewright_model::problem::Problem| {
        problem.labels.first().map_or(String::new(), |label| texts.place(label.0))
    };
    let told: Vec<(String, String)> =
        problems.iter().map(|problem| (place(problem), problem.message.clone())).collect();
    match made {
        Some(made) => {
            assert!(told.is_empty(), "{told:?}");
            assert_eq!(made.traffic.check(endpoints as usize), Ok(()));
            Ok(made)
        }
        None => {
            assert!(!told.is_empty(), "refused without a reason");
            Err(told)
        }
    }
}

fn sound(text: &str, endpoints: u32) -> Made {
    made(text, endpoints).unwrap_or_else(|told| panic!("{told:?}"))
}

/// Start and end of every task where messages take 1 us and delays their time.
fn times(traffic: &Traffic) -> Vec<(Time, Time)> {
    let mut left: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    let mut start: Vec<Time> = traffic.tasks.iter().map(|task| task.not_before).collect();
    let mut found = vec![(Time::NEVER, Time::NEVER); left.len()];
    let mut ready: Vec<usize> = (0..left.len()).filter(|at| left[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        let takes = match traffic.tasks[at].work {
            Work::Delay { time, .. } => time,
            _ => Time::us(1),
        };
        found[at] = (start[at], start[at] + takes);
        for follower in traffic.followers_of(TaskId(at as u32)) {
            let next = follower.task.index();
            // Acknowledgements take as long again.
            let back = if follower.when == When::Acknowledged { Time::us(1) } else { Time::ZERO };
            start[next] = start[next].max(found[at].1 + back);
            left[next] -= 1;
            if left[next] == 0 {
                ready.push(next);
            }
        }
    }
    found
}

/// Endpoints of a task that does something.
fn who(work: Work) -> Vec<EndpointId> {
    match work {
        Work::Message { from, to, .. } => vec![from, to],
        Work::Delay { at, time } if time > Time::ZERO => vec![at],
        _ => Vec::new(),
    }
}

#[test]
fn a_collective_or_pattern_alone_is_what_flags_make() {
    let ring =
        sound("[[collective]]\noperation = \"all-reduce\"\nranks = \"[0-14:2]\"\nbytes = \"64KiB\"\nchunks = 2\n", 16);
    let members = (0..8).map(|rank| EndpointId(2 * rank)).collect();
    let mut by_flags = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 65_536);
    by_flags.chunks = 2;
    assert_eq!(ring.traffic, by_flags.traffic().expect("a ring"));
    assert_eq!(ring.steps[0].collective.as_ref(), Some(&by_flags));

    let drawn = sound("[[pattern]]\nkind = \"permutation\"\nbytes = 1000\nseed = 5\n", 16);
    let plan =
        Plan { pattern: Pattern::Permutation, endpoints: 16, sizes: Sizes::Fixed(1000), start: Time::ZERO, seed: 5 };
    assert_eq!(drawn.traffic, plan.traffic().expect("a permutation"));
}

#[test]
fn every_kind_of_step() {
    let text = r#"
        [job]
        name = "two steps of training"
        ranks = 8
        endpoints = "[1-15:2]"

        [[group]]
        id = "first half"
        ranks = "[0-3]"

        [[phase]]
        id = "step"
        repeat = 2

        [[compute]]
        id = "forward"
        phase = "step"
        time = "100us"

        [[collective]]
        id = "gradients"
        phase = "step"
        operation = "all-reduce"
        algorithm = "ring"
        across = 4
        bytes = "1MiB"
        after = ["forward"]

        [[message]]
        id = "checkpoint"
        from = "first half"
        to = 7
        bytes = "2MB"
        after = ["step"]

        [[memory]]
        from = 0
        to = [1, 2]
        operation = "load"
        bytes = 256
        count = 3
        outstanding = 2
        latency = "100ns"
        after = ["checkpoint"]
        class = 1

        [[pattern]]
        kind = "poisson"
        sizes = "hadoop"
        load = 0.3
        duration = "50us"
        start = "1ms"
    "#;
    let made = sound(text, 16);
    // Twice eight delays and four rings of two ranks (two steps of two messages), four messages, two streams of three loads.
    let phase = 2 * (8 + 4 * 4);
    let tasks = |name: &str| -> Vec<Range<u32>> {
        let at = made.steps.iter().position(|step| step.name == name).expect("a step") as u32;
        made.parts.iter().filter(|part| part.step == at).map(|part| part.tasks.clone()).collect()
    };
    assert_eq!(
        tasks("step").iter().map(|tasks| tasks.len()).sum::<usize>() - phase,
        8,
        "a join per rank between the two"
    );
    assert_eq!(tasks("gradients").len(), 2);
    let memory = tasks("memory[0]").remove(0);
    assert!(made.traffic.tasks[memory.start as usize..memory.end as usize].iter().all(|task| task.class == 1));
    assert!(made.traffic.tasks.iter().all(|task| who(task.work).iter().all(|at| at.0 % 2 == 1)), "odd endpoints alone");
    let late = tasks("pattern[0]").remove(0);
    assert!(made.traffic.tasks[late.start as usize].not_before >= Time::us(1000));
    // Ranks 0 and 4 (endpoints 1 and 9) reduce among themselves.
    let message = |task: u32| made.traffic.tasks[task as usize].work;
    assert!(tasks("gradients")[0].clone().any(|task| who(message(task)) == [EndpointId(1), EndpointId(9)]));
    // 100 us, four messages one after the other by twos, twice; then the checkpoint.
    let times = times(&made.traffic);
    let checkpoint = tasks("checkpoint").remove(0);
    assert_eq!(times[checkpoint.end as usize - 1].0, Time::us(2 * (100 + 2)));
}

#[test]
fn who_waits_for_whom() {
    let two = |more: &str| {
        let text = format!(
            "[[compute]]\nid = \"a\"\nranks = 0\ntime = 5\n[[compute]]\nid = \"b\"\nranks = [1, 2]\ntime = 9\n\
             [[message]]\nid = \"c\"\nfrom = \"[0-3]\"\nto = 4\nbytes = 1\nafter = [\"a\", \"b\"]\n{more}"
        );
        let made = sound(&text, 5);
        let times = times(&made.traffic);
        let starts = |from: u32| {
            let at =
                made.traffic.tasks.iter().position(
                    |task| matches!(task.work, Work::Message { from: sender, .. } if sender == EndpointId(from)),
                );
            times[at.expect("it sends")].0
        };
        (0..4).map(starts).collect::<Vec<_>>()
    };
    // Rank 0 took part in a and not in b: for b it waits for all. Rank 3 took part in neither.
    assert_eq!(two(""), [Time::us(9); 4]);
    assert_eq!(two("wait = \"all\"\n"), [Time::us(9); 4]);
    assert_eq!(two("delay = \"3us\"\n"), [Time::us(12); 4]);
    assert_eq!(two("start = \"20us\"\ndelay = \"3us\"\n"), [Time::us(23); 4]);

    // Each for itself: the second step of a rank begins when its own first one ends.
    let own = |wait: &str| {
        let text = format!(
            "[[compute]]\nid = \"a\"\ntime = 5\njitter = \"8us\"\n\
             [[compute]]\ntime = 1\nafter = [\"a\"]\nwait = \"{wait}\"\n"
        );
        let made = sound(&text, 6);
        let times = times(&made.traffic);
        let ends: Vec<Time> = times[..6].iter().map(|time| time.1).collect();
        let starts: Vec<Time> = times[times.len() - 6..].iter().map(|time| time.0).collect();
        (ends, starts)
    };
    let (ends, starts) = own("own");
    assert_eq!(ends, starts);
    let (ends, starts) = own("all");
    assert!(starts.iter().all(|start| Some(start) == ends.iter().max()));
}

#[test]
fn repetitions() {
    let text = "[[message]]\nfrom = 0\nto = 1\nbytes = 1\nrepeat = 3\n";
    let starts = |text: &str| -> Vec<u64> {
        let made = sound(text, 4);
        let times = times(&made.traffic);
        let messages =
            made.traffic.tasks.iter().zip(times).filter(|(task, _)| matches!(task.work, Work::Message { .. }));
        messages.map(|(_, time)| time.0.0 / 1_000_000).collect()
    };
    assert_eq!(starts(text), [0, 1, 2]);
    assert_eq!(starts(&format!("{text}acknowledged = true\n")), [0, 2, 4]);
    assert_eq!(starts(&format!("{text}every = \"10us\"\nstart = 5\n")), [5, 15, 25]);
    // A phase of a phase: 2 x 3 messages, one after the other, after 7 us of waiting.
    let nested = "[[compute]]\nid = \"w\"\ntime = 7\n[[phase]]\nid = \"o\"\nrepeat = 2\nafter = [\"w\"]\n\
                  [[phase]]\nid = \"i\"\nphase = \"o\"\n[[message]]\nphase = \"i\"\nfrom = 0\nto = 1\nbytes = 1\nrepeat = 3\n";
    assert_eq!(starts(nested), [7, 8, 9, 10, 11, 12]);
    // A pattern by chance is drawn anew.
    let made = sound("[[pattern]]\nkind = \"permutation\"\nbytes = 1\nrepeat = 2\n", 32);
    let pairs = |part: usize| -> Vec<Vec<EndpointId>> {
        let tasks = made.parts[part].tasks.clone();
        tasks.map(|task| who(made.traffic.tasks[task as usize].work)).filter(|pair| pair.len() == 2).collect()
    };
    assert_eq!((pairs(0).len(), pairs(1).len()), (32, 32));
    assert_ne!(pairs(0), pairs(1));
}

#[test]
fn errors_have_places() {
    let message = "[[message]]\nfrom = 0\nto = 1\nbytes = 8\n";
    let all = "[[collective]]\noperation = \"all-reduce\"\nbytes = \"1MiB\"\n";
    for (text, place, expected) in [
        ("", "", "no step"),
        ("[[mesage]]\n", "job.toml:1:3", "unknown key `mesage`"),
        ("[[message]]\nfrom = 0\nto = 1\n", "job.toml:1:1", "no `bytes`"),
        ("[[message]]\nfrom = 0\nto = 9\nbytes = 8\n", "job.toml:3:6", "no rank 9: they count from 0 to 7"),
        ("[[message]]\nfrom = 0\nto = \"[0..3]\"\nbytes = 8\n", "job.toml:3:9", "include both ends"),
        (
            "[[message]]\nfrom = 0\nto = \"al\"\nbytes = 8\n[[group]]\nid = \"all\"\nranks = \"[*]\"\n",
            "job.toml:3:6",
            "no group `al`",
        ),
        ("[[message]]\nfrom = 0\nto = 0\nbytes = 8\n", "job.toml:3:6", "to itself"),
        ("[[message]]\nfrom = 0\nto = [1, 1]\nbytes = 8\n", "job.toml:3:6", "named twice"),
        ("[[message]]\nfrom = 0\nto = 1\nbytes = \"8 parsec\"\n", "job.toml:4:9", "not a size"),
        (&format!("{message}start = \"soon\"\n"), "job.toml:5:9", "not a time"),
        (&format!("{message}repeat = 0\n"), "job.toml:5:10", "at least once"),
        (&format!("{message}class = 9\n"), "job.toml:5:9", "from 0 to 6"),
        (&format!("{message}after = [\"frist\"]\nid = \"first\"\n"), "job.toml:5:10", "no step `frist`"),
        (&format!("{message}after = [\"a\"]\nid = \"a\"\n"), "job.toml:5:10", "a -> a"),
        (
            &format!("{message}id = \"a\"\nafter = [\"b\"]\n{message}id = \"b\"\nafter = [\"a\"]\n"),
            "job.toml:6:10",
            "circle: a -> b -> a",
        ),
        (&format!("{message}id = \"a\"\n{message}id = \"a\"\n"), "job.toml:10:6", "another step `a`"),
        (&format!("{message}phase = \"p\"\n"), "job.toml:5:9", "no phase `p`"),
        (&format!("{message}phase = \"p\"\n[[phase]]\nid = \"p\"\nphase = \"p\"\n"), "job.toml:8:9", "within itself"),
        (
            &format!("{message}id = \"a\"\n[[phase]]\nid = \"p\"\n{message}phase = \"p\"\nafter = [\"a\"]\n"),
            "job.toml:13:10",
            "in no phase",
        ),
        (&format!("{message}[[phase]]\nid = \"p\"\n"), "job.toml:6:6", "no steps"),
        ("[[pattern]]\nkind = \"shfit\"\nbytes = 1\n", "job.toml:2:8", "unknown pattern `shfit`"),
        ("[[pattern]]\nkind = \"shift\"\nload = 0.5\nbytes = 1\n", "job.toml:3:8", "has no `load`"),
        ("[[pattern]]\nkind = \"poisson\"\nload = 0.5\nbytes = 1\n", "job.toml:2:8", "needs `duration`"),
        ("[[pattern]]\nkind = \"ring\"\n", "job.toml:2:8", "needs `bytes` or `sizes`"),
        (
            "[[pattern]]\nkind = \"incast\"\nranks = \"[0-3]\"\nto = 5\nbytes = 1\n",
            "job.toml:4:6",
            "does not take part",
        ),
        ("[[pattern]]\nkind = \"incast\"\nsenders = 8\nbytes = 1\n", "job.toml:2:8", "at most 7"),
        (&format!("{all}algorithm = \"bruck\"\n"), "job.toml:4:13", "bruck has no all-reduce"),
        (&format!("{all}within = 3\n"), "job.toml:4:10", "8 ranks do not divide into 3s"),
        (&format!("{all}parts = [[1]]\n"), "job.toml:2:13", "8 rows of 8"),
        (&format!("{all}within = 2\nacross = 2\n"), "job.toml:5:10", "not both"),
        ("[[collective]]\noperation = \"broadcast\"\n", "job.toml:2:13", "no `bytes`"),
        (&format!("{message}repeat = 1000000\n"), "job.toml:5:10", "at most 100000"),
        (&format!("{message}[job]\nranks = 9\n"), "", "9 ranks, but there are only 8"),
    ] {
        let told = made(text, 8).expect_err(text);
        let found = told.iter().any(|(at, message)| at == place && message.contains(expected));
        assert!(found, "{text}: {told:?}");
    }
}

#[test]
fn several_errors_at_once() {
    let told =
        made("[[message]]\nfrom = 0\nto = 1\nbytes = -4\n[[compute]]\ntime = \"x\"\nrank = 3\n", 8).expect_err("wrong");
    assert_eq!(told.len(), 3, "{told:?}");
}

/// The file of the documentation, and one with every other key.
const TEXTS: [&str; 2] = [
    include_str!("../../../../../docs/training-step.toml"),
    r#"
[job]
endpoints = "[0-62:2]"
[[pattern]]
id = "p"
kind = "hotspot"
share = 0.3
to = 3
sizes = "data-mining"
repeat = 2
every = "3us"
[[pattern]]
kind = "outcast"
ranks = [4, 1, 9]
from = 9
receivers = 1
bytes = "1kB"
seed = 5
start = 2
delay = "1us"
[[memory]]
from = 0
to = [1, 2]
operation = "atomic"
bytes = 64
count = 9
outstanding = 4
latency = "100ns"
after = ["p"]
wait = "all"
class = 1
[[collective]]
operation = "all-to-all"
ranks = [0, 1]
parts = [[0, 8], [9, 0]]
acknowledged = true
[[collective]]
operation = "broadcast"
algorithm = "in-switch"
root = 2
bytes = 64
channels = 2
in_flight = 0
"#,
];

proptest! {
    /// Lines left out, repeated or put elsewhere, and values exchanged: traffic that can run, or errors with places.
    #[test]
    fn broken_files_are_told(
        which in 0usize..2,
        moves in prop::collection::vec((0usize..60, 0usize..60, 0u8..4), 1..12),
    ) {
        let mut lines: Vec<String> = TEXTS[which].lines().map(str::to_string).collect();
        for (from, to, what) in moves {
            let (from, to) = (from % lines.len().max(1), to % lines.len().max(1));
            match what {
                0 if lines.len() > 1 => {
                    lines.remove(from);
                }
                1 => lines.swap(from, to),
                2 => lines.insert(to, lines[from].clone()),
                _ => {
                    let value = lines[from].split_once('=').map(|(_, value)| value.to_string());
                    let key = lines[to].split_once('=').map(|(key, _)| key.to_string());
                    if let (Some(key), Some(value)) = (key, value) {
                        lines[to] = format!("{key}={value}");
                    }
                }
            }
        }
        // Either way `made` checks what came of it.
        let _ = made(&lines.join("\n"), 64);
    }

    /// Whatever waits for whatever: nobody begins a step before what it waits for is over, and bytes are what the file says.
    #[test]
    fn waits_hold(steps in prop::collection::vec((0u32..4, 0u32..6, 1u32..6, any::<bool>(), 0usize..8, 1u32..3), 1..8)) {
        let mut text = String::new();
        let mut bytes = 0u64;
        for (at, (kind, first, count, all, after, repeat)) in steps.iter().enumerate() {
            let last = (first + count).min(7);
            let own = match kind {
                0 => {
                    bytes += u64::from(last - first + 1 - u32::from(last == 7)) * 10 * u64::from(*repeat);
                    format!("[[message]]\nfrom = \"[{first}-{last}]\"\nto = 7\nbytes = 10\n")
                }
                1 => format!("[[compute]]\nranks = \"[{first}-{last}]\"\ntime = 3\njitter = 4\n"),
                2 => {
                    bytes += u64::from(last - first + 1) * 20 * u64::from(*repeat);
                    format!("[[pattern]]\nkind = \"ring\"\nranks = \"[{first}-{last}]\"\nbytes = 20\n")
                }
                _ => {
                    bytes += u64::from(last - first) * 64 * u64::from(*repeat);
                    format!("[[collective]]\noperation = \"broadcast\"\nalgorithm = \"tree\"\nranks = \"[{first}-{last}]\"\nbytes = 64\n")
                }
            };
            text += &own;
            text += &format!("id = \"s{at}\"\nrepeat = {repeat}\n");
            if after < &at {
                text += &format!("after = [\"s{after}\"]\n");
            }
            if *all {
                text += "wait = \"all\"\n";
            }
        }
        let made = sound(&text, 8);
        let times = times(&made.traffic);
        let sent: u64 = made.traffic.tasks.iter().map(|task| if let Work::Message { bytes, .. } = task.work { bytes } else { 0 }).sum();
        prop_assert_eq!(sent, bytes);
        let tasks = |at: usize| made.parts.iter().filter(move |part| part.step as usize == at).flat_map(|part| part.tasks.clone());
        for (at, (_, _, _, all, after, _)) in steps.iter().enumerate().filter(|(at, step)| step.4 < *at) {
            for later in tasks(at) {
                let work = made.traffic.tasks[later as usize].work;
                // Who begins it: senders and those that compute.
                let Some(begins) = who(work).first().copied() else { continue };
                for earlier in tasks(*after) {
                    let part = who(made.traffic.tasks[earlier as usize].work);
                    let own = part.contains(&begins);
                    if own || *all && !part.is_empty() {
                        prop_assert!(times[later as usize].0 >= times[earlier as usize].1, "{}: s{} before s{}", text, at, after);
                    }
                }
            }
        }
    }
}
