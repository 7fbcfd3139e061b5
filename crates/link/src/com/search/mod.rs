//! The best equaliser of the whole grid, without evaluating all of it.

pub mod best_first;
pub mod bound;
pub mod crosstalk_bound;
pub mod equaliser_grid;

use crate::com::exhaustive::{self, Found};
use crate::com::prepare::Prepared;

/// The best setting of the whole grid; the same as [`exhaustive::search`] finds, whose rules it follows.
pub fn best_setting(prepared: &Prepared) -> Option<Found> {
    if prepared.tx_grid.width > bound::MOST_TAPS {
        return exhaustive::search(prepared);
    }
    let eye = prepared.parameters.module_eye.as_ref();
    match eye.map(|eye| eye.height_min_test_mv).filter(|mv| *mv != 0.0) {
        None => equaliser_grid::search(prepared, None),
        Some(mv) => equaliser_grid::search(prepared, Some(mv)).or_else(|| equaliser_grid::search(prepared, Some(0.0))),
    }
}

/// Best figure of merit in dB behind every setting of [`Prepared::ctle_grid`]; the same as [`exhaustive::fom_map`].
pub fn fom_map(prepared: &Prepared) -> Vec<Option<f64>> {
    if prepared.tx_grid.width > bound::MOST_TAPS {
        return exhaustive::fom_map(prepared);
    }
    equaliser_grid::map(prepared)
}
