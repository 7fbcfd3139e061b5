//! DCQCN: RoCE's rate control. Switches mark by random early detection, receivers turn marks into congestion notification
//! packets (CNPs), senders cut their rate and win it back in three phases.
//!
//! Source: Zhu et al., "Congestion Control for Large-Scale RDMA Deployments", SIGCOMM 2015, sections 3 and 5 (the
//! algorithm, and its constants for 40 Gb/s in table 14 and section 5.2: certain). The steps of increase and the marking
//! thresholds at 400 Gb/s are those that SimAI ships (its `SimAI.conf`; read there, not measured). Timers are kept without
//! events: what would have happened since the last look is made up for at the next packet or CNP, so that a packet already
//! held back does not gain from an increase of the rate meanwhile.

use serde::Serialize;

use super::engine::Engine;
use super::pool::{Form, NONE, Packet};
use crate::time::Time;

/// DCQCN's constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dcqcn {
    /// A receiver sends at most one CNP per flow in this time (paper: N = 50 us).
    pub notification_interval: Time,
    /// Without a CNP for this long, the estimate of congestion shrinks (paper: K = 55 us).
    pub alpha_interval: Time,
    /// Weight of news in the estimate of congestion (paper: g = 1/256).
    pub gain: f64,
    /// The rate rises every time this passes (paper: T = 55 us).
    pub increase_interval: Time,
    /// The rate rises whenever so many bytes are sent (paper: B = 10 MB).
    pub increase_bytes: u64,
    /// Rises of each kind that only win back the rate before the cut (paper: F = 5).
    pub fast_recovery: u32,
    /// Step of additive increase, bits per second (paper: 40 Mb/s; SimAI: 50 Mb/s).
    pub additive: f64,
    /// Step of hyper increase, bits per second, times the number of rises beyond fast recovery (SimAI: 100 Mb/s).
    pub hyper: f64,
    /// The rate is cut at most once in this time (zero in the paper, whose CNPs are rare enough; SimAI: 4 us).
    pub decrease_interval: Time,
    /// A cut leaves the target as it is unless the rate has risen by time since the cut before (ns-3's model of a NIC
    /// whose target is not clamped; the paper lowers it with every cut).
    pub hold_target: bool,
    /// Lowest rate, bits per second (SimAI: 100 Mb/s).
    pub least: f64,
}

impl Default for Dcqcn {
    /// The paper's timers with SimAI's steps for 400 Gb/s.
    fn default() -> Self {
        Self {
            notification_interval: Time::us(50),
            alpha_interval: Time::us(55),
            gain: 1.0 / 256.0,
            increase_interval: Time::us(55),
            increase_bytes: 10_000_000,
            fast_recovery: 5,
            additive: 50e6,
            hyper: 100e6,
            decrease_interval: Time::ZERO,
            hold_target: false,
            least: 100e6,
        }
    }
}

impl Dcqcn {
    /// As SimAI (and the HPCC authors' ns-3 before it) configures it: a CNP for every marked packet at most every 4 us,
    /// the estimate aged every microsecond, one step of fast recovery, a rise every 900 us (`SimAI.conf`). Its model
    /// renews the estimate by timer, here every CNP does: about as often while marks last.
    pub fn simai() -> Self {
        Self {
            notification_interval: Time::us(4),
            alpha_interval: Time::us(1),
            increase_interval: Time::us(900),
            increase_bytes: u64::MAX,
            fast_recovery: 1,
            decrease_interval: Time::us(4),
            hold_target: true,
            ..Self::default()
        }
    }
}

/// One flow's rate. Rates in bytes per picosecond.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Rate now, rate aimed at, and the link's.
    rate: f64,
    target: f64,
    line: f64,
    /// Estimate of congestion, 0 to 1.
    alpha: f64,
    /// When the estimate shrinks and the rate rises next, ps.
    alpha_due: u64,
    increase_due: u64,
    /// Bytes sent since the last rise by bytes.
    bytes: u64,
    /// Rises by time and by bytes since the last cut.
    by_time: u32,
    by_bytes: u32,
    /// When it was last cut, ps; none yet: timers stand still at full rate.
    cut: Option<u64>,
    /// When the next packet may go, ps.
    pub(super) due: u64,
}

const BITS_PER_SECOND: f64 = 1.0 / 8e12;

impl Flow {
    pub(super) fn new(bytes_per_second: f64) -> Self {
        let line = bytes_per_second * 1e-12;
        Self {
            rate: line,
            target: line,
            line,
            alpha: 1.0,
            alpha_due: u64::MAX,
            increase_due: u64::MAX,
            bytes: 0,
            by_time: 0,
            by_bytes: 0,
            cut: None,
            due: 0,
        }
    }

    /// Makes up for timers that have run out.
    fn catch_up(&mut self, constants: &Dcqcn, now: u64) {
        let (alpha_step, step) = (constants.alpha_interval.0.max(1), constants.increase_interval.0.max(1));
        if self.alpha_due <= now {
            let times = (now - self.alpha_due) / alpha_step + 1;
            self.alpha *= (1.0 - constants.gain).powf(times as f64);
            self.alpha_due += times * alpha_step;
        }
        while self.increase_due <= now {
            if self.rate >= self.line && self.target >= self.line {
                // At full rate further rises change nothing but their count.
                let times = (now - self.increase_due) / step + 1;
                self.by_time = self.by_time.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
                self.increase_due += times * step;
                return;
            }
            self.by_time = self.by_time.saturating_add(1);
            self.increase_due += step;
            self.rise(constants);
        }
    }

    fn rise(&mut self, constants: &Dcqcn) {
        let (least, most) = (self.by_time.min(self.by_bytes), self.by_time.max(self.by_bytes));
        if most > constants.fast_recovery {
            let step = if least > constants.fast_recovery {
                f64::from(least - constants.fast_recovery) * constants.hyper
            } else {
                constants.additive
            };
            self.target = (self.target + step * BITS_PER_SECOND).min(self.line);
        }
        self.rate = f64::midpoint(self.target, self.rate).min(self.line);
        if self.line - self.rate < 1e-6 * self.line && self.target >= self.line {
            self.rate = self.line;
        }
    }

    /// A packet was sent.
    pub(super) fn sent(&mut self, constants: &Dcqcn, now: u64, size: u32) {
        self.catch_up(constants, now);
        if self.cut.is_some() {
            self.bytes += u64::from(size);
            while self.bytes >= constants.increase_bytes.max(1) {
                self.bytes -= constants.increase_bytes.max(1);
                self.by_bytes = self.by_bytes.saturating_add(1);
                self.rise(constants);
            }
        }
        // At full rate the link itself holds back.
        self.due = if self.rate >= self.line { now } else { now + (f64::from(size) / self.rate) as u64 };
    }

    /// A CNP arrived.
    pub(super) fn notified(&mut self, constants: &Dcqcn, now: u64) {
        self.catch_up(constants, now);
        if self.cut.is_some_and(|cut| now - cut < constants.decrease_interval.0) {
            self.alpha = (1.0 - constants.gain) * self.alpha + constants.gain;
            return;
        }
        if !constants.hold_target || self.by_time > 0 {
            self.target = self.rate;
        }
        self.rate = (self.rate * (1.0 - self.alpha / 2.0)).max((constants.least * BITS_PER_SECOND).min(self.line));
        self.alpha = (1.0 - constants.gain) * self.alpha + constants.gain;
        self.alpha_due = now + constants.alpha_interval.0.max(1);
        self.increase_due = now + constants.increase_interval.0.max(1);
        (self.bytes, self.by_time, self.by_bytes, self.cut) = (0, 0, 0, Some(now));
    }
}

impl Engine<'_> {
    /// A marked packet arrived: tells its sender, unless it was told a short while ago.
    pub(super) fn notify(&mut self, flow: u32) {
        let interval = self.scene.settings.dcqcn.notification_interval.0;
        let now = self.now;
        let Some(receiver) = self.receivers.get_mut(flow) else { return };
        if receiver.notify_from > now {
            return;
        }
        receiver.notify_from = now + interval.max(1);
        let (to, edge) = (receiver.from, receiver.edge);
        let size = self.scene.params.header as u16;
        let packet = Packet { flow, to, next: NONE, size, form: Form::Cnp, ..Packet::default() };
        let packet = self.pool.add(packet);
        self.send_header(edge, packet);
    }

    /// A CNP is back at its sender.
    pub(super) fn notified(&mut self, flow: u32) {
        let (constants, now) = (&self.scene.settings.dcqcn, self.now);
        if let Some(sender) = self.senders.get_mut(flow) {
            sender.control.notified(constants, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000_000;

    fn gbps(flow: &Flow) -> f64 {
        flow.rate * 8e3
    }

    #[test]
    fn a_notification_halves_the_rate_and_fast_recovery_wins_it_back() {
        let constants = Dcqcn::default();
        let mut flow = Flow::new(50e9);
        flow.sent(&constants, 0, 4_000);
        assert_eq!(flow.due, 0, "full rate: the link holds back by itself");
        flow.notified(&constants, 0);
        // Alpha starts at 1, so the first cut is by half.
        assert!((gbps(&flow) - 200.0).abs() < 1e-9);
        flow.sent(&constants, 1, 4_000);
        assert_eq!(flow.due, 1 + 160_000, "4,000 bytes at 200 Gb/s");
        // Five rises of fast recovery: the gap of 200 Gb/s halves each time.
        flow.sent(&constants, 5 * 55 * US, 0);
        assert!((gbps(&flow) - (400.0 - 200.0 / 32.0)).abs() < 1e-9, "{}", gbps(&flow));
    }

    #[test]
    fn alpha_is_a_moving_average() {
        let constants = Dcqcn::default();
        let mut flow = Flow::new(50e9);
        flow.notified(&constants, 0);
        assert!((flow.alpha - 1.0).abs() < 1e-12);
        flow.catch_up(&constants, 10 * 55 * US);
        assert!((flow.alpha - (255.0f64 / 256.0).powi(10)).abs() < 1e-12);
        let before = flow.alpha;
        flow.notified(&constants, 10 * 55 * US + 1);
        assert!((flow.alpha - (before * 255.0 / 256.0 + 1.0 / 256.0)).abs() < 1e-12);
    }

    #[test]
    fn increase_is_additive_then_hyper() {
        let constants = Dcqcn::default();
        let mut flow = Flow::new(50e9);
        // Two cuts in a row leave the target at 200 Gb/s, out of reach of the line rate's limit.
        flow.notified(&constants, 0);
        flow.notified(&constants, 1);
        flow.catch_up(&constants, 1 + 6 * 55 * US);
        assert!((flow.target * 8e3 - 200.05).abs() < 1e-9, "{}", flow.target * 8e3);
        // Rises by bytes catch up: with both beyond fast recovery the steps are hyper.
        for _ in 0..6 {
            flow.sent(&constants, 1 + 6 * 55 * US, 10_000_000);
        }
        let additive = 6.0 * 0.05;
        let after = flow.target * 8e3;
        assert!((after - (200.0 + additive + 0.1)).abs() < 1e-9, "{after}");
    }

    #[test]
    fn targets_may_be_held_through_cuts_in_a_row() {
        let constants = Dcqcn::simai();
        let mut flow = Flow::new(50e9);
        for at in 0..3 {
            flow.notified(&constants, at * 4 * US);
        }
        assert!((flow.target * 8e3 - 400.0).abs() < 1e-9 && gbps(&flow) < 60.0);
        // One rise wins half of the gap back; the next cut takes the rate as target.
        flow.catch_up(&constants, 8 * US + 900 * US);
        let risen = gbps(&flow);
        assert!(risen > 200.0);
        flow.notified(&constants, 909 * US);
        assert!((flow.target * 8e3 - risen).abs() < 1e-9);
    }

    #[test]
    fn cuts_keep_their_distance_and_the_least_rate() {
        let constants = Dcqcn { decrease_interval: Time::us(4), ..Dcqcn::default() };
        let mut flow = Flow::new(50e9);
        flow.notified(&constants, 0);
        flow.notified(&constants, 3 * US);
        assert!((gbps(&flow) - 200.0).abs() < 1e-9);
        for at in 1..100 {
            flow.notified(&constants, at * 4 * US);
        }
        assert!((gbps(&flow) - 0.1).abs() < 1e-9);
    }
}
