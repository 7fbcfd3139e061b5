//! Any text as a catalogue file, alone and over the built-in catalogue.
#![no_main]

use std::sync::Arc;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_twin::bundled;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let layer = || vec![("fuzz.toml".to_string(), Arc::from(text))];
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let alone = Catalogue::load(&[layer()], &mut texts, &mut problems);
    problems.sort();
    lanewright::problems::draw(&problems, &texts, false);
    let read = alone.parts.len() + alone.protocols.len() + alone.sources.len();
    // Reading the built-in catalogue takes a hundred times as long, so only texts with something in them get there.
    if read == 0 {
        return;
    }
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    Catalogue::load(&[bundled::catalogue_layer(), layer()], &mut texts, &mut problems);
    problems.sort();
    lanewright::problems::draw(&problems, &texts, false);
});
