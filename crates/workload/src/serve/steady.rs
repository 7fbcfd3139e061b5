//! Steady state of an engine in closed form: what a benchmark of constant concurrency or constant rate settles to.
//!
//! A request is `input` tokens of prompt and `output` tokens of answer. With `n` sequences decoding, a step ends
//! `n / (output - 1)` requests, and as many prompts come in; what they need of the token budget decides which share of
//! the steps carries prompts. So the mix of a step follows from counting tokens alone, without times, and two or three
//! calls of the step cost give all the rest. Nothing is allocated.

use serde::Serialize;

use super::settings::{Policy, Speculation};
use crate::step::load::{StepCost, StepLoad};

/// A benchmark that keeps a number of requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClosedLoop {
    /// Requests in flight on one replica.
    pub concurrency: u32,
    /// Tokens of a prompt.
    pub input: u32,
    /// Tokens of a prompt that a prefix cache already holds.
    pub cached: u32,
    /// Tokens of an answer.
    pub output: u32,
    /// Whose scheduler.
    pub policy: Policy,
    /// Tokens of one step at most.
    pub token_budget: u32,
    /// Sequences that run at once at most.
    pub max_sequences: u32,
    /// Tokens that the cache holds; none for a cache without end.
    pub cache_tokens: Option<u64>,
    /// Whether lengths vary between requests, so that their ends fall anywhere; otherwise they stay staggered as the
    /// first burst left them, and prompts come packed.
    pub varied: bool,
    /// Requests of the benchmark per place in flight; the first of each place starts in one burst. Infinite: the burst is
    /// forgotten.
    pub rounds: f64,
    /// Seconds from the end of one request to the next one's entry into the queue.
    pub turnaround_s: f64,
    /// Whether a step is planned while the one before it runs, so that who arrives meanwhile waits for one more.
    pub ahead: bool,
    /// Speculative decoding.
    pub speculation: Option<Speculation>,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self {
            concurrency: 1,
            input: 1024,
            cached: 0,
            output: 128,
            policy: Policy::Vllm,
            token_budget: 2048,
            max_sequences: 128,
            cache_tokens: None,
            varied: false,
            rounds: f64::INFINITY,
            turnaround_s: 0.0,
            ahead: false,
            speculation: None,
        }
    }
}

/// What an engine settles to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Steady {
    /// Mean seconds from a request's entry to its first token.
    pub ttft_s: f64,
    /// Mean seconds between the tokens of an answer, after the first.
    pub tpot_s: f64,
    /// Seconds of a mean step.
    pub step_s: f64,
    /// Seconds of a step that only decodes.
    pub decode_step_s: f64,
    /// Seconds of a step with prompts.
    pub prefill_step_s: f64,
    /// Share of the steps that carry prompts.
    pub prefill_share: f64,
    /// Sequences that decode, on average.
    pub decoding: f64,
    /// Requests that wait for a place, on average.
    pub waiting: f64,
    /// Requests per second of one replica.
    pub requests_per_s: f64,
    /// Output tokens per second of one replica.
    pub tokens_per_s: f64,
    /// Share of the room for prompts that prompts take; 1 and more: prompts hold decoding back.
    pub prompt_use: f64,
}

/// Mean load of a step: `n` decoding sequences half through their answers, and `q` tokens of prompts.
fn load_of(loop_: &ClosedLoop, n: f64, q: f64) -> StepLoad {
    let verified = loop_.speculation.map_or(0, |s| s.draft_tokens);
    let decodes = n.round().max(if q > 0.0 { 0.0 } else { 1.0 });
    let context = f64::from(loop_.input) + 0.5 * f64::from(loop_.output);
    let mut load = StepLoad {
        decodes: decodes as u32,
        decode_context: (n.max(if q > 0.0 { 0.0 } else { 1.0 }) * context).round() as u64,
        ..StepLoad::default()
    };
    verify(&mut load, verified);
    let fresh = f64::from(loop_.input.saturating_sub(loop_.cached).max(1));
    if q >= 0.5 {
        let tokens = q.round() as u64;
        let whole = (q / fresh).max(1e-9);
        // A piece of a prompt looks at half of what the prompt has, and at what was cached.
        let seen = f64::from(loop_.cached) + 0.5 * fresh;
        load.prefill_tokens += tokens;
        load.prefill_pieces += whole.ceil() as u32;
        load.prefill_pairs += (q * seen) as u64;
        let before = if q >= fresh { f64::from(loop_.cached) } else { f64::from(loop_.cached) + 0.5 * (fresh - q) };
        load.prefill_context += (whole.ceil() * before) as u64;
        load.prefill_ends += whole.round().max(if q >= fresh { 1.0 } else { 0.0 }) as u32;
    }
    load
}

/// Adds the drafted tokens that are verified with every decoding sequence: they pass the layers like pieces of prompts,
/// and their keys are read with the sequence's own.
pub(super) fn verify(load: &mut StepLoad, drafted: u32) {
    if drafted == 0 || load.decodes == 0 {
        return;
    }
    let drafted = u64::from(drafted);
    load.prefill_tokens += drafted * u64::from(load.decodes);
    load.prefill_pieces += load.decodes;
    load.prefill_pairs += drafted * load.decode_context;
    load.prefill_ends += (drafted * u64::from(load.decodes)).min(u64::from(u32::MAX)) as u32;
}

/// Requests that hold a place at once: the least of what is offered, allowed and held by the cache.
fn places(loop_: &ClosedLoop) -> f64 {
    let kept = match loop_.policy {
        // Lets in what fits now, so that sequences are half grown on average.
        Policy::Vllm | Policy::Sglang => f64::from(loop_.input) + 0.5 * f64::from(loop_.output),
        Policy::Trtllm | Policy::Static => f64::from(loop_.input) + f64::from(loop_.output),
    };
    let held = loop_.cache_tokens.map_or(f64::INFINITY, |tokens| (tokens as f64 / kept).floor().max(1.0));
    f64::from(loop_.concurrency.max(1)).min(f64::from(loop_.max_sequences.max(1))).min(held)
}

/// The steady state of a closed loop.
pub fn closed_loop(cost: &(impl StepCost + ?Sized), loop_: &ClosedLoop) -> Steady {
    let places = places(loop_);
    let gain = loop_.speculation.map_or(1.0, |s| s.tokens_per_step());
    let fresh = f64::from(loop_.input.saturating_sub(loop_.cached).max(1));
    let output = f64::from(loop_.output.max(1));
    // Steps that decode for one request: the prompt's last step gives the first token.
    let steps = ((output - 1.0) / gain).max(0.0);
    let draft = |step: f64| loop_.speculation.map_or(0.0, |s| step * s.draft_share * f64::from(s.draft_tokens));
    let decode_step = |n: f64| {
        let step = cost.seconds(&load_of(loop_, n, 0.0));
        let plain = if loop_.speculation.is_some() {
            let bare = ClosedLoop { speculation: None, ..*loop_ };
            cost.seconds(&load_of(&bare, n, 0.0))
        } else {
            step
        };
        (step + draft(plain), draft(plain))
    };
    let mut found = match loop_.policy {
        Policy::Vllm | Policy::Trtllm => mixed(cost, loop_, places, fresh, steps, &decode_step),
        Policy::Sglang => alternating(cost, loop_, places, fresh, steps, &decode_step),
        Policy::Static => batches(cost, loop_, places, fresh, steps, &decode_step),
    };
    found.tpot_s /= gain;
    let waiting = f64::from(loop_.concurrency.max(1)) - places;
    let service = found.ttft_s + found.tpot_s * (output - 1.0);
    let cycle = service + if waiting > 0.0 { 0.0 } else { loop_.turnaround_s };
    found.requests_per_s = if cycle > 0.0 { places / cycle } else { 0.0 };
    found.tokens_per_s = found.requests_per_s * output;
    if waiting > 0.0 && found.requests_per_s > 0.0 {
        // Who has no place waits for one: Little's law over the queue.
        found.waiting += waiting;
        found.ttft_s += waiting / found.requests_per_s;
    }
    burst(cost, loop_, places, fresh, &mut found);
    found
}

/// The first request of every place starts at once: its prompt waits for half of the others on average.
fn burst(cost: &(impl StepCost + ?Sized), loop_: &ClosedLoop, places: f64, fresh: f64, found: &mut Steady) {
    let bursts = loop_.policy == Policy::Static || loop_.policy == Policy::Sglang && !loop_.varied;
    if !(loop_.rounds.is_finite() && loop_.rounds > 0.0) || bursts || places < 1.5 {
        return;
    }
    let budget = f64::from(loop_.token_budget.max(1));
    let whole = if loop_.policy.cuts_prompts() { budget } else { ((budget / fresh).floor() * fresh).max(fresh) };
    let full = whole.min(places * fresh);
    let n = if loop_.policy.mixes() { 0.5 * places } else { 0.0 };
    let step = cost.seconds(&load_of(loop_, n, (full - n).max(1.0)));
    let all = places * fresh / (full - n).max(1.0);
    let first = 0.5 * (all + 1.0) * step;
    let share = (1.0 / loop_.rounds).min(1.0);
    found.ttft_s = share * first.max(found.ttft_s) + (1.0 - share) * found.ttft_s;
}

/// Steps by which the stagger of a fixed-length benchmark widens: every round, pieces that were cut end a step later. The
/// mean over a benchmark of ordinary length, by simulation.
const WIDENING: f64 = 8.0;

/// Wait of prompts that take several steps, against that of a queue with one constant time of service: they also wait for
/// the step under way. By simulation over the grid of the tests.
const STEP_WAIT: f64 = 1.4;

/// Prompts ride along with decoding.
fn mixed(
    cost: &(impl StepCost + ?Sized),
    loop_: &ClosedLoop,
    places: f64,
    fresh: f64,
    steps: f64,
    decode_step: &dyn Fn(f64) -> (f64, f64),
) -> Steady {
    let verified = 1.0 + loop_.speculation.map_or(0.0, |s| f64::from(s.draft_tokens));
    let budget = f64::from(loop_.token_budget.max(1));
    let cuts = loop_.policy.cuts_prompts();
    let room_beside = |decoding: f64| {
        let room = (budget - verified * decoding).max(1.0);
        // Whole prompts alone; one too long for the room is let in all the same, where an engine would wait for it to grow.
        if cuts { room } else { ((room / fresh).floor() * fresh).max(fresh) }
    };
    let mut decoding = if steps > 0.0 { places } else { 0.0 };
    let (mut share, mut tokens, mut alone, mut own) = (1.0, fresh, 1.0_f64, 1.0);
    let (mut use_, mut per_step, mut full) = (1.0, 0.0, 0.0);
    for _ in 0..16 {
        let room = room_beside(decoding);
        per_step = if steps > 0.0 { decoding / steps } else { f64::INFINITY };
        use_ = per_step * fresh / room;
        alone = (fresh / room_beside((decoding - 1.0).max(0.0))).ceil().max(1.0);
        let most = (per_step * alone).min(1.0);
        (share, own) = if use_ >= 1.0 {
            // Prompts fill every step: decoding gets what they let through.
            (1.0, alone)
        } else if loop_.varied {
            ((1.0 - (-per_step * alone).exp()).max(use_), alone)
        } else {
            // As the burst left them: packed full, and a little wider each round where pieces are cut.
            let packs = (places * fresh / room).max(1.0);
            let fit = room / fresh;
            let wider = cuts && fit >= 1.0 && places * fresh > budget;
            let wider = if wider { WIDENING * (2.0 / fit).min(1.0) } else { 0.0 };
            let packs = if places * fresh > budget { packs } else { 1.0 };
            let share = ((packs + wider) / (steps + alone)).clamp(use_.min(most), most);
            full = if most > 1.001 * use_ { (most - share) / (most - use_) } else { 0.0 };
            // Packed prompts begin anywhere in a step, and so touch more steps than they fill.
            let touched = match () {
                () if !cuts => 1.0,
                () if fit < 1.0 => fit.recip() + 0.6 * (1.0 - 1.0 / places) + 0.3 * use_,
                () => 1.0 + 0.5 * full * fit.recip(),
            };
            (share, touched)
        };
        tokens = if use_ >= 1.0 { room } else { (per_step * fresh / share).min(room) };
        let next = if steps <= 0.0 {
            0.0
        } else if use_ >= 1.0 {
            // n / steps * fresh = budget - verified * n.
            (budget / (fresh / steps + verified)).min(places)
        } else {
            places * steps / (steps + own)
        };
        if (next - decoding).abs() < 1e-3 * places {
            decoding = next;
            break;
        }
        decoding = 0.5 * (decoding + next);
    }
    let (decode_s, draft_s) = if decoding > 0.0 { decode_step(decoding) } else { (0.0, 0.0) };
    let prefill_s = cost.seconds(&load_of(loop_, decoding, tokens.max(1.0))) + draft_s;
    let step_s = share * prefill_s + (1.0 - share) * decode_s;
    // What a request sees while it decodes: the prompts of the others.
    let others = if use_ >= 1.0 || steps <= 0.0 {
        1.0
    } else if loop_.varied {
        share * (1.0 - 1.0 / places)
    } else {
        ((share * (steps + own) - own) / steps).max(0.0)
    };
    let ttft_s = if use_ >= 1.0 && steps > 0.0 {
        // All that does not decode waits for its prompt: Little's law.
        ((places - decoding) / per_step.max(1e-12)).max(own) * step_s
    } else if loop_.varied && steps > 0.0 {
        let busy = (use_ * (1.0 - 1.0 / places)).min(0.95);
        let room = room_beside(decoding);
        if alone > 1.0 {
            let step = cost.seconds(&load_of(loop_, decoding, room.min(fresh))) + draft_s;
            (fresh / room).max(1.0) * step * (1.0 + STEP_WAIT * 0.5 * busy / (1.0 - busy))
        } else {
            // A prompt meets others in its step more often than a step meets prompts; and it waits for those before it.
            let seen = (fresh + per_step * fresh * (1.0 - 1.0 / places)).min(room);
            let step = cost.seconds(&load_of(loop_, decoding, seen.max(1.0))) + draft_s;
            step * (1.0 + 0.5 * busy * busy / (1.0 - busy))
        }
    } else if full > 0.05 && cuts {
        let seen = tokens + full * (room_beside(decoding).min(places * fresh) - tokens).max(0.0);
        own * (cost.seconds(&load_of(loop_, decoding, seen)) + draft_s)
    } else {
        own * prefill_s
    };
    Steady {
        // Who comes back late finds a step under way.
        ttft_s: ttft_s + late(loop_, step_s),
        tpot_s: if steps > 0.0 { decode_s + others * (prefill_s - decode_s) } else { 0.0 },
        step_s,
        decode_step_s: decode_s,
        prefill_step_s: prefill_s,
        prefill_share: share,
        decoding,
        prompt_use: use_,
        ..Steady::default()
    }
}

/// Seconds that steps already fixed cost those who come back while they run.
fn late(loop_: &ClosedLoop, step_s: f64) -> f64 {
    if step_s <= 0.0 {
        return 0.0;
    }
    // The wait to the end of the step under way.
    let rest = (loop_.turnaround_s / step_s).ceil() * step_s - loop_.turnaround_s;
    rest + if loop_.ahead && loop_.concurrency > 1 { step_s } else { 0.0 }
}

/// Prompts stop decoding.
fn alternating(
    cost: &(impl StepCost + ?Sized),
    loop_: &ClosedLoop,
    places: f64,
    fresh: f64,
    steps: f64,
    decode_step: &dyn Fn(f64) -> (f64, f64),
) -> Steady {
    if !loop_.varied || steps <= 0.0 {
        // All prompts of a burst are through before any decodes, so that all end together, and the next burst comes.
        return batches(cost, loop_, places, fresh, steps, decode_step);
    }
    let budget = f64::from(loop_.token_budget.max(1));
    let alone = (fresh / budget).ceil().max(1.0);
    let per_step = places / steps;
    // Prompts that come in after one decoding step go together.
    let together = per_step / (1.0 - (-per_step).exp()).max(1e-12);
    let tokens = (together * fresh / (together * fresh / budget).ceil().max(1.0)).min(budget);
    let prefill_s = cost.seconds(&load_of(loop_, 0.0, tokens));
    let (decode_s, _) = decode_step(places);
    // Prefill steps per decoding step; a request sees those of the others.
    let between = per_step * fresh / tokens;
    let others = between * (1.0 - 1.0 / places);
    // Those who meet in one gap wait for each other.
    let met = 1.0 + per_step * (1.0 - 1.0 / places);
    let seen = (met * fresh).min(budget);
    let one = cost.seconds(&load_of(loop_, 0.0, seen / (seen / budget).ceil().max(1.0)));
    let own = if met * fresh <= budget { 1.0 } else { 0.5 * (met * fresh / budget + alone) };
    let share = between / (1.0 + between);
    let step_s = share * prefill_s + (1.0 - share) * decode_s;
    Steady {
        ttft_s: own.max(alone) * one + late(loop_, decode_s),
        tpot_s: decode_s + others * prefill_s,
        step_s,
        decode_step_s: decode_s,
        prefill_step_s: prefill_s,
        prefill_share: share,
        decoding: places,
        prompt_use: between * prefill_s / (decode_s + between * prefill_s).max(1e-300),
        ..Steady::default()
    }
}

/// One batch after another.
fn batches(
    cost: &(impl StepCost + ?Sized),
    loop_: &ClosedLoop,
    places: f64,
    fresh: f64,
    steps: f64,
    decode_step: &dyn Fn(f64) -> (f64, f64),
) -> Steady {
    let budget = f64::from(loop_.token_budget.max(1));
    let whole = if loop_.policy.cuts_prompts() { budget } else { ((budget / fresh).floor() * fresh).max(fresh) };
    let tokens = whole.min(places * fresh);
    let prefill_s = cost.seconds(&load_of(loop_, 0.0, tokens));
    let passes = (places * fresh / tokens).max(1.0);
    let (decode_s, _) = if steps > 0.0 { decode_step(places) } else { (0.0, 0.0) };
    // Decoding begins when the last prompt is in: the first ones wait for it between their first and second token.
    let stall = 0.5 * (passes - 1.0) * prefill_s;
    Steady {
        ttft_s: 0.5 * (passes + 1.0) * prefill_s,
        tpot_s: if steps > 0.0 { decode_s + stall / steps } else { 0.0 },
        step_s: (passes * prefill_s + steps * decode_s) / (passes + steps),
        decode_step_s: decode_s,
        prefill_step_s: prefill_s,
        prefill_share: passes / (passes + steps),
        decoding: places,
        prompt_use: passes * prefill_s / (passes * prefill_s + steps * decode_s).max(1e-300),
        ..Steady::default()
    }
}

/// Why a rate cannot be served for ever.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overload {
    /// Requests per second that one replica can take.
    pub capacity_per_s: f64,
}

/// The steady state under requests that come at random at a constant rate (per second and replica), by the fluid fixed
/// point `n = rate * output * step(n)`. Near capacity, queues come from chance that a fluid does not know: there, simulate.
pub fn open_loop(cost: &(impl StepCost + ?Sized), rate_per_s: f64, base: &ClosedLoop) -> Result<Steady, Overload> {
    let at = |n: u32| closed_loop(cost, &ClosedLoop { concurrency: n, varied: true, rounds: f64::INFINITY, ..*base });
    let most = {
        let held = base
            .cache_tokens
            .map_or(u64::MAX, |tokens| tokens / (u64::from(base.input) + u64::from(base.output) / 2).max(1));
        u64::from(base.max_sequences.max(1)).min(held).max(1) as u32
    };
    let capacity = at(most);
    if rate_per_s.is_nan() || rate_per_s >= capacity.requests_per_s {
        return Err(Overload { capacity_per_s: capacity.requests_per_s });
    }
    let (mut low, mut high) = (1u32, most);
    // The least concurrency whose throughput reaches the rate; throughput rises with concurrency.
    while low < high {
        let middle = low + (high - low) / 2;
        if at(middle).requests_per_s >= rate_per_s { high = middle } else { low = middle + 1 }
    }
    let mut found = at(low);
    // Requests come at any moment of a step, not at its end, and prompts meet at random.
    let busy = rate_per_s / capacity.requests_per_s;
    found.ttft_s += 0.5 * found.step_s
        + 0.5 * found.prompt_use.min(0.95) / (1.0 - found.prompt_use.min(0.95)) * found.prefill_step_s;
    found.requests_per_s = rate_per_s;
    found.tokens_per_s = rate_per_s * f64::from(base.output);
    found.decoding = found.decoding.min(f64::from(low));
    found.waiting = if busy > 0.9 { busy * busy / (1.0 - busy) } else { 0.0 };
    Ok(found)
}
