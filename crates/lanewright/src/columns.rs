//! Tables of results as files: CSV, JSON and Parquet from the same columns.

use std::fmt::Write as _;
use std::path::Path;

use crate::parquet::{self, Column};

/// Forms of a file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated text.
    Csv,
    /// A list of objects.
    Json,
    /// Apache Parquet.
    Parquet,
}

impl Form {
    /// The form that a file's ending names.
    pub fn of(path: &Path) -> Result<Self, String> {
        match path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(format!(
                "error: the form of {} is not known\n  help: let the name end in .csv, .json or .parquet\n",
                path.display()
            )),
        }
    }
}

/// A text as a cell of CSV.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

/// Named columns of equal length as bytes of a file. In JSON a row is a line; what is missing is left out of it.
pub fn encode(form: Form, columns: &[(String, Column)]) -> Vec<u8> {
    match form {
        Form::Csv => csv(columns).into_bytes(),
        Form::Json => json(columns).into_bytes(),
        Form::Parquet => parquet::write(columns, concat!("lanewright ", env!("CARGO_PKG_VERSION"))),
    }
}

fn rows(columns: &[(String, Column)]) -> usize {
    columns.first().map_or(0, |(_, column)| match column {
        Column::Text(values) => values.len(),
        Column::Number(values) => values.len(),
        Column::Whole(values) => values.len(),
        Column::Flag(values) => values.len(),
    })
}

fn csv(columns: &[(String, Column)]) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
    let mut out = names.join(",");
    out.push('\n');
    for row in 0..rows(columns) {
        for (at, (_, column)) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match column {
                Column::Text(values) => values[row].iter().for_each(|text| out.push_str(&quoted(text))),
                Column::Number(values) => values[row].iter().for_each(|value| put(&mut out, value)),
                Column::Whole(values) => values[row].iter().for_each(|value| put(&mut out, value)),
                Column::Flag(values) => values[row].iter().for_each(|value| put(&mut out, value)),
            }
        }
        out.push('\n');
    }
    out
}

fn json(columns: &[(String, Column)]) -> String {
    let names: Vec<String> =
        columns.iter().map(|(name, _)| serde_json::Value::from(name.as_str()).to_string()).collect();
    let mut out = String::from("[");
    for row in 0..rows(columns) {
        out.push_str(if row == 0 { "\n{" } else { ",\n{" });
        let mut first = true;
        for (name, (_, column)) in names.iter().zip(columns) {
            let value = match column {
                Column::Text(values) => values[row].as_deref().map(serde_json::Value::from),
                // JSON has no word for what is not finite.
                Column::Number(values) => values[row].filter(|value| value.is_finite()).map(serde_json::Value::from),
                Column::Whole(values) => values[row].map(serde_json::Value::from),
                Column::Flag(values) => values[row].map(serde_json::Value::from),
            };
            if let Some(value) = value {
                let _ = write!(out, "{}{name}:{value}", if first { "" } else { "," });
                first = false;
            }
        }
        out.push('}');
    }
    out.push_str("\n]\n");
    out
}

fn put(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<(String, Column)> {
        vec![
            ("name".into(), Column::Text(vec![Some("a,\"b\"".into()), None])),
            ("time_us".into(), Column::Number(vec![Some(46.25), Some(f64::NAN)])),
            ("bytes".into(), Column::Whole(vec![None, Some(9_007_199_254_740_993)])),
            ("done".into(), Column::Flag(vec![Some(true), Some(false)])),
        ]
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let text = String::from_utf8(encode(Form::Csv, &table())).expect("it is text");
        assert_eq!(text, "name,time_us,bytes,done\n\"a,\"\"b\"\"\",46.25,,true\n,NaN,9007199254740993,false\n");
    }

    #[test]
    fn json_keeps_whole_numbers_and_leaves_gaps_out() {
        let text = String::from_utf8(encode(Form::Json, &table())).expect("it is text");
        let rows: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(rows[0]["name"], "a,\"b\"");
        assert_eq!(rows[1]["bytes"], 9_007_199_254_740_993_i64);
        assert!(rows[1].get("time_us").is_none() && rows[1].get("name").is_none());
        assert_eq!(encode(Form::Json, &[]), b"[\n]\n");
    }

    #[test]
    fn forms_go_by_the_ending() {
        assert_eq!(Form::of(Path::new("a.CSV")), Ok(Form::Csv));
        assert_eq!(Form::of(Path::new("a.parquet")), Ok(Form::Parquet));
        assert!(Form::of(Path::new("a.xlsx")).is_err());
    }
}
