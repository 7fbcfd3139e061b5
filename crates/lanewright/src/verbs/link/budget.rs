//! `lanewright link budget`: what a path loses, whether it closes, and what would make it close.

use std::fmt::Write as _;

use clap::Args;
use lanewright_link::reach::budget::{self, LossSheet, Question, Retimed};
use lanewright_link::reach::retimer::NoPlacement;
use lanewright_link::reach::segments::{self, Segment};
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::protocol::LaneTechnology;
use lanewright_model::figure::Band;
use lanewright_model::problem::{Problems, nearest};
use lanewright_model::text::Texts;
use serde_json::json;

use super::super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::terminal::table;
use crate::{disk, problems};

/// Options of `link budget`.
#[derive(Args, Debug)]
#[command(after_help = "A path is written as segments between commas, transmitter first:
  trace megtron-7 250mm [width 4mil] [at 85C] [rough 1.2]     a board trace
  twinax 28awg 2m        cable stock          connector osfp  a mated plug
  via [stub 1mm]         a via                2 x via         two of them
  host 6.8dB             package and board of a host, at Nyquist; assumed where the path has none
  loss 3dB               any other loss at Nyquist

Examples:
  lanewright link budget --segments 'trace megtron-7 250mm, connector, twinax 28awg 2m, connector' --rate 100g
  lanewright link budget --segments 'trace megtron-6 400mm, connector cem, trace megtron-6 250mm' --rate pcie6 --retimers auto
  lanewright link budget --segments 'trace megtron-7 300mm' --rate 100g --to-rate 50g
  lanewright link budget --segments 'trace megtron-7 500mm' --rate 100g --retimers credo/retimer-112g-x8 --json

Exit code 0 when the path closes (with the retimers asked for), 1 when it does not, 2 when it cannot be read.")]
pub struct BudgetArgs {
    /// The path in words, transmitter first
    #[arg(long, value_name = "PATH")]
    pub segments: String,
    /// Lane rate: 25g, 50g, 100g, 200g, pcie3 to pcie7, or a lane technology of the catalogue (ethernet/100g-lane)
    #[arg(long, value_name = "RATE", default_value = "100g")]
    pub rate: String,
    /// Lane rate at the far end, where it is another one: a gearbox is placed
    #[arg(long, value_name = "RATE")]
    pub to_rate: Option<String>,
    /// Lanes side by side, which share chips
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub lanes: u32,
    /// Retimers: `none`, `auto` (every one that fits, fewest first), or the id of one
    #[arg(long, value_name = "WHICH", default_value = "none")]
    pub retimers: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Short names of lane rates.
const RATES: &[(&str, &str)] = &[
    ("25g", "ethernet/25g-lane"),
    ("50g", "ethernet/50g-lane"),
    ("100g", "ethernet/100g-lane"),
    ("200g", "ethernet/200g-lane"),
    ("pcie3", "pcie/3.0-lane"),
    ("pcie4", "pcie/4.0-lane"),
    ("pcie5", "pcie/5.0-lane"),
    ("pcie6", "pcie/6.0-lane"),
    ("pcie7", "pcie/7.0-lane"),
];

/// Runs `link budget`.
pub fn run(args: &BudgetArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    match answer(args, &catalogue) {
        Ok(outcome) => outcome,
        Err(message) => Outcome::bad_input(message),
    }
}

fn answer(args: &BudgetArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    let technology = rate(catalogue, &args.rate, "--rate")?;
    let far = match &args.to_rate {
        Some(rate_name) => rate(catalogue, rate_name, "--to-rate")?,
        None => technology,
    };
    let segments = segments::parse(&args.segments, catalogue, technology.nyquist().0).map_err(|problem| {
        let caret = " ".repeat(problem.column.saturating_sub(1)) + "^";
        format!(
            "--segments:{}: {}\n  {}\n  {caret}\n{}\n",
            problem.column, problem.message, args.segments, problem.help
        )
    })?;
    let question = Question { catalogue, segments: &segments, technology, far, lanes: args.lanes };
    let sheet = budget::sheet(&question);
    let gearbox = technology.lane_gbps != far.lane_gbps;
    let retimed = match args.retimers.as_str() {
        "none" if !gearbox => None,
        "none" | "auto" => Some(budget::retimed(&question, None)),
        id => {
            chip(catalogue, id)?;
            Some(budget::retimed(&question, Some(id)))
        }
    };
    let closes = match &retimed {
        None => sheet.closes,
        Some(found) => (sheet.closes && !gearbox) || found.is_ok(),
    };
    let out = if args.json { json_of(&sheet, &retimed, closes) } else { draw(&sheet, &segments, &retimed, gearbox) };
    Ok(Outcome { out, err: String::new(), exit: if closes { Exit::Clean } else { Exit::Broken } })
}

fn rate<'a>(catalogue: &'a Catalogue, name: &str, option: &str) -> Result<&'a LaneTechnology, String> {
    let id = RATES.iter().find(|(short, _)| *short == name.to_lowercase()).map_or(name, |(_, id)| *id);
    catalogue.technologies.iter().find(|technology| technology.id.value == id).ok_or_else(|| {
        let known = RATES.iter().map(|(short, _)| *short);
        let near = nearest(name, known.clone().chain(catalogue.technologies.iter().map(|t| t.id.value.as_str())));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of: {}, or a lane technology", known.collect::<Vec<_>>().join(", ")),
        };
        format!("{option}: no lane rate is called `{name}`; {help}\n")
    })
}

fn chip(catalogue: &Catalogue, id: &str) -> Result<(), String> {
    let known = || catalogue.parts.iter().filter(|part| part.retimer.is_some()).map(|part| part.id.value.as_str());
    if known().any(|part| part == id) {
        return Ok(());
    }
    let help = match nearest(id, known().chain(["auto", "none"])) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "see `lanewright parts list --kind retimer`".into(),
    };
    Err(format!("--retimers: the catalogue has no retimer or gearbox `{id}`; {help}\n"))
}

type Retimers = Option<Result<Vec<Retimed>, Option<NoPlacement>>>;

fn json_of(sheet: &LossSheet, retimed: &Retimers, closes: bool) -> String {
    let (chips, why) = match retimed {
        None => (None, None),
        Some(Ok(found)) => (Some(json!(found)), None),
        Some(Err(why)) => (None, Some(reason(why.as_ref()))),
    };
    json_text(json!({ "closes": closes, "loss": sheet, "retimed": chips, "not_retimed": why }))
}

fn band(band: &Band<f64>, places: usize) -> String {
    if band.low == band.high {
        return format!("{:.places$}", band.likely);
    }
    format!("{:.places$} ({:.places$} to {:.places$})", band.likely, band.low, band.high)
}

fn draw(sheet: &LossSheet, segments: &[Segment], retimed: &Retimers, gearbox: bool) -> String {
    let mut rows: Vec<Vec<String>> = sheet
        .pieces
        .iter()
        .map(|piece| vec![piece.name.clone(), band(&piece.loss_db, 2), if piece.weak { "weak" } else { "" }.into()])
        .collect();
    rows.push(vec!["whole path".into(), band(&sheet.loss_db, 2), format!("{:.0} % weak", sheet.weak_share * 100.0)]);
    rows.push(vec!["budget, bump to bump".into(), band(&sheet.budget_db, 2), String::new()]);
    let reserve =
        if sheet.reserve_db > 0.0 { format!("{:.1} dB kept in hand", sheet.reserve_db) } else { String::new() };
    rows.push(vec!["margin".into(), band(&sheet.margin_db, 2), reserve]);
    let mut out = table(
        &format!("LOSS of {} at {:.3} GHz", sheet.technology, sheet.nyquist_ghz),
        &["PIECE", ">dB", "CERTAINTY"],
        rows,
    );
    let verdict = if sheet.closes { "closes" } else { "does not close" };
    let length: f64 = segments.iter().map(|segment| segment.length_m).sum();
    let whole = if gearbox { "Without a gearbox, at the first rate, the path" } else { "The path" };
    let _ = writeln!(out, "\n{whole} {verdict} by its likely loss; {length:.3} m, {:.2} ns one way.", sheet.delay_ns);
    let rows = sheet
        .classes
        .iter()
        .map(|class| {
            let chosen = sheet.class.as_deref() == Some(class.id.as_str());
            vec![
                format!(
                    "{}{}",
                    ["  ", "? ", "> "][usize::from(chosen) + usize::from(chosen && class.closes)],
                    class.id
                ),
                class.recovers_db.map_or_else(|| "-".into(), |b| band(&b, 1)),
                class.margin_db.map_or_else(|| "-".into(), |m| format!("{m:.1}")),
                class.energy_pj_per_bit.map_or_else(|| "-".into(), |b| band(&b, 2)),
                class.lane_mw.map_or_else(|| "-".into(), |b| format!("{:.0}", b.likely)),
                class.energy_grade.map_or_else(String::new, |grade| grade.to_string()),
            ]
        })
        .collect();
    out.push_str(&table(
        "SERDES CLASSES (> draws least of those that recover the likely loss; ? recovers it only at its best)",
        &["CLASS", ">RECOVERS dB", ">MARGIN dB", ">pJ/bit", ">mW A LANE", "CERTAINTY"],
        rows,
    ));
    match retimed {
        None => {}
        Some(Ok(found)) => out.push_str(&chips(found, gearbox)),
        Some(Err(why)) => {
            let _ =
                writeln!(out, "\nNo {} helps: {}.", if gearbox { "gearbox" } else { "retimer" }, reason(why.as_ref()));
        }
    }
    out
}

fn reason(why: Option<&NoPlacement>) -> String {
    match why {
        None => "the catalogue has none for this family and rate".into(),
        Some(NoPlacement::BadNumber) => "a loss or budget is no number".into(),
        Some(NoPlacement::TooMany) => "more would be needed than are tried".into(),
        Some(NoPlacement::PieceTooLossy { piece, loss_db, budget_db }) => format!(
            "segment {} alone loses {loss_db:.1} dB where a stretch between chips may lose {:.1} dB",
            piece + 1,
            budget_db.max(0.0)
        ),
    }
}

fn chips(found: &[Retimed], gearbox: bool) -> String {
    if let Some(none) = found.iter().find(|option| option.places.is_empty()) {
        return format!("\nNo retimer is needed: {:.2} dB are left.\n", none.least_margin_db);
    }
    let rows = found
        .iter()
        .map(|option| {
            let places: Vec<String> = option.places.iter().map(|p| format!("{} {}", p.kind, p.place)).collect();
            let stretches: Vec<String> =
                option.stretches_db.iter().map(|[loss, budget]| format!("{loss:.1}/{budget:.1}")).collect();
            vec![
                option.id.clone(),
                places.join("; "),
                stretches.join(" "),
                format!("{:.2}", option.least_margin_db),
                option.latency_ns.map_or_else(|| "-".into(), |b| format!("{:.0}", b.likely)),
                option.power_w.map_or_else(|| "-".into(), |b| format!("{:.1}", b.likely)),
            ]
        })
        .collect();
    table(
        if gearbox { "WITH A GEARBOX (fewest chips first)" } else { "WITH RETIMERS (fewest first)" },
        &["PART", "PLACES", "LOSS/BUDGET dB", ">LEAST MARGIN dB", ">ns", ">W"],
        rows,
    )
}
