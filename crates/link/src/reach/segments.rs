//! A path written in words: `trace megtron-7 250mm, connector osfp, twinax 28awg 2m, connector, via stub 0.5mm`.
//!
//! Segments are divided by commas, transmitter first. Each may begin with a number of equal ones (`2 x via`).
//!
//! | word | what follows |
//! |---|---|
//! | `trace` | laminate, length; then, in any order, `width 4mil`, `at 85C`, `rough 1.2` |
//! | `twinax` | gauge, length |
//! | `connector` | kind; `osfp` when it is left out |
//! | `via` | `stub 0.5mm` when it is not back-drilled |
//! | `host` | loss at Nyquist of a host's package and board, as `6.8dB` |
//! | `loss` | any other loss at Nyquist, as `3dB` |
//!
//! A part's full id (`coax/automotive 5m`) stands for its kind and name.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::figure::Band;
use lanewright_model::problem::nearest;

use super::path::LanePath;
use super::piece::{LineDetail, Piece};
use super::retimer::Stretch;

/// A segment that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// As written, without spaces around it.
    pub text: String,
    /// What it is to a wave, all of them in a row.
    pub piece: Piece,
    /// Length of all of them in metres; zero for connectors, vias and bare losses.
    pub length_m: f64,
    /// Whether a chip could sit along it.
    pub board: bool,
    /// Whether it is the package and board of a host.
    pub host: bool,
}

/// What is wrong with a path in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentProblem {
    /// Character, from 1, where it is wrong.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// Reads a path; losses given as such are of `nyquist_ghz`.
pub fn parse(text: &str, catalogue: &Catalogue, nyquist_ghz: f64) -> Result<Vec<Segment>, SegmentProblem> {
    let mut segments = Vec::new();
    let mut column = 1;
    for written in text.split(',') {
        segments.push(Words::of(written, column).segment(catalogue, nyquist_ghz)?);
        column += written.chars().count() + 1;
    }
    Ok(segments)
}

/// The segments as one path.
pub fn path(name: &str, segments: &[Segment]) -> LanePath {
    LanePath { name: name.to_owned(), pieces: segments.iter().map(|segment| segment.piece.clone()).collect() }
}

/// The segments as stretches for the placement of chips: losses at the Nyquist frequencies of both ends in GHz, taken
/// from an end of their bands by `pick`.
pub fn stretches(segments: &[Segment], nyquist_ghz: [f64; 2], pick: fn(&Band<f64>) -> f64) -> Vec<Stretch> {
    segments
        .iter()
        .map(|segment| Stretch {
            name: segment.text.clone(),
            loss_db: nyquist_ghz.map(|f| pick(&segment.piece.loss_db(f))),
            length_m: segment.length_m,
            cuttable: segment.board,
        })
        .collect()
}

/// Words of one segment with the columns where they begin.
struct Words<'a> {
    text: &'a str,
    column: usize,
    words: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a str, column: usize) -> Self {
        let mut words = Vec::new();
        let mut begin: Option<(usize, usize)> = None;
        for (at, (offset, letter)) in text.char_indices().enumerate() {
            match (letter.is_whitespace(), begin) {
                (false, None) => begin = Some((at, offset)),
                (true, Some((first, from))) => {
                    words.push((column + first, &text[from..offset]));
                    begin = None;
                }
                _ => {}
            }
        }
        if let Some((first, from)) = begin {
            words.push((column + first, &text[from..]));
        }
        Self { text: text.trim(), column, words, next: 0 }
    }

    fn wrong<T>(&self, column: usize, message: String, help: &str) -> Result<T, SegmentProblem> {
        Err(SegmentProblem { column, message, help: help.to_owned() })
    }

    fn take(&mut self) -> Option<(usize, &'a str)> {
        let word = self.words.get(self.next).copied();
        self.next += usize::from(word.is_some());
        word
    }

    /// Where the next word is, or would be.
    fn here(&self) -> usize {
        let end = || self.words.last().map_or(self.column, |(at, word)| at + word.chars().count());
        self.words.get(self.next).map_or_else(end, |(at, _)| *at)
    }

    fn segment(mut self, catalogue: &Catalogue, nyquist_ghz: f64) -> Result<Segment, SegmentProblem> {
        let count = self.count()?;
        let Some((column, word)) = self.take() else {
            return self.wrong(
                self.column,
                "an empty segment".into(),
                "write segments as `trace megtron-7 250mm`, with one comma between two of them",
            );
        };
        let text = self.text.to_owned();
        let lump = |piece: Piece, host: bool| Segment { text: text.clone(), piece, length_m: 0.0, board: false, host };
        let segment = match word {
            "host" | "loss" => {
                let name = if word == "host" { "host package and board" } else { "loss" };
                let loss = self.number("a loss in dB", "6.8dB", &[("dB", 1.0)])? * f64::from(count);
                match Piece::known(name, nyquist_ghz, Band::exact(loss), true) {
                    Some(piece) => lump(piece, word == "host"),
                    None => {
                        return self.wrong(column, "no such loss".into(), "give a loss of zero or more, as `6.8dB`");
                    }
                }
            }
            "trace" | "twinax" => {
                let folder = if word == "trace" { "pcb" } else { "twinax" };
                let part = self.named(catalogue, folder)?;
                self.line(part, count, column)?
            }
            "connector" => {
                let part = if self.next < self.words.len() {
                    self.named(catalogue, "connector")?
                } else {
                    self.find(catalogue, "connector/osfp", column)?
                };
                match Piece::lumped(part, count, None) {
                    Some(piece) => lump(piece, false),
                    None => return self.lossless(part, column),
                }
            }
            "via" => {
                let part = self.find(catalogue, "via/through", column)?;
                let mut stub = None;
                if let Some((at, word)) = self.take() {
                    if word != "stub" {
                        return self.wrong(at, format!("`{word}` after `via`"), "write `via`, or `via stub 0.5mm`");
                    }
                    stub = Some(self.number("a stub's length", "0.5mm", LENGTHS)?);
                    if stub.is_some_and(|stub| stub > 0.02) {
                        return self.wrong(at, "a stub of more than 20 mm".into(), "no board is as thick");
                    }
                }
                match Piece::lumped(part, count, stub) {
                    Some(piece) => lump(piece, false),
                    None => return self.lossless(part, column),
                }
            }
            id => {
                let part = self.find(catalogue, id, column)?;
                if part.loss.iter().any(|point| point.per_m.is_some()) {
                    self.line(part, count, column)?
                } else {
                    match Piece::lumped(part, count, None) {
                        Some(piece) => lump(piece, false),
                        None => return self.lossless(part, column),
                    }
                }
            }
        };
        match self.take() {
            Some((at, word)) => {
                self.wrong(at, format!("`{word}` is not understood here"), "put a comma between segments")
            }
            None => Ok(segment),
        }
    }

    /// `3 x`, or `3x`, in front.
    fn count(&mut self) -> Result<u32, SegmentProblem> {
        let Some(&(column, word)) = self.words.first() else { return Ok(1) };
        let digits = word.strip_suffix('x').unwrap_or(word);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(1);
        }
        let joined = digits.len() < word.len();
        let spaced = self.words.get(1).is_some_and(|(_, next)| *next == "x");
        match digits.parse::<u32>() {
            Ok(count @ 1..=100) if joined || spaced => {
                self.next = if joined { 1 } else { 2 };
                Ok(count)
            }
            _ => self.wrong(column, format!("`{word}` is no segment"), "write `2 x via` for two of them, at most 100"),
        }
    }

    fn line(&mut self, part: &Part, count: u32, column: usize) -> Result<Segment, SegmentProblem> {
        let length_m = self.number("a length", "250mm", LENGTHS)? * f64::from(count);
        if length_m > 1000.0 {
            return self.wrong(column, "longer than 1 km".into(), "copper ends long before");
        }
        let board = part.kind == Kind::Pcb;
        let mut detail = LineDetail::default();
        while let Some((at, word)) = self.take() {
            match word {
                "width" if board => {
                    let width = self.number("a width", "5mil", LENGTHS)?;
                    if !(25e-6..=2e-3).contains(&width) {
                        return self.wrong(at, "no usual width of a trace".into(), "from 1 mil (25 um) to 2 mm");
                    }
                    detail.width_m = Some(width);
                }
                "at" => {
                    let celsius = self.number("a temperature", "85C", &[("C", 1.0)])?;
                    if celsius > 200.0 {
                        return self.wrong(at, "hotter than 200 °C".into(), "no board works there");
                    }
                    detail.celsius = Some(celsius);
                }
                "rough" if board => {
                    let factor = self.number("a factor of conductor loss", "1.2", &[("", 1.0)])?;
                    if !(0.5..=3.0).contains(&factor) {
                        return self.wrong(at, "no usual roughness".into(), "from 0.5 (smooth) to 3 (very rough)");
                    }
                    detail.roughness = Some(factor);
                }
                _ => {
                    let help = if board {
                        "after the length of a trace: `width 4mil`, `at 85C`, `rough 1.2`"
                    } else {
                        "after the length of a cable: `at 60C`"
                    };
                    return self.wrong(at, format!("`{word}` is not understood here"), help);
                }
            }
        }
        match Piece::line(part, length_m, &detail) {
            Some(piece) => Ok(Segment { text: self.text.to_owned(), piece, length_m, board, host: false }),
            None => self.lossless(part, column),
        }
    }

    fn lossless<T>(&self, part: &Part, column: usize) -> Result<T, SegmentProblem> {
        self.wrong(
            column,
            format!("`{}` has no loss points", part.id.value),
            "name a laminate, cable stock, connector or via (`lanewright parts list --kind pcb`)",
        )
    }

    fn named<'c>(&mut self, catalogue: &'c Catalogue, folder: &str) -> Result<&'c Part, SegmentProblem> {
        let here = self.here();
        let Some((column, word)) = self.take() else {
            return self.wrong(
                here,
                format!("a name is missing after `{folder}`"),
                "write for example `trace megtron-7 250mm`, `twinax 28awg 2m`",
            );
        };
        let id = if word.contains('/') { word.to_owned() } else { format!("{folder}/{word}") };
        self.find(catalogue, &id, column)
    }

    fn find<'c>(&self, catalogue: &'c Catalogue, id: &str, column: usize) -> Result<&'c Part, SegmentProblem> {
        if let Some(found) = catalogue.find_part(id) {
            return Ok(catalogue.part(found));
        }
        let usable = || catalogue.parts.iter().filter(|part| !part.loss.is_empty()).map(|part| part.id.value.as_str());
        let folder = id.split_once('/').map(|(folder, _)| folder);
        let help = match (nearest(id, usable()), folder) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(folder)) => {
                let like: Vec<&str> = usable().filter(|known| known.split('/').next() == Some(folder)).collect();
                format!("one of: {}", like.join(", "))
            }
            (None, None) => "begin with trace, twinax, connector, via, host, loss, or a part's id".into(),
        };
        self.wrong(column, format!("the catalogue has no `{id}`"), &help)
    }

    /// A number with its unit, together or as two words.
    fn number(&mut self, what: &str, example: &str, units: &[(&str, f64)]) -> Result<f64, SegmentProblem> {
        let here = self.here();
        let help = format!("write it as `{example}`");
        let Some((column, word)) = self.take() else {
            return self.wrong(here, format!("{what} is missing"), &help);
        };
        let digits = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
        let (number, mut unit) = word.split_at(digits);
        if unit.is_empty()
            && let Some((_, next)) = self.words.get(self.next)
            && units.iter().any(|(known, _)| !known.is_empty() && known == next)
        {
            unit = next;
            self.next += 1;
        }
        let factor = units.iter().find(|(known, _)| *known == unit).map(|(_, factor)| *factor);
        match (number.parse::<f64>(), factor) {
            (Ok(number), Some(factor)) if number.is_finite() && number < 1e9 => Ok(number * factor),
            _ => self.wrong(column, format!("`{word}` is not {what}"), &help),
        }
    }
}

/// Units of length in metres.
const LENGTHS: &[(&str, f64)] =
    &[("mm", 1e-3), ("cm", 1e-2), ("m", 1.0), ("in", 25.4e-3), ("mil", 25.4e-6), ("um", 1e-6)];

#[cfg(test)]
mod tests {
    use super::super::fixture::catalogue;
    use super::*;

    #[test]
    fn a_path_in_words_loses_what_its_parts_lose() {
        let catalogue = catalogue();
        let text = "host 6 dB, trace megtron-7 250mm, 2 x via, connector, twinax 28awg 2m, connector osfp, host 6dB";
        let segments = parse(text, &catalogue, 26.5625).expect("good path");
        assert_eq!(segments.len(), 7);
        let loss = path("x", &segments).loss_db(26.5625);
        // materials.toml at 26.5625 GHz: 0.9 dB/in, 0.35 dB a via, 2.25 dB a plug, 7.5 dB/m.
        let known = 6.0 + 0.9 * 250.0 / 25.4 + 2.0 * 0.35 + 2.25 + 15.0 + 2.25 + 6.0;
        assert!((loss.likely - known).abs() < 1e-9, "{loss:?} against {known}");
        let lossy = parse("trace megtron-7 250mm width 4mil at 85C rough 1.2, coax/automotive 1m", &catalogue, 26.5625);
        let plain = parse("trace megtron-7 250mm, coax/automotive 1m", &catalogue, 26.5625);
        let first = |found: &Result<Vec<Segment>, SegmentProblem>| {
            found.as_ref().expect("good path")[0].piece.loss_db(26.5625).likely
        };
        assert!(first(&lossy) > 1.2 * first(&plain));
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_is() {
        let catalogue = catalogue();
        for (text, column, about) in [
            ("trace megtron-77 250mm", 7, "did you mean `pcb/megtron-7`"),
            ("trace megtron-7", 16, "250mm"),
            ("trace megtron-7 250", 17, "250mm"),
            ("connector, , via", 11, "comma"),
            ("via stub 1m", 5, "thick"),
            ("connector, twinax 28awg 2m width 3mil", 28, "at 60C"),
            ("400 x via", 1, "at most 100"),
            ("wire 3m", 1, "begin with"),
            ("host -3dB", 6, "6.8dB"),
            ("via via", 5, "via stub"),
            ("", 1, "segments"),
        ] {
            let problem = parse(text, &catalogue, 26.0).expect_err(text);
            assert_eq!(problem.column, column, "{text}: {problem:?}");
            assert!(problem.help.contains(about), "{text}: {problem:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-z0-9/., x]{0,60}|\\PC{0,40}") {
            let _ = parse(&text, &catalogue(), 26.0);
        }
    }
}
