//! Files: reading what the user names, writing results whole or not at all.

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use lanewright_model::catalogue::{Catalogue, Layer};
use lanewright_model::problem::{Problem, Problems};
use lanewright_model::read::document::TEXT_LIMIT_BYTES;
use lanewright_model::system::{Files, System, load_system};
use lanewright_model::text::Texts;
use lanewright_twin::bundled;

/// Files of the disk, named relative to the file that names them.
pub struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str, from: &str) -> Result<(String, String), String> {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let full = tidy(&folder.join(path));
        let name = full.display().to_string();
        read_text(&full).map(|text| (name, text))
    }
}

/// Drops `.` and `x/..` from a path, so that equal files get equal names.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if tidy.components().next_back().is_some_and(|c| matches!(c, Component::Normal(_))) =>
            {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

/// Bundled systems may extend and include each other by name.
struct Bundle;

impl Files for Bundle {
    fn read(&mut self, path: &str, _: &str) -> Result<(String, String), String> {
        let name = path.strip_suffix(".toml").unwrap_or(path);
        bundled::systems()
            .find(|(known, _)| *known == name)
            .map(|(name, text)| (format!("{name}.toml"), text.to_string()))
            .ok_or_else(|| "no bundled system has this name".into())
    }
}

/// Reads a text file that describes something; the error is one clause for a message.
pub fn read_text(path: &Path) -> Result<String, String> {
    read_limited(path, TEXT_LIMIT_BYTES, "a description has at most {} MB (use sets of devices and patterns)")
}

/// Reads a text file of at most so many bytes; the error is one clause for a message.
pub fn read_at_most(path: &Path, limit_bytes: usize) -> Result<String, String> {
    read_limited(path, limit_bytes, "at most {} MB are read")
}

/// Reads a text of at most so many bytes (as unpacked) from a file that may be packed with gzip; the error is one clause.
pub fn read_packed(path: &Path, limit_bytes: usize) -> Result<String, String> {
    if path.extension().is_none_or(|extension| extension != "gz") {
        return read_at_most(path, limit_bytes);
    }
    let file = fs::File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        _ => error.to_string(),
    })?;
    let mut bytes = Vec::new();
    let limit = limit_bytes as u64 + 1;
    flate2::read::GzDecoder::new(file)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if bytes.len() as u64 == limit {
        return Err(format!("at most {} MB are read, unpacked", limit_bytes >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not text once unpacked".into())
}

fn read_limited(path: &Path, limit_bytes: usize, rule: &str) -> Result<String, String> {
    let reason = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        io::ErrorKind::PermissionDenied => "you may not read it".to_string(),
        _ => error.to_string(),
    };
    let metadata = fs::metadata(path).map_err(reason)?;
    if metadata.is_dir() {
        return Err("it is a folder".into());
    }
    if metadata.len() > limit_bytes as u64 {
        let rule = rule.replace("{}", &(limit_bytes >> 20).to_string());
        return Err(format!("it is {} MB; {rule}", metadata.len() >> 20));
    }
    let bytes = fs::read(path).map_err(reason)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        format!("it is not text (byte {at}, line {line} is not UTF-8)")
    })
}

/// The built-in catalogue with the user's folder over it.
pub fn catalogue(folder: Option<&Path>, texts: &mut Texts, problems: &mut Problems) -> Catalogue {
    let mut layers = vec![bundled::catalogue_layer()];
    if let Some(folder) = folder {
        layers.push(folder_layer(folder, problems));
    }
    Catalogue::load(&layers, texts, problems)
}

fn folder_layer(folder: &Path, problems: &mut Problems) -> Layer {
    let mut layer = Layer::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(
                Problem::whole("file", format!("cannot read the catalogue folder {}: {error}", folder.display()))
                    .help("give a folder with TOML files to `--catalogue`"),
            );
            return layer;
        }
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    if paths.is_empty() {
        problems.push(Problem::whole("file", format!("no .toml file in the catalogue folder {}", folder.display())));
    }
    for path in paths {
        match read_text(&path) {
            Ok(text) => layer.push((path.display().to_string(), text.into())),
            Err(why) => problems.push(Problem::whole("file", format!("cannot read {}: {why}", path.display()))),
        }
    }
    layer
}

/// A system as loaded for a verb.
pub struct Loaded {
    /// The system, when it has no errors.
    pub system: Option<System>,
    /// All texts read.
    pub texts: Texts,
    /// All problems found.
    pub problems: Problems,
    /// FNV-1a hash of every text read, 64 bits.
    pub inputs_hash: u64,
}

/// Reads a system: a file, or the name of a bundled system.
pub fn load(name: &str, folder: Option<&Path>) -> Loaded {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = Arc::new(catalogue(folder, &mut texts, &mut problems));
    let path = Path::new(name);
    let bundled = bundled::systems().find(|(known, _)| *known == name).filter(|_| !path.exists());
    let system = match bundled {
        Some((known, text)) => {
            let file = texts.add(format!("{known}.toml"), text);
            load_system(file, &mut texts, &catalogue, &mut Bundle, &mut problems)
        }
        None => match read_text(path) {
            Ok(text) => {
                let file = texts.add(tidy(path).display().to_string(), text);
                load_system(file, &mut texts, &catalogue, &mut Disk, &mut problems)
            }
            Err(why) => {
                let names: Vec<&str> = bundled::systems().map(|(name, _)| name).collect();
                problems.push(
                    Problem::whole("file", format!("cannot read {name}: {why}"))
                        .help(format!("give a system file, or a bundled system: {}", names.join(", "))),
                );
                None
            }
        },
    };
    let mut inputs_hash = 0xcbf2_9ce4_8422_2325_u64;
    for at in 0..texts.len() {
        inputs_hash = fnv(inputs_hash, texts.get(lanewright_model::text::FileId(at as u32)).contents.as_bytes());
    }
    let system = if problems.has_errors() { None } else { system };
    Loaded { system, texts, problems, inputs_hash }
}

/// FNV-1a, 64 bits, from a state on.
pub fn fnv(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Contents of a system's measured channels, in its order; names are relative to the file that gives them.
pub fn channels(system: &System, texts: &Texts) -> Vec<Result<Vec<u8>, String>> {
    let read = |channel: &lanewright_model::system::Channel| {
        let from = &texts.get(channel.touchstone.span.file).name;
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let path = tidy(&folder.join(&channel.touchstone.value));
        fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file {}", path.display()),
            _ => format!("{}: {error}", path.display()),
        })
    };
    system.channels.iter().map(read).collect()
}

/// Writes a file whole or not at all: to a temporary file beside it, then renamed.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), String> {
    let reason = |error: io::Error| format!("cannot write {}: {error}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = folder.join(format!(".{stem}.{}.part", std::process::id()));
    let written = fs::write(&temporary, contents).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // The temporary file may never have come to be.
        let _ = fs::remove_file(&temporary);
        reason(error)
    })
}
