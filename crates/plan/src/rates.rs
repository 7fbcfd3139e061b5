//! What running something costs at a site: the factors that every roll-up shares.

use lanewright_model::system::Site;
use lanewright_model::units::{HOURS_PER_YEAR, Quantity};

use crate::amount::Amount;

/// Cost factors of a site. A value that the file does not give is a default and counts as weak.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Power usage effectiveness.
    pub pue: Amount,
    /// US dollars for one watt drawn by equipment for a year, conversion and cooling included.
    pub usd_per_watt_year: Amount,
    /// US dollars for one visit that replaces a part.
    pub visit: Amount,
    /// US dollars for an hour of a scale-up domain out of service.
    pub outage_per_hour: Amount,
    /// Hours from a failure to its repair.
    pub repair_hours: Amount,
    /// Life in years.
    pub life_years: f64,
}

impl Rates {
    /// Factors of a site. Energy: 1 W for a year is 8.76 kWh, times PUE, times the price of a kWh.
    pub fn of(site: &Site) -> Self {
        let weak = |key: &str| !site.given.contains(&key);
        let pue = Amount::from_band(site.pue, weak("pue"));
        let kwh = Amount::from_band(site.electricity_usd_per_kwh, weak("electricity_usd_per_kwh"));
        Self {
            pue,
            usd_per_watt_year: pue.product(kwh).times(HOURS_PER_YEAR / 1000.0),
            visit: Amount::from_quantities(site.repair_visit, weak("repair_visit_usd")),
            outage_per_hour: Amount::from_band(site.domain_outage_usd_per_h, weak("domain_outage_usd_per_h")),
            repair_hours: Amount::from_quantities(site.repair_time, weak("repair_hours")),
            life_years: site.life.get(),
        }
    }
}
