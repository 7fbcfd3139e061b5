//! Link layers beyond plain Ethernet: which edges have one, and their state.
//!
//! A port with lanes keeps one queue per class and virtual channel, and one for headers on Ethernet. Whether a lane may send
//! follows from pauses (`pause`) or credits (`lanes`); errors and replay are in `errors`. Nothing of this exists in a run
//! without such edges.

use std::collections::VecDeque;

use super::engine::{Scene, per_byte};
use super::errors::{Errors, Repair};
use super::pause::Ingress;
use super::pool::NONE;
use super::port::{Port, state};
use super::random::Chance;
use crate::fault::Change;
use crate::link_layer::{Framing, LinkQuality, PauseHop, credit_unit};
use crate::network::{EdgeId, LinkLayer, NodeKind};
use crate::time::Time;

/// How the receiver of an edge keeps its buffer from overflowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Not at all.
    None,
    /// It asks for silence.
    Pause,
    /// The sender spends credits.
    Credit,
}

/// One queue of a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) first: u32,
    pub(super) last: u32,
    /// Credit left, in units of the edge.
    pub(super) credit: i64,
    pub(super) paused: bool,
}

/// State of an edge beyond its port.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) guard: Guard,
    /// Bytes of a credit, credits of a lane, and the time that one takes to come back, ps.
    pub(super) unit: u32,
    pub(super) most: i64,
    pub(super) back: u64,
    /// The lane after which the next turn begins.
    pub(super) turn: u8,
    pub(super) framing: Framing,
    pub(super) errors: Option<Box<Errors>>,
    /// Messages of an endpoint's link that wait for a lane to open.
    pub(super) parked: Vec<u32>,
    /// Since when packets have waited though the wire was free; 0: they do not.
    pub(super) stalled: u64,
    /// When it last went down; [`u64::MAX`]: never.
    pub(super) down_at: u64,
    /// Packets that were on it then, to be replayed.
    pub(super) interrupted: VecDeque<u32>,
    /// Share of the rate that its quality leaves.
    pub(super) usable: f64,
    /// Latency of the node at its end, which comes after the wire, ps.
    pub(super) after: u64,
    /// What pauses need: threshold, hysteresis and headroom in bytes.
    pub(super) threshold: u64,
    pub(super) hysteresis: u64,
    pub(super) headroom: u64,
}

/// Where a packet occupies a buffer: edge and lane by which it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) edge: u32,
    pub(super) lane: u8,
}

const NOWHERE: Hold = Hold { edge: NONE, lane: 0 };

/// Everything about link layers in a run.
#[derive(Debug)]
pub(super) struct Layered {
    pub(super) links: Vec<Link>,
    /// Lanes of a port: one for headers, then classes times channels.
    pub(super) count: usize,
    pub(super) classes: u8,
    pub(super) channels: u8,
    pub(super) lanes: Vec<Lane>,
    /// Per edge and lane what came by it and is still in the switch; empty without pauses.
    pub(super) ingress: Vec<Ingress>,
    /// Bytes of the shared pool in use, per node.
    pub(super) pools: Vec<u64>,
    /// Per edge and lane the input queue; empty unless switches have them.
    pub(super) inputs: Vec<VecDeque<u32>>,
    holds: Vec<Hold>,
}

impl Layered {
    /// The place of a lane.
    #[inline]
    pub(super) fn at(&self, edge: u32, lane: u8) -> usize {
        edge as usize * self.count + lane as usize
    }

    /// Where a packet occupies a buffer.
    #[inline]
    pub(super) fn hold(&self, packet: u32) -> Option<Hold> {
        self.holds.get(packet as usize).copied().filter(|hold| hold.edge != NONE)
    }

    /// A packet occupies a buffer from now on, and none before. Gives where it did.
    #[inline]
    pub(super) fn set_hold(&mut self, packet: u32, hold: Option<Hold>) -> Option<Hold> {
        if self.holds.len() <= packet as usize {
            self.holds.resize(packet as usize + 1, NOWHERE);
        }
        let before = std::mem::replace(&mut self.holds[packet as usize], hold.unwrap_or(NOWHERE));
        (before.edge != NONE).then_some(before)
    }

    /// Credits that a packet takes.
    #[inline]
    pub(super) fn units(&self, edge: u32, size: u32) -> i64 {
        i64::from(size.div_ceil(self.links[edge as usize].unit))
    }

    /// Whether a lane may send a packet of so many bytes.
    #[inline]
    pub(super) fn is_open(&self, edge: u32, lane: u8, size: u32) -> bool {
        let state = &self.lanes[self.at(edge, lane)];
        match self.links[edge as usize].guard {
            Guard::None => true,
            Guard::Pause => !state.paused,
            Guard::Credit => state.credit >= self.units(edge, size),
        }
    }

    /// The state of all edges, and what it changes in their ports. `None` where plain ports do.
    pub(super) fn new(scene: &Scene<'_>, ports: &mut [Port]) -> Option<Box<Self>> {
        let (network, settings) = (scene.network, &scene.settings.links);
        let with_lanes = lanes_of(scene);
        let spoilt = spoilt_edges(scene);
        let special = |at: usize, layer: LinkLayer| {
            let plain = matches!(layer, LinkLayer::Ethernet | LinkLayer::LosslessEthernet);
            let framed = if plain { settings.ethernet_gap || settings.macsec.is_some() } else { settings.framing };
            framed || spoilt[at] || settings.replay.buffer.is_some() && !plain
        };
        let any = network.edges.iter().enumerate().any(|(at, edge)| with_lanes[at] || special(at, edge.layer));
        if !any && scene.faults.faults.is_empty() {
            return None;
        }
        let channels = settings.channels.unwrap_or_else(|| scene.routes.lanes(network, false)).clamp(1, 32);
        let classes = settings.classes.clamp(1, 7);
        let count = 1 + usize::from(classes) * usize::from(channels);
        let mut links = Vec::with_capacity(network.edges.len());
        for (at, edge) in network.edges.iter().enumerate() {
            if with_lanes[at] {
                ports[at].state |= state::LANES;
            }
            if special(at, edge.layer) {
                ports[at].state |= state::SPECIAL;
            }
            links.push(link(scene, &mut ports[at], EdgeId(at as u32), spoilt[at]));
        }
        let lane = |link: &Link| Lane { first: NONE, last: NONE, credit: link.most, paused: false };
        let lanes = links.iter().flat_map(|link| std::iter::repeat_n(lane(link), count)).collect();
        let pauses = links.iter().any(|link| link.guard == Guard::Pause);
        let of_lanes = |wanted: bool| if wanted { links.len() * count } else { 0 };
        Some(Box::new(Self {
            ingress: vec![Ingress::default(); of_lanes(pauses)],
            pools: vec![0; network.nodes.len()],
            inputs: vec![VecDeque::new(); of_lanes(settings.input_queued)],
            links,
            count,
            classes,
            channels,
            lanes,
            holds: Vec::new(),
        }))
    }
}

/// How an edge's receiver keeps its buffer.
fn guard(layer: LinkLayer) -> Guard {
    match layer {
        LinkLayer::Ethernet => Guard::None,
        LinkLayer::LosslessEthernet => Guard::Pause,
        _ => Guard::Credit,
    }
}

/// Which edges have lanes: those with pauses or credits, and those by which packets leave a node that must account for them.
pub(super) fn lanes_of(scene: &Scene<'_>) -> Vec<bool> {
    let network = scene.network;
    let mut accounts = vec![false; network.nodes.len()];
    for edge in network.edges.iter().filter(|edge| guard(edge.layer) != Guard::None) {
        accounts[edge.to.index()] |= network.node(edge.to).kind != NodeKind::Endpoint;
    }
    network.edges.iter().map(|edge| guard(edge.layer) != Guard::None || accounts[edge.from.index()]).collect()
}

/// Whether edges replay or have lanes, or a sender knows at once what its receiver does, so that parts of the network cannot run side by side.
pub(super) fn binds(scene: &Scene<'_>) -> bool {
    scene.params.posted || scene.settings.links.replay.ethernet || lanes_of(scene).contains(&true)
}

/// Whether sizes of buffers had to be guessed.
pub(super) fn guesses(scene: &Scene<'_>) -> bool {
    let settings = &scene.settings.links;
    scene.network.edges.iter().any(|edge| match guard(edge.layer) {
        Guard::None => false,
        Guard::Pause => settings.pause.threshold.is_none() && settings.pause.pool.is_none(),
        Guard::Credit => settings.credit_bytes.is_none(),
    })
}

/// Whether any edge has errors now or later.
pub(super) fn errs(scene: &Scene<'_>) -> bool {
    spoilt_edges(scene).contains(&true)
}

/// Which edges have errors now or later.
fn spoilt_edges(scene: &Scene<'_>) -> Vec<bool> {
    let settings = &scene.settings.links;
    let mut spoilt = vec![settings.quality.event_ratio() > 0.0; scene.network.edges.len()];
    for (edge, quality) in &settings.edge_quality {
        if let Some(place) = spoilt.get_mut(edge.index()) {
            *place = quality.event_ratio() > 0.0;
        }
    }
    for fault in &scene.faults.faults {
        if let Change::BitErrors { edge, .. } = fault.change
            && let Some(place) = spoilt.get_mut(edge.index())
        {
            *place = true;
        }
    }
    spoilt
}

fn link(scene: &Scene<'_>, port: &mut Port, id: EdgeId, spoilt: bool) -> Link {
    let (network, settings, params) = (scene.network, &scene.settings.links, &scene.params);
    let (edge, back) = (network.edge(id), network.edge(id.reverse()));
    let ethernet = matches!(edge.layer, LinkLayer::Ethernet | LinkLayer::LosslessEthernet);
    let mut framing = match ethernet {
        true if settings.ethernet_gap => Framing::of(edge.layer),
        false if settings.framing => {
            let pcie = matches!(edge.layer, LinkLayer::PcieFlit | LinkLayer::PciePacket);
            let framing = Framing::of(edge.layer).cut(settings.pcie_payload.filter(|_| pcie).unwrap_or(0));
            if network.flits_counted { framing.without_flits() } else { framing }
        }
        _ => Framing::NONE,
    };
    let quality_of = |id: EdgeId| -> LinkQuality {
        settings
            .edge_quality
            .iter()
            .rev()
            .find(|(edge, _)| *edge == id)
            .map_or(settings.quality, |(_, quality)| *quality)
    };
    let quality = quality_of(id);
    let mut extra = quality.latency.0;
    if let Some((bytes, latency)) = settings.macsec.filter(|_| ethernet) {
        framing = framing.with_macsec(bytes);
        extra = extra.saturating_add(latency.0);
    }
    port.delay = port.delay.saturating_add(extra);
    port.per_byte = per_byte(edge.rate.share(quality.usable).bits());
    let back_delay = back.delay.0.saturating_add(quality_of(id.reverse()).latency.0);
    let guard = guard(edge.layer);
    let after = network.node(edge.to).latency.0;
    let wire = port.serialise(framing.bytes(params.mtu));

    let unit = credit_unit(edge.layer);
    let credit_back = back_delay.saturating_add(settings.credit_latency.0);
    let rate = edge.rate.share(quality.usable);
    let bytes = settings.credit_bytes.map_or_else(
        || {
            let round = Time(2 * wire + port.delay + credit_back).as_seconds();
            2.0 * (round * rate.bytes_per_second() + f64::from(params.mtu))
        },
        f64::from,
    );
    // Less than one packet would carry nothing for ever.
    let most = ((bytes / f64::from(unit)) as i64).max(i64::from(params.mtu.div_ceil(unit)));

    let hop = PauseHop {
        rate,
        back_rate: back.rate,
        delay: Time(port.delay),
        back_delay: Time(back_delay),
        reaction: settings.pause.reaction,
        frame: framing.bytes(params.mtu),
        pause: settings.pause.frame,
        stored: params.mtu,
    };
    let headroom = settings.pause.headroom.map_or_else(|| hop.bytes(), u64::from);
    let replays = if ethernet { settings.replay.ethernet } else { settings.replay.on };
    let repair = match replays {
        false => Repair::Lose,
        true if settings.replay.selective => Repair::Selective,
        true => Repair::GoBack,
    };
    let round = (port.delay - after).saturating_add(back_delay).saturating_add(settings.replay.processing.0);
    let timeout = settings.replay.timeout.map_or(3 * round, |time| time.0);
    let chance = Chance::new(scene.settings.seed, 5, id.0);
    let buffer = settings.replay.buffer.filter(|_| replays);
    let errors = (spoilt || buffer.is_some())
        .then(|| Box::new(Errors::new(quality, chance, repair, (round, timeout), framing.unit, buffer)));
    Link {
        guard,
        unit,
        most,
        back: credit_back,
        turn: 0,
        framing,
        errors,
        parked: Vec::new(),
        stalled: 0,
        down_at: u64::MAX,
        interrupted: VecDeque::new(),
        usable: quality.usable,
        after,
        threshold: settings.pause.threshold.map_or(headroom, u64::from),
        hysteresis: settings.pause.hysteresis.map_or(2 * u64::from(params.mtu), u64::from),
        headroom,
    }
}
