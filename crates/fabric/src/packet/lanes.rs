//! Ports with lanes: a queue per class and virtual channel, served in turns as pauses and credits allow.
//!
//! Headers have a lane of their own on Ethernet, which goes first and is never paused. With credits they share the lanes of
//! payloads: endpoints take in whatever comes, so answers cannot lock out what they answer.
//!
//! A credit comes back when its packet has left the receiver's buffer (an endpoint's: has come), plus the way back.

use super::engine::Engine;
use super::event::Kind;
use super::layered::{Guard, Hold};
use super::pool::NONE;
use super::port::state;
use crate::network::{EdgeId, NodeId};

/// What the other end of a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Word {
    /// Credits are back.
    Credit = 0,
    /// Be silent.
    Pause = 1,
    /// Go on.
    Resume = 2,
    /// The first packet of an input queue has left.
    Advance = 3,
    /// The link is as good as new: go on where it was interrupted.
    Restored = 4,
}

const LANE_SHIFT: u32 = 20;
const WHAT_SHIFT: u32 = 28;

/// The payload of an event between the ends of a link.
pub(super) fn word(what: Word, lane: u8, units: i64) -> u32 {
    debug_assert!((0..1 << LANE_SHIFT).contains(&units));
    (what as u32) << WHAT_SHIFT | u32::from(lane) << LANE_SHIFT | units as u32
}

impl Engine<'_> {
    /// A packet has come over an edge. Whether it goes on at once.
    pub(super) fn admit(&mut self, edge: u32, packet: u32) -> bool {
        // With cut-through it may come a second time, in whole.
        if self.pool[packet].flags & super::pool::flag::WHOLE != 0 {
            return true;
        }
        if self.interrupted(edge, packet) {
            return false;
        }
        let node = self.scene.heads[edge as usize];
        let size = u32::from(self.pool[packet].size);
        let Some(layered) = self.layered.as_deref_mut() else { return true };
        let Some(hold) = layered.hold(packet) else { return true };
        if self.scene.ends[node as usize] {
            layered.set_hold(packet, None);
            self.free(hold, size, self.now);
            return true;
        }
        let pauses = layered.links[edge as usize].guard == Guard::Pause && hold.lane > 0;
        if pauses && !self.store(edge, hold.lane, size) {
            if let Some(layered) = self.layered.as_deref_mut() {
                layered.set_hold(packet, None);
            }
            self.counters.dropped += 1;
            self.lose(edge, packet);
            return false;
        }
        let Some(layered) = self.layered.as_deref_mut() else { return true };
        let at = layered.at(edge, hold.lane);
        match layered.inputs.get_mut(at) {
            Some(queue) => {
                queue.push_back(packet);
                queue.len() == 1
            }
            None => true,
        }
    }

    /// A packet no longer occupies a buffer, from `at` on.
    fn free(&mut self, hold: Hold, size: u32, at: u64) {
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let (units, link) = (layered.units(hold.edge, size), &layered.links[hold.edge as usize]);
        let guard = link.guard;
        let inside = !self.scene.ends[self.scene.heads[hold.edge as usize] as usize];
        let back = at.saturating_add(link.back);
        let queued = inside && !layered.inputs.is_empty();
        match guard {
            Guard::Credit => self.push(back, Kind::Link, hold.edge, word(Word::Credit, hold.lane, units)),
            // Headers are never paused, so they are not counted.
            Guard::Pause if inside && hold.lane > 0 => self.unstore(hold.edge, hold.lane, size),
            Guard::Pause | Guard::None => {}
        }
        if queued {
            self.push(at, Kind::Link, hold.edge, word(Word::Advance, hold.lane, 0));
        }
    }

    /// A packet is no more: what it occupied is free.
    pub(super) fn free_lost(&mut self, packet: u32) {
        let size = u32::from(self.pool[packet].size);
        let hold = self.layered.as_deref_mut().and_then(|layered| layered.set_hold(packet, None));
        if let Some(hold) = hold {
            self.free(hold, size, self.now);
        }
    }

    /// The lane of a packet on its next edge.
    fn lane_for(&self, edge: u32, packet: u32) -> u8 {
        let hold = self.layered.as_deref().and_then(|layered| layered.hold(packet));
        let seen = &self.pool[packet];
        self.lane(edge, seen.is_bulk(), self.scene.traffic.tasks[seen.flow as usize].class, hold)
    }

    /// The lane of a packet of a class that comes from `hold`.
    fn lane(&self, edge: u32, bulk: bool, class: u8, hold: Option<Hold>) -> u8 {
        let Some(layered) = self.layered.as_deref() else { return 0 };
        if !bulk && layered.links[edge as usize].guard != Guard::Credit {
            return 0;
        }
        let channels = layered.channels;
        let channel = if channels > 1 {
            let network = self.scene.network;
            let before = hold.map(|hold| (EdgeId(hold.edge), hold.lane.saturating_sub(1) % channels));
            let node: NodeId = network.edges[edge as usize].from;
            self.routes.lane(network, node, before, EdgeId(edge)).min(channels - 1)
        } else {
            0
        };
        1 + class % layered.classes * channels + channel
    }

    /// Puts a packet into a port's lane and serves the port.
    pub(super) fn enqueue_lane(&mut self, edge: u32, packet: u32) {
        let size = u32::from(self.pool[packet].size);
        let lane = self.lane_for(edge, packet);
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let port = &mut self.ports[edge as usize];
        // What nothing holds back must not pile up.
        // Sums have their own bound: nobody would send them again.
        let bounded = self.operations.is_some() && self.scene.in_network(self.pool[packet].flow);
        if layered.hold(packet).is_none() && !bounded && port.bulk + size > self.scene.params.queue {
            self.counters.dropped += 1;
            self.lose(edge, packet);
            return;
        }
        port.bulk += size;
        self.pool[packet].next = NONE;
        let at = layered.at(edge, lane);
        let state = &mut layered.lanes[at];
        match state.first {
            NONE => state.first = packet,
            _ => self.pool[state.last].next = packet,
        }
        state.last = packet;
        if !self.uses.is_empty() || !self.watched.is_empty() {
            self.note_queue(edge);
        }
        self.serve(edge);
    }

    /// Sends from a port with lanes, now or when its wire is free.
    pub(super) fn serve(&mut self, edge: u32) {
        let port = &self.ports[edge as usize];
        if port.is(state::AWAITED) {
            return;
        }
        if port.free_at > self.now {
            self.await_port(edge);
        } else {
            self.wake_lanes(edge);
        }
    }

    /// A port with lanes may send.
    pub(super) fn wake_lanes(&mut self, edge: u32) {
        let port = &mut self.ports[edge as usize];
        port.state &= !state::AWAITED;
        if port.free_at > self.now {
            self.await_port(edge);
            return;
        }
        if self.waits_for_repair(edge) {
            return;
        }
        if self.scene.nic_of[edge as usize] != NONE {
            self.wake_host(edge);
            return;
        }
        let Some(layered) = self.layered.as_deref() else { return };
        let others = layered.count as u8 - 1;
        let turn = layered.links[edge as usize].turn;
        let in_turn = (0..others).map(|step| 1 + (turn + step) % others);
        let (mut chosen, mut waiting) = (None, false);
        for lane in std::iter::once(0).chain(in_turn) {
            let first = layered.lanes[layered.at(edge, lane)].first;
            if first == NONE {
                continue;
            }
            waiting = true;
            if layered.is_open(edge, lane, u32::from(self.pool[first].size)) {
                chosen = Some((lane, first));
                break;
            }
        }
        let Some((lane, packet)) = chosen else {
            if waiting {
                self.note_stall(edge);
            }
            return;
        };
        let next = self.pool[packet].next;
        let size = u32::from(self.pool[packet].size);
        if let Some(layered) = self.layered.as_deref_mut() {
            let at = layered.at(edge, lane);
            layered.lanes[at].first = next;
            if lane > 0 {
                layered.links[edge as usize].turn = lane % others;
            }
        }
        let params = &self.scene.params;
        let port = &mut self.ports[edge as usize];
        port.bulk -= size;
        if port.is(state::MARKS)
            && port.bulk > params.mark_from
            && self.pool[packet].is_bulk()
            && (port.bulk > params.mark_all || port.chance.below(params.mark_span) < port.bulk - params.mark_from)
        {
            self.pool[packet].flags |= super::pool::flag::MARKED;
            self.counters.marked += 1;
        }
        let more = port.bulk > 0;
        self.transmit_lane(edge, packet, size, lane);
        if more {
            self.await_port(edge);
        }
    }

    /// An endpoint's link with lanes may send: what comes next in turn, passing over what has no open lane.
    fn wake_host(&mut self, edge: u32) {
        let link = self.scene.nic_of[edge as usize] as usize;
        let header = self.nics[link].headers.front().copied().filter(|packet| self.may_leave(edge, *packet));
        if self.nics[link].header_next()
            && let Some(packet) = header
        {
            self.send_first_header(edge, link, packet);
            return;
        }
        while let Some(flow) = self.nics[link].messages.front().copied() {
            if let Some(sender) = self.senders.get_mut(flow) {
                sender.blocked = false;
            }
            if !self.may_send(flow) {
                self.nics[link].messages.pop_front();
                continue;
            }
            let open = self.message_may_leave(edge, flow);
            if !open {
                self.nics[link].messages.pop_front();
                // It stays blocked until a lane opens.
                if let Some(sender) = self.senders.get_mut(flow) {
                    sender.blocked = true;
                }
                if let Some(layered) = self.layered.as_deref_mut() {
                    layered.links[edge as usize].parked.push(flow);
                }
                continue;
            }
            self.send_next(flow);
            self.nics[link].messages.pop_front();
            self.line_up(flow, edge);
            if self.nics[link].waits() {
                self.await_port(edge);
            }
            return;
        }
        if let Some(packet) = header {
            self.send_first_header(edge, link, packet);
            return;
        }
        let parked = self.layered.as_deref().is_some_and(|layered| !layered.links[edge as usize].parked.is_empty());
        if parked || !self.nics[link].headers.is_empty() {
            self.note_stall(edge);
        }
    }

    fn send_first_header(&mut self, edge: u32, link: usize, packet: u32) {
        self.nics[link].headers.pop_front();
        let size = u32::from(self.pool[packet].size);
        self.transmit(edge, packet, size, false);
        if self.nics[link].waits() {
            self.await_port(edge);
        }
    }

    fn may_leave(&self, edge: u32, packet: u32) -> bool {
        let lane = self.lane_for(edge, packet);
        let size = u32::from(self.pool[packet].size);
        self.layered.as_deref().is_none_or(|layered| layered.is_open(edge, lane, size))
    }

    fn message_may_leave(&mut self, edge: u32, flow: u32) -> bool {
        let mtu = self.scene.params.mtu;
        let Some(sender) = self.senders.get_mut(flow) else { return false };
        let Some(seq) = sender.next() else { return false };
        let size = sender.size(seq, mtu);
        let class = self.scene.traffic.tasks[flow as usize].class;
        let lane = self.lane(edge, true, class, None);
        self.layered.as_deref().is_none_or(|layered| layered.is_open(edge, lane, size))
    }

    /// Puts a packet on the wire of a port that has more to it than rate and delay.
    pub(super) fn transmit_special(&mut self, edge: u32, packet: u32, size: u32, bulk: bool) {
        if self.ports[edge as usize].is(state::LANES) {
            let lane = self.lane_for(edge, packet);
            self.transmit_lane(edge, packet, size, lane);
            return;
        }
        let (end, arrival) = self.pass(edge, size);
        let port = &mut self.ports[edge as usize];
        port.free_at = end;
        if bulk {
            port.bulk += size;
            port.sending = packet;
            port.sending_bytes = size as u16;
            if self.scene.params.cut_through {
                self.mark_early(edge, packet);
            }
        }
        match arrival {
            Some(at) => self.put_on_wire(edge, packet, end, at),
            None => {
                self.ports[edge as usize].sending = NONE;
                self.counters.corrupted += 1;
                self.lose(edge, packet);
            }
        }
    }

    fn transmit_lane(&mut self, edge: u32, packet: u32, size: u32, lane: u8) {
        let (end, arrival) = self.pass(edge, size);
        self.ports[edge as usize].free_at = end;
        let now = self.now;
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let units = layered.units(edge, size);
        let link = &mut layered.links[edge as usize];
        let stalled = std::mem::take(&mut link.stalled);
        if stalled > 0
            && let Some(used) = self.uses.get_mut(edge as usize)
        {
            used.paused = used.paused.saturating_add(crate::time::Time(now - stalled));
        }
        if link.guard == Guard::Credit {
            let at = layered.at(edge, lane);
            layered.lanes[at].credit -= units;
            debug_assert!(layered.lanes[at].credit >= 0, "a packet without credit");
        }
        let before = layered.set_hold(packet, Some(Hold { edge, lane }));
        if let Some(hold) = before {
            self.free(hold, size, end);
        }
        match arrival {
            Some(at) => self.put_on_wire(edge, packet, end, at),
            None => {
                self.lose_on_wire(edge, packet);
            }
        }
    }

    /// A packet is lost on the wire: nothing is stored at the other end, but its credit comes back.
    fn lose_on_wire(&mut self, edge: u32, packet: u32) {
        self.counters.corrupted += 1;
        let size = u32::from(self.pool[packet].size);
        let hold = self.layered.as_deref_mut().and_then(|layered| layered.set_hold(packet, None));
        if let (Some(hold), Some(layered)) = (hold, self.layered.as_deref()) {
            let link = &layered.links[hold.edge as usize];
            if link.guard == Guard::Credit {
                let back = self.ports[edge as usize].free_at.saturating_add(link.back);
                let units = layered.units(hold.edge, size);
                self.push(back, Kind::Link, hold.edge, word(Word::Credit, hold.lane, units));
            }
        }
        self.lose(edge, packet);
    }

    fn put_on_wire(&mut self, edge: u32, packet: u32, end: u64, at: u64) {
        let params = &self.scene.params;
        if params.telemetry {
            let (size, bulk) = (u32::from(self.pool[packet].size), self.pool[packet].is_bulk());
            self.tell(edge, packet, size, bulk);
        }
        if self.ports[edge as usize].is(state::CROSSES) {
            self.leave(if params.cut_through { self.now } else { end }, at, edge, packet);
        } else {
            self.push(at, Kind::Arrive, edge, packet);
        }
    }

    /// When a packet has left a port and when it arrives; `None` if it is lost.
    fn pass(&mut self, edge: u32, size: u32) -> (u64, Option<u64>) {
        let port = &self.ports[edge as usize];
        let down = port.is(state::DOWN);
        let (mtu, header, cut_through) =
            (self.scene.params.mtu, self.scene.params.header, self.scene.params.cut_through);
        let Some(layered) = self.layered.as_deref_mut() else { return (self.now + port.serialise(size), None) };
        let link = &mut layered.links[edge as usize];
        let wire = link.framing.bytes(size);
        let takes = port.serialise(wire);
        let mut end = self.now + takes;
        let mut arrival = end + port.delay;
        if cut_through && !port.is(state::LAST_HOP) {
            arrival -= takes - port.serialise(link.framing.bytes(size.min(header))).min(takes);
        }
        let mut lost = down;
        let mut replays = 0;
        if let Some(errors) = link.errors.as_deref_mut().filter(|_| !down) {
            let passage = errors.pass(link.framing.exposed(wire), takes);
            end = end.saturating_add(passage.busy);
            arrival = errors.in_order(arrival.saturating_add(passage.busy).saturating_add(passage.late));
            lost = passage.lost;
            replays = passage.replays;
            let next = link.framing.bytes(mtu);
            end = errors.keep(end, wire, next);
        }
        if replays > 0 {
            self.counters.replays += replays;
            if let Some(used) = self.uses.get_mut(edge as usize) {
                used.replays += replays;
            }
        }
        if !self.uses.is_empty() || !self.watched.is_empty() {
            self.note_sent(edge, wire);
        }
        (end, (!lost).then_some(arrival))
    }

    #[cold]
    fn note_stall(&mut self, edge: u32) {
        let now = self.now.max(1);
        if let Some(layered) = self.layered.as_deref_mut() {
            let link = &mut layered.links[edge as usize];
            if link.stalled == 0 {
                link.stalled = now;
            }
        }
    }

    /// The other end of a link speaks.
    pub(super) fn hear_link(&mut self, edge: u32, payload: u32) {
        let lane = (payload >> LANE_SHIFT) as u8;
        let Some(layered) = self.layered.as_deref_mut() else { return };
        let at = layered.at(edge, lane);
        match payload >> WHAT_SHIFT {
            0 => {
                let lane = &mut layered.lanes[at];
                lane.credit += i64::from(payload & ((1 << LANE_SHIFT) - 1));
                debug_assert!(lane.credit <= layered.links[edge as usize].most, "more credit than buffer");
                self.reopen(edge);
            }
            1 => layered.lanes[at].paused = true,
            2 => {
                layered.lanes[at].paused = false;
                self.reopen(edge);
            }
            3 => {
                if let Some(queue) = layered.inputs.get_mut(at) {
                    queue.pop_front();
                    let next = queue.front().copied();
                    if let Some(packet) = next {
                        self.go_on(edge, packet);
                    }
                }
            }
            _ => self.restored(edge),
        }
    }

    /// A lane may have opened.
    pub(super) fn reopen(&mut self, edge: u32) {
        let link = self.scene.nic_of[edge as usize];
        if link == NONE {
            if self.ports[edge as usize].bulk > 0 {
                self.serve(edge);
            }
            return;
        }
        if let Some(layered) = self.layered.as_deref_mut() {
            let parked = std::mem::take(&mut layered.links[edge as usize].parked);
            self.nics[link as usize].messages.extend(parked);
        }
        if self.nics[link as usize].waits() {
            self.serve(edge);
        }
    }
}
