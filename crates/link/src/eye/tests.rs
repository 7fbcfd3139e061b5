//! Closed forms that the eye must meet, its symmetries, and how it moves with noise.

use super::*;
use crate::normal;
use proptest::prelude::*;

const PER_UI: usize = 32;

/// A pulse that is `taps[n]` all through the unit interval about the `n`-th instant; the first is the cursor.
fn steps(taps: &[f64], per_ui: usize) -> EyePulse {
    let samples = (0..(taps.len() + 2) * per_ui).map(|i| {
        let ui = (i as f64 / per_ui as f64 - 0.5).floor();
        if ui < 0.0 { 0.0 } else { taps.get(ui as usize).copied().unwrap_or(0.0) }
    });
    EyePulse { samples: samples.collect(), samples_per_ui: per_ui, cursor: per_ui, feedback_v: Vec::new() }
}

/// A smooth pulse: a Gaussian of a width in unit intervals.
fn smooth(height: f64, width_ui: f64) -> EyePulse {
    let middle = 8 * PER_UI;
    let value = |i: usize| height * (-0.5 * ((i as f64 - middle as f64) / PER_UI as f64 / width_ui).powi(2)).exp();
    EyePulse {
        samples: (0..16 * PER_UI).map(value).collect(),
        samples_per_ui: PER_UI,
        cursor: middle,
        feedback_v: Vec::new(),
    }
}

fn input(pulse: EyePulse, levels: u32) -> EyeInput {
    EyeInput {
        pulse,
        levels,
        level_mismatch: 1.0,
        crosstalk: Vec::new(),
        noise: EyeNoise::default(),
        jitter: Jitter::default(),
    }
}

fn at(target: f64) -> EyeSettings {
    EyeSettings { target, contours: vec![1e-3], ..EyeSettings::default() }
}

#[test]
fn one_tap_of_interference_opens_by_twice_the_difference() {
    for (levels, taps) in [(2, [0.1, 0.03]), (4, [0.12, 0.01]), (2, [0.1, -0.06])] {
        let input = input(steps(&taps, PER_UI), levels);
        let eye = StatisticalEye::of(&input, &at(1e-9)).expect("a sound pulse");
        let expected = 2.0 * (taps[0] / f64::from(levels - 1) - taps[1].abs()) * 1e3;
        for opening in openings(&eye) {
            assert!((opening.height_mv - expected).abs() < 0.8, "{levels} {opening:?} {expected}");
            assert!(opening.width_ui > 0.98 && opening.width_is_bound);
        }
    }
}

#[test]
fn gaussian_noise_alone_makes_a_bathtub_of_q() {
    let mut input = input(steps(&[0.1], PER_UI), 2);
    input.noise.receiver_v = 0.012;
    let eye = StatisticalEye::of(&input, &at(1e-12)).expect("a sound pulse");
    for (mv, p) in voltage_bathtub(&eye, 0, 41) {
        let expected = 0.5 * (normal::tail((100.0 - mv) / 12.0) + normal::tail((100.0 + mv) / 12.0));
        // Noise is carried far below the lowest error ratio that is asked for, but not for ever.
        assert!((p.ln() - expected.ln()).abs() < 0.05 || expected < 1e-18, "{mv}: {p} {expected}");
    }
    let height = openings(&eye)[0].height_mv;
    assert!((height - 2.0 * (100.0 - 12.0 * normal::quantile(1e-12))).abs() < 0.4, "{height}");
}

#[test]
fn jitter_alone_leaves_the_width_of_its_quantile() {
    for (random, dirac, target) in [(0.01, 0.0, 1e-12), (0.02, 0.05, 1e-6), (0.015, 0.02, 1e-9)] {
        let mut input = input(steps(&[0.1], 256), 2);
        input.jitter = Jitter { random_ui: random, dual_dirac_ui: dirac };
        let settings = EyeSettings { phases_per_ui: 256, ..at(target) };
        let eye = StatisticalEye::of(&input, &settings).expect("a sound pulse");
        let opening = &openings(&eye)[0];
        // Beyond the edge the next symbol is another one half of the time; one of two Diracs is at the edge.
        let share = if dirac > 0.0 { 4.0 } else { 2.0 };
        let expected = 1.0 - 2.0 * dirac - 2.0 * random * normal::quantile(share * target);
        assert!((opening.width_ui - expected).abs() < 0.006, "{opening:?} {expected}");
        assert!((opening.height_mv - 200.0).abs() < 0.7 && !opening.width_is_bound);
    }
}

#[test]
fn the_sampling_instant_agrees_with_the_sum_of_all_terms() {
    let mut input = input(smooth(0.1, 0.42), 4);
    input.crosstalk = vec![CrosstalkPulse { name: "next".into(), samples: smooth(0.004, 0.5).samples }];
    input.noise = EyeNoise { receiver_v: 0.0006, transmitter_v: 0.0009, quantiser_v: vec![0.001] };
    input.jitter = Jitter { random_ui: 0.01, dual_dirac_ui: 0.02 };
    input.level_mismatch = 0.95;
    let eye = StatisticalEye::of(&input, &at(1e-6)).expect("a sound pulse");
    let least = openings(&eye).iter().map(|o| o.height_mv).fold(f64::INFINITY, f64::min);
    let cost = costs(&input, 1e-6);
    assert!((cost.signal_mv - 0.5 * least - cost.interference_mv).abs() < 0.01 * cost.interference_mv, "{cost:?}");
    // Shares add up in both units.
    let mv: f64 = cost.terms.iter().map(|t| t.share_mv).sum();
    assert!((mv - cost.interference_mv).abs() < 1e-9);
    let db: f64 = cost.terms.iter().map(|t| t.share_db).sum();
    assert!((cost.floor_margin_db - db - cost.margin_db).abs() < 1e-9);
    assert_eq!(cost.floor, Some(Term::ReceiverNoise));
    for term in &cost.terms {
        assert!(term.alone_db > 0.0 && term.share_mv > 0.0 && term.only_mv > 0.0, "{term:?}");
    }
}

#[test]
fn eyes_mirror_each_other() {
    let mut input = input(smooth(0.1, 0.45), 4);
    input.noise.receiver_v = 0.001;
    input.jitter = Jitter { random_ui: 0.01, dual_dirac_ui: 0.01 };
    let eye = StatisticalEye::of(&input, &at(1e-6)).expect("a sound pulse");
    let opening = openings(&eye);
    assert_eq!(opening.len(), 3);
    assert!((opening[0].height_mv - opening[2].height_mv).abs() < 1e-9);
    assert!((opening[0].threshold_mv + opening[2].threshold_mv).abs() < 1e-9);
    assert!(opening[1].threshold_mv.abs() < 1e-9);
    // A symmetrical pulse opens as far to the left as to the right.
    assert!((opening[1].left_ui - opening[1].right_ui).abs() < 1e-6, "{:?}", opening[1]);
    assert!(opening[0].width_ui <= opening[1].width_ui);
    let density = eye.density(eye.centre(), eye.peak_v(), 101);
    assert!((density.iter().sum::<f64>() - 1.0).abs() < 1e-6);
}

#[test]
fn contours_nest() {
    let mut input = input(smooth(0.1, 0.4), 2);
    input.noise.receiver_v = 0.004;
    let settings = EyeSettings { contours: vec![1e-3, 1e-12], ..at(1e-6) };
    let found = contours(&StatisticalEye::of(&input, &settings).expect("a sound pulse"));
    assert_eq!(found.iter().map(|c| c.error_ratio).collect::<Vec<_>>(), vec![1e-3, 1e-6, 1e-12]);
    for pair in found.windows(2) {
        for (phase, low, high) in &pair[1].points {
            let outer = pair[0].points.iter().find(|p| p.0 == *phase).expect("open where a rarer contour is");
            assert!(outer.1 <= *low && outer.2 >= *high);
        }
    }
}

#[test]
fn decision_feedback_takes_its_tap_off() {
    let mut pulse = steps(&[0.1, 0.04, 0.02], PER_UI);
    pulse.feedback_v = vec![0.04];
    let eye = StatisticalEye::of(&input(pulse, 2), &at(1e-9)).expect("a sound pulse");
    assert!((openings(&eye)[0].height_mv - 160.0).abs() < 0.7);
}

#[test]
fn bad_numbers_are_refused_by_name() {
    let good = input(steps(&[0.1, 0.02], PER_UI), 2);
    let refuse = |change: &dyn Fn(&mut EyeInput)| {
        let mut bad = good.clone();
        change(&mut bad);
        StatisticalEye::of(&bad, &at(1e-6)).expect_err("bad input").to_string()
    };
    assert!(refuse(&|i| i.pulse.samples[40] = f64::NAN).contains("pulse response"));
    assert!(refuse(&|i| i.levels = 3).contains("2 or 4"));
    assert!(refuse(&|i| i.pulse.cursor = 100_000).contains("no signal"));
    assert!(refuse(&|i| i.noise.receiver_v = -1.0).contains("noise"));
    assert!(refuse(&|i| i.jitter.random_ui = 0.4).contains("0.25 UI"));
    assert!(refuse(&|i| i.pulse.samples_per_ui = 0).contains("4096"));
    assert!(StatisticalEye::of(&good, &at(0.7)).expect_err("bad ratio").to_string().contains("error ratio"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn more_noise_never_opens_an_eye(
        taps in prop::collection::vec(-0.03f64..0.03, 1..6),
        noise in 0.0005f64..0.004,
        more in 1.05f64..2.0,
        jitter in 0.0f64..0.02,
    ) {
        let mut pulse = smooth(0.1, 0.4);
        for (n, tap) in taps.iter().enumerate() {
            for (i, h) in smooth(*tap, 0.4).samples.iter().enumerate() {
                if let Some(sample) = pulse.samples.get_mut(i + (n + 1) * PER_UI) { *sample += h; }
            }
        }
        let mut a = input(pulse, 2);
        a.noise.receiver_v = noise;
        a.jitter.random_ui = jitter;
        let mut b = a.clone();
        b.noise.receiver_v *= more;
        let mut c = a.clone();
        c.jitter.random_ui += 0.01;
        let height = |input: &EyeInput| openings(&StatisticalEye::of(input, &at(1e-6)).expect("sound"))[0].clone();
        let (a, b, c) = (height(&a), height(&b), height(&c));
        prop_assert!(b.height_mv < a.height_mv, "{} against {} mV", b.height_mv, a.height_mv);
        // Widths are interpolated between instants, from probabilities in bins: they are good to a hundredth of a step.
        prop_assert!(b.width_ui <= a.width_ui + 0.01 / PER_UI as f64, "{} against {} UI", b.width_ui, a.width_ui);
        prop_assert!(c.height_mv <= a.height_mv + 0.4);
    }
}
