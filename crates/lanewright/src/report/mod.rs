//! The HTML report.

use lanewright_model::system::System;
use lanewright_twin::review::Review;

/// Placeholder until the report branch lands.
pub fn html(_: &System, _: &Review) -> String {
    String::new()
}
