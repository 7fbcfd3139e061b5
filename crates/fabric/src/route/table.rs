//! Routes of any network in tables: a row per node that forwards or has several edges, a column per group of endpoints
//! that hang at the same nodes. Equal sets of edges are stored once per row.
//!
//! Ways are those of least cost, where an edge's cost goes by its layer: scale-up links before PCIe before the scale-out
//! network, so that accelerators that share a scale-up domain use it though other ways have no more hops. In a network of
//! one layer least cost is fewest hops. A node linked to the destination delivers at once.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{MOST_TABLE_BYTES, RouteError};
use crate::network::{EdgeId, EndpointId, LinkLayer, Network, NodeId, NodeKind};

/// The destination is next to the node: its own list of edges says how.
const DIRECT: u16 = u16::MAX;
/// No row or column.
const NONE: u32 = u32::MAX;
/// Not reached.
const FAR: u32 = u32::MAX;
/// Columns worked out at a time.
const BATCH: usize = 64;
/// Most entries of a table whose ways are checked for going up and then down; larger ones count as if they did not.
const MOST_CHECKED: usize = 50_000_000;

/// Routing tables.
#[derive(Clone, Debug)]
pub struct Table {
    /// Row of every node.
    row_of: Vec<u32>,
    /// Column of every endpoint.
    column_of: Vec<u32>,
    columns: usize,
    /// Row by row for every column the set of edges: index into the row's `sets`, or [`DIRECT`].
    entries: Vec<u16>,
    /// First of every row's sets.
    set_start: Vec<u32>,
    /// Where sets lie in `edges`: first and number.
    sets: Vec<(u32, u32)>,
    /// First of every endpoint's entries in `direct`.
    direct_start: Vec<u32>,
    /// Nodes next to an endpoint, with the place of their edges to it in `edges`.
    direct: Vec<(NodeId, u32, u32)>,
    edges: Vec<EdgeId>,
    /// Whether every way goes up and then down.
    falls: bool,
    /// Most hops between nodes that forward.
    longest: u8,
}

/// What an edge costs: so much more than any number of cheaper edges in use that one of it is worse.
fn cost(layer: LinkLayer) -> u32 {
    match layer {
        LinkLayer::NvLink | LinkLayer::UaLink => 1,
        LinkLayer::PcieFlit | LinkLayer::PciePacket => 8,
        LinkLayer::Ethernet | LinkLayer::LosslessEthernet | LinkLayer::InfiniBand => 32,
    }
}

/// Endpoints that hang at the same nodes.
struct Column {
    /// Nodes next to them, and the cost of the last edge.
    near: Vec<(u32, u32)>,
    /// How many there are.
    members: u32,
}

/// A row under construction.
#[derive(Default)]
struct Row {
    sets: Vec<(u32, u32)>,
    edges: Vec<EdgeId>,
    scratch: Vec<EdgeId>,
}

impl Row {
    /// The number of the set in `scratch`.
    fn intern(&mut self) -> Option<u16> {
        let wanted = &self.scratch[..];
        let known = self.sets.iter().rposition(|(at, len)| &self.edges[*at as usize..(*at + *len) as usize] == wanted);
        let at = known.unwrap_or_else(|| {
            self.sets.push((self.edges.len() as u32, wanted.len() as u32));
            self.edges.extend_from_slice(wanted);
            self.sets.len() - 1
        });
        u16::try_from(at).ok().filter(|at| *at != DIRECT)
    }
}

impl Table {
    /// Tables of a network without dead edges, to all endpoints or to some.
    pub fn new(network: &Network, dead: &[EdgeId], only: Option<&[EndpointId]>) -> Result<Self, RouteError> {
        let mut alive = vec![true; network.edges.len()];
        for edge in dead {
            if let Some(alive) = alive.get_mut(edge.index()) {
                *alive = false;
            }
        }
        let rows = rows(network, &alive);
        let mut row_of = vec![NONE; network.nodes.len()];
        for (at, node) in rows.iter().enumerate() {
            row_of[node.index()] = at as u32;
        }
        let mut table = Self {
            row_of,
            column_of: vec![NONE; network.endpoints.len()],
            columns: 0,
            entries: Vec::new(),
            set_start: Vec::new(),
            sets: Vec::new(),
            direct_start: Vec::new(),
            direct: Vec::new(),
            edges: Vec::new(),
            falls: false,
            longest: 1,
        };
        let columns = table.find_columns(network, &alive, only);
        table.columns = columns.len();
        let bytes = rows.len() as u64 * columns.len() as u64 * 2;
        if bytes > MOST_TABLE_BYTES {
            return Err(RouteError::TooLarge(bytes));
        }
        table.fill(network, &alive, &rows, &columns)?;
        table.falls = table.entries.len() <= MOST_CHECKED && table.every_way_falls(network, &rows);
        Ok(table)
    }

    /// Groups endpoints and writes down how their neighbours deliver.
    fn find_columns(&mut self, network: &Network, alive: &[bool], only: Option<&[EndpointId]>) -> Vec<Column> {
        let mut wanted = vec![only.is_none(); network.endpoints.len()];
        for endpoint in only.unwrap_or_default() {
            if let Some(wanted) = wanted.get_mut(endpoint.index()) {
                *wanted = true;
            }
        }
        let mut columns: Vec<Column> = Vec::new();
        let mut known: HashMap<Vec<(u32, u32)>, u32> = HashMap::new();
        for (endpoint, node) in network.endpoints.iter().enumerate() {
            self.direct_start.push(self.direct.len() as u32);
            if !wanted[endpoint] {
                continue;
            }
            // Edges into it, by the node that they come from, in that node's order.
            let into = network.out(*node).iter().map(|edge| edge.reverse()).filter(|edge| alive[edge.index()]);
            let mut into: Vec<EdgeId> = into.collect();
            into.sort_by_key(|edge| (network.edge(*edge).from, *edge));
            let mut near: Vec<(u32, u32)> = Vec::new();
            for edge in into {
                let (from, cost) = (network.edge(edge).from, cost(network.edge(edge).layer));
                match (near.last_mut(), self.direct.last_mut()) {
                    (Some((last, least)), Some((_, _, count))) if *last == from.0 => {
                        *least = (*least).min(cost);
                        *count += 1;
                    }
                    _ => {
                        near.push((from.0, cost));
                        self.direct.push((from, self.edges.len() as u32, 1));
                    }
                }
                self.edges.push(edge);
            }
            let column = *known.entry(near).or_insert_with_key(|near| {
                columns.push(Column { near: near.clone(), members: 0 });
                columns.len() as u32 - 1
            });
            columns[column as usize].members += 1;
            self.column_of[endpoint] = column;
        }
        self.direct_start.push(self.direct.len() as u32);
        columns
    }

    fn fill(
        &mut self,
        network: &Network,
        alive: &[bool],
        rows: &[NodeId],
        columns: &[Column],
    ) -> Result<(), RouteError> {
        let width = columns.len();
        let mut entries = vec![0u16; rows.len() * width];
        let mut states: Vec<Row> = rows.iter().map(|_| Row::default()).collect();
        let too_many = || RouteError::TooLarge(MOST_TABLE_BYTES + 1);
        for (batch, some) in columns.chunks(BATCH).enumerate() {
            let ways: Vec<Ways> = some.par_iter().map(|column| Ways::to(network, alive, column)).collect();
            self.longest = ways.iter().fold(self.longest, |longest, ways| longest.max(ways.longest));
            let first = batch * BATCH;
            let filled =
                entries.par_chunks_mut(width.max(1)).zip(&mut states).zip(rows).all(|((entries, row), node)| {
                    ways.iter().zip(&mut entries[first..]).all(|(ways, entry)| {
                        let set = if ways.near.binary_search(&node.0).is_ok() {
                            Some(DIRECT)
                        } else {
                            row.scratch.clear();
                            let here = ways.cost[node.index()];
                            let on = |edge: &&EdgeId| {
                                here != FAR && alive[edge.index()] && ways.leads(network, **edge, here)
                            };
                            row.scratch.extend(network.out(*node).iter().filter(on));
                            row.intern()
                        };
                        *entry = set.unwrap_or(0);
                        set.is_some()
                    })
                });
            if !filled {
                return Err(too_many());
            }
        }
        self.entries = entries;
        for row in states {
            self.set_start.push(self.sets.len() as u32);
            let base = u32::try_from(self.edges.len()).map_err(|_| too_many())?;
            self.sets.extend(row.sets.iter().map(|(at, len)| (at + base, *len)));
            self.edges.extend(row.edges);
        }
        Ok(())
    }

    /// Whether no way goes up or level after it went down or level.
    fn every_way_falls(&self, network: &Network, rows: &[NodeId]) -> bool {
        let tier = |node: NodeId| network.node(node).tier;
        let climbs = |node: NodeId, column: usize| match self.entry(node, column) {
            Some(edges) => edges.iter().any(|edge| tier(network.edge(*edge).to) >= tier(node)),
            None => false,
        };
        rows.par_iter().all(|node| {
            (0..self.columns).all(|column| {
                self.entry(*node, column).unwrap_or(&[]).iter().all(|edge| {
                    let next = network.edge(*edge).to;
                    tier(next) > tier(*node) || !climbs(next, column)
                })
            })
        })
    }

    /// The set of a node and column; `None` where it delivers at once or has no row.
    fn entry(&self, node: NodeId, column: usize) -> Option<&[EdgeId]> {
        let row = self.row_of[node.index()];
        if row == NONE {
            return None;
        }
        match self.entries[row as usize * self.columns + column] {
            DIRECT => None,
            set => {
                let (at, len) = self.sets[self.set_start[row as usize] as usize + usize::from(set)];
                Some(&self.edges[at as usize..(at + len) as usize])
            }
        }
    }

    /// See [`super::Routes::choices`].
    pub fn choices<'a>(&'a self, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
        if network.node_of(to) == node {
            return &[];
        }
        let row = self.row_of[node.index()];
        if row == NONE {
            return network.out(node);
        }
        let column = self.column_of[to.index()];
        if column == NONE {
            return &[];
        }
        match self.entry(node, column as usize) {
            Some(edges) => edges,
            None => {
                let near = self.direct_start[to.index()] as usize..self.direct_start[to.index() + 1] as usize;
                let found = self.direct[near].iter().find(|(neighbour, _, _)| *neighbour == node);
                found.map_or(&[], |(_, at, len)| &self.edges[*at as usize..(*at + *len) as usize])
            }
        }
    }

    /// Whether every endpoint reaches every other.
    pub fn check(&self, network: &Network) -> Result<(), RouteError> {
        let mut members = vec![0u32; self.columns];
        let mut last = vec![EndpointId(0); self.columns];
        for (at, column) in self.column_of.iter().enumerate().filter(|(_, column)| **column != NONE) {
            members[*column as usize] += 1;
            last[*column as usize] = EndpointId(at as u32);
        }
        let mut seen = vec![false; network.nodes.len()];
        for (at, node) in network.endpoints.iter().enumerate() {
            // An endpoint without a row has one edge; what is behind it stands for it.
            let own = if self.row_of[node.index()] == NONE {
                network.out(*node).first().map_or(*node, |edge| network.edge(*edge).to)
            } else {
                *node
            };
            if std::mem::replace(&mut seen[own.index()], true) {
                continue;
            }
            let blocked = (0..self.columns).find(|column| {
                let alone = members[*column] == 1 && last[*column].index() == at;
                !alone && self.entry(own, *column).is_some_and(<[EdgeId]>::is_empty)
            });
            if let Some(column) = blocked {
                return Err(RouteError::Unreachable(EndpointId(at as u32), last[column]));
            }
        }
        Ok(())
    }

    /// Whether every way goes up and then down.
    pub fn falls(&self) -> bool {
        self.falls
    }

    /// Most hops.
    pub fn longest(&self) -> u8 {
        self.longest
    }

    /// Bytes of tables.
    pub fn bytes(&self) -> usize {
        4 * (self.row_of.len()
            + self.column_of.len()
            + self.set_start.len()
            + self.direct_start.len()
            + self.edges.len())
            + 2 * self.entries.len()
            + 8 * self.sets.len()
            + 12 * self.direct.len()
    }
}

/// Nodes that need a row: all that forward, and endpoints with a choice or without an edge.
fn rows(network: &Network, alive: &[bool]) -> Vec<NodeId> {
    let needs = |node: &NodeId| {
        let out = network.out(*node);
        network.node(*node).kind != NodeKind::Endpoint
            || out.len() != 1
            || out.iter().any(|edge| !alive[edge.index()])
            || out.iter().any(|edge| network.node(network.edge(*edge).to).kind == NodeKind::Endpoint)
    };
    (0..network.nodes.len() as u32).map(NodeId).filter(needs).collect()
}

/// Least costs from every node to one column.
struct Ways {
    cost: Vec<u32>,
    /// Nodes that deliver at once, rising.
    near: Vec<u32>,
    longest: u8,
    forwards: Vec<bool>,
}

impl Ways {
    fn to(network: &Network, alive: &[bool], column: &Column) -> Self {
        let forwards: Vec<bool> = network.nodes.iter().map(|node| node.kind != NodeKind::Endpoint).collect();
        let mut ways = Self {
            cost: vec![FAR; network.nodes.len()],
            near: column.near.iter().map(|(node, _)| *node).collect(),
            longest: 1,
            forwards,
        };
        let mut hops = vec![0u8; network.nodes.len()];
        // Dial's algorithm: a bucket per cost, since costs are small.
        let mut buckets: Vec<Vec<u32>> = Vec::new();
        let put = |buckets: &mut Vec<Vec<u32>>, cost: u32, node: u32| {
            if buckets.len() <= cost as usize {
                buckets.resize_with(cost as usize + 1, Vec::new);
            }
            buckets[cost as usize].push(node);
        };
        for (node, cost) in &column.near {
            ways.cost[*node as usize] = *cost;
            hops[*node as usize] = 1;
            put(&mut buckets, *cost, *node);
        }
        let mut at = 0;
        while at < buckets.len() {
            for node in std::mem::take(&mut buckets[at]) {
                if ways.cost[node as usize] != at as u32 {
                    continue;
                }
                ways.longest = ways.longest.max(hops[node as usize]);
                // What cannot forward leads nowhere.
                if !ways.forwards[node as usize] {
                    continue;
                }
                for edge in network.out(NodeId(node)).iter().map(|edge| edge.reverse()) {
                    if !alive[edge.index()] {
                        continue;
                    }
                    let (before, total) = (network.edge(edge).from.index(), at as u32 + cost(network.edge(edge).layer));
                    if total < ways.cost[before] && ways.near.binary_search(&(before as u32)).is_err() {
                        ways.cost[before] = total;
                        hops[before] = hops[node as usize].saturating_add(1);
                        put(&mut buckets, total, before as u32);
                    } else if total == ways.cost[before] {
                        hops[before] = hops[before].max(hops[node as usize].saturating_add(1));
                    }
                }
            }
            at += 1;
        }
        ways
    }

    /// Whether an edge is on a way of least cost from a node of this cost.
    fn leads(&self, network: &Network, edge: EdgeId, here: u32) -> bool {
        let edge = network.edge(edge);
        let (next, layer) = (edge.to.index(), edge.layer);
        self.forwards[next] && self.cost[next] != FAR && self.cost[next] + cost(layer) == here
    }
}
