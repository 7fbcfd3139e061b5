//! From a system to its plan.

use std::collections::HashSet;

use lanewright_model::figure::Band;
use lanewright_model::system::System;
use lanewright_model::units::HOURS_PER_YEAR;

use crate::amount::Amount;
use crate::budget::{LossCheck, MarginCheck};
use crate::graph::DomainGraph;
use crate::latency::LatencyTable;
use crate::plan::{Availability, Plan};
use crate::rates::Rates;
use crate::reliability::{Effects, availability, is_scale_up, reliability};
use crate::{bom, classes, cost, domains, ends, findings, inventory, power};

/// Plans a system: media by loss at Nyquist, and everything that adds up from them.
pub fn plan(system: &System) -> Plan {
    plan_with(system, &LossCheck { catalogue: &system.catalogue })
}

/// Plans a system with another judge of electrical paths.
pub fn plan_with(system: &System, margin: &dyn MarginCheck) -> Plan {
    let rates = Rates::of(&system.site);
    let ends = ends::Ends::new(system);
    let classified = classes::classify(&ends, margin, &rates);
    let pieces = inventory::inventory(&ends, &classified.classes);
    let power = power::power(&ends, &classified, &pieces, &rates);
    let mut unknown = HashSet::new();
    let (mut paths, mut available, mut effects) = (Vec::new(), Vec::new(), Effects::default());
    let table = LatencyTable::new(system, &classified.classes, &classified.class_of_link);
    DomainGraph::each(&ends, |domain, graph| {
        paths.extend(table.paths(domain, graph, &mut unknown));
        effects.add_domain(&ends, domain, graph, &classified.classes, &classified.class_of_link);
        if is_scale_up(system, domain) {
            let of_link = &classified.class_of_link;
            available.extend(availability(&ends, domain, graph, &classified.classes, of_link, &rates));
        }
    });
    let outage = outage_per_year(&available, &rates);
    let cost = cost::cost(system, &pieces, &power, outage, &rates);
    let reliability = reliability(system, &ends, &pieces, &effects, available, &rates);
    let findings = findings::findings(system, &classified, &pieces, &power, &unknown);
    Plan {
        bom: bom::bom(system, &pieces),
        domains: domains::domains(system, &classified),
        classes: classified.classes,
        class_of_link: classified.class_of_link,
        length_m: classified.length_m,
        power,
        cost,
        latency: paths,
        reliability,
        findings,
    }
}

/// Expected cost of scale-up domains out of service, in US dollars a year.
fn outage_per_year(available: &[Availability], rates: &Rates) -> Amount {
    available
        .iter()
        .map(|a| {
            let out = Band {
                low: 1.0 - a.availability.high,
                likely: 1.0 - a.availability.likely,
                high: 1.0 - a.availability.low,
            };
            // Hours out of service rest on failure rates and repair times, most of which are weak.
            let hours = Amount::from_band(out.map(|share| share * HOURS_PER_YEAR * f64::from(a.instances)), true);
            hours.product(rates.outage_per_hour)
        })
        .sum()
}
