//! A small system with its review, built by hand: 12 servers in 6 racks, two leaves and a spine.

use std::sync::Arc;

use lanewright_model::catalogue::part::{Kind, Medium, Shape};
use lanewright_model::catalogue::protocol::Protocol;
use lanewright_model::catalogue::{Catalogue, CatalogueFile};
use lanewright_model::figure::Band;
use lanewright_model::problem::{Problems, Severity};
use lanewright_model::read::{Document, FromNode, Reader};
use lanewright_model::system::tables::Routing;
use lanewright_model::system::*;
use lanewright_model::text::{FileId, Span, Texts};
use lanewright_model::units::*;
use lanewright_plan::plan::*;
use lanewright_twin::review::*;

const SPAN: Span = Span { file: FileId(0), start: 0, end: 0 };
const SERVERS: u32 = 12;
const GPUS: u32 = 8;

/// The parts, in the order of their ids: the numbers below are their places.
const PARTS: &str = r#"
[[source]]
id = "S1"
title = "Datasheet of the leaf switch"
address = "https://example.org/leaf?a=1&b=2"
[[source]]
id = "estimate"
title = "Engineering estimate"
[[technology]]
id = "ethernet/100g-lane"
family = "ethernet"
name = "100G lanes"
lane_gbps = 100
symbol_gbd = 53.125
modulation = "pam4"
loss_budget = { value = 28, min = 28, max = 28, unit = "dB", grade = "datasheet", source = "S1" }
member = [{ id = "ethernet/400gbase-r4", lanes = 4 }]
[[part]]
id = "acme/aec"
kind = "cable"
name = "AEC 400G"
figures.price = { value = 180, min = 150, max = 240, unit = "USD", grade = "estimate", source = "estimate" }
[[part]]
id = "acme/gpu"
kind = "accelerator"
name = "Accelerator"
figures.power = { value = 1000, min = 900, max = 1200, unit = "W", grade = "datasheet", source = "S1", note = "peak" }
[[part.port]]
id = "port"
lanes = 4
protocols = ["ethernet/*"]
[[part]]
id = "acme/leaf"
kind = "switch"
name = "Leaf switch 51.2T"
size_u = 2
figures.power = { value = 2.1, min = 1.8, max = 2.6, unit = "kW", grade = "datasheet", source = "S1+estimate" }
[[part.port]]
id = "port"
count = 96
lanes = 4
protocols = ["ethernet/*"]
[[part]]
id = "acme/rack"
kind = "rack"
name = "Rack 42U"
[[part]]
id = "acme/server"
kind = "assembly"
name = "Server with eight accelerators"
size_u = 8
"#;
const AEC: PartId = PartId(0);
const GPU: PartId = PartId(1);
const LEAF: PartId = PartId(2);
const RACK: PartId = PartId(3);
const SERVER: PartId = PartId(4);

fn catalogue(twist: &dyn Fn(&str) -> String) -> Catalogue {
    let mut texts = Texts::new();
    let id = texts.add("fixture", PARTS);
    let mut problems = Problems::new();
    let document = Document::parse(id, &texts, &mut problems);
    let file = CatalogueFile::from_node(&document.root, &mut Reader { problems: &mut problems });
    let file = file.expect("the fixture's parts are written right");
    assert!(problems.is_empty(), "{problems:?}");
    let mut catalogue = Catalogue::default();
    catalogue.parts = file.part;
    catalogue.technologies = file.technology;
    catalogue.sources = file.source;
    catalogue.protocols =
        vec![Protocol { id: twist("ethernet/400gbase-r4"), technology: 0, lanes: 4, rate: Gbps(400.0) }];
    for part in &mut catalogue.parts {
        part.name = twist(&part.name);
        part.id.value = twist(&part.id.value);
        for group in &mut part.port {
            group.id.value = twist(&group.id.value);
        }
    }
    for source in &mut catalogue.sources {
        source.title = twist(&source.title);
    }
    catalogue
}

fn band(low: f64, likely: f64, high: f64) -> Band<f64> {
    Band { low, likely, high }
}

fn total(likely: f64) -> Total {
    Total { low: likely * 0.8, likely, high: likely * 1.3, weak_share: 0.4 }
}

fn system(twist: &dyn Fn(&str) -> String) -> System {
    let set = |name: &str, part, parent, count, layout| DeviceSet {
        name: twist(name),
        part,
        parent,
        count,
        indexed: count > 1,
        layout: LayoutId(layout),
        span: SPAN,
    };
    let sets = vec![
        set("server", SERVER, None, SERVERS, 0),
        set("gpu", GPU, Some(SetId(0)), GPUS, 1),
        set("leaf", LEAF, None, 2, 2),
        set("spine", LEAF, None, 1, 2),
    ];
    let shape = |index| PortShape { group: 0, index, lanes: 4, cage: None };
    let layouts = vec![
        PortLayout { part: SERVER, ports: vec![] },
        PortLayout { part: GPU, ports: vec![shape(0)] },
        PortLayout { part: LEAF, ports: (0..96).map(shape).collect() },
    ];
    let mut devices = Vec::new();
    let mut port = 0;
    let mut push = |set: u32, index, parent, rack, unit, ports: u32| {
        let device =
            Device { set: SetId(set), index, parent, rack: Some(RackId(rack)), unit, first_port: PortId(port) };
        devices.push(device);
        port += ports;
    };
    for server in 0..SERVERS {
        let (rack, place) = (server / 2, server % 2);
        let parent = DeviceId(server * (GPUS + 1));
        push(0, server, None, rack, 3 + place * 10, 0);
        for gpu in 0..GPUS {
            push(1, gpu, Some(parent), rack, 0, 1);
        }
    }
    for leaf in 0..2 {
        push(2, leaf, None, 6, 20 + 3 * leaf, 96);
    }
    push(3, 0, None, 6, 30, 96);
    let gpu_ports = SERVERS * GPUS;
    let leaf_port = |leaf: u32, port: u32| PortId(gpu_ports + leaf * 96 + port);
    let mut links: Vec<Link> = (0..gpu_ports).map(|i| Link { a: PortId(i), b: leaf_port(i % 2, i / 2) }).collect();
    let split = links.len() as u32;
    links.extend((0..40).map(|i| Link { a: leaf_port(i % 2, 60 + i / 2), b: leaf_port(2, i) }));
    let all = links.len() as u32;
    let link_set = |name: &str, domain, range: std::ops::Range<u32>| LinkSet {
        name: twist(name),
        protocol: ProtocolId(0),
        to_protocol: ProtocolId(0),
        medium: MediumChoice::Auto,
        length: None,
        segments: Vec::new(),
        domain: DomainId(domain),
        cable: Shape::Straight,
        cable_of: (0..range.len() as u32).collect(),
        cables: range.len() as u32,
        links: range,
        span: SPAN,
    };
    let rack = |i: u32| Rack {
        name: format!("{}[{i}]", twist("r")),
        frame: RACK,
        row: 0,
        column: i,
        units: 42,
        unit: Metres(0.04445),
        width: Metres(0.6),
        depth: Metres(1.2),
        feed: Some(Watts(30_000.0)),
        span: SPAN,
    };
    System {
        name: twist("Six racks"),
        description: Some(twist("Twelve servers on two leaves and a spine.")),
        sources: vec!["S1".into(), twist("a paper")],
        assumptions: vec![twist("rack positions are assumed")],
        site: Site {
            electricity_usd_per_kwh: band(0.06, 0.08, 0.12),
            pue: band(1.1, 1.25, 1.4),
            life: Years(5.0),
            repair_visit: Band { low: Usd(50.0), likely: Usd(100.0), high: Usd(200.0) },
            domain_outage_usd_per_h: band(0.0, 0.0, 0.0),
            repair_time: Band { low: Hours(4.0), likely: Hours(12.0), high: Hours(24.0) },
            spare_lead_days: 60.0,
            spare_service_level: 0.95,
            routing: Routing::Overhead,
            tray: Metres(2.6),
            row_pitch: Metres(2.4),
            slack_share: Ratio(0.1),
            slack: Metres(0.3),
            given: Vec::new(),
        },
        racks: (0..7).map(rack).collect(),
        sets,
        port_count: port,
        devices,
        layouts,
        link_sets: vec![link_set("hosts", 0, 0..split), link_set("uplinks", 0, split..all)],
        links,
        domains: vec![Domain { name: twist("back-end"), demand: None }],
        limits: None,
        channels: Vec::new(),
        catalogue: Arc::new(catalogue(twist)),
    }
}

fn option(name: &str, medium: Medium, life: f64, twist: &dyn Fn(&str) -> String) -> MediaOption {
    let item = |name: &str, likely: f64, weak| LossItem {
        name: twist(name),
        loss: band(likely * 0.8, likely, likely * 1.2).map(Decibels),
        weak,
    };
    MediaOption {
        medium,
        parts: vec![(AEC, 1.0)],
        name: twist(name),
        length: Metres(2.0),
        retimers: 0,
        loss: LossBudget {
            nyquist: Gigahertz(26.5625),
            items: vec![item("host trace", 6.0, false), item("plug", 1.2, true), item("30 AWG, 1.0 m", 9.5, false)],
            budget: band(27.0, 28.0, 28.0).map(Decibels),
            margin: band(6.0, 11.3, 15.0),
            weak_share: 0.07,
        },
        capex: band(150.0, 180.0, 240.0).map(Usd),
        power: band(16.0, 18.0, 20.0).map(Watts),
        latency: band(60.0, 100.0, 140.0).map(Nanoseconds),
        fit: band(50.0, 100.0, 200.0).map(Fit),
        life_cost: band(life * 0.8, life, life * 1.3).map(Usd),
        weak_share: 0.5,
    }
}

fn plan(twist: &dyn Fn(&str) -> String) -> Plan {
    let class = |set: u32, a, b, links, choice: Option<MediaOption>| LinkClass {
        set: LinkSetId(set),
        domain: DomainId(0),
        protocol: ProtocolId(0),
        a: (a, 0),
        b: (b, 0),
        links,
        cables: links,
        length_min: Metres(1.4),
        length_max: Metres(6.2),
        reason: twist("cheapest over the site's life"),
        alternatives: vec![option("2 x 400G-DR4", Medium::Optics, 1500.0, twist)],
        rejected: vec![Rejected {
            name: twist("DAC 400G 3 m"),
            medium: Medium::Dac,
            reason: twist("loss 41.2 dB is over the budget of 28 dB"),
        }],
        choice,
    };
    let hosts = SERVERS * GPUS;
    let item = |name: &str, likely| LatencyItem { name: twist(name), latency: total(likely) };
    Plan {
        classes: vec![
            class(0, GPU, LEAF, hosts, Some(option("AEC 400G 7 m", Medium::Aec, 420.0, twist))),
            class(1, LEAF, LEAF, 40, None),
        ],
        class_of_link: (0..hosts + 40).map(|i| u32::from(i >= hosts)).collect(),
        length_m: vec![2.0; (hosts + 40) as usize],
        bom: vec![
            BomLine {
                part: AEC,
                id: twist("acme/aec"),
                name: twist("AEC 400G"),
                kind: Kind::Cable,
                length: Some(Metres(3.0)),
                count: 96.0,
                unit_price: Some(band(150.0, 180.0, 240.0).map(Usd)),
                price: total(17_280.0),
                inside_assembly: false,
            },
            BomLine {
                part: LEAF,
                id: twist("acme/leaf"),
                name: twist("Leaf switch 51.2T"),
                kind: Kind::Switch,
                length: None,
                count: 3.0,
                unit_price: None,
                price: Total::default(),
                inside_assembly: false,
            },
        ],
        power: Power {
            equipment: total(130_000.0),
            site: total(160_000.0),
            racks: (0..7)
                .map(|i| RackPower {
                    rack: RackId(i),
                    name: format!("r[{i}]"),
                    power: total(if i < 6 { 20_000.0 } else { 7_000.0 }),
                    feed_w: Some(25_000.0),
                })
                .collect(),
            links_by_domain: vec![total(3_000.0)],
            by_kind: vec![(Kind::Accelerator, total(96_000.0)), (Kind::Switch, total(6_300.0))],
            unplaced: Total::default(),
        },
        cost: Cost {
            capex: total(3_100_000.0),
            opex_per_year: total(120_000.0),
            energy_per_year: total(110_000.0),
            repair_per_year: total(10_000.0),
            life: total(3_700_000.0),
            capex_by_kind: vec![(Kind::Cable, total(17_280.0)), (Kind::Assembly, total(3_000_000.0))],
            unpriced: vec![(twist("acme/leaf"), 3.0)],
            ..Cost::default()
        },
        latency: vec![PathClass {
            domain: twist("back-end"),
            from: twist("acme/gpu"),
            to: twist("acme/gpu"),
            switches: 1,
            links: 2,
            reached: 47,
            items: vec![item("propagation", 30.0), item("FEC", 240.0), item("switch", 500.0)],
            total: total(770.0),
        }],
        reliability: Reliability {
            failures_per_year: total(12.0),
            by_kind: vec![(Kind::Cable, total(4.0)), (Kind::Accelerator, total(8.0))],
            parts: vec![PartFailures {
                id: twist("acme/aec"),
                kind: Kind::Cable,
                count: 96.0,
                failures_per_year: total(4.0),
                spares: 3,
                effect: twist("one link of an accelerator"),
                urgency: Urgency::Soon,
            }],
            wearout: vec![Wearout {
                id: twist("acme/module"),
                count: 80.0,
                life: band(8.0, 12.0, 20.0).map(Years),
                shape: 2.4,
                worn_by_end: band(0.04, 0.11, 0.27),
                replacements: band(3.0, 9.0, 22.0),
                weak: true,
            }],
            availability: vec![Availability {
                domain: twist("scale-up"),
                accelerators: 8,
                needed: 8,
                instances: 12,
                availability: band(0.9991, 0.9997, 0.9999),
                down_hours_per_year: 2.6,
            }],
            unrated: Vec::new(),
        },
        domains: vec![DomainPlan {
            domain: DomainId(0),
            name: twist("back-end"),
            links: 136,
            lanes: 544,
            bandwidth_gbps: 54_400.0,
            links_by_medium: vec![(Medium::Aec, 96)],
        }],
        findings: Vec::new(),
    }
}

/// The system and its review; every text a user may give goes through `twist`.
pub fn review(twist: &dyn Fn(&str) -> String) -> (System, Review) {
    let system = system(twist);
    let plan = plan(twist);
    let review = Review {
        system: Subject {
            name: system.name.clone(),
            description: system.description.clone(),
            file: twist("six-racks.toml"),
            version: "0.1.0".into(),
            inputs_hash: "00c0ffee00c0ffee".into(),
            sources: system.sources.clone(),
            assumptions: system.assumptions.clone(),
        },
        totals: Totals {
            devices: 111,
            assemblies: 12,
            ports: system.port_count.into(),
            links: system.links.len() as u64,
            lanes: 544,
            cables: 136,
            links_by_medium: [("aec".to_string(), 96), ("die_to_die".to_string(), 12), ("dac".to_string(), 0)].into(),
            power_w: plan.power.equipment,
            site_power_w: plan.power.site,
            capex_usd: plan.cost.capex,
            opex_usd_per_year: plan.cost.opex_per_year,
            failures_per_year: plan.reliability.failures_per_year,
        },
        domains: Vec::new(),
        limits: vec![
            LimitLine {
                name: "rack_power_kw_max".into(),
                subject: twist("rack r[0]"),
                limit: 25.0,
                found: Some(20.0),
                low: Some(16.0),
                high: Some(26.0),
                status: LimitStatus::AtRisk,
            },
            LimitLine {
                name: "com_db_min".into(),
                subject: "system".into(),
                limit: 3.0,
                found: None,
                low: None,
                high: None,
                status: LimitStatus::Unknown,
            },
        ],
        findings: vec![FindingLine {
            severity: Severity::Error,
            code: "nothing-closes".into(),
            message: twist("no medium closes the links of uplinks"),
            place: Some(twist("six-racks.toml:12:1")),
            help: Some(twist("bring the racks closer")),
        }],
        plan,
    };
    (system, review)
}
