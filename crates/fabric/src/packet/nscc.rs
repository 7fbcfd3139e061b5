//! Ultra Ethernet's network-signalled congestion control: a window that follows queueing delay and marks.
//!
//! Constants and their scaling with rate and round trip as in the reference simulator (uet-htsim, `uec.cpp`), whose
//! numbers are kept to the byte, truncations included, so that answers can be compared.

use super::settings::Settings;

/// What all flows of a network share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Constants {
    /// Queueing delay aimed at, ps.
    pub(super) target: u64,
    /// Window per byte and picosecond below the target, and per byte at or above it without a mark.
    proportional: f64,
    fair: f64,
    /// Added once per round trip, bytes.
    per_round: f64,
    /// Share of the bytes acknowledged that is added while queues are empty.
    fast: f64,
    /// Changes are applied after so many bytes or ps.
    adjust_bytes: i64,
    adjust_time: u64,
    /// Round trip of the longest way, ps: what a trimmed packet stands for.
    rtt: u64,
    /// Smallest window, bytes: one packet.
    least: i64,
    /// First window in bytes; 0: the largest.
    first: i64,
}

/// Decrease when delay stays above the target.
const GAMMA: f64 = 0.8;
/// No decrease beyond this at once.
const LARGEST_STEP: f64 = 0.5;
/// Weight of a new delay in the mean.
const DELAY_WEIGHT: f64 = 0.0125;
/// Quick adaptation acts when less than the largest window shifted by this came through.
const QUICK_SHIFT: u32 = 3;
/// Below this delay queues count as empty, ps.
const EMPTY: u64 = 1_000_000;

impl Constants {
    pub(super) fn new(settings: &Settings, rtt: u64, bytes_per_second: f64, mtu: u32, mss: u32) -> Self {
        // Reference network: 100 Gb/s and 12 us.
        let reference_rtt = 12_000_000u64;
        let reference_bdp = 150_000.0;
        let bdp = (rtt as f64 * 1e-12 * bytes_per_second).floor();
        let whole = if settings.trimming { (rtt as f64 * 0.75) as u64 } else { rtt };
        let target = settings.target_delay.map_or(whole, |time| time.0).max(1);
        let (by_bdp, by_delay) = (bdp / reference_bdp, target as f64 / reference_rtt as f64);
        let mss = f64::from(mss);
        Self {
            target,
            proportional: 4.0 * mss * by_bdp * by_delay / target as f64,
            fair: 5.0 * mss * by_bdp,
            per_round: 0.15 * mss * by_bdp,
            fast: 0.25 * by_bdp,
            adjust_bytes: 8 * i64::from(mtu),
            adjust_time: rtt,
            rtt,
            least: i64::from(mtu),
            first: i64::from(settings.initial_window.unwrap_or(0)) * i64::from(mtu),
        }
    }
}

/// The window of one flow.
#[derive(Clone, Debug)]
pub(super) struct Nscc {
    /// Window, bytes.
    pub(super) window: i64,
    /// Largest window, bytes.
    largest: i64,
    /// Round trip without queues as known so far, ps.
    base: u64,
    /// Bytes that came through since quick adaptation was last considered.
    achieved: i64,
    /// Bytes acknowledged since changes were last applied.
    pending: i64,
    /// Change to apply, in bytes times window. 32 bits wide and wrapping, as in the reference.
    increase: u32,
    /// Bytes acknowledged in a row with empty queues.
    calm: u32,
    ignored: u32,
    to_ignore: u32,
    mean_delay: u64,
    quick_end: u64,
    adjusted: u64,
    decreased: u64,
    /// Bytes per second of the sender's link.
    rate: f64,
    quick_due: bool,
    fast: bool,
}

impl Nscc {
    pub(super) fn new(constants: &Constants, bytes_per_second: f64) -> Self {
        let bdp = (constants.rtt as f64 * 1e-12 * bytes_per_second) as i64;
        let largest = (1.5 * bdp as f64) as i64;
        Self {
            window: if constants.first == 0 { largest } else { constants.first },
            largest,
            base: constants.rtt,
            achieved: 0,
            pending: 0,
            increase: 0,
            calm: 0,
            ignored: 0,
            to_ignore: 0,
            mean_delay: 0,
            quick_end: 0,
            adjusted: 0,
            decreased: 0,
            rate: bytes_per_second,
            quick_due: false,
            fast: false,
        }
    }

    /// Bytes that an acknowledgement newly reports.
    #[inline]
    pub(super) fn came_through(&mut self, bytes: u32) {
        self.achieved += i64::from(bytes);
        self.pending += i64::from(bytes);
        self.ignored = self.ignored.wrapping_add(bytes);
    }

    /// Queueing delay from a round trip, if one was measured, else the mean.
    #[inline]
    pub(super) fn delay(&mut self, constants: &Constants, round_trip: Option<u64>, marked: bool) -> u64 {
        let Some(round_trip) = round_trip else { return self.mean_delay };
        self.lower_base(round_trip);
        let delay = round_trip - self.base;
        self.average(constants, delay, marked);
        delay
    }

    /// A round trip that needs no congestion control: only the shortest is learnt from.
    pub(super) fn lower_base(&mut self, round_trip: u64) {
        if self.base > round_trip {
            self.base = round_trip;
            self.largest = (1.5 * (round_trip as f64 * 1e-12 * self.rate).floor()) as i64;
        }
    }

    fn average(&mut self, constants: &Constants, delay: u64, marked: bool) {
        let sample = if !marked && delay > constants.target { self.base as f64 * 0.25 } else { delay as f64 };
        self.mean_delay = (DELAY_WEIGHT * sample + (1.0 - DELAY_WEIGHT) * self.mean_delay as f64) as u64;
    }

    fn bound(&mut self, constants: &Constants) {
        self.window = self.window.max(constants.least).min(self.largest);
    }

    /// An acknowledgement of so many new bytes.
    pub(super) fn acknowledged(
        &mut self,
        constants: &Constants,
        now: u64,
        marked: bool,
        delay: u64,
        bytes: u32,
        in_flight: i64,
    ) {
        if self.quick(constants, now, false, marked, delay, in_flight) {
            return;
        }
        match (marked, delay >= constants.target) {
            (false, true) => self.add(constants.fair * f64::from(bytes)),
            (false, false) => self.speed_up(constants, delay, bytes),
            (true, true) => self.slow_down(constants, now),
            // The balancer will choose another way.
            (true, false) => {}
        }
        self.bound(constants);
        let waited = now - self.adjusted;
        if self.pending > constants.adjust_bytes || waited > constants.adjust_time {
            self.window += i64::from(self.increase) / self.window;
            if waited >= constants.adjust_time {
                self.window += constants.per_round as i64;
                self.adjusted = now;
            }
            self.increase = 0;
            self.pending = 0;
        }
        self.bound(constants);
    }

    fn add(&mut self, change: f64) {
        self.increase = (f64::from(self.increase) + change) as i64 as u32;
    }

    fn speed_up(&mut self, constants: &Constants, delay: u64, bytes: u32) {
        if delay < EMPTY {
            self.calm = self.calm.wrapping_add(bytes);
            if self.fast || i64::from(self.calm) > self.window {
                self.window = (self.window as f64 + f64::from(bytes) * constants.fast) as i64;
                self.fast = true;
                return;
            }
        } else {
            self.calm = 0;
        }
        self.fast = false;
        self.add(constants.proportional * f64::from(bytes) * (constants.target - delay) as f64);
    }

    fn slow_down(&mut self, constants: &Constants, now: u64) {
        self.fast = false;
        self.calm = 0;
        let mean = self.mean_delay;
        if mean > constants.target && now - self.decreased > self.base {
            let factor = (1.0 - GAMMA * (mean - constants.target) as f64 / mean as f64).max(LARGEST_STEP);
            self.window = ((self.window as f64 * factor) as i64).max(constants.least);
            self.decreased = now;
        }
    }

    /// Sets the window to what came through when that was little. Whether this acknowledgement is thereby dealt with.
    fn quick(&mut self, constants: &Constants, now: u64, loss: bool, marked: bool, delay: u64, in_flight: i64) -> bool {
        let mut done = false;
        if self.ignored < self.to_ignore && marked {
            done = true;
        } else if now > self.quick_end {
            let reason = self.quick_due || loss || delay as f64 > 4.0 * constants.target as f64;
            if self.quick_end != 0 && reason && self.achieved < self.largest >> QUICK_SHIFT {
                self.window = self.achieved.max(constants.least);
                self.to_ignore = in_flight as u32;
                self.ignored = 0;
                self.quick_due = false;
                done = true;
            }
            self.achieved = 0;
            self.quick_end = now + self.base + constants.target;
        }
        if done {
            self.increase = 0;
            self.pending = 0;
        }
        done
    }

    /// A packet came without its payload. `spare`: receivers pace anyway and it was lost in front of one.
    pub(super) fn trimmed(
        &mut self,
        constants: &Constants,
        now: u64,
        round_trip: u64,
        bytes: u32,
        in_flight: i64,
        spare: bool,
    ) {
        self.lower_base(round_trip);
        self.ignored = self.ignored.wrapping_add(bytes);
        self.average(constants, constants.rtt, true);
        self.quick_due = true;
        if !self.quick(constants, now, true, true, 0, in_flight) && !spare {
            self.window -= i64::from(bytes);
            self.bound(constants);
        }
    }

    /// A packet was given up for lost.
    pub(super) fn timed_out(&mut self, constants: &Constants, bytes: u32) {
        self.window = (self.window - i64::from(bytes)).max(constants.least);
    }
}
