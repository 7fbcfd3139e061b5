//! The report as text: what must be in it, and what must never be.

mod drawings;
mod fixture;

use super::html;

fn plain() -> String {
    let (system, review) = fixture::review(&|name| name.to_string());
    html(&system, &review)
}

/// Names as bad as a file can hold: each ends in a word of its own, so that it can be found.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-->]]></style></svg></textarea>",
    "&amp;&lt;b&gt;",
    "שלום עולם\u{202E}evil\u{2066}",
    "🙂🏳️‍🌈 مرحبا",
    "a\u{0}b\u{7}c\nd",
    "=cmd|' /C calc'!A0",
    "javascript:alert(1)",
    "very long name very long name very long name very long name very long name very long name",
];

#[test]
fn hostile_names_stay_texts() {
    for hostile in HOSTILE {
        let (system, review) = fixture::review(&|name| format!("{name}{hostile}"));
        let page = html(&system, &review);
        // Nothing but our own two scripts' worth of markup: one script element, no handler, no image.
        assert_eq!(page.matches("<script").count(), 1, "{hostile}");
        assert_eq!(page.matches("<style").count(), 1, "{hostile}");
        assert_eq!(page.matches("</svg>").count(), page.matches("<svg").count(), "{hostile}");
        assert!(!page.contains("<img"), "{hostile}");
        assert!(!page.contains("href=\"javascript:"), "{hostile}");
        assert!(!page.contains("<b>&lt;/b"), "{hostile}");
        assert!(!page.chars().any(|c| c == '\0' || ('\u{202A}'..='\u{202E}').contains(&c)), "{hostile}");
        balanced(&page);
    }
}

#[test]
fn a_plain_page_is_balanced_and_says_what_matters() {
    let page = plain();
    balanced(&page);
    let page = page.replace('\u{A0}', " ");
    for wanted in [
        "Six racks",
        "nothing closes",
        "leaf × 2",
        "× 6",
        "not computed",
        "1 limit broken",
        "Equipment power",
        "Electrical lanes",
        "all pieces",
    ] {
        assert!(page.contains(wanted), "{wanted} is missing");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "a number is not one");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = plain();
    for forbidden in ["src=", "@import", "url(http", "<iframe", "<object", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    assert_eq!(plain(), plain());
}

#[test]
fn an_empty_system_still_has_a_page() {
    let (mut system, mut review) = fixture::review(&|name| name.to_string());
    system.racks.clear();
    system.devices.clear();
    system.sets.clear();
    system.links.clear();
    system.link_sets.clear();
    system.domains.clear();
    review.plan = lanewright_plan::plan_system(&system);
    balanced(&html(&system, &review));
}

#[test]
fn bundled_systems_have_small_pages() {
    for (name, _) in lanewright_twin::bundled::systems() {
        let loaded = crate::disk::load(name, None);
        let Some(system) = loaded.system else { continue }; // said by the tests of the systems
        let review = lanewright_twin::review::review(&system, &loaded.texts, &loaded.problems, name, "0.1.0", 0);
        drawings::nothing_is_lost(&super::survey::Survey::new(&system, &review));
        let page = html(&system, &review);
        balanced(&page);
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
        assert!(!page.contains("NaN"), "{name}");
        if let Ok(path) = std::env::var("REPORT_OUT") {
            let written = std::fs::write(std::path::Path::new(&path).join(format!("{name}.html")), page);
            assert!(written.is_ok(), "{written:?}");
        }
    }
}

/// Every eye is drawn with the height and width that its lane is judged by; a lane judged by loss alone has none.
#[test]
fn eyes_are_drawn_with_the_figures_of_their_lanes() {
    let loaded = crate::disk::load("gb200-nvl72", None);
    let system = loaded.system.expect("it is bundled");
    let about = ("gb200-nvl72", "0.1.0", 0);
    let review = lanewright_twin::review::review_with_lanes(&system, &loaded.texts, &loaded.problems, about, &[]);
    let page = html(&system, &review);
    balanced(&page);
    assert!(page.len() < 400_000, "{} bytes", page.len());
    let methods = |method: &'static str| review.lanes.iter().filter(move |line| line.method == method);
    for line in methods("eye").chain(methods("com")) {
        let eye = line.eye.as_ref().expect("there is a receiver");
        let words =
            format!("open at {}: {:.1} mV, {:.2} UI", super::eye::ratio(eye.error_ratio), eye.height_mv, eye.width_ui);
        assert!(page.contains(&words), "{}: {words}", line.set);
        if let Some(([_, height, _], [_, width, _])) = line.eye_height_mv.zip(line.eye_width_ui) {
            assert_eq!((eye.height_mv, eye.width_ui), (height, width));
            assert!(
                line.why.contains(&format!("eye {height:.1} mV")) && line.why.contains("against 15 mV"),
                "{}",
                line.why
            );
        }
    }
    assert!(methods("eye").count() > 0 && methods("com").count() > 0 && methods("loss").all(|line| line.eye.is_none()));
    assert_eq!(
        page.matches(" No eye.").count(),
        page.matches("class=\"lane\"").count() - page.matches("<figcaption>Statistical eye").count()
    );
    assert!(page.contains("53.125\u{A0}GHz"), "Nyquist of 200 Gb/s lanes is known to five figures");
}

/// Writes the page where REPORT_OUT says, to look at it in a browser.
#[test]
fn the_page_can_be_kept() {
    let Ok(path) = std::env::var("REPORT_OUT") else { return };
    let hostile = HOSTILE.concat();
    for (file, tail) in [("plain.html", ""), ("hostile.html", hostile.as_str())] {
        let (system, review) = fixture::review(&|name| format!("{name}{tail}"));
        let written = std::fs::write(std::path::Path::new(&path).join(file), html(&system, &review));
        assert!(written.is_ok(), "{written:?}");
    }
}

/// Checks that every element that opens closes in its turn.
fn balanced(page: &str) {
    const VOID: &[&str] = &["br", "input"];
    let body = page.find("<body").map_or("", |at| &page[at..]);
    let body = body.split("<script>").next().unwrap_or(body);
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or("");
        let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap_or("");
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "after {open:?}");
        } else if !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["body"], "left open before the script");
}
