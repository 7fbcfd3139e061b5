//! The shape of the code itself: small files that say what they are, nothing left undone, documents that keep step.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file, in lines. One idea a file fits in fewer.
const LINES_MAX: usize = 700;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "misc", "types"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file of the workspace and of the fuzzer.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("fuzz/fuzz_targets")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "only {} sources found: is this the repository?", found.len());
    found.sort();
    found
}

/// Fails with every file that `wrong` has something to say about.
fn check(wrong: impl Fn(&Path, &str) -> Option<String>) {
    let found: Vec<String> = sources()
        .iter()
        .filter_map(|path| {
            let why = wrong(path, &read(path))?;
            Some(format!("{}: {why}", path.strip_prefix(root()).unwrap_or(path).display()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_are_short() {
    check(|_, text| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("{lines} lines; split it by idea (at most {LINES_MAX})"))
    });
}

#[test]
fn files_begin_with_what_they_are() {
    check(|_, text| (!text.starts_with("//!")).then(|| "does not begin with a `//!` line".into()));
}

#[test]
fn names_say_what_is_inside() {
    check(|path, _| {
        let stem = path.file_stem()?.to_str()?;
        EMPTY_NAMES.contains(&stem).then(|| format!("`{stem}` says nothing of what is inside"))
    });
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not find itself.
    let marks = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let notes = [["FIX", "ME"].concat(), ["X", "XX"].concat()];
    check(|_, text| {
        let mark = marks.iter().chain(&notes).find(|mark| text.contains(mark.as_str()))?;
        Some(format!("contains `{mark}`"))
    });
}

#[test]
fn ci_runs_the_commands_of_the_readme() {
    let (readme, ci) = (read(&root().join("README.md")), read(&root().join(".ci/run")));
    for command in ["cargo run --release -p lanewright -- review gb200-nvl72 -o report.html", "cargo test --workspace"]
    {
        assert!(readme.contains(command), "the README does not show `{command}`");
        assert!(ci.contains(command), ".ci/run does not run `{command}`");
    }
}

#[test]
fn the_architecture_names_every_crate_and_module() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let missing: Vec<String> = sources()
        .iter()
        .filter(|path| {
            let within = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
            within("src") && !within("tests")
        })
        .filter(|path| path.strip_prefix(root()).is_ok_and(|p| p.components().all(|part| part.as_os_str() != "tests")))
        .filter_map(|path| {
            let stem = path.file_stem()?.to_str()?;
            // Front files are named by their folder.
            let name = if stem == "mod" { path.parent()?.file_name()?.to_str()? } else { stem };
            let named = matches!(name, "lib" | "main" | "tests") || text.contains(&format!("`{name}`"));
            (!named).then(|| path.strip_prefix(root()).unwrap_or(path).display().to_string())
        })
        .collect();
    assert!(missing.is_empty(), "not in ARCHITECTURE.md:\n{}", missing.join("\n"));
}
