//! From parameters and channels to the margin of every package case, for receivers with a feed-forward equaliser.

use std::borrow::Cow;

use num_complex::Complex64;

use super::correlation::ReceiverNoise;
use super::equalised::{Aggressors, Equalised, equalise};
use super::instant::{Crosstalk, Edition, Terms};
use super::quantiser;
use super::receiver::Receiver;
use super::search::{Answer, Best, Search, Stage};
use super::settings::Settings;
use super::{script_sequence, sequence, tails};
use crate::com::board::PathKind;
use crate::com::channel::{ChannelSet, DifferentialChannel};
use crate::com::ctle::CtleGains;
use crate::com::distribution::Distribution;
use crate::com::evaluate::worst_of;
use crate::com::outcome::{CaseOutcome, ComOutcome, Sigmas};
use crate::com::parameters::{ComParameters, PackageCase, RxFfe, RxFfeMethod, SequenceDetection};
use crate::com::prepare::{Prepared, pulse_response};
use crate::com::problem::ComProblem;
use crate::com::sampling::Clock;
use crate::com::window::{bin_v, noise_reach};

/// Differential reference that channels come with, in ohm.
const CHANNEL_OHM: f64 = 100.0;
/// Bins of the drafts' distributions per bin of the script's: their answer is not to step with the bin.
const FINER: f64 = 8.0;
/// Bins are no finer than the standard deviation of noise and interference over this.
const DROWNED: f64 = 8000.0;

/// Evaluates all package cases; the answer is the worst of them.
///
/// # Errors
/// When parameters or channels cannot be evaluated.
pub fn evaluate(parameters: &ComParameters, ffe: &RxFfe, channels: &ChannelSet) -> Result<ComOutcome, ComProblem> {
    if parameters.ends.cases.is_empty() {
        let what = "expected one or more package cases".into();
        return Err(ComProblem::Parameter { row: "z_p select".into(), what });
    }
    let channels = referred(parameters, channels)?;
    let cases = parameters
        .ends
        .cases
        .iter()
        .map(|case| {
            let bench = Bench::new(parameters, ffe, &channels, case)?;
            let answer = bench.search();
            bench.outcome(&answer)
        })
        .collect::<Result<Vec<CaseOutcome>, ComProblem>>()?;
    Ok(worst_of(cases, &parameters.limits))
}

/// The channels over the reference impedance that the parameters' receiver takes them over: the drafts' own, where they
/// have one, else the one that they come with.
///
/// # Errors
/// When a channel cannot be renormalised.
pub fn referred<'a>(parameters: &ComParameters, channels: &'a ChannelSet) -> Result<Cow<'a, ChannelSet>, ComProblem> {
    let ohm = 2.0 * parameters.ends.reference_ohm;
    let drafts = parameters.rx_ffe.as_ref().is_some_and(|ffe| edition(ffe) == Edition::Draft3);
    if drafts && (ohm - CHANNEL_OHM).abs() > 1e-9 {
        renormalise(channels, ohm).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(channels))
    }
}

fn edition(ffe: &RxFfe) -> Edition {
    match ffe.method {
        RxFfeMethod::MinimumError => Edition::Script,
        RxFfeMethod::MinimumErrorDraft3 => Edition::Draft3,
    }
}

/// The channels over another reference impedance, differential, in ohm (178A-4).
fn renormalise(channels: &ChannelSet, ohm: f64) -> Result<ChannelSet, ComProblem> {
    let rho = Complex64::new((ohm - CHANNEL_OHM) / (ohm + CHANNEL_OHM), 0.0);
    let one = Complex64::new(1.0, 0.0);
    let turn = |channel: &DifferentialChannel| -> Result<DifferentialChannel, ComProblem> {
        let mut out = channel.clone();
        let n = channel.frequency_hz.len();
        if [&channel.s11, &channel.s12, &channel.s21, &channel.s22].iter().any(|s| s.len() != n) {
            let what = "its parameters are not as many as its frequencies".into();
            return Err(ComProblem::Ports { channel: channel.name.clone(), what });
        }
        for at in 0..n {
            let (a, b, c, d) = (channel.s11[at], channel.s12[at], channel.s21[at], channel.s22[at]);
            // (1 - rho S)^-1 (S - rho) of a two-by-two matrix.
            let determinant = (one - rho * a) * (one - rho * d) - rho * rho * b * c;
            if determinant.norm() < 1e-12 || !determinant.is_finite() {
                let what = format!("it cannot be renormalised to {ohm} ohm at {} GHz", channel.frequency_hz[at] / 1e9);
                return Err(ComProblem::Ports { channel: channel.name.clone(), what });
            }
            out.s11[at] = ((one - rho * d) * (a - rho) + rho * b * c) / determinant;
            out.s12[at] = ((one - rho * d) * b + rho * b * (d - rho)) / determinant;
            out.s21[at] = (rho * c * (a - rho) + (one - rho * a) * c) / determinant;
            out.s22[at] = (rho * c * b + (one - rho * a) * (d - rho)) / determinant;
        }
        Ok(out)
    };
    Ok(ChannelSet {
        victim: turn(&channels.victim)?,
        fext: channels.fext.iter().map(turn).collect::<Result<_, _>>()?,
        next: channels.next.iter().map(turn).collect::<Result<_, _>>()?,
    })
}

/// A package case with its search.
pub struct Bench<'a> {
    prepared: Prepared<'a>,
    search: Search,
    noise: ReceiverNoise,
    parameters: &'a ComParameters,
}

/// The best point worked out to the end, in V.
struct Concluded {
    interference: Distribution,
    crosstalk: Distribution,
    a_s: f64,
    a_ni: f64,
    by_symbol_db: f64,
    gain_db: Option<f64>,
    quantiser_sigma: f64,
}

impl<'a> Bench<'a> {
    /// Prepares a case.
    ///
    /// # Errors
    /// When parameters or channels cannot be evaluated.
    pub fn new(
        parameters: &'a ComParameters,
        ffe: &RxFfe,
        channels: &'a ChannelSet,
        case: &'a PackageCase,
    ) -> Result<Self, ComProblem> {
        let refuse = |row: &str, what: String| ComProblem::Parameter { row: row.into(), what };
        if parameters.module_eye.is_some() {
            let what =
                "eye height and vertical eye closure over a window are not worked out behind a receive equaliser"
                    .into();
            return Err(refuse("T_O", what));
        }
        if !(64..=1 << 16).contains(&ffe.noise_ui) || !ffe.noise_ui.is_multiple_of(2) {
            return Err(refuse("num_ui_RXFF_noise", "expected an even number from 64 to 65536".into()));
        }
        if let Some(quantiser) = &parameters.noise.quantiser
            && !((1.0..=24.0).contains(&quantiser.bits) && quantiser.clipping > 1e-15 && quantiser.clipping < 0.5)
        {
            return Err(refuse(
                "N_qb, P_qc",
                "expected 1 to 24 bits and a clipping probability from 1e-15 to 0.5".into(),
            ));
        }
        let receiver =
            Receiver::new(ffe, &parameters.dfe).map_err(|what| refuse("ffe_pre_tap_len, ffe_post_tap_len", what))?;
        let by_script =
            matches!(parameters.sequence_detection, SequenceDetection::Script(form) if !(1..=3).contains(&form));
        if by_script {
            return Err(refuse("MLSE", "expected 0, 1, 2 or 3".into()));
        }
        if parameters.sequence_detection != SequenceDetection::None && receiver.feedback() == 0 {
            return Err(refuse("MLSE", "sequence detection needs at least one feedback tap".into()));
        }
        let prepared = Prepared::new(parameters, channels, case)?;
        let signal = &parameters.signal;
        let grid = &prepared.tx_grid;
        let settings = Settings::new(grid.iter().flatten().copied().collect(), grid.width, grid.cursor, ffe.noise_ui);
        let jitter = &parameters.noise;
        let terms = Terms {
            edition: edition(ffe),
            receiver,
            samples_per_ui: signal.samples_per_ui,
            levels: signal.levels,
            symbol_variance: prepared.sigma_x * prepared.sigma_x,
            transmitter_noise: 10f64.powf(-case.tx_snr_db / 10.0),
            jitter_ui2: jitter.dual_dirac_ui.powi(2) + jitter.random_jitter_ui.powi(2),
            random_jitter_ui2: jitter.random_jitter_ui.powi(2),
            transmit_taps: grid.width,
            transmit_cursor: grid.cursor,
            quantiser: if edition(ffe) == Edition::Draft3 { jitter.quantiser } else { None },
            turn: ffe.noise_ui,
        };
        let noise = ReceiverNoise::new(
            jitter.eta0_v2_per_ghz,
            parameters.receive_filter.bandwidth_of_baud,
            signal.baud_hz,
            signal.samples_per_ui,
            ffe.noise_ui,
            terms.symbol_variance,
        );
        let search = Search { terms, settings, ticks: parameters.sampling.adjustment };
        Ok(Self { prepared, search, noise, parameters })
    }

    fn pulses(&self, kind: PathKind, gains: &CtleGains) -> Vec<Vec<f64>> {
        let m = self.search.terms.samples_per_ui;
        let paths = self.prepared.paths.iter().filter(|path| path.kind == kind);
        paths.map(|path| pulse_response(&gains.filter(&path.impulse, self.prepared.sample_hz()), m)).collect()
    }

    fn gains(&self, at: usize) -> Option<CtleGains> {
        self.prepared.ctle_grid.get(at).map(|(_, _, gains)| *gains)
    }

    /// A continuous-time setting with its pulse, crosstalk, noise and first guesses.
    pub fn stage(&self, at: usize) -> Option<Stage> {
        let gains = self.gains(at)?;
        let terms = &self.search.terms;
        let pulse = self.pulses(PathKind::Through, &gains).pop()?;
        let (far, near) = (self.pulses(PathKind::FarEnd, &gains), self.pulses(PathKind::NearEnd, &gains));
        let crosstalk = Crosstalk::new(
            terms,
            &near.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &far.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            self.search.settings.turn,
        );
        // The script takes the corners of the first setting for noise, whatever the setting.
        let mut stage = gains.stage;
        let first = self.parameters.ctle.stages.first()?;
        (stage.zero_hz, stage.pole1_hz, stage.pole2_hz) = (first.zero_hz, first.pole1_hz, first.pole2_hz);
        let noise = self.noise.folded(&stage, gains.low.as_ref(), terms.lags());
        let guesses = self.guesses(&pulse);
        Some(Stage { pulse, crosstalk, noise, guesses })
    }

    /// First guess of the sampling instant per transmit setting. Only the window about the peak is equalised.
    fn guesses(&self, pulse: &[f64]) -> Vec<Option<usize>> {
        let clock = &self.prepared.clock;
        let m = clock.samples_per_ui;
        let settings = &self.search.settings;
        let first = clock.peak_range.start().saturating_sub(6 * m);
        let end = (clock.peak_range.end() + 6 * m).min(pulse.len());
        let local = Clock {
            peak_range: clock.peak_range.start() - first..=(*clock.peak_range.end()).min(end.saturating_sub(1)) - first,
            ..clock.clone()
        };
        let cursor = self.search.terms.transmit_cursor;
        let mut window = Vec::with_capacity(end - first);
        (0..settings.count())
            .map(|setting| {
                window.clear();
                window.resize(end - first, 0.0);
                for (index, &tap) in settings.taps(setting).iter().enumerate() {
                    if tap == 0.0 {
                        continue;
                    }
                    let shift = (index as i64 - cursor as i64) * m as i64;
                    // window[k] += tap * pulse[first + k - shift]
                    let from = first as i64 - shift;
                    let skip = usize::try_from(-from).unwrap_or(0);
                    let start = usize::try_from(from).unwrap_or(0).min(pulse.len());
                    for (sum, value) in window.iter_mut().skip(skip).zip(&pulse[start..]) {
                        *sum += tap * value;
                    }
                }
                local.instant(&window).map(|found| found.sample + first)
            })
            .collect()
    }

    /// Searches the whole grid.
    pub fn search(&self) -> Answer {
        self.search.best(self.prepared.ctle_grid.len(), &|at| self.stage(at))
    }

    /// Works the best point out.
    ///
    /// # Errors
    /// When no point has a usable pulse.
    pub fn outcome(&self, answer: &Answer) -> Result<CaseOutcome, ComProblem> {
        let nothing = || ComProblem::NoSetting {
            case: self.prepared.case.name.clone(),
            what: "no setting of the grid gives a pulse that the receiver could equalise".into(),
        };
        let best = answer.best.as_ref().ok_or_else(nothing)?;
        let terms = &self.search.terms;
        let gains = self.gains(best.stage).ok_or_else(nothing)?;
        let stage = self.stage(best.stage).ok_or_else(nothing)?;
        let transmit = self.search.settings.taps(best.setting);
        let (far, near) = (self.pulses(PathKind::FarEnd, &gains), self.pulses(PathKind::NearEnd, &gains));
        let aggressors = Aggressors { far: &far, near: &near };
        let equalised =
            equalise(terms, &stage, transmit, best, aggressors, self.search.settings.turn).ok_or_else(nothing)?;
        let concluded = self.conclude(&equalised, &stage, transmit, best, aggressors);
        let mv = |v: f64| v * 1e3;
        let levels = f64::from(terms.levels);
        let error = terms.symbol_variance * best.placed.taps.error;
        let open = ((concluded.a_s - concluded.a_ni) / concluded.a_s).max(f64::EPSILON);
        let mut vec_db = -20.0 * open.log10();
        if let Some(gain) = concluded.gain_db {
            // The script's form of the same gain for the eye's closure.
            vec_db += gain - 20.0 * ((10f64.powf(gain / 20.0) - 1.0) * 10f64.powf(vec_db / 20.0) + 1.0).log10();
        }
        let cursor = terms.receiver.pre;
        Ok(CaseOutcome {
            case: self.prepared.case.name.clone(),
            com_db: concluded.by_symbol_db + concluded.gain_db.unwrap_or(0.0),
            com_by_symbol_db: concluded.gain_db.map(|_| concluded.by_symbol_db),
            fom_db: 20.0 * (self.parameters.signal.level_mismatch / (levels - 1.0) / error.sqrt()).log10(),
            vec_db,
            eh_mv: mv(2.0 * (concluded.a_s - concluded.a_ni)),
            a_s_mv: mv(concluded.a_s),
            a_ni_mv: mv(concluded.a_ni),
            sigma_mv: Sigmas {
                tx: mv(equalised.transmitter.sigma()),
                n: mv(equalised.receiver.sigma()),
                isi: mv(concluded.interference.sigma_v()),
                j: mv(equalised.jitter.sigma()),
                rj: mv(equalised.random_jitter.sigma()),
                xt: mv(concluded.crosstalk.sigma_v()),
                q: mv(concluded.quantiser_sigma),
            },
            g_dc_db: gains.stage.gain_db,
            g_dc2_db: gains.low.map(|low| low.gain_db),
            tx_taps: transmit.to_vec(),
            tx_cursor: terms.transmit_cursor,
            dfe_taps: equalised.feedback.clone(),
            floating_taps: best.placed.positions[terms.receiver.fixed..]
                .iter()
                .map(|position| position - cursor)
                .collect(),
            rx_taps: equalised.receive.clone(),
            phase: best.tick,
            sample: best.sample,
            points_searched: self.prepared.points(),
            points_evaluated: answer.solved,
            seconds: 0.0,
        })
    }

    fn conclude(
        &self,
        equalised: &Equalised,
        stage: &Stage,
        transmit: &[f64],
        best: &Best,
        aggressors: Aggressors,
    ) -> Concluded {
        let p = self.parameters;
        let terms = &self.search.terms;
        let levels = terms.levels;
        let a_s = (p.signal.level_mismatch * equalised.cursor / (f64::from(levels) - 1.0)).abs();
        let gaussian_variance =
            equalised.transmitter.variance() + equalised.receiver.variance() + equalised.random_jitter.variance();
        let power = |samples: &[f64]| samples.iter().map(|value| value * value).sum::<f64>();
        let symbols = power(&equalised.interference) + equalised.crosstalk.iter().map(|one| power(one)).sum::<f64>();
        let spread = (gaussian_variance + terms.symbol_variance * symbols).sqrt();
        // Where the signal drowns, bins of a share of it would be millions; a share of the noise is as exact.
        let bin = bin_v(p, a_s) / if terms.edition == Edition::Draft3 { FINER } else { 1.0 };
        let bin = bin.max(spread / DROWNED);
        // Samples that are left out: below a bin of the script, below a thousandth of the signal in drafts.
        let kept = |samples: &[f64]| -> Vec<f64> {
            let least = if terms.edition == Edition::Draft3 { a_s / 1000.0 } else { 0.0 };
            samples.iter().copied().filter(|value| value.abs() > least).collect()
        };
        let interference = Distribution::of_symbols(kept(&equalised.interference), levels, bin);
        let crosstalk = equalised.crosstalk.iter().fold(Distribution::certain(bin), |sum, samples| {
            sum.plus(&Distribution::of_symbols(kept(samples), levels, bin))
        });
        let slopes: Vec<f64> = equalised.slopes.iter().map(|slope| p.noise.dual_dirac_ui * slope).collect();
        let dual_dirac = Distribution::of_symbols(kept(&slopes), levels, bin);
        let gaussian = match terms.edition {
            Edition::Script => Distribution::normal(gaussian_variance.sqrt(), noise_reach(p), bin),
            Edition::Draft3 => sequence::normal(gaussian_variance, bin),
        };
        let step = self.final_step(stage, transmit, best, aggressors);
        let mut rest = tails::plus(&tails::plus(&interference, &crosstalk), &dual_dirac);
        if step > 0.0 {
            for tap in equalised.receive.iter().filter(|tap| **tap != 0.0) {
                rest = tails::plus(&rest, &uniform(tap.abs() * step, bin));
            }
        }
        let total = tails::plus(&rest, &gaussian);
        let error_ratio = p.signal.detector_error_ratio;
        let a_ni = match terms.edition {
            Edition::Script => total.lower_quantile_v(error_ratio).abs(),
            Edition::Draft3 => sequence::lower_quantile(&total, error_ratio).abs(),
        };
        let by_symbol_db = 20.0 * (a_s / a_ni.max(f64::MIN_POSITIVE)).log10();
        // Noise and interference at the detector, by lag.
        let quantised = step * step / 12.0;
        let own = super::correlation::autocorrelation(&equalised.receive, equalised.receiver.correlation.len());
        let correlation: Vec<f64> = (0..equalised.receiver.correlation.len())
            .map(|lag| {
                equalised.receiver.correlation[lag]
                    + equalised.transmitter.correlation[lag]
                    + equalised.jitter.correlation[lag]
                    + equalised.far_and_near.correlation[lag]
                    + equalised.residual.correlation[lag]
                    + quantised * own[lag]
            })
            .collect();
        let feedback = equalised.feedback.first().copied().unwrap_or(0.0);
        let gain_db = match p.sequence_detection {
            SequenceDetection::None => None,
            SequenceDetection::Script(form) => script_sequence::gain_db(
                form,
                &script_sequence::Detected {
                    levels,
                    error_ratio,
                    alpha: feedback,
                    a_s,
                    a_ni,
                    total: &total,
                    correlation: &correlation,
                },
            )
            .or(Some(0.0)),
            SequenceDetection::Draft3 { delta_com_db } => Some(
                sequence::gain(&sequence::Detected {
                    levels,
                    error_ratio,
                    feedback,
                    a_s,
                    rest: &rest,
                    gaussian: gaussian_variance,
                    receiver: &equalised.receiver.correlation,
                    correlation: &correlation,
                    penalty_db: delta_com_db,
                })
                .map_or(0.0, |gain| gain.gain_db),
            ),
        };
        Concluded {
            interference,
            crosstalk,
            a_s,
            a_ni,
            by_symbol_db,
            gain_db,
            quantiser_sigma: (quantised * equalised.receive_power).sqrt(),
        }
    }

    /// Step of the quantiser for the final distributions (178A.1.9): crosstalk and dual-Dirac jitter by their symbols.
    fn final_step(&self, stage: &Stage, transmit: &[f64], best: &Best, aggressors: Aggressors) -> f64 {
        let terms = &self.search.terms;
        let Some(quantiser) = &terms.quantiser else { return 0.0 };
        // The point without receive taps: what arrives at the quantiser.
        let mut bare = best.clone();
        let cursor = terms.receiver.pre;
        bare.placed.positions = (0..=cursor).collect();
        bare.placed.taps.forward = (0..=cursor).map(|at| if at == cursor { 1.0 } else { 0.0 }).collect();
        let Some(plain) = equalise(terms, stage, transmit, &bare, aggressors, self.search.settings.turn) else {
            return 0.0;
        };
        let m = terms.samples_per_ui;
        let mut pulse = Vec::new();
        crate::com::tx_ffe::apply(&stage.pulse, transmit, terms.transmit_cursor, m, &mut pulse);
        let mut samples: Vec<f64> = pulse.iter().skip(best.sample % m).step_by(m).copied().collect();
        samples.extend(plain.crosstalk.iter().flatten());
        samples.extend(plain.slopes.iter().map(|slope| self.parameters.noise.dual_dirac_ui * slope));
        let noise = plain.transmitter.variance() + plain.receiver.variance() + plain.random_jitter.variance();
        let reach: f64 = samples.iter().map(|value| value.abs()).sum::<f64>() + 9.0 * noise.sqrt();
        let bin = reach / 8000.0;
        let signal = Distribution::of_symbols(samples, terms.levels, bin).plus(&sequence::normal(noise, bin));
        quantiser::step(quantiser, -sequence::lower_quantile(&signal, quantiser.clipping / 2.0))
    }
}

/// Uniform over `width`.
fn uniform(width: f64, bin_v: f64) -> Distribution {
    let half = (width / 2.0 / bin_v).round() as i64;
    let count = 2 * half + 1;
    Distribution { bin_v, first: -half, probability: vec![1.0 / count as f64; count as usize] }
}
