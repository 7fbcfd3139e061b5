//! Whether a network is the same in both directions, as everything made of copper and glass is.

use serde::Serialize;

use super::{Class, Finding, Place, Weight};
use crate::network::Network;

/// Reciprocity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReciprocityReport {
    /// Largest difference of a parameter and its mirror image.
    pub largest_difference: f64,
    /// Where it is.
    pub at: Place,
    /// RQMi of IEEE 370 in percent.
    pub quality_percent: f64,
    /// Its class.
    pub class: Class,
}

pub(super) fn check(network: &Network, tolerance: f64, findings: &mut Vec<Finding>) -> ReciprocityReport {
    // Onset and scale of the metric RQMi (IEEE 370-2020 and its open-source code).
    const ONSET: f64 = 1e-6;
    const SCALE: f64 = 0.1;
    let n = network.ports;
    let mut largest = 0.0;
    let mut at = Place { row: 2, column: 1, frequency_hz: network.frequency_hz.first().copied().unwrap_or(0.0) };
    let mut weight = 0.0;
    for (point, frequency) in network.frequency_hz.iter().enumerate() {
        let mut sum = 0.0;
        for row in 0..n {
            for column in 0..row {
                let difference = (network.at(point, row, column) - network.at(point, column, row)).norm();
                if difference > largest {
                    largest = difference;
                    at = Place { row: row + 1, column: column + 1, frequency_hz: *frequency };
                }
                sum += 2.0 * difference;
            }
        }
        let mean = sum / (n * (n - 1)) as f64;
        weight += ((mean - ONSET) / SCALE).max(0.0);
    }
    let points = network.points().max(1) as f64;
    let quality_percent = ((points - weight) / points).max(0.0) * 100.0;
    if largest > tolerance {
        findings.push(Finding::new(
            Weight::Warning,
            "reciprocity",
            format!(
                "not reciprocal: S{},{} and S{},{} differ by {largest:.5} at {:.4} GHz (tolerance {tolerance}); passive \
                 channels are, so a port or the calibration drifted, unless there is an active part in the path",
                at.row,
                at.column,
                at.column,
                at.row,
                at.frequency_hz / 1e9
            ),
        ));
    }
    ReciprocityReport { largest_difference: largest, at, quality_percent, class: Class::of_strict(quality_percent) }
}
