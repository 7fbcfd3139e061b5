//! `lanewright check`: all problems of a system file at once, and nothing else.

use clap::Args;

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Options of `check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright check rack.toml
  lanewright check rack.toml --json | jq '.problems[].message'
  lanewright check gb200-nvl72              a bundled system, by name

Exit code 0 when the file can be used, 2 when it cannot.")]
pub struct CheckArgs {
    /// System file, or the name of a bundled system
    pub system: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Runs `check`.
pub fn run(args: &CheckArgs, colour: bool) -> Outcome {
    let mut loaded = disk::load(&args.system, args.catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let exit = if loaded.system.is_some() { Exit::Clean } else { Exit::BadInput };
    let counts = loaded.system.as_ref().map(|system| {
        serde_json::json!({
            "name": system.name,
            "racks": system.racks.len(),
            "devices": system.devices.len(),
            "ports": system.port_count,
            "links": system.links.len(),
            "domains": system.domains.len(),
        })
    });
    if args.json {
        let problems = problems::to_json(&loaded.problems, &loaded.texts);
        let out = json_text(serde_json::json!({ "ok": exit == Exit::Clean, "system": counts, "problems": problems }));
        return Outcome { out, err: String::new(), exit };
    }
    let err = problems::draw(&loaded.problems, &loaded.texts, colour);
    let out = loaded.system.map_or_else(String::new, |system| {
        format!(
            "{}: {} racks, {} devices, {} ports, {} links in {} domains; no errors\n",
            system.name,
            system.racks.len(),
            system.devices.len(),
            system.port_count,
            system.links.len(),
            system.domains.len()
        )
    });
    Outcome { out, err, exit }
}
