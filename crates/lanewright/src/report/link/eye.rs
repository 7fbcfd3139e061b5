//! The statistical eye: density, contours, threshold and sampling instant; and its bathtubs.

use lanewright_link::eye::{EyeSettings, Opening, StatisticalEye, contours, timing_bathtub, voltage_bathtub};

use super::raster;
use super::view::CaseView;
use crate::number;
use crate::report::chart::{Axis, Chart, WIDTH, key};

/// Probabilities of a point of the picture below this are left clear.
const FAINTEST: f64 = 1e-12;
const ROWS: usize = 160;

/// An error ratio as people write it: "1e−6".
pub fn ratio(value: f64) -> String {
    let power = value.log10().floor();
    let lead = value / 10f64.powf(power);
    let lead = if (lead - 1.0).abs() < 0.005 { "1".into() } else { number::plain((lead * 100.0).round() / 100.0) };
    format!("{lead}e{power}").replace('-', "−")
}

/// Half of the voltages that are shown, in mV: everything that happens often enough, with a little room.
fn limit_mv(eye: &StatisticalEye) -> f64 {
    let top = eye.levels - 1;
    let highest = (0..eye.phase_ui.len()).map(|phase| eye.high_quantile(phase, top, 1e-6));
    1.12e3 * highest.fold(eye.signal_v, f64::max)
}

/// The eye of a case over two unit intervals.
pub fn draw(case: &CaseView<'_>, out: &mut String) {
    let eye = case.eye;
    let limit = limit_mv(eye);
    let axis = Axis::linear(-1.0, 1.0);
    let label = format!(
        "Statistical eye: smallest height {:.2} mV, smallest width {:.3} UI at {}",
        case.openings.iter().map(|o| o.height_mv).fold(f64::INFINITY, f64::min),
        case.openings.iter().map(|o| o.width_ui).fold(f64::INFINITY, f64::min),
        ratio(eye.settings.target)
    );
    let mut chart = Chart::open(
        out,
        (WIDTH, 330.0),
        (axis, "UI from the sampling instant"),
        (Axis::linear(-limit, limit), "mV"),
        &label,
    );
    chart.raw(&density(eye, limit, &chart));
    for contour in contours(eye) {
        let class = contour_class(&eye.settings, contour.error_ratio);
        let edges = contour.points.iter().map(|p| (p.0, p.2)).chain(contour.points.iter().rev().map(|p| (p.0, p.1)));
        let mut path: Vec<(f64, f64)> = edges.collect();
        if path.len() < 4 {
            continue;
        }
        path.push(path[0]);
        outline(&mut chart, class, &path);
    }
    chart.upright("instant", 0.0);
    for opening in case.openings {
        chart.dot("threshold", (0.0, opening.threshold_mv), 2.2, &format!("threshold {:.2} mV", opening.threshold_mv));
    }
    chart.close();
    let mut ratios: Vec<f64> = eye.settings.contours.iter().copied().chain([eye.settings.target]).collect();
    ratios.sort_by(|a, b| b.total_cmp(a));
    ratios.dedup();
    let open = |r: f64| contours(eye).iter().any(|c| c.error_ratio == r && c.points.len() > 1);
    let entries: Vec<(&str, String)> = ratios
        .iter()
        .map(|r| {
            let shut = if open(*r) { "" } else { ": closed" };
            (contour_class(&eye.settings, *r), format!("contour at {}{shut}", ratio(*r)))
        })
        .chain([("instant", "sampling instant".to_string())])
        .collect();
    key(out, &entries);
}

/// A closed line; unlike a curve it goes back on itself.
fn outline(chart: &mut Chart<'_>, class: &str, points: &[(f64, f64)]) {
    let mut path = String::new();
    for (x, y) in points {
        put!(path, "{}{:.1} {:.1}", if path.is_empty() { 'M' } else { 'L' }, chart.at_x(*x), chart.at_y(*y));
    }
    chart.raw(&format!("<path class=\"curve {class}\" d=\"{path}Z\"/>"));
}

fn contour_class(settings: &EyeSettings, error_ratio: f64) -> &'static str {
    if error_ratio == settings.target {
        return "target";
    }
    let mut others = settings.contours.clone();
    others.sort_by(|a, b| b.total_cmp(a));
    match others.iter().position(|r| *r == error_ratio) {
        Some(0) => "p1",
        Some(1) => "p3",
        Some(2) => "p0",
        _ => "p7",
    }
}

/// The picture of how often each voltage is there. The eye repeats after a unit interval.
fn density(eye: &StatisticalEye, limit_mv: f64, chart: &Chart<'_>) -> String {
    let per_ui = eye.phase_ui.len() - 1;
    let columns: Vec<Vec<f64>> = (0..per_ui).map(|phase| eye.density(phase, limit_mv * 1e-3, ROWS)).collect();
    let most = columns.iter().flatten().copied().fold(1e-6, f64::max).log10();
    let faintest = FAINTEST.log10();
    let shade = |p: f64| {
        if p < FAINTEST {
            0
        } else {
            (1.0 + 254.0 * (p.log10() - faintest) / (most - faintest)).clamp(1.0, 255.0) as u8
        }
    };
    let width = 2 * per_ui;
    let mut points = Vec::with_capacity(width * ROWS);
    for row in (0..ROWS).rev() {
        for column in 0..width {
            // Columns begin one unit interval before the sampling instant, which is in the middle of the phases.
            points.push(shade(columns[(column + per_ui / 2) % per_ui][row]));
        }
    }
    let (left, top, right, bottom) = chart.plot();
    format!(
        "<image x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
        right - left,
        bottom - top,
        raster::picture(width, ROWS, &points)
    )
}

fn eye_name(opening: &Opening, levels: u32) -> String {
    match (levels, opening.eye) {
        (4, 0) => "lower eye".into(),
        (4, 1) => "middle eye".into(),
        (4, 2) => "upper eye".into(),
        _ => "eye".into(),
    }
}

/// Both bathtubs of a case.
pub fn bathtubs(case: &CaseView<'_>, out: &mut String) {
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
