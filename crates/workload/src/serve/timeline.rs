//! What replicas held over time, thinned to what a drawing shows.

use serde::Serialize;

/// Most points kept.
const MOST: usize = 8192;

/// One moment of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Seconds from the start.
    pub time_s: f64,
    /// Which cell.
    pub cell: u32,
    /// Requests in its queues.
    pub waiting: u32,
    /// Sequences that run.
    pub running: u32,
    /// Share of the cache in use, of its fullest rank.
    pub cache: f64,
}

/// Moments in order, a bounded number of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// The moments kept.
    pub moments: Vec<Moment>,
    gap_s: f64,
    last_s: Vec<f64>,
    /// Largest share of a cache that was in use at any moment, kept or not.
    pub cache_most: f64,
    /// Most requests in the queues of one cell.
    pub waiting_most: u32,
    /// Most sequences that ran at once in one cell.
    pub running_most: u32,
}

impl Timeline {
    /// Adds a moment, if the last one of its cell is long enough ago.
    pub fn add(&mut self, time_s: f64, cell: u32, waiting: u32, running: u32, cache: f64) {
        self.cache_most = self.cache_most.max(cache);
        self.waiting_most = self.waiting_most.max(waiting);
        self.running_most = self.running_most.max(running);
        let at = cell as usize;
        if self.last_s.len() <= at {
            self.last_s.resize(at + 1, f64::NEG_INFINITY);
        }
        if time_s - self.last_s[at] < self.gap_s {
            return;
        }
        self.last_s[at] = time_s;
        self.moments.push(Moment { time_s, cell, waiting, running, cache });
        if self.moments.len() > MOST {
            self.gap_s = (2.0 * self.gap_s).max(2.0 * time_s * self.last_s.len() as f64 / MOST as f64);
            let gap = self.gap_s;
            let mut last = vec![f64::NEG_INFINITY; self.last_s.len()];
            self.moments.retain(|moment| {
                let kept = moment.time_s - last[moment.cell as usize] >= gap;
                if kept {
                    last[moment.cell as usize] = moment.time_s;
                }
                kept
            });
            self.last_s = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_thinned_and_keeps_its_extremes() {
        let mut timeline = Timeline::default();
        for at in 0..200_000_u32 {
            timeline.add(f64::from(at) * 0.01, at % 3, at % 17, at % 11, f64::from(at % 100) / 100.0);
        }
        assert!(timeline.moments.len() <= MOST, "{}", timeline.moments.len());
        assert!(timeline.moments.len() >= MOST / 8, "{}", timeline.moments.len());
        assert_eq!((timeline.waiting_most, timeline.running_most), (16, 10));
        assert!((timeline.cache_most - 0.99).abs() < 1e-12);
        assert!(timeline.moments.windows(2).all(|pair| pair[0].time_s <= pair[1].time_s));
        assert!(timeline.moments.last().is_some_and(|moment| moment.time_s > 1900.0));
    }
}
