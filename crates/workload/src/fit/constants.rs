//! Constants of a law of physics from measurements: least squares of logarithms, by Levenberg and Marquardt.
//!
//! All constants are positive (times, shares, counts), so their logarithms are what is searched: no step can make one
//! negative. Errors beyond [`OUTLIER`] count linearly, so a few odd measurements do not bend the law.

use nalgebra::{SMatrix, SVector};

/// Error (natural logarithm of a ratio) above which a row counts linearly.
pub const OUTLIER: f64 = 0.15;

const ROUNDS: usize = 60;
const SMALL_STEP: f64 = 1e-5;

/// The constants, near `start`, for which `log_error(constants, row)` of rows `0..rows` is least. `log_error` gives
/// `ln(expected / measured)`; rows without a finite error are passed over. Constants stay within a factor of 1000 of
/// `start`.
pub fn fit_constants<const N: usize>(
    start: [f64; N],
    rows: usize,
    log_error: impl Fn(&[f64; N], usize) -> f64,
) -> [f64; N] {
    let plain = |logs: &SVector<f64, N>| -> [f64; N] { std::array::from_fn(|at| start[at] * logs[at].exp()) };
    let loss = |constants: &[f64; N]| -> f64 {
        (0..rows).map(|row| log_error(constants, row)).filter(|e| e.is_finite()).map(cost).sum()
    };
    let mut logs = SVector::<f64, N>::zeros();
    let mut best = loss(&plain(&logs));
    let mut damping = 1e-2;
    for _ in 0..ROUNDS {
        let here = plain(&logs);
        let nudged: [[f64; N]; N] = std::array::from_fn(|axis| {
            let mut moved = here;
            moved[axis] *= SMALL_STEP.exp();
            moved
        });
        let mut square = SMatrix::<f64, N, N>::zeros();
        let mut pull = SVector::<f64, N>::zeros();
        for row in 0..rows {
            let error = log_error(&here, row);
            let slope = SVector::<f64, N>::from_fn(|axis, _| (log_error(&nudged[axis], row) - error) / SMALL_STEP);
            if error.is_finite() && slope.iter().all(|s| s.is_finite()) {
                let weight = OUTLIER / error.abs().max(OUTLIER);
                square += slope * slope.transpose() * weight;
                pull += slope * (error * weight);
            }
        }
        let mut moved = false;
        for _ in 0..8 {
            let mut damped = square;
            for at in 0..N {
                damped[(at, at)] += damping * square[(at, at)].max(1e-9);
            }
            let Some(step) = damped.cholesky().map(|factors| factors.solve(&pull)) else { break };
            let tried = (logs - step).map(|log| log.clamp(-7.0, 7.0));
            let tried_loss = loss(&plain(&tried));
            if tried_loss < best {
                moved = best - tried_loss > 1e-9 * best;
                (logs, best) = (tried, tried_loss);
                damping = (damping * 0.3).max(1e-9);
                break;
            }
            damping *= 5.0;
        }
        if !moved {
            break;
        }
    }
    plain(&logs)
}

fn cost(error: f64) -> f64 {
    let size = error.abs();
    if size <= OUTLIER { 0.5 * size * size } else { OUTLIER * (size - 0.5 * OUTLIER) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(constants: &[f64; 2], x: f64) -> f64 {
        constants[0] + constants[1] * x
    }

    #[test]
    fn a_floor_and_a_slope_are_found_in_spite_of_outliers() {
        let truth = [3.0, 0.02];
        let measured: Vec<(f64, f64)> = (0..200)
            .map(|at| {
                let x = 1.1f64.powi(at % 100);
                let odd = if at % 20 == 0 { 4.0 } else { 1.0 };
                (x, line(&truth, x) * odd)
            })
            .collect();
        let found = fit_constants([1.0, 1.0], measured.len(), |constants, row| {
            let (x, y) = measured[row];
            (line(constants, x) / y).ln()
        });
        for (found, truth) in found.iter().zip(truth) {
            assert!((found / truth - 1.0).abs() < 0.05, "{found} {truth}");
        }
    }

    #[test]
    fn nothing_to_go_by_leaves_the_start() {
        assert_eq!(fit_constants([2.0, 5.0], 0, |_, _| 0.0), [2.0, 5.0]);
        assert_eq!(fit_constants([2.0, 5.0], 3, |_, _| f64::NAN), [2.0, 5.0]);
    }
}
