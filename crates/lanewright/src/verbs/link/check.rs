//! `lanewright link check`: whether to believe measured and simulated channels.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use lanewright_link::quality::{self, LaneNeeds, QualityReport, Tolerances, Weight};
use lanewright_link::touchstone::TouchstoneFile;
use rayon::prelude::*;

use super::network_files;
use crate::terminal::table;
use crate::verbs::{Exit, Outcome, json_text};

/// Options of `link check`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0: all good; 1: a file is not passive, not causal, or lacks the frequencies its lane \
needs; 2: a file cannot be read.

Quality estimates (PQMi, RQMi, CQMi) are those of IEEE 370-2020.

Examples:
  lanewright link check channel.s4p
  lanewright link check measured/ --baud 53.125
  lanewright link check a.s4p b.s4p --passivity 0.01 --json"
)]
pub struct CheckArgs {
    /// Touchstone files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Symbol rate of the lane in GBd: are the frequencies enough for it?
    #[arg(long, value_name = "GBD")]
    pub baud: Option<f64>,
    /// By how much the largest singular value may exceed 1
    #[arg(long, value_name = "SHARE", default_value_t = Tolerances::default().passivity)]
    pub passivity: f64,
    /// Largest difference of a parameter and its mirror image that is not warned of
    #[arg(long, value_name = "SHARE", default_value_t = Tolerances::default().reciprocity)]
    pub reciprocity: f64,
    /// Largest share of a response's energy before its cause, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = Tolerances::default().causality_percent)]
    pub causality: f64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Confidence in a port order below which it is shown with a question mark.
const SURE: f64 = 0.6;

/// What became of one file.
struct Checked {
    name: String,
    result: Result<(TouchstoneFile, QualityReport), String>,
}

/// Runs `link check`.
pub fn run(args: &CheckArgs, colour: bool) -> Outcome {
    let numbers = [
        ("--passivity", Some(args.passivity)),
        ("--reciprocity", Some(args.reciprocity)),
        ("--causality", Some(args.causality)),
        ("--baud", args.baud),
    ];
    if let Some((name, Some(value))) = numbers.iter().find(|(_, v)| v.is_some_and(|v| !v.is_finite() || v < 0.0)) {
        return Outcome::bad_input(format!("{name} {value} is not a number of zero or above\n"));
    }
    let files = match network_files::find(&args.files) {
        Ok(files) => files,
        Err(message) => return Outcome::bad_input(message),
    };
    let tolerances =
        Tolerances { passivity: args.passivity, reciprocity: args.reciprocity, causality_percent: args.causality };
    let needs = LaneNeeds { baud_hz: args.baud.map(|baud| baud * 1e9), ..LaneNeeds::default() };
    // Only the report of each file is kept, so that memory does not grow with a batch.
    let checked: Vec<Checked> = files
        .par_iter()
        .map(|path| Checked {
            name: path.display().to_string(),
            result: network_files::read(path, colour).and_then(|mut file| {
                let report = quality::check(&file.network, &tolerances, &needs)
                    .map_err(|error| format!("{}: {error}\n", path.display()))?;
                file.network.s = Vec::new();
                file.network.frequency_hz = Vec::new();
                file.comments = Vec::new();
                Ok((file, report))
            }),
        })
        .collect();
    let good = |checked: &Checked| checked.result.as_ref().is_ok_and(|(_, report)| report.good());
    let exit = if checked.iter().any(|checked| checked.result.is_err()) {
        Exit::BadInput
    } else if checked.iter().all(good) {
        Exit::Clean
    } else {
        Exit::Broken
    };
    let err: String = checked.iter().filter_map(|checked| checked.result.as_ref().err().cloned()).collect();
    let out = if args.json { json(&checked, exit) } else { text(&checked) };
    Outcome { out, err, exit }
}

fn json(checked: &[Checked], exit: Exit) -> String {
    let files: Vec<serde_json::Value> = checked
        .iter()
        .map(|checked| match &checked.result {
            Ok((file, report)) => serde_json::json!({
                "file": checked.name,
                "good": report.good(),
                "touchstone": {
                    "version": file.version,
                    "parameter": file.options.parameter.word(),
                    "format": file.options.format.word(),
                    "warnings": file.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
                },
                "report": report,
            }),
            Err(error) => serde_json::json!({ "file": checked.name, "good": false, "error": error.trim() }),
        })
        .collect();
    json_text(serde_json::json!({ "good": exit == Exit::Clean, "files": files }))
}

fn text(checked: &[Checked]) -> String {
    let shared = shared_folder(checked);
    let rows = checked
        .iter()
        .map(|checked| {
            let Ok((_, report)) = &checked.result else {
                let mut row = vec![checked.name[shared..].to_string(), "cannot be read".to_string()];
                row.resize(9, String::new());
                return row;
            };
            let causality = report.causality.as_ref();
            let order = report.port_order.as_ref().and_then(|ports| {
                let [a, b, c, d] = ports.order?;
                Some(format!("{a} {b} {c} {d}{}", if ports.confidence < SURE { "?" } else { "" }))
            });
            vec![
                checked.name[shared..].to_string(),
                if report.good() { "good" } else { "FAILS" }.to_string(),
                report.ports.to_string(),
                report.points.to_string(),
                format!("{:.3}-{:.2}", report.grid.start_hz / 1e9, report.grid.stop_hz / 1e9),
                format!("{:.5}", report.passivity.largest_singular_value),
                report.reciprocity.as_ref().map_or_else(|| "-".into(), |r| format!("{:.5}", r.largest_difference)),
                causality.map_or_else(|| "-".into(), |c| format!("{:.3} %", c.early_energy_percent)),
                order.unwrap_or_else(|| "-".into()),
            ]
        })
        .collect();
    let heads = ["FILE", "VERDICT", ">PORTS", ">POINTS", ">GHz", ">GAIN", ">S21-S12", ">EARLY", ">PORT ORDER"];
    let mut out = table(
        "CHANNELS (gain: largest singular value; early: energy before its cause; order: tx+ tx- rx+ rx-, ? where it is a guess)",
        &heads,
        rows,
    );
    let alone = checked.len() == 1;
    for checked in checked {
        let Ok((file, report)) = &checked.result else { continue };
        let mut lines: Vec<String> = Vec::new();
        if alone {
            lines.push(estimates(report));
            if let Some(order) = &report.port_order {
                lines.push(format!("confidence in the port order: {:.0} %", order.confidence * 100.0));
            }
        }
        for finding in report.findings.iter().filter(|finding| alone || finding.weight > Weight::Note) {
            let word = match finding.weight {
                Weight::Note => "note",
                Weight::Warning => "warning",
                Weight::Failure => "FAILS",
            };
            lines.push(format!("{word}: {}", finding.message));
        }
        lines.extend(file.warnings.iter().map(|warning| format!("warning: {warning}")));
        if !lines.is_empty() {
            let _ = write!(out, "\n{}\n", checked.name);
            for line in lines {
                let _ = writeln!(out, "  {line}");
            }
        }
    }
    out
}

/// Length of the folder that all names begin with; the table leaves it out.
fn shared_folder(checked: &[Checked]) -> usize {
    let Some((first, rest)) = checked.split_first() else { return 0 };
    let same = rest.iter().fold(first.name.len(), |same, other| {
        first.name.bytes().zip(other.name.bytes()).take(same).take_while(|(a, b)| a == b).count()
    });
    first.name.as_bytes()[..same].iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(0, |at| at + 1)
}

/// The estimates of IEEE 370 on one line.
fn estimates(report: &QualityReport) -> String {
    let mut out =
        format!("IEEE 370: passivity {:.3} % ({})", report.passivity.quality_percent, report.passivity.class.word());
    if let Some(reciprocity) = &report.reciprocity {
        let _ = write!(out, ", reciprocity {:.3} % ({})", reciprocity.quality_percent, reciprocity.class.word());
    }
    if let Some(causality) = &report.causality {
        let _ = write!(out, ", causality {:.3} % ({})", causality.quality_percent, causality.class.word());
    }
    out
}
