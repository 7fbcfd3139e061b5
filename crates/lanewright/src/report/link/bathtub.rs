//! Bathtubs of a statistical eye: error ratio over the phase and over the threshold.

use lanewright_link::eye::{Opening, timing_bathtub, voltage_bathtub};

use super::view::CaseView;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::eye::ratio;

fn eye_name(opening: &Opening, levels: u32) -> String {
    match (levels, opening.eye) {
        (4, 0) => "lower eye".into(),
        (4, 1) => "middle eye".into(),
        (4, 2) => "upper eye".into(),
        _ => "eye".into(),
    }
}

/// Both bathtubs of a case.
pub fn draw(case: &CaseView<'_>, out: &mut String) {
    let eye = case.eye;
    let lowest = eye.settings.lowest();
    let floor = 10f64.powf((lowest.log10() - 3.0).min(-15.0).floor());
    let axis = (Axis::decades(floor, 1.0), "error ratio");
    let class = |opening: &Opening| ["p0", "p1", "p2"][opening.eye as usize % 3];
    put!(out, "<figure class=\"panel\"><figcaption>Timing</figcaption>");
    let mut chart = Chart::open(
        out,
        (WIDTH, 250.0),
        (Axis::linear(-0.5, 0.5), "UI from the sampling instant"),
        axis,
        "Error ratio over the phase",
    );
    for opening in case.openings {
        chart.curve(class(opening), &timing_bathtub(eye, opening));
    }
    chart.level("target", eye.settings.target);
    chart.upright("instant", 0.0);
    chart.close();
    let mut entries: Vec<(&str, String)> = case
        .openings
        .iter()
        .map(|o| {
            let bound = if o.width_is_bound { "at least " } else { "" };
            (class(o), format!("{}: {bound}{:.3} UI", eye_name(o, eye.levels), o.width_ui))
        })
        .collect();
    entries.push(("target", format!("{} is asked for", ratio(eye.settings.target))));
    key(out, &entries);
    put!(out, "</figure><figure class=\"panel\"><figcaption>Voltage</figcaption>");
    let reach = eye.signal_v * f64::from(eye.levels - 1) * 1e3;
    let mut chart =
        Chart::open(out, (WIDTH, 250.0), (Axis::linear(-reach, reach), "mV"), axis, "Error ratio over the threshold");
    for opening in case.openings {
        chart.curve(class(opening), &voltage_bathtub(eye, opening.eye, 161));
    }
    chart.level("target", eye.settings.target);
    chart.close();
    let mut entries: Vec<(&str, String)> = case
        .openings
        .iter()
        .map(|o| (class(o), format!("{}: {:.2} mV", eye_name(o, eye.levels), o.height_mv)))
        .collect();
    entries.push(("target", format!("{} is asked for", ratio(eye.settings.target))));
    key(out, &entries);
    put!(out, "</figure>");
}
