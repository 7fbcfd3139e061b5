//! The event simulation: frames come when sensors send them, jobs progress at the pace that arithmetic and memory allow,
//! displays look at their own clock.
//!
//! Time is seconds. Between events every running job does a constant share of its work per second: its own best pace, or
//! less where memory cannot give all jobs what they ask ([`super::share`]). Chance (phases, clocks, jitter) is drawn per
//! entity from the seed, so that the answer does not depend on the order of things.

mod jobs;
mod language;
mod record;

pub use record::{ChainRun, DisplayRun, Lane, LlmRun, Run, Span, StageRun, rank};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;

use super::checked::{Feed, Pipeline, Sink};
use super::concrete::{Concrete, chance, normal, uniform};
use super::share::{Demand, grant};
use super::tables::Late;
use jobs::{Job, Origins, Running, Waiting};
use language::Language;
use record::Recorder;

/// Frames that wait for a stage that loses none; beyond, it never catches up.
const FLOOD: usize = 1000;

/// Times that lie closer together are one, s.
const INSTANT: f64 = 1e-12;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Frame(usize),
    Paced(usize),
    Tick(usize),
    Request(usize),
    Picture(usize),
}

/// An event: time as ordered bits, what, and its number among its like.
type Event = Reverse<(u64, What, u64)>;

fn ordered(time: f64) -> u64 {
    // Times are not negative, so that their bits are in their order.
    time.max(0.0).to_bits()
}

/// A clock of its own: first time and period.
#[derive(Clone, Copy, Debug)]
struct Clock {
    first: f64,
    period: f64,
}

impl Clock {
    fn at(&self, number: u64) -> f64 {
        self.first + number as f64 * self.period
    }
}

/// By maker: streams and slots that take what it makes.
type Takers = Vec<Vec<(usize, usize)>>;

struct Slot {
    newest: Option<Origins>,
    fresh: bool,
    seen: u32,
}

struct Simulation<'a> {
    of: &'a Pipeline,
    values: &'a Concrete,
    now: f64,
    events: BinaryHeap<Event>,
    sources: Vec<Clock>,
    ticks: Vec<Clock>,
    pictures: Vec<Clock>,
    /// By instance and by stream.
    takers: (Takers, Takers),
    slots: Vec<Vec<Slot>>,
    jitter: Vec<ChaCha8Rng>,
    /// By stream: what is on its way through work at the pace of frames.
    under_way: Vec<VecDeque<Origins>>,
    waiting: Waiting,
    running: Vec<Running>,
    free: Vec<Vec<usize>>,
    languages: Vec<Language>,
    /// By display: what would be shown next, and whether it has been.
    pending: Vec<Option<(Origins, bool)>>,
    recorder: Recorder,
    number: u64,
    demands: Vec<Demand>,
    granted: Vec<f64>,
}

/// Runs a pipeline with given values.
pub fn run(of: &Pipeline, values: &Concrete, seed: u64) -> Run {
    let mut simulation = Simulation::new(of, values, seed);
    simulation.begin();
    simulation.play(of.warm_up + of.seconds);
    simulation.recorder.finish()
}

impl<'a> Simulation<'a> {
    fn new(of: &'a Pipeline, values: &'a Concrete, seed: u64) -> Self {
        let clock = |purpose: u64, at: usize, period: f64, drift: f64, phase: Option<f64>| {
            let mut random = chance(seed, purpose << 32 | at as u64);
            let (start, rate) = (uniform(&mut random), 2.0 * uniform(&mut random) - 1.0);
            Clock { first: phase.unwrap_or(start) * period, period: period * (1.0 + rate * drift) }
        };
        let mut before = 0;
        let sources = of.instances.iter().enumerate().map(|(at, table)| {
            let source = &of.sources[*table];
            if at > 0 && of.instances[at - 1] != *table {
                before = at;
            }
            let phase = source.phases.as_ref().and_then(|phases| phases.get(at - before).copied());
            clock(1, at, source.period, source.drift, phase)
        });
        let sources = sources.collect();
        let ticks = of.streams.iter().enumerate().map(|(at, stream)| {
            let stage = &of.stages[stream.stage];
            // One clock for all streams of a stage.
            clock(2, stage.streams.start.min(at), stage.clock.unwrap_or(1.0), 20e-6, None)
        });
        let ticks = ticks.collect();
        let pictures = of
            .displays
            .iter()
            .enumerate()
            .map(|(at, display)| clock(3, at, display.period, display.drift, None))
            .collect();
        let mut takers = (vec![Vec::new(); of.instances.len()], vec![Vec::new(); of.streams.len()]);
        for (at, stream) in of.streams.iter().enumerate() {
            for (slot, feed) in stream.feeds.iter().enumerate() {
                match *feed {
                    Feed::Instance(from) => takers.0[from].push((at, slot)),
                    Feed::Stream(from) => takers.1[from].push((at, slot)),
                }
            }
        }
        let slot = || Slot { newest: None, fresh: false, seen: 0 };
        let slots = of.streams.iter().map(|stream| stream.feeds.iter().map(|_| slot()).collect()).collect();
        let owners = of.streams.len() + of.llms.len();
        let mut by_engine = vec![Vec::new(); of.engines.len()];
        for (at, stream) in of.streams.iter().enumerate() {
            by_engine[of.stages[stream.stage].engine].push(at);
        }
        for (at, llm) in of.llms.iter().enumerate() {
            by_engine[llm.engine].push(of.streams.len() + at);
        }
        Self {
            of,
            values,
            now: 0.0,
            events: BinaryHeap::new(),
            sources,
            ticks,
            pictures,
            takers,
            slots,
            jitter: (0..owners).map(|at| chance(seed, 4 << 32 | at as u64)).collect(),
            under_way: vec![VecDeque::new(); of.streams.len()],
            waiting: Waiting::new(by_engine, owners),
            running: Vec::new(),
            free: of.engines.iter().map(|engine| (0..engine.count).rev().collect()).collect(),
            languages: of.llms.iter().map(|_| Language::default()).collect(),
            pending: vec![None; of.displays.len()],
            recorder: Recorder::new(of),
            number: 0,
            demands: Vec::new(),
            granted: Vec::new(),
        }
    }

    fn schedule(&mut self, at: f64, what: What, number: u64) {
        self.events.push(Reverse((ordered(at), what, number)));
    }

    fn begin(&mut self) {
        for at in 0..self.sources.len() {
            self.schedule(self.arrival(at, 0), What::Frame(at), 0);
        }
        for at in 0..self.of.streams.len() {
            if self.of.stages[self.of.streams[at].stage].clock.is_some() {
                self.schedule(self.ticks[at].at(0), What::Tick(at), 0);
            }
        }
        for at in 0..self.pictures.len() {
            self.schedule(self.pictures[at].at(0), What::Picture(at), 0);
        }
        for at in 0..self.of.llms.len() {
            self.schedule(0.0, What::Request(at), 0);
        }
    }

    /// When the last row of a frame is in memory.
    fn arrival(&self, instance: usize, number: u64) -> f64 {
        let source = &self.of.sources[self.of.instances[instance]];
        self.sources[instance].at(number) + source.exposure + source.readout + source.delay
    }

    fn play(&mut self, end: f64) {
        self.repace();
        loop {
            let event = self.events.peek().map_or(f64::INFINITY, |Reverse((bits, ..))| f64::from_bits(*bits));
            let done = self.running.iter().map(|r| self.now + (r.job.left - r.job.stop).max(0.0) / r.pace);
            let next = done.fold(event, f64::min);
            if next >= end || next.is_infinite() {
                self.advance(end);
                return;
            }
            self.advance(next);
            // Work that ends at the instant at which something comes makes room for it first.
            let mut at = 0;
            let mut ended = false;
            while at < self.running.len() {
                let running = &self.running[at];
                if (running.job.left - running.job.stop).max(0.0) / running.pace <= INSTANT {
                    let running = self.running.swap_remove(at);
                    self.halt(running);
                    ended = true;
                } else {
                    at += 1;
                }
            }
            if !ended && let Some(Reverse((_, what, number))) = self.events.pop() {
                self.happen(what, number);
            }
            self.repace();
        }
    }

    /// Lets time pass at the paces of now.
    fn advance(&mut self, to: f64) {
        let passed = to - self.now;
        if passed > 0.0 {
            let counted = (to - self.now.max(self.recorder.from)).max(0.0);
            for running in &mut self.running {
                running.job.left -= running.pace * passed;
                let run = &mut self.recorder.run;
                run.busy[running.engine] += counted;
                run.stalled[running.engine] += counted * (1.0 - running.pace * running.job.alone).max(0.0);
                run.bytes += running.moves * counted;
            }
            self.now = to;
        }
    }

    /// Shares memory anew among those at work.
    fn repace(&mut self) {
        self.demands.clear();
        for running in &self.running {
            let realtime = self.of.engines[running.engine].realtime;
            self.demands.push(Demand { rate: running.job.bytes / running.job.alone, realtime });
        }
        grant(&self.demands, self.values.bandwidth - self.values.steady, &mut self.granted);
        let (mut moved, mut asked) = (self.values.steady.min(self.values.bandwidth), self.values.steady);
        for (running, (demand, granted)) in self.running.iter_mut().zip(self.demands.iter().zip(&self.granted)) {
            let share = if demand.rate > 0.0 { granted / demand.rate } else { 1.0 };
            running.pace = share / running.job.alone;
            running.moves = *granted;
            moved += granted;
            asked += demand.rate;
        }
        self.recorder.traffic(self.now, moved, asked);
    }

    /// A job is done, or at a place where others may go before it.
    fn halt(&mut self, mut running: Running) {
        let (engine, order) = (running.engine, self.of.engines[running.engine].order);
        if running.job.stop > 1e-9 {
            let rival = self.waiting.next(engine, order);
            if rival.is_none_or(|rival| !rival.outranks(&running.job, order)) {
                running.job.stop = (running.job.stop - running.job.piece).max(0.0);
                self.running.push(running);
                return;
            }
            self.release(&running);
            running.job.stop = (running.job.stop - running.job.piece).max(0.0);
            self.waiting.put_back(running.job);
        } else {
            self.release(&running);
            let (owner, origins) = (running.job.owner, Rc::clone(&running.job.origins));
            self.waiting.busy[owner] = false;
            if owner >= self.of.streams.len() {
                // A request that keeps its engine goes on before anybody else is asked.
                let keeps = running.job.keeps;
                self.language_job_done(owner - self.of.streams.len());
                if keeps && let Some(job) = self.waiting.take(owner) {
                    self.start(job, engine);
                }
            } else {
                let stage = &self.of.stages[self.of.streams[owner].stage];
                let response = self.now - running.job.ready;
                if self.recorder.counts(self.now) {
                    let run = &mut self.recorder.run.stages[self.of.streams[owner].stage];
                    run.done += 1;
                    run.missed += u64::from(response > stage.deadline + INSTANT);
                    run.responses.push(response);
                }
                self.made(owner, &origins);
            }
        }
        self.dispatch(engine);
    }

    fn release(&mut self, running: &Running) {
        self.free[running.engine].push(running.server);
        self.recorder.span(Span {
            lane: Lane::Engine(running.engine),
            place: running.server,
            owner: running.job.owner,
            from: running.since,
            to: self.now,
        });
    }

    fn start(&mut self, mut job: Job, engine: usize) {
        let Some(server) = self.free[engine].pop() else {
            self.waiting.put_back(job);
            return;
        };
        job.begun = true;
        self.running.push(Running { job, engine, server, since: self.now, pace: 0.0, moves: 0.0 });
    }

    /// Gives an engine's free places to who is next, and the place of the least urgent where jobs may be set aside.
    fn dispatch(&mut self, engine: usize) {
        let made = &self.of.engines[engine];
        while let Some(next) = self.waiting.next(engine, made.order) {
            let owner = next.owner;
            if self.free[engine].is_empty() {
                if !made.preemptive {
                    return;
                }
                let on = self.running.iter().enumerate().filter(|(_, running)| running.engine == engine);
                let least = on.reduce(|a, b| if a.1.job.beats(&b.1.job, made.order) { b } else { a });
                let Some((at, least)) = least else { return };
                if !next.outranks(&least.job, made.order) {
                    return;
                }
                let aside = self.running.swap_remove(at);
                self.release(&aside);
                self.waiting.put_back(aside.job);
            }
            let Some(job) = self.waiting.take(owner) else { return };
            self.start(job, engine);
        }
    }

    fn happen(&mut self, what: What, number: u64) {
        match what {
            What::Frame(instance) => self.frame(instance, number),
            What::Paced(stream) => {
                if let Some(origins) = self.under_way[stream].pop_front() {
                    self.paced_done(stream, &origins);
                }
            }
            What::Tick(stream) => {
                self.schedule(self.ticks[stream].at(number + 1), What::Tick(stream), number + 1);
                if self.slots[stream].iter().any(|slot| slot.fresh) {
                    self.gather(stream);
                }
            }
            What::Request(llm) => {
                if let Some(period) = self.of.llms[llm].period {
                    self.schedule((number + 1) as f64 * period, What::Request(llm), number + 1);
                }
                self.language_request(llm);
            }
            What::Picture(display) => self.picture(display, number),
        }
    }

    fn origins_of(&self, instance: usize, number: u64) -> Origins {
        let table = self.of.instances[instance];
        let mut origins = vec![f64::NAN; self.of.sources.len()];
        origins[table] = self.sources[instance].at(number) + self.of.sources[table].exposure / 2.0;
        origins.into()
    }

    fn frame(&mut self, instance: usize, number: u64) {
        self.schedule(self.arrival(instance, number + 1), What::Frame(instance), number + 1);
        let source = &self.of.sources[self.of.instances[instance]];
        self.recorder.span(Span {
            lane: Lane::Instance(instance),
            place: 0,
            owner: usize::MAX,
            from: self.now - source.delay - source.readout,
            to: self.now,
        });
        let origins = self.origins_of(instance, number);
        for taker in 0..self.takers.0[instance].len() {
            let (stream, slot) = self.takers.0[instance][taker];
            self.deliver(stream, slot, &origins);
        }
    }

    /// Work at the pace of frames is done so long behind its input.
    fn paced_done(&mut self, stream: usize, origins: &Origins) {
        if self.recorder.counts(self.now) {
            let stage_at = self.of.streams[stream].stage;
            let stage = &self.of.stages[stage_at];
            let run = &mut self.recorder.run;
            run.stages[stage_at].done += 1;
            run.stages[stage_at].responses.push(stage.paced.unwrap_or(0.0));
            run.busy[stage.engine] += self.values.alone[stream];
            let alone = self.values.alone[stream];
            // The engine takes turns among its streams; a drawing shows each where it was done.
            let place = (stream - stage.streams.start).min(self.of.engines[stage.engine].count - 1);
            let lane = Lane::Engine(stage.engine);
            self.recorder.span(Span { lane, place, owner: stream, from: self.now - alone, to: self.now });
        }
        self.made(stream, origins);
    }

    /// Whether it is the turn of this frame, for stages that take every n-th.
    fn turn(&mut self, stream: usize, slot: usize) -> bool {
        let every = self.of.stages[self.of.streams[stream].stage].every;
        let slot = &mut self.slots[stream][slot];
        let turn = slot.seen == 0;
        slot.seen = (slot.seen + 1) % every;
        turn
    }

    /// Hands data to a stream.
    fn deliver(&mut self, stream: usize, slot: usize, origins: &Origins) {
        if !self.turn(stream, slot) {
            return;
        }
        let stage = self.of.streams[stream].stage;
        if let Some(paced) = self.of.stages[stage].paced {
            if self.recorder.counts(self.now) {
                self.recorder.run.stages[stage].came += 1;
            }
            self.under_way[stream].push_back(Rc::clone(origins));
            let number = self.number;
            self.number += 1;
            self.schedule(self.now + paced, What::Paced(stream), number);
            return;
        }
        self.slots[stream][slot].newest = Some(Rc::clone(origins));
        self.slots[stream][slot].fresh = true;
        let stage = &self.of.stages[self.of.streams[stream].stage];
        if stage.clock.is_none() && self.slots[stream].iter().all(|slot| slot.fresh) {
            self.gather(stream);
        }
    }

    /// Makes a job of the newest of all inputs.
    fn gather(&mut self, stream: usize) {
        let mut origins = vec![f64::NAN; self.of.sources.len()];
        for slot in &mut self.slots[stream] {
            slot.fresh = false;
            for (origin, theirs) in origins.iter_mut().zip(slot.newest.iter().flat_map(|newest| newest.iter())) {
                // The minimum of a number and NaN is the number.
                *origin = origin.min(*theirs);
            }
        }
        let stage_at = self.of.streams[stream].stage;
        let stage = &self.of.stages[stage_at];
        let counts = self.recorder.counts(self.now);
        let run = &mut self.recorder.run.stages[stage_at];
        run.came += u64::from(counts);
        let waiting = self.waiting.fresh(stream);
        let room = if stage.late == Late::Queue { FLOOD } else { stage.depth };
        if waiting >= room {
            run.dropped += u64::from(counts);
            run.flooded |= stage.late == Late::Queue;
            if stage.late != Late::DropOldest {
                return;
            }
            self.waiting.lose_oldest(stream);
        }
        let by_chance = if stage.jitter > 0.0 {
            let sigma = (1.0 + stage.jitter * stage.jitter).ln().sqrt();
            (sigma * normal(&mut self.jitter[stream]) - sigma * sigma / 2.0).exp()
        } else {
            1.0
        };
        let cap = self.of.engines[stage.engine].bandwidth.min(self.values.bandwidth);
        let bytes = self.values.bytes[stream];
        let job = Job {
            owner: stream,
            origins: origins.into(),
            ready: self.now,
            deadline: self.now + stage.deadline,
            priority: stage.priority,
            alone: (self.values.alone[stream] * by_chance).max(bytes / cap),
            bytes,
            left: 1.0,
            stop: 1.0 - 1.0 / f64::from(stage.pieces),
            piece: 1.0 / f64::from(stage.pieces),
            begun: false,
            keeps: false,
            number: self.number,
        };
        self.number += 1;
        let engine = stage.engine;
        self.waiting.push(job);
        self.dispatch(engine);
    }

    /// A stream has made something: who takes it, whose sink it is.
    fn made(&mut self, stream: usize, origins: &Origins) {
        let stage = self.of.streams[stream].stage;
        let output = stream - self.of.stages[stage].streams.start;
        for (at, chain) in self.of.chains.iter().enumerate() {
            if chain.sink == Sink::Stage(stage) {
                self.recorder.reached(at, output, origins[chain.source], self.now);
            }
        }
        for display in 0..self.of.displays.len() {
            if self.of.displays[display].stream == stream {
                let unseen = self.pending[display].as_ref().is_some_and(|(_, seen)| !seen);
                if self.recorder.counts(self.now) {
                    self.recorder.run.displays[display].unseen += u64::from(unseen);
                }
                self.pending[display] = Some((Rc::clone(origins), false));
            }
        }
        for taker in 0..self.takers.1[stream].len() {
            let (to, slot) = self.takers.1[stream][taker];
            self.deliver(to, slot, origins);
        }
    }

    fn picture(&mut self, display: usize, number: u64) {
        self.schedule(self.pictures[display].at(number + 1), What::Picture(display), number + 1);
        let counts = self.recorder.counts(self.now);
        let run = &mut self.recorder.run.displays[display];
        run.pictures += u64::from(counts);
        let Some((origins, seen)) = &mut self.pending[display] else { return };
        if *seen {
            run.repeated += u64::from(counts);
            return;
        }
        *seen = true;
        let of = &self.of.displays[display];
        // Light at the middle of the panel.
        let light = self.now + of.scan / 2.0 + self.values.panels[display];
        for (at, chain) in self.of.chains.iter().enumerate() {
            if chain.sink == Sink::Display(display) {
                self.recorder.reached(at, 0, origins[chain.source], light);
            }
        }
    }
}

#[cfg(test)]
mod tests;
