//! The whole grid, setting by setting. Slow where grids are large, and the measure for every faster search.

use crate::com::figure_of_merit::{Bench, Demand, Point, assess};
use crate::com::prepare::Prepared;
use rayon::prelude::*;

/// The best setting of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Index in [`Prepared::ctle_grid`].
    pub ctle: usize,
    /// Index in [`Prepared::tx_grid`].
    pub tx: usize,
    /// Its figures.
    pub point: Point,
}

/// What a search has to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The best setting; the first in the script's order where several are equally good.
    pub best: Best,
    /// Settings that were worked out in full.
    pub evaluated: u64,
}

/// Goes through the whole grid. `None` where no setting can be sampled.
///
/// Where the sheet asks for a least eye height and no setting has it, the grid is gone through again without that.
pub fn search(prepared: &Prepared) -> Option<Found> {
    let eye = prepared.parameters.module_eye.as_ref();
    match eye.map(|e| e.height_min_test_mv).filter(|mv| *mv != 0.0) {
        None => over_grid(prepared, None),
        Some(mv) => over_grid(prepared, Some(mv)).or_else(|| over_grid(prepared, Some(0.0))),
    }
}

fn over_grid(prepared: &Prepared, eye_height_mv: Option<f64>) -> Option<Found> {
    let per_setting: Vec<(Option<Best>, u64)> =
        (0..prepared.ctle_grid.len()).into_par_iter().map(|ctle| over_tx(prepared, ctle, eye_height_mv)).collect();
    let evaluated = per_setting.iter().map(|(_, n)| n).sum();
    let best = per_setting
        .into_iter()
        .filter_map(|(b, _)| b)
        .reduce(|best, b| if b.point.fom_db > best.point.fom_db { b } else { best })?;
    Some(Found { best, evaluated })
}

/// The best transmit setting behind one CTLE setting, and how many were worked out in full.
pub fn over_tx(prepared: &Prepared, ctle: usize, eye_height_mv: Option<f64>) -> (Option<Best>, u64) {
    let setting = prepared.ctle_setting(&prepared.ctle_grid[ctle].2);
    let mut bench = Bench::default();
    let mut best: Option<Best> = None;
    let mut evaluated = 0;
    for (tx, taps) in prepared.tx_grid.iter().enumerate() {
        let floor_db = best.map_or(f64::NEG_INFINITY, |b| b.point.fom_db);
        if let Some(point) = assess(prepared, &setting, taps, Demand { floor_db, eye_height_mv }, None, &mut bench) {
            evaluated += 1;
            if best.is_none_or(|b| point.fom_db > b.point.fom_db) {
                best = Some(Best { ctle, tx, point });
            }
        }
    }
    (best, evaluated)
}

/// Best figure of merit in dB behind every setting of [`Prepared::ctle_grid`], for a map over g_DC and g_DC_HP.
pub fn fom_map(prepared: &Prepared) -> Vec<Option<f64>> {
    (0..prepared.ctle_grid.len())
        .into_par_iter()
        .map(|ctle| over_tx(prepared, ctle, None).0.map(|b| b.point.fom_db))
        .collect()
}
