//! What the steps of a job come to on a network: which ranks, which messages, how many tasks.

use lanewright_model::problem::{Problem, Problems, nearest};
use lanewright_model::text::Placed;

use super::forms::Ranks;
use super::tables::{Access, CollectiveTable, MemoryTable, PatternTable, Rule};
use super::{Ground, Item, Job, Kind};
use crate::collective::Collective;
use crate::network::EndpointId;
use crate::time::Time;
use crate::traffic::When;
use crate::traffic::memory::{Operation as MemoryOperation, Stream};
use crate::traffic::pattern::{Pattern, Plan as PatternPlan, Sizes};

/// A step whose ranks are known.
pub(super) enum Plan {
    /// Its steps have plans of their own.
    Phase,
    Messages {
        from: Vec<EndpointId>,
        to: Vec<EndpointId>,
        bytes: u64,
    },
    Pattern {
        members: Vec<EndpointId>,
        plan: PatternPlan,
        seed: Option<u32>,
    },
    Collectives(Vec<Collective>),
    Compute {
        members: Vec<EndpointId>,
        time: Time,
        jitter: Time,
        seed: Option<u32>,
    },
    Memory(Vec<Stream>),
}

/// Plans of all items; errors become problems.
pub(super) fn plans(job: &Job, ground: &Ground<'_>, problems: &mut Problems) -> Option<Vec<Plan>> {
    let mut planner = Planner { job, ground, problems, endpoints: Vec::new() };
    planner.endpoints = planner.endpoints()?;
    let plans: Vec<Option<(Plan, u64)>> = job.items.iter().map(|item| planner.plan(item)).collect();
    let mut tasks = vec![0u64; plans.len()];
    for (at, plan) in plans.iter().enumerate() {
        tasks[at] = plan.as_ref().map_or(0, |(_, tasks)| *tasks);
    }
    let total = total(job, &job.top, &tasks);
    if total > ground.limit {
        let largest = (0..tasks.len()).max_by_key(|at| tasks[*at]).unwrap_or(0);
        let item = &job.items[largest];
        let span = item.usual.id.as_ref().map_or(item.usual.repeat.span, |id| id.span);
        let message = format!("this traffic would be {total} tasks; at most {} are made", ground.limit);
        problems.push(
            Problem::error("too-large", message, span, "the largest step")
                .help("take fewer ranks, repetitions, chunks or messages"),
        );
        return None;
    }
    plans.into_iter().map(|plan| plan.map(|(plan, _)| plan)).collect()
}

/// Tasks of items, repetitions counted.
fn total(job: &Job, items: &[usize], tasks: &[u64]) -> u64 {
    let each = |at: &usize| {
        let item = &job.items[*at];
        let once = match &item.kind {
            Kind::Phase(inside) => total(job, inside, tasks),
            _ => tasks[*at],
        };
        once.saturating_mul(u64::from(item.usual.repeat.value))
    };
    items.iter().map(each).fold(0, u64::saturating_add)
}

struct Planner<'a> {
    job: &'a Job,
    ground: &'a Ground<'a>,
    problems: &'a mut Problems,
    /// Of every rank.
    endpoints: Vec<EndpointId>,
}

impl Planner<'_> {
    fn error<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    /// The endpoint of every rank.
    fn endpoints(&mut self) -> Option<Vec<EndpointId>> {
        let has = self.ground.endpoints;
        let chosen = match &self.job.endpoints {
            Some(ranks) => self.numbers(ranks, has, "endpoint")?,
            None => (0..has).collect(),
        };
        let wanted = self.job.ranks.unwrap_or(chosen.len() as u32);
        if (chosen.len() as u64) < u64::from(wanted) {
            let message = format!("the job has {wanted} ranks, but there are only {} endpoints for them", chosen.len());
            return self.error(Problem::whole("ranks", message).help("choose a larger network, or fewer ranks"));
        }
        Some(chosen.into_iter().take(wanted as usize).map(EndpointId).collect())
    }

    /// Numbers below `count`, each once.
    fn numbers(&mut self, ranks: &Placed<Ranks>, count: u32, what: &str) -> Option<Vec<u32>> {
        let none = |number: u32| {
            let last = count.saturating_sub(1);
            let message = format!("there is no {what} {number}: they count from 0 to {last}");
            Problem::error("ranks", message, ranks.span, "here")
        };
        let numbers = match &ranks.value {
            Ranks::Listed(numbers) => numbers.clone(),
            Ranks::Chosen(index) => match index.numbers(count) {
                Ok(numbers) => numbers,
                Err(number) => return self.error(none(number)),
            },
            Ranks::Named(name) => {
                let Some(group) = self.job.groups.get(name) else {
                    let known = self.job.groups.keys().map(String::as_str);
                    let near = nearest(name, known.clone());
                    let label = near.map_or_else(|| "not known".into(), |near| format!("did you mean `{near}`?"));
                    let help = match known.collect::<Vec<_>>() {
                        names if names.is_empty() => "ranks are written 3, [0, 5] or \"[0-7]\"".to_string(),
                        names => format!("groups are: {}", names.join(", ")),
                    };
                    let message = format!("there is no group `{name}`");
                    return self.error(Problem::error("unknown-name", message, ranks.span, label).help(help));
                };
                if matches!(group.value, Ranks::Named(_)) {
                    let message = "the ranks of a group are written out";
                    return self.error(Problem::error("ranks", message, group.span, "here").help("write \"[0-7]\""));
                }
                return self.numbers(group, count, what);
            }
        };
        if let Some(number) = numbers.iter().find(|number| **number >= count) {
            return self.error(none(*number));
        }
        if numbers.is_empty() {
            return self.error(Problem::error("ranks", "no rank is named", ranks.span, "here"));
        }
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("{what} {} is named twice", pair[0]);
            return self.error(Problem::error("ranks", message, ranks.span, "here"));
        }
        Some(numbers)
    }

    /// Endpoints of ranks; of all where none are named.
    fn members(&mut self, ranks: Option<&Placed<Ranks>>) -> Option<Vec<EndpointId>> {
        match ranks {
            None => Some(self.endpoints.clone()),
            Some(ranks) => {
                let numbers = self.numbers(ranks, self.endpoints.len() as u32, "rank")?;
                Some(numbers.into_iter().map(|rank| self.endpoints[rank as usize]).collect())
            }
        }
    }

    /// The plan of a step, and about how many tasks it makes each time.
    fn plan(&mut self, item: &Item) -> Option<(Plan, u64)> {
        match &item.kind {
            Kind::Phase(_) => Some((Plan::Phase, 1)),
            Kind::Message(table) => {
                let (from, to) = (self.members(Some(&table.from)), self.members(Some(&table.to)));
                let (from, to) = (from?, to?);
                if from.len() == 1 && from == to {
                    let message = "nobody sends to itself";
                    return self.error(Problem::error("ranks", message, table.to.span, "the sender"));
                }
                let tasks = from.len() as u64 * to.len() as u64 + 2 * from.len() as u64;
                Some((Plan::Messages { from, to, bytes: table.bytes.0 }, tasks))
            }
            Kind::Pattern(table) => self.pattern(table),
            Kind::Collective(table) => self.collectives(item, table),
            Kind::Compute(table) => {
                let members = self.members(table.ranks.as_ref())?;
                let tasks = 3 * members.len() as u64;
                let seed = table.seed.as_ref().map(|seed| seed.value);
                Some((Plan::Compute { members, time: table.time, jitter: table.jitter, seed }, tasks))
            }
            Kind::Memory(table) => self.memory(table),
        }
    }

    fn memory(&mut self, table: &MemoryTable) -> Option<(Plan, u64)> {
        let (from, to) = (self.members(Some(&table.from)), self.members(Some(&table.to)));
        let (from, to) = (from?, to?);
        if from.len() == 1 && from == to {
            let message = "nobody asks its own memory over the network";
            return self.error(Problem::error("ranks", message, table.to.span, "the one that asks"));
        }
        let tasks = (from.len() as u64).saturating_mul(to.len() as u64).saturating_mul(3 * u64::from(table.count));
        if tasks > self.ground.limit {
            // The sum says so.
            return Some((Plan::Memory(Vec::new()), tasks));
        }
        let stream = |from: EndpointId, to: EndpointId| Stream {
            from,
            to,
            operation: match table.operation {
                Access::Load => MemoryOperation::Load,
                Access::Store => MemoryOperation::Store,
                Access::Atomic => MemoryOperation::Atomic,
            },
            bytes: table.bytes.0,
            count: table.count,
            outstanding: table.outstanding.max(1),
            latency: table.latency,
        };
        let pairs = from.iter().flat_map(|from| to.iter().filter(move |to| *to != from).map(|to| stream(*from, *to)));
        Some((Plan::Memory(pairs.collect()), tasks))
    }

    fn pattern(&mut self, table: &PatternTable) -> Option<(Plan, u64)> {
        let rule = table.kind.value;
        let own: &[&str] = match rule {
            Rule::Shift => &["by"],
            Rule::Incast => &["to", "senders"],
            Rule::Outcast => &["from", "receivers"],
            Rule::Random => &["messages"],
            Rule::Hotspot => &["to", "share"],
            Rule::Poisson => &["load", "duration"],
            Rule::Permutation | Rule::AllToAll | Rule::Ring => &[],
        };
        let given = [
            ("by", table.by.as_ref().map(|value| value.span)),
            ("to", table.to.as_ref().map(|value| value.span)),
            ("from", table.from.as_ref().map(|value| value.span)),
            ("senders", table.senders.as_ref().map(|value| value.span)),
            ("receivers", table.receivers.as_ref().map(|value| value.span)),
            ("messages", table.messages.as_ref().map(|value| value.span)),
            ("share", table.share.as_ref().map(|value| value.span)),
            ("load", table.load.as_ref().map(|value| value.span)),
            ("duration", table.duration.as_ref().map(|value| value.span)),
        ];
        for (key, span) in given.iter().filter(|(key, span)| span.is_some() && !own.contains(key)) {
            let Some(span) = span else { continue };
            let help = if own.is_empty() { "it has no keys of its own".into() } else { own.join(", ") };
            self.problems.push(
                Problem::error("unused-key", format!("the pattern {rule} has no `{key}`"), *span, "not used")
                    .help(format!("its own keys: {help}")),
            );
        }
        let members = self.members(table.ranks.as_ref())?;
        let n = members.len() as u32;
        let missing = |key: &str| {
            Problem::error("missing-key", format!("the pattern {rule} needs `{key}`"), table.kind.span, "here")
        };
        // Ranks become positions among the members.
        let position = |rank: &Option<Placed<u32>>| match rank {
            None => Ok(0),
            Some(rank) => {
                let at =
                    self.endpoints.get(rank.value as usize).and_then(|at| members.iter().position(|one| one == at));
                at.map(|at| at as u32).ok_or_else(|| {
                    let message = format!("rank {} does not take part", rank.value);
                    Problem::error("ranks", message, rank.span, "not among `ranks`")
                })
            }
        };
        let value = |value: &Option<Placed<u32>>, usual: u32| value.as_ref().map_or(usual, |value| value.value);
        let made = || {
            let others = n.saturating_sub(1);
            Ok(match rule {
                Rule::Shift => Pattern::Shift { by: value(&table.by, n / 2) },
                Rule::Permutation => Pattern::Permutation,
                Rule::Incast => Pattern::Incast { senders: value(&table.senders, others), to: position(&table.to)? },
                Rule::Outcast => {
                    Pattern::Outcast { from: position(&table.from)?, receivers: value(&table.receivers, others) }
                }
                Rule::AllToAll => Pattern::AllToAll { ranks: n },
                Rule::Ring => Pattern::Ring,
                Rule::Random => {
                    let messages = table.messages.as_ref().ok_or_else(|| missing("messages"))?;
                    Pattern::Random { messages: u64::from(messages.value) }
                }
                Rule::Hotspot => Pattern::Hotspot {
                    to: position(&table.to)?,
                    share: table.share.as_ref().ok_or_else(|| missing("share"))?.value,
                },
                Rule::Poisson => Pattern::Poisson {
                    load: table.load.as_ref().ok_or_else(|| missing("load"))?.value,
                    rate: self.ground.rate,
                    time: table.duration.as_ref().ok_or_else(|| missing("duration"))?.value,
                },
            })
        };
        let pattern = made();
        let sizes = match (&table.bytes, &table.sizes) {
            (Some(bytes), None) => Ok(Sizes::Fixed(bytes.value.0)),
            (None, Some(sizes)) => Ok(Sizes::Drawn(sizes.value)),
            (Some(_), Some(sizes)) => {
                Err(Problem::error("two-values", "`bytes` or `sizes`, not both", sizes.span, "one too many"))
            }
            (None, None) => Err(missing("bytes` or `sizes")),
        };
        let (pattern, sizes) = match (pattern, sizes) {
            (Ok(pattern), Ok(sizes)) => (pattern, sizes),
            (pattern, sizes) => {
                [pattern.err(), sizes.err()].into_iter().flatten().for_each(|problem| self.problems.push(problem));
                return None;
            }
        };
        let plan = PatternPlan { pattern, endpoints: n, sizes, start: Time::ZERO, seed: 0 };
        match plan.messages() {
            Ok(messages) => {
                let seed = table.seed.as_ref().map(|seed| seed.value);
                Some((
                    Plan::Pattern { members, plan, seed },
                    messages.saturating_mul(2).saturating_add(2 * u64::from(n)),
                ))
            }
            Err(error) => self.error(Problem::error("pattern", error.to_string(), table.kind.span, "this pattern")),
        }
    }

    fn collectives(&mut self, item: &Item, table: &CollectiveTable) -> Option<(Plan, u64)> {
        let members = self.members(table.ranks.as_ref())?;
        let groups = self.groups(members, table)?;
        let operation = table.operation.value;
        let ranks = groups.first().map_or(0, Vec::len);
        let parts = self.parts(table, ranks)?;
        let bytes = match (&parts, table.bytes) {
            (None, Some(bytes)) => bytes.0,
            (Some(parts), None) => parts.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes)),
            (None, None) => {
                let problem =
                    Problem::error("missing-key", "this collective has no `bytes`", table.operation.span, "here");
                return self.error(problem.help("write bytes = \"64MiB\""));
            }
            (Some(_), Some(_)) => {
                let message = "`bytes` or `parts`, not both";
                return self.error(Problem::error("two-values", message, table.operation.span, "here"));
            }
        };
        let algorithm = match &table.algorithm {
            Some(algorithm) => algorithm.value,
            None => (self.ground.algorithm)(operation, ranks, bytes),
        };
        let span = table.algorithm.as_ref().map_or(table.operation.span, |algorithm| algorithm.span);
        let mut made = Vec::with_capacity(groups.len());
        let mut tasks = 0u64;
        for members in groups {
            let mut collective = Collective::new(operation, algorithm, members, bytes);
            collective.parts.clone_from(&parts);
            collective.chunks = table.chunks;
            collective.channels = table.channels;
            collective.in_flight = table.in_flight;
            collective.group = table.group;
            collective.outer = table.outer.unwrap_or(collective.outer);
            collective.root = table.root;
            collective.when = if item.usual.acknowledged { When::Acknowledged } else { When::Delivered };
            if let Err(error) = collective.check() {
                return self.error(Problem::error("collective", error.to_string(), span, "this collective"));
            }
            let own = collective.messages_about().saturating_mul(2).saturating_add(2 * collective.members.len() as u64);
            tasks = tasks.saturating_add(own);
            made.push(collective);
        }
        Some((Plan::Collectives(made), tasks))
    }

    /// Ranks that work among themselves.
    fn groups(&mut self, members: Vec<EndpointId>, table: &CollectiveTable) -> Option<Vec<Vec<EndpointId>>> {
        let (size, across) = match (&table.within, &table.across) {
            (None, None) => return Some(vec![members]),
            (Some(size), None) => (size, false),
            (None, Some(size)) => (size, true),
            (Some(_), Some(across)) => {
                let message = "`within` or `across`, not both";
                return self.error(Problem::error("two-values", message, across.span, "one too many"));
            }
        };
        let each = size.value as usize;
        if each == 0 || !members.len().is_multiple_of(each) {
            let message = format!("{} ranks do not divide into {each}s", members.len());
            return self.error(Problem::error("ranks", message, size.span, "here"));
        }
        Some(if across {
            (0..each).map(|place| members.iter().skip(place).step_by(each).copied().collect()).collect()
        } else {
            members.chunks(each).map(<[EndpointId]>::to_vec).collect()
        })
    }

    /// Parts of an unequal all-to-all, row by row.
    fn parts(&mut self, table: &CollectiveTable, ranks: usize) -> Option<Option<Vec<u64>>> {
        if table.parts.is_empty() {
            return Some(None);
        }
        if table.parts.len() != ranks || table.parts.iter().any(|row| row.len() != ranks) {
            let message = format!("`parts` has {ranks} rows of {ranks} numbers: bytes from each rank to each");
            return self.error(Problem::error("parts", message, table.operation.span, "this collective"));
        }
        Some(Some(table.parts.iter().flatten().map(|bytes| u64::from(*bytes)).collect()))
    }
}
