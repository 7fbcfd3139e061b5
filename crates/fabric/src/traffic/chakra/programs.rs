//! The traces of a job as programs of ranks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lanewright_model::problem::{Problem, Problems};

use super::trace::{Node, Trace, kinds};
use crate::collective::Operation;
use crate::time::Time;
use crate::traffic::program::{Action, ProgramError, Programs, Step};

const CODE: &str = "chakra";

/// A job: one program per trace, and which node each step is.
#[derive(Clone, Debug)]
pub struct Job {
    /// The programs; rank `r` is the `r`-th file.
    pub programs: Programs,
    /// Names of the files.
    names: Vec<String>,
    /// File, byte, number and name of every step's node.
    nodes: Vec<(u32, usize, u64, String)>,
}

/// Reads the files of a job, each with its name, in order of rank. Every error becomes a problem that names file, byte
/// and node.
pub fn job(files: &[(&str, &[u8])], problems: &mut Problems) -> Option<Job> {
    let before = problems.errors();
    let mut traces = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        match Trace::read(bytes) {
            Ok(trace) => traces.push(trace),
            Err(error) => problems.push(
                Problem::whole(CODE, format!("{name}: byte {}: {}", error.at, error.what))
                    .help("a trace is what MLCommons Chakra's converters and generators write, one file per rank"),
            ),
        }
    }
    if problems.errors() > before {
        return None;
    }
    let ranks = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let mut maker = Maker {
        job: Job {
            programs: Programs { ranks, steps: Vec::new() },
            names: files.iter().map(|(name, _)| (*name).to_string()).collect(),
            nodes: Vec::new(),
        },
        groups: HashMap::new(),
        problems,
        untimed: 0,
    };
    for (rank, trace) in traces.iter().enumerate() {
        maker.rank(rank as u32, trace);
    }
    maker.whole_gathers();
    let Maker { job, untimed, .. } = maker;
    if untimed > 0 {
        let message = format!(
            "{untimed} nodes compute (num_ops) but have no duration: they take no time, since no model of the processor is \
             part of a fabric"
        );
        let mut problem = Problem::whole(CODE, message);
        problem.severity = lanewright_model::problem::Severity::Warning;
        problems.push(problem);
    }
    (problems.errors() == before).then_some(job)
}

impl Job {
    /// An error of the programs, as a problem that names files, bytes and nodes.
    pub fn problem(&self, error: &ProgramError) -> Problem {
        let mut message = error.to_string();
        if let Some(step) = error.step() {
            message = format!("{}: {message}", self.place(step));
        }
        if let Some(other) = error.other() {
            message.push_str(&format!("; the other is {}", self.place(other)));
        }
        if let ProgramError::Circle(steps) = error {
            let names: Vec<String> = steps.iter().take(8).map(|step| self.place(*step)).collect();
            message.push_str(&format!(": {}", names.join(" <- ")));
        }
        Problem::whole(CODE, message)
    }

    /// File, byte and node of a step.
    pub fn place(&self, step: u32) -> String {
        let Some((rank, at, id, name)) = self.nodes.get(step as usize) else { return format!("step {step}") };
        let file = self.names.get(*rank as usize).map_or("", String::as_str);
        format!("{file}: byte {at}: node {id} `{name}`")
    }
}

struct Maker<'a> {
    job: Job,
    groups: HashMap<String, u32>,
    problems: &'a mut Problems,
    untimed: usize,
}

impl Maker<'_> {
    /// All-gathers are counted in what all ranks have at the end: the parts of all members of the group.
    fn whole_gathers(&mut self) {
        let mut members: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for step in &self.job.programs.steps {
            if let Action::Collective { group, .. } = step.action {
                members.entry(group).or_default().insert(step.rank);
            }
        }
        for step in &mut self.job.programs.steps {
            if let Action::Collective { group, operation: Operation::AllGather, bytes, .. } = &mut step.action {
                let count = members.get(group).map_or(1, BTreeSet::len) as u64;
                *bytes = bytes.saturating_mul(count);
            }
        }
    }

    fn error(&mut self, rank: u32, node: &Node, message: &str) {
        let file = self.job.names.get(rank as usize).map_or("", String::as_str);
        let message = format!("{file}: byte {}: node {} `{}`: {message}", node.at, node.id, node.name);
        self.problems.push(Problem::whole(CODE, message));
    }

    fn rank(&mut self, rank: u32, trace: &Trace) {
        let first = self.job.programs.steps.len() as u32;
        let mut by_id: BTreeMap<u64, u32> = BTreeMap::new();
        for (at, node) in trace.nodes.iter().enumerate() {
            if by_id.insert(node.id, first + at as u32).is_some() {
                self.error(rank, node, "its number is given to two nodes");
            }
        }
        for node in &trace.nodes {
            let mut after = Vec::with_capacity(node.ctrl_deps.len() + node.data_deps.len());
            for id in node.ctrl_deps.iter().chain(&node.data_deps) {
                match by_id.get(id) {
                    Some(step) => after.push(*step),
                    None => self.error(rank, node, &format!("it waits for node {id}, which the file does not have")),
                }
            }
            after.sort_unstable();
            after.dedup();
            let action = self.action(rank, node).unwrap_or(Action::Compute(Time::ZERO));
            self.job.programs.steps.push(Step { rank, action, after, after_start: Vec::new() });
            self.job.nodes.push((rank, node.at, node.id, node.name.clone()));
        }
    }

    /// A whole number that an attribute gives. Reports one that is there and no such number.
    fn whole(&mut self, rank: u32, node: &Node, name: &str) -> Option<u64> {
        let attribute = node.attribute(name)?;
        let number = attribute.integer().and_then(|number| u64::try_from(number).ok());
        if number.is_none() {
            self.error(rank, node, &format!("`{name}` is not a whole number from 0"));
        }
        number
    }

    fn needed(&mut self, rank: u32, node: &Node, name: &str) -> Option<u64> {
        if node.attribute(name).is_none() {
            self.error(rank, node, &format!("it has no `{name}`"));
        }
        self.whole(rank, node, name)
    }

    fn peer(&mut self, rank: u32, node: &Node, name: &str) -> Option<u32> {
        let peer = self.needed(rank, node, name)?;
        let ranks = self.job.programs.ranks;
        match u32::try_from(peer).ok().filter(|peer| *peer < ranks) {
            Some(peer) => Some(peer),
            None => {
                self.error(rank, node, &format!("`{name}` is {peer}, but the job has {ranks} files"));
                None
            }
        }
    }

    fn action(&mut self, rank: u32, node: &Node) -> Option<Action> {
        Some(match node.kind {
            kinds::COMM_SEND => {
                let (to, bytes) = (self.peer(rank, node, "comm_dst"), self.needed(rank, node, "comm_size"));
                Action::Send { to: to?, bytes: bytes?, tag: self.whole(rank, node, "comm_tag").unwrap_or(0) }
            }
            kinds::COMM_RECV => {
                let (from, bytes) = (self.peer(rank, node, "comm_src"), self.needed(rank, node, "comm_size"));
                Action::Receive { from: from?, bytes: bytes?, tag: self.whole(rank, node, "comm_tag").unwrap_or(0) }
            }
            kinds::COMM_COLL => return self.collective(rank, node),
            0 => {
                self.error(rank, node, "a node without a kind");
                return None;
            }
            kind if kind > kinds::LAST => {
                self.error(rank, node, &format!("kind {kind} is not one that traces have"));
                return None;
            }
            kind => {
                if kind == kinds::COMP && node.duration_micros == 0 && node.attribute("num_ops").is_some() {
                    self.untimed += 1;
                }
                Action::Compute(Time::us(node.duration_micros))
            }
        })
    }

    /// A collective. `comm_size` is in bytes in ASTRA-sim's sense: what one rank puts in (of an all-gather its part); from
    /// its collective implementations as far as known.
    fn collective(&mut self, rank: u32, node: &Node) -> Option<Action> {
        let kind = self.needed(rank, node, "comm_type");
        let said = match kind {
            // A barrier has no bytes of its own.
            Some(9) => Some(1),
            _ => self.needed(rank, node, "comm_size"),
        };
        let (kind, said) = (kind?, said?);
        let name = node.attribute("pg_name").and_then(|attribute| {
            attribute.as_text().map(str::to_string).or_else(|| attribute.integer().map(|number| number.to_string()))
        });
        let next = self.groups.len() as u32;
        let group = *self.groups.entry(name.unwrap_or_default()).or_insert(next);
        let root = match self.whole(rank, node, "root_rank") {
            Some(root) => u32::try_from(root).unwrap_or(u32::MAX),
            None => 0,
        };
        let (operation, bytes) = match kind {
            0 | 9 => (Operation::AllReduce, said),
            2 => (Operation::AllGather, said),
            5 => (Operation::Broadcast, said),
            6 => (Operation::AllToAll, said),
            7 | 8 => (Operation::ReduceScatter, said),
            other => {
                let names = ["REDUCE", "GATHER", "SCATTER"];
                let name = match other {
                    1 => names[0],
                    3 => names[1],
                    4 => names[2],
                    _ => "an unknown one",
                };
                let message = format!(
                    "its collective is {name} (comm_type {other}); all-reduce 0, all-gather 2, broadcast 5, all-to-all 6, \
                     reduce-scatter 7 and 8, and barrier 9 are known"
                );
                self.error(rank, node, &message);
                return None;
            }
        };
        Some(Action::Collective { group, operation, bytes, root })
    }
}
