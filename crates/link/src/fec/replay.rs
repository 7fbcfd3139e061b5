//! Replay: what failed units cost in bandwidth and latency on links that send them again.

use super::process::Refusal;

/// Which units are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The failed unit and all after it: PCI Express 6's standard NAK, and link-level replay of UALink.
    GoBack,
    /// The failed unit alone; the receiver keeps those after it: PCI Express 6's selective NAK.
    Selective,
}

/// A link that replays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayLink {
    /// Share of units that fail.
    pub failures: f64,
    /// Time on the line of one unit, in ns.
    pub unit_ns: f64,
    /// From sending a unit to being able to send it again, in ns: there, check, answer back.
    pub round_trip_ns: f64,
    /// Units that the sender may keep unacknowledged.
    pub buffer: f64,
    /// Which units are sent again.
    pub replay: Replay,
}

/// What replay costs at full load.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReplayCost {
    /// Share of units that are sent again because they failed.
    pub retry_ratio: f64,
    /// Units on their way during a round trip.
    pub in_flight: f64,
    /// Share of the line's units that are new and good.
    pub efficiency: f64,
    /// Whether the buffer, not the line, limits throughput.
    pub buffer_limited: bool,
    /// Added latency of a unit, mean over all, in ns; delivery is in order.
    pub mean_ns: f64,
    /// Added latency that 99 of 100 units do not exceed, in ns.
    pub p99_ns: f64,
    /// Share of units that are delayed at all.
    pub delayed: f64,
}

/// Works the cost out.
///
/// With units in flight N = round trip/unit, rounded up:
///
/// - efficiency is (1 - P)/(1 + P N) going back (every failure wastes N units besides itself) and 1 - P selectively
///   (Bertsekas and Gallager, Data Networks, section 2.4), times buffer/(N + 1) where the buffer is smaller than that;
/// - going back, a unit is late by a round trip whenever it or one of the N before it fails, and again if that
///   repeats;
/// - selectively, it is late by max over the units i before it of (failures of i) x round trip - i units, each failure
///   being independent.
pub fn replay_cost(link: &ReplayLink) -> Result<ReplayCost, Refusal> {
    let ReplayLink { failures: p, unit_ns, round_trip_ns, buffer, replay } = *link;
    if !(0.0..=0.5).contains(&p) {
        return Err(Refusal(format!(
            "{p} of units fail; replay is worked out up to one half, beyond that a link is retrained"
        )));
    }
    if !(unit_ns > 0.0 && unit_ns.is_finite()) {
        return Err(Refusal(format!("a unit of {unit_ns} ns; it must take some time")));
    }
    if !(0.0..=1e9).contains(&round_trip_ns) || round_trip_ns / unit_ns > 1e6 {
        return Err(Refusal(format!(
            "a round trip of {round_trip_ns} ns; give 0 or more, and at most a million units"
        )));
    }
    if buffer.is_nan() || buffer < 1.0 {
        return Err(Refusal(format!("a buffer of {buffer} units; a sender must keep at least the one it sends")));
    }
    let in_flight = (round_trip_ns / unit_ns).ceil();
    let filled = (buffer / (in_flight + 1.0)).min(1.0);
    // With a small buffer fewer units are under way.
    let ahead = in_flight.min(buffer - 1.0);
    let trip_ns = in_flight * unit_ns;
    let (efficiency, delayed, mean_ns, p99_ns) = match replay {
        Replay::GoBack => {
            let again = -f64::exp_m1((1.0 + ahead) * f64::ln_1p(-p));
            // A failure costs the round trip and the unit's own place.
            let step_ns = trip_ns + unit_ns;
            let repeats = if again <= 0.01 { 0.0 } else { (0.01f64.ln() / again.ln()).ceil() - 1.0 };
            ((1.0 - p) / (1.0 + p * in_flight), again, step_ns * again / (1.0 - again), step_ns * repeats.max(0.0))
        }
        Replay::Selective => {
            let late = Lateness { failures: p, trip: in_flight as usize + 1, ahead: ahead as usize };
            (1.0 - p, late.more_than(0), unit_ns * late.mean(), unit_ns * late.quantile(0.01) as f64)
        }
    };
    Ok(ReplayCost {
        retry_ratio: p,
        in_flight,
        efficiency: efficiency * filled,
        buffer_limited: filled < 1.0,
        mean_ns,
        p99_ns,
        delayed,
    })
}

/// Lateness under selective replay, in units.
struct Lateness {
    failures: f64,
    /// Units from one sending to the next.
    trip: usize,
    /// Units before ours that can hold it up on their first failure.
    ahead: usize,
}

impl Lateness {
    /// Chance of being late by more than `units`: any unit i before ours fails so often that its trips end later.
    fn more_than(&self, units: usize) -> f64 {
        let mut ln_in_time = 0.0;
        let mut i = 0;
        loop {
            // Unit i is late for us when it fails more than this often.
            let harmless = (units + i) / self.trip;
            let chance = self.failures.powi(harmless as i32 + 1);
            // Those with the same number come together.
            let next = ((harmless + 1) * self.trip - units).max(i + 1);
            let same = if harmless == 0 { next.min(self.ahead + 1).saturating_sub(i) } else { next - i };
            ln_in_time += same as f64 * f64::ln_1p(-chance);
            i = next;
            if chance * (self.trip as f64) < 1e-18 {
                break;
            }
        }
        -f64::exp_m1(ln_in_time)
    }

    fn mean(&self) -> f64 {
        let mut sum = 0.0;
        for units in 0..self.trip * 60 {
            let more = self.more_than(units);
            sum += more;
            if more < 1e-15 {
                break;
            }
        }
        sum
    }

    /// Least lateness that is exceeded with at most this probability.
    fn quantile(&self, above: f64) -> usize {
        let (mut low, mut high) = (0, self.trip * 60);
        while low < high {
            let middle = (low + high) / 2;
            if self.more_than(middle) > above {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// A link slot by slot. Returns efficiency and the lateness of every unit in slots.
    fn simulate(failures: f64, in_flight: usize, replay: Replay, slots: usize, seed: u64) -> (f64, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut fails = || (random.next_u32() as f64) < failures * 4_294_967_296.0;
        // Sent first, and sent well, by unit.
        let (mut first, mut good): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
        let (mut next, mut expected) = (0, 0);
        // Slot from which the sender knows of a failure, and the unit.
        let mut news: std::collections::VecDeque<(usize, usize)> = std::collections::VecDeque::new();
        for slot in 0..slots {
            let mut send = next;
            if let Some((_, unit)) = news.pop_front_if(|(at, _)| *at == slot) {
                send = unit;
                if replay == Replay::GoBack {
                    next = unit;
                }
            }
            if send == next {
                next += 1;
            }
            if send == first.len() {
                first.push(slot);
                good.push(None);
            }
            let failed = fails();
            match replay {
                Replay::GoBack if send == expected && !failed => {
                    good[send] = Some(slot);
                    expected += 1;
                }
                Replay::GoBack if send == expected => news.push_back((slot + in_flight + 1, send)),
                Replay::GoBack => {}
                Replay::Selective if failed => news.push_back((slot + in_flight + 1, send)),
                Replay::Selective => good[send] = Some(slot),
            }
        }
        let delivered = good.iter().take_while(|slot| slot.is_some()).count();
        let mut in_order = 0;
        let late = (0..delivered)
            .map(|unit| {
                in_order = in_order.max(good[unit].unwrap_or(0));
                in_order - first[unit]
            })
            .collect();
        (delivered as f64 / slots as f64, late)
    }

    #[test]
    fn the_formulas_agree_with_a_link_simulated_slot_by_slot() {
        for (replay, failures, in_flight) in [
            (Replay::GoBack, 1e-2, 20),
            (Replay::GoBack, 1e-3, 40),
            (Replay::Selective, 1e-2, 20),
            (Replay::Selective, 1e-3, 40),
        ] {
            let (efficiency, mut late) = simulate(failures, in_flight, replay, 1_000_000, 5);
            let link = ReplayLink { failures, unit_ns: 1.0, round_trip_ns: in_flight as f64, buffer: 1e6, replay };
            let cost = replay_cost(&link).expect("sound");
            let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
            late.sort_unstable();
            let p99 = late[late.len() * 99 / 100] as f64;
            assert!((efficiency / cost.efficiency - 1.0).abs() < 0.01, "{replay:?} {failures}: {efficiency} {cost:?}");
            assert!((mean / cost.mean_ns - 1.0).abs() < 0.1, "{replay:?} {failures}: mean {mean} {cost:?}");
            assert!((p99 - cost.p99_ns).abs() <= 2.0, "{replay:?} {failures}: p99 {p99} {cost:?}");
        }
    }

    #[test]
    fn rare_failures_cost_what_first_order_says() {
        let link =
            ReplayLink { failures: 1e-9, unit_ns: 2.0, round_trip_ns: 200.0, buffer: 512.0, replay: Replay::GoBack };
        let cost = replay_cost(&link).expect("sound");
        // P (N + 1) of units are late by a round trip and their own time.
        assert!((cost.mean_ns / (1e-9 * 101.0 * 202.0) - 1.0).abs() < 1e-6);
        assert_eq!(cost.p99_ns, 0.0);
        let cost = replay_cost(&ReplayLink { replay: Replay::Selective, ..link }).expect("sound");
        // On average by half of it.
        assert!((cost.mean_ns / (1e-9 * 102.0 * 101.0) - 1.0).abs() < 0.02, "{cost:?}");
    }

    #[test]
    fn a_small_buffer_limits_the_line() {
        let link =
            ReplayLink { failures: 0.0, unit_ns: 2.0, round_trip_ns: 198.0, buffer: 50.0, replay: Replay::Selective };
        let cost = replay_cost(&link).expect("sound");
        assert!(cost.buffer_limited && (cost.efficiency - 0.5).abs() < 1e-12);
        assert!(!replay_cost(&ReplayLink { buffer: 100.0, ..link }).expect("sound").buffer_limited);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let link =
            ReplayLink { failures: 0.1, unit_ns: 2.0, round_trip_ns: 100.0, buffer: 50.0, replay: Replay::GoBack };
        for wrong in [
            ReplayLink { failures: 0.9, ..link },
            ReplayLink { failures: f64::NAN, ..link },
            ReplayLink { unit_ns: 0.0, ..link },
            ReplayLink { round_trip_ns: 1e9, ..link },
            ReplayLink { round_trip_ns: f64::NAN, ..link },
            ReplayLink { buffer: 0.0, ..link },
            ReplayLink { buffer: f64::NAN, ..link },
        ] {
            assert!(replay_cost(&wrong).is_err(), "{wrong:?}");
        }
    }
}
