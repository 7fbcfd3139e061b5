//! `lanewright sim --engine flow`: messages alike as one, and how close ends are told apart.

use crate::command::{Folder, Run};

fn run(args: &str) -> Run {
    let args: Vec<&str> = ["sim", "--json"].into_iter().chain(args.split_whitespace()).collect();
    Folder::new().run(&args)
}

fn json(args: &str) -> serde_json::Value {
    let run = run(args);
    assert_eq!(run.code, 0, "{args}: {}", run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn says(found: &serde_json::Value, what: &str) -> bool {
    found["notes"]
        .as_array()
        .is_some_and(|notes| notes.iter().any(|note| note.as_str().is_some_and(|n| n.contains(what))))
}

#[test]
fn messages_alike_take_the_times_of_all() {
    for args in [
        "--collective ring-all-reduce --ranks 64 --nodes 128",
        "--collective ring-all-gather --ranks 64 --nodes 128 --lockstep --routing static",
        "--collective hierarchical-all-reduce --topology rail --servers 16 --per-leaf 4 --bytes 64MiB",
        "--collective hierarchical-all-reduce --topology rail --servers 16 --bytes 64MiB --outer halving-doubling",
        "--collective direct-reduce-scatter --topology scale-up --preset nvlink4 --nodes 8",
    ] {
        let [whole, folded] = ["never", "always"].map(|fold| json(&format!("{args} --engine flow --fold {fold}")));
        for time in ["makespan_us", "algbw", "busbw"] {
            assert!((number(&folded[time]) / number(&whole[time]) - 1.0).abs() < 1e-9, "{args}: {folded} {whole}");
        }
        for time in ["min", "p50", "p99", "max", "mean"] {
            let (found, wanted) = (number(&folded["fct_us"][time]), number(&whole["fct_us"][time]));
            assert!((found / wanted - 1.0).abs() < 1e-6, "{args}: {time} {found} {wanted}");
        }
        assert_eq!((&folded["flows"], &folded["flows_in_all"]), (&whole["flows"], &whole["flows"]), "{args}");
        assert!(number(&folded["events"]) < 0.5 * number(&whole["events"]), "{args}");
        assert!(says(&folded, "alike") && !says(&whole, "alike"), "{args}");
    }
}

/// 2 (p - 1) (S / p / 50e9 B/s + 6 us): the barrier waits for the ranks that send to other pods.
#[test]
fn large_collectives_fold_by_themselves() {
    let ring = "--collective ring-all-reduce --ranks 512 --nodes 1024 --lockstep --engine flow";
    let found = json(ring);
    assert_eq!(found["flows"], 512 * 1022);
    let closed = 1022.0 * (f64::from(1 << 21) / 50e3 + 6.0);
    assert!((number(&found["makespan_us"]) / closed - 1.0).abs() < 1e-9, "{found} {closed}");
    assert!(says(&found, "alike"), "{found}");
    // Packets are all sent, and so are messages that a file lists; small rings are not worth it.
    let small = json("--collective ring-all-reduce --ranks 16 --nodes 16 --tiers 1 --radix 16 --engine flow");
    assert!(!says(&small, "alike"), "{small}");
}

#[test]
fn what_cannot_be_folded_says_why() {
    for (args, why) in [
        ("--collective ring-all-reduce --nodes 16", "packet engine"),
        ("--collective tree-all-reduce --nodes 16 --engine flow", "halving and doubling"),
        ("--collective ring-all-reduce --nodes 16 --engine flow --trace t.json", "files"),
        ("--collective ring-all-reduce --nodes 16 --engine flow --fault switch.t1[0]", "fault"),
        ("--collective ring-all-reduce --nodes 16 --engine flow --fault link_host[0]_down", "fault"),
        ("--collective hierarchical-all-reduce --nodes 16 --group 5 --engine flow", "groups of 5"),
    ] {
        let run = run(&format!("{args} --fold always"));
        assert_eq!(run.code, 2, "{args}: {}", run.out);
        assert!(run.err.contains(why), "{args}: {}", run.err);
    }
}

#[test]
fn the_resolution_is_chosen_and_said() {
    let exact = json("--pattern all-to-all --nodes 16 --engine flow");
    assert!(says(&exact, "resolution auto: 0"), "{exact}");
    // Equal parts stay exact in any number.
    let equal = json("--pattern all-to-all --nodes 250 --tiers 3 --radix 10 --engine flow");
    assert!(number(&equal["flows"]) > 20_000.0 && says(&equal, "resolution auto: 0"), "{equal}");
    let drawn = "--pattern random --messages 21000 --flow-sizes web-search --nodes 16 --engine flow";
    let drawn = json(drawn);
    assert!(says(&drawn, "resolution auto: ends within 0.01"), "{drawn}");
    let asked = json("--pattern all-to-all --nodes 16 --engine flow --resolution 0");
    assert!(!says(&asked, "resolution") && asked["fct_hash"] == exact["fct_hash"], "{asked}");
}
