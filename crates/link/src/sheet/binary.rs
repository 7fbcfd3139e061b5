//! Workbooks of the old binary form (.xls, Excel 5 on): cells of one worksheet out of a compound file.
//!
//! Source: [MS-CFB] (compound files) and [MS-XLS] (records). Only what holds values is read, every length is checked, and
//! no memory is taken on the word of the file, which general readers of workbooks do.

use super::cells::{Cell, Grid};

/// Most cells, strings and sectors that are kept.
const LIMIT: usize = 200_000;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// A worksheet's name and where its records begin in the workbook's stream.
pub(super) struct Worksheet {
    pub name: String,
    start: usize,
}

/// The workbook's stream with what its head says.
pub(super) struct Workbook {
    stream: Vec<u8>,
    pub sheets: Vec<Worksheet>,
    strings: Vec<String>,
    /// Excel 5 and 95: texts are bytes without a width.
    narrow: bool,
}

/// Opens a workbook; the error is one clause.
pub(super) fn open(bytes: &[u8]) -> Result<Workbook, String> {
    let stream = workbook_stream(bytes).ok_or("the compound file is damaged or holds no workbook")?;
    let mut records = Records { bytes: &stream, at: 0 };
    let version = records.next().filter(|(kind, _)| *kind == 0x0809).and_then(|(_, data)| u16_at(data, 0));
    let narrow = match version {
        Some(0x0600) => false,
        Some(0x0500) => true,
        _ => return Err("it is older than Excel 5, or damaged".into()),
    };
    let (mut sheets, mut strings) = (Vec::new(), Vec::new());
    while let Some((kind, data)) = records.next() {
        match kind {
            0x000a => break,
            0x002f => return Err("it is encrypted".into()),
            0x0085 if sheets.len() < LIMIT => {
                let (Some(start), Some(count), Some(flags)) = (u32_at(data, 0), data.get(6), data.get(7)) else {
                    return Err("a worksheet has no name".into());
                };
                let (from, wide) = if narrow { (7, false) } else { (8, flags & 1 == 1) };
                let name = characters(data.get(from..).unwrap_or_default(), usize::from(*count), wide);
                sheets.push(Worksheet { name, start: start as usize });
            }
            0x00fc => {
                let mut parts = vec![data];
                while let Some(more) = records.follow(0x003c) {
                    parts.push(more);
                }
                strings = shared_strings(&parts);
            }
            _ => {}
        }
    }
    Ok(Workbook { stream, sheets, strings, narrow })
}

impl Workbook {
    /// Cells of a worksheet; `None` when it has too many or its records are damaged.
    pub fn grid(&self, sheet: &Worksheet) -> Option<Grid> {
        let mut grid = Grid::new(sheet.name.clone());
        let mut records = Records { bytes: &self.stream, at: sheet.start };
        let mut formula = None;
        // The worksheet's own head.
        records.next().filter(|(kind, _)| *kind == 0x0809)?;
        let mut depth = 0;
        while let Some((kind, data)) = records.next() {
            let place = || Some((u32::from(u16_at(data, 0)?), u32::from(u16_at(data, 2)?)));
            let value = match kind {
                // Charts inside a worksheet are streams of their own.
                0x0809 => {
                    depth += 1;
                    continue;
                }
                0x000a if depth > 0 => {
                    depth -= 1;
                    continue;
                }
                0x000a => return Some(grid),
                _ if depth > 0 => continue,
                0x0203 => Some((place()?, Cell::Number(f64_at(data, 6)?))),
                0x027e => Some((place()?, Cell::Number(packed(u32_at(data, 6)?)))),
                0x00fd => {
                    let text = self.strings.get(u32_at(data, 6)? as usize)?;
                    Some((place()?, Cell::Text(text.clone())))
                }
                0x0204 | 0x00d6 => Some((place()?, Cell::Text(short_text(data, 6, self.narrow)?))),
                0x0205 => Some((place()?, flag(*data.get(6)?, *data.get(7)? == 1))),
                0x0006 => {
                    let at = place()?;
                    let value = data.get(6..14)?;
                    if value[6..] == [0xff, 0xff] {
                        match value[0] {
                            0 => {
                                formula = Some(at);
                                None
                            }
                            1 => Some((at, flag(value[2], false))),
                            2 => Some((at, flag(value[2], true))),
                            _ => None,
                        }
                    } else {
                        Some((at, Cell::Number(f64_at(value, 0)?)))
                    }
                }
                0x0207 => formula.take().and_then(|at| Some((at, Cell::Text(short_text(data, 0, self.narrow)?)))),
                0x00bd => {
                    let (row, first) = place()?;
                    // Two bytes of form and four of number for every cell, then the last column.
                    for (column, cell) in (first..).zip(data.get(4..data.len().checked_sub(2)?)?.chunks_exact(6)) {
                        grid.cells.insert((row, column), Cell::Number(packed(u32_at(cell, 2)?)));
                    }
                    None
                }
                _ => None,
            };
            if let Some((at, cell)) = value {
                let empty = matches!(&cell, Cell::Text(text) if text.is_empty());
                if !empty {
                    grid.cells.insert(at, cell);
                }
            }
            if grid.cells.len() > LIMIT {
                return None;
            }
        }
        // A stream that ends without a mark still has its cells.
        Some(grid)
    }
}

/// Truth values and errors of formulas.
fn flag(value: u8, error: bool) -> Cell {
    if !error {
        return Cell::Number(f64::from(u8::from(value != 0)));
    }
    let name = match value {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        _ => "#N/A",
    };
    Cell::Text(name.into())
}

/// A number in thirty bits: whole or the upper part of a double, perhaps in hundredths.
fn packed(bits: u32) -> f64 {
    let value =
        if bits & 2 == 2 { f64::from((bits as i32) >> 2) } else { f64::from_bits(u64::from(bits & 0xffff_fffc) << 32) };
    if bits & 1 == 1 { value / 100.0 } else { value }
}

fn characters(bytes: &[u8], count: usize, wide: bool) -> String {
    if wide {
        let units: Vec<u16> = bytes.chunks_exact(2).take(count).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    bytes.iter().take(count).map(|byte| char::from(*byte)).collect()
}

/// Count of two bytes, the width unless all are narrow, characters.
fn short_text(data: &[u8], at: usize, narrow: bool) -> Option<String> {
    let count = usize::from(u16_at(data, at)?);
    if narrow {
        return Some(characters(data.get(at + 2..)?, count, false));
    }
    Some(characters(data.get(at + 3..)?, count, *data.get(at + 2)? & 1 == 1))
}

/// The shared strings, which run on over records; one that is cut inside its characters says its width anew.
fn shared_strings(parts: &[&[u8]]) -> Vec<String> {
    let mut strings = Vec::new();
    let mut reader = Parts { parts, part: 0, at: 8 };
    let count = parts.first().and_then(|part| u32_at(part, 4)).unwrap_or(0) as usize;
    while strings.len() < count.min(LIMIT) {
        let Some(text) = shared_string(&mut reader) else { break };
        strings.push(text);
    }
    strings
}

fn shared_string(reader: &mut Parts<'_>) -> Option<String> {
    let low = reader.byte()?;
    let count = usize::from(u16::from_le_bytes([low, reader.byte()?]));
    let flags = reader.byte()?;
    let mut number = |bytes: u32| -> Option<usize> {
        (0..bytes).try_fold(0, |number, at| Some(number | usize::from(reader.byte()?) << (8 * at)))
    };
    let runs = if flags & 8 == 8 { number(2)? } else { 0 };
    let phonetic = if flags & 4 == 4 { number(4)? } else { 0 };
    let mut wide = flags & 1 == 1;
    let mut units = Vec::new();
    while units.len() < count {
        if reader.at_border() {
            wide = reader.byte()? & 1 == 1;
        }
        let low = reader.byte()?;
        let high = if wide { reader.byte()? } else { 0 };
        units.push(u16::from_le_bytes([low, high]));
    }
    reader.skip(runs.checked_mul(4)?.checked_add(phonetic)?);
    Some(String::from_utf16_lossy(&units))
}

/// Bytes that run on over several records.
struct Parts<'a> {
    parts: &'a [&'a [u8]],
    part: usize,
    at: usize,
}

impl Parts<'_> {
    /// Whether the record is at its end and another follows.
    fn at_border(&self) -> bool {
        self.parts.get(self.part).is_some_and(|part| self.at >= part.len()) && self.part + 1 < self.parts.len()
    }

    fn byte(&mut self) -> Option<u8> {
        while self.at >= self.parts.get(self.part)?.len() {
            self.part += 1;
            self.at = 0;
        }
        let byte = self.parts[self.part].get(self.at).copied();
        self.at += 1;
        byte
    }

    fn skip(&mut self, mut count: usize) {
        while let Some(part) = self.parts.get(self.part) {
            let left = part.len().saturating_sub(self.at);
            if count <= left {
                self.at += count;
                return;
            }
            count -= left;
            self.part += 1;
            self.at = 0;
        }
    }
}

/// Records: kind, length, data.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn peek(&self) -> Option<(u16, &'a [u8])> {
        let (kind, length) = (u16_at(self.bytes, self.at)?, usize::from(u16_at(self.bytes, self.at.checked_add(2)?)?));
        let start = self.at.checked_add(4)?;
        Some((kind, self.bytes.get(start..start.checked_add(length)?)?))
    }

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (kind, data) = self.peek()?;
        self.at += 4 + data.len();
        Some((kind, data))
    }

    /// The next record when it is of a kind.
    fn follow(&mut self, kind: u16) -> Option<&'a [u8]> {
        self.peek().filter(|(next, _)| *next == kind)?;
        self.next().map(|(_, data)| data)
    }
}

/// End of a chain of sectors.
const LAST_SECTOR: u32 = 0xffff_fff9;

/// The stream `Workbook` of a compound file.
fn workbook_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let shift = u32::from(u16_at(bytes, 30)?);
    if !(7..=16).contains(&shift) {
        return None;
    }
    let size = 1_usize << shift;
    let sector = |number: u32| -> Option<&[u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(size)?;
        // The last sector of a file may be cut short.
        bytes.get(start..bytes.len().min(start.checked_add(size)?)).filter(|sector| !sector.is_empty())
    };
    let most = bytes.len() / size + 1;
    // The table of sectors: 109 parts named in the head, the rest in a chain.
    let mut table_parts: Vec<u32> = (0..109).map_while(|at| u32_at(bytes, 76 + at * 4)).collect();
    let mut next = u32_at(bytes, 68)?;
    while next < LAST_SECTOR && table_parts.len() < most.saturating_add(109) {
        let part = sector(next)?;
        let numbers = part.len() / 4;
        table_parts.extend((0..numbers.saturating_sub(1)).map_while(|at| u32_at(part, at * 4)));
        next = u32_at(part, numbers.checked_sub(1)? * 4)?;
    }
    let mut table: Vec<u32> = Vec::new();
    for part in table_parts.iter().filter(|part| **part < LAST_SECTOR) {
        let part = sector(*part)?;
        table.extend((0..part.len() / 4).map_while(|at| u32_at(part, at * 4)));
        if table.len() > most.saturating_add(size) {
            break;
        }
    }
    let chain = |first: u32| -> Vec<u8> {
        let mut found = Vec::new();
        let mut next = first;
        for _ in 0..most {
            let Some(part) = sector(next).filter(|_| next < LAST_SECTOR) else { break };
            found.extend_from_slice(part);
            let Some(after) = table.get(next as usize) else { break };
            next = *after;
        }
        found
    };
    let folder = chain(u32_at(bytes, 48)?);
    let (mut root, mut book) = (None, None);
    for entry in folder.chunks_exact(128) {
        let count = usize::from(u16_at(entry, 64)?).saturating_sub(2) / 2;
        let name = characters(entry, count.min(32), true);
        let place = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
        match entry[66] {
            5 => root = Some(place),
            2 if name.eq_ignore_ascii_case("Workbook") => book = Some(place),
            // Excel 5 and 95; a file with both has the newer one, too.
            2 if name.eq_ignore_ascii_case("Book") && book.is_none() => book = Some(place),
            _ => {}
        }
    }
    let (start, length) = book?;
    let mut stream = if length >= u32_at(bytes, 56)? as usize {
        chain(start)
    } else {
        // Short streams lie in small sectors of the root's stream.
        let small = 1_usize << u32::from(u16_at(bytes, 32)?).min(16);
        let store = chain(root?.0);
        let table = chain(u32_at(bytes, 60)?);
        let mut found = Vec::new();
        let mut next = start;
        for _ in 0..=store.len() / small {
            let Some(from) = (next as usize).checked_mul(small).filter(|_| next < LAST_SECTOR) else { break };
            let Some(part) = store.get(from..store.len().min(from.saturating_add(small))) else { break };
            found.extend_from_slice(part);
            let Some(after) = u32_at(&table, next as usize * 4) else { break };
            next = after;
        }
        found
    };
    stream.truncate(length);
    Some(stream)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_thirty_bits() {
        assert_eq!(packed(0x3ff0_0000), 1.0);
        assert_eq!(packed((12 << 2) | 2), 12.0);
        assert_eq!(packed(((-5_i32) << 2) as u32 | 2), -5.0);
        assert_eq!(packed((1234 << 2) | 3), 12.34);
        assert_eq!(packed(0x4059_0001), 1.0);
    }

    /// A string of the shared table cut inside its characters: the second part says its width anew.
    #[test]
    fn shared_strings_run_on_over_records() {
        let first = [&[2, 0, 0, 0, 2, 0, 0, 0][..], &[2, 0, 0, b'a', b'b'], &[4, 0, 0, b'x', b'y']].concat();
        let second = [1, b'z', 0, 0xe9, 0];
        assert_eq!(shared_strings(&[&first, &second]), ["ab", "xyz\u{e9}"]);
        // A count that is not kept is no reason to wait.
        assert_eq!(shared_strings(&[&[0xff; 8]]), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), shift in 6..12_u8) {
            let mut file = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
            file.extend(bytes);
            if let Some(place) = file.get_mut(30..32) {
                place.copy_from_slice(&[shift, 0]);
            }
            if let Ok(book) = open(&file) {
                for sheet in &book.sheets {
                    let _ = book.grid(sheet);
                }
            }
        }
    }
}
