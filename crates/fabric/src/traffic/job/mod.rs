//! Our own traffic file (TOML): messages, patterns, collectives, computing and memory operations as named steps that wait
//! for each other, alone or in phases that repeat.
//!
//! ```text
//! [[compute]]
//! id = "backward"
//! time = "150us"
//!
//! [[collective]]
//! operation = "all-reduce"
//! across = 8
//! bytes = "256MiB"
//! after = ["backward"]
//! ```
//!
//! `tables` is the file as written; [`read`] finds everything that is wrong with it by itself (`order`: names, waits in
//! circles); [`Job::traffic`] finds the rest on a network (`plan`: which ranks, how much) and makes the tasks (`lower`).

mod forms;
mod lower;
mod order;
mod plan;
mod tables;

pub use tables::JobFile;

use std::collections::BTreeMap;
use std::ops::Range;

use lanewright_model::problem::Problems;
use lanewright_model::read::{Document, FromNode, Reader};
use lanewright_model::text::{FileId, Placed, Texts};

use crate::collective::{Algorithm, Collective, Operation};
use crate::time::{Rate, Time};
use crate::traffic::{Traffic, When};
use forms::Ranks;
use tables::{CollectiveTable, ComputeTable, MemoryTable, MessageTable, PatternTable, Usual};

/// A traffic file whose names are sound.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it calls itself.
    pub name: Option<String>,
    /// Ranks that it says it has.
    pub ranks: Option<u32>,
    endpoints: Option<Placed<Ranks>>,
    groups: BTreeMap<String, Placed<Ranks>>,
    items: Vec<Item>,
    /// Items of the whole file in an order in which nothing waits for what comes later.
    top: Vec<usize>,
}

/// A step or a phase.
#[derive(Clone, Debug)]
struct Item {
    /// Its name, or table and place: `message[2]`.
    name: String,
    usual: Usual,
    /// Items of the same phase that it waits for.
    after: Vec<usize>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Items in an order in which nothing waits for what comes later.
    Phase(Vec<usize>),
    Message(MessageTable),
    Pattern(PatternTable),
    Collective(CollectiveTable),
    Compute(ComputeTable),
    Memory(MemoryTable),
}

impl Kind {
    fn word(&self) -> &'static str {
        match self {
            Self::Phase(_) => "phase",
            Self::Message(_) => "message",
            Self::Pattern(_) => "pattern",
            Self::Collective(_) => "collective",
            Self::Compute(_) => "compute",
            Self::Memory(_) => "memory",
        }
    }
}

/// Where a job is to run.
pub struct Ground<'a> {
    /// Endpoints that can be ranks: the first so many.
    pub endpoints: u32,
    /// Rate of an endpoint's links.
    pub rate: Rate,
    /// Where chance comes from.
    pub seed: u64,
    /// The algorithm of collectives that name none: for an operation among so many ranks of so many bytes.
    pub algorithm: &'a dyn Fn(Operation, usize, u64) -> Algorithm,
    /// Most tasks.
    pub limit: u64,
}

/// One run of a step, or of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its index in [`Made::steps`].
    pub step: u32,
    /// Its tasks; those of a phase are those of its steps.
    pub tasks: Range<u32>,
}

/// A step or phase as results name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, or table and place.
    pub name: String,
    /// Its table.
    pub kind: &'static str,
    /// One of the collectives that it is (all of its groups are alike but for their members).
    pub collective: Option<Collective>,
    /// When it counts as done.
    pub when: When,
}

/// A job as traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The tasks.
    pub traffic: Traffic,
    /// Steps and phases in the order of the file.
    pub steps: Vec<Step>,
    /// Their runs, in the order made.
    pub parts: Vec<Part>,
}

/// Reads a text that is in `texts`. Every error becomes a problem; `None` when there was one.
pub fn read(file: FileId, texts: &Texts, problems: &mut Problems) -> Option<Job> {
    let before = problems.errors();
    let document = Document::parse(file, texts, problems);
    let file = JobFile::from_node(&document.root, &mut Reader { problems });
    let file = file.filter(|_| problems.errors() == before)?;
    let job = order::job(file, problems);
    job.filter(|_| problems.errors() == before)
}

impl Job {
    /// The traffic on a network. Every error becomes a problem; `None` when there was one.
    pub fn traffic(&self, ground: &Ground<'_>, problems: &mut Problems) -> Option<Made> {
        let before = problems.errors();
        let plans = plan::plans(self, ground, problems);
        let plans = plans.filter(|_| problems.errors() == before)?;
        Some(lower::lower(self, &plans, ground.seed))
    }
}

/// When a repetition begins after the first that does not wait for the one before.
fn later(every: Time, turn: u32) -> Time {
    Time(every.0.saturating_mul(u64::from(turn)))
}

#[cfg(test)]
mod tests;
