//! Results of many evaluations as a table: one row per channel and package case; CSV, JSON and Parquet.

use serde_json::{Map, Value, json};

use super::Evaluated;
pub use crate::columns::Form;
use crate::columns::quoted;
use crate::parquet::{self, Column};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
}

/// Columns of results, in order.
pub const COLUMNS: &[(&str, Kind)] = &[
    ("channel", Kind::Text),
    ("pass", Kind::Flag),
    ("case", Kind::Text),
    ("worst", Kind::Flag),
    ("com_db", Kind::Number),
    ("fom_db", Kind::Number),
    ("vec_db", Kind::Number),
    ("eh_mv", Kind::Number),
    ("erl_db", Kind::Number),
    ("loss_db", Kind::Number),
    ("a_s_mv", Kind::Number),
    ("a_ni_mv", Kind::Number),
    ("sigma_tx_mv", Kind::Number),
    ("sigma_n_mv", Kind::Number),
    ("sigma_isi_mv", Kind::Number),
    ("sigma_j_mv", Kind::Number),
    ("sigma_rj_mv", Kind::Number),
    ("sigma_xt_mv", Kind::Number),
    ("sigma_q_mv", Kind::Number),
    ("g_dc_db", Kind::Number),
    ("g_dc2_db", Kind::Number),
    ("tx_taps", Kind::Text),
    ("dfe_taps", Kind::Text),
    ("rx_taps", Kind::Text),
    ("points_searched", Kind::Whole),
    ("fext", Kind::Whole),
    ("next", Kind::Whole),
    ("seconds", Kind::Number),
    ("warnings", Kind::Text),
    ("error", Kind::Text),
    ("key", Kind::Text),
];

/// Rows of one evaluation, one per case.
pub fn rows(evaluated: &Evaluated, channel: &str, key: &str) -> Vec<Value> {
    let outcome = &evaluated.outcome;
    let list = |values: &[f64]| values.iter().map(|v| format!("{:.6}", v + 0.0)).collect::<Vec<_>>().join(" ");
    outcome
        .cases
        .iter()
        .map(|case| {
            json!({
                "channel": channel,
                "pass": outcome.pass,
                "case": case.case,
                "worst": case.com_db == outcome.com_db,
                "com_db": case.com_db,
                "fom_db": case.fom_db,
                "vec_db": case.vec_db,
                "eh_mv": case.eh_mv,
                "erl_db": outcome.erl_db,
                "loss_db": evaluated.loss_db,
                "a_s_mv": case.a_s_mv,
                "a_ni_mv": case.a_ni_mv,
                "sigma_tx_mv": case.sigma_mv.tx,
                "sigma_n_mv": case.sigma_mv.n,
                "sigma_isi_mv": case.sigma_mv.isi,
                "sigma_j_mv": case.sigma_mv.j,
                "sigma_rj_mv": case.sigma_mv.rj,
                "sigma_xt_mv": case.sigma_mv.xt,
                "sigma_q_mv": case.sigma_mv.q,
                "g_dc_db": case.g_dc_db,
                "g_dc2_db": case.g_dc2_db,
                "tx_taps": list(&case.tx_taps),
                "dfe_taps": list(&case.dfe_taps),
                "rx_taps": list(&case.rx_taps),
                "points_searched": case.points_searched,
                "fext": evaluated.aggressors.0,
                "next": evaluated.aggressors.1,
                "seconds": evaluated.seconds,
                "warnings": evaluated.warnings.join("; "),
                "error": Value::Null,
                "key": key,
            })
        })
        .collect()
}

/// The row of a channel that gave no result.
pub fn failed(channel: &str, why: &str) -> Value {
    json!({ "channel": channel, "pass": false, "error": why.split_whitespace().collect::<Vec<_>>().join(" ") })
}

/// All rows as bytes of a file. `varied` are columns of their own, before the others.
pub fn encode(form: Form, rows: &[Value], varied: &[String]) -> Vec<u8> {
    let columns: Vec<(&str, Kind)> =
        varied.iter().map(|name| (name.as_str(), Kind::Text)).chain(COLUMNS.iter().copied()).collect();
    match form {
        Form::Csv => csv(rows, &columns).into_bytes(),
        Form::Json => {
            let list: Vec<Value> = rows.iter().map(|row| ordered(row, &columns)).collect();
            let mut text = serde_json::to_string_pretty(&list).unwrap_or_default();
            text.push('\n');
            text.into_bytes()
        }
        Form::Parquet => {
            let columns: Vec<(String, Column)> =
                columns.iter().map(|(name, kind)| ((*name).to_string(), column(rows, name, *kind))).collect();
            parquet::write(&columns, concat!("lanewright ", env!("CARGO_PKG_VERSION")))
        }
    }
}

fn ordered(row: &Value, columns: &[(&str, Kind)]) -> Value {
    let pairs = columns.iter().filter_map(|(name, _)| Some(((*name).to_string(), row.get(name)?.clone())));
    Value::Object(pairs.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}

fn column(rows: &[Value], name: &str, kind: Kind) -> Column {
    let cells = rows.iter().map(|row| row.get(name));
    match kind {
        Kind::Text => Column::Text(cells.map(|cell| Some(cell?.as_str()?.to_string())).collect()),
        Kind::Number => Column::Number(cells.map(|cell| cell?.as_f64()).collect()),
        Kind::Whole => Column::Whole(cells.map(|cell| cell?.as_i64()).collect()),
        Kind::Flag => Column::Flag(cells.map(|cell| cell?.as_bool()).collect()),
    }
}

fn csv(rows: &[Value], columns: &[(&str, Kind)]) -> String {
    let mut out = columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(",");
    out.push('\n');
    for row in rows {
        let cells = columns.iter().map(|(name, _)| match row.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => quoted(text),
            Some(value) => value.to_string(),
        });
        out.push_str(&cells.collect::<Vec<_>>().join(","));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let rows = [json!({ "channel": "a,\"b\"", "com_db": 3.5, "pass": true }), failed("c", "error: no\n  file")];
        let text = String::from_utf8(encode(Form::Csv, &rows, &["z_p (TX)".into()])).expect("it is text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("z_p (TX),channel,pass,case,"));
        assert!(lines[1].starts_with(",\"a,\"\"b\"\"\",true,,,3.5,"), "{}", lines[1]);
        assert!(lines[2].ends_with(",error: no file,"), "{}", lines[2]);
    }
}
