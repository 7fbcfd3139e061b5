//! From a system to its plan.

use lanewright_model::system::System;

use crate::amount::Amount;
use crate::budget::{LossCheck, MarginCheck};
use crate::plan::{Plan, Reliability};
use crate::rates::Rates;
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
    let cost = cost::cost(system, &pieces, &power, Amount::ZERO, &rates);
    let findings = findings::findings(system, &classified, &pieces, &power);
    Plan {
        bom: bom::bom(system, &pieces),
        domains: domains::domains(system, &classified),
        classes: classified.classes,
        class_of_link: classified.class_of_link,
        length_m: classified.length_m,
        power,
        cost,
        latency: Vec::new(),
        reliability: Reliability::default(),
        findings,
    }
}
