//! The few constants of a physical formula (a floor, two efficiencies) that fit best: a pattern search over their
//! logarithms. No gradients, no chance: the same rows give the same constants.

/// Factors that minimise a cost, from a start on, each kept between `low` and `high`. Steps start at `e^0.5` and halve
/// until they are below half a percent.
pub fn minimise<const N: usize>(
    start: [f64; N],
    low: [f64; N],
    high: [f64; N],
    cost: impl Fn(&[f64; N]) -> f64,
) -> [f64; N] {
    let mut best = start;
    for at in 0..N {
        best[at] = best[at].clamp(low[at], high[at]);
    }
    let mut least = cost(&best);
    let mut step = 0.5f64;
    while step > 0.005 {
        let mut moved = false;
        for at in 0..N {
            for factor in [step.exp(), (-step).exp()] {
                let mut trial = best;
                trial[at] = (trial[at] * factor).clamp(low[at], high[at]);
                let price = cost(&trial);
                if price < least {
                    (best, least, moved) = (trial, price, true);
                }
            }
        }
        if !moved {
            step /= 2.0;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_is_found() {
        let cost = |x: &[f64; 2]| (x[0].ln() - 2.0).powi(2) + (x[1].ln() + x[0].ln() - 1.0).powi(2);
        let [a, b] = minimise([1.0, 1.0], [1e-3; 2], [1e3; 2], cost);
        assert!((a.ln() - 2.0).abs() < 0.02 && (b.ln() + 1.0).abs() < 0.02, "{a} {b}");
    }

    #[test]
    fn bounds_hold() {
        assert_eq!(minimise([1.0], [0.5], [2.0], |x| -x[0]), [2.0]);
    }
}
