//! Where one medium takes over from another, by lane rate and length.
//!
//! Two equal hosts of the catalogue are joined over a length, once by cage ports and once by co-packaged
//! ports, and every candidate that closes competes by its cost over the site's life per 100 Gb/s of link
//! rate. Hosts cost nothing here: they are taken to be equal but for their optical engines, which are
//! counted as modules. Where a medium ends follows from losses, sold lengths, reaches and prices alone.

use std::collections::BTreeMap;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Medium, PortGroup, Shape};
use lanewright_model::system::{MediumChoice, ProtocolId, Site};
use lanewright_model::units::{Metres, Quantity};
use serde::Serialize;

use crate::amount::Amount;
use crate::budget::LossCheck;
use crate::media::question::Judge;
use crate::media::{CageUse, End, Question, choose, renewals_of_all};
use crate::plan::{MediaOption, Rejected, Total};
use crate::rates::Rates;

/// Lane rates that are usually looked at, Gb/s per lane and direction.
pub const LANE_RATES: &[f64] = &[25.0, 50.0, 100.0, 200.0];

/// Lengths that are usually looked at, in metres.
pub const LENGTHS: &[f64] =
    &[0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 30.0, 50.0, 100.0, 300.0, 500.0, 1000.0, 2000.0];

/// Candidates at one lane rate and length.
#[derive(Clone, Debug, Serialize)]
pub struct CrossoverRow {
    /// Lane rate, Gb/s per direction.
    pub lane_gbps: f64,
    /// Length.
    pub length: Metres,
    /// The cheapest option of each medium that closes, cheapest first.
    pub options: Vec<CrossoverOption>,
    /// Media that do not close at this length, each with the reason of its nearest candidate.
    pub refused: Vec<(Medium, String)>,
}

/// The cheapest way to build the link in one medium.
#[derive(Clone, Debug, Serialize)]
pub struct CrossoverOption {
    /// Medium.
    pub medium: Medium,
    /// Cable or modules.
    pub name: String,
    /// Protocol that it was judged with.
    pub protocol: String,
    /// Cage of the hosts; `None` for co-packaged ports.
    pub cage: Option<String>,
    /// Cost over the life, US dollars per 100 Gb/s.
    pub life_usd: Total,
    /// Likely life cost and the expected rework of links that do not close after all, US dollars per 100 Gb/s: what
    /// media are ranked by.
    pub expected_usd: f64,
    /// Probability that it does not close after all, 0 to 1.
    pub miss: f64,
    /// Purchase, US dollars per 100 Gb/s.
    pub capex_usd: Total,
    /// Power, watts per 100 Gb/s.
    pub power_w: Total,
    /// Energy, picojoules per bit and direction (likely).
    pub pj_per_bit: f64,
    /// Likely margin of the electrical path, dB.
    pub margin_db: f64,
}

/// A kind of host port at one lane rate.
struct Host<'a> {
    group: &'a PortGroup,
    protocol: ProtocolId,
}

/// The cheapest closing medium for Ethernet lanes of every rate over every length.
pub fn crossover(catalogue: &Catalogue, site: &Site, lane_rates: &[f64], lengths: &[f64]) -> Vec<CrossoverRow> {
    let rates = Rates::of(site);
    let margin = LossCheck { catalogue };
    let renewals = renewals_of_all(catalogue, rates.life_years);
    let judge = Judge { catalogue, margin: &margin, rates: &rates, renewals: &renewals };
    let mut rows = Vec::new();
    for &lane_gbps in lane_rates {
        let hosts = hosts(catalogue, lane_gbps);
        for &length in lengths {
            rows.push(row(catalogue, &judge, &hosts, lane_gbps, Metres(length)));
        }
    }
    rows
}

fn row(catalogue: &Catalogue, judge: &Judge<'_>, hosts: &[Host<'_>], lane_gbps: f64, length: Metres) -> CrossoverRow {
    let mut best: BTreeMap<Medium, CrossoverOption> = BTreeMap::new();
    let mut refused: BTreeMap<Medium, Rejected> = BTreeMap::new();
    for host in hosts {
        let end = End {
            group: host.group,
            protocol: catalogue.protocol(host.protocol),
            technology: catalogue.technology(host.protocol),
        };
        let question = Question {
            a: end,
            b: end,
            medium: MediumChoice::Auto,
            shape: Shape::Straight,
            links_per_cable: 1.0,
            cages: CageUse::SINGLE,
            segments: &[],
            length,
        };
        let answer = choose(&question, judge);
        for option in answer.choice.iter().chain(&answer.alternatives) {
            // A board is no medium between two hosts.
            if matches!(option.medium, Medium::Pcb | Medium::Backplane | Medium::DieToDie) {
                continue;
            }
            let found = per_100g(option, &end);
            match best.get_mut(&option.medium) {
                Some(known) if known.expected_usd <= found.expected_usd => {}
                Some(known) => *known = found,
                None => {
                    best.insert(option.medium, found);
                }
            }
        }
        for rejected in answer.rejected {
            match refused.get_mut(&rejected.medium) {
                Some(known) if known.distance <= rejected.distance => {}
                Some(known) => *known = rejected,
                None => {
                    refused.insert(rejected.medium, rejected);
                }
            }
        }
    }
    let refused = refused
        .into_iter()
        .filter(|(medium, _)| !best.contains_key(medium))
        .map(|(medium, rejected)| (medium, format!("{}: {}", rejected.name, rejected.reason)))
        .collect();
    let mut options: Vec<CrossoverOption> = best.into_values().collect();
    options.sort_by(|x, y| x.expected_usd.total_cmp(&y.expected_usd));
    CrossoverRow { lane_gbps, length, options, refused }
}

fn per_100g(option: &MediaOption, end: &End<'_>) -> CrossoverOption {
    let gbps = end.protocol.rate.get();
    let share = |amount: Amount| amount.times(100.0 / gbps).total();
    CrossoverOption {
        medium: option.medium,
        name: option.name.clone(),
        protocol: end.protocol.id.clone(),
        cage: end.cage().map(str::to_owned),
        life_usd: share(option.amounts.life_cost),
        expected_usd: option.expected_usd * 100.0 / gbps,
        miss: option.miss,
        capex_usd: share(option.amounts.capex),
        power_w: share(option.amounts.power),
        pj_per_bit: picojoules_per_bit(option.amounts.power.likely, gbps),
        margin_db: option.loss.margin.likely,
    }
}

/// Energy per bit of so many watts at a rate per direction, in picojoules: 1 W over 1 Gb/s is 1,000 pJ/bit.
pub fn picojoules_per_bit(watts: f64, gbps: f64) -> f64 {
    watts / gbps * 1000.0
}

/// Kinds of ports that switches of the catalogue have at a lane rate: for every cage, and for co-packaged
/// ports, the one with the median host loss, run at its widest Ethernet protocol.
fn hosts<'a>(catalogue: &'a Catalogue, lane_gbps: f64) -> Vec<Host<'a>> {
    let mut found: BTreeMap<(bool, Option<&str>), Vec<Host<'a>>> = BTreeMap::new();
    for part in catalogue.parts.iter().filter(|p| p.kind == Kind::Switch) {
        for group in &part.port {
            if group.cage.is_none() && !group.co_packaged {
                continue;
            }
            let widest = (0..catalogue.protocols.len() as u32)
                .map(ProtocolId)
                .filter(|id| {
                    let technology = catalogue.technology(*id);
                    technology.family == "ethernet"
                        && (technology.lane_gbps.get() - lane_gbps).abs() <= 0.01 * lane_gbps
                        && catalogue.protocol(*id).lanes <= group.lanes
                        && catalogue.speaks(&group.protocols, *id)
                })
                .max_by_key(|id| catalogue.protocol(*id).lanes);
            if let Some(protocol) = widest {
                let key = (group.co_packaged, group.cage.as_ref().map(|c| c.value.as_str()));
                found.entry(key).or_default().push(Host { group, protocol });
            }
        }
    }
    found
        .into_values()
        .filter_map(|mut hosts| {
            let lanes = hosts.iter().map(|h| catalogue.protocol(h.protocol).lanes).max()?;
            hosts.retain(|h| catalogue.protocol(h.protocol).lanes == lanes);
            let loss = |h: &Host<'_>| h.group.host_loss.as_ref().map_or(f64::INFINITY, |f| f.band.likely.get());
            hosts.sort_by(|x, y| loss(x).total_cmp(&loss(y)));
            let middle = (hosts.len() - 1) / 2;
            Some(hosts.swap_remove(middle))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::picojoules_per_bit;

    #[test]
    fn energy_per_bit_of_pluggable_and_co_packaged_optics() {
        // 30 W and 9 W for each 1.6 Tb/s port.
        assert!((picojoules_per_bit(30.0, 1600.0) - 18.75).abs() < 1e-12);
        assert!((picojoules_per_bit(9.0, 1600.0) - 5.625).abs() < 1e-12);
    }
}
