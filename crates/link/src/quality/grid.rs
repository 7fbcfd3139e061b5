//! Whether a network's frequencies are enough for what it is needed for.

use serde::Serialize;

use super::{Finding, PortReport, Weight};
use crate::network::Network;

/// What a lane needs of a channel's frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneNeeds {
    /// Symbol rate in baud, where it is known.
    pub baud_hz: Option<f64>,
    /// Largest start in Hz: f_min of the sheets, 50 MHz.
    pub start_hz: f64,
    /// Largest step in Hz: Delta_f of the sheets, 10 MHz.
    pub step_hz: f64,
}

impl Default for LaneNeeds {
    /// As in Table 93A-1 and all task force sheets: 0.05 GHz and 0.01 GHz.
    fn default() -> Self {
        Self { baud_hz: None, start_hz: 50e6, step_hz: 10e6 }
    }
}

/// Grid of frequencies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GridReport {
    /// Lowest frequency in Hz.
    pub start_hz: f64,
    /// Highest frequency in Hz.
    pub stop_hz: f64,
    /// Smallest step in Hz.
    pub least_step_hz: f64,
    /// Largest step in Hz.
    pub largest_step_hz: f64,
    /// Whether all steps are the same to a millionth.
    pub uniform: bool,
    /// Delay of the strongest transmission in s, where there is one: the median of its group delay.
    pub delay_s: Option<f64>,
    /// Longest response that the step can hold, in s.
    pub record_s: f64,
    /// Phase in degrees between 0 Hz and the lowest frequency, by that delay: what has to be extrapolated. IEEE 370 asks
    /// for less than 90 degrees.
    pub extrapolated_to_dc_deg: Option<f64>,
    /// Level in dB of the strongest transmission at the highest frequency: what is cut off there.
    pub level_at_stop_db: Option<f64>,
}

pub(super) fn check(
    network: &Network,
    needs: &LaneNeeds,
    order: Option<&PortReport>,
    findings: &mut Vec<Finding>,
) -> GridReport {
    let f = &network.frequency_hz;
    let (start_hz, stop_hz) = (f.first().copied().unwrap_or(0.0), f.last().copied().unwrap_or(0.0));
    let steps = || f.windows(2).map(|w| w[1] - w[0]);
    let (least, largest) = (steps().fold(f64::INFINITY, f64::min), steps().fold(0.0, f64::max));
    let least = if least.is_finite() { least } else { 0.0 };
    let uniform = largest - least <= 1e-6 * largest;
    let through = order.and_then(|order| order.through.first().copied()).filter(|_| f.len() > 2);
    let trace = through.map(|(a, b)| network.trace(b - 1, a - 1));
    let delay_s = trace.as_ref().map(|trace| {
        let mut delays: Vec<f64> = trace
            .windows(2)
            .zip(f.windows(2))
            .map(|(s, f)| -(s[1] * s[0].conj()).arg() / (f[1] - f[0]) / std::f64::consts::TAU)
            .collect();
        delays.sort_by(f64::total_cmp);
        delays[delays.len() / 2]
    });
    let level_at_stop_db = trace.as_ref().and_then(|trace| trace.last()).map(|s| 20.0 * s.norm().max(1e-20).log10());
    let record_s = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    let extrapolated_to_dc_deg = delay_s.map(|delay| 360.0 * delay * start_hz);
    let mut say = |weight, code, message: String| findings.push(Finding::new(weight, code, message));
    if f.len() < 2 {
        say(Weight::Warning, "grid-points", "a single frequency is no channel".into());
    } else if !uniform {
        let message = format!(
            "steps vary from {:.6} to {:.6} MHz: an evaluation in time needs an even grid, and interpolates one",
            least / 1e6,
            largest / 1e6
        );
        say(Weight::Warning, "grid-uneven", message);
    }
    // Grids are written with rounded numbers; a millionth more is none.
    let above = |value: f64, limit: f64| value > limit * (1.0 + 1e-6);
    if above(start_hz, needs.start_hz) {
        let message = format!(
            "data begin at {:.6} GHz; {} GHz or less is asked for (f_min), and all below is extrapolated",
            start_hz / 1e9,
            needs.start_hz / 1e9
        );
        say(Weight::Warning, "grid-start", message);
    }
    if above(largest, needs.step_hz) {
        let message = format!(
            "the step is up to {:.3} MHz; {} MHz or less is asked for (Delta_f)",
            largest / 1e6,
            needs.step_hz / 1e6
        );
        say(Weight::Warning, "grid-step", message);
    }
    if let Some(baud) = needs.baud_hz {
        if stop_hz < 0.5 * baud {
            let message = format!(
                "data end at {:.3} GHz, below half of the symbol rate ({:.3} GHz): most of the spectrum would be guessed",
                stop_hz / 1e9,
                baud / 2e9
            );
            say(Weight::Failure, "grid-stop", message);
        } else if stop_hz < baud * (1.0 - 1e-6) {
            let message = format!(
                "data end at {:.3} GHz, below the symbol rate of {:.3} GBd: the rest is extrapolated",
                stop_hz / 1e9,
                baud / 1e9
            );
            say(Weight::Warning, "grid-stop", message);
        }
    } else if let Some(level) = level_at_stop_db.filter(|level| *level > -20.0) {
        let message = format!(
            "the transmission is still at {level:.1} dB where the data end ({:.3} GHz): what lies above matters and is extrapolated",
            stop_hz / 1e9
        );
        say(Weight::Note, "grid-stop", message);
    }
    if let Some(degrees) = extrapolated_to_dc_deg.filter(|degrees| *degrees > 90.0) {
        let message = format!(
            "the phase turns by {degrees:.0} degrees below the lowest frequency; more than 90 cannot be extrapolated with confidence"
        );
        say(Weight::Warning, "grid-dc", message);
    }
    if let Some(delay) = delay_s.filter(|delay| *delay > 0.25 * record_s) {
        let message = format!(
            "its delay of {:.2} ns is more than a quarter of the {:.2} ns that the step can hold: responses will fold over",
            delay * 1e9,
            record_s * 1e9
        );
        say(Weight::Warning, "grid-delay", message);
    }
    GridReport {
        start_hz,
        stop_hz,
        least_step_hz: least,
        largest_step_hz: largest,
        uniform,
        delay_s,
        record_s,
        extrapolated_to_dc_deg,
        level_at_stop_db,
    }
}
