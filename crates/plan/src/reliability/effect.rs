//! What a failure of a part takes down, and how soon it must be repaired.

use std::collections::HashMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{DomainId, PartId, System};

use super::availability::is_scale_up;
use crate::ends::Ends;
use crate::graph::DomainGraph;
use crate::plan::{LinkClass, Urgency};

/// Effect of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// How soon it must be repaired.
    pub urgency: Urgency,
    /// What it takes down.
    pub text: String,
}

/// Effects by part; the most urgent use of a part speaks for it.
#[derive(Default)]
pub struct Effects {
    by_part: HashMap<PartId, Effect>,
}

impl Effects {
    /// The effect of a part's failure.
    pub fn of(&self, system: &System, ends: &Ends<'_>, part: PartId) -> Effect {
        self.by_part.get(&part).cloned().unwrap_or_else(|| by_nature(system, ends, part))
    }

    fn add(&mut self, part: PartId, urgency: Urgency, text: impl FnOnce() -> String) {
        match self.by_part.get_mut(&part) {
            Some(known) if known.urgency <= urgency => {}
            Some(known) => *known = Effect { urgency, text: text() },
            None => {
                self.by_part.insert(part, Effect { urgency, text: text() });
            }
        }
    }

    /// Adds what the parts of one domain do when they fail.
    pub fn add_domain(
        &mut self,
        ends: &Ends<'_>,
        domain: DomainId,
        graph: &DomainGraph,
        classes: &[LinkClass],
        class_of_link: &[u32],
    ) {
        let system = ends.system;
        let scale_up = is_scale_up(system, domain);
        let demand = system.domains[domain.index()].demand.as_ref();
        let spare_links = demand.map_or(0, |d| d.spare_links_per_accelerator);
        let needed = demand.and_then(|d| d.accelerators_needed.as_ref()).map(|n| n.value);
        let (component, count) = graph.components();
        let mut accelerators = vec![0_u32; count as usize];
        for (node, component) in component.iter().enumerate() {
            accelerators[*component as usize] += u32::from(graph.kind[node] == Kind::Accelerator);
        }
        let mut classes_seen = vec![false; classes.len()];
        // Devices of one set stand in the same place of the network; one of them speaks for all.
        let mut sets_seen = std::collections::HashSet::new();
        for node in 0..graph.len() as u32 {
            let total = accelerators[component[node as usize] as usize];
            let spare_accelerators = total.saturating_sub(needed.unwrap_or(total));
            let part = graph.part[node as usize];
            let kind = graph.kind[node as usize];
            for &(to, link) in graph.neighbours(node) {
                let class = class_of_link[link as usize] as usize;
                if std::mem::replace(&mut classes_seen[class], true) {
                    continue;
                }
                let end = end_of(graph, node, to);
                let links = graph.neighbours(end).len() as u32;
                let name = kind_name(graph.kind[end as usize]);
                let (urgency, text) = if scale_up && graph.kind[end as usize] == Kind::Accelerator {
                    if spare_links > 0 {
                        (Urgency::Planned, format!("one of {links} links of an accelerator, {spare_links} to spare"))
                    } else if spare_accelerators > 0 {
                        (Urgency::Soon, format!("one accelerator of {total}, {spare_accelerators} to spare"))
                    } else {
                        (
                            Urgency::Urgent,
                            format!("one of {links} links of an accelerator, none to spare: a domain of {total}"),
                        )
                    }
                } else if links <= 1 {
                    (
                        Urgency::Urgent,
                        format!("the only link of one {name} in `{}`", system.domains[domain.index()].name),
                    )
                } else {
                    (Urgency::Soon, format!("one of {links} links of one {name}"))
                };
                for (part, _) in classes[class].choice.iter().flat_map(|c| &c.parts) {
                    self.add(*part, urgency, || text.clone());
                }
            }
            if !sets_seen.insert(system.devices[graph.device[node as usize] as usize].set) {
                continue;
            }
            match kind {
                Kind::Switch => {
                    let (urgency, text) = switch_effect(graph, node, scale_up, spare_links, total, spare_accelerators);
                    self.add(part, urgency, || text);
                }
                Kind::Accelerator if scale_up => {
                    let (urgency, text) = if spare_accelerators > 0 {
                        (Urgency::Planned, format!("one accelerator of {total}, {spare_accelerators} to spare"))
                    } else {
                        (Urgency::Urgent, format!("a domain of {total} accelerators, none to spare"))
                    };
                    self.add(part, urgency, || text);
                    self.assembly(ends, graph, node, total, spare_accelerators);
                }
                _ => {}
            }
        }
    }

    /// An assembly with a failure rate of its own takes its accelerators along.
    fn assembly(&mut self, ends: &Ends<'_>, graph: &DomainGraph, node: u32, total: u32, spare: u32) {
        let device = graph.device[node as usize];
        let Some(top) = ends.failing_assembly(device) else { return };
        let inside = graph
            .device
            .iter()
            .zip(&graph.kind)
            .filter(|(d, kind)| **kind == Kind::Accelerator && ends.failing_assembly(**d) == Some(top))
            .count() as u32;
        let part = ends.system.sets[ends.system.devices[top as usize].set.index()].part;
        let urgency = if spare >= inside { Urgency::Soon } else { Urgency::Urgent };
        self.add(part, urgency, || format!("{inside} accelerators of a domain of {total}, {spare} to spare"));
    }
}

/// The end of a link whose failure is felt: the device that is no switch, or that has fewer links.
fn end_of(graph: &DomainGraph, a: u32, b: u32) -> u32 {
    let weight = |node: u32| (graph.is_switch(node), graph.neighbours(node).len(), node);
    if weight(a) <= weight(b) { a } else { b }
}

fn switch_effect(
    graph: &DomainGraph,
    node: u32,
    scale_up: bool,
    spare_links: u32,
    total: u32,
    spare_accelerators: u32,
) -> (Urgency, String) {
    let mut shared: HashMap<u32, u32> = HashMap::new();
    for &(to, _) in graph.neighbours(node) {
        *shared.entry(to).or_default() += 1;
    }
    // The family that most of the ends belong to speaks for all.
    let mut by_kind: std::collections::BTreeMap<Kind, Vec<u32>> = std::collections::BTreeMap::new();
    for to in shared.keys().filter(|to| !graph.is_switch(**to)) {
        by_kind.entry(graph.kind[*to as usize]).or_default().push(*to);
    }
    let most = by_kind.into_iter().max_by_key(|(kind, ends)| (*kind == Kind::Accelerator, ends.len()));
    let Some((_, mut ends)) = most else {
        return (Urgency::Soon, format!("links between {} switches", graph.neighbours(node).len()));
    };
    ends.sort_unstable();
    let first = ends[0];
    let here = shared.get(&first).copied().unwrap_or(0);
    let count = ends.len() as u32;
    let all = graph.neighbours(first).len() as u32;
    let name = kind_name(graph.kind[first as usize]);
    if scale_up && graph.kind[first as usize] == Kind::Accelerator {
        if here <= spare_links {
            return (
                Urgency::Planned,
                format!("{here} of {all} links of {count} accelerators, {spare_links} to spare"),
            );
        }
        if count > spare_accelerators {
            return (Urgency::Urgent, format!("a domain of {total} accelerators"));
        }
    }
    if here >= all {
        (Urgency::Urgent, format!("{count} {name}s"))
    } else {
        (Urgency::Soon, format!("{here} of {all} links of {count} {name}s"))
    }
}

/// What a part's failure takes down where no domain says more.
fn by_nature(system: &System, ends: &Ends<'_>, id: PartId) -> Effect {
    let part = system.catalogue.part(id);
    let soon = |text: String| Effect { urgency: Urgency::Soon, text };
    match part.kind {
        Kind::Assembly => {
            let inside = ends.accelerators_inside(id);
            match inside {
                0 => soon("one server or tray".into()),
                1 => soon("one accelerator".into()),
                n => Effect { urgency: Urgency::Urgent, text: format!("{n} accelerators") },
            }
        }
        Kind::Shelf => Effect { urgency: Urgency::Planned, text: "one of several shelves of a rack".into() },
        Kind::Cpu => Effect { urgency: Urgency::Urgent, text: "the host and all devices on it".into() },
        Kind::Rack => soon("a frame".into()),
        kind => soon(format!("one {}", kind_name(kind))),
    }
}

/// A family in words.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Nic => "network card",
        Kind::Cxl => "CXL controller",
        Kind::Ssd => "drive",
        Kind::Cpu => "processor",
        Kind::Soc => "SoC",
        Kind::Memory => "memory module",
        Kind::Endpoint => "end device",
        Kind::Phy => "PHY",
        other => other.word(),
    }
}
