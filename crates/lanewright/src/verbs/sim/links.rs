//! Flags of link layers: what carries packets over a link, how receivers keep their buffers, errors and replay.

use clap::{Args, ValueEnum};
use lanewright_fabric::link_layer::LinkQuality;
use lanewright_fabric::network::LinkLayer;
use lanewright_fabric::packet::Settings;
use lanewright_fabric::time::Time;

use super::topology::Pcie;
use super::units;

/// Link layers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// Frames that full queues may trim or drop
    Ethernet,
    /// Ethernet with pauses per priority (PFC): nothing is dropped
    Lossless,
    /// Credits per virtual lane, replay
    Infiniband,
    /// Credits, replay; flits from generation 6 of --pcie on
    Pcie,
    /// Flits of 64 in frames of 640 bytes, credits, replay
    Ualink,
    /// Credits, replay
    Nvlink,
}

/// Link-level replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Replay {
    /// None: the transport repairs
    Off,
    /// All from what was spoilt on
    GoBack,
    /// What was spoilt alone
    Selective,
}

/// Options of link layers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Link layer")]
pub struct LinkArgs {
    /// What carries packets over the links of a generated network; else Ethernet, or what the network's kind says
    #[arg(long, value_enum)]
    pub link_layer: Option<Layer>,
    /// Priorities (classes) with queues and buffers of their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub priorities: u8,
    /// Virtual channels per priority; else as many as keep full buffers from waiting for each other in a circle
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub virtual_channels: Option<u8>,
    /// Receive buffer per virtual channel; else twice what the full rate needs
    #[arg(long, value_name = "SIZE", value_parser = units::buffer)]
    pub credit_bytes: Option<u32>,
    /// Time that a receiver takes to return a credit, beside the link's delay
    #[arg(long, value_name = "US", default_value = "0", value_parser = units::microseconds)]
    pub credit_latency_us: Time,
    /// Switches serve only the first packet of each input queue (links with credits)
    #[arg(long)]
    pub input_queued: bool,
    /// Bytes of a priority from one link above which a pause is asked for; else as much as the headroom
    #[arg(long, value_name = "SIZE", value_parser = units::buffer)]
    pub pause_threshold: Option<u32>,
    /// Room beyond the threshold; else what is needed so that nothing is lost
    #[arg(long, value_name = "SIZE", value_parser = units::buffer)]
    pub headroom: Option<u32>,
    /// The pause ends so far below the threshold; else two packets
    #[arg(long, value_name = "SIZE", value_parser = units::buffer)]
    pub pause_hysteresis: Option<u32>,
    /// From a pause's arrival to its effect
    #[arg(long, value_name = "US", default_value = "0", value_parser = units::microseconds)]
    pub pause_reaction_us: Time,
    /// Buffer that a switch's links share, and the share of what is free that one link and priority may take
    #[arg(long, value_name = "SIZE,SHARE", value_parser = units::pool, conflicts_with = "pause_threshold")]
    pub buffer_pool: Option<(u64, f64)>,
    /// Bit error ratio of every link behind error correction
    #[arg(long, value_name = "RATIO", default_value_t = 0.0)]
    pub ber: f64,
    /// Mean length of an error burst in bits
    #[arg(long, value_name = "BITS", default_value_t = 1.0)]
    pub burst: f64,
    /// Loss ratio of frames of 64 bytes on every link, beside --ber
    #[arg(long, value_name = "RATIO", default_value_t = 0.0)]
    pub frame_loss: f64,
    /// Latency of error correction on every link
    #[arg(long, value_name = "US", default_value = "0", value_parser = units::microseconds)]
    pub fec_latency_us: Time,
    /// Link-level replay; else go-back on links with credits and none on Ethernet
    #[arg(long, value_enum)]
    pub replay: Option<Replay>,
    /// Bytes that may wait for a link's acknowledgement; else no limit
    #[arg(long, value_name = "SIZE", value_parser = units::buffer)]
    pub replay_buffer: Option<u32>,
    /// Time that both ends take over a replay, beside the link's delay
    #[arg(long, value_name = "US", default_value = "0", value_parser = units::microseconds)]
    pub replay_us: Time,
    /// Packets are what is on the wire: do not count what flits and tokens of links with credits take
    #[arg(long)]
    pub no_framing: bool,
    /// Count preamble and gap of Ethernet
    #[arg(long)]
    pub ethernet_gap: bool,
    /// Bytes that encryption adds to an Ethernet frame (MACsec)
    #[arg(long, value_name = "24-32", value_parser = clap::value_parser!(u32).range(24..=32))]
    pub macsec: Option<u32>,
    /// Latency of encryption per link
    #[arg(long, value_name = "US", default_value = "0", requires = "macsec", value_parser = units::microseconds)]
    pub macsec_latency_us: Time,
}

impl LinkArgs {
    /// The layer of a generated network's links.
    pub fn layer(&self, pcie: Pcie) -> Option<LinkLayer> {
        self.link_layer.map(|layer| match (layer, pcie) {
            (Layer::Ethernet, _) => LinkLayer::Ethernet,
            (Layer::Lossless, _) => LinkLayer::LosslessEthernet,
            (Layer::Infiniband, _) => LinkLayer::InfiniBand,
            (Layer::Pcie, Pcie::Four | Pcie::Five) => LinkLayer::PciePacket,
            (Layer::Pcie, Pcie::Six | Pcie::Seven) => LinkLayer::PcieFlit,
            (Layer::Ualink, _) => LinkLayer::UaLink,
            (Layer::Nvlink, _) => LinkLayer::NvLink,
        })
    }

    /// Sets what was given.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        let links = &mut settings.links;
        links.classes = self.priorities;
        links.channels = self.virtual_channels;
        links.credit_bytes = self.credit_bytes;
        links.credit_latency = self.credit_latency_us;
        links.input_queued = self.input_queued;
        links.pause.threshold = self.pause_threshold;
        links.pause.headroom = self.headroom;
        links.pause.hysteresis = self.pause_hysteresis;
        links.pause.reaction = self.pause_reaction_us;
        links.pause.pool = self.buffer_pool;
        links.quality = LinkQuality {
            bit_errors: self.ber,
            burst: self.burst,
            frame_loss: self.frame_loss,
            latency: self.fec_latency_us,
            ..LinkQuality::default()
        };
        links.quality.check()?;
        if let Some(replay) = self.replay {
            links.replay.on = replay != Replay::Off;
            links.replay.ethernet = replay != Replay::Off;
            links.replay.selective = replay == Replay::Selective;
        }
        links.replay.buffer = self.replay_buffer;
        links.replay.processing = self.replay_us;
        links.framing = !self.no_framing;
        links.ethernet_gap = self.ethernet_gap;
        links.macsec = self.macsec.map(|bytes| (bytes, self.macsec_latency_us));
        if let Some(bytes) = self.credit_bytes.filter(|bytes| *bytes < u32::from(settings.mtu)) {
            return Err(format!("a receive buffer of {bytes} bytes holds no packet of {} bytes (--mtu)", settings.mtu));
        }
        if let Some(headroom) = self.headroom.filter(|_| self.buffer_pool.is_none()) {
            let room = u64::from(headroom) + u64::from(self.pause_threshold.unwrap_or(headroom));
            if room < u64::from(settings.mtu) {
                return Err(format!(
                    "a headroom of {headroom} bytes leaves room for no packet of {} bytes (--mtu): give a --pause-threshold",
                    settings.mtu
                ));
            }
        }
        Ok(())
    }

    /// Flags that were given and that only packets know.
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.link_layer.is_some(), "--link-layer"),
            (self.credit_bytes.is_some(), "--credit-bytes"),
            (self.virtual_channels.is_some(), "--virtual-channels"),
            (self.headroom.is_some(), "--headroom"),
            (self.pause_threshold.is_some(), "--pause-threshold"),
            (self.ber > 0.0, "--ber"),
            (self.frame_loss > 0.0, "--frame-loss"),
            (self.fec_latency_us > Time::ZERO, "--fec-latency-us"),
            (self.replay.is_some(), "--replay"),
            (self.macsec.is_some(), "--macsec"),
        ];
        flags.into_iter().filter_map(|(given, name)| given.then_some(name)).collect()
    }
}
