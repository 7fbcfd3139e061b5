//! Eyes: the statistical eye of an equalised pulse, what closes it, and the receivers that are judged by it.
//!
//! - [`pulse`], [`input`]: what reaches the slicer; [`amplitude`], [`jitter`], [`tail`]: distributions;
//! - [`statistical`]: the eye, voltages at every phase; [`opening`]: contours, heights, widths, bathtubs;
//! - [`cost`]: what each term costs.

pub mod amplitude;
pub mod cost;
pub mod input;
pub mod jitter;
pub mod opening;
pub mod pulse;
pub mod statistical;
pub mod tail;

#[cfg(test)]
mod tests;

pub use cost::{CostBreakdown, TermCost, costs};
pub use input::{CrosstalkPulse, EyeError, EyeInput, EyeNoise, Term};
pub use jitter::Jitter;
pub use opening::{Contour, Opening, contours, openings, timing_bathtub, voltage_bathtub};
pub use pulse::EyePulse;
pub use statistical::{EyeSettings, StatisticalEye};
