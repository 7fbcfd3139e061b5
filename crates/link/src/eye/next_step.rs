//! What a further step of an equaliser, or a little less of a noise, would gain.

use serde::Serialize;

use super::input::EyeInput;
use super::statistical::Interference;

/// Gain of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepGain {
    /// What the step is.
    pub step: String,
    /// Gain of margin, 20 log10 (A_s / A_ni), in dB; negative when it would lose.
    pub margin_db: f64,
    /// Gain of the smallest eye's height in mV.
    pub height_mv: f64,
}

/// Compares two inputs at their sampling instants. `None` where one of them cannot be evaluated.
pub fn step_gain(step: &str, now: &EyeInput, then: &EyeInput, target: f64) -> Option<StepGain> {
    let at = |input: &EyeInput| {
        input.check().ok()?;
        let bins = 512;
        let a_ni = Interference::of(input, target, bins).with(|_| true).max(0.1 * input.bin_v(bins));
        let signal = input.signal_v();
        Some((20.0 * (signal / a_ni).log10(), 2e3 * (signal - a_ni)))
    };
    let ((margin, height), (new_margin, new_height)) = (at(now)?, at(then)?);
    Some(StepGain { step: step.to_string(), margin_db: new_margin - margin, height_mv: new_height - height })
}
