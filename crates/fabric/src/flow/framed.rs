//! What packets cost beside bytes: headers, a packet's time at every further edge, and the acknowledgement's way back.
//!
//! All of it is arithmetic; nothing is fitted. A message alone takes to within a nanosecond or two what the packet engine
//! says of it (tested in `short`).

use super::table::Lists;
use crate::alone::Framing;
use crate::network::{EdgeId, Network};

/// Times of packets on the ways of a run.
#[derive(Clone, Debug)]
pub struct Framed {
    framing: Framing,
    /// Ps per byte of a packet behind the slowest edge of a way, and of an acknowledgement on all of its edges.
    ways: Vec<(f64, f64)>,
    /// What tasks take longer than that, in ps; empty when nothing.
    late: Vec<f64>,
}

impl Framing {
    /// Packets of a message, at least one.
    pub fn packets(self, bytes: u64) -> u64 {
        let payload = u64::from(self.mtu.saturating_sub(self.header)).max(1);
        bytes.div_ceil(payload).max(1)
    }

    /// Bytes of a message on the wire, headers included.
    pub fn wire(self, bytes: u64) -> u64 {
        bytes.saturating_add(self.packets(bytes).saturating_mul(u64::from(self.header)))
    }
}

impl Framed {
    /// With this framing; `late` per task or empty.
    pub fn new(framing: Framing, late: Vec<f64>) -> Self {
        Self { framing, ways: Vec::new(), late }
    }

    fn of(&mut self, network: &Network, ways: &Lists, way: u32) -> (f64, f64) {
        for known in self.ways.len()..ways.len().min(way as usize + 1) {
            let (mut all, mut slowest) = (0.0, 0.0f64);
            for place in ways.range(known as u32) {
                let per_byte = 8e12 / network.edge(EdgeId(ways.edge(place))).rate.bits() as f64;
                all += ways.weight(place) * per_byte;
                slowest = slowest.max(per_byte);
            }
            self.ways.push(((all - slowest).max(0.0), all));
        }
        self.ways.get(way as usize).copied().unwrap_or_default()
    }

    /// Time in ps from when a message's bytes (`wire` of them, headers included) are through its slowest edge until the
    /// receiver has all of its packets.
    pub fn behind(&mut self, network: &Network, ways: &Lists, (task, way): (u32, u32), wire: f64) -> f64 {
        let packet = wire.min(f64::from(self.framing.mtu));
        self.of(network, ways, way).0 * packet + self.late.get(task as usize).copied().unwrap_or(0.0)
    }

    /// Time in ps of an acknowledgement: back over the way's edges and `delay`, which are taken to be the same both ways.
    pub fn back(&mut self, network: &Network, ways: &Lists, way: u32, delay: u64) -> f64 {
        delay as f64 + self.of(network, ways, way).1 * f64::from(self.framing.header)
    }
}
