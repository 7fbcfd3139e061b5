//! `lanewright sim` writing files.

use crate::command::{Folder, Run};

fn sim(folder: &Folder, args: &[&str]) -> Run {
    let mut text = "Nodes 16\nConnections 16\n".to_string();
    (0..16)
        .for_each(|from| text.push_str(&format!("{from}->{} id {} start 0 size 300000\n", (from + 5) % 16, from + 1)));
    folder.write("perm.cm", text);
    let run = folder.run(&[&["sim", "--traffic", "perm.cm", "--tiers", "3", "--json"], args].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// All files at once; and that looking on changes nothing.
#[test]
fn files_agree_with_the_answer() {
    let folder = Folder::new();
    let files =
        ["-o", "r.html", "--trace", "t.json", "--out", "f.csv", "--links", "l.json", "--links-over-time", "s.parquet"];
    let found = json(&sim(&folder, &files).out);
    assert_eq!(found["fct_hash"], json(&sim(&folder, &[]).out)["fct_hash"]);
    let hash = found["fct_hash"].as_str().expect("a text");

    let page = read(&folder, "r.html");
    assert!(page.contains(hash) && page.contains("All 16 messages came through"));
    assert!(page.contains("lanewright sim --traffic perm.cm --tiers 3 --json -o r.html"));
    assert!(page.contains("id=\"map\"") && page.contains("Longest queues"));

    let trace = json(&read(&folder, "t.json"));
    assert_eq!(trace["otherData"]["fct_hash"], hash);
    let events = trace["traceEvents"].as_array().expect("a list");
    assert_eq!(events.iter().filter(|event| event["cat"] == "message").count(), 16);
    assert!(events.iter().any(|event| event["ph"] == "C"));

    // The slowest row is the answer's slowest message.
    let flows = read(&folder, "f.csv");
    let mut lines = flows.lines();
    let at = lines.next().expect("names").split(',').position(|name| name == "fct_us").expect("a column");
    let times: Vec<f64> =
        lines.map(|line| line.split(',').nth(at).expect("a cell").parse().expect("a number")).collect();
    assert_eq!(times.len(), 16);
    let most = times.iter().copied().fold(0.0, f64::max);
    let wanted = found["fct_us"]["max"].as_f64().expect("a number");
    assert!((most - wanted).abs() < 1e-9 * wanted, "{most} {wanted}");

    // Every host's 300 kB went over its link.
    let links = json(&read(&folder, "l.json"));
    let links = links.as_array().expect("a list");
    let up: Vec<_> =
        links.iter().filter(|link| link["from"].as_str().is_some_and(|name| name.starts_with("host"))).collect();
    assert_eq!(up.len(), 16);
    assert!(up.iter().all(|link| link["bytes"].as_u64().is_some_and(|bytes| bytes > 300_000)));
    assert!(std::fs::read(folder.path("s.parquet")).expect("written").starts_with(b"PAR1"));
}

#[test]
fn the_flow_engine_writes_them_too() {
    let folder = Folder::new();
    let flow = ["--engine", "flow"];
    let files =
        ["-o", "r.html", "--trace", "t.json", "--out", "f.json", "--links", "l.csv", "--links-over-time", "s.json"];
    let found = json(&sim(&folder, &[&flow[..], &files].concat()).out);
    assert_eq!(found["fct_hash"], json(&sim(&folder, &flow).out)["fct_hash"]);
    let page = read(&folder, "r.html");
    assert!(page.contains("Utilisation of 6 links over time"));
    // What the links carry over time is what messages brought: 16 x 300 kB over the hosts' links.
    let slots = json(&read(&folder, "s.json"));
    let of_hosts = |row: &&serde_json::Value| row["from"].as_str().is_some_and(|name| name.starts_with("host"));
    let rows = slots.as_array().expect("a list").iter().filter(of_hosts);
    let bytes: u64 = rows.filter_map(|row| row["bytes"].as_u64()).sum();
    assert!(bytes.abs_diff(16 * 300_000) <= 16, "{bytes}");
    let trace = json(&read(&folder, "t.json"));
    assert!(trace["traceEvents"].as_array().expect("a list").iter().any(|event| event["ph"] == "C"));
    let flows = json(&read(&folder, "f.json"));
    // Nothing collides: as fast as alone.
    assert!(flows.as_array().is_some_and(|rows| rows.len() == 16));
    assert!(flows[0]["slowdown"].as_f64().is_some_and(|slowdown| (1.0 - 1e-9..2.0).contains(&slowdown)));
    assert!(read(&folder, "l.csv").starts_with("edge,from,to,domain,gbps,bytes,"));
}

/// The flow engine with its short flows corrected: what it rests on and how far off it is stands in every output.
#[test]
fn corrected_short_flows_carry_bands() {
    let folder = Folder::new();
    let corrected = ["--engine", "flow", "--short-flows", "corrected"];
    let found = json(&sim(&folder, &[&corrected[..], &["-o", "r.html"]].concat()).out);
    let told = &found["short_flows"];
    assert_eq!((told["fitted_to"].as_str(), told["band_share"].as_f64()), (Some("uec"), Some(0.8)));
    let value = |at: &serde_json::Value| at.as_f64().expect("a number");
    let (bands, times) = (&told["bands_us"], &found["fct_us"]);
    for (name, figure) in [("p50", &times["p50"]), ("max", &times["max"]), ("makespan", &found["makespan_us"])] {
        let (low, high) = (value(&bands[name]["low"]), value(&bands[name]["high"]));
        assert!(low < high && low * 0.9 < value(figure) && value(figure) < high * 1.1, "{name}: {found}");
        assert!((0.6..=0.95).contains(&value(&told["held_out"][name]["coverage"])), "{told}");
    }
    // 300 kB take 6 us of bytes and 10 or 12 us of way and acknowledgement.
    let plain = json(&sim(&folder, &["--engine", "flow"]).out);
    assert!(plain.get("short_flows").is_none());
    assert!(value(&found["makespan_us"]) > value(&plain["makespan_us"]) + 5.0);
    let page = read(&folder, "r.html");
    assert!(page.contains("80 % band") && page.contains("constants fitted to"), "the page says so, too");
    let again = json(&sim(&folder, &corrected).out);
    assert_eq!(found["fct_hash"], again["fct_hash"]);
    let other = json(&sim(&folder, &[&corrected[..], &["--seed", "14"]].concat()).out);
    assert_ne!(found["fct_hash"], other["fct_hash"], "what is left to chance comes from the seed");

    let table = folder.run(&[&["sim", "--traffic", "perm.cm", "--tiers", "3"], &corrected[..]].concat());
    assert!(
        table.out.contains("completion, 80 %") && table.out.contains("note: short flows are corrected"),
        "{}",
        table.out
    );
}

#[test]
fn short_flows_of_other_transports_have_no_bands() {
    let folder = Folder::new();
    let roce = ["--engine", "flow", "--short-flows", "corrected", "--transport", "roce"];
    let found = json(&sim(&folder, &roce).out);
    assert!(found["short_flows"]["fitted_to"].is_null() && found["short_flows"]["bands_us"].is_null());
    assert!(found["notes"].to_string().contains("nothing was fitted for this transport"), "{}", found["notes"]);
    let packet = json(&sim(&folder, &["--short-flows", "corrected"]).out);
    assert!(packet["notes"].to_string().contains("the packet engine needs no corrections"));
    let wrong =
        folder.run(&["sim", "--traffic", "perm.cm", "--tiers", "3", "--engine", "flow", "--short-flows", "best"]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn an_unknown_form_is_refused_before_the_run() {
    let folder = Folder::new();
    folder.write("perm.cm", "Nodes 2\nConnections 1\n0->1 id 1 start 0 size 1000\n");
    let run = folder.run(&["sim", "--traffic", "perm.cm", "--tiers", "1", "--out", "flows.xlsx"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("flows.xlsx") && run.err.contains(".parquet"), "{}", run.err);
}
