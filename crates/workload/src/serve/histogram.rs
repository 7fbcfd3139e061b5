//! Many values of one quantity, counted in classes of one percent.

use serde::Serialize;

/// Least value that has a class of its own, seconds.
const LEAST: f64 = 1e-6;

/// Classes per factor of e: one percent wide.
const PER_E: f64 = 100.0;

/// Counts of positive values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: f64,
}

impl Histogram {
    /// Adds a value so many times.
    pub fn add(&mut self, value: f64, times: u64) {
        if !value.is_finite() || value < 0.0 {
            return;
        }
        let class = ((value.max(LEAST) / LEAST).ln() * PER_E) as usize;
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += times;
        self.total += times;
        self.sum += value * times as f64;
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Their mean; none without values.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum / self.total as f64)
    }

    /// The value that a share of all lies at or below, within one percent; none without values.
    pub fn at(&self, share: f64) -> Option<f64> {
        let wanted = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut sum = 0;
        for (class, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= wanted {
                return Some(LEAST * ((class as f64 + 0.5) / PER_E).exp());
            }
        }
        None
    }

    /// Steps of the distribution: value and share of all up to it.
    pub fn distribution(&self) -> Vec<(f64, f64)> {
        let mut sum = 0;
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(class, count)| {
                sum += count;
                (LEAST * ((class as f64 + 0.5) / PER_E).exp(), sum as f64 / self.total as f64)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_one_percent_wide() {
        let mut histogram = Histogram::default();
        for at in 1..=1000 {
            histogram.add(f64::from(at) * 1e-4, 2);
        }
        assert_eq!(histogram.count(), 2000);
        for share in [0.01, 0.5, 0.9, 0.99] {
            let value = histogram.at(share).unwrap_or(0.0);
            assert!((value / (share * 0.1) - 1.0).abs() < 0.011, "{share} {value}");
        }
        assert!((histogram.mean().unwrap_or(0.0) - 0.05005).abs() < 1e-9);
        assert_eq!(Histogram::default().at(0.5), None);
    }
}
