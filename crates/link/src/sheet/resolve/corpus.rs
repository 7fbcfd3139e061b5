//! The task force's own sheets, against what the parameter reader of the IEEE reference script 4.50 makes of them under
//! GNU Octave 7.3. All values of all sheets were compared when this was written; a part of each is kept here.

use std::path::PathBuf;

use super::*;
use crate::com::parameters::{SamplingAnchor, WindowWeight};
use crate::sheet::workbook;

fn folder() -> PathBuf {
    let root =
        std::env::var_os("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of the measured channels");
    PathBuf::from(root).join("channels/com_config_sheets")
}

fn sheet(name: &str) -> Resolved {
    let bytes = std::fs::read(folder().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
    let rows = Rows::new(name, workbook::read(name, &bytes).expect("it reads")).expect("it reads");
    resolve(&rows, Choices::default()).unwrap_or_else(|why| panic!("{why}"))
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 4.0 * f64::EPSILON * b.abs(), "{found:?} {expected:?}");
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn every_sheet_reads() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).expect("it reads") {
        let name = entry.expect("it reads").file_name().into_string().expect("it reads");
        let resolved = sheet(&name);
        assert!(!resolved.parameters.ends.cases.is_empty(), "{name}");
        count += 1;
    }
    assert!(count >= 12, "{count} sheets");
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn kr4_in_the_old_binary_form() {
    let Resolved { parameters: p, warnings, defaults_used } = sheet("config_com_ieee8023_93a=100GBASE-KR4.xls");
    near(&[p.signal.baud_hz, p.signal.victim_v, p.signal.next_v], &[25.781_25e9, 0.4, 0.6]);
    assert_eq!((p.signal.levels, p.signal.samples_per_ui, p.signal.transition_s), (2, 32, None));
    assert_eq!(p.ends.package.tx.impedance_ohm, [78.2]);
    near(&[p.ends.die.rx[0].shunt_f, p.ends.ball_f.tx, p.ends.termination_ohm.rx], &[250e-15, 180e-15, 55.0]);
    let cases: Vec<_> = p.ends.cases.iter().map(|c| (c.name.as_str(), c.tx_mm[0], c.next_mm[0], c.rx_mm[0])).collect();
    assert_eq!(cases, [("1", 12.0, 12.0, 12.0), ("2", 30.0, 12.0, 30.0)]);
    assert_eq!(p.tx_ffe.taps.iter().map(|tap| tap.values.len()).collect::<Vec<_>>(), [10, 20]);
    assert_eq!((p.ctle.stages.len(), p.ctle.low_stages.len()), (13, 0));
    assert_eq!((p.dfe.max.clone(), p.dfe.min.clone()), (vec![1.0; 14], vec![-1.0; 14]));
    assert_eq!((p.dfe.floating, p.rx_ffe, p.erl, p.module_eye, p.ends.board), (None, None, None, None, None));
    assert_eq!(p.limits.com_db, Some(3.0));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let rows: Vec<&str> = defaults_used.iter().map(|default| default.row.as_str()).collect();
    assert_eq!(rows, ["L_s", "C_b", "Butterworth", "b_min(1)", "b_min(2..N_b)", "f_2"]);
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn kr_of_3ck_in_strict_xml() {
    let resolved = sheet("config_com_ieee8023_93a=3ck_SA_KR_08_17_2022.xlsx");
    let p = &resolved.parameters;
    near(
        &[p.signal.transition_s.expect("it reads"), p.noise.eta0_v2_per_ghz, p.signal.level_mismatch],
        &[7.5e-12, 8.2e-9, 0.95],
    );
    assert_eq!(p.ends.package.rx.impedance_ohm, [87.5, 92.5]);
    assert_eq!(p.ends.cases[1].tx_mm, [31.0, 1.8]);
    assert_eq!(p.ends.cases[1].rx_mm, [29.0, 1.8]);
    near(&[p.ends.die.tx[0].series_h, p.ends.bump_f.rx], &[120e-12, 30e-15]);
    let taps: Vec<_> = p.tx_ffe.taps.iter().map(|tap| (tap.position, tap.values.len())).collect();
    assert_eq!(taps, [(-3, 4), (-2, 7), (-1, 18), (1, 11)]);
    assert_eq!((p.ctle.stages.len(), p.ctle.low_stages.len()), (21, 7));
    near(&p.dfe.max, &[0.85, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]);
    near(&p.dfe.min[..3], &[0.3, 0.05, -0.03]);
    let floating = p.dfe.floating.expect("it reads");
    assert_eq!((floating.groups, floating.taps_per_group, floating.last, floating.tail_start), (3, 3, 40, 25));
    near(&[floating.max, floating.tail_rss_max], &[0.05, 0.02]);
    assert_eq!((p.limits.com_db, p.limits.erl_db), (Some(3.0), Some(9.7)));
    assert_eq!(p.numerics.local_search, 0);
    near(&[p.numerics.crosstalk_band_hz], &[40e9]);
    assert!(resolved.warnings.iter().any(|w| w.contains("`Local Search` = 2 is not followed")));
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn module_interface_of_3ck() {
    let resolved = sheet("config_com_ieee8023_93a=3ck_SA_120g_C2M_tp1a_08_17_2022.xlsx");
    let p = &resolved.parameters;
    let eye = p.module_eye.expect("it reads");
    assert_eq!((eye.window_mui, eye.samples_per_ui, eye.weight), (50.0, 100, WindowWeight::Gaussian));
    assert_eq!((eye.sigma_r_ui, eye.height_min_test_mv), (0.02, 5.0));
    assert_eq!((p.limits.com_db, p.limits.vec_db, p.limits.eye_height_mv), (None, Some(12.0), Some(10.0)));
    // A minus sign between blanks subtracts: one value for taps 2 to 4.
    near(&p.dfe.min, &[0.1, -0.35, -0.35, -0.35]);
    assert!(resolved.warnings.iter().any(|w| w.contains("minus sign between blanks")));
    // The first range of g_DC_HP holds 0 alone.
    assert_eq!(p.ctle.qualified.len(), 4);
    assert_eq!(p.ctle.qualified[0].low_gain_db, (0.0, f64::EPSILON));
    assert_eq!(p.ctle.qualified[0].gain_db, (-9.0, -2.0));
    assert_eq!(p.ctle.qualified[3].low_gain_db, (-3.0, -2.0));
    assert_eq!((p.ends.die.rx[0].shunt_f, p.ends.ball_f.rx), (0.0, 0.0));
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn ladder_and_receive_taps_of_200g() {
    let resolved = sheet("config_com_ieee8023dj_PyChOpMarg_vs_MATLAB.xls");
    let p = &resolved.parameters;
    near(&p.ends.die.tx.iter().map(|stage| stage.shunt_f).collect::<Vec<_>>(), &[40e-15, 90e-15, 110e-15]);
    near(&p.ends.die.rx.iter().map(|stage| stage.series_h).collect::<Vec<_>>(), &[130e-12, 150e-12, 140e-12]);
    let ffe = p.rx_ffe.as_ref().unwrap_or_else(|| panic!("no receive taps"));
    assert_eq!((ffe.pre, ffe.post, ffe.noise_ui, ffe.max), (5, 10, 2048, 1.0));
    assert_eq!((p.sampling.anchor, p.sampling.adjustment), (SamplingAnchor::Peak, (-16, 16)));
    assert_eq!(p.dfe.max, [0.85]);
    assert_eq!(p.dfe.min, [0.0]);
    assert_eq!(p.tx_ffe.taps.iter().map(|tap| tap.position).collect::<Vec<_>>(), [-4, -3, -2, -1, 1]);
    let strangers: Vec<_> = resolved.warnings.iter().filter(|w| w.contains("not understood")).collect();
    assert_eq!(strangers.len(), 2, "{strangers:?}");
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn presets_of_packages() {
    let resolved = sheet("config_com_ieee8023_93a=df_200G_PAM4_RCos_Txpre_C2M_TP1a_11_2022.xlsx");
    let cases = &resolved.parameters.ends.cases;
    let presets: Vec<_> = cases.iter().map(|case| case.tx_preset.clone()).collect();
    assert_eq!(presets, [[-0.14, 1.0], [-0.182, 1.0], [-0.231, 1.0]]);
    assert_eq!(cases[2].tx_mm, [45.0, 1.0, 0.1, 0.58]);
    assert_eq!(resolved.parameters.ends.package.tx.impedance_ohm, [92.0, 70.0, 80.0, 100.0]);
}
