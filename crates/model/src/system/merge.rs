//! Joining files: `extends`, `include` and `remove`, on trees with places, before anything is typed.

use crate::problem::{Problem, Problems};
use crate::read::document::Entry;
use crate::read::{Document, Node, Value};
use crate::text::{FileId, Placed, Texts};

/// Longest chain of files that name each other.
const DEPTH_LIMIT: usize = 16;

/// Where texts of included files come from.
pub trait Files {
    /// The text of the file that `from` calls `path`, with the name to show for it. Equal files must get equal
    /// names. An error says why it cannot be read.
    fn read(&mut self, path: &str, from: &str) -> Result<(String, String), String>;
}

/// No other files: every `include` and `extends` is an error.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _: &str, _: &str) -> Result<(String, String), String> {
        Err("other files cannot be read here".into())
    }
}

/// Reads a text with everything that it extends and includes into one tree.
pub fn read_all(file: FileId, texts: &mut Texts, files: &mut dyn Files, problems: &mut Problems) -> Node {
    let mut chain = vec![texts.get(file).name.clone()];
    read_file(file, texts, files, problems, &mut chain)
}

fn read_file(
    file: FileId,
    texts: &mut Texts,
    files: &mut dyn Files,
    problems: &mut Problems,
    chain: &mut Vec<String>,
) -> Node {
    let mut root = Document::parse(file, texts, problems).root;
    let base = take_strings(&mut root, "extends", problems).into_iter().next();
    let includes = take_strings(&mut root, "include", problems);
    let removes = take_strings(&mut root, "remove", problems);
    if let Some(path) = base {
        match open(&path, texts, files, problems, chain) {
            Some(mut base) => {
                for name in &removes {
                    remove_table(&mut base, name, problems);
                }
                merge_tables(&mut base, root);
                root = base;
            }
            None => return root,
        }
    } else if let Some(first) = removes.first() {
        problems.push(
            Problem::error("remove", "`remove` without `extends`", first.span, "nothing to remove from")
                .help("delete the table itself, or name the file to start from with `extends`"),
        );
    }
    for path in includes {
        if let Some(other) = open(&path, texts, files, problems, chain) {
            append_tables(&mut root, other, problems);
        }
    }
    root
}

fn open(
    path: &Placed<String>,
    texts: &mut Texts,
    files: &mut dyn Files,
    problems: &mut Problems,
    chain: &mut Vec<String>,
) -> Option<Node> {
    let from = chain.last().cloned().unwrap_or_default();
    let (name, contents) = match files.read(path, &from) {
        Ok(read) => read,
        Err(why) => {
            problems.push(
                Problem::error("file", format!("cannot read `{}`: {why}", path.value), path.span, "named here")
                    .help("paths are relative to the file that names them"),
            );
            return None;
        }
    };
    if chain.contains(&name) || chain.len() >= DEPTH_LIMIT {
        let message = if chain.contains(&name) {
            format!("files name each other in a circle: {} -> {name}", chain.join(" -> "))
        } else {
            format!("more than {DEPTH_LIMIT} files deep")
        };
        problems.push(Problem::error("file-cycle", message, path.span, "named here").help("break the circle"));
        return None;
    }
    let file = texts.add(name.clone(), contents);
    chain.push(name);
    let node = read_file(file, texts, files, problems, chain);
    chain.pop();
    Some(node)
}

/// Takes a key that holds a string or an array of strings out of the root table.
fn take_strings(root: &mut Node, key: &str, problems: &mut Problems) -> Vec<Placed<String>> {
    let Value::Table(entries) = &mut root.value else { return Vec::new() };
    let Some(at) = entries.iter().position(|e| e.key == key) else { return Vec::new() };
    let node = entries.remove(at).node;
    let one = |node: &Node| node.as_str().map(|text| Placed::new(text.to_string(), node.span));
    let read: Option<Vec<_>> = match &node.value {
        Value::Array(items) => items.iter().map(one).collect(),
        _ => one(&node).map(|text| vec![text]),
    };
    read.unwrap_or_else(|| {
        problems.push(Problem::error(
            "wrong-type",
            format!("`{key}` names files or tables: strings"),
            node.span,
            "expected strings",
        ));
        Vec::new()
    })
}

/// Removes `kind.id` from the tables of a root.
fn remove_table(root: &mut Node, name: &Placed<String>, problems: &mut Problems) {
    let mut removed = false;
    if let (Some((kind, id)), Value::Table(entries)) = (name.split_once('.'), &mut root.value) {
        for entry in entries.iter_mut().filter(|e| e.key == kind) {
            if let Value::Array(items) = &mut entry.node.value {
                let before = items.len();
                items.retain(|item| item.get("id").and_then(Node::as_str) != Some(id));
                removed |= items.len() != before;
            }
        }
    }
    if !removed {
        problems.push(
            Problem::error(
                "remove",
                format!("there is no table `{}` to remove", name.value),
                name.span,
                "no such table",
            )
            .help("write `link.NAME`, `device.NAME`, `rack.NAME`, ..."),
        );
    }
}

/// Merges a variant into its base: arrays of tables by id, plain tables key by key, other values replaced.
fn merge_tables(base: &mut Node, variant: Node) {
    let Value::Table(changes) = variant.value else { return };
    let Value::Table(entries) = &mut base.value else { return };
    for change in changes {
        let Some(entry) = entries.iter_mut().find(|e| e.key == change.key) else {
            entries.push(change);
            continue;
        };
        match (&mut entry.node.value, change.node.value) {
            (Value::Array(items), Value::Array(new)) => merge_by_id(items, new),
            (Value::Table(keys), Value::Table(new)) => merge_keys(keys, new),
            (value, new) => {
                *value = new;
                entry.node.span = change.node.span;
            }
        }
    }
}

fn merge_by_id(items: &mut Vec<Node>, new: Vec<Node>) {
    // Only tables of the base can be changed: two new tables with one id stay two, and are reported later.
    let known = items.len();
    for node in new {
        let id = node.get("id").and_then(Node::as_str);
        let at =
            id.and_then(|id| items[..known].iter().position(|item| item.get("id").and_then(Node::as_str) == Some(id)));
        match (at, node) {
            (Some(at), Node { value: Value::Table(keys), span }) => {
                items[at].span = span;
                if let Value::Table(entries) = &mut items[at].value {
                    merge_keys(entries, keys);
                }
            }
            (_, node) => items.push(node),
        }
    }
}

fn merge_keys(entries: &mut Vec<Entry>, new: Vec<Entry>) {
    for change in new {
        match entries.iter_mut().find(|e| e.key == change.key) {
            Some(entry) => *entry = change,
            None => entries.push(change),
        }
    }
}

/// Adds the tables of an included file; the including file's plain tables win nothing: a clash is an error.
fn append_tables(root: &mut Node, other: Node, problems: &mut Problems) {
    let Value::Table(additions) = other.value else { return };
    let Value::Table(entries) = &mut root.value else { return };
    for addition in additions {
        let Some(entry) = entries.iter_mut().find(|e| e.key == addition.key) else {
            entries.push(addition);
            continue;
        };
        match (&mut entry.node.value, addition.node.value) {
            (Value::Array(items), Value::Array(new)) => items.extend(new),
            _ => problems.push(
                Problem::error(
                    "include-clash",
                    format!("`{}` is in this file and in an included one", addition.key),
                    entry.key_span,
                    "here",
                )
                .and(addition.key_span, "and here")
                .help("leave it out of the included file, or use `extends`"),
            ),
        }
    }
}
