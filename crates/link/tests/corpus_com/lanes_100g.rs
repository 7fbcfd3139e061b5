//! 100G PAM4 lanes: 802.3ck backplanes, cables, chip to chip and chip to module.

use crate::compare::*;
use crate::receivers::*;
use lanewright_link::com::parameters::SamplingAnchor;

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

/// Sheet 3ck 120F C2C with sample_adjustment [-4 4]; c(-3) [-.02:.02:0], c(-2) [0:.04:.08], c(-1) [-.24:.04:-.08], c(1) [-.08:.04:0], g_DC [-12:2:0], g_DC_HP [-3:1:-1].
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2c_with_nine_phases() {
    let mut p = only_case(ck_c2c(), 0);
    p.tx_ffe.taps[0] = tap(-3, range(-0.02, 0.02, 0.0));
    p.sampling.adjustment = (-4, 4);
    let golden = [Golden {
        com_db: 3.86483,
        fom_db: 16.2507,
        vec_db: 8.89456,
        eh_mv: 8.21575,
        a_s_mv: 11.4379,
        a_ni_mv: 7.33,
        sigma_mv: [0.808617, 0.552566, 1.06111, 0.777978, 0.292754],
        g_dc_db: -10.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.0, 0.04, -0.2, 0.76, 0.0],
        dfe_taps: &[0.365604, 0.05, 0.0328077, 0.0269155, 0.0191648, 0.0113066],
        floating: &[],
        sample: 3332,
    }];
    compare(&p, &set(CK15, &[CK15F], &[CK15N]), &golden);
}

/// Sheet 3ck KR with N_b_step .02, the grid of the case with floating taps.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_kr_with_taps_in_steps() {
    let mut p = only_case(ck_kr(), 1);
    p.dfe.step = 0.02;
    let golden = [Golden {
        com_db: 4.79155,
        fom_db: 16.0288,
        vec_db: 7.45268,
        eh_mv: 8.27864,
        a_s_mv: 9.76255,
        a_ni_mv: 5.62323,
        sigma_mv: [0.690177, 0.353815, 1.00933, 0.561919, 0.296877],
        g_dc_db: -10.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.0, -0.12, 0.88, 0.0],
        dfe_taps: &[0.72, 0.18, 0.08, 0.06, 0.04, 0.02, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        floating: &[20, 21, 22, 23, 24, 25, 35, 36, 37],
        sample: 3697,
    }];
    compare(&p, &set(CK15, &[CK15F], &[CK15N]), &golden);
}

/// Sheet 3ck 120F C2C with ts_anchor 1.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2c_sampled_at_the_peak() {
    let mut p = only_case(ck_c2c(), 0);
    p.sampling.anchor = SamplingAnchor::Peak;
    let golden = [Golden {
        com_db: 3.43032,
        fom_db: 15.4048,
        vec_db: 9.72839,
        eh_mv: 6.58621,
        a_s_mv: 10.0931,
        a_ni_mv: 6.8,
        sigma_mv: [0.713547, 0.552566, 1.31187, 0.0, 0.278643],
        g_dc_db: -10.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.08, -0.24, 0.68, 0.0],
        dfe_taps: &[0.303291, 0.05, 0.0319747, 0.0254117, 0.0183727, 0.0092496],
        floating: &[],
        sample: 3335,
    }];
    compare(&p, &set(CK15, &[], &[]), &golden);
}

/// Sheet 3ck 120F C2C with ts_anchor 2 and SNR_TXwC0 1.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2c_sampled_at_the_largest_difference() {
    let mut p = only_case(ck_c2c(), 0);
    p.sampling.anchor = SamplingAnchor::LargestDifference;
    p.noise.tx_noise_by_cursor = true;
    let golden = [Golden {
        com_db: 4.02501,
        fom_db: 16.4624,
        vec_db: 8.61588,
        eh_mv: 8.85372,
        a_s_mv: 11.9369,
        a_ni_mv: 7.51,
        sigma_mv: [1.05487, 0.552566, 1.14162, 0.0, 0.31456],
        g_dc_db: -10.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.04, -0.16, 0.8, 0.0],
        dfe_taps: &[0.446012, 0.0601701, 0.0336816, 0.0292566, 0.0208308, 0.0131438],
        floating: &[],
        sample: 3329,
    }];
    compare(&p, &set(CK15, &[], &[]), &golden);
}

/// Sheet 3ck 120F C2C with CDR Mod-MM and Noise_Crest_Factor 3.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2c_with_modified_clock() {
    let mut p = only_case(ck_c2c(), 0);
    p.sampling.anchor = SamplingAnchor::ModifiedMuellerMuller;
    p.noise.crest_factor = 3.0;
    let golden = [Golden {
        com_db: 4.10571,
        fom_db: 16.437,
        vec_db: 8.48066,
        eh_mv: 9.12492,
        a_s_mv: 12.1125,
        a_ni_mv: 7.55,
        sigma_mv: [0.856308, 0.552566, 1.19248, 0.0, 0.417652],
        g_dc_db: -10.0,
        g_dc2_db: Some(-3.0),
        tx_taps: &[0.0, -0.08, 0.88, -0.04],
        dfe_taps: &[0.625915, 0.0628909, 0.0344317, 0.0331324, 0.0237656, 0.0152803],
        floating: &[],
        sample: 3323,
    }];
    compare(&p, &set(CK15, &[], &[]), &golden);
}

/// Bounds of eye heights deny no eye, and the search by bounds finds what the whole grid has.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_ck_c2m_bounds_hold() {
    use lanewright_link::com::{exhaustive, figure_of_merit, prepare::Prepared, search, window};
    let mut p = ck_c2m();
    p.tx_ffe.taps[1] = tap(-2, range(0.0, 0.04, 0.08));
    p.tx_ffe.taps[2] = tap(-1, range(-0.2, 0.04, -0.04));
    let channels = set(CK15, &[CK15F], &[CK15N]);
    let prepared = Prepared::new(&p, &channels, &p.ends.cases[0]).expect("a case");
    let whole = exhaustive::search(&prepared).expect("an eye");
    let bounded = search::best_setting(&prepared).expect("an eye");
    assert_eq!((whole.best.ctle, whole.best.tx), (bounded.best.ctle, bounded.best.tx));
    assert_eq!(whole.best.point, bounded.best.point);
    assert!(bounded.evaluated < whole.evaluated, "{} of {}", bounded.evaluated, whole.evaluated);
    let eye = p.module_eye.as_ref().expect("a module interface");
    let setting = prepared.ctle_setting(&prepared.ctle_grid[whole.best.ctle].2);
    for taps in prepared.tx_grid.iter() {
        let mut bench = figure_of_merit::Bench::default();
        let demand = figure_of_merit::Demand::NONE;
        let Some(point) = figure_of_merit::assess(&prepared, &setting, taps, demand, None, &mut bench) else {
            continue;
        };
        let Some(height) = window::search_height(&prepared, eye, &bench, &point) else { continue };
        let merit = 20.0 * (point.a_s / (point.a_s - height / 2.0)).log10();
        for (all, wide) in [(false, 4), (true, 3), (true, 1)] {
            let bound = window::search_height_bound_db(&prepared, eye, &bench, &point, all, wide).expect("a bound");
            assert!(bound >= merit, "{all} {wide}: {bound} {merit}");
            assert!(bound < merit + 4.0, "{all} {wide}: {bound} says nothing of {merit}");
        }
    }
}
