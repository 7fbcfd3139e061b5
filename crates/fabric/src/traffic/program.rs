//! Programs of ranks: what each rank computes, sends and receives in which order, before sends have met their receives.
//!
//! GOAL texts and Chakra traces both say this. [`Programs::traffic`] matches sends with receives and collectives with
//! each other, and makes traffic. A send starts when its rank gets to it, whether or not the receive has been posted; a
//! receive is done when its rank has got to it and the bytes are there.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::{Builder, TaskId, Traffic, TrafficError, When, Work};
use crate::collective::{Algorithm, Collective, CollectiveError, Operation};
use crate::network::EndpointId;
use crate::time::Time;

/// What a step of a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends bytes to a rank.
    Send {
        /// To whom.
        to: u32,
        /// Bytes, at least 1.
        bytes: u64,
        /// Told apart by.
        tag: u64,
    },
    /// Receives bytes from a rank.
    Receive {
        /// From whom.
        from: u32,
        /// Bytes, as many as are sent.
        bytes: u64,
        /// Told apart by.
        tag: u64,
    },
    /// Computes for so long; 0 to join other steps. Steps that do not wait for each other compute at once.
    Compute(Time),
    /// Takes part in a collective of a group of ranks: of those that have such steps.
    Collective {
        /// The group.
        group: u32,
        /// What is done.
        operation: Operation,
        /// Bytes in the sense of [`Collective::bytes`]; 0 only waits for nothing.
        bytes: u64,
        /// Rank within the group that a broadcast starts from.
        root: u32,
    },
}

/// A step of a rank's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose.
    pub rank: u32,
    /// What it does.
    pub action: Action,
    /// Steps (by index) that must be done before it starts.
    pub after: Vec<u32>,
    /// Steps that must have started before it starts.
    pub after_start: Vec<u32>,
}

/// When a send is done for the steps that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendDone {
    /// As soon as it has begun: the bytes are buffered.
    Begun,
    /// When the sender knows that all has arrived.
    Acknowledged,
}

/// The programs of all ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// Number of ranks.
    pub ranks: u32,
    /// Steps of all ranks; those of one rank in the order of its program.
    pub steps: Vec<Step>,
}

/// What is wrong, by index of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// A rank that is not there.
    NoRank(u32, u32),
    /// A send or receive between a rank and itself.
    ToItself(u32),
    /// A send without bytes.
    Empty(u32),
    /// A send that nobody receives.
    NotReceived(u32),
    /// A receive that nobody sends.
    NotSent(u32),
    /// A send and its receive (sent, received) differ in bytes.
    Bytes(u32, u32),
    /// A collective of which some rank of the group has fewer than this step's rank does.
    Alone(u32, u32),
    /// Two ranks (first, other) differ in what their common collective is.
    Differs(u32, u32),
    /// A collective that cannot be made.
    Collective(u32, CollectiveError),
    /// Steps wait for each other in a circle.
    Circle(Vec<u32>),
}

impl ProgramError {
    /// The step to show.
    pub fn step(&self) -> Option<u32> {
        match self {
            Self::NoRank(step, _)
            | Self::ToItself(step)
            | Self::Empty(step)
            | Self::NotReceived(step)
            | Self::NotSent(step)
            | Self::Bytes(_, step)
            | Self::Alone(step, _)
            | Self::Differs(_, step)
            | Self::Collective(step, _) => Some(*step),
            Self::Circle(steps) => steps.first().copied(),
        }
    }

    /// Another step that has to do with it.
    pub fn other(&self) -> Option<u32> {
        match self {
            Self::Bytes(first, _) | Self::Differs(first, _) => Some(*first),
            _ => None,
        }
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRank(_, rank) => write!(out, "there is no rank {rank}"),
            Self::ToItself(_) => write!(out, "a rank sends to itself"),
            Self::Empty(_) => write!(out, "a message without bytes"),
            Self::NotReceived(_) => {
                write!(out, "this send has no receive: none of its sender, receiver and tag is left")
            }
            Self::NotSent(_) => write!(out, "this receive has no send: none of its sender, receiver and tag is left"),
            Self::Bytes(..) => write!(out, "a send and its receive differ in bytes"),
            Self::Alone(_, rank) => write!(out, "rank {rank} of the group takes no part in this collective"),
            Self::Differs(..) => write!(out, "ranks differ in what this collective of their group is, or in its bytes"),
            Self::Collective(_, error) => write!(out, "this collective cannot be made: {error}"),
            Self::Circle(steps) => write!(out, "{} steps wait for each other in a circle", steps.len()),
        }
    }
}

/// How programs become traffic.
pub struct Lowering<'a> {
    /// When a send is done.
    pub send_done: SendDone,
    /// The algorithm for an operation among so many ranks of so many bytes.
    pub algorithm: &'a dyn Fn(Operation, usize, u64) -> Algorithm,
    /// The rest of a collective's settings; its operation, algorithm, members, bytes and root are not used.
    pub template: Option<Collective>,
}

impl Lowering<'_> {
    /// Rings, direct all-to-alls and binomial trees.
    pub fn usual(operation: Operation, _ranks: usize, _bytes: u64) -> Algorithm {
        match operation {
            Operation::AllReduce | Operation::ReduceScatter | Operation::AllGather => Algorithm::Ring,
            Operation::AllToAll | Operation::SendRecv => Algorithm::Direct,
            Operation::Broadcast => Algorithm::Tree,
        }
    }
}

/// What stands for a step among the tasks.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// What its waits go to; none when it need not wait.
    entry: Option<TaskId>,
    /// What must be done (and in which sense) for those that wait for it.
    done: Option<(TaskId, When)>,
    /// What stands for its start.
    start: Option<TaskId>,
}

impl Programs {
    /// The traffic, and for every task the step that it stands for (of collectives' messages none).
    pub fn traffic(&self, how: &Lowering<'_>) -> Result<(Traffic, Vec<Option<u32>>), Vec<ProgramError>> {
        let mut errors = self.errors();
        let partner = self.partners(&mut errors);
        let collectives = self.collectives(&mut errors);
        if !errors.is_empty() {
            errors.sort_by_key(ProgramError::step);
            return Err(errors);
        }
        let mut lowered = Lowered {
            programs: self,
            builder: Builder::default(),
            of: Vec::new(),
            places: vec![Place::default(); self.steps.len()],
        };
        lowered.messages(&partner, how.send_done);
        for (members, steps) in &collectives {
            lowered.collective(members, steps, how).map_err(|error| vec![error])?;
        }
        lowered.waits();
        let Lowered { builder, of, .. } = lowered;
        let traffic = builder.build();
        match traffic.check(self.ranks as usize) {
            Ok(()) => Ok((traffic, of)),
            Err(TrafficError::Cycle(tasks)) => {
                let mut steps: Vec<u32> = tasks.iter().filter_map(|task| *of.get(task.index())?).collect();
                steps.dedup();
                Err(vec![ProgramError::Circle(steps)])
            }
            // Everything else was checked step by step.
            Err(_) => Err(Vec::new()),
        }
    }

    /// Errors of single steps.
    fn errors(&self) -> Vec<ProgramError> {
        let mut errors = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let at = at as u32;
            if step.rank >= self.ranks {
                errors.push(ProgramError::NoRank(at, step.rank));
            }
            let (Action::Send { to: peer, bytes, .. } | Action::Receive { from: peer, bytes, .. }) = step.action else {
                continue;
            };
            if peer >= self.ranks {
                errors.push(ProgramError::NoRank(at, peer));
            } else if peer == step.rank {
                errors.push(ProgramError::ToItself(at));
            } else if bytes == 0 {
                errors.push(ProgramError::Empty(at));
            }
        }
        errors
    }

    /// For every send its receive and the other way round: of one sender, receiver and tag, in order.
    fn partners(&self, errors: &mut Vec<ProgramError>) -> Vec<Option<u32>> {
        type Queue = (VecDeque<u32>, VecDeque<u32>);
        let mut queues: BTreeMap<(u32, u32, u64), Queue> = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            match step.action {
                Action::Send { to, tag, .. } => {
                    queues.entry((step.rank, to, tag)).or_default().0.push_back(at as u32);
                }
                Action::Receive { from, tag, .. } => {
                    queues.entry((from, step.rank, tag)).or_default().1.push_back(at as u32);
                }
                _ => {}
            }
        }
        let mut partner = vec![None; self.steps.len()];
        for (mut sends, mut receives) in queues.into_values() {
            while let [Some(send), Some(receive)] = [sends.front().copied(), receives.front().copied()] {
                sends.pop_front();
                receives.pop_front();
                partner[send as usize] = Some(receive);
                partner[receive as usize] = Some(send);
                if self.bytes(send) != self.bytes(receive) {
                    errors.push(ProgramError::Bytes(send, receive));
                }
            }
            errors.extend(sends.into_iter().map(ProgramError::NotReceived));
            errors.extend(receives.into_iter().map(ProgramError::NotSent));
        }
        partner
    }

    fn bytes(&self, step: u32) -> u64 {
        match self.steps[step as usize].action {
            Action::Send { bytes, .. } | Action::Receive { bytes, .. } | Action::Collective { bytes, .. } => bytes,
            Action::Compute(_) => 0,
        }
    }

    /// Collectives: members and their steps. The n-th of a group's collectives in one rank's program is that of the others.
    fn collectives(&self, errors: &mut Vec<ProgramError>) -> Vec<(Vec<u32>, Vec<u32>)> {
        let mut groups: BTreeMap<u32, BTreeMap<u32, Vec<u32>>> = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            if let Action::Collective { group, .. } = step.action {
                groups.entry(group).or_default().entry(step.rank).or_default().push(at as u32);
            }
        }
        let mut found = Vec::new();
        for ranks in groups.into_values() {
            let most = ranks.values().map(Vec::len).max().unwrap_or(0);
            for turn in 0..most {
                let steps: Vec<Option<u32>> = ranks.values().map(|steps| steps.get(turn).copied()).collect();
                let Some(first) = steps.iter().flatten().next().copied() else { continue };
                if let Some(missing) = ranks.iter().find(|(_, steps)| steps.len() <= turn) {
                    errors.push(ProgramError::Alone(first, *missing.0));
                    break;
                }
                let steps: Vec<u32> = steps.into_iter().flatten().collect();
                let action = |step: u32| &self.steps[step as usize].action;
                if let Some(other) = steps.iter().find(|step| action(**step) != action(first)) {
                    errors.push(ProgramError::Differs(first, *other));
                    continue;
                }
                found.push((ranks.keys().copied().collect(), steps));
            }
        }
        found
    }
}

/// Programs on their way to traffic.
struct Lowered<'a> {
    programs: &'a Programs,
    builder: Builder,
    of: Vec<Option<u32>>,
    places: Vec<Place>,
}

impl Lowered<'_> {
    /// A task that stands for a step.
    fn task(&mut self, step: u32, work: Work) -> TaskId {
        let task = self.builder.task(work, Time::ZERO);
        self.of.resize(task.index(), None);
        self.of.push(Some(step));
        task
    }

    /// A delay of nothing.
    fn join(&mut self, step: u32) -> TaskId {
        let at = EndpointId(self.programs.steps[step as usize].rank);
        self.task(step, Work::Delay { at, time: Time::ZERO })
    }

    /// Sends, receives and computing.
    fn messages(&mut self, partner: &[Option<u32>], send_done: SendDone) {
        let programs = self.programs;
        let mut started = vec![false; programs.steps.len()];
        for step in &programs.steps {
            step.after_start.iter().for_each(|first| started[*first as usize] = true);
            for first in &step.after {
                if matches!(programs.steps[*first as usize].action, Action::Send { .. }) && send_done == SendDone::Begun
                {
                    started[*first as usize] = true;
                }
            }
        }
        for (at, step) in programs.steps.iter().enumerate() {
            let at = at as u32;
            let waits = !step.after.is_empty() || !step.after_start.is_empty();
            let start = (waits && started[at as usize]).then(|| self.join(at));
            let rank = EndpointId(step.rank);
            let place = match step.action {
                Action::Send { to, bytes, .. } => {
                    let task = self.task(at, Work::Message { from: rank, to: EndpointId(to), bytes });
                    let done = match send_done {
                        SendDone::Begun => start.map(|start| (start, When::Delivered)),
                        SendDone::Acknowledged => Some((task, When::Acknowledged)),
                    };
                    Place { entry: Some(task), done, start }
                }
                Action::Compute(time) => {
                    let task = self.task(at, Work::Delay { at: rank, time });
                    Place { entry: Some(task), done: Some((task, When::Delivered)), start }
                }
                Action::Receive { .. } => {
                    let entry = waits.then(|| self.join(at));
                    Place { entry, done: entry.map(|entry| (entry, When::Delivered)), start }
                }
                Action::Collective { .. } => Place { entry: None, done: None, start },
            };
            self.places[at as usize] = place;
        }
        // A receive that waits for nothing is its message.
        for (at, step) in programs.steps.iter().enumerate() {
            let (Action::Receive { .. }, Some(send)) = (&step.action, partner[at]) else { continue };
            let Some(message) = self.places[send as usize].entry else { continue };
            match self.places[at].entry {
                Some(join) => self.builder.after(message, join, When::Delivered),
                None => self.places[at].done = Some((message, When::Delivered)),
            }
        }
    }

    /// Joins the members' steps, and makes the collective's messages between the joints.
    fn collective(&mut self, members: &[u32], steps: &[u32], how: &Lowering<'_>) -> Result<(), ProgramError> {
        let entries: Vec<TaskId> = steps.iter().map(|step| self.join(*step)).collect();
        let first = steps.first().copied().unwrap_or(0);
        let Action::Collective { operation, bytes, root, .. } = self.programs.steps[first as usize].action else {
            return Ok(());
        };
        let mut done: Vec<Vec<TaskId>> = entries.iter().map(|entry| vec![*entry]).collect();
        if members.len() > 1 && bytes > 0 {
            let algorithm = (how.algorithm)(operation, members.len(), bytes);
            let endpoints: Vec<EndpointId> = members.iter().map(|rank| EndpointId(*rank)).collect();
            let base = match &how.template {
                Some(template) => {
                    Collective { operation, algorithm, members: endpoints, bytes, parts: None, ..template.clone() }
                }
                None => Collective::new(operation, algorithm, endpoints, bytes),
            };
            let collective = Collective { root, ..base };
            done = collective.add(&mut self.builder, &done).map_err(|error| ProgramError::Collective(first, error))?;
            self.of.resize(self.builder.len(), None);
        }
        for ((step, entry), done) in steps.iter().zip(&entries).zip(done) {
            let exit = self.join(*step);
            for task in done {
                self.builder.after(task, exit, When::Delivered);
            }
            let place = &mut self.places[*step as usize];
            (place.entry, place.done) = (Some(*entry), Some((exit, When::Delivered)));
        }
        Ok(())
    }

    /// Who waits for whom.
    fn waits(&mut self) {
        for (at, step) in self.programs.steps.iter().enumerate() {
            let place = self.places[at];
            if let [Some(start), Some(entry)] = [place.start, place.entry] {
                self.builder.after(start, entry, When::Delivered);
            }
            let Some(entry) = place.start.or(place.entry) else { continue };
            for first in &step.after {
                if let Some((task, when)) = self.places[*first as usize].done {
                    self.builder.after(task, entry, when);
                }
            }
            for first in &step.after_start {
                if let Some(task) = self.places[*first as usize].start {
                    self.builder.after(task, entry, When::Delivered);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
