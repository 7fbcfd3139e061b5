//! Values of a configuration by any of the names that frameworks give them, with the path of what is wrong.

use serde_json::{Map, Value};

/// Largest size of one dimension that is believed (a million; the widest published model has a tenth of that). Products
/// of three such sizes fit into 64 bits.
const LARGEST: u64 = 1 << 20;

/// What is wrong with a value, before its place in the text is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Keys from the root, joined by dots; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would work.
    pub help: String,
}

/// One object of a configuration.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Key of the object in the root; empty for the root.
    prefix: &'a str,
}

impl<'a> Fields<'a> {
    /// Looks into an object that stands at `prefix`.
    pub fn new(object: &'a Map<String, Value>, prefix: &'a str) -> Self {
        Self { object, prefix }
    }

    /// The path of a key.
    pub fn path(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_string() } else { format!("{}.{key}", self.prefix) }
    }

    /// What is wrong with a key.
    pub fn fault(&self, key: &str, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { path: self.path(key), message: message.into(), help: help.into() }
    }

    /// The first of these keys that is there and not null.
    pub fn value(&self, keys: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        keys.iter().find_map(|key| self.object.get(*key).filter(|value| !value.is_null()).map(|value| (*key, value)))
    }

    /// A size: a whole number from 0 to a million. A list of equal numbers (one per layer) counts as that number.
    pub fn count(&self, keys: &[&'static str]) -> Result<Option<u32>, Fault> {
        let Some((key, value)) = self.value(keys) else { return Ok(None) };
        let value = match value {
            Value::Array(list) => match list.split_first() {
                Some((first, rest)) if rest.iter().all(|other| other == first) => first,
                _ => {
                    return Err(self.fault(
                        key,
                        "differs from layer to layer",
                        "expected one number, or a list of equal ones",
                    ));
                }
            },
            other => other,
        };
        whole(value).map(Some).ok_or_else(|| {
            self.fault(key, format!("is {}", short(value)), "expected a whole number from 0 to 1,048,576")
        })
    }

    /// A size above zero that must be there.
    pub fn need(&self, what: &str, keys: &[&'static str]) -> Result<u32, Fault> {
        match self.positive(keys)? {
            Some(count) => Ok(count),
            None => Err(Fault {
                path: self.prefix.to_string(),
                message: format!("no {what}"),
                help: format!("expected a whole number above 0 under {}", keys.join(", or ")),
            }),
        }
    }

    /// A size above zero where it is there.
    pub fn positive(&self, keys: &[&'static str]) -> Result<Option<u32>, Fault> {
        match self.count(keys)? {
            Some(0) => {
                let key = self.value(keys).map_or("", |(key, _)| key);
                Err(self.fault(key, "is 0", "expected a whole number above 0"))
            }
            other => Ok(other),
        }
    }

    /// A switch; whatever is neither true nor false counts as absent.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        self.object.get(key).and_then(Value::as_bool)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.object.get(key).and_then(Value::as_str)
    }

    /// A list.
    pub fn list(&self, key: &str) -> Option<&'a [Value]> {
        self.object.get(key).and_then(Value::as_array).map(Vec::as_slice)
    }

    /// An object within.
    pub fn object(&self, key: &str) -> Option<&'a Map<String, Value>> {
        self.object.get(key).and_then(Value::as_object)
    }
}

/// A whole number within reason, also where it is written with a decimal point.
pub fn whole(value: &Value) -> Option<u32> {
    let number = value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && (0.0..=LARGEST as f64).contains(number))
            .map(|n| n as u64)
    })?;
    (number <= LARGEST).then_some(number as u32)
}

/// A value as it fits into a message.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { format!("{}...", text.chars().take(37).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_be_written_with_a_point_or_per_layer_but_not_vary() {
        let value: Value =
            serde_json::from_str(r#"{"a": 3.0, "b": [8, 8], "c": [8, 4], "d": -1, "e": 1e300, "f": null}"#)
                .expect("it is JSON");
        let fields = Fields::new(value.as_object().expect("an object"), "text_config");
        assert_eq!(fields.count(&["x", "a"]), Ok(Some(3)));
        assert_eq!(fields.count(&["b"]), Ok(Some(8)));
        assert_eq!(fields.count(&["f"]), Ok(None));
        for key in ["c", "d", "e"] {
            let fault = fields.count(&[match key {
                "c" => "c",
                "d" => "d",
                _ => "e",
            }]);
            assert_eq!(fault.expect_err("refused").path, format!("text_config.{key}"));
        }
    }
}
