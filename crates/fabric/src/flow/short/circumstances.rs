//! What the time of a message may depend on beside its fair share.
//!
//! All of it is read off a fluid run with packets' headers: how long a message was busy and with what share of its line, and
//! how full the links between switches were meanwhile. Sprayed packets meet in the queues of those links, and the fuller
//! they are, the longer.

use std::collections::HashMap;

use super::super::{FlowError, Settings, Way};
use crate::alone::Framing;
use crate::fault::Timeline;
use crate::network::{EdgeId, EndpointId, Network, NodeId, NodeKind};
use crate::outcome::{Observer, Outcome, Sampling, Series};
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::{Traffic, Work};

/// Most slots into which a run is cut to see how full links are, least, and how many there may be of all links together.
const SLOTS: (u64, u64, u64) = (256, 16, 1 << 24);

/// What the time of one message may depend on. Times are in ps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// Bytes on the wire, headers included.
    pub wire: f64,
    /// Time of a full packet on the slowest edge of the way.
    pub packet: f64,
    /// From when the message begins to take its share until its bytes are through.
    pub busy: f64,
    /// Mean share of the slowest edge that it had meanwhile, above 0 and at most 1.
    pub share: f64,
    /// Mean load of the fullest link between switches on its way, meanwhile, 0 to 1.
    pub load: f64,
    /// Mean load of the sender's own link meanwhile, 0 to 1: 1 where the sender itself is what holds the message up.
    pub source: f64,
    /// Ways among which packets are sprayed, at the widest place.
    pub fan: f64,
    /// There and back without queues, a full packet's time at every edge included.
    pub round_trip: f64,
    /// From its start until its sender knows that all has arrived, in the fluid run.
    pub fluid: f64,
}

/// A way as far as messages on it are alike.
#[derive(Clone, Debug)]
struct Line {
    per_byte: f64,
    delay: f64,
    hops: f64,
    fan: f64,
    /// Places of its links between switches among those looked at.
    between: Vec<u32>,
}

/// Links by which endpoints send, and of those between switches some that stand for all: one upwards from every switch and one downwards to each.
/// Sprayed traffic fills those beside each alike.
fn between(network: &Network) -> Vec<EdgeId> {
    let mut up = vec![false; network.nodes.len()];
    let mut down = vec![false; network.nodes.len()];
    let mut chosen = Vec::new();
    for (at, edge) in network.edges.iter().enumerate() {
        if !is_switch(network, edge.from) || !is_switch(network, edge.to) {
            if !is_switch(network, edge.from) {
                chosen.push(EdgeId(at as u32));
            }
            continue;
        }
        let (from, to) = (network.node(edge.from).tier, network.node(edge.to).tier);
        // Between switches of one tier (meshes) every edge stands for itself.
        let new = match from.cmp(&to) {
            std::cmp::Ordering::Less => !std::mem::replace(&mut up[edge.from.index()], true),
            std::cmp::Ordering::Greater => !std::mem::replace(&mut down[edge.to.index()], true),
            std::cmp::Ordering::Equal => true,
        };
        if new {
            chosen.push(EdgeId(at as u32));
        }
    }
    chosen
}

fn is_switch(network: &Network, node: NodeId) -> bool {
    network.node(node).kind == NodeKind::Switch
}

/// Bytes up to the end of every slot, per edge: the mean over any time is a difference.
struct Loads {
    slot: f64,
    sums: Vec<Vec<f64>>,
}

impl Loads {
    fn new(network: &Network, series: &Series) -> Self {
        let sums = series.bytes.iter().zip(&series.edges).map(|(bytes, edge)| {
            let capacity = network.edge(*edge).rate.bits() as f64 / 8e12;
            let mut sum = 0.0;
            let sums = bytes.iter().map(|bytes| {
                sum += *bytes as f64 / capacity;
                sum
            });
            sums.collect()
        });
        Self { slot: series.slot.0.max(1) as f64, sums: sums.collect() }
    }

    /// Ps of full use up to a time.
    fn until(&self, edge: usize, time: f64) -> f64 {
        let sums = &self.sums[edge];
        let slot = time / self.slot;
        let whole = slot as usize;
        let before = whole.checked_sub(1).and_then(|last| sums.get(last.min(sums.len().wrapping_sub(1)))).copied();
        let before = before.unwrap_or(0.0);
        let here = sums.get(whole).map_or(0.0, |sum| sum - before);
        before + here * (slot - whole as f64)
    }

    fn mean(&self, edge: usize, (from, to): (f64, f64)) -> f64 {
        if to > from { ((self.until(edge, to) - self.until(edge, from)) / (to - from)).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// What a fluid run found, and the circumstances of every message in it (tasks that are none have none).
pub fn find(
    network: &Network,
    routes: &Routes,
    traffic: &Traffic,
    faults: &Timeline,
    settings: &Settings,
    framing: Framing,
    observer: &mut dyn Observer,
) -> Result<(Outcome, Vec<Option<Circumstances>>), FlowError> {
    let plain = Settings { framing: Some(framing), sampling: None, edges: false, ..settings.clone() };
    let first = super::super::run(network, routes, traffic, faults, &plain, observer)?;
    let edges = between(network);
    let slots = (SLOTS.2 / edges.len().max(1) as u64).clamp(SLOTS.1, SLOTS.0);
    let slot = Time((first.makespan(crate::outcome::End::Delivered).0 / slots).max(1));
    let sampled = Settings { sampling: Some(Sampling { slot, edges: edges.clone() }), ..plain };
    let outcome = super::super::run(network, routes, traffic, faults, &sampled, observer)?;
    let loads = Loads::new(network, &outcome.series);
    let mut place = vec![u32::MAX; network.edges.len()];
    for (at, edge) in edges.iter().enumerate() {
        place[edge.index()] = at as u32;
    }
    // Messages between the same switches have the same links between them.
    let switch = |end: EndpointId| network.out(network.node_of(end)).first().map(|edge| network.edge(*edge).to.0);
    let mut lines: HashMap<(Option<u32>, Option<u32>), Option<Line>> = HashMap::new();
    let mut found = Vec::with_capacity(traffic.tasks.len());
    for (task, finish) in traffic.tasks.iter().zip(&outcome.finishes) {
        let Work::Message { from, to, bytes } = task.work else {
            found.push(None);
            continue;
        };
        if finish.delivered == Time::NEVER {
            found.push(None);
            continue;
        }
        let key = (switch(from), switch(to));
        let line = lines.entry(key).or_insert_with(|| {
            let way = Way::find(network, routes, settings.ways, from, to)?;
            let mut line = Line { per_byte: 0.0, delay: way.delay as f64, hops: 0.0, fan: 1.0, between: Vec::new() };
            for (at, edge) in way.edges.iter().enumerate() {
                let rate = network.edge(EdgeId(*edge)).rate;
                line.per_byte = line.per_byte.max(8e12 / rate.bits() as f64);
                line.hops += way.weight(at);
                line.fan = line.fan.max(1.0 / way.weight(at).max(1e-6));
                let ends = network.edge(EdgeId(*edge));
                if place[*edge as usize] != u32::MAX && is_switch(network, ends.from) && is_switch(network, ends.to) {
                    line.between.push(place[*edge as usize]);
                }
            }
            Some(line)
        });
        let Some(line) = line else {
            found.push(None);
            continue;
        };
        let wire = framing.wire(bytes) as f64;
        let packet = line.per_byte * f64::from(framing.mtu);
        let start = finish.start.saturating_add(settings.doorbell).0 as f64 + line.delay;
        let behind = (line.hops - 1.0) * line.per_byte * wire.min(f64::from(framing.mtu));
        let end = (finish.delivered.0 as f64 - behind).max(start + 1.0);
        let busy = end - start;
        let of_host = |host: EndpointId| {
            let own = network.out(network.node_of(host)).first();
            let place = own.map_or(u32::MAX, |edge| place[edge.index()]);
            if place == u32::MAX { 0.0 } else { loads.mean(place as usize, (start, end)) }
        };
        let load = line.between.iter().map(|edge| loads.mean(*edge as usize, (start, end))).fold(0.0, f64::max);
        found.push(Some(Circumstances {
            wire,
            packet,
            busy,
            share: (wire * line.per_byte / busy).clamp(1e-9, 1.0),
            load,
            source: of_host(from),
            fan: line.fan,
            round_trip: 2.0 * line.delay + line.hops * packet,
            fluid: finish.acknowledged.saturating_sub(finish.start).0 as f64,
        }));
    }
    Ok((outcome, found))
}
