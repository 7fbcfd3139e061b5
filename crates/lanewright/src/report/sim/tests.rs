//! The report as text: its numbers are the outcome's, and names stay texts.

use lanewright_fabric::network::EdgeId;
use lanewright_fabric::outcome::{End, Outcome};
use lanewright_fabric::time::Time;

use super::html;
use crate::simulated::fixture::{self, Run};

fn page(run: &Run) -> String {
    html(&run.view()).replace('\u{A0}', " ")
}

/// Rows of a table as the texts of their cells.
fn rows(page: &str, id: &str) -> Vec<Vec<String>> {
    let table = page.split(&format!("<div class=\"table\" id=\"{id}\">")).nth(1).expect("the table is there");
    let body = table.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next()).expect("it has a body");
    let cell = |cell: &str| cell.split_once('>').map_or(String::new(), |(_, text)| text.to_string());
    let row = |row: &str| {
        row.split("</td>")
            .filter(|part| part.contains("<td"))
            .map(|part| cell(&part[part.find("<td").unwrap_or(0)..]))
            .collect()
    };
    body.split("</tr>").filter(|row| row.contains("<td")).map(row).collect()
}

#[test]
fn figures_are_the_outcomes() {
    let run = fixture::permutation();
    let page = page(&run);
    let times = run.outcome.completion(&run.traffic, End::Acknowledged).expect("messages are done");
    let sizes = rows(&page, "sizes");
    let wanted = [times.min, times.p50, times.p99, times.max].map(|us| format!("{us:.3}"));
    assert_eq!(sizes.len(), 1);
    assert_eq!(sizes[0][..2], ["500 KB".to_string(), "16".into()]);
    assert_eq!(sizes[0][2..6], wanted);
    let makespan = run.outcome.makespan(End::Acknowledged);
    assert!(page.contains(&format!("<dt>Makespan</dt><dd><b class=\"figure\">{:.2} µs</b>", makespan.as_us())));
    assert!(page.contains(&format!("{:016x}", run.outcome.hash())));
    assert!(page.contains("All 16 messages came through"));
    let counters = rows(&page, "counter-table");
    assert_eq!(counters[0][1].replace(',', ""), run.outcome.counters.packets.to_string());
    assert_eq!(counters[5][1].replace(',', ""), run.outcome.counters.marked.to_string());
    for note in &run.facts.notes {
        assert!(page.contains(&note.replace('\'', "&#39;")));
    }
}

#[test]
fn links_are_listed_from_the_fullest() {
    let run = fixture::incast();
    let page = page(&run);
    let rows = rows(&page, "links-table");
    let down = run.network.out(run.network.endpoints[0])[0].reverse();
    assert_eq!(rows[0][1], "host[0]");
    let share = run.view().utilisation(down).expect("counted");
    assert_eq!(rows[0][4], format!("{:.1} %", 100.0 * share));
    let seconds = run.outcome.makespan(End::Acknowledged).as_seconds();
    let bytes = run.outcome.edges[down.index()].bytes;
    assert!((share - bytes as f64 / (50e9 * seconds)).abs() < 1e-12);
    // Every link has a line in the drawing and, by direction, a cell in the strips.
    assert_eq!(
        page.matches("<path class=\"h").count() + page.matches("<path class=\"idle").count(),
        run.network.edges.len() / 2
    );
    assert_eq!(
        page.matches("<rect class=\"h").count() + page.matches("<rect class=\"idle").count(),
        run.network.edges.len()
    );
}

#[test]
fn faults_and_bandwidths_are_shown() {
    let run = fixture::incast();
    let page = page(&run);
    let faults = rows(&page, "faults");
    assert_eq!(faults.len(), 2);
    assert_eq!((faults[0][0].as_str(), faults[1][0].as_str()), ("30.000", "90.000"));
    assert!(faults[0][1].ends_with("at 25.0 % of its rate"), "{}", faults[0][1]);
    // Two lines in each of three charts.
    assert_eq!(page.matches("class=\"mark fault\"").count(), 6);
    let bandwidths = rows(&page, "bandwidths");
    assert_eq!(bandwidths[0][0], "gather &lt;direct&gt;");
    assert_eq!(bandwidths[0][5], "43.95");
}

#[test]
fn what_was_not_done_or_counted_is_said() {
    let mut run = fixture::permutation();
    for at in [2, 3] {
        run.outcome.finishes[at].acknowledged = Time::NEVER;
    }
    run.outcome.edges.clear();
    run.outcome.series = Default::default();
    let one = page(&run);
    assert!(one.contains("2 of 16 messages never came through"));
    assert!(one.contains("Links were not recorded over time"));
    assert!(!one.contains("id=\"map\""));
    assert_eq!(rows(&one, "slowest-table").iter().filter(|row| row[5] == "not done").count(), 2);
    run.outcome.stopped = true;
    assert!(page(&run).contains("Stopped: 14 of 16 messages done"));
    // Nothing at all is a page, too.
    run.outcome = Outcome { stopped: true, ..Outcome::default() };
    let none = page(&run);
    assert!(none.contains("Stopped: 0 of 0 messages done"), "finishes say what was asked for");
}

#[test]
fn a_large_network_is_folded() {
    let mut builder = lanewright_fabric::traffic::Builder::default();
    builder.message(lanewright_fabric::network::EndpointId(0), lanewright_fabric::network::EndpointId(1023), 100_000);
    let run = fixture::run(fixture::tree(1024, 3), builder.build(), Default::default(), "one.cm");
    let page = page(&run);
    assert!(page.contains("folded to groups"));
    assert!(page.contains("endpoints · 1,024"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    let full = (0..run.network.edges.len() as u32).filter(|edge| run.outcome.edges[*edge as usize].bytes > 0).count();
    assert!(full > 0 && run.view().utilisation(EdgeId(0)).is_some());
}

#[test]
fn hostile_names_stay_texts() {
    let mut run = fixture::incast();
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u{202E}";
    run.network.names = (0..run.network.nodes.len()).map(|at| format!("{at}{hostile}")).collect();
    run.facts.title = hostile.into();
    run.facts.network = hostile.into();
    run.facts.command = hostile.into();
    run.facts.notes = vec![hostile.into()];
    run.facts.settings = vec![(hostile.into(), hostile.into())];
    run.facts.bandwidths[0].collective = hostile.into();
    let page = page(&run);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && !page.contains('\u{202E}'));
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

/// Pages to look at: `LANEWRIGHT_PAGES=DIR cargo test -p lanewright --lib report::sim -- --ignored pages`.
#[test]
#[ignore = "needs LANEWRIGHT_PAGES: a folder to write pages into"]
fn pages_to_look_at() {
    let folder = std::env::var("LANEWRIGHT_PAGES").expect("a folder");
    let mut builder = lanewright_fabric::traffic::Builder::default();
    for from in 0..128u32 {
        let bytes = 200_000 + u64::from(from % 5) * 400_000;
        builder.message(
            lanewright_fabric::network::EndpointId(from),
            lanewright_fabric::network::EndpointId((from * 37 + 11) % 128),
            bytes,
        );
    }
    let mid = fixture::run(fixture::tree(128, 3), builder.build(), Default::default(), "permutation-128.cm");
    let mut builder = lanewright_fabric::traffic::Builder::default();
    for from in 0..256u32 {
        builder.message(
            lanewright_fabric::network::EndpointId(4 * from),
            lanewright_fabric::network::EndpointId((4 * from + 259) % 1024),
            300_000,
        );
    }
    let large = fixture::run(fixture::tree(1024, 3), builder.build(), Default::default(), "shift-1024.cm");
    for (name, run) in
        [("small", fixture::permutation()), ("incast", fixture::incast()), ("mid", mid), ("large", large)]
    {
        std::fs::write(format!("{folder}/{name}.html"), html(&run.view())).expect("written");
    }
}
