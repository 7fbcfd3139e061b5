//! The pruned search against the exhaustive one, on channels of chance.

use proptest::prelude::*;

use super::correlation::ReceiverNoise;
use super::instant::{Crosstalk, Edition, Terms};
use super::receiver::Receiver;
use super::search::{Search, Stage};
use super::settings::Settings;
use crate::com::parameters::{CtleStage, LowStage, Quantiser};

const M: usize = 8;
const TURN: usize = 256;

/// A pulse with a rounded cursor, a tail and echoes; `tilt` stands for the continuous-time equaliser.
fn pulse(seed: &[f64], tilt: f64, height: f64) -> Vec<f64> {
    (0..60 * M)
        .map(|at| {
            let t = (at as f64 - 10.0 * M as f64) / M as f64;
            let rise = if t < 0.0 { (-3.0 * t * t).exp() } else { (-t / (0.9 + tilt)).exp() };
            let echoes: f64 = seed
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let centre = 2.0 + 1.7 * index as f64;
                    0.25 * value * (-1.5 * (t - centre).powi(2)).exp()
                })
                .sum();
            height * (rise * (1.0 - 0.2 * tilt) + echoes)
        })
        .collect()
}

struct Chance {
    search: Search,
    stages: Vec<Stage>,
}

fn chance(seed: &[f64], edition: Edition, groups: usize, limit: f64, noise: f64, aggressors: bool) -> Chance {
    let mut taps = Vec::new();
    for second in [0.0, 0.04, 0.08] {
        for pre in [-0.2, -0.15, -0.1, -0.05, 0.0] {
            for post in [-0.1, 0.0] {
                let others: f64 = second + f64::abs(pre) + f64::abs(post);
                taps.extend([second, pre, 1.0 - others, post]);
            }
        }
    }
    let receiver = Receiver {
        pre: 2,
        fixed: 7,
        span: if groups > 0 { 19 } else { 7 },
        groups,
        per_group: 2,
        tap_max: vec![limit, limit, 1.0, limit, limit, limit, limit],
        floating_max: 0.05,
        feedback_max: vec![0.5],
        feedback_min: vec![0.0],
        removes_by_count: edition == Edition::Script,
    };
    let terms = Terms {
        edition,
        receiver,
        samples_per_ui: M,
        levels: 4,
        symbol_variance: 5.0 / 9.0,
        transmitter_noise: 10f64.powf(-3.3),
        jitter_ui2: 5e-4,
        random_jitter_ui2: 1e-4,
        transmit_taps: 4,
        transmit_cursor: 2,
        quantiser: (edition == Edition::Draft3).then_some(Quantiser { bits: 6.0, clipping: 1e-7 }),
        turn: TURN,
    };
    let baud = 100e9;
    let receiver_noise = ReceiverNoise::new(noise, 0.55, baud, M, TURN, terms.symbol_variance);
    let settings = Settings::new(taps, 4, 2, TURN);
    let stages = [0.0, 0.3, 0.9]
        .iter()
        .map(|&tilt| {
            let victim = pulse(seed, tilt, 0.2);
            let near = pulse(&seed[3..], tilt, 0.004);
            let far = pulse(&seed[5..], tilt, 0.006);
            let crosstalk = if aggressors {
                Crosstalk::new(&terms, &[&near], &[&far, &near], TURN)
            } else {
                Crosstalk::new(&terms, &[], &[], TURN)
            };
            let stage =
                CtleStage { gain_db: -10.0 * tilt, zero_hz: 42e9, pole1_hz: 42e9, pole2_hz: 100e9, low_pair_hz: None };
            let low = LowStage { gain_db: -2.0 * tilt, corner_hz: 1e9 };
            let noise = receiver_noise.folded(&stage, Some(&low), terms.lags());
            let guesses = (0..settings.count()).map(|at| if at % 7 == 6 { None } else { Some(80 + at % 3) }).collect();
            Stage { pulse: victim, crosstalk, noise, guesses }
        })
        .collect();
    Chance { search: Search { terms, settings, ticks: (-3, 5) }, stages }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn pruned_equals_exhaustive(seed in prop::collection::vec(-1.0f64..1.0, 12), script in any::<bool>(), groups in 0usize..3,
        limit in 0.2f64..1.0, noise in 1e-9f64..1e-7, aggressors in any::<bool>()) {
        let edition = if script { Edition::Script } else { Edition::Draft3 };
        let Chance { search, stages } = chance(&seed, edition, groups, limit, noise, aggressors);
        let make = |at: usize| stages.get(at).cloned();
        let pruned = search.best(stages.len(), &make);
        let all = search.exhaustive(stages.len(), &make);
        prop_assert_eq!(&pruned.best, &all.best);
        prop_assert!(pruned.best.is_some());
        prop_assert_eq!(pruned.points, all.points);
        prop_assert_eq!(all.points, all.solved);
        prop_assert!(pruned.solved <= all.solved);
        // Where no tap is clipped, the bounds are close.
        if limit > 0.9 && groups == 0 {
            prop_assert!(pruned.solved * 2 < all.solved, "{} of {}", pruned.solved, all.solved);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    // Limits that many points meet, and below 0.02 all: the lowest floors then belong to points whose clipped errors are
    // far above them.
    #[test]
    fn pruned_equals_exhaustive_where_taps_are_clipped(seed in prop::collection::vec(-1.0f64..1.0, 12), script in any::<bool>(),
        groups in 0usize..3, limit in 0.002f64..0.2, floating in 1e-4f64..0.02, noise in 1e-9f64..1e-7) {
        let edition = if script { Edition::Script } else { Edition::Draft3 };
        let Chance { mut search, stages } = chance(&seed, edition, groups, limit, noise, true);
        search.terms.receiver.floating_max = floating;
        let make = |at: usize| stages.get(at).cloned();
        let pruned = search.best(stages.len(), &make);
        let all = search.exhaustive(stages.len(), &make);
        prop_assert_eq!(&pruned.best, &all.best);
        let clipped = pruned.best.map(|best| best.placed.taps.clipped);
        prop_assert!(clipped.is_some());
        prop_assert!(limit >= 0.02 || clipped == Some(true));
    }
}
