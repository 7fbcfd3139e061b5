//! `lanewright sim` as a user types it.

use crate::command::{Folder, Run};

/// Each endpoint to the one half the network away: every message crosses the core.
fn permutation(nodes: u32, bytes: u64) -> String {
    let mut text = format!("Nodes {nodes}\nConnections {nodes}\n");
    for from in 0..nodes {
        text.push_str(&format!("{from}->{} id {} start 0 size {bytes}\n", (from + nodes / 2) % nodes, from + 1));
    }
    text
}

fn sim(args: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("perm.cm", permutation(128, 2_000_000));
    folder.write("few.cm", "Nodes 4\nConnections 2\n0->3 id 1 start 0 size 100000\n1->2 id 2 start 0 size 100000\n");
    folder.run(&[&["sim"], args].concat())
}

fn json(args: &[&str]) -> serde_json::Value {
    let run = sim(&[args, &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The form that scripts rely on. Reference: htsim_uec of ultraethernet/uet-htsim 40ccb05 prints p50 60.41 and max 62.52 us
/// for this matrix, 62,720 packets, none sent again.
#[test]
fn the_form_of_scripts() {
    let found = json(&[
        "--traffic",
        "perm.cm",
        "--topology",
        "fat-tree",
        "--nodes",
        "128",
        "--tiers",
        "3",
        "--link-gbps",
        "400",
        "--hop-latency-us",
        "1",
        "--switch-latency-us",
        "0",
        "--mtu",
        "4150",
        "--transport",
        "uec",
        "--routing",
        "spray",
        "--queue-bdp",
        "1",
        "--seed",
        "13",
        "--engine",
        "packet",
        "--threads",
        "1",
    ]);
    let near = |key: &str, wanted: f64| {
        let value = number(&found["fct_us"][key]);
        assert!((value / wanted - 1.0).abs() < 0.05, "{key} {value}, not {wanted}");
    };
    near("p50", 60.41);
    near("max", 62.52);
    assert!(number(&found["fct_us"]["min"]) <= number(&found["fct_us"]["mean"]));
    assert!(number(&found["fct_us"]["p99"]) <= number(&found["makespan_us"]));
    assert_eq!((&found["flows"], &found["packets"], &found["retransmitted"]), (&128.into(), &62_720.into(), &0.into()));
    assert!(number(&found["events"]) > 62_720.0 && number(&found["cpu_seconds"]) > 0.0);
    assert_eq!(found["fct_hash"].as_str().map(str::len), Some(16));
}

/// Reference: 14 (1 GiB / 8 / 50e9 B/s + 6 us) and, of SimGrid 3.32 with its pure max-min model, 37,664.964 us; 46.000 us for
/// the permutation. A ring of 512 with a barrier per step over 1,024 endpoints: 48,997.787 us there.
#[test]
fn flows_take_what_the_closed_forms_say() {
    let ring = json(&["--collective", "ring-all-reduce", "--ranks", "8", "--nodes", "128", "--engine", "flow"]);
    assert!((number(&ring["makespan_us"]) / 37_664.964_571 - 1.0).abs() < 1e-6, "{ring}");
    assert!((number(&ring["busbw"]) - 49.8884).abs() < 1e-3 && (number(&ring["algbw"]) - 28.5077).abs() < 1e-3);
    let permutation = json(&["--traffic", "perm.cm", "--engine", "flow", "--routing", "static"]);
    assert!((number(&permutation["makespan_us"]) / 46.0 - 1.0).abs() < 1e-6, "{permutation}");
    let large =
        ["--collective", "ring-all-reduce", "--ranks", "512", "--nodes", "1024", "--engine", "flow", "--lockstep"];
    let large = json(&large);
    assert!((number(&large["makespan_us"]) / 48_997.787 - 1.0).abs() < 1e-6, "{large}");
}

#[test]
fn every_topology_runs() {
    let tree = "Nodes 16\nTiers 2\nPodsize 16\nTier 0\nDownlink_speed_Gbps 100\nRadix_Down 4\nRadix_Up 2\n\
                Oversubscribed 2\nDownlink_Latency_ns 500\nTier 1\nDownlink_speed_Gbps 100\nRadix_Down 4\n\
                Downlink_Latency_ns 500\n";
    let folder = Folder::new();
    folder.write("few.cm", "Nodes 4\nConnections 2\n0->3 id 1 start 0 size 100000\n1->2 id 2 start 0 size 100000\n");
    folder.write("small.topo", tree);
    for flags in [
        "--nodes 16",
        "--nodes 20 --radix 8 --oversubscription 2",
        "--nodes 8 --tiers 1 --radix 8",
        "--topology-file small.topo",
        "--topology leaf-spine --leaves 2 --per-leaf 4 --spines 2 --per-pair 2 --up-gbps 800",
        "--topology rail --servers 4 --per-server 2 --preset nvlink4",
        "--topology torus --size 3x3x3",
        "--topology mesh --size 4x2",
        "--topology dragonfly --per-router 2",
        "--topology full-mesh --nodes 4",
        "--topology scale-up --nodes 8 --preset nvlink5",
        "--topology scale-up --nodes 8 --preset ualink",
        "--topology head-node --pcie 6",
        "--topology head-node --through-root",
    ] {
        for engine in ["packet", "flow"] {
            let mut args = vec!["sim", "--traffic", "few.cm", "--engine", engine, "--json"];
            args.extend(flags.split(' '));
            let run = folder.run(&args);
            assert_eq!(run.code, 0, "{flags}: {}", run.err);
            let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
            assert_eq!(found["flows"], 2, "{flags} {engine}: {found}");
        }
    }
}

#[test]
fn every_bundled_system_has_a_network() {
    let folder = Folder::new();
    let list = folder.run(&["systems", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list.out).expect("JSON");
    let names: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(names.len() >= 18, "{names:?}");
    // Without accelerators or with parts that no link joins: nothing can travel between the first two ranks.
    let apart = ["adas-car", "security-camera", "leaf-spine-rack", "compute-rack"];
    for name in names {
        let args =
            ["sim", name, "--collective", "direct-all-to-all", "--ranks", "2", "--stride", "1", "--bytes", "1MiB"];
        let run = folder.run(&args);
        if apart.contains(&name) {
            let said = run.code == 0 || run.err.contains("no way leads") || run.err.contains("endpoints there are");
            assert!(said, "{name}: {}", run.err);
        } else {
            assert_eq!(run.code, 0, "{name}: {}", run.err);
            assert!(run.out.contains("note:"), "{name} rests on estimates: {}", run.out);
        }
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let folder = Folder::new();
    folder.write("bad.cm", "Nodes 8\nConnections 1\n0->9 id 1 start 0 size two\n");
    folder.write("good.cm", "Nodes 100\nConnections 1\n0->9 id 1 start 0 size 2\n");
    folder.write("bad.topo", "Nodes 16\nTiers two\n");
    for (flags, expected) in [
        ("--traffic bad.cm", "bad.cm:3:24"),
        ("--traffic good.cm", "--radix 8"),
        ("--traffic good.cm --topology torus --size 4x4", "100 nodes"),
        ("--traffic good.cm --topology torus", "--size"),
        ("--traffic good.cm --topology-file bad.topo", "bad.topo:2:7"),
        ("--traffic none.cm", "no such file"),
        ("--traffic some.xyz", ".cm"),
        ("--traffic good.cm --link-gbps fast", "400G"),
        ("--traffic good.cm --nodes 128 --engine flow --resolution 2", "resolution"),
        ("--pattern incast --nodes 16 --ranks 16", "at most 15"),
        ("--pattern shift", "--nodes"),
        ("--nodes 16", "--pattern"),
        ("--collective ring-all-to-all --nodes 16", "bruck"),
        ("--collective ring-all-reduce --nodes 16 --ranks 17", "16 endpoints"),
        ("no-such-system --collective ring-all-reduce", "gb200-nvl72"),
        ("gb200-nvl72 --topology torus --size 2x2 --collective ring-all-reduce", "not both"),
    ] {
        let mut args = vec!["sim"];
        args.extend(flags.split(' '));
        let run = folder.run(&args);
        assert_eq!(run.code, 2, "{flags}");
        assert!(run.err.contains(expected), "{flags}: {}", run.err);
        assert!(run.out.is_empty());
    }
}

#[test]
fn an_answer_repeats_and_goes_by_the_seed() {
    let hash = |seed: &str| json(&["--traffic", "few.cm", "--nodes", "16", "--seed", seed])["fct_hash"].to_string();
    assert_eq!(hash("1"), hash("1"));
    let ecmp =
        |seed: &str| json(&["--traffic", "perm.cm", "--routing", "ecmp", "--seed", seed])["fct_hash"].to_string();
    assert_ne!(ecmp("1"), ecmp("2"));
}

/// Reference: SimGrid 3.32 with its pure max-min model gives 646.000 us for 16 senders and 46.000 us for the permutation.
#[test]
fn patterns_go_by_their_rules() {
    for (flags, makespan) in [("incast --ranks 16", 646.0), ("shift", 46.0)] {
        let mut args = vec!["--nodes", "128", "--engine", "flow", "--routing", "static", "--pattern"];
        args.extend(flags.split(' '));
        let found = json(&args);
        assert!((number(&found["makespan_us"]) / makespan - 1.0).abs() < 1e-6, "{found}");
    }
    for (flags, flows) in
        [("permutation", 16), ("ring", 16), ("all-to-all --ranks 4", 12), ("random --messages 50", 50)]
    {
        let mut args = vec!["--nodes", "16", "--bytes", "64KiB", "--pattern"];
        args.extend(flags.split(' '));
        assert_eq!(json(&args)["flows"], flows, "{flags}");
    }
    let poisson =
        ["--pattern", "poisson", "--flow-sizes", "hadoop", "--nodes", "16", "--load", "0.2", "--duration-us", "20"];
    assert!(number(&json(&poisson)["flows"]) > 0.0);
}

/// Ctrl-C ends a run with what is finished.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_what_is_done() {
    use std::process::{Command, Stdio};
    let folder = Folder::new();
    folder.write("long.cm", permutation(128, 2_000_000_000));
    let child = Command::new(env!("CARGO_BIN_EXE_lanewright"))
        .args(["sim", "--traffic", "long.cm", "--json"])
        .current_dir(folder.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Long enough to be under way, far too short for 256 GB.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &found["stopped"]), (Some(0), &true.into()));
    assert!(number(&found["events"]) > 0.0);
}
