//! `lanewright review`: the main job. Checks, plans and adds up a system; a summary on the terminal, tables on
//! request, JSON, and the HTML report.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lanewright_twin::review::{Review, review, review_with_lanes};

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::terminal::{lanes, summary, tables};
use crate::{disk, problems, report};

/// Options of `review`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright review gb200-nvl72                      a bundled system (`lanewright systems` lists them)
  lanewright review rack.toml -o rack.html           with the HTML report
  lanewright review rack.toml --show links,bom       with tables
  lanewright review rack.toml --show lanes           COM, eyes and error ratios of electrical lanes
  lanewright review rack.toml --loss-only            quick: lanes by loss at Nyquist alone
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
    /// Judge lanes by their loss at Nyquist alone: quicker, without COM, eyes and error ratios
    #[arg(long)]
    pub loss_only: bool,
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
    /// Electrical lanes: COM or eye, errors before and behind correction
    Lanes,
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

/// Reviews a system that is already loaded, its electrical lanes too.
fn with_lanes(loaded: &disk::Loaded, file: &str) -> Option<Review> {
    let system = loaded.system.as_ref()?;
    let version = env!("CARGO_PKG_VERSION");
    let measured = disk::channels(system, &loaded.texts);
    let mut hash = loaded.inputs_hash;
    for bytes in measured.iter().flatten() {
        hash = disk::fnv(hash, bytes);
    }
    Some(review_with_lanes(system, &loaded.texts, &loaded.problems, (file, version, hash), &measured))
}

/// Runs `review`.
pub fn run(args: &ReviewArgs, colour: bool) -> Outcome {
    let mut loaded = disk::load(&args.system, args.catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let found = if args.loss_only { of(&loaded, &args.system) } else { with_lanes(&loaded, &args.system) };
    let Some(review) = found else {
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
            out.push_str(&match table {
                Table::Lanes => lanes::draw(&review.lanes),
                other => tables::draw(other, system, &review.plan),
            });
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
