//! Amplitude distributions on a grid of equal bins, with their full support (93A.1.7.1).
//!
//! Bins are counted from zero volt, so that distributions can be convolved without interpolation. Values are rounded to
//! bins as the script rounds them; its answers step with the bin.

use num_complex::Complex64;

/// Products of lengths from which on two distributions are convolved by Fourier transform.
const DIRECT_LIMIT: usize = 1 << 18;

/// Probability per bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Width of a bin in V.
    pub bin_v: f64,
    /// Number of the first bin: its centre is `first * bin_v`.
    pub first: i64,
    /// Probability of every bin from the first on.
    pub probability: Vec<f64>,
}

impl Distribution {
    /// All at zero.
    pub fn certain(bin_v: f64) -> Self {
        Self { bin_v, first: 0, probability: vec![1.0] }
    }

    /// Normal with the given standard deviation, out to twice `sigmas` of it, as the script has it.
    pub fn normal(sigma_v: f64, sigmas: f64, bin_v: f64) -> Self {
        let half = (2.0 * sigmas * sigma_v / bin_v).round().max(0.0) as i64;
        let width = 2.0 * sigma_v * sigma_v + f64::EPSILON;
        let mut probability: Vec<f64> = (-half..=half).map(|k| (-(k as f64 * bin_v).powi(2) / width).exp()).collect();
        let sum: f64 = probability.iter().sum();
        for p in &mut probability {
            *p /= sum;
        }
        Self { bin_v, first: -half, probability }
    }

    /// Sum of independent symbols of `levels` levels, each times one of the samples (93A-39, 93A-40). Samples below a bin
    /// are left out.
    pub fn of_symbols(samples: impl IntoIterator<Item = f64>, levels: u32, bin_v: f64) -> Self {
        Self::of_symbols_in(samples, levels, bin_v, 1)
    }

    /// The same with every level of every sample first rounded to a bin, then towards zero to one of bins `coarse` times
    /// as wide: cheaper, and no value is further from zero.
    pub fn of_symbols_in(samples: impl IntoIterator<Item = f64>, levels: u32, bin_v: f64, coarse: i64) -> Self {
        let mut samples: Vec<f64> = samples.into_iter().map(f64::abs).filter(|h| *h > bin_v).collect();
        samples.sort_by(|a, b| b.total_cmp(a));
        let mut now = vec![1.0];
        let mut next = Vec::new();
        let mut first = 0i64;
        let mut offsets: Vec<(usize, f64)> = Vec::with_capacity(levels as usize);
        for h in samples {
            let at_level = |level: u32| place(h, level, levels, bin_v) / coarse;
            let low = at_level(0);
            if low == 0 {
                break;
            }
            offsets.clear();
            for level in 0..levels {
                let at = (at_level(level) - low) as usize;
                match offsets.last_mut() {
                    Some(last) if last.0 == at => last.1 += 1.0,
                    _ => offsets.push((at, 1.0)),
                }
            }
            let span = offsets.last().map_or(0, |o| o.0);
            next.clear();
            next.resize(now.len() + span, 0.0);
            for &(at, weight) in &offsets {
                let weight = weight / f64::from(levels);
                for (n, p) in next[at..].iter_mut().zip(&now) {
                    *n += p * weight;
                }
            }
            std::mem::swap(&mut now, &mut next);
            first += low;
        }
        Self { bin_v: bin_v * coarse as f64, first, probability: now }
    }

    /// This one with every value rounded towards zero to bins `coarse` times as wide.
    pub fn in_wider_bins(&self, coarse: i64) -> Self {
        let last = self.first + self.probability.len() as i64 - 1;
        let first = self.first / coarse;
        let mut probability = vec![0.0; (last / coarse - first + 1) as usize];
        for (k, p) in self.probability.iter().enumerate() {
            probability[((self.first + k as i64) / coarse - first) as usize] += p;
        }
        Self { bin_v: self.bin_v * coarse as f64, first, probability }
    }

    /// Sum of this and another independent variable. Both must have the same bins.
    pub fn plus(&self, other: &Self) -> Self {
        let probability = convolve(&self.probability, &other.probability);
        Self { bin_v: self.bin_v, first: self.first + other.first, probability }
    }

    /// Standard deviation in V.
    pub fn sigma_v(&self) -> f64 {
        let x = |k: usize| (self.first + k as i64) as f64 * self.bin_v;
        let mean: f64 = self.probability.iter().enumerate().map(|(k, p)| x(k) * p).sum();
        self.probability.iter().enumerate().map(|(k, p)| (x(k) - mean).powi(2) * p).sum::<f64>().max(0.0).sqrt()
    }

    /// Centre of the first bin, from below, up to which there is more probability than `share`, in V.
    pub fn lower_quantile_v(&self, share: f64) -> f64 {
        let mut sum = 0.0;
        for (k, p) in self.probability.iter().enumerate() {
            sum += p;
            if sum > share {
                return (self.first + k as i64) as f64 * self.bin_v;
            }
        }
        (self.first + self.probability.len() as i64 - 1) as f64 * self.bin_v
    }

    /// The same from above.
    pub fn upper_quantile_v(&self, share: f64) -> f64 {
        let mut sum = 0.0;
        for (k, p) in self.probability.iter().enumerate().rev() {
            sum += p;
            if sum > share {
                return (self.first + k as i64) as f64 * self.bin_v;
            }
        }
        self.first as f64 * self.bin_v
    }
}

/// Bin of one level of a symbol times `h`; halves are rounded away from zero.
fn place(h: f64, level: u32, levels: u32, bin_v: f64) -> i64 {
    let value = 2.0 * f64::from(level) / f64::from(levels - 1) - 1.0;
    (h * value / bin_v).round() as i64
}

/// Variance in V² of the distribution of one sample's symbols, rounded to bins. Variances of independent variables add,
/// so the spread of a whole set is known without its distribution.
pub fn rounded_variance(sample: f64, levels: u32, bin_v: f64) -> f64 {
    let h = sample.abs();
    if h <= bin_v {
        return 0.0;
    }
    let squares: f64 = (0..levels).map(|l| (place(h, l, levels, bin_v) as f64).powi(2)).sum();
    squares / f64::from(levels) * bin_v * bin_v
}

/// Convolution of two sequences; empty if one is.
pub fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if short.len() == 1 {
        return long.iter().map(|p| p * short[0]).collect();
    }
    let length = a.len() + b.len() - 1;
    if long.len().saturating_mul(short.len()) <= DIRECT_LIMIT || short.len() < 24 {
        let mut out = vec![0.0; length];
        for (k, &s) in short.iter().enumerate() {
            if s != 0.0 {
                for (o, l) in out[k..].iter_mut().zip(long) {
                    *o += l * s;
                }
            }
        }
        return out;
    }
    let size = good_size(length);
    let (forward, inverse) = lanewright_fourier::kept(size);
    let spectrum = |x: &[f64]| -> Vec<Complex64> {
        let mut padded = vec![0.0; size];
        padded[..x.len()].copy_from_slice(x);
        let mut out = forward.make_output_vec();
        // Lengths are those that the plan was made for.
        let _ = forward.process(&mut padded, &mut out);
        out
    };
    let mut product = spectrum(a);
    for (p, q) in product.iter_mut().zip(spectrum(b)) {
        *p *= q;
    }
    product[0].im = 0.0;
    if let Some(last) = product.last_mut() {
        last.im = 0.0;
    }
    let mut out = vec![0.0; size];
    let _ = inverse.process(&mut product, &mut out);
    out.truncate(length);
    // Rounding leaves about 1e-17 of either sign where there is nothing.
    for o in &mut out {
        *o = (*o / size as f64).max(0.0);
    }
    out
}

/// The smallest even size of at least `length` whose only prime factors are 2, 3 and 5.
fn good_size(length: usize) -> usize {
    let mut best = length.next_power_of_two();
    let mut fives = 1;
    while fives < best {
        let mut threes = fives;
        while threes < best {
            let mut size = threes * 2;
            while size < length {
                size *= 2;
            }
            best = best.min(size);
            threes *= 3;
        }
        fives *= 5;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_pam4_sample_has_four_lines() {
        let d = Distribution::of_symbols([3e-3], 4, 1e-5);
        assert_eq!((d.first, d.probability.len()), (-300, 601));
        for k in [0, 200, 400, 600] {
            assert_eq!(d.probability[k], 0.25);
        }
        assert!((d.sigma_v() - 3e-3 * (5.0f64 / 9.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_normal_distribution_has_its_spread_and_quantile() {
        let d = Distribution::normal(1e-3, 4.2649, 1e-5);
        assert!((d.sigma_v() - 1e-3).abs() < 1e-8);
        assert!((d.lower_quantile_v(1e-5) + 4.26e-3).abs() < 1.1e-5);
        assert_eq!(Distribution::normal(0.0, 4.0, 1e-5), Distribution::certain(1e-5));
    }

    proptest! {
        #[test]
        fn both_ways_to_convolve_agree(a in proptest::collection::vec(0.0..1.0f64, 300..900), b in proptest::collection::vec(0.0..1.0f64, 900..1200)) {
            let fast = convolve(&a, &b);
            let mut slow = vec![0.0; a.len() + b.len() - 1];
            for (i, x) in a.iter().enumerate() {
                for (j, y) in b.iter().enumerate() {
                    slow[i + j] += x * y;
                }
            }
            prop_assert_eq!(fast.len(), slow.len());
            for (f, s) in fast.iter().zip(&slow) {
                prop_assert!((f - s).abs() < 1e-10 * a.len() as f64);
            }
        }

        #[test]
        fn probabilities_sum_to_one_and_spread_is_known(samples in proptest::collection::vec(-5e-3..5e-3f64, 1..30), levels in 2u32..5) {
            let d = Distribution::of_symbols(samples.iter().copied(), levels, 1e-5);
            prop_assert!((d.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let expected: f64 = samples.iter().map(|h| rounded_variance(*h, levels, 1e-5)).sum();
            prop_assert!((d.sigma_v().powi(2) - expected).abs() <= 1e-9 * expected + 1e-20);
            prop_assert!((d.lower_quantile_v(1e-3) + d.upper_quantile_v(1e-3)).abs() < 1e-12, "it is symmetric");
        }

        #[test]
        fn sizes_are_even_and_enough(n in 2usize..200_000) {
            let size = good_size(n);
            prop_assert!(size >= n && size.is_multiple_of(2) && size <= 2 * n);
        }
    }
}
