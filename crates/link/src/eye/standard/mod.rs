//! Links that are judged by an eye, as data: PCI Express and what runs on its lanes, and die-to-die links.
//!
//! None of these documents is public. Every value therefore says how sure it is and where it was found; a result that
//! rests on recalled or estimated values carries that with it.

pub mod pcie;
pub mod ucie;

use serde::Serialize;

/// How sure a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Follows from public facts: rates, line codes.
    Known,
    /// Repeated in a public document that cites the standard's table or clause.
    SecondHand,
    /// General knowledge of the standard, not found in a public text that could be cited.
    Recalled,
    /// A guess of ours, so that planning can go on.
    Estimated,
}

impl Certainty {
    /// One word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::SecondHand => "second-hand",
            Self::Recalled => "recalled",
            Self::Estimated => "estimated",
        }
    }
}

/// A value with how sure it is and where it is from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// How sure.
    pub certainty: Certainty,
    /// From where.
    pub source: &'static str,
}

impl<T> Sourced<T> {
    /// A value of general knowledge.
    pub const fn recalled(value: T, source: &'static str) -> Self {
        Self { value, certainty: Certainty::Recalled, source }
    }

    /// A value repeated in a public document.
    pub const fn second_hand(value: T, source: &'static str) -> Self {
        Self { value, certainty: Certainty::SecondHand, source }
    }

    /// A guess.
    pub const fn estimated(value: T, source: &'static str) -> Self {
        Self { value, certainty: Certainty::Estimated, source }
    }

    /// A public fact.
    pub const fn known(value: T, source: &'static str) -> Self {
        Self { value, certainty: Certainty::Known, source }
    }
}

/// A named setting of a transmit equaliser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Preset {
    /// P0 or Q0 and so on.
    pub name: &'static str,
    /// c(-2), c(-1), c(0), c(1); magnitudes sum to one.
    pub taps: [f64; 4],
}

/// Index of c(0) in [`Preset::taps`].
pub const PRESET_CURSOR: usize = 2;

/// A family of continuous-time equalisers that differ in their gain at 0 Hz:
/// H(s) = w_p3 w_p4 (s + w_z1)(s + w_z2) / ((s + w_p1)(s + w_p2)(s + w_p3)(s + w_p4)), w_z2 = gain w_p1 w_p2 / w_z1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CtleFamily {
    /// Lower zero in Hz.
    pub zero_hz: f64,
    /// Poles in Hz, rising.
    pub pole_hz: [f64; 4],
    /// Gains at 0 Hz in dB.
    pub gain_db: &'static [f64],
}

/// Limits of decision feedback, tap by tap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackLimits {
    /// Magnitudes in V.
    Volts(&'static [f64]),
    /// Magnitudes as shares of the cursor.
    OfCursor(&'static [f64]),
}

impl FeedbackLimits {
    /// Limits in V for a cursor in V.
    pub fn volts(self, cursor_v: f64) -> Vec<f64> {
        match self {
            Self::Volts(limits) => limits.to_vec(),
            Self::OfCursor(limits) => limits.iter().map(|share| share * cursor_v).collect(),
        }
    }

    /// Number of taps.
    pub fn taps(self) -> usize {
        match self {
            Self::Volts(limits) | Self::OfCursor(limits) => limits.len(),
        }
    }
}

/// Part of a loss budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LossPiece {
    /// What it is.
    pub name: &'static str,
    /// Loss at Nyquist in dB.
    pub db: f64,
    /// Whether a channel from pin to pin holds it; packages are not part of such a file.
    pub between_pins: bool,
}

/// A serial link over boards and cables, with its reference receiver.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SerialStandard {
    /// Name on the command line.
    pub id: &'static str,
    /// Full name.
    pub name: &'static str,
    /// Transfer rate in GT/s.
    pub transfer_gt: Sourced<f64>,
    /// Symbols per second.
    pub baud_hz: f64,
    /// Levels of a symbol.
    pub levels: u32,
    /// Error ratio at which the eye is judged.
    pub error_ratio: Sourced<f64>,
    /// Peak of the transmitter's differential voltage in V: half of the peak-to-peak swing.
    pub swing_v: Sourced<f64>,
    /// Transition time, 20 % to 80 %, in s.
    pub transition_s: Sourced<f64>,
    /// R_LM of the transmitter.
    pub level_mismatch: Sourced<f64>,
    /// Signal to noise and distortion of the transmitter in dB.
    pub tx_snr_db: Option<Sourced<f64>>,
    /// Random jitter of the transmitter in s.
    pub random_jitter_s: Sourced<f64>,
    /// Half of the transmitter's dual-Dirac jitter, peak to peak, in s.
    pub dual_dirac_s: Sourced<f64>,
    /// Transmit presets.
    pub presets: Sourced<&'static [Preset]>,
    /// Continuous-time equalisers of the reference receiver.
    pub ctle: Sourced<CtleFamily>,
    /// Decision feedback of the reference receiver.
    pub feedback: Sourced<FeedbackLimits>,
    /// Smallest eye height in V.
    pub eye_height_v: Sourced<f64>,
    /// Smallest eye width in UI.
    pub eye_width_ui: Sourced<f64>,
    /// Loss from die pad to die pad at Nyquist in dB.
    pub loss_db: Sourced<f64>,
    /// How the loss is split.
    pub pieces: Sourced<&'static [LossPiece]>,
    /// Reference packages: loss at Nyquist in dB of the root complex's and of the end point's.
    pub packages_db: Sourced<(f64, f64)>,
}

impl SerialStandard {
    /// Nyquist frequency in Hz.
    pub fn nyquist_hz(&self) -> f64 {
        0.5 * self.baud_hz
    }

    /// What the standard's numbers are worth: every value with its certainty and source.
    pub fn certainties(&self) -> Vec<(&'static str, Certainty, &'static str)> {
        let mut list = vec![
            ("transfer rate", self.transfer_gt.certainty, self.transfer_gt.source),
            ("error ratio", self.error_ratio.certainty, self.error_ratio.source),
            ("transmit swing", self.swing_v.certainty, self.swing_v.source),
            ("transition time", self.transition_s.certainty, self.transition_s.source),
            ("level mismatch", self.level_mismatch.certainty, self.level_mismatch.source),
            ("random jitter", self.random_jitter_s.certainty, self.random_jitter_s.source),
            ("dual-Dirac jitter", self.dual_dirac_s.certainty, self.dual_dirac_s.source),
            ("transmit presets", self.presets.certainty, self.presets.source),
            ("CTLE", self.ctle.certainty, self.ctle.source),
            ("DFE", self.feedback.certainty, self.feedback.source),
            ("eye height", self.eye_height_v.certainty, self.eye_height_v.source),
            ("eye width", self.eye_width_ui.certainty, self.eye_width_ui.source),
            ("pad-to-pad loss", self.loss_db.certainty, self.loss_db.source),
            ("loss split", self.pieces.certainty, self.pieces.source),
            ("reference packages", self.packages_db.certainty, self.packages_db.source),
        ];
        if let Some(snr) = &self.tx_snr_db {
            list.push(("transmitter's SNDR", snr.certainty, snr.source));
        }
        list
    }

    /// The weakest certainty of any value.
    pub fn weakest(&self) -> Certainty {
        self.certainties().iter().map(|(_, c, _)| *c).max().unwrap_or(Certainty::Estimated)
    }
}

/// All serial links.
pub fn serial() -> &'static [SerialStandard] {
    pcie::ALL
}

/// A serial link by its name; case and spaces do not matter.
pub fn find_serial(id: &str) -> Option<&'static SerialStandard> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '_', '.'], "-");
    let wanted = plain(id);
    serial().iter().find(|standard| {
        let known = plain(standard.id);
        known == wanted || format!("{known}-0") == wanted
    })
}
