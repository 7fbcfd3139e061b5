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
    // What ends links does not forward (a car's gateway), two processors of a server have no link, and a rack of switches has
    // no endpoint: said, not guessed.
    let refused = [
        ("adas-car", "no way leads from endpoint 0 (soc)"),
        ("compute-rack", "no way leads from endpoint 0 (server_high[0].cpu[0])"),
        ("leaf-spine-rack", "no link leads to an endpoint"),
    ];
    for name in names {
        let args =
            ["sim", name, "--collective", "direct-all-to-all", "--ranks", "2", "--stride", "1", "--bytes", "1MiB"];
        let run = folder.run(&args);
        if let Some((_, why)) = refused.iter().find(|(system, _)| *system == name) {
            assert_eq!(run.code, 2, "{name}");
            assert!(run.err.contains(why), "{name}: {}", run.err);
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
        ("--traffic some.xyz", ".goal"),
        ("--traffic good.cm --link-gbps fast", "400G"),
        ("--traffic good.cm --nodes 128 --engine flow --resolution 2", "resolution"),
        ("--pattern incast --nodes 16 --ranks 16", "at most 15"),
        ("--pattern shift", "--nodes"),
        ("--nodes 16", "--pattern"),
        ("--collective ring-all-to-all --nodes 16", "bruck"),
        ("--collective ring-all-reduce --nodes 16 --ranks 17", "16 endpoints"),
        ("--collective best-all-everything --nodes 16", "all-reduce"),
        ("--pattern shift --nodes 16 --queueing ecn", "--mark-above"),
        ("--pattern shift --nodes 16 --ber 0.9", "0.5"),
        ("--pattern shift --nodes 16 --link-layer infiniband --credit-bytes 1kB", "--mtu"),
        ("--pattern shift --nodes 16 --link-layer lossless --headroom 0", "--pause-threshold"),
        ("--pattern shift --nodes 16 --red 5kB,2kB,0.1", "rising"),
        ("--pattern shift --topology head-node --link-layer pcie", "--link-layer"),
        ("gb200-nvl72 --pattern shift --link-layer pcie", "--link-layer"),
        ("--traffic folder.et", ".et"),
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

/// Every transport carries a permutation whole; what goes with it follows.
#[test]
fn every_transport_runs() {
    for transport in ["uec", "uec-credit", "uec-both", "ndp", "roce", "swift", "hpcc", "credit"] {
        let args = ["--pattern", "shift", "--nodes", "16", "--bytes", "200kB", "--transport", transport];
        let found = json(&args);
        assert_eq!((&found["flows"], &found["stopped"]), (&16.into(), &false.into()), "{transport}: {found}");
        // 200 kB at 400 Gb/s over six hops of 1 us.
        assert!(number(&found["fct_us"]["min"]) > 10.0, "{transport}: {found}");
    }
}

/// Links that hold senders back lose nothing; eight senders share one link of 400 Gb/s: 1.6 MB take 32 us.
#[test]
fn links_that_hold_back_lose_nothing() {
    for layer in ["lossless", "infiniband", "pcie", "ualink", "nvlink"] {
        let args = ["--pattern", "incast", "--ranks", "8", "--nodes", "16", "--bytes", "200kB", "--link-layer", layer];
        let found = json(&args);
        assert_eq!(
            (&found["flows"], &found["lost"], &found["retransmitted"]),
            (&8.into(), &0.into(), &0.into()),
            "{found}"
        );
        assert!((32.0..60.0).contains(&number(&found["makespan_us"])), "{layer}: {found}");
        assert_eq!(number(&found["pauses"]) > 0.0, layer == "lossless", "{layer}: {found}");
    }
    let short =
        "--pattern incast --ranks 8 --nodes 16 --bytes 200kB --link-layer lossless --headroom 0 --pause-threshold 40kB";
    assert!(number(&json(&short.split(' ').collect::<Vec<_>>())["lost"]) > 0.0, "no headroom, so losses");
}

#[test]
fn errors_on_links_are_repaired() {
    let run = |flags: &str| {
        let args = format!("--pattern shift --nodes 16 --bytes 200kB {flags}");
        let found = json(&args.split(' ').collect::<Vec<_>>());
        assert_eq!(found["flows"], 16, "{flags}: {found}");
        (number(&found["lost"]), number(&found["replays"]), number(&found["retransmitted"]))
    };
    let (lost, replays, again) = run("--ber 1e-6");
    assert!(lost > 0.0 && replays == 0.0 && again > 0.0);
    for layer in ["infiniband", "ethernet --replay go-back", "ethernet --replay selective"] {
        let (lost, replays, again) = run(&format!("--ber 1e-6 --link-layer {layer}"));
        assert!(lost == 0.0 && replays > 0.0 && again == 0.0, "{layer}: {lost} {replays} {again}");
    }
    // As many wrong bits in bursts spoil fewer packets.
    let (bursts, ..) = run("--ber 1e-6 --burst 20");
    assert!(bursts < lost / 2.0, "{bursts} {lost}");
}

/// One packet of 4,150 bytes over six hops: 83 ns at each but the first are saved, the 64-byte header's 1.28 ns are not.
#[test]
fn cut_through_saves_a_packet_per_hop() {
    let fastest = |switching: &str| {
        let args = [
            "--pattern",
            "shift",
            "--nodes",
            "16",
            "--bytes",
            "4086",
            "--switching",
            switching,
            "--transport",
            "credit",
        ];
        number(&json(&args)["fct_us"]["min"])
    };
    let saved = fastest("store-and-forward") - fastest("cut-through");
    assert!((saved - 5.0 * (0.083 - 0.001_28)).abs() < 0.01, "{saved}");
}

#[test]
fn queues_do_what_they_are_told() {
    let run = |flags: &str| {
        let args = format!("--pattern incast --ranks 8 --nodes 16 --bytes 400kB {flags}");
        let found = json(&args.split(' ').collect::<Vec<_>>());
        assert_eq!(found["flows"], 8, "{flags}: {found}");
        (number(&found["trimmed"]), number(&found["lost"]), number(&found["marked"]))
    };
    let (trimmed, _, marked) = run("--queue-packets 10");
    assert!(trimmed > 0.0 && marked > 0.0);
    let (trimmed, lost, marked) = run("--queueing drop-tail --queue-packets 10");
    assert!(trimmed == 0.0 && lost > 0.0 && marked == 0.0);
    assert!(run("--queueing ecn --mark-above 20kB").2 > 0.0);
    assert!(run("--queueing red --red 20kB,80kB,0.2").2 > 0.0);
}

/// Two ranks compute 100 ns, then send 100 kB each way, one after the other: 2 us at 400 Gb/s and the way, twice.
#[test]
fn goal_programs_run() {
    let folder = Folder::new();
    let text = "num_ranks 2\nrank 0 {\nl1: calc 100\nl2: send 100000b to 1 tag 7\nl2 requires l1\nl3: recv 100000b from 1 \
                tag 8\n}\nrank 1 {\nl1: recv 100000b from 0 tag 7\nl2: send 100000b to 0 tag 8\nl2 requires l1\n}\n";
    folder.write("two.goal", text);
    folder.write("bad.goal", text.replace("to 1 tag 7", "to 1 tag 9"));
    let args = ["sim", "--engine", "flow", "--nodes", "8", "--tiers", "1", "--radix", "8", "--json", "--traffic"];
    let run = folder.run(&[&args[..], &["two.goal"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(found["flows"], 2);
    // Two hops of 1 us each way.
    assert!((number(&found["makespan_us"]) - (0.1 + 2.0 * (2.0 + 2.0))).abs() < 1e-6, "{found}");
    let run = folder.run(&[&args[..], &["bad.goal"]].concat());
    assert_eq!(run.code, 2);
    assert!(run.err.contains("bad.goal:4") && run.err.contains("no receive"), "{}", run.err);
}

/// Traces as the program's own writer makes them give what the same traffic gives.
#[test]
fn chakra_traces_run() {
    use lanewright_fabric::network::EndpointId;
    use lanewright_fabric::traffic::{Builder, chakra};
    let folder = Folder::new();
    let mut builder = Builder::default();
    builder.message(EndpointId(0), EndpointId(3), 100_000);
    builder.message(EndpointId(1), EndpointId(2), 100_000);
    let traces = chakra::from_traffic(&builder.build(), 4).expect("messages alone");
    std::fs::create_dir(folder.path("job")).expect("the folder can be written");
    for (rank, trace) in traces.iter().enumerate() {
        folder.write(&format!("job/rank.{rank}.et"), trace.write());
    }
    let args = ["sim", "--engine", "flow", "--nodes", "8", "--tiers", "1", "--radix", "8", "--json", "--traffic"];
    let run = folder.run(&[&args[..], &["job"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(found["flows"], 2);
    assert!((number(&found["makespan_us"]) - 4.0).abs() < 1e-6, "{found}");

    for (flag, expected) in [("job/rank.1.et", "--traffic job"), ("empty", "no trace"), ("gap", "no trace of rank 1")] {
        std::fs::create_dir_all(folder.path("empty")).expect("the folder can be written");
        std::fs::create_dir_all(folder.path("gap")).expect("the folder can be written");
        folder.write("gap/rank.0.et", traces[0].write());
        folder.write("gap/rank.2.et", traces[2].write());
        let run = folder.run(&[&args[..], &[flag]].concat());
        assert_eq!(run.code, 2, "{flag}");
        assert!(run.err.contains(expected), "{flag}: {}", run.err);
    }
}

/// The best of all is run, and takes what its row says.
#[test]
fn the_best_algorithm_is_found() {
    let args =
        ["--collective", "best-all-reduce", "--ranks", "8", "--bytes", "64MiB", "--nodes", "16", "--engine", "flow"];
    let found = json(&args);
    let rows = found["candidates"].as_array().expect("a list");
    let times: Vec<f64> = rows.iter().map(|row| number(&row["time_us"])).collect();
    assert!(times.len() >= 10 && times.is_sorted(), "{times:?}");
    assert!((number(&found["makespan_us"]) / times[0] - 1.0).abs() < 2e-3, "{found}");
    let name = rows[0]["collective"].as_str().expect("a name");
    assert_eq!(Some(name.replace("-all-reduce", " all-reduce").as_str()), found["collective"].as_str());
    // Each rank sends at least twice 7/8 of the buffer: 2,349 us at 50 GB/s.
    assert!(times[0] >= 2.0 * 7.0 / 8.0 * 67_108_864.0 / 50e9 * 1e6 * 0.999, "{times:?}");
    let run = sim(&args);
    assert!(run.out.contains("candidates, best first") && run.out.contains("ring-all-reduce"), "{}", run.out);
}

/// Fast-forward tells what it skipped, ends within 1 % of the run of every packet, and stands aside where it must.
#[test]
fn fast_forward_says_what_it_skipped() {
    let ring = ["--collective", "ring-all-reduce", "--ranks", "8", "--bytes", "12MiB", "--nodes", "16", "--tiers", "3"];
    let whole = json(&ring);
    let quick = json(&[&ring[..], &["--fast-forward"]].concat());
    assert_eq!(whole["skipped"], serde_json::Value::Null);
    let share = number(&quick["makespan_us"]) / number(&whole["makespan_us"]);
    assert!((share - 1.0).abs() < 0.01, "{share}");
    let skipped = number(&quick["skipped"]["packets"]);
    assert!(skipped > 0.0 && number(&quick["skipped"]["rounds"]) > 0.0, "{quick}");
    assert_eq!(number(&quick["packets"]) + skipped, number(&whole["packets"]));
    assert!(quick["notes"].to_string().contains("% of the bytes"), "{quick}");
    let spoilt = sim(&["--traffic", "few.cm", "--nodes", "16", "--tiers", "3", "--ber", "1e-12", "--fast-forward"]);
    assert_eq!(spoilt.code, 0, "{}", spoilt.err);
    assert!(spoilt.out.contains("fast-forward skipped nothing: bit errors"), "{}", spoilt.out);
    let flow = sim(&["--traffic", "few.cm", "--nodes", "16", "--tiers", "3", "--engine", "flow", "--fast-forward"]);
    assert!(flow.out.contains("--fast-forward changed nothing"), "{}", flow.out);
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

/// The example of the documentation, with both engines; what it says of itself is held against the file.
#[test]
fn the_documented_traffic_file() {
    let path = format!("{}/../../docs/training-step.toml", env!("CARGO_MANIFEST_DIR"));
    let place = ["--topology", "rail", "--servers", "8", "--preset", "nvlink4", "--engine", "flow"];
    let found = json(&[&["--traffic", &path], &place[..]].concat());
    let step = |name: &str| {
        let rows = found["steps"].as_array().expect("steps");
        rows.iter().find(|row| row["step"] == name).unwrap_or_else(|| panic!("no {name}: {found}")).clone()
    };
    assert_eq!((number(&step("step")["runs"]), number(&step("step")["done"])), (3.0, 3.0));
    assert_eq!(step("gradients")["collective"], "ring all-reduce");
    // The last step is over before the checkpoint begins at the last rank of the first server to finish it.
    assert!(number(&step("checkpoint")["end_us"]) > number(&step("step")["end_us"]));
    // 3 x (120 + 200) us of computing is the least that ranks need.
    assert!(number(&step("step")["end_us"]) > 960.0);
    // 8 rings of 8 ranks in 4 chunks, 8 of 8 in one, 3 times: 8 x 14 messages a ring; and 64 x 4 + 8.
    let messages = 3 * (8 * 8 * 14 * 4 + 8 * 8 * 14) + 64 * 4 + 8;
    assert_eq!(found["flows"], messages);
    let other =
        json(&[&["--traffic", &path, "--collective-algorithm", "all-reduce=halving-doubling"], &place[..]].concat());
    // The activations alone name no algorithm: 2 log2(8) messages a rank instead of 14.
    assert_eq!(other["flows"], messages - 3 * 8 * 8 * (14 - 6));
}

#[test]
fn traffic_files_run_packet_by_packet_and_errors_have_places() {
    let folder = Folder::new();
    let text =
        "[[compute]]\nid = \"a\"\ntime = \"10us\"\n[[message]]\nfrom = 0\nto = 15\nbytes = 4086\nafter = [\"a\"]\n";
    folder.write("job.toml", text);
    let run = folder.run(&["sim", "--traffic", "job.toml", "--nodes", "16", "--tiers", "3", "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    // 10 us, six links of 1 us with 4,150 B at 50 B/ns each, and back 64 B.
    assert!((number(&found["steps"][1]["end_us"]) - (10.0 + 6.0 * 1.083)).abs() < 1e-9);
    assert!((number(&found["makespan_us"]) - (10.0 + 6.0 * 1.083 + 6.0 * 1.00128)).abs() < 1e-9);

    folder.write("bad.toml", "[[message]]\nfrom = 0\nto = \"[0..3]\"\nbytes = 8\nafter = [\"b\"]\nbyte = 3\n");
    let run = folder.run(&["sim", "--traffic", "bad.toml", "--nodes", "16"]);
    assert_eq!(run.code, 2);
    for expected in ["bad.toml:3:9", "include both ends", "bad.toml:6:1", "did you mean `bytes`"] {
        assert!(run.err.contains(expected), "{expected}: {}", run.err);
    }
    folder.write("far.toml", "[[message]]\nfrom = 0\nto = 16\nbytes = 8\n");
    let run = folder.run(&["sim", "--traffic", "far.toml", "--nodes", "16"]);
    assert!(run.code == 2 && run.err.contains("they count from 0 to 15"), "{}", run.err);
}
