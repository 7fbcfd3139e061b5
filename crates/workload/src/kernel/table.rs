//! Rows of measured or wanted kernels: text with named columns, where an error names line and column.

use std::collections::BTreeMap;

use crate::fit::calibration::Fitted;
use crate::fit::law::{self, HoldOut, Law, Measured, Peaks};
use crate::fit::split::held_out;
use crate::format::Format;

/// A text of comma-separated columns under a header.
#[derive(Clone, Debug)]
pub struct Table {
    file: String,
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads a text; `file` is what errors call it. Rows with too few or too many columns are errors.
    pub fn read(file: &str, text: &str) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let broken = |error: csv::Error| format!("{file}: {error}");
        let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(broken)?;
        Ok(Self { file: file.to_owned(), header, rows })
    }

    /// The rows that `keep` wants, under the same header and name.
    pub fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let rows = self.rows.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, row)| row.clone()).collect();
        Self { file: self.file.clone(), header: self.header.clone(), rows }
    }

    /// Name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells of a row; none beyond the last row.
    pub fn cells(&self, row: usize) -> impl Iterator<Item = &str> {
        self.rows.get(row).into_iter().flat_map(csv::StringRecord::iter)
    }

    /// The cells of a row without one column: what a hold-out hashes.
    pub fn cells_without<'a>(&'a self, row: usize, column: &'a str) -> impl Iterator<Item = &'a str> {
        self.cells(row).zip(&self.header).filter(move |(_, name)| *name != column).map(|(cell, _)| cell)
    }

    /// A cell; none where the column is missing or the cell empty.
    pub fn optional(&self, row: usize, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name == column)?;
        self.rows.get(row)?.get(at).filter(|cell| !cell.is_empty())
    }

    /// A cell.
    pub fn text(&self, row: usize, column: &str) -> Result<&str, String> {
        self.optional(row, column).ok_or_else(|| self.wrong(row, column, "is missing or empty"))
    }

    /// A number of at least `least`.
    pub fn number(&self, row: usize, column: &str, least: f64) -> Result<f64, String> {
        let cell = self.text(row, column)?;
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= least => Ok(number),
            Ok(_) => Err(self.wrong(row, column, &format!("is {cell}; expected a number of at least {least}"))),
            Err(_) => Err(self.wrong(row, column, &format!("is \"{cell}\"; expected a number"))),
        }
    }

    /// A whole number of at least `least`.
    pub fn whole(&self, row: usize, column: &str, least: u32) -> Result<u32, String> {
        let number = self.number(row, column, f64::from(least))?;
        if number.fract() == 0.0 && number <= f64::from(u32::MAX) {
            Ok(number as u32)
        } else {
            Err(self.wrong(row, column, &format!("is {number}; expected a whole number")))
        }
    }

    /// A number format.
    pub fn format(&self, row: usize, column: &str) -> Result<Format, String> {
        let cell = self.text(row, column)?;
        Format::from_name(cell).ok_or_else(|| {
            let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            self.wrong(row, column, &format!("is \"{cell}\"; known formats: {}", known.join(", ")))
        })
    }

    /// Seconds from a column in milliseconds.
    pub fn milliseconds(&self, row: usize, column: &str) -> Result<f64, String> {
        let number = self.number(row, column, 0.0)?;
        if number > 0.0 { Ok(number * 1e-3) } else { Err(self.wrong(row, column, "is 0; a measured time is above 0")) }
    }

    /// An error at a cell, naming file, line and column.
    pub fn wrong(&self, row: usize, column: &str, what: &str) -> String {
        let line = self.rows.get(row).and_then(csv::StringRecord::position).map_or(row as u64 + 2, csv::Position::line);
        format!("{}: line {line}, column {column} {what}", self.file)
    }
}

/// Measured queries of one variant, and the peaks that their law takes.
type Variant<Q> = (Peaks, Vec<Measured<Q>>);

/// Fits a law to every variant in tables of measurements (column `latency`, milliseconds) of one device. `of_row` gives a
/// row's variant, the peaks that its law takes and its query, or none for a row that is to be left out. The tables come
/// with their hold-out; see [`law::fit`] for `all_rows`.
pub fn fit_tables<const N: usize, const L: usize, W: Law<N, L>>(
    law: &W,
    device: &str,
    (tables, hold_out): (&[Table], HoldOut),
    all_rows: bool,
    of_row: impl Fn(&Table, usize) -> Result<Option<(String, Peaks, W::Query)>, String>,
) -> Result<Vec<Fitted>, String> {
    let mut variants: BTreeMap<String, Variant<W::Query>> = BTreeMap::new();
    for table in tables {
        for row in 0..table.len() {
            let Some((variant, peaks, query)) = of_row(table, row)? else { continue };
            let held_out = held_out(hold_out.seed, hold_out.share, table.cells_without(row, "latency"));
            let measured = Measured { query, seconds: table.milliseconds(row, "latency")?, held_out };
            variants.entry(variant).or_insert_with(|| (peaks, Vec::new())).1.push(measured);
        }
    }
    let files: Vec<&str> = tables.iter().map(Table::file).collect();
    let files = files.join(" ");
    Ok(variants
        .iter()
        .filter_map(|(variant, (peaks, rows))| {
            law::fit(law, (device, variant), *peaks, rows, (&files, hold_out), all_rows)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_line_and_column() {
        let table = Table::read("rows.csv", "m,dtype\n4,half\n-1,odd\n").expect("a table");
        assert_eq!(table.number(0, "m", 1.0), Ok(4.0));
        assert_eq!(table.format(0, "dtype"), Ok(Format::Bf16));
        let wrong = table.number(1, "m", 0.0).expect_err("negative");
        assert!(wrong.starts_with("rows.csv: line 3, column m is -1"), "{wrong}");
        let wrong = table.format(1, "dtype").expect_err("unknown");
        assert!(wrong.contains("line 3, column dtype is \"odd\"") && wrong.contains("nvfp4"), "{wrong}");
        assert!(table.text(0, "k").expect_err("no such column").contains("column k is missing"));
    }

    #[test]
    fn ragged_rows_are_refused() {
        assert!(Table::read("rows.csv", "a,b\n1\n").is_err());
    }

    #[test]
    fn the_measured_column_can_be_left_out() {
        let table = Table::read("rows.csv", "a,latency,b\n1,2,3\n").expect("a table");
        assert_eq!(table.cells_without(0, "latency").collect::<Vec<_>>(), ["1", "3"]);
    }
}
