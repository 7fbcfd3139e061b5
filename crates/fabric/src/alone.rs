//! How long a message would take if nothing else travelled: what completion times are compared with.

use std::collections::HashMap;

use crate::flow::{Way, Ways};
use crate::network::{EdgeId, EndpointId, Network};
use crate::outcome::End;
use crate::route::Routes;
use crate::time::{Rate, Time};

/// How payload is cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Largest packet on the wire in bytes, header included.
    pub mtu: u16,
    /// Header in bytes; acknowledgements are as long.
    pub header: u16,
}

/// A way as far as one message alone is concerned.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Most bytes per second through all its edges, each carrying its share.
    rate: Rate,
    /// The slowest edge: what a packet, which is never split, goes at.
    edge: Rate,
    /// Edges.
    hops: u32,
    /// Delays of edges and nodes, there.
    delay: Time,
}

/// Most pairs of endpoints whose ways are kept.
const MOST_PAIRS: usize = 1 << 18;

/// Times of messages alone in a network.
pub struct Alone<'a> {
    network: &'a Network,
    routes: &'a Routes,
    ways: Ways,
    framing: Option<Framing>,
    lines: HashMap<(u32, u32), Option<Line>>,
}

impl<'a> Alone<'a> {
    /// Over these routes; with `framing` packet by packet through switches that store and forward, else as a stream.
    pub fn new(network: &'a Network, routes: &'a Routes, ways: Ways, framing: Option<Framing>) -> Self {
        Self { network, routes, ways, framing, lines: HashMap::new() }
    }

    /// Time of a message from its start to one of its ends: bytes on the wire over the rate of the way, plus delays; of
    /// packets also one packet's time at every further edge, and for the sender's end the acknowledgement's way back. All
    /// edges of the way count as fast as its slowest, so that ways of mixed rates are shown a packet's time or so too slow
    /// per fast edge. `None` where no way leads, and for more pairs than are kept (2^18).
    pub fn time(&mut self, from: EndpointId, to: EndpointId, bytes: u64, end: End) -> Option<Time> {
        let there = self.line(from, to)?;
        let Some(framing) = self.framing else { return Some(there.delay + there.rate.serialise(bytes)) };
        let payload = u64::from(framing.mtu.saturating_sub(framing.header)).max(1);
        let packets = bytes.div_ceil(payload).max(1);
        let wire = bytes.saturating_add(packets.saturating_mul(u64::from(framing.header)));
        // Behind the first edge only the last packet counts.
        let full = payload + u64::from(framing.header);
        let last = wire.saturating_sub((packets - 1).saturating_mul(full));
        let later = u64::from(there.hops.saturating_sub(1));
        // Over parallel edges bytes go side by side, but one packet goes over one.
        let first = there.rate.serialise(wire).max(there.edge.serialise(wire.min(full)));
        let mut time = there.delay.saturating_add(first);
        time = time.saturating_add(Time(there.edge.serialise(last).0.saturating_mul(later)));
        if end == End::Acknowledged {
            let back = self.line(to, from)?;
            let header = back.edge.serialise(u64::from(framing.header)).0;
            time = time.saturating_add(back.delay).saturating_add(Time(header.saturating_mul(u64::from(back.hops))));
        }
        Some(time)
    }

    fn line(&mut self, from: EndpointId, to: EndpointId) -> Option<Line> {
        if let Some(line) = self.lines.get(&(from.0, to.0)) {
            return *line;
        }
        if self.lines.len() >= MOST_PAIRS {
            return None;
        }
        let line = self.find(from, to);
        self.lines.insert((from.0, to.0), line);
        line
    }

    fn find(&self, from: EndpointId, to: EndpointId) -> Option<Line> {
        let way = Way::find(self.network, self.routes, self.ways, from, to)?;
        let (mut slowest, mut single) = (f64::INFINITY, None::<Rate>);
        for (at, edge) in way.edges.iter().enumerate() {
            let weight = way.weight(at).max(1e-12);
            let rate = self.network.edge(EdgeId(*edge)).rate;
            slowest = slowest.min(rate.bits() as f64 / weight);
            single = Some(single.map_or(rate, |single| single.min(rate)));
        }
        let hops: f64 = (0..way.edges.len()).map(|at| way.weight(at)).sum();
        Some(Line {
            rate: Rate::bits_per_second(slowest.min(u64::MAX as f64) as u64)?,
            edge: single?,
            hops: hops.round() as u32,
            delay: Time(way.delay),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::fat_tree::FatTree;
    use crate::network::{LinkLayer, Links};

    fn tree() -> Network {
        FatTree::balanced(128, 3).expect("k = 8").build(&Links {
            rate: Rate::gbps(400.0).expect("positive"),
            delay: Time::us(1),
            switch_latency: Time::ZERO,
            layer: LinkLayer::Ethernet,
        })
    }

    /// 2 MB at 50 GB/s over 6 hops of 1 µs: 46.000 µs, as SimGrid says for a permutation without collisions.
    #[test]
    fn a_stream_takes_its_delay_and_its_bytes() {
        let network = tree();
        let routes = Routes::new(&network).expect("connected");
        for ways in [Ways::One, Ways::All] {
            let mut alone = Alone::new(&network, &routes, ways, None);
            let time = alone.time(EndpointId(0), EndpointId(127), 2_000_000, End::Delivered);
            assert_eq!(time, Some(Time::us(46)), "{ways:?}");
        }
    }

    /// One packet of 4150 B takes 83 ns at every one of 6 edges of 1 µs, its acknowledgement of 64 B 1.28 ns.
    #[test]
    fn a_packet_is_stored_and_forwarded() {
        let network = tree();
        let routes = Routes::new(&network).expect("connected");
        let framing = Framing { mtu: 4150, header: 64 };
        let mut alone = Alone::new(&network, &routes, Ways::All, Some(framing));
        let mut time = |bytes, end| alone.time(EndpointId(0), EndpointId(127), bytes, end).expect("a way");
        assert_eq!(time(4086, End::Delivered), Time::ps(6 * 1_083_000));
        assert_eq!(time(4086, End::Acknowledged), Time::ps(6 * 1_083_000 + 6 * 1_001_280));
        // Two full packets: the second is on the wire while the first travels.
        assert_eq!(time(2 * 4086, End::Delivered), Time::ps(7 * 83_000 + 6_000_000));
    }
}
