//! Traffic in rounds, folded: one message stands for all that are alike.
//!
//! [`Colours`] says which are alike. Of each colour of members one is followed, of each colour of messages one, of each
//! colour of edges one; a message loads its edge with all messages of its colour that cross the edge. What is left is
//! ordinary traffic, whose tasks know how many messages they stand for, and the engine runs that.

use std::collections::HashMap;

use super::mirror::{Mirrors, candidates};
use super::network_state::State;
use super::symmetry::{Arc, Colours, Crossing};
use super::table::{Hasher, Table};
use super::way::Way;
use super::{FlowError, Settings};
use crate::fault::Timeline;
use crate::network::{EndpointId, Network};
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::rounds::Rounds;
use crate::traffic::{Builder, TaskId, Traffic, When, Work};

/// Most tasks that folded traffic may have: some 4 GB with all that the engine keeps of them.
pub const FOLD_LIMIT: u64 = 1 << 24;

/// Most messages that are compared with each other: some 3 GB with their ways.
const ARC_LIMIT: usize = 1 << 23;

/// What a member waits for, above which a delay of nothing stands for it.
const WAITS: usize = 2;

/// Traffic after folding, with the ways of its tasks.
pub struct Folded<'a> {
    /// One task for all messages alike.
    pub traffic: Traffic,
    pub(super) state: State<'a>,
    pub(super) table: Table,
    pub(super) way: Vec<u32>,
    /// Members that are followed.
    pub followed: usize,
}

/// A colour of messages.
struct Kind {
    arc: Arc,
    copies: u64,
    /// Edges that are followed, with the load of all messages of the colour on each.
    load: Vec<(u32, f64)>,
}

/// Ways of messages one by one, and of those within groups that stand for others.
#[derive(Default)]
struct AllWays {
    single: Table,
    mirrored: Table,
}

impl AllWays {
    fn of(&self, arc: &Arc) -> &Table {
        if arc.mirrored > 0 { &self.mirrored } else { &self.single }
    }
}

impl Crossing for AllWays {
    fn edges_of(&self, arc: &Arc) -> (&[u32], &[f64]) {
        let lists = &self.of(arc).ways;
        (lists.edges(arc.way), lists.weights(arc.way))
    }

    fn delay_of(&self, arc: &Arc) -> u64 {
        self.of(arc).delay[arc.way as usize]
    }
}

/// Folds traffic. `None` where more tasks than [`FOLD_LIMIT`] would be left.
pub fn fold<'a>(
    network: &'a Network,
    routes: &'a Routes,
    rounds: &Rounds,
    healthy: &'a Timeline,
    settings: &Settings,
) -> Result<Option<Folded<'a>>, FlowError> {
    let mut state = State::new(network, routes, healthy, settings);
    let mut ways = AllWays::default();
    let mut arcs = Vec::new();
    // Without the dense phases first: they are left out of most groups if these mirror each other.
    let mut dense = candidates(rounds);
    let others = (0..rounds.phases.len()).filter(|phase| !dense.contains(phase));
    if !list(rounds, others.flat_map(|phase| every_group(rounds, phase)), &mut arcs) {
        return Ok(None);
    }
    let mirrors = if dense.is_empty() {
        None
    } else {
        let crossed = find_ways(&mut state, rounds, &mut arcs, (&mut ways.single, settings.doorbell))?;
        Mirrors::find(network, routes, settings.ways, rounds, &dense, &crossed)
    };
    if mirrors.is_none() {
        if !list(rounds, dense.drain(..).flat_map(|phase| every_group(rounds, phase)), &mut arcs) {
            return Ok(None);
        }
        ways.single = Table::default();
        find_ways(&mut state, rounds, &mut arcs, (&mut ways.single, settings.doorbell))?;
    }
    reduce(&mut ways.single, &state);
    let mut colours = Colours::new(rounds.members.len(), state.capacity());
    colours.refine(&arcs, &ways, &[]);
    if let Some(mirrors) = mirrors {
        let single = arcs.len();
        loop {
            // Which group stands for each, and for how many.
            let (stands, counts) = mirrors.standing(&colours.members);
            arcs.truncate(single);
            let mut within = Vec::new();
            let listed = dense.iter().flat_map(|phase| counts.iter().map(|(group, count)| (*phase, *group, *count)));
            if !list(rounds, listed, &mut within) {
                return Ok(None);
            }
            ways.mirrored = Table::default();
            find_ways(&mut state, rounds, &mut within, (&mut ways.mirrored, settings.doorbell))?;
            reduce(&mut ways.mirrored, &state);
            arcs.append(&mut within);
            colours.refine(&arcs, &ways, &mirrors.members(&stands));
            if mirrors.standing(&colours.members).0 == stands {
                break;
            }
        }
    }
    let (member, followed) = numbered(&colours.members);
    let (kind_of, _) = numbered(&colours.arcs);
    let kinds = kinds(&arcs, &kind_of, &colours.edges, &ways);

    let mut tasks = 0u64;
    for (at, phase) in rounds.phases.iter().enumerate() {
        let of_phase = kinds.iter().filter(|kind| kind.arc.phase == at as u32).count() as u64;
        tasks = tasks.saturating_add(phase.times.saturating_mul(2 * of_phase));
    }
    if tasks > FOLD_LIMIT {
        return Ok(None);
    }
    let (traffic, kind_of_task) = if rounds.lockstep {
        expand(rounds, &kinds, &vec![0; member.len()], 1)
    } else {
        expand(rounds, &kinds, &member, followed)
    };
    let mut table = Table::default();
    for kind in &kinds {
        let way = Way {
            edges: kind.load.iter().map(|(edge, _)| *edge).collect(),
            weights: kind.load.iter().map(|(_, load)| *load).collect(),
            delay: ways.delay_of(&kind.arc),
        };
        table.way(&way, settings.fairness).ok_or(FlowError::TooLarge)?;
    }
    table.classify(|_| true, |_| false).ok_or(FlowError::TooLarge)?;
    // Ways are numbered as the kinds of messages.
    Ok(Some(Folded { traffic, state, table, way: kind_of_task, followed }))
}

/// A phase in every group, as [`list`] takes it.
fn every_group(rounds: &Rounds, phase: usize) -> impl Iterator<Item = (usize, u32, u64)> {
    (0..rounds.phases[phase].groups.len() as u32).map(move |group| (phase, group, 0))
}

/// Lists the messages of phases in groups, each with how many groups they stand for. Whether there were few enough.
fn list(rounds: &Rounds, which: impl Iterator<Item = (usize, u32, u64)>, arcs: &mut Vec<Arc>) -> bool {
    for (phase, group, mirrored) in which {
        let what = &rounds.phases[phase];
        let group = &what.groups[group as usize];
        if arcs.len() + what.sends.len() > ARC_LIMIT {
            return false;
        }
        arcs.extend(what.sends.iter().map(|send| Arc {
            phase: phase as u32,
            from: group[send.from as usize],
            to: group[send.to as usize],
            bytes: send.bytes,
            way: 0,
            doorbell: 0,
            mirrored,
        }));
    }
    true
}

/// Finds the ways of messages; says which edges they cross.
fn find_ways(
    state: &mut State<'_>,
    rounds: &Rounds,
    arcs: &mut [Arc],
    (ways, doorbell): (&mut Table, Time),
) -> Result<Vec<bool>, FlowError> {
    // The messages as traffic, for the ways of their pairs.
    let mut builder = Builder::default();
    let end = |member: u32| rounds.members.get(member as usize).copied().unwrap_or(EndpointId(u32::MAX));
    for arc in arcs.iter() {
        builder.message(end(arc.from), end(arc.to), arc.bytes);
    }
    let mut crossed = vec![false; state.capacity().len()];
    let traffic = builder.build();
    let of_task = state.ways_of(&traffic, ways)?;
    let doorbells = state.doorbells(&traffic, &of_task, doorbell);
    for (arc, way) in arcs.iter_mut().zip(of_task) {
        arc.way = way;
        arc.doorbell = doorbells.get(way as usize).copied().unwrap_or(0);
        ways.ways.edges(way).iter().for_each(|edge| crossed[*edge as usize] = true);
    }
    Ok(crossed)
}

/// Leaves out edges that cannot decide.
fn reduce(ways: &mut Table, state: &State<'_>) {
    let kept = ways.reduce(state.capacity());
    ways.keep_edges(|edge| kept[edge as usize]);
}

/// Colours as numbers in the order in which they are met, and how many there are.
fn numbered(colours: &[u64]) -> (Vec<u32>, usize) {
    let mut known: HashMap<u64, u32, Hasher> = HashMap::default();
    let number = |colour: &u64| {
        let next = known.len() as u32;
        *known.entry(*colour).or_insert(next)
    };
    let numbers = colours.iter().map(number).collect();
    (numbers, known.len())
}

/// The colours of messages, with what they load.
fn kinds(arcs: &[Arc], kind_of: &[u32], edge_colours: &[u64], ways: &AllWays) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for (arc, kind) in arcs.iter().zip(kind_of) {
        if *kind as usize == kinds.len() {
            kinds.push(Kind { arc: *arc, copies: 0, load: Vec::new() });
        }
        kinds[*kind as usize].copies += arc.mirrored.max(1);
    }
    // The first edge of each colour that a message crosses stands for all of the colour.
    let mut first: HashMap<u64, u32, Hasher> = HashMap::default();
    let mut load: HashMap<(u32, u32), usize, Hasher> = HashMap::default();
    for (arc, kind) in arcs.iter().zip(kind_of) {
        let (edges, weights) = ways.edges_of(arc);
        for (at, edge) in edges.iter().copied().enumerate() {
            if *first.entry(edge_colours[edge as usize]).or_insert(edge) == edge {
                let of_kind = &mut kinds[*kind as usize].load;
                let slot = *load.entry((*kind, edge)).or_insert(of_kind.len());
                if slot == of_kind.len() {
                    of_kind.push((edge, 0.0));
                }
                of_kind[slot].1 += weights.get(at).copied().unwrap_or(1.0);
            }
        }
    }
    kinds
}

/// The rounds of the members that are followed, as tasks; with the kind of each. Members of one number begin together.
fn expand(rounds: &Rounds, kinds: &[Kind], member: &[u32], followed: usize) -> (Traffic, Vec<u32>) {
    let mut builder = Builder::default();
    let mut kind_of_task: Vec<u32> = Vec::new();
    let mut copies: Vec<u64> = Vec::new();
    // What each member waits for before it begins its next round.
    let mut before: Vec<Vec<TaskId>> = vec![Vec::new(); followed];
    for (phase, what) in rounds.phases.iter().enumerate() {
        let now: Vec<u32> =
            (0..kinds.len() as u32).filter(|kind| kinds[*kind as usize].arc.phase == phase as u32).collect();
        let mut sent: Vec<(u32, TaskId)> = Vec::new();
        for _ in 0..what.times {
            for kind in &now {
                let arc = &kinds[*kind as usize].arc;
                let sender = member[arc.from as usize] as usize;
                if before[sender].len() > WAITS {
                    let at = rounds.members[arc.from as usize];
                    let begin = builder.task(Work::Delay { at, time: Time::ZERO }, Time::ZERO);
                    kind_of_task.push(super::engine::NONE);
                    copies.push(0);
                    for first in before[sender].drain(..) {
                        builder.after(first, begin, When::Delivered);
                    }
                    before[sender].push(begin);
                }
                let (from, to) = (rounds.members[arc.from as usize], rounds.members[arc.to as usize]);
                let task = builder.message(from, to, arc.bytes);
                kind_of_task.push(*kind);
                copies.push(kinds[*kind as usize].copies);
                for first in &before[sender] {
                    builder.after(*first, task, When::Delivered);
                }
                sent.push((member[arc.to as usize], task));
            }
            // Nothing of a round waits for the same round.
            for (receiver, task) in sent.drain(..) {
                before[receiver as usize].push(task);
            }
        }
    }
    let traffic = Traffic { copies, ..builder.build() };
    (traffic, kind_of_task)
}
