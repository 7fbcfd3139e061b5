//! Built-in sheets: reference transmitters and receivers of Ethernet and UALink lanes, each row with its unit, where it
//! comes from, and how far it is to be trusted.
//!
//! A preset is a sheet in a text form of our own and goes through the same reader as a workbook. Lines `title`, `source`
//! and `base` (another preset whose rows it takes over), then one row per line: name, value, unit, certainty, source,
//! parted by `|`.

use std::fmt;

use lanewright_model::problem::nearest;
use serde::Serialize;

use super::cells::{Cell, Grid};
use super::problem::SheetProblem;
use super::rows::Rows;

/// How far a row is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// In a published standard or a task force's sheet.
    Published,
    /// In a draft, which may change.
    Draft,
    /// From general knowledge of the standard, not looked up.
    Recalled,
    /// A planning value.
    Guess,
}

impl fmt::Display for Certainty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Published => "published",
            Self::Draft => "draft",
            Self::Recalled => "recalled",
            Self::Guess => "guess",
        })
    }
}

/// A row of a preset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Name, as in the task force's sheets.
    pub row: String,
    /// Value in the sheets' notation.
    pub value: String,
    /// Unit; empty where there is none.
    pub unit: String,
    /// How far it is to be trusted.
    pub certainty: Certainty,
    /// Table or clause; the preset's source where it says nothing else.
    pub source: String,
}

/// A built-in sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it stands for.
    pub title: String,
    /// Where its rows come from.
    pub source: String,
    /// Its rows, those of its base among them.
    pub entries: Vec<Entry>,
}

/// How much of a preset is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimates {
    /// Rows in all.
    pub rows: usize,
    /// Rows of a draft.
    pub draft: usize,
    /// Rows from general knowledge.
    pub recalled: usize,
    /// Planning values.
    pub guessed: usize,
}

impl fmt::Display for Estimates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let estimates = self.recalled + self.guessed;
        write!(out, "{} rows: {estimates} are estimates", self.rows)?;
        if estimates > 0 {
            write!(out, " ({} from general knowledge, {} planning values)", self.recalled, self.guessed)?;
        }
        if self.draft > 0 {
            write!(out, ", {} are of a draft", self.draft)?;
        }
        let published = self.rows - estimates - self.draft;
        write!(out, ", {published} are published")
    }
}

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../presets/", $name, ".txt")))),*]
    };
}

/// Names and texts, in the order of rates.
const TEXTS: &[(&str, &str)] = texts![
    "25g-kr",
    "25g-cr",
    "25gbase-kr",
    "50g-kr",
    "50g-cr",
    "100g-kr",
    "100g-cr",
    "100g-c2c",
    "100g-c2m",
    "200g-kr",
    "200g-kr-b",
    "200g-cr",
    "200g-cr-hl",
    "200g-cr-hh",
    "200g-c2c",
    "200g-c2c-b",
    "200g-c2m",
    "ualink-200g",
];

/// All presets, in the order of rates.
pub fn all() -> Vec<Preset> {
    // The texts are part of the program, and a test reads every one.
    TEXTS.iter().filter_map(|(name, _)| find(name).ok()).collect()
}

/// A preset by its name.
pub fn find(name: &str) -> Result<Preset, SheetProblem> {
    let found = TEXTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((name, text)) = found else {
        let near = nearest(name, TEXTS.iter().map(|(known, _)| *known));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`lanewright link presets` lists them".to_string(),
        };
        return Err(SheetProblem::new("--preset", format!("no preset is called `{name}`"), help));
    };
    read(name, text, 0)
}

/// Longest chain of bases.
const BASES_LIMIT: usize = 4;

fn read(name: &'static str, text: &str, depth: usize) -> Result<Preset, SheetProblem> {
    let mut preset = Preset { name, title: String::new(), source: String::new(), entries: Vec::new() };
    for (number, line) in text.lines().enumerate() {
        let wrong = |message: &str| {
            SheetProblem::new(format!("preset {name}, line {}", number + 1), message, "write it as the others are")
        };
        if line.trim().is_empty() {
            continue;
        }
        if let Some(title) = line.strip_prefix("title ") {
            preset.title = title.into();
        } else if let Some(source) = line.strip_prefix("source ") {
            preset.source = source.into();
        } else if let Some(base) = line.strip_prefix("base ") {
            let (base, text) = TEXTS
                .iter()
                .find(|(known, _)| *known == base)
                .filter(|_| depth < BASES_LIMIT)
                .ok_or_else(|| wrong("the base is not there"))?;
            preset.entries = read(base, text, depth + 1)?.entries;
        } else {
            let entry = entry(line, &preset.source).ok_or_else(|| wrong("five fields parted by `|` are expected"))?;
            match preset.entries.iter_mut().find(|known| known.row == entry.row) {
                Some(known) => *known = entry,
                None => preset.entries.push(entry),
            }
        }
    }
    Ok(preset)
}

fn entry(line: &str, source: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let [row, value, unit, certainty, own] = fields.as_slice() else { return None };
    let certainty = match *certainty {
        "published" => Certainty::Published,
        "draft" => Certainty::Draft,
        "recalled" => Certainty::Recalled,
        "guess" => Certainty::Guess,
        _ => return None,
    };
    let source = if own.is_empty() { source } else { own };
    Some(Entry { row: (*row).into(), value: (*value).into(), unit: (*unit).into(), certainty, source: source.into() })
}

impl Preset {
    /// Its rows as a sheet.
    pub fn rows(&self) -> Result<Rows, SheetProblem> {
        let mut grid = Grid::new("preset");
        for (row, entry) in (0_u32..).zip(&self.entries) {
            grid.cells.insert((row, 0), Cell::Text(entry.row.clone()));
            let value = entry.value.parse().map_or_else(|_| Cell::Text(entry.value.clone()), Cell::Number);
            grid.cells.insert((row, 1), value);
        }
        Rows::new(self.name, grid)
    }

    /// How much of it is estimated.
    pub fn estimates(&self) -> Estimates {
        let count = |certainty| self.entries.iter().filter(|entry| entry.certainty == certainty).count();
        Estimates {
            rows: self.entries.len(),
            draft: count(Certainty::Draft),
            recalled: count(Certainty::Recalled),
            guessed: count(Certainty::Guess),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::SequenceDetection;
    use crate::sheet::names::{Role, role};
    use crate::sheet::resolve::{Choices, resolve};

    #[test]
    fn every_preset_reads_without_defaults_or_warnings() {
        assert_eq!(all().len(), TEXTS.len());
        for preset in all() {
            assert!(!preset.title.is_empty() && !preset.source.is_empty(), "{}", preset.name);
            for entry in &preset.entries {
                assert_eq!(role(&entry.row), Some(Role::Read), "{}: {}", preset.name, entry.row);
            }
            let rows = preset.rows().expect("it reads");
            let resolved = resolve(&rows, Choices::default()).unwrap_or_else(|why| panic!("{}: {why}", preset.name));
            assert_eq!(resolved.defaults_used, [], "{}", preset.name);
            let warnings: Vec<_> = resolved.warnings.iter().filter(|w| !w.contains("`T_r` is left away")).collect();
            assert!(warnings.is_empty(), "{}: {warnings:?}", preset.name);
        }
    }

    #[test]
    fn a_base_is_taken_over_and_its_rows_replaced() {
        let of = |name: &str| {
            let rows = find(name).expect("it is there").rows().expect("it reads");
            resolve(&rows, Choices::default()).unwrap_or_else(|why| panic!("{why}")).parameters
        };
        let (kr, cr) = (of("25g-kr"), of("25g-cr"));
        assert_eq!(kr.ends.board, None);
        assert_eq!(
            cr.ends.board.map(|board| (board.tx_mm, board.next_mm, board.impedance_ohm)),
            Some((151.0, 72.0, 109.8))
        );
        assert_eq!(kr.dfe, cr.dfe);
        let (a, b) = (of("200g-kr"), of("200g-kr-b"));
        assert_eq!(a.ends.cases[0].tx_mm, [33.0, 1.8]);
        assert_eq!(b.ends.cases[1].rx_mm, [29.0, 2.0, 1.3, 1.5]);
        assert_eq!(a.sequence_detection, SequenceDetection::Draft3 { delta_com_db: 3.0 });
        assert_eq!(of("200g-c2m").sequence_detection, SequenceDetection::None);
        // Drafts 3.x: N_max 87 taps, 6 of them and the cursor before the postcursors.
        let ffe = a.rx_ffe.expect("it has receive taps");
        assert_eq!((ffe.pre, ffe.post, ffe.floating.map(|taps| taps.last)), (6, 8, Some(80)));
    }

    #[test]
    fn estimates_are_counted() {
        let kr = find("100G-KR").expect("it is there").estimates();
        assert_eq!((kr.draft, kr.recalled, kr.guessed), (0, 0, 0));
        assert!(find("50g-kr").expect("it is there").estimates().guessed > 5);
        let problem = find("100g-kx").expect_err("it is not there");
        assert_eq!(problem.help, "did you mean `100g-kr`?");
    }
}
