//! Single-ended ports to differential and common modes of pairs, and back.

use num_complex::Complex64;

use super::{Network, NetworkError, renormalise};

/// What a port of a network is. Ports of the device are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortMode {
    /// A port of the device.
    Single(usize),
    /// Differential mode of a pair: the first port's wave less the second's.
    Differential(usize, usize),
    /// Common mode of a pair.
    Common(usize, usize),
}

/// Reference impedance of a mode whose pair's ports have `z`: twice for the differential mode, half for the common one.
/// With these the modes' waves are `(a1 ∓ a2)/√2` for any complex `z`.
pub fn mixed_reference(mode: PortMode, z: Complex64) -> Complex64 {
    match mode {
        PortMode::Single(_) => z,
        PortMode::Differential(..) => z * 2.0,
        PortMode::Common(..) => z * 0.5,
    }
}

/// Modes of a single-ended network: for each pair `(positive, negative)` its differential mode, in the order given,
/// then each pair's common mode, then the ports that are in no pair. Where the ports of a pair have different
/// references, the second is first renormalised to the first's.
///
/// # Errors
/// Where a port is not there or stands twice.
pub fn to_mixed(network: &Network, pairs: &[(usize, usize)]) -> Result<(Network, Vec<PortMode>), NetworkError> {
    network.check()?;
    let n = network.ports;
    let mut taken = vec![false; n];
    for port in pairs.iter().flat_map(|(a, b)| [*a, *b]) {
        match taken.get_mut(port) {
            None => return Err(NetworkError::Port(format!("there is no port {}: the network has {n}", port + 1))),
            Some(true) => {
                return Err(NetworkError::Port(format!("port {} is in two pairs, or twice in one", port + 1)));
            }
            Some(free) => *free = true,
        }
    }
    let modes: Vec<PortMode> = (pairs.iter().map(|(a, b)| PortMode::Differential(*a, *b)))
        .chain(pairs.iter().map(|(a, b)| PortMode::Common(*a, *b)))
        .chain((0..n).filter(|port| !taken[*port]).map(PortMode::Single))
        .collect();
    let mut even = network.reference_ohm.clone();
    for (a, b) in pairs {
        even[*b] = even[*a];
    }
    let level = if even == network.reference_ohm { network.clone() } else { renormalise(network, &even)? };
    let reference_ohm = modes.iter().map(|mode| mixed_reference(*mode, even[first(*mode)])).collect();
    Ok((transformed(&level, &modes, reference_ohm, true), modes))
}

/// Ports of the device out of a network of modes; the inverse of [`to_mixed`] for any order of modes.
///
/// # Errors
/// Where the modes do not share out the ports, or a pair's references are not those of two equal ports; renormalise
/// before.
pub fn to_single_ended(network: &Network, modes: &[PortMode]) -> Result<Network, NetworkError> {
    network.check()?;
    let n = network.ports;
    let mut reference: Vec<Option<Complex64>> = vec![None; n];
    let mut share = vec![0; n];
    for (mode, z) in modes.iter().zip(&network.reference_ohm) {
        let (ports, z, weight) = match *mode {
            PortMode::Single(a) => ([a, a], *z, 1),
            PortMode::Differential(a, b) => ([a, b], *z * 0.5, 1),
            PortMode::Common(a, b) => ([a, b], *z * 2.0, 1),
        };
        for port in ports {
            let known =
                reference.get_mut(port).ok_or_else(|| NetworkError::Port(format!("there is no port {}", port + 1)))?;
            share[port] += weight;
            if known.is_some_and(|known| (known - z).norm() > 1e-9 * z.norm()) {
                let message = "the differential reference of a pair must be four times its common one";
                return Err(NetworkError::Shape(message.into()));
            }
            *known = Some(z);
        }
    }
    let partners = modes.iter().all(|mode| match *mode {
        PortMode::Differential(a, b) => {
            a != b && (modes.contains(&PortMode::Common(a, b)) || modes.contains(&PortMode::Common(b, a)))
        }
        _ => true,
    });
    if modes.len() != n || share.iter().any(|count| *count != 2) || !partners {
        return Err(NetworkError::Port("the modes do not share out the ports of the device".into()));
    }
    let reference_ohm = reference.into_iter().flatten().collect();
    Ok(transformed(network, modes, reference_ohm, false))
}

/// A port of the device that a mode is on.
fn first(mode: PortMode) -> usize {
    match mode {
        PortMode::Single(a) | PortMode::Differential(a, _) | PortMode::Common(a, _) => a,
    }
}

/// `M S Mᵀ` to modes, `Mᵀ S M` back: the transformation is orthogonal, with one or two entries in a row.
fn transformed(network: &Network, modes: &[PortMode], reference_ohm: Vec<Complex64>, to_modes: bool) -> Network {
    let n = network.ports;
    const HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
    let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    for (row, mode) in modes.iter().enumerate() {
        let entries = match *mode {
            PortMode::Single(a) => vec![(a, 1.0)],
            PortMode::Differential(a, b) => vec![(a, HALF), (b, -HALF)],
            PortMode::Common(a, b) => vec![(a, HALF), (b, HALF)],
        };
        for (column, weight) in entries {
            let (row, column) = if to_modes { (row, column) } else { (column, row) };
            rows[row].push((column, weight));
        }
    }
    let mut s = Vec::with_capacity(network.s.len());
    for point in 0..network.points() {
        for left in &rows {
            for right in &rows {
                let mut sum = Complex64::ZERO;
                for (i, wi) in left {
                    for (j, wj) in right {
                        sum += network.at(point, *i, *j) * (wi * wj);
                    }
                }
                s.push(sum);
            }
        }
    }
    Network { ports: n, frequency_hz: network.frequency_hz.clone(), s, reference_ohm }
}
