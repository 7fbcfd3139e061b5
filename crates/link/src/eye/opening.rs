//! What is read from a statistical eye: openings, contours and bathtubs.

use serde::Serialize;

use super::statistical::StatisticalEye;

/// One eye between two neighbouring levels at the target error ratio.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opening {
    /// Counted from the bottom: 0 is between the two lowest levels.
    pub eye: u32,
    /// Height at the sampling instant in mV; negative when it is closed.
    pub height_mv: f64,
    /// Greatest height at any phase, in mV, and the phase in unit intervals from the sampling instant.
    pub best_height_mv: f64,
    /// Phase of the greatest height in unit intervals.
    pub best_phase_ui: f64,
    /// Width in unit intervals at the threshold, through the sampling instant; 0 when it is closed there.
    pub width_ui: f64,
    /// Middle of the width in unit intervals from the sampling instant.
    pub centre_ui: f64,
    /// Threshold in mV: the middle of the opening.
    pub threshold_mv: f64,
    /// From the left edge to the sampling instant, in unit intervals.
    pub left_ui: f64,
    /// From the sampling instant to the right edge, in unit intervals.
    pub right_ui: f64,
    /// Whether an edge lies beyond the half unit interval that is looked at, so that the width is a lower bound.
    pub width_is_bound: bool,
}

/// Opening of one eye at one error ratio over the phases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contour {
    /// Which eye, from the bottom.
    pub eye: u32,
    /// Error ratio.
    pub error_ratio: f64,
    /// Phase in unit intervals, lower and upper edge in mV, where the eye is open.
    pub points: Vec<(f64, f64, f64)>,
}

/// Edges of one eye at a phase and error ratio, in V: from the level below and from the level above.
fn edges(eye: &StatisticalEye, phase: usize, lower: u32, ratio: f64) -> (f64, f64) {
    (eye.high_quantile(phase, lower, ratio), eye.low_quantile(phase, lower + 1, ratio))
}

/// Every eye at the target error ratio, from the bottom.
pub fn openings(eye: &StatisticalEye) -> Vec<Opening> {
    let target = eye.settings.target;
    (0..eye.levels - 1)
        .map(|lower| {
            let centre = eye.centre();
            let (low, high) = edges(eye, centre, lower, target);
            let threshold = 0.5 * (low + high);
            let heights = (0..eye.phase_ui.len()).map(|phase| {
                let (low, high) = edges(eye, phase, lower, target);
                high - low
            });
            let best =
                heights.enumerate().fold(
                    (centre, high - low),
                    |best, (phase, height)| {
                        if height > best.1 { (phase, height) } else { best }
                    },
                );
            let side = |direction: i64| edge(eye, lower, threshold, target, direction);
            let ((left, left_bound), (right, right_bound)) = (side(-1), side(1));
            let open = high > low;
            Opening {
                eye: lower,
                height_mv: (high - low) * 1e3,
                best_height_mv: best.1 * 1e3,
                best_phase_ui: eye.phase_ui[best.0],
                width_ui: if open { left + right } else { 0.0 },
                centre_ui: if open { 0.5 * (right - left) } else { 0.0 },
                threshold_mv: threshold * 1e3,
                left_ui: if open { left } else { 0.0 },
                right_ui: if open { right } else { 0.0 },
                width_is_bound: open && (left_bound || right_bound),
            }
        })
        .collect()
}

/// Worse of the two chances of passing a threshold at a phase.
fn worse(eye: &StatisticalEye, phase: usize, lower: u32, threshold: f64) -> f64 {
    eye.above(phase, lower, threshold).max(eye.below(phase, lower + 1, threshold))
}

/// Distance from the sampling instant to where the error ratio is passed, in unit intervals, and whether it never is.
fn edge(eye: &StatisticalEye, lower: u32, threshold: f64, target: f64, direction: i64) -> (f64, bool) {
    let mut phase = eye.centre();
    let mut last = worse(eye, phase, lower, threshold);
    loop {
        let next = phase as i64 + direction;
        if next < 0 || next >= eye.phase_ui.len() as i64 {
            return (eye.phase_ui[phase].abs(), true);
        }
        let now = worse(eye, next as usize, lower, threshold);
        if now > target {
            // Error ratios run straight on a logarithmic scale between neighbours.
            let floor = |p: f64| p.max(1e-300).ln();
            let span = floor(now) - floor(last);
            let share = if span > 0.0 { ((target.ln() - floor(last)) / span).clamp(0.0, 1.0) } else { 0.0 };
            let (a, b) = (eye.phase_ui[phase].abs(), eye.phase_ui[next as usize].abs());
            return (a + share * (b - a), false);
        }
        (phase, last) = (next as usize, now);
    }
}

/// Contours of every eye at the target and at all further error ratios, each from the bottom eye up.
pub fn contours(eye: &StatisticalEye) -> Vec<Contour> {
    let mut ratios: Vec<f64> = eye.settings.contours.iter().copied().chain([eye.settings.target]).collect();
    ratios.sort_by(|a, b| b.total_cmp(a));
    ratios.dedup();
    let each = |ratio: f64, lower: u32| {
        let points = (0..eye.phase_ui.len()).filter_map(|phase| {
            let (low, high) = edges(eye, phase, lower, ratio);
            (high > low).then(|| (eye.phase_ui[phase], low * 1e3, high * 1e3))
        });
        Contour { eye: lower, error_ratio: ratio, points: points.collect() }
    };
    ratios.into_iter().flat_map(|ratio| (0..eye.levels - 1).map(move |lower| each(ratio, lower))).collect()
}

/// Error ratio over the phase at the threshold of one eye: unit intervals and the mean of both kinds of errors.
pub fn timing_bathtub(eye: &StatisticalEye, opening: &Opening) -> Vec<(f64, f64)> {
    let threshold = opening.threshold_mv * 1e-3;
    let at =
        |phase: usize| 0.5 * (eye.above(phase, opening.eye, threshold) + eye.below(phase, opening.eye + 1, threshold));
    (0..eye.phase_ui.len()).map(|phase| (eye.phase_ui[phase], at(phase))).collect()
}

/// Error ratio over the threshold at the sampling instant, between the two levels of one eye: mV and error ratio.
pub fn voltage_bathtub(eye: &StatisticalEye, lower: u32, points: usize) -> Vec<(f64, f64)> {
    let spacing = 2.0 * eye.signal_v;
    let middle = (f64::from(lower) + 0.5 - 0.5 * f64::from(eye.levels - 1)) * spacing;
    let centre = eye.centre();
    let steps = points.max(2) - 1;
    (0..=steps)
        .map(|i| {
            let v = middle + (i as f64 / steps as f64 - 0.5) * spacing;
            (v * 1e3, 0.5 * (eye.above(centre, lower, v) + eye.below(centre, lower + 1, v)))
        })
        .collect()
}
