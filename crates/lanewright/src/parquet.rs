//! Writes tables as Apache Parquet: one row group, plain values, no compression.
//!
//! Source: the Parquet format's specification (parquet.thrift 2.10, encodings) and Thrift's compact protocol. A batch's
//! results are a few hundred kilobytes, so that a library with every codec would cost more in building than it gives.

/// Values of a column; what is missing is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Yes or no.
    Flag(Vec<Option<bool>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Number of the physical type in the format.
    fn physical(&self) -> i64 {
        match self {
            Self::Flag(_) => 0,
            Self::Whole(_) => 2,
            Self::Number(_) => 5,
            Self::Text(_) => 6,
        }
    }

    fn present(&self) -> Vec<bool> {
        match self {
            Self::Text(values) => values.iter().map(Option::is_some).collect(),
            Self::Number(values) => values.iter().map(Option::is_some).collect(),
            Self::Whole(values) => values.iter().map(Option::is_some).collect(),
            Self::Flag(values) => values.iter().map(Option::is_some).collect(),
        }
    }

    /// Values that are there, in the plain encoding.
    fn plain(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Text(values) => {
                for text in values.iter().flatten() {
                    bytes.extend((text.len() as u32).to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
            Self::Number(values) => values.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes())),
            Self::Whole(values) => values.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes())),
            Self::Flag(values) => bytes = bits(&values.iter().flatten().copied().collect::<Vec<_>>()),
        }
        bytes
    }
}

/// Eight to a byte, the first lowest.
fn bits(values: &[bool]) -> Vec<u8> {
    values.chunks(8).map(|chunk| chunk.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum()).collect()
}

const MAGIC: &[u8] = b"PAR1";

/// A file of named columns of equal length.
pub fn write(columns: &[(String, Column)], made_by: &str) -> Vec<u8> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    let mut file = MAGIC.to_vec();
    let mut chunks = Vec::new();
    for (name, column) in columns {
        let offset = file.len();
        file.extend(page(column));
        chunks.push(Chunk { name, column, offset, bytes: file.len() - offset });
    }
    let footer = footer(&chunks, rows, made_by);
    file.extend(&footer);
    file.extend((footer.len() as u32).to_le_bytes());
    file.extend(MAGIC);
    file
}

struct Chunk<'a> {
    name: &'a str,
    column: &'a Column,
    offset: usize,
    bytes: usize,
}

/// A column's only page: header, which values are there, the values.
fn page(column: &Column) -> Vec<u8> {
    let present = bits(&column.present());
    let mut levels = Compact::default();
    // One run of bit-packed groups of eight.
    levels.varint(((present.len() as u64) << 1) | 1);
    levels.bytes.extend(&present);
    let mut body = (levels.bytes.len() as u32).to_le_bytes().to_vec();
    body.extend(&levels.bytes);
    body.extend(column.plain());
    let mut header = Compact::default();
    header.structure(|header| {
        header.int(1, 0);
        header.int(2, body.len() as i64);
        header.int(3, body.len() as i64);
        header.nested(5, |data| {
            data.int(1, column.len() as i64);
            // Plain values, run-length levels.
            data.int(2, 0);
            data.int(3, 3);
            data.int(4, 3);
        });
    });
    header.bytes.extend(body);
    header.bytes
}

fn footer(chunks: &[Chunk<'_>], rows: usize, made_by: &str) -> Vec<u8> {
    let mut out = Compact::default();
    out.structure(|meta| {
        meta.int(1, 1);
        meta.list(2, STRUCT, chunks.len() + 1);
        meta.structure(|root| {
            root.text(4, "schema");
            root.int(5, chunks.len() as i64);
        });
        for chunk in chunks {
            meta.structure(|element| {
                element.int(1, chunk.column.physical());
                // Optional.
                element.int(3, 1);
                element.text(4, chunk.name);
                if matches!(chunk.column, Column::Text(_)) {
                    // UTF-8.
                    element.int(6, 0);
                }
            });
        }
        meta.long(3, rows as i64);
        meta.list(4, STRUCT, 1);
        meta.structure(|group| {
            group.list(1, STRUCT, chunks.len());
            for chunk in chunks {
                group.structure(|entry| {
                    entry.long(2, chunk.offset as i64);
                    entry.nested(3, |column| {
                        column.int(1, chunk.column.physical());
                        column.list(2, INT, 2);
                        column.varint(zigzag(0));
                        column.varint(zigzag(3));
                        column.list(3, BINARY, 1);
                        column.varint(chunk.name.len() as u64);
                        column.bytes.extend(chunk.name.as_bytes());
                        // No compression.
                        column.int(4, 0);
                        column.long(5, chunk.column.len() as i64);
                        column.long(6, chunk.bytes as i64);
                        column.long(7, chunk.bytes as i64);
                        column.long(9, chunk.offset as i64);
                    });
                });
            }
            group.long(2, chunks.iter().map(|chunk| chunk.bytes as i64).sum());
            group.long(3, rows as i64);
        });
        meta.text(6, made_by);
    });
    out.bytes
}

const INT: u8 = 5;
const LONG: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Thrift's compact protocol.
#[derive(Default)]
struct Compact {
    bytes: Vec<u8>,
    /// Number of the field before, in the structure that is being written.
    before: i16,
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

impl Compact {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn field(&mut self, number: i16, kind: u8) {
        // Numbers rise by less than sixteen throughout.
        self.bytes.push(((number - self.before) as u8) << 4 | kind);
        self.before = number;
    }

    fn int(&mut self, number: i16, value: i64) {
        self.field(number, INT);
        self.varint(zigzag(value));
    }

    fn long(&mut self, number: i16, value: i64) {
        self.field(number, LONG);
        self.varint(zigzag(value));
    }

    fn text(&mut self, number: i16, text: &str) {
        self.field(number, BINARY);
        self.varint(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    fn list(&mut self, number: i16, kind: u8, count: usize) {
        self.field(number, LIST);
        if count < 15 {
            self.bytes.push((count as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            self.varint(count as u64);
        }
    }

    fn nested(&mut self, number: i16, fields: impl FnOnce(&mut Self)) {
        self.field(number, STRUCT);
        self.structure(fields);
    }

    fn structure(&mut self, fields: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.before, 0);
        fields(self);
        self.bytes.push(0);
        self.before = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a one-column file, by hand from the specification.
    #[test]
    fn a_small_file_byte_by_byte() {
        let file = write(&[("a".into(), Column::Whole(vec![Some(1), None]))], "m");
        let page = [
            0x15, 0x00, 0x15, 0x1c, 0x15, 0x1c, 0x2c, 0x15, 0x04, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00,
            0x00, // header
            0x02, 0x00, 0x00, 0x00, 0x03, 0x01, // levels: one group, the first is there
            0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        ];
        assert_eq!(&file[..4], MAGIC);
        assert_eq!(&file[4..4 + page.len()], page);
        let footer = u32::from_le_bytes([
            file[file.len() - 8],
            file[file.len() - 7],
            file[file.len() - 6],
            file[file.len() - 5],
        ]);
        assert_eq!(footer as usize + page.len() + 12, file.len());
        assert_eq!(&file[file.len() - 4..], MAGIC);
    }

    #[test]
    fn bits_are_packed_lowest_first() {
        assert_eq!(bits(&[true, false, true, false, false, false, false, false, true]), [5, 1]);
        assert_eq!(bits(&[]), Vec::<u8>::new());
        assert_eq!(zigzag(-1), 1);
        assert_eq!(zigzag(2), 4);
    }
}
