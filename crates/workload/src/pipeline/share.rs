//! How memory bandwidth is shared among jobs that run at once: those with realtime engines first, each group max-min fair.

/// What a running job asks of the memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Bytes per second at its own best pace.
    pub rate: f64,
    /// Whether it is served first.
    pub realtime: bool,
}

/// Bytes per second that each job gets of a capacity: nobody more than it asks, and nobody less than another of its
/// group unless it asks for less.
pub fn grant(demands: &[Demand], capacity: f64, granted: &mut Vec<f64>) {
    granted.clear();
    granted.resize(demands.len(), 0.0);
    let mut left = capacity.max(0.0);
    for realtime in [true, false] {
        // Progressive filling; a chip has a few dozen engines at most, so that sorting anew costs nothing.
        let mut open = demands.iter().filter(|d| d.realtime == realtime).count();
        let mut level = 0.0;
        while open > 0 {
            let fair = level + left / open as f64;
            let next = demands
                .iter()
                .filter(|d| d.realtime == realtime && d.rate > level)
                .map(|d| d.rate)
                .fold(f64::INFINITY, f64::min)
                .min(fair);
            let still: usize = demands.iter().filter(|d| d.realtime == realtime && d.rate > level).count();
            if still == 0 || next <= level {
                break;
            }
            left -= (next - level) * still as f64;
            level = next;
            open = demands.iter().filter(|d| d.realtime == realtime && d.rate > level).count();
            if left <= capacity * 1e-12 {
                break;
            }
        }
        for (demand, granted) in demands.iter().zip(granted.iter_mut()) {
            if demand.realtime == realtime {
                *granted = demand.rate.min(level);
            }
        }
        left = left.max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(rates: &[(f64, bool)], capacity: f64) -> Vec<f64> {
        let demands: Vec<Demand> =
            rates.iter().map(|(rate, realtime)| Demand { rate: *rate, realtime: *realtime }).collect();
        let mut granted = Vec::new();
        grant(&demands, capacity, &mut granted);
        granted
    }

    #[test]
    fn small_asks_are_met_and_the_rest_is_split() {
        assert_eq!(of(&[(2.0, false), (10.0, false), (10.0, false)], 12.0), [2.0, 5.0, 5.0]);
        assert_eq!(of(&[(2.0, false), (3.0, false)], 12.0), [2.0, 3.0]);
        assert_eq!(of(&[(8.0, true), (10.0, false)], 12.0), [8.0, 4.0]);
        assert_eq!(of(&[(20.0, true), (10.0, false)], 12.0), [12.0, 0.0]);
        assert_eq!(of(&[], 12.0), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn nothing_is_invented_or_left_over(
            rates in prop::collection::vec((0.0f64..50.0, any::<bool>()), 0..12),
            capacity in 0.0f64..200.0,
        ) {
            let granted = of(&rates, capacity);
            let asked: f64 = rates.iter().map(|r| r.0).sum();
            let total: f64 = granted.iter().sum();
            prop_assert!((total - asked.min(capacity)).abs() < 1e-6 * (1.0 + asked));
            for ((rate, realtime), got) in rates.iter().zip(&granted) {
                prop_assert!(*got <= rate + 1e-9);
                // Who gets less than it asks gets no less than anyone of its group.
                if *got < rate - 1e-6 {
                    for ((_, other), theirs) in rates.iter().zip(&granted) {
                        prop_assert!(other != realtime || *theirs <= got + 1e-6);
                    }
                }
            }
        }
    }
}
