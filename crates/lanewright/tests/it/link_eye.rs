//! `lanewright link eye` as a user types it.

use std::f64::consts::PI;

use crate::command::Folder;

/// A four-port file of two uncoupled lines, 1 to 2 and 3 to 4, with a loss in dB at 16 GHz.
pub fn line(loss_db: f64) -> String {
    let mut text = String::from("! two matched lines\n# GHZ S MA R 50\n");
    for k in 1..=800 {
        let ghz = 0.05 * f64::from(k);
        // Skin effect and its phase, half of the loss; the other half in proportion to the frequency.
        let x = ghz / 16.0;
        let magnitude = 10f64.powf(-loss_db * (0.5 * x.sqrt() + 0.5 * x) / 20.0);
        let phase = -360.0 * ghz * 1.0 - loss_db * 0.5 * x.sqrt() / 8.685_889_638 * 180.0 / PI;
        let through = format!("{magnitude:.6} {phase:.4}");
        let rows = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]];
        for (at, row) in rows.iter().enumerate() {
            let words: Vec<String> = row.iter().map(|s| if *s == 1 { through.clone() } else { "0 0".into() }).collect();
            let start = if at == 0 { format!("{ghz}") } else { String::new() };
            text.push_str(&format!("{start} {}\n", words.join(" ")));
        }
    }
    text
}

#[test]
fn a_short_channel_passes_with_tables_json_and_report() {
    let folder = Folder::new();
    folder.write("short.s4p", line(6.0));
    let run = folder.run(&["link", "eye", "--preset", "pcie-6", "--thru", "short.s4p"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    for words in
        ["PASS", "eye height", "upper", "COSTS", "NEXT STEPS", "LOSS BUDGET", "estimated, not known", "DFE tap 17"]
    {
        assert!(run.out.contains(words), "{words} is not in\n{}", run.out);
    }
    let run = folder.run(&["link", "eye", "--preset", "PCIe 6.0", "--thru", "short.s4p", "--json", "-o", "eye.html"]);
    assert_eq!(run.code, 0);
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let height = json["outcome"]["height_mv"].as_f64().expect("a number");
    assert!(height > 6.0 && json["outcome"]["eyes"].as_array().expect("a list").len() == 3);
    assert_eq!(json["outcome"]["settings"].as_array().expect("a list").len(), 121);
    let shares: f64 = json["outcome"]["costs"]["terms"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| t["share_mv"].as_f64().expect("a number"))
        .sum();
    let whole = json["outcome"]["costs"]["interference_mv"].as_f64().expect("a number");
    assert!((shares - whole).abs() < 1e-6 * whole);
    let page = std::fs::read_to_string(folder.path("eye.html")).expect("the report is there");
    for id in ["channel", "pulse", "eye", "costs", "equaliser", "parameters"] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert_eq!(folder.files(), ["eye.html", "short.s4p"]);
}

#[test]
fn a_long_channel_fails_with_1() {
    let folder = Folder::new();
    folder.write("long.s4p", line(34.0));
    let run = folder.run(&["link", "eye", "--preset", "pcie-5", "--thru", "long.s4p"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.starts_with("FAIL"));
    // Judged more leniently and without packages it is another channel.
    let bare = folder.run(&[
        "link",
        "eye",
        "--preset",
        "pcie-5",
        "--thru",
        "long.s4p",
        "--packages-in-file",
        "--ber",
        "1e-6",
        "--json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&bare.out).expect("JSON");
    assert_eq!(json["outcome"]["error_ratio"], 1e-6);
    assert!(json["outcome"]["loss"]["margin_db"].as_f64().expect("a number") > 0.0);
}

#[test]
fn wires_between_dies_are_judged_by_a_mask() {
    let folder = Folder::new();
    let near =
        folder.run(&["link", "eye", "--preset", "ucie-advanced", "--rate", "16", "--length", "1", "-o", "die.html"]);
    assert_eq!(near.code, 0, "{}{}", near.out, near.err);
    assert!(near.out.contains("height across the mask") && near.out.contains("pJ/bit"));
    assert!(folder.path("die.html").exists());
    let far = folder.run(&["link", "eye", "--preset", "ucie", "--rate", "32", "--length", "30"]);
    assert_eq!(far.code, 1);
    assert!(far.out.contains("meant for up to 2 mm"));
}

#[test]
fn the_list_says_how_sure_values_are() {
    let folder = Folder::new();
    let run = folder.run(&["link", "eye", "--list"]);
    assert_eq!(run.code, 0);
    for words in ["pcie-7", "cxl-3", "ucie-standard", "second-hand", "recalled", "estimated"] {
        assert!(run.out.contains(words), "{words}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&folder.run(&["link", "eye", "--list", "--json"]).out).expect("JSON");
    assert_eq!(json["serial"][1]["standard"]["presets"]["certainty"], "second_hand");
}

#[test]
fn what_cannot_be_used_ends_with_2_and_a_hint() {
    let folder = Folder::new();
    folder.write("bad.s4p", "# GHZ S MA R 50\n1 2 three\n");
    folder.write("good.s4p", line(10.0));
    let cases: &[(&[&str], &str)] = &[
        (&["--preset", "pcie-66", "--thru", "good.s4p"], "did you mean `pcie-6`"),
        (&["--preset", "pcie-6"], "--thru"),
        (&["--preset", "pcie-6", "--thru", "none.s4p"], "none.s4p"),
        (&["--preset", "pcie-6", "--thru", "bad.s4p"], "three"),
        (&["--preset", "pcie-6", "--thru", "good.s4p", "--ber", "2"], "--ber"),
        (&["--preset", "pcie-6", "--thru", "good.s4p", "--port-order", "1,2"], "--port-order"),
        (&["--preset", "pcie-6", "--thru", "good.s4p", "--port-order", "1,1,2,4"], "port order"),
        (&["--preset", "ucie", "--length", "900"], "60 mm"),
        (&["--thru", "good.s4p"], "--preset"),
    ];
    for (args, words) in cases {
        let run = folder.run(&[&["link", "eye"], *args].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.out);
        assert!(run.err.contains(words), "{args:?}: {}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
    }
}
