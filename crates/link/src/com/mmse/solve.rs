//! Feed-forward and feedback taps of least mean square error, within their limits (178A.1.8).
//!
//! Minimised is `w'Rw + 1 + b'b - 2w'h0 - 2w'Hb'b` under `h0 w = 1`: the error of the equalised, fed-back sample in units
//! of the symbols' variance. With `R = LL'` and `z = L'w` that is a least-squares problem whose size is the number of
//! feedback taps. Limits are enforced as the reference receiver does it, in this order: clip the feedback taps and
//! solve again; clip the feed-forward taps, scale them to a unit cursor and take the feedback taps from them.

use super::receiver::Receiver;

/// One setting at one sampling instant, as the taps see it.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// Correlation of response and noise by lag, over the variance of the symbols; as many lags as positions.
    pub row: Vec<f64>,
    /// Response backwards in time: `samples[feedback - m + p]` is what tap position `p` contributes to row `m` (0 is the
    /// cursor, then one per feedback tap). As many as positions and feedback taps together.
    pub samples: Vec<f64>,
    /// The whole response forwards, from which samples are taken: working memory of who makes the problem.
    pub response: Vec<f64>,
}

impl Problem {
    /// What position `tap` contributes to row `row` of the equalised response.
    fn entry(&self, feedback: usize, row: usize, tap: usize) -> f64 {
        self.samples.get(feedback - row + tap).copied().unwrap_or(0.0)
    }
}

/// Taps found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taps {
    /// Feed-forward taps, one per position asked for, scaled to a unit cursor of the equalised response.
    pub forward: Vec<f64>,
    /// Feedback taps, relative to that cursor.
    pub feedback: Vec<f64>,
    /// Mean square error over the variance of the symbols.
    pub error: f64,
    /// Whether a feed-forward tap was clipped.
    pub clipped: bool,
}

/// Cholesky factor of a matrix that can grow by rows, and forward solves with it.
#[derive(Clone, Debug, Default)]
pub struct Factor {
    rows: Vec<Vec<f64>>,
}

impl Factor {
    /// Adds the row of the matrix that holds `entries` left of and on the diagonal. `false` when the matrix is then not
    /// positive definite.
    pub fn push(&mut self, entries: impl Iterator<Item = f64>) -> bool {
        let mut row = Vec::with_capacity(self.rows.len() + 1);
        let mut energy = 0.0;
        for (at, entry) in entries.enumerate().take(self.rows.len() + 1) {
            if let Some(above) = self.rows.get(at) {
                let inner: f64 = row.iter().zip(above).map(|(a, b): (&f64, &f64)| a * b).sum();
                let value = (entry - inner) / above[at];
                energy += value * value;
                row.push(value);
            } else {
                let left = entry - energy;
                if left.is_nan() || left <= entry.abs() * 1e-14 {
                    return false;
                }
                row.push(left.sqrt());
            }
        }
        self.rows.push(row);
        true
    }

    /// `L^-1 side`.
    pub fn forward(&self, side: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut solved = Vec::with_capacity(self.rows.len());
        for (row, entry) in self.rows.iter().zip(side) {
            let inner: f64 = row.iter().zip(&solved).map(|(a, b): (&f64, &f64)| a * b).sum();
            let at = solved.len();
            solved.push((entry - inner) / row[at]);
        }
        solved
    }

    /// `L'^-1 side`.
    pub fn backward(&self, mut side: Vec<f64>) -> Vec<f64> {
        for at in (0..self.rows.len()).rev() {
            let row = &self.rows[at];
            side[at] /= row[at];
            let value = side[at];
            for (left, entry) in side[..at].iter_mut().zip(row) {
                *left -= value * entry;
            }
        }
        side
    }
}

/// Inner products in the metric of `R^-1`: row and column 0 belong to the cursor, the others to the feedback taps.
#[derive(Clone, Copy, Debug)]
pub struct Gram<'a> {
    /// Row by row.
    pub values: &'a [f64],
    /// Feedback taps.
    pub feedback: usize,
}

impl Gram<'_> {
    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * (self.feedback + 1) + column]
    }

    /// Feedback taps of least error without limits. `None` when no cursor can be made or the error is not convex.
    pub fn best_feedback(&self) -> Option<Vec<f64>> {
        let mut feedback = Vec::with_capacity(self.feedback);
        self.best_feedback_into(&mut feedback).then_some(feedback)
    }

    /// As [`Gram::best_feedback`], into memory that is there already. `false` when there is nothing to be had.
    pub fn best_feedback_into(&self, feedback: &mut Vec<f64>) -> bool {
        let n = self.feedback;
        feedback.clear();
        let cursor = self.at(0, 0);
        if cursor.is_nan() || cursor <= 0.0 {
            return false;
        }
        if n == 1 {
            let curvature = 1.0 - self.at(1, 1) + self.at(0, 1) * self.at(0, 1) / cursor;
            feedback.push(self.at(0, 1) / cursor / curvature);
            return curvature > 1e-14;
        }
        let mut factor = Factor::default();
        for i in 1..=n {
            let entries =
                (1..=i).map(|j| f64::from(u8::from(i == j)) - self.at(i, j) + self.at(0, i) * self.at(0, j) / cursor);
            if !factor.push(entries) {
                return false;
            }
        }
        feedback.extend(factor.backward(factor.forward((1..=n).map(|i| self.at(0, i) / cursor))));
        true
    }

    /// Least error with these feedback taps.
    pub fn error(&self, feedback: &[f64]) -> f64 {
        let mut plain = 0.0;
        let mut against = 1.0;
        for (i, b) in feedback.iter().enumerate() {
            against -= b * self.at(0, i + 1);
            plain += b * b;
            for (j, other) in feedback.iter().enumerate() {
                plain -= b * other * self.at(i + 1, j + 1);
            }
        }
        plain - 1.0 + against * against / self.at(0, 0)
    }

    /// An error that no tap weights within the limits can go below, and none at all without limits on the
    /// feed-forward taps: with one feedback tap or none it is the least error itself.
    pub fn least_error(&self, receiver: &Receiver) -> f64 {
        if self.feedback == 1 {
            let (a, c, e) = (self.at(0, 0), self.at(0, 1), self.at(1, 1));
            let curvature = 1.0 - e + c * c / a;
            if a.is_nan() || a <= 0.0 || curvature.is_nan() || curvature <= 0.0 {
                return 0.0;
            }
            let b = (c / a / curvature).clamp(receiver.feedback_min[0], receiver.feedback_max[0]);
            return self.error(&[b]);
        }
        self.best_feedback().map_or(0.0, |feedback| self.error(&feedback))
    }
}

/// Brings feedback taps within their limits.
pub fn clip_into(feedback: &mut [f64], receiver: &Receiver) {
    for (value, (low, high)) in feedback.iter_mut().zip(receiver.feedback_min.iter().zip(&receiver.feedback_max)) {
        *value = value.max(*low).min(*high);
    }
}

/// Taps at these positions, which begin with the fixed ones. `None` when no cursor can be made.
pub fn solve(receiver: &Receiver, problem: &Problem, positions: &[usize]) -> Option<Taps> {
    let mut factor = Factor::default();
    for (at, &position) in positions.iter().enumerate() {
        if !factor.push(
            positions[..=at].iter().map(|&other| problem.row.get(position.abs_diff(other)).copied().unwrap_or(0.0)),
        ) {
            return None;
        }
    }
    let n = receiver.feedback();
    let sides: Vec<Vec<f64>> =
        (0..=n).map(|row| factor.forward(positions.iter().map(|&tap| problem.entry(n, row, tap)))).collect();
    let mut values = vec![0.0; (n + 1) * (n + 1)];
    for i in 0..=n {
        for j in 0..=n {
            values[i * (n + 1) + j] = sides[i].iter().zip(&sides[j]).map(|(a, b)| a * b).sum();
        }
    }
    let gram = Gram { values: &values, feedback: n };
    let mut feedback = gram.best_feedback()?;
    clip_into(&mut feedback, receiver);
    let against = 1.0 - feedback.iter().enumerate().map(|(i, b)| b * gram.at(0, i + 1)).sum::<f64>();
    let share = against / gram.at(0, 0);
    let turned: Vec<f64> = (0..positions.len())
        .map(|at| share * sides[0][at] + feedback.iter().zip(&sides[1..]).map(|(b, side)| b * side[at]).sum::<f64>())
        .collect();
    let free_taps = factor.backward(turned);
    let cursor = free_taps[receiver.pre];
    let mut taps: Vec<f64> = free_taps
        .iter()
        .zip(positions)
        .map(|(tap, &position)| {
            let limit = receiver.limit(position);
            let low = if position == receiver.pre { cursor } else { -limit * cursor };
            (limit * cursor).min(tap.max(low))
        })
        .collect();
    let clipped = taps != free_taps;
    if !clipped {
        let error = gram.error(&feedback);
        return (error > 0.0).then_some(Taps { forward: taps, feedback, error, clipped });
    }
    let unit: f64 = taps.iter().zip(positions).map(|(tap, &position)| tap * problem.entry(n, 0, position)).sum();
    if unit == 0.0 || !unit.is_finite() {
        return None;
    }
    for tap in &mut taps {
        *tap /= unit;
    }
    let rows: Vec<f64> = (1..=n)
        .map(|row| taps.iter().zip(positions).map(|(tap, &position)| tap * problem.entry(n, row, position)).sum())
        .collect();
    feedback.clone_from(&rows);
    clip_into(&mut feedback, receiver);
    let error = error_of(problem, positions, &taps, &feedback, &rows);
    (error > 0.0).then_some(Taps { forward: taps, feedback, error, clipped })
}

/// Mean square error of given taps whose equalised response has a unit cursor and the values `rows` behind it.
fn error_of(problem: &Problem, positions: &[usize], taps: &[f64], feedback: &[f64], rows: &[f64]) -> f64 {
    let mut error = -1.0;
    for (tap, &position) in taps.iter().zip(positions) {
        for (other, &place) in taps.iter().zip(positions) {
            error += tap * other * problem.row.get(position.abs_diff(place)).copied().unwrap_or(0.0);
        }
    }
    error + feedback.iter().zip(rows).map(|(b, row)| b * (b - 2.0 * row)).sum::<f64>()
}
