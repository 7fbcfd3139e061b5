//! `lanewright link presets`: the built-in sheets with where their values come from.

use std::fmt::Write as _;

use clap::Args;
use lanewright_link::sheet::preset::{self, Preset};
use serde_json::json;

use super::super::{Outcome, json_text};
use super::com::bad_input;

/// Options of `link presets`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright link presets
  lanewright link presets --show 100g-kr
  lanewright link presets --show 200g-kr --json | jq '.rows[] | select(.certainty != \"published\")'")]
pub struct PresetsArgs {
    /// Print a preset's rows with unit, certainty and source
    #[arg(long, value_name = "PRESET")]
    pub show: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `link presets`.
pub fn run(args: &PresetsArgs) -> Outcome {
    match &args.show {
        None => list(args.json),
        Some(name) => match preset::find(name) {
            Ok(preset) => show(&preset, args.json),
            Err(problem) => bad_input(&format!("{problem}\n"), args.json),
        },
    }
}

fn list(json: bool) -> Outcome {
    let presets = preset::all();
    if json {
        let list: Vec<_> = presets
            .iter()
            .map(|p| json!({ "name": p.name, "title": p.title, "source": p.source, "estimates": p.estimates() }))
            .collect();
        return Outcome::clean(json_text(list.into()));
    }
    let rows = presets
        .iter()
        .map(|preset| {
            let estimates = preset.estimates();
            let weak = format!("{} of {}", estimates.recalled + estimates.guessed, estimates.rows);
            vec![preset.name.to_string(), preset.title.clone(), weak, preset.source.clone()]
        })
        .collect();
    Outcome::clean(crate::terminal::table("presets", &["name", "what", ">estimates", "source"], rows))
}

fn show(preset: &Preset, json: bool) -> Outcome {
    if json {
        return Outcome::clean(json_text(json!({
            "name": preset.name,
            "title": preset.title,
            "source": preset.source,
            "estimates": preset.estimates(),
            "rows": preset.entries,
        })));
    }
    let mut out = format!("{}: {}\n{}\n\n", preset.name, preset.title, preset.source);
    let width = |field: fn(&preset::Entry) -> &str| {
        preset.entries.iter().map(|entry| field(entry).chars().count()).max().unwrap_or(0)
    };
    let (name, value, unit) = (width(|e| &e.row), width(|e| &e.value), width(|e| &e.unit));
    for entry in &preset.entries {
        let _ = writeln!(
            out,
            "{:name$}  {:value$}  {:unit$}  {:<9}  {}",
            entry.row, entry.value, entry.unit, entry.certainty, entry.source
        );
    }
    let _ = writeln!(out, "\n{}", preset.estimates());
    Outcome::clean(out)
}
