//! COM sheets: the eye at the setting that COM's search chose.

use std::path::Path;

use lanewright_link::com::evaluate;
use lanewright_link::sheet::resolve::{Choices, Resolved, resolve};
use lanewright_link::sheet::rows::Rows;
use lanewright_link::sheet::workbook;
use serde_json::json;

use super::{Answer, EYE_HEADS, EyeArgs, command, eye_rows, picture, port_order, victim};
use crate::number::{decimals, plain};
use crate::report::link::ratio;
use crate::terminal::table;
use crate::verbs::link::channel_files;
use crate::verbs::link::com_report::{Evaluation, parameter_rows};

fn read(path: &Path, sets: &[String]) -> Result<(Rows, Resolved), String> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}\n", path.display()))?;
    let grid = workbook::read(&name, &bytes).map_err(|problem| format!("{problem}\n"))?;
    let mut rows = Rows::new(name, grid).map_err(|problem| format!("{problem}\n"))?;
    for set in sets {
        rows.set(set).map_err(|problem| format!("{problem}\n"))?;
    }
    let resolved = resolve(&rows, Choices::default()).map_err(|problems| format!("{problems}\n"))?;
    Ok((rows, resolved))
}

/// Evaluates a channel by a sheet and makes the eye of every package case.
pub fn answer(args: &EyeArgs, path: &Path, colour: bool) -> Result<Answer, String> {
    let (sheet_rows, resolved) = read(path, &args.set)?;
    let parameters = &resolved.parameters;
    let (channels, found) = channel_files::read_set(victim(args)?, &args.fext, &args.next, port_order(args)?, colour)?;
    let warnings = [resolved.warnings.clone(), found].concat();
    let outcome = evaluate(parameters, &channels).map_err(|problem| format!("{problem}\n"))?;
    let target = args.ber.unwrap_or(parameters.signal.detector_error_ratio);
    let evaluation = Evaluation { parameters, channels: &channels, outcome: &outcome };
    let worked = evaluation.work(target)?;
    let cases = || outcome.cases.iter().zip(&worked.details).zip(&worked.steps);
    let mut out = format!(
        "{}: COM {} dB, {}\n",
        if outcome.pass { "PASS" } else { "FAIL" },
        decimals(outcome.com_db, 2),
        parameters.name
    );
    for ((case, detail), steps) in cases() {
        out.push_str(&table(
            &format!(
                "PACKAGE CASE {}: COM {} dB, eye at {}",
                case.case,
                decimals(case.com_db, 2),
                ratio(target).replace('−', "-")
            ),
            &EYE_HEADS,
            eye_rows(&detail.openings),
        ));
        out.push_str(&picture::draw(&detail.eye));
        let gains = case.g_dc2_db.map_or_else(String::new, |db| format!(", g_DC_HP {} dB", plain(db)));
        let taps: Vec<String> = case.tx_taps.iter().map(|c| plain(*c)).collect();
        out.push_str(&format!(
            "\nEQUALISER\ntransmit taps {}, g_DC {} dB{gains}\n",
            taps.join(" "),
            plain(case.g_dc_db)
        ));
        out.push_str(&picture::costs(&detail.costs, steps));
    }
    if !warnings.is_empty() {
        out.push_str("\nNOTES\n");
        warnings.iter().for_each(|warning| out.push_str(&format!("- {warning}\n")));
    }
    let json = json!({
        "ok": true,
        "com": outcome,
        "error_ratio": target,
        "cases": cases().map(|((case, detail), steps)| {
            let (height, width) = picture::smallest(&detail.eye);
            json!({ "case": case.case, "height_mv": height, "width_ui": width, "eyes": detail.openings,
                    "costs": detail.costs, "next_steps": steps })
        }).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    let report = args.output.is_some().then(|| {
        let rows = parameter_rows(&sheet_rows, &resolved);
        evaluation.html("Statistical eye", &worked, &rows, &warnings, &command(args))
    });
    Ok(Answer { text: out, json, report, pass: outcome.pass })
}
