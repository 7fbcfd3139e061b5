//! Rows of a sheet: names anywhere on it, each with its value in the cell to the right.

use super::cells::{At, Cell, Grid, cell_name};
use super::names::{self, Role};
use super::problem::SheetProblem;

/// A row as found: where its value stands, and the value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Place for messages: file, sheet and cell, or `--set`.
    pub place: String,
    /// The value; `None` when the cell is empty.
    pub value: Option<Cell>,
}

/// A package's section of the sheet, from `.START NAME` to `.END`.
#[derive(Clone, Debug, PartialEq)]
struct Section {
    name: String,
    /// Rows of the sheet between the marks.
    rows: std::ops::Range<u32>,
}

/// A value that was set by hand over the sheet's.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    section: Option<String>,
    name: String,
    value: Cell,
}

/// A sheet's rows, with what was set by hand over them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// What the sheet is called: a file, or a preset.
    pub source: String,
    grid: Grid,
    sections: Vec<Section>,
    /// Rows of the sheet that belong to no section.
    body: std::ops::Range<u32>,
    settings: Vec<Setting>,
}

impl Rows {
    /// Rows of a worksheet.
    pub fn new(source: impl Into<String>, grid: Grid) -> Result<Self, SheetProblem> {
        let source = source.into();
        let first_column = grid.cells.keys().map(|(_, column)| *column).min().unwrap_or(0);
        let mark = |at: &At, cell: &Cell, word: &str| at.1 == first_column && *cell == Cell::Text(word.into());
        let marks = |word: &str| -> Vec<u32> {
            grid.cells.iter().filter(|(at, cell)| mark(at, cell, word)).map(|(at, _)| at.0).collect()
        };
        let (starts, ends) = (marks(".START"), marks(".END"));
        let mut sections = Vec::new();
        let body = 0..starts.first().copied().unwrap_or(u32::MAX);
        if starts.len() != ends.len() {
            let message = format!("there are {} `.START` and {} `.END`", starts.len(), ends.len());
            let place = format!("{source}, {}", grid.name);
            return Err(SheetProblem::new(
                place,
                message,
                "close every package section with `.END` in the first column",
            ));
        }
        for (start, end) in starts.iter().zip(&ends) {
            let place = || format!("{source}, {}", grid.place((*start, first_column)));
            if end < start {
                return Err(SheetProblem::new(place(), "`.END` stands above `.START`", "put the sections in order"));
            }
            let Some(name) = grid.right_of((*start, first_column)) else {
                let help = "write the package's name into the cell to its right";
                return Err(SheetProblem::new(place(), "the package section has no name", help));
            };
            sections.push(Section { name: name.to_string(), rows: start.saturating_add(1)..*end });
        }
        Ok(Self { source, grid, sections, body, settings: Vec::new() })
    }

    /// Names of the package sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// A row by its name, in any case; names that occur twice are an error, as they are for the script. `section` names
    /// a package's section, else the rest of the sheet is looked through.
    pub fn find(&self, section: Option<&str>, name: &str) -> Result<Option<Row>, SheetProblem> {
        let same =
            |setting: &&Setting| setting.section.as_deref() == section && setting.name.eq_ignore_ascii_case(name);
        if let Some(setting) = self.settings.iter().rev().find(same) {
            return Ok(Some(Row { place: format!("--set \"{name}\""), value: Some(setting.value.clone()) }));
        }
        let rows = match section {
            None => self.body.clone(),
            Some(section) => match self.sections.iter().find(|s| s.name == section) {
                Some(section) => section.rows.clone(),
                None => return Ok(None),
            },
        };
        let mut found = self.named(rows, name);
        let Some(at) = found.next() else { return Ok(None) };
        if let Some(other) = found.next() {
            return Err(SheetProblem::new(
                self.place(at),
                format!("the row `{name}` is there twice: also at {}", cell_name(other)),
                "delete one of them",
            ));
        }
        let place = self.place((at.0, at.1.saturating_add(1)));
        Ok(Some(Row { place, value: self.grid.right_of(at).cloned() }))
    }

    /// Cells that hold a name.
    fn named(&self, rows: std::ops::Range<u32>, name: &str) -> impl Iterator<Item = At> {
        let cells = self.grid.cells.range((rows.start, 0)..(rows.end, 0));
        cells
            .filter(move |(_, cell)| matches!(cell, Cell::Text(text) if text.eq_ignore_ascii_case(name)))
            .map(|(at, _)| *at)
    }

    /// A cell with its file, for messages.
    pub fn place(&self, at: At) -> String {
        format!("{}, {}", self.source, self.grid.place(at))
    }

    /// Sets a row over what the sheet says: `ROW NAME=VALUE` in the sheet's own notation, or `PACKAGE:ROW NAME=VALUE` for a
    /// row of a package's section.
    pub fn set(&mut self, assignment: &str) -> Result<(), SheetProblem> {
        let place = format!("--set \"{assignment}\"");
        let Some((name, value)) = assignment.split_once('=') else {
            let help = "write `--set \"ROW NAME=VALUE\"`, such as `--set \"c(-1)=[-0.12:0.04:0]\"`";
            return Err(SheetProblem::new(place, "there is no `=`", help));
        };
        let (section, name) = match name.split_once(':') {
            Some((section, name)) => (Some(section.trim().to_string()), name.trim()),
            None => (None, name.trim()),
        };
        if let Some(section) = &section
            && !self.sections.iter().any(|s| s.name == *section)
        {
            let names: Vec<&str> = self.sections().collect();
            let help = if names.is_empty() {
                "leave the part before the colon away".to_string()
            } else {
                format!("its package sections are {}", names.join(", "))
            };
            return Err(SheetProblem::new(place, format!("the sheet has no package section `{section}`"), help));
        }
        if names::role(name).is_none() {
            let help = match names::nearest_name(name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "give the name of a row as the sheet has it, such as `g_DC` or `z_p (TX)`".to_string(),
            };
            return Err(SheetProblem::new(place, format!("no row is called `{name}`"), help));
        }
        let value = value.trim();
        if value.is_empty() {
            return Err(SheetProblem::new(
                place,
                "there is no value behind the `=`",
                "give one in the sheet's notation",
            ));
        }
        let value = value.parse().map_or_else(|_| Cell::Text(value.into()), Cell::Number);
        self.settings.push(Setting { section, name: name.into(), value });
        Ok(())
    }

    /// Rows that are not understood, and rows that are not followed, each as a sentence with its cell.
    ///
    /// A column of names is one with three known names or more; what stands there beside a value is taken for a row.
    pub fn strangers(&self) -> Vec<String> {
        let mut known_in_column = std::collections::BTreeMap::new();
        for (at, cell) in &self.grid.cells {
            if let Cell::Text(text) = cell
                && names::role(text).is_some()
                && self.grid.right_of(*at).is_some()
            {
                *known_in_column.entry(at.1).or_insert(0_u32) += 1;
            }
        }
        let mut found = Vec::new();
        for (at, cell) in &self.grid.cells {
            let (Cell::Text(name), Some(value)) = (cell, self.grid.right_of(*at)) else { continue };
            if known_in_column.get(&at.1).is_none_or(|count| *count < 3) || is_heading(name, value) {
                continue;
            }
            match names::role(name) {
                Some(Role::Passed(why)) => {
                    found.push(format!("{}: the row `{name}` = {value} is not followed: {why}", self.place(*at)));
                }
                Some(_) => {}
                None => found.push(self.stranger(*at, name, value)),
            }
        }
        for setting in &self.settings {
            if let Some(Role::Passed(why)) = names::role(&setting.name) {
                found.push(format!("--set \"{}\": the row is not followed: {why}", setting.name));
            }
        }
        found
    }

    fn stranger(&self, at: At, name: &str, value: &Cell) -> String {
        let place = self.place(at);
        let trimmed = name.trim();
        if trimmed != name && names::role(trimmed).is_some() {
            return format!(
                "{place}: the row `{name}` = {value} is not read: it has a blank at its end, by which the reference \
                 script does not find it either; take the blank away to use it"
            );
        }
        let near = names::nearest_name(trimmed).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("{place}: the row `{name}` = {value} is not understood, and is left away{near}")
    }
}

/// Headings of the sheets, and marks of package sections.
fn is_heading(name: &str, value: &Cell) -> bool {
    let value = value.to_string();
    (name.eq_ignore_ascii_case("Parameter") && value.eq_ignore_ascii_case("Setting"))
        || name == ".START"
        || name == ".END"
        || name.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::read;

    fn rows(text: &str) -> Rows {
        Rows::new("s.csv", read("s.csv", text.as_bytes()).expect("it reads")).expect("it reads")
    }

    #[test]
    fn names_are_found_in_any_case_and_column() {
        let rows = rows("f_b,53.125,GBd,,DER_0,1e-4\nL,4,,,M,32\n");
        let row = rows.find(None, "F_B").expect("it reads").expect("it reads");
        assert_eq!((row.place.as_str(), row.value), ("s.csv, COM_Settings!B1", Some(Cell::Number(53.125))));
        assert_eq!(rows.find(None, "m").expect("it reads").expect("it reads").value, Some(Cell::Number(32.0)));
        assert_eq!(rows.find(None, "N_b"), Ok(None));
    }

    #[test]
    fn rows_that_are_there_twice_are_refused() {
        let problem = rows("f_b,1\nF_B,2\n").find(None, "f_b").expect_err("it is refused");
        assert_eq!(
            problem.to_string(),
            "s.csv, COM_Settings!A1: the row `f_b` is there twice: also at A2\n  help: delete one of them"
        );
    }

    #[test]
    fn sections_are_apart_from_the_sheet() {
        let mut rows = rows("C_p,1\n.START,A\nC_p,2\n.END\n.START,B\nC_p,3\n.END\n");
        let value = |rows: &Rows, section| rows.find(section, "C_p").expect("it reads").expect("it reads").value;
        assert_eq!(value(&rows, None), Some(Cell::Number(1.0)));
        assert_eq!(value(&rows, Some("A")), Some(Cell::Number(2.0)));
        assert_eq!(value(&rows, Some("B")), Some(Cell::Number(3.0)));
        rows.set("B:C_p=[1 2]").expect("it reads");
        assert_eq!(value(&rows, Some("B")), Some(Cell::Text("[1 2]".into())));
        assert_eq!(value(&rows, Some("A")), Some(Cell::Number(2.0)));
        assert!(rows.set("C:C_p=1").expect_err("it is refused").help.contains("A, B"));
        assert!(Rows::new("s", read("s", b".START,A\nC_p,2\n").expect("it reads")).is_err());
        assert!(Rows::new("s", read("s", b".START\nC_p,2\n.END").expect("it reads")).is_err());
    }

    #[test]
    fn settings_by_hand_win_and_must_be_known() {
        let mut rows = rows("g_DC,[-12:1:0]\n");
        rows.set(" g_dc = [-6:1:0] ").expect("it reads");
        rows.set("N_b=3").expect("it reads");
        assert_eq!(
            rows.find(None, "g_DC").expect("it reads").expect("it reads").value,
            Some(Cell::Text("[-6:1:0]".into()))
        );
        assert_eq!(rows.find(None, "N_b").expect("it reads").expect("it reads").value, Some(Cell::Number(3.0)));
        let problem = rows.set("gDC=3").expect_err("it is refused");
        assert_eq!(problem.to_string(), "--set \"gDC=3\": no row is called `gDC`\n  help: did you mean `g_DC`?");
        assert!(rows.set("g_DC").is_err());
        assert!(rows.set("g_DC=").is_err());
    }

    #[test]
    fn strangers_are_named() {
        let rows =
            rows("Parameter,Setting\nf_b,1\nL,4\nM,32\nN-g,0\nz_p select ,1\nsome heading\nN_bmax,40\n,,note,x\n");
        let strangers = rows.strangers();
        assert_eq!(strangers.len(), 3, "{strangers:?}");
        assert!(strangers[0].starts_with("s.csv, COM_Settings!A5: the row `N-g` = 0 is not understood"));
        assert!(strangers[1].contains("has a blank at its end"));
        assert!(strangers[2].contains("the row N_f says"));
    }
}
