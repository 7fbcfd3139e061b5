//! Cells of one worksheet, wherever they come from.

use std::collections::BTreeMap;
use std::fmt;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A number, or what a formula came to when the file was saved.
    Number(f64),
    /// A text, as it is: blanks at its ends count, as they do for the reference script.
    Text(String),
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(out, "{value}"),
            Self::Text(text) => write!(out, "{text}"),
        }
    }
}

/// Row and column, both from 0.
pub type At = (u32, u32);

/// Cells of one worksheet; what is empty is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Name of the worksheet.
    pub name: String,
    /// Cells by row and column.
    pub cells: BTreeMap<At, Cell>,
}

impl Grid {
    /// A worksheet without cells.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cells: BTreeMap::new() }
    }

    /// The cell to the right of another.
    pub fn right_of(&self, (row, column): At) -> Option<&Cell> {
        self.cells.get(&(row, column.checked_add(1)?))
    }

    /// A cell's name as spreadsheets show it: sheet, letters, number.
    pub fn place(&self, at: At) -> String {
        format!("{}!{}", self.name, cell_name(at))
    }
}

/// A cell's name: `B3` for row 2, column 1.
pub fn cell_name((row, column): At) -> String {
    let mut letters = Vec::new();
    let mut left = u64::from(column) + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_spreadsheets_do() {
        let names = [((0, 0), "A1"), ((2, 1), "B3"), ((9, 25), "Z10"), ((0, 26), "AA1"), ((0, 16383), "XFD1")];
        for (at, name) in names {
            assert_eq!(cell_name(at), name);
        }
        assert_eq!(cell_name((u32::MAX, u32::MAX)), "MWLQKWV4294967296");
    }
}
