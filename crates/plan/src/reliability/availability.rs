//! Availability of scale-up domains.
//!
//! An instance of a domain (a connected piece of it) is in service while enough of its accelerators are.
//! Everything fails independently and is repaired in its own time; in steady state a part is out for
//! `rate * repair / (1 + rate * repair)` of the time.
//!
//! - An accelerator is lost when it fails itself or when more of its links are down than it has to spare.
//! - Where the accelerators' assembly has a failure rate of its own, its failure loses all those in it.
//! - A failed switch takes the links to it from every accelerator; as many failed switches are borne as the
//!   spare links allow, and one more ends service.
//! - Service needs at least `accelerators_needed` of the accelerators (all, if the file does not say).

use std::collections::{BTreeMap, HashMap};

use lanewright_model::catalogue::part::Kind;
use lanewright_model::figure::Band;
use lanewright_model::system::{DomainId, PartId, System};
use lanewright_model::units::{Fit, HOURS_PER_YEAR};

use super::chances::{binomial, unavailability};
use crate::amount::Amount;
use crate::ends::Ends;
use crate::graph::DomainGraph;
use crate::plan::{Availability, LinkClass};
use crate::rates::Rates;

/// Whether a domain is one whose accelerators work as one: it is named so, or the file says what it must
/// withstand.
pub fn is_scale_up(system: &System, domain: DomainId) -> bool {
    let domain = &system.domains[domain.index()];
    domain.demand.is_some() || domain.name.contains("scale-up")
}

/// What is in one instance of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Make {
    accelerators: u32,
    accelerator: PartId,
    /// Accelerators in each assembly that fails as one; 1 where they fail alone.
    together: u32,
    assembly: Option<PartId>,
    switches: u32,
    switch: Option<PartId>,
    /// Links of one accelerator.
    links: u32,
    /// Links of one accelerator to one switch.
    links_to_switch: u32,
    /// Class of the accelerators' links.
    class: u32,
}

/// Availability of every kind of instance of a scale-up domain.
pub fn availability(
    ends: &Ends<'_>,
    domain: DomainId,
    graph: &DomainGraph,
    classes: &[LinkClass],
    class_of_link: &[u32],
    rates: &Rates,
) -> Vec<Availability> {
    let system = ends.system;
    let demand = system.domains[domain.index()].demand.as_ref();
    let spare = demand.map_or(0, |d| d.spare_links_per_accelerator);
    makes(ends, graph, class_of_link)
        .into_iter()
        .map(|(make, instances)| {
            let needed = demand
                .and_then(|d| d.accelerators_needed.as_ref())
                .map_or(make.accelerators, |n| n.value.min(make.accelerators));
            let at = |end: fn(&Amount) -> f64| {
                let rate = |id: Option<PartId>| {
                    let figures = id.map(|id| &system.catalogue.part(id).figures);
                    let fit = figures.and_then(|f| f.fit.as_ref()).map(Amount::of);
                    let repair = figures.and_then(|f| f.repair_time.as_ref()).map_or(rates.repair_hours, Amount::of);
                    unavailability(Fit(fit.map_or(0.0, |f| end(&f))), end(&repair))
                };
                let class = classes.get(make.class as usize);
                let cable = class.and_then(|c| c.choice.as_ref()).map_or(0.0, |choice| end(&choice.amounts.fit));
                let repair = class
                    .and_then(|c| c.choice.as_ref())
                    .and_then(|choice| choice.parts.first())
                    .and_then(|(id, _)| system.catalogue.part(*id).figures.repair_time.as_ref())
                    .map_or(rates.repair_hours, Amount::of);
                let link = unavailability(Fit(cable), end(&repair));
                let alone = if make.assembly.is_some() { 0.0 } else { rate(Some(make.accelerator)) };
                in_service(&make, needed, spare, alone, rate(make.assembly), rate(make.switch), link)
            };
            let band = Band { low: at(|a| a.high), likely: at(|a| a.likely), high: at(|a| a.low) };
            Availability {
                domain: system.domains[domain.index()].name.clone(),
                accelerators: make.accelerators,
                needed,
                instances,
                availability: band,
                down_hours_per_year: (1.0 - band.likely) * HOURS_PER_YEAR,
            }
        })
        .collect()
}

/// Chance that an instance is in service, from the shares of time that its parts are out.
fn in_service(make: &Make, needed: u32, spare: u32, accelerator: f64, assembly: f64, switch: f64, link: f64) -> f64 {
    let up = |chances: Vec<f64>| chances.into_iter().sum::<f64>().clamp(0.0, 1.0);
    let links_lost = 1.0 - up(binomial(make.links, link, spare));
    let lost = 1.0 - (1.0 - accelerator) * (1.0 - links_lost);
    let borne = spare.checked_div(make.links_to_switch).unwrap_or(0);
    let switches_up = up(binomial(make.switches, switch, borne));
    let together = make.together.max(1);
    let assemblies = make.accelerators / together;
    let enough = |left: u32| if left < needed { 0.0 } else { up(binomial(left, lost, left - needed)) };
    let accelerators_up = if make.assembly.is_none() {
        enough(make.accelerators)
    } else {
        let most = (make.accelerators - needed) / together;
        binomial(assemblies, assembly, most)
            .into_iter()
            .enumerate()
            .map(|(failed, chance)| chance * enough(make.accelerators - failed as u32 * together))
            .sum()
    };
    (switches_up * accelerators_up).clamp(0.0, 1.0)
}

/// Kinds of instances with their numbers.
fn makes(ends: &Ends<'_>, graph: &DomainGraph, class_of_link: &[u32]) -> BTreeMap<Make, u32> {
    let (component, count) = graph.components();
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); count as usize];
    for (node, component) in component.iter().enumerate() {
        members[*component as usize].push(node as u32);
    }
    let mut found = BTreeMap::new();
    for nodes in members {
        if let Some(make) = make_of(ends, graph, &nodes, class_of_link) {
            *found.entry(make).or_insert(0) += 1;
        }
    }
    found
}

fn make_of(ends: &Ends<'_>, graph: &DomainGraph, nodes: &[u32], class_of_link: &[u32]) -> Option<Make> {
    let is = |node: &&u32, kinds: &[Kind]| kinds.contains(&graph.kind[**node as usize]);
    let accelerators: Vec<u32> = nodes.iter().filter(|n| is(n, &[Kind::Accelerator])).copied().collect();
    let first = *accelerators.first()?;
    let switches = nodes.iter().filter(|n| is(n, &[Kind::Switch])).count() as u32;
    let switch = nodes.iter().find(|n| is(n, &[Kind::Switch])).map(|n| graph.part[*n as usize]);
    let mut by_assembly: HashMap<u32, u32> = HashMap::new();
    for node in &accelerators {
        if let Some(top) = ends.failing_assembly(graph.device[*node as usize]) {
            *by_assembly.entry(top).or_default() += 1;
        }
    }
    let together = by_assembly.values().copied().max().unwrap_or(1);
    let assembly = ends
        .failing_assembly(graph.device[first as usize])
        .map(|device| ends.system.sets[ends.system.devices[device as usize].set.index()].part);
    let mut to_switch: HashMap<u32, u32> = HashMap::new();
    for &(to, _) in graph.neighbours(first) {
        if graph.is_switch(to) {
            *to_switch.entry(to).or_default() += 1;
        }
    }
    let link = graph.neighbours(first).first()?.1;
    Some(Make {
        accelerators: accelerators.len() as u32,
        accelerator: graph.part[first as usize],
        together,
        assembly,
        switches,
        switch,
        links: graph.neighbours(first).len() as u32,
        links_to_switch: to_switch.values().copied().max().unwrap_or(0),
        class: class_of_link[link as usize],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(accelerators: u32, links: u32, switches: u32) -> Make {
        Make {
            accelerators,
            accelerator: PartId(0),
            together: 1,
            assembly: None,
            switches,
            switch: None,
            links,
            links_to_switch: 1,
            class: 0,
        }
    }

    #[test]
    fn without_redundancy_everything_must_work() {
        let share = in_service(&make(4, 2, 2), 4, 0, 0.01, 0.0, 0.02, 0.001);
        let expected = (0.99_f64 * 0.999 * 0.999).powi(4) * 0.98 * 0.98;
        assert!((share - expected).abs() < 1e-12);
    }

    #[test]
    fn spare_links_bear_failed_links_and_switches() {
        let share = in_service(&make(2, 4, 4), 2, 1, 0.0, 0.0, 0.1, 0.1);
        let links = 0.9_f64.powi(4) + 4.0 * 0.1 * 0.9_f64.powi(3);
        assert!((share - links.powi(2) * links).abs() < 1e-12);
    }

    #[test]
    fn spare_accelerators_help_and_assemblies_fail_together() {
        let alone = in_service(&make(8, 1, 0), 8, 0, 0.01, 0.0, 0.0, 0.0);
        let one_spare = in_service(&make(8, 1, 0), 7, 0, 0.01, 0.0, 0.0, 0.0);
        assert!((alone - 0.99_f64.powi(8)).abs() < 1e-12);
        assert!((one_spare - (0.99_f64.powi(8) + 8.0 * 0.01 * 0.99_f64.powi(7))).abs() < 1e-12);
        let pairs = Make { together: 2, assembly: Some(PartId(1)), ..make(8, 1, 0) };
        let bears_a_pair = in_service(&pairs, 6, 0, 0.0, 0.01, 0.0, 0.0);
        assert!((bears_a_pair - (0.99_f64.powi(4) + 4.0 * 0.01 * 0.99_f64.powi(3))).abs() < 1e-12);
    }
}
