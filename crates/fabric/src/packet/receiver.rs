//! What a receiver remembers of a message: which packets came, and what it owes the sender.

/// Acknowledge at least after so many bytes (the reference simulator's default: four full packets).
pub(super) const PROMISED: u32 = 16_384;

/// One message at its receiver.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    /// Who sends, and the edge by which answers leave.
    pub(super) from: u32,
    pub(super) edge: u32,
    /// Packets in all.
    pub(super) packets: u32,
    /// First number not received, and how many above it are.
    pub(super) expected: u32,
    pub(super) early: u32,
    /// Bytes received, modulo 2^32, and since the last acknowledgement.
    pub(super) received: u32,
    pub(super) unacknowledged: u32,
    /// An acknowledgement is owed when the last gap closes.
    owed: bool,
    started: bool,
    /// In the queue of those that get credit; of those that get credit though they asked for none.
    pub(super) queued: bool,
    pub(super) idling: bool,
    /// Credit given and wished for, in units of 256 bytes.
    pub(super) granted: u32,
    pub(super) wished: u32,
    pub(super) pulls: u16,
    /// Where credit began.
    pub(super) first_grant: u32,
    /// Packets that must be sent again, as far as is known here.
    pub(super) repeats: u32,
    /// What came out of turn was refused since the last packet in turn.
    pub(super) refused: bool,
    /// The sender may be told of marks from this time on, ps.
    pub(super) notify_from: u64,
    /// Packets above `expected` that came: a ring of bits.
    bits: Vec<u64>,
}

impl Receiver {
    pub(super) fn new(from: u32, edge: u32, packets: u32, credit_start: u32) -> Self {
        Self {
            from,
            edge,
            packets,
            expected: 0,
            early: 0,
            received: 0,
            unacknowledged: 0,
            owed: false,
            started: false,
            queued: false,
            idling: false,
            granted: credit_start,
            wished: credit_start,
            pulls: 0,
            first_grant: credit_start,
            repeats: 0,
            refused: false,
            notify_from: 0,
            bits: Vec::new(),
        }
    }

    fn word(&self, at: u32) -> u64 {
        // Words below the first gap's are over, and their places may be taken.
        if at < self.expected / 64 || self.bits.is_empty() || at - self.expected / 64 >= self.bits.len() as u32 {
            return 0;
        }
        self.bits[at as usize & (self.bits.len() - 1)]
    }

    /// Whether a packet came before.
    #[inline]
    pub(super) fn has(&self, seq: u32) -> bool {
        seq < self.expected || self.word(seq / 64) >> (seq % 64) & 1 == 1
    }

    /// The map of 64 packets from `base` on.
    #[inline]
    pub(super) fn map(&self, base: u32) -> u64 {
        let (word, shift) = (base / 64, base % 64);
        let low = self.word(word) >> shift;
        if shift == 0 { low } else { low | self.word(word + 1) << (64 - shift) }
    }

    fn put(&mut self, seq: u32) {
        let ahead = (seq / 64 - self.expected / 64) as usize;
        if ahead >= self.bits.len() {
            let mut bits = vec![0; (ahead + 1).next_power_of_two().max(4)];
            let mask = bits.len() - 1;
            for at in 0..self.bits.len() as u32 {
                let word = self.expected / 64 + at;
                bits[word as usize & mask] = self.word(word);
            }
            self.bits = bits;
        }
        let mask = self.bits.len() - 1;
        self.bits[(seq / 64) as usize & mask] |= 1 << (seq % 64);
    }

    /// The next number is received: goes on to the next gap.
    fn advance(&mut self) {
        self.expected += 1;
        if self.early == 0 {
            // Nothing is set above; what may lie below is over.
            self.clear_below();
            return;
        }
        loop {
            let (word, shift) = (self.expected / 64, self.expected % 64);
            let run = (self.word(word) >> shift).trailing_ones();
            self.early -= run;
            let at_end = shift + run == 64;
            if at_end {
                let mask = self.bits.len() - 1;
                self.bits[word as usize & mask] = 0;
            }
            self.expected += run;
            if !at_end || run == 0 {
                break;
            }
        }
        self.clear_below();
    }

    /// Clears the bits of the current word that the first gap has passed.
    fn clear_below(&mut self) {
        if self.bits.is_empty() {
            return;
        }
        let mask = self.bits.len() - 1;
        let shift = self.expected % 64;
        if shift == 0 {
            // The word before is over as a whole.
            let before = (self.expected / 64).wrapping_sub(1) as usize & mask;
            self.bits[before] = 0;
        } else {
            self.bits[(self.expected / 64) as usize & mask] &= !0 << shift;
        }
    }

    /// Takes a new packet in. Whether an acknowledgement is due.
    /// `promised`: bytes after which one is due in any case.
    pub(super) fn take(&mut self, seq: u32, size: u32, prompt: bool, marked: bool, promised: u32) -> bool {
        let mut due = !self.started || prompt || marked;
        self.started = true;
        self.received = self.received.wrapping_add(size);
        self.owed |= prompt;
        if seq == self.expected {
            self.advance();
            if self.early == 0 && self.owed {
                due = true;
                self.owed = false;
            }
        } else {
            self.put(seq);
            self.early += 1;
        }
        due || self.unacknowledged >= promised
    }

    /// Where the map of an ordinary acknowledgement begins.
    pub(super) fn base_for(seq: u32, expected: u32) -> u32 {
        seq.saturating_sub(63).max(expected + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn maps_say_what_came(order in prop::collection::vec(0u32..700, 1..900)) {
            let mut receiver = Receiver::new(0, 0, 700, 0);
            let mut came = BTreeSet::new();
            for seq in order {
                // Senders keep to a window.
                if seq > receiver.expected + 400 {
                    continue;
                }
                prop_assert_eq!(receiver.has(seq), came.contains(&seq));
                if came.insert(seq) {
                    receiver.take(seq, 100, false, false, PROMISED);
                }
                let gap = (0..).find(|seq| !came.contains(seq)).expect("finite");
                prop_assert_eq!(receiver.expected, gap);
                prop_assert_eq!(receiver.early as usize, came.range(gap..).count());
                let base = Receiver::base_for(seq, gap);
                for at in 0..64 {
                    prop_assert_eq!(receiver.map(base) >> at & 1 == 1, came.contains(&(base + at)));
                }
            }
        }
    }
}
