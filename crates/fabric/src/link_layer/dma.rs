//! What PCIe between memory and NIC leaves of a link's rate: payload size, read requests, and how many may be under way.
//!
//! A NIC writes what it receives to memory in packets of at most the largest payload, each with a header. What it sends it
//! reads: requests of at most the largest read request go one way, completions with data come back. Requests share their
//! direction with writes; as much is taken to be sent as is received, as in collective operations. Not counted: flow
//! control and acknowledgements of the data link layer, descriptors and completion queues.

use serde::Serialize;

use super::framing::{Framing, PCIE_HEADER};
use crate::network::{LinkLayer, Network, NodeKind};
use crate::time::{Rate, Time};

/// Header of a completion: three words (PCI Express Base 5.0, section 2.2.9).
const COMPLETION_HEADER: u32 = 12;

/// The way between memory and NIC.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dma {
    /// How PCIe carries packets: [`LinkLayer::PciePacket`] or [`LinkLayer::PcieFlit`].
    pub layer: LinkLayer,
    /// Rate of one direction, what line coding and flits take left out.
    pub rate: Rate,
    /// Largest payload of a packet, bytes: 128 to 4,096.
    pub payload: u32,
    /// Largest read request, bytes: 128 to 4,096.
    pub read_request: u32,
    /// Read requests under way at once, and the time from a request to its data. `None`: as many as the rate needs.
    pub reads: Option<(u32, Time)>,
}

impl Dma {
    /// Tokens, sequence number and check of one packet, bytes; flits have none (their share is in the rate).
    fn tokens(&self) -> u32 {
        if self.layer == LinkLayer::PcieFlit { 0 } else { Framing::of(self.layer).per_packet }
    }

    /// Bytes on the bus of so many bytes in packets with at most `most` each.
    fn packets(&self, bytes: u32, most: u32, header: u32) -> f64 {
        let packets = bytes.div_ceil(most.max(1));
        f64::from(bytes) + f64::from(packets) * f64::from(header + self.tokens())
    }

    /// Share of the bus that is data when a NIC reads pieces of so many bytes.
    pub fn read_efficiency(&self, bytes: u32) -> f64 {
        f64::from(bytes) / self.packets(bytes, self.payload, COMPLETION_HEADER).max(1.0)
    }

    /// The same when it writes, requests to read as much included.
    pub fn write_efficiency(&self, bytes: u32) -> f64 {
        let requests = bytes.div_ceil(self.read_request.max(1));
        let asked = f64::from(requests) * f64::from(PCIE_HEADER + self.tokens());
        f64::from(bytes) / (self.packets(bytes, self.payload, PCIE_HEADER) + asked).max(1.0)
    }

    /// Most bytes per second that a NIC can read in pieces of so many bytes.
    pub fn read_rate(&self, bytes: u32) -> f64 {
        let bus = self.rate.bytes_per_second() * self.read_efficiency(bytes);
        match self.reads {
            Some((count, round_trip)) if round_trip > Time::ZERO => {
                // A piece that is shorter than a request leaves the rest of it unused.
                let each = f64::from(bytes) / f64::from(bytes.div_ceil(self.read_request.max(1)).max(1));
                bus.min(f64::from(count) * each / round_trip.as_seconds())
            }
            _ => bus,
        }
    }

    /// Most bytes per second that it can write.
    pub fn write_rate(&self, bytes: u32) -> f64 {
        self.rate.bytes_per_second() * self.write_efficiency(bytes)
    }

    /// Holds every link between an endpoint and an Ethernet or InfiniBand network to what the bus can do, where that is
    /// less: `mtu` bytes on the wire are `mtu - header` on the bus. Gives the number of links that it holds back.
    pub fn hold_back(&self, network: &mut Network, mtu: u16, header: u16) -> usize {
        let payload = u32::from(mtu.saturating_sub(header)).max(1);
        let wire = |bytes: f64| Rate::gbps(bytes * 8e-9 * f64::from(mtu.max(1)) / f64::from(payload));
        let (out, into) = (wire(self.read_rate(payload)), wire(self.write_rate(payload)));
        let mut held = 0;
        for at in 0..network.edges.len() {
            let edge = network.edges[at];
            let external =
                matches!(edge.layer, LinkLayer::Ethernet | LinkLayer::LosslessEthernet | LinkLayer::InfiniBand);
            let ends = |node: crate::network::NodeId| network.node(node).kind == NodeKind::Endpoint;
            let limit = match (ends(edge.from), ends(edge.to)) {
                (true, false) => out,
                (false, true) => into,
                _ => None,
            };
            if let Some(limit) = limit.filter(|limit| external && *limit < edge.rate) {
                network.edges[at].rate = limit;
                held += 1;
            }
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(payload: u32, read_request: u32) -> Dma {
        // PCIe 3 x8 after line coding: 62.96 Gb/s.
        let rate = Rate::gbps(64.0 * 128.0 / 130.0).expect("positive");
        Dma { layer: LinkLayer::PciePacket, rate, payload, read_request, reads: None }
    }

    /// Headers as in Neugebauer et al., "Understanding PCIe performance for end host networking" (SIGCOMM 2018), section 3:
    /// 24 bytes around a write and a read request, 20 around a completion.
    #[test]
    fn efficiency_is_payload_over_payload_and_headers() {
        let one = |payload, bytes| bus(payload, 512).read_efficiency(bytes);
        assert!((one(256, 256) - 256.0 / 276.0).abs() < 1e-12);
        assert!((one(128, 1024) - 128.0 / 148.0).abs() < 1e-12);
        assert!((one(256, 64) - 64.0 / 84.0).abs() < 1e-12);
        let both = |payload, request, bytes| bus(payload, request).write_efficiency(bytes);
        assert!((both(256, 512, 1024) - 1024.0 / (1024.0 + 4.0 * 24.0 + 2.0 * 24.0)).abs() < 1e-12);
        assert!(both(256, 4096, 4096) > both(256, 128, 4096) && both(512, 512, 4096) > both(128, 512, 4096));
        // Flits have no tokens: 16 and 12 bytes of header alone.
        let flits = Dma { layer: LinkLayer::PcieFlit, ..bus(256, 256) };
        assert!((flits.read_efficiency(256) - 256.0 / 268.0).abs() < 1e-12);
        assert!((flits.write_efficiency(256) - 256.0 / (256.0 + 2.0 * 16.0)).abs() < 1e-12);
    }

    #[test]
    fn reads_under_way_bound_the_rate() {
        let slow = Dma { reads: Some((8, Time::ns(1000))), ..bus(256, 512) };
        // 8 x 512 B in a microsecond.
        assert!((slow.read_rate(4096) - 4.096e9).abs() < 1.0);
        let enough = Dma { reads: Some((64, Time::ns(1000))), ..bus(256, 512) };
        assert_eq!(enough.read_rate(4096), bus(256, 512).read_rate(4096));
    }
}
