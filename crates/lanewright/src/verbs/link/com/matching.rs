//! Which files are victims, and which are their aggressors: names, patterns, folders.

use std::path::{Path, PathBuf};

use lanewright_link::touchstone::is_touchstone_name;

use super::super::channels::Files;

/// Most files that one pattern may find.
const FOUND_LIMIT: usize = 1_000_000;

/// Deepest folder below one that is searched with `**` or given as a folder.
const DEPTH_LIMIT: usize = 16;

/// How aggressors are called.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    /// Far-end aggressors; empty for none.
    pub fext: Option<String>,
    /// Near-end aggressors; empty for none.
    pub next: Option<String>,
    /// Whether the usual names are looked for where no pattern is given.
    pub by_default: bool,
}

/// The victims that the arguments name: files as they are, patterns searched, folders searched for names with THRU, all in
/// order of their names.
pub fn victims(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut victims = Vec::new();
    for argument in arguments {
        let text = argument.to_string_lossy();
        // A file whose name has brackets in it is a file all the same.
        if argument.is_file() {
            victims.push(argument.clone());
        } else if argument.is_dir() {
            let found = in_folder(argument)?;
            if found.is_empty() {
                return Err(format!(
                    "error: no channel in the folder {text}\n  help: it is searched for Touchstone files with THRU in their \
                     names; give a pattern, such as '{text}/*.s4p', for others\n"
                ));
            }
            victims.extend(found);
        } else if text.contains(['*', '?']) {
            let found = search(&text)?;
            if found.is_empty() {
                return Err(format!(
                    "error: nothing is called {text}\n  help: `*` stands for any characters but `/`, `?` for one, `**` for \
                     folders\n"
                ));
            }
            victims.extend(found);
        } else {
            return Err(format!(
                "error: there is no file {text}\n  help: give the channel under test as a Touchstone file (.s4p), a pattern in \
                 quotes, or a folder\n"
            ));
        }
    }
    victims.sort();
    victims.dedup();
    Ok(victims)
}

impl Patterns {
    /// A victim with its aggressors, in order of their names.
    pub fn files_of(&self, thru: &Path) -> Result<Files, String> {
        let fext = self.aggressors(thru, self.fext.as_deref(), "FEXT")?;
        let next = self.aggressors(thru, self.next.as_deref(), "NEXT")?;
        Ok(Files { thru: thru.to_path_buf(), fext, next })
    }

    fn aggressors(&self, thru: &Path, pattern: Option<&str>, word: &str) -> Result<Vec<PathBuf>, String> {
        let Some(name) = thru.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Ok(Vec::new());
        };
        let stem = stem_of(&name);
        let pattern = match (pattern, &stem) {
            (Some(""), _) => return Ok(Vec::new()),
            (Some(pattern), _) if !pattern.contains("{stem}") => {
                return Err(format!(
                    "error: the pattern `{pattern}` does not say which victim its aggressors belong to\n  help: write \
                     `{{stem}}` where the victim's name stands, such as \"{{stem}}{word}*.s4p\"\n"
                ));
            }
            (Some(pattern), stem) => pattern.replace("{stem}", &literal(stem.unwrap_or(without_ending(&name)))),
            (None, Some(stem)) if self.by_default => format!("{}{word}*", literal(stem)),
            (None, _) => return Ok(Vec::new()),
        };
        let folder = thru.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut found = Vec::new();
        if let Some((below, last)) = pattern.rsplit_once('/') {
            let root = folder.map_or_else(|| below.to_string(), |folder| format!("{}/{below}", folder.display()));
            found.extend(search(&format!("{root}/{last}"))?);
        } else {
            let wanted: Vec<char> = pattern.to_lowercase().chars().collect();
            for path in entries(folder.unwrap_or(Path::new(".")))? {
                let entry = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let fits = matches(&wanted, &entry.to_lowercase().chars().collect::<Vec<_>>());
                if fits && is_touchstone_name(&entry) && path.is_file() {
                    // As the victim is named: without a folder where it has none.
                    found.push(folder.map_or_else(|| PathBuf::from(&entry), |folder| folder.join(&entry)));
                }
            }
        }
        found.retain(|path| path != thru);
        found.sort();
        Ok(found)
    }
}

/// A victim's name up to the word THRU, in any case; `None` without one.
fn stem_of(name: &str) -> Option<&str> {
    let at = name.to_ascii_lowercase().rfind("thru")?;
    name.get(..at)
}

fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Characters of names that would stand for others in a pattern, kept as they are: a backslash before each.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| if "*?\\".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = std::fs::read_dir(folder)
        .map_err(|why| format!("error: cannot read the folder {}: {why}\n", folder.display()))?;
    let mut paths: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    walk(folder, 0, &mut |path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if is_touchstone_name(&name) && stem_of(&name).is_some() {
            found.push(path.to_path_buf());
        }
        found.len() < FOUND_LIMIT
    })?;
    Ok(found)
}

/// Visits every file below a folder until told to stop.
fn walk(folder: &Path, depth: usize, visit: &mut impl FnMut(&Path) -> bool) -> Result<bool, String> {
    for path in entries(folder)? {
        let go_on = if path.is_dir() { depth >= DEPTH_LIMIT || walk(&path, depth + 1, visit)? } else { visit(&path) };
        if !go_on {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Files whose path fits a pattern: `*` and `?` within a name, `**` for any folders.
fn search(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let absolute = pattern.starts_with('/');
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut places = vec![if absolute { PathBuf::from("/") } else { PathBuf::new() }];
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        let mut next = Vec::new();
        for place in &places {
            if *part == "**" {
                folders(place, 0, &mut next)?;
            } else if part.contains(['*', '?']) {
                let wanted: Vec<char> = part.chars().collect();
                for path in entries(if place.as_os_str().is_empty() { Path::new(".") } else { place })? {
                    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                    let kind = if last { path.is_file() && is_touchstone_name(&name) } else { path.is_dir() };
                    if kind && matches(&wanted, &name.chars().collect::<Vec<_>>()) {
                        next.push(place.join(name));
                    }
                }
            } else {
                let path = place.join(part.replace('\\', ""));
                if (last && path.is_file()) || (!last && path.is_dir()) {
                    next.push(path);
                }
            }
            if next.len() > FOUND_LIMIT {
                return Err(format!("error: {pattern} finds more than {FOUND_LIMIT} files\n"));
            }
        }
        places = next;
    }
    places.retain(|place| place.is_file());
    Ok(places)
}

/// A folder and all below it.
fn folders(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), String> {
    found.push(folder.to_path_buf());
    if depth >= DEPTH_LIMIT {
        return Ok(());
    }
    for path in entries(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })? {
        if path.is_dir() && !path.is_symlink() {
            let name = path.file_name().map(PathBuf::from).unwrap_or_default();
            folders(&folder.join(name), depth + 1, found)?;
        }
    }
    Ok(())
}

/// Whether a name fits a pattern of `*`, `?` and, behind a backslash, characters that stand for themselves.
fn matches(pattern: &[char], name: &[char]) -> bool {
    // Where a `*` was met last, and how much of the name it holds so far: what fails behind it is tried with one more.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let (wanted, width) = match pattern.get(p) {
            Some('\\') => (pattern.get(p + 1).copied(), 2),
            other => (other.copied(), 1),
        };
        match wanted {
            Some('*') if width == 1 => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(c) if (c == '?' && width == 1) || c == name[n] => {
                p += width;
                n += 1;
            }
            _ => match star {
                Some((behind, held)) => {
                    star = Some((behind, held + 1));
                    (p, n) = (behind, held + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
    }

    #[test]
    fn patterns_fit_names() {
        for (pattern, name) in [
            ("*", ""),
            ("*.s4p", "a.s4p"),
            ("a*b*c", "aXbYbZc"),
            ("a?c", "abc"),
            ("**x", "x"),
            ("a\\*c", "a*c"),
            ("*_thru*", "x_thru1.s4p"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("a", "b"), ("a?c", "ac"), ("*.s4p", "a.s2p"), ("a\\*c", "abc"), ("", "a"), ("a*b", "abc")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        // No name makes it slow.
        assert!(!fits(&"*a".repeat(50), &"a".repeat(20).repeat(2)));
    }

    #[test]
    fn stems_end_before_the_word() {
        assert_eq!(stem_of("example2_THRU.s4p"), Some("example2_"));
        assert_eq!(stem_of("C2M_10dB_v2_thru1.s4p"), Some("C2M_10dB_v2_"));
        assert_eq!(stem_of("plain.s4p"), None);
        assert_eq!(without_ending("plain.s4p"), "plain");
    }
}
