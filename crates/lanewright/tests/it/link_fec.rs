//! `lanewright link fec` as a user types it.

use crate::command::{Folder, Run};

fn fec(args: &[&str]) -> Run {
    Folder::new().run(&[&["link", "fec"], args].concat())
}

fn json(args: &[&str]) -> serde_json::Value {
    let run = fec(&[args, &["--json"]].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err))
}

#[test]
fn one_screen_answers_the_question() {
    let run = fec(&["--ber", "2.4e-4", "--burst", "0.3"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for expected in [
        "RS(544,514)",
        "words not correctable",
        "frames lost (64 B)",
        "to decode (estimate)",
        "decades",
        "pays above a =",
    ] {
        assert!(run.out.contains(expected), "{expected} in {}", run.out);
    }
    assert!(run.out.lines().count() <= 24, "{}", run.out);
}

/// Reference: table of the project's gathered link facts, to the digits given.
#[test]
fn limits_and_samples_are_those_of_the_reference() {
    let table = json(&["--table"]);
    let limit = |scheme: &str, key: &str| -> String {
        let rows = table["limits"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["scheme"] == scheme).expect("scheme");
        format!("{:.2e}", row[key].as_f64().expect("limit"))
    };
    for (scheme, cells) in
        [("kr4", ["2.18e-5", "3.92e-5", "5.27e-5", "3.83e-5"]), ("kp4", ["2.26e-4", "3.10e-4", "3.64e-4", "3.20e-4"])]
    {
        let keys = ["post_fec_ber_1e-15", "post_fec_ber_1e-13", "post_fec_ber_1e-12", "loss_ratio_6.2e-11"];
        assert_eq!(keys.map(|key| limit(scheme, key)), cells, "{scheme}");
    }
    let words =
        json(&["--ber", "2.1e-5", "--scheme", "kr4"])["errors"]["codeword_error_ratio"].as_f64().expect("ratio");
    assert_eq!(format!("{words:.2e}"), "4.87e-13");
}

#[test]
fn precoding_is_chosen_where_it_pays() {
    for (burst, on) in [("0.3", false), ("0.75", true)] {
        let found = json(&["--ber", "1e-4", "--burst", burst, "--precoding", "auto"]);
        assert_eq!(found["precoding"], on, "{found}");
        assert_eq!(found["precoding_advice"]["use_it"], on);
    }
}

#[test]
fn flits_are_replayed() {
    let found = json(&["--first-ber", "1e-6", "--scheme", "pcie6", "--round-trip", "120"]);
    // 2048 bits at 1,024 Gb/s are 2 ns, so 60 flits are under way; 6.9e-7 of flits fail.
    assert_eq!(found["replay"]["in_flight"], 60.0);
    let retry = found["replay"]["retry_ratio"].as_f64().expect("ratio");
    assert_eq!(format!("{retry:.1e}"), "6.9e-7");
    assert_eq!(found["units"]["kind"], "flit");
}

#[test]
fn protocols_of_the_catalogue_say_what_corrects_them() {
    for (id, scheme, lanes, rate) in [
        ("ethernet/400gbase-r4", "kp4", 4, 400.0),
        ("ethernet/25g-lane", "kr4", 1, 25.0),
        ("ethernet/10gbase-r1", "none", 1, 10.0),
        // 1,024 Gb/s of line hold 944 of packets.
        ("pcie/6.0-x16", "pcie6", 16, 944.0),
    ] {
        let found = json(&["--ber", "1e-6", "--protocol", id]);
        assert_eq!((&found["scheme"], &found["lanes"]), (&scheme.into(), &lanes.into()), "{id}");
        assert!((found["rate_gbps"].as_f64().expect("rate") - rate).abs() < 1e-9, "{id}: {found}");
    }
    for (id, expected) in [("ethernet/400gbase-r5", "did you mean"), ("pcie/5.0-x16", "not modelled")] {
        let run = fec(&["--ber", "1e-6", "--protocol", id]);
        assert!(run.code == 2 && run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn a_sweep_goes_to_a_file() {
    let folder = Folder::new();
    let run = folder.run(&["link", "fec", "--table", "--scheme", "kp4", "--csv", "sweep.csv"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let text = std::fs::read_to_string(folder.path("sweep.csv")).expect("written");
    assert!(text.starts_with("scheme,detector_ber,"));
    assert!(text.contains("\nkp4,3.2e-4,") && text.lines().all(|line| line.split(',').count() == 7), "{text}");
}

#[test]
fn exit_codes_and_messages() {
    for (args, code, expected) in [
        (vec!["--ber", "1e-5", "--target-flr", "1e-12"], 0, "met"),
        (vec!["--ber", "1e-3", "--target-flr", "1e-12"], 1, "MISSED"),
        (vec!["--ber", "1e-3", "--target-ber", "1e-15"], 1, "MISSED"),
        // Without a target of one's own, the usual one is shown and does not decide.
        (vec!["--ber", "1e-3"], 0, "MISSED"),
        (vec!["--ber", "0"], 0, "never"),
        (vec!["--com", "3", "--dfe-taps", "-0.5,0.2"], 0, "feedback taps −0.5, 0.2"),
        (vec![], 2, "how many errors are there?"),
        (vec!["--ber", "0.7"], 2, "must lie between 0 and 0.5"),
        (vec!["--ber", "1e-5", "--scheme", "kp5"], 2, "did you mean `kp4`?"),
        (vec!["--ber", "1e-5", "--burst", "1"], 2, "burst propagation is 1"),
        (vec!["--ber", "1e-5", "--interleave", "0"], 2, "interleave is 0"),
        (vec!["--ber", "1e-5", "--scheme", "kp4-inner", "--burst", "0.5"], 2, "random errors"),
        (vec!["--ber", "3e-2", "--scheme", "kp4-inner"], 2, "simulated up to"),
        (vec!["--ber", "1e-5", "--scheme", "pcie6", "--lanes", "3"], 2, "1, 2, 4, 8 or 16"),
        (vec!["--ber", "1e-5", "--rate", "NaN"], 2, "--rate"),
        (vec!["--ber", "1e-5", "--frame-bytes", "0"], 2, "frame of 0 bytes"),
    ] {
        let run = fec(&args);
        assert_eq!(run.code, code, "{args:?}: {}{}", run.out, run.err);
        assert!(format!("{}{}", run.out, run.err).contains(expected), "{args:?}: {}{}", run.out, run.err);
    }
}
