//! The limits of a file against what the plan found.

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::system::System;
use lanewright_model::text::Span;
use lanewright_plan::plan::{LinkClass, Plan, Total};

use crate::lanes::Lane;
use crate::review::{LimitLine, LimitStatus};

/// A limit with the place that set it.
pub struct Checked {
    /// How it stands.
    pub line: LimitLine,
    /// Where the file sets it; absent for limits that come from parts (a rack's feed).
    pub span: Option<Span>,
}

/// Low, likely and high value found.
type Found = (f64, f64, f64);

/// Checks every limit of the file, and every rack against its feed.
pub fn check(system: &System, plan: &Plan, lanes: &[Lane]) -> Vec<Checked> {
    let mut lines = Vec::new();
    if let Some(limits) = &system.limits {
        let mut most = |name: &str, limit: Option<(f64, Span)>, subject: &str, found: Option<Found>| {
            if let Some((limit, span)) = limit {
                lines.push(checked(name, subject, limit, found, false, Some(span)));
            }
        };
        let of = |total: &Total, scale: f64| Some((total.low * scale, total.likely * scale, total.high * scale));
        let rack = plan.power.racks.iter().max_by(|a, b| a.power.likely.total_cmp(&b.power.likely));
        most(
            "rack_power_kw_max",
            limits.rack_power_kw_max.as_ref().map(|p| (p.value, p.span)),
            &rack.map_or("no rack".into(), |r| format!("rack {}", r.name)),
            rack.and_then(|r| of(&r.power, 1e-3)),
        );
        most(
            "power_kw_max",
            limits.power_kw_max.as_ref().map(|p| (p.value, p.span)),
            "system",
            of(&plan.power.equipment, 1e-3),
        );
        most(
            "capex_usd_max",
            limits.capex_usd_max.as_ref().map(|p| (p.value.0, p.span)),
            "system",
            of(&plan.cost.capex, 1.0),
        );
        most(
            "opex_usd_per_year_max",
            limits.opex_usd_per_year_max.as_ref().map(|p| (p.value.0, p.span)),
            "system",
            of(&plan.cost.opex_per_year, 1.0),
        );
        most(
            "failures_per_year_max",
            limits.failures_per_year_max.as_ref().map(|p| (p.value, p.span)),
            "system",
            of(&plan.reliability.failures_per_year, 1.0),
        );
        let path = plan
            .latency
            .iter()
            .filter(|p| p.domain.starts_with("scale-up") && p.kinds == (Kind::Accelerator, Kind::Accelerator))
            .max_by(|a, b| a.total.likely.total_cmp(&b.total.likely));
        most(
            "scale_up_latency_ns_max",
            limits.scale_up_latency_ns_max.as_ref().map(|p| (p.value.0, p.span)),
            &path.map_or("no scale-up path".into(), |p| format!("{} to {}", p.from, p.to)),
            path.and_then(|p| of(&p.total, 1.0)),
        );
        let copper = plan
            .classes
            .iter()
            .filter(|class| class.choice.as_ref().is_some_and(|c| is_copper(c.medium)))
            .max_by(|a, b| a.length_max.0.total_cmp(&b.length_max.0));
        most(
            "copper_length_m_max",
            limits.copper_length_m_max.as_ref().map(|p| (p.value.0, p.span)),
            &copper.map_or("no copper link".into(), |class| link_name(system, class)),
            Some(copper.map_or((0.0, 0.0, 0.0), |c| (c.length_max.0, c.length_max.0, c.length_max.0))),
        );
        let worst = |pick: fn(&Lane) -> Option<[f64; 3]>| {
            let judged = lanes.iter().filter_map(|lane| pick(lane).map(|found| (lane, found)));
            judged.max_by(|x, y| x.1[1].total_cmp(&y.1[1]))
        };
        for (name, limit, found) in [
            ("ber_max", limits.ber_max.as_ref(), worst(|lane| lane.line.ber)),
            ("flr_max", limits.flr_max.as_ref(), worst(|lane| lane.line.flr)),
        ] {
            most(
                name,
                limit.map(|p| (p.value, p.span)),
                &found.map_or("every electrical link".into(), |(lane, _)| format!("link {}", lane.line.set)),
                found.map(|(_, [low, likely, high])| (low, likely, high)),
            );
        }
        let mut least = |name: &str, limit: Option<(f64, Span)>, subject: &str, found: Option<Found>| {
            if let Some((limit, span)) = limit {
                lines.push(checked(name, subject, limit, found, true, Some(span)));
            }
        };
        let tightest = plan
            .classes
            .iter()
            .filter_map(|class| class.choice.as_ref().map(|choice| (class, &choice.loss)))
            .filter(|(_, loss)| !loss.items.is_empty())
            .min_by(|a, b| a.1.margin.likely.total_cmp(&b.1.margin.likely));
        least(
            "loss_margin_db_min",
            limits.loss_margin_db_min.as_ref().map(|p| (p.value.0, p.span)),
            &tightest.map_or("no electrical link".into(), |(class, _)| link_name(system, class)),
            tightest.map(|(_, loss)| (loss.margin.low, loss.margin.likely, loss.margin.high)),
        );
        let judged = lanes.iter().filter_map(|lane| lane.line.com_db.map(|com| (lane, com)));
        let margin = judged.min_by(|x, y| x.1[1].total_cmp(&y.1[1]));
        least(
            "com_db_min",
            limits.com_db_min.as_ref().map(|p| (p.value.0, p.span)),
            &margin.map_or("every electrical link".into(), |(lane, _)| format!("link {}", lane.line.set)),
            margin.map(|(_, [low, likely, high])| (low, likely, high)),
        );
        let available =
            plan.reliability.availability.iter().min_by(|a, b| a.availability.likely.total_cmp(&b.availability.likely));
        least(
            "availability_min",
            limits.availability_min.as_ref().map(|p| (p.value, p.span)),
            &available.map_or("no scale-up domain".into(), |a| format!("domain {}", a.domain)),
            available.map(|a| (a.availability.low, a.availability.likely, a.availability.high)),
        );
    }
    let over = |power: &Total, feed: f64| power.likely / feed;
    let tightest = plan
        .power
        .racks
        .iter()
        .filter_map(|rack| rack.feed_w.filter(|feed| *feed > 0.0).map(|feed| (rack, feed)))
        .max_by(|a, b| over(&a.0.power, a.1).total_cmp(&over(&b.0.power, b.1)));
    if let Some((rack, feed)) = tightest {
        let found = (rack.power.low * 1e-3, rack.power.likely * 1e-3, rack.power.high * 1e-3);
        let span = system.racks[rack.rack.index()].span;
        lines.push(checked(
            "rack feed (kW)",
            &format!("rack {}", rack.name),
            feed * 1e-3,
            Some(found),
            false,
            Some(span),
        ));
    }
    lines
}

fn checked(name: &str, subject: &str, limit: f64, found: Option<Found>, at_least: bool, span: Option<Span>) -> Checked {
    let status = match found {
        None => LimitStatus::Unknown,
        Some((low, likely, high)) => {
            let (likely_ok, worst_ok) =
                if at_least { (likely >= limit, low >= limit) } else { (likely <= limit, high <= limit) };
            match (likely_ok, worst_ok) {
                (false, _) => LimitStatus::Broken,
                (true, false) => LimitStatus::AtRisk,
                (true, true) => LimitStatus::Ok,
            }
        }
    };
    let line = LimitLine {
        name: name.to_string(),
        subject: subject.to_string(),
        limit,
        found: found.map(|f| f.1),
        low: found.map(|f| f.0),
        high: found.map(|f| f.2),
        status,
    };
    Checked { line, span }
}

fn link_name(system: &System, class: &LinkClass) -> String {
    format!("link {}", system.link_sets[class.set.index()].name)
}

fn is_copper(medium: Medium) -> bool {
    matches!(medium, Medium::Dac | Medium::Acc | Medium::Aec | Medium::Backplane)
}
