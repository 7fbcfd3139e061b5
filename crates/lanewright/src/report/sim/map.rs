//! Links over the topology: how full each was.
//!
//! A drawing with tiers as rows, folded to groups where there are many nodes; and a strip per kind of link and direction with
//! a cell for every link, folded likewise.

use std::collections::BTreeMap;

use lanewright_fabric::network::{EdgeId, NodeId, NodeKind};

use super::survey::{self, Survey};
use crate::number;
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::text;

/// More nodes than this are folded to groups.
const NODES: usize = 256;

/// More groups in a row than this are folded on.
const ROW: usize = 128;

/// More lines than this are not drawn: nobody could follow them.
const LINES: usize = 2500;

/// With more lines than this the emptier ones step back.
const CROWD: usize = 300;

/// Cells of a strip.
const CELLS: usize = 160;

/// Shades: eighths of the rate.
const SHADES: usize = 8;

/// Writes the section, where links were counted.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    if survey.run.outcome.edges.is_empty() {
        return;
    }
    page.section("map", "Where it was full", |out| {
        put!(out, "<ul class=\"key shades\"><li><i class=\"box idle\"></i>idle</li><li><span>0\u{A0}%</span>");
        (0..SHADES).for_each(|shade| put!(out, "<i class=\"box h{shade}\"></i>"));
        put!(out, "<span>100\u{A0}%</span></li><li>of the link’s rate, over the whole run</li></ul>");
        drawing(survey, out);
        strips(survey, out);
    });
}

/// How full some directions of links were together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Load {
    count: u64,
    sum: f64,
    most: f64,
    worst: Option<EdgeId>,
}

impl Load {
    fn add(&mut self, edge: EdgeId, share: f64) {
        self.count += 1;
        self.sum += share;
        if self.worst.is_none() || share > self.most {
            (self.most, self.worst) = (share, Some(edge));
        }
    }

    fn class(&self) -> String {
        if self.most <= 0.0 {
            return "idle".into();
        }
        format!("h{}", ((self.most * SHADES as f64) as usize).min(SHADES - 1))
    }

    fn words(&self, survey: &Survey<'_>) -> String {
        let worst = self.worst.map(|edge| survey.names.edge(edge)).unwrap_or_default();
        if self.count == 1 {
            return format!("{}: {}", Escaped(&worst), survey::percent(self.most));
        }
        format!(
            "{} directions: {} in the mean, at most {} ({})",
            number::count(self.count),
            survey::percent(self.sum / self.count as f64),
            survey::percent(self.most),
            Escaped(&worst)
        )
    }
}

/// What stands in a row: a node, or some that are folded.
struct Place {
    words: String,
    count: u64,
}

/// Nodes as they are drawn.
struct Layout {
    /// Rows from the top: their titles and places.
    rows: Vec<(String, Vec<Place>)>,
    /// Row and place of every node.
    of: Vec<(usize, usize)>,
}

fn row_name(kind: NodeKind, tier: u8) -> String {
    match kind {
        NodeKind::Endpoint => "endpoints".into(),
        NodeKind::Bridge => "bridges".into(),
        NodeKind::Switch => format!("tier {tier}"),
    }
}

fn layout(survey: &Survey<'_>) -> Layout {
    let nodes = &survey.run.network.nodes;
    // From the top: the highest tier first, endpoints last; bridges above endpoints of their tier.
    let rank = |kind: NodeKind| match kind {
        NodeKind::Switch => 0u8,
        NodeKind::Bridge => 1,
        NodeKind::Endpoint => 2,
    };
    let mut members = BTreeMap::<(std::cmp::Reverse<u8>, u8), Vec<usize>>::new();
    for (at, node) in nodes.iter().enumerate() {
        members.entry((std::cmp::Reverse(node.tier), rank(node.kind))).or_default().push(at);
    }
    let mut layout = Layout { rows: Vec::new(), of: vec![(0, 0); nodes.len()] };
    for (row, mut ids) in members.into_values().enumerate() {
        ids.sort_by_key(|at| (nodes[*at].group, *at));
        let first = nodes[ids[0]];
        let title = format!("{} · {}", row_name(first.kind, first.tier), number::count(ids.len() as u64));
        let mut places: Vec<Place> = Vec::new();
        if nodes.len() <= NODES {
            for (place, at) in ids.iter().enumerate() {
                layout.of[*at] = (row, place);
                places.push(Place { words: survey.names.node(NodeId(*at as u32)), count: 1 });
            }
        } else {
            let mut groups: Vec<u32> = ids.iter().map(|at| nodes[*at].group).collect();
            groups.dedup();
            // A row of one group is as good as one line; cut it so that the ways of neighbours stay apart.
            let alone = groups.len() == 1;
            let steps = if alone { ids.len() } else { groups.len() };
            let fold = steps.div_ceil(if alone { ROW / 4 } else { ROW }).max(1);
            for (at, node) in ids.iter().enumerate() {
                let step = if alone { at } else { groups.partition_point(|group| *group < nodes[*node].group) };
                let place = step / fold;
                layout.of[*node] = (row, place);
                if places.len() <= place {
                    places.push(Place { words: survey.names.node(NodeId(*node as u32)), count: 0 });
                }
                places[place].count += 1;
            }
            for place in places.iter_mut().filter(|place| place.count > 1) {
                place.words = format!("{} and {} more", place.words, number::count(place.count - 1));
            }
        }
        layout.rows.push((title, places));
    }
    layout
}

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 112.0;
const BETWEEN: f64 = 132.0;
const TOP: f64 = 26.0;

fn drawing(survey: &Survey<'_>, out: &mut String) {
    let run = survey.run;
    let layout = layout(survey);
    // Both directions of a link, and all links between two places, are one line.
    let mut lines = BTreeMap::<((usize, usize), (usize, usize)), Load>::new();
    for (at, edge) in run.network.edges.iter().enumerate() {
        let (a, b) = (layout.of[edge.from.index()], layout.of[edge.to.index()]);
        if a != b {
            let id = EdgeId(at as u32);
            lines.entry((a.min(b), a.max(b))).or_default().add(id, run.utilisation(id).unwrap_or(0.0));
        }
    }
    if lines.len() > LINES || lines.is_empty() {
        put!(
            out,
            "<p class=\"note\">{} bundles of links are too many for a drawing; the strips below have them all.</p>",
            number::count(lines.len() as u64)
        );
        return;
    }
    // Links within a row are arcs above it and need room.
    let arcs = lines.keys().any(|(a, b)| a.0 == b.0);
    let between = if arcs { BETWEEN + 30.0 } else { BETWEEN };
    let top = TOP + if lines.keys().any(|(a, b)| a.0 == 0 && b.0 == 0) { 80.0 } else { 0.0 };
    let height = top + between * layout.rows.len().saturating_sub(1) as f64 + 24.0;
    let x = |(row, place): (usize, usize)| {
        let count = layout.rows[row].1.len() as f64;
        LEFT + (WIDTH - LEFT - 10.0) * (place as f64 + 0.5) / count
    };
    let y = |row: usize| top + between * row as f64;
    let folded = run.network.nodes.len() > NODES;
    put!(
        out,
        "<figure class=\"panel heat-map\"><figcaption>Links over the topology{}</figcaption><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Links over the topology\"><svg class=\"links{}\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Every link coloured by its \
         utilisation, tiers as rows\">",
        if folded {
            ", folded to groups: a line has the shade of its fullest link"
        } else {
            ": a line has the shade of its fuller direction"
        },
        if lines.len() > CROWD { " crowd" } else { "" }
    );
    let widest = lines.values().map(|load| load.count).max().unwrap_or(1).max(2) as f64;
    let mut order: Vec<_> = lines.iter().collect();
    // The fullest on top.
    order.sort_by(|a, b| a.1.most.total_cmp(&b.1.most).then(b.0.cmp(a.0)));
    for ((a, b), load) in order {
        let (x1, y1, x2, y2) = (x(*a), y(a.0), x(*b), y(b.0));
        // Wider with the logarithm of the number of links.
        let width = 1.1 + 1.9 * (load.count as f64 / 2.0).max(1.0).ln() / (widest / 2.0).max(std::f64::consts::E).ln();
        let path = if a.0 == b.0 {
            let lift = (0.5 * (x2 - x1).abs()).clamp(14.0, 90.0);
            format!("M{x1:.1} {y1:.1}C{x1:.1} {0:.1} {x2:.1} {0:.1} {x2:.1} {y2:.1}", y1 - lift)
        } else {
            format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}")
        };
        put!(
            out,
            "<path class=\"{}\" stroke-width=\"{width:.1}\" d=\"{path}\"><title>{}</title></path>",
            load.class(),
            load.words(survey)
        );
    }
    for (row, (title, places)) in layout.rows.iter().enumerate() {
        put!(out, "<text class=\"row\" x=\"2\" y=\"{:.1}\">{title}</text>", y(row) + 3.5);
        let room = (WIDTH - LEFT - 10.0) / places.len() as f64;
        let size = (room * 0.42).clamp(2.0, 9.0);
        for (at, place) in places.iter().enumerate() {
            let middle = x((row, at));
            put!(
                out,
                "<rect class=\"node\" x=\"{:.1}\" y=\"{:.1}\" width=\"{size:.1}\" height=\"{size:.1}\"><title>{}</title></rect>",
                middle - 0.5 * size,
                y(row) - 0.5 * size,
                Escaped(&place.words)
            );
            let count = format!("× {}", number::count(place.count));
            // Beside the lines that go down from it, under its right corner.
            if place.count > 1 && text::width(&count, 10.0) + 8.0 < room {
                put!(
                    out,
                    "<text class=\"small halo\" x=\"{:.1}\" y=\"{:.1}\">{count}</text>",
                    middle + 5.0,
                    y(row) + 15.0
                );
            }
        }
    }
    put!(out, "</svg></div></figure>");
}

fn strips(survey: &Survey<'_>, out: &mut String) {
    let run = survey.run;
    let nodes = &run.network.nodes;
    // Kinds of links by domain and the ends' tiers; upwards from the bottom, then down again.
    type Key = (u32, bool, std::cmp::Reverse<u8>, u8, u8, String);
    let mut bands = BTreeMap::<Key, Vec<(EdgeId, u32)>>::new();
    for (at, edge) in run.network.edges.iter().enumerate() {
        let (from, to) = (&nodes[edge.from.index()], &nodes[edge.to.index()]);
        let down = from.tier > to.tier;
        let words = format!("{} → {}", row_name(from.kind, from.tier), row_name(to.kind, to.tier));
        let order = if down { (std::cmp::Reverse(from.tier), 0) } else { (std::cmp::Reverse(0), from.tier) };
        let low = if down { to } else { from };
        let key = (edge.domain.0, down, order.0, order.1, to.tier, words);
        bands.entry(key).or_default().push((EdgeId(at as u32), low.group));
    }
    put!(out, "<div class=\"strips\">");
    for ((domain, .., words), mut edges) in bands {
        edges.sort_by_key(|(edge, group)| (*group, *edge));
        let mut all = Load::default();
        for (edge, _) in &edges {
            all.add(*edge, run.utilisation(*edge).unwrap_or(0.0));
        }
        let fold = edges.len().div_ceil(CELLS);
        let cells: Vec<Load> = edges
            .chunks(fold)
            .map(|chunk| {
                let mut load = Load::default();
                chunk.iter().for_each(|(edge, _)| load.add(*edge, run.utilisation(*edge).unwrap_or(0.0)));
                load
            })
            .collect();
        let domain = run.network.domains.get(domain as usize).filter(|_| run.network.domains.len() > 1);
        let domain = domain.map(|name| format!("{}, ", Escaped(name))).unwrap_or_default();
        let each = if fold > 1 { format!(", {} to a cell", number::count(fold as u64)) } else { String::new() };
        put!(
            out,
            "<div class=\"strip\"><p><b>{domain}{words}</b> <span class=\"note\">{}{each}: {} in the mean, at most {}</span></p>\
             <svg viewBox=\"0 0 {} 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{words}: {} in the mean, at most {}\">",
            crate::report::words::plural(edges.len() as u64, "link"),
            survey::percent(all.sum / all.count.max(1) as f64),
            survey::percent(all.most),
            cells.len() * 10,
            survey::percent(all.sum / all.count.max(1) as f64),
            survey::percent(all.most)
        );
        let gap = if cells.len() <= 80 { 0.8 } else { 0.0 };
        for (at, load) in cells.iter().enumerate() {
            put!(
                out,
                "<rect class=\"{}\" x=\"{}\" y=\"0\" width=\"{}\" height=\"10\"><title>{}</title></rect>",
                load.class(),
                at * 10,
                10.0 - gap,
                load.words(survey)
            );
        }
        put!(out, "</svg></div>");
    }
    put!(
        out,
        "</div><p class=\"note\">A cell is a direction of a link, neighbours next to each other; of several links in a cell the fullest counts.</p>"
    );
}
