//! Whether to believe a measured or simulated network: passivity, reciprocity, causality, the quality estimates of
//! IEEE 370, its grid of frequencies, and what its ports are.

mod causality;
mod grid;
mod passivity;
mod ports;
mod reciprocity;

use serde::Serialize;

use crate::network::{Network, NetworkError};

pub use causality::CausalityReport;
pub use grid::{GridReport, LaneNeeds};
pub use passivity::PassivityReport;
pub use ports::{PortReport, port_order};
pub use reciprocity::ReciprocityReport;

/// What is taken for good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// By how much the largest singular value may exceed 1.
    pub passivity: f64,
    /// Largest difference of a parameter and its mirror image.
    pub reciprocity: f64,
    /// Largest share of a response's energy before its cause, in percent.
    pub causality_percent: f64,
}

impl Default for Tolerances {
    /// One thousandth of a wave (0.009 dB: what calibration leaves), one hundredth, and one percent of the energy.
    /// Choices of this program; IEEE 370 has percentages in their place, which are reported beside them.
    fn default() -> Self {
        Self { passivity: 1e-3, reciprocity: 1e-2, causality_percent: 1.0 }
    }
}

/// Class of a quality estimate of IEEE 370.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The data will mislead.
    Poor,
    /// Other evidence is needed.
    Inconclusive,
    /// Usable.
    Acceptable,
    /// Good.
    Good,
}

impl Class {
    /// Classes of passivity and reciprocity: good above 99.9 %, acceptable above 99 %, inconclusive above 80 %
    /// (IEEE 370-2020, initial quality metrics, as its open-source code and scikit-rf have them).
    fn of_strict(percent: f64) -> Self {
        Self::of(percent, [80.0, 99.0, 99.9])
    }

    /// Classes of causality: good above 80 %, acceptable above 50 %, inconclusive above 20 %.
    fn of_causality(percent: f64) -> Self {
        Self::of(percent, [20.0, 50.0, 80.0])
    }

    fn of(percent: f64, limits: [f64; 3]) -> Self {
        match limits.iter().filter(|limit| percent > **limit).count() {
            0 => Self::Poor,
            1 => Self::Inconclusive,
            2 => Self::Acceptable,
            _ => Self::Good,
        }
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::Inconclusive => "inconclusive",
            Self::Acceptable => "acceptable",
            Self::Good => "good",
        }
    }
}

/// A parameter at a frequency, ports from 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Port that the wave comes out of, from 1.
    pub row: usize,
    /// Port that the wave goes into, from 1.
    pub column: usize,
    /// Frequency in Hz.
    pub frequency_hz: f64,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// May mislead an evaluation.
    Warning,
    /// Beyond a tolerance.
    Failure,
}

/// Something to say about a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// Stable short name.
    pub code: &'static str,
    /// One sentence, and what to do.
    pub message: String,
}

impl Finding {
    fn new(weight: Weight, code: &'static str, message: String) -> Self {
        Self { weight, code, message }
    }
}

/// Everything that was found out about a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QualityReport {
    /// Ports.
    pub ports: usize,
    /// Frequencies.
    pub points: usize,
    /// Grid of frequencies.
    pub grid: GridReport,
    /// Passivity.
    pub passivity: PassivityReport,
    /// Reciprocity; a network of one port has none.
    pub reciprocity: Option<ReciprocityReport>,
    /// Causality; not where there are too few frequencies for a response in time.
    pub causality: Option<CausalityReport>,
    /// Which ports are joined, and at which ends they are; not for networks of one port.
    pub port_order: Option<PortReport>,
    /// What there is to say, the worst first.
    pub findings: Vec<Finding>,
}

impl QualityReport {
    /// Whether the network is passive, reciprocal and causal within the tolerances.
    pub fn good(&self) -> bool {
        self.findings.iter().all(|finding| finding.weight < Weight::Failure)
    }
}

/// Checks a network; `needs` are those of the lane that it is for.
///
/// # Errors
/// Where the network's lists do not fit each other.
pub fn check(network: &Network, tolerances: &Tolerances, needs: &LaneNeeds) -> Result<QualityReport, NetworkError> {
    network.check()?;
    let mut findings = Vec::new();
    let passivity = passivity::check(network, tolerances.passivity, &mut findings);
    let reciprocity = (network.ports > 1).then(|| reciprocity::check(network, tolerances.reciprocity, &mut findings));
    let causality = causality::check(network, tolerances.causality_percent, &mut findings);
    let port_order = (network.ports > 1).then(|| port_order(network));
    let grid = grid::check(network, needs, port_order.as_ref(), &mut findings);
    if let Some(order) = &port_order {
        findings.push(Finding::new(Weight::Note, "port-order", order.explanation.clone()));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    let (ports, points) = (network.ports, network.points());
    Ok(QualityReport { ports, points, grid, passivity, reciprocity, causality, port_order, findings })
}

#[cfg(test)]
mod tests;
