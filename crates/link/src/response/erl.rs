//! Effective return loss (ERL) of both ports of a channel (93A.5), step by step as the task force's script 4.50 works it
//! out (`get_TDR`): its answers depend on the numerical path.
//!
//! A pulse is sent into a port through a transition of `TR_TDR`; what comes back is weighted by how much of it the
//! receiver at that port would take for its own (fixture before `tfx`, equalised part up to `N_bx`), and the
//! distribution of its samples at the worst phase gives the amplitude that is exceeded with probability DER_0. ERL is that
//! amplitude in dB below the pulse.

use num_complex::Complex64;

use crate::com::channel::DifferentialChannel;
use crate::com::distribution::Distribution;
use crate::com::filters;
use crate::com::impulse::impulse_response;
use crate::com::package::{End, package};
use crate::com::parameters::{ComParameters, Erl, ReceiveFilter};
use crate::com::problem::ComProblem;
use crate::com::two_port::Point;

/// Delay that the script puts before a reflection, so that what the extrapolation smears forward stays in the record.
const LEAD_S: f64 = 500e-12;
/// Differential reference of the data, in ohm.
const REFERENCE_OHM: f64 = 100.0;
/// `T_k`: time over which the impedance of a port is averaged, with an exponential weight, in s.
const AVERAGE_S: f64 = 0.6e-9;
/// `TDR_duration`: length of the record in transit times, where `N` is 0.
const TRANSITS: f64 = 5.0;
/// The impulse response is cut after its last sample above this share of its peak.
const TRUNCATION: f64 = 1e-5;

/// Effective return loss of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ErlOutcome {
    /// ERL that the limit is for, in dB: of the worse port, or of the receiver's alone where the sheet has the transmitter's
    /// package in front of it.
    pub erl_db: f64,
    /// The transmitter's port.
    pub port1: PortOutcome,
    /// The receiver's port.
    pub port2: PortOutcome,
}

/// One port.
#[derive(Clone, Debug, PartialEq)]
pub struct PortOutcome {
    /// ERL in dB; infinite where no sample of the reflection reaches a bin of the distribution.
    pub erl_db: f64,
    /// Average impedance near the port in ohm, differential.
    pub impedance_ohm: f64,
    /// Instants of the traces in s, from the port.
    pub time_s: Vec<f64>,
    /// Differential impedance against time in ohm.
    pub tdr_ohm: Vec<f64>,
    /// Weighted reflection of a pulse of one unit interval and 1 V.
    pub reflection: Vec<f64>,
    /// Index of the first sample of the worst phase in `reflection`.
    pub worst_phase: usize,
}

/// What the return loss needs to know of the rest of a sheet.
#[derive(Clone, Copy, Debug)]
pub struct ErlSetting<'a> {
    /// f_b in baud.
    pub baud_hz: f64,
    /// M: samples per unit interval.
    pub samples_per_ui: usize,
    /// L: levels.
    pub levels: u32,
    /// DER_0.
    pub detector_error_ratio: f64,
    /// f_r as a share of the baud.
    pub bandwidth_of_baud: f64,
    /// Bin of amplitude distributions in V; ten times as much is used here, as in the script.
    pub bin_v: f64,
    /// Transmitter's termination in ohm, single-ended, and its package; used with [`Erl::with_tx_package`] alone.
    pub transmitter: Option<(f64, End<'a>)>,
}

impl<'a> ErlSetting<'a> {
    /// From the parameters of an evaluation; the package is that of the first case.
    pub fn of(parameters: &'a ComParameters) -> Self {
        let ends = &parameters.ends;
        let package = ends.cases.first().map(|case| End {
            die: &ends.die.tx,
            bump_f: ends.bump_f.tx,
            via_f: ends.via_f.tx,
            ball_f: ends.ball_f.tx,
            line: &ends.package.tx,
            length_mm: &case.tx_mm,
            reference_ohm: ends.reference_ohm,
        });
        Self {
            baud_hz: parameters.signal.baud_hz,
            samples_per_ui: parameters.signal.samples_per_ui,
            levels: parameters.signal.levels,
            detector_error_ratio: parameters.signal.detector_error_ratio,
            bandwidth_of_baud: parameters.receive_filter.bandwidth_of_baud,
            bin_v: parameters.numerics.bin_v,
            transmitter: package.map(|package| (ends.termination_ohm.tx, package)),
        }
    }

    fn time_step_s(&self) -> f64 {
        1.0 / self.baud_hz / self.samples_per_ui as f64
    }
}

/// Works out the effective return loss of both ports.
///
/// # Errors
/// Where the channel's data cannot be taken to the time domain, or a parameter makes no sense.
pub fn evaluate(channel: &DifferentialChannel, setting: &ErlSetting<'_>, erl: &Erl) -> Result<ErlOutcome, ComProblem> {
    check(channel, setting, erl)?;
    let points: Vec<Point> = (0..channel.frequency_hz.len())
        .map(|k| Point { s11: channel.s11[k], s12: channel.s12[k], s21: channel.s21[k], s22: channel.s22[k] })
        .collect();
    let behind = if erl.with_tx_package { with_package(channel, &points, setting)? } else { points };
    let second_fixture = if erl.automatic_fixture_delay {
        2.0 * transit(channel, &channel.s12, setting)?
    } else {
        erl.fixture_delay_s.rx
    };
    let length_s = if erl.duration_ui > 0.0 {
        erl.duration_ui / setting.baud_hz
    } else {
        let s21: Vec<Complex64> = behind.iter().map(|p| p.s21).collect();
        transit(channel, &s21, setting)? * TRANSITS + LEAD_S
    };
    let port1 = port(channel, &behind, setting, erl, erl.fixture_delay_s.tx, length_s)?;
    let turned: Vec<Point> = behind.iter().map(Point::reversed).collect();
    let port2 = port(channel, &turned, setting, erl, second_fixture, length_s)?;
    let erl_db = if erl.with_tx_package { port2.erl_db } else { port1.erl_db.min(port2.erl_db) };
    Ok(ErlOutcome { erl_db, port1, port2 })
}

fn check(channel: &DifferentialChannel, setting: &ErlSetting<'_>, erl: &Erl) -> Result<(), ComProblem> {
    let n = channel.frequency_hz.len();
    if [&channel.s11, &channel.s12, &channel.s21, &channel.s22].iter().any(|trace| trace.len() != n) {
        return Err(ComProblem::TooFewPoints { channel: channel.name.clone(), points: 0 });
    }
    if let Some(index) = (1..n).find(|k| channel.frequency_hz[*k] <= channel.frequency_hz[k - 1]) {
        return Err(ComProblem::NotRising { channel: channel.name.clone(), index });
    }
    let (positive, known) = (f64::MIN_POSITIVE..f64::MAX, 0.0..1e-6);
    let delay = erl.fixture_delay_s;
    let corner = setting.bandwidth_of_baud;
    let rules = [
        (positive.contains(&setting.baud_hz), "f_b", "expected a rate above zero"),
        ((1..=4096).contains(&setting.samples_per_ui), "M", "expected 1 to 4096 samples per unit interval"),
        (setting.levels >= 2, "L", "expected two levels or more"),
        (
            setting.detector_error_ratio > 0.0 && setting.detector_error_ratio < 1.0,
            "DER_0",
            "expected a probability between 0 and 1",
        ),
        (positive.contains(&setting.bin_v), "PDF bin size", "expected a width above zero"),
        (erl.transition_s > 0.0 && erl.transition_s < 1e-6, "TR_TDR", "expected a time above zero and below 1000 ns"),
        (positive.contains(&erl.source_ohm), "Z_t", "expected an impedance above zero"),
        ((0.0..1e7).contains(&erl.duration_ui), "N", "expected a number of unit intervals"),
        ((0.0..1e7).contains(&erl.equalised_ui), "N_bx", "expected a number of unit intervals"),
        (erl.beta_hz.is_finite(), "beta_x", "expected a number"),
        (erl.rho.is_finite(), "rho_x", "expected a number"),
        (
            known.contains(&delay.tx) && (known.contains(&delay.rx) || erl.automatic_fixture_delay),
            "fixture delay time",
            "expected times from 0 to 1000 ns, one per port; -1, a delay found from a test fixture, is for packages alone",
        ),
        (
            !erl.tukey_window || (corner > 0.0 && corner < 1.0),
            "f_r",
            "expected a share of the baud below 1, for the Tukey window",
        ),
        (!erl.butterworth || positive.contains(&corner), "f_r", "expected a share of the baud above zero"),
    ];
    match rules.into_iter().find(|(holds, ..)| !holds) {
        None => Ok(()),
        Some((_, row, what)) => Err(ComProblem::Parameter { row: row.into(), what: what.into() }),
    }
}

/// Transit time of a trace in s: peak of its impulse response behind the receiver's filter at 0.75 f_b (`get_RAW_FIR`).
fn transit(channel: &DifferentialChannel, trace: &[Complex64], setting: &ErlSetting<'_>) -> Result<f64, ComProblem> {
    let filter =
        ReceiveFilter { bandwidth_of_baud: 0.75, butterworth: true, bessel_thomson: false, raised_cosine_hz: None };
    let f = &channel.frequency_hz;
    let filtered: Vec<Complex64> =
        trace.iter().zip(f).map(|(s, hz)| s * filters::receiver(*hz, &filter, setting.baud_hz)).collect();
    let time_step = setting.time_step_s();
    let response = impulse_response(&filtered, f, time_step, TRUNCATION, &channel.name)?;
    Ok(filters::first_largest(&response) as f64 * time_step)
}

/// The channel behind the transmitter's package and termination. The script keeps the bare channel's SDD11, since only
/// the receiver's port is looked at.
fn with_package(
    channel: &DifferentialChannel,
    points: &[Point],
    setting: &ErlSetting<'_>,
) -> Result<Vec<Point>, ComProblem> {
    let Some((termination_ohm, end)) = &setting.transmitter else {
        return Err(ComProblem::Parameter { row: "z_p select".into(), what: "expected a package case".into() });
    };
    let tx = package(&channel.frequency_hz, end);
    // `SL`: what brings the reference of 100 ohm to the termination is in series or in parallel.
    let ohm = 2.0 * termination_ohm;
    let load = if ohm > REFERENCE_OHM {
        let z = (ohm - REFERENCE_OHM) / REFERENCE_OHM;
        let (s11, s21) = (Complex64::from(z / (z + 2.0)), Complex64::from(2.0 / (z + 2.0)));
        Point { s11, s12: s21, s21, s22: s11 }
    } else if ohm < REFERENCE_OHM {
        let y = (REFERENCE_OHM - ohm) / ohm;
        let (s11, s21) = (Complex64::from(-y / (y + 2.0)), Complex64::from(2.0 / (y + 2.0)));
        Point { s11, s12: s21, s21, s22: s11 }
    } else {
        Point::THROUGH
    };
    Ok(points.iter().zip(&tx).map(|(bare, tx)| Point { s11: bare.s11, ..load.then(&tx.then(bare)) }).collect())
}

/// Reflection at port 1 where both ports are referred to `ohm` instead of 100 ohm.
fn renormalised(p: &Point, ohm: f64) -> Complex64 {
    let r = Complex64::from((ohm - REFERENCE_OHM) / (ohm + REFERENCE_OHM));
    let one = Complex64::ONE;
    let (a, b) = (p.s11 - r, one - r * p.s22);
    (a * b + r * p.s12 * p.s21) / ((one - r * p.s11) * b - r * r * p.s12 * p.s21)
}

fn port(
    channel: &DifferentialChannel,
    points: &[Point],
    setting: &ErlSetting<'_>,
    erl: &Erl,
    fixture_s: f64,
    length_s: f64,
) -> Result<PortOutcome, ComProblem> {
    let (baud, per_ui) = (setting.baud_hz, setting.samples_per_ui);
    let f = &channel.frequency_hz;
    let corner = setting.bandwidth_of_baud;
    let filter = ReceiveFilter {
        bandwidth_of_baud: corner,
        butterworth: erl.butterworth,
        bessel_thomson: false,
        raised_cosine_hz: erl.tukey_window.then_some((corner * baud, baud)),
    };
    let wave: Vec<Complex64> = points
        .iter()
        .zip(f)
        .map(|(p, hz)| {
            let lead = Complex64::from_polar(1.0, -2.0 * std::f64::consts::PI * hz * LEAD_S);
            renormalised(p, 2.0 * erl.source_ohm)
                * filters::transition(*hz, erl.transition_s)
                * lead
                * filters::receiver(*hz, &filter, baud)
        })
        .collect();
    let time_step = setting.time_step_s();
    let mut impulse = impulse_response(&wave, f, time_step, TRUNCATION, &channel.name)?;
    // The script's clock: the data's own step times the length of the transform.
    let step_hz = f[2] - f[1];
    let length = 2.0 * (1.0 / time_step / 2.0 / step_hz).round();
    let clock = |k: usize| k as f64 / (step_hz * length) - LEAD_S;
    let first = |from: usize, to: usize, at: f64| (from..to).find(|k| clock(*k) >= at);
    let n = impulse.len();
    let end = first(0, n, length_s + fixture_s).map_or(n, |k| k + 1);
    let start = first(0, end, erl.transition_s).filter(|start| start + 1 < end).unwrap_or(0);
    impulse.truncate(end);
    impulse.drain(..start);
    let time_s: Vec<f64> = (start..end).map(clock).collect();
    let step: Vec<f64> = impulse
        .iter()
        .scan(0.0, |sum, h| {
            *sum += h;
            Some(*sum)
        })
        .collect();
    let tdr_ohm: Vec<f64> = step.iter().map(|p| (1.0 + p) / (1.0 - p) * 2.0 * erl.source_ohm).collect();
    let mut reflection: Vec<f64> =
        (0..step.len()).map(|k| step[k] - if k >= per_ui { step[k - per_ui] } else { 0.0 }).collect();
    weigh(&mut reflection, &time_s, erl, fixture_s, baud);
    let phases = per_ui.min(reflection.len()).max(1);
    let power: Vec<f64> =
        (0..phases).map(|phase| reflection.iter().skip(phase).step_by(per_ui).map(|v| v * v).sum()).collect();
    let worst_phase = filters::first_largest(&power);
    let samples = reflection.iter().skip(worst_phase).step_by(per_ui).copied();
    // The script takes ten times the bin of the sheet here.
    let bin_v = setting.bin_v * 10.0;
    let total: f64 = samples.clone().map(f64::abs).sum();
    if total.is_nan() || total / bin_v > 1e8 {
        return Err(ComProblem::NotFinite { channel: channel.name.clone() });
    }
    let distribution = Distribution::of_symbols(samples, setting.levels, bin_v);
    let amplitude = -distribution.lower_quantile_v(setting.detector_error_ratio);
    let settled = first(0, end, 3.0 * erl.transition_s).unwrap_or(0);
    Ok(PortOutcome {
        erl_db: -20.0 * amplitude.abs().log10(),
        impedance_ohm: average(&time_s, &tdr_ohm, settled),
        time_s,
        tdr_ohm,
        reflection,
        worst_phase,
    })
}

/// Weights of the reflection: nothing before the fixture's end, then what the receiver does not take for its own
/// (93A-61, 93A-62), then all of it.
fn weigh(reflection: &mut [f64], time_s: &[f64], erl: &Erl, fixture_s: f64, baud_hz: f64) {
    let zero = fixture_s + 3.0 * erl.transition_s;
    let ui = 1.0 / baud_hz;
    let equalised = 1.0 + erl.equalised_ui;
    let tail = zero + equalised * ui;
    let n = time_s.len();
    let begin = time_s.iter().position(|t| *t >= zero).unwrap_or(n);
    let last = time_s.iter().position(|t| *t > tail).unwrap_or(n.saturating_sub(1));
    let mean = (1.0 + erl.rho) * erl.rho;
    for (k, value) in reflection.iter_mut().enumerate() {
        *value *= if k < begin {
            0.0
        } else if k <= last {
            let gain = if erl.equalised_ui > 0.0 && erl.beta_hz != 0.0 {
                10f64.powf(erl.beta_hz * (time_s[k] - tail) / 20.0)
            } else {
                1.0
            };
            let x = (time_s[k] - zero) / ui;
            gain * if erl.grr >= 2.0 { erl.rho } else { mean * (-((x - equalised) / equalised).powi(2)).exp() }
        } else if erl.grr < 1.0 {
            mean
        } else {
            1.0
        };
    }
}

/// Average impedance near the port, from the sample `from` on, with a weight that falls by e in `T_k`.
fn average(time_s: &[f64], tdr_ohm: &[f64], from: usize) -> f64 {
    let Some(zero) = time_s.get(from) else { return f64::NAN };
    let (mut sum, mut weights) = (0.0, 0.0);
    for (t, z) in time_s[from..].iter().zip(&tdr_ohm[from..]) {
        let weight = (-(t - zero) / AVERAGE_S).exp();
        sum += weight * z;
        weights += weight;
    }
    sum / weights
}
