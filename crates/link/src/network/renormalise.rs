//! Other reference impedances, and other definitions of waves.

use num_complex::Complex64;

use super::linear::divide;
use super::{Network, NetworkError};

/// What a wave is where reference impedances are complex; for real ones all are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waves {
    /// Power waves (Kurokawa 1965): `a = (V + Z I)/2√Re Z`, `b = (V - Z* I)/2√Re Z`. All networks here hold these.
    #[default]
    Power,
    /// Pseudo-waves (Marks and Williams 1992): `a = (V + Z I) √Re Z / 2|Z|`, `b = (V - Z I) √Re Z / 2|Z|`.
    Pseudo,
    /// Travelling waves: `a = (V + Z I)/2√Z`, `b = (V - Z I)/2√Z`.
    Travelling,
}

/// Factors of one port: `V = p a + q b`, `I = (a r - b t)`, as `(p, q, r, t)`.
fn out_of(waves: Waves, z: Complex64) -> [Complex64; 4] {
    match waves {
        Waves::Power => {
            let scale = 1.0 / z.re.sqrt();
            [z.conj() * scale, z * scale, Complex64::from(scale), Complex64::from(scale)]
        }
        Waves::Pseudo => {
            let scale = z.norm() / z.re.sqrt();
            let current = Complex64::from(scale) / z;
            [Complex64::from(scale), Complex64::from(scale), current, current]
        }
        Waves::Travelling => {
            let root = z.sqrt();
            [root, root, root.finv(), root.finv()]
        }
    }
}

/// Factors of one port: `a = f V + g I`, `b = h V - k I`, as `(f, g, h, k)`.
fn into_waves(waves: Waves, z: Complex64) -> [Complex64; 4] {
    match waves {
        Waves::Power => {
            let scale = 0.5 / z.re.sqrt();
            [Complex64::from(scale), z * scale, Complex64::from(scale), z.conj() * scale]
        }
        Waves::Pseudo => {
            let scale = 0.5 * z.re.sqrt() / z.norm();
            [Complex64::from(scale), z * scale, Complex64::from(scale), z * scale]
        }
        Waves::Travelling => {
            let scale = z.sqrt().finv() * 0.5;
            [scale, z * scale, scale, z * scale]
        }
    }
}

/// One matrix, by way of voltages and currents: both are linear in the old incident waves, and so are the new waves,
/// `a' = A a`, `b' = B a`, hence `S' = B A⁻¹`.
pub(crate) fn convert(
    matrix: &mut [Complex64],
    from: &[(Waves, Complex64)],
    to: &[(Waves, Complex64)],
    work: &mut Vec<Complex64>,
) -> bool {
    let n = from.len();
    work.clear();
    work.resize(n * n, Complex64::ZERO);
    for port in 0..n {
        let [p, q, r, t] = out_of(from[port].0, from[port].1);
        let [f, g, h, k] = into_waves(to[port].0, to[port].1);
        for column in 0..n {
            let s = matrix[port * n + column];
            let unit = if port == column { Complex64::ONE } else { Complex64::ZERO };
            let (v, i) = (p * unit + q * s, r * unit - t * s);
            work[port * n + column] = f * v + g * i;
            matrix[port * n + column] = h * v - k * i;
        }
    }
    divide(matrix, work, n)
}

fn converted(
    network: &Network,
    from: &[(Waves, Complex64)],
    to: &[(Waves, Complex64)],
) -> Result<Network, NetworkError> {
    network.check()?;
    let reference_ohm: Vec<Complex64> = to.iter().map(|(_, z)| *z).collect();
    if reference_ohm.len() != network.ports {
        let message = format!("{} reference impedances for {} ports", reference_ohm.len(), network.ports);
        return Err(NetworkError::Port(message));
    }
    let mut out = Network { reference_ohm, ..network.clone() };
    out.check()?;
    if from == to {
        return Ok(out);
    }
    let mut work = Vec::new();
    for (matrix, frequency) in out.s.chunks_exact_mut(network.ports * network.ports).zip(&network.frequency_hz) {
        if !convert(matrix, from, to, &mut work) {
            return Err(NetworkError::Singular(*frequency));
        }
    }
    Ok(out)
}

/// The network with other reference impedances in ohm, one per port. Power waves before and after.
///
/// # Errors
/// Where the count of impedances is wrong, or one has no positive real part.
pub fn renormalise(network: &Network, reference_ohm: &[Complex64]) -> Result<Network, NetworkError> {
    let with = |list: &[Complex64]| -> Vec<_> { list.iter().map(|z| (Waves::Power, *z)).collect() };
    converted(network, &with(&network.reference_ohm), &with(reference_ohm))
}

/// The network's parameters in waves of another definition, with the same reference impedances.
///
/// # Errors
/// Where a matrix has no inverse.
pub fn change_waves(network: &Network, from: Waves, to: Waves) -> Result<Network, NetworkError> {
    let with = |waves: Waves| -> Vec<_> { network.reference_ohm.iter().map(|z| (waves, *z)).collect() };
    converted(network, &with(from), &with(to))
}
