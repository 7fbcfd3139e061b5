//! From a transfer function on a channel's own frequencies to an impulse response on the time grid.
//!
//! The numerical path of the task force's script is followed step by step, because its answers depend on it: magnitude
//! and phase are interpolated apart, each with its own extrapolation (script functions `interp_Sparam` with
//! `linear_trend_to_DC` and `extrap_cubic_to_dc_linear_to_inf`, and `s21_to_impulse_DC`).

use crate::com::problem::ComProblem;
use num_complex::Complex64;
use std::f64::consts::PI;

/// Fewest frequencies that the trends of the phase can be taken from: fifty group delays.
pub const FEWEST_POINTS: usize = 52;

/// Samples at the low and at the high end whose group delays give the trends.
const LOW_DELAYS: usize = 50;
const HIGH_DELAYS: usize = 51;
/// Samples at the low end whose phase is taken from the trend, and whose magnitude gives the value at 0 Hz.
const LOW_POINTS: usize = 10;

/// Impulse response with `1 / time_step_s` samples a second, cut after its last sample above `truncation` of its peak.
pub fn impulse_response(
    transfer: &[Complex64],
    frequency_hz: &[f64],
    time_step_s: f64,
    truncation: f64,
    name: &str,
) -> Result<Vec<f64>, ComProblem> {
    if transfer.len() < FEWEST_POINTS || transfer.len() != frequency_hz.len() {
        return Err(ComProblem::TooFewPoints { channel: name.to_owned(), points: transfer.len() });
    }
    let top_hz = 1.0 / time_step_s / 2.0;
    let step_hz = frequency_hz[2] - frequency_hz[1];
    let bins = (top_hz / step_hz).round();
    if !(4.0..=5e7).contains(&bins) {
        return Err(ComProblem::TooCoarse { channel: name.to_owned(), step_hz, limit_hz: top_hz / 4.0 });
    }
    let bins = bins as usize;
    let step_hz = top_hz / bins as f64;
    let mut spectrum = interpolate(transfer, frequency_hz, step_hz, bins, name)?;
    spectrum[0].im = 0.0;
    spectrum[bins].im = 0.0;
    let mut impulse = vec![0.0; 2 * bins];
    lanewright_fourier::inverse(2 * bins)
        .process(&mut spectrum, &mut impulse)
        .map_err(|_| ComProblem::NotFinite { channel: name.to_owned() })?;
    let scale = 1.0 / (2 * bins) as f64;
    for v in &mut impulse {
        *v *= scale;
    }
    let peak = impulse.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    if !(peak > 0.0 && peak.is_finite()) {
        return Err(ComProblem::NoSignal { channel: name.to_owned() });
    }
    let last = impulse.iter().rposition(|v| v.abs() > peak * truncation).unwrap_or(0);
    impulse.truncate(last + 1);
    Ok(impulse)
}

/// Steps of a turning phasor by products, before rounding is taken out of it.
const TURNS: u32 = 64;

/// The transfer function at 0, step, 2 step, .. `bins` step.
fn interpolate(
    transfer: &[Complex64],
    fin: &[f64],
    step_hz: f64,
    bins: usize,
    name: &str,
) -> Result<Vec<Complex64>, ComProblem> {
    let n = fin.len();
    let top_hz = step_hz * bins as f64;
    let magnitude: Vec<f64> = transfer.iter().map(|h| h.norm().max(f64::EPSILON)).collect();
    let mut phase: Vec<f64> = transfer.iter().map(|h| h.arg()).collect();
    unwrap(&mut phase);
    if magnitude.iter().chain(&phase).any(|v| !v.is_finite()) {
        return Err(ComProblem::NotFinite { channel: name.to_owned() });
    }
    if phase[n - 1] > phase[0] {
        return Err(ComProblem::AntiCausal { channel: name.to_owned() });
    }

    let dc = (fin[0] > 0.0).then(|| Line::fit(&fin[..LOW_POINTS], &magnitude[..LOW_POINTS]).at(0.0));
    let top = (fin[n - 1] < top_hz).then(|| {
        // The script's `round` goes away from zero at a half, and its indices start at one.
        let middle = n.div_ceil(2) - 1;
        let trend = Line::fit(&fin[middle..], &magnitude[middle..]).at(top_hz);
        if trend > magnitude[n - 1] { magnitude[n - 1] } else { trend.max(f64::EPSILON) }
    });

    // Phase below the data follows the trend of the first group delays, above it that of the last.
    let mut high_slope = None;
    if fin[0] != 0.0 {
        let delay: Vec<f64> = (1..n).map(|k| -(phase[k] - phase[k - 1]) / (fin[k] - fin[k - 1])).collect();
        let low_trend = trend(&delay[..LOW_DELAYS]);
        for k in (0..LOW_POINTS).rev() {
            phase[k] = phase[k + 1] + low_trend * (fin[k + 1] - fin[k]);
        }
        high_slope = Some(-trend(&delay[delay.len() - HIGH_DELAYS..]));
    }

    let mut out = Vec::with_capacity(bins + 1);
    let mut right = 1; // fin[right - 1] <= f < fin[right], kept inside the data
    let mut above: Option<(f64, f64)> = None; // frequency and phase of the last sample inside the data
    // Above the data the phase is a straight line: a turn by one step is a product, taken anew now and then.
    let line = high_slope.unwrap_or((phase[n - 1] - phase[n - 2]) / (fin[n - 1] - fin[n - 2]));
    let turn = Complex64::from_polar(1.0, line * step_hz);
    let (mut unit, mut turned) = (Complex64::new(1.0, 0.0), TURNS);
    for k in 0..=bins {
        let f = step_hz * k as f64;
        while right + 1 < n && f >= fin[right] {
            right += 1;
        }
        let (f0, f1) = (fin[right - 1], fin[right]);
        let share = (f - f0) / (f1 - f0);
        let mut angle = phase[right - 1] + share * (phase[right] - phase[right - 1]);
        let mut level = magnitude[right - 1] + share * (magnitude[right] - magnitude[right - 1]);
        if f < fin[0] {
            let dc = dc.unwrap_or(magnitude[0]);
            level = dc + f / fin[0] * (magnitude[0] - dc);
        } else if f > fin[n - 1] {
            if let Some(top) = top {
                level = magnitude[n - 1] + (f - fin[n - 1]) / (top_hz - fin[n - 1]) * (top - magnitude[n - 1]);
            }
            if let (Some(slope), Some((f_last, last))) = (high_slope, above) {
                angle = last + (f - f_last) * slope;
            }
        }
        if f <= fin[n - 1] {
            above = Some((f, angle));
        }
        if f > fin[n - 1] && turned < TURNS {
            unit *= turn;
            turned += 1;
        } else {
            unit = Complex64::from_polar(1.0, angle);
            turned = if f > fin[n - 1] { 0 } else { TURNS };
        }
        out.push(unit * level);
    }
    Ok(out)
}

/// Takes jumps of more than half a turn out of a phase.
fn unwrap(phase: &mut [f64]) {
    let mut turns = 0.0;
    let mut before = phase.first().copied().unwrap_or(0.0);
    for p in phase.iter_mut().skip(1) {
        let raw = *p;
        let jump = raw - before;
        if jump > PI {
            turns -= 2.0 * PI;
        } else if jump < -PI {
            turns += 2.0 * PI;
        }
        before = raw;
        *p = raw + turns;
    }
}

/// Mean of the values within one standard deviation of their median.
fn trend(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 };
    let mean = values.iter().sum::<f64>() / n;
    let sigma = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let kept: Vec<f64> = values.iter().copied().filter(|v| (v - median).abs() < sigma).collect();
    // A perfectly straight phase has no spread, and then nothing is within it.
    if kept.is_empty() { median } else { kept.iter().sum::<f64>() / kept.len() as f64 }
}

/// A straight line through points, by least squares.
struct Line {
    centre: f64,
    level: f64,
    slope: f64,
}

impl Line {
    fn fit(x: &[f64], y: &[f64]) -> Self {
        let n = x.len() as f64;
        let centre = x.iter().sum::<f64>() / n;
        let level = y.iter().sum::<f64>() / n;
        let (mut xy, mut xx) = (0.0, 0.0);
        for (x, y) in x.iter().zip(y) {
            xy += (x - centre) * (y - level);
            xx += (x - centre) * (x - centre);
        }
        Self { centre, level, slope: if xx > 0.0 { xy / xx } else { 0.0 } }
    }

    fn at(&self, x: f64) -> f64 {
        self.level + self.slope * (x - self.centre)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delay_line(seconds: f64, from_hz: f64) -> (Vec<f64>, Vec<Complex64>) {
        let f: Vec<f64> = (0..4000).map(|k| from_hz + 10e6 * k as f64).collect();
        let h = f.iter().map(|f| Complex64::from_polar((-f / 20e9).exp(), -2.0 * PI * f * seconds)).collect();
        (f, h)
    }

    #[test]
    fn a_delay_comes_out_where_it_is() {
        for from_hz in [0.0, 10e6, 50e6] {
            let (f, h) = delay_line(1e-9, from_hz);
            let ir = impulse_response(&h, &f, 1e-9 / 800.0, 1e-3, "line").expect("a plain line");
            let peak = (0..ir.len()).max_by(|&a, &b| ir[a].total_cmp(&ir[b])).expect("not empty");
            assert_eq!(peak, 800, "from {from_hz}");
            // Its sum is its gain at 0 Hz, but for what the cut takes away.
            assert!((ir.iter().sum::<f64>() - 1.0).abs() < 0.05, "{}", ir.iter().sum::<f64>());
        }
    }

    #[test]
    fn a_response_that_comes_before_its_cause_is_refused() {
        let (f, h) = delay_line(-1e-9, 10e6);
        assert!(matches!(impulse_response(&h, &f, 1e-12, 1e-3, "x"), Err(ComProblem::AntiCausal { .. })));
    }

    #[test]
    fn short_or_broken_data_are_refused() {
        let (f, mut h) = delay_line(1e-9, 10e6);
        assert!(matches!(
            impulse_response(&h[..20], &f[..20], 1e-12, 1e-3, "x"),
            Err(ComProblem::TooFewPoints { points: 20, .. })
        ));
        h[7].re = f64::NAN;
        assert!(matches!(impulse_response(&h, &f, 1e-12, 1e-3, "x"), Err(ComProblem::NotFinite { .. })));
    }

    proptest! {
        #[test]
        fn unwrapping_brings_back_a_straight_phase(slope in -3.0..3.0f64, n in 2usize..300) {
            let straight: Vec<f64> = (0..n).map(|k| slope * k as f64).collect();
            let mut wrapped: Vec<f64> = straight.iter().map(|p| Complex64::from_polar(1.0, *p).arg()).collect();
            unwrap(&mut wrapped);
            let offset = wrapped[0] - straight[0];
            for (w, s) in wrapped.iter().zip(&straight) {
                prop_assert!((w - s - offset).abs() < 1e-9);
            }
        }
    }
}
