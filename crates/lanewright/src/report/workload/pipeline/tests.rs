//! The page of a pipeline: whole, escaped, the same every time.

use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::pipeline::outcome::{Options, outcome};
use lanewright_workload::pipeline::{bundled, read};

use super::html;

fn page(text: &str) -> String {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = crate::disk::catalogue(None, &mut texts, &mut problems);
    let file = texts.add("test.toml", text);
    let mut made = read(file, &texts, &catalogue, &mut problems).expect("a sound file");
    made.seconds = 2.0;
    html(&made, &outcome(&made, Options { seed: 2, draws: 2 }, &|| {}))
}

#[test]
fn a_mirror_has_its_budget_and_its_timeline() {
    let page_of = |name| page(bundled::find(name).expect("bundled"));
    let found = page_of("cms-mirror-30");
    for expected in [
        "Budget from light to sink",
        "display: panel",
        "not at worst",
        "class=\"gantt\"",
        "Memory traffic",
        "at most 200.0",
    ] {
        assert!(found.contains(expected), "{expected}");
    }
    assert_eq!(found, page_of("cms-mirror-30"));
    assert_eq!(found.matches("<section").count(), found.matches("</section>").count());
    assert!(!found.contains("NaN") && !found.contains("inf ms"));
}

#[test]
fn names_of_users_are_escaped() {
    let text =
        bundled::find("cms-mirror-60").expect("bundled").replace("Mirror replacement", "<script>alert(1)</script>");
    let found = page(&text);
    assert!(!found.contains("<script>alert") && found.contains("&lt;script&gt;alert"));
}
