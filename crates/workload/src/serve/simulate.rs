//! The event loop: arrivals, steps of cells, transfers between pools.
//!
//! A cell is a replica, or several that step together. Steps that only decode are taken as one run up to the next end,
//! full cache or arrival that matters; an arrival cuts a run at the end of the step under way. Nothing happens per token.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use super::rank::{Events, Pace, Plan, Rank};
use super::request::{Request, Served};
use super::route::Routing;
use super::run_length::Run;
use super::settings::{Settings, Speculation};
use super::timeline::Timeline;
use crate::step::load::{StepCost, StepLoad};

/// What a pool of replicas is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Prompts and decoding.
    #[default]
    Both,
    /// Prompts alone; the cache then goes to a pool that decodes.
    Prefill,
    /// Decoding alone.
    Decode,
}

/// Equal replicas of one role.
pub struct Pool<'c> {
    /// What they do.
    pub role: Role,
    /// Replicas that step by themselves.
    pub cells: u32,
    /// Ranks of a cell that step together (data parallel attention); each has its own scheduler and cache.
    pub ranks: u32,
    /// Scheduler of a rank.
    pub settings: Settings,
    /// Time of a step of a cell.
    pub cost: &'c dyn StepCost,
}

/// How caches travel from prefill to decode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Transfer {
    /// Bytes of cache per token.
    pub bytes_per_token: f64,
    /// Bytes per second of one transfer.
    pub bytes_per_s: f64,
    /// Seconds before the first byte.
    pub latency_s: f64,
}

/// Where requests come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Every request at its own time.
    #[default]
    Open,
    /// So many in flight: the next request is sent when one ends. Times of arrival are ignored.
    Closed {
        /// Requests in flight, all replicas together.
        concurrency: u32,
    },
}

/// A whole deployment.
pub struct Deployment<'c> {
    /// Pools.
    pub pools: Vec<Pool<'c>>,
    /// Spread over replicas.
    pub routing: Routing,
    /// Transfer between pools of different roles.
    pub transfer: Option<Transfer>,
    /// Where requests come from.
    pub load: Load,
    /// Seed of all chance: accepted drafts.
    pub seed: u64,
    /// Every step by itself, as a check on runs.
    pub step_by_step: bool,
}

/// What a simulation found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Every request, in the order given.
    pub served: Vec<Served>,
    /// Gaps between tokens.
    pub gaps: super::histogram::Histogram,
    /// Replicas over time.
    pub timeline: Timeline,
    /// Steps that were made, all cells together.
    pub steps: u64,
    /// Of them, steps with prompts.
    pub prompt_steps: u64,
    /// Times that the step cost was asked.
    pub cost_calls: u64,
    /// Seconds that cells worked, added up.
    pub busy_s: f64,
    /// Cells.
    pub cells: u32,
    /// Preemptions.
    pub preemptions: u64,
    /// Prompt tokens let in.
    pub prompt_tokens: u64,
    /// Prompt tokens that caches held.
    pub hit_tokens: u64,
    /// Bytes of cache moved between pools.
    pub moved_bytes: f64,
}

/// Draws how many steps a sequence's tokens take.
struct Drafts {
    speculation: Option<Speculation>,
    seed: u64,
}

impl Pace for Drafts {
    fn steps(&mut self, request: u32, tokens: u32) -> u32 {
        let Some(speculation) = self.speculation else { return tokens };
        // Every request has its own stream: the answer does not depend on who was asked first.
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(u64::from(request));
        let limit = (speculation.acceptance * 4_294_967_296.0) as u64;
        let (mut gained, mut steps) = (0, 0);
        while gained < tokens {
            steps += 1;
            gained += 1;
            for _ in 0..speculation.draft_tokens {
                if u64::from(random.next_u32()) >= limit {
                    break;
                }
                gained += 1;
            }
        }
        steps
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request enters the queue of some replica.
    Arrival { request: u32 },
    /// A request's cache has come to a pool that decodes.
    Moved { request: u32 },
    /// A cell has ended its steps; stale if the cell has been planned since.
    Step { cell: u32, plan: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time_s: f64,
    order: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    /// The earliest is the greatest; steps end before arrivals of the same instant are looked at.
    fn cmp(&self, other: &Self) -> Ordering {
        let kind = |entry: &Self| match entry.event {
            Event::Arrival { .. } => 0,
            Event::Moved { .. } => 1,
            Event::Step { .. } => 2,
        };
        other
            .time_s
            .total_cmp(&self.time_s)
            .then_with(|| kind(other).cmp(&kind(self)))
            .then_with(|| other.order.cmp(&self.order))
    }
}

/// A replica, or several in step.
struct Cell {
    pool: usize,
    ranks: Vec<Rank>,
    plans: Vec<Plan>,
    loads: Vec<StepLoad>,
    run: Option<(f64, Run)>,
    plan: u32,
    /// Host seconds of a step under way, beside the cost.
    events: Events,
}

struct Simulation<'a, 'c> {
    deployment: &'a Deployment<'c>,
    requests: &'a [Request],
    drafts: Drafts,
    heap: BinaryHeap<Entry>,
    order: u64,
    cells: Vec<Cell>,
    /// Ranks that take arrivals, and ranks that take moved caches: cell and rank.
    entries: Vec<(usize, usize)>,
    decoders: Vec<(usize, usize)>,
    turns: [usize; 2],
    /// Next request of a closed loop.
    next: usize,
    found: Found,
}

/// What is wrong with the requests or the deployment.
pub fn check(requests: &[Request], deployment: &Deployment<'_>) -> Result<(), String> {
    if deployment.pools.iter().map(|pool| u64::from(pool.cells) * u64::from(pool.ranks)).sum::<u64>() > 100_000 {
        return Err("at most 100,000 replicas can be simulated".into());
    }
    for pool in &deployment.pools {
        pool.settings.check()?;
        if pool.cells == 0 || pool.ranks == 0 {
            return Err("a pool needs at least one replica".into());
        }
    }
    let has = |role: Role| deployment.pools.iter().any(|pool| pool.role == role);
    if has(Role::Prefill) != has(Role::Decode) {
        return Err("a pool for prompts needs one that decodes, and the other way round".into());
    }
    if !has(Role::Prefill) && !has(Role::Both) {
        return Err("there is no pool that takes requests".into());
    }
    if let Some(transfer) = &deployment.transfer
        && !(transfer.bytes_per_s > 0.0 && transfer.bytes_per_token >= 0.0 && transfer.latency_s >= 0.0)
    {
        return Err(
            "the transfer between pools needs a rate of more than 0 bytes/s and a latency of 0 s or more".into()
        );
    }
    if let Load::Closed { concurrency: 0 } = deployment.load {
        return Err("a closed loop needs at least one request in flight".into());
    }
    for (at, request) in requests.iter().enumerate() {
        let name = at + 1;
        if request.input == 0 || request.output == 0 {
            return Err(format!(
                "request {name} has no tokens of {}",
                if request.input == 0 { "prompt" } else { "answer" }
            ));
        }
        if !(request.arrival_s.is_finite() && request.arrival_s >= 0.0) {
            return Err(format!("request {name} arrives at {} s: a time of 0 s or later is needed", request.arrival_s));
        }
        let length = u64::from(request.input) + u64::from(request.output);
        if length > 1 << 31 {
            return Err(format!("request {name} has {length} tokens: at most 2^31 can be simulated"));
        }
        for pool in &deployment.pools {
            let settings = &pool.settings;
            let length = if pool.role == Role::Prefill { u64::from(request.input) } else { length };
            if let Some(blocks) = settings.blocks
                && settings.blocks_for(length) > blocks
            {
                return Err(format!(
                    "request {name} needs cache for {length} tokens, and a replica holds {}: shorten it, or give the cache \
                     at least {} blocks",
                    blocks * u64::from(settings.block_tokens),
                    settings.blocks_for(length)
                ));
            }
            if !settings.policy.cuts_prompts() && request.input > settings.token_budget {
                return Err(format!(
                    "request {name} has a prompt of {} tokens, and {} does not cut prompts to its budget of {}: raise the \
                     budget to {} or take a policy that cuts (vllm, sglang)",
                    request.input,
                    settings.policy.name(),
                    settings.token_budget,
                    request.input
                ));
            }
        }
    }
    Ok(())
}

/// Serves the requests. They must pass [`check`].
pub fn run(requests: &[Request], deployment: &Deployment<'_>) -> Result<Found, String> {
    check(requests, deployment)?;
    let speculation = deployment.pools.iter().find_map(|pool| pool.settings.speculation);
    let mut cells = Vec::new();
    let (mut entries, mut decoders) = (Vec::new(), Vec::new());
    for (pool, kind) in deployment.pools.iter().enumerate() {
        for _ in 0..kind.cells {
            for rank in 0..kind.ranks as usize {
                let list = if kind.role == Role::Decode { &mut decoders } else { &mut entries };
                list.push((cells.len(), rank));
            }
            cells.push(Cell {
                pool,
                ranks: (0..kind.ranks).map(|_| Rank::new(&kind.settings)).collect(),
                plans: vec![Plan::default(); kind.ranks as usize],
                loads: vec![StepLoad::default(); kind.ranks as usize],
                run: None,
                plan: 0,
                events: Events::default(),
            });
        }
    }
    let count = cells.len() as u32;
    let mut simulation = Simulation {
        deployment,
        requests,
        drafts: Drafts { speculation, seed: deployment.seed },
        heap: BinaryHeap::new(),
        order: 0,
        cells,
        entries,
        decoders,
        turns: [0; 2],
        next: 0,
        found: Found { served: requests.iter().map(Served::new).collect(), cells: count, ..Found::default() },
    };
    simulation.start();
    simulation.go()?;
    let found = simulation.finish();
    match found.served.iter().position(|served| !served.finish_s.is_finite()) {
        Some(at) => {
            Err(format!("request {} never got a place: its cache does not fit beside what is kept free", at + 1))
        }
        None => Ok(found),
    }
}

impl Simulation<'_, '_> {
    fn host(&self) -> super::settings::Host {
        self.deployment.pools[0].settings.host
    }

    fn push(&mut self, time_s: f64, event: Event) {
        self.order += 1;
        self.heap.push(Entry { time_s, order: self.order, event });
    }

    fn start(&mut self) {
        match self.deployment.load {
            Load::Open => {
                let entry_s = self.host().entry_s;
                self.heap.reserve(self.requests.len() + self.cells.len());
                for (at, request) in self.requests.iter().enumerate() {
                    self.push(request.arrival_s + entry_s, Event::Arrival { request: at as u32 });
                }
            }
            Load::Closed { concurrency } => {
                for _ in 0..concurrency {
                    self.send_next(0.0);
                }
            }
        }
    }

    /// The next request of a closed loop is sent.
    fn send_next(&mut self, time_s: f64) {
        if self.next < self.requests.len() {
            let request = self.next as u32;
            self.next += 1;
            self.found.served[request as usize].arrival_s = time_s;
            self.push(time_s + self.host().entry_s, Event::Arrival { request });
        }
    }

    fn go(&mut self) -> Result<(), String> {
        let tokens: u64 = self.requests.iter().map(|r| u64::from(r.input) + u64::from(r.output)).sum();
        let most = 100 * (tokens + 1000);
        // Requests of one instant are all in the queue before a step is planned.
        let mut woken: Vec<u32> = Vec::new();
        while let Some(entry) = self.heap.pop() {
            let now = entry.time_s;
            if self.found.steps > most {
                return Err(format!(
                    "after {most} steps the requests are not through: sequences push each other out of the cache; give it \
                     more blocks or let fewer run at once"
                ));
            }
            match entry.event {
                Event::Arrival { request } => self.arrive(request, now, 0, &mut woken),
                Event::Moved { request } => self.arrive(request, now, 1, &mut woken),
                Event::Step { cell, plan } => {
                    if self.cells[cell as usize].plan == plan {
                        self.step_done(cell as usize, now);
                        woken.push(cell);
                    }
                }
            }
            if self.heap.peek().is_none_or(|next| next.time_s > now) {
                woken.sort_unstable();
                woken.dedup();
                for cell in woken.drain(..) {
                    if self.cells[cell as usize].run.is_none() {
                        self.plan(cell as usize, now);
                    }
                }
            }
        }
        Ok(())
    }

    fn arrive(&mut self, id: u32, now: f64, which: usize, woken: &mut Vec<u32>) {
        let request = self.requests[id as usize];
        let turn = self.turns[which];
        self.turns[which] += 1;
        let candidates = if which == 0 { &self.entries } else { &self.decoders };
        let cells = &self.cells;
        let place = self.deployment.routing.choose(turn, &request, candidates.len(), |at| {
            let (cell, rank) = candidates[at];
            &cells[cell].ranks[rank]
        });
        let (at, rank) = candidates[place];
        let served = &mut self.found.served[id as usize];
        served.replica = place as u32;
        let cell = &mut self.cells[at];
        let heeds = cell.ranks[rank].heeds(id, &request);
        cell.ranks[rank].push(id, &request, which == 1);
        let mut again = None;
        match &mut cell.run {
            None => {
                woken.push(at as u32);
                if which == 0 {
                    served.queued_s = now;
                }
            }
            Some((start, run)) => {
                let steps = run.steps_after(now - *start);
                let seen = *start + run.seconds(steps);
                if which == 0 {
                    served.queued_s = seen;
                }
                if steps < run.steps && !heeds {
                    cell.ranks[rank].hear();
                } else if steps < run.steps {
                    run.steps = steps;
                    cell.plan = cell.plan.wrapping_add(1);
                    again = Some((seen, cell.plan));
                }
            }
        }
        if let Some((seen, plan)) = again {
            self.push(seen, Event::Step { cell: at as u32, plan });
        }
    }

    /// Plans the next steps of a cell that rests.
    fn plan(&mut self, at: usize, now: f64) {
        let cell = &mut self.cells[at];
        let pool = &self.deployment.pools[cell.pool];
        let mut most = u64::MAX;
        let mut sequences = 0;
        for (rank, plan) in cell.ranks.iter_mut().zip(&mut cell.plans) {
            *plan = rank.plan(now, self.requests, &mut self.found.served, &mut self.drafts);
            if plan.most > 0 {
                most = most.min(plan.most);
                sequences += u64::from(plan.load.decodes) + u64::from(plan.load.prefill_pieces);
            }
        }
        if most == u64::MAX {
            // Idle, or waiting for a cache that comes back.
            let wakes = cell.ranks.iter().filter_map(Rank::wakes).filter(|time| *time > now).min_by(f64::total_cmp);
            if let Some(time) = wakes {
                cell.plan = cell.plan.wrapping_add(1);
                let plan = cell.plan;
                cell.run = None;
                self.push(time, Event::Step { cell: at as u32, plan });
            }
            return;
        }
        let host = pool.settings.host;
        let beside = host.step_s + host.sequence_s * sequences as f64;
        let draft = pool.settings.speculation.map_or(0.0, |s| s.draft_share * f64::from(s.draft_tokens));
        let calls = &mut self.found.cost_calls;
        let (plans, loads) = (&cell.plans, &mut cell.loads);
        let run = Run::plan(most, self.deployment.step_by_step, |step| {
            for (load, plan) in loads.iter_mut().zip(plans) {
                *load = plan.load;
                load.decode_context += (plan.growth * step as f64).round() as u64;
                load.prefill_pairs += (plan.pairs_growth * step as f64).round() as u64;
            }
            *calls += 1;
            let step = pool.cost.group_seconds(loads);
            let drafted = if draft > 0.0 {
                for load in loads.iter_mut() {
                    *load =
                        StepLoad { decodes: load.decodes, decode_context: load.decode_context, ..StepLoad::default() };
                }
                *calls += 1;
                if loads.iter().any(|load| load.decodes > 0) { draft * pool.cost.group_seconds(loads) } else { 0.0 }
            } else {
                0.0
            };
            (step + drafted + beside).max(1e-9)
        });
        let end = now + run.seconds(run.steps);
        cell.run = Some((now, run));
        cell.plan = cell.plan.wrapping_add(1);
        let plan = cell.plan;
        self.push(end, Event::Step { cell: at as u32, plan });
    }

    /// The planned steps of a cell have been made.
    fn step_done(&mut self, at: usize, now: f64) {
        let Some((start, run)) = self.cells[at].run.take() else { return };
        let cell = &mut self.cells[at];
        let role = self.deployment.pools[cell.pool].role;
        let mut events = std::mem::take(&mut cell.events);
        events.first.clear();
        events.ended.clear();
        let (mut decodes, mut prompts) = (0, false);
        for (rank, plan) in cell.ranks.iter_mut().zip(&cell.plans) {
            if plan.most == 0 {
                continue;
            }
            decodes += u64::from(plan.load.decodes);
            prompts |= plan.prompts;
            rank.complete(run.steps, role == Role::Prefill, self.requests, &mut self.drafts, &mut events);
        }
        let (waiting, running) =
            cell.ranks.iter().fold((0, 0), |(w, r), rank| (w + rank.waiting(), r + rank.running()));
        let share = cell.ranks.iter().map(Rank::cache_share).fold(0.0, f64::max);
        self.found.timeline.add(now, at as u32, waiting as u32, running as u32, share);
        self.found.steps += run.steps;
        self.found.prompt_steps += if prompts { run.steps } else { 0 };
        self.found.busy_s += now - start;
        if decodes > 0 {
            self.found.gaps.add((now - start) / run.steps as f64, decodes * run.steps);
        }
        let exit_s = self.host().exit_s;
        for id in &events.first {
            self.found.served[*id as usize].first_token_s = now + exit_s;
        }
        for id in &events.ended {
            let request = &self.requests[*id as usize];
            if role == Role::Prefill && request.output > 1 {
                let mut back = now;
                if let Some(transfer) = &self.deployment.transfer {
                    let bytes = transfer.bytes_per_token * f64::from(request.input);
                    self.found.moved_bytes += bytes;
                    back += transfer.latency_s + bytes / transfer.bytes_per_s;
                }
                self.push(back, Event::Moved { request: *id });
                continue;
            }
            self.found.served[*id as usize].finish_s = now + exit_s;
            if matches!(self.deployment.load, Load::Closed { .. }) {
                self.send_next(now + exit_s);
            }
        }
        self.cells[at].events = events;
    }

    fn finish(mut self) -> Found {
        for rank in self.cells.iter().flat_map(|cell| &cell.ranks) {
            self.found.preemptions += rank.preemptions;
            self.found.prompt_tokens += rank.prompt_tokens;
            self.found.hit_tokens += rank.hit_tokens;
        }
        self.found
    }
}
