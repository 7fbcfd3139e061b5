//! Packets: 32 bytes each, in one array, named by their index.

/// No packet.
pub(super) const NONE: u32 = u32::MAX;

/// What a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Form {
    /// Payload.
    #[default]
    Data,
    /// Acknowledgement: cumulative, of one packet, and a map of 64 packets.
    Ack,
    /// A packet came without its payload.
    Nack,
    /// The receiver grants credit.
    Pull,
    /// The sender has something to send but no credit, or waits in vain.
    Request,
    /// The receiver saw marks (RoCE's congestion notification).
    Cnp,
}

/// Flags of a packet.
pub(super) mod flag {
    /// A queue marked it (on an acknowledgement: the packet acknowledged was marked).
    pub(in super::super) const MARKED: u8 = 1;
    /// A full queue cut off its payload.
    pub(in super::super) const TRIMMED: u8 = 2;
    /// It is sent again (on an acknowledgement: the packet acknowledged was).
    pub(in super::super) const AGAIN: u8 = 4;
    /// Its sender asks for an acknowledgement at once.
    pub(in super::super) const PROMPT: u8 = 8;
    /// It was trimmed in front of its destination.
    pub(in super::super) const LAST_HOP: u8 = 16;
    /// The map of an acknowledgement begins at the packet acknowledged.
    pub(in super::super) const EXACT: u8 = 32;
    /// An acknowledgement of a request, which tells nothing about delay.
    pub(in super::super) const OF_REQUEST: u8 = 64;
    /// Its header came before; now it comes in whole (cut-through).
    pub(in super::super) const WHOLE: u8 = 128;
}

/// A packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packet {
    /// Task that it belongs to.
    pub(super) flow: u32,
    /// Its number within the message, or the number of the packet acknowledged.
    pub(super) seq: u32,
    /// Endpoint where it goes.
    pub(super) to: u32,
    /// The next in its queue.
    pub(super) next: u32,
    /// Acknowledgement: first number not yet received. Data and requests: credit that the sender wishes; grants: credit
    /// granted, in all, in units of 256 bytes.
    pub(super) sum: u32,
    /// Acknowledgement: bytes received so far, modulo 2^32.
    pub(super) received: u32,
    /// Bytes on the wire.
    pub(super) size: u16,
    /// What switches hash to choose among equal ways.
    pub(super) entropy: u16,
    /// What it is.
    pub(super) form: Form,
    /// See [`flag`].
    pub(super) flags: u8,
    /// Ports that have told it about their links.
    pub(super) hops: u8,
}

impl Packet {
    /// Whether it goes with the payloads rather than with the headers.
    #[inline]
    pub(super) fn is_bulk(&self) -> bool {
        self.form == Form::Data && self.flags & flag::TRIMMED == 0
    }
}

/// All packets in flight.
#[derive(Debug, Default)]
pub(super) struct Pool {
    packets: Vec<Packet>,
    /// Maps of acknowledgements, by packet. Apart, since only acknowledgements need them.
    maps: Vec<u64>,
    free: Vec<u32>,
}

impl Pool {
    /// Takes a packet in.
    #[inline]
    pub(super) fn add(&mut self, packet: Packet) -> u32 {
        if let Some(at) = self.free.pop() {
            self.packets[at as usize] = packet;
            return at;
        }
        self.packets.push(packet);
        self.maps.push(0);
        self.packets.len() as u32 - 1
    }

    /// Lets a packet go.
    #[inline]
    pub(super) fn remove(&mut self, at: u32) {
        self.free.push(at);
    }

    /// Gives all packets to other tasks.
    pub(super) fn rename(&mut self, task: impl Fn(u32) -> u32) {
        self.packets.iter_mut().for_each(|packet| packet.flow = task(packet.flow));
    }

    /// Exchanges two packets' contents but for their places in a queue.
    pub(super) fn exchange(&mut self, a: u32, b: u32) {
        let (next_a, next_b) = (self[a].next, self[b].next);
        self.packets.swap(a as usize, b as usize);
        self[a].next = next_a;
        self[b].next = next_b;
    }

    /// The map of an acknowledgement.
    #[inline]
    pub(super) fn map(&self, at: u32) -> u64 {
        self.maps[at as usize]
    }

    /// Sets the map of an acknowledgement.
    #[inline]
    pub(super) fn set_map(&mut self, at: u32, map: u64) {
        self.maps[at as usize] = map;
    }

    /// Packets in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.packets.len() - self.free.len()
    }
}

impl std::ops::Index<u32> for Pool {
    type Output = Packet;
    #[inline]
    fn index(&self, at: u32) -> &Packet {
        &self.packets[at as usize]
    }
}

impl std::ops::IndexMut<u32> for Pool {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Packet {
        &mut self.packets[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_fits_half_a_cache_line() {
        assert_eq!(size_of::<Packet>(), 32);
    }
}
