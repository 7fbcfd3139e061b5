//! The scheduler of one rank: who waits, who runs, what the next step carries.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::blocks::{Blocks, Growth};
use super::request::{Request, Served};
use super::settings::{Policy, Preemption, Settings};
use super::steady::verify;
use crate::step::load::StepLoad;

mod admission;

/// Longest run of equal steps that is taken at once.
const LONGEST_RUN: u64 = 1 << 20;

/// Priority, then order of arrival.
type Key = (i32, u32);

/// Where a sequence is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Not here.
    Away,
    /// In the queue; its cache, if any, is back at this time.
    Waiting(f64),
    /// Its prompt is being computed.
    Prefill,
    /// It decodes.
    Decode(Growth),
}

/// A request as the scheduler sees it.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    place: Place,
    /// Tokens to compute before it decodes: the prompt, and what a preempted one had answered.
    target: u32,
    /// Tokens in the cache.
    done: u32,
    /// Tokens answered when it began to decode.
    answered: u32,
    /// Blocks of its own while its prompt is computed.
    own: u64,
    /// Tokens of a shared prefix that it uses.
    shared: u32,
    /// Tokens that it gains per step.
    rate: f64,
    /// Counts its turns of decoding, so that ends of earlier ones are known as stale.
    turn: u32,
    /// Its cache is whole: it decodes as soon as it has a place.
    whole: bool,
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            place: Place::Away,
            target: 0,
            done: 0,
            answered: 0,
            own: 0,
            shared: 0,
            rate: 1.0,
            turn: 0,
            whole: false,
        }
    }
}

/// What the next step carries, and how often it may be repeated with no change but a token more in every cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// The step's load.
    pub load: StepLoad,
    /// Tokens that one step adds to the decoding sequences' caches together.
    pub growth: f64,
    /// Pairs of queries and keys that one step adds to the verification of drafts.
    pub pairs_growth: f64,
    /// Whether prompts are in it.
    pub prompts: bool,
    /// Repetitions at most; 0 for an idle rank.
    pub most: u64,
}

/// What a step brought about.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Requests whose first token came.
    pub first: Vec<u32>,
    /// Requests that ended.
    pub ended: Vec<u32>,
}

/// How sequences gain tokens under speculation: drawn per sequence.
pub trait Pace {
    /// Decoding steps that so many tokens take.
    fn steps(&mut self, request: u32, tokens: u32) -> u32;
}

/// One rank's scheduler.
#[derive(Clone, Debug)]
pub struct Rank {
    settings: Settings,
    blocks: Blocks,
    sequences: Vec<Sequence>,
    waiting: BTreeMap<Key, u32>,
    /// Requests that came since the last step was planned.
    fresh: Vec<(Key, u32)>,
    running: BTreeMap<Key, u32>,
    /// Sequences whose prompts are under way, in order.
    partial: Vec<u32>,
    /// Pieces of the step under way.
    pieces: Vec<(u32, u32)>,
    ends: BinaryHeap<Reverse<(u64, u32, u32)>>,
    decoding: u32,
    /// Tokens in the caches of decoding sequences.
    context: f64,
    growth: f64,
    /// Decoding steps so far.
    tick: u64,
    decodes_now: bool,
    /// Rows of a static batch, ended ones included.
    rows: u32,
    /// Preemptions so far.
    pub preemptions: u64,
    /// Prompt tokens that entered, and those of them that a prefix cache held.
    pub prompt_tokens: u64,
    /// See `prompt_tokens`.
    pub hit_tokens: u64,
}

impl Rank {
    /// An idle rank for requests that may be any of so many.
    pub fn new(settings: &Settings) -> Self {
        let rate = settings.speculation.map_or(1.0, |s| s.tokens_per_step());
        Self {
            settings: *settings,
            blocks: Blocks::new(settings.block_tokens, settings.blocks, rate),
            sequences: Vec::new(),
            waiting: BTreeMap::new(),
            fresh: Vec::new(),
            running: BTreeMap::new(),
            partial: Vec::new(),
            pieces: Vec::new(),
            ends: BinaryHeap::new(),
            decoding: 0,
            context: 0.0,
            growth: 0.0,
            tick: 0,
            decodes_now: false,
            rows: 0,
            preemptions: 0,
            prompt_tokens: 0,
            hit_tokens: 0,
        }
    }

    /// Sequences that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.fresh.len()
    }

    /// Sequences that run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Share of the cache in use.
    pub fn cache_share(&self) -> f64 {
        self.blocks.share()
    }

    /// Whether nothing is to be done.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty() && self.fresh.is_empty() && self.running.is_empty()
    }

    /// Whether a prefix is resident.
    pub fn has_prefix(&self, id: u32) -> bool {
        self.blocks.resident(id).is_some()
    }

    /// Whether a request that comes now would change the steps under way if they were planned again: it would be the first
    /// of the queue, and there is a place.
    pub fn heeds(&self, id: u32, request: &Request) -> bool {
        let key = (request.priority, id);
        let first = self.waiting.first_key_value().is_none_or(|(head, _)| key < *head);
        first
            && self.fresh.is_empty()
            && self.running.len() < self.settings.max_sequences as usize
            && (self.settings.policy != Policy::Static || self.running.is_empty())
    }

    fn sequence(&mut self, request: u32) -> &mut Sequence {
        let at = request as usize;
        if self.sequences.len() <= at {
            self.sequences.resize(at + 1, Sequence::default());
        }
        &mut self.sequences[at]
    }

    /// Puts a request into the queue. `whole`: its prompt's cache comes from elsewhere, with the first token.
    pub fn push(&mut self, id: u32, request: &Request, whole: bool) {
        let key = (request.priority, id);
        let sequence = self.sequence(id);
        *sequence = Sequence { place: Place::Waiting(0.0), target: request.input, ..Sequence::default() };
        if whole {
            (sequence.whole, sequence.done, sequence.answered) = (true, request.input, 1);
        }
        self.fresh.push((key, id));
    }

    /// Who came is known to the scheduler: a step that carries on as planned has begun since.
    pub fn hear(&mut self) {
        self.waiting.extend(self.fresh.drain(..));
    }

    /// Plans the next step at a time: admits, cuts prompts, preempts.
    pub fn plan(&mut self, now: f64, requests: &[Request], served: &mut [Served], pace: &mut dyn Pace) -> Plan {
        self.pieces.clear();
        let policy = self.settings.policy;
        // Planned ahead, a step was fixed when its predecessor began: who came since waits for the one after it.
        let late = self.settings.ahead && !self.running.is_empty();
        if !late {
            self.waiting.extend(self.fresh.drain(..));
        }
        let verified = self.settings.tokens_per_decode();
        let mut budget = self.settings.token_budget;
        // Prompts of a policy that does not mix go alone; so decoding rests while there are any.
        let rests = !policy.mixes() && (!self.partial.is_empty() || self.can_admit(now, requests));
        self.decodes_now = !rests && self.decoding > 0;
        let mut preempted = false;
        if self.decodes_now {
            while self.blocks.demand(self.tick) > self.blocks.free() {
                if self.blocks.drop_idle() {
                    continue;
                }
                preempted = true;
                if !self.preempt(now, requests, served) {
                    break;
                }
            }
            self.decodes_now = self.decoding > 0;
            budget = budget.saturating_sub(self.decoding * verified);
        }
        let mut load = StepLoad::default();
        self.go_on(&mut budget, &mut load, &mut preempted, now, requests, served);
        let before = self.decoding;
        // An empty step takes no time: after it, the next one may let in who was sent back.
        if !preempted || load.tokens() == 0 && !self.decodes_now {
            self.admit(&mut budget, &mut load, now, requests, served, pace);
        }
        if self.decoding > before && (policy.mixes() || self.pieces.is_empty()) {
            self.decodes_now = true;
        }
        if self.decodes_now {
            load.decodes = if policy == Policy::Static { self.rows.max(self.decoding) } else { self.decoding };
            load.decode_context = self.context as u64;
            verify(&mut load, verified - 1);
        }
        let heard = !self.fresh.is_empty();
        self.waiting.extend(self.fresh.drain(..));
        let most = match () {
            () if load.tokens() == 0 => 0,
            // Nobody was let in this time; perhaps the next.
            () if preempted => 1,
            () if heard && self.running.len() < self.settings.max_sequences as usize => 1,
            () if !self.pieces.is_empty() || !self.decodes_now => 1,
            () => self.run_length(),
        };
        let growth = if self.decodes_now { self.growth } else { 0.0 };
        let pairs_growth = growth * f64::from(verified - 1);
        Plan { load, growth, pairs_growth, prompts: !self.pieces.is_empty(), most }
    }

    /// How often a step that only decodes may be repeated.
    fn run_length(&mut self) -> u64 {
        // Someone's cache comes back: look again after each step.
        let coming = self
            .waiting
            .first_key_value()
            .is_some_and(|(_, id)| matches!(self.sequences[*id as usize].place, Place::Waiting(back) if back > 0.0));
        if coming {
            return 1;
        }
        while let Some(Reverse((tick, id, turn))) = self.ends.peek() {
            let sequence = &self.sequences[*id as usize];
            if sequence.turn == *turn && matches!(sequence.place, Place::Decode(_)) {
                return self.blocks.lasts(self.tick, (tick - self.tick).clamp(1, LONGEST_RUN)).max(1);
            }
            self.ends.pop();
        }
        1
    }

    /// Goes on with prompts under way.
    fn go_on(
        &mut self,
        budget: &mut u32,
        load: &mut StepLoad,
        preempted: &mut bool,
        now: f64,
        requests: &[Request],
        served: &mut [Served],
    ) {
        let mut at = 0;
        while at < self.partial.len() && *budget > 0 {
            let id = self.partial[at];
            let take = (self.sequences[id as usize].target - self.sequences[id as usize].done).min(*budget);
            if self.grow(id, take) {
                self.piece(id, take, load);
                *budget -= take;
                at += 1;
            } else {
                *preempted = true;
                if !self.preempt(now, requests, served) {
                    return;
                }
            }
        }
    }

    fn demand(&self) -> u64 {
        if self.decodes_now { self.blocks.demand(self.tick) } else { 0 }
    }

    /// Takes the blocks of so many further tokens of a prompt.
    fn grow(&mut self, id: u32, tokens: u32) -> bool {
        let sequence = self.sequences[id as usize];
        let wanted = self.blocks.needed(u64::from(sequence.done + tokens - sequence.shared));
        let more = wanted.saturating_sub(sequence.own);
        let keep = self.demand();
        if !self.blocks.take(more, keep) {
            return false;
        }
        self.sequences[id as usize].own += more;
        true
    }

    fn piece(&mut self, id: u32, take: u32, load: &mut StepLoad) {
        let sequence = &self.sequences[id as usize];
        load.add_piece(u64::from(take), u64::from(sequence.done), sequence.done + take == sequence.target);
        self.pieces.push((id, take));
    }

    /// A sequence whose cache is whole begins to decode.
    fn decode(&mut self, id: u32, request: &Request, pace: &mut dyn Pace) {
        let sequence = self.sequences[id as usize];
        let left = request.output - sequence.answered;
        let steps = pace.steps(id, left).max(1);
        let rate = f64::from(left) / f64::from(steps);
        let growth = if self.settings.policy.reserves() {
            Blocks::reserved(sequence.own, self.tick)
        } else {
            let own = u64::from(sequence.done - sequence.shared);
            self.blocks.join(own, sequence.own, self.tick)
        };
        let sequence = &mut self.sequences[id as usize];
        (sequence.place, sequence.rate, sequence.whole) = (Place::Decode(growth), rate, false);
        sequence.turn += 1;
        let turn = sequence.turn;
        self.context += f64::from(sequence.done);
        self.growth += rate;
        self.decoding += 1;
        self.ends.push(Reverse((self.tick + u64::from(steps), id, turn)));
    }

    /// Takes a decoding sequence out; gives the tokens in its cache.
    fn stop(&mut self, id: u32) -> u32 {
        let sequence = self.sequences[id as usize];
        let Place::Decode(growth) = sequence.place else { return sequence.done };
        self.blocks.leave(&growth, self.tick);
        let gained = (self.tick - growth.joined) as f64 * sequence.rate;
        self.context -= f64::from(sequence.done) + gained;
        self.growth -= sequence.rate;
        self.decoding -= 1;
        if self.decoding == 0 {
            (self.context, self.growth) = (0.0, 0.0);
        }
        sequence.done + gained.round() as u32
    }

    /// Sends the latest sequence of the least priority back to the queue; false when none runs.
    fn preempt(&mut self, now: f64, requests: &[Request], served: &mut [Served]) -> bool {
        let Some((key, id)) = self.running.pop_last() else { return false };
        let request = &requests[id as usize];
        let sequence = self.sequences[id as usize];
        let decoded = matches!(sequence.place, Place::Decode(_));
        let cached = self.stop(id);
        if !decoded {
            self.blocks.give(sequence.own);
            self.partial.retain(|other| *other != id);
        }
        if sequence.shared > 0 {
            self.blocks.exit(request.prefix);
        }
        let gained = if decoded { cached - sequence.done } else { 0 };
        let answered = (sequence.answered + gained).min(request.output.saturating_sub(1));
        let state = &mut self.sequences[id as usize];
        (state.answered, state.own, state.shared) = (answered, 0, 0);
        match self.settings.preemption {
            Preemption::Offload { tokens_per_s } if decoded => {
                (state.whole, state.done) = (true, cached);
                // Out and in again.
                state.place = Place::Waiting(now + 2.0 * f64::from(cached) / tokens_per_s);
            }
            _ => {
                (state.whole, state.done, state.target) = (false, 0, request.input + answered);
                state.place = Place::Waiting(0.0);
            }
        }
        self.waiting.insert(key, id);
        self.preemptions += 1;
        served[id as usize].preemptions += 1;
        true
    }

    /// When the next offloaded cache is back, for a rank that has nothing else to do.
    pub fn wakes(&self) -> Option<f64> {
        let (_, id) = self.waiting.first_key_value()?;
        match self.sequences[*id as usize].place {
            Place::Waiting(back) => Some(back),
            _ => None,
        }
    }

    /// The planned step has been made `steps` times. `hand_over`: sequences leave after their first token.
    pub fn complete(
        &mut self,
        steps: u64,
        hand_over: bool,
        requests: &[Request],
        pace: &mut dyn Pace,
        events: &mut Events,
    ) {
        if self.decodes_now {
            self.blocks.advance(self.tick, steps);
            self.tick += steps;
            self.context += self.growth * steps as f64;
            while let Some(Reverse((tick, id, turn))) = self.ends.peek().copied() {
                if tick > self.tick {
                    break;
                }
                self.ends.pop();
                let sequence = &self.sequences[id as usize];
                if sequence.turn == turn && matches!(sequence.place, Place::Decode(_)) {
                    self.end(id, &requests[id as usize]);
                    events.ended.push(id);
                }
            }
            if self.decoding == 0 && self.partial.is_empty() {
                self.rows = 0;
            }
        }
        let pieces = std::mem::take(&mut self.pieces);
        for (id, take) in &pieces {
            let (id, request) = (*id, &requests[*id as usize]);
            let sequence = &mut self.sequences[id as usize];
            sequence.done += take;
            if sequence.done < sequence.target {
                continue;
            }
            self.partial.retain(|other| *other != id);
            self.keep_prefix(id, request);
            let sequence = &mut self.sequences[id as usize];
            let first = sequence.answered == 0;
            sequence.answered += 1;
            if first {
                events.first.push(id);
            }
            if sequence.answered >= request.output || hand_over {
                self.end(id, request);
                events.ended.push(id);
            } else {
                self.decode(id, request, pace);
            }
        }
        self.pieces = pieces;
        self.pieces.clear();
    }

    /// A prefix just computed becomes shared.
    fn keep_prefix(&mut self, id: u32, request: &Request) {
        let sequence = self.sequences[id as usize];
        let block = self.settings.block_tokens;
        let tokens = request.prefix_tokens.min(request.input) / block * block;
        if !self.settings.prefix_cache || request.prefix == 0 || tokens == 0 || sequence.shared > 0 {
            return;
        }
        let blocks = u64::from(tokens / block);
        if blocks < sequence.own && self.blocks.share_prefix(request.prefix, blocks) {
            let sequence = &mut self.sequences[id as usize];
            (sequence.own, sequence.shared) = (sequence.own - blocks, tokens);
        }
    }

    /// A sequence leaves for good.
    fn end(&mut self, id: u32, request: &Request) {
        let sequence = self.sequences[id as usize];
        if !matches!(sequence.place, Place::Decode(_)) {
            self.blocks.give(sequence.own);
        }
        self.stop(id);
        if sequence.shared > 0 {
            self.blocks.exit(request.prefix);
        }
        self.running.remove(&(request.priority, id));
        self.sequences[id as usize].place = Place::Away;
    }
}
