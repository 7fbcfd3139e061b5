//! From planned steps to tasks: what every endpoint has done before, phases and repetitions included.
//!
//! What a step waits for is kept per endpoint: tasks that it took part in. An endpoint that took part in none of them
//! waits for all, by way of a delay of nothing that all tasks end in; the same stands for long lists.

use std::collections::{BTreeMap, HashMap};

use super::plan::Plan;
use super::tables::Wait;
use super::{Item, Job, Kind, Made, Part, Step, later};
use crate::collective::Collective;
use crate::network::EndpointId;
use crate::time::Time;
use crate::traffic::memory::Stream;
use crate::traffic::pattern::Plan as PatternPlan;
use crate::traffic::random::Random;
use crate::traffic::{Builder, TaskId, When, Work};

/// Waits above which a delay of nothing stands between.
const WAITS: usize = 4;

/// A task and in which sense it must be done.
type Waited = (TaskId, When);

/// What something can wait for: index into [`Lower::ends`].
type End = usize;

/// What waits may be for.
enum Awaited {
    /// Tasks of a step (or of all steps of a phase), by who took part.
    Tasks(BTreeMap<EndpointId, Vec<Waited>>),
    /// The beginning of a phase.
    Gate(Entry),
}

/// How a step begins.
#[derive(Clone, Debug)]
struct Entry {
    after: Vec<End>,
    wait: Wait,
    start: Time,
    delay: Time,
    /// What was worked out for an endpoint; key of [`Lower::ready`].
    id: u32,
}

/// What a task of an endpoint waits for, and its earliest start.
#[derive(Clone, Debug, Default)]
struct Ready {
    after: Vec<Waited>,
    not_before: Time,
}

struct Lower<'a> {
    job: &'a Job,
    plans: &'a [Plan],
    seed: u64,
    builder: Builder,
    ends: Vec<Awaited>,
    /// Per end the task that all of it ends in.
    joined: HashMap<End, Vec<Waited>>,
    ready: HashMap<(u32, Option<EndpointId>), Ready>,
    entries: u32,
    parts: Vec<Part>,
    /// How often each item was drawn by chance.
    drawn: Vec<u64>,
}

/// Makes the tasks.
pub(super) fn lower(job: &Job, plans: &[Plan], seed: u64) -> Made {
    let mut lower = Lower {
        job,
        plans,
        seed,
        builder: Builder::default(),
        ends: Vec::new(),
        joined: HashMap::new(),
        ready: HashMap::new(),
        entries: 0,
        parts: Vec::new(),
        drawn: vec![0; plans.len()],
    };
    lower.items(&job.top, &[]);
    let steps = job.items.iter().zip(plans).map(|(item, plan)| Step {
        name: item.name.clone(),
        kind: item.kind.word(),
        when: if item.usual.acknowledged { When::Acknowledged } else { When::Delivered },
        collective: match plan {
            Plan::Collectives(all) => all.first().cloned(),
            _ => None,
        },
    });
    Made { steps: steps.collect(), traffic: lower.builder.build(), parts: lower.parts }
}

impl Lower<'_> {
    fn end(&mut self, awaited: Awaited) -> End {
        self.ends.push(awaited);
        self.ends.len() - 1
    }

    fn entry(&mut self, item: &Item, after: Vec<End>, more: Time) -> Entry {
        self.entries += 1;
        let usual = &item.usual;
        let delay = usual.delay.saturating_add(more);
        Entry { after, wait: usual.wait, start: usual.start, delay, id: self.entries }
    }

    /// Makes items that are in order; those that wait for nothing wait for `base`. Gives the ends of all.
    fn items(&mut self, items: &[usize], base: &[End]) -> Vec<End> {
        let mut ends: BTreeMap<usize, Vec<End>> = BTreeMap::new();
        for at in items {
            let item = &self.job.items[*at];
            let mut after: Vec<End> =
                item.after.iter().filter_map(|first| ends.get(first)).flatten().copied().collect();
            if after.is_empty() {
                after = base.to_vec();
            }
            let end = self.repeated(*at, &after);
            ends.insert(*at, end);
        }
        ends.into_values().flatten().collect()
    }

    /// Makes an item as often as it says.
    fn repeated(&mut self, at: usize, after: &[End]) -> Vec<End> {
        let item = &self.job.items[at];
        let every = item.usual.every.as_ref().map(|every| every.value);
        // By chance others may take part each time.
        let keep = every.is_some() || matches!(item.kind, Kind::Pattern(_));
        let mut ends: Vec<End> = Vec::new();
        let mut after = after.to_vec();
        for turn in 0..item.usual.repeat.value {
            let first = self.builder.len() as u32;
            let more = every.map_or(Time::ZERO, |every| later(every, turn));
            let entry = self.entry(item, after.clone(), more);
            let made = match &item.kind {
                Kind::Phase(inside) => {
                    let free = entry.after.is_empty() && entry.start.max(entry.delay) == Time::ZERO;
                    let base = if free { Vec::new() } else { vec![self.end(Awaited::Gate(entry))] };
                    self.items(inside, &base)
                }
                _ => vec![self.step(at, &entry)],
            };
            self.parts.push(Part { step: at as u32, tasks: first..self.builder.len() as u32 });
            if every.is_none() {
                after.clone_from(&made);
            }
            if !keep {
                ends.clear();
            }
            ends.extend(made);
        }
        ends
    }

    /// What tasks of an endpoint wait for; `None`: what those of all do.
    fn ready(&mut self, entry: &Entry, endpoint: Option<EndpointId>) -> Ready {
        let endpoint = endpoint.filter(|_| entry.wait == Wait::Own);
        if entry.after.is_empty() {
            return Ready { after: Vec::new(), not_before: entry.start.saturating_add(entry.delay) };
        }
        let key = (entry.id, endpoint);
        if let Some(ready) = self.ready.get(&key) {
            return ready.clone();
        }
        let mut after: Vec<Waited> = Vec::new();
        for end in &entry.after {
            after.extend(self.awaited(*end, endpoint));
        }
        after.sort_unstable();
        after.dedup();
        let at = endpoint.unwrap_or(EndpointId(0));
        if entry.delay > Time::ZERO || after.len() > WAITS {
            after = vec![self.join(at, entry.delay, entry.start, &after)];
        }
        let ready = Ready { after, not_before: entry.start };
        self.ready.insert(key, ready.clone());
        ready
    }

    /// A delay behind tasks.
    fn join(&mut self, at: EndpointId, time: Time, not_before: Time, after: &[Waited]) -> Waited {
        let task = self.builder.task(Work::Delay { at, time }, not_before);
        after.iter().for_each(|(first, when)| self.builder.after(*first, task, *when));
        (task, When::Delivered)
    }

    /// What of an end an endpoint waits for: its own part of it, or all where it has none.
    fn awaited(&mut self, end: End, endpoint: Option<EndpointId>) -> Vec<Waited> {
        let own = match &mut self.ends[end] {
            Awaited::Gate(entry) => {
                let entry = entry.clone();
                let ready = self.ready(&entry, endpoint);
                if ready.not_before == Time::ZERO {
                    return ready.after;
                }
                let at = endpoint.unwrap_or(EndpointId(0));
                return match endpoint {
                    Some(_) => vec![self.join(at, Time::ZERO, ready.not_before, &ready.after)],
                    None => {
                        if let Some(all) = self.joined.get(&end) {
                            return all.clone();
                        }
                        let all = vec![self.join(at, Time::ZERO, ready.not_before, &ready.after)];
                        self.joined.insert(end, all.clone());
                        all
                    }
                };
            }
            Awaited::Tasks(of) => endpoint.and_then(|endpoint| of.get(&endpoint).cloned()),
        };
        if let (Some(own), Some(endpoint)) = (own, endpoint) {
            if own.len() <= WAITS {
                return own;
            }
            let one = vec![self.join(endpoint, Time::ZERO, Time::ZERO, &own)];
            if let Awaited::Tasks(of) = &mut self.ends[end] {
                of.insert(endpoint, one.clone());
            }
            return one;
        }
        if let Some(all) = self.joined.get(&end) {
            return all.clone();
        }
        let Awaited::Tasks(of) = &self.ends[end] else { return Vec::new() };
        let mut all: Vec<Waited> = of.values().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        if all.len() > 1 {
            all = vec![self.join(EndpointId(0), Time::ZERO, Time::ZERO, &all)];
        }
        self.joined.insert(end, all.clone());
        all
    }

    /// A task of an endpoint that begins a step.
    fn begin(&mut self, work: Work, at: EndpointId, entry: &Entry) -> TaskId {
        let ready = self.ready(entry, Some(at));
        let task = self.builder.task(work, ready.not_before);
        ready.after.iter().for_each(|(first, when)| self.builder.after(*first, task, *when));
        task
    }

    /// Makes a step once.
    fn step(&mut self, at: usize, entry: &Entry) -> End {
        let (item, plans) = (&self.job.items[at], self.plans);
        let first = self.builder.len();
        let done = if item.usual.acknowledged { When::Acknowledged } else { When::Delivered };
        let mut of: BTreeMap<EndpointId, Vec<Waited>> = BTreeMap::new();
        let mut took_part = |endpoint: EndpointId, waited: Waited| of.entry(endpoint).or_default().push(waited);
        match &plans[at] {
            Plan::Phase => {}
            Plan::Messages { from, to, bytes } => {
                for from in from {
                    for to in to.iter().filter(|to| *to != from) {
                        let work = Work::Message { from: *from, to: *to, bytes: *bytes };
                        let task = self.begin(work, *from, entry);
                        [*from, *to].into_iter().for_each(|end| took_part(end, (task, done)));
                    }
                }
            }
            Plan::Pattern { members, plan, seed } => {
                for (from, to, task) in self.pattern(at, members, plan, *seed, entry) {
                    [from, to].into_iter().for_each(|end| took_part(end, (task, done)));
                }
            }
            Plan::Collectives(all) => {
                for collective in all {
                    for (rank, tasks) in self.collective(collective, entry).into_iter().enumerate() {
                        for task in tasks {
                            let when = if self.builder.is_message(task) { done } else { When::Delivered };
                            took_part(collective.members[rank], (task, when));
                        }
                    }
                }
            }
            Plan::Compute { members, time, jitter, seed } => {
                let mut random = self.random(at, *seed);
                for at in members {
                    let more = random.below(jitter.0.saturating_add(u64::from(jitter.0 > 0)));
                    let time = time.saturating_add(Time(more));
                    let task = self.begin(Work::Delay { at: *at, time }, *at, entry);
                    took_part(*at, (task, When::Delivered));
                }
            }
            Plan::Memory(streams) => {
                for stream in streams {
                    for task in self.memory(stream, entry) {
                        [stream.from, stream.to].into_iter().for_each(|end| took_part(end, (task, done)));
                    }
                }
            }
        }
        if of.is_empty() {
            // Arrivals by chance may be none: what comes after still waits for what comes before.
            let at = EndpointId(0);
            let task =
                self.begin(Work::Delay { at, time: Time::ZERO }, at, &Entry { wait: Wait::All, ..entry.clone() });
            of.insert(at, vec![(task, When::Delivered)]);
        }
        if let Some(class) = item.usual.class.as_ref().filter(|class| class.value > 0) {
            for task in first..self.builder.len() {
                self.builder.class(TaskId(task as u32), class.value as u8);
            }
        }
        self.end(Awaited::Tasks(of))
    }

    /// Chance of one run of an item.
    fn random(&mut self, at: usize, seed: Option<u32>) -> Random {
        let turn = self.drawn[at];
        self.drawn[at] += 1;
        let seed = seed.map_or_else(
            || {
                // FNV-1a (Fowler, Noll, Vo): every name its own chance, whatever stands around it.
                let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                self.job.items[at].name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, hash)
            },
            u64::from,
        );
        if turn == 0 { Random::new(seed) } else { Random::new(seed ^ Random::new(turn).bits()) }
    }

    fn pattern(
        &mut self,
        at: usize,
        members: &[EndpointId],
        plan: &PatternPlan,
        seed: Option<u32>,
        entry: &Entry,
    ) -> Vec<(EndpointId, EndpointId, TaskId)> {
        let seed = match (seed, self.drawn[at]) {
            (Some(seed), 0) => {
                self.drawn[at] += 1;
                u64::from(seed)
            }
            _ => self.random(at, seed).bits(),
        };
        // Its checks have passed.
        let Ok(made) = (PatternPlan { seed, ..*plan }).traffic() else { return Vec::new() };
        let mut tasks = Vec::with_capacity(made.tasks.len());
        for task in &made.tasks {
            let Work::Message { from, to, bytes } = task.work else { continue };
            let (from, to) = (members[from.index()], members[to.index()]);
            let ready = self.ready(entry, Some(from));
            let work = Work::Message { from, to, bytes };
            let (mut after, mut not_before) = (ready.after, ready.not_before);
            if after.is_empty() {
                not_before = not_before.saturating_add(task.not_before);
            } else if task.not_before > Time::ZERO {
                after = vec![self.join(from, task.not_before, not_before, &after)];
            }
            let id = self.builder.task(work, not_before);
            after.iter().for_each(|(first, when)| self.builder.after(*first, id, *when));
            tasks.push((from, to, id));
        }
        tasks
    }

    fn collective(&mut self, collective: &Collective, entry: &Entry) -> Vec<Vec<TaskId>> {
        let mut entries = Vec::with_capacity(collective.members.len());
        for member in &collective.members {
            let ready = self.ready(entry, Some(*member));
            // The collective itself waits for messages in its own sense, and knows no earliest start.
            let alike = |(task, when): &Waited| {
                *when == if self.builder.is_message(*task) { collective.when } else { When::Delivered }
            };
            if ready.not_before == Time::ZERO && ready.after.iter().all(alike) {
                entries.push(ready.after.iter().map(|(task, _)| *task).collect());
            } else {
                entries.push(vec![self.join(*member, Time::ZERO, ready.not_before, &ready.after).0]);
            }
        }
        // Its checks have passed.
        collective.add(&mut self.builder, &entries).unwrap_or_default()
    }

    fn memory(&mut self, stream: &Stream, entry: &Entry) -> Vec<TaskId> {
        let ready = self.ready(entry, Some(stream.from));
        stream.add_after(&mut self.builder, &ready.after, ready.not_before)
    }
}
