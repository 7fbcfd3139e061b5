//! Networks with known defects.

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::network::renumber;

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

/// Two coupled lines, ports 1→2 and 3→4, 1 ns long with some loss: coupling back at the near end at once, forward at
/// the far end after the delay.
fn pair(coupling: f64) -> Network {
    let frequency: Vec<f64> = (1..=1000).map(|k| f64::from(k) * 10e6).collect();
    let mut s = Vec::new();
    for f in &frequency {
        let loss = (-f / 2e10).exp();
        let through = Complex64::from_polar(0.95 * loss, -std::f64::consts::TAU * f * 1e-9);
        let near = Complex64::from_polar(coupling, -std::f64::consts::TAU * f * 0.05e-9) * loss;
        let far = through * (coupling * 0.5);
        let r = Complex64::from_polar(0.02, -std::f64::consts::TAU * f * 0.02e-9);
        s.extend([r, through, near, far, through, r, far, near, near, far, r, through, far, near, through, r]);
    }
    Network::new(4, frequency, s, vec![c(50.0, 0.0); 4]).expect("a good network")
}

fn checked(network: &Network) -> QualityReport {
    check(network, &Tolerances::default(), &LaneNeeds::default()).expect("a good network")
}

#[test]
fn a_good_pair_of_lines_is_found_good() {
    let report = checked(&pair(0.02));
    assert!(report.good(), "{:?}", report.findings);
    assert_eq!(report.passivity.class, Class::Good);
    assert_eq!(report.causality.as_ref().map(|c| c.class), Some(Class::Good));
    assert!(report.causality.expect("enough points").early_energy_percent < 0.1);
    assert!((report.grid.delay_s.expect("a path") - 1e-9).abs() < 1e-12);
}

#[test]
fn ports_are_found_in_every_order() {
    let network = pair(0.02);
    for order in [[0, 1, 2, 3], [0, 2, 1, 3], [0, 2, 3, 1], [2, 3, 0, 1], [3, 2, 1, 0], [1, 0, 2, 3]] {
        let turned = renumber(&network, &order).expect("an order");
        let report = port_order(&turned);
        let [tp, tn, rp, rn] = report.order.expect("found").map(|port| order[port - 1]);
        // Lines 0-1 and 2-3; ends 0, 2 and 1, 3.
        assert_eq!((tp / 2, tn / 2), (rp / 2, rn / 2), "{order:?} {}", report.explanation);
        assert_eq!(tp % 2, tn % 2, "{order:?} {}", report.explanation);
        assert_ne!(tp % 2, rp % 2, "{order:?} {}", report.explanation);
        assert!(report.confidence > 0.7, "{}", report.explanation);
    }
    let lonely = port_order(&pair(0.0));
    assert_eq!(lonely.order, Some([1, 3, 2, 4]));
    assert!(lonely.explanation.contains("by their numbers"));
}

#[test]
fn crosstalk_is_told_from_a_channel() {
    let mut network = pair(0.02);
    for matrix in network.s.chunks_exact_mut(16) {
        for at in [1, 4, 11, 14] {
            matrix[at] *= 0.005;
        }
    }
    let report = port_order(&network);
    assert_eq!((report.through.len(), report.order), (0, Some([1, 3, 2, 4])), "{}", report.explanation);
    assert!(report.confidence < 0.5);
}

#[test]
fn defects_are_found_where_they_are() {
    let mut active = pair(0.02);
    active.s[500 * 16 + 1] *= 1.5;
    let report = checked(&active);
    assert!(!report.good());
    assert_eq!((report.passivity.points_beyond, report.passivity.at_hz), (1, 5.01e9));
    let reciprocity = report.reciprocity.expect("four ports");
    assert_eq!((reciprocity.at.row, reciprocity.at.column, reciprocity.at.frequency_hz), (2, 1, 5.01e9));

    let mut early = pair(0.02);
    for (point, f) in early.frequency_hz.clone().into_iter().enumerate() {
        for at in [1, 4] {
            early.s[point * 16 + at] *= Complex64::from_polar(1.0, std::f64::consts::TAU * f * 1.6e-9);
        }
    }
    let report = checked(&early);
    let causality = report.causality.as_ref().expect("enough points");
    assert!(causality.early_energy_percent > 90.0 && causality.strong_quality_percent < 20.0, "{causality:?}");
    assert!(report.findings.iter().any(|f| f.code == "causality" && f.weight == Weight::Failure));

    let coarse = Network { frequency_hz: (1..=1000).map(|k| f64::from(k) * 100e6).collect(), ..pair(0.02) };
    let needs = LaneNeeds { baud_hz: Some(212.5e9), ..LaneNeeds::default() };
    let report = check(&coarse, &Tolerances::default(), &needs).expect("a good network");
    for code in ["grid-start", "grid-step", "grid-stop"] {
        assert!(report.findings.iter().any(|f| f.code == code), "{code}: {:?}", report.findings);
    }
}

proptest! {
    #[test]
    fn singular_values_agree(parts in proptest::collection::vec((-1.0..1.0f64, -1.0..1.0f64), 4)) {
        let matrix: Vec<Complex64> = parts.iter().map(|(re, im)| c(*re, *im)).collect();
        let closed = passivity::largest_singular_value(&matrix, 2);
        let svd = nalgebra::DMatrix::from_row_slice(2, 2, &matrix).singular_values().max();
        prop_assert!((closed - svd).abs() < 1e-7 * (1.0 + svd), "{closed} {svd}");
    }

    #[test]
    fn no_network_makes_it_panic(ports in 1usize..5, points in 0usize..20, seed in any::<u64>()) {
        let mut state = seed | 1;
        let mut random = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; (state >> 40) as f64 / 1e7 };
        let s = (0..ports * ports * points).map(|_| c(random(), -random())).collect();
        let f = (0..points).map(|k| k as f64 * 1e9).collect();
        let network = Network::new(ports, f, s, vec![c(50.0, 0.0); ports]).expect("good lists");
        checked(&network);
    }
}
