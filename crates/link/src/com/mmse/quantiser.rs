//! Step of the receiver's quantiser (178A.1.7.6 of drafts 3.x of 802.3dj).
//!
//! The step is `2 V_qc / (2^N_qb - 1)`, where the noisy signal is beyond `V_qc` on either side with probability `P_qc`
//! (178A-29, 178A-30). The signal is a sum of independent, equally likely levels, one per unit interval of the response;
//! the noise is taken as normal. During the search the amplitude is the exponential bound of the tail whose exponent makes
//! it exact for normal noise: within one or two parts in a hundred of the quantile (a test says how close), it rises with
//! every sample's magnitude, and it is convex in the samples. A tangent plane is therefore below it everywhere, which is
//! what makes exact pruning possible. The margin itself is worked out with the quantile of the convolved distributions.

use crate::com::parameters::Quantiser;
use crate::normal;

/// Samples below this share of the largest are counted with the normal noise.
const SMALL: f64 = 0.01;

/// A clipping amplitude and the tilt of the distribution that gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clipping {
    /// Amplitude in V.
    pub amplitude: f64,
    /// Tilt in 1/V.
    pub tilt: f64,
}

/// Clipping amplitude of the noisy signal in V: `levels` equally likely levels from -1 to 1 on every sample, and normal
/// noise of variance `noise`. `exponent` belongs to the clipping probability ([`exponent`]).
pub fn clipping_amplitude(samples: &[f64], noise: f64, levels: u32, exponent: f64) -> f64 {
    let largest = samples.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let symbol = f64::from(levels + 1) / (3.0 * f64::from(levels.max(2) - 1));
    let mut variance = noise;
    let mut large = Vec::with_capacity(64);
    for value in samples {
        let value = value.abs();
        if value > SMALL * largest {
            large.push(value);
        } else {
            variance += symbol * value * value;
        }
    }
    bound(&large, variance, levels, exponent).amplitude
}

/// The exponent that belongs to a clipping probability: half the square of the normal distribution's quantile, so that
/// the amplitude of normal noise is exact.
pub fn exponent(clipping: f64) -> f64 {
    0.5 * normal::quantile(clipping / 2.0).powi(2)
}

/// The least of `(K(s) + exponent) / s` over all tilts `s`, where `K` is the cumulant generating function of symbols on
/// `samples`, which are positive, and of normal noise.
pub fn bound(samples: &[f64], variance: f64, levels: u32, exponent: f64) -> Clipping {
    let symbol = f64::from(levels + 1) / (3.0 * f64::from(levels.max(2) - 1));
    let spread = (variance + symbol * samples.iter().map(|value| value * value).sum::<f64>()).sqrt();
    if spread.is_nan() || spread <= 0.0 || exponent.is_nan() || exponent <= 0.0 {
        return Clipping::default();
    }
    // Newton's method: the tilt is where s K' - K reaches the exponent.
    let mut tilt = (2.0 * exponent).sqrt() / spread;
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut best = Clipping { amplitude: f64::INFINITY, tilt };
    for _ in 0..40 {
        let (k, k1, k2) = cumulants(samples, variance, levels, tilt);
        let amplitude = (k + exponent) / tilt;
        if amplitude < best.amplitude {
            best = Clipping { amplitude, tilt };
        }
        let miss = exponent - (tilt * k1 - k);
        if miss < 0.0 {
            high = tilt;
        } else {
            low = tilt;
        }
        if miss.abs() < 1e-7 * exponent {
            break;
        }
        let mut next = tilt + miss / (tilt * k2).max(f64::MIN_POSITIVE);
        if !next.is_finite() || next <= low || next >= high {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * tilt };
        }
        if (next - tilt).abs() <= 1e-12 * tilt {
            break;
        }
        tilt = next;
    }
    if best.amplitude.is_finite() { best } else { Clipping::default() }
}

/// Mean of a symbol's level under a tilt of `x` per level.
pub fn tilted_level(x: f64, levels: u32) -> f64 {
    let e = (-2.0 * x.abs() / f64::from(levels.max(2) - 1)).exp();
    let (mut sum, mut first, mut weight) = (0.0, 0.0, 1.0);
    for level in 0..levels {
        sum += weight;
        first += weight * (1.0 - 2.0 * f64::from(level) / f64::from(levels.max(2) - 1));
        weight *= e;
    }
    first / sum * x.signum()
}

/// Cumulant generating function and its first two derivatives.
fn cumulants(samples: &[f64], variance: f64, levels: u32, tilt: f64) -> (f64, f64, f64) {
    let mut k = 0.5 * variance * tilt * tilt;
    let mut k1 = variance * tilt;
    let mut k2 = variance;
    let mut product = 1.0f64;
    let n = f64::from(levels);
    for &h in samples {
        let x = tilt * h;
        // Sums over the levels, scaled by exp(-x) against overflow.
        let (sum, first, second) = if levels == 4 {
            let e = (-x * 2.0 / 3.0).exp();
            let (e2, e3) = (e * e, e * e * e);
            (1.0 + e + e2 + e3, 1.0 + (e - e2) / 3.0 - e3, 1.0 + (e + e2) / 9.0 + e3)
        } else if levels == 2 {
            let e = (-2.0 * x).exp();
            (1.0 + e, 1.0 - e, 1.0 + e)
        } else {
            let mut sums = (0.0, 0.0, 0.0);
            for level in 0..levels {
                let a = 1.0 - 2.0 * f64::from(level) / (n - 1.0);
                let e = ((a - 1.0) * x).exp();
                sums = (sums.0 + e, sums.1 + a * e, sums.2 + a * a * e);
            }
            sums
        };
        let mean = first / sum;
        k += x;
        product *= sum / n;
        if product < 1e-200 {
            k += product.ln();
            product = 1.0;
        }
        k1 += h * mean;
        k2 += h * h * (second / sum - mean * mean);
    }
    (k + product.ln(), k1, k2)
}

/// Step for a clipping amplitude (178A-29).
pub fn step(quantiser: &Quantiser, amplitude: f64) -> f64 {
    2.0 * amplitude / (quantiser.bits.exp2() - 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The quantile by convolution on a fine grid.
    fn convolved(samples: &[f64], noise: f64, levels: u32, clipping: f64) -> f64 {
        let support: f64 = samples.iter().map(|value| value.abs()).sum::<f64>() + 8.0 * noise.sqrt();
        let bin = support / 8000.0;
        let size = 16_401usize;
        let centre = size / 2;
        let mut pdf = vec![0.0; size];
        for (at, value) in pdf.iter_mut().enumerate() {
            let y = (at as f64 - centre as f64) * bin;
            if y.abs() < 8.0 * noise.sqrt() {
                *value = (-y * y / (2.0 * noise)).exp();
            }
        }
        let total: f64 = pdf.iter().sum();
        for value in &mut pdf {
            *value /= total;
        }
        for h in samples {
            let mut next = vec![0.0; size];
            for level in 0..levels {
                let shift = (h * (2.0 * f64::from(level) / f64::from(levels - 1) - 1.0) / bin).round() as isize;
                for (at, value) in pdf.iter().enumerate() {
                    if let Some(slot) = at.checked_add_signed(shift).and_then(|to| next.get_mut(to)) {
                        *slot += value / f64::from(levels);
                    }
                }
            }
            pdf = next;
        }
        let mut sum = 0.0;
        for (at, value) in pdf.iter().enumerate() {
            sum += value;
            if sum >= clipping / 2.0 {
                return (centre as f64 - at as f64) * bin;
            }
        }
        0.0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn near_the_convolved_quantile(rest in prop::collection::vec(-0.25f64..0.25, 30), first in 0.1f64..0.8, noise in 0.01f64..0.05) {
            let mut samples = vec![1.0, first, -0.4];
            samples.extend(rest.iter().enumerate().map(|(at, value)| value / (1.0 + 0.3 * at as f64)));
            for levels in [2, 4] {
                let truth = convolved(&samples, noise * noise, levels, 1e-7);
                let found = clipping_amplitude(&samples, noise * noise, levels, exponent(1e-7));
                prop_assert!((found / truth - 1.0).abs() < 0.02, "{found} {truth}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_tangent_plane_is_below_it(here in prop::collection::vec(-0.5f64..1.0, 6), there in prop::collection::vec(-0.5f64..1.0, 6), noise in 1e-4f64..0.1) {
            let amplitude = |samples: &[f64], noise: f64| {
                bound(&samples.iter().map(|value| value.abs()).collect::<Vec<_>>(), noise, 4, exponent(1e-7))
            };
            let at = amplitude(&here, noise);
            let plane: f64 = at.amplitude + here.iter().zip(&there).map(|(a, b)| tilted_level(at.tilt * a, 4) * (b - a)).sum::<f64>();
            prop_assert!(plane <= amplitude(&there, noise).amplitude * (1.0 + 1e-6), "{plane}");
            prop_assert!(plane <= amplitude(&there, 2.0 * noise).amplitude * (1.0 + 1e-6));
        }
    }

    #[test]
    fn normal_noise_alone_is_exact() {
        let found = bound(&[], 4.0, 4, exponent(1e-7)).amplitude;
        assert!((found / (2.0 * normal::quantile(5e-8)) - 1.0).abs() < 1e-9);
    }
}
