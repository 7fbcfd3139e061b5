//! Eye closure of a linear transmitter: what a host's channel does to light that it modulates without a DSP between.
//!
//! The chain is the host's transmit equaliser, the loss from its bump to the module, the driver with a peaking stage, and
//! the modulator. Its pulse is judged as TDECQ judges (IEEE 802.3 121.8.5): a fourth-order Bessel-Thomson filter at half
//! the symbol rate, a feed-forward equaliser of five taps, and the noise that may still be added until the symbol error
//! ratio is 4.8e-4, against what an ideal transmitter could bear. Residual interference counts by its variance. The same
//! chain continued through a linear receiver, the far host's board and its equaliser gives the signal-to-noise ratio of
//! a wholly linear link.

use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

use crate::reach::law::{LossLaw, NEPER_PER_DB};

/// Samples in a unit interval.
const SAMPLES: usize = 8;
/// Unit intervals of a pulse.
const INTERVALS: usize = 128;
/// Quantile of the symbol error ratio 4.8e-4 of four levels (121.8.5.3: Q_t = 3.414).
const Q_T: f64 = 3.414;
/// Overshoot of the light beyond its outer levels that is allowed (IEEE 802.3cu: 22 %): it keeps a transmitter from
/// passing by peaking alone.
const OVERSHOOT: f64 = 0.22;
/// Variance of four levels whose outer ones are one apart.
const VARIANCE: f64 = 5.0 / 36.0;

/// A linear link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearLink {
    /// Symbol rate in GBd.
    pub baud_gbd: f64,
    /// Loss from the transmitting host's bump to the module at Nyquist, in dB.
    pub near_loss_db: f64,
    /// Loss from the module to the receiving host's bump at Nyquist, in dB.
    pub far_loss_db: f64,
    /// Peaking of the driver at Nyquist that can be had, in dB.
    pub peaking_db: f64,
    /// Bandwidth of driver and modulator in GHz.
    pub bandwidth_ghz: f64,
    /// Signal to noise and distortion of the host's transmitter in dB (SNR_TX of the C2M sheet: 32.5).
    pub transmitter_snr_db: f64,
    /// Peak voltage of the host's transmitter in V (A_v of the C2M sheet: 0.415).
    pub transmitter_v: f64,
    /// Noise at the driver's input in V²/GHz (eta_0 of the C2M sheet for a module: 4.1e-8).
    pub driver_noise_v2_per_ghz: f64,
    /// Relative intensity noise in dB/Hz.
    pub rin_db_per_hz: f64,
    /// Crosstalk of a host's connector against the signal in dB.
    pub crosstalk_db: f64,
}

/// A chain after its transmit settings were chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closure {
    /// Transmitter and dispersion eye closure in dB; infinite when the eye is shut without any noise.
    pub tdecq_db: f64,
    /// Noise enhancement of the reference equaliser.
    pub enhancement: f64,
    /// Peaking of the driver that was best, in dB.
    pub peaking_db: f64,
    /// First precursor and postcursor of the host's transmit equaliser that were best.
    pub transmit_taps: [f64; 2],
}

/// Frequency of a bin in GHz.
fn ghz(bin: usize, baud: f64) -> f64 {
    bin as f64 * baud / INTERVALS as f64
}

/// Fourth-order Bessel-Thomson low-pass with its half-power point at `corner`.
fn bessel(f: f64, corner: f64) -> Complex64 {
    // 105 / (105 + 105 s + 45 s² + 10 s³ + s⁴); |H| is 1/sqrt(2) at s = j 2.113918.
    let s = Complex64::new(0.0, 2.113_917_675 * f / corner);
    Complex64::new(105.0, 0.0) / (s * (s * (s * (s + 10.0) + 45.0) + 105.0) + 105.0)
}

/// First-order peaking: gain one at zero frequency, `db` more at `corner` and above.
fn peaking(f: f64, db: f64, corner: f64) -> Complex64 {
    let gain = 10_f64.powf(db / 20.0);
    let x = Complex64::new(0.0, f / corner);
    // A zero at corner/gain and a pole at the corner; a third of the boost is not reached at the corner itself.
    (Complex64::new(1.0, 0.0) + x * gain) / (Complex64::new(1.0, 0.0) + x)
}

/// A transmission line's transfer for a loss at Nyquist.
fn board(law: &LossLaw, f: f64) -> Complex64 {
    if f <= 0.0 {
        return Complex64::new(1.0, 0.0);
    }
    (-Complex64::new(law.db(f) * NEPER_PER_DB, law.lag(f))).exp()
}

fn law(nyquist: f64, loss_db: f64) -> LossLaw {
    LossLaw::through(&[(nyquist, loss_db.max(0.0))]).unwrap_or_default()
}

/// Pulse response of a transfer function to one symbol, `SAMPLES` in a unit interval.
fn pulse(baud: f64, transfer: impl Fn(f64) -> Complex64) -> Vec<f64> {
    let points = SAMPLES * INTERVALS;
    let mut bins = vec![Complex64::new(0.0, 0.0); points];
    for bin in 0..points / 2 {
        let f = ghz(bin, baud);
        let x = std::f64::consts::PI * f / baud;
        let hold = if bin == 0 { 1.0 } else { x.sin() / x };
        // Delayed by a few intervals, so that the pulse does not wrap round to its end.
        let shift = Complex64::from_polar(1.0, -std::f64::consts::TAU * f / baud * 16.0);
        let value = transfer(f) * hold * shift;
        bins[bin] = value;
        if bin > 0 {
            bins[points - bin] = value.conj();
        }
    }
    lanewright_fourier::invert(&mut bins);
    bins.iter().map(|value| value.re / INTERVALS as f64).collect()
}

/// Share of the outer modulation by which the worst sequence of symbols goes beyond an outer level, over both ends.
fn overshoot(pulse: &[f64]) -> f64 {
    (0..SAMPLES)
        .map(|phase| pulse.iter().skip(phase).step_by(SAMPLES).map(|x| x.abs()).sum::<f64>())
        .fold(0.0, f64::max)
        - 1.0
}

/// Autocorrelation at whole unit intervals of noise with a one-sided density, per GHz.
fn noise(baud: f64, lags: usize, density: impl Fn(f64) -> f64) -> Vec<f64> {
    let step = baud / INTERVALS as f64;
    let values: Vec<f64> = (0..SAMPLES * INTERVALS / 2).map(|bin| density(ghz(bin, baud)) * step).collect();
    (0..lags)
        .map(|lag| {
            values
                .iter()
                .enumerate()
                .map(|(bin, value)| value * (std::f64::consts::TAU * lag as f64 * ghz(bin, baud) / baud).cos())
                .sum()
        })
        .collect()
}

/// Taps, residual interference (variance over the symbol variance), and the cursor's gain at one sampling phase.
struct Equalised {
    taps: DVector<f64>,
    cursor: f64,
    interference: f64,
}

/// Least mean square error taps for samples of a pulse at whole unit intervals; feedback removes the first postcursor.
fn equalise(samples: &[f64], taps: usize, ahead: usize, noise: &[f64], feedback: bool) -> Option<Equalised> {
    let peak = samples.iter().enumerate().max_by(|x, y| x.1.abs().total_cmp(&y.1.abs()))?.0;
    let at = |index: isize| usize::try_from(index).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0.0);
    // Output n is the sum over taps of w[i] x[n - i + ahead]; its response to the symbol at `peak` is the cursor.
    let response = |i: usize, n: isize| at(peak as isize + n - i as isize + ahead as isize);
    let reach = samples.len() as isize;
    let ignored = |n: isize| feedback && n == 1;
    let mut matrix = DMatrix::zeros(taps, taps);
    for i in 0..taps {
        for j in i..taps {
            let sum: f64 =
                (-reach..=reach).filter(|n| !ignored(*n)).map(|n| response(i, n) * response(j, n)).sum::<f64>();
            let value = VARIANCE * sum + noise.get(j - i).copied().unwrap_or(0.0);
            matrix[(i, j)] = value;
            matrix[(j, i)] = value;
        }
        matrix[(i, i)] += 1e-12;
    }
    let cross = DVector::from_fn(taps, |i, _| VARIANCE * response(i, 0));
    let weights = matrix.cholesky()?.solve(&cross);
    let output = |n: isize| (0..taps).map(|i| weights[i] * response(i, n)).sum::<f64>();
    let cursor = output(0);
    let interference = (-reach..=reach).filter(|n| *n != 0 && !ignored(*n)).map(|n| output(n).powi(2)).sum();
    Some(Equalised { taps: weights, cursor, interference })
}

fn filtered(taps: &DVector<f64>, noise: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..taps.len() {
        for j in 0..taps.len() {
            sum += taps[i] * taps[j] * noise.get(i.abs_diff(j)).copied().unwrap_or(0.0);
        }
    }
    sum
}

impl LinearLink {
    fn nyquist(&self) -> f64 {
        self.baud_gbd / 2.0
    }

    /// Transfer from the host's symbols to the light, one at zero frequency.
    fn transmitter(&self, setting: &Setting, near: &LossLaw, f: f64) -> Complex64 {
        self.equalised_host(setting, f) * board(near, f) * self.module(setting, f)
    }

    fn equalised_host(&self, setting: &Setting, f: f64) -> Complex64 {
        let turn = std::f64::consts::TAU * f / self.baud_gbd;
        let [pre, post] = setting.taps;
        let cursor = 1.0 - pre.abs() - post.abs();
        let sum = Complex64::from_polar(pre, turn) + cursor + Complex64::from_polar(post, -turn);
        sum / (pre + cursor + post)
    }

    fn module(&self, setting: &Setting, f: f64) -> Complex64 {
        peaking(f, setting.peaking_db, self.nyquist()) * bessel(f, self.bandwidth_ghz)
    }

    /// Noise on the light in OMA²/GHz: the host's own, the driver's, the connector's crosstalk, and the laser's.
    fn transmitter_noise(&self, setting: &Setting, near: &LossLaw, f: f64) -> f64 {
        let [pre, post] = setting.taps;
        let low = 1.0 - pre.abs() - post.abs() + pre + post;
        let swing = 2.0 * self.transmitter_v * low;
        let hold = {
            let x = std::f64::consts::PI * f / self.baud_gbd;
            if x < 1e-9 { 1.0 } else { (x.sin() / x).powi(2) }
        };
        let signal = VARIANCE / self.nyquist() * hold;
        let own = 10_f64.powf(-self.transmitter_snr_db / 10.0) + 10_f64.powf(-self.crosstalk_db / 10.0);
        signal * own * self.transmitter(setting, near, f).norm_sqr()
            + self.driver_noise_v2_per_ghz / (swing * swing) * self.module(setting, f).norm_sqr()
            + 10_f64.powf(self.rin_db_per_hz / 10.0) * 1e9
    }

    /// Settings that are tried: the taps of the C2M sheet's range in coarse steps, and the driver's peaking.
    fn settings(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        for peaking in [0.0, 0.5, 1.0] {
            for pre in [0.0, -0.06, -0.12, -0.18, -0.24] {
                for post in [0.0, -0.06, -0.12, -0.18] {
                    all.push(Setting { taps: [pre, post], peaking_db: peaking * self.peaking_db });
                }
            }
        }
        all
    }

    /// Closure of the transmitter at its best setting.
    pub fn closure(&self) -> Option<Closure> {
        let near = law(self.nyquist(), self.near_loss_db);
        let receive = |f: f64| bessel(f, self.nyquist());
        let ideal = 1.0 / (6.0 * Q_T);
        // White noise that has an rms of one behind the reference receiver's filter.
        let white = noise(self.baud_gbd, 5, |f| receive(f).norm_sqr());
        let unit: Vec<f64> = white.iter().map(|x| x / white[0]).collect();
        let mut best: Option<Closure> = None;
        for setting in self.settings() {
            let pulse = pulse(self.baud_gbd, |f| self.transmitter(&setting, &near, f) * receive(f));
            if overshoot(&pulse) > OVERSHOOT {
                continue;
            }
            let own = noise(self.baud_gbd, 5, |f| self.transmitter_noise(&setting, &near, f) * receive(f).norm_sqr());
            for phase in 0..SAMPLES {
                let samples: Vec<f64> = pulse.iter().skip(phase).step_by(SAMPLES).copied().collect();
                // The equaliser is found for about the noise that the transmitter can bear.
                let assumed: Vec<f64> = (0..5).map(|lag| own[lag] + 0.4 * ideal * ideal * unit[lag]).collect();
                for ahead in [1, 2] {
                    let Some(found) = equalise(&samples, 5, ahead, &assumed, false) else { continue };
                    let bearable =
                        (found.cursor * ideal).powi(2) - VARIANCE * found.interference - filtered(&found.taps, &own);
                    let enhancement = filtered(&found.taps, &unit).sqrt();
                    let tdecq_db = if bearable > 0.0 {
                        -10.0 * (bearable.sqrt() / enhancement / ideal).log10()
                    } else {
                        f64::INFINITY
                    };
                    if best.as_ref().is_none_or(|b| tdecq_db < b.tdecq_db) {
                        best = Some(Closure {
                            tdecq_db,
                            enhancement: enhancement / found.cursor,
                            peaking_db: setting.peaking_db,
                            transmit_taps: setting.taps,
                        });
                    }
                }
            }
        }
        best
    }

    /// Signal-to-noise ratio in dB at the far host's slicer when the receiver is linear too: a receiver of the given
    /// sensitivity in dBm at a received OMA in dBm, and the host's equaliser of `taps` taps and one of feedback.
    /// `retimed` takes the light of a DSP at the near end, with its closure in dB, in place of a linear transmitter.
    pub fn received_snr_db(
        &self,
        received_dbm: f64,
        sensitivity_dbm: f64,
        host: &HostReceiver,
        closure: Option<&Closure>,
        retimed_closure_db: f64,
    ) -> Option<f64> {
        let retimed = closure.is_none();
        let setting = closure.map_or(Setting { taps: [0.0, 0.0], peaking_db: 0.0 }, |found| Setting {
            taps: found.transmit_taps,
            peaking_db: found.peaking_db,
        });
        let near = law(self.nyquist(), if retimed { 0.0 } else { self.near_loss_db });
        let far = law(self.nyquist(), self.far_loss_db);
        // The closure of a retimed transmitter holds its bandwidth and its laser's noise already.
        let light = |f: f64| {
            if retimed { Complex64::new(1.0, 0.0) } else { self.transmitter(&setting, &near, f) }
        };
        let rest = |f: f64| bessel(f, self.bandwidth_ghz) * board(&far, f);
        // Sensitivity is that of an ideal transmitter: an rms of OMA / (6 Q_t) behind the reference filter. All noise
        // is referred to an OMA of one; light counts twice in dB.
        let reference: f64 = noise(self.baud_gbd, 1, |f| bessel(f, self.nyquist()).norm_sqr())[0];
        let weaker = 10_f64.powf((sensitivity_dbm - received_dbm) / 10.0) / (6.0 * Q_T);
        let thermal = weaker * weaker / reference;
        let lags = host.taps;
        let slicer = noise(self.baud_gbd, lags, |f| {
            let sent = if retimed { 0.0 } else { self.transmitter_noise(&setting, &near, f) };
            let crosstalk = VARIANCE / self.nyquist() * 10_f64.powf(-self.crosstalk_db / 10.0) * light(f).norm_sqr();
            let swing = 2.0 * host.input_v;
            let through = rest(f).norm_sqr();
            let filter = bessel(f, 0.75 * self.baud_gbd).norm_sqr();
            ((sent + thermal + crosstalk) * through + host.noise_v2_per_ghz / (swing * swing)) * filter
        });
        let pulse = pulse(self.baud_gbd, |f| light(f) * rest(f) * bessel(f, 0.75 * self.baud_gbd));
        let mut best: Option<f64> = None;
        for phase in 0..SAMPLES {
            let samples: Vec<f64> = pulse.iter().skip(phase).step_by(SAMPLES).copied().collect();
            let Some(found) = equalise(&samples, host.taps, host.taps / 3, &slicer, true) else { continue };
            let below = VARIANCE * found.interference + filtered(&found.taps, &slicer);
            let snr = 10.0 * (VARIANCE * found.cursor * found.cursor / below.max(1e-30)).log10();
            if best.is_none_or(|b| snr > b) {
                best = Some(snr);
            }
        }
        best.map(|snr| if retimed { snr - 2.0 * retimed_closure_db.max(0.0) } else { snr })
    }
}

/// A setting of the transmitter.
struct Setting {
    taps: [f64; 2],
    peaking_db: f64,
}

/// The far host's receiver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostReceiver {
    /// Taps of its feed-forward equaliser.
    pub taps: usize,
    /// Peak voltage of the module's output in V.
    pub input_v: f64,
    /// Noise at its input in V²/GHz (eta_0 of the 802.3ck sheets: 8.2e-9).
    pub noise_v2_per_ghz: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(loss: f64) -> LinearLink {
        LinearLink {
            baud_gbd: 53.125,
            near_loss_db: loss,
            far_loss_db: loss,
            peaking_db: 6.0,
            bandwidth_ghz: 40.0,
            transmitter_snr_db: 32.5,
            transmitter_v: 0.415,
            driver_noise_v2_per_ghz: 4.1e-8,
            rin_db_per_hz: -136.0,
            crosstalk_db: 36.0,
        }
    }

    #[test]
    fn half_power_of_the_filter_is_at_its_corner() {
        assert!((bessel(20.0, 20.0).norm_sqr() - 0.5).abs() < 1e-6);
        assert_eq!(bessel(0.0, 20.0), Complex64::new(1.0, 0.0));
    }

    /// A symbol's pulse, summed over all unit intervals, is the level that a long run of it reaches: one.
    #[test]
    fn pulses_sum_to_the_level_of_a_long_run() {
        let near = law(26.5625, 8.0);
        let link = link(8.0);
        let setting = Setting { taps: [-0.06, -0.06], peaking_db: 3.0 };
        let pulse = pulse(53.125, |f| link.transmitter(&setting, &near, f));
        for phase in 0..SAMPLES {
            let sum: f64 = pulse.iter().skip(phase).step_by(SAMPLES).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
    }

    /// A transmitter without loss, noise or limits of bandwidth hardly closes the eye: what is left is the reference
    /// receiver's own filter.
    #[test]
    fn an_ideal_transmitter_has_almost_no_closure() {
        let ideal = LinearLink {
            bandwidth_ghz: 400.0,
            transmitter_snr_db: 80.0,
            driver_noise_v2_per_ghz: 0.0,
            rin_db_per_hz: -180.0,
            crosstalk_db: 80.0,
            ..link(0.0)
        };
        let closure = ideal.closure().expect("a closure");
        assert!((-0.6..0.8).contains(&closure.tdecq_db), "{closure:?}");
    }

    #[test]
    fn more_loss_closes_the_eye_more() {
        let closures: Vec<f64> =
            [0.0, 6.0, 10.0, 14.0, 20.0].map(|loss| link(loss).closure().expect("a closure").tdecq_db).to_vec();
        assert!(closures.windows(2).all(|w| w[0] < w[1] + 0.05), "{closures:?}");
        assert!(closures[4] > closures[0] + 1.5, "{closures:?}");
    }
}
