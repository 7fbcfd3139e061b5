//! Margins against the answers of the IEEE 802.3 task force's script, release 4.50, run under GNU Octave 7.3 with its
//! receiver filter on (row "Display frequency domain" 1) and without its local search. Channels and sheets are those of
//! the corpus; each test names its sheet and grid.

mod receivers;

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::differential::differential_channel;
use lanewright_link::com::evaluate;
use lanewright_link::com::outcome::CaseOutcome;
use lanewright_link::com::parameters::ComParameters;
use lanewright_link::touchstone;
use receivers::*;

const TEC: &str = "backplane/TEC_Whisper42p8in_Meg6_THRU_C8C9.s4p";
const E2T: &str = "pychopmarg_example2/example2_THRU.s4p";
const E2F1: &str = "pychopmarg_example2/example2_FEXT1.s4p";
const E2F2: &str = "pychopmarg_example2/example2_FEXT2.s4p";
const E2N1: &str = "pychopmarg_example2/example2_NEXT1.s4p";
const E2N2: &str = "pychopmarg_example2/example2_NEXT2.s4p";
const E2N3: &str = "pychopmarg_example2/example2_NEXT3.s4p";
const CK15: &str = "synthetic/ck15_thru.s4p";
const CK15F: &str = "synthetic/ck15_fext1.s4p";
const CK15N: &str = "synthetic/ck15_next1.s4p";
const CK22: &str = "synthetic/ck22_thru.s4p";
const DJ20: &str = "synthetic/dj20_thru.s4p";
const DJ20F: &str = "synthetic/dj20_fext1.s4p";
const DJ20N: &str = "synthetic/dj20_next1.s4p";

/// What the script says of a package case.
struct Golden {
    com_db: f64,
    fom_db: f64,
    vec_db: f64,
    eh_mv: f64,
    a_s_mv: f64,
    a_ni_mv: f64,
    /// TX, N, ISI, XT, RJ.
    sigma_mv: [f64; 5],
    g_dc_db: f64,
    g_dc2_db: Option<f64>,
    tx_taps: &'static [f64],
    /// The first taps.
    dfe_taps: &'static [f64],
    floating: &'static [usize],
    /// From 0, one less than the script's index.
    sample: usize,
}

fn channel(path: &str) -> lanewright_link::com::channel::DifferentialChannel {
    let corpus = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    let file = format!("{corpus}/channels/{path}");
    let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let read = touchstone::parse(&bytes, path).unwrap_or_else(|e| panic!("{file}: {e:?}"));
    differential_channel(path, &read.network, [1, 3, 2, 4]).expect("a channel of four ports")
}

fn set(victim: &str, fext: &[&str], next: &[&str]) -> ChannelSet {
    ChannelSet {
        victim: channel(victim),
        fext: fext.iter().map(|p| channel(p)).collect(),
        next: next.iter().map(|p| channel(p)).collect(),
    }
}

fn reduced_kr4(mut p: ComParameters) -> ComParameters {
    p.tx_ffe.taps = vec![tap(-1, range(-0.12, 0.04, 0.0)), tap(1, range(-0.2, 0.04, 0.0))];
    p.ctle = ctle(range(-12.0, 2.0, 0.0), 6.4453125, 6.4453125, 25.78125, Vec::new(), 1.0);
    p
}

fn only_case(mut p: ComParameters, index: usize) -> ComParameters {
    p.ends.cases = vec![p.ends.cases.swap_remove(index)];
    p
}

fn compare(parameters: &ComParameters, channels: &ChannelSet, golden: &[Golden]) {
    let outcome = evaluate(parameters, channels).expect("the script has an answer");
    assert_eq!(outcome.cases.len(), golden.len());
    for (case, golden) in outcome.cases.iter().zip(golden) {
        compare_case(case, golden);
    }
    let worst = golden.iter().map(|g| g.com_db).fold(f64::INFINITY, f64::min);
    assert!((outcome.com_db - worst).abs() < 0.02, "{}", outcome.com_db);
}

fn compare_case(case: &CaseOutcome, golden: &Golden) {
    let name = &case.case;
    let near = |what: &str, ours: f64, theirs: f64, within: f64| {
        assert!((ours - theirs).abs() <= within, "case {name}: {what} is {ours}, the script says {theirs}");
    };
    near("g_DC", case.g_dc_db, golden.g_dc_db, 1e-9);
    assert_eq!(case.g_dc2_db.is_some(), golden.g_dc2_db.is_some());
    near("g_DC_HP", case.g_dc2_db.unwrap_or(0.0), golden.g_dc2_db.unwrap_or(0.0), 1e-9);
    assert_eq!(case.tx_taps.len(), golden.tx_taps.len(), "{:?}", case.tx_taps);
    for (ours, theirs) in case.tx_taps.iter().zip(golden.tx_taps) {
        near("transmit tap", *ours, *theirs, 1e-9);
    }
    assert_eq!(case.sample, golden.sample, "case {name}: sampling instant");
    for (ours, theirs) in case.dfe_taps.iter().zip(golden.dfe_taps) {
        near("feedback tap", *ours, *theirs, 1e-5);
    }
    assert_eq!(case.floating_taps, golden.floating, "case {name}: floating taps");
    near("FOM", case.fom_db, golden.fom_db, 1e-3);
    near("A_s", case.a_s_mv, golden.a_s_mv, 1e-4 * golden.a_s_mv);
    let s = &case.sigma_mv;
    for (what, ours, theirs) in [
        ("sigma_TX", s.tx, golden.sigma_mv[0]),
        ("sigma_N", s.n, golden.sigma_mv[1]),
        ("sigma_ISI", s.isi, golden.sigma_mv[2]),
        ("sigma_XT", s.xt, golden.sigma_mv[3]),
        ("sigma_RJ", s.rj, golden.sigma_mv[4]),
    ] {
        near(what, ours, theirs, 1e-3 * theirs + 1e-9);
    }
    near("A_ni", case.a_ni_mv, golden.a_ni_mv, 0.011 + 1e-3 * golden.a_ni_mv);
    near("COM", case.com_db, golden.com_db, 0.01);
    near("VEC", case.vec_db, golden.vec_db, 0.02);
    near("EH", case.eh_mv, golden.eh_mv, 0.03);
}

/// Sheet 100GBASE-KR4, full grid, both cases.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_on_a_megtron_backplane() {
    let golden = [
        Golden {
            com_db: 7.06294,
            fom_db: 18.9888,
            vec_db: 5.09005,
            eh_mv: 20.3059,
            a_s_mv: 18.243,
            a_ni_mv: 8.09,
            sigma_mv: [0.814883, 0.710343, 1.21041, 0.0, 0.244627],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                0.413825,
                -0.0612963,
                -0.00195018,
                -0.0570978,
                0.106996,
                0.0476032,
                0.0174108,
                0.027422,
                0.00444927,
                0.0205068,
                0.0188197,
                0.0181515,
                0.0157007,
                0.00890344,
            ],
            floating: &[],
            sample: 5760,
        },
        Golden {
            com_db: 6.21317,
            fom_db: 18.3201,
            vec_db: 5.8322,
            eh_mv: 15.4218,
            a_s_mv: 15.0909,
            a_ni_mv: 7.38,
            sigma_mv: [0.674086, 0.710343, 1.14582, 0.0, 0.203437],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                0.521104,
                -0.00676825,
                0.00340987,
                0.0211343,
                0.0300984,
                0.0341781,
                0.0301696,
                0.0338449,
                0.0109311,
                -0.0118189,
                0.0891176,
                0.0394051,
                0.0197917,
                0.0149099,
            ],
            floating: &[],
            sample: 5943,
        },
    ];
    compare(&kr4(), &set(TEC, &[], &[]), &golden);
}

/// Sheet 100GBASE-KR4 with Include PCB 1; c(-1) [-.12:.04:0], c(1) [-.2:.04:0], g_DC [-12:2:0].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_with_host_boards() {
    let golden = [
        Golden {
            com_db: 3.79535,
            fom_db: 16.1007,
            vec_db: 9.01993,
            eh_mv: 6.68661,
            a_s_mv: 9.44436,
            a_ni_mv: 6.10106,
            sigma_mv: [0.421864, 0.710343, 0.997532, 0.0, 0.139288],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                0.938829, 0.212308, 0.0810713, -0.0118384, 0.142377, 0.123062, 0.0635562, 0.0617687, 0.0393414,
                0.0492915, 0.043498, 0.0394674, 0.0417095, 0.0300382,
            ],
            floating: &[],
            sample: 5655,
        },
        Golden {
            com_db: 2.44106,
            fom_db: 14.8248,
            vec_db: 12.2167,
            eh_mv: 3.95919,
            a_s_mv: 8.07999,
            a_ni_mv: 6.10039,
            sigma_mv: [0.36092, 0.710343, 1.08299, 0.0, 0.114001],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                0.989528, 0.296771, 0.12349, 0.0800095, 0.0809691, 0.0720136, 0.064482, 0.0693347, 0.0465493,
                0.0172041, 0.126799, 0.0948622, 0.063958, 0.0444864,
            ],
            floating: &[],
            sample: 5839,
        },
    ];
    compare(&reduced_kr4(kr4_with_boards()), &set(E2T, &[], &[]), &golden);
}

/// Sheet 100GBASE-KR4; c(-1) [-.12:.04:0], c(1) [-.2:.04:0], g_DC [-12:2:0].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_with_five_aggressors() {
    let golden = [
        Golden {
            com_db: 3.84283,
            fom_db: 16.4076,
            vec_db: 8.93395,
            eh_mv: 21.9807,
            a_s_mv: 30.7403,
            a_ni_mv: 19.75,
            sigma_mv: [1.37312, 0.720308, 2.047, 3.39324, 0.463875],
            g_dc_db: -10.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.88, 0.0],
            dfe_taps: &[
                0.834605, 0.15962, 0.0671384, -0.027854, 0.0908751, 0.0688125, 0.0631299, 0.0690047, 0.0300527,
                0.0336697, 0.0256013, 0.0277807, 0.0319124, 0.0188593,
            ],
            floating: &[],
            sample: 4125,
        },
        Golden {
            com_db: 3.13962,
            fom_db: 15.7042,
            vec_db: 10.3613,
            eh_mv: 13.5418,
            a_s_mv: 22.3209,
            a_ni_mv: 15.55,
            sigma_mv: [0.997038, 0.710343, 1.50529, 2.83265, 0.332275],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.8, -0.08],
            dfe_taps: &[
                0.714389, 0.0558617, 0.00358826, 0.0079542, 0.0264175, 0.024693, 0.0232684, 0.0330148, 0.0276525,
                -0.0253062, 0.0708555, 0.0394419, 0.0526371, 0.0276704,
            ],
            floating: &[],
            sample: 4309,
        },
    ];
    compare(&reduced_kr4(kr4()), &set(E2T, &[E2F1, E2F2], &[E2N1, E2N2, E2N3]), &golden);
}

/// Sheet 3ck KR; c(-3) 0, c(-2) [0:.04:.08], c(-1) [-.28:.04:-.12], c(1) [-.08:.04:0], g_DC [-14:2:-4], g_DC_HP [-3:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_kr_with_floating_taps() {
    let golden = [
        Golden {
            com_db: 7.03562,
            fom_db: 18.2225,
            vec_db: 5.11188,
            eh_mv: 17.2962,
            a_s_mv: 15.5781,
            a_ni_mv: 6.93,
            sigma_mv: [1.10132, 0.417996, 0.79038, 0.919212, 0.389198],
            g_dc_db: -4.0,
            g_dc2_db: Some(-2.0),
            tx_taps: &[0.04, -0.2, 0.76, 0.0],
            dfe_taps: &[
                0.627306,
                0.265805,
                0.148302,
                0.0938663,
                0.0620657,
                0.0436985,
                0.0215391,
                0.0438214,
                -0.0105376,
                -0.00104599,
                0.0258746,
                0.0119004,
                0.00614763,
                0.00355514,
            ],
            floating: &[13, 14, 15, 18, 19, 20, 35, 36, 37],
            sample: 3334,
        },
        Golden {
            com_db: 6.69081,
            fom_db: 17.8826,
            vec_db: 5.39842,
            eh_mv: 11.3722,
            a_s_mv: 10.5861,
            a_ni_mv: 4.9,
            sigma_mv: [0.748401, 0.387407, 0.574326, 0.623137, 0.271858],
            g_dc_db: -6.0,
            g_dc2_db: Some(-3.0),
            tx_taps: &[0.04, -0.2, 0.76, 0.0],
            dfe_taps: &[
                0.713392,
                0.3,
                0.170833,
                0.109174,
                0.0719849,
                0.0479016,
                0.0317554,
                0.0206521,
                0.0128733,
                0.00735423,
                0.00341031,
                0.000587719,
                0.0,
                0.0,
            ],
            floating: &[16, 17, 18, 20, 21, 22, 35, 36, 37],
            sample: 3704,
        },
    ];
    compare(&ck_kr(), &set(CK15, &[CK15F], &[CK15N]), &golden);
}

/// Sheet 3ck CR_CA, the grid of 3ck KR above.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_cr_with_host_boards() {
    let golden = [Golden {
        com_db: 4.56825,
        fom_db: 15.8055,
        vec_db: 7.76553,
        eh_mv: 3.4496,
        a_s_mv: 4.21712,
        a_ni_mv: 2.49232,
        sigma_mv: [0.315801, 0.355695, 0.30965, 0.246801, 0.122009],
        g_dc_db: -14.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.04, -0.2, 0.76, 0.0],
        dfe_taps: &[
            0.793926, 0.228502, 0.0765056, 0.0513491, 0.042698, 0.0350984, 0.02797, 0.0217551, 0.0165945, 0.0124239,
            0.00910539, 0.00649104, 0.0, 0.0,
        ],
        floating: &[19, 20, 21, 22, 23, 24, 37, 38, 39],
        sample: 5867,
    }];
    compare(&only_case(ck_cr(), 1), &set(CK15, &[CK15F], &[CK15N]), &golden);
}

/// Sheet 3ck 120F C2C; c(-3) 0, c(-2) [0:.04:.08], c(-1) [-.24:.04:-.08], c(1) [-.08:.04:0], g_DC [-12:2:0], g_DC_HP [-3:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2c() {
    let golden = [Golden {
        com_db: -1.88243,
        fom_db: 10.3641,
        vec_db: 313.071,
        eh_mv: -1.51937,
        a_s_mv: 3.13919,
        a_ni_mv: 3.89887,
        sigma_mv: [0.221929, 0.538986, 0.728433, 0.0, 0.0861598],
        g_dc_db: -12.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.08, -0.24, 0.6, -0.08],
        dfe_taps: &[0.608821, 0.15, 0.1, 0.0854174, 0.0661205, 0.0510182],
        floating: &[],
        sample: 5472,
    }];
    compare(&only_case(ck_c2c(), 1), &set(CK22, &[], &[]), &golden);
}

/// Sheet 3ck 120G C2M TP1a; c(-3) 0, c(-2) .04, c(-1) -.12, c(1) 0, g_DC [-8:1:-6], g_DC_HP [-2:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2m_by_eye_height() {
    let golden = [Golden {
        com_db: 2.48009,
        fom_db: 3.10167,
        vec_db: 12.0975,
        eh_mv: 10.24,
        a_s_mv: 20.6132,
        a_ni_mv: 30.9864,
        sigma_mv: [1.54363, 1.05472, 2.4598, 1.38252, 0.506104],
        g_dc_db: -7.0,
        g_dc2_db: Some(-2.0),
        tx_taps: &[0.04, -0.12, 0.84, 0.0],
        dfe_taps: &[0.369339, 0.0175824, 0.00696063, 0.0137995],
        floating: &[],
        sample: 3326,
    }];
    compare(&ck_c2m(), &set(CK15, &[CK15F], &[CK15N]), &golden);
}

/// Sheet df_200G_PAM4_RCos_CAKR; c(-3) 0, c(-2) [0:.04:.08], c(-1) [-.2:.1:0], c(1) 0, g_DC [-12:3:0], g_DC_HP [-2:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_df_cakr_with_four_package_stages() {
    let golden = [Golden {
        com_db: 4.48051,
        fom_db: 15.2152,
        vec_db: 7.8939,
        eh_mv: 4.48471,
        a_s_mv: 5.56415,
        a_ni_mv: 3.3218,
        sigma_mv: [0.416674, 0.307019, 0.298785, 0.545911, 0.198783],
        g_dc_db: -12.0,
        g_dc2_db: Some(-2.0),
        tx_taps: &[0.04, -0.2, 0.76, 0.0],
        dfe_taps: &[
            0.849153, 0.139065, 0.0974727, 0.0945994, 0.0554324, 0.0440865, 0.0340118, 0.0266605, 0.0208441, 0.0157491,
            0.0125983, 0.00960198, 0.0070901, 0.00607696,
        ],
        floating: &[55, 56, 57, 59, 60, 61, 63, 64, 65, 74, 75, 76, 77, 78, 79, 80, 81, 82],
        sample: 5259,
    }];
    compare(&df_cakr(), &set(DJ20, &[DJ20F], &[DJ20N]), &golden);
}

/// Sheet df_200G_PAM4_RCos_Txpre_C2M_TP1a; c(-3) 0, c(-2) 0, c(-1) [-.1:.1:0], c(1) 0, g_DC [-12:3:0], g_DC_HP [-2:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_df_c2m_with_fixed_transmit_equaliser() {
    let golden = [
        Golden {
            com_db: 4.45872,
            fom_db: 17.4226,
            vec_db: 7.92629,
            eh_mv: 7.47339,
            a_s_mv: 9.30683,
            a_ni_mv: 11.1403,
            sigma_mv: [0.696947, 0.307019, 0.491723, 0.280829, 0.361674],
            g_dc_db: -12.0,
            g_dc2_db: Some(-2.0),
            tx_taps: &[0.0, 1.0, 0.0],
            dfe_taps: &[
                0.85, 0.103261, 0.0659506, 0.0592578, 0.0396603, 0.0330573, 0.025804, 0.0195996, 0.0152177, 0.0113518,
                0.00854449, 0.00632429, 0.00438384, 0.00321498,
            ],
            floating: &[9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 57, 58, 59],
            sample: 4920,
        },
        Golden {
            com_db: 3.14158,
            fom_db: 14.6026,
            vec_db: 10.3568,
            eh_mv: 4.77673,
            a_s_mv: 7.8694,
            a_ni_mv: 10.9621,
            sigma_mv: [0.589304, 0.307019, 1.13975, 0.218438, 0.264175],
            g_dc_db: -12.0,
            g_dc2_db: Some(-2.0),
            tx_taps: &[0.0, 1.0, 0.0],
            dfe_taps: &[
                0.85, 0.15, 0.107061, 0.0851849, 0.0581134, 0.0463239, 0.037066, 0.0283102, 0.0223464, 0.0176825,
                0.0134253, 0.0105772, 0.00830194, 0.00612942,
            ],
            floating: &[9, 10, 11, 12, 13, 14, 15, 16, 17, 40, 41, 42, 43, 44, 45, 59, 60, 61],
            sample: 5310,
        },
    ];
    compare(&df_c2m_preset(), &set(DJ20, &[DJ20F], &[]), &golden);
}

/// Sheet df_200G_PAM4_fr55_C2M_TP1a, the grid of the case above.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_df_c2m_without_raised_cosine() {
    let golden = [Golden {
        com_db: 2.53359,
        fom_db: 13.4327,
        vec_db: 11.9376,
        eh_mv: 4.24302,
        a_s_mv: 8.38541,
        a_ni_mv: 12.5278,
        sigma_mv: [0.627945, 0.272082, 1.44119, 0.241654, 0.326435],
        g_dc_db: -12.0,
        g_dc2_db: Some(-2.0),
        tx_taps: &[-0.1, 0.9, 0.0],
        dfe_taps: &[
            0.85, 0.0795551, 0.0709003, 0.0596734, 0.0408233, 0.0336774, 0.0261243, 0.0201089, 0.0155075, 0.0114634,
            0.00875719, 0.00641211, 0.00445429, 0.00326958,
        ],
        floating: &[9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 57, 58, 59],
        sample: 4927,
    }];
    compare(&df_c2m_fr55(), &set(DJ20, &[DJ20F], &[]), &golden);
}
