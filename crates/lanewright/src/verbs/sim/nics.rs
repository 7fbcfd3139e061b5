//! Flags of NICs: doorbells, queue pairs, messages per second, and the PCIe between memory and NIC.

use clap::Args;
use lanewright_fabric::link_layer::Dma;
use lanewright_fabric::network::{LinkLayer, Network, NodeKind, coding};
use lanewright_fabric::packet::Settings;
use lanewright_fabric::time::Time;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::Part;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::super::CatalogueArgs;
use super::{Refusal, units};
use crate::disk;

/// Largest payload and read request where none are given: what firmware usually sets on servers; the specification allows
/// 128 to 4,096. General knowledge.
const USUAL: (u32, u32) = (256, 512);

/// Options of NICs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "NICs")]
pub struct NicArgs {
    /// NIC of the catalogue between memory and network, such as nvidia/connectx-7: its PCIe, and its latency as doorbell
    #[arg(long, value_name = "PART")]
    pub nic: Option<String>,
    /// Time from a message's beginning until its NIC knows and has its first data
    #[arg(long, value_name = "NS", value_parser = units::nanoseconds)]
    pub nic_doorbell_ns: Option<Time>,
    /// Messages that a NIC has under way at once, each until it is acknowledged; others wait
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub nic_queue_pairs: Option<u32>,
    /// Messages that a NIC begins in a second at most: 200M
    #[arg(long, value_name = "RATE", value_parser = units::spacing)]
    pub nic_message_rate: Option<Time>,
    /// PCIe between memory and NIC of endpoints on Ethernet or InfiniBand, generation and lanes: 5x16
    #[arg(long, value_name = "GENxLANES", value_parser = bus, conflicts_with = "nic")]
    pub dma_pcie: Option<(u32, u32)>,
    /// Largest payload of a PCIe packet: 128 to 4096; else 256. Packets on a network's own PCIe links are cut only if given
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(128..=4096))]
    pub dma_payload: Option<u32>,
    /// Largest PCIe read request: 128 to 4096; else 512
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(128..=4096))]
    pub dma_read_request: Option<u32>,
    /// Read requests under way at once; else as many as the rate needs
    #[arg(long, value_name = "N", requires = "dma_read_ns", value_parser = clap::value_parser!(u32).range(1..))]
    pub dma_reads: Option<u32>,
    /// Time from a read request to its data
    #[arg(long, value_name = "NS", requires = "dma_reads", value_parser = units::nanoseconds)]
    pub dma_read_ns: Option<Time>,
}

/// `5x16`: generation and lanes.
fn bus(text: &str) -> Result<(u32, u32), String> {
    let both = text.split_once('x').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match both {
        Some((generation, lanes)) if (3..=7).contains(&generation) && (1..=32).contains(&lanes) => {
            Ok((generation, lanes))
        }
        _ => Err("a generation from 3 to 7 and up to 32 lanes are expected, as in 5x16".into()),
    }
}

/// What flags and catalogue come to.
#[derive(Clone, Debug, Default)]
pub struct Nics {
    doorbell: Time,
    /// What rests on estimates, or changed nothing.
    pub notes: Vec<String>,
}

impl NicArgs {
    /// Reads the catalogue if a NIC of it was asked for, and holds the network's links to what PCIe can do.
    pub(super) fn hold_back(
        &self,
        network: &mut Network,
        mtu: u16,
        header: u16,
        catalogue: &CatalogueArgs,
    ) -> Result<Nics, Refusal> {
        let mut nics = Nics::default();
        let mut lanes = self.dma_pcie.map(|(generation, lanes)| (f64::from(8u32 << (generation - 3)), lanes));
        if let Some(name) = &self.nic {
            let (mut texts, mut problems) = (Texts::new(), Problems::new());
            let catalogue = disk::catalogue(catalogue.catalogue.as_deref(), &mut texts, &mut problems);
            let part = find(&catalogue, name)?;
            lanes = widest(&catalogue, part);
            if lanes.is_none() {
                return Err(format!("{name} has no PCIe port in the catalogue\n  help: give --dma-pcie 5x16").into());
            }
            if let Some(latency) = &part.figures.latency {
                nics.doorbell = Time::from_seconds(latency.band.likely.0 * 1e-9).unwrap_or(Time::ZERO);
                if self.nic_doorbell_ns.is_none() {
                    nics.notes.push(format!(
                        "{} ns of doorbell are the latency of {name}: {} ({} to {})",
                        latency.band.likely.0, latency.grade, latency.band.low.0, latency.band.high.0
                    ));
                }
            }
        }
        nics.doorbell = self.nic_doorbell_ns.unwrap_or(nics.doorbell);
        let given = self.dma_payload.is_some() || self.dma_read_request.is_some() || self.dma_reads.is_some();
        let own = network.edges.iter().any(|edge| matches!(edge.layer, LinkLayer::PciePacket | LinkLayer::PcieFlit));
        let Some((gigatransfers, lanes)) = lanes else {
            if given && !own {
                return Err(
                    "which PCIe lies between memory and NIC is not known\n  help: give --dma-pcie 5x16, or --nic"
                        .into(),
                );
            }
            if own && (self.dma_read_request.is_some() || self.dma_reads.is_some()) {
                nics.notes.push(
                    "read requests on a network's own PCIe links are not modelled: --dma-payload alone is used".into(),
                );
            }
            return Ok(nics);
        };
        let Some(rate) = coding::rate("pcie", gigatransfers, lanes) else {
            return Err(format!("PCIe of {lanes} lanes at {gigatransfers} GT/s has no rate").into());
        };
        let dma = Dma {
            layer: coding::of("pcie", gigatransfers).layer,
            rate,
            payload: self.dma_payload.unwrap_or(USUAL.0),
            read_request: self.dma_read_request.unwrap_or(USUAL.1),
            reads: self.dma_reads.zip(self.dma_read_ns),
        };
        let held = dma.hold_back(network, mtu, header);
        let payload = u32::from(mtu.saturating_sub(header)).max(1);
        let gbps = |bytes: f64| bytes * 8e-9;
        let external = network.endpoints.iter().any(|node| {
            let plain = |layer| {
                !matches!(layer, LinkLayer::PciePacket | LinkLayer::PcieFlit | LinkLayer::NvLink | LinkLayer::UaLink)
            };
            network.node(*node).kind == NodeKind::Endpoint
                && network.out(*node).iter().any(|edge| plain(network.edge(*edge).layer))
        });
        nics.notes.push(if external {
            format!(
                "PCIe between memory and NIC carries {:.1} Gb/s of data out and {:.1} in ({} and {} bytes of payload and read \
                 request{}; as much sent as received): it holds back {held} directions of links",
                gbps(dma.read_rate(payload)),
                gbps(dma.write_rate(payload)),
                dma.payload,
                dma.read_request,
                if self.dma_payload.is_some() && self.dma_read_request.is_some() { "" } else { ", usual ones where not given" },
            )
        } else {
            "no endpoint of this network is on Ethernet or InfiniBand: the PCIe of its NICs changed nothing".into()
        });
        Ok(nics)
    }

    /// Sets what the packet engine knows of.
    pub fn apply(&self, nics: &Nics, settings: &mut Settings) {
        settings.nic.doorbell = nics.doorbell;
        settings.nic.queue_pairs = self.nic_queue_pairs;
        settings.nic.spacing = self.nic_message_rate.unwrap_or(Time::ZERO);
        settings.links.pcie_payload = self.dma_payload;
    }

    /// Flags that were given and that only packets know.
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.nic_queue_pairs.is_some(), "--nic-queue-pairs"),
            (self.nic_message_rate.is_some(), "--nic-message-rate"),
        ];
        flags.into_iter().filter_map(|(given, name)| given.then_some(name)).collect()
    }
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a Part, Refusal> {
    let nics = || catalogue.parts.iter().filter(|part| part.kind.word() == "nic").map(|part| part.id.value.as_str());
    match catalogue.find_part(name).map(|id| catalogue.part(id)).filter(|part| part.kind.word() == "nic") {
        Some(part) => Ok(part),
        None => Err(match lanewright_model::problem::nearest(name, nics()) {
            Some(near) => format!("the catalogue has no NIC `{name}`; did you mean `{near}`?"),
            None => {
                format!("the catalogue has no NIC `{name}`\n  help: one of: {}", nics().collect::<Vec<_>>().join(", "))
            }
        }
        .into()),
    }
}

/// Transfer rate and lanes of a part's fastest PCIe port.
fn widest(catalogue: &Catalogue, part: &Part) -> Option<(f64, u32)> {
    let mut best: Option<(f64, u32)> = None;
    for group in &part.port {
        for protocol in &catalogue.protocols {
            let Some(id) = catalogue.find_protocol(&protocol.id) else { continue };
            let technology = catalogue.technology(id);
            if technology.family != "pcie" || protocol.lanes > group.lanes || !catalogue.speaks(&group.protocols, id) {
                continue;
            }
            let found = (technology.lane_gbps.0, protocol.lanes);
            if best.is_none_or(|best| found.0 * f64::from(found.1) > best.0 * f64::from(best.1)) {
                best = Some(found);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nic_of_the_catalogue() {
        let (mut texts, mut problems) = (Texts::new(), Problems::new());
        let catalogue = disk::catalogue(None, &mut texts, &mut problems);
        // The catalogue's own words: PCIe 5 and 16 lanes.
        let part = find(&catalogue, "nvidia/connectx-7").unwrap_or_else(|_| panic!("it is there"));
        assert_eq!(widest(&catalogue, part), Some((32.0, 16)));
        assert!(find(&catalogue, "nvidia/connectx-77").is_err());
    }

    #[test]
    fn buses() {
        assert_eq!(bus("5x16"), Ok((5, 16)));
        assert!(bus("2x16").is_err() && bus("5x64").is_err() && bus("5").is_err() && bus("fivex16").is_err());
    }
}
