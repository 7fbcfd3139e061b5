//! The texts that a description was read from, and places in them.

use std::sync::Arc;

/// Number of a file in [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value together with the place it was read from.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Placed<T> {
    /// Joins a value to its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T: serde::Serialize> serde::Serialize for Placed<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// One text: a file's name as the user would type it, and its contents.
#[derive(Clone, Debug)]
pub struct Text {
    /// Name shown in messages.
    pub name: String,
    /// Contents.
    pub contents: Arc<str>,
    /// Where lines begin, in bytes, so that a place is found quickly in a text with many problems.
    lines: Arc<[u32]>,
}

/// All texts that a description was read from.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    files: Vec<Text>,
}

impl Texts {
    /// No texts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text and returns its number.
    pub fn add(&mut self, name: impl Into<String>, contents: impl Into<Arc<str>>) -> FileId {
        let id = FileId(self.files.len() as u32);
        let contents = contents.into();
        let breaks = contents.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        self.files.push(Text { name: name.into(), contents, lines });
        id
    }

    /// The text with this number.
    ///
    /// # Panics
    /// If the number was not given out by this collection.
    pub fn get(&self, id: FileId) -> &Text {
        &self.files[id.0 as usize]
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Line and column of a span's start, both counted from 1, columns in characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let Text { contents, lines, .. } = self.get(span.file);
        let mut end = (span.start as usize).min(contents.len());
        while !contents.is_char_boundary(end) {
            end -= 1;
        }
        let line = lines.partition_point(|start| *start as usize <= end);
        let column = contents[lines[line - 1] as usize..end].chars().count() + 1;
        (line, column)
    }

    /// "file:line:column" of a span's start.
    pub fn place(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.get(span.file).name)
    }

    /// The words that a span covers.
    pub fn snippet(&self, span: Span) -> &str {
        self.get(span.file).contents.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let mut texts = Texts::new();
        let file = texts.add("f", "aé\n\nβγx\n");
        let at = |start| texts.line_column(Span { file, start, end: start });
        // Byte 2 is inside the é, which begins at column 2; byte 9 is the x; byte 11 is past the end.
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 9, 10, 11, 99].map(at),
            [(1, 1), (1, 2), (1, 2), (1, 3), (2, 1), (3, 1), (3, 3), (3, 4), (4, 1), (4, 1)]
        );
    }
}
