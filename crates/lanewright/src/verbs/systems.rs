//! `lanewright systems`: the bundled systems.

use std::fmt::Write as _;

use clap::Args;
use lanewright_model::problem::{Problems, nearest};
use lanewright_model::read::{Document, Node};
use lanewright_model::text::Texts;
use lanewright_twin::bundled;

use super::{Outcome, json_text};

/// Options of `systems`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright systems
  lanewright systems gb200-nvl72 > my-rack.toml      start from a bundled system
  lanewright review gb200-nvl72")]
pub struct SystemsArgs {
    /// Print this system's file
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `systems`.
pub fn run(args: &SystemsArgs) -> Outcome {
    if let Some(name) = &args.name {
        if let Some((_, text)) = bundled::systems().find(|(known, _)| known == name) {
            return Outcome::clean(text.to_string());
        }
        let near = nearest(name, bundled::systems().map(|(known, _)| known));
        let hint = near.map_or_else(|| "`lanewright systems` lists them".into(), |n| format!("did you mean `{n}`?"));
        return Outcome::bad_input(format!("no bundled system is called `{name}`; {hint}\n"));
    }
    let rows: Vec<(&str, String)> = bundled::systems().map(|(name, text)| (name, title(name, text))).collect();
    if args.json {
        let list: Vec<_> = rows.iter().map(|(id, name)| serde_json::json!({ "id": id, "name": name })).collect();
        return Outcome::clean(json_text(list.into()));
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(4);
    let mut out = String::new();
    for (name, title) in rows {
        let _ = writeln!(out, "{name:width$}  {title}");
    }
    Outcome::clean(out)
}

/// The name that a system gives itself.
fn title(file: &str, text: &str) -> String {
    let mut texts = Texts::new();
    let id = texts.add(file, text);
    let document = Document::parse(id, &texts, &mut Problems::new());
    let name = document.root.get("system").and_then(|s| s.get("name")).and_then(Node::as_str);
    name.unwrap_or_default().to_string()
}
