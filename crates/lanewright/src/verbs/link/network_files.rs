//! Touchstone files and folders of them, as `check` and `convert` take them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use lanewright_link::touchstone::{self, Fault, TouchstoneFile};
use lanewright_model::text::Texts;

use crate::problems;

/// Folders are searched this deep.
const DEPTH: usize = 12;

/// Files named, and all Touchstone files in folders named, in the order of their names. The error is ready to print.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            search(path, DEPTH, &mut files)
                .map_err(|error| format!("cannot read the folder {}: {error}\n", path.display()))?;
            if files.len() == before {
                let message = "no Touchstone file (.s1p, .s2p, .s4p, ..., .ts) in the folder";
                return Err(format!("{message} {}\n", path.display()));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if depth > 0 {
                search(&path, depth - 1, files)?;
            }
        } else if touchstone::is_touchstone_name(&path.to_string_lossy()) {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a file. The error is ready to print: the file's problems with their lines.
pub fn read(path: &Path, colour: bool) -> Result<TouchstoneFile, String> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_string(),
            io::ErrorKind::PermissionDenied => "you may not read it".to_string(),
            _ => error.to_string(),
        };
        format!("cannot read {name}: {reason}\n")
    })?;
    touchstone::parse(&bytes, &name).map_err(|error| drawn(&error.faults, &name, &bytes, colour))
}

/// What is wrong with a file, with its lines.
pub fn drawn(faults: &[Fault], name: &str, bytes: &[u8], colour: bool) -> String {
    let mut texts = Texts::new();
    let list = touchstone::problems(faults, name, bytes, &mut texts);
    problems::draw(&list, &texts, colour)
}

/// Ports as people write them, from 1: `1,3`.
pub fn ports(text: &str) -> Result<Vec<usize>, String> {
    text.split(',')
        .map(|word| {
            let port = word.trim().parse::<usize>().ok().and_then(|port| port.checked_sub(1));
            port.ok_or_else(|| format!("`{word}` is no port; write ports from 1, such as 1,3"))
        })
        .collect()
}

/// Two lists of ports: `1,3:2,4`.
pub fn both_ends(text: &str) -> Result<(Vec<usize>, Vec<usize>), String> {
    let wrong = || format!("`{text}` does not name two ends; write the ports of each, such as 1,3:2,4");
    let (near, far) = text.split_once(':').ok_or_else(wrong)?;
    let (near, far) = (ports(near)?, ports(far)?);
    if near.len() == far.len() { Ok((near, far)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_count_from_one() {
        assert_eq!(ports("1, 3"), Ok(vec![0, 2]));
        assert_eq!(both_ends("1,3:2,4"), Ok((vec![0, 2], vec![1, 3])));
        for wrong in ["0", "a", "1,,2", ""] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1,3", "1:2,3", ":"] {
            assert!(both_ends(wrong).is_err(), "{wrong}");
        }
    }
}
