//! Money: purchase, energy, repairs, wear-out, outages, and the sum over the site's life.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::System;
use lanewright_model::units::Fit;

use crate::amount::Amount;
use crate::bom::is_sum_of_parts;
use crate::inventory::Pieces;
use crate::media::part_worth;
use crate::plan::{Cost, Power};
use crate::rates::Rates;

/// Money, in US dollars. `outage_per_year` comes from the availability of the scale-up domains.
///
/// A repair costs the part and one visit. Where a part has no price of its own (the price of its assembly
/// contains it) only the visit is counted.
pub fn cost(system: &System, pieces: &[Pieces], power: &Power, outage_per_year: Amount, rates: &Rates) -> Cost {
    let mut capex = Amount::ZERO;
    let mut by_kind: BTreeMap<Kind, Amount> = BTreeMap::new();
    let mut unpriced: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut repair, mut wearout) = (Amount::ZERO, Amount::ZERO);
    for piece in pieces {
        let part = system.catalogue.part(piece.part);
        let worth = part_worth(part, piece.length, rates.life_years);
        if !piece.within.price {
            match worth.price {
                Some(price) => {
                    let price = price.times(piece.count);
                    capex += price;
                    *by_kind.entry(part.kind).or_default() += price;
                }
                None if is_sum_of_parts(system, piece.part) || piece.count == 0.0 => {}
                None => *unpriced.entry(&part.id.value).or_default() += piece.count,
            }
        }
        let replacement = worth.price.unwrap_or_default() + rates.visit;
        if let (false, Some(fit)) = (piece.within.fit, worth.fit) {
            repair += fit.times(Fit(1.0).failures_per_year() * piece.count).product(replacement);
        }
        if let (Some(renewals), true) = (worth.renewals, rates.life_years > 0.0) {
            wearout += renewals.times(piece.count / rates.life_years).product(replacement);
        }
    }
    let energy = Amount::from(power.equipment).product(rates.usd_per_watt_year);
    let opex = energy + repair + wearout;
    Cost {
        capex: capex.total(),
        opex_per_year: opex.total(),
        energy_per_year: energy.total(),
        repair_per_year: repair.total(),
        wearout_per_year: wearout.total(),
        outage_per_year: outage_per_year.total(),
        life: (capex + (opex + outage_per_year).times(rates.life_years)).total(),
        capex_by_kind: by_kind.into_iter().filter(|(_, a)| a.high > 0.0).map(|(k, a)| (k, a.total())).collect(),
        unpriced: unpriced.into_iter().map(|(id, count)| (id.to_owned(), count)).collect(),
    }
}
