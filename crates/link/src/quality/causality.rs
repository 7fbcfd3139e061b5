//! Whether a network answers before it is asked.
//!
//! Two methods, since neither is proof on sampled data. The rotation metric CQMi of IEEE 370-2020: parameters of causal
//! networks turn clockwise in the complex plane, and the share of turning the other way counts against them; it judges
//! small, noisy parameters harshly. And the energy of the response in time that comes before its cause: the impulse
//! response through a Hann window, whose share before `-2/f_max` (twice the window's first zero) must be small.

use serde::Serialize;

use super::{Class, Finding, Weight};
use crate::network::Network;
use crate::response::{Window, impulse};

/// Parameters whose energy is this share (-40 dB) of the strongest one's or more are judged; what is weaker is mostly
/// noise.
const STRONG: f64 = 1e-4;

/// Causality.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CausalityReport {
    /// CQMi of IEEE 370 in percent: least over all parameters.
    pub quality_percent: f64,
    /// Its class.
    pub class: Class,
    /// The same over parameters within 40 dB of the strongest.
    pub strong_quality_percent: f64,
    /// Parameter (ports from 1) that it is least at.
    pub strong_worst: (usize, usize),
    /// Largest share of a strong parameter's energy that comes before its cause, in percent.
    pub early_energy_percent: f64,
    /// Parameter (ports from 1) that it is of.
    pub early_worst: (usize, usize),
}

/// Share of clockwise rotation of a trace, in percent (CQMi).
pub(super) fn rotation(trace: &[num_complex::Complex64]) -> f64 {
    let (mut clockwise, mut all) = (0.0, 0.0);
    for w in trace.windows(3) {
        let (before, after) = (w[1] - w[0], w[2] - w[1]);
        let turn = after.re * before.im - after.im * before.re;
        clockwise += turn.max(0.0);
        all += turn.abs();
    }
    // A trace that stands still or runs straight turns neither way.
    if all > 0.0 { clockwise / all * 100.0 } else { 100.0 }
}

pub(super) fn check(network: &Network, tolerance_percent: f64, findings: &mut Vec<Finding>) -> Option<CausalityReport> {
    let n = network.ports;
    if network.points() < 8 {
        let message = format!("{} frequencies are too few to judge causality", network.points());
        findings.push(Finding::new(Weight::Warning, "causality", message));
        return None;
    }
    let energy = |row: usize, column: usize| -> f64 {
        (0..network.points()).map(|point| network.at(point, row, column).norm_sqr()).sum()
    };
    let pairs: Vec<(usize, usize, f64)> = (0..n * n).map(|at| (at / n, at % n, energy(at / n, at % n))).collect();
    let strongest = pairs.iter().map(|(.., energy)| *energy).fold(0.0, f64::max);
    let mut report = CausalityReport {
        quality_percent: 100.0,
        class: Class::Good,
        strong_quality_percent: 100.0,
        strong_worst: (1, 1),
        early_energy_percent: 0.0,
        early_worst: (1, 1),
    };
    let top = network.frequency_hz.last().copied().unwrap_or(0.0);
    for (row, column, energy) in pairs {
        let quality = rotation(&network.trace(row, column));
        report.quality_percent = report.quality_percent.min(quality);
        if energy < STRONG * strongest || energy == 0.0 {
            continue;
        }
        if quality < report.strong_quality_percent {
            report.strong_quality_percent = quality;
            report.strong_worst = (row + 1, column + 1);
        }
        let Ok(response) = impulse(network, row, column, Window::Hann, 1) else { continue };
        let total: f64 = response.values.iter().map(|v| v * v).sum();
        let end = ((-2.0 / top - response.start_s) / response.step_s).floor().max(0.0) as usize;
        let early: f64 = response.values.iter().take(end).map(|v| v * v).sum();
        let share = if total > 0.0 { early / total * 100.0 } else { 0.0 };
        if share > report.early_energy_percent {
            report.early_energy_percent = share;
            report.early_worst = (row + 1, column + 1);
        }
    }
    report.class = Class::of_causality(report.quality_percent);
    if report.early_energy_percent > tolerance_percent {
        findings.push(Finding::new(
            Weight::Failure,
            "causality",
            format!(
                "not causal: {:.2} % of the energy of S{},{} comes before its cause (tolerance {tolerance_percent} %); its \
                 delay was taken off too far, the step is too coarse for it, or data were patched together",
                report.early_energy_percent, report.early_worst.0, report.early_worst.1
            ),
        ));
    }
    if Class::of_causality(report.strong_quality_percent) < Class::Acceptable {
        findings.push(Finding::new(
            Weight::Warning,
            "causality-rotation",
            format!(
                "S{},{} turns clockwise in {:.1} % of its way alone ({} by IEEE 370): noise, or a step too coarse",
                report.strong_worst.0,
                report.strong_worst.1,
                report.strong_quality_percent,
                Class::of_causality(report.strong_quality_percent).word()
            ),
        ));
    }
    Some(report)
}
