//! 200G PAM4 lanes as explored in 2022, with feedback receivers.

use crate::compare::*;
use crate::receivers::*;

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
