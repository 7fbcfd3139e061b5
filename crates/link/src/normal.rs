//! The standard normal distribution: its tail and the inverse of it.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Q(x): probability that a standard normal variable exceeds `x`. Accurate to about 1e-15 of its value down to 1e-300.
pub fn tail(x: f64) -> f64 {
    0.5 * libm::erfc(x * FRAC_1_SQRT_2)
}

/// The x for which Q(x) is `probability`; infinite at 0 and 1, NaN outside.
///
/// A rational start (Abramowitz and Stegun 26.2.23, within 4.5e-4) and Halley's steps on [`tail`]: exact to rounding.
pub fn quantile(probability: f64) -> f64 {
    if !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    if probability == 0.0 {
        return f64::INFINITY;
    }
    if probability > 0.5 {
        return if probability == 1.0 { f64::NEG_INFINITY } else { -quantile(1.0 - probability) };
    }
    let t = (-2.0 * probability.ln()).sqrt();
    let mut q = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for _ in 0..4 {
        let density = (-q * q / 2.0).exp() / (2.0 * PI).sqrt();
        if density == 0.0 {
            break;
        }
        let error = (tail(q) - probability) / density;
        // Newton's step with the curvature of the tail.
        q += error / (1.0 - q * error / 2.0);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_tails() {
        // Abramowitz and Stegun, tables 26.1 and 26.2.
        let known = [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (3.0, 1.349_898_031_630_095e-3),
            (5.0, 2.866_515_718_791_939e-7),
        ];
        for (x, q) in known {
            assert!((tail(x) / q - 1.0).abs() < 1e-12, "{x}");
        }
        assert!((tail(10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-12);
        assert!((tail(-1.0) - 0.841_344_746_068_543).abs() < 1e-14);
    }

    #[test]
    fn known_quantiles() {
        // Tables of the normal distribution, and Q^-1(1e-12) as used for bit error ratios.
        for (p, q) in [
            (0.158_655_253_931_457, 1.0),
            (1e-4, 3.719_016_485_455_68),
            (1e-5, 4.264_890_793_922_82),
            (1e-12, 7.034_483_824_9),
            (1e-15, 7.941_345_326),
        ] {
            assert!((quantile(p) - q).abs() < 1e-9, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn ends_and_nonsense() {
        for probability in [0.9, 0.5, 0.1, 1e-3, 2e-4, 1e-15, 1e-100, 1e-290] {
            let back = tail(quantile(probability));
            assert!((back / probability - 1.0).abs() < 1e-9, "{probability}: {back}");
        }
        assert_eq!(quantile(0.0), f64::INFINITY);
        assert_eq!(quantile(1.0), f64::NEG_INFINITY);
        assert!(quantile(f64::NAN).is_nan());
        assert!(quantile(1.5).is_nan());
        assert!(quantile(5e-324).is_finite());
    }

    proptest! {
        #[test]
        fn quantile_and_tail_undo_each_other(x in -4.0..37.0f64) {
            prop_assert!((quantile(tail(x)) - x).abs() < 1e-9);
        }
    }
}
