//! Bytes of a file to its worksheets: `.xls`, `.xlsx` in both namespaces, and comma-separated text. What a file is, is
//! told from its first bytes, not from its name.

use std::io::Cursor;

use calamine::{Data, DataRef, Reader, Xlsx};

use super::binary;
use super::cells::{Cell, Grid};
use super::problem::SheetProblem;

/// Largest file that is read, in bytes: the task force's workbooks have some ten thousand.
pub const SIZE_LIMIT: usize = 8 << 20;

/// Largest number of cells that are kept of a worksheet.
const CELL_LIMIT: usize = 200_000;

/// The worksheet that holds the parameters.
pub const SETTINGS: &str = "COM_Settings";

/// Reads the worksheet with the parameters. `name` is used in messages, and for the ending `.csv`.
pub fn read(name: &str, bytes: &[u8]) -> Result<Grid, SheetProblem> {
    let wrong = |message: String, help: &str| Err(SheetProblem::new(name, message, help));
    if bytes.len() > SIZE_LIMIT {
        return wrong(
            format!("the file has {} MB; a sheet has at most {} MB", bytes.len() >> 20, SIZE_LIMIT >> 20),
            "give a workbook with the worksheet COM_Settings alone",
        );
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return open_xml(name, bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return old_form(name, bytes);
    }
    if bytes.starts_with(b"MATLAB 5.0") {
        return wrong(
            "this is a MATLAB file, which is not read".into(),
            "give the workbook (.xls, .xlsx) that it was made from, or its cells as .csv",
        );
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(comma_separated(text.trim_start_matches('\u{feff}'))),
        _ => wrong(
            "this is neither a workbook (.xls, .xlsx) nor comma-separated text (.csv)".into(),
            "give a COM configuration sheet; `lanewright link presets` lists the built-in ones",
        ),
    }
}

/// The name of the worksheet to read: `COM_Settings` in any spelling, or the only one.
fn settings(name: &str, names: &[String]) -> Result<String, SheetProblem> {
    let found = names.iter().find(|n| n.eq_ignore_ascii_case(SETTINGS));
    if let Some(found) = found.or(if names.len() == 1 { names.first() } else { None }) {
        return Ok(found.clone());
    }
    let list = if names.is_empty() { "none at all".to_string() } else { format!("`{}`", names.join("`, `")) };
    Err(SheetProblem::new(
        name,
        format!("the workbook has no worksheet `{SETTINGS}`; it has {list}"),
        format!("name the worksheet that holds the parameters `{SETTINGS}`"),
    ))
}

fn unreadable(name: &str, why: &impl std::fmt::Display) -> SheetProblem {
    SheetProblem::new(
        name,
        format!("the workbook cannot be read: {why}"),
        "open it in a spreadsheet program and save it again as .xlsx",
    )
}

fn full(name: &str) -> SheetProblem {
    SheetProblem::new(
        name,
        format!("the worksheet has more than {CELL_LIMIT} cells"),
        "delete what does not belong to the parameters",
    )
}

fn open_xml(name: &str, bytes: &[u8]) -> Result<Grid, SheetProblem> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|why| unreadable(name, &why))?;
    let sheet = settings(name, &book.sheet_names())?;
    let mut grid = Grid::new(sheet.clone());
    let mut reader = book.worksheet_cells_reader(&sheet).map_err(|why| unreadable(name, &why))?;
    while let Some(cell) = reader.next_cell().map_err(|why| unreadable(name, &why))? {
        let value = match cell.get_value() {
            DataRef::Empty => continue,
            DataRef::SharedString(text) => Cell::Text((*text).to_string()),
            other => match plain(&other.clone().into()) {
                Some(value) => value,
                None => continue,
            },
        };
        grid.cells.insert(cell.get_position(), value);
        if grid.cells.len() > CELL_LIMIT {
            return Err(full(name));
        }
    }
    Ok(grid)
}

fn old_form(name: &str, bytes: &[u8]) -> Result<Grid, SheetProblem> {
    let book = binary::open(bytes).map_err(|why| unreadable(name, &why))?;
    let names: Vec<String> = book.sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let wanted = settings(name, &names)?;
    let sheet = book.sheets.iter().find(|sheet| sheet.name == wanted);
    sheet
        .and_then(|sheet| book.grid(sheet))
        .ok_or_else(|| unreadable(name, &format!("the records of the worksheet `{wanted}` are damaged or too many")))
}

/// A cell's value; `None` for what is empty. Errors of formulas stay texts (`#REF!`), so that they are named where they
/// matter.
fn plain(data: &Data) -> Option<Cell> {
    match data {
        Data::Empty => None,
        Data::Int(value) => Some(Cell::Number(*value as f64)),
        Data::Float(value) => Some(Cell::Number(*value)),
        Data::Bool(value) => Some(Cell::Number(f64::from(u8::from(*value)))),
        Data::DateTime(value) => Some(Cell::Number(value.as_f64())),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Some(Cell::Text(text.clone())),
        Data::Error(error) => Some(Cell::Text(error.to_string())),
    }
}

/// Comma-separated text; quotes hold commas, two quotes in quotes are one. A file whose first line has no comma but a
/// semicolon or tab is parted by that.
fn comma_separated(text: &str) -> Grid {
    let first = text.lines().next().unwrap_or_default();
    let part = if first.contains(',') {
        ','
    } else if first.contains('\t') {
        '\t'
    } else if first.contains(';') {
        ';'
    } else {
        ','
    };
    let mut grid = Grid::new(SETTINGS);
    let (mut row, mut column) = (0_u32, 0_u32);
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    let mut end = |field: &mut String, at| {
        let value = std::mem::take(field);
        if value.trim().is_empty() || grid.cells.len() >= CELL_LIMIT {
            return;
        }
        let value = value.trim().parse().map_or(Cell::Text(value), Cell::Number);
        grid.cells.insert(at, value);
    };
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                end(&mut field, (row, column));
                row = row.saturating_add(1);
                column = 0;
            }
            c if c == part && !quoted => {
                end(&mut field, (row, column));
                column = column.saturating_add(1);
            }
            c => field.push(c),
        }
    }
    end(&mut field, (row, column));
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_separated_cells() {
        let grid = read("a.csv", b"Parameter,Setting\r\nf_b,53.125\n\"C_d\",\"[1, 2]\",nF\nx,\"say \"\"hi\"\"\"\n")
            .expect("it reads");
        assert_eq!(grid.cells.get(&(1, 1)), Some(&Cell::Number(53.125)));
        assert_eq!(grid.right_of((2, 0)), Some(&Cell::Text("[1, 2]".into())));
        assert_eq!(grid.right_of((3, 0)), Some(&Cell::Text("say \"hi\"".into())));
        assert_eq!(grid.place((2, 1)), "COM_Settings!B3");
    }

    #[test]
    fn what_is_no_sheet_is_refused() {
        for (bytes, part) in [
            (b"PK\x03\x04rubbish".as_slice(), "cannot be read"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rubbish", "cannot be read"),
            (b"MATLAB 5.0 MAT-file", "MATLAB"),
            (b"\x00\x01\x02", "neither"),
        ] {
            let problem = read("x", bytes).expect_err("it is refused");
            assert!(problem.message.contains(part), "{problem}");
            assert!(!problem.help.is_empty());
        }
        assert!(read("x", &vec![b' '; SIZE_LIMIT + 1]).is_err());
    }
}
