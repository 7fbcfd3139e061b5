//! Bytes on the wire that are no packet: gaps, flit headers, encryption.

use serde::Serialize;

use crate::network::LinkLayer;

/// Least and most bytes that MACsec adds to a frame: a tag of 8 bytes (16 with the channel identifier) and a check value of
/// 16 (IEEE 802.1AE, clauses 9.3 to 9.10).
pub const MACSEC_BYTES: (u32, u32) = (24, 32);

/// Header of a transaction layer packet with a 64-bit address: four words (PCI Express Base 5.0, section 2.2.1).
pub const PCIE_HEADER: u32 = 16;

/// How a packet's bytes become bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Framing {
    /// Added to every packet, bytes.
    pub per_packet: u32,
    /// Packets fill up to a multiple of this, bytes.
    pub quantum: u32,
    /// Bytes on the wire per bytes of packets, as a fraction: what flits spend on themselves.
    pub wire: u32,
    /// See `wire`.
    pub packets: u32,
    /// What is sent again as one, bytes on the wire; 0: whole packets.
    pub unit: u32,
    /// Most payload of a transaction layer packet: longer packets are cut, and each piece has a header; 0: none are.
    pub piece: u32,
    /// The link's rate is what flits leave: then their share is not counted a second time.
    pub counted: bool,
}

impl Framing {
    /// A packet is what is on the wire.
    pub const NONE: Self = Self { per_packet: 0, quantum: 1, wire: 1, packets: 1, unit: 0, piece: 0, counted: false };

    /// Of a layer.
    ///
    /// - Ethernet: 7 bytes preamble, 1 start delimiter, 12 gap (IEEE 802.3, clauses 3.1.1 and 4.4.2); the check sequence
    ///   counts as part of the header;
    /// - PCIe 6 flits: 236 of 256 bytes are packets; 6 link layer, 8 check, 6 error correction (PCI Express Base 6.0,
    ///   section 4.2.3.4); packets fill up to 4 bytes;
    /// - PCIe 5 packets: 4 bytes start token with sequence number, 4 check (Base 5.0, sections 4.2.2.2 and 3.6); packets
    ///   fill up to 4 bytes;
    /// - UALink: 93 % of a 640-byte frame is effective (public training material of test-equipment vendors, not the
    ///   specification); packets fill flits of 64 bytes;
    /// - NVLink: flits of 16 bytes (published for the first generation; later ones are an estimate), replay per packet;
    /// - InfiniBand: two check sequences and the local route header count as part of the header.
    pub fn of(layer: LinkLayer) -> Self {
        let none = Self::NONE;
        match layer {
            LinkLayer::Ethernet | LinkLayer::LosslessEthernet => Self { per_packet: 20, ..none },
            LinkLayer::InfiniBand => none,
            LinkLayer::PcieFlit => Self { quantum: 4, wire: 256, packets: 236, unit: 256, ..none },
            LinkLayer::PciePacket => Self { per_packet: 8, quantum: 4, ..none },
            LinkLayer::UaLink => Self { quantum: 64, wire: 100, packets: 93, unit: 640, ..none },
            LinkLayer::NvLink => Self { quantum: 16, ..none },
        }
    }

    /// For links whose rate is what flits leave: packets still fill them up.
    pub fn without_flits(self) -> Self {
        Self { counted: true, ..self }
    }

    /// Bytes on the wire, flits with all that is in them, that may be spoilt when [`Framing::bytes`] are sent.
    #[inline]
    pub fn exposed(&self, bytes: u32) -> u32 {
        if self.counted { self.share(u64::from(bytes)) } else { bytes }
    }

    fn share(&self, packets: u64) -> u32 {
        (packets * u64::from(self.wire)).div_ceil(u64::from(self.packets.max(1))) as u32
    }

    /// With encryption of so many bytes per frame.
    pub fn with_macsec(self, bytes: u32) -> Self {
        Self { per_packet: self.per_packet + bytes, ..self }
    }

    /// With packets cut into pieces of so many bytes, as PCIe's largest payload asks for.
    pub fn cut(self, piece: u32) -> Self {
        Self { piece, ..self }
    }

    /// Bytes on the wire of a packet. Flits are shared between packets, so their overhead is a share, rounded up.
    #[inline]
    pub fn bytes(&self, packet: u32) -> u32 {
        // A packet of one piece comes with its header.
        let (packet, pieces) = match self.piece {
            0 => (packet, 1),
            piece if packet <= piece + PCIE_HEADER => (packet, 1),
            piece => (packet + packet.div_ceil(piece) * PCIE_HEADER, packet.div_ceil(piece)),
        };
        let filled = u64::from((packet + pieces * self.per_packet).next_multiple_of(self.quantum.max(1)));
        if self.counted { filled as u32 } else { self.share(filled) }
    }

    /// Share of the wire that is payload when packets of `header` and `payload` bytes follow each other.
    pub fn efficiency(&self, payload: u32, header: u32) -> f64 {
        f64::from(payload) / f64::from(self.bytes(payload + header).max(1))
    }
}

/// Header of a packet in bytes, for [`crate::packet::Settings::header`].
///
/// InfiniBand: local route 8, base transport 12, checks 4 and 2 (26); PCIe: four words with a 64-bit address (16); UALink:
/// none beyond the 93 % of [`Framing::of`]; NVLink: one flit (16, published for the first generation); Ethernet: as Ultra
/// Ethernet's reference simulator counts (64).
pub fn usual_header(layer: LinkLayer) -> u16 {
    match layer {
        LinkLayer::Ethernet | LinkLayer::LosslessEthernet => 64,
        LinkLayer::InfiniBand => 26,
        LinkLayer::PcieFlit | LinkLayer::PciePacket | LinkLayer::NvLink => 16,
        LinkLayer::UaLink => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_wire() {
        let of = |layer, payload, header| Framing::of(layer).efficiency(payload, header);
        // 1500 of 1538 bytes: the usual figure of Ethernet with 18 bytes of header and check.
        assert!((of(LinkLayer::Ethernet, 1500, 18) - 1500.0 / 1538.0).abs() < 1e-12);
        // 256 bytes of payload in a packet of PCIe 5: 256 / 280.
        assert!((of(LinkLayer::PciePacket, 256, 16) - 256.0 / 280.0).abs() < 1e-12);
        // PCIe 6: 256 / (272 * 256 / 236), rounded up to a byte.
        assert!((of(LinkLayer::PcieFlit, 256, 16) - 256.0 / 296.0).abs() < 1e-12);
        assert!((of(LinkLayer::UaLink, 1 << 20, 0) - 0.93).abs() < 1e-5);
        assert!((of(LinkLayer::NvLink, 256, 16) - 16.0 / 17.0).abs() < 1e-12);
    }

    /// 93 % of 800 Gb/s carry a packet in the time that all of 800 Gb/s carry it with its share of flits.
    #[test]
    fn flits_are_counted_once() {
        for (layer, share) in [(LinkLayer::UaLink, 0.93), (LinkLayer::PcieFlit, 236.0 / 256.0)] {
            let (wire, left) = (Framing::of(layer), Framing::of(layer).without_flits());
            for packet in [64, 276, 4160, 60_000] {
                let (wire_bytes, left_bytes) = (f64::from(wire.bytes(packet)), f64::from(left.bytes(packet)) / share);
                assert!((wire_bytes - left_bytes).abs() <= 1.0, "{packet}: {wire_bytes} {left_bytes}");
                assert_eq!(left.exposed(left.bytes(packet)), wire.bytes(packet));
                assert_eq!(wire.exposed(77), 77);
            }
        }
    }

    #[test]
    fn long_packets_are_cut_on_pcie() {
        let framing = Framing::of(LinkLayer::PciePacket).cut(256);
        // 4,150 bytes of an Ethernet frame in 17 pieces, each with 16 of header and 8 of tokens; then whole words.
        assert_eq!(framing.bytes(4150), (4150 + 17 * 24u32).next_multiple_of(4));
        // What is one piece already stays one.
        assert_eq!(framing.bytes(272), Framing::of(LinkLayer::PciePacket).bytes(272));
        assert_eq!(framing.bytes(273), (273 + 2 * 24u32).next_multiple_of(4));
    }

    #[test]
    fn encryption_adds_to_every_frame() {
        let framing = Framing::of(LinkLayer::Ethernet).with_macsec(MACSEC_BYTES.1);
        assert_eq!(framing.bytes(4150), 4150 + 20 + 32);
        assert_eq!(Framing::NONE.bytes(77), 77);
    }
}
