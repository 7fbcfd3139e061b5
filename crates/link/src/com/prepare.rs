//! Everything of a package case that does not depend on its equalisers, and everything of a CTLE setting that does not
//! depend on the transmit equaliser.

use crate::com::board::PathKind;
use crate::com::channel::{ChannelSet, DifferentialChannel};
use crate::com::crosstalk::CrosstalkSpectra;
use crate::com::ctle::CtleGains;
use crate::com::filters;
use crate::com::impulse::impulse_response;
use crate::com::parameters::{ComParameters, PackageCase, SequenceDetection};
use crate::com::problem::ComProblem;
use crate::com::sampling::Clock;
use crate::com::transfer::transfer;
use crate::com::tx_ffe::TxGrid;
use num_complex::Complex64;
use rayon::prelude::*;

/// Unit intervals on both sides of the unequalised peak among which equalised peaks are looked for.
const PEAK_WINDOW_UI: usize = 20;

/// A path without equalisation.
#[derive(Clone, Debug)]
pub struct Path {
    /// Victim or aggressor.
    pub kind: PathKind,
    /// Name of its channel.
    pub name: String,
    /// A_v, A_fe or A_ne in V.
    pub amplitude_v: f64,
    /// Transfer function on the channel's frequencies, without amplitude.
    pub transfer: Vec<Complex64>,
    /// Impulse response in V, M samples per unit interval.
    pub impulse: Vec<f64>,
}

/// One package case, ready to be equalised.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    /// Parameters of the evaluation.
    pub parameters: &'a ComParameters,
    /// The case.
    pub case: &'a PackageCase,
    /// Frequencies of all channels in Hz.
    pub frequency_hz: &'a [f64],
    /// The victim first, then far-end, then near-end aggressors.
    pub paths: Vec<Path>,
    /// Per frequency from the second on: eta_0 |Hr|² df in V²; times |Hctf|² it sums to sigma_N².
    pub noise_power: Vec<f64>,
    /// Crosstalk of the figure of merit.
    pub crosstalk: CrosstalkSpectra,
    /// How the sampling instant is found.
    pub clock: Clock,
    /// Settings of the transmit equaliser.
    pub tx_grid: TxGrid,
    /// Settings of the CTLE in the script's order: `(index of g_DC, index of g_DC_HP, gains)`, those that are passed over
    /// left out.
    pub ctle_grid: Vec<(usize, usize, CtleGains)>,
    /// CTLE settings of the whole grid, those that are passed over counted.
    pub ctle_before_limits: usize,
    /// sigma_X: root mean square of a symbol (93A-29).
    pub sigma_x: f64,
}

/// A CTLE setting applied to a case.
#[derive(Clone, Debug)]
pub struct CtleSetting {
    /// The setting.
    pub gains: CtleGains,
    /// The victim's pulse response behind the CTLE, without transmit equaliser, in V.
    pub pulse: Vec<f64>,
    /// sigma_N in V (93A-35).
    pub sigma_n: f64,
    /// Per frequency: weight of |Htx| in V², so that far-end crosstalk is the sum of weight times |Htx|.
    pub fext_weight: Vec<f64>,
    /// Near-end crosstalk in V².
    pub next_sigma2: f64,
}

impl<'a> Prepared<'a> {
    /// Prepares one package case.
    pub fn new(
        parameters: &'a ComParameters,
        channels: &'a ChannelSet,
        case: &'a PackageCase,
    ) -> Result<Self, ComProblem> {
        check(parameters)?;
        let frequency_hz = &channels.victim.frequency_hz;
        let tx_grid = TxGrid::new(&parameters.tx_ffe)?;
        let signal = &parameters.signal;
        let every: Vec<(PathKind, &DifferentialChannel, f64)> =
            std::iter::once((PathKind::Through, &channels.victim, signal.victim_v))
                .chain(channels.fext.iter().map(|c| (PathKind::FarEnd, c, signal.fext_v)))
                .chain(channels.next.iter().map(|c| (PathKind::NearEnd, c, signal.next_v)))
                .collect();
        for (_, channel, _) in &every {
            check_channel(channel, frequency_hz)?;
        }
        let time_step_s = 1.0 / signal.baud_hz / signal.samples_per_ui as f64;
        let paths = every
            .par_iter()
            .map(|&(kind, channel, amplitude_v)| {
                let h = transfer(channel, kind, parameters, case);
                let mut impulse =
                    impulse_response(&h, frequency_hz, time_step_s, parameters.numerics.truncation, &channel.name)?;
                for v in &mut impulse {
                    *v *= amplitude_v;
                }
                Ok(Path { kind, name: channel.name.clone(), amplitude_v, transfer: h, impulse })
            })
            .collect::<Result<Vec<Path>, ComProblem>>()?;

        let levels = f64::from(signal.levels);
        let sigma_x = ((levels * levels - 1.0) / (3.0 * (levels - 1.0).powi(2))).sqrt();
        let of_kind = |kind: PathKind| -> Vec<(&[Complex64], f64)> {
            paths.iter().filter(|p| p.kind == kind).map(|p| (p.transfer.as_slice(), p.amplitude_v)).collect()
        };
        let crosstalk = CrosstalkSpectra::new(
            frequency_hz,
            signal.baud_hz,
            parameters.numerics.crosstalk_band_hz,
            sigma_x * sigma_x,
            &of_kind(PathKind::FarEnd),
            &of_kind(PathKind::NearEnd),
            tx_grid.width,
            tx_grid.cursor,
        );
        let noise_power = frequency_hz
            .windows(2)
            .map(|w| {
                let h = filters::receiver(w[1], &parameters.receive_filter, signal.baud_hz);
                parameters.noise.eta0_v2_per_ghz * h.norm_sqr() * (w[1] - w[0]) / 1e9
            })
            .collect();
        let clock = clock(parameters, &paths[0])?;
        let (ctle_grid, ctle_before_limits) = ctle_grid(parameters);
        if ctle_grid.is_empty() {
            return Err(ComProblem::Parameter {
                row: "g_DC".into(),
                what: "every CTLE setting is excluded by G_Qual or GDC_MIN".into(),
            });
        }
        Ok(Self {
            parameters,
            case,
            frequency_hz,
            paths,
            noise_power,
            crosstalk,
            clock,
            tx_grid,
            ctle_grid,
            ctle_before_limits,
            sigma_x,
        })
    }

    /// Applies a setting of `ctle_grid`.
    pub fn ctle_setting(&self, gains: &CtleGains) -> CtleSetting {
        let impulse = gains.filter(&self.paths[0].impulse, self.sample_hz());
        let pulse = pulse_response(&impulse, self.clock.samples_per_ui);
        let power = gains.powers(self.frequency_hz);
        let sigma_n = self.noise_power.iter().zip(&power[1..]).map(|(n, g)| n * g).sum::<f64>().sqrt();
        let fext_weight = self.crosstalk.far.iter().zip(&power).map(|(x, g)| x * g).collect();
        let next_sigma2 = self.crosstalk.near.iter().zip(&power).map(|(x, g)| x * g).sum();
        CtleSetting { gains: *gains, pulse, sigma_n, fext_weight, next_sigma2 }
    }

    /// Samples per second of all responses.
    pub fn sample_hz(&self) -> f64 {
        self.parameters.signal.baud_hz * self.clock.samples_per_ui as f64
    }

    /// Sampling instants that are tried about the first guess, in samples, in order.
    pub fn adjustments(&self) -> std::ops::RangeInclusive<i32> {
        let (first, last) = self.parameters.sampling.adjustment;
        first..=last
    }

    /// Settings that the grid holds, sampling phases counted.
    pub fn points(&self) -> u64 {
        let phases = self.adjustments().count().max(1) as u64;
        self.ctle_grid.len() as u64 * self.tx_grid.len() as u64 * phases
    }
}

/// Response to a pulse of one unit interval: the sum of the last `samples_per_ui` samples of the impulse response.
pub fn pulse_response(impulse: &[f64], samples_per_ui: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..impulse.len())
        .map(|k| {
            sum += impulse[k];
            if k >= samples_per_ui {
                sum -= impulse[k - samples_per_ui];
            }
            sum
        })
        .collect()
}

fn clock(parameters: &ComParameters, victim: &Path) -> Result<Clock, ComProblem> {
    let m = parameters.signal.samples_per_ui;
    let pulse = pulse_response(&victim.impulse, m);
    let n = pulse.len();
    if n < 4 * m {
        return Err(ComProblem::NoSignal { channel: victim.name.clone() });
    }
    let peak = filters::first_largest(&pulse);
    Ok(Clock {
        samples_per_ui: m,
        first_tap_max: parameters.dfe.max.first().copied().unwrap_or(0.0),
        sampling: parameters.sampling,
        peak_range: peak.saturating_sub(PEAK_WINDOW_UI * m)..=(peak + PEAK_WINDOW_UI * m).min(n - 1),
    })
}

/// Settings in the script's order: g_DC outside, g_DC_HP inside.
fn ctle_grid(parameters: &ComParameters) -> (Vec<(usize, usize, CtleGains)>, usize) {
    let ctle = &parameters.ctle;
    let mut grid = Vec::new();
    let lows: Vec<Option<_>> =
        if ctle.low_stages.is_empty() { vec![None] } else { ctle.low_stages.iter().copied().map(Some).collect() };
    for (i, &stage) in ctle.stages.iter().enumerate() {
        for (j, &low) in lows.iter().enumerate() {
            let inside = |value: f64, (bottom, top): (f64, f64)| value >= bottom && value < top;
            let qualified = low.is_none_or(|low| {
                ctle.qualified.is_empty()
                    || ctle
                        .qualified
                        .iter()
                        .any(|q| inside(low.gain_db, q.low_gain_db) && inside(stage.gain_db, q.gain_db))
            });
            let sum = stage.gain_db + low.map_or(0.0, |l| l.gain_db);
            let too_high = ctle.gain_sum_max_db.is_some_and(|limit| sum > limit);
            if qualified && !too_high {
                grid.push((i, j, CtleGains { stage, low }));
            }
        }
    }
    (grid, ctle.stages.len() * lows.len())
}

/// Refuses parameters that nothing can be worked out from.
fn check(p: &ComParameters) -> Result<(), ComProblem> {
    let refuse = |row: &str, what: &str| Err(ComProblem::Parameter { row: row.into(), what: what.into() });
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if !positive(p.signal.baud_hz) {
        return refuse("f_b", "expected a symbol rate above zero");
    }
    if !(2..=64).contains(&p.signal.levels) {
        return refuse("L", "expected 2 (NRZ), 4 (PAM4) or another number of levels up to 64");
    }
    if !(4..=1024).contains(&p.signal.samples_per_ui) || !p.signal.samples_per_ui.is_multiple_of(2) {
        return refuse("M", "expected an even number of samples per unit interval from 4 to 1024");
    }
    if !(p.signal.detector_error_ratio > 0.0 && p.signal.detector_error_ratio < 0.5) {
        return refuse("DER_0", "expected an error ratio between 0 and 0.5");
    }
    if !positive(p.signal.level_mismatch) || !positive(p.signal.victim_v) {
        return refuse("R_LM, A_v", "expected values above zero");
    }
    if ![p.signal.fext_v, p.signal.next_v].iter().all(|v| v.is_finite() && *v >= 0.0) {
        return refuse("A_fe, A_ne", "expected amplitudes of zero or more");
    }
    if !positive(p.ends.reference_ohm) || !positive(p.ends.termination_ohm.tx) || !positive(p.ends.termination_ohm.rx) {
        return refuse("R_0, R_d", "expected resistances above zero");
    }
    for case in &p.ends.cases {
        for (row, mm, line) in [
            ("z_p (TX)", &case.tx_mm, &p.ends.package.tx),
            ("z_p (FEXT)", &case.fext_mm, &p.ends.package.tx),
            ("z_p (NEXT)", &case.next_mm, &p.ends.package.tx),
            ("z_p (RX)", &case.rx_mm, &p.ends.package.rx),
        ] {
            let bad = mm.iter().enumerate().any(|(stage, l)| {
                !l.is_finite()
                    || *l < 0.0
                    || (*l > 0.0 && !line.impedance_ohm.get(stage).copied().is_some_and(positive))
            });
            if bad {
                return refuse(row, "expected lengths of zero or more, each with an impedance in package_Z_c");
            }
        }
        if !case.tx_snr_db.is_finite() {
            return refuse("SNR_TX", "expected a finite ratio");
        }
        if case.common_mode_v != 0.0 {
            return refuse(
                "AC_CM_RMS",
                "common-mode noise needs the mode conversion of the channel, which is not modelled: set it to 0",
            );
        }
    }
    if !positive(p.receive_filter.bandwidth_of_baud) {
        return refuse("f_r", "expected a share of the baud above zero");
    }
    if let Some((start, end)) = p.receive_filter.raised_cosine_hz
        && !(positive(start) && end > start)
    {
        return refuse("RC_Start, RC_end", "expected the end above the start");
    }
    if p.ctle.stages.is_empty() {
        return refuse("g_DC", "expected one or more gains");
    }
    for s in &p.ctle.stages {
        let pair = s.low_pair_hz.is_none_or(|(z, pole)| positive(z) && positive(pole));
        if !s.gain_db.is_finite() || ![s.zero_hz, s.pole1_hz, s.pole2_hz].iter().all(|v| positive(*v)) || !pair {
            return refuse("g_DC, f_z, f_p1, f_p2", "expected finite gains and corners above zero");
        }
    }
    if p.ctle.low_stages.iter().any(|l| !l.gain_db.is_finite() || !positive(l.corner_hz)) {
        return refuse("g_DC_HP, f_HP_PZ", "expected finite gains and corners above zero");
    }
    if p.dfe.max.len() != p.dfe.min.len() {
        return refuse("b_max, b_min", "expected as many lower as upper limits");
    }
    if p.dfe.max.iter().chain(&p.dfe.min).any(|b| !b.is_finite()) || p.dfe.step < 0.0 {
        return refuse("b_max, b_min, N_b_step", "expected finite limits and a step of zero or more");
    }
    if let Some(f) = p.dfe.floating.as_ref().filter(|f| f.groups > 0) {
        let span = f.last.saturating_sub(p.dfe.max.len());
        if f.taps_per_group == 0 || f.groups.saturating_mul(f.taps_per_group) > span || f.last > 4096 {
            return refuse("N_bg, N_bf, N_f", "the groups do not fit between the fixed taps and N_f");
        }
    }
    if !positive(p.numerics.crosstalk_band_hz) {
        return refuse("f_2", "expected a bandwidth above zero");
    }
    if !(p.numerics.truncation > 0.0 && p.numerics.truncation < 1.0 && positive(p.numerics.bin_v)) {
        return refuse(
            "Impulse response truncation threshold, PDF bin size",
            "expected a share below one and a bin above zero",
        );
    }
    if p.sampling.adjustment.0 > p.sampling.adjustment.1 || p.sampling.adjustment.1 - p.sampling.adjustment.0 > 4096 {
        return refuse("sample_adjustment", "expected the first sample, then the last");
    }
    if !p.noise.eta0_v2_per_ghz.is_finite() || p.noise.eta0_v2_per_ghz < 0.0 {
        return refuse("eta_0", "expected a density of zero or more");
    }
    if p.rx_ffe.is_none() && !matches!(p.sequence_detection, SequenceDetection::None) && p.dfe.max.is_empty() {
        return refuse("MLSE", "sequence detection needs at least one feedback tap");
    }
    Ok(())
}

/// Refuses a channel that cannot be evaluated with the victim's frequencies.
fn check_channel(channel: &DifferentialChannel, frequency_hz: &[f64]) -> Result<(), ComProblem> {
    let name = || channel.name.clone();
    let n = channel.frequency_hz.len();
    if n < super::impulse::FEWEST_POINTS {
        return Err(ComProblem::TooFewPoints { channel: name(), points: n });
    }
    let s = [&channel.s11, &channel.s12, &channel.s21, &channel.s22];
    if s.iter().any(|v| v.len() != n) {
        return Err(ComProblem::Ports {
            channel: name(),
            what: "its parameters are not as many as its frequencies".into(),
        });
    }
    if channel.frequency_hz.iter().any(|f| !f.is_finite()) || s.iter().any(|v| v.iter().any(|x| !x.is_finite())) {
        return Err(ComProblem::NotFinite { channel: name() });
    }
    if let Some(k) = channel.frequency_hz.windows(2).position(|w| w[1] <= w[0]) {
        return Err(ComProblem::NotRising { channel: name(), index: k + 1 });
    }
    if channel.frequency_hz[0] < 0.0 {
        return Err(ComProblem::NotRising { channel: name(), index: 0 });
    }
    // The script allows a difference of one hertz for rounding in files.
    let same =
        n == frequency_hz.len() && channel.frequency_hz.iter().zip(frequency_hz).all(|(a, b)| (a - b).abs() <= 1.0);
    if same { Ok(()) } else { Err(ComProblem::OtherFrequencies { channel: name() }) }
}
