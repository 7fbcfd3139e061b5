//! How switches queue, mark and forward.

use serde::Serialize;

use super::engine::Engine;
use super::pool::flag;
use super::port::state;
use crate::network::Shape;

/// Random early detection by a port's queue in bytes: marks begin at `from`, grow to a probability of `most` at `to`, and
/// are certain beyond.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Red {
    /// Kmin, bytes.
    pub from: u32,
    /// Kmax, bytes.
    pub to: u32,
    /// Pmax, above 0 and at most 1.
    pub most: f64,
}

impl Red {
    /// SimAI's thresholds for 400 Gb/s (800 and 3,200 KB, 0.2: `SimAI.conf`, read there), in proportion to the rate.
    pub fn for_rate(bits_per_second: f64) -> Self {
        let bytes = |kilobytes: f64| (kilobytes * 1_000.0 * bits_per_second / 400e9).clamp(1.0, 1e9) as u32;
        Self { from: bytes(800.0), to: bytes(3_200.0), most: 0.2 }
    }
}

/// When a switch may send a packet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarding {
    /// When it has come in whole.
    StoreAndForward,
    /// When its header has, and the node's latency has passed, if the port it leaves by is not faster than the one it came
    /// by; a faster port would run dry and waits for the whole packet. A packet that finds its port busy stands in the
    /// queue from its header on.
    CutThrough,
}

/// Kinds of switches by what they do with queues.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Queueing {
    /// A full queue drops what comes.
    DropTail,
    /// A full queue drops; what leaves while more than so many bytes wait is marked (DCTCP's step).
    EcnDropTail {
        /// Bytes.
        threshold: u32,
    },
    /// A full queue drops; marks by random early detection.
    RedDropTail(Red),
    /// A full queue cuts off payloads; marks as `Settings::ecn` says.
    Trimming,
}

impl super::settings::Settings {
    /// These settings with another kind of switches.
    pub fn with_queueing(mut self, queueing: Queueing) -> Self {
        self.trimming = queueing == Queueing::Trimming;
        match queueing {
            Queueing::DropTail => (self.ecn, self.red) = (None, None),
            Queueing::EcnDropTail { threshold } => {
                self.red = Some(Red { from: threshold, to: threshold, most: 1.0 });
            }
            Queueing::RedDropTail(red) => self.red = Some(red),
            Queueing::Trimming => self.red = None,
        }
        self
    }
}

impl Engine<'_> {
    /// With cut-through, a packet's header is at a switch. Whether the packet must come in whole first: then it will be
    /// looked at again.
    pub(super) fn await_whole(&mut self, edge: u32, next: u32, packet: u32) -> bool {
        let (came, leaves) = (&self.ports[edge as usize], &self.ports[next as usize]);
        let seen = &self.pool[packet];
        if seen.flags & flag::WHOLE != 0 || leaves.per_byte >= came.per_byte {
            self.pool[packet].flags &= !flag::WHOLE;
            return false;
        }
        let size = u32::from(seen.size);
        let rest = came.serialise(size).saturating_sub(came.serialise(size.min(self.scene.params.header)));
        self.pool[packet].flags |= flag::WHOLE;
        self.push(self.now + rest, super::event::Kind::Arrive, edge, packet);
        true
    }

    /// Ways up from the tiers below a switch of a fat tree: the divisor of D-mod-k routing (Zahavi, "Fat-Trees Routing and
    /// Node Ordering Providing Contention Free Traffic for MPI Global Collectives", 2010: certain). 1 elsewhere.
    pub(super) fn lower_ways(&self, node: u32) -> u32 {
        let network = self.scene.network;
        match network.shape {
            Shape::FatTree(tree) if network.nodes[node as usize].tier == 2 => tree.up_from_leaf.max(1),
            _ => 1,
        }
    }

    /// With cut-through, marks a payload as it begins to leave: it may be far away when it has left.
    pub(super) fn mark_early(&mut self, edge: u32, packet: u32) {
        let params = &self.scene.params;
        let port = &mut self.ports[edge as usize];
        port.sending = super::pool::NONE;
        if port.bulk > params.mark_from && port.is(state::MARKS) {
            let certain = port.bulk > params.mark_all;
            if certain || port.chance.below(params.mark_span) < port.bulk - params.mark_from {
                self.pool[packet].flags |= flag::MARKED;
                self.counters.marked += 1;
            }
        }
    }
}
