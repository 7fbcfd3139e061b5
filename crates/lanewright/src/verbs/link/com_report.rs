//! The report of a COM evaluation: every case worked out again at its chosen setting, with its eye and next steps.

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::evaluate;
use lanewright_link::com::outcome::ComOutcome;
use lanewright_link::com::parameters::ComParameters;
use lanewright_link::eye::EyeSettings;
use lanewright_link::eye::case::CaseDetail;
use lanewright_link::eye::com_steps::com_steps;
use lanewright_link::eye::next_step::StepGain;
use lanewright_link::sheet::{names, preset};

use super::setup::Setup;
use crate::report::link::view::ParameterRow;
use crate::report::link::{ComReportInput, com, page};

/// What an evaluation was made of and came to.
pub struct Evaluation<'a> {
    /// Parameters.
    pub parameters: &'a ComParameters,
    /// Channels.
    pub channels: &'a ChannelSet,
    /// Outcome.
    pub outcome: &'a ComOutcome,
}

/// Eyes and next steps of every case, in the outcome's order.
pub struct Worked {
    /// Eyes and maps.
    pub details: Vec<CaseDetail>,
    /// Gains of next steps.
    pub steps: Vec<Vec<StepGain>>,
}

/// Contours that are drawn, and the error ratio that eyes are judged at.
pub fn settings(target: f64) -> EyeSettings {
    let mut contours = vec![1e-3, 1e-6, 1e-9, 1e-12];
    contours.retain(|ratio| *ratio != target);
    EyeSettings { target, contours, ..EyeSettings::default() }
}

impl Evaluation<'_> {
    /// Works every case out. The error is a message ready to be shown.
    pub fn work(&self, target: f64) -> Result<Worked, String> {
        let settings = settings(target);
        let cases = || self.outcome.cases.iter().enumerate();
        let place = |name: &str, at: usize| {
            let cases = &self.parameters.ends.cases;
            cases.iter().position(|case| case.name == name).unwrap_or(at)
        };
        let details = cases()
            .map(|(at, case)| CaseDetail::of(self.parameters, self.channels, place(&case.case, at), case, &settings))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| format!("{problem}\n"))?;
        let steps = cases()
            .map(|(at, case)| com_steps(self.parameters, self.channels, place(&case.case, at), case, evaluate))
            .collect();
        Ok(Worked { details, steps })
    }

    /// The report; `kind` stands above the title.
    pub fn html(
        &self,
        kind: &str,
        worked: &Worked,
        rows: &[ParameterRow],
        warnings: &[String],
        command: &str,
    ) -> String {
        let input = ComReportInput {
            title: &self.channels.victim.name,
            parameters: self.parameters,
            channels: self.channels,
            outcome: self.outcome,
            details: &worked.details,
            steps: &worked.steps,
            rows,
            warnings,
            command,
        };
        page(&com::report(&input, kind))
    }
}

/// Every row that counts: those of the sheet or set by hand with their place, and the defaults with where they are from.
/// Rows of a built-in sheet say how far they are to be trusted.
pub fn parameter_rows(setup: &Setup) -> Vec<ParameterRow> {
    let entries = preset::find(&setup.rows.source).map_or_else(|_| Vec::new(), |preset| preset.entries);
    let found = names::all().filter_map(|name| {
        let row = setup.rows.find(None, name).ok().flatten()?;
        let value = row.value.map(|value| value.to_string()).unwrap_or_default();
        let entry = entries.iter().find(|entry| entry.row == name && entry.value == value);
        let source = entry.map_or(row.place, |entry| format!("{}: {}", entry.certainty, entry.source));
        Some(ParameterRow { name: name.to_string(), value, source })
    });
    let defaults = setup.resolved.defaults_used.iter().map(|default| ParameterRow {
        name: default.row.clone(),
        value: default.value.clone(),
        source: format!("not given: {}", default.source),
    });
    found.chain(defaults).collect()
}
