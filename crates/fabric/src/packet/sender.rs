//! What a sender remembers of a message on the way: its packets' states, and what may go next.

use super::control::Control;
use super::spray::Spray;

/// Where a packet of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not sent yet, or long done.
    Idle,
    /// On its way.
    Flying,
    /// To be sent again.
    Again,
    /// The receiver has it.
    Done,
}

/// Records of the packets from the first one not known to be received to the last one sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// Time sent, state and times sent again in one number, by sequence number modulo the length.
    records: Vec<u64>,
    /// First number not known to be received, and the next to be sent for the first time.
    pub(super) first: u32,
    pub(super) next: u32,
}

const STATE_BITS: u32 = 8;

impl Window {
    fn mask(&self) -> u32 {
        (self.records.len() as u32).wrapping_sub(1)
    }

    fn raw(&self, seq: u32) -> u64 {
        self.records[(seq & self.mask()) as usize]
    }

    /// State of a packet.
    #[inline]
    pub(super) fn state(&self, seq: u32) -> State {
        if seq < self.first || seq >= self.next {
            return State::Idle;
        }
        match self.raw(seq) & 3 {
            0 => State::Idle,
            1 => State::Flying,
            2 => State::Again,
            _ => State::Done,
        }
    }

    /// When it was last sent.
    #[inline]
    pub(super) fn sent_at(&self, seq: u32) -> u64 {
        self.raw(seq) >> STATE_BITS
    }

    /// How often it was sent again (at most 63).
    #[inline]
    pub(super) fn repeats(&self, seq: u32) -> u64 {
        (self.raw(seq) >> 2) & 63
    }

    /// Changes a state.
    #[inline]
    pub(super) fn set(&mut self, seq: u32, state: State) {
        let at = (seq & self.mask()) as usize;
        self.records[at] = self.records[at] & !3 | state as u64;
    }

    /// A packet is sent, for the first time or again.
    pub(super) fn send(&mut self, seq: u32, now: u64) {
        let repeats = if seq == self.next {
            if self.next - self.first >= self.records.len() as u32 {
                self.grow();
            }
            self.next += 1;
            0
        } else {
            (self.repeats(seq) + 1).min(63)
        };
        let at = (seq & self.mask()) as usize;
        self.records[at] = now << STATE_BITS | repeats << 2 | State::Flying as u64;
    }

    fn grow(&mut self) {
        let mut records = vec![0; (self.records.len() * 2).max(64)];
        let mask = records.len() as u32 - 1;
        for seq in self.first..self.next {
            records[(seq & mask) as usize] = self.raw(seq);
        }
        self.records = records;
    }

    /// The packet that has been on its way for longest.
    pub(super) fn oldest(&self) -> Option<(u64, u32)> {
        (self.first..self.next)
            .filter(|seq| self.state(*seq) == State::Flying)
            .map(|seq| (self.sent_at(seq), seq))
            .min()
    }
}

/// One message at its sender.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// Where it goes, and the edge by which it leaves.
    pub(super) to: u32,
    pub(super) edge: u32,
    /// Packets in all, and bytes on the wire of the last one.
    pub(super) packets: u32,
    pub(super) last_size: u32,
    /// Waits for its link's turn.
    pub(super) blocked: bool,
    /// A timer event is under way.
    pub(super) timer: bool,
    /// Sends on trust, before it has heard from the receiver.
    pub(super) trusting: bool,
    pub(super) window: Window,
    /// Packets to be sent again, their bytes, and a number not above the first of them.
    pub(super) again: u32,
    pub(super) again_bytes: i64,
    pub(super) again_from: u32,
    /// Bytes on their way.
    pub(super) in_flight: i64,
    /// Bytes received as last reported, modulo 2^32.
    pub(super) received: u32,
    /// Credit left in bytes, and granted in all in units of 256 bytes.
    pub(super) credit: i64,
    pub(super) granted: u32,
    /// When credit was last asked for.
    pub(super) asked: u64,
    pub(super) spray: Spray,
    pub(super) control: Control,
    /// A pace event is under way.
    pub(super) pacing: bool,
}

impl Sender {
    /// Nothing to send yet.
    pub(super) fn new(control: Control, spray: Spray) -> Self {
        Self {
            to: 0,
            edge: 0,
            packets: 0,
            last_size: 0,
            blocked: false,
            timer: false,
            trusting: false,
            window: Window::default(),
            again: 0,
            again_bytes: 0,
            again_from: 0,
            in_flight: 0,
            received: 0,
            credit: 0,
            granted: 0,
            asked: 0,
            spray,
            control,
            pacing: false,
        }
    }

    /// Takes note of the bytes received as reported; says how many are new. Answers may overtake each other: an older
    /// count says nothing new.
    #[inline]
    pub(super) fn hear_received(&mut self, received: u32) -> u32 {
        let fresh = received.wrapping_sub(self.received);
        let fresh = if fresh < 1 << 31 { fresh } else { 0 };
        self.received = self.received.wrapping_add(fresh);
        self.in_flight -= i64::from(fresh);
        fresh
    }

    /// Bytes on the wire of a packet.
    #[inline]
    pub(super) fn size(&self, seq: u32, mtu: u32) -> u32 {
        if seq + 1 < self.packets { mtu } else { self.last_size }
    }

    /// Bytes on the wire not sent for the first time yet.
    pub(super) fn backlog(&self, mtu: u32) -> i64 {
        match self.packets - self.window.next {
            0 => 0,
            left => i64::from(left - 1) * i64::from(mtu) + i64::from(self.last_size),
        }
    }

    /// The packet to send next, if any.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u32> {
        if self.again > 0 {
            let mut seq = self.again_from.max(self.window.first);
            while self.window.state(seq) != State::Again {
                seq += 1;
            }
            self.again_from = seq;
            return Some(seq);
        }
        (self.window.next < self.packets).then_some(self.window.next)
    }

    /// A packet is to be sent again. It counts as on its way no more.
    pub(super) fn repeat(&mut self, seq: u32, size: u32) {
        self.window.set(seq, State::Again);
        self.in_flight -= i64::from(size);
        self.again += 1;
        self.again_bytes += i64::from(size);
        self.again_from = if self.again == 1 { seq } else { self.again_from.min(seq) };
    }

    /// A packet to be sent again turns out to be received. Its bytes are taken off what is on its way elsewhere.
    fn forget_repeat(&mut self, size: u32) {
        self.again -= 1;
        self.again_bytes -= i64::from(size);
        self.in_flight += i64::from(size);
    }

    /// The receiver has everything before `sum`.
    pub(super) fn received_before(&mut self, sum: u32, mtu: u32) {
        let sum = sum.min(self.window.next);
        while self.window.first < sum {
            let seq = self.window.first;
            if self.window.state(seq) == State::Again {
                self.forget_repeat(self.size(seq, mtu));
            }
            self.window.first += 1;
        }
    }

    /// The receiver has the packets of a map that begins at `base`.
    pub(super) fn received_these(&mut self, base: u32, mut map: u64, mtu: u32) {
        while map != 0 {
            let seq = base.saturating_add(map.trailing_zeros());
            map &= map - 1;
            match self.window.state(seq) {
                State::Flying => self.window.set(seq, State::Done),
                State::Again => {
                    self.forget_repeat(self.size(seq, mtu));
                    self.window.set(seq, State::Done);
                }
                State::Idle | State::Done => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_grows_and_remembers() {
        let mut window = Window::default();
        for seq in 0..300 {
            window.send(seq, u64::from(seq) * 7);
        }
        window.set(0, State::Done);
        window.first = 1;
        window.send(5, 9_000);
        assert_eq!((window.state(0), window.state(4), window.state(300)), (State::Idle, State::Flying, State::Idle));
        assert_eq!((window.sent_at(5), window.repeats(5), window.repeats(6)), (9_000, 1, 0));
        assert_eq!(window.oldest(), Some((7, 1)));
        window.set(1, State::Again);
        assert_eq!(window.oldest(), Some((14, 2)));
    }
}
