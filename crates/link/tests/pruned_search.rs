//! The search by bounds gives what trying every setting gives, on random channels and receivers.

#[allow(dead_code)]
#[path = "corpus_com/receivers.rs"]
mod receivers;

use std::f64::consts::PI;

use lanewright_link::com::channel::{ChannelSet, DifferentialChannel};
use lanewright_link::com::parameters::{ComParameters, SamplingAnchor};
use lanewright_link::com::prepare::Prepared;
use lanewright_link::com::{exhaustive, search};
use num_complex::Complex64;
use proptest::prelude::*;
use receivers::{ck_c2c, ck_c2m, ck_kr, ctle, kr4, range, tap};

/// A lossy line with mismatched ends and a stub, out of a few numbers.
#[derive(Clone, Debug)]
struct Line {
    skin: f64,
    dielectric: f64,
    delay_ns: f64,
    mismatch: (f64, f64),
    stub_ghz: f64,
}

fn line() -> impl Strategy<Value = Line> {
    (0.05..0.5_f64, 0.0..0.03_f64, 0.5..3.0_f64, (-0.25..0.25_f64, -0.25..0.25_f64), 30.0..200.0_f64).prop_map(
        |(skin, dielectric, delay_ns, mismatch, stub_ghz)| Line { skin, dielectric, delay_ns, mismatch, stub_ghz },
    )
}

fn points() -> Vec<f64> {
    (0..1500).map(|k| f64::from(k) * 40e6).collect()
}

fn channel(line: &Line) -> DifferentialChannel {
    let mut made = DifferentialChannel {
        name: "random".into(),
        frequency_hz: points(),
        s11: Vec::new(),
        s12: Vec::new(),
        s21: Vec::new(),
        s22: Vec::new(),
    };
    for hz in points() {
        let ghz = hz / 1e9;
        let notch = 1.0 / Complex64::new(1.0, ghz / line.stub_ghz);
        let loss = (-(line.skin * ghz.sqrt() + line.dielectric * ghz)).exp();
        let through = Complex64::from_polar(loss, -2.0 * PI * ghz * line.delay_ns) * notch;
        let (a, b) = (Complex64::from(line.mismatch.0), Complex64::from(line.mismatch.1));
        let round = 1.0 - a * b * through * through;
        let s21 = through * ((1.0 - a * a) * (1.0 - b * b)).sqrt() / round;
        made.s21.push(s21);
        made.s12.push(s21);
        made.s11.push(a + b * through * through * (1.0 - a * a) / round);
        made.s22.push(-b - a * through * through * (1.0 - b * b) / round);
    }
    made
}

/// Crosstalk rises with frequency.
fn aggressor(line: &Line, strength: f64) -> DifferentialChannel {
    let mut made = channel(line);
    for (s21, hz) in made.s21.iter_mut().zip(points()) {
        *s21 *= strength * (hz / 30e9).min(1.0);
    }
    made.s12 = made.s21.clone();
    made
}

fn agree(parameters: &ComParameters, channels: &ChannelSet) -> Result<(), TestCaseError> {
    for case in &parameters.ends.cases {
        let prepared = Prepared::new(parameters, channels, case).map_err(|e| TestCaseError::reject(e.to_string()))?;
        let (pruned, all) = (search::best_setting(&prepared), exhaustive::search(&prepared));
        prop_assert_eq!(pruned.map(|f| f.best), all.map(|f| f.best), "case {}", case.name);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn fixed_feedback(victim in line(), other in line(), strength in 0.0..0.03_f64) {
        let mut parameters = kr4();
        parameters.tx_ffe.taps = vec![tap(-1, range(-0.18, 0.06, 0.0)), tap(1, range(-0.36, 0.06, 0.0))];
        parameters.ctle.stages.truncate(9);
        let channels = ChannelSet {
            victim: channel(&victim),
            fext: vec![aggressor(&other, strength)],
            next: vec![aggressor(&other, strength / 2.0)],
        };
        agree(&parameters, &channels)?;
    }

    #[test]
    fn floating_feedback(victim in line(), other in line(), strength in 0.0..0.03_f64, quiet: bool) {
        let mut parameters = ck_kr();
        parameters.tx_ffe.taps[0] = tap(-3, vec![-0.04, 0.0]);
        parameters.tx_ffe.taps[2] = tap(-1, range(-0.24, 0.08, 0.0));
        parameters.ctle = ctle(range(-12.0, 3.0, 0.0), 21.25, 21.25, 53.125, range(-4.0, 1.0, 0.0), 0.6640625);
        let fext = if quiet { Vec::new() } else { vec![aggressor(&other, strength); 2] };
        agree(&parameters, &ChannelSet { victim: channel(&victim), fext, next: Vec::new() })?;
    }

    #[test]
    fn other_instants(victim in line(), anchor in 0..3_usize, wide in 0..4_i32) {
        let mut parameters = ck_c2c();
        let anchors = [SamplingAnchor::ModifiedMuellerMuller, SamplingAnchor::Peak, SamplingAnchor::LargestDifference];
        parameters.sampling.anchor = anchors[anchor];
        parameters.sampling.adjustment = (-wide, wide);
        parameters.tx_ffe.taps[2] = tap(-1, range(-0.24, 0.08, 0.0));
        parameters.ctle = ctle(range(-9.0, 3.0, 0.0), 21.25, 21.25, 53.125, range(-4.0, 1.0, 0.0), 0.6640625);
        parameters.noise.tx_noise_by_cursor = wide == 2;
        agree(&parameters, &ChannelSet { victim: channel(&victim), fext: Vec::new(), next: Vec::new() })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 4, ..ProptestConfig::default() })]

    /// Settings judged by eye height; the line is short, or no eye is open.
    #[test]
    fn eye_height(victim in line()) {
        let mut parameters = ck_c2m();
        let taps = [tap(-3, vec![0.0]), tap(-2, vec![0.0, 0.04]), tap(-1, vec![-0.12, -0.04]), tap(1, vec![-0.04, 0.0])];
        parameters.tx_ffe.taps = taps.to_vec();
        let short = Line { skin: victim.skin / 4.0, dielectric: victim.dielectric / 4.0, ..victim };
        agree(&parameters, &ChannelSet { victim: channel(&short), fext: Vec::new(), next: Vec::new() })?;
    }
}
