//! Small sheets of our own through the whole reader.

use proptest::prelude::*;

use super::*;
use crate::com::parameters::{RxFfeMethod, SequenceDetection};
use crate::sheet::workbook;

/// The least that a sheet must say.
pub const SHEET: &str = "\
f_b,53.125,GBd
f_min,0.05,GHz
Delta_f,0.01,GHz
C_d,[1.2e-4 1.2e-4],nF
L_s,\"[0.12, 0.12]\",nH
z_p select,[1 2]
z_p (TX),[12 31; 1.8 1.8],mm
z_p (NEXT),[12 29; 1.8 1.8],mm
z_p (FEXT),[12 31; 1.8 1.8],mm
z_p (RX),[12 29; 1.8 1.8],mm
C_p,[0.87e-4 0.87e-4],nF
R_0,50,Ohm
R_d,[50 50],Ohm
A_v,0.413,V
A_fe,0.413,V
A_ne,0.608,V
L,4
M,32
f_r,0.75,*fb
c(0),0.54
c(-1),[-0.34:0.02:0]
c(1),[-0.2:0.02:0]
N_b,3
b_max(1),0.85
b_max(2..N_b),[0.3 0.2]
g_DC,[-20:1:0],dB
f_z,21.25
f_p1,21.25
f_p2,53.125
g_DC_HP,[-6:1:0]
f_HP_PZ,0.6640625
package_Z_c,[87.5 87.5; 92.5 92.5]
sigma_RJ,0.01
A_DD,0.02
eta_0,8.2e-9
SNR_TX,33
R_LM,0.95
DER_0,1e-4
Include PCB,0
COM Pass threshold,3
FORCE_TR,1
T_r,0.0075
";

fn rows(sets: &[&str]) -> Rows {
    let mut rows =
        Rows::new("own.csv", workbook::read("own.csv", SHEET.as_bytes()).expect("it reads")).expect("it reads");
    for set in sets {
        rows.set(set).expect("it reads");
    }
    rows
}

fn good(sets: &[&str]) -> Resolved {
    resolve(&rows(sets), Choices::default()).unwrap_or_else(|why| panic!("{sets:?}: {why}"))
}

fn bad(sets: &[&str]) -> String {
    resolve(&rows(sets), Choices::default()).map(|_| ()).expect_err(&format!("{sets:?}")).to_string()
}

#[test]
fn a_sheet_of_our_own_reads() {
    let resolved = good(&[]);
    let p = resolved.parameters;
    assert_eq!(p.signal.baud_hz, 53.125e9);
    assert_eq!(p.signal.transition_s, Some(0.0075 * 1e-9));
    assert_eq!(p.dfe.max, [0.85, 0.3, 0.2]);
    assert_eq!(p.dfe.min, [-0.85, -0.3, -0.2]);
    assert_eq!(p.ends.cases[1].rx_mm, [29.0, 1.8]);
    assert_eq!(p.ctle.low_stages.len(), 7);
    assert!(resolved.warnings.is_empty(), "{:?}", resolved.warnings);
    let defaults: Vec<&str> = resolved.defaults_used.iter().map(|default| default.row.as_str()).collect();
    let expected = [
        "package_tl_gamma0_a1_a2",
        "package_tl_tau",
        "C_b",
        "Port Order",
        "Butterworth",
        "b_min(1)",
        "b_min(2..N_b)",
        "f_2",
    ];
    assert_eq!(defaults, expected);
}

#[test]
fn values_set_by_hand_change_what_they_name() {
    let p = good(&["c(-1)=[-0.12:0.04:0]", "z_p select=2", "c(-2)=[0 0.02]", "N_bg=3", "N_bf=3", "N_f=40"]).parameters;
    assert_eq!(p.tx_ffe.taps[1].values, [-0.12, -0.12 + 0.04, -0.12 + 2.0 * 0.04, 0.0]);
    assert_eq!(p.tx_ffe.taps[0].position, -2);
    assert_eq!(p.ends.cases.len(), 1);
    assert_eq!(p.ends.cases[0].name, "2");
    assert_eq!(p.dfe.floating.map(|f| f.last), Some(40));
}

#[test]
fn receive_taps_take_the_floating_groups() {
    let sets = ["ffe_pre_tap_len=5", "ffe_post_tap_len=10", "N_bg=2", "N_bf=4", "N_f=56", "FFE_OPT_METHOD=MMSE-D3"];
    let p = good(&[&sets[..], &["N_qb=6", "P_qc=1e-7", "MLSD=3"]].concat()).parameters;
    assert_eq!(p.dfe.floating, None);
    let ffe = p.rx_ffe.unwrap_or_else(|| panic!("no receive taps"));
    assert_eq!((ffe.pre, ffe.post, ffe.method), (5, 10, RxFfeMethod::MinimumErrorDraft3));
    assert_eq!(ffe.floating.map(|f| f.groups), Some(2));
    assert_eq!(p.noise.quantiser.map(|q| (q.bits, q.clipping)), Some((6.0, 1e-7)));
    assert_eq!(p.sequence_detection, SequenceDetection::Draft3 { delta_com_db: 3.0 });
}

#[test]
fn problems_name_the_cell_what_was_expected_and_what_to_do() {
    for (set, message) in [
        ("N_b=2.5", "`N_b` = 2.5 is not a whole number from 0 to 2000"),
        ("b_max(2..N_b)=[0.3 0.2 0.1]", "`b_max(2..N_b)` has 3 values"),
        ("z_p (RX)=[12 29]", "`z_p (RX)` is 1x2, and `z_p (TX)` 2x2"),
        ("z_p select=3", "asks for case 3"),
        ("g_DC=[-20:1:", "cannot be worked out"),
        ("g_DC='low'", "is a text where numbers are expected"),
        ("IDEAL_TX_TERM=1", "asks for an experiment"),
        ("DER_0=2", "not a number between 0 and 1"),
        ("Port Order=[1 2 3 3]", "no order of four ports"),
        ("f_HP_PZ=[1 2]", "`f_HP_PZ` has 2 values, and `g_DC_HP` 7"),
        ("CTLE_type=CL120e", ""),
        ("package_Z_c=[87.5 87.5]", "does not give 2 stages"),
        ("C_d=[1 2 3]", "no ladders"),
        ("G_Qual=[-2 -9]", "without `G2_Qual`"),
        ("FORCE_TR=x", "cannot be worked out"),
        ("PKG_NAME=NONE", "package section `NONE` is not there"),
        ("b_min(1)=0.9", "tap 1 has b_min 0.9 above b_max 0.85"),
        ("f_b=-1", "not a number above 0"),
        ("c(-1)=[1:0]", "empty range"),
        ("SNR_TX=[30 31 32]", ""),
    ] {
        if message.is_empty() {
            good(&[set]);
            continue;
        }
        let text = bad(&[set]);
        assert!(text.contains(message), "{set}: {text}");
        assert!(text.contains("help: "), "{set}: {text}");
    }
    let text = bad(&["M=0", "L=1", "R_LM=0"]);
    assert_eq!(text.matches("--set").count(), 3, "{text}");
}

#[test]
fn missing_rows_are_all_named() {
    let cut: String =
        SHEET.lines().filter(|l| !l.starts_with("f_b,") && !l.starts_with("eta_0")).map(|l| format!("{l}\n")).collect();
    let rows = Rows::new("cut.csv", workbook::read("cut.csv", cut.as_bytes()).expect("it reads")).expect("it reads");
    let problems = resolve(&rows, Choices::default()).expect_err("it is refused");
    let text = problems.to_string();
    assert!(text.contains("the row `f_b` is missing"), "{text}");
    assert!(text.contains("the row `eta_0` is missing"), "{text}");
    assert!(text.contains("--set \"f_b=VALUE\""), "{text}");
}

#[test]
fn empty_values_are_errors() {
    let text = SHEET.replace("eta_0,8.2e-9", "eta_0");
    let rows = Rows::new("e.csv", workbook::read("e.csv", text.as_bytes()).expect("it reads")).expect("it reads");
    let problems = resolve(&rows, Choices::default()).expect_err("it is refused").to_string();
    assert!(problems.contains("e.csv, COM_Settings!B35: the row `eta_0` has no value"), "{problems}");
}

#[test]
fn package_sections_replace_the_sheets_package() {
    let mut text = SHEET.to_string();
    for (name, length, ball) in [("LONG", 45, 1), ("SHORT", 8, 2)] {
        text.push_str(&format!(
            ".START,{name}\nC_p,[{ball}e-4 {ball}e-4]\nR_d,[46.25 46.25]\nA_v,0.4\nA_fe,0.4\nA_ne,0.5\nz_p (TX),[{length}; 2]\n\
             z_p (NEXT),[{length}; 2]\nz_p (FEXT),[{length}; 2]\nz_p (RX),[{length}; 2]\npackage_Z_c,[90 91; 92 93]\n.END\n"
        ));
    }
    let mut rows = Rows::new("p.csv", workbook::read("p.csv", text.as_bytes()).expect("it reads")).expect("it reads");
    rows.set("PKG_NAME=LONG SHORT").expect("it reads");
    rows.set("z_p select=1").expect("it reads");
    let p = resolve(&rows, Choices::default()).unwrap_or_else(|why| panic!("{why}")).parameters;
    assert_eq!((p.ends.cases[0].tx_mm.clone(), p.ends.cases[0].rx_mm.clone()), (vec![45.0, 2.0], vec![8.0, 2.0]));
    assert_eq!((p.ends.ball_f.tx, p.ends.ball_f.rx), (1e-4 * 1e-9, 2e-4 * 1e-9));
    assert_eq!(
        (p.ends.package.tx.impedance_ohm, p.ends.package.rx.impedance_ohm),
        (vec![90.0, 92.0], vec![91.0, 93.0])
    );
    assert_eq!((p.signal.victim_v, p.signal.next_v), (0.4, 0.5));
}

proptest! {
    #[test]
    fn no_value_panics(row in 0..42_usize, value in "[-0-9.e:; \\[\\]]{0,12}") {
        let line = SHEET.lines().nth(row).unwrap_or_default();
        let (name, _) = line.split_once(',').unwrap_or_default();
        let mut rows = rows(&[]);
        if rows.set(&format!("{name}={value}")).is_ok() {
            let _ = resolve(&rows, Choices { local_search: true });
        }
    }
}
