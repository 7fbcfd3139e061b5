//! `lanewright link check` and `link convert` as a user types them.

use std::fmt::Write as _;

use crate::command::Folder;
use serde_json::Value;

/// Two lines, ports 1→2 and 3→4, of 0.5 ns and a gain of `level`, in RI and GHz.
fn lines(level: f64) -> String {
    let mut text = String::from("! two lines\n# GHz S RI R 50\n");
    for k in 0..400 {
        let ghz = f64::from(k) * 0.05;
        let loss = level * (-ghz / 30.0).exp();
        let (s, c) = (-std::f64::consts::TAU * ghz * 0.5).sin_cos();
        let through = format!("{} {}", loss * c, loss * s);
        let _ = writeln!(text, "{ghz} 0.01 0 {through} 0 0 0 0\n{through} 0.01 0 0 0 0 0");
        let _ = writeln!(text, "0 0 0 0 0.01 0 {through}\n0 0 0 0 {through} 0.01 0");
    }
    text
}

fn json(folder: &Folder, args: &[&str], code: i32) -> Value {
    let run = folder.run(args);
    assert_eq!(run.code, code, "{args:?}: {}{}", run.out, run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{args:?} is no JSON: {error}\n{}", run.out))
}

#[test]
fn channels_are_judged_with_exit_codes() {
    let folder = Folder::new();
    folder.write("good.s4p", lines(0.97));
    let run = folder.run(&["link", "check", "good.s4p"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    for expected in ["good", "1 3 2 4", "IEEE 370: passivity 100.000 % (good)", "1→2", "Port Order [1 3 2 4]"] {
        assert!(run.out.contains(expected), "{expected} in {}", run.out);
    }
    folder.write("active.s4p", lines(1.2));
    let run = folder.run(&["link", "check", "."]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("not passive") && run.out.contains("active.s4p"), "{}", run.out);
    let run = folder.run(&["link", "check", "active.s4p", "--passivity", "0.3"]);
    assert_eq!(run.code, 0, "within the tolerance: {}", run.out);
    let run = folder.run(&["link", "check", "good.s4p", "--baud", "106.25"]);
    assert!(run.code == 1 && run.out.contains("below half of the symbol rate"), "{}", run.out);
    folder.write("broken.s4p", lines(0.9).replacen("0.01 0", "0.01 zero", 1));
    let run = folder.run(&["link", "check", "good.s4p", "broken.s4p"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("broken.s4p:3:8") && run.err.contains("expected a number, found `zero`"), "{}", run.err);
    assert!(run.out.contains("cannot be read"), "{}", run.out);
    let all = json(&folder, &["link", "check", ".", "--json"], 2);
    assert_eq!(all["good"], false);
    assert_eq!(all["files"].as_array().map(Vec::len), Some(3));
    assert_eq!(all["files"][2]["report"]["port_order"]["order"], serde_json::json!([1, 3, 2, 4]));
    for (args, expected) in
        [(vec!["missing.s4p"], "there is no such file"), (vec!["good.s4p", "--passivity=-1"], "--passivity -1")]
    {
        let run = folder.run(&[&["link", "check"], args.as_slice()].concat());
        assert!(run.code == 2 && run.err.contains(expected), "{expected} in {}", run.err);
    }
}

#[test]
fn formats_there_and_back_are_the_same_file() {
    let folder = Folder::new();
    folder.write("in.s4p", lines(0.97));
    for args in [
        vec!["in.s4p", "-o", "v2.ts", "--touchstone", "2.0", "--unit", "hz"],
        vec!["v2.ts", "-o", "back.s4p", "--touchstone", "1", "--unit", "ghz"],
        vec!["in.s4p", "-o", "plain.s4p"],
    ] {
        let run = folder.run(&[&["link", "convert"], args.as_slice()].concat());
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.out, run.err);
    }
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).expect("written");
    assert!(read("v2.ts").starts_with("[Version] 2.0\n! two lines\n# Hz S RI R 50\n[Number of Ports] 4\n"));
    assert_eq!(read("back.s4p"), read("plain.s4p"));
    assert_eq!(folder.files(), ["back.s4p", "in.s4p", "plain.s4p", "v2.ts"], "nothing is left behind");
    // A file may be written over itself.
    let run = folder.run(&["link", "convert", "plain.s4p", "-o", "plain.s4p", "--format", "db"]);
    assert!(run.code == 0 && read("plain.s4p").contains("# GHz S DB R 50"), "{}", run.err);
}

#[test]
fn networks_are_joined_taken_apart_and_turned_into_modes() {
    let folder = Folder::new();
    folder.write("a.s4p", lines(0.97));
    let run = folder.run(&["link", "convert", "a.s4p", "a.s4p", "-o", "two.s4p"]);
    assert!(run.code == 0 && run.out.contains("ends 1 3 2 4"), "{}{}", run.out, run.err);
    let two = json(&folder, &["link", "check", "two.s4p", "--json"], 0);
    let delay = two["files"][0]["report"]["grid"]["delay_s"].as_f64().expect("a delay");
    assert!((delay - 1e-9).abs() < 1e-12, "{delay}");
    let run =
        folder.run(&["link", "convert", "two.s4p", "-o", "one.s4p", "--deembed-left", "a.s4p", "--ends", "1,3:2,4"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let one = json(&folder, &["link", "check", "one.s4p", "--json"], 0);
    let delay = one["files"][0]["report"]["grid"]["delay_s"].as_f64().expect("a delay");
    assert!((delay - 0.5e-9).abs() < 1e-12, "{delay}");
    let run = folder.run(&["link", "convert", "a.s4p", "-o", "modes.ts", "--pairs", "1,3:2,4", "--json"]);
    assert!(run.code == 0 && run.out.contains("\"version\": \"2.0\""), "{}{}", run.out, run.err);
    let text = std::fs::read_to_string(folder.path("modes.ts")).expect("written");
    assert!(text.contains("[Mixed-Mode Order] D1,3 D2,4 C1,3 C2,4\n"), "{text:.400}");
    let run = folder.run(&["link", "convert", "modes.ts", "-o", "single.s4p", "--single-ended", "--touchstone", "1"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let args = ["a.s4p", "-o", "lane.s2p", "--ports", "3,4", "--renormalise", "46.25", "--grid", "0.1:0.1:10"];
    let run = folder.run(&[&["link", "convert"], args.as_slice()].concat());
    assert!(run.code == 0 && run.out.contains("2 ports, 100 points, 0.1 to 10 GHz"), "{}{}", run.out, run.err);
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("a.s4p", lines(0.97));
    for (args, expected) in [
        (vec!["-o", "x.s2p"], "named for 2 ports"),
        (vec!["-o", "x.s4p", "--pairs", "1,3:2,4", "--touchstone", "1"], "version 1 cannot say"),
        (vec!["-o", "x.s4p", "--pairs", "1,3:3,4"], "port 3 is in two pairs"),
        (vec!["-o", "x.s4p", "--ports", "0"], "write ports from 1"),
        (vec!["-o", "x.s4p", "--renormalise=-50"], "no impedance above zero"),
        (vec!["-o", "x.s4p", "--grid", "1:2"], "START:STEP:STOP"),
        (vec!["-o", "x.s4p", "--grid", "1:1:100"], "outside of the network's"),
        (vec!["-o", "x.s4p", "--deembed-left", "a.s4p", "--ends", "1,3"], "does not name two ends"),
        (vec!["-o", "nowhere/x.s4p"], "cannot write"),
        (vec!["-o", "x.s4p", "--matrix", "lower", "--touchstone", "1"], "full matrices"),
    ] {
        let run = folder.run(&[&["link", "convert", "a.s4p"], args.as_slice()].concat());
        assert!(run.code == 2 && run.err.contains(expected), "{expected} in {} {}", run.code, run.err);
    }
    assert_eq!(folder.files(), ["a.s4p"]);
}
