//! Correlations of sampled responses and of receiver noise, in units of the symbols' variance.

use num_complex::Complex64;

use crate::com::parameters::{CtleStage, LowStage};

/// Autocorrelation `sum_n x(n) x(n + lag)` at the first `lags` lags.
pub fn autocorrelation(x: &[f64], lags: usize) -> Vec<f64> {
    (0..lags).map(|lag| if lag < x.len() { inner(&x[..x.len() - lag], &x[lag..]) } else { 0.0 }).collect()
}

/// The same by Fourier transform over `turn` samples where nothing wraps around, which costs less for many lags.
pub fn long_autocorrelation(x: &[f64], lags: usize, turn: usize) -> Vec<f64> {
    if x.len() + lags <= turn && x.len() * lags > 8 * turn {
        correlation_of(&power_spectrum(x, turn), turn, lags)
    } else {
        autocorrelation(x, lags)
    }
}

/// Inner product, in four running sums that can go side by side.
pub fn inner(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for at in 0..4 {
            sums[at] += a[at] * b[at];
        }
    }
    let rest = n / 4 * 4;
    let tail: f64 = a[rest..].iter().zip(&b[rest..]).map(|(a, b)| a * b).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + tail
}

/// Every `step`-th value from `first` on, as many as there are whole steps from `first` to `end`.
pub fn every(x: &[f64], first: usize, end: usize, step: usize) -> Vec<f64> {
    let count = end.min(x.len()).saturating_sub(first) / step.max(1);
    (0..count).map(|at| x[first + at * step]).collect()
}

/// `values` weighted by a transmit equaliser whose own autocorrelation is `taps`: the autocorrelation of a response
/// behind the equaliser from that of the response before it. Needs `taps.len() - 1` lags more than it gives.
pub fn shaped(values: &[f64], taps: &[f64], lags: usize, out: &mut Vec<f64>) {
    out.clear();
    out.resize(lags, 0.0);
    let at = |lag: usize| values.get(lag).copied().unwrap_or(0.0);
    for (shift, &tap) in taps.iter().enumerate() {
        if tap == 0.0 {
            continue;
        }
        for (lag, value) in out.iter_mut().enumerate() {
            *value += if shift == 0 { tap * at(lag) } else { tap * (at(lag + shift) + at(lag.abs_diff(shift))) };
        }
    }
}

/// Noise of the receiver's input behind its filter and continuous-time equaliser, sampled once per symbol.
#[derive(Clone, Debug)]
pub struct ReceiverNoise {
    /// Power of the receiver's filter at every frequency, times eta_0 / 2 in V²/Hz.
    density: Vec<f64>,
    /// Step in Hz.
    step_hz: f64,
    /// Frequencies of the folded spectrum over one turn.
    fold: usize,
    baud_hz: f64,
    symbol_variance: f64,
}

/// Spectrum and correlation of noise, over the variance of the symbols.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// Over the first half turn, frequencies from 0 to half the baud.
    pub spectrum: Vec<f64>,
    /// By lag.
    pub correlation: Vec<f64>,
}

impl ReceiverNoise {
    /// Prepares the density. The filter is the fourth-order Butterworth filter of 93A-20 at `bandwidth_of_baud`: the
    /// annex knows no other in front of a receiver with feed-forward taps, and neither does the script here.
    pub fn new(
        eta0_v2_per_ghz: f64,
        bandwidth_of_baud: f64,
        baud_hz: f64,
        samples_per_ui: usize,
        noise_ui: usize,
        symbol_variance: f64,
    ) -> Self {
        let step_hz = baud_hz / noise_ui as f64;
        let corner = bandwidth_of_baud * baud_hz;
        let density = (0..=noise_ui * samples_per_ui / 2)
            .map(|at| {
                let x = at as f64 * step_hz / corner;
                let gain = Complex64::new(1.0 - 3.414_214 * x * x + x.powi(4), 2.613_126 * (x - x.powi(3)));
                eta0_v2_per_ghz / 2.0 / 1e9 / gain.norm_sqr()
            })
            .collect();
        Self { density, step_hz, fold: noise_ui, baud_hz, symbol_variance }
    }

    /// Noise behind the equaliser with these gains. The corners are those of the first settings, as in the script.
    pub fn folded(&self, stage: &CtleStage, low: Option<&LowStage>, lags: usize) -> Folded {
        let power = |db: f64| 10f64.powf(db / 10.0);
        let (gain, gain_low) = (power(stage.gain_db), low.map_or(1.0, |low| power(low.gain_db)));
        let half = self.fold / 2;
        let scale = self.baud_hz / self.symbol_variance;
        let mut spectrum = vec![0.0; half + 1];
        let mut folded = vec![0.0; self.fold];
        let nyquist = self.density.len() - 1;
        for (at, density) in self.density.iter().enumerate() {
            let f2 = (at as f64 * self.step_hz).powi(2);
            let over = |corner: f64| f2 / (corner * corner);
            let mut value =
                density * (gain + over(stage.zero_hz)) / ((1.0 + over(stage.pole1_hz)) * (1.0 + over(stage.pole2_hz)));
            if let Some(low) = low {
                value *= (gain_low + over(low.corner_hz)) / (1.0 + over(low.corner_hz));
            }
            folded[at % self.fold] += value;
            if at != 0 && at != nyquist {
                folded[(self.fold - at % self.fold) % self.fold] += value;
            }
        }
        for (value, sum) in spectrum.iter_mut().zip(&folded) {
            *value = sum * scale;
        }
        Folded { correlation: correlation_of(&spectrum, self.fold, lags), spectrum }
    }
}

/// Correlation by lag of a spectrum over the first half of `turn` frequencies.
pub fn correlation_of(spectrum: &[f64], turn: usize, lags: usize) -> Vec<f64> {
    let mut half: Vec<Complex64> = spectrum.iter().map(|value| Complex64::new(*value, 0.0)).collect();
    half.resize(turn / 2 + 1, Complex64::default());
    let mut out = vec![0.0; turn];
    let plan = lanewright_fourier::kept(turn).1;
    if plan.process(&mut half, &mut out).is_err() {
        out.fill(f64::NAN);
    }
    (0..lags).map(|lag| out.get(lag).map_or(0.0, |value| value / turn as f64)).collect()
}

/// Power spectrum of a response over the first half of `turn` frequencies.
pub fn power_spectrum(response: &[f64], turn: usize) -> Vec<f64> {
    let mut padded = vec![0.0; turn];
    for (at, value) in response.iter().enumerate() {
        padded[at % turn] += value;
    }
    let mut out = vec![Complex64::default(); turn / 2 + 1];
    let plan = lanewright_fourier::kept(turn).0;
    if plan.process(&mut padded, &mut out).is_err() {
        return vec![f64::NAN; turn / 2 + 1];
    }
    out.iter().map(Complex64::norm_sqr).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shaping_equals_convolution(x in prop::collection::vec(-1.0f64..1.0, 5..40), t in prop::collection::vec(-0.5f64..0.5, 1..5)) {
            let mut convolved = vec![0.0; x.len() + t.len() - 1];
            for (i, x) in x.iter().enumerate() {
                for (j, t) in t.iter().enumerate() {
                    convolved[i + j] += x * t;
                }
            }
            let truth = autocorrelation(&convolved, 12);
            let mut found = Vec::new();
            shaped(&autocorrelation(&x, 12 + t.len() - 1), &autocorrelation(&t, t.len()), 12, &mut found);
            for (a, b) in truth.iter().zip(&found) {
                prop_assert!((a - b).abs() < 1e-12 * 40.0);
            }
        }

        #[test]
        fn spectrum_and_correlation_belong_together(x in prop::collection::vec(-1.0f64..1.0, 1..30)) {
            let back = correlation_of(&power_spectrum(&x, 64), 64, 20);
            for (a, b) in autocorrelation(&x, 20).iter().zip(&back) {
                prop_assert!((a - b).abs() < 1e-12 * 30.0);
            }
            for (a, b) in autocorrelation(&x, 30).iter().zip(long_autocorrelation(&x, 30, 64)) {
                prop_assert!((a - b).abs() < 1e-12 * 30.0);
            }
        }
    }

    #[test]
    fn white_noise_through_the_filter_has_the_filter_s_noise_bandwidth() {
        // A fourth-order Butterworth filter's noise bandwidth is pi/8 / sin(pi/8) of its corner.
        let baud = 100e9;
        let noise = ReceiverNoise::new(8e-9, 0.5, baud, 32, 2048, 1.0);
        let flat = CtleStage { gain_db: 0.0, zero_hz: 1e15, pole1_hz: 1e15, pole2_hz: 1e15, low_pair_hz: None };
        let folded = noise.folded(&flat, None, 4);
        let angle = std::f64::consts::PI / 8.0;
        let truth = 8e-18 * 0.5 * baud * angle / angle.sin();
        assert!((folded.correlation[0] / truth - 1.0).abs() < 1e-5, "{} {truth}", folded.correlation[0]);
    }
}
