//! Whether a network gives out more than goes in.

use nalgebra::{Complex, DMatrix};
use serde::Serialize;

use super::{Class, Finding, Weight};
use crate::network::Network;

/// Passivity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassivityReport {
    /// Largest singular value over all frequencies: the largest gain in amplitude for any combination of waves.
    pub largest_singular_value: f64,
    /// Where it is, in Hz.
    pub at_hz: f64,
    /// Frequencies at which the tolerance is exceeded.
    pub points_beyond: usize,
    /// PQMi of IEEE 370 in percent.
    pub quality_percent: f64,
    /// Its class.
    pub class: Class,
}

/// Frobenius norm, which no singular value exceeds.
fn bound(matrix: &[Complex<f64>]) -> f64 {
    matrix.iter().map(|s| s.norm_sqr()).sum::<f64>().sqrt()
}

/// Largest singular value of a square matrix.
pub(super) fn largest_singular_value(matrix: &[Complex<f64>], ports: usize) -> f64 {
    match ports {
        1 => matrix[0].norm(),
        2 => {
            // Of the matrix times its adjoint the largest eigenvalue, by its trace and determinant.
            let square: f64 = matrix.iter().map(|s| s.norm_sqr()).sum();
            let determinant = (matrix[0] * matrix[3] - matrix[1] * matrix[2]).norm_sqr();
            (0.5 * (square + (square * square - 4.0 * determinant).max(0.0).sqrt())).sqrt()
        }
        _ => {
            let svd = DMatrix::from_row_slice(ports, ports, matrix).try_svd(false, false, f64::EPSILON, 10_000);
            svd.map_or_else(|| bound(matrix), |svd| svd.singular_values.max())
        }
    }
}

pub(super) fn check(network: &Network, tolerance: f64, findings: &mut Vec<Finding>) -> PassivityReport {
    // Onset and scale of the metric PQMi (IEEE 370-2020 and its open-source code).
    const ONSET: f64 = 1.00001;
    const SCALE: f64 = 0.1;
    let (mut largest, mut at_hz, mut beyond, mut weight) = (0.0_f64, 0.0, 0, 0.0);
    for (point, frequency) in network.frequency_hz.iter().enumerate() {
        let matrix = network.matrix(point);
        // Most points of a lossy network are cleared by the bound alone.
        if bound(matrix) <= largest.clamp(0.0, ONSET) {
            continue;
        }
        let value = largest_singular_value(matrix, network.ports);
        if value > largest {
            (largest, at_hz) = (value, *frequency);
        }
        beyond += usize::from(value > 1.0 + tolerance);
        weight += ((value - ONSET) / SCALE).max(0.0);
    }
    let points = network.points().max(1) as f64;
    let quality_percent = ((points - weight) / points).max(0.0) * 100.0;
    if beyond > 0 {
        findings.push(Finding::new(
            Weight::Failure,
            "passivity",
            format!(
                "not passive: it gains up to {largest:.6} times ({:.4} dB) at {:.4} GHz, and more than 1 + {tolerance} at \
                 {beyond} of {} frequencies; calibrate again, or enforce passivity before simulating",
                20.0 * largest.log10(),
                at_hz / 1e9,
                network.points()
            ),
        ));
    }
    let class = Class::of_strict(quality_percent);
    PassivityReport { largest_singular_value: largest, at_hz, points_beyond: beyond, quality_percent, class }
}
