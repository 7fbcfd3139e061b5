//! Eyes: the statistical eye of an equalised pulse, what closes it, and the receivers that are judged by it.
//!
//! - [`pulse`], [`input`]: what reaches the slicer; [`amplitude`], [`jitter`]: distributions;
//! - [`statistical`]: the eye, voltages at every phase; [`opening`]: contours, heights, widths, bathtubs;
//!   [`picture`]: what a drawing of it needs;
//! - [`cost`]: what each term costs; [`next_step`]: what a further step would gain;
//! - [`standard`]: links that are judged by an eye, as data; [`front_end`], [`receiver`]: their reference receivers;
//!   [`chosen`], [`case`], [`com_steps`]: the same for a case of a COM evaluation; [`reflection`]: what a report shows of
//!   its reflections; [`die_to_die`]: wires between dies in a package.

pub mod amplitude;
pub mod case;
pub mod chosen;
pub mod com_steps;
pub mod cost;
pub mod die_to_die;
pub mod front_end;
pub mod input;
pub mod jitter;
pub mod next_step;
pub mod opening;
pub mod picture;
pub mod pulse;
pub mod receiver;
pub mod reflection;
pub mod standard;
pub mod statistical;

#[cfg(test)]
mod receiver_tests;
#[cfg(test)]
mod tests;

pub use cost::{CostBreakdown, TermCost, costs};
pub use input::{CrosstalkPulse, EyeError, EyeInput, EyeNoise, Term};
pub use jitter::Jitter;
pub use opening::{Contour, Opening, contours, openings, timing_bathtub, voltage_bathtub};
pub use picture::EyePicture;
pub use pulse::EyePulse;
pub use statistical::{EyeSettings, StatisticalEye};
