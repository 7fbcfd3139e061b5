//! The parameters of the script's 200G sheet.

use lanewright_link::com::parameters::*;

fn both<T: Clone>(value: T) -> BothEnds<T> {
    BothEnds { tx: value.clone(), rx: value }
}

/// Values from `first` to `last`, both counted.
pub fn range(first: f64, step: f64, last: f64) -> Vec<f64> {
    let count = ((last - first) / step + 1e-9).floor() as usize;
    (0..=count).map(|at| first + step * at as f64).collect()
}

/// The sheet `config_com_ieee8023dj_PyChOpMarg_vs_MATLAB.xls` with Raised_Cosine 0, z_p select 1, Local Search 0 and
/// sample_adjustment [-16 16].
pub fn dj() -> ComParameters {
    let loss = LineLoss { gamma0: 5e-4, a1: 8.9e-4, a2: 2e-4, tau: 6.141e-3 };
    let line = PackageLine { loss, impedance_ohm: vec![87.5, 92.5] };
    let stage = |farad: f64, henry: f64| DieStage { shunt_f: farad, series_h: henry };
    ComParameters {
        name: "dj".into(),
        signal: Signal {
            baud_hz: 106.25e9,
            levels: 4,
            samples_per_ui: 32,
            detector_error_ratio: 2e-4,
            level_mismatch: 0.95,
            victim_v: 0.413,
            fext_v: 0.413,
            next_v: 0.45,
            transition_s: Some(4e-12),
        },
        grid: FrequencyGrid { start_hz: 0.05e9, step_hz: 0.05e9, port_order: [1, 3, 2, 4] },
        ends: Ends {
            reference_ohm: 50.0,
            termination_ohm: both(50.0),
            die: both(vec![stage(4e-14, 1.3e-10), stage(9e-14, 1.5e-10), stage(1.1e-13, 1.4e-10)]),
            bump_f: both(3e-14),
            via_f: both(0.0),
            ball_f: both(4e-14),
            package: both(line),
            cases: vec![PackageCase {
                name: "1".into(),
                tx_mm: vec![34.0, 1.8],
                fext_mm: vec![34.0, 1.8],
                next_mm: vec![34.0, 1.8],
                rx_mm: vec![32.0, 1.8],
                tx_snr_db: 33.0,
                tx_preset: Vec::new(),
                common_mode_v: 0.0,
            }],
            board: None,
            reflection: BothEnds { tx: 1.0, rx: 1.0 },
        },
        receive_filter: ReceiveFilter {
            bandwidth_of_baud: 0.58,
            butterworth: true,
            bessel_thomson: false,
            raised_cosine_hz: None,
        },
        tx_ffe: TxFfe {
            taps: [-4, -3, -2, -1, 1].map(|position| TapGrid { position, values: vec![0.0] }).to_vec(),
            cursor_min: 1.0,
        },
        ctle: ctle(vec![0.0], vec![0.0], [1000.0, 1000.0, 1000.0]),
        dfe: Dfe { max: vec![0.85], min: vec![0.0], step: 0.0, floating: None },
        rx_ffe: Some(RxFfe {
            pre: 5,
            post: 10,
            pre1_max: 1.0,
            post1_max: 1.0,
            max: 1.0,
            floating: None,
            method: RxFfeMethod::MinimumError,
            noise_ui: 2048,
        }),
        noise: Noise {
            random_jitter_ui: 0.01,
            dual_dirac_ui: 0.02,
            eta0_v2_per_ghz: 6e-9,
            crest_factor: 0.0,
            quantiser: None,
            tx_noise_by_cursor: false,
        },
        sampling: Sampling { anchor: SamplingAnchor::Peak, adjustment: (-16, 16) },
        module_eye: None,
        erl: None,
        sequence_detection: SequenceDetection::None,
        limits: Limits { com_db: Some(3.0), ..Limits::default() },
        numerics: Numerics {
            bin_v: 1e-5,
            bin_forced: false,
            truncation: 1e-3,
            local_search: 0,
            crosstalk_band_hz: 106.25e9,
            extrapolate_from: 0.75,
        },
    }
}

/// Every first stage with every second one; corners f_z, f_p1 and f_p2 in GHz.
pub fn ctle(gains: Vec<f64>, low_gains: Vec<f64>, corners: [f64; 3]) -> Ctle {
    let stage = |gain_db: f64| CtleStage {
        gain_db,
        zero_hz: corners[0] * 1e9,
        pole1_hz: corners[1] * 1e9,
        pole2_hz: corners[2] * 1e9,
        low_pair_hz: None,
    };
    Ctle {
        stages: gains.into_iter().map(stage).collect(),
        low_stages: low_gains.into_iter().map(|gain_db| LowStage { gain_db, corner_hz: 1.328125e9 }).collect(),
        qualified: Vec::new(),
        gain_sum_max_db: None,
    }
}

/// [`dj`] with a continuous-time and a transmit equaliser set to g_DC -2, g_DC_HP -3, c(-2) .04 and c(-1) -.08.
pub fn equalised() -> ComParameters {
    let mut p = dj();
    p.ctle = ctle(vec![-2.0], vec![-3.0], [42.5, 42.5, 106.25]);
    p.tx_ffe = transmit(&[(-2, vec![0.04]), (-1, vec![-0.08]), (1, vec![0.0])]);
    p
}

/// A transmit equaliser whose cursor may fall to .54.
pub fn transmit(taps: &[(i32, Vec<f64>)]) -> TxFfe {
    let taps = taps.iter().map(|(position, values)| TapGrid { position: *position, values: values.clone() }).collect();
    TxFfe { taps, cursor_min: 0.54 }
}
