//! `lanewright parts`: the catalogue with its sources.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::figure_list::{self, PlainFigure};
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::figure::Grade;
use lanewright_model::problem::{Problems, nearest};
use lanewright_model::read::{FromNode, Node, Reader, Value};
use lanewright_model::system::check_assemblies;
use lanewright_model::text::{FileId, Span, Texts};

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Options of `parts`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright parts list --kind cable
  lanewright parts search 'aec 800g'
  lanewright parts show nvidia/qm9700
  lanewright parts protocols
  lanewright parts check --catalogue my-parts/")]
pub struct PartsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PartsCommand,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// What to do with the catalogue.
#[derive(Subcommand, Debug)]
pub enum PartsCommand {
    /// List parts
    List {
        /// Only parts of this kind: cable, module, switch, accelerator, ...
        #[arg(long)]
        kind: Option<String>,
    },
    /// Find parts whose id, name, maker, tags or note hold all the words
    Search {
        /// Words, in any order
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Show one part: every figure with its band, grade and source
    Show {
        /// Id of the part
        id: String,
    },
    /// List protocols
    Protocols,
    /// Check every catalogue file, and count figures by grade
    Check,
}

/// Runs `parts`.
pub fn run(args: &PartsArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() && !matches!(args.command, PartsCommand::Check) {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    match &args.command {
        PartsCommand::List { kind } => list(&catalogue, kind.as_deref(), args.json),
        PartsCommand::Search { words } => search(&catalogue, words, args.json),
        PartsCommand::Show { id } => show(&catalogue, id, args.json),
        PartsCommand::Protocols => protocols(&catalogue, args.json),
        PartsCommand::Check => {
            check_assemblies(&catalogue, &mut found);
            check(&catalogue, &found, &texts, args.json, colour)
        }
    }
}

fn list(catalogue: &Catalogue, kind: Option<&str>, json: bool) -> Outcome {
    let kind = match kind {
        None => None,
        Some(word) => {
            // Read as a description would be, for the same message.
            let span = Span { file: FileId(0), start: 0, end: 0 };
            let mut wrong = Problems::new();
            let node = Node { value: Value::String(word.to_string()), span };
            match Kind::from_node(&node, &mut Reader { problems: &mut wrong }) {
                Some(kind) => Some(kind),
                None => {
                    let help = wrong.iter().next().and_then(|p| p.help.clone()).unwrap_or_default();
                    return Outcome::bad_input(format!("unknown kind of part `{word}`; {help}\n"));
                }
            }
        }
    };
    let parts: Vec<&Part> = catalogue.parts.iter().filter(|p| kind.is_none_or(|k| p.kind == k)).collect();
    Outcome::clean(table(&parts, json))
}

fn search(catalogue: &Catalogue, words: &[String], json: bool) -> Outcome {
    let words: Vec<String> = words.iter().flat_map(|w| w.split_whitespace()).map(str::to_lowercase).collect();
    let parts: Vec<&Part> = catalogue
        .parts
        .iter()
        .filter(|part| {
            let text = format!(
                "{} {} {} {} {} {}",
                part.id.value,
                part.kind,
                part.name,
                part.vendor.as_deref().unwrap_or_default(),
                part.tags.join(" "),
                part.note.as_deref().unwrap_or_default()
            )
            .to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    Outcome::clean(table(&parts, json))
}

fn table(parts: &[&Part], json: bool) -> String {
    if json {
        return json_text(serde_json::to_value(parts).unwrap_or_default());
    }
    let width = parts.iter().map(|p| p.id.chars().count()).max().unwrap_or(2).max(2);
    let mut out = format!("{:width$}  {:<12}  NAME\n", "ID", "KIND");
    for part in parts {
        let _ = writeln!(out, "{:width$}  {:<12}  {}", part.id.value, part.kind, part.name);
    }
    let _ = writeln!(out, "{} parts", parts.len());
    out
}

fn show(catalogue: &Catalogue, id: &str, json: bool) -> Outcome {
    let Some(part) = catalogue.find_part(id) else {
        let near = nearest(id, catalogue.parts.iter().map(|p| p.id.as_str()));
        let hint = near.map_or_else(|| "try `lanewright parts search WORD`".into(), |n| format!("did you mean `{n}`?"));
        return Outcome::bad_input(format!("no part is called `{id}`; {hint}\n"));
    };
    let part = catalogue.part(part);
    if json {
        return Outcome::clean(json_text(serde_json::to_value(part).unwrap_or_default()));
    }
    let mut out = format!("{}\n{}, {}\n", part.name, part.id.value, part.kind);
    if let Some(note) = &part.note {
        let _ = writeln!(out, "{note}");
    }
    for group in &part.port {
        let names: Vec<&str> = group.protocols.iter().map(|p| p.value.as_str()).collect();
        let cage = group.cage.as_ref().map_or_else(String::new, |c| {
            format!(", {} {}", group.count.div_ceil(group.ports_per_cage.max(1)), c.value)
        });
        let _ = writeln!(
            out,
            "port {}: {} x {} lanes{cage}, {}; {}",
            group.id.value,
            group.count,
            group.lanes,
            group.side,
            names.join(", ")
        );
    }
    if let Some(cable) = &part.cable {
        let lengths: Vec<String> = cable.lengths_m.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "{} of {} lanes at {:?} Gb/s, {} cable, plugs {}, lengths {} m",
            cable.medium,
            cable.lanes,
            cable.lane_gbps,
            cable.shape,
            cable.plugs.join(" "),
            lengths.join(" ")
        );
    }
    out.push('\n');
    out.push_str(&figures(catalogue, &figure_list::all(part)));
    Outcome::clean(out)
}

fn figures(catalogue: &Catalogue, figures: &[(String, PlainFigure)]) -> String {
    if figures.is_empty() {
        return "no figures\n".into();
    }
    let mut out = format!(
        "{:<24} {:>12} {:>12} {:>12} {:<8} {:<17} SOURCE\n",
        "FIGURE", "LOW", "LIKELY", "HIGH", "UNIT", "GRADE"
    );
    for (name, figure) in figures {
        let titles: Vec<String> = figure
            .source
            .split('+')
            .map(|id| {
                let source = catalogue.sources.iter().find(|s| s.id.value == id.trim());
                source.map_or_else(|| id.to_string(), |s| format!("{} {}", s.id.value, s.title))
            })
            .collect();
        let note = figure.note.as_ref().map_or_else(String::new, |n| format!(" ({n})"));
        let _ = writeln!(
            out,
            "{name:<24} {:>12} {:>12} {:>12} {:<8} {:<17} {}{note}",
            short(figure.band.low),
            short(figure.band.likely),
            short(figure.band.high),
            figure.unit,
            figure.grade,
            titles.join("; ")
        );
    }
    out
}

/// A number with at most five significant digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = (4 - value.abs().log10().floor() as i32).clamp(0, 12);
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

fn protocols(catalogue: &Catalogue, json: bool) -> Outcome {
    if json {
        let list: Vec<_> = catalogue
            .protocols
            .iter()
            .map(|protocol| {
                let technology = &catalogue.technologies[protocol.technology];
                serde_json::json!({
                    "id": protocol.id,
                    "family": technology.family,
                    "lanes": protocol.lanes,
                    "rate_gbps_per_direction": protocol.rate,
                    "lane_gbps": technology.lane_gbps,
                    "nyquist_ghz": technology.nyquist(),
                    "fec": technology.fec,
                    "loss_budget_db": technology.loss_budget.band,
                })
            })
            .collect();
        return Outcome::clean(json_text(list.into()));
    }
    let mut out = format!(
        "{:<34} {:>5} {:>10} {:>9} {:>8}  {:<18} LOSS BUDGET dB\n",
        "PROTOCOL", "LANES", "Gb/s/dir", "Gb/s/lane", "NYQ GHz", "FEC"
    );
    for protocol in &catalogue.protocols {
        let technology = &catalogue.technologies[protocol.technology];
        let budget = &technology.loss_budget;
        let _ = writeln!(
            out,
            "{:<34} {:>5} {:>10} {:>9} {:>8}  {:<18} {} ({} to {}, {})",
            protocol.id,
            protocol.lanes,
            short(protocol.rate.0),
            short(technology.lane_gbps.0),
            short(technology.nyquist().0),
            technology.fec.as_deref().unwrap_or("-"),
            short(budget.band.likely.0),
            short(budget.band.low.0),
            short(budget.band.high.0),
            budget.grade
        );
    }
    Outcome::clean(out)
}

fn check(catalogue: &Catalogue, found: &Problems, texts: &Texts, json: bool, colour: bool) -> Outcome {
    let exit = if found.has_errors() { Exit::BadInput } else { Exit::Clean };
    let all: Vec<PlainFigure> =
        catalogue.parts.iter().flat_map(|part| figure_list::all(part).into_iter().map(|(_, f)| f)).collect();
    let count = |grade: Grade| all.iter().filter(|f| f.grade == grade).count();
    let weak = all.iter().filter(|f| f.grade.is_weak()).count();
    if json {
        let grades: serde_json::Map<_, _> =
            Grade::ALL.iter().map(|g| (g.word().to_string(), count(*g).into())).collect();
        let kinds: serde_json::Map<_, _> = Kind::ALL
            .iter()
            .map(|k| (k.word().to_string(), catalogue.parts.iter().filter(|p| p.kind == *k).count().into()))
            .collect();
        let out = json_text(serde_json::json!({
            "ok": exit == Exit::Clean,
            "parts": catalogue.parts.len(),
            "parts_by_kind": kinds,
            "protocols": catalogue.protocols.len(),
            "sources": catalogue.sources.len(),
            "figures": all.len(),
            "figures_by_grade": grades,
            "problems": problems::to_json(found, texts),
        }));
        return Outcome { out, err: String::new(), exit };
    }
    let mut out = format!(
        "{} parts, {} protocols, {} sources, {} figures\n",
        catalogue.parts.len(),
        catalogue.protocols.len(),
        catalogue.sources.len(),
        all.len()
    );
    for grade in Grade::ALL {
        let _ = writeln!(out, "  {:<18} {:>5}", grade.word(), count(*grade));
    }
    let _ = writeln!(
        out,
        "{:.0} % of the figures are weak (company call, general knowledge or estimate)",
        100.0 * weak as f64 / all.len().max(1) as f64
    );
    Outcome { out, err: problems::draw(found, texts, colour), exit }
}
