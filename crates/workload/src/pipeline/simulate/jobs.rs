//! Jobs, who waits, and whom an engine takes next.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::pipeline::tables::Order;

/// When the light of the oldest frame behind some data was caught, by table of sources; NaN where none is behind it.
pub type Origins = Rc<[f64]>;

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Stream, or streams' number plus the language model's.
    pub owner: usize,
    /// What it is made of.
    pub origins: Origins,
    /// Since when it could run.
    pub ready: f64,
    /// When it should be done.
    pub deadline: f64,
    /// The higher, the sooner.
    pub priority: u32,
    /// Seconds that it takes by itself.
    pub alone: f64,
    /// Bytes that it moves.
    pub bytes: f64,
    /// Share that is still to be done.
    pub left: f64,
    /// Share that is left where it may be set aside.
    pub stop: f64,
    /// Share between such places.
    pub piece: f64,
    /// Whether it has run already.
    pub begun: bool,
    /// Whether its engine stays with its owner when it is done.
    pub keeps: bool,
    /// Number, in order of coming to be.
    pub number: u64,
}

impl Job {
    /// Whether it goes before another.
    pub fn beats(&self, other: &Self, order: Order) -> bool {
        let by_time = || self.ready.total_cmp(&other.ready).then(self.number.cmp(&other.number));
        let first = match order {
            Order::Priority => other.priority.cmp(&self.priority).then_with(by_time),
            Order::Deadline => self.deadline.total_cmp(&other.deadline).then_with(by_time),
            Order::Arrival => by_time(),
        };
        first.is_lt()
    }

    /// Whether it is so much more urgent that another makes room for it before its end: equal ranks wait.
    pub fn outranks(&self, other: &Self, order: Order) -> bool {
        match order {
            Order::Priority => self.priority > other.priority,
            Order::Deadline => self.deadline < other.deadline,
            Order::Arrival => false,
        }
    }
}

/// A job at work.
#[derive(Clone, Debug)]
pub struct Running {
    /// The job.
    pub job: Job,
    /// Its engine.
    pub engine: usize,
    /// Which of the engine's.
    pub server: usize,
    /// Since when, s.
    pub since: f64,
    /// Share of it done in a second now.
    pub pace: f64,
    /// Bytes per second that it moves now.
    pub moves: f64,
}

/// Jobs that wait, by owner.
#[derive(Debug)]
pub struct Waiting {
    queues: Vec<VecDeque<Job>>,
    /// Owners by engine.
    owners: Vec<Vec<usize>>,
    /// Owners of which a job is at work: frames of a stream stay in order.
    pub busy: Vec<bool>,
}

impl Waiting {
    /// Nobody waits yet. Owners by engine.
    pub fn new(owners: Vec<Vec<usize>>, count: usize) -> Self {
        Self { queues: vec![VecDeque::new(); count], owners, busy: vec![false; count] }
    }

    /// Jobs of an owner that have not begun.
    pub fn fresh(&self, owner: usize) -> usize {
        self.queues[owner].iter().filter(|job| !job.begun).count()
    }

    /// Puts a job behind those of its owner.
    pub fn push(&mut self, job: Job) {
        self.queues[job.owner].push_back(job);
    }

    /// Puts a job back to the front, set aside.
    pub fn put_back(&mut self, job: Job) {
        self.busy[job.owner] = false;
        self.queues[job.owner].push_front(job);
    }

    /// Takes out the oldest job that has not begun.
    pub fn lose_oldest(&mut self, owner: usize) {
        if let Some(at) = self.queues[owner].iter().position(|job| !job.begun) {
            self.queues[owner].remove(at);
        }
    }

    /// The job that an engine would take next.
    pub fn next(&self, engine: usize, order: Order) -> Option<&Job> {
        let heads =
            self.owners[engine].iter().filter(|owner| !self.busy[**owner]).filter_map(|o| self.queues[*o].front());
        heads.reduce(|best, job| if job.beats(best, order) { job } else { best })
    }

    /// Takes the job that stands first of an owner.
    pub fn take(&mut self, owner: usize) -> Option<Job> {
        let job = self.queues[owner].pop_front()?;
        self.busy[owner] = true;
        Some(job)
    }
}
