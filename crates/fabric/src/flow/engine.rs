//! The loop: what starts and ends, and who shares anew because of it.
//!
//! Times are `f64` picoseconds. Every class keeps the bytes that each of its messages has got since the class began to work
//! (`served`): a message ends when that has grown by its size, whatever the rates were, so a change of rate touches the
//! class and not its messages. Connected classes form groups with one event for the group's next end; a class alone on
//! its edges has its own.

use std::ops::ControlFlow;

use super::agenda::{Agenda, Event};
use super::framed::Framed;
use super::network_state::State;
use super::queue::Queues;
use super::recorder::Recorder;
use super::resolution::{Choice, choose};
use super::share::{Filler, Load};
use super::table::Table;
use super::{FlowError, Settings};
use crate::fault::Timeline;
use crate::network::Network;
use crate::outcome::{Finish, Observer, Outcome, Progress};
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::{Follower, TaskId, Traffic, When, Work};

/// No class, group, task or way.
pub const NONE: u32 = u32::MAX;

/// Events within this many picoseconds of each other are one instant: half the resolution of the answer, so that equal
/// times which were reached by different sums stay together.
const INSTANT: f64 = 0.25;

/// Members from which on a group keeps them in the order in which memory holds them.
pub(super) const MANY: usize = 1024;

/// Events between two reports.
const REPORT: u64 = 1 << 14;

/// A class at work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// Bytes that every message of the class has got since the class began to work.
    pub(super) served: f64,
    /// When that was so, in ps.
    pub(super) at: f64,
    /// Bytes per ps and message.
    pub(super) rate: f64,
    /// `served` at which its next message ends; infinite without one.
    pub(super) next: f64,
}

const IDLE: Class = Class { served: 0.0, at: 0.0, rate: 0.0, next: f64::INFINITY };

/// What else is known of a class: apart from [`Class`], which solutions go through in large numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) generation: u32,
    pub(super) group: u32,
    /// Messages that have started and not entered yet, where the class shares with no other.
    pub(super) coming: u32,
    /// Whether it stands in `changed`.
    pub(super) changed: bool,
}

const ASIDE: Standing = Standing { generation: 0, group: NONE, coming: 0, changed: false };

/// The nearest picosecond. The compiler has no instruction for rounding on all machines that we run on.
fn whole(time: f64) -> Time {
    let down = time as u64;
    Time(down + u64::from(time - down as f64 >= 0.5))
}

impl Class {
    /// Brings `served` to a time.
    pub(super) fn advance(&mut self, to: f64) {
        self.served += self.rate * (to - self.at);
        self.at = to;
    }

    /// Whether its next message ends by a time, or a little later: quicker than [`Class::end`].
    fn may_end(&self, until: f64) -> bool {
        (self.next - self.served) * (1.0 - 1e-9) <= self.rate * (until - self.at)
    }

    /// When its next message ends at the present rate.
    pub(super) fn end(&self) -> f64 {
        let left = (self.next - self.served).max(0.0);
        if left == 0.0 { self.at } else { self.at + left / self.rate }
    }
}

/// Connected classes.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Classes, among them some that have left.
    pub(super) members: Vec<u32>,
    /// Edges of all members, among them some that carry nothing any more.
    pub(super) edges: Vec<u32>,
    /// Those that have not.
    pub(super) live: u32,
    pub(super) generation: u32,
    /// The class whose message ends first.
    pub(super) first: u32,
}

pub struct Engine<'a> {
    pub(super) traffic: &'a Traffic,
    pub(super) settings: &'a Settings,
    pub(super) state: State<'a>,
    pub(super) table: Table,
    /// Way of every message at its start; tasks that are none have [`NONE`].
    pub(super) way: Vec<u32>,
    pub(super) waits: Vec<u32>,
    pub(super) finishes: Vec<Finish>,
    pub(super) queues: Queues,
    pub(super) classes: Vec<Class>,
    pub(super) standing: Vec<Standing>,
    /// Messages at work, per class.
    pub(super) messages: Vec<u32>,
    /// What messages of each way wait for their NIC, in ps; empty where nothing.
    pub(super) doorbells: Vec<u64>,
    /// Rate of a lone message of a class that shares with no other, 0 for others ([`Table::lone_rates`]).
    pub(super) lone: Vec<f64>,
    pub(super) groups: Vec<Group>,
    pub(super) free_groups: Vec<u32>,
    /// Group of every edge that carries members of one.
    pub(super) owner: Vec<u32>,
    pub(super) load: Load,
    pub(super) filler: Filler,
    pub(super) agenda: Agenda,
    pub(super) changed: Vec<u32>,
    /// Whether a class began to work or the network changed since the last solution: groups may have been joined.
    pub(super) joined: bool,
    pub(super) dirty: Vec<u32>,
    /// Tasks done and not yet followed, with the time, and for whom; for all where there is no difference.
    pub(super) done: Vec<(u32, f64, Option<When>)>,
    pub(super) ending: Vec<(f64, u32)>,
    /// Groups whose event came, with their generation then.
    pub(super) fired: Vec<(u32, u32)>,
    pub(super) finished: u64,
    pub(super) events: u64,
    pub(super) now: f64,
    pub(super) longest_window: f64,
    pub(super) solutions: u64,
    /// What it is now, and after how many rates given it is chosen anew.
    pub(super) resolution: f64,
    pub(super) allowance: u64,
    /// Rates given.
    pub(super) given: u64,
    /// When the resolution was chosen that is not the first, in ps.
    pub(super) coarse_from: Option<f64>,
    /// What watched edges carry; `None` when nobody asked.
    pub(super) recorder: Option<Recorder>,
    /// What packets cost; `None` where messages are streams of bytes.
    pub(super) framed: Option<Framed>,
}

impl<'a> Engine<'a> {
    pub fn new(
        network: &'a Network,
        routes: &'a Routes,
        traffic: &'a Traffic,
        faults: &'a Timeline,
        settings: &'a Settings,
    ) -> Result<Self, FlowError> {
        let mut state = State::new(network, routes, faults, settings);
        let mut table = Table::default();
        let way = state.ways_of(traffic, &mut table)?;
        if faults.faults.is_empty() {
            let kept = table.reduce(state.capacity());
            table.classify(|edge| kept[edge as usize], |way| state.is_single(way))
        } else {
            // Which edges decide is not the same at all times.
            table.classify(|_| true, |way| state.is_single(way))
        }
        .ok_or(FlowError::TooLarge)?;
        Ok(Self::with(traffic, settings, state, table, way))
    }

    /// For traffic whose ways and classes are known.
    pub fn with(traffic: &'a Traffic, settings: &'a Settings, state: State<'a>, table: Table, way: Vec<u32>) -> Self {
        let tasks = traffic.tasks.len();
        // What shares with nobody now may do so after a fault.
        let healthy = state.faults.faults.is_empty();
        let doorbells = state.doorbells(traffic, &way, settings.doorbell);
        let wait = |way: usize| doorbells.get(way).copied().unwrap_or(0);
        let lone = if healthy { table.lone_rates(state.capacity(), wait) } else { vec![0.0; table.classes.len()] };
        let edges = state.capacity().len();
        let Choice { resolution, allowance } = if settings.automatic {
            choose(traffic)
        } else {
            Choice { resolution: settings.resolution, allowance: u64::MAX }
        };
        Self {
            traffic,
            settings,
            way,
            waits: traffic.tasks.iter().map(|task| task.waits).collect(),
            finishes: vec![Finish::default(); tasks],
            queues: Queues::new(tasks, table.classes.len()),
            classes: vec![IDLE; table.classes.len()],
            standing: vec![ASIDE; table.classes.len()],
            messages: vec![0; table.classes.len()],
            doorbells,
            lone,
            groups: Vec::new(),
            free_groups: Vec::new(),
            owner: vec![NONE; edges],
            load: Load::new(edges),
            filler: Filler::new(edges),
            agenda: Agenda::default(),
            changed: Vec::new(),
            joined: false,
            dirty: Vec::new(),
            done: Vec::new(),
            ending: Vec::new(),
            fired: Vec::new(),
            finished: 0,
            events: 0,
            now: 0.0,
            longest_window: 0.0,
            solutions: 0,
            resolution,
            allowance,
            given: 0,
            coarse_from: None,
            recorder: settings.sampling.as_ref().and_then(|sampling| Recorder::new(sampling, edges)),
            framed: settings.framing.map(|framing| Framed::new(framing, Vec::new())),
            state,
            table,
        }
    }

    /// Tasks take so much longer than their packets say, in ps.
    pub fn later(mut self, late: Vec<f64>) -> Self {
        self.framed = self.settings.framing.map(|framing| Framed::new(framing, late));
        self
    }

    pub fn run(mut self, observer: &mut dyn Observer) -> Result<Outcome, FlowError> {
        for (at, fault) in self.state.faults.faults.iter().enumerate() {
            self.agenda.push(fault.at.0 as f64, Event::Fault(at as u32));
        }
        for task in 0..self.waits.len() as u32 {
            if self.waits[task as usize] == 0 {
                self.start(task, 0.0);
            }
        }
        self.follow();
        let mut batch = Vec::new();
        let mut reported = 0;
        let mut stopped = false;
        while let Some(first) = self.agenda.next_time() {
            while let Some(time) = self.agenda.next_time().filter(|time| *time <= first + INSTANT) {
                self.agenda.pop(&mut batch);
                self.now = self.now.max(time);
                self.events += batch.len() as u64;
                for event in batch.drain(..) {
                    self.handle(event, time)?;
                }
                self.follow();
            }
            self.solve(self.now);
            if self.finished == self.waits.len() as u64 {
                break;
            }
            if self.events - reported >= REPORT {
                reported = self.events;
                let tasks = self.waits.len() as u64;
                let progress = Progress {
                    now: Time(self.now.round() as u64),
                    events: self.events,
                    done: self.finished,
                    tasks,
                    share: self.finished as f64 / tasks as f64,
                };
                if let ControlFlow::Break(()) = observer.report(&progress) {
                    stopped = true;
                    break;
                }
            }
        }
        Ok(self.outcome(stopped))
    }

    fn handle(&mut self, event: Event, time: f64) -> Result<(), FlowError> {
        match event {
            Event::Ready(task) => self.start(task, time),
            Event::Enter(task) => self.enter(task, time)?,
            Event::Done(task) => self.complete(task, time),
            Event::Acknowledged(task) => self.done.push((task, time, Some(When::Acknowledged))),
            Event::Class(class, generation) => {
                if self.standing[class as usize].generation == generation {
                    self.end_class(class, time + INSTANT);
                }
            }
            Event::Group(group, generation) => {
                if self.groups[group as usize].generation == generation {
                    self.end_group(group, time);
                }
            }
            Event::Fault(fault) => {
                let again = self.state.apply(fault, &mut self.dirty);
                self.joined = true;
                if let Some(after) = again {
                    self.agenda.push(time + after.0 as f64, Event::Reconverged(fault));
                }
            }
            Event::Reconverged(fault) => self.reroute(fault, time)?,
        }
        Ok(())
    }

    /// All that a task waits for is done at `time`.
    fn start(&mut self, task: u32, time: f64) {
        let what = &self.traffic.tasks[task as usize];
        if what.not_before.0 as f64 > time {
            self.agenda.push(what.not_before.0 as f64, Event::Ready(task));
            return;
        }
        self.finishes[task as usize].start = whole(time);
        match what.work {
            Work::Message { .. } | Work::InNetwork { .. } => {
                let way = self.way[task as usize] as usize;
                let doorbell = self.doorbells.get(way).copied().unwrap_or(0);
                let enters = time + self.table.delay[way].saturating_add(doorbell) as f64;
                let class = self.table.class_of[way];
                let rate = self.lone[class as usize];
                if rate > 0.0 && self.messages[class as usize] == 0 && self.standing[class as usize].coming == 0 {
                    self.enter_alone(class, task, enters, rate);
                } else {
                    if rate > 0.0 {
                        self.standing[class as usize].coming += 1;
                    }
                    self.agenda.push(enters, Event::Enter(task));
                }
            }
            Work::Delay { time: Time(0), .. } => self.complete(task, time),
            Work::Delay { time: span, .. } => self.agenda.push(time + span.0 as f64, Event::Done(task)),
        }
    }

    /// A message of a class that nobody else disturbs will take its share from a time on. Others of the class take the same
    /// way and so come no earlier: its end is known unless one does.
    fn enter_alone(&mut self, class: u32, task: u32, time: f64, rate: f64) {
        let bytes = self.state.bytes(self.traffic, task);
        self.messages[class as usize] = 1;
        self.queues.push(class, task, bytes, bytes);
        let known = &mut self.classes[class as usize];
        (known.served, known.at, known.rate, known.next) = (0.0, time, rate, bytes);
        let end = known.end();
        self.expect_class(class, end);
        if let Some(recorder) = &mut self.recorder {
            recorder.join(&self.table.ways, class, self.way[task as usize], time);
            recorder.rate(&self.table.ways, class, rate, time);
        }
    }

    /// Puts the next end of a class into the agenda.
    pub(super) fn expect_class(&mut self, class: u32, end: f64) {
        let generation = &mut self.standing[class as usize].generation;
        *generation = generation.wrapping_add(1);
        self.agenda.push(end, Event::Class(class, *generation));
    }

    /// A message begins to take its share.
    fn enter(&mut self, task: u32, time: f64) -> Result<(), FlowError> {
        let way = self.state.current(&mut self.table, self.way[task as usize])?;
        self.way[task as usize] = way;
        self.grow();
        let bytes = self.state.bytes(self.traffic, task);
        let class = self.table.class_of[way as usize];
        if self.lone[class as usize] > 0.0 {
            self.standing[class as usize].coming -= 1;
        }
        self.add(class, task, bytes, time);
        if let Some(recorder) = &mut self.recorder {
            recorder.join(&self.table.ways, class, way, time);
        }
        Ok(())
    }

    /// Ways may have become more.
    pub(super) fn grow(&mut self) {
        let classes = self.table.classes.len();
        if self.classes.len() < classes {
            self.classes.resize(classes, IDLE);
            self.standing.resize(classes, ASIDE);
            self.messages.resize(classes, 0);
            self.lone.resize(classes, 0.0);
            self.queues.grow(classes);
        }
    }

    pub(super) fn add(&mut self, class: u32, task: u32, bytes: f64, time: f64) {
        let known = &mut self.classes[class as usize];
        if self.messages[class as usize] == 0 {
            (known.served, known.at, known.rate) = (0.0, time, 0.0);
            if self.lone[class as usize] == 0.0 {
                self.load.add(&self.table.classes, class);
                self.joined = true;
            }
        } else {
            known.advance(time);
        }
        self.messages[class as usize] += 1;
        if self.lone[class as usize] == 0.0 {
            self.load.more(&self.table.classes, class);
            self.filler.count(class, self.messages[class as usize]);
        }
        let key = known.served + bytes;
        self.queues.push(class, task, key, known.next);
        known.next = known.next.min(key);
        self.mark(class);
    }

    pub(super) fn mark(&mut self, class: u32) {
        let known = &mut self.standing[class as usize];
        if !known.changed {
            known.changed = true;
            self.changed.push(class);
        }
    }

    /// Ends all messages of a class that are over by `until`.
    fn end_class(&mut self, class: u32, until: f64) {
        loop {
            let known = &self.classes[class as usize];
            let end = known.end();
            if self.messages[class as usize] == 0 || end.is_nan() || end > until {
                return;
            }
            self.end_first(class, end);
        }
    }

    /// Ends the first message of a class.
    fn end_first(&mut self, class: u32, end: f64) {
        let last = self.messages[class as usize] == 1;
        let Some((task, next)) = self.queues.pop(class, last) else { return };
        if let Some(recorder) = &mut self.recorder {
            recorder.part(&self.table.ways, class, self.way[task as usize], end);
        }
        let known = &mut self.classes[class as usize];
        known.next = next;
        self.messages[class as usize] -= 1;
        let idle = self.messages[class as usize] == 0;
        let lone = self.lone[class as usize] > 0.0;
        if !lone {
            self.load.less(&self.table.classes, class);
            if idle {
                self.load.remove(&self.table.classes, class);
            } else {
                self.filler.count(class, self.messages[class as usize]);
            }
        }
        if !(idle && lone) {
            self.mark(class);
        }
        self.complete_message(task, end);
    }

    /// Ends what is over in a group: at one instant, or within the settings' resolution.
    fn end_group(&mut self, group: u32, time: f64) {
        let members = std::mem::take(&mut self.groups[group as usize].members);
        let mut ending = std::mem::take(&mut self.ending);
        ending.clear();
        let working = |class: u32| self.standing[class as usize].group == group && self.messages[class as usize] > 0;
        let mut until = time + INSTANT;
        if self.resolution > 0.0 {
            // A share of how long the first to end has taken, and no further than what happens next elsewhere.
            if let Some(task) = self.queues.first(self.groups[group as usize].first) {
                let taken = time - self.finishes[task as usize].start.0 as f64;
                let window = self.resolution * taken;
                until =
                    until.max(time + window).min(self.agenda.next_time().unwrap_or(f64::INFINITY)).max(time + INSTANT);
            }
        }
        for class in &members {
            let known = &self.classes[*class as usize];
            if known.may_end(until) && working(*class) && known.end() <= until {
                ending.push((known.end(), *class));
            }
        }
        self.groups[group as usize].members = members;
        // Members that nothing of this touches must not lose their event.
        self.fired.push((group, self.groups[group as usize].generation));
        if ending.len() < MANY {
            ending.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        let (mut weighted, mut rates) = (0.0, 0.0);
        for (_, class) in &ending {
            loop {
                let known = &self.classes[*class as usize];
                let (end, rate) = (known.end(), known.rate);
                if self.messages[*class as usize] == 0 || end > until {
                    break;
                }
                weighted += rate * (end - time);
                rates += rate;
                self.end_first(*class, end);
            }
        }
        // What those that end early in the window leave unused, those that end late use too much: the shares change in
        // the middle, so that edges carry what they can and no more.
        if rates > 0.0 && until > time + INSTANT {
            self.now = self.now.max(time + weighted / rates);
            self.longest_window = self.longest_window.max(until - time);
        }
        self.ending = ending;
    }

    /// A message's last byte is through its slowest edge.
    fn complete_message(&mut self, task: u32, end: f64) {
        let way = self.way[task as usize];
        // Operations of the network are not cut into packets: they have no one way.
        let Some(framed) = self.framed.as_mut().filter(|_| self.state.is_single(way)) else {
            return self.complete(task, end);
        };
        let bytes = self.state.bytes(self.traffic, task);
        let behind = framed.behind(self.state.network, &self.table.ways, (task, way), bytes);
        self.agenda.push(end + behind, Event::Done(task));
    }

    fn complete(&mut self, task: u32, time: f64) {
        let way = self.way[task as usize];
        let mut acknowledged = time;
        if let Some(framed) = self.framed.as_mut().filter(|_| way != NONE && self.state.is_single(way)) {
            let delay = self.table.delay[way as usize];
            acknowledged += framed.back(self.state.network, &self.table.ways, way, delay);
        }
        let finish = &mut self.finishes[task as usize];
        finish.delivered = whole(time);
        finish.acknowledged = whole(acknowledged);
        self.finished += 1;
        if self.traffic.followers.is_empty() {
            return;
        }
        if acknowledged > time {
            self.done.push((task, time, Some(When::Delivered)));
            let wait = |follower: &Follower| follower.when == When::Acknowledged;
            if self.traffic.followers_of(TaskId(task)).iter().any(wait) {
                self.agenda.push(acknowledged, Event::Acknowledged(task));
            }
        } else {
            self.done.push((task, time, None));
        }
    }

    /// Starts what waited for tasks that are done.
    fn follow(&mut self) {
        let mut at = 0;
        while let Some((task, time, when)) = self.done.get(at).copied() {
            at += 1;
            for follower in self.traffic.followers_of(TaskId(task)) {
                if when.is_some_and(|when| when != follower.when) {
                    continue;
                }
                let waits = &mut self.waits[follower.task.index()];
                *waits -= 1;
                if *waits == 0 {
                    self.start(follower.task.0, time);
                }
            }
        }
        self.done.clear();
    }
}
