//! Everything that an evaluation needs to know besides the channel, resolved: no defaults are left to fill in.
//!
//! Names follow Table 93A-1 of IEEE 802.3 and the rows of the task force's sheets; units are in the names. Voltages and
//! impedances are single-ended where the annex has them so, and say it.

/// A value for the transmitter's end and one for the receiver's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BothEnds<T> {
    /// Transmitter (or the aggressor's transmitter).
    pub tx: T,
    /// Receiver.
    pub rx: T,
}

/// Parameters of one evaluation over all its package cases.
#[derive(Clone, Debug, PartialEq)]
pub struct ComParameters {
    /// Name of the sheet or preset.
    pub name: String,
    /// Rate, levels, amplitudes and error ratio.
    pub signal: Signal,
    /// Use of the channel's data.
    pub grid: FrequencyGrid,
    /// Dies, packages and host boards.
    pub ends: Ends,
    /// Receiver filter before the equaliser.
    pub receive_filter: ReceiveFilter,
    /// Transmit equaliser.
    pub tx_ffe: TxFfe,
    /// Continuous-time equaliser.
    pub ctle: Ctle,
    /// Decision-feedback equaliser.
    pub dfe: Dfe,
    /// Receive feed-forward equaliser; `None` in the receivers of Annex 93A.
    pub rx_ffe: Option<RxFfe>,
    /// Jitter and noise.
    pub noise: Noise,
    /// Where the receiver samples.
    pub sampling: Sampling,
    /// Eye height and vertical eye closure, for module interfaces.
    pub module_eye: Option<ModuleEye>,
    /// Effective return loss.
    pub erl: Option<Erl>,
    /// Sequence detection behind the equaliser.
    pub sequence_detection: SequenceDetection,
    /// Limits that the result is judged by.
    pub limits: Limits,
    /// Numerical choices of the reference script that its answers depend on.
    pub numerics: Numerics,
}

/// Rate, levels, amplitudes and error ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// f_b: symbol rate in baud.
    pub baud_hz: f64,
    /// L: levels, 2 (NRZ) or 4 (PAM4).
    pub levels: u32,
    /// M: samples per unit interval.
    pub samples_per_ui: usize,
    /// DER_0: target detector error ratio.
    pub detector_error_ratio: f64,
    /// R_LM: level separation mismatch ratio.
    pub level_mismatch: f64,
    /// A_v: victim's peak differential voltage in V.
    pub victim_v: f64,
    /// A_fe: far-end aggressor's peak differential voltage in V.
    pub fext_v: f64,
    /// A_ne: near-end aggressor's peak differential voltage in V.
    pub next_v: f64,
    /// T_r: transition time of the transmitters, 20 % to 80 %, in s; `None` where the sheet's transmitters have no
    /// transition filter (`FORCE_TR` 0 and a T_r that is accounted for elsewhere).
    pub transition_s: Option<f64>,
}

/// Use of the channel's data.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyGrid {
    /// f_min: the data must begin here or lower, in Hz.
    pub start_hz: f64,
    /// Delta_f: largest step allowed, in Hz.
    pub step_hz: f64,
    /// Port order of four-port files, from 1: [tx+ tx- rx+ rx-].
    pub port_order: [usize; 4],
}

/// Dies, packages and host boards at both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// R_0: single-ended reference impedance in ohm.
    pub reference_ohm: f64,
    /// R_d: single-ended termination in ohm.
    pub termination_ohm: BothEnds<f64>,
    /// Stages of the die's ladder from the die outwards: shunt C_d, then series L_s.
    pub die: BothEnds<Vec<DieStage>>,
    /// C_b: bump capacitance in F, single-ended.
    pub bump_f: BothEnds<f64>,
    /// C_v: via capacitance in F, single-ended; used with four-stage packages.
    pub via_f: BothEnds<f64>,
    /// C_p: ball capacitance in F, single-ended.
    pub ball_f: BothEnds<f64>,
    /// Package line of the transmitters and of the receiver.
    pub package: BothEnds<PackageLine>,
    /// Lengths per case; the evaluation's answer is its worst case.
    pub cases: Vec<PackageCase>,
    /// Host boards, where the sheet includes them.
    pub board: Option<Board>,
    /// kappa1, kappa2: shares of the channel's reflection that meet the packages, 1 in every standard (SDD11 and SDD22
    /// are multiplied by them).
    pub reflection: BothEnds<f64>,
}

/// A stage of the die's ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DieStage {
    /// C_d: shunt capacitance in F, single-ended.
    pub shunt_f: f64,
    /// L_s: series inductance in H, single-ended.
    pub series_h: f64,
}

/// Per-length loss of a line as in equations 93A-9 to 93A-11, with f in GHz and lengths in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineLoss {
    /// gamma_0 in 1/mm.
    pub gamma0: f64,
    /// a_1 in sqrt(ns)/mm.
    pub a1: f64,
    /// a_2 in ns/mm.
    pub a2: f64,
    /// tau in ns/mm.
    pub tau: f64,
}

/// A package's line.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageLine {
    /// Loss and delay.
    pub loss: LineLoss,
    /// Z_c of each stage in ohm, differential, from the die outwards.
    pub impedance_ohm: Vec<f64>,
}

/// Lengths of the package lines of one case, per stage from the die outwards, in mm.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageCase {
    /// What the case is called in results: its number in the sheet's `z_p select`.
    pub name: String,
    /// z_p (TX): victim's transmitter.
    pub tx_mm: Vec<f64>,
    /// z_p (FEXT): far-end aggressors' transmitters.
    pub fext_mm: Vec<f64>,
    /// z_p (NEXT): near-end aggressors' transmitters.
    pub next_mm: Vec<f64>,
    /// z_p (RX): receiver.
    pub rx_mm: Vec<f64>,
    /// SNR_TX of the case in dB.
    pub tx_snr_db: f64,
    /// Fixed transmit equaliser of the case (`PKG_Tx_FFE_preset`), from the first precursor on; empty when there is none.
    pub tx_preset: Vec<f64>,
    /// AC_CM_RMS: common-mode noise of the transmitter in V.
    pub common_mode_v: f64,
}

/// Host boards between package and connector (`Include PCB`).
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// Loss and delay.
    pub loss: LineLoss,
    /// board_Z_c in ohm, differential.
    pub impedance_ohm: f64,
    /// C_0: capacitance at the package's side in F, single-ended.
    pub near_f: BothEnds<f64>,
    /// C_1: capacitance at the connector's side in F, single-ended.
    pub far_f: BothEnds<f64>,
    /// z_bp (TX) in mm.
    pub tx_mm: f64,
    /// z_bp (FEXT) in mm.
    pub fext_mm: f64,
    /// z_bp (NEXT) in mm.
    pub next_mm: f64,
    /// z_bp (RX) in mm.
    pub rx_mm: f64,
    /// Which ends have one: `Include PCB` 1 is both, 2 the receiver's alone.
    pub at: BothEnds<bool>,
}

/// Receiver filter before the equaliser; parts that are switched off are absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceiveFilter {
    /// f_r as a share of the baud.
    pub bandwidth_of_baud: f64,
    /// Fourth-order Butterworth (93A-20).
    pub butterworth: bool,
    /// Fourth-order Bessel-Thomson.
    pub bessel_thomson: bool,
    /// Raised cosine from the first to the second frequency, in Hz.
    pub raised_cosine_hz: Option<(f64, f64)>,
}

/// Transmit equaliser.
#[derive(Clone, Debug, PartialEq)]
pub struct TxFfe {
    /// Taps beside the cursor, with the values to try in the sheet's order; a tap without values is absent.
    pub taps: Vec<TapGrid>,
    /// c(0) must be at least this.
    pub cursor_min: f64,
}

/// Values to try for one tap.
#[derive(Clone, Debug, PartialEq)]
pub struct TapGrid {
    /// Position in unit intervals: negative for precursors.
    pub position: i32,
    /// Values, in the sheet's order.
    pub values: Vec<f64>,
}

/// Continuous-time equaliser: every `g_dc` with every `g_dc2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ctle {
    /// First stage, one per gain to try.
    pub stages: Vec<CtleStage>,
    /// Low-frequency stage (CL120d): gains and corner; empty when there is none.
    pub low_stages: Vec<LowStage>,
    /// Pairs of `g_DC` and `g_DC_HP` ranges that are allowed (`G_Qual`, `G2_Qual`); empty when all are.
    pub qualified: Vec<GainRange>,
    /// GDC_MIN: settings whose g_DC + g_DC_HP is above this are passed over, in dB; `None` for no such limit (row 0 or absent).
    pub gain_sum_max_db: Option<f64>,
}

/// One setting of the first stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtleStage {
    /// g_DC in dB.
    pub gain_db: f64,
    /// f_z in Hz.
    pub zero_hz: f64,
    /// f_p1 in Hz.
    pub pole1_hz: f64,
    /// f_p2 in Hz.
    pub pole2_hz: f64,
    /// f_HP_Z and f_HP_P in Hz, where the setting brings its own low-frequency pair (CL120e).
    pub low_pair_hz: Option<(f64, f64)>,
}

/// One setting of the low-frequency stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowStage {
    /// g_DC_HP in dB.
    pub gain_db: f64,
    /// f_HP_PZ (f_LF) in Hz.
    pub corner_hz: f64,
}

/// An allowed region of `G_Qual`: `g_DC` in [low, high) where `g_DC_HP` is in [low2, high2), as the script reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainRange {
    /// Bounds of g_DC in dB.
    pub gain_db: (f64, f64),
    /// Bounds of g_DC_HP in dB.
    pub low_gain_db: (f64, f64),
}

/// Decision-feedback equaliser.
#[derive(Clone, Debug, PartialEq)]
pub struct Dfe {
    /// b_max per fixed tap; their number is N_b.
    pub max: Vec<f64>,
    /// b_min per fixed tap.
    pub min: Vec<f64>,
    /// N_b_step: steps of the taps, 0 for none.
    pub step: f64,
    /// Floating groups behind the fixed taps.
    pub floating: Option<FloatingTaps>,
}

/// Groups of taps that the receiver places where they help most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatingTaps {
    /// N_bg: groups.
    pub groups: usize,
    /// N_bf: taps in a group.
    pub taps_per_group: usize,
    /// N_f: the last tap that a group may cover, in unit intervals from the cursor.
    pub last: usize,
    /// bmaxg: limit of each tap.
    pub max: f64,
    /// N_tail_start: first tap of the tail, 0 for none.
    pub tail_start: usize,
    /// B_float_RSS_MAX: limit of the root of the sum of squares over the tail.
    pub tail_rss_max: f64,
}

/// Receive feed-forward equaliser.
#[derive(Clone, Debug, PartialEq)]
pub struct RxFfe {
    /// Taps before the cursor.
    pub pre: usize,
    /// Fixed taps after the cursor.
    pub post: usize,
    /// Limit of the first precursor tap.
    pub pre1_max: f64,
    /// Limit of the first postcursor tap.
    pub post1_max: f64,
    /// Limit of the others.
    pub max: f64,
    /// Floating groups behind the fixed taps.
    pub floating: Option<FloatingTaps>,
    /// How the taps are found.
    pub method: RxFfeMethod,
    /// num_ui_RXFF_noise: length of the noise spectra, in unit intervals.
    pub noise_ui: usize,
}

/// How receive taps are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxFfeMethod {
    /// Least mean square error over taps and decision feedback together (178A.1.8), as in the script's 2024 form: transmit noise without the
    /// transmit equaliser, no quantiser.
    MinimumError,
    /// The same as in drafts 3.x of 802.3dj: with quantisation noise and groups placed by figure of merit.
    MinimumErrorDraft3,
}

/// Jitter and noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// sigma_RJ in UI.
    pub random_jitter_ui: f64,
    /// A_DD in UI.
    pub dual_dirac_ui: f64,
    /// eta_0: one-sided density at the receiver's input, in V²/GHz.
    pub eta0_v2_per_ghz: f64,
    /// Noise_Crest_Factor; 0 takes the quantile of the error ratio.
    pub crest_factor: f64,
    /// Quantiser of the receiver: bits and clipping probability (178A.1.7.6).
    pub quantiser: Option<Quantiser>,
    /// SNR_TXwC0: transmit noise is referred to the cursor before the transmit equaliser.
    pub tx_noise_by_cursor: bool,
}

/// Quantiser of the receiver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiser {
    /// N_qb: bits.
    pub bits: f64,
    /// P_qc: probability of clipping.
    pub clipping: f64,
}

/// Where the receiver samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// How the first guess is found.
    pub anchor: SamplingAnchor,
    /// sample_adjustment: samples about that guess that are tried, first and last.
    pub adjustment: (i32, i32),
}

/// How the sampling instant is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingAnchor {
    /// Mueller-Müller with the first feedback tap (93A-25).
    MuellerMuller,
    /// The script's `Mod-MM`.
    ModifiedMuellerMuller,
    /// Peak of the pulse (`ts_anchor` 1).
    Peak,
    /// Largest difference of cursor and precursor (`ts_anchor` 2).
    LargestDifference,
}

/// Eye height and vertical eye closure over a window about the sampling instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModuleEye {
    /// T_O: half of the window in mUI.
    pub window_mui: f64,
    /// samples_for_C2M: samples per unit interval within the window.
    pub samples_per_ui: usize,
    /// Weight of the window's instants.
    pub weight: WindowWeight,
    /// sigma_r of the Gaussian weight in UI.
    pub sigma_r_ui: f64,
    /// EH_min_test (Min_VEO_Test) in mV: settings whose eye is lower are passed over; 0 for none.
    pub height_min_test_mv: f64,
}

/// Weight of the instants of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowWeight {
    /// All the same.
    Rectangle,
    /// Normal about the sampling instant.
    Gaussian,
    /// Falling linearly.
    Triangle,
    /// Sum of two Rayleigh distributions.
    DualRayleigh,
}

/// Effective return loss (93A.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erl {
    /// TR_TDR: transition time in s.
    pub transition_s: f64,
    /// Z_t: single-ended source impedance in ohm.
    pub source_ohm: f64,
    /// N: duration in UI.
    pub duration_ui: f64,
    /// N_bx: unit intervals that the receiver equalises.
    pub equalised_ui: f64,
    /// beta_x in Hz.
    pub beta_hz: f64,
    /// rho_x.
    pub rho: f64,
    /// fixture delay time in s at the transmitter's and the receiver's port; negative for automatic.
    pub fixture_delay_s: BothEnds<f64>,
    /// Tukey_Window.
    pub tukey_window: bool,
    /// Grr, and Grr_limit.
    pub grr: f64,
    /// Gx.
    pub gx: f64,
    /// Whether a Butterworth receiver filter is applied (TDR_Butterworth).
    pub butterworth: bool,
    /// TDR_W_TXPKG: the transmitter's package is part of what the receiver's port looks into, and only that port counts.
    pub with_tx_package: bool,
    /// AUTO_TFX: the fixture delay of the second port is twice the delay of the channel.
    pub automatic_fixture_delay: bool,
    /// ERL_ONLY: nothing but the return loss is asked for.
    pub only: bool,
}

/// Sequence detection behind the equaliser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SequenceDetection {
    /// Symbol by symbol.
    None,
    /// The script's `MLSE` 1 or 2.
    Script(u32),
    /// Annex 178A.1.10 of drafts 3.x: noise raised until COM falls by the given dB.
    Draft3 {
        /// Delta COM in dB.
        delta_com_db: f64,
    },
}

/// Limits that the result is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// COM in dB.
    pub com_db: Option<f64>,
    /// ERL in dB.
    pub erl_db: Option<f64>,
    /// VEC in dB.
    pub vec_db: Option<f64>,
    /// EH in mV.
    pub eye_height_mv: Option<f64>,
}

/// Numerical choices of the reference script that its answers depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numerics {
    /// Largest bin of amplitude distributions in V.
    pub bin_v: f64,
    /// Whether that bin is used as it is, instead of at most a thousandth of the signal.
    pub bin_forced: bool,
    /// Impulse response is cut after its last sample above this share of its peak.
    pub truncation: f64,
    /// `Local Search`: 0 for the full grid, which is what Lanewright does unless it is asked otherwise.
    pub local_search: u32,
    /// f_2: the crosstalk of the figure of merit is divided by this bandwidth, in Hz; the baud where the sheet has no row.
    pub crosstalk_band_hz: f64,
    /// f_min up to this share of the data, in Hz, from where high frequencies are extrapolated (`fraction_of_F_range_start_extrap_from`).
    pub extrapolate_from: f64,
}
