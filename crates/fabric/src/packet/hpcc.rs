//! HPCC: switches write what they carry into passing packets, and senders set their windows by the busiest link.
//!
//! Source: Li et al., "HPCC: High Precision Congestion Control", SIGCOMM 2019, algorithm 1 and section 5.1 (utilisation
//! 0.95, five stages, additive step of W_init (1 - 0.95) / N with N = 100 flows, that is 80 bytes at 100 Gb/s and 13 us:
//! certain). The bytes that telemetry adds to a packet (42 at most in the paper) are part of `Settings::header` if they are
//! to count. Telemetry lies in an array beside the packets.

use serde::Serialize;

use super::engine::Engine;

/// HPCC's constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hpcc {
    /// Utilisation aimed at.
    pub utilisation: f64,
    /// Additive steps before a multiplicative one.
    pub stages: u32,
    /// Flows that are expected on a link at once: sets the additive step.
    pub flows: f64,
}

impl Default for Hpcc {
    fn default() -> Self {
        Self { utilisation: 0.95, stages: 5, flows: 100.0 }
    }
}

/// Most links that a packet tells of; further ones go unnoticed.
const MOST: usize = 8;

/// What one port says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Link {
    /// When it began to send the packet, ps.
    at: u64,
    /// Bytes sent before, in all.
    carried: u64,
    /// Time per byte in 2^-16 ps.
    per_byte: u64,
    /// Bytes that waited behind the packet.
    queue: u32,
    edge: u32,
}

/// What the ports on a packet's way said, as many as `Packet::hops`.
pub(super) type Trail = [Link; MOST];

/// One flow's window.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Window in bytes, the one it is reckoned from, the first one, and the additive step.
    window: f64,
    reference: f64,
    first: f64,
    step: f64,
    /// Utilisation of the busiest link, smoothed.
    utilisation: f64,
    stage: u32,
    /// The first number not yet sent when the reference was last set.
    update_from: u32,
    /// Round trip without queues, ps.
    rtt: f64,
    /// What the links said last.
    links: Trail,
    known: usize,
    /// When the next packet may go, ps.
    pub(super) due: u64,
}

impl Flow {
    pub(super) fn new(constants: &Hpcc, bytes_per_second: f64, rtt: u64, first: Option<f64>) -> Self {
        let rtt = rtt as f64;
        let bdp = bytes_per_second * rtt * 1e-12;
        let window = first.unwrap_or(bdp);
        Self {
            window,
            reference: window,
            first: bdp,
            step: bdp * (1.0 - constants.utilisation) / constants.flows.max(1.0),
            utilisation: constants.utilisation,
            stage: 0,
            update_from: 0,
            rtt,
            links: Trail::default(),
            known: 0,
            due: 0,
        }
    }

    /// Window in bytes.
    #[inline]
    pub(super) fn bytes(&self) -> i64 {
        self.window as i64
    }

    /// Takes up what the links say. Whether it could be compared with what the same links said before.
    fn measure(&mut self, now: &[Link]) -> bool {
        let before = &self.links[..self.known];
        let same = before.len() == now.len() && before.iter().zip(now).all(|(a, b)| a.edge == b.edge && a.at <= b.at);
        let mut busiest = 0.0f64;
        let mut span = 0.0f64;
        if same {
            for (old, new) in before.iter().zip(now) {
                let passed = (new.at - old.at) as f64;
                if passed <= 0.0 {
                    continue;
                }
                let per_byte = new.per_byte as f64 / 65_536.0;
                let queue = f64::from(new.queue.min(old.queue)) * per_byte / self.rtt;
                let load = queue + new.carried.wrapping_sub(old.carried) as f64 * per_byte / passed;
                if load > busiest {
                    (busiest, span) = (load, passed);
                }
            }
        }
        self.known = now.len();
        self.links[..now.len()].copy_from_slice(now);
        if same && span > 0.0 {
            let weight = span.min(self.rtt) / self.rtt;
            self.utilisation = (1.0 - weight) * self.utilisation + weight * busiest;
        }
        same
    }

    /// An acknowledgement of packet `seq`; `next` is the first number not sent yet.
    pub(super) fn acknowledged(&mut self, constants: &Hpcc, seq: u32, next: u32, links: &[Link], mtu: u32) {
        if links.is_empty() || !self.measure(links) {
            return;
        }
        let update = seq >= self.update_from;
        if self.utilisation >= constants.utilisation || self.stage >= constants.stages {
            self.window = self.reference / (self.utilisation / constants.utilisation).max(1e-6) + self.step;
            if update {
                self.stage = 0;
            }
        } else {
            self.window = self.reference + self.step;
            if update {
                self.stage += 1;
            }
        }
        // Neither more than the link carries nor less than keeps the clock going: a hundredth of a packet.
        self.window = self.window.min(self.first).max(f64::from(mtu) * 0.01);
        if update {
            self.reference = self.window;
            self.update_from = next;
        }
    }

    /// A packet was sent: packets are a window per round trip apart.
    pub(super) fn sent(&mut self, now: u64, size: u32) {
        let gap = f64::from(size) * self.rtt / self.window;
        self.due = if self.window >= self.first { now } else { now.saturating_add(gap as u64) };
    }
}

impl Engine<'_> {
    /// A port begins to send a packet: it says so if the packet is a payload.
    pub(super) fn tell(&mut self, edge: u32, packet: u32, size: u32, bulk: bool) {
        let carried = &mut self.carried[edge as usize];
        let before = *carried;
        *carried += u64::from(size);
        let seen = &mut self.pool[packet];
        let at = usize::from(seen.hops);
        if !bulk || at >= MOST {
            return;
        }
        seen.hops += 1;
        let port = &self.ports[edge as usize];
        // On the wire it counts as sent, not as waiting.
        let queue = port.bulk.saturating_sub(size);
        let link = Link { at: self.now, carried: before, per_byte: port.per_byte, queue, edge };
        self.trail(packet)[at] = link;
    }

    fn trail(&mut self, packet: u32) -> &mut Trail {
        if self.trails.len() <= packet as usize {
            self.trails.resize(packet as usize + 1, Trail::default());
        }
        &mut self.trails[packet as usize]
    }

    /// A packet comes from another part of the network, with what links said to it.
    pub(super) fn keep_trail(&mut self, packet: u32, trail: &Trail) {
        *self.trail(packet) = *trail;
    }
}

/// What the ports on the way said to a packet.
pub(super) fn told(trails: &[Trail], packet: u32, hops: u8) -> &[Link] {
    trails.get(packet as usize).map_or(&[], |trail| &trail[..usize::from(hops).min(MOST)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000_000;

    /// 400 Gb/s: 20 ps per byte.
    fn link(at: u64, carried: u64, queue: u32) -> Link {
        Link { at, carried, per_byte: 20 << 16, queue, edge: 7 }
    }

    #[test]
    fn the_window_settles_where_the_link_is_used_as_wanted() {
        let constants = Hpcc::default();
        let mut flow = Flow::new(&constants, 50e9, 10 * US, None);
        assert!((flow.first - 500_000.0).abs() < 1e-6);
        assert!((flow.step - 250.0).abs() < 1e-6);
        flow.acknowledged(&constants, 0, 100, &[link(0, 0, 0)], 4_000);
        assert!((flow.window - 500_000.0).abs() < 1e-6, "nothing to compare with yet");
        // A round trip later the link has carried all it could and a whole window waits: utilisation 2.
        flow.acknowledged(&constants, 1, 100, &[link(10 * US, 500_000, 500_000)], 4_000);
        // The queue counts as the lesser of the two reports, which was 0.
        assert!((flow.utilisation - 1.0).abs() < 1e-9);
        flow.acknowledged(&constants, 2, 100, &[link(20 * US, 1_000_000, 500_000)], 4_000);
        assert!((flow.utilisation - 2.0).abs() < 1e-9);
        // Not an update of the reference (2 < 100): W = W_c * 0.95 / 2 + step, with W_c from the update before.
        let reference = 500_000.0 * 0.95 + 250.0;
        assert!((flow.reference - reference).abs() < 1e-6);
        assert!((flow.window - (reference * 0.475 + 250.0)).abs() < 1e-6);
        flow.sent(0, 4_000);
        assert_eq!(flow.due, (4_000.0 * 10e6 / flow.window) as u64);
    }

    #[test]
    fn below_the_aim_windows_grow_by_steps_then_at_once() {
        let constants = Hpcc::default();
        let mut flow = Flow::new(&constants, 50e9, 10 * US, Some(100_000.0));
        flow.acknowledged(&constants, 0, 1, &[link(0, 0, 0)], 4_000);
        for at in 1..=5u32 {
            let carried = 100_000 * u64::from(at);
            flow.acknowledged(&constants, at, at + 1, &[link(10 * US * u64::from(at), carried, 0)], 4_000);
            assert!((flow.window - (100_000.0 + 250.0 * f64::from(at))).abs() < 1e-6, "{}", flow.window);
        }
        // After five steps one leap to the aim: 0.95 of the link.
        flow.acknowledged(&constants, 6, 7, &[link(60 * US, 600_000, 0)], 4_000);
        assert!((flow.window - (101_250.0 * 0.95 / 0.2 + 250.0)).abs() < 1e-3, "{}", flow.window);
    }

    #[test]
    fn another_way_is_not_compared() {
        let constants = Hpcc::default();
        let mut flow = Flow::new(&constants, 50e9, 10 * US, None);
        flow.acknowledged(&constants, 0, 1, &[link(0, 0, 0)], 4_000);
        let other = Link { edge: 8, ..link(10 * US, 5_000_000, 1_000_000) };
        flow.acknowledged(&constants, 1, 2, &[other], 4_000);
        assert!((flow.window - 500_000.0).abs() < 1e-6);
    }
}
