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
    // Reading the built-in catalogue takes a hundred times as long, so only one text in sixteen gets there, and only
    // when there is something in it.
    let read = alone.parts.len() + alone.protocols.len() + alone.sources.len();
    let lot = text.bytes().fold(0_u8, |lot, byte| lot.wrapping_mul(31).wrapping_add(byte));
    if read == 0 || !lot.is_multiple_of(16) {
        return;
    }
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    Catalogue::load(&[bundled::catalogue_layer(), layer()], &mut texts, &mut problems);
    problems.sort();
    lanewright::problems::draw(&problems, &texts, false);
});
