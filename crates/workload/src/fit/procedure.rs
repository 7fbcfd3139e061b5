//! The one way in which every operator is fitted: without the rows held out first, to learn errors and band; then on all
//! rows, to predict.

use super::calibration::Origin;
use super::split;
use super::spread::{Errors, Spread};

/// How to calibrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Seed of the hold-out.
    pub seed: u64,
    /// Share of rows held out.
    pub hold_out: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: split::SEED, hold_out: split::SHARE }
    }
}

/// A fitted model with what is known of its errors.
#[derive(Clone, Debug)]
pub struct Calibrated<M> {
    /// Fitted on all rows.
    pub model: M,
    /// Band from residuals of held-out rows.
    pub spread: Spread,
    /// Errors on held-out rows.
    pub errors: Errors,
    /// Where it comes from.
    pub origin: Origin,
}

/// What an operator must say of itself to be calibrated.
pub trait Operator {
    /// A measured row.
    type Row;
    /// What a fit gives.
    type Model;
    /// Regions that get bands of their own.
    const REGIONS: usize;
    /// Inputs of a row as they stand in its file: what decides on which side of the split it falls.
    fn inputs(row: &Self::Row) -> Vec<String>;
    /// What was measured, seconds.
    fn measured(row: &Self::Row) -> f64;
    /// Fits; none when rows do not suffice.
    fn fit(&self, rows: &[&Self::Row]) -> Option<Self::Model>;
    /// The likely time of a row, seconds, and its region.
    fn predict(&self, model: &Self::Model, row: &Self::Row) -> (f64, usize);
}

/// Fits without the held-out rows, measures on them, then fits on all.
pub fn calibrate<O: Operator>(
    operator: &O,
    rows: &[O::Row],
    file: &str,
    settings: Settings,
) -> Option<Calibrated<O::Model>> {
    let held = |row: &O::Row| {
        let inputs = O::inputs(row);
        split::held_out(settings.seed, settings.hold_out, inputs.iter().map(String::as_str))
    };
    let (test, train): (Vec<&O::Row>, Vec<&O::Row>) = rows.iter().partition(|row| held(row));
    let partial = operator.fit(&train)?;
    let pairs: Vec<(f64, usize, f64)> = test
        .iter()
        .map(|row| {
            let (likely, region) = operator.predict(&partial, row);
            (likely, region, O::measured(row))
        })
        .filter(|(likely, _, measured)| *likely > 0.0 && *measured > 0.0)
        .collect();
    let residuals: Vec<(usize, f64)> =
        pairs.iter().map(|(likely, region, measured)| (*region, (measured / likely).ln())).collect();
    let spread = Spread::of(&residuals, O::REGIONS)?;
    // The band that is reported on was not measured on the rows it is tried on: each half is tried with the other's.
    let half = |odd: usize| residuals.iter().skip(odd).step_by(2).copied().collect::<Vec<_>>();
    let halves = [Spread::of(&half(1), O::REGIONS)?, Spread::of(&half(0), O::REGIONS)?];
    let estimates: Vec<_> = pairs
        .iter()
        .enumerate()
        .map(|(at, (likely, region, measured))| (halves[at % 2].region(*region).around(*likely), *measured))
        .collect();
    let all: Vec<&O::Row> = rows.iter().collect();
    Some(Calibrated {
        model: operator.fit(&all)?,
        spread,
        errors: Errors::of(&estimates),
        origin: Origin { file: file.into(), rows: rows.len(), seed: settings.seed, hold_out: settings.hold_out },
    })
}
