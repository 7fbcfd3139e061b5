//! Step of the receiver's quantiser (178A.1.7.6 of drafts 3.x of 802.3dj).
//!
//! The step is `2 V_qc / (2^N_qb - 1)`, where the noisy signal is beyond `V_qc` on either side with probability `P_qc`
//! (178A-29, 178A-30). The signal is a sum of independent, equally likely levels, one per unit interval of the response;
//! the noise is taken as normal. During the search the quantile comes from a saddlepoint approximation (Lugannani and
//! Rice), which is smooth and costs one exponential per sample and step; [`floor`] is below it for certain.

use crate::com::parameters::Quantiser;

/// Samples below this share of the largest are counted with the normal noise.
const SMALL: f64 = 0.01;

/// Clipping amplitude of the noisy signal in V: `levels` equally likely levels from -1 to 1 on every sample, and normal
/// noise of variance `noise`.
pub fn clipping_amplitude(samples: &[f64], noise: f64, levels: u32, clipping: f64) -> f64 {
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
    let target = clipping / 2.0;
    if large.is_empty() || target.is_nan() || target <= 0.0 || target >= 0.5 {
        return 0.0;
    }
    let support: f64 = large.iter().sum();
    // Newton's method on the tilt, where the approximated tail is the wanted one.
    let spread = (variance + symbol * large.iter().map(|value| value * value).sum::<f64>()).sqrt();
    let mut tilt = quantile(target) / spread;
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut amplitude = 0.0;
    for _ in 0..60 {
        let (k, k1, k2) = cumulants(&large, variance, levels, tilt);
        amplitude = k1;
        let exponent = tilt * k1 - k;
        let w = (2.0 * exponent).max(0.0).sqrt();
        let u = tilt * k2.sqrt();
        let tail = if w > 0.0 && u > 0.0 { upper_tail(w) + density(w) * (1.0 / u - 1.0 / w) } else { 0.5 };
        let miss = (tail / target).ln();
        if !miss.is_finite() || miss < 0.0 {
            high = tilt;
        } else {
            low = tilt;
        }
        if miss.abs() < 1e-6 {
            break;
        }
        // d ln(tail) / d tilt is close to -tilt k2.
        let mut next = tilt + miss / (tilt * k2).max(f64::MIN_POSITIVE);
        if !next.is_finite() || next <= low || next >= high {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * tilt };
        }
        if (next - tilt).abs() <= 1e-12 * tilt {
            break;
        }
        tilt = next;
    }
    if variance == 0.0 { amplitude.min(support) } else { amplitude }
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

/// An amplitude that the saddlepoint's answer for a signal with these samples is not below: the most unlikely event
/// that is still likely enough is that the largest samples all have their outermost level, and the rest is positive.
pub fn floor(samples: impl Iterator<Item = f64>, levels: u32, clipping: f64, largest: &mut Vec<f64>) -> f64 {
    let count = ((1.0 / clipping).ln() / f64::from(levels.max(2)).ln()).floor().clamp(0.0, 64.0) as usize;
    largest.clear();
    for sample in samples {
        let sample = sample.abs();
        if largest.len() < count || largest.last().is_some_and(|least| sample > *least) {
            let at = largest.partition_point(|other| *other >= sample);
            largest.insert(at, sample);
            largest.truncate(count);
        }
    }
    largest.iter().sum()
}

/// Step for a clipping amplitude (178A-29).
pub fn step(quantiser: &Quantiser, amplitude: f64) -> f64 {
    2.0 * amplitude / (quantiser.bits.exp2() - 1.0)
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Probability that a standard normal variable exceeds `x`, for `x` of 0 and above, to about 1e-7 of itself (continued
/// fraction above 2, series below).
pub fn upper_tail(x: f64) -> f64 {
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= -x * x / (2.0 * f64::from(n));
            sum += term / (2.0 * f64::from(n) + 1.0);
        }
        return 0.5 - sum / (2.0 * std::f64::consts::PI).sqrt();
    }
    let mut fraction = x;
    for n in (1..60).rev() {
        fraction = x + f64::from(n) / fraction;
    }
    density(x) / fraction
}

/// `x` that a standard normal variable exceeds with probability `tail`, below one half.
pub fn quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
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
        fn near_the_convolved_quantile_and_above_the_floor(rest in prop::collection::vec(-0.25f64..0.25, 30), first in 0.1f64..0.8, noise in 0.01f64..0.05) {
            let mut samples = vec![1.0, first, -0.4];
            samples.extend(rest.iter().enumerate().map(|(at, value)| value / (1.0 + 0.3 * at as f64)));
            for levels in [2, 4] {
                let truth = convolved(&samples, noise * noise, levels, 1e-7);
                let found = clipping_amplitude(&samples, noise * noise, levels, 1e-7);
                prop_assert!((found / truth - 1.0).abs() < 0.01, "{found} {truth}");
                let floor = floor(samples.iter().copied(), levels, 1e-7, &mut Vec::new());
                prop_assert!(floor <= found && floor <= truth * 1.001, "{floor} {found} {truth}");
            }
        }
    }

    #[test]
    fn a_single_level_pair_with_noise_is_its_level_and_the_noise_s_quantile() {
        // One sample of two levels: P(y < -v) = Q((v - h) / s) / 2 for v above h.
        let found = clipping_amplitude(&[1.0], 0.01, 2, 1e-7);
        let truth = 1.0 + 0.1 * quantile(1e-7);
        assert!((found / truth - 1.0).abs() < 0.02, "{found} {truth}");
    }

    #[test]
    fn tails_of_the_normal_distribution() {
        // Abramowitz and Stegun, table 26.1: Q(1) = 0.158655, Q(3) = 1.349898e-3; table 26.2: Q(5) = 2.866516e-7.
        for (x, q) in [(1.0, 0.158_655_254), (3.0, 1.349_898_03e-3), (5.0, 2.866_515_72e-7)] {
            assert!((upper_tail(x) / q - 1.0).abs() < 1e-6);
            assert!((quantile(q) - x).abs() < 1e-6);
        }
    }
}
