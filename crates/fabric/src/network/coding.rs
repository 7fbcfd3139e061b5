//! What line coding and flits leave of a port's lane rates, by protocol family.
//!
//! The catalogue gives PCIe and CXL lanes by their transfer rate, and other lanes by what error correction leaves. What
//! packets' own headers cost is counted where packets are made, not here.
//!
//! Sources: PCIe 3 to 5 send 130 bits for 128 (128b/130b); PCIe 6 and 7 send flits of 256 B of which 236 B carry
//! transaction layer packets, 6 B the data link layer, 8 B CRC and 6 B error correction (PCI-SIG, PCIe 6.0 base
//! specification as its webinars show it); CXL 1.1 and 2.0 send 68 B flits with 64 B inside over 128b/130b, CXL 3 the flits of
//! PCIe 6 (CXL Consortium white papers); UALink leaves 93 % (Teledyne LeCroy's page on UALink). PCIe 1 and 2 send 10 bits
//! for 8. NVLink, xGMI, ICI and NeuronLink publish no overhead: all of the rate counts, which is the best case.

use super::LinkLayer;
use crate::time::Rate;

/// How a family's ports carry bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    /// Share of the lane rate that is left.
    pub share: f64,
    /// How packets are carried.
    pub layer: LinkLayer,
    /// Whether no document says what the link layer costs.
    pub unpublished: bool,
}

/// The coding of a family (`pcie`, `ethernet`, `nvlink`, ...) at a lane rate in Gb/s.
pub fn of(family: &str, lane_gbps: f64) -> Coding {
    let known = |share, layer| Coding { share, layer, unpublished: false };
    match family {
        "pcie" | "cxl" if lane_gbps >= 64.0 => known(236.0 / 256.0, LinkLayer::PcieFlit),
        "cxl" => known(128.0 / 130.0 * 64.0 / 68.0, LinkLayer::PcieFlit),
        "pcie" if lane_gbps >= 8.0 => known(128.0 / 130.0, LinkLayer::PciePacket),
        "pcie" => known(0.8, LinkLayer::PciePacket),
        "ualink" => known(0.93, LinkLayer::UaLink),
        "ethernet" | "automotive-ethernet" => known(1.0, LinkLayer::Ethernet),
        "infiniband" => known(1.0, LinkLayer::InfiniBand),
        _ => Coding { share: 1.0, layer: LinkLayer::NvLink, unpublished: true },
    }
}

/// Rate of a port of so many lanes. `None` when there are none or the lane rate is no number above 0.
pub fn rate(family: &str, lane_gbps: f64, lanes: u32) -> Option<Rate> {
    Rate::gbps(lane_gbps * f64::from(lanes) * of(family, lane_gbps).share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_after_coding() {
        let gbps = |family, lane, lanes| rate(family, lane, lanes).map(|rate| (rate.as_gbps() * 1e3).round() / 1e3);
        // 63.015 GB/s each way, the figure given everywhere for PCIe 5 x16.
        assert_eq!(gbps("pcie", 32.0, 16), Some(504.123));
        assert_eq!(gbps("pcie", 64.0, 16), Some(944.0));
        assert_eq!(gbps("pcie", 128.0, 16), Some(1888.0));
        assert_eq!(gbps("ethernet", 100.0, 4), Some(400.0));
        assert_eq!(gbps("ualink", 200.0, 4), Some(744.0));
        assert_eq!(gbps("pcie", 32.0, 0), None);
        assert_eq!(gbps("pcie", f64::NAN, 16), None);
        assert!(of("nvlink", 100.0).unpublished && !of("pcie", 16.0).unpublished);
    }
}
