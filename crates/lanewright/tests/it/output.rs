//! What good input gives: exit codes, JSON, the report, tables.

use crate::command::{Folder, SMALL};
use serde_json::Value;

fn json(folder: &Folder, args: &[&str], code: i32) -> Value {
    let run = folder.run(args);
    assert_eq!(run.code, code, "{args:?}: {}{}", run.out, run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{args:?} is no JSON: {error}\n{}", run.out))
}

#[test]
fn the_main_job() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    let run = folder.run(&["review", "s.toml", "-o", "report.html"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("report.html") && run.out.contains("net"), "{}{}", run.out, run.err);
    assert_eq!(folder.files(), ["report.html", "s.toml"]);
    let page = std::fs::read_to_string(folder.path("report.html")).expect("written");
    assert!(page.starts_with("<!") && page.contains("Small"));
    // Summary of a small system fits one screen.
    assert!(run.out.lines().count() <= 40, "{}", run.out);
}

#[test]
fn json_has_what_scripts_rely_on() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    let review = json(&folder, &["review", "s.toml", "--json"], 0);
    assert_eq!(review["system"]["name"], "Small");
    let totals = &review["totals"];
    for key in ["devices", "ports", "links", "lanes"] {
        assert!(totals[key].is_u64(), "{key}");
    }
    assert_eq!(
        (totals["devices"].as_u64(), totals["links"].as_u64(), totals["lanes"].as_u64()),
        (Some(3), Some(2), Some(8))
    );
    for key in ["dac", "acc", "aec", "aoc", "optics", "lpo", "cpo", "coherent", "pcb", "backplane", "die_to_die"] {
        assert!(totals["links_by_medium"][key].is_u64(), "{key}");
    }
    let sum: u64 = totals["links_by_medium"].as_object().expect("a table").values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, 2);
    for key in ["power_w", "capex_usd", "opex_usd_per_year", "failures_per_year"] {
        let total = &totals[key];
        let part = |k: &str| total[k].as_f64().unwrap_or_else(|| panic!("{key}.{k}"));
        assert!(part("low") <= part("likely") && part("likely") <= part("high"), "{key}: {total}");
        assert!((0.0..=1.0).contains(&part("weak_share")), "{key}: {total}");
    }
    let domain = &review["domains"][0];
    assert_eq!((domain["name"].as_str(), domain["links"].as_u64()), (Some("net"), Some(2)));
    assert_eq!(domain["bandwidth_gbps"].as_f64(), Some(800.0));
    assert!(review["limits"].is_array() && review["findings"].is_array());
}

#[test]
fn a_broken_limit_ends_with_1() {
    let folder = Folder::new();
    folder.write("s.toml", format!("{SMALL}\n[limits]\npower_kw_max = 0.01\n"));
    let review = json(&folder, &["review", "s.toml", "--json"], 1);
    assert_eq!(review["limits"][0]["status"], "broken");
    assert_eq!(review["findings"][0]["severity"], "error");
    assert!(
        review["findings"][0]["place"].as_str().is_some_and(|p| p.starts_with("s.toml:")),
        "{}",
        review["findings"]
    );
    // A link that nothing closes is broken too: no medium reaches this far.
    folder.write("far.toml", SMALL.replace("protocol =", "length_m = 90000\nprotocol ="));
    assert_eq!(folder.run(&["review", "far.toml"]).code, 1);
}

#[test]
fn every_table_and_verb_prints() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    let tables = folder.run(&["plan", "s.toml"]);
    assert_eq!(tables.code, 0, "{}", tables.err);
    for title in ["LINKS", "MEDIA", "BILL OF MATERIALS", "POWER BY RACK", "COST", "LATENCY", "RANDOM FAILURES"] {
        assert!(tables.out.contains(title), "{title}: {}", tables.out);
    }
    let compared = json(&folder, &["plan", "compare", "s.toml", "s.toml", "--json"], 0);
    assert_eq!(compared["variants"][1]["life_delta"].as_f64(), Some(0.0));
    assert!(folder.run(&["plan", "compare", "s.toml", "s.toml"]).out.contains("TOTAL COST OF OWNERSHIP"));
    assert!(folder.run(&["plan", "crossover", "--lanes", "100", "--lengths", "1,50"]).out.contains("100G LANES"));
    assert!(folder.run(&["parts", "protocols"]).out.contains("ethernet/400gbase-r4"));
    assert!(json(&folder, &["parts", "check", "--json"], 0)["parts"].as_u64().is_some_and(|n| n >= 150));
    assert!(folder.run(&["completions", "bash"]).out.contains("lanewright"));
    assert_eq!(json(&folder, &["check", "s.toml", "--json"], 0)["ok"], true);
}

#[test]
fn bundled_systems_are_files_to_start_from() {
    let folder = Folder::new();
    let text = folder.run(&["systems", "leaf-spine-rack"]).out;
    folder.write("mine.toml", &text);
    let mine = json(&folder, &["review", "mine.toml", "--json"], 0);
    let bundled = json(&folder, &["review", "leaf-spine-rack", "--json"], 0);
    assert_eq!(mine["totals"], bundled["totals"]);
    // The same input gives the same answer, to the byte.
    let again = folder.run(&["review", "leaf-spine-rack", "--json"]).out;
    assert_eq!(again, folder.run(&["review", "leaf-spine-rack", "--json"]).out);
    folder.run(&["review", "leaf-spine-rack", "-o", "a.html"]);
    folder.run(&["review", "leaf-spine-rack", "-o", "b.html"]);
    let read = |name: &str| std::fs::read(folder.path(name)).expect("written");
    assert!(read("a.html") == read("b.html"));
}

#[test]
fn help_has_examples() {
    let folder = Folder::new();
    for verb in ["review", "check", "plan", "parts", "systems", "schema", "completions"] {
        let run = folder.run(&[verb, "--help"]);
        assert!(run.code == 0 && run.out.contains("xample"), "{verb}: {}", run.out);
    }
}
