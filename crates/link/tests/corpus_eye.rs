//! The statistical eye against COM on measured channels, where both are made of the same terms.

use std::path::PathBuf;

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::differential::differential_channel;
use lanewright_link::com::evaluate;
use lanewright_link::eye::EyeSettings;
use lanewright_link::eye::case::CaseDetail;
use lanewright_link::eye::com_steps::com_steps;
use lanewright_link::sheet::resolve::{Choices, Resolved, resolve};
use lanewright_link::sheet::rows::Rows;
use lanewright_link::sheet::workbook;
use lanewright_link::touchstone;

fn file(path: &str) -> Vec<u8> {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    let path = PathBuf::from(folder).join("channels").join(path);
    std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn channel(path: &str) -> lanewright_link::com::channel::DifferentialChannel {
    let bytes = file(path);
    let network = touchstone::parse(&bytes, path).expect("a sound file").network;
    differential_channel(path, &network, [1, 3, 2, 4]).expect("four ports")
}

fn sheet(path: &str, sets: &[&str]) -> Resolved {
    let mut rows = Rows::new(path, workbook::read(path, &file(path)).expect("a workbook")).expect("a sheet");
    sets.iter().for_each(|set| rows.set(set).expect("a row of the sheet"));
    resolve(&rows, Choices::default()).expect("a sound sheet")
}

fn settings(target: f64) -> EyeSettings {
    EyeSettings { target, contours: vec![1e-3, 1e-12], ..EyeSettings::default() }
}

const KR4: &str = "com_config_sheets/config_com_ieee8023_93a=100GBASE-KR4.xls";
const KR: &str = "com_config_sheets/config_com_ieee8023_93a=3ck_SA_KR_08_17_2022.xlsx";

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_without_jitter_the_eye_is_com() {
    let nrz = (KR4, vec!["c(-1)=-0.12", "c(1)=-0.2", "g_DC=-12", "sigma_RJ=0", "A_DD=0"]);
    let pam4 =
        (KR, vec!["c(-3)=0", "c(-2)=0.04", "c(-1)=-0.2", "c(1)=0", "g_DC=-6", "g_DC_HP=-3", "sigma_RJ=0", "A_DD=0"]);
    let whisper = ChannelSet {
        victim: channel("backplane/TEC_Whisper42p8in_Meg6_THRU_C8C9.s4p"),
        fext: Vec::new(),
        next: Vec::new(),
    };
    let ck15 = ChannelSet {
        victim: channel("synthetic/ck15_thru.s4p"),
        fext: vec![channel("synthetic/ck15_fext1.s4p")],
        next: vec![channel("synthetic/ck15_next1.s4p")],
    };
    for ((path, sets), channels) in [(nrz, whisper), (pam4, ck15)] {
        let parameters = sheet(path, &sets).parameters;
        let outcome = evaluate(&parameters, &channels).expect("a sound channel");
        for (at, case) in outcome.cases.iter().enumerate() {
            let target = parameters.signal.detector_error_ratio;
            let detail = CaseDetail::of(&parameters, &channels, at, case, &settings(target)).expect("the same case");
            // Same terms, other bins: the COM script's rounding moves A_ni by up to 0.01 mV.
            let (eye, com) = (detail.costs.interference_mv, case.a_ni_mv);
            assert!((eye - com).abs() < 0.01 * com + 0.01, "{path} case {}: {eye} {com}", case.case);
            assert!((detail.costs.signal_mv - case.a_s_mv).abs() < 1e-6 * case.a_s_mv);
            let height = detail.openings.iter().map(|o| o.height_mv).fold(f64::INFINITY, f64::min);
            assert!((height - 2.0 * (case.a_s_mv - com)).abs() < 0.02 * com + 0.02, "{height}");
        }
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_with_jitter_the_eye_stays_near_com() {
    let parameters = sheet(KR4, &["c(-1)=[-.12:.04:0]", "c(1)=[-.2:.04:0]", "g_DC=[-12:2:0]"]).parameters;
    let channels = ChannelSet {
        victim: channel("backplane/TEC_Whisper42p8in_Meg6_THRU_C8C9.s4p"),
        fext: Vec::new(),
        next: Vec::new(),
    };
    let outcome = evaluate(&parameters, &channels).expect("a sound channel");
    for (at, case) in outcome.cases.iter().enumerate() {
        let detail = CaseDetail::of(&parameters, &channels, at, case, &settings(1e-5)).expect("the same case");
        // COM takes jitter as independent noise of every symbol in proportion to the slope; the eye moves all at once.
        assert!((detail.costs.margin_db - case.com_db).abs() < 0.3, "{} {}", detail.costs.margin_db, case.com_db);
        // Every pair of gains of the grid is in the map, and none beats the chosen one.
        assert_eq!(detail.gains.len(), 7);
        assert!(detail.gains.iter().flat_map(|g| g.fom_db).all(|fom| fom <= case.fom_db + 1e-9));
        assert!(detail.taps.iter().flat_map(|t| t.fom_db).all(|fom| fom <= case.fom_db + 1e-9));
        let steps = com_steps(&parameters, &channels, at, case, evaluate);
        let gain = |word: &str| steps.iter().find(|s| s.step.contains(word)).expect("it is tried").margin_db;
        assert!(gain("SNR_TX") > 0.0 && gain("eta_0") > 0.0 && gain("jitter") > 0.0, "{steps:?}");
    }
}
