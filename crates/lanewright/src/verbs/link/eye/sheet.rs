//! COM sheets: the eye at the setting that COM's search chose.

use lanewright_link::com::evaluate;
use serde_json::json;

use super::{Answer, EYE_HEADS, EyeArgs, command, eye_rows, files, picture};
use crate::number::{decimals, plain};
use crate::report::link::ratio;
use crate::terminal::table;
use crate::verbs::link::channels::{self, Style};
use crate::verbs::link::com_report::{Evaluation, parameter_rows};

/// Evaluates a channel by a sheet or a preset of one, and makes the eye of every package case.
pub fn answer(args: &EyeArgs, colour: bool) -> Result<Answer, String> {
    let setup = args.setup.load().map_err(|problems| format!("{problems}\n"))?;
    let resolved = &setup.resolved;
    let parameters = &resolved.parameters;
    let read = channels::read(&files(args)?, parameters, Style::of(args.json, colour))?;
    let channels = read.set;
    let mut warnings = [resolved.warnings.clone(), read.warnings].concat();
    warnings.extend(setup.estimates.map(|estimates| format!("{}: {estimates}", parameters.name)));
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
        let rows = parameter_rows(&setup);
        evaluation.html("Statistical eye", &worked, &rows, &warnings, &command(args))
    });
    Ok(Answer { text: out, json, report, pass: outcome.pass })
}
