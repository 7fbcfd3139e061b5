//! Rounds: parts of the traffic that repeat an earlier part, as the steps of a ring do.
//!
//! Messages between the same two endpoints form a list, in the order in which tasks depend on each other (so do delays of one
//! endpoint). When all lists that are not at their end have gone on by the same number of places in the same time over and
//! over, and what waits for what repeats with them, the state of the network now will come again one period later with
//! every message replaced by the one so many places further on its list. [`Plan`] says how often that may be taken for done.

use std::collections::HashMap;

use crate::outcome::Finish;
use crate::time::Time;
use crate::traffic::{TaskId, Traffic, When, Work};

/// Periods that are compared, at least and at most.
const LEAST: usize = 2;
const MOST: usize = 16;
/// Places that a list goes on in a period, at most.
pub(super) const PLACES: usize = 8;
/// One list's period may differ from that of all by so much, and (root mean square) what a task takes from what it took a
/// period before: a few periods tell nothing of the slowest of many that differ. Standard error of the period. All relative.
const DIFFERENCE: f64 = 0.0075;
const ERROR: f64 = 0.0025;

/// One list's kind: endpoints, class and whether it is one of delays.
type Key = (u32, u32, u8, bool);

/// All lists.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    pub(super) lists: Vec<Vec<u32>>,
    /// For each task its list and place.
    pub(super) places: Vec<(u32, u32)>,
    /// How many of each have begun.
    pub(super) begun: Vec<usize>,
    /// The one whose beginnings are watched: the longest.
    reference: usize,
}

/// What may be taken for done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Length of a period, ps, and its standard error, relative.
    pub(super) period: u64,
    pub(super) error: f64,
    /// Places that each list goes on in a period; 0 where it is at its end.
    pub(super) steps: Vec<usize>,
    /// How many periods.
    pub(super) times: usize,
}

impl Lists {
    /// Lists of a traffic; `None` where none is long enough to repeat anything.
    pub(super) fn new(traffic: &Traffic) -> Option<Self> {
        let depths = depths(traffic)?;
        let mut order: Vec<u32> = (0..traffic.tasks.len() as u32).collect();
        order.sort_by_key(|task| (depths[*task as usize], *task));
        let mut known: HashMap<Key, u32> = HashMap::new();
        let mut lists: Vec<Vec<u32>> = Vec::new();
        let mut places = vec![(0, 0); traffic.tasks.len()];
        for task in order {
            let entry = &traffic.tasks[task as usize];
            let key = match entry.work {
                Work::Message { from, to, .. } => (from.0, to.0, entry.class, false),
                Work::Delay { at, .. } => (at.0, at.0, entry.class, true),
                // Not run by this engine.
                Work::InNetwork { .. } => return None,
            };
            let list = *known.entry(key).or_insert_with(|| {
                lists.push(Vec::new());
                lists.len() as u32 - 1
            });
            let own = &mut lists[list as usize];
            places[task as usize] = (list, own.len() as u32);
            own.push(task);
        }
        let (reference, longest) =
            lists.iter().map(Vec::len).enumerate().max_by_key(|(at, len)| (*len, usize::MAX - at))?;
        (longest > LEAST + 3).then(|| Self { begun: vec![0; lists.len()], lists, places, reference })
    }

    /// Counts what has begun. Whether something of the list watched has.
    pub(super) fn count(&mut self, finishes: &[Finish]) -> bool {
        let before = self.begun[self.reference];
        for (list, begun) in self.lists.iter().zip(&mut self.begun) {
            while list.get(*begun).is_some_and(|task| finishes[*task as usize].start != Time::NEVER) {
                *begun += 1;
            }
        }
        self.begun[self.reference] > before
    }

    /// Whether something of the task's list is still to come.
    pub(super) fn goes_on(&self, task: u32) -> bool {
        let list = self.places[task as usize].0 as usize;
        self.begun[list] < self.lists[list].len()
    }

    /// What may be taken for done within `room` ps, if anything repeats. `now`: the time that a user sees, ps, and when
    /// something last disturbed what repeats.
    pub(super) fn plan(
        &self,
        traffic: &Traffic,
        finishes: &[Finish],
        (now, disturbed): (u64, u64),
        room: u64,
    ) -> Option<Plan> {
        (1..=PLACES).find_map(|step| {
            let mut plan = (LEAST..=MOST).find_map(|periods| self.repeats(finishes, step, periods, disturbed))?;
            let ends = self.lists.iter().zip(&self.begun).zip(&plan.steps);
            let left =
                ends.filter(|(_, step)| **step > 0).map(|((list, begun), step)| (list.len() - begun) / step).min()?;
            // The last period is run: nothing follows it.
            plan.times = (left.saturating_sub(1)).min(usize::try_from(room / plan.period).unwrap_or(usize::MAX));
            plan.times = self.same(traffic, &plan, now);
            (plan.times > 0).then_some(plan)
        })
    }

    /// Whether all lists have gone on by the same places in the same time so many times. `step`: places of the list watched.
    fn repeats(&self, finishes: &[Finish], step: usize, periods: usize, disturbed: u64) -> Option<Plan> {
        let start = |list: usize, place: usize| finishes[self.lists[list][place] as usize].start.0;
        // Period `back` before the last: the list's places there and the time from the same place before.
        let interval = |list: usize, step: usize, back: usize| -> Option<u64> {
            let last = self.begun[list].checked_sub(1 + back * step)?;
            let before = last.checked_sub(step)?;
            start(list, last).checked_sub(start(list, before))
        };
        // How long the task took so many periods before the last that is over.
        let took = |list: usize, step: usize, back: usize| -> Option<f64> {
            let place = self.begun[list].checked_sub(1 + (back + 1) * step)?;
            let finish = finishes[self.lists[list][place] as usize];
            (finish.acknowledged != Time::NEVER)
                .then(|| finish.acknowledged.saturating_sub(finish.start).0.max(1) as f64)
        };
        let close = |a: u64, b: u64| a.abs_diff(b) as f64 <= DIFFERENCE * b as f64;
        // The very first round begins in a network that is empty.
        self.begun[self.reference].checked_sub(1 + (periods + 1) * step)?;
        let own: Vec<u64> = (0..periods).map(|back| interval(self.reference, step, back)).collect::<Option<_>>()?;
        let since = start(self.reference, self.begun[self.reference] - 1).saturating_sub(own.iter().sum());
        if disturbed > 0 && since <= disturbed {
            return None;
        }
        let mut sums = vec![0.0; periods];
        let mut steps = vec![0; self.lists.len()];
        let (mut lists, mut differences) = (0, 0.0);
        for (list, tasks) in self.lists.iter().enumerate() {
            if self.begun[list] == tasks.len() {
                // At its end: no part of what repeats, or it would end now.
                let last = finishes[tasks[tasks.len() - 1] as usize];
                if last.start.0 >= since || last.acknowledged == Time::NEVER {
                    return None;
                }
                continue;
            }
            let found = (1..=PLACES).find(|step| interval(list, *step, 0).is_some_and(|time| close(time, own[0])))?;
            for (back, sum) in sums.iter_mut().enumerate() {
                let time = interval(list, found, back).filter(|time| close(*time, own[back]))?;
                *sum += time as f64;
            }
            for back in 0..periods {
                let (one, other) = (took(list, found, back)?, took(list, found, back + 1)?);
                differences += (one / other - 1.0).powi(2);
            }
            steps[list] = found;
            lists += 1;
        }
        let means = sums.iter().map(|sum| sum / f64::from(lists.max(1)));
        let period = means.clone().sum::<f64>() / periods as f64;
        let squares: f64 = means.map(|mean| (mean - period).powi(2)).sum();
        let error = (squares / ((periods - 1) * periods) as f64).sqrt() / period;
        let difference = (differences / (f64::from(lists.max(1)) * periods as f64)).sqrt();
        (period >= 1.0 && error <= ERROR && difference <= DIFFERENCE).then(|| Plan {
            period: period.round() as u64,
            error,
            steps,
            times: 0,
        })
    }

    /// The task that a task is replaced by after so many periods; `None` beyond the end of its list.
    pub(super) fn after(&self, task: u32, steps: &[usize], times: usize) -> Option<u32> {
        let (list, place) = self.places[task as usize];
        self.lists[list as usize].get(place as usize + steps[list as usize] * times).copied()
    }

    /// How many of the plan's periods tasks repeat for: as much to do, and the same waiting for them.
    fn same(&self, traffic: &Traffic, plan: &Plan, now: u64) -> usize {
        let followers = |task: u32, times: usize| -> Option<Vec<(u32, When)>> {
            let all = traffic.followers_of(TaskId(task)).iter();
            let mut all: Vec<_> = all
                .map(|follower| {
                    let (list, _) = self.places[follower.task.index()];
                    let goes_on = plan.steps[list as usize] > 0;
                    goes_on
                        .then(|| self.after(follower.task.0, &plan.steps, times))
                        .flatten()
                        .map(|task| (task, follower.when))
                })
                .collect::<Option<_>>()?;
            all.sort_unstable();
            Some(all)
        };
        let repeats = |list: &[u32], place: usize, step: usize| {
            let Some(later) = list.get(place + step) else { return false };
            let (one, other) = (&traffic.tasks[list[place] as usize], &traffic.tasks[*later as usize]);
            let same = match (one.work, other.work) {
                (Work::Message { bytes, .. }, Work::Message { bytes: later, .. }) => bytes == later,
                (Work::Delay { time, .. }, Work::Delay { time: later, .. }) => time == later,
                _ => false,
            };
            same && other.not_before.0 <= now && followers(list[place], 1) == followers(*later, 0)
        };
        let mut times = plan.times;
        for ((list, begun), step) in self.lists.iter().zip(&self.begun).zip(&plan.steps).filter(|(_, step)| **step > 0)
        {
            let (from, to) = (begun.saturating_sub((LEAST + 1) * step), begun + times.saturating_sub(1) * step);
            if let Some(place) = (from..to).find(|place| !repeats(list, *place, *step)) {
                // Up to what differs, whatever is under way at the end repeats.
                times = place.checked_sub(*begun).map_or(0, |more| more / step + 1);
            }
        }
        times
    }
}

/// For each task the most tasks in a row that must come before it; `None` when tasks wait in a circle.
fn depths(traffic: &Traffic) -> Option<Vec<u32>> {
    let mut waits: Vec<u32> = traffic.tasks.iter().map(|task| task.waits).collect();
    let mut depths = vec![0u32; waits.len()];
    let mut ready: Vec<u32> = (0..waits.len() as u32).filter(|task| waits[*task as usize] == 0).collect();
    let mut seen = 0;
    while let Some(task) = ready.pop() {
        seen += 1;
        for follower in traffic.followers_of(TaskId(task)) {
            let at = follower.task.index();
            depths[at] = depths[at].max(depths[task as usize] + 1);
            waits[at] = waits[at].checked_sub(1)?;
            if waits[at] == 0 {
                ready.push(at as u32);
            }
        }
    }
    (seen == traffic.tasks.len()).then_some(depths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::EndpointId;
    use crate::traffic::Builder;

    /// A ring of four: part `s` goes from rank `s + d` to the next at hop `d`; parts of `bytes(d)`.
    fn ring(hops: u32, bytes: impl Fn(u32) -> u64) -> Traffic {
        let mut builder = Builder::default();
        for chain in 0..4 {
            let mut before = None;
            for hop in 0..hops {
                let [from, to] = [chain + hop, chain + hop + 1].map(|at| EndpointId(at % 4));
                let task = builder.message(from, to, bytes(hop));
                before.into_iter().for_each(|before| {
                    builder.after(before, task, When::Acknowledged);
                });
                before = Some(task);
            }
        }
        builder.build()
    }

    /// Times as if hop `d` began at `starts[d]`; hops that are not named have not begun, the last named is not over.
    fn finishes(hops: u32, starts: &[u64]) -> Vec<Finish> {
        let of = |at: u32| {
            let hop = (at % hops) as usize;
            let time = |hop: usize| starts.get(hop).map_or(Time::NEVER, |start| Time(*start));
            Finish { start: time(hop), delivered: time(hop + 1), acknowledged: time(hop + 1) }
        };
        (0..4 * hops).map(of).collect()
    }

    #[test]
    fn hops_of_a_ring_repeat() {
        let traffic = ring(20, |_| 1_000);
        let mut lists = Lists::new(&traffic).expect("long enough");
        assert_eq!((lists.lists.len(), lists.lists[0].len()), (4, 20));
        let finishes = finishes(20, &[0, 1_000, 2_000, 3_000, 4_000]);
        assert!(lists.count(&finishes) && !lists.count(&finishes));
        let plan = lists.plan(&traffic, &finishes, (4_000, 0), u64::MAX).expect("it repeats");
        assert_eq!((plan.period, plan.times, plan.error), (1_000, 14, 0.0));
        assert_eq!(plan.steps, [1; 4]);
        // Part 0 at hop 4 is where part 3 will be at hop 5: on the way from rank 0.
        assert_eq!(lists.after(4, &plan.steps, 1), Some(3 * 20 + 5));
        // Less room, fewer rounds; a fault among the rounds looked at, none.
        assert_eq!(lists.plan(&traffic, &finishes, (4_000, 0), 3_500).map(|plan| plan.times), Some(3));
        assert_eq!(lists.plan(&traffic, &finishes, (4_000, 2_500), u64::MAX), None);
    }

    #[test]
    fn what_differs_does_not_repeat() {
        let starts = [0, 1_000, 2_000, 3_000, 4_000];
        let plan = |traffic: &Traffic, starts: &[u64]| {
            let finishes = finishes(20, starts);
            let mut lists = Lists::new(traffic).expect("long enough");
            lists.count(&finishes);
            lists.plan(traffic, &finishes, (starts[starts.len() - 1], 0), u64::MAX)
        };
        let plain = ring(20, |_| 1_000);
        assert!(plan(&plain, &starts).is_some());
        assert_eq!(plan(&plain, &starts[..3]), None, "too few");
        assert_eq!(plan(&plain, &[0, 1_000, 2_000, 3_100, 4_000]), None, "hops that take different times");
        // Up to a longer hop: the one before it is then under way.
        let longer = ring(20, |hop| if hop == 12 { 2_000 } else { 1_000 });
        assert_eq!(plan(&longer, &starts).map(|plan| plan.times), Some(7));
        assert_eq!(plan(&ring(20, |hop| 1_000 + u64::from(hop)), &starts), None);
        assert!(Lists::new(&ring(4, |_| 1_000)).is_none(), "nothing to repeat");
    }
}
