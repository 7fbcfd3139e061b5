//! Names of rows: which are read, which only steer plots and files, and which must keep the value that the annex means.
//!
//! Source: the parameter reader of the IEEE reference script 4.50, and the tables of Annex 93A and Annex 178A.

use lanewright_model::problem::nearest;

/// What a row is to Lanewright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// It is read.
    Read,
    /// It steers plots, files, reports or speed of the script, and changes no result here.
    Quiet,
    /// An experiment of the script that is not followed: only these values are accepted.
    Only(&'static [&'static str]),
    /// It is not followed, with the reason, and said so when it is there.
    Passed(&'static str),
}

/// Rows that are read.
const READ: &[&str] = &[
    "A_DD",
    "A_fe",
    "A_ne",
    "A_v",
    "AC_CM_RMS",
    "AUTO_TFX",
    "B_float_RSS_MAX",
    "Bessel_Thomson",
    "Butterworth",
    "C_0",
    "C_1",
    "C_b",
    "C_d",
    "C_p",
    "C_v",
    "CDR",
    "COM Pass threshold",
    "CTLE_type",
    "DER_0",
    "Delta_f",
    "EH_min",
    "EH_min_test",
    "ERL",
    "ERL Pass threshold",
    "ERL_ONLY",
    "FFE_OPT_METHOD",
    "FORCE_TR",
    "Force PDF bin size",
    "G2_Qual",
    "G_Qual",
    "GDC_MIN",
    "Grr",
    "Grr_limit",
    "Gx",
    "Histogram_Window_Weight",
    "Impulse response truncation threshold",
    "Include PCB",
    "L",
    "L_s",
    "Local Search",
    "M",
    "MLSD",
    "MLSE",
    "Min_VEO_Test",
    "N",
    "N_b",
    "N_b_step",
    "N_bf",
    "N_bg",
    "N_bx",
    "N_f",
    "N_qb",
    "N_tail_start",
    "Noise_Crest_Factor",
    "PDF bin size",
    "PHY",
    "PKG_NAME",
    "PKG_Tx_FFE_preset",
    "PMD_type",
    "P_qc",
    "Port Order",
    "QL",
    "Qr",
    "R_0",
    "R_LM",
    "R_d",
    "RC_Start",
    "RC_end",
    "Raised_Cosine",
    "SNR_TX",
    "SNR_TXwC0",
    "T_O",
    "T_h",
    "T_r",
    "T_r_filter_type",
    "TDR_Butterworth",
    "TDR_W_TXPKG",
    "TR_TDR",
    "Tukey_Window",
    "VEC Pass threshold",
    "Z_t",
    "b_max(1)",
    "b_max(2..N_b)",
    "b_min(1)",
    "b_min(2..N_b)",
    "beta_x",
    "bmaxg",
    "board_Z_c",
    "board_tl_gamma0_a1_a2",
    "board_tl_tau",
    "c(0)",
    "eta_0",
    "f_2",
    "f_HP_P",
    "f_HP_PZ",
    "f_HP_Z",
    "f_b",
    "f_min",
    "f_p1",
    "f_p2",
    "f_r",
    "f_z",
    "ffe_post_tap1_max",
    "ffe_post_tap_len",
    "ffe_pre_tap1_max",
    "ffe_pre_tap_len",
    "ffe_tapn_max",
    "fixture delay time",
    "fraction_of_F_range_start_extrap_from",
    "g_DC",
    "g_DC_HP",
    "kappa1",
    "kappa2",
    "num_ui_RXFF_noise",
    "package_Z_c",
    "package_tl_gamma0_a1_a2",
    "package_tl_tau",
    "rho_x",
    "sample_adjustment",
    "samples_for_C2M",
    "sigma_RJ",
    "sigma_r",
    "ts_anchor",
    "z_bp (FEXT)",
    "z_bp (NEXT)",
    "z_bp (RX)",
    "z_bp (TX)",
    "z_p (FEXT)",
    "z_p (NEXT)",
    "z_p (RX)",
    "z_p (TX)",
    "z_p select",
];

/// Rows that change no result here: plots, files, reports, and bounds of measures that are not COM, VEC, EH or ERL.
const QUIET: &[&str] = &[
    "ACCM_MAX_Freq",
    "A_ft",
    "A_nt",
    "BBN Q factor",
    "BREAD_CRUMBS",
    "BREAD_CRUMBS_FIELDS",
    "COMPUTE_RILN",
    "COMPUTE_TDILN",
    "COM_CONTRIBUTION",
    "CSV_REPORT",
    "D_p",
    "DIAGNOSTICS",
    "DISPLAY_WINDOW",
    "Display frequency domain",
    "Do_Colored_Noise",
    "Do_White_Noise",
    "Do_XT_Noise",
    "Enforce Causality DIFF_TOL",
    "Enforce Causality REL_TOL",
    "Enforce Causality pulse start tolerance",
    "Error propagation COM margin",
    "EW",
    "EXE_MODE",
    "FFE_SNR",
    "FT_COOP",
    "Force BBN Q factor",
    "Impulse response truncatio threshold",
    "Include PCB (table 92-13)",
    "Max burst length calculated",
    "N_v",
    "PLOT_CM",
    "RESULT_DIR",
    "RUNTAG",
    "SAVE_CONFIG2MAT",
    "SAVE_FIGURES",
    "SAVE_FIGURE_to_CSV",
    "SAVE_KEYWORD_FILE",
    "SAVE_TD",
    "Sigma BBN step",
    "TDR",
    "TDR_duration",
    "TDR_f_BT_3db",
    "TIME_AXIS",
    "T_k",
    "Use simple error propagation model",
    "delta_IL",
    "exit if deployed",
    "f_1",
    "f_f",
    "f_n",
    "f_v",
    "ffe_main_cursor_min",
    "flip",
    "imb_C_fctr",
    "imb_Z_fctr",
    "skew_ps",
];

/// Rows of experiments that are not followed, with the values that switch them off.
const ONLY: &[(&str, &[&str])] = &[
    ("BTorder", &["4"]),
    ("Dynamic TXFFE", &["1"]),
    ("ERL_FOM", &["1"]),
    ("Enforce Causality", &["0"]),
    ("FloatingDFE_Development", &["1"]),
    ("IDEAL_RX_TERM", &["0"]),
    ("IDEAL_TX_TERM", &["0"]),
    ("INCLUDE_CTLE", &["1"]),
    ("INCLUDE_TX_RX_FILTER", &["1"]),
    ("INC_PACKAGE", &["1"]),
    ("LIMIT_JITTER_CONTRIB_TO_DFE_SPAN", &["0"]),
    ("RXFFE FLOAT CTL", &["FOM", "Taps"]),
    ("RXFFE TAP CONSTRAINT", &["Unity Cursor"]),
    ("RX_CALIBRATION", &["0"]),
    ("Rxnskew", &["0"]),
    ("Rxpskew", &["0"]),
    ("S-parameter magnitude extrapolation policy", &["linear_trend_to_DC"]),
    ("S-parameter phase extrapolation policy", &["extrap_cubic_to_dc_linear_to_inf"]),
    ("SHOW_BRD", &["0"]),
    ("TDECQ", &["0", "none"]),
    ("TDMODE", &["0"]),
    ("T_r_meas_point", &["0"]),
    ("Txnskew", &["0"]),
    ("Txpskew", &["0"]),
    ("USE_ETA0_PSD", &["0"]),
    ("WC_PORTZ", &["0"]),
    ("crusor_gain", &["0"]),
    ("f_hp", &["0"]),
    ("ffe_backoff", &["0"]),
    ("ffe_tap_step_size", &["0"]),
    ("inc_reflect_board", &["0"]),
];

/// Rows that are passed over with a reason.
const PASSED: &[(&str, &str)] = &[
    ("EH_max", "the eye's height has no upper limit in the standard"),
    ("N_bmax", "the row N_f says how far floating taps reach; the script reads N_bmax but never uses it"),
    ("Optimize_loop_speed_up", "the search always works at full resolution"),
    ("TS_SRCH_MODE", "every sampling instant of sample_adjustment is tried"),
];

/// Rows of a package's section (`.START` to `.END`); the others of its rows are not read there.
pub const PACKAGE_ROWS: &[&str] = &[
    "A_fe",
    "A_ne",
    "A_v",
    "C_p",
    "R_d",
    "package_Z_c",
    "package_tl_gamma0_a1_a2",
    "package_tl_tau",
    "z_p (FEXT)",
    "z_p (NEXT)",
    "z_p (RX)",
    "z_p (TX)",
];

/// Position of a transmit tap's row: -2 for `c(-2)`; `None` for other names and for the cursor.
pub fn tap_position(name: &str) -> Option<i32> {
    let inside = name.strip_prefix(['c', 'C'])?.strip_prefix('(')?.strip_suffix(')')?;
    let position: i32 = inside.parse().ok()?;
    // Written as the script asks for it: no plus sign, no leading zero.
    (position != 0 && position.to_string() == inside && position.abs() <= 99).then_some(position)
}

/// What a row is, by its name in any case; `None` for names that are not known.
pub fn role(name: &str) -> Option<Role> {
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    if tap_position(name).is_some() || READ.iter().any(same) {
        return Some(Role::Read);
    }
    if QUIET.iter().any(same) {
        return Some(Role::Quiet);
    }
    if let Some((_, values)) = ONLY.iter().find(|(known, _)| same(known)) {
        return Some(Role::Only(values));
    }
    PASSED.iter().find(|(known, _)| same(known)).map(|(_, why)| Role::Passed(why))
}

/// All names but those of transmit taps.
pub fn all() -> impl Iterator<Item = &'static str> {
    let only = ONLY.iter().map(|(name, _)| *name);
    let passed = PASSED.iter().map(|(name, _)| *name);
    READ.iter().copied().chain(QUIET.iter().copied()).chain(only).chain(passed)
}

/// The known name that is most like another.
pub fn nearest_name(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let taps = ["c(-3)", "c(-2)", "c(-1)", "c(1)", "c(2)"];
    // Blanks are what is left out most.
    let dense = |text: &str| text.to_lowercase().replace([' ', '_'], "");
    all()
        .chain(taps)
        .find(|known| dense(known) == dense(name))
        .or_else(|| nearest(&lower, all().chain(taps).filter(|known| known.to_lowercase() == lower)))
        .or_else(|| nearest(name, all().chain(taps)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_once() {
        let mut names: Vec<String> = all().map(str::to_lowercase).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(PACKAGE_ROWS.iter().all(|name| READ.contains(name)));
    }

    #[test]
    fn roles_go_by_name_in_any_case() {
        assert_eq!(role("F_B"), Some(Role::Read));
        assert_eq!(role("c(-4)"), Some(Role::Read));
        assert_eq!(role("c(+1)"), None);
        assert_eq!(role("c(01)"), None);
        assert_eq!(role("SAVE_FIGURES"), Some(Role::Quiet));
        assert_eq!(role("z_p (TX) "), None);
        assert_eq!(tap_position("c(-3)"), Some(-3));
        assert_eq!(tap_position("c(0)"), None);
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest_name("z_p(TX)"), Some("z_p (TX)"));
        assert_eq!(nearest_name("gDC"), Some("g_DC"));
        assert_eq!(nearest_name("SNR_TXX"), Some("SNR_TX"));
        assert_eq!(nearest_name("c(-1 )"), Some("c(-1)"));
    }
}
