//! `lanewright plan`: media, bill of materials, cost, latency and failures of a system; variants side by side; and
//! where one medium takes over from another.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use lanewright_model::problem::Problems;
use lanewright_model::system::Site;
use lanewright_model::text::Texts;
use lanewright_plan::{compare, crossover, plan_system};

use super::review::{Table, bad_system, expand};
use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::terminal::{compared, crossing, tables};
use crate::{disk, problems};

/// Options of `plan`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  lanewright plan gb200-nvl72                         all tables
  lanewright plan rack.toml --show media,cost
  lanewright plan compare copper.toml optics.toml     total cost of ownership, side by side
  lanewright plan crossover --lanes 100,200           which medium is cheapest, by length

Exit code 0, or 2 when a file cannot be used."
)]
pub struct PlanArgs {
    /// What else to do
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    /// System file, or the name of a bundled system
    #[arg(required = true)]
    pub system: Option<String>,
    /// Tables to print
    #[arg(long, value_delimiter = ',', value_name = "TABLE", default_value = "all")]
    pub show: Vec<Table>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// What else `plan` does.
#[derive(Subcommand, Debug)]
pub enum PlanCommand {
    /// Total cost of ownership of variants, side by side; differences are against the first
    Compare {
        /// System files, or names of bundled systems
        #[arg(required = true, num_args = 2..)]
        systems: Vec<String>,
    },
    /// The cheapest medium that closes between two hosts, by lane rate and length
    Crossover {
        /// Lane rates, Gb/s per lane and direction
        #[arg(long, value_delimiter = ',', value_name = "GBPS", value_parser = positive)]
        lanes: Vec<f64>,
        /// Lengths in metres
        #[arg(long, value_delimiter = ',', value_name = "METRES", value_parser = positive)]
        lengths: Vec<f64>,
        /// Show every medium with its cost, not only the cheapest
        #[arg(long)]
        all: bool,
    },
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("a number above zero is expected".into()),
    }
}

/// Runs `plan`.
pub fn run(args: &PlanArgs, colour: bool) -> Outcome {
    match &args.command {
        Some(PlanCommand::Compare { systems }) => run_compare(systems, args.json, &args.catalogue, colour),
        Some(PlanCommand::Crossover { lanes, lengths, all }) => {
            run_crossover(lanes, lengths, *all, args.json, &args.catalogue, colour)
        }
        None => run_plan(args, colour),
    }
}

fn run_plan(args: &PlanArgs, colour: bool) -> Outcome {
    let name = args.system.as_deref().unwrap_or_default();
    let mut loaded = disk::load(name, args.catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let Some(system) = &loaded.system else { return bad_system(&loaded, args.json, colour) };
    let plan = plan_system(system);
    if args.json {
        return Outcome::clean(json_text(serde_json::json!({
            "system": system.name,
            "bom": plan.bom,
            "power": plan.power,
            "cost": plan.cost,
            "latency": plan.latency,
            "reliability": plan.reliability,
            "domains": plan.domains,
            "findings": plan.findings,
        })));
    }
    let mut out = format!("{}  ({name})\n", system.name);
    for table in expand(&args.show) {
        out.push_str(&tables::draw(table, system, &plan));
    }
    let err = problems::draw(&loaded.problems, &loaded.texts, colour);
    Outcome { out, err, exit: Exit::Clean }
}

fn run_compare(names: &[String], json: bool, catalogue: &CatalogueArgs, colour: bool) -> Outcome {
    let mut systems = Vec::new();
    let mut errors = String::new();
    for name in names {
        let mut loaded = disk::load(name, catalogue.catalogue.as_deref());
        loaded.problems.sort();
        match loaded.system {
            Some(system) => {
                let plan = plan_system(&system);
                systems.push((system, plan));
            }
            None => errors.push_str(&bad_system(&loaded, false, colour).err),
        }
    }
    if !errors.is_empty() {
        return Outcome::bad_input(errors);
    }
    let pairs: Vec<_> = systems.iter().map(|(system, plan)| (system, plan)).collect();
    let comparison = compare(&pairs);
    Outcome::clean(if json {
        json_text(serde_json::to_value(&comparison).unwrap_or_default())
    } else {
        compared::draw(&comparison)
    })
}

fn run_crossover(
    lanes: &[f64],
    lengths: &[f64],
    all: bool,
    json: bool,
    catalogue: &CatalogueArgs,
    colour: bool,
) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    let lanes = if lanes.is_empty() { crossover::LANE_RATES } else { lanes };
    let lengths = if lengths.is_empty() { crossover::LENGTHS } else { lengths };
    let known: BTreeMap<u64, ()> = catalogue.technologies.iter().map(|t| (t.lane_gbps.0.to_bits(), ())).collect();
    if let Some(strange) = lanes.iter().find(|rate| !known.contains_key(&rate.to_bits())) {
        return Outcome::bad_input(format!(
            "no lane technology runs at {strange} Gb/s per lane; `lanewright parts protocols` lists them\n"
        ));
    }
    let rows = crossover(&catalogue, &Site::default(), lanes, lengths);
    Outcome::clean(if json {
        json_text(serde_json::to_value(&rows).unwrap_or_default())
    } else {
        crossing::draw(&rows, all)
    })
}
