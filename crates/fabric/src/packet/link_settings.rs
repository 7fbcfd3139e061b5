//! What a user may set about link layers.

use serde::Serialize;

use crate::link_layer::LinkQuality;
use crate::network::EdgeId;
use crate::time::Time;

/// Link layers. Default: as good as the network says, one class, buffers large enough for the full rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkSettings {
    /// Classes (priorities, virtual lanes) that have queues and buffers of their own, at least 1; a task's class is taken
    /// modulo this. Virtual channels against lock-up come on top.
    pub classes: u8,
    /// Virtual channels per class. `None`: as many as the routes need so that no circle of full buffers can form; with fewer
    /// a network may lock up.
    pub channels: Option<u8>,
    /// Receive buffer per lane of links with credits, bytes. `None`: twice what covers the round trip, an estimate.
    pub credit_bytes: Option<u32>,
    /// Time that a receiver takes to return a credit, on top of the link's delay.
    pub credit_latency: Time,
    /// Whether receivers acknowledge under [`super::Transport::Credit`]. `None`: as the endpoints' links do: InfiniBand and
    /// Ethernet acknowledge, PCIe, CXL, UALink and NVLink post, and a message is done when it is delivered. What posts
    /// repairs nothing: a message with a lost packet never ends.
    pub acknowledge: Option<bool>,
    /// Switches with credits serve only the first packet of each input queue, instead of keeping one queue per output.
    pub input_queued: bool,
    /// Pauses.
    pub pause: PauseSettings,
    /// Quality of all edges.
    pub quality: LinkQuality,
    /// Quality of single edges (one direction), instead.
    pub edge_quality: Vec<(EdgeId, LinkQuality)>,
    /// Replay.
    pub replay: ReplaySettings,
    /// Count what flits spend on themselves, on links with credits. See [`crate::link_layer::Framing`].
    pub framing: bool,
    /// Most payload of a packet on PCIe links that come with networks: what is longer is cut, each piece with a header.
    /// `None`: packets pass whole.
    pub pcie_payload: Option<u32>,
    /// Count preamble and gap of Ethernet. Off: as other simulators do.
    pub ethernet_gap: bool,
    /// Encryption of Ethernet: bytes per frame (24 to 32) and latency per link.
    pub macsec: Option<(u32, Time)>,
}

/// Pauses per class (IEEE 802.1Qbb). They do not expire: real ones are refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PauseSettings {
    /// Bytes of one class from one link above which a pause is asked for. `None`: as much as the headroom, an estimate:
    /// switches leave it to their users.
    pub threshold: Option<u32>,
    /// The pause ends this many bytes below the threshold. `None`: two packets.
    pub hysteresis: Option<u32>,
    /// Bytes beyond the threshold, per link and class. `None`: what is needed, see [`crate::link_layer::PauseHop`].
    pub headroom: Option<u32>,
    /// Bytes that all links of a switch share, and the share of what is free that one link and class may take: the
    /// threshold then follows from these. `None`: the threshold is fixed.
    pub pool: Option<(u64, f64)>,
    /// From a pause's arrival to its effect. IEEE 802.3 annex 31B allows at 10 Gb/s up to 60 quanta of 512 bits; the
    /// default is none.
    pub reaction: Time,
    /// A pause on the wire, bytes: 64 and preamble and gap.
    pub frame: u32,
}

/// Link-level replay. Links with credits have it; Ethernet where asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplaySettings {
    /// Links with credits replay.
    pub on: bool,
    /// Ethernet replays too (link-level retry of Ultra Ethernet).
    pub ethernet: bool,
    /// Only what was spoilt is sent again, and what came after waits for it at the receiver; else all from there on.
    pub selective: bool,
    /// Time from a spoilt unit's arrival to the request's departure and from its arrival to the repetition, together.
    pub processing: Time,
    /// When a request is lost too, the sender repeats after this. `None`: three round trips.
    pub timeout: Option<Time>,
    /// Bytes that may wait for acknowledgement. `None`: no limit.
    pub buffer: Option<u32>,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            classes: 1,
            channels: None,
            credit_bytes: None,
            credit_latency: Time::ZERO,
            acknowledge: None,
            input_queued: false,
            pause: PauseSettings {
                threshold: None,
                hysteresis: None,
                headroom: None,
                pool: None,
                reaction: Time::ZERO,
                frame: 84,
            },
            quality: LinkQuality::default(),
            edge_quality: Vec::new(),
            replay: ReplaySettings {
                on: true,
                ethernet: false,
                selective: false,
                processing: Time::ZERO,
                timeout: None,
                buffer: None,
            },
            framing: true,
            pcie_payload: None,
            ethernet_gap: false,
            macsec: None,
        }
    }
}
