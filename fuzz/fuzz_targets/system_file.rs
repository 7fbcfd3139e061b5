//! Any text as a system file: loading must end with a system or with problems, never with a panic, and whatever
//! loads must be planned, reviewed and drawn.
#![no_main]

use std::sync::{Arc, LazyLock};

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::system::{NoFiles, load_system};
use lanewright_model::text::Texts;
use lanewright_twin::bundled;
use lanewright_twin::review::review;
use libfuzzer_sys::{Corpus, fuzz_target};

static CATALOGUE: LazyLock<(Arc<Catalogue>, Texts)> = LazyLock::new(|| {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = Catalogue::load(&[bundled::catalogue_layer()], &mut texts, &mut problems);
    assert!(!problems.has_errors(), "the built-in catalogue has errors");
    (Arc::new(catalogue), texts)
});

fuzz_target!(|text: &str| -> Corpus {
    let (catalogue, texts) = &*CATALOGUE;
    // Spans of catalogue parts point into its texts, so they come first, as in the command.
    let (mut texts, mut problems) = (texts.clone(), Problems::new());
    let file = texts.add("fuzz.toml", text);
    let system = load_system(file, &mut texts, catalogue, &mut NoFiles, &mut problems);
    problems.sort();
    lanewright::problems::draw(&problems, &texts, false);
    if let Some(system) = system {
        assert!(!problems.has_errors(), "a system came with errors");
        let review = review(&system, &texts, &problems, "fuzz.toml", "0", 0);
        let page = lanewright::report::html(&system, &review);
        assert!(!page.contains(">NaN<") && !page.contains(">inf<"), "a figure that is no number got into the report");
    } else {
        assert!(problems.has_errors(), "no system, and nothing said why");
    }
    Corpus::Keep
});
