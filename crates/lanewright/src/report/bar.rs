//! Bars with bands: a likely value, how far it may be off, and how much of it rests on weak figures.

use lanewright_model::figure::Band;
use lanewright_plan::plan::Total;

use crate::number::Measure;

/// Three values and the weak share of the middle one, drawn against a common scale.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    /// Low end.
    pub low: f64,
    /// Likely value.
    pub likely: f64,
    /// High end.
    pub high: f64,
    /// Share of the likely value that rests on weak grades, 0 to 1.
    pub weak: f64,
}

impl From<Total> for Spread {
    fn from(total: Total) -> Self {
        Self { low: total.low, likely: total.likely, high: total.high, weak: total.weak_share }
    }
}

impl From<Band<f64>> for Spread {
    fn from(band: Band<f64>) -> Self {
        Self { low: band.low, likely: band.likely, high: band.high, weak: 0.0 }
    }
}

impl Spread {
    /// "low–high" in the unit that suits it, or nothing when the band has no width.
    pub fn range(self, measure: Measure) -> String {
        if self.low == self.high { String::new() } else { measure.range(self.low, self.high) }
    }
}

/// A bar of `width` by `height` pixels, full at `scale`. With `limit`, a line across at that value.
///
/// Solid: the likely value; hatched: its weak share; line with end marks: low to high.
pub fn bar(out: &mut String, spread: Spread, scale: f64, limit: Option<f64>, width: f64, height: f64, class: &str) {
    put!(
        out,
        "<svg class=\"bar {class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    marks(out, spread, scale, limit, (0.0, 0.0, width, height));
    put!(out, "</svg>");
}

/// The marks of [`bar`] within a box `(x, y, width, height)` of a larger drawing.
pub fn marks(out: &mut String, spread: Spread, scale: f64, limit: Option<f64>, place: (f64, f64, f64, f64)) {
    let (x0, y, width, height) = place;
    let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
    let at = |value: f64| (if value.is_finite() { value / scale } else { 0.0 }).clamp(0.0, 1.0) * (width - 1.5);
    let (low, likely, high) = (at(spread.low), at(spread.likely), at(spread.high));
    put!(
        out,
        "<rect class=\"track\" x=\"{x0:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
        y + height * 0.5 - 0.5,
        1.0
    );
    let (top, thick) = (y + height * 0.14, height * 0.72);
    if likely > 0.0 {
        put!(
            out,
            "<rect class=\"fill\" x=\"{x0:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{thick:.1}\"/>",
            likely.max(0.8)
        );
        let weak = spread.weak.clamp(0.0, 1.0) * likely;
        if weak > 0.3 {
            put!(
                out,
                "<rect class=\"weak\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{weak:.1}\" height=\"{thick:.1}\"/>",
                x0 + likely - weak
            );
        }
    }
    if high - low > 0.8 {
        let middle = y + height * 0.5;
        put!(
            out,
            "<path class=\"whisker\" d=\"M{:.1} {:.1}v{:.1}m0 {:.1}H{:.1}m0 {:.1}v{:.1}\"/>",
            x0 + low,
            middle - height * 0.24,
            height * 0.48,
            -height * 0.24,
            x0 + high,
            -height * 0.24,
            height * 0.48
        );
    }
    if let Some(limit) = limit {
        put!(out, "<path class=\"limit\" d=\"M{:.1} {y:.1}v{height:.1}\"/>", x0 + at(limit).max(0.7));
    }
}

/// A row of a list of bars: label, bar, value with its range.
pub struct Row {
    /// Label, escaped already.
    pub label: String,
    /// Values.
    pub spread: Spread,
    /// A line across the bar, such as the feed of a rack.
    pub limit: Option<f64>,
    /// Words after the value, escaped already.
    pub note: String,
    /// CSS class of the bar.
    pub class: &'static str,
}

/// A list of bars on one scale.
pub fn rows(out: &mut String, rows: &[Row], measure: Measure) {
    let scale = rows.iter().flat_map(|row| [row.spread.high, row.spread.likely, row.limit.unwrap_or(0.0)]);
    let scale = scale.filter(|v| v.is_finite()).fold(0.0, f64::max);
    put!(out, "<div class=\"bars\">");
    for row in rows {
        put!(out, "<div class=\"bar-row\"><span class=\"bar-label\">{}</span>", row.label);
        bar(out, row.spread, scale, row.limit, 240.0, 12.0, row.class);
        put!(out, "<span class=\"bar-value\"><b>{}</b>", measure.show(row.spread.likely));
        let range = row.spread.range(measure);
        if !range.is_empty() {
            put!(out, " <span class=\"range\">{range}</span>");
        }
        if !row.note.is_empty() {
            put!(out, " <span class=\"note\">{}</span>", row.note);
        }
        put!(out, "</span></div>");
    }
    put!(out, "</div>");
}
