//! The bundled catalogue and systems, loaded from the repository as the program loads them.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::{Problem, Problems, Severity};
use lanewright_model::system::{Files, LinkSet, LinkSetId, System, load_system};
use lanewright_model::text::Texts;
use lanewright_twin::review::{Review, review};

/// Files of the repository, relative to the file that names them.
struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str, from: &str) -> Result<(String, String), String> {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(path);
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
        Ok((path.display().to_string(), text))
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The bundled catalogue, without errors, and the texts that its places refer to.
pub fn catalogue() -> (Arc<Catalogue>, Texts) {
    static CATALOGUE: OnceLock<(Arc<Catalogue>, Texts)> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| {
            let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("catalogue"))
                .expect("catalogue folder")
                .map(|entry| entry.expect("entry").path())
                .filter(|path| path.extension().is_some_and(|e| e == "toml"))
                .collect();
            paths.sort();
            let layer = paths
                .iter()
                .map(|path| (path.display().to_string(), std::fs::read_to_string(path).expect("catalogue file").into()))
                .collect();
            let (mut texts, mut problems) = (Texts::new(), Problems::new());
            let catalogue = Catalogue::load(&[layer], &mut texts, &mut problems);
            assert_sound("catalogue", &problems, &texts);
            (Arc::new(catalogue), texts)
        })
        .clone()
}

/// A bundled system, without errors.
pub fn system(name: &str) -> System {
    read(name).0
}

/// The review of a bundled system.
pub fn reviewed(name: &str) -> Review {
    let (system, texts, problems) = read(name);
    review(&system, &texts, &problems, name, "test", 0)
}

/// A system given as text, without errors.
pub fn load(name: &str, text: &str) -> System {
    load_with_texts(name, text).0
}

fn read(name: &str) -> (System, Texts, Problems) {
    let path = root().join("systems").join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    load_with_texts(&path.display().to_string(), &text)
}

fn load_with_texts(name: &str, text: &str) -> (System, Texts, Problems) {
    let ((catalogue, mut texts), mut problems) = (catalogue(), Problems::new());
    let file = texts.add(name, text);
    let system = load_system(file, &mut texts, &catalogue, &mut Disk, &mut problems);
    assert_sound(name, &problems, &texts);
    let system = system.unwrap_or_else(|| panic!("{name}: no system and no error"));
    (system, texts, problems)
}

fn assert_sound(name: &str, problems: &Problems, texts: &Texts) {
    let line = |p: &Problem| {
        let place = p.labels.first().map(|l| texts.place(l.0)).unwrap_or_default();
        format!("{place}: {}", p.message)
    };
    let errors: Vec<String> = problems.iter().filter(|p| p.severity == Severity::Error).map(line).collect();
    assert!(errors.is_empty(), "{name}:\n{}", errors.join("\n"));
}

/// Names of all bundled systems.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("systems"))
        .expect("systems folder")
        .filter_map(|entry| entry.expect("entry").file_name().to_str()?.strip_suffix(".toml").map(String::from))
        .collect();
    names.sort();
    names
}

/// Link set of a name, with its id.
pub fn set<'a>(system: &'a System, name: &str) -> (LinkSetId, &'a LinkSet) {
    let at = system.link_sets.iter().position(|s| s.name == name);
    let at = at.unwrap_or_else(|| panic!("{}: no link set `{name}`", system.name));
    (LinkSetId(at as u32), &system.link_sets[at])
}

/// Links of a link set.
pub fn links(system: &System, name: &str) -> usize {
    set(system, name).1.links.len()
}

/// Lanes of all links of a link set, each with both directions.
pub fn lanes(system: &System, name: &str) -> usize {
    let (_, set) = set(system, name);
    set.links.len() * system.catalogue.protocol(set.protocol).lanes as usize
}

/// Sum of the rates of a domain's links, in Gb/s per direction.
pub fn domain_gbps(system: &System, domain: &str) -> f64 {
    let sets = system.link_sets.iter().enumerate().filter(|(_, s)| system.domains[s.domain.index()].name == domain);
    sets.map(|(at, s)| s.links.len() as f64 * system.rate(LinkSetId(at as u32)).0).sum()
}

/// Devices of a part in the whole system.
pub fn count(system: &System, part: &str) -> usize {
    let sets: Vec<bool> = system.sets.iter().map(|s| system.catalogue.part(s.part).id.value == part).collect();
    system.devices.iter().filter(|d| sets[d.set.index()]).count()
}
