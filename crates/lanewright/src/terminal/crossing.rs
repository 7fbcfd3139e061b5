//! Where one medium takes over from another.

use lanewright_plan::crossover::CrossoverRow;

use super::table;
use crate::number::{Measure, plain};

/// Draws the crossover: a grid of the cheapest media, and every option when `all` is set.
pub fn draw(rows: &[CrossoverRow], all: bool) -> String {
    let mut rates: Vec<f64> = rows.iter().map(|r| r.lane_gbps).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let mut lengths: Vec<f64> = rows.iter().map(|r| r.length.0).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.dedup();
    let heads: Vec<String> =
        std::iter::once(">LENGTH".to_string()).chain(rates.iter().map(|r| format!("{}G LANES", plain(*r)))).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let grid = lengths
        .iter()
        .map(|length| {
            let mut cells = vec![Measure::Metres.show(*length)];
            cells.extend(rates.iter().map(|rate| {
                let row = rows.iter().find(|r| r.lane_gbps == *rate && r.length.0 == *length);
                row.and_then(|r| r.options.first()).map_or_else(
                    || "nothing closes".into(),
                    |o| format!("{} {}", o.medium, Measure::Usd.show(o.expected_usd)),
                )
            }));
            cells
        })
        .collect();
    let mut out = table(
        "CHEAPEST MEDIUM THAT CLOSES (US dollars per 100 Gb/s over life: price, energy, repairs, rework at risk)",
        &heads,
        grid,
    );
    if all {
        let options = rows.iter().flat_map(|row| {
            row.options.iter().map(move |o| {
                vec![
                    plain(row.lane_gbps),
                    Measure::Metres.show(row.length.0),
                    o.medium.to_string(),
                    o.name.clone(),
                    Measure::Usd.show(o.life_usd.likely),
                    Measure::Usd.show(o.capex_usd.likely),
                    plain(o.pj_per_bit),
                    format!("{:.1}", o.margin_db),
                    format!("{:.1} %", o.miss * 100.0),
                    Measure::Usd.show(o.expected_usd),
                    format!("{:.0} %", o.life_usd.weak_share * 100.0),
                ]
            })
        });
        out.push_str(&table(
            "EVERY MEDIUM THAT CLOSES (per 100 Gb/s)",
            &[">Gb/s", ">LENGTH", "MEDIUM", "BY", ">LIFE", ">PRICE", ">pJ/bit", ">dB", ">AT RISK", ">ALL", ">WEAK"],
            options.collect(),
        ));
        let refused = rows.iter().flat_map(|row| {
            row.refused.iter().map(move |(medium, reason)| {
                vec![plain(row.lane_gbps), Measure::Metres.show(row.length.0), medium.to_string(), reason.clone()]
            })
        });
        out.push_str(&table("MEDIA THAT FELL OUT", &[">Gb/s", ">LENGTH", "MEDIUM", "WHY"], refused.collect()));
    }
    out
}
