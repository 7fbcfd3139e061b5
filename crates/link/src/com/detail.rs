//! What is behind a margin, for plots and for people: pulses, distributions, and what each term costs.

use crate::com::board::PathKind;
use crate::com::distribution::Distribution;
use crate::com::margin::{Concluded, Distributions};
use crate::com::outcome::CaseOutcome;
use crate::com::prepare::{Prepared, pulse_response};
use crate::com::window::{Edges, EyeSource, contours, noise_reach};
use num_complex::Complex64;

/// Intermediates of one package case. Made on request only.
#[derive(Clone, Debug)]
pub struct CaseDetail {
    /// Name of the case.
    pub case: String,
    /// Symbol rate in baud.
    pub baud_hz: f64,
    /// Samples per unit interval of the pulses.
    pub samples_per_ui: usize,
    /// Sampling instant in samples, from 0.
    pub sample: usize,
    /// The victim's pulse before any equaliser, in V.
    pub unequalised_v: Vec<f64>,
    /// The victim's pulse behind CTLE and transmit equaliser, before feedback, in V.
    pub equalised_v: Vec<f64>,
    /// Feedback taps relative to the cursor.
    pub feedback: Vec<f64>,
    /// Frequencies in Hz of `transfer`.
    pub frequency_hz: Vec<f64>,
    /// Per path: name, kind, and its voltage transfer function with packages and the receiver's filter.
    pub transfer: Vec<(String, PathKind, Vec<Complex64>)>,
    /// Distributions at the sampling instant.
    pub distributions: Distributions,
    /// What COM would gain without each term, in dB.
    pub costs: Vec<TermCost>,
    /// Edges of every eye over the unit interval, lowest eye first, where the interface is judged by its eye.
    pub contours: Option<Vec<Vec<Edges>>>,
    /// Best figure of merit behind each CTLE setting: g_DC and g_DC_HP in dB, figure of merit in dB.
    pub fom_map: Vec<MapPoint>,
}

/// Cost of a term.
#[derive(Clone, Debug, PartialEq)]
pub struct TermCost {
    /// The term.
    pub term: Term,
    /// COM without it, less COM with it, in dB.
    pub cost_db: f64,
}

/// A term of noise and interference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Residual intersymbol interference.
    Interference,
    /// Crosstalk of all aggressors.
    Crosstalk,
    /// Crosstalk of far-end aggressors.
    FarEnd,
    /// Crosstalk of near-end aggressors.
    NearEnd,
    /// Transmitter noise.
    Transmitter,
    /// Receiver noise.
    Receiver,
    /// Random and dual-Dirac jitter.
    Jitter,
}

/// A point of the map over the CTLE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPoint {
    /// g_DC in dB.
    pub g_dc_db: f64,
    /// g_DC_HP in dB.
    pub g_dc2_db: Option<f64>,
    /// Best figure of merit over the transmit settings, in dB; `None` where none can be sampled.
    pub fom_db: Option<f64>,
}

/// Collects what is behind a concluded case. `fom_db` has the best figure of merit per CTLE setting, in the order of
/// [`Prepared::ctle_grid`], or nothing where no map is wanted.
pub fn detail(prepared: &Prepared, outcome: &CaseOutcome, concluded: &Concluded, fom_db: &[Option<f64>]) -> CaseDetail {
    let p = prepared.parameters;
    let eye = p.module_eye.as_ref().and_then(|eye| {
        contours(EyeSource {
            parameters: p,
            eye,
            pulse: &concluded.pulse,
            sample: concluded.point.sample,
            taps: &concluded.taps,
            sigma_x: prepared.sigma_x,
            sigma_n_tx: (concluded.point.terms.n, concluded.point.terms.tx),
            crosstalk: &concluded.distributions.crosstalk,
            bin_v: concluded.distributions.total.bin_v,
        })
    });
    let fom_map = prepared
        .ctle_grid
        .iter()
        .zip(fom_db)
        .map(|((_, _, gains), &fom_db)| MapPoint {
            g_dc_db: gains.stage.gain_db,
            g_dc2_db: gains.low.map(|l| l.gain_db),
            fom_db,
        })
        .collect();
    CaseDetail {
        case: outcome.case.clone(),
        baud_hz: p.signal.baud_hz,
        samples_per_ui: prepared.clock.samples_per_ui,
        sample: outcome.sample,
        unequalised_v: pulse_response(&prepared.paths[0].impulse, prepared.clock.samples_per_ui),
        equalised_v: concluded.pulse.clone(),
        feedback: concluded.taps.clone(),
        frequency_hz: prepared.frequency_hz.to_vec(),
        transfer: prepared.paths.iter().map(|path| (path.name.clone(), path.kind, path.transfer.clone())).collect(),
        distributions: concluded.distributions.clone(),
        costs: costs(prepared, concluded),
        contours: eye,
        fom_map,
    }
}

/// What COM would gain without each term. For module interfaces this is COM at the sampling instant alone, since terms
/// cannot be taken out of the window's height one by one.
pub fn costs(prepared: &Prepared, concluded: &Concluded) -> Vec<TermCost> {
    let p = prepared.parameters;
    let d = &concluded.distributions;
    let bin = d.total.bin_v;
    let share = p.signal.detector_error_ratio;
    let terms = &concluded.point.terms;
    let certain = Distribution::certain(bin);
    let sum_of = |keep: &dyn Fn(PathKind) -> bool| -> Distribution {
        let kinds = prepared.paths.iter().map(|p| p.kind).filter(|k| *k != PathKind::Through);
        d.aggressors.iter().zip(kinds).filter(|(_, k)| keep(*k)).fold(certain.clone(), |sum, (a, _)| sum.plus(a))
    };
    let gaussian =
        |tx: f64, n: f64, rj: f64| Distribution::normal((tx * tx + n * n + rj * rj).sqrt(), noise_reach(p), bin);
    let quantile = |parts: [&Distribution; 4]| {
        parts.iter().fold(certain.clone(), |sum, part| sum.plus(part)).lower_quantile_v(share).abs().max(bin / 2.0)
    };
    let with_all = quantile([&d.interference, &d.crosstalk, &d.gaussian, &d.dual_dirac]);
    let far = prepared.paths.iter().any(|p| p.kind == PathKind::FarEnd);
    let near = prepared.paths.iter().any(|p| p.kind == PathKind::NearEnd);
    let mut out = Vec::new();
    let mut add = |term: Term, without: f64| {
        out.push(TermCost { term, cost_db: 20.0 * (with_all / without).log10() });
    };
    add(Term::Interference, quantile([&certain, &d.crosstalk, &d.gaussian, &d.dual_dirac]));
    if far || near {
        add(Term::Crosstalk, quantile([&d.interference, &certain, &d.gaussian, &d.dual_dirac]));
    }
    if far && near {
        add(
            Term::FarEnd,
            quantile([&d.interference, &sum_of(&|k| k == PathKind::NearEnd), &d.gaussian, &d.dual_dirac]),
        );
        add(
            Term::NearEnd,
            quantile([&d.interference, &sum_of(&|k| k == PathKind::FarEnd), &d.gaussian, &d.dual_dirac]),
        );
    }
    let (tx, n, rj) = (terms.tx, terms.n, terms.rj);
    add(Term::Transmitter, quantile([&d.interference, &d.crosstalk, &gaussian(0.0, n, rj), &d.dual_dirac]));
    add(Term::Receiver, quantile([&d.interference, &d.crosstalk, &gaussian(tx, 0.0, rj), &d.dual_dirac]));
    add(Term::Jitter, quantile([&d.interference, &d.crosstalk, &gaussian(tx, n, 0.0), &certain]));
    out
}
