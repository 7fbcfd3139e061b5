//! What is wrong with a sheet: where, what was expected, and what to do.

use std::fmt;

/// One thing that keeps a sheet from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetProblem {
    /// File, sheet and cell, such as `kr.xlsx, COM_Settings!B3`; a file alone where no cell is at fault.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl SheetProblem {
    /// A problem at a place.
    pub fn new(place: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), help: help.into() }
    }
}

impl fmt::Display for SheetProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)?;
        if !self.help.is_empty() {
            write!(out, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// All that is wrong with a sheet, in the order found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetProblems(pub Vec<SheetProblem>);

impl SheetProblems {
    /// A single problem.
    pub fn one(problem: SheetProblem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for SheetProblems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            write!(out, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SheetProblems {}
