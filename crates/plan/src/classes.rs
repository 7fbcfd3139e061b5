//! Groups links into classes that need only one decision.
//!
//! Links are alike when they belong to the same table, join the same port groups of the same parts, and
//! need the same sold length. Lengths are first dealt into the steps in which anything of the catalogue is
//! sold; classes next to each other that end up with the same choice are joined again.

use std::collections::HashMap;

use lanewright_model::system::{LinkSet, PartId, System};
use lanewright_model::units::Metres;

use crate::budget::MarginCheck;
use crate::ends::{Ends, LinkEnd};
use crate::media::question::Judge;
use crate::media::{Answer, CageUse, End, Question, choose, renewals_of_all};
use crate::plan::{LinkClass, Within};
use crate::rates::Rates;
use crate::route::Router;

/// Classes, the class of every link, the length of every link.
pub struct Classified {
    /// Classes, in order of their link sets, shorter before longer.
    pub classes: Vec<LinkClass>,
    /// What the choice had to say that is no part of the class: a forced part's fault, or what would help.
    pub notes: Vec<ClassNote>,
    /// For every link its class.
    pub class_of_link: Vec<u32>,
    /// For every link its length in metres.
    pub length_m: Vec<f32>,
    /// Link sets with links whose length nobody knows.
    pub lengthless: Vec<u32>,
}

/// Remarks on a class.
#[derive(Clone, Debug, Default)]
pub struct ClassNote {
    /// Why the part that the file names does not work.
    pub forced: Option<String>,
    /// What would help.
    pub help: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    a: (PartId, u32),
    b: (PartId, u32),
    step: u16,
    within: Within,
}

/// Sums over the links of a class while they are counted.
#[derive(Clone, Copy)]
struct Tally {
    links: u32,
    cables: u32,
    min: f32,
    max: f32,
    a_links: u32,
    b_links: u32,
    a_cages: f64,
    b_cages: f64,
    paired: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            links: 0,
            cables: 0,
            min: f32::INFINITY,
            max: 0.0,
            a_links: 0,
            b_links: 0,
            a_cages: 0.0,
            b_cages: 0.0,
            paired: true,
        }
    }
}

/// Classifies the links of a system and chooses a medium for each class.
pub fn classify(ends: &Ends<'_>, margin: &dyn MarginCheck, rates: &Rates) -> Classified {
    let system = ends.system;
    let steps = length_steps(system);
    let lengths = Lengths::of(ends);
    let cages = Cages::of(ends);
    let renewals = renewals_of_all(&system.catalogue, rates.life_years);
    let judge = Judge { catalogue: &system.catalogue, margin, rates, renewals: &renewals };
    let mut out = Classified {
        classes: Vec::new(),
        notes: Vec::new(),
        class_of_link: vec![0; system.links.len()],
        length_m: Vec::new(),
        lengthless: lengths.lengthless,
    };
    for (set_index, set) in system.link_sets.iter().enumerate() {
        let range = set.links.start as usize..set.links.end as usize;
        let mut found: HashMap<Key, u32> = HashMap::new();
        let mut tallies: Vec<(Key, Tally)> = Vec::new();
        let mut previous: Option<(Key, u32)> = None;
        // Cable lengths: all links of one cable are as long as its longest.
        let cable_length = longest_by_cable(set, &lengths.of_link[range.clone()]);
        let mut cable_seen = vec![false; set.cables as usize];
        for (offset, index) in range.clone().enumerate() {
            let link = system.links[index];
            let (Some(a), Some(b)) = (ends.end(link.a), ends.end(link.b)) else { continue };
            let cable = set.cable_of.get(offset).copied().unwrap_or(offset as u32) as usize;
            let length = cable_length.get(cable).copied().unwrap_or(lengths.of_link[index]);
            let key = Key {
                a: (a.part, a.group),
                b: (b.part, b.group),
                step: step_of(&steps, length),
                within: ends.link_within(a.device, b.device),
            };
            let at = match previous {
                Some((last, at)) if last == key => at,
                _ => *found.entry(key).or_insert_with(|| {
                    tallies.push((key, Tally::default()));
                    tallies.len() as u32 - 1
                }),
            };
            previous = Some((key, at));
            out.class_of_link[index] = at;
            let tally = &mut tallies[at as usize].1;
            tally.links += 1;
            if let Some(seen) = cable_seen.get_mut(cable) {
                tally.cables += u32::from(!*seen);
                *seen = true;
            } else {
                tally.cables += 1;
            }
            tally.min = tally.min.min(lengths.of_link[index]);
            tally.max = tally.max.max(length);
            cages.add(tally, &a, &b);
        }
        let mut order: Vec<u32> = (0..tallies.len() as u32).collect();
        order.sort_by_key(|i| {
            let key = tallies[*i as usize].0;
            (key.a, key.b, key.within.power, key.within.price, key.within.fit, key.step)
        });
        let renumbered = decide(system, set_index, set, &tallies, &order, &judge, &mut out);
        for class in &mut out.class_of_link[range] {
            *class = renumbered[*class as usize];
        }
    }
    out.length_m = lengths.of_link;
    out
}

/// Decides every class of a set, joining neighbours with the same choice; returns the class of each tally.
fn decide(
    system: &System,
    set_index: usize,
    set: &LinkSet,
    tallies: &[(Key, Tally)],
    order: &[u32],
    judge: &Judge<'_>,
    out: &mut Classified,
) -> Vec<u32> {
    let mut renumbered = vec![0; tallies.len()];
    let mut last: Option<(Key, CageUse)> = None;
    for &index in order {
        let (key, tally) = &tallies[index as usize];
        let share = |cages: f64| cages / f64::from(tally.links.max(1));
        let cages = CageUse {
            a_links: tally.a_links.max(1),
            b_links: tally.b_links.max(1),
            a_cages: share(tally.a_cages),
            b_cages: share(tally.b_cages),
            paired: tally.paired,
        };
        let answer = ask(system, set, key, tally, cages, judge);
        let same_ends = last.is_some_and(|(k, c)| Key { step: 0, ..k } == Key { step: 0, ..*key } && c == cages);
        let number = out.classes.len() as u32;
        if let Some(class) = out.classes.last_mut().filter(|_| same_ends)
            && joins(class, &answer)
        {
            class.links += tally.links;
            class.cables += tally.cables;
            class.length_min = Metres(class.length_min.0.min(f64::from(tally.min)));
            class.length_max = Metres(f64::from(tally.max));
            class.choice = answer.choice;
            class.alternatives = answer.alternatives;
            class.rejected = answer.rejected;
            class.reason = answer.reason;
            if let Some(note) = out.notes.last_mut() {
                *note = ClassNote { forced: answer.forced, help: answer.help };
            }
            renumbered[index as usize] = number - 1;
            last = Some((*key, cages));
            continue;
        }
        renumbered[index as usize] = number;
        last = Some((*key, cages));
        out.notes.push(ClassNote { forced: answer.forced, help: answer.help });
        out.classes.push(LinkClass {
            set: lanewright_model::system::LinkSetId(set_index as u32),
            domain: set.domain,
            protocol: set.protocol,
            a: key.a,
            b: key.b,
            links: tally.links,
            cables: tally.cables,
            within: key.within,
            length_min: Metres(f64::from(tally.min)),
            length_max: Metres(f64::from(tally.max)),
            choice: answer.choice,
            alternatives: answer.alternatives,
            rejected: answer.rejected,
            reason: answer.reason,
        });
    }
    renumbered
}

/// Whether a longer class can be joined to a class: the same thing is bought.
fn joins(class: &LinkClass, answer: &Answer) -> bool {
    match (&class.choice, &answer.choice) {
        (Some(x), Some(y)) => {
            x.name == y.name && x.parts == y.parts && x.retimers == y.retimers && x.length == y.length
        }
        _ => false,
    }
}

fn ask(system: &System, set: &LinkSet, key: &Key, tally: &Tally, cages: CageUse, judge: &Judge<'_>) -> Answer {
    let catalogue = &system.catalogue;
    let end = |(part, group): (PartId, u32), protocol| {
        Some(End {
            group: catalogue.part(part).port.get(group as usize)?,
            protocol: catalogue.protocol(protocol),
            technology: catalogue.technology(protocol),
        })
    };
    let (Some(a), Some(b)) = (end(key.a, set.protocol), end(key.b, set.to_protocol)) else {
        return Answer { reason: "the catalogue does not know its port group".into(), ..Answer::default() };
    };
    let question = Question {
        a,
        b,
        medium: set.medium,
        shape: set.cable,
        links_per_cable: f64::from(tally.links) / f64::from(tally.cables.max(1)),
        cages,
        segments: &set.segments,
        length: Metres(f64::from(tally.max)),
    };
    choose(&question, judge)
}

/// Upper ends of the steps in which cables and fibres are sold, in metres, rising.
fn length_steps(system: &System) -> Vec<f32> {
    let mut steps: Vec<f32> = system
        .catalogue
        .parts
        .iter()
        .filter_map(|p| p.cable.as_ref())
        .flat_map(|c| c.lengths_m.iter().map(|l| *l as f32))
        .collect();
    let mut fibre = 0.5;
    while fibre < 2e5 {
        fibre = crate::media::sold_fibre(fibre * 1.01);
        steps.push(fibre as f32);
    }
    steps.sort_by(f32::total_cmp);
    steps.dedup();
    steps
}

/// The step that a length falls into.
fn step_of(steps: &[f32], length: f32) -> u16 {
    steps.partition_point(|s| s + 1e-4 < length) as u16
}

/// For every cable of a set the length of its longest link.
fn longest_by_cable(set: &LinkSet, lengths: &[f32]) -> Vec<f32> {
    let mut longest = vec![0.0_f32; set.cables as usize];
    for (offset, length) in lengths.iter().enumerate() {
        let cable = set.cable_of.get(offset).copied().unwrap_or(offset as u32) as usize;
        if let Some(slot) = longest.get_mut(cable) {
            *slot = slot.max(*length);
        }
    }
    longest
}

/// Lengths of all links.
struct Lengths {
    of_link: Vec<f32>,
    lengthless: Vec<u32>,
}

impl Lengths {
    fn of(ends: &Ends<'_>) -> Self {
        let system = ends.system;
        let router = Router::new(system);
        let mut of_link = vec![0.0; system.links.len()];
        let mut lengthless = Vec::new();
        for (number, set) in system.link_sets.iter().enumerate() {
            let range = set.links.start as usize..set.links.end as usize;
            if let Some(length) = set.length {
                of_link[range].fill(length.0 as f32);
                continue;
            }
            let mut missing = false;
            for index in range {
                let link = system.links[index];
                let routed = ends.end(link.a).zip(ends.end(link.b)).and_then(|(a, b)| {
                    router.length(ends.place(a.device), ends.side(&a), ends.place(b.device), ends.side(&b))
                });
                match routed {
                    Some(length) => of_link[index] = length as f32,
                    None => missing = true,
                }
            }
            if missing {
                lengthless.push(number as u32);
            }
        }
        Self { of_link, lengthless }
    }
}

/// Who shares a cage with whom.
struct Cages {
    /// For every cage (by its first port) the links in it.
    links: Vec<u8>,
    /// For every cage the cage at the far end, if it is the same for all its links.
    far: Vec<u32>,
}

/// Links of one cage go to different cages.
const SEVERAL: u32 = u32::MAX - 1;

impl Cages {
    fn of(ends: &Ends<'_>) -> Self {
        let system = ends.system;
        let mut links = vec![0_u8; system.port_count as usize];
        let mut far = vec![u32::MAX; system.port_count as usize];
        for link in &system.links {
            let (Some(a), Some(b)) = (ends.end(link.a), ends.end(link.b)) else { continue };
            for (here, there) in [(a.cage as usize, b.cage), (b.cage as usize, a.cage)] {
                links[here] = links[here].saturating_add(1);
                far[here] = match far[here] {
                    u32::MAX => there,
                    known if known == there => there,
                    _ => SEVERAL,
                };
            }
        }
        Self { links, far }
    }

    fn add(&self, tally: &mut Tally, a: &LinkEnd, b: &LinkEnd) {
        let (near, far) = (self.links[a.cage as usize].max(1), self.links[b.cage as usize].max(1));
        tally.a_links = tally.a_links.max(u32::from(near));
        tally.b_links = tally.b_links.max(u32::from(far));
        tally.a_cages += 1.0 / f64::from(near);
        tally.b_cages += 1.0 / f64::from(far);
        tally.paired &= self.far[a.cage as usize] == b.cage && self.far[b.cage as usize] == a.cage;
    }
}
