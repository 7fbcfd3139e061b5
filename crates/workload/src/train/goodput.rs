//! What failures leave of the time: checkpoints, lost work, restarts, spares.
//!
//! Failures come at random at a constant rate and may strike at any time, during checkpoints and restarts as well. A
//! stretch of `t` seconds is then through after `(e^(rate t) - 1) / rate` seconds on average, what is lost included, and
//! every failure costs a restart that itself takes `e^(rate r)` times as often as it must: J. T. Daly, "A higher order estimate
//! of the optimum checkpoint interval", FGCS 22 (2006), equation 13.

use serde::Serialize;

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// A machine that fails, and how its work is saved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Failures {
    /// Failures that stop the job, per hour of the whole machine.
    pub per_hour: f64,
    /// Seconds that a checkpoint keeps all devices from working.
    pub checkpoint_seconds: f64,
    /// Seconds from a failure to work again: noticing, replacing, starting, reading the checkpoint.
    pub restart_seconds: f64,
    /// Hours until a failed device (or its node) is back.
    pub repair_hours: f64,
    /// Share of failures whose device has to be replaced.
    pub replaced_share: f64,
}

/// What is left of the time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Goodput {
    /// Seconds of work between checkpoints.
    pub interval_seconds: f64,
    /// Share of the time that is work which stays.
    pub effective: f64,
    /// Share of the time that goes into checkpoints.
    pub checkpoints: f64,
    /// Share that goes into work done again.
    pub lost: f64,
    /// Share that goes into restarts.
    pub restarts: f64,
    /// Failures per day.
    pub failures_per_day: f64,
    /// Spares with which the machine is whole 99 % of the time.
    pub spares_for_99: u64,
}

impl Failures {
    fn rate(&self) -> f64 {
        self.per_hour / HOUR
    }

    /// Young's interval: the square root of twice the checkpoint's cost over the rate (CACM 17, 1974); a first guess.
    pub fn young(&self) -> f64 {
        if self.per_hour > 0.0 { (2.0 * self.checkpoint_seconds / self.rate()).sqrt() } else { f64::INFINITY }
    }

    /// Share of the time that is work which stays, with a checkpoint after every `interval` seconds of work.
    pub fn effective(&self, interval: f64) -> f64 {
        let rate = self.rate();
        let stretch = interval + self.checkpoint_seconds;
        if interval.is_nan() || interval <= 0.0 || !stretch.is_finite() {
            return if rate == 0.0 && interval > 0.0 { 1.0 } else { 0.0 };
        }
        if rate <= 0.0 {
            return interval / stretch;
        }
        let taken = (rate * self.restart_seconds).exp() * (rate * stretch).exp_m1() / rate;
        if taken.is_finite() { interval / taken } else { 0.0 }
    }

    /// The interval that leaves most, by golden section (the share rises and falls once).
    pub fn best_interval(&self) -> f64 {
        if self.per_hour <= 0.0 {
            return f64::INFINITY;
        }
        // The optimum lies below Young's guess and a checkpoint's cost apart from it; far wider is searched.
        let (mut low, mut high) = (1e-3_f64.ln(), (self.young() * 4.0 + 10.0).ln());
        let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
        for _ in 0..200 {
            let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
            if self.effective(a.exp()) > self.effective(b.exp()) { high = b } else { low = a }
        }
        (0.5 * (low + high)).exp()
    }

    /// What is left with checkpoints every `interval` seconds of work, or with the best interval.
    pub fn goodput(&self, interval: Option<f64>) -> Goodput {
        let interval = interval.unwrap_or_else(|| self.best_interval());
        let effective = self.effective(interval);
        let rate = self.rate();
        let checkpoints = if interval.is_finite() { effective * self.checkpoint_seconds / interval } else { 0.0 };
        // A failure costs a restart; a restart that fails starts over. Restarts are seen as work under way: of a second's
        // failures each opens one, and while one lasts no work is lost.
        let restarts = if rate > 0.0 {
            let each = (rate * self.restart_seconds).exp_m1() / rate;
            let stretch = interval + self.checkpoint_seconds;
            let breaks = (rate * stretch).exp_m1();
            effective / interval * breaks * each
        } else {
            0.0
        };
        Goodput {
            interval_seconds: interval,
            effective,
            checkpoints,
            lost: (1.0 - effective - checkpoints - restarts).max(0.0),
            restarts,
            failures_per_day: self.per_hour * 24.0,
            spares_for_99: self.spares(0.99),
        }
    }

    /// Chance that no more than `spares` devices are away for repair at once: repairs overlap freely, so that their number is
    /// Poisson with the mean rate x time.
    pub fn covered(&self, spares: u64) -> f64 {
        let mean = self.per_hour * self.replaced_share * self.repair_hours;
        let (mut term, mut sum) = ((-mean).exp(), 0.0);
        for n in 0..=spares {
            sum += term;
            term *= mean / (n + 1) as f64;
        }
        // Means beyond some hundreds underflow: a normal law is exact enough there.
        if mean > 600.0 {
            return 0.5 * libm::erfc((mean - spares as f64 - 0.5) / (2.0 * mean).sqrt());
        }
        sum.min(1.0)
    }

    /// Fewest spares with which the machine is whole that share of the time.
    pub fn spares(&self, share: f64) -> u64 {
        let mean = self.per_hour * self.replaced_share * self.repair_hours;
        if !mean.is_finite() {
            return u64::MAX;
        }
        let mut spares = (mean - 4.0 * mean.sqrt()).max(0.0) as u64;
        while self.covered(spares) < share && (spares as f64) < mean * 2.0 + 100.0 {
            spares += 1;
        }
        spares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    const LLAMA_3: Failures = Failures {
        // 419 unexpected interruptions in 54 days on 16,384 GPUs: arXiv 2407.21783, section 3.3.4.
        per_hour: 419.0 / (54.0 * 24.0),
        // 405e9 parameters x 14 bytes at 2 TB/s, the storage's sustained rate in the same paper, section 3.3.1.
        checkpoint_seconds: 405e9 * 14.0 / 2e12,
        // Not published; estimate.
        restart_seconds: 400.0,
        repair_hours: 24.0,
        replaced_share: 0.35,
    };

    /// Runs a job against random failures until so much work stays: shares of time that are work, checkpoints, restarts.
    fn simulate(failures: &Failures, interval: f64, segments: u32, seed: u64) -> [f64; 3] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut next =
            move || -(1.0 - random.next_u64() as f64 / 2.0_f64.powi(64)).max(1e-300).ln() / (failures.per_hour / HOUR);
        let (mut clock, mut failure, mut restarting) = (0.0, next(), 0.0);
        for _ in 0..segments {
            let stretch = interval + failures.checkpoint_seconds;
            while failure < clock + stretch {
                clock = failure;
                failure = clock + next();
                // Restarts fail as well.
                loop {
                    let end = clock + failures.restart_seconds;
                    if failure >= end {
                        restarting += end - clock;
                        clock = end;
                        break;
                    }
                    restarting += failure - clock;
                    clock = failure;
                    failure = clock + next();
                }
            }
            clock += stretch;
        }
        let n = f64::from(segments);
        [n * interval / clock, n * failures.checkpoint_seconds / clock, restarting / clock]
    }

    #[test]
    fn the_formula_is_what_chance_does() {
        for (interval, failures) in [
            (600.0, LLAMA_3),
            (3600.0, LLAMA_3),
            (900.0, Failures { checkpoint_seconds: 120.0, restart_seconds: 1800.0, per_hour: 1.0, ..LLAMA_3 }),
        ] {
            let seen = simulate(&failures, interval, 200_000, 7);
            let goodput = failures.goodput(Some(interval));
            for (seen, expected) in seen.into_iter().zip([goodput.effective, goodput.checkpoints, goodput.restarts]) {
                assert!((seen - expected).abs() < 0.004, "{interval} s: {seen} for {expected}");
            }
        }
    }

    #[test]
    fn llama_3_kept_more_than_nine_tenths() {
        // "higher than 90% effective training time": the same section.
        let goodput = LLAMA_3.goodput(None);
        assert!(goodput.effective > 0.90 && goodput.effective < 0.98, "{goodput:?}");
        assert!((goodput.failures_per_day - 7.76).abs() < 0.01);
    }

    #[test]
    fn without_failures_nothing_but_checkpoints_is_lost() {
        let never = Failures { per_hour: 0.0, ..LLAMA_3 };
        assert_eq!(never.goodput(None).effective, 1.0);
        let often = never.goodput(Some(97.165));
        assert!((often.effective - 97.165 / 100.0).abs() < 1e-12 && often.lost < 1e-12);
    }

    #[test]
    fn spares_are_quantiles_of_a_poisson_law() {
        // Mean 2: P(N <= 5) = 0.9834, P(N <= 6) = 0.9955 (any table).
        let failures = Failures { per_hour: 1.0, repair_hours: 2.0, replaced_share: 1.0, ..LLAMA_3 };
        assert!((failures.covered(5) - 0.983_436).abs() < 1e-5);
        assert_eq!(failures.spares(0.99), 6);
        let many = Failures { repair_hours: 1000.0, ..failures };
        assert!(many.spares(0.99).abs_diff(1000 + (2.326 * 1000.0_f64.sqrt()) as u64) <= 3);
    }

    proptest! {
        #[test]
        fn the_best_interval_is_best_and_shares_add_up(
            per_hour in 1e-4..5.0_f64, checkpoint in 0.1..600.0_f64, restart in 1.0..1800.0_f64, other in 0.05..20.0_f64,
        ) {
            let failures = Failures { per_hour, checkpoint_seconds: checkpoint, restart_seconds: restart, ..LLAMA_3 };
            let best = failures.goodput(None);
            prop_assert!(best.effective >= failures.effective(best.interval_seconds * other) - 1e-12);
            prop_assert!((best.effective + best.checkpoints + best.lost + best.restarts - 1.0).abs() < 1e-9);
            // Young's guess is near while failures are rare beside checkpoints.
            if per_hour / HOUR * checkpoint < 1e-3 {
                prop_assert!((best.interval_seconds / failures.young() - 1.0).abs() < 0.05);
            }
        }

        #[test]
        fn more_failures_never_leave_more(per_hour in 1e-3..2.0_f64, more in 1.0..4.0_f64) {
            let few = Failures { per_hour, ..LLAMA_3 };
            let many = Failures { per_hour: per_hour * more, ..LLAMA_3 };
            prop_assert!(many.goodput(None).effective <= few.goodput(None).effective + 1e-12);
            prop_assert!(many.spares(0.99) >= few.spares(0.99));
        }
    }
}
