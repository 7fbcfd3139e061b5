//! A smooth correction over the shape of an operator: a coarse grid of knots over up to four logarithmic axes, linear
//! between knots, constant outside.
//!
//! Fitted by least squares with two penalties: on second differences along every axis (the surface bends no more than the
//! rows demand; knots that no row touches continue the slope of their neighbours, and stay tame by the third term) and on
//! the height of every knot (so that physics rules where nothing was measured). Residuals beyond a few standard deviations count linearly, not squared.

use serde::{Deserialize, Serialize};

/// Most axes of a surface.
pub const AXES: usize = 4;

/// One axis: evenly spaced knots over a coordinate (by convention a base-2 logarithm).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Coordinate of the first knot.
    pub first: f32,
    /// Distance between knots, above 0.
    pub step: f32,
    /// Knots, at least 1.
    pub knots: u16,
}

impl Axis {
    /// Knots from `first` on, `step` apart, until `last` is reached.
    pub fn spanning(first: f64, last: f64, step: f64) -> Self {
        let knots = if step > 0.0 && last > first { ((last - first) / step).ceil() as u16 + 1 } else { 1 };
        Self { first: first as f32, step: if step > 0.0 { step as f32 } else { 1.0 }, knots }
    }

    /// The cell of a coordinate and the place within it, 0 to 1; coordinates outside are moved to the edge.
    fn locate(self, at: f32) -> (usize, f32) {
        let last = self.knots.saturating_sub(1);
        // A comparison that NaN fails: it lands on the first knot.
        let place = (at - self.first) / self.step;
        let place = if place > 0.0 { place.min(f32::from(last)) } else { 0.0 };
        let cell = (place as usize).min(usize::from(last.saturating_sub(1)));
        (cell, place - cell as f32)
    }
}

/// A correction: the natural logarithm of measured over expected time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Surface {
    axes: Vec<Axis>,
    /// Values at the knots, last axis fastest.
    values: Vec<f32>,
}

/// As files hold it: values in thousandths.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    axes: Vec<Axis>,
    thousandths: Vec<i32>,
}

impl From<Surface> for Stored {
    fn from(surface: Surface) -> Self {
        let thousandths = surface.values.iter().map(|value| (f64::from(*value) * 1e3).round() as i32).collect();
        Self { axes: surface.axes, thousandths }
    }
}

impl TryFrom<Stored> for Surface {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let wanted = knots(&stored.axes).ok_or("a surface has 1 to 4 axes with 1 to 1000 knots each")?;
        if stored.axes.iter().any(|axis| !axis.first.is_finite() || !axis.step.is_finite() || axis.step <= 0.0) {
            return Err("the steps of a surface's axes are above 0".into());
        }
        if wanted != stored.thousandths.len() {
            return Err(format!("a surface of {wanted} knots has {} values", stored.thousandths.len()));
        }
        let values = stored.thousandths.iter().map(|value| (f64::from(*value) * 1e-3) as f32).collect();
        Ok(Self { axes: stored.axes, values })
    }
}

fn knots(axes: &[Axis]) -> Option<usize> {
    if axes.is_empty() || axes.len() > AXES || axes.iter().any(|axis| axis.knots == 0 || axis.knots > 1000) {
        return None;
    }
    Some(axes.iter().map(|axis| usize::from(axis.knots)).product())
}

/// How stiff a fit is.
#[derive(Clone, Copy, Debug)]
pub struct Stiffness {
    /// Weight of a squared second difference against a row.
    pub bend: f64,
    /// Weight of a squared knot value against a row.
    pub height: f64,
    /// Residuals above this count linearly (natural logarithm).
    pub outlier: f64,
}

impl Default for Stiffness {
    fn default() -> Self {
        Self { bend: 0.3, height: 0.003, outlier: 0.15 }
    }
}

/// A measured row for a fit: where it lies, and the logarithm of measured over expected.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Coordinates, as many as the surface has axes; the rest is ignored.
    pub at: [f32; AXES],
    /// `ln(measured / expected)`.
    pub log_ratio: f64,
    /// Weight, 1 for an ordinary row.
    pub weight: f64,
}

impl Surface {
    /// A surface of zeros: no correction.
    pub fn flat(axes: &[Axis]) -> Option<Self> {
        knots(axes).map(|knots| Self { axes: axes.to_vec(), values: vec![0.0; knots] })
    }

    /// The correction at a place: a natural logarithm. No allocation.
    pub fn at(&self, place: [f32; AXES]) -> f32 {
        let mut bases = [0usize; 1 << AXES];
        let mut weights = [0f32; 1 << AXES];
        let corners = self.corners(place, &mut bases, &mut weights);
        let mut sum = 0.0;
        for corner in 0..corners {
            sum += weights[corner] * self.values[bases[corner]];
        }
        sum
    }

    /// Knots around a place and their weights; how many.
    fn corners(&self, place: [f32; AXES], bases: &mut [usize; 16], weights: &mut [f32; 16]) -> usize {
        (bases[0], weights[0]) = (0, 1.0);
        let mut corners = 1;
        for (axis, at) in self.axes.iter().zip(place) {
            let (cell, within) = axis.locate(at);
            let knots = usize::from(axis.knots);
            for corner in 0..corners {
                let (base, weight) = (bases[corner] * knots + cell, weights[corner]);
                (bases[corner], weights[corner]) = (base, weight * (1.0 - within));
                // On an axis of one knot the neighbour is the knot itself, with weight 0.
                (bases[corner + corners], weights[corner + corners]) = (base + usize::from(knots > 1), weight * within);
            }
            corners *= 2;
        }
        corners
    }

    /// The surface that fits rows best. None when the axes are not 1 to 4, or no row is finite.
    pub fn fit(axes: &[Axis], rows: &[Row], stiffness: Stiffness) -> Option<Self> {
        let mut surface = Self::flat(axes)?;
        let rows: Vec<&Row> = rows.iter().filter(|row| row.log_ratio.is_finite() && row.weight > 0.0).collect();
        if rows.is_empty() {
            return None;
        }
        let system = Normal::new(&surface, &rows, stiffness);
        let mut values = vec![0.0; surface.values.len()];
        let mut weights: Vec<f64> = rows.iter().map(|row| row.weight).collect();
        for _ in 0..4 {
            system.solve(&weights, &mut values);
            for (at, weight) in weights.iter_mut().enumerate() {
                let away = (system.log_ratios[at] - system.value(at, &values)).abs();
                *weight = rows[at].weight * (stiffness.outlier / away.max(stiffness.outlier));
            }
        }
        // As stored, so that a fit and its file predict the same.
        surface.values = values.iter().map(|value| ((value * 1e3).round() * 1e-3) as f32).collect();
        Some(surface)
    }
}

/// The normal equations of a fit, never written out: a row touches 16 knots at most.
struct Normal {
    corners: usize,
    bases: Vec<u32>,
    weights: Vec<f32>,
    log_ratios: Vec<f64>,
    /// Triples `(first, stride)` of second differences.
    bends: Vec<(u32, u32)>,
    stiffness: Stiffness,
}

impl Normal {
    fn new(surface: &Surface, rows: &[&Row], stiffness: Stiffness) -> Self {
        let corners = 1 << surface.axes.len();
        let (mut bases, mut weights) = (Vec::new(), Vec::new());
        let (mut some, mut shares) = ([0usize; 16], [0f32; 16]);
        for row in rows {
            surface.corners(row.at, &mut some, &mut shares);
            bases.extend(some[..corners].iter().map(|base| *base as u32));
            weights.extend_from_slice(&shares[..corners]);
        }
        let mut bends = Vec::new();
        let mut stride = surface.values.len();
        for axis in &surface.axes {
            let knots = usize::from(axis.knots);
            let block = stride;
            stride /= knots;
            for first in 0..surface.values.len() {
                if (first % block) / stride + 2 < knots {
                    bends.push((first as u32, stride as u32));
                }
            }
        }
        let log_ratios = rows.iter().map(|row| row.log_ratio).collect();
        Self { corners, bases, weights, log_ratios, bends, stiffness }
    }

    fn row(&self, at: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = at * self.corners..(at + 1) * self.corners;
        self.bases[range.clone()].iter().zip(&self.weights[range]).map(|(b, w)| (*b as usize, f64::from(*w)))
    }

    fn value(&self, at: usize, values: &[f64]) -> f64 {
        self.row(at).map(|(base, weight)| weight * values[base]).sum()
    }

    /// `out = A x` of the normal equations.
    fn apply(&self, weights: &[f64], x: &[f64], out: &mut [f64]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = self.stiffness.height * x;
        }
        for (at, weight) in weights.iter().enumerate() {
            let pull = weight * self.value(at, x);
            for (base, share) in self.row(at) {
                out[base] += pull * share;
            }
        }
        for (first, stride) in &self.bends {
            let [a, b, c] = [0, 1, 2].map(|step| (first + step * stride) as usize);
            let pull = self.stiffness.bend * (x[a] - 2.0 * x[b] + x[c]);
            out[a] += pull;
            out[b] -= 2.0 * pull;
            out[c] += pull;
        }
    }

    /// Conjugate gradients from `values` on, scaled by the diagonal.
    fn solve(&self, weights: &[f64], values: &mut [f64]) {
        let size = values.len();
        let (mut target, mut diagonal) = (vec![0.0; size], vec![self.stiffness.height; size]);
        for (at, weight) in weights.iter().enumerate() {
            for (base, share) in self.row(at) {
                target[base] += weight * share * self.log_ratios[at];
                diagonal[base] += weight * share * share;
            }
        }
        for (first, stride) in &self.bends {
            for (step, square) in [(0, 1.0), (1, 4.0), (2, 1.0)] {
                diagonal[(first + step * stride) as usize] += self.stiffness.bend * square;
            }
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut image = vec![0.0; size];
        self.apply(weights, values, &mut image);
        let mut left: Vec<f64> = target.iter().zip(&image).map(|(t, i)| t - i).collect();
        let mut scaled: Vec<f64> = left.iter().zip(&diagonal).map(|(l, d)| l / d.max(1e-12)).collect();
        let mut way = scaled.clone();
        let mut energy = dot(&left, &scaled);
        let enough = energy.max(dot(&target, &target) / size as f64) * 1e-14;
        for _ in 0..600 {
            if energy <= enough {
                break;
            }
            self.apply(weights, &way, &mut image);
            let curve = dot(&way, &image);
            if curve <= 0.0 {
                break;
            }
            let length = energy / curve;
            for at in 0..size {
                values[at] += length * way[at];
                left[at] -= length * image[at];
                scaled[at] = left[at] / diagonal[at].max(1e-12);
            }
            let next = dot(&left, &scaled);
            let keep = next / energy;
            energy = next;
            for at in 0..size {
                way[at] = scaled[at] + keep * way[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid() -> Vec<Axis> {
        vec![Axis::spanning(0.0, 12.0, 2.0), Axis::spanning(5.0, 15.0, 2.5)]
    }

    fn rows(of: impl Fn(f32, f32) -> f64) -> Vec<Row> {
        let place = |x: i32, y: i32| [x as f32 * 0.5, 5.0 + y as f32 * 0.5, 0.0, 0.0];
        (0..=24)
            .flat_map(|x| (0..=20).map(move |y| place(x, y)))
            .map(|at| Row { at, log_ratio: of(at[0], at[1]), weight: 1.0 })
            .collect()
    }

    #[test]
    fn a_plane_is_met() {
        let truth = |x: f32, y: f32| f64::from(0.1 * x - 0.05 * y);
        let stiffness = Stiffness { height: 1e-9, ..Stiffness::default() };
        let surface = Surface::fit(&grid(), &rows(truth), stiffness).expect("rows");
        for (x, y) in [(0.0, 5.0), (3.3, 7.7), (12.0, 15.0)] {
            assert!((f64::from(surface.at([x, y, 0.0, 0.0])) - truth(x, y)).abs() < 2e-3, "{x} {y}");
        }
    }

    #[test]
    fn outliers_pull_little() {
        let mut rows = rows(|_, _| 0.2);
        for row in rows.iter_mut().step_by(10) {
            row.log_ratio = 3.0;
        }
        let surface = Surface::fit(&grid(), &rows, Stiffness::default()).expect("rows");
        assert!((surface.at([6.0, 10.0, 0.0, 0.0]) - 0.2).abs() < 0.06);
    }

    #[test]
    fn outside_is_the_edge_and_nan_does_not_panic() {
        let surface = Surface::fit(&grid(), &rows(|x, _| f64::from(x)), Stiffness::default()).expect("rows");
        assert_eq!(surface.at([-9.0, 6.0, 0.0, 0.0]), surface.at([0.0, 6.0, 0.0, 0.0]));
        assert_eq!(surface.at([1e9, 6.0, 0.0, 0.0]), surface.at([12.0, 6.0, 0.0, 0.0]));
        assert!(surface.at([f32::NAN, f32::INFINITY, 0.0, 0.0]).is_finite());
    }

    #[test]
    fn files_give_back_what_was_fitted() {
        let surface = Surface::fit(&grid(), &rows(|x, y| f64::from((x * y).sin())), Stiffness::default());
        let surface = surface.expect("rows");
        let text = serde_json::to_string(&surface).expect("plain data");
        assert_eq!(serde_json::from_str::<Surface>(&text).expect("as written"), surface);
    }

    #[test]
    fn broken_files_are_refused() {
        for text in [
            r#"{"axes":[],"thousandths":[]}"#,
            r#"{"axes":[{"first":0,"step":1,"knots":3}],"thousandths":[1,2]}"#,
            r#"{"axes":[{"first":0,"step":0,"knots":2}],"thousandths":[1,2]}"#,
        ] {
            assert!(serde_json::from_str::<Surface>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_to_fit() {
        assert!(Surface::fit(&grid(), &[], Stiffness::default()).is_none());
        let bad = Row { at: [0.0; AXES], log_ratio: f64::NAN, weight: 1.0 };
        assert!(Surface::fit(&grid(), &[bad], Stiffness::default()).is_none());
    }

    proptest! {
        /// Between knots a surface never leaves the range of its knots.
        #[test]
        fn values_stay_between_knots(x in -20f32..40.0, y in -20f32..40.0, z in -5f32..5.0) {
            let axes = [Axis::spanning(0.0, 3.0, 1.0), Axis::spanning(0.0, 4.0, 2.0), Axis::spanning(1.0, 1.0, 1.0)];
            let mut surface = Surface::flat(&axes).expect("axes");
            for (at, value) in surface.values.iter_mut().enumerate() {
                *value = (at as f32 * 1.7).sin();
            }
            let value = surface.at([x, y, z, 0.0]);
            prop_assert!((-1.0..=1.0).contains(&value), "{}", value);
        }
    }
}
