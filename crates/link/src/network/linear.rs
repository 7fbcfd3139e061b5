//! Small dense complex matrices in row order, without allocation: products, and systems of equations.
//!
//! S-parameter work does thousands of products and solutions of 2 to 12 rows; a general library's set-up costs more
//! than the arithmetic there.

use num_complex::Complex64;

/// Size of a number without a root: the sum of its parts' magnitudes, for choosing pivots.
fn size(value: Complex64) -> f64 {
    value.re.abs() + value.im.abs()
}

/// Solves `A X = B` for square `a` of `n` rows and `b` of `n` rows and `m` columns; `b` becomes `X`, `a` is used up.
/// False when `a` is singular to the last digit, or holds what is no number.
pub(crate) fn solve(a: &mut [Complex64], b: &mut [Complex64], n: usize, m: usize) -> bool {
    debug_assert!(a.len() == n * n && b.len() == n * m);
    for column in 0..n {
        let mut pivot = column;
        for row in column + 1..n {
            if size(a[row * n + column]) > size(a[pivot * n + column]) {
                pivot = row;
            }
        }
        let largest = size(a[pivot * n + column]);
        if !(largest > 0.0 && largest.is_finite()) {
            return false;
        }
        if pivot != column {
            for k in column..n {
                a.swap(pivot * n + k, column * n + k);
            }
            for k in 0..m {
                b.swap(pivot * m + k, column * m + k);
            }
        }
        let inverse = a[column * n + column].finv();
        a[column * n + column] = inverse;
        for row in column + 1..n {
            let factor = a[row * n + column] * inverse;
            if factor == Complex64::ZERO {
                continue;
            }
            for k in column + 1..n {
                let above = a[column * n + k];
                a[row * n + k] -= factor * above;
            }
            for k in 0..m {
                let above = b[column * m + k];
                b[row * m + k] -= factor * above;
            }
        }
    }
    for row in (0..n).rev() {
        for k in 0..m {
            let mut sum = b[row * m + k];
            for column in row + 1..n {
                sum -= a[row * n + column] * b[column * m + k];
            }
            b[row * m + k] = sum * a[row * n + row];
        }
    }
    b.iter().all(|value| value.re.is_finite() && value.im.is_finite())
}

/// `out = A B` for `a` of `n` by `k` and `b` of `k` by `m`.
pub(crate) fn multiply(a: &[Complex64], b: &[Complex64], out: &mut [Complex64], n: usize, k: usize, m: usize) {
    debug_assert!(a.len() == n * k && b.len() == k * m && out.len() == n * m);
    for row in 0..n {
        let line = &mut out[row * m..(row + 1) * m];
        line.fill(Complex64::ZERO);
        for inner in 0..k {
            let factor = a[row * k + inner];
            for (sum, right) in line.iter_mut().zip(&b[inner * m..(inner + 1) * m]) {
                *sum += factor * right;
            }
        }
    }
}

/// Turns a square matrix over its diagonal.
pub(crate) fn transpose(a: &mut [Complex64], n: usize) {
    for row in 0..n {
        for column in row + 1..n {
            a.swap(row * n + column, column * n + row);
        }
    }
}

/// `b` becomes `B A⁻¹`; `a` is used up. False when `a` is singular.
pub(crate) fn divide(b: &mut [Complex64], a: &mut [Complex64], n: usize) -> bool {
    transpose(a, n);
    transpose(b, n);
    let solved = solve(a, b, n, n);
    transpose(b, n);
    solved
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matrix(n: usize) -> impl Strategy<Value = Vec<Complex64>> {
        proptest::collection::vec((-1.0..1.0f64, -1.0..1.0f64).prop_map(|(re, im)| Complex64::new(re, im)), n * n)
    }

    proptest! {
        #[test]
        fn a_solution_solves((n, a, b) in (1usize..7).prop_flat_map(|n| (Just(n), matrix(n), matrix(n)))) {
            let (mut used, mut x) = (a.clone(), b.clone());
            prop_assume!(solve(&mut used, &mut x, n, n));
            let largest = x.iter().map(|v| v.norm()).fold(1.0, f64::max);
            let mut back = vec![Complex64::ZERO; n * n];
            multiply(&a, &x, &mut back, n, n, n);
            for (got, want) in back.iter().zip(&b) {
                prop_assert!((got - want).norm() < 1e-12 * largest);
            }
            let (mut used, mut y) = (a.clone(), b.clone());
            prop_assert!(divide(&mut y, &mut used, n));
            let largest = y.iter().map(|v| v.norm()).fold(1.0, f64::max);
            multiply(&y, &a, &mut back, n, n, n);
            for (got, want) in back.iter().zip(&b) {
                prop_assert!((got - want).norm() < 1e-12 * largest);
            }
        }
    }

    #[test]
    fn a_singular_matrix_is_refused() {
        let mut a = vec![Complex64::ONE; 4];
        let mut b = vec![Complex64::ONE; 2];
        assert!(!solve(&mut a, &mut b, 2, 1));
        let mut a = vec![Complex64::new(f64::NAN, 0.0)];
        assert!(!solve(&mut a, &mut [Complex64::ONE], 1, 1));
    }
}
