//! From a network with single-ended ports to the differential two-port of a channel.

use crate::com::channel::DifferentialChannel;
use crate::com::problem::ComProblem;
use crate::network::Network;
use nalgebra::Matrix4;
use num_complex::Complex64;

/// Reference of every port that the annex counts with, in ohm.
const REFERENCE_OHM: f64 = 50.0;

/// The channel between a pair of ports at the transmitter and a pair at the receiver. `port_order` is [tx+ tx- rx+ rx-],
/// from 1. Ports with another reference than 50 ohm are renormalised first, as the script does.
pub fn differential_channel(
    name: &str,
    network: &Network,
    port_order: [usize; 4],
) -> Result<DifferentialChannel, ComProblem> {
    let problem = |what: String| ComProblem::Ports { channel: name.to_owned(), what };
    if network.ports != 4 {
        return Err(problem(format!("{} ports, where a channel has four", network.ports)));
    }
    let mut seen = [false; 4];
    for port in port_order {
        match port.checked_sub(1).and_then(|p| seen.get_mut(p)) {
            Some(s) if !*s => *s = true,
            _ => return Err(problem(format!("port order {port_order:?} does not name each of 1 to 4 once"))),
        }
    }
    let n = network.points();
    if network.s.len() != n * 16 || network.reference_ohm.len() != 4 {
        return Err(problem("its parameters are not as many as its frequencies".into()));
    }
    let reference = network.reference_ohm[0];
    if network.reference_ohm.iter().any(|z| (z - reference).norm() > 1e-9) || reference.im != 0.0 || reference.re <= 0.0
    {
        return Err(problem(
            "its ports have different or complex reference impedances: renormalise it to 50 ohm first".into(),
        ));
    }
    let rho = (REFERENCE_OHM - reference.re) / (REFERENCE_OHM + reference.re);
    let [tx_p, tx_n, rx_p, rx_n] = port_order.map(|p| p - 1);
    let mut channel = DifferentialChannel {
        name: name.to_owned(),
        frequency_hz: network.frequency_hz.clone(),
        s11: Vec::with_capacity(n),
        s12: Vec::with_capacity(n),
        s21: Vec::with_capacity(n),
        s22: Vec::with_capacity(n),
    };
    for k in 0..n {
        let mut s = Matrix4::from_fn(|row, column| network.at(k, row, column));
        if rho != 0.0 {
            let one = Matrix4::<Complex64>::identity();
            let rho = Complex64::new(rho, 0.0);
            let Some(inverse) = (one - s * rho).try_inverse() else {
                return Err(problem(format!(
                    "it cannot be renormalised to 50 ohm at {} GHz",
                    network.frequency_hz[k] / 1e9
                )));
            };
            s = inverse * (s - one * rho);
        }
        let of = |(out_p, out_n): (usize, usize), (in_p, in_n): (usize, usize)| {
            (s[(out_p, in_p)] - s[(out_p, in_n)] - s[(out_n, in_p)] + s[(out_n, in_n)]) * 0.5
        };
        let (tx, rx) = ((tx_p, tx_n), (rx_p, rx_n));
        channel.s11.push(of(tx, tx));
        channel.s12.push(of(tx, rx));
        channel.s21.push(of(rx, tx));
        channel.s22.push(of(rx, rx));
    }
    Ok(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_lines(reference: f64) -> Network {
        // Uncoupled: port 1 to 2 with gain 0.5, port 3 to 4 with gain 0.3.
        let mut s = vec![Complex64::new(0.0, 0.0); 16];
        for (a, b, g) in [(0, 1, 0.5), (2, 3, 0.3)] {
            s[a * 4 + b].re = g;
            s[b * 4 + a].re = g;
        }
        Network { ports: 4, frequency_hz: vec![1e9], s, reference_ohm: vec![Complex64::new(reference, 0.0); 4] }
    }

    #[test]
    fn a_pair_of_lines_has_the_mean_of_their_gains() {
        let c = differential_channel("x", &two_lines(50.0), [1, 3, 2, 4]).expect("four ports");
        assert!((c.s21[0].re - 0.4).abs() < 1e-15 && c.s11[0].norm() < 1e-15);
    }

    #[test]
    fn a_matched_line_of_another_reference_reflects_at_fifty_ohm() {
        let c = differential_channel("x", &two_lines(42.5), [1, 3, 2, 4]).expect("four ports");
        assert!(c.s11[0].norm() > 0.01);
    }

    #[test]
    fn a_port_order_must_name_each_port_once() {
        for order in [[1, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 5]] {
            assert!(differential_channel("x", &two_lines(50.0), order).is_err());
        }
    }
}
