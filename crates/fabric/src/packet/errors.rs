//! Errors on a link and their repair by replay.
//!
//! Errors cost nothing until they come: each link knows how many bits it may still carry before the next one. What a
//! failure costs follows at once from the round trip, so that frames that the receiver would throw away need no events:
//! with go-back-N the link is busy until the spoilt unit has been sent again, exactly as if it had sent in vain meanwhile.

use std::collections::VecDeque;

use super::random::Chance;
use crate::link_layer::LinkQuality;

/// A link that fails so often carries nothing.
const HOPELESS: u64 = 10_000;

/// What a link does about errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// The frame is lost.
    Lose,
    /// All is sent again from the spoilt unit on.
    GoBack,
    /// The spoilt unit alone is sent again.
    Selective,
}

/// Errors of one edge.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    quality: LinkQuality,
    chance: Chance,
    /// Bits that pass before the next event.
    clean: u64,
    pub(super) repair: Repair,
    /// From a unit's end to the first bit that is sent again, and the same when the request is lost, ps.
    pub(super) round: u64,
    timeout: u64,
    /// Bytes that are sent again as one; 0: the whole packet.
    unit: u32,
    /// When the last packet arrived: none overtakes it.
    last_arrival: u64,
    /// Bytes that wait for acknowledgement, oldest first, with the time when it comes; bytes in all, and the limit.
    waiting: VecDeque<(u64, u32)>,
    kept: u64,
    buffer: Option<u32>,
}

/// What became of a packet on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passage {
    /// Time that the wire is busy on top of the packet's own, ps.
    pub(super) busy: u64,
    /// Time by which the packet is late on top of that, ps.
    pub(super) late: u64,
    /// Units sent again, those in vain included.
    pub(super) replays: u64,
    /// It is lost.
    pub(super) lost: bool,
}

impl Errors {
    pub(super) fn new(
        quality: LinkQuality,
        chance: Chance,
        repair: Repair,
        (round, timeout): (u64, u64),
        unit: u32,
        buffer: Option<u32>,
    ) -> Self {
        let mut errors = Self {
            quality,
            chance,
            clean: 0,
            repair,
            round,
            timeout,
            unit,
            last_arrival: 0,
            waiting: VecDeque::new(),
            kept: 0,
            buffer,
        };
        errors.clean = errors.draw();
        errors
    }

    /// The link's quality changes.
    pub(super) fn set_bit_errors(&mut self, ratio: f64, burst: f64) {
        self.quality.bit_errors = ratio;
        self.quality.burst = burst;
        // What was drawn for the old ratio says nothing about the new one.
        self.clean = self.draw();
    }

    /// Bits before the next event: geometric.
    fn draw(&mut self) -> u64 {
        let ratio = self.quality.event_ratio();
        if ratio <= 0.0 {
            return u64::MAX;
        }
        // Above 0 and at most 1.
        let even = ((self.chance.next() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        (even.ln() / f64::ln_1p(-ratio)) as u64
    }

    /// A packet of so many bytes goes over the wire in `takes` ps.
    pub(super) fn pass(&mut self, bytes: u32, takes: u64) -> Passage {
        let unit = if self.unit == 0 { bytes } else { self.unit };
        // A part of a unit carries a part of its risk; flits are shared between packets.
        let exposed = self.quality.exposed_bits(u64::from(unit) * 8) * u64::from(bytes) / u64::from(unit.max(1));
        if self.clean >= exposed {
            if self.clean != u64::MAX {
                self.clean -= exposed;
            }
            return Passage::default();
        }
        self.fail(bytes, unit, exposed, takes)
    }

    #[cold]
    fn fail(&mut self, bytes: u32, unit: u32, exposed: u64, takes: u64) -> Passage {
        let mut passage = Passage::default();
        if self.repair == Repair::Lose {
            self.clean = self.draw();
            passage.lost = true;
            return passage;
        }
        let unit_time = (takes * u64::from(unit) / u64::from(bytes.max(1))).max(1);
        let unit_bits = self.quality.exposed_bits(u64::from(unit) * 8).max(1);
        let mut left = exposed;
        let mut failures = 0;
        while self.clean < left {
            // Units before the spoilt one are through.
            left -= self.clean / unit_bits * unit_bits;
            failures += 1;
            if failures > HOPELESS {
                passage.lost = true;
                self.clean = self.draw();
                return passage;
            }
            let request_lost =
                ((self.chance.next() >> 11) as f64) < self.quality.corruption(unit) * (1u64 << 53) as f64;
            let round = if request_lost { self.timeout } else { self.round };
            if self.repair == Repair::GoBack {
                passage.busy += unit_time + round;
                passage.replays += 1 + round / unit_time;
            } else {
                passage.busy += unit_time;
                passage.late += round;
                passage.replays += 1;
            }
            self.clean = self.draw();
        }
        if self.clean != u64::MAX {
            self.clean -= left;
        }
        passage
    }

    /// Keeps arrivals in order.
    pub(super) fn in_order(&mut self, arrival: u64) -> u64 {
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }

    /// Keeps a packet for replay from `end` until its acknowledgement. When there is room for another of `next` bytes.
    pub(super) fn keep(&mut self, end: u64, bytes: u32, next: u32) -> u64 {
        let Some(buffer) = self.buffer else { return end };
        self.waiting.push_back((end + self.round, bytes));
        self.kept += u64::from(bytes);
        let mut free = end;
        while self.kept + u64::from(next) > u64::from(buffer) {
            let Some((at, bytes)) = self.waiting.pop_front() else { break };
            self.kept -= u64::from(bytes);
            free = free.max(at);
        }
        while self.waiting.front().is_some_and(|(at, _)| *at <= free) {
            let Some((_, bytes)) = self.waiting.pop_front() else { break };
            self.kept -= u64::from(bytes);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link_layer::replay_goodput;

    fn errors(ratio: f64, burst: f64, repair: Repair, unit: u32) -> Errors {
        let quality = LinkQuality { burst, ..LinkQuality::with_bit_errors(ratio) };
        Errors::new(quality, Chance::new(7, 3, 1), repair, (200_000, 600_000), unit, None)
    }

    #[test]
    fn failures_come_as_often_as_the_formula_says() {
        // 2 million units of 640 bytes, one failure in 98: 20,400 of them, so 0.7 % is one standard deviation.
        for burst in [1.0, 20.0] {
            let mut errors = errors(2e-6 * burst, burst, Repair::Lose, 640);
            let lost = (0..2_000_000).filter(|_| errors.pass(640, 6_400).lost).count() as f64;
            let wanted = 2e6 * errors.quality.corruption(640);
            assert!((lost / wanted - 1.0).abs() < 0.025, "{lost} of {wanted}");
        }
    }

    #[test]
    fn going_back_costs_what_the_formula_says() {
        // Packets of 6.4 units, units shared between packets.
        let mut errors = errors(1e-6, 1.0, Repair::GoBack, 640);
        let (mut useful, mut busy) = (0u64, 0u64);
        for _ in 0..1_000_000 {
            useful += 40_960;
            busy += 40_960 + errors.pass(4096, 40_960).busy;
        }
        let spoilt = errors.quality.corruption(640);
        // The lost request costs the timeout instead.
        let round = (1.0 - spoilt) * 200_000.0 + spoilt * 600_000.0;
        let wanted = replay_goodput(spoilt, round / 6_400.0);
        assert!((useful as f64 / busy as f64 / wanted - 1.0).abs() < 2e-3, "{useful} {busy} {wanted}");
    }

    #[test]
    fn a_replay_buffer_bounds_the_rate() {
        let mut errors = errors(0.0, 1.0, Repair::GoBack, 0);
        errors.buffer = Some(10_000);
        let mut now = 0;
        for _ in 0..10_000 {
            now = errors.keep(now + 10_000, 1_000, 1_000);
        }
        // Ten packets per round trip of 200 ns and their own 10 ns.
        assert!((now as f64 / (10_000.0 / 10.0 * 210_000.0) - 1.0).abs() < 0.01, "{now}");
    }

    #[test]
    fn a_dead_link_does_not_hang() {
        let mut errors = errors(0.5, 1.0, Repair::GoBack, 640);
        assert!(errors.pass(64_000, 640_000).lost);
    }
}
