//! What links that go down do to what is on them.
//!
//! Without replay, packets on the wire are lost, and so is what is sent until the link is up. With replay nothing is: the
//! sender keeps what was not acknowledged, stops, and after the link is up sends that again first. What may still be on the
//! wire then has come, or not, one delay later, so that is when it begins.

use super::engine::Engine;
use super::errors::Repair;
use super::event::Kind;
use super::lanes::{Word, word};
use super::layered::Guard;
use super::port::state;

impl Engine<'_> {
    /// Whether an edge replays what an outage interrupts.
    fn replays(&self, edge: u32) -> bool {
        let settings = &self.scene.settings.links.replay;
        self.layered.as_deref().is_some_and(|layered| {
            let link = &layered.links[edge as usize];
            let kept = link.errors.as_ref().is_none_or(|errors| errors.repair != Repair::Lose);
            kept && if link.guard == Guard::Credit {
                settings.on
            } else {
                settings.ethernet && self.ports[edge as usize].is(state::LANES)
            }
        })
    }

    /// Whether a port has to wait until its link is up.
    pub(super) fn waits_for_repair(&self, edge: u32) -> bool {
        self.ports[edge as usize].is(state::DOWN) && self.replays(edge)
    }

    /// Whether an outage has hit a packet on its way; then it is taken care of.
    pub(super) fn interrupted(&mut self, edge: u32, packet: u32) -> bool {
        let Some(layered) = self.layered.as_deref() else { return false };
        let link = &layered.links[edge as usize];
        if link.down_at == u64::MAX {
            return false;
        }
        let port = &self.ports[edge as usize];
        let size = u32::from(self.pool[packet].size);
        let came = self.now - link.after.min(self.now);
        let began = came.saturating_sub(port.delay - link.after + port.serialise(link.framing.bytes(size)));
        if link.down_at < began || link.down_at >= came {
            return false;
        }
        if self.replays(edge) {
            if let Some(layered) = self.layered.as_deref_mut() {
                layered.links[edge as usize].interrupted.push_back(packet);
            }
        } else {
            // Never stored at this end.
            if let Some(layered) = self.layered.as_deref_mut() {
                layered.set_hold(packet, None);
            }
            self.counters.corrupted += 1;
            self.lose(edge, packet);
        }
        true
    }

    /// A link goes down.
    pub(super) fn goes_down(&mut self, edge: u32) {
        self.ports[edge as usize].state |= state::DOWN;
        if let Some(layered) = self.layered.as_deref_mut() {
            layered.links[edge as usize].down_at = self.now;
        }
    }

    /// A link is up.
    pub(super) fn comes_up(&mut self, edge: u32) {
        if self.waits_for_repair(edge) {
            let at = self.now.saturating_add(self.ports[edge as usize].delay).saturating_add(1);
            self.push(at, Kind::Link, edge, word(Word::Restored, 0, 0));
            return;
        }
        self.ports[edge as usize].state &= !state::DOWN;
    }

    /// Everything that was on the link when it went down is known: it is sent again.
    pub(super) fn restored(&mut self, edge: u32) {
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let link = &mut layered.links[edge as usize];
        let port = &mut self.ports[edge as usize];
        // It went down once more in the meantime, and the next time up counts.
        let delay = port.delay.saturating_add(1);
        if link.down_at.saturating_add(delay) > self.now || !port.is(state::DOWN) {
            return;
        }
        port.state &= !state::DOWN;
        let again = std::mem::take(&mut link.interrupted);
        let mut end = port.free_at.max(self.now);
        let mut arrivals = Vec::with_capacity(again.len());
        for packet in again {
            end += port.serialise(link.framing.bytes(u32::from(self.pool[packet].size)));
            let mut arrival = end + port.delay;
            if let Some(errors) = link.errors.as_deref_mut() {
                arrival = errors.in_order(arrival);
            }
            arrivals.push((arrival, packet));
        }
        port.free_at = end;
        self.counters.replays += arrivals.len() as u64;
        if let Some(used) = self.uses.get_mut(edge as usize) {
            used.replays += arrivals.len() as u64;
        }
        for (arrival, packet) in arrivals {
            self.push(arrival, Kind::Arrive, edge, packet);
        }
        self.reopen(edge);
    }
}
