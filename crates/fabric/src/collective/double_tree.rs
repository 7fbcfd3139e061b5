//! Double binary tree: two trees with half of the data each, so that every rank's link is used both ways.
//!
//! The trees are those of NCCL (`trees.cc`, read in 2026 as described by Sanders, Speck and Träff 2009): in the first, the
//! parent of a rank is found from its lowest set bit; the second is its mirror image (even number of ranks) or the first
//! shifted by one (odd), so that the inner nodes of one are leaves of the other.

use super::Operation;
use super::schedule::{Effect, Group, Ready, Schedule};
use crate::traffic::TaskId;

/// Parent of a rank in the first tree; rank 0 is the root.
fn parent(rank: usize, ranks: usize) -> Option<usize> {
    if rank == 0 {
        return None;
    }
    let bit = rank & rank.wrapping_neg();
    let up = (rank ^ bit) | (bit << 1);
    Some(if up >= ranks { rank ^ bit } else { up })
}

/// Parents in one of the two trees.
fn parents(ranks: usize, second: bool) -> Vec<Option<usize>> {
    let place = |rank: usize| match (second, ranks % 2) {
        (false, _) => rank,
        (true, 0) => ranks - 1 - rank,
        (true, _) => (rank + 1) % ranks,
    };
    let mut parents = vec![None; ranks];
    for rank in 0..ranks {
        parents[place(rank)] = parent(rank, ranks).map(place);
    }
    parents
}

pub(super) fn add(schedule: &mut Schedule<'_>, group: &Group, ready: &Ready) -> Ready {
    let (p, root) = (group.len(), schedule.collective.root as usize);
    let mut done = ready.clone();
    for second in [false, true] {
        let half = group.units / 2;
        let units =
            if second { group.first + half..group.first + group.units } else { group.first..group.first + half };
        let mut parents = parents(p, second);
        let broadcast = schedule.collective.operation == Operation::Broadcast;
        if broadcast {
            // The ranks are turned so that the root of the tree is the one that has the data.
            let top = parents.iter().position(Option::is_none).unwrap_or(0);
            let turn = (root + p - top) % p;
            let mut turned = vec![None; p];
            for (rank, parent) in parents.iter().enumerate() {
                turned[(rank + turn) % p] = parent.map(|parent| (parent + turn) % p);
            }
            parents = turned;
        }
        let order = downwards(&parents);
        let mut have: Vec<Vec<TaskId>> = ready.clone();
        if !broadcast {
            for rank in order.iter().rev() {
                let Some(parent) = parents[*rank] else { continue };
                let after = have[*rank].clone();
                let (from, to) = (group.ranks[*rank], group.ranks[parent]);
                let task = schedule.send(from, to, std::slice::from_ref(&units), Effect::Add, &after);
                have[parent].push(task);
            }
        }
        for rank in &order {
            let Some(parent) = parents[*rank] else { continue };
            let after = have[parent].clone();
            let (from, to) = (group.ranks[parent], group.ranks[*rank]);
            let task = schedule.send(from, to, std::slice::from_ref(&units), Effect::Copy, &after);
            // What comes down replaces the rank's own sum, and has it in it.
            have[*rank] = vec![task];
        }
        for (done, have) in done.iter_mut().zip(have) {
            done.extend(have);
        }
    }
    done
}

/// Ranks from the root down: parents before their children.
fn downwards(parents: &[Option<usize>]) -> Vec<usize> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut order = Vec::with_capacity(parents.len());
    for (rank, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(rank),
            None => order.push(rank),
        }
    }
    let mut next = 0;
    while let Some(rank) = order.get(next).copied() {
        order.extend(&children[rank]);
        next += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_binary_trees_and_no_rank_is_inner_in_both() {
        for ranks in 2..70 {
            let mut inner = vec![0; ranks];
            for second in [false, true] {
                let parents = parents(ranks, second);
                assert_eq!(downwards(&parents).len(), ranks, "connected");
                let mut children = vec![0; ranks];
                parents.iter().flatten().for_each(|parent| children[*parent] += 1);
                assert!(children.iter().all(|count| *count <= 2));
                for (rank, count) in children.iter().enumerate() {
                    // With two children a rank sends all of its half twice: in one tree only.
                    inner[rank] += usize::from(*count == 2);
                }
            }
            assert!(inner.iter().all(|count| *count <= 1), "{ranks}: {inner:?}");
        }
    }
}
