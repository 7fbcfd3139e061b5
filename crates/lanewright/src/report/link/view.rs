//! What the drawings of a link report are made of, whoever evaluated the link.

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::eye::next_step::StepGain;
use lanewright_link::eye::receiver::LossVerdict;
use lanewright_link::eye::{CostBreakdown, EyeInput, Opening, StatisticalEye};

use super::maps::Map;

/// A headline figure.
pub struct Headline {
    /// What it is.
    pub name: String,
    /// Value with unit.
    pub value: String,
    /// What it is judged by, or what to know about it.
    pub note: String,
    /// `good`, `bad` or empty.
    pub class: &'static str,
}

/// A parameter of the evaluation and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterRow {
    /// Name as in the sheet or standard.
    pub name: String,
    /// Value in the sheet's notation.
    pub value: String,
    /// Sheet and cell, document and clause, or how sure it is.
    pub source: String,
}

/// One evaluated case.
pub struct CaseView<'a> {
    /// Heading.
    pub name: String,
    /// Victim's pulse before equalisation, in V.
    pub raw_pulse: &'a [f64],
    /// What the eye is made of.
    pub input: &'a EyeInput,
    /// The eye.
    pub eye: &'a StatisticalEye,
    /// Its openings.
    pub openings: &'a [Opening],
    /// Costs of the terms.
    pub costs: &'a CostBreakdown,
    /// What next steps would gain.
    pub steps: &'a [StepGain],
    /// Maps over the grid.
    pub maps: Vec<Map>,
    /// Chosen settings: name and value.
    pub settings: Vec<(String, String)>,
    /// What to know about this case's eye, escaped already.
    pub notes: Vec<String>,
}

/// A whole report.
pub struct LinkReport<'a> {
    /// Kind of report, above the title.
    pub kind: &'a str,
    /// Title: usually the victim's file.
    pub title: String,
    /// One line under the title.
    pub lead: String,
    /// `good` or `bad`, and the verdict in words.
    pub verdict: (&'static str, String),
    /// Figures under the verdict.
    pub headlines: Vec<Headline>,
    /// The channels; a wire in a package has no files.
    pub channels: Option<&'a ChannelSet>,
    /// Nyquist frequency in Hz.
    pub nyquist_hz: f64,
    /// Loss against a budget.
    pub loss: Option<&'a LossVerdict>,
    /// Cases, the worst first.
    pub cases: Vec<CaseView<'a>>,
    /// All parameters.
    pub parameters: Vec<ParameterRow>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Command that made the report.
    pub command: String,
}
