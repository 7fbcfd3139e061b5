//! How wide the band of a corrected prediction is: as wide as errors were when nothing nearer had been measured.

use serde::{Deserialize, Serialize};

/// Bounds of likeness between classes.
pub const CLASSES: [f64; 3] = [0.16, 0.5, 0.8];

/// Tenth and ninetieth percentile of `ln(measured / predicted)` over the local scale, by likeness of the nearest row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bands {
    /// One pair per class, from the least alike to the most.
    pub classes: Vec<(f64, f64)>,
    /// Smallest local scale that is believed.
    pub floor: f64,
}

/// One held-out error with what was known about it beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// `ln(measured / predicted)`.
    pub error: f64,
    /// Local scale that the prediction stated.
    pub scale: f64,
    /// Likeness of the nearest row.
    pub nearest: f64,
}

/// Class of a likeness.
fn class(nearest: f64) -> usize {
    CLASSES.iter().filter(|bound| nearest >= **bound).count()
}

impl Bands {
    /// Learns the classes from held-out errors; a class with too few errors takes those of all that are no more alike.
    pub fn learn(errors: &[HeldOut], floor: f64) -> Self {
        let classes = (0..=CLASSES.len())
            .map(|at| {
                let mut ratios = ratios(errors, floor, |one| class(one.nearest) == at);
                if ratios.len() < 40 {
                    ratios = self::ratios(errors, floor, |one| class(one.nearest) <= at);
                }
                if ratios.len() < 40 {
                    ratios = self::ratios(errors, floor, |_| true);
                }
                (percentile(&ratios, 0.1).unwrap_or(-2.0), percentile(&ratios, 0.9).unwrap_or(2.0))
            })
            .collect();
        Self { classes, floor }
    }

    /// Factors below and above a prediction, both at least 1.
    pub fn factors(&self, scale: f64, nearest: f64) -> (f64, f64) {
        let (low, high) = self.classes.get(class(nearest)).copied().unwrap_or((-2.0, 2.0));
        let scale = scale.max(self.floor).min(1.5);
        ((-low * scale).exp().max(1.0), (high * scale).exp().max(1.0))
    }
}

fn ratios(errors: &[HeldOut], floor: f64, wanted: impl Fn(&HeldOut) -> bool) -> Vec<f64> {
    let finite = errors.iter().filter(|one| one.error.is_finite() && wanted(one));
    let mut ratios: Vec<f64> = finite.map(|one| one.error / one.scale.max(floor)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// A percentile of sorted values.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_of_what_was_learnt_lie_inside() {
        let errors: Vec<HeldOut> = (0..1000)
            .map(|at| {
                let nearest = if at % 2 == 0 { 0.97 } else { 0.4 };
                let width = if at % 2 == 0 { 0.1 } else { 0.5 };
                HeldOut { error: width * (f64::from(at % 101) / 50.0 - 1.0), scale: 0.1, nearest }
            })
            .collect();
        let bands = Bands::learn(&errors, 0.02);
        let inside = errors
            .iter()
            .filter(|one| {
                let (below, above) = bands.factors(one.scale, one.nearest);
                one.error >= -below.ln() && one.error <= above.ln()
            })
            .count();
        assert!((780..=820).contains(&inside), "{inside}");
        assert!(bands.factors(0.1, 0.4).1 > bands.factors(0.1, 0.97).1);
    }
}
