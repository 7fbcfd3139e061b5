//! From magnitude and angle to a complex number, fast and nearly exact.

use num_complex::Complex64;

/// One degree in radians.
const RADIANS: f64 = std::f64::consts::PI / 180.0;

/// `magnitude * exp(i angle)` for an angle in degrees.
///
/// The angle is reduced to ±45° in degrees, where the reduction is exact, so that quarter turns come out exact and
/// large angles lose nothing. Sine and cosine are Taylor polynomials about 0 up to x^17 and x^16: at π/4 the first
/// terms left out, (π/4)^19/19! and (π/4)^18/18!, are below 1e-17. With the rounding of the angle (1.8e-16) and of the
/// last steps of each polynomial (2e-16), the error of each is below 5e-16.
#[inline]
pub fn from_degrees(magnitude: f64, angle: f64) -> Complex64 {
    let quarters = (angle * (1.0 / 90.0)).round();
    if quarters.abs() > 1e14 {
        // Beyond this a step of the number itself is larger than a degree; whatever it means, it is not fast.
        return Complex64::from_polar(magnitude, angle.to_radians());
    }
    let x = (angle - quarters * 90.0) * RADIANS;
    let y = x * x;
    let sine_tail = y
        * (-1.0 / 6.0
            + y * (1.0 / 120.0
                + y * (-1.0 / 5_040.0
                    + y * (1.0 / 362_880.0
                        + y * (-1.0 / 39_916_800.0
                            + y * (1.0 / 6_227_020_800.0
                                + y * (-1.0 / 1_307_674_368_000.0 + y * (1.0 / 355_687_428_096_000.0))))))));
    let sine = x + x * sine_tail;
    let cosine_tail = y
        * (1.0 / 24.0
            + y * (-1.0 / 720.0
                + y * (1.0 / 40_320.0
                    + y * (-1.0 / 3_628_800.0
                        + y * (1.0 / 479_001_600.0
                            + y * (-1.0 / 87_178_291_200.0 + y * (1.0 / 20_922_789_888_000.0)))))));
    let cosine = 1.0 - y * (0.5 - cosine_tail);
    let turn = (quarters as i64) & 3;
    let (c, s) = if turn & 1 == 0 { (cosine, sine) } else { (-sine, cosine) };
    let sign = if turn & 2 == 0 { magnitude } else { -magnitude };
    Complex64::new(sign * c, sign * s)
}

/// `10^(decibel/20) * exp(i angle)` for an angle in degrees; minus infinity decibels are zero.
#[inline]
pub fn from_decibels(decibel: f64, angle: f64) -> Complex64 {
    from_degrees(10f64.powf(decibel * 0.05), angle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quarter_turns_are_exact() {
        for (angle, re, im) in [(0.0, 2.0, 0.0), (90.0, 0.0, 2.0), (-90.0, 0.0, -2.0), (180.0, -2.0, 0.0)] {
            let value = from_degrees(2.0, angle);
            assert_eq!((value.re, value.im), (re, im), "at {angle}");
        }
        assert_eq!(from_degrees(1.0, 360e9 + 90.0), Complex64::new(0.0, 1.0));
        assert_eq!(from_decibels(f64::NEG_INFINITY, 12.0).norm(), 0.0);
        assert_eq!(from_decibels(-20.0, 0.0).re, 0.1);
    }

    proptest! {
        #[test]
        fn errors_stay_below_one_in_1e15(angle in -360.0..360.0f64) {
            // 120° and 240° away are three sums that must vanish; and the library's own functions near the angle.
            let value = from_degrees(1.0, angle);
            prop_assert!((value.norm_sqr() - 1.0).abs() < 2e-15);
            let nearest = (angle / 45.0).round() * 45.0;
            let (s, c) = ((angle - nearest) * std::f64::consts::PI / 180.0).sin_cos();
            let h = std::f64::consts::FRAC_1_SQRT_2;
            let (cn, sn) = match (nearest as i64).rem_euclid(360) {
                0 => (1.0, 0.0), 45 => (h, h), 90 => (0.0, 1.0), 135 => (-h, h), 180 => (-1.0, 0.0),
                225 => (-h, -h), 270 => (0.0, -1.0), _ => (h, -h),
            };
            prop_assert!((value.re - (c * cn - s * sn)).abs() < 1e-15);
            prop_assert!((value.im - (s * cn + c * sn)).abs() < 1e-15);
        }
    }
}
