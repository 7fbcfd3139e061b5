//! Total cost of ownership of variants, side by side.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::System;
use lanewright_model::units::Quantity;
use serde::Serialize;

use crate::plan::{Plan, Total};

/// Variants side by side; differences are against the first.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Variants, in the order given.
    pub variants: Vec<Variant>,
    /// Purchase by family of part, one total for each variant.
    pub capex_by_kind: Vec<(Kind, Vec<Total>)>,
    /// Power by family of part in watts, one total for each variant.
    pub power_by_kind: Vec<(Kind, Vec<Total>)>,
    /// Failures a year by family of part, one total for each variant.
    pub failures_by_kind: Vec<(Kind, Vec<Total>)>,
}

/// Sums of one variant. Money in US dollars.
#[derive(Clone, Debug, Serialize)]
pub struct Variant {
    /// Name of the system.
    pub name: String,
    /// Accelerators and SoCs in it.
    pub accelerators: u64,
    /// Life over which it is summed, years.
    pub life_years: f64,
    /// Power of the equipment, watts.
    pub power_w: Total,
    /// Purchase.
    pub capex: Total,
    /// Energy over the life.
    pub energy: Total,
    /// Repairs of random failures over the life.
    pub repair: Total,
    /// Replacements of worn-out parts over the life.
    pub wearout: Total,
    /// Outages of scale-up domains over the life.
    pub outage: Total,
    /// All of it over the life.
    pub life: Total,
    /// All of it over the life for each accelerator (likely); absent without accelerators.
    pub life_per_accelerator: Option<f64>,
    /// Random failures a year.
    pub failures_per_year: Total,
    /// Likely cost over the life less that of the first variant.
    pub life_delta: f64,
    /// Likely purchase less that of the first variant.
    pub capex_delta: f64,
    /// Parts without a price, which the sums are without.
    pub unpriced: usize,
    /// Links that no medium closes, which the sums are without.
    pub open_links: u64,
}

/// Compares variants.
pub fn compare(plans: &[(&System, &Plan)]) -> Comparison {
    let mut variants: Vec<Variant> = plans.iter().map(|(system, plan)| variant(system, plan)).collect();
    let first = variants.first().map(|v| (v.life.likely, v.capex.likely)).unwrap_or_default();
    for variant in &mut variants {
        variant.life_delta = variant.life.likely - first.0;
        variant.capex_delta = variant.capex.likely - first.1;
    }
    let table = |pick: fn(&Plan) -> &Vec<(Kind, Total)>| {
        let mut kinds: BTreeMap<Kind, Vec<Total>> = BTreeMap::new();
        for (index, (_, plan)) in plans.iter().enumerate() {
            for (kind, total) in pick(plan) {
                kinds.entry(*kind).or_insert_with(|| vec![Total::default(); plans.len()])[index] = *total;
            }
        }
        kinds.into_iter().collect()
    };
    Comparison {
        variants,
        capex_by_kind: table(|p| &p.cost.capex_by_kind),
        power_by_kind: table(|p| &p.power.by_kind),
        failures_by_kind: table(|p| &p.reliability.by_kind),
    }
}

fn variant(system: &System, plan: &Plan) -> Variant {
    let years = system.site.life.get();
    let over_life = |t: Total| Total { low: t.low * years, likely: t.likely * years, high: t.high * years, ..t };
    let computes = |kind| matches!(kind, Kind::Accelerator | Kind::Soc);
    let kind_of = |set: lanewright_model::system::SetId| system.catalogue.part(system.sets[set.index()].part).kind;
    let accelerators = system.devices.iter().filter(|d| computes(kind_of(d.set))).count() as u64;
    Variant {
        name: system.name.clone(),
        accelerators,
        life_years: years,
        power_w: plan.power.equipment,
        capex: plan.cost.capex,
        energy: over_life(plan.cost.energy_per_year),
        repair: over_life(plan.cost.repair_per_year),
        wearout: over_life(plan.cost.wearout_per_year),
        outage: over_life(plan.cost.outage_per_year),
        life: plan.cost.life,
        life_per_accelerator: (accelerators > 0).then(|| plan.cost.life.likely / accelerators as f64),
        failures_per_year: plan.reliability.failures_per_year,
        life_delta: 0.0,
        capex_delta: 0.0,
        unpriced: plan.cost.unpriced.len(),
        open_links: plan.classes.iter().filter(|c| c.choice.is_none()).map(|c| u64::from(c.links)).sum(),
    }
}
