//! The best equaliser of the whole grid, without evaluating all of it.

pub mod best_first;
pub mod bound;
pub mod crosstalk_bound;
pub mod equaliser_grid;

use crate::com::exhaustive::{self, Found};
use crate::com::prepare::Prepared;

/// The best setting of the whole grid; the same as [`exhaustive::search`] finds.
pub fn best_setting(prepared: &Prepared) -> Option<Found> {
    // Module interfaces are judged by eye height, which no bound of noise terms holds for.
    match prepared.parameters.module_eye.as_ref().filter(|eye| eye.height_min_test_mv != 0.0) {
        Some(_) => exhaustive::search(prepared),
        None => equaliser_grid::search(prepared),
    }
}
