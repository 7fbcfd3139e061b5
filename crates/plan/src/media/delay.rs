//! Propagation delay of a line.

use lanewright_model::catalogue::part::Part;
use lanewright_model::figure::Band;
use lanewright_model::units::{Metres, Quantity};

use crate::amount::Amount;

/// Twinax and coax, ns/m: 4.5 at most by a datasheet (S1).
pub(super) const COPPER: Band<f64> = Band { low: 4.2, likely: 4.5, high: 4.6 };
/// Glass, ns/m: index 1.468 over the speed of light.
pub(super) const FIBRE: Band<f64> = Band { low: 4.88, likely: 4.9, high: 4.95 };
/// Board trace, ns/m: the root of a dielectric constant of 3.0 to 3.8 over the speed of light.
pub(super) const BOARD: Band<f64> = Band { low: 5.8, likely: 6.1, high: 6.5 };

/// Delay in nanoseconds over a length, from the part's own figure or the constant of its kind (weak).
pub(super) fn over(part: Option<&Part>, otherwise: Band<f64>, length: Metres) -> Amount {
    part.and_then(|p| p.figures.delay_per_m.as_ref())
        .map_or(Amount::from_band(otherwise, true), Amount::of)
        .times(length.get())
}
