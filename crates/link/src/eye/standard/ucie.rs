//! UCIe die-to-die links: rates, masks, packages.

use serde::Serialize;

use super::Sourced;

/// What is known without a text to cite.
const GENERAL: &str = "general knowledge of the UCIe specification; not re-sourced";
/// What depends on a package's design.
const TYPICAL: &str = "typical of such packages; every design differs";

/// Kind of package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Packaging {
    /// Silicon interposer or bridge: fine bumps, thin and short wires.
    Advanced,
    /// Organic substrate.
    Standard,
}

/// A single-ended wire between dies, per mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wire {
    /// Resistance at 0 Hz in ohm/mm.
    pub resistance: f64,
    /// Frequency in Hz above which the resistance grows with the root of the frequency (skin effect).
    pub skin_hz: f64,
    /// Inductance in H/mm.
    pub inductance: f64,
    /// Capacitance in F/mm.
    pub capacitance: f64,
    /// Loss tangent of the dielectric.
    pub loss_tangent: f64,
}

/// A die-to-die link.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DieToDie {
    /// Name on the command line.
    pub id: &'static str,
    /// Full name.
    pub name: &'static str,
    /// Kind of package.
    pub packaging: Packaging,
    /// Rates in GT/s that are defined.
    pub rates_gt: Sourced<&'static [f64]>,
    /// Longest reach in mm that is meant.
    pub reach_mm: Sourced<f64>,
    /// Bump pitch in µm, smallest and largest.
    pub pitch_um: Sourced<(f64, f64)>,
    /// Swing of the transmitter in V, single-ended, from low to high.
    pub swing_v: Sourced<f64>,
    /// Source resistance in ohm.
    pub source_ohm: Sourced<f64>,
    /// Rate in GT/s above which the receiver is terminated; never where none.
    pub terminated_above_gt: Sourced<Option<f64>>,
    /// Pad capacitance of transmitter and receiver in F, each.
    pub pad_f: Sourced<f64>,
    /// The wire.
    pub wire: Sourced<Wire>,
    /// Sum of the neighbours' crosstalk as a share of the swing, per mm of reach and at the Nyquist frequency of
    /// 16 GT/s; it grows with length and frequency.
    pub crosstalk_per_mm: Sourced<f64>,
    /// Random jitter in s: forwarded clock against data.
    pub random_jitter_s: Sourced<f64>,
    /// Half of the bounded jitter and skew, in s.
    pub dual_dirac_s: Sourced<f64>,
    /// Standard deviation of the receiver's noise and supply noise in V.
    pub noise_v: Sourced<f64>,
    /// Eye height of the mask in V.
    pub mask_v: Sourced<f64>,
    /// Energy in J/bit, least and most.
    pub energy_j: Sourced<(f64, f64)>,
}

const RATES: &[f64] = &[4.0, 8.0, 12.0, 16.0, 24.0, 32.0];

/// Links between dies.
pub const ALL: &[DieToDie] = &[
    DieToDie {
        id: "ucie-advanced",
        name: "UCIe, advanced package",
        packaging: Packaging::Advanced,
        rates_gt: Sourced::recalled(RATES, GENERAL),
        reach_mm: Sourced::recalled(2.0, GENERAL),
        pitch_um: Sourced::recalled((25.0, 55.0), GENERAL),
        swing_v: Sourced::recalled(0.4, GENERAL),
        source_ohm: Sourced::recalled(25.0, GENERAL),
        terminated_above_gt: Sourced::recalled(None, GENERAL),
        pad_f: Sourced::estimated(0.125e-12, GENERAL),
        wire: Sourced::estimated(
            Wire { resistance: 5.0, skin_hz: 12e9, inductance: 0.33e-9, capacitance: 0.16e-12, loss_tangent: 0.004 },
            TYPICAL,
        ),
        crosstalk_per_mm: Sourced::estimated(0.03, TYPICAL),
        random_jitter_s: Sourced::estimated(0.25e-12, TYPICAL),
        dual_dirac_s: Sourced::estimated(0.8e-12, TYPICAL),
        noise_v: Sourced::estimated(0.002, TYPICAL),
        mask_v: Sourced::recalled(0.040, GENERAL),
        energy_j: Sourced::recalled((0.25e-12, 0.5e-12), GENERAL),
    },
    DieToDie {
        id: "ucie-standard",
        name: "UCIe, standard package",
        packaging: Packaging::Standard,
        rates_gt: Sourced::recalled(RATES, GENERAL),
        reach_mm: Sourced::recalled(25.0, GENERAL),
        pitch_um: Sourced::recalled((100.0, 130.0), GENERAL),
        swing_v: Sourced::recalled(0.4, GENERAL),
        source_ohm: Sourced::recalled(30.0, GENERAL),
        terminated_above_gt: Sourced::recalled(Some(12.0), GENERAL),
        pad_f: Sourced::estimated(0.125e-12, GENERAL),
        wire: Sourced::estimated(
            Wire { resistance: 0.25, skin_hz: 0.4e9, inductance: 0.3e-9, capacitance: 0.12e-12, loss_tangent: 0.008 },
            TYPICAL,
        ),
        crosstalk_per_mm: Sourced::estimated(0.002, TYPICAL),
        random_jitter_s: Sourced::estimated(0.25e-12, TYPICAL),
        dual_dirac_s: Sourced::estimated(0.8e-12, TYPICAL),
        noise_v: Sourced::estimated(0.002, TYPICAL),
        mask_v: Sourced::recalled(0.040, GENERAL),
        energy_j: Sourced::recalled((0.5e-12, 1.25e-12), GENERAL),
    },
];

impl DieToDie {
    /// Eye width of the mask in UI: 0.75 to 16 GT/s, 0.65 above.
    pub fn mask_ui(&self, rate_gt: f64) -> Sourced<f64> {
        Sourced::recalled(if rate_gt <= 16.0 { 0.75 } else { 0.65 }, GENERAL)
    }

    /// Error ratio that is asked for: 1e-27 where there is no retry, which is up to 8 GT/s (advanced) and 4 GT/s
    /// (standard package); else 1e-15.
    pub fn error_ratio(&self, rate_gt: f64) -> Sourced<f64> {
        let without_retry = if self.packaging == Packaging::Advanced { 8.0 } else { 4.0 };
        Sourced::recalled(if rate_gt <= without_retry { 1e-27 } else { 1e-15 }, GENERAL)
    }

    /// Whether the receiver is terminated at a rate.
    pub fn is_terminated(&self, rate_gt: f64) -> bool {
        self.terminated_above_gt.value.is_some_and(|above| rate_gt > above)
    }
}

/// A die-to-die link by its name; `ucie` alone is the advanced package.
pub fn find(id: &str) -> Option<&'static DieToDie> {
    let wanted = id.to_lowercase().replace([' ', '_'], "-");
    ALL.iter().find(|link| link.id == wanted || (wanted == "ucie" && link.packaging == Packaging::Advanced))
}
