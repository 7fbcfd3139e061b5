//! Reference receivers of PCI Express and CXL: every transmit preset with every CTLE setting, decision feedback within
//! its limits, and the eye at the best of them.
//!
//! The sampling instant of a setting is the one with the best ratio of signal to the power of everything else; the
//! setting is the one with the highest eye at the error ratio, all of them worked out. Receivers of these standards have
//! no noise of their own in the reference model: the mask stands for it.

use rayon::prelude::*;
use serde::Serialize;

use super::cost::{CostBreakdown, costs};
use super::front_end::{Packages, Path, SAMPLES_PER_UI, insertion_loss_db, paths};
use super::input::{CrosstalkPulse, EyeError, EyeInput, EyeNoise};
use super::jitter::Jitter;
use super::next_step::{StepGain, step_gain};
use super::opening::{Opening, openings};
use super::pulse::EyePulse;
use super::standard::{CtleFamily, FeedbackLimits, PRESET_CURSOR, SerialStandard};
use super::statistical::{EyeSettings, Interference, StatisticalEye};
use crate::com::channel::ChannelSet;
use crate::com::problem::ComProblem;
use crate::com::tx_ffe;

/// Bins to the cursor while settings are compared.
const SEARCH_BINS: usize = 256;

/// Why a receiver gives no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiverProblem {
    /// Something is wrong with a channel.
    Channel(ComProblem),
    /// Something is wrong with the eye's input.
    Eye(EyeError),
    /// No setting lets any signal through.
    NoSignal,
}

impl std::fmt::Display for ReceiverProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(problem) => problem.fmt(f),
            Self::Eye(problem) => problem.fmt(f),
            Self::NoSignal => write!(f, "no equaliser setting lets a signal through; check the port order of the file"),
        }
    }
}

impl std::error::Error for ReceiverProblem {}

impl From<ComProblem> for ReceiverProblem {
    fn from(problem: ComProblem) -> Self {
        Self::Channel(problem)
    }
}

impl From<EyeError> for ReceiverProblem {
    fn from(problem: EyeError) -> Self {
        Self::Eye(problem)
    }
}

/// One setting of the grid with what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SettingResult {
    /// Gain of the CTLE at 0 Hz in dB.
    pub ctle_db: f64,
    /// Name of the transmit preset.
    pub preset: &'static str,
    /// Height of the smallest eye at the error ratio in mV; negative when closed.
    pub height_mv: f64,
    /// Signal to noise and interference in dB.
    pub fom_db: f64,
}

/// Loss against the budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossVerdict {
    /// Nyquist frequency in Hz.
    pub nyquist_hz: f64,
    /// Loss of the file at Nyquist in dB.
    pub file_db: f64,
    /// Loss from die pad to die pad in dB: the file's and, where they are not in it, the packages'.
    pub pads_db: f64,
    /// Budget from pad to pad in dB.
    pub budget_db: f64,
    /// What is left in dB.
    pub margin_db: f64,
    /// How the budget is split: name, dB, and whether a file from pin to pin holds it.
    pub pieces: Vec<(String, f64, bool)>,
}

/// What the reference receiver makes of a channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiverOutcome {
    /// Name of the standard.
    pub standard: &'static str,
    /// Error ratio of the eye.
    pub error_ratio: f64,
    /// Whether packages were added.
    pub packages: Packages,
    /// Whether eye and loss keep the standard's limits.
    pub pass: bool,
    /// The chosen setting.
    pub best: SettingResult,
    /// Taps of the preset from c(-2) on.
    pub tx_taps: [f64; 4],
    /// Decision feedback in mV.
    pub dfe_mv: Vec<f64>,
    /// Limits of the decision feedback in mV.
    pub dfe_limit_mv: Vec<f64>,
    /// Smallest eye height in mV, and what is asked for.
    pub height_mv: f64,
    /// Asked for.
    pub height_limit_mv: f64,
    /// Smallest eye width in UI.
    pub width_ui: f64,
    /// Asked for.
    pub width_limit_ui: f64,
    /// Every eye, from the bottom.
    pub eyes: Vec<Opening>,
    /// What each term costs.
    pub costs: CostBreakdown,
    /// What the next equaliser steps would gain.
    pub next_steps: Vec<StepGain>,
    /// Loss against the budget; absent where the file ends below Nyquist.
    pub loss: Option<LossVerdict>,
    /// Every setting, CTLE outside, presets inside.
    pub settings: Vec<SettingResult>,
    /// What the eye was made of.
    #[serde(skip)]
    pub input: EyeInput,
    /// The eye.
    #[serde(skip)]
    pub eye: StatisticalEye,
    /// The victim's pulse before equalisation, in V.
    #[serde(skip)]
    pub raw_pulse: Vec<f64>,
}

/// Pulses behind one CTLE setting, without transmit equaliser: the victim's and the aggressors'.
struct Behind {
    ctle_db: f64,
    pulses: Vec<Vec<f64>>,
}

/// A search in progress.
struct Search<'a> {
    standard: &'a SerialStandard,
    paths: Vec<Path>,
    target: f64,
}

/// Evaluates a channel with the reference receiver of a standard.
pub fn evaluate(
    standard: &SerialStandard,
    channels: &ChannelSet,
    packages: Packages,
    settings: &EyeSettings,
) -> Result<ReceiverOutcome, ReceiverProblem> {
    let search = Search { standard, paths: paths(standard, channels, packages), target: settings.target };
    let family = &standard.ctle.value;
    let behind: Vec<Behind> =
        family.gain_db.par_iter().map(|db| search.behind(family, *db)).collect::<Result<_, _>>()?;
    let presets = standard.presets.value;
    let limits = standard.feedback.value;
    let grid: Vec<(usize, usize)> = (0..behind.len()).flat_map(|c| (0..presets.len()).map(move |p| (c, p))).collect();
    let tried: Vec<Option<(SettingResult, EyeInput)>> = grid
        .par_iter()
        .map(|(c, p)| {
            let (input, fom) = search.slice(&behind[*c], &presets[*p].taps, PRESET_CURSOR, limits)?;
            let height = search.height_v(&input)?;
            let result = SettingResult {
                ctle_db: behind[*c].ctle_db,
                preset: presets[*p].name,
                height_mv: height * 1e3,
                fom_db: 10.0 * fom.log10(),
            };
            Some((result, input))
        })
        .collect();
    let best = tried.iter().enumerate().filter_map(|(at, t)| t.as_ref().map(|t| (at, t.0.height_mv)));
    let (at, _) = best
        .fold(None, |best: Option<(usize, f64)>, now| if best.is_none_or(|b| now.1 > b.1) { Some(now) } else { best })
        .ok_or(ReceiverProblem::NoSignal)?;
    let all: Vec<SettingResult> = tried.iter().flatten().map(|t| t.0).collect();
    let (result, input) = tried.into_iter().nth(at).flatten().ok_or(ReceiverProblem::NoSignal)?;
    let taps = presets[grid[at].1].taps;
    let eye = StatisticalEye::of(&input, settings)?;
    let eyes = openings(&eye);
    let height_mv = eyes.iter().map(|e| e.height_mv).fold(f64::INFINITY, f64::min);
    let width_ui = eyes.iter().map(|e| e.width_ui).fold(f64::INFINITY, f64::min);
    let loss = search.loss(channels, packages);
    let (height_limit_mv, width_limit_ui) = (standard.eye_height_v.value * 1e3, standard.eye_width_ui.value);
    let fits = loss.as_ref().is_none_or(|loss| loss.margin_db >= 0.0);
    let cursor = input.pulse.at(0.0);
    Ok(ReceiverOutcome {
        standard: standard.id,
        error_ratio: settings.target,
        packages,
        pass: height_mv >= height_limit_mv && width_ui >= width_limit_ui && fits,
        best: result,
        tx_taps: taps,
        dfe_mv: input.pulse.feedback_v.iter().map(|v| v * 1e3).collect(),
        dfe_limit_mv: limits.volts(cursor).iter().map(|v| v * 1e3).collect(),
        height_mv,
        height_limit_mv,
        width_ui,
        width_limit_ui,
        eyes,
        costs: costs(&input, settings.target),
        next_steps: search.next_steps(&behind[grid[at].0], &taps, &input)?,
        loss,
        settings: all,
        raw_pulse: search.paths[0].pulse(standard.baud_hz, None)?,
        input,
        eye,
    })
}

impl Search<'_> {
    fn behind(&self, family: &CtleFamily, db: f64) -> Result<Behind, ComProblem> {
        let pulses = self.paths.iter().map(|path| path.pulse(self.standard.baud_hz, Some((family, db))));
        Ok(Behind { ctle_db: db, pulses: pulses.collect::<Result<_, _>>()? })
    }

    /// The slicer's input for a transmit equaliser at the best sampling instant, and its ratio of signal to noise.
    fn slice(&self, behind: &Behind, taps: &[f64], cursor: usize, limits: FeedbackLimits) -> Option<(EyeInput, f64)> {
        let standard = self.standard;
        let mut victim = Vec::new();
        tx_ffe::apply(behind.pulses.first()?, taps, cursor, SAMPLES_PER_UI, &mut victim);
        let crosstalk: Vec<CrosstalkPulse> = behind.pulses[1..]
            .iter()
            .zip(&self.paths[1..])
            .map(|(pulse, path)| {
                let mut samples = pulse.clone();
                if path.far_end {
                    tx_ffe::apply(pulse, taps, cursor, SAMPLES_PER_UI, &mut samples);
                }
                CrosstalkPulse { name: path.name.clone(), samples }
            })
            .collect();
        let levels = f64::from(standard.levels);
        let power = (levels + 1.0) / (3.0 * (levels - 1.0));
        let crosstalk_power: f64 =
            crosstalk.iter().map(|c| c.worst_taps(SAMPLES_PER_UI).iter().map(|h| h * h).sum::<f64>()).sum();
        let jitter = Jitter {
            random_ui: standard.random_jitter_s.value * standard.baud_hz,
            dual_dirac_ui: standard.dual_dirac_s.value * standard.baud_hz,
        };
        let jitter_power = jitter.random_ui.powi(2) + jitter.dual_dirac_ui.powi(2);
        let noise_share = standard.tx_snr_db.map_or(0.0, |snr| 10f64.powf(-snr.value / 20.0));
        let peak = crate::com::filters::first_largest(&victim);
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for sample in peak.saturating_sub(SAMPLES_PER_UI * 3 / 4)..=(peak + SAMPLES_PER_UI / 2).min(victim.len() - 1) {
            let main = victim[sample];
            if main <= 0.0 {
                continue;
            }
            let limit = limits.volts(main);
            let feedback: Vec<f64> = limit
                .iter()
                .enumerate()
                .map(|(n, limit)| {
                    victim.get(sample + (n + 1) * SAMPLES_PER_UI).map_or(0.0, |h| h.clamp(-limit, *limit))
                })
                .collect();
            let (mut interference, mut slopes) = (0.0, 0.0);
            let slope = |k: usize| {
                let before = k.checked_sub(1).map_or(0.0, |k| victim[k]);
                (victim.get(k + 1).copied().unwrap_or(0.0) - before) * SAMPLES_PER_UI as f64 / 2.0
            };
            for k in (sample % SAMPLES_PER_UI..victim.len()).step_by(SAMPLES_PER_UI) {
                slopes += slope(k).powi(2);
                if k != sample {
                    let taken = if k > sample { feedback.get((k - sample) / SAMPLES_PER_UI - 1) } else { None };
                    interference += (victim[k] - taken.copied().unwrap_or(0.0)).powi(2);
                }
            }
            let signal = standard.level_mismatch.value * main / (levels - 1.0);
            let noise = power * (interference + jitter_power * slopes + crosstalk_power) + (noise_share * main).powi(2);
            let ratio = signal * signal / noise.max(1e-30);
            if best.as_ref().is_none_or(|b| ratio > b.0) {
                best = Some((ratio, sample, feedback));
            }
        }
        let (ratio, sample, feedback_v) = best?;
        let main = victim[sample];
        let input = EyeInput {
            pulse: EyePulse { samples: victim, samples_per_ui: SAMPLES_PER_UI, cursor: sample, feedback_v },
            levels: standard.levels,
            level_mismatch: standard.level_mismatch.value,
            crosstalk,
            noise: EyeNoise { receiver_v: 0.0, transmitter_v: noise_share * main, quantiser_v: Vec::new() },
            jitter,
        };
        Some((input, ratio))
    }

    fn height_v(&self, input: &EyeInput) -> Option<f64> {
        input.check().ok()?;
        let a_ni = Interference::of(input, self.target, SEARCH_BINS).with(|_| true);
        Some(2.0 * (input.signal_v() - a_ni))
    }

    /// What one step more of each equaliser would gain.
    fn next_steps(&self, at: &Behind, taps: &[f64; 4], now: &EyeInput) -> Result<Vec<StepGain>, ReceiverProblem> {
        let standard = self.standard;
        let family = &standard.ctle.value;
        let limits = standard.feedback.value;
        let mut steps: Vec<(String, EyeInput)> = Vec::new();
        // One tap more, as strong as the last one.
        let longer: Vec<f64> = match limits {
            FeedbackLimits::Volts(l) | FeedbackLimits::OfCursor(l) => l.iter().chain(l.last()).copied().collect(),
        };
        let mut more = now.clone();
        let main = now.pulse.samples[now.pulse.cursor];
        let scale = if matches!(limits, FeedbackLimits::Volts(_)) { 1.0 } else { main };
        let next = now.pulse.feedback_v.len() + 1;
        let limit = longer.last().map_or(0.0, |l| l * scale);
        more.pulse.feedback_v.push(now.pulse.before_feedback(next as f64).clamp(-limit, limit));
        steps.push((format!("DFE tap {next}"), more));
        // CTLE: beyond the range where the search ended at its edge, else in half steps.
        let ends = (
            family.gain_db.iter().copied().fold(f64::INFINITY, f64::min),
            family.gain_db.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        let finer: Vec<f64> = [(ends.0, -1.0), (ends.1, 1.0)]
            .into_iter()
            .filter(|(end, _)| *end == at.ctle_db)
            .map(|(end, step)| end + step)
            .chain([at.ctle_db - 0.5, at.ctle_db + 0.5])
            .collect();
        for db in finer {
            let behind = self.behind(family, db)?;
            if let Some((input, _)) = self.slice(&behind, taps, PRESET_CURSOR, limits) {
                steps.push((format!("CTLE at {db:.1} dB"), input));
            }
        }
        // One transmit tap more before and behind those that there are; the cursor gives what it takes.
        let used = taps.iter().position(|c| *c != 0.0).unwrap_or(PRESET_CURSOR);
        let first = used as i64 - PRESET_CURSOR as i64 - 1;
        let last = taps.len() as i64 - PRESET_CURSOR as i64 - i64::from(taps[3] == 0.0);
        for position in [first, last] {
            let mut best: Option<(EyeInput, f64, f64)> = None;
            for size in [-0.06, -0.04, -0.02, 0.02, 0.04, 0.06] {
                let mut wide = vec![0.0; 8];
                wide[4 - PRESET_CURSOR..8 - PRESET_CURSOR].copy_from_slice(taps);
                let index = (4 + position) as usize;
                wide[index] += size;
                wide[4] -= f64::abs(size);
                if let Some((input, _)) = self.slice(at, &wide, 4, limits)
                    && let Some(height) = self.height_v(&input)
                    && best.as_ref().is_none_or(|b| height > b.1)
                {
                    best = Some((input, height, size));
                }
            }
            if let Some((input, _, size)) = best {
                steps.push((format!("Tx tap c({position}) of {size:+.2}"), input));
            }
        }
        if now.noise.transmitter_v > 0.0 {
            let mut quiet = now.clone();
            quiet.noise.transmitter_v *= 10f64.powf(-1.0 / 20.0);
            steps.push(("transmitter's SNDR +1 dB".into(), quiet));
        }
        if !now.crosstalk.is_empty() {
            let mut quiet = now.clone();
            let scale = 10f64.powf(-1.0 / 20.0);
            quiet.crosstalk.iter_mut().flat_map(|c| &mut c.samples).for_each(|h| *h *= scale);
            steps.push(("crosstalk 1 dB lower".into(), quiet));
        }
        let mut steady = now.clone();
        steady.jitter.random_ui *= 0.9;
        steady.jitter.dual_dirac_ui *= 0.9;
        steps.push(("jitter a tenth lower".into(), steady));
        Ok(steps.iter().filter_map(|(name, input)| step_gain(name, now, input, self.target)).collect())
    }

    fn loss(&self, channels: &ChannelSet, packages: Packages) -> Option<LossVerdict> {
        let standard = self.standard;
        let nyquist_hz = standard.nyquist_hz();
        let file_db = insertion_loss_db(&channels.victim, nyquist_hz)?;
        let (near, far) = standard.packages_db.value;
        let pads_db = if packages == Packages::Modelled { file_db + near + far } else { file_db };
        let budget_db = standard.loss_db.value;
        Some(LossVerdict {
            nyquist_hz,
            file_db,
            pads_db,
            budget_db,
            margin_db: budget_db - pads_db,
            pieces: standard.pieces.value.iter().map(|p| (p.name.to_string(), p.db, p.between_pins)).collect(),
        })
    }
}
