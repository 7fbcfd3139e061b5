//! The normal distribution: its tail and the inverse of it.

use std::f64::consts::PI;

/// Q such that a normal variable exceeds Q standard deviations with the given probability, 0 < `tail` < 0.5.
///
/// A rational start (Acklam) and two steps of Halley on [`gaussian_tail`]: exact to rounding.
pub fn gaussian_quantile(tail: f64) -> f64 {
    if !(tail > 0.0 && tail < 0.5) {
        return 0.0;
    }
    let t = (-2.0 * tail.ln()).sqrt();
    // Abramowitz and Stegun 26.2.23: within 4.5e-4.
    let mut q = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for _ in 0..4 {
        let density = (-q * q / 2.0).exp() / (2.0 * PI).sqrt();
        let error = (gaussian_tail(q) - tail) / density;
        // Newton's step with the curvature of the tail.
        q += error / (1.0 - q * error / 2.0);
    }
    q
}

/// Probability that a normal variable exceeds `x` standard deviations.
pub fn gaussian_tail(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - gaussian_tail(-x);
    }
    if x < 2.5 {
        // Series of the error function.
        let (mut term, mut sum, mut k) = (x, x, 0.0);
        while term.abs() > 1e-18 * sum.abs() && k < 200.0 {
            k += 1.0;
            term *= x * x / (2.0 * k + 1.0);
            sum += term;
        }
        return 0.5 - sum * (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
    }
    // Continued fraction of Mills' ratio, from the inside out.
    let mut below = x;
    for k in (1..=120).rev() {
        below = x + f64::from(k) / below;
    }
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt() / below
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_quantiles() {
        // Tables of the normal distribution.
        for (tail, q) in [
            (0.158_655_253_931_457, 1.0),
            (1e-4, 3.719_016_485_455_68),
            (1e-5, 4.264_890_793_922_82),
            (1e-12, 7.034_483_824_9),
        ] {
            assert!((gaussian_quantile(tail) - q).abs() < 1e-9, "{tail}: {}", gaussian_quantile(tail));
        }
    }

    proptest! {
        #[test]
        fn quantile_and_tail_undo_each_other(x in 0.01..8.0f64) {
            prop_assert!((gaussian_quantile(gaussian_tail(x)) - x).abs() < 1e-9);
        }
    }
}
