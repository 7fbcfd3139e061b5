//! The site's values with their defaults.

use super::checked::Site;
use super::tables::{Routing, SiteTable};
use crate::figure::Band;
use crate::problem::{Problem, Problems};
use crate::units::*;

impl Default for Site {
    /// Defaults, of grade estimate or general knowledge: US industrial electricity, PUE from a liquid-cooled AI
    /// hall to the Uptime average, five years, cables over the racks.
    fn default() -> Self {
        Self {
            electricity_usd_per_kwh: Band { low: 0.05, likely: 0.08, high: 0.15 },
            pue: Band { low: 1.1, likely: 1.3, high: 1.58 },
            life: Years(5.0),
            repair_visit: Band { low: Usd(50.0), likely: Usd(200.0), high: Usd(600.0) },
            domain_outage_usd_per_h: Band::exact(0.0),
            repair_time: Band { low: Hours(2.0), likely: Hours(8.0), high: Hours(48.0) },
            spare_lead_days: 30.0,
            spare_service_level: 0.95,
            routing: Routing::Overhead,
            tray: Metres(2.7),
            row_pitch: Metres(3.0),
            slack_share: Ratio(0.05),
            slack: Metres(0.2),
            given: Vec::new(),
        }
    }
}

/// The site of a file.
pub fn site(table: Option<&SiteTable>, problems: &mut Problems) -> Site {
    let mut site = Site::default();
    let Some(table) = table else { return site };
    macro_rules! take {
        ($($field:ident => $target:ident, $map:expr;)+) => {$(
            if let Some(value) = &table.$field {
                site.$target = $map(value);
                site.given.push(stringify!($field));
            }
        )+};
    }
    take! {
        electricity_usd_per_kwh => electricity_usd_per_kwh, |b: &super::tables::BandTable| b.0;
        pue => pue, |b: &super::tables::BandTable| b.0;
        life_years => life, |p: &crate::text::Placed<Years>| p.value;
        repair_visit_usd => repair_visit, |b: &super::tables::BandTable| b.0.map(Usd);
        domain_outage_usd_per_h => domain_outage_usd_per_h, |b: &super::tables::BandTable| b.0;
        repair_hours => repair_time, |b: &super::tables::BandTable| b.0.map(Hours);
        spare_lead_days => spare_lead_days, |p: &crate::text::Placed<f64>| p.value;
        spare_service_level => spare_service_level, |p: &crate::text::Placed<f64>| p.value;
        routing => routing, |r: &Routing| *r;
        tray_m => tray, |m: &Metres| *m;
        row_pitch_m => row_pitch, |m: &Metres| *m;
        slack_share => slack_share, |r: &Ratio| *r;
        slack_m => slack, |m: &Metres| *m;
    }
    let mut range = |span, name: &str, ok: bool, expected: &str| {
        if !ok {
            problems.push(Problem::error("number-range", format!("`{name}` {expected}"), span, "out of range"));
        }
    };
    if let Some(life) = &table.life_years {
        range(life.span, "life_years", life.get() > 0.0 && life.get() <= 100.0, "must be above 0 and at most 100");
    }
    if let Some(level) = &table.spare_service_level {
        range(level.span, "spare_service_level", (0.0..1.0).contains(&level.value), "must be from 0 to below 1");
    }
    if let Some(days) = &table.spare_lead_days {
        range(days.span, "spare_lead_days", (0.0..=10_000.0).contains(&days.value), "must be 0 to 10,000");
    }
    if site.pue.low < 1.0 && table.pue.is_some() {
        problems.push(Problem::whole(
            "number-range",
            "[site] pue cannot be below 1: it is site power over equipment power",
        ));
    }
    site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_not_called_given() {
        let mut problems = Problems::new();
        assert!(site(None, &mut problems).given.is_empty());
        assert!(problems.is_empty());
    }
}
