//! The network as it is now: rates after faults, and the ways that routing knows of.

use std::collections::{HashMap, VecDeque};

use super::engine::NONE;
use super::pairs::Pairs;
use super::table::{Hasher, Lists, Table};
use super::way::{Way, Ways};
use super::{Fairness, FlowError, Settings, in_network};
use crate::alone::Framing;
use crate::fault::{Change, Timeline};
use crate::network::{EdgeId, EndpointId, Network, NodeId, NodeKind, Shape};
use crate::outcome::{EdgeUse, Finish};
use crate::route::Routes;
use crate::time::{Rate, Time};
use crate::traffic::{TaskId, Traffic, Work};

/// The network now.
#[derive(Debug)]
pub struct State<'a> {
    pub network: &'a Network,
    routes: &'a Routes,
    ways: Ways,
    /// Whether only the first and last edges of ways are kept: no other can decide a rate, and nobody asks for them.
    ends_only: bool,
    fairness: Fairness,
    framing: Option<Framing>,
    pub faults: &'a Timeline,
    /// Bytes per ps, per edge.
    capacity: Vec<f64>,
    share: Vec<f64>,
    edge_down: Vec<bool>,
    node_down: Vec<bool>,
    /// Edges that routes avoid.
    avoided: Vec<bool>,
    avoiding: bool,
    /// Ends of every way; `NONE` for operations of the network.
    ends: Vec<(u32, u32)>,
    detours: HashMap<u32, u32, Hasher>,
    bit_errors: bool,
}

/// Bytes per picosecond.
fn per_ps(rate: Rate) -> f64 {
    rate.bits() as f64 / 8e12
}

/// Whether messages that take all ways of a network are held back by their endpoints' links alone, and all ways of a pair
/// take equally long: in full trees of equal links.
fn inner_edges_suffice(network: &Network) -> bool {
    let Shape::FatTree(tree) = &network.shape else { return false };
    let switches = || network.nodes.iter().filter(|node| node.kind == NodeKind::Switch);
    let (Some(edge), latency) = (network.edges.first(), switches().next().map(|node| node.latency)) else {
        return false;
    };
    tree.is_full()
        && network.edges.iter().all(|other| other.rate == edge.rate && other.delay == edge.delay)
        && switches().all(|node| Some(node.latency) == latency)
}

impl<'a> State<'a> {
    pub fn new(network: &'a Network, routes: &'a Routes, faults: &'a Timeline, settings: &Settings) -> Self {
        let edges = network.edges.len();
        let asked = settings.edges || settings.sampling.is_some() || settings.framing.is_some();
        Self {
            network,
            routes,
            ways: settings.ways,
            ends_only: settings.ways == Ways::All && !asked && faults.faults.is_empty() && inner_edges_suffice(network),
            fairness: settings.fairness,
            framing: settings.framing,
            faults,
            capacity: network.edges.iter().map(|edge| per_ps(edge.rate)).collect(),
            share: vec![1.0; edges],
            edge_down: vec![false; edges],
            node_down: vec![false; network.nodes.len()],
            avoided: vec![false; edges],
            avoiding: false,
            ends: Vec::new(),
            detours: HashMap::default(),
            bit_errors: false,
        }
    }

    /// Whether messages leave by a link that carries loads and stores, without a NIC.
    pub fn scale_up(&self, from: EndpointId, to: EndpointId) -> bool {
        let choices = self.routes.choices(self.network, self.network.node_of(from), to);
        choices.first().is_some_and(|edge| self.network.edge(*edge).layer.is_scale_up())
    }

    /// What messages of each way wait for their NIC, in ps: `doorbell`, but where they leave by a scale-up link. Empty where
    /// there is nothing to wait for.
    pub fn doorbells(&self, traffic: &Traffic, way_of: &[u32], doorbell: Time) -> Vec<u64> {
        if doorbell == Time::ZERO {
            return Vec::new();
        }
        let mut waits: Vec<Option<u64>> = Vec::new();
        for (task, way) in traffic.tasks.iter().zip(way_of) {
            let Work::Message { from, to, .. } = task.work else { continue };
            if waits.len() <= *way as usize {
                waits.resize(*way as usize + 1, None);
            }
            waits[*way as usize].get_or_insert_with(|| if self.scale_up(from, to) { 0 } else { doorbell.0 });
        }
        waits.into_iter().map(|wait| wait.unwrap_or(0)).collect()
    }

    /// Bytes per ps that every edge carries now.
    pub fn capacity(&self) -> &[f64] {
        &self.capacity
    }

    /// The way of every task, each put into the table once.
    pub fn ways_of(&mut self, traffic: &Traffic, table: &mut Table) -> Result<Vec<u32>, FlowError> {
        let Pairs { list, of_task: mut of_tasks, in_network } = Pairs::of(traffic, self.network.endpoints.len())?;
        let mut way = Way::default();
        // Trees of operations of the network load inner edges by themselves.
        let ends_only = self.ends_only && traffic.multicasts.is_empty();
        let ways = if ends_only { Ways::One } else { self.ways };
        for (from, to) in list {
            let found = way.find_again(self.network, self.routes, ways, from, to);
            found.ok_or(FlowError::Unreachable(from, to))?;
            if ends_only && way.edges.len() > 2 {
                way.edges.drain(1..way.edges.len() - 1);
            }
            self.ends.push((from.0, to.0));
            table.way(&way, self.fairness).ok_or(FlowError::TooLarge)?;
        }
        // Ways are numbered as their pairs; those of operations of the network follow, one per group.
        let mut groups = vec![NONE; traffic.multicasts.len()];
        for (task, group) in in_network {
            if groups[group as usize] == NONE {
                let members = traffic.multicasts.get(group as usize).ok_or(FlowError::NoGroup(TaskId(task)))?;
                let way = in_network::way(self.network, self.routes, members)?;
                self.ends.push((NONE, NONE));
                groups[group as usize] = table.way(&way, self.fairness).ok_or(FlowError::TooLarge)?;
            }
            of_tasks[task as usize] = groups[group as usize];
        }
        Ok(of_tasks)
    }

    /// Whether a way is the only one between two endpoints: all are but detours and operations of the network.
    pub fn is_single(&self, way: u32) -> bool {
        self.ends[way as usize].0 != NONE
    }

    /// Bytes of a task; of messages that are cut into packets with their headers.
    pub fn bytes(&self, traffic: &Traffic, task: u32) -> f64 {
        match traffic.tasks[task as usize].work {
            Work::Message { bytes, .. } | Work::InNetwork { bytes, .. } => {
                self.framing.map_or(bytes, |framing| framing.wire(bytes)) as f64
            }
            Work::Delay { .. } => 0.0,
        }
    }

    /// A change of the network; says after how long routes know, if they must.
    pub fn apply(&mut self, fault: u32, dirty: &mut Vec<u32>) -> Option<Time> {
        let change = self.faults.faults[fault as usize].change;
        match change {
            Change::Down { edge } => self.edge_down[edge.index()] = true,
            Change::Up { edge } => self.edge_down[edge.index()] = false,
            Change::Rate { edge, share } => self.share[edge.index()] = share,
            Change::BitErrors { .. } => self.bit_errors = true,
            Change::NodeDown { node } => self.node_down[node.index()] = true,
            Change::NodeUp { node } => self.node_down[node.index()] = false,
        }
        let routed = match change {
            Change::Down { edge } | Change::Up { edge } => {
                self.update(edge.0, dirty);
                true
            }
            Change::Rate { edge, .. } => {
                self.update(edge.0, dirty);
                false
            }
            Change::NodeDown { node } | Change::NodeUp { node } => {
                for edge in self.network.out(node) {
                    self.update(edge.0, dirty);
                    self.update(edge.reverse().0, dirty);
                }
                true
            }
            Change::BitErrors { .. } => false,
        };
        routed.then_some(self.faults.reconvergence)
    }

    fn is_down(&self, edge: usize) -> bool {
        let ends = &self.network.edges[edge];
        self.edge_down[edge] || self.node_down[ends.from.index()] || self.node_down[ends.to.index()]
    }

    fn update(&mut self, edge: u32, dirty: &mut Vec<u32>) {
        let at = edge as usize;
        let rate = if self.is_down(at) { 0.0 } else { per_ps(self.network.edges[at].rate) * self.share[at] };
        self.capacity[at] = rate;
        dirty.push(edge);
    }

    /// Routes know the state of the edges that a change was about: only of those, for what failed later is not known yet.
    pub fn reconverge(&mut self, fault: u32) {
        match self.faults.faults[fault as usize].change {
            Change::Down { edge } | Change::Up { edge } => self.avoided[edge.index()] = self.is_down(edge.index()),
            Change::NodeDown { node } | Change::NodeUp { node } => {
                for edge in self.network.out(node) {
                    for edge in [*edge, edge.reverse()] {
                        self.avoided[edge.index()] = self.is_down(edge.index());
                    }
                }
            }
            Change::Rate { .. } | Change::BitErrors { .. } => {}
        }
        self.avoiding = self.avoided.contains(&true);
        self.detours.clear();
    }

    /// Whether routes avoid an edge of a list.
    pub fn is_broken(&self, lists: &Lists, list: u32) -> bool {
        self.avoiding && lists.edges(list).iter().any(|edge| self.avoided[*edge as usize])
    }

    /// The way that a message on `way` takes by today's routes: the same where it is whole or where there is no other.
    pub fn current(&mut self, table: &mut Table, way: u32) -> Result<u32, FlowError> {
        if !self.is_broken(&table.ways, way) {
            return Ok(way);
        }
        if let Some(known) = self.detours.get(&way) {
            return Ok(*known);
        }
        let (from, to) = self.ends[way as usize];
        let found = if from == NONE { None } else { self.around(EndpointId(from), EndpointId(to)) };
        let other = match found {
            None => way,
            Some(found) => {
                let number = table.way(&found, self.fairness).ok_or(FlowError::TooLarge)?;
                table.classify(|_| true, |_| false).ok_or(FlowError::TooLarge)?;
                self.ends.push((from, to));
                number
            }
        };
        self.detours.insert(way, other);
        Ok(other)
    }

    /// The shortest way among edges that routes do not avoid.
    fn around(&self, from: EndpointId, to: EndpointId) -> Option<Way> {
        let network = self.network;
        let mut steps = vec![u32::MAX; network.nodes.len()];
        let end = network.node_of(to);
        steps[end.index()] = 0;
        let mut queue = VecDeque::from([end]);
        while let Some(node) = queue.pop_front() {
            // Endpoints do not forward.
            if node != end && network.node(node).kind == NodeKind::Endpoint {
                continue;
            }
            for out in network.out(node) {
                let into = out.reverse();
                let before = network.edge(into).from;
                if !self.avoided[into.index()] && steps[before.index()] == u32::MAX {
                    steps[before.index()] = steps[node.index()] + 1;
                    queue.push_back(before);
                }
            }
        }
        let closer = |node: NodeId, edge: &EdgeId| {
            let next = network.edge(*edge).to;
            !self.avoided[edge.index()] && steps[next.index()] != u32::MAX && steps[next.index()] < steps[node.index()]
        };
        Way::one(network, from, to, |node, out| {
            out.extend(network.out(node).iter().copied().filter(|edge| closer(node, edge)));
        })
    }

    /// Bytes that finished messages sent over every edge, by the ways they ended on.
    pub fn carried(&self, traffic: &Traffic, table: &Table, way: &[u32], finishes: &[Finish]) -> Vec<EdgeUse> {
        let mut bytes = vec![0.0f64; self.network.edges.len()];
        let mut of_way = vec![0u64; table.ways.len()];
        for (task, finish) in finishes.iter().enumerate() {
            if way[task] != NONE && finish.delivered != Time::NEVER {
                of_way[way[task] as usize] += self.bytes(traffic, task as u32) as u64;
            }
        }
        for (way, of_way) in of_way.iter().enumerate() {
            for place in table.ways.range(way as u32) {
                bytes[table.ways.edge(place) as usize] += *of_way as f64 * table.ways.weight(place);
            }
        }
        bytes.into_iter().map(|bytes| EdgeUse { bytes: bytes.round() as u64, ..EdgeUse::default() }).collect()
    }

    /// What a reader of the answer must know.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.bit_errors {
            notes.push("bit errors do not slow messages in the flow engine".to_owned());
        }
        if self.faults.faults.iter().any(|fault| matches!(fault.change, Change::Down { .. } | Change::NodeDown { .. }))
        {
            notes.push(
                "messages on an edge that is down stand still until routes avoid it; nothing is lost or sent again, and \
                 detours take one shortest way each"
                    .to_owned(),
            );
        }
        notes
    }
}
