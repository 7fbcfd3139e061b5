//! Identities that the algebra must keep.

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

/// Networks of `ports` ports over five frequencies; parameters small enough that everything has an inverse.
fn some(ports: usize) -> impl Strategy<Value = Network> {
    let value = (-0.3..0.3f64, -0.3..0.3f64).prop_map(|(re, im)| c(re, im));
    let reference = (10.0..120.0f64, -40.0..40.0f64).prop_map(|(re, im)| c(re, im));
    (proptest::collection::vec(value, 5 * ports * ports), proptest::collection::vec(reference, ports)).prop_map(
        move |(mut s, reference_ohm)| {
            // What goes through must not vanish, for transfer parameters.
            for matrix in s.chunks_exact_mut(ports * ports) {
                for k in 0..ports / 2 {
                    let through = (k + ports / 2) * ports + k;
                    matrix[through] = matrix[through] * 0.3 + c(0.7, 0.2);
                    matrix[k * ports + k + ports / 2] += c(0.4, 0.1);
                }
            }
            Network::new(ports, vec![1e9, 2e9, 2.5e9, 4e9, 5e9], s, reference_ohm).expect("a good network")
        },
    )
}

fn near(a: &Network, b: &Network, tolerance: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.ports, b.ports);
    prop_assert_eq!(&a.frequency_hz, &b.frequency_hz);
    for (x, y) in a.reference_ohm.iter().zip(&b.reference_ohm) {
        prop_assert!((x - y).norm() < 1e-9 * y.norm(), "reference {} {}", x, y);
    }
    for (x, y) in a.s.iter().zip(&b.s) {
        prop_assert!((x - y).norm() < tolerance * (1.0 + y.norm()), "{} {}", x, y);
    }
    Ok(())
}

proptest! {
    #[test]
    fn renormalising_keeps_impedances(a in some(3), b in some(3)) {
        let other = renormalise(&a, &b.reference_ohm).expect("possible");
        let back = renormalise(&other, &a.reference_ohm).expect("possible");
        near(&back, &a, 1e-10)?;
        let (Ok(z1), Ok(z2)) = (a.parameters(Immittance::Impedance), other.parameters(Immittance::Impedance)) else {
            return Ok(());
        };
        let size = z1.iter().map(|z| z.norm()).fold(1.0, f64::max);
        prop_assume!(size < 1e5);
        for (x, y) in z1.iter().zip(&z2) {
            prop_assert!((x - y).norm() < 1e-8 * size);
        }
        let pseudo = change_waves(&a, Waves::Power, Waves::Pseudo).expect("possible");
        near(&change_waves(&pseudo, Waves::Pseudo, Waves::Power).expect("possible"), &a, 1e-10)?;
        let travelling = change_waves(&a, Waves::Power, Waves::Travelling).expect("possible");
        near(&change_waves(&travelling, Waves::Travelling, Waves::Power).expect("possible"), &a, 1e-10)?;
    }

    #[test]
    fn modes_and_back(a in some(4)) {
        let (mixed, modes) = to_mixed(&a, &[(0, 2), (1, 3)]).expect("possible");
        let single = to_single_ended(&mixed, &modes).expect("possible");
        // The second port of each pair comes back in the first's reference.
        near(&renormalise(&single, &a.reference_ohm).expect("possible"), &a, 1e-10)?;
    }

    #[test]
    fn cascades_agree_with_connections_transfer_and_chain_matrices(a in some(4), b in some(4), x in some(2), y in some(2)) {
        let both = cascade(&a, &b).expect("possible");
        near(&connect(&a, &b, &[(2, 0), (3, 1)]).expect("possible"), &both, 1e-9)?;
        let fitting = renormalise(&b, &[&both.reference_ohm[..0], &[a.reference_ohm[2].conj(), a.reference_ohm[3].conj()],
            &b.reference_ohm[2..]].concat()).expect("possible");
        let mut t = [vec![Complex64::ZERO; 16], vec![Complex64::ZERO; 16], vec![Complex64::ZERO; 16]];
        prop_assert!(scattering_to_transfer(a.matrix(1), &mut t[0], 4));
        prop_assert!(scattering_to_transfer(fitting.matrix(1), &mut t[1], 4));
        prop_assert!(scattering_to_transfer(both.matrix(1), &mut t[2], 4));
        for (got, want) in deembed::product(&t[0], &t[1], 4).iter().zip(&t[2]) {
            prop_assert!((got - want).norm() < 1e-8 * (1.0 + want.norm()));
        }
        let two = cascade(&x, &y).expect("possible");
        near(&connect(&x, &y, &[(1, 0)]).expect("possible"), &two, 1e-9)?;
        let chains = [&x, &y, &two].map(|n| n.parameters(Immittance::Chain));
        let [Ok(cx), Ok(cy), Ok(ct)] = chains else { return Ok(()) };
        for (got, want) in deembed::product(&cx[4..8], &cy[4..8], 2).iter().zip(&ct[4..8]) {
            prop_assert!((got - want).norm() < 1e-7 * (1.0 + want.norm()));
        }
    }

    #[test]
    fn what_is_put_on_can_be_taken_off(a in some(4), device in some(4), b in some(4)) {
        let whole = cascade(&cascade(&a, &device).expect("possible"), &b).expect("possible");
        let left_off = deembed(&whole, &a, Side::Left).expect("possible");
        let bare = deembed(&left_off, &b, Side::Right).expect("possible");
        near(&renormalise(&bare, &device.reference_ohm).expect("possible"), &device, 1e-7)?;
        let mirrored = cascade(&flip(&b).expect("even"), &flip(&cascade(&a, &device).expect("possible")).expect("even"));
        near(&flip(&mirrored.expect("possible")).expect("even"), &whole, 1e-9)?;
    }

    #[test]
    fn cubic_splines_pass_through_cubics(k in proptest::collection::vec(-1.0..1.0f64, 4)) {
        let cubic = |f: f64| { let x = f / 1e9; c(k[0] + x * (k[1] + x * (k[2] + x * k[3])), k[3] - k[1] * x * x * x) };
        let frequency: Vec<f64> = [0.5, 1.0, 1.7, 2.0, 2.2, 3.0].map(|f| f * 1e9).to_vec();
        let s = frequency.iter().map(|f| cubic(*f)).collect();
        let network = Network::new(1, frequency, s, vec![c(50.0, 0.0)]).expect("good");
        let grid: Vec<f64> = (0..=50).map(|i| 0.5e9 + i as f64 * 0.05e9).collect();
        let out = interpolate(&network, &grid, Interpolation::Cubic).expect("within");
        for (f, value) in grid.iter().zip(&out.s) {
            prop_assert!((value - cubic(*f)).norm() < 1e-11);
        }
    }
}

#[test]
fn a_matched_end_is_a_missing_port_and_an_open_one_is_not() {
    let s = vec![c(0.1, 0.0), c(0.5, 0.1), c(0.5, 0.1), c(0.2, -0.1)];
    let network = Network::new(2, vec![1e9], s, vec![c(50.0, 0.0); 2]).expect("good");
    let matched = terminate(&network, 1, c(50.0, 0.0)).expect("possible");
    assert!((matched.s[0] - c(0.1, 0.0)).norm() < 1e-15);
    assert_eq!(sub_network(&network, &[0]).expect("possible").s[0], c(0.1, 0.0));
    // Γ = -1: S11 - S12 S21 / (1 + S22).
    let short = terminate(&network, 1, c(0.0, 0.0)).expect("possible");
    let want = c(0.1, 0.0) - c(0.5, 0.1) * c(0.5, 0.1) / c(1.2, -0.1);
    assert!((short.s[0] - want).norm() < 1e-15);
}

#[test]
fn delay_survives_polar_interpolation_and_the_way_to_dc() {
    let delay = |f: f64| Complex64::from_polar(0.9, -std::f64::consts::TAU * f * 300e-12);
    let frequency: Vec<f64> = (1..=40).map(|k| k as f64 * 1e9).collect();
    let s = frequency.iter().map(|f| delay(*f)).collect();
    let network = Network::new(1, frequency, s, vec![c(50.0, 0.0)]).expect("good");
    let out = interpolate(&network, &[1.5e9, 7.25e9], Interpolation::Polar).expect("within");
    assert!((out.s[1] - delay(7.25e9)).norm() < 1e-12);
    assert!(interpolate(&network, &[0.5e9], Interpolation::Linear).is_err());
    let grid = to_dc(&network, 1e9).expect("possible");
    assert_eq!(grid.points(), 41);
    assert!((grid.s[0] - c(0.9, 0.0)).norm() < 1e-12);
    assert_eq!(grid.s[1..], network.s);
}

#[test]
fn what_does_not_fit_is_refused() {
    let one = Network::new(1, vec![1e9], vec![c(0.0, 0.0)], vec![c(50.0, 0.0)]).expect("good");
    let two = Network::new(2, vec![1e9], vec![c(0.1, 0.0); 4], vec![c(50.0, 0.0); 2]).expect("good");
    let later = Network { frequency_hz: vec![2e9], ..two.clone() };
    assert!(matches!(cascade(&one, &two), Err(NetworkError::Port(_))));
    assert!(matches!(cascade(&two, &later), Err(NetworkError::Frequency(_))));
    assert!(matches!(sub_network(&two, &[2]), Err(NetworkError::Port(_))));
    assert!(matches!(renumber(&two, &[1, 1]), Err(NetworkError::Port(_))));
    assert!(matches!(flip(&one), Err(NetworkError::Port(_))));
    assert!(matches!(join(&two, &[(0, 1)]), Err(NetworkError::Port(_))));
    assert!(matches!(to_mixed(&two, &[(0, 0)]), Err(NetworkError::Port(_))));
    assert!(Network::new(1, vec![2e9, 1e9], vec![c(0.0, 0.0); 2], vec![c(50.0, 0.0)]).is_err());
    assert!(Network::new(1, vec![1e9], vec![c(0.0, 0.0)], vec![c(-50.0, 0.0)]).is_err());
    // A lossless thing joined to itself so that the waves grow for ever.
    let through =
        Network::new(2, vec![1e9], vec![c(0.0, 0.0), c(1.0, 0.0), c(1.0, 0.0), c(0.0, 0.0)], vec![c(50.0, 0.0); 2]);
    let ring = connect(&through.expect("good"), &two, &[(0, 0), (1, 1)]);
    assert!(matches!(ring, Err(NetworkError::Port(_))));
}
