//! 25G NRZ backplanes: 100GBASE-KR4 and its host boards.

use crate::compare::*;
use crate::receivers::*;

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

/// Sheet 100GBASE-KR4, c(-1) [-.12:.04:0], c(1) [-.2:.04:0], g_DC [-12:2:0]; the data end at 15 GHz, below the baud.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_on_a_short_backplane() {
    let p = reduced_kr4(kr4());
    let golden = [
        Golden {
            com_db: 2.66269,
            fom_db: 14.8058,
            vec_db: 11.5672,
            eh_mv: 6.78726,
            a_s_mv: 12.8536,
            a_ni_mv: 9.46,
            sigma_mv: [0.574151, 0.594538, 1.92616, 0.0, 0.201412],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0, 0.0835898, -0.0474652, -0.0334991, 0.092069, 0.0635703, -0.0699435, 0.0422878, 0.0547944,
                0.0535473, 0.0284329, 0.00958235, 0.0175201, 0.00992292,
            ],
            floating: &[],
            sample: 3458,
        },
        Golden {
            com_db: 2.067,
            fom_db: 14.1364,
            vec_db: 13.4825,
            eh_mv: 4.69105,
            a_s_mv: 11.0755,
            a_ni_mv: 8.73,
            sigma_mv: [0.494726, 0.594538, 1.85116, 0.0, 0.164643],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0,
                0.193567,
                -0.00532329,
                0.0258875,
                0.0454273,
                0.0464187,
                -0.00885685,
                0.00406174,
                0.0259872,
                0.0267314,
                0.10275,
                0.0263031,
                -0.00578872,
                0.0571296,
            ],
            floating: &[],
            sample: 3642,
        },
    ];
    compare(&p, &set(PET12, &[], &[]), &golden);
}

/// The same on a channel that fails.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_on_a_long_backplane() {
    let p = reduced_kr4(kr4());
    let golden = [
        Golden {
            com_db: -8.69776,
            fom_db: 0.527606,
            vec_db: 313.071,
            eh_mv: -14.9994,
            a_s_mv: 4.35523,
            a_ni_mv: 11.8549,
            sigma_mv: [0.194541, 0.594538, 4.03886, 0.0, 0.0579458],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0, 1.0, 0.89008, 0.433145, 0.109571, 0.0253712, 0.106348, 0.0389901, 0.0812805, 0.0904998, 0.122635,
                0.13084, 0.0856128, 0.0598622,
            ],
            floating: &[],
            sample: 4584,
        },
        Golden {
            com_db: -9.29873,
            fom_db: 0.16904,
            vec_db: 313.071,
            eh_mv: -14.9813,
            a_s_mv: 3.90749,
            a_ni_mv: 11.3981,
            sigma_mv: [0.174541, 0.594538, 3.77172, 0.0, 0.050224],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0, 1.0, 0.993252, 0.504738, 0.17308, 0.0576442, 0.0837895, 0.0519315, 0.040595, 0.0884761, 0.119293,
                0.165551, 0.140596, 0.0960093,
            ],
            floating: &[],
            sample: 4769,
        },
    ];
    compare(&p, &set(PET20, &[], &[]), &golden);
}

/// The same on another channel that ends at 15 GHz.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_on_a_simulated_backplane() {
    let p = reduced_kr4(kr4());
    let golden = [
        Golden {
            com_db: -1.13047,
            fom_db: 10.0395,
            vec_db: 313.071,
            eh_mv: -1.93379,
            a_s_mv: 6.95607,
            a_ni_mv: 7.92297,
            sigma_mv: [0.310716, 0.594538, 2.03647, 0.0, 0.0863275],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0, 0.612728, 0.243633, 0.0552569, 0.155995, 0.222144, 0.10003, -0.0235762, 0.0263049, 0.0968783,
                0.0959743, 0.0631007, 0.0297212, 0.0300154,
            ],
            floating: &[],
            sample: 4729,
        },
        Golden {
            com_db: -1.80516,
            fom_db: 9.35266,
            vec_db: 313.071,
            eh_mv: -2.84855,
            a_s_mv: 6.1657,
            a_ni_mv: 7.58998,
            sigma_mv: [0.275412, 0.594538, 1.9577, 0.0, 0.0726941],
            g_dc_db: -12.0,
            g_dc2_db: None,
            tx_taps: &[-0.12, 0.68, -0.2],
            dfe_taps: &[
                1.0, 0.66736, 0.30939, 0.133769, 0.152389, 0.167142, 0.048293, -0.017749, 0.0458178, 0.0982919,
                0.141682, 0.136713, 0.104956, 0.0521224,
            ],
            floating: &[],
            sample: 4914,
        },
    ];
    compare(&p, &set(CASE4, &[], &[]), &golden);
}

/// What is behind a margin agrees with the margin: the distribution's quantile is A_ni, every term costs something, and
/// the map's best is the figure of merit.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_kr4_detail_agrees_with_the_margin() {
    let p = reduced_kr4(kr4());
    let wanted = lanewright_link::com::Wanted { detail: true, fom_map: true };
    let (outcome, details) =
        lanewright_link::com::evaluate_with(&p, &set(E2T, &[E2F1, E2F2], &[E2N1, E2N2, E2N3]), wanted)
            .expect("it works");
    assert_eq!(details.len(), 2);
    for (case, detail) in outcome.cases.iter().zip(&details) {
        let a_ni = detail.distributions.total.lower_quantile_v(1e-5).abs();
        assert!((a_ni * 1e3 - case.a_ni_mv).abs() < 1e-9);
        assert_eq!(detail.costs.len(), 7);
        assert!(detail.costs.iter().all(|c| c.cost_db > 0.0 && c.cost_db < 6.0), "{:?}", detail.costs);
        let best = detail.fom_map.iter().filter_map(|m| m.fom_db).fold(f64::NEG_INFINITY, f64::max);
        assert!((best - case.fom_db).abs() < 1e-9);
        assert!(detail.unequalised_v.len() > case.sample && detail.equalised_v.len() > case.sample);
    }
}
