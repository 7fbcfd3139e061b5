//! `lanewright review`: the main job. Checks, plans and adds up a system; a summary on the terminal, tables on
//! request, JSON, and the HTML report.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lanewright_twin::review::{Review, review};

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::terminal::{summary, tables};
use crate::{disk, problems, report};

/// Options of `review`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright review gb200-nvl72                      a bundled system (`lanewright systems` lists them)
  lanewright review rack.toml -o rack.html           with the HTML report
  lanewright review rack.toml --show links,bom       with tables
  lanewright review rack.toml --json | jq .totals

Exit code 0 when all limits are kept, 1 when one is broken, 2 when the file cannot be used.")]
pub struct ReviewArgs {
    /// System file, or the name of a bundled system
    pub system: String,
    /// Write the report to this HTML file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tables to print after the summary
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    pub show: Vec<Table>,
    /// Print JSON (schema: `lanewright schema review`)
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Tables that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// Every class of links with its medium, loss and margin
    Links,
    /// Why each medium was chosen, and what fell out
    Media,
    /// Bill of materials
    Bom,
    /// Power by rack, family and domain
    Power,
    /// Purchase and running cost
    Cost,
    /// Latency of every class of path
    Latency,
    /// Failures, wear-out, spares, availability
    Reliability,
    /// All of them
    All,
}

/// Reviews a system that is already loaded.
pub fn of(loaded: &disk::Loaded, file: &str) -> Option<Review> {
    let system = loaded.system.as_ref()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(review(system, &loaded.texts, &loaded.problems, file, version, loaded.inputs_hash))
}

/// Runs `review`.
pub fn run(args: &ReviewArgs, colour: bool) -> Outcome {
    let mut loaded = disk::load(&args.system, args.catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let Some(review) = of(&loaded, &args.system) else {
        return bad_system(&loaded, args.json, colour);
    };
    let Some(system) = &loaded.system else { return bad_system(&loaded, args.json, colour) };
    let exit = if review.is_broken() { Exit::Broken } else { Exit::Clean };
    let mut err = String::new();
    if let Some(path) = &args.output {
        let page = report::html(system, &review);
        if let Err(why) = disk::write(path, page.as_bytes()) {
            return Outcome::bad_input(format!("{why}\n"));
        }
        err = format!("report written to {}\n", path.display());
    }
    let out = if args.json {
        json_text(serde_json::to_value(&review).unwrap_or_default())
    } else {
        let mut out = summary::draw(system, &review);
        for table in expand(&args.show) {
            out.push_str(&tables::draw(table, system, &review.plan));
        }
        out
    };
    Outcome { out, err, exit }
}

/// What to say of a system that cannot be used.
pub fn bad_system(loaded: &disk::Loaded, json: bool, colour: bool) -> Outcome {
    if json {
        let problems = problems::to_json(&loaded.problems, &loaded.texts);
        let out = json_text(serde_json::json!({ "ok": false, "problems": problems }));
        return Outcome { out, err: String::new(), exit: Exit::BadInput };
    }
    Outcome::bad_input(problems::draw(&loaded.problems, &loaded.texts, colour))
}

/// The tables asked for, in order, `all` spelled out.
pub fn expand(tables: &[Table]) -> Vec<Table> {
    if tables.contains(&Table::All) {
        return Table::value_variants().iter().copied().filter(|t| *t != Table::All).collect();
    }
    tables.to_vec()
}
