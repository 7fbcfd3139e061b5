//! Typed tables: one declaration gives the struct, its reader and its JSON Schema.
//!
//! ```text
//! record! {
//!     /// What the table is.
//!     pub struct Door {
//!         /// Name used in selectors.
//!         id: req Placed<String>,     // must be there
//!         /// Height of the door.
//!         height_m: opt Metres,       // Option<Metres>
//!         /// Windows in it.
//!         window: list Window,        // Vec<Window>, empty when absent
//!         /// Number of equal doors.
//!         count: def u32 = 1,         // with a default that the schema states
//!         lock: or_default Lock,      // with `Lock::default()`
//!     }
//! }
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::document::{Node, Value};
use crate::problem::{Problem, Problems, nearest};

/// What a reader needs at hand: where to put problems.
pub struct Reader<'a> {
    /// Every problem found so far.
    pub problems: &'a mut Problems,
}

impl Reader<'_> {
    /// Reports that a node is not of the expected kind.
    pub fn expected(&mut self, node: &Node, what: &str) {
        self.problems.push(Problem::error(
            "wrong-type",
            format!("expected {what}, found {}", node.kind()),
            node.span,
            format!("expected {what}"),
        ));
    }
}

/// A type that can be read from a node of a description.
pub trait FromNode: Sized {
    /// Reads the value; on a problem reports it and returns `None`.
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;
    /// JSON Schema of the value; records put themselves into the book and return a reference.
    fn schema(book: &mut SchemaBook) -> Json;
}

/// Definitions collected while a schema is written.
#[derive(Default)]
pub struct SchemaBook {
    definitions: BTreeMap<String, Json>,
}

impl SchemaBook {
    /// Defines a record once, and returns the reference to it.
    pub fn define(&mut self, name: &str, doc: &str, fields: impl FnOnce(&mut Self) -> Vec<FieldSchema>) -> Json {
        if !self.definitions.contains_key(name) {
            // Reserve the name first: records may contain themselves.
            self.definitions.insert(name.to_string(), Json::Null);
            let fields = fields(self);
            let mut properties = Map::new();
            let mut required = Vec::new();
            for field in fields {
                let mut schema = field.schema;
                if let Json::Object(object) = &mut schema {
                    object.insert("description".into(), json!(field.doc.trim()));
                    if let Some(default) = field.default {
                        object.insert("default".into(), default);
                    }
                }
                if field.required {
                    required.push(json!(field.name));
                }
                properties.insert(field.name.to_string(), schema);
            }
            let mut definition = json!({
                "type": "object",
                "description": doc.trim(),
                "properties": properties,
                "additionalProperties": false,
            });
            if !required.is_empty() {
                definition["required"] = Json::Array(required);
            }
            self.definitions.insert(name.to_string(), definition);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// The whole schema document of a root type.
    pub fn document<T: FromNode>(title: &str, id: &str) -> Json {
        let mut book = Self::default();
        let root = T::schema(&mut book);
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": id,
            "title": title,
            "$ref": root["$ref"],
            "$defs": book.definitions,
        })
    }
}

/// One field of a record, for its schema.
pub struct FieldSchema {
    /// Key in the table.
    pub name: &'static str,
    /// Documentation.
    pub doc: String,
    /// Schema of the value.
    pub schema: Json,
    /// Whether the key must be there.
    pub required: bool,
    /// Value when the key is absent.
    pub default: Option<Json>,
}

/// Reports every key of a table that is not in `known`.
pub fn check_keys(node: &Node, known: &[&str], table: &str, reader: &mut Reader<'_>) {
    let Value::Table(entries) = &node.value else { return };
    for entry in entries {
        if known.contains(&entry.key.as_str()) {
            continue;
        }
        let near = nearest(&entry.key, known.iter().copied());
        let problem = Problem::error(
            "unknown-key",
            format!("unknown key `{}` in {table}", entry.key),
            entry.key_span,
            near.map_or_else(|| "not known here".to_string(), |near| format!("did you mean `{near}`?")),
        );
        reader.problems.push(problem.help(format!("known keys: {}", known.join(", "))));
    }
}

/// Reports a key that must be there.
pub fn missing_key(node: &Node, key: &str, table: &str, reader: &mut Reader<'_>) {
    reader.problems.push(
        Problem::error("missing-key", format!("{table} has no `{key}`"), node.span, format!("`{key}` is needed"))
            .help(format!("add `{key} = ...`; `lanewright schema` lists every key with its meaning")),
    );
}

/// Declares records; see the module's documentation.
#[macro_export]
macro_rules! record {
    ($(
        $(#[doc = $doc:literal])*
        $(#[derive($derive:ident)])?
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident : $mode:ident $type:ty $(= $default:expr)?
            ),* $(,)?
        }
    )+) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, serde::Serialize $(, $derive)?)]
        pub struct $name {
            $(
                $(#[doc = $field_doc])*
                pub $field: $crate::record!(@type $mode $type)
            ),*
        }

        impl $crate::read::FromNode for $name {
            fn from_node(
                node: &$crate::read::Node,
                reader: &mut $crate::read::Reader<'_>,
            ) -> Option<Self> {
                const KNOWN: &[&str] = &[$(stringify!($field)),*];
                let table = $crate::read::record::table_name(stringify!($name));
                if !matches!(node.value, $crate::read::Value::Table(_)) {
                    reader.expected(node, &format!("a table ({table})"));
                    return None;
                }
                $crate::read::record::check_keys(node, KNOWN, &table, reader);
                $(
                    let $field = $crate::record!(@read $mode $type, node, stringify!($field), &table, reader $(, $default)?);
                )*
                Some(Self { $($field: $field?),* })
            }

            fn schema(book: &mut $crate::read::SchemaBook) -> serde_json::Value {
                book.define(stringify!($name), concat!($($doc, "\n"),*), |book| {
                    let _ = &book;
                    vec![$($crate::read::record::FieldSchema {
                        name: stringify!($field),
                        doc: concat!("", $($field_doc, "\n"),*).trim().replace("\n ", "\n"),
                        schema: $crate::record!(@schema $mode $type, book),
                        required: $crate::record!(@required $mode),
                        default: $crate::record!(@default $mode $($default)?),
                    }),*]
                })
            }
        }
    )+};

    (@type req $type:ty) => { $type };
    (@type opt $type:ty) => { Option<$type> };
    (@type list $type:ty) => { Vec<$type> };
    (@type def $type:ty) => { $type };
    (@type or_default $type:ty) => { $type };

    (@required req) => { true };
    (@required $other:ident) => { false };

    (@default def $default:expr) => { serde_json::to_value($default).ok() };
    (@default $mode:ident $($default:expr)?) => { None };

    (@schema list $type:ty, $book:ident) => {
        serde_json::json!({ "type": "array", "items": <$type as $crate::read::FromNode>::schema($book) })
    };
    (@schema $mode:ident $type:ty, $book:ident) => { <$type as $crate::read::FromNode>::schema($book) };

    (@read req $type:ty, $node:ident, $key:expr, $table:expr, $reader:ident) => {
        match $node.get($key) {
            Some(value) => <$type as $crate::read::FromNode>::from_node(value, $reader),
            None => {
                $crate::read::record::missing_key($node, $key, $table, $reader);
                None
            }
        }
    };
    (@read opt $type:ty, $node:ident, $key:expr, $table:expr, $reader:ident) => {
        match $node.get($key) {
            // A value that cannot be read is reported; the table goes on without it, so that more is found.
            Some(value) => Some(<$type as $crate::read::FromNode>::from_node(value, $reader)),
            None => Some(None),
        }
    };
    (@read list $type:ty, $node:ident, $key:expr, $table:expr, $reader:ident) => {
        match $node.get($key) {
            Some(value) => Some($crate::read::record::read_list(value, $reader)),
            None => Some(Vec::new()),
        }
    };
    (@read or_default $type:ty, $node:ident, $key:expr, $table:expr, $reader:ident) => {
        match $node.get($key) {
            Some(value) => Some(<$type as $crate::read::FromNode>::from_node(value, $reader).unwrap_or_default()),
            None => Some(<$type>::default()),
        }
    };
    (@read def $type:ty, $node:ident, $key:expr, $table:expr, $reader:ident, $default:expr) => {
        match $node.get($key) {
            Some(value) => Some(<$type as $crate::read::FromNode>::from_node(value, $reader).unwrap_or($default)),
            None => Some($default),
        }
    };
}

/// Reads the items of a list that can be read; the others are reported and left out.
pub fn read_list<T: FromNode>(node: &Node, reader: &mut Reader<'_>) -> Vec<T> {
    match &node.value {
        // The rest of a list whose every item is wrong is not worth reading.
        Value::Array(items) => items
            .iter()
            .map_while(|item| (!reader.problems.is_full()).then(|| T::from_node(item, reader)))
            .flatten()
            .collect(),
        _ => Vec::<T>::from_node(node, reader).unwrap_or_default(),
    }
}

/// `LinkTable` as it is named in messages: `[link]`; a whole file is `the file`.
pub fn table_name(type_name: &str) -> String {
    if type_name.ends_with("File") {
        return "the file".into();
    }
    let stem = type_name.strip_suffix("Table").unwrap_or(type_name);
    let mut words = String::new();
    for (i, c) in stem.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            words.push('-');
        }
        words.extend(c.to_lowercase());
    }
    format!("[{words}]")
}

/// Declares an enum whose values are written as words in a description.
#[macro_export]
macro_rules! words {
    ($(
        $(#[doc = $doc:literal])*
        pub enum $name:ident ($what:literal) {
            $( $(#[doc = $variant_doc:literal])* $variant:ident = $word:literal ),+ $(,)?
        }
    )+) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[doc = $variant_doc])* $variant ),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in a description.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value for a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl $crate::read::FromNode for $name {
            fn from_node(node: &$crate::read::Node, reader: &mut $crate::read::Reader<'_>) -> Option<Self> {
                $crate::read::record::read_word(node, $what, &[$($word),+], reader)
                    .and_then(|word| Self::from_word(&word))
            }

            fn schema(_: &mut $crate::read::SchemaBook) -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
        }
    )+};
}

/// Reads one of a closed list of words.
pub fn read_word(node: &Node, what: &str, known: &[&str], reader: &mut Reader<'_>) -> Option<String> {
    let Some(word) = node.as_str() else {
        reader.expected(node, &format!("{what}, one of: {}", known.join(", ")));
        return None;
    };
    if known.contains(&word) {
        return Some(word.to_string());
    }
    let near = nearest(word, known.iter().copied());
    reader.problems.push(
        Problem::error(
            "unknown-word",
            format!("unknown {what} `{word}`"),
            node.span,
            near.map_or_else(|| "not known".to_string(), |near| format!("did you mean `{near}`?")),
        )
        .help(format!("one of: {}", known.join(", "))),
    );
    None
}
