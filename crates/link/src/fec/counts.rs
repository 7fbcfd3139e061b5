//! How many symbols of a code word are wrong: a distribution whose far tail keeps its precision.

/// ln(e^a + e^b) without leaving the range of numbers.
pub fn ln_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Distribution of a count J, exact up to `limit` and summed beyond it.
///
/// Everything is a natural logarithm of a probability, and nothing is ever found by subtraction from one, so that
/// tails of 1e-300 are as good as those of 1e-3.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// ln P(J = j) for j up to the limit.
    pub ln: Vec<f64>,
    /// ln P(J > limit).
    pub ln_over: f64,
    /// ln E(J; J > limit): the mean over outcomes beyond the limit, times their probability.
    pub ln_over_mean: f64,
    /// E(J).
    pub mean: f64,
}

impl Counts {
    /// The count that is always zero.
    pub fn none(limit: usize) -> Self {
        let mut ln = vec![f64::NEG_INFINITY; limit + 1];
        ln[0] = 0.0;
        Self { ln, ln_over: f64::NEG_INFINITY, ln_over_mean: f64::NEG_INFINITY, mean: 0.0 }
    }

    /// `trials` independent events of probability `chance`: the binomial distribution.
    pub fn binomial(trials: usize, chance: f64, limit: usize) -> Self {
        if trials == 0 || chance <= 0.0 {
            return Self::none(limit);
        }
        let (ln_yes, ln_no) = (chance.ln(), (-chance).ln_1p());
        let n = trials as f64;
        let ln_factorial = |x: f64| libm::lgamma(x + 1.0);
        let term = |j: usize| {
            let j = j as f64;
            // At chance 1, no trial fails: 0 times minus infinity is meant to be 0.
            let no = if j == n { 0.0 } else { (n - j) * ln_no };
            ln_factorial(n) - ln_factorial(j) - ln_factorial(n - j) + j * ln_yes + no
        };
        let mut out = Self::none(limit);
        for (j, ln) in out.ln.iter_mut().enumerate() {
            *ln = if j <= trials { term(j) } else { f64::NEG_INFINITY };
        }
        for j in limit + 1..=trials {
            let ln = term(j);
            out.ln_over = ln_add(out.ln_over, ln);
            out.ln_over_mean = ln_add(out.ln_over_mean, ln + (j as f64).ln());
        }
        out.mean = n * chance;
        out
    }

    /// Adds an outcome: so many, with this ln of a probability.
    pub fn push(&mut self, count: usize, ln: f64) {
        match self.ln.get_mut(count) {
            Some(slot) => *slot = ln_add(*slot, ln),
            None => {
                self.ln_over = ln_add(self.ln_over, ln);
                self.ln_over_mean = ln_add(self.ln_over_mean, ln + (count as f64).ln());
            }
        }
        self.mean += count as f64 * ln.exp();
    }

    /// Largest count that is kept apart.
    pub fn limit(&self) -> usize {
        self.ln.len() - 1
    }

    /// The sum of two independent counts with the same limit.
    pub fn plus(&self, other: &Self) -> Self {
        let limit = self.limit().min(other.limit());
        let mut out = Self::none(limit);
        out.ln[0] = f64::NEG_INFINITY;
        out.mean = self.mean + other.mean;
        for (i, &a) in self.ln.iter().enumerate() {
            if a == f64::NEG_INFINITY {
                continue;
            }
            for (j, &b) in other.ln.iter().enumerate() {
                let (sum, ln) = (i + j, a + b);
                if sum <= limit {
                    out.ln[sum] = ln_add(out.ln[sum], ln);
                } else {
                    out.ln_over = ln_add(out.ln_over, ln);
                    out.ln_over_mean = ln_add(out.ln_over_mean, ln + (sum as f64).ln());
                }
            }
            out.ln_over = ln_add(out.ln_over, a + other.ln_over);
            out.ln_over_mean = ln_add(out.ln_over_mean, a + other.ln_over_mean);
            out.ln_over_mean = ln_add(out.ln_over_mean, a + (i as f64).ln() + other.ln_over);
        }
        // Beyond the limit already: the other may be anything.
        out.ln_over = ln_add(out.ln_over, self.ln_over);
        out.ln_over_mean = ln_add(out.ln_over_mean, self.ln_over_mean);
        out.ln_over_mean = ln_add(out.ln_over_mean, self.ln_over + other.mean.ln());
        out
    }

    /// The sum of `times` independent copies.
    pub fn repeated(&self, times: usize) -> Self {
        let mut out = Self::none(self.limit());
        let mut power = self.clone();
        let mut left = times;
        while left > 0 {
            if left & 1 == 1 {
                out = out.plus(&power);
            }
            left >>= 1;
            if left > 0 {
                power = power.plus(&power.clone());
            }
        }
        out
    }

    /// P(J > limit).
    pub fn over(&self) -> f64 {
        self.ln_over.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a == b) || (a - b).abs() < 1e-9 * a.abs().max(1.0)
    }

    #[test]
    fn small_binomial_by_hand() {
        // Three coins, at most one head: P(0) = 1/8, P(1) = 3/8, P(>1) = 1/2, E(J; J>1) = 2·3/8 + 3/8 = 9/8.
        let c = Counts::binomial(3, 0.5, 1);
        assert!((c.ln[0].exp() - 0.125).abs() < 1e-14 && (c.ln[1].exp() - 0.375).abs() < 1e-14);
        assert!((c.over() - 0.5).abs() < 1e-14 && (c.ln_over_mean.exp() - 1.125).abs() < 1e-14);
        assert!((Counts::binomial(3, 1.0, 1).over() - 1.0).abs() < 1e-14);
        assert_eq!(Counts::binomial(3, 0.0, 1).over(), 0.0);
    }

    #[test]
    fn far_tails_are_those_of_the_leading_term() {
        // P(J > 15) of 544 trials at 1e-20: C(544, 16) 1e-320 within 1e-17 of itself; its logarithm is finite.
        let c = Counts::binomial(544, 1e-20, 15);
        let ln_choose = (0..16).map(|i| f64::from(544 - i).ln() - f64::from(i + 1).ln()).sum::<f64>();
        assert!((c.ln_over - (ln_choose + 16.0 * 1e-20f64.ln())).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn sums_of_binomials_are_binomials(a in 1usize..60, b in 1usize..60, p in 1e-9f64..0.6, limit in 1usize..8) {
            let sum = Counts::binomial(a, p, limit).plus(&Counts::binomial(b, p, limit));
            let whole = Counts::binomial(a + b, p, limit);
            for (x, y) in sum.ln.iter().zip(&whole.ln) {
                prop_assert!(close(*x, *y), "{sum:?} {whole:?}");
            }
            prop_assert!(close(sum.ln_over, whole.ln_over) && close(sum.ln_over_mean, whole.ln_over_mean));
            let total = sum.ln.iter().fold(sum.ln_over, |t, l| ln_add(t, *l));
            prop_assert!(total.abs() < 1e-9);
        }

        #[test]
        fn repetition_is_repeated_addition(times in 0usize..9, p in 1e-6f64..0.5) {
            let one = Counts::binomial(5, p, 4);
            let all = one.repeated(times);
            let whole = Counts::binomial(5 * times, p, 4);
            prop_assert!(close(all.ln_over, whole.ln_over));
            prop_assert!(close(all.ln[2], whole.ln[2]));
        }
    }
}
