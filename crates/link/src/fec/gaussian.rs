//! The tail of the normal distribution and its inverse.

/// Q(x): share of a normal distribution above `x` standard deviations. Accurate to about 1e-15 of its value down to
/// 1e-300.
pub fn tail(x: f64) -> f64 {
    0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The x for which Q(x) = `probability`; infinite at 0 and 1, NaN outside.
pub fn tail_inverse(probability: f64) -> f64 {
    if !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    if probability == 0.0 {
        return f64::INFINITY;
    }
    if probability == 1.0 {
        return f64::NEG_INFINITY;
    }
    // Q(38.5) is below the smallest number there is.
    let (mut low, mut high) = (-39.0, 39.0);
    while high - low > 1e-14 * f64::max(1.0, f64::abs(low)) {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if tail(middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Abramowitz and Stegun, table 26.2, and Q^-1(1e-12) as used for bit error ratios.
        assert!((tail(0.0) - 0.5).abs() < 1e-16);
        assert!((tail(1.0) - 0.158_655_253_931_457_05).abs() < 1e-15);
        assert!((tail(5.0) / 2.866_515_718_791_939e-7 - 1.0).abs() < 1e-12);
        assert!((tail_inverse(1e-12) - 7.034_483_8).abs() < 1e-6);
        assert!((tail_inverse(1e-15) - 7.941_345_3).abs() < 1e-6);
    }

    #[test]
    fn inverse_undoes_the_tail() {
        for probability in [0.9, 0.5, 0.1, 1e-3, 2e-4, 1e-15, 1e-100, 1e-290] {
            let back = tail(tail_inverse(probability));
            assert!((back / probability - 1.0).abs() < 1e-9, "{probability}: {back}");
        }
        assert!(tail_inverse(0.0).is_infinite());
        assert!(tail_inverse(f64::NAN).is_nan());
        assert!(tail_inverse(1.5).is_nan());
    }
}
