//! Where the floating groups of the feed-forward equaliser go (178A.1.8.1).
//!
//! One group after the other is put where the figure of merit is best with those already placed, the first place on a
//! tie. Every place is first judged by its error without limits on the feed-forward taps, which is never above the error
//! with them; only places that this leaves in the race are solved in full.

use super::receiver::Receiver;
use super::solve::{Factor, Gram, Problem, Taps, solve_factored};

/// The receiver's taps at their best places, and those places.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Taps, one per entry of `positions`.
    pub taps: Taps,
    /// Positions, the fixed ones first, then the groups' in rising order.
    pub positions: Vec<usize>,
}

/// What is known of the open positions: everything in terms of the factor of the positions taken so far.
struct Field<'a> {
    receiver: &'a Receiver,
    problem: &'a Problem,
    taken: Vec<usize>,
    factor: Factor,
    /// Inner products of the right-hand sides over the positions taken.
    gram: Vec<f64>,
    /// Open positions' columns, forward-solved: one row per position taken.
    columns: Vec<f64>,
    /// What is left of the right-hand sides at the open positions, one row per side.
    left: Vec<f64>,
    /// What is left of the matrix there: for every open position, its products with itself and its next neighbours.
    matrix: Vec<f64>,
    /// The column being added.
    next: Vec<f64>,
    sides: Vec<Vec<f64>>,
}

impl<'a> Field<'a> {
    fn new(receiver: &'a Receiver, problem: &'a Problem) -> Option<Self> {
        let open = receiver.span - receiver.fixed;
        let count = receiver.feedback() + 1;
        let at = |lag: usize| problem.row.get(lag).copied().unwrap_or(0.0);
        let mut field = Self {
            receiver,
            problem,
            taken: Vec::with_capacity(receiver.span),
            factor: Factor::default(),
            gram: vec![0.0; count * count],
            columns: Vec::with_capacity(open * (receiver.fixed + receiver.groups * receiver.per_group)),
            left: Vec::with_capacity(open * count),
            matrix: (0..open).flat_map(|_| (0..receiver.per_group).map(at)).collect(),
            next: Vec::with_capacity(open),
            sides: vec![Vec::new(); count],
        };
        for row in 0..count {
            let left: Vec<f64> = (0..open).map(|open| field.side(row, receiver.fixed + open)).collect();
            field.left.extend(left);
        }
        for position in 0..receiver.fixed {
            field.take(position)?;
        }
        Some(field)
    }

    fn row(&self, lag: usize) -> f64 {
        self.problem.row.get(lag).copied().unwrap_or(0.0)
    }

    fn side(&self, row: usize, position: usize) -> f64 {
        let feedback = self.receiver.feedback();
        self.problem.samples.get(feedback - row + position).copied().unwrap_or(0.0)
    }

    /// Adds a position to the factor alone.
    fn push(&mut self, position: usize) -> Option<()> {
        let (problem, taken) = (self.problem, &self.taken);
        let row = |other: &usize| problem.row.get(position.abs_diff(*other)).copied().unwrap_or(0.0);
        let entries = taken.iter().chain([&position]).map(row);
        if !self.factor.push(entries) {
            return None;
        }
        self.taken.push(position);
        Some(())
    }

    /// Adds a position to those taken.
    fn take(&mut self, position: usize) -> Option<()> {
        self.push(position)?;
        let open = self.receiver.span - self.receiver.fixed;
        let size = self.receiver.per_group;
        let mut next = std::mem::take(&mut self.next);
        next.clear();
        next.extend((0..open).map(|open| self.row(position.abs_diff(self.receiver.fixed + open))));
        let factor = self.factor.last();
        let diagonal = factor.last().copied()?;
        for (weight, column) in factor.iter().zip(self.columns.chunks_exact(open.max(1))) {
            for (value, entry) in next.iter_mut().zip(column) {
                *value -= weight * entry;
            }
        }
        for value in &mut next {
            *value /= diagonal;
        }
        let count = self.sides.len();
        for row in 0..count {
            let value = self.factor.extend(&self.sides[row], self.side(row, position));
            self.sides[row].push(value);
            for (left, column) in self.left[row * open..(row + 1) * open].iter_mut().zip(&next) {
                *left -= value * column;
            }
        }
        let newest = self.taken.len() - 1;
        for i in 0..count {
            for j in 0..count {
                self.gram[i * count + j] += self.sides[i][newest] * self.sides[j][newest];
            }
        }
        for (at, value) in next.iter().enumerate() {
            for (entry, other) in self.matrix[at * size..(at + 1) * size].iter_mut().zip(&next[at..]) {
                *entry -= value * other;
            }
        }
        self.columns.extend_from_slice(&next);
        self.next = next;
        Some(())
    }

    /// Inner products once the group that starts at an open position is taken too.
    fn gram_with(&self, start: usize, group: &mut Group) -> Option<()> {
        let (size, count) = (self.receiver.per_group, self.sides.len());
        let open = self.receiver.span - self.receiver.fixed;
        group.values.clear();
        group.values.extend_from_slice(&self.gram);
        group.factor.clear();
        group.factor.resize(size * size, 0.0);
        group.solved.clear();
        group.solved.resize(size * count, 0.0);
        for at in 0..size {
            let mut diagonal = self.matrix[(start + at) * size];
            for before in 0..at {
                let mut entry = self.matrix[(start + before) * size + at - before];
                for k in 0..before {
                    entry -= group.factor[at * size + k] * group.factor[before * size + k];
                }
                entry /= group.factor[before * size + before];
                group.factor[at * size + before] = entry;
                diagonal -= entry * entry;
            }
            if diagonal.is_nan() || diagonal <= 0.0 {
                return None;
            }
            let root = diagonal.sqrt();
            group.factor[at * size + at] = root;
            for row in 0..count {
                let mut value = self.left[row * open + start + at];
                for before in 0..at {
                    value -= group.factor[at * size + before] * group.solved[before * count + row];
                }
                group.solved[at * count + row] = value / root;
            }
            let solved = &group.solved[at * count..(at + 1) * count];
            for i in 0..count {
                for j in 0..count {
                    group.values[i * count + j] += solved[i] * solved[j];
                }
            }
        }
        Some(())
    }
}

#[derive(Default)]
struct Group {
    factor: Vec<f64>,
    solved: Vec<f64>,
    values: Vec<f64>,
}

/// Solves for the fixed taps and, where the receiver has them, the floating groups at their best places. `None` when no
/// cursor can be made, or when the error is sure to be above `limit`.
pub fn place(receiver: &Receiver, problem: &Problem, limit: f64) -> Option<Placed> {
    let mut field = Field::new(receiver, problem)?;
    let size = receiver.per_group;
    let mut best = None;
    if receiver.groups > 0 {
        let mut starts: Vec<usize> = (0..=receiver.span - receiver.fixed - size).collect();
        let mut group = Group::default();
        for number in 1..=receiver.groups {
            if starts.is_empty() {
                break;
            }
            let mut floors: Vec<(f64, usize)> = Vec::with_capacity(starts.len());
            for (index, &start) in starts.iter().enumerate() {
                field.gram_with(start, &mut group)?;
                let gram = Gram { values: &group.values, feedback: receiver.feedback() };
                // Clipped feedback taps would not do: two or more of them are not the best within their limits.
                floors.push((gram.least_error(receiver), index));
            }
            let least = floors.iter().map(|(floor, _)| *floor).fold(f64::INFINITY, f64::min);
            if number == receiver.groups && least * (1.0 - 1e-9) > limit {
                return None;
            }
            floors.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut chosen: Option<(f64, usize, Taps)> = None;
            let before = field.taken.len();
            for &(floor, index) in &floors {
                // The floor is never above the error; the share allows for rounding.
                if chosen.as_ref().is_some_and(|(error, ..)| floor * (1.0 - 1e-9) > *error) {
                    break;
                }
                let start = starts[index];
                for at in 0..size {
                    field.push(receiver.fixed + start + at)?;
                }
                let taps = solve_factored(receiver, problem, &field.taken, &field.factor);
                field.factor.truncate(before);
                field.taken.truncate(before);
                if let Some(taps) = taps {
                    let better = chosen
                        .as_ref()
                        .is_none_or(|(error, other, _)| taps.error < *error || taps.error == *error && index < *other);
                    if better {
                        chosen = Some((taps.error, index, taps));
                    }
                }
            }
            let (_, index, taps) = chosen?;
            let start = starts[index];
            for at in 0..size {
                field.take(receiver.fixed + start + at)?;
            }
            best = Some(taps);
            if receiver.removes_by_count {
                let end = (index + size).min(starts.len());
                starts.drain(index..end);
            }
            starts.retain(|&other| other + size <= start || other >= start + size);
        }
    }
    let taken = field.taken.clone();
    let taps = match best {
        Some(taps) => taps,
        None => solve_factored(receiver, problem, &taken, &field.factor)?,
    };
    Some(sorted(receiver, Placed { taps, positions: taken }))
}

/// Brings the groups' taps into rising order of position.
fn sorted(receiver: &Receiver, mut placed: Placed) -> Placed {
    let mut order: Vec<usize> = (0..placed.positions.len()).collect();
    order[receiver.fixed..].sort_by_key(|&at| placed.positions[at]);
    placed.taps.forward = order.iter().map(|&at| placed.taps.forward[at]).collect();
    placed.positions = order.iter().map(|&at| placed.positions[at]).collect();
    placed
}
