//! Swift: a window that follows a target for the round trip, down to less than one packet.
//!
//! Source: Kumar et al., "Swift: Delay is Simple and Effective for Congestion Control in the Datacenter", SIGCOMM 2020,
//! algorithm 1 (the algorithm: certain). The paper leaves the targets to the operator; the constants here are those of
//! csg-htsim's `swift.cpp`, whose authors call them guesses. Endpoints take no time here, so that the whole round trip is
//! the fabric's and Swift's second window, for the endpoint, never acts.

use serde::Serialize;

use crate::time::Time;

/// Swift's constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Swift {
    /// Added to the window per window acknowledged, packets (guess: 1).
    pub additive: f64,
    /// Share of the delay beyond the target by which the window shrinks (guess: 0.8).
    pub decrease: f64,
    /// Largest share lost at once (guess: 0.5).
    pub largest_decrease: f64,
    /// Target of the round trip without hops and flows (guess: 20 us).
    pub base_target: Time,
    /// Target per hop (guess: the base over 6.55).
    pub per_hop: Time,
    /// Most that the target grows for small windows, which tell of many flows (guess: 5 times the base).
    pub flow_range: Time,
    /// Windows in packets between which the target is scaled (guess: 0.1 and 100).
    pub flow_windows: (f64, f64),
    /// Smallest and largest window, packets (guess: 10 bytes, here 0.0025 packets; 1,000 packets).
    pub windows: (f64, f64),
    /// First window, packets. `None`: a bandwidth-delay product (csg-htsim: 12 packets unless told).
    pub first: Option<f64>,
    /// Timeouts in a row after which the window is smallest (guess: 5).
    pub patience: u32,
}

impl Default for Swift {
    fn default() -> Self {
        Self {
            additive: 1.0,
            decrease: 0.8,
            largest_decrease: 0.5,
            base_target: Time::us(20),
            per_hop: Time::ps(3_053_435),
            flow_range: Time::us(100),
            flow_windows: (0.1, 100.0),
            windows: (0.0025, 1000.0),
            first: None,
            patience: 5,
        }
    }
}

/// One flow's window.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Window, packets.
    window: f64,
    /// Edges of the way, smoothed round trip in ps, last decrease, timeouts in a row.
    hops: u32,
    round_trip: u64,
    decreased: u64,
    timeouts: u32,
    /// When a packet was last sent, ps.
    sent: Option<u64>,
    /// Bytes of a full packet.
    mtu: u32,
}

impl Flow {
    /// `bdp`: bandwidth-delay product in packets.
    pub(super) fn new(constants: &Swift, hops: u32, bdp: f64, rtt: u64, mtu: u32) -> Self {
        let window = constants.first.unwrap_or(bdp);
        let mut flow = Self { window, hops, round_trip: rtt, decreased: 0, timeouts: 0, sent: None, mtu };
        flow.bound(constants);
        flow
    }

    /// Target of the round trip, ps.
    fn target(&self, constants: &Swift) -> f64 {
        let (low, high) = constants.flow_windows;
        let range = constants.flow_range.0 as f64;
        let scale = range / (low.max(1e-6).sqrt().recip() - high.max(1e-6).sqrt().recip());
        let scaled = scale * (self.window.max(1e-9).sqrt().recip() - high.max(1e-6).sqrt().recip());
        let scaled = if scaled.is_finite() { scaled.clamp(0.0, range) } else { 0.0 };
        constants.base_target.0 as f64 + scaled + f64::from(self.hops) * constants.per_hop.0 as f64
    }

    fn bound(&mut self, constants: &Swift) {
        self.window = self.window.min(constants.windows.1).max(constants.windows.0.max(1e-6));
    }

    /// Window in bytes.
    #[inline]
    pub(super) fn bytes(&self) -> i64 {
        (self.window * f64::from(self.mtu)) as i64
    }

    fn may_decrease(&self, now: u64) -> bool {
        now - self.decreased >= self.round_trip
    }

    /// An acknowledgement of so many new bytes.
    pub(super) fn acknowledged(&mut self, constants: &Swift, now: u64, round_trip: Option<u64>, bytes: u32) {
        let Some(delay) = round_trip else { return };
        self.timeouts = 0;
        let may = self.may_decrease(now);
        self.round_trip = self.round_trip - self.round_trip / 8 + delay / 8;
        let target = self.target(constants);
        let packets = f64::from(bytes) / f64::from(self.mtu);
        if (delay as f64) < target {
            let share = if self.window >= 1.0 { self.window } else { 1.0 };
            self.window += constants.additive * packets / share;
        } else if may {
            let factor = 1.0 - constants.decrease * (delay as f64 - target) / delay as f64;
            self.shrink(now, factor.max(1.0 - constants.largest_decrease));
        }
        self.bound(constants);
    }

    fn shrink(&mut self, now: u64, factor: f64) {
        self.window *= factor;
        self.decreased = now;
    }

    /// A packet was lost and will be sent again.
    pub(super) fn lost(&mut self, constants: &Swift, now: u64) {
        if self.may_decrease(now) {
            self.shrink(now, 1.0 - constants.largest_decrease);
            self.bound(constants);
        }
    }

    /// A packet was given up for lost.
    pub(super) fn timed_out(&mut self, constants: &Swift, now: u64) {
        self.timeouts += 1;
        if self.timeouts >= constants.patience {
            self.window = constants.windows.0;
            self.decreased = now;
            self.bound(constants);
        } else {
            self.lost(constants, now);
        }
    }

    /// A packet was sent.
    pub(super) fn sent(&mut self, now: u64) {
        self.sent = Some(now);
    }

    /// When the next packet may go, ps: below one packet of window, packets go round trips apart.
    pub(super) fn due(&self) -> u64 {
        match self.sent {
            Some(sent) if self.window < 1.0 => sent.saturating_add((self.round_trip as f64 / self.window) as u64),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000_000;

    fn flow(window: f64) -> Flow {
        Flow::new(&Swift { first: Some(window), ..Swift::default() }, 6, 100.0, 12 * US, 4_000)
    }

    #[test]
    fn the_target_scales_with_hops_and_flows() {
        let constants = Swift::default();
        // 100 packets: 20 us and six hops of 20/6.55 us.
        assert!((flow(100.0).target(&constants) * 1e-6 - (20.0 + 6.0 * 20.0 / 6.55)).abs() < 1e-4);
        // 0.1 packets: the whole range of 100 us on top; the curve between them falls as 1/sqrt.
        assert!((flow(0.1).target(&constants) - flow(100.0).target(&constants) - 100e6).abs() < 1.0);
        let share = (flow(1.0).target(&constants) - flow(100.0).target(&constants)) / 100e6;
        assert!((share - (1.0 - 0.1) / (0.1f64.sqrt().recip() - 0.1)).abs() < 1e-6);
    }

    #[test]
    fn windows_grow_by_one_packet_per_window_and_shrink_once_per_round_trip() {
        let constants = Swift::default();
        let mut one = flow(10.0);
        for at in 0..10 {
            one.acknowledged(&constants, 100 * US + at, Some(12 * US), 4_000);
        }
        assert!((one.window - 11.0).abs() < 0.05, "{}", one.window);
        let before = one.window;
        let target = one.target(&constants);
        let delay = (target * 2.0) as u64;
        one.acknowledged(&constants, 200 * US, Some(delay), 4_000);
        assert!((one.window / before - 0.6).abs() < 1e-3, "1 - 0.8 * 1/2");
        let after = one.window;
        one.acknowledged(&constants, 201 * US, Some(delay * 2), 4_000);
        assert!((one.window - after).abs() < 1e-12, "not twice in a round trip");
    }

    #[test]
    fn less_than_a_packet_is_paced() {
        let constants = Swift::default();
        let mut one = flow(0.25);
        assert_eq!(one.due(), 0);
        one.sent(5 * US);
        assert_eq!(one.due(), 5 * US + 4 * 12 * US);
        for at in 1..=5 {
            one.timed_out(&constants, at * 1_000 * US);
        }
        assert!((one.window - 0.0025).abs() < 1e-12);
        one.window = 2.0;
        assert_eq!(one.due(), 0);
    }
}
