//! Topology of each domain: sets of devices in tiers, links between them as bundles.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::system::{DomainId, SetId};

use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::{Family, Survey, series};
use super::text;
use super::words;
use crate::number::{self, Measure};

/// Domains drawn before the rest is folded away.
const OPEN_DOMAINS: usize = 8;

/// Devices of one role: sets of equal part and equal name up to numbers.
struct Node {
    name: String,
    part: String,
    kind: Kind,
    family: Family,
    devices: u64,
    tier: usize,
}

/// Links between two nodes of one protocol and medium.
struct Edge {
    a: usize,
    b: usize,
    /// The one of the two that the file's link table starts from.
    from: usize,
    rate: f64,
    medium: Option<Medium>,
    links: u64,
    lengths: (f64, f64),
}

struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let mut graphs: Vec<(DomainId, Graph)> = Vec::new();
    for i in 0..survey.system.domains.len() {
        let id = DomainId(i as u32);
        let graph = gather(survey, id);
        if !graph.edges.is_empty() {
            graphs.push((id, graph));
        }
    }
    if graphs.is_empty() {
        return;
    }
    // Networks first, then what is inside one box: more links say more.
    graphs.sort_by_key(|(_, graph)| std::cmp::Reverse(graph.nodes.iter().map(|n| n.tier).max()));
    page.section("topology", "Topology by domain", |out| {
        put!(
            out,
            "<p class=\"note\">Boxes are sets of equal devices; lines are bundles of links, their width growing with \
             the logarithm of the number.</p>"
        );
        let (open, folded) = graphs.split_at(graphs.len().min(OPEN_DOMAINS));
        for (domain, graph) in open {
            domain_figure(survey, *domain, graph, out);
        }
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "domain"));
            for (domain, graph) in folded {
                domain_figure(survey, *domain, graph, out);
            }
            put!(out, "</details>");
        }
    });
}

fn gather(survey: &Survey<'_>, domain: DomainId) -> Graph {
    let plan = survey.plan();
    let mut nodes: Vec<Node> = Vec::new();
    let mut by_role: BTreeMap<(u32, String), usize> = BTreeMap::new();
    let mut by_set: BTreeMap<SetId, usize> = BTreeMap::new();
    let mut edges: BTreeMap<(usize, usize, u64, Option<Medium>), Edge> = BTreeMap::new();
    for bundle in &survey.bundles {
        let Some(class) = plan.classes.get(bundle.class as usize).filter(|class| class.domain == domain) else {
            continue;
        };
        let mut node = |set: SetId| {
            *by_set.entry(set).or_insert_with(|| {
                let Some(description) = survey.system.sets.get(set.index()) else { return 0 };
                let path = survey.system.set_path(set);
                let index = *by_role.entry((description.part.0, series(&path))).or_insert_with(|| {
                    nodes.push(Node {
                        name: path,
                        part: survey.part_name(description.part).to_string(),
                        kind: survey.part(description.part).map_or(Kind::Endpoint, |part| part.kind),
                        family: survey.family(set),
                        devices: 0,
                        tier: 0,
                    });
                    nodes.len() - 1
                });
                nodes[index].devices += survey.system.set_total(set);
                index
            })
        };
        let (a, b) = (node(bundle.a), node(bundle.b));
        if nodes.len() <= a.max(b) {
            continue;
        }
        let from = a;
        let (a, b) = (a.min(b), a.max(b));
        let rate = survey.protocol(class).1;
        let medium = class.choice.as_ref().map(|choice| choice.medium);
        let lengths = (class.length_min.0, class.length_max.0);
        let edge =
            edges.entry((a, b, rate.to_bits(), medium)).or_insert(Edge { a, b, from, rate, medium, links: 0, lengths });
        edge.links += bundle.links;
        edge.lengths = (edge.lengths.0.min(lengths.0), edge.lengths.1.max(lengths.1));
    }
    let edges: Vec<Edge> = edges.into_values().collect();
    tiers(&mut nodes, &edges);
    Graph { nodes, edges }
}

/// How near to the work a kind of device is: tiers are counted from the nearest ones.
fn distance_from_work(kind: Kind) -> u8 {
    match kind {
        Kind::Accelerator | Kind::Camera | Kind::Sensor => 0,
        Kind::Soc => 1,
        Kind::Nic | Kind::Ssd | Kind::Memory | Kind::Endpoint => 2,
        Kind::Cpu => 3,
        _ => 4,
    }
}

/// Gives every node its tier: links away from the ends of the network.
fn tiers(nodes: &mut [Node], edges: &[Edge]) {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for edge in edges.iter().filter(|edge| edge.a != edge.b) {
        neighbours[edge.a].push(edge.b);
        neighbours[edge.b].push(edge.a);
    }
    let mut tier: Vec<Option<usize>> = vec![None; nodes.len()];
    for start in 0..nodes.len() {
        if tier[start].is_some() {
            continue;
        }
        // One connected piece at a time.
        let mut piece = vec![start];
        let mut at = 0;
        while at < piece.len() {
            for next in &neighbours[piece[at]] {
                if !piece.contains(next) {
                    piece.push(*next);
                }
            }
            at += 1;
        }
        // Switches alone: those that links start from are the lower ones.
        let starts = |i: usize| edges.iter().any(|e| e.from == i && e.a != e.b);
        let ends = |i: usize| edges.iter().any(|e| e.a != e.b && e.from != i && (e.a == i || e.b == i));
        let switches = piece.iter().all(|i| nodes[*i].kind == Kind::Switch);
        let directed = switches && piece.iter().any(|i| starts(*i) && !ends(*i));
        let nearest = piece.iter().map(|i| distance_from_work(nodes[*i].kind)).min().unwrap_or(0);
        let is_end = |i: usize| {
            if directed {
                return starts(i) && !ends(i);
            }
            let kind = nodes[i].kind;
            let below_switches =
                !neighbours[i].is_empty() && neighbours[i].iter().all(|n| nodes[*n].kind == Kind::Switch);
            distance_from_work(kind) == nearest || (below_switches && distance_from_work(kind) < 3)
        };
        let mut front: Vec<usize> = piece.iter().copied().filter(|i| is_end(*i)).collect();
        let mut depth = 0;
        while !front.is_empty() {
            for i in &front {
                tier[*i] = Some(depth);
            }
            depth += 1;
            let mut next: Vec<usize> =
                front.iter().flat_map(|i| neighbours[*i].iter().copied()).filter(|i| tier[*i].is_none()).collect();
            next.sort_unstable();
            next.dedup();
            front = next;
        }
    }
    for (node, tier) in nodes.iter_mut().zip(tier) {
        node.tier = tier.unwrap_or(0);
    }
}

fn domain_figure(survey: &Survey<'_>, domain: DomainId, graph: &Graph, out: &mut String) {
    let name = survey.domain_name(domain);
    let line = survey.plan().domains.iter().find(|line| line.domain == domain);
    put!(out, "<figure class=\"topology\"><figcaption><b>{}</b>", Name(name));
    if let Some(line) = line {
        put!(
            out,
            " <span class=\"note\">{} · {} lanes · {} per direction</span>",
            words::plural(line.links, "link"),
            number::count(line.lanes),
            Measure::Gbps.show(line.bandwidth_gbps)
        );
    }
    put!(
        out,
        "</figcaption><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Topology of {}\">",
        Escaped(name)
    );
    Drawing::of(graph).write(graph, name, out);
    put!(out, "</div></figure>");
}

/// Widest row before it breaks.
const ROW_WIDTH: f64 = 960.0;
const NODE_HEIGHT: f64 = 44.0;
const NODE_GAP: f64 = 28.0;
const LABEL_HEIGHT: f64 = 19.0;
const LABEL_GAP: f64 = 14.0;
const LABEL_FONT: f64 = 11.0;
/// Free height above and below the labels between two tiers, for the lines to turn.
const TURN: f64 = 26.0;

/// Where everything goes.
struct Drawing {
    width: f64,
    height: f64,
    /// Left, top and width of every node.
    boxes: Vec<(f64, f64, f64)>,
    /// Middle, top, width and words of every edge's label.
    labels: Vec<(f64, f64, f64, String)>,
}

/// Breaks items of given widths into rows.
fn rows(widths: &[(usize, f64)], gap: f64) -> Vec<Vec<(usize, f64)>> {
    let mut rows: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut used = 0.0;
    for (item, width) in widths {
        if rows.is_empty() || used + gap + width > ROW_WIDTH {
            rows.push(Vec::new());
            used = 0.0;
        }
        used += width + gap;
        if let Some(row) = rows.last_mut() {
            row.push((*item, *width));
        }
    }
    rows
}

fn row_width(row: &[(usize, f64)], gap: f64) -> f64 {
    row.iter().map(|(_, width)| width).sum::<f64>() + gap * row.len().saturating_sub(1) as f64
}

impl Drawing {
    /// Tiers from the bottom up; between two of them the labels of the bundles that pass there, each in a place
    /// of its own through which its line runs, so that no two can meet.
    fn of(graph: &Graph) -> Self {
        let tiers = graph.nodes.iter().map(|node| node.tier).max().unwrap_or(0) + 1;
        let words: Vec<String> = graph.edges.iter().map(label).collect();
        let width_of_label = |i: usize| text::width(&words[i], LABEL_FONT) + 14.0;
        let width_of_node = |node: &Node| {
            let (title, part) = node_words(node);
            (text::width(&title, 12.5).max(text::width(&part, 10.0)) + 26.0).clamp(110.0, 250.0)
        };
        let node_rows: Vec<Vec<Vec<(usize, f64)>>> = (0..tiers)
            .map(|tier| {
                let of_tier = graph.nodes.iter().enumerate().filter(|(_, node)| node.tier == tier);
                rows(&of_tier.map(|(i, node)| (i, width_of_node(node))).collect::<Vec<_>>(), NODE_GAP)
            })
            .collect();
        // An edge's label stands above the lower of its tiers; links of a set with itself above their own tier.
        let level = |edge: &Edge| graph.nodes[edge.a].tier.min(graph.nodes[edge.b].tier);
        let mut label_rows: Vec<Vec<Vec<(usize, f64)>>> = Vec::new();
        for tier in 0..tiers {
            let mut of_tier: Vec<usize> = (0..graph.edges.len()).filter(|i| level(&graph.edges[*i]) == tier).collect();
            let order = |i: &usize| {
                let edge = &graph.edges[*i];
                (edge.a + edge.b, edge.a, edge.b)
            };
            of_tier.sort_by_key(order);
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
                y += TURN;
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

    fn write(&self, graph: &Graph, name: &str, out: &mut String) {
        put!(
            out,
            "<svg viewBox=\"0 0 {0:.0} {1:.0}\" width=\"{0:.0}\" height=\"{1:.0}\" role=\"img\" aria-label=\"{2}: ",
            self.width,
            self.height,
            Escaped(name)
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
                first = Escaped(&text::fit(&title, 12.5, wide - 20.0)),
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
