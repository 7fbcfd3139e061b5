//! Scale-up domains behind switches: every accelerator linked to every switch, so that one switch lies between any two.
//!
//! Each switch is a plane of its own. Numbering: accelerators, then switches; an accelerator's links switch by switch.
//!
//! Presets and where their numbers come from:
//! - NVLink 4 (HGX H100): 18 links of 25 GB/s each way per GPU, on 4 switches with 5, 4, 4 and 5 links (modelled here as 18
//!   planes of one link; what a GPU can send and receive is the same). NVLink 5 (GB200 NVL72): 18 links of 50 GB/s each way,
//!   one to each of 18 switch chips. Counts: NVIDIA's product pages, as the catalogue has them. Switch latency 200 and
//!   250 ns: estimates of the catalogue (no figure is public).
//! - Rates are what flits leave ([`Network::flits_counted`] is for the caller to set).
//! - UALink 200G 1.0: stations of four 200 Gb/s lanes; 4 planes of one 800 Gb/s port each as in the bundled system
//!   `ualink-64`; switch port to port at most 200 ns (50T) by the consortium's own answers. 93 % of the line rate is left
//!   by the 640 B flits (Teledyne LeCroy's page on UALink).

use super::{Builder, LinkLayer, Links, Network, NodeKind, Shape};
use crate::time::{Rate, Time};

/// What a scale-up domain is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleUp {
    /// Accelerators.
    pub endpoints: u32,
    /// Switches, each linked to all accelerators.
    pub switches: u32,
    /// Links between an accelerator and a switch.
    pub per_pair: u32,
}

impl ScaleUp {
    /// Whether the numbers can be.
    pub fn check(&self) -> Result<(), String> {
        if self.endpoints == 0 || self.switches == 0 || self.per_pair == 0 {
            return Err("accelerators, switches and links between them must be above 0".into());
        }
        let links = [self.switches, self.per_pair]
            .iter()
            .fold(u64::from(self.endpoints), |product, factor| product.saturating_mul(u64::from(*factor)));
        if links > u64::from(super::MOST_LINKS) {
            return Err(format!("{links} links are more than {} that a network can have", super::MOST_LINKS));
        }
        Ok(())
    }

    /// NVLink 4 between so many GPUs of one HGX H100 board.
    pub fn nvlink4(endpoints: u32) -> (Self, Links) {
        (Self { endpoints, switches: 18, per_pair: 1 }, port(200, 25, 200, LinkLayer::NvLink))
    }

    /// NVLink 5 between so many GPUs of a GB200 NVL72 rack; 0.62 m of copper at 4.5 ns/m and 30 ns of error correction.
    pub fn nvlink5(endpoints: u32) -> (Self, Links) {
        (Self { endpoints, switches: 18, per_pair: 1 }, port(400, 33, 250, LinkLayer::NvLink))
    }

    /// UALink 200G between so many accelerators on four planes; 744 Gb/s are 93 % of a station's 800 Gb/s, delay as
    /// NVLink 5.
    pub fn ualink(endpoints: u32) -> (Self, Links) {
        (Self { endpoints, switches: 4, per_pair: 1 }, port(744, 33, 200, LinkLayer::UaLink))
    }

    /// The network.
    pub fn build(self, links: &Links) -> Network {
        let mut builder = Builder::default();
        let domain = builder.domain("scale-up");
        let hosts = builder.nodes(self.endpoints, NodeKind::Endpoint, 0, u32::MAX, Time::ZERO);
        let switches = builder.nodes(self.switches, NodeKind::Switch, 1, 1, links.switch_latency);
        for host in 0..self.endpoints {
            for at in 0..self.switches {
                for _ in 0..self.per_pair {
                    builder.link(links.edge(hosts + host, switches + at, domain));
                }
            }
        }
        builder.build(Shape::ScaleUp(self))
    }
}

/// A port by Gb/s and ns; the rates above are never 0.
fn port(gbps: u64, delay_ns: u64, switch_ns: u64, layer: LinkLayer) -> Links {
    Links {
        rate: Rate::bits_per_second(gbps * 1_000_000_000).expect("presets have a rate"),
        delay: Time::ns(delay_ns),
        switch_latency: Time::ns(switch_ns),
        layer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NodeId;

    #[test]
    fn nvl72_has_1296_links() {
        let (domain, links) = ScaleUp::nvlink5(72);
        let network = domain.build(&links);
        // 72 GPUs with 18 links each, 18 switch chips with 72 ports each (NVIDIA's counts).
        assert_eq!(network.edges.len(), 2 * 1296);
        assert_eq!((network.out(NodeId(71)).len(), network.out(NodeId(72)).len()), (18, 72));
        // 900 GB/s each way per GPU.
        let rate: f64 = network.out(NodeId(0)).iter().map(|edge| network.edge(*edge).rate.bytes_per_second()).sum();
        assert_eq!(rate, 900e9);
        assert_eq!(domain.check(), Ok(()));
        assert!(ScaleUp { switches: 0, ..domain }.check().is_err());
    }
}
