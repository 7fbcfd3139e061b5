//! Reading a set of channels, and comparing a margin with what the script says.

use crate::receivers::*;
use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::differential::differential_channel;
use lanewright_link::com::evaluate;
use lanewright_link::com::outcome::CaseOutcome;
use lanewright_link::com::parameters::ComParameters;
use lanewright_link::touchstone;

pub const TEC: &str = "backplane/TEC_Whisper42p8in_Meg6_THRU_C8C9.s4p";
pub const E2T: &str = "pychopmarg_example2/example2_THRU.s4p";
pub const E2F1: &str = "pychopmarg_example2/example2_FEXT1.s4p";
pub const E2F2: &str = "pychopmarg_example2/example2_FEXT2.s4p";
pub const E2N1: &str = "pychopmarg_example2/example2_NEXT1.s4p";
pub const E2N2: &str = "pychopmarg_example2/example2_NEXT2.s4p";
pub const E2N3: &str = "pychopmarg_example2/example2_NEXT3.s4p";
pub const CK15: &str = "synthetic/ck15_thru.s4p";
pub const CK15F: &str = "synthetic/ck15_fext1.s4p";
pub const CK15N: &str = "synthetic/ck15_next1.s4p";
pub const CK22: &str = "synthetic/ck22_thru.s4p";
pub const PET12: &str = "backplane/peters_01_0605_B12_thru.s4p";
pub const PET20: &str = "backplane/peters_01_0605_T20_thru.s4p";
pub const CASE4: &str = "backplane/Case4_FM_13SI_20_T_D13_L6.s4p";
pub const DJ20: &str = "synthetic/dj20_thru.s4p";
pub const DJ20F: &str = "synthetic/dj20_fext1.s4p";
pub const DJ20N: &str = "synthetic/dj20_next1.s4p";

/// What the script says of a package case.
pub struct Golden {
    pub com_db: f64,
    pub fom_db: f64,
    pub vec_db: f64,
    pub eh_mv: f64,
    pub a_s_mv: f64,
    pub a_ni_mv: f64,
    /// TX, N, ISI, XT, RJ.
    pub sigma_mv: [f64; 5],
    pub g_dc_db: f64,
    pub g_dc2_db: Option<f64>,
    pub tx_taps: &'static [f64],
    /// The first taps.
    pub dfe_taps: &'static [f64],
    pub floating: &'static [usize],
    /// From 0, one less than the script's index.
    pub sample: usize,
}

pub fn channel(path: &str) -> lanewright_link::com::channel::DifferentialChannel {
    let corpus = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    let file = format!("{corpus}/channels/{path}");
    let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let read = touchstone::parse(&bytes, path).unwrap_or_else(|e| panic!("{file}: {e:?}"));
    differential_channel(path, &read.network, [1, 3, 2, 4]).expect("a channel of four ports")
}

pub fn set(victim: &str, fext: &[&str], next: &[&str]) -> ChannelSet {
    ChannelSet {
        victim: channel(victim),
        fext: fext.iter().map(|p| channel(p)).collect(),
        next: next.iter().map(|p| channel(p)).collect(),
    }
}

pub fn reduced_kr4(mut p: ComParameters) -> ComParameters {
    p.tx_ffe.taps = vec![tap(-1, range(-0.12, 0.04, 0.0)), tap(1, range(-0.2, 0.04, 0.0))];
    p.ctle = ctle(range(-12.0, 2.0, 0.0), 6.4453125, 6.4453125, 25.78125, Vec::new(), 1.0);
    p
}

pub fn only_case(mut p: ComParameters, index: usize) -> ComParameters {
    p.ends.cases = vec![p.ends.cases.swap_remove(index)];
    p
}

pub fn compare(parameters: &ComParameters, channels: &ChannelSet, golden: &[Golden]) {
    let outcome = evaluate(parameters, channels).expect("the script has an answer");
    assert_eq!(outcome.cases.len(), golden.len());
    for (case, golden) in outcome.cases.iter().zip(golden) {
        compare_case(case, golden);
    }
    let worst = golden.iter().map(|g| g.com_db).fold(f64::INFINITY, f64::min);
    assert!((outcome.com_db - worst).abs() < 0.02, "{}", outcome.com_db);
}

pub fn compare_case(case: &CaseOutcome, golden: &Golden) {
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
