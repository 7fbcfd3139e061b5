//! Committed schemas are those of the types. To renew them:
//! `for f in system catalogue traffic pipeline review; do cargo run -p lanewright -- schema $f > schema/$f.schema.json; done`

use crate::command::Folder;
use serde_json::Value;

fn committed(name: &str) -> String {
    let path = format!("{}/../../schema/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn schemas_are_not_stale() {
    let folder = Folder::new();
    for name in ["system", "catalogue", "traffic", "pipeline", "review"] {
        let printed = folder.run(&["schema", name]).out;
        assert!(printed == committed(name), "schema/{name}.schema.json is stale: run `lanewright schema {name}`");
    }
}

/// Every key of a review is in its schema, and every key that the schema requires is in the review.
#[test]
fn a_review_follows_its_schema() {
    let schema: Value = serde_json::from_str(&committed("review")).expect("JSON");
    let review = Folder::new().run(&["review", "gb200-nvl72", "--json"]).out;
    let review: Value = serde_json::from_str(&review).expect("JSON");
    follow(&review, &schema, &schema, "review");
}

fn follow(value: &Value, schema: &Value, root: &Value, path: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return follow(value, &root["$defs"][name], root, path);
    }
    match value {
        Value::Object(object) => {
            if let Some(properties) = schema["properties"].as_object() {
                for (key, inner) in object {
                    let known = properties.get(key).unwrap_or_else(|| panic!("{path}.{key} is not in the schema"));
                    follow(inner, known, root, &format!("{path}.{key}"));
                }
                for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    assert!(object.contains_key(key), "{path} has no {key}");
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                follow(item, &schema["items"], root, &format!("{path}[]"));
            }
        }
        _ => {}
    }
}
