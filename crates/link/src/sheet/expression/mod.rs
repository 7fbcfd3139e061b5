//! The notation of the settings: MATLAB expressions of numbers, ranges and matrices, without names or files.
//!
//! What a sheet may say in a cell: `53.125`, `[-0.34:0.02:0]`, `[12 31; 1.8 1.8]`, `[0.3 0.2*ones(1,5)]`,
//! `'MMSE'`. Everything is a matrix of numbers or a text; `true` and `false` are 1 and 0.

mod lexer;
mod parser;
mod range;

pub use range::range;

/// Largest number of elements of a matrix: no sheet needs more, and a slip such as `0:1e-9:1` is caught.
pub const ELEMENT_LIMIT: usize = 100_000;

/// Longest expression, in bytes.
pub const LENGTH_LIMIT: usize = 10_000;

/// Deepest nesting of brackets.
pub(crate) const DEPTH_LIMIT: usize = 40;

/// A matrix of numbers, by rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// A single number.
    pub fn scalar(value: f64) -> Self {
        Self { rows: 1, columns: 1, values: vec![value] }
    }

    /// A row.
    pub fn row(values: Vec<f64>) -> Self {
        Self { rows: 1, columns: values.len(), values }
    }

    /// A matrix of `rows` rows; `None` when the values do not fill them.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Option<Self> {
        (rows.checked_mul(columns) == Some(values.len())).then_some(Self { rows, columns, values })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has no elements (`[]`).
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The element, when there is exactly one.
    pub fn as_scalar(&self) -> Option<f64> {
        if let [value] = self.values.as_slice() { Some(*value) } else { None }
    }

    /// One row, counted from 0; `None` beyond the last.
    pub fn get_row(&self, row: usize) -> Option<&[f64]> {
        if row >= self.rows {
            return None;
        }
        self.values.get(row * self.columns..(row + 1) * self.columns)
    }

    /// One column, counted from 0, from top to bottom.
    pub fn column(&self, column: usize) -> Vec<f64> {
        (0..self.rows).filter_map(|row| self.get_row(row)?.get(column).copied()).collect()
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let values = (0..self.columns).flat_map(|column| self.column(column)).collect();
        Self { rows: self.columns, columns: self.rows, values }
    }

    /// As MATLAB writes it: a bare number, or brackets with blanks and semicolons.
    pub fn text(&self) -> String {
        if let Some(value) = self.as_scalar() {
            return value.to_string();
        }
        let rows: Vec<String> = (0..self.rows)
            .filter_map(|row| self.get_row(row))
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        format!("[{}]", rows.join("; "))
    }
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Numbers.
    Numbers(Matrix),
    /// A text in quotes.
    Text(String),
}

/// Why an expression cannot be worked out, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Characters before the place, from 0.
    pub at: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl ExpressionError {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "character {}: {}", self.at + 1, self.message)
    }
}

/// Works out an expression.
pub fn evaluate(text: &str) -> Result<Value, ExpressionError> {
    if text.len() > LENGTH_LIMIT {
        return Err(ExpressionError::new(0, format!("an expression has at most {LENGTH_LIMIT} bytes")));
    }
    let tokens = lexer::tokens(text)?;
    parser::parse(&tokens)
}

#[cfg(test)]
mod tests;
