//! Sums over domains: links, lanes, bandwidth, media.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Medium;
use lanewright_model::system::{DomainId, System};
use lanewright_model::units::Quantity;

use crate::classes::Classified;
use crate::plan::DomainPlan;

/// Sums over every domain, in the system's order. Links without a medium count in `links` alone.
pub fn domains(system: &System, classified: &Classified) -> Vec<DomainPlan> {
    let mut plans: Vec<DomainPlan> = system
        .domains
        .iter()
        .enumerate()
        .map(|(index, domain)| DomainPlan {
            domain: DomainId(index as u32),
            name: domain.name.clone(),
            links: 0,
            lanes: 0,
            bandwidth_gbps: 0.0,
            links_by_medium: Vec::new(),
        })
        .collect();
    let mut media: Vec<BTreeMap<Medium, u64>> = vec![BTreeMap::new(); plans.len()];
    for class in &classified.classes {
        let protocol = system.catalogue.protocol(class.protocol);
        let plan = &mut plans[class.domain.index()];
        plan.links += u64::from(class.links);
        plan.lanes += u64::from(class.links) * u64::from(protocol.lanes);
        plan.bandwidth_gbps += f64::from(class.links) * protocol.rate.get();
        if let Some(choice) = &class.choice {
            *media[class.domain.index()].entry(choice.medium).or_default() += u64::from(class.links);
        }
    }
    for (plan, media) in plans.iter_mut().zip(media) {
        plan.links_by_medium = media.into_iter().collect();
    }
    plans
}
