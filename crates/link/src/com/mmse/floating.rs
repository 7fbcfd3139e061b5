//! Where the floating groups of the feed-forward equaliser go (178A.1.8.1).
//!
//! One group after the other is put where the figure of merit is best with those already placed, the first place on a
//! tie. Every place is first judged by its error without limits on the feed-forward taps, which is never above the error
//! with them; only places that this leaves in the race are solved in full. All places share the factor of the positions
//! taken so far, so that what a place costs are the few rows of its group ([`super::group`]).

use super::group::Groups;
use super::receiver::Receiver;
use super::solve::{Gram, Problem, Taps, solve};

/// The receiver's taps at their best places, and those places.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Taps, one per entry of `positions`.
    pub taps: Taps,
    /// Positions, the fixed ones first, then the groups' in rising order.
    pub positions: Vec<usize>,
}

/// Working memory of [`place`], kept from call to call.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    groups: Groups,
    starts: Vec<usize>,
    floors: Vec<(f64, usize)>,
    tried: Taps,
    chosen: Taps,
}

/// Solves for the fixed taps and, where the receiver has them, the floating groups at their best places. `None` when no
/// cursor can be made, or when the error is above `limit`.
pub fn place(receiver: &Receiver, problem: &Problem, limit: f64, work: &mut Workspace) -> Option<Placed> {
    let size = receiver.per_group;
    if receiver.groups == 0 {
        let positions: Vec<usize> = (0..receiver.fixed).collect();
        let taps = solve(receiver, problem, &positions)?;
        return (taps.error <= limit).then_some(Placed { taps, positions });
    }
    let Workspace { groups, starts, floors, tried, chosen } = work;
    groups.begin(receiver, problem)?;
    starts.clear();
    starts.extend(0..=receiver.span - receiver.fixed - size);
    for number in 1..=receiver.groups {
        if starts.is_empty() {
            break;
        }
        groups.try_all(receiver);
        floors.clear();
        for (index, &start) in starts.iter().enumerate() {
            let values = groups.gram(start)?;
            // Clipped feedback taps would not do: two or more of them are not the best within their limits.
            let floor = Gram { values, feedback: receiver.feedback() }.least_error(receiver);
            floors.push((floor, index));
        }
        floors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut best: Option<(f64, usize)> = None;
        for &(floor, index) in floors.iter() {
            // The floor is never above the error; the share allows for rounding.
            let known = best.map_or(f64::INFINITY, |(error, _)| error);
            let allowed = if number == receiver.groups { known.min(limit) } else { known };
            if floor * (1.0 - 1e-9) > allowed {
                break;
            }
            if !groups.solve(receiver, problem, starts[index], tried) {
                continue;
            }
            let better = best.is_none_or(|(error, other)| tried.error < error || tried.error == error && index < other);
            if better {
                best = Some((tried.error, index));
                std::mem::swap(tried, chosen);
            }
        }
        let (_, index) = best?;
        let start = starts[index];
        groups.take(receiver, problem, start)?;
        if receiver.removes_by_count {
            let end = (index + size).min(starts.len());
            starts.drain(index..end);
        }
        starts.retain(|&other| other + size <= start || other >= start + size);
    }
    // Places of the last group that the limit rules out were not looked at: above it this need not be the best.
    (chosen.error <= limit)
        .then(|| sorted(receiver, Placed { taps: chosen.clone(), positions: groups.taken().to_vec() }))
}

/// Brings the groups' taps into rising order of position.
fn sorted(receiver: &Receiver, mut placed: Placed) -> Placed {
    let mut order: Vec<usize> = (0..placed.positions.len()).collect();
    order[receiver.fixed..].sort_by_key(|&at| placed.positions[at]);
    placed.taps.forward = order.iter().map(|&at| placed.taps.forward[at]).collect();
    placed.positions = order.iter().map(|&at| placed.positions[at]).collect();
    placed
}
