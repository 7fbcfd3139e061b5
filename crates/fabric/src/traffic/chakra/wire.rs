//! The wire form of protocol buffers: fields with a number and one of four kinds of value.

/// The value of a field, as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number of 1 to 10 bytes.
    Varint(u64),
    /// Eight bytes, lowest first.
    Fixed64(u64),
    /// Bytes behind their length: a text, a message, packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes, lowest first.
    Fixed32(u32),
}

/// What is wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError {
    /// Byte, counted from the start of the file.
    pub at: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// Takes fields off a message.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in its file.
    base: usize,
}

impl<'a> Fields<'a> {
    /// Of a message that begins at byte `base` of its file.
    pub fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Byte of the file that comes next.
    pub fn place(&self) -> usize {
        self.base + self.at
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn error(&self, what: &'static str) -> WireError {
        WireError { at: self.place(), what }
    }

    /// A number of 1 to 10 bytes.
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let Some(byte) = self.bytes.get(self.at) else { return Err(self.error("the file ends within a number")) };
            if shift == 63 && *byte > 1 {
                break;
            }
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error("a number of more than 64 bits"))
    }

    /// Bytes behind their length.
    pub fn length_delimited(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.varint()?;
        let left = self.bytes.len() - self.at;
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= left) else {
            return Err(self.error("the file ends before what is announced here"));
        };
        let bytes = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        match self.bytes.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => {
                self.at += N;
                Ok(bytes)
            }
            None => Err(self.error("the file ends within a number")),
        }
    }

    /// The next field: its number, its value, and where the value begins in the file.
    pub fn next_field(&mut self) -> Option<Result<(u32, Field<'a>, usize), WireError>> {
        (!self.is_empty()).then(|| self.field())
    }

    fn field(&mut self) -> Result<(u32, Field<'a>, usize), WireError> {
        let before = self.at;
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let Some(number) = number else {
            self.at = before;
            return Err(self.error("a field without a number: this is no protocol buffer"));
        };
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => Field::Bytes(self.length_delimited()?),
            5 => Field::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => {
                self.at = before;
                return Err(self.error("a field of a kind that traces do not have: this is no trace"));
            }
        };
        let length = if let Field::Bytes(bytes) = field { bytes.len() } else { 0 };
        Ok((number, field, self.place() - length))
    }
}

/// Puts a number of 1 to 10 bytes behind what is there.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Puts a field behind what is there.
pub fn put(out: &mut Vec<u8>, number: u32, field: Field<'_>) {
    let kind = match field {
        Field::Varint(_) => 0,
        Field::Fixed64(_) => 1,
        Field::Bytes(_) => 2,
        Field::Fixed32(_) => 5,
    };
    put_varint(out, u64::from(number) << 3 | kind);
    match field {
        Field::Varint(value) => put_varint(out, value),
        Field::Fixed64(value) => out.extend(value.to_le_bytes()),
        Field::Fixed32(value) => out.extend(value.to_le_bytes()),
        Field::Bytes(bytes) => {
            put_varint(out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
}
