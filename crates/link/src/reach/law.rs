//! Loss over frequency through given points, and the phase that causality then demands.
//!
//! Skin effect makes conductor loss grow with the root of frequency, dielectric loss grows with frequency: both terms
//! are fitted to the points, without negative coefficients. What the points say beyond the two terms is added as a
//! correction that is linear between them, so that every point is met exactly; beyond the last point it stays as it is,
//! and the two terms go on.
//!
//! Phase is no free choice. The skin term lags by as many radians as it attenuates nepers (the internal impedance of a
//! good conductor is `sqrt(j f)`), the dielectric term by `-(2/pi) alpha ln f` (the wideband Debye model of Djordjevic
//! and Svensson within its band, and equation 93A-10 of IEEE 802.3), and the correction by Bode's relation between
//! attenuation and phase, which has a closed form for a piecewise linear attenuation. So the response is causal by
//! construction.

/// Nepers in a decibel.
pub const NEPER_PER_DB: f64 = std::f64::consts::LN_10 / 20.0;

/// Share of a single point's loss that is taken for conductor loss: an estimate, the middle between the 38 % that the
/// catalogue's Megtron 7 has at 26.56 GHz and more for cable stock.
const SKIN_SHARE_OF_ONE_POINT: f64 = 0.5;

/// Loss over frequency.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossLaw {
    /// Conductor loss in dB at 1 GHz; grows with the root of frequency.
    skin_db: f64,
    /// Dielectric loss in dB at 1 GHz; grows with frequency.
    dielectric_db: f64,
    /// Frequency in GHz and loss in dB beyond the two terms: rising, zero at zero, constant after the last.
    correction: Vec<(f64, f64)>,
}

impl LossLaw {
    /// The law through points of frequency in GHz and loss in dB; `None` when no point is usable: frequencies must be
    /// above zero, losses zero or more, all finite.
    pub fn through(points: &[(f64, f64)]) -> Option<Self> {
        let mut points: Vec<(f64, f64)> = points
            .iter()
            .copied()
            .filter(|(f, loss)| f.is_finite() && *f > 0.0 && loss.is_finite() && *loss >= 0.0)
            .collect();
        points.sort_by(|x, y| x.0.total_cmp(&y.0));
        // Two points at one frequency: the greater loss is kept, which errs on the safe side.
        points.dedup_by(|later, kept| {
            let same = later.0 - kept.0 < 1e-9 * kept.0;
            if same {
                kept.1 = kept.1.max(later.1);
            }
            same
        });
        let (skin_db, dielectric_db) = match points.as_slice() {
            [] => return None,
            [(f, loss)] => (SKIN_SHARE_OF_ONE_POINT * loss / f.sqrt(), (1.0 - SKIN_SHARE_OF_ONE_POINT) * loss / f),
            several => two_terms(several),
        };
        let correction =
            points.iter().map(|&(f, loss)| (f, loss - skin_db * f.sqrt() - dielectric_db * f)).collect::<Vec<_>>();
        Some(Self { skin_db, dielectric_db, correction })
    }

    /// Loss in dB at a frequency in GHz.
    pub fn db(&self, ghz: f64) -> f64 {
        let f = ghz.max(0.0);
        (self.skin_db * f.sqrt() + self.dielectric_db * f + self.corrected(f)).max(0.0)
    }

    fn corrected(&self, f: f64) -> f64 {
        let (mut from, mut value) = (0.0, 0.0);
        for &(to, next) in &self.correction {
            if f < to {
                return value + (next - value) * (f - from) / (to - from);
            }
            (from, value) = (to, next);
        }
        value
    }

    /// Phase in radians by which a signal of a frequency in GHz lags behind a signal of 1 GHz with the same delay,
    /// because loss is dispersive.
    pub fn lag(&self, ghz: f64) -> f64 {
        let f = ghz;
        if f <= 0.0 {
            return 0.0;
        }
        let skin = self.skin_db * f.sqrt() * NEPER_PER_DB;
        let dielectric = -std::f64::consts::FRAC_2_PI * self.dielectric_db * f * f.ln() * NEPER_PER_DB;
        // Bode: lag = (1/pi) * integral of the slope of attenuation times ln|(v+f)/(v-f)| dv.
        let weight = |v: f64| {
            let near = v - f;
            let low = if near == 0.0 { 0.0 } else { near * near.abs().ln() };
            (v + f) * (v + f).ln() - low
        };
        let (mut from, mut value, mut sum) = (0.0, 0.0, 0.0);
        for &(to, next) in &self.correction {
            sum += (next - value) / (to - from) * (weight(to) - weight(from));
            (from, value) = (to, next);
        }
        skin + dielectric + sum * NEPER_PER_DB / std::f64::consts::PI
    }

    /// The same law with its conductor and its dielectric loss multiplied; corrections keep their proportion.
    pub fn scaled(&self, conductor: f64, dielectric: f64) -> Self {
        let correction = self
            .correction
            .iter()
            .map(|&(f, beyond)| {
                let (skin, bulk) = (self.skin_db * f.sqrt(), self.dielectric_db * f);
                let both = skin + bulk;
                let ratio = if both > 0.0 { (skin * conductor + bulk * dielectric) / both } else { conductor };
                (f, beyond * ratio)
            })
            .collect();
        Self { skin_db: self.skin_db * conductor, dielectric_db: self.dielectric_db * dielectric, correction }
    }

    /// Conductor loss in dB at a frequency in GHz, without its share of the correction.
    pub fn conductor_db(&self, ghz: f64) -> f64 {
        self.skin_db * ghz.max(0.0).sqrt()
    }
}

/// Non-negative least squares of relative error for `a sqrt(f) + b f`.
fn two_terms(points: &[(f64, f64)]) -> (f64, f64) {
    let (mut ss, mut sd, mut dd, mut sl, mut dl) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(f, loss) in points {
        // A point without loss would weigh infinitely.
        let weight = 1.0 / loss.max(1e-3).powi(2);
        ss += weight * f;
        sd += weight * f * f.sqrt();
        dd += weight * f * f;
        sl += weight * loss * f.sqrt();
        dl += weight * loss * f;
    }
    let determinant = ss * dd - sd * sd;
    if determinant > 1e-12 * ss * dd {
        let (a, b) = ((sl * dd - dl * sd) / determinant, (dl * ss - sl * sd) / determinant);
        if a >= 0.0 && b >= 0.0 {
            return (a, b);
        }
        if a < 0.0 {
            return (0.0, dl / dd);
        }
    }
    (sl / ss, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Megtron 7 of the catalogue, dB per metre.
    const POINTS: [(f64, f64); 4] = [(1.0, 3.43), (8.0, 14.0), (26.5625, 35.4), (53.125, 63.0)];

    #[test]
    fn every_point_is_met() {
        let law = LossLaw::through(&POINTS).expect("points");
        for (f, loss) in POINTS {
            assert!((law.db(f) - loss).abs() < 1e-12, "at {f} GHz");
        }
        assert!(law.db(80.0) > 63.0 && law.db(0.0) == 0.0);
    }

    #[test]
    fn nothing_usable_is_no_law() {
        for points in [&[][..], &[(0.0, 1.0)], &[(f64::NAN, 1.0)], &[(1.0, -1.0)], &[(1.0, f64::INFINITY)]] {
            assert_eq!(LossLaw::through(points), None);
        }
    }

    /// The attenuation `x sqrt(f)` has the lag `x sqrt(f)` and `x f` has `-(2/pi) x f ln f` up to a delay. Given as a
    /// correction alone, Bode's relation must give the same curvature as the closed forms of the two terms.
    #[test]
    fn bodes_relation_agrees_with_the_closed_forms() {
        let knots = 4000;
        let fine = |law: fn(f64) -> f64| LossLaw {
            correction: (1..=knots)
                .map(|k| {
                    let f = 400.0 * (f64::from(k) / f64::from(knots)).powi(3);
                    (f, law(f))
                })
                .collect(),
            ..LossLaw::default()
        };
        // A delay is free: the second difference over equal steps does not see it.
        let bend = |law: &LossLaw| law.lag(6.0) - 2.0 * law.lag(4.0) + law.lag(2.0);
        let skin = LossLaw { skin_db: 1.0, ..LossLaw::default() };
        let bulk = LossLaw { dielectric_db: 1.0, ..LossLaw::default() };
        for (numeric, closed) in [(fine(f64::sqrt), skin), (fine(|f| f), bulk)] {
            let (numeric, closed) = (bend(&numeric), bend(&closed));
            assert!((numeric - closed).abs() < 0.02 * closed.abs(), "{numeric} against {closed}");
        }
    }

    /// Copper 65 K warmer has 1.25 times the resistance and 1.12 times the skin loss.
    #[test]
    fn conductor_and_dielectric_scale_apart() {
        let law = LossLaw::through(&[(1.0, 2.0), (4.0, 6.0)]).expect("points");
        assert!((law.conductor_db(1.0) - 1.0).abs() < 1e-9);
        let scaled = law.scaled(2.0, 1.0);
        assert!((scaled.db(1.0) - 3.0).abs() < 1e-9 && (scaled.db(4.0) - 8.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_rising_points_are_met_and_loss_is_never_negative(
            steps in proptest::collection::vec((0.1_f64..20.0, 0.0_f64..10.0), 1..9),
            at in 0.0_f64..200.0,
        ) {
            let mut points = Vec::new();
            let (mut f, mut loss) = (0.0, 0.0);
            for (df, dl) in steps {
                f += df;
                loss += dl;
                points.push((f, loss));
            }
            let law = LossLaw::through(&points).expect("usable points");
            for (f, loss) in points {
                prop_assert!((law.db(f) - loss).abs() < 1e-9 * loss.max(1.0));
            }
            prop_assert!(law.db(at) >= 0.0 && law.lag(at).is_finite());
        }
    }
}
