//! A TOML text as a tree of values with places.

use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems};
use crate::text::{FileId, Span, Texts};

/// Largest text that is read, in bytes. A description of 131,072 accelerators is under 10 kB; a text above
/// this limit is a mistake (a dump, a binary), and spans are 32 bits wide.
pub const TEXT_LIMIT_BYTES: usize = 64 << 20;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// A TOML value; integers keep their 64 bits.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    String(String),
    /// An integer.
    Integer(i64),
    /// A float, maybe not finite.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date or time, as written.
    Datetime(String),
    /// An array.
    Array(Vec<Node>),
    /// A table, in the order written.
    Table(Vec<Entry>),
}

/// One key of a table with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Node {
    /// What kind of value this is, with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Boolean(_) => "a boolean",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }

    /// The value under a key, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.node),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The root table.
    pub root: Node,
}

impl Document {
    /// Parses a text that is in `texts`. Every syntax error becomes a problem; what could be read is returned.
    pub fn parse(file: FileId, texts: &Texts, problems: &mut Problems) -> Self {
        let text = &texts.get(file).contents;
        let whole = Span { file, start: 0, end: 0 };
        if text.len() > TEXT_LIMIT_BYTES {
            problems.push(
                Problem::whole(
                    "file-too-large",
                    format!(
                        "{} is {} MB; a description may have at most {} MB",
                        texts.get(file).name,
                        text.len() >> 20,
                        TEXT_LIMIT_BYTES >> 20
                    ),
                )
                .help("use sets of devices (`count = N`) and patterns instead of listing each device"),
            );
            return Self { root: Node { value: Value::Table(Vec::new()), span: whole } };
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors.iter().take(20) {
            let range = error.span().unwrap_or(0..0);
            let span = Span { file, start: range.start as u32, end: range.end.max(range.start) as u32 };
            problems.push(
                Problem::error("syntax", format!("not TOML: {}", error.message()), span, "here")
                    .help("strings need quotes, arrays `[...]`, repeated tables `[[device]]`; see https://toml.io"),
            );
        }
        let span = Span { file, start: table.span().start as u32, end: table.span().end as u32 };
        Self { root: Node { value: table_value(file, table.get_ref(), problems), span } }
    }
}

fn table_value(file: FileId, table: &DeTable<'_>, problems: &mut Problems) -> Value {
    Value::Table(
        table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: Span { file, start: key.span().start as u32, end: key.span().end as u32 },
                node: node(file, value, problems),
            })
            .collect(),
    )
}

fn node(file: FileId, spanned: &toml::Spanned<DeValue<'_>>, problems: &mut Problems) -> Node {
    let span = Span { file, start: spanned.span().start as u32, end: spanned.span().end as u32 };
    let value = match spanned.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(time) => Value::Datetime(time.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                problems.push(Problem::error(
                    "number-range",
                    "this integer does not fit in 64 bits",
                    span,
                    "too large",
                ));
                Value::Integer(0)
            }
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| node(file, item, problems)).collect()),
        DeValue::Table(table) => table_value(file, table, problems),
    };
    Node { value, span }
}
