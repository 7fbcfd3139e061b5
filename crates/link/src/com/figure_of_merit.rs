//! Figure of merit of one setting: cursor, feedback, and the noise terms beside the signal (93A.1.6, 93A-36).

use crate::com::dfe::{self, Feedback};
use crate::com::parameters::ModuleEye;
use crate::com::prepare::{CtleSetting, Prepared};
use crate::com::tx_ffe;
use crate::com::window;

/// Standard deviations in V at one setting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// sigma_TX (93A-30).
    pub tx: f64,
    /// sigma_N (93A-35).
    pub n: f64,
    /// sigma_ISI (93A-31).
    pub isi: f64,
    /// sigma_J (93A-32), both kinds of jitter.
    pub j: f64,
    /// Share of random jitter in sigma_J.
    pub rj: f64,
    /// sigma_XT as the search takes it: see [`crate::com::crosstalk`].
    pub xt: f64,
}

/// A setting that was worked out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Figure of merit in dB. For module interfaces it is the signal over the closed part of the eye.
    pub fom_db: f64,
    /// Sampling instant in samples from 0.
    pub sample: usize,
    /// Its distance from the first guess, in samples.
    pub phase: i32,
    /// A_s in V.
    pub a_s: f64,
    /// Terms of the denominator.
    pub terms: Terms,
}

/// Buffers that are kept from one setting to the next, and what is left in them of the last one.
#[derive(Clone, Debug, Default)]
pub struct Bench {
    /// Equalised pulse, with zeros behind it where feedback reaches beyond its end.
    pub pulse: Vec<f64>,
    /// Feedback at the last instant that was worked out in full.
    pub feedback: Feedback,
    /// h_J at that instant (93A-28).
    pub jitter: Vec<f64>,
    post: Vec<f64>,
}

/// What a setting has to beat or meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Settings whose figure of merit cannot reach this are given up early, in dB; minus infinity for none. Nothing that
    /// reaches it is lost.
    pub floor_db: f64,
    /// For module interfaces: judge by eye height, and pass over settings whose eye is lower than this many mV.
    pub eye_height_mv: Option<f64>,
}

impl Demand {
    /// No early end, judged by noise terms.
    pub const NONE: Self = Self { floor_db: f64::NEG_INFINITY, eye_height_mv: None };
}

/// Figure of merit of a transmit setting behind a CTLE setting, the best of all sampling instants to try; `None` where the
/// pulse cannot be sampled. Exact, without early end.
pub fn figure_of_merit(prepared: &Prepared, ctle: &CtleSetting, taps: &[f64]) -> Option<Point> {
    assess(prepared, ctle, taps, Demand::NONE, None, &mut Bench::default())
}

/// The same with buffers and with an early end. `magnitude` is |Htx| over frequency, where the caller has it already.
pub fn assess(
    prepared: &Prepared,
    ctle: &CtleSetting,
    taps: &[f64],
    demand: Demand,
    magnitude: Option<&[f64]>,
    bench: &mut Bench,
) -> Option<Point> {
    let m = prepared.clock.samples_per_ui;
    tx_ffe::apply(&ctle.pulse, taps, prepared.tx_grid.cursor, m, &mut bench.pulse);
    let guess = prepared.clock.instant(&bench.pulse)?;
    let length = bench.pulse.len();
    let mut best: Option<Point> = None;
    for phase in prepared.adjustments() {
        let Some(sample) = guess.sample.checked_add_signed(phase as isize).filter(|s| *s < length) else { continue };
        bench.pulse.truncate(length);
        let mut demand = demand;
        if let Some(best) = &best {
            demand.floor_db = demand.floor_db.max(best.fom_db);
        }
        let found = at_instant(prepared, ctle, taps, sample, phase, demand, magnitude, bench);
        if let Some(found) = found
            && best.as_ref().is_none_or(|b| found.fom_db > b.fom_db)
        {
            best = Some(found);
        }
    }
    best
}

/// Works one sampling instant out. Leaves feedback and h_J of it in `bench`.
#[expect(clippy::too_many_arguments, reason = "one setting is many things, and this is called for each of them")]
pub fn at_instant(
    prepared: &Prepared,
    ctle: &CtleSetting,
    taps: &[f64],
    sample: usize,
    phase: i32,
    demand: Demand,
    magnitude: Option<&[f64]>,
    bench: &mut Bench,
) -> Option<Point> {
    let p = prepared.parameters;
    let m = prepared.clock.samples_per_ui;
    let pulse = &mut bench.pulse;
    let cursor = pulse[sample];
    let levels = f64::from(p.signal.levels);
    let a_s = p.signal.level_mismatch * cursor / (levels - 1.0);
    if a_s <= 0.0 || !a_s.is_finite() {
        return None;
    }
    let reach = dfe::reach(&p.dfe);
    let sigma_x = prepared.sigma_x;
    // Module interfaces take feedback's residual early in the window rather than at its middle.
    let early = demand.eye_height_mv.and(p.module_eye.as_ref()).map_or(0, |eye| window_samples(eye, m));
    if sample < early {
        return None;
    }

    let square = |v: &f64| v * v;
    let before: f64 = pulse[..sample].iter().rev().skip(m - 1).step_by(m).map(square).sum();
    let far_start = sample + m * (reach + 1) - early;
    let far: f64 = pulse.get(far_start..).map_or(0.0, |far| far.iter().step_by(m).map(square).sum());
    let outside = before + far;
    let cannot_reach = |isi2: f64| 20.0 * (a_s / (sigma_x * isi2.sqrt())).log10() < demand.floor_db;
    if cannot_reach(outside) {
        return None;
    }

    let needed = sample + m * (reach + 1);
    if pulse.len() < needed {
        pulse.resize(needed, 0.0);
    }
    bench.post.clear();
    bench.post.extend(pulse[sample..].iter().step_by(m).skip(1));
    bench.feedback.settle(&p.dfe, cursor, &bench.post);
    let residual: f64 = bench
        .feedback
        .taps
        .iter()
        .enumerate()
        .map(|(n, b)| {
            let left = pulse[sample + m * (n + 1) - early] - b * cursor;
            left * left
        })
        .sum();
    let isi2 = outside + residual;
    if cannot_reach(isi2) {
        return None;
    }

    jitter_response(pulse, sample, m, &mut bench.jitter);
    let slope = bench.jitter.iter().map(square).sum::<f64>().sqrt();
    let dj = p.noise.dual_dirac_ui.hypot(p.noise.random_jitter_ui) * sigma_x * slope;
    let snr = 10f64.powf(-prepared.case.tx_snr_db / 20.0);
    let mut tx = cursor * snr;
    if p.noise.tx_noise_by_cursor {
        tx /= taps[prepared.tx_grid.cursor];
    }
    let without_crosstalk =
        sigma_x * sigma_x * isi2 + dj * dj + ctle.sigma_n * ctle.sigma_n + tx * tx + ctle.next_sigma2;
    if demand.eye_height_mv.is_none() && 20.0 * (a_s / without_crosstalk.sqrt()).log10() < demand.floor_db - 1e-9 {
        return None;
    }
    let far_crosstalk: f64 = if ctle.fext_weight.is_empty() {
        0.0
    } else if let Some(magnitude) = magnitude {
        ctle.fext_weight.iter().zip(magnitude).map(|(w, m)| w * m).sum()
    } else {
        ctle.fext_weight.iter().zip(&prepared.crosstalk.transmit_magnitude(taps)).map(|(w, m)| w * m).sum()
    };
    let terms = Terms {
        tx,
        n: ctle.sigma_n,
        isi: sigma_x * isi2.sqrt(),
        j: dj,
        rj: p.noise.random_jitter_ui * sigma_x * slope,
        xt: (ctle.next_sigma2 + far_crosstalk).sqrt(),
    };
    let noise = [terms.isi, terms.j, terms.xt, terms.n, terms.tx].iter().map(square).sum::<f64>().sqrt();
    let mut point = Point { fom_db: 20.0 * (a_s / noise).log10(), sample, phase, a_s, terms };
    if let (Some(height_mv), Some(eye)) = (demand.eye_height_mv, &p.module_eye) {
        // The script leaves a millivolt of room in its first look and none in its second.
        let q = crate::normal::quantile(p.signal.detector_error_ratio);
        if 2.0 * (a_s - q * noise) <= height_mv / 1000.0 - 0.001 {
            return None;
        }
        let height = window::search_height(prepared, eye, bench, &point)?;
        if height <= height_mv / 1000.0 {
            return None;
        }
        point.fom_db = 20.0 * (a_s / (a_s - height / 2.0)).log10();
    }
    Some(point)
}

/// Half of the window of a module interface in samples of the pulse.
fn window_samples(eye: &ModuleEye, samples_per_ui: usize) -> usize {
    (eye.window_mui / 1000.0 * samples_per_ui as f64).floor().max(0.0) as usize
}

/// h_J (93A-28): slope of the pulse at the phase of `sample`, in V per unit interval.
pub fn jitter_response(pulse: &[f64], sample: usize, samples_per_ui: usize, out: &mut Vec<f64>) {
    let m = samples_per_ui;
    // The script counts samples from 1, and skips the first unit interval where the earlier sample would lie before it.
    let mut offset = (sample + 1) % m;
    if offset <= 1 {
        offset += m;
    }
    out.clear();
    let scale = m as f64 / 2.0;
    let late = pulse.get(offset..).unwrap_or(&[]).iter().step_by(m);
    let early = pulse.get(offset - 2..).unwrap_or(&[]).iter().step_by(m);
    out.extend(late.zip(early).map(|(late, early)| (late - early) * scale));
}
