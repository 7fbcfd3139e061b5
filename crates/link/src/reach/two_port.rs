//! Differential two-ports at one frequency: lines, shunts, cascades.

use num_complex::Complex64;

/// Scattering parameters of a differential two-port at one frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoPort {
    /// Reflection at the first port.
    pub s11: Complex64,
    /// Transmission from the second port to the first.
    pub s12: Complex64,
    /// Transmission from the first port to the second.
    pub s21: Complex64,
    /// Reflection at the second port.
    pub s22: Complex64,
}

impl TwoPort {
    /// A wire.
    pub const THROUGH: Self = Self::matched(Complex64::new(1.0, 0.0));

    /// Transmission without reflection.
    pub const fn matched(s21: Complex64) -> Self {
        const ZERO: Complex64 = Complex64::new(0.0, 0.0);
        Self { s11: ZERO, s12: s21, s21, s22: ZERO }
    }

    /// A line with `exp(-propagation)` from end to end and a characteristic impedance `ratio` times the reference.
    pub fn line(propagation: Complex64, ratio: f64) -> Self {
        let rho = (ratio - 1.0) / (ratio + 1.0);
        let once = (-propagation).exp();
        let twice = once * once;
        let below = Complex64::new(1.0, 0.0) - twice * (rho * rho);
        let reflected = (Complex64::new(1.0, 0.0) - twice) * rho / below;
        let through = once * (1.0 - rho * rho) / below;
        Self { s11: reflected, s12: through, s21: through, s22: reflected }
    }

    /// An admittance across the line, as a multiple of the reference admittance.
    pub fn shunt(admittance: Complex64) -> Self {
        let below = admittance + 2.0;
        let reflected = -admittance / below;
        let through = Complex64::new(2.0, 0.0) / below;
        Self { s11: reflected, s12: through, s21: through, s22: reflected }
    }

    /// This one, then another.
    pub fn then(&self, next: &Self) -> Self {
        let below = Complex64::new(1.0, 0.0) - self.s22 * next.s11;
        Self {
            s11: self.s11 + self.s12 * self.s21 * next.s11 / below,
            s12: self.s12 * next.s12 / below,
            s21: self.s21 * next.s21 / below,
            s22: next.s22 + next.s12 * next.s21 * self.s22 / below,
        }
    }

    /// Insertion loss in dB.
    pub fn loss_db(&self) -> f64 {
        -10.0 * self.s21.norm_sqr().max(1e-30).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lossless_line_keeps_power_and_two_halves_make_the_whole() {
        let whole = TwoPort::line(Complex64::new(0.0, 1.3), 0.8);
        assert!((whole.s11.norm_sqr() + whole.s21.norm_sqr() - 1.0).abs() < 1e-12);
        let half = TwoPort::line(Complex64::new(0.0, 0.65), 0.8);
        let joined = half.then(&half);
        for (x, y) in [(joined.s11, whole.s11), (joined.s21, whole.s21), (joined.s22, whole.s22)] {
            assert!((x - y).norm() < 1e-12);
        }
    }

    #[test]
    fn a_shunt_of_the_reference_admittance_takes_a_third() {
        let shunt = TwoPort::shunt(Complex64::new(1.0, 0.0));
        assert!((shunt.s21.re - 2.0 / 3.0).abs() < 1e-12 && (shunt.s11.re + 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(TwoPort::THROUGH.then(&shunt), shunt);
    }
}
