//! Sums of figures that remember how much of them is weak.

use lanewright_model::figure::{Band, Figure};
use lanewright_model::units::Quantity;

use crate::plan::Total;

/// A band of some quantity (the context names the unit) with the part of its likely value that rests on
/// figures of a weak grade. Bounds add low to low and high to high.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Amount {
    /// Low end.
    pub low: f64,
    /// Likely value.
    pub likely: f64,
    /// High end.
    pub high: f64,
    /// How much of `likely` is weak, in the same unit.
    pub weak: f64,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { low: 0.0, likely: 0.0, high: 0.0, weak: 0.0 };

    /// A figure of the catalogue.
    pub fn of<Q: Quantity>(figure: &Figure<Q>) -> Self {
        Self::from_band(figure.band.map(Quantity::get), figure.grade.is_weak())
    }

    /// A band whose grade is known.
    pub fn from_band(band: Band<f64>, weak: bool) -> Self {
        Self { low: band.low, likely: band.likely, high: band.high, weak: if weak { band.likely } else { 0.0 } }
    }

    /// A band of a typed quantity whose grade is known.
    pub fn from_quantities<Q: Quantity>(band: Band<Q>, weak: bool) -> Self {
        Self::from_band(band.map(Quantity::get), weak)
    }

    /// A number that is certain.
    pub fn exact(value: f64) -> Self {
        Self { low: value, likely: value, high: value, weak: 0.0 }
    }

    /// Multiplied by a number that is certain and not negative.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            likely: self.likely * factor,
            high: self.high * factor,
            weak: self.weak * factor,
        }
    }

    /// Multiplied by another amount, neither negative. A product is as weak as its factors together:
    /// the share that is firm is the product of the firm shares.
    #[must_use]
    pub fn product(self, other: Self) -> Self {
        let likely = self.likely * other.likely;
        let firm = (1.0 - self.weak_share()) * (1.0 - other.weak_share());
        Self { low: self.low * other.low, likely, high: self.high * other.high, weak: likely * (1.0 - firm) }
    }

    /// Share of the likely value that is weak, 0 to 1. Zero for nothing.
    pub fn weak_share(self) -> f64 {
        if self.likely > 0.0 { (self.weak / self.likely).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// As a total of the plan.
    pub fn total(self) -> Total {
        Total { low: self.low, likely: self.likely, high: self.high, weak_share: self.weak_share() }
    }

    /// As a band of a typed quantity.
    pub fn band<Q: Quantity>(self) -> Band<Q> {
        Band { low: Q::new(self.low), likely: Q::new(self.likely), high: Q::new(self.high) }
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            likely: self.likely + other.likely,
            high: self.high + other.high,
            weak: self.weak + other.weak,
        }
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |a, b| a + b)
    }
}

impl From<Total> for Amount {
    fn from(total: Total) -> Self {
        Self { low: total.low, likely: total.likely, high: total.high, weak: total.likely * total.weak_share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_as_weak_as_its_factors_together() {
        let half = Amount { low: 1.0, likely: 2.0, high: 3.0, weak: 1.0 };
        let product = half.product(half);
        assert_eq!((product.low, product.likely, product.high), (1.0, 4.0, 9.0));
        assert!((product.weak_share() - 0.75).abs() < 1e-12);
        assert_eq!(half.product(Amount::exact(3.0)).weak_share(), 0.5);
    }

    #[test]
    fn a_sum_keeps_the_weak_part() {
        let firm = Amount::exact(3.0);
        let weak = Amount::from_band(Band { low: 0.5, likely: 1.0, high: 2.0 }, true);
        let sum: Amount = [firm, weak].into_iter().sum();
        assert_eq!(sum.total(), Total { low: 3.5, likely: 4.0, high: 5.0, weak_share: 0.25 });
        assert_eq!(Amount::ZERO.weak_share(), 0.0);
    }
}
