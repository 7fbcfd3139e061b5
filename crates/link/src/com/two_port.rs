//! Two-ports over frequency: the four parameters, the elements that packages and boards are made of, and their cascade.

use crate::com::parameters::LineLoss;
use num_complex::Complex64;
use std::f64::consts::PI;

const ONE: Complex64 = Complex64::new(1.0, 0.0);
const ZERO: Complex64 = Complex64::new(0.0, 0.0);

/// Scattering parameters of a two-port at one frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// S11.
    pub s11: Complex64,
    /// S12.
    pub s12: Complex64,
    /// S21.
    pub s21: Complex64,
    /// S22.
    pub s22: Complex64,
}

impl Point {
    /// A matched connection of no length.
    pub const THROUGH: Self = Self { s11: ZERO, s12: ONE, s21: ONE, s22: ZERO };

    /// This two-port, then `next` at its port 2.
    pub fn then(&self, next: &Self) -> Self {
        let loop_gain = ONE - self.s22 * next.s11;
        Self {
            s11: self.s11 + self.s12 * self.s21 * next.s11 / loop_gain,
            s12: self.s12 * next.s12 / loop_gain,
            s21: next.s21 * self.s21 / loop_gain,
            s22: next.s22 + next.s12 * next.s21 * self.s22 / loop_gain,
        }
    }

    /// The same seen from the other side.
    pub fn reversed(&self) -> Self {
        Self { s11: self.s22, s12: self.s21, s21: self.s12, s22: self.s11 }
    }

    /// A capacitor to ground (93A-8): `farad` and `reference_ohm` single-ended.
    pub fn shunt(frequency_hz: f64, farad: f64, reference_ohm: f64) -> Self {
        let x = Complex64::new(0.0, 2.0 * PI * frequency_hz * farad * reference_ohm);
        let s21 = 2.0 / (2.0 + x);
        Self { s11: -x / (2.0 + x), s12: s21, s21, s22: -x / (2.0 + x) }
    }

    /// A coil in the way: `henry` and `reference_ohm` single-ended.
    pub fn series(frequency_hz: f64, henry: f64, reference_ohm: f64) -> Self {
        let x = Complex64::new(0.0, 2.0 * PI * frequency_hz * henry / reference_ohm);
        let s21 = 2.0 / (2.0 + x);
        Self { s11: x / (2.0 + x), s12: s21, s21, s22: x / (2.0 + x) }
    }
}

/// Propagation along a line per mm at every frequency (93A-9 to 93A-11).
pub fn propagation(frequency_hz: &[f64], loss: &LineLoss) -> Vec<Complex64> {
    frequency_hz
        .iter()
        .map(|&hz| {
            let ghz = hz / 1e9;
            if ghz <= 0.0 {
                return Complex64::new(loss.gamma0, 0.0);
            }
            let by_root = Complex64::new(loss.a1, loss.a1);
            let by_f = Complex64::new(loss.a2, 2.0 * PI * loss.tau - loss.a2 * 2.0 / PI * ghz.ln());
            loss.gamma0 + by_root * ghz.sqrt() + by_f * ghz
        })
        .collect()
}

/// A line of `length_mm` (93A-12 to 93A-14). `impedance_ohm` is differential, `reference_ohm` single-ended; a line of
/// no length is a matched connection whatever its impedance.
pub fn line(propagation_per_mm: Complex64, length_mm: f64, impedance_ohm: f64, reference_ohm: f64) -> Point {
    if length_mm == 0.0 {
        return Point::THROUGH;
    }
    let rho = (impedance_ohm - 2.0 * reference_ohm) / (impedance_ohm + 2.0 * reference_ohm);
    let once = (-propagation_per_mm * length_mm).exp();
    let twice = once * once;
    let ring = ONE - twice * (rho * rho);
    let s11 = (ONE - twice) * rho / ring;
    let s21 = once * (1.0 - rho * rho) / ring;
    Point { s11, s12: s21, s21, s22: s11 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn power_out(p: &Point) -> f64 {
        p.s11.norm_sqr() + p.s21.norm_sqr()
    }

    #[test]
    fn a_through_changes_nothing() {
        let c = Point::shunt(1e10, 1e-13, 50.0);
        assert!((c.then(&Point::THROUGH).s21 - c.s21).norm() < 1e-15);
        assert!((Point::THROUGH.then(&c).s11 - c.s11).norm() < 1e-15);
    }

    #[test]
    fn a_lossless_line_only_turns_the_phase() {
        let loss = LineLoss { gamma0: 0.0, a1: 0.0, a2: 0.0, tau: 6.141e-3 };
        let g = propagation(&[10e9], &loss)[0];
        let l = line(g, 10.0, 100.0, 50.0);
        assert!(l.s11.norm() < 1e-15);
        // 10 mm at 6.141 ps/mm is 61.41 ps: 0.6141 turns at 10 GHz.
        let expected = Complex64::from_polar(1.0, -2.0 * PI * 0.6141);
        assert!((l.s21 - expected).norm() < 1e-12, "{}", l.s21);
    }

    proptest! {
        #[test]
        fn reactive_elements_lose_no_power(f in 1e6..1e11f64, c in 1e-16..1e-12f64, l in 1e-13..1e-9f64) {
            let ladder = Point::shunt(f, c, 50.0).then(&Point::series(f, l, 50.0)).then(&Point::shunt(f, c / 2.0, 50.0));
            prop_assert!((power_out(&ladder) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn cascading_is_associative(f in 1e6..1e11f64, z in 60.0..140.0f64) {
            let g = Complex64::new(0.01, 0.3);
            let (a, b, c) = (Point::shunt(f, 1e-13, 50.0), line(g, 7.0, z, 50.0), Point::series(f, 1e-10, 50.0));
            let left = a.then(&b).then(&c);
            let right = a.then(&b.then(&c));
            prop_assert!((left.s21 - right.s21).norm() < 1e-12 && (left.s22 - right.s22).norm() < 1e-12);
        }

        #[test]
        fn seen_from_the_other_side_the_order_turns(f in 1e6..1e11f64, c in 1e-15..1e-12f64) {
            let g = Complex64::new(0.01, 0.3);
            let (a, b) = (Point::shunt(f, c, 50.0), line(g, 7.0, 87.5, 50.0));
            let one = a.then(&b).reversed();
            let other = b.reversed().then(&a.reversed());
            prop_assert!((one.s21 - other.s21).norm() < 1e-12 && (one.s11 - other.s11).norm() < 1e-12);
        }
    }
}
