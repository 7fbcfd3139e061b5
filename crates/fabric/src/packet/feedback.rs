//! What a sender learns from the receiver's answers and from silence.

use super::control::Heard;
use super::engine::Engine;
use super::event::Kind;
use super::hpcc::told;
use super::pool::{Form, flag};
use super::receiver::Receiver;
use super::sender::State;
use super::spray::Word;

impl Engine<'_> {
    /// An answer is back at its sender.
    pub(super) fn heard(&mut self, packet: u32) {
        let flow = self.pool[packet].flow;
        match self.pool[packet].form {
            Form::Ack => self.acknowledged(flow, packet),
            Form::Nack if self.scene.params.go_back => self.go_back(flow, packet),
            Form::Nack => self.refused(flow, packet),
            Form::Pull if self.scene.params.pull => self.pulled(flow, packet),
            Form::Pull => self.granted(flow, packet),
            Form::Cnp => self.notified(flow),
            Form::Data | Form::Request => {}
        }
        self.pool.remove(packet);
    }

    fn acknowledged(&mut self, flow: u32, packet: u32) {
        let (settings, params) = (self.scene.settings, &self.scene.params);
        let now = self.now;
        let seen = self.pool[packet];
        let map = self.pool.map(packet);
        self.counters.acknowledgements += 1;
        let links = if params.telemetry { told(&self.trails, packet, seen.hops) } else { &[] };
        let Some(sender) = self.senders.get_mut(flow) else { return };
        let fresh = sender.hear_received(seen.received);
        sender.control.came_through(fresh);
        let marked = seen.flags & flag::MARKED != 0;
        let again = u64::from(seen.flags & flag::AGAIN != 0);
        // A time is sure if the packet was sent once, or twice and this answers the second.
        let sure = seen.flags & flag::OF_REQUEST == 0
            && sender.window.state(seen.seq) == State::Flying
            && sender.window.repeats(seen.seq) == again;
        let round_trip = sure.then(|| now - sender.window.sent_at(seen.seq));
        sender.received_before(seen.sum, params.mtu);
        let base = if seen.flags & flag::EXACT != 0 { seen.seq } else { Receiver::base_for(seen.seq, seen.sum) };
        sender.received_these(base, map, params.mtu);
        if params.gaps
            && let Some(round_trip) = round_trip
            && sender.repeat_gaps(seen.seq, now - round_trip, params.mtu)
        {
            sender.control.lost(settings, now);
        }
        sender.spray.learn(seen.entropy, if marked { Word::Marked } else { Word::Good }, now);
        let (in_flight, next) = (sender.in_flight, sender.window.next);
        let heard = Heard { now, round_trip, marked, fresh, in_flight, seq: seen.seq, next };
        sender.control.acknowledged(settings, params, &heard, links);
        sender.stop_trusting();
        if sender.window.first >= sender.packets {
            self.message_acknowledged(flow);
        } else {
            self.try_send(flow);
        }
    }

    /// A packet came without its payload.
    fn refused(&mut self, flow: u32, packet: u32) {
        let (settings, params) = (self.scene.settings, &self.scene.params);
        let now = self.now;
        let seen = self.pool[packet];
        self.counters.acknowledgements += 1;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        if sender.window.state(seen.seq) != State::Flying {
            return;
        }
        let size = sender.size(seen.seq, params.mtu);
        let round_trip = now - sender.window.sent_at(seen.seq);
        let last = seen.flags & flag::LAST_HOP != 0;
        if params.window {
            let spare = params.credit && last;
            sender.control.trimmed(settings, params, now, round_trip, (size, sender.in_flight), spare);
        }
        sender.stop_trusting();
        sender.repeat(seen.seq, size);
        // No way is to blame for a queue in front of the receiver.
        let word = match (last, seen.flags & flag::MARKED != 0) {
            (false, _) => Word::Trimmed,
            (true, true) => Word::Marked,
            (true, false) => Word::Good,
        };
        self.try_send(flow);
        if let Some(sender) = self.senders.get_mut(flow) {
            sender.spray.learn(seen.entropy, word, now);
        }
    }

    /// A sender's timer: looks whether the oldest packet on its way is overdue.
    pub(super) fn timer(&mut self, flow: u32) {
        let (settings, params) = (self.scene.settings, &self.scene.params);
        let now = self.now;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        sender.timer = false;
        let oldest = sender.window.oldest();
        let next = match oldest {
            Some((sent, seq)) if sent + params.timeout <= now => {
                let size = sender.size(seq, params.mtu);
                sender.spray.learn(u16::MAX, Word::Lost, now);
                if params.window {
                    sender.control.timed_out(settings, params, now, size);
                }
                let others = sender.again > 0;
                if others {
                    sender.stop_trusting();
                }
                sender.repeat(seq, size);
                if params.go_back {
                    sender.repeat_from(seq, params.mtu);
                } else if params.gaps {
                    sender.repeat_overdue(now - params.timeout, params.mtu);
                }
                if params.pull {
                    // What timed out goes without a pull.
                    sender.credit = sender.credit.max(0) + i64::from(size);
                }
                if params.window || !sender.trusting {
                    self.try_send(flow);
                }
                let Some(sender) = self.senders.get_mut(flow) else { return };
                if sender.window.state(seq) == State::Again && !sender.blocked && (params.credit || !others) {
                    self.send_request(flow);
                }
                let Some(sender) = self.senders.get_mut(flow) else { return };
                sender.window.oldest().map_or(now + params.timeout, |(sent, _)| sent + params.timeout)
            }
            Some((sent, _)) => sent + params.timeout,
            // Nothing is on its way though something should be: grants or requests were lost.
            None if sender.blocked || sender.next().is_none() => now + params.timeout,
            None => {
                self.send_request(flow);
                now + params.timeout
            }
        };
        let Some(sender) = self.senders.get_mut(flow) else { return };
        if !sender.timer {
            sender.timer = true;
            self.push(next.max(now + 1), Kind::Timer, flow, 0);
        }
    }
}
