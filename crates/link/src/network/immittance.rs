//! Between scattering parameters and impedances, admittances, hybrid and chain parameters.
//!
//! Waves are power waves (Kurokawa 1965): `a = (V + Z I) / 2√Re Z`, `b = (V - Z* I) / 2√Re Z` at a port with reference
//! impedance Z. For real references they are the usual waves.

use num_complex::Complex64;

use super::linear::divide;

/// What a matrix relates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immittance {
    /// `V = Z I`, in ohm.
    Impedance,
    /// `I = Y V`, in siemens.
    Admittance,
    /// `(V1, I2) = H (I1, V2)`, of two-ports.
    Hybrid,
    /// `(I1, V2) = G (V1, I2)`, of two-ports.
    InverseHybrid,
    /// `(V1, I1) = A (V2, -I2)`: chain or ABCD parameters of two-ports, and of 2N-ports between their halves.
    Chain,
}

/// The two ends of a matrix: for each port whether its equation gives the voltage, and what multiplies.
impl Immittance {
    /// Whether row `port` of the matrix gives a voltage and takes a current (otherwise the other way round). Not for
    /// chain parameters.
    fn gives_voltage(self, port: usize) -> bool {
        match self {
            Self::Impedance => true,
            Self::Admittance | Self::Chain => false,
            Self::Hybrid => port == 0,
            Self::InverseHybrid => port == 1,
        }
    }

    /// Whether a network of so many ports has such parameters.
    pub fn fits(self, ports: usize) -> bool {
        match self {
            Self::Impedance | Self::Admittance => ports > 0,
            Self::Hybrid | Self::InverseHybrid => ports == 2,
            Self::Chain => ports > 0 && ports.is_multiple_of(2),
        }
    }
}

/// Turns one frequency's matrix into scattering parameters. False when they do not exist.
///
/// With `x` the vector that the matrix multiplies, voltages and currents are linear in `x`, and so are both waves:
/// `a = A x`, `b = B x`, hence `S = B A⁻¹`.
pub fn to_scattering(matrix: &mut [Complex64], kind: Immittance, reference: &[Complex64]) -> bool {
    let n = reference.len();
    if !kind.fits(n) || matrix.len() != n * n {
        return false;
    }
    let (mut voltage, mut current) = (vec![Complex64::ZERO; n * n], vec![Complex64::ZERO; n * n]);
    for port in 0..n {
        for column in 0..n {
            let (v, i) = if kind == Immittance::Chain {
                // x = (V of the second half, -I of the second half).
                let half = n / 2;
                let unit = |wanted: usize| if column == wanted { Complex64::ONE } else { Complex64::ZERO };
                if port < half {
                    (matrix[port * n + column], matrix[(port + half) * n + column])
                } else {
                    (unit(port - half), -unit(port))
                }
            } else {
                let given = matrix[port * n + column];
                let unit = if port == column { Complex64::ONE } else { Complex64::ZERO };
                if kind.gives_voltage(port) { (given, unit) } else { (unit, given) }
            };
            voltage[port * n + column] = v;
            current[port * n + column] = i;
        }
    }
    for port in 0..n {
        let z = reference[port];
        let scale = 0.5 / z.re.abs().sqrt();
        for column in 0..n {
            let (v, i) = (voltage[port * n + column], current[port * n + column]);
            voltage[port * n + column] = (v + z * i) * scale;
            matrix[port * n + column] = (v - z.conj() * i) * scale;
        }
    }
    divide(matrix, &mut voltage, n)
}

/// Turns one frequency's scattering parameters into another kind. False when it does not exist.
///
/// Voltages and currents are linear in the incident waves: `V = (Z* + Z S) a / √Re Z`, `I = (1 - S) a / √Re Z`.
pub fn from_scattering(matrix: &mut [Complex64], kind: Immittance, reference: &[Complex64]) -> bool {
    let n = reference.len();
    if !kind.fits(n) || matrix.len() != n * n {
        return false;
    }
    let mut divisor = vec![Complex64::ZERO; n * n];
    let mut given = vec![Complex64::ZERO; n * n];
    for port in 0..n {
        let z = reference[port];
        let scale = 1.0 / z.re.abs().sqrt();
        for column in 0..n {
            let s = matrix[port * n + column];
            let unit = if port == column { Complex64::ONE } else { Complex64::ZERO };
            let v = (z.conj() * unit + z * s) * scale;
            let i = (unit - s) * scale;
            if kind == Immittance::Chain {
                let half = n / 2;
                if port < half {
                    given[port * n + column] = v;
                    given[(port + half) * n + column] = i;
                } else {
                    divisor[(port - half) * n + column] = v;
                    divisor[port * n + column] = -i;
                }
            } else {
                let (out, of) = if kind.gives_voltage(port) { (v, i) } else { (i, v) };
                given[port * n + column] = out;
                divisor[port * n + column] = of;
            }
        }
    }
    matrix.copy_from_slice(&given);
    divide(matrix, &mut divisor, n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn z(re: f64, im: f64) -> Complex64 {
        Complex64::new(re, im)
    }

    #[test]
    fn a_series_resistor_is_what_the_textbook_says() {
        // Series R between two 50 Ω ports: S11 = R/(R + 100), S21 = 100/(R + 100); Y = [1 -1; -1 1]/R; A = [1 R; 0 1].
        let r = 25.0;
        let reference = [z(50.0, 0.0); 2];
        let y = z(1.0 / r, 0.0);
        let mut s = [y, -y, -y, y];
        assert!(to_scattering(&mut s, Immittance::Admittance, &reference));
        for (got, want) in s.iter().zip([0.2, 0.8, 0.8, 0.2]) {
            assert!((got - want).norm() < 1e-15);
        }
        let mut chain = s;
        assert!(from_scattering(&mut chain, Immittance::Chain, &reference));
        for (got, want) in chain.iter().zip([1.0, r, 0.0, 1.0]) {
            assert!((got - want).norm() < 1e-13);
        }
        let mut none = s;
        assert!(!from_scattering(&mut none, Immittance::Impedance, &reference) || none[0].norm() > 1e12);
    }

    proptest! {
        #[test]
        fn there_and_back(
            parts in proptest::collection::vec((-0.45..0.45f64, -0.45..0.45f64), 16),
            impedances in proptest::collection::vec((5.0..200.0f64, -80.0..80.0f64), 4),
            kind in prop_oneof![
                Just((Immittance::Impedance, 4)), Just((Immittance::Admittance, 4)), Just((Immittance::Impedance, 1)),
                Just((Immittance::Hybrid, 2)), Just((Immittance::InverseHybrid, 2)), Just((Immittance::Chain, 2)),
                Just((Immittance::Chain, 4)), Just((Immittance::Admittance, 3)),
            ],
        ) {
            let (kind, n) = kind;
            let s: Vec<Complex64> = parts[..n * n].iter().map(|(re, im)| z(*re, *im)).collect();
            let reference: Vec<Complex64> = impedances[..n].iter().map(|(re, im)| z(*re, *im)).collect();
            let mut there = s.clone();
            prop_assume!(from_scattering(&mut there, kind, &reference));
            // Matrices that are all but singular lose digits by nature.
            prop_assume!(there.iter().all(|v| v.norm() < 1e5));
            let mut back = there.clone();
            prop_assert!(to_scattering(&mut back, kind, &reference));
            for (got, want) in back.iter().zip(&s) {
                prop_assert!((got - want).norm() < 1e-8);
            }
        }
    }
}
