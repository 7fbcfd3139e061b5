//! Connection matrices: htsim's text form (`.cm`) of flows, of triggers that start one flow when another ends, and of
//! failed links.
//!
//! ```text
//! Nodes 128
//! Connections 2
//! Triggers 1
//! 0->64 id 1 start 0 size 2000000 send_done_trigger 1
//! 1->65 id 2 trigger 1 size 2000000
//! trigger id 1 oneshot
//! ```
//!
//! Starts are in microseconds, sizes in bytes of payload. That is what `htsim_uec` makes of a start (uet-htsim, `uec.cpp` and
//! `main_uec.cpp`, read in 2026), though a comment in its reader says picoseconds. What that reader (`connection_matrix.cpp`)
//! takes is taken here, with these differences: sizes have 64 bits (there 31); starts have decimals (there whole
//! microseconds of 24 bits); `recv_done_trigger` fires (there it does not in `htsim_uec`); comments and further spaces may stand
//! anywhere; and what there ends in an assertion is an error with a place.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use super::{Builder, TaskId, Traffic, TrafficError, When, Work};
use crate::network::{EndpointId, Network};
use crate::time::Time;

mod failures;
mod from_traffic;
mod read;

pub use failures::{FailedLink, SwitchTier};
pub use from_traffic::NotAMatrix;
pub use read::{CM_LIMIT_BYTES, read};

/// When a connection starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a time.
    At(Time),
    /// When the trigger with this number fires.
    On(u32),
}

/// One flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who sends: rank of the endpoint.
    pub from: u32,
    /// Who receives.
    pub to: u32,
    /// Number of the flow in the file; 0 when it has none.
    pub id: u64,
    /// Number of the message on a connection that is used again (`msg`); 0 when it has none.
    pub message: Option<u64>,
    /// When it starts.
    pub start: Start,
    /// Payload in bytes.
    pub bytes: u64,
    /// Trigger that is activated when the sender knows that all has arrived; 0 for none.
    pub send_done: u32,
    /// Trigger that is activated when the receiver has all; 0 for none.
    pub recv_done: u32,
    /// Priority, as written. No engine uses it, nor does `htsim_uec`.
    pub priority: Option<u32>,
}

/// What a trigger does when it is activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// Starts all that wait for it; may be activated once.
    OneShot,
    /// Starts the next of those that wait for it, in the order of the file.
    MultiShot,
    /// Starts all that wait for it when it has been activated so many times.
    Barrier {
        /// How many times.
        count: u32,
    },
}

/// A trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its number, not 0.
    pub id: u32,
    /// What it does.
    pub kind: TriggerKind,
}

/// A connection matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionMatrix {
    /// Number of endpoints.
    pub nodes: u32,
    /// Flows.
    pub connections: Vec<Connection>,
    /// Triggers.
    pub triggers: Vec<Trigger>,
    /// Links that are down from the start.
    pub failures: Vec<FailedLink>,
}

/// What is wrong with a connection matrix, by index of the connection or trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatrixError {
    /// A connection names an endpoint that the matrix does not have.
    NoNode(usize, u32),
    /// A connection to its own sender.
    ToItself(usize),
    /// A connection without bytes.
    Empty(usize),
    /// Two connections (first, second) have one number.
    SameId(usize, usize),
    /// Two triggers (first, second) have one number.
    SameTrigger(usize, usize),
    /// A connection names a trigger that no line defines.
    NoTrigger(usize, u32),
    /// Connections wait for a trigger that is activated too seldom (so many times) to start this one.
    NeverStarts {
        /// The connection that never starts.
        connection: usize,
        /// The trigger that it waits for.
        trigger: usize,
        /// How many connections activate the trigger.
        activated: usize,
    },
    /// A trigger is activated more often than it may be.
    TooOften {
        /// Which.
        trigger: usize,
        /// How many connections activate it.
        activated: usize,
        /// How often it may be activated.
        allowed: usize,
    },
    /// A barrier of nothing.
    EmptyBarrier(usize),
    /// Connections wait for each other in a circle.
    Circle(Vec<usize>),
}

impl fmt::Display for MatrixError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode(_, node) => write!(out, "there is no node {node}"),
            Self::ToItself(_) => write!(out, "a connection from a node to itself"),
            Self::Empty(_) => write!(out, "a connection without bytes"),
            Self::SameId(..) => write!(out, "two connections have the same id"),
            Self::SameTrigger(..) => write!(out, "two triggers have the same id"),
            Self::NoTrigger(_, trigger) => write!(out, "there is no trigger {trigger}"),
            Self::NeverStarts { activated, .. } => {
                write!(
                    out,
                    "this connection never starts: its trigger is activated {activated} time{}",
                    plural(*activated)
                )
            }
            Self::TooOften { activated, allowed, .. } => {
                write!(
                    out,
                    "{activated} connections activate this trigger, which may be activated {allowed} time{}",
                    plural(*allowed)
                )
            }
            Self::EmptyBarrier(_) => write!(out, "a barrier needs a count of at least 1"),
            Self::Circle(connections) => {
                write!(out, "{} connections wait for each other in a circle", connections.len())
            }
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Who activates a trigger and who waits for it.
#[derive(Clone, Debug, Default)]
struct Wires {
    sources: Vec<(u32, When)>,
    targets: Vec<u32>,
}

impl ConnectionMatrix {
    /// Every error in it but circles, in the order of the connections and then of the triggers.
    fn errors(&self) -> (Vec<MatrixError>, Vec<Wires>) {
        let mut errors = Vec::new();
        let mut by_id: HashMap<u32, usize> = HashMap::with_capacity(self.triggers.len());
        for (at, trigger) in self.triggers.iter().enumerate() {
            match by_id.get(&trigger.id) {
                Some(first) => errors.push(MatrixError::SameTrigger(*first, at)),
                None => {
                    by_id.insert(trigger.id, at);
                }
            }
        }
        let mut wires = vec![Wires::default(); self.triggers.len()];
        let mut ids: HashMap<u64, usize> = HashMap::with_capacity(self.connections.len());
        for (at, connection) in self.connections.iter().enumerate() {
            for node in [connection.from, connection.to] {
                if node >= self.nodes {
                    errors.push(MatrixError::NoNode(at, node));
                }
            }
            if connection.from == connection.to {
                errors.push(MatrixError::ToItself(at));
            }
            if connection.bytes == 0 {
                errors.push(MatrixError::Empty(at));
            }
            if connection.id != 0 && connection.message.is_none() {
                match ids.get(&connection.id) {
                    Some(first) => errors.push(MatrixError::SameId(*first, at)),
                    None => {
                        ids.insert(connection.id, at);
                    }
                }
            }
            let mut find = |id: u32| match by_id.get(&id) {
                Some(trigger) => Some(*trigger),
                None => {
                    errors.push(MatrixError::NoTrigger(at, id));
                    None
                }
            };
            if let Start::On(id) = connection.start
                && let Some(trigger) = find(id)
            {
                wires[trigger].targets.push(at as u32);
            }
            for (id, when) in [(connection.send_done, When::Acknowledged), (connection.recv_done, When::Delivered)] {
                if id != 0
                    && let Some(trigger) = find(id)
                {
                    wires[trigger].sources.push((at as u32, when));
                }
            }
        }
        for (at, (trigger, wires)) in self.triggers.iter().zip(&wires).enumerate() {
            let activated = wires.sources.len();
            let (allowed, started) = match trigger.kind {
                TriggerKind::OneShot => (1, if activated > 0 { wires.targets.len() } else { 0 }),
                TriggerKind::MultiShot => (usize::MAX, activated.min(wires.targets.len())),
                TriggerKind::Barrier { count } => {
                    if count == 0 {
                        errors.push(MatrixError::EmptyBarrier(at));
                    }
                    let reached = activated >= count as usize;
                    (count as usize, if reached { wires.targets.len() } else { 0 })
                }
            };
            if activated > allowed && allowed > 0 {
                errors.push(MatrixError::TooOften { trigger: at, activated, allowed });
            }
            if allowed > 0
                && let Some(first) = wires.targets.get(started)
            {
                errors.push(MatrixError::NeverStarts { connection: *first as usize, trigger: at, activated });
            }
        }
        (errors, wires)
    }

    /// The matrix as traffic: task `i` is connection `i`; where a barrier joins many connections to many, a delay of
    /// nothing stands between them after the last connection. Labels are the connections' numbers if any has one.
    ///
    /// A multi-shot trigger starts its n-th connection when the n-th of those that activate it *in the order of the file*
    /// is done; htsim takes them in the order in which they end.
    pub fn traffic(&self) -> Result<Traffic, Vec<MatrixError>> {
        let (errors, wires) = self.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut builder = Builder::default();
        let labelled = self.connections.iter().any(|connection| connection.id != 0);
        for connection in &self.connections {
            let not_before = match connection.start {
                Start::At(time) => time,
                Start::On(_) => Time::ZERO,
            };
            let (from, to) = (EndpointId(connection.from), EndpointId(connection.to));
            builder.task(Work::Message { from, to, bytes: connection.bytes }, not_before);
            if labelled {
                builder.label(connection.id);
            }
        }
        for (trigger, Wires { sources, targets }) in self.triggers.iter().zip(&wires) {
            let [Some(_), Some(first)] = [sources.first().map(|source| source.0), targets.first().copied()] else {
                continue;
            };
            if trigger.kind == TriggerKind::MultiShot {
                for ((source, when), target) in sources.iter().zip(targets) {
                    builder.after(TaskId(*source), TaskId(*target), *when);
                }
            } else if sources.len() * targets.len() <= sources.len() + targets.len() {
                for (source, when) in sources {
                    for target in targets {
                        builder.after(TaskId(*source), TaskId(*target), *when);
                    }
                }
            } else {
                let at = EndpointId(self.connections[first as usize].from);
                let hub = builder.task(Work::Delay { at, time: Time::ZERO }, Time::ZERO);
                if labelled {
                    builder.label(0);
                }
                for (source, when) in sources {
                    builder.after(TaskId(*source), hub, *when);
                }
                for target in targets {
                    builder.after(hub, TaskId(*target), When::Delivered);
                }
            }
        }
        let traffic = builder.build();
        match traffic.check(self.nodes as usize) {
            Ok(()) => Ok(traffic),
            Err(TrafficError::Cycle(tasks)) => {
                let count = self.connections.len();
                Err(vec![MatrixError::Circle(
                    tasks.iter().map(|task| task.index()).filter(|task| *task < count).collect(),
                )])
            }
            // Everything else was checked connection by connection above.
            Err(_) => Err(Vec::new()),
        }
    }

    /// The links that the matrix says are down, as faults from the start of the run, with routes that know of them at once
    /// (as htsim's do).
    pub fn faults(&self, network: &Network) -> Result<crate::fault::Timeline, String> {
        let mut timeline = crate::fault::Timeline::default();
        for failure in &self.failures {
            for edge in failure.edges(network)? {
                let change = crate::fault::Change::Down { edge };
                timeline.faults.push(crate::fault::Fault { at: Time::ZERO, change });
            }
        }
        Ok(timeline)
    }

    /// The matrix as text that htsim reads too.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(64 + 48 * self.connections.len());
        // Writing to a string cannot fail.
        let _ = writeln!(out, "Nodes {}\nConnections {}", self.nodes, self.connections.len());
        if !self.triggers.is_empty() {
            let _ = writeln!(out, "Triggers {}", self.triggers.len());
        }
        if !self.failures.is_empty() {
            let _ = writeln!(out, "Failures {}", self.failures.len());
        }
        for connection in &self.connections {
            let _ = write!(out, "{}->{}", connection.from, connection.to);
            if connection.id != 0 {
                let _ = write!(out, " id {}", connection.id);
            }
            match connection.message {
                Some(0) => out.push_str(" msg"),
                Some(message) => {
                    let _ = write!(out, " msg {message}");
                }
                None => {}
            }
            let _ = match connection.start {
                Start::At(Time(ps)) if ps % 1_000_000 == 0 => write!(out, " start {}", ps / 1_000_000),
                Start::At(Time(ps)) => write!(out, " start {}.{:06}", ps / 1_000_000, ps % 1_000_000),
                Start::On(trigger) => write!(out, " trigger {trigger}"),
            };
            let _ = write!(out, " size {}", connection.bytes);
            for (name, trigger) in
                [("send_done_trigger", connection.send_done), ("recv_done_trigger", connection.recv_done)]
            {
                if trigger != 0 {
                    let _ = write!(out, " {name} {trigger}");
                }
            }
            if let Some(priority) = connection.priority {
                let _ = write!(out, " prio {priority}");
            }
            out.push('\n');
        }
        for trigger in &self.triggers {
            let _ = match trigger.kind {
                TriggerKind::OneShot => writeln!(out, "trigger id {} oneshot", trigger.id),
                TriggerKind::MultiShot => writeln!(out, "trigger id {} multishot", trigger.id),
                TriggerKind::Barrier { count } => writeln!(out, "trigger id {} barrier count {count}", trigger.id),
            };
        }
        for FailedLink { tier, switch, link } in &self.failures {
            let _ = writeln!(out, "failure switch_type {} switch_id {switch} link_id {link}", tier.name());
        }
        out
    }
}

#[cfg(test)]
mod tests;
