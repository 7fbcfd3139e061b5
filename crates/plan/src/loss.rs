//! Insertion loss of materials, cable stock and connectors at a frequency between catalogue points.
//!
//! Conductor loss grows with the root of frequency (skin effect), dielectric loss with frequency, so between
//! two neighbouring points each end of the band is fitted by `a*sqrt(f) + b*f`. Where that gives a negative
//! coefficient (points from different pages need not agree) a power law through the two points is used.
//! Outside the points the nearest pair's fit goes on. A single point is carried by the law that errs on the
//! side of loss: `sqrt(f)` below it, `f` above it. Values carried further than a tenth beyond the points are
//! weak whatever the grade, and say so.

use lanewright_model::catalogue::part::LossPoint;
use lanewright_model::figure::Band;
use lanewright_model::units::{Gigahertz, Quantity};

/// Loss at a frequency: dB, or dB/m for materials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossAt {
    /// Loss.
    pub band: Band<f64>,
    /// Whether it rests on a weak grade or on extrapolation.
    pub weak: bool,
    /// The catalogue frequency that it was carried over from, if it is outside the points.
    pub carried_from: Option<Gigahertz>,
}

/// Which of a point's two figures is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Loss per metre.
    Metre,
    /// Loss of one piece.
    Piece,
}

/// Loss of a part at a frequency, or `None` when the part has no such points.
pub fn loss_at(points: &[LossPoint], frequency: Gigahertz, per: Per) -> Option<LossAt> {
    let f = frequency.get();
    let mut known: Vec<(f64, Band<f64>, bool)> = points
        .iter()
        .filter_map(|point| {
            let (band, grade) = match per {
                Per::Metre => point.per_m.as_ref().map(|x| (x.band.map(Quantity::get), x.grade))?,
                Per::Piece => point.each.as_ref().map(|x| (x.band.map(Quantity::get), x.grade))?,
            };
            (point.at_ghz.get() > 0.0).then_some((point.at_ghz.get(), band, grade.is_weak()))
        })
        .collect();
    known.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (first, last) = (*known.first()?, *known.last()?);
    let carried_from = if f < first.0 * 0.9 {
        Some(Gigahertz(first.0))
    } else if f > last.0 * 1.1 {
        Some(Gigahertz(last.0))
    } else {
        None
    };
    if known.len() == 1 {
        let ratio = f / first.0;
        let factor = if ratio < 1.0 { ratio.sqrt() } else { ratio };
        let band = first.1.map(|x| x * factor);
        return Some(LossAt { band, weak: first.2 || carried_from.is_some(), carried_from });
    }
    let upper = known.iter().position(|x| x.0 >= f).unwrap_or(known.len() - 1).max(1);
    let (left, right) = (known[upper - 1], known[upper]);
    let end = |pick: fn(&Band<f64>) -> f64| between(f, (left.0, pick(&left.1)), (right.0, pick(&right.1)));
    let (low, likely, high) = (end(|b| b.low), end(|b| b.likely), end(|b| b.high));
    // The three fits are independent and may cross beyond the points.
    let band = Band { low: low.min(likely), likely, high: high.max(likely) };
    Some(LossAt { band, weak: left.2 || right.2 || carried_from.is_some(), carried_from })
}

/// Value at `f` of the curve through two points.
fn between(f: f64, (f1, l1): (f64, f64), (f2, l2): (f64, f64)) -> f64 {
    if f2 - f1 < 1e-9 {
        return l1.max(l2);
    }
    let (r1, r2) = (f1.sqrt(), f2.sqrt());
    let determinant = r1 * f2 - r2 * f1;
    let (a, b) = ((l1 * f2 - l2 * f1) / determinant, (l2 * r1 - l1 * r2) / determinant);
    if a >= 0.0 && b >= 0.0 {
        return a * f.sqrt() + b * f;
    }
    if l1 <= 0.0 || l2 <= 0.0 {
        return (l1 + (l2 - l1) * (f - f1) / (f2 - f1)).max(0.0);
    }
    l1 * (f / f1).powf((l2 / l1).ln() / (f2 / f1).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanewright_model::figure::{Figure, Grade};
    use lanewright_model::units::DecibelsPerMetre;

    fn points(list: &[(f64, f64)]) -> Vec<LossPoint> {
        list.iter()
            .map(|&(at, loss)| LossPoint {
                at_ghz: Gigahertz(at),
                per_m: Some(Figure {
                    band: Band {
                        low: DecibelsPerMetre(loss * 0.9),
                        likely: DecibelsPerMetre(loss),
                        high: DecibelsPerMetre(loss * 1.2),
                    },
                    grade: Grade::Press,
                    source: "S1".into(),
                    note: None,
                    source_span: None,
                }),
                each: None,
            })
            .collect()
    }

    fn likely(list: &[(f64, f64)], f: f64) -> f64 {
        loss_at(&points(list), Gigahertz(f), Per::Metre).expect("points").band.likely
    }

    #[test]
    fn a_curve_of_skin_effect_and_dielectric_is_found_again() {
        let law = |f: f64| 0.0489 * f.sqrt() + 0.0084 * f;
        let list = [(8.0, law(8.0)), (26.56, law(26.56)), (53.1, law(53.1))];
        for f in [4.0, 8.0, 14.0, 30.0, 53.1, 80.0] {
            assert!((likely(&list, f) - law(f)).abs() < 1e-9, "at {f} GHz");
        }
    }

    #[test]
    fn points_are_met_and_loss_rises_even_where_the_law_does_not_fit() {
        // Faster than linear: the dielectric term alone cannot follow, the root term would be negative.
        let list = [(10.0, 1.0), (20.0, 3.0), (40.0, 10.0)];
        for (f, loss) in list {
            assert!((likely(&list, f) - loss).abs() < 1e-9);
        }
        let values: Vec<f64> = (1..80).map(|f| likely(&list, f64::from(f))).collect();
        assert!(values.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn far_outside_the_points_is_weak_and_says_from_where() {
        let one = loss_at(&points(&[(16.0, 10.0)]), Gigahertz(4.0), Per::Metre).expect("points");
        assert_eq!(one.band.likely, 5.0);
        assert!(one.weak);
        assert_eq!(one.carried_from, Some(Gigahertz(16.0)));
        let near = loss_at(&points(&[(16.0, 10.0)]), Gigahertz(16.5), Per::Metre).expect("points");
        assert!(!near.weak && near.carried_from.is_none());
        assert!(loss_at(&points(&[(16.0, 10.0)]), Gigahertz(16.0), Per::Piece).is_none());
    }
}
