//! Names of a traffic file: each once, each known, nothing waiting for itself.

use std::collections::BTreeMap;

use lanewright_model::problem::{Problem, Problems, nearest};
use lanewright_model::text::{Placed, Span};

use super::tables::{HasUsual, JobFile, Usual};
use super::{Item, Job, Kind};

/// Largest `class`: what ports have queues for.
const CLASSES: u32 = 6;

/// The job of a file, if its names are sound.
pub(super) fn job(file: JobFile, problems: &mut Problems) -> Option<Job> {
    let mut items: Vec<(Item, Span)> = Vec::new();
    let mut add = |at: usize, usual: Usual, span: Span, kind: Kind| {
        let name = usual.id.as_ref().map_or_else(|| format!("{}[{at}]", kind.word()), |id| id.value.clone());
        items.push((Item { name, usual, after: Vec::new(), kind }, span));
    };
    file.phase.iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Phase(Vec::new()));
    });
    file.message.into_iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Message(table.value));
    });
    file.pattern.into_iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Pattern(table.value));
    });
    file.collective.into_iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Collective(table.value));
    });
    file.compute.into_iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Compute(table.value));
    });
    file.memory.into_iter().enumerate().for_each(|(at, table)| {
        add(at, table.usual(), table.span, Kind::Memory(table.value));
    });
    // As written: tasks are made in this order where waits leave a choice.
    items.sort_by_key(|(_, span)| *span);
    let mut items: Vec<Item> = items.into_iter().map(|(item, _)| item).collect();
    if items.is_empty() {
        problems.push(
            Problem::whole("empty", "this traffic file has no step")
                .help("add [[message]], [[pattern]], [[collective]], [[compute]] or [[memory]] tables"),
        );
        return None;
    }

    let mut groups = BTreeMap::new();
    for group in file.group {
        if group.id.trim_start().starts_with('[') || group.id.is_empty() {
            problems.push(Problem::error("name", "the name of a group is a word", group.id.span, "here"));
        } else if groups.insert(group.id.value.clone(), group.ranks).is_some() {
            problems.push(twice("group", &group.id));
        }
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let Some(id) = &item.usual.id else { continue };
        if names.insert(id.value.clone(), at).is_some() {
            problems.push(twice("step", id));
        }
    }
    values(&items, problems);
    let phases = phases(&items, &names, problems)?;
    waits(&mut items, &names, &phases, problems)?;
    let order = in_order(&items, problems)?;
    let mut top = Vec::new();
    for at in order {
        match phases[at] {
            None => top.push(at),
            Some(phase) => {
                if let Kind::Phase(inside) = &mut items[phase].kind {
                    inside.push(at);
                }
            }
        }
    }
    let (name, ranks, endpoints) = match file.job {
        Some(job) => (job.name, job.ranks, job.endpoints),
        None => (None, None, None),
    };
    if let Some(ranks) = ranks.as_ref().filter(|ranks| ranks.value == 0) {
        problems.push(Problem::error("number-range", "a job has at least one rank", ranks.span, "here"));
    }
    Some(Job { name, ranks: ranks.map(|ranks| ranks.value), endpoints, groups, items, top })
}

fn twice(what: &str, id: &Placed<String>) -> Problem {
    Problem::error("name", format!("there is another {what} `{}`", id.value), id.span, "a second time")
        .help("every name stands for one thing")
}

/// Values that are wrong whatever the network.
fn values(items: &[Item], problems: &mut Problems) {
    for item in items {
        let usual = &item.usual;
        if usual.repeat.value == 0 {
            problems.push(Problem::error("number-range", "a step is done at least once", usual.repeat.span, "here"));
        }
        if let Some(class) = usual.class.as_ref().filter(|class| class.value > CLASSES) {
            let message = format!("classes count from 0 to {CLASSES}");
            problems.push(Problem::error("number-range", message, class.span, "here"));
        }
        if let (Kind::Phase(_), Some(class)) = (&item.kind, &usual.class) {
            problems.push(
                Problem::error("unused-key", "a phase has no class of its own", class.span, "here")
                    .help("give it to the steps of the phase"),
            );
        }
    }
}

fn unknown(what: &str, name: &Placed<String>, known: &[&str]) -> Problem {
    let near = nearest(&name.value, known.iter().copied());
    let label = near.map_or_else(|| "not known".to_string(), |near| format!("did you mean `{near}`?"));
    let problem = Problem::error("unknown-name", format!("there is no {what} `{}`", name.value), name.span, label);
    problem.help(if known.is_empty() {
        format!("no {what} of this file has a name: give one an `id`")
    } else {
        format!("names are: {}", known.iter().take(20).copied().collect::<Vec<_>>().join(", "))
    })
}

/// The phase of every item.
fn phases(items: &[Item], names: &BTreeMap<String, usize>, problems: &mut Problems) -> Option<Vec<Option<usize>>> {
    let is_phase = |at: usize| matches!(items[at].kind, Kind::Phase(_));
    let mut found = vec![None; items.len()];
    let mut sound = true;
    for (at, item) in items.iter().enumerate() {
        let Some(phase) = &item.usual.phase else { continue };
        match names.get(&phase.value) {
            Some(outer) if is_phase(*outer) => found[at] = Some(*outer),
            Some(_) => {
                sound = false;
                problems.push(
                    Problem::error("name", format!("`{}` is a step, not a phase", phase.value), phase.span, "here")
                        .help("a phase is a table of its own: [[phase]]"),
                );
            }
            None => {
                sound = false;
                let known = names.iter().filter(|(_, at)| is_phase(**at)).map(|(name, _)| name.as_str());
                problems.push(unknown("phase", phase, &known.collect::<Vec<_>>()));
            }
        }
    }
    for (at, item) in items.iter().enumerate() {
        // A phase may lie in another, but must come out in the end.
        let (mut outer, mut depth) = (found[at], 0);
        while let Some(next) = outer {
            depth += 1;
            if next == at || depth > items.len() {
                if next == at
                    && let Some(phase) = &item.usual.phase
                {
                    problems.push(Problem::error("circle", "this phase lies within itself", phase.span, "here"));
                }
                sound = false;
                break;
            }
            outer = found[next];
        }
        if depth > 64 && sound {
            let span = item.usual.repeat.span;
            problems.push(Problem::error("circle", "phases lie in each other more than 64 deep", span, "here"));
            sound = false;
        }
    }
    for (at, item) in items.iter().enumerate() {
        if is_phase(at) && !found.contains(&Some(at)) {
            let span = item.usual.id.as_ref().map_or(item.usual.repeat.span, |id| id.span);
            problems.push(
                Problem::error("empty", format!("phase `{}` has no steps", item.name), span, "here")
                    .help("steps say that they belong to it by `phase = \"...\"`"),
            );
        }
    }
    sound.then_some(found)
}

/// What every item waits for.
fn waits(
    items: &mut [Item],
    names: &BTreeMap<String, usize>,
    phases: &[Option<usize>],
    problems: &mut Problems,
) -> Option<()> {
    let mut sound = true;
    for at in 0..items.len() {
        let mut after = Vec::new();
        for name in &items[at].usual.after {
            match names.get(&name.value) {
                Some(first) if phases[*first] == phases[at] => after.push(*first),
                Some(first) => {
                    sound = false;
                    let place = |phase: Option<usize>| match phase {
                        Some(phase) => format!("in phase `{}`", items[phase].name),
                        None => "in no phase".to_string(),
                    };
                    let message = format!(
                        "`{}` is {}, this is {}: they cannot wait for each other",
                        name.value,
                        place(phases[*first]),
                        place(phases[at])
                    );
                    problems.push(
                        Problem::error("name", message, name.span, "here").help("let the phases wait for each other"),
                    );
                }
                None => {
                    sound = false;
                    let known = names
                        .iter()
                        .filter(|(_, other)| phases[**other] == phases[at] && **other != at)
                        .map(|(name, _)| name.as_str());
                    problems.push(unknown("step", name, &known.collect::<Vec<_>>()));
                }
            }
        }
        after.sort_unstable();
        after.dedup();
        items[at].after = after;
    }
    sound.then_some(())
}

/// All items, each after what it waits for, else as written.
fn in_order(items: &[Item], problems: &mut Problems) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = items.iter().map(|item| item.after.len()).collect();
    let mut followers = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        item.after.iter().for_each(|first| followers[*first].push(at));
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..items.len()).filter(|at| left[*at] == 0).collect();
    let mut order = Vec::with_capacity(items.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for next in &followers[at] {
            left[*next] -= 1;
            if left[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    if order.len() == items.len() {
        return Some(order);
    }
    // Every stuck item waits for a stuck one: walking backwards must come round.
    let stuck = |at: usize| left[at] > 0;
    let mut at = (0..items.len()).find(|at| stuck(*at))?;
    let mut way = Vec::new();
    while !way.contains(&at) {
        way.push(at);
        at = items[at].after.iter().copied().find(|first| stuck(*first))?;
    }
    let first = way.iter().position(|one| *one == at)?;
    let circle: Vec<&str> = way[first..].iter().map(|at| items[*at].name.as_str()).collect();
    let name = items[at].usual.after.first()?;
    problems.push(Problem::error(
        "circle",
        format!("steps wait for each other in a circle: {} -> {}", circle.join(" -> "), items[at].name),
        name.span,
        "one of these must not wait",
    ));
    None
}
