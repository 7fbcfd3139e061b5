//! Crosstalk of the figure of merit: a power sum over frequency, as the script's `get_xtlk_noise` takes it.
//!
//! The annex asks for the worst phase of every aggressor (93A-33, 93A-34), which the final margin uses; while it searches,
//! the script takes this sum in its place, and so does this: another sum would choose other settings.

use num_complex::Complex64;
use std::f64::consts::PI;

/// What does not depend on any equaliser.
#[derive(Clone, Debug, Default)]
pub struct CrosstalkSpectra {
    /// For every frequency up to the baud: sinc², amplitudes, bandwidths and the squared transfer functions of all far-end
    /// aggressors; times |Hctf|² it is the weight of |Htx| in V².
    pub far: Vec<f64>,
    /// The same for near-end aggressors, which have no transmit equaliser.
    pub near: Vec<f64>,
    /// One row of e^(-j 2 pi k f / f_b) per transmit tap, k counted from the cursor.
    pub shifts: Vec<Vec<Complex64>>,
}

/// An aggressor's transfer function and amplitude in V.
pub type Aggressor<'a> = (&'a [Complex64], f64);

impl CrosstalkSpectra {
    /// Sums the aggressors up. `band_hz` is f_2, `symbol_power` is sigma_X², `width` and `cursor` are those of the
    /// transmit equaliser.
    #[expect(clippy::too_many_arguments, reason = "each is a number of the annex or a set of aggressors")]
    pub fn new(
        frequency_hz: &[f64],
        baud_hz: f64,
        band_hz: f64,
        symbol_power: f64,
        far: &[Aggressor],
        near: &[Aggressor],
        width: usize,
        cursor: usize,
    ) -> Self {
        if far.is_empty() && near.is_empty() {
            return Self::default();
        }
        let count = frequency_hz.iter().position(|&f| f > baud_hz).map_or(frequency_hz.len(), |k| k + 1);
        // The script takes the step between its tenth and eleventh frequency.
        let step_hz = frequency_hz[10] - frequency_hz[9];
        let power = |aggressors: &[Aggressor]| -> Vec<f64> {
            if aggressors.is_empty() {
                return Vec::new();
            }
            (0..count)
                .map(|k| {
                    let x = PI * frequency_hz[k] / baud_hz;
                    let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
                    let sum: f64 = aggressors.iter().map(|(h, v)| h[k].norm_sqr() * v * v).sum();
                    sum * sinc * sinc * 2.0 * step_hz / band_hz * symbol_power
                })
                .collect()
        };
        let shifts = (0..width)
            .map(|tap| {
                let ui = tap as f64 - cursor as f64;
                (0..count).map(|k| Complex64::from_polar(1.0, -2.0 * PI * ui * frequency_hz[k] / baud_hz)).collect()
            })
            .collect();
        Self { far: power(far), near: power(near), shifts }
    }

    /// |Htx| at every frequency. The script weighs with the first power of it, not its square; and it counts shifts from
    /// the cursor but takes the largest tap as unshifted, which is the same whenever the cursor is the largest.
    pub fn transmit_magnitude(&self, taps: &[f64]) -> Vec<f64> {
        let largest = super::filters::first_largest(taps);
        if taps[largest] <= 0.0 {
            return vec![1.0; self.far.len()];
        }
        let mut sum = vec![Complex64::new(0.0, 0.0); self.far.len()];
        for (tap, &c) in taps.iter().enumerate() {
            if c == 0.0 {
                continue;
            }
            if tap == largest {
                for s in &mut sum {
                    *s += c;
                }
            } else {
                for (s, shift) in sum.iter_mut().zip(&self.shifts[tap]) {
                    *s += shift * c;
                }
            }
        }
        sum.iter().map(|s| s.norm()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_transmitter_weighs_nothing() {
        let f: Vec<f64> = (1..=3000).map(|k| 1e7 * f64::from(k)).collect();
        let h: Vec<Complex64> = vec![Complex64::new(0.01, 0.0); f.len()];
        let x = CrosstalkSpectra::new(&f, 25e9, 25e9, 1.0, &[(&h, 0.4)], &[(&h, 0.6)], 3, 1);
        assert_eq!(x.far.len(), 2501, "up to the first frequency above the baud");
        assert!(x.transmit_magnitude(&[0.0, 1.0, 0.0]).iter().all(|m| (m - 1.0).abs() < 1e-15));
        // Integral of 2 sinc² over a baud is close to 0.9028 baud: sigma is close to 0.4 x 0.01 x 0.95.
        let sigma = x.far.iter().sum::<f64>().sqrt();
        assert!((sigma - 0.004 * 0.9028f64.sqrt()).abs() < 2e-6, "{sigma}");
        assert!((x.near.iter().sum::<f64>().sqrt() / sigma - 1.5).abs() < 1e-9);
    }

    #[test]
    fn a_transmit_equaliser_raises_high_frequencies() {
        let f: Vec<f64> = (0..=2500).map(|k| 1e7 * f64::from(k)).collect();
        let h: Vec<Complex64> = vec![Complex64::new(0.01, 0.0); f.len()];
        let x = CrosstalkSpectra::new(&f, 25e9, 25e9, 1.0, &[(&h, 0.4)], &[], 3, 1);
        let m = x.transmit_magnitude(&[-0.1, 0.7, -0.2]);
        assert!((m[0] - 0.4).abs() < 1e-12);
        assert!((m[1250] - 1.0).abs() < 1e-12, "half the baud");
    }
}
