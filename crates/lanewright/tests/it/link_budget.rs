//! `lanewright link budget` as a user types it.

use crate::command::Folder;

const CABLE: &str = "trace megtron-7 250mm, connector, twinax 28awg 2m, connector";

#[test]
fn a_path_in_words_is_added_up() {
    let run = Folder::new().run(&["link", "budget", "--segments", CABLE, "--rate", "100g"]);
    assert_eq!(run.code, 0);
    for expected in ["Twinaxial pair, 28 AWG", "15.00", "whole path", "33.99", "serdes/112g-lr", "closes"] {
        assert!(run.out.contains(expected), "{expected} in {}", run.out);
    }
}

#[test]
fn json_says_where_retimers_go_and_what_they_cost() {
    let long = "trace megtron-7 1500mm";
    let run = Folder::new().run(&["link", "budget", "--segments", long, "--retimers", "auto", "--json"]);
    assert_eq!(run.code, 0);
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(json["loss"]["closes"], false);
    let best = &json["retimed"][0];
    assert_eq!(best["places"].as_array().map(Vec::len), Some(1), "{best}");
    assert!((best["places"][0]["at_m"].as_f64().expect("place") - 0.75).abs() < 0.05, "{best}");
    assert!(best["latency_ns"]["likely"].as_f64().expect("latency") > 0.0);
    assert!(best["power_w"]["likely"].as_f64().expect("power") > 0.0);
}

#[test]
fn exit_codes_and_messages() {
    for (args, code, expected) in [
        (vec!["--segments", "trace megtron-7 1500mm"], 1, "does not close"),
        (vec!["--segments", "twinax 30awg 9m", "--retimers", "auto"], 1, "segment 1 alone loses"),
        (vec!["--segments", "trace megtron 3m"], 2, "--segments:7:"),
        (vec!["--segments", "via", "--rate", "400g"], 2, "no lane rate is called `400g`"),
        (vec!["--segments", "via", "--retimers", "credo/retimer-112g"], 2, "did you mean"),
        (vec!["--segments", "trace megtron-7 300mm", "--to-rate", "50g"], 0, "WITH A GEARBOX"),
    ] {
        let run = Folder::new().run(&[&["link", "budget"], args.as_slice()].concat());
        let said = format!("{}{}", run.out, run.err);
        assert_eq!(run.code, code, "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}
