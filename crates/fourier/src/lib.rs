//! Plans of Fourier transforms, made here and nowhere else.
//!
//! The library behind them is generic: whoever makes a plan compiles all its kernels, which takes longer than most of our
//! crates. Here that happens once, beside the compilation of other crates, and users hold finished plans.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use num_complex::Complex64;
use realfft::RealFftPlanner;
pub use realfft::{ComplexToReal, RealToComplex};
use rustfft::FftPlanner;

/// From `points` real values to the `points / 2 + 1` bins of their spectrum, not scaled.
pub type Forward = Arc<dyn RealToComplex<f64>>;

/// From the bins of a spectrum to `points` real values, `points` times too large.
pub type Inverse = Arc<dyn ComplexToReal<f64>>;

/// Points of all plans that a thread keeps; beyond them it starts anew.
const KEPT_POINTS: usize = 1 << 22;

/// Plans by number of points: making one costs more than using it.
#[derive(Default)]
struct Plans {
    made: BTreeMap<usize, (Forward, Inverse)>,
    points: usize,
}

thread_local! {
    static PLANS: RefCell<Plans> = RefCell::new(Plans::default());
}

impl Plans {
    fn of(&mut self, points: usize) -> (Forward, Inverse) {
        if let Some(found) = self.made.get(&points) {
            return found.clone();
        }
        if self.points + points > KEPT_POINTS {
            *self = Self::default();
        }
        let both = (RealFftPlanner::new().plan_fft_forward(points), inverse(points));
        self.points += points;
        self.made.insert(points, both.clone());
        both
    }
}

/// The way there and back over `points` real values; the thread keeps them for the next time.
pub fn kept(points: usize) -> (Forward, Inverse) {
    PLANS.with_borrow_mut(|plans| plans.of(points))
}

/// The way back to `points` real values, for one use.
pub fn inverse(points: usize) -> Inverse {
    RealFftPlanner::new().plan_fft_inverse(points)
}

/// Takes a whole spectrum back to its values in place, not scaled.
pub fn invert(bins: &mut [Complex64]) {
    FftPlanner::new().plan_fft_inverse(bins.len()).process(bins);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, term by term.
    fn spectrum(values: &[f64]) -> Vec<Complex64> {
        let turn = |k: usize, n: usize| -std::f64::consts::TAU * (k * n % values.len()) as f64 / values.len() as f64;
        (0..values.len())
            .map(|k| values.iter().enumerate().map(|(n, x)| Complex64::from_polar(*x, turn(k, n))).sum())
            .collect()
    }

    #[test]
    fn there_and_back_as_defined() {
        for points in [1, 2, 7, 60, 64, 97] {
            let values: Vec<f64> = (0..points).map(|n| ((n * n + 3) % 11) as f64 - 4.0).collect();
            let expected = spectrum(&values);
            for _ in 0..2 {
                let (forward, back) = kept(points);
                let mut half = vec![Complex64::default(); points / 2 + 1];
                forward.process(&mut values.clone(), &mut half).expect("lengths fit");
                for (found, expected) in half.iter().zip(&expected) {
                    assert!((found - expected).norm() < 1e-10, "{points}: {found} for {expected}");
                }
                // The library refuses imaginary parts where a real series has none.
                half[0].im = 0.0;
                if points % 2 == 0 {
                    half[points / 2].im = 0.0;
                }
                let mut again = vec![0.0; points];
                back.process(&mut half, &mut again).expect("lengths fit");
                assert!(again.iter().zip(&values).all(|(a, b)| (a / points as f64 - b).abs() < 1e-12));
            }
            let mut bins = expected;
            invert(&mut bins);
            assert!(bins.iter().zip(&values).all(|(a, b)| (a / points as f64 - b).norm() < 1e-10));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut plans = Plans::default();
        for points in (1..9).map(|k| KEPT_POINTS / 8 + k) {
            plans.of(points);
        }
        assert!(plans.points <= KEPT_POINTS && plans.made.len() < 8);
    }
}
