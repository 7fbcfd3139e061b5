//! Where a key stands in a JSON text, for messages: the parser of values does not keep places.

/// Line and column (from 1) of the key at this path (`a.b`), or of the deepest ancestor that is there; none for an
/// empty path or where not even the first key is there.
pub fn of_key(text: &str, path: &str) -> Option<(usize, usize)> {
    let wanted: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
    let mut found = None;
    let mut matched = 0;
    // How deep in containers we are, and at which depth the next wanted key must stand.
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && matched < wanted.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth < matched + 1 && matched > 0 {
                    // The object of the last match has ended without the next key.
                    break;
                }
            }
            b'"' => {
                let start = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let inside = text.get(start + 1..at.min(bytes.len())).unwrap_or("");
                let colon = bytes.get(at + 1..).unwrap_or(&[]).iter().find(|byte| !byte.is_ascii_whitespace());
                if depth == matched + 1 && colon == Some(&b':') && inside == wanted[matched] {
                    matched += 1;
                    found = Some(start);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.map(|offset| line_and_column(text, offset))
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// Python writes numbers that JSON does not have (`Infinity`, `-Infinity`, `NaN`), and published files contain them:
/// `null` takes their place, padded so that places stay.
pub fn without_infinities(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut inside = false;
    let mut at = 0;
    while at < out.len() {
        match out[at] {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            _ if inside => {}
            _ => {
                for word in ["-Infinity", "Infinity", "NaN"] {
                    if out[at..].starts_with(word.as_bytes()) {
                        // NaN is shorter than null: 0 does as well, no such key is read.
                        let plain = if word.len() < 4 { "0" } else { "null" };
                        let padded = format!("{plain:width$}", width = word.len());
                        out[at..at + word.len()].copy_from_slice(padded.as_bytes());
                        break;
                    }
                }
            }
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_key_in_the_right_object() {
        let text = "{\n  \"a\": {\"b\": 1},\n  \"text\": {\n    \"b\": [\"b\", {\"b\": 2}],\n    \"c\": 3\n  }\n}";
        assert_eq!(of_key(text, "text.b"), Some((4, 5)));
        assert_eq!(of_key(text, "text.c"), Some((5, 5)));
        assert_eq!(of_key(text, "b"), None);
        assert_eq!(of_key(text, "a.c"), Some((2, 3)));
        assert_eq!(of_key(text, ""), None);
    }

    #[test]
    fn numbers_that_json_lacks_become_null_outside_texts_only() {
        let text = r#"{"a": [0.0, Infinity], "b": -Infinity, "c": NaN, "d": "NaN \" Infinity"}"#;
        let plain = without_infinities(text);
        assert_eq!(plain.len(), text.len());
        let value: serde_json::Value = serde_json::from_str(&plain).expect("it is JSON now");
        assert!(value["b"].is_null());
        assert_eq!(value["d"], "NaN \" Infinity");
    }
}
