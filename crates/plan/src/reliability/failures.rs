//! Random failures a year, by part and by family, with the spares to hold.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::figure::Band;
use lanewright_model::system::{PartId, System};
use lanewright_model::units::{Fit, Quantity};

use super::chances::poisson_quantile;
use super::effect::Effects;
use super::worn_by;
use crate::amount::Amount;
use crate::bom::is_sum_of_parts;
use crate::ends::Ends;
use crate::inventory::Pieces;
use crate::media::part_worth;
use crate::plan::{Availability, PartFailures, Reliability, Wearout};
use crate::rates::Rates;

/// Failures of a system. Inner parts of an assembly that has a failure rate of its own are not counted again.
pub fn reliability(
    system: &System,
    ends: &Ends<'_>,
    pieces: &[Pieces],
    effects: &Effects,
    availability: Vec<Availability>,
    rates: &Rates,
) -> Reliability {
    let mut by_part: BTreeMap<PartId, (f64, Amount)> = BTreeMap::new();
    let mut by_kind: BTreeMap<Kind, Amount> = BTreeMap::new();
    let mut unrated: BTreeMap<&str, f64> = BTreeMap::new();
    let mut total = Amount::ZERO;
    for piece in pieces.iter().filter(|p| p.count > 0.0 && !p.within.fit) {
        let part = system.catalogue.part(piece.part);
        let Some(fit) = part_worth(part, piece.length, 0.0).fit else {
            if !is_sum_of_parts(system, piece.part) && part.kind != Kind::Rack {
                *unrated.entry(&part.id.value).or_default() += piece.count;
            }
            continue;
        };
        let yearly = fit.times(Fit(1.0).failures_per_year() * piece.count);
        total += yearly;
        *by_kind.entry(part.kind).or_default() += yearly;
        let entry = by_part.entry(piece.part).or_default();
        entry.0 += piece.count;
        entry.1 += yearly;
    }
    let lead_years = system.site.spare_lead_days / 365.0;
    let mut parts: Vec<PartFailures> = by_part
        .into_iter()
        .filter(|(_, (_, yearly))| yearly.high > 0.0)
        .map(|(id, (count, yearly))| {
            let effect = effects.of(system, ends, id);
            let part = system.catalogue.part(id);
            PartFailures {
                id: part.id.value.clone(),
                kind: part.kind,
                count,
                failures_per_year: yearly.total(),
                spares: poisson_quantile(yearly.likely * lead_years, system.site.spare_service_level),
                effect: effect.text,
                urgency: effect.urgency,
            }
        })
        .collect();
    parts.sort_by(|x, y| {
        y.failures_per_year.likely.total_cmp(&x.failures_per_year.likely).then_with(|| x.id.cmp(&y.id))
    });
    Reliability {
        failures_per_year: total.total(),
        by_kind: by_kind.into_iter().filter(|(_, a)| a.high > 0.0).map(|(k, a)| (k, a.total())).collect(),
        parts,
        wearout: wearout(system, pieces, rates),
        availability,
        unrated: unrated.into_iter().map(|(id, count)| (id.to_owned(), count)).collect(),
    }
}

/// Wear-out of every part with a Weibull life, whatever assembly it is inside of.
fn wearout(system: &System, pieces: &[Pieces], rates: &Rates) -> Vec<Wearout> {
    let mut counts: BTreeMap<PartId, f64> = BTreeMap::new();
    for piece in pieces.iter().filter(|p| p.count > 0.0) {
        *counts.entry(piece.part).or_default() += piece.count;
    }
    let years = rates.life_years;
    counts
        .into_iter()
        .filter_map(|(id, count)| {
            let part = system.catalogue.part(id);
            let life = part.figures.wearout_life.as_ref()?;
            let shape_figure = part.figures.wearout_shape.as_ref();
            let shape = shape_figure.map_or(super::DEFAULT_SHAPE, |f| f.band.likely.get());
            let worn = |life: f64| worn_by(years, life, shape);
            let renewed = part_worth(part, None, years).renewals?;
            Some(Wearout {
                id: part.id.value.clone(),
                count,
                life: life.band,
                shape,
                worn_by_end: Band {
                    low: worn(life.band.high.get()),
                    likely: worn(life.band.likely.get()),
                    high: worn(life.band.low.get()),
                },
                replacements: renewed.times(count).band::<Count>().map(|c| c.0),
                weak: life.grade.is_weak() || shape_figure.is_none_or(|f| f.grade.is_weak()),
            })
        })
        .collect()
}

type Count = lanewright_model::units::Ratio;
