//! How far measurements lie from predictions: bands as factors, by region where there is enough to tell, and the summary
//! that reports quote.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// Rows that a region needs before its own quantiles are believed.
pub const REGION_ROWS: usize = 40;

/// Factors around a likely value: 80 % of measurements lie between `value / below` and `value * above`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// At least 1.
    pub below: f64,
    /// At least 1.
    pub above: f64,
}

impl Band {
    /// The band of residuals `ln(measured / predicted)`: their 10 % and 90 % quantiles. None without any.
    pub fn of(residuals: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = residuals.iter().copied().filter(|r| r.is_finite()).collect();
        if sorted.is_empty() {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        // A prediction never claims to be exact: the narrowest band is half a percent each way.
        let factor = |log: f64| thousandths(log.clamp(0.005, 7.0).exp());
        Some(Self { below: factor(-quantile(&sorted, 0.1)), above: factor(quantile(&sorted, 0.9)) })
    }

    /// A value with this band.
    pub fn around(self, value: f64) -> Estimate {
        Estimate::spread(value, self.below, self.above)
    }

    /// A band for a prediction that two independent errors move: logarithms add in squares.
    pub fn widened(self, other: Self) -> Self {
        let join = |a: f64, b: f64| thousandths(a.ln().hypot(b.ln()).exp());
        Self { below: join(self.below, other.below), above: join(self.above, other.above) }
    }
}

/// Bands of an operator: one over all rows, and one per region that has rows enough. What a region is, the operator says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Over all rows.
    pub all: Band,
    /// Per region, in the operator's numbering; none where rows were too few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Option<Band>>,
}

impl Spread {
    /// From `(region, ln(measured / predicted))` pairs; none without rows.
    pub fn of(rows: &[(usize, f64)], regions: usize) -> Option<Self> {
        let all = Band::of(&rows.iter().map(|row| row.1).collect::<Vec<_>>())?;
        let mut own: Vec<Vec<f64>> = vec![Vec::new(); regions];
        for (region, residual) in rows {
            if let Some(own) = own.get_mut(*region) {
                own.push(*residual);
            }
        }
        let regions = own.iter().map(|own| (own.len() >= REGION_ROWS).then(|| Band::of(own)).flatten()).collect();
        Some(Self { all, regions })
    }

    /// The band of a region, or that of all.
    pub fn region(&self, region: usize) -> Band {
        self.regions.get(region).copied().flatten().unwrap_or(self.all)
    }

    /// Every band widened by another one.
    pub fn widened(&self, other: Band) -> Self {
        Self {
            all: self.all.widened(other),
            regions: self.regions.iter().map(|band| band.map(|band| band.widened(other))).collect(),
        }
    }
}

/// Errors of predictions against measurements, `|predicted - measured| / measured`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Rows compared.
    pub rows: usize,
    /// Median of the relative error.
    pub median: f64,
    /// Ninetieth percentile.
    pub p90: f64,
    /// Mean.
    pub mean: f64,
    /// Median of `predicted / measured - 1`: which way predictions lean.
    pub lean: f64,
    /// Share of measurements inside the band.
    pub inside: f64,
    /// Share of rows that are off by more than [`FAR`].
    #[serde(default)]
    pub far: f64,
}

/// A relative error that is far off.
pub const FAR: f64 = 0.25;

impl Errors {
    /// From predictions with bands and what was measured; rows without a positive measurement are left out.
    pub fn of(pairs: &[(Estimate, f64)]) -> Self {
        let pairs: Vec<&(Estimate, f64)> = pairs.iter().filter(|(_, measured)| *measured > 0.0).collect();
        if pairs.is_empty() {
            return Self::default();
        }
        let mut signed: Vec<f64> = pairs.iter().map(|(estimate, truth)| estimate.likely / truth - 1.0).collect();
        let mut errors: Vec<f64> = signed.iter().map(|error| error.abs()).collect();
        signed.sort_by(f64::total_cmp);
        errors.sort_by(f64::total_cmp);
        let inside = pairs.iter().filter(|(estimate, truth)| estimate.low <= *truth && *truth <= estimate.high).count();
        let rows = pairs.len();
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Self {
            rows,
            median: rounded(quantile(&errors, 0.5)),
            p90: rounded(quantile(&errors, 0.9)),
            mean: rounded(errors.iter().sum::<f64>() / rows as f64),
            lean: rounded(quantile(&signed, 0.5)),
            inside: rounded(inside as f64 / rows as f64),
            far: rounded(errors.iter().filter(|error| **error > FAR).count() as f64 / rows as f64),
        }
    }

    /// Shares and the mean of several sets together; medians and percentiles cannot be joined, and are not numbers.
    pub fn joined(all: &[&Self]) -> Self {
        let rows: usize = all.iter().map(|errors| errors.rows).sum();
        let mean = |of: fn(&Self) -> f64| {
            all.iter().map(|errors| of(errors) * errors.rows as f64).sum::<f64>() / rows.max(1) as f64
        };
        let (inside, far) = (mean(|errors| errors.inside), mean(|errors| errors.far));
        Self { rows, median: f64::NAN, p90: f64::NAN, mean: mean(|errors| errors.mean), lean: f64::NAN, inside, far }
    }
}

/// A quantile of sorted values, linear between neighbours; 0 without values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_hold_eighty_percent() {
        let residuals: Vec<f64> = (0..1001).map(|at| f64::from(at - 500) / 1000.0).collect();
        let band = Band::of(&residuals).expect("rows");
        let inside = residuals.iter().filter(|r| **r >= -band.below.ln() && **r <= band.above.ln()).count();
        assert!((inside as f64 / 1001.0 - 0.8).abs() < 0.01, "{inside}");
    }

    #[test]
    fn one_sided_residuals_keep_the_likely_value_inside() {
        let band = Band::of(&[0.1, 0.2, 0.3]).expect("rows");
        assert!(band.below > 1.0 && band.above > 1.2);
    }

    #[test]
    fn few_rows_fall_back_on_all() {
        let rows: Vec<(usize, f64)> = (0..100).map(|at| (usize::from(at >= 95), f64::from(at) / 100.0)).collect();
        let spread = Spread::of(&rows, 2).expect("rows");
        assert_eq!(spread.region(1), spread.all);
        assert_ne!(spread.region(0), spread.all);
        assert_eq!(spread.region(9), spread.all);
    }

    #[test]
    fn errors_of_known_pairs() {
        let pairs = [(Estimate::spread(1.1, 1.2, 1.2), 1.0), (Estimate::spread(0.5, 1.1, 1.1), 1.0)];
        let errors = Errors::of(&pairs);
        assert_eq!((errors.rows, errors.median, errors.mean, errors.inside), (2, 0.3, 0.3, 0.5));
        assert_eq!(Errors::of(&[]), Errors::default());
    }

    #[test]
    fn widening_adds_in_squares() {
        let (a, b) = (Band { below: 1.3, above: 1.1 }, Band { below: 1.4, above: 1.0 });
        let wide = a.widened(b);
        assert!((wide.below.ln().powi(2) - (1.3f64.ln().powi(2) + 1.4f64.ln().powi(2))).abs() < 1e-3);
        assert_eq!(wide.above, 1.1);
    }
}
