//! Flags that say what fails and when.

mod phrase;
mod places;
mod table;
mod wanted;

use std::path::PathBuf;

use clap::Args;
use lanewright_fabric::fault::{Change, Fault, Timeline};
use lanewright_fabric::network::{EdgeId, Network};
use lanewright_fabric::outcome::Outcome;
use lanewright_fabric::time::Time;
use lanewright_model::problem::{Problem, Problems};
use lanewright_model::text::Texts;
use serde::Serialize;

use super::{Refusal, units};
use crate::disk;
use places::Places;
use wanted::{Healthy, Wanted};

/// Options that say what fails and when.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Faults")]
pub struct FaultArgs {
    /// What goes wrong and when; may be given again: "link host[3] down at 100us until 300us", "link switch.t1[0].up[2]
    /// lanes 2 at 1ms", "link A--B ber 1e-12 to 1e-6 over 1ms at 0", "link A->B share 0.5 at 0", "link A flap 10us every
    /// 100us times 5 at 0", "node switch.t2[1] down at 1ms"
    #[arg(long, value_name = "LINE")]
    pub fault: Vec<String>,
    /// Faults from a TOML file: [[fault]] tables with link or node, what happens, at and until
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Time from a failure to routes that avoid it; else none
    #[arg(long, value_name = "US", value_parser = units::microseconds)]
    pub reconvergence_us: Option<Time>,
}

/// Faults as written, and what reading the network makes of them.
#[derive(Default)]
pub struct Faults {
    wanted: Vec<Wanted>,
    reconvergence: Option<Time>,
}

/// A fault as an answer tells of it.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// When, in µs.
    pub at_us: f64,
    /// The place and what happens there.
    pub what: String,
    /// When all is well again, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_us: Option<f64>,
    /// Messages that were under way when it came.
    pub messages_under_way: u64,
    /// Messages that were done by then.
    pub messages_done: u64,
    /// Packets lost on its links in the whole run (packet engine; links alone).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    #[serde(skip)]
    at: Time,
    #[serde(skip)]
    edges: Vec<EdgeId>,
}

impl FaultArgs {
    /// Whether anything is to fail.
    pub(super) fn given(&self) -> bool {
        self.faults.is_some() || !self.fault.is_empty()
    }

    /// Reads lines and file; errors become problems.
    pub(super) fn read(&self, texts: &mut Texts, problems: &mut Problems) -> Result<Faults, Refusal> {
        let mut faults = Faults { wanted: Vec::new(), reconvergence: None };
        if let Some(path) = &self.faults {
            let name = path.display().to_string();
            let text = disk::read_text(path).map_err(|why| format!("cannot read {name}: {why}"))?;
            let file = texts.add(name, text);
            let table = table::read(file, texts, problems);
            faults.wanted = table.wanted;
            faults.reconvergence = table.reconvergence;
        }
        for line in &self.fault {
            let file = texts.add("--fault", line.as_str());
            match phrase::read(line, file) {
                Ok(wanted) => faults.wanted.push(wanted),
                Err(problem) => problems.push(problem),
            }
        }
        faults.reconvergence = self.reconvergence_us.or(faults.reconvergence);
        if problems.has_errors() { Err(Refusal::Problems) } else { Ok(faults) }
    }
}

impl Faults {
    /// Adds the changes of a network to those of the traffic file. `healthy`: ratio and burst of bit errors of links.
    pub(super) fn add(
        &self,
        network: &Network,
        healthy: (f64, f64),
        timeline: &mut Timeline,
        problems: &mut Problems,
    ) -> Result<Vec<Told>, Refusal> {
        timeline.reconvergence = self.reconvergence.unwrap_or(timeline.reconvergence);
        if self.wanted.is_empty() {
            return Ok(Vec::new());
        }
        let places = Places::new(network);
        let healthy = Healthy { ratio: healthy.0, burst: healthy.1 };
        let mut told = Vec::new();
        for wanted in &self.wanted {
            match wanted.faults(&places, healthy) {
                Ok((faults, edges)) => {
                    timeline.faults.extend(faults);
                    told.push(Told {
                        at_us: wanted.at.as_us(),
                        what: format!(
                            "{} {} {}",
                            if wanted.node { "node" } else { "link" },
                            wanted.place.value,
                            wanted.kind.value.words()
                        ),
                        until_us: wanted.until.as_ref().map(|until| until.value.as_us()),
                        messages_under_way: 0,
                        messages_done: 0,
                        lost: None,
                        at: wanted.at,
                        edges,
                    });
                }
                Err((span, why)) => problems.push(Problem::error("fault", why, span, "here")),
            }
        }
        if problems.has_errors() {
            return Err(Refusal::Problems);
        }
        *timeline = std::mem::take(timeline).sorted();
        told.sort_by_key(|fault| fault.at);
        Ok(told)
    }

    /// What a reader must know of how the network goes on after failures.
    pub fn note(&self, timeline: &Timeline) -> Option<String> {
        let fails = |fault: &Fault| {
            fault.at > Time::ZERO && matches!(fault.change, Change::Down { .. } | Change::NodeDown { .. })
        };
        (self.reconvergence.is_none() && timeline.faults.iter().any(fails)).then(|| {
            "routes avoid what fails from the same moment on; --reconvergence-us says how long they take".into()
        })
    }
}

impl Told {
    /// What the outcome says of a fault.
    pub fn fill(&mut self, outcome: &Outcome) {
        for finish in &outcome.finishes {
            if finish.acknowledged != Time::NEVER && finish.acknowledged <= self.at {
                self.messages_done += 1;
            } else if finish.start != Time::NEVER && finish.start <= self.at {
                self.messages_under_way += 1;
            }
        }
        let lost: Option<Vec<u64>> =
            self.edges.iter().map(|edge| outcome.edges.get(edge.index()).map(|used| used.lost)).collect();
        self.lost = lost.filter(|lost| !lost.is_empty()).map(|lost| lost.into_iter().sum());
    }
}

/// Edges that are down when all changes have been made.
pub fn down_at_last(network: &Network, timeline: &Timeline) -> Vec<EdgeId> {
    let mut dead = vec![false; network.edges.len()];
    let mut stopped = vec![false; network.nodes.len()];
    for fault in &timeline.faults {
        match fault.change {
            Change::Down { edge } => dead[edge.index()] = true,
            Change::Up { edge } => dead[edge.index()] = false,
            Change::NodeDown { node } => stopped[node.index()] = true,
            Change::NodeUp { node } => stopped[node.index()] = false,
            Change::Rate { .. } | Change::BitErrors { .. } => {}
        }
    }
    let gone = |at: &usize| {
        let edge = &network.edges[*at];
        dead[*at] || stopped[edge.from.index()] || stopped[edge.to.index()]
    };
    (0..network.edges.len()).filter(gone).map(|at| EdgeId(at as u32)).collect()
}
