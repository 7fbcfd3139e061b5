//! Flags of transports: how senders find their rate, their ways, and what they send again.

use clap::{Args, ValueEnum};
use lanewright_fabric::link_layer::usual_header;
use lanewright_fabric::network::{LinkLayer, Network};
use lanewright_fabric::packet::{self, Repair, Settings};
use lanewright_fabric::route::Policy;
use lanewright_fabric::time::Time;

use super::units;

/// Transports by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Ultra Ethernet, sender-based (NSCC): window by delay and marks
    Uec,
    /// Ultra Ethernet, credit granted by receivers (as EQDS)
    UecCredit,
    /// Both of these
    UecBoth,
    /// First window on trust, then receivers pull (NDP)
    Ndp,
    /// RoCE with DCQCN: a rate, cut by notifications; go-back-N
    Roce,
    /// A window that follows a target delay (Swift)
    Swift,
    /// A window by what switches say of their links (HPCC)
    Hpcc,
    /// None: links with credits or pauses hold senders back
    Credit,
}

/// Ways to choose among equal ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Routing {
    /// Every packet its own way
    Spray,
    /// Every flow one way, by a hash
    Ecmp,
    /// The shortest queue at every switch
    Adaptive,
    /// By destination alone (D-mod-k)
    Static,
}

/// Load balancers of senders that spray.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Balancer {
    /// Entropies that came back unmarked again, else in turn past marked ones
    Mixed,
    /// In turn, past marked ones
    Bitmap,
    /// Entropies that came back unmarked again, else any (REPS)
    Reps,
    /// In turn, whatever comes back
    Oblivious,
}

/// What is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Resend {
    /// What was lost
    Selective,
    /// Everything from the lost packet on
    GoBackN,
}

/// Options of transports.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Transport")]
pub struct TransportArgs {
    /// How senders find their rate and repair losses; sets what usually goes with it (routing, queues, marks, repair).
    /// Else uec; roce where no link is plain Ethernet but some are lossless; credit where all have credits
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// How switches choose among equal ways; else spray, or ecmp with roce, swift and hpcc
    #[arg(long, value_enum)]
    pub routing: Option<Routing>,
    /// How senders that spray choose
    #[arg(long, value_enum, default_value = "mixed")]
    pub balancer: Balancer,
    /// Entropies per flow that sprays
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub paths: u16,
    /// Largest packet on the wire in bytes, with its header
    #[arg(long, value_name = "BYTES", default_value_t = 4150, value_parser = clap::value_parser!(u16).range(128..))]
    pub mtu: u16,
    /// Header of every packet in bytes, and length of what carries no payload; else 64, or what links of --transport credit
    /// have: NVLink and PCIe 16, InfiniBand 26, UALink 1
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub header: Option<u16>,
    /// First window in packets; else 1.5 bandwidth-delay products
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub window: Option<u32>,
    /// Queueing delay that senders aim at; else three quarters of the round trip
    #[arg(long, value_name = "US", value_parser = units::microseconds)]
    pub target_delay_us: Option<Time>,
    /// What is sent again after a loss; else selective, or go-back-n with roce
    #[arg(long, value_enum)]
    pub repair: Option<Resend>,
}

impl TransportArgs {
    /// The transport on this network.
    pub fn on(&self, network: &Network) -> packet::Transport {
        match self.transport {
            Some(Transport::Uec) => packet::Transport::Uec,
            Some(Transport::UecCredit) => packet::Transport::UecCredit,
            Some(Transport::UecBoth) => packet::Transport::UecBoth,
            Some(Transport::Ndp) => packet::Transport::Ndp,
            Some(Transport::Roce) => packet::Transport::Roce,
            Some(Transport::Swift) => packet::Transport::Swift,
            Some(Transport::Hpcc) => packet::Transport::Hpcc,
            Some(Transport::Credit) => packet::Transport::Credit,
            None => usual(network),
        }
    }

    /// Sets what was given, and the header that links of one kind have.
    pub fn apply(&self, network: &Network, settings: &mut Settings) -> Result<(), String> {
        if let Some(routing) = self.routing {
            settings.routing = match routing {
                Routing::Spray => Policy::Spray,
                Routing::Ecmp => Policy::Ecmp,
                Routing::Adaptive => Policy::Adaptive,
                Routing::Static => Policy::Static,
            };
        }
        settings.balancer = match self.balancer {
            Balancer::Mixed => packet::Balancer::Mixed,
            Balancer::Bitmap => packet::Balancer::Bitmap,
            Balancer::Reps => packet::Balancer::Recycle,
            Balancer::Oblivious => packet::Balancer::Oblivious,
        };
        settings.paths = self.paths;
        settings.mtu = self.mtu;
        settings.initial_window = self.window.or(settings.initial_window);
        settings.target_delay = self.target_delay_us.or(settings.target_delay);
        match self.repair {
            Some(Resend::Selective) => settings.repair = Repair::Selective,
            Some(Resend::GoBackN) => settings.repair = Repair::GoBackN,
            None => {}
        }
        let plain = settings.transport == packet::Transport::Credit;
        let own = one_layer(network).filter(|_| plain).map(usual_header);
        settings.header = self.header.or(own).unwrap_or(settings.header);
        if settings.header >= settings.mtu {
            return Err(format!(
                "--header {} leaves nothing of --mtu {} to the payload",
                settings.header, settings.mtu
            ));
        }
        Ok(())
    }

    /// Flags that were given and that only packets know.
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.transport.is_some(), "--transport (but for its routing)"),
            (self.header.is_some(), "--header"),
            (self.window.is_some(), "--window"),
            (self.target_delay_us.is_some(), "--target-delay-us"),
            (self.repair.is_some(), "--repair"),
        ];
        flags.into_iter().filter_map(|(given, name)| given.then_some(name)).collect()
    }
}

/// The layer of all links, where they have but one.
fn one_layer(network: &Network) -> Option<LinkLayer> {
    let first = network.edges.first()?.layer;
    network.edges.iter().all(|edge| edge.layer == first).then_some(first)
}

/// What usually runs over links of these layers.
fn usual(network: &Network) -> packet::Transport {
    let has = |layer: LinkLayer| network.edges.iter().any(|edge| edge.layer == layer);
    match (has(LinkLayer::Ethernet), has(LinkLayer::LosslessEthernet)) {
        (true, _) => packet::Transport::Uec,
        (false, true) => packet::Transport::Roce,
        (false, false) => packet::Transport::Credit,
    }
}
