//! All places of one more floating group, from the factor of the positions taken so far.
//!
//! With `R = LL'` over the positions taken `T` and `C = L^-1 R(T, open)`, a group `G` adds the rows `C_G'` and the factor
//! `K` of `R(G, G) - C_G' C_G`, which is a few values on the diagonals of what is left of the matrix. Taps follow from
//! the group's own, `K'^-1 y`: those taken are `L'^-1 z - (L'^-1 C_G) w_G`. Every array here runs over all places, so that
//! one pass serves them all.

use super::receiver::Receiver;
use super::solve::{Gram, Problem, Taps, clip_into};

/// The positions taken so far, and all places of the next group. Places are counted from the first open position.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    taken: Vec<usize>,
    /// Factor of the matrix over the positions taken: rows one after the other, each up to its diagonal.
    factor: Vec<f64>,
    /// Right-hand sides: the cursor's and one per feedback tap.
    count: usize,
    /// Positions that groups can have.
    open: usize,
    /// Places that a group can start at.
    places: usize,
    /// Right-hand sides, forward-solved: `count` values per position taken.
    sides: Vec<f64>,
    /// Inner products of these.
    gram: Vec<f64>,
    /// Open positions' columns, forward-solved: one row of `open` values per position taken.
    columns: Vec<f64>,
    /// The same, backward-solved as well.
    weights: Vec<f64>,
    /// Right-hand sides, solved: `count` values per position taken.
    base: Vec<f64>,
    /// What is left of the right-hand sides at the open positions, one row per side.
    left: Vec<f64>,
    /// What is left of the matrix there: one row per lag within a group.
    matrix: Vec<f64>,
    /// Factors of the groups, one row of all places per entry; the diagonal's are inverted.
    group_factor: Vec<f64>,
    /// Right-hand sides behind them, one row of all places per tap and side.
    group_sides: Vec<f64>,
    /// Inner products with the group, one row of all places per pair of sides.
    group_gram: Vec<f64>,
    /// The inner products of one place.
    one: Vec<f64>,
    /// Taps of one group.
    taps: Vec<f64>,
    /// What clipping adds to taps: index and value.
    moved: Vec<(usize, f64)>,
    next: Vec<f64>,
}

/// Where row `row` of a packed triangle starts.
fn triangle(row: usize) -> usize {
    row * (row + 1) / 2
}

fn entry(problem: &Problem, feedback: usize, row: usize, position: usize) -> f64 {
    problem.samples.get(feedback - row + position).copied().unwrap_or(0.0)
}

fn correlation(problem: &Problem, one: usize, other: usize) -> f64 {
    problem.row.get(one.abs_diff(other)).copied().unwrap_or(0.0)
}

/// `values -= weight * row`.
fn subtract(values: &mut [f64], weight: f64, row: &[f64]) {
    for (value, row) in values.iter_mut().zip(row) {
        *value -= weight * row;
    }
}

impl Groups {
    /// Takes the fixed positions. `None` when their matrix is not positive definite.
    pub fn begin(&mut self, receiver: &Receiver, problem: &Problem) -> Option<()> {
        self.count = receiver.feedback() + 1;
        self.open = receiver.span - receiver.fixed;
        self.places = (self.open + 1).checked_sub(receiver.per_group)?;
        self.taken.clear();
        self.factor.clear();
        self.sides.clear();
        self.columns.clear();
        self.gram.clear();
        self.gram.resize(self.count * self.count, 0.0);
        self.left.clear();
        for row in 0..self.count {
            let at = |open| entry(problem, self.count - 1, row, receiver.fixed + open);
            self.left.extend((0..self.open).map(at));
        }
        self.matrix.clear();
        for lag in 0..receiver.per_group {
            let value = correlation(problem, 0, lag);
            self.matrix.extend((0..self.open).map(|_| value));
        }
        (0..receiver.fixed).try_for_each(|position| self.take_one(receiver, problem, position))
    }

    /// The positions taken, in the order in which they were.
    pub fn taken(&self) -> &[usize] {
        &self.taken
    }

    /// Takes the group at a place.
    pub fn take(&mut self, receiver: &Receiver, problem: &Problem, place: usize) -> Option<()> {
        let first = receiver.fixed + place;
        (first..first + receiver.per_group).try_for_each(|position| self.take_one(receiver, problem, position))
    }

    fn take_one(&mut self, receiver: &Receiver, problem: &Problem, position: usize) -> Option<()> {
        let (rows, open) = (self.taken.len(), self.open);
        let begin = self.factor.len();
        for at in 0..rows {
            let (above, row) = self.factor.split_at(begin);
            let above = &above[triangle(at)..triangle(at + 1)];
            let inner: f64 = row.iter().zip(above).map(|(a, b)| a * b).sum();
            self.factor.push((correlation(problem, position, self.taken[at]) - inner) / above[at]);
        }
        let power = correlation(problem, position, position);
        let rest = power - self.factor[begin..].iter().map(|value| value * value).sum::<f64>();
        if rest.is_nan() || rest <= power.abs() * 1e-14 {
            return None;
        }
        let inverse = rest.sqrt().recip();
        self.factor.push(rest.sqrt());
        self.taken.push(position);
        let weights = &self.factor[begin..begin + rows];
        self.next.clear();
        self.next.extend((0..open).map(|open| correlation(problem, position, receiver.fixed + open)));
        for (weight, column) in weights.iter().zip(self.columns.chunks_exact(open.max(1))) {
            subtract(&mut self.next, *weight, column);
        }
        for value in &mut self.next {
            *value *= inverse;
        }
        for row in 0..self.count {
            let known = self.sides.iter().skip(row).step_by(self.count);
            let inner: f64 = weights.iter().zip(known).map(|(a, b)| a * b).sum();
            let value = (entry(problem, self.count - 1, row, position) - inner) * inverse;
            self.next.push(value);
            let (column, _) = self.next.split_at(open);
            subtract(&mut self.left[row * open..(row + 1) * open], value, column);
        }
        let (column, newest) = self.next.split_at(open);
        for (row, value) in newest.iter().enumerate() {
            for (sum, other) in self.gram[row * self.count..].iter_mut().zip(newest) {
                *sum += value * other;
            }
        }
        for (lag, band) in self.matrix.chunks_exact_mut(open.max(1)).enumerate() {
            for (value, (one, other)) in band.iter_mut().zip(column.iter().zip(column.iter().skip(lag))) {
                *value -= one * other;
            }
        }
        self.columns.extend_from_slice(column);
        self.sides.extend_from_slice(newest);
        Some(())
    }

    /// Factors the next group at every place.
    pub fn try_all(&mut self, receiver: &Receiver) {
        let (size, count, places, open) = (receiver.per_group, self.count, self.places, self.open);
        self.group_factor.clear();
        self.group_sides.clear();
        self.group_gram.clear();
        for value in &self.gram {
            self.group_gram.extend((0..places).map(|_| *value));
        }
        for at in 0..size {
            for before in 0..=at {
                let band = &self.matrix[(at - before) * open + before..];
                self.next.clear();
                self.next.extend_from_slice(&band[..places]);
                for k in 0..before {
                    let one = &self.group_factor[(triangle(at) + k) * places..][..places];
                    let other = &self.group_factor[(triangle(before) + k) * places..][..places];
                    for (value, (one, other)) in self.next.iter_mut().zip(one.iter().zip(other)) {
                        *value -= one * other;
                    }
                }
                if before == at {
                    // The diagonal: places that cannot be had leave a NaN here.
                    for value in &mut self.next {
                        *value = if *value > 0.0 { value.sqrt().recip() } else { f64::NAN };
                    }
                } else {
                    let diagonal = &self.group_factor[(triangle(before) + before) * places..][..places];
                    for (value, inverse) in self.next.iter_mut().zip(diagonal) {
                        *value *= inverse;
                    }
                }
                self.group_factor.extend_from_slice(&self.next);
            }
            for row in 0..count {
                self.next.clear();
                self.next.extend_from_slice(&self.left[row * open + at..][..places]);
                for before in 0..at {
                    let weight = &self.group_factor[(triangle(at) + before) * places..][..places];
                    let known = &self.group_sides[(before * count + row) * places..][..places];
                    for (value, (weight, known)) in self.next.iter_mut().zip(weight.iter().zip(known)) {
                        *value -= weight * known;
                    }
                }
                let diagonal = &self.group_factor[(triangle(at) + at) * places..][..places];
                for (value, inverse) in self.next.iter_mut().zip(diagonal) {
                    *value *= inverse;
                }
                self.group_sides.extend_from_slice(&self.next);
            }
            for i in 0..count {
                for j in 0..count {
                    let one = &self.group_sides[(at * count + i) * places..][..places];
                    let other = &self.group_sides[(at * count + j) * places..][..places];
                    let sums = &mut self.group_gram[(i * count + j) * places..][..places];
                    for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
                        *sum += one * other;
                    }
                }
            }
        }
        self.solve_back();
    }

    /// Backward solves of the open positions' columns and of the right-hand sides.
    fn solve_back(&mut self) {
        let (rows, open, count) = (self.taken.len(), self.open, self.count);
        self.weights.clear();
        self.weights.extend_from_slice(&self.columns);
        self.base.clear();
        self.base.extend_from_slice(&self.sides);
        for (width, values) in [(open, &mut self.weights), (count, &mut self.base)] {
            for at in (0..rows).rev() {
                let row = &self.factor[triangle(at)..triangle(at + 1)];
                let (above, own) = values.split_at_mut(at * width);
                let own = &mut own[..width];
                let inverse = row[at].recip();
                for value in own.iter_mut() {
                    *value *= inverse;
                }
                for (weight, above) in row.iter().zip(above.chunks_exact_mut(width.max(1))) {
                    subtract(above, *weight, own);
                }
            }
        }
    }

    /// Inner products of the right-hand sides in the metric of the inverse, with the group at a place. `None` when the
    /// matrix is not positive definite there.
    pub fn gram(&mut self, place: usize) -> Option<&[f64]> {
        let (places, count) = (self.places, self.count);
        self.one.clear();
        self.one.extend((0..count * count).map(|pair| self.group_gram[pair * places + place]));
        (!self.one[0].is_nan()).then_some(&self.one)
    }

    /// Taps with the group at a place, as [`super::solve::solve`] has them. `false` when no cursor can be made.
    pub fn solve(&mut self, receiver: &Receiver, problem: &Problem, place: usize, out: &mut Taps) -> bool {
        let (size, count, places, rows) = (receiver.per_group, self.count, self.places, self.taken.len());
        if self.gram(place).is_none() {
            return false;
        }
        let n = count - 1;
        let gram = Gram { values: &self.one, feedback: n };
        if !gram.best_feedback_into(&mut out.feedback) {
            return false;
        }
        clip_into(&mut out.feedback, receiver);
        let at = |i: usize, j: usize| self.one[i * count + j];
        let against = 1.0 - out.feedback.iter().enumerate().map(|(i, b)| b * at(0, i + 1)).sum::<f64>();
        let share = against / at(0, 0);
        // The combined right-hand side: what the sides weigh in it.
        let mixed = |sides: &mut dyn Iterator<Item = f64>| -> f64 {
            let first = sides.next().unwrap_or(0.0);
            share * first + out.feedback.iter().zip(sides).map(|(b, side)| b * side).sum::<f64>()
        };
        self.taps.clear();
        self.taps.resize(size, 0.0);
        for tap in (0..size).rev() {
            let mut value = mixed(&mut (0..count).map(|row| self.group_sides[(tap * count + row) * places + place]));
            for above in tap + 1..size {
                value -= self.group_factor[(triangle(above) + tap) * places + place] * self.taps[above];
            }
            self.taps[tap] = value * self.group_factor[(triangle(tap) + tap) * places + place];
        }
        out.forward.clear();
        for row in 0..rows {
            let weights = &self.weights[row * self.open + place..][..size];
            let inner: f64 = weights.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
            out.forward.push(mixed(&mut self.base[row * count..(row + 1) * count].iter().copied()) - inner);
        }
        out.forward.extend_from_slice(&self.taps);
        let position = |at: usize| if at < rows { self.taken[at] } else { receiver.fixed + place + at - rows };
        let cursor = out.forward[receiver.pre];
        self.moved.clear();
        for (at, tap) in out.forward.iter_mut().enumerate() {
            let limit = receiver.limit(position(at));
            let low = if at == receiver.pre { cursor } else { -limit * cursor };
            let inside = (limit * cursor).min(tap.max(low));
            if inside != *tap {
                self.moved.push((at, inside - *tap));
                *tap = inside;
            }
        }
        out.clipped = !self.moved.is_empty();
        if !out.clipped {
            out.error = gram.error(&out.feedback);
            return out.error > 0.0;
        }
        // What the equalised response was at the cursor and behind it, and the power; then what clipping changes.
        let mut power = 0.0;
        let mut unit = 0.0;
        self.next.clear();
        for i in 0..count {
            let mut value = mixed(&mut (0..count).map(|j| at(i, j)));
            power += value * if i == 0 { share } else { out.feedback[i - 1] };
            value += self.moved.iter().map(|(tap, by)| by * entry(problem, n, i, position(*tap))).sum::<f64>();
            if i == 0 {
                unit = value;
            } else {
                self.next.push(value);
            }
        }
        for (index, (tap, by)) in self.moved.iter().enumerate() {
            let place = position(*tap);
            power += 2.0 * by * mixed(&mut (0..count).map(|row| entry(problem, n, row, place)));
            power += by * by * correlation(problem, place, place);
            for (other, also) in &self.moved[..index] {
                power += 2.0 * by * also * correlation(problem, place, position(*other));
            }
        }
        if unit == 0.0 || !unit.is_finite() {
            return false;
        }
        for tap in &mut out.forward {
            *tap /= unit;
        }
        for value in &mut self.next {
            *value /= unit;
        }
        out.feedback.clear();
        out.feedback.extend_from_slice(&self.next);
        clip_into(&mut out.feedback, receiver);
        let rest: f64 = out.feedback.iter().zip(&self.next).map(|(b, row)| b * (b - 2.0 * row)).sum();
        out.error = power / (unit * unit) - 1.0 + rest;
        out.error > 0.0
    }
}
