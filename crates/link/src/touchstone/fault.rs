//! What is wrong with a Touchstone file, and where.

use std::fmt;

use lanewright_model::problem::{Problem, Problems, Severity};
use lanewright_model::text::{Span, Texts};

/// Faults kept of one file: a file with more has one cause that repeats.
const KEPT: usize = 50;

/// One fault with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whether the file can be used in spite of it.
    pub severity: Severity,
    /// Stable short name, such as `touchstone-number`.
    pub code: &'static str,
    /// First byte of the place.
    pub offset: usize,
    /// Bytes that the place covers.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchstoneError {
    /// All faults found, warnings among them, in the order of the file; at least one is an error.
    pub faults: Vec<Fault>,
}

impl fmt::Display for TouchstoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().filter(|fault| fault.severity == Severity::Error).enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TouchstoneError {}

/// Turns faults into problems of a text, so that they are drawn as those of every other file. `bytes` is what was
/// parsed; it is added to `texts` under `name`, with bytes that are not UTF-8 read as Latin-1.
pub fn problems(faults: &[Fault], name: &str, bytes: &[u8], texts: &mut Texts) -> Problems {
    let mut text = String::with_capacity(bytes.len());
    let utf8 = std::str::from_utf8(bytes).is_ok();
    let mut wanted: Vec<usize> = faults.iter().flat_map(|f| [f.offset, f.offset + f.length]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    // Where each wanted byte went: Latin-1 characters above 127 take two bytes in UTF-8.
    let mut moved: Vec<(usize, usize)> = Vec::with_capacity(wanted.len());
    if utf8 {
        text.push_str(&String::from_utf8_lossy(bytes));
        moved.extend(wanted.iter().map(|at| (*at, *at)));
    } else {
        let mut next = wanted.iter().peekable();
        for (at, byte) in bytes.iter().enumerate() {
            while next.next_if(|wanted| **wanted <= at).is_some() {
                moved.push((at, text.len()));
            }
            text.push(char::from(*byte));
        }
        moved.extend(next.map(|at| (*at, text.len())));
    }
    let file = texts.add(name, text);
    let place = |at: usize| moved.binary_search_by_key(&at, |m| m.0).map_or(at, |found| moved[found].1) as u32;
    let mut problems = Problems::new();
    for fault in faults {
        let span = Span { file, start: place(fault.offset), end: place(fault.offset + fault.length) };
        let problem = match fault.severity {
            Severity::Error => Problem::error(fault.code, &fault.message, span, ""),
            Severity::Warning => Problem::warning(fault.code, &fault.message, span, ""),
        };
        problems.push(match &fault.help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
    problems
}

/// Collects faults while a file is read.
#[derive(Debug)]
pub(super) struct Faults<'a> {
    bytes: &'a [u8],
    list: Vec<Fault>,
    errors: usize,
}

impl<'a> Faults<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, list: Vec::new(), errors: 0 }
    }

    fn push(&mut self, severity: Severity, code: &'static str, at: (usize, usize), message: String, help: &str) {
        let is_error = severity == Severity::Error;
        self.errors += usize::from(is_error);
        // The first error is always kept, so that warnings cannot hide it.
        if self.list.len() >= KEPT && !(is_error && self.errors == 1) {
            return;
        }
        let (offset, end) = (at.0.min(self.bytes.len()), at.1.clamp(at.0, self.bytes.len().max(at.0)));
        let start = self.bytes[..offset].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let before = &self.bytes[start..offset];
        let column = match std::str::from_utf8(before) {
            Ok(text) => text.trim_start_matches('\u{feff}').chars().count() + 1,
            Err(_) => before.len() + 1,
        };
        let line = self.bytes[..start].iter().filter(|b| **b == b'\n').count() + 1;
        let help = (!help.is_empty()).then(|| help.to_string());
        let length = end.min(self.bytes.len()).saturating_sub(offset);
        self.list.push(Fault { severity, code, offset, length, line, column, message, help });
    }

    pub(super) fn error(&mut self, code: &'static str, at: (usize, usize), message: impl Into<String>, help: &str) {
        self.push(Severity::Error, code, at, message.into(), help);
    }

    pub(super) fn warning(&mut self, code: &'static str, at: (usize, usize), message: impl Into<String>, help: &str) {
        self.push(Severity::Warning, code, at, message.into(), help);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether so many are kept that looking for more is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.errors >= KEPT
    }

    /// All faults in the order of the file.
    pub(super) fn into_list(mut self) -> Vec<Fault> {
        self.list.sort_by_key(|fault| fault.offset);
        self.list
    }
}
