//! Reference transmitters and receivers of the task force's sheets, as far as these tests need them.

use lanewright_link::com::parameters::*;

pub fn range(from: f64, step: f64, to: f64) -> Vec<f64> {
    let count = ((to - from) / step + 1e-9).floor() as usize;
    (0..=count).map(|k| from + step * k as f64).collect()
}

pub fn tap(position: i32, values: Vec<f64>) -> TapGrid {
    TapGrid { position, values }
}

pub fn ctle(gains: Vec<f64>, f_z: f64, f_p1: f64, f_p2: f64, low: Vec<f64>, f_lf: f64) -> Ctle {
    let stages = gains
        .into_iter()
        .map(|gain_db| CtleStage {
            gain_db,
            zero_hz: f_z * 1e9,
            pole1_hz: f_p1 * 1e9,
            pole2_hz: f_p2 * 1e9,
            low_pair_hz: None,
        })
        .collect();
    let low_stages = low.into_iter().map(|gain_db| LowStage { gain_db, corner_hz: f_lf * 1e9 }).collect();
    Ctle { stages, low_stages, qualified: Vec::new(), gain_sum_max_db: None }
}

fn both<T: Clone>(v: T) -> BothEnds<T> {
    BothEnds { tx: v.clone(), rx: v }
}

pub fn case(name: &str, tx: &[f64], fext: &[f64], next: &[f64], rx: &[f64], tx_snr_db: f64) -> PackageCase {
    PackageCase {
        name: name.into(),
        tx_mm: tx.to_vec(),
        fext_mm: fext.to_vec(),
        next_mm: next.to_vec(),
        rx_mm: rx.to_vec(),
        tx_snr_db,
        tx_preset: Vec::new(),
        common_mode_v: 0.0,
    }
}

/// Sheet 100GBASE-KR4 (802.3bj); it has no FORCE_TR, so that its transmitters have no transition filter.
pub fn kr4() -> ComParameters {
    let line = PackageLine {
        loss: LineLoss { gamma0: 0.0, a1: 1.734e-3, a2: 1.455e-4, tau: 6.141e-3 },
        impedance_ohm: vec![78.2],
    };
    ComParameters {
        name: "100GBASE-KR4".into(),
        signal: Signal {
            baud_hz: 25.78125e9,
            levels: 2,
            samples_per_ui: 32,
            detector_error_ratio: 1e-5,
            level_mismatch: 1.0,
            victim_v: 0.4,
            fext_v: 0.4,
            next_v: 0.6,
            transition_s: None,
        },
        grid: FrequencyGrid { start_hz: 0.05e9, step_hz: 0.01e9, port_order: [1, 3, 2, 4] },
        ends: Ends {
            reference_ohm: 50.0,
            termination_ohm: both(55.0),
            reflection: both(1.0),
            die: both(vec![DieStage { shunt_f: 2.5e-13, series_h: 0.0 }]),
            bump_f: both(0.0),
            via_f: both(0.0),
            ball_f: both(1.8e-13),
            package: both(line),
            cases: vec![
                case("1", &[12.0], &[12.0], &[12.0], &[12.0], 27.0),
                case("2", &[30.0], &[30.0], &[12.0], &[30.0], 27.0),
            ],
            board: None,
        },
        receive_filter: ReceiveFilter {
            bandwidth_of_baud: 0.75,
            butterworth: true,
            bessel_thomson: false,
            raised_cosine_hz: None,
        },
        tx_ffe: TxFfe {
            taps: vec![tap(-1, range(-0.18, 0.02, 0.0)), tap(1, range(-0.38, 0.02, 0.0))],
            cursor_min: 0.62,
        },
        ctle: ctle(range(-12.0, 1.0, 0.0), 6.4453125, 6.4453125, 25.78125, Vec::new(), 1.0),
        dfe: Dfe { max: vec![1.0; 14], min: vec![-1.0; 14], step: 0.0, floating: None },
        rx_ffe: None,
        noise: Noise {
            random_jitter_ui: 0.01,
            dual_dirac_ui: 0.05,
            eta0_v2_per_ghz: 5.2e-8,
            crest_factor: 0.0,
            quantiser: None,
            tx_noise_by_cursor: false,
        },
        sampling: Sampling { anchor: SamplingAnchor::MuellerMuller, adjustment: (0, 0) },
        module_eye: None,
        erl: None,
        sequence_detection: SequenceDetection::None,
        limits: Limits { com_db: Some(3.0), ..Limits::default() },
        numerics: Numerics {
            bin_v: 1e-5,
            bin_forced: false,
            truncation: 1e-3,
            local_search: 0,
            crosstalk_band_hz: 25.78125e9,
            extrapolate_from: 0.75,
        },
    }
}

/// Sheet 100GBASE-KR4 with `Include PCB` 1: the boards of 92.10.7.1.
pub fn kr4_with_boards() -> ComParameters {
    let mut p = kr4();
    p.ends.board = Some(Board {
        loss: LineLoss { gamma0: 0.0, a1: 4.114e-4, a2: 2.547e-4, tau: 6.191e-3 },
        impedance_ohm: 109.8,
        near_f: both(0.0),
        far_f: both(0.0),
        tx_mm: 151.0,
        fext_mm: 72.0,
        next_mm: 72.0,
        rx_mm: 151.0,
        at: both(true),
    });
    p
}

/// Sheet 3ck KR (08-2022), with every range of its grid that a test does not name left at one value.
pub fn ck_kr() -> ComParameters {
    let mut p = kr4();
    let line = PackageLine {
        loss: LineLoss { gamma0: 0.0, a1: 0.0009909, a2: 0.0002772, tau: 6.141e-3 },
        impedance_ohm: vec![87.5, 92.5],
    };
    p.name = "3ck KR".into();
    p.signal = Signal {
        baud_hz: 53.125e9,
        levels: 4,
        samples_per_ui: 32,
        detector_error_ratio: 1e-4,
        level_mismatch: 0.95,
        victim_v: 0.413,
        fext_v: 0.413,
        next_v: 0.608,
        transition_s: Some(7.5e-12),
    };
    p.ends.termination_ohm = both(50.0);
    p.ends.die = both(vec![DieStage { shunt_f: 1.2e-13, series_h: 1.2e-10 }]);
    p.ends.bump_f = both(3e-14);
    p.ends.ball_f = both(8.7e-14);
    p.ends.package = both(line);
    p.ends.cases = vec![
        case("1", &[12.0, 1.8], &[12.0, 1.8], &[12.0, 1.8], &[12.0, 1.8], 33.0),
        case("2", &[31.0, 1.8], &[31.0, 1.8], &[29.0, 1.8], &[29.0, 1.8], 33.0),
    ];
    p.tx_ffe = TxFfe {
        taps: vec![
            tap(-3, vec![0.0]),
            tap(-2, range(0.0, 0.04, 0.08)),
            tap(-1, range(-0.28, 0.04, -0.12)),
            tap(1, range(-0.08, 0.04, 0.0)),
        ],
        cursor_min: 0.54,
    };
    p.ctle = ctle(range(-14.0, 2.0, -4.0), 21.25, 21.25, 53.125, range(-3.0, 1.0, -1.0), 0.6640625);
    p.dfe = Dfe {
        max: [&[0.85, 0.3][..], &[0.2; 5], &[0.1; 5]].concat(),
        min: [&[0.3, 0.05][..], &[-0.03; 10]].concat(),
        step: 0.0,
        floating: Some(FloatingTaps {
            groups: 3,
            taps_per_group: 3,
            last: 40,
            max: 0.05,
            tail_start: 25,
            tail_rss_max: 0.02,
        }),
    };
    p.noise.random_jitter_ui = 0.01;
    p.noise.dual_dirac_ui = 0.02;
    p.noise.eta0_v2_per_ghz = 8.2e-9;
    p.numerics.crosstalk_band_hz = 40e9;
    p
}

/// Sheet 3ck CR_CA: KR with host boards, and its own noise and floating limit.
pub fn ck_cr() -> ComParameters {
    let mut p = ck_kr();
    p.name = "3ck CR".into();
    if let Some(f) = &mut p.dfe.floating {
        f.max = 0.03;
    }
    p.noise.eta0_v2_per_ghz = 9e-9;
    for c in &mut p.ends.cases {
        c.tx_snr_db = 32.5;
    }
    p.ends.board = Some(Board {
        loss: LineLoss { gamma0: 0.0, a1: 3.8206e-4, a2: 9.5909e-5, tau: 5.79e-3 },
        impedance_ohm: 100.0,
        near_f: both(2.9e-14),
        far_f: both(1.9e-14),
        tx_mm: 110.3,
        fext_mm: 110.3,
        next_mm: 110.3,
        rx_mm: 110.3,
        at: both(true),
    });
    p
}

/// Sheet 3ck C2C (120F).
pub fn ck_c2c() -> ComParameters {
    let mut p = ck_kr();
    p.name = "3ck C2C".into();
    p.signal.detector_error_ratio = 1e-5;
    p.ends.cases = vec![
        case("1", &[13.0, 1.8], &[13.0, 1.8], &[11.0, 1.8], &[11.0, 1.8], 33.0),
        case("2", &[31.0, 1.8], &[31.0, 1.8], &[29.0, 1.8], &[29.0, 1.8], 33.0),
    ];
    p.tx_ffe.taps[2] = tap(-1, range(-0.24, 0.04, -0.08));
    p.ctle = ctle(range(-12.0, 2.0, 0.0), 21.25, 21.25, 53.125, range(-3.0, 1.0, -1.0), 0.6640625);
    p.dfe = Dfe {
        max: vec![0.65, 0.15, 0.1, 0.1, 0.1, 0.1],
        min: vec![0.3, 0.05, -0.04, -0.04, -0.04, -0.04],
        step: 0.0,
        floating: None,
    };
    p.noise.eta0_v2_per_ghz = 2e-8;
    p
}

/// Sheet 3ck C2M TP1a (120G), at one transmit setting and four of the CTLE.
pub fn ck_c2m() -> ComParameters {
    let mut p = ck_kr();
    p.name = "3ck C2M TP1a".into();
    p.signal.detector_error_ratio = 1e-5;
    p.signal.victim_v = 0.415;
    p.signal.fext_v = 0.415;
    p.signal.next_v = 0.45;
    p.signal.transition_s = None;
    p.ends.die = BothEnds {
        tx: vec![DieStage { shunt_f: 1.2e-13, series_h: 1.2e-10 }],
        rx: vec![DieStage { shunt_f: 0.0, series_h: 0.0 }],
    };
    p.ends.bump_f = BothEnds { tx: 3e-14, rx: 0.0 };
    p.ends.ball_f = BothEnds { tx: 8.7e-14, rx: 0.0 };
    p.ends.cases = vec![case("2", &[30.0, 1.8], &[30.0, 1.8], &[0.0, 0.0], &[0.0, 0.0], 32.5)];
    p.tx_ffe.taps = vec![tap(-3, vec![0.0]), tap(-2, vec![0.04]), tap(-1, vec![-0.12]), tap(1, vec![0.0])];
    p.ctle = ctle(range(-8.0, 1.0, -6.0), 12.58, 20.0, 28.0, range(-2.0, 1.0, -1.0), 1.328125);
    // G_Qual [-2 -9; -2 -11; -4 -10; -4 -9] with G2_Qual [0 -1 -2 -3].
    let qualified =
        |low: f64, high: f64, low2: f64, high2: f64| GainRange { gain_db: (low, high), low_gain_db: (low2, high2) };
    p.ctle.qualified = vec![
        qualified(-9.0, -2.0, 0.0, f64::EPSILON),
        qualified(-11.0, -2.0, -1.0, 0.0),
        qualified(-10.0, -4.0, -2.0, -1.0),
        qualified(-9.0, -4.0, -3.0, -2.0),
    ];
    // b_min(2..N_b) of the sheet is "[ -0.15 - 0.15 - 0.05 ]", which is one number where it is evaluated.
    p.dfe = Dfe { max: vec![0.4, 0.15, 0.15, 0.1], min: vec![0.1, -0.35, -0.35, -0.35], step: 0.0, floating: None };
    p.noise.eta0_v2_per_ghz = 4.1e-8;
    p.module_eye = Some(ModuleEye {
        window_mui: 50.0,
        samples_per_ui: 100,
        weight: WindowWeight::Gaussian,
        sigma_r_ui: 0.02,
        height_min_test_mv: 5.0,
    });
    p
}

/// Sheet df_200G_PAM4_RCos_CAKR: 106.25 GBd, four package stages, three die stages, raised cosine, floating feedback.
pub fn df_cakr() -> ComParameters {
    let mut p = ck_kr();
    p.name = "df 200G CAKR".into();
    p.signal.baud_hz = 106.25e9;
    p.signal.victim_v = 0.387;
    p.signal.fext_v = 0.387;
    p.signal.next_v = 0.6;
    p.signal.transition_s = Some(0.004705882352941176e-9);
    p.ends.termination_ohm = both(45.0);
    p.ends.die = both(vec![
        DieStage { shunt_f: 4e-14, series_h: 1.2e-10 },
        DieStage { shunt_f: 9e-14, series_h: 1.5e-10 },
        DieStage { shunt_f: 1.1e-13, series_h: 1.4e-10 },
    ]);
    p.ends.bump_f = both(3e-14);
    p.ends.ball_f = both(5e-14);
    p.ends.package = both(PackageLine {
        loss: LineLoss { gamma0: 0.0, a1: 0.0008455, a2: 0.000340225, tau: 0.00644805 },
        impedance_ohm: vec![92.0, 70.0, 80.0, 100.0],
    });
    let short = [12.0, 1.0, 0.1, 0.58];
    p.ends.cases = vec![case("1", &short, &short, &short, &short, 32.5)];
    p.receive_filter.raised_cosine_hz = Some((67e9, 79.6875e9));
    p.tx_ffe = TxFfe {
        taps: vec![
            tap(-3, vec![0.0]),
            tap(-2, range(0.0, 0.04, 0.08)),
            tap(-1, range(-0.2, 0.1, 0.0)),
            tap(1, vec![0.0]),
        ],
        cursor_min: 0.65,
    };
    p.ctle = ctle(range(-12.0, 3.0, 0.0), 42.5, 42.5, 106.25, range(-2.0, 1.0, -1.0), 1.0625);
    p.dfe = Dfe {
        max: [&[0.85][..], &[0.15; 23]].concat(),
        min: [&[0.0][..], &[-0.15; 23]].concat(),
        step: 0.0,
        floating: Some(FloatingTaps {
            groups: 6,
            taps_per_group: 3,
            last: 120,
            max: 0.2,
            tail_start: 25,
            tail_rss_max: 0.1,
        }),
    };
    p.noise.eta0_v2_per_ghz = 4.1e-9;
    p.numerics.crosstalk_band_hz = 79.6875e9;
    p
}

/// Sheet df_200G_PAM4_RCos_Txpre_C2M_TP1a: a fixed transmit equaliser per package case.
pub fn df_c2m_preset() -> ComParameters {
    let mut p = df_cakr();
    p.name = "df 200G C2M".into();
    p.signal.next_v = 0.608;
    let die = p.ends.die.tx.clone();
    p.ends.die = BothEnds { tx: die, rx: vec![DieStage { shunt_f: 0.0, series_h: 0.0 }; 3] };
    p.ends.bump_f = BothEnds { tx: 3e-14, rx: 0.0 };
    p.ends.ball_f = BothEnds { tx: 5e-14, rx: 0.0 };
    p.ends.termination_ohm = BothEnds { tx: 45.0, rx: 50.0 };
    let none = [0.0; 4];
    p.ends.cases = [(12.0, -0.14, "1"), (30.0, -0.182, "2")]
        .into_iter()
        .map(|(mm, c, name)| {
            let tx = [mm, 1.0, 0.1, 0.58];
            let mut case = case(name, &tx, &tx, &none, &none, 32.5);
            case.tx_preset = vec![c, 1.0];
            case
        })
        .collect();
    p.tx_ffe.taps = vec![tap(-3, vec![0.0]), tap(-2, vec![0.0]), tap(-1, vec![-0.1, 0.0]), tap(1, vec![0.0])];
    p.dfe = Dfe {
        max: [&[0.85][..], &[0.15; 7]].concat(),
        min: [&[0.0][..], &[-0.15; 7]].concat(),
        step: 0.0,
        floating: Some(FloatingTaps {
            groups: 6,
            taps_per_group: 3,
            last: 120,
            max: 0.2,
            tail_start: 9,
            tail_rss_max: 0.1,
        }),
    };
    p.module_eye = Some(ModuleEye {
        window_mui: 50.0,
        samples_per_ui: 100,
        weight: WindowWeight::Gaussian,
        sigma_r_ui: 0.02,
        height_min_test_mv: 0.0,
    });
    p
}

/// Sheet df_200G_PAM4_fr55_C2M_TP1a: no raised cosine, half the bandwidth.
pub fn df_c2m_fr55() -> ComParameters {
    let mut p = df_c2m_preset();
    p.receive_filter.bandwidth_of_baud = 0.55;
    p.receive_filter.raised_cosine_hz = None;
    p.numerics.crosstalk_band_hz = 58.4375e9;
    p.ends.cases.truncate(1);
    p.ends.cases[0].tx_preset.clear();
    p
}
