//! Electrical lanes of a review as a table.

use lanewright_twin::lanes::LaneLine;

use super::table;

/// Draws the table.
pub fn draw(lanes: &[LaneLine]) -> String {
    let band = |found: Option<[f64; 3]>, places: usize| {
        found.map_or_else(
            || "-".to_string(),
            |[low, likely, high]| format!("{likely:.places$} ({low:.places$} to {high:.places$})"),
        )
    };
    let ratio = |found: Option<[f64; 3]>| found.map_or_else(|| "-".to_string(), |[_, likely, _]| power_of_ten(likely));
    let rows = lanes
        .iter()
        .map(|lane| {
            let margin = match lane.method.as_str() {
                "com" => format!("{} dB", band(lane.com_db, 1)),
                "eye" => format!("{} mV", band(lane.eye_height_mv, 0)),
                _ => lane.why.clone(),
            };
            vec![
                lane.set.clone(),
                lane.technology.clone(),
                lane.choice.clone(),
                format!("{:.1}", lane.loss_db[1]),
                lane.method.clone(),
                margin,
                ratio(lane.ber),
                ratio(lane.flr),
                lane.serdes.as_deref().map_or("-", |id| id.trim_start_matches("serdes/")).to_string(),
                lane.status.clone(),
            ]
        })
        .collect();
    table(
        "LANES (COM or eye height, likely and band; bit errors before correction, frames lost behind it)",
        &["LINK", "LANE", "CHOICE", ">LOSS dB", "BY", "MARGIN", ">BER", ">FLR", "SERDES", "STATUS"],
        rows,
    )
}

/// A ratio as people write it: `3e-12`; below 1e-99 it is `0`.
pub fn power_of_ten(value: f64) -> String {
    if value < 1e-99 { "<1e-99".into() } else { format!("{value:.0e}") }
}
