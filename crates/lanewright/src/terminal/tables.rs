//! Tables of a plan on request.

use lanewright_model::figure::Band;
use lanewright_model::system::System;
use lanewright_plan::plan::{Plan, Total};

use super::table;
use crate::number::{Measure, count, plain};
use crate::verbs::review::Table;

/// Draws one table.
pub fn draw(which: Table, system: &System, plan: &Plan) -> String {
    match which {
        Table::Links => links(system, plan),
        Table::Media => media(system, plan),
        Table::Bom => bom(plan),
        Table::Power => power(system, plan),
        Table::Cost => cost(plan),
        Table::Latency => latency(plan),
        Table::Reliability => reliability(plan),
        // Lanes are no part of a plan; the review draws them.
        Table::Lanes | Table::All => String::new(),
    }
}

/// "likely (low-high)" of a total.
fn band(measure: Measure, total: &Total) -> String {
    if total.low == total.high {
        return measure.show(total.likely);
    }
    format!("{} ({})", measure.show(total.likely), measure.range(total.low, total.high))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn links(system: &System, plan: &Plan) -> String {
    let rows = plan
        .classes
        .iter()
        .map(|class| {
            let choice = class.choice.as_ref();
            let margin = choice.filter(|c| !c.loss.items.is_empty()).map(|c| c.loss.margin);
            vec![
                system.link_sets[class.set.index()].name.clone(),
                system.catalogue.protocol(class.protocol).id.clone(),
                count(u64::from(class.links)),
                format!("{:.2}", class.length_max.0),
                choice.map_or_else(|| "nothing closes".into(), |c| c.name.clone()),
                margin.map_or_else(|| "-".into(), |m: Band<f64>| format!("{:.1} ({:.1})", m.likely, m.low)),
                choice.map_or_else(|| "-".into(), |c| Measure::Usd.show(c.capex.likely.0)),
                choice.map_or_else(|| "-".into(), |c| Measure::Watts.show(c.power.likely.0)),
            ]
        })
        .collect();
    table(
        "LINKS (margin: likely and worst, dB; price and power of one cable)",
        &["LINK", "PROTOCOL", ">LINKS", ">m", "CHOICE", ">MARGIN", ">PRICE", ">POWER"],
        rows,
    )
}

fn media(system: &System, plan: &Plan) -> String {
    let mut out = String::from("\nMEDIA\n");
    for class in &plan.classes {
        let name = &system.link_sets[class.set.index()].name;
        let choice = class.choice.as_ref().map_or("nothing closes", |c| c.name.as_str());
        out.push_str(&format!("{name}, {:.2} m: {choice}\n  {}\n", class.length_max.0, class.reason));
        for other in class.alternatives.iter().take(3) {
            out.push_str(&format!(
                "  next: {} at {} over the site's life, {}\n",
                other.name,
                Measure::Usd.show(other.life_cost.likely.0),
                Measure::Watts.show(other.power.likely.0)
            ));
        }
        for no in class.rejected.iter().take(5) {
            out.push_str(&format!("  out:  {}: {}\n", no.name, no.reason));
        }
        if class.rejected.len() > 5 {
            out.push_str(&format!("  and {} more fell out\n", class.rejected.len() - 5));
        }
    }
    out
}

fn bom(plan: &Plan) -> String {
    let rows = plan
        .bom
        .iter()
        .map(|line| {
            vec![
                line.id.clone(),
                line.kind.to_string(),
                line.length.map_or_else(String::new, |l| format!("{} m", plain(l.0))),
                plain(line.count),
                line.unit_price.map_or_else(|| "unknown".into(), |p| Measure::Usd.show(p.likely.0)),
                if line.inside_assembly { "in assembly".into() } else { band(Measure::Usd, &line.price) },
            ]
        })
        .collect();
    table("BILL OF MATERIALS", &["PART", "KIND", ">LENGTH", ">COUNT", ">EACH", ">ALL"], rows)
}

fn power(system: &System, plan: &Plan) -> String {
    let mut racks: Vec<_> = plan.power.racks.iter().collect();
    racks.sort_by(|a, b| b.power.likely.total_cmp(&a.power.likely));
    let shown = racks.len().min(20);
    let rows = racks[..shown]
        .iter()
        .map(|rack| {
            vec![
                rack.name.clone(),
                band(Measure::Watts, &rack.power),
                rack.feed_w.map_or_else(|| "-".into(), |w| Measure::Watts.show(w)),
                rack.feed_w.map_or_else(|| "-".into(), |w| percent(rack.power.likely / w)),
                percent(rack.power.weak_share),
            ]
        })
        .collect();
    let title = if shown < racks.len() {
        format!("POWER BY RACK (the {shown} highest of {})", racks.len())
    } else {
        "POWER BY RACK".into()
    };
    let mut out = table(&title, &["RACK", ">POWER", ">FEED", ">LOAD", ">WEAK"], rows);
    let kinds = plan
        .power
        .by_kind
        .iter()
        .map(|(kind, total)| vec![kind.to_string(), band(Measure::Watts, total), percent(total.weak_share)]);
    out.push_str(&table("POWER BY FAMILY", &["FAMILY", ">POWER", ">WEAK"], kinds.collect()));
    let domains = system
        .domains
        .iter()
        .zip(&plan.power.links_by_domain)
        .map(|(domain, total)| vec![domain.name.clone(), band(Measure::Watts, total), percent(total.weak_share)]);
    out.push_str(&table("POWER OF LINKS BY DOMAIN", &["DOMAIN", ">POWER", ">WEAK"], domains.collect()));
    out
}

fn cost(plan: &Plan) -> String {
    let cost = &plan.cost;
    let line = |name: &str, measure: Measure, total: &Total| {
        vec![name.to_string(), band(measure, total), percent(total.weak_share)]
    };
    let rows = vec![
        line("purchase", Measure::Usd, &cost.capex),
        line("energy", Measure::UsdPerYear, &cost.energy_per_year),
        line("repairs", Measure::UsdPerYear, &cost.repair_per_year),
        line("outages", Measure::UsdPerYear, &cost.outage_per_year),
        line("running", Measure::UsdPerYear, &cost.opex_per_year),
        line("over life", Measure::Usd, &cost.life),
    ];
    let mut out = table("COST", &["", ">USD", ">WEAK"], rows);
    let kinds = cost.capex_by_kind.iter().map(|(kind, total)| line(kind.word(), Measure::Usd, total));
    out.push_str(&table("PURCHASE BY FAMILY", &["FAMILY", ">USD", ">WEAK"], kinds.collect()));
    if !cost.unpriced.is_empty() {
        let names: Vec<String> = cost.unpriced.iter().map(|(id, n)| format!("{} x {id}", plain(*n))).collect();
        out.push_str(&format!("without a price, and not in these sums: {}\n", names.join(", ")));
    }
    out
}

fn latency(plan: &Plan) -> String {
    let rows = plan
        .latency
        .iter()
        .map(|path| {
            vec![
                path.domain.clone(),
                format!("{} to {}", path.from, path.to),
                path.switches.to_string(),
                path.links.to_string(),
                count(path.reached),
                band(Measure::Nanoseconds, &path.total),
                percent(path.total.weak_share),
            ]
        })
        .collect();
    table("LATENCY, one way", &["DOMAIN", "PATH", ">SWITCHES", ">LINKS", ">REACHED", ">LATENCY", ">WEAK"], rows)
}

fn reliability(plan: &Plan) -> String {
    let reliability = &plan.reliability;
    let rows = reliability
        .parts
        .iter()
        .map(|part| {
            vec![
                part.id.clone(),
                plain(part.count),
                band(Measure::PerYear, &part.failures_per_year),
                part.spares.to_string(),
                format!("{:?}", part.urgency).to_lowercase(),
                part.effect.clone(),
            ]
        })
        .collect();
    let mut out = table(
        "RANDOM FAILURES (per year, all pieces)",
        &["PART", ">COUNT", ">FAILURES", ">SPARES", "REPAIR", "EFFECT"],
        rows,
    );
    let rows = reliability
        .wearout
        .iter()
        .map(|w| {
            vec![
                w.id.clone(),
                plain(w.count),
                Measure::Years.range(w.life.low.0, w.life.high.0),
                plain(w.shape),
                percent(w.worn_by_end.likely),
                plain(w.replacements.likely),
            ]
        })
        .collect();
    out.push_str(&table(
        "WEAR-OUT (Weibull, kept apart from random failures)",
        &["PART", ">COUNT", ">LIFE", ">SHAPE", ">WORN BY END", ">REPLACEMENTS"],
        rows,
    ));
    let rows = reliability
        .availability
        .iter()
        .map(|a| {
            vec![
                a.domain.clone(),
                format!("{} of {}", a.needed, a.accelerators),
                a.instances.to_string(),
                format!("{:.4} %", a.availability.likely * 100.0),
                format!("{:.4} % to {:.4} %", a.availability.low * 100.0, a.availability.high * 100.0),
                format!("{:.1}", a.down_hours_per_year),
            ]
        })
        .collect();
    out.push_str(&table("AVAILABILITY", &["DOMAIN", "NEEDS", ">INSTANCES", ">AVAILABLE", ">BAND", ">DOWN h/y"], rows));
    out
}
