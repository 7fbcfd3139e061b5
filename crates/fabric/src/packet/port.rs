//! Output queues: headers before payloads, marks when a payload leaves, payloads cut off when the queue is full.
//!
//! A port that starts to send a packet knows when it arrives at the other end, so that is one event. Only a port where
//! others wait needs a second one, at the end of the packet on the wire.

use super::random::Chance;

/// Port flags.
pub(super) mod state {
    /// A wake event is under way.
    pub(in super::super) const AWAITED: u16 = 1;
    /// Payloads are marked here.
    pub(in super::super) const MARKS: u16 = 2;
    /// The other end is an endpoint.
    pub(in super::super) const LAST_HOP: u16 = 4;
    /// It carries nothing.
    pub(in super::super) const DOWN: u16 = 8;
    /// The sending side is an endpoint.
    pub(in super::super) const HOST: u16 = 16;
    /// It has lanes: see [`super::super::layered`]. Never idle for those who put packets in.
    pub(in super::super) const LANES: u16 = 256;
    /// There is more to a packet's way over it than rate and delay.
    pub(in super::super) const SPECIAL: u16 = 512;
    /// Its queue is smaller than others'.
    pub(in super::super) const SLOW: u16 = 64;
    /// The other end belongs to another thread's part of the network.
    pub(in super::super) const CROSSES: u16 = 32;
}

/// The sending side of an edge, one cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Port {
    /// When the packet on the wire has left, ps.
    pub(super) free_at: u64,
    /// From its last bit's departure to its place in the next queue, ps.
    pub(super) delay: u64,
    /// Time per byte in 2^-16 ps.
    pub(super) per_byte: u64,
    pub(super) chance: Chance,
    /// Bytes of payloads here, the one on the wire included, and of headers waiting.
    pub(super) bulk: u32,
    pub(super) headers: u32,
    /// First and last of those that wait.
    pub(super) bulk_first: u32,
    pub(super) bulk_last: u32,
    pub(super) header_first: u32,
    pub(super) header_last: u32,
    /// The payload on the wire and its bytes.
    pub(super) sending: u32,
    pub(super) sending_bytes: u16,
    /// See [`state`].
    pub(super) state: u16,
}

impl Port {
    #[inline]
    pub(super) fn is(&self, state: u16) -> bool {
        self.state & state != 0
    }

    /// Time that so many bytes take, to the nearest ps.
    #[inline]
    pub(super) fn serialise(&self, bytes: u32) -> u64 {
        (u64::from(bytes) * self.per_byte + (1 << 15)) >> 16
    }

    /// Whether a packet that comes now must wait.
    #[inline]
    pub(super) fn is_busy(&self, now: u64) -> bool {
        self.free_at > now || self.is(state::AWAITED | state::LANES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_fits_a_cache_line() {
        assert_eq!(size_of::<Port>(), 64);
    }
}
