//! Where the receiver samples (93A.1.6, 93A-25).

use crate::com::parameters::{Sampling, SamplingAnchor};
use std::ops::RangeInclusive;

/// What the search for the sampling instant needs to know.
#[derive(Clone, Debug)]
pub struct Clock {
    /// M.
    pub samples_per_ui: usize,
    /// Limit of the first feedback tap; 0 without feedback.
    pub first_tap_max: f64,
    /// How the first guess is found.
    pub sampling: Sampling,
    /// Samples among which the pulse's peak is looked for.
    pub peak_range: RangeInclusive<usize>,
}

/// A first guess, in samples from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The sampling instant.
    pub sample: usize,
    /// The pulse's peak.
    pub peak: usize,
}

impl Clock {
    /// The first guess for this pulse; `None` where it does not cross one hundredth of its peak, or too near an end.
    pub fn instant(&self, pulse: &[f64]) -> Option<Instant> {
        let m = self.samples_per_ui;
        let range = self.peak_range.clone();
        if *range.end() >= pulse.len() {
            return None;
        }
        let peak = range.start() + super::filters::first_largest(&pulse[range.clone()]);
        match self.sampling.anchor {
            SamplingAnchor::Peak => return Some(Instant { sample: peak, peak }),
            SamplingAnchor::LargestDifference => {
                if peak < 2 * m || peak + m >= pulse.len() {
                    return None;
                }
                let difference: Vec<f64> = (0..=2 * m).map(|k| pulse[peak + k - m] - pulse[peak + k - 2 * m]).collect();
                return Some(Instant { sample: peak - m + super::filters::first_largest(&difference), peak });
            }
            SamplingAnchor::MuellerMuller | SamplingAnchor::ModifiedMuellerMuller => {}
        }
        let threshold = 0.01 * pulse[peak];
        let from = peak.saturating_sub(4 * m);
        let side = |k: usize| {
            let d = pulse[k] - threshold;
            if d > 0.0 {
                1
            } else if d < 0.0 {
                -1
            } else {
                0
            }
        };
        let crossing = (from..peak).rev().find(|&k| side(k + 1) - side(k) >= 1)?;
        if crossing < m || crossing + 3 * m >= pulse.len() {
            return None;
        }
        let b1 = self.first_tap_max;
        let mut best = (f64::INFINITY, crossing);
        for k in crossing..=crossing + 2 * m {
            let metric = if self.sampling.anchor == SamplingAnchor::ModifiedMuellerMuller {
                (pulse[k + m] - b1 * pulse[k]).abs()
            } else {
                (pulse[k - m] - (pulse[k + m] - b1 * pulse[k]).max(0.0)).abs()
            };
            if metric < best.0 {
                best = (metric, k);
            }
        }
        Some(Instant { sample: best.1, peak })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(anchor: SamplingAnchor, first_tap_max: f64, n: usize) -> Clock {
        Clock {
            samples_per_ui: 8,
            first_tap_max,
            sampling: Sampling { anchor, adjustment: (0, 0) },
            peak_range: 0..=n - 1,
        }
    }

    /// A pulse that rises and falls over two unit intervals.
    fn pulse() -> Vec<f64> {
        let mut p = vec![0.0; 200];
        for k in 0..=16 {
            p[60 + k] = k as f64 / 16.0;
            p[92 - k] = k as f64 / 16.0;
        }
        p
    }

    #[test]
    fn precursor_equals_what_feedback_leaves_of_the_postcursor() {
        let p = pulse();
        for b1 in [0.0, 0.3, 1.0] {
            let at = clock(SamplingAnchor::MuellerMuller, b1, 200).instant(&p).expect("crosses");
            assert_eq!(at.peak, 76);
            let (before, after) = (p[at.sample - 8], (p[at.sample + 8] - b1 * p[at.sample]).max(0.0));
            // One sample is a sixteenth of the slope on each of the three instants.
            assert!((before - after).abs() <= 1.5 / 16.0, "{b1}: {before} {after}");
        }
        assert_eq!(clock(SamplingAnchor::MuellerMuller, 0.0, 200).instant(&p).map(|i| i.sample), Some(76), "symmetric");
    }

    #[test]
    fn a_pulse_without_a_crossing_has_no_instant() {
        assert_eq!(clock(SamplingAnchor::MuellerMuller, 0.0, 200).instant(&vec![1.0; 200]), None);
        assert_eq!(clock(SamplingAnchor::Peak, 0.0, 200).instant(&pulse()).map(|i| i.sample), Some(76));
    }
}
