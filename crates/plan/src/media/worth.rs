//! What a candidate costs: price, power, failures and latency of its parts, and the sum over a life.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Medium, Part};
use lanewright_model::figure::Band;
use lanewright_model::system::PartId;
use lanewright_model::units::{Fit, Metres, Quantity};

use super::question::{Candidate, Judge, Refusal};
use crate::amount::Amount;
use crate::plan::{LossBudget, MediaOption, OptionAmounts};
use crate::rates::Rates;
use crate::reliability::renewals;

/// Figures of one piece of a part at its sold length; `None` where the catalogue has none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartWorth {
    /// Price, in US dollars.
    pub price: Option<Amount>,
    /// Power, in watts.
    pub power: Option<Amount>,
    /// Random failures, in FIT.
    pub fit: Option<Amount>,
    /// Wear-out replacements of one piece over the site's life.
    pub renewals: Option<Amount>,
}

/// Figures of one piece of a part; `length` is the sold length of cables and fibres. A piece of cable stock is
/// one metre of one pair.
pub(crate) fn part_worth(part: &Part, length: Option<Metres>, life_years: f64) -> PartWorth {
    let figures = &part.figures;
    let shortest = part.cable.as_ref().map_or(0.0, |c| c.lengths_m.iter().copied().fold(f64::INFINITY, f64::min));
    let stock_price = figures.price_per_m.as_ref().filter(|_| part.kind == Kind::Twinax).map(Amount::of);
    let price = stock_price.or(figures.price.as_ref().map(|price| {
        let extra = match (&figures.price_per_m, length) {
            (Some(per_m), Some(length)) => Amount::of(per_m).times((length.get() - shortest).max(0.0)),
            _ => Amount::ZERO,
        };
        Amount::of(price) + extra
    }));
    let power = match (&figures.power, &figures.power_per_end) {
        (Some(power), _) => Some(Amount::of(power)),
        // A module is one end; a cable has two (of a splitter, the far plugs together are the second).
        (None, Some(end)) => Some(Amount::of(end).times(if part.kind == Kind::Cable { 2.0 } else { 1.0 })),
        (None, None) => is_unpowered(part).then_some(Amount::ZERO),
    };
    let fit = match &figures.fit {
        Some(fit) => Some(Amount::of(fit)),
        None => matches!(part.kind, Kind::Pcb | Kind::Twinax | Kind::Connector).then_some(Amount::ZERO),
    };
    PartWorth { price, power, fit, renewals: renewals_of(part, life_years) }
}

/// Wear-out replacements of one piece over a life, if the part has a Weibull life.
pub(crate) fn renewals_of(part: &Part, life_years: f64) -> Option<Amount> {
    let life = part.figures.wearout_life.as_ref()?;
    let shape = part.figures.wearout_shape.as_ref().map_or(crate::reliability::DEFAULT_SHAPE, |f| f.band.likely.get());
    let count = |characteristic: f64| renewals(life_years, characteristic, shape);
    let weak = life.grade.is_weak() || part.figures.wearout_shape.as_ref().is_none_or(|f| f.grade.is_weak());
    let band = Band {
        low: count(life.band.high.get()),
        likely: count(life.band.likely.get()),
        high: count(life.band.low.get()),
    };
    Some(Amount::from_band(band, weak))
}

/// Wear-out replacements of one piece of every part over a life: solving the renewal equation is worth doing once.
pub(crate) fn renewals_of_all(catalogue: &Catalogue, life_years: f64) -> Vec<Option<Amount>> {
    catalogue.parts.iter().map(|part| renewals_of(part, life_years)).collect()
}

/// Whether a part draws no power by its nature.
fn is_unpowered(part: &Part) -> bool {
    match part.kind {
        Kind::Fibre | Kind::Pcb | Kind::Twinax | Kind::Connector | Kind::Rack => true,
        Kind::Cable => part.cable.as_ref().is_some_and(|c| matches!(c.medium, Medium::Harness | Medium::Backplane)),
        _ => false,
    }
}

/// Cost over the site's life of one piece: price, energy, and the repairs that random failures and wear-out
/// are expected to need, each with a new part and a visit.
pub(crate) fn life_cost(worth: &PartWorth, rates: &Rates) -> Amount {
    let price = worth.price.unwrap_or_default();
    let power = worth.power.unwrap_or_default();
    let failures = worth.fit.unwrap_or_default().times(Fit(1.0).failures_per_year() * rates.life_years);
    let replaced = failures + worth.renewals.unwrap_or_default();
    price + power.product(rates.usd_per_watt_year).times(rates.life_years) + replaced.product(price + rates.visit)
}

/// What makes a candidate, before its costs are known.
pub(super) struct Draft {
    /// Medium.
    pub medium: Medium,
    /// Short name.
    pub name: String,
    /// Parts for one cable, with the sold length where they have one.
    pub parts: Vec<(PartId, f64, Option<Metres>)>,
    /// Sold length, or the path's.
    pub length: Metres,
    /// Retimers on boards.
    pub retimers: u32,
    /// Loss of the worst piece.
    pub loss: LossBudget,
    /// Propagation, in nanoseconds.
    pub propagation: Amount,
    /// Electronics passed by one lane, in nanoseconds.
    pub electronics: Amount,
    /// Retimers passed by one lane, in nanoseconds.
    pub retimer_latency: Amount,
    /// Encrypting PHYs passed by one lane, in nanoseconds.
    pub macsec: Amount,
    /// Why it does not work.
    pub refusal: Option<Refusal>,
}

impl Draft {
    /// The candidate with its costs.
    pub fn finish(self, judge: &Judge<'_>) -> Candidate {
        let (catalogue, rates) = (judge.catalogue, judge.rates);
        let mut amounts = OptionAmounts {
            propagation: self.propagation,
            electronics: self.electronics,
            retimers: self.retimer_latency,
            macsec: self.macsec,
            ..OptionAmounts::default()
        };
        let mut unpriced = Vec::new();
        for &(part, count, length) in &self.parts {
            let renewals = judge.renewals.get(part.index()).copied().flatten();
            let part = catalogue.part(part);
            let worth = PartWorth { renewals, ..part_worth(part, length, 0.0) };
            amounts.capex += worth.price.unwrap_or_default().times(count);
            amounts.power += worth.power.unwrap_or_default().times(count);
            amounts.fit += worth.fit.unwrap_or_default().times(count);
            amounts.life_cost += life_cost(&worth, rates).times(count);
            if worth.price.is_none() {
                unpriced.push(part.id.value.clone());
            }
        }
        let option = MediaOption {
            medium: self.medium,
            parts: self.parts.iter().map(|&(part, count, _)| (part, count)).collect(),
            name: self.name,
            length: self.length,
            retimers: self.retimers,
            miss: self.loss.miss(),
            expected_usd: amounts.life_cost.likely,
            loss: self.loss,
            capex: amounts.capex.band(),
            power: amounts.power.band(),
            latency: (amounts.propagation + amounts.electronics + amounts.retimers + amounts.macsec).band(),
            fit: amounts.fit.band(),
            life_cost: amounts.life_cost.band(),
            weak_share: amounts.life_cost.weak_share(),
            amounts,
        };
        Candidate { option, refusal: self.refusal, unpriced }
    }
}
