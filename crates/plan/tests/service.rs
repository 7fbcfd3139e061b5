//! Latency, failures, availability and effects of scale-up domains; comparison and crossover.

mod fixture;

use fixture::{catalogue, star, system};
use lanewright_model::catalogue::part::Medium;
use lanewright_model::system::Site;
use lanewright_plan::plan::{Plan, Urgency};
use lanewright_plan::{compare, crossover, plan_system};

/// Four accelerators with a link to each of four switches.
fn scale_up(domain: &str) -> Plan {
    plan_system(&system(&format!(
        r#"
[system]
name = "scale-up"
[site]
repair_hours = 10
domain_outage_usd_per_h = 1000
[[device]]
id = "gpu"
part = "test/gpu"
count = 4
[[device]]
id = "switch"
part = "test/gpu-switch"
count = 4
[[link]]
id = "nvlink"
from = "gpu[*].nvlink[*]"
to = "switch[*].nvlink[0-3]"
pattern = "leaf-spine"
per_pair = 1
protocol = "nvlink/4-x2"
medium = "pcb"
length_m = 0.3
domain = "scale-up"
[[domain]]
id = "scale-up"
{domain}
"#
    )))
}

#[test]
fn latency_is_the_sum_of_links_fec_and_switches() {
    let plan = plan_system(&star(8, 2.0, "dac/26awg"));
    assert_eq!(plan.latency.len(), 1);
    let path = &plan.latency[0];
    assert_eq!((path.switches, path.links, path.reached), (1, 2, 7));
    // Two cables of 9 ns, FEC of 100 ns on each link, a switch of 600 ns, two cards of 500 ns.
    assert!((path.total.likely - (2.0 * 9.0 + 2.0 * 100.0 + 600.0 + 2.0 * 500.0)).abs() < 1e-9, "{path:?}");
}

#[test]
fn retimed_and_optical_media_add_their_electronics() {
    let electronics = |medium: &str, length: f64| {
        let plan = plan_system(&star(2, length, medium));
        plan.latency[0].items.iter().find(|i| i.name.starts_with("cable")).map_or(0.0, |i| i.latency.likely)
    };
    assert_eq!(electronics("dac", 2.0), 0.0);
    assert_eq!(electronics("aec", 2.0), 150.0);
    assert_eq!(electronics("optics/dr4", 2.0), 320.0);
}

#[test]
fn a_domain_without_spares_is_down_when_anything_is() {
    let plan = scale_up("");
    let found = &plan.reliability.availability;
    assert_eq!(found.len(), 1);
    let (gpu, switch) = (5000e-9 * 10.0, 1000e-9 * 10.0);
    let up = |load: f64| 1.0 / (1.0 + load);
    let expected = up(gpu).powi(4) * up(switch).powi(4);
    assert!((found[0].availability.likely - expected).abs() < 1e-12);
    assert!(found[0].availability.low < expected && expected < found[0].availability.high);
    let outage = (1.0 - expected) * 8760.0 * 1000.0;
    assert!((plan.cost.outage_per_year.likely - outage).abs() < 1e-6 * outage);
    let urgency = |id: &str| plan.reliability.parts.iter().find(|p| p.id == id).map(|p| p.urgency);
    assert_eq!(urgency("test/gpu"), Some(Urgency::Urgent));
    assert_eq!(urgency("test/gpu-switch"), Some(Urgency::Urgent));
}

#[test]
fn spare_links_hide_a_switch_and_spare_accelerators_hide_one_of_them() {
    let plan = scale_up("spare_links_per_accelerator = 1\naccelerators_needed = 3");
    assert!(plan.reliability.availability[0].availability.likely > 0.999_999);
    let part = |id: &str| plan.reliability.parts.iter().find(|p| p.id == id).expect("rated");
    assert_eq!(part("test/gpu-switch").urgency, Urgency::Planned);
    assert_eq!(part("test/gpu-switch").effect, "1 of 4 links of 4 accelerators, 1 to spare");
    assert_eq!(part("test/gpu").urgency, Urgency::Planned);
}

#[test]
fn the_only_link_of_a_card_is_urgent() {
    let plan = plan_system(&star(4, 2.0, "dac/26awg"));
    let cable = plan.reliability.parts.iter().find(|p| p.id == "dac/26awg").expect("rated");
    assert_eq!(cable.urgency, Urgency::Urgent);
    assert_eq!(cable.effect, "the only link of one network card in `net`");
    let switch = plan.reliability.parts.iter().find(|p| p.id == "test/switch").expect("rated");
    assert_eq!((switch.urgency, switch.effect.as_str()), (Urgency::Urgent, "4 network cards"));
}

#[test]
fn wear_out_is_kept_apart_from_random_failures() {
    let plan = plan_system(&star(4, 20.0, "optics/dr4"));
    let worn = &plan.reliability.wearout;
    assert_eq!(worn.len(), 1);
    assert_eq!((worn[0].id.as_str(), worn[0].count), ("optics/dr4", 8.0));
    // Five years of a life of eight, shape three: 1 - exp(-(5/8)^3).
    let share = 1.0 - (-(5.0_f64 / 8.0).powi(3)).exp();
    assert!((worn[0].worn_by_end.likely - share).abs() < 1e-12);
    assert!(worn[0].replacements.likely >= 8.0 * share);
    // Random failures are those of the FIT figures alone.
    let random = plan.reliability.parts.iter().find(|p| p.id == "optics/dr4").expect("rated");
    assert!((random.failures_per_year.likely - 8.0 * 1600.0 * 8760e-9).abs() < 1e-12);
}

#[test]
fn variants_are_compared_with_the_first() {
    let systems = [star(8, 3.0, "dac/26awg"), star(8, 3.0, "aec")];
    let plans: Vec<Plan> = systems.iter().map(plan_system).collect();
    let pairs: Vec<_> = systems.iter().zip(&plans).collect();
    let comparison = compare(&pairs);
    assert_eq!(comparison.variants[0].life_delta, 0.0);
    let (dac, aec) = (&plans[0].cost, &plans[1].cost);
    assert!((comparison.variants[1].life_delta - (aec.life.likely - dac.life.likely)).abs() < 1e-9);
    let parts = &comparison.variants[1];
    let sum =
        parts.capex.likely + parts.energy.likely + parts.repair.likely + parts.wearout.likely + parts.outage.likely;
    assert!((sum - parts.life.likely).abs() < 1e-6 * sum);
}

#[test]
fn the_crossover_runs_from_copper_to_optics() {
    let rows = crossover(&catalogue(""), &Site::default(), &[100.0], &[1.0, 2.0, 3.0, 20.0, 1000.0]);
    let cheapest: Vec<Option<Medium>> = rows.iter().map(|r| r.options.first().map(|o| o.medium)).collect();
    assert_eq!(cheapest[..2], [Some(Medium::Dac), Some(Medium::Dac)]);
    assert_eq!(cheapest[2], Some(Medium::Aec));
    assert_eq!(cheapest[3], Some(Medium::Cpo), "cheaper than two modules, and both hosts may have it");
    assert!(rows[3].options.iter().any(|o| o.medium == Medium::Optics));
    assert_eq!(cheapest[4], None);
    assert!(rows[4].refused.iter().any(|(medium, why)| *medium == Medium::Optics && why.contains("reach 500 m")));
}
