//! Symmetric positive definite Toeplitz matrices, factored in quadratic time.
//!
//! The correlation matrix of a feed-forward equaliser without gaps is Toeplitz. What decides whether a setting can be
//! the best one are only the inner products of a few right-hand sides in the metric of its inverse, and the Schur
//! algorithm gives those without forming the matrix: its vectors shrink by one per step and every operation is a
//! multiply-add over a whole vector.

/// Working memory of [`inverse_gram`], kept from call to call.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    upper: Vec<f64>,
    lower: Vec<f64>,
    sides: Vec<f64>,
    pivots: Vec<f64>,
}

/// Inner products `x_i' R^-1 x_j` of `count` right-hand sides, where `R` is the symmetric Toeplitz matrix whose first
/// row is `row`. `sides` holds the right-hand sides one after the other, each as long as `row`; `gram` receives
/// `count * count` values, row by row. Gives `None` when `R` is not positive definite.
pub fn inverse_gram(row: &[f64], sides: &[f64], count: usize, work: &mut Workspace, gram: &mut [f64]) -> Option<()> {
    let n = row.len();
    if n == 0 || sides.len() != n * count || gram.len() != count * count || row[0].is_nan() || row[0] <= 0.0 {
        return None;
    }
    let scale = row[0].sqrt().recip();
    work.upper.clear();
    work.upper.extend(row.iter().map(|value| value * scale));
    work.lower.clear();
    work.lower.extend_from_slice(&work.upper[1..]);
    work.sides.clear();
    work.sides.extend_from_slice(sides);
    work.pivots.clear();
    work.pivots.resize(count, 0.0);
    gram.fill(0.0);
    for step in 0..n {
        // `upper` is column `step` of the Cholesky factor, from the diagonal down.
        let diagonal = work.upper[0];
        if diagonal.is_nan() || diagonal <= 0.0 {
            return None;
        }
        let inverse = diagonal.recip();
        for side in 0..count {
            let rest = &mut work.sides[side * n + step..(side + 1) * n];
            let pivot = rest[0] * inverse;
            work.pivots[side] = pivot;
            for (value, column) in rest[1..].iter_mut().zip(&work.upper[1..]) {
                *value -= pivot * column;
            }
        }
        for row in 0..count {
            for column in 0..count {
                gram[row * count + column] += work.pivots[row] * work.pivots[column];
            }
        }
        let left = n - step - 1;
        if left == 0 {
            break;
        }
        work.upper.truncate(left);
        let reflection = work.lower[n - 1 - left] * inverse;
        let spread = 1.0 - reflection * reflection;
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let norm = spread.sqrt().recip();
        for (high, low) in work.upper.iter_mut().zip(&mut work.lower[n - 1 - left..]) {
            let turned = (*high - reflection * *low) * norm;
            *low = (*low - reflection * *high) * norm;
            *high = turned;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_a_dense_solve(pulse in prop::collection::vec(-1.0f64..1.0, 1..40), n in 1usize..24,
            values in prop::collection::vec(-1.0f64..1.0, 72)) {
            let row: Vec<f64> = (0..n)
                .map(|lag| {
                    let energy: f64 = pulse.iter().zip(pulse.iter().skip(lag)).map(|(a, b)| a * b).sum();
                    energy + if lag == 0 { 0.05 } else { 0.0 }
                })
                .collect();
            let sides = &values[..3 * n];
            let mut gram = [0.0; 9];
            prop_assert!(inverse_gram(&row, sides, 3, &mut Workspace::default(), &mut gram).is_some());
            let matrix = DMatrix::from_fn(n, n, |i, j| row[i.abs_diff(j)]);
            let factor = matrix.lu();
            for i in 0..3 {
                for j in 0..3 {
                    let left = DVector::from_column_slice(&sides[i * n..(i + 1) * n]);
                    let right = DVector::from_column_slice(&sides[j * n..(j + 1) * n]);
                    let solved = factor.solve(&right).expect("positive definite");
                    let truth = left.dot(&solved);
                    prop_assert!((gram[i * 3 + j] - truth).abs() <= 1e-8 * (1.0 + truth.abs()));
                }
            }
        }
    }

    #[test]
    fn refuses_an_indefinite_matrix() {
        let mut gram = [0.0];
        assert!(inverse_gram(&[1.0, 1.5], &[1.0, 0.0], 1, &mut Workspace::default(), &mut gram).is_none());
        assert!(inverse_gram(&[0.0, 0.0], &[1.0, 0.0], 1, &mut Workspace::default(), &mut gram).is_none());
    }
}
