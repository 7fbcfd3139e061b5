//! The time of many equal steps: decoding grows every cache by a token, and the step's time with it, slowly. So the time
//! of a run is a parabola through three of its steps, as long as the middle one lies close to it.

/// A straight line through the ends of a run may miss the middle by this share before the run is halved.
const TOLERANCE: f64 = 1e-3;

/// A run of steps: the time of step `j` (from 0) is `first + j * slope + j * (j - 1) * bend`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Steps.
    pub steps: u64,
    first: f64,
    slope: f64,
    bend: f64,
}

impl Run {
    /// At most `most` steps, as many as one parabola describes; `at(j)` is the time of step `j`. With `exact`, one step.
    pub fn plan(most: u64, exact: bool, mut at: impl FnMut(u64) -> f64) -> Self {
        let first = at(0);
        if most <= 1 || exact {
            return Self { steps: most.min(1), first, slope: 0.0, bend: 0.0 };
        }
        let mut steps = most;
        let mut last = at(steps - 1);
        loop {
            if steps == 2 {
                return Self { steps, first, slope: last - first, bend: 0.0 };
            }
            let half = (steps - 1) / 2;
            let middle = at(half);
            let (j, m) = ((steps - 1) as f64, half as f64);
            let straight = first + (last - first) * m / j;
            if (middle - straight).abs() <= TOLERANCE * middle.abs() || steps == 3 {
                // Newton's form through 0, m and j, turned to the basis j and j (j - 1).
                let (a, b) = ((middle - first) / m, (last - first) / j);
                let bend = if j > m { (b - a) / (j - m) } else { 0.0 };
                let slope = a - bend * (m - 1.0);
                return Self { steps, first, slope, bend };
            }
            (steps, last) = (half + 1, middle);
        }
    }

    /// Seconds of the first `steps` steps.
    pub fn seconds(&self, steps: u64) -> f64 {
        let n = steps as f64;
        n * self.first + n * (n - 1.0) / 2.0 * self.slope + n * (n - 1.0) * (n - 2.0) / 3.0 * self.bend
    }

    /// The least number of steps, 1 or more, that takes so long; at most all.
    pub fn steps_after(&self, seconds: f64) -> u64 {
        let (mut low, mut high) = (1, self.steps.max(1));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.seconds(middle) >= seconds { high = middle } else { low = middle + 1 }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Parabolas are exact on parabolas.
        #[test]
        fn a_parabola_is_summed_exactly(a in 0.01f64..1.0, b in 0.0f64..1e-5, c in 0.0f64..1e-9, most in 1u64..2000) {
            let at = |j: u64| a + b * j as f64 + c * (j * j) as f64;
            let run = Run::plan(most, false, at);
            let mut sum = 0.0;
            for j in 0..run.steps {
                sum += at(j);
                prop_assert!((run.seconds(j + 1) - sum).abs() <= 1e-9 * sum);
            }
            let steps = run.steps_after(sum * 0.5);
            prop_assert!(run.seconds(steps) >= sum * 0.5 * (1.0 - 1e-12));
            prop_assert!(steps == 1 || run.seconds(steps - 1) < sum * 0.5);
        }

        /// A step with a kink is followed within the tolerance.
        #[test]
        fn a_kink_costs_no_more_than_the_tolerance(kink in 0u64..500, rise in 0.0f64..1e-3, most in 1u64..500) {
            let at = |j: u64| 0.02 + rise * j.saturating_sub(kink) as f64;
            let (mut done, mut sum, mut exact) = (0, 0.0, 0.0);
            while done < most {
                let run = Run::plan(most - done, false, |j| at(done + j));
                sum += run.seconds(run.steps);
                exact += (done..done + run.steps).map(at).sum::<f64>();
                done += run.steps;
            }
            prop_assert!((sum - exact).abs() <= 2.0 * TOLERANCE * exact, "{sum} {exact}");
        }
    }
}
