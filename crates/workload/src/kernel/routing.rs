//! Which tokens meet on which rank of a mixture of experts: what the most loaded rank has to do.
//!
//! Benchmarks of such layers draw the popularity of experts from a bounded power law (inverse distribution function of
//! `x^-alpha` between 1 and 0.8 times the tokens) and measure the rank that got most. Here the quantiles of that law
//! stand for the draw, and a few fixed shuffles for the placing of experts on ranks.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

/// How popular experts are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// Every expert gets the same.
    Balanced,
    /// Popularity follows a power law with this exponent.
    PowerLaw(f64),
}

impl Routing {
    /// The spellings of files: `balanced`, `power_law_1.01`, `power_law_1.2`; `uniform` counts as balanced.
    pub fn from_name(text: &str) -> Option<Self> {
        if matches!(text, "balanced" | "uniform") {
            return Some(Self::Balanced);
        }
        let exponent: f64 = text.strip_prefix("power_law")?.trim_start_matches('_').parse().ok()?;
        (exponent.is_finite() && exponent > 0.0 && exponent <= 4.0).then_some(Self::PowerLaw(exponent))
    }

    /// Place on an axis of skew: 0 balanced, 1 for an exponent of 1.01, 2 for 1.2 and above.
    pub fn skew(self) -> f64 {
        match self {
            Self::Balanced => 0.0,
            Self::PowerLaw(exponent) => (1.0 + (exponent - 1.01) / 0.19).clamp(0.0, 2.0),
        }
    }
}

/// What the most loaded rank does, means over shuffles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankLoad {
    /// Pairs of token and expert.
    pub pairs: f64,
    /// Experts that get any: their weights are read.
    pub touched: f64,
}

/// Loads that were asked for before: tables ask for the same few routings over and over.
#[derive(Debug, Default)]
pub struct Loads(HashMap<(u64, u32, u32, u32, u64), RankLoad>);

impl Loads {
    /// As [`most_loaded`].
    pub fn of(&mut self, tokens: f64, experts: u32, active: u32, ranks: u32, routing: Routing) -> RankLoad {
        let exponent = match routing {
            Routing::Balanced => 0.0,
            Routing::PowerLaw(exponent) => exponent,
        };
        let key = (tokens.to_bits(), experts, active, ranks, exponent.to_bits());
        *self.0.entry(key).or_insert_with(|| most_loaded(tokens, experts, active, ranks, routing))
    }
}

const SHUFFLES: u64 = 4;

/// The load of the most loaded of `ranks`, which hold `experts` between them, when each of `tokens` visits `active`.
pub fn most_loaded(tokens: f64, experts: u32, active: u32, ranks: u32, routing: Routing) -> RankLoad {
    let all = tokens * f64::from(active);
    let (count, ranks) = (f64::from(experts.max(1)), ranks.max(1).min(experts.max(1)));
    let Routing::PowerLaw(exponent) = routing else {
        let share = f64::from(ranks);
        return RankLoad {
            pairs: (all / share).max(all.min(1.0)),
            touched: (all.min(count) / share).max(all.min(1.0)),
        };
    };
    // A whole exponent of 1 has no closed inverse; a hair beside it does.
    let power = if (1.0 - exponent).abs() < 1e-6 { -1e-6 } else { 1.0 - exponent };
    let top = libm::pow((tokens * 0.8).max(1.0001), power);
    let mut given: Vec<f64> = (0..experts.max(1))
        .map(|at| libm::pow((f64::from(at) + 0.5) / count * (top - 1.0) + 1.0, 1.0 / power))
        .collect();
    let sum: f64 = given.iter().sum();
    for share in &mut given {
        *share = (*share / sum * all).min(tokens);
    }
    // Where tokens are few, which experts they hit is chance: an expert that expects x of them is touched with 1 - e^-x.
    let few = all < 8.0 * count;
    let held = (experts.max(1) / ranks).max(1) as usize;
    let mut mean = RankLoad { pairs: 0.0, touched: 0.0 };
    for shuffle in 0..SHUFFLES {
        let mut order = given.clone();
        let mut chance = ChaCha8Rng::seed_from_u64(shuffle);
        for at in (1..order.len()).rev() {
            order.swap(at, (chance.next_u64() % (at as u64 + 1)) as usize);
        }
        let sum = |group: &&[f64]| group.iter().sum::<f64>();
        let Some(most) = order.chunks(held).max_by(|a, b| sum(a).total_cmp(&sum(b))) else { continue };
        let hit = |pairs: &f64| if few { 1.0 - libm::exp(-pairs) } else { pairs.min(1.0) };
        mean.pairs += sum(&most) / SHUFFLES as f64;
        mean.touched += most.iter().map(hit).sum::<f64>() / SHUFFLES as f64;
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_divides() {
        let load = most_loaded(1024.0, 256, 8, 16, Routing::Balanced);
        assert_eq!((load.pairs, load.touched), (512.0, 16.0));
        let one = most_loaded(1.0, 256, 8, 64, Routing::Balanced);
        assert_eq!((one.pairs, one.touched), (1.0, 1.0), "a rank that is measured has something to do");
    }

    #[test]
    fn skew_loads_one_rank_more_and_conserves_tokens() {
        let even = most_loaded(4096.0, 256, 8, 16, Routing::Balanced);
        let skewed = most_loaded(4096.0, 256, 8, 16, Routing::PowerLaw(1.2));
        assert!(skewed.pairs > 1.3 * even.pairs, "{skewed:?} {even:?}");
        let whole = most_loaded(4096.0, 256, 8, 1, Routing::PowerLaw(1.01));
        assert!((whole.pairs - 4096.0 * 8.0).abs() < 1.0, "{whole:?}");
        assert!(whole.touched <= 256.0);
    }

    #[test]
    fn names() {
        assert_eq!(Routing::from_name("power_law_1.2"), Some(Routing::PowerLaw(1.2)));
        assert_eq!(Routing::from_name("balanced"), Some(Routing::Balanced));
        assert_eq!(Routing::from_name("power_law_x"), None);
        assert!((Routing::PowerLaw(1.01).skew() - 1.0).abs() < 1e-12 && Routing::PowerLaw(1.2).skew() > 1.99);
    }
}
