//! A trace file: its metadata and its nodes, read and written.

use super::wire::{Field, Fields, WireError, put, put_varint};

/// Numbers of the kinds of node (`NodeType` of the schema).
pub mod kinds {
    /// Says something about the trace.
    pub const METADATA: u32 = 1;
    /// Reads memory.
    pub const MEM_LOAD: u32 = 2;
    /// Writes memory.
    pub const MEM_STORE: u32 = 3;
    /// Computes.
    pub const COMP: u32 = 4;
    /// Sends.
    pub const COMM_SEND: u32 = 5;
    /// Receives.
    pub const COMM_RECV: u32 = 6;
    /// Takes part in a collective.
    pub const COMM_COLL: u32 = 7;
    /// Highest number that the schema has (a checkpoint).
    pub const LAST: u32 = 10;
}

/// The value of an attribute as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of 1 to 10 bytes.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// A text, bytes or a list.
    Bytes(Vec<u8>),
}

/// An attribute: name, the number of the field that its value is in (3 to 32), and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// What it means; may be empty.
    pub doc: String,
    /// Field of the value; 0 without value.
    pub field: u32,
    /// The value.
    pub value: Value,
}

impl Attribute {
    /// A 64-bit number.
    pub fn int64(name: &str, value: i64) -> Self {
        Self { name: name.into(), doc: String::new(), field: 9, value: Value::Varint(value as u64) }
    }

    /// Yes or no.
    pub fn boolean(name: &str, value: bool) -> Self {
        Self { name: name.into(), doc: String::new(), field: 27, value: Value::Varint(u64::from(value)) }
    }

    /// A text.
    pub fn text(name: &str, value: &str) -> Self {
        Self { name: name.into(), doc: String::new(), field: 29, value: Value::Bytes(value.into()) }
    }

    /// The value as a whole number, of whichever type it is written.
    pub fn integer(&self) -> Option<i128> {
        let zigzag = |raw: u64| i128::from((raw >> 1) as i64 ^ -((raw & 1) as i64));
        Some(match (self.field, &self.value) {
            (7, Value::Varint(raw)) => i128::from(*raw as i32),
            (9, Value::Varint(raw)) => i128::from(*raw as i64),
            (11 | 13 | 27, Value::Varint(raw)) => i128::from(*raw),
            (15 | 17, Value::Varint(raw)) => zigzag(*raw),
            (19, Value::Fixed32(raw)) => i128::from(*raw),
            (23, Value::Fixed32(raw)) => i128::from(*raw as i32),
            (21, Value::Fixed64(raw)) => i128::from(*raw),
            (25, Value::Fixed64(raw)) => i128::from(*raw as i64),
            _ => return None,
        })
    }

    /// The value as a text.
    pub fn as_text(&self) -> Option<&str> {
        match (self.field, &self.value) {
            (29, Value::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Number within its file.
    pub id: u64,
    /// Name.
    pub name: String,
    /// One of [`kinds`].
    pub kind: u32,
    /// Nodes that it waits for because of control.
    pub ctrl_deps: Vec<u64>,
    /// Nodes that it waits for because of data.
    pub data_deps: Vec<u64>,
    /// When it started, in microseconds.
    pub start_micros: u64,
    /// How long it took, in microseconds.
    pub duration_micros: u64,
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// Fields that are kept as they are (inputs, outputs, storage): number and bytes.
    pub others: Vec<(u32, Value)>,
    /// Where it begins in its file, in bytes; not written.
    pub at: usize,
}

impl Node {
    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Version of the schema that the file states.
    pub version: String,
    /// Attributes of the file.
    pub attributes: Vec<Attribute>,
    /// Nodes.
    pub nodes: Vec<Node>,
}

fn owned(field: Field<'_>) -> Value {
    match field {
        Field::Varint(value) => Value::Varint(value),
        Field::Fixed64(value) => Value::Fixed64(value),
        Field::Fixed32(value) => Value::Fixed32(value),
        Field::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn borrowed(value: &Value) -> Field<'_> {
    match value {
        Value::Varint(value) => Field::Varint(*value),
        Value::Fixed64(value) => Field::Fixed64(*value),
        Value::Fixed32(value) => Field::Fixed32(*value),
        Value::Bytes(bytes) => Field::Bytes(bytes),
    }
}

fn text(field: Field<'_>, at: usize) -> Result<String, WireError> {
    match field {
        Field::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_string()),
            Err(error) => Err(WireError { at: at + error.valid_up_to(), what: "a text that is not UTF-8" }),
        },
        _ => Err(WireError { at, what: "a number where a text must be" }),
    }
}

fn number(field: Field<'_>, at: usize) -> Result<u64, WireError> {
    match field {
        Field::Varint(value) => Ok(value),
        _ => Err(WireError { at, what: "something else where a number must be" }),
    }
}

/// Numbers of a list, one by one or packed.
fn numbers(list: &mut Vec<u64>, field: Field<'_>, at: usize) -> Result<(), WireError> {
    match field {
        Field::Bytes(bytes) => {
            let mut packed = Fields::new(bytes, at);
            while !packed.is_empty() {
                list.push(packed.varint()?);
            }
            Ok(())
        }
        _ => {
            list.push(number(field, at)?);
            Ok(())
        }
    }
}

fn message(field: Field<'_>, at: usize) -> Result<Fields<'_>, WireError> {
    match field {
        Field::Bytes(bytes) => Ok(Fields::new(bytes, at)),
        _ => Err(WireError { at, what: "a number where a message must be" }),
    }
}

fn attribute(mut fields: Fields<'_>) -> Result<Attribute, WireError> {
    let mut attribute =
        Attribute { name: String::new(), doc: String::new(), field: 0, value: Value::Bytes(Vec::new()) };
    while let Some(field) = fields.next_field() {
        match field? {
            (1, field, at) => attribute.name = text(field, at)?,
            (2, field, at) => attribute.doc = text(field, at)?,
            (number, field, _) => (attribute.field, attribute.value) = (number, owned(field)),
        }
    }
    Ok(attribute)
}

fn node(mut fields: Fields<'_>) -> Result<Node, WireError> {
    let mut node = Node { at: fields.place(), ..Node::default() };
    while let Some(field) = fields.next_field() {
        let (which, field, at) = field?;
        match which {
            1 => node.id = number(field, at)?,
            2 => node.name = text(field, at)?,
            3 => {
                let kind = number(field, at)?;
                node.kind = u32::try_from(kind).map_err(|_| WireError { at, what: "a kind of node out of range" })?;
            }
            4 => numbers(&mut node.ctrl_deps, field, at)?,
            5 => numbers(&mut node.data_deps, field, at)?,
            6 => node.start_micros = number(field, at)?,
            7 => node.duration_micros = number(field, at)?,
            10 => node.attributes.push(attribute(message(field, at)?)?),
            other => node.others.push((other, owned(field))),
        }
    }
    Ok(node)
}

impl Trace {
    /// Reads a file.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut file = Fields::new(bytes, 0);
        let mut trace = Self::default();
        let mut first = true;
        while !file.is_empty() {
            let message = file.length_delimited()?;
            let mut fields = Fields::new(message, file.place() - message.len());
            if !first {
                trace.nodes.push(node(fields)?);
                continue;
            }
            first = false;
            while let Some(field) = fields.next_field() {
                match field? {
                    (1, field, at) => trace.version = text(field, at)?,
                    (2, field, at) => trace.attributes.push(attribute(self::message(field, at)?)?),
                    (_, _, at) => return Err(WireError { at, what: "not the metadata that a trace begins with" }),
                }
            }
        }
        if first { Err(WireError { at: 0, what: "an empty file" }) } else { Ok(trace) }
    }

    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut one = Vec::new();
        put_text(&mut one, 1, &self.version);
        put_attributes(&mut one, 2, &self.attributes);
        put_message(&mut out, &one);
        for node in &self.nodes {
            one.clear();
            put_number(&mut one, 1, node.id);
            put_text(&mut one, 2, &node.name);
            put_number(&mut one, 3, u64::from(node.kind));
            for (number, list) in [(4, &node.ctrl_deps), (5, &node.data_deps)] {
                if !list.is_empty() {
                    let mut packed = Vec::new();
                    list.iter().for_each(|id| put_varint(&mut packed, *id));
                    put(&mut one, number, Field::Bytes(&packed));
                }
            }
            put_number(&mut one, 6, node.start_micros);
            put_number(&mut one, 7, node.duration_micros);
            put_attributes(&mut one, 10, &node.attributes);
            for (number, value) in &node.others {
                put(&mut one, *number, borrowed(value));
            }
            put_message(&mut out, &one);
        }
        out
    }
}

fn put_message(out: &mut Vec<u8>, message: &[u8]) {
    put_varint(out, message.len() as u64);
    out.extend(message);
}

/// Empty texts and zeros are left out, as the schema's own writers do.
fn put_text(out: &mut Vec<u8>, number: u32, text: &str) {
    if !text.is_empty() {
        put(out, number, Field::Bytes(text.as_bytes()));
    }
}

fn put_number(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put(out, number, Field::Varint(value));
    }
}

fn put_attributes(out: &mut Vec<u8>, number: u32, attributes: &[Attribute]) {
    for attribute in attributes {
        let mut one = Vec::new();
        put_text(&mut one, 1, &attribute.name);
        put_text(&mut one, 2, &attribute.doc);
        if attribute.field != 0 {
            put(&mut one, attribute.field, borrowed(&attribute.value));
        }
        put(out, number, Field::Bytes(&one));
    }
}
