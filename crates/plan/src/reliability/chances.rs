//! Small probability functions.

use lanewright_model::units::{Fit, HOURS_PER_YEAR};

/// Annual failure rate: the chance that one part fails within a year, `1 - exp(-FIT * 8760e-9)`.
pub fn annual_failure_rate(rate: Fit) -> f64 {
    -(-rate.0 * HOURS_PER_YEAR * 1e-9).exp_m1()
}

/// Random failures expected among so many parts in so many hours.
pub fn expected_failures(rate: Fit, parts: f64, hours: f64) -> f64 {
    rate.0 * 1e-9 * parts * hours
}

/// Smallest number that a Poisson count of this mean exceeds with a chance of at most `1 - level`.
pub fn poisson_quantile(mean: f64, level: f64) -> u32 {
    if mean.is_nan() || mean <= 0.0 || level <= 0.0 {
        return 0;
    }
    let level = level.min(1.0 - 1e-12);
    // Terms relative to the greatest one, so that nothing underflows for large means.
    let mode = mean.floor();
    // Twelve deviations to either side hold all that a double can tell from 1, and keep huge means cheap.
    let reach = 12.0 * mean.sqrt() + 40.0;
    if mean + reach >= f64::from(u32::MAX) {
        return u32::MAX;
    }
    let (first, last) = ((mean - reach).max(0.0) as u32, (mean + reach) as u32);
    let log_term = |k: f64| k * mean.ln() - log_factorial(k);
    let top = log_term(mode);
    let term = |k: u32| (log_term(f64::from(k)) - top).exp();
    let total: f64 = (first..=last).map(term).sum();
    let mut sum = 0.0;
    for k in first..=last {
        sum += term(k);
        if sum >= level * total {
            return k;
        }
    }
    last
}

/// Natural logarithm of a factorial (Stirling's series from 20 up, exact sums below).
fn log_factorial(k: f64) -> f64 {
    if k < 20.0 {
        return (2..=k as u32).map(|i| f64::from(i).ln()).sum();
    }
    let n = k + 1.0;
    (n - 0.5) * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

/// Chances of 0, 1, ... `most` events among `count` independent ones of chance `each`.
pub fn binomial(count: u32, each: f64, most: u32) -> Vec<f64> {
    let most = most.min(count);
    if each >= 1.0 {
        let mut all = vec![0.0; most as usize + 1];
        if most == count {
            all[count as usize] = 1.0;
        }
        return all;
    }
    let mut chance = (f64::from(count) * (-each).ln_1p()).exp();
    let odds = each / (1.0 - each);
    let mut all = Vec::with_capacity(most as usize + 1);
    for k in 0..=most {
        all.push(chance);
        chance *= f64::from(count - k) / f64::from(k + 1) * odds;
    }
    all
}

/// Share of time that a part is out of service: `rate * repair / (1 + rate * repair)` in steady state.
pub fn unavailability(rate: Fit, repair_hours: f64) -> f64 {
    let load = rate.0 * 1e-9 * repair_hours;
    load / (1.0 + load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_rates_agree_with_published_pairs() {
        // Optical module of 600,000 h; AEC of 100 million hours (a marketing bound).
        assert!((annual_failure_rate(Fit(1667.0)) - 0.0145).abs() < 5e-5);
        assert!((annual_failure_rate(Fit(10.0)) - 0.000_09).abs() < 5e-6);
    }

    #[test]
    fn llama_3_lost_35_jobs_to_the_network() {
        // 16,384 GPUs for 54 days at 1,650 FIT per attached GPU.
        let failures = expected_failures(Fit(1650.0), 16_384.0, 54.0 * 24.0);
        assert!((failures - 35.0).abs() < 0.1, "{failures}");
    }

    #[test]
    fn spares_cover_the_service_level() {
        // P(N <= 0) = 0.607, P(N <= 1) = 0.910, P(N <= 2) = 0.986 for a mean of one half.
        assert_eq!(poisson_quantile(0.5, 0.60), 0);
        assert_eq!(poisson_quantile(0.5, 0.90), 1);
        assert_eq!(poisson_quantile(0.5, 0.95), 2);
        assert_eq!(poisson_quantile(0.0, 0.99), 0);
        // Large means come near the normal law: 10,000 + 1.645 * 100.
        let large = poisson_quantile(10_000.0, 0.95);
        assert!((10_160..=10_170).contains(&large), "{large}");
        // A FIT figure that is off by many powers of ten must not take minutes.
        let huge = poisson_quantile(1e9, 0.95);
        assert!((1_000_051_900..=1_000_052_100).contains(&huge), "{huge}");
        assert_eq!(poisson_quantile(f64::MAX, 0.95), u32::MAX);
    }

    #[test]
    fn binomial_chances_add_up() {
        let sum: f64 = binomial(72, 0.01, 72).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert!((binomial(4, 0.5, 2).iter().sum::<f64>() - 11.0 / 16.0).abs() < 1e-12);
        assert_eq!(binomial(3, 1.0, 2), vec![0.0, 0.0, 0.0]);
    }
}
