//! Prints the plan of a system file of this repository: classes with their reasons, then the sums.

use std::sync::Arc;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::system::Files;
use lanewright_model::text::Texts;

struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str, from: &str) -> Result<(String, String), String> {
        let name = std::path::Path::new(from).with_file_name(path);
        let text = std::fs::read_to_string(&name).map_err(|e| e.to_string())?;
        Ok((name.display().to_string(), text))
    }
}

fn main() {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let mut names: Vec<_> =
        std::fs::read_dir("catalogue").expect("run in the repository's root").flatten().map(|e| e.path()).collect();
    names.extend(std::env::var("EXTRA").map(Into::into));
    names.sort();
    let layer =
        names.iter().map(|p| (p.display().to_string(), std::fs::read_to_string(p).expect("readable").into())).collect();
    let catalogue = Arc::new(Catalogue::load(&[layer], &mut texts, &mut problems));
    if std::env::var("CROSSOVER").is_ok() {
        use lanewright_plan::crossover::{LANE_RATES, LENGTHS};
        for row in
            lanewright_plan::crossover(&catalogue, &lanewright_model::system::Site::default(), LANE_RATES, LENGTHS)
        {
            println!(
                "{:4} G {:6} m  {}",
                row.lane_gbps,
                row.length.0,
                row.options
                    .iter()
                    .map(|o| format!("{} ${:.0} {:.2}W", o.medium, o.life_usd.likely, o.power_w.likely))
                    .collect::<Vec<_>>()
                    .join(" < ")
            );
            if row.length.0 == 3.0 {
                for o in &row.options {
                    println!(
                        "        {} {} {:?} {:.1} pJ/bit margin {:.1}",
                        o.name, o.protocol, o.cage, o.pj_per_bit, o.margin_db
                    );
                }
                for r in &row.refused {
                    println!("        x {} {}", r.0, r.1);
                }
            }
        }
    }
    for path in std::env::args().skip(1) {
        let file = texts.add(path.clone(), std::fs::read_to_string(&path).expect("readable"));
        let start = std::time::Instant::now();
        let system = lanewright_model::system::load_system(file, &mut texts, &catalogue, &mut Disk, &mut problems);
        let loaded = start.elapsed();
        for problem in problems.iter().filter(|p| p.severity == lanewright_model::problem::Severity::Error) {
            println!("{:?} {}: {}", problem.severity, problem.code, problem.message);
        }
        let Some(system) = system else { return };
        let start = std::time::Instant::now();
        let plan = lanewright_plan::plan_system(&system);
        println!(
            "== {path}: {} devices, {} links, loaded in {loaded:?}, planned in {:?}",
            system.devices.len(),
            system.links.len(),
            start.elapsed()
        );
        for class in &plan.classes {
            let set = &system.link_sets[class.set.index()];
            let choice = class.choice.as_ref();
            println!(
                "{:28} {:6} links {:6} cables {:6.2}-{:6.2} m  {} | margin {:.1} | ${:.0} {:.1} W | {}",
                set.name,
                class.links,
                class.cables,
                class.length_min.0,
                class.length_max.0,
                choice.map_or("NONE", |c| c.name.as_str()),
                choice.map_or(f64::NAN, |c| c.loss.margin.likely),
                choice.map_or(0.0, |c| c.capex.likely.0),
                choice.map_or(0.0, |c| c.power.likely.0),
                class.reason
            );
            if std::env::var("REJECTED").is_ok() {
                for r in &class.rejected {
                    println!("      x {}: {}", r.name, r.reason);
                }
                for r in &class.alternatives {
                    println!("      > {} ${:.0}", r.name, r.life_cost.likely.0);
                }
            }
        }
        for path in plan.latency.iter().take(40) {
            println!(
                "  {} {} -> {}: {} switches {} links reach {} : {:.0} ns ({})",
                path.domain,
                path.from,
                path.to,
                path.switches,
                path.links,
                path.reached,
                path.total.likely,
                path.items.iter().map(|i| format!("{} {:.0}", i.name, i.latency.likely)).collect::<Vec<_>>().join(", ")
            );
        }
        let t = |t: lanewright_plan::plan::Total| {
            format!("{:.0}/{:.0}/{:.0} weak {:.0} %", t.low, t.likely, t.high, t.weak_share * 100.0)
        };
        println!("power {} site {}", t(plan.power.equipment), t(plan.power.site));
        for rack in plan.power.racks.iter().take(8) {
            println!("   rack {} {} feed {:?}", rack.name, t(rack.power), rack.feed_w);
        }
        println!(
            "capex {} opex {} energy {} repair {} wearout {} outage {} life {}",
            t(plan.cost.capex),
            t(plan.cost.opex_per_year),
            t(plan.cost.energy_per_year),
            t(plan.cost.repair_per_year),
            t(plan.cost.wearout_per_year),
            t(plan.cost.outage_per_year),
            t(plan.cost.life)
        );
        println!("failures {}", t(plan.reliability.failures_per_year));
        for p in plan.reliability.parts.iter().take(12) {
            println!(
                "   {} x {}: {:.2}/y spares {} {:?} {}",
                p.count, p.id, p.failures_per_year.likely, p.spares, p.urgency, p.effect
            );
        }
        for a in &plan.reliability.availability {
            println!("   {} {} of {} x{}: {:?}", a.domain, a.needed, a.accelerators, a.instances, a.availability);
        }
        for w in &plan.reliability.wearout {
            println!(
                "   wear {} x {}: life {:?} worn {:?} repl {:?}",
                w.count, w.id, w.life.likely, w.worn_by_end, w.replacements
            );
        }
        for d in &plan.domains {
            println!("   domain {} {} links {:.0} Gb/s {:?}", d.name, d.links, d.bandwidth_gbps, d.links_by_medium);
        }
        for f in &plan.findings {
            println!("{:?} {}: {} | {:?}", f.severity, f.code, f.message, f.help);
        }
    }
}
