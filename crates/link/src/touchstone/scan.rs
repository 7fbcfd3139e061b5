//! Walking over a file's bytes: numbers, words, comments.

use super::fault::Faults;

/// Position in a file.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

/// Numbers read one after the other, with the lines that they stand on.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    /// For each line that holds numbers: index of its first number and offset of that number.
    pub(super) lines: Vec<(usize, usize)>,
    /// Offset after the last number.
    pub(super) end: usize,
}

impl Numbers {
    /// Offsets of the first byte and past the last byte of a number.
    pub(super) fn place(&self, bytes: &[u8], index: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|(first, _)| *first <= index).saturating_sub(1);
        let Some((first, offset)) = self.lines.get(line).copied() else { return (self.end, self.end) };
        if index >= self.values.len() {
            return (self.end, self.end);
        }
        let mut scanner = Scanner { bytes, at: offset };
        for _ in first..index {
            scanner.word();
            scanner.blanks();
        }
        let start = scanner.at;
        scanner.word();
        (start, scanner.at)
    }

    /// Whether a number is the first of its line.
    pub(super) fn begins_line(&self, index: usize) -> bool {
        self.lines.binary_search_by_key(&index, |(first, _)| *first).is_ok()
    }
}

/// Whether a byte separates words.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c' | b'\x1a' | b'\0')
}

impl<'a> Scanner<'a> {
    /// Next byte that is not a blank, without moving past it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !is_blank(*byte) {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Skips blanks within the line.
    pub(super) fn blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| is_blank(*b) && *b != b'\n') {
            self.at += 1;
        }
    }

    /// Next word of the line: up to a blank or a comment.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|b| !is_blank(*b) && *b != b'!') {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    /// Next word of the line with its place, or nothing at the line's end or before a comment.
    pub(super) fn word_of_line(&mut self) -> Option<(&'a [u8], (usize, usize))> {
        self.blanks();
        let start = self.at;
        let word = self.word();
        (!word.is_empty()).then_some((word, (start, self.at)))
    }

    /// What is left of the line, without its end.
    pub(super) fn line(&mut self) -> &'a [u8] {
        let start = self.at;
        let rest = &self.bytes[start..];
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        self.at = (start + length + 1).min(self.bytes.len());
        let line = &rest[..length];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Reads numbers over lines until a keyword or the end of the file. `comment` gets each comment after its mark,
    /// with the count of numbers before it.
    pub(super) fn numbers(&mut self, faults: &mut Faults<'_>, mut comment: impl FnMut(&'a [u8], usize)) -> Numbers {
        let mut numbers = Numbers { end: self.at, ..Numbers::default() };
        // Nine bytes for a number is less than any real file has, so that this seldom grows and never wastes much.
        numbers.values.reserve((self.bytes.len() - self.at) / 9);
        let mut line_begins = true;
        let mut warned_option = false;
        loop {
            let Some(byte) = self.bytes.get(self.at).copied() else { return numbers };
            if byte == b' ' || byte == b'\t' {
                self.at += 1;
                continue;
            }
            if byte == b'\n' {
                line_begins = true;
                self.at += 1;
                continue;
            }
            if byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'+') {
                if line_begins {
                    numbers.lines.push((numbers.values.len(), self.at));
                    line_begins = false;
                }
                if let Ok((value, length)) = fast_float2::parse_partial::<f64, _>(&self.bytes[self.at..]) {
                    let end = self.at + length;
                    if self.bytes.get(end).is_none_or(|b| is_blank(*b) || *b == b'!') {
                        numbers.values.push(value);
                        self.at = end;
                        numbers.end = end;
                        continue;
                    }
                }
            }
            match byte {
                _ if is_blank(byte) => self.at += 1,
                b'!' => {
                    self.at += 1;
                    let text = self.line();
                    comment(text, numbers.values.len());
                    line_begins = true;
                }
                b'[' => return numbers,
                b'#' if line_begins => {
                    let at = self.at;
                    let length = self.line().len();
                    if !warned_option {
                        faults.warning(
                            "touchstone-option-line",
                            (at, at + length),
                            "an option line after the data has no effect",
                            "only the first option line of a file counts",
                        );
                        warned_option = true;
                    }
                }
                _ => {
                    if line_begins {
                        numbers.lines.push((numbers.values.len(), self.at));
                        line_begins = false;
                    }
                    let start = self.at;
                    let word = self.word();
                    numbers.end = self.at;
                    // A word that is no number still takes a number's place, so that those behind it keep theirs.
                    let value = odd_number(word).unwrap_or_else(|| {
                        faults.error(
                            "touchstone-number",
                            (start, start + word.len()),
                            format!("expected a number, found `{}`", shown(word)),
                            "mark comments with `!`, or remove it",
                        );
                        0.0
                    });
                    numbers.values.push(value);
                    if faults.is_full() {
                        return numbers;
                    }
                }
            }
        }
    }
}

/// Numbers as some programs write them: Fortran's exponent `D`, and minus infinity for the decibels of nothing.
fn odd_number(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    if text.len() > 400 {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "-inf" | "-infinity" | "-1.#inf") {
        return Some(f64::NEG_INFINITY);
    }
    if lower.contains(['n', 'i']) {
        return None;
    }
    lower.replace('d', "e").parse().ok()
}

/// Bytes as they are shown in a message.
pub(super) fn shown(word: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(word).chars().filter(|c| !c.is_control()).take(40).collect();
    if word.len() > 40 { format!("{text}…") } else { text }
}

/// A number on its own: a real value of the option line or of a keyword.
pub(super) fn real(word: &[u8]) -> Option<f64> {
    fast_float2::parse::<f64, _>(word).ok().filter(|value| value.is_finite())
}
