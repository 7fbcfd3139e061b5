//! Figures that follow from published ones, worked out by the planner from the bundled catalogue. Source ids are
//! those of the catalogue.

mod bundle;

use bundle::{catalogue, load};
use lanewright_model::catalogue::part::Medium;
use lanewright_model::catalogue::protocol::Modulation;
use lanewright_model::system::System;
use lanewright_model::units::Gbps;
use lanewright_plan::fec;
use lanewright_plan::plan::{LinkClass, Plan};
use lanewright_plan::plan_system;

/// The one class of links of a small system.
fn only_class(plan: &Plan) -> &LinkClass {
    assert_eq!(plan.classes.len(), 1, "{:?}", plan.classes);
    &plan.classes[0]
}

fn planned(name: &str, text: &str) -> (System, Plan) {
    let system = load(name, text);
    let plan = plan_system(&system);
    (system, plan)
}

/// Loss that the catalogue gives for one group of ports of a part, SerDes bump to ball, in dB.
fn host_loss(part: &str, group: &str) -> f64 {
    let (catalogue, _) = catalogue();
    let id = catalogue.find_part(part).unwrap_or_else(|| panic!("no part {part}"));
    let group = catalogue.part(id).port.iter().find(|g| g.id.value == group).expect("port group");
    group.host_loss.as_ref().expect("host loss").band.likely.0
}

/// Loss of one piece, or of one metre, of a material at 16 GHz.
fn loss_at_16_ghz(part: &str) -> f64 {
    let (catalogue, _) = catalogue();
    let id = catalogue.find_part(part).unwrap_or_else(|| panic!("no part {part}"));
    let point = catalogue.part(id).loss.iter().find(|p| (p.at_ghz.0 - 16.0).abs() < 1e-9).expect("16 GHz");
    let each = point.each.as_ref().map_or(0.0, |f| f.band.likely.0);
    each + point.per_m.as_ref().map_or(0.0, |f| f.band.likely.0)
}

/// A board between a processor and a NIC in a slot.
fn slot(board_m: f64) -> Plan {
    let text = format!(
        r#"
        [system]
        name = "PCIe 5 slot"
        [[device]]
        id = "cpu"
        part = "intel/xeon-8480"
        [[device]]
        id = "nic"
        part = "nvidia/connectx-7"
        [[link]]
        id = "slot"
        from = "cpu.pcie[0]"
        to = "nic.pcie"
        protocol = "pcie/5.0-x16"
        medium = "pcb"
        length_m = {board_m}
          [[link.segment]]
          part = "pcb/megtron-7"
          length_m = {board_m}
          [[link.segment]]
          part = "connector/cem"
        "#
    );
    planned("slot.toml", &text).1
}

/// A PCIe 5 slot: processor and package 9.0 dB, slot connector 1.5 dB, 16 dB of system board [S18] and 9.5 dB of
/// add-in card [S19] are the 36 dB of the whole link [S18]. S18 wants 4 to 7 dB of them kept in hand, so the planner
/// puts a retimer or redriver on such a board, and none on one that leaves as much.
#[test]
fn pcie5_chain_of_36_db() {
    assert!((host_loss("intel/xeon-8480", "pcie") - 9.0).abs() < 1e-9);
    assert!((loss_at_16_ghz("connector/cem") - 1.5).abs() < 1e-9);
    assert!((host_loss("nvidia/connectx-7", "pcie") - 9.5).abs() < 1e-9);
    let per_m = loss_at_16_ghz("pcb/megtron-7");

    let full = slot(16.0 / per_m);
    let class = only_class(&full);
    assert!(
        class.rejected.iter().any(|r| r.reason.contains("36.0 dB") || r.reason.contains("36 dB")),
        "without a retimer the whole budget is used up: {:?}",
        class.rejected
    );
    assert!(class.choice.as_ref().expect("closes with help").retimers >= 1);

    let shorter = slot((16.0 - 5.5) / per_m);
    let choice = only_class(&shorter).choice.as_ref().expect("closes");
    assert_eq!(choice.retimers, 0);
    assert!((choice.loss.budget.likely.0 - 36.0).abs() < 1e-6);
    assert!((choice.loss.margin.likely - 5.5).abs() < 1e-6, "{}", choice.loss.margin.likely);
}

/// ConnectX-8: card 5 dB, harness with both connectors 3.5 dB, auxiliary card 2.5 dB; 11 dB in all at 16 GHz [S19].
#[test]
fn connectx_8_split_of_11_db() {
    assert!((host_loss("nvidia/connectx-8", "pcie") - 5.0).abs() < 1e-9);
    // The harness's length follows from its budget less two connectors; the planner must then find 11 dB.
    let length = (3.5 - 2.0 * loss_at_16_ghz("connector/mcio")) / loss_at_16_ghz("twinax/30awg");
    let (_, plan) = planned(
        "harness.toml",
        &format!(
            r#"
            [system]
            name = "ConnectX-8 with its auxiliary card"
            [[part]]
            id = "local/auxiliary-card"
            kind = "endpoint"
            name = "Auxiliary card"
              [[part.port]]
              id = "pcie"
              lanes = 16
              protocols = ["pcie/5.0-x16"]
              host_loss = {{ value = 2.5, min = 2.5, max = 2.5, unit = "dB", grade = "datasheet", source = "S19" }}
            [[device]]
            id = "nic"
            part = "nvidia/connectx-8"
            [[device]]
            id = "card"
            part = "local/auxiliary-card"
            [[link]]
            id = "harness"
            from = "nic.pcie[0]"
            to = "card.pcie"
            protocol = "pcie/5.0-x16"
            medium = "pcb"
            length_m = {length}
              [[link.segment]]
              part = "connector/mcio"
              count = 2
              [[link.segment]]
              part = "twinax/30awg"
              length_m = {length}
            "#
        ),
    );
    let choice = only_class(&plan).choice.as_ref().expect("closes");
    let total: f64 = choice.loss.items.iter().map(|i| i.loss.likely.0).sum();
    assert!((total - 11.0).abs() < 1e-6, "{total} dB");
}

/// Two switches joined by an 800G passive cable of one gauge and length, sold in any length.
fn passive(awg: u32, length: f64) -> LinkClass {
    let (_, plan) = planned(
        "passive.toml",
        &format!(
            r#"
            [system]
            name = "Passive cable"
            [[part]]
            id = "local/dac"
            kind = "cable"
            name = "800G passive cable"
              [part.figures]
              price = {{ value = 200, min = 150, max = 300, unit = "USD", grade = "estimate", source = "estimate" }}
              [part.cable]
              medium = "dac"
              families = ["ethernet"]
              lane_gbps = [100.0]
              lanes = 8
              plugs = ["osfp"]
              stock = "twinax/{awg}awg"
              lengths_m = [{length}]
            [[device]]
            id = "switch"
            part = "nvidia/sn5600"
            count = 2
            [[link]]
            id = "cable"
            from = "switch[0].port[0]"
            to = "switch[1].port[0]"
            protocol = "ethernet/800gbase-r8"
            medium = "local/dac"
            length_m = {length}
            "#
        ),
    );
    only_class(&plan).clone()
}

/// Longest passive copper at 100 Gb/s per lane: 30 AWG to 2 m, 26 AWG to 3 m [S1] [S2].
#[test]
fn longest_passive_cables() {
    for (awg, longest) in [(30, 2.0), (26, 3.0)] {
        let sold = passive(awg, longest);
        assert!(sold.rejected.is_empty(), "{awg} AWG, {longest} m: {:?}", sold.rejected);
        assert!(sold.choice.as_ref().is_some_and(|c| c.loss.closes()), "{awg} AWG, {longest} m does not close");
        let longer = passive(awg, longest + 0.25);
        assert!(
            longer.rejected.iter().any(|r| r.medium == Medium::Dac && r.reason.starts_with("loss")),
            "{awg} AWG, {} m closes: {:?}",
            longest + 0.25,
            longer.choice
        );
    }
}

/// Filling a code word at 106.25 Gb/s takes 51.2 ns with KP4, RS(544,514), and 25.6 ns with the low-latency code,
/// RS(272,258) [S88] [S96]; the FEC latency that the planner counts for a lane of that rate is no less.
#[test]
fn code_word_fill() {
    let (catalogue, _) = catalogue();
    let r1 = catalogue.find_protocol("ethernet/100gbase-r1").expect("100GBASE-R1");
    let technology = &catalogue.technologies[catalogue.protocol(r1).technology];
    let bits = match technology.modulation {
        Modulation::Pam4 => 2.0,
        other => panic!("{other:?}"),
    };
    let line = Gbps(technology.symbol_gbd.0 * bits);
    assert!((line.0 - 106.25).abs() < 1e-9, "{line:?}");
    let symbols = |name: &str| fec::CODES.iter().find(|c| c.0 == name).expect("code").1;
    let kp4 = fec::fill(symbols("KP4"), line).0;
    assert!((kp4 - 51.2).abs() < 1e-9, "{kp4} ns");
    let low_latency = fec::fill(symbols("LL"), line).0;
    assert!((low_latency - 25.6).abs() < 1e-9, "{low_latency} ns");
    let counted = technology.fec_latency.as_ref().expect("FEC latency").band;
    assert!(counted.low.0 >= kp4, "{counted:?}");
}

/// Power of a module per bit moved, in pJ: watts over Tb/s.
fn picojoules_per_bit(part: &str, gbps: f64) -> f64 {
    let (catalogue, _) = catalogue();
    let id = catalogue.find_part(part).unwrap_or_else(|| panic!("no part {part}"));
    catalogue.part(id).figures.power_per_end.as_ref().expect("power").band.likely.0 / gbps * 1000.0
}

/// Pluggable against co-packaged optics at 1.6T: 30 W and 9 W [S13] [S14] are 18.75 and 5.625 pJ/bit [S43].
#[test]
fn co_packaged_energy_per_bit() {
    assert!((picojoules_per_bit("nvidia/cpo-engine-1.6t", 1600.0) - 5.625).abs() < 1e-9);
    // The catalogue's pluggable has the 25 W of a deployed module [S46]; NVIDIA's comparison of 30 W is its high end.
    let (catalogue, _) = catalogue();
    let id = catalogue.find_part("optics/1.6t-dr8-osfp224").expect("1.6T module");
    let power = catalogue.part(id).figures.power_per_end.as_ref().expect("power").band;
    assert!((power.high.0 / 1.6 - 18.75).abs() < 1e-9, "{power:?}");
}

/// Meta's Llama 3 405B run: 35 of 419 interruptions from switches and cables on 16,384 GPUs in 54 days [S104]; that
/// is 1,650 FIT of network per GPU.
#[test]
fn llama_3_network_failures() {
    let (_, plan) = planned(
        "llama3.toml",
        r#"
        [system]
        name = "Network share of 16,384 GPUs"
        [[part]]
        id = "local/network-share"
        kind = "endpoint"
        name = "Switches and cables for one GPU"
          [part.figures]
          fit = { value = 1650, min = 1650, max = 1650, unit = "FIT", grade = "derived", source = "S104" }
        [[device]]
        id = "share"
        part = "local/network-share"
        count = 16384
        "#,
    );
    let failures = plan.reliability.failures_per_year.likely * 54.0 / 365.0;
    assert!((failures - 35.0).abs() < 0.5, "{failures} failures in 54 days");
}

/// A 320-lane PCIe 6 switch moves 5.12 TB/s, both directions together [S64] [S65].
#[test]
fn scorpio_x_bandwidth() {
    let (catalogue, _) = catalogue();
    let id = catalogue.find_part("astera/scorpio-x").expect("switch");
    let lanes: u32 = catalogue.part(id).port.iter().map(|g| g.count * g.lanes).sum();
    assert_eq!(lanes, 320);
    let x4 = catalogue.find_protocol("pcie/6.0-x4").expect("PCIe 6 x4");
    let per_lane = catalogue.protocol(x4).rate.0 / 4.0;
    let terabytes = 2.0 * f64::from(lanes) * per_lane / 8.0 / 1000.0;
    assert!((terabytes - 5.12).abs() < 1e-9, "{terabytes} TB/s");
}
