//! Replay in closed form.

/// Share of a link's rate that go-back-N replay leaves: `(1 - P) / (1 + P * round * rate / unit)`, where `P` is the
/// probability that a unit is spoilt and `in_round` the units that fit between a unit's end and the first that is sent
/// again. Every failure costs the unit and the round; `P / (1 - P)` failures precede a success.
pub fn replay_goodput(spoilt: f64, in_round: f64) -> f64 {
    if spoilt >= 1.0 {
        return 0.0;
    }
    (1.0 - spoilt) / (1.0 + spoilt * in_round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_sum_over_failures() {
        let (spoilt, round) = (0.01, 31.0);
        // Mean units per success: 1 + sum over n of P^n (1 + round).
        let cost: f64 = 1.0 + (1..60).map(|n| f64::powi(spoilt, n) * (1.0 + round)).sum::<f64>();
        assert!((replay_goodput(spoilt, round) * cost - 1.0).abs() < 1e-12);
        assert_eq!(replay_goodput(0.0, 1e9), 1.0);
        assert_eq!(replay_goodput(1.0, 1.0), 0.0);
    }
}
