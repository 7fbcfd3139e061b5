//! Continuous-time equaliser: its gain over frequency, and its filter over samples.
//!
//! The annex defines it over frequency (93A-22). The script applies it to the impulse response by the bilinear
//! transform, and so does this; the gain over frequency serves noise and crosstalk.

use crate::com::parameters::{CtleStage, LowStage};
use num_complex::Complex64;
use std::f64::consts::PI;

/// One setting: the first stage, and the low-frequency stage where there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtleGains {
    /// First stage.
    pub stage: CtleStage,
    /// Low-frequency stage (CL120d).
    pub low: Option<LowStage>,
}

impl CtleGains {
    /// H_ctf at one frequency.
    pub fn gain(&self, hz: f64) -> Complex64 {
        let s = &self.stage;
        let jf = |corner: f64| Complex64::new(0.0, hz / corner);
        let mut h = (db(s.gain_db) + jf(s.zero_hz)) / ((1.0 + jf(s.pole1_hz)) * (1.0 + jf(s.pole2_hz)));
        if let Some(low) = &self.low {
            h *= (db(low.gain_db) + jf(low.corner_hz)) / (1.0 + jf(low.corner_hz));
        } else if let Some((zero_hz, pole_hz)) = s.low_pair_hz {
            h *= (1.0 + jf(zero_hz)) / (1.0 + jf(pole_hz));
        }
        h
    }

    /// |H_ctf|² at many frequencies.
    pub fn powers(&self, frequency_hz: &[f64]) -> Vec<f64> {
        let s = &self.stage;
        let g = db(s.gain_db).powi(2);
        let low = match (&self.low, s.low_pair_hz) {
            (Some(low), _) => Some((db(low.gain_db).powi(2), low.corner_hz, low.corner_hz)),
            (None, Some((zero_hz, pole_hz))) => Some((1.0, zero_hz, pole_hz)),
            (None, None) => None,
        };
        let square = |hz: f64, corner: f64| (hz / corner).powi(2);
        let first =
            |hz: f64| (g + square(hz, s.zero_hz)) / ((1.0 + square(hz, s.pole1_hz)) * (1.0 + square(hz, s.pole2_hz)));
        match low {
            None => frequency_hz.iter().map(|&hz| first(hz)).collect(),
            Some((g2, zero, pole)) => {
                frequency_hz.iter().map(|&hz| first(hz) * (g2 + square(hz, zero)) / (1.0 + square(hz, pole))).collect()
            }
        }
    }

    /// The impulse response behind the equaliser.
    pub fn filter(&self, impulse: &[f64], sample_hz: f64) -> Vec<f64> {
        let s = &self.stage;
        let mut out = second_order(impulse, sample_hz, s.zero_hz * db(s.gain_db), s.zero_hz, s.pole1_hz, s.pole2_hz);
        if let Some(low) = &self.low {
            first_order(&mut out, sample_hz, low.corner_hz * db(low.gain_db), low.corner_hz, low.corner_hz);
        } else if let Some((zero_hz, pole_hz)) = s.low_pair_hz {
            first_order(&mut out, sample_hz, zero_hz, zero_hz, pole_hz);
        }
        out
    }
}

fn db(value: f64) -> f64 {
    10f64.powf(value / 20.0)
}

/// Bilinear image of a real corner: the digital root of an analogue root at -2 pi `hz`.
fn image(hz: f64, rate: f64) -> f64 {
    let w = 2.0 * PI * hz / rate;
    (1.0 - w) / (1.0 + w)
}

/// (zero + s) / ((pole1 + s)(pole2 + s)), scaled so that its gain at 0 Hz is `zero_hz / nominal_zero_hz`.
fn second_order(
    x: &[f64],
    sample_hz: f64,
    zero_hz: f64,
    nominal_zero_hz: f64,
    pole1_hz: f64,
    pole2_hz: f64,
) -> Vec<f64> {
    let rate = 2.0 * sample_hz;
    let (w, w1, w2) = (2.0 * PI * zero_hz, 2.0 * PI * pole1_hz, 2.0 * PI * pole2_hz);
    let (z, p1, p2) = (image(zero_hz, rate), image(pole1_hz, rate), image(pole2_hz, rate));
    let k = w2 * (rate + w) / ((rate + w1) * (rate + w2)) * pole1_hz / nominal_zero_hz;
    // (1 - z q)(1 + q) over (1 - p1 q)(1 - p2 q), q the delay of a sample.
    let (b0, b1, b2) = (k, k * (1.0 - z), -k * z);
    let (a1, a2) = (-(p1 + p2), p1 * p2);
    let (mut s1, mut s2) = (0.0, 0.0);
    x.iter()
        .map(|&x| {
            let y = b0 * x + s1;
            s1 = b1 * x - a1 * y + s2;
            s2 = b2 * x - a2 * y;
            y
        })
        .collect()
}

/// (zero + s) / (pole + s), scaled by `pole / nominal zero`. The script's form has a second pole far beyond everything,
/// which its zero at the Nyquist rate takes away exactly.
fn first_order(x: &mut [f64], sample_hz: f64, zero_hz: f64, nominal_zero_hz: f64, pole_hz: f64) {
    let rate = 2.0 * sample_hz;
    let (w, w1) = (2.0 * PI * zero_hz, 2.0 * PI * pole_hz);
    let (z, p) = (image(zero_hz, rate), image(pole_hz, rate));
    let k = (rate + w) / (rate + w1) * pole_hz / nominal_zero_hz;
    let mut state = 0.0;
    for v in x {
        let y = k * *v + state;
        state = -k * z * *v + p * y;
        *v = y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn setting(g: f64, g2: f64) -> CtleGains {
        CtleGains {
            stage: CtleStage { gain_db: g, zero_hz: 21.25e9, pole1_hz: 21.25e9, pole2_hz: 53.125e9, low_pair_hz: None },
            low: Some(LowStage { gain_db: g2, corner_hz: 0.664e9 }),
        }
    }

    proptest! {
        #[test]
        fn both_forms_agree_well_below_the_sample_rate(g in -20.0..0.0f64, g2 in -6.0..0.0f64, f in 0.01e9..20e9f64) {
            let ctle = setting(g, g2);
            let rate = 53.125e9 * 32.0;
            let mut x = vec![0.0; 60_000];
            x[0] = 1.0;
            let y = ctle.filter(&x, rate);
            let h: Complex64 = y.iter().enumerate()
                .map(|(n, y)| Complex64::from_polar(*y, -2.0 * PI * f * n as f64 / rate)).sum();
            let expected = ctle.gain(f);
            prop_assert!((h - expected).norm() < 2e-3 * expected.norm().max(0.1), "{} {}", h, expected);
            prop_assert!((ctle.powers(&[f])[0] / expected.norm_sqr() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn gain_at_dc_is_the_sum_of_both_gains() {
        assert!((20.0 * setting(-12.0, -3.0).gain(0.0).norm().log10() + 15.0).abs() < 1e-9);
    }
}
