//! Flags that describe a network, and the network that they make.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lanewright_fabric::network::dragonfly::Dragonfly;
use lanewright_fabric::network::fat_tree::FatTree;
use lanewright_fabric::network::full_mesh::FullMesh;
use lanewright_fabric::network::head_node::{Generation, HeadNode};
use lanewright_fabric::network::leaf_spine::LeafSpine;
use lanewright_fabric::network::rail::{Rail, RailLinks};
use lanewright_fabric::network::scale_up::ScaleUp;
use lanewright_fabric::network::torus::Torus;
use lanewright_fabric::network::{EdgeId, LinkLayer, Links, Network, coding, topo_file};
use lanewright_fabric::time::{Rate, Time};

use super::units;
use crate::disk;

/// Networks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topology {
    /// Folded Clos of 1 to 3 tiers: --nodes, --tiers, --radix, --oversubscription
    FatTree,
    /// Every leaf to every spine: --leaves, --per-leaf, --spines, --per-pair
    LeafSpine,
    /// Servers whose NIC i hangs at rail i, with a scale-up domain inside: --servers, --per-server, --per-leaf, --spines
    Rail,
    /// Rings in two or three dimensions: --size 4x4x4
    Torus,
    /// Lines in two or three dimensions: --size 8x8
    Mesh,
    /// Groups of routers: --per-router, --routers, --global, --groups
    Dragonfly,
    /// Every endpoint to every other: --nodes, --per-pair
    FullMesh,
    /// One switched domain: --nodes with --preset, or --planes and --per-pair
    ScaleUp,
    /// PCIe switches between GPUs, NICs, drives and the root complex: --gpus, --nics, --drives, --switches, --pcie
    HeadNode,
}

/// Scale-up links by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 18 links of 200 Gb/s (HGX H100)
    Nvlink4,
    /// 18 links of 400 Gb/s (GB200 NVL72)
    Nvlink5,
    /// 4 planes of 800 Gb/s, of which flits leave 93 %
    Ualink,
}

impl Preset {
    /// What of it is an estimate: sources stand at [`ScaleUp`]'s presets.
    fn note(self) -> String {
        match self {
            Self::Nvlink4 => {
                "200 ns of an NVLink switch (100 to 350) and 25 ns a link are estimates; what NVLink's link \
                              layer costs is not published: none of the rate is taken off"
            }
            Self::Nvlink5 => {
                "250 ns of an NVLink switch (100 to 400) and 33 ns a link are estimates; what NVLink's link \
                              layer costs is not published: none of the rate is taken off"
            }
            Self::Ualink => {
                "200 ns of a UALink switch are the most that the consortium states for 51.2 Tb/s (150 at half \
                             of that, 250 at twice); 33 ns a link are an estimate"
            }
        }
        .into()
    }
}

/// Generations of PCI Express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pcie {
    /// 16 GT/s
    #[value(name = "4")]
    Four,
    /// 32 GT/s
    #[value(name = "5")]
    Five,
    /// 64 GT/s
    #[value(name = "6")]
    Six,
    /// 128 GT/s
    #[value(name = "7")]
    Seven,
}

/// Options that describe a network.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Network")]
pub struct TopologyArgs {
    /// Network to generate
    #[arg(long, value_enum)]
    pub topology: Option<Topology>,
    /// Fat tree from a topology file of htsim (.topo)
    #[arg(long, value_name = "FILE", conflicts_with = "topology")]
    pub topology_file: Option<PathBuf>,
    /// Endpoints; of a traffic file those that it names
    #[arg(long, value_name = "N")]
    pub nodes: Option<u32>,
    /// Tiers of switches of a fat tree
    #[arg(long, value_name = "1-3", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub tiers: u8,
    /// Ports of a fat tree's switches; the tree then need not be full
    #[arg(long, value_name = "PORTS")]
    pub radix: Option<u32>,
    /// Endpoints per link upwards at the lowest switches of a fat tree
    #[arg(long, value_name = "RATIO", default_value_t = 1)]
    pub oversubscription: u32,
    /// Leaves
    #[arg(long, value_name = "N")]
    pub leaves: Option<u32>,
    /// Endpoints at a leaf; servers at a rail
    #[arg(long, value_name = "N")]
    pub per_leaf: Option<u32>,
    /// Spines
    #[arg(long, value_name = "N")]
    pub spines: Option<u32>,
    /// Parallel links between two that are linked
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub per_pair: u32,
    /// Servers
    #[arg(long, value_name = "N")]
    pub servers: Option<u32>,
    /// Accelerators, and NICs, of a server
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub per_server: u32,
    /// Routers along each dimension of a torus or mesh
    #[arg(long, value_name = "4x4x4")]
    pub size: Option<String>,
    /// Endpoints at a dragonfly's router
    #[arg(long, value_name = "N")]
    pub per_router: Option<u32>,
    /// Routers in a dragonfly's group; else twice the endpoints of a router
    #[arg(long, value_name = "N")]
    pub routers: Option<u32>,
    /// Global links of a dragonfly's router; else as many as endpoints
    #[arg(long, value_name = "N")]
    pub global: Option<u32>,
    /// Groups of a dragonfly; else as many as can be
    #[arg(long, value_name = "N")]
    pub groups: Option<u32>,
    /// Switches of a scale-up domain
    #[arg(long, value_name = "N")]
    pub planes: Option<u32>,
    /// Scale-up links, inside servers too
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// GPUs of a head node
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub gpus: u32,
    /// NICs of a head node
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub nics: u32,
    /// Drives of a head node
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub drives: u32,
    /// CXL memories of a head node
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cxl: u32,
    /// PCIe switches of a head node
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub switches: u32,
    /// Generation of a head node's PCI Express, and of servers'
    #[arg(long, value_enum, default_value = "5")]
    pub pcie: Pcie,
    /// Peers at one PCIe switch must go through the root complex (ACS redirect)
    #[arg(long)]
    pub through_root: bool,
    /// Rate of every link and direction, Gb/s
    #[arg(long, value_name = "GBPS", default_value = "400", value_parser = units::gbps)]
    pub link_gbps: Rate,
    /// Rate of links above the lowest switches, Gb/s
    #[arg(long, value_name = "GBPS", value_parser = units::gbps)]
    pub up_gbps: Option<Rate>,
    /// Delay of every link
    #[arg(long, value_name = "US", default_value = "1", value_parser = units::microseconds)]
    pub hop_latency_us: Time,
    /// Latency of every switch
    #[arg(long, value_name = "US", default_value = "0", value_parser = units::microseconds)]
    pub switch_latency_us: Time,
}

/// A network, and edges that may not be used.
pub struct Made {
    /// The network.
    pub network: Network,
    /// Edges closed from the start.
    pub closed: Vec<EdgeId>,
    /// What was estimated.
    pub notes: Vec<String>,
    /// What to call it.
    pub title: String,
    /// The first so many endpoints are ranks of collectives.
    pub ranks: u32,
}

impl Made {
    /// A network of which all endpoints may be ranks.
    fn whole(network: Network, title: String) -> Self {
        let ranks = network.endpoints.len() as u32;
        Self { network, closed: Vec::new(), notes: Vec::new(), title, ranks }
    }
}

impl TopologyArgs {
    /// Whether any network is asked for.
    pub fn given(&self) -> bool {
        self.topology.is_some() || self.topology_file.is_some()
    }

    /// Makes the network. `named`: endpoints that the traffic speaks of; `layer`: of links that have none of their own.
    pub fn make(&self, named: Option<u32>, layer: Option<LinkLayer>) -> Result<Made, String> {
        if let Some(path) = &self.topology_file {
            return from_file(path, layer);
        }
        if layer.is_some()
            && (self.topology == Some(Topology::HeadNode)
                || self.topology == Some(Topology::ScaleUp) && self.preset.is_some())
        {
            return Err("links of a head node and of a preset have their own layer: leave out --link-layer".into());
        }
        let whole = Made::whole;
        let (below, above) = self.links(layer.unwrap_or(LinkLayer::Ethernet));
        let topology = self.topology.unwrap_or(Topology::FatTree);
        let nodes = || self.nodes.or(named).ok_or_else(|| "give the number of endpoints with --nodes".to_string());
        Ok(match topology {
            Topology::FatTree => {
                let tree = self.tree(nodes()?)?;
                let title = format!(
                    "fat tree, {} tiers, {} endpoints, {} switches",
                    tree.tiers,
                    tree.endpoints,
                    tree.leaves() + tree.middles() + tree.cores()
                );
                whole(tree.build_tiers(&[below, above, above]), title)
            }
            Topology::LeafSpine => {
                let need =
                    |value: Option<u32>, flag: &str| value.ok_or_else(|| format!("a leaf-spine network needs {flag}"));
                let shape = LeafSpine {
                    leaves: need(self.leaves, "--leaves")?,
                    per_leaf: need(self.per_leaf, "--per-leaf")?,
                    spines: need(self.spines, "--spines")?,
                    per_pair: self.per_pair,
                };
                let network = shape.build(&below, &above)?;
                let ratio = shape.oversubscription(&below, &above);
                let title = format!(
                    "leaf-spine, {} leaves of {}, {} spines, {ratio:.2}:1",
                    shape.leaves, shape.per_leaf, shape.spines
                );
                whole(network, title)
            }
            Topology::Rail => return self.rail(named, &below, &above),
            Topology::Torus | Topology::Mesh => {
                let size = self.dimensions()?;
                let torus = if topology == Topology::Torus { Torus::rings(size) } else { Torus::mesh(size) };
                torus.check()?;
                let ports = size.iter().filter(|size| **size > 1).count() as f64 * 2.0;
                let injection = Rate::gbps(self.link_gbps.as_gbps() * ports.max(1.0)).unwrap_or(self.link_gbps);
                let title = format!("{} {}", topology.name(), size.map(|n| n.to_string()).join("x"));
                whole(torus.build(&below, injection), title)
            }
            Topology::Dragonfly => {
                let per_router = self.per_router.ok_or("a dragonfly needs --per-router")?;
                let balanced = Dragonfly::balanced(per_router).ok_or("so many endpoints per router cannot be")?;
                let routers = self.routers.unwrap_or(balanced.routers);
                let global = self.global.unwrap_or(balanced.global);
                let most =
                    routers.checked_mul(global).and_then(|ports| ports.checked_add(1)).ok_or("too many groups")?;
                let shape = Dragonfly { per_router, routers, global, groups: self.groups.unwrap_or(most) };
                shape.check()?;
                let title =
                    format!("dragonfly, {} groups of {}, {} endpoints", shape.groups, routers, shape.endpoints());
                whole(shape.build(&below, &above, &above), title)
            }
            Topology::FullMesh => {
                let mesh = FullMesh { endpoints: nodes()?, per_pair: self.per_pair };
                mesh.check()?;
                whole(mesh.build(&below), format!("full mesh of {}", mesh.endpoints))
            }
            Topology::ScaleUp => {
                let (domain, links) = self.scale_up(nodes()?, &below);
                domain.check()?;
                let title = format!("scale-up domain of {} behind {} switches", domain.endpoints, domain.switches);
                let network = Network { flits_counted: self.preset.is_some(), ..domain.build(&links) };
                Made { notes: self.preset.iter().map(|preset| preset.note()).collect(), ..whole(network, title) }
            }
            Topology::HeadNode => return self.head_node(),
        })
    }

    /// Links below and above the lowest switches.
    fn links(&self, layer: LinkLayer) -> (Links, Links) {
        let below =
            Links { rate: self.link_gbps, delay: self.hop_latency_us, switch_latency: self.switch_latency_us, layer };
        (below, Links { rate: self.up_gbps.unwrap_or(self.link_gbps), ..below })
    }

    fn tree(&self, nodes: u32) -> Result<FatTree, String> {
        let tree = match self.radix {
            Some(radix) => FatTree::of_radix(nodes, self.tiers, radix)?,
            None => FatTree::balanced(nodes, self.tiers).map_err(|why| {
                let radix = FatTree::least_radix(nodes, self.tiers);
                let help =
                    radix.map(|radix| format!("; --radix {radix} makes a tree that is not full")).unwrap_or_default();
                format!("{why}{help}")
            })?,
        };
        let tree = if self.oversubscription == 1 { tree } else { tree.oversubscribed(self.oversubscription)? };
        tree.check()?;
        Ok(tree)
    }

    fn dimensions(&self) -> Result<[u32; 3], String> {
        let wrong = || "give the routers along each dimension with --size, as in 4x4x4 or 8x8".to_string();
        let text = self.size.as_deref().ok_or_else(wrong)?;
        let mut size = [1; 3];
        let parts: Vec<&str> = text.split(['x', 'X']).collect();
        if parts.len() > 3 {
            return Err(wrong());
        }
        for (slot, part) in size.iter_mut().zip(parts) {
            *slot = part.trim().parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
        }
        Ok(size)
    }

    fn scale_up(&self, nodes: u32, below: &Links) -> (ScaleUp, Links) {
        let (domain, links) = match self.preset {
            Some(Preset::Nvlink4) => ScaleUp::nvlink4(nodes),
            Some(Preset::Nvlink5) => ScaleUp::nvlink5(nodes),
            Some(Preset::Ualink) => ScaleUp::ualink(nodes),
            None => {
                let planes = self.planes.unwrap_or(1);
                (ScaleUp { endpoints: nodes, switches: planes, per_pair: self.per_pair }, *below)
            }
        };
        (ScaleUp { switches: self.planes.unwrap_or(domain.switches), ..domain }, links)
    }

    fn rail(&self, named: Option<u32>, below: &Links, above: &Links) -> Result<Made, String> {
        let servers = match (self.servers, self.nodes.or(named)) {
            (Some(servers), _) => servers,
            (None, Some(nodes)) if self.per_server > 0 && nodes.is_multiple_of(self.per_server) => {
                nodes / self.per_server
            }
            _ => return Err("a rail-optimised cluster needs --servers, or --nodes that --per-server divides".into()),
        };
        let per_leaf =
            self.per_leaf.unwrap_or_else(|| (1..=32.min(servers)).rev().find(|n| servers % n == 0).unwrap_or(1));
        let up = self.spines.unwrap_or(per_leaf);
        let rail = Rail::two_tiers(servers, self.per_server, per_leaf, up)?;
        let (domain, scale_up) = self.scale_up(self.per_server, &Links { layer: LinkLayer::NvLink, ..*below });
        let rail = Rail { switches: domain.switches, per_pair: domain.per_pair, ..rail };
        rail.check()?;
        let gigatransfers = generation(self.pcie).gigatransfers();
        let pcie = coding::of("pcie", gigatransfers);
        let rate = coding::rate("pcie", gigatransfers, 16).ok_or("PCI Express has a rate")?;
        let host = Links {
            rate,
            delay: Time::ns(10),
            switch_latency: lanewright_fabric::network::head_node::NIC_LATENCY,
            layer: pcie.layer,
        };
        let network = rail.build(&RailLinks { scale_up, host, scale_out: [*below, *above, *above] });
        Ok(Made {
            ranks: rail.tree.endpoints,
            network,
            closed: Vec::new(),
            notes: std::iter::once("600 ns of a NIC between PCIe and wire are an estimate (300 to 1,000)".to_string())
                .chain(self.preset.iter().map(|preset| preset.note()))
                .collect(),
            title: format!(
                "{servers} servers of {} on {} rails, {per_leaf} at a leaf",
                self.per_server, self.per_server
            ),
        })
    }

    fn head_node(&self) -> Result<Made, String> {
        // 12 channels of DDR5-4800, 460.8 GB/s: AMD's page of EPYC 9004, as a usual head node has it.
        let memory = Rate::gbps(460.8 * 8.0).ok_or("memory has a rate")?;
        let node = HeadNode {
            generation: generation(self.pcie),
            switches: self.switches,
            gpus: self.gpus,
            nics: self.nics,
            wire: self.link_gbps,
            drives: self.drives,
            cxl: self.cxl,
            memory,
            redirect: self.through_root,
        };
        let (network, closed) = node.build()?;
        Ok(Made {
            ranks: self.gpus,
            network,
            closed,
            notes: vec![
                "root complex 150 ns, NIC 600 ns and 10 ns per PCIe link are estimates; PCIe switch 115 ns (press)"
                    .into(),
                "the usual transport is uec, for the NICs' wires: traffic that stays on PCI Express wants --transport \
                 credit --mtu 272 --header 16"
                    .into(),
                "endpoints in order: GPUs, drives, the processor's memory, CXL memory, far ends of the NICs' wires"
                    .into(),
            ],
            title: format!("head node, PCIe {}, {} GPUs, {} NICs", self.pcie.name(), self.gpus, self.nics),
        })
    }
}

fn generation(pcie: Pcie) -> Generation {
    match pcie {
        Pcie::Four => Generation::Pcie4,
        Pcie::Five => Generation::Pcie5,
        Pcie::Six => Generation::Pcie6,
        Pcie::Seven => Generation::Pcie7,
    }
}

impl Pcie {
    fn name(self) -> &'static str {
        match self {
            Self::Four => "4",
            Self::Five => "5",
            Self::Six => "6",
            Self::Seven => "7",
        }
    }
}

impl Topology {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

fn from_file(path: &Path, layer: Option<LinkLayer>) -> Result<Made, String> {
    let text = disk::read_text(path).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
    let topo = topo_file::read(&text).map_err(|error| match error.line {
        0 => format!("{}: {error}", path.display()),
        _ => format!("{}:{error}", path.display()),
    })?;
    let title = format!("fat tree of {}, {} endpoints", path.display(), topo.tree.endpoints);
    let mut network = topo.build();
    if let Some(layer) = layer {
        network.edges.iter_mut().for_each(|edge| (edge.layer, edge.lanes) = (layer, layer.usual_lanes()));
    }
    Ok(Made::whole(network, title))
}
