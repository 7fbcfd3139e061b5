//! `lanewright sim` with links and switches that fail.

use crate::command::{Folder, Run};

fn run(folder: &Folder, args: &[&str]) -> Run {
    folder.run(&[&["sim", "--pattern", "shift", "--nodes", "16", "--json"], args].concat())
}

fn json(folder: &Folder, args: &[&str]) -> serde_json::Value {
    let run = run(folder, args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_link_that_comes_back_delays_its_messages() {
    let folder = Folder::new();
    let well = json(&folder, &[]);
    assert!(number(&well["makespan_us"]) < 100.0 && well.get("faults").is_none());
    for engine in ["packet", "flow"] {
        let found = json(&folder, &["--engine", engine, "--fault", "link host[3] down at 20us until 200us"]);
        assert_eq!(found["flows"], 16, "{found}");
        assert!(number(&found["makespan_us"]) > 200.0, "{engine}: {found}");
        // The others do not notice.
        assert!(number(&found["fct_us"]["p50"]) < 100.0, "{engine}: {found}");
        let fault = &found["faults"][0];
        assert_eq!((number(&fault["at_us"]), number(&fault["until_us"])), (20.0, 200.0));
        assert_eq!((&fault["messages_under_way"], &fault["messages_done"]), (&16.into(), &0.into()), "{found}");
        assert_eq!(fault["what"], "link host[3] down");
    }
    let lost = json(&folder, &["--fault", "link host[3] down at 20us until 200us"]);
    assert!(number(&lost["faults"][0]["lost"]) > 0.0 && number(&lost["retransmitted"]) > 0.0, "{lost}");
}

/// 2 MB at a quarter of 400 Gb/s and six hops of 1 us: 166 us.
#[test]
fn lanes_left_set_the_rate() {
    let folder = Folder::new();
    for line in ["link host[3] lanes 1 at 0", "link host[3]->switch.t1[1] share 0.25 at 0"] {
        let found = json(&folder, &["--engine", "flow", "--routing", "static", "--fault", line]);
        assert!((number(&found["makespan_us"]) / 166.0 - 1.0).abs() < 1e-6, "{line}: {found}");
    }
}

#[test]
fn a_switch_that_fails_is_avoided() {
    let folder = Folder::new();
    let found = json(&folder, &["--fault", "node switch.t3[0] down at 10us", "--reconvergence-us", "5"]);
    assert_eq!((&found["flows"], &found["stopped"]), (&16.into(), &false.into()), "{found}");
    let flaps = json(&folder, &["--fault", "link switch.t1[0].up[0] flap 2us every 10us times 3 at 5us"]);
    assert_eq!(flaps["flows"], 16, "{flaps}");
    let worse = json(&folder, &["--fault", "link host[3] ber 1e-9 to 1e-5 over 20us steps 4 at 0"]);
    assert!(number(&worse["faults"][0]["lost"]) > 0.0, "{worse}");
}

/// What is cut off for good would never end.
#[test]
fn a_run_that_cannot_end_is_refused() {
    let folder = Folder::new();
    let line = ["--fault", "link host[3] down at 20us"];
    let refused = run(&folder, &line);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("host[3]") && refused.err.contains("--end-us"), "{}", refused.err);
    let found = json(&folder, &[&line[..], &["--end-us", "300"]].concat());
    // The message from host 3 and the one to it.
    assert_eq!((&found["stopped"], &found["flows"]), (&true.into(), &14.into()), "{found}");
}

#[test]
fn a_file_says_the_same() {
    let folder = Folder::new();
    folder.write("faults.toml", "[[fault]]\nlink = \"host[3]\"\ndown = true\nat = \"20us\"\nuntil = 200\n");
    let file = json(&folder, &["--faults", "faults.toml"]);
    let line = json(&folder, &["--fault", "link host[3] down at 20us until 200us"]);
    assert_eq!(file["fct_hash"], line["fct_hash"]);
    assert_eq!(file["faults"], line["faults"]);
    folder.write("bad.toml", "[[fault]]\nlink = \"hots[3]\"\ndown = true\nat = \"20us\"\n");
    let bad = run(&folder, &["--faults", "bad.toml"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("bad.toml:2:8") && bad.err.contains("host["), "{}", bad.err);
}

#[test]
fn slips_are_named_with_their_place() {
    let folder = Folder::new();
    for (line, expected) in [
        ("link host[16] down at 1 until 2", "host[0] to host[15]"),
        ("link host[3] dwon at 1", "did you mean `down`"),
        ("link host[3] down at 5us until 2us", "does not come after"),
        ("link host[3] lanes 9 at 1", "4 lanes"),
        ("link host[0]--host[1] down at 1", "is linked to switch.t1[0]"),
        ("node switch.t1[0] lanes 2 at 1", "name a link"),
        ("link switch.t1[0].up[7] down at 1", "2 links that lead up"),
    ] {
        let run = run(&folder, &["--fault", line]);
        assert_eq!(run.code, 2, "{line}");
        assert!(run.err.contains(expected) && run.err.contains("--fault:1:"), "{line}: {}", run.err);
    }
    let none = run(&folder, &["--faults", "none.toml"]);
    assert!(none.code == 2 && none.err.contains("no such file"), "{}", none.err);
}
