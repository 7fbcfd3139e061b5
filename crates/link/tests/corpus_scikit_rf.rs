//! The algebra of networks against scikit-rf on measured channels. They are not part of the repository;
//! LANEWRIGHT_CORPUS names the folder that holds them.
//!
//! Golden numbers: scikit-rf 2.2.0, `bench/scikit_rf_golden.py $LANEWRIGHT_CORPUS`.

#![allow(clippy::excessive_precision, reason = "numbers as the peer printed them")]

use std::collections::BTreeMap;
use std::path::Path;

use lanewright_link::network::{
    Interpolation, Network, Side, Waves, cascade, change_waves, deembed, interpolate, renormalise, renumber,
    sub_network, to_dc, to_mixed,
};
use lanewright_link::quality::{self, LaneNeeds, Tolerances};
use lanewright_link::response::{Window, impulse, step};
use lanewright_link::touchstone;
use num_complex::Complex64;

#[rustfmt::skip]
const GOLDEN: &[(&str, usize, usize, usize, f64, f64)] = &[
    ("read", 0, 1, 0, 9.590298292142864e-01, 2.554617538725875e-04),
    ("read", 1234, 0, 0, 1.617225162822209e-02, 1.646130142300386e-02),
    ("read", 4000, 3, 1, 7.432903079773687e-02, -1.418348020940733e-02),
    ("read dB", 0, 1, 0, -2.413057759667840e-01, -8.505288514056404e-01),
    ("read dB", 700, 2, 3, -5.984015393503128e-03, -1.277728037060455e-02),
    ("read RI", 0, 1, 0, 2.131639470075000e-01, -9.112016168254000e-01),
    ("read RI", 1400, 2, 3, 4.088648653960000e-04, -6.368889504603000e-03),
    ("renormalised", 1234, 0, 0, 1.416718167920425e-01, 1.096487676227119e-01),
    ("renormalised", 1234, 1, 0, -9.314416468575951e-03, -1.808277646424622e-02),
    ("renormalised", 2000, 3, 2, 6.669242667548985e-03, 5.534291331485463e-03),
    ("pseudo", 1234, 0, 0, 1.142596248863645e-01, -1.049332781792774e-01),
    ("pseudo", 1234, 1, 0, -9.601080735232824e-03, -1.863929934163006e-02),
    ("pseudo", 2000, 3, 2, 6.692359695850678e-03, 5.553474374556047e-03),
    ("mixed", 1234, 0, 0, -4.668552376618481e-02, -6.586769666938984e-03),
    ("mixed", 1234, 1, 0, -5.846484414249190e-03, -7.507274111173803e-02),
    ("mixed", 1234, 1, 2, -4.063733552873717e-03, 3.549806091910790e-03),
    ("mixed", 2000, 3, 2, -1.729580493324205e-03, -4.640991664900150e-04),
    ("cascade", 100, 2, 0, 7.597277457290776e-02, 3.682035561700723e-01),
    ("cascade", 1234, 0, 0, 1.630037572047927e-02, 1.642183802414623e-02),
    ("cascade", 1234, 3, 1, -3.412384636455390e-03, 2.025497874630251e-04),
    ("cascade uneven", 100, 2, 0, 7.597277457290773e-02, 3.682035561700722e-01),
    ("cascade uneven", 1234, 0, 0, 1.630037572047930e-02, 1.642183802414623e-02),
    ("cascade uneven", 1234, 3, 1, -3.412384636455391e-03, 2.025497874630251e-04),
    ("deembed left", 100, 2, 0, 4.773820338133792e-01, 3.917075297162614e-01),
    ("deembed left", 300, 0, 0, -9.608179169386782e-02, -7.140483490752186e-02),
    ("deembed right", 100, 2, 0, 4.773820338133793e-01, 3.917075297162614e-01),
    ("deembed right", 300, 1, 1, -7.638359289652680e-02, -8.543691140224774e-02),
    ("linear", 17, 1, 0, -4.286759595167326e-02, -6.264090366363499e-01),
    ("linear", 2222, 0, 0, 1.242007933422800e-02, 1.521361193667500e-01),
    ("polar", 17, 1, 0, -4.342801179315040e-02, -6.302901413095261e-01),
    ("polar", 2222, 0, 0, 1.265312619069351e-02, 1.524849254142927e-01),
    ("cubic", 17, 1, 0, -7.836178742943281e-01, -4.561845546216530e-01),
    ("cubic", 2222, 0, 0, 8.652637794638521e-02, 2.003072043163929e-01),
    ("dc", 0, 1, 0, 9.684284207653869e-01, 0.000000000000000e+00),
    ("dc", 0, 0, 0, 5.118622302481638e-02, 0.000000000000000e+00),
    ("dc", 1, 1, 0, 9.209484997709320e-01, -2.791129162098689e-01),
    ("dc", 3, 2, 3, 6.534472702221605e-01, -6.957385271841143e-01),
    ("dc", 777, 1, 0, 3.570219955450000e-02, -4.828908637540000e-02),
];

fn read(name: &str) -> Network {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    let path = Path::new(&folder).join("channels").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    touchstone::parse(&bytes, name).expect("a good file").network
}

const THRU: &str = "pychopmarg_example2/example2_THRU.s4p";
const TYCO: &str = "backplane/Case4_FM_13SI_20_T_D13_L6.s4p";
const PETERS: &str = "backplane/peters_01_0605_B12_thru.s4p";
const SYNTHETIC: &str = "synthetic/ck15_thru.s4p";

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

fn linspace(start: f64, stop: f64, count: usize) -> Vec<f64> {
    (0..count).map(|k| start + (stop - start) * k as f64 / (count - 1) as f64).collect()
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_algebra_agrees_with_scikit_rf() {
    let (thru, peters) = (read(THRU), read(PETERS));
    let ends = renumber(&thru, &[0, 2, 1, 3]).expect("four ports");
    let uneven = renormalise(&ends, &[c(50.0, 0.0), c(50.0, 0.0), c(42.0, 0.0), c(42.0, 0.0)]).expect("possible");
    let strange = [c(40.0, 10.0), c(75.0, 0.0), c(60.0, -5.0), c(30.0, 0.0)];
    let renormalised = renormalise(&thru, &strange).expect("possible");
    let twice = cascade(&ends, &ends).expect("possible");
    let (first, last) = (peters.frequency_hz[0], peters.frequency_hz[peters.points() - 1]);
    let grid = linspace(1e9, 14e9, 5201);
    let networks: BTreeMap<&str, Network> = [
        ("read", thru.clone()),
        ("read dB", read(TYCO)),
        ("read RI", peters.clone()),
        ("pseudo", change_waves(&renormalised, Waves::Power, Waves::Pseudo).expect("possible")),
        ("renormalised", renormalised),
        ("mixed", to_mixed(&ends, &[(0, 1), (2, 3)]).expect("pairs").0),
        ("deembed left", deembed(&twice, &ends, Side::Left).expect("possible")),
        ("deembed right", deembed(&twice, &ends, Side::Right).expect("possible")),
        ("cascade", twice),
        ("cascade uneven", cascade(&uneven, &ends).expect("possible")),
        ("linear", interpolate(&peters, &grid, Interpolation::Linear).expect("within")),
        ("polar", interpolate(&peters, &grid, Interpolation::Polar).expect("within")),
        ("cubic", interpolate(&peters, &linspace(first, last, 5201), Interpolation::Cubic).expect("within")),
        ("dc", to_dc(&peters, 10e6).expect("possible")),
    ]
    .into_iter()
    .collect();
    assert_eq!(networks["dc"].points(), 1501);
    let mut wrong = Vec::new();
    for (name, point, row, column, re, im) in GOLDEN {
        let got = networks[name].at(*point, *row, *column);
        let off = (got - c(*re, *im)).norm();
        // Taking a fixture off divides by what little goes through it.
        let tolerance = if name.starts_with("deembed") { 1e-10 } else { 1e-12 };
        if off.is_nan() || off > tolerance {
            wrong.push(format!("{name} {point} S{row}{column}: {got}, scikit-rf has {re} {im}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_time_domain_agrees_with_scikit_rf() {
    let s11 = sub_network(&read(SYNTHETIC), &[0]).expect("a port");
    // Values at the largest magnitude and three later.
    let golden = [
        (Window::Hamming, -2.732533518444016e-02, 3.294853675087605e-03),
        (Window::Hann, -2.510540358852469e-02, 6.328185718878705e-03),
        (Window::Kaiser(6.0), -2.483272987866489e-02, 5.168463452796917e-03),
    ];
    for (window, peak, later) in golden {
        let trace = impulse(&s11, 0, 0, window, 1).expect("possible");
        assert_eq!(trace.values.len(), 10_000);
        let at = (0..trace.values.len())
            .max_by(|a, b| trace.values[*a].abs().total_cmp(&trace.values[*b].abs()))
            .expect("not empty");
        let got = (trace.values[at], trace.values[at + 3]);
        println!("{window:?} at {at}: {got:?}, scikit-rf has {peak} {later}");
        assert!((got.0 - peak).abs() < 1e-12 && (got.1 - later).abs() < 1e-12);
    }
    // The running sum of scikit-rf's impulse response; its own step response integrates by trapezoids.
    let trace = step(&s11, 0, 0, Window::Hamming, 1).expect("possible");
    for (offset, want) in [(400, -0.000488911088108368), (1000, 0.0001283642781599187)] {
        let got = trace.values[5000 + offset];
        println!("step {offset}: {got}, scikit-rf has {want}");
        assert!((got - want).abs() < 1e-12);
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_quality_estimates_agree_with_scikit_rf() {
    // CQMi, PQMi, RQMi of IEEEP370_FD_QM, and the largest singular value by numpy.
    let golden = [
        (THRU, 99.63264148044756, 100.0, 99.99999904134653, 0.9907278930391391),
        (TYCO, 99.13248075363879, 100.0, 99.27836855721122, 0.9553682744437587),
        (PETERS, 99.41149179632738, 100.0, 99.09463985306655, 0.9795339634209647),
        (SYNTHETIC, 99.44633869072446, 100.0, 100.0, 0.9802453579814717),
    ];
    for (name, causality, passivity, reciprocity, gain) in golden {
        let report =
            quality::check(&read(name), &Tolerances::default(), &LaneNeeds::default()).expect("a good network");
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-8, "{name}: {got}, scikit-rf has {want}");
        near(report.causality.as_ref().expect("enough points").quality_percent, causality);
        near(report.passivity.quality_percent, passivity);
        near(report.reciprocity.as_ref().expect("four ports").quality_percent, reciprocity);
        near(report.passivity.largest_singular_value, gain);
        // Port order as the corpus says it: tx+ 1, tx- 3, rx+ 2, rx- 4.
        let order = report.port_order.expect("four ports");
        assert_eq!(order.order, Some([1, 3, 2, 4]), "{name}: {}", order.explanation);
        let early = report.causality.expect("enough points").early_energy_percent;
        println!("{name}: early energy {early} %, {}", order.explanation);
        assert!(early < 1.0, "{name}: {early}");
    }
}
