//! Errors on a lane as a Markov chain over line symbols: what is wrong now depends on what went wrong before.

/// One thing that may happen at a line symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// State before.
    pub from: usize,
    /// State after.
    pub to: usize,
    /// Probability, given the state before.
    pub probability: f64,
    /// Which bits of the symbol arrive wrong at the decoder: bit 0 stands for the first (most significant) bit sent,
    /// bit 1 for the second.
    pub wrong: u8,
}

/// A chain in its steady state.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Bits of a line symbol: 1 for NRZ, 2 for PAM4.
    pub bits: u32,
    /// Everything that may happen, sorted by the state before.
    pub steps: Vec<Step>,
    /// Share of time spent in each state.
    pub steady: Vec<f64>,
}

impl Chain {
    /// A chain of `states` states with the steps given; those of probability zero are dropped.
    pub fn new(bits: u32, states: usize, mut steps: Vec<Step>) -> Self {
        steps.retain(|step| step.probability > 0.0);
        steps.sort_by_key(|step| (step.from, step.to, step.wrong));
        let steady = steady_state(states, &steps);
        Self { bits, steps, steady }
    }

    /// Share of bits that arrive wrong.
    pub fn bit_error_ratio(&self) -> f64 {
        let wrong: f64 = self
            .steps
            .iter()
            .map(|step| self.steady[step.from] * step.probability * f64::from(step.wrong.count_ones()))
            .sum();
        wrong / f64::from(self.bits)
    }

    /// Share of line symbols with any wrong bit.
    pub fn symbol_error_ratio(&self) -> f64 {
        self.steps.iter().filter(|step| step.wrong != 0).map(|step| self.steady[step.from] * step.probability).sum()
    }

    /// The same chain begun in its first state, in which no error has just been made, instead of in its steady state:
    /// the convention of published burst tables, which leave out bursts that reach into a word from the one before.
    pub fn begun_clean(mut self) -> Self {
        self.steady.iter_mut().enumerate().for_each(|(state, share)| *share = if state == 0 { 1.0 } else { 0.0 });
        self
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.steady.len()
    }
}

/// The steady state by the elimination of Grassmann, Taksar and Heyman (Operations Research 33, 1985): no
/// subtraction occurs, so that rare states keep their relative precision. States that cannot be reached from the last
/// state that is left come out with a share of zero.
fn steady_state(states: usize, steps: &[Step]) -> Vec<f64> {
    if states == 0 {
        return Vec::new();
    }
    let mut p = vec![0.0; states * states];
    for step in steps {
        p[step.from * states + step.to] += step.probability;
    }
    for n in (1..states).rev() {
        let leave: f64 = p[n * states..n * states + n].iter().sum();
        if leave <= 0.0 {
            continue;
        }
        for i in 0..n {
            p[i * states + n] /= leave;
        }
        for i in 0..n {
            let enter = p[i * states + n];
            if enter == 0.0 {
                continue;
            }
            for j in 0..n {
                p[i * states + j] += enter * p[n * states + j];
            }
        }
    }
    let mut share = vec![0.0; states];
    share[0] = 1.0;
    for n in 1..states {
        share[n] = (0..n).map(|i| share[i] * p[i * states + n]).sum();
    }
    let total: f64 = share.iter().sum();
    share.iter().map(|s| s / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: usize, to: usize, probability: f64, wrong: u8) -> Step {
        Step { from, to, probability, wrong }
    }

    #[test]
    fn two_states_by_hand() {
        // In at 1e-30, out at 0.25: the share is 1e-30/0.25, to all digits.
        let chain =
            Chain::new(2, 2, vec![step(0, 0, 1.0, 0), step(0, 1, 1e-30, 1), step(1, 1, 0.75, 1), step(1, 0, 0.25, 0)]);
        assert!((chain.steady[1] / 4e-30 - 1.0).abs() < 1e-14);
        assert!((chain.bit_error_ratio() / 2e-30 - 1.0).abs() < 1e-14);
        assert!((chain.symbol_error_ratio() / 4e-30 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn the_steady_state_stays() {
        let rows = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.4, 0.2, 0.4]];
        let steps = (0..9).map(|i| step(i / 3, i % 3, rows[i / 3][i % 3], 0)).collect();
        let chain = Chain::new(1, 3, steps);
        for (j, share) in chain.steady.iter().enumerate() {
            let next: f64 = chain.steady.iter().zip(&rows).map(|(before, row)| before * row[j]).sum();
            assert!((next - share).abs() < 1e-15);
        }
    }
}
