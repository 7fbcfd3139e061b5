//! The margin at the chosen setting (93A.1.7): distributions of interference, crosstalk and noise, and what they leave.

use crate::com::board::PathKind;
use crate::com::dfe::in_steps;
use crate::com::distribution::{Distribution, rounded_variance};
use crate::com::exhaustive::Best;
use crate::com::figure_of_merit::{Bench, Demand, Point, at_instant};
use crate::com::prepare::{Prepared, pulse_response};
use crate::com::tx_ffe;
use crate::com::window::{EyeSource, bin_v, noise_reach, window_edges};

/// Distributions at the chosen setting.
#[derive(Clone, Debug)]
pub struct Distributions {
    /// Residual intersymbol interference.
    pub interference: Distribution,
    /// One per aggressor, in the order of the paths, at its worst phase (93A-33).
    pub aggressors: Vec<Distribution>,
    /// All aggressors.
    pub crosstalk: Distribution,
    /// Gaussian noise: transmitter, receiver, random jitter (93A-41, 93A-42).
    pub gaussian: Distribution,
    /// Dual-Dirac jitter.
    pub dual_dirac: Distribution,
    /// Everything (93A-45).
    pub total: Distribution,
}

/// The chosen setting, worked out to the end.
#[derive(Clone, Debug)]
pub struct Concluded {
    /// The setting's figures.
    pub point: Point,
    /// The victim's equalised pulse, in V.
    pub pulse: Vec<f64>,
    /// Feedback taps relative to the cursor, as chosen.
    pub taps: Vec<f64>,
    /// Positions of floating taps.
    pub floating: Vec<usize>,
    /// Distributions.
    pub distributions: Distributions,
    /// A_s in V.
    pub a_s: f64,
    /// A_ni in V. For module interfaces, both sides of the eye together, as the script has it.
    pub a_ni: f64,
    /// COM in dB.
    pub com_db: f64,
    /// VEC in dB.
    pub vec_db: f64,
    /// Eye height in V.
    pub eye_height: f64,
}

/// Works the best setting out. `None` where its pulse cannot be sampled, which the search would not have chosen.
pub fn conclude(prepared: &Prepared, best: &Best) -> Option<Concluded> {
    let p = prepared.parameters;
    let m = prepared.clock.samples_per_ui;
    let cursor_tap = prepared.tx_grid.cursor;
    let tx_taps = prepared.tx_grid.setting(best.tx);
    let gains = &prepared.ctle_grid[best.ctle].2;
    let setting = prepared.ctle_setting(gains);
    let sample = best.point.sample;
    let mut bench = Bench::default();
    tx_ffe::apply(&setting.pulse, tx_taps, cursor_tap, m, &mut bench.pulse);
    at_instant(prepared, &setting, tx_taps, sample, best.point.phase, Demand::NONE, None, &mut bench)?;

    // Where feedback reaches beyond the response's end, the script appends zeros to the impulse response and equalises it
    // anew, so that the CTLE rings on.
    let mut impulse = prepared.paths[0].impulse.clone();
    let pulse = if impulse.len() < bench.pulse.len() {
        impulse.resize(bench.pulse.len(), 0.0);
        let mut out = Vec::new();
        let ctle = pulse_response(&gains.filter(&impulse, prepared.sample_hz()), m);
        tx_ffe::apply(&ctle, tx_taps, cursor_tap, m, &mut out);
        out
    } else {
        std::mem::take(&mut bench.pulse)
    };
    let cursor = *pulse.get(sample)?;
    let a_s = best.point.a_s.abs();
    let bin = bin_v(p, a_s);
    let limited: Vec<f64> = bench
        .feedback
        .max
        .iter()
        .zip(&bench.feedback.min)
        .enumerate()
        .map(|(k, (&max, &min))| {
            let h = in_steps(pulse.get(sample + m * (k + 1)).copied().unwrap_or(0.0), cursor, p.dfe.step);
            // Upper limit first, then the lower, as limits may cross.
            let held = if h > cursor * max { cursor * max } else { h };
            if h < cursor * min { min } else { held / cursor }
        })
        .collect();

    let levels = p.signal.levels;
    let rows = rows(pulse.len(), m);
    let phase = sample % m;
    let residual = (1..=rows).map(|r| {
        let at = m * r + phase;
        if at < sample {
            return pulse[at];
        }
        match (at - sample) / m {
            0 => 0.0,
            n => pulse[at] - limited.get(n - 1).map_or(0.0, |b| b * cursor),
        }
    });
    let interference = Distribution::of_symbols(residual, levels, bin);

    let mut aggressors = Vec::new();
    for path in prepared.paths.iter().filter(|p| p.kind != PathKind::Through) {
        let mut equalised = pulse_response(&gains.filter(&path.impulse, prepared.sample_hz()), m);
        if path.kind == PathKind::FarEnd {
            let mut out = Vec::new();
            tx_ffe::apply(&equalised, tx_taps, cursor_tap, m, &mut out);
            equalised = out;
        }
        aggressors.push(worst_phase(&equalised, m, levels, bin));
    }
    let crosstalk = aggressors.iter().fold(Distribution::certain(bin), |sum, a| sum.plus(a));

    let terms = &best.point.terms;
    let sigma_g = (terms.rj * terms.rj + terms.n * terms.n + terms.tx * terms.tx).sqrt();
    let gaussian = Distribution::normal(sigma_g, noise_reach(p), bin);
    let dual_dirac = Distribution::of_symbols(bench.jitter.iter().map(|h| p.noise.dual_dirac_ui * h), levels, bin);
    let total = interference.plus(&crosstalk).plus(&gaussian.plus(&dual_dirac));

    let (a_ni, com_db, vec_db, eye_height) = if let Some(eye) = &p.module_eye {
        let edges = window_edges(EyeSource {
            parameters: p,
            eye,
            pulse: &pulse,
            sample,
            taps: &limited,
            sigma_x: prepared.sigma_x,
            sigma_n_tx: (terms.n, terms.tx),
            crosstalk: &crosstalk,
            bin_v: bin,
        })?;
        let height = edges.height_v();
        let a_ni = 2.0 * a_s - height;
        (a_ni, ratio_db(2.0 * a_s, a_ni), 20.0 * (2.0 * a_s / height).max(f64::EPSILON).log10(), height)
    } else {
        let a_ni = total.lower_quantile_v(p.signal.detector_error_ratio).abs();
        let open = ((a_s - a_ni) / a_s).max(f64::EPSILON);
        (a_ni, ratio_db(a_s, a_ni), -20.0 * open.log10(), 2.0 * (a_s - a_ni))
    };
    Some(Concluded {
        point: best.point,
        pulse,
        taps: bench.feedback.taps,
        floating: bench.feedback.floating,
        distributions: Distributions { interference, aggressors, crosstalk, gaussian, dual_dirac, total },
        a_s,
        a_ni,
        com_db,
        vec_db,
        eye_height,
    })
}

/// Unit intervals of a response that are counted: all but the first and the last.
fn rows(length: usize, samples_per_ui: usize) -> usize {
    ((length as f64 / samples_per_ui as f64).round() as usize).saturating_sub(2)
}

/// Distribution of an aggressor at the phase where it spreads most; the first of equally bad ones.
fn worst_phase(pulse: &[f64], samples_per_ui: usize, levels: u32, bin: f64) -> Distribution {
    let rows = rows(pulse.len(), samples_per_ui);
    let at_phase = |phase: usize| (1..=rows).filter_map(move |r| pulse.get(samples_per_ui * r + phase).copied());
    let mut worst = (0, f64::NEG_INFINITY);
    for phase in 0..samples_per_ui {
        let variance: f64 = at_phase(phase).map(|h| rounded_variance(h, levels, bin)).sum();
        if variance > worst.1 {
            worst = (phase, variance);
        }
    }
    Distribution::of_symbols(at_phase(worst.0), levels, bin)
}

/// A ratio of voltages in dB, finite even where there is no noise at all.
fn ratio_db(signal: f64, noise: f64) -> f64 {
    20.0 * (signal / noise.max(f64::MIN_POSITIVE)).max(f64::MIN_POSITIVE).log10()
}
