//! What the planner has to say about a system.

use std::collections::{BTreeMap, HashSet};

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::problem::Severity;
use lanewright_model::system::{MediumChoice, PartId, System};

use crate::bom::is_sum_of_parts;
use crate::budget::metres;
use crate::classes::Classified;
use crate::inventory::Pieces;
use crate::media::part_worth;
use crate::plan::{Finding, LinkClass, Power};

/// All findings, errors first.
pub fn findings(
    system: &System,
    classified: &Classified,
    pieces: &[Pieces],
    power: &Power,
    without_latency: &HashSet<PartId>,
) -> Vec<Finding> {
    let mut list = Vec::new();
    for set in &classified.lengthless {
        let set = &system.link_sets[*set as usize];
        list.push(Finding {
            severity: Severity::Error,
            code: "no-length",
            message: format!("links of `{}` have no length: an end stands in no rack", set.name),
            help: Some("give `length_m`, or a rack to the devices at both ends".into()),
            span: Some(set.span),
        });
    }
    for (class, note) in classified.classes.iter().zip(&classified.notes) {
        let set = &system.link_sets[class.set.index()];
        if class.choice.is_none() {
            list.push(Finding {
                severity: Severity::Error,
                code: "no-medium-closes",
                message: format!("no medium closes {}: {}", subject(system, class), class.reason),
                help: note.help.clone(),
                span: Some(set.span),
            });
        } else if let Some(fault) = &note.forced {
            list.push(Finding {
                severity: Severity::Error,
                code: "given-medium-fails",
                message: format!("the part given for {} does not work: {fault}", subject(system, class)),
                help: note
                    .help
                    .clone()
                    .or_else(|| class.alternatives.first().map(|other| format!("{} would close", other.name))),
                span: Some(set.span),
            });
        } else {
            class_remarks(system, class, &mut list);
        }
    }
    for rack in &power.racks {
        if let Some(feed) = rack.feed_w.filter(|feed| rack.power.likely > *feed) {
            list.push(Finding {
                severity: Severity::Error,
                code: "rack-over-feed",
                message: format!(
                    "rack {} draws {:.1} kW, its feed delivers {:.1} kW",
                    rack.name,
                    rack.power.likely / 1e3,
                    feed / 1e3
                ),
                help: Some("move devices to another rack, or give the rack a stronger feed".into()),
                span: Some(system.racks[rack.rack.index()].span),
            });
        } else if let Some(feed) = rack.feed_w.filter(|feed| rack.power.high > *feed) {
            list.push(Finding {
                severity: Severity::Warning,
                code: "rack-near-feed",
                message: format!(
                    "rack {} may draw up to {:.1} kW, its feed delivers {:.1} kW",
                    rack.name,
                    rack.power.high / 1e3,
                    feed / 1e3
                ),
                help: None,
                span: Some(system.racks[rack.rack.index()].span),
            });
        }
    }
    missing_figures(system, pieces, &mut list);
    if !without_latency.is_empty() {
        let mut ids: Vec<&str> =
            without_latency.iter().map(|id| system.catalogue.part(*id).id.value.as_str()).collect();
        ids.sort_unstable();
        list.push(Finding {
            severity: Severity::Warning,
            code: "no-latency-figure",
            message: format!("latencies of paths are without that of {}", ids.join(", ")),
            help: Some("add the figure in a catalogue folder of your own".into()),
            span: None,
        });
    }
    list.sort_by(|x, y| y.severity.cmp(&x.severity).then(x.code.cmp(y.code)));
    list
}

/// "64 links of `back-end` (7.5 m to 12 m)".
fn subject(system: &System, class: &LinkClass) -> String {
    let (short, long) = (class.length_min.0, class.length_max.0);
    let length = if long - short < 0.005 {
        metres(class.length_max)
    } else {
        format!("{} to {}", metres(class.length_min), metres(class.length_max))
    };
    format!("{} links of `{}` ({length})", class.links, system.link_sets[class.set.index()].name)
}

/// Remarks on a class whose choice works.
fn class_remarks(system: &System, class: &LinkClass, list: &mut Vec<Finding>) {
    let Some(choice) = &class.choice else { return };
    let set = &system.link_sets[class.set.index()];
    if choice.loss.margin.low < 0.0 && !choice.loss.items.is_empty() {
        list.push(Finding {
            severity: Severity::Warning,
            code: "margin-at-risk",
            message: format!(
                "{} by {}: the likely margin is {:.1} dB, but {:.1} dB at the bad end of the figures",
                subject(system, class),
                choice.name,
                choice.loss.margin.likely,
                choice.loss.margin.low
            ),
            help: class
                .alternatives
                .iter()
                .find(|o| o.loss.margin.low >= 0.0)
                .map(|o| format!("{} keeps a margin throughout", o.name)),
            span: Some(set.span),
        });
    }
    let unknown = choice.loss.items.iter().filter(|item| item.name.contains("loss unknown"));
    for item in unknown {
        list.push(Finding {
            severity: Severity::Warning,
            code: "no-loss-figure",
            message: format!("{}: {}", subject(system, class), item.name),
            help: Some("give the part loss points in the catalogue".into()),
            span: Some(set.span),
        });
    }
    let soldered = matches!(choice.medium, Medium::Pcb | Medium::Backplane | Medium::DieToDie | Medium::Harness);
    let chips_only = set.segments.iter().all(|segment| crate::media::is_chip(&system.catalogue, segment));
    if !chips_only && !soldered {
        list.push(Finding {
            severity: Severity::Warning,
            code: "segments-not-used",
            message: format!(
                "{} are {}, so materials and connectors given as segments are not used",
                subject(system, class),
                choice.medium
            ),
            help: Some("materials describe boards, backplanes and harnesses; leave them out, or set the medium".into()),
            span: Some(set.span),
        });
    }
    if let MediumChoice::Medium(medium) = set.medium
        && choice.medium != medium
    {
        list.push(Finding {
            severity: Severity::Warning,
            code: "medium-not-as-given",
            message: format!("{} should be {medium} but are {}", subject(system, class), choice.medium),
            help: None,
            span: Some(set.span),
        });
    }
}

/// Parts whose figures are missing: one finding for each figure.
fn missing_figures(system: &System, pieces: &[Pieces], list: &mut Vec<Finding>) {
    let (mut price, mut power, mut fit) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut repair = BTreeMap::new();
    for piece in pieces.iter().filter(|p| p.count > 0.0 && !is_sum_of_parts(system, p.part)) {
        let part = system.catalogue.part(piece.part);
        let worth = part_worth(part, piece.length, 0.0);
        let id = part.id.value.as_str();
        if worth.price.is_none() && !piece.within.price {
            *price.entry(id).or_insert(0.0) += piece.count;
        }
        let fails = worth.fit.is_some_and(|f| f.high > 0.0) && !piece.within.fit;
        if worth.price.is_none() && piece.within.price && fails && part.kind != Kind::Fibre {
            *repair.entry(id).or_insert(0.0) += piece.count;
        }
        if worth.power.is_none() && !piece.within.power && !matches!(part.kind, Kind::Shelf) {
            *power.entry(id).or_insert(0.0) += piece.count;
        }
        if worth.fit.is_none() && !piece.within.fit && !matches!(part.kind, Kind::Rack) {
            *fit.entry(id).or_insert(0.0) += piece.count;
        }
    }
    for (code, what, parts) in [
        ("no-repair-price", "cost of the part when repairing", repair),
        ("no-price-figure", "price", price),
        ("no-power-figure", "power", power),
        ("no-fit-figure", "failure rate", fit),
    ] {
        if parts.is_empty() {
            continue;
        }
        list.push(Finding {
            severity: Severity::Warning,
            code,
            message: format!("totals are without the {what} of {}", names(&parts)),
            help: Some("add the figure in a catalogue folder of your own".into()),
            span: None,
        });
    }
}

/// "8 x nvidia/h100, 2 x local/box and 3 more parts".
fn names(parts: &BTreeMap<&str, f64>) -> String {
    const SHOWN: usize = 6;
    let mut text = parts.iter().take(SHOWN).map(|(id, count)| format!("{count} x {id}")).collect::<Vec<_>>().join(", ");
    if parts.len() > SHOWN {
        text.push_str(&format!(" and {} more parts", parts.len() - SHOWN));
    }
    text
}
