//! What a lane's slicer sees, for drawings: the equalised pulse and the statistical eye.

use crate::com::outcome::CaseOutcome;
use crate::com::prepare::Prepared;
use crate::eye::opening::openings;
use crate::eye::receiver::ReceiverOutcome;
use crate::eye::{EyeInput, EyePicture, EyeSettings, StatisticalEye, chosen};

/// Points of an eye's picture: enough for the size at which a review draws it.
const ROWS: usize = 80;
const COLUMNS: usize = 32;
/// Phases and bins of a lane's eye: those that planning judges eyes with.
const PHASES_PER_UI: usize = 32;
const BINS_PER_CURSOR: usize = 256;
/// The pulse is kept from the first sample above this share of its peak on, and for so many unit intervals.
const FROM_PEAK: f64 = 0.01;
const BEFORE_UI: usize = 2;
const AFTER_UI: usize = 30;

/// Pulse and eye at one slicer.
#[derive(Clone, Debug, PartialEq)]
pub struct SlicerView {
    /// The equalised pulse in mV, before decision feedback, from shortly before it rises.
    pub pulse_mv: Vec<f64>,
    /// Samples of the pulse in a unit interval.
    pub samples_per_ui: usize,
    /// The sampling instant in `pulse_mv`.
    pub cursor: usize,
    /// The eye behind decision feedback, every symbol decided by itself; absent where no eye can be made of the pulse.
    pub eye: Option<EyePicture>,
}

/// How eyes of lanes are worked out.
pub fn settings(target: f64) -> EyeSettings {
    EyeSettings { phases_per_ui: PHASES_PER_UI, bins_per_cursor: BINS_PER_CURSOR, target, contours: Vec::new() }
}

impl SlicerView {
    /// Of a package case at the setting that its search chose, at the error ratio of its receiver.
    pub fn of_case(prepared: &Prepared<'_>, outcome: &CaseOutcome) -> Option<Self> {
        let input = chosen::input(prepared, outcome).ok()?;
        let eye = StatisticalEye::of(&input, &settings(prepared.parameters.signal.detector_error_ratio)).ok();
        let picture = eye.map(|eye| EyePicture::of(&eye, &openings(&eye), ROWS, COLUMNS));
        Some(Self::of(&input, picture))
    }

    /// Of a receiver that is judged by its eye.
    pub fn of_receiver(outcome: &ReceiverOutcome) -> Self {
        let picture = EyePicture::of(&outcome.eye, &outcome.eyes, ROWS, COLUMNS);
        Self::of(&outcome.input, Some(picture))
    }

    fn of(input: &EyeInput, eye: Option<EyePicture>) -> Self {
        let pulse = &input.pulse;
        let peak = pulse.samples.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let rise = pulse.samples.iter().position(|v| v.abs() > FROM_PEAK * peak).unwrap_or(0).min(pulse.cursor);
        let from = rise.saturating_sub(BEFORE_UI * pulse.samples_per_ui);
        let until = (pulse.cursor + AFTER_UI * pulse.samples_per_ui).min(pulse.samples.len());
        Self {
            pulse_mv: pulse.samples.get(from..until).unwrap_or_default().iter().map(|v| v * 1e3).collect(),
            samples_per_ui: pulse.samples_per_ui,
            cursor: pulse.cursor.saturating_sub(from),
            eye,
        }
    }
}
