//! What an endpoint does to send: turns on its link, and the next packet of a message.

use super::engine::Engine;
use super::event::Kind;
use super::pool::{Form, NONE, Packet, flag};
use super::port::state;
use crate::network::EndpointId;

impl Engine<'_> {
    /// Whether a message may send its next packet as far as window and credit go.
    #[inline]
    pub(super) fn may_send(&mut self, flow: u32) -> bool {
        let params = &self.scene.params;
        let Some(sender) = self.senders.get_mut(flow) else { return false };
        let Some(seq) = sender.next() else { return false };
        if (params.credit || params.pull) && sender.credit <= 0 {
            return false;
        }
        let size = i64::from(sender.size(seq, params.mtu));
        if params.window && !sender.control.admits(sender.in_flight, size) {
            return false;
        }
        !params.paced || self.is_due(flow)
    }

    /// Sends what window, credit and link allow; waits for the link's turn if it must.
    pub(super) fn try_send(&mut self, flow: u32) {
        while self.may_send(flow) {
            let now = self.now;
            let Some(sender) = self.senders.get_mut(flow) else { return };
            if sender.blocked {
                return;
            }
            let edge = sender.edge;
            if self.ports[edge as usize].is_busy(now) {
                sender.blocked = true;
                let link = self.scene.nic_of[edge as usize];
                self.nics[link as usize].messages.push_back(flow);
                self.await_port(edge);
                return;
            }
            self.send_next(flow);
        }
    }

    /// An endpoint's link has sent a packet and something waits.
    pub(super) fn wake_nic(&mut self, edge: u32) {
        let link = self.scene.nic_of[edge as usize] as usize;
        self.ports[edge as usize].state &= !state::AWAITED;
        let mut header = self.nics[link].header_next();
        if !header {
            // Whoever may not send any more gives way to the next.
            header = true;
            while let Some(flow) = self.nics[link].messages.front().copied() {
                if let Some(sender) = self.senders.get_mut(flow) {
                    sender.blocked = false;
                }
                let sends = self.may_send(flow);
                if sends {
                    self.send_next(flow);
                }
                // Until it has sent it counts among those that share the link's credit.
                self.nics[link].messages.pop_front();
                if sends {
                    self.line_up(flow, edge);
                    header = false;
                    break;
                }
            }
        }
        if header && let Some(packet) = self.nics[link].headers.pop_front() {
            let size = u32::from(self.pool[packet].size);
            self.transmit(edge, packet, size, false);
        }
        if self.nics[link].waits() {
            self.await_port(edge);
        }
    }

    /// Sends an acknowledgement, a grant or a request by an endpoint's link.
    pub(super) fn send_header(&mut self, edge: u32, packet: u32) {
        if self.ports[edge as usize].is_busy(self.now) {
            let link = self.scene.nic_of[edge as usize] as usize;
            self.nics[link].headers.push_back(packet);
            self.await_port(edge);
        } else {
            let size = u32::from(self.pool[packet].size);
            self.transmit(edge, packet, size, false);
        }
    }

    /// Puts the next packet of a message on the wire.
    pub(super) fn send_next(&mut self, flow: u32) {
        let params = &self.scene.params;
        let now = self.now;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        let Some(seq) = sender.next() else { return };
        let size = sender.size(seq, params.mtu);
        let again = seq < sender.window.next;
        if params.credit || params.pull {
            sender.credit -= i64::from(size);
        }
        if again {
            sender.again -= 1;
            sender.again_bytes -= i64::from(size);
        }
        sender.window.send(seq, now);
        sender.in_flight += i64::from(size);
        sender.control.sent(self.scene.settings, now, size);
        let next_fits = !params.window || sender.in_flight + i64::from(size) < sender.control.window();
        let prompt =
            again || sender.window.next == sender.packets || (params.credit && sender.credit <= 0) || !next_fits;
        let mut flags = if prompt { flag::PROMPT } else { 0 };
        if again {
            flags |= flag::AGAIN;
        }
        let entropy = sender.spray.choose();
        let (edge, to) = (sender.edge, sender.to);
        let timer = !std::mem::replace(&mut sender.timer, true);
        let sum = if params.credit { self.credit_wish(flow) } else { 0 };
        let packet = self.pool.add(Packet {
            flow,
            seq,
            to,
            next: NONE,
            sum,
            received: 0,
            size: size as u16,
            entropy,
            form: Form::Data,
            flags,
            hops: 0,
        });
        self.counters.packets += 1;
        self.counters.retransmitted += u64::from(again);
        if timer && !params.posted {
            self.push(now + params.timeout, Kind::Timer, flow, 0);
        }
        self.transmit(edge, packet, size, false);
        if self.scene.side_by_side {
            self.turn_to_next_link(flow);
        }
    }

    /// A message has sent by a link: it waits for its next turn there, or goes on by another link.
    pub(super) fn line_up(&mut self, flow: u32, edge: u32) {
        if !self.may_send(flow) {
            return;
        }
        let Some(sender) = self.senders.get_mut(flow) else { return };
        if sender.edge == edge {
            sender.blocked = true;
            self.nics[self.scene.nic_of[edge as usize] as usize].messages.push_back(flow);
        } else {
            self.try_send(flow);
        }
    }

    /// Where packets take ways of their own, those of a message leave by all links that begin a shortest way, in turn: a
    /// GPU's memory accesses are spread over all its links so.
    fn turn_to_next_link(&mut self, flow: u32) {
        let scene = self.scene;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        let from = scene.network.edges[sender.edge as usize].from;
        let choices = self.routes.choices(scene.network, from, EndpointId(sender.to));
        let at = choices.iter().position(|edge| edge.0 == sender.edge);
        if let Some(next) = choices.get(at.map_or(0, |at| (at + 1) % choices.len())) {
            sender.edge = next.0;
        }
    }

    /// Asks for an answer: after losses nothing may be under way that would bring one.
    pub(super) fn send_request(&mut self, flow: u32) {
        let params = &self.scene.params;
        let now = self.now;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        // Once per round trip is enough, and more could overwhelm a receiver that many wait for.
        if sender.asked > 0 && now - sender.asked < params.rtt {
            return;
        }
        sender.asked = now;
        let (edge, to, entropy) = (sender.edge, sender.to, sender.spray.choose());
        let sum = if params.credit { self.credit_wish(flow) } else { 0 };
        let packet = self.pool.add(Packet {
            flow,
            to,
            next: NONE,
            sum,
            size: params.header as u16,
            entropy,
            form: Form::Request,
            ..Packet::default()
        });
        self.send_header(edge, packet);
    }
}
