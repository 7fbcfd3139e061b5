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
    /// Right-hand sides, forward-solved.
    sides: Vec<Vec<f64>>,
    /// Columns of the open positions, forward-solved.
    columns: Vec<Vec<f64>>,
}

impl<'a> Field<'a> {
    fn new(receiver: &'a Receiver, problem: &'a Problem) -> Option<Self> {
        let mut field = Self {
            receiver,
            problem,
            taken: Vec::new(),
            factor: Factor::default(),
            sides: vec![Vec::new(); receiver.feedback() + 1],
            columns: vec![Vec::new(); receiver.span - receiver.fixed],
        };
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

    /// Adds a position to those taken.
    fn take(&mut self, position: usize) -> Option<()> {
        let row: Vec<f64> =
            self.taken.iter().chain([&position]).map(|&other| self.row(position.abs_diff(other))).collect();
        if !self.factor.push(row.into_iter()) {
            return None;
        }
        self.taken.push(position);
        for row in 0..self.sides.len() {
            let value = self.factor.extend(&self.sides[row], self.side(row, position));
            self.sides[row].push(value);
        }
        for open in 0..self.columns.len() {
            let entry = self.row(position.abs_diff(self.receiver.fixed + open));
            let value = self.factor.extend(&self.columns[open], entry);
            self.columns[open].push(value);
        }
        Some(())
    }

    /// Inner products of the sides with the positions taken so far.
    fn gram(&self) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.sides.len() * self.sides.len());
        for left in &self.sides {
            values.extend(self.sides.iter().map(|right| inner(left, right)));
        }
        values
    }

    /// Inner products once the group that starts at an open position is taken too.
    fn gram_with(&self, base: &[f64], start: usize, group: &mut Group) -> Option<()> {
        let size = self.receiver.per_group;
        let count = self.sides.len();
        group.values.clear();
        group.values.extend_from_slice(base);
        group.factor.truncate(0);
        group.solved.clear();
        for at in 0..size {
            let open = start + at;
            let column = &self.columns[open];
            let entries = (0..=at).map(|other| self.row(at - other) - inner(column, &self.columns[start + other]));
            if !group.factor.push(entries) {
                return None;
            }
            for row in 0..count {
                let entry = self.side(row, self.receiver.fixed + open) - inner(column, &self.sides[row]);
                let mut value = entry;
                let factor = group.factor.last();
                for (before, weight) in factor[..at].iter().enumerate() {
                    value -= weight * group.solved[before * count + row];
                }
                group.solved.push(value / factor[at]);
            }
            for i in 0..count {
                for j in 0..count {
                    group.values[i * count + j] += group.solved[at * count + i] * group.solved[at * count + j];
                }
            }
        }
        Some(())
    }
}

#[derive(Default)]
struct Group {
    factor: Factor,
    solved: Vec<f64>,
    values: Vec<f64>,
}

fn inner(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Solves for the fixed taps and, where the receiver has them, the floating groups at their best places. `None` when no
/// cursor can be made.
pub fn place(receiver: &Receiver, problem: &Problem) -> Option<Placed> {
    let mut field = Field::new(receiver, problem)?;
    let size = receiver.per_group;
    let mut best = None;
    if receiver.groups > 0 {
        let mut starts: Vec<usize> = (0..=receiver.span - receiver.fixed - size).collect();
        let mut group = Group::default();
        for _ in 0..receiver.groups {
            if starts.is_empty() {
                break;
            }
            let base = field.gram();
            let mut floors: Vec<(f64, usize)> = Vec::with_capacity(starts.len());
            for (index, &start) in starts.iter().enumerate() {
                field.gram_with(&base, start, &mut group)?;
                let gram = Gram { values: &group.values, feedback: receiver.feedback() };
                floors.push((gram.clipped_error(receiver)?, index));
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
                    let position = receiver.fixed + start + at;
                    let row: Vec<f64> = field
                        .taken
                        .iter()
                        .chain([&position])
                        .map(|&other| field.row(position.abs_diff(other)))
                        .collect();
                    if !field.factor.push(row.into_iter()) {
                        return None;
                    }
                    field.taken.push(position);
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
