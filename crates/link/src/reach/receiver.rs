//! Reference receivers of copper lanes for planning: the task forces' parameters with coarser grids.
//!
//! A review judges many classes of links at three ends of their bands, so grids are thinned out: every second or third
//! value of the sheets' ranges. A thinned grid can only miss part of the optimum, so margins err on the low side, by some
//! tenths of a dB. `lanewright link com` searches the whole grid. What no body has published for a lane (PCI Express
//! aside) is judged by the receiver of the Ethernet lane of the same rate, and says so.

use crate::com::parameters::{
    BothEnds, ComParameters, Ctle, CtleStage, Dfe, DieStage, Ends, FloatingTaps, FrequencyGrid, Limits, LineLoss,
    LowStage, Noise, Numerics, PackageCase, PackageLine, Quantiser, ReceiveFilter, RxFfe, RxFfeMethod, Sampling,
    SamplingAnchor, SequenceDetection, Signal, TapGrid, TxFfe,
};

/// A receiver with what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanningReceiver {
    /// Its parameters; package lengths are those of the longest case and are set by whoever knows the host.
    pub parameters: ComParameters,
    /// Where the parameters come from.
    pub source: &'static str,
    /// Whether they were made for this very lane.
    pub exact: bool,
}

/// What the generations differ in.
struct Generation {
    name: &'static str,
    source: &'static str,
    baud_ghz: f64,
    levels: u32,
    error_ratio: f64,
    transition_s: f64,
    reference_ohm: f64,
    termination_ohm: f64,
    die: &'static [(f64, f64)],
    bump_f: f64,
    ball_f: f64,
    package: LineLoss,
    package_ohm: &'static [f64],
    package_tx_mm: &'static [f64],
    package_rx_mm: &'static [f64],
    voltage: [f64; 3],
    cursor_min: f64,
    taps: &'static [(i32, &'static [f64])],
    gains_db: &'static [f64],
    low_gains_db: &'static [f64],
    zero_ghz: f64,
    pole2_ghz: f64,
    low_ghz: f64,
    dfe_max: &'static [f64],
    dfe_min: &'static [f64],
    floating: Option<FloatingTaps>,
    dual_dirac_ui: f64,
    eta0: f64,
    snr_tx_db: f64,
    level_mismatch: f64,
    filter_of_baud: f64,
    forward: Option<Forward>,
}

/// A receive feed-forward equaliser and what comes with it.
struct Forward {
    pre: usize,
    post: usize,
    quantiser: Quantiser,
    sequence: SequenceDetection,
}

/// 100GBASE-KR4: IEEE 802.3bj clause 93, as its published sheet has it.
const NRZ_25: Generation = Generation {
    name: "25 Gb/s NRZ",
    source: "IEEE 802.3 clause 93 (100GBASE-KR4 sheet), thinned grid",
    baud_ghz: 25.781_25,
    levels: 2,
    error_ratio: 1e-5,
    transition_s: 8e-12,
    reference_ohm: 50.0,
    termination_ohm: 55.0,
    die: &[(250e-15, 0.0)],
    bump_f: 0.0,
    ball_f: 180e-15,
    package: LineLoss { gamma0: 0.0, a1: 1.734e-3, a2: 1.455e-4, tau: 6.141e-3 },
    package_ohm: &[78.2],
    package_tx_mm: &[30.0],
    package_rx_mm: &[30.0],
    voltage: [0.4, 0.4, 0.6],
    cursor_min: 0.62,
    taps: &[(-1, &[-0.16, -0.08, 0.0]), (1, &[-0.3, -0.2, -0.1, 0.0])],
    gains_db: &[-12.0, -9.0, -6.0, -3.0, 0.0],
    low_gains_db: &[],
    zero_ghz: 6.445_312_5,
    pole2_ghz: 25.781_25,
    low_ghz: 0.0,
    dfe_max: &[1.0; 14],
    dfe_min: &[-1.0; 14],
    floating: None,
    dual_dirac_ui: 0.05,
    eta0: 5.2e-8,
    snr_tx_db: 27.0,
    level_mismatch: 1.0,
    filter_of_baud: 0.75,
    forward: None,
};

/// 50GBASE-KR: IEEE 802.3cd clause 137. No sheet was at hand: the values are of general knowledge.
const PAM4_50: Generation = Generation {
    name: "50 Gb/s PAM4",
    source: "IEEE 802.3 clause 137 (50GBASE-KR), values of general knowledge, thinned grid",
    baud_ghz: 26.5625,
    levels: 4,
    error_ratio: 1e-4,
    transition_s: 12e-12,
    reference_ohm: 50.0,
    termination_ohm: 50.0,
    die: &[(180e-15, 0.0)],
    bump_f: 0.0,
    ball_f: 110e-15,
    package: LineLoss { gamma0: 0.0, a1: 1.734e-3, a2: 1.455e-4, tau: 6.141e-3 },
    package_ohm: &[90.0],
    package_tx_mm: &[30.0],
    package_rx_mm: &[30.0],
    voltage: [0.415, 0.415, 0.604],
    cursor_min: 0.60,
    taps: &[(-2, &[0.0, 0.06]), (-1, &[-0.25, -0.15, -0.05]), (1, &[-0.1, 0.0])],
    gains_db: &[-18.0, -14.0, -11.0, -8.0, -5.0, -2.0],
    low_gains_db: &[-5.0, -3.0, -1.0],
    zero_ghz: 10.625,
    pole2_ghz: 26.5625,
    low_ghz: 0.664_062_5,
    dfe_max: &[0.7, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2],
    dfe_min: &[-0.7, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2],
    floating: None,
    dual_dirac_ui: 0.02,
    eta0: 1.64e-8,
    snr_tx_db: 32.5,
    level_mismatch: 0.95,
    filter_of_baud: 0.75,
    forward: None,
};

/// 100GBASE-KR1: IEEE 802.3ck clause 163, as its published sheet has it.
const PAM4_100: Generation = Generation {
    name: "100 Gb/s PAM4",
    source: "IEEE 802.3ck clause 163 (100GBASE-KR1 sheet), thinned grid",
    baud_ghz: 53.125,
    levels: 4,
    error_ratio: 1e-4,
    transition_s: 7.5e-12,
    reference_ohm: 50.0,
    termination_ohm: 50.0,
    die: &[(120e-15, 120e-12)],
    bump_f: 30e-15,
    ball_f: 87e-15,
    package: LineLoss { gamma0: 0.0, a1: 9.909e-4, a2: 2.772e-4, tau: 6.141e-3 },
    package_ohm: &[87.5, 92.5],
    package_tx_mm: &[31.0, 1.8],
    package_rx_mm: &[29.0, 1.8],
    voltage: [0.413, 0.413, 0.608],
    cursor_min: 0.54,
    taps: &[(-2, &[0.0, 0.06]), (-1, &[-0.28, -0.2, -0.12, -0.04])],
    gains_db: &[-18.0, -14.0, -11.0, -8.0, -5.0, -2.0],
    low_gains_db: &[-5.0, -3.0, -1.0],
    zero_ghz: 21.25,
    pole2_ghz: 53.125,
    low_ghz: 0.664_062_5,
    dfe_max: &[0.85, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1],
    dfe_min: &[0.3, 0.05, -0.03, -0.03, -0.03, -0.03, -0.03, -0.03, -0.03, -0.03, -0.03, -0.03],
    floating: Some(FloatingTaps {
        groups: 3,
        taps_per_group: 3,
        last: 40,
        max: 0.05,
        tail_start: 25,
        tail_rss_max: 0.02,
    }),
    dual_dirac_ui: 0.02,
    eta0: 8.2e-9,
    snr_tx_db: 33.0,
    level_mismatch: 0.95,
    filter_of_baud: 0.75,
    forward: None,
};

/// 200GBASE-KR1: draft 3.3 of IEEE P802.3dj, clause 178, package class A; the receiver equalises forward by itself, so
/// the transmitter is left alone.
const PAM4_200: Generation = Generation {
    name: "200 Gb/s PAM4",
    source: "IEEE P802.3dj draft 3.3 clause 178 (200GBASE-KR1), package class A, thinned grid, floating taps left out",
    baud_ghz: 106.25,
    levels: 4,
    error_ratio: 2e-4,
    transition_s: 4e-12,
    reference_ohm: 46.25,
    termination_ohm: 46.25,
    die: &[(40e-15, 130e-12), (90e-15, 150e-12), (110e-15, 140e-12)],
    bump_f: 30e-15,
    ball_f: 40e-15,
    package: LineLoss { gamma0: 5e-4, a1: 8.9e-4, a2: 2e-4, tau: 6.141e-3 },
    package_ohm: &[87.5, 92.5],
    package_tx_mm: &[33.0, 1.8],
    package_rx_mm: &[33.0, 1.8],
    voltage: [0.385, 0.385, 0.481],
    cursor_min: 0.54,
    taps: &[],
    gains_db: &[-12.0, -9.0, -6.0, -3.0, 0.0],
    low_gains_db: &[-6.0, -3.0, 0.0],
    zero_ghz: 42.5,
    pole2_ghz: 106.25,
    low_ghz: 1.328_125,
    dfe_max: &[0.85],
    dfe_min: &[0.0],
    floating: None,
    dual_dirac_ui: 0.02,
    eta0: 7.5e-9,
    snr_tx_db: 33.5,
    level_mismatch: 0.95,
    filter_of_baud: 0.55,
    forward: Some(Forward {
        pre: 6,
        post: 12,
        quantiser: Quantiser { bits: 6.0, clipping: 1e-7 },
        sequence: SequenceDetection::Draft3 { delta_com_db: 3.0 },
    }),
};

/// The receiver for a lane of a symbol rate in GBd and a number of levels; `None` where there is none to judge it by.
/// `ethernet` says whether the lane is one of Ethernet's own.
pub fn for_lane(baud_gbd: f64, levels: u32, ethernet: bool) -> Option<PlanningReceiver> {
    let near = |generation: &Generation| (baud_gbd / generation.baud_ghz - 1.0).abs() < 0.07;
    let generation = [NRZ_25, PAM4_50, PAM4_100, PAM4_200].into_iter().find(|g| g.levels == levels && near(g))?;
    let same_rate = (baud_gbd / generation.baud_ghz - 1.0).abs() < 1e-3;
    let mut parameters = generation.parameters();
    // A lane of a rate close by keeps the receiver, in proportion to its symbols.
    parameters.signal.baud_hz = baud_gbd * 1e9;
    parameters.numerics.crosstalk_band_hz = baud_gbd * 1e9;
    Some(PlanningReceiver { parameters, source: generation.source, exact: same_rate && ethernet })
}

fn both<T: Clone>(value: T) -> BothEnds<T> {
    BothEnds { tx: value.clone(), rx: value }
}

impl Generation {
    fn parameters(&self) -> ComParameters {
        let baud_hz = self.baud_ghz * 1e9;
        let [victim_v, fext_v, next_v] = self.voltage;
        let tx_mm = self.package_tx_mm.to_vec();
        ComParameters {
            name: self.name.into(),
            signal: Signal {
                baud_hz,
                levels: self.levels,
                // Half of the sheets' samples: planning does not need the other half.
                samples_per_ui: 16,
                detector_error_ratio: self.error_ratio,
                level_mismatch: self.level_mismatch,
                victim_v,
                fext_v,
                next_v,
                transition_s: Some(self.transition_s),
            },
            grid: FrequencyGrid { start_hz: 50e6, step_hz: 20e6, port_order: [1, 3, 2, 4] },
            ends: Ends {
                reflection: both(1.0),
                reference_ohm: self.reference_ohm,
                termination_ohm: both(self.termination_ohm),
                die: both(
                    self.die.iter().map(|&(shunt_f, series_h)| DieStage { shunt_f, series_h }).collect::<Vec<_>>(),
                ),
                bump_f: both(self.bump_f),
                via_f: both(0.0),
                ball_f: both(self.ball_f),
                package: both(PackageLine { loss: self.package, impedance_ohm: self.package_ohm.to_vec() }),
                cases: vec![PackageCase {
                    name: "planned".into(),
                    fext_mm: tx_mm.clone(),
                    next_mm: self.package_rx_mm.to_vec(),
                    tx_mm,
                    rx_mm: self.package_rx_mm.to_vec(),
                    tx_snr_db: self.snr_tx_db,
                    tx_preset: Vec::new(),
                    common_mode_v: 0.0,
                }],
                board: None,
            },
            receive_filter: ReceiveFilter {
                bandwidth_of_baud: self.filter_of_baud,
                butterworth: true,
                bessel_thomson: false,
                raised_cosine_hz: None,
            },
            tx_ffe: TxFfe {
                taps: self
                    .taps
                    .iter()
                    .map(|(position, values)| TapGrid { position: *position, values: values.to_vec() })
                    .collect(),
                cursor_min: self.cursor_min,
            },
            ctle: Ctle {
                stages: self
                    .gains_db
                    .iter()
                    .map(|gain_db| CtleStage {
                        gain_db: *gain_db,
                        zero_hz: self.zero_ghz * 1e9,
                        pole1_hz: self.zero_ghz * 1e9,
                        pole2_hz: self.pole2_ghz * 1e9,
                        low_pair_hz: None,
                    })
                    .collect(),
                low_stages: self
                    .low_gains_db
                    .iter()
                    .map(|gain_db| LowStage { gain_db: *gain_db, corner_hz: self.low_ghz * 1e9 })
                    .collect(),
                qualified: Vec::new(),
                gain_sum_max_db: None,
            },
            dfe: Dfe { max: self.dfe_max.to_vec(), min: self.dfe_min.to_vec(), step: 0.0, floating: self.floating },
            rx_ffe: self.forward.as_ref().map(|forward| RxFfe {
                pre: forward.pre,
                post: forward.post,
                pre1_max: 0.7,
                post1_max: 0.7,
                max: 0.7,
                floating: None,
                method: RxFfeMethod::MinimumErrorDraft3,
                noise_ui: 2048,
            }),
            noise: Noise {
                random_jitter_ui: 0.01,
                dual_dirac_ui: self.dual_dirac_ui,
                eta0_v2_per_ghz: self.eta0,
                crest_factor: 0.0,
                quantiser: self.forward.as_ref().map(|forward| forward.quantiser),
                tx_noise_by_cursor: false,
            },
            sampling: Sampling {
                anchor: SamplingAnchor::MuellerMuller,
                adjustment: if self.forward.is_some() { (-8, 8) } else { (0, 0) },
            },
            module_eye: None,
            erl: None,
            sequence_detection: self.forward.as_ref().map_or(SequenceDetection::None, |forward| forward.sequence),
            limits: Limits { com_db: Some(3.0), ..Limits::default() },
            numerics: Numerics {
                bin_v: 1e-5,
                bin_forced: false,
                truncation: 1e-3,
                local_search: 0,
                crosstalk_band_hz: baud_hz,
                extrapolate_from: 0.75,
            },
        }
    }
}
