//! The taps against dense linear algebra, written down once more as the annex has it.

use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

use super::floating::{self, place};
use super::receiver::Receiver;
use super::solve::{Gram, Problem, Taps, solve};
use super::toeplitz::{Workspace, inverse_gram};

/// A response with its cursor, and white noise.
#[derive(Clone, Debug)]
struct Case {
    response: Vec<f64>,
    cursor: usize,
    noise: f64,
}

fn receiver(pre: usize, post: usize, feedback: usize, limit: f64, groups: usize, open: usize) -> Receiver {
    let fixed = pre + 1 + post;
    let mut tap_max = vec![limit; fixed];
    tap_max[pre] = 1.0;
    Receiver {
        pre,
        fixed,
        span: if groups == 0 { fixed } else { fixed + open },
        groups,
        per_group: 3,
        tap_max,
        floating_max: limit / 8.0,
        feedback_max: (0..feedback).map(|at| if at == 0 { 0.6 } else { 0.15 }).collect(),
        feedback_min: (0..feedback).map(|at| if at == 0 { 0.0 } else { -0.1 }).collect(),
        removes_by_count: true,
    }
}

fn problem(receiver: &Receiver, case: &Case) -> Problem {
    let h = &case.response;
    let row = (0..receiver.span)
        .map(|lag| {
            let energy: f64 = h.iter().zip(h.iter().skip(lag)).map(|(a, b)| a * b).sum();
            energy + if lag == 0 { case.noise } else { 0.0 }
        })
        .collect();
    let samples = (0..receiver.span + receiver.feedback())
        .map(|at| {
            (receiver.pre + case.cursor + receiver.feedback())
                .checked_sub(at)
                .and_then(|n| h.get(n))
                .copied()
                .unwrap_or(0.0)
        })
        .collect();
    Problem { row, samples, response: Vec::new() }
}

/// The reference receiver by convolution matrix and bordered systems.
fn dense(receiver: &Receiver, case: &Case, positions: &[usize]) -> Taps {
    let (n, nb) = (positions.len(), receiver.feedback());
    let length = case.response.len() + receiver.span + nb + 1;
    let h = DMatrix::from_fn(length, n, |row, column| {
        row.checked_sub(positions[column]).and_then(|at| case.response.get(at)).copied().unwrap_or(0.0)
    });
    let d = receiver.pre + case.cursor;
    let r = h.transpose() * &h + DMatrix::identity(n, n) * case.noise;
    let h0 = h.row(d).transpose();
    let hb = h.rows(d + 1, nb).into_owned();
    let mut full = DMatrix::zeros(n + nb + 1, n + nb + 1);
    full.view_mut((0, 0), (n, n)).copy_from(&r);
    full.view_mut((0, n), (n, nb)).copy_from(&(-hb.transpose()));
    full.view_mut((0, n + nb), (n, 1)).copy_from(&(-&h0));
    full.view_mut((n, 0), (nb, n)).copy_from(&(-&hb));
    full.view_mut((n, n), (nb, nb)).fill_with_identity();
    full.view_mut((n + nb, 0), (1, n)).copy_from(&h0.transpose());
    let mut side = DVector::zeros(n + nb + 1);
    side.rows_mut(0, n).copy_from(&h0);
    side[n + nb] = 1.0;
    let found = full.lu().solve(&side).expect("regular");
    let mut w = found.rows(0, n).into_owned();
    let b = found.rows(n, nb).into_owned();
    let clip = |b: &DVector<f64>| {
        DVector::from_fn(nb, |at, _| b[at].max(receiver.feedback_min[at]).min(receiver.feedback_max[at]))
    };
    let mut limited = clip(&b);
    if limited != b {
        let mut again = DMatrix::zeros(n + 1, n + 1);
        again.view_mut((0, 0), (n, n)).copy_from(&r);
        again.view_mut((0, n), (n, 1)).copy_from(&(-&h0));
        again.view_mut((n, 0), (1, n)).copy_from(&h0.transpose());
        let mut side = DVector::zeros(n + 1);
        side.rows_mut(0, n).copy_from(&(&h0 + hb.transpose() * &limited));
        side[n] = 1.0;
        w = again.lu().solve(&side).expect("regular").rows(0, n).into_owned();
    }
    let cursor = w[receiver.pre];
    let mut inside = w.clone();
    for (at, value) in inside.iter_mut().enumerate() {
        if at != receiver.pre {
            let limit = receiver.limit(positions[at]);
            *value = (limit * cursor).min(value.max(-limit * cursor));
        }
    }
    let clipped = (&inside - &w).amax() > 1e-12 * w.amax();
    if clipped {
        inside /= h0.dot(&inside);
        limited = clip(&(&hb * &inside));
    } else {
        inside = w;
    }
    let error = (inside.transpose() * &r * &inside)[0] + 1.0 + limited.dot(&limited)
        - 2.0 * inside.dot(&h0)
        - 2.0 * (&hb * &inside).dot(&limited);
    Taps { forward: inside.iter().copied().collect(), feedback: limited.iter().copied().collect(), error, clipped }
}

/// Greedy placement with a dense solve at every place.
fn dense_place(receiver: &Receiver, case: &Case) -> (Vec<usize>, Taps) {
    let fixed: Vec<usize> = (0..receiver.fixed).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut best = dense(receiver, case, &fixed);
    for _ in 0..receiver.groups {
        let mut found: Option<(usize, Taps)> = None;
        for start in receiver.fixed..=receiver.span - receiver.per_group {
            let group: Vec<usize> = (start..start + receiver.per_group).collect();
            if group.iter().any(|at| chosen.contains(at)) {
                continue;
            }
            let mut positions = fixed.clone();
            let mut floating = [chosen.clone(), group].concat();
            floating.sort_unstable();
            positions.extend(floating);
            let taps = dense(receiver, case, &positions);
            if found.as_ref().is_none_or(|(_, other)| taps.error < other.error) {
                found = Some((start, taps));
            }
        }
        let Some((start, taps)) = found else { break };
        chosen.extend(start..start + receiver.per_group);
        best = taps;
    }
    chosen.sort_unstable();
    ([fixed, chosen].concat(), best)
}

fn cases() -> impl Strategy<Value = Case> {
    (2usize..5, prop::collection::vec(-0.4f64..0.6, 12), prop::collection::vec(-0.08f64..0.08, 24), 0.001f64..0.05)
        .prop_map(|(cursor, near, far, noise)| {
            let mut response = [near, far].concat();
            for (at, value) in response.iter_mut().enumerate().take(12) {
                *value /= 1.0 + 0.7 * at.abs_diff(cursor) as f64;
            }
            response[cursor] = 1.0;
            Case { response, cursor, noise }
        })
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-7 * (1.0 + a.abs()))
}

proptest! {
    #[test]
    fn taps_equal_the_bordered_systems(case in cases(), feedback in 0usize..4, limit in 0.15f64..1.0) {
        let receiver = receiver(3, 7, feedback, limit, 0, 0);
        let positions: Vec<usize> = (0..receiver.fixed).collect();
        let truth = dense(&receiver, &case, &positions);
        let found = solve(&receiver, &problem(&receiver, &case), &positions).expect("solvable");
        prop_assert_eq!(found.clipped, truth.clipped);
        prop_assert!(close(&found.forward, &truth.forward), "{:?} {:?}", found, truth);
        prop_assert!(close(&found.feedback, &truth.feedback));
        prop_assert!((found.error - truth.error).abs() <= 1e-8 * truth.error.max(0.01));
    }

    #[test]
    fn groups_go_where_trying_every_place_puts_them(case in cases(), feedback in 0usize..3, limit in 0.15f64..1.0) {
        let receiver = receiver(2, 5, feedback, limit, 2, 14);
        let (positions, truth) = dense_place(&receiver, &case);
        let placed = place(&receiver, &problem(&receiver, &case), f64::INFINITY, &mut floating::Workspace::default()).expect("solvable");
        prop_assert!((placed.taps.error - truth.error).abs() <= 1e-8 * truth.error.max(0.01), "{:?} {:?}", placed, truth);
        prop_assert_eq!(&placed.positions, &positions);
        prop_assert!(close(&placed.taps.forward, &truth.forward));
    }

    // Limits down to where nearly every tap is clipped.
    #[test]
    fn taps_of_groups_are_those_of_their_positions(case in cases(), feedback in 0usize..4, limit in 0.02f64..1.0, count in 1usize..4) {
        let receiver = receiver(2, 5, feedback, limit, count, 18);
        let problem = problem(&receiver, &case);
        let mut work = floating::Workspace::default();
        let placed = place(&receiver, &problem, f64::INFINITY, &mut work).expect("solvable");
        let plain = solve(&receiver, &problem, &placed.positions).expect("solvable");
        prop_assert_eq!(placed.taps.clipped, plain.clipped);
        prop_assert!(close(&placed.taps.forward, &plain.forward), "{:?} {:?}", placed, plain);
        prop_assert!(close(&placed.taps.feedback, &plain.feedback));
        prop_assert!((placed.taps.error - plain.error).abs() <= 1e-8 * plain.error.max(0.01));
        // A limit that the error keeps changes nothing, nor does memory that was used before.
        let again = place(&receiver, &problem, placed.taps.error, &mut work);
        prop_assert_eq!(again.as_ref(), Some(&placed));
        // One that it breaks gives nothing.
        prop_assert_eq!(place(&receiver, &problem, 0.999 * placed.taps.error, &mut work), None);
    }

    #[test]
    fn no_taps_within_the_limits_beat_the_least_error(case in cases(), feedback in 0usize..3, limit in 0.15f64..1.0) {
        let receiver = receiver(3, 7, feedback, limit, 0, 0);
        let problem = problem(&receiver, &case);
        let n = receiver.span;
        let sides: Vec<f64> = (0..=feedback).flat_map(|row| problem.samples[feedback - row..][..n].to_vec()).collect();
        let mut values = vec![0.0; (feedback + 1) * (feedback + 1)];
        inverse_gram(&problem.row, &sides, feedback + 1, &mut Workspace::default(), &mut values).expect("definite");
        let floor = Gram { values: &values, feedback }.least_error(&receiver);
        let found = solve(&receiver, &problem, &(0..n).collect::<Vec<_>>()).expect("solvable");
        prop_assert!(floor <= found.error * (1.0 + 1e-9));
        if feedback <= 1 && !found.clipped {
            prop_assert!((floor - found.error).abs() <= 1e-9 * found.error.max(0.01));
        }
    }
}
