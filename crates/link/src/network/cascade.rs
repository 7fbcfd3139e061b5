//! Networks joined at their ports.

use num_complex::Complex64;

use super::linear::{multiply, solve};
use super::{Network, NetworkError, renormalise};

/// Whether two grids are the same, to the digits that units leave.
pub(crate) fn same_grid(a: &Network, b: &Network) -> Result<(), NetworkError> {
    let equal = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-9 * x.abs().max(y.abs());
    if a.points() == b.points() && a.frequency_hz.iter().zip(&b.frequency_hz).all(equal) {
        return Ok(());
    }
    let says = |n: &Network| match (n.frequency_hz.first(), n.frequency_hz.last()) {
        (Some(first), Some(last)) => format!("{} points from {} to {} GHz", n.points(), first / 1e9, last / 1e9),
        _ => "no point".into(),
    };
    Err(NetworkError::Frequency(format!(
        "the networks have different frequencies ({}; {}): interpolate one to those of the other",
        says(a),
        says(b)
    )))
}

/// `a`, then `b`: the second half of `a`'s ports is joined, in order, to the first half of `b`'s.
///
/// References may differ at the joint: `b`'s are renormalised to the conjugates of `a`'s, which is what makes the waves
/// out of one the waves into the other.
///
/// # Errors
/// Where the numbers of ports are odd or differ, frequencies differ, or the joint has no solution at a frequency.
pub fn cascade(a: &Network, b: &Network) -> Result<Network, NetworkError> {
    a.check()?;
    b.check()?;
    same_grid(a, b)?;
    if a.ports != b.ports || !a.ports.is_multiple_of(2) {
        let message = format!("networks of {} and {} ports cannot be cascaded by halves", a.ports, b.ports);
        return Err(NetworkError::Port(message));
    }
    let n = a.ports / 2;
    let joint: Vec<Complex64> = a.reference_ohm[n..].iter().map(Complex64::conj).collect();
    let level;
    let b = if b.reference_ohm[..n] == joint[..] {
        b
    } else {
        let reference: Vec<Complex64> = joint.iter().chain(&b.reference_ohm[n..]).copied().collect();
        level = renormalise(b, &reference)?;
        &level
    };
    let mut s = vec![Complex64::ZERO; a.s.len()];
    let mut work = Work::new(n);
    for (point, out) in s.chunks_exact_mut(4 * n * n).enumerate() {
        let solved = if n == 1 {
            two_ports(a.matrix(point), b.matrix(point), out)
        } else {
            work.halves(a.matrix(point), b.matrix(point), out)
        };
        if !solved {
            return Err(NetworkError::Singular(a.frequency_hz[point]));
        }
    }
    let reference_ohm = a.reference_ohm[..n].iter().chain(&b.reference_ohm[n..]).copied().collect();
    Ok(Network { ports: a.ports, frequency_hz: a.frequency_hz.clone(), s, reference_ohm })
}

/// Two two-ports in closed form.
fn two_ports(a: &[Complex64], b: &[Complex64], out: &mut [Complex64]) -> bool {
    let loop_gain = Complex64::ONE - a[3] * b[0];
    let inverse = loop_gain.finv();
    out[0] = a[0] + a[1] * b[0] * a[2] * inverse;
    out[1] = a[1] * b[1] * inverse;
    out[2] = a[2] * b[2] * inverse;
    out[3] = b[3] + b[2] * a[3] * b[1] * inverse;
    loop_gain != Complex64::ZERO && inverse.re.is_finite() && inverse.im.is_finite()
}

/// Matrices between the steps of a cascade, kept from point to point.
struct Work {
    n: usize,
    blocks: [Vec<Complex64>; 8],
    system: Vec<Complex64>,
    right: Vec<Complex64>,
    back: Vec<Complex64>,
}

impl Work {
    fn new(n: usize) -> Self {
        let block = || vec![Complex64::ZERO; n * n];
        Self {
            n,
            blocks: std::array::from_fn(|_| block()),
            system: block(),
            right: vec![Complex64::ZERO; 2 * n * n],
            back: vec![Complex64::ZERO; 2 * n * n],
        }
    }

    /// With `w` the waves from `a` into `b`: `(1 - A22 B11) w = A21 a1 + A22 B12 a2`; back from `b` comes
    /// `B11 w + B12 a2`.
    fn halves(&mut self, a: &[Complex64], b: &[Complex64], out: &mut [Complex64]) -> bool {
        let n = self.n;
        for (index, block) in self.blocks.iter_mut().enumerate() {
            let (matrix, quarter) = if index < 4 { (a, index) } else { (b, index - 4) };
            for row in 0..n {
                let from = (row + n * (quarter / 2)) * 2 * n + n * (quarter % 2);
                block[row * n..(row + 1) * n].copy_from_slice(&matrix[from..from + n]);
            }
        }
        let [a11, a12, a21, a22, b11, b12, b21, b22] = &self.blocks;
        multiply(a22, b11, &mut self.system, n, n, n);
        for (at, value) in self.system.iter_mut().enumerate() {
            *value = if at % (n + 1) == 0 { Complex64::ONE } else { Complex64::ZERO } - *value;
        }
        multiply(a22, b12, &mut self.back[..n * n], n, n, n);
        for row in 0..n {
            for column in 0..n {
                self.right[row * 2 * n + column] = a21[row * n + column];
                self.right[row * 2 * n + n + column] = self.back[row * n + column];
            }
        }
        if !solve(&mut self.system, &mut self.right, n, 2 * n) {
            return false;
        }
        multiply(b11, &self.right, &mut self.back, n, n, 2 * n);
        for row in 0..n {
            for column in 0..n {
                self.back[row * 2 * n + n + column] += b12[row * n + column];
            }
        }
        let (top, bottom) = out.split_at_mut(2 * n * n);
        multiply(a12, &self.back, top, n, n, 2 * n);
        multiply(b21, &self.right, bottom, n, n, 2 * n);
        for row in 0..n {
            for column in 0..n {
                top[row * 2 * n + column] += a11[row * n + column];
                bottom[row * 2 * n + n + column] += b22[row * n + column];
            }
        }
        true
    }
}

/// Joins pairs of ports of one network to each other; the ports left keep their order.
///
/// # Errors
/// Where a port is not there or stands twice, none is left, or there is no solution at a frequency.
pub fn join(network: &Network, pairs: &[(usize, usize)]) -> Result<Network, NetworkError> {
    network.check()?;
    let inner: Vec<usize> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    for (at, port) in inner.iter().enumerate() {
        if *port >= network.ports {
            return Err(NetworkError::Port(format!(
                "there is no port {}: the network has {}",
                port + 1,
                network.ports
            )));
        }
        if inner[..at].contains(port) {
            return Err(NetworkError::Port(format!("port {} is joined twice", port + 1)));
        }
    }
    let outer: Vec<usize> = (0..network.ports).filter(|port| !inner.contains(port)).collect();
    if outer.is_empty() {
        return Err(NetworkError::Port("no port is left".into()));
    }
    let mut reference = network.reference_ohm.clone();
    for (a, b) in pairs {
        reference[*b] = reference[*a].conj();
    }
    let level = if reference == network.reference_ohm { network.clone() } else { renormalise(network, &reference)? };
    let (n, m) = (inner.len(), outer.len());
    let (mut system, mut right) = (vec![Complex64::ZERO; n * n], vec![Complex64::ZERO; n * m]);
    let mut s = Vec::with_capacity(network.points() * m * m);
    for point in 0..network.points() {
        // What comes out of a port goes into its partner: b = P a, so that (P - S_ii) a_i = S_io a_o.
        for (row, i) in inner.iter().enumerate() {
            for (column, j) in inner.iter().enumerate() {
                let partner = if row ^ 1 == column { Complex64::ONE } else { Complex64::ZERO };
                system[row * n + column] = partner - level.at(point, *i, *j);
            }
            for (column, o) in outer.iter().enumerate() {
                right[row * m + column] = level.at(point, *i, *o);
            }
        }
        if !solve(&mut system, &mut right, n, m) {
            return Err(NetworkError::Singular(network.frequency_hz[point]));
        }
        for o in &outer {
            for (column, p) in outer.iter().enumerate() {
                let through = inner.iter().enumerate().map(|(k, i)| level.at(point, *o, *i) * right[k * m + column]);
                s.push(level.at(point, *o, *p) + through.sum::<Complex64>());
            }
        }
    }
    let reference_ohm = outer.iter().map(|port| reference[*port]).collect();
    Ok(Network { ports: m, frequency_hz: network.frequency_hz.clone(), s, reference_ohm })
}

/// Joins ports of `a` to ports of `b`, given as pairs of both; `a`'s remaining ports come first, then `b`'s.
///
/// # Errors
/// As for [`join`], and where frequencies differ.
pub fn connect(a: &Network, b: &Network, pairs: &[(usize, usize)]) -> Result<Network, NetworkError> {
    a.check()?;
    b.check()?;
    same_grid(a, b)?;
    if pairs.iter().any(|(x, y)| *x >= a.ports || *y >= b.ports) {
        return Err(NetworkError::Port("a port to be joined is not there".into()));
    }
    let ports = a.ports + b.ports;
    let mut s = vec![Complex64::ZERO; a.points() * ports * ports];
    for (point, out) in s.chunks_exact_mut(ports * ports).enumerate() {
        for row in 0..a.ports {
            out[row * ports..row * ports + a.ports]
                .copy_from_slice(&a.matrix(point)[row * a.ports..(row + 1) * a.ports]);
        }
        for row in 0..b.ports {
            let from = (a.ports + row) * ports + a.ports;
            out[from..from + b.ports].copy_from_slice(&b.matrix(point)[row * b.ports..(row + 1) * b.ports]);
        }
    }
    let reference_ohm = a.reference_ohm.iter().chain(&b.reference_ohm).copied().collect();
    let both = Network { ports, frequency_hz: a.frequency_hz.clone(), s, reference_ohm };
    let pairs: Vec<(usize, usize)> = pairs.iter().map(|(x, y)| (*x, y + a.ports)).collect();
    join(&both, &pairs)
}

/// Ends a port in an impedance in ohm, the same at all frequencies.
///
/// # Errors
/// Where the port is not there, the only one, or there is no solution.
pub fn terminate(network: &Network, port: usize, impedance_ohm: Complex64) -> Result<Network, NetworkError> {
    network.check()?;
    let z =
        *network.reference_ohm.get(port).ok_or_else(|| NetworkError::Port(format!("there is no port {}", port + 1)))?;
    let sum = impedance_ohm + z.conj();
    if sum.norm() == 0.0 || !sum.norm().is_finite() {
        return Err(NetworkError::Shape(format!("nothing can end a port of {z} ohm in {impedance_ohm} ohm")));
    }
    // Of a one-port whose reference is the conjugate of the port's, so that waves go over as they are.
    let reflection = (impedance_ohm - z) / sum;
    let end = Network {
        ports: 1,
        frequency_hz: network.frequency_hz.clone(),
        s: vec![reflection; network.points()],
        reference_ohm: vec![z.conj()],
    };
    connect(network, &end, &[(port, 0)])
}
