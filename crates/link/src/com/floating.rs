//! Which feedback taps float where: groups of neighbouring taps placed where they take away most energy (162.11, 163).

use crate::com::parameters::FloatingTaps;

/// Positions of the floating taps, counted from 1 behind the cursor, in the order in which groups were chosen.
///
/// `post` are the pulse's values at 1, 2, .. unit intervals behind the cursor, `fixed` the number of fixed taps, `cursor`
/// the cursor's value. The choice is greedy, strongest group first, but a group is passed over when one that begins a
/// little earlier would waste the taps between; the script's function `findbankloc` is followed step by step, because
/// other orders give other groups.
pub fn place_groups(post: &[f64], fixed: usize, floating: &FloatingTaps, cursor: f64) -> Vec<usize> {
    let (groups, width) = (floating.groups, floating.taps_per_group);
    let span = floating.last.saturating_sub(fixed);
    if groups == 0 || width == 0 || span < groups * width || post.len() < floating.last {
        return Vec::new();
    }
    let candidates = &post[fixed..floating.last];
    let removed: Vec<f64> = candidates
        .iter()
        .map(|h| {
            let left = if cursor < 0.0 { 0.0 } else { (h.abs() - floating.max * cursor).max(0.0) };
            h * h - left * left
        })
        .collect();
    // Energy that a group beginning at each place takes away. Places are counted from 0.
    let mut energy: Vec<f64> = (0..=span - width).map(|k| removed[k..k + width].iter().sum()).collect();
    let taken = |energy: &mut Vec<f64>, from: usize, to: usize| {
        if energy.len() < to {
            energy.resize(to, f64::NEG_INFINITY);
        }
        energy[from..to].fill(f64::NEG_INFINITY);
    };
    let mut chosen: Vec<usize> = Vec::with_capacity(groups * width);
    let mut next: Option<usize> = None;
    for group in 0..groups {
        let mut order = strongest_first(&energy);
        if group == 0 {
            let head = (groups - 1) * width + 1;
            if order[..head].iter().all(|&k| k < head) {
                chosen = (0..groups * width).collect();
                break;
            }
        }
        if let Some(start) = next.take() {
            chosen.extend(start..start + width);
            taken(&mut energy, start, start + width);
            taken(&mut energy, (start + 1).saturating_sub(width), start);
            continue;
        }
        let mut start = order[0];
        if group + 1 == groups {
            chosen.extend(start..start + width);
            break;
        }
        let mut overlapping: Vec<usize> = Vec::new();
        for round in 0..=energy.len() + 1 {
            overlapping = ((start + 1).saturating_sub(width)..start).filter(|k| !chosen.contains(k)).collect();
            if overlapping.is_empty() {
                break;
            }
            if round > 0 {
                order = strongest_first(&energy);
            }
            let before = start.checked_sub(width);
            let inside = |k: usize| overlapping.contains(&k) || (start..start + width).contains(&k);
            let mut stop = order.len() - 1;
            let mut joins = false;
            for (rank, &k) in order.iter().enumerate() {
                if Some(k) == before {
                    joins = true;
                    stop = rank;
                    break;
                }
                if !inside(k) {
                    stop = rank;
                    break;
                }
            }
            if joins {
                next = before;
                break;
            }
            let best_overlapping = order.iter().position(|k| overlapping.contains(k)).unwrap_or(usize::MAX);
            if best_overlapping >= stop || order.len() < 2 {
                break;
            }
            energy[start] = f64::NEG_INFINITY;
            start = order[1];
        }
        taken(&mut energy, start, start + width);
        chosen.extend(start..start + width);
        for k in overlapping {
            energy[k] = f64::NEG_INFINITY;
        }
    }
    chosen.iter().map(|k| k + fixed + 1).filter(|&k| k <= floating.last).collect()
}

/// Indices from the largest value to the smallest, equal ones in their order.
fn strongest_first(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn three_of_three() -> FloatingTaps {
        FloatingTaps { groups: 3, taps_per_group: 3, last: 40, max: 0.05, tail_start: 25, tail_rss_max: 0.02 }
    }

    #[test]
    fn groups_go_where_the_reflections_are() {
        let mut post = vec![0.0; 60];
        for (at, h) in [(16, 0.02), (21, 0.015), (36, -0.012)] {
            post[at - 1] = h;
        }
        let mut places = place_groups(&post, 12, &three_of_three(), 1.0);
        places.sort_unstable();
        for at in [16, 21, 36] {
            assert!(places.contains(&at), "{places:?}");
        }
    }

    #[test]
    fn strong_first_taps_are_taken_in_a_row() {
        let post: Vec<f64> = (0..60).map(|k| 0.04 * 0.8f64.powi(k)).collect();
        assert_eq!(place_groups(&post, 12, &three_of_three(), 1.0), (13..=21).collect::<Vec<_>>());
    }

    #[test]
    fn too_short_a_pulse_has_no_floating_taps() {
        assert!(place_groups(&[0.1; 20], 12, &three_of_three(), 1.0).is_empty());
    }

    proptest! {
        #[test]
        fn groups_are_within_reach_and_do_not_overlap(post in proptest::collection::vec(-0.03..0.03f64, 40..80)) {
            let mut places = place_groups(&post, 12, &three_of_three(), 0.5);
            prop_assert_eq!(places.len(), 9);
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), 9, "no tap twice");
            prop_assert!(places[0] >= 13 && places[8] <= 40);
        }
    }
}
