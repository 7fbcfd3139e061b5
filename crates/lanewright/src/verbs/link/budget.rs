//! `lanewright link budget`: what a path loses, whether it closes, and what would make it close.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use lanewright_link::reach::budget::{self, LossSheet, Question, Retimed};
use lanewright_link::reach::retimer::NoPlacement;
use lanewright_link::reach::segments::{self, Segment};
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::protocol::LaneTechnology;
use lanewright_model::figure::Band;
use lanewright_model::problem::{Problems, nearest};
use lanewright_model::text::Texts;
use serde_json::json;

use lanewright_link::reach::verdict::{self, Verdict};
use lanewright_twin::lanes::{LaneLine, judge};

use super::super::review::bad_system;
use super::super::{CatalogueArgs, Exit, Outcome, json_text};
use super::optics;
use crate::terminal::lanes::power_of_ten;
use crate::terminal::{lanes, table};
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
  lanewright link budget gb200-nvl72 --link scale-up
  lanewright link budget --optics 400g-dr4 --length 500m --host-loss 10 --drive lpo
  lanewright link budget --optics lpo/800g-dr8 --length 100m --connectors 2 --host-loss 7
  lanewright link budget --optics coherent/400g-zr-qsfp-dd --length 90km --amplified

Exit code 0 when the path closes (with the retimers asked for), 1 when it does not, 2 when it cannot be read.")]
pub struct BudgetArgs {
    /// System file, or the name of a bundled system: the electrical lanes of its links
    #[arg(conflicts_with_all = ["segments", "optics"], required_unless_present_any = ["segments", "optics"])]
    pub system: Option<String>,
    /// Only links of this table
    #[arg(long, value_name = "NAME", requires = "system")]
    pub link: Option<String>,
    /// The path in words, transmitter first
    #[arg(long, value_name = "PATH", conflicts_with = "optics")]
    pub segments: Option<String>,
    /// Optical interface (400g-dr4, 400zr, ...) or a module of the catalogue (lpo/800g-dr8)
    #[arg(long, value_name = "NAME")]
    pub optics: Option<String>,
    /// Length of the fibre: 500m, 2km
    #[arg(long, value_name = "LENGTH", value_parser = metres, requires = "optics")]
    pub length: Option<f64>,
    /// Mated fibre connectors on the way
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=100), requires = "optics")]
    pub connectors: u32,
    /// Loss of each host from bump to module at the electrical lane's Nyquist, in dB
    #[arg(long, value_name = "DB", default_value_t = 8.0, requires = "optics")]
    pub host_loss: f64,
    /// What drives the light; a module of the catalogue brings its own
    #[arg(long, value_enum, requires = "optics")]
    pub drive: Option<DriveArg>,
    /// Booster and preamplifier at the ends of a coherent link
    #[arg(long, requires = "optics")]
    pub amplified: bool,
    /// Leave out COM, eyes and error ratios
    #[arg(long)]
    pub loss_only: bool,
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

/// What drives the light of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DriveArg {
    /// A DSP at both ends
    Dsp,
    /// A DSP in the transmit direction alone
    Lro,
    /// None: linear pluggable
    Lpo,
    /// None, in the package
    Cpo,
}

/// Reads a length in metres.
fn metres(text: &str) -> Result<f64, String> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "m" => 1.0,
        "km" => 1e3,
        "cm" => 1e-2,
        _ => return Err("write a length as 500m or 2km".into()),
    };
    number.parse::<f64>().map(|n| n * factor).map_err(|_| "write a length as 500m or 2km".into())
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

/// Lanes of a system.
fn of_system(name: &str, args: &BudgetArgs, colour: bool) -> Outcome {
    let mut loaded = disk::load(name, args.catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let Some(system) = &loaded.system else { return bad_system(&loaded, args.json, colour) };
    let plan = lanewright_plan::plan_system(system);
    let measured = disk::channels(system, &loaded.texts);
    let mut found: Vec<LaneLine> = judge(system, &plan, &measured).into_iter().map(|lane| lane.line).collect();
    if let Some(wanted) = &args.link {
        let known: Vec<&str> = system.link_sets.iter().map(|set| set.name.as_str()).collect();
        if !known.contains(&wanted.as_str()) {
            let help = nearest(wanted, known.iter().copied())
                .map_or_else(|| format!("one of: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            return Outcome::bad_input(format!("--link: no link table is called `{wanted}`; {help}\n"));
        }
        found.retain(|lane| lane.set == *wanted);
    }
    let exit = if found.iter().any(|lane| lane.status == "broken") { Exit::Broken } else { Exit::Clean };
    let out = if args.json { json_text(json!({ "lanes": found })) } else { lanes::draw(&found) };
    Outcome { out, err: String::new(), exit }
}

/// Runs `link budget`.
pub fn run(args: &BudgetArgs, colour: bool) -> Outcome {
    if let Some(system) = &args.system {
        return of_system(system, args, colour);
    }
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
    if let Some(name) = &args.optics {
        return optics::answer(name, args, catalogue);
    }
    let words = args.segments.as_deref().unwrap_or_default();
    let technology = rate(catalogue, &args.rate, "--rate")?;
    let far = match &args.to_rate {
        Some(rate_name) => rate(catalogue, rate_name, "--to-rate")?,
        None => technology,
    };
    let segments = segments::parse(words, catalogue, technology.nyquist().0).map_err(|problem| {
        let caret = " ".repeat(problem.column.saturating_sub(1)) + "^";
        format!("--segments:{}: {}\n  {}\n  {caret}\n{}\n", problem.column, problem.message, words, problem.help)
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
    let judged = (!args.loss_only && !gearbox).then(|| {
        let rate_gbps = technology.lane_gbps.0 * f64::from(args.lanes);
        verdict::of_path(&budget::whole_path(&question), [true, true], technology, rate_gbps)
    });
    let closes = match &retimed {
        None => sheet.closes,
        Some(found) => (sheet.closes && !gearbox) || found.is_ok(),
    };
    let out = if args.json {
        json_of(&sheet, judged.as_ref(), &retimed, closes)
    } else {
        draw(&sheet, &segments, judged.as_ref(), &retimed, gearbox)
    };
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

fn json_of(sheet: &LossSheet, judged: Option<&Verdict>, retimed: &Retimers, closes: bool) -> String {
    let (chips, why) = match retimed {
        None => (None, None),
        Some(Ok(found)) => (Some(json!(found)), None),
        Some(Err(why)) => (None, Some(reason(why.as_ref()))),
    };
    json_text(json!({ "closes": closes, "loss": sheet, "judged": judged, "retimed": chips, "not_retimed": why }))
}

fn band(band: &Band<f64>, places: usize) -> String {
    if band.low == band.high {
        return format!("{:.places$}", band.likely);
    }
    format!("{:.places$} ({:.places$} to {:.places$})", band.likely, band.low, band.high)
}

fn draw(
    sheet: &LossSheet,
    segments: &[Segment],
    judged: Option<&Verdict>,
    retimed: &Retimers,
    gearbox: bool,
) -> String {
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
    if let Some(judged) = judged {
        out.push_str(&in_words(judged));
    }
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

/// What the reference receiver makes of the path.
fn in_words(judged: &Verdict) -> String {
    let mut out = String::new();
    if let Some(com) = &judged.com_db {
        let _ = write!(out, "COM {} dB against {} dB", band(com, 1), verdict::COM_LIMIT_DB);
    }
    if let (Some((height, least)), Some((width, narrowest))) = (&judged.eye_height_mv, &judged.eye_width_ui) {
        let _ =
            write!(out, "Eye {} mV against {least} mV, {} UI against {narrowest} UI", band(height, 1), band(width, 2));
    }
    if let Some(ber) = &judged.bit_error_ratio {
        let _ = write!(out, "; bit errors {} ({} at worst)", power_of_ten(ber.likely), power_of_ten(ber.high));
    }
    if let Some(corrected) = &judged.corrected {
        let (lost, delay) = (&corrected.frame_loss_ratio, &corrected.latency_ns);
        let _ = write!(
            out,
            "; behind {}, {:.0} ns later, frames lost {} ({} at worst)",
            corrected.scheme,
            delay.likely,
            power_of_ten(lost.likely),
            power_of_ten(lost.high)
        );
    }
    let stands_in =
        if judged.exact || judged.com_db.is_none() { "" } else { "; stands in for a receiver that is not public" };
    let _ = writeln!(out, "{}{}{stands_in}.", if out.is_empty() { "" } else { ".\nBy " }, judged.receiver);
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
