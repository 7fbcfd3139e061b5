//! The journal of a batch: one line of JSON for every finished channel, written at once, so that a run that is stopped
//! loses nothing that it finished.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// An open journal.
pub struct Journal {
    path: PathBuf,
    file: File,
}

/// Where the journal of a file of results lies: beside it.
pub fn path_of(results: &Path) -> PathBuf {
    let mut name = results.file_name().unwrap_or_default().to_os_string();
    name.push(".journal");
    results.with_file_name(name)
}

impl Journal {
    /// Opens the journal of a file of results. With `resume`, what it holds is kept and returned by key; a last line that
    /// was cut off is dropped. Else it begins anew.
    pub fn open(results: &Path, resume: bool) -> Result<(Self, BTreeMap<String, Value>), String> {
        let path = path_of(results);
        let reason = |why: std::io::Error| format!("error: cannot write the journal {}: {why}\n", path.display());
        let mut known = BTreeMap::new();
        let mut kept = String::new();
        if resume && path.exists() {
            let text = std::fs::read_to_string(&path).map_err(reason)?;
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
                let Some(key) = entry.get("key").and_then(Value::as_str) else { continue };
                known.insert(key.to_string(), entry.clone());
                kept.push_str(line);
            }
        }
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path).map_err(reason)?;
        file.write_all(kept.as_bytes()).map_err(reason)?;
        Ok((Self { path, file }, known))
    }

    /// Adds a finished channel. The line goes to the system in one piece before this returns.
    pub fn add(&mut self, key: &str, rows: &[Value]) -> Result<Value, String> {
        let entry = json!({ "key": key, "rows": rows });
        let line = format!("{entry}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|why| format!("error: cannot write the journal {}: {why}\n", self.path.display()))?;
        Ok(entry)
    }
}
