//! The flow engine: rates shared among whole messages, max-min fair.
//!
//! A message first waits for the delay of its way, then takes its fair share of every edge on it until its bytes are
//! through: without contention it takes `delay + bytes / rate`. Shares follow progressive filling; every direction of a
//! link is a constraint of its own. That is SimGrid's CM02 model without its corrections for TCP (Velho, Schnorr, Casanova,
//! Legrand, "On the validity of flow-level TCP network models for grid and cloud simulations", 2013). There are no queues
//! and no losses, and a share is reached at once; [`short`] is where a correction for that enters.
//!
//! Only what is connected with a change is shared anew (`engine`); messages that share alike are one variable and edges
//! that cannot decide are left out (`table`).

mod agenda;
mod answer;
mod engine;
mod fold;
mod framed;
mod in_network;
mod mirror;
mod network_state;
mod pairs;
mod queue;
mod record;
mod recorder;
mod reroute;
pub mod resolution;
mod share;
pub mod short;
mod solve;
mod symmetry;
mod table;
mod way;

#[cfg(test)]
mod tests;

pub use fold::FOLD_LIMIT;
pub use way::{Way, Ways};

use crate::alone::Framing;
use crate::fault::{Change, Timeline};
use crate::network::{EndpointId, Network};
use crate::outcome::{Observer, Outcome, Sampling};
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::rounds::Rounds;
use crate::traffic::{TaskId, Traffic, TrafficError};

/// What messages that share an edge get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fairness {
    /// All alike: what congestion control in a data centre aims at.
    #[default]
    Equal,
    /// In inverse proportion to the delay of their ways, as TCP shares and as SimGrid does in its CM02 model.
    ByDelay,
}

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which ways messages take.
    pub ways: Ways,
    /// What messages that share an edge get.
    pub fairness: Fairness,
    /// Messages of connected classes that end within this share of the time that the first of them took are handled in one
    /// solution. 0, the default, is exact; 0.02 makes a million messages of unequal sizes a matter of two to three seconds,
    /// with a makespan off by 0.2 % (all-to-all of 128 hosts against the exact answer).
    pub resolution: f64,
    /// Chooses the resolution by what the exact answer costs ([`resolution`]); the outcome's notes say which it was.
    pub automatic: bool,
    /// From the beginning of a message to its NIC's knowledge of it; not for messages that leave by scale-up links.
    pub doorbell: Time,
    /// Whether to say what every edge carried.
    pub edges: bool,
    /// What to record over time.
    pub sampling: Option<Sampling>,
    /// How messages are cut into packets, whose headers, times at switches and acknowledgements then count. `None`, the
    /// default: messages are streams of bytes, and done when the last of them has arrived.
    pub framing: Option<Framing>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowError {
    /// A task cannot run.
    Traffic(TrafficError),
    /// No way leads from one endpoint to another.
    Unreachable(EndpointId, EndpointId),
    /// The task names members that the traffic does not list.
    NoGroup(TaskId),
    /// An operation of the network has fewer than two members.
    TooFew,
    /// A fault (by its place in the timeline) names an edge or a node that the network does not have.
    NoSuchPlace(usize),
    /// A fault (by its place in the timeline) sets a share of the rate that is not above 0 and at most 1.
    Share(usize),
    /// The resolution is negative, not a number, or 1 and more.
    Resolution,
    /// More tasks, ways or edges than can be counted.
    TooLarge,
}

impl std::fmt::Display for FlowError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Traffic(error) => error.fmt(out),
            Self::Unreachable(from, to) => write!(out, "no way leads from endpoint {} to endpoint {}", from.0, to.0),
            Self::NoGroup(task) => {
                write!(out, "task {} names a group of members that the traffic does not list", task.0)
            }
            Self::TooFew => write!(out, "an operation of the network needs at least two different members"),
            Self::NoSuchPlace(fault) => {
                write!(out, "fault {fault} names an edge or node that the network does not have")
            }
            Self::Share(fault) => write!(out, "fault {fault}: a share of the rate lies above 0 and is at most 1"),
            Self::Resolution => write!(out, "the resolution of the flow engine lies from 0 to below 1"),
            Self::TooLarge => write!(out, "more messages, ways or edges than can be counted (4,294,967,295)"),
        }
    }
}

impl std::error::Error for FlowError {}

impl From<TrafficError> for FlowError {
    fn from(error: TrafficError) -> Self {
        Self::Traffic(error)
    }
}

/// Runs traffic over a network. Tasks that wait for each other in a circle stay unfinished; [`Traffic::check`] names them.
pub fn run(
    network: &Network,
    routes: &Routes,
    traffic: &Traffic,
    faults: &Timeline,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Outcome, FlowError> {
    if !(0.0..1.0).contains(&settings.resolution) {
        return Err(FlowError::Resolution);
    }
    if u32::try_from(traffic.tasks.len()).is_err() {
        return Err(FlowError::TooLarge);
    }
    for (at, fault) in faults.faults.iter().enumerate() {
        let known = match fault.change {
            Change::Down { edge } | Change::Up { edge } | Change::BitErrors { edge, .. } => {
                edge.index() < network.edges.len()
            }
            Change::Rate { edge, share } => {
                if !(share > 0.0 && share <= 1.0) {
                    return Err(FlowError::Share(at));
                }
                edge.index() < network.edges.len()
            }
            Change::NodeDown { node } | Change::NodeUp { node } => node.index() < network.nodes.len(),
        };
        if !known {
            return Err(FlowError::NoSuchPlace(at));
        }
    }
    engine::Engine::new(network, routes, traffic, faults, settings)?.run(observer)
}

/// Runs traffic in rounds over a network without faults, one message for all that are alike; with the traffic that was run,
/// whose tasks know how many messages each stands for. Times are those of the messages one by one. What edges carry is not
/// counted, and messages are not cut into packets. `None` where so little is alike that more than [`FOLD_LIMIT`] tasks would be left.
pub fn run_rounds(
    network: &Network,
    routes: &Routes,
    rounds: &Rounds,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Option<(Traffic, Outcome)>, FlowError> {
    if !(0.0..1.0).contains(&settings.resolution) {
        return Err(FlowError::Resolution);
    }
    let settings = Settings { edges: false, sampling: None, framing: None, ..settings.clone() };
    let healthy = Timeline::default();
    let Some(folded) = fold::fold(network, routes, rounds, &healthy, &settings)? else { return Ok(None) };
    let fold::Folded { traffic, state, table, way, followed } = folded;
    let mut outcome = engine::Engine::with(&traffic, &settings, state, table, way).run(observer)?;
    outcome.notes.push(format!(
        "{} messages are alike in {} ways: one of each was followed, of {followed} of {} ranks",
        rounds.messages(),
        traffic.copies.iter().filter(|copies| **copies > 0).count(),
        rounds.members.len()
    ));
    if rounds.rounded_up {
        outcome
            .notes
            .push("parts are not equal: each was rounded up to whole bytes, at most a byte too many".to_owned());
    }
    Ok(Some((traffic, outcome)))
}
