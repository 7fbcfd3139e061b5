//! Taking rounds for done: every message under way is replaced by the one that will be where it is, so many periods later.
//!
//! Nothing in the network moves: packets, queues, windows and timers get other messages' numbers, the clock goes forward. All
//! that lies between begins and ends as in the periods before.

use super::accept::packets_of;
use super::engine::Engine;
use super::pool::NONE;
use super::rounds::{Lists, Plan};
use crate::outcome::Finish;
use crate::time::Time;
use crate::traffic::{TaskId, Traffic, When, Work};

/// What the state will be.
struct Ahead {
    finishes: Vec<Finish>,
    waits: Vec<u32>,
    /// For each task the one whose place it takes; none where it is over by then.
    origins: Vec<u32>,
}

impl Engine<'_> {
    /// Takes rounds for done, if it can. `now`: the time that a user sees, ps.
    pub(super) fn leap(&mut self, lists: &Lists, plan: &Plan, now: u64) -> bool {
        let traffic = self.scene.traffic;
        let Some(ahead) = look_ahead(traffic, &self.finishes, lists, plan) else { return false };
        let span = plan.period.saturating_mul(plan.times as u64);
        let later = |task: u32| lists.after(task, &plan.steps, plan.times).unwrap_or(task);
        let goes_on = |task: u32| plan.steps[lists.places[task as usize].0 as usize] > 0;
        self.senders.rename(&ahead.origins);
        self.receivers.rename(&ahead.origins);
        self.pool.rename(later);
        for nic in &mut self.nics {
            nic.messages.iter_mut().for_each(|flow| *flow = later(*flow));
        }
        self.calendar.rename(span, later, goes_on);
        let over = |finish: &Finish| finish.acknowledged != Time::NEVER;
        let (mut packets, mut bytes) = (0, 0);
        for (at, (before, after)) in self.finishes.iter().zip(&ahead.finishes).enumerate() {
            if over(after) && !over(before) {
                self.done += 1;
                if let Work::Message { bytes: own, .. } = traffic.tasks[at].work {
                    packets += u64::from(packets_of(own, self.scene.params.mss).unwrap_or(0));
                    bytes += own;
                }
            }
        }
        self.finishes = ahead.finishes;
        self.waits = ahead.waits;
        self.ahead = self.ahead.saturating_add(span);
        if let Some(journey) = self.journey.as_deref_mut() {
            let before = journey.remembered.iter().rev().find(|(time, _)| now - time >= plan.period / 10 * 9);
            if let Some((time, carried)) = before {
                let share = span as f64 / (now - time).max(1) as f64;
                for (used, before) in self.uses.iter_mut().zip(carried) {
                    used.bytes += ((used.bytes - before) as f64 * share).round() as u64;
                }
            }
            journey.remembered.clear();
            journey.rename(later);
            let skipped = &mut journey.skipped;
            skipped.rounds += plan.times as u64;
            skipped.packets += packets;
            skipped.bytes += bytes;
            skipped.time.0 += span;
            skipped.error = skipped.error.max(plan.error);
        }
        true
    }
}

/// The state after the plan; `None` where it would not be one that the traffic can come to.
fn look_ahead(traffic: &Traffic, finishes: &[Finish], lists: &Lists, plan: &Plan) -> Option<Ahead> {
    let mut all = finishes.to_vec();
    let mut origins: Vec<u32> = (0..finishes.len() as u32).collect();
    let shifted = |time: Time, by: u64| if time == Time::NEVER { None } else { Some(Time(time.0.saturating_add(by))) };
    for ((list, begun), step) in lists.lists.iter().zip(&lists.begun).zip(&plan.steps).filter(|(_, step)| **step > 0) {
        let places = step * plan.times;
        let span = plan.period.saturating_mul(plan.times as u64);
        for place in 0..begun + places {
            let task = list[place] as usize;
            let origin = place.checked_sub(places).map(|place| list[place]);
            origins[task] = origin.unwrap_or(NONE);
            let before = place.checked_sub(*step).map(|place| all[list[place] as usize]);
            let old = origin.map(|origin| finishes[origin as usize]);
            let own = &mut all[task];
            if own.start == Time::NEVER {
                own.start = shifted(before?.start, plan.period)?;
            }
            // Over if the one whose place it takes is.
            let over = old.is_none_or(|old| old.acknowledged != Time::NEVER);
            if own.delivered == Time::NEVER && over {
                own.delivered = shifted(before?.delivered, plan.period)?;
            }
            if own.acknowledged == Time::NEVER && over {
                own.acknowledged = shifted(before?.acknowledged, plan.period)?;
            }
            if let Some(old) = old.filter(|_| !over) {
                own.delivered = shifted(old.delivered, span).unwrap_or(Time::NEVER);
                own.acknowledged = Time::NEVER;
            }
        }
    }
    let mut waits: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    for (task, finish) in all.iter().enumerate() {
        for follower in traffic.followers_of(TaskId(task as u32)) {
            let end = match follower.when {
                When::Delivered => finish.delivered,
                When::Acknowledged => finish.acknowledged,
            };
            if end != Time::NEVER {
                waits[follower.task.index()] = waits[follower.task.index()].checked_sub(1)?;
            }
        }
    }
    // What is under way waits for nothing, and what waits for nothing is under way, or its time has not come.
    let sound = all.iter().zip(&waits).zip(&traffic.tasks).enumerate().all(|(at, ((finish, waits), task))| {
        let begun = finish.start != Time::NEVER;
        let own_time = finishes[at].start == Time::NEVER && task.not_before > Time::ZERO;
        begun == (*waits == 0) || (!begun && own_time)
    });
    sound.then_some(Ahead { finishes: all, waits, origins })
}
