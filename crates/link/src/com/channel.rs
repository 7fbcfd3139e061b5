//! The channels of one evaluation: a victim and its aggressors.

use num_complex::Complex64;

/// Differential two-port of a channel: ports are the transmitter's and the receiver's end, both referenced to twice the
/// single-ended reference impedance.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferentialChannel {
    /// What it is called in results: usually the file's name.
    pub name: String,
    /// Frequencies in Hz, rising.
    pub frequency_hz: Vec<f64>,
    /// SDD11 per frequency.
    pub s11: Vec<Complex64>,
    /// SDD12 per frequency.
    pub s12: Vec<Complex64>,
    /// SDD21 per frequency.
    pub s21: Vec<Complex64>,
    /// SDD22 per frequency.
    pub s22: Vec<Complex64>,
}

/// What is evaluated together. All channels end at the victim's receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSet {
    /// The channel under test.
    pub victim: DifferentialChannel,
    /// Far-end aggressors: transmitters beside the victim's.
    pub fext: Vec<DifferentialChannel>,
    /// Near-end aggressors: transmitters beside the victim's receiver.
    pub next: Vec<DifferentialChannel>,
}
