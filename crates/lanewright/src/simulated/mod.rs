//! A finished simulation with everything that its outputs need: the report, the tables, the trace.

pub mod flow_rows;
pub mod link_rows;
pub mod trace;
pub mod watch;

#[cfg(test)]
pub(crate) mod fixture;

use lanewright_fabric::alone::{Alone, Framing};
use lanewright_fabric::fault::{Change, Timeline};
use lanewright_fabric::flow::Ways;
use lanewright_fabric::flow::short::Bands;
use lanewright_fabric::network::{EdgeId, EndpointId, Network, NodeId, NodeKind};
use lanewright_fabric::outcome::{End, Finish, Outcome};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::{Task, TaskId, Traffic, Work};

/// A collective operation as users count its bandwidth.
#[derive(Clone, Debug, PartialEq)]
pub struct BandwidthRow {
    /// Operation and algorithm.
    pub collective: String,
    /// Ranks that take part.
    pub ranks: u64,
    /// Bytes as the convention of NCCL's tests counts them.
    pub bytes: u64,
    /// Time in µs.
    pub time_us: f64,
    /// Bytes over time, 1e9 B/s.
    pub algbw_gbytes_per_s: f64,
    /// The same times the operation's factor.
    pub busbw_gbytes_per_s: f64,
}

/// What was run, in words and figures that the outcome does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What travels: a file, a pattern, a collective operation.
    pub title: String,
    /// The network in words.
    pub network: String,
    /// `packet` or `flow`.
    pub engine: String,
    /// Command that makes the same again.
    pub command: String,
    /// Where all chance came from, if there was any.
    pub seed: Option<u64>,
    /// Settings worth naming: name and value.
    pub settings: Vec<(String, String)>,
    /// Processor seconds of the engine.
    pub cpu_seconds: Option<f64>,
    /// Bandwidths of collective operations.
    pub bandwidths: Vec<BandwidthRow>,
    /// Bands of completion times and makespan, where they are forecast.
    pub bands: Option<Bands>,
    /// Estimates used and limits reached, of network and engine.
    pub notes: Vec<String>,
}

/// A finished simulation.
#[derive(Clone, Copy)]
pub struct Simulated<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its routes.
    pub routes: &'a Routes,
    /// What travelled.
    pub traffic: &'a Traffic,
    /// What went wrong.
    pub faults: &'a Timeline,
    /// What came out.
    pub outcome: &'a Outcome,
    /// Which end of a message counts.
    pub end: End,
    /// Whether messages take one way or all.
    pub ways: Ways,
    /// Ways that a message may have crossed, as far as is known afterwards.
    pub crossed: Ways,
    /// How payload was cut into packets; `None` of the flow engine without corrections.
    pub framing: Option<Framing>,
    /// The rest.
    pub facts: &'a Facts,
}

impl<'a> Simulated<'a> {
    /// When a task was done, as this run counts.
    pub fn done(&self, finish: &Finish) -> Time {
        match self.end {
            End::Delivered => finish.delivered,
            End::Acknowledged => finish.acknowledged,
        }
    }

    /// Times of messages alone.
    pub fn alone(&self) -> Alone<'a> {
        Alone::new(self.network, self.routes, self.ways, self.framing)
    }

    /// Time over which use of links is counted: until the last task was done; of a stopped run until it was stopped.
    pub fn span(&self) -> Time {
        let last = self.outcome.makespan(self.end);
        if self.outcome.stopped || last == Time::ZERO { self.outcome.end.max(last) } else { last }
    }

    /// Share of its healthy rate that a direction of a link carried over the whole span. `None` where links were not
    /// counted or no time passed.
    pub fn utilisation(&self, edge: EdgeId) -> Option<f64> {
        let used = self.outcome.edges.get(edge.index())?;
        let (seconds, rate) = (self.span().as_seconds(), self.network.edge(edge).rate.bytes_per_second());
        (seconds > 0.0).then(|| used.bytes as f64 / (rate * seconds))
    }

    /// What the file calls a task, else its number.
    pub fn label(&self, task: TaskId) -> u64 {
        self.traffic.labels.get(task.index()).copied().unwrap_or(u64::from(task.0))
    }

    /// All tasks with their times.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, &'a Task, &'a Finish)> {
        let pairs = self.traffic.tasks.iter().zip(&self.outcome.finishes);
        pairs.enumerate().map(|(at, (task, finish))| (TaskId(at as u32), task, finish))
    }
}

/// Bytes of payload that a task moves; `None` of delays.
pub fn bytes_of(work: &Work) -> Option<u64> {
    match work {
        Work::Message { bytes, .. } | Work::InNetwork { bytes, .. } => Some(*bytes),
        Work::Delay { .. } => None,
    }
}

/// Names of all nodes, found in one pass.
pub struct Names<'a> {
    network: &'a Network,
    /// Place of each node among those of its kind and tier; empty where nodes have names of their own.
    places: Vec<u32>,
}

impl<'a> Names<'a> {
    /// Of a network.
    pub fn new(network: &'a Network) -> Self {
        let mut next = std::collections::HashMap::<(NodeKind, u8), u32>::new();
        let count = |node: &lanewright_fabric::network::Node| {
            let slot = next.entry((node.kind, node.tier)).or_default();
            *slot += 1;
            *slot - 1
        };
        let places = if network.names.is_empty() { network.nodes.iter().map(count).collect() } else { Vec::new() };
        Self { network, places }
    }

    /// Of a node, as [`Network::name`] says it.
    pub fn node(&self, id: NodeId) -> String {
        let Some(place) = self.places.get(id.index()) else { return self.network.name(id) };
        let node = self.network.node(id);
        match node.kind {
            NodeKind::Endpoint => format!("host[{place}]"),
            NodeKind::Switch => format!("switch.t{}[{place}]", node.tier),
            NodeKind::Bridge => format!("bridge[{place}]"),
        }
    }

    /// Of an endpoint.
    pub fn endpoint(&self, id: EndpointId) -> String {
        self.node(self.network.node_of(id))
    }

    /// Of a direction of a link.
    pub fn edge(&self, id: EdgeId) -> String {
        let edge = self.network.edge(id);
        format!("{} → {}", self.node(edge.from), self.node(edge.to))
    }

    /// Of a change.
    pub fn change(&self, change: &Change) -> String {
        match change {
            Change::Down { edge } => format!("{} down", self.edge(*edge)),
            Change::Up { edge } => format!("{} up", self.edge(*edge)),
            Change::Rate { edge, share } if *share >= 1.0 => format!("{} at full rate", self.edge(*edge)),
            Change::Rate { edge, share } => format!("{} at {:.1} % of its rate", self.edge(*edge), share * 100.0),
            Change::BitErrors { edge, ratio, burst } => {
                format!("{}: bit error ratio {ratio:.1e} in bursts of {burst}", self.edge(*edge))
            }
            Change::NodeDown { node } => format!("{} down", self.node(*node)),
            Change::NodeUp { node } => format!("{} up", self.node(*node)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_networks_own() {
        let run = fixture::permutation();
        let names = Names::new(&run.network);
        for at in 0..run.network.nodes.len() as u32 {
            assert_eq!(names.node(NodeId(at)), run.network.name(NodeId(at)));
        }
    }
}
