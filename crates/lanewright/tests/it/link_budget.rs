//! `lanewright link budget` as a user types it.

use crate::command::{Folder, SMALL};

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
    let run = Folder::new().run(&["link", "budget", "--loss-only", "--segments", long, "--retimers", "auto", "--json"]);
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
        (vec!["--loss-only", "--segments", "trace megtron-7 1500mm"], 1, "does not close"),
        (vec!["--loss-only", "--segments", "twinax 30awg 9m", "--retimers", "auto"], 1, "segment 1 alone loses"),
        (vec!["--loss-only", "--segments", "trace megtron 3m"], 2, "--segments:7:"),
        (vec!["--loss-only", "--segments", "via", "--rate", "400g"], 2, "no lane rate is called `400g`"),
        (vec!["--loss-only", "--segments", "via", "--retimers", "credo/retimer-112g"], 2, "did you mean"),
        (vec!["--loss-only", "--segments", "trace megtron-7 300mm", "--to-rate", "50g"], 0, "WITH A GEARBOX"),
    ] {
        let run = Folder::new().run(&[&["link", "budget"], args.as_slice()].concat());
        let said = format!("{}{}", run.out, run.err);
        assert_eq!(run.code, code, "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

/// A channel of 4 ports whose pairs 1-2 and 3-4 lose so many dB per root of GHz.
fn touchstone(db_per_root: f64) -> String {
    let mut text = String::from("# GHz S MA R 50\n");
    for point in 1..=1200 {
        let f = f64::from(point) * 0.05;
        let loss = db_per_root * f.sqrt();
        let (size, angle) = (10_f64.powf(-loss / 20.0), -(loss * 0.1151).to_degrees() - 360.0 * f * 5.0);
        let entry = |row: usize, column: usize| match (row, column) {
            (0, 1) | (1, 0) | (2, 3) | (3, 2) => format!("{size:.9} {:.6}", angle % 360.0),
            _ => "0 0".to_string(),
        };
        for row in 0..4 {
            let cells: Vec<String> = (0..4).map(|column| entry(row, column)).collect();
            text.push_str(&format!("{}{}\n", if row == 0 { format!("{f} ") } else { String::new() }, cells.join(" ")));
        }
    }
    text
}

#[test]
fn a_measured_channel_takes_the_place_of_the_model() {
    let folder = Folder::new();
    let with = |name: &str| {
        format!("{SMALL}\n[limits]\ncom_db_min = 3\n[[channel]]\nlink = \"net\"\ntouchstone = \"{name}\"\n")
    };
    folder.write("good.s4p", touchstone(3.0));
    folder.write("lossy.s4p", touchstone(9.0));
    folder.write("broken.s4p", "# GHz S MA R 50\n1 2 three\n");
    for (name, code, status) in [("good.s4p", 0, "ok"), ("lossy.s4p", 1, "broken")] {
        folder.write("s.toml", with(name));
        let run = folder.run(&["review", "s.toml", "--json"]);
        assert_eq!(run.code, code, "{name}: {}", run.err);
        let review: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        let lane = &review["lanes"][0];
        assert_eq!((lane["measured"].as_str(), lane["status"].as_str()), (Some(name), Some(status)), "{lane}");
        assert_eq!(review["limits"][0]["status"], status, "{}", review["limits"]);
        let findings = review["findings"].to_string();
        assert!(!findings.contains("channel-not-read"), "{findings}");
        assert_eq!(findings.contains("lane-margin"), status == "broken", "{findings}");
    }
    for (name, expected) in [("broken.s4p", "three"), ("none.s4p", "no file")] {
        folder.write("s.toml", with(name));
        let run = folder.run(&["review", "s.toml", "--json"]);
        assert!(run.out.contains("channel-not-read") && run.out.contains(expected), "{name}: {}", run.out);
    }
}

#[test]
fn lanes_of_a_system_and_what_loss_alone_leaves_out() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    let run = folder.run(&["link", "budget", "s.toml", "--json"]);
    let lanes: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(lanes["lanes"][0]["method"], "com", "{lanes}");
    assert!(lanes["lanes"][0]["com_db"][1].as_f64().is_some_and(|com| com > 3.0), "{lanes}");
    let run = folder.run(&["link", "budget", "s.toml", "--link", "nett"]);
    assert!(run.code == 2 && run.err.contains("did you mean `net`"), "{}", run.err);
    let quick: serde_json::Value =
        serde_json::from_str(&folder.run(&["review", "s.toml", "--loss-only", "--json"]).out).expect("JSON");
    assert_eq!(quick["lanes"].as_array().map(Vec::len), Some(0));
    folder.run(&["review", "s.toml", "-o", "r.html"]);
    let page = std::fs::read_to_string(folder.path("r.html")).expect("written");
    assert!(page.contains("Electrical lanes") && page.contains("Insertion loss"));
    // The picture's words have the height that the review says.
    let lane = &lanes["lanes"][0];
    let height = lane["eye"]["height_mv"].as_f64().expect("lanes judged by COM have an eye");
    assert!(height > 0.0 && page.contains(&format!("open at 1e−4: {height:.1} mV")), "{lane}");
    let contours = lane["eye"]["contours"].as_array().expect("a list to an eye");
    let smallest = contours.iter().filter_map(|eye| {
        let middle = eye.as_array()?.iter().find(|point| point[0].as_f64() == Some(0.0))?;
        Some(middle[2].as_f64()? - middle[1].as_f64()?)
    });
    let smallest = smallest.fold(f64::INFINITY, f64::min);
    assert!(contours.len() == 3 && (smallest - height).abs() < 2e-3, "{smallest} {height}");
}

#[test]
fn optics_say_where_linear_drive_ends() {
    let folder = Folder::new();
    let run = |args: &[&str]| folder.run(&[&["link", "budget"], args].concat());
    let common = ["--optics", "400g-dr4", "--length", "100m", "--connectors", "2"];
    for (drive, loss, code) in [("dsp", "12", 0), ("lpo", "5", 0), ("lpo", "24", 1), ("dsp", "25", 1)] {
        let found = run(&[&common[..], &["--drive", drive, "--host-loss", loss]].concat());
        assert_eq!(found.code, code, "{drive} {loss}: {}{}", found.out, found.err);
        assert!(found.out.contains("it does up to"), "{}", found.out);
    }
    let zr = run(&["--optics", "coherent/100g-zr-qsfp28", "--length", "80km", "--connectors", "2"]);
    assert!(zr.out.contains("qsfp28 cage of 4.5 W"), "{}{}", zr.out, zr.err);
    let wrong = run(&["--optics", "400g-dr5"]);
    assert!(wrong.code == 2 && wrong.err.contains("400g-dr4"), "{}", wrong.err);
    assert_eq!(run(&[]).code, 2);
}
