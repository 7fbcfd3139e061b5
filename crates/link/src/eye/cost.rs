//! What each term costs: crosstalk 0.8 dB, intersymbol interference 1.9 dB, and so on.
//!
//! Terms overlap: two equal noises cost 3 dB together, not 6, and what one of them costs depends on which comes first.
//! So two figures are given for each:
//!
//! - **share**: its part of the way down, averaged over all orders in which the terms can be added (the Shapley value).
//!   Shares add up exactly: in mV to A_ni; in dB from the margin with the floor alone to the margin with everything. The
//!   floor is the first term present of receiver noise, transmitter noise, quantisation, interference, crosstalk,
//!   jitter: without any term the margin would be infinite.
//! - **alone**: how much the margin would grow if this term were removed and all others stayed. These do not add up.

use serde::Serialize;

use super::input::{EyeInput, Term};
use super::statistical::Interference;

/// Bins to the cursor's amplitude: two thousandths of an eye of PAM4.
const BINS: usize = 768;

/// Costs of all terms that are there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostBreakdown {
    /// A_s in mV.
    pub signal_mv: f64,
    /// A_ni with all terms in mV.
    pub interference_mv: f64,
    /// Margin in dB: 20 log10 (A_s / A_ni), as COM.
    pub margin_db: f64,
    /// The term that the dB waterfall starts from.
    pub floor: Option<Term>,
    /// Margin in dB with the floor alone.
    pub floor_margin_db: f64,
    /// One per term, in the order of [`Term::ALL`].
    pub terms: Vec<TermCost>,
}

/// Cost of one term.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TermCost {
    /// Which.
    pub term: Term,
    /// Part of A_ni in mV, averaged over all orders.
    pub share_mv: f64,
    /// Part of the way from the floor's margin down in dB, averaged over all orders; 0 for the floor itself.
    pub share_db: f64,
    /// Gain of margin in dB if this term alone were gone.
    pub alone_db: f64,
    /// A_ni in mV if this term were the only one.
    pub only_mv: f64,
}

/// Works out the costs at the sampling instant. `input` must have passed [`EyeInput::check`].
pub fn costs(input: &EyeInput, target: f64) -> CostBreakdown {
    let terms: Vec<Term> = Term::ALL.into_iter().filter(|term| input.has(*term)).collect();
    let count = terms.len();
    let interference = Interference::of(input, target, BINS);
    let signal = input.signal_v();
    // A_ni of every set of terms, by bits. A tenth of a bin keeps logarithms finite.
    let least = 0.1 * input.bin_v(BINS);
    let a_ni: Vec<f64> = (0..1usize << count)
        .map(|set| {
            let has = |term: Term| terms.iter().position(|t| *t == term).is_some_and(|at| set >> at & 1 == 1);
            if set == 0 { 0.0 } else { interference.with(has).max(least) }
        })
        .collect();
    let all = a_ni.len() - 1;
    let margin = |set: usize| 20.0 * (signal / a_ni[set]).log10();
    let members: Vec<usize> = (0..count).collect();
    let in_mv = shapley(&members, |set| a_ni[set] * 1e3);
    // The floor, term 0, is in every set of the dB game.
    let others: Vec<usize> = (1..count).collect();
    let in_db = shapley(&others, |set| if count == 0 { 0.0 } else { margin(1) - margin(set | 1) });
    let cost = |at: usize| TermCost {
        term: terms[at],
        share_mv: in_mv[at],
        share_db: if at == 0 { 0.0 } else { in_db[at - 1] },
        alone_db: if count == 1 { f64::INFINITY } else { margin(all & !(1 << at)) - margin(all) },
        only_mv: a_ni[1 << at] * 1e3,
    };
    CostBreakdown {
        signal_mv: signal * 1e3,
        interference_mv: a_ni[all] * 1e3,
        margin_db: if count == 0 { f64::INFINITY } else { margin(all) },
        floor: terms.first().copied(),
        floor_margin_db: if count == 0 { f64::INFINITY } else { margin(1) },
        terms: (0..count).map(cost).collect(),
    }
}

/// Each player's value, averaged over all orders. Players are bits of a set; `value` of the empty set is taken from the
/// same function.
fn shapley(players: &[usize], value: impl Fn(usize) -> f64) -> Vec<f64> {
    let n = players.len();
    let factorial = |k: usize| (1..=k).map(|i| i as f64).product::<f64>();
    let set_of = |choice: usize| {
        players.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1).fold(0usize, |set, (_, p)| set | 1 << p)
    };
    let values: Vec<f64> = (0..1usize << n).map(|choice| value(set_of(choice))).collect();
    (0..n)
        .map(|player| {
            let without = (0..1usize << n).filter(|choice| choice >> player & 1 == 0);
            without
                .map(|choice| {
                    let size = choice.count_ones() as usize;
                    let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
                    weight * (values[choice | 1 << player] - values[choice])
                })
                .sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_fair_and_add_up() {
        // Two equal players that do the same work, and one that does nothing.
        let value = |set: usize| if set & 0b11 != 0 { 6.0 } else { 0.0 };
        assert_eq!(shapley(&[0, 1, 2], value), vec![3.0, 3.0, 0.0]);
        assert!(shapley(&[], |_| 1.0).is_empty());
    }
}
