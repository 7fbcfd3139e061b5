//! Convolution of symmetric distributions that keeps their tails.
//!
//! Sequence detection asks for probabilities of 1e-15 and less. A convolution by Fourier transform is exact to about
//! 1e-17 of its largest value, which drowns them. Here both sides are first weighted by an exponential that lifts the
//! lower tail to the height of the centre; the upper half follows by symmetry.

use crate::com::distribution::{Distribution, convolve};

/// Standard deviations from the centre that the weight lifts highest.
const LIFT: f64 = 5.0;
/// Products of lengths up to which sums are formed one by one.
const DIRECT: usize = 1 << 18;

/// Sum of two independent, symmetric variables on the same bins.
pub fn plus(a: &Distribution, b: &Distribution) -> Distribution {
    let bins = a.first + b.first;
    if a.probability.len().saturating_mul(b.probability.len()) <= DIRECT {
        return Distribution { bin_v: a.bin_v, first: bins, probability: convolve(&a.probability, &b.probability) };
    }
    let spread = (a.sigma_v().powi(2) + b.sigma_v().powi(2)).sqrt() / a.bin_v;
    let tilt = LIFT / spread.max(1e-3);
    // Weights stay within the range of numbers: beyond it there is nothing left to lift.
    let weighted = |d: &Distribution| -> Vec<f64> {
        let weight = |at: usize| (-tilt * (d.first + at as i64) as f64).clamp(-600.0, 600.0).exp();
        d.probability.iter().enumerate().map(|(at, p)| p * weight(at)).collect()
    };
    let mut probability = convolve(&weighted(a), &weighted(b));
    for (at, p) in probability.iter_mut().enumerate() {
        *p *= (tilt * (bins + at as i64) as f64).clamp(-600.0, 600.0).exp();
    }
    let n = probability.len();
    for at in 0..n / 2 {
        probability[n - 1 - at] = probability[at];
    }
    Distribution { bin_v: a.bin_v, first: bins, probability }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal;

    #[test]
    fn tails_of_a_sum_of_normal_variables_are_those_of_a_normal_variable() {
        let bin = 1e-3;
        let one = Distribution::normal(0.6, 6.0, bin);
        let other = Distribution::normal(0.8, 6.0, bin);
        let sum = plus(&one, &other);
        assert!((sum.probability.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for x in [1.0f64, 4.0, 7.0, 9.0] {
            let last = ((-x / bin).round() as i64 - sum.first) as usize;
            let below: f64 = sum.probability[..=last].iter().sum();
            // The sum counts whole bins: half of one more.
            let truth = normal::tail(x - bin / 2.0);
            assert!((below / truth - 1.0).abs() < 1e-4, "{x}: {below} {truth}");
        }
    }
}
