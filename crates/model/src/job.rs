//! A job: what every rank computes and what ranks send each other, as far as a fabric must know it.
//!
//! Ranks that do alike share a program; groups are written as a rule (size and stride), not as lists. A job of sixteen
//! thousand ranks is then no larger than that of sixteen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Ranks by rule: rank `r` is together with those that differ from it in `(r / stride) % size` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Ranks of a group.
    pub size: u32,
    /// Distance between neighbours of a group.
    pub stride: u32,
}

impl Family {
    /// The group that a rank is in: its first rank.
    pub fn first(self, rank: u32) -> u32 {
        let block = self.size * self.stride;
        rank / block * block + rank % self.stride
    }

    /// All ranks of the group that a rank is in, in order.
    pub fn members(self, rank: u32) -> impl Iterator<Item = u32> {
        let first = self.first(rank);
        (0..self.size).map(move |at| first + at * self.stride)
    }
}

/// What a group does together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collective {
    /// Every rank ends with the sum. Bytes: the tensor.
    AllReduce,
    /// Every rank ends with its share of the sum. Bytes: the tensor that every rank puts in.
    ReduceScatter,
    /// Every rank ends with all shares. Bytes: the tensor that every rank ends with.
    AllGather,
    /// Every rank sends a piece to every other. Bytes: what one rank puts in.
    AllToAll,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Computes.
    Compute {
        /// For so long.
        seconds: f64,
    },
    /// Takes part in a collective of the rank's group of a family.
    Collective {
        /// Which.
        collective: Collective,
        /// Family, by index.
        family: u32,
        /// Bytes in the sense of [`Collective`].
        bytes: u64,
    },
    /// Sends to the rank so far away.
    Send {
        /// Receiver less sender.
        offset: i64,
        /// Bytes, at least 1.
        bytes: u64,
        /// Told apart by.
        tag: u64,
    },
    /// Receives from the rank so far away.
    Receive {
        /// Sender less receiver.
        offset: i64,
        /// Bytes, as many as are sent.
        bytes: u64,
        /// Told apart by.
        tag: u64,
    },
}

/// A task of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name, for people.
    pub name: String,
    /// What it does.
    pub work: Work,
    /// Tasks before it in the same program that must be done.
    pub after: Vec<u32>,
}

/// What some ranks do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// First of its ranks.
    pub first: u32,
    /// How many ranks follow it, one after another.
    pub ranks: u32,
    /// Tasks.
    pub tasks: Vec<Task>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// What it is.
    pub name: String,
    /// Ranks.
    pub ranks: u32,
    /// Families of groups.
    pub families: Vec<Family>,
    /// Programs, in order of their ranks; together they have all of them.
    pub programs: Vec<Program>,
}

/// What is wrong with a job: program, task, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// Program, by index; none for the job as a whole.
    pub program: Option<usize>,
    /// Task of it, by index.
    pub task: Option<usize>,
    /// Why.
    pub message: String,
}

impl fmt::Display for JobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(program) = self.program {
            write!(out, "program {program}")?;
            if let Some(task) = self.task {
                write!(out, ", task {task}")?;
            }
            write!(out, ": ")?;
        }
        out.write_str(&self.message)
    }
}

impl Job {
    /// The program of a rank.
    pub fn program_of(&self, rank: u32) -> Option<usize> {
        let at = self.programs.partition_point(|p| p.first <= rank).checked_sub(1)?;
        (rank - self.programs[at].first < self.programs[at].ranks).then_some(at)
    }

    /// The first fault: ranks left out, groups that do not divide, tasks that wait for later ones, sends without receives.
    pub fn check(&self) -> Result<(), JobError> {
        let whole = |message: String| JobError { program: None, task: None, message };
        let mut next = 0_u64;
        for program in &self.programs {
            if u64::from(program.first) != next {
                return Err(whole(format!(
                    "programs do not follow each other: rank {next} is left out or given twice"
                )));
            }
            next += u64::from(program.ranks);
        }
        if next != u64::from(self.ranks) || self.ranks == 0 {
            return Err(whole(format!("programs have {next} ranks, the job {}", self.ranks)));
        }
        for (at, family) in self.families.iter().enumerate() {
            let block = u64::from(family.size) * u64::from(family.stride);
            if block == 0 || !u64::from(self.ranks).is_multiple_of(block) {
                return Err(whole(format!(
                    "family {at}: groups of {} ranks {} apart do not divide {} ranks",
                    family.size, family.stride, self.ranks
                )));
            }
        }
        for (p, program) in self.programs.iter().enumerate() {
            for (t, task) in program.tasks.iter().enumerate() {
                self.check_task(program, t, task).map_err(|message| JobError {
                    program: Some(p),
                    task: Some(t),
                    message,
                })?;
            }
        }
        self.check_messages()
    }

    fn check_task(&self, program: &Program, at: usize, task: &Task) -> Result<(), String> {
        if task.after.iter().any(|before| *before as usize >= at) {
            return Err("it waits for a task that is not before it".into());
        }
        match task.work {
            Work::Compute { seconds } if !(seconds.is_finite() && seconds >= 0.0) => Err(format!("{seconds} seconds")),
            Work::Collective { family, .. } if family as usize >= self.families.len() => {
                Err(format!("there is no family {family}"))
            }
            Work::Send { offset, bytes, .. } | Work::Receive { offset, bytes, .. } => {
                let ends = [i64::from(program.first), i64::from(program.first) + i64::from(program.ranks) - 1];
                if offset == 0
                    || ends.iter().any(|rank| !(0..i64::from(self.ranks)).contains(&rank.saturating_add(offset)))
                {
                    return Err(format!("there is no rank {offset} away from each of its ranks"));
                }
                if bytes == 0 { Err("a message without bytes".into()) } else { Ok(()) }
            }
            Work::Compute { .. } | Work::Collective { .. } => Ok(()),
        }
    }

    /// Every send has its receive. Ranks of a program whose peers share a program are judged together.
    fn check_messages(&self) -> Result<(), JobError> {
        use std::collections::HashMap;
        // By (sender's program, receiver's program, offset, tag): sends less receives, and bytes.
        /// From, to, tag and place in order, to what is still open.
        type Open = HashMap<(usize, usize, i64, u64), (i64, u64, usize, usize)>;
        let mut open = Open::new();
        for (p, program) in self.programs.iter().enumerate() {
            for (t, task) in program.tasks.iter().enumerate() {
                let (offset, bytes, tag, sends) = match task.work {
                    Work::Send { offset, bytes, tag } => (offset, bytes, tag, true),
                    Work::Receive { offset, bytes, tag } => (offset, bytes, tag, false),
                    _ => continue,
                };
                let fault = |message: &str| JobError { program: Some(p), task: Some(t), message: message.into() };
                let peer =
                    |rank: u32| u32::try_from(i64::from(rank) + offset).ok().and_then(|rank| self.program_of(rank));
                let last = program.first + program.ranks.saturating_sub(1);
                let (Some(from), Some(to)) = (peer(program.first), peer(last)) else {
                    return Err(fault("no such rank"));
                };
                if from != to || self.programs[from].ranks != program.ranks {
                    return Err(fault("its ranks' peers do not share one program of as many ranks"));
                }
                let key = if sends { (p, from, offset, tag) } else { (from, p, -offset, tag) };
                let entry = open.entry(key).or_insert((0, bytes, p, t));
                if entry.1 != bytes {
                    return Err(fault("a send and its receive differ in bytes"));
                }
                entry.0 += if sends { 1 } else { -1 };
            }
        }
        let mut wrong: Vec<_> = open.values().filter(|(count, ..)| *count != 0).collect();
        wrong.sort_unstable_by_key(|(_, _, p, t)| (*p, *t));
        match wrong.first() {
            Some((count, _, p, t)) => {
                let message = if *count > 0 { "this send has no receive" } else { "this receive has no send" };
                Err(JobError { program: Some(*p), task: Some(*t), message: message.into() })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(work: Work, after: &[u32]) -> Task {
        Task { name: String::new(), work, after: after.to_vec() }
    }

    /// Two stages of two ranks: the first computes and sends, the second receives; both reduce.
    fn job() -> Job {
        let reduce = Work::Collective { collective: Collective::AllReduce, family: 0, bytes: 1024 };
        Job {
            name: "two stages".into(),
            ranks: 4,
            families: vec![Family { size: 2, stride: 1 }],
            programs: vec![
                Program {
                    first: 0,
                    ranks: 2,
                    tasks: vec![
                        task(Work::Compute { seconds: 1e-3 }, &[]),
                        task(Work::Send { offset: 2, bytes: 64, tag: 7 }, &[0]),
                        task(reduce, &[0]),
                    ],
                },
                Program {
                    first: 2,
                    ranks: 2,
                    tasks: vec![task(Work::Receive { offset: -2, bytes: 64, tag: 7 }, &[]), task(reduce, &[0])],
                },
            ],
        }
    }

    #[test]
    fn groups_follow_their_rule() {
        let family = Family { size: 3, stride: 4 };
        assert_eq!(family.members(18).collect::<Vec<u32>>(), [14, 18, 22]);
        assert_eq!((family.first(3), family.first(11), family.first(12)), (3, 3, 12));
    }

    #[test]
    fn a_good_job_passes_and_comes_back_from_json() {
        let job = job();
        assert_eq!(job.check(), Ok(()));
        let text = serde_json::to_string(&job).expect("plain values");
        assert_eq!(serde_json::from_str::<Job>(&text).expect("its own text"), job);
        assert_eq!((job.program_of(1), job.program_of(3), job.program_of(4)), (Some(0), Some(1), None));
    }

    #[test]
    fn faults_are_found() {
        type Change = fn(&mut Job);
        let cases: [(Change, &str); 8] = [
            (|j| j.ranks = 5, "programs have 4 ranks, the job 5"),
            (|j| j.programs[1].first = 3, "rank 2 is left out"),
            (|j| j.families[0].size = 3, "do not divide"),
            (|j| j.programs[0].tasks[1].after = vec![1], "not before it"),
            (|j| j.programs[0].tasks[0].work = Work::Compute { seconds: f64::NAN }, "NaN seconds"),
            (|j| j.programs[0].tasks[1].work = Work::Send { offset: 3, bytes: 64, tag: 7 }, "there is no rank 3 away"),
            (|j| j.programs[0].tasks[1].work = Work::Send { offset: 2, bytes: 65, tag: 7 }, "differ in bytes"),
            (|j| j.programs[0].tasks[1].work = Work::Send { offset: 2, bytes: 64, tag: 8 }, "this send has no receive"),
        ];
        for (change, expected) in cases {
            let mut job = job();
            change(&mut job);
            let error = job.check().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
