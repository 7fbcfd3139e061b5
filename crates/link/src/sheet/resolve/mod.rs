//! Rows to parameters: meanings, defaults and sizes as the reference script 4.50 has them, and an account of every default.

mod ends;
mod equalisers;
mod outside;
mod reader;
mod receiver;

use super::cells::Cell;
use super::names::{self, Role};
use super::problem::SheetProblems;
use super::rows::Rows;
use crate::com::parameters::{ComParameters, Signal};
use reader::{Kind, Reader};

/// A row that was missing, and what was taken in its place.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DefaultUsed {
    /// Name of the row; `PACKAGE:ROW` in a package's section.
    pub row: String,
    /// The value taken, in the sheet's notation and units.
    pub value: String,
    /// Where that value comes from.
    pub source: String,
}

/// Parameters with an account of how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The parameters.
    pub parameters: ComParameters,
    /// What a reader should know: rows that are not understood or not followed, values that are read otherwise than meant.
    pub warnings: Vec<String>,
    /// Every row that was missing and matters, with the default taken.
    pub defaults_used: Vec<DefaultUsed>,
}

/// Choices that are no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Follow the row `Local Search`; the full grid otherwise.
    pub local_search: bool,
}

/// Works out the parameters of a sheet. Every problem is reported, not the first.
pub fn resolve(rows: &Rows, choices: Choices) -> Result<Resolved, SheetProblems> {
    let mut reader = Reader::new(rows);
    reader.warnings = rows.strangers();
    experiments(&mut reader);
    let baud_hz = reader.number("f_b", Kind::Positive) * 1e9;
    let ends = ends::read(&mut reader);
    let signal = signal(&mut reader, baud_hz, &ends);
    let grid = outside::grid(&mut reader);
    let receive_filter = receiver::filter(&mut reader, baud_hz);
    let tx_ffe = equalisers::tx_ffe(&mut reader);
    let ctle = equalisers::ctle(&mut reader, baud_hz);
    let fixed = equalisers::fixed_taps(&mut reader);
    let rx_ffe = equalisers::rx_ffe(&mut reader, fixed.max.len());
    let dfe = equalisers::dfe(&mut reader, fixed, rx_ffe.is_some());
    let noise = receiver::noise(&mut reader);
    let sampling = receiver::sampling(&mut reader);
    let module = outside::is_module(&mut reader);
    let module_eye = if module { receiver::module_eye(&mut reader) } else { None };
    let erl = outside::erl(&mut reader, dfe.max.len());
    let sequence_detection = receiver::sequence_detection(&mut reader, dfe.max.len());
    let limits = outside::limits(&mut reader, module, erl.is_some());
    let numerics = outside::numerics(&mut reader, baud_hz, choices);
    if reader.is_broken() {
        return Err(SheetProblems(reader.all_problems()));
    }
    let Reader { warnings, defaults, .. } = reader;
    let parameters = ComParameters {
        name: rows.source.clone(),
        signal,
        grid,
        ends: ends.ends,
        receive_filter,
        tx_ffe,
        ctle,
        dfe,
        rx_ffe,
        noise,
        sampling,
        module_eye,
        erl,
        sequence_detection,
        limits,
        numerics,
    };
    Ok(Resolved { parameters, warnings, defaults_used: defaults })
}

/// Experiments of the script that are not followed must be switched off.
fn experiments(reader: &mut Reader<'_>) {
    for name in names::all() {
        let Some(Role::Only(values)) = names::role(name) else { continue };
        let Ok(Some(row)) = reader.rows.find(None, name) else { continue };
        let fits = match &row.value {
            None => true,
            Some(Cell::Number(number)) => values.iter().any(|value| value.parse() == Ok(*number)),
            Some(Cell::Text(text)) => {
                let text = text.trim().trim_matches(['\'', '"']);
                values.iter().any(|value| value.eq_ignore_ascii_case(text))
                    || text.parse::<f64>().is_ok_and(|n| values.iter().any(|value| value.parse() == Ok(n)))
            }
        };
        if !fits {
            let value = row.value.map(|value| value.to_string()).unwrap_or_default();
            reader.problem(
                row.place,
                format!(
                    "`{name}` = {value} asks for an experiment of the reference script that is not part of the standard"
                ),
                format!("set it to {}: --set \"{name}={}\"", values.join(" or "), values.first().unwrap_or(&"0")),
            );
        }
    }
}

fn signal(reader: &mut Reader<'_>, baud_hz: f64, ends: &ends::EndsRead) -> Signal {
    let levels = reader.number("L", Kind::Whole(2, 64));
    let transition = reader.flag("FORCE_TR", false)
        || reader.optional("T_r_filter_type", Kind::Whole(0, 1)).is_some_and(|kind| kind != 0.0);
    let transition_s = if transition {
        Some(reader.number_or("T_r", Kind::Positive, 8e-3) * 1e-9)
    } else {
        if reader.has("T_r") {
            let place = reader.place("T_r");
            reader.warnings.push(format!(
                "{place}: `T_r` is left away, as the reference script does where `FORCE_TR` is not 1; set FORCE_TR=1 to \
                 filter the transmitters by it"
            ));
        }
        None
    };
    Signal {
        baud_hz,
        levels: if levels.is_nan() { 2 } else { levels as u32 },
        samples_per_ui: reader.count_from("M", 4, 256),
        detector_error_ratio: reader.number("DER_0", Kind::Probability),
        level_mismatch: reader.number("R_LM", Kind::Positive),
        victim_v: ends.victim_v,
        fext_v: ends.fext_v,
        next_v: ends.next_v,
        transition_s,
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
