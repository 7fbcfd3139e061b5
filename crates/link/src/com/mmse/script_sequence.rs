//! What sequence detection gains by the script's three forms (row `MLSE` 1, 2 and 3).
//!
//! They follow contributions to 802.3dj (shakiba_3dj_01_230116, shakiba_3dj_elec_01a_230504) and differ in how the
//! detector's error ratio is turned back into a margin. The drafts have another form: [`super::sequence`].

use super::equalised::LAGS;
use super::tails;
use crate::com::distribution::Distribution;

/// What the forms need to know.
#[derive(Clone, Copy, Debug)]
pub struct Detected<'a> {
    /// L.
    pub levels: u32,
    /// DER_0.
    pub error_ratio: f64,
    /// First feedback tap.
    pub alpha: f64,
    /// A_s in V.
    pub a_s: f64,
    /// A_ni in V.
    pub a_ni: f64,
    /// Noise and interference.
    pub total: &'a Distribution,
    /// Correlation of noise and interference by lag, for form 3.
    pub correlation: &'a [f64],
}

/// Gain of COM in dB by form 1, 2 or 3; `None` where the form has no answer.
pub fn gain_db(form: u32, detected: &Detected) -> Option<f64> {
    let gain = match form {
        1 if detected.a_s >= detected.a_ni => first(detected),
        2 if detected.a_s >= detected.a_ni => second(detected),
        1 | 2 => return Some(0.0),
        3 => third(detected),
        _ => return None,
    };
    gain.is_finite().then_some(gain)
}

/// Cumulative probabilities from below.
fn cumulative(distribution: &Distribution) -> Vec<f64> {
    let mut sum = 0.0;
    distribution
        .probability
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect()
}

/// The cumulative probability at the first bin at or above `-value`.
fn below(distribution: &Distribution, cumulative: &[f64], value: f64) -> f64 {
    let at = (-value / distribution.bin_v - 1e-9).ceil() as i64 - distribution.first;
    usize::try_from(at.max(0)).ok().and_then(|at| cumulative.get(at)).copied().unwrap_or(1.0)
}

/// The first bin whose cumulative probability reaches `share`, in V.
fn quantile(distribution: &Distribution, cumulative: &[f64], share: f64) -> f64 {
    let at = cumulative.iter().position(|sum| *sum >= share).unwrap_or(cumulative.len().saturating_sub(1));
    (distribution.first + at as i64) as f64 * distribution.bin_v
}

/// Error ratio of the detector for errors of every length.
fn detector(detected: &Detected, cumulative: &[f64]) -> f64 {
    let levels = f64::from(detected.levels);
    let alpha = detected.alpha;
    let share = (levels - 1.0) / levels;
    let mut sum = 0.0;
    for length in 1..=10_000u32 {
        let j = f64::from(length);
        let distance = (1.0 + (j - 1.0) * (1.0 - alpha).powi(2) + alpha * alpha).sqrt() * detected.a_s;
        let before = sum;
        sum += 2.0 * j * share.powf(j) * below(detected.total, cumulative, distance);
        if sum == 0.0 || 1.0 - before / sum <= 1e-3 {
            break;
        }
    }
    sum
}

fn first(detected: &Detected) -> f64 {
    let levels = f64::from(detected.levels);
    let sums = cumulative(detected.total);
    let ratio = detector(detected, &sums);
    let propagated = below(detected.total, &sums, (1.0 - 2.0 * detected.alpha) * detected.a_s);
    let back = quantile(detected.total, &sums, 0.5 * ratio * (levels / (levels - 1.0) - propagated));
    20.0 * (back / detected.a_s).abs().log10()
}

/// A distribution whose values are `share` times those of another, interpolated as the script does it.
fn scaled(distribution: &Distribution, share: f64) -> Distribution {
    let first = (distribution.first as f64 * share).floor() as i64;
    let mut probability: Vec<f64> = (first..=-first)
        .map(|at| {
            let place = at as f64 / share - distribution.first as f64;
            let low = place.floor();
            let value = |index: f64| {
                if index < 0.0 { 0.0 } else { distribution.probability.get(index as usize).copied().unwrap_or(0.0) }
            };
            value(low) + (place - low) * (value(low + 1.0) - value(low))
        })
        .collect();
    if let [start, second, .., before, end] = probability.as_mut_slice() {
        // Interpolation has nothing beyond the ends.
        *start = *second;
        *end = *before;
    }
    let sum: f64 = probability.iter().sum();
    for p in &mut probability {
        *p /= sum;
    }
    Distribution { bin_v: distribution.bin_v, first, probability }
}

/// Cumulative probabilities from the nearer end.
fn from_nearer_end(distribution: &Distribution) -> Vec<f64> {
    let mut sums = cumulative(distribution);
    let mut sum = 0.0;
    for (at, p) in distribution.probability.iter().enumerate().rev() {
        sum += p;
        sums[at] = sums[at].min(sum);
    }
    sums
}

fn second(detected: &Detected) -> f64 {
    let levels = f64::from(detected.levels);
    let sums = cumulative(detected.total);
    let wanted = detector(detected, &sums);
    // The noise is scaled in halving steps until symbol-by-symbol detection makes as many errors.
    let (mut step, mut share, mut sign) = (0.05, 1.0, 1.0f64);
    for _ in 0..2_000 {
        share -= step;
        if share <= 1e-3 {
            return f64::NAN;
        }
        let tried = scaled(detected.total, share);
        let sums_tried = from_nearer_end(&tried);
        let ratio = 2.0 * (levels - 1.0) / levels * below(&tried, &sums_tried, detected.a_s);
        let miss = (ratio - wanted) / wanted;
        let now = if miss > 0.0 {
            1.0
        } else if miss < 0.0 {
            -1.0
        } else {
            0.0
        };
        if now != sign {
            step = -step / 2.0;
        }
        sign = now;
        if miss.abs() < 0.1 {
            let with = quantile(&tried, &sums_tried, detected.error_ratio);
            let without = quantile(detected.total, &sums, detected.error_ratio);
            return 20.0 * (without / with).abs().log10();
        }
    }
    f64::NAN
}

fn third(detected: &Detected) -> f64 {
    let levels = f64::from(detected.levels);
    let alpha = detected.alpha;
    if alpha <= 0.0 || alpha >= 1.0 {
        // Nothing to detect over more than one symbol.
        return 0.0;
    }
    let sums = cumulative(detected.total);
    let variance = detected.correlation.first().copied().unwrap_or(0.0);
    if variance <= 0.0 {
        return f64::NAN;
    }
    let share = (levels - 1.0) / levels;
    let weight = |lag: usize| {
        let sign = if lag.is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * (1.0 - alpha) * detected.correlation.get(lag).copied().unwrap_or(0.0) / variance
    };
    // Trace and sum of the leading square of the error event's covariance.
    let (mut trace, mut total, mut ratio) = (1.0, 1.0, 0.0f64);
    for length in 1..=LAGS {
        if length > 1 {
            trace += (1.0 - alpha).powi(2);
            total += (1.0 - alpha).powi(2) + 2.0 * (1..length).map(weight).sum::<f64>();
        }
        let distance = detected.a_s * (trace / total).sqrt() * 1.5;
        let before = ratio;
        ratio += 2.0 * share.powf(length as f64) * below(detected.total, &sums, distance);
        if (ratio - before).abs() <= 1e-4 * ratio {
            break;
        }
    }
    let end = tails::plus(&scaled(detected.total, 1.0 - alpha), &scaled(detected.total, alpha));
    let back = quantile(&end, &cumulative(&end), 0.5 / share * ratio);
    20.0 * (back / detected.a_s).abs().log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(total: &Distribution, alpha: f64) -> Detected<'_> {
        Detected { levels: 4, error_ratio: 2e-4, alpha, a_s: 10e-3, a_ni: 5e-3, total, correlation: &[1.0, 0.1] }
    }

    #[test]
    fn a_larger_feedback_tap_gains_more() {
        let total = Distribution::normal(1.6e-3, 3.6, 1e-5);
        for form in 1..=2 {
            let small = gain_db(form, &detected(&total, 0.2)).expect("an answer");
            let large = gain_db(form, &detected(&total, 0.7)).expect("an answer");
            assert!(large > small, "form {form}: {small} {large}");
        }
    }

    #[test]
    fn forms_that_do_not_exist_have_no_answer() {
        let total = Distribution::normal(1.6e-3, 3.6, 1e-5);
        assert_eq!(gain_db(4, &detected(&total, 0.5)), None);
        let closed = Detected { a_ni: 11e-3, ..detected(&total, 0.5) };
        assert_eq!(gain_db(1, &closed), Some(0.0));
    }

    #[test]
    fn scaling_scales_the_spread() {
        let total = Distribution::normal(2e-3, 4.0, 1e-5);
        assert!((scaled(&total, 0.4).sigma_v() / 0.8e-3 - 1.0).abs() < 1e-3);
    }
}
