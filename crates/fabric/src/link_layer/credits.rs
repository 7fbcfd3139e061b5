//! Credits: what a buffer at the receiver allows a sender.

use crate::network::LinkLayer;
use crate::time::{Rate, Time};

/// Bytes that one credit stands for.
///
/// InfiniBand counts blocks of 64 bytes (InfiniBand Architecture 1.x, section 7.9.4); PCIe data credits are 16 bytes, header
/// credits are left out (PCI Express Base, section 2.6.1); UALink counts flits of 64 bytes. NVLink's are not published: its
/// flit of 16 bytes is an estimate. Other layers have none: 1.
pub fn credit_unit(layer: LinkLayer) -> u32 {
    match layer {
        LinkLayer::InfiniBand | LinkLayer::UaLink => 64,
        LinkLayer::PcieFlit | LinkLayer::PciePacket | LinkLayer::NvLink => 16,
        LinkLayer::Ethernet | LinkLayer::LosslessEthernet => 1,
    }
}

/// Bytes per second of a lane whose receiver has room for `buffer` bytes and takes `round` from the first bit of a packet
/// to the return of its credit: the less of rate and buffer per round trip. Only whole packets of `packet` bytes fit.
pub fn credited_rate(rate: Rate, buffer: u64, packet: u32, round: Time) -> f64 {
    let whole = buffer / u64::from(packet.max(1)) * u64::from(packet.max(1));
    let by_credit = if round == Time::ZERO { f64::INFINITY } else { whole as f64 / round.as_seconds() };
    rate.bytes_per_second().min(by_credit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_of_rate_and_credit() {
        let rate = Rate::gbps(400.0).expect("positive");
        assert_eq!(credited_rate(rate, 100_000, 1000, Time::us(1)), 50e9);
        assert!((credited_rate(rate, 10_999, 1000, Time::us(1)) - 10e9).abs() < 1.0);
        assert_eq!(credited_rate(rate, 999, 1000, Time::us(1)), 0.0);
    }
}
