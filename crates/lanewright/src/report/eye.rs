//! A statistical eye drawn: density, contours, threshold and sampling instant.

use lanewright_link::eye::EyePicture;

use super::chart::{Axis, Chart, key};
use super::raster;
use crate::number;

/// An error ratio as people write it: "1e−6".
pub fn ratio(value: f64) -> String {
    let power = value.log10().floor();
    let lead = value / 10f64.powf(power);
    let lead = if (lead - 1.0).abs() < 0.005 { "1".into() } else { number::plain((lead * 100.0).round() / 100.0) };
    format!("{lead}e{power}").replace('-', "−")
}

/// An eye over two unit intervals, with a key to its contours; `target` is said of the target's contour, escaped
/// already, where its error ratio is not enough.
pub fn draw(eye: &EyePicture, size: (f64, f64), target: Option<&str>, out: &mut String) {
    let label = format!(
        "Statistical eye: smallest height {} mV, smallest width {} UI at {}",
        number::decimals(eye.height_mv(), 2),
        number::decimals(eye.width_ui(), 3),
        ratio(eye.target)
    );
    let mut chart = Chart::open(
        out,
        size,
        (Axis::linear(-1.0, 1.0), "UI from the sampling instant"),
        (Axis::linear(-eye.limit_mv, eye.limit_mv), "mV"),
        &label,
    );
    chart.raw(&density(eye, &chart));
    let mut ratios: Vec<f64> = Vec::new();
    for contour in &eye.contours {
        if !ratios.contains(&contour.error_ratio) {
            ratios.push(contour.error_ratio);
        }
    }
    ratios.sort_by(|a, b| b.total_cmp(a));
    let further: Vec<f64> = ratios.iter().copied().filter(|ratio| *ratio != eye.target).collect();
    let class = |ratio: f64| match further.iter().position(|r| *r == ratio) {
        None => "target",
        Some(0) => "p1",
        Some(1) => "p3",
        Some(2) => "p0",
        Some(_) => "p7",
    };
    for contour in &eye.contours {
        let edges = contour.points.iter().map(|p| (p.0, p.2)).chain(contour.points.iter().rev().map(|p| (p.0, p.1)));
        let mut path: Vec<(f64, f64)> = edges.collect();
        if path.len() < 4 {
            continue;
        }
        path.push(path[0]);
        outline(&mut chart, class(contour.error_ratio), &path);
    }
    chart.upright("instant", 0.0);
    for opening in &eye.openings {
        let words = format!("threshold {} mV", number::decimals(opening.threshold_mv, 2));
        chart.dot("threshold", (0.0, opening.threshold_mv), 2.2, &words);
    }
    chart.close();
    let open = |r: f64| eye.contours.iter().any(|c| c.error_ratio == r && c.points.len() > 1);
    let entries: Vec<(&str, String)> = ratios
        .iter()
        .map(|r| {
            let shut = if open(*r) { "" } else { ": closed" };
            let words = target.filter(|_| *r == eye.target);
            (class(*r), words.map_or_else(|| format!("contour at {}{shut}", ratio(*r)), str::to_owned))
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

/// The picture of how often each voltage is there. The eye repeats after a unit interval.
fn density(eye: &EyePicture, chart: &Chart<'_>) -> String {
    let (columns, width) = (eye.columns.max(1), 2 * eye.columns.max(1));
    let mut points = Vec::with_capacity(2 * eye.shades.len());
    for row in eye.shades.chunks_exact(columns) {
        // The left edge is one unit interval before the sampling instant, which is in the middle of the picture.
        points.extend((0..width).map(|column| row[(column + columns / 2) % columns]));
    }
    let (left, top, right, bottom) = chart.plot();
    format!(
        "<image x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
        right - left,
        bottom - top,
        raster::picture(width, eye.rows, &points)
    )
}
