//! NICs and switches that add up in `lanewright sim`.

use crate::command::Folder;

fn json(args: &[&str]) -> serde_json::Value {
    let run = Folder::new().run(&[&["sim"], args, &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

fn notes(found: &serde_json::Value) -> String {
    found["notes"].to_string()
}

#[test]
fn limits_of_nics() {
    let base = ["--pattern", "shift", "--nodes", "16", "--bytes", "4086"];
    let time = |more: &[&str]| json(&[&base[..], more].concat())["fct_us"]["max"].as_f64().expect("a time");
    let plain = time(&[]);
    assert!((time(&["--nic-doorbell-ns", "700"]) - plain - 0.7).abs() < 1e-9);
    // The catalogue's 600 ns are an estimate, and the answer says so; its PCIe 5 x16 is wide enough.
    let nic = json(&[&base[..], &["--nic", "nvidia/connectx-7"]].concat());
    assert!((nic["fct_us"]["max"].as_f64().expect("a time") - plain - 0.6).abs() < 1e-9);
    assert!(
        notes(&nic).contains("600 ns of doorbell") && notes(&nic).contains("estimate (300 to 1000)"),
        "{}",
        notes(&nic)
    );
    assert!(notes(&nic).contains("holds back 0 directions"), "{}", notes(&nic));
    let slow = json(&[&base[..], &["--dma-pcie", "3x16", "--dma-payload", "128"]].concat());
    assert!(notes(&slow).contains("holds back 32 directions"), "{}", notes(&slow));
    let flow = json(&[&base[..], &["--engine", "flow", "--nic-queue-pairs", "1"]].concat());
    assert!(notes(&flow).contains("--nic-queue-pairs changed nothing"), "{}", notes(&flow));
    for (args, expected) in [
        (["--nic", "nvidia/connectx-77"], "did you mean `nvidia/connectx-7"),
        (["--dma-payload", "256"], "--dma-pcie 5x16"),
        (["--dma-pcie", "9x16"], "from 3 to 7"),
        (["--nic-message-rate", "soon"], "a number is expected"),
    ] {
        let run = Folder::new().run(&[&["sim"], &base[..], &args].concat());
        assert!(run.code == 2 && run.err.contains(expected), "{args:?}: {}", run.err);
    }
}

#[test]
fn collectives_inside_switches() {
    let nvls = ["--collective", "in-switch-all-reduce", "--ranks", "8", "--bytes", "16MiB", "--topology", "scale-up"];
    let found = json(&[&nvls[..], &["--preset", "nvlink4", "--nodes", "8"]].concat());
    // 18 planes of 25 GB/s carry each byte once up and once down: busbw is 2 x 7 / 8 of that, less headers and the way.
    let busbw = found["busbw"].as_f64().expect("a bandwidth");
    assert!(busbw > 0.93 * 450.0 * 1.75 && busbw < 450.0 * 1.75, "{busbw}");
    assert!(notes(&found).contains("best case"), "{}", notes(&found));
    let later = json(&[&nvls[..], &["--preset", "nvlink4", "--nodes", "8", "--reduction-ns", "100"]].concat());
    let us = |found: &serde_json::Value| found["makespan_us"].as_f64().expect("a time");
    assert!((us(&later) - us(&found) - 0.1).abs() < 1e-9 && !notes(&later).contains("best case"));

    let mesh = ["sim", "--collective", "in-switch-all-reduce", "--topology", "full-mesh", "--nodes", "4"];
    let run = Folder::new().run(&mesh);
    assert!(run.code == 2 && run.err.contains("only switches add up"), "{}", run.err);
}
