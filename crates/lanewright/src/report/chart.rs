//! Frame, axes and curves of a chart.

use crate::number;
use crate::report::text;

/// Width of the charts of a link's report in their own units; a wide screen draws them a little larger, a phone smaller.
pub const WIDTH: f64 = 420.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 36.0;
const FONT: f64 = 10.5;

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Linear,
    /// Linear with whole numbers as ticks.
    Whole,
    /// Linear with the low end at the top.
    Falling,
    /// Powers of ten; the ends are kept as logarithms.
    Decades,
}

impl Axis {
    /// A linear axis over values; never without length.
    pub fn linear(low: f64, high: f64) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low.min(high), low.max(high)) } else { (0.0, 1.0) };
        if high - low > 1e-12 * (high.abs() + low.abs()) {
            Self { low, high, kind: Kind::Linear }
        } else {
            Self { low: low - 0.5, high: high + 0.5, kind: Kind::Linear }
        }
    }

    /// An axis of decades, both ends above zero.
    pub fn decades(low: f64, high: f64) -> Self {
        Self { low: low.log10(), high: high.log10(), kind: Kind::Decades }
    }

    /// A linear axis whose ticks are whole numbers, such as of unit intervals.
    pub fn whole(low: f64, high: f64) -> Self {
        Self { kind: Kind::Whole, ..Self::linear(low, high) }
    }

    /// An axis of y from zero at the top down, as losses are drawn.
    pub fn falling(high: f64) -> Self {
        Self { kind: Kind::Falling, ..Self::linear(0.0, high) }
    }

    fn written(&self, value: f64) -> f64 {
        if self.kind == Kind::Decades { value.max(1e-300).log10() } else { value }
    }

    /// Where a value lies, 0 at the left or bottom and 1 at the right or top; held within.
    fn share(&self, value: f64) -> f64 {
        let share = ((self.written(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        if self.kind == Kind::Falling { 1.0 - share } else { share }
    }

    fn holds(&self, value: f64) -> bool {
        let value = self.written(value);
        let slack = 1e-9 * (self.high - self.low);
        value.is_finite() && value >= self.low - slack && value <= self.high + slack
    }

    /// At most so many round values, and how each is written.
    fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let span = self.high - self.low;
        if self.kind == Kind::Decades {
            let step = (span / most.max(1) as f64).ceil().max(1.0);
            let first = (self.low / step).ceil() as i64;
            let last = (self.high / step + 1e-9).floor() as i64;
            let write = |power: f64| if power == 0.0 { "1".into() } else { format!("1e{power}").replace('-', "−") };
            return (first..=last).map(|k| k as f64 * step).map(|power| (10f64.powf(power), write(power))).collect();
        }
        let rough = span / most.max(1) as f64;
        let decade = 10f64.powf(rough.log10().floor());
        let round = if self.kind == Kind::Whole { [1.0, 2.0, 4.0, 5.0, 10.0] } else { [1.0, 2.0, 2.5, 5.0, 10.0] };
        let step = round.map(|m| m * decade).into_iter().find(|s| *s >= rough * 0.999).unwrap_or(10.0 * decade);
        let step = if self.kind == Kind::Whole { step.max(1.0) } else { step };
        let places =
            (0..6).find(|p| ((step * 10f64.powi(*p)).round() - step * 10f64.powi(*p)).abs() < 1e-6).unwrap_or(6);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|k| k as f64 * step).map(|v| (v, number::decimals(v, places as usize))).collect()
    }
}

/// A chart being drawn.
pub struct Chart<'o> {
    out: &'o mut String,
    x: Axis,
    y: Axis,
    width: f64,
    height: f64,
}

impl<'o> Chart<'o> {
    /// Opens a chart of a width and height with axes; `label` says to a screen reader what it shows. Titles and label
    /// are escaped already.
    pub fn open(
        out: &'o mut String,
        (width, height): (f64, f64),
        (x, x_title): (Axis, &str),
        (y, y_title): (Axis, &str),
        label: &str,
    ) -> Self {
        put!(out, "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">");
        let mut chart = Self { out, x, y, width, height };
        chart.axes(x_title, y_title);
        chart
    }

    fn axes(&mut self, x_title: &str, y_title: &str) {
        let (left, right, top, bottom) = (LEFT, self.width - RIGHT, TOP, self.height - BOTTOM);
        put!(
            self.out,
            "<rect class=\"plot\" x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            right - left,
            bottom - top
        );
        let mut path = String::new();
        for (value, words) in self.y.ticks(6) {
            let y = self.at_y(value);
            put!(path, "M{left} {y:.1}H{right}");
            put!(
                self.out,
                "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
                left - 5.0,
                y + 3.5
            );
        }
        let mut free = f64::NEG_INFINITY;
        for (value, words) in self.x.ticks(7) {
            let x = self.at_x(value);
            put!(path, "M{x:.1} {top}V{bottom}");
            let half = 0.5 * text::width(&words, FONT);
            let middle = x.min(self.width - half - 1.0);
            if middle - half > free {
                put!(
                    self.out,
                    "<text class=\"small\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                    bottom + 13.0
                );
                free = middle + half + 4.0;
            }
        }
        put!(self.out, "<path class=\"grid\" d=\"{path}\"/>");
        put!(self.out, "<text class=\"small\" x=\"2\" y=\"11\">{y_title}</text>");
        put!(
            self.out,
            "<text class=\"small\" x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{x_title}</text>",
            self.height - 7.0
        );
    }

    /// Horizontal place of a value.
    pub fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.share(value) * (self.width - RIGHT - LEFT)
    }

    /// Vertical place of a value.
    pub fn at_y(&self, value: f64) -> f64 {
        let bottom = self.height - BOTTOM;
        bottom - self.y.share(value) * (bottom - TOP)
    }

    /// Left, top, right and bottom of the plot.
    pub fn plot(&self) -> (f64, f64, f64, f64) {
        (LEFT, TOP, self.width - RIGHT, self.height - BOTTOM)
    }

    /// Anything within the drawing.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A curve; what lies outside the axes is left out, but for the points next to what lies inside, and there are at most
    /// two points to a unit of width.
    pub fn curve(&mut self, class: &str, points: &[(f64, f64)]) {
        let inside = |p: &(f64, f64)| self.x.holds(p.0) && self.y.holds(p.1);
        let near = |at: usize| {
            let around = &points[at.saturating_sub(1)..(at + 2).min(points.len())];
            self.x.holds(points[at].0) && points[at].1.is_finite() && around.iter().any(inside)
        };
        let shown = points.iter().filter(|p| self.x.holds(p.0)).count();
        let group = shown.div_ceil(self.width as usize).max(1);
        let mut path = String::new();
        let mut drawn_to = None;
        for start in (0..points.len()).step_by(group) {
            let chunk: Vec<usize> = (start..(start + group).min(points.len())).filter(|at| near(*at)).collect();
            // The extremes of a group, in order, so that ripples stay to be seen.
            let by = |a: &&usize, b: &&usize| points[**a].1.total_cmp(&points[**b].1);
            let (Some(low), Some(high)) = (chunk.iter().min_by(by), chunk.iter().max_by(by)) else { continue };
            let ends = [*low.min(high), *low.max(high)];
            for (i, at) in ends.iter().enumerate().take(if group == 1 { 1 } else { 2 }) {
                let joined = i > 0 || drawn_to == Some(start);
                let letter = if joined { 'L' } else { 'M' };
                put!(path, "{letter}{:.1} {:.1}", self.at_x(points[*at].0), self.at_y(points[*at].1));
            }
            drawn_to = Some(start + group);
        }
        if !path.is_empty() {
            put!(self.out, "<path class=\"curve {class}\" d=\"{path}\"/>");
        }
    }

    /// The area between two curves; what lies outside the axes is drawn on their ends.
    pub fn area(&mut self, class: &str, low: &[(f64, f64)], high: &[(f64, f64)]) {
        let mut path = String::new();
        for (x, y) in low.iter().chain(high.iter().rev()).filter(|p| p.0.is_finite() && p.1.is_finite()) {
            put!(path, "{}{:.1} {:.1}", if path.is_empty() { 'M' } else { 'L' }, self.at_x(*x), self.at_y(*y));
        }
        if !path.is_empty() {
            put!(self.out, "<path class=\"area {class}\" d=\"{path}Z\"/>");
        }
    }

    /// A line across at a value of x, if the axis holds it.
    pub fn upright(&mut self, class: &str, value: f64) {
        if self.x.holds(value) {
            let (_, top, _, bottom) = self.plot();
            put!(self.out, "<path class=\"mark {class}\" d=\"M{:.1} {top}V{bottom}\"/>", self.at_x(value));
        }
    }

    /// A line across at a value of y, if the axis holds it.
    pub fn level(&mut self, class: &str, value: f64) {
        if self.y.holds(value) {
            let (left, _, right, _) = self.plot();
            put!(self.out, "<path class=\"mark {class}\" d=\"M{left} {:.1}H{right}\"/>", self.at_y(value));
        }
    }

    /// A dot with words for the pointer.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, words: &str) {
        if self.x.holds(x) {
            put!(
                self.out,
                "<circle class=\"point {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"><title>{words}</title></circle>",
                self.at_x(x),
                self.at_y(y)
            );
        }
    }

    /// Words at a value of x along the top of the plot, kept within it.
    pub fn note(&mut self, x: f64, line: usize, words: &str) {
        if self.x.holds(x) {
            let (left, top, right, _) = self.plot();
            let half = 0.5 * text::width(words, FONT);
            let middle = self.at_x(x).clamp(left + half + 3.0, right - half - 3.0);
            put!(
                self.out,
                "<text class=\"small halo\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                top + 12.0 + 13.0 * line as f64
            );
        }
    }

    /// Ends the drawing.
    pub fn close(self) {
        put!(self.out, "</svg>");
    }
}

/// A list of what lines and colours mean, under a chart. Words are escaped already.
pub fn key(out: &mut String, entries: &[(&str, String)]) {
    put!(out, "<ul class=\"key\">");
    for (class, words) in entries {
        put!(out, "<li><i class=\"stroke {class}\"></i>{words}</li>");
    }
    put!(out, "</ul>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (low, high) in [(0.0, 40.0), (-0.5, 0.5), (-13.2, 77.1), (1e-4, 3e-4), (0.0, 1e6)] {
            let ticks = Axis::linear(low, high).ticks(6);
            assert!((2..=7).contains(&ticks.len()), "{low} {high}: {ticks:?}");
            assert!(ticks.iter().all(|(v, _)| *v >= low - 1e-9 && *v <= high + 1e-9));
        }
        let decades: Vec<String> = Axis::decades(1e-15, 1.0).ticks(6).into_iter().map(|t| t.1).collect();
        assert_eq!(decades, ["1e−15", "1e−12", "1e−9", "1e−6", "1e−3", "1"]);
    }

    #[test]
    fn symbols_are_counted_whole_and_losses_fall() {
        let ticks = |axis: Axis| -> Vec<String> { axis.ticks(7).into_iter().map(|t| t.1).collect() };
        assert_eq!(ticks(Axis::whole(-4.0, 12.0)), ["−4", "0", "4", "8", "12"]);
        assert_eq!(ticks(Axis::whole(0.0, 2.0)), ["0", "1", "2"]);
        let falling = Axis::falling(40.0);
        assert_eq!((falling.share(0.0), falling.share(10.0), falling.share(90.0)), (1.0, 0.75, 0.0));
    }

    #[test]
    fn an_axis_without_length_still_draws() {
        assert_eq!(Axis::linear(3.0, 3.0), Axis { low: 2.5, high: 3.5, kind: Kind::Linear });
        assert!(Axis::linear(f64::NAN, 1.0).ticks(6).len() > 1);
    }
}
