//! Who shares anew after something has changed: classes alone on their edges, groups, and what is newly connected.

use super::agenda::Event;
use super::engine::{Class, Engine, Group, MANY, NONE};
use super::resolution::AUTOMATIC;

/// Rates may be off by this share of the resolution where that is not 0: little beside what the resolution does itself.
const TOLERANCE: f64 = 1.0 / 16.0;

impl Engine<'_> {
    /// Shares anew wherever something changed.
    pub(super) fn solve(&mut self, time: f64) {
        let mut changed = std::mem::take(&mut self.changed);
        let mut dirty = std::mem::take(&mut self.dirty);
        let mut group = None;
        let mut one_group = !self.joined && dirty.is_empty();
        self.joined = false;
        for class in &changed {
            self.standing[*class as usize].changed = false;
            if self.lone[*class as usize] > 0.0 {
                continue;
            }
            let known = self.standing[*class as usize];
            one_group &= known.group != NONE && *group.get_or_insert(known.group) == known.group;
        }
        let whole = group.filter(|_| one_group);
        for class in changed.drain(..) {
            let known = self.standing[class as usize];
            let at_work = self.messages[class as usize] > 0;
            if self.lone[class as usize] > 0.0 {
                if at_work {
                    self.give_alone(class, time);
                }
                continue;
            }
            if !at_work {
                self.leave(class);
            }
            if whole.is_some() {
                continue;
            }
            let lists = &self.table.classes;
            let alone = |edge: &u32| self.load.count(*edge) == 1;
            if at_work && known.group == NONE && lists.edges(class).iter().all(alone) {
                self.give_alone(class, time);
            } else {
                let used = lists.edges(class).iter().filter(|edge| self.load.count(**edge) > 0);
                dirty.extend(used);
            }
        }
        self.changed = changed;
        match whole {
            Some(group) if self.groups[group as usize].live > 0 => self.solve_group(group, time),
            Some(_) => {}
            None if dirty.is_empty() => {}
            None => self.solve_components(&dirty, time),
        }
        while let Some((group, generation)) = self.fired.pop() {
            let known = &self.groups[group as usize];
            if known.generation == generation && known.live > 0 {
                self.schedule_group(group);
            }
        }
        dirty.clear();
        self.dirty = dirty;
    }

    /// A class is in its group no longer.
    fn leave(&mut self, class: u32) {
        let known = &mut self.standing[class as usize];
        known.generation = known.generation.wrapping_add(1);
        let group = std::mem::replace(&mut known.group, NONE);
        if group != NONE {
            let group_of = &mut self.groups[group as usize];
            group_of.live -= 1;
            if group_of.live == 0 {
                group_of.members.clear();
                group_of.generation = group_of.generation.wrapping_add(1);
                self.free_groups.push(group);
            }
        }
    }

    /// The rate of a class that shares no edge with another.
    fn give_alone(&mut self, class: u32, time: f64) {
        let lists = &self.table.classes;
        let capacity = self.state.capacity();
        let messages = f64::from(self.messages[class as usize]);
        // Edges on which a group has nothing left may still stand in its list.
        lists.edges(class).iter().for_each(|edge| self.owner[*edge as usize] = NONE);
        let bound = |place: usize| capacity[lists.edge(place) as usize] / (lists.weight(place) * messages);
        let rate = lists.range(class).map(bound).fold(f64::INFINITY, f64::min);
        let known = &mut self.classes[class as usize];
        known.advance(time);
        known.rate = rate;
        let end = known.end();
        self.expect_class(class, end);
        if let Some(recorder) = &mut self.recorder {
            recorder.rate(&self.table.ways, class, rate, time);
        }
    }

    /// Shares anew in a group from which some have gone, without asking who is connected with whom.
    fn solve_group(&mut self, group: u32, time: f64) {
        let mut members = std::mem::take(&mut self.groups[group as usize].members);
        self.filler.restart(&self.table);
        let next = if self.table.is_plain() {
            self.fill_again(group, &mut members, time)
        } else {
            members.retain(|class| self.standing[*class as usize].group == group);
            for class in &members {
                self.filler.take(&self.table, *class, self.state.capacity(), &self.messages);
            }
            self.fill(time)
        };
        self.groups[group as usize].members = members;
        self.expect(group, next);
    }

    /// Fills a group from which some have gone; says when the next message of it ends, and of which class.
    fn fill_again(&mut self, group: u32, members: &mut Vec<u32>, time: f64) -> (f64, u32) {
        self.count_solution(members.len(), time);
        let (classes, standing) = (&mut self.classes, &self.standing);
        let (recorder, ways) = (&mut self.recorder, &self.table.ways);
        let edges = &mut self.groups[group as usize].edges;
        edges.retain(|edge| self.owner[*edge as usize] == group && self.load.count(*edge) > 0);
        let mut next = (f64::INFINITY, NONE);
        self.filler.fill_again(
            &self.table,
            &self.load,
            (edges, members),
            (self.resolution * TOLERANCE, self.state.capacity(), &self.messages),
            |class| standing[class as usize].group == group,
            |class, rate| {
                give(classes, class, rate, time, &mut next);
                if let Some(recorder) = recorder {
                    recorder.rate(ways, class, rate, time);
                }
            },
        );
        next
    }

    /// Shares anew in all that is connected with some edges.
    fn solve_components(&mut self, dirty: &[u32], time: f64) {
        self.filler.restart(&self.table);
        for edge in dirty {
            if self.filler.has_edge(*edge) || self.load.count(*edge) == 0 {
                continue;
            }
            self.filler.gather(&self.table, &self.load, *edge, self.state.capacity(), &self.messages);
            let next = self.fill(time);
            if let [class] = self.filler.classes[..] {
                self.leave(class);
                self.filler.edges.iter().for_each(|edge| self.owner[*edge as usize] = NONE);
                self.expect_class(class, self.classes[class as usize].end());
                continue;
            }
            let mut found = std::mem::take(&mut self.filler.classes);
            if found.len() >= MANY {
                found.sort_unstable();
            }
            for class in &found {
                self.leave(*class);
            }
            let group = self.free_groups.pop().unwrap_or_else(|| {
                self.groups.push(Group::default());
                self.groups.len() as u32 - 1
            });
            for class in &found {
                self.standing[*class as usize].group = group;
            }
            let known = &mut self.groups[group as usize];
            known.live = found.len() as u32;
            known.members.clear();
            known.members.extend_from_slice(&found);
            known.edges.clone_from(&self.filler.edges);
            known.edges.iter().for_each(|edge| self.owner[*edge as usize] = group);
            self.filler.classes = found;
            self.expect(group, next);
        }
    }

    /// Fills what was gathered; says when the next message of it ends, and of which class.
    fn fill(&mut self, time: f64) -> (f64, u32) {
        self.count_solution(self.filler.classes.len(), time);
        let classes = &mut self.classes;
        let (recorder, ways) = (&mut self.recorder, &self.table.ways);
        let tolerance = self.resolution * TOLERANCE;
        let mut next = (f64::INFINITY, NONE);
        self.filler.fill(&self.table, &self.load, &self.messages, tolerance, |class, rate| {
            give(classes, class, rate, time, &mut next);
            if let Some(recorder) = recorder {
                recorder.rate(ways, class, rate, time);
            }
        });
        next
    }

    /// Counts a solution, of so many rates. When exact ones have cost too much, those that follow are not.
    fn count_solution(&mut self, rates: usize, time: f64) {
        self.solutions += 1;
        self.given += rates as u64;
        if self.given > self.allowance && self.resolution == 0.0 {
            self.resolution = AUTOMATIC;
            self.coarse_from = Some(time);
        }
    }

    /// Puts the next end within a group into the agenda.
    fn schedule_group(&mut self, group: u32) {
        let mut next = (f64::INFINITY, NONE);
        for class in &self.groups[group as usize].members {
            let end = self.classes[*class as usize].end();
            if self.standing[*class as usize].group == group && end < next.0 {
                next = (end, *class);
            }
        }
        self.expect(group, next);
    }

    fn expect(&mut self, group: u32, (time, first): (f64, u32)) {
        let known = &mut self.groups[group as usize];
        known.generation = known.generation.wrapping_add(1);
        known.first = first;
        self.agenda.push(time, Event::Group(group, known.generation));
    }
}

/// Gives a class its rate; `next` is the first end so far and whose it is.
fn give(classes: &mut [Class], class: u32, rate: f64, time: f64, next: &mut (f64, u32)) {
    let known = &mut classes[class as usize];
    known.advance(time);
    known.rate = rate;
    // A division for those that may be first only.
    if (known.next - known.served) * (1.0 - 1e-9) < (next.0 - time) * rate && known.end() < next.0 {
        *next = (known.end(), class);
    }
}
