//! Roll-ups are sums of their parts, and grow with what is added.

mod fixture;

use fixture::{star, system, system_with};
use lanewright_plan::plan::{Plan, Total};
use lanewright_plan::plan_system;
use proptest::prelude::*;

fn close(x: f64, y: f64) -> bool {
    (x - y).abs() <= 1e-6 * (1.0 + x.abs().max(y.abs()))
}

fn sum<'a>(parts: impl Iterator<Item = &'a Total>) -> Total {
    parts.fold(Total::default(), |s, t| Total {
        low: s.low + t.low,
        likely: s.likely + t.likely,
        high: s.high + t.high,
        weak_share: 0.0,
    })
}

fn same(x: Total, y: Total) -> bool {
    close(x.low, y.low) && close(x.likely, y.likely) && close(x.high, y.high)
}

fn ordered(t: &Total) -> bool {
    t.low <= t.likely + 1e-9 && t.likely <= t.high + 1e-9 && (0.0..=1.0 + 1e-9).contains(&t.weak_share)
}

/// Every sum of a plan against its parts.
fn check(plan: &Plan) {
    let power = &plan.power;
    assert!(same(power.equipment, sum(power.by_kind.iter().map(|(_, t)| t))), "power by kind");
    let racks = sum(power.racks.iter().map(|r| &r.power).chain([&power.unplaced]));
    assert!(same(power.equipment, racks), "power by rack: {:?} {racks:?}", power.equipment);
    let cost = &plan.cost;
    assert!(same(cost.capex, sum(cost.capex_by_kind.iter().map(|(_, t)| t))), "purchase by kind");
    let bill = sum(plan.bom.iter().filter(|l| !l.inside_assembly).map(|l| &l.price));
    assert!(same(cost.capex, bill), "purchase by line");
    let opex = sum([cost.energy_per_year, cost.repair_per_year, cost.wearout_per_year].iter());
    assert!(same(cost.opex_per_year, opex), "running cost");
    let failures = &plan.reliability;
    assert!(same(failures.failures_per_year, sum(failures.by_kind.iter().map(|(_, t)| t))), "failures by kind");
    assert!(
        same(failures.failures_per_year, sum(failures.parts.iter().map(|p| &p.failures_per_year))),
        "failures by part"
    );
    for path in &plan.latency {
        assert!(same(path.total, sum(path.items.iter().map(|i| &i.latency))), "latency of a path");
    }
    for total in [power.equipment, power.site, cost.capex, cost.opex_per_year, cost.life, failures.failures_per_year] {
        assert!(ordered(&total), "{total:?}");
    }
    let links: u64 = plan.classes.iter().map(|c| u64::from(c.links)).sum();
    assert_eq!(links, plan.class_of_link.len() as u64);
    assert_eq!(links, plan.domains.iter().map(|d| d.links).sum::<u64>());
}

/// Racks with hosts under a switch at the top, joined to one spine.
fn racks(racks: u32, hosts: u32) -> String {
    format!(
        r#"
[system]
name = "racks"
[[rack]]
id = "r"
frame = "test/frame"
count = {racks}
[[device]]
id = "host"
part = "test/host"
rack = "r[*]"
per_rack = {hosts}
position_u = {{ start = 2, step = 1 }}
[[device]]
id = "tor"
part = "test/switch"
rack = "r[*]"
per_rack = 1
position_u = 40
[[device]]
id = "spine"
part = "test/switch"
rack = "r[0]"
count = 1
position_u = 42
[[link]]
id = "down"
from = "host[*].port"
to = "tor[*].port[0-{last}]"
protocol = "ethernet/400gbase-r4"
domain = "net"
[[link]]
id = "up"
from = "tor[*].port[60-61]"
to = "spine.port[0-{uplinks}]"
protocol = "ethernet/400gbase-r4"
domain = "net"
"#,
        last = hosts - 1,
        uplinks = racks * 2 - 1
    )
}

#[test]
fn inner_parts_of_an_assembly_with_figures_of_its_own_are_not_counted_again() {
    let extra = r#"
[[part]]
id = "test/box"
kind = "assembly"
name = "Box"
size_u = 4
  [part.figures]
  power = <2000 W>
  price = <100000 USD>
  [[part.device]]
  id = "cpu"
  part = "test/cpu"
  [[part.device]]
  id = "gpu"
  part = "test/gpu"
  count = 4
  [[part.link]]
  id = "pcie"
  from = "cpu.pcie[*]"
  to = "gpu[*].pcie"
  protocol = "pcie/5.0-x16"
  medium = "pcb"
  length_m = 1.5
"#;
    let plan = plan_system(&system_with(
        extra,
        "[system]\nname = \"boxes\"\n[[device]]\nid = \"box\"\npart = \"test/box\"\ncount = 3\n",
    ));
    check(&plan);
    assert!(close(plan.power.equipment.likely, 6000.0));
    assert!(close(plan.cost.capex.likely, 300_000.0));
    // The box has no failure rate of its own, so its parts keep theirs: 3 x (300 + 4 x 5000 + 4 retimers x 50).
    assert!(close(plan.reliability.failures_per_year.likely, 3.0 * 20_500.0 * 8760e-9));
    let inner = plan.bom.iter().find(|l| l.id == "test/gpu").expect("the accelerators are listed");
    assert!(inner.inside_assembly && inner.count == 12.0);
    let retimers = plan.bom.iter().find(|l| l.id == "test/retimer").expect("the retimers are listed");
    assert!(retimers.inside_assembly && retimers.count == 12.0);
}

#[test]
fn cable_power_is_drawn_half_at_each_end() {
    let plan = plan_system(&system(&racks(2, 4)));
    check(&plan);
    // Rack 0 holds the spine: a switch more than rack 1, four uplink halves more.
    let difference = plan.power.racks[0].power.likely - plan.power.racks[1].power.likely;
    let up: Vec<_> = plan.classes.iter().filter(|c| c.links == 2).collect();
    assert_eq!(up.len(), 2, "uplinks within the rack and to the other one");
    let far =
        up.iter().find(|c| c.length_max.0 > 3.0).and_then(|c| c.choice.as_ref()).expect("a choice").power.likely.0;
    let near =
        up.iter().find(|c| c.length_max.0 <= 3.0).and_then(|c| c.choice.as_ref()).expect("a choice").power.likely.0;
    assert!(close(difference, 1000.0 + 2.0 * near), "{difference} {near} {far}");
}

#[test]
fn unknown_figures_are_named_and_never_zero_in_silence() {
    let extra = "[[part]]\nid = \"test/bare\"\nkind = \"ssd\"\nname = \"Drive without figures\"\n";
    let plan = plan_system(&system_with(
        extra,
        "[system]\nname = \"bare\"\n[[device]]\nid = \"ssd\"\npart = \"test/bare\"\ncount = 5\n",
    ));
    assert_eq!(plan.cost.unpriced, vec![("test/bare".to_owned(), 5.0)]);
    assert_eq!(plan.reliability.unrated, vec![("test/bare".to_owned(), 5.0)]);
    for code in ["no-price-figure", "no-power-figure", "no-fit-figure"] {
        assert!(plan.findings.iter().any(|f| f.code == code && f.message.contains("5 x test/bare")), "{code}");
    }
}

#[test]
fn weak_shares_follow_the_grades() {
    let firm = plan_system(&system("[system]\nname = \"firm\"\n[[device]]\nid = \"host\"\npart = \"test/host\"\n"));
    assert_eq!(firm.power.equipment.weak_share, 0.0);
    assert_eq!(firm.cost.capex.weak_share, 0.0);
    // PUE and electricity are defaults of the site here, so the energy bill is weak throughout.
    assert!(close(firm.cost.energy_per_year.weak_share, 1.0));
    let aec = plan_system(&star(10, 5.0, "aec"));
    // Ten cables of 10 W, estimated, beside a switch of 1,000 W and ten hosts of 20 W.
    assert!(close(aec.power.equipment.weak_share, 100.0 / 1300.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn roll_ups_are_sums_of_their_parts(count in 1_u32..6, hosts in 1_u32..30) {
        check(&plan_system(&system(&racks(count, hosts))));
    }

    #[test]
    fn a_longer_link_never_has_more_margin(short in 0.1_f64..4.0, more in 0.0_f64..4.0) {
        for part in ["dac/30awg", "dac/26awg", "aec/400g"] {
            let margin = |length: f64| {
                plan_system(&star(1, length, part)).classes[0].choice.as_ref().map(|c| c.loss.margin.likely)
            };
            prop_assert!(margin(short + more) <= margin(short));
        }
    }

    #[test]
    fn adding_links_never_lowers_power_or_cost(count in 1_u32..60, length in 0.5_f64..400.0) {
        let (less, more) = (plan_system(&star(count, length, "auto")), plan_system(&star(count + 1, length, "auto")));
        for (x, y) in [
            (less.power.equipment, more.power.equipment),
            (less.cost.capex, more.cost.capex),
            (less.cost.life, more.cost.life),
            (less.reliability.failures_per_year, more.reliability.failures_per_year),
        ] {
            prop_assert!(x.low <= y.low && x.likely <= y.likely && x.high <= y.high);
        }
    }
}
