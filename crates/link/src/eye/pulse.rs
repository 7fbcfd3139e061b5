//! The pulse that a receiver slices: samples over many unit intervals, a sampling instant, and what decision feedback
//! takes off.

/// Response to one symbol at the slicer, before decision feedback.
#[derive(Clone, Debug, PartialEq)]
pub struct EyePulse {
    /// Samples in V.
    pub samples: Vec<f64>,
    /// Samples per unit interval.
    pub samples_per_ui: usize,
    /// Index of the sampling instant.
    pub cursor: usize,
    /// What decision feedback takes off in V, one to so many unit intervals after the sampling instant, each held for
    /// half a unit interval about its instant.
    pub feedback_v: Vec<f64>,
}

impl EyePulse {
    /// Value at a time in unit intervals from the sampling instant, decision feedback taken off; zero outside the samples.
    pub fn at(&self, ui: f64) -> f64 {
        let held = (ui + 0.5).floor();
        let feedback = if held >= 1.0 { self.feedback_v.get(held as usize - 1).copied().unwrap_or(0.0) } else { 0.0 };
        self.before_feedback(ui) - feedback
    }

    /// Value before decision feedback.
    pub fn before_feedback(&self, ui: f64) -> f64 {
        interpolate(&self.samples, self.cursor as f64 + ui * self.samples_per_ui as f64)
    }

    /// Unit intervals from the first sample to the sampling instant and from there to the last, rounded up.
    pub fn reach_ui(&self) -> (i64, i64) {
        let per_ui = self.samples_per_ui.max(1);
        let after = self.samples.len().saturating_sub(self.cursor);
        (self.cursor.div_ceil(per_ui) as i64 + 1, after.div_ceil(per_ui) as i64 + 1)
    }

    /// Cursor and all other taps at a phase in unit intervals from the sampling instant.
    pub fn taps(&self, phase_ui: f64) -> (f64, Vec<f64>) {
        let (before, after) = self.reach_ui();
        let others = (-before..=after).filter(|n| *n != 0).map(|n| self.at(phase_ui + n as f64)).collect();
        (self.at(phase_ui), others)
    }
}

/// Cubic through four neighbours; samples outside count as zero. Beside a jump the value stays within its neighbours.
pub fn interpolate(samples: &[f64], at: f64) -> f64 {
    if at.is_nan() || at <= -1.0 || at >= samples.len() as f64 {
        return 0.0;
    }
    let below = at.floor();
    let share = at - below;
    let value = |offset: i64| {
        let index = below as i64 + offset;
        usize::try_from(index).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0.0)
    };
    if share == 0.0 {
        return value(0);
    }
    let [a, b, c, d] = [value(-1), value(0), value(1), value(2)];
    let cubic = b + 0.5 * share * (c - a + share * (2.0 * a - 5.0 * b + 4.0 * c - d + share * (3.0 * (b - c) + d - a)));
    let margin = 0.25 * (c - b).abs().max((b - a).abs().min((d - c).abs()));
    cubic.clamp(b.min(c) - margin, b.max(c) + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_samples_follow_the_curve() {
        let wave: Vec<f64> = (0..640).map(|i| (i as f64 * 0.08).sin()).collect();
        for at in [100.25, 200.5, 321.9] {
            assert!((interpolate(&wave, at) - (at * 0.08f64).sin()).abs() < 1e-4);
        }
        assert_eq!(interpolate(&wave, -3.0), 0.0);
        assert_eq!(interpolate(&wave, 5000.0), 0.0);
        assert_eq!(interpolate(&[], 0.0), 0.0);
    }

    #[test]
    fn feedback_is_held_about_its_instant() {
        let pulse = EyePulse { samples: vec![0.3; 40], samples_per_ui: 4, cursor: 8, feedback_v: vec![0.3, 0.1] };
        assert!((pulse.at(0.0) - 0.3).abs() < 1e-12);
        assert!(pulse.at(1.0).abs() < 1e-12 && pulse.at(1.4).abs() < 1e-12 && pulse.at(0.6).abs() < 1e-12);
        assert!((pulse.at(2.0) - 0.2).abs() < 1e-12);
        assert!((pulse.at(3.0) - 0.3).abs() < 1e-12);
    }
}
