//! Takes values from rows and keeps account: of every problem, and of every row that was missing.

use super::super::cells::Cell;
use super::super::expression::{Matrix, Value, evaluate};
use super::super::problem::SheetProblem;
use super::super::rows::{Row, Rows};
use super::DefaultUsed;

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Any finite number.
    Any,
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// Above zero, and below one.
    Probability,
    /// A whole number from the first to the second.
    Whole(u32, u32),
}

impl Kind {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Any => value.is_finite(),
            Self::Positive => value.is_finite() && value > 0.0,
            Self::NotNegative => value.is_finite() && value >= 0.0,
            Self::Probability => value > 0.0 && value < 1.0,
            Self::Whole(low, high) => value.fract() == 0.0 && value >= f64::from(low) && value <= f64::from(high),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Any => "a finite number".into(),
            Self::Positive => "a number above 0".into(),
            Self::NotNegative => "a number from 0 on".into(),
            Self::Probability => "a number between 0 and 1".into(),
            Self::Whole(low, high) => format!("a whole number from {low} to {high}"),
        }
    }
}

/// Takes values from rows of the sheet or of one package's section.
pub(super) struct Reader<'a> {
    pub rows: &'a Rows,
    /// The package's section that is read; `None` for the sheet itself.
    pub section: Option<String>,
    pub defaults: Vec<DefaultUsed>,
    pub warnings: Vec<String>,
    pub problems: Vec<SheetProblem>,
    /// Rows that must be there and are not, with where they were looked for.
    pub missing: Vec<(String, String)>,
}

/// Most missing rows that are named one by one.
const MISSING_SHOWN: usize = 5;

/// Where a missing row's value comes from, most often.
pub(super) const SCRIPT: &str = "the default of the IEEE reference script 4.50";

impl<'a> Reader<'a> {
    pub fn new(rows: &'a Rows) -> Self {
        Self {
            rows,
            section: None,
            defaults: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Notes a problem.
    pub fn problem(&mut self, place: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(SheetProblem::new(place, message, help));
    }

    /// Everything that keeps the sheet from being used; many missing rows are one problem.
    pub fn all_problems(self) -> Vec<SheetProblem> {
        let Self { rows, mut problems, missing, .. } = self;
        if missing.len() > MISSING_SHOWN {
            let names: Vec<String> = missing.iter().map(|(_, name)| format!("`{name}`")).collect();
            problems.push(SheetProblem::new(
                &rows.source,
                format!("{} rows are missing: {}", missing.len(), names.join(", ")),
                "is this a COM sheet? Its names stand beside their values on the worksheet COM_Settings",
            ));
            return problems;
        }
        problems.extend(missing.into_iter().map(|(place, name)| {
            let help = format!("add the row, or give it by `--set \"{name}=VALUE\"`");
            SheetProblem::new(place, format!("the row `{name}` is missing"), help)
        }));
        problems
    }

    /// Whether something was found that keeps the sheet from being used: what follows from it is not reported again.
    pub fn is_broken(&self) -> bool {
        !self.problems.is_empty() || !self.missing.is_empty()
    }

    /// Notes that a row was missing and what was taken instead.
    pub fn defaulted(&mut self, name: &str, value: impl Into<String>, source: &str) {
        let row = match &self.section {
            Some(section) => format!("{section}:{name}"),
            None => name.to_string(),
        };
        if self.defaults.iter().any(|known| known.row == row) {
            return;
        }
        self.defaults.push(DefaultUsed { row, value: value.into(), source: source.into() });
    }

    fn row(&mut self, name: &str) -> Option<Row> {
        match self.rows.find(self.section.as_deref(), name) {
            Ok(row) => row,
            Err(problem) => {
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                // Its value is not missing, but unusable: what stands in for it is never used.
                Some(Row { place: String::new(), value: Some(Cell::Number(f64::NAN)) })
            }
        }
    }

    /// Whether a row is there.
    pub fn has(&mut self, name: &str) -> bool {
        self.row(name).is_some_and(|row| row.value.is_some())
    }

    /// Place of a row's value for messages; the sheet's name when it has none.
    pub fn place(&mut self, name: &str) -> String {
        self.row(name).map_or_else(|| self.rows.source.clone(), |row| row.place)
    }

    /// A row's matrix; `None` when there is no such row. What cannot be read is noted and comes back as not-a-number.
    pub fn matrix(&mut self, name: &str) -> Option<Matrix> {
        let row = self.row(name)?;
        let unusable = Some(Matrix::scalar(f64::NAN));
        let text = match row.value {
            Some(Cell::Number(value)) => return Some(Matrix::scalar(value)),
            Some(Cell::Text(text)) => text,
            None => {
                self.problem(
                    row.place,
                    format!("the row `{name}` has no value"),
                    "write the value into the cell to the right of the name, or delete the row",
                );
                return unusable;
            }
        };
        match evaluate(&text) {
            Ok(Value::Numbers(matrix)) => Some(matrix),
            Ok(Value::Text(_)) => {
                let help = "write it without quotes";
                self.problem(row.place, format!("`{name}` = {text} is a text where numbers are expected"), help);
                unusable
            }
            Err(error) => {
                self.problem(
                    row.place,
                    format!("`{name}` = `{text}` cannot be worked out: {error}"),
                    "write a number, a range such as `[-6:1:0]`, or a matrix such as `[12 31; 1.8 1.8]`",
                );
                unusable
            }
        }
    }

    /// The matrix of a row that must be there.
    pub fn need(&mut self, name: &str) -> Matrix {
        match self.matrix(name) {
            Some(matrix) => matrix,
            None => {
                let place = match &self.section {
                    Some(section) => format!("{}, package section {section}", self.rows.source),
                    None => self.rows.source.clone(),
                };
                if !self.missing.iter().any(|(_, known)| known == name) {
                    self.missing.push((place, name.to_string()));
                }
                Matrix::scalar(f64::NAN)
            }
        }
    }

    /// The matrix of a row, or a default that is noted.
    pub fn matrix_or(&mut self, name: &str, default: &Matrix, source: &str) -> Matrix {
        match self.matrix(name) {
            Some(matrix) => matrix,
            None => {
                self.defaulted(name, default.text(), source);
                default.clone()
            }
        }
    }

    fn single(&mut self, name: &str, matrix: &Matrix, kind: Kind) -> f64 {
        match matrix.as_scalar() {
            Some(value) if kind.holds(value) => value,
            // Noted already.
            Some(value) if value.is_nan() && self.is_broken() => f64::NAN,
            _ => {
                let place = self.place(name);
                let message = format!("`{name}` = {} is not {}", matrix.text(), kind.words());
                self.problem(place, message, format!("give {}", kind.words()));
                f64::NAN
            }
        }
    }

    /// The number of a row that must be there.
    pub fn number(&mut self, name: &str, kind: Kind) -> f64 {
        let matrix = self.need(name);
        self.single(name, &matrix, kind)
    }

    /// The number of a row, or a default that is noted.
    pub fn number_or(&mut self, name: &str, kind: Kind, default: f64) -> f64 {
        match self.matrix(name) {
            Some(matrix) => self.single(name, &matrix, kind),
            None => {
                self.defaulted(name, default.to_string(), SCRIPT);
                default
            }
        }
    }

    /// The number of a row that need not be there and has no default.
    pub fn optional(&mut self, name: &str, kind: Kind) -> Option<f64> {
        let matrix = self.matrix(name)?;
        Some(self.single(name, &matrix, kind))
    }

    /// The number of a row that is off, 0, when it is missing: an option, not a parameter, so that its absence is no
    /// default worth a line.
    pub fn option(&mut self, name: &str, kind: Kind) -> f64 {
        self.optional(name, kind).unwrap_or(0.0)
    }

    /// A whole number of a row that must be there, within bounds.
    pub fn count_from(&mut self, name: &str, low: u32, high: u32) -> usize {
        let value = self.number(name, Kind::Whole(low, high));
        if value.is_nan() { 0 } else { value as usize }
    }

    /// Whether an option is on: a number that is not 0, or the words true and false.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.word(name) {
            Some(word) if word.eq_ignore_ascii_case("true") => true,
            Some(word) if word.eq_ignore_ascii_case("false") => false,
            Some(_) => self.optional(name, Kind::Any).is_some_and(|value| value != 0.0),
            None => default,
        }
    }

    /// A row's word without quotes and blanks; `None` when the row is missing or empty.
    pub fn word(&mut self, name: &str) -> Option<String> {
        let text = self.row(name)?.value?.to_string();
        let text = text.trim().trim_matches(['\'', '"']).trim().to_string();
        (!text.is_empty()).then_some(text)
    }

    /// Transmitter's and receiver's values of a row: one for both, or `[TX RX]`.
    pub fn both(&mut self, name: &str, matrix: &Matrix, kind: Kind) -> (f64, f64) {
        let (tx, rx) = match matrix.values() {
            [both] => (*both, *both),
            [tx, rx] => (*tx, *rx),
            _ => {
                let place = self.place(name);
                let message = format!("`{name}` = {} has {} values", matrix.text(), matrix.len());
                self.problem(place, message, "give one value for both ends, or two: [TX RX]");
                return (f64::NAN, f64::NAN);
            }
        };
        for value in [tx, rx] {
            if !kind.holds(value) && (!value.is_nan() || !self.is_broken()) {
                let place = self.place(name);
                let message = format!("`{name}` holds {value}, which is not {}", kind.words());
                self.problem(place, message, format!("give {} for each end", kind.words()));
            }
        }
        (tx, rx)
    }

    /// Checks that all values of a row are finite.
    pub fn finite(&mut self, name: &str, matrix: &Matrix) {
        if matrix.values().iter().any(|value| !value.is_finite()) && !self.is_broken() {
            let place = self.place(name);
            let message = format!("`{name}` = {} holds what is not a finite number", matrix.text());
            self.problem(place, message, "give finite numbers");
        }
    }
}
