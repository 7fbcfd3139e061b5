//! A predicted quantity with the band that holds about 80 % of what is measured.

use serde::Serialize;

/// Low, likely and high value of one quantity; times are seconds. The band is meant to hold 80 % of measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Tenth percentile.
    pub low: f64,
    /// Median.
    pub likely: f64,
    /// Ninetieth percentile.
    pub high: f64,
}

impl Estimate {
    /// A value without a band.
    pub fn exact(value: f64) -> Self {
        Self { low: value, likely: value, high: value }
    }

    /// A value whose measurements lie between `value / below` and `value * above`, 80 % of them.
    pub fn spread(value: f64, below: f64, above: f64) -> Self {
        Self { low: value / below, likely: value, high: value * above }
    }

    /// Every end times a factor.
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, likely: self.likely * factor, high: self.high * factor }
    }

    /// Sum of bounds: never too narrow where errors go one way.
    pub fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, likely: self.likely + other.likely, high: self.high + other.high }
    }

    /// How many times the high end is the likely value.
    pub fn above(self) -> f64 {
        if self.likely > 0.0 { self.high / self.likely } else { 1.0 }
    }

    /// How many times the likely value is the low end.
    pub fn below(self) -> f64 {
        if self.low > 0.0 { self.likely / self.low } else { 1.0 }
    }
}
