//! Any text as a connection matrix; what is read must come back from what is written.
#![no_main]

use lanewright_fabric::traffic::connection_matrix::{ConnectionMatrix, read};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("fuzz.cm", text);
    let Some((matrix, traffic)) = read(file, &texts, &mut problems) else {
        assert!(problems.has_errors());
        problems.iter().flat_map(|problem| &problem.labels).for_each(|label| assert!(!texts.place(label.0).is_empty()));
        return;
    };
    let again = texts.add("again.cm", matrix.write());
    let (written, _) = read(again, &texts, &mut problems).expect("what was written can be read");
    // Starts in microseconds are cut off at the end of the range.
    if matrix.connections.iter().all(|connection| connection.message.is_none()) {
        assert_eq!(written, matrix);
    }
    if let Ok(again) = ConnectionMatrix::from_traffic(&traffic, matrix.nodes) {
        assert_eq!(again.connections.len(), matrix.connections.len());
    }
});
