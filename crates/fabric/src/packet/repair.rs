//! How losses come to light where no trimmed header tells of them: by gaps, or by whatever comes out of turn.

use serde::Serialize;

use super::engine::Engine;
use super::pool::{Form, flag};
use super::sender::{Sender, State, Window};

/// What is sent again after a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// The lost packets alone: receivers keep what comes behind a gap.
    Selective,
    /// Everything from the lost packet on: receivers drop what comes out of turn and refuse it once per gap, as RoCE's
    /// reliable connections do (InfiniBand Architecture Specification 1.4, section 9.7: the rule; certain).
    GoBackN,
}

impl Sender {
    /// Everything on its way from `sum` on is to be sent again.
    pub(super) fn repeat_from(&mut self, sum: u32, mtu: u32) {
        for seq in sum.max(self.window.first)..self.window.next {
            if self.window.state(seq) == State::Flying {
                self.repeat(seq, self.size(seq, mtu));
            }
        }
    }

    /// Sends again what must be lost: on one way, packets sent before one that is acknowledged do not come later, and
    /// whatever comes behind a gap is acknowledged by itself. `sent`: when packet `seq` was. Says whether anything is to
    /// be sent again.
    pub(super) fn repeat_gaps(&mut self, seq: u32, sent: u64, mtu: u32) -> bool {
        let lost = |window: &Window, seq| window.state(seq) == State::Flying && window.sent_at(seq) < sent;
        // The first one missing stands for all; behind one that was sent again, look a little further.
        let (first, next) = (self.window.first, self.window.next);
        let range = if lost(&self.window, first) {
            first..next
        } else {
            seq.saturating_sub(LOOK_BACK).max(first)..seq.min(next)
        };
        let mut found = false;
        for seq in range {
            if lost(&self.window, seq) {
                self.repeat(seq, self.size(seq, mtu));
                found = true;
            }
        }
        found
    }

    /// Everything that was sent before a time and is still on its way is to be sent again.
    pub(super) fn repeat_overdue(&mut self, before: u64, mtu: u32) {
        for seq in self.window.first..self.window.next {
            if self.window.state(seq) == State::Flying && self.window.sent_at(seq) <= before {
                self.repeat(seq, self.size(seq, mtu));
            }
        }
    }
}

/// Packets below one acknowledged that are looked at for losses.
const LOOK_BACK: u32 = 64;

impl Engine<'_> {
    /// Deals with a payload that comes out of turn, or without its content. Whether it did.
    pub(super) fn refuse(&mut self, packet: u32) -> bool {
        let seen = self.pool[packet];
        let header = self.scene.params.header as u16;
        let Some(receiver) = self.receivers.get_mut(seen.flow) else { return false };
        let trimmed = seen.flags & flag::TRIMMED != 0;
        if seen.seq < receiver.expected || (seen.seq == receiver.expected && !trimmed) {
            receiver.refused &= seen.seq != receiver.expected;
            return false;
        }
        // The one that is waited for may be trimmed again and again, the others are refused once.
        if receiver.refused && seen.seq != receiver.expected {
            self.pool.remove(packet);
            return true;
        }
        receiver.refused = true;
        let (sum, received, from, edge) = (receiver.expected, receiver.received, receiver.from, receiver.edge);
        let seen = &mut self.pool[packet];
        seen.form = Form::Nack;
        (seen.sum, seen.received, seen.to, seen.size) = (sum, received, from, header);
        seen.flags = 0;
        self.send_header(edge, packet);
        true
    }

    /// A receiver refused everything from a number on.
    pub(super) fn go_back(&mut self, flow: u32, packet: u32) {
        let (settings, mtu, now) = (self.scene.settings, self.scene.params.mtu, self.now);
        let seen = self.pool[packet];
        self.counters.acknowledgements += 1;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        sender.hear_received(seen.received);
        sender.received_before(seen.sum, mtu);
        sender.repeat_from(seen.sum, mtu);
        sender.control.lost(settings, now);
        self.try_send(flow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::control::Control;
    use crate::packet::random::Chance;
    use crate::packet::spray::Spray;
    use crate::packet::{Balancer, dcqcn};

    fn sender(packets: u32) -> Sender {
        let control = Control::Dcqcn(dcqcn::Flow::new(50e9));
        let spray = Spray::new(Balancer::Oblivious, 1, Chance::new(1, 2, 3));
        Sender { packets, last_size: 1_000, ..Sender::new(control, spray) }
    }

    #[test]
    fn only_what_was_sent_before_is_lost() {
        let mut sender = sender(100);
        for seq in 0..10 {
            sender.window.send(seq, 100 + u64::from(seq));
            sender.in_flight += 4150;
        }
        // 1 and 5 have come: 0, 2, 3 and 4 were sent before 5.
        sender.received_these(1, 0b10001, 4150);
        assert!(sender.repeat_gaps(5, 105, 4150));
        let states: Vec<State> = (0..7).map(|seq| sender.window.state(seq)).collect();
        use State::{Again, Done, Flying};
        assert_eq!(states, [Again, Done, Again, Again, Again, Done, Flying]);
        assert_eq!((sender.again, sender.in_flight), (4, 6 * 4150));
        // Sent again after 6 was: an acknowledgement of 6 says nothing about it.
        sender.again -= 1;
        sender.window.send(0, 200);
        assert!(!sender.repeat_gaps(6, 106, 4150));
        assert_eq!(sender.window.state(0), Flying);
        // That of 0, when 1 to 5 have come as well, tells of all that was sent before 0 was sent again.
        sender.received_before(6, 4150);
        assert!(sender.repeat_gaps(0, 200, 4150));
        assert_eq!([6, 9].map(|seq| sender.window.state(seq)), [Again; 2]);
    }

    #[test]
    fn going_back_repeats_all_that_flies() {
        let mut sender = sender(100);
        for seq in 0..10 {
            sender.window.send(seq, 100);
            sender.in_flight += 4150;
        }
        sender.received_before(4, 4150);
        sender.repeat_from(4, 4150);
        assert_eq!((sender.again, sender.next()), (6, Some(4)));
    }
}
