//! Answers of SimGrid 3.32 (CM02 without gamma, cross traffic and weights; Debian's libsimgrid) to the same scenarios,
//! and closed forms.

use super::*;
use crate::outcome::End;

fn makespan_us(network: &Network, traffic: &Traffic) -> f64 {
    outcome(network, traffic, &Settings::default()).makespan(End::Delivered).as_us()
}

fn near(value: f64, wanted: f64, share: f64) {
    assert!((value - wanted).abs() <= share * wanted, "{value} is not {wanted}");
}

#[test]
fn permutations() {
    for endpoints in [128, 432] {
        let half = endpoints / 2;
        let traffic = messages((0..endpoints).map(|from| (from, (from + half) % endpoints, 2_000_000)));
        near(makespan_us(&tree(endpoints, 3), &traffic), 46.0, 1e-9);
    }
}

#[test]
fn incasts() {
    for (senders, wanted) in [(16, 646.0), (64, 2566.0)] {
        let traffic = messages((128 - senders..128).map(|from| (from, 0, 2_000_000)));
        near(makespan_us(&tree(128, 3), &traffic), wanted, 1e-9);
    }
}

#[test]
fn rings_in_steps() {
    // SimGrid prints 37,664.964, 43,034.584, 2432.810 and 921.151 us.
    let network = tree(128, 3);
    for (ranks, total, peer) in
        [(8, 1u64 << 30, 37_664.964), (64, 1 << 30, 43_034.584), (8, 64 << 20, 2432.810), (64, 4 << 20, 921.151)]
    {
        let makespan = makespan_us(&network, &ring_in_steps(ranks, 128 / ranks, total));
        near(makespan, peer, 1e-6);
        // 2(p - 1)(a + S/p b), 6 us between pods.
        near(makespan, f64::from(2 * (ranks - 1)) * (6.0 + (total / u64::from(ranks)) as f64 / 50e3), 1e-9);
    }
}

#[test]
fn all_to_all() {
    let pairs = (1..64).flat_map(|shift| (0..64).map(move |from| (from, (from + shift) % 64, 262_144)));
    near(makespan_us(&tree(128, 3), &messages(pairs)), 332.301, 2e-6);
}

#[test]
fn a_ring_of_chains_over_one_switch() {
    // Over one switch all delays are alike, so that no step need wait for another chain.
    let network = tree(16, 1);
    let makespan = makespan_us(&network, &ring_of_chains(16, 1, 16 << 20));
    near(makespan, 30.0 * (2.0 + f64::from(1 << 20) / 50e3), 1e-9);
}
