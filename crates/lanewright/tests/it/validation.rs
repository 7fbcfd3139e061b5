//! The numbers of `docs/validation.md`: what is answered where outside figures exist. Each row says where its wanted value
//! comes from; whether the outside figure is met stands in that document.

use crate::command::Folder;

/// What a run says, in the unit of its column.
#[derive(Clone, Copy)]
enum Says {
    /// Completion time of the slowest message, nanoseconds.
    LastNs(f64),
    /// Bytes of each message over the time that all took, GB/s.
    Rate(f64),
    /// NCCL's bus bandwidth, GB/s.
    Bus(f64),
    /// End of all, microseconds.
    EndUs(f64),
}

fn check(command: &str, wanted: Says, share: f64) {
    let folder = Folder::new();
    for (name, from, to) in [("switch.cm", 0, 1), ("root.cm", 0, 7), ("rail.cm", 0, 8)] {
        folder.write(name, format!("Nodes 16\nConnections 1\n{from}->{to} start 0 size 64\n"));
    }
    let mut args = vec!["sim"];
    args.extend(command.split(' '));
    args.push("--json");
    let run = folder.run(&args);
    assert_eq!(run.code, 0, "{command}: {}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{command}: no {key} in {found}"));
    let (got, wanted) = match wanted {
        Says::LastNs(ns) => (found["fct_us"]["max"].as_f64().expect("a time") * 1e3, ns),
        Says::Rate(rate) => {
            let bytes = if command.contains("100MB") { 100e6 } else { f64::from(64 << 20) };
            (bytes / number("makespan_us") / 1e3, rate)
        }
        Says::Bus(busbw) => (number("busbw"), busbw),
        Says::EndUs(us) => (number("makespan_us"), us),
    };
    assert!((got / wanted - 1.0).abs() <= share, "{command}: {got} instead of {wanted}");
}

/// Propagation, serialisation and latency of what lies between, added up: switch, links, packet twice on the wire.
#[test]
fn latencies_are_sums_of_what_is_between() {
    // 200 + 2 * 33 ns; 64 bytes and a header fill two flits: 128 bytes at 93 GB/s.
    let ualink = 200.0 + 66.0 + 2.0 * 128.0 / 93.0;
    check("--pattern shift --nodes 64 --topology scale-up --preset ualink --bytes 64", Says::LastNs(ualink), 1e-4);
    // The consortium's bounds for 25.6T and 102.4T switches in place of the preset's.
    for (us, ns) in [("0.15", 150.0), ("0.25", 250.0)] {
        let command = format!(
            "--pattern shift --nodes 64 --topology scale-up --planes 4 --link-layer ualink --link-gbps 800 \
             --hop-latency-us 0.033 --switch-latency-us {us} --bytes 64"
        );
        // 128 bytes in flits: 137.6, rounded up to 138 on a wire of 100 GB/s.
        check(&command, Says::LastNs(ns + 66.0 + 2.0 * 138.0 / 100.0), 1e-4);
    }
    // 200 + 2 * 25 ns and 250 + 2 * 33 ns; 80 bytes at 25 and 50 GB/s.
    check("--pattern shift --nodes 8 --topology scale-up --preset nvlink4 --bytes 64", Says::LastNs(256.4), 1e-6);
    check("--pattern shift --nodes 72 --topology scale-up --preset nvlink5 --bytes 64", Says::LastNs(319.2), 1e-6);
    // One PCIe 5 switch: 115 + 2 * 10 ns, 88 bytes twice at 63 GB/s; and 138.2 ns for the acknowledgement, a header.
    let pcie = "--topology head-node --pcie 5 --transport credit --mtu 272 --header 16";
    check(&format!("--traffic switch.cm {pcie}"), Says::LastNs(273.55), 1e-3);
    // Two switches and the root complex: 2 * 115 + 150 + 4 * 10 ns each way.
    check(&format!("--traffic root.cm {pcie}"), Says::LastNs(847.11), 1e-3);
    // A rail of NDR InfiniBand, GPU to GPU and its acknowledgement back.
    check("dgx-superpod-1su --traffic rail.cm", Says::LastNs(1_810.75), 1e-3);
}

/// UALink: 93 % of 640-byte frames is effective (Teledyne LeCroy's page): 4 * 93 GB/s but for 0.3 us of latency in 269.
#[test]
fn ualink_leaves_93_percent() {
    let stream = "--pattern shift --nodes 2 --topology scale-up --preset ualink --bytes 100MB --mtu 4160";
    check(stream, Says::Rate(372.0), 0.002);
}

/// What links and algorithms bound, against what was measured with NCCL: see the document.
#[test]
fn collectives_of_one_server() {
    let nvlink4 = "--topology scale-up --nodes 8 --preset nvlink4";
    // A ring's busbw is the rate of the links, 450 GB/s, but for 14 times 250 ns.
    check(&format!("--collective ring-all-reduce --bytes 8GiB {nvlink4} --engine flow"), Says::Bus(449.95), 1e-4);
    // Packets of 4,150 bytes with headers of 16, in steps of 8 MiB; and packets of 256 bytes of payload.
    check(&format!("--collective ring-all-reduce --bytes 64MiB {nvlink4}"), Says::Bus(436.46), 0.005);
    check(&format!("--collective ring-all-reduce --bytes 16MiB {nvlink4} --mtu 272"), Says::Bus(402.2), 0.005);
    // In-switch: 2 (p - 1) / p times the rate of the links.
    check(&format!("--collective in-switch-all-reduce --bytes 8GiB {nvlink4} --engine flow"), Says::Bus(787.49), 1e-4);
    // NVLink 3 of an A100: 12 links of 25 GB/s.
    let a100 =
        "--nodes 8 --topology scale-up --planes 12 --link-gbps 200 --hop-latency-us 0.025 --switch-latency-us 0.2";
    check(&format!("--collective ring-all-reduce --bytes 1GiB {a100} --engine flow"), Says::Bus(299.83), 1e-4);
    // PCIe 5 x16: 63.0 GB/s as a stream, 256 of 280 bytes in packets; half of both through the root complex.
    let pcie = "--topology head-node --pcie 5";
    check(&format!("--collective ring-all-reduce --bytes 1GiB {pcie} --engine flow"), Says::Bus(63.007), 1e-4);
    check(
        &format!("--collective ring-all-reduce --bytes 1GiB {pcie} --engine flow --through-root"),
        Says::Bus(31.505),
        1e-4,
    );
    let packets = "--transport credit --mtu 272 --header 16";
    check(&format!("--collective ring-all-reduce --bytes 4MiB {pcie} {packets}"), Says::Bus(55.6), 0.01);
}

/// 32 GPUs in four servers over eight rails of 400 Gb/s: the number of chunks decides how much of the two scale-up phases
/// hides behind the rails. One chunk: 7/8 S / 450 twice and 2 (3/4) (S / 8) / 50, S bytes.
#[test]
fn collectives_of_four_servers() {
    let rail = "--topology rail --servers 4 --preset nvlink4 --bytes 8GiB --engine flow";
    for (chunks, busbw) in [(1, 253.56), (4, 409.61), (16, 481.55)] {
        let command = format!("--collective hierarchical-all-reduce {rail} --chunks {chunks}");
        check(&command, Says::Bus(busbw), 1e-4);
    }
    check(&format!("--collective hierarchical-all-gather {rail} --chunks 16"), Says::Bus(460.90), 1e-4);
    // One ring has one NIC per server.
    check(&format!("--collective ring-all-reduce {rail}"), Says::Bus(49.924), 1e-4);
}

/// ASTRA-sim's validated network, 400 GB/s and 936.25 ns per link: a ring of 8 in closed form, 14 (S / 8 / rate + 2 * 936.25
/// ns); ASTRA-sim 518bd51 answers 4,926.513 us with its unit of 2^30 bytes.
#[test]
fn hgx_h100_as_astra_sim_has_it() {
    let network = "--topology scale-up --nodes 8 --planes 1 --hop-latency-us 0.93625 --bytes 1GiB --engine flow";
    let ring = "--collective ring-all-reduce";
    check(&format!("{ring} {network} --link-gbps 3200"), Says::EndUs(4_723.835), 1e-6);
    check(&format!("{ring} {network} --link-gbps 3435.9738368"), Says::EndUs(4_401.215), 1e-6);
}

/// LogGOPSim 76451de with 6 us and 0.02 ns per byte: rings of 8, 64 and 512 with 1 GiB, and incasts of 2 MB.
#[test]
fn where_nothing_meets_loggopsim_agrees() {
    for (ranks, nodes, us) in [(8, 128, 37_664.964), (64, 128, 43_034.582), (512, 1024, 48_997.766)] {
        let command = format!("--collective ring-all-reduce --ranks {ranks} --nodes {nodes} --engine flow --lockstep");
        check(&command, Says::EndUs(us), 1e-6);
    }
    for (senders, us) in [(16, 646.000), (64, 2_565.999)] {
        check(&format!("--pattern incast --nodes 128 --ranks {senders} --engine flow"), Says::EndUs(us), 1e-6);
    }
}
