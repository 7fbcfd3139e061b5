//! Media that the planner gives the bundled systems: counts that follow from topology, lengths, losses and prices.

mod bundle;

use std::collections::BTreeMap;

use bundle::{domain_gbps, names, reviewed, system};
use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::problem::Severity;
use lanewright_model::system::System;
use lanewright_plan::plan::Plan;
use lanewright_plan::plan_system;
use lanewright_twin::review::{LimitLine, LimitStatus};

/// Links by medium, over link sets that a filter takes.
fn by_medium(system: &System, plan: &Plan, wanted: impl Fn(&str) -> bool) -> BTreeMap<Medium, u32> {
    let mut counts = BTreeMap::new();
    for class in &plan.classes {
        let name = &system.link_sets[class.set.index()].name;
        if wanted(name) {
            let choice = class.choice.as_ref().unwrap_or_else(|| panic!("{name}: {}", class.reason));
            *counts.entry(choice.medium).or_insert(0) += class.links;
        }
    }
    counts
}

fn planned(name: &str) -> (System, Plan) {
    let system = system(name);
    let plan = plan_system(&system);
    (system, plan)
}

fn count(counts: &BTreeMap<Medium, u32>, medium: Medium) -> u32 {
    counts.get(&medium).copied().unwrap_or(0)
}

/// Every bundled system is clean: every link closes, no limit is broken or unchecked, no rack is over its feed.
#[test]
fn every_system_is_clean() {
    for name in names() {
        let review = reviewed(&name);
        let bad = |l: &&LimitLine| matches!(l.status, LimitStatus::Broken | LimitStatus::Unknown);
        let broken: Vec<_> = review.limits.iter().filter(bad).collect();
        assert!(broken.is_empty(), "{name}: {broken:?}");
        let errors: Vec<_> = review.findings.iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert!(!review.is_broken(), "{name}");
    }
}

/// A compute rack has 10 to 20 AECs from NICs to the top-of-rack switch (Credo, fiscal 2023 Q4 call).
#[test]
fn compute_rack_has_10_to_20_aecs() {
    let (system, plan) = planned("compute-rack");
    let counts = by_medium(&system, &plan, |_| true);
    assert_eq!(count(&counts, Medium::Aec), 16);
    assert_eq!(count(&counts, Medium::Dac) + count(&counts, Medium::Aoc) + count(&counts, Medium::Optics), 0);
}

/// An AI appliance rack has 56 AECs over front end and back end, and the back end 5 to 10 times the bandwidth of the
/// front end (Credo, fiscal 2023 Q4 call). Those of the back end are the planner's choice: only a gearbox joins 100G
/// lanes to 50G lanes over these lengths, and an AEC costs less than two modules.
#[test]
fn appliance_rack_has_56_aecs() {
    let (system, plan) = planned("ai-appliance-rack");
    let counts = by_medium(&system, &plan, |_| true);
    assert_eq!(count(&counts, Medium::Aec), 56);
    assert_eq!(by_medium(&system, &plan, |set| set == "back-end"), BTreeMap::from([(Medium::Aec, 32)]));
    let ratio = domain_gbps(&system, "back-end") / domain_gbps(&system, "front-end");
    assert!((5.0..=10.0).contains(&ratio), "{ratio}");
}

/// A leaf-spine rack (disaggregated chassis) has 256 AECs (Credo, fiscal 2023 Q4 call).
#[test]
fn leaf_spine_rack_has_256_aecs() {
    let (system, plan) = planned("leaf-spine-rack");
    assert_eq!(by_medium(&system, &plan, |_| true), BTreeMap::from([(Medium::Aec, 256)]));
}

/// In an AI cluster links between racks are AOCs, and there are about half as many of them as AECs (Credo, fiscal
/// 2023 Q4 call). The file leaves their medium to the planner.
#[test]
fn cluster_has_about_half_as_many_aocs_as_aecs() {
    let (system, plan) = planned("ai-cluster");
    let between_racks = by_medium(&system, &plan, |set| set.ends_with("-up"));
    assert_eq!(between_racks, BTreeMap::from([(Medium::Aoc, 352)]), "links between racks");
    let counts = by_medium(&system, &plan, |_| true);
    assert_eq!(count(&counts, Medium::Aec), 8 * 56 + 256 + 4 * 16);
    let ratio = f64::from(count(&counts, Medium::Aoc)) / f64::from(count(&counts, Medium::Aec));
    assert!((0.4..=0.6).contains(&ratio), "{ratio}");
    let bandwidth = domain_gbps(&system, "back-end") / domain_gbps(&system, "front-end");
    assert!((5.0..=10.0).contains(&bandwidth), "{bandwidth}");
}

/// Four units of SuperPOD: 1,016 links from nodes to leaves and 1,024 from leaves to spines, two to a twin-port module
/// at each end, are 508 + 508 + 1,024 = 2,040 modules (derived from table 4 of S21). Two more sit in the management
/// servers, and the 31 nodes and one or no management link on each leaf of the last unit fill 8 x 16 cages, not 8 x 15.5.
#[test]
fn superpod_modules() {
    let (system, plan) = planned("dgx-superpod-4su");
    let counts = by_medium(&system, &plan, |set| ["compute", "spine-leaf", "ufm"].contains(&set));
    assert_eq!(counts, BTreeMap::from([(Medium::Optics, 1016 + 1024 + 4)]));
    let modules: f64 = plan.bom.iter().filter(|line| line.kind == Kind::Module).map(|line| line.count).sum();
    assert!((modules - (2040.0 + 2.0 + 4.0)).abs() < 1e-6, "{modules} modules");
}

/// NVL72: all NVLinks on the copper cartridge, and a rack of about 120 kW [S108] within its 132 kW feed.
#[test]
fn nvl72_copper_and_power() {
    let (system, plan) = planned("gb200-nvl72");
    assert_eq!(by_medium(&system, &plan, |set| set == "nvlink"), BTreeMap::from([(Medium::Backplane, 1296)]));
    let rack = plan.power.racks.iter().find(|r| r.name == "nvl72").expect("rack");
    assert!((115e3..=125e3).contains(&rack.power.likely), "{:?}", rack.power);
    assert!(rack.power.high <= 132e3, "{:?}", rack.power);
}

/// Trainium2: copper between the racks, no optics [S113].
#[test]
fn ultraserver_z_rings_are_aecs() {
    let (system, plan) = planned("trn2-ultraserver");
    assert_eq!(by_medium(&system, &plan, |set| set == "z-ring"), BTreeMap::from([(Medium::Aec, 64)]));
    assert_eq!(count(&by_medium(&system, &plan, |_| true), Medium::Optics), 0);
}

/// TPU v4: passive copper in the cubes, optics to the circuit switches [S119] [S120].
#[test]
fn tpu_pod_copper_and_optics() {
    let (system, plan) = planned("tpu-v4-pod");
    let expected = BTreeMap::from([(Medium::Dac, 9216), (Medium::Optics, 6144)]);
    assert_eq!(by_medium(&system, &plan, |_| true), expected);
}
