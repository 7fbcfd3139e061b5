//! Jitter of the sampling instant against the data, as weights over phases.

/// Random and dual-Dirac jitter in unit intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jitter {
    /// Standard deviation of the random part (sigma_RJ).
    pub random_ui: f64,
    /// Half the distance of the two Diracs (A_DD).
    pub dual_dirac_ui: f64,
}

impl Jitter {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.random_ui <= 0.0 && self.dual_dirac_ui <= 0.0
    }

    /// Weights of the phases `-n..=n` in steps of `step_ui`, out to `reach` standard deviations. Their sum is one; mean
    /// and variance are those of the jitter.
    pub fn weights(&self, step_ui: f64, reach: f64) -> Vec<f64> {
        let mut dirac = super::amplitude::Amplitude::gaussian(step_ui, self.random_ui.max(0.0), reach);
        if self.dual_dirac_ui > 0.0 {
            dirac.add_pair(self.dual_dirac_ui);
        }
        let half = dirac.bins().map(|(ui, _)| (ui / step_ui).abs().round() as usize).max().unwrap_or(0);
        let mut weights = vec![0.0; 2 * half + 1];
        for (ui, mass) in dirac.bins() {
            let at = (ui / step_ui).round() as i64 + half as i64;
            if let Some(weight) = usize::try_from(at).ok().and_then(|i| weights.get_mut(i)) {
                *weight += mass;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_variance_of_the_jitter() {
        for (random, dirac) in [(0.01, 0.02), (0.0, 0.05), (0.02, 0.0), (0.004, 0.013)] {
            let step = 1.0 / 64.0;
            let weights = Jitter { random_ui: random, dual_dirac_ui: dirac }.weights(step, 8.0);
            let half = weights.len() as f64 / 2.0 - 0.5;
            let sum: f64 = weights.iter().sum();
            let power: f64 = weights.iter().enumerate().map(|(i, w)| w * ((i as f64 - half) * step).powi(2)).sum();
            assert!((sum - 1.0).abs() < 1e-12);
            assert!((power / (random * random + dirac * dirac) - 1.0).abs() < 6e-3, "{random} {dirac}: {power}");
        }
        assert_eq!(Jitter::default().weights(0.1, 8.0), vec![1.0]);
    }
}
