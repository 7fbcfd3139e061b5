//! Rail-optimised clusters: scale-up and scale-out in one network.
//!
//! Servers hold `g` accelerators each, which share a switched scale-up domain and have a NIC each. NIC `i` of a server hangs
//! at the leaf of rail `i` of its group of servers, so that accelerators of equal place are one leaf apart; spines (and
//! cores) join the rails. NVIDIA's DGX SuperPOD reference architecture is wired so: `g` = 8, 32 servers in a group.
//!
//! Numbering: accelerators server by server (rank `s * g + i`), their NICs in the same order (bridges), scale-up switches
//! server by server, then the tree's switches. In the tree, leaf `group * g + i` is rail `i` of a group.

use super::fat_tree::FatTree;
use super::{Builder, EndpointId, Links, Network, NodeKind, Shape};
use crate::time::Time;

/// What a rail-optimised cluster is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rail {
    /// Accelerators, and NICs, of a server.
    pub per_server: u32,
    /// Scale-up switches of a server, each linked to all its accelerators; 0: accelerators meet over the rails alone.
    pub switches: u32,
    /// Links between an accelerator and a scale-up switch of its server.
    pub per_pair: u32,
    /// The scale-out network as its NICs see it: `per_leaf` is servers in a group, `endpoints` NICs in all.
    pub tree: FatTree,
}

/// What the links of a rail-optimised cluster are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RailLinks {
    /// Between accelerators and scale-up switches.
    pub scale_up: Links,
    /// Between an accelerator and its NIC; the switch latency is the NIC's.
    pub host: Links,
    /// Below leaves, spines and cores.
    pub scale_out: [Links; 3],
}

impl Rail {
    /// Rails joined by one tier of spines: so many servers, in groups of `per_leaf`, `up` links from every leaf to one
    /// spine each.
    pub fn two_tiers(servers: u32, per_server: u32, per_leaf: u32, up: u32) -> Result<Self, String> {
        let tree = tree_of(servers, per_server, per_leaf)?;
        let leaves = tree.leaves();
        let rail = Self {
            per_server,
            switches: 1,
            per_pair: 1,
            tree: FatTree { tiers: 2, up_from_leaf: up, leaves_per_pod: leaves, ..tree },
        };
        rail.check()?;
        Ok(rail)
    }

    /// Rails joined by spines within pods of so many groups, and by cores above: `up` links from every leaf, `up_from_middle`
    /// from every spine.
    pub fn three_tiers(
        servers: u32,
        per_server: u32,
        per_leaf: u32,
        up: u32,
        groups_per_pod: u32,
        up_from_middle: u32,
    ) -> Result<Self, String> {
        let tree = tree_of(servers, per_server, per_leaf)?;
        let leaves_per_pod = groups_per_pod.checked_mul(per_server).ok_or("too many groups in a pod")?;
        let tree = FatTree { tiers: 3, up_from_leaf: up, leaves_per_pod, up_from_middle, ..tree };
        let rail = Self { per_server, switches: 1, per_pair: 1, tree };
        rail.check()?;
        Ok(rail)
    }

    /// Whether the numbers fit together; the error says which do not.
    pub fn check(&self) -> Result<(), String> {
        self.tree.check()?;
        if self.per_server == 0 || !self.tree.leaves().is_multiple_of(self.per_server) {
            return Err("every group of servers has one leaf per rail".into());
        }
        if !self.tree.endpoints.is_multiple_of(self.tree.per_leaf) {
            return Err("every leaf of a rail has all its servers".into());
        }
        if self.switches > 0 && self.per_pair == 0 {
            return Err("accelerators need at least one link to a scale-up switch".into());
        }
        let up = u64::from(self.switches).saturating_mul(u64::from(self.per_pair));
        let links = up.saturating_add(4).saturating_mul(u64::from(self.tree.endpoints));
        if links > u64::from(super::MOST_LINKS) {
            return Err(format!("{links} links are more than {} that a network can have", super::MOST_LINKS));
        }
        Ok(())
    }

    /// Servers.
    pub fn servers(&self) -> u32 {
        self.tree.endpoints / self.per_server
    }

    /// Place of an accelerator's NIC among those of the tree.
    pub fn place(&self, endpoint: EndpointId) -> u32 {
        let (server, rail) = (endpoint.0 / self.per_server, endpoint.0 % self.per_server);
        let leaf = server / self.tree.per_leaf * self.per_server + rail;
        leaf * self.tree.per_leaf + server % self.tree.per_leaf
    }

    /// The accelerator whose NIC is in a place.
    pub fn endpoint_at(&self, place: u32) -> EndpointId {
        let (leaf, at) = (place / self.tree.per_leaf, place % self.tree.per_leaf);
        let server = leaf / self.per_server * self.tree.per_leaf + at;
        EndpointId(server * self.per_server + leaf % self.per_server)
    }

    /// First nodes of the NICs, of the scale-up switches and of the tree's switches.
    pub fn first(&self) -> [u32; 3] {
        let count = self.tree.endpoints;
        [count, 2 * count, 2 * count + self.servers() * self.switches]
    }

    /// The network.
    pub fn build(self, links: &RailLinks) -> Network {
        // The hosts' PCI Express comes after coding and flits, as presets of scale-up domains do.
        let mut builder = Builder { flits_counted: true, ..Builder::default() };
        let (up, out) = (builder.domain("scale-up"), builder.domain("scale-out"));
        let count = self.tree.endpoints;
        let hosts = builder.nodes(count, NodeKind::Endpoint, 0, self.per_server, Time::ZERO);
        let nics = builder.nodes(count, NodeKind::Bridge, 0, self.per_server, links.host.switch_latency);
        let total = self.servers() * self.switches;
        let switches = builder.nodes(total, NodeKind::Switch, 1, self.switches, links.scale_up.switch_latency);
        for host in 0..count {
            for at in 0..self.switches {
                for _ in 0..self.per_pair {
                    let to = switches + host / self.per_server * self.switches + at;
                    builder.link(links.scale_up.edge(hosts + host, to, up));
                }
            }
        }
        for host in 0..count {
            builder.link(links.host.edge(hosts + host, nics + host, up));
        }
        self.tree.add_switches(&mut builder, &links.scale_out, out, |place| nics + self.endpoint_at(place).0);
        builder.build(Shape::Rail(self))
    }
}

/// Leaves and places; what is above them is filled in by the caller.
fn tree_of(servers: u32, per_server: u32, per_leaf: u32) -> Result<FatTree, String> {
    let endpoints = servers.checked_mul(per_server).filter(|count| *count > 0);
    let Some(endpoints) = endpoints else { return Err("servers and accelerators per server must be above 0".into()) };
    if per_leaf == 0 || !servers.is_multiple_of(per_leaf) {
        return Err(format!("{servers} servers do not make groups of {per_leaf} without rest"));
    }
    Ok(FatTree {
        endpoints,
        tiers: 2,
        per_leaf,
        up_from_leaf: 1,
        leaves_per_pod: 1,
        up_from_middle: 0,
        leaf_bundle: 1,
        middle_bundle: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{LinkLayer, NodeId};
    use crate::time::Rate;

    fn links() -> RailLinks {
        let links = |gbps, layer| Links {
            rate: Rate::gbps(gbps).expect("positive"),
            delay: Time::ns(100),
            switch_latency: Time::ns(200),
            layer,
        };
        RailLinks {
            scale_up: links(3600.0, LinkLayer::NvLink),
            host: links(504.0, LinkLayer::PciePacket),
            scale_out: [links(400.0, LinkLayer::Ethernet); 3],
        }
    }

    #[test]
    fn a_superpod_unit() {
        // One scalable unit of DGX SuperPOD: 32 servers of 8, 8 leaves, 32 links up from each to one spine each.
        let rail = Rail::two_tiers(32, 8, 32, 32).expect("it fits");
        assert_eq!((rail.tree.leaves(), rail.tree.middles()), (8, 32));
        let network = rail.build(&links());
        assert_eq!(network.endpoints.len(), 256);
        assert_eq!(network.edges.len(), 2 * (256 + 256 + 256 + 8 * 32));
        // NIC 3 of server 5 is at leaf 3.
        let (nics, leaves) = (256, 256 + 256 + 32);
        let nic = network.out(NodeId(nics + 5 * 8 + 3));
        assert_eq!(nic.iter().map(|edge| network.edge(*edge).to.0).collect::<Vec<_>>(), [43, leaves + 3]);
    }

    #[test]
    fn places_go_both_ways() {
        let rail = Rail::three_tiers(64, 4, 8, 8, 2, 4).expect("it fits");
        assert_eq!((rail.tree.pods(), rail.tree.middles(), rail.tree.cores()), (4, 32, 32));
        for endpoint in (0..256).map(EndpointId) {
            assert_eq!(rail.endpoint_at(rail.place(endpoint)), endpoint);
        }
        assert!(Rail::two_tiers(33, 8, 32, 32).is_err());
        assert!(Rail::two_tiers(0, 8, 32, 32).is_err());
        assert!(Rail::three_tiers(64, 4, 8, 8, u32::MAX, 4).is_err());
    }
}
