//! Where the boxes, bundles and labels of a topology go.

use std::collections::BTreeMap;

use super::tiers::order;
use super::{Edge, Graph, Node};
use crate::number::{self, Measure};
use crate::report::escape::Escaped;
use crate::report::{text, words};

/// Widest row before it breaks.
const ROW_WIDTH: f64 = 1080.0;
const NODE_HEIGHT: f64 = 44.0;
const NODE_GAP: f64 = 28.0;
const LABEL_HEIGHT: f64 = 19.0;
const LABEL_GAP: f64 = 14.0;
const LABEL_FONT: f64 = 11.0;
const TITLE_FONT: f64 = 12.5;
/// How much wider bold letters are.
const BOLD: f64 = 1.1;
/// Free height above and below the labels between two tiers, for the lines to turn.
const TURN: f64 = 26.0;

/// Where everything goes.
pub struct Drawing {
    width: f64,
    height: f64,
    /// Left, top and width of every node.
    boxes: Vec<(f64, f64, f64)>,
    /// Middle, top, width and words of every edge's label.
    labels: Vec<(f64, f64, f64, String)>,
}

/// Deals items of given widths to as many rows as they need, in turn, so that neighbours stay near each other.
fn rows(widths: &[(usize, f64)], gap: f64) -> Vec<Vec<(usize, f64)>> {
    let count = (row_width(widths, gap) / ROW_WIDTH).ceil().max(1.0) as usize;
    let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
    for (i, item) in widths.iter().enumerate() {
        rows[i % count].push(*item);
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn row_width(row: &[(usize, f64)], gap: f64) -> f64 {
    row.iter().map(|(_, width)| width).sum::<f64>() + gap * row.len().saturating_sub(1) as f64
}

impl Drawing {
    /// Places everything: tiers from the bottom up; between two of them the labels of the bundles that pass there, each in a place
    /// of its own through which its line runs, so that no two can meet.
    pub fn of(graph: &Graph) -> Self {
        let (order, place) = order(graph);
        let tiers = order.len();
        let words: Vec<String> = graph.edges.iter().map(label).collect();
        let width_of_label = |i: usize| text::width(&words[i], LABEL_FONT) + 14.0;
        let width_of_node = |node: &Node| {
            let (title, part) = node_words(node);
            (text::width(&title, TITLE_FONT * BOLD).max(text::width(&part, 10.0)) + 26.0).clamp(110.0, 250.0)
        };
        let node_rows: Vec<Vec<Vec<(usize, f64)>>> = order
            .iter()
            .map(|tier| rows(&tier.iter().map(|i| (*i, width_of_node(&graph.nodes[*i]))).collect::<Vec<_>>(), NODE_GAP))
            .collect();
        // An edge's label stands above the lower of its tiers; links of a set with itself above their own tier.
        let level = |edge: &Edge| graph.nodes[edge.a].tier.min(graph.nodes[edge.b].tier);
        let mut label_rows: Vec<Vec<Vec<(usize, f64)>>> = Vec::new();
        for tier in 0..tiers {
            let mut of_tier: Vec<usize> = (0..graph.edges.len()).filter(|i| level(&graph.edges[*i]) == tier).collect();
            let middle = |i: &usize| place[graph.edges[*i].a] + place[graph.edges[*i].b];
            of_tier.sort_by(|i, j| middle(i).total_cmp(&middle(j)).then(i.cmp(j)));
            label_rows.push(rows(&of_tier.iter().map(|i| (*i, width_of_label(*i))).collect::<Vec<_>>(), LABEL_GAP));
        }
        let widest = node_rows.iter().flatten().map(|row| row_width(row, NODE_GAP));
        let widest = widest.chain(label_rows.iter().flatten().map(|row| row_width(row, LABEL_GAP)));
        let width = widest.fold(0.0, f64::max) + 24.0;

        let mut boxes = vec![(0.0, 0.0, 0.0); graph.nodes.len()];
        let mut labels = vec![(0.0, 0.0, 0.0, String::new()); graph.edges.len()];
        let mut y = 8.0;
        for tier in (0..tiers).rev() {
            if !label_rows[tier].is_empty() {
                // Nothing comes down to the labels of the top tier.
                y += if tier + 1 < tiers { TURN } else { 0.0 };
                for row in &label_rows[tier] {
                    let free = width - 24.0 - row_width(row, 0.0);
                    let gap = free / (row.len() + 1) as f64;
                    let mut x = 12.0 + gap;
                    for (i, wide) in row {
                        labels[*i] = (x + wide / 2.0, y, *wide, words[*i].clone());
                        x += wide + gap;
                    }
                    y += LABEL_HEIGHT + 5.0;
                }
                y += TURN;
            }
            for row in &node_rows[tier] {
                let gap = (width - 24.0 - row_width(row, 0.0)) / (row.len() + 1) as f64;
                let mut x = 12.0 + gap;
                for (i, wide) in row {
                    boxes[*i] = (x, y, *wide);
                    x += wide + gap;
                }
                y += NODE_HEIGHT + 14.0;
            }
            y -= 14.0;
        }
        Self { width, height: y + 8.0, boxes, labels }
    }

    /// Draws it.
    pub fn write(&self, graph: &Graph, name: &str, out: &mut String) {
        put!(
            out,
            "<svg viewBox=\"0 0 {0:.0} {1:.0}\" width=\"{0:.0}\" height=\"{1:.0}\" style=\"min-width:{3:.0}px\" role=\"img\" aria-label=\"{2}: ",
            self.width,
            self.height,
            Escaped(name),
            // On a phone it shrinks as far as it can be read, then scrolls.
            self.width * 0.72
        );
        for (edge, (_, _, _, words)) in graph.edges.iter().zip(&self.labels) {
            put!(out, "{} to {}: {}; ", Escaped(&graph.nodes[edge.a].name), Escaped(&graph.nodes[edge.b].name), words);
        }
        put!(out, "\">");
        // Lines spread over the edge of their box in the order of where they go.
        let mut docks: BTreeMap<(usize, bool), Vec<(usize, f64)>> = BTreeMap::new();
        for (i, edge) in graph.edges.iter().enumerate() {
            let x = self.labels[i].0;
            for (node, other) in [(edge.a, edge.b), (edge.b, edge.a)] {
                let above = self.labels[i].1 < self.boxes[node].1;
                let side = docks.entry((node, above)).or_default();
                side.push((i, x));
                if node == other {
                    break;
                }
            }
        }
        for dock in docks.values_mut() {
            dock.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        }
        let dock = |node: usize, edge: usize, above: bool| {
            let (left, top, width) = self.boxes[node];
            let list = docks.get(&(node, above)).map_or(&[][..], Vec::as_slice);
            let at = list.iter().position(|(i, _)| *i == edge).unwrap_or(0);
            let x = left + width * (at as f64 + 1.0) / (list.len() as f64 + 1.0);
            (x, if above { top } else { top + NODE_HEIGHT })
        };
        for (i, edge) in graph.edges.iter().enumerate() {
            let (x, y, _, _) = self.labels[i];
            let class = words::medium_class(edge.medium);
            let wide = 1.5 + 1.7 * (edge.links.max(1) as f64).log10();
            let middle = y + LABEL_HEIGHT / 2.0;
            put!(out, "<g class=\"bundle {class}\" stroke-width=\"{wide:.1}\">");
            if edge.a == edge.b {
                let (left, top, width) = self.boxes[edge.a];
                let (from, to) = (left + width * 0.3, left + width * 0.7);
                put!(
                    out,
                    "<path d=\"M{from:.1} {top:.1}C{from:.1} {0:.1} {x:.1} {0:.1} {x:.1} {middle:.1}C{x:.1} {0:.1} {to:.1} {0:.1} {to:.1} {top:.1}\"/>",
                    (top + middle) / 2.0
                );
            } else {
                for node in [edge.a, edge.b] {
                    let above = y < self.boxes[node].1;
                    let (nx, ny) = dock(node, i, above);
                    let half = (ny + middle) / 2.0;
                    put!(out, "<path d=\"M{nx:.1} {ny:.1}C{nx:.1} {half:.1} {x:.1} {half:.1} {x:.1} {middle:.1}\"/>");
                }
            }
            put!(out, "</g>");
        }
        for (x, y, wide, words) in &self.labels {
            put!(
                out,
                "<rect class=\"tag\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{LABEL_HEIGHT}\" rx=\"3\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                x - wide / 2.0,
                y + 13.3
            );
        }
        for (node, (x, y, wide)) in graph.nodes.iter().zip(&self.boxes) {
            let (title, part) = node_words(node);
            put!(
                out,
                "<g class=\"node {}\"><title>{} · {}</title><rect class=\"face\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{NODE_HEIGHT}\" rx=\"3\"/>\
                 <rect class=\"edge\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"4\" height=\"{NODE_HEIGHT}\" rx=\"1.5\"/>\
                 <text class=\"title\" x=\"{tx:.1}\" y=\"{y1:.1}\">{first}</text><text class=\"small\" x=\"{tx:.1}\" y=\"{y2:.1}\">{second}</text></g>",
                node.family.class(),
                Escaped(&node.name),
                Escaped(&node.part),
                tx = x + 12.0,
                y1 = y + 18.5,
                first = Escaped(&text::fit(&title, TITLE_FONT * BOLD, wide - 20.0)),
                y2 = y + 34.0,
                second = Escaped(&text::fit(&part, 10.0, wide - 20.0)),
            );
        }
        put!(out, "</svg>");
    }
}

/// The two lines of a box.
fn node_words(node: &Node) -> (String, String) {
    let title =
        if node.devices == 1 { node.name.clone() } else { format!("{} × {}", node.name, number::count(node.devices)) };
    (title, node.part.clone())
}

/// What stands on a bundle: number, rate, medium, lengths.
fn label(edge: &Edge) -> String {
    let mut words =
        format!("{} × {} {}", number::count(edge.links), Measure::Gbps.show(edge.rate), words::medium(edge.medium));
    if edge.lengths.1 > 0.0 {
        words += &format!(", {}", Measure::Metres.range(edge.lengths.0, edge.lengths.1));
    }
    words
}
