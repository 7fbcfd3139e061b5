//! A Gaussian process over circumstances, held by support points (subset of regressors).
//!
//! Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: section 8.3.1 (subset of regressors), eq. 8.14.
//! Support points are chosen by pivoted Cholesky decomposition: always the row that the chosen ones explain least.

use nalgebra::{Cholesky, DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::circumstances::Circumstances;

/// Support points with one weight per quantity that is predicted, all in natural logarithms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Circumstances of the support points.
    pub support: Vec<Circumstances>,
    /// Weights, one list per quantity.
    pub weights: Vec<Vec<f32>>,
    /// How far measurements near a support point lay from what was predicted without them, one list per quantity.
    pub scales: Vec<Vec<f32>>,
}

/// What a process says about one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said<const QUANTITIES: usize> {
    /// Natural logarithm of the factor.
    pub logarithm: [f64; QUANTITIES],
    /// Typical error (natural logarithm) of measured runs that are alike.
    pub scale: [f64; QUANTITIES],
    /// Likeness of the nearest support point, 0 to 1.
    pub nearest: f64,
}

/// Variance of measurement noise (natural logarithm squared) before outliers are held back.
const NOISE: f64 = 0.03;

/// Residual beyond which a row counts less (Huber's weight), natural logarithm.
const OUTLIER: f64 = 0.02;

/// Variance that may stay unexplained by the support points.
const UNEXPLAINED: f32 = 0.03;

/// Support points at most.
pub const SUPPORT_LIMIT: usize = 1100;

impl Process {
    /// Fits logarithms of factors at rows; `quantities` holds one list per quantity, NaN where a row lacks it.
    pub fn fit(rows: &[Circumstances], quantities: &[&[f64]]) -> Self {
        let support = choose(rows);
        if support.is_empty() {
            return Self {
                weights: vec![Vec::new(); quantities.len()],
                scales: vec![Vec::new(); quantities.len()],
                ..Self::default()
            };
        }
        let points: Vec<Circumstances> = support.iter().map(|at| rows[*at]).collect();
        let across = DMatrix::from_fn(points.len(), rows.len(), |i, j| f64::from(points[i].likeness(&rows[j])));
        let among = DMatrix::from_fn(points.len(), points.len(), |i, j| {
            f64::from(points[i].likeness(&points[j])) + if i == j { 1e-6 } else { 0.0 }
        });
        let weights = quantities.iter().map(|values| solve(&across, &among, values)).collect();
        Self { support: points, weights, scales: vec![Vec::new(); quantities.len()] }
    }

    /// Says what is expected of a run.
    pub fn say<const Q: usize>(&self, run: &Circumstances) -> Said<Q> {
        let mut said = Said { logarithm: [0.0; Q], scale: [0.0; Q], nearest: 0.0 };
        let (mut sums, mut spreads, mut nearest, mut total) = ([0.0_f64; Q], [0.0_f64; Q], 0.0_f32, 0.0_f64);
        for (at, point) in self.support.iter().enumerate() {
            let likeness = run.likeness(point);
            nearest = nearest.max(likeness);
            // High powers, so that the spread is that of the nearest kin.
            let near = f64::from(likeness * likeness);
            let near = near * near;
            total += near;
            for quantity in 0..Q {
                if let Some(weight) = self.weights.get(quantity).and_then(|list| list.get(at)) {
                    sums[quantity] += f64::from(likeness * weight);
                }
                if let Some(scale) = self.scales.get(quantity).and_then(|list| list.get(at)) {
                    spreads[quantity] += near * f64::from(*scale);
                }
            }
        }
        for quantity in 0..Q {
            said.logarithm[quantity] = sums[quantity];
            said.scale[quantity] = if total > 0.0 { spreads[quantity] / total } else { 0.0 };
        }
        said.nearest = f64::from(nearest / Circumstances::own());
        said
    }

    /// Learns how far off predictions are around each support point from errors of rows that were held out.
    pub fn learn_scales(&mut self, rows: &[Circumstances], errors: &[&[f64]]) {
        self.scales = errors
            .iter()
            .map(|errors| {
                self.support
                    .iter()
                    .map(|point| {
                        let (mut sum, mut total) = (0.0, 0.0);
                        for (row, error) in rows.iter().zip(*errors).filter(|(_, error)| error.is_finite()) {
                            let near = f64::from(point.likeness(row));
                            let near = near * near * near * near;
                            sum += near * error.abs().min(1.5);
                            total += near;
                        }
                        if total > 0.0 { (sum / total) as f32 } else { 0.0 }
                    })
                    .collect()
            })
            .collect();
    }
}

/// Pivoted Cholesky decomposition: indices of the rows that explain the others.
fn choose(rows: &[Circumstances]) -> Vec<usize> {
    let mut left = vec![Circumstances::own(); rows.len()];
    let mut factors: Vec<Vec<f32>> = Vec::new();
    let mut chosen = Vec::new();
    while chosen.len() < SUPPORT_LIMIT.min(rows.len()) {
        let Some((pivot, most)) =
            left.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        else {
            break;
        };
        if most < UNEXPLAINED {
            break;
        }
        let root = most.sqrt();
        let mut factor: Vec<f32> = rows.iter().map(|row| row.likeness(&rows[pivot])).collect();
        for known in &factors {
            let at_pivot = known[pivot];
            for (value, known) in factor.iter_mut().zip(known) {
                *value -= known * at_pivot;
            }
        }
        for (value, left) in factor.iter_mut().zip(&mut left) {
            *value /= root;
            *left -= *value * *value;
        }
        left[pivot] = 0.0;
        factors.push(factor);
        chosen.push(pivot);
    }
    chosen
}

/// Weights of the support points, outliers held back over a few rounds.
fn solve(across: &DMatrix<f64>, among: &DMatrix<f64>, values: &[f64]) -> Vec<f32> {
    let known: Vec<usize> = (0..values.len()).filter(|at| values[*at].is_finite()).collect();
    let mut noise = vec![NOISE; known.len()];
    let mut weights = DVector::zeros(among.nrows());
    let used = across.select_columns(&known);
    let wanted = DVector::from_iterator(known.len(), known.iter().map(|at| values[*at]));
    for _ in 0..4 {
        let mut scaled = used.clone();
        for (mut column, noise) in scaled.column_iter_mut().zip(&noise) {
            column /= *noise;
        }
        let normal = among + &scaled * used.transpose();
        let Some(factors) = Cholesky::new(normal) else { break };
        weights = factors.solve(&(&scaled * &wanted));
        let fitted = used.tr_mul(&weights);
        for ((noise, wanted), fitted) in noise.iter_mut().zip(wanted.iter()).zip(fitted.iter()) {
            *noise = NOISE * ((wanted - fitted).abs() / OUTLIER).max(1.0);
        }
    }
    weights.iter().map(|weight| *weight as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::circumstances::Words;
    use super::*;

    fn run(family: &str, concurrency: f64) -> Circumstances {
        let words = Words {
            kind: "k",
            family,
            generation: "g",
            device: "d",
            backend: "b",
            version: "",
            precision: "fp8",
            mode: "aggregated",
        };
        Circumstances::new(&words, [concurrency, 1024.0, 1024.0, 8.0, 1.0, concurrency])
    }

    /// A factor that grows with load and differs by family comes back, also between the loads that were measured.
    #[test]
    fn a_smooth_factor_is_learnt() {
        // As many runs as a measured group has: a few dozen.
        let loads: Vec<f64> = (0..33).map(|step| f64::from(step) * 0.25).map(f64::exp2).collect();
        let law = |family: &str, load: f64| 0.05 * f64::log2(load) + if family == "a" { 0.3 } else { -0.2 };
        let mut rows = Vec::new();
        let mut values = Vec::new();
        for family in ["a", "b"] {
            for &load in &loads {
                rows.push(run(family, load));
                values.push(law(family, load));
            }
        }
        let process = Process::fit(&rows, &[&values]);
        for family in ["a", "b"] {
            for load in [1.1, 9.0, 33.0, 140.0] {
                let said: Said<1> = process.say(&run(family, load));
                assert!((said.logarithm[0] - law(family, load)).abs() < 0.06, "{family} {load} {said:?}");
                assert!(said.nearest > 0.9);
            }
        }
        let stranger: Said<1> = process.say(&run("c", 16.0));
        let kin: Said<1> = process.say(&run("a", 16.0));
        assert!(stranger.nearest < kin.nearest - 0.1, "{} {}", stranger.nearest, kin.nearest);
        assert!(stranger.logarithm[0].abs() < 0.5);
    }

    #[test]
    fn rows_without_a_quantity_are_left_out() {
        let rows = [run("a", 1.0), run("a", 64.0)];
        let process = Process::fit(&rows, &[&[0.2, f64::NAN]]);
        let said: Said<1> = process.say(&rows[0]);
        assert!((said.logarithm[0] - 0.2).abs() < 0.05);
        assert!(Process::fit(&[], &[&[]]).say::<1>(&rows[0]).nearest == 0.0);
    }
}
