//! Windows over frequency, that trade ringing in time for rise time.

use std::f64::consts::PI;

/// A window over 0 to the highest frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Window {
    /// None.
    None,
    /// Hamming: 0.54 + 0.46 cos.
    Hamming,
    /// Hann: half a raised cosine, zero at the top.
    #[default]
    Hann,
    /// Kaiser with the given beta; 6 is usual.
    Kaiser(f64),
    /// Flat up to this share of the range, then half a raised cosine to zero.
    Tukey(f64),
}

impl Window {
    /// Weight at a share of the range, 0 to 1.
    pub fn weight(self, share: f64) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Hamming => 0.54 + 0.46 * (PI * share).cos(),
            Self::Hann => 0.5 + 0.5 * (PI * share).cos(),
            Self::Kaiser(beta) => bessel_i0(beta * (1.0 - share * share).max(0.0).sqrt()) / bessel_i0(beta),
            Self::Tukey(flat) if share <= flat || flat >= 1.0 => 1.0,
            Self::Tukey(flat) => 0.5 + 0.5 * (PI * (share - flat) / (1.0 - flat)).cos(),
        }
    }
}

/// Modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 && k < 500.0 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_at_one_and_fall() {
        for window in [Window::Hamming, Window::Hann, Window::Kaiser(6.0), Window::Tukey(0.3)] {
            assert!((window.weight(0.0) - 1.0).abs() < 1e-15);
            for k in 0..100 {
                assert!(window.weight(f64::from(k) / 100.0) >= window.weight(f64::from(k + 1) / 100.0) - 1e-15);
            }
        }
        assert!((Window::Hann.weight(1.0)).abs() < 1e-15);
        assert!((Window::Hamming.weight(1.0) - 0.08).abs() < 1e-15);
        // I0(6) = 67.2344069764780 (Abramowitz and Stegun, table 9.8, times e^6).
        assert!((Window::Kaiser(6.0).weight(1.0) * 67.234_406_976_478 - 1.0).abs() < 1e-12);
    }
}
