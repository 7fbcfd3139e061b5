//! Topology of each domain: sets of devices in tiers, links between them as bundles.

mod drawing;
mod tiers;

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::system::{DomainId, SetId};

use crate::number::{self, Measure};
use crate::report::escape::{Escaped, Name};
use crate::report::page::Page;
use crate::report::survey::{Family, Survey, series};
use crate::report::words;

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
        put!(out, "<div class=\"topologies\">");
        for (domain, graph) in open {
            domain_figure(survey, *domain, graph, out);
        }
        put!(out, "</div>");
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "domain"));
            put!(out, "<div class=\"topologies\">");
            for (domain, graph) in folded {
                domain_figure(survey, *domain, graph, out);
            }
            put!(out, "</div></details>");
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
    tiers::assign(&mut nodes, &edges);
    Graph { nodes, edges }
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
    drawing::Drawing::of(graph).write(graph, name, out);
    put!(out, "</div></figure>");
}

/// Sets of a domain with their tiers, by name.
#[cfg(test)]
pub fn tiers_of(survey: &Survey<'_>, domain: &str) -> Vec<(String, usize)> {
    let at = survey.system.domains.iter().position(|d| d.name == domain).unwrap_or_default();
    let graph = gather(survey, DomainId(at as u32));
    let mut list: Vec<_> = graph.nodes.into_iter().map(|node| (node.name, node.tier)).collect();
    list.sort();
    list
}
