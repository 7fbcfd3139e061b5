//! The result of an evaluation. Field names are the keys of `lanewright link com --json`.

use serde::Serialize;

/// Channel operating margin over all package cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComOutcome {
    /// COM of the worst case, in dB.
    pub com_db: f64,
    /// Whether every limit of the sheet holds.
    pub pass: bool,
    /// ERL of the worst port in dB, where the sheet asks for it.
    pub erl_db: Option<f64>,
    /// One entry per package case.
    pub cases: Vec<CaseOutcome>,
}

/// One package case at its best equaliser setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseOutcome {
    /// Name of the case.
    pub case: String,
    /// COM in dB, with sequence detection where the sheet has it.
    pub com_db: f64,
    /// COM in dB as if every symbol were detected by itself, where the sheet has sequence detection.
    pub com_by_symbol_db: Option<f64>,
    /// Figure of merit of the chosen setting, in dB (93A-36).
    pub fom_db: f64,
    /// Vertical eye closure in dB.
    pub vec_db: f64,
    /// Eye height in mV.
    pub eh_mv: f64,
    /// Signal amplitude A_s in mV.
    pub a_s_mv: f64,
    /// Noise and interference A_ni at the error ratio, in mV.
    pub a_ni_mv: f64,
    /// Standard deviations of the terms.
    pub sigma_mv: Sigmas,
    /// g_DC in dB.
    pub g_dc_db: f64,
    /// g_DC_HP in dB, where there is a second stage.
    pub g_dc2_db: Option<f64>,
    /// Transmit taps from the first precursor on, the cursor among them.
    pub tx_taps: Vec<f64>,
    /// Index of the cursor in `tx_taps`.
    pub tx_cursor: usize,
    /// Feedback taps from the first on, relative to the cursor; zero where there is none.
    pub dfe_taps: Vec<f64>,
    /// Positions of floating taps, from the cursor.
    pub floating_taps: Vec<usize>,
    /// Receive feed-forward taps relative to their cursor, from the first precursor on.
    pub rx_taps: Vec<f64>,
    /// Samples of the sampling instant from its first guess.
    pub phase: i32,
    /// Sampling instant in samples of the pulse response, from 0.
    pub sample: usize,
    /// Settings that the grid holds, sampling phases counted.
    pub points_searched: u64,
    /// Settings that had to be worked out in full; the others were shown not to be better.
    pub points_evaluated: u64,
    /// Wall-clock seconds of the case. Filled in by whoever runs it: the engine knows no clock.
    pub seconds: f64,
}

/// Standard deviations in mV at the chosen setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sigmas {
    /// Transmitter noise (93A-30).
    pub tx: f64,
    /// Receiver noise (93A-35).
    pub n: f64,
    /// Residual intersymbol interference (93A-31).
    pub isi: f64,
    /// Jitter (93A-32).
    pub j: f64,
    /// Random jitter alone.
    pub rj: f64,
    /// Crosstalk at its worst phase (93A-34).
    pub xt: f64,
    /// Quantisation noise (178A-28).
    pub q: f64,
}
