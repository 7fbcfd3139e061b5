//! Distributions of a voltage on fixed bins, with full support: what is added widens them, nothing is cut that could be
//! seen at any error ratio that is asked for.
//!
//! All masses are positive and only added and multiplied, so that tails keep their relative precision far below what a
//! Fourier transform could carry (1e-16 of the peak). Values between bins are split so that the variance is kept.

/// Ends with less mass than this are cut. Error ratios down to 1e-30 are supported.
const FLOOR: f64 = 1e-45;

/// Probability of every bin of a voltage; bin `k` is centred on `k` times the width.
#[derive(Clone, Debug, PartialEq)]
pub struct Amplitude {
    bin_v: f64,
    first: i64,
    mass: Vec<f64>,
}

impl Amplitude {
    /// Certainly nothing: all mass at zero. `bin_v` is the bins' width in V, positive.
    pub fn zero(bin_v: f64) -> Self {
        Self { bin_v, first: 0, mass: vec![1.0] }
    }

    /// Gaussian with a standard deviation in V, out to `reach` standard deviations.
    pub fn gaussian(bin_v: f64, sigma_v: f64, reach: f64) -> Self {
        let sigma = sigma_v / bin_v;
        // Below half a bin a sampled Gaussian loses its variance; a pair keeps it.
        if sigma.is_nan() || sigma < 0.5 {
            let mut out = Self::zero(bin_v);
            if sigma > 0.0 {
                out.add_pair(sigma * bin_v);
            }
            return out;
        }
        let half = (sigma * reach).ceil() as i64;
        let mut mass: Vec<f64> = (-half..=half).map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp()).collect();
        let total: f64 = mass.iter().sum();
        mass.iter_mut().for_each(|m| *m /= total);
        Self { bin_v, first: -half, mass }.trimmed()
    }

    /// Even between minus and plus half of `width_v`.
    pub fn uniform(bin_v: f64, width_v: f64) -> Self {
        let half = (0.5 * width_v / bin_v).max(0.0);
        if half < 0.5 {
            let mut out = Self::zero(bin_v);
            if half > 0.0 {
                out.add_pair(width_v / 12f64.sqrt());
            }
            return out;
        }
        let last = (half + 0.5).floor() as i64;
        let part = |k: i64| {
            let (low, high) = ((k as f64 - 0.5).max(-half), (k as f64 + 0.5).min(half));
            (high - low).max(0.0) / (2.0 * half)
        };
        Self { bin_v, first: -last, mass: (-last..=last).map(part).collect() }
    }

    /// Width of the bins in V.
    pub fn bin_v(&self) -> f64 {
        self.bin_v
    }

    /// Bins as pairs of voltage and probability, rising.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.mass.iter().enumerate().map(|(i, m)| ((self.first + i as i64) as f64 * self.bin_v, *m))
    }

    /// Lowest and highest voltage that bins cover.
    pub fn support_v(&self) -> (f64, f64) {
        let last = self.first + self.mass.len() as i64 - 1;
        ((self.first as f64 - 0.5) * self.bin_v, (last as f64 + 0.5) * self.bin_v)
    }

    /// Adds an independent voltage that is plus or minus `size_v` with equal chances.
    pub fn add_pair(&mut self, size_v: f64) {
        self.convolve_shifts(&pair(size_v / self.bin_v, 1.0));
    }

    /// Adds what a symbol of `levels` equally likely, equally spaced levels puts on top through a tap of `tap_v`.
    pub fn add_symbol(&mut self, tap_v: f64, levels: u32) {
        let tap = tap_v.abs() / self.bin_v;
        if tap == 0.0 || !tap.is_finite() {
            return;
        }
        let mut shifts: Vec<(i64, f64)> = Vec::with_capacity(2 * levels as usize);
        let pairs = levels / 2;
        for at in 0..pairs {
            // Levels are 1, 1 - 2/(L-1), ... and their negatives.
            let level = 1.0 - 2.0 * f64::from(at) / f64::from(levels - 1);
            shifts.extend(pair(tap * level, 1.0 / f64::from(pairs)));
        }
        self.convolve_shifts(&shifts);
    }

    fn convolve_shifts(&mut self, shifts: &[(i64, f64)]) {
        let (low, high) = shifts.iter().fold((0, 0), |(low, high), (k, _)| (low.min(*k), high.max(*k)));
        let mut out = vec![0.0; self.mass.len() + (high - low) as usize];
        for (shift, weight) in shifts {
            let start = (shift - low) as usize;
            for (o, m) in out[start..start + self.mass.len()].iter_mut().zip(&self.mass) {
                *o += weight * m;
            }
        }
        self.mass = out;
        self.first += low;
        self.trim();
    }

    /// Distribution of the sum of two independent voltages of equal bins.
    pub fn plus(&self, other: &Self) -> Self {
        let (long, short) = if self.mass.len() >= other.mass.len() { (self, other) } else { (other, self) };
        let mut mass = vec![0.0; long.mass.len() + short.mass.len() - 1];
        for (at, weight) in short.mass.iter().enumerate() {
            for (o, m) in mass[at..at + long.mass.len()].iter_mut().zip(&long.mass) {
                *o += weight * m;
            }
        }
        Self { bin_v: self.bin_v, first: self.first + other.first, mass }.trimmed()
    }

    /// One of several distributions, each with its chance and moved by a voltage.
    pub fn mixture(bin_v: f64, parts: &[(f64, f64, &Self)]) -> Self {
        let place = |shift_v: f64| {
            let shift = shift_v / bin_v;
            (shift.floor() as i64, shift - shift.floor())
        };
        let parts = parts.iter().filter(|(weight, ..)| *weight > 0.0);
        let ends = parts.clone().map(|(_, shift, part)| {
            let first = part.first + place(*shift).0;
            (first, first + part.mass.len() as i64 + 1)
        });
        let Some((low, high)) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
            return Self::zero(bin_v);
        };
        let mut mass = vec![0.0; (high - low) as usize];
        for (weight, shift_v, part) in parts {
            let (whole, share) = place(*shift_v);
            let start = (part.first + whole - low) as usize;
            for (offset, weight) in [(start, weight * (1.0 - share)), (start + 1, weight * share)] {
                for (o, m) in mass[offset..offset + part.mass.len()].iter_mut().zip(&part.mass) {
                    *o += weight * m;
                }
            }
        }
        Self { bin_v, first: low, mass }.trimmed()
    }

    /// The same with the sign turned.
    pub fn mirrored(&self) -> Self {
        let last = self.first + self.mass.len() as i64 - 1;
        Self { bin_v: self.bin_v, first: -last, mass: self.mass.iter().rev().copied().collect() }
    }

    /// Probability of being below `v`, summed from below so that small ones are exact. Bins are even inside.
    pub fn below(&self, v: f64) -> f64 {
        let at = v / self.bin_v - self.first as f64 + 0.5;
        if at.is_nan() || at <= 0.0 {
            return 0.0;
        }
        let whole = (at.floor() as usize).min(self.mass.len());
        let part = self.mass.get(whole).map_or(0.0, |m| m * (at - whole as f64));
        self.mass[..whole].iter().sum::<f64>() + part
    }

    /// Probability of being above `v`, summed from above.
    pub fn above(&self, v: f64) -> f64 {
        let at = (self.first + self.mass.len() as i64) as f64 - 0.5 - v / self.bin_v;
        if at.is_nan() || at <= 0.0 {
            return 0.0;
        }
        let whole = (at.floor() as usize).min(self.mass.len());
        let rest = self.mass.len() - whole;
        let part = if rest == 0 { 0.0 } else { self.mass[rest - 1] * (at - whole as f64) };
        self.mass[rest..].iter().sum::<f64>() + part
    }

    /// Voltage that is undershot with probability `p`, in V.
    pub fn low_quantile(&self, p: f64) -> f64 {
        let mut sum = 0.0;
        for (i, m) in self.mass.iter().enumerate() {
            if sum + m > p {
                return ((self.first + i as i64) as f64 - 0.5 + (p - sum) / m) * self.bin_v;
            }
            sum += m;
        }
        self.support_v().1
    }

    /// Voltage that is exceeded with probability `p`, in V.
    pub fn high_quantile(&self, p: f64) -> f64 {
        let mut sum = 0.0;
        for (i, m) in self.mass.iter().enumerate().rev() {
            if sum + m > p {
                return ((self.first + i as i64) as f64 + 0.5 - (p - sum) / m) * self.bin_v;
            }
            sum += m;
        }
        self.support_v().0
    }

    /// Standard deviation in V.
    pub fn deviation_v(&self) -> f64 {
        let mean: f64 = self.bins().map(|(v, m)| v * m).sum();
        self.bins().map(|(v, m)| m * (v - mean) * (v - mean)).sum::<f64>().sqrt()
    }

    fn trim(&mut self) {
        let start = self.mass.iter().position(|m| *m > FLOOR).unwrap_or(0);
        let end = self.mass.iter().rposition(|m| *m > FLOOR).map_or(self.mass.len(), |last| last + 1);
        self.mass.truncate(end);
        if start > 0 {
            self.mass.drain(..start);
            self.first += start as i64;
        }
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self
    }
}

/// Shifts and weights of a pair at plus and minus `size` bins, `weight` in all: split over whole bins so that mean and
/// variance are those of the pair.
fn pair(size: f64, weight: f64) -> [(i64, f64); 4] {
    let below = size.floor();
    let (low, high) = (below * below, (below + 1.0) * (below + 1.0));
    let near = ((high - size * size) / (high - low)).clamp(0.0, 1.0) * 0.5 * weight;
    let far = 0.5 * weight - near;
    let k = below as i64;
    [(-k - 1, far), (-k, near), (k, near), (k + 1, far)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal;
    use proptest::prelude::*;

    #[test]
    fn a_gaussian_has_the_tails_of_one() {
        let noise = Amplitude::gaussian(1e-4, 3e-3, 13.0);
        assert!((noise.deviation_v() / 3e-3 - 1.0).abs() < 1e-9);
        for sigmas in [1.0, 3.0, 5.0, 7.0, 9.0] {
            let expected = normal::tail(sigmas);
            // A bin's width as a share of sigma bounds the error within a bin.
            assert!((noise.above(sigmas * 3e-3) / expected - 1.0).abs() < 0.04, "{sigmas}");
            assert!((noise.high_quantile(expected) / (sigmas * 3e-3) - 1.0).abs() < 2e-3, "{sigmas}");
        }
        assert!((noise.low_quantile(1e-20) + normal::quantile(1e-20) * 3e-3).abs() < 2e-5);
    }

    #[test]
    fn two_taps_give_four_levels() {
        let mut sum = Amplitude::zero(1.0);
        sum.add_symbol(10.0, 2);
        sum.add_symbol(3.0, 2);
        let found: Vec<(f64, f64)> = sum.bins().filter(|(_, m)| *m > 0.0).collect();
        assert_eq!(found, vec![(-13.0, 0.25), (-7.0, 0.25), (7.0, 0.25), (13.0, 0.25)]);
    }

    #[test]
    fn pam4_symbols_have_five_ninths_of_the_power() {
        let mut sum = Amplitude::zero(0.01);
        sum.add_symbol(1.0, 4);
        assert!((sum.deviation_v().powi(2) - 5.0 / 9.0).abs() < 1e-12);
        assert!((sum.below(0.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn many_small_taps_keep_their_power() {
        let mut sum = Amplitude::zero(1.0);
        for _ in 0..400 {
            sum.add_symbol(0.21, 2);
        }
        assert!((sum.deviation_v() - 0.21 * 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_uniform_voltage_has_its_width() {
        let q = Amplitude::uniform(0.01, 2.0);
        assert!((q.deviation_v() - 2.0 / 12f64.sqrt()).abs() < 1e-3);
        assert!((q.above(0.9) - 0.05).abs() < 1e-9);
    }

    #[test]
    fn tails_reach_below_what_doubles_could_subtract() {
        let mut sum = Amplitude::gaussian(0.05, 1.0, 14.0);
        sum.add_symbol(4.0, 2);
        let p = sum.above(15.0);
        assert!((p / (0.5 * normal::tail(11.0)) - 1.0).abs() < 0.1, "{p}");
    }

    proptest! {
        #[test]
        fn sums_keep_mass_symmetry_and_power(taps in prop::collection::vec(-3.0f64..3.0, 1..12), levels in prop::sample::select(vec![2u32, 4])) {
            let mut sum = Amplitude::zero(0.02);
            taps.iter().for_each(|tap| sum.add_symbol(*tap, levels));
            let mass: f64 = sum.bins().map(|(_, m)| m).sum();
            prop_assert!((mass - 1.0).abs() < 1e-9);
            let power = taps.iter().map(|t| t * t).sum::<f64>() * if levels == 2 { 1.0 } else { 5.0 / 9.0 };
            prop_assert!((sum.deviation_v().powi(2) - power).abs() < 1e-6 * (1.0 + power));
            prop_assert!((sum.low_quantile(1e-3) + sum.high_quantile(1e-3)).abs() < 1e-6);
            let (low, high) = sum.support_v();
            let reach = taps.iter().map(|t| t.abs()).sum::<f64>() + 0.02 * (taps.len() as f64 + 1.0);
            prop_assert!(low >= -reach && high <= reach);
        }

        #[test]
        fn quantiles_undo_probabilities(p in 1e-12f64..0.4, sigma in 0.1f64..2.0) {
            let noise = Amplitude::gaussian(0.02, sigma, 12.0);
            prop_assert!((noise.below(noise.low_quantile(p)) / p - 1.0).abs() < 1e-6);
            prop_assert!((noise.above(noise.high_quantile(p)) / p - 1.0).abs() < 1e-6);
        }
    }
}
