//! The pipeline's schedule, pass by pass: one forward one backward, interleaved, or with gradients of weights moved into
//! the gaps (zero bubble).
//!
//! One forward one backward: Narayanan et al., arXiv 2104.04473 (PipeDream-Flush); interleaved: the same, section 2.2,
//! in groups of as many micro-batches as there are stages; zero bubble: Qi et al., arXiv 2401.10241 (ZB-H1: as much
//! memory as one forward one backward), where a stage with nothing else to do computes gradients of weights.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

/// In which order stages work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One forward, one backward; interleaved where stages hold several chunks.
    OneForwardOneBackward,
    /// The same with gradients of weights apart, computed when there is nothing else to do.
    ZeroBubble,
}

/// A pipeline to be scheduled. Times of chunk `c` of stage `s` stand at `s * chunks + c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Stages.
    pub stages: usize,
    /// Chunks of layers per stage.
    pub chunks: usize,
    /// Micro-batches.
    pub micro_batches: usize,
    /// Order.
    pub order: Order,
    /// Seconds of a forward pass.
    pub forward: Vec<f64>,
    /// Seconds of a backward pass without gradients of weights.
    pub backward: Vec<f64>,
    /// Seconds of the gradients of weights.
    pub weights: Vec<f64>,
    /// Seconds of a message between stages.
    pub send: f64,
    /// Whether a sender waits until its message has arrived.
    pub blocking: bool,
}

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A forward pass.
    Forward,
    /// A backward pass (without gradients of weights where those are apart).
    Backward,
    /// Gradients of weights.
    Weights,
}

/// One pass in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slot {
    /// Stage.
    pub stage: u32,
    /// Chunk of the stage.
    pub chunk: u32,
    /// Micro-batch.
    pub micro_batch: u32,
    /// What.
    pub kind: Kind,
    /// Second at which it starts.
    pub start: f64,
    /// Second at which it ends.
    pub end: f64,
}

/// A schedule as it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Passes, by stage in order of time; empty where a schedule is too long to be written down.
    pub slots: Vec<Slot>,
    /// Second at which the last stage is done.
    pub end: f64,
    /// Seconds of work by stage.
    pub busy: Vec<f64>,
    /// Seconds by stage in which a sender waits.
    pub sending: Vec<f64>,
    /// Greatest number of micro-batches (counted per chunk) whose forward pass a stage has done and whose backward pass
    /// it has not.
    pub in_flight: Vec<u32>,
}

/// More passes than this are not written down one by one.
const PASS_LIMIT: usize = 4_000_000;

impl Pipeline {
    /// Runs the schedule.
    pub fn run(&self) -> Timeline {
        if self.stages == 0 || self.chunks == 0 || self.micro_batches == 0 {
            return Timeline::default();
        }
        if self.stages * self.chunks * self.micro_batches * 2 > PASS_LIMIT {
            return self.closed_form();
        }
        match self.order {
            Order::OneForwardOneBackward => {
                // Lists of a last, partial group can wait for each other: then stages do more forward passes first,
                // at worst all of them.
                let all = self.chunks * self.micro_batches;
                (0..=all / self.stages + 1)
                    .find_map(|more| Fixed::new(self, more * self.stages).run())
                    .unwrap_or_else(|| self.closed_form())
            }
            Order::ZeroBubble => Free::new(self).run(),
        }
    }

    /// Work of a stage in one micro-batch.
    fn work(&self, stage: usize) -> f64 {
        (stage * self.chunks..(stage + 1) * self.chunks)
            .map(|c| self.forward[c] + self.backward[c] + self.weights[c])
            .sum()
    }

    /// The slowest stage works without gaps but for filling and draining.
    fn closed_form(&self) -> Timeline {
        let work: Vec<f64> = (0..self.stages).map(|s| self.work(s)).collect();
        let sends = if self.stages > 1 { 2.0 * self.chunks as f64 * self.send } else { 0.0 };
        let blocked = if self.blocking { sends } else { 0.0 };
        let slowest = work.iter().copied().fold(0.0, f64::max);
        let fill: f64 = work.iter().sum::<f64>() - slowest;
        let m = self.micro_batches as f64;
        let end = m * (slowest + blocked) + (fill + (self.stages as f64 - 1.0) * sends) / self.chunks as f64;
        Timeline {
            slots: Vec::new(),
            end,
            busy: work.iter().map(|w| w * m).collect(),
            sending: vec![blocked * m; self.stages],
            in_flight: (0..self.stages)
                .map(|s| (self.forward_lead(s) + 1).min(self.micro_batches * self.chunks) as u32)
                .collect(),
        }
    }

    /// Forward passes that a stage does before its first backward pass, less the one that turns around.
    fn forward_lead(&self, stage: usize) -> usize {
        let behind = self.stages - stage - 1;
        if self.chunks == 1 { behind } else { 2 * behind + (self.chunks - 1) * self.stages.min(self.micro_batches) }
    }

    /// The chunk whose forward pass must be done before `chunk` of `stage` can run forward: stage and chunk.
    fn before(&self, stage: usize, chunk: usize) -> Option<(usize, usize)> {
        if stage > 0 { Some((stage - 1, chunk)) } else { chunk.checked_sub(1).map(|chunk| (self.stages - 1, chunk)) }
    }

    fn after(&self, stage: usize, chunk: usize) -> Option<(usize, usize)> {
        if stage + 1 < self.stages {
            Some((stage + 1, chunk))
        } else {
            (chunk + 1 < self.chunks).then_some((0, chunk + 1))
        }
    }

    /// Seconds between a pass on one stage and its start on another.
    fn travel(&self, from: usize, to: usize) -> f64 {
        if from == to { 0.0 } else { self.send }
    }

    /// The order of a stage's forward passes: groups of as many micro-batches as stages, chunk by chunk.
    fn forward_order(&self) -> Vec<(usize, usize)> {
        let mut list = Vec::with_capacity(self.chunks * self.micro_batches);
        let group = if self.chunks == 1 { self.micro_batches } else { self.stages };
        for first in (0..self.micro_batches).step_by(group.max(1)) {
            for chunk in 0..self.chunks {
                list.extend((first..(first + group).min(self.micro_batches)).map(|m| (chunk, m)));
            }
        }
        list
    }
}

/// Ends of passes, by chunk of a stage and micro-batch; NaN while not done.
struct Ends {
    forward: Vec<f64>,
    backward: Vec<f64>,
    micro_batches: usize,
}

impl Ends {
    fn new(pipeline: &Pipeline) -> Self {
        let size = pipeline.stages * pipeline.chunks * pipeline.micro_batches;
        Self { forward: vec![f64::NAN; size], backward: vec![f64::NAN; size], micro_batches: pipeline.micro_batches }
    }

    fn at(&self, pipeline: &Pipeline, stage: usize, chunk: usize, micro_batch: usize) -> usize {
        (stage * pipeline.chunks + chunk) * self.micro_batches + micro_batch
    }

    /// When a pass may start; none while what it needs is not done.
    fn ready(&self, pipeline: &Pipeline, kind: Kind, stage: usize, chunk: usize, micro_batch: usize) -> Option<f64> {
        let time = match kind {
            Kind::Forward => match pipeline.before(stage, chunk) {
                Some((s, c)) => self.forward[self.at(pipeline, s, c, micro_batch)] + pipeline.travel(s, stage),
                None => 0.0,
            },
            Kind::Backward | Kind::Weights => {
                let own = self.forward[self.at(pipeline, stage, chunk, micro_batch)];
                let behind = pipeline.after(stage, chunk).map_or(own, |(s, c)| {
                    self.backward[self.at(pipeline, s, c, micro_batch)] + pipeline.travel(s, stage)
                });
                // Not `max`: what is not done is NaN, and must stay so.
                if own >= behind {
                    own
                } else if behind > own {
                    behind
                } else {
                    f64::NAN
                }
            }
        };
        (!time.is_nan()).then_some(time)
    }
}

/// Stages that follow a list each.
struct Fixed<'a> {
    pipeline: &'a Pipeline,
    ends: Ends,
    lists: Vec<Vec<(Kind, usize, usize)>>,
}

impl<'a> Fixed<'a> {
    fn new(pipeline: &'a Pipeline, more: usize) -> Self {
        let forward = pipeline.forward_order();
        let backward: Vec<(usize, usize)> =
            forward.iter().map(|(chunk, m)| (pipeline.chunks - 1 - chunk, *m)).collect();
        let lists = (0..pipeline.stages)
            .map(|stage| {
                let lead = (pipeline.forward_lead(stage) + more).min(forward.len());
                let mut list = Vec::with_capacity(2 * forward.len());
                list.extend(forward[..lead].iter().map(|(c, m)| (Kind::Forward, *c, *m)));
                for (at, (chunk, m)) in backward.iter().enumerate() {
                    if let Some((c, m)) = forward.get(lead + at) {
                        list.push((Kind::Forward, *c, *m));
                    }
                    list.push((Kind::Backward, *chunk, *m));
                }
                list
            })
            .collect();
        Self { pipeline, ends: Ends::new(pipeline), lists }
    }

    /// None when stages wait for each other.
    fn run(mut self) -> Option<Timeline> {
        let p = self.pipeline;
        let mut out = Recorder::new(p);
        let mut at = vec![0; p.stages];
        loop {
            let mut moved = false;
            // Forward work flows down the stages and backward work up: both sweeps let a pass find its data done.
            for stage in (0..p.stages).chain((0..p.stages).rev()) {
                while let Some((kind, chunk, m)) = self.lists[stage].get(at[stage]).copied() {
                    let Some(ready) = self.ends.ready(p, kind, stage, chunk, m) else { break };
                    out.put(p, &mut self.ends, kind, (stage, chunk, m), ready, true);
                    at[stage] += 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let done = at.iter().zip(&self.lists).all(|(at, list)| *at == list.len());
        done.then(|| out.finish())
    }
}

/// Stages that take what is at hand: backward passes first, then forward ones, then gradients of weights.
struct Free<'a> {
    pipeline: &'a Pipeline,
    ends: Ends,
}

/// A time in a queue: finite, so totally ordered.
#[derive(Clone, Copy, PartialEq)]
struct At(f64);

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'a> Free<'a> {
    fn new(pipeline: &'a Pipeline) -> Self {
        Self { pipeline, ends: Ends::new(pipeline) }
    }

    fn run(mut self) -> Timeline {
        let p = self.pipeline;
        let order = p.forward_order();
        let mut out = Recorder::new(p);
        let (mut next_forward, mut next_backward) = (vec![0; p.stages], vec![0; p.stages]);
        let mut pending: Vec<std::collections::VecDeque<(usize, usize)>> = vec![Default::default(); p.stages];
        let mut wakes: BinaryHeap<Reverse<(At, usize)>> = (0..p.stages).map(|s| Reverse((At(0.0), s))).collect();
        while let Some(Reverse((At(now), stage))) = wakes.pop() {
            if out.clock[stage] > now {
                continue;
            }
            let backward = order.get(next_backward[stage]).map(|(c, m)| (p.chunks - 1 - c, *m));
            let forward = order.get(next_forward[stage]).copied();
            let ready = |ends: &Ends, kind, pass: Option<(usize, usize)>| {
                pass.filter(|(c, m)| ends.ready(p, kind, stage, *c, *m).is_some_and(|at| at <= now))
            };
            let room = next_forward[stage] <= next_backward[stage] + p.forward_lead(stage)
                && out.flying[stage] as usize <= p.forward_lead(0);
            let (kind, pass) = if let Some(pass) = ready(&self.ends, Kind::Backward, backward) {
                next_backward[stage] += 1;
                pending[stage].push_back(pass);
                (Kind::Backward, pass)
            } else if let Some(pass) = ready(&self.ends, Kind::Forward, forward.filter(|_| room)) {
                next_forward[stage] += 1;
                (Kind::Forward, pass)
            } else if let Some(pass) = pending[stage].pop_front() {
                (Kind::Weights, pass)
            } else {
                continue;
            };
            out.put(p, &mut self.ends, kind, (stage, pass.0, pass.1), now, false);
            let free = out.clock[stage];
            wakes.push(Reverse((At(free), stage)));
            let other = match kind {
                Kind::Forward => p.after(stage, pass.0),
                Kind::Backward => p.before(stage, pass.0),
                Kind::Weights => None,
            };
            if let Some((other, _)) = other {
                let end = out.last_end;
                // A stage that is still busy then looks again when it is done.
                wakes.push(Reverse((At(end + p.travel(stage, other)), other)));
            }
        }
        out.finish()
    }
}

/// Writes passes down.
struct Recorder {
    timeline: Timeline,
    by_stage: Vec<Vec<Slot>>,
    clock: Vec<f64>,
    flying: Vec<u32>,
    last_end: f64,
}

impl Recorder {
    fn new(p: &Pipeline) -> Self {
        Self {
            timeline: Timeline {
                busy: vec![0.0; p.stages],
                sending: vec![0.0; p.stages],
                in_flight: vec![0; p.stages],
                ..Timeline::default()
            },
            by_stage: vec![Vec::with_capacity(2 * p.chunks * p.micro_batches); p.stages],
            clock: vec![0.0; p.stages],
            flying: vec![0; p.stages],
            last_end: 0.0,
        }
    }

    fn put(
        &mut self,
        p: &Pipeline,
        ends: &mut Ends,
        kind: Kind,
        pass: (usize, usize, usize),
        ready: f64,
        joined: bool,
    ) {
        let (stage, chunk, m) = pass;
        let c = stage * p.chunks + chunk;
        let seconds = match kind {
            Kind::Forward => p.forward[c],
            Kind::Backward if joined => p.backward[c] + p.weights[c],
            Kind::Backward => p.backward[c],
            Kind::Weights => p.weights[c],
        };
        let start = self.clock[stage].max(ready);
        let end = start + seconds;
        let at = ends.at(p, stage, chunk, m);
        let next = match kind {
            Kind::Forward => {
                ends.forward[at] = end;
                self.flying[stage] += 1;
                let most = &mut self.timeline.in_flight[stage];
                *most = (*most).max(self.flying[stage]);
                p.after(stage, chunk)
            }
            Kind::Backward => {
                ends.backward[at] = end;
                if joined {
                    self.flying[stage] = self.flying[stage].saturating_sub(1);
                }
                p.before(stage, chunk)
            }
            Kind::Weights => {
                self.flying[stage] = self.flying[stage].saturating_sub(1);
                None
            }
        };
        let sending = match next {
            Some((other, _)) if p.blocking => p.travel(stage, other),
            _ => 0.0,
        };
        self.clock[stage] = end + sending;
        self.last_end = end;
        self.timeline.busy[stage] += seconds;
        self.timeline.sending[stage] += sending;
        self.timeline.end = self.timeline.end.max(end);
        self.by_stage[stage].push(Slot {
            stage: stage as u32,
            chunk: chunk as u32,
            micro_batch: m as u32,
            kind,
            start,
            end,
        });
    }

    fn finish(mut self) -> Timeline {
        self.timeline.slots = self.by_stage.into_iter().flatten().collect();
        self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn even(stages: usize, chunks: usize, micro_batches: usize, order: Order) -> Pipeline {
        let all = stages * chunks;
        Pipeline {
            stages,
            chunks,
            micro_batches,
            order,
            forward: vec![1.0; all],
            backward: vec![1.0; all],
            weights: vec![1.0; all],
            send: 0.0,
            blocking: false,
        }
    }

    #[test]
    fn one_forward_one_backward_has_the_known_bubble() {
        // (p - 1)(t_f + t_b) beside m (t_f + t_b): arXiv 2104.04473, section 2.2.1.
        for (p, m) in [(1, 1), (1, 7), (4, 4), (4, 16), (8, 3)] {
            let timeline = even(p, 1, m, Order::OneForwardOneBackward).run();
            assert_eq!(timeline.end, 3.0 * (m + p - 1) as f64, "{p} stages, {m} micro-batches");
            assert_eq!(timeline.in_flight[0] as usize, p.min(m));
        }
    }

    #[test]
    fn interleaving_divides_the_bubble() {
        // (p - 1)(t_f + t_b) / v: arXiv 2104.04473, section 2.2.2. A chunk takes a third of a stage's time here as 1 s each.
        for (p, v, m) in [(4, 3, 8), (8, 3, 64), (2, 2, 2)] {
            let timeline = even(p, v, m, Order::OneForwardOneBackward).run();
            assert_eq!(timeline.end, 3.0 * (m * v + p - 1) as f64, "{p} stages, {v} chunks, {m} micro-batches");
            // Forward passes in flight on the first stage: p v + p - 1, that is p (1 + (p - 1)/(p v)) micro-batches.
            assert_eq!(timeline.in_flight[0] as usize, (p * v + p - 1).min(m * v));
        }
    }

    #[test]
    fn weights_apart_fill_gaps() {
        // ZB-H1 leaves (p - 1)(t_f + t_b - t_w) of a bubble, arXiv 2401.10241, table 2: a third of 1F1B's 9 s here. Taking
        // what is at hand comes close.
        let (p, m) = (4, 16);
        let timeline = even(p, 1, m, Order::ZeroBubble).run();
        let bubble = timeline.end - 3.0 * m as f64;
        assert!((3.0..=5.0).contains(&bubble), "{bubble}");
        assert!(timeline.in_flight.iter().all(|n| *n <= p as u32 + 1));
    }

    #[test]
    fn a_blocked_sender_loses_the_time_of_every_message() {
        let mut pipeline = even(4, 1, 8, Order::OneForwardOneBackward);
        pipeline.send = 0.1;
        let free = pipeline.run();
        pipeline.blocking = true;
        let blocked = pipeline.run();
        assert!(blocked.end > free.end);
        assert!((blocked.sending[1] - 1.6).abs() < 1e-9 && (blocked.sending[3] - 0.8).abs() < 1e-9);
    }

    fn check(pipeline: &Pipeline) {
        let timeline = pipeline.run();
        let passes = if pipeline.order == Order::ZeroBubble { 3 } else { 2 };
        assert_eq!(timeline.slots.len(), passes * pipeline.stages * pipeline.chunks * pipeline.micro_batches);
        let (mut forward, mut backward) = (std::collections::HashMap::new(), std::collections::HashMap::new());
        for slot in &timeline.slots {
            let key = (slot.stage as usize, slot.chunk as usize, slot.micro_batch);
            match slot.kind {
                Kind::Forward => assert!(forward.insert(key, *slot).is_none()),
                Kind::Backward => assert!(backward.insert(key, *slot).is_none()),
                Kind::Weights => {}
            }
        }
        for slot in &timeline.slots {
            let (s, c, m) = (slot.stage as usize, slot.chunk as usize, slot.micro_batch);
            match slot.kind {
                Kind::Forward => {
                    if let Some((s2, c2)) = pipeline.before(s, c) {
                        assert!(slot.start >= forward[&(s2, c2, m)].end + pipeline.travel(s2, s) - 1e-9);
                    }
                }
                Kind::Backward => {
                    assert!(slot.start >= forward[&(s, c, m)].end - 1e-9);
                    if let Some((s2, c2)) = pipeline.after(s, c) {
                        assert!(slot.start >= backward[&(s2, c2, m)].end + pipeline.travel(s2, s) - 1e-9);
                    }
                }
                Kind::Weights => assert!(slot.start >= backward[&(s, c, m)].end - 1e-9),
            }
        }
        for pair in timeline.slots.windows(2) {
            assert!(pair[0].stage != pair[1].stage || pair[1].start >= pair[0].end - 1e-9, "a stage does two things");
        }
        let most = timeline.busy.iter().copied().fold(0.0, f64::max);
        assert!(timeline.end >= most - 1e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_pass_runs_once_and_in_order(
            stages in 1..7_usize, chunks in 1..4_usize, micro_batches in 1..20_usize, zero: bool, send in 0.0..0.5_f64,
            blocking: bool, times in prop::collection::vec(0.1..2.0_f64, 24),
        ) {
            let chunks = if stages == 1 { 1 } else { chunks };
            let order = if zero { Order::ZeroBubble } else { Order::OneForwardOneBackward };
            let mut pipeline = even(stages, chunks, micro_batches, order);
            let all = stages * chunks;
            pipeline.forward = times[..all].to_vec();
            pipeline.backward = times[24 - all..].to_vec();
            pipeline.send = send;
            pipeline.blocking = blocking;
            check(&pipeline);
        }

        #[test]
        fn slower_messages_never_end_sooner_on_even_stages(
            stages in 1..7_usize, chunks in 1..4_usize, groups in 1..4_usize, send in 0.0..0.5_f64, blocking: bool,
        ) {
            let chunks = if stages == 1 { 1 } else { chunks };
            let mut pipeline = even(stages, chunks, stages * groups, Order::OneForwardOneBackward);
            pipeline.blocking = blocking;
            let base = pipeline.run().end;
            pipeline.send = send;
            prop_assert!(pipeline.run().end >= base - 1e-9);
        }

        #[test]
        fn the_closed_form_is_exact_on_even_stages(stages in 1..7_usize, chunks in 1..4_usize, groups in 1..5_usize) {
            let chunks = if stages == 1 { 1 } else { chunks };
            let pipeline = even(stages, chunks, stages * groups, Order::OneForwardOneBackward);
            let (run, closed) = (pipeline.run(), pipeline.closed_form());
            prop_assert!((run.end - closed.end).abs() < 1e-9);
            prop_assert_eq!(run.in_flight[0], closed.in_flight[0]);
        }
    }
}
