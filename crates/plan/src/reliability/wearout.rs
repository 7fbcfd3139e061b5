//! Wear-out: two-parameter Weibull lives and renewal.

/// Share of parts worn out by a time (years): `1 - exp(-(t/life)^shape)`.
pub fn worn_by(time: f64, life: f64, shape: f64) -> f64 {
    if time <= 0.0 {
        return 0.0;
    }
    if life <= 0.0 {
        return 1.0;
    }
    -(-(time / life).powf(shape)).exp_m1()
}

/// Expected replacements of one part over a time (years) if every worn part is replaced by a new one: the
/// renewal function `M(t) = F(t) + integral of M(t-x) dF(x)`, solved on a grid by the trapezoidal rule.
pub fn renewals(time: f64, life: f64, shape: f64) -> f64 {
    if time <= 0.0 || !time.is_finite() {
        return 0.0;
    }
    if life <= 0.0 || !shape.is_finite() || shape <= 0.0 {
        return 0.0;
    }
    // Far past the life the renewal rate has settled at one per mean life; a finer grid would add nothing.
    let steps = ((time / life * 40.0).ceil() as usize).clamp(80, 1200);
    let step = time / steps as f64;
    let share: Vec<f64> = (0..=steps).map(|i| worn_by(i as f64 * step, life, shape)).collect();
    let mut count = vec![0.0; steps + 1];
    for n in 1..=steps {
        // Each interval of x takes the mean of M at its two ends; the first holds M(t_n) itself.
        let mut sum = share[n] + count[n - 1] * (share[1] - share[0]) / 2.0;
        for k in 2..=n {
            sum += (count[n - k] + count[n - k + 1]) / 2.0 * (share[k] - share[k - 1]);
        }
        count[n] = sum / (1.0 - (share[1] - share[0]) / 2.0);
    }
    count[steps]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_life_renews_at_a_constant_rate() {
        // Shape 1 is a Poisson process: M(t) = t / life.
        for time in [0.5, 1.0, 5.0, 20.0] {
            assert!((renewals(time, 2.0, 1.0) / (time / 2.0) - 1.0).abs() < 2e-3, "{time}");
        }
    }

    #[test]
    fn early_in_life_renewals_are_the_share_worn() {
        let (worn, renewed) = (worn_by(1.0, 10.0, 3.0), renewals(1.0, 10.0, 3.0));
        assert!((renewed / worn - 1.0).abs() < 1e-2, "{worn} {renewed}");
    }

    #[test]
    fn late_in_life_renewals_come_once_per_mean_life() {
        // Elementary renewal theorem with its second term: M(t) ~ t/m + (s^2/m^2 - 1)/2.
        // Weibull shape 2, life 1: m = sqrt(pi)/2, s^2 = 1 - pi/4.
        let mean = std::f64::consts::PI.sqrt() / 2.0;
        let variance = 1.0 - std::f64::consts::PI / 4.0;
        let expected = 10.0 / mean + (variance / (mean * mean) - 1.0) / 2.0;
        assert!((renewals(10.0, 1.0, 2.0) - expected).abs() < 0.02);
    }

    #[test]
    fn a_longer_time_never_needs_fewer() {
        let counts: Vec<f64> = (0..40).map(|t| renewals(f64::from(t) * 0.5, 3.0, 3.0)).collect();
        assert!(counts.windows(2).all(|w| w[0] <= w[1] + 1e-12));
    }
}
