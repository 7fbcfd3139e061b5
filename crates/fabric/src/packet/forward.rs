//! What switches do with packets: choose a way, queue, send, mark, trim.

use super::engine::Engine;
use super::event::Kind;
use super::pool::{NONE, flag};
use super::port::state;
use super::random::mix;
use super::slow_ports;
use crate::network::{EndpointId, NodeId};
use crate::route::Policy;

impl Engine<'_> {
    /// A packet is at the end of an edge.
    #[inline]
    pub(super) fn arrive(&mut self, edge: u32, packet: u32) {
        if self.layered.is_none() || self.admit(edge, packet) {
            self.go_on(edge, packet);
        }
    }

    /// A packet that came over an edge goes on.
    #[inline]
    pub(super) fn go_on(&mut self, edge: u32, packet: u32) {
        if self.operations.is_some() && self.step_in_network(edge, packet) {
            return;
        }
        let node = self.scene.heads[edge as usize];
        if self.scene.ends[node as usize] {
            self.deliver(packet);
            return;
        }
        match self.way(node, packet) {
            Some(next) if self.scene.params.cut_through && self.await_whole(edge, next, packet) => {}
            Some(next) => self.enqueue(next, packet),
            None => self.lose(edge, packet),
        }
    }

    /// The edge by which a packet leaves a node.
    #[inline]
    pub(super) fn way(&mut self, node: u32, packet: u32) -> Option<u32> {
        let scene = self.scene;
        let seen = &self.pool[packet];
        let choices = self.routes.choices(scene.network, NodeId(node), EndpointId(seen.to));
        match choices {
            [] => None,
            [only] => Some(only.0),
            _ => {
                let count = choices.len() as u32;
                let at = match scene.settings.routing {
                    Policy::Static => seen.to / self.lower_ways(node) % count,
                    Policy::Adaptive if seen.is_bulk() => {
                        // Ties by a hash of the packet that knows no seed, so that not all take the first.
                        let start = hash(0, node, seen.flow, seen.seq as u16) >> 32;
                        let first = ((start * u64::from(count)) >> 32) as u32;
                        let load = |at: &u32| {
                            let port = &self.ports[choices[((first + at) % count) as usize].index()];
                            port.bulk + port.headers
                        };
                        (first + (0..count).min_by_key(load).unwrap_or(0)) % count
                    }
                    _ => {
                        let hash = hash(scene.settings.seed, node, seen.flow, seen.entropy) >> 32;
                        ((hash * u64::from(count)) >> 32) as u32
                    }
                };
                Some(choices[at as usize].0)
            }
        }
    }

    /// Puts a packet into a port's queue, or on the wire.
    pub(super) fn enqueue(&mut self, edge: u32, packet: u32) {
        let params = &self.scene.params;
        let now = self.now;
        let (size, bulk) = (u32::from(self.pool[packet].size), self.pool[packet].is_bulk());
        let port = &mut self.ports[edge as usize];
        if !port.is_busy(now) {
            port.bulk = 0;
            port.sending = NONE;
            port.sending_bytes = 0;
            self.transmit(edge, packet, size, bulk);
            return;
        }
        if port.is(state::LANES) {
            self.enqueue_lane(edge, packet);
            return;
        }
        let mut header = !bulk;
        if bulk {
            let room = if port.is(state::SLOW) { self.scene.limits[edge as usize] } else { params.queue };
            let full = port.bulk + size > room;
            // A full queue cuts off what comes or what came last, by chance: no sender is at an advantage.
            let keep = !full || (params.trimming && port.bulk_first != NONE && port.chance.next() >> 63 == 0);
            if !full {
                port.bulk += size;
            } else if keep {
                // The newcomer takes the last one's place, and the last one goes on as the newcomer.
                self.pool.exchange(port.bulk_last, packet);
                port.bulk += size;
                port.bulk -= u32::from(self.pool[packet].size);
            }
            if full {
                if !params.trimming {
                    self.drop_at(edge, packet);
                    return;
                }
                self.trim(edge, packet);
                header = true;
            } else {
                self.pool[packet].next = NONE;
                let port = &mut self.ports[edge as usize];
                match port.bulk_first {
                    NONE => port.bulk_first = packet,
                    _ => self.pool[port.bulk_last].next = packet,
                }
                port.bulk_last = packet;
            }
        }
        if header {
            let size = u32::from(self.pool[packet].size);
            let port = &mut self.ports[edge as usize];
            if port.headers + size > 2 * params.queue {
                self.drop_at(edge, packet);
                return;
            }
            port.headers += size;
            self.pool[packet].next = NONE;
            match port.header_first {
                NONE => port.header_first = packet,
                _ => self.pool[port.header_last].next = packet,
            }
            port.header_last = packet;
        }
        if !self.uses.is_empty() || !self.watched.is_empty() {
            self.note_queue(edge);
        }
        self.await_port(edge);
    }

    /// Asks for a wake event at the end of the packet on the wire.
    #[inline]
    pub(super) fn await_port(&mut self, edge: u32) {
        let port = &mut self.ports[edge as usize];
        if !port.is(state::AWAITED) {
            port.state |= state::AWAITED;
            let at = port.free_at.max(self.now);
            self.push(at, Kind::Wake, edge, 0);
        }
    }

    /// A packet has left a port where others wait.
    #[inline]
    pub(super) fn wake(&mut self, edge: u32) {
        if self.ports[edge as usize].is(state::LANES) {
            self.wake_lanes(edge);
            return;
        }
        if self.ports[edge as usize].is(state::HOST) && self.scene.nic_of[edge as usize] != NONE {
            self.wake_nic(edge);
            return;
        }
        let params = &self.scene.params;
        let port = &mut self.ports[edge as usize];
        port.state &= !state::AWAITED;
        port.bulk -= u32::from(port.sending_bytes);
        port.sending_bytes = 0;
        if port.sending != NONE {
            let filled = if port.is(state::SLOW) {
                slow_ports::filled(port.bulk, params.queue, self.scene.limits[edge as usize])
            } else {
                port.bulk
            };
            if filled > params.mark_from
                && port.is(state::MARKS)
                && (filled > params.mark_all || port.chance.below(params.mark_span) < filled - params.mark_from)
            {
                // It cannot have arrived yet: it has only just left.
                self.pool[port.sending].flags |= flag::MARKED;
                self.counters.marked += 1;
            }
            port.sending = NONE;
        }
        let (packet, bulk) = match (port.header_first, port.bulk_first) {
            (NONE, NONE) => return,
            (NONE, first) => (first, true),
            (first, _) => (first, false),
        };
        let (next, size) = (self.pool[packet].next, u32::from(self.pool[packet].size));
        if bulk {
            port.bulk_first = next;
        } else {
            port.header_first = next;
            port.headers -= size;
        }
        let more = port.header_first != NONE || port.bulk_first != NONE;
        // A payload that waited is counted already.
        if bulk {
            port.bulk -= size;
        }
        self.transmit(edge, packet, size, bulk);
        if more {
            self.await_port(edge);
        }
    }

    /// Puts a packet on the wire of an idle port.
    #[inline]
    pub(super) fn transmit(&mut self, edge: u32, packet: u32, size: u32, bulk: bool) {
        let params = &self.scene.params;
        let port = &mut self.ports[edge as usize];
        if port.is(state::DOWN | state::LANES | state::SPECIAL) {
            self.transmit_special(edge, packet, size, bulk);
            return;
        }
        let end = self.now + port.serialise(size);
        port.free_at = end;
        let mut arrival = end + port.delay;
        if params.cut_through && !port.is(state::LAST_HOP) {
            arrival -= port.serialise(size) - port.serialise(size.min(params.header));
        }
        if bulk {
            port.bulk += size;
            port.sending = packet;
            port.sending_bytes = size as u16;
            if params.cut_through {
                self.mark_early(edge, packet);
            }
        }
        if params.telemetry {
            self.tell(edge, packet, size, bulk);
        }
        if !self.uses.is_empty() || !self.watched.is_empty() {
            self.note_sent(edge, size);
        }
        if self.ports[edge as usize].is(state::CROSSES) {
            // With cut-through it may not be marked any more, and is elsewhere before its end has left.
            self.leave(if self.scene.params.cut_through { self.now } else { end }, arrival, edge, packet);
            return;
        }
        self.push(arrival, Kind::Arrive, edge, packet);
    }

    /// Cuts off a payload.
    fn trim(&mut self, edge: u32, packet: u32) {
        self.counters.trimmed += 1;
        let seen = &mut self.pool[packet];
        seen.flags |= flag::TRIMMED;
        seen.size = self.scene.params.header as u16;
        if self.ports[edge as usize].is(state::LAST_HOP) {
            seen.flags |= flag::LAST_HOP;
        }
    }

    /// A full queue loses a packet.
    fn drop_at(&mut self, edge: u32, packet: u32) {
        self.counters.dropped += 1;
        self.lose(edge, packet);
    }

    /// A packet is no more.
    pub(super) fn lose(&mut self, edge: u32, packet: u32) {
        if let Some(used) = self.uses.get_mut(edge as usize) {
            used.lost += 1;
        }
        if self.layered.is_some() {
            self.free_lost(packet);
        }
        self.pool.remove(packet);
    }

    #[cold]
    pub(super) fn note_queue(&mut self, edge: u32) {
        let port = &self.ports[edge as usize];
        let waiting = u64::from(port.bulk - u32::from(port.sending_bytes) + port.headers);
        if let Some(used) = self.uses.get_mut(edge as usize) {
            used.queue_bytes_max = used.queue_bytes_max.max(waiting);
        }
        if let Some(place) = self.watched.get(edge as usize).filter(|place| **place != NONE) {
            let slot = (self.now / self.series.slot.0) as usize;
            let queue = &mut self.series.queue[*place as usize];
            if queue.len() <= slot {
                queue.resize(slot + 1, 0);
            }
            queue[slot] = queue[slot].max(waiting);
        }
    }

    #[cold]
    pub(super) fn note_sent(&mut self, edge: u32, size: u32) {
        if let Some(used) = self.uses.get_mut(edge as usize) {
            used.bytes += u64::from(size);
        }
        if let Some(place) = self.watched.get(edge as usize).filter(|place| **place != NONE) {
            let slot = (self.now / self.series.slot.0) as usize;
            let bytes = &mut self.series.bytes[*place as usize];
            if bytes.len() <= slot {
                bytes.resize(slot + 1, 0);
            }
            bytes[slot] += u64::from(size);
        }
    }
}

/// What a switch makes of a flow and an entropy: its own for every switch.
#[inline]
fn hash(seed: u64, node: u32, flow: u32, entropy: u16) -> u64 {
    let salt = (seed ^ u64::from(node)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mix((u64::from(flow) << 16 | u64::from(entropy)).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ salt)
}
