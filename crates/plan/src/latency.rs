//! One-way latency of every class of path.
//!
//! For each domain and each part that data comes from, the paths of fewest links from the first such device to
//! all others are found, and put into classes by the far end's part, the switches and the links
//! passed. Each class is shown by its slowest path. Switches and CPUs pass traffic on; other devices do so
//! only where not all ends can be reached otherwise (a torus), and network cards never do. An optical circuit
//! switch (tag `ocs`) is taken to join any two of its ports, and ends no FEC.
//!
//! Data comes from cameras and sensors where a domain has any (and never goes to them), else from accelerators,
//! processors and SoCs, else from every end.

use std::collections::{BTreeMap, HashSet, VecDeque};

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{DomainId, PartId, System};

use crate::amount::Amount;
use crate::ends::NONE;
use crate::graph::DomainGraph;
use crate::plan::{LatencyItem, LinkClass, PathClass};

/// Latencies of the links of each class and of the parts passed.
pub struct LatencyTable<'a> {
    system: &'a System,
    links: Vec<LinkLatency>,
    classes: &'a [LinkClass],
    class_of_link: &'a [u32],
}

/// Latency of one link, taken apart; nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct LinkLatency {
    propagation: Amount,
    electronics: Amount,
    retimers: Amount,
    macsec: Amount,
    fec: Amount,
}

impl LinkLatency {
    fn likely(&self) -> f64 {
        self.propagation.likely + self.electronics.likely + self.retimers.likely + self.macsec.likely + self.fec.likely
    }
}

impl<'a> LatencyTable<'a> {
    /// Latencies for the choices of a plan.
    pub fn new(system: &'a System, classes: &'a [LinkClass], class_of_link: &'a [u32]) -> Self {
        let links = classes
            .iter()
            .map(|class| {
                let amounts = class.choice.as_ref().map(|c| c.amounts).unwrap_or_default();
                let set = &system.link_sets[class.set.index()];
                // Where a gearboxed cable joins two lane rates, the slower end's code words take longer.
                let fec = [set.protocol, set.to_protocol]
                    .into_iter()
                    .filter_map(|p| system.catalogue.technology(p).fec_latency.as_ref())
                    .map(Amount::of)
                    .max_by(|x, y| x.likely.total_cmp(&y.likely));
                LinkLatency {
                    propagation: amounts.propagation,
                    electronics: amounts.electronics,
                    retimers: amounts.retimers,
                    macsec: amounts.macsec,
                    fec: fec.unwrap_or_default(),
                }
            })
            .collect();
        Self { system, links, classes, class_of_link }
    }

    /// Path classes of one domain. Parts that are passed and have no latency figure are added to `unknown`.
    pub fn paths(&self, domain: DomainId, graph: &DomainGraph, unknown: &mut HashSet<PartId>) -> Vec<PathClass> {
        let only_switches = graph.kind.iter().all(|k| *k == Kind::Switch);
        let is_end = |node: u32| only_switches || !graph.is_switch(node);
        let hosts_pass = |node: u32| matches!(graph.kind[node as usize], Kind::Switch | Kind::Cpu);
        let all_pass = |node: u32| {
            !matches!(graph.kind[node as usize], Kind::Nic | Kind::Ssd) && !senses(graph.kind[node as usize])
        };
        let sensing = graph.kind.iter().any(|k| senses(*k));
        let computing = graph.kind.iter().any(|k| computes(*k));
        let is_source = |node: u32| match (sensing, computing) {
            (true, _) => senses(graph.kind[node as usize]),
            (false, true) => computes(graph.kind[node as usize]),
            (false, false) => is_end(node),
        };
        let (component, count) = graph.components();
        let mut ends_in = vec![0_u64; count as usize];
        for node in 0..graph.len() as u32 {
            ends_in[component[node as usize] as usize] += u64::from(is_end(node));
        }
        let mut seen = HashSet::new();
        let mut classes = Vec::new();
        for node in 0..graph.len() as u32 {
            if is_source(node) && seen.insert(graph.part[node as usize]) {
                let mut found = self.from(domain, graph, node, &is_end, &hosts_pass, unknown);
                let reached: u64 = found.iter().map(|(_, c)| c.reached).sum();
                if reached + 1 < ends_in[component[node as usize] as usize] {
                    found = self.from(domain, graph, node, &is_end, &all_pass, unknown);
                }
                classes.extend(found.into_iter().filter(|(to, _)| !senses(*to)).map(|(_, class)| class));
            }
        }
        classes
    }

    fn from(
        &self,
        domain: DomainId,
        graph: &DomainGraph,
        first: u32,
        is_end: &dyn Fn(u32) -> bool,
        passes: &dyn Fn(u32) -> bool,
        unknown: &mut HashSet<PartId>,
    ) -> Vec<(Kind, PathClass)> {
        let mut steps = vec![Step::default(); graph.len()];
        steps[first as usize] = Step { from: first, link: NONE, links: 0, switches: 0, likely: 0.0 };
        let mut open = VecDeque::from([first]);
        // Class: part at the far end, switches, links; with how many and the slowest.
        let mut groups: BTreeMap<(PartId, u32, u32), (u64, u32)> = BTreeMap::new();
        while let Some(node) = open.pop_front() {
            let here = steps[node as usize];
            if node != first && is_end(node) {
                let key = (graph.part[node as usize], here.switches, here.links);
                let group = groups.entry(key).or_insert((0, node));
                group.0 += 1;
                if here.likely > steps[group.1 as usize].likely {
                    group.1 = node;
                }
            }
            if node != first && !passes(node) {
                continue;
            }
            let passed =
                if node == first { 0.0 } else { self.device(graph.part[node as usize]).map_or(0.0, |a| a.likely) };
            let switches = here.switches + u32::from(node != first && graph.is_switch(node));
            for &(to, link) in graph.neighbours(node) {
                let likely = here.likely + passed + self.links[self.class_of_link[link as usize] as usize].likely();
                let there = &mut steps[to as usize];
                if there.from == NONE {
                    *there = Step { from: node, link, links: here.links + 1, switches, likely };
                    open.push_back(to);
                }
            }
        }
        groups
            .into_iter()
            .map(|((to, switches, links), (reached, slowest))| {
                let items = self.items(graph, &steps, first, slowest, unknown);
                let name = |part: PartId| self.system.catalogue.part(part).name.clone();
                let kind = |part: PartId| self.system.catalogue.part(part).kind;
                let class = PathClass {
                    domain: self.system.domains[domain.index()].name.clone(),
                    from: name(graph.part[first as usize]),
                    to: name(to),
                    kinds: (kind(graph.part[first as usize]), kind(to)),
                    switches,
                    links,
                    reached,
                    total: items.iter().map(|i| Amount::from(i.latency)).sum::<Amount>().total(),
                    items,
                };
                (kind(to), class)
            })
            .collect()
    }

    /// Latency of a part that is passed, if the catalogue gives it.
    fn device(&self, part: PartId) -> Option<Amount> {
        self.system.catalogue.part(part).figures.latency.as_ref().map(Amount::of)
    }

    /// Whether a part is an optical circuit switch.
    fn is_circuit(&self, part: PartId) -> bool {
        self.system.catalogue.part(part).tags.iter().any(|tag| tag == "ocs")
    }

    /// Pieces of the path that ends at a node.
    fn items(
        &self,
        graph: &DomainGraph,
        steps: &[Step],
        first: u32,
        last: u32,
        unknown: &mut HashSet<PartId>,
    ) -> Vec<LatencyItem> {
        let mut sum = LinkLatency::default();
        let (mut switches, mut others, mut cards) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
        let mut codes: Vec<&str> = Vec::new();
        let mut node = last;
        while node != first {
            let step = steps[node as usize];
            let class = self.class_of_link[step.link as usize] as usize;
            let link = &self.links[class];
            sum.propagation += link.propagation;
            sum.electronics += link.electronics;
            sum.retimers += link.retimers;
            sum.macsec += link.macsec;
            let before = step.from;
            // Code words are checked at the end of a link, in either direction; light passes a circuit switch.
            if !self.is_circuit(graph.part[node as usize]) {
                sum.fec += link.fec;
            }
            let code = self.system.catalogue.technology(self.classes[class].protocol).fec.as_deref();
            if let Some(code) = code.filter(|c| !codes.contains(c)) {
                codes.push(code);
            }
            if before != first {
                let part = graph.part[before as usize];
                match self.device(part) {
                    Some(latency) if graph.is_switch(before) => switches += latency,
                    Some(latency) => others += latency,
                    None => {
                        unknown.insert(part);
                    }
                }
            }
            node = before;
        }
        for end in [first, last] {
            if graph.kind[end as usize] == Kind::Nic {
                match self.device(graph.part[end as usize]) {
                    Some(latency) => cards += latency,
                    None => {
                        unknown.insert(graph.part[end as usize]);
                    }
                }
            }
        }
        let fec = if codes.is_empty() { "FEC".to_owned() } else { format!("FEC, {}", codes.join(" and ")) };
        [
            ("propagation".to_owned(), sum.propagation),
            ("cable and module electronics".to_owned(), sum.electronics),
            (fec, sum.fec),
            ("retimers".to_owned(), sum.retimers),
            ("MACsec".to_owned(), sum.macsec),
            ("switches".to_owned(), switches),
            ("devices passed".to_owned(), others),
            ("network cards".to_owned(), cards),
        ]
        .into_iter()
        .filter(|(_, latency)| latency.high > 0.0)
        .map(|(name, latency)| LatencyItem { name, latency: latency.total() })
        .collect()
    }
}

/// Whether data comes from a device of this family and never goes to it.
fn senses(kind: Kind) -> bool {
    matches!(kind, Kind::Camera | Kind::Sensor)
}

/// Whether a device of this family computes.
fn computes(kind: Kind) -> bool {
    matches!(kind, Kind::Accelerator | Kind::Cpu | Kind::Soc)
}

/// How a node was reached.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: u32,
    link: u32,
    links: u32,
    switches: u32,
    likely: f64,
}

impl Default for Step {
    fn default() -> Self {
        Self { from: NONE, link: NONE, links: 0, switches: 0, likely: 0.0 }
    }
}
