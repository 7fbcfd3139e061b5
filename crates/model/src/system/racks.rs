//! Racks, and where devices stand in them.

use std::collections::HashMap;

use super::checked::{Rack, RackId};
use super::selector::Selector;
use super::tables::{DeviceTable, RackTable};
use super::template::short_list;
use crate::catalogue::part::Kind;
use crate::catalogue::{Catalogue, unknown_part};
use crate::names::{check_id, check_unique, natural};
use crate::problem::{Problem, Problems, nearest};
use crate::text::{Placed, Span};
use crate::units::*;

/// Most racks of a system.
const RACK_LIMIT: usize = if cfg!(fuzzing) { 2_000 } else { 200_000 };

/// Racks, with the range of each table's racks by its name.
pub struct Racks {
    /// All racks.
    pub list: Vec<Rack>,
    ranges: HashMap<String, (u32, u32)>,
}

/// Expands rack tables, in natural order of their names.
pub fn expand_racks(tables: &[RackTable], catalogue: &Catalogue, problems: &mut Problems) -> Racks {
    check_unique(tables.iter().map(|t| &t.id), "racks", problems);
    let mut order: Vec<&RackTable> = tables.iter().collect();
    order.sort_by(|a, b| natural(&a.id, &b.id));
    let mut racks = Racks { list: Vec::new(), ranges: HashMap::new() };
    let mut places: HashMap<(u32, u32), Span> = HashMap::new();
    for table in order {
        if !check_id(&table.id, "a rack", problems) {
            continue;
        }
        let Some(frame) = catalogue.find_part(&table.frame) else {
            problems.push(unknown_part(&table.frame, catalogue));
            continue;
        };
        let part = catalogue.part(frame);
        let (Kind::Rack, Some(spec)) = (part.kind, &part.frame) else {
            problems.push(Problem::error(
                "wrong-kind",
                format!("`{}` is a {}, not a rack", table.frame.value, part.kind),
                table.frame.span,
                "not a frame",
            ));
            continue;
        };
        if table.count == 0 || racks.list.len() + table.count as usize > RACK_LIMIT {
            problems.push(Problem::error(
                "number-range",
                format!("`{}`: count must be at least 1, and a system has at most {RACK_LIMIT} racks", table.id.value),
                table.id.span,
                format!("{} racks", table.count),
            ));
            continue;
        }
        if let Some(feed) = table.feed_kw.as_ref().filter(|f| f.value <= 0.0) {
            problems.push(Problem::error(
                "number-range",
                "a feed delivers more than 0 kW",
                feed.span,
                "not above zero",
            ));
        }
        let per_row = table.per_row.as_ref().map_or(table.count, |p| p.value);
        if per_row == 0 {
            let span = table.per_row.as_ref().map_or(table.id.span, |p| p.span);
            problems.push(Problem::error("number-range", "a row has at least one rack", span, "zero"));
            continue;
        }
        racks.ranges.insert(table.id.value.clone(), (racks.list.len() as u32, table.count));
        let mut reported = false;
        for number in 0..table.count {
            let (row, column) =
                (table.row.saturating_add(number / per_row), table.column.saturating_add(number % per_row));
            let name = if table.count == 1 { table.id.value.clone() } else { format!("{}[{number}]", table.id.value) };
            // The rack is kept all the same: devices that stand in it are checked too.
            if let Some(first) = places.insert((row, column), table.id.span).filter(|_| !reported) {
                reported = true;
                problems.push(
                    Problem::error(
                        "rack-place",
                        format!("rack `{name}` stands where another one does: row {row}, column {column}"),
                        table.id.span,
                        "this rack",
                    )
                    .and(first, "and this one")
                    .help("give `row` and `column`"),
                );
            }
            racks.list.push(Rack {
                name,
                frame,
                row,
                column,
                units: spec.units,
                unit: Metres(spec.unit_mm / 1000.0),
                width: Metres(spec.width_mm / 1000.0),
                depth: Metres(spec.depth_mm / 1000.0),
                feed: table
                    .feed_kw
                    .as_ref()
                    .map(|kw| Watts(kw.value * 1000.0))
                    .or_else(|| part.figures.power_capacity.as_ref().map(|f| f.band.likely)),
                span: table.id.span,
            });
        }
    }
    racks
}

impl Racks {
    /// The racks that a selector names, in order.
    fn select(&self, text: &Placed<String>, problems: &mut Problems) -> Option<Vec<RackId>> {
        let selector = match Selector::parse(text) {
            Ok(selector) => selector,
            Err(error) => {
                problems.push(error.problem(text));
                return None;
            }
        };
        let mut selected = Vec::new();
        for path in &selector.paths {
            let step = &path[0];
            let range = self.ranges.get(&step.name).filter(|_| path.len() == 1);
            let Some((first, count)) = range else {
                let mut names: Vec<&str> = self.ranges.keys().map(String::as_str).collect();
                names.sort_by(|a, b| natural(a, b));
                let near = nearest(&step.name, names.iter().copied());
                problems.push(
                    Problem::error(
                        "unknown-rack",
                        format!("no rack is called `{}`", text.value),
                        text.span,
                        near.map_or_else(|| "not in this file".into(), |near| format!("did you mean `{near}`?")),
                    )
                    .help(format!("racks here: {}", short_list(&names))),
                );
                return None;
            };
            match step.index.numbers(*count) {
                Ok(numbers) => selected.extend(numbers.into_iter().map(|n| RackId(first + n))),
                Err(wrong) => {
                    problems.push(Problem::error(
                        "unknown-rack",
                        format!("`{}` has {count} racks, numbered from 0; {wrong} is not one of them", step.name),
                        text.span,
                        format!("use [0-{}]", count - 1),
                    ));
                    return None;
                }
            }
        }
        Some(selected)
    }
}

/// Where the devices of one table stand.
pub struct Placement {
    /// Number of devices.
    pub count: u32,
    /// Whether their names carry an index.
    pub indexed: bool,
    /// Rack and lowest unit (0: none) of each device; empty when they stand in no rack.
    pub places: Vec<(RackId, u32)>,
}

/// Places the devices of every table; reports racks that do not exist, counts that do not fit, and units used twice.
pub fn place_devices(
    tables: &[DeviceTable],
    racks: &Racks,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Vec<Placement> {
    let mut used: HashMap<(RackId, u32), (Span, &str)> = HashMap::new();
    tables.iter().map(|table| place(table, racks, catalogue, problems, &mut used)).collect()
}

fn place<'a>(
    table: &'a DeviceTable,
    racks: &Racks,
    catalogue: &Catalogue,
    problems: &mut Problems,
    used: &mut HashMap<(RackId, u32), (Span, &'a str)>,
) -> Placement {
    let given = table.count.as_ref().map(|c| c.value);
    let free = Placement { count: given.unwrap_or(1), indexed: given.is_some(), places: Vec::new() };
    if problems.is_full() {
        return free;
    }
    let Some(selector) = &table.rack else {
        for (key, span) in
            [("per_rack", table.per_rack.as_ref().map(|p| p.span)), ("position_u", table.position_u.map(|p| p.span))]
        {
            if let Some(span) = span {
                problems.push(
                    Problem::error("missing-key", format!("`{key}` without `rack`"), span, "in which rack?")
                        .help("add `rack = \"r[*]\"`"),
                );
            }
        }
        return free;
    };
    let Some(selected) = racks.select(selector, problems) else { return free };
    let many = selected.len() as u32;
    let per_rack = match (&table.per_rack, given) {
        (Some(per_rack), _) => per_rack.value,
        (None, Some(count)) => count.div_ceil(many.max(1)),
        (None, None) => 1,
    };
    let count = given.unwrap_or_else(|| per_rack.saturating_mul(many));
    let indexed = given.is_some() || table.per_rack.is_some() || many > 1;
    if per_rack == 0 || u64::from(count) > u64::from(per_rack) * u64::from(many) || many == 0 {
        let span = table.per_rack.as_ref().map_or(selector.span, |p| p.span);
        problems.push(
            Problem::error(
                "does-not-fit",
                format!("{count} devices `{}` do not fit {per_rack} in each of {many} racks", table.id.value),
                span,
                "too few places",
            )
            .help("raise `per_rack`, select more racks, or lower `count`"),
        );
        return Placement { count, indexed, places: Vec::new() };
    }
    if u64::from(count) > super::expand::DEVICE_LIMIT {
        // Reported where devices are counted.
        return Placement { count, indexed, places: Vec::new() };
    }
    let size = catalogue.find_part(&table.part).and_then(|id| catalogue.part(id).size_u);
    let height = size.unwrap_or(1.0).ceil().max(1.0) as u32;
    let mut places = Vec::with_capacity(count as usize);
    let mut reported = false;
    for number in 0..count {
        let rack = selected[(number / per_rack) as usize];
        let Some(position) = table.position_u else {
            places.push((rack, 0));
            continue;
        };
        let unit = position.start.saturating_add(position.step.saturating_mul(number % per_rack));
        places.push((rack, unit));
        let frame = &racks.list[rack.index()];
        let top = unit.saturating_add(height - 1);
        if top > frame.units && !reported {
            reported = true;
            problems.push(
                Problem::error(
                    "does-not-fit",
                    format!(
                        "`{}` number {number} takes units {unit} to {top}, but rack `{}` has {}",
                        table.id.value, frame.name, frame.units
                    ),
                    position.span,
                    "above the top",
                )
                .help("units are counted from 1 at the bottom; the part's `size_u` is its height"),
            );
            continue;
        }
        for u in unit..=top.min(frame.units) {
            let before = used.insert((rack, u), (table.id.span, &table.id.value));
            if let Some((span, other)) = before.filter(|_| !reported) {
                reported = true;
                let takers = if *other == *table.id.value {
                    format!("by two devices of `{other}`")
                } else {
                    format!("by `{other}` and by `{}`", table.id.value)
                };
                let plural = if height == 1 { "" } else { "s" };
                problems.push(
                    Problem::error(
                        "unit-overlap",
                        format!("unit {u} of rack `{}` is taken twice: {takers}", frame.name),
                        position.span,
                        format!("each `{}` takes {height} unit{plural}", table.id.value),
                    )
                    .and(span, format!("`{other}` is here"))
                    .help("move one of them with `position_u = { start = .., step = .. }`"),
                );
            }
        }
    }
    Placement { count, indexed, places }
}
