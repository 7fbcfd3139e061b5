//! Rack elevations to scale; racks that look the same are drawn once.

use lanewright_model::system::tables::Routing;
use lanewright_model::system::{DeviceId, RackId};

use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::{RackGroup, Survey, Trunk};
use super::text;
use super::words;
use crate::number::{self, Measure};

/// Rack groups drawn before the rest is folded away.
const OPEN_GROUPS: usize = 8;
/// Pixels for a metre.
const SCALE: f64 = 300.0;
/// Room for unit numbers at the left of the frame.
const LEFT: f64 = 24.0;
/// Room above the frame, for cables that leave.
const TOP: f64 = 26.0;
/// Room below the frame.
const BOTTOM: f64 = 26.0;
/// Distance between the runs of cables beside the frame.
const RUN: f64 = 17.0;
/// Runs of cables drawn; letters name them.
const RUNS: usize = 8;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    if survey.racks.is_empty() {
        return;
    }
    page.section("racks", "Racks", |out| {
        put!(
            out,
            "<p class=\"note\">Front, to scale. Racks that look the same are drawn once. Beside the frame, cables run \
             together by domain and medium; width grows with the logarithm of their number.</p>"
        );
        // The most common looks first: they are what most of the room is made of.
        let mut groups: Vec<&RackGroup> = survey.racks.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse((group.racks.len(), group.devices.len())));
        let (open, folded) = groups.split_at(groups.len().min(OPEN_GROUPS));
        draw_all(survey, open, out);
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "look"));
            draw_all(survey, folded, out);
            put!(out, "</details>");
        }
    });
}

/// Name of a group, escaped: "r[0]", or "r[0] to r[17] × 18".
pub fn group_name(survey: &Survey<'_>, group: &RackGroup) -> String {
    let name = |id: &RackId| survey.system.racks.get(id.index()).map_or("?", |rack| rack.name.as_str());
    match group.racks.as_slice() {
        [] => String::new(),
        [one] => Name(name(one)).to_string(),
        [first, .., last] => {
            let neighbours = last.0 - first.0 + 1 == group.racks.len() as u32;
            let join = if neighbours { "to" } else { "…" };
            format!(
                "{} {join} {} <b>× {}</b>",
                Name(name(first)),
                Name(name(last)),
                number::count(group.racks.len() as u64)
            )
        }
    }
}

fn draw_all(survey: &Survey<'_>, groups: &[&RackGroup], out: &mut String) {
    // One look alone has room for its lists at its side.
    put!(out, "<div class=\"racks{}\">", if survey.racks.len() == 1 { " solo" } else { "" });
    for group in groups {
        put!(out, "<figure class=\"rack\"><figcaption>{}</figcaption>", group_name(survey, group));
        draw(survey, group, out);
        put!(out, "<div>");
        contents(survey, group, out);
        put!(out, "</div></figure>");
    }
    put!(out, "</div>");
}

/// Height of a device in units; what the catalogue does not know is drawn as one unit.
fn units(survey: &Survey<'_>, device: DeviceId) -> f64 {
    let set = survey.system.devices[device.index()].set;
    let size = survey.system.sets.get(set.index()).and_then(|set| survey.part(set.part)).and_then(|part| part.size_u);
    size.filter(|size| size.is_finite() && *size > 0.0).unwrap_or(1.0)
}

fn draw(survey: &Survey<'_>, group: &RackGroup, out: &mut String) {
    let Some(rack) = group.racks.first().and_then(|id| survey.system.racks.get(id.index())) else { return };
    let unit = (rack.unit.0 * SCALE).clamp(6.0, 40.0);
    let width = (rack.width.0 * SCALE).clamp(90.0, 320.0);
    let height = unit * f64::from(rack.units);
    let runs = group.trunks.len().min(RUNS);
    let all = LEFT + width + 12.0 + runs as f64 * RUN + 8.0;
    let tall = TOP + height + BOTTOM;
    put!(
        out,
        "<svg class=\"elevation\" viewBox=\"0 0 {all:.1} {tall:.1}\" width=\"{all:.0}\" height=\"{tall:.0}\" role=\"img\" aria-label=\"Elevation of rack {}: {} of {} units in use\">",
        Escaped(&rack.name),
        number::plain(group.devices.iter().map(|device| units(survey, *device)).sum()),
        rack.units
    );
    // Frame with its rails, and every unit visible, so that empty ones show.
    put!(
        out,
        "<rect class=\"post\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>\
         <rect class=\"well\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\"/><path class=\"unit\" d=\"",
        LEFT - 4.0,
        TOP - 4.0,
        width + 8.0,
        height + 8.0
    );
    for i in 1..rack.units {
        put!(out, "M{LEFT} {:.1}h{width:.1}", TOP + f64::from(i) * unit);
    }
    put!(out, "\"/>");
    for u in (1..=rack.units).filter(|u| *u == 1 || u.is_multiple_of(5)) {
        let y = TOP + height - (f64::from(u) - 0.5) * unit + 2.8;
        put!(out, "<text class=\"u\" x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{u}</text>", LEFT - 7.0);
    }
    for device in &group.devices {
        draw_device(survey, *device, (width, height, unit, rack.units), group.racks.len() > 1, out);
    }
    for (i, trunk) in group.trunks.iter().take(RUNS).enumerate() {
        draw_trunk(survey, group, trunk, i, (width, height, unit), out);
    }
    put!(out, "</svg>");
}

/// Top and height of a device within the frame, in pixels.
fn place(survey: &Survey<'_>, device: DeviceId, height: f64, unit: f64) -> (f64, f64) {
    let lowest = f64::from(survey.system.devices[device.index()].unit.max(1));
    let tall = units(survey, device) * unit;
    // A device may stick out at the top only if the file was not checked; keep it in the picture.
    let top = (height - (lowest - 1.0) * unit - tall).max(0.0);
    (TOP + top, tall.min(height))
}

fn draw_device(
    survey: &Survey<'_>,
    id: DeviceId,
    (width, height, unit, _): (f64, f64, f64, u32),
    many: bool,
    out: &mut String,
) {
    let device = &survey.system.devices[id.index()];
    let Some(set) = survey.system.sets.get(device.set.index()) else { return };
    let (y, tall) = place(survey, id, height, unit);
    let label = if many { set.name.clone() } else { survey.device_name(id) };
    let font = (unit * 0.68).clamp(6.5, 10.5);
    let class = survey.family(device.set).class();
    put!(
        out,
        "<g class=\"device {class}\" font-size=\"{font:.1}\"><title>{} · {} · unit {}</title><rect class=\"face\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
         <rect class=\"edge\" x=\"{:.1}\" y=\"{:.1}\" width=\"3\" height=\"{:.1}\"/>",
        Escaped(&label),
        Escaped(survey.part_name(set.part)),
        device.unit,
        LEFT + 0.5,
        y + 0.5,
        width - 1.0,
        tall - 1.0,
        LEFT + 0.5,
        y + 0.5,
        tall - 1.0
    );
    put!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        LEFT + 9.0,
        y + tall / 2.0 + font * 0.35,
        Escaped(&text::fit(&label, font, width - 16.0))
    );
}

/// A run of cables beside the frame with a branch to every device that has some.
fn draw_trunk(
    survey: &Survey<'_>,
    group: &RackGroup,
    trunk: &Trunk,
    index: usize,
    (width, height, unit): (f64, f64, f64),
    out: &mut String,
) {
    let runs = group.trunks.len().min(RUNS) as f64;
    let edge = LEFT + width + 4.0;
    let x = edge + 10.0 + (index as f64 + 0.5) * RUN;
    let under = survey.system.site.routing == Routing::Underfloor;
    let mut lowest = f64::NEG_INFINITY;
    let mut highest = f64::INFINITY;
    let mut branches = String::new();
    for (device, count) in &trunk.taps {
        let (y, tall) = if survey.system.devices[device.index()].unit > 0 {
            place(survey, *device, height, unit)
        } else {
            (TOP + height, 0.0) // no place of its own: from below
        };
        let y = y + tall * (index as f64 + 1.0) / (runs + 1.0);
        lowest = lowest.max(y);
        highest = highest.min(y);
        // Cables bend towards where they go: up or down to leave, else towards the middle of the rack.
        let up = if trunk.key.leaving { !under } else { y > TOP + height / 2.0 };
        let bend = if up { -9.0 } else { 9.0 };
        put!(
            branches,
            "<path stroke-width=\"{:.1}\" d=\"M{edge:.1} {y:.1}H{:.1}q9 0 9 {bend}\"/>",
            thickness(*count) * 0.6,
            x - 9.0
        );
    }
    let (top, bottom) = match (trunk.key.leaving, under) {
        (false, _) => (highest, lowest),
        (true, false) => (TOP - 8.0, lowest),
        (true, true) => (highest, TOP + height + 8.0),
    };
    put!(
        out,
        "<g class=\"cables {}\"><title>{}</title>{branches}<path stroke-width=\"{:.1}\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>",
        words::medium_class(trunk.key.medium),
        Escaped(&trunk_title(survey, trunk)),
        thickness(trunk.links.1),
    );
    let letter = letter(index);
    let y = match (trunk.key.leaving, under) {
        (true, false) => TOP - 13.0,
        (true, true) => TOP + height + 20.0,
        (false, _) => (bottom + 13.0).min(TOP + height + BOTTOM - 3.0),
    };
    put!(
        out,
        "<text class=\"letter\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{letter}{}</text></g>",
        if trunk.key.leaving { if under { "↓" } else { "↑" } } else { "" }
    );
}

fn letter(index: usize) -> char {
    char::from(b'a' + (index % 26) as u8)
}

/// Width of a bundle: a hair for one, a finger for thousands.
fn thickness(count: u64) -> f64 {
    1.1 + 1.15 * (count.max(1) as f64).log10()
}

fn trunk_title(survey: &Survey<'_>, trunk: &Trunk) -> String {
    format!(
        "{}, {}, {}",
        survey.domain_name(trunk.key.domain),
        words::medium(trunk.key.medium),
        if trunk.key.leaving { "to other racks" } else { "within the rack" }
    )
}

/// Lists under the drawing: devices by set, cables by run, power against the feed.
fn contents(survey: &Survey<'_>, group: &RackGroup, out: &mut String) {
    let mut sets: Vec<(lanewright_model::system::SetId, u64)> = Vec::new();
    for device in group.devices.iter().rev().chain(&group.loose) {
        let set = survey.system.devices[device.index()].set;
        match sets.iter_mut().find(|(known, _)| *known == set) {
            Some((_, count)) => *count += 1,
            None => sets.push((set, 1)),
        }
    }
    put!(out, "<ul class=\"parts\">");
    for (id, count) in sets {
        let Some(set) = survey.system.sets.get(id.index()) else { continue };
        put!(
            out,
            "<li><i class=\"box {}\"></i><span><b>{}</b> {} {}</span></li>",
            survey.family(id).class(),
            Name(&set.name),
            if count > 1 { format!("× {count}") } else { String::new() },
            Name(survey.part_name(set.part))
        );
    }
    put!(out, "</ul>");
    if !group.trunks.is_empty() {
        put!(out, "<ul class=\"runs\">");
        for (i, trunk) in group.trunks.iter().enumerate() {
            let letter = if i < RUNS { letter(i).to_string() } else { "·".into() };
            let links = if trunk.links.0 == trunk.links.1 {
                words::plural(trunk.links.1, "link")
            } else {
                format!("{} to {} links", number::count(trunk.links.0), number::count(trunk.links.1))
            };
            put!(
                out,
                "<li><b class=\"letter\">{letter}</b><i class=\"dot {}\"></i><span>{}, {} · {links} {}</span></li>",
                words::medium_class(trunk.key.medium),
                Name(survey.domain_name(trunk.key.domain)),
                words::medium(trunk.key.medium),
                if trunk.key.leaving { "out" } else { "inside" }
            );
        }
        put!(out, "</ul>");
    }
    let power = survey.plan().power.racks.iter().filter(|rack| group.racks.binary_search(&rack.rack).is_ok());
    if let Some(worst) = power.max_by(|a, b| a.power.likely.total_cmp(&b.power.likely)) {
        put!(
            out,
            "<p class=\"note\">{}{}</p>",
            Measure::Watts.show(worst.power.likely),
            worst.feed_w.map_or(String::new(), |feed| format!(" of {} feed", Measure::Watts.show(feed)))
        );
    }
}
