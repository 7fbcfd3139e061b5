//! Fixtures taken off a measurement.

use num_complex::Complex64;

use super::cascade::same_grid;
use super::linear::{divide, solve};
use super::{Network, NetworkError, renormalise};

/// On which side of the device a fixture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before its first half of ports.
    Left,
    /// Behind its second half of ports.
    Right,
}

/// One matrix of 2N ports to transfer parameters: `(b1, a1) = T (a2, b2)`, so that cascades are products. False where
/// nothing goes through.
pub fn scattering_to_transfer(s: &[Complex64], t: &mut [Complex64], ports: usize) -> bool {
    let n = ports / 2;
    if ports != 2 * n || n == 0 || s.len() != ports * ports || t.len() != ports * ports {
        return false;
    }
    // From b2 = S21 a1 + S22 a2: a1 = S21⁻¹ (b2 - S22 a2); then b1 = S11 a1 + S12 a2.
    let mut system: Vec<Complex64> = (0..n * n).map(|at| s[(n + at / n) * ports + at % n]).collect();
    let mut a1 = vec![Complex64::ZERO; n * ports];
    for row in 0..n {
        for column in 0..n {
            a1[row * ports + column] = -s[(n + row) * ports + n + column];
        }
        a1[row * ports + n + row] = Complex64::ONE;
    }
    if !solve(&mut system, &mut a1, n, ports) {
        return false;
    }
    for row in 0..n {
        for column in 0..ports {
            let mut sum = if column < n { s[row * ports + n + column] } else { Complex64::ZERO };
            for k in 0..n {
                sum += s[row * ports + k] * a1[k * ports + column];
            }
            t[row * ports + column] = sum;
            t[(n + row) * ports + column] = a1[row * ports + column];
        }
    }
    true
}

/// Inverse of [`scattering_to_transfer`].
pub fn transfer_to_scattering(t: &[Complex64], s: &mut [Complex64], ports: usize) -> bool {
    let n = ports / 2;
    if ports != 2 * n || n == 0 || s.len() != ports * ports || t.len() != ports * ports {
        return false;
    }
    // From a1 = T21 a2 + T22 b2: b2 = T22⁻¹ (a1 - T21 a2); then b1 = T11 a2 + T12 b2.
    let mut system: Vec<Complex64> = (0..n * n).map(|at| t[(n + at / n) * ports + n + at % n]).collect();
    let mut b2 = vec![Complex64::ZERO; n * ports];
    for row in 0..n {
        b2[row * ports + row] = Complex64::ONE;
        for column in 0..n {
            b2[row * ports + n + column] = -t[(n + row) * ports + column];
        }
    }
    if !solve(&mut system, &mut b2, n, ports) {
        return false;
    }
    for row in 0..n {
        for column in 0..ports {
            let mut sum = if column < n { Complex64::ZERO } else { t[row * ports + column - n] };
            for k in 0..n {
                sum += t[row * ports + n + k] * b2[k * ports + column];
            }
            s[row * ports + column] = sum;
            s[(n + row) * ports + column] = b2[row * ports + column];
        }
    }
    true
}

/// What is left of a measurement when a fixture is taken off one side; the fixture's ports are in the order of signal
/// flow (its second half touches the device on the left side, its first half on the right side).
///
/// # Errors
/// Where ports or frequencies do not fit, or nothing goes through the fixture at a frequency.
pub fn deembed(total: &Network, fixture: &Network, side: Side) -> Result<Network, NetworkError> {
    total.check()?;
    fixture.check()?;
    same_grid(total, fixture)?;
    let ports = total.ports;
    if fixture.ports != ports || !ports.is_multiple_of(2) {
        let message =
            format!("a fixture of {} ports cannot be taken off a network of {ports} by halves", fixture.ports);
        return Err(NetworkError::Port(message));
    }
    let n = ports / 2;
    // The measurement's side must be in the fixture's reference; what is uncovered has the conjugates of its inside.
    let (outside, inside) = match side {
        Side::Left => (0..n, n..ports),
        Side::Right => (n..ports, 0..n),
    };
    let mut reference = total.reference_ohm.clone();
    reference[outside.clone()].copy_from_slice(&fixture.reference_ohm[outside.clone()]);
    let level = if reference == total.reference_ohm { total.clone() } else { renormalise(total, &reference)? };
    let mut out = level.clone();
    for (port, inner) in outside.zip(inside) {
        out.reference_ohm[port] = fixture.reference_ohm[inner].conj();
    }
    let size = ports * ports;
    let (mut whole, mut part, mut left) =
        (vec![Complex64::ZERO; size], vec![Complex64::ZERO; size], vec![Complex64::ZERO; size]);
    for point in 0..total.points() {
        let target = &mut out.s[point * size..(point + 1) * size];
        let possible = scattering_to_transfer(level.matrix(point), &mut whole, ports)
            && scattering_to_transfer(fixture.matrix(point), &mut part, ports)
            && match side {
                Side::Left => {
                    let solved = solve(&mut part, &mut whole, ports, ports);
                    left.copy_from_slice(&whole);
                    solved
                }
                Side::Right => {
                    divide(&mut whole, &mut part, ports) && {
                        left.copy_from_slice(&whole);
                        true
                    }
                }
            }
            && transfer_to_scattering(&left, target, ports);
        if !possible {
            return Err(NetworkError::Singular(total.frequency_hz[point]));
        }
    }
    Ok(out)
}

/// Product of transfer matrices, for tests of the convention.
#[cfg(test)]
pub(super) fn product(a: &[Complex64], b: &[Complex64], ports: usize) -> Vec<Complex64> {
    let mut out = vec![Complex64::ZERO; ports * ports];
    super::linear::multiply(a, b, &mut out, ports, ports, ports);
    out
}
