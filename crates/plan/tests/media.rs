//! Which medium is chosen, and why.

mod fixture;

use fixture::{star, system, system_with};
use lanewright_model::catalogue::part::Medium;
use lanewright_model::problem::Severity;
use lanewright_plan::plan::{LinkClass, Plan};
use lanewright_plan::plan_system;

/// The only class of a plan.
fn only(plan: &Plan) -> &LinkClass {
    assert_eq!(plan.classes.len(), 1, "{:?}", plan.classes.iter().map(|c| &c.reason).collect::<Vec<_>>());
    &plan.classes[0]
}

/// The longest sold length at which a cable closes between two hosts.
fn longest(part: &str) -> f64 {
    (1..=8)
        .map(|half| f64::from(half) / 2.0)
        .filter(|length| {
            let plan = plan_system(&star(1, *length, part));
            !plan.findings.iter().any(|f| f.code == "given-medium-fails")
        })
        .fold(0.0, f64::max)
}

#[test]
fn passive_copper_at_100g_lanes_ends_where_the_vendor_stops_selling() {
    assert_eq!(longest("dac/30awg"), 2.0);
    assert_eq!(longest("dac/26awg"), 3.0);
}

#[test]
fn the_loss_of_a_cable_is_hosts_plugs_and_stock() {
    let plan = plan_system(&star(1, 2.0, "dac/30awg"));
    let loss = &only(&plan).choice.as_ref().expect("a choice").loss;
    assert_eq!(loss.nyquist.0, 26.5625);
    let items: Vec<f64> = loss.items.iter().map(|i| i.loss.likely.0).collect();
    let expected = [6.0, 2.25, 18.4, 2.25, 6.0];
    assert_eq!(items.len(), expected.len());
    assert!(items.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-9), "{items:?}");
    assert!((loss.margin.likely - 0.3).abs() < 1e-9);
    assert!(loss.margin.low < 0.0 && loss.margin.high > 0.3);
}

#[test]
fn media_take_over_from_each_other_as_length_grows() {
    let medium = |length: f64| only(&plan_system(&star(4, length, "auto"))).choice.as_ref().map(|c| c.medium);
    assert_eq!(medium(1.0), Some(Medium::Dac));
    assert_eq!(medium(2.0), Some(Medium::Dac));
    // At 3 m the 26 AWG cable closes by 0.1 dB: nearly half of such links would not, and their rework costs more than
    // the AEC. Named in the file it is still taken.
    assert_eq!(medium(3.0), Some(Medium::Aec));
    let named = plan_system(&star(4, 3.0, "dac/26awg"));
    let choice = only(&named).choice.as_ref().expect("it closes");
    assert_eq!(choice.medium, Medium::Dac);
    assert!((0.4..0.5).contains(&choice.miss), "{}", choice.miss);
    assert_eq!(medium(5.0), Some(Medium::Aec));
    assert_eq!(medium(10.0), Some(Medium::Optics));
    assert_eq!(medium(400.0), Some(Medium::Optics));
    assert_eq!(medium(600.0), None);
}

#[test]
fn the_choice_follows_the_prices() {
    let dear = |price: &str| {
        let aec = include_str!("fixture/catalogue.toml");
        let start = aec.find("id = \"aec/400g\"").expect("the cable");
        let end = start + aec[start..].find("[[part]]").expect("the next part");
        let part = aec[start..end]
            .replace("aec/400g", "aec/other")
            .replace("AEC 400G", "AEC other")
            .replace("<~300 USD>", price);
        let text = r#"
[system]
name = "pair"
[[device]]
id = "a"
part = "test/host"
[[device]]
id = "b"
part = "test/host"
[[link]]
id = "net"
from = "a.port"
to = "b.port"
protocol = "ethernet/400gbase-r4"
length_m = 5.0
"#;
        let system = system_with(&format!("[[part]]\n{part}"), text);
        let plan = plan_system(&system);
        let choice = only(&plan).choice.clone().expect("a choice");
        choice.name
    };
    // A second AEC: cheaper than the first one it is taken, dearer it is not.
    assert!(dear("<~100 USD>").starts_with("AEC other"), "{}", dear("<~100 USD>"));
    assert!(dear("<~900 USD>").starts_with("AEC 400G"), "{}", dear("<~900 USD>"));
}

#[test]
fn the_reason_names_what_fell_out_and_the_next_best() {
    let plan = plan_system(&star(1, 5.0, "auto"));
    let class = only(&plan);
    assert!(class.reason.starts_with("cheapest that closes: $"), "{}", class.reason);
    assert!(
        class.reason.contains("; DAC 30 AWG, 5 m fell out") && class.reason.contains("longest sold length 4 m"),
        "{}",
        class.reason
    );
    assert!(class.alternatives.windows(2).all(|w| w[0].life_cost.likely.0 <= w[1].life_cost.likely.0));
    assert!(class.rejected.iter().any(|r| r.name.contains("LPO") && r.reason.contains("over the budget of 7.0 dB")));
}

#[test]
fn a_medium_of_the_file_restricts_the_choice_and_a_hopeless_one_is_an_error() {
    let plan = plan_system(&star(2, 1.0, "optics"));
    assert_eq!(only(&plan).choice.as_ref().map(|c| c.medium), Some(Medium::Optics));
    let plan = plan_system(&star(2, 5.0, "dac"));
    assert!(only(&plan).choice.is_none());
    let finding = plan.findings.iter().find(|f| f.code == "no-medium-closes").expect("a finding");
    assert_eq!(finding.severity, Severity::Error);
    let help = finding.help.as_deref().unwrap_or_default();
    assert!(help.contains("nearest: DAC") && help.contains("AEC 400G, 5 m closes"), "{help}");
}

#[test]
fn a_part_of_the_file_is_taken_but_checked() {
    let plan = plan_system(&star(1, 3.0, "dac/30awg"));
    assert_eq!(only(&plan).choice.as_ref().map(|c| c.medium), Some(Medium::Dac));
    let finding = plan.findings.iter().find(|f| f.code == "given-medium-fails").expect("a finding");
    assert!(finding.message.contains("loss 44.1 dB is over the budget of 35.2 dB"), "{}", finding.message);
    assert!(finding.help.as_deref().is_some_and(|h| h.contains("closes up to 2.03 m")), "{:?}", finding.help);
}

#[test]
fn a_gearboxed_cable_joins_two_lane_rates() {
    let extra = r#"
[[part]]
id = "test/old-switch"
kind = "switch"
name = "Switch of 50G lanes"
  [[part.port]]
  id = "port"
  count = 32
  lanes = 8
  protocols = ["ethernet/*"]
  cage = "qsfp-dd"
  side = "front"
  host_loss = <5.0 dB>
"#;
    let text = r#"
[system]
name = "gearbox"
[[device]]
id = "host"
part = "test/host"
[[device]]
id = "switch"
part = "test/old-switch"
[[link]]
id = "net"
from = "host.port"
to = "switch.port[0]"
protocol = "ethernet/400gbase-r4"
to_protocol = "ethernet/400gbase-r8"
length_m = 2.0
"#;
    let plan = plan_system(&system_with(extra, text));
    let choice = only(&plan).choice.as_ref().expect("a choice");
    assert_eq!(choice.parts.len(), 1);
    assert!(choice.name.starts_with("AEC 8 x 50G to 4 x 100G"), "{}", choice.name);
}

#[test]
fn twin_port_cages_share_modules_and_want_splitters() {
    let text = |length: f64| {
        format!(
            r#"
[system]
name = "twin"
[[device]]
id = "host"
part = "test/host"
count = 4
[[device]]
id = "switch"
part = "test/twin-switch"
[[link]]
id = "net"
from = "host[*].port"
to = "switch.port[0-3]"
protocol = "ethernet/400gbase-r4"
length_m = {length:?}
"#
        )
    };
    // Close by: one splitter for the two hosts on a cage, half of one for each link.
    let plan = plan_system(&system(&text(2.0)));
    let class = only(&plan);
    let choice = class.choice.as_ref().expect("a choice");
    assert_eq!(choice.name, "DAC splitter 26 AWG, 2 m");
    assert_eq!(plan.bom.iter().find(|l| l.id == "dac/splitter").map(|l| l.count), Some(2.0));
    // Far away: a twin module for every two switch ports, and a single one at each host.
    let plan = plan_system(&system(&text(40.0)));
    let count = |id: &str| plan.bom.iter().find(|l| l.id == id).map(|l| l.count);
    assert_eq!((count("optics/dr4"), count("optics/2xdr4"), count("fibre/mpo12")), (Some(4.0), Some(2.0), Some(4.0)));
}

#[test]
fn co_packaged_ports_speak_to_pluggable_modules_and_share_engines() {
    let text = r#"
[system]
name = "cpo"
[[device]]
id = "host"
part = "test/host"
count = 8
[[device]]
id = "switch"
part = "test/cpo-switch"
[[link]]
id = "net"
from = "host[*].port"
to = "switch.port[0-7]"
protocol = "ethernet/400gbase-r4"
length_m = 20.0
"#;
    let plan = plan_system(&system(text));
    let class = only(&plan);
    assert_eq!(class.choice.as_ref().map(|c| c.medium), Some(Medium::Cpo));
    let count = |id: &str| plan.bom.iter().find(|l| l.id == id).map(|l| l.count);
    assert_eq!((count("optics/dr4"), count("cpo/engine")), (Some(8.0), Some(2.0)));
}

/// A MACsec PHY at each end of a cabled link: its chips are bought, powered and passed.
#[test]
fn line_card_chips_are_counted_on_cabled_links() {
    let link = |segment: &str| {
        system(&format!(
            r#"
[system]
name = "pair"
[[part]]
id = "my/macsec"
kind = "phy"
name = "MACsec PHY"
retimer = {{ families = ["ethernet"], lane_gbps = [100.0], lanes = 8, macsec = true }}
  [part.figures]
  power = {{ value = 16, min = 16, max = 16, unit = "W", grade = "estimate", source = "test" }}
  price = {{ value = 200, min = 200, max = 200, unit = "USD", grade = "estimate", source = "test" }}
  latency = {{ value = 350, min = 150, max = 800, unit = "ns", grade = "estimate", source = "test" }}
[[device]]
id = "a"
part = "test/host"
[[device]]
id = "b"
part = "test/host"
[[link]]
id = "wire"
from = "a.port[0]"
to = "b.port[0]"
protocol = "ethernet/400gbase-r4"
length_m = 1.0
medium = "dac"
{segment}"#
        ))
    };
    let choice = |segment: &str| only(&plan_system(&link(segment))).choice.clone().expect("it closes");
    let (bare, crypted) = (choice(""), choice("[[link.segment]]\npart = \"my/macsec\"\ncount = 2\n"));
    // Four of a chip's eight lanes at each end: one chip's worth.
    assert!((crypted.power.likely.0 - bare.power.likely.0 - 16.0).abs() < 1e-9);
    assert!((crypted.capex.likely.0 - bare.capex.likely.0 - 200.0).abs() < 1e-9);
    assert!((crypted.latency.likely.0 - bare.latency.likely.0 - 700.0).abs() < 1e-9);
    assert!(crypted.name.contains("2 x MACsec PHY"), "{}", crypted.name);
    assert_eq!(crypted.loss.margin, bare.loss.margin);
}
