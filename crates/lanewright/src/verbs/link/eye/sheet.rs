//! COM sheets: the eye at the setting that COM's search chose.

use std::path::Path;

use lanewright_link::com::evaluate;
use lanewright_link::eye::case::CaseDetail;
use lanewright_link::eye::com_steps::com_steps;
use lanewright_link::eye::next_step::StepGain;
use lanewright_link::sheet::resolve::{Choices, Resolved, resolve};
use lanewright_link::sheet::rows::Rows;
use lanewright_link::sheet::workbook;
use serde_json::json;

use super::{Answer, EYE_HEADS, EyeArgs, command, eye_rows, picture, port_order, settings, victim};
use crate::number::{decimals, plain};
use crate::report::link::com::report;
use crate::report::link::view::ParameterRow;
use crate::report::link::{ComReportInput, page, ratio};
use crate::terminal::table;
use crate::verbs::link::channel_files;

fn read(path: &Path, sets: &[String]) -> Result<Resolved, String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}\n"))?;
    let grid = workbook::read(&name, &bytes).map_err(|problem| format!("{problem}\n"))?;
    let mut rows = Rows::new(name, grid).map_err(|problem| format!("{problem}\n"))?;
    for set in sets {
        rows.set(set).map_err(|problem| format!("{problem}\n"))?;
    }
    resolve(&rows, Choices::default()).map_err(|problems| format!("{problems}\n"))
}

/// Evaluates a channel by a sheet and makes the eye of every package case.
pub fn answer(args: &EyeArgs, path: &Path, colour: bool) -> Result<Answer, String> {
    let resolved = read(path, &args.set)?;
    let parameters = &resolved.parameters;
    let (channels, found) = channel_files::read_set(victim(args)?, &args.fext, &args.next, port_order(args)?, colour)?;
    let warnings = [resolved.warnings.clone(), found].concat();
    let outcome = evaluate(parameters, &channels).map_err(|problem| format!("{problem}\n"))?;
    let target = args.ber.unwrap_or(parameters.signal.detector_error_ratio);
    let settings = settings(target);
    let details = outcome
        .cases
        .iter()
        .enumerate()
        .map(|(at, case)| CaseDetail::of(parameters, &channels, at, case, &settings))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| format!("{problem}\n"))?;
    let steps: Vec<Vec<StepGain>> = outcome
        .cases
        .iter()
        .enumerate()
        .map(|(at, case)| com_steps(parameters, &channels, at, case, evaluate))
        .collect();
    let mut out = format!(
        "{}: COM {} dB, {}\n",
        if outcome.pass { "PASS" } else { "FAIL" },
        decimals(outcome.com_db, 2),
        parameters.name
    );
    for ((case, detail), steps) in outcome.cases.iter().zip(&details).zip(&steps) {
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
        "cases": outcome.cases.iter().zip(&details).zip(&steps).map(|((case, detail), steps)| {
            let (height, width) = picture::smallest(&detail.eye);
            json!({ "case": case.case, "height_mv": height, "width_ui": width, "eyes": detail.openings,
                    "costs": detail.costs, "next_steps": steps })
        }).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    let rows: Vec<ParameterRow> = resolved
        .defaults_used
        .iter()
        .map(|d| ParameterRow {
            name: d.row.clone(),
            value: d.value.clone(),
            source: format!("not in the sheet: {}", d.source),
        })
        .collect();
    let report = args.output.is_some().then(|| {
        let command = command(args);
        let input = ComReportInput {
            title: &channels.victim.name,
            parameters,
            channels: &channels,
            outcome: &outcome,
            details: &details,
            steps: &steps,
            rows: &rows,
            warnings: &warnings,
            command: &command,
        };
        page(&report(&input, "Statistical eye"))
    });
    Ok(Answer { text: out, json, report, pass: outcome.pass })
}
