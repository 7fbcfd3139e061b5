//! Wires between dies in one package: a lossy line between two pads, judged by a rectangular mask.
//!
//! The line has resistance with skin effect, inductance, capacitance and dielectric loss per mm; driver and pads are a
//! resistor and two capacitors. There is no equaliser. Crosstalk of all neighbours together is the victim's own response
//! through a coupling that grows with frequency and length. Wire, pads and coupling are estimates for typical packages.

use std::f64::consts::PI;

use num_complex::Complex64;
use serde::Serialize;

use super::input::{CrosstalkPulse, EyeError, EyeInput, EyeNoise};
use super::jitter::Jitter;
use super::pulse::EyePulse;
use super::receiver::ReceiverProblem;
use super::standard::ucie::{DieToDie, Wire};
use super::statistical::{EyeSettings, StatisticalEye};
use crate::com::impulse::impulse_response;
use crate::com::prepare::pulse_response;

/// Samples per unit interval.
const SAMPLES_PER_UI: usize = 32;
/// Transition time of the driver, 20 % to 80 %, in UI.
const TRANSITION_UI: f64 = 0.2;
/// Frequency in Hz that the coupling per mm is given at.
const COUPLING_HZ: f64 = 8e9;
/// Longest wire that is looked at, in mm.
const LONGEST_MM: f64 = 60.0;

/// What a wire between dies carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DieToDieOutcome {
    /// Name of the link.
    pub link: &'static str,
    /// Rate in GT/s.
    pub rate_gt: f64,
    /// Length in mm.
    pub length_mm: f64,
    /// Error ratio of the eye.
    pub error_ratio: f64,
    /// Whether the eye clears the mask.
    pub pass: bool,
    /// Loss at Nyquist against 0 Hz in dB.
    pub loss_db: f64,
    /// Smallest opening across the mask's width in mV.
    pub height_mv: f64,
    /// Height of the mask in mV.
    pub mask_mv: f64,
    /// Width in UI of the opening at the mask's height.
    pub width_ui: f64,
    /// Width of the mask in UI.
    pub mask_ui: f64,
    /// Length in mm up to which every wire clears the mask at this rate; at most 60.
    pub reach_mm: f64,
    /// Whether the receiver is terminated.
    pub terminated: bool,
    /// Energy in pJ/bit that such links are given with, least and most.
    pub energy_pj: (f64, f64),
    /// Part of it in pJ/bit that charges wire and pads, or feeds the termination.
    pub wire_energy_pj: f64,
    /// What the eye was made of.
    #[serde(skip)]
    pub input: EyeInput,
    /// The eye, centred.
    #[serde(skip)]
    pub eye: StatisticalEye,
}

/// Voltage transfer from source to load.
fn transfer(link: &DieToDie, terminated: bool, length_mm: f64, hz: f64) -> Complex64 {
    let wire: Wire = link.wire.value;
    let w = 2.0 * PI * hz.max(1.0);
    let j = Complex64::new(0.0, w);
    let resistance = wire.resistance * (1.0 + hz / wire.skin_hz).sqrt();
    let series = resistance + j * wire.inductance;
    let shunt = w * wire.capacitance * wire.loss_tangent + j * wire.capacitance;
    let (gamma, impedance) = ((series * shunt).sqrt(), (series / shunt).sqrt());
    let (cosh, sinh) = ((gamma * length_mm).cosh(), (gamma * length_mm).sinh());
    let pad = j * link.pad_f.value;
    // Chain matrix of pad, line and pad; load and source close it.
    let load = if terminated { pad + 1.0 / 50.0 } else { pad };
    let top = cosh + impedance * sinh * load;
    let bottom = sinh / impedance + cosh * load;
    1.0 / (top + link.source_ohm.value * (pad * top + bottom))
}

/// Everything at the slicer for a length.
fn slicer(link: &DieToDie, rate_gt: f64, length_mm: f64) -> Result<EyeInput, ReceiverProblem> {
    let ui = 1e-9 / rate_gt;
    let step_s = ui / SAMPLES_PER_UI as f64;
    let (step_hz, top_hz) = (1.0 / ui / 128.0, 0.5 / step_s);
    let frequency_hz: Vec<f64> = (1..=(top_hz / step_hz) as usize).map(|k| k as f64 * step_hz).collect();
    let terminated = link.is_terminated(rate_gt);
    // The transition is that of 93A-46, made causal by three of its times of delay.
    let driver = |hz: f64| {
        let time = TRANSITION_UI * ui;
        let x = PI * hz * time / 1.6832;
        (-2.0 * x * x).exp() * Complex64::new(0.0, -2.0 * PI * hz * 3.0 * time).exp() * 0.5 * link.swing_v.value
    };
    let own: Vec<Complex64> =
        frequency_hz.iter().map(|hz| transfer(link, terminated, length_mm, *hz) * driver(*hz)).collect();
    let coupling = link.crosstalk_per_mm.value * length_mm;
    let neighbours: Vec<Complex64> = own
        .iter()
        .zip(&frequency_hz)
        .map(|(h, hz)| {
            let x = Complex64::new(0.0, hz / COUPLING_HZ);
            h * coupling * x / (1.0 + 0.5 * x)
        })
        .collect();
    let pulse = |h: &[Complex64], name: &str| -> Result<Vec<f64>, ReceiverProblem> {
        let mut impulse = impulse_response(h, &frequency_hz, step_s, 1e-4, name)?;
        impulse.resize(impulse.len() + 2 * SAMPLES_PER_UI, 0.0);
        Ok(pulse_response(&impulse, SAMPLES_PER_UI))
    };
    let samples = pulse(&own, link.name)?;
    let cursor = middle(&samples);
    let jitter = |seconds: f64| seconds / ui;
    Ok(EyeInput {
        pulse: EyePulse { samples, samples_per_ui: SAMPLES_PER_UI, cursor, feedback_v: Vec::new() },
        levels: 2,
        level_mismatch: 1.0,
        crosstalk: vec![CrosstalkPulse { name: "neighbours".into(), samples: pulse(&neighbours, "neighbours")? }],
        noise: EyeNoise { receiver_v: link.noise_v.value, transmitter_v: 0.0, quantiser_v: Vec::new() },
        jitter: Jitter {
            random_ui: jitter(link.random_jitter_s.value),
            dual_dirac_ui: jitter(link.dual_dirac_s.value),
        },
    })
}

/// First guess of the sampling instant: the middle of the unit interval that holds most of the pulse.
fn middle(samples: &[f64]) -> usize {
    let mut sum: f64 = samples.iter().take(SAMPLES_PER_UI).sum();
    let mut best = (sum, 0);
    for k in SAMPLES_PER_UI..samples.len() {
        sum += samples[k] - samples[k - SAMPLES_PER_UI];
        if sum > best.0 {
            best = (sum, k + 1 - SAMPLES_PER_UI);
        }
    }
    best.1 + SAMPLES_PER_UI / 2
}

/// Smallest opening in V over a width about a phase, and the width over which the opening is at least `height_v`.
fn clearance(eye: &StatisticalEye, target: f64, width_ui: f64, height_v: f64) -> (f64, f64, usize) {
    // A two-level eye is symmetrical about zero.
    let half: Vec<f64> = (0..eye.phase_ui.len()).map(|phase| eye.low_quantile(phase, 1, target)).collect();
    let step = eye.phase_ui.get(1).map_or(1.0, |second| second - eye.phase_ui[0]);
    let reach = (0.5 * width_ui / step).ceil() as usize;
    let worst = |centre: usize| {
        let (from, to) = (centre.saturating_sub(reach), (centre + reach).min(half.len() - 1));
        half[from..=to].iter().copied().fold(f64::INFINITY, f64::min)
    };
    let last = half.len() - 1;
    let range = reach.min(last / 2)..=last.saturating_sub(reach).max(last / 2);
    let (centre, least) = range
        .map(|centre| (centre, worst(centre)))
        .fold((eye.centre(), f64::NEG_INFINITY), |best, now| if now.1 > best.1 { now } else { best });
    // Between two phases the edge runs straight.
    let needed = 0.5 * height_v;
    let side = |direction: i64| {
        let mut at = centre as i64;
        while (0..=last as i64).contains(&(at + direction)) {
            let (here, next) = (half[at as usize], half[(at + direction) as usize]);
            if next < needed {
                let share = if here > next { (here - needed) / (here - next) } else { 0.0 };
                return ((at - centre as i64).abs() as f64 + share.clamp(0.0, 1.0)) * step;
            }
            at += direction;
        }
        (at - centre as i64).abs() as f64 * step
    };
    let width = if half[centre] >= needed { side(-1) + side(1) } else { 0.0 };
    (2.0 * least, width, centre)
}

/// The eye of a wire, its mask's clearance, and the slicer's input, moved so that the mask sits where it fits best.
fn centred(
    link: &DieToDie,
    rate_gt: f64,
    length_mm: f64,
    settings: &EyeSettings,
) -> Result<(EyeInput, StatisticalEye, f64, f64), ReceiverProblem> {
    let mut input = slicer(link, rate_gt, length_mm)?;
    let (mask_ui, mask_v) = (link.mask_ui(rate_gt).value, link.mask_v.value);
    let mut eye = StatisticalEye::of(&input, settings)?;
    for _ in 0..2 {
        let (_, _, centre) = clearance(&eye, settings.target, mask_ui, mask_v);
        let move_samples = (eye.phase_ui[centre] * SAMPLES_PER_UI as f64).round() as i64;
        let moved = usize::try_from(input.pulse.cursor as i64 + move_samples).unwrap_or(0);
        if move_samples == 0 || input.pulse.samples.get(moved).is_none_or(|v| *v <= 0.0) {
            break;
        }
        input.pulse.cursor = moved;
        eye = StatisticalEye::of(&input, settings)?;
    }
    let (height, width, _) = clearance(&eye, settings.target, mask_ui, mask_v);
    Ok((input, eye, height, width))
}

/// Evaluates a wire of a length at a rate. `error_ratio` of `None` takes the link's own.
pub fn evaluate(
    link: &DieToDie,
    rate_gt: f64,
    length_mm: f64,
    error_ratio: Option<f64>,
) -> Result<DieToDieOutcome, ReceiverProblem> {
    if !(rate_gt > 0.0 && rate_gt <= 128.0) {
        return Err(EyeError::OutOfRange("the rate", rate_gt, "above 0 and at most 128 GT/s").into());
    }
    if !(length_mm > 0.0 && length_mm <= LONGEST_MM) {
        return Err(EyeError::OutOfRange("the length", length_mm, "above 0 and at most 60 mm").into());
    }
    let target = error_ratio.unwrap_or(link.error_ratio(rate_gt).value);
    let settings = EyeSettings { target, contours: vec![1e-6, 1e-12], ..EyeSettings::default() };
    let (mask_ui, mask_v) = (link.mask_ui(rate_gt).value, link.mask_v.value);
    let (input, eye, height, width) = centred(link, rate_gt, length_mm, &settings)?;
    let clears = |height: f64, width: f64| height >= mask_v && width >= mask_ui;
    // A coarse eye is enough to find the reach.
    let coarse = EyeSettings { phases_per_ui: 32, bins_per_cursor: 256, ..settings.clone() };
    let closes = |mm: f64| centred(link, rate_gt, mm, &coarse).is_ok_and(|(_, _, height, width)| clears(height, width));
    // Reflections open and close a mask again as the length grows: what counts is the first length that does not clear.
    let lengths = (0..).map(|k| 0.25 * 1.25f64.powi(k)).take_while(|mm| *mm < LONGEST_MM).chain([LONGEST_MM]);
    let mut reach = (0.0, LONGEST_MM);
    for mm in lengths {
        if !closes(mm) {
            reach.1 = mm;
            break;
        }
        reach.0 = mm;
    }
    for _ in 0..5 {
        let middle = 0.5 * (reach.0 + reach.1);
        if closes(middle) { reach.0 = middle } else { reach.1 = middle }
    }
    let terminated = link.is_terminated(rate_gt);
    let at = |hz: f64| transfer(link, terminated, length_mm, hz).norm();
    let swing = link.swing_v.value;
    let capacitance = link.wire.value.capacitance * length_mm + 2.0 * link.pad_f.value;
    // Every fourth bit draws a full charge; a termination draws current all the time.
    let charge = 0.25 * capacitance * swing * swing;
    let current = if terminated { swing * swing / (50.0 + link.source_ohm.value) * 0.25e-9 / rate_gt } else { 0.0 };
    Ok(DieToDieOutcome {
        link: link.id,
        rate_gt,
        length_mm,
        error_ratio: target,
        pass: clears(height, width),
        loss_db: 20.0 * (at(1e6) / at(0.5e9 * rate_gt)).log10(),
        height_mv: height * 1e3,
        mask_mv: mask_v * 1e3,
        width_ui: width,
        mask_ui,
        reach_mm: reach.0,
        terminated,
        energy_pj: (link.energy_j.value.0 * 1e12, link.energy_j.value.1 * 1e12),
        wire_energy_pj: (charge + current) * 1e12,
        input,
        eye,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eye::standard::ucie;

    #[test]
    fn at_low_frequency_only_resistors_divide() {
        let link = ucie::find("ucie-standard").expect("bundled");
        let wire = link.wire.value.resistance * 10.0;
        let divided = 50.0 / (50.0 + wire + link.source_ohm.value);
        assert!((transfer(link, true, 10.0, 1e3).norm() / divided - 1.0).abs() < 1e-3);
        assert!((transfer(link, false, 10.0, 1e3).norm() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_short_wire_loses_like_its_capacitance() {
        // Well below the line's resonance a short wire is one capacitor behind the source resistor and half the wire's.
        let link = ucie::find("ucie-advanced").expect("bundled");
        let (mm, hz) = (0.2, 4e9);
        let c = link.wire.value.capacitance * mm + 2.0 * link.pad_f.value;
        let pole = Complex64::new(1.0, 2.0 * PI * hz * link.source_ohm.value * c);
        assert!((transfer(link, false, mm, hz).norm() * pole.norm() - 1.0).abs() < 0.03);
    }

    #[test]
    fn longer_and_faster_is_harder() {
        let link = ucie::find("ucie").expect("bundled");
        let at = |rate, mm| evaluate(link, rate, mm, Some(1e-15)).expect("a sound wire");
        let (near, far, fast) = (at(16.0, 1.0), at(16.0, 2.0), at(32.0, 2.0));
        assert!(near.height_mv > far.height_mv && far.height_mv > fast.height_mv);
        assert!(fast.loss_db > far.loss_db, "{} {}", fast.loss_db, far.loss_db);
        assert!(near.reach_mm > fast.reach_mm, "{} {}", near.reach_mm, fast.reach_mm);
        // All lengths within the reach clear the mask.
        assert!(far.pass || far.reach_mm < 2.0, "{far:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        let link = ucie::find("ucie").expect("bundled");
        assert!(evaluate(link, 0.0, 1.0, None).is_err());
        assert!(evaluate(link, 16.0, f64::NAN, None).is_err());
        assert!(evaluate(link, 16.0, 1.0, Some(0.9)).is_err());
    }
}
