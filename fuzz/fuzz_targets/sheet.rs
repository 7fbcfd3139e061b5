//! Any bytes as a COM sheet, through to its parameters; and any text as an expression.
#![no_main]

use lanewright_link::sheet::resolve::{Choices, resolve};
use lanewright_link::sheet::rows::Rows;
use lanewright_link::sheet::{expression, workbook};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = expression::evaluate(text);
    }
    let Ok(grid) = workbook::read("fuzz", bytes) else { return };
    let Ok(rows) = Rows::new("fuzz", grid) else { return };
    rows.strangers();
    if let Err(problems) = resolve(&rows, Choices { local_search: true }) {
        assert!(!problems.0.is_empty());
    }
});
