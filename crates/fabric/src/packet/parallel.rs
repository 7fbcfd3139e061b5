//! The run on several threads: parts of the network advance side by side in windows as long as the shortest link between
//! them, and exchange packets between windows. What happens within a window cannot reach another part within it.
//!
//! The answer is that of one thread, to the bit: an event's place follows from what it is, and every port and message
//! draws its own chance.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::engine::{Engine, Scene};
use super::event::Kind;
use super::hpcc::Trail;
use super::pool::{NONE, Packet};
use super::port::state;
use crate::network::{Network, NodeId};
use crate::outcome::{Observer, Progress, Unobserved};
use crate::time::Time;
use crate::traffic::{Traffic, When, Work};

/// A packet on its way to another part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    departure: u64,
    arrival: u64,
    edge: u32,
    packet: u32,
}

/// A packet between parts: when and by which edge it arrives, its map, and what links said to it.
type Moved = (u64, u32, Packet, u64, Option<Box<Trail>>);

/// Which part each node belongs to, and how long a window may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) of_node: Vec<u32>,
    pub(super) count: u32,
    window: u64,
}

impl Parts {
    /// Up to so many parts. `None` where one is all there can be: too small a network, links without delay, or tasks that
    /// wait for something that happens in another part at the same time.
    pub(super) fn new(network: &Network, traffic: &Traffic, wanted: usize) -> Option<Self> {
        let endpoints = network.endpoints.len();
        let count = wanted.min(endpoints).min(1 << 10) as u32;
        if count < 2 {
            return None;
        }
        let of_node = divide(network, count);
        let part = |node: NodeId| of_node[node.index()];
        let crossing = network.edges.iter().filter(|edge| part(edge.from) != part(edge.to));
        let window = crossing.map(|edge| edge.delay.0.saturating_add(network.node(edge.to).latency.0)).min()?;
        let of_task = |task: usize, when: When| match (traffic.tasks[task].work, when) {
            (Work::Message { from, .. }, When::Acknowledged) => Some(part(network.node_of(from))),
            (Work::Message { to, .. }, When::Delivered) => Some(part(network.node_of(to))),
            (Work::Delay { at, .. }, _) => Some(part(network.node_of(at))),
            (Work::InNetwork { .. }, _) => None,
        };
        let local = (0..traffic.tasks.len()).all(|task| {
            traffic.followers_of(crate::traffic::TaskId(task as u32)).iter().all(|follower| {
                // A task begins where its sender is.
                let begins = of_task(follower.task.index(), When::Acknowledged);
                begins.is_some() && begins == of_task(task, follower.when)
            })
        });
        (local && window > 0).then_some(Self { of_node, count, window })
    }
}

/// Divides nodes: endpoints in order of rank, what hangs at one part with it, the rest in turns.
fn divide(network: &Network, count: u32) -> Vec<u32> {
    let mut parts = vec![NONE; network.nodes.len()];
    let endpoints = network.endpoints.len() as u64;
    // Endpoints at one switch stay together: the switch goes with the first of them.
    for (rank, node) in network.endpoints.iter().enumerate() {
        let own = (rank as u64 * u64::from(count) / endpoints) as u32;
        let next = network.out(*node).first().map(|edge| network.edge(*edge).to);
        let part = next.map(|node| parts[node.index()]).filter(|part| *part != NONE).unwrap_or(own);
        parts[node.index()] = part;
        if let Some(next) = next.filter(|next| parts[next.index()] == NONE) {
            parts[next.index()] = part;
        }
    }
    let mut order: Vec<usize> = (0..parts.len()).filter(|at| parts[*at] == NONE).collect();
    order.sort_by_key(|at| network.nodes[*at].tier);
    for (turn, at) in order.into_iter().enumerate() {
        let mut near = network.out(NodeId(at as u32)).iter().map(|edge| parts[network.edge(*edge).to.index()]);
        let mut near = near.by_ref().filter(|part| *part != NONE);
        let first = near.next();
        parts[at] = match first {
            Some(first) if near.all(|part| part == first) => first,
            _ => turn as u32 % count,
        };
    }
    parts
}

impl Engine<'_> {
    /// Marks the edges that leave this engine's part.
    pub(super) fn confine(&mut self, parts: &Parts, own: u32) {
        for (at, edge) in self.scene.network.edges.iter().enumerate() {
            if parts.of_node[edge.from.index()] == own && parts.of_node[edge.to.index()] != own {
                self.ports[at].state |= state::CROSSES;
            }
        }
    }

    /// A packet goes to another part. It stays here until it has left the port, which may still mark it.
    pub(super) fn leave(&mut self, departure: u64, arrival: u64, edge: u32, packet: u32) {
        self.leaving.push(Leaving { departure, arrival, edge, packet });
    }

    /// The packets that have left their ports before `limit`.
    fn hand_over(&mut self, limit: u64) -> Vec<Moved> {
        let mut gone = Vec::new();
        let (pool, trails) = (&mut self.pool, &self.trails);
        self.leaving.retain(|leaving| {
            if leaving.departure >= limit {
                return true;
            }
            let trail = trails.get(leaving.packet as usize).copied().map(Box::new);
            gone.push((leaving.arrival, leaving.edge, pool[leaving.packet], pool.map(leaving.packet), trail));
            pool.remove(leaving.packet);
            false
        });
        gone
    }

    /// A packet from another part.
    fn take_over(&mut self, (arrival, edge, packet, map, trail): Moved) {
        let at = self.pool.add(packet);
        self.pool.set_map(at, map);
        if let Some(trail) = trail {
            self.keep_trail(at, &trail);
        }
        self.push(arrival, Kind::Arrive, edge, at);
    }

    fn next_time(&self) -> Option<u64> {
        let leaving = self.leaving.iter().map(|leaving| leaving.departure).min();
        self.calendar.next_time().into_iter().chain(leaving).min()
    }

    /// Adds what another part found.
    fn absorb(&mut self, other: Self) {
        for (own, other) in self.finishes.iter_mut().zip(other.finishes) {
            own.start = own.start.min(other.start);
            own.delivered = own.delivered.min(other.delivered);
            own.acknowledged = own.acknowledged.min(other.acknowledged);
        }
        let (own, add) = (&mut self.counters, other.counters);
        own.events += add.events;
        own.packets += add.packets;
        own.retransmitted += add.retransmitted;
        own.trimmed += add.trimmed;
        own.dropped += add.dropped;
        own.corrupted += add.corrupted;
        own.marked += add.marked;
        own.replays += add.replays;
        own.pauses += add.pauses;
        own.acknowledgements += add.acknowledgements;
        for (own, add) in self.uses.iter_mut().zip(other.uses) {
            own.bytes += add.bytes;
            own.queue_bytes_max = own.queue_bytes_max.max(add.queue_bytes_max);
            own.paused = own.paused.saturating_add(add.paused);
            own.replays += add.replays;
            own.lost += add.lost;
        }
        let pairs = [(&mut self.series.bytes, other.series.bytes), (&mut self.series.queue, other.series.queue)];
        for (own, other) in pairs {
            // Each edge is watched by the one part that sends on it.
            for (own, other) in own.iter_mut().zip(other).filter(|(own, _)| own.is_empty()) {
                *own = other;
            }
        }
        self.done += other.done;
        self.now = self.now.max(other.now);
    }
}

/// Runs the parts side by side until all is done or `end` has come.
pub(super) fn run<'a>(
    scene: &'a Scene<'a>,
    parts: &Parts,
    end: u64,
    threads: &rayon::ThreadPool,
    observer: &mut dyn Observer,
) -> (Engine<'a>, ControlFlow<()>) {
    let mut engines: Vec<Engine<'a>> = (0..parts.count)
        .map(|own| {
            let mut engine = Engine::new(scene);
            engine.confine(parts, own);
            engine.prime(|node| parts.of_node[node.index()] == own, own == 0);
            engine
        })
        .collect();
    let mut flow = ControlFlow::Continue(());
    let mut reported = 0;
    while let Some(next) = engines.iter().filter_map(Engine::next_time).min().filter(|next| *next < end) {
        let limit = next.saturating_add(parts.window).min(end);
        threads.install(|| {
            engines.par_iter_mut().for_each(|engine| {
                // Without an observer no part stops on its own.
                let _ = engine.run_before(limit, &mut Unobserved);
            });
        });
        let mut moved = Vec::new();
        for engine in &mut engines {
            moved.append(&mut engine.hand_over(limit));
        }
        for leaving in moved {
            let to = parts.of_node[scene.heads[leaving.1 as usize] as usize];
            engines[to as usize].take_over(leaving);
        }
        let events: u64 = engines.iter().map(|engine| engine.counters.events).sum();
        if events >> 16 > reported {
            reported = events >> 16;
            flow = observer.report(&progress(&engines, events));
            if flow.is_break() {
                break;
            }
        }
    }
    let mut engines = engines.into_iter();
    let mut all = engines.next().unwrap_or_else(|| Engine::new(scene));
    engines.for_each(|other| all.absorb(other));
    (all, flow)
}

fn progress(engines: &[Engine<'_>], events: u64) -> Progress {
    let tasks = engines.first().map_or(0, |engine| engine.scene.traffic.tasks.len() as u64);
    let done: u64 = engines.iter().map(|engine| engine.done).sum();
    let now = engines.iter().map(|engine| engine.now).max().unwrap_or(0);
    let share = if tasks == 0 { 1.0 } else { done as f64 / tasks as f64 };
    Progress { now: Time(now), events, done, tasks, share }
}
