//! Filters before the equaliser: the transmitter's transition, its fixed equaliser, the receiver's bandwidth.

use crate::com::parameters::ReceiveFilter;
use num_complex::Complex64;
use std::f64::consts::PI;

/// Share of the Butterworth corner at which the script puts the Bessel-Thomson corner.
const BESSEL_SHARE: f64 = 0.473_037;

/// Transition filter of the transmitter for a rise from 20 % to 80 % in `transition_s` (93A-46), with the delay of three
/// transition times that the script adds to keep it causal.
pub fn transition(hz: f64, transition_s: f64) -> Complex64 {
    let x = PI * hz * transition_s;
    let magnitude = (-2.0 * (x / 1.6832).powi(2)).exp();
    Complex64::from_polar(magnitude, -2.0 * x * 3.0)
}

/// H_r: every filter of the receiver that is switched on, multiplied (93A-20).
pub fn receiver(hz: f64, filter: &ReceiveFilter, baud_hz: f64) -> Complex64 {
    let mut h = Complex64::new(1.0, 0.0);
    let corner_hz = filter.bandwidth_of_baud * baud_hz;
    if filter.butterworth {
        h *= butterworth(hz / corner_hz);
    }
    if filter.bessel_thomson {
        h *= bessel_thomson(hz / (BESSEL_SHARE * corner_hz));
    }
    if let Some((start_hz, end_hz)) = filter.raised_cosine_hz {
        h *= raised_cosine(hz, start_hz, end_hz);
    }
    h
}

/// Fourth-order Butterworth at `x` corners, with the coefficients of 93A-20.
fn butterworth(x: f64) -> Complex64 {
    let jx = Complex64::new(0.0, x);
    1.0 / ((((jx + 2.613126) * jx + 3.414214) * jx + 2.613126) * jx + 1.0)
}

/// Fourth-order Bessel-Thomson, from the reverse Bessel polynomial 105 + 105 s + 45 s² + 10 s³ + s⁴.
fn bessel_thomson(x: f64) -> Complex64 {
    let jx = Complex64::new(0.0, x);
    105.0 / ((((jx + 10.0) * jx + 45.0) * jx + 105.0) * jx + 105.0)
}

/// One up to `start_hz`, falling as half a cosine to zero at `end_hz`.
fn raised_cosine(hz: f64, start_hz: f64, end_hz: f64) -> f64 {
    if hz < start_hz {
        1.0
    } else if hz > end_hz {
        0.0
    } else {
        0.5 + 0.5 * (PI * (hz - end_hz) / (end_hz - start_hz) - PI).cos()
    }
}

/// Fixed transmit equaliser of a package case (`PKG_Tx_FFE_preset`): its cursor is its largest tap. The script leaves it
/// out where any of its taps is zero.
pub fn preset(hz: f64, taps: &[f64], baud_hz: f64) -> Complex64 {
    if taps.is_empty() || taps.contains(&0.0) {
        return Complex64::new(1.0, 0.0);
    }
    let cursor = first_largest(taps);
    taps.iter()
        .enumerate()
        .map(|(i, &tap)| Complex64::from_polar(1.0, -2.0 * PI * (i as f64 - cursor as f64) * hz / baud_hz) * tap)
        .sum()
}

/// Index of the first of the largest values.
pub fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, &v) in values.iter().enumerate() {
        if v > values[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn butterworth_is_three_db_down_at_its_corner_and_flat_at_the_start() {
        assert!((butterworth(1.0).norm_sqr() - 0.5).abs() < 1e-6);
        assert!((butterworth(0.0).norm() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn raised_cosine_goes_from_one_to_zero() {
        assert!((raised_cosine(67e9, 67e9, 79e9) - 1.0).abs() < 1e-12);
        assert!((raised_cosine(73e9, 67e9, 79e9) - 0.5).abs() < 1e-12);
        assert!(raised_cosine(79e9, 67e9, 79e9).abs() < 1e-12);
        assert_eq!(raised_cosine(80e9, 67e9, 79e9), 0.0);
    }

    #[test]
    fn transition_falls_as_a_gaussian_and_delays_by_three_transitions() {
        let t = 7.5e-12;
        let h = transition(10e9, t);
        assert!((h.norm() - (-2.0 * (PI * 0.075 / 1.6832f64).powi(2)).exp()).abs() < 1e-12);
        assert!((h.arg() + 2.0 * PI * 10e9 * 3.0 * t).abs() < 1e-9);
    }

    #[test]
    fn a_preset_keeps_the_gain_of_its_taps() {
        let at_dc = preset(0.0, &[-0.14, 1.0], 106.25e9);
        assert!((at_dc.re - 0.86).abs() < 1e-12 && at_dc.im.abs() < 1e-12);
        let at_nyquist = preset(53.125e9, &[-0.14, 1.0], 106.25e9);
        assert!((at_nyquist.norm() - 1.14).abs() < 1e-12);
        assert_eq!(preset(1e9, &[0.0, 1.0], 106.25e9), Complex64::new(1.0, 0.0), "a zero tap switches it off");
    }
}
