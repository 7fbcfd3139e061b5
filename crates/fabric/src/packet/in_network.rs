//! Operations that switches perform, segment by segment: a switch waits for a segment of all its children, sends the sum
//! up, and copies what comes down.
//!
//! Segments follow each other in order on every edge, so a count per child says which have come. A switch takes a segment in
//! as it comes, and its buffer is free again; what may wait for slower members is bounded by a window, about what fills the
//! tree: members of an all-reduce go on when they receive results, others when the slowest member has received (known at
//! once, which is idealised). Nobody sends a lost segment again.

use std::collections::HashMap;

use serde::Serialize;

use super::engine::{Engine, Scene};
use super::event::Kind;
use super::pool::{Form, NONE, Packet, flag};
use super::reduction_tree::{Role, Tree};
use crate::flow::Way;
use crate::network::Network;
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::{InNetwork, Multicast, TaskId, Traffic, When, Work};

/// What switches take to add up. Default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReductionSettings {
    /// From the last child's segment to the sum, in every switch that adds up, on top of its latency. No vendor publishes it:
    /// 0 is the best case.
    pub latency: Time,
}

/// What has come to a switch.
#[derive(Clone, Debug, Default)]
struct Sums {
    /// Segments of each child.
    come: Vec<u32>,
    /// Sums made, and children that are further.
    made: u32,
    further: u32,
    /// Sums sent on.
    sent: u32,
}

impl Sums {
    fn new(children: usize) -> Self {
        Self { come: vec![0; children], ..Self::default() }
    }

    /// A segment of a child; whether it completes a sum.
    fn take(&mut self, child: u32) -> bool {
        let come = &mut self.come[child as usize];
        *come += 1;
        self.further += u32::from(*come == self.made + 1);
        if (self.further as usize) < self.come.len() {
            return false;
        }
        self.made += 1;
        self.further = self.come.iter().filter(|come| **come > self.made).count() as u32;
        true
    }
}

/// An operation under way.
#[derive(Clone, Debug)]
struct Operation {
    /// Its tree, by group.
    group: u32,
    kind: InNetwork,
    bytes: u64,
    /// Parts that have segments of their own: members of a reduce-scatter, else one.
    parts: u32,
    /// Segments of every part, in all.
    first: Vec<u32>,
    /// Per switch.
    sums: Vec<Sums>,
    /// Segments sent and received, per member.
    sent: Vec<u32>,
    received: Sums,
    /// Segments that have come to all that they go to.
    over: u32,
    /// Segments that a member may be ahead.
    window: u32,
}

impl Operation {
    fn segments(&self) -> u32 {
        self.first.last().copied().unwrap_or(0)
    }

    /// The part of a segment.
    fn part(&self, segment: u32) -> usize {
        self.first.partition_point(|first| *first <= segment).saturating_sub(1)
    }

    /// Bytes of a part.
    fn part_bytes(&self, part: usize) -> u64 {
        let before = |at: usize| (u128::from(self.bytes) * at as u128 / u128::from(self.parts)) as u64;
        (before(part + 1) - before(part)).max(1)
    }

    /// Payload of a segment.
    fn payload(&self, segment: u32, mss: u32) -> u32 {
        let part = self.part(segment);
        let before = u64::from(segment - self.first[part]) * u64::from(mss);
        (self.part_bytes(part) - before).min(u64::from(mss)) as u32
    }
}

/// Operations under way, and trees of groups; each by plane.
#[derive(Debug, Default)]
pub(super) struct Operations {
    trees: HashMap<(u32, u16), Tree>,
    open: HashMap<Key, Operation>,
    /// Planes of each task that are not done.
    left: HashMap<u32, u32>,
}

/// A task and one of its planes.
type Key = (u32, u16);

/// Bits of a switch's place in the payload of [`Kind::Summed`]; the plane stands above them.
const NODE_BITS: u32 = 22;

/// Whether any task is such an operation.
pub(super) fn any(traffic: &Traffic) -> bool {
    traffic.tasks.iter().any(|task| matches!(task.work, Work::InNetwork { .. }))
}

/// Why the switches of a network cannot do what traffic asks of them.
pub fn cannot_reduce(network: &Network, routes: &Routes, traffic: &Traffic) -> Option<String> {
    traffic.multicasts.iter().find_map(|group| {
        (0..planes(network, routes, group)).find_map(|plane| Tree::new(network, routes, group, plane).err())
    })
}

fn planes(network: &Network, routes: &Routes, group: &Multicast) -> u32 {
    group.members.first().map_or(1, |first| Way::planes(network, routes, &group.members, *first))
}

/// The state of a run; none where no task is such an operation.
pub(super) fn operations(scene: &Scene<'_>) -> Option<Box<Operations>> {
    any(scene.traffic).then(Box::default)
}

impl Engine<'_> {
    /// An operation begins: all its members send, in every plane an equal part.
    pub(super) fn begin_in_network(&mut self, task: u32, group: u32, bytes: u64) {
        let scene = self.scene;
        let Some(members) = scene.traffic.multicasts.get(group as usize) else { return };
        let most = bytes.div_ceil(u64::from(scene.params.mss)).max(1);
        let planes = u64::from(planes(scene.network, scene.routes, members)).min(most);
        if let Some(all) = self.operations.as_deref_mut() {
            all.left.insert(task, planes as u32);
        }
        for plane in 0..planes {
            let before = |plane: u64| (u128::from(bytes) * u128::from(plane) / u128::from(planes)) as u64;
            // What cannot be done stays undone; the notes say so.
            if !self.open_plane((task, plane as u16), group, members, before(plane + 1) - before(plane)) {
                return;
            }
        }
        let senders = if members.kind == InNetwork::Multicast { 1 } else { members.members.len() as u32 };
        for plane in 0..planes as u16 {
            (0..senders).for_each(|member| self.send_segments((task, plane), member));
        }
    }

    /// Prepares one plane of an operation.
    fn open_plane(&mut self, key: Key, group: u32, members: &Multicast, bytes: u64) -> bool {
        let (scene, tree_key) = (self.scene, (group, key.1));
        let Some(all) = self.operations.as_deref_mut() else { return false };
        if let std::collections::hash_map::Entry::Vacant(place) = all.trees.entry(tree_key) {
            let Ok(tree) = Tree::new(scene.network, scene.routes, members, u32::from(key.1)) else { return false };
            place.insert(tree);
        }
        let tree = &all.trees[&tree_key];
        let params = &scene.params;
        let count = members.members.len();
        let parts = if members.kind == InNetwork::ReduceScatter { count as u32 } else { 1 };
        let mut operation = Operation {
            group,
            kind: members.kind,
            bytes,
            parts,
            first: vec![0],
            sums: tree.nodes.iter().map(|node| Sums::new(node.down.len())).collect(),
            sent: vec![0; count],
            received: Sums::new(count),
            over: 0,
            window: 0,
        };
        for part in 0..parts as usize {
            let segments = operation.part_bytes(part).div_ceil(u64::from(params.mss));
            let before = u64::from(operation.first[part]);
            // More than can be counted is more than can be run.
            let Ok(next) = u32::try_from(before + segments) else { return false };
            operation.first.push(next);
        }
        // What is under way when nothing waits: twice the time up and down the tree, at the members' rate.
        let link = |link: u32| self.ports[link as usize].serialise(params.mtu).max(1);
        let takes = tree.links.iter().map(|edge| link(*edge)).max().unwrap_or(1);
        let hops = u64::from(tree.depth);
        let adding = hops * scene.settings.reduction.latency.0;
        let round = 2 * tree.delay + 2 * hops * takes + adding;
        operation.window = (2 * round / takes + 8).min(u64::from(u32::MAX)) as u32;
        if members.kind == InNetwork::Multicast {
            // The source has what it sends.
            operation.received.come[0] = u32::MAX;
            operation.received.further = 1;
        }
        all.open.insert(key, operation);
        true
    }

    /// A member sends what its window allows.
    fn send_segments(&mut self, key: Key, member: u32) {
        let params = &self.scene.params;
        loop {
            let Some(all) = self.operations.as_deref_mut() else { return };
            let Some(operation) = all.open.get_mut(&key) else { return };
            let behind = match operation.kind {
                InNetwork::AllReduce => operation.received.come[member as usize],
                _ => operation.over,
            };
            let segment = operation.sent[member as usize];
            if segment >= operation.segments() || segment >= behind.saturating_add(operation.window) {
                return;
            }
            operation.sent[member as usize] += 1;
            let size = operation.payload(segment, params.mss) + params.header;
            let edge = all.trees[&(operation.group, key.1)].links[member as usize];
            let packet = self.pool.add(segment_of(key, segment, size));
            self.counters.packets += 1;
            self.send_header(edge, packet);
        }
    }

    /// Whether a packet belongs to such an operation; it is dealt with then.
    pub(super) fn step_in_network(&mut self, edge: u32, packet: u32) -> bool {
        let seen = self.pool[packet];
        let task = seen.flow;
        if !self.scene.in_network(task) {
            return false;
        }
        if self.layered.is_some() {
            self.free_lost(packet);
        }
        self.pool.remove(packet);
        let Some(all) = self.operations.as_deref_mut() else { return true };
        let key = (task, seen.entropy);
        let Some(operation) = all.open.get_mut(&key) else { return true };
        if seen.flags & flag::TRIMMED != 0 {
            // A sum cannot be made of headers.
            self.counters.dropped += 1;
            return true;
        }
        let Some(role) = all.trees[&(operation.group, key.1)].roles.get(&edge).copied() else { return true };
        match role {
            // What a source sends needs no others.
            Role::Up(node, _) if operation.kind == InNetwork::Multicast => self.descend(key, node, seen.seq, edge ^ 1),
            Role::Up(node, child) => {
                let sums = &mut operation.sums[node as usize];
                let adds = sums.come.len() > 1;
                if sums.take(child) {
                    let wait = if adds { self.scene.settings.reduction.latency.0 } else { 0 };
                    match wait {
                        0 => self.sum_up(key, node),
                        wait => {
                            let payload = u32::from(key.1) << NODE_BITS | node;
                            self.push(self.now.saturating_add(wait), Kind::Summed, task, payload);
                        }
                    }
                }
            }
            Role::Down(node) => self.descend(key, node, seen.seq, NONE),
            Role::Member(member) => self.segment_received(key, member),
        }
        true
    }

    /// A switch has added up its next segment.
    pub(super) fn summed(&mut self, task: u32, payload: u32) {
        self.sum_up((task, (payload >> NODE_BITS) as u16), payload & ((1 << NODE_BITS) - 1));
    }

    /// A switch has the sum of its next segment.
    fn sum_up(&mut self, key: Key, node: u32) {
        let params = &self.scene.params;
        let Some(all) = self.operations.as_deref_mut() else { return };
        let Some(operation) = all.open.get_mut(&key) else { return };
        let sums = &mut operation.sums[node as usize];
        let segment = sums.sent;
        sums.sent += 1;
        let tree = &all.trees[&(operation.group, key.1)];
        if node == tree.root {
            self.descend(key, node, segment, NONE);
        } else {
            let size = operation.payload(segment, params.mss) + params.header;
            let up = tree.nodes[node as usize].up;
            let packet = self.pool.add(segment_of(key, segment, size));
            self.enqueue(up, packet);
        }
    }

    /// A switch copies a segment to its children, but not back to where it came from.
    fn descend(&mut self, key: Key, node: u32, segment: u32, but: u32) {
        let params = &self.scene.params;
        let Some(all) = self.operations.as_deref() else { return };
        let Some(operation) = all.open.get(&key) else { return };
        let tree = &all.trees[&(operation.group, key.1)];
        let size = operation.payload(segment, params.mss) + params.header;
        let down = &tree.nodes[node as usize].down;
        let edges: Vec<u32> = if operation.kind == InNetwork::ReduceScatter {
            // The switch's children on the way to whose part it is.
            let path = &tree.paths[operation.part(segment)];
            let mut at = tree.root;
            let mut next = Vec::new();
            for child in path {
                let edge = tree.nodes[at as usize].down[*child as usize];
                if at == node {
                    next.push(edge);
                    break;
                }
                let Some(Role::Down(below)) = tree.roles.get(&edge) else { break };
                at = *below;
            }
            next
        } else {
            down.iter().copied().filter(|edge| *edge != but).collect()
        };
        for edge in edges {
            let packet = self.pool.add(segment_of(key, segment, size));
            self.enqueue(edge, packet);
        }
    }

    /// A member has a segment.
    fn segment_received(&mut self, key: Key, member: u32) {
        let Some(all) = self.operations.as_deref_mut() else { return };
        let Some(operation) = all.open.get_mut(&key) else { return };
        let everywhere = match operation.kind {
            InNetwork::ReduceScatter => {
                operation.received.come[member as usize] += 1;
                true
            }
            _ => operation.received.take(member),
        };
        operation.over += u32::from(everywhere);
        let (kind, members) = (operation.kind, operation.sent.len() as u32);
        if operation.over == operation.segments() {
            let task = key.0;
            all.open.remove(&key);
            let left = all.left.entry(task).or_insert(1);
            *left -= 1;
            if *left > 0 {
                return;
            }
            all.left.remove(&task);
            let finish = &mut self.finishes[task as usize];
            finish.delivered = Time(self.now);
            finish.acknowledged = Time(self.now);
            self.done += 1;
            self.release(TaskId(task), When::Delivered);
            self.release(TaskId(task), When::Acknowledged);
            return;
        }
        match kind {
            InNetwork::AllReduce => self.send_segments(key, member),
            InNetwork::Multicast if everywhere => self.send_segments(key, 0),
            InNetwork::Multicast => {}
            InNetwork::ReduceScatter => (0..members).for_each(|member| self.send_segments(key, member)),
        }
    }

    /// Operations that began and did not end.
    pub(super) fn operations_open(&self) -> usize {
        self.operations.as_deref().map_or(0, |all| all.left.len())
    }
}

fn segment_of((task, plane): Key, segment: u32, size: u32) -> Packet {
    Packet {
        flow: task,
        entropy: plane,
        seq: segment,
        next: NONE,
        size: size as u16,
        form: Form::Data,
        ..Packet::default()
    }
}
