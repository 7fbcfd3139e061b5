//! Pauses per class: what a switch counts per incoming link, and when it asks for silence.
//!
//! A frame counts from its arrival until it begins to leave. What does not fit under the threshold goes into the headroom
//! and asks for a pause; what does not fit there is lost. The pause waits for the frame on the wire, takes its own time on
//! it and travels back; see [`crate::link_layer::PauseHop`].

use super::engine::Engine;
use super::event::Kind;
use super::lanes::{Word, word};

/// What came by one link and class and is still in the switch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ingress {
    /// Bytes under the threshold and in the headroom.
    shared: u64,
    headroom: u64,
    /// A pause was asked for.
    asked: bool,
}

impl Engine<'_> {
    /// A frame comes into a switch. `false`: there is no room.
    pub(super) fn store(&mut self, edge: u32, lane: u8, size: u32) -> bool {
        let node = self.scene.heads[edge as usize] as usize;
        let pool = self.scene.settings.links.pause.pool;
        let Some(layered) = self.layered.as_deref_mut() else { return true };
        let at = layered.at(edge, lane);
        let link = &layered.links[edge as usize];
        let threshold = threshold(link.threshold, pool, layered.pools[node]);
        let ingress = &mut layered.ingress[at];
        if ingress.shared + u64::from(size) <= threshold {
            ingress.shared += u64::from(size);
            layered.pools[node] += u64::from(size);
            return true;
        }
        let fits = ingress.headroom + u64::from(size) <= link.headroom;
        if fits {
            ingress.headroom += u64::from(size);
        }
        if !std::mem::replace(&mut ingress.asked, true) {
            self.send_pause(edge, lane, Word::Pause);
        }
        fits
    }

    /// A frame that came by an edge begins to leave.
    pub(super) fn unstore(&mut self, edge: u32, lane: u8, size: u32) {
        let node = self.scene.heads[edge as usize] as usize;
        let pool = self.scene.settings.links.pause.pool;
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let at = layered.at(edge, lane);
        let link = &layered.links[edge as usize];
        let ingress = &mut layered.ingress[at];
        let first = ingress.headroom.min(u64::from(size));
        ingress.headroom -= first;
        let rest = u64::from(size) - first;
        debug_assert!(ingress.shared >= rest, "a frame leaves that never came");
        ingress.shared -= rest;
        layered.pools[node] -= rest;
        if ingress.asked && ingress.headroom == 0 {
            let threshold = threshold(link.threshold, pool, layered.pools[node]);
            if ingress.shared <= threshold.saturating_sub(link.hysteresis) {
                ingress.asked = false;
                self.send_pause(edge, lane, Word::Resume);
            }
        }
    }

    /// Sends a pause, or its end, back over a link.
    fn send_pause(&mut self, edge: u32, lane: u8, what: Word) {
        let settings = &self.scene.settings.links.pause;
        let back = edge ^ 1;
        let port = &mut self.ports[back as usize];
        // It goes before all that waits, but not before what is on the wire.
        let end = port.free_at.max(self.now) + port.serialise(settings.frame);
        port.free_at = end;
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let after = layered.links[back as usize].after;
        let effect = (end + self.ports[back as usize].delay - after).saturating_add(settings.reaction.0);
        self.counters.pauses += u64::from(what == Word::Pause);
        if !self.uses.is_empty() || !self.watched.is_empty() {
            self.note_sent(back, settings.frame);
        }
        self.push(effect, Kind::Link, edge, word(what, lane, 0));
    }
}

/// Bytes of one link and class that ask for no pause: fixed, or a share of what is free in the pool.
fn threshold(fixed: u64, pool: Option<(u64, f64)>, used: u64) -> u64 {
    pool.map_or(fixed, |(bytes, share)| (bytes.saturating_sub(used) as f64 * share.max(0.0)) as u64)
}
