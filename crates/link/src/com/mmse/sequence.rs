//! What sequence detection gains by annex 178A.1.10 of drafts 3.x of 802.3dj.
//!
//! Receiver noise is raised until the margin without sequence detection falls by a given amount; the detector's error
//! ratio under that noise, summed over the lengths of error events, says how far out it would still stand (178A-49 to
//! 178A-56).

use super::tails;
use crate::com::distribution::Distribution;

/// What the detector sees.
#[derive(Clone, Copy, Debug)]
pub struct Detected<'a> {
    /// L.
    pub levels: u32,
    /// DER_0.
    pub error_ratio: f64,
    /// First feedback tap.
    pub feedback: f64,
    /// A_s in V.
    pub a_s: f64,
    /// Everything but Gaussian noise.
    pub rest: &'a Distribution,
    /// Variance of Gaussian noise in V².
    pub gaussian: f64,
    /// Correlation of the receiver's noise in V², by lag.
    pub receiver: &'a [f64],
    /// Correlation of all noise and residual interference in V², by lag.
    pub correlation: &'a [f64],
    /// Delta COM in dB.
    pub penalty_db: f64,
}

/// The detector's result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// What is added to COM, in dB; never below zero.
    pub gain_db: f64,
    /// g_an: receiver noise that is added, as a multiple of what is there.
    pub added_noise: f64,
    /// Detector error ratio under it.
    pub error_ratio: f64,
}

/// Normal distribution out to nine standard deviations.
/// Without noise, all at zero.
pub fn normal(variance: f64, bin_v: f64) -> Distribution {
    if variance <= 0.0 {
        return Distribution::certain(bin_v);
    }
    let half = (9.0 * variance.sqrt() / bin_v).ceil() as i64;
    let mut probability: Vec<f64> =
        (-half..=half).map(|at| (-(at as f64 * bin_v).powi(2) / (2.0 * variance)).exp()).collect();
    let sum: f64 = probability.iter().sum();
    for p in &mut probability {
        *p /= sum;
    }
    Distribution { bin_v, first: -half, probability }
}

/// The amplitude below zero that is passed with probability `share`, between bins on a line through the logarithms.
pub fn lower_quantile(distribution: &Distribution, share: f64) -> f64 {
    let mut sum = 0.0;
    for (at, p) in distribution.probability.iter().enumerate() {
        let before = sum;
        sum += p;
        if sum >= share {
            let bin = (distribution.first + at as i64) as f64;
            if before <= 0.0 {
                return bin * distribution.bin_v;
            }
            let part = (share.ln() - before.ln()) / (sum.ln() - before.ln());
            return (bin - 1.0 + part) * distribution.bin_v;
        }
    }
    (distribution.first + distribution.probability.len() as i64 - 1) as f64 * distribution.bin_v
}

/// Probability of `value` or less, between bins on a line through the logarithms.
fn probability_below(distribution: &Distribution, value: f64) -> f64 {
    let place = value / distribution.bin_v - distribution.first as f64;
    if place < 0.0 {
        return 0.0;
    }
    let whole = place.floor() as usize;
    if whole + 1 >= distribution.probability.len() {
        return 1.0;
    }
    let low: f64 = distribution.probability[..=whole].iter().sum();
    let high = low + distribution.probability[whole + 1];
    if low <= 0.0 {
        return high * place.fract();
    }
    low * (high / low).powf(place.fract())
}

/// `share` times a variable; probability goes to bins through the cumulative distribution.
fn scaled(distribution: &Distribution, share: f64) -> Distribution {
    let share = share.abs();
    if share == 0.0 {
        return Distribution::certain(distribution.bin_v);
    }
    let mut cumulative = Vec::with_capacity(distribution.probability.len() + 1);
    cumulative.push(0.0);
    let mut sum = 0.0;
    for p in &distribution.probability {
        sum += p;
        cumulative.push(sum);
    }
    // Edges of bins are half a bin below their centres.
    let at = |edge: f64| {
        let place = edge / share - distribution.first as f64 + 0.5;
        if place <= 0.0 {
            return 0.0;
        }
        let whole = place.floor() as usize;
        match (cumulative.get(whole), cumulative.get(whole + 1)) {
            (Some(low), Some(high)) => low + (high - low) * place.fract(),
            _ => sum,
        }
    };
    let first = (distribution.first as f64 * share).floor() as i64;
    let last = ((distribution.first + distribution.probability.len() as i64 - 1) as f64 * share).ceil() as i64;
    let probability = (first..=last).map(|bin| (at(bin as f64 + 0.5) - at(bin as f64 - 0.5)).max(0.0)).collect();
    Distribution { bin_v: distribution.bin_v, first, probability }
}

/// Without tails that hold less than 1e-30.
fn trimmed(mut distribution: Distribution) -> Distribution {
    let ends = |values: &mut dyn Iterator<Item = &f64>| {
        let mut sum = 0.0;
        values
            .take_while(|p| {
                sum += **p;
                sum < 1e-30
            })
            .count()
    };
    let low = ends(&mut distribution.probability.iter());
    let high = ends(&mut distribution.probability.iter().rev());
    let n = distribution.probability.len();
    if low + high < n {
        distribution.probability.truncate(n - high);
        distribution.probability.drain(..low);
        distribution.first += low as i64;
    }
    distribution
}

fn plus(a: &Distribution, b: &Distribution) -> Distribution {
    trimmed(tails::plus(a, b))
}

/// What sequence detection adds; `None` where receiver noise cannot make the penalty.
pub fn gain(detected: &Detected) -> Option<Gain> {
    let bin_v = detected.rest.bin_v;
    let receiver = detected.receiver.first().copied().unwrap_or(0.0);
    let noisy = |added: f64| plus(detected.rest, &normal(detected.gaussian + added * receiver, bin_v));
    let target = lower_quantile(&noisy(0.0), detected.error_ratio) * 10f64.powf(detected.penalty_db / 20.0);
    if receiver <= 0.0 || !target.is_finite() || target >= 0.0 {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while lower_quantile(&noisy(high), detected.error_ratio) > target {
        (low, high) = (high, 2.0 * high);
        if high > 1e9 {
            return None;
        }
    }
    while high - low > 1e-6 * high {
        let middle = 0.5 * (low + high);
        if lower_quantile(&noisy(middle), detected.error_ratio) <= target { high = middle } else { low = middle }
    }
    let added = high;
    let all = noisy(added);
    let correlation: Vec<f64> =
        detected.correlation.iter().zip(detected.receiver).map(|(all, receiver)| all + added * receiver).collect();
    let error_ratio = detector(detected, &all, &correlation);
    let moved = 20.0 * (-lower_quantile(&all, error_ratio) / detected.a_s).max(f64::MIN_POSITIVE).log10();
    Some(Gain { gain_db: moved.max(0.0), added_noise: added, error_ratio })
}

/// Error ratio over events of all lengths (178A-50 to 178A-55).
fn detector(detected: &Detected, noise: &Distribution, correlation: &[f64]) -> f64 {
    let levels = f64::from(detected.levels);
    let b = detected.feedback;
    let between = scaled(noise, 1.0 - b);
    let mut event = plus(noise, &scaled(noise, b));
    let mut ratio = 0.0;
    for length in 1..correlation.len() {
        let mut u = vec![1.0];
        u.extend((2..=length).map(|at| if at % 2 == 1 { 1.0 - b } else { b - 1.0 }));
        u.push(if length % 2 == 1 { b } else { -b });
        let power: f64 = u.iter().map(|value| value * value).sum();
        let mut coloured = 0.0;
        for (i, a) in u.iter().enumerate() {
            for (j, c) in u.iter().enumerate() {
                coloured += a * c * correlation[i.abs_diff(j)] / correlation[0];
            }
        }
        let distance = detected.a_s * power.powf(1.5) / coloured.max(f64::MIN_POSITIVE).sqrt();
        let term = ((levels - 1.0) / levels).powf(length as f64 - 1.0) * probability_below(&event, -distance);
        ratio += term;
        if term <= 1e-4 * ratio {
            break;
        }
        event = plus(&event, &between);
    }
    ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(rest: &Distribution, feedback: f64) -> Gain {
        let mut receiver = vec![0.0; 64];
        receiver[0] = 1e-6;
        let mut correlation = vec![0.0; 64];
        correlation[0] = 2e-6;
        gain(&Detected {
            levels: 4,
            error_ratio: 2e-4,
            feedback,
            a_s: 10e-3,
            rest,
            gaussian: 2e-6,
            receiver: &receiver,
            correlation: &correlation,
            penalty_db: 3.0,
        })
        .expect("noise is there")
    }

    #[test]
    fn normal_noise_is_raised_by_the_penalty() {
        // All noise is normal: 3 dB more of it is a variance of 10^0.3 times.
        let found = white(&Distribution::certain(2e-6), 0.5);
        let truth = 2e-6 * (10f64.powf(0.3) - 1.0) / 1e-6;
        assert!((found.added_noise / truth - 1.0).abs() < 1e-3, "{found:?} {truth}");
    }

    #[test]
    fn a_larger_feedback_tap_gains_more_and_none_gains_little() {
        let rest = Distribution::of_symbols([1e-3, 0.6e-3], 4, 5e-6);
        let (none, half, large) = (white(&rest, 0.0), white(&rest, 0.5), white(&rest, 0.85));
        assert!(none.gain_db < half.gain_db && half.gain_db < large.gain_db, "{none:?} {half:?} {large:?}");
        assert!(large.gain_db < 3.1, "no more than twice the energy");
    }

    #[test]
    fn a_quantile_lies_between_its_bins() {
        let coarse = normal(1e-6, 5e-5);
        // Q(3.719016) = 1e-4.
        assert!((lower_quantile(&coarse, 1e-4) / -3.719_016e-3 - 1.0).abs() < 0.01);
        assert!((probability_below(&coarse, -3e-3) / 1.349_898e-3 - 1.0).abs() < 0.12);
        assert!((scaled(&coarse, 0.5).sigma_v() / 0.5e-3 - 1.0).abs() < 0.01);
    }
}
