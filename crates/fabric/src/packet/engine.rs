//! The engine: takes events in order of time and lets ports, endpoints and tasks act on them.

use std::ops::ControlFlow;

use super::credit::Pacer;
use super::doorbell::Doorbell;
use super::event::{Calendar, Event, Kind};
use super::fast_forward::Journey;
use super::hpcc::Trail;
use super::in_network::Operations;
use super::layered::Layered;
use super::ndp::Puller;
use super::nic::Nic;
use super::pool::{NONE, Pool};
use super::port::{Port, state};
use super::random::Chance;
use super::receiver::Receiver;
use super::reroute::Detours;
use super::sender::Sender;
use super::settings::{Params, Settings};
use super::slab::Slab;
use crate::fault::Timeline;
use crate::network::{Network, NodeId, NodeKind};
use crate::outcome::{Counters, EdgeUse, Finish, Observer, Outcome, Progress, Series};
use crate::route::{Policy, Routes};
use crate::time::Time;
use crate::traffic::{Traffic, Work};

/// What does not change during a run.
pub(super) struct Scene<'a> {
    pub(super) network: &'a Network,
    pub(super) routes: &'a Routes,
    pub(super) traffic: &'a Traffic,
    pub(super) faults: &'a Timeline,
    pub(super) settings: &'a Settings,
    pub(super) params: Params,
    /// Node at the end of each edge.
    pub(super) heads: Vec<u32>,
    /// For each edge that leaves an endpoint, its link's index.
    pub(super) nic_of: Vec<u32>,
    /// For each node whether packets end there: only at endpoints that do not forward, or at their own.
    pub(super) ends: Vec<bool>,
    pub(super) detours: Detours,
    /// Packets of a message leave by several links of their endpoint.
    pub(super) side_by_side: bool,
    /// Bytes of every edge's queue; empty where all have the same.
    pub(super) limits: Vec<u32>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        network: &'a Network,
        routes: &'a Routes,
        traffic: &'a Traffic,
        faults: &'a Timeline,
        settings: &'a Settings,
    ) -> Self {
        let heads = network.edges.iter().map(|edge| edge.to.0).collect();
        let mut nic_of = vec![NONE; network.edges.len()];
        let mut links = 0;
        for node in &network.endpoints {
            for edge in network.out(*node) {
                if nic_of[edge.index()] == NONE && network.node(*node).kind == NodeKind::Endpoint {
                    nic_of[edge.index()] = links;
                    links += 1;
                }
            }
        }
        let ends = network.nodes.iter().map(|node| node.kind == NodeKind::Endpoint).collect();
        let params = Params::new(network, settings);
        let detours = Detours::new(network, faults);
        let limits = super::slow_ports::limits(network, params.queue);
        let own_ways = matches!(settings.routing, Policy::Spray | Policy::Adaptive);
        let side_by_side = own_ways && network.endpoints.iter().any(|node| network.out(*node).len() > 1);
        Self { network, routes, traffic, faults, settings, params, heads, nic_of, ends, detours, side_by_side, limits }
    }
}

impl Scene<'_> {
    /// Whether a task is an operation of switches.
    pub(super) fn in_network(&self, task: u32) -> bool {
        matches!(self.traffic.tasks[task as usize].work, Work::InNetwork { .. })
    }
}

/// The state of a run.
pub(super) struct Engine<'a> {
    pub(super) scene: &'a Scene<'a>,
    /// Routes as switches know them now.
    pub(super) routes: &'a Routes,
    /// This engine's own time, and how much further the time is that a user sees: what was skipped (see `fast_forward`).
    pub(super) now: u64,
    pub(super) ahead: u64,
    pub(super) calendar: Calendar,
    pub(super) pool: Pool,
    pub(super) ports: Vec<Port>,
    pub(super) nics: Vec<Nic>,
    /// One per link of endpoints; empty where NICs have no limits.
    pub(super) doorbells: Vec<Doorbell>,
    pub(super) senders: Slab<Sender>,
    pub(super) receivers: Slab<Receiver>,
    pub(super) pacers: Vec<Pacer>,
    pub(super) pullers: Vec<Puller>,
    /// Bytes that each edge has carried, and what links said to each packet; empty without telemetry.
    pub(super) carried: Vec<u64>,
    pub(super) trails: Vec<Trail>,
    /// How many each task still waits for.
    pub(super) waits: Vec<u32>,
    /// Packets on their way to parts of the network that other threads run.
    pub(super) leaving: Vec<super::parallel::Leaving>,
    pub(super) finishes: Vec<Finish>,
    pub(super) counters: Counters,
    pub(super) done: u64,
    /// All packets that came to endpoints, for tests of their order.
    #[cfg(test)]
    pub(super) delivered: Vec<super::pool::Packet>,
    /// Operations of switches, where there are any.
    pub(super) operations: Option<Box<Operations>>,
    /// Link layers beyond plain Ethernet, where there are any.
    pub(super) layered: Option<Box<Layered>>,
    /// Empty when not asked for.
    pub(super) uses: Vec<EdgeUse>,
    pub(super) series: Series,
    /// For each edge its place in the series; empty when nothing is recorded.
    pub(super) watched: Vec<u32>,
    /// Only where steady states are skipped.
    pub(super) journey: Option<Box<Journey>>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        let (network, params, settings) = (scene.network, &scene.params, scene.settings);
        let port = |(at, edge): (usize, &crate::network::Edge)| {
            let head = network.node(edge.to);
            let last = head.kind == NodeKind::Endpoint;
            let host = network.node(edge.from).kind == NodeKind::Endpoint;
            let mut flags = 0;
            if (settings.ecn.is_some() || settings.red.is_some()) && !host && (!last || params.mark_last_hop) {
                flags |= state::MARKS;
            }
            if last {
                flags |= state::LAST_HOP;
            }
            if scene.limits.get(at).is_some_and(|limit| *limit != params.queue) {
                flags |= state::SLOW;
            }
            if host {
                flags |= state::HOST;
            }
            Port {
                free_at: 0,
                delay: edge.delay.0.saturating_add(head.latency.0),
                per_byte: per_byte(edge.rate.bits()),
                chance: Chance::new(settings.seed, 1, at as u32),
                bulk: 0,
                headers: 0,
                bulk_first: NONE,
                bulk_last: NONE,
                header_first: NONE,
                header_last: NONE,
                sending: NONE,
                sending_bytes: 0,
                state: flags,
            }
        };
        let mut ports: Vec<Port> = network.edges.iter().enumerate().map(port).collect();
        let layered = Layered::new(scene, &mut ports);
        // No event lies nearer than the shortest packet takes, few further than the longest packet and way.
        let step = ports.iter().map(|port| port.serialise(params.header)).min().unwrap_or(1).max(1);
        let horizon = ports.iter().map(|port| port.delay + port.serialise(params.mtu)).max().unwrap_or(1);
        let links = scene.nic_of.iter().filter(|link| **link != NONE).count();
        let tasks = scene.traffic.tasks.len();
        let mut engine = Self {
            scene,
            routes: scene.routes,
            now: 0,
            ahead: 0,
            calendar: Calendar::new(step, horizon),
            pool: Pool::default(),
            ports,
            nics: vec![Nic::default(); links],
            doorbells: super::doorbell::doorbells(scene),
            senders: Slab::new(tasks),
            receivers: Slab::new(tasks),
            pacers: if params.credit { vec![Pacer::default(); network.endpoints.len()] } else { Vec::new() },
            pullers: if params.pull { vec![Puller::default(); network.endpoints.len()] } else { Vec::new() },
            carried: if params.telemetry { vec![0; network.edges.len()] } else { Vec::new() },
            trails: Vec::new(),
            waits: scene.traffic.tasks.iter().map(|task| task.waits).collect(),
            leaving: Vec::new(),
            finishes: vec![Finish::default(); tasks],
            counters: Counters::default(),
            done: 0,
            #[cfg(test)]
            delivered: Vec::new(),
            operations: super::in_network::operations(scene),
            layered,
            uses: if settings.edge_use { vec![EdgeUse::default(); network.edges.len()] } else { Vec::new() },
            series: Series::default(),
            watched: Vec::new(),
            journey: None,
        };
        if let Some(sampling) = settings.sampling.as_ref().filter(|sampling| sampling.slot.0 > 0) {
            engine.watched = vec![NONE; network.edges.len()];
            for (at, edge) in sampling.edges.iter().enumerate() {
                if let Some(place) = engine.watched.get_mut(edge.index()) {
                    *place = at as u32;
                }
            }
            engine.series.slot = sampling.slot;
            engine.series.edges.clone_from(&sampling.edges);
            engine.series.bytes = vec![Vec::new(); sampling.edges.len()];
            engine.series.queue = vec![Vec::new(); sampling.edges.len()];
        }
        engine
    }

    /// Puts an event in, `now` or later.
    #[inline]
    pub(super) fn push(&mut self, time: u64, kind: Kind, entity: u32, payload: u32) {
        self.calendar.push(Event::new(time, kind, entity, payload));
    }

    /// Puts in what happens without a cause, at the nodes that are `own`. Only one part counts faults, though all know them.
    pub(super) fn prime(&mut self, own: impl Fn(NodeId) -> bool, counts_faults: bool) {
        let scene = self.scene;
        for (at, fault) in scene.faults.faults.iter().enumerate() {
            self.push(fault.at.0, Kind::Fault, at as u32, u32::from(counts_faults));
        }
        for (at, (time, _)) in scene.detours.from.iter().enumerate() {
            let at = scene.faults.faults.len() + at;
            self.push(*time, Kind::Fault, at as u32, u32::from(counts_faults));
        }
        for (at, task) in scene.traffic.tasks.iter().enumerate() {
            let begins = match task.work {
                Work::Message { from, .. } => own(scene.network.node_of(from)),
                Work::Delay { at, .. } => own(scene.network.node_of(at)),
                Work::InNetwork { .. } => counts_faults,
            };
            if task.waits == 0 && begins {
                self.push(task.not_before.0, Kind::Start, at as u32, 0);
            }
        }
    }

    /// Handles all events before `limit`. `Break`: the observer wants no more.
    pub(super) fn run_before(&mut self, limit: u64, observer: &mut dyn Observer) -> ControlFlow<()> {
        while let Some(event) = self.calendar.pop_before(limit) {
            debug_assert!(event.time() >= self.now, "time runs forward");
            self.now = event.time();
            self.counters.events += 1;
            self.handle(event);
            if self.counters.events & 0xffff == 0 {
                observer.report(&self.progress())?;
            }
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn handle(&mut self, event: Event) {
        let entity = event.entity();
        match event.kind() {
            Kind::Arrive => self.arrive(entity, event.payload()),
            Kind::Wake => self.wake(entity),
            Kind::Start => self.begin(entity),
            Kind::Elapsed => self.elapsed(entity),
            Kind::Grant if self.scene.params.pull => self.pull(entity),
            Kind::Grant => self.grant(entity),
            Kind::Timer => self.timer(entity),
            Kind::Link => self.hear_link(entity, event.payload()),
            Kind::Fault => {
                self.counters.events -= u64::from(event.payload() == 0);
                self.fault(entity);
            }
            Kind::Pace => self.pace(entity),
            Kind::Post => self.post(entity, event.payload()),
            Kind::Summed => self.summed(entity, event.payload()),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let tasks = self.scene.traffic.tasks.len() as u64;
        let share = if tasks == 0 { 1.0 } else { self.done as f64 / tasks as f64 };
        Progress { now: Time(self.clock()), events: self.counters.events, done: self.done, tasks, share }
    }

    /// What was found.
    pub(super) fn finish(self, stopped: bool) -> Outcome {
        let end = Time(self.clock());
        Outcome {
            finishes: self.finishes,
            counters: self.counters,
            edges: self.uses,
            series: self.series,
            stopped,
            end,
            skipped: self.journey.map(|journey| journey.skipped),
            notes: Vec::new(),
        }
    }
}

/// Time per byte in 2^-16 ps, to the nearest.
pub(super) fn per_byte(bits_per_second: u64) -> u64 {
    let rate = u128::from(bits_per_second.max(1));
    u64::try_from((8_000_000_000_000 * 65_536 + rate / 2) / rate).unwrap_or(u64::MAX >> 17).clamp(1, u64::MAX >> 17)
}
