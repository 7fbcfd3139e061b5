//! One statistical eye, PAM4, 200 unit intervals of pulse with interference all along, and its costs.

use criterion::{Criterion, criterion_group, criterion_main};
use lanewright_link::eye::{
    CrosstalkPulse, EyeInput, EyeNoise, EyePulse, EyeSettings, Jitter, StatisticalEye, costs, openings,
};

const PER_UI: usize = 32;

fn input(levels: u32) -> EyeInput {
    let middle = 8.0 * PER_UI as f64;
    let wave = |height: f64, k: usize| height * (-0.5 * ((k as f64 - middle) / PER_UI as f64 / 0.42).powi(2)).exp();
    let ripple =
        |k: usize| 0.0015 * ((k as f64 * 0.0721).sin() + (k as f64 * 0.0317).cos()) * (-(k as f64) / 2000.0).exp();
    let length = 200 * PER_UI;
    EyeInput {
        pulse: EyePulse {
            samples: (0..length).map(|k| wave(0.1, k) + ripple(k)).collect(),
            samples_per_ui: PER_UI,
            cursor: middle as usize,
            feedback_v: vec![0.006; 12],
        },
        levels,
        level_mismatch: 0.95,
        crosstalk: vec![CrosstalkPulse { name: "next".into(), samples: (0..length).map(|k| wave(0.003, k)).collect() }],
        noise: EyeNoise { receiver_v: 0.0006, transmitter_v: 0.0008, quantiser_v: Vec::new() },
        jitter: Jitter { random_ui: 0.01, dual_dirac_ui: 0.02 },
    }
}

fn eyes(criterion: &mut Criterion) {
    for (name, levels) in [("nrz", 2), ("pam4", 4)] {
        let input = input(levels);
        let settings = EyeSettings { target: 1e-6, ..EyeSettings::default() };
        criterion.bench_function(&format!("eye/{name}"), |bencher| {
            bencher.iter(|| StatisticalEye::of(&input, &settings).map(|eye| openings(&eye)));
        });
        criterion.bench_function(&format!("costs/{name}"), |bencher| bencher.iter(|| costs(&input, 1e-6)));
    }
}

criterion_group!(benches, eyes);
criterion_main!(benches);
