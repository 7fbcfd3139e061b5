//! Fast-forward: what goes on in the same way is counted rather than run.
//!
//! Slot by slot the engine looks at how many packets of each message came through (`steady`). When rates have settled, every
//! message is made shorter by what it would have got through in a span of time, and the clock is put forward by that span
//! (`skip`). Packets in flight, queues, windows and timers stay as they are, and so the engine's own time runs on without a
//! gap: what a user sees is that time plus all that was skipped. A span ends before anything that could change rates: the
//! end of a message, the start of a task, a fault, the end of the run.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use super::engine::{Engine, Scene};
use super::rounds::{Lists, PLACES};
use super::settings::{Settings, Transport};
use super::steady::{Samples, Steady};
use crate::outcome::{Observer, Skipped};
use crate::traffic::{Task, Traffic, Work};

/// Largest difference from a run of every packet over scenarios that no constant was fitted to, percent.
const STATED_PERCENT: f64 = 1.0;
/// No span is longer than so many times the sample that it rests on.
const MOST_SPANS: u64 = 32;
/// Nor shorter than so many round trips.
const WORTH: u64 = 2;

/// What a run keeps in mind so that it can skip.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// Messages under way, in order of their beginning.
    pub(super) active: Vec<u32>,
    /// Grows when something happens that changes rates.
    changes: u64,
    /// Packets that were taken out of messages under way.
    pub(super) left_out: HashMap<u32, u32>,
    /// When a fault acted last, ps.
    disturbed: u64,
    /// What edges had carried when rounds began, and when in the time that a user sees; empty when nobody asks.
    pub(super) remembered: VecDeque<(u64, Vec<u64>)>,
    /// What edges had carried when the sample began, and when; empty when nobody asks.
    carried: (u64, Vec<u64>),
    pub(super) skipped: Skipped,
}

impl Journey {
    /// A message begins.
    pub(super) fn begins(&mut self, task: u32) {
        self.active.push(task);
        self.changes += 1;
    }

    /// Messages under way are replaced by others.
    pub(super) fn rename(&mut self, task: impl Fn(u32) -> u32) {
        self.active.iter_mut().for_each(|flow| *flow = task(*flow));
        self.left_out = self.left_out.drain().map(|(flow, packets)| (task(flow), packets)).collect();
        self.changes += 1;
    }

    /// A message is over.
    pub(super) fn ends(&mut self, task: u32) {
        self.active.retain(|other| *other != task);
        self.left_out.remove(&task);
        self.changes += 1;
    }

    /// A fault acts, at a time that a user sees.
    pub(super) fn disturbs(&mut self, now: u64) {
        self.changes += 1;
        self.disturbed = now;
    }
}

/// Why a run has to go packet by packet; `None` where it need not.
pub(super) fn refusal(scene: &Scene<'_>) -> Option<&'static str> {
    let settings = scene.settings;
    if settings.sampling.is_some() {
        return Some("what links do over time is recorded (--output, --trace and --links-over-time ask for it)");
    }
    match settings.transport {
        Transport::Uec | Transport::UecCredit | Transport::UecBoth => {}
        Transport::Credit | Transport::Ndp | Transport::Roce | Transport::Swift | Transport::Hpcc => {
            return Some("rates are known to settle under uec, uec-credit and uec-both only");
        }
    }
    if super::in_network::any(scene.traffic) {
        return Some("switches hold partial sums, which no skip counts");
    }
    if settings.nic.limits() {
        return Some("NICs hold messages back, which was not tried");
    }
    if super::layered::binds(scene) {
        return Some("links with credits or pauses were not tried");
    }
    if super::layered::errs(scene) {
        return Some("bit errors come too seldom for a sample to show them");
    }
    None
}

impl Engine<'_> {
    /// The time that a user sees, ps.
    #[inline]
    pub(super) fn clock(&self) -> u64 {
        self.now.saturating_add(self.ahead)
    }

    /// Handles all events before `limit`, skipping what it can.
    pub(super) fn run_forward(&mut self, limit: u64, observer: &mut dyn Observer) -> ControlFlow<()> {
        let params = &self.scene.params;
        // Enough packets in a slot that one more or less is no matter.
        let packets = (128.0 * f64::from(params.mtu) / params.host_rate * 1e12) as u64;
        let mut samples = Samples::new(params.rtt.max(packets));
        let (mut mark, mut seen) = (0u64, u64::MAX);
        self.journey = Some(Box::default());
        // Credit is kept in queues of messages, which no leap renames.
        let mut lists = if params.credit { None } else { Lists::new(self.scene.traffic) };
        loop {
            let end = limit.saturating_sub(self.ahead);
            let Some(next) = self.calendar.next_time().filter(|next| *next < end) else { break };
            let slot_end = mark.saturating_add(samples.slot());
            // Nothing happens for longer than a slot: what is counted then is no rate.
            let quiet = next >= slot_end;
            mark = slot_end.max(next.saturating_add(1)).min(end);
            self.run_before(mark, observer)?;
            if quiet {
                samples.clear();
            }
            if self.journey.as_deref().is_some_and(|journey| journey.changes != seen) {
                if let Some(lists) = &mut lists {
                    self.try_leap(lists, mark, end);
                }
                let Some(journey) = self.journey.as_deref_mut() else { break };
                seen = journey.changes;
                samples.clear();
            }
            let (came, sent) = self.progress_of_messages();
            samples.push(came, sent);
            if samples.begins_to_count()
                && let Some(journey) = self.journey.as_deref_mut()
            {
                journey.carried = (mark, self.uses.iter().map(|used| used.bytes).collect());
            }
            if let Some(steady) = samples.verdict() {
                self.skip(&steady, params.rtt, mark, end);
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes rounds for done if they repeat. `mark`: the time reached; `end`: when to stop.
    fn try_leap(&mut self, lists: &mut Lists, mark: u64, end: u64) {
        if !lists.count(&self.finishes) {
            return;
        }
        let other = self.calendar.next_appointment(|task| lists.goes_on(task)).unwrap_or(u64::MAX);
        let (now, room) = (mark.saturating_add(self.ahead), end.min(other).saturating_sub(mark));
        let disturbed = self.journey.as_deref().map_or(0, |journey| journey.disturbed);
        let plan = lists.plan(self.scene.traffic, &self.finishes, (now, disturbed), room);
        if let Some(plan) = plan {
            self.leap(lists, &plan, now);
        }
        let uses = self.uses.iter().map(|used| used.bytes).collect();
        if let Some(journey) = self.journey.as_deref_mut().filter(|_| !self.uses.is_empty()) {
            journey.remembered.push_back((mark.saturating_add(self.ahead), uses));
            if journey.remembered.len() > PLACES + 1 {
                journey.remembered.pop_front();
            }
        }
    }

    /// Packets that have come of each message under way, and packets that were sent of all.
    fn progress_of_messages(&mut self) -> (Vec<u32>, u64) {
        let Some(journey) = self.journey.as_deref() else { return (Vec::new(), 0) };
        let mut sent = 0;
        let mut came = Vec::with_capacity(journey.active.len());
        for flow in &journey.active {
            let (next, all) = self.senders.get_mut(*flow).map_or((0, 0), |sender| (sender.window.next, sender.packets));
            sent += u64::from(next);
            let over = if self.receivers.is_over(*flow) { all } else { 0 };
            came.push(self.receivers.get_mut(*flow).map_or(over, |receiver| receiver.expected + receiver.early));
        }
        (came, sent)
    }

    /// Skips what goes on at these rates up to the next change, if that is worth it. `mark`: the time reached; `end`: when
    /// to stop.
    fn skip(&mut self, steady: &Steady, rtt: u64, mark: u64, end: u64) {
        let Some(journey) = self.journey.as_deref() else { return };
        let most = steady.span.saturating_mul(MOST_SPANS);
        let mut span = most
            .min(end - mark)
            .min(self.calendar.next_appointment(|_| false).map_or(u64::MAX, |at| at.saturating_sub(mark)));
        for (flow, rate) in journey.active.iter().zip(&steady.rates) {
            // Who has sent everything ends soon.
            let left = self.senders.get_mut(*flow).map_or(0, |sender| sender.packets - sender.window.next);
            let kept = (rate * rtt as f64).ceil();
            span = span.min(((f64::from(left) - kept).max(0.0) / rate) as u64);
        }
        if span < WORTH * rtt {
            return;
        }
        let mut out = Vec::with_capacity(journey.active.len());
        for (flow, rate) in journey.active.iter().zip(&steady.rates) {
            out.push((*flow, (rate * span as f64).round() as u32));
        }
        let (mss, mut packets) = (u64::from(self.scene.params.mss), 0);
        for (flow, left_out) in out {
            let (Some(sender), Some(receiver)) = (self.senders.get_mut(flow), self.receivers.get_mut(flow)) else {
                continue;
            };
            // The last packet stays: it may be a short one.
            let left_out = left_out.min((sender.packets - sender.window.next).saturating_sub(1));
            sender.packets -= left_out;
            receiver.packets -= left_out;
            packets += u64::from(left_out);
            if let Some(journey) = self.journey.as_deref_mut() {
                *journey.left_out.entry(flow).or_default() += left_out;
            }
        }
        self.calendar.hasten(span);
        self.ahead += span;
        let Some(journey) = self.journey.as_deref_mut() else { return };
        let (since, carried) = &journey.carried;
        let share = span as f64 / (mark - since).max(1) as f64;
        for (used, before) in self.uses.iter_mut().zip(carried) {
            used.bytes += ((used.bytes - before) as f64 * share).round() as u64;
        }
        // From now on counts contain what was skipped: the sample of edges begins anew.
        journey.carried = (mark, self.uses.iter().map(|used| used.bytes).collect());
        let skipped = &mut journey.skipped;
        skipped.spans += 1;
        skipped.packets += packets;
        skipped.bytes += packets * mss;
        skipped.time.0 += span;
        skipped.error = skipped.error.max(steady.error);
    }
}

/// What a reader must know of an answer for which steady states were to be skipped.
pub(super) fn notes(
    settings: &Settings,
    traffic: &Traffic,
    refused: Option<&'static str>,
    skipped: Option<&Skipped>,
) -> Option<String> {
    if let Some(why) = refused {
        return Some(format!("fast-forward skipped nothing: {why}; every packet was run"));
    }
    let skipped = skipped?;
    let all: u128 = traffic.tasks.iter().filter_map(bytes_of).map(u128::from).sum();
    if skipped.packets == 0 {
        return Some(
            "fast-forward skipped nothing: no rates settled for long enough, no rounds repeat; every packet was run"
                .to_owned(),
        );
    }
    let one = if settings.threads > 1 { ", on one thread" } else { "" };
    let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    Some(format!(
        "fast-forward skipped {:.1} % of the bytes in {} of settled rates and {}{one}: times are estimates. Makespan, p50 and \
         p99 of runs that nothing was fitted to were within {STATED_PERCENT} % of every packet run; this run's samples left \
         {:.2} % open",
        skipped.bytes as f64 / all.max(1) as f64 * 100.0,
        counted(skipped.spans, "span"),
        counted(skipped.rounds, "repeated round"),
        skipped.error * 100.0,
    ))
}

fn bytes_of(task: &Task) -> Option<u64> {
    match task.work {
        Work::Message { bytes, .. } => Some(bytes),
        Work::InNetwork { .. } | Work::Delay { .. } => None,
    }
}
