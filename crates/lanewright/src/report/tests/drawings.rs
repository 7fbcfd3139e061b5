//! What the drawings are made of: counted once, grouped right.

use super::fixture;
use crate::report::survey::{Family, Survey};
use crate::report::topology;

/// Every link is in one bundle and every rack in one group.
pub fn nothing_is_lost(survey: &Survey<'_>) {
    let links: u64 = survey.bundles.iter().map(|bundle| bundle.links).sum();
    assert_eq!(links, survey.system.links.len() as u64, "{}", survey.system.name);
    let racks: usize = survey.racks.iter().map(|group| group.racks.len()).sum();
    assert_eq!(racks, survey.system.racks.len(), "{}", survey.system.name);
}

#[test]
fn equal_racks_are_one_and_their_cables_are_counted() {
    let (system, review) = fixture::review(&|name| name.to_string());
    let survey = Survey::new(&system, &review);
    let [net, servers] = survey.racks.as_slice() else { panic!("two looks, not {}", survey.racks.len()) };
    assert_eq!((net.racks.len(), net.devices.len()), (1, 3));
    assert_eq!((servers.racks.len(), servers.devices.len()), (6, 2));
    // Two servers of eight accelerators in each rack, all cables to the other racks.
    let [trunk] = servers.trunks.as_slice() else { panic!("one run of cables") };
    assert!(trunk.key.leaving);
    assert_eq!(trunk.links, (16, 16));
    assert_eq!(trunk.taps.values().copied().collect::<Vec<_>>(), [8, 8]);
    // The rack of the switches: 40 links inside, each with two ends there; 96 from outside.
    let inside = net.trunks.iter().find(|trunk| !trunk.key.leaving).expect("uplinks stay in the rack");
    assert_eq!((inside.links, inside.taps.values().sum::<u64>()), ((40, 40), 80));
    assert!(inside.key.medium.is_none(), "60 m of copper do not close");
    let outside = net.trunks.iter().find(|trunk| trunk.key.leaving).expect("hosts are in other racks");
    assert_eq!((outside.links, outside.taps.values().sum::<u64>()), ((96, 96), 96));
}

#[test]
fn an_assembly_is_what_it_holds() {
    let (system, review) = fixture::review(&|name| name.to_string());
    let survey = Survey::new(&system, &review);
    let family = |name: &str| {
        let at = system.sets.iter().position(|set| set.name == name).expect("a set of the fixture");
        survey.family(lanewright_model::system::SetId(at as u32))
    };
    assert_eq!(family("server"), Family::Compute);
    assert_eq!(family("leaf"), Family::Switch);
}

#[test]
fn tiers_rise_from_the_accelerators() {
    let (system, review) = fixture::review(&|name| name.to_string());
    let survey = Survey::new(&system, &review);
    let tiers = topology::tiers_of(&survey, "back-end");
    assert_eq!(tiers, [("leaf".to_string(), 1), ("server.gpu".to_string(), 0), ("spine".to_string(), 2)]);
}
